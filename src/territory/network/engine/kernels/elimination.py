"""What comes before and after the dissection: neighbours, chains and dead ends, the tree of the order."""

from __future__ import annotations

import numpy as np

from territory.network.engine.graph import Int32, Int64, Integer, group_by
from territory.network.engine.kernels.compiling import kernel

#: A node with more neighbours is left to the dissection: searching its list again and again would be slow.
_MANY = 32


@kernel
def neighbours(n_nodes: int, tails: Int32, heads: Int32) -> tuple[Int64, Int32]:
    """Return the neighbours of each node, whatever the direction, once each and sorted, in compressed rows."""
    both = np.concatenate((heads, tails))
    _, rows = group_by(n_nodes, np.concatenate((tails, heads)))
    # grouping by one end and then by the other, both stable, sorts each list
    ends = np.concatenate((tails, heads))[rows]
    others = both[rows]
    indptr, rows = group_by(n_nodes, others)
    lists = ends[rows]
    start = np.zeros(n_nodes + 1, np.int64)
    end = 0
    for node in range(n_nodes):
        last = -1
        for place in range(indptr[node], indptr[node + 1]):
            other = lists[place]
            if other != last and other != node:
                lists[end] = other
                end += 1
                last = other
        start[node + 1] = end
    return start, lists[:end].copy()


@kernel
def contract_chains(start: Int64, heads: Int32, degrees: Int32, order: Int32) -> int:
    """Contract nodes of at most two neighbours while there are any; return how many, listed in `order`.

    Such a contraction adds no arc that a good order would spare. Each round leaves the neighbours of what it
    contracts to the next one, so that a chain is halved and not eaten from one end. `heads` and `degrees`
    become those of the graph that remains; contracted nodes get the degree -1.
    """
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


@kernel
def _list_once(node: Integer, turn: int, listed: Int32, coming: Int32, n_coming: int) -> int:
    """Put a node on the list of the next round unless it is there."""
    if listed[node] != turn:
        listed[node] = turn
        coming[n_coming] = node
        n_coming += 1
    return n_coming


@kernel
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
        if _has(start, heads, degrees, one, two):
            _forget(start, heads, degrees, one, node)
            _forget(start, heads, degrees, two, node)
        else:
            heads[_find(start, heads, one, node)] = two
            heads[_find(start, heads, two, node)] = one
    degrees[node] = -1
    return True


@kernel
def _has(start: Int64, heads: Int32, degrees: Int32, node: Integer, other: Integer) -> bool:
    """Return whether two nodes are neighbours."""
    return other in heads[start[node] : start[node] + degrees[node]]


@kernel
def _find(start: Int64, heads: Int32, node: Integer, other: Integer) -> int:
    """Return where a neighbour stands in the list of a node."""
    place = int(start[node])
    while heads[place] != other:
        place += 1
    return place


@kernel
def _forget(start: Int64, heads: Int32, degrees: Int32, node: Integer, other: Integer) -> None:
    """Take a neighbour off the list of a node."""
    degrees[node] -= 1
    heads[_find(start, heads, node, other)] = heads[start[node] + degrees[node]]


@kernel
def remaining(start: Int64, heads: Int32, degrees: Int32) -> tuple[Int32, Int64, Int32]:
    """Return the nodes that are not contracted, and their graph in compressed rows, numbered by their place."""
    places = np.full(len(degrees), -1, np.int32)
    count, n_arcs = 0, 0
    for node in range(len(degrees)):
        if degrees[node] >= 0:
            places[node] = count
            count += 1
            n_arcs += degrees[node]
    kept = np.empty(count, np.int32)
    kept_start = np.zeros(count + 1, np.int64)
    kept_heads = np.empty(n_arcs, np.int32)
    end = 0
    for node in range(len(degrees)):
        if places[node] >= 0:
            kept[places[node]] = node
            for place in range(start[node], start[node] + degrees[node]):
                kept_heads[end] = places[heads[place]]
                end += 1
            kept_start[places[node] + 1] = end
    return kept, kept_start, kept_heads


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
    """Return a new rank for each rank: every branch of the tree together, its root last.

    The contraction stays the same one, but what is climbed and swept together lies together in memory.
    """
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
