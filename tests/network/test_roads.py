from __future__ import annotations

import warnings

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from territory.errors import NetworkError, ParameterError
from territory.network import od_search
from territory.network.maps.osm import read_osm, sample_network
from territory.network.points import ACCESS_KMH
from territory.network.roads import RoadNetwork
from territory.tables.schemas import validate
from tests.network.small_maps import metres, points, write_osm

# 36 km/h is 10 m/s: seconds are metres over ten
PLAIN = {"default_kmh": 36.0, "legal_factor": np.nan, "signal_s": 0.0, "stop_s": 0.0, "junction_s": 0.0}


def plain(network: RoadNetwork) -> RoadNetwork:
    return network.with_speeds(network.speeds.assign(**PLAIN))


def make(tmp_path, nodes, ways, relations=None) -> RoadNetwork:
    return plain(read_osm(write_osm(tmp_path / "m.osm", nodes, ways, relations)))


def seconds(network, one, two, **options) -> float:
    return float(network.travel_time_matrix(points(a=one), points(b=two), **options)[0, 0] * 60)


A, B, C, D = (6.40, 43.50), (6.40, 43.51), (6.42, 43.51), (6.42, 43.50)
ROAD, ONE_WAY = {"highway": "primary"}, {"highway": "primary", "oneway": "yes"}


def square(tmp_path, tags=ROAD):
    return make(
        tmp_path,
        {1: A, 2: B, 3: C, 4: D},
        {1: ([1, 2], tags), 2: ([2, 3], tags), 3: ([3, 4], tags), 4: ([4, 1], tags)},
    )


def between(one, two, share):
    return tuple(p + share * (q - p) for p, q in zip(one, two, strict=True))


def test_the_part_of_the_segment_and_the_access_leg_are_counted(tmp_path):
    network = square(tmp_path)
    start, end = between(A, B, 0.25), between(B, C, 0.5)
    expected = (metres(start, B) + metres(B, end)) / 10
    assert seconds(network, start, end) == pytest.approx(expected, abs=0.05)
    beside = (start[0] - 0.001, start[1])
    access = metres(beside, start) / (ACCESS_KMH["car"] / 3.6)
    assert seconds(network, beside, end) == pytest.approx(expected + access, rel=2e-3)
    assert seconds(network, end, beside) == pytest.approx(expected + access, rel=2e-3)


def test_two_points_of_one_segment_do_not_leave_it(tmp_path):
    network = square(tmp_path)
    one, two = between(A, B, 0.2), between(A, B, 0.7)
    for start, end in ((one, two), (two, one)):
        assert seconds(network, start, end) == pytest.approx(metres(one, two) / 10, abs=0.05)
    assert seconds(network, one, one) == pytest.approx(0, abs=0.05)


def test_on_a_one_way_street_one_goes_round_to_a_point_behind(tmp_path):
    network = square(tmp_path, ONE_WAY)
    one, two = between(A, B, 0.2), between(A, B, 0.7)
    assert seconds(network, one, two) == pytest.approx(metres(one, two) / 10, abs=0.05)
    around = metres(A, B, C, D, A) / 10
    assert seconds(network, two, one) == pytest.approx(around - metres(one, two) / 10, abs=0.1)


def test_a_shorter_way_round_beats_the_segment_itself(tmp_path):
    nodes = {1: A, 2: (6.41, 43.55), 3: (6.4002, 43.50)}
    ways = {1: ([1, 2, 3], ROAD), 2: ([1, 3], ROAD)}
    network = make(tmp_path, nodes, ways)
    start, end = between(A, nodes[2], 0.01), between(nodes[3], nodes[2], 0.01)
    expected = (metres(start, A) + metres(A, nodes[3]) + metres(nodes[3], end)) / 10
    assert seconds(network, start, end) == pytest.approx(expected, abs=0.2)


def test_directions_of_ways_written_backwards(tmp_path):
    nodes = {1: A, 2: B, 3: C}
    back = {"highway": "primary", "oneway": "-1"}
    network = make(
        tmp_path, nodes, {1: ([1, 2], back), 2: ([1, 2], {"highway": "service"}), 3: ([2, 3], ROAD)}
    )
    quick = network.speeds
    quick.loc[quick["road_class"] == "service", "default_kmh"] = 18.0
    network = network.with_speeds(quick)
    assert seconds(network, B, A) == pytest.approx(metres(A, B) / 10, abs=0.05)
    assert seconds(network, A, B) == pytest.approx(metres(A, B) / 5, abs=0.05)


CROSS = {1: (6.40, 43.51), 2: (6.41, 43.51), 3: (6.42, 43.51), 4: (6.41, 43.52), 5: (6.41, 43.50)}
ARMS = {1: ([1, 2], ROAD), 2: ([2, 3], ROAD), 3: ([2, 4], ROAD), 4: ([2, 5], ROAD)}


@pytest.mark.parametrize(
    "tags, banned, free",
    [
        ({"restriction": "no_left_turn"}, [4], [3, 5]),
        ({"restriction": "only_left_turn"}, [3, 5], [4]),
        ({"restriction": "no_left_turn", "except": "motorcar"}, [], [3, 4, 5]),
        ({"restriction": "no_left_turn", "except": "bus;psv"}, [4], [3, 5]),
        ({"restriction:motorcar": "no_left_turn"}, [4], [3, 5]),
        ({"restriction:hgv": "no_left_turn"}, [], [3, 4, 5]),
    ],
)
def test_turn_restrictions_at_a_node(tmp_path, tags, banned, free):
    relation = {9: ([("w", 1, "from"), ("n", 2, "via"), ("w", 3, "to")], {"type": "restriction", **tags})}
    network = make(tmp_path, CROSS, ARMS, relation)
    for target in free:
        expected = metres(CROSS[1], CROSS[2], CROSS[target]) / 10
        assert seconds(network, CROSS[1], CROSS[target]) == pytest.approx(expected, abs=0.1)
        # a point inside the street is reached like its end
        inside = between(CROSS[2], CROSS[target], 0.3)
        assert seconds(network, CROSS[1], inside) == pytest.approx(
            metres(CROSS[1], CROSS[2], inside) / 10, abs=0.1
        )
    for target in banned:
        direct = metres(CROSS[1], CROSS[2], CROSS[target]) / 10
        detour = min(metres(CROSS[2], CROSS[arm], CROSS[2]) for arm in free if arm != target) / 10
        assert seconds(network, CROSS[1], CROSS[target]) == pytest.approx(direct + detour, abs=0.2)
        inside = between(CROSS[2], CROSS[target], 0.3)
        assert seconds(network, CROSS[1], inside) == pytest.approx(
            metres(CROSS[1], CROSS[2], inside) / 10 + detour, abs=0.2
        )
    # nobody else is concerned, and the crossing itself is still reached
    assert seconds(network, CROSS[3], CROSS[4]) == pytest.approx(
        metres(CROSS[3], CROSS[2], CROSS[4]) / 10, abs=0.1
    )
    assert seconds(network, CROSS[1], CROSS[2]) == pytest.approx(metres(CROSS[1], CROSS[2]) / 10, abs=0.1)


def scattered(network, count=30, seed=3, spread_m=60):
    rng = np.random.default_rng(seed)
    roads = network.roads
    served = np.flatnonzero(network.topology.is_main[roads.chain_of_vertex()])
    rows = rng.choice(served, count)
    places = gpd.points_from_xy(
        roads.x[rows] + rng.normal(0, spread_m, count), roads.y[rows] + rng.normal(0, spread_m, count)
    )
    return gpd.GeoDataFrame(index=[f"p{row}" for row in range(count)], geometry=places, crs=network.crs)


@pytest.fixture(scope="module")
def andorra(shared_data):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return read_osm(shared_data / "roads" / "andorra_2025.osm.pbf")


@pytest.fixture(scope="module", params=["sample", "andorra"])
def network(request):
    return sample_network() if request.param == "sample" else request.getfixturevalue("andorra")


def test_engines_threads_and_distances_agree(network):
    site = scattered(network)
    tables = [
        network.travel_times(site, site, engine="dijkstra", threads=1),
        network.travel_times(site, site, engine="dijkstra", threads=2),
        network.travel_times(site, site, engine="hierarchy", threads=2),
        network.travel_times(site, site, with_distance=True).drop(columns="distance_km"),
    ]
    for table in tables[1:]:
        pd.testing.assert_frame_equal(table, tables[0])
    matrix = network.travel_time_matrix(site, site, engine="hierarchy")
    np.testing.assert_array_equal(matrix.ravel(), tables[0]["travel_time_min"].to_numpy().astype(np.float32))
    validate("travel_times", tables[0])


def test_a_cutoff_keeps_what_is_within_it_inclusive(network):
    site = scattered(network)
    whole = network.travel_times(site, site)
    limit = float(whole["travel_time_min"].quantile(0.4, interpolation="nearest"))
    kept = whole[whole["travel_time_min"] <= limit].reset_index(drop=True)
    for engine in ("dijkstra", "hierarchy"):
        table = network.travel_times(site, site, max_time_min=limit, engine=engine)
        pd.testing.assert_frame_equal(table, kept, check_flags=False)
        assert table.attrs["cutoff_min"] == limit
    far = network.travel_times(site, site, max_time_min=limit, with_distance=True)
    pd.testing.assert_frame_equal(far.drop(columns="distance_km"), kept)
    assert np.isnan(whole.attrs["cutoff_min"])


def test_the_order_of_the_points_changes_nothing(network):
    site = scattered(network)
    order = np.random.default_rng(1).permutation(len(site))
    matrix = network.travel_time_matrix(site, site)
    np.testing.assert_array_equal(network.travel_time_matrix(site.iloc[order], site), matrix[order])
    np.testing.assert_array_equal(network.travel_time_matrix(site, site.iloc[order]), matrix[:, order])
    table = network.travel_times(site.iloc[order], site)
    assert table["from_id"].unique().tolist() == site.index[order].tolist()


def test_other_speeds_on_the_same_map_equal_a_map_built_with_them(network):
    site = scattered(network)
    table = network.speeds
    table["default_kmh"] *= np.random.default_rng(0).uniform(0.5, 1.5, len(table))
    prepared = network.prepare()
    again = prepared.with_speeds(table)
    assert again.topology.hierarchy is prepared.topology.hierarchy
    fresh = RoadNetwork(type(network.topology)(network.roads), table)
    assert not fresh.is_prepared
    expected = fresh.travel_time_matrix(site, site, engine="dijkstra")
    np.testing.assert_array_equal(again.travel_time_matrix(site, site, engine="hierarchy"), expected)
    assert not np.array_equal(network.travel_time_matrix(site, site), expected)


def test_the_distance_is_that_of_the_fastest_path(tmp_path):
    # a long fast road and a short slow one
    nodes = {1: A, 2: (6.41, 43.53), 3: C}
    ways = {1: ([1, 2, 3], {"highway": "primary"}), 2: ([1, 3], {"highway": "service"})}
    network = make(tmp_path, nodes, ways)
    ends = points(a=A), points(c=C)
    assert network.travel_times(*ends, with_distance=True)["distance_km"].iloc[0] == pytest.approx(
        metres(A, C) / 1000, abs=2e-3
    )
    table = network.speeds
    table.loc[table["road_class"] == "service", "default_kmh"] = 5.0
    slow = network.with_speeds(table).travel_times(*ends, with_distance=True)
    assert slow["distance_km"].iloc[0] == pytest.approx(metres(A, nodes[2], C) / 1000, abs=2e-3)
    inside = points(a=between(A, C, 0.2)), points(b=between(A, C, 0.4))
    assert network.travel_times(*inside, with_distance=True)["distance_km"].iloc[0] == pytest.approx(
        metres(A, C) / 5000, abs=2e-3
    )


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5), st.integers(0, 50)), max_size=30))
def test_merging_keeps_the_fastest_time_of_each_pair(rows):
    best: dict[tuple[int, int], int] = {}
    for origin, destination, time in rows:
        best[origin, destination] = min(best.get((origin, destination), 10**9), time)
    half = len(rows) // 2

    def pairs(part):
        columns = np.array(part, dtype=np.int64).reshape(-1, 3).T
        return od_search.Pairs(*columns)

    first = {
        (origin, destination): time
        for origin, destination, time in sorted(rows[:half], key=lambda row: -row[2])
    }
    merged = od_search.least_of_both(
        pairs([(*pair, time) for pair, time in sorted(first.items())]), pairs(rows[half:])
    )
    got = dict(
        zip(
            zip(merged.origin.tolist(), merged.destination.tolist(), strict=True),
            merged.value.tolist(),
            strict=True,
        )
    )
    assert got == best


def test_millions_of_rows_have_categorical_identifiers(monkeypatch):
    network = sample_network()
    monkeypatch.setattr("territory.network.od_search.CATEGORICAL_FROM_ROWS", 4)
    table = network.travel_times(points(A=A, B=B), points(A=A, B=B))
    assert isinstance(table["from_id"].dtype, pd.CategoricalDtype)
    assert table["to_id"].astype(str).tolist() == ["A", "B", "A", "B"]


def test_the_engine_is_chosen_by_cost():
    from territory.network.roads import choose_engine

    network = sample_network()
    assert choose_engine(network, "auto", 10, 3_600_000) == "dijkstra"
    assert choose_engine(network, "auto", 5_000, 2**30) == "hierarchy"
    assert choose_engine(network.prepare(), "auto", 1, 3_600_000) == "hierarchy"
    for engine in ("osrm", ""):
        with pytest.raises(ParameterError, match="Moteur"):
            network.travel_times(points(a=A), points(b=B), engine=engine)
    with pytest.raises(ParameterError, match="max_time_min=-1"):
        network.travel_times(points(a=A), points(b=B), max_time_min=-1)
    with pytest.raises(NetworkError, match="système de coordonnées"):
        network.travel_times(points(a=A).set_crs(None, allow_override=True), points(b=B))


def test_an_order_in_the_cache_is_used_and_a_bad_one_replaced(tmp_path):
    network = sample_network().prepare(cache=tmp_path)
    (kept,) = tmp_path.glob("order-*.npy")
    other = sample_network().prepare(cache=tmp_path)
    np.testing.assert_array_equal(other.topology.rank, network.topology.rank)
    for bad in (b"no array", None):
        if bad is None:
            np.save(kept, np.zeros(network.topology.arcs.n_nodes, dtype=np.int32))
        else:
            kept.write_bytes(bad)
        again = sample_network().prepare(cache=tmp_path)
        np.testing.assert_array_equal(again.topology.rank, network.topology.rank)
        np.testing.assert_array_equal(np.load(kept), network.topology.rank)


def test_representations_are_short_and_in_french():
    network = sample_network()
    assert repr(network).startswith("<RoadNetwork « exemple »")
    assert "heures creuses" in repr(network)
    html = network._repr_html_()
    assert html.count("<tr>") == 7
    assert "Interdictions de tourner" in html
