"""Candidates in place of the choice, and which differences can be told."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from territory.errors import ParameterError
from territory.network import difference_uncertainty_min
from territory.planning import p_median, rank_candidates
from tests.planning import oracles_siting as oracle
from tests.planning.worlds import table, worlds

PERSONS = pd.Series({"A": 100.0, "B": 50.0, "C": 10.0})
MINUTES = {"S": [10.0, 20.0, 70.0], "T": [14.0, 21.0, 40.0], "U": [60.0, 55.0, 5.0]}
BETWEEN = {("S", "T"): 5.0, ("S", "U"): 60.0, ("T", "U"): 45.0}


def times(minutes: dict[str, list[float]] = MINUTES) -> pd.DataFrame:
    rows = [
        (origin, site, time)
        for site, column in minutes.items()
        for origin, time in zip(PERSONS.index, column, strict=True)
        if np.isfinite(time)
    ]
    return pd.DataFrame(rows, columns=["from_id", "to_id", "travel_time_min"])


def between() -> pd.DataFrame:
    rows = [(a, b, time) for (a, b), time in BETWEEN.items()]
    return pd.DataFrame(rows, columns=["from_id", "to_id", "travel_time_min"])


def test_figures_of_each_candidate_by_hand() -> None:
    table = rank_candidates(times(), between(), PERSONS, list(MINUTES), selected=["S"], beyond_min=(30, 60))
    assert list(table.index) == ["S", "T", "U"]
    assert table["rank"].tolist() == [1, 2, 3]
    assert table["is_selected"].tolist() == [True, False, False]
    means = [(1000 + 1000 + 700) / 160, (1400 + 1050 + 400) / 160, (6000 + 2750 + 50) / 160]
    assert table["mean_time_min"].tolist() == pytest.approx(means)
    assert table["worst_time_min"].tolist() == [70.0, 40.0, 60.0]
    assert table["worst_from_id"].tolist() == ["C", "C", "A"]
    assert table["persons_beyond_30_min"].tolist() == [10.0, 10.0, 150.0]
    # at the limit is not beyond it
    assert table["persons_beyond_60_min"].tolist() == [10.0, 0.0, 0.0]
    doubt = difference_uncertainty_min(MINUTES["S"], MINUTES["T"], 5.0)
    assert table.loc["T", "detectable_mean_min"] == pytest.approx(np.average(doubt, weights=PERSONS))
    assert table["is_distinguishable"].tolist() == [False, False, True]


def test_with_an_existing_site_and_for_the_worst() -> None:
    table = rank_candidates(
        times(), between(), PERSONS, ["S", "T"], selected=["S"], fixed=["U"], criterion="worst"
    )
    assert list(table.index) == ["S", "T"]
    assert table["worst_time_min"].tolist() == [20.0, 21.0]
    assert not table["is_distinguishable"].any()


def test_persons_without_a_site_are_told() -> None:
    minutes = MINUTES | {"T": [14.0, 21.0, np.inf]}
    table = rank_candidates(times(minutes), between(), PERSONS, ["S", "T"], selected=["S"])
    assert table.loc["T", "persons_unreached"] == 10.0
    # the doubt is that on those whom both reach
    doubt = difference_uncertainty_min(MINUTES["S"][:2], MINUTES["T"][:2], 5.0)
    assert table.loc["T", "detectable_mean_min"] == pytest.approx(np.average(doubt, weights=[100, 50]))
    assert table.loc["T", "is_distinguishable"]


def test_a_choice_that_is_no_candidate_is_refused() -> None:
    with pytest.raises(ParameterError, match="hors des candidats"):
        rank_candidates(times(), between(), PERSONS, ["S", "T"], selected=["U"])
    with pytest.raises(ParameterError, match="covered"):
        rank_candidates(times(), between(), PERSONS, ["S", "T"], selected=["S"], criterion="covered")


@given(world=worlds(), n_fixed=st.integers(0, 1), criterion=st.sampled_from(["mean", "worst", "covered"]))
def test_candidates_are_the_best_single_swaps(world: tuple, n_fixed: int, criterion: str) -> None:
    times, demand, sites = world
    fixed, selected = sites[:n_fixed], sites[n_fixed : n_fixed + 2]
    got = rank_candidates(
        table(times),
        between(),
        pd.Series(demand),
        sites,
        selected=selected,
        fixed=fixed,
        max_time_min=20,
        beyond_min=(20,),
        criterion=criterion,
    )
    assert list(got.index[: len(selected)]) == selected
    assert set(got.index) == set(sites) - set(fixed)

    def figures(opened: set[str]) -> tuple[float, float, float, float]:
        found = {o: t for o, t in oracle.closest(times, demand, opened).items() if math.isfinite(t)}
        reached = sum(demand[o] for o in found)
        mean = sum(demand[o] * t for o, t in found.items()) / reached if reached else math.nan
        covered = oracle.covered(times, demand, opened, 20)
        return sum(demand.values()) - reached, mean, max(found.values(), default=math.nan), covered

    for site in set(got.index) - set(selected):
        swaps = [figures({*selected, *fixed, site} - {out}) for out in selected]
        row = got.loc[site]
        if criterion == "covered":
            assert sum(demand.values()) - row["persons_beyond_20_min"] == pytest.approx(
                max(swap[3] for swap in swaps)
            )
        else:
            rank = 1 if criterion == "mean" else 2
            best = min(swaps, key=lambda swap: (round(swap[0], 6), swap[rank]))
            assert row["persons_unreached"] == pytest.approx(best[0])
            measure = "mean_time_min" if criterion == "mean" else "worst_time_min"
            assert row[measure] == pytest.approx(best[rank], nan_ok=True)


@given(
    st.lists(st.lists(st.integers(1, 90), min_size=4, max_size=4), min_size=3, max_size=6), st.integers(0, 9)
)
def test_nobody_beats_the_optimum_and_rows_do_not_matter(columns: list[list[int]], seed: int) -> None:
    sites = [f"s{number}" for number in range(len(columns))]
    persons = pd.Series([3.0, 1.0, 7.0, 2.0], index=list("wxyz"))
    rows = [
        (origin, site, float(time))
        for site, column in zip(sites, columns, strict=True)
        for origin, time in zip(persons.index, column, strict=True)
    ]
    table = pd.DataFrame(rows, columns=["from_id", "to_id", "travel_time_min"])
    apart = pd.DataFrame(columns=["from_id", "to_id", "travel_time_min"]).astype({"travel_time_min": float})
    best = p_median(table, persons, sites, p=1)
    ranked = rank_candidates(table, apart, persons, sites, selected=best.selected)
    assert ranked["mean_time_min"].is_monotonic_increasing
    assert ranked["mean_time_min"].iloc[0] == pytest.approx(best.objective)
    assert (ranked["delta_mean_time_min"] >= -1e-9).all()
    other = rank_candidates(
        table.sample(frac=1, random_state=seed),
        apart,
        persons.iloc[::-1],
        sites[::-1],
        selected=best.selected,
    )
    pd.testing.assert_frame_equal(ranked.drop(columns="worst_from_id"), other.drop(columns="worst_from_id"))
