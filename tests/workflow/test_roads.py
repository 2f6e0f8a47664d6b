"""A study on a road map: one that the test writes, a road from each commune to its neighbours."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import osmium
import pytest
from scipy.spatial import Delaunay

import territory
from territory.datasets import load_dataset
from territory.errors import NetworkError


@pytest.fixture(scope="module")
def road_map(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("roads") / "var.osm.pbf"
    communes = load_dataset("var").communes
    metres = np.column_stack([communes.geometry.x, communes.geometry.y])
    degrees = communes.geometry.to_crs(4326)
    triangles = Delaunay(metres).simplices
    pairs = {tuple(sorted((a, b))) for t in triangles for a, b in ((t[0], t[1]), (t[1], t[2]), (t[0], t[2]))}
    with osmium.SimpleWriter(str(path)) as writer:
        for number, point in enumerate(degrees, start=1):
            writer.add_node(osmium.osm.mutable.Node(id=number, location=(point.x, point.y)))
        for number, (a, b) in enumerate(sorted(pairs), start=1):
            tags = {"highway": "secondary", "maxspeed": "80"}
            writer.add_way(osmium.osm.mutable.Way(id=number, nodes=[int(a) + 1, int(b) + 1], tags=tags))
    return path


def test_study_on_a_road_map(road_map: Path, tmp_path: Path) -> None:
    result = territory.run_study("draguignan", roads=road_map, out_dir=tmp_path)
    assert result.times_method == "roads"
    access = result.baseline.access
    # a straight road at some 60 to 80 km/h between Salernes and Draguignan, 18 km apart
    assert 12 <= access.loc[("83121", "cmpp-draguignan"), "travel_time_min"] <= 30
    assert access.loc[("83050", "cmpp-draguignan"), "travel_time_min"] > 0
    assert result.comparisons["B"].zones.loc[("248300493", "ime-salernes"), "persons_gain"] > 0
    estimated = territory.run_study("draguignan")
    assert result.run_digest != estimated.run_digest
    assert any(key.startswith("roads: var.osm.pbf") for key in result.manifest["inputs_sha256"])


def test_a_map_of_elsewhere_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "ailleurs.osm.pbf"
    with osmium.SimpleWriter(str(path)) as writer:
        for number, x in enumerate((2.30, 2.31), start=1):
            writer.add_node(osmium.osm.mutable.Node(id=number, location=(x, 48.85)))
        writer.add_way(osmium.osm.mutable.Way(id=1, nodes=[1, 2], tags={"highway": "primary"}))
    with pytest.raises(NetworkError, match="km"):
        territory.run_study("draguignan", roads=path)
