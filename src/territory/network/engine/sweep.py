"""Many-to-many times over a hierarchy: climb from each origin, then sweep down to all destinations at once.

Only the nodes above some destination are swept, highest first, for sixteen origins at a time, sixteen in one
instruction (RPHAST: D. Delling, A. V. Goldberg and R. F. Werneck (2011), ATMOS).
"""

from typing import Any

import numpy as np

from territory.network.engine.compiling import inner_kernel, kernel, sort_range, vectorized_kernel, with_room
from territory.network.engine.graph import Int32, Int64, Integer

#: Origins swept together: sixteen times of four bytes fill one cache line.
LANES = 16


@kernel
def restrict(
    start: Int64, heads: Int32, weights: Int32, targets: Int32, places: Int32
) -> tuple[Int32, Int64, Int32, Int32]:
    """Return the nodes above the targets, highest first, and their arcs in compressed rows, by place."""
    # `places` must hold -1 everywhere; it receives the place of each of those nodes
    nodes = np.empty(1024, np.int32)
    n_nodes, n_arcs, done = 0, 0, 0
    for target in targets:
        if target >= 0 and places[target] < 0:
            nodes, n_nodes = _append(nodes, n_nodes, target, places)
        while done < n_nodes:
            node = nodes[done]
            done += 1
            n_arcs += start[node + 1] - start[node]
            for arc in range(start[node], start[node + 1]):
                if places[heads[arc]] < 0:
                    nodes, n_nodes = _append(nodes, n_nodes, heads[arc], places)
    sort_range(nodes, 0, n_nodes)
    nodes = nodes[:n_nodes][::-1].copy()
    for place in range(n_nodes):
        places[nodes[place]] = place
    row_start = np.zeros(n_nodes + 1, np.int64)
    row_heads = np.empty(n_arcs, np.int32)
    row_weights = np.empty(n_arcs, weights.dtype)
    end = 0
    for place in range(n_nodes):
        for arc in range(start[nodes[place]], start[nodes[place] + 1]):
            row_heads[end] = places[heads[arc]]
            row_weights[end] = weights[arc]
            end += 1
        row_start[place + 1] = end
    return nodes, row_start, row_heads, row_weights


@inner_kernel
def _append(nodes: Int32, n_nodes: int, node: Integer, places: Int32) -> tuple[Int32, int]:
    """Add a node to the list of those above the targets."""
    if n_nodes == len(nodes):
        nodes = with_room(nodes, n_nodes, n_nodes + 1)
    nodes[n_nodes] = node
    places[node] = 0
    return nodes, n_nodes + 1


@kernel
def gather_above(parents: Int32, nodes: Int32, slots: Int32) -> Int32:
    """Return all nodes above some nodes, lowest first, themselves among them: those on their paths of parents."""
    # `slots` must hold -1 everywhere; it receives the place of each node in the list
    above = np.empty(256, np.int32)
    count = 0
    for start in nodes.ravel():
        node = start
        while node >= 0 and slots[node] < 0:
            above, count = _append(above, count, node, slots)
            node = parents[node]
    above = above[:count]
    sort_range(above, 0, count)
    for slot in range(count):
        slots[above[slot]] = slot
    return above


@inner_kernel
def _relax(best: Any, row: Any, weight: Integer, number: Any) -> Any:
    """Return the lesser of sixteen times and those of another row that is `weight` away."""
    return (
        min(best[0], number(row[0] + weight)),
        min(best[1], number(row[1] + weight)),
        min(best[2], number(row[2] + weight)),
        min(best[3], number(row[3] + weight)),
        min(best[4], number(row[4] + weight)),
        min(best[5], number(row[5] + weight)),
        min(best[6], number(row[6] + weight)),
        min(best[7], number(row[7] + weight)),
        min(best[8], number(row[8] + weight)),
        min(best[9], number(row[9] + weight)),
        min(best[10], number(row[10] + weight)),
        min(best[11], number(row[11] + weight)),
        min(best[12], number(row[12] + weight)),
        min(best[13], number(row[13] + weight)),
        min(best[14], number(row[14] + weight)),
        min(best[15], number(row[15] + weight)),
    )


@vectorized_kernel
def sweep(start: Int64, heads: Int32, weights: Int32, rows: Int32) -> None:
    """Let every row take what comes down to it, highest nodes first."""
    # the sixteen times of a row live in sixteen scalars, not in an array: only then does the compiler know that rows
    # do not overlap, and keep them in registers
    number = weights.dtype.type
    for place in range(len(start) - 1):
        row = rows[place]
        best = (
            row[0], row[1], row[2], row[3], row[4], row[5], row[6], row[7],
            row[8], row[9], row[10], row[11], row[12], row[13], row[14], row[15],
        )  # fmt: skip
        for arc in range(start[place], start[place + 1]):
            best = _relax(best, rows[np.uint32(heads[arc])], weights[arc], number)
        (
            row[0], row[1], row[2], row[3], row[4], row[5], row[6], row[7],
            row[8], row[9], row[10], row[11], row[12], row[13], row[14], row[15],
        ) = best  # fmt: skip


@vectorized_kernel
def climb(start: Int64, heads: Int32, weights: Int32, above: Int32, slots: Int32, up_rows: Int32) -> None:
    """Let every row pass on upwards what it has, lowest nodes first."""
    # neighbouring origins have most of the nodes above them in common: they climb together for the price of one
    number = weights.dtype.type
    for slot in range(len(above)):
        own = up_rows[slot]
        for arc in range(start[above[slot]], start[above[slot] + 1]):
            row = up_rows[np.uint32(slots[heads[arc]])]
            best = (
                row[0], row[1], row[2], row[3], row[4], row[5], row[6], row[7],
                row[8], row[9], row[10], row[11], row[12], row[13], row[14], row[15],
            )  # fmt: skip
            (
                row[0], row[1], row[2], row[3], row[4], row[5], row[6], row[7],
                row[8], row[9], row[10], row[11], row[12], row[13], row[14], row[15],
            ) = _relax(best, own, weights[arc], number)  # fmt: skip


@kernel
def read_rows(
    rows: Int32,
    places: Int32,
    nodes: Int32,
    offsets: Int32,
    batch: Int64,
    far: Integer,
    beyond: Integer,
    out: Int32,
) -> None:
    """Write the times from each origin of a batch to each target, `beyond` if they are `far` or more."""
    for target in range(len(nodes)):
        first, second = nodes[target, 0], nodes[target, 1]
        for lane in range(len(batch)):
            best = far
            if first >= 0:
                best = min(best, rows[places[first], lane] + offsets[target, 0])
            if second >= 0:
                best = min(best, rows[places[second], lane] + offsets[target, 1])
            out[batch[lane], target] = best if best < far else beyond


@kernel
def pairs_within(
    labels: Int32, tile: Int64, by_source: Int64, found: Int32, last: Integer
) -> tuple[Int32, Int32, Int32]:
    """Return the pairs of a tile whose label is at most `last`: sources, targets, labels, by source and then target."""
    # `by_source` is the order of the sources of the tile, whose rows of labels are in the order of `tile`
    total = 0
    for row in labels:
        within = 0
        for label in row:
            within += label <= last
        total += within
    # one more place: what is beyond the limit is written too, and then written over
    sources = np.empty(total + 1, np.int32)
    targets = np.empty(total + 1, np.int32)
    kept = np.empty(total + 1, labels.dtype)
    end = 0
    for place in by_source:
        row = labels[place]
        source = np.int32(tile[place])
        for column in range(len(found)):
            sources[end] = source
            targets[end] = found[column]
            kept[end] = row[column]
            end += row[column] <= last
    return sources[:total], targets[:total], kept[:total]


@kernel
def count_pairs(sources: Int32, counts: Int64) -> None:
    """Add the number of pairs of each source to `counts`, one place further."""
    for source in sources:
        counts[source + 1] += 1


@kernel
def put_pairs(
    sources: Int32, targets: Int32, labels: Int32, free: Int64, origin: Any, destination: Any, label: Any
) -> None:
    """Write pairs at the next free place of their source."""
    for pair in range(len(sources)):
        place = free[sources[pair]]
        free[sources[pair]] = place + 1
        origin[place] = sources[pair]
        destination[place] = targets[pair]
        label[place] = labels[pair]
