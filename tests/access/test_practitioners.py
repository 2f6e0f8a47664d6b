from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from territory.access import APL_PROFILES, AplProfile, apl, gp_headcount_access, mean_by
from territory.access.decay import stepped
from territory.errors import ParameterError, TerritoryWarning
from tests.access import oracles
from tests.access.worlds import table, worlds

NOBODY = "ignore:.*sans aucune demande à portée.*:territory.errors.TerritoryWarning"


@pytest.mark.filterwarnings(NOBODY)
@given(world=worlds())
def test_apl_of_2012_equals_the_oracle(world: tuple) -> None:
    times, population, activity = world
    expected = oracles.apl(times, population, activity, [(5, 1.0), (10, 0.3), (15, 0.1)])
    got = apl(table(times), pd.Series(population), pd.Series(activity), profile="drees_2012")
    for commune, value in expected.items():
        assert got[commune] == pytest.approx(value)


def test_the_steps_of_each_profile_and_their_inclusive_bounds() -> None:
    assert APL_PROFILES["drees_2012"].decay([5, 5.1, 10, 10.1, 15, 15.1]).tolist() == [
        1,
        0.3,
        0.3,
        0.1,
        0.1,
        0,
    ]
    recast = APL_PROFILES["drees_2015"].decay([10, 10.1, 15, 15.1, 20, 20.1])
    assert recast.tolist() == [1, 2 / 3, 2 / 3, 1 / 3, 1 / 3, 0]
    assert [profile.is_verified for profile in APL_PROFILES.values()] == [True, False]


def test_an_unverified_profile_says_so_each_time_and_in_the_result() -> None:
    times = table({("A", "A"): 3.0})
    people, acts = pd.Series({"A": 1000.0}), pd.Series({"A": 5000.0})
    with pytest.warns(TerritoryWarning, match="drees_2015 » : paliers non vérifiés") as caught:
        got = apl(times, people, acts, profile="drees_2015")
    assert caught[0].filename == __file__
    assert got["A"] == 5.0
    assert got.attrs["is_verified"] is False
    own = AplProfile("essai", 2030, stepped({20: 1.0}), "table de l'agence")
    assert apl(times, people, acts, profile=own).attrs["source"] == "table de l'agence"


def test_there_is_no_default_profile_and_an_unknown_one_is_an_error() -> None:
    times = table({("A", "A"): 3.0})
    people, acts = pd.Series({"A": 1000.0}), pd.Series({"A": 5000.0})
    with pytest.raises(TypeError):
        apl(times, people, acts)  # type: ignore[call-arg]
    with pytest.raises(
        ParameterError, match="« drees_2025 » inconnu : choisissez parmi drees_2012, drees_2015"
    ):
        apl(times, people, acts, profile="drees_2025")


def test_headcounts_never_bear_the_name_of_the_apl() -> None:
    times = table({("A", "A"): 3.0, ("B", "A"): 9.0})
    got = gp_headcount_access(
        times, pd.Series({"A": 1000.0, "B": 1000.0}), pd.Series({"A": 2.6}), profile="drees_2012"
    )
    assert got.name == "accessibilité aux généralistes (effectifs)"
    np.testing.assert_allclose(got, [200, 60])


@given(
    rows=st.lists(
        st.tuples(st.floats(0, 9), st.integers(0, 50), st.sampled_from("xyz")), min_size=1, max_size=8
    )
)
def test_mean_by_zone_equals_the_oracle(rows: list) -> None:
    names = [f"C{n}" for n in range(len(rows))]
    values, people, zone = (dict(zip(names, column, strict=True)) for column in zip(*rows, strict=True))
    got = mean_by(pd.Series(values), pd.Series(people, dtype=float), pd.Series(zone))
    expected = oracles.mean_by(values, people, zone)
    assert list(got.index) == list(expected)
    np.testing.assert_allclose(got, list(expected.values()))


def test_mean_by_zone_with_unknowns() -> None:
    values = pd.Series({"A": math.nan, "B": 2.0, "C": math.nan, "D": 4.0})
    people = pd.Series({"A": 10.0, "B": 10.0, "C": 0.0, "D": 5.0})
    got = mean_by(values, people, pd.Series({"A": "x", "B": "x", "C": "y", "D": "y"}))
    assert math.isnan(got["x"])
    assert got["y"] == 4.0
    with pytest.warns(TerritoryWarning, match=r"1 commune sans zone laissée de côté \(D\)"):
        mean_by(values, people, pd.Series({"A": "x", "B": "x", "C": "y"}))
    with pytest.raises(ParameterError, match=r"1 commune sans population \(D\)"):
        mean_by(values, people.drop("D"), pd.Series({"A": "x"}))
    with pytest.raises(ParameterError, match="groups : 1 code en double"):
        mean_by(values, people, pd.Series(["x", "y"], index=["A", "A"]))
