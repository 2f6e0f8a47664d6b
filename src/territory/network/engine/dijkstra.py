"""Searches that need no preparation, within a limit or to all nodes: Dijkstra's algorithm on compressed rows.

The heap is four-way and holds packed integers, `time << 32 | node`: one comparison, one move. Distances are reset
through the list of touched nodes, so that a limited search costs what it visits whatever the size of the map.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from territory.network.engine.compiling import count_threads, kernel, run_tasks
from territory.network.engine.graph import (
    MAX_TIME_MS,
    UNREACHED,
    Bool,
    Graph,
    Int32,
    Int64,
    Integer,
    Seeds,
    checked_limit,
    group_by,
)

#: Seeds searched by one task: enough to pay for its arrays, few enough to share the work out evenly.
SEEDS_PER_TASK = 64


def limited_search(
    graph: Graph, seeds: Seeds, targets: Seeds, limit_ms: int, *, threads: int | None = None
) -> tuple[Int32, Int32, Int32]:
    """Return the pairs of a seed and a target that are within a limit of time, and their times.

    Parameters
    ----------
    graph
        Graph to search.
    seeds
        Origins; nearby nodes should have nearby numbers, for searches share the caches then.
    targets
        Destinations.
    limit_ms
        Longest time kept, inclusive (ms).
    threads
        Number of threads; as many as there are processors by default. It changes nothing in the result.

    Returns
    -------
    tuple of int32 arrays
        Number of the seed, number of the target, and time (ms) of each pair, by seed and then target.

    Raises
    ------
    NetworkError
        Seeds or targets attached to a node that the graph lacks.
    ParameterError
        A limit out of range.

    References
    ----------
    E. W. Dijkstra (1959), "A note on two problems in connexion with graphs", Numerische Mathematik 1.

    Examples
    --------
    >>> graph = Graph.from_edges(3, [0, 1], [1, 2], [10, 20])
    >>> pairs = limited_search(graph, Seeds.at_nodes([0]), Seeds.at_nodes([0, 1, 2]), 15)
    >>> [column.tolist() for column in pairs]
    [[0, 0], [0, 1], [0, 10]]
    """
    limit = checked_limit(limit_ms)
    seeds.check(graph.n_nodes)
    targets.check(graph.n_nodes)
    at_node, target_of, target_offset, is_target = targets_by_node(graph.n_nodes, targets)
    arcs = graph.arcs

    def pairs_of(first: int) -> tuple[Int32, Int32, Int32]:
        part = slice(first, first + per_task)
        return limited_pairs(
            graph.indptr,
            arcs,
            seeds.nodes[part],
            seeds.offsets_ms[part],
            limit,
            at_node,
            target_of,
            target_offset,
            is_target,
            len(targets),
        )

    n_threads = count_threads(threads)
    per_task = max(1, min(SEEDS_PER_TASK, -(-len(seeds) // n_threads)))
    parts = run_tasks(pairs_of, range(0, len(seeds), per_task), n_threads)
    if not parts:
        return np.empty(0, np.int32), np.empty(0, np.int32), np.empty(0, np.int32)
    counts = np.concatenate([part[0] for part in parts])
    return (
        np.repeat(np.arange(len(seeds), dtype=np.int32), counts),
        np.concatenate([part[1] for part in parts]),
        np.concatenate([part[2] for part in parts]),
    )


def one_to_all(
    graph: Graph, seeds: Seeds, *, limit_ms: int = MAX_TIME_MS, threads: int | None = None
) -> Int32:
    """Return the times from each seed to every node.

    Parameters
    ----------
    graph
        Graph to search.
    seeds
        Origins.
    limit_ms
        Longest time kept, inclusive (ms); nodes beyond it are `UNREACHED`.
    threads
        Number of threads; it changes nothing in the result.

    Returns
    -------
    int32 array [seeds, nodes]
        Times (ms), `UNREACHED` where no path leads.

    Raises
    ------
    NetworkError
        Seeds attached to a node that the graph lacks.
    ParameterError
        A limit out of range.

    Examples
    --------
    >>> one_to_all(Graph.from_edges(3, [0], [1], [10]), Seeds.at_nodes([0]))[0, :2].tolist()
    [0, 10]
    """
    limit = checked_limit(limit_ms)
    seeds.check(graph.n_nodes)
    arcs = graph.arcs
    times = np.empty((len(seeds), graph.n_nodes), np.int32)

    def fill(first: int) -> None:
        part = slice(first, first + per_task)
        rows_of_times(graph.indptr, arcs, seeds.nodes[part], seeds.offsets_ms[part], limit, times[part])

    n_threads = count_threads(threads)
    per_task = max(1, min(SEEDS_PER_TASK, -(-len(seeds) // n_threads)))
    run_tasks(fill, range(0, len(seeds), per_task), n_threads)
    return times


def targets_by_node(n_nodes: int, targets: Seeds) -> tuple[Int64, Int32, Int32, NDArray[np.bool_]]:
    """Return the targets at each node in compressed rows, with their offsets, and which nodes have any."""
    attached = targets.nodes.ravel() >= 0
    nodes = targets.nodes.ravel()[attached]
    numbers = np.repeat(np.arange(len(targets), dtype=np.int32), 2)[attached]
    at_node, order = group_by(n_nodes, nodes)
    offsets = targets.offsets_ms.ravel()[attached]
    return at_node, numbers[order], offsets[order], np.diff(at_node) > 0


_FAR = np.int32(UNREACHED)
_NODE_BITS = np.int64(0xFFFFFFFF)


@kernel
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


@kernel
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


@kernel
def search(
    indptr: Int64,
    arcs: Int32,
    nodes: Int32,
    offsets: Int32,
    limit: int,
    is_target: Bool,
    n_left: int,
    distances: Int32,
    touched: Int32,
    heap: Int64,
    hits: Int32,
) -> tuple[int, int]:
    """Search from one seed up to `limit`; return how many nodes were touched and how many targets hit.

    `distances` must hold `UNREACHED` everywhere; the search stops once all of the `n_left` target nodes are hit.
    """
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
            if n_hits == n_left:
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


@kernel
def limited_pairs(
    indptr: Int64,
    arcs: Int32,
    nodes: Int32,
    offsets: Int32,
    limit: int,
    at_node: Int64,
    target_of: Int32,
    target_offset: Int32,
    is_target: Bool,
    n_targets: int,
) -> tuple[Int32, Int32, Int32]:
    """Return, for each seed in turn, the targets reached within `limit`, in their order, and their times."""
    n_nodes = len(indptr) - 1
    distances = np.full(n_nodes, _FAR, np.int32)
    touched = np.empty(n_nodes, np.int32)
    heap = np.empty(len(arcs) + 2, np.int64)
    n_left = is_target.sum()
    hits = np.empty(n_left, np.int32)
    best = np.full(n_targets, _FAR, np.int32)
    found = np.empty(n_targets, np.int32)
    counts = np.zeros(len(nodes), np.int32)
    targets = np.empty(1024, np.int32)
    times = np.empty(1024, np.int32)
    total = 0
    for seed in range(len(nodes)):
        n_touched, n_hits = search(
            indptr, arcs, nodes[seed], offsets[seed], limit, is_target, n_left, distances, touched, heap, hits
        )
        n_found = _reach_targets(
            hits[:n_hits], distances, limit, at_node, target_of, target_offset, best, found
        )
        for place in range(n_touched):
            distances[touched[place]] = _FAR
        if total + n_found > len(targets):
            targets = _longer(targets, total, total + n_found)
            times = _longer(times, total, total + n_found)
        found[:n_found].sort()
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
    at_node: Int64,
    target_of: Int32,
    target_offset: Int32,
    is_target: Bool,
    distances: Int32,
    touched: Int32,
    heap: Int64,
    hits: Int32,
    best: Int32,
    found: Int32,
) -> Int32:
    """Return the targets within `limit` of any of some starts, in their order.

    `distances` and `best` must hold `UNREACHED` everywhere, and do once more at the end; `heap` must have room for
    every arc and every start.
    """
    n_touched, n_hits = search(
        indptr, arcs, nodes, offsets, limit, is_target, len(hits), distances, touched, heap, hits
    )
    n_found = _reach_targets(hits[:n_hits], distances, limit, at_node, target_of, target_offset, best, found)
    for place in range(n_touched):
        distances[touched[place]] = _FAR
    for place in range(n_found):
        best[found[place]] = _FAR
    return np.sort(found[:n_found])


@kernel
def _reach_targets(
    hits: Int32,
    distances: Int32,
    limit: int,
    at_node: Int64,
    target_of: Int32,
    target_offset: Int32,
    best: Int32,
    found: Int32,
) -> int:
    """Write the best time of each target within `limit` of a search; return how many there are."""
    n_found = 0
    for node in hits:
        for place in range(at_node[node], at_node[node + 1]):
            target = target_of[place]
            time = np.int64(distances[node]) + target_offset[place]
            if time <= limit and time < best[target]:
                if best[target] == _FAR:
                    found[n_found] = target
                    n_found += 1
                best[target] = time
    return n_found


@kernel
def _longer(values: Int32, used: int, needed: int) -> Int32:
    """Return a copy of the first values with room for more."""
    longer = np.empty(max(needed, 2 * len(values)), np.int32)
    longer[:used] = values[:used]
    return longer


@kernel
def rows_of_times(indptr: Int64, arcs: Int32, nodes: Int32, offsets: Int32, limit: int, out: Int32) -> None:
    """Write the times from each seed to every node, one row per seed."""
    n_nodes = len(indptr) - 1
    touched = np.empty(n_nodes, np.int32)
    heap = np.empty(len(arcs) + 2, np.int64)
    nothing = np.zeros(n_nodes, np.bool_)
    hits = np.empty(0, np.int32)
    for seed in range(len(nodes)):
        out[seed, :] = _FAR
        search(indptr, arcs, nodes[seed], offsets[seed], limit, nothing, 0, out[seed], touched, heap, hits)
