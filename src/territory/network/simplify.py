"""From ways to chains: roads between junctions, with every vertex and the exact time of every hop kept."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from territory.errors import NetworkError
from territory.network.engine._compiling import kernel
from territory.network.graph import BACKWARD, FORWARD, JUNCTION, PLAIN, Bools, Floats, Ints, RoadLines, Roads
from territory.network.projection import project, territory_crs
from territory.network.turns import forbidden_turns

__all__ = ["hilbert_order", "prepare"]

# WGS 84
_EQUATOR_M, _FLATTENING = 6378137.0, 1 / 298.257223563


@dataclass(frozen=True)
class _Hops:
    """Steps between two nodes of a way: numbers of the nodes, row of the way, length (m)."""

    first: Ints
    second: Ints
    way: Ints
    length_m: Floats


@dataclass(frozen=True)
class _Nodes:
    """Nodes by number: place (degrees), what they do to traffic, whether they stop cars, and identifiers."""

    lon: Floats
    lat: Floats
    kind: NDArray[np.int8]
    is_barrier: Bools
    ids: Ints


def prepare(lines: RoadLines) -> Roads:
    """Contract ways into chains between junctions.

    Parameters
    ----------
    lines
        Roads as a reader delivers them.

    Returns
    -------
    Roads
        A junction is a node where a driver may choose, where a direction ends, where a turn is restricted, or
        a dead end; every other node stays as a vertex of its chain. Junctions follow a Hilbert curve, so that
        neighbours have close numbers.

    Raises
    ------
    NetworkError
        If no way has two known nodes.

    Notes
    -----
    Lengths are measured on the ellipsoid, hop by hop, with its radii of curvature at the middle of the hop:
    exact to a millionth for hops of some kilometres. A length stated by the source is shared among the hops
    of its way. A node that stops cars becomes a dead end on each of its sides.
    """
    nodes, node_of_step = _number_nodes(lines)
    hops = _make_hops(lines, nodes, node_of_step)
    if hops.first.size == 0:
        raise NetworkError(
            "La carte ne contient aucun tronçon de route : aucune route n'a deux nœuds localisés."
        )
    via = pd.Index(nodes.ids).get_indexer(pd.Index(lines.restrictions[:, 1])).astype(np.int64)
    hops, place_of = _cut_barriers(hops, nodes.is_barrier)
    kept = np.zeros(place_of.size, dtype=bool)
    kept[via] = True
    _mark_junctions(hops.first, hops.second, lines.ways.direction[hops.way], kept)
    traced = _trace(hops.first, hops.second, kept)
    crs = territory_crs(nodes.lon, nodes.lat)
    x, y = project(nodes.lon, nodes.lat, crs)
    return _assemble(lines, crs, hops, traced, (x[place_of], y[place_of], nodes.kind[place_of]), via)


def _number_nodes(lines: RoadLines) -> tuple[_Nodes, Ints]:
    """Give each node a number; return nodes, and the number at each step of the ways."""
    numbers, ids = pd.factorize(lines.node_id)
    node = numbers.astype(np.int64)
    located = ~np.isnan(lines.lon)
    lon = np.full(ids.size, np.nan)
    lat = np.full(ids.size, np.nan)
    lon[node[located]] = lines.lon[located]
    lat[node[located]] = lines.lat[located]
    kind = np.full(ids.size, PLAIN, dtype=np.int8)
    place = pd.Index(ids).get_indexer(pd.Index(lines.kind_node_id))
    kind[place[place >= 0]] = lines.kind[place >= 0]
    return _Nodes(lon, lat, kind, np.isin(ids, lines.barrier_node_id), ids), node


def _make_hops(lines: RoadLines, nodes: _Nodes, node_of_step: Ints) -> _Hops:
    """Cut ways into steps between two distinct located nodes."""
    way = np.repeat(np.arange(len(lines.ways)), np.diff(lines.start))
    first, second = node_of_step[:-1], node_of_step[1:]
    located = ~np.isnan(nodes.lon)
    sound = (way[:-1] == way[1:]) & (first != second) & located[first] & located[second]
    first, second, way = first[sound], second[sound], way[:-1][sound]
    length = measure_m(nodes.lon[first], nodes.lat[first], nodes.lon[second], nodes.lat[second])
    if not np.isnan(lines.length_m).all():
        measured = np.bincount(way, weights=length, minlength=len(lines.ways))
        ratio = np.divide(lines.length_m, measured, out=np.ones(len(lines.ways)), where=measured > 0)
        length = length * np.where(np.isnan(ratio), 1.0, ratio)[way]
    return _Hops(first, second, way, length)


def measure_m(lon_1: Floats, lat_1: Floats, lon_2: Floats, lat_2: Floats) -> Floats:
    """Return short distances on the WGS 84 ellipsoid (m), from places in degrees.

    Parameters
    ----------
    lon_1, lat_1, lon_2, lat_2
        Both ends (degrees).

    Returns
    -------
    ndarray
        Distances (m).

    Examples
    --------
    >>> point = np.array([6.0]), np.array([43.0])
    >>> measure_m(*point, np.array([6.0]), np.array([43.01])).round(1).tolist()
    [1110.9]
    """
    squared = _FLATTENING * (2 - _FLATTENING)
    middle = np.radians((lat_1 + lat_2) / 2)
    curvature = 1 - squared * np.sin(middle) ** 2
    north = _EQUATOR_M * (1 - squared) / curvature**1.5 * np.radians(lat_2 - lat_1)
    east = _EQUATOR_M / np.sqrt(curvature) * np.cos(middle) * np.radians(lon_2 - lon_1)
    return np.hypot(north, east)


def _cut_barriers(hops: _Hops, is_barrier: Bools) -> tuple[_Hops, Ints]:
    """Give each end of a hop at a barrier its own node; return also the original node of each node."""
    n_nodes = is_barrier.size
    ends = np.concatenate([hops.first, hops.second])
    stopped = np.flatnonzero(is_barrier[ends])
    place_of = np.concatenate([np.arange(n_nodes), ends[stopped]])
    ends[stopped] = n_nodes + np.arange(stopped.size)
    first, second = np.split(ends, 2)
    return _Hops(first, second, hops.way, hops.length_m), place_of


@kernel
def _incidence(first: Ints, second: Ints, n_nodes: int) -> tuple[Ints, Ints]:  # pragma: no cover - compiled
    """Return the hop ends at each node in compressed rows; an end is 2 × hop, plus 1 at its second node."""
    start = np.zeros(n_nodes + 1, dtype=np.int64)
    for hop in range(first.size):
        start[first[hop] + 1] += 1
        start[second[hop] + 1] += 1
    for node in range(n_nodes):
        start[node + 1] += start[node]
    filled = start[:-1].copy()
    ends = np.empty(2 * first.size, dtype=np.int64)
    for hop in range(first.size):
        ends[filled[first[hop]]] = 2 * hop
        filled[first[hop]] += 1
        ends[filled[second[hop]]] = 2 * hop + 1
        filled[second[hop]] += 1
    return start, ends


@kernel
def _mark_junctions(
    first: Ints, second: Ints, open_bits: NDArray[np.int8], kept: Bools
) -> None:  # pragma: no cover - compiled
    """Mark the nodes that are no mere passage between two hops open in the same directions."""
    start, ends = _incidence(first, second, kept.size)
    for node in range(kept.size):
        degree = start[node + 1] - start[node]
        if degree == 0:
            continue
        if degree != 2:
            kept[node] = True
            continue
        one, two = ends[start[node]], ends[start[node] + 1]
        bits_one, bits_two = open_bits[one // 2], open_bits[two // 2]
        # leaving the node along a hop is forward when the node is its first
        leave_one = (bits_one & (1 + one % 2)) != 0
        enter_one = (bits_one & (2 - one % 2)) != 0
        leave_two = (bits_two & (1 + two % 2)) != 0
        enter_two = (bits_two & (2 - two % 2)) != 0
        if one // 2 == two // 2 or enter_one != leave_two or enter_two != leave_one:
            kept[node] = True


@kernel
def _trace(first: Ints, second: Ints, kept: Bools) -> tuple[Ints, Bools, Ints]:  # pragma: no cover - compiled
    """Follow chains; return their hops one after the other, whether each runs backward, and chain starts."""
    start, ends = _incidence(first, second, kept.size)
    n_hops = first.size
    hops = np.empty(n_hops, dtype=np.int64)
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
    traced: tuple[Ints, Bools, Ints],
    by_node: tuple[Floats, Floats, NDArray[np.int8]],
    via: Ints,
) -> Roads:
    """Put chains and junctions in Hilbert order, and lay the arrays out."""
    x, y, kind = by_node
    sequence, backward, hop_start = traced
    n_hops = np.diff(hop_start)
    from_node = np.where(backward, hops.second[sequence], hops.first[sequence])
    to_node = np.where(backward, hops.first[sequence], hops.second[sequence])
    tail_node, head_node = from_node[hop_start[:-1]], to_node[hop_start[1:] - 1]
    junctions = np.unique(np.concatenate([tail_node, head_node]))
    junctions = junctions[hilbert_order(x[junctions], y[junctions])]
    number = np.full(x.size, -1, dtype=np.int64)
    number[junctions] = np.arange(junctions.size)
    # chains that leave one junction lie together
    order = np.argsort(number[tail_node], kind="stable")
    new_rank = np.empty(order.size, dtype=np.int64)
    new_rank[order] = np.arange(order.size)
    by_chain = np.argsort(np.repeat(new_rank, n_hops), kind="stable")
    sequence, backward, from_node = sequence[by_chain], backward[by_chain], from_node[by_chain]
    tail_node, head_node, n_hops = tail_node[order], head_node[order], n_hops[order]
    chain_start = np.concatenate([[0], np.cumsum(n_hops + 1)])
    place = np.arange(sequence.size) + np.repeat(np.arange(order.size), n_hops)
    vertex = np.empty(chain_start[-1], dtype=np.int64)
    vertex[place] = from_node
    vertex[chain_start[1:] - 1] = head_node
    ends = np.bincount(np.concatenate([number[tail_node], number[head_node]]), minlength=junctions.size)
    is_crossing = np.zeros(x.size, dtype=bool)
    is_crossing[junctions[ends > 2]] = True
    kind = np.where((kind == PLAIN) & is_crossing, JUNCTION, kind).astype(np.int8)
    open_bits = lines.ways.direction[hops.way[sequence]]
    swapped = (open_bits & FORWARD) * BACKWARD | (open_bits & BACKWARD) // BACKWARD
    oriented = np.where(backward, swapped, open_bits).astype(np.int8)

    def by_vertex(values: NDArray[Any], dtype: type[np.generic]) -> NDArray[Any]:
        laid = np.zeros(vertex.size, dtype=dtype)
        laid[place] = values
        return laid

    roads = Roads(
        ways=lines.ways,
        crs=crs,
        x=x[vertex],
        y=y[vertex],
        vertex_kind=kind[vertex],
        chain_start=chain_start,
        hop_way=by_vertex(hops.way[sequence], np.int32),
        hop_reversed=by_vertex(backward, np.bool_),
        hop_length_m=by_vertex(hops.length_m[sequence], np.float32),
        tail=number[tail_node].astype(np.int32),
        head=number[head_node].astype(np.int32),
        open_directions=oriented[np.concatenate([[0], np.cumsum(n_hops)])[:-1]],
        junction_x=x[junctions],
        junction_y=y[junctions],
        turns=np.empty((0, 5), dtype=np.int64),
        source=lines.source,
        attribution=lines.attribution,
    )
    if not lines.restrictions.size:
        return roads
    restrictions = lines.restrictions.copy()
    restrictions[:, 1] = number[via]
    return replace(roads, turns=forbidden_turns(roads, restrictions[restrictions[:, 1] >= 0]))


def hilbert_order(x: Floats, y: Floats, *, bits: int = 16) -> Ints:
    """Order points along a Hilbert curve: neighbours in the order are neighbours on the map.

    Parameters
    ----------
    x, y
        Coordinates, in any unit.
    bits
        The curve fills a square of 2^bits cells aside.

    Returns
    -------
    ndarray of int64
        Positions of the points in the order of the curve; equal cells are ordered by x, then y.

    References
    ----------
    D. Hilbert (1891), "Über die stetige Abbildung einer Linie auf ein Flächenstück".

    Examples
    --------
    >>> hilbert_order(np.array([0.0, 1.0, 0.0, 1.0]), np.array([0.0, 0.0, 1.0, 1.0])).tolist()
    [0, 2, 3, 1]
    """
    extent = max(float(np.ptp(x)), float(np.ptp(y)), 1e-9)
    cells = (1 << bits) - 1
    column = ((x - x.min()) / extent * cells).astype(np.int64)
    row = ((y - y.min()) / extent * cells).astype(np.int64)
    rank = np.zeros(x.size, dtype=np.int64)
    for level in range(bits - 1, -1, -1):
        side = 1 << level
        right, up = (column & side) > 0, (row & side) > 0
        rank += side * side * ((3 * right) ^ up)
        # the quadrant's curve is turned, and mirrored in the two lower quadrants
        flip = right & ~up
        column, row = (
            np.where(flip, side - 1 - (column & (side - 1)), column & (side - 1)),
            np.where(flip, side - 1 - (row & (side - 1)), row & (side - 1)),
        )
        column, row = np.where(~up, row, column), np.where(~up, column, row)
    return np.lexsort([y, x, rank])
