from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from territory.access import apl
from territory.access.catchments.floating_catchment import HEADCOUNT_NAME
from territory.access.deserts import DREES_2017, Criterion, classify, population_by_class
from territory.errors import ParameterError
from tests.access import oracles

RULES = {"apl": ("below", 2.5), "urgences": ("above", 30.0), "pharmacie": ("above", 10.0)}
COLUMNS = {
    "apl": "apl_consultations_per_hab",
    "urgences": "urgences_smur_time_min",
    "pharmacie": "pharmacie_time_min",
}

rows = st.fixed_dictionaries(
    {
        "apl": st.one_of(st.none(), st.sampled_from([0.0, 2.4, 2.5, 2.6])),
        "urgences": st.one_of(st.none(), st.sampled_from([0.0, 29.0, 30.0, 30.1])),
        "pharmacie": st.one_of(st.none(), st.sampled_from([0.0, 10.0, 10.5])),
    }
)


def frame(communes: list[dict]) -> pd.DataFrame:
    return pd.DataFrame(
        {COLUMNS[name]: [math.nan if row[name] is None else row[name] for row in communes] for name in RULES},
        index=[f"C{n}" for n in range(len(communes))],
    )


@given(communes=st.lists(rows, min_size=1, max_size=6))
def test_classes_equal_the_oracle_and_hold_everyone_once(communes: list[dict]) -> None:
    got = classify(frame(communes), criteria=DREES_2017)
    assert got["desert_class"].tolist() == [oracles.desert_class(row, RULES) for row in communes]
    people = pd.Series(np.arange(len(communes)) + 1.0, index=got.index)
    counted = population_by_class(got, people)
    classes = got["desert_class"].cat.categories
    assert counted.loc[classes, "population_hab"].sum() == people.sum()
    assert counted.loc[classes, "commune_count"].sum() == len(communes)
    assert counted.loc[classes, "population_share"].sum() == pytest.approx(1)
    for name, (direction, threshold) in RULES.items():
        in_desert = [
            n + 1
            for n, row in enumerate(communes)
            if row[name] is not None
            and (row[name] < threshold if direction == "below" else row[name] > threshold)
        ]
        assert counted.loc[name, "population_hab"] == sum(in_desert)


def test_the_threshold_itself_is_outside_the_desert_and_distances_say_how_far() -> None:
    got = classify(frame([{"apl": 2.5, "urgences": 30.0, "pharmacie": 12.0}]), criteria=DREES_2017).iloc[0]
    assert not got["apl_is_met"]
    assert not got["urgences_is_met"]
    assert got["pharmacie_is_met"]
    assert got[
        ["apl_distance_consultations_per_hab", "urgences_distance_min", "pharmacie_distance_min"]
    ].tolist() == [
        0,
        0,
        -2,
    ]
    assert got["desert_class"] == "1 critère sur 3"


def test_a_missing_column_is_never_passed() -> None:
    access = frame([{"apl": 5.0, "urgences": 5.0, "pharmacie": 5.0}])
    assert classify(access, criteria=DREES_2017)["desert_class"].tolist() == ["aucun critère"]
    got = classify(access.drop(columns="pharmacie_time_min"), criteria=DREES_2017)
    assert got["desert_class"].tolist() == ["non calculable"]
    assert got["pharmacie_is_met"].isna().all()
    assert got["criteria_known"].tolist() == [2]


def test_headcounts_are_not_an_apl() -> None:
    access = pd.DataFrame({HEADCOUNT_NAME: [1.0]}, index=["A"])
    got = classify(access, criteria=DREES_2017[:1])
    assert got["desert_class"].tolist() == ["non calculable"]


def test_out_of_reach_is_in_the_desert_and_unknown_is_not() -> None:
    access = pd.DataFrame(
        {
            "pharmacie_time_min": [math.nan, math.nan, 5.0],
            "pharmacie_is_reachable": pd.array([False, pd.NA, True], dtype="boolean"),
        },
        index=["A", "B", "C"],
    )
    got = classify(access, criteria=[DREES_2017[2]])
    assert got["desert_class"].tolist() == ["1 critère sur 1", "non calculable", "aucun critère"]
    assert got["pharmacie_distance_min"].tolist()[::2] == [-math.inf, 5.0]


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda: Criterion("x", "t", 3, "over", "min"), "sens « over » inconnu"),
        (lambda: Criterion("x", "t", math.nan, "above", "min"), "nombre positif"),
        (lambda: Criterion("x", "t", 3, "below", "min", "r"), "reachable_column"),
        (lambda: classify(frame([]), criteria=[]), "aucun critère"),
        (lambda: classify(frame([]), criteria=DREES_2017 * 2), "3 problèmes"),
        (
            lambda: classify(pd.DataFrame({"t": ["a"]}), criteria=[Criterion("x", "t", 3, "above", "min")]),
            "nombres",
        ),
    ],
)
def test_bad_input_is_one_clear_error(make: object, message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        make()  # type: ignore[operator]


def test_population_must_be_known() -> None:
    got = classify(frame([{"apl": 5.0, "urgences": 5.0, "pharmacie": 5.0}]), criteria=DREES_2017)
    with pytest.raises(ParameterError, match=r"1 commune absente \(C0\)"):
        population_by_class(got, pd.Series({"Z": 1.0}))
    with pytest.raises(ParameterError, match="Population : 1 commune de population inconnue"):
        population_by_class(got, pd.Series({"C0": math.nan}))
    assert population_by_class(got, pd.Series({"C0": 0.0}))["population_share"].isna().all()


@pytest.mark.filterwarnings("ignore:.*paliers non vérifiés:territory.errors.TerritoryWarning")
def test_a_threshold_refuses_an_apl_that_says_other_weights() -> None:
    times = pd.DataFrame({"from_id": ["A", "B"], "to_id": ["S", "S"], "travel_time_min": [12.0, 4.0]})
    people, acts = pd.Series({"A": 1000.0, "B": 1000.0}), pd.Series({"S": 4500.0})
    old, recast = (apl(times, people, acts, profile=name) for name in ("drees_2012", "drees_2015"))
    with pytest.raises(
        ParameterError, match=r"seuil de 2,5 a été publié avec .*« drees_2015 ».*« drees_2012 »"
    ):
        classify(old.to_frame(), criteria=DREES_2017[:1])
    assert classify(recast.to_frame(), criteria=DREES_2017[:1])["apl_is_met"].tolist() == [True, False]
