"""Where to open sites so that everyone is within a time, or as many persons as possible.

The siting functions share their conventions. Existing sites (`fixed`) stay open and do not count in `p`. An origin
without persons asks for nothing. A pair that is absent from the table, or whose time is unknown, cannot be used.
Equal choices are settled by the order of the ids, never by the order of the rows.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import pandas as pd

from territory.planning.siting.formulations import (
    Sharing,
    choose_shared,
    closest_among,
    cover_choice,
    cover_most,
    shares_of,
)
from territory.planning.siting.median_search import Choice
from territory.planning.siting.problem import SitingProblem, SitingQuestion
from territory.planning.siting.result import SitingResult, check_choice, make_result

__all__ = ["maximal_coverage", "set_cover"]


def set_cover(
    travel_times: pd.DataFrame,
    demand: pd.Series[float],
    candidates: Iterable[str],
    *,
    max_time_min: float,
    fixed: Iterable[str] = (),
    capacity: pd.Series[float] | None = None,
    costs: pd.Series[float] | None = None,
    budget: float | None = None,
    time_limit_s: float = 60.0,
    mip_gap: float = 0.0,
) -> SitingResult:
    """Find the fewest sites to open, or the cheapest, so that everyone is within a time of one.

    Parameters
    ----------
    travel_times
        Columns from_id, to_id, travel_time_min (min), one row per pair. An absent pair is out of reach or over
        the cutoff (attribute cutoff_min); NaN = unknown: the pair is not used, with a warning.
    demand
        Persons by origin, indexed by from_id. All must be known; an origin with 0 person asks for nothing.
    candidates
        Ids (to_id) where a site may open.
    max_time_min
        Longest time accepted for everyone (min, inclusive).
    fixed
        Ids of the existing sites: open, free, and not counted.
    capacity
        Persons that each candidate and existing site can receive, indexed by to_id; infinite = no limit. The
        persons of one origin may then be shared among sites.
    costs
        Cost of opening each candidate (eur), indexed by to_id: the total cost is minimised instead of the number.
    budget
        Most that may be spent (eur).
    time_limit_s
        Longest search (s); the best answer so far is returned with its gap.
    mip_gap
        Gap at which to stop (share of the objective); 0 = proven optimum.

    Returns
    -------
    SitingResult
        `objective` is the number of sites to open, or their cost. Among equal numbers or costs, and without
        capacities, the choice with the least mean time.

    Raises
    ------
    ParameterError
        With everything that is wrong in the inputs, or if the time is up before any answer.
    InfeasibleError
        If it cannot be done; the message says who cannot be reached or how much is missing.

    Warns
    -----
    TerritoryWarning
        With the number of unknown times.

    Notes
    -----
    min sum_j c_j y_j with sum_{j: t_ij <= T} y_j >= 1 for each i. Toregas, Swain, ReVelle and Bergman (1971),
    Operations Research 19, 1363-1373.

    Examples
    --------
    >>> times = pd.DataFrame({"from_id": ["A", "B", "B", "C"], "to_id": ["S", "S", "T", "T"],
    ...                       "travel_time_min": [10.0, 25.0, 5.0, 20.0]})
    >>> set_cover(times, pd.Series({"A": 10, "B": 20, "C": 5}), ["S", "T"], max_time_min=30).selected
    ['S', 'T']
    """
    problem = SitingQuestion(
        travel_times, demand, candidates, fixed, capacity, costs, budget, time_limit_s, mip_gap
    ).checked(max_time_min=max_time_min)
    cost = problem.price if problem.has_costs else np.ones(len(problem.to_ids))
    choice = cover_choice(problem, max_time_min, cost=cost)
    check_choice(problem, choice, max_time_min)
    # a number of sites is a whole number
    bound = choice.bound if problem.has_costs else math.ceil(choice.bound - 1e-6)
    opened = choice.is_open & ~problem.always
    least = float(cost[opened].sum())
    if problem.capacity is None:
        spend = least if problem.has_costs else problem.budget
        equal = replace(problem, p=int(opened.sum()), budget=spend)
        choice = closest_among(equal, choice, max_time_min)
    return make_result(
        problem,
        "set_cover_cost" if problem.has_costs else "set_cover",
        choice.is_open,
        objective=least,
        bound=bound,
        longest_min=max_time_min,
        shares=shares_of(problem, choice.is_open, max_time_min),
    )


def maximal_coverage(
    travel_times: pd.DataFrame,
    demand: pd.Series[float],
    candidates: Iterable[str],
    *,
    p: int,
    max_time_min: float,
    fixed: Iterable[str] = (),
    capacity: pd.Series[float] | None = None,
    worst_time_max_min: float | None = None,
    costs: pd.Series[float] | None = None,
    budget: float | None = None,
    time_limit_s: float = 60.0,
    mip_gap: float = 0.0,
) -> SitingResult:
    """Open at most p sites so that as many persons as possible are within a time of one.

    Parameters
    ----------
    travel_times, demand, candidates, fixed, capacity, time_limit_s, mip_gap
        As for `set_cover`.
    p
        Most sites to open, beyond the existing ones; a site that covers nobody more is not selected.
    max_time_min
        Time within which a person is covered (min, inclusive).
    worst_time_max_min
        Floor for the worst-off: nobody may be further than this (min, inclusive); None = no floor.
    costs, budget
        Cost of each candidate (eur) and most that may be spent (eur).

    Returns
    -------
    SitingResult
        `objective` is the number of persons covered, `uncovered` those who are not. Without capacities an origin
        that is not covered is still told its closest open site.

    Raises
    ------
    ParameterError
        With everything that is wrong in the inputs, or if the time is up before any answer.
    InfeasibleError
        If the floor cannot be held.

    Warns
    -----
    TerritoryWarning
        With the number of unknown times.

    Notes
    -----
    max sum_i w_i z_i with z_i <= sum_{j: t_ij <= T} y_j and sum_j y_j <= p. Church and ReVelle (1974), Papers of
    the Regional Science Association 32, 101-118.

    Examples
    --------
    >>> times = pd.DataFrame({"from_id": ["A", "B", "B", "C"], "to_id": ["S", "S", "T", "T"],
    ...                       "travel_time_min": [10.0, 25.0, 5.0, 20.0]})
    >>> best = maximal_coverage(times, pd.Series({"A": 10, "B": 20, "C": 5}), ["S", "T"], p=1, max_time_min=30)
    >>> best.selected, best.objective
    (['S'], 30.0)
    """
    problem = SitingQuestion(
        travel_times, demand, candidates, fixed, capacity, costs, budget, time_limit_s, mip_gap
    ).checked(p=p, max_time_min=max_time_min, worst_time_max_min=worst_time_max_min)
    floor = math.inf if worst_time_max_min is None else worst_time_max_min
    if problem.capacity is None:
        choice = _most(problem, max_time_min, floor)
    else:
        choice = _most_shared(problem, max_time_min, floor)
    check_choice(problem, choice, floor)
    shares = None
    if problem.capacity is not None:
        longest = floor if math.isfinite(floor) else max_time_min
        shares = shares_of(
            problem, choice.is_open, longest, serve_all=math.isfinite(floor), covered_min=max_time_min
        )
    return make_result(
        problem,
        "maximal_coverage",
        choice.is_open,
        objective=-choice.value,
        bound=-choice.bound,
        longest_min=max_time_min,
        shares=shares,
    )


def _most(problem: SitingProblem, max_time_min: float, floor: float) -> Choice:
    """Return the choice that covers most persons, without capacities."""
    asking = problem.is_asking
    must = problem.within(floor)[asking] if math.isfinite(floor) else None
    return cover_most(problem, problem.within(max_time_min)[asking], must)


def _most_shared(problem: SitingProblem, max_time_min: float, floor: float) -> Choice:
    """Return the choice that covers most persons under capacities; its value is minus the persons."""
    has_floor = math.isfinite(floor)
    sharing = Sharing.of(problem, problem.within(floor if has_floor else max_time_min))
    choice = choose_shared(
        problem,
        sharing,
        pair_cost=-(sharing.minutes <= max_time_min).astype(np.float64),
        site_cost=np.zeros(problem.always.size),
        serve_all=has_floor,
    )
    return Choice(
        choice.is_open, choice.value * problem.total, choice.bound * problem.total, choice.is_infeasible
    )
