"""Nested dissection: cut a part of the graph in two by few nodes, again and again, down to small parts.

A part is a range of `nodes`, and `place` says where each node is in it: threads may cut separate parts at the
same time, for a node of another part never lies in the range, wherever it is being moved.
"""

from __future__ import annotations

import numpy as np

from territory.network.engine.graph import Int8, Int32, Int64, Integer
from territory.network.engine.kernels.compiling import kernel
from territory.network.engine.kernels.flow import MIDDLE, SINK, SOURCE, far_cut, max_flow, near_cut

#: Nodes of a small part and around it fit in the bits of one number.
_BITS = 62
_SMALL = 40
_DIRECTIONS = ((1, 0), (0, 1), (1, 1), (1, -1), (2, 1), (2, -1), (1, 2), (1, -2))
#: A node with more neighbours is searched in any order: sorting its list would be slow.
_MANY = 32


@kernel
def split(
    nodes: Int32, place: Int32, start: Int64, heads: Int32, x: Int64, y: Int64, first: int, last: int
) -> tuple[int, int]:
    """Reorder the part from `first` to `last`: one side, the other side, the separator; return the two ends.

    The nodes that lie outermost in a direction are the sources, those opposite are the sinks (inertial flow:
    A. Schild and C. Sommer (2015), "On balanced separators in road networks", SEA). Of eight directions
    the one that is cut by fewest nodes wins.
    """
    size = last - first
    local_start, local_heads = _local_graph(nodes, place, start, heads, first, last)
    keys = np.empty(size, np.int64)
    roles = np.empty(size, np.int8)
    sides = np.empty(size, np.int8)
    best_sides = np.zeros(size, np.int8)
    before, after = np.empty(size, np.int32), np.empty(size, np.int32)
    seen = np.empty(2 * size, np.bool_)
    path, turn = np.empty(2 * size, np.int32), np.empty(size, np.int32)
    fewest, best_balance = size, -1
    for direction in range(len(_DIRECTIONS)):
        _project(nodes, x, y, first, last, direction, keys)
        sources = _give_roles(local_start, local_heads, keys, max(1, size // 3), roles)
        _sort_by_key(local_start, local_heads, keys)
        flow = max_flow(local_start, local_heads, roles, sources, fewest + 1, before, after, seen, path, turn)
        if flow > fewest:
            continue
        for far in range(2):
            if far:
                count = far_cut(local_start, local_heads, roles, before, after, seen, path, sides)
            else:
                count = near_cut(roles, sources, before, seen, sides)
            balance = min(count, size - flow - count)
            if flow < fewest or balance > best_balance:
                fewest, best_balance = flow, balance
                best_sides[:] = sides
    return _rearrange(nodes, place, first, last, best_sides)


@kernel
def _local_graph(
    nodes: Int32, place: Int32, start: Int64, heads: Int32, first: int, last: int
) -> tuple[Int32, Int32]:
    """Return the graph of one part in compressed rows, nodes numbered by their place in it."""
    local_start = np.zeros(last - first + 1, np.int32)
    count = 0
    for row in range(first, last):
        count += start[nodes[row] + 1] - start[nodes[row]]
    local_heads = np.empty(count, np.int32)
    end = 0
    for row in range(first, last):
        for arc in range(start[nodes[row]], start[nodes[row] + 1]):
            other = place[heads[arc]]
            if first <= other < last:
                local_heads[end] = other - first
                end += 1
        local_start[row - first + 1] = end
    return local_start, local_heads[:end]


@kernel
def _project(nodes: Int32, x: Int64, y: Int64, first: int, last: int, direction: int, keys: Int64) -> None:
    """Write distinct keys that sort a part along a direction: coordinates are whole numbers below 2^29."""
    ways = np.array(_DIRECTIONS)
    for row in range(first, last):
        value = ways[direction, 0] * x[nodes[row]] + ways[direction, 1] * y[nodes[row]]
        keys[row - first] = (value << 32) | (row - first)


@kernel
def _give_roles(start: Int32, heads: Int32, keys: Int64, count: int, roles: Int8) -> Int32:
    """Make the `count` lowest keys sources and the highest sinks; return the sources with another neighbour."""
    work = keys.copy()
    low = _select(work, count - 1)
    high = _select(work, len(keys) - count)
    for node in range(len(keys)):
        roles[node] = SOURCE if keys[node] <= low else (SINK if keys[node] >= high else MIDDLE)
    sources = np.empty(count, np.int32)
    end = 0
    for node in range(len(keys)):
        if roles[node] == SOURCE:
            for arc in range(start[node], start[node + 1]):
                if roles[heads[arc]] != SOURCE:
                    sources[end] = node
                    end += 1
                    break
    return sources[:end]


@kernel
def _sort_by_key(start: Int32, heads: Int32, keys: Int64) -> None:
    """Sort the neighbours of each node, highest key first (by insertion: there are few)."""
    for node in range(len(keys)):
        if start[node + 1] - start[node] > _MANY:
            continue
        for arc in range(start[node] + 1, start[node + 1]):
            head = heads[arc]
            free = arc
            while free > start[node] and keys[heads[free - 1]] < keys[head]:
                heads[free] = heads[free - 1]
                free -= 1
            heads[free] = head


@kernel
def _select(values: Int64, rank: int) -> int:
    """Return the value of a given rank among distinct values, which are reordered (quickselect)."""
    low, high = 0, len(values) - 1
    while low < high:
        middle = (low + high) >> 1
        one, two, three = values[low], values[middle], values[high]
        pivot = max(min(one, two), min(max(one, two), three))
        left, right = low, high
        while left <= right:
            while values[left] < pivot:
                left += 1
            while values[right] > pivot:
                right -= 1
            if left <= right:
                values[left], values[right] = values[right], values[left]
                left += 1
                right -= 1
        if rank <= right:
            high = right
        elif rank >= left:
            low = left
        else:
            break
    return int(values[rank])


@kernel
def _rearrange(nodes: Int32, place: Int32, first: int, last: int, sides: Int8) -> tuple[int, int]:
    """Sort the nodes of a part by side, in their order; return where the first two sides end."""
    old = nodes[first:last].copy()
    end = first
    ends = np.zeros(3, np.int64)
    for side in range(3):
        for row in range(len(old)):
            if sides[row] == side:
                nodes[end] = old[row]
                end += 1
        ends[side] = end
    for row in range(first, last):
        place[nodes[row]] = row
    return ends[0], ends[1]


@kernel
def dissect(
    nodes: Int32, place: Int32, start: Int64, heads: Int32, x: Int64, y: Int64, first: int, last: int
) -> None:
    """Order a part: each side before the separator, down to parts that are ordered by their degrees."""
    stack = [(first, last)]
    while len(stack) > 0:
        low, high = stack.pop()
        if high - low <= 1 or (high - low <= _SMALL and _order_small(nodes, place, start, heads, low, high)):
            continue
        middle, end = split(nodes, place, start, heads, x, y, low, high)
        stack.append((low, middle))
        stack.append((middle, end))


@kernel
def _order_small(nodes: Int32, place: Int32, start: Int64, heads: Int32, first: int, last: int) -> bool:
    """Order a small part by minimum degree, counting the nodes around it; return False if there are too many.

    Neighbours are bits of a whole number, so that contracting a node is a few operations.
    """
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


@kernel
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
