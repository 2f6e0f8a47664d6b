from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from territory.errors import ParameterError
from territory.network import difference_uncertainty_min
from territory.scenario import CloseSite, MoveSite, Scenario, apply, compare
from territory.scenario.comparison.compare import _round_rows, _tally, add_draws, best_in_all, side_by_side
from territory.scenario.comparison.measures import (
    NOBODY,
    _coverage_rows,
    _gather,
    _inequality,
    _time_rows,
    _unequal_times,
)
from territory.scenario.results import Comparison
from territory.scenario.zones import by_zone, mean_trips, zone_levels
from territory.study.state import State
from tests.drawing import examples
from tests.oracles import gains_and_losses, time_of_share
from tests.scenario import oracles_accounts as oracle
from tests.scenario.lent import compared, compute

MOVE = Scenario(id="S", name="Essai", change=(MoveSite(authorisation_ids=("ime-x",), to_site_id="east"),))
BEFORE, AFTER = [5.0, 12.0, 33.0, 80.0], [33.0, 21.0, 5.0, 50.0]
PERSONS = [10, 20, 30, 40]


def moved(state: State) -> Comparison:
    return compared(state, MOVE)[1].named("S", "Essai")


@pytest.fixture(scope="module")
def comparison(state: State) -> Comparison:
    """The move in the world of `state`, for the tests that only read it."""
    return moved(state)


def row(
    comparison: Comparison, measure: str, *, zone: tuple[str, str] = ("territory", "territory")
) -> pd.Series:
    return comparison.measures.loc[(*zone, "ime-x", measure)]


def test_each_commune_is_in_the_whole_its_departement_and_its_epci() -> None:
    keys = [pd.Index(["03901", "83050"], name="commune_code"), ["e1", None]]
    places = pd.DataFrame({"epci_code": keys[1], "departement_code": ["03", "83"]}, index=keys[0])
    rows = pd.DataFrame({"persons": [5.0, 7.0]}, index=keys[0])
    found = zone_levels(rows, places)
    assert found.index.tolist() == list(range(6))
    assert found["level"].tolist() == ["territory"] * 2 + ["departement"] * 2 + ["epci"] * 2
    assert found["zone"].tolist() == ["territory", "territory", "03", "83", "e1", ""]
    assert found["epci"].tolist() == ["e1", ""] * 3
    assert found["persons"].tolist() == [5.0, 7.0] * 3
    both = by_zone(rows, places["epci_code"])
    assert both.index.tolist() == list(range(4))
    assert both["zone"].tolist() == ["territory", "territory", "", "e1"]


def test_a_mean_trip_is_that_of_the_persons_of_the_area_whose_change_is_known() -> None:
    rows = pd.DataFrame(
        {
            "zone": ["e1", "e1", "e1", "e1", "e1", "e2"],
            "is_in_area": [True, True, False, True, True, False],
            "persons": [90.0, 10.0, 500.0, 500.0, np.nan, 7.0],
            "baseline_travel_time_min": [20.0, 40.0, 90.0, 95.0, 99.0, 10.0],
            "scenario_travel_time_min": [30.0, 20.0, 10.0, np.nan, 9.0, 50.0],
            "delta_travel_time_min": [10.0, -20.0, -80.0, np.nan, -90.0, 40.0],
            "detectable_min": [5.0, 15.0, 1.0, 1.0, 1.0, 5.0],
        }
    )
    found = mean_trips(rows, ["zone"], 0.8)
    assert found.index.tolist() == ["e1", "e2"]
    # nine in ten have 20 min at most, then 30; a mean of +7 under a doubt of 6
    assert found.loc["e1", ["baseline_p90_min", "scenario_p90_min", "detectable_mean_min"]].tolist() == [
        20,
        30,
        6,
    ]
    assert found["is_mean_distinguishable"].tolist() == [True, pd.NA]
    assert found.drop(columns="is_mean_distinguishable").loc["e2"].isna().all()


def test_a_mean_time_is_told_when_it_is_as_long_as_its_doubt() -> None:
    rows = pd.DataFrame(
        {
            "level": "epci", "zone": ["e1", "e1", "e2", "e3", "e3"], "service": "ime",
            "is_area": [True, True, True, False, False],
            "baseline_min": [20.0, 30.0, 20.0, 50.0, np.nan], "scenario_min": [15.0, 40.0, 15.1, 40.0, 9.0],
            "detectable_min": [4.99, np.nan, 5.0, 1.0, 1.0],
            "baseline_persons": [10.0, 0.0, 10.0, 9.0, 9.0], "scenario_persons": [10.0, 0.0, 10.0, 9.0, 9.0],
        }
    )  # fmt: skip
    found = _time_rows(rows, 0.8).set_index("zone")
    # nobody lives in the second commune: its time weighs nothing, nor does a doubt that is not known
    assert found[["baseline", "scenario"]].to_numpy()[:2].tolist() == [[20.0, 15.0], [20.0, 15.1]]
    assert found["is_told"].tolist() == [True, False, pd.NA]
    assert found["reason"].tolist() == ["", "", NOBODY]
    lost = rows.assign(scenario_min=[np.nan, 40.0, 15.1, 40.0, 9.0])
    assert _time_rows(lost, 0.8)["reason"].iloc[0].startswith("1 commune hors d'atteinte")


def test_persons_within_a_time_are_counted_to_the_bound_and_unknown_with_one_time() -> None:
    rows = pd.DataFrame(
        {
            "level": "epci", "zone": ["z", "z", "a", "a", "c"], "service": "ime", "unit": "hab",
            "baseline_min": [15.0, 30.1, 15.0, np.nan, 9.0], "scenario_min": [30.0, 15.1, 15.0, 9.0, 9.0],
            "certain_min": [31.0, 14.0, 15.0, 9.0, 9.0], "is_known": [True, True, True, False, False],
            "baseline_persons": [1.0, 2.0, 4.0, 8.0, 0.0], "scenario_persons": [1.0, 2.0, 4.0, 8.0, 0.0],
        }
    )  # fmt: skip
    baseline: Any = SimpleNamespace(
        state=SimpleNamespace(parameters=SimpleNamespace(thresholds_min=(30.0, 15.0)))
    )
    persons_15, shares_15, persons_30, _ = _coverage_rows(rows, baseline)
    # zones as they come; whoever is nobody lacks no time, and has no share
    assert persons_15["zone"].tolist() == ["z", "a", "c"]
    assert persons_15["reason"].tolist() == ["", "1 commune au temps inconnu", ""]
    np.testing.assert_array_equal(persons_15["baseline"], [1.0, np.nan, 0.0])
    np.testing.assert_array_equal(persons_15["scenario"], [0.0, np.nan, 0.0])
    np.testing.assert_array_equal(persons_30["baseline"], [1.0, np.nan, 0.0])
    np.testing.assert_array_equal(persons_30["scenario"], [3.0, np.nan, 0.0])
    np.testing.assert_array_equal(persons_30["certain"], [2.0, np.nan, 0.0])
    np.testing.assert_allclose(shares_15["baseline"], [1 / 3, np.nan, np.nan])


def test_what_a_zone_counts_of_each_effect_and_its_worst_loss() -> None:
    rows = pd.DataFrame(
        {
            "zone": ["e1"] * 5 + ["e2", "e2", "e3"],
            "commune_code": ["05", "04", "03", "02", "01", "06", "07", "08"],
            "effect": ["loss", "loss", "loss", "gain", "outside", "gain", "loss", "gain"],
            "persons": [1.0, 2.0, 3.0, 4.0, 50.0, 5.0, np.nan, np.nan],
            "is_in_area": [True, True, True, True, False, True, True, True],
            "is_in_scenario_area": [True, False, False, True, False, True, True, True],
            "baseline_travel_time_min": [10.0, 20.0, 30.0, 40.0, 90.0, 20.0, 20.0, 20.0],
            "scenario_travel_time_min": [30.0, 40.0, np.nan, 10.0, 99.0, 10.0, 30.0, 10.0],
            "delta_travel_time_min": [20.0, 20.0, np.nan, -30.0, 9.0, -10.0, 10.0, -10.0],
        }
    )
    found = _tally(rows, ["zone"])
    assert found["persons_loss"].tolist()[:1] == [6.0]
    # an unknown number of persons makes a sum unknown, and nothing is known where none is
    np.testing.assert_array_equal(found["persons_loss"].iloc[1:], [np.nan, np.nan])
    np.testing.assert_array_equal(found["persons_gain"], [4.0, 5.0, np.nan])
    np.testing.assert_array_equal(found["persons_leaving"], [5.0, 0.0, np.nan])
    assert found["communes_loss"].tolist() == [3, 1, 0]
    assert found["communes_leaving"].tolist() == [2, 0, 0]
    # means over those of the area whose change is known, one person alone included
    assert found["baseline_mean_min"].iloc[0] == pytest.approx((10 * 1 + 20 * 2 + 40 * 4) / 7)
    assert found["scenario_mean_min"].iloc[0] == pytest.approx((30 * 1 + 40 * 2 + 10 * 4) / 7)
    # of communes that lose as much the first by its code
    np.testing.assert_array_equal(found["worst_loss_min"], [20.0, 10.0, np.nan])
    assert found["worst_loss_commune"].tolist()[:2] == ["04", "07"]


def test_one_unknown_place_makes_the_measure_of_its_zone_unknown() -> None:
    keys = {"level": "epci", "zone": ["e1", "e1", "e2", "e2", "e3"], "service": "ime"}
    given = {"persons": [10.0, 30.0, 10.0, 0.0, 0.0], "today": [2.0, 4.0, 2.0, np.nan, 1.0]}
    rows = pd.DataFrame(keys | {"persons": given["persons"]})
    for name in ("access_per_1000", "unmet_persons"):
        rows[f"baseline_{name}"] = given["today"]
        rows[f"scenario_{name}"] = [np.nan, 4.0, 3.0, 5.0, 1.0]
    means = _gather(rows, "access_per_1000")
    # who is nobody weighs nothing, known or not
    np.testing.assert_array_equal(means["baseline"], [3.5, 2.0, np.nan])
    np.testing.assert_array_equal(means["scenario"], [np.nan, 3.0, np.nan])
    sums = _gather(rows, "unmet_persons")
    np.testing.assert_array_equal(sums["baseline"], [6.0, np.nan, 1.0])
    np.testing.assert_array_equal(sums["scenario"], [np.nan, 8.0, 1.0])


def test_the_best_in_all_is_the_smallest_in_every_row_that_is_known() -> None:
    criteria = pd.DataFrame({"A": [0.1 + 0.2, 5.0], "B": [0.3, 5.0], "C": [0.3, 4.0]})
    assert best_in_all(criteria) == ["C"]
    assert best_in_all(criteria[["A", "B"]]) == ["A", "B"]
    assert best_in_all(criteria.assign(D=[0.2, 9.0])) == []
    assert best_in_all(criteria.assign(C=[0.3, np.nan])) == []
    assert best_in_all(criteria.iloc[:0]) == []


def test_mean_time_is_that_of_the_persons_of_the_area(comparison: Comparison) -> None:
    found = row(comparison, "mean_time_min")
    # 80 min is beyond the limit of 45
    assert found["baseline"] == pytest.approx(oracle.mean_time(BEFORE[:3], PERSONS[:3]))
    assert found["scenario"] == pytest.approx(oracle.mean_time(AFTER[:3], PERSONS[:3]))
    assert found["delta"] == found["scenario"] - found["baseline"]
    doubt = difference_uncertainty_min(BEFORE[:3], AFTER[:3], 33.0)
    told = abs(found["delta"]) >= oracle.mean_time(list(doubt), PERSONS[:3])
    assert bool(found["is_distinguishable"]) == told


@pytest.mark.parametrize("threshold", [15.0, 30.0])
def test_coverage_counts_everybody_within_the_threshold(comparison: Comparison, threshold: float) -> None:
    found = row(comparison, f"within_{threshold:g}_min_persons")
    for side, times in (("baseline", BEFORE), ("scenario", AFTER)):
        within = [count for time, count in zip(times, PERSONS, strict=True) if time <= threshold]
        assert found[side] == sum(within)
    assert found["unit"] == "persons"


def test_coverage_adds_up_over_zones(comparison: Comparison) -> None:
    measures = comparison.measures["scenario"].xs("within_30_min_persons", level="measure")
    ime = measures.xs("ime-x", level="service")
    for level in ("departement", "epci"):
        assert ime.xs(level, level="level").sum() == ime.xs("territory", level="level").sum()


def test_inequality_and_far_persons_match_the_oracles(comparison: Comparison) -> None:
    for side, times in (("baseline", BEFORE[:3]), ("scenario", AFTER[:3])):
        people = PERSONS[:3]
        assert row(comparison, "time_gini")[side] == pytest.approx(oracle.gini(times, people))
        for alpha, name in enumerate(("share", "gap", "severity")):
            expected = oracle.poverty(times, people, 30.0, alpha)
            assert row(comparison, f"beyond_30_min_{name}")[side] == pytest.approx(expected)
        west, east = oracle.mean_time(times[:2], people[:2]), times[2]
        assert row(comparison, "epci_longest_min")[side] == pytest.approx(max(west, east))
        assert row(comparison, "time_p90_min")[side] == time_of_share(times, people, 0.9)


def test_closest_services_count_inhabitants(comparison: Comparison) -> None:
    measures = comparison.measures
    found = measures.loc[("territory", "territory", "urgences", "within_30_min_hab")]
    assert (found["baseline"], found["delta"], bool(found["is_distinguishable"])) == (500.0, 0.0, False)
    share = measures.loc[("epci", "2", "urgences", "within_15_min_share")]
    assert share["baseline"] == pytest.approx(300 / 700)


def test_what_is_under_the_doubt_is_not_told(state: State) -> None:
    times = state.travel_times.copy()
    # 34 to 28 min, across a threshold, by a road of 30 min: less than the doubt
    near = (times["from_id"] == "83003") & (times["to_id"] == "east")
    far = (times["from_id"] == "83003") & (times["to_id"] == "west")
    times.loc[near, "travel_time_min"], times.loc[far, "travel_time_min"] = 28.0, 34.0
    times.loc[~(near | far), "travel_time_min"] = 20.0
    times.attrs = dict(state.travel_times.attrs)
    found = row(moved(replace(state, travel_times=times)), "within_30_min_persons")
    assert (found["delta"], bool(found["is_distinguishable"])) == (30.0, False)


@pytest.mark.parametrize(
    "sure, doubtful, is_told", [(100.0, 80.0, True), (100.0, 100.0, True), (80.0, 100.0, False)]
)
def test_a_change_is_told_when_what_is_sure_of_it_is_at_least_half(
    state: State, sure: float, doubtful: float, is_told: bool
) -> None:
    persons = dict(zip(state.communes.index, (sure, 200.0, doubtful, 400.0), strict=True))
    codes = state.population.index.get_level_values("commune_code")
    population = state.population.assign(population=[persons[code] / 2 for code in codes])
    times = state.travel_times.copy()
    # the first two lose 30 min within 15, surely; the third one minute across 15, within the doubt
    minutes = {
        ("83001", "west"): 5.0,
        ("83001", "east"): 40.0,
        ("83003", "west"): 14.5,
        ("83003", "east"): 15.5,
    }
    keys = list(zip(times["from_id"], times["to_id"], strict=True))
    times["travel_time_min"] = [minutes.get(key, 40.0) for key in keys]
    times.attrs = dict(state.travel_times.attrs)
    world = replace(state, travel_times=times, population=population)
    comparison = moved(world)
    told = comparison.communes.xs("ime-x", level="service")["is_distinguishable"]
    assert (bool(told["83001"]), bool(told["83003"])) == (True, False)
    found = row(comparison, "within_15_min_persons")
    # a quarter of everyone: half of those under 20 and the scale of 0.5, on half the persons of each commune
    assert found["delta"] == pytest.approx(-(sure + doubtful) / 8)
    assert bool(found["is_distinguishable"]) == is_told


def test_closing_leaves_no_time_and_says_so(state: State) -> None:
    closed = Scenario(id="F", name="Fermeture", change=(CloseSite(authorisation_id="ime-x"),))
    comparison = compare(compute(state), compute(apply(state, closed)))
    mean, covered = row(comparison, "mean_time_min"), row(comparison, "within_30_min_persons")
    assert np.isnan(mean["scenario"])
    assert "hors d'atteinte" in mean["reason"]
    assert (covered["baseline"], covered["scenario"]) == (30.0, 0.0)
    assert bool(covered["is_distinguishable"])


def test_identity_changes_nothing_and_tells_nothing(state: State) -> None:
    today = compute(state)
    measures = compare(today, today).measures
    assert measures["delta"].dropna().eq(0).all()
    assert not measures["is_distinguishable"].fillna(False).any()
    assert (measures["baseline"].isna() == measures["delta"].isna()).all()
    # whatever is unknown says why
    assert (measures.loc[measures["baseline"].isna(), "reason"] != "").all()


@examples(2, 20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(minutes=st.lists(st.floats(1, 100), min_size=8, max_size=8))
def test_invariants_whatever_the_times(state: State, minutes: list[float]) -> None:
    times = state.travel_times.assign(travel_time_min=minutes)
    times.attrs = dict(state.travel_times.attrs)
    world = replace(state, travel_times=times)
    today = compute(world)
    assert compare(today, today).measures["delta"].dropna().eq(0).all()
    measures = compare(today, compute(apply(world, MOVE))).measures
    covered = measures[measures.index.get_level_values("measure").str.startswith("within_")]
    wide = covered["scenario"].unstack("measure")
    assert (wide["within_15_min_persons"].fillna(0) <= wide["within_30_min_persons"].fillna(0)).all()
    gini = measures["scenario"].xs("time_gini", level="measure").dropna()
    assert gini.between(0, 1).all()
    unchanged = measures["delta"].eq(0)
    assert not measures.loc[unchanged, "is_distinguishable"].any()


def test_councils_add_up_and_name_the_worst_loss(comparison: Comparison) -> None:
    councils = comparison.councils.xs("ime-x", level="service")
    whole = councils.loc[("territory", "territory")]
    for level in ("departement", "epci", "commune"):
        persons = councils.xs(level, level="level").filter(like="persons_").sum()
        assert persons.to_dict() == whole.filter(like="persons_").to_dict()
    assert (whole["worst_loss_commune"], whole["worst_loss_epci"]) == ("83001", "1")
    assert whole["worst_loss_min"] == 28.0
    assert councils.loc[("commune", "83001"), "persons_loss"] == 10.0
    # the council that loses most comes first
    assert councils.xs("epci", level="level").index[0] == "1"


@examples(4, 40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    minutes=st.lists(st.integers(1, 100), min_size=8, max_size=8),
    between=st.integers(0, 60),
    limit=st.sampled_from([10.0, 30.0, 45.0, 60.0]),
)
def test_councils_equal_a_count_person_by_person(
    state: State, minutes: list[int], between: int, limit: float
) -> None:
    times = state.travel_times.assign(travel_time_min=[float(value) for value in minutes])
    times.attrs = dict(state.travel_times.attrs)
    world = replace(
        state,
        travel_times=times,
        site_times=state.site_times.assign(travel_time_min=float(between)),
        parameters=replace(state.parameters, recruitment_max_min=limit),
    )
    before, after = np.array(minutes[:4], dtype=float), np.array(minutes[4:], dtype=float)
    doubt = difference_uncertainty_min(before, after, float(between))
    rows = list(zip(before, after, doubt, map(float, PERSONS), strict=True))
    councils = moved(world).councils
    places = {
        ("territory", "territory"): rows,
        ("departement", "83"): rows,
        ("epci", "1"): rows[:2],
        ("epci", "2"): rows[2:],
        **{("commune", code): [one] for code, one in zip(state.communes.index, rows, strict=True)},
    }
    for (level, zone), inside in places.items():
        expected = gains_and_losses(inside, limit, compared=rows)
        if not any(one[0] <= limit or one[1] <= limit for one in inside):
            assert ("ime-x", level, zone) not in councils.index
            continue
        found = councils.loc[("ime-x", level, zone)]
        assert {key: found[f"persons_{key}"] for key in expected} == expected, (level, zone)


def test_side_by_side_starts_with_today_and_keeps_what_does_not_move(
    state: State, comparison: Comparison
) -> None:
    other = Scenario(
        id="T", name="Autre", change=(MoveSite(authorisation_ids=("sessad-x",), to_site_id="east"),)
    )
    today = compute(state)
    second = compare(today, compute(apply(state, other))).named("T", "Autre")
    table = side_by_side({"S": comparison, "T": second})
    assert list(dict.fromkeys(table.columns.get_level_values(0))) == ["today", "S", "T"]
    assert not table.index.has_duplicates
    whole = table.xs(("territory", "territory"), level=("level", "zone"))
    year = whole.loc[("ime-x", "child_year_direct_min")]
    assert year["T", "value"] == year["today", "value"]
    assert year["T", "delta"] == 0.0
    assert not bool(year["T", "is_distinguishable"])
    assert year["S", "delta"] != 0.0
    losers = whole.loc[("ime-x", "persons_loss")]
    assert (losers["S", "value"], losers["T", "value"]) == (30.0, 0.0)
    assert np.isnan(losers["today", "value"])


def test_side_by_side_sets_draws_beside_the_mean_time(comparison: Comparison) -> None:
    keys = pd.MultiIndex.from_tuples(
        [("S", "territory", "ime-x"), ("S", "1", "ime-x"), ("T", "territory", "ime-x")],
        names=["scenario", "zone", "service"],
    )
    draws = pd.DataFrame(
        {"low_min": [-9.0, 1.0, 5.0], "high_min": [-2.0, 4.0, 6.0], "better_share": 0.9}, index=keys
    )
    table = add_draws(side_by_side({"S": comparison}), draws)["S"]
    assert table.loc[("territory", "territory", "ime-x", "mean_time_min"), "delta_low"] == -9.0
    assert table.loc[("epci", "1", "ime-x", "mean_time_min"), "delta_high"] == 4.0
    others = table.drop(index="mean_time_min", level="measure")
    assert others[["delta_low", "delta_high", "better_share"]].isna().all(axis=None)


def test_side_by_side_refuses_two_todays(state: State, comparison: Comparison) -> None:
    older = replace(state, population=state.population.assign(population=state.population["population"] * 2))
    with pytest.raises(ParameterError, match="mêmes valeurs d'aujourd'hui"):
        side_by_side({"S": comparison, "T": moved(older)})
    with pytest.raises(ParameterError, match="Aucun scénario"):
        side_by_side({})


def test_deserts_are_compared_by_commune(state: State, comparison: Comparison) -> None:
    classes = comparison.deserts
    assert set(classes.index.get_level_values("commune_code")) == set(state.communes.index)
    assert not classes["is_changed"].any()


@pytest.mark.slow
def test_order_of_communes_changes_no_measure(state: State, comparison: Comparison) -> None:
    shuffled = replace(state, communes=state.communes.iloc[::-1], services=state.services.iloc[::-1])
    one, other = (found.measures.sort_index() for found in (comparison, moved(shuffled)))
    pd.testing.assert_frame_equal(one, other.loc[one.index])


@pytest.mark.parametrize(("persons", "said"), [(0.0, ""), (1.0, "1 commune"), (7.0, "1 commune")])
def test_a_commune_without_persons_is_not_missed_where_it_has_no_time(persons: float, said: str) -> None:
    minutes, weights = np.array([10.0, 30.0, np.nan]), np.array([5.0, 5.0, persons])
    group = dict.fromkeys(("is_area", "detectable_min"), np.ones(3))
    group |= dict.fromkeys(("baseline_min", "scenario_min", "certain_min"), minutes)
    group |= dict.fromkeys(("baseline_persons", "scenario_persons"), weights)
    rows = _unequal_times(group | {"epci": np.array([0, 1, 1])}, 30.0)
    assert rows
    for row in rows:
        assert str(row["reason"]).startswith(said)
        assert bool(row["reason"]) == bool(said)


def test_the_longest_mean_is_that_of_several_zones_that_are_large_enough() -> None:
    times, weights = np.array([10.0, 30.0, 90.0]), np.array([500.0, 500.0, 1.0])
    assert _inequality(times, weights, np.array([0, 1, 2]), 30.0)[1] == 30.0
    # nine in ten are within the time of the ninth
    ten = _inequality(np.arange(1.0, 11.0)[::-1], np.ones(10), np.zeros(10, dtype=int), 30.0)
    assert ten[2] == 9.0
    # a handful of persons apart, one zone is no extreme of anything
    assert np.isnan(_inequality(times, weights, np.array([0, 0, 1]), 30.0)[1])


def test_a_change_of_rounds_is_told_when_it_leaves_zero_out_and_times_do_too() -> None:
    zones = [f"e{n}" for n in range(6)]
    rounds = pd.DataFrame(
        {
            "zone": zones, "service": "ime", "who": "child", "measure": "mean_ride_min", "unit": "min",
            "baseline_value": 30.0, "scenario_value": 31.0, "delta_value": 1.0,
            "delta_low": [0.1, 0.0, -2.0, -2.0, 0.1, np.nan], "delta_high": [2.0, 2.0, -0.1, 0.0, 2.0, np.nan],
        }
    )  # fmt: skip
    apart = pd.array([True, True, True, True, False, True], dtype="boolean")
    keys = pd.MultiIndex.from_product([zones, ["ime"]], names=["zone", "service"])
    given: Any = SimpleNamespace(
        rounds=rounds, zones=pd.DataFrame({"is_mean_distinguishable": apart}, index=keys)
    )
    (rows,) = _round_rows(given)
    assert rows["is_distinguishable"].tolist() == [True, False, True, False, False, False]
    assert _round_rows(SimpleNamespace(rounds=rounds.iloc[:0])) == []
