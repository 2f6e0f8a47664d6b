"""Searches whose labels are a time and a length, packed in one int64 with the time above, which is compared first."""

from heapq import heappop, heappush

import numpy as np
from numpy.typing import ArrayLike

from territory.errors import NetworkError
from territory.network.engine.compiling import inner_kernel, kernel
from territory.network.engine.dijkstra import in_parts
from territory.network.engine.graph import MAX_TIME_MS, Graph, Int32, Int64, Seeds, checked_limit

_FAR = np.int64(2**62)
#: Edges in compressed rows: where those of each node start, their heads, and what they add to a label.
Rows = tuple[Int64, Int32, Int64]


def checked_lengths(lengths_dm: ArrayLike, shape: tuple[int, ...]) -> Int64:
    """Return lengths (dm) as int64, or raise if they are not whole numbers of the right shape."""
    lengths = np.asarray(lengths_dm)
    if lengths.shape != shape or (lengths.dtype.kind not in "iu" and lengths.size):
        said = f"Longueurs de forme {lengths.shape} et de type {lengths.dtype}"
        raise NetworkError(f"{said} : il faut des nombres entiers de décimètres, de forme {shape}.")
    if lengths.size and not 0 <= int(lengths.min()) <= int(lengths.max()) <= MAX_TIME_MS:
        least, most = lengths.min(), lengths.max()
        raise NetworkError(f"Longueurs de {least} à {most} dm : elles doivent aller de 0 à {MAX_TIME_MS} dm.")
    return lengths.astype(np.int64)


def check_no_overflow(weights_ms: Int32, lengths_dm: Int64) -> None:
    """Raise if the length of some path could exceed what fits beside its time."""
    # an edge driven at less than 360 km/h is no longer in decimetres than its time in milliseconds: a path of
    # MAX_TIME_MS is shorter than that plus what the few faster edges have in excess
    excess = int(np.maximum(lengths_dm - weights_ms, 0).sum())
    if excess > MAX_TIME_MS:
        advice = "vérifiez que les longueurs sont en décimètres et les durées en millisecondes"
        raise NetworkError(f"Longueurs : {excess // 10000} km sont parcourus à plus de 360 km/h : {advice}.")


def pack(times_ms: Int32, lengths_dm: Int64) -> Int64:
    """Return labels `time << 32 | length`, closed edges just beyond the longest time."""
    return (np.minimum(times_ms, np.int32(MAX_TIME_MS + 1)).astype(np.int64) << 32) | lengths_dm


def labels_of_points(points: Seeds, lengths_dm: ArrayLike | None) -> Int64:
    """Return the labels between points and their nodes; lengths are shaped as the offsets, 0 if none are given."""
    lengths = np.zeros(points.nodes.shape, np.int64) if lengths_dm is None else lengths_dm
    return pack(points.offsets_ms, checked_lengths(lengths, points.nodes.shape))


def shortest_labels(
    graph: Graph,
    seeds: Seeds,
    targets: Seeds,
    lengths_dm: ArrayLike,
    *,
    source_lengths_dm: ArrayLike | None = None,
    target_lengths_dm: ArrayLike | None = None,
    limit_ms: int = MAX_TIME_MS,
    threads: int | None = None,
) -> Int64:
    """Return the labels of the fastest paths, of the shortest among equally fast ones; above any limit out of reach."""
    limit = (checked_limit(limit_ms) << 32) | 0xFFFFFFFF
    seeds.check(graph.n_nodes)
    targets.check(graph.n_nodes)
    lengths = checked_lengths(lengths_dm, (graph.n_edges,))[graph.edge_ids]
    check_no_overflow(graph.weights_ms, lengths)
    rows = graph.indptr, graph.heads, pack(graph.weights_ms, lengths)
    starts, ends = labels_of_points(seeds, source_lengths_dm), labels_of_points(targets, target_lengths_dm)
    labels = np.empty((len(seeds), len(targets)), np.int64)

    def fill(part: slice) -> None:
        _labels_to_targets(rows, seeds.nodes[part], starts[part], targets.nodes, ends, limit, labels[part])

    in_parts(fill, len(seeds), threads)
    return labels


@inner_kernel
def _fastest_labels(rows: Rows, nodes: Int32, starts: Int64, limit: int, labels: Int64) -> None:
    """Write the least label of every node from any of some starts, for labels up to `limit`."""
    indptr, heads, weights = rows
    labels[:] = _FAR
    # an entry tells the compiler what the heap holds
    heap = [(_FAR, np.int64(-1))]
    for side in range(len(nodes)):
        node = nodes[side]
        if node >= 0 and starts[side] <= limit and starts[side] < labels[node]:
            labels[node] = starts[side]
            heappush(heap, (starts[side], np.int64(node)))
    while True:
        label, node = heappop(heap)
        if label == _FAR:
            break
        if label > labels[node]:
            continue
        for place in range(indptr[node], indptr[node + 1]):
            reached = label + weights[place]
            if reached <= limit and reached < labels[heads[place]]:
                labels[heads[place]] = reached
                heappush(heap, (reached, np.int64(heads[place])))


@kernel
def _labels_to_targets(
    rows: Rows, nodes: Int32, starts: Int64, target_nodes: Int32, target_labels: Int64, limit: int, out: Int64
) -> None:
    """Write the least label from each seed to each target, one row per seed."""
    labels = np.empty(len(rows[0]) - 1, np.int64)
    for seed in range(len(nodes)):
        _fastest_labels(rows, nodes[seed], starts[seed], limit, labels)
        for target in range(len(target_nodes)):
            best = _FAR
            for side in range(2):
                node = target_nodes[target, side]
                if node >= 0 and labels[node] < _FAR:
                    best = min(best, labels[node] + target_labels[target, side])
            out[seed, target] = best if best <= limit else _FAR
