"""Where to open sites for the shortest mean time, or for the shortest worst time."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np
import pandas as pd

from territory.access.pairs import Floats
from territory.planning.siting.formulations import (
    closest_among,
    cover_choice,
    mean_minutes,
    median_choice,
    shares_of,
    worst_minutes,
)
from territory.planning.siting.median_search import Choice
from territory.planning.siting.problem import SitingProblem, SitingQuestion
from territory.planning.siting.result import SitingResult, check_choice, make_result

__all__ = ["p_center", "p_median"]


def p_median(
    travel_times: pd.DataFrame,
    demand: pd.Series[float],
    candidates: Iterable[str],
    *,
    p: int,
    fixed: Iterable[str] = (),
    capacity: pd.Series[float] | None = None,
    worst_time_max_min: float | None = None,
    costs: pd.Series[float] | None = None,
    budget: float | None = None,
    time_limit_s: float = 60.0,
    mip_gap: float = 0.0,
) -> SitingResult:
    """Open at most p sites so that the mean time of a person to their site is the shortest.

    Parameters
    ----------
    travel_times
        Columns from_id, to_id, travel_time_min (min), one row per pair. An absent pair is out of reach or over
        the cutoff (attribute cutoff_min); NaN = unknown: the pair is not used, with a warning.
    demand
        Persons by origin, indexed by from_id. All must be known; an origin with 0 person asks for nothing.
    candidates
        Ids (to_id) where a site may open.
    p
        Most sites to open, beyond the existing ones (0 = how things stand); a site that changes nothing is not
        selected.
    fixed
        Ids of the existing sites: open, free, and not counted.
    capacity
        Persons that each candidate and existing site can receive, indexed by to_id; infinite = no limit. The
        persons of one origin may then be shared among sites, and do not all go to the closest. Over 20,000 pairs
        the bound is that of the same problem without capacities: the gap may stay open.
    worst_time_max_min
        Floor for the worst-off: nobody may travel longer than this (min, inclusive); None = no floor.
    costs, budget
        Cost of each candidate (eur), indexed by to_id, and most that may be spent (eur).
    time_limit_s
        Longest search (s); the best answer so far is returned with its gap.
    mip_gap
        Gap at which to stop (share of the objective); 0 = proven optimum.

    Returns
    -------
    SitingResult
        `objective` is the mean time of a person (min).

    Raises
    ------
    ParameterError
        With everything that is wrong in the inputs, or if the time is up before any answer.
    InfeasibleError
        If not everyone can be served; the message says who cannot be reached or how much is missing.

    Warns
    -----
    TerritoryWarning
        With the number of unknown times.

    Notes
    -----
    min sum_i w_i sum_j t_ij x_ij / sum_i w_i with sum_j x_ij = 1, x_ij <= y_j, sum_j y_j <= p. Hakimi (1964),
    Operations Research 12, 450-459; ReVelle and Swain (1970), Geographical Analysis 2, 30-42. Everyone must be
    served: an origin that the table gives no site makes the problem infeasible.

    Examples
    --------
    >>> times = pd.DataFrame({"from_id": ["A", "A", "B", "B"], "to_id": ["S", "T", "S", "T"],
    ...                       "travel_time_min": [5.0, 20.0, 30.0, 10.0]})
    >>> p_median(times, pd.Series({"A": 30, "B": 10}), ["S", "T"], p=1)
    SitingResult(p_median: S; objective 11.25, gap 0.00%, optimal)
    """
    problem = SitingQuestion(
        travel_times, demand, candidates, fixed, capacity, costs, budget, time_limit_s, mip_gap
    ).checked(p=p, worst_time_max_min=worst_time_max_min)
    longest = math.inf if worst_time_max_min is None else worst_time_max_min
    choice = median_choice(problem, longest)
    check_choice(problem, choice, longest)
    shares = shares_of(problem, choice.is_open, longest)
    return make_result(
        problem,
        "p_median",
        choice.is_open,
        objective=mean_minutes(problem, choice.is_open, shares),
        bound=choice.bound,
        shares=shares,
    )


def p_center(
    travel_times: pd.DataFrame,
    demand: pd.Series[float],
    candidates: Iterable[str],
    *,
    p: int,
    fixed: Iterable[str] = (),
    capacity: pd.Series[float] | None = None,
    worst_time_max_min: float | None = None,
    costs: pd.Series[float] | None = None,
    budget: float | None = None,
    time_limit_s: float = 60.0,
    mip_gap: float = 0.0,
) -> SitingResult:
    """Open at most p sites so that the longest time of a person to their site is the shortest.

    Parameters
    ----------
    travel_times, demand, candidates, p, fixed, capacity, costs, budget, time_limit_s, mip_gap
        As for `p_median`.
    worst_time_max_min
        Longest time that would still be accepted (min, inclusive): an error says so when it cannot be held.

    Returns
    -------
    SitingResult
        `objective` is the longest time (min). Among the choices with this longest time, the one with the least
        mean time.

    Raises
    ------
    ParameterError
        With everything that is wrong in the inputs, or if the time is up before any answer.
    InfeasibleError
        If not everyone can be served; the message says who cannot be reached or how much is missing.

    Warns
    -----
    TerritoryWarning
        With the number of unknown times.

    Notes
    -----
    min T such that p sites cover everyone within T, by bisection on the times of the table, each step being a
    set cover. Minieka (1970), SIAM Review 12, 138-139. The weights of the demand do not matter here.

    Examples
    --------
    >>> times = pd.DataFrame({"from_id": ["A", "A", "B", "B"], "to_id": ["S", "T", "S", "T"],
    ...                       "travel_time_min": [5.0, 20.0, 30.0, 10.0]})
    >>> p_center(times, pd.Series({"A": 30, "B": 10}), ["S", "T"], p=1)
    SitingResult(p_center: T; objective 20, gap 0.00%, optimal)
    """
    problem = SitingQuestion(
        travel_times, demand, candidates, fixed, capacity, costs, budget, time_limit_s, mip_gap
    ).checked(p=p, worst_time_max_min=worst_time_max_min)
    longest = math.inf if worst_time_max_min is None else worst_time_max_min
    choice = worst_choice(problem, longest)
    closer = closest_among(problem, choice, choice.value)
    shares = shares_of(problem, closer.is_open, choice.value)
    # when the gap is left open, the second criterion may also shorten the first
    worst = min(choice.value, worst_minutes(problem, closer.is_open, shares))
    return make_result(
        problem, "p_center", closer.is_open, objective=worst, bound=choice.bound, shares=shares
    )


def worst_choice(problem: SitingProblem, longest_min: float) -> Choice:
    """Return a choice with the shortest longest time (its value, min) by bisection; raise if there is none."""
    asking = problem.minutes[problem.is_asking]
    usable = np.where(asking <= longest_min, asking, np.inf)
    nobody = np.zeros(problem.always.size)
    choice = cover_choice(problem, longest_min, cost=nobody, any_solution=True)
    check_choice(problem, choice, longest_min)
    times = np.unique(usable[np.isfinite(usable)])
    # nobody can do better than their own closest candidate
    low = int(np.searchsorted(times, usable.min(axis=1).max()))
    high = _reached(problem, times, choice)
    while low < high and not problem.search.is_enough(times[high], times[low]):
        middle = (low + high) // 2
        tried = cover_choice(problem, float(times[middle]), cost=nobody, any_solution=True)
        if tried.is_infeasible:
            low = middle + 1
        elif math.isfinite(tried.value):
            choice, high = tried, min(middle, _reached(problem, times, tried))
        else:
            # the time is up
            break
    return Choice(choice.is_open, float(times[high]), float(times[low]))


def _reached(problem: SitingProblem, times: Floats, choice: Choice) -> int:
    """Return the rank of the longest time that a choice really needs."""
    if problem.capacity is not None:
        return len(times) - 1
    return int(np.searchsorted(times, worst_minutes(problem, choice.is_open, None)))
