"""Where to open sites: set cover, maximal coverage, p-median and p-center, from the fewest sites to the fairest times.

The siting functions share their conventions. Existing sites (`fixed`) stay open and do not count in `p`. An origin
without persons asks for nothing. A pair that is absent from the table, or whose time is unknown, cannot be used.
Equal choices are settled by the order of the ids, never by the order of the rows.
"""

import math
from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import pandas as pd

from territory.access.pairs import Floats
from territory.planning.siting import formulations as programmes
from territory.planning.siting.median_search import Choice
from territory.planning.siting.problem import SitingProblem, read_problem
from territory.planning.siting.result import SitingResult, check_choice, make_result


def set_cover(
    travel_times: pd.DataFrame,
    demand: "pd.Series[float]",
    candidates: Iterable[str],
    *,
    max_time_min: float,
    fixed: Iterable[str] = (),
    capacity: "pd.Series[float] | None" = None,
    time_limit_s: float = 60.0,  # pragma: no mutate
    mip_gap: float = 0.0,
) -> SitingResult:
    """Find the fewest sites to open so that everyone is within a time of one.

    min sum_j y_j with sum_{j: t_ij <= T} y_j >= 1 for each i. Toregas, Swain, ReVelle and Bergman (1971), Operations
    Research 19, 1363-1373 (docs/method/implantation.md).

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
        Ids of the existing sites: open, and not counted.
    capacity
        Persons that each candidate and existing site can receive, indexed by to_id; infinite = no limit. The
        persons of one origin may then be shared among sites.
    time_limit_s, mip_gap
        Longest search (s), whose best answer is returned; gap (share of the objective) at which to stop, 0 = optimum.

    Returns
    -------
    SitingResult
        `objective` is the number of sites to open; without capacities, the choice with the least mean time.

    Raises
    ------
    ParameterError
        With everything that is wrong in the inputs, or if the time is up before any answer.
    InfeasibleError
        If it cannot be done; the message says who cannot be reached or how much is missing.

    Examples
    --------
    >>> times = pd.DataFrame({"from_id": ["A", "B", "C"], "to_id": ["S", "S", "T"], "travel_time_min": [9.0, 25, 20]})
    >>> set_cover(times, pd.Series({"A": 10, "B": 20, "C": 5}), ["S", "T"], max_time_min=30).selected
    ['S', 'T']
    """
    given = travel_times, demand, candidates, fixed, capacity, time_limit_s, mip_gap
    problem = read_problem(*given, max_time_min=max_time_min)
    choice = programmes.cover_choice(problem, max_time_min)
    check_choice(problem, choice, max_time_min)
    least = int((choice.is_open & ~problem.always).sum())
    # a number of sites is a whole number
    bound = math.ceil(choice.bound - 1e-6)
    if problem.capacity is None:
        choice = programmes.closest_among(replace(problem, p=least), choice, max_time_min)
    shares = programmes.shares_of(problem, choice.is_open, max_time_min)
    return make_result(problem, "set_cover", choice.is_open, least, bound, shares, longest_min=max_time_min)


def maximal_coverage(
    travel_times: pd.DataFrame,
    demand: "pd.Series[float]",
    candidates: Iterable[str],
    *,
    p: int,
    max_time_min: float,
    fixed: Iterable[str] = (),
    capacity: "pd.Series[float] | None" = None,
    worst_time_max_min: float | None = None,
    time_limit_s: float = 60.0,  # pragma: no mutate
    mip_gap: float = 0.0,
) -> SitingResult:
    """Open at most p sites so that as many persons as possible are within a time of one.

    max sum_i w_i z_i with z_i <= sum_{j: t_ij <= T} y_j and sum_j y_j <= p. Church and ReVelle (1974), Papers of
    the Regional Science Association 32, 101-118.

    Parameters
    ----------
    travel_times, demand, candidates, fixed, capacity, time_limit_s, mip_gap
        As for `set_cover`, whose errors it raises.
    p
        Most sites to open, beyond the existing ones; a site that covers nobody more is not selected.
    max_time_min
        Time within which a person is covered (min, inclusive).
    worst_time_max_min
        Floor for the worst-off: nobody may be further than this (min, inclusive); None = no floor.

    Returns
    -------
    SitingResult
        `objective` is the number of persons covered, `uncovered` those who are not, told their closest open site.

    Examples
    --------
    >>> times = pd.DataFrame({"from_id": ["A", "B", "C"], "to_id": ["S", "S", "T"], "travel_time_min": [9.0, 25, 20]})
    >>> maximal_coverage(times, pd.Series({"A": 10, "B": 20, "C": 5}), ["S", "T"], p=1, max_time_min=30).objective
    30.0
    """
    given = travel_times, demand, candidates, fixed, capacity, time_limit_s, mip_gap
    problem = read_problem(*given, p=p, max_time_min=max_time_min, worst_time_max_min=worst_time_max_min)
    floor = math.inf if worst_time_max_min is None else worst_time_max_min
    has_floor = worst_time_max_min is not None
    longest = floor if has_floor else max_time_min
    if problem.capacity is None:
        asking = problem.is_asking
        must = problem.within(floor)[asking] if has_floor else None
        choice = programmes.cover_most(problem, problem.within(max_time_min)[asking], must)
    else:
        sharing = programmes.Sharing.of(problem, problem.within(longest))
        gain = -(sharing.minutes <= max_time_min).astype(np.float64)
        choice = programmes.choose_shared(problem, sharing, pair_cost=gain, serve_all=has_floor)
        choice = replace(choice, value=choice.value * problem.total, bound=choice.bound * problem.total)
    check_choice(problem, choice, floor)
    is_open, found = choice.is_open, (-choice.value, -choice.bound)
    shares = programmes.shares_of(problem, is_open, longest, serve_all=has_floor, covered_min=max_time_min)
    return make_result(problem, "maximal_coverage", is_open, *found, shares, longest_min=max_time_min)


def p_median(
    travel_times: pd.DataFrame,
    demand: "pd.Series[float]",
    candidates: Iterable[str],
    *,
    p: int,
    fixed: Iterable[str] = (),
    capacity: "pd.Series[float] | None" = None,
    worst_time_max_min: float | None = None,
    time_limit_s: float = 60.0,  # pragma: no mutate
    mip_gap: float = 0.0,
) -> SitingResult:
    """Open at most p sites so that the mean time of a person to their site is the shortest.

    min sum_i w_i sum_j t_ij x_ij / sum_i w_i with sum_j x_ij = 1, x_ij <= y_j, sum_j y_j <= p. Hakimi (1964),
    Operations Research 12, 450-459; ReVelle and Swain (1970), Geographical Analysis 2, 30-42.

    Parameters
    ----------
    travel_times, demand, candidates, p, fixed, worst_time_max_min, time_limit_s, mip_gap
        As for `maximal_coverage`, whose errors it raises: everyone must be served. p = 0: how things stand.
    capacity
        As for `set_cover`; not all then go to the closest. Over 20,000 pairs the bound is that of the same problem
        without capacities: the gap may stay open.

    Returns
    -------
    SitingResult
        `objective` is the mean time of a person (min).

    Examples
    --------
    >>> times = pd.DataFrame({"from_id": ["A", "B"], "to_id": ["S", "S"], "travel_time_min": [5.0, 30.0]})
    >>> p_median(times, pd.Series({"A": 30, "B": 10}), ["S"], p=1)
    SitingResult(p_median: S; objective 11.25, gap 0.00%, optimal)
    """
    given = travel_times, demand, candidates, fixed, capacity, time_limit_s, mip_gap
    problem = read_problem(*given, p=p, worst_time_max_min=worst_time_max_min)
    longest = math.inf if worst_time_max_min is None else worst_time_max_min
    choice = programmes.median_choice(problem, longest)
    check_choice(problem, choice, longest)
    shares = programmes.shares_of(problem, choice.is_open, longest)
    mean = programmes.mean_minutes(problem, choice.is_open, shares)
    return make_result(problem, "p_median", choice.is_open, mean, choice.bound, shares)


def p_center(
    travel_times: pd.DataFrame,
    demand: "pd.Series[float]",
    candidates: Iterable[str],
    *,
    p: int,
    fixed: Iterable[str] = (),
    capacity: "pd.Series[float] | None" = None,
    worst_time_max_min: float | None = None,
    time_limit_s: float = 60.0,  # pragma: no mutate
    mip_gap: float = 0.0,
) -> SitingResult:
    """Open at most p sites so that the longest time of a person to their site is the shortest.

    min T such that p sites cover everyone within T, by bisection on the times of the table, each step being a
    set cover. Minieka (1970), SIAM Review 12, 138-139. The weights of the demand do not matter here.

    Parameters
    ----------
    travel_times, demand, candidates, p, fixed, capacity, worst_time_max_min, time_limit_s, mip_gap
        As for `p_median`, whose errors it raises.

    Returns
    -------
    SitingResult
        `objective` is the longest time (min); among equals, the choice with the least mean time.

    Examples
    --------
    >>> times = pd.DataFrame({"from_id": ["A", "B"], "to_id": ["S", "S"], "travel_time_min": [5.0, 30.0]})
    >>> p_center(times, pd.Series({"A": 30, "B": 10}), ["S"], p=1)
    SitingResult(p_center: S; objective 30, gap 0.00%, optimal)
    """
    given = travel_times, demand, candidates, fixed, capacity, time_limit_s, mip_gap
    problem = read_problem(*given, p=p, worst_time_max_min=worst_time_max_min)
    longest = math.inf if worst_time_max_min is None else worst_time_max_min
    choice = worst_choice(problem, longest)
    closer = programmes.closest_among(problem, choice, choice.value)
    shares = programmes.shares_of(problem, closer.is_open, choice.value)
    # when the gap is left open, the second criterion may also shorten the first
    worst = min(choice.value, programmes.worst_minutes(problem, closer.is_open, shares))
    return make_result(problem, "p_center", closer.is_open, worst, choice.bound, shares)


def worst_choice(problem: SitingProblem, longest_min: float) -> Choice:
    """Return a choice with the shortest longest time (its value, min) by bisection; raise if there is none."""
    asking = problem.minutes[problem.is_asking]
    usable = np.where(asking <= longest_min, asking, np.inf)
    choice = programmes.cover_choice(problem, longest_min, any_solution=True)
    check_choice(problem, choice, longest_min)
    times = np.unique(usable[np.isfinite(usable)])
    # nobody can do better than their own closest candidate
    low = int(np.searchsorted(times, usable.min(axis=1).max()))
    high = _reached(problem, times, choice)
    while low < high and not problem.search.is_enough(times[high], times[low]):
        middle = (low + high) // 2
        tried = programmes.cover_choice(problem, float(times[middle]), any_solution=True)
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
    return int(np.searchsorted(times, programmes.worst_minutes(problem, choice.is_open, None)))
