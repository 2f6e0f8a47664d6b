"""From points placed on roads to times between them, with either engine."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from territory.network.engine._compiling import kernel
from territory.network.engine.dijkstra import limited_search, shortest_lengths
from territory.network.engine.graph import MAX_TIME_MS, UNREACHED, Graph, Seeds
from territory.network.engine.hierarchy import Metric
from territory.network.graph import BACKWARD, FORWARD, Ints, Roads
from territory.network.snap import Places
from territory.network.speeds import HopTimes
from territory.network.turns import Arcs

__all__ = [
    "Endpoints",
    "Pairs",
    "attach",
    "direct_pairs",
    "lengths_of_pairs",
    "merge",
    "pairs_by_hierarchy",
    "pairs_by_search",
]

# origins whose rows of the matrix are held at once when only near pairs are kept: 64 million times
_TIMES_AT_ONCE = 1 << 26


@dataclass(frozen=True)
class Endpoints:
    """Points attached to the graph, as origins and as destinations.

    Parameters
    ----------
    leaving, arriving
        Nodes first reached from each point and last left towards it, with times (ms).
    leaving_dm, arriving_dm
        Lengths that go with them (dm).
    chain, hop, share
        Where the points are; chain -1 for a point at a junction.
    done_ms, done_dm
        Time (ms, by direction) and length (dm) from the start of the chain, in that direction, to the point.
    access_ms, access_dm
        Between the point and the road.
    """

    leaving: Seeds
    arriving: Seeds
    leaving_dm: Ints
    arriving_dm: Ints
    chain: Ints
    hop: Ints
    share: NDArray[np.float64]
    done_ms: Ints
    done_dm: Ints
    access_ms: Ints
    access_dm: Ints


@dataclass(frozen=True)
class Pairs:
    """Times between points: rows of the origins, rows of the destinations, times (ms), sorted by both."""

    origin: Ints
    destination: Ints
    time_ms: Ints


def attach(roads: Roads, arcs: Arcs, times: HopTimes, places: Places, *, access_kmh: float) -> Endpoints:
    """Attach places to the graph: the part of the segment and the access leg are counted.

    Parameters
    ----------
    roads, arcs, times
        The network.
    places
        Points placed on it; a hop of -1 leaves a point out of reach.
    access_kmh
        Speed between a point and its road, in a straight line (km/h).

    Returns
    -------
    Endpoints
    """
    placed = places.hop >= 0
    hop, share = np.maximum(places.hop, 0), np.where(placed, places.share, 0.0)
    chain = np.maximum(places.chain, 0)
    done_ms, left_ms, done_dm, left_dm = _split_chains(
        roads.chain_start, times.move, times.wait, roads.hop_length_m, chain, hop, share
    )
    distance = np.where(placed, places.distance_m, 0.0)
    access_ms = np.rint(distance * 3600.0 / access_kmh).astype(np.int64)
    access_dm = np.rint(10 * distance).astype(np.int64)
    at_tail = (share == 0.0) & (hop == roads.chain_start[chain])
    at_head = share == 1.0
    junction = np.where(at_tail, roads.tail[chain], roads.head[chain]).astype(np.int64)
    at_junction = at_tail | at_head
    out_nodes, in_nodes = (
        arcs.end_node[:, chain].T.astype(np.int64),
        arcs.start_node[:, chain].T.astype(np.int64),
    )

    def seeds(nodes: Ints, alone: Ints, offsets: Ints, access: Ints) -> tuple[Ints, Ints]:
        nodes, offsets = nodes.copy(), offsets.T + access[:, None]
        nodes[at_junction, 0], nodes[at_junction, 1] = alone[at_junction], -1
        offsets[at_junction] = access[at_junction, None]
        nodes[~placed] = -1
        return nodes, np.where(nodes < 0, 0, offsets)

    leaving = seeds(out_nodes, junction, left_ms, access_ms)
    arriving = seeds(in_nodes, arcs.arrival_node[junction].astype(np.int64), done_ms, access_ms)
    return Endpoints(
        Seeds(*leaving),
        Seeds(*arriving),
        seeds(out_nodes, junction, left_dm, access_dm)[1],
        seeds(in_nodes, junction, done_dm, access_dm)[1],
        np.where(placed & ~at_junction, places.chain, -1),
        hop,
        share,
        done_ms,
        done_dm,
        access_ms,
        access_dm,
    )


@kernel
def _split_chains(
    chain_start: Ints,
    move: NDArray[np.int32],
    wait: NDArray[np.int32],
    length_m: NDArray[np.float32],
    chain: Ints,
    hop: Ints,
    share: NDArray[np.float64],
) -> tuple[Ints, Ints, Ints, Ints]:  # pragma: no cover - compiled
    """Return times (ms) and lengths (dm) done and left at places on chains, by direction."""
    done_ms = np.zeros((2, chain.size), dtype=np.int64)
    left_ms = np.zeros((2, chain.size), dtype=np.int64)
    done_dm = np.zeros((2, chain.size), dtype=np.int64)
    left_dm = np.zeros((2, chain.size), dtype=np.int64)
    for point in range(chain.size):
        here, part = hop[point], share[point]
        total_0, total_1, before_0, before_1, length, before_m = 0, 0, 0, 0, 0.0, 0.0
        for i in range(chain_start[chain[point]], chain_start[chain[point] + 1] - 1):
            total_0 += move[0, i] + wait[0, i]
            total_1 += move[1, i] + wait[1, i]
            length += length_m[i]
            if i < here:
                before_0 += move[0, i] + wait[0, i]
                before_m += length_m[i]
            elif i == here:
                before_0 += int(np.rint(part * move[0, i]))
                before_1 += int(np.rint((1.0 - part) * move[1, i]))
                before_m += part * length_m[i]
            else:
                before_1 += move[1, i] + wait[1, i]
        done_ms[0, point], done_ms[1, point] = before_0, before_1
        left_ms[0, point], left_ms[1, point] = total_0 - before_0, total_1 - before_1
        whole, first = np.int64(np.rint(10 * length)), np.int64(np.rint(10 * before_m))
        done_dm[0, point], done_dm[1, point] = first, whole - first
        left_dm[0, point], left_dm[1, point] = whole - first, first
    return done_ms, left_ms, done_dm, left_dm


def direct_pairs(roads: Roads, origins: Endpoints, destinations: Endpoints) -> tuple[Pairs, Ints]:
    """Return the times between points of one chain that do not leave it, and their lengths (dm).

    Parameters
    ----------
    roads
        The roads.
    origins, destinations
        Points attached to them.

    Returns
    -------
    tuple of Pairs and ndarray
        One row per pair and direction in which the chain may be driven from one to the other.
    """
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
    bits = roads.open_directions[origins.chain[one]]
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
    """Keep the fastest time of each pair of two lists, within a limit (ms).

    Parameters
    ----------
    pairs, others
        Two lists; the first is sorted and holds a pair once.
    limit_ms
        Longest time kept, inclusive (ms).

    Returns
    -------
    Pairs
    """
    if others.origin.size == 0:
        return pairs
    origin = np.concatenate([pairs.origin, others.origin])
    destination = np.concatenate([pairs.destination, others.destination])
    time = np.concatenate([pairs.time_ms, others.time_ms])
    order = np.lexsort([time, destination, origin])
    origin, destination, time = origin[order], destination[order], time[order]
    kept = np.append(True, (origin[1:] != origin[:-1]) | (destination[1:] != destination[:-1])) & (
        time <= limit_ms
    )
    return Pairs(origin[kept], destination[kept], time[kept])


def pairs_by_search(
    graph: Graph, origins: Endpoints, destinations: Endpoints, limit_ms: int, *, threads: int | None
) -> Pairs:
    """Return the pairs within a limit with the search that needs no preparation.

    Parameters
    ----------
    graph
        Graph with its times.
    origins, destinations
        Points attached to it.
    limit_ms
        Longest time kept, inclusive (ms).
    threads
        Number of threads, all by default.

    Returns
    -------
    Pairs
    """
    found = limited_search(graph, origins.leaving, destinations.arriving, limit_ms, threads=threads)
    origin, destination, time = (column.astype(np.int64) for column in found)
    return Pairs(origin, destination, time)


def pairs_by_hierarchy(
    metric: Metric, origins: Endpoints, destinations: Endpoints, limit_ms: int, *, threads: int | None
) -> Pairs:
    """Return the pairs within a limit with the hierarchy, some origins at a time.

    Parameters
    ----------
    metric
        Hierarchy with its times.
    origins, destinations, limit_ms, threads
        As in `pairs_by_search`.

    Returns
    -------
    Pairs
    """
    n_origins, n_destinations = len(origins.leaving), len(destinations.arriving)
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
    roads: Roads,
    origins: Endpoints,
    destinations: Endpoints,
    limit_ms: int,
    *,
    threads: int | None,
) -> tuple[Pairs, Ints]:
    """Return times within a limit and lengths (dm) along the fastest paths, the shortest of equal ones.

    Parameters
    ----------
    graph
        Graph with its times.
    lengths_dm
        Length of each arc (dm).
    roads, origins, destinations, limit_ms, threads
        As elsewhere in this module.

    Returns
    -------
    tuple of Pairs and ndarray
    """
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
    direct, direct_dm = direct_pairs(roads, origins, destinations)
    label = (times.astype(np.int64) << 32) | lengths
    label[times == UNREACHED] = np.iinfo(np.int64).max
    np.minimum.at(label, (direct.origin, direct.destination), (direct.time_ms << 32) | direct_dm)
    row, column = np.nonzero((label >> 32) <= limit_ms)
    kept = label[row, column]
    return Pairs(row, column, kept >> 32), kept & 0xFFFFFFFF
