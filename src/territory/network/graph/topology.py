"""What a road map gives once for all speeds: its main part, the index of its segments, the order of its nodes."""

import hashlib
import io
from copy import copy
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import connected_components

from territory.files.safe_files import write_whole
from territory.network.engine.compiling import inner_kernel, kernel, wait_beside
from territory.network.engine.graph import Graph, Seeds, group_by, is_order
from territory.network.engine.hierarchy import Hierarchy
from territory.network.engine.ordering import order_nodes
from territory.network.graph.arrays import BACKWARD, FORWARD, Arcs, Bools, Floats, Ints, Roads, build_arcs


class Topology:
    """Prepared roads with all that does not depend on speeds, each computed when first needed."""

    def __init__(self, roads: Roads) -> None:
        self.roads = roads

    def with_density_bands(self, bands: NDArray[np.int8]) -> "Topology":
        """Return the same map with other densities by way; everything already computed is kept."""
        other = copy(self)
        other.roads = replace(self.roads, ways=replace(self.roads.ways, density_band=bands))
        return other

    @cached_property
    def arcs(self) -> Arcs:
        """The directed graph, turn restrictions included."""
        return build_arcs(self.roads)

    def with_slowness(self, slowness: NDArray[np.float32]) -> "Topology":
        """Return the same map whose hops are slower or closed; the order of its nodes is kept."""
        other = copy(self)
        other.roads = replace(self.roads, hop_slowness=slowness)
        for name in ("is_main", "main_hops", "main_index", "whole_index", "snappable_hops"):
            other.__dict__.pop(name, None)
        return other

    @cached_property
    def is_main(self) -> Bools:
        """By chain, whether it belongs to the main strongly connected part."""
        return _main_part(self.roads, self.roads.open_directions > 0)

    @cached_property
    def main_hops(self) -> Bools:
        """By hop, whether it belongs to the main part, closed hops apart."""
        roads, chain = self.roads, self.roads.chain_of_vertex()
        if not roads.hop_slowness.size:
            return self.is_main[chain]
        closed, starts = np.isinf(roads.hop_slowness).any(axis=0), roads.chain_start[:-1]
        before: Ints = np.cumsum(closed) - closed
        done: Ints = before - before[starts][chain]
        total = np.add.reduceat(closed, starts)[chain]
        # of a road cut by works, both stumps are used where they meet the main part, what lies between is not
        main = np.zeros(roads.n_junctions, dtype=bool)
        main[roads.tail[self.is_main]] = main[roads.head[self.is_main]] = True
        both_ways = (roads.open_directions == FORWARD | BACKWARD)[chain]
        stump = ((done == 0) & main[roads.tail][chain]) | ((done == total) & main[roads.head][chain])
        return np.where(total > 0, stump & both_ways, self.is_main[chain])

    @cached_property
    def main_index(self) -> "HopIndex":
        """Index of the segments of the main part on which points may be placed."""
        return index_hops(self.roads, self.snappable_hops & self.main_hops)

    @cached_property
    def whole_index(self) -> "HopIndex":
        """Index of all the segments on which points may be placed."""
        return index_hops(self.roads, self.snappable_hops)

    @cached_property
    def snappable_hops(self) -> Bools:
        """By hop, whether points may be placed on a road of its class."""
        barred = np.isin(np.array(self.roads.ways.class_names), NOT_SNAPPED_TO)
        usable: Bools = ~barred[self.roads.ways.road_class[self.roads.hop_way]]
        if self.roads.hop_slowness.size:
            usable &= ~np.isinf(self.roads.hop_slowness).all(axis=0)
        return usable

    @cached_property
    def chain_length_m(self) -> NDArray[np.float64]:
        """Length of each chain (m)."""
        return np.add.reduceat(self.roads.hop_length_m.astype(np.float64), self.roads.chain_start[:-1])

    @cached_property
    def rank(self) -> NDArray[np.int32]:
        """Order in which the hierarchy contracts nodes: it depends on the map alone."""
        wait_beside()
        arcs = self.arcs
        x, y = self.roads.junction_x[arcs.node_junction], self.roads.junction_y[arcs.node_junction]
        return np.asarray(order_nodes(arcs.n_nodes, arcs.tails, arcs.heads, x, y), dtype=np.int32)

    @cached_property
    def hierarchy(self) -> Hierarchy:
        """The contraction hierarchy, ready for any speeds."""
        return Hierarchy.build(self.graph(np.zeros(self.arcs.tails.size, dtype=np.int32)), self.rank)

    @property
    def is_ordered(self) -> bool:
        """Whether the order of the nodes is known already."""
        return "rank" in self.__dict__ or "hierarchy" in self.__dict__

    def graph(self, weights_ms: NDArray[np.int32]) -> Graph:
        """Return the graph of the engine with these times of arcs."""
        return Graph.from_edges(self.arcs.n_nodes, self.arcs.tails, self.arcs.heads, weights_ms)

    def digest(self) -> str:
        """Return a digest of the directed graph, the same for the same map whatever the speeds."""
        content = hashlib.sha256(np.int64(self.arcs.n_nodes).tobytes())
        for part in (self.arcs.tails, self.arcs.heads, self.roads.junction_x, self.roads.junction_y):
            content.update(np.ascontiguousarray(part).data)
        return content.hexdigest()

    def take_hierarchy(self, hierarchy: Hierarchy) -> None:
        """Keep a hierarchy made before for this very map, and the order that it holds."""
        self.__dict__.update(rank=hierarchy.rank, hierarchy=hierarchy)

    def order(self, cache: Path | None) -> None:
        """Find the order of the nodes, from a cache folder if it has one, and keep it there."""
        if self.is_ordered or cache is None:
            _ = self.rank
            return
        path = cache / f"order-{self.digest()[:32]}.npy"
        try:
            rank: NDArray[np.int32] = np.load(path, allow_pickle=False)
        except (OSError, ValueError, EOFError):
            rank = np.empty(0, dtype=np.int32)
        if rank.dtype != np.int32 or not is_order(rank, self.arcs.n_nodes):
            rank = self.rank
            cache.mkdir(parents=True, exist_ok=True)
            content = io.BytesIO()
            np.save(content, rank, allow_pickle=False)  # pragma: no mutate
            write_whole(path, content.getvalue())
        self.__dict__["rank"] = rank


def compile_hierarchy() -> None:
    """Compile what orders and searches a hierarchy, on a few crossroads: another process does it beside reading."""
    side = 40
    node = np.arange(side * side, dtype=np.int32).reshape(side, side)
    pairs = [(node[:, :-1], node[:, 1:]), (node[:-1], node[1:])]
    tails, heads = (np.concatenate([pair[row].ravel() for pair in pairs]) for row in range(2))
    y, x = np.divmod(np.arange(node.size, dtype=np.float64), side)
    graph = Graph.from_edges(node.size, tails, heads, np.full(tails.size, 1, dtype=np.int32))
    rank = np.asarray(order_nodes(node.size, tails, heads, x, y), dtype=np.int32)
    ends = Seeds.at_nodes(node[0])
    Hierarchy.build(graph, rank).customize(graph.weights_ms).matrix(ends, ends, threads=1)


# nobody lives or works on these, and one may not stop there
_OF_METRIC = ("metric_motorway", "metric_ramp", "metric_ferry")
NOT_SNAPPED_TO = ("motorway", "motorway_link", "ferry", "shuttle_train", *_OF_METRIC)


@dataclass(frozen=True)
class Places:
    """Points placed on roads, one element per point."""

    hop: Ints
    share: Floats
    chain: Ints
    x: Floats
    y: Floats
    distance_m: Floats
    # where the points themselves are
    at: tuple[Floats, Floats] = (np.empty(0), np.empty(0))  # pragma: no mutate


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
        return HopIndex(0.0, 0.0, 1.0, 1, 1, np.zeros(2, dtype=np.int64), hops)  # pragma: no mutate
    x_low, x_high = np.minimum(x[hops], x[hops + 1]), np.maximum(x[hops], x[hops + 1])
    y_low, y_high = np.minimum(y[hops], y[hops + 1]), np.maximum(y[hops], y[hops + 1])
    x_min, y_min = float(x_low.min()), float(y_low.min())
    width, height = float(x_high.max()) - x_min, float(y_high.max()) - y_min
    # about two segments per cell if they were spread evenly; they are not, so cells stay above 50 m
    cell = max(50.0, float(np.sqrt(2 * (width + 1) * (height + 1) / hops.size)))  # pragma: no mutate
    columns, rows = int(width / cell) + 1, int(height / cell) + 1
    left, right = (((side - x_min) / cell).astype(np.int64) for side in (x_low, x_high))
    bottom, top = (((side - y_min) / cell).astype(np.int64) for side in (y_low, y_high))
    size = int(((right - left + 1) * (top - bottom + 1)).sum())
    cells, touching = _cells_touched(hops, (left, right, bottom, top), columns, size)
    start, places = group_by(columns * rows, cells)
    return HopIndex(x_min, y_min, cell, columns, rows, start, touching[places])


@kernel
def _cells_touched(
    hops: NDArray[np.int32], boxes: tuple[Ints, Ints, Ints, Ints], columns: int, size: int
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Return each cell that the box of a segment touches, and the segment."""
    left, right, bottom, top = boxes
    cells, touching, count = np.empty(size, dtype=np.int32), np.empty(size, dtype=np.int32), 0
    for place in range(hops.size):
        for row in range(bottom[place], top[place] + 1):
            for column in range(left[place], right[place] + 1):
                cells[count], touching[count] = row * columns + column, hops[place]
                count += 1
    return cells, touching


def nearest_hops(roads: Roads, index: HopIndex, x: Floats, y: Floats, *, max_distance_m: float) -> Places:
    """Place points on the nearest segment of an index."""
    hop, share = np.full(x.size, -1, dtype=np.int64), np.zeros(x.size)
    if index.hops.size:
        grid = (index.x_min, index.y_min, index.cell_m, index.columns, index.rows)
        # of equally near segments (the same street drawn twice), the one whose way has the smallest identifier
        priority = np.argsort(np.argsort(roads.ways.way_id, kind="stable"))[roads.hop_way[index.hops]]
        cells = index.start, index.hops, priority
        # of one type whatever was given: for each other one the kernel would be compiled again
        _search(roads.x, roads.y, cells, grid, (x.copy(), y.copy()), float(max_distance_m), (hop, share))
    found = hop >= 0
    safe = np.maximum(hop, 0)
    chain = np.searchsorted(roads.chain_start, safe, side="right") - 1
    onwards = (share == 1.0) & (safe + 2 < roads.chain_start[chain + 1])
    safe = np.where(onwards, safe + 1, safe)
    share = np.where(onwards, 0.0, share)
    after = np.minimum(safe + 1, roads.x.size - 1)
    # the end itself, not a sum that rounds
    ends = ((axis[safe], axis[after]) for axis in (roads.x, roads.y))
    placed_x, placed_y = (np.where(share == 1.0, end, one + share * (end - one)) for one, end in ends)
    numbers = [np.where(found, column, -1) for column in (safe, chain)]
    measures = (share, placed_x, placed_y, np.hypot(placed_x - x, placed_y - y))
    share, placed_x, placed_y, distance_m = (np.where(found, column, np.nan) for column in measures)
    return Places(numbers[0], share, numbers[1], placed_x, placed_y, distance_m)


@inner_kernel
def _place_on(xs: Floats, ys: Floats, hop: int, x: float, y: float) -> tuple[float, float]:
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
    cells: tuple[Ints, NDArray[np.int32], Ints],
    grid: tuple[float, float, float, int, int],
    points: tuple[Floats, Floats],
    max_distance_m: float,
    found: tuple[Ints, Floats],
) -> None:
    """Write the nearest segment of each point and the place along it, looking at rings of cells."""
    start, hops, priority = cells
    x_min, y_min, cell, columns, rows = grid
    x, y = points
    best_hop, best_share = found
    for point in range(x.size):
        column = int(np.floor((x[point] - x_min) / cell))
        row = int(np.floor((y[point] - y_min) / cell))
        # from outside the grid, the first rings are empty: start at the first that touches it
        outside = max(0, -column, column - columns + 1, -row, row - rows + 1)
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


def with_enclosed(roads: Roads) -> Roads:
    """Return roads where streets that are reached only through destination streets are destinations too."""
    # nobody passes through a destination street to reach another road, but somebody may live on that other road
    if not roads.is_destination.any():
        return roads
    every = _main_part(roads, roads.open_directions > 0)
    free = _main_part(roads, (roads.open_directions > 0) & ~roads.is_destination)
    return replace(roads, is_destination=roads.is_destination | (every & ~free))


def _main_part(roads: Roads, opened: Bools) -> Bools:
    """Tell which of the open chains belong to the main strongly connected part of the network."""
    arcs = build_arcs(roads, with_destinations=False)
    lengths = np.add.reduceat(roads.hop_length_m.astype(np.float64), roads.chain_start[:-1])
    usable = np.stack([opened, opened])
    if roads.hop_slowness.size:
        usable &= ~np.logical_or.reduceat(np.isinf(roads.hop_slowness), roads.chain_start[:-1], axis=1)
    kept = (arcs.chain < 0) | usable[arcs.direction.astype(np.int64), arcs.chain]
    ends = arcs.tails[kept], arcs.heads[kept]
    links = csr_matrix((np.ones(ends[0].size, dtype=bool), ends), shape=(arcs.n_nodes,) * 2)
    part = connected_components(links, directed=True, connection="strong")[1]
    start = np.where(usable, arcs.start_node, -1)
    first, second = part[np.maximum(start, 0)], part[np.maximum(arcs.end_node, 0)]
    inside = (first == second) & (start >= 0)
    if not inside.any():
        # a map of one-way streets that never come back has no main part: all of it serves
        return np.ones(lengths.size, dtype=bool)
    both = inside[0] & inside[1] & (first[0] == first[1])
    by_direction = np.stack([lengths, np.where(both, 0.0, lengths)])
    main = np.bincount(first[inside], weights=by_direction[inside]).argmax()
    return np.asarray((inside & (first == main)).any(axis=0))
