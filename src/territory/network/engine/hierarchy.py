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
from territory.network.engine.compiling import (
    count_threads,
    inner_kernel,
    kernel,
    run_tasks,
    sort_range,
    with_room,
)
from territory.network.engine.graph import MAX_TIME_MS, Graph, Int32, Int64, Integer, SavedArrays
from territory.network.engine.label_search import check_no_overflow, checked_lengths, pack
from territory.network.engine.metric import Labels, Metric


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

    def customize(
        self, weights_ms: ArrayLike, *, lengths_dm: ArrayLike | None = None, threads: int | None = None
    ) -> Metric:
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
        n_threads = count_threads(threads)
        # more parts than threads: none waits long for the last
        n_parts = 1 if n_threads == 1 else 4 * n_threads
        start, nodes = graphs.group_by(n_parts + 1, self.parts(n_parts))
        *parts, top = np.split(nodes, start[1:-1])
        # what each part gives to the arcs of the top is kept after all arcs, until the least of them is known
        n_arcs, degrees, aside = len(self.heads), np.diff(self.indptr), np.full(self.n_nodes, -1)
        aside[top] = np.cumsum(degrees[top]) - degrees[top]
        shared = np.flatnonzero(np.repeat(aside >= 0, degrees))
        up = np.full(n_arcs + n_parts * len(shared), far, weights.dtype)
        down = up.copy()

        # each arc has the least time among the edges that it stands for
        def lay(side: Labels, arcs: Int32) -> None:
            np.minimum.at(side, arcs[arcs >= 0], weights[arcs >= 0])

        run_tasks(lambda one: lay(*one), ((up, self.edge_arcs), (down, -2 - self.edge_arcs)), n_threads)
        rows = self.indptr, self.heads
        given = zip(parts, n_arcs + len(shared) * np.arange(n_parts), strict=True)
        run_tasks(lambda one: customize(one[0], *rows, up, down, aside, one[1]), given, n_threads)
        for side in (up, down):
            side[shared] = np.minimum(side[shared], side[n_arcs:].reshape(n_parts, len(shared)).min(axis=0))
        up, down = up[:n_arcs], down[:n_arcs]
        customize(top, *rows, up, down, np.full(self.n_nodes, -1), 0)
        before = up.copy(), down.copy()
        perfect(top, *rows, up, down)
        run_tasks(lambda nodes: perfect(nodes, *rows, up, down), parts, n_threads)
        sides = zip((up, down), before, strict=True)
        upwards, downwards = run_tasks(lambda side: compress(*rows, *side, far), sides, n_threads)
        return Metric(self.rank, self.parents, *upwards, *downwards)

    def parts(self, n_parts: int) -> Int32:
        """Return the part of each node, of about as much work each; `n_parts` for the nodes above several of them."""
        work, part = np.diff(self.indptr) ** 2, np.full(self.n_nodes, n_parts, np.int32)
        most = work.sum() // n_parts + 1
        share_out(self.parents, work, most if n_parts > 1 else 2**62, part, n_parts)
        return part


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
def share_out(parents: Int32, work: Int64, most: Integer, part: Int32, n_parts: int) -> None:
    """Write the part of each node: whole subtrees of `most` work together; what is above several keeps `n_parts`."""
    for node in range(len(parents)):
        if parents[node] >= 0:
            work[parents[node]] += work[node]
    given = np.int64(0)
    for node in range(len(parents) - 1, -1, -1):
        if parents[node] >= 0 and part[parents[node]] < n_parts:
            part[node] = part[parents[node]]
        elif work[node] <= most:
            part[node] = given // most
            given += work[node]


# numba looks at each read for a place counted from the end, unless the place has no sign
_at = np.uintp


@inner_kernel
def _together(heads: Int32, second: int, last: int, arc: int, end: int) -> tuple[int, int]:
    """Return where a row up to `end` has the neighbour at `second`, and how many up to `last` it has after it."""
    # all of a node's neighbours are among those of the first: where two as far apart agree, so do those between
    while arc + 8 < end and heads[_at(arc + 8)] <= heads[_at(second)]:
        arc += 8
    while heads[_at(arc)] < heads[_at(second)]:
        arc += 1
    if last - second == end - arc:
        return arc, last - second
    many = 1
    while second + many + 4 <= last and heads[_at(second + many + 3)] == heads[_at(arc + many + 3)]:
        many += 4
    return arc, many


@kernel
def customize(
    nodes: Int32, indptr: Int64, heads: Int32, up: Int32, down: Int32, aside: Int64, base: Integer
) -> None:
    """Let arcs take the way through each of some nodes, lowest first; those of the top are kept aside, from `base`."""
    for node in nodes:
        last = indptr[_at(node + 1)]
        for first in range(indptr[_at(node)], last):
            middle, second = heads[_at(first)], first + 1
            arc, end = indptr[_at(middle)], indptr[_at(middle + 1)]
            skip = base + aside[_at(middle)] - arc if aside[_at(middle)] >= 0 else 0
            forth, back = up[_at(first)], down[_at(first)]
            while second < last:
                arc, many = _together(heads, second, last, arc, end)
                _lower(up, arc + skip, second, many, back)
                _lower(down, arc + skip, second, many, forth)
                arc += many
                second += many


@kernel
def perfect(nodes: Int32, indptr: Int64, heads: Int32, up: Int32, down: Int32) -> None:
    """Make every arc of some nodes as short as the shortest path, highest first: those above are so already."""
    for node in nodes[::-1]:
        last = indptr[_at(node + 1)]
        for first in range(indptr[_at(node)], last):
            middle, second = heads[_at(first)], first + 1
            arc, end = indptr[_at(middle)], indptr[_at(middle + 1)]
            forth, back = up[_at(first)], down[_at(first)]
            while second < last:
                arc, many = _together(heads, second, last, arc, end)
                forth = _least_sum(forth, up, second, down, arc, many)
                back = _least_sum(back, down, second, up, arc, many)
                _lower(up, second, arc, many, forth)
                _lower(down, second, arc, many, back)
                arc += many
                second += many
            up[_at(first)], down[_at(first)] = forth, back


@inner_kernel
def _lower(times: Int32, first: int, other: int, many: int, more: Any) -> None:
    """Lower each of some times to another and `more`, where that is less."""
    label = times.dtype.type
    for step in range(many):
        times[_at(first + step)] = min(times[_at(first + step)], label(times[_at(other + step)] + more))


@inner_kernel
def _least_sum(least: Any, ones: Int32, first: int, others: Int32, other: int, many: int) -> Any:
    """Return the least of a time and of the sums of some others, two by two."""
    label = ones.dtype.type
    for step in range(many):
        least = min(least, label(ones[_at(first + step)] + others[_at(other + step)]))
    return least


def compress(
    indptr: Int64, heads: Int32, weights: Int32, before: Int32, far: Integer
) -> tuple[Int64, Int32, Int32]:
    """Return the arcs that lead somewhere and that no way over two higher arcs beats, in compressed rows."""
    # every shortest path still has a twin that climbs and then descends (perfect customization)
    kept = np.flatnonzero((weights == before) & (weights < far))
    return np.searchsorted(kept, indptr), heads[kept], weights[kept]
