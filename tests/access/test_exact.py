"""Sums are those of exact arithmetic rounded once, however they are cut and shuffled."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from territory.access.catchments.exact_sums import ExactSums, weighted_sums

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
