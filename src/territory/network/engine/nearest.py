"""The nearest sites of every node at once: one search from all sites on the reversed graph."""

from __future__ import annotations

import numpy as np

from territory.errors import ParameterError
from territory.network.engine.graph import MAX_TIME_MS, UNREACHED, Graph, Int32, Int64, Seeds
from territory.network.engine.kernels import label_search as label_kernels
from territory.network.engine.kernels.labels import checked_limit


def k_nearest(
    graph: Graph, targets: Seeds, k: int = 1, *, limit_ms: int = MAX_TIME_MS
) -> tuple[Int32, Int32]:
    """Return, for every node at once, the nearest targets and the times to them.

    One search runs from all targets together on the reversed graph; equally near targets come in the order
    of their numbers.

    Parameters
    ----------
    graph
        Graph to search, as it is driven.
    targets
        Destinations.
    k
        How many targets to find per node.
    limit_ms
        Longest time kept, inclusive (ms).

    Returns
    -------
    numbers, times : int32 arrays [nodes, k]
        Numbers of the targets, nearest first, and times (ms); -1 and `UNREACHED` where there are fewer.

    Raises
    ------
    NetworkError
        Targets attached to a node that the graph lacks.
    ParameterError
        `k` below 1, or a limit out of range.

    Examples
    --------
    >>> graph = Graph.from_edges(3, [0, 1], [1, 2], [10, 20])
    >>> numbers, times = k_nearest(graph, Seeds.at_nodes([2, 1]), 2)
    >>> numbers.tolist(), times[0].tolist()
    ([[1, 0], [1, 0], [0, -1]], [10, 30])
    """
    limit = checked_limit(limit_ms)
    if k < 1:
        raise ParameterError(f"k={k} : indiquez au moins un site à trouver par point.")
    targets.check(graph.n_nodes)
    back = graph.reversed()
    weights = np.minimum(back.weights_ms, np.int32(MAX_TIME_MS + 1))
    labels = np.empty((graph.n_nodes, k), np.int64)
    given = (back.indptr, back.heads, weights, targets.nodes, targets.offsets_ms, limit)
    if k == 1:
        label_kernels.nearest_target(*given, labels[:, 0])
    else:
        label_kernels.nearest_targets(*given, labels)
    return _unpack_targets(labels)


def k_nearest_sites(
    graph: Graph, sources: Seeds, targets: Seeds, k: int = 1, *, limit_ms: int = MAX_TIME_MS
) -> tuple[Int32, Int32]:
    """Return, for each source, the nearest targets and the times to them.

    Parameters
    ----------
    graph
        Graph to search, as it is driven.
    sources, targets
        Origins and destinations.
    k
        How many targets to find per source.
    limit_ms
        Longest time kept, inclusive (ms).

    Returns
    -------
    numbers, times : int32 arrays [sources, k]
        Numbers of the targets, nearest first, and times (ms); -1 and `UNREACHED` where there are fewer.

    Raises
    ------
    NetworkError
        Points attached to a node that the graph lacks.
    ParameterError
        `k` below 1, or a limit out of range.

    Examples
    --------
    >>> graph = Graph.from_edges(3, [0, 1], [1, 2], [10, 20])
    >>> k_nearest_sites(graph, Seeds([[0, -1]], [[5, 0]]), Seeds.at_nodes([2, 1]))[1].tolist()
    [[15]]
    """
    sources.check(graph.n_nodes)
    numbers, times = k_nearest(graph, targets, k, limit_ms=limit_ms)
    if not graph.n_nodes:
        return np.full((len(sources), k), -1, np.int32), np.full((len(sources), k), UNREACHED, np.int32)
    nodes = np.maximum(sources.nodes, 0)
    reached = times[nodes].astype(np.int64) + sources.offsets_ms[:, :, None]
    reached[(times[nodes] == UNREACHED) | (sources.nodes[:, :, None] < 0) | (reached > limit_ms)] = UNREACHED
    labels = (reached << 32 | (numbers[nodes].astype(np.int64) & 0xFFFFFFFF)).reshape(len(sources), 2 * k)
    labels.sort(axis=1)
    # a target may come through both nodes: only its faster way counts
    for column in range(1, 2 * k):
        seen = (labels[:, :column] & 0xFFFFFFFF == labels[:, column : column + 1] & 0xFFFFFFFF).any(axis=1)
        labels[seen, column] = np.iinfo(np.int64).max
    labels.sort(axis=1)
    return _unpack_targets(labels[:, :k])


def _unpack_targets(labels: Int64) -> tuple[Int32, Int32]:
    """Return numbers and times of labels `time << 32 | target`, -1 and `UNREACHED` where there is none."""
    times, numbers = labels >> 32, labels & 0xFFFFFFFF
    far = times > MAX_TIME_MS
    return np.where(far, -1, numbers).astype(np.int32), np.where(far, UNREACHED, times).astype(np.int32)
