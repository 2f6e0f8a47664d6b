from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from territory.errors import ParameterError
from territory.network.engine import MAX_TIME_MS, UNREACHED, Graph, Seeds, k_nearest, k_nearest_sites
from tests.network.engine.oracles_routing import Town, slow_matrix, towns

LIMITS = st.one_of(st.integers(0, 30), st.just(MAX_TIME_MS))


def nearest_of(matrix: np.ndarray, k: int) -> tuple[list[list[int]], list[list[int]]]:
    """Return numbers and times of the nearest columns of each row, equal times by number."""
    numbers, times = [], []
    for row in matrix.tolist():
        ranked = sorted((time, column) for column, time in enumerate(row) if time != UNREACHED)[:k]
        missing = k - len(ranked)
        numbers.append([column for _, column in ranked] + [-1] * missing)
        times.append([time for time, _ in ranked] + [UNREACHED] * missing)
    return numbers, times


@given(towns(), st.integers(1, 4), LIMITS)
def test_finds_the_nearest_sites_of_points(town: Town, k: int, limit: int) -> None:
    found = k_nearest_sites(town.graph, town.sources, town.targets, k, limit_ms=limit)
    numbers, times = nearest_of(slow_matrix(town, limit)[0], k)
    assert found[0].tolist() == numbers
    assert found[1].tolist() == times


@given(towns(), st.integers(1, 4))
def test_finds_the_nearest_sites_of_every_node(town: Town, k: int) -> None:
    everywhere = Seeds.at_nodes(np.arange(town.n_nodes))
    town = Town(**{**vars(town), "sources": everywhere})
    found = k_nearest(town.graph, town.targets, k)
    numbers, times = nearest_of(slow_matrix(town)[0], k)
    assert found[0].tolist() == numbers
    assert found[1].tolist() == times


def test_one_is_what_several_begin_with() -> None:
    graph = Graph.from_edges(4, [0, 1, 2], [1, 2, 3], [5, 0, 5])
    targets = Seeds.at_nodes([3, 2, 1, 1])
    alone, several = k_nearest(graph, targets), k_nearest(graph, targets, 3)
    assert (alone[0][:, 0] == several[0][:, 0]).all()
    assert (alone[1][:, 0] == several[1][:, 0]).all()


def test_no_sites_and_no_nodes() -> None:
    nowhere = Seeds(np.zeros((0, 2), int), np.zeros((0, 2), int))
    assert k_nearest(Graph.from_edges(2, [], [], []), nowhere, 2)[0].tolist() == [[-1, -1], [-1, -1]]
    unattached = Seeds([[-1, -1]], [[0, 0]])
    assert k_nearest_sites(Graph.from_edges(0, [], [], []), unattached, nowhere)[1].tolist() == [[UNREACHED]]


def test_refuses_to_find_nothing() -> None:
    with pytest.raises(ParameterError, match="k=0"):
        k_nearest(Graph.from_edges(1, [], [], []), Seeds.at_nodes([0]), 0)
