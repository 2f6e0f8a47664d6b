from __future__ import annotations

import subprocess
import sys

import numba
import numpy as np
import pytest
from hypothesis import given

from territory.errors import NetworkError
from territory.network.engine import MAX_TIME_MS, UNREACHED, Graph, Seeds, compiling
from territory.network.engine.graph import is_order
from tests.network.engine.oracles_routing import Town, towns


@given(towns())
def test_keeps_every_edge(town: Town) -> None:
    graph = town.graph
    tails, heads, weights = graph.in_edge_order()
    assert (tails.tolist(), heads.tolist(), weights.tolist()) == (town.tails, town.heads, town.weights)
    assert (np.diff(graph.tails) >= 0).all()


@given(towns())
def test_reversing_turns_every_edge_round(town: Town) -> None:
    back = town.graph.reversed()
    tails, heads, weights = back.in_edge_order()
    assert (tails.tolist(), heads.tolist(), weights.tolist()) == (town.heads, town.tails, town.weights)
    again = back.reversed().in_edge_order()
    assert [column.tolist() for column in again] == [town.tails, town.heads, town.weights]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((2, [0, 1], [1, 2], [5, 5]), "arrivée : 1 valeurs hors de l'intervalle de 0 à 1"),
        ((2, [-1], [1], [5]), "origine : 1 valeurs"),
        ((2, [0], [1], [-5]), "durée d'arc : 1 valeurs hors de l'intervalle"),
        ((2, [0], [1], [MAX_TIME_MS + 1]), "durée d'arc : 1 valeurs"),
        ((2, [0], [1], [1.5]), "durée d'arc : il faut une liste de nombres entiers"),
        ((2, [0], [1], [np.nan]), "durée d'arc : il faut une liste de nombres entiers"),
        ((2, [0.0], [1], [1]), "origine : il faut une liste de nombres entiers"),
        ((2, [0, 1], [1], [1]), "2 origines, 1 arrivées"),
        ((-1, [], [], []), "-1 nœuds"),
        ((2**31, [], [], []), "nœuds : leur nombre"),
    ],
)
def test_refuses_edges_that_make_no_graph(arguments, said: str) -> None:
    with pytest.raises(NetworkError, match=said):
        Graph.from_edges(*arguments)


def test_says_all_problems_at_once() -> None:
    with pytest.raises(NetworkError) as caught:
        Graph.from_edges(2, [9], [-3], [-1])
    assert str(caught.value).startswith("Graphe routier : 3 problèmes.")


def test_takes_closed_edges_and_empty_lists() -> None:
    assert Graph.from_edges(2, [0], [1], [UNREACHED]).weights_ms.tolist() == [UNREACHED]
    assert Graph.from_edges(0, [], [], []).n_edges == 0


def test_seeds_ignore_the_offset_of_an_absent_node() -> None:
    assert Seeds([[3, -1]], [[1, -7]]).offsets_ms.tolist() == [[1, 0]]
    assert len(Seeds(np.zeros((0, 2), int), np.zeros((0, 2), int))) == 0
    assert Seeds.at_nodes([4, 5, 6])[1:].nodes.tolist() == [[5, -1], [6, -1]]


@pytest.mark.parametrize(
    ("nodes", "offsets", "said"),
    [
        ([1, 2], [0, 0], "deux colonnes"),
        ([[1, 2]], [[0]], "deux colonnes"),
        ([[1, -2]], [[0, 0]], "nœud de rattachement"),
        ([[1, 2]], [[0, -1]], "durée d'accès"),
    ],
)
def test_refuses_points_that_fit_nowhere(nodes, offsets, said: str) -> None:
    with pytest.raises(NetworkError, match=said):
        Seeds(nodes, offsets)


def test_names_the_points_attached_outside_the_graph() -> None:
    with pytest.raises(NetworkError, match=r"2 points sur 3 .* en a 5 \(points 0, 2\)"):
        Seeds.at_nodes([5, 4, 7]).check(5)


def test_an_order_has_each_rank_once() -> None:
    assert is_order(np.array([2, 0, 1]), 3)
    assert is_order(np.array([], dtype=np.int32), 0)
    # the last would be an order if a rank too high were brought back into range
    for ranks in ([0, 1], [0, 0, 2], [-1, 0, 1], [0, 1, 3]):
        assert not is_order(np.array(ranks), 3)


@compiling.inner_kernel
def _following(number: int) -> int:
    return number + 1


def test_a_constant_is_compiled_for_as_any_number_of_its_type() -> None:
    _following.get_call_template((numba.types.literal(0),), {})  # type: ignore[attr-defined]
    assert _following.signatures == [(numba.int64,)]  # type: ignore[attr-defined]


def test_what_another_process_compiles_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    other = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(0.5)"])
    monkeypatch.setattr(compiling, "_beside", [other])
    compiling.wait_beside()
    assert other.poll() == 0
