from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

from territory.errors import NetworkError, ParameterError
from territory.network.engine import (
    MAX_TIME_MS,
    UNREACHED,
    Graph,
    Seeds,
    limited_search,
    one_to_all,
    shortest_labels,
)
from tests.network.engine.oracles_routing import Town, grid, least_labels, slow_matrix, towns, unpack

LIMITS = st.one_of(st.integers(0, 30), st.just(MAX_TIME_MS))


def as_matrix(town: Town, pairs: tuple[np.ndarray, np.ndarray, np.ndarray]) -> np.ndarray:
    """Return pairs as a matrix, after checking that they come in order and once each."""
    sources, targets, times = pairs
    places = sources.astype(np.int64) * max(len(town.targets), 1) + targets
    assert (np.diff(places) > 0).all()
    matrix = np.full((len(town.sources), len(town.targets)), UNREACHED, np.int64)
    matrix[sources, targets] = times
    return matrix


@given(towns(), LIMITS)
def test_limited_search_is_exact(town: Town, limit: int) -> None:
    pairs = limited_search(town.graph, town.sources, town.targets, limit, threads=1)
    assert all(column.dtype == np.int32 for column in pairs)
    assert (as_matrix(town, pairs) == slow_matrix(town, limit)[0]).all()


@given(towns(), LIMITS, st.randoms(use_true_random=False))
def test_threads_and_the_order_of_edges_change_nothing(town: Town, limit: int, random) -> None:
    expected = limited_search(town.graph, town.sources, town.targets, limit, threads=1)
    mixed = list(range(len(town.tails)))
    random.shuffle(mixed)
    columns = ([column[row] for row in mixed] for column in (town.tails, town.heads, town.weights))
    found = limited_search(
        Graph.from_edges(town.n_nodes, *columns), town.sources, town.targets, limit, threads=3
    )
    assert all((one == two).all() for one, two in zip(expected, found, strict=True))


@given(towns())
def test_one_to_all_is_exact(town: Town) -> None:
    times = one_to_all(town.graph, town.sources, threads=1)
    assert times.shape == (len(town.sources), town.n_nodes)
    for row in range(len(town.sources)):
        starts = [
            (int(node), (int(offset), 0))
            for node, offset in zip(town.sources.nodes[row], town.sources.offsets_ms[row], strict=True)
            if node >= 0
        ]
        reached = least_labels(town, starts)
        expected = [reached.get(node, (UNREACHED, 0))[0] for node in range(town.n_nodes)]
        assert times[row].tolist() == [time if time <= MAX_TIME_MS else UNREACHED for time in expected]


@given(towns())
def test_lengths_are_the_least_of_the_fastest_paths(town: Town) -> None:
    labels = shortest_labels(town.graph, town.sources, town.targets, np.array(town.lengths, int))
    times, lengths = unpack(labels)
    expected_times, expected_lengths = slow_matrix(town)
    assert (times == expected_times).all()
    assert (lengths == expected_lengths).all()


def test_equals_scipy_on_a_town_of_streets() -> None:
    town = grid(40, 30)
    # scipy takes a stored zero for no edge at all in some forms: compare without free edges
    weights = np.maximum(town.weights, 1)
    graph = Graph.from_edges(town.n_nodes, town.tails, town.heads, weights)
    table = csr_array((weights.astype(float), (town.tails, town.heads)), shape=(town.n_nodes,) * 2)
    expected = dijkstra(table, indices=town.sources.nodes[:, 0])
    found = one_to_all(graph, town.sources)
    assert (np.where(found == UNREACHED, np.inf, found) == expected).all()
    assert np.isfinite(expected).mean() > 0.9


def test_lengths_of_access_add_to_those_of_paths() -> None:
    graph = Graph.from_edges(2, [0], [1], [10])
    ends = Seeds([[0, -1]], [[3, 0]]), Seeds([[1, -1]], [[4, 0]])
    labels = shortest_labels(graph, *ends, [100], source_lengths_dm=[[30, 0]], target_lengths_dm=[[40, 0]])
    assert [part.item() for part in unpack(labels)] == [17, 170]


@pytest.mark.parametrize("limit", [-1, MAX_TIME_MS + 1])
def test_refuses_a_limit_out_of_range(limit: int) -> None:
    graph, ends = Graph.from_edges(1, [], [], []), Seeds.at_nodes([0])
    with pytest.raises(ParameterError, match="Durée maximale"):
        limited_search(graph, ends, ends, limit)


def test_refuses_points_outside_the_graph() -> None:
    graph = Graph.from_edges(1, [], [], [])
    with pytest.raises(NetworkError, match="rattachés à un nœud absent"):
        limited_search(graph, Seeds.at_nodes([0]), Seeds.at_nodes([1]), 10)


@pytest.mark.parametrize(
    ("lengths", "said"),
    [([1.5], "nombres entiers"), ([1, 2], "de forme"), ([-1], "doivent aller de 0"), ([2**40], "aller de 0")],
)
def test_refuses_lengths_that_are_none(lengths: list[float], said: str) -> None:
    graph, ends = Graph.from_edges(2, [0], [1], [10]), Seeds.at_nodes([0])
    with pytest.raises(NetworkError, match=said):
        shortest_labels(graph, ends, ends, lengths)


def test_refuses_lengths_that_could_overflow() -> None:
    graph, ends = Graph.from_edges(3, [0, 1], [1, 2], [0, 0]), Seeds.at_nodes([0])
    with pytest.raises(NetworkError, match="plus de 360 km/h"):
        shortest_labels(graph, ends, ends, [MAX_TIME_MS, MAX_TIME_MS])


@pytest.mark.parametrize("threads", [0, -2])
def test_refuses_no_threads(threads: int) -> None:
    graph, ends = Graph.from_edges(1, [], [], []), Seeds.at_nodes([0])
    with pytest.raises(ParameterError, match="fils d'exécution"):
        one_to_all(graph, ends, threads=threads)
