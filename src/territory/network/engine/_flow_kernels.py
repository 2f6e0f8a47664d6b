"""The smallest set of nodes that separates two sets of nodes: maximum flow of disjoint paths (Dinic).

Every node carries at most one path (`before` and `after` hold its neighbours on it, `_NONE` off paths, `_END`
where a path starts or ends). A search moves over two states per node: `2 * node` has come in, `2 * node + 1`
may go out; from a node on a path it may only go back along that path. Paths start at nodes of the first set
that have a neighbour outside it, and end where they meet the second set.
"""

from __future__ import annotations

from territory.network.engine._compiling import kernel
from territory.network.engine.graph import Int8, Int32

_NONE = -1
_END = -2
MIDDLE = 0
SOURCE = 1
SINK = 2


@kernel
def max_flow(
    start: Int32,
    heads: Int32,
    roles: Int8,
    sources: Int32,
    bound: int,
    before: Int32,
    after: Int32,
    levels: Int32,
    queue: Int32,
    path: Int32,
    turn: Int32,
) -> int:
    """Return the number of disjoint paths from the sources to the sinks, or `bound` once it is reached.

    If the flow is below the bound, `levels` ends with the states that can still be reached from the sources.
    """
    before[:] = _NONE
    after[:] = _NONE
    flow = 0
    while _layer(start, heads, roles, sources, before, after, levels, queue):
        for source in sources:
            if levels[2 * source + 1] == 0 and before[source] == _NONE:
                length = _find_path(start, heads, roles, source, before, after, levels, path, turn)
                if length > 0:
                    _lay_path(path, length, before, after)
                    flow += 1
                    if flow >= bound:
                        return bound
    return flow


@kernel
def _layer(
    start: Int32,
    heads: Int32,
    roles: Int8,
    sources: Int32,
    before: Int32,
    after: Int32,
    levels: Int32,
    queue: Int32,
) -> bool:
    """Set the distance of the states from the sources; return whether a sink was met."""
    levels[:] = -1
    end = 0
    for source in sources:
        if before[source] == _NONE:
            levels[2 * source + 1] = 0
            queue[end] = 2 * source + 1
            end += 1
    done = 0
    last = 2 * len(roles) + 1
    while done < end:
        state = queue[done]
        done += 1
        node, level = state >> 1, levels[state]
        if level >= last:
            break
        if state & 1:
            for place in range(start[node], start[node + 1]):
                head = heads[place]
                if levels[2 * head] < 0 and roles[head] != SOURCE:
                    levels[2 * head] = level + 1
                    queue[end] = 2 * head
                    end += 1
                    if roles[head] == SINK and before[head] == _NONE:
                        last = level + 1
            following = 2 * node if before[node] >= 0 else _NONE
        elif before[node] >= 0:
            following = 2 * before[node] + 1
        else:
            following = _NONE if roles[node] == SINK else state + 1
        if following >= 0 and levels[following] < 0:
            levels[following] = level + 1
            queue[end] = following
            end += 1
    return last <= 2 * len(roles)


@kernel
def _find_path(
    start: Int32,
    heads: Int32,
    roles: Int8,
    source: int,
    before: Int32,
    after: Int32,
    levels: Int32,
    path: Int32,
    turn: Int32,
) -> int:
    """Write the states of a path from a source to a free sink, level by level; return their number, or 0.

    A state that has been tried is never tried again in the same round: its level becomes -1.
    """
    path[0] = 2 * source + 1
    turn[source] = start[source]
    levels[2 * source + 1] = -1
    length = 1
    level = 0
    while length > 0:
        state = path[length - 1]
        node = state >> 1
        following = _NONE
        if state & 1:
            while turn[node] < start[node + 1]:
                head = heads[turn[node]]
                turn[node] += 1
                if levels[2 * head] == level + 1:
                    following = 2 * head
                    break
            if following < 0 and before[node] >= 0 and levels[2 * node] == level + 1:
                following = 2 * node
        else:
            if before[node] == _NONE and roles[node] == SINK:
                return length
            onward = 2 * before[node] + 1 if before[node] >= 0 else state + 1
            if levels[onward] == level + 1:
                following = onward
        if following >= 0:
            levels[following] = -1
            path[length] = following
            length += 1
            level += 1
            if following & 1:
                turn[following >> 1] = start[following >> 1]
        else:
            length -= 1
            level -= 1
    return 0


@kernel
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
def near_cut(roles: Int8, sources: Int32, before: Int32, levels: Int32, sides: Int8) -> int:
    """Write the side of every node, cutting as near as possible to the sources; return how many come first.

    Sides are 0 for the sources' side, 1 for the sinks' side, 2 for the separator.
    """
    count = 0
    for node in range(len(roles)):
        if levels[2 * node + 1] >= 0 or roles[node] == SOURCE:
            sides[node] = 0
            count += 1
        else:
            sides[node] = 2 if levels[2 * node] >= 0 else 1
    for node in sources:
        if before[node] != _NONE and levels[2 * node + 1] < 0:
            sides[node] = 2
            count -= 1
    return count


@kernel
def far_cut(
    start: Int32,
    heads: Int32,
    roles: Int8,
    before: Int32,
    after: Int32,
    levels: Int32,
    queue: Int32,
    sides: Int8,
) -> int:
    """Write the side of every node, cutting as near as possible to the sinks; return how many come first."""
    levels[:] = -1
    end = 0
    for node in range(len(roles)):
        if roles[node] == SINK and before[node] == _NONE:
            levels[2 * node] = 0
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
                    if levels[2 * head + 1] < 0 and roles[head] != SINK:
                        levels[2 * head + 1] = 0
                        queue[end] = 2 * head + 1
                        end += 1
            previous = 2 * node + 1 if before[node] >= 0 and roles[node] != SINK else -1
        if previous >= 0 and levels[previous] < 0:
            levels[previous] = 0
            queue[end] = previous
            end += 1
    count = 0
    for node in range(len(roles)):
        can_enter, can_leave = levels[2 * node] >= 0, levels[2 * node + 1] >= 0
        if roles[node] == SINK:
            sides[node] = 1 if can_enter else 2
        elif roles[node] == SOURCE:
            sides[node] = 2 if can_leave else 0
        else:
            sides[node] = 1 if can_enter else (2 if can_leave else 0)
        count += sides[node] == 0
    return count
