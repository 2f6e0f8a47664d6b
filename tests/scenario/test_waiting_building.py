from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from territory.scenario import PoolSites
from territory.scenario.accounts import NOT_COMPUTABLE, annuity_eur, building_costs, waits
from territory.study.state import State
from territory.study.words.indicators import Building, Vehicle, Waiting
from tests.scenario import oracles_accounts as oracle

SEEN = Waiting(authorisation="sessad-x", waiting=18, exits_per_year=12, year=2024, source="enquête")


def pooled(state: State, share: float | None) -> State:
    pooling = PoolSites(
        name="GCSMS",
        member_ids=("ime-x", "sessad-x"),
        site_id="east",
        shared=("qualité",),
        freed_staff_share=share,
    )
    return replace(state, poolings=(pooling,))


def in_file_active(state: State) -> State:
    return replace(state, services=state.services.assign(capacity_unit="file_active"))


def test_no_wait_without_observed_children(state: State) -> None:
    table = waits(state, (), scenario=pooled(state, 0.1))
    assert table["note"].eq(NOT_COMPUTABLE).all()
    assert table[["wait_months", "scenario_wait_months"]].isna().all(axis=None)


def test_wait_by_hand(state: State) -> None:
    row = waits(state, (SEEN,)).loc["sessad-x"]
    # 18 children, 12 exits a year: a year and a half
    assert row["wait_months"] == 18.0
    assert "ordre de grandeur" in row["note"]


def test_pooling_alone_shortens_no_wait(state: State) -> None:
    world = in_file_active(state)
    for share in (None, 0.0):
        row = waits(world, (SEEN,), scenario=pooled(world, share)).loc["sessad-x"]
        assert row["scenario_wait_months"] == row["wait_months"] == 18.0
        assert "sans temps de professionnel libéré" in row["note"]


def test_freed_staff_time_shortens_a_wait_and_says_its_assumption(state: State) -> None:
    world = in_file_active(state)
    row = waits(world, (SEEN,), scenario=pooled(world, 0.2)).loc["sessad-x"]
    assert row["scenario_wait_months"] == pytest.approx(18.0 * 0.8)
    assert "20 %" in row["note"]


def test_freed_staff_time_makes_no_place(state: State) -> None:
    row = waits(state, (SEEN,), scenario=pooled(state, 0.2)).loc["sessad-x"]
    assert row["scenario_wait_months"] == 18.0
    assert "places" in row["note"]


def test_no_exit_no_wait(state: State) -> None:
    row = waits(state, (SEEN.model_copy(update={"exits_per_year": 0.0}),)).loc["sessad-x"]
    assert math.isnan(row["wait_months"])
    assert "aucune sortie" in row["note"]


@pytest.mark.parametrize("years, rate", [(1, 0.05), (10, 0.032), (30, 0.10)])
def test_annuity_pays_the_debt(years: int, rate: float) -> None:
    expected = oracle.annuity_by_bisection(1000.0, years, rate)
    assert annuity_eur(1000.0, years=years, rate_share=rate) == pytest.approx(expected, rel=1e-9)


@given(capital=st.floats(1, 1e8), years=st.floats(1, 100), rate=st.floats(0, 0.2))
def test_annuity_repays_at_least_the_capital(capital: float, years: float, rate: float) -> None:
    payment = annuity_eur(capital, years=years, rate_share=rate)
    assert payment * years >= capital * (1 - 1e-9)
    # a rate near nothing is no jump
    near = annuity_eur(capital, years=years, rate_share=1e-12)
    assert near == pytest.approx(capital / years, rel=1e-6)
    assert annuity_eur(2 * capital, years=years, rate_share=rate) == pytest.approx(2 * payment)


BUILDING = Building(
    label="Plateforme",
    cost_eur=9_134_682.60,
    source="ville",
    year=2021,
    subsidies_low_share=0.2,
    subsidies_high_share=0.4,
    years=30,
    discount_rate_share=0.032,
    rents_paid_eur=0,
)


def test_building_by_hand() -> None:
    whole = BUILDING.model_copy(update={"rents_avoided_eur": 50_000.0, "children_accompanied": 100.0})
    row = building_costs([whole], ["A"]).loc["A"]
    factor = 0.032 / (1 - 1.032**-30)
    assert row["annuity_high_eur"] == pytest.approx(9_134_682.60 * 0.8 * factor)
    assert row["annuity_low_eur"] == pytest.approx(9_134_682.60 * 0.6 * factor)
    assert row["net_low_eur"] == pytest.approx(row["annuity_low_eur"] - 50_000)
    assert row["per_child_high_eur"] == pytest.approx(row["net_high_eur"] / 100)
    assert row["per_child_low_eur"] == pytest.approx(row["net_low_eur"] / 100)
    assert row["net_low_eur"] < row["net_high_eur"]
    assert row["missing"] == ""


def test_unknown_parts_of_a_building_stay_unknown() -> None:
    row = building_costs([BUILDING], ["A"]).loc["A"]
    assert row["annuity_low_eur"] > 0
    assert math.isnan(row["net_low_eur"])
    assert math.isnan(row["per_child_low_eur"])
    assert row["missing"] == "loyers évités ; nombre d'enfants accompagnés"


def test_building_of_a_scenario_comes_before_that_of_all() -> None:
    own = BUILDING.model_copy(update={"scenarios": ("B",), "label": "Sienne"})
    table = building_costs([BUILDING, own], ["A", "B"])
    assert table["label"].to_dict() == {"A": "Plateforme", "B": "Sienne"}
    assert list(building_costs([own], ["A", "B"]).index) == ["B"]
    assert building_costs([], ["A"]).empty


@pytest.mark.parametrize(
    "changed, expected",
    [
        ({"subsidies_low_share": None}, "vont ensemble"),
        ({"subsidies_low_share": 0.5}, "dépasse subsidies_high_share"),
        ({"subsidies_low_eur": 1.0, "subsidies_high_eur": 2.0}, "pas les deux"),
        (
            {
                "subsidies_low_share": None,
                "subsidies_high_share": None,
                "subsidies_low_eur": 1.0,
                "subsidies_high_eur": 1e9,
            },
            "dépasse cost_eur",
        ),
    ],
)
def test_subsidies_are_a_range_of_the_cost(changed: dict[str, object], expected: str) -> None:
    with pytest.raises(ValidationError, match=expected):
        Building.model_validate({**BUILDING.model_dump(), **changed})


@pytest.mark.parametrize("key", ["eur_per_km", "co2_kg_per_km", "eur_per_trip"])
def test_no_price_without_a_source(key: str) -> None:
    with pytest.raises(ValidationError, match="source"):
        Vehicle.model_validate({"id": "v", "label": "v", key: 1.0})
