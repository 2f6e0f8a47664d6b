"""The order in which a hierarchy contracts the nodes of a map: nested dissection along small separators.

The order depends on the map alone, not on speeds: compute it once and keep it. Nodes of one or two neighbours
come first; what remains is cut in two by as few nodes as possible, again and again, and the nodes of a cut
come after both sides (A. George (1973), "Nested dissection of a regular finite element mesh", SIAM Journal on
Numerical Analysis 10).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from territory.errors import NetworkError
from territory.network.engine.graph import Graph, Int32, Int64
from territory.network.engine.kernels import dissection, elimination
from territory.network.engine.kernels.compiling import count_threads, run_tasks

#: Coordinates are rounded to whole numbers below this before they are compared.
_STEPS = 2**29
#: Parts larger than the whole divided by this are cut one after the other, the rest by threads on their own.
_PARTS = 16


def order_nodes(
    n_nodes: int,
    tails: ArrayLike,
    heads: ArrayLike,
    x: ArrayLike,
    y: ArrayLike,
    *,
    threads: int | None = None,
) -> Int32:
    """Return the place of each node in the order of contraction.

    Parameters
    ----------
    n_nodes
        Number of nodes.
    tails, heads
        Nodes at the ends of each edge; directions, repetitions and loops do not matter.
    x, y
        Coordinates of the nodes, in any unit that is about the same on both axes.
    threads
        Number of threads; as many as there are processors by default. It changes nothing in the result.

    Returns
    -------
    int32 array [nodes]
        Rank of each node, a permutation. The same map gives the same ranks, whatever the order of its edges.

    Raises
    ------
    NetworkError
        Edges that do not fit the nodes, or coordinates that are missing or not one per node.

    Examples
    --------
    The node that holds a star together comes last but one at the earliest.

    >>> rank = order_nodes(4, [0, 0, 0], [1, 2, 3], [0.0, 1.0, 0.0, -1.0], [0.0, 0.0, 1.0, 0.0])
    >>> sorted(rank.tolist()), bool(rank[0] >= 2)
    ([0, 1, 2, 3], True)
    """
    graph = Graph.from_edges(n_nodes, tails, heads, np.zeros(len(np.asarray(tails)), np.int32))
    columns, rows = _whole_coordinates(n_nodes, x, y)
    start, ends = elimination.neighbours(n_nodes, graph.tails, graph.heads)
    degrees = np.diff(start).astype(np.int32)
    rest = ends.copy()
    order = np.empty(n_nodes, np.int32)
    n_done = elimination.contract_chains(start, rest, degrees, order)
    kept, kept_start, kept_heads = elimination.remaining(start, rest, degrees)
    order[n_done:] = kept[
        _dissect_all(kept_start, kept_heads, columns[kept], rows[kept], count_threads(threads))
    ]
    rank = np.empty(n_nodes, np.int32)
    rank[order] = np.arange(n_nodes, dtype=np.int32)
    return elimination.postorder(elimination.tree_parents(start, ends, order, rank))[rank]


def _dissect_all(start: Int64, heads: Int32, x: Int64, y: Int64, threads: int) -> Int32:
    """Return the nodes in the order of a nested dissection: large parts level by level, then each on its own."""
    n_nodes = len(x)
    nodes = np.arange(n_nodes, dtype=np.int32)
    place = nodes.copy()
    given = (nodes, place, start, heads, x, y)

    def cut(part: tuple[int, int]) -> tuple[int, int]:
        return dissection.split(*given, *part)

    def finish(part: tuple[int, int]) -> None:
        dissection.dissect(*given, *part)

    large, small = [(0, n_nodes)], list[tuple[int, int]]()
    while large:
        ends = run_tasks(cut, large, threads) if n_nodes > 1 else []
        sides = [
            side
            for (first, _), (middle, end) in zip(large, ends, strict=False)
            for side in ((first, middle), (middle, end))
        ]
        large = [side for side in sides if side[1] - side[0] > max(1000, n_nodes // _PARTS)]
        small += [side for side in sides if side not in large]
    run_tasks(finish, small, threads)
    return nodes


def _whole_coordinates(n_nodes: int, x: ArrayLike, y: ArrayLike) -> tuple[Int64, Int64]:
    """Return coordinates as whole numbers on one scale, or raise if some are missing."""
    across, along = np.asarray(x, np.float64), np.asarray(y, np.float64)
    if across.shape != (n_nodes,) or along.shape != (n_nodes,):
        raise NetworkError(
            f"Coordonnées de formes {across.shape} et {along.shape} pour {n_nodes} nœuds : il en faut une par nœud."
        )
    missing = np.flatnonzero(~(np.isfinite(across) & np.isfinite(along)))
    if len(missing):
        raise NetworkError(
            f"{len(missing)} nœuds sur {n_nodes} n'ont pas de coordonnées : complétez-les ou retirez-les."
        )
    if not n_nodes:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    size = max(float(np.ptp(across)), float(np.ptp(along))) or 1.0
    steps = (_STEPS - 1) / size
    return (
        np.rint((across - across.min()) * steps).astype(np.int64),
        np.rint((along - along.min()) * steps).astype(np.int64),
    )
