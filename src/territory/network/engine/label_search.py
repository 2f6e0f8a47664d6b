"""Searches whose labels are a time and a length, packed in one int64 with the time above, which is compared first."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from territory.errors import NetworkError
from territory.network.engine.compiling import kernel
from territory.network.engine.dijkstra import in_parts
from territory.network.engine.graph import (
    MAX_TIME_MS,
    UNREACHED,
    Graph,
    Int32,
    Int64,
    Integer,
    Seeds,
    checked_limit,
)


def checked_lengths(lengths_dm: ArrayLike, shape: tuple[int, ...]) -> Int64:
    """Return lengths (dm) as int64, or raise if they are not whole numbers of the right shape."""
    lengths = np.asarray(lengths_dm)
    if lengths.shape != shape or (lengths.dtype.kind not in "iu" and lengths.size):
        raise NetworkError(
            f"Longueurs de forme {lengths.shape} et de type {lengths.dtype} : il faut des nombres entiers de "
            f"décimètres, de forme {shape}."
        )
    if lengths.size and not 0 <= int(lengths.min()) <= int(lengths.max()) <= MAX_TIME_MS:
        raise NetworkError(
            f"Longueurs de {lengths.min()} à {lengths.max()} dm : elles doivent aller de 0 à {MAX_TIME_MS} dm."
        )
    return lengths.astype(np.int64)


def check_no_overflow(weights_ms: Int32, lengths_dm: Int64) -> None:
    """Raise if the length of some path could exceed what fits beside its time."""
    # an edge driven at less than 360 km/h is no longer in decimetres than its time in milliseconds: a path of
    # MAX_TIME_MS is shorter than that plus what the few faster edges have in excess
    excess = int(np.maximum(lengths_dm - weights_ms, 0).sum())
    if excess > MAX_TIME_MS:
        raise NetworkError(
            f"Longueurs : {excess // 10000} km sont parcourus à plus de 360 km/h : vérifiez que les longueurs "
            "sont en décimètres et les durées en millisecondes."
        )


def point_lengths(points: Seeds, lengths_dm: ArrayLike | None) -> Int64:
    """Return the lengths between points and their nodes, 0 if none are given."""
    if lengths_dm is None:
        return np.zeros(points.nodes.shape, np.int64)
    return checked_lengths(lengths_dm, points.nodes.shape)


def pack(times_ms: Int32, lengths_dm: Int64 | int) -> Int64:
    """Return labels `time << 32 | length`, closed edges just beyond the longest time."""
    return (np.minimum(times_ms, np.int32(MAX_TIME_MS + 1)).astype(np.int64) << 32) | lengths_dm


def unpack(labels: Int64) -> tuple[Int32, Int32]:
    """Return times (ms) and lengths (dm) of labels, `UNREACHED` beyond the longest time."""
    is_far = labels >> 32 > MAX_TIME_MS
    times, lengths = (np.where(is_far, UNREACHED, part) for part in (labels >> 32, labels & 0xFFFFFFFF))
    return times.astype(np.int32), lengths.astype(np.int32)


_FAR = np.int64(2**62)


@kernel
def push_label(labels: Int64, nodes: Int32, size: int, label: Integer, node: Integer) -> int:
    """Add a label to a heap of `size` labels; return its new size."""
    place = size
    while place > 0:
        above = (place - 1) >> 2
        if labels[above] <= label:
            break
        labels[place] = labels[above]
        nodes[place] = nodes[above]
        place = above
    labels[place] = label
    nodes[place] = node
    return size + 1


@kernel
def pop_label(labels: Int64, nodes: Int32, size: int) -> int:
    """Take the least label, which the caller has read at place 0, off the heap; return its new size."""
    size -= 1
    last, last_node = labels[size], nodes[size]
    place = 0
    while True:
        child = 4 * place + 1
        if child >= size:
            break
        least = child
        for other in range(child + 1, min(child + 4, size)):
            if labels[other] < labels[least]:
                least = other
        if labels[least] >= last:
            break
        labels[place] = labels[least]
        nodes[place] = nodes[least]
        place = least
    labels[place] = last
    nodes[place] = last_node
    return size


#: Edges in compressed rows: where those of each node start, their heads, and what they add to a label.
Rows = tuple[Int64, Int32, Int64]
Heap = tuple[Int64, Int32]


@kernel
def fastest_labels(rows: Rows, nodes: Int32, starts: Int64, limit: int, labels: Int64, heap_of: Heap) -> None:
    """Write the least label of every node from any of some starts, for labels up to `limit`."""
    indptr, heads, weights = rows
    heap, heap_nodes = heap_of
    labels[:] = _FAR
    size = 0
    for side in range(len(nodes)):
        node = nodes[side]
        if node >= 0 and starts[side] <= limit and starts[side] < labels[node]:
            labels[node] = starts[side]
            size = push_label(heap, heap_nodes, size, starts[side], node)
    while size > 0:
        label, node = heap[0], heap_nodes[0]
        size = pop_label(heap, heap_nodes, size)
        if label > labels[node]:
            continue
        for place in range(indptr[node], indptr[node + 1]):
            reached = label + weights[place]
            if reached <= limit and reached < labels[heads[place]]:
                labels[heads[place]] = reached
                size = push_label(heap, heap_nodes, size, reached, heads[place])


@kernel
def labels_to_targets(
    rows: Rows,
    nodes: Int32,
    starts: Int64,
    target_nodes: Int32,
    target_labels: Int64,
    limit: int,
    out: Int64,
) -> None:
    """Write the least label from each seed to each target, one row per seed."""
    labels = np.empty(len(rows[0]) - 1, np.int64)
    heap = np.empty(len(rows[1]) + 2, np.int64), np.empty(len(rows[1]) + 2, np.int32)
    for seed in range(len(nodes)):
        fastest_labels(rows, nodes[seed], starts[seed], limit, labels, heap)
        for target in range(len(target_nodes)):
            best = _FAR
            for side in range(2):
                node = target_nodes[target, side]
                if node >= 0 and labels[node] < _FAR:
                    best = min(best, labels[node] + target_labels[target, side])
            out[seed, target] = best if best <= limit else _FAR


def shortest_lengths(
    graph: Graph,
    seeds: Seeds,
    targets: Seeds,
    lengths_dm: ArrayLike,
    *,
    seed_lengths_dm: ArrayLike | None = None,
    target_lengths_dm: ArrayLike | None = None,
    limit_ms: int = MAX_TIME_MS,
    threads: int | None = None,
) -> tuple[Int32, Int32]:
    """Return times (ms), and lengths (dm) along the fastest paths: the shortest among equally fast ones.

    Lengths of edges are in the order of their numbers, those of points shaped as their offsets. Two paths of 20 ms:

    >>> graph = Graph.from_edges(4, [0, 1, 0, 2], [1, 3, 2, 3], [10, 10, 5, 15])
    >>> ends, outer = (Seeds.at_nodes([0]), Seeds.at_nodes([3])), np.zeros((1, 2), int)
    >>> times, lengths = shortest_lengths(
    ...     graph, *ends, [300, 300, 100, 100], seed_lengths_dm=outer, target_lengths_dm=outer, limit_ms=99)
    >>> int(times[0, 0]), int(lengths[0, 0])
    (20, 200)
    """
    limit = (checked_limit(limit_ms) << 32) | 0xFFFFFFFF
    seeds.check(graph.n_nodes)
    targets.check(graph.n_nodes)
    lengths = checked_lengths(lengths_dm, (graph.n_edges,))
    check_no_overflow(graph.weights_ms, lengths[graph.edge_ids])
    weights = pack(graph.weights_ms, lengths[graph.edge_ids])
    starts = pack(seeds.offsets_ms, point_lengths(seeds, seed_lengths_dm))
    ends = pack(targets.offsets_ms, point_lengths(targets, target_lengths_dm))
    labels = np.empty((len(seeds), len(targets)), np.int64)

    def fill(part: slice) -> None:
        given = (seeds.nodes[part], starts[part], targets.nodes, ends, limit, labels[part])
        labels_to_targets((graph.indptr, graph.heads, weights), *given)

    in_parts(fill, len(seeds), threads)
    return unpack(labels)
