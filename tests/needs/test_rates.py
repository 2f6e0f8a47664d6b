from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from territory.errors import ParameterError, TerritoryWarning
from territory.needs import Rate, demand_for_service, demand_from_rate, demand_from_rates, persons_by_age
from territory.tables.schemas import validate
from tests.needs import oracles
from tests.needs.worlds import COMMUNES, population, populations

BEH = "Santé publique France, BEH 2020 n° 6-7"


def autism(**changes: object) -> Rate:
    given_: dict = {
        "public": "autisme",
        "kind": "prevalence",
        "age_min": 5,
        "age_max": 19,
        "per_1000": 8.0,
        "low_per_1000": 5.6,
        "high_per_1000": 10.2,
        "source": BEH,
        "low_source": "RHEOP",
        "high_source": "RHE31",
        "year": 2020,
    }
    return Rate(**{**given_, **changes})


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
        {"kind": "prevalence", "per_1000": 1001.0},
        {"kind": "prevalence", "per_1000": math.inf},
        {"kind": "prevalence", "per_1000": 8.0, "low_per_1000": 9.0},
        {"kind": "prevalence", "per_1000": 8.0, "high_per_1000": 7.0},
    ],
)
def test_demand_refuses_wrong_rates(wrong: dict) -> None:
    with pytest.raises(ParameterError):
        demand_from_rate(pd.Series({"83050": 1.0}), public="autisme", **wrong)


@pytest.mark.parametrize("persons", [-1.0, math.inf])
def test_demand_refuses_impossible_persons(persons: float) -> None:
    with pytest.raises(ParameterError, match="83050"):
        demand_from_rate(pd.Series({"83050": persons}), public="autisme", kind="prevalence", per_1000=8.0)


def test_demand_refuses_a_commune_twice() -> None:
    persons = pd.Series([1.0, 2.0], index=["83050", "83050"])
    with pytest.raises(ParameterError, match="double"):
        demand_from_rate(persons, public="autisme", kind="prevalence", per_1000=8.0)


def test_each_value_of_a_rate_has_its_source() -> None:
    table = population([("83050", 0, 19, 2000.0), ("83121", 0, 19, 200.0)])
    rights = Rate("aeeh", "rights", 0, 19, 27.2, "handidonnees.fr", 2021)
    demand = demand_from_rates(table, [autism(), rights])
    validate("demand", demand)
    row = demand.loc[("83050", "autisme")]
    assert (row["low_source"], row["source"], row["high_source"]) == ("RHEOP", BEH, "RHE31")
    assert row["demand"] == pytest.approx(1500 * 8 / 1000)
    assert demand.loc[("83121", "aeeh"), "demand"] == pytest.approx(200 * 27.2 / 1000)
    assert demand.loc[("83121", "aeeh"), "high_source"] == "handidonnees.fr"
    assert math.isnan(demand.loc[("83121", "aeeh"), "demand_low"])


@given(
    rows=populations(),
    rate_ages=st.tuples(st.integers(0, 30), st.integers(0, 30)).map(sorted),
    ages=st.tuples(st.integers(0, 30), st.integers(0, 30)).map(sorted),
)
@pytest.mark.filterwarnings("ignore:Taux de")
def test_a_service_counts_the_shared_ages_alone(rows: list, rate_ages: list[int], ages: list[int]) -> None:
    rate = autism(age_min=rate_ages[0], age_max=rate_ages[1])
    shared = set(range(rate_ages[0], rate_ages[1] + 1)) & set(range(ages[0], ages[1] + 1))
    if not shared:
        with pytest.raises(ParameterError, match="sans âge commun"):
            demand_for_service(population(rows), rate, age_min=ages[0], age_max=ages[1])
        return
    demand = demand_for_service(population(rows), rate, age_min=ages[0], age_max=ages[1])
    by_year = oracles.years(rows)
    for code in COMMUNES:
        expected = sum(by_year[code, age] for age in shared) * 8.0 / 1000
        assert demand.loc[(code, "autisme"), "demand"] == pytest.approx(expected)


def test_ages_where_the_rate_says_nothing_are_not_counted_and_said() -> None:
    table = population([("83050", 0, 19, 2000.0)])
    with pytest.warns(TerritoryWarning, match="seuls 5 à 19 ans"):
        demand = demand_for_service(table, autism(), age_min=0, age_max=19)
    assert demand["demand"].to_list() == [persons_by_age(table, age_min=5, age_max=19)["83050"] * 8 / 1000]
    assert demand["age_min"].to_list() == [5]


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "besoin"},
        {"source": " "},
        {"age_min": 20},
        {"low_per_1000": 9.0},
        {"per_1000": -1.0, "low_per_1000": math.nan},
    ],
)
def test_a_rate_refuses_what_is_no_rate(wrong: dict) -> None:
    with pytest.raises(ParameterError, match="1 problème"):
        autism(**wrong)


def test_a_rate_reports_every_problem_at_once() -> None:
    with pytest.raises(ParameterError, match="3 problèmes"):
        autism(kind="besoin", source="", age_min=30)


def test_two_rates_of_one_public_are_refused() -> None:
    with pytest.raises(ParameterError, match="autisme"):
        demand_from_rates(population([("83050", 0, 19, 1.0)]), [autism(), autism(kind="waiting")])
    with pytest.raises(ParameterError, match="aucun taux"):
        demand_from_rates(population([("83050", 0, 19, 1.0)]), [])
