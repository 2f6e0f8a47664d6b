"""What can be reached within given times, as polygons."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from territory.errors import ParameterError
from territory.network.engine.compiling import kernel
from territory.network.engine.dijkstra import one_to_all
from territory.network.engine.graph import MAX_TIME_MS, UNREACHED, Graph, Seeds
from territory.network.graph.arrays import BACKWARD, FORWARD, Bools, Floats, Ints, Roads
from territory.network.graph.speeds import HopTimes
from territory.network.graph.topology import Topology
from territory.network.points import ACCESS_KMH, Endpoints, attach, place_on_roads
from territory.units import MILLISECONDS_PER_MINUTE, SQUARE_METRES_PER_SQUARE_KILOMETRE

if TYPE_CHECKING:
    import geopandas as gpd
    from shapely.geometry.base import BaseGeometry

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
    import geopandas as gpd

    levels = sorted({float(level) for level in minutes})
    if not levels or not all(0 < level < np.inf for level in levels):
        raise ParameterError(
            f"minutes={list(minutes)} : indiquez au moins un temps, chacun au-dessus de zéro."
        )
    if not (cell_m > 0 and np.isfinite(cell_m)):
        raise ParameterError(f"cell_m={cell_m} : indiquez un côté de maille en mètres au-dessus de zéro.")
    if direction not in ("from", "to"):
        raise ParameterError(
            f"direction={direction!r} : choisissez « from » (au départ) ou « to » (à l'arrivée)."
        )
    topology, hop_times, graph = network
    roads = topology.roads
    places = place_on_roads(topology, points, role="points", max_snap_m=max_snap_m, islands=islands)
    ends = attach(topology, hop_times, places)
    usable = topology.snappable_hops & (islands | topology.main_hops)
    limit = min(MAX_TIME_MS, round(levels[-1] * MILLISECONDS_PER_MINUTE))
    drives = (
        _Drives.to(topology, hop_times, graph)
        if direction == "to"
        else _Drives.away(topology, hop_times, graph)
    )
    seeds = ends.arriving if direction == "to" else ends.leaving
    rows: list[tuple[str, float, BaseGeometry]] = []
    for row, name in enumerate(points.index.astype(str)):
        here = int(places.hop[row]), float(places.share[row])
        times = _vertex_times(drives, seeds[[row]], ends, row, limit_ms=limit)
        samples = _samples(
            drives, times, usable, (*here, int(ends.access_ms[row])), spacing_m=cell_m / 2, limit_ms=limit
        )
        outlines = _outlines(samples, levels, cell_m, ACCESS_KMH[roads.profile] * 1000 / 60)
        rows += [(name, level, outline) for level, outline in zip(levels, outlines, strict=True)]
    frame = gpd.GeoDataFrame(
        rows, columns=["from_id", "minutes", "geometry"], geometry="geometry", crs=roads.crs
    )
    frame.insert(2, "area_km2", frame.geometry.area / SQUARE_METRES_PER_SQUARE_KILOMETRE)
    return frame


@dataclass(frozen=True)
class _Drives:
    """How times grow along chains away from a point; towards one, each chain is driven from its other end."""

    roads: Roads
    graph: Graph
    # by direction and chain, the node from which it is entered; by direction and hop, times to drive and to wait
    entered: NDArray[np.int32]
    move: NDArray[np.int32]
    wait: NDArray[np.int32]
    is_open: Bools
    is_inbound: bool

    @classmethod
    def away(cls, topology: Topology, hops: HopTimes, graph: Graph) -> _Drives:
        bits = topology.roads.open_directions
        is_open = np.stack([(bits & FORWARD) > 0, (bits & BACKWARD) > 0])
        return cls(topology.roads, graph, topology.arcs.start_node, hops.move, hops.wait, is_open, False)

    @classmethod
    def to(cls, topology: Topology, hops: HopTimes, graph: Graph) -> _Drives:
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
def _run_chains(
    chain_start: Ints, move: NDArray[np.int32], wait: NDArray[np.int32], starts: Ints, times: Ints
) -> None:  # pragma: no cover - compiled
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


def _samples(
    drives: _Drives,
    times: Ints,
    usable: Bools,
    start: tuple[int, float, int],
    *,
    spacing_m: float,
    limit_ms: int,
) -> tuple[Floats, Floats, Floats]:
    """Return places along reached roads, no farther apart than asked, and the time at each (min)."""
    roads, (move, wait) = drives.roads, (drives.move, drives.wait)
    after = np.append(times[1:], MAX_TIME_MS + 1)
    is_reached = np.minimum(times, after) <= limit_ms
    is_reached[start[0]] = True
    hops = np.flatnonzero(usable & ~roads.void_hops() & is_reached)
    x, y = roads.x, roads.y
    steps = np.ceil(np.hypot(x[hops + 1] - x[hops], y[hops + 1] - y[hops]) / spacing_m).astype(np.int64) + 1
    hop = np.repeat(hops, steps)
    rank = np.arange(hop.size) - np.repeat(np.cumsum(steps) - steps, steps)
    share = rank / np.maximum(np.repeat(steps, steps) - 1, 1)
    # the point itself is a place of its own segment
    hop, share = np.append(hop, start[0]), np.append(share, start[1])
    is_open = drives.is_open[:, np.searchsorted(roads.chain_start, hop, side="right") - 1]
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
    kept = time <= limit_ms
    hop, share = hop[kept], share[kept]
    return (
        x[hop] + share * (x[hop + 1] - x[hop]),
        y[hop] + share * (y[hop + 1] - y[hop]),
        time[kept] / MILLISECONDS_PER_MINUTE,
    )


def _outlines(
    samples: tuple[Floats, Floats, Floats], levels: list[float], cell_m: float, metres_per_minute: float
) -> list[BaseGeometry]:
    """Return the outline of each level, each one holding those before it."""
    import contourpy
    import shapely

    x, y, time = samples
    if x.size == 0:
        return [shapely.Polygon() for _ in levels]
    margin = OFF_ROAD_M + 2 * cell_m
    # corners on whole multiples of the side: the same place is always in the same square
    x_min, y_min = (np.floor((axis.min() - margin) / cell_m) * cell_m for axis in (x, y))
    columns = int(np.ceil((x.max() + margin - x_min) / cell_m))
    rows = int(np.ceil((y.max() + margin - y_min) / cell_m))
    if columns * rows > _MOST_CELLS:
        raise ParameterError(
            f"cell_m={cell_m:g} donne une grille de {columns} × {rows} mailles : agrandissez la maille ou raccourcissez"
            " les temps."
        )
    grid = np.full((rows, columns), np.inf)
    away = np.full((rows, columns), np.inf)
    _mark(grid, away, x - x_min, y - y_min, time, cell_m, metres_per_minute)
    _spread(grid, away, cell_m, metres_per_minute, OFF_ROAD_M)
    axes = (low + (np.arange(count) + 0.5) * cell_m for low, count in ((x_min, columns), (y_min, rows)))
    across, up = axes
    outlines: list[BaseGeometry] = []
    for level in levels:
        # just above the level, so that its outline passes within one square of the last reached one, whatever
        # the other levels
        capped = np.minimum(grid, level + cell_m / metres_per_minute)
        contours = contourpy.contour_generator(across, up, capped, fill_type=contourpy.FillType.OuterOffset)
        filled: Any = contours.filled(-1.0, level)
        polygons = [_polygon(corners, offsets) for corners, offsets in zip(*filled, strict=True)]
        whole = shapely.union_all([*polygons, *outlines[-1:]])
        outlines.append(whole if whole.is_valid else shapely.make_valid(whole))
    return outlines


def _polygon(corners: Floats, offsets: NDArray[np.uint32]) -> BaseGeometry:
    """Return a valid polygon from the rings of a contour: the outside, then holes."""
    import shapely

    rings = [corners[begin:end] for begin, end in pairwise(offsets.tolist())]
    polygon = shapely.Polygon(rings[0], rings[1:])
    return polygon if polygon.is_valid else shapely.buffer(polygon, 0)


@kernel
def _mark(
    grid: Floats, away: Floats, x: Floats, y: Floats, time: Floats, cell_m: float, metres_per_minute: float
) -> None:  # pragma: no cover - compiled
    """Write into the square of each place on a road the time to the middle of the square."""
    for place in range(x.size):
        column, row = int(x[place] / cell_m), int(y[place] / cell_m)
        distance = np.hypot((column + 0.5) * cell_m - x[place], (row + 0.5) * cell_m - y[place])
        reached = time[place] + distance / metres_per_minute
        if reached < grid[row, column]:
            grid[row, column] = reached
            away[row, column] = distance


@kernel
def _spread(
    grid: Floats, away: Floats, cell_m: float, metres_per_minute: float, off_road_m: float
) -> None:  # pragma: no cover - compiled
    """Let times spread from square to square at the access speed, no farther than `off_road_m` from a road."""
    rows, columns = grid.shape
    changed = True
    while changed:
        changed = False
        # one sweep down and one up settle almost all; a last pair of sweeps sees that nothing changes
        for sweep in range(2):
            for step in range(rows * columns):
                place = step if sweep == 0 else rows * columns - 1 - step
                row, column = place // columns, place % columns
                if grid[row, column] == np.inf:
                    continue
                for down in range(-1, 2):
                    for right in range(-1, 2):
                        r, c = row + down, column + right
                        if r < 0 or c < 0 or r >= rows or c >= columns:
                            continue
                        side = cell_m * np.sqrt(down * down + right * right)
                        distance = away[row, column] + side
                        reached = grid[row, column] + side / metres_per_minute
                        if distance <= off_road_m and reached < grid[r, c] - 1e-9:
                            grid[r, c] = reached
                            away[r, c] = distance
                            changed = True
