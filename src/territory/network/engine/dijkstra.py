"""Searches that need no preparation, within a limit or to all nodes: Dijkstra's algorithm (1959) on compressed rows.

The heap is four-way and holds packed integers, `time << 32 | node`: one comparison, one move. Distances are reset
through the list of touched nodes, so that a limited search costs what it visits whatever the size of the map.
"""

from collections.abc import Callable
from typing import NamedTuple, TypeVar

import numpy as np

from territory.network.engine import graph as graphs
from territory.network.engine.compiling import (
    count_threads,
    inner_kernel,
    kernel,
    run_tasks,
    sort_range,
    with_room,
)
from territory.network.engine.graph import MAX_TIME_MS, UNREACHED, Bool, Graph, Int32, Int64, Integer, Seeds

Result = TypeVar("Result")

#: Seeds searched by one task: enough to pay for its arrays, few enough to share the work out evenly.
_SEEDS_PER_TASK = 64


class TargetRows(NamedTuple):
    """The targets at each node in compressed rows, with their offsets (ms), and which nodes have any."""

    start: Int64
    numbers: Int32
    offsets: Int32
    is_target: Bool


class Room(NamedTuple):
    """Arrays that a search writes in; it finds `UNREACHED` everywhere in `distances`, and has room for all hits."""

    distances: Int32
    touched: Int32
    heap: Int64
    hits: Int32


def limited_search(
    graph: Graph, seeds: Seeds, targets: Seeds, limit_ms: int, *, threads: int | None = None
) -> tuple[Int32, Int32, Int32]:
    """Return the pairs of a seed and a target within a limit, and their times (ms); near seeds want near numbers."""
    limit = graphs.checked_limit(limit_ms)
    seeds.check(graph.n_nodes)
    targets.check(graph.n_nodes)
    rows = targets_by_node(graph.n_nodes, targets)
    arcs = graph.arcs

    def pairs_of(part: slice) -> tuple[Int32, Int32, Int32]:
        starts = seeds.nodes[part], seeds.offsets_ms[part]
        return limited_pairs(graph.indptr, arcs, *starts, limit, rows, len(targets))

    parts = in_parts(pairs_of, len(seeds), threads)
    if not parts:
        return np.empty(0, np.int32), np.empty(0, np.int32), np.empty(0, np.int32)
    counts, reached, times = (np.concatenate(column) for column in zip(*parts, strict=True))
    return np.repeat(np.arange(len(seeds), dtype=np.int32), counts), reached, times


def one_to_all(
    graph: Graph, seeds: Seeds, *, limit_ms: int = MAX_TIME_MS, threads: int | None = None
) -> Int32:
    """Return the times from each seed to every node (ms), `UNREACHED` beyond the limit."""
    limit = graphs.checked_limit(limit_ms)
    seeds.check(graph.n_nodes)
    arcs = graph.arcs
    times = np.empty((len(seeds), graph.n_nodes), np.int32)

    def fill(part: slice) -> None:
        rows_of_times(graph.indptr, arcs, seeds.nodes[part], seeds.offsets_ms[part], limit, times[part])

    in_parts(fill, len(seeds), threads)
    return times


def in_parts(function: Callable[[slice], Result], n_seeds: int, threads: int | None) -> list[Result]:
    """Run a function over parts of a list of seeds, shared out among threads; return the results in order."""
    n_threads = count_threads(threads)
    size = max(1, min(_SEEDS_PER_TASK, -(-n_seeds // n_threads)))
    return run_tasks(function, [slice(first, first + size) for first in range(0, n_seeds, size)], n_threads)


def targets_by_node(n_nodes: int, targets: Seeds) -> TargetRows:
    """Return the targets at each node."""
    attached = targets.nodes.ravel() >= 0
    nodes = targets.nodes.ravel()[attached]
    numbers = np.repeat(np.arange(len(targets), dtype=np.int32), 2)[attached]
    at_node, order = graphs.group_by(n_nodes, nodes)
    offsets = targets.offsets_ms.ravel()[attached]
    return TargetRows(at_node, numbers[order], offsets[order], np.diff(at_node) > 0)


_FAR = np.int32(UNREACHED)
_DENSE = 32
_NODE_BITS = np.int64(0xFFFFFFFF)


@inner_kernel
def push(heap: Int64, size: int, entry: Integer) -> int:
    """Add an entry to a heap of `size` entries; return its new size."""
    place = np.uint32(size)
    while place > 0:
        above = (place - np.uint32(1)) >> np.uint32(2)
        if heap[above] <= entry:
            break
        heap[place] = heap[above]
        place = above
    heap[place] = entry
    return size + 1


@inner_kernel
def pop(heap: Int64, size: int) -> int:
    """Take the least entry, which the caller has read at place 0, off the heap; return its new size."""
    size -= 1
    last = heap[size]
    count = np.uint32(size)
    place = np.uint32(0)
    while True:
        child = np.uint32(4) * place + np.uint32(1)
        if child >= count:
            break
        least, least_entry = child, heap[child]
        for step in range(1, 4):
            other = child + np.uint32(step)
            if other < count and heap[other] < least_entry:
                least, least_entry = other, heap[other]
        if least_entry >= last:
            break
        heap[place] = least_entry
        place = least
    heap[place] = last
    return size


@inner_kernel
def search(
    indptr: Int64, arcs: Int32, nodes: Int32, offsets: Int32, limit: int, is_target: Bool, room: Room
) -> tuple[int, int]:
    """Search from one seed until all targets are hit; return how many nodes were touched and how many hit."""
    distances, touched, heap, hits = room
    n_touched, n_hits, size = 0, 0, 0
    for side in range(len(nodes)):
        node = nodes[side]
        if node >= 0 and offsets[side] <= limit and offsets[side] < distances[node]:
            if distances[node] == _FAR:
                touched[n_touched] = node
                n_touched += 1
            distances[node] = offsets[side]
            size = push(heap, size, (np.int64(offsets[side]) << 32) | np.int64(node))
    while size > 0:
        entry = heap[0]
        time = entry >> 32
        node = np.uint32(entry & _NODE_BITS)
        size = pop(heap, size)
        if time > distances[node]:
            continue
        if is_target[node]:
            hits[n_hits] = node
            n_hits += 1
            if n_hits == len(hits):
                break
        for place in range(indptr[node], indptr[node + np.uint32(1)]):
            head = np.uint32(arcs[place, 0])
            reached = time + arcs[place, 1]
            if reached <= limit and reached < distances[head]:
                if distances[head] == _FAR:
                    touched[n_touched] = head
                    n_touched += 1
                distances[head] = reached
                size = push(heap, size, (reached << 32) | np.int64(head))
    return n_touched, n_hits


@inner_kernel
def _room(n_nodes: int, n_arcs: int, n_hits: int) -> Room:
    """Return room for searches from one seed at a time."""
    distances, touched = np.full(n_nodes, _FAR, np.int32), np.empty(n_nodes, np.int32)
    return Room(distances, touched, np.empty(n_arcs + 2, np.int64), np.empty(n_hits, np.int32))


@kernel
def limited_pairs(
    indptr: Int64, arcs: Int32, nodes: Int32, offsets: Int32, limit: int, rows: TargetRows, n_targets: int
) -> tuple[Int32, Int32, Int32]:
    """Return, for each seed in turn, the targets reached within `limit`, in their order, and their times."""
    room = _room(len(indptr) - 1, len(arcs), rows.is_target.sum())
    best = np.full(n_targets, _FAR, np.int32)
    found = np.empty(n_targets + 1, np.int32)
    counts = np.zeros(len(nodes), np.int32)
    targets = np.empty(1024, np.int32)
    times = np.empty(1024, np.int32)
    total = 0
    for seed in range(len(nodes)):
        n_touched, n_hits = search(indptr, arcs, nodes[seed], offsets[seed], limit, rows.is_target, room)
        n_found = _reach_targets(n_touched, n_hits, limit, rows, room, best, found)
        if total + n_found > len(targets):
            targets = with_room(targets, total, total + n_found)
            times = with_room(times, total, total + n_found)
        if _DENSE * n_found > n_targets:
            # to read all of them in their order is faster than to sort most of them
            end = 0
            for target in range(n_targets):
                found[end] = target
                end += best[target] != _FAR
        else:
            sort_range(found, 0, n_found)
        for place in range(n_found):
            targets[total] = found[place]
            times[total] = best[found[place]]
            best[found[place]] = _FAR
            total += 1
        counts[seed] = n_found
    return counts, targets[:total], times[:total]


@kernel
def targets_within(
    indptr: Int64,
    arcs: Int32,
    nodes: Int32,
    offsets: Int32,
    limit: int,
    rows: TargetRows,
    room: Room,
    best: Int32,
    found: Int32,
) -> Int32:
    """Return the targets within `limit` of any of some starts, in their order; `best` is as `room.distances`."""
    n_touched, n_hits = search(indptr, arcs, nodes, offsets, limit, rows.is_target, room)
    n_found = _reach_targets(n_touched, n_hits, limit, rows, room, best, found)
    for place in range(n_found):
        best[found[place]] = _FAR
    sort_range(found, 0, n_found)
    return found[:n_found].copy()


@inner_kernel
def _reach_targets(
    n_touched: int, n_hits: int, limit: int, rows: TargetRows, room: Room, best: Int32, found: Int32
) -> int:
    """Write the best time of each target within `limit` of a search, and forget the search; return how many."""
    n_found = 0
    for node in room.hits[:n_hits]:
        for place in range(rows.start[node], rows.start[node + 1]):
            target = rows.numbers[place]
            time = np.int64(room.distances[node]) + rows.offsets[place]
            if time <= limit and time < best[target]:
                if best[target] == _FAR:
                    found[n_found] = target
                    n_found += 1
                best[target] = time
    for place in range(n_touched):
        room.distances[room.touched[place]] = _FAR
    return n_found


@kernel
def rows_of_times(indptr: Int64, arcs: Int32, nodes: Int32, offsets: Int32, limit: int, out: Int32) -> None:
    """Write the times from each seed to every node, one row per seed."""
    _, touched, heap, hits = _room(len(indptr) - 1, len(arcs), 0)
    nothing = np.zeros(len(indptr) - 1, np.bool_)
    for seed in range(len(nodes)):
        out[seed, :] = _FAR
        room = Room(out[seed], touched, heap, hits)
        search(indptr, arcs, nodes[seed], offsets[seed], limit, nothing, room)
