"""Times between points placed on roads: those that stay on one stretch of road, and the least of two lists."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from territory.network.graph.arrays import BACKWARD, FORWARD, Ints
from territory.network.points import Endpoints


@dataclass(frozen=True)
class Pairs:
    """Times between points: rows of the origins, rows of the destinations, times (ms), sorted by both."""

    origin: Ints
    destination: Ints
    time_ms: Ints


def direct_pairs(
    open_directions: NDArray[np.int8], origins: Endpoints, destinations: Endpoints
) -> tuple[Pairs, Ints]:
    """Return the times between points of one chain that do not leave it, and their lengths (dm)."""
    first = np.flatnonzero(origins.chain >= 0)
    second = np.flatnonzero(destinations.chain >= 0)
    second = second[np.argsort(destinations.chain[second], kind="stable")]
    sorted_chain = destinations.chain[second]
    low = np.searchsorted(sorted_chain, origins.chain[first], side="left")
    high = np.searchsorted(sorted_chain, origins.chain[first], side="right")
    counts = high - low
    one = np.repeat(first, counts)
    two = second[np.arange(one.size) - np.repeat(np.cumsum(counts) - counts, counts) + np.repeat(low, counts)]
    place_one, place_two = (
        (origins.hop[one], origins.share[one]),
        (destinations.hop[two], destinations.share[two]),
    )
    is_before = (place_one[0] < place_two[0]) | (
        (place_one[0] == place_two[0]) & (place_one[1] <= place_two[1])
    )
    is_after = (place_one[0] > place_two[0]) | (
        (place_one[0] == place_two[0]) & (place_one[1] >= place_two[1])
    )
    bits = open_directions[origins.chain[one]]
    parts = []
    for direction, allowed in (
        (0, is_before & ((bits & FORWARD) > 0)),
        (1, is_after & ((bits & BACKWARD) > 0)),
    ):
        a, b = one[allowed], two[allowed]
        time = destinations.done_ms[direction, b] - origins.done_ms[direction, a]
        length = destinations.done_dm[direction, b] - origins.done_dm[direction, a]
        parts.append(
            (
                a,
                b,
                time + origins.access_ms[a] + destinations.access_ms[b],
                length + origins.access_dm[a] + destinations.access_dm[b],
            )
        )
    columns = [np.concatenate([part[column] for part in parts]) for column in range(4)]
    return Pairs(columns[0], columns[1], columns[2]), columns[3]


def merge(pairs: Pairs, others: Pairs, *, limit_ms: int) -> Pairs:
    """Keep the fastest time of each pair of two lists, within a limit (ms)."""
    kept = others.time_ms <= limit_ms
    if not kept.any():
        return pairs
    return Pairs(
        *least_of_both(
            (pairs.origin, pairs.destination, pairs.time_ms),
            (others.origin[kept], others.destination[kept], others.time_ms[kept]),
        )
    )


def least_of_both(pairs: tuple[Ints, Ints, Ints], few: tuple[Ints, Ints, Ints]) -> tuple[Ints, Ints, Ints]:
    """Return the least value of each pair of two lists: many pairs, sorted, each once, and a few more."""
    if few[0].size == 0:
        return pairs
    width = 1 + max(int(column.max(initial=0)) for column in (pairs[1], few[1]))
    keys, new = (column[0].astype(np.int64) * width + column[1] for column in (pairs, few))
    order = np.lexsort([few[2], new])
    order = order[np.append(True, np.diff(new[order]) > 0)]
    new, least = new[order], few[2][order]
    place = np.searchsorted(keys, new)
    known = np.zeros(new.size, dtype=bool)
    inside = place < keys.size
    known[inside] = keys[place[inside]] == new[inside]
    values = pairs[2].copy()
    values[place[known]] = np.minimum(values[place[known]], least[known])
    absent = order[~known]
    columns = (few[0][absent], few[1][absent], least[~known])
    origin, destination, value = (
        np.insert(old, place[~known], added)
        for old, added in zip((pairs[0], pairs[1], values), columns, strict=True)
    )
    return origin, destination, value
