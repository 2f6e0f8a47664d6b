from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from territory.errors import StudyError
from territory.scenario import MoveSite, Scenario, apply, compare
from territory.scenario.accounts import DEFAULT_TRIPS, QUANTITIES, _of_rounds, account_terms, trips_of
from territory.study.state import State
from territory.study.words.indicators import Prices, StaffHour, Vehicle
from territory.study.words.model import Authorisation, Trip, TripRounds
from tests.scenario import oracles_accounts as oracle
from tests.scenario.lent import compute

TAXI = Vehicle(
    id="taxi",
    label="taxi",
    eur_per_km=1.0,
    eur_per_trip=13.0,
    included_km=4.0,
    eur_source="convention",
    eur_year=2025,
    co2_kg_per_km=0.2,
    co2_source="base",
    co2_year=2023,
)
HOUR = StaffHour(eur_per_hour=30.0, source="budget", year=2024)
MOVE = Scenario(id="S", name="Essai", change=(MoveSite(authorisation_ids=("ime-x",), to_site_id="east"),))


def world(state: State, *trips: Trip, prices: Prices | None = None) -> State:
    """Return the state with other trips of the IME, and prices."""
    named = (Authorisation(id="ime-x", label="IME", trip=trips), *state.parameters.authorisations[1:])
    given_prices = Prices(vehicle=(TAXI,), staff_hour=HOUR) if prices is None else prices
    return replace(state, parameters=replace(state.parameters, authorisations=named, prices=given_prices))


def test_year_by_hand(state: State) -> None:
    trip = Trip(who="child", return_trips_per_year=10, vehicle="taxi")
    row = compute(world(state, trip)).trips.loc[("83002", "ime-x", "child")]
    # 12 min and 12 km, twenty times; 13 € pay for 4 km, the 8 others cost 1 €
    assert row["year_direct_min"] == row["year_high_min"] == 240.0
    assert row["year_low_km"] == 240.0
    assert row["year_vehicle_low_eur"] == pytest.approx(20 * (13 + 8))
    assert row["year_co2_low_kg"] == pytest.approx(240 * 0.2)
    assert np.isnan(row["year_staff_low_eur"])


def test_staff_time_is_counted_in_its_own_account(state: State) -> None:
    trips = compute(world(state, Trip(who="staff", return_trips_per_year=5, vehicle="taxi"))).trips
    assert trips.loc[("83002", "ime-x", "staff"), "year_staff_low_eur"] == pytest.approx(120 / 60 * 30)
    assert ("83002", "ime-x", "child") not in trips.index


@given(
    returns=st.integers(0, 40),
    low=st.floats(1, 2),
    wider=st.floats(0, 1),
    board=st.floats(1, 8),
    per_trip=st.floats(0, 20),
    included=st.floats(0, 30),
)
def test_every_quantity_matches_the_trips_driven_one_by_one(
    returns: int, low: float, wider: float, board: float, per_trip: float, included: float
) -> None:
    from territory.scenario.accounts import _count

    vehicle = TAXI.model_copy(update={"eur_per_trip": per_trip, "included_km": included})
    trip = Trip(
        who="staff",
        return_trips_per_year=returns,
        round_factor_low=low,
        round_factor_high=low + wider,
        persons_on_board=board,
        vehicle="taxi",
    )
    prices = Prices(vehicle=(vehicle,), staff_hour=HOUR)
    found = _count(trip, np.array([12.5]), np.array([9.25]), prices)
    for side, factor in (("low", low), ("high", low + wider)):
        expected = oracle.year_of_one_child(
            12.5,
            9.25,
            returns=returns,
            factor=factor,
            eur_per_trip=per_trip,
            included_km=included,
            eur_per_km=1.0,
            co2_per_km=0.2,
            hour_eur=30.0,
            board=board,
        )
        names = {
            "min": f"year_{side}_min",
            "km": f"year_{side}_km",
            "vehicle_eur": f"year_vehicle_{side}_eur",
            "staff_eur": f"year_staff_{side}_eur",
            "co2_kg": f"year_co2_{side}_kg",
        }
        for key, name in names.items():
            assert found[name][0] == pytest.approx(expected[key], rel=1e-9, abs=1e-9)


@settings(deadline=None, max_examples=20)
@given(returns=st.floats(0, 200), times=st.floats(0, 5))
def test_accounts_scale_with_trips(returns: float, times: float) -> None:
    from territory.scenario.accounts import _count

    def year(count: float) -> dict[str, np.ndarray]:
        trip = Trip(
            who="staff",
            return_trips_per_year=count,
            vehicle="taxi",
            round_factor_high=1.5,
            persons_on_board=2,
        )
        return _count(trip, np.array([7.0]), np.array([5.0]), Prices(vehicle=(TAXI,), staff_hour=HOUR))

    one, many = year(returns), year(returns * times)
    for name in QUANTITIES:
        assert many[name][0] == pytest.approx(one[name][0] * times, rel=1e-9, abs=1e-9)


def test_no_account_holds_another(state: State) -> None:
    child = Trip(who="child", return_trips_per_year=10, vehicle="taxi")
    parent = Trip(who="parent", return_trips_per_year=10)
    alone = compute(world(state, child)).trips
    both = compute(world(state, child, parent)).trips
    pd.testing.assert_frame_equal(
        alone.xs(("ime-x", "child"), level=("service", "who")),
        both.xs(("ime-x", "child"), level=("service", "who")),
    )
    # the parent's time is theirs; the vehicle is the child's alone
    assert both.xs("parent", level="who")[["year_vehicle_low_eur", "year_co2_low_kg"]].isna().all(axis=None)


@pytest.mark.parametrize(
    "trips, expected",
    [
        (
            (Trip(who="child", return_trips_per_year=1), Trip(who="child", return_trips_per_year=2)),
            "deux fois",
        ),
        (
            (
                Trip(who="child", return_trips_per_year=1, vehicle="taxi"),
                Trip(who="parent", return_trips_per_year=1, vehicle="taxi"),
            ),
            "pas pour les deux",
        ),
    ],
)
def test_one_road_is_not_counted_twice(trips: tuple[Trip, ...], expected: str) -> None:
    with pytest.raises(StudyError, match=expected):
        Authorisation(id="a", label="A", trip=trips)


def test_missing_prices_are_said_and_leave_their_column_unknown(state: State) -> None:
    trips = (
        Trip(who="child", return_trips_per_year=10, vehicle="taxi", round_factor_high=1.5),
        Trip(who="parent", return_trips_per_year=10),
    )
    poor = world(state, *trips, prices=Prices(vehicle=(Vehicle(id="taxi", label="taxi"),)))
    terms = account_terms(poor)
    said = terms.loc[("ime-x", "child"), "missing"]
    for part in ("prix au km : taxi", "CO2 au km : taxi", "nombre de personnes à bord"):
        assert part in said
    assert terms.loc[("ime-x", "parent"), "missing"] == ""
    assert terms.loc[("sessad-x", "staff"), "missing"] == (
        "véhicule non indiqué ; valeur d'une heure de professionnel"
    )
    assert compute(poor).trips.filter(regex="_eur$|_kg$").isna().all(axis=None)


def test_round_without_persons_on_board_has_no_price(state: State) -> None:
    trip = Trip(who="child", return_trips_per_year=10, vehicle="taxi", round_factor_high=1.5)
    row = compute(world(state, trip)).trips.loc[("83002", "ime-x", "child")]
    assert row[["year_vehicle_low_eur", "year_co2_high_kg"]].isna().all()
    assert row["year_high_km"] == pytest.approx(360.0)


@pytest.mark.parametrize(
    "mode, whos",
    [
        ("internat", ["child"]),
        ("semi_internat", ["child"]),
        ("ambulatoire", ["child", "parent"]),
        ("milieu_ordinaire", ["staff"]),
        ("tous_modes", []),
        (None, []),
    ],
)
def test_default_trips_follow_the_mode(mode: str | None, whos: list[str]) -> None:
    columns = {"site_id": ["s"], "service": ["ime"], "authorisation_id": ["a"], "reception_mode": [mode]}
    services = pd.DataFrame(columns).set_index(["site_id", "service"])
    assert [trip.who for trip in trips_of(Authorisation(id="a", label="A"), services)] == whos


def test_default_trips_are_all_marked_as_assumptions() -> None:
    for trips in DEFAULT_TRIPS.values():
        assert all(trip.source.startswith("hypothèse") for trip in trips)


def test_default_trips_are_flagged(state: State) -> None:
    terms = account_terms(world(state))
    assert terms["is_default"].to_dict() == {("ime-x", "child"): True, ("sessad-x", "staff"): False}
    assert terms.loc[("ime-x", "child"), "mode"] == "semi_internat"


def test_comparison_averages_over_the_persons_of_the_area(state: State) -> None:
    priced = world(state, Trip(who="child", return_trips_per_year=10, vehicle="taxi"))
    trips = compare(compute(priced), compute(apply(priced, MOVE))).trips
    row = trips.loc[("territory", "ime-x", "child")]
    # 5, 12 and 33 min become 33, 21 and 5 for 10, 20 and 30 persons; 80 min is beyond the limit
    before, after = (5 * 10 + 12 * 20 + 33 * 30) / 60, (33 * 10 + 21 * 20 + 5 * 30) / 60
    assert row["baseline_year_direct_min"] == pytest.approx(20 * before)
    assert row["delta_year_direct_min"] == pytest.approx(20 * (after - before))
    assert row["delta_year_co2_low_kg"] == pytest.approx(20 * 0.2 * (after - before))


def test_a_year_of_rounds_is_shared_by_those_who_are_carried() -> None:
    prices = Prices(vehicle=(TAXI,), staff_hour=HOUR)
    one = pd.DataFrame({"not_carried_share": [0.2, 1.0]}, index=["e1", "e2"])
    ride = one.assign(mean_ride_min=30.0, mean_ride_km=20.0, year_eur=8_000.0, year_co2_kg=400.0)
    ends = {"value": ride.assign(mean_direct_min=15.0, mean_direct_km=12.0), "low": ride, "high": 2 * ride}
    child = _of_rounds(Trip(who="child", return_trips_per_year=100), ends, 10.0, prices)
    expected = {
        "year_direct_min": [3_000, 3_000], "year_direct_km": [2_400, 2_400], "year_low_min": [6_000, 6_000],
        "year_high_km": [8_000, 8_000], "year_vehicle_low_eur": [1_000, np.nan], "year_co2_high_kg": [100, np.nan],
        "year_staff_low_eur": [np.nan, np.nan],
    }  # fmt: skip
    for name, values in expected.items():
        np.testing.assert_allclose(child[name], values, err_msg=name)
    # twice a week, forty weeks: the hours of a week, for each of the eight who are seen
    week = one.assign(week_road_hours=4.0, week_km=240.0)
    rounds = TripRounds(day_min=420, visit_min=60, visits_per_week=2)
    trip = Trip(who="staff", return_trips_per_year=80, vehicle="taxi", rounds=rounds)
    staff = _of_rounds(trip, {"value": week, "low": week, "high": week}, 10.0, prices)
    assert "year_direct_min" not in staff
    expected = {
        "year_low_min": 1_200, "year_low_km": 1_200, "year_vehicle_low_eur": 1_200, "year_co2_high_kg": 240,
        "year_staff_high_eur": 600,
    }  # fmt: skip
    for name, value in expected.items():
        np.testing.assert_allclose(staff[name], [value, np.nan], err_msg=name)
    alone = _of_rounds(
        trip.model_copy(update={"rounds": None}), {"value": week, "low": week, "high": week}, 10.0, prices
    )
    np.testing.assert_allclose(alone["year_low_min"], [2_400, np.nan])
