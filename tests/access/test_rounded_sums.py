"""Sums in two floats against fractions, which round once and know no order."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from territory.access.catchments.exact_sums import weighted_sums as exact_sums
from territory.access.catchments.rounded_sums import weighted_sums

numbers = st.one_of(
    st.sampled_from([0.0, 1.0, 0.1, 1 / 3, 2.0**53, 2.0**-53, 2.0**53 + 2, 1e-300, 1e30, 5e-324]),
    st.floats(0, 1e6),
)


@given(terms=st.lists(st.tuples(st.integers(0, 2), numbers), min_size=1, max_size=20), order=st.randoms())
def test_sums_are_those_of_fractions_in_any_order(terms: list[tuple[int, float]], order) -> None:
    mixed = list(terms)
    order.shuffle(mixed)
    for rows in (terms, mixed):
        into = np.array([place for place, _ in rows], np.int32)
        given_by = np.arange(len(rows), dtype=np.int32)
        amounts = np.array([amount for _, amount in rows])
        got = weighted_sums(into, given_by, np.ones(len(rows)), amounts, 3)
        assert got.tolist() == exact_sums(into, given_by, np.ones(len(rows)), amounts, 3).tolist()
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
        weighted_sums(into, rows, weights, amounts, 5), exact_sums(into, rows, weights, amounts, 5)
    )
