"""What a choice of sites costs the mean to spare the worst-off, and why another candidate was not chosen."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

from territory.access.pairs import warn
from territory.errors import ParameterError, examples
from territory.planning.siting.formulations import mean_minutes, median_choice, shares_of, worst_minutes
from territory.planning.siting.median_search import Choice, solve_median
from territory.planning.siting.p_median_family import worst_choice
from territory.planning.siting.problem import Problem, read_problem
from territory.planning.solver import Bools, Floats, relative_gap

__all__ = ["alternatives", "trade_off"]

CRITERIA = ("mean", "worst", "covered")


def trade_off(
    travel_times: pd.DataFrame,
    demand: pd.Series[float],
    candidates: Iterable[str],
    *,
    p: int,
    fixed: Iterable[str] = (),
    capacity: pd.Series[float] | None = None,
    costs: pd.Series[float] | None = None,
    budget: float | None = None,
    step_min: float = 0.0,
    time_limit_s: float = 120.0,
    mip_gap: float = 0.0,
) -> pd.DataFrame:
    """List the choices of p sites where the mean time cannot be cut without lengthening the worst one.

    Parameters
    ----------
    travel_times, demand, candidates, p, fixed, capacity, costs, budget, mip_gap
        As for `p_median`.
    step_min
        Least difference between the worst times of two points (min); 0 = every point of the curve.
    time_limit_s
        Longest search for the whole curve (s).

    Returns
    -------
    DataFrame
        One row per choice, from the shortest mean to the shortest worst time: mean_time_min, worst_time_min,
        selected (tuple of ids), gap (of the mean, as a share) and status. Attribute is_complete is False when
        the time was up before the last point.

    Raises
    ------
    ParameterError, InfeasibleError
        As `p_median`.

    Warns
    -----
    TerritoryWarning
        With the number of unknown times, or if the curve is not complete.

    Notes
    -----
    The epsilon-constraint method (Haimes, Lasdon and Wismer 1971): p-median under a falling limit on the worst
    time, down to the p-center.

    Examples
    --------
    >>> times = pd.DataFrame({"from_id": ["A", "A", "B", "B"], "to_id": ["S", "T", "S", "T"],
    ...                       "travel_time_min": [5.0, 20.0, 30.0, 10.0]})
    >>> curve = trade_off(times, pd.Series({"A": 30, "B": 10}), ["S", "T"], p=1)
    >>> curve[["mean_time_min", "worst_time_min", "selected"]]
       mean_time_min  worst_time_min selected
    0          11.25            30.0     (S,)
    1          17.50            20.0     (T,)
    """
    if not (math.isfinite(step_min) and step_min >= 0):
        raise ParameterError(f"step_min = {step_min} : un nombre de minutes positif ou nul est attendu.")
    problem = read_problem(
        travel_times,
        demand,
        candidates,
        fixed=fixed,
        capacity=capacity,
        costs=costs,
        budget=budget,
        p=p,
        limits={},
        time_limit_s=time_limit_s,
        mip_gap=mip_gap,
    )
    center = worst_choice(problem, math.inf)
    points = _descend(problem, center, step_min)
    is_complete = not problem.search.is_over
    if not is_complete:
        warn(
            f"Courbe incomplète : {len(points)} point(s) en {time_limit_s:g} s. Augmentez time_limit_s, ou espacez les "
            "points avec step_min.",
            stacklevel=3,
        )
    curve = pd.DataFrame(points, columns=["mean_time_min", "worst_time_min", "selected", "gap", "status"])
    # a later point with as short a mean makes the earlier one useless
    later = curve["mean_time_min"][::-1].cummin().shift(fill_value=math.inf)[::-1]
    curve = curve[curve["mean_time_min"] < later * (1 - 1e-12)].reset_index(drop=True)
    curve.attrs["is_complete"] = is_complete
    return curve


def alternatives(
    travel_times: pd.DataFrame,
    demand: pd.Series[float],
    candidates: Iterable[str],
    *,
    selected: Iterable[str],
    fixed: Iterable[str] = (),
    max_time_min: float | None = None,
    criterion: str = "mean",
) -> pd.DataFrame:
    """Say what each candidate that was not selected would have given in place of one that was.

    Everyone goes to the closest open site: capacities are not looked at.

    Parameters
    ----------
    travel_times, demand, candidates, fixed
        As for `p_median`.
    selected
        Sites selected, among the candidates.
    max_time_min
        Time within which a person is covered (min, inclusive); None = no column on coverage.
    criterion
        What says which selected site the candidate would replace: "mean", "worst" or "covered".

    Returns
    -------
    DataFrame
        Indexed by to_id, best first; the choice itself is the first row, with an empty `replaces`. Columns:
        replaces; mean_time_min and worst_time_min over the persons with a site in reach; unreached (persons
        without any); covered (persons within `max_time_min`) if it is given; delta_mean_time_min and
        delta_worst_time_min against the choice.

    Raises
    ------
    ParameterError
        With everything that is wrong in the inputs.

    Examples
    --------
    >>> times = pd.DataFrame({"from_id": ["A", "A", "B", "B"], "to_id": ["S", "T", "S", "T"],
    ...                       "travel_time_min": [5.0, 20.0, 30.0, 10.0]})
    >>> others = alternatives(times, pd.Series({"A": 30, "B": 10}), ["S", "T"], selected=["S"])
    >>> others[["replaces", "mean_time_min", "worst_time_min"]]
            replaces  mean_time_min  worst_time_min
    to_id
    choice                    11.25            30.0
    T              S          17.50            20.0
    """
    chosen = list(selected)
    if criterion not in CRITERIA or (criterion == "covered" and max_time_min is None):
        raise ParameterError(
            f"criterion = « {criterion} » : choisissez parmi {', '.join(CRITERIA)} (« covered » demande max_time_min)."
        )
    problem = read_problem(
        travel_times,
        demand,
        candidates,
        fixed=fixed,
        capacity=None,
        costs=None,
        budget=None,
        p=None,
        limits={"max_time_min": max_time_min},
        time_limit_s=1.0,
        mip_gap=0.0,
    )
    stray = [site for site in chosen if site not in problem.to_ids[~problem.always]]
    if stray or not chosen:
        raise ParameterError(
            f"selected : {len(stray)} site(s) hors des candidats ({examples(stray)})."
            if stray
            else "selected : aucun site choisi."
        )
    is_open = problem.always | np.asarray(problem.to_ids.isin(chosen))
    rows = [_measure(problem, is_open, max_time_min) | {"to_id": "choice", "replaces": ""}]
    rows += [
        _best_swap(problem, is_open, int(column), max_time_min, criterion)
        for column in np.flatnonzero(~is_open)
    ]
    table = pd.DataFrame(rows).set_index("to_id")
    for measure in ("mean_time_min", "worst_time_min"):
        table[f"delta_{measure}"] = table[measure] - table[measure].iloc[0]
    order = sorted(range(1, len(table)), key=lambda row: _rank(rows[row], criterion))
    columns = ["replaces", "mean_time_min", "worst_time_min", "unreached", "covered"]
    columns += ["delta_mean_time_min", "delta_worst_time_min"]
    return table.iloc[[0, *order]][[column for column in columns if column in table]]


def _descend(problem: Problem, center: Choice, step_min: float) -> list[tuple[Any, ...]]:
    """Return the points of the curve, each with a worst time under that of the one before."""
    points: list[tuple[Any, ...]] = []
    limit = math.inf
    while limit >= center.value and not (points and problem.search.is_over):
        choice = _median_from(problem, center, limit)
        if not math.isfinite(choice.value):
            break
        shares = shares_of(problem, choice.is_open, limit)
        mean = mean_minutes(problem, choice.is_open, shares)
        worst = worst_minutes(problem, choice.is_open, shares)
        names = tuple(problem.to_ids[choice.is_open & ~problem.always])
        bound = min(choice.bound, mean)
        points.append((mean, worst, names, relative_gap(mean, bound), problem.search.status(mean, bound)))
        limit = float(np.nextafter(worst, 0.0)) if step_min == 0 else worst - step_min
        # the last point is the shortest worst time, even within a step
        if limit < center.value < worst:
            limit = center.value
    return points


def _median_from(problem: Problem, center: Choice, limit: float) -> Choice:
    """Return the least mean time under a limit on the worst, starting from a choice that respects it."""
    if problem.capacity is not None:
        return median_choice(problem, limit, p=problem.p, budget=problem.budget)
    median = problem.median(p=problem.p, longest_min=limit, budget=problem.budget)
    return solve_median(median, problem.search, start=center.is_open)


def _measure(problem: Problem, is_open: Bools, max_time_min: float | None) -> dict[str, Any]:
    """Return mean, worst, persons without a site and persons covered, for one set of open sites."""
    minutes = problem.minutes[:, is_open].min(axis=1, initial=math.inf)
    return _figures(problem, minutes, max_time_min)


def _figures(problem: Problem, minutes: Floats, max_time_min: float | None) -> dict[str, Any]:
    """Return the figures of the time of each origin to its site."""
    reached = np.isfinite(minutes) & problem.is_asking
    persons = problem.persons[reached]
    figures: dict[str, Any] = {
        "mean_time_min": float(persons @ minutes[reached] / persons.sum()) if persons.sum() else math.nan,
        "worst_time_min": float(minutes[reached].max()) if reached.any() else math.nan,
        "unreached": problem.total - float(persons.sum()),
    }
    if max_time_min is not None:
        figures["covered"] = float(problem.persons[minutes <= max_time_min].sum())
    return figures


def _best_swap(
    problem: Problem, is_open: Bools, column: int, max_time_min: float | None, criterion: str
) -> dict[str, Any]:
    """Return the figures of a candidate in place of the selected site that it replaces best."""
    found = []
    for out in np.flatnonzero(is_open & ~problem.always).tolist():
        swapped = is_open.copy()
        swapped[out], swapped[column] = False, True
        found.append(
            _measure(problem, swapped, max_time_min)
            | {"to_id": problem.to_ids[column], "replaces": problem.to_ids[out]}
        )
    return min(found, key=lambda figures: _rank(figures, criterion))


def _rank(figures: dict[str, Any], criterion: str) -> tuple[Any, ...]:
    """Return the key that puts the best figures first."""
    if criterion == "covered":
        return (-figures["covered"], figures["mean_time_min"])
    first = figures["worst_time_min" if criterion == "worst" else "mean_time_min"]
    return (figures["unreached"], first, figures["mean_time_min"], figures["to_id"])
