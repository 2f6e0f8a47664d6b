"""How far sites are: time to the closest ones, who lives within given times of one, and where the data stop."""

import math
import warnings
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any, TypeAlias

import numba
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from territory.access import pairs as od
from territory.access.pairs import Bools, Floats, Ids, Ints, Mapper, Pairs, Part, Places, Times, warn
from territory.errors import ParameterError, Problems, counted, examples, refuse

Measure: TypeAlias = Callable[[pd.DataFrame, Ids], pd.DataFrame]
THRESHOLDS_MIN = (15.0, 30.0, 45.0, 60.0)


def time_to_closest(
    travel_times: Times, origins: Iterable[str], *, k: int = 1, mapper: Mapper = map
) -> pd.DataFrame:
    """Find the k closest sites of each origin and the time to each of them.

    Parameters
    ----------
    travel_times
        Columns from_id, to_id, travel_time_min (min), of one service. NaN = unknown; an absent pair, or an infinite
        time, is out of reach, or over the table's cutoff (attribute cutoff_min).
        Or a sequence of parts, each with all the pairs of its origins: tables, or functions that give one.
    origins
        Ids to answer for, as an index of from_id.
    k
        How many sites per origin; those at the same time are ordered by to_id.
    mapper
        Runs the map over the parts: `map`, or that of an executor, of a pool or of a cluster.

    Returns
    -------
    DataFrame
        On the origins, in their order: to_id_1, time_1_min, to_id_2…, is_reachable (False when no site is within
        reach; <NA> when all times are unknown) and unknown_count (the true closest may be one of them).

    Examples
    --------
    >>> times = pd.DataFrame({"from_id": ["A", "A"], "to_id": ["S1", "S2"], "travel_time_min": [12.0, 7.0]})
    >>> time_to_closest(times, pd.Index(["A"]))["to_id_1"].to_dict()
    {'A': 'S2'}
    """
    if k < 1:
        raise ParameterError(f"k = {k} : demandez au moins un site par origine.")
    ids = od.unique_ids(origins, "Origines")
    if isinstance(travel_times, pd.DataFrame):
        return _closest(travel_times, ids, k=k)
    rows, is_named = _over_parts(partial(_closest, k=k), travel_times, ids, mapper)
    columns: dict[str, Any] = {}
    for rank in range(1, k + 1):
        columns[f"to_id_{rank}"] = od.column_of(rows, f"to_id_{rank}").astype("str")
        columns[f"time_{rank}_min"] = od.column_of(rows, f"time_{rank}_min").astype(np.float64)
    columns["is_reachable"] = od.flags_of(rows, "is_reachable", is_named)
    columns["unknown_count"] = od.column_of(rows, "unknown_count").fillna(0).astype(np.int64)
    return pd.DataFrame(columns, index=ids)


def _closest(travel_times: pd.DataFrame, origins: Ids, *, k: int) -> pd.DataFrame:
    """Return the closest sites of each origin of a whole table."""
    pairs = od.read_pairs(travel_times, origins=origins, sites=None)
    unknown = count_unknown(pairs)
    best, minutes = k_closest(pairs.origin, pairs.site, pairs.minutes, len(origins), k)
    columns: dict[str, object] = {}
    for rank in range(k):
        columns[f"to_id_{rank + 1}"] = _names(pairs.sites, best[:, rank], travel_times["to_id"])
        columns[f"time_{rank + 1}_min"] = minutes[:, rank]
    columns["is_reachable"] = three_valued(best[:, 0] >= 0, unknown > 0)
    columns["unknown_count"] = unknown
    return pd.DataFrame(columns, index=origins)


def _over_parts(
    measure: Measure, parts: Sequence[Part], ids: Ids, mapper: Mapper
) -> tuple[pd.DataFrame, Bools]:
    """Return what a measure says of the origins of every part, in their order, and which are in one."""
    rows, is_named = od.gather(mapper(partial(_of_part, measure=measure, origins=ids), parts), ids)
    unknown = od.column_of(rows, "unknown_count").fillna(0).to_numpy(dtype=np.int64)
    warn_unknown_times(unknown, ids)
    return rows, is_named


def _of_part(part: Part, *, measure: Measure, origins: Ids) -> pd.DataFrame:
    """Return what a measure says of the origins of a part, identifiers as text."""
    table = od.read_part(part)
    with warnings.catch_warnings():
        # said once for all parts
        warnings.simplefilter("ignore")
        found = measure(table, od.named_in(table, origins))
    return found.astype({name: "str" for name in found if str(name).startswith("to_id_")})


def count_unknown(pairs: Pairs) -> NDArray[np.int64]:
    """Return the number of unknown times of each origin, and warn if there are any."""
    unknown = np.bincount(pairs.origin[np.isnan(pairs.minutes)], minlength=len(pairs.origins))
    warn_unknown_times(unknown, pairs.origins)
    return unknown.astype(np.int64)


def warn_unknown_times(unknown: NDArray[np.int64], origins: Ids) -> None:
    """Warn for origins that have unknown times."""
    if unknown.any():
        lost = f"{int(unknown.sum())} temps inconnus, pour {counted(origins[unknown > 0], 'origine(s)')}"
        warn(f"{lost} : le résultat n'y repose que sur les temps connus.")


def three_valued(yes: Bools, doubtful: Bools) -> pd.arrays.BooleanArray:
    """Return True where `yes`, otherwise <NA> where `doubtful`, otherwise False."""
    return pd.arrays.BooleanArray(yes.copy(), doubtful & ~yes)


def _names(sites: Ids, positions: NDArray[np.int64], like: "pd.Series[str]") -> object:
    """Return site ids by position, missing where it is -1, as text or as categories like the table's."""
    if isinstance(like.dtype, pd.CategoricalDtype):
        return pd.Categorical.from_codes(positions, categories=sites)
    return pd.Series(sites, dtype=like.dtype).array.take(positions, allow_fill=True, fill_value=pd.NA)


def coverage(
    travel_times: Times,
    demand: "pd.Series[float]",
    *,
    thresholds_min: Sequence[float] = THRESHOLDS_MIN,
    mapper: Mapper = map,
) -> pd.DataFrame:
    """Tell whether each commune has a site within each threshold.

    Parameters
    ----------
    travel_times, mapper
        As for `time_to_closest`.
    demand
        Persons by commune (hab), indexed by from_id: it says which communes are answered for.
    thresholds_min
        Times (min), inclusive.

    Returns
    -------
    DataFrame
        On the index of `demand`; one column per threshold, within_15_min…: True, False, or <NA> when only an unknown
        time could bring a site within it.

    Examples
    --------
    >>> times = pd.DataFrame({"from_id": ["A", "B"], "to_id": ["S", "S"], "travel_time_min": [15.0, 32.0]})
    >>> coverage(times, pd.Series({"A": 100.0, "B": 50.0}), thresholds_min=(15, 30))["within_15_min"].to_dict()
    {'A': True, 'B': False}
    """
    od.read_amounts(demand, "Demande")
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
    ordered = sorted(values)
    names = [f"within_{threshold:g}_min" for threshold in ordered]
    measure = partial(_covered, thresholds_min=ordered)
    if isinstance(travel_times, pd.DataFrame):
        return measure(travel_times, demand.index)[names]
    rows, is_named = _over_parts(measure, travel_times, demand.index, mapper)
    return pd.DataFrame({name: od.flags_of(rows, name, is_named) for name in names}, index=demand.index)


def _covered(travel_times: pd.DataFrame, origins: Ids, *, thresholds_min: Sequence[float]) -> pd.DataFrame:
    """Return whether each origin of a whole table is within each threshold, and its unknown times."""
    pairs = od.read_pairs(travel_times, origins=origins, sites=None)
    pairs.check_threshold(thresholds_min[-1], "Le seuil")
    unknown = count_unknown(pairs)
    columns: dict[str, object] = {}
    for threshold in thresholds_min:
        within = np.zeros(len(origins), dtype=np.bool_)
        within[pairs.origin[pairs.minutes <= threshold]] = True
        columns[f"within_{threshold:g}_min"] = three_valued(within, unknown > 0)
    return pd.DataFrame({**columns, "unknown_count": unknown}, index=origins)


def persons_by_zone(
    within: pd.DataFrame, demand: "pd.Series[float]", groups: "pd.Series[str]"
) -> pd.DataFrame:
    """Count the persons of each zone within each threshold, from what `coverage` tells of each commune."""
    od.unique_ids(groups.index, "Zones")
    zone = groups.reindex(demand.index)
    outside = zone.index[zone.isna()]
    if len(outside) and len(outside) == len(zone):
        said = f"Zones : aucune des {len(zone)} communes de la demande ({examples(demand.index)}) n'a de zone"
        raise ParameterError(f"{said} (identifiants des zones : {examples(groups.index)}).")
    if len(outside):
        warn(f"{counted(outside, 'commune(s) sans zone comptée(s) nulle part')}.")
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


@numba.njit(cache=True)
def k_closest(origin: Ints, site: Ints, minutes: Floats, n_origins: int, k: int) -> tuple[Places, Floats]:
    """Return the k closest sites of each origin and their known times (ties by position), -1 and NaN for fewer."""
    best = np.full((n_origins, k), -1, dtype=np.int64)
    times = np.full((n_origins, k), np.nan)
    for row in range(origin.size):
        time, found, place = minutes[row], site[row], origin[row]
        if np.isnan(time):
            continue
        slot = k
        # insertion from the end: a slot is free (-1), slower, or as slow with a later site
        while slot > 0 and (
            best[place, slot - 1] < 0
            or time < times[place, slot - 1]
            or (time == times[place, slot - 1] and found < best[place, slot - 1])
        ):
            slot -= 1
        if slot == k:
            continue
        for shifted in range(k - 1, slot, -1):
            best[place, shifted] = best[place, shifted - 1]
            times[place, shifted] = times[place, shifted - 1]
        best[place, slot] = found
        times[place, slot] = time
    return best, times


# communes of France lie some 4 to 10 km apart, more in the mountains
NEIGHBOUR_KM = 15.0
# a commune inside a territory has neighbours all around; at a straight edge they fill half a turn
EMPTY_SIDE_DEGREES = 120.0


def edge_communes(
    x_m: NDArray[np.floating[Any]],
    y_m: NDArray[np.floating[Any]],
    in_territory: NDArray[np.bool_],
    *,
    buffer_km: float,
) -> NDArray[np.bool_]:
    """Find the communes beyond which the data say nothing."""
    points = np.column_stack([x_m, y_m]).astype(np.float64)
    if not np.isfinite(points).all():
        raise ParameterError("Bord des données : des communes n'ont pas de coordonnées.")
    if not in_territory.any():
        raise ParameterError("Bord des données : aucune commune n'est dans le territoire.")
    if not buffer_km >= 0:
        raise ParameterError(f"buffer_km = {buffer_km} : un nombre de kilomètres positif ou nul est attendu.")
    tree = cKDTree(points)
    from_territory_m, _ = cKDTree(points[in_territory]).query(points)
    candidates = np.flatnonzero(from_territory_m >= 1000 * (buffer_km - NEIGHBOUR_KM))
    found = np.zeros(len(points), dtype=np.bool_)
    around = tree.query_ball_point(points[candidates], 1000 * NEIGHBOUR_KM)
    for place, near in zip(candidates, around, strict=True):
        others = points[near] - points[place]
        others = others[(others != 0).any(axis=1)]
        angles = np.sort(np.degrees(np.arctan2(others[:, 1], others[:, 0])))
        # the widest angle without any neighbour, a full turn when there is none
        gaps = np.diff(np.append(angles, angles[:1] + 360.0))
        found[place] = gaps.max(initial=0.0 if len(others) > 1 else 360.0) >= EMPTY_SIDE_DEGREES
    return found


def closer_outside(
    time_min: "pd.Series[float]",
    edge_time_min: "pd.Series[float]",
    is_reachable: "pd.Series[bool] | None" = None,
) -> "pd.Series[bool]":
    """Tell where a site beyond the data could be closer than the closest one found."""
    absent = time_min.index.difference(edge_time_min.index)
    refuse(absent, "commune(s) sans temps jusqu'au bord", of="Bord des données")
    edge = _minutes(edge_time_min.reindex(time_min.index))
    found = _minutes(time_min)
    if is_reachable is not None:
        found[(is_reachable.reindex(time_min.index) == False).fillna(False).to_numpy(bool)] = np.inf  # noqa: E712
    unknown = np.isnan(edge) | np.isnan(found)
    return pd.Series(pd.arrays.BooleanArray(edge < found, unknown), index=time_min.index)


def _minutes(values: "pd.Series[float]") -> Floats:
    """Return times as floats; an infinite one is out of reach, which is allowed here."""
    od.read_amounts(values.replace(np.inf, np.nan), "Temps")
    return np.array(values.to_numpy(dtype=np.float64, na_value=np.nan))
