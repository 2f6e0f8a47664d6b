from __future__ import annotations

import dataclasses
from pathlib import Path

import numba
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from territory.errors import NetworkError
from territory.network.engine import (
    MAX_TIME_MS,
    UNREACHED,
    Graph,
    Hierarchy,
    Metric,
    Seeds,
    one_to_all,
    order_nodes,
)
from tests.network.engine.oracles_routing import Town, grid, slow_matrix, towns, unpack


def prepare(town: Town) -> Hierarchy:
    rank = order_nodes(town.n_nodes, town.tails, town.heads, town.x, town.y, threads=1)
    return Hierarchy.build(town.graph, rank)


@given(towns(), st.randoms(use_true_random=False))
def test_matrix_is_exact_in_any_order(town: Town, random) -> None:
    rank = list(range(town.n_nodes))
    random.shuffle(rank)
    metric = Hierarchy.build(town.graph, rank).customize(np.array(town.weights, int))
    times = metric.matrix(town.sources, town.targets, threads=1)
    assert times.dtype == np.int32
    assert (times == slow_matrix(town)[0]).all()


@given(towns())
def test_lengths_are_the_least_of_the_fastest_paths(town: Town) -> None:
    metric = prepare(town).customize(np.array(town.weights, int), lengths_dm=np.array(town.lengths, int))
    times, lengths = unpack(metric.matrix(town.sources, town.targets, threads=1))
    expected_times, expected_lengths = slow_matrix(town)
    assert (times == expected_times).all()
    assert (lengths == expected_lengths).all()


@given(towns(), st.data())
def test_new_speeds_are_as_good_as_a_new_hierarchy(town: Town, data) -> None:
    count = len(town.weights)
    weight = st.one_of(st.integers(0, 9), st.just(UNREACHED))
    weights = data.draw(st.lists(weight, min_size=count, max_size=count))
    hierarchy = prepare(town)
    hierarchy.customize(np.array(town.weights, int))
    again = hierarchy.customize(np.array(weights, int))
    other = dataclasses.replace(town, weights=weights)
    anew = prepare(other).customize(np.array(weights, int))
    for name, values in again.to_arrays().items():
        assert (values == getattr(anew, name)).all()
    assert (again.matrix(town.sources, town.targets) == slow_matrix(other)[0]).all()


@given(towns(), st.randoms(use_true_random=False))
def test_threads_and_the_order_of_edges_change_nothing(town: Town, random) -> None:
    mixed = list(range(len(town.tails)))
    random.shuffle(mixed)
    columns = {
        name: [getattr(town, name)[row] for row in mixed] for name in ("tails", "heads", "weights", "lengths")
    }
    other = dataclasses.replace(town, **columns)
    one = prepare(town).customize(np.array(town.weights, int), threads=1)
    two = prepare(other).customize(np.array(other.weights, int), threads=random.randint(2, 4))
    for name, values in one.to_arrays().items():
        assert (values == getattr(two, name)).all()


def test_equals_dijkstra_on_a_town_of_streets_whatever_the_threads() -> None:
    town = grid(70, 50)
    hierarchy = prepare(town)
    expected = one_to_all(town.graph, town.sources)[:, town.targets.nodes[:, 0]]
    assert (expected != UNREACHED).mean() > 0.9
    for threads in (1, 2, 5):
        metric = hierarchy.customize(np.array(town.weights), threads=threads)
        assert (metric.matrix(town.sources, town.targets, threads=threads) == expected).all()


def test_lengths_of_a_town_are_the_same_whatever_the_threads() -> None:
    town = grid(40, 30)
    hierarchy, lengths = prepare(town), np.array(town.lengths)
    metrics = [
        hierarchy.customize(np.array(town.weights), lengths_dm=lengths, threads=threads) for threads in (1, 3)
    ]
    for name, values in metrics[0].to_arrays().items():
        assert (values == getattr(metrics[1], name)).all()
    expected_times, expected_lengths = slow_matrix(town)
    times, lengths = unpack(metrics[1].matrix(town.sources, town.targets))
    assert (times == expected_times).all()
    assert (lengths == expected_lengths).all()


def test_arcs_that_are_kept_are_as_short_as_the_shortest_path() -> None:
    town = grid(40, 30)
    metric = prepare(town).customize(np.array(town.weights))
    node = np.argsort(metric.rank)
    times = one_to_all(town.graph, Seeds.at_nodes(node))[:, node]
    for start, heads, weights, between in (
        (metric.up_start, metric.up_heads, metric.up_weights, times),
        (metric.down_start, metric.down_heads, metric.down_weights, times.T),
    ):
        tails = np.repeat(np.arange(len(node)), np.diff(start))
        assert (weights == between[tails, heads]).all()


def test_parts_share_nothing_but_the_top_and_are_of_about_as_much_work() -> None:
    hierarchy = prepare(grid(70, 50))
    part = hierarchy.parts(8)
    above = part[hierarchy.parents[hierarchy.parents >= 0]]
    assert ((above == part[hierarchy.parents >= 0]) | (above == 8)).all()
    work = np.bincount(part, np.diff(hierarchy.indptr) ** 2, minlength=9)
    assert work[:8].max() < work.sum() / 4
    assert np.flatnonzero(work[:8]).size >= 4
    assert work[8] < work.sum() / 2
    assert (hierarchy.parts(1) == 0).all()


def test_a_point_between_two_nodes_takes_the_better_one() -> None:
    graph = Graph.from_edges(3, [0, 1, 2, 1], [1, 0, 1, 2], [10, 10, 5, 5])
    metric = Hierarchy.build(graph, [0, 1, 2]).customize(graph.in_edge_order()[2])
    source, target = Seeds([[0, 1]], [[4, 7]]), Seeds([[2, 0]], [[1, 20]])
    # from 0: 4 + 15 + 1; from 1: 7 + 5 + 1
    assert metric.matrix(source, target).item() == 13


def test_times_beyond_the_longest_are_out_of_reach() -> None:
    graph = Graph.from_edges(3, [0, 1], [1, 2], [MAX_TIME_MS - 1, 1])
    metric = Hierarchy.build(graph, [1, 0, 2]).customize(graph.in_edge_order()[2])
    ends = Seeds([[0, -1], [0, -1]], [[0, 0], [1, 0]]), Seeds.at_nodes([1, 2])
    assert metric.matrix(*ends).tolist() == [[MAX_TIME_MS - 1, MAX_TIME_MS], [MAX_TIME_MS, UNREACHED]]


def test_arrays_can_be_saved_and_mapped(tmp_path: Path) -> None:
    town = grid(20, 15)
    hierarchy = prepare(town)
    metric = hierarchy.customize(np.array(town.weights))
    expected = metric.matrix(town.sources, town.targets)
    for name, values in {**hierarchy.to_arrays(), **metric.to_arrays()}.items():
        np.save(tmp_path / f"{name}.npy", values)
    mapped = {path.stem: np.load(path, mmap_mode="c") for path in tmp_path.iterdir()}
    assert (Metric.from_arrays(mapped).matrix(town.sources, town.targets) == expected).all()
    again = Hierarchy.from_arrays(mapped).customize(np.array(town.weights))
    assert (again.matrix(town.sources, town.targets) == expected).all()
    read_only = {path.stem: np.load(path, mmap_mode="r") for path in tmp_path.iterdir()}
    assert (Metric.from_arrays(read_only).matrix(town.sources, town.targets) == expected).all()


def test_compiling_the_sweep_leaves_the_settings_of_numba_alone() -> None:
    before = numba.config.SLP_VECTORIZE
    town = grid(8, 8)
    metric = prepare(town).customize(np.array(town.weights))
    metric.matrix(Seeds.at_nodes([0]), Seeds.at_nodes([63]))
    assert before == numba.config.SLP_VECTORIZE


@pytest.mark.parametrize("rank", [[0, 0], [0, 2], [-1, 0], [0], [0, 1, 2]])
def test_refuses_an_order_that_is_none(rank: list[int]) -> None:
    with pytest.raises(NetworkError, match="chaque rang de 0 à 1 une seule fois"):
        Hierarchy.build(Graph.from_edges(2, [0], [1], [5]), rank)


@pytest.mark.parametrize(
    ("weights", "said"),
    [([1, 2], "2 durées pour 1 arcs"), ([-1], "hors de l'intervalle"), ([1.0], "nombres entiers")],
)
def test_refuses_times_that_do_not_fit(weights: list[float], said: str) -> None:
    hierarchy = Hierarchy.build(Graph.from_edges(2, [0], [1], [5]), [0, 1])
    with pytest.raises(NetworkError, match=said):
        hierarchy.customize(weights)


def test_refuses_points_outside_the_map() -> None:
    metric = Hierarchy.build(Graph.from_edges(2, [0], [1], [5]), [0, 1]).customize([5])
    with pytest.raises(NetworkError, match="absent du graphe"):
        metric.matrix(Seeds.at_nodes([2]), Seeds.at_nodes([1]))
