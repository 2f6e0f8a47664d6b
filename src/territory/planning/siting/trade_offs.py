"""What a choice of sites costs the mean to spare the worst-off, and what each other candidate would have given."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from territory.access.pairs import Bools, Floats, read_pairs, warn
from territory.access.uncertainty import told_apart
from territory.errors import ParameterError, agree, refuse
from territory.network.estimate import difference_uncertainty_min
from territory.planning.siting.formulations import mean_minutes, median_choice, shares_of, worst_minutes
from territory.planning.siting.location_models import worst_choice
from territory.planning.siting.median_search import Choice, solve_median
from territory.planning.siting.problem import SitingProblem, read_problem
from territory.planning.siting.result import closest_sites
from territory.planning.solver import relative_gap
from territory.tables.catalogue import BEYOND

CRITERIA = ("mean", "worst", "covered")
# two sites whose road apart is not known share none of it
_APART_MIN = 1e6


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
    given = travel_times, demand, candidates, fixed, capacity, costs, budget, time_limit_s, mip_gap
    problem = read_problem(*given, p=p)
    center = worst_choice(problem, math.inf)
    points = _descend(problem, center, step_min)
    is_complete = not problem.search.is_over
    if not is_complete:
        warn(
            f"Courbe incomplète : {agree(len(points), 'point(s)')} en {time_limit_s:g} s. Augmentez "
            "time_limit_s, ou espacez les points avec step_min.",
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
    problem = read_problem(travel_times, demand, candidates, fixed, max_time_min=max_time_min)
    is_open, swaps = _swaps(problem, list(selected), criterion, max_time_min)
    rows = [_measure(problem, is_open, max_time_min) | {"to_id": "choice", "replaces": ""}]
    table = pd.DataFrame(rows + [figures for figures, _ in swaps]).set_index("to_id")
    for measure in ("mean_time_min", "worst_time_min"):
        table[f"delta_{measure}"] = table[measure] - table[measure].iloc[0]
    columns = ["replaces", "mean_time_min", "worst_time_min", "unreached", "covered"]
    columns += ["delta_mean_time_min", "delta_worst_time_min"]
    return table[[column for column in columns if column in table]]


def _descend(problem: SitingProblem, center: Choice, step_min: float) -> list[tuple[Any, ...]]:
    """Return the points of the curve, each with a worst time under that of the one before."""
    points: list[tuple[Any, ...]] = []
    limit = math.inf
    while limit >= center.value and not (points and problem.search.is_over):
        if problem.capacity is None:
            choice = solve_median(problem.median(limit), problem.search, start=center.is_open)
        else:
            choice = median_choice(problem, limit)
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


def _measure(problem: SitingProblem, is_open: Bools, max_time_min: float | None) -> dict[str, Any]:
    """Return mean, worst, persons without a site and persons covered, for one set of open sites."""
    minutes = problem.minutes[:, is_open].min(axis=1, initial=math.inf)
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


def _swaps(
    problem: SitingProblem, selected: list[str], criterion: str, max_time_min: float | None
) -> tuple[Bools, list[tuple[dict[str, Any], Bools]]]:
    """Return the choice, then each candidate in place of the site that it replaces best: figures and open sites."""
    if criterion not in CRITERIA or (criterion == "covered" and max_time_min is None):
        raise ParameterError(
            f"criterion = « {criterion} » : choisissez parmi {', '.join(CRITERIA)} (« covered » demande max_time_min)."
        )
    stray = [site for site in selected if site not in problem.to_ids[~problem.always]]
    refuse(stray, "site(s) hors des candidats", of="selected")
    if not selected:
        raise ParameterError("selected : aucun site choisi.")
    is_open = problem.always | np.asarray(problem.to_ids.isin(selected))
    swaps = []
    for column in np.flatnonzero(~is_open).tolist():
        tried = []
        for out in np.flatnonzero(is_open & ~problem.always).tolist():
            swapped = is_open.copy()
            swapped[out], swapped[column] = False, True
            names = {"to_id": problem.to_ids[column], "replaces": problem.to_ids[out]}
            tried.append((_measure(problem, swapped, max_time_min) | names, swapped))
        swaps.append(min(tried, key=lambda swap: _rank(swap[0], criterion)))
    return is_open, sorted(swaps, key=lambda swap: _rank(swap[0], criterion))


def _rank(figures: dict[str, Any], criterion: str) -> tuple[Any, ...]:
    """Return the key that puts the best figures first."""
    if criterion == "covered":
        return (-figures["covered"], figures["mean_time_min"])
    first = figures["worst_time_min" if criterion == "worst" else "mean_time_min"]
    return (figures["unreached"], first, figures["mean_time_min"], figures["to_id"])


def rank_candidates(
    travel_times: pd.DataFrame,
    site_times: pd.DataFrame,
    demand: pd.Series[float],
    candidates: Iterable[str],
    *,
    selected: Sequence[str],
    fixed: Sequence[str] = (),
    criterion: str = "mean",
    max_time_min: float | None = None,
    beyond_min: Sequence[float] = (30, 45),
    terrain: str | None = None,
) -> pd.DataFrame:
    """Rank the choice and each candidate in its place, and say which differences are under the doubt.

    Parameters
    ----------
    travel_times
        Columns from_id, to_id, travel_time_min (min), as for `p_median`.
    site_times
        The same between sites: how much road two sites share decides what can be told.
    demand
        Persons by origin, indexed by from_id.
    candidates, selected, fixed, criterion, max_time_min
        As for `alternatives`.
    beyond_min
        Times over which persons are counted (min; strictly over).
    terrain
        Terrain of the study.

    Returns
    -------
    DataFrame
        Indexed by to_id, best first: the selected sites on top, then each candidate in place of the one that it
        would replace best. rank, is_selected, replaces, mean_time_min, worst_time_min, worst_from_id,
        persons_unreached, `persons_beyond_<n>_min`, and against the choice: delta_mean_time_min,
        detectable_mean_min (under it the two means cannot be told apart), is_distinguishable,
        delta_worst_time_min. Without capacities: everyone goes to the closest open site.

    Raises
    ------
    ParameterError
        As `alternatives`.

    Warns
    -----
    TerritoryWarning
        With the number of unknown times.

    Notes
    -----
    The doubt on a difference of means is the mean of the doubts on each commune's difference, as if all erred the
    same way: an upper bound. For the criterion "worst" it is that on two single times, without shared road.

    Examples
    --------
    >>> times = pd.DataFrame({"from_id": ["A", "A", "B", "B"], "to_id": ["S", "T", "S", "T"],
    ...                       "travel_time_min": [5.0, 20.0, 30.0, 10.0]})
    >>> between = pd.DataFrame({"from_id": ["S"], "to_id": ["T"], "travel_time_min": [25.0]})
    >>> ranked = rank_candidates(times, between, pd.Series({"A": 30.0, "B": 10.0}), ["S", "T"], selected=["S"])
    >>> ranked[["rank", "mean_time_min", "delta_mean_time_min", "is_distinguishable"]]
           rank  mean_time_min  delta_mean_time_min  is_distinguishable
    to_id
    S         1          11.25                 0.00               False
    T         2          17.50                 6.25               False
    """
    listed = dict.fromkeys(candidates)
    problem = read_problem(travel_times, demand, listed, fixed, max_time_min=max_time_min)
    is_open, swaps = _swaps(problem, list(selected), criterion, max_time_min)
    pairs = read_pairs(site_times, origins=problem.to_ids, sites=problem.to_ids, is_part=True)
    between = np.full((len(problem.to_ids), len(problem.to_ids)), np.inf)
    between[pairs.origin, pairs.site] = pairs.minutes
    # one direction is enough: what counts is how far apart the two places are
    between = np.fmin(between, between.T)
    np.fill_diagonal(between, 0.0)
    base, before = closest_sites(problem, is_open)
    today = _standing(problem, before, beyond_min)
    rows = [today | {"to_id": site, "replaces": ""} for site in selected]
    for figures, swapped in swaps:
        at, after = closest_sites(problem, swapped)
        names = {name: str(figures[name]) for name in ("to_id", "replaces")}
        unsure = _difference(problem.persons, before, after, between[base, at], terrain)
        rows.append(_standing(problem, after, beyond_min) | names | unsure)
    table = pd.DataFrame(rows).set_index("to_id")
    # the rows of the choice come first and share the first rank
    first = len(selected)
    table.insert(0, "rank", [1] * first + list(range(2, len(table) - first + 2)))
    table.insert(1, "is_selected", table.index.isin(selected))
    for measure in ("mean_time_min", "worst_time_min"):
        table[f"delta_{measure}"] = table[measure] - table[measure].iloc[0]
    if "detectable_mean_min" not in table:
        table["detectable_mean_min"] = np.nan
    delta, doubt = table["delta_mean_time_min"], table["detectable_mean_min"]
    if criterion == "worst":
        delta = table["delta_worst_time_min"]
        worst = table["worst_time_min"].to_numpy(float)
        apart = difference_uncertainty_min(worst, worst[0], _APART_MIN, terrain=terrain)
        doubt = pd.Series(apart, index=table.index)
    told = pd.Series(told_apart(delta, doubt, together=np.ones(len(table))), index=table.index)
    # persons without any site are told apart from those with one, whatever the minutes of the others
    told |= table["persons_unreached"].ne(table["persons_unreached"].iloc[0])
    table["is_distinguishable"] = told & ~table["is_selected"]
    return table


def _standing(problem: SitingProblem, spent: Floats, beyond_min: Sequence[float]) -> dict[str, object]:
    """Return the figures of one set of open sites, from the time of each origin."""
    persons, reached = problem.persons, np.isfinite(spent) & problem.is_asking
    worst = int(np.where(reached, spent, -1.0).argmax())
    figures: dict[str, object] = {
        "mean_time_min": float(np.average(spent[reached], weights=persons[reached])),
        "worst_time_min": float(spent[worst]),
        "worst_from_id": str(problem.from_ids[worst]),
        "persons_unreached": float(persons[~np.isfinite(spent)].sum()),
    }
    for limit in beyond_min:
        figures[BEYOND.name(threshold_min=float(limit))] = float(persons[spent > limit].sum())
    return figures


def _difference(
    persons: Floats, before: Floats, after: Floats, apart: Floats, terrain: str | None
) -> dict[str, object]:
    """Return the doubt on the difference of two mean times."""
    both = np.isfinite(before) & np.isfinite(after) & (persons > 0)
    if not both.any():
        return {"detectable_mean_min": float("nan")}
    apart = np.where(np.isfinite(apart), apart, _APART_MIN)
    doubt = difference_uncertainty_min(before[both], after[both], apart[both], terrain=terrain)
    return {"detectable_mean_min": float(np.average(doubt, weights=persons[both]))}
