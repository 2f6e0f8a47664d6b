"""What each change does, on the world of three communes; its times are known by hand."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from territory import supply
from territory.errors import StudyError, TerritoryWarning, UnknownCodeError
from territory.needs.persons import persons_by_age
from territory.scenario import (
    ChangeCapacity,
    ChangePopulation,
    ChangeSpeeds,
    CloseSite,
    MergeEstablishments,
    MoveSite,
    OpenBranch,
    OpenSite,
    PoolSites,
    Scenario,
    TransferAuthorisation,
    apply,
    compare,
)
from territory.scenario.changes.apply import _sum_of, _with_row
from territory.scenario.changes.draft import demand_of, rate_of
from territory.scenario.measures.compute import missing_places
from territory.scenario.measures.places import places_of_sites
from territory.study.save import scenario_toml
from territory.study.state import Rate, State, StudyTables
from territory.study.words.changes import NewPersons
from territory.study.words.model import Authorisation, Need
from tests.scenario.lent import compute, lend

TO_WEST, TO_EAST = [5.0, 12.0, 33.0, 80.0], [33.0, 21.0, 5.0, 50.0]
MOVE_IME = MoveSite(authorisation_ids=("ime-x",), to_site_id="east")
NEED = Need(
    public="tous", label="", kind="prevalence", age_min=0, age_max=19, per_1000=10, source="", known_total=4
)


def scenario(*changes: Any, **said: Any) -> Scenario:
    return Scenario(id="S", name="Essai", change=changes, **said)


def minutes(state: State, name: str) -> list[float]:
    return compute(state).access.xs(name, level="service")["travel_time_min"].tolist()


@pytest.mark.parametrize(("total", "reached"), [(1, "demand_low"), (40, "demand_high")])
def test_the_range_of_a_need_reaches_a_total_out_of_it(state: State, total: int, reached: str) -> None:
    need = NEED.model_copy(update={"low_per_1000": 8.0, "high_per_1000": 12.0, "known_total": total})
    with pytest.warns(TerritoryWarning, match="sort de ce que donnent les taux"):
        rate = rate_of(need, state.population, state.parameters)
    demand = demand_of(state.population, replace(state.parameters, rates=(rate,)))
    assert demand["demand"].sum() == pytest.approx(total)
    assert demand[reached].tolist() == demand["demand"].tolist()
    assert (demand["demand_low"] <= demand["demand"]).all()
    assert (demand["demand"] <= demand["demand_high"]).all()
    assert (demand["demand_low"] < demand["demand_high"]).all()


@pytest.mark.parametrize("total", [50, 200])
def test_a_total_at_an_end_of_the_range_needs_no_word(state: State, total: int) -> None:
    # half of 400 persons, a quarter of them to all of them
    rates = {"per_1000": 500, "low_per_1000": 250.0, "high_per_1000": 1000.0, "known_total": total}
    rate = rate_of(NEED.model_copy(update=rates), state.population, state.parameters)
    demand = demand_of(state.population, replace(state.parameters, rates=(rate,)))
    assert demand["demand"].sum() == pytest.approx(total)


def test_places_at_two_sites_are_resized_at_neither(wide: State) -> None:
    services = wide.services.assign(authorisation_id=["ime-x", "sessad-x", None, "ime-x"])
    both = replace(wide, services=services)
    with pytest.raises(StudyError, match="exercée sur 2 sites"):
        apply(both, scenario(ChangeCapacity(authorisation_id="ime-x", capacity=7)))
    resized = apply(wide, scenario(ChangeCapacity(authorisation_id="ime-x", capacity=7))).services
    np.testing.assert_array_equal(resized["capacity"], [7.0, 10.0, np.nan, 30.0])


def test_a_row_that_is_added_is_the_last_and_is_touched() -> None:
    rows = pd.DataFrame({"site_id": ["a", "b"], "capacity": [1.0, 2.0], "is_touched": False}, index=[4, 2])
    found = _with_row(rows, {"site_id": "c", "strange": 3})
    assert found.index.tolist() == [4, 2, 5]
    assert found["site_id"].tolist() == ["a", "b", "c"]
    assert found["is_touched"].tolist() == [False, False, True]
    np.testing.assert_array_equal(found["capacity"], [1.0, 2.0, np.nan])
    assert _with_row(rows.iloc[:0], {"site_id": "c"}).index.tolist() == [0]


def total_places(state: State) -> float:
    return float(supply.places_by_authorisation(state.services)["places"].sum())


@pytest.fixture(scope="module")
def wide(state: State) -> State:
    """The same world with a second IME in the east, a need, and their places known."""
    row = state.services.iloc[[0]].assign(authorisation_id="ime-y", capacity=30.0)
    row.index = pd.MultiIndex.from_tuples([("east", "ime")], names=["site_id", "service"])
    parameters = replace(
        state.parameters,
        authorisations=(*state.parameters.authorisations, Authorisation(id="ime-y", label="Y")),
    )
    parameters = replace(parameters, rates=(rate_of(NEED, state.population, parameters),))
    wider = replace(
        state,
        services=pd.concat([state.services, row]),
        parameters=parameters,
        demand=demand_of(state.population, parameters),
    )
    return lend(wider)


def slow(change: object) -> Any:
    """Leave a change to the slow suite, which tries one of each kind."""
    return pytest.param(change, marks=pytest.mark.slow)


def snapshot(state: State) -> list[pd.DataFrame]:
    tables = (state.communes, state.population, state.demand, state.sites, state.services)
    return [table.copy(deep=True) for table in (*tables, state.travel_times, state.site_times)]


CHANGES = [
    MOVE_IME,
    MoveSite(authorisation_ids=("sessad-x",), to_site_id="east"),
    OpenSite(site_id="west", service="cmpp", authorisation_id="cmpp-z", capacity=4, capacity_unit="places"),
    OpenBranch(authorisation_id="sessad-x", site_id="east", capacity=4),
    CloseSite(authorisation_id="ime-y"),
    ChangeCapacity(authorisation_id="ime-x", capacity=7),
    TransferAuthorisation(authorisation_ids=("ime-x",), to="GCSMS"),
    TransferAuthorisation(authorisation_ids=("ime-y",), to="GCSMS", act="operation"),
    PoolSites(name="G", member_ids=("ime-x", "sessad-x"), site_id="east", shared=("transport",)),
    MergeEstablishments(into_authorisation_id="ime-x", absorbed_ids=("ime-y",), to_site_id="east"),
    ChangeSpeeds(time_factor=1.5, communes=("83003",)),
    ChangePopulation(growth_per_year=0.01, from_year=2021, to_year=2030),
    ChangePopulation(persons=(NewPersons(age_min=3, age_max=10, persons=40),), communes=("83002",)),
]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.permutations(range(len(CHANGES))), st.integers(1, 5))
def test_order_changes_nothing_and_the_baseline_is_left_alone(
    wide: State, order: list[int], count: int
) -> None:
    before = snapshot(wide)
    chosen = [CHANGES[place] for place in order[:count]]
    outcomes = []
    for listed in (chosen, chosen[::-1]):
        try:
            outcomes.append(apply(wide, scenario(*listed)))
        except StudyError as error:
            outcomes.append(sorted(str(error).count(mark) for mark in ("contradi", "\n-")))
    for old, new in zip(before, snapshot(wide), strict=True):
        pd.testing.assert_frame_equal(old, new)
    one, other = outcomes
    assert isinstance(one, State) == isinstance(other, State)
    if isinstance(one, State) and isinstance(other, State):
        pd.testing.assert_frame_equal(one.services, other.services)
        pd.testing.assert_frame_equal(one.population, other.population)
        pd.testing.assert_frame_equal(one.travel_times, other.travel_times)
        kept = {"move_site", "transfer_authorisation", "pool_sites", "merge_establishments", "open_branch"}
        if all(change.type in kept | {"change_speeds", "change_population"} for change in chosen):
            assert total_places(one) == total_places(wide) == 60.0


@pytest.mark.parametrize(
    "change",
    [
        MoveSite(authorisation_ids=("ime-x",), to_site_id="west"),
        ChangeCapacity(authorisation_id="ime-x", capacity=20),
        *map(
            slow,
            (
                TransferAuthorisation(authorisation_ids=("ime-x", "sessad-x"), to="GCSMS"),
                PoolSites(name="G", member_ids=("ime-x", "sessad-x"), site_id="east", shared=("transport",)),
                MergeEstablishments(into_authorisation_id="ime-x", absorbed_ids=("ime-y",)),
            ),
        ),
        ChangeSpeeds(time_factor=1.0),
        ChangePopulation(growth_per_year=0.0, from_year=2021, to_year=2040),
        ChangePopulation(persons=(NewPersons(age_min=3, age_max=10, persons=0),), communes=("83002",)),
    ],
    ids=lambda change: change.type,
)
def test_a_neutral_change_gives_no_difference(wide: State, change: Any) -> None:
    after = apply(wide, scenario(change))
    baseline, later = compute(wide), compute(after)
    comparison = compare(baseline, later)
    assert comparison.services == ()
    pd.testing.assert_frame_equal(baseline.access, later.access)
    np.testing.assert_allclose(baseline.persons["persons"], later.persons["persons"])
    np.testing.assert_allclose(wide.demand["demand"], after.demand["demand"])
    assert total_places(after) == total_places(wide)


@pytest.mark.parametrize(
    "change",
    [
        MOVE_IME,
        slow(CloseSite(authorisation_id="ime-y")),
        ChangeSpeeds(time_factor=1.2),
        slow(ChangePopulation(growth_per_year=0.01, from_year=2021, to_year=2040)),
    ],
    ids=lambda change: change.type,
)
@pytest.mark.parametrize("closest", [slow(()), ("ime",)])
def test_what_is_taken_from_today_is_what_would_be_computed(
    wide: State, change: Any, closest: tuple[str, ...]
) -> None:
    complete = wide.services.assign(is_complete_list=True)
    state = replace(wide, services=complete, parameters=replace(wide.parameters, closest_services=closest))
    today, after = compute(state), apply(state, scenario(change))
    alone, beside = compute(after), compute(after, today=today)
    for name in (
        *("access", "persons", "coverage", "trips", "places", "edge"),
        *("gp_access", "deserts", "desert_shares", "zoning"),
    ):
        pd.testing.assert_frame_equal(getattr(alone, name), getattr(beside, name))


def test_transfer_and_operation_are_two_acts(wide: State) -> None:
    held = wide.services.assign(holder="Association X")
    passed = apply(
        replace(wide, services=held),
        scenario(
            TransferAuthorisation(authorisation_ids=("ime-x",), to="GCSMS"),
            TransferAuthorisation(authorisation_ids=("ime-y",), to="GCSMS", act="operation"),
        ),
    ).services.set_index("authorisation_id", append=True)
    rows = passed.droplevel(["site_id", "service"])
    assert rows.loc["ime-x", "holder"] == "GCSMS"
    assert pd.isna(rows.loc["ime-x", "run_by"])
    assert (rows.loc["ime-y", "holder"], rows.loc["ime-y", "run_by"]) == ("Association X", "GCSMS")


def test_psychiatry_is_not_handed_over_without_a_word(wide: State) -> None:
    cmp_rows = wide.services.rename(index={"sessad": "cmp_ij"}, level="service")
    with pytest.warns(TerritoryWarning, match="code de la santé publique"):
        apply(
            replace(wide, services=cmp_rows),
            scenario(TransferAuthorisation(authorisation_ids=("sessad-x",), to="GCSMS")),
        )


def test_pooling_moves_only_when_it_says_so(wide: State) -> None:
    pooling = PoolSites(name="G", member_ids=("ime-x", "ime-y"), site_id="east", shared=("locaux",))
    still = apply(wide, scenario(pooling))
    assert still.services.equals(apply(wide, scenario(pooling)).services)
    assert minutes(still, "ime-x") == TO_WEST
    assert still.poolings == (pooling,)
    assert pooling.freed_staff_share is None
    moved = apply(wide, scenario(pooling.model_copy(update={"moves_services": True})))
    assert minutes(moved, "ime-x") == TO_EAST
    # two authorisations of one kind at one site stay two
    assert set(moved.services.loc["east"].index) == {"ime", "urgences", "ime@ime-y"}
    assert PoolSites(**{**pooling.model_dump(), "freed_staff_share": float("nan")}) == pooling


def test_merger_keeps_or_gathers_sites(wide: State) -> None:
    merging = MergeEstablishments(into_authorisation_id="ime-x", absorbed_ids=("ime-y",))
    kept = apply(wide, scenario(merging))
    assert set(kept.services["authorisation_id"].dropna()) == {"ime-x", "sessad-x"}
    assert minutes(kept, "ime-y") == TO_EAST
    assert minutes(kept, "ime-x") == TO_WEST
    gathered = apply(wide, scenario(merging.model_copy(update={"to_site_id": "west"})))
    row = gathered.services.loc[("west", "ime")]
    assert (row["capacity"], row["serves"]) == (50.0, "ime-x ime-y")
    assert minutes(gathered, "ime-y") == TO_WEST
    assert compare(compute(wide), compute(gathered)).services == ("ime-y",)


def test_merger_of_unknown_places_is_unknown_and_of_two_units_is_refused(wide: State) -> None:
    merging = MergeEstablishments(into_authorisation_id="ime-x", absorbed_ids=("ime-y",), to_site_id="west")
    services = wide.services.copy()
    services.loc[("east", "ime"), "capacity"] = np.nan
    assert np.isnan(
        apply(replace(wide, services=services), scenario(merging)).services.loc[("west", "ime"), "capacity"]
    )
    services.loc[("east", "ime"), "capacity_unit"] = "file_active"
    with pytest.raises(StudyError, match="deux unités"):
        apply(replace(wide, services=services), scenario(merging))


def test_branch_serves_those_closer_to_it(state: State) -> None:
    branched = apply(state, scenario(MOVE_IME, OpenBranch(authorisation_id="ime-x", site_id="west")))
    assert minutes(branched, "ime-x") == [5.0, 12.0, 5.0, 50.0]
    assert supply.sites_serving(branched.services, "ime-x") == ["east", "west"]
    # places of the whole authorisation, counted once
    assert total_places(branched) == total_places(state) == 30.0
    zones = compare(compute(state), compute(branched)).zones.loc[("territory", "ime-x")]
    assert zones["persons_loss"] == 0
    assert zones["persons_gain"] == 30.0
    split = apply(state, scenario(OpenBranch(authorisation_id="ime-x", site_id="east", capacity=6)))
    ime = split.services.xs("ime", level="service")["capacity"]
    assert ime.to_dict() == {"west": 14.0, "east": 6.0}


def test_places_held_by_others_are_counted_once(wide: State) -> None:
    held = wide.services.assign(
        held_places=np.where(wide.services["authorisation_id"].isin(["ime-x", "ime-y"]), 3, np.nan)
    )
    today = replace(wide, services=held)

    def open_places(state: State) -> float:
        places, why = places_of_sites(
            state.services[state.services.index.get_level_values("service") == "ime"]
        )
        assert not why
        return float(places.sum())

    merging = MergeEstablishments(into_authorisation_id="ime-x", absorbed_ids=("ime-y",), to_site_id="east")
    assert open_places(today) == open_places(apply(today, scenario(merging)))
    # a branch of six leaves them where they are; one that leaves two places takes the third with it
    for capacity, at_branch in ((6, 6.0), (28, 27.0), (30, 27.0)):
        opening = OpenBranch(authorisation_id="ime-y", site_id="west", capacity=capacity)
        services = apply(today, scenario(opening)).services
        mine = places_of_sites(services[services["authorisation_id"] == "ime-y"])[0]
        assert mine["west"] == at_branch
        assert mine.sum() == 27.0


def test_a_commune_that_is_not_there_is_said(wide: State) -> None:
    growth = {"growth_per_year": 0.5, "from_year": 2021, "to_year": 2022}
    for change in (
        ChangePopulation(communes=("83999",), **growth),
        ChangeSpeeds(communes=("83999",), time_factor=2.0),
    ):
        with pytest.raises(StudyError, match=r"communes sans ligne dans les données : 83999"):
            apply(wide, scenario(change))
    with pytest.raises(StudyError, match="aucune commune de l'étude dans box="):
        apply(wide, scenario(ChangeSpeeds(box=(10.0, 40.0, 11.0, 41.0), time_factor=2.0)))


def test_persons_who_arrive_are_all_there_or_refused(wide: State) -> None:
    whole = replace(wide, population=wide.population.round().astype({"population": int}))
    code = str(whole.communes.index[0])
    arriving = ChangePopulation(communes=(code,), persons=(NewPersons(age_min=3, age_max=17, persons=100),))
    before, after = (
        float(state.population["population"].xs(code, level="commune_code").sum())
        for state in (whole, apply(whole, scenario(arriving)))
    )
    assert after == pytest.approx(before + 100)
    young = whole.population.index.get_level_values("age_max") < 20
    closed = replace(whole, population=whole.population[young])
    old = ChangePopulation(communes=(code,), persons=(NewPersons(age_min=3, age_max=80, persons=100),))
    with pytest.raises(StudyError, match=r"de 3 à 80 ans ne tiennent pas dans les tranches"):
        apply(closed, scenario(old))


def test_sites_with_other_ages_are_not_one_service(state: State) -> None:
    row = state.services.iloc[[0]].assign(age_min=10.0, age_max=20.0)
    row.index = pd.MultiIndex.from_tuples([("east", "ime")], names=["site_id", "service"])
    with pytest.raises(UnknownCodeError, match="mêmes âges"):
        supply.sites_serving(pd.concat([state.services, row]), "ime-x")


@pytest.mark.slow
def test_slower_roads_and_the_cutoff(state: State) -> None:
    slowed = apply(state, scenario(ChangeSpeeds(time_factor=2.0, communes=("83004",))))
    assert minutes(slowed, "ime-x")[:3] == TO_WEST[:3]
    # 160 min is over the cutoff of 120: out of reach, not a time
    assert np.isnan(minutes(slowed, "ime-x")[3])
    assert compare(compute(state), compute(slowed)).services == ("ime-x", "sessad-x")
    faster = apply(state, scenario(ChangeSpeeds(time_factor=0.5)))
    assert minutes(faster, "ime-x") == [value / 2 for value in TO_WEST]
    assert faster.travel_times.attrs["cutoff_min"] == 60.0
    rows = compare(compute(state), compute(faster)).communes
    assert rows["is_distinguishable"].all()


def test_box_is_a_list_of_communes(state: State) -> None:
    points = state.communes.geometry.to_crs(4326)
    x, y = points["83003"].x, points["83003"].y
    boxed = ChangeSpeeds(time_factor=1.5, box=(x - 0.01, y - 0.01, x + 0.01, y + 0.01))
    listed = ChangeSpeeds(time_factor=1.5, communes=("83003",))
    one, other = (apply(state, scenario(change)).travel_times for change in (boxed, listed))
    pd.testing.assert_frame_equal(one, other)
    # trips that start there, and trips that end there
    assert minutes(apply(state, scenario(boxed)), "ime-x") == [5.0, 12.0, 49.5, 80.0]


def test_given_times_replace_those_of_two_communes(state: State) -> None:
    given_times = pd.DataFrame(
        {
            "from_commune": ["83002", "83004"],
            "to_commune": ["83001", "83001"],
            "travel_time_min": [40.0, 500.0],
        }
    )
    world = replace(state, tables=StudyTables(files={"col.csv": given_times}))
    closed = apply(world, scenario(ChangeSpeeds(times_file="col.csv")))
    found = minutes(closed, "ime-x")
    assert found[:3] == [5.0, 40.0, 33.0]
    assert np.isnan(found[3])
    assert len(closed.travel_times) == len(state.travel_times) - 1


def test_speeds_of_a_map_need_a_map(state: State) -> None:
    with pytest.raises(StudyError, match="carte routière"):
        apply(state, scenario(ChangeSpeeds(period="peak")))
    slower = state.travel_times.assign(travel_time_min=state.travel_times["travel_time_min"] + 10)
    slower.attrs = dict(state.travel_times.attrs)
    world = replace(state, tables=StudyTables(road_times={"peak|": (slower, state.site_times)}))
    assert minutes(apply(world, scenario(ChangeSpeeds(period="peak"))), "ime-x") == [15.0, 22.0, 43.0, 90.0]


def test_needs_follow_the_population_with_the_same_rates(wide: State) -> None:
    grown = apply(wide, scenario(ChangePopulation(growth_per_year=0.1, from_year=2021, to_year=2023)))
    assert wide.demand["demand"].sum() == pytest.approx(4)
    np.testing.assert_allclose(grown.demand["demand"], wide.demand["demand"] * 1.21)
    np.testing.assert_allclose(grown.communes["population"], wide.communes["population"] * 1.21)
    one = ChangePopulation(growth_per_year=1.0, from_year=2021, to_year=2022, communes=("83002",))
    here = apply(wide, scenario(one)).communes["population"] / wide.communes["population"]
    assert here.round(9).tolist() == [1.0, 2.0, 1.0, 1.0]


def test_new_housing_adds_persons_of_the_age_said(wide: State) -> None:
    housing = ChangePopulation(persons=(NewPersons(age_min=3, age_max=6, persons=40),), communes=("83002",))
    after = apply(wide, scenario(housing))
    persons = compute(after).persons["persons"].xs("ime-x", level="service")
    # ages 0 to 9 hold all of them, under the age scale of 0.5
    assert persons.tolist() == [10.0, 20.0 + 20.0, 30.0, 40.0]
    assert after.communes["population"].tolist() == [100.0, 240.0, 300.0, 400.0]
    old = ChangePopulation(persons=(NewPersons(age_min=85, age_max=90, persons=6),), communes=("83002",))
    assert apply(wide, scenario(old)).communes.loc["83002", "population"] == 206.0


def test_a_table_brings_its_communes_to_what_it_says(wide: State) -> None:
    table = pd.DataFrame(
        {
            "commune_code": ["83003"] * 2,
            "age_min": [0, 20],
            "age_max": [19, np.nan],
            "population": [60.0, 500.0],
        }
    )
    world = replace(wide, tables=StudyTables(files={"omphale.csv": table}))
    after = apply(world, scenario(ChangePopulation(population_file="omphale.csv", to_year=2040)))
    assert after.communes["population"].tolist() == [100.0, 200.0, 560.0, 400.0]
    assert after.demand["demand"].iloc[2] == pytest.approx(wide.demand["demand"].iloc[2] / 2)


def test_families_go_to_the_closest_of_a_complete_list(wide: State) -> None:
    moving = MoveSite(authorisation_ids=("ime-x",), to_site_id="east")
    closing = CloseSite(authorisation_id="ime-x")
    # all stand in the east
    assert minutes(apply(wide, scenario(moving, families="closest")), "ime-x") == TO_EAST
    assert minutes(apply(wide, scenario(closing, families="closest")), "ime-x") == TO_EAST
    stay = apply(wide, scenario(closing))
    assert compute(stay).access.xs("ime-x", level="service")["is_reachable"].tolist() == [False] * 4


def test_reallocation_shares_the_places_there_are(wide: State) -> None:
    observed = pd.DataFrame(
        {
            "commune_code": ["83001", "83002", "83003"],
            "authorisation_id": ["ime-x", "ime-x", "ime-y"],
            "children": [10.0, 16.0, 10.0],
        }
    )
    world = replace(wide, observed_origins=observed)
    closing = scenario(CloseSite(authorisation_id="ime-x"), families="reallocated")
    found = compute(apply(world, closing)).access.xs("ime-x", level="service")
    # 30 places for 36 children, all within 45 min: the least time leaves 6 of the west without a place
    assert found["travel_time_min"].tolist() == [33.0, 21.0, 5.0, 50.0]
    assert found["is_reachable"].tolist() == [True] * 4
    fewer = scenario(
        CloseSite(authorisation_id="ime-x"),
        ChangeCapacity(authorisation_id="ime-y", capacity=26),
        families="reallocated",
    )
    refused = compute(apply(world, fewer)).access.xs("ime-x", level="service")
    assert refused.loc["83001", "is_reachable"] is np.False_ or not refused.loc["83001", "is_reachable"]
    assert np.isnan(refused.loc["83001", "travel_time_min"])


def test_reallocation_says_what_it_lacks(wide: State) -> None:
    closing = scenario(CloseSite(authorisation_id="ime-x"), families="reallocated")
    with pytest.raises(StudyError, match="orientation ou waiting"):
        compute(apply(wide, closing))
    partial = pd.DataFrame({"commune_code": ["83001"], "authorisation_id": ["ime-x"], "children": [3.0]})
    with pytest.raises(StudyError, match="absentes pour ime-y"):
        compute(apply(replace(wide, observed_origins=partial), closing))
    services = wide.services.copy()
    services.loc[("east", "ime"), "capacity"] = np.nan
    with pytest.raises(StudyError, match="capacité inconnue pour 1 site"):
        compute(apply(replace(wide, services=services), closing))


def test_reallocation_of_a_need_that_may_be_set_against_places(wide: State) -> None:
    need = NEED.model_copy(
        update={"public": "attente", "kind": "waiting", "known_total": None, "service": "ime"}
    )
    parameters = replace(wide.parameters, rates=(rate_of(need, wide.population, wide.parameters),))
    world = replace(wide, parameters=parameters, demand=demand_of(wide.population, parameters))
    closing = scenario(CloseSite(authorisation_id="ime-x"), families="reallocated")
    found = compute(apply(world, closing)).access.xs("ime-x", level="service")
    assert found["travel_time_min"].tolist()[:3] == [33.0, 21.0, 5.0]
    # beyond the recruitment limit of 45 min
    assert not found["is_reachable"].iloc[3]


@pytest.mark.parametrize(
    "changes, expected",
    [
        ((MOVE_IME, CloseSite(authorisation_id="ime-x")), "déplacée et fermée"),
        ((MOVE_IME, MOVE_IME.model_copy(update={"to_site_id": "west"})), "déplacée vers deux sites"),
        (
            (ChangeCapacity(authorisation_id="ime-x", capacity=1), CloseSite(authorisation_id="ime-x")),
            "fermée, et sa capacité changée",
        ),
        (
            (
                MergeEstablishments(into_authorisation_id="ime-x", absorbed_ids=("ime-y",)),
                TransferAuthorisation(authorisation_ids=("ime-y",), to="G"),
            ),
            "fusionnée et transférée",
        ),
        ((CloseSite(site_id="east"), MOVE_IME), "reçoit un service et ferme"),
        (
            (
                ChangePopulation(growth_per_year=0.1, from_year=2021, to_year=2022),
                ChangePopulation(growth_per_year=0.2, from_year=2021, to_year=2022, communes=("83001",)),
            ),
            "se recouvrent",
        ),
        ((ChangeSpeeds(period="peak"), ChangeSpeeds(speeds_file="v.csv")), "deux tables de vitesses"),
        (
            (
                MergeEstablishments(into_authorisation_id="ime-x", absorbed_ids=("ime-y",)),
                MergeEstablishments(into_authorisation_id="sessad-x", absorbed_ids=("ime-x",)),
            ),
            "absorbée par une autre",
        ),
    ],
)
def test_contradictions_are_refused_in_any_order(
    wide: State, changes: tuple[Any, ...], expected: str
) -> None:
    for listed in (changes, changes[::-1]):
        with pytest.raises(StudyError, match=expected):
            apply(wide, scenario(*listed))


@pytest.mark.parametrize(
    "change, expected",
    [
        (TransferAuthorisation(authorisation_ids=("ime-q",), to="G"), "ime-q"),
        (MergeEstablishments(into_authorisation_id="ime-q", absorbed_ids=("ime-x",)), "ime-q"),
        (PoolSites(name="G", member_ids=("ime-x", "ime-q"), site_id="east", shared=("x",)), "ime-q"),
        (OpenBranch(authorisation_id="ime-x", site_id="nowhere"), "nowhere"),
        (OpenBranch(authorisation_id="ime-x", site_id="west"), "déjà exercée"),
        (OpenBranch(authorisation_id="ime-x", site_id="east", capacity=21), "21 places sur 20"),
        (
            ChangePopulation(persons=(NewPersons(age_min=0, age_max=1, persons=1),), communes=("75056",)),
            "75056",
        ),
        (ChangeSpeeds(times_file="absent.csv"), "non lue"),
        (ChangePopulation(population_file="absent.csv", to_year=2030), "non lue"),
    ],
)
def test_impossible_changes_are_said(wide: State, change: Any, expected: str) -> None:
    with pytest.raises(StudyError, match=expected):
        apply(wide, scenario(change))


@pytest.mark.parametrize(
    "kind, said, expected",
    [
        (ChangeSpeeds, {}, "un seul des quatre"),
        (ChangeSpeeds, {"period": "peak", "time_factor": 2}, "un seul des quatre"),
        (ChangeSpeeds, {"period": "peak", "communes": ["83050"]}, "time_factor"),
        (ChangeSpeeds, {"time_factor": 2, "box": [7, 43, 6, 44]}, "ouest, sud, est, nord"),
        (ChangeSpeeds, {"time_factor": 0}, "plus grand que 0"),
        (ChangeSpeeds, {"period": "peak", "roads": ["D 562"]}, "un seul des quatre"),
        (ChangeSpeeds, {"line": [[6.4, 43.5], [6.5, 43.5]]}, "line et speed_kmh"),
        (ChangeSpeeds, {"polygon": [[6.4, 43.5], [6.5, 43.5]]}, "trois sommets"),
        (ChangeSpeeds, {"roads": ["D 562"], "communes": ["83050"]}, "donnez polygon"),
        (ChangePopulation, {}, "un seul des trois"),
        (ChangePopulation, {"growth_per_year": 0.1}, "from_year"),
        (
            ChangePopulation,
            {"persons": [{"age_min": 3, "age_max": 2, "persons": 1}], "communes": ["83050"]},
            "dépasse",
        ),
        (ChangePopulation, {"persons": [{"age_min": 3, "age_max": 4, "persons": 1}]}, "une seule commune"),
        (
            PoolSites,
            {"name": "G", "member_ids": ["a", "b"], "site_id": "s", "shared": ["x"], "freed_staff_share": 2},
            "1",
        ),
    ],
)
def test_changes_that_say_too_much_or_too_little(kind: Any, said: dict[str, Any], expected: str) -> None:
    with pytest.raises(ValueError, match=expected):
        kind(**said)


def test_every_change_is_written_as_it_reads() -> None:
    boxed = ChangeSpeeds(time_factor=2, box=(6, 43, 7, 44), source="péage « gratuit »")
    written = scenario(*CHANGES, boxed, families="closest", families_need="x")
    assert Scenario(**tomllib.loads(scenario_toml(written))["scenario"][0]) == written


@pytest.mark.parametrize("factor, doubt_min", [(0.5, 2.0), (1.0, 2.0), (1.5, 3.0)])
def test_a_faster_trip_is_not_better_known_and_a_slower_one_is_less(
    state: State, factor: float, doubt_min: float
) -> None:
    after = apply(state, scenario(ChangeSpeeds(time_factor=factor, communes=("83002",)))).travel_times
    of_there = after["from_id"] == "83002"
    assert after.loc[of_there, "travel_time_min"].tolist() == [12.0 * factor, 21.0 * factor]
    assert after.loc[of_there, "uncertainty_min"].tolist() == [doubt_min] * 2
    # the other pairs are as they were
    assert set(after.loc[~of_there, "uncertainty_min"]) == {2.0}


def test_a_need_is_that_of_the_persons_of_its_year(state: State) -> None:
    need = Need(
        public="p",
        label="P",
        kind="prevalence",
        age_min=0,
        age_max=9,
        per_1000=10,
        low_per_1000=5,
        source="x",
    )
    parameters = replace(
        state.parameters, rates=(Rate(need), Rate(need.model_copy(update={"public": "q"}), 2.0))
    )
    found = demand_of(state.population, parameters)
    persons = persons_by_age(state.population, age_min=0, age_max=9)
    # ages of another year, brought to the total of this one
    one, other = (found.xs(public, level="public") for public in ("p", "q"))
    np.testing.assert_allclose(one["demand"], persons.loc[one.index] * state.parameters.age_scale / 100)
    np.testing.assert_allclose(one["demand_low"], one["demand"] / 2)
    # a total beyond the range of the rates widens it
    np.testing.assert_allclose(other["demand"], 2 * one["demand"])
    np.testing.assert_allclose(other["demand_low"], one["demand_low"])


def test_rows_of_one_authorisation_at_one_site_are_one_and_what_one_lacks_is_unknown() -> None:
    group = pd.DataFrame(
        {
            "authorisation_id": ["a", "b", "c"], "serves": [np.nan, "b a", np.nan],
            "capacity": [10.0, 20.0, 5.0], "capacity_scope": "site", "capacity_unit": "places",
            "age_min": [3.0, 0.0, 6.0], "age_max": [12.0, 20.0, 18.0], "delivered_at_home": [True, True, False],
            "is_complete_list": [True, pd.NA, True], "reception_mode": ["jour", "jour", "internat"],
            "held_places": [2.0, np.nan, 1.0],
        }
    )  # fmt: skip
    one = _sum_of(group)
    assert (one["capacity"], one["age_min"], one["age_max"], one["held_places"]) == (35.0, 0.0, 20.0, 3.0)
    assert one["serves"] == "a b c"
    assert (one["delivered_at_home"], one["is_complete_list"], one["is_touched"]) == (False, False, True)
    assert one["capacity_unit"] == "places"
    assert pd.isna(one["reception_mode"])
    home = _sum_of(group.assign(delivered_at_home=True, is_complete_list=True, capacity=[10.0, np.nan, 5.0]))
    assert (home["delivered_at_home"], home["is_complete_list"]) == (True, True)
    assert pd.isna(home["capacity"])
    # places of the authorisation, whatever the site, are said on each row and counted once
    assert _sum_of(group.assign(capacity_scope="authorisation", capacity=20.0))["capacity"] == 20.0
    some = _sum_of(group.assign(capacity_scope=["authorisation", "site", "site"]))
    assert some["capacity"] == 35.0
    assert pd.isna(some["capacity_scope"])
    unknown = _sum_of(group.assign(age_min=[3.0, np.nan, 6.0], age_max=[np.nan, 20.0, 18.0]))
    assert np.isnan([unknown["age_min"], unknown["age_max"]]).all()


def test_what_is_lacking_to_share_places_is_said() -> None:
    keys = pd.MultiIndex.from_tuples([("west", "ime"), ("east", "ime")], names=["site_id", "service"])
    rows = pd.DataFrame(
        {
            "authorisation_id": ["ime-x", "ime-y"], "capacity": [10.0, 20.0], "capacity_unit": "places",
            "capacity_scope": ["site", "site"],
        },
        index=keys,
    )  # fmt: skip
    assert missing_places(rows) == ""
    assert missing_places(rows.drop(columns="capacity_scope")) == ""
    assert missing_places(rows.iloc[:0]) == "aucun site n'offre plus ce service"
    assert missing_places(rows.assign(capacity=[10.0, np.nan])).startswith(
        "capacité inconnue pour 1 site du service"
    )
    for units in (["places", "file_active"], [pd.NA, pd.NA]):
        assert "plusieurs unités, ou sans unité" in missing_places(rows.assign(capacity_unit=units))
    # one of them is enough
    shared = missing_places(rows.assign(capacity_scope=["site", "authorisation"]))
    assert shared.startswith("places non réparties entre les sites de ime-y")


@pytest.mark.parametrize("is_complete", [True, False])
def test_a_service_that_opens_joins_a_list_as_complete_as_it_was(state: State, is_complete: bool) -> None:
    services = state.services.assign(is_complete_list=state.services["is_complete_list"].astype("boolean"))
    of_ime = services.index.get_level_values("service") == "ime"
    assert of_ime.any()
    services.loc[of_ime, "is_complete_list"] = is_complete
    services.loc[~of_ime, "is_complete_list"] = not is_complete
    world = replace(state, services=services)

    def opened(kind: str, world: State = world) -> bool:
        act = OpenSite(site_id="east", service=kind, authorisation_id="z", capacity=4, capacity_unit="places")
        rows = apply(world, Scenario(id="O", name="", change=(act,))).services
        return bool(rows.loc[rows["authorisation_id"] == "z", "is_complete_list"].iloc[0])

    assert opened("ime") == is_complete
    # one of a list that is not known to be whole
    more = pd.concat([services, services.loc[[("west", "ime")]].assign(authorisation_id="ime-z")])
    more["is_complete_list"] = more["is_complete_list"].mask(more["authorisation_id"].eq("ime-z"), True)
    more["is_complete_list"] = more["is_complete_list"].mask(
        more["authorisation_id"].eq("ime-x"), is_complete
    )
    assert opened("ime", replace(state, services=more)) == is_complete
    # of a kind that nobody has listed, nothing is complete
    assert not opened("camsp")
