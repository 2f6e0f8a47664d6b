from __future__ import annotations

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from territory.errors import NetworkError, ParameterError
from territory.network.graph.topology import index_hops, nearest_hops
from territory.network.maps.osm import read_osm, sample_network
from tests.network.small_maps import metres, points, snap, write_osm

MAINLAND = {1: (6.40, 43.50), 2: (6.40, 43.51), 3: (6.41, 43.51)}
ISLAND = {11: (6.43, 43.50), 12: (6.43, 43.51)}
ROAD = {"highway": "primary"}


@pytest.fixture
def with_island(tmp_path):
    ways = {1: ([1, 2, 3], ROAD), 2: ([1, 3], ROAD), 3: ([11, 12], ROAD)}
    return read_osm(write_osm(tmp_path / "ile.osm", {**MAINLAND, **ISLAND}, ways))


def test_only_the_main_network_takes_points_unless_asked(with_island):
    site = points(port=(6.4305, 43.505), ville=(6.40, 43.505))
    near = snap(with_island, site, islands=True)
    assert near["is_island"].tolist() == [True, False]
    assert near["distance_m"].iloc[0] == pytest.approx(metres((6.4305, 43.505), (6.43, 43.505)), rel=2e-3)
    assert near.index.tolist() == ["port", "ville"]
    assert str(near.crs) == with_island.crs
    far = snap(with_island, site, max_snap_m=5000)
    assert far["is_island"].tolist() == [False, False]
    assert far["distance_m"].iloc[0] > 1500


def test_an_island_is_out_of_reach_and_said_so(with_island):
    site = points(port=(6.43, 43.505), ville=(6.40, 43.505))
    matrix = with_island.travel_time_matrix(site, site, islands=True)
    assert np.isinf(matrix).tolist() == [[False, True], [True, False]]
    table = with_island.travel_times(site, site, islands=True)
    assert list(zip(table["from_id"], table["to_id"], strict=True)) == [("port", "port"), ("ville", "ville")]


def test_points_outside_the_map_are_named_with_their_distance(with_island):
    outside = points(A=(6.40, 43.50), B=(6.40, 43.60), C=(2.35, 48.86))
    with pytest.raises(NetworkError) as caught:
        with_island.travel_times(outside, outside)
    text = str(caught.value)
    assert "2 des 3 points (origines) sont à plus de 2000 m" in text
    assert "B à 10,0 km, C à 6" in text
    assert "« ile.osm »" in text
    with pytest.raises(ParameterError, match="max_snap_m"):
        snap(with_island, outside, max_snap_m=0)


def test_motorways_and_ferries_take_no_point(tmp_path):
    nodes = {1: (6.40, 43.50), 2: (6.42, 43.50), 3: (6.40, 43.51), 4: (6.42, 43.51)}
    ways = {
        1: ([1, 2], {"highway": "motorway"}),
        2: ([2, 4], {"highway": "trunk"}),
        3: ([4, 3], {"highway": "primary"}),
        4: ([3, 1], {"highway": "trunk"}),
    }
    network = read_osm(write_osm(tmp_path / "m.osm", nodes, ways))
    snapped = snap(network, points(A=(6.41, 43.504)))
    assert snapped["road_class"].tolist() == ["primary"]
    ways[3] = ([4, 3], {"highway": "motorway"})
    ways[2], ways[4] = ([2, 4], {"highway": "motorway"}), ([3, 1], {"highway": "motorway"})
    with pytest.raises(NetworkError, match="A à aucune route"):
        snap(read_osm(write_osm(tmp_path / "m.osm", nodes, ways)), points(A=(6.41, 43.504)))


@given(st.integers(0, 10_000), st.floats(1.0, 50_000.0))
def test_the_nearest_segment_is_that_of_brute_force(seed, spread_m):
    roads = sample_network().roads
    rng = np.random.default_rng(seed)
    x = rng.choice(roads.x, 20) + rng.normal(0, spread_m, 20)
    y = rng.choice(roads.y, 20) + rng.normal(0, spread_m, 20)
    index = index_hops(roads, np.ones(roads.x.size, dtype=bool))
    places = nearest_hops(roads, index, x, y, max_distance_m=1e9)
    hops = np.flatnonzero(~roads.void_hops())
    ends = [[(roads.x[i], roads.y[i]), (roads.x[i + 1], roads.y[i + 1])] for i in hops]
    streets = shapely.union_all([shapely.LineString(one) for one in ends])
    np.testing.assert_allclose(
        places.distance_m, shapely.distance(streets, shapely.points(x, y)), rtol=1e-9, atol=1e-6
    )
    np.testing.assert_allclose(shapely.distance(streets, shapely.points(places.x, places.y)), 0, atol=1e-6)


def test_a_long_segment_is_found_from_its_middle_whichever_way_it_goes(tmp_path):
    # up, right, down, left and up again among short steps, which make the cells of the index small
    corners = [(6.40, 43.50), (6.40, 43.60), (6.45, 43.60), (6.45, 43.52), (6.42, 43.52), (6.42, 43.57)]
    steps = [(6.42 + 0.00002 * step, 43.57 + 0.00002 * (step % 2)) for step in range(1, 800)]
    nodes = dict(enumerate([*corners, *steps], 1))
    roads = read_osm(write_osm(tmp_path / "m.osm", nodes, {1: (list(nodes), ROAD)})).roads
    hops = np.flatnonzero((roads.hop_length_m > 1000) & ~roads.void_hops())
    assert hops.size == 5
    x, y = ((axis[hops] + axis[hops + 1]) / 2 for axis in (roads.x, roads.y))
    index = index_hops(roads, np.ones(roads.x.size, dtype=bool))
    places = nearest_hops(roads, index, x, y, max_distance_m=1e9)
    assert places.hop.tolist() == hops.tolist()
    np.testing.assert_allclose(places.share, 0.5)


def test_on_a_real_map_the_nearest_segment_is_that_of_shapely(shared_data):
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        network = read_osm(shared_data / "roads" / "andorra_2025.osm.pbf")
    roads = network.roads
    rng = np.random.default_rng(5)
    x, y = (rng.uniform(axis.min() - 3000, axis.max() + 3000, 500) for axis in (roads.x, roads.y))
    hops = np.flatnonzero(~roads.void_hops())
    ends = np.stack([np.column_stack([roads.x[i], roads.y[i]]) for i in (hops, hops + 1)], axis=1)
    tree = shapely.STRtree(shapely.linestrings(ends))
    _, expected = tree.query_nearest(shapely.points(x, y), return_distance=True, all_matches=False)
    index = index_hops(roads, np.ones(roads.x.size, dtype=bool))
    got = nearest_hops(roads, index, x, y, max_distance_m=np.inf)
    np.testing.assert_allclose(got.distance_m, expected, rtol=1e-9)
    capped = nearest_hops(roads, index, x, y, max_distance_m=800.0)
    np.testing.assert_array_equal(capped.hop >= 0, expected <= 800.0)


def test_a_table_of_points_is_read_whatever_its_projection():
    network = sample_network()
    site = points(A=(6.401, 43.505))
    one, two = snap(network, site), snap(network, site.to_crs(2154))
    assert one["distance_m"].iloc[0] == pytest.approx(two["distance_m"].iloc[0], abs=1e-6)
    series = snap(network, gpd.GeoDataFrame(geometry=site.geometry))
    assert len(series) == 1
