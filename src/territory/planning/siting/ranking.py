"""What each other candidate would have given in place of the choice, and which differences can be told."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd

from territory.access.pairs import Bools, Floats, read_pairs
from territory.access.uncertainty import told_apart
from territory.errors import ParameterError, refuse
from territory.network.estimate import difference_uncertainty_min
from territory.planning.siting.problem import SitingProblem, read_problem
from territory.planning.siting.result import closest_sites
from territory.tables.catalogue import BEYOND

CRITERIA = ("mean", "worst", "covered")
# two sites whose road apart is not known share none of it
_APART_MIN = 1e6


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
    travel_times, demand, candidates, fixed
        As for `p_median`; everyone goes to the closest open site: capacities are not looked at.
    site_times
        The same between sites: how much road two sites share decides what can be told.
    selected
        Sites selected, among the candidates.
    criterion, max_time_min
        What says which selected site a candidate would replace: "mean", "worst" or "covered" (within a time: min,
        inclusive).
    beyond_min
        Times over which persons are counted (min; strictly over).
    terrain
        Terrain of the study.

    Returns
    -------
    DataFrame
        By to_id, best first: the selected sites, then each candidate in place of the one that it would replace best.
        rank, is_selected, replaces, mean_time_min, worst_time_min, worst_from_id, persons_unreached,
        `persons_beyond_<n>_min`, and against the choice: delta_mean_time_min, detectable_mean_min (under it the two
        means cannot be told apart), is_distinguishable, delta_worst_time_min.

    Raises
    ------
    ParameterError
        With everything that is wrong in the inputs.

    Notes
    -----
    The doubt on a difference of means is the mean of the doubts on each commune's difference, as if all erred the
    same way: an upper bound. For the criterion "worst" it is that on two single times, without shared road.

    Examples
    --------
    >>> times = pd.DataFrame({"from_id": ["A", "A"], "to_id": ["S", "T"], "travel_time_min": [5.0, 20.0]})
    >>> between = pd.DataFrame({"from_id": ["S"], "to_id": ["T"], "travel_time_min": [25.0]})
    >>> rank_candidates(times, between, pd.Series({"A": 30.0}), ["S", "T"], selected=["S"])["mean_time_min"].to_dict()
    {'S': 5.0, 'T': 20.0}
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
    for site, replaced, swapped in swaps:
        at, after = closest_sites(problem, swapped)
        unsure = _difference(problem.persons, before, after, between[base, at], terrain)
        rows.append(_standing(problem, after, beyond_min) | {"to_id": site, "replaces": replaced} | unsure)
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
    total = persons[reached].sum()
    figures: dict[str, object] = {
        "mean_time_min": float(np.average(spent[reached], weights=persons[reached])) if total else np.nan,
        "worst_time_min": float(spent[worst]) if total else np.nan,
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


def _swaps(
    problem: SitingProblem, selected: list[str], criterion: str, max_time_min: float | None
) -> tuple[Bools, list[tuple[str, str, Bools]]]:
    """Return the choice, then each candidate, the site that it replaces best, and what is open then; best first."""
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
            tried.append((_worth(problem, swapped, criterion, max_time_min or 0.0), out, swapped))
        worth, out, swapped = min(tried, key=lambda swap: swap[0])
        swaps.append((worth, str(problem.to_ids[column]), str(problem.to_ids[out]), swapped))
    # equals stay in the order of their ids
    swaps.sort(key=lambda swap: swap[0])
    return is_open, [swap[1:] for swap in swaps]


def _worth(problem: SitingProblem, is_open: Bools, criterion: str, max_time_min: float) -> tuple[float, ...]:
    """Return the key that puts the best sets of open sites first."""
    minutes = problem.minutes[:, is_open].min(axis=1, initial=math.inf)
    reached = np.isfinite(minutes) & problem.is_asking
    persons = problem.persons[reached]
    mean = float(persons @ minutes[reached] / persons.sum()) if persons.sum() else math.nan
    if criterion == "covered":
        return -float(problem.persons[minutes <= max_time_min].sum()), mean
    worst = float(minutes[reached].max()) if reached.any() else math.nan
    return problem.total - float(persons.sum()), worst if criterion == "worst" else mean, mean
