"""Sums are those of exact arithmetic rounded once, however they are cut and shuffled."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from territory.access.catchments.exact_sums import ExactSums, weighted_sums
from tests.drawing import examples

PLACES = 3
AMOUNTS = st.one_of(
    st.just(0.0),
    # bits under 2**-320 are dropped, by design
    st.floats(0, 1e6).map(lambda value: value if value > 1e-60 else 0.0),
    st.floats(1e-60, 1e40, allow_subnormal=False),
    st.sampled_from([1.0, 2.0**53, 2.0**-52, 0.1, 1 / 3]),
)
ROWS = st.lists(st.tuples(st.integers(0, PLACES - 1), AMOUNTS, st.floats(1e-12, 1)), max_size=40)
Rows = list[tuple[int, float, float]]


def _sums(rows: Rows) -> ExactSums:
    found = ExactSums.zeros(PLACES)
    into = np.array([place for place, _, _ in rows], dtype=np.int32)
    amounts = np.array([amount for _, amount, _ in rows])
    found.add(into, np.arange(len(rows), dtype=np.int32), np.array([w for _, _, w in rows]), amounts)
    return found


@given(ROWS)
def test_sums_are_the_nearest_floats(rows: Rows) -> None:
    expected = [math.fsum(w * a for place, a, w in rows if place == here) for here in range(PLACES)]
    assert _sums(rows).values().tolist() == expected


@given(ROWS, st.randoms(use_true_random=False), st.integers(0, 40))
def test_neither_order_nor_cuts_change_a_bit(rows: Rows, random: object, cut: int) -> None:
    shuffled = sorted(rows, key=lambda _: random.random())  # type: ignore[attr-defined]
    parts = _sums(shuffled[:cut])
    parts.add_at(_sums(shuffled[cut:]), np.arange(PLACES))
    assert parts.values().tobytes() == _sums(rows).values().tobytes()


def test_unknown_zero_and_too_large() -> None:
    into = np.array([0, 0, 1, 1, 2, 2], dtype=np.int32)
    given_by = np.arange(6, dtype=np.int32)
    weights = np.array([np.nan, 1.0, np.nan, 1.0, 0.0, 1.0])
    amounts = np.array([5.0, 1.0, 0.0, 4.0, np.nan, 1e300])
    found = weighted_sums(into, given_by, weights, amounts, 4)
    assert np.isnan(found[0])
    assert found[1:].tolist() == [4.0, math.inf, 0.0]


def test_a_million_terms_of_a_tenth() -> None:
    count = 1_000_000
    nothing = np.zeros(count, dtype=np.int32)
    found = weighted_sums(nothing, nothing, np.full(count, 0.1), np.ones(1), 1)
    assert found[0] == math.fsum([0.1] * count)
    assert found[0] != np.cumsum(np.full(count, 0.1))[-1]


def _exactly(into, given_by, weights, amounts, size: int) -> np.ndarray:
    sums = ExactSums.zeros(size)
    sums.add(into, given_by, weights, amounts)
    return sums.values()


TERMS = st.one_of(
    st.sampled_from([0.0, 1.0, 0.1, 1 / 3, 2.0**53, 2.0**-53, 2.0**53 + 2, 1e-300, 1e30, 5e-324]),
    st.floats(0, 1e6),
)


@examples(60, 300)
@given(terms=st.lists(st.tuples(st.integers(0, 2), TERMS), min_size=1, max_size=20), order=st.randoms())
def test_sums_are_those_of_fractions_in_any_order(terms: list[tuple[int, float]], order) -> None:
    mixed = list(terms)
    order.shuffle(mixed)
    for rows in (terms, mixed):
        into = np.array([place for place, _ in rows], np.int32)
        given_by = np.arange(len(rows), dtype=np.int32)
        amounts = np.array([amount for _, amount in rows])
        got = weighted_sums(into, given_by, np.ones(len(rows)), amounts, 3)
        assert got.tolist() == _exactly(into, given_by, np.ones(len(rows)), amounts, 3).tolist()
        for place in range(3):
            mine = [Fraction(amount) for where, amount in rows if where == place]
            if all(amount == 0 or amount > 1e-60 for amount in mine):
                assert got[place] == float(sum(mine, Fraction(0)))


def test_a_tie_is_settled_exactly() -> None:
    # 2**53 + 1 lies in the middle of two floats; a crumb above goes up, nothing above goes to the even one
    into, ones = np.zeros(3, np.int32), np.ones(3)
    rows = np.arange(3, dtype=np.int32)
    assert weighted_sums(into, rows, ones, np.array([2.0**53, 1.0, 2.0**-40]), 1)[0] == 2.0**53 + 2
    assert weighted_sums(into, rows, ones, np.array([2.0**53, 1.0, 0.0]), 1)[0] == 2.0**53


def test_a_known_0_wins_over_an_unknown() -> None:
    into, rows = np.array([0, 1, 2], np.int32), np.arange(3, dtype=np.int32)
    got = weighted_sums(into, rows, np.array([0.0, 1.0, np.nan]), np.array([np.nan, np.nan, 2.0]), 4)
    assert got[0] == 0
    assert np.isnan(got[1:3]).all()
    assert got[3] == 0


@pytest.mark.parametrize("size", [1, 1000])
def test_many_terms(size: int) -> None:
    rng = np.random.default_rng(size)
    into = rng.integers(0, 5, size).astype(np.int32)
    rows, amounts = np.arange(size, dtype=np.int32), rng.uniform(0, 1e5, size)
    weights = rng.uniform(0, 1, size)
    np.testing.assert_array_equal(
        weighted_sums(into, rows, weights, amounts, 5), _exactly(into, rows, weights, amounts, 5)
    )
