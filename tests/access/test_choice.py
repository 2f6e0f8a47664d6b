"""Shares of the sites that people choose, against a loop, in closed form, and whatever the world."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from territory.access import choice_shares, decay

HALVING = decay.exponential(math.log(2) / 10, max_time_min=120)
worlds = st.lists(st.lists(st.floats(0, 150), min_size=3, max_size=3), min_size=1, max_size=4)
attractions = st.lists(st.floats(0, 100), min_size=3, max_size=3)


def table(minutes: list[list[float]]) -> pd.DataFrame:
    rows = [(f"O{i}", f"S{j}", time) for i, line in enumerate(minutes) for j, time in enumerate(line)]
    return pd.DataFrame(rows, columns=["from_id", "to_id", "travel_time_min"])


def shares(minutes: list[list[float]], drawn: list[float], law: decay.Decay = HALVING) -> np.ndarray:
    origins = [f"O{i}" for i in range(len(minutes))]
    attraction = pd.Series(drawn, index=[f"S{j}" for j in range(len(drawn))])
    return choice_shares(table(minutes), origins, attraction, decay=law).to_numpy()


def oracle(minutes: list[list[float]], drawn: list[float]) -> list[list[float]]:
    """One origin after the other, in plain numbers."""
    found = []
    for line in minutes:
        pulls = [a * (2.0 ** (-t / 10) if t <= 120 else 0.0) for a, t in zip(drawn, line, strict=True)]
        found.append([pull / sum(pulls) if sum(pulls) > 0 else 0.0 for pull in pulls])
    return found


@settings(max_examples=25, deadline=None)
@given(worlds, attractions)
def test_shares_equal_a_loop(minutes: list[list[float]], drawn: list[float]) -> None:
    np.testing.assert_allclose(shares(minutes, drawn), oracle(minutes, drawn), atol=1e-9)


@settings(max_examples=25, deadline=None)
@given(worlds, attractions, st.floats(0.01, 1000))
def test_shares_are_parts_of_all_or_nothing_whatever_the_unit(
    minutes: list[list[float]], drawn: list[float], unit: float
) -> None:
    found = shares(minutes, drawn)
    total = found.sum(axis=1)
    assert ((np.abs(total - 1) < 1e-9) | (total == 0)).all()
    np.testing.assert_allclose(shares(minutes, [unit * value for value in drawn]), found, atol=1e-9)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.floats(0, 119), min_size=3, max_size=3), st.floats(0, 60))
def test_a_site_that_comes_nearer_takes_no_less(line: list[float], nearer: float) -> None:
    closer = [max(line[0] - nearer, 0.0), *line[1:]]
    assert shares([closer], [1, 1, 1])[0, 0] >= shares([line], [1, 1, 1])[0, 0] - 1e-12


def test_worlds_in_closed_form() -> None:
    assert shares([[12, 12]], [1, 1]).tolist() == [[0.5, 0.5]]
    # ten minutes further, half of the pull
    np.testing.assert_allclose(shares([[10, 20]], [1, 1]), [[2 / 3, 1 / 3]])
    assert shares([[30, 30.1]], [1, 9], decay.binary(30)).tolist() == [[1, 0]]
    assert shares([[31, 31]], [1, 1], decay.binary(30)).tolist() == [[0, 0]]


def test_with_places_of_one_another_shares_are_those_of_the_peers() -> None:
    """The worked example of two centres: 12,000 and 6,000 m² at 5 and 10 min, power 2: 8 parts to 1."""
    found = shares([[5, 10]], [12_000, 6_000], decay.power(2, max_time_min=120))
    np.testing.assert_allclose(found, [[8 / 9, 1 / 9]])


def test_what_is_unknown_is_unknown() -> None:
    assert np.isnan(shares([[10, math.nan]], [1, 1])).all()
    # unknown, and of no worth
    assert shares([[10, math.nan]], [1, 0]).tolist() == [[1, 0]]
    assert np.isnan(shares([[10, 10]], [1, math.nan])).all()
    with pytest.raises(Exception, match="négative"):
        shares([[10, 10]], [1, -1])
