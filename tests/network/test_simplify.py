from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyproj import Geod

from territory.errors import NetworkError
from territory.network.graph.arrays import Restriction, RoadLines
from territory.network.graph.simplify import ground_m, hilbert_order, prepare
from territory.network.graph.topology import Topology
from territory.network.maps.profiles import drive, way_table
from territory.network.roads import RoadNetwork
from tests.network.oracles_roads import junction_points, last_streets, turn_times


def lines_of(places, ways, **options):
    """Roads from node places and ways as (nodes, tags)."""
    number = {node: row for row, node in enumerate(places)}
    steps = np.array([number[node] for nodes, _ in ways for node in nodes], dtype=np.int32)
    return RoadLines(
        ways=way_table(np.arange(len(ways)), [drive(tags) for _, tags in ways], np.arange(len(ways))),
        start=np.concatenate([[0], np.cumsum([len(nodes) for nodes, _ in ways])]),
        node=steps,
        lon=np.array([lon for lon, _ in places.values()]),
        lat=np.array([lat for _, lat in places.values()]),
        length_m=np.full(len(ways), np.nan),
        **options,
    )


ROAD = {"highway": "tertiary"}
ONE_WAY = {"highway": "tertiary", "oneway": "yes"}
PLACES = {node: (6.4 + 0.001 * (node % 10), 43.5 + 0.001 * (node // 10)) for node in range(100)}


def shape(ways, **options):
    roads = prepare(lines_of(PLACES, ways, **options))
    return roads.n_chains, roads.n_junctions, roads.x.size


def test_ways_that_follow_one_another_make_one_chain_that_keeps_its_vertices():
    assert shape([((0, 1, 2), ROAD), ((2, 3), {"highway": "secondary"}), ((4, 3), ROAD)]) == (1, 2, 5)


def test_a_change_of_direction_or_of_openness_ends_a_chain():
    assert shape([((0, 1), ONE_WAY), ((1, 2), ONE_WAY)]) == (1, 2, 3)
    assert shape([((0, 1), ONE_WAY), ((2, 1), ONE_WAY)]) == (2, 3, 4)
    assert shape([((0, 1), ONE_WAY), ((1, 2), ROAD)]) == (2, 3, 4)
    assert shape([((0, 1), ONE_WAY), ((2, 1), {"highway": "tertiary", "oneway": "-1"})]) == (1, 2, 3)


def test_crossings_dead_ends_loops_and_parallels():
    # a cross of two ways
    assert shape([((10, 11, 12), ROAD), ((1, 11, 21), ROAD)]) == (4, 5, 8)
    # ways that cross without a common node do not meet
    assert shape([((0, 22), ROAD), ((2, 20), ROAD)]) == (2, 4, 4)
    # a loop on a stem, and a loop alone
    assert shape([((0, 1), ROAD), ((1, 2, 12, 1), ROAD)]) == (2, 2, 6)
    assert shape([((1, 2, 12, 1), ROAD)]) == (1, 1, 4)
    # two ways between the same crossings
    assert shape([((0, 1), ROAD), ((1, 2, 3), ROAD), ((1, 12, 3), ROAD), ((3, 4), ROAD)]) == (4, 4, 10)


def test_repeated_nodes_vanish_and_a_point_is_no_road():
    assert shape([((0, 0, 1, 1), ROAD)]) == (1, 2, 2)
    with pytest.raises(NetworkError, match="aucun tronçon"):
        shape([((0, 0), ROAD)])


def test_a_barrier_makes_dead_ends_on_each_side():
    assert shape([((0, 1, 2), ROAD)], barrier_node=np.array([1])) == (2, 4, 4)


def test_a_stated_length_is_shared_among_hops():
    lines = lines_of(PLACES, [((0, 1, 3), ROAD)])
    roads = prepare(RoadLines(**{**vars(lines), "length_m": np.array([3000.0])}))
    np.testing.assert_allclose(roads.hop_length_m, [1000, 2000, 0], rtol=1e-5)


@given(st.floats(-5, 9), st.floats(42, 51), st.floats(-0.01, 0.01), st.floats(-0.01, 0.01))
def test_lengths_are_those_of_geodesics(lon, lat, east, north):
    got = ground_m(lon, lat, lon + east, lat + north)
    expected = Geod(ellps="WGS84").inv(lon, lat, lon + east, lat + north)[2]
    assert got == pytest.approx(expected, rel=1e-6, abs=1e-6)


def test_a_step_over_the_antimeridian_is_as_short_as_elsewhere():
    expected = Geod(ellps="WGS84").inv(179.99, -17, -179.99, -17)[2]
    assert ground_m(179.99, -17.0, -179.99, -17.0) == pytest.approx(expected, rel=1e-6)
    assert ground_m(-179.99, -17.0, 179.99, -17.0) == pytest.approx(expected, rel=1e-6)


def test_the_curve_visits_neighbours_one_after_the_other():
    x, y = (axis.ravel().astype(float) for axis in np.meshgrid(np.arange(16), np.arange(16)))
    order = hilbert_order(x, y, bits=4)
    steps = np.abs(np.diff(x[order])) + np.abs(np.diff(y[order]))
    assert sorted(order.tolist()) == list(range(256))
    assert (steps == 1).all()


@st.composite
def street_maps(draw):
    """Random ways on a small grid of nodes, some one-way, with signals, barriers and restrictions."""
    node = st.integers(0, 24)
    # no three nodes on a line: a node that another street passes over would be ambiguous
    shift = np.random.default_rng(0).uniform(-3e-4, 3e-4, (25, 2))
    place = {
        n: (6.4 + 0.001 * (n % 5) + float(shift[n, 0]), 43.5 + 0.001 * (n // 5) + float(shift[n, 1]))
        for n in range(25)
    }
    tags = st.sampled_from(
        [
            ROAD,
            ONE_WAY,
            {"highway": "residential"},
            {"highway": "tertiary", "oneway": "-1"},
            {"highway": "service"},
            {"highway": "service", "access": "destination"},
        ]
    )
    ways = draw(st.lists(st.tuples(st.lists(node, min_size=2, max_size=6), tags), min_size=1, max_size=14))
    ways = [(nodes, tag) for nodes, tag in ways if len(set(nodes)) > 1]
    if not ways:
        ways = [([0, 1], ROAD)]
    used = sorted({n for nodes, _ in ways for n in nodes})
    signals = draw(st.lists(st.sampled_from(used), unique=True, max_size=3))
    barriers = draw(st.lists(st.sampled_from(used), unique=True, max_size=2))
    # some ways of one step, through which restrictions pass
    steps = draw(st.lists(st.tuples(node, node).filter(lambda pair: pair[0] != pair[1]), max_size=3))
    ways += [(list(pair), ROAD) for pair in steps]
    restrictions = draw(st.lists(restriction(ways, range(len(ways) - len(steps), len(ways))), max_size=6))
    return lines_of(
        place,
        ways,
        kind_node=np.array(signals, dtype=np.int32),
        kind=np.full(len(signals), 3, dtype=np.int8),
        barrier_node=np.array(barriers, dtype=np.int32),
        restrictions=tuple({one for one in restrictions if one and not set(one.nodes) & set(barriers)}),
    )


@st.composite
def restriction(draw, ways, passed):
    """A turn restriction at a node or through one way or two, or none where ways do not meet."""
    rows = st.integers(0, len(ways) - 1)
    middle = draw(st.lists(st.sampled_from(passed), max_size=2, unique=True)) if passed else []
    is_only = draw(st.booleans())
    if not middle:
        one, two = draw(rows), draw(rows)
        common = sorted(set(ways[one][0]) & set(ways[two][0]))
        return Restriction((one, two), (draw(st.sampled_from(common)),), is_only) if common else None
    nodes = [draw(st.sampled_from(ways[middle[0]][0]))]
    for row in middle:
        ends = ways[row][0]
        if nodes[-1] not in ends:
            return None
        nodes.append(ends[1 - ends.index(nodes[-1])])
    left = [row for row in range(len(ways)) if nodes[0] in ways[row][0] and row not in middle]
    entered = [row for row in range(len(ways)) if nodes[-1] in ways[row][0] and row not in middle]
    if not left or not entered or len(set(nodes)) < len(nodes):
        return None
    first, last = draw(st.sampled_from(left)), draw(st.sampled_from(entered))
    return Restriction((first, *middle, last), tuple(nodes), is_only)


@given(street_maps())
def test_random_maps_give_the_times_of_single_steps_with_either_engine(lines):
    try:
        network = RoadNetwork.from_road_lines(lines)
    except NetworkError:
        # every hop was a barrier's or a repeated node's
        return
    barriers = set(lines.barrier_node.tolist())
    rows = np.arange(network.roads.n_junctions)
    frame, nodes = junction_points(network.roads, lines, rows)
    rows = np.array(
        [row for row, node in zip(rows, nodes, strict=True) if node not in barriers], dtype=np.int64
    )
    if rows.size == 0:
        return
    frame, nodes = junction_points(network.roads, lines, rows)
    expected = turn_times(lines, nodes, nodes, is_last=last_streets(network.roads, lines))
    expected = (expected / 60_000).astype(np.float32)
    for engine in ("dijkstra", "hierarchy"):
        got = network.travel_time_matrix(frame, frame, engine=engine, islands=True)
        np.testing.assert_array_equal(got, expected, err_msg=engine)


@given(street_maps(), st.randoms(use_true_random=False))
def test_the_order_of_the_ways_changes_nothing(lines, random):
    order = list(range(len(lines.ways)))
    random.shuffle(order)
    back = np.argsort(order)
    steps = [np.arange(lines.start[row], lines.start[row + 1]) for row in order]
    taken = np.concatenate(steps)
    ways = {
        name: value[order] if isinstance(value, np.ndarray) else value
        for name, value in vars(lines.ways).items()
    }
    restrictions = tuple(
        one._replace(ways=tuple(back[list(one.ways)].tolist())) for one in lines.restrictions
    )
    shuffled = RoadLines(
        **{
            **vars(lines),
            "ways": type(lines.ways)(**ways),
            "start": np.concatenate([[0], np.cumsum([len(step) for step in steps])]),
            "node": lines.node[taken],
            "restrictions": restrictions,
        }
    )
    networks = []
    for one in (lines, shuffled):
        try:
            networks.append(RoadNetwork.from_road_lines(one))
        except NetworkError:
            return
    import geopandas as gpd

    rng = np.random.default_rng(random.randrange(100))
    places = gpd.points_from_xy(6.4 + 0.004 * rng.random(12), 43.5 + 0.004 * rng.random(12))
    points = gpd.GeoDataFrame(index=[str(row) for row in range(12)], geometry=places, crs=4326)
    first, second = (network.travel_time_matrix(points, points, islands=True) for network in networks)
    np.testing.assert_array_equal(first, second)
    assert Topology(networks[0].roads).digest() == networks[0].topology.digest()
