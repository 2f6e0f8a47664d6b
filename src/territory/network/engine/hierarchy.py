"""Contraction hierarchies: prepared once per map, given new speeds in seconds.

Customizable contraction hierarchies (J. Dibbelt, B. Strasser and D. Wagner (2016), ACM Journal of Experimental
Algorithmics 21): an order of the nodes that depends on the map alone gives the arcs; speeds only give them times.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_matrix

from territory.errors import NetworkError, Problems
from territory.network.engine import graph as graphs
from territory.network.engine.compiling import inner_kernel, kernel, sort_range, with_room
from territory.network.engine.graph import MAX_TIME_MS, Bool, Graph, Int32, Int64, Integer, SavedArrays
from territory.network.engine.label_search import check_no_overflow, checked_lengths, pack
from territory.network.engine.metric import Metric


@dataclass(frozen=True, eq=False)
class Hierarchy(SavedArrays):
    """The arcs of a contraction hierarchy, whatever the speeds.

    `rank`: place of each node in the order of contraction, by which nodes are numbered. `indptr`, `heads`: arcs
    upwards in compressed rows. `parents`: lowest node above each node, -1 for the last of each part. `edge_arcs`:
    arc that stands for each edge, its number upwards, `-2 - number` downwards, -1 for a loop.
    """

    rank: Int32
    indptr: Int64
    heads: Int32
    parents: Int32
    edge_arcs: Int32

    @classmethod
    def build(cls, graph: Graph, rank: ArrayLike) -> "Hierarchy":
        """Contract a graph, whatever its times, in a given order: any permutation of the nodes is exact."""
        order = np.ascontiguousarray(rank, dtype=np.int32)
        if not graphs.is_order(order, graph.n_nodes):
            said = f"Ordre des nœuds : il faut chaque rang de 0 à {graph.n_nodes - 1} une seule fois"
            advice = "l'ordre est peut-être celui d'une autre carte : calculez-le de nouveau"
            raise NetworkError(f"{said} ; {advice}.")
        tails, heads, _ = graph.in_edge_order()
        tail_ranks, head_ranks = order[tails], order[heads]
        low, high = np.minimum(tail_ranks, head_ranks), np.maximum(tail_ranks, head_ranks)
        edge_start, places = graphs.group_by(graph.n_nodes, low)
        # a loop is its own neighbour: the mark of the node being contracted leaves it out
        indptr, arc_heads, parents = contract(graph.n_nodes, edge_start, high[places])
        # a loop has no arc, and the number 0
        links = csr_matrix((np.arange(1, len(arc_heads) + 1), arc_heads, indptr), shape=(graph.n_nodes,) * 2)
        arcs = np.asarray(links[low, high], np.int32).ravel() if low.size else low
        edge_arcs = np.where(tail_ranks <= head_ranks, arcs - 1, -1 - arcs)
        return cls(order, indptr, arc_heads, parents, edge_arcs)

    @property
    def n_nodes(self) -> int:
        """Number of nodes."""
        return len(self.rank)

    def customize(self, weights_ms: ArrayLike, *, lengths_dm: ArrayLike | None = None) -> Metric:
        """Give it times (ms, in the order of the edges), and lengths (dm) if wanted: twice the memory and time."""
        problems = Problems("Durées des arcs", NetworkError)
        times = graphs.checked_times(weights_ms, "durée d'arc", problems)
        if not problems and len(times) != len(self.edge_arcs):
            problems.add(f"{len(times)} durées pour {len(self.edge_arcs)} arcs : il en faut une par arc")
        problems.raise_if_any()
        weights: NDArray[Any] = np.minimum(times, np.int32(MAX_TIME_MS + 1))
        far: Any = np.int32(MAX_TIME_MS + 1)
        if lengths_dm is not None:
            lengths = checked_lengths(lengths_dm, times.shape)
            check_no_overflow(times, lengths)
            weights, far = pack(times, lengths), np.int64(MAX_TIME_MS + 1) << 32
        up = np.empty(len(self.heads), weights.dtype)
        down = np.empty_like(up)
        lay_weights(self.edge_arcs, weights, far, up, down)
        customize(self.indptr, self.heads, up, down)
        keep_up, keep_down = np.ones(len(up), np.bool_), np.ones(len(up), np.bool_)
        perfect(self.indptr, self.heads, up, down, keep_up, keep_down)
        upwards = compress(self.indptr, self.heads, up, keep_up, far)
        downwards = compress(self.indptr, self.heads, down, keep_down, far)
        return Metric(self.rank, self.parents, *upwards, *downwards)


@kernel
def contract(n_nodes: int, edge_start: Int64, edge_heads: Int32) -> tuple[Int64, Int32, Int32]:
    """Return the arcs upwards of each node, sorted, and the parent of each node: its first later neighbour."""
    # a node's later neighbours are its own and those of its children but for itself: lists already made
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
            heads = with_room(heads, end, needed)
        mark[node] = node
        end = _gather(edge_heads[edge_start[node] : edge_start[node + 1]], node, mark, heads, end)
        child = first_child[node]
        while child >= 0:
            end = _gather(heads[indptr[child] : indptr[child + 1]], node, mark, heads, end)
            child = next_child[child]
        if end > start:
            sort_range(heads, start, end)
            parent = heads[start]
            parents[node] = parent
            next_child[node] = first_child[parent]
            first_child[parent] = node
        indptr[node + 1] = end
    return indptr, heads[:end].copy(), parents


@inner_kernel
def _gather(candidates: Int32, node: int, mark: Int32, heads: Int32, end: int) -> int:
    """Add the neighbours that `node` does not have yet; return the new end of the list."""
    for other in candidates:
        if mark[other] != node:
            mark[other] = node
            heads[end] = other
            end += 1
    return end


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
    """Make every arc as short as the shortest path, highest nodes first; mark those that paths can do without."""
    # no way over two higher arcs beats an arc that is kept: every shortest path still has a twin that climbs and
    # then descends (perfect customization)
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


def compress(
    indptr: Int64, heads: Int32, weights: Int32, keep: Bool, far: Integer
) -> tuple[Int64, Int32, Int32]:
    """Return the arcs that are kept and that lead somewhere, in compressed rows."""
    kept = np.flatnonzero(keep & (weights < far))
    return np.searchsorted(kept, indptr), heads[kept], weights[kept]
