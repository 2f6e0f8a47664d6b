from __future__ import annotations

import warnings

import numpy as np
import pytest

from territory.errors import TerritoryWarning
from territory.network.graph.topology import NOT_SNAPPED_TO
from territory.network.maps.osm import read_lines
from territory.network.roads import RoadNetwork
from tests.network.oracles_roads import junction_points, last_streets, turn_times


def read(path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", TerritoryWarning)
        return read_lines(path)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["andorra_2025.osm.pbf", "monaco_2016.osm.pbf"])
def test_times_between_junctions_equal_scipy_on_single_steps(shared_data, name):
    lines = read(shared_data / "roads" / name)
    network = RoadNetwork.from_road_lines(lines)
    roads = network.roads
    barred = np.isin(roads.ways.class_names, NOT_SNAPPED_TO)
    served = ~barred[roads.ways.road_class[roads.hop_way[roads.chain_start[:-1]]]] & network.topology.is_main
    junctions = np.unique(roads.tail[served])
    rows = np.random.default_rng(4).choice(junctions, 40, replace=False)
    points, nodes = junction_points(roads, lines, rows)
    expected = turn_times(lines, nodes, nodes, is_last=last_streets(roads, lines))
    for engine in ("dijkstra", "hierarchy"):
        minutes = network.travel_time_matrix(points, points, engine=engine)
        np.testing.assert_array_equal(minutes, (expected / 60_000).astype(np.float32), err_msg=engine)


@pytest.mark.slow
def test_other_containers_are_read_alike(shared_data):
    lines = read(shared_data / "roads" / "andorra_2013.osm.gz")
    assert len(lines.ways) > 1000
    assert RoadNetwork.from_road_lines(lines).length_km == pytest.approx(421, abs=2)
