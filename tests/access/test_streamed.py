"""Measures part by part are those of the whole table, bit for bit, however it is cut."""

from __future__ import annotations

import math
import random
import warnings
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from territory import access
from territory.access import decay, streamed
from territory.errors import ParameterError, TerritoryWarning, UnknownCodeError
from tests.access.oracles import Times
from tests.access.worlds import table, worlds

CUTS = st.integers(1, 5)
DECAYS = (decay.binary(30), decay.gaussian(17), decay.stepped({10: 1.0, 30: 0.3, 45: 0.1}))


def _parts(times: Times, cuts: int, seed: int, *, as_categories: bool = False) -> list[streamed.Part]:
    """The rows of a table in random order, cut by origin, some parts as functions that give them."""
    shuffler = random.Random(seed)
    rows = list(times.items())
    shuffler.shuffle(rows)
    place = {origin: shuffler.randrange(cuts) for origin, _ in times}
    parts: list[streamed.Part] = []
    for number in range(cuts):
        part = table(dict(row for row in rows if place[row[0][0]] == number))
        if as_categories:
            part = part.astype({"from_id": "category", "to_id": "category"})
        parts.append(part if number % 2 else partial(pd.DataFrame.copy, part))
    return parts


@pytest.mark.parametrize("method", ["2sfca", "e2sfca", "m2sfca", "3sfca", "bfca"])
@given(worlds(unknown=True), CUTS, st.integers(0, 99), st.sampled_from(DECAYS), st.booleans())
def test_catchment_is_that_of_the_whole_table(
    method: str, world: tuple, cuts: int, seed: int, weight: decay.Decay, as_categories: bool
) -> None:
    times, demand, supply = world
    people, places = pd.Series(demand) / 7, pd.Series(supply) / 3
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", TerritoryWarning)
        whole = access.floating_catchment_area(table(times), people, places, decay=weight, method=method)
        found = streamed.floating_catchment_area(
            _parts(times, cuts, seed, as_categories=as_categories),
            people,
            places,
            decay=weight,
            method=method,
        )
    pd.testing.assert_series_equal(found, whole, check_exact=True, check_names=False)
    # a part may hold no graded weight where the whole table does, and none of them may be in reach
    assert {found.name, whole.name} <= {method, "e2sfca"}


@given(worlds(unknown=True), CUTS, st.integers(0, 99), st.integers(1, 3), st.booleans())
def test_closest_and_coverage_are_those_of_the_whole_table(
    world: tuple, cuts: int, seed: int, k: int, as_categories: bool
) -> None:
    times, demand, _ = world
    people = pd.Series(demand)
    parts = _parts(times, cuts, seed, as_categories=as_categories)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", TerritoryWarning)
        closest = access.time_to_closest(table(times), people.index, k=k)
        pd.testing.assert_frame_equal(
            streamed.time_to_closest(parts, people.index, k=k), closest, check_exact=True
        )
        within = access.coverage(table(times), people, thresholds_min=(15, 40))
        pd.testing.assert_frame_equal(streamed.coverage(parts, people, thresholds_min=(15, 40)), within)


def test_apl_and_one_service_through_the_threads_of_a_pool() -> None:
    rng = np.random.default_rng(5)
    origins, sites = [f"C{n:02}" for n in range(60)], [f"S{n:02}" for n in range(30)]
    times = {(o, s): float(rng.integers(0, 40)) / 2 for o in origins for s in sites if rng.random() < 0.4}
    people = pd.Series(rng.uniform(50, 9e4, len(origins)), index=origins)
    acts = pd.Series(rng.uniform(1e3, 6e3, len(sites)), index=sites)
    whole = table(times)
    mine = whole[whole["to_id"].isin(sites[:11])]
    with ThreadPoolExecutor(3) as pool:
        parts = _parts(times, 7, 0)
        found = streamed.apl(parts, people, acts, profile="drees_2012", mapper=pool.map)
        near = streamed.time_to_closest(streamed.sites_only(parts, sites[:11]), origins, mapper=pool.map)
    expected = access.apl(whole, people, acts, profile="drees_2012")
    pd.testing.assert_series_equal(found, expected, check_exact=True)
    assert found.attrs == expected.attrs
    pd.testing.assert_frame_equal(near, access.time_to_closest(mine, origins))


def test_an_origin_in_two_parts_and_codes_that_match_nothing_are_refused() -> None:
    one = table({("A", "S"): 1.0, ("B", "S"): 2.0})
    two = table({("B", "T"): 3.0})
    people, places = pd.Series({"A": 1.0, "B": 2.0}), pd.Series({"S": 1.0, "T": 1.0})
    with pytest.raises(ParameterError, match="dans deux parties"):
        streamed.floating_catchment_area([one, two], people, places, decay=decay.binary(30))
    with pytest.raises(ParameterError, match="dans deux parties"):
        streamed.time_to_closest([one, two], people.index)
    with pytest.raises(UnknownCodeError, match="Aucune des 2 origines"):
        streamed.coverage([one], people.set_axis(["X", "Y"]))
    with pytest.raises(ParameterError, match="Méthode"):
        streamed.floating_catchment_area([one], people, places, decay=decay.binary(30), method="4sfca")


def test_an_origin_that_no_part_names_is_out_of_reach() -> None:
    parts = [table({("A", "S"): 10.0})]
    people, places = pd.Series({"B": 5.0, "A": 2.0}), pd.Series({"S": 1.0})
    closest = streamed.time_to_closest(parts, people.index)
    assert closest["is_reachable"].tolist() == [False, True]
    assert math.isnan(closest["time_1_min"]["B"])
    access_of = streamed.floating_catchment_area(parts, people, places, decay=decay.binary(30))
    assert access_of.to_dict() == {"B": 0.0, "A": 0.5}


def test_what_is_unknown_or_lost_is_said_once() -> None:
    parts = [table({("A", "S"): float("nan")}), table({("B", "S"): float("nan"), ("B", "T"): 50.0})]
    people, places = pd.Series({"A": 5.0, "B": 2.0}), pd.Series({"S": 1.0, "T": 4.0})
    with pytest.warns(TerritoryWarning) as said:
        streamed.time_to_closest(parts, people.index)
    assert [str(one.message)[:30] for one in said] == ["2 temps inconnus, pour 2 origi"]
    with pytest.warns(TerritoryWarning) as said:
        streamed.floating_catchment_area(parts, people, places, decay=decay.binary(30))
    assert len(said) == 2
    assert "sans aucune demande à portée" in str(said[0].message)
    assert "2 temps" in str(said[1].message)
    # at the line of whoever called
    assert {one.filename for one in said} == {__file__}
