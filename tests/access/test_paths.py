from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given

from territory.access import coordination_reach
from territory.access.paths import (
    ABSENT,
    PRESENT,
    UNKNOWN,
    Step,
    ehpad_primary_care,
    path_view,
    step_status,
)
from territory.errors import ParameterError, SchemaError, TerritoryWarning
from tests.access import oracles
from tests.access.worlds import table, worlds

NOBODY = "ignore:.*sans aucune demande à portée.*:territory.errors.TerritoryWarning"


def test_present_absent_and_unknown_are_three_answers() -> None:
    times = table(
        {("A", "S"): 45.0, ("B", "S"): 45.1, ("A", "T"): 50.0, ("B", "T"): math.nan, ("C", "U"): 1.0}
    )
    steps = [Step("complet", ["S"], True), Step("partiel", ["S"], False), Step("douteux", ["T"], True)]
    got = step_status(times, ["A", "B", "C"], steps, max_time_min=45)
    assert list(got.index) == [(o, s.name) for o in "ABC" for s in steps]
    assert got["status"].unstack().loc[:, ["complet", "partiel", "douteux"]].to_numpy().tolist() == [
        [PRESENT, PRESENT, ABSENT],
        [ABSENT, UNKNOWN, UNKNOWN],
        [ABSENT, UNKNOWN, ABSENT],
    ]
    # the closest of a partial list is not the closest
    assert got.xs("partiel", level="step")["time_min"].isna().all()
    assert got.loc[("A", "complet"), "time_min"] == 45


def test_a_listed_site_without_any_time_leaves_the_step_unknown() -> None:
    times = table({("A", "S"): 10.0, ("B", "S"): 90.0})
    steps = [Step("soin", ["S", "X"], True), Step("école", ["X"], True), Step("sortie", [], True)]
    with pytest.warns(TerritoryWarning, match=r"1 site qu'aucun temps n'atteint \(X\)"):
        got = step_status(times, ["A", "B"], steps, max_time_min=45)["status"]
    assert got.tolist() == [PRESENT, UNKNOWN, ABSENT, UNKNOWN, UNKNOWN, ABSENT]


def test_bad_steps_are_clear_errors() -> None:
    times = table({("A", "S"): 10.0}, cutoff_min=30)
    with pytest.raises(ParameterError, match="aucune étape"):
        step_status(times, ["A"], [], max_time_min=10)
    with pytest.raises(ParameterError, match="« x » y est plusieurs fois"):
        step_status(times, ["A"], [Step("x"), Step("x")], max_time_min=10)
    with pytest.raises(ParameterError, match="dépasse la coupure"):
        step_status(times, ["A"], [Step("x")], max_time_min=45)


def test_a_path_by_epci() -> None:
    times = table({("A", "S"): 10.0, ("B", "S"): 20.0, ("C", "S"): 50.0, ("C", "T"): 5.0})
    people = pd.Series({"A": 1.0, "B": 3.0, "C": 2.0, "D": 0.0})
    zones = pd.Series({"A": "x", "B": "x", "C": "y", "D": "y"})
    steps = [Step("repérage", ["S"], True), Step("soin", ["T"], False), Step("sortie", [], True)]
    got = path_view(times, people, zones, pd.Series({"S": "x", "T": "y"}), steps)
    assert got["status"].tolist() == [PRESENT, UNKNOWN, ABSENT, ABSENT, PRESENT, ABSENT]
    # a commune where nobody lives weighs nothing, even out of reach
    np.testing.assert_array_equal(got["mean_time_min"], [17.5, math.nan, math.nan, 50.0, math.nan, math.nan])
    assert got["site_count"].tolist() == [1, 0, 0, 0, 1, 0]
    with pytest.raises(ParameterError, match=r"Étape « repérage » : 1 site sans zone \(S\)"):
        path_view(times, people, zones, pd.Series({"T": "y"}), steps)


@pytest.mark.filterwarnings(NOBODY)
@given(world=worlds())
def test_gps_around_ehpad_equal_the_oracle(world: tuple) -> None:
    times, gps, residents = world
    expected = oracles.ehpad(times, residents, gps, 15)
    got = ehpad_primary_care(table(times), pd.Series(residents), pd.Series(gps))
    for home, (count, closest, shared) in expected.items():
        assert got.loc[home, "gp_count"] == count
        assert got.loc[home, "time_from_closest_gp_min"] == pytest.approx(closest, nan_ok=True)
        assert got.loc[home, "shared_residents_per_gp"] == pytest.approx(shared)
        alone = residents[home] / count if count else (math.inf if residents[home] else math.nan)
        assert got.loc[home, "residents_per_gp"] == pytest.approx(alone, nan_ok=True)


def test_the_trip_counted_is_the_gps_own() -> None:
    one_way = table({("G", "E"): 14.0}, cutoff_min=20)
    care = ehpad_primary_care(one_way, pd.Series({"E": 80.0}), pd.Series({"G": 2.0}))
    assert care.loc["E"].tolist() == [2.0, 14.0, 40.0, 40.0]
    with pytest.raises(ParameterError, match="dépasse la coupure"):
        ehpad_primary_care(one_way, pd.Series({"E": 80.0}), pd.Series({"G": 2.0}), max_time_min=25)
    with pytest.raises(SchemaError, match="il manque to_id"):
        ehpad_primary_care(one_way.drop(columns="to_id"), pd.Series({"E": 80.0}), pd.Series({"G": 2.0}))


COMMUNES = pd.Series({"A": 900.0, "B": 100.0, "C": 50.0})
AREAS = pd.Series({"A": 20.0, "B": 80.0, "C": 10.0})
REACH = {("A", "D1"): 10.0, ("A", "D2"): 10.0, ("B", "D1"): 60.0, ("B", "D2"): 90.0, ("C", "D2"): 61.0}


def test_what_each_structure_would_have_to_serve() -> None:
    got = coordination_reach(
        table(REACH), COMMUNES, AREAS, ["D2", "D1"], too_far_min=60, is_complete_list=True
    )
    assert list(got.index) == ["D2", "D1"]
    # equal times go to the first in alphabetical order, whatever the order asked
    assert got["commune_count"].tolist() == [1, 2]
    assert got["population_hab"].tolist() == [50, 1000]
    assert got["area_km2"].tolist() == [10, 100]
    assert got["edge_time_min"].tolist() == [61, 60]
    assert got["mean_time_min"].tolist() == [61, 15]
    assert got["is_too_large"].tolist() == [True, False]
    assert got["basis"].unique().tolist() == ["hypothèse : structure la plus proche"]


@pytest.mark.parametrize("persons, mean_min", [(1.0, 61.0), (0.4, 61.0), (0.0, math.nan)])
def test_one_person_has_a_mean_time_and_nobody_has_none(persons: float, mean_min: float) -> None:
    few = COMMUNES.where(COMMUNES.index != "C", persons)
    got = coordination_reach(table(REACH), few, AREAS, ["D1", "D2"], too_far_min=60, is_complete_list=True)
    np.testing.assert_array_equal(got["mean_time_min"], [15.0, mean_min])


def test_a_partial_list_gives_no_figure() -> None:
    with pytest.warns(TerritoryWarning, match="partielle"):
        got = coordination_reach(
            table(REACH), COMMUNES, AREAS, ["D1", "D2"], too_far_min=60, is_complete_list=False
        )
    assert got[["population_hab", "edge_time_min"]].isna().all(axis=None)
    assert got["is_too_large"].isna().all()


def test_communes_that_nobody_serves_are_counted() -> None:
    with pytest.warns(TerritoryWarning, match=r"1 commune qu'aucune structure n'atteint \(C\)"):
        coordination_reach(table(REACH), COMMUNES, AREAS, ["D1"], too_far_min=60, is_complete_list=True)


@pytest.mark.parametrize(
    "options, message",
    [
        ({"too_far_min": 0}, "too_far_min = 0"),
        ({"area_km2": AREAS.iloc[:2]}, "l'index des communes"),
        ({"population_hab": -COMMUNES}, "Population"),
    ],
)
def test_bad_reach_is_one_clear_error(options: dict, message: str) -> None:
    good = {"population_hab": COMMUNES, "area_km2": AREAS, "too_far_min": 60, "is_complete_list": True}
    with pytest.raises(ParameterError, match=message):
        coordination_reach(table(REACH), structures=["D1", "D2"], **(good | options))
