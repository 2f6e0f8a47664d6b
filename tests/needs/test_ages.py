from __future__ import annotations

import math

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from territory.errors import ParameterError, SchemaError
from territory.needs import persons_by_age
from tests import oracles
from tests.needs.worlds import population

BANDS = [(0, 14), (15, 24), (25, 64)]


@given(
    counts=st.lists(st.floats(0, 1e5), min_size=3, max_size=3),
    ages=st.tuples(st.integers(0, 64), st.integers(0, 64)).map(sorted),
)
def test_matches_counting_year_by_year(counts: list[float], ages: list[int]) -> None:
    low, high = ages
    table = population([("83050", a, b, n) for (a, b), n in zip(BANDS, counts, strict=True)])
    expected = oracles.persons_by_age([(a, b, n) for (a, b), n in zip(BANDS, counts, strict=True)], low, high)
    assert persons_by_age(table, age_min=low, age_max=high)["83050"] == pytest.approx(expected)


def test_communes_may_have_different_bands_and_keep_their_order() -> None:
    table = population([("83121", 0, 24, 100.0), ("83050", 15, 24, 30.0), ("83050", 0, 14, 60.0)])
    counted = persons_by_age(table, age_min=0, age_max=19)
    assert list(counted.index) == ["83121", "83050"]
    assert counted.tolist() == [80.0, 75.0]


def test_open_band_counts_whole_or_not_at_all() -> None:
    table = population([("83050", 0, 64, 65.0), ("83050", 65, math.nan, 40.0)])
    assert persons_by_age(table, age_min=65, age_max=math.inf)["83050"] == 40.0
    assert persons_by_age(table, age_min=60, age_max=math.inf)["83050"] == 45.0
    with pytest.raises(ParameterError, match="ne peut pas être coupée"):
        persons_by_age(table, age_min=75, age_max=math.inf)
    with pytest.raises(ParameterError, match="ne peut pas être coupée"):
        persons_by_age(table, age_min=60, age_max=80)


def test_what_is_unknown_or_not_covered_is_nan_not_smaller() -> None:
    table = population(
        [
            ("83001", 0, 24, math.nan),
            ("83002", 0, 9, 10.0),
            ("83003", 0, 9, 10.0),
            ("83003", 10, 24, math.nan),
        ]
    )
    counted = persons_by_age(table, age_min=0, age_max=19)
    assert counted.isna().all()
    # a band that is not asked for may be unknown
    assert persons_by_age(table, age_min=0, age_max=9)["83003"] == 10.0


def test_overlapping_bands_are_refused() -> None:
    with pytest.raises(SchemaError, match="se recouvrent"):
        persons_by_age(population([("83050", 0, 19, 1.0), ("83050", 15, 24, 1.0)]), age_min=0, age_max=9)


def test_empty_range_is_refused() -> None:
    with pytest.raises(ParameterError, match="vide"):
        persons_by_age(population([("83050", 0, 24, 1.0)]), age_min=10, age_max=9)


def test_single_years_of_age_are_bands_like_others() -> None:
    table = population([("83050", age, age, float(age)) for age in range(26)])
    assert persons_by_age(table, age_min=3, age_max=20)["83050"] == sum(range(3, 21))


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (("83050", 0, 9, -1.0), "1 effectif négatif ou infini"),
        (("83050", 0, 9, math.inf), "infini"),
        (("83050", 9, 0, 1.0), "avant de commencer"),
        (("83050", -1, 9, 1.0), "absent ou négatif"),
    ],
)
def test_impossible_bands_are_refused(row: tuple, said: str) -> None:
    with pytest.raises(SchemaError, match=said):
        persons_by_age(population([row]), age_min=0, age_max=9)


def test_a_table_without_its_index_is_refused() -> None:
    with pytest.raises(SchemaError, match="index"):
        persons_by_age(pd.DataFrame({"population": [1.0]}), age_min=0, age_max=9)


@pytest.mark.parametrize(("codes", "said"), [([1001, 1002], "dtype=str"), (["01001", None], "code vide")])
def test_communes_without_a_code_of_their_own_are_refused(codes: list[object], said: str) -> None:
    index = pd.MultiIndex.from_arrays([codes, [0, 0], [19, 19]], names=["commune_code", "age_min", "age_max"])
    with pytest.raises(SchemaError, match=said):
        persons_by_age(pd.DataFrame({"population": [100.0, 60.0]}, index=index), age_min=0, age_max=19)
