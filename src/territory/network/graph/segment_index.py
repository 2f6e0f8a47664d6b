"""Placing points on the nearest road segment."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from territory.network.engine.kernels.compiling import kernel
from territory.network.graph.arrays import Bools, Floats, Ints, Roads

__all__ = ["NOT_SNAPPED_TO", "HopIndex", "Places", "index_hops", "main_chains", "nearest_hops"]

# nobody lives or works on these, and one may not stop there
NOT_SNAPPED_TO = ("motorway", "motorway_link", "ferry", "metric_motorway", "metric_ramp", "metric_ferry")


@dataclass(frozen=True)
class Places:
    """Points placed on roads, one element per point."""

    hop: Ints
    share: Floats
    chain: Ints
    x: Floats
    y: Floats
    distance_m: Floats

    def take(self, rows: Ints | Bools) -> Places:
        """Return the places of some rows."""
        return Places(
            self.hop[rows],
            self.share[rows],
            self.chain[rows],
            self.x[rows],
            self.y[rows],
            self.distance_m[rows],
        )


@dataclass(frozen=True)
class HopIndex:
    """Segments sorted by the square cells that their bounding boxes touch (compressed rows of cells)."""

    x_min: float
    y_min: float
    cell_m: float
    columns: int
    rows: int
    start: Ints
    hops: NDArray[np.int32]


def index_hops(roads: Roads, usable: Bools) -> HopIndex:
    """Index segments so that the nearest one to a point is found at once."""
    hops = np.flatnonzero(usable & ~roads.void_hops()).astype(np.int32)
    x, y = roads.x, roads.y
    if hops.size == 0:
        return HopIndex(0.0, 0.0, 1.0, 1, 1, np.zeros(2, dtype=np.int64), hops)
    x_low, x_high = np.minimum(x[hops], x[hops + 1]), np.maximum(x[hops], x[hops + 1])
    y_low, y_high = np.minimum(y[hops], y[hops + 1]), np.maximum(y[hops], y[hops + 1])
    x_min, y_min = float(x_low.min()), float(y_low.min())
    width, height = float(x_high.max()) - x_min, float(y_high.max()) - y_min
    # about two segments per cell if they were spread evenly; they are not, so cells stay above 50 m
    cell = max(50.0, float(np.sqrt(2 * (width + 1) * (height + 1) / hops.size)))
    columns, rows = int(width / cell) + 1, int(height / cell) + 1
    first_column, last_column = (
        ((x_low - x_min) / cell).astype(np.int64),
        ((x_high - x_min) / cell).astype(np.int64),
    )
    first_row, last_row = (
        ((y_low - y_min) / cell).astype(np.int64),
        ((y_high - y_min) / cell).astype(np.int64),
    )
    start, cell_hops = _fill_cells(hops, first_column, last_column, first_row, last_row, columns, rows)
    return HopIndex(x_min, y_min, cell, columns, rows, start, cell_hops)


@kernel
def _fill_cells(
    hops: NDArray[np.int32],
    first_column: Ints,
    last_column: Ints,
    first_row: Ints,
    last_row: Ints,
    columns: int,
    rows: int,
) -> tuple[Ints, NDArray[np.int32]]:  # pragma: no cover - compiled
    start = np.zeros(columns * rows + 1, dtype=np.int64)
    for place in range(hops.size):
        for row in range(first_row[place], last_row[place] + 1):
            for column in range(first_column[place], last_column[place] + 1):
                start[row * columns + column + 1] += 1
    for cell in range(columns * rows):
        start[cell + 1] += start[cell]
    filled = start[:-1].copy()
    by_cell = np.empty(start[-1], dtype=np.int32)
    for place in range(hops.size):
        for row in range(first_row[place], last_row[place] + 1):
            for column in range(first_column[place], last_column[place] + 1):
                cell = row * columns + column
                by_cell[filled[cell]] = hops[place]
                filled[cell] += 1
    return start, by_cell


def nearest_hops(roads: Roads, index: HopIndex, x: Floats, y: Floats, *, max_distance_m: float) -> Places:
    """Place points on the nearest segment of an index."""
    if index.hops.size == 0:
        hop, share = np.full(x.size, -1, dtype=np.int64), np.zeros(x.size)
    else:
        grid = (index.x_min, index.y_min, index.cell_m, index.columns, index.rows)
        # of equally near segments (the same street drawn twice), the one whose way has the smallest identifier
        priority = np.argsort(np.argsort(roads.ways.way_id, kind="stable"))[roads.hop_way[index.hops]]
        hop, share = _search(roads.x, roads.y, index.start, index.hops, priority, grid, x, y, max_distance_m)
    found = hop >= 0
    safe = np.maximum(hop, 0)
    chain = np.searchsorted(roads.chain_start, safe, side="right") - 1
    onwards = (share == 1.0) & (safe + 2 < roads.chain_start[chain + 1])
    safe = np.where(onwards, safe + 1, safe)
    share = np.where(onwards, 0.0, share)
    after = np.minimum(safe + 1, roads.x.size - 1)
    # the end itself, not a sum that rounds
    placed_x = np.where(
        share == 1.0, roads.x[after], roads.x[safe] + share * (roads.x[after] - roads.x[safe])
    )
    placed_y = np.where(
        share == 1.0, roads.y[after], roads.y[safe] + share * (roads.y[after] - roads.y[safe])
    )
    return Places(
        np.where(found, safe, -1),
        np.where(found, share, np.nan),
        np.where(found, chain, -1),
        np.where(found, placed_x, np.nan),
        np.where(found, placed_y, np.nan),
        np.where(found, np.hypot(placed_x - x, placed_y - y), np.nan),
    )


@kernel
def _place_on(
    xs: Floats, ys: Floats, hop: int, x: float, y: float
) -> tuple[float, float]:  # pragma: no cover - compiled
    """Return the squared distance from a point to a segment, and the part of it before the nearest place."""
    dx, dy = xs[hop + 1] - xs[hop], ys[hop + 1] - ys[hop]
    squared = dx * dx + dy * dy
    share = 0.0
    if squared > 0.0:
        share = ((x - xs[hop]) * dx + (y - ys[hop]) * dy) / squared
    # at an end, the distance to the vertex itself: two segments that share it are exactly as near
    if share <= 0.0:
        return (xs[hop] - x) ** 2 + (ys[hop] - y) ** 2, 0.0
    if share >= 1.0:
        return (xs[hop + 1] - x) ** 2 + (ys[hop + 1] - y) ** 2, 1.0
    return (xs[hop] + share * dx - x) ** 2 + (ys[hop] + share * dy - y) ** 2, share


@kernel
def _search(
    xs: Floats,
    ys: Floats,
    start: Ints,
    hops: NDArray[np.int32],
    priority: Ints,
    grid: tuple[float, float, float, int, int],
    x: Floats,
    y: Floats,
    max_distance_m: float,
) -> tuple[Ints, Floats]:  # pragma: no cover - compiled
    """Return the nearest segment of each point and the place along it, looking at rings of cells."""
    x_min, y_min, cell, columns, rows = grid
    best_hop = np.full(x.size, -1, dtype=np.int64)
    best_share = np.zeros(x.size)
    for point in range(x.size):
        column = int(np.floor((x[point] - x_min) / cell))
        row = int(np.floor((y[point] - y_min) / cell))
        # from outside the grid, the first rings are empty: start at the first that touches it
        outside = 0
        for gap in (-column, column - columns + 1, -row, row - rows + 1):
            if gap > outside:
                outside = gap
        best, hit, first_of_all = max_distance_m * max_distance_m, -1, 0
        for ring in range(outside, outside + columns + rows + 1):
            # a cell of ring k is at least k - 1 cells away
            if (ring - 1) * cell > np.sqrt(best):
                break
            for r in range(max(0, row - ring), min(rows - 1, row + ring) + 1):
                whole = r in (row - ring, row + ring) or ring == 0
                step = 1 if whole else 2 * ring
                first = column - ring
                if whole and first < 0:
                    first = 0
                for c in range(first, min(columns - 1, column + ring) + 1, step):
                    if c < 0:
                        continue
                    for place in range(start[r * columns + c], start[r * columns + c + 1]):
                        hop = int(hops[place])
                        away, share = _place_on(xs, ys, hop, x[point], y[point])
                        if away < best or (away == best and (hit < 0 or priority[place] < first_of_all)):
                            best, hit, best_share[point] = away, hop, share
                            first_of_all = priority[place]
        best_hop[point] = hit
    return best_hop, best_share


def main_chains(
    start_node: NDArray[np.int32], end_node: NDArray[np.int32], part: NDArray[np.int32], length_m: Floats
) -> Bools:
    """Tell which chains belong to the main strongly connected part of the network."""
    first, second = part[np.maximum(start_node, 0)], part[np.maximum(end_node, 0)]
    inside = (first == second) & (start_node >= 0)
    if not inside.any():
        # a map of one-way streets that never come back has no main part: all of it serves
        return np.ones(length_m.size, dtype=bool)
    both = inside[0] & inside[1] & (first[0] == first[1])
    lengths = np.stack([length_m, np.where(both, 0.0, length_m)])
    main = np.bincount(first[inside], weights=lengths[inside]).argmax()
    result: Bools = (inside & (first == main)).any(axis=0)
    return result
