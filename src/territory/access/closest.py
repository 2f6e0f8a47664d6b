"""Time to the closest sites, and to one named site."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from territory.access.catchments.kernels import k_closest
from territory.access.pairs import Bools, Ids, Pairs, read_pairs, warn
from territory.errors import ParameterError, examples

__all__ = ["time_to_closest", "time_to_site"]


def time_to_closest(travel_times: pd.DataFrame, origins: Iterable[str], *, k: int = 1) -> pd.DataFrame:
    """Find the k closest sites of each origin and the time to each of them.

    All sites of the table compete: keep the rows of one service first if the table holds several.

    Parameters
    ----------
    travel_times
        Columns from_id, to_id, travel_time_min (min). NaN = unknown; an absent pair, or an infinite time, is
        out of reach, or over the table's cutoff (attribute cutoff_min).
    origins
        Ids to answer for, as an index of from_id.
    k
        How many sites per origin.

    Returns
    -------
    DataFrame
        Index: the origins, in their order. Columns to_id_1, time_1_min, to_id_2…, then is_reachable (True
        with at least one known time; False when no site is within reach; <NA> when all the times there are
        are unknown) and unknown_count (pairs with an unknown time: the true closest may be one of them).

    Raises
    ------
    ParameterError
        If k is under 1, or origins are blank or duplicated.
    SchemaError
        If the table lacks a column, or holds negative times or the same pair twice.
    UnknownCodeError
        If no origin at all is in the table.

    Warns
    -----
    TerritoryWarning
        With the number of origins that have unknown times.

    Notes
    -----
    Sites at the same time are ordered by to_id, so that the order of the rows changes nothing.

    Examples
    --------
    >>> times = pd.DataFrame({
    ...     "from_id": ["A", "A", "B"], "to_id": ["S1", "S2", "S2"], "travel_time_min": [12.0, 7.0, 30.0]})
    >>> time_to_closest(times, pd.Index(["A", "B", "C"]))
      to_id_1  time_1_min  is_reachable  unknown_count
    A      S2         7.0          True              0
    B      S2        30.0          True              0
    C     NaN         NaN         False              0
    """
    if k < 1:
        raise ParameterError(f"k = {k} : demandez au moins un site par origine.")
    pairs = read_pairs(travel_times, origins=origins, sites=None)
    unknown = count_unknown(pairs)
    size = len(pairs.origins)
    best, minutes = k_closest(pairs.origin, pairs.site, pairs.minutes, size, k)
    columns: dict[str, object] = {}
    for rank in range(k):
        columns[f"to_id_{rank + 1}"] = _names(pairs.sites, best[:, rank], travel_times["to_id"])
        columns[f"time_{rank + 1}_min"] = minutes[:, rank]
    columns["is_reachable"] = three_valued(best[:, 0] >= 0, unknown > 0)
    columns["unknown_count"] = unknown
    return pd.DataFrame(columns, index=pairs.origins)


def time_to_site(travel_times: pd.DataFrame, origins: Iterable[str], site_id: str) -> pd.DataFrame:
    """Return the time from each origin to one named site.

    Parameters
    ----------
    travel_times
        Columns from_id, to_id, travel_time_min (min), as for `time_to_closest`.
    origins
        Ids to answer for, as an index of from_id.
    site_id
        The site, as a to_id of the table.

    Returns
    -------
    DataFrame
        Index: the origins, in their order. Columns time_min (NaN when unknown or out of reach) and
        is_reachable (True, False when the pair is absent, <NA> when its time is unknown).

    Raises
    ------
    ParameterError
        If origins are blank or duplicated.
    SchemaError
        If the table lacks a column, or holds negative times or the same pair twice.
    UnknownCodeError
        If the site, or every origin, is absent from the table.

    Examples
    --------
    >>> times = pd.DataFrame({
    ...     "from_id": ["A", "A", "B"], "to_id": ["S1", "S2", "S2"], "travel_time_min": [12.0, 7.0, 30.0]})
    >>> time_to_site(times, pd.Index(["A", "B"]), "S1")
       time_min  is_reachable
    A      12.0          True
    B       NaN         False
    """
    pairs = read_pairs(travel_times, origins=origins, sites=[site_id])
    unknown = count_unknown(pairs)
    minutes = np.full(len(pairs.origins), np.nan)
    minutes[pairs.origin] = pairs.minutes
    return pd.DataFrame(
        {"time_min": minutes, "is_reachable": three_valued(~np.isnan(minutes), unknown > 0)},
        index=pairs.origins,
    )


def count_unknown(pairs: Pairs) -> NDArray[np.int64]:
    """Return the number of unknown times of each origin, and warn if there are any."""
    unknown = np.bincount(pairs.origin[np.isnan(pairs.minutes)], minlength=len(pairs.origins))
    warn_unknown_times(unknown, pairs.origins, stacklevel=5)
    return unknown.astype(np.int64)


def warn_unknown_times(unknown: NDArray[np.int64], origins: Ids, *, stacklevel: int = 4) -> None:
    """Warn for origins that have unknown times."""
    if unknown.any():
        touched = origins[unknown > 0]
        warn(
            f"{int(unknown.sum())} temps inconnus, pour {len(touched)} origine(s) ({examples(touched)}) : le "
            "résultat n'y repose que sur les temps connus.",
            stacklevel=stacklevel,
        )


def three_valued(yes: Bools, doubtful: Bools) -> pd.arrays.BooleanArray:
    """Return True where `yes`, otherwise <NA> where `doubtful`, otherwise False."""
    return pd.arrays.BooleanArray(yes.copy(), doubtful & ~yes)


def _names(sites: Ids, positions: NDArray[np.int64], like: pd.Series[str]) -> object:
    """Return site ids by position, missing where it is -1, as text or as categories like the table's."""
    if isinstance(like.dtype, pd.CategoricalDtype):
        return pd.Categorical.from_codes(positions, categories=sites)
    found = pd.Series(pd.NA, index=range(len(positions)), dtype=like.dtype)
    here = positions >= 0
    found[here] = sites.to_numpy()[positions[here]]
    return found.array
