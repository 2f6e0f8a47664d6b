"""From ways to chains: roads between junctions, with every vertex and the exact time of every hop kept."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pyproj import CRS, Transformer
from pyproj.aoi import AreaOfInterest
from pyproj.database import query_utm_crs_info

from territory.errors import NetworkError
from territory.network.engine.compiling import count_threads, kernel, run_tasks
from territory.network.engine.graph import group_by
from territory.network.graph import arrays
from territory.network.graph.arrays import Bools, Float32, Floats, Int32, Ints, RoadLines, Roads
from territory.network.graph.restrictions import with_restrictions
from territory.network.graph.speeds import with_plausible_durations
from territory.network.graph.topology import with_enclosed
from territory.territories import TERRITORIES

_NO_ROAD = "La carte ne contient aucun tronçon de route : aucune route n'a deux nœuds localisés."
# chains laid out by one task
_CHAINS_AT_ONCE = 100_000
# of nodes, x, y and kind; the order of chains and their new starts, then their hops as they were traced
_ByNode = tuple[Floats, Floats, NDArray[np.int8]]
_Traced = tuple[Int32, Bools, Ints]
_LAID = ("x", "y", "vertex_kind", "hop_way", "hop_reversed", "hop_length_m")
_Chains = tuple[Int32, Ints, Int32, Bools, Ints]


class _Hops(NamedTuple):
    """Steps between two nodes of a way: numbers of the nodes, row of the way, length (m)."""

    first: Int32
    second: Int32
    way: Int32
    length_m: Float32


def prepare(lines: RoadLines) -> Roads:
    """Contract ways into chains between junctions; a node that stops cars becomes a dead end on each side."""
    if np.isnan(lines.lon).all():
        raise NetworkError(_NO_ROAD)
    crs = territory_crs(lines.lon, lines.lat)
    # places are projected on one core while the other follows the roads
    with ThreadPoolExecutor(1) as other:
        projected = other.submit(project, lines.lon, lines.lat, crs)
        hops, place_of, traced, is_crossing = _follow(lines)
    x, y = projected.result()
    kind = np.full(x.size, arrays.PLAIN, dtype=np.int8)
    kind[lines.kind_node] = lines.kind
    by_node = (x, y, kind) if place_of is None else (x[place_of], y[place_of], kind[place_of])
    by_node[2][is_crossing & (by_node[2] == arrays.PLAIN)] = arrays.JUNCTION
    return with_enclosed(with_plausible_durations(_assemble(lines, crs, hops, traced, by_node)))


def _follow(lines: RoadLines) -> tuple[_Hops, Ints | None, _Traced, Bools]:
    """Return hops, the original node of each node if barriers made new ones, chains, and which nodes are crossings."""
    first, second, way, length = _cut_steps(lines.start, lines.node, lines.lon, lines.lat)
    if first.size == 0:
        raise NetworkError(_NO_ROAD)
    if not np.isnan(lines.length_m).all():
        measured = np.bincount(way, weights=length, minlength=len(lines.ways))
        ratio = np.divide(lines.length_m, measured, out=np.ones(len(lines.ways)), where=measured > 0)
        length = (length * np.where(np.isnan(ratio), 1.0, ratio)[way]).astype(np.float32)
    hops, place_of = _cut_barriers(_Hops(first, second, way, length), lines)
    kept = np.zeros(lines.lon.size if place_of is None else place_of.size, dtype=bool)
    kept[[node for rule in lines.restrictions for node in rule.nodes]] = True
    # an end of a hop is 2 × hop, plus 1 at its second node
    start, ends = group_by(kept.size, np.column_stack([hops.first, hops.second]).ravel())
    kinds = lines.ways.direction.astype(np.int8) | (4 * lines.ways.is_destination).astype(np.int8)
    _mark_junctions(start, ends, hops.way, kinds, kept)
    traced = _trace(start, ends, hops.first, hops.second, kept)
    return hops, place_of, traced, _crossings(np.flatnonzero(np.diff(start) > 2), start, ends, *hops[:2])


# WGS 84
_EQUATOR_M, _FLATTENING = 6378137.0, 1 / 298.257223563


@kernel
def ground_m(lon_1: float, lat_1: float, lon_2: float, lat_2: float) -> float:
    """Return the distance (m) between close places, with the radii of curvature in their middle."""
    squared = _FLATTENING * (2 - _FLATTENING)
    middle = np.radians((lat_1 + lat_2) / 2)
    sine_squared = np.sin(middle) ** 2
    curvature = 1 - squared * sine_squared
    root = np.sqrt(curvature)
    north = _EQUATOR_M * (1 - squared) / (curvature * root) * np.radians(lat_2 - lat_1)
    # close places on both sides of the antimeridian are close
    degrees = min(abs(lon_2 - lon_1), 360.0 - abs(lon_2 - lon_1))
    # of a latitude the cosine is never below nought
    east = _EQUATOR_M / root * np.sqrt(1 - sine_squared) * np.radians(degrees)
    return float(np.sqrt(north * north + east * east))


@kernel
def _cut_steps(start: Ints, node: Int32, lon: Floats, lat: Floats) -> tuple[Int32, Int32, Int32, Float32]:
    """Return both nodes, the way and the length (m) of each step between distinct located nodes."""
    first, second = np.empty(node.size, dtype=np.int32), np.empty(node.size, dtype=np.int32)
    way, length, count = np.empty(node.size, dtype=np.int32), np.empty(node.size, dtype=np.float32), 0
    for row in range(start.size - 1):
        for step in range(start[row], start[row + 1] - 1):
            one, two = node[step], node[step + 1]
            if one != two and not np.isnan(lon[one]) and not np.isnan(lon[two]):
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
    return hops._replace(first=first, second=second), place_of


@kernel
def _mark_junctions(start: Ints, ends: Int32, way: Int32, direction: NDArray[np.int8], kept: Bools) -> None:
    """Mark the nodes that are no mere passage between two hops open to the same trips in the same directions."""
    # bits of `direction`: forward, backward, and whether the way is only a destination
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
        same_use = enter_one == leave_two and enter_two == leave_one and bits_one & 4 == bits_two & 4
        if one // 2 == two // 2 or not same_use:
            kept[node] = True


@kernel
def _trace(start: Ints, ends: Int32, first: Int32, second: Int32, kept: Bools) -> _Traced:
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


@kernel
def _crossings(busy: Ints, start: Ints, ends: Int32, first: Int32, second: Int32) -> Bools:
    """Tell which nodes, of those where three hops end, have three others beside: a road drawn twice is no crossing."""
    is_crossing = np.zeros(start.size - 1, dtype=np.bool_)
    for node in busy:
        one, two = -1, -1
        for place in range(start[node], start[node + 1]):
            other = first[ends[place] // 2] if ends[place] % 2 == 1 else second[ends[place] // 2]
            if one < 0:
                one = other
            elif two < 0 and other != one:
                two = other
            elif other != one and other != two:
                is_crossing[node] = True
    return is_crossing


def _assemble(lines: RoadLines, crs: str, hops: _Hops, traced: _Traced, by_node: _ByNode) -> Roads:
    """Put chains and junctions in Hilbert order, and lay the arrays out."""
    x, y = by_node[:2]
    sequence, backward, hop_start = traced
    begin, end = sequence[hop_start[:-1]], sequence[hop_start[1:] - 1]
    tail_node = np.where(backward[hop_start[:-1]], hops.second[begin], hops.first[begin])
    head_node = np.where(backward[hop_start[1:] - 1], hops.first[end], hops.second[end])
    number = np.full(x.size, -1, dtype=np.int32)
    number[tail_node] = number[head_node] = 0
    junctions = np.flatnonzero(number == 0)
    junctions = junctions[hilbert_order(x[junctions], y[junctions])]
    number[junctions] = np.arange(junctions.size)
    # chains that leave one junction lie together
    order = group_by(junctions.size, number[tail_node])[1]
    direction = lines.ways.direction[hops.way[begin[order]]]
    swapped = (direction & arrays.FORWARD) * arrays.BACKWARD | direction // arrays.BACKWARD
    chain_start = np.concatenate([[0], np.cumsum(np.diff(hop_start)[order] + 1)])
    laid = zip(_LAID, _laid_out((order, chain_start, *traced), hops, by_node), strict=True)
    roads = Roads(
        ways=lines.ways,
        crs=crs,
        chain_start=chain_start,
        tail=number[tail_node[order]],
        head=number[head_node[order]],
        open_directions=np.where(backward[hop_start[order]], swapped, direction).astype(np.int8),
        junction_x=x[junctions],
        junction_y=y[junctions],
        is_destination=lines.ways.is_destination[hops.way[begin[order]]],
        name_text=np.frombuffer("\n".join(lines.names).encode(), dtype=np.uint8),
        **dict(laid),
        **{name: getattr(lines, name) for name in ("asides", "profile", "source", "attribution")},
    )
    return with_restrictions(roads, lines.restrictions, number)


def _laid_out(chains: _Chains, hops: _Hops, by_node: _ByNode) -> Any:
    """Return x, y and kind of vertices, then way, sense and length of hops, chain after chain, on all cores."""
    order, chain_start = chains[:2]
    kinds = (np.float64, np.float64, np.int8, np.int32, np.bool_, np.float32)
    laid: Any = tuple(np.zeros(chain_start[-1], kind) for kind in kinds)
    parts = [(begin, begin + _CHAINS_AT_ONCE) for begin in range(0, order.size, _CHAINS_AT_ONCE)]
    threads = min(len(parts), count_threads(None))
    run_tasks(lambda part: _lay_out(part, chains, hops, by_node, laid), parts, threads)
    return laid


@kernel
def _lay_out(part: tuple[int, int], chains: _Chains, hops: _Hops, by_node: _ByNode, laid: Any) -> None:
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


# more places than this tell no better where a map is
_ENOUGH_PLACES = 100_000
# places projected by one task
_PLACES_AT_ONCE = 500_000


def territory_crs(lon: Floats, lat: Floats) -> str:
    """Return the official projected system of the place where most of a map is."""
    every = max(1, lon.size // _ENOUGH_PLACES)
    some = ~(np.isnan(lon[::every]) | np.isnan(lat[::every]))
    if not some.any():
        every, some = 1, ~(np.isnan(lon) | np.isnan(lat))
    middle_lon, middle_lat = float(np.median(lon[::every][some])), float(np.median(lat[::every][some]))
    for territory in TERRITORIES.values():
        if territory.holds(np.array([middle_lon]), np.array([middle_lat])).all():
            return f"EPSG:{territory.epsg}"
    area = AreaOfInterest(middle_lon, middle_lat, middle_lon, middle_lat)
    return f"EPSG:{query_utm_crs_info(datum_name='WGS 84', area_of_interest=area)[0].code}"


def project(lon: Floats, lat: Floats, crs: str) -> tuple[Floats, Floats]:
    """Project places."""
    x, y = np.full((2, lon.size), np.nan)

    def fill(part: slice) -> None:
        # a transformer serves one thread, and would look for unknown places again and again
        transformer = Transformer.from_crs(CRS("EPSG:4326"), CRS(crs), always_xy=True)
        known = ~(np.isnan(lon[part]) | np.isnan(lat[part]))
        x[part][known], y[part][known] = transformer.transform(lon[part][known], lat[part][known])

    parts = [slice(begin, begin + _PLACES_AT_ONCE) for begin in range(0, lon.size, _PLACES_AT_ONCE)]
    run_tasks(fill, parts, min(len(parts), count_threads(None)))
    return x, y


def hilbert_order(x: Floats, y: Floats, *, bits: int = 16) -> Ints:
    """Order points along a Hilbert curve: neighbours in the order are neighbours on the map."""
    extent = max(float(np.ptp(x)), float(np.ptp(y)), 1e-9)
    columns, rows = (((axis - axis.min()) / extent * ((1 << bits) - 1)).astype(np.int32) for axis in (x, y))
    rank = _rank(columns, rows, bits)
    order = np.argsort(rank, kind="stable")
    ranked = rank[order]
    tied = np.flatnonzero(ranked[1:] == ranked[:-1])
    if tied.size:
        # few points share a cell: only these are compared further
        places = np.union1d(tied, tied + 1)
        shared = order[places]
        order[places] = shared[np.lexsort([y[shared], x[shared], rank[shared]])]
    return order


def _rank(column: Int32, row: Int32, bits: int) -> Ints:
    """Return the place on the curve of each cell."""
    rank = np.zeros(column.size, dtype=np.int64)
    for level in reversed(range(bits)):
        right, up = column >> level & 1, row >> level & 1
        rank = rank << 2 | ((3 * right) ^ up)
        # the quadrant's curve is turned, and mirrored in the two lower quadrants
        turn = (column ^ row ^ -right) & (up - 1)
        column, row = column ^ turn, row ^ turn
    return rank
