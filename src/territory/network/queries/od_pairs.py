"""From points placed on roads to times between them, with either engine."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from territory.network.engine.dijkstra import limited_search, shortest_lengths
from territory.network.engine.graph import MAX_TIME_MS, UNREACHED, Graph
from territory.network.engine.hierarchy import Metric
from territory.network.engine.sweeps import TileSearch, in_source_order
from territory.network.graph.arrays import BACKWARD, FORWARD, Ints
from territory.network.points.endpoints import Endpoints

__all__ = [
    "Pairs",
    "direct_pairs",
    "lengths_of_pairs",
    "merge",
    "pairs_by_hierarchy",
    "pairs_by_search",
    "pairs_by_tiles",
]

# origins whose rows of the matrix are held at once when only near pairs are kept: 64 million times
_TIMES_AT_ONCE = 1 << 26
# from so many origins on, a search from neighbours together says which destinations are worth a sweep
_TILED_FROM = 256


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
        *_least_of_both(
            (pairs.origin, pairs.destination, pairs.time_ms),
            (others.origin[kept], others.destination[kept], others.time_ms[kept]),
        )
    )


def _least_of_both(pairs: tuple[Ints, Ints, Ints], few: tuple[Ints, Ints, Ints]) -> tuple[Ints, Ints, Ints]:
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


def pairs_by_search(
    graph: Graph, origins: Endpoints, destinations: Endpoints, limit_ms: int, *, threads: int | None
) -> Pairs:
    """Return the pairs within a limit with the search that needs no preparation."""
    found = limited_search(graph, origins.leaving, destinations.arriving, limit_ms, threads=threads)
    origin, destination, time = (column.astype(np.int64) for column in found)
    return Pairs(origin, destination, time)


def pairs_by_hierarchy(
    metric: Metric,
    graph: Graph,
    origins: Endpoints,
    destinations: Endpoints,
    limit_ms: int,
    *,
    threads: int | None,
) -> Pairs:
    """Return the pairs within a limit with the hierarchy, some origins at a time."""
    n_origins, n_destinations = len(origins.leaving), len(destinations.arriving)
    if limit_ms < MAX_TIME_MS and n_origins >= _TILED_FROM:
        found = metric.limited_search(
            graph, origins.leaving, destinations.arriving, limit_ms, threads=threads
        )
        return Pairs(*(column.astype(np.int64) for column in found))
    at_once = max(1, _TIMES_AT_ONCE // max(1, n_destinations))
    parts: list[tuple[Ints, Ints, Ints]] = []
    for begin in range(0, n_origins, at_once):
        block = metric.matrix(
            origins.leaving[begin : begin + at_once], destinations.arriving, threads=threads
        )
        row, column = np.nonzero(block <= min(limit_ms, MAX_TIME_MS))
        parts.append((row + begin, column, block[row, column].astype(np.int64)))
    return Pairs(*(np.concatenate([part[place] for part in parts]) for place in range(3)))


def lengths_of_pairs(
    graph: Graph,
    lengths_dm: NDArray[np.int32],
    open_directions: NDArray[np.int8],
    origins: Endpoints,
    destinations: Endpoints,
    limit_ms: int,
    *,
    threads: int | None,
) -> tuple[Pairs, Ints]:
    """Return times within a limit and lengths (dm) along the fastest paths, the shortest of equal ones."""
    times, lengths = shortest_lengths(
        graph,
        origins.leaving,
        destinations.arriving,
        lengths_dm,
        seed_lengths_dm=origins.leaving_dm,
        target_lengths_dm=destinations.arriving_dm,
        limit_ms=limit_ms,
        threads=threads,
    )
    direct, direct_dm = direct_pairs(open_directions, origins, destinations)
    label = (times.astype(np.int64) << 32) | lengths
    label[times == UNREACHED] = np.iinfo(np.int64).max
    np.minimum.at(label, (direct.origin, direct.destination), (direct.time_ms << 32) | direct_dm)
    row, column = np.nonzero((label >> 32) <= limit_ms)
    kept = label[row, column]
    return Pairs(row, column, kept >> 32), kept & 0xFFFFFFFF


def pairs_by_tiles(
    metric: Metric,
    search: TileSearch,
    open_directions: NDArray[np.int8],
    origins: Endpoints,
    destinations: Endpoints,
    limit_ms: int,
    *,
    threads: int,
) -> tuple[Pairs, Ints | None]:
    """Return times within a limit, and lengths (dm) if the metric has some, by a search made ready beforehand."""
    starts = metric.labels_of(origins.leaving, origins.leaving_dm if metric.has_lengths else None)
    found = Pairs(*in_source_order(search.tiles(origins.leaving, starts, threads), len(origins), np.int64))
    direct, direct_dm = direct_pairs(open_directions, origins, destinations)
    near = direct.time_ms <= limit_ms
    few = Pairs(direct.origin[near], direct.destination[near], direct.time_ms[near])
    if not metric.has_lengths:
        return merge(found, few, limit_ms=limit_ms), None
    packed = (few.time_ms << 32) | direct_dm[near]
    origin, destination, label = _least_of_both(
        (found.origin, found.destination, found.time_ms), (few.origin, few.destination, packed)
    )
    return Pairs(origin, destination, label >> 32), label & 0xFFFFFFFF
