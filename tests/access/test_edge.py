"""Where the data stop: a grid of communes cut by a border."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from territory.access.closest import closer_outside, edge_communes
from territory.errors import ParameterError

STEP_M = 8_000.0


def grid(columns: int, rows: int) -> tuple[np.ndarray, np.ndarray]:
    x, y = np.meshgrid(np.arange(columns) * STEP_M, np.arange(rows) * STEP_M)
    return x.ravel(), y.ravel()


def test_a_cut_border_is_found_and_the_middle_is_not() -> None:
    x, y = grid(9, 9)
    everywhere = np.ones(81, dtype=bool)
    edge = edge_communes(x, y, everywhere, buffer_km=0).reshape(9, 9)
    expected = np.zeros((9, 9), dtype=bool)
    expected[[0, -1], :] = expected[:, [0, -1]] = True
    assert (edge == expected).all()


def test_the_sea_inside_the_buffer_is_no_edge() -> None:
    # the territory is the first column, the sea is west of it, the data go on 48 km to the east
    x, y = grid(7, 9)
    inside = x == 0
    edge = edge_communes(x, y, inside, buffer_km=48)
    assert edge[x == x.max()].all()
    assert not edge[x == 0].any()
    assert not edge[x < 33_000].any()


def test_the_bound_of_the_buffer_is_inclusive() -> None:
    # the last commune is as far from the territory as the data are sure to go, less a neighbour
    for metres, is_edge in ((25_000.0, True), (24_999.0, False)):
        x = np.array([0.0, metres])
        edge = edge_communes(x, np.zeros(2), x == 0, buffer_km=40)
        assert edge.tolist() == [False, is_edge]


def test_surroundings_take_the_border_away() -> None:
    x, y = grid(13, 13)
    middle = (np.abs(x - 48_000) <= 8_000) & (np.abs(y - 48_000) <= 8_000)
    alone = edge_communes(x[middle], y[middle], np.ones(9, dtype=bool), buffer_km=0)
    assert alone.sum() == 8
    around = edge_communes(x, y, middle, buffer_km=40)
    assert around.any()
    assert not around[middle].any()
    # a site 20 min away is surely the closest once the edge is 35 min away, not when it is 10 min away
    found = pd.Series({"A": 20.0})
    assert closer_outside(found, pd.Series({"A": 10.0})).tolist() == [True]
    assert closer_outside(found, pd.Series({"A": 35.0})).tolist() == [False]


@pytest.mark.parametrize(
    "open_degrees, is_edge", [(118.0, False), (122.0, True), (135.0, True), (149.0, True)]
)
def test_a_side_without_neighbours_is_empty_from_120_degrees(open_degrees: float, is_edge: bool) -> None:
    # a commune with neighbours 10 km away, every 20 degrees at most, but on one side
    turn = np.radians(np.append(np.arange(0.0, 360.0 - open_degrees, 20.0), 360.0 - open_degrees))
    x = np.append(0.0, 10_000 * np.cos(turn))
    y = np.append(0.0, 10_000 * np.sin(turn))
    everywhere = np.ones(x.size, dtype=bool)
    assert edge_communes(x, y, everywhere, buffer_km=0)[0] == is_edge


def test_order_changes_nothing() -> None:
    x, y = grid(9, 6)
    inside = x < 20_000
    order = np.random.default_rng(0).permutation(x.size)
    edge = edge_communes(x, y, inside, buffer_km=30)
    assert (edge_communes(x[order], y[order], inside[order], buffer_km=30) == edge[order]).all()


def test_what_is_unknown_stays_so_and_out_of_reach_could_be_beyond() -> None:
    found = pd.Series({"A": np.nan, "B": np.nan, "C": 10.0, "D": 10.0})
    edge = pd.Series({"A": 30.0, "B": 30.0, "C": np.nan, "D": 10.0})
    reach = pd.Series([False, pd.NA, True, True], index=list("ABCD"), dtype="boolean")
    flag = closer_outside(found, edge, reach)
    assert flag["A"]
    assert flag[["B", "C"]].isna().all()
    # as far is not closer
    assert not flag["D"]


def test_bad_input_is_said() -> None:
    one = np.zeros(1)
    with pytest.raises(ParameterError, match="coordonnées"):
        edge_communes(np.array([np.nan]), one, np.ones(1, dtype=bool), buffer_km=45)
    with pytest.raises(ParameterError, match="territoire"):
        edge_communes(one, one, np.zeros(1, dtype=bool), buffer_km=45)
    with pytest.raises(ParameterError, match="buffer_km"):
        edge_communes(one, one, np.ones(1, dtype=bool), buffer_km=-1)
    with pytest.raises(ParameterError, match="sans temps jusqu'au bord"):
        closer_outside(pd.Series({"A": 1.0}), pd.Series({"B": 1.0}))
    with pytest.raises(ParameterError, match="négative"):
        closer_outside(pd.Series({"A": -1.0}), pd.Series({"A": 1.0}))
