"""The order in which a hierarchy contracts the nodes of a map: nested dissection along small separators.

Nodes of one or two neighbours come first; what remains is cut in two by as few nodes as possible, again and again,
and the nodes of a cut come after both sides (A. George (1973), SIAM Journal on Numerical Analysis 10).
"""

import numpy as np
from numpy.typing import ArrayLike
from scipy.sparse import csr_matrix

from territory.network.engine.compiling import count_threads, inner_kernel, kernel, run_tasks
from territory.network.engine.graph import Graph, Int32, Int64, Integer
from territory.network.engine.separators import split

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
    """Return the rank of each node in the order of contraction, whatever the order of the edges and the threads."""
    graph = Graph.from_edges(n_nodes, tails, heads, np.zeros(len(np.asarray(tails)), np.int32))
    columns, rows = _whole_coordinates(x, y)
    start, ends = neighbours(n_nodes, graph.tails, graph.heads)
    degrees = np.diff(start).astype(np.int32)
    rest = ends.copy()
    order = np.empty(n_nodes, np.int32)
    n_done = contract_chains(start, rest, degrees, order)
    kept, kept_start, kept_heads = remaining(start, rest, degrees)
    places = columns[kept], rows[kept]
    order[n_done:] = kept[_dissect_all(kept_start, kept_heads, *places, count_threads(threads))]
    rank = np.empty(n_nodes, np.int32)
    rank[order] = np.arange(n_nodes, dtype=np.int32)
    return postorder(tree_parents(start, ends, order, rank))[rank]


def _dissect_all(start: Int64, heads: Int32, x: Int64, y: Int64, threads: int) -> Int32:
    """Return the nodes in the order of a nested dissection: large parts level by level, then each on its own."""
    n_nodes = len(x)
    nodes = np.arange(n_nodes, dtype=np.int32)
    place = nodes.copy()
    given = (nodes, place, start, heads, x, y)

    def cut(part: tuple[int, int]) -> tuple[int, int]:
        return split(*given, *part)

    def finish(part: tuple[int, int]) -> None:
        dissect(*given, *part)

    large, small = [(0, n_nodes)], list[tuple[int, int]]()
    while large:
        ends = run_tasks(cut, large, threads) if n_nodes > 1 else []
        spans = zip(large, ends, strict=False)
        sides = [one for (first, _), (middle, end) in spans for one in ((first, middle), (middle, end))]
        large = [side for side in sides if side[1] - side[0] > max(1000, n_nodes // _PARTS)]
        small += [side for side in sides if side not in large]
    run_tasks(finish, small, threads)
    return nodes


def _whole_coordinates(x: ArrayLike, y: ArrayLike) -> tuple[Int64, Int64]:
    """Return coordinates as whole numbers on one scale."""
    places = np.column_stack([x, y]).astype(np.float64)
    if not len(places):
        return np.zeros(0, np.int64), np.zeros(0, np.int64)  # pragma: no mutate
    steps = (_STEPS - 1) / (float(np.ptp(places, axis=0).max()) or 1.0)
    across, along = np.rint((places - places.min(axis=0)) * steps).astype(np.int64).T.copy()
    return across, along


#: A node with more neighbours is left to the dissection: searching its list again and again would be slow.
_MANY = 32


def neighbours(n_nodes: int, tails: Int32, heads: Int32) -> tuple[Int64, Int32]:
    """Return the neighbours of each node, whatever the direction, once each and sorted, in compressed rows."""
    is_edge = tails != heads
    tails, heads = tails[is_edge], heads[is_edge]
    ends = np.concatenate([tails, heads]), np.concatenate([heads, tails])
    links = csr_matrix((np.ones(ends[0].size, np.bool_), ends), shape=(n_nodes, n_nodes))
    # adding up the edges between two nodes has sorted them
    return links.indptr.astype(np.int64), links.indices.astype(np.int32)


@kernel
def contract_chains(start: Int64, heads: Int32, degrees: Int32, order: Int32) -> int:
    """Contract nodes of at most two neighbours while there are any; return how many, listed in `order`."""
    # such a contraction adds no arc that a good order would spare. Each round leaves the neighbours of what it
    # contracts to the next one: a chain is halved, not eaten from one end. `heads` and `degrees` become those of
    # the graph that remains; contracted nodes get the degree -1
    n_nodes = len(degrees)
    waiting, coming = np.arange(n_nodes).astype(np.int32), np.empty(n_nodes, np.int32)
    blocked, listed = np.zeros(n_nodes, np.int32), np.zeros(n_nodes, np.int32)
    n_waiting, n_done, turn = n_nodes, 0, 0
    while n_waiting > 0:
        turn += 1
        n_coming = 0
        for row in range(n_waiting):
            node = waiting[row]
            if degrees[node] < 0 or degrees[node] > 2:
                continue
            if blocked[node] == turn:
                n_coming = _list_once(node, turn, listed, coming, n_coming)
                continue
            degree = degrees[node]
            if not _contract_one(start, heads, degrees, node):
                continue
            order[n_done] = node
            n_done += 1
            for place in range(start[node], start[node] + degree):
                blocked[heads[place]] = turn
                if degrees[heads[place]] <= 2:
                    n_coming = _list_once(heads[place], turn, listed, coming, n_coming)
        waiting, coming = coming, waiting
        n_waiting = n_coming
    return n_done


@inner_kernel
def _list_once(node: Integer, turn: int, listed: Int32, coming: Int32, n_coming: int) -> int:
    """Put a node on the list of the next round unless it is there."""
    if listed[node] != turn:
        listed[node] = turn
        coming[n_coming] = node
        n_coming += 1
    return n_coming


@inner_kernel
def _contract_one(start: Int64, heads: Int32, degrees: Int32, node: Integer) -> bool:
    """Contract a node of at most two neighbours, which it leaves joined; return False if one has too many."""
    degree = degrees[node]
    first = start[node]
    for place in range(first, first + degree):
        if degrees[heads[place]] > _MANY:
            return False
    if degree == 1:
        _forget(start, heads, degrees, heads[first], node)
    elif degree == 2:
        one, two = heads[first], heads[first + 1]
        if _find(start, heads, degrees, one, two) < start[one] + degrees[one]:
            _forget(start, heads, degrees, one, node)
            _forget(start, heads, degrees, two, node)
        else:
            heads[_find(start, heads, degrees, one, node)] = two
            heads[_find(start, heads, degrees, two, node)] = one
    degrees[node] = -1
    return True


@inner_kernel
def _find(start: Int64, heads: Int32, degrees: Int32, node: Integer, other: Integer) -> int:
    """Return where a neighbour stands in the list of a node, the end of the list if it is none."""
    end: int = start[node] + degrees[node]
    for place in range(start[node], end):
        if heads[place] == other:
            return place
    return end


@inner_kernel
def _forget(start: Int64, heads: Int32, degrees: Int32, node: Integer, other: Integer) -> None:
    """Take a neighbour off the list of a node."""
    place = _find(start, heads, degrees, node, other)
    degrees[node] -= 1
    heads[place] = heads[start[node] + degrees[node]]


def remaining(start: Int64, heads: Int32, degrees: Int32) -> tuple[Int32, Int64, Int32]:
    """Return the nodes that are not contracted, and their graph in compressed rows, numbered by their place."""
    kept = np.flatnonzero(degrees >= 0).astype(np.int32)
    places = np.full(len(degrees), -1, np.int32)
    places[kept] = np.arange(len(kept))
    kept_start = np.concatenate([[0], np.cumsum(degrees[kept], dtype=np.int64)])
    before = np.repeat(start[kept] - kept_start[:-1], degrees[kept])
    return kept, kept_start, places[heads[before + np.arange(len(before))]]


@kernel
def tree_parents(start: Int64, heads: Int32, order: Int32, rank: Int32) -> Int32:
    """Return the parent of each rank in the tree of the order, -1 for a root (J. W. H. Liu, 1990)."""
    n_nodes = len(order)
    parents = np.full(n_nodes, -1, np.int32)
    above = np.full(n_nodes, -1, np.int32)
    for own in range(n_nodes):
        node = order[own]
        for place in range(start[node], start[node + 1]):
            lower = rank[heads[place]]
            if lower >= own:
                continue
            while above[lower] >= 0 and above[lower] != own:
                following = above[lower]
                above[lower] = own
                lower = following
            if above[lower] < 0:
                above[lower] = own
                parents[lower] = own
    return parents


@kernel
def postorder(parents: Int32) -> Int32:
    """Return a new rank for each rank: every branch of the tree together, its root last."""
    # the contraction stays the same one, but what is climbed and swept together lies together in memory
    n_nodes = len(parents)
    sizes = np.ones(n_nodes, np.int32)
    for own in range(n_nodes):
        if parents[own] >= 0:
            sizes[parents[own]] += sizes[own]
    ends = np.empty(n_nodes, np.int32)
    new_rank = np.empty(n_nodes, np.int32)
    root_end = n_nodes
    for own in range(n_nodes - 1, -1, -1):
        if parents[own] >= 0:
            end = ends[parents[own]]
            ends[parents[own]] = end - sizes[own]
        else:
            end = root_end
            root_end -= sizes[own]
        new_rank[own] = end - 1
        ends[own] = end - 1
    return new_rank


#: Nodes of a small part and around it fit in the bits of one number.
_BITS = 62
_SMALL = 40


def dissect(
    nodes: Int32, place: Int32, start: Int64, heads: Int32, x: Int64, y: Int64, first: int, last: int
) -> None:
    """Order a part: each side before the separator, down to parts that are ordered by their degrees."""
    # a kernel would be no faster, and hold a second copy of the two that it calls
    stack = [(first, last)]
    while stack:
        low, high = stack.pop()
        if high - low <= 1 or (high - low <= _SMALL and _order_small(nodes, place, start, heads, low, high)):
            continue
        middle, end = split(nodes, place, start, heads, x, y, low, high)
        stack += [(low, middle), (middle, end)]


@kernel
def _order_small(nodes: Int32, place: Int32, start: Int64, heads: Int32, first: int, last: int) -> bool:
    """Order a small part by minimum degree, counting the nodes around it; return False if there are too many."""
    # neighbours are bits of a whole number, so that contracting a node is a few operations
    size = last - first
    around = np.empty(_BITS, np.int32)
    masks = np.zeros(size, np.int64)
    n_around = 0
    for row in range(size):
        node = nodes[first + row]
        for arc in range(start[node], start[node + 1]):
            other = place[heads[arc]]
            bit = other - first
            if not first <= other < last:
                bit = 0
                while bit < n_around and around[bit] != heads[arc]:
                    bit += 1
                if size + bit >= _BITS:
                    return False
                if bit == n_around:
                    around[n_around] = heads[arc]
                    n_around += 1
                bit += size
            masks[row] |= np.int64(1) << bit
    old = nodes[first:last].copy()
    left = (np.int64(1) << size) - 1
    for row in range(size):
        least = _least_degree(masks, left)
        left &= ~(np.int64(1) << least)
        nodes[first + row] = old[least]
        around_least = masks[least]
        for other in range(size):
            if (around_least & left) >> other & 1:
                joined = masks[other] | around_least
                masks[other] = joined & ~((np.int64(1) << other) | (np.int64(1) << least))
    for row in range(first, last):
        place[nodes[row]] = row
    return True


@inner_kernel
def _least_degree(masks: Int64, left: Integer) -> int:
    """Return the node with fewest neighbours among those left, the first of several."""
    least, least_degree = -1, _BITS + 1
    for node in range(len(masks)):
        if left >> node & 1:
            degree = 0
            rest = masks[node]
            while rest:
                rest &= rest - 1
                degree += 1
            if degree < least_degree:
                least, least_degree = node, degree
    return least
