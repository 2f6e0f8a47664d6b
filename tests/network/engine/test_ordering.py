from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from territory.network.engine import Graph, Hierarchy, order_nodes
from territory.network.engine.ordering import _STEPS, _whole_coordinates, neighbours
from territory.network.engine.separators import MIDDLE, SINK, SOURCE, far_cut, max_flow, near_cut, split
from tests.network.engine.oracles_routing import Town, grid, towns


def order_of(town: Town, *, threads: int | None = 1) -> np.ndarray:
    return order_nodes(town.n_nodes, town.tails, town.heads, town.x, town.y, threads=threads)


def arcs_above(town: Town, rank: np.ndarray) -> int:
    """Return how many arcs contraction in an order leaves, by joining neighbours one node at a time."""
    near: list[set[int]] = [set() for _ in range(town.n_nodes)]
    for tail, head in zip(town.tails, town.heads, strict=True):
        if tail != head:
            near[tail].add(head)
            near[head].add(tail)
    total = 0
    for node in np.argsort(rank).tolist():
        total += len(near[node])
        for one in near[node]:
            near[one] |= near[node] - {one}
            near[one].discard(node)
    return total


def test_coordinates_fill_what_their_sums_can_bear() -> None:
    across, along = _whole_coordinates([-5.0, 0.0, 15.0], [40.0, 41.0, 42.0])
    assert across.tolist() == [0, round((_STEPS - 1) / 4), _STEPS - 1]
    assert along.tolist() == [0, round((_STEPS - 1) / 20), round((_STEPS - 1) / 10)]


@given(towns(most_nodes=120))
def test_gives_every_rank_once(town: Town) -> None:
    rank = order_of(town)
    assert rank.dtype == np.int32
    assert sorted(rank.tolist()) == list(range(town.n_nodes))


@given(towns(most_nodes=120), st.randoms(use_true_random=False))
def test_neither_edges_in_another_order_nor_threads_change_ranks(town: Town, random) -> None:
    mixed = list(range(len(town.tails)))
    random.shuffle(mixed)
    tails, heads = [town.tails[row] for row in mixed], [town.heads[row] for row in mixed]
    other = order_nodes(town.n_nodes, tails, heads, town.x, town.y, threads=3)
    assert (other == order_of(town)).all()


def test_threads_change_no_rank_of_a_large_map() -> None:
    town = grid(120, 100)
    assert (order_of(town, threads=1) == order_of(town, threads=4)).all()


@given(towns(most_nodes=40))
def test_contraction_has_the_arcs_that_joining_neighbours_gives(town: Town) -> None:
    rank = order_of(town)
    assert len(Hierarchy.build(town.graph, rank).heads) == arcs_above(town, rank)


def test_cuts_a_grid_in_few_arcs() -> None:
    town = grid(60, 60)
    arcs = len(Hierarchy.build(town.graph, order_of(town)).heads)
    shuffled = np.random.default_rng(0).permutation(town.n_nodes)
    row_by_row = np.arange(town.n_nodes)
    # row by row, every node is joined to the sixty after it; at random it is worse
    assert arcs < len(Hierarchy.build(town.graph, row_by_row).heads) / 4
    assert arcs < len(Hierarchy.build(town.graph, shuffled).heads) / 20


def test_a_chain_and_a_star_gain_no_arc() -> None:
    size = 3000
    chain = Graph.from_edges(size, np.arange(size - 1), np.arange(1, size), np.ones(size - 1, int))
    rank = order_nodes(size, chain.tails, chain.heads, np.arange(size), np.zeros(size))
    hierarchy = Hierarchy.build(chain, rank)
    assert len(hierarchy.heads) <= 2 * size
    depth = np.zeros(size, int)
    for node in range(size - 1, -1, -1):
        if hierarchy.parents[node] >= 0:
            depth[node] = depth[hierarchy.parents[node]] + 1
    assert depth.max() <= 3 * np.log2(size)
    star = order_nodes(
        size, np.zeros(size, int), np.arange(size), np.arange(size) % 50, np.arange(size) // 50
    )
    edges = Graph.from_edges(size, np.zeros(size, int), np.arange(size), np.ones(size, int))
    assert len(Hierarchy.build(edges, star).heads) == size - 1


@pytest.mark.parametrize("size", [0, 1, 2, 5, 70])
def test_small_full_and_piled_up_maps(size: int) -> None:
    pairs = np.array(list(itertools.permutations(range(size), 2)), int).reshape(-1, 2)
    rank = order_nodes(size, pairs[:, 0], pairs[:, 1], np.full(size, 7.0), np.full(size, -3.0))
    assert sorted(rank.tolist()) == list(range(size))


@given(towns(most_nodes=12))
def test_a_separator_separates_and_none_is_smaller(town: Town) -> None:
    assume(town.n_nodes >= 2)
    start, heads = neighbours(town.n_nodes, np.array(town.tails, np.int32), np.array(town.heads, np.int32))
    nodes = np.arange(town.n_nodes, dtype=np.int32)
    x, y = np.array(town.x, np.int64), np.array(town.y, np.int64)
    middle, end = split(nodes, nodes.copy(), start, heads, x, y, 0, town.n_nodes)
    sides = np.empty(town.n_nodes, int)
    sides[nodes[:middle]], sides[nodes[middle:end]], sides[nodes[end:]] = 0, 1, 2
    for node in range(town.n_nodes):
        for other in heads[start[node] : start[node + 1]]:
            assert {sides[node], sides[other]} != {0, 1}
    assert town.n_nodes - end == fewest_cut(town, start, heads)


@pytest.mark.parametrize("seed", range(30))
def test_both_cuts_of_a_flow_separate_with_one_node_a_path(seed: int) -> None:
    # streets at right angles, some of them missing, from the two columns in the west to the two in the east
    town, rng = grid(8, 9, seed=seed), np.random.default_rng(seed)
    size, kept = town.n_nodes, rng.random(len(town.tails)) < 0.5
    tails, heads = (np.array(ends, np.int32)[kept] for ends in (town.tails, town.heads))
    start, heads = neighbours(size, tails, heads)
    start, x = start.astype(np.int32), np.array(town.x)
    roles = np.where(x < 2, SOURCE, np.where(x > 5, SINK, MIDDLE)).astype(np.int8)
    around = [heads[start[node] : start[node + 1]] for node in range(size)]
    sources = [node for node in np.flatnonzero(roles == SOURCE) if (roles[around[node]] != SOURCE).any()]
    paths, rooms = ((np.empty(count, np.int32), np.empty(count, np.int32)) for count in (size, 2 * size))
    seen, sides = np.empty(2 * size, bool), np.empty(size, np.int8)
    starts = np.array(sources, np.int32)
    flow = max_flow((start, heads, roles), starts, size + 1, paths, seen, rooms)
    cuts = []
    for far in (False, True):
        if far:
            count = far_cut((start, heads, roles), paths, seen, rooms[0], sides)
        else:
            count = near_cut(roles, starts, paths[0], seen, sides)
        # as many nodes as there are disjoint paths: a smaller cut does not exist
        assert [(sides == 0).sum(), (sides == 2).sum()] == [count, flow]
        assert not (sides[roles == SOURCE] == 1).any()
        assert not (sides[roles == SINK] == 0).any()
        assert not any((sides[around[node]] == 1).any() for node in np.flatnonzero(sides == 0))
        cuts.append(sides == 0)
    assert not (cuts[0] & ~cuts[1]).any()


def fewest_cut(town: Town, start: np.ndarray, heads: np.ndarray) -> int:
    """Return the least separator of the outermost thirds over all directions, by trying sets of nodes."""
    count = max(1, town.n_nodes // 3)
    best = town.n_nodes
    for across, along in ((1, 0), (0, 1), (1, 1), (1, -1), (2, 1), (2, -1), (1, 2), (1, -2)):
        keys = [across * x + along * y for x, y in zip(town.x, town.y, strict=True)]
        ranked = sorted(range(town.n_nodes), key=lambda node, keys=keys: (keys[node], node))
        first, last = ranked[:count], ranked[town.n_nodes - count :]
        for size in range(best):
            sets = itertools.combinations(range(town.n_nodes), size)
            if any(separates(set(removed), first, last, start, heads) for removed in sets):
                best = size
                break
    return best


def separates(removed: set[int], first: list[int], last: list[int], start, heads) -> bool:
    """Return whether no path leads from the first to the last nodes once some are removed."""
    waiting = [node for node in first if node not in removed]
    seen = set(waiting)
    while waiting:
        node = waiting.pop()
        for other in heads[start[node] : start[node + 1]].tolist():
            if other not in seen and other not in removed:
                seen.add(other)
                waiting.append(other)
    return not seen & set(last)
