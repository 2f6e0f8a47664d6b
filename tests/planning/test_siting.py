from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from territory.errors import InfeasibleError, ParameterError
from territory.planning import SitingResult, maximal_coverage, p_center, p_median, set_cover
from territory.planning.siting.problem import read_problem
from tests.planning import oracles_siting as oracle
from tests.planning.worlds import table, worlds

few = settings(deadline=None)


def test_existing_sites_alone_can_be_asked_about_and_no_site_at_all_is_refused() -> None:
    times, persons = table({("A", "S"): 10.0, ("A", "T"): 20.0}), pd.Series({"A": 4.0})
    alone = read_problem(times, persons, [], fixed=["T", "S"])
    assert (list(alone.to_ids), alone.always.tolist(), alone.p) == (["S", "T"], [True, True], 0)
    chosen = read_problem(times, persons, ["T", "S"])
    assert (chosen.always.tolist(), chosen.p) == ([False, False], 2)
    with pytest.raises(ParameterError, match="aucun candidat : donnez au moins un site"):
        read_problem(times, persons, [])
    # what is wrong with the candidates is said instead
    with pytest.raises(ParameterError) as refused:
        read_problem(times, persons, ["S", "S"])
    assert "Candidats" in str(refused.value)
    assert "aucun candidat" not in str(refused.value)


def outcome(function, *arguments, **options) -> SitingResult | None:
    """The result, or None when the problem has no solution."""
    try:
        return function(*arguments, **options)
    except InfeasibleError:
        return None


@few
@given(world=worlds(), p=st.integers(0, 4), n_fixed=st.integers(0, 2), floor=st.sampled_from([None, 20, 40]))
def test_p_median_equals_brute_force(world: tuple, p: int, n_fixed: int, floor: float | None) -> None:
    times, demand, sites = world
    fixed = sites[:n_fixed]
    p = min(p, len(sites) - n_fixed) or (not fixed)
    limit = floor or math.inf
    expected = oracle.best(
        oracle.mean(times, demand, opened)
        for _, opened in oracle.sets(sites, fixed, p)
        if oracle.worst(times, demand, opened) <= limit
    )
    got = outcome(
        p_median, table(times), pd.Series(demand), sites, p=int(p), fixed=fixed, worst_time_max_min=floor
    )
    if math.isinf(expected):
        assert got is None
        return
    assert got is not None
    assert got.status == "optimal"
    assert got.objective == pytest.approx(expected)
    assert len(got.selected) <= p
    assert oracle.mean(times, demand, set(got.selected) | set(fixed)) == pytest.approx(expected)
    assert got.mean_time_min == pytest.approx(expected)
    assert got.bound <= got.objective


@few
@given(world=worlds(), p=st.integers(1, 4), n_fixed=st.integers(0, 2))
def test_p_center_equals_brute_force_then_takes_the_least_mean(world: tuple, p: int, n_fixed: int) -> None:
    times, demand, sites = world
    fixed = sites[:n_fixed]
    p = min(p, len(sites) - n_fixed) or (not fixed)
    choices = [opened for _, opened in oracle.sets(sites, fixed, p)]
    expected = oracle.best(oracle.worst(times, demand, opened) for opened in choices)
    got = outcome(p_center, table(times), pd.Series(demand), sites, p=int(p), fixed=fixed)
    if math.isinf(expected):
        assert got is None
        return
    assert got is not None
    assert (got.objective, got.status) == (expected, "optimal")
    assert got.mean_time_min == pytest.approx(
        oracle.best(
            oracle.mean(times, demand, opened)
            for opened in choices
            if oracle.worst(times, demand, opened) == expected
        )
    )


@few
@given(world=worlds(), limit=st.sampled_from([10, 20, 40]), n_fixed=st.integers(0, 2))
def test_set_cover_equals_brute_force(world: tuple, limit: float, n_fixed: int) -> None:
    times, demand, sites = world
    fixed = sites[:n_fixed]
    choices = [
        (new, opened)
        for new, opened in oracle.sets(sites, fixed, len(sites))
        if opened and oracle.worst(times, demand, opened) <= limit
    ]
    fewest = oracle.best(float(len(new)) for new, _ in choices)
    arguments = (table(times), pd.Series(demand), sites)
    got = outcome(set_cover, *arguments, max_time_min=limit, fixed=fixed)
    if not choices:
        assert got is None
        return
    assert got is not None
    assert (got.objective, len(got.selected), got.status) == (fewest, fewest, "optimal")
    assert got.worst_time_min <= limit
    assert got.mean_time_min == pytest.approx(
        oracle.best(oracle.mean(times, demand, opened) for new, opened in choices if len(new) == fewest)
    )


@few
@given(
    world=worlds(),
    p=st.integers(0, 3),
    n_fixed=st.integers(0, 2),
    limit=st.sampled_from([10, 20]),
    floor=st.sampled_from([None, 30, 50]),
)
def test_maximal_coverage_equals_brute_force(
    world: tuple, p: int, n_fixed: int, limit: float, floor: float | None
) -> None:
    times, demand, sites = world
    fixed = sites[:n_fixed]
    p = min(p, len(sites) - n_fixed) or (not fixed)
    expected = max(
        (
            oracle.covered(times, demand, opened, limit)
            for _, opened in oracle.sets(sites, fixed, p)
            if floor is None or oracle.worst(times, demand, opened) <= floor
        ),
        default=None,
    )
    got = outcome(
        maximal_coverage,
        table(times),
        pd.Series(demand),
        sites,
        p=int(p),
        max_time_min=limit,
        fixed=fixed,
        worst_time_max_min=floor,
    )
    if expected is None:
        assert got is None
        return
    assert got is not None
    assert got.objective == pytest.approx(expected)
    assert got.uncovered.sum() == pytest.approx(sum(demand.values()) - expected)
    assert got.status == "optimal"


@given(
    world=worlds(max_origins=5, max_sites=5),
    p=st.integers(1, 3),
    n_fixed=st.integers(0, 1),
    data=st.data(),
)
def test_capacities_equal_brute_force_with_flows(
    world: tuple, p: int, n_fixed: int, data: st.DataObject
) -> None:
    times, demand, sites = world
    fixed, limit, total = sites[:n_fixed], 30.0, sum(demand.values())
    p = min(p, len(sites) - n_fixed)
    places = {site: float(data.draw(st.integers(0, int(total)))) for site in sites}
    flows = {
        (len(new), frozenset(opened)): (
            oracle.transport(times, demand, places, opened, math.inf),
            oracle.transport(times, demand, places, opened, limit),
        )
        for new, opened in oracle.sets(sites, fixed, len(sites))
        if opened
    }
    arguments = (table(times), pd.Series(demand), sites)
    options = {"fixed": fixed, "capacity": pd.Series(places)}
    few_sites = [answers for (size, _), answers in flows.items() if size <= p]
    median = outcome(p_median, *arguments, p=p, **options)
    expected = oracle.best(spent / total for (served, spent), _ in few_sites if served == total)
    assert (math.inf if median is None else median.objective) == pytest.approx(expected)
    if median is not None:
        used = median.flows.groupby("to_id")["persons"].sum()
        assert (used <= pd.Series(places).reindex(used.index) + 1e-6).all()
        assert median.flows["persons"].sum() == pytest.approx(total)
    cover = maximal_coverage(*arguments, p=p, max_time_min=limit, **options)
    assert cover.objective == pytest.approx(max((served for _, (served, _) in few_sites), default=0.0))
    assert cover.uncovered.sum() == pytest.approx(total - cover.objective, abs=1e-6)
    asking = pd.Series(demand)[lambda persons: persons > 0]
    received = cover.flows.groupby("from_id")["persons"].sum().reindex(asking.index, fill_value=0.0)
    assert (cover.assignment[asking.index].isna() == (received == 0)).all()
    least = outcome(set_cover, *arguments, max_time_min=limit, **options)
    fewest = oracle.best(float(size) for (size, _), (_, (served, _)) in flows.items() if served == total)
    assert (math.inf if least is None else least.objective) == fewest


@given(world=worlds(max_origins=4, max_sites=4), data=st.data())
def test_p_center_under_capacities_equals_brute_force(world: tuple, data: st.DataObject) -> None:
    times, demand, sites = world
    total = sum(demand.values())
    places = {site: float(data.draw(st.integers(0, int(total)))) for site in sites}
    expected = oracle.best(
        limit
        for limit in sorted(set(times.values()))
        for _, opened in oracle.sets(sites, [], 2)
        if opened and oracle.transport(times, demand, places, opened, limit)[0] == total
    )
    got = outcome(p_center, table(times), pd.Series(demand), sites, p=2, capacity=pd.Series(places))
    assert (math.inf if got is None else got.objective) == expected


@few
@given(world=worlds(holes=False), p=st.integers(1, 3), seed=st.integers(0, 99))
def test_no_order_of_rows_changes_the_choice(world: tuple, p: int, seed: int) -> None:
    times, demand, sites = world
    p = min(p, len(sites))
    frame, persons = table(times), pd.Series(demand)
    mixed = frame.sample(frac=1, random_state=seed)
    turned = persons.sample(frac=1, random_state=seed)
    for function, options in (
        (p_median, {"p": p}),
        (p_center, {"p": p}),
        (set_cover, {"max_time_min": 60}),
        (maximal_coverage, {"p": p, "max_time_min": 20}),
    ):
        first = function(frame, persons, sites, **options)
        second = function(mixed, turned, sites[::-1], **options)
        assert first.selected == second.selected
        assert list(second.assignment.index) == list(turned.index)
        pd.testing.assert_series_equal(first.assignment, second.assignment.reindex(persons.index))


@few
@given(world=worlds(holes=False, max_sites=5), p=st.integers(1, 3))
def test_more_sites_or_more_candidates_never_worsen(world: tuple, p: int) -> None:
    times, demand, sites = world
    p = min(p, len(sites) - 1)
    frame, persons = table(times), pd.Series(demand)
    for function, options, sign in (
        (p_median, {}, 1.0),
        (p_center, {}, 1.0),
        (maximal_coverage, {"max_time_min": 20}, -1.0),
    ):
        base = sign * function(frame, persons, sites[:-1], p=p, **options).objective
        more_candidates = sign * function(frame, persons, sites, p=p, **options).objective
        more_sites = sign * function(frame, persons, sites, p=p + 1, **options).objective
        assert more_sites <= more_candidates + 1e-9
        assert more_candidates <= base + 1e-9


def test_no_proof_is_claimed_for_a_large_median_under_capacities() -> None:
    # more pairs than are solved exactly: HiGHS chooses among the sites that look best, which proves nothing
    draw = np.random.default_rng(5)
    homes, places = draw.uniform(0, 60, (150, 2)), draw.uniform(0, 60, (150, 2))
    minutes = np.hypot(*(homes[:, None, :] - places[None, :, :]).transpose(2, 0, 1))
    times = {(f"C{i}", f"S{j}"): float(minutes[i, j]) for i in range(150) for j in range(150)}
    demand = pd.Series({f"C{i}": float(n) for i, n in enumerate(draw.integers(1, 9, 150))})
    sites = [f"S{j}" for j in range(150)]
    # three sites of just over a third of the demand each: who is closest to one may not find room there
    capacity = pd.Series(math.ceil(demand.sum() / 3 * 1.02), index=sites, dtype=float)
    free = p_median(table(times), demand, sites, p=3)
    got = p_median(table(times), demand, sites, p=3, capacity=capacity)
    assert got.objective > free.objective
    assert got.bound <= free.objective * (1 + 1e-9)
    assert got.gap > 0
    assert got.status != "optimal"
