"""Loops over millions of pairs, compiled."""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray


@numba.njit(cache=True)
def first_duplicate(
    origin: NDArray[np.int32], site: NDArray[np.int32], n_origins: int, n_sites: int
) -> int:  # pragma: no cover - compiled
    """Return the row of a pair that another row already holds, -1 if there is none."""
    # a grid of flags is faster as long as the table fills a good part of it
    if n_origins * n_sites <= 16 * origin.size:
        seen = np.zeros(n_origins * n_sites, dtype=np.bool_)
        for row in range(origin.size):
            cell = origin[row] * n_sites + site[row]
            if seen[cell]:
                return int(row)
            seen[cell] = True
        return -1
    start = np.zeros(n_origins + 1, dtype=np.int64)
    for row in range(origin.size):
        start[origin[row] + 1] += 1
    for place in range(n_origins):
        start[place + 1] += start[place]
    # rows grouped by origin, whatever their order in the table
    rows = np.empty(origin.size, dtype=np.int64)
    filled = start[:-1].copy()
    for row in range(origin.size):
        rows[filled[origin[row]]] = row
        filled[origin[row]] += 1
    seen_by = np.full(n_sites, -1, dtype=np.int64)
    for place in range(n_origins):
        for slot in range(start[place], start[place + 1]):
            row = rows[slot]
            if seen_by[site[row]] == place:
                return int(row)
            seen_by[site[row]] = place
    return -1


@numba.njit(cache=True)
def translate(codes: NDArray[np.int32], lookup: NDArray[np.int32]) -> None:  # pragma: no cover - compiled
    """Replace codes by what the lookup says, in place: indexing would first copy them as wider numbers."""
    for row in range(codes.size):
        codes[row] = lookup[codes[row]]


@numba.njit(cache=True)
def k_closest(
    origin: NDArray[np.int32],
    site: NDArray[np.int32],
    minutes: NDArray[np.float64],
    n_origins: int,
    k: int,
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:  # pragma: no cover - compiled
    """Return the k closest sites of each origin and their times, -1 and NaN where there are fewer.

    Equal times are ordered by site position. Unknown times are skipped.
    """
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
