"""The smallest set of nodes that separates two sets of nodes, by laying as many disjoint paths as possible.

Every node carries at most one path (`before` and `after` hold its neighbours on it, `_NONE` off paths, `_END`
where a path starts or ends). A search moves over two states per node: `2 * node` has come in, `2 * node + 1`
may go out; from a node on a path it may only go back along that path. Paths start at nodes of the first set
that have a neighbour outside it, and end where they meet the second set.

Searches go depth first and prefer the neighbour that lies farthest towards the sinks: on a map that finds
nearly all paths in the first round, where searching by levels takes a round for every length of path. Which
paths are found does not matter to the result, for the smallest cuts next to either set are unique.
"""

from __future__ import annotations

from territory.network.engine.graph import Bool, Int8, Int32
from territory.network.engine.kernels.compiling import kernel

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
    seen: Bool,
    path: Int32,
    turn: Int32,
) -> int:
    """Return the number of disjoint paths from the sources to the sinks, or `bound` once it is reached.

    If the flow is below the bound, `seen` ends with the states that can still be reached from the sources:
    the last round finds no path, and so sees all that there is to see.
    """
    before[:] = _NONE
    after[:] = _NONE
    flow, flow_before = 0, -1
    while flow > flow_before:
        flow_before = flow
        seen[:] = False
        for source in sources:
            if before[source] == _NONE and not seen[2 * source + 1]:
                length = _find_path(start, heads, roles, source, before, seen, path, turn)
                if length > 0:
                    _lay_path(path, length, before, after)
                    flow += 1
                    if flow >= bound:
                        return bound
    return flow


@kernel
def _find_path(
    start: Int32,
    heads: Int32,
    roles: Int8,
    source: int,
    before: Int32,
    seen: Bool,
    path: Int32,
    turn: Int32,
) -> int:
    """Write the states of a path from a source to a free sink; return their number, or 0 if there is none.

    A state that was seen in this round is not tried again: it led nowhere, or a new path goes through it.
    """
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
def near_cut(roles: Int8, sources: Int32, before: Int32, seen: Bool, sides: Int8) -> int:
    """Write the side of every node, cutting as near as possible to the sources; return how many come first.

    Sides are 0 for the sources' side, 1 for the sinks' side, 2 for the separator.
    """
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
def far_cut(
    start: Int32,
    heads: Int32,
    roles: Int8,
    before: Int32,
    after: Int32,
    seen: Bool,
    queue: Int32,
    sides: Int8,
) -> int:
    """Write the side of every node, cutting as near as possible to the sinks; return how many come first."""
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
