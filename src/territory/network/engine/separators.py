"""A part of a graph cut in two by as few nodes as possible: as many disjoint paths are laid as there is room for.

A part is a range of `nodes`, and `place` says where each node is in it: threads may cut separate parts at the
same time. Every node carries at most one path (`before` and `after` hold its neighbours on it, `_NONE` off paths,
`_END` at its ends). A search moves over two states per node: `2 * node` has come in, `2 * node + 1` may go out; from
a node on a path it may only go back along that path. Searches go depth first towards the sinks: that finds nearly all
paths in the first round. Which are found does not matter, for the smallest cuts next to either set are unique.
"""

import numpy as np

from territory.network.engine.compiling import inner_kernel, kernel, value_of_rank
from territory.network.engine.graph import Bool, Int8, Int32, Int64

_DIRECTIONS = ((1, 0), (0, 1), (1, 1), (1, -1), (2, 1), (2, -1), (1, 2), (1, -2))
#: A node with more neighbours is searched in any order: sorting its list would be slow.
_MANY = 32


@kernel
def split(
    nodes: Int32, place: Int32, start: Int64, heads: Int32, x: Int64, y: Int64, first: int, last: int
) -> tuple[int, int]:
    """Reorder the part from `first` to `last`: one side, the other side, the separator; return the two ends."""
    # the nodes that lie outermost in a direction are the sources, those opposite are the sinks (inertial flow:
    # A. Schild and C. Sommer (2015), "On balanced separators in road networks", SEA). Of eight directions the one
    # that is cut by fewest nodes wins
    size = last - first
    local_start, local_heads = _local_graph(nodes, place, start, heads, first, last)
    keys = np.empty(size, np.int64)
    roles = np.empty(size, np.int8)
    sides = np.empty(size, np.int8)
    best_sides = np.zeros(size, np.int8)
    graph = local_start, local_heads, roles
    paths = np.empty(size, np.int32), np.empty(size, np.int32)
    seen = np.empty(2 * size, np.bool_)
    room = np.empty(2 * size, np.int32), np.empty(size, np.int32)
    fewest, best_balance = size, -1
    for direction in range(len(_DIRECTIONS)):
        _project(nodes, x, y, first, last, direction, keys)
        sources = _give_roles(local_start, local_heads, keys, max(1, size // 3), roles)
        _sort_by_key(local_start, local_heads, keys)
        flow = max_flow(graph, sources, fewest + 1, paths, seen, room)
        if flow > fewest:
            continue
        for far in range(2):
            if far:
                count = far_cut(graph, paths, seen, room[0], sides)
            else:
                count = near_cut(roles, sources, paths[0], seen, sides)
            balance = min(count, size - flow - count)
            if flow < fewest or balance > best_balance:
                fewest, best_balance = flow, balance
                best_sides, sides = sides, best_sides
    return _rearrange(nodes, place, first, last, best_sides)


@inner_kernel
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


@inner_kernel
def _project(nodes: Int32, x: Int64, y: Int64, first: int, last: int, direction: int, keys: Int64) -> None:
    """Write distinct keys that sort a part along a direction: coordinates are whole numbers below 2^29."""
    ways = np.array(_DIRECTIONS)
    for row in range(first, last):
        value = ways[direction, 0] * x[nodes[row]] + ways[direction, 1] * y[nodes[row]]
        keys[row - first] = (value << 32) | (row - first)


@inner_kernel
def _give_roles(start: Int32, heads: Int32, keys: Int64, count: int, roles: Int8) -> Int32:
    """Make the `count` lowest keys sources and the highest sinks; return the sources with another neighbour."""
    rearranged = keys.copy()
    low = value_of_rank(rearranged, count - 1)
    high = value_of_rank(rearranged, len(keys) - count)
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


@inner_kernel
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


@inner_kernel
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


_NONE, _END = -1, -2
MIDDLE, SOURCE, SINK = 0, 1, 2
Part = tuple[Int32, Int32, Int8]
Paths = tuple[Int32, Int32]


@kernel
def max_flow(graph: Part, sources: Int32, bound: int, paths: Paths, seen: Bool, room: Paths) -> int:
    """Return the number of disjoint paths from the sources to the sinks, or `bound` once it is reached."""
    # below the bound, `seen` ends with the states that can still be reached from the sources: the last round finds
    # no path, and so sees all that there is to see
    before, after = paths
    before[:] = _NONE
    after[:] = _NONE
    flow, flow_before = 0, -1
    while flow > flow_before:
        flow_before = flow
        seen[:] = False
        for source in sources:
            if before[source] == _NONE and not seen[2 * source + 1]:  # pragma: no mutate
                length = _find_path(graph, source, before, seen, room)
                if length > 0:
                    _lay_path(room[0], length, before, after)
                    flow += 1
                    if flow >= bound:
                        return bound
    return flow


@inner_kernel
def _find_path(graph: Part, source: int, before: Int32, seen: Bool, room: Paths) -> int:
    """Write the states of a path from a source to a free sink; return their number, or 0 if there is none."""
    # a state that was seen in this round is not tried again: it led nowhere, or a new path goes through it
    start, heads, roles = graph
    path, turn = room
    path[0] = 2 * source + 1
    turn[source] = start[source]
    seen[2 * source + 1] = True
    length = 1
    while length > 0:
        state = path[length - 1]
        node = state >> 1
        following = _NONE
        if state & 1:
            while turn[node] < start[node + 1] and following < 0:
                head = heads[turn[node]]
                turn[node] += 1
                if roles[head] != SOURCE and not seen[2 * head]:
                    following = 2 * head
            if following < 0 and before[node] >= 0 and not seen[2 * node]:
                following = 2 * node
        elif before[node] >= 0:
            following = 2 * before[node] + 1
        elif roles[node] == SINK:
            return length
        else:
            following = state + 1
        if following >= 0 and not seen[following]:
            seen[following] = True
            path[length] = following
            length += 1
            if following & 1:
                turn[following >> 1] = start[following >> 1]
        else:
            length -= 1
    return 0


@inner_kernel
def _lay_path(path: Int32, length: int, before: Int32, after: Int32) -> None:
    """Add a path found by the search to the flow: first undo what it goes back along, then lay what is new."""
    for step in range(length - 1):
        node, following = path[step] >> 1, path[step + 1] >> 1
        if not path[step] & 1 and node != following:
            before[node] = _NONE
            after[following] = _NONE
    for step in range(length - 1):
        node, following = path[step] >> 1, path[step + 1] >> 1
        if path[step] & 1 and node != following:
            after[node] = following
            before[following] = node
    before[path[0] >> 1] = _END
    after[path[length - 1] >> 1] = _END


@kernel
def near_cut(roles: Int8, sources: Int32, before: Int32, seen: Bool, sides: Int8) -> int:
    """Write the side of every node, cutting as near as possible to the sources; return how many come first."""
    # sides are 0 for the sources' side, 1 for the sinks' side, 2 for the separator
    count = 0
    for node in range(len(roles)):
        if seen[2 * node + 1] or roles[node] == SOURCE:
            sides[node] = 0
            count += 1
        else:
            sides[node] = 2 if seen[2 * node] else 1
    for node in sources:
        if before[node] != _NONE and not seen[2 * node + 1]:
            sides[node] = 2
            count -= 1
    return count


@kernel
def far_cut(graph: Part, paths: Paths, seen: Bool, queue: Int32, sides: Int8) -> int:
    """Write the side of every node, cutting as near as possible to the sinks; return how many come first."""
    start, heads, roles = graph
    before, after = paths
    seen[:] = False
    end = 0
    for node in range(len(roles)):
        if roles[node] == SINK and before[node] == _NONE:
            seen[2 * node] = True
            queue[end] = 2 * node
            end += 1
    done = 0
    while done < end:
        state = queue[done]
        done += 1
        node = state >> 1
        if state & 1:
            previous = 2 * after[node] if after[node] >= 0 else (2 * node if before[node] == _NONE else -1)
        else:
            if roles[node] != SOURCE:
                for place in range(start[node], start[node + 1]):
                    head = heads[place]
                    if not seen[2 * head + 1] and roles[head] != SINK:
                        seen[2 * head + 1] = True
                        queue[end] = 2 * head + 1
                        end += 1
            previous = 2 * node + 1 if before[node] >= 0 and roles[node] != SINK else -1
        if previous >= 0 and not seen[previous]:
            seen[previous] = True
            queue[end] = previous
            end += 1
    count = 0
    for node in range(len(roles)):
        can_enter, can_leave = seen[2 * node], seen[2 * node + 1]
        if roles[node] == SINK:
            sides[node] = 1 if can_enter else 2
        elif roles[node] == SOURCE:
            sides[node] = 2 if can_leave else 0
        else:
            sides[node] = 1 if can_enter else (2 if can_leave else 0)
        count += sides[node] == 0
    return count
