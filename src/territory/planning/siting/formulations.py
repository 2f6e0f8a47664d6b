"""Steps that several siting questions share."""

from __future__ import annotations

import math

import numpy as np

from territory.planning.siting.capacitated import Sharing, choose_shared, share_out
from territory.planning.siting.cover_search import cover_all
from territory.planning.siting.lagrangian import relax
from territory.planning.siting.median_search import Choice, solve_median
from territory.planning.siting.problem import Problem
from territory.planning.solver import Bools, Floats, no_answer

# pairs up to which capacities, and the mean time among equal choices, are solved exactly
_PROVEN_PAIRS = 20_000


def cover_choice(
    problem: Problem, longest_min: float, *, cost: Floats, p: int, any_solution: bool = False
) -> Choice:
    """Return the cheapest choice that serves everyone within a time, with or without capacities."""
    if problem.capacity is None:
        return cover_all(
            problem.within(longest_min)[problem.is_asking],
            problem.always,
            cost=cost,
            p=p,
            price=problem.price,
            budget=problem.budget,
            search=problem.search,
            any_solution=any_solution,
        )
    sharing = Sharing.of(problem, problem.within(longest_min))
    return choose_shared(
        sharing,
        problem.always,
        pair_cost=np.zeros(sharing.origin.size),
        site_cost=cost,
        serve_all=True,
        p=p,
        price=problem.price,
        budget=problem.budget,
        search=problem.search,
        any_solution=any_solution,
    )


def median_choice(problem: Problem, longest_min: float, *, p: int, budget: float) -> Choice:
    """Return the choice with the least mean time (its value, min) that keeps everyone within a time."""
    if problem.capacity is None:
        return solve_median(problem.median(p=p, longest_min=longest_min, budget=budget), problem.search)
    if problem.minutes.size > _PROVEN_PAIRS:
        choice = _large_shared(problem, longest_min, p=p, budget=budget)
        if math.isfinite(choice.value):
            return choice
    return _shared_choice(problem, problem.within(longest_min), p=p, budget=budget)


def _shared_choice(problem: Problem, allowed: Bools, *, p: int, budget: float) -> Choice:
    """Return the choice with the least mean time under capacities, over the pairs allowed."""
    sharing = Sharing.of(problem, allowed)
    return choose_shared(
        sharing,
        problem.always,
        pair_cost=sharing.minutes,
        site_cost=np.zeros(problem.always.size),
        serve_all=True,
        p=p,
        price=problem.price,
        budget=budget,
        search=problem.search,
    )


def _large_shared(problem: Problem, longest_min: float, *, p: int, budget: float) -> Choice:
    """Return a good choice under capacities on a large table, with the bound of the same without capacities.

    HiGHS chooses among the sites that look best when capacities are forgotten; no value if they do not suffice.
    """
    median = problem.median(p=p, longest_min=longest_min, budget=budget)
    relaxed = relax(median, problem.search, problem.always)
    ranked = np.argsort(np.where(relaxed.is_open, -np.inf, relaxed.reduced), kind="stable")
    near = problem.always.copy()
    near[ranked[: 3 * p + 10]] = True
    allowed = problem.within(longest_min) & near
    choice = _shared_choice(problem, allowed, p=p, budget=budget)
    return Choice(choice.is_open, choice.value, min(relaxed.bound, choice.value))


def closest_among(problem: Problem, choice: Choice, longest_min: float, *, p: int, budget: float) -> Choice:
    """Return, among the choices as good as this one, that with the least mean time."""
    if problem.capacity is None:
        # proving the second criterion too would take longer than the first on a large table
        small = problem.minutes.size <= _PROVEN_PAIRS
        median = problem.median(p=p, longest_min=longest_min, budget=budget)
        closer = solve_median(median, problem.search, start=choice.is_open, finish=small)
    else:
        closer = median_choice(problem, longest_min, p=p, budget=budget)
    return closer if math.isfinite(closer.value) else choice


def shares_of(
    problem: Problem,
    is_open: Bools,
    longest_min: float,
    *,
    serve_all: bool = True,
    covered_min: float = math.inf,
) -> Floats | None:
    """Return who goes where under capacities; None without capacities, where everyone goes to the closest."""
    if problem.capacity is None:
        return None
    sharing = Sharing.of(problem, problem.within(longest_min))
    shares = share_out(sharing, is_open, serve_all=serve_all, covered_min=covered_min)
    if shares is None:
        raise no_answer(problem.search)
    return shares


def mean_minutes(problem: Problem, is_open: Bools, shares: Floats | None) -> float:
    """Return the mean time of a person to their site (min)."""
    asking = problem.is_asking
    weights = problem.persons[asking] / problem.total
    minutes = problem.minutes[asking]
    if shares is None:
        return float(weights @ minutes[:, is_open].min(axis=1))
    used = np.where(shares[asking] > 0, minutes, 0.0)
    return float(weights @ (shares[asking] * used).sum(axis=1))


def worst_minutes(problem: Problem, is_open: Bools, shares: Floats | None) -> float:
    """Return the longest time of a person to their site (min)."""
    asking = problem.is_asking
    minutes = problem.minutes[asking]
    if shares is None:
        return float(minutes[:, is_open].min(axis=1).max())
    return float(minutes[shares[asking] > 0].max())
