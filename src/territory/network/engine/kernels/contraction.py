"""The arcs of a contraction hierarchy: which there are, and how long they take under given speeds.

Nodes are numbered by their rank. Contracting a node joins all of its later neighbours; an arc of the hierarchy
goes from a node up to a later one and has a time in each direction.
"""

from __future__ import annotations

import numpy as np

from territory.network.engine.graph import Bool, Int32, Int64, Integer
from territory.network.engine.kernels.compiling import kernel


@kernel
def contract(n_nodes: int, edge_start: Int64, edge_heads: Int32) -> tuple[Int64, Int32, Int32]:
    """Return the arcs upwards of each node, sorted, and the parent of each node: its first later neighbour.

    A node's later neighbours are its own and those of its children but for itself, so that each list is built
    from lists already made.
    """
    heads = np.empty(4 * len(edge_heads) + 16, np.int32)
    indptr = np.zeros(n_nodes + 1, np.int64)
    parents = np.full(n_nodes, -1, np.int32)
    first_child = np.full(n_nodes, -1, np.int32)
    next_child = np.full(n_nodes, -1, np.int32)
    mark = np.full(n_nodes, -1, np.int32)
    end = 0
    for node in range(n_nodes):
        start = end
        needed = end + edge_start[node + 1] - edge_start[node]
        child = first_child[node]
        while child >= 0:
            needed += indptr[child + 1] - indptr[child]
            child = next_child[child]
        if needed > len(heads):
            longer = np.empty(max(needed, len(heads) + len(heads) // 2), np.int32)
            longer[:end] = heads[:end]
            heads = longer
        mark[node] = node
        end = _gather(edge_heads[edge_start[node] : edge_start[node + 1]], node, mark, heads, end)
        child = first_child[node]
        while child >= 0:
            end = _gather(heads[indptr[child] : indptr[child + 1]], node, mark, heads, end)
            child = next_child[child]
        if end > start:
            heads[start:end].sort()
            parent = heads[start]
            parents[node] = parent
            next_child[node] = first_child[parent]
            first_child[parent] = node
        indptr[node + 1] = end
    return indptr, heads[:end].copy(), parents


@kernel
def _gather(candidates: Int32, node: int, mark: Int32, heads: Int32, end: int) -> int:
    """Add the neighbours that `node` does not have yet; return the new end of the list."""
    for other in candidates:
        if mark[other] != node:
            mark[other] = node
            heads[end] = other
            end += 1
    return end


@kernel
def place_edges(indptr: Int64, heads: Int32, tail_ranks: Int32, head_ranks: Int32, out: Int32) -> None:
    """Write the arc that stands for each edge: its number upwards, `-2 - number` downwards, -1 for a loop."""
    for edge in range(len(tail_ranks)):
        low, high = min(tail_ranks[edge], head_ranks[edge]), max(tail_ranks[edge], head_ranks[edge])
        if low == high:
            out[edge] = -1
            continue
        first, last = indptr[low], indptr[low + 1]
        while last - first > 1:
            middle = (first + last) >> 1
            if heads[middle] <= high:
                first = middle
            else:
                last = middle
        out[edge] = first if tail_ranks[edge] == low else -2 - first


@kernel
def lay_weights(edge_arcs: Int32, weights: Int32, far: Integer, up: Int32, down: Int32) -> None:
    """Give each arc the least time among the edges that it stands for."""
    up[:] = far
    down[:] = far
    for edge in range(len(edge_arcs)):
        arc = edge_arcs[edge]
        if arc >= 0:
            up[arc] = min(up[arc], weights[edge])
        elif arc < -1:
            down[-2 - arc] = min(down[-2 - arc], weights[edge])


@kernel
def customize(indptr: Int64, heads: Int32, up: Int32, down: Int32) -> None:
    """Let each arc take the way through a lower node where that is faster, lowest nodes first."""
    for node in range(len(indptr) - 1):
        last = indptr[node + 1]
        for first in range(indptr[node], last):
            middle = heads[first]
            forth, back = up[first], down[first]
            arc = indptr[middle]
            for second in range(first + 1, last):
                while heads[arc] < heads[second]:
                    arc += 1
                up[arc] = min(up[arc], back + up[second])
                down[arc] = min(down[arc], down[second] + forth)


@kernel
def perfect(indptr: Int64, heads: Int32, up: Int32, down: Int32, keep_up: Bool, keep_down: Bool) -> None:
    """Make every arc as short as the shortest path, highest nodes first; mark those that paths can do without.

    An arc is kept only if no way over two higher arcs beats it, which leaves every shortest path one that
    climbs and then descends (perfect customization).
    """
    for node in range(len(indptr) - 2, -1, -1):
        last = indptr[node + 1]
        for first in range(indptr[node], last):
            arc = indptr[heads[first]]
            for second in range(first + 1, last):
                while heads[arc] < heads[second]:
                    arc += 1
                if up[second] + down[arc] < up[first]:
                    up[first] = up[second] + down[arc]
                    keep_up[first] = False
                if up[arc] + down[second] < down[first]:
                    down[first] = up[arc] + down[second]
                    keep_down[first] = False
                if up[first] + up[arc] < up[second]:
                    up[second] = up[first] + up[arc]
                    keep_up[second] = False
                if down[arc] + down[first] < down[second]:
                    down[second] = down[arc] + down[first]
                    keep_down[second] = False


@kernel
def compress(
    indptr: Int64, heads: Int32, weights: Int32, keep: Bool, far: Integer
) -> tuple[Int64, Int32, Int32]:
    """Return the arcs that are kept and that lead somewhere, in compressed rows."""
    count = 0
    for arc in range(len(heads)):
        count += keep[arc] and weights[arc] < far
    kept_start = np.zeros(len(indptr), np.int64)
    kept_heads = np.empty(count, np.int32)
    kept_weights = np.empty(count, weights.dtype)
    end = 0
    for node in range(len(indptr) - 1):
        for arc in range(indptr[node], indptr[node + 1]):
            if keep[arc] and weights[arc] < far:
                kept_heads[end] = heads[arc]
                kept_weights[end] = weights[arc]
                end += 1
        kept_start[node + 1] = end
    return kept_start, kept_heads, kept_weights
