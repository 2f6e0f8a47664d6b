"""From ways to chains: roads between junctions, with every vertex and the exact time of every hop kept."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from territory.errors import NetworkError
from territory.network.engine.compiling import count_threads, kernel, run_tasks
from territory.network.graph.arrays import (
    BACKWARD,
    FORWARD,
    JUNCTION,
    PLAIN,
    Bools,
    Floats,
    Int32,
    Ints,
    RoadLines,
    Roads,
    forbidden_turns,
)
from territory.network.graph.places import ground_m, hilbert_order, project, territory_crs

_NO_ROAD = "La carte ne contient aucun tronçon de route : aucune route n'a deux nœuds localisés."
# chains laid out by one task
_CHAINS_AT_ONCE = 100_000


@dataclass(frozen=True)
class _Hops:
    """Steps between two nodes of a way: numbers of the nodes, row of the way, length (m)."""

    first: Int32
    second: Int32
    way: Int32
    length_m: NDArray[np.float32]


def prepare(lines: RoadLines) -> Roads:
    """Contract ways into chains between junctions.

    Notes
    -----
    Lengths are measured on the ellipsoid, hop by hop, with its radii of curvature at the middle of the hop:
    exact to a millionth for hops of some kilometres. A length stated by the source is shared among the hops
    of its way. A node that stops cars becomes a dead end on each of its sides.
    """
    if np.isnan(lines.lon).all():
        raise NetworkError(_NO_ROAD)
    crs = territory_crs(lines.lon, lines.lat)
    # places are projected on one core while the other follows the roads
    with ThreadPoolExecutor(1) as other:
        projected = other.submit(project, lines.lon, lines.lat, crs)
        hops, place_of, traced = _follow(lines)
    x, y = projected.result()
    kind = np.full(x.size, PLAIN, dtype=np.int8)
    kind[lines.kind_node] = lines.kind
    by_node = (x, y, kind) if place_of is None else (x[place_of], y[place_of], kind[place_of])
    return _assemble(lines, crs, hops, traced, by_node)


def _follow(lines: RoadLines) -> tuple[_Hops, Ints | None, tuple[Int32, Bools, Ints]]:
    """Return hops, the original node of each node if barriers made new ones, and chains."""
    hops = _make_hops(lines)
    if hops.first.size == 0:
        raise NetworkError(_NO_ROAD)
    hops, place_of = _cut_barriers(hops, lines)
    kept = np.zeros(lines.lon.size if place_of is None else place_of.size, dtype=bool)
    kept[lines.restrictions[:, 1]] = True
    start, ends = _incidence(hops.first, hops.second, kept.size)
    _mark_junctions(start, ends, hops.way, lines.ways.direction, kept)
    return hops, place_of, _trace(start, ends, hops.first, hops.second, kept)


def _make_hops(lines: RoadLines) -> _Hops:
    """Cut ways into steps between two distinct located nodes."""
    first, second, way, length = _cut_steps(lines.start, lines.node, lines.lon, lines.lat)
    if not np.isnan(lines.length_m).all():
        measured = np.bincount(way, weights=length, minlength=len(lines.ways))
        ratio = np.divide(lines.length_m, measured, out=np.ones(len(lines.ways)), where=measured > 0)
        length = (length * np.where(np.isnan(ratio), 1.0, ratio)[way]).astype(np.float32)
    return _Hops(first, second, way, length)


@kernel
def _cut_steps(
    start: Ints, node: Int32, lon: Floats, lat: Floats
) -> tuple[Int32, Int32, Int32, NDArray[np.float32]]:  # pragma: no cover - compiled
    """Return both nodes, the way and the length (m) of each step between distinct located nodes."""
    first = np.empty(node.size, dtype=np.int32)
    second = np.empty(node.size, dtype=np.int32)
    way = np.empty(node.size, dtype=np.int32)
    length = np.empty(node.size, dtype=np.float32)
    count = 0
    for row in range(start.size - 1):
        for step in range(start[row], start[row + 1] - 1):
            one, two = node[step], node[step + 1]
            if one == two or np.isnan(lon[one]) or np.isnan(lon[two]):
                continue
            first[count], second[count], way[count] = one, two, row
            length[count] = ground_m(lon[one], lat[one], lon[two], lat[two])
            count += 1
    return first[:count], second[:count], way[:count], length[:count]


def _cut_barriers(hops: _Hops, lines: RoadLines) -> tuple[_Hops, Ints | None]:
    """Give each end of a hop at a barrier its own node; return also the original node of each, if any is new."""
    if not lines.barrier_node.size:
        return hops, None
    n_nodes = lines.lon.size
    is_barrier = np.zeros(n_nodes, dtype=bool)
    is_barrier[lines.barrier_node] = True
    ends = np.concatenate([hops.first, hops.second])
    stopped = np.flatnonzero(is_barrier[ends])
    place_of = np.concatenate([np.arange(n_nodes), ends[stopped]])
    ends[stopped] = n_nodes + np.arange(stopped.size)
    first, second = np.split(ends, 2)
    return _Hops(first, second, hops.way, hops.length_m), place_of


@kernel
def _incidence(
    first: Int32, second: Int32, n_nodes: int
) -> tuple[Int32, Int32]:  # pragma: no cover - compiled
    """Return the hop ends at each node in compressed rows; an end is 2 × hop, plus 1 at its second node."""
    start = np.zeros(n_nodes + 1, dtype=np.int32)
    for hop in range(first.size):
        start[first[hop] + 1] += 1
        start[second[hop] + 1] += 1
    for node in range(n_nodes):
        start[node + 1] += start[node]
    filled = start[:-1].copy()
    ends = np.empty(2 * first.size, dtype=np.int32)
    for hop in range(first.size):
        ends[filled[first[hop]]] = 2 * hop
        filled[first[hop]] += 1
        ends[filled[second[hop]]] = 2 * hop + 1
        filled[second[hop]] += 1
    return start, ends


@kernel
def _mark_junctions(
    start: Int32, ends: Int32, way: Int32, direction: NDArray[np.int8], kept: Bools
) -> None:  # pragma: no cover - compiled
    """Mark the nodes that are no mere passage between two hops open in the same directions."""
    for node in range(kept.size):
        degree = start[node + 1] - start[node]
        if degree == 0:
            continue
        if degree != 2:
            kept[node] = True
            continue
        one, two = ends[start[node]], ends[start[node] + 1]
        bits_one, bits_two = direction[way[one // 2]], direction[way[two // 2]]
        # leaving the node along a hop is forward when the node is its first
        leave_one = (bits_one & (1 + one % 2)) != 0
        enter_one = (bits_one & (2 - one % 2)) != 0
        leave_two = (bits_two & (1 + two % 2)) != 0
        enter_two = (bits_two & (2 - two % 2)) != 0
        if one // 2 == two // 2 or enter_one != leave_two or enter_two != leave_one:
            kept[node] = True


@kernel
def _trace(
    start: Int32, ends: Int32, first: Int32, second: Int32, kept: Bools
) -> tuple[Int32, Bools, Ints]:  # pragma: no cover - compiled
    """Follow chains; return their hops one after the other, whether each runs backward, and chain starts."""
    n_hops = first.size
    hops = np.empty(n_hops, dtype=np.int32)
    backward = np.empty(n_hops, dtype=np.bool_)
    chain_start = np.empty(n_hops + 1, dtype=np.int64)
    seen = np.zeros(n_hops, dtype=np.bool_)
    count, chains = 0, 0
    # a loop without any junction gets one, at the first node of its first hop, in the second round
    for only_loops in (False, True):
        for node in range(kept.size):
            if not only_loops and not kept[node]:
                continue
            for place in range(start[node], start[node + 1]):
                end = ends[place]
                if seen[end // 2]:
                    continue
                kept[node] = True
                chain_start[chains] = count
                chains += 1
                while True:
                    hop = end // 2
                    seen[hop] = True
                    hops[count] = hop
                    backward[count] = end % 2 == 1
                    count += 1
                    reached = first[hop] if end % 2 == 1 else second[hop]
                    if kept[reached]:
                        break
                    end = ends[start[reached]]
                    if end // 2 == hop:
                        end = ends[start[reached] + 1]
    chain_start[chains] = count
    return hops, backward, chain_start[: chains + 1].copy()


def _assemble(
    lines: RoadLines,
    crs: str,
    hops: _Hops,
    traced: tuple[Int32, Bools, Ints],
    by_node: tuple[Floats, Floats, NDArray[np.int8]],
) -> Roads:
    """Put chains and junctions in Hilbert order, and lay the arrays out."""
    x, y, kind = by_node
    sequence, backward, hop_start = traced
    begin, end = sequence[hop_start[:-1]], sequence[hop_start[1:] - 1]
    tail_node = np.where(backward[hop_start[:-1]], hops.second[begin], hops.first[begin])
    head_node = np.where(backward[hop_start[1:] - 1], hops.first[end], hops.second[end])
    number = np.full(x.size, -1, dtype=np.int32)
    number[tail_node] = number[head_node] = 0
    junctions = np.flatnonzero(number == 0)
    junctions = junctions[hilbert_order(x[junctions], y[junctions])]
    number[junctions] = np.arange(junctions.size)
    ends = np.bincount(number[tail_node], minlength=junctions.size)
    ends += np.bincount(number[head_node], minlength=junctions.size)
    crossings = junctions[ends > 2]
    kind[crossings[kind[crossings] == PLAIN]] = JUNCTION
    # chains that leave one junction lie together
    order = np.argsort(number[tail_node], kind="stable")
    direction = lines.ways.direction[hops.way[begin[order]]]
    swapped = (direction & FORWARD) * BACKWARD | (direction & BACKWARD) // BACKWARD
    chain_start = np.concatenate([[0], np.cumsum(np.diff(hop_start)[order] + 1)])
    laid_x, laid_y, laid_kind, hop_way, hop_reversed, hop_length_m = _laid_out(
        (order, chain_start, *traced), (hops.first, hops.second, hops.way, hops.length_m), by_node
    )
    roads = Roads(
        ways=lines.ways,
        crs=crs,
        x=laid_x,
        y=laid_y,
        vertex_kind=laid_kind,
        chain_start=chain_start,
        hop_way=hop_way,
        hop_reversed=hop_reversed,
        hop_length_m=hop_length_m,
        tail=number[tail_node[order]],
        head=number[head_node[order]],
        open_directions=np.where(backward[hop_start[order]], swapped, direction).astype(np.int8),
        junction_x=x[junctions],
        junction_y=y[junctions],
        turns=np.empty((0, 5), dtype=np.int64),
        source=lines.source,
        attribution=lines.attribution,
    )
    if not lines.restrictions.size:
        return roads
    restrictions = lines.restrictions.copy()
    restrictions[:, 1] = number[restrictions[:, 1]]
    return replace(roads, turns=forbidden_turns(roads, restrictions[restrictions[:, 1] >= 0]))


def _laid_out(
    chains: tuple[Ints, Ints, Int32, Bools, Ints],
    hops: tuple[Int32, Int32, Int32, NDArray[np.float32]],
    by_node: tuple[Floats, Floats, NDArray[np.int8]],
) -> tuple[Floats, Floats, NDArray[np.int8], Int32, Bools, NDArray[np.float32]]:
    """Return x, y and kind of vertices, then way, sense and length of hops, chain after chain, on all cores."""
    order, chain_start = chains[:2]
    size = int(chain_start[-1])
    laid = (
        np.empty(size),
        np.empty(size),
        np.empty(size, dtype=np.int8),
        np.zeros(size, dtype=np.int32),
        np.zeros(size, dtype=np.bool_),
        np.zeros(size, dtype=np.float32),
    )
    parts = [(begin, begin + _CHAINS_AT_ONCE) for begin in range(0, order.size, _CHAINS_AT_ONCE)]
    run_tasks(
        lambda part: _lay_out(part, chains, hops, by_node, laid),
        parts,
        count_threads(None) if len(parts) > 1 else 1,
    )
    return laid


@kernel
def _lay_out(
    part: tuple[int, int],
    chains: tuple[Ints, Ints, Int32, Bools, Ints],
    hops: tuple[Int32, Int32, Int32, NDArray[np.float32]],
    by_node: tuple[Floats, Floats, NDArray[np.int8]],
    laid: tuple[Floats, Floats, NDArray[np.int8], Int32, Bools, NDArray[np.float32]],
) -> None:  # pragma: no cover - compiled
    """Write a part of the chains, in their new order: their vertices, and what is along each hop."""
    order, chain_start, sequence, backward, hop_start = chains
    first, second, way, length_m = hops
    x, y, kind = by_node
    laid_x, laid_y, laid_kind, hop_way, hop_reversed, hop_length_m = laid
    for row in range(part[0], min(part[1], order.size)):
        at = chain_start[row]
        begin, end = hop_start[order[row]], hop_start[order[row] + 1]
        for place in range(begin, end + 1):
            # the last vertex is where the last hop ends
            hop = sequence[min(place, end - 1)]
            node = second[hop] if backward[min(place, end - 1)] != (place == end) else first[hop]
            laid_x[at], laid_y[at], laid_kind[at] = x[node], y[node], kind[node]
            if place < end:
                hop_way[at] = way[hop]
                hop_reversed[at] = backward[place]
                hop_length_m[at] = length_m[hop]
            at += 1
