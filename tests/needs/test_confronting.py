from __future__ import annotations

import math

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from territory.errors import ParameterError, TerritoryWarning
from territory.needs import (
    KINDS_COMPARABLE_WITH_PLACES,
    demand_against_places,
    demand_by_zone,
    demand_from_rate,
    places_against_rate,
)
from territory.tables.schemas import DEMAND_KINDS
from tests.needs import oracles

ZONES = {"83050": "Dracénie", "83141": "Dracénie", "83121": "Provence Verte", "83118": "Var Estérel"}


def counted(persons: dict[str, float], kind: str = "orientation", public: str = "ime") -> pd.DataFrame:
    return demand_from_rate(
        pd.Series(persons), public=public, kind=kind, low_per_1000=500, per_1000=1000, high_per_1000=1000
    )


def test_only_orientations_and_waiting_children_stand_beside_places() -> None:
    assert KINDS_COMPARABLE_WITH_PLACES == ("orientation", "waiting")
    places = pd.Series({"Dracénie": 1.0})
    for kind in DEMAND_KINDS:
        demand = counted({"83050": 3.0}, kind=kind)
        if kind in KINDS_COMPARABLE_WITH_PLACES:
            found = demand_against_places(demand, places, public="ime", zones=pd.Series(ZONES))
            assert found["missing_places"].to_list() == [2.0]
            assert found.attrs["caution"]
        else:
            with pytest.raises(ParameterError, match="places pour un taux d'équipement énoncé"):
                demand_against_places(demand, places, public="ime", zones=pd.Series(ZONES))


@given(
    needs=st.fixed_dictionaries({code: st.floats(0, 1e3) for code in ZONES}),
    held=st.fixed_dictionaries({zone: st.floats(0, 1e3) for zone in set(ZONES.values())}),
)
def test_missing_places_match_the_oracle_and_balance(needs: dict, held: dict) -> None:
    places = pd.Series(held)
    found = demand_against_places(counted(needs), places, public="ime", zones=pd.Series(ZONES))
    assert list(found.index) == list(places.index)
    assert found["missing_places"].to_dict() == pytest.approx(oracles.against(needs, held, ZONES))
    # what is missing less what is free is what is asked less what is there
    balance = found["missing_places"] - found["free_places"]
    assert balance.to_numpy() == pytest.approx((found["demand"] - found["places"]).to_numpy(), abs=1e-6)
    assert (found["missing_low_places"] <= found["missing_places"]).all()
    # one more place never makes more missing
    more = demand_against_places(counted(needs), places + 1, public="ime", zones=pd.Series(ZONES))
    assert (more["missing_places"] <= found["missing_places"]).all()


def test_unknown_needs_or_places_stay_unknown() -> None:
    demand = counted({"83050": 3.0, "83141": math.nan, "83121": 4.0})
    places = pd.Series({"Provence Verte": math.nan, "Dracénie": 1.0, "Var Estérel": 2.0})
    found = demand_against_places(demand, places, public="ime", zones=pd.Series(ZONES))
    assert found["missing_places"].isna().all()
    assert found["demand"].to_list()[0] == 4.0


def test_kinds_are_never_added() -> None:
    mixed = pd.concat([counted({"83050": 3.0}), counted({"83141": 3.0}, kind="waiting")])
    with pytest.raises(ParameterError, match="ne s'additionnent pas"):
        demand_by_zone(mixed, pd.Series(ZONES))
    with pytest.raises(ParameterError, match="ne s'additionnent pas"):
        demand_against_places(mixed, pd.Series({"Dracénie": 1.0}), public="ime", zones=pd.Series(ZONES))
    # two publics of two kinds are two lines
    apart = pd.concat([counted({"83050": 3.0}), counted({"83141": 4.0}, kind="prevalence", public="autisme")])
    found = demand_by_zone(apart, pd.Series(ZONES))
    assert found["demand"].to_dict() == {("Dracénie", "ime"): 3.0, ("Dracénie", "autisme"): 4.0}
    assert found["kind"].to_list() == ["orientation", "prevalence"]


def test_communes_without_zone_are_counted_in_a_warning() -> None:
    with pytest.warns(TerritoryWarning, match=r"1 commune sans zone laissée de côté \(04001\)"):
        found = demand_by_zone(counted({"83050": 3.0, "04001": 9.0}), pd.Series(ZONES))
    assert found["demand"].to_list() == [3.0]


@pytest.mark.parametrize(
    ("places", "public", "said"),
    [
        ({"Dracénie": -1.0}, "ime", "négatif"),
        ({"Dracénie": math.inf}, "ime", "infini"),
        ({"Provence Verte": 1.0}, "ime", "sans ligne de places"),
        ({"Dracénie": 1.0}, "sessad", "absent des besoins"),
    ],
)
def test_wrong_places_are_refused(places: dict, public: str, said: str) -> None:
    with pytest.raises(ParameterError, match=said):
        demand_against_places(
            counted({"83050": 3.0}), pd.Series(places), public=public, zones=pd.Series(ZONES)
        )
    twice = pd.Series([1.0, 2.0], index=["Dracénie", "Dracénie"])
    with pytest.raises(ParameterError, match="double"):
        demand_against_places(counted({"83050": 3.0}), twice, public="ime", zones=pd.Series(ZONES))


def test_the_var_at_the_national_rate() -> None:
    # 10.7 places per 1,000 under 20 in France in 2023, 222,951 under 20 in the Var (INSEE, RP 2021)
    found = places_against_rate(
        pd.Series({"83": 2000.0}),
        pd.Series({"83": 222_951.0}),
        rate_per_1000=10.7,
        source="handidonnees.fr, France",
        year=2023,
    )
    row = found.loc["83"]
    assert row["places_at_stated_rate"] == pytest.approx(2385.5757)
    assert row["gap_places"] == pytest.approx(-385.5757)
    assert row["places_per_1000"] == pytest.approx(8.971, abs=1e-3)
    assert found.attrs["title"].startswith("places pour un taux d'équipement énoncé (10,7 pour 1 000")


def test_unknown_places_give_no_gap_and_nobody_no_rate() -> None:
    found = places_against_rate(
        pd.Series({"a": math.nan, "b": 3.0}),
        pd.Series({"b": 0.0, "a": 100.0}),
        rate_per_1000=10,
        source="essai",
        year=2023,
    )
    assert math.isnan(found.loc["a", "gap_places"])
    assert math.isnan(found.loc["b", "places_per_1000"])
    assert found.loc["b", "gap_places"] == 3.0


def test_two_years_are_said() -> None:
    with pytest.warns(TerritoryWarning, match="deux années"):
        places_against_rate(
            pd.Series({"a": 1.0}),
            pd.Series({"a": 9.0}),
            rate_per_1000=1,
            source="x",
            year=2023,
            places_year=2016,
        )


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"rate_per_1000": -1.0}, "positif"),
        ({"rate_per_1000": math.nan}, "positif"),
        ({"source": " "}, "source"),
        ({"persons": pd.Series({"b": 9.0})}, "2 zones sans places ou sans personnes"),
        ({"persons": pd.Series({"a": -9.0})}, "négatifs"),
    ],
)
def test_wrong_rates_are_refused(changes: dict, said: str) -> None:
    options = {"persons": pd.Series({"a": 9.0}), "rate_per_1000": 1.0, "source": "x", "year": 2023, **changes}
    with pytest.raises(ParameterError, match=said):
        places_against_rate(pd.Series({"a": 1.0}), options.pop("persons"), **options)
