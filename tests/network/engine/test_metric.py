from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from territory.errors import ParameterError
from territory.network.engine import MAX_TIME_MS, Graph, Hierarchy, Seeds, limited_search, order_nodes
from territory.network.engine.graph import UNREACHED
from territory.network.engine.metric import Metric, in_source_order
from tests.network.engine.oracles_routing import Town, grid, slow_matrix, towns

Tile = tuple[np.ndarray, np.ndarray, np.ndarray]
LIMITS = st.one_of(st.integers(0, 30), st.just(MAX_TIME_MS))


def limited_tiles(
    metric: Metric, graph: Graph, sources: Seeds, targets: Seeds, limit: int, threads: int = 1
) -> list[Tile]:
    """Return the pairs within a limit, tile after tile, with their times."""
    search = metric.tile_search(graph, targets, limit)
    tiles = search.tiles(sources, metric.labels_of(sources), threads)
    return [
        (rows, columns, labels >> 32 if metric.has_lengths else labels) for rows, columns, labels in tiles
    ]


def limited_pairs(metric: Metric, *given: Any, threads: int = 1) -> Tile:
    """Return the pairs within a limit by source and then target."""
    return in_source_order(limited_tiles(metric, *given, threads=threads), len(given[1]), np.int64)


@given(towns(), LIMITS, st.booleans())
def test_limited_pairs_are_exact(town: Town, limit: int, with_lengths: bool) -> None:
    lengths = np.array(town.lengths, int) if with_lengths else None
    hierarchy = Hierarchy.build(town.graph, np.arange(town.n_nodes))
    metric = hierarchy.customize(np.array(town.weights, int), lengths_dm=lengths)
    rows, columns, times = limited_pairs(metric, town.graph, town.sources, town.targets, limit, threads=1)
    expected = slow_matrix(town, limit)[0]
    assert np.column_stack([rows, columns]).tolist() == np.argwhere(expected <= limit).tolist()
    assert times.tolist() == expected[expected <= limit].tolist()


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_tiles_hold_every_pair_once_whatever_the_threads(threads: int) -> None:
    town = grid(60, 50)
    rank = order_nodes(town.n_nodes, town.tails, town.heads, town.x, town.y)
    metric = Hierarchy.build(town.graph, rank).customize(np.array(town.weights))
    sources, targets = Seeds.at_nodes(np.arange(1, 3000, 2)), Seeds.at_nodes(np.arange(0, 3000, 7))
    expected = limited_search(town.graph, sources, targets, 4000)
    found = limited_pairs(metric, town.graph, sources, targets, 4000, threads=threads)
    assert 0 < len(expected[0]) < len(sources) * len(targets) / 4
    assert all((one == two).all() for one, two in zip(expected, found, strict=True))
    tiles = limited_tiles(metric, town.graph, sources, targets, 4000, threads=threads)
    assert sum(len(times) for _, _, times in tiles) == len(expected[0])
    for rows, columns, _ in tiles:
        assert (np.diff(rows.astype(np.int64) * len(targets) + columns) > 0).all()
    assert len(np.concatenate([np.unique(rows) for rows, _, _ in tiles])) == len(np.unique(expected[0]))


@pytest.mark.parametrize("with_lengths", [False, True])
def test_room_is_made_once_and_left_as_it_was(with_lengths: bool) -> None:
    town = grid(30, 20)
    rank = order_nodes(town.n_nodes, town.tails, town.heads, town.x, town.y)
    lengths = np.array(town.lengths) if with_lengths else None
    metric = Hierarchy.build(town.graph, rank).customize(np.array(town.weights), lengths_dm=lengths)
    sources, targets = Seeds.at_nodes(np.arange(600)), Seeds.at_nodes(np.arange(0, 600, 7))
    search = metric.tile_search(town.graph, targets, 2000)
    first, second = (
        [[column.tolist() for column in tile] for tile in search.tiles(sources, metric.labels_of(sources), 1)]
        for _ in range(2)
    )
    # three tiles, twice, in the room of the first
    assert len(first) == 3
    assert first == second
    assert search._rooms.qsize() == 1
    room = search._rooms.get()
    assert (room.slots == -1).all()
    assert (room.places == -1).all()
    assert (room.search.distances == UNREACHED).all()
    assert (room.best == UNREACHED).all()


def test_nothing_to_search() -> None:
    graph = Graph.from_edges(2, [0], [1], [5])
    metric = Hierarchy.build(graph, [0, 1]).customize([5])
    nobody = Seeds(np.zeros((0, 2), int), np.zeros((0, 2), int))
    for sources, targets in ((nobody, Seeds.at_nodes([0])), (Seeds.at_nodes([0]), nobody)):
        assert [len(column) for column in limited_pairs(metric, graph, sources, targets, 9)] == [0, 0, 0]
        assert metric.matrix(sources, targets).shape == (len(sources), len(targets))


def test_refuses_a_limit_out_of_range() -> None:
    graph = Graph.from_edges(2, [0], [1], [5])
    metric = Hierarchy.build(graph, [0, 1]).customize([5])
    ends = Seeds.at_nodes([0])
    with pytest.raises(ParameterError, match="Durée maximale"):
        limited_pairs(metric, graph, ends, ends, -1)
