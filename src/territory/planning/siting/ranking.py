"""Every candidate ranked in place of the choice: how long, for whom, and whether the difference can be told."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from territory.network.estimate import difference_uncertainty_min
from territory.planning.siting.trade_offs import alternatives

Floats = NDArray[np.float64]
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
    terrain: str = "mixed",
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
    listed = list(dict.fromkeys(candidates))
    others = alternatives(
        travel_times,
        demand,
        listed,
        selected=selected,
        fixed=fixed,
        max_time_min=max_time_min,
        criterion=criterion,
    )
    sites = sorted({*listed, *fixed})
    minutes = _matrix(travel_times, demand.index, sites)
    between = _matrix(site_times, pd.Index(sites), sites)
    # one direction is enough: what counts is how far apart the two places are
    between = np.fmin(between, between.T)
    np.fill_diagonal(between, 0.0)
    place = {site: column for column, site in enumerate(sites)}
    chosen = [place[site] for site in (*selected, *fixed)]
    base = _closest(minutes, chosen)
    rows = [
        _figures(demand, minutes, base, beyond_min) | {"to_id": site, "replaces": ""} for site in selected
    ]
    for site, other in others.iloc[1:].iterrows():
        out = str(other["replaces"])
        opened = [column for column in chosen if column != place[out]] + [place[str(site)]]
        at = _closest(minutes, opened)
        figures = _figures(demand, minutes, at, beyond_min) | {"to_id": str(site), "replaces": out}
        rows.append(figures | _difference(demand, minutes, between, base, at, terrain))
    table = pd.DataFrame(rows).set_index("to_id")
    return _compared(table, list(selected), criterion, terrain)


def _compared(table: pd.DataFrame, selected: list[str], criterion: str, terrain: str) -> pd.DataFrame:
    """Add ranks and differences against the choice, whose rows come first and share the first rank."""
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
    told = delta.abs().ge(doubt) & delta.ne(0)
    # persons without any site are told apart from those with one, whatever the minutes of the others
    told |= table["persons_unreached"].ne(table["persons_unreached"].iloc[0])
    table["is_distinguishable"] = told & ~table["is_selected"]
    return table


def _matrix(times: pd.DataFrame, origins: pd.Index, sites: list[str]) -> Floats:
    """Return minutes by origin and site, infinite where the pair is absent or unknown."""
    rows = origins.get_indexer(pd.Index(times["from_id"].astype("str")))
    columns = pd.Index(sites).get_indexer(pd.Index(times["to_id"].astype("str")))
    minutes = times["travel_time_min"].to_numpy(float)
    kept = (rows >= 0) & (columns >= 0) & ~np.isnan(minutes)
    matrix = np.full((len(origins), len(sites)), np.inf)
    matrix[rows[kept], columns[kept]] = minutes[kept]
    return matrix


def _closest(minutes: Floats, opened: list[int]) -> NDArray[np.int64]:
    """Return the column of the closest open site of each origin."""
    columns = np.array(sorted(opened))
    found: NDArray[np.int64] = columns[minutes[:, columns].argmin(axis=1)]
    return found


def _figures(
    demand: pd.Series[float], minutes: Floats, at: NDArray[np.int64], beyond_min: Sequence[float]
) -> dict[str, object]:
    """Return the figures of one set of open sites."""
    persons = demand.to_numpy(float)
    spent = minutes[np.arange(len(at)), at]
    reached = np.isfinite(spent) & (persons > 0)
    worst = int(np.where(reached, spent, -1.0).argmax())
    figures: dict[str, object] = {
        "mean_time_min": float(np.average(spent[reached], weights=persons[reached])),
        "worst_time_min": float(spent[worst]),
        "worst_from_id": str(demand.index[worst]),
        "persons_unreached": float(persons[~np.isfinite(spent)].sum()),
    }
    for limit in beyond_min:
        figures[f"persons_beyond_{limit:g}_min"] = float(persons[spent > limit].sum())
    return figures


def _difference(
    demand: pd.Series[float],
    minutes: Floats,
    between: Floats,
    base: NDArray[np.int64],
    at: NDArray[np.int64],
    terrain: str,
) -> dict[str, object]:
    """Return the doubt on the difference of two mean times."""
    rows = np.arange(len(at))
    before, after = minutes[rows, base], minutes[rows, at]
    apart = between[base, at]
    both = np.isfinite(before) & np.isfinite(after) & (demand.to_numpy(float) > 0)
    if not both.any():
        return {"detectable_mean_min": float("nan")}
    apart = np.where(np.isfinite(apart), apart, _APART_MIN)
    doubt = difference_uncertainty_min(before[both], after[both], apart[both], terrain=terrain)
    return {"detectable_mean_min": float(np.average(doubt, weights=demand.to_numpy(float)[both]))}
