from __future__ import annotations

import math

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from territory.errors import ParameterError
from territory.planning import alternatives, p_center, p_median, trade_off
from tests.planning import oracles_siting as oracle
from tests.planning.worlds import table, worlds


@given(world=worlds(holes=False), p=st.integers(1, 3), n_fixed=st.integers(0, 1))
def test_the_curve_is_that_of_all_choices(world: tuple, p: int, n_fixed: int) -> None:
    times, demand, sites = world
    fixed = sites[:n_fixed]
    p = min(p, len(sites) - n_fixed)
    choices = [
        (oracle.mean(times, demand, opened), oracle.worst(times, demand, opened))
        for _, opened in oracle.sets(sites, fixed, p)
        if opened
    ]
    tidy = {(round(mean, 6), worst) for mean, worst in choices}
    front = {
        point
        for point in tidy
        if not any(other != point and other[0] <= point[0] and other[1] <= point[1] for other in tidy)
    }
    curve = trade_off(table(times), pd.Series(demand), sites, p=p, fixed=fixed)
    got = [(round(a, 6), b) for a, b in zip(curve["mean_time_min"], curve["worst_time_min"], strict=True)]
    assert got == sorted(front)
    assert curve.attrs["is_complete"]
    assert set(curve["status"]) == {"optimal"}


@given(world=worlds(holes=False), p=st.integers(1, 3), step=st.sampled_from([7.0, 15.0]))
def test_a_step_keeps_both_ends(world: tuple, p: int, step: float) -> None:
    times, demand, sites = world
    p = min(p, len(sites))
    arguments = (table(times), pd.Series(demand), sites)
    curve = trade_off(*arguments, p=p, step_min=step)
    assert curve["mean_time_min"].iloc[0] == pytest.approx(p_median(*arguments, p=p).objective)
    assert curve["worst_time_min"].iloc[-1] == p_center(*arguments, p=p).objective


def test_a_step_must_be_a_number() -> None:
    with pytest.raises(ParameterError, match="step_min"):
        trade_off(table({("A", "S"): 1}), pd.Series({"A": 1.0}), ["S"], p=1, step_min=math.nan)


@given(world=worlds(), n_fixed=st.integers(0, 1), criterion=st.sampled_from(["mean", "worst", "covered"]))
def test_alternatives_are_the_best_single_swaps(world: tuple, n_fixed: int, criterion: str) -> None:
    times, demand, sites = world
    fixed, selected = sites[:n_fixed], sites[n_fixed : n_fixed + 2]
    got = alternatives(
        table(times),
        pd.Series(demand),
        sites,
        selected=selected,
        fixed=fixed,
        max_time_min=20,
        criterion=criterion,
    )
    assert set(got.index) == {"choice", *sites} - set(selected) - set(fixed)

    def figures(opened: set[str]) -> tuple[float, float, float, float]:
        found = {o: t for o, t in oracle.closest(times, demand, opened).items() if math.isfinite(t)}
        reached = sum(demand[o] for o in found)
        mean = sum(demand[o] * t for o, t in found.items()) / reached if reached else math.nan
        covered = oracle.covered(times, demand, opened, 20)
        return sum(demand.values()) - reached, mean, max(found.values(), default=math.nan), covered

    for site in set(got.index) - {"choice"}:
        swaps = [figures({*selected, *fixed, site} - {out}) for out in selected]
        row = got.loc[site]
        if criterion == "covered":
            assert row["covered"] == pytest.approx(max(swap[3] for swap in swaps))
        else:
            rank = 1 if criterion == "mean" else 2
            best = min(swaps, key=lambda swap: (round(swap[0], 6), swap[rank]))
            assert row["unreached"] == pytest.approx(best[0])
            measure = "mean_time_min" if criterion == "mean" else "worst_time_min"
            assert row[measure] == pytest.approx(best[rank], nan_ok=True)


def test_why_not_this_one_reads_from_the_table() -> None:
    times = table({("A", "S"): 5, ("A", "T"): 20, ("B", "S"): 30, ("B", "T"): 10})
    persons = pd.Series({"A": 30.0, "B": 10.0})
    got = alternatives(times, persons, ["S", "T"], selected=["S"], max_time_min=20)
    assert got.loc["T", ["delta_mean_time_min", "delta_worst_time_min", "covered"]].tolist() == [
        6.25,
        -10,
        40,
    ]
    with pytest.raises(ParameterError, match=r"hors des candidats \(Z\)"):
        alternatives(times, persons, ["S", "T"], selected=["Z"])
    with pytest.raises(ParameterError, match="covered"):
        alternatives(times, persons, ["S", "T"], selected=["S"], criterion="covered")
