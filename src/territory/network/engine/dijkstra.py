"""Searches that need no preparation: within a limit, to all nodes, with lengths."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from territory.network.engine.graph import MAX_TIME_MS, Graph, Int32, Int64, Seeds, group_by
from territory.network.engine.kernels import label_search as label_kernels
from territory.network.engine.kernels import search as search_kernels
from territory.network.engine.kernels.compiling import count_threads, run_tasks
from territory.network.engine.kernels.labels import (
    check_no_overflow,
    checked_lengths,
    checked_limit,
    pack,
    point_lengths,
    unpack,
)

#: Seeds searched by one task: enough to pay for its arrays, few enough to share the work out evenly.
_SEEDS_PER_TASK = 64


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
        return search_kernels.limited_pairs(
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
    per_task = max(1, min(_SEEDS_PER_TASK, -(-len(seeds) // n_threads)))
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
        search_kernels.rows_of_times(
            graph.indptr, arcs, seeds.nodes[part], seeds.offsets_ms[part], limit, times[part]
        )

    n_threads = count_threads(threads)
    per_task = max(1, min(_SEEDS_PER_TASK, -(-len(seeds) // n_threads)))
    run_tasks(fill, range(0, len(seeds), per_task), n_threads)
    return times


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
    """Return times, and lengths along the fastest paths: the shortest among equally fast ones.

    Parameters
    ----------
    graph
        Graph to search.
    seeds, targets
        Origins and destinations.
    lengths_dm
        Length of each edge, in the order of the edges' numbers (whole decimetres).
    seed_lengths_dm, target_lengths_dm
        Length between each point and its nodes, shaped as its offsets (dm); 0 by default.
    limit_ms
        Longest time kept, inclusive (ms).
    threads
        Number of threads; it changes nothing in the result.

    Returns
    -------
    times, lengths : int32 arrays [seeds, targets]
        Times (ms) and lengths (dm), both `UNREACHED` where no path leads within the limit.

    Raises
    ------
    NetworkError
        Lengths that are not whole, negative, of the wrong number, or so long that sums would overflow.
    ParameterError
        A limit out of range.

    Examples
    --------
    Two paths take 20 ms; the shorter one counts.

    >>> graph = Graph.from_edges(4, [0, 1, 0, 2], [1, 3, 2, 3], [10, 10, 5, 15])
    >>> ends = Seeds.at_nodes([0]), Seeds.at_nodes([3])
    >>> times, lengths = shortest_lengths(graph, *ends, [300, 300, 100, 100])
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

    def fill(first: int) -> None:
        part = slice(first, first + per_task)
        label_kernels.labels_to_targets(
            graph.indptr,
            graph.heads,
            weights,
            seeds.nodes[part],
            starts[part],
            targets.nodes,
            ends,
            limit,
            labels[part],
        )

    n_threads = count_threads(threads)
    per_task = max(1, min(_SEEDS_PER_TASK, -(-len(seeds) // n_threads)))
    run_tasks(fill, range(0, len(seeds), per_task), n_threads)
    return unpack(labels)


def targets_by_node(n_nodes: int, targets: Seeds) -> tuple[Int64, Int32, Int32, NDArray[np.bool_]]:
    """Return the targets at each node in compressed rows, with their offsets, and which nodes have any."""
    attached = targets.nodes.ravel() >= 0
    nodes = targets.nodes.ravel()[attached]
    numbers = np.repeat(np.arange(len(targets), dtype=np.int32), 2)[attached]
    at_node, order = group_by(n_nodes, nodes)
    offsets = targets.offsets_ms.ravel()[attached]
    return at_node, numbers[order], offsets[order], np.diff(at_node) > 0
