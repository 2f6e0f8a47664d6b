from __future__ import annotations

import math

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from territory.errors import ParameterError
from territory.needs import persons_by_age, standardised_population
from tests.needs import oracles
from tests.needs.worlds import population, populations


def consumption(*rows: tuple[float, float, float]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["age_min", "age_max", "acts_per_hab"])


def test_by_hand() -> None:
    people = population(
        [("a", 0, 64, 60.0), ("a", 65, math.nan, 40.0), ("b", 0, 64, 100.0), ("b", 65, math.nan, 0.0)]
    )
    acts = consumption((65, math.nan, 6.0), (0, 64, 2.0))
    found = standardised_population(people, acts, reference=4.0)
    # a: (60 × 2 + 40 × 6) / 4 ; b: 100 × 2 / 4
    assert found.to_dict() == {"a": 90.0, "b": 50.0}
    assert found.attrs["mean_acts_per_hab"] == 4.0


@given(
    rows=populations(last=40),
    cut=st.integers(1, 40),
    acts=st.tuples(*[st.floats(0.1, 12)] * 3),
    mean=st.floats(0.5, 10),
)
def test_matches_weighting_year_by_year(rows: list, cut: int, acts: tuple, mean: float) -> None:
    rows = [*rows, *((code, 41, math.nan, 5.0) for code in dict.fromkeys(row[0] for row in rows))]
    table = consumption((0, cut - 1, acts[0]), (cut, 40, acts[1]), (41, math.nan, acts[2]))
    by_year = {age: acts[0] if age < cut else acts[1] for age in range(41)} | {41: acts[2]}
    # the open band stands for one year of age
    bounded = [(code, low, 41 if math.isnan(high) else high, n) for code, low, high, n in rows]
    expected = oracles.standardised(bounded, by_year, mean)
    found = standardised_population(population(rows), table, reference=mean)
    assert found.to_dict() == pytest.approx(expected)


@given(rows=populations(last=40), acts=st.tuples(st.floats(0.1, 12), st.floats(0.1, 12)))
def test_a_population_standardised_by_itself_keeps_its_inhabitants(rows: list, acts: tuple) -> None:
    rows = [(code, low, math.nan if high == 40 else high, n) for code, low, high, n in rows]
    people = population(rows)
    # one cut at the lowest bound that leaves every open band whole
    cut = min(low for _, low, high, _ in rows if math.isnan(high))
    table = consumption((0, math.nan, acts[0]))
    if cut > 0 and all(low <= cut for _, low, high, _ in rows if math.isnan(high)):
        table = consumption((0, cut - 1, acts[0]), (cut, math.nan, acts[1]))
    found = standardised_population(people, table, reference=people)
    assert found.sum() == pytest.approx(people["population"].sum())


def test_even_consumption_changes_nothing() -> None:
    people = population([("a", 0, 24, 7.0), ("a", 25, math.nan, 5.0)])
    acts = consumption((0, 24, 3.0), (25, math.nan, 3.0))
    assert standardised_population(people, acts, reference=people)["a"] == pytest.approx(12.0)


def test_unknown_ages_stay_unknown() -> None:
    people = population(
        [("a", 0, 24, 7.0), ("a", 25, math.nan, math.nan), ("b", 0, 24, 1.0), ("b", 25, math.nan, 1.0)]
    )
    found = standardised_population(people, consumption((0, 24, 1.0), (25, math.nan, 3.0)), reference=2.0)
    assert math.isnan(found["a"])
    assert found["b"] == 2.0


def test_without_a_table_it_refuses_and_says_what_to_bring() -> None:
    with pytest.raises(ParameterError, match="n'est pas une APL"):
        standardised_population(population([("a", 0, math.nan, 1.0)]), None, reference=3.0)


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([(0, 24, 1.0), (26, math.nan, 1.0)], "trou avant 26 ans"),
        ([(0, 24, 1.0), (25, 64, 1.0), (66, math.nan, 1.0)], "trou avant 66 ans"),
        ([(0, 24, 1.0), (25, math.nan, -1.0)], "positifs"),
        ([(0, 24, 1.0), (20, math.nan, 1.0)], "recouvrent"),
        ([(0, 24, 1.0)], "borne haute"),
        ([(3, math.nan, 1.0)], "0 an"),
        ([(0, math.nan, -1.0)], "positifs"),
        ([(0, math.nan, math.nan)], "connus"),
        ([], "0 an"),
    ],
)
def test_wrong_tables_are_refused(rows: list, said: str) -> None:
    with pytest.raises(ParameterError, match=said):
        standardised_population(population([("a", 0, math.nan, 1.0)]), consumption(*rows), reference=3.0)


def test_a_table_without_its_columns_is_refused() -> None:
    with pytest.raises(ParameterError, match="acts_per_hab"):
        standardised_population(
            population([("a", 0, math.nan, 1.0)]), consumption((0, math.nan, 1.0)).iloc[:, :2], reference=3.0
        )


def test_a_reference_of_unknown_or_no_persons_is_refused() -> None:
    acts = consumption((0, 24, 1.0), (25, math.nan, 3.0))
    people = population([("a", 0, 24, 7.0), ("a", 25, math.nan, 5.0)])
    for young, old in ((math.nan, math.nan), (0.0, 0.0), (math.nan, 5.0), (7.0, math.nan)):
        reference = population([("b", 0, 24, young), ("b", 25, math.nan, old)])
        for one in (reference, pd.concat([people, reference])):
            if one is reference or math.isnan(young + old):
                with pytest.raises(ParameterError, match="référence"):
                    standardised_population(people, acts, reference=one)


@pytest.mark.parametrize("mean", [0.0, -1.0, math.nan, math.inf])
def test_a_mean_that_is_none_is_refused(mean: float) -> None:
    with pytest.raises(ParameterError, match=r"reference|référence"):
        standardised_population(
            population([("a", 0, math.nan, 1.0)]), consumption((0, math.nan, 1.0)), reference=mean
        )


def test_ages_that_the_census_cannot_give_are_refused() -> None:
    people = population([("a", 0, 64, 1.0), ("a", 65, math.nan, 1.0)])
    table = consumption((0, 64, 1.0), (65, 74, 2.0), (75, math.nan, 3.0))
    with pytest.raises(ParameterError, match="ne peut pas être coupée"):
        standardised_population(people, table, reference=3.0)
    assert persons_by_age(people, age_min=65, age_max=math.inf)["a"] == 1.0
