from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from territory.errors import ParameterError, StudyError
from territory.network import difference_uncertainty_min
from territory.scenario import (
    ChangeCapacity,
    CloseSite,
    MoveSite,
    OpenSite,
    Scenario,
    apply,
    compare,
)
from territory.scenario.comparison import compare as comparing
from territory.study.state import State
from territory.study.words.model import Authorisation
from tests import oracles
from tests.scenario.lent import compute

MOVE_IME = MoveSite(authorisation_ids=("ime-x",), to_site_id="east")


def scenario(*changes: object) -> Scenario:
    return Scenario(id="S", name="Essai", change=changes)


def test_named_time_follows_the_authorisation(state: State) -> None:
    moved = compute(apply(state, scenario(MOVE_IME)))
    assert moved.access.xs("ime-x", level="service")["travel_time_min"].tolist() == [33.0, 21.0, 5.0, 50.0]
    assert set(moved.access.xs("ime-x", level="service")["to_id"]) == {"east"}
    # the other service of the site stays
    assert set(moved.access.xs("sessad-x", level="service")["to_id"]) == {"west"}


def test_apply_leaves_the_baseline_untouched(state: State) -> None:
    before = state.services.copy(deep=True)
    apply(state, scenario(MOVE_IME, ChangeCapacity(authorisation_id="sessad-x", capacity=3)))
    pd.testing.assert_frame_equal(state.services, before)


def test_partial_lists_get_no_closest_site(state: State) -> None:
    access = compute(state).access
    closest = access[access["measure"] == "closest"]
    assert set(closest.index.get_level_values("service")) == {"urgences"}
    assert list(access.xs("urgences", level="service").index) == list(state.communes.index)


def test_persons_are_cut_and_scaled(state: State) -> None:
    persons = compute(state).persons["persons"]
    # half of the under 20, then the scale of 0.5
    assert persons.xs("ime-x", level="service").tolist() == [10.0, 20.0, 30.0, 40.0]
    assert persons.xs("sessad-x", level="service").tolist() == [20.0, 40.0, 60.0, 80.0]


def test_observed_origins_replace_ages(state: State) -> None:
    observed = pd.DataFrame({"commune_code": ["83002"], "authorisation_id": ["ime-x"], "children": [14.0]})
    persons = compute(replace(state, observed_origins=observed)).persons
    assert persons.xs("ime-x", level="service")["persons"].tolist() == [0.0, 14.0, 0.0, 0.0]
    assert set(persons.xs("ime-x", level="service")["persons_kind"]) == {"observed"}
    assert set(persons.xs("sessad-x", level="service")["persons_kind"]) == {"age"}


def test_coverage_counts_inhabitants_by_zone(state: State) -> None:
    coverage = compute(state).coverage
    assert coverage.loc[("territory", "urgences"), "within_30_min_hab"] == 500.0
    assert coverage.loc[("2", "urgences"), "within_15_min_share"] == pytest.approx(300 / 700)


def test_trips_are_three_accounts(state: State) -> None:
    trips = compute(state).trips
    assert set(trips.index.get_level_values("who")) == {"child", "staff"}
    child = trips.loc[("83002", "ime-x", "child")]
    # 12 min, there and back, 100 days, and up to half as much again in the round
    assert (child["year_low_min"], child["year_high_min"]) == (2400.0, 3600.0)
    assert trips.loc[("83002", "sessad-x", "staff"), "year_low_min"] == 960.0


def test_comparison_matches_the_oracle(state: State) -> None:
    comparison = compare(compute(state), compute(apply(state, scenario(MOVE_IME))))
    assert comparison.services == ("ime-x",)
    before, after = np.array([5.0, 12.0, 33.0, 80.0]), np.array([33.0, 21.0, 5.0, 50.0])
    detectable = difference_uncertainty_min(before, after, 33.0)
    rows = list(zip(before, after, detectable, [10.0, 20.0, 30.0, 40.0], strict=True))
    for limit in (45.0, 60.0):
        # compared once, with those of the limit of the study
        expected = oracles.gains_and_losses(rows, limit, compared=rows[:3])
        found = comparison.sensitivity.loc[("ime-x", limit)]
        assert {key: found[f"persons_{key}"] for key in expected} == expected
    total = comparison.zones.xs("territory", level="zone").iloc[0]
    zones = comparison.zones.drop(index="territory", level="zone")
    for column in ("persons_gain", "persons_loss", "communes_loss", "persons_entering"):
        assert zones[column].sum() == total[column]
    assert total["worst_loss_commune"] == "83001"
    assert total["worst_loss_min"] == 28.0


# 400 inhabitants of 600 have a change of 28 min: p <= 0.1 x 2/3, which is 1.8339 standard deviations
@pytest.mark.parametrize("doubt_min, is_told", [(19.56, True), (19.57, False)])
def test_a_difference_is_told_by_its_evidence_among_all_the_communes_compared(
    state: State, monkeypatch: pytest.MonkeyPatch, doubt_min: float, is_told: bool
) -> None:
    monkeypatch.setattr(
        comparing, "difference_uncertainty_min", lambda old, *_, **__: np.full(len(old), doubt_min)
    )
    rows = compare(compute(state), compute(apply(state, scenario(MOVE_IME)))).communes
    # the west is 28 min further
    row = rows.loc[("83001", "ime-x")]
    assert (row["delta_travel_time_min"], bool(row["is_distinguishable"])) == (28.0, is_told)
    assert row["effect"] == ("loss" if is_told else "indistinct")


def test_two_sites_without_a_known_road_are_as_far_as_by_way_of_the_commune(state: State) -> None:
    lost = replace(state, site_times=state.site_times.iloc[:0])
    rows = compare(compute(lost), compute(apply(lost, scenario(MOVE_IME)))).communes
    before, after = np.array([5.0, 12.0, 33.0, 80.0]), np.array([33.0, 21.0, 5.0, 50.0])
    expected = difference_uncertainty_min(before, after, before + after)
    np.testing.assert_allclose(rows.xs("ime-x", level="service")["detectable_min"], expected)
    # less is known than with the road between them
    known = compare(compute(state), compute(apply(state, scenario(MOVE_IME)))).communes
    assert (rows["detectable_min"] >= known["detectable_min"]).all()


def test_nothing_moves_nothing_changes(state: State) -> None:
    comparison = compare(compute(state), compute(state))
    assert comparison.services == ()
    assert len(comparison.communes) == len(comparison.zones) == len(comparison.trips) == 0


def test_move_within_one_site_is_indistinct(state: State) -> None:
    twin = state.sites.loc[["west"]].set_axis(["west-2"]).rename_axis("site_id")
    times = state.travel_times
    copied = times[times["to_id"] == "west"].assign(to_id="west-2")
    between = pd.DataFrame({"from_id": ["west"], "to_id": ["west-2"], "travel_time_min": [0.0]})
    wider = replace(
        state,
        sites=pd.concat([state.sites, twin]),
        travel_times=pd.concat([times, copied]),
        site_times=pd.concat([state.site_times, between]),
    )
    moved = apply(wider, scenario(MoveSite(from_site_id="west", to_site_id="west-2")))
    comparison = compare(compute(wider), compute(moved))
    assert set(comparison.services) == {"ime-x", "sessad-x"}
    assert set(comparison.communes["effect"]) == {"indistinct", "outside"}
    assert not comparison.communes["is_distinguishable"].any()


def test_closing_makes_losers_that_no_minutes_measure(state: State) -> None:
    comparison = compare(compute(state), compute(apply(state, scenario(CloseSite(authorisation_id="ime-x")))))
    rows = comparison.communes
    assert rows["delta_travel_time_min"].isna().all()
    assert rows[rows["is_in_area"]]["effect"].eq("without").all()
    assert comparison.zones.loc[("territory", "ime-x"), ["persons_without", "persons_loss"]].tolist() == [
        60,
        0,
    ]
    assert np.isnan(comparison.zones.loc[("territory", "ime-x"), "worst_loss_min"])


def test_opening_adds_a_service_to_a_partial_list(state: State) -> None:
    opening = OpenSite(
        site_id="east", service="ime", authorisation_id="ime-y", capacity=8, capacity_unit="places"
    )
    services = apply(state, scenario(opening)).services
    assert services.loc[("east", "ime"), "capacity"] == 8.0
    assert not services.loc[("east", "ime"), "is_complete_list"]


def test_newcomers_of_a_service_that_opens_are_counted(state: State) -> None:
    named = (*state.parameters.authorisations, Authorisation(id="ime-y", label="IME nouveau"))
    world = replace(state, parameters=replace(state.parameters, authorisations=named))
    opening = OpenSite(site_id="east", service="ime", authorisation_id="ime-y", age_min=0, age_max=19)
    zones = compare(compute(world), compute(apply(world, scenario(opening)))).zones
    # 33, 21 and 5 minutes are within the limit of 45, 50 is not
    assert zones.loc[("territory", "ime-y"), "persons_entering"] == 20.0 + 40.0 + 60.0


def test_order_of_communes_and_rows_changes_nothing(state: State) -> None:
    shuffled = replace(
        state,
        communes=state.communes.iloc[::-1],
        travel_times=state.travel_times.sample(frac=1, random_state=1),
        services=state.services.iloc[::-1],
        population=state.population.sample(frac=1, random_state=2),
    )
    shuffled.travel_times.attrs = dict(state.travel_times.attrs)
    one, other = (
        compare(compute(world), compute(apply(world, scenario(MOVE_IME)))) for world in (state, shuffled)
    )
    pd.testing.assert_frame_equal(one.zones.sort_index(), other.zones.sort_index())
    pd.testing.assert_frame_equal(one.communes.sort_index(), other.communes.sort_index())


@pytest.mark.parametrize(
    "change, expected",
    [
        (MoveSite(authorisation_ids=("ime-z",), to_site_id="east"), "ime-z"),
        (MoveSite(authorisation_ids=("ime-x",), to_site_id="nowhere"), "nowhere"),
        (MoveSite(from_site_id="nowhere", to_site_id="east"), "nowhere"),
        (CloseSite(site_id="nowhere"), "rien à fermer"),
        (ChangeCapacity(authorisation_id="ime-z", capacity=1), "ime-z"),
        (OpenSite(site_id="west", service="ime", authorisation_id="ime-y"), "existe déjà"),
        (OpenSite(site_id="east", service="ime", authorisation_id="ime-x"), "existe déjà"),
    ],
)
def test_impossible_changes_are_said(state: State, change: object, expected: str) -> None:
    with pytest.raises(StudyError, match=expected):
        apply(state, scenario(change))


def test_results_of_two_studies_are_not_compared(state: State) -> None:
    other = replace(state, parameters=replace(state.parameters, recruitment_max_min=50.0))
    with pytest.raises(ParameterError, match="même étude"):
        compare(compute(state), compute(other))
