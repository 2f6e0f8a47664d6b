"""What can be reached within given times, as polygons."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import contourpy
import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt
from shapely.geometry.base import BaseGeometry

from territory.errors import ParameterError
from territory.network.engine.compiling import kernel
from territory.network.engine.dijkstra import one_to_all
from territory.network.engine.graph import MAX_TIME_MS, UNREACHED, Graph, Seeds
from territory.network.graph.arrays import BACKWARD, FORWARD, Bools, Floats, Int32, Ints, Roads
from territory.network.graph.speeds import HopTimes
from territory.network.graph.topology import Topology
from territory.network.points import ACCESS_KMH, Endpoints, attach, place_on_roads
from territory.units import MILLISECONDS_PER_MINUTE, SQUARE_METRES_PER_SQUARE_KILOMETRE

# farther from any road, a place is not drawn as reached (our convention, two and a half squares of the census grid)
OFF_ROAD_M = 500.0
# a grid of 25 million squares takes about half a gigabyte
_MOST_CELLS = 25_000_000


def draw_isochrones(
    network: tuple[Topology, HopTimes, Graph],
    points: gpd.GeoDataFrame,
    *,
    minutes: Sequence[float],
    direction: str,
    cell_m: float,
    max_snap_m: float,
    islands: bool,
) -> gpd.GeoDataFrame:
    """Return what can be reached from points, or from where they can be, as `RoadNetwork.isochrones` says it."""
    levels = sorted({float(level) for level in minutes})
    if not levels or not all(0 < level < np.inf for level in levels):
        raise ParameterError(f"minutes={list(minutes)} : donnez au moins un temps, chacun au-dessus de zéro.")
    if not (cell_m > 0 and np.isfinite(cell_m)):
        raise ParameterError(f"cell_m={cell_m} : indiquez un côté de maille en mètres au-dessus de zéro.")
    if direction not in ("from", "to"):
        raise ParameterError(f"direction={direction!r} : « from » (au départ) ou « to » (à l'arrivée).")
    topology, hop_times, graph = network
    roads = topology.roads
    places = place_on_roads(topology, points, role="points", max_snap_m=max_snap_m, islands=islands)
    ends = attach(topology, hop_times, places)
    usable = topology.snappable_hops & (islands | topology.main_hops)
    limit = min(MAX_TIME_MS, round(levels[-1] * MILLISECONDS_PER_MINUTE))
    drives = (_Drives.to if direction == "to" else _Drives.away)(topology, hop_times, graph)
    seeds = ends.arriving if direction == "to" else ends.leaving
    rows: list[tuple[str, float, BaseGeometry]] = []
    for row, name in enumerate(points.index.astype(str)):
        here = int(places.hop[row]), float(places.share[row])
        times = _vertex_times(drives, seeds[[row]], ends, row, limit_ms=limit)
        around_m = 2 * (OFF_ROAD_M + float(places.distance_m[row]))
        start = *here, int(ends.access_ms[row])
        options = {"around_m": around_m, "spacing_m": cell_m / 2}
        samples = _samples(drives, times, usable, start, limit_ms=limit, **options)
        site = float(ends.x[row]), float(ends.y[row]), float(places.distance_m[row])
        outlines = _outlines(samples, site, levels, cell_m, ACCESS_KMH[roads.profile] * 1000 / 60)
        rows += [(name, level, outline) for level, outline in zip(levels, outlines, strict=True)]
    columns = ["from_id", "minutes", "geometry"]
    frame = gpd.GeoDataFrame(rows, columns=columns, geometry="geometry", crs=roads.crs)
    frame.insert(2, "area_km2", frame.geometry.area / SQUARE_METRES_PER_SQUARE_KILOMETRE)
    return frame


@dataclass(frozen=True)
class _Drives:
    """How times grow along chains away from a point; towards one, each chain is driven from its other end."""

    roads: Roads
    graph: Graph
    # by direction and chain, the node from which it is entered; by direction and hop, times to drive and to wait
    entered: Int32
    move: Int32
    wait: Int32
    is_open: Bools
    is_inbound: bool

    @classmethod
    def away(cls, topology: Topology, hops: HopTimes, graph: Graph) -> "_Drives":
        bits = topology.roads.open_directions
        is_open = np.stack([(bits & FORWARD) > 0, (bits & BACKWARD) > 0])
        return cls(topology.roads, graph, topology.arcs.start_node, hops.move, hops.wait, is_open, False)

    @classmethod
    def to(cls, topology: Topology, hops: HopTimes, graph: Graph) -> "_Drives":
        # whoever drives along a chain towards the point is farther from it the nearer the start: the same kernels
        # run on directions that have changed places
        away, last = cls.away(topology, hops, graph), topology.arcs.end_node
        both = (last[::-1], away.move[::-1].copy(), away.wait[::-1].copy(), away.is_open[::-1])
        return cls(topology.roads, graph.reversed(), *both, True)


def _vertex_times(drives: _Drives, seeds: Seeds, ends: Endpoints, row: int, *, limit_ms: int) -> Ints:
    """Return the time between one point and each vertex of the roads."""
    roads = drives.roads
    node_ms = one_to_all(drives.graph, seeds, limit_ms=limit_ms, threads=1)[0].astype(np.int64)
    node_ms[node_ms == UNREACHED] = MAX_TIME_MS + 1
    times = np.full(roads.x.size, MAX_TIME_MS + 1, dtype=np.int64)
    starts = np.where(drives.entered >= 0, node_ms[np.maximum(drives.entered, 0)], MAX_TIME_MS + 1)
    _run_chains(roads.chain_start, drives.move, drives.wait, starts, times)
    chain = int(ends.chain[row])
    if chain >= 0:
        own = slice(int(roads.chain_start[chain]), int(roads.chain_start[chain + 1]))
        here = int(ends.hop[row]) - own.start
        done = np.zeros((2, own.stop - own.start), dtype=np.int64)
        hop_ms = (drives.move + drives.wait)[:, own.start : own.stop - 1].astype(np.int64)
        done[0, 1:] = np.cumsum(hop_ms[0])
        done[1, :-1] = np.cumsum(hop_ms[1][::-1])[::-1]
        mine = ends.done_ms[:, row]
        if drives.is_inbound:
            # what is done in a direction that has changed places is what was left in the other
            mine = np.array([done[0, -1], done[1, 0]]) - mine[::-1]
        ahead = done - mine[:, None] + ends.access_ms[row]
        part, is_open = times[own], drives.is_open[:, chain]
        if is_open[0]:
            part[here + 1 :] = np.minimum(part[here + 1 :], ahead[0, here + 1 :])
        if is_open[1]:
            part[: here + 1] = np.minimum(part[: here + 1], ahead[1, : here + 1])
    return times


@kernel
def _run_chains(chain_start: Ints, move: Int32, wait: Int32, starts: Ints, times: Ints) -> None:
    """Write the time at each vertex of each chain, run from both of its ends."""
    for chain in range(chain_start.size - 1):
        first, last = chain_start[chain], chain_start[chain + 1] - 1
        time = starts[0, chain]
        for i in range(first, last + 1):
            times[i] = min(times[i], time)
            time += move[0, i] + wait[0, i]
        time = starts[1, chain]
        for i in range(last, first - 1, -1):
            if i < last:
                time += move[1, i] + wait[1, i]
            times[i] = min(times[i], time)


# x, y, time (min), and whether a place is on the road of the point
_Samples = tuple[Floats, Floats, Floats, Bools]
# x, y, and how far from a road
_Site = tuple[float, float, float]


def _samples(
    drives: _Drives,
    times: Ints,
    usable: Bools,
    start: tuple[int, float, int],
    *,
    around_m: float,
    spacing_m: float,
    limit_ms: int,
) -> _Samples:
    """Return places along the roads around what is reached, no farther apart than asked, and what is known there."""
    # a place is reached by the road nearest to it, as a point is: roads that are not reached count too
    roads, (move, wait) = drives.roads, (drives.move, drives.wait)
    after = np.append(times[1:], MAX_TIME_MS + 1)
    is_reached = np.minimum(times, after) <= limit_ms
    is_reached[start[0]] = True
    usable = usable & ~roads.void_hops()
    x, y = roads.x, roads.y
    for axis in (x, y):
        ends = np.stack([axis, np.append(axis[1:], axis[-1])])
        reached = ends[:, np.append(np.flatnonzero(usable & is_reached), start[0])]
        low, high = reached.min() - around_m, reached.max() + around_m
        usable &= (ends.max(axis=0) >= low) & (ends.min(axis=0) <= high)
    hops = np.flatnonzero(usable)
    steps = np.ceil(np.hypot(x[hops + 1] - x[hops], y[hops + 1] - y[hops]) / spacing_m).astype(np.int64) + 1
    hop = np.repeat(hops, steps)
    rank = np.arange(hop.size) - np.repeat(np.cumsum(steps) - steps, steps)
    share = rank / np.maximum(np.repeat(steps, steps) - 1, 1)
    # the point itself is a place of its own segment
    hop, share = np.append(hop, start[0]), np.append(share, start[1])
    chain = np.searchsorted(roads.chain_start, hop, side="right") - 1
    is_open = drives.is_open[:, chain]
    # a wait is at the end of a hop: towards the point, whoever is on the hop has it ahead
    waits = wait[:, hop] * [share > 0.0, share < 1.0] if drives.is_inbound else np.zeros((2, 1))
    time = np.minimum(
        np.where(is_open[0] | (share == 0.0), times[hop] + share * move[0, hop] + waits[0], np.inf),
        np.where(is_open[1] | (share == 1.0), after[hop] + (1 - share) * move[1, hop] + waits[1], np.inf),
    )
    ahead = share - start[1]
    straight = np.where(ahead >= 0, ahead * move[0, hop], -ahead * move[1, hop]) + start[2]
    is_ahead = np.where(ahead > 0, is_open[0], np.where(ahead < 0, is_open[1], True))
    time = np.where((hop == start[0]) & is_ahead, np.minimum(time, straight), time)
    return (
        x[hop] + share * (x[hop + 1] - x[hop]),
        y[hop] + share * (y[hop + 1] - y[hop]),
        np.where(time <= limit_ms, time, np.inf) / MILLISECONDS_PER_MINUTE,
        chain == chain[-1],
    )


def _outlines(
    samples: _Samples, site: _Site, levels: list[float], cell_m: float, m_per_min: float
) -> list[BaseGeometry]:
    """Return the outline of each level, each one holding those before it."""
    x, y, time, beside = samples
    off_site = np.hypot(x - site[0], y - site[1])
    reach_m = min(2 * site[2] + OFF_ROAD_M, levels[-1] * m_per_min)
    known = np.isfinite(time) | (beside & (off_site <= reach_m))
    if not known.any():
        return [shapely.Polygon() for _ in levels]
    margin = OFF_ROAD_M + 2 * cell_m
    # corners on whole multiples of the side: the same place is always in the same square
    x_min, y_min = (np.floor((axis[known].min() - margin) / cell_m) * cell_m for axis in (x, y))
    columns = int(np.ceil((x[known].max() + margin - x_min) / cell_m))
    rows = int(np.ceil((y[known].max() + margin - y_min) / cell_m))
    if columns * rows > _MOST_CELLS:
        said = f"cell_m={cell_m:g} donne une grille de {columns} × {rows} mailles"
        raise ParameterError(f"{said} : agrandissez la maille ou raccourcissez les temps.")
    on_grid = (x - x_min) / cell_m, (y - y_min) / cell_m, time, beside
    here = (site[0] - x_min) / cell_m, (site[1] - y_min) / cell_m, site[2]
    grid = _grid(on_grid, here, (rows, columns), cell_m, m_per_min)
    across, up = (low + (np.arange(n) + 0.5) * cell_m for low, n in ((x_min, columns), (y_min, rows)))
    outlines: list[BaseGeometry] = []
    for level in levels:
        # as far below the level as above it, so that the outline passes half way between the last square that is
        # reached and the next, whatever the other levels
        step = cell_m / m_per_min
        capped = np.clip(grid, level - step, level + step)
        contours = contourpy.contour_generator(across, up, capped, fill_type=contourpy.FillType.OuterOffset)
        filled: Any = contours.filled(-np.inf, level)
        polygons = [_polygon(corners, offsets) for corners, offsets in zip(*filled, strict=True)]
        whole = shapely.union_all([*polygons, *outlines[-1:]])
        outlines.append(whole if whole.is_valid else shapely.make_valid(whole))
    return outlines


def _grid(samples: _Samples, site: _Site, shape: tuple[int, int], cell_m: float, m_per_min: float) -> Floats:
    """Return the time at the middle of each square: that of the nearest place on a road, and the way to it."""
    x, y, time, beside = samples
    column, row = np.floor(x).astype(np.int64), np.floor(y).astype(np.int64)
    inside = np.flatnonzero((column >= 0) & (row >= 0) & (column < shape[1]) & (row < shape[0]))
    square = (row * shape[1] + column)[inside]
    order = np.lexsort([time[inside], np.hypot(x - column - 0.5, y - row - 0.5)[inside], square])
    nearest = np.full(shape, -1, dtype=np.int32)
    first = order[np.append(True, np.diff(square[order]) > 0)]
    nearest.ravel()[square[first]] = inside[first]
    places = distance_transform_edt(nearest < 0, return_distances=False, return_indices=True)
    sample = nearest[tuple(places)]
    up, across = np.indices(shape, sparse=True)
    metres = cell_m * np.hypot(across + 0.5 - x[sample], up + 0.5 - y[sample])
    minutes = time[sample] + metres / m_per_min
    # nobody goes to the road and back to a place nearer than that
    straight = cell_m * np.hypot(across + 0.5 - site[0], up + 0.5 - site[1])
    is_near = beside[sample] & (straight <= metres + site[2])
    minutes = np.where(is_near, np.minimum(minutes, straight / m_per_min), minutes)
    return np.where(metres <= OFF_ROAD_M, minutes, np.inf)


def _polygon(corners: Floats, offsets: NDArray[np.uint32]) -> BaseGeometry:
    """Return a valid polygon from the rings of a contour: the outside, then holes."""
    rings = [corners[begin:end] for begin, end in pairwise(offsets.tolist())]
    polygon = shapely.Polygon(rings[0], rings[1:])
    return polygon if polygon.is_valid else shapely.buffer(polygon, 0)
