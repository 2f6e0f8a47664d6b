from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from territory.errors import ParameterError, SchemaError
from territory.needs import demand_from_rate, persons_by_age, scale_to_total
from tests import oracles


def population(rows: list[tuple[str, float, float, float]]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=["commune_code", "age_min", "age_max", "population"])
    return frame.set_index(["commune_code", "age_min", "age_max"])


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


@given(st.lists(st.floats(0.1, 1e4), min_size=1, max_size=20), st.floats(0, 1e6))
def test_scaled_counts_add_up_to_the_total(counts: list[float], total: float) -> None:
    series = pd.Series(counts, index=[f"{83000 + k}" for k in range(len(counts))])
    assert scale_to_total(series, total).sum() == pytest.approx(total, abs=1e-6)


def test_scaling_within_a_territory_carries_its_factor_to_the_others() -> None:
    scaled = scale_to_total(pd.Series({"83050": 50.0, "04001": 10.0}), 100.0, within=pd.Index(["83050"]))
    assert scaled.tolist() == [100.0, 20.0]


@pytest.mark.parametrize("total", [-1.0, math.nan, math.inf])
def test_scaling_refuses_what_is_no_total(total: float) -> None:
    with pytest.raises(ParameterError):
        scale_to_total(pd.Series({"83050": 1.0}), total)


def test_scaling_nobody_is_refused() -> None:
    with pytest.raises(ParameterError, match="aucun effectif"):
        scale_to_total(pd.Series({"83050": 0.0, "83121": math.nan}), 10.0)


def test_demand_has_its_range_and_kind() -> None:
    persons = pd.Series({"83050": 1000.0, "83121": math.nan})
    demand = demand_from_rate(
        persons, public="autisme", kind="prevalence", low_per_1000=5.6, per_1000=8.0, high_per_1000=10.2
    )
    row = demand.loc[("83050", "autisme")]
    assert (row["demand_low"], row["demand"], row["demand_high"]) == pytest.approx((5.6, 8.0, 10.2))
    assert row["kind"] == "prevalence"
    assert np.isnan(demand.loc[("83121", "autisme"), "demand"])


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "besoin", "per_1000": 8.0},
        {"kind": "prevalence", "per_1000": -1.0},
        {"kind": "prevalence", "per_1000": 8.0, "low_per_1000": 9.0},
        {"kind": "prevalence", "per_1000": 8.0, "high_per_1000": 7.0},
    ],
)
def test_demand_refuses_wrong_rates(wrong: dict[str, float]) -> None:
    with pytest.raises(ParameterError):
        demand_from_rate(pd.Series({"83050": 1.0}), public="autisme", **wrong)
