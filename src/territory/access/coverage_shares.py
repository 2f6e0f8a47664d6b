"""Who lives within given times of the closest site: per commune, and persons and shares per zone."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd

from territory.access.closest import count_unknown, three_valued
from territory.access.pairs import read_amounts, read_pairs, warn
from territory.errors import ParameterError, Problems, examples

__all__ = ["coverage", "coverage_by", "persons_by_zone"]

THRESHOLDS_MIN = (15.0, 30.0, 45.0, 60.0)


def coverage(
    travel_times: pd.DataFrame,
    demand: pd.Series[float],
    *,
    thresholds_min: Sequence[float] = THRESHOLDS_MIN,
) -> pd.DataFrame:
    """Tell whether each commune has a site within each threshold.

    Parameters
    ----------
    travel_times
        Columns from_id, to_id, travel_time_min (min), the rows of one service. NaN = unknown; an absent pair
        is out of reach, or over the table's cutoff (attribute cutoff_min).
    demand
        Persons by commune (hab), indexed by from_id: it says which communes are answered for.
    thresholds_min
        Times (min), inclusive.

    Returns
    -------
    DataFrame
        Index of `demand`, in its order; one column per threshold, within_15_min…: True, False, or <NA> when
        only an unknown time could bring a site within the threshold.

    Raises
    ------
    ParameterError
        If a threshold is not a positive number, comes twice, or is above the table's cutoff; if demand is
        negative or its index has duplicates.
    SchemaError
        If the table lacks a column, or holds negative times or the same pair twice.
    UnknownCodeError
        If no commune at all is in the table.

    Examples
    --------
    >>> times = pd.DataFrame({"from_id": ["A", "B"], "to_id": ["S", "S"], "travel_time_min": [15.0, 32.0]})
    >>> coverage(times, pd.Series({"A": 100.0, "B": 50.0}), thresholds_min=(15, 30))
       within_15_min  within_30_min
    A           True           True
    B          False          False
    """
    read_amounts(demand, "Demande")
    ordered = check_thresholds(thresholds_min)
    pairs = read_pairs(travel_times, origins=demand.index, sites=None)
    pairs.check_threshold(ordered[-1], "Le seuil")
    doubtful = count_unknown(pairs) > 0
    columns = {}
    for threshold in ordered:
        within = np.zeros(len(demand), dtype=np.bool_)
        within[pairs.origin[pairs.minutes <= threshold]] = True
        columns[f"within_{threshold:g}_min"] = three_valued(within, doubtful)
    return pd.DataFrame(columns, index=demand.index)


def coverage_by(
    travel_times: pd.DataFrame,
    demand: pd.Series[float],
    groups: pd.Series[str],
    *,
    thresholds_min: Sequence[float] = THRESHOLDS_MIN,
) -> pd.DataFrame:
    """Count the persons within each threshold, by zone: EPCI, département, or any zone of the user.

    Parameters
    ----------
    travel_times
        As for `coverage`.
    demand
        Persons by commune (hab), indexed by from_id. NaN = unknown.
    groups
        Zone of each commune, on the same ids; a commune without zone is left out, with a warning.
    thresholds_min
        Times (min), inclusive.

    Returns
    -------
    DataFrame
        Index: zones, in the order of `demand`. Columns demand_hab, then for each threshold within_15_min_hab
        (persons surely covered), within_15_min_unknown_hab (persons whose coverage is unknown) and
        within_15_min_share (0 to 1; NaN when some persons' coverage is unknown or nobody lives in the zone).
        Where the demand of one commune is unknown, all figures of its zone are NaN.

    Raises
    ------
    ParameterError, SchemaError, UnknownCodeError
        As `coverage`; also if `groups` has duplicated ids or no id of `demand`.

    Warns
    -----
    TerritoryWarning
        With the number of communes that have no zone, or unknown times.

    Notes
    -----
    share(zone, t) = sum of demand over the communes of the zone whose closest site is at t at most, divided by
    the sum of demand over the zone.

    Examples
    --------
    >>> times = pd.DataFrame({"from_id": ["A", "B"], "to_id": ["S", "S"], "travel_time_min": [15.0, 32.0]})
    >>> zone = pd.Series({"A": "Var", "B": "Var"})
    >>> coverage_by(times, pd.Series({"A": 100.0, "B": 300.0}), zone, thresholds_min=(30,)).T
                                  Var
    demand_hab                 400.00
    within_30_min_hab          100.00
    within_30_min_unknown_hab    0.00
    within_30_min_share          0.25
    """
    return persons_by_zone(coverage(travel_times, demand, thresholds_min=thresholds_min), demand, groups)


def persons_by_zone(within: pd.DataFrame, demand: pd.Series[float], groups: pd.Series[str]) -> pd.DataFrame:
    """Count the persons of each zone within each threshold, from what `coverage` tells of each commune.

    Examples
    --------
    >>> within = pd.DataFrame({"within_30_min": [True, False]}, index=["A", "B"])
    >>> people, zone = pd.Series({"A": 100.0, "B": 300.0}), pd.Series({"A": "Var", "B": "Var"})
    >>> float(persons_by_zone(within, people, zone).loc["Var", "within_30_min_share"])
    0.25
    """
    zone = _zones(demand, groups)
    persons = demand.astype(np.float64)
    kept = {"demand_hab": persons}
    for name in within.columns:
        kept[f"{name}_hab"] = persons.where(within[name].fillna(False).to_numpy(dtype=np.bool_), 0.0)
        kept[f"{name}_unknown_hab"] = persons.where(within[name].isna().to_numpy(), 0.0)
    # NaN as soon as the demand of one commune that is kept is unknown
    sums = pd.DataFrame(kept).groupby(zone.to_numpy(), sort=False).sum(skipna=False)
    total = sums["demand_hab"]
    columns = {"demand_hab": total}
    for name in within.columns:
        columns[f"{name}_hab"] = sums[f"{name}_hab"].where(total.notna())
        columns[f"{name}_unknown_hab"] = sums[f"{name}_unknown_hab"].where(total.notna())
        certain = (columns[f"{name}_unknown_hab"] == 0) & (total > 0)
        columns[f"{name}_share"] = columns[f"{name}_hab"].div(total.where(certain))
    return pd.DataFrame(columns)


def _zones(demand: pd.Series[float], groups: pd.Series[str]) -> pd.Series[str]:
    """Return the zone of each commune of `demand`, warn for those without one."""
    if groups.index.has_duplicates:
        twice = groups.index[groups.index.duplicated()].unique()
        raise ParameterError(f"Zones : {len(twice)} identifiant(s) en double ({examples(twice)}).")
    zone = groups.reindex(demand.index)
    outside = zone.index[zone.isna()]
    if len(outside) and len(outside) == len(zone):
        raise ParameterError(
            f"Zones : aucune des {len(zone)} communes de la demande ({examples(demand.index)}) n'a de zone "
            f"(identifiants des zones : {examples(groups.index)})."
        )
    if len(outside):
        warn(
            f"{len(outside)} commune(s) sans zone ({examples(outside)}) : elles ne sont comptées nulle part."
        )
    return zone


def check_thresholds(thresholds_min: Sequence[float]) -> list[float]:
    """Return thresholds in growing order, or raise for all the bad ones."""
    problems = Problems("Seuils de temps", ParameterError)
    values = [float(value) for value in thresholds_min]
    if not values:
        problems.add("aucun seuil : indiquez par exemple (15, 30, 45, 60)")
    for value in values:
        if not (math.isfinite(value) and value > 0):
            problems.add(f"{value:g} min : un nombre positif est attendu")
    if len(set(values)) < len(values):
        problems.add("un même seuil est demandé deux fois")
    problems.raise_if_any()
    return sorted(values)
