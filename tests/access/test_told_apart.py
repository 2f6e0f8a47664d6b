"""The rule of gain and loss: in closed form, against a slow search, and by simulation where nothing changes."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from territory.access.uncertainty import HALF_WIDTHS_PER_SD, told_apart
from territory.errors import ParameterError
from tests.oracles import evidence

# nobody, or some part of a person
persons = st.one_of(st.just(0.0), st.floats(0.001, 1000))
# no doubt, or enough for a chance to be a number above 0
sizes = st.one_of(st.just(0.0), st.floats(2, 20))
changes = st.lists(st.tuples(st.floats(-40, 40), sizes, persons), min_size=1, max_size=12)


def test_alone_both_conditions_are_asked() -> None:
    # 90 %: 1.6449 standard deviations, which is 1.2835 detectable sizes
    assert told_apart([6.41, 6.42, -6.42, 4.9, math.nan, 0.0], 5.0).tolist() == [
        False,
        True,
        True,
        False,
        False,
        False,
    ]
    # under 80 % the detectable size is the stricter
    assert told_apart([4.9, 5.0], 5.0, level=0.5).tolist() == [False, True]
    # without doubt, any change is one
    assert told_apart([0.1, 0.0], [0.0, 0.0], together=[1, 1]).tolist() == [True, False]
    with pytest.raises(ParameterError):
        told_apart(1.0, 1.0, level=1.0)


# where nobody is compared, no evidence is strong enough, however small its chance
@settings(max_examples=60, deadline=None)
@example([(6.0, 1.0, 0.0)])
@given(changes)
def test_together_equals_a_search_of_every_limit(rows: list[tuple[float, float, float]]) -> None:
    chances = [evidence(change, size) for change, size, _ in rows]
    family = [(chance, weight) for chance, (_, size, weight) in zip(chances, rows, strict=True) if size > 0]
    whole = sum(weight for _, weight in family)
    limits = [
        chance
        for chance, weight in family
        if weight > 0 and chance <= 0.1 * sum(w for c, w in family if c <= chance) / whole * (1 + 1e-9)
    ]
    limit = max(limits, default=0.0)
    expected = [
        change != 0 and abs(change) >= size and chance <= limit * (1 + 1e-9)
        for (change, size, _), chance in zip(rows, chances, strict=True)
    ]
    change, size, weight = (np.array(column) for column in zip(*rows, strict=True))
    assert told_apart(change, size, together=weight).tolist() == expected


@settings(max_examples=40, deadline=None)
@given(changes)
def test_together_tells_no_more_than_alone_and_order_changes_nothing(
    rows: list[tuple[float, float, float]],
) -> None:
    change, size, weight = (np.array(column) for column in zip(*rows, strict=True))
    together = told_apart(change, size, together=weight)
    assert not (together & ~told_apart(change, size)).any()
    assert (told_apart(change[::-1], size[::-1], together=weight[::-1])[::-1] == together).all()
    assert (told_apart(-change, size, together=weight) == together).all()


def test_a_change_without_doubt_lends_no_weight_to_those_that_have_one() -> None:
    # the second has a chance of 8 %: enough alone, too much for one of two
    change, size = [5.0, 1.37 * 4, 4.0], [0.0, 4.0, 4.0]
    assert told_apart(change, size).tolist() == [True, True, False]
    assert told_apart(change, size, together=[100.0, 1.0, 1.0]).tolist() == [True, False, False]
    assert told_apart(change, [1.0, 4.0, 4.0], together=[100.0, 1.0, 1.0]).tolist() == [True, True, False]


@pytest.mark.parametrize("shared", [0.0, 0.4, 0.9])
@pytest.mark.parametrize("changed", [0, 20])
def test_of_those_told_at_most_a_tenth_are_told_wrongly(shared: float, changed: int) -> None:
    """60 communes of very unequal sizes whose errors have a part in common; some truly change, or none."""
    rng = np.random.default_rng(11)
    persons = rng.lognormal(6, 1.2, 60)
    size = rng.uniform(3, 9, 60)
    truth = np.where(np.arange(60) < changed, 2.5 * size, 0.0)
    wrong = []
    for _ in range(3000):
        error = math.sqrt(shared) * rng.standard_normal() + math.sqrt(1 - shared) * rng.standard_normal(60)
        told = told_apart(truth + error * size / HALF_WIDTHS_PER_SD, size, together=persons)
        total = persons[told].sum()
        wrong.append(persons[told & (truth == 0)].sum() / total if total > 0 else 0.0)
    # three standard errors of the simulation
    assert np.mean(wrong) <= 0.10 + 3 * np.std(wrong) / math.sqrt(len(wrong))
    if not changed:
        # one by one, a tenth of the communes are told although nothing changes
        alone = told_apart(rng.standard_normal(60_000) / HALF_WIDTHS_PER_SD, 1.0)
        assert alone.mean() == pytest.approx(0.10, abs=0.005)
