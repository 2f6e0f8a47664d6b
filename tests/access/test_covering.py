from __future__ import annotations

import math

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from territory.access import coverage
from territory.access.closest import persons_by_zone
from territory.errors import ParameterError, TerritoryWarning
from tests.access import oracles
from tests.access.worlds import table, worlds

UNKNOWN = "ignore:.*temps inconnus.*:territory.errors.TerritoryWarning"
THRESHOLDS = (15, 30, 45, 60)


@pytest.mark.filterwarnings(UNKNOWN)
@given(world=worlds(unknown=True), seed=st.integers(0, 99))
def test_coverage_equals_the_oracle_and_grows_with_the_threshold(world: tuple, seed: int) -> None:
    times, demand, _ = world
    persons = pd.Series(demand)
    got = coverage(table(times).sample(frac=1, random_state=seed), persons, thresholds_min=THRESHOLDS)
    assert list(got.index) == list(demand)
    for origin in demand:
        expected = [oracles.is_within(times, origin, threshold) for threshold in THRESHOLDS]
        assert [None if pd.isna(value) else bool(value) for value in got.loc[origin]] == expected


@pytest.mark.filterwarnings(UNKNOWN)
@given(world=worlds(unknown=True), cut=st.integers(0, 6))
def test_zones_add_up_to_the_communes(world: tuple, cut: int) -> None:
    times, demand, _ = world
    persons = pd.Series(demand)
    zone = pd.Series(["nord" if n < cut else "sud" for n in range(len(persons))], index=persons.index)
    got = persons_by_zone(coverage(table(times), persons, thresholds_min=THRESHOLDS), persons, zone)
    assert got["demand_hab"].sum() == persons.sum()
    for threshold in THRESHOLDS:
        for name in got.index:
            members = {o: demand[o] for o in demand if zone[o] == name}
            answers = {o: oracles.is_within(times, o, threshold) for o in members}
            sure = sum(members[o] for o in members if answers[o])
            doubt = sum(members[o] for o in members if answers[o] is None)
            assert got.loc[name, f"within_{threshold}_min_hab"] == sure
            assert got.loc[name, f"within_{threshold}_min_unknown_hab"] == doubt
            share = got.loc[name, f"within_{threshold}_min_share"]
            total = sum(members.values())
            assert math.isnan(share) if doubt or not total else share == pytest.approx(sure / total)


def test_a_threshold_is_inclusive() -> None:
    got = coverage(table({("A", "S"): 30.0, ("B", "S"): 30.001}), pd.Series({"A": 1.0, "B": 1.0}))
    assert got["within_30_min"].tolist() == [True, False]
    assert list(got) == ["within_15_min", "within_30_min", "within_45_min", "within_60_min"]


def test_a_threshold_above_the_cutoff_of_the_table_is_an_error() -> None:
    times = table({("A", "S"): 12.0}, cutoff_min=45)
    persons = pd.Series({"A": 1.0})
    assert coverage(times, persons, thresholds_min=(45,)).iloc[0, 0]
    with pytest.raises(
        ParameterError, match=r"\(60 min\) dépasse la coupure de la table des temps \(45 min\)"
    ):
        coverage(times, persons, thresholds_min=(45, 60))
    no_cutoff = table({("A", "S"): 12.0}, cutoff_min=math.nan)
    assert coverage(no_cutoff, persons, thresholds_min=(600,)).iloc[0, 0]


def test_an_unknown_demand_makes_its_zone_unknown_and_only_it() -> None:
    persons = pd.Series({"A": math.nan, "B": 10.0, "C": 30.0})
    zone = pd.Series({"A": "x", "B": "y", "C": "y"})
    within = coverage(table({("B", "S"): 5.0}), persons, thresholds_min=(15,))
    got = persons_by_zone(within, persons, zone)
    assert got.loc["x"].isna().all()
    assert got.loc["y"].tolist() == [40.0, 10.0, 0.0, 0.25]


def test_communes_without_zone_are_counted_in_a_warning() -> None:
    persons = pd.Series({"A": 1.0, "B": 2.0})
    within = coverage(table({("A", "S"): 5.0}), persons, thresholds_min=(15,))
    with pytest.warns(TerritoryWarning, match=r"1 commune sans zone comptée nulle part \(B\)"):
        got = persons_by_zone(within, persons, pd.Series({"A": "x"}))
    assert got["demand_hab"].to_dict() == {"x": 1.0}
    with pytest.raises(ParameterError, match="n'a de zone"):
        persons_by_zone(within, persons, pd.Series({"Z": "x"}))
    with pytest.raises(ParameterError, match="en double"):
        persons_by_zone(within, persons, pd.Series(["x", "y"], index=["A", "A"]))


@pytest.mark.parametrize(
    "demand, thresholds, message",
    [
        ({"A": -1.0}, (15,), r"Demande : 1 valeur négative"),
        ({"A": math.inf}, (15,), "infinie"),
        ({"A": 1.0}, (), "aucun seuil"),
        ({"A": 1.0}, (0, math.nan), "2 problèmes"),
        ({"A": 1.0}, (15, 15), "deux fois"),
    ],
)
def test_bad_input_is_one_clear_error(demand: dict, thresholds: tuple, message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        coverage(table({("A", "S"): 1.0}), pd.Series(demand), thresholds_min=thresholds)


def test_text_demand_is_refused() -> None:
    with pytest.raises(ParameterError, match="des nombres sont attendus"):
        coverage(table({("A", "S"): 1.0}), pd.Series({"A": "12"}))
