"""A hierarchy under one set of speeds, and the times that it answers with: whole matrices, tiles within a limit."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from territory.network.engine import graph as graphs
from territory.network.engine import sweep as sweeping
from territory.network.engine.compiling import count_threads, run_tasks, stream_tasks
from territory.network.engine.dijkstra import Room, targets_by_node, targets_within
from territory.network.engine.graph import MAX_TIME_MS, UNREACHED, Graph, Int32, Int64, SavedArrays, Seeds
from territory.network.engine.label_search import labels_of_points

# times (ms), or `time << 32 | length`
Labels = NDArray[Any]
# sources, targets and labels
_Pairs = tuple[Int32, Int32, Labels]


@dataclass(frozen=True, eq=False)
class Metric(SavedArrays):
    """Times between any nodes under one set of speeds: arcs with times (ms), or labels `time << 32 | length`."""

    rank: Int32
    parents: Int32
    up_start: Int64
    up_heads: Int32
    up_weights: Labels
    down_start: Int64
    down_heads: Int32
    down_weights: Labels

    @property
    def has_lengths(self) -> bool:
        """Whether lengths along the fastest paths are known."""
        return self.up_weights.dtype == np.int64

    def matrix(
        self,
        sources: Seeds,
        targets: Seeds,
        *,
        source_lengths_dm: ArrayLike | None = None,
        target_lengths_dm: ArrayLike | None = None,
        threads: int | None = None,
    ) -> Labels:
        """Return times from each source to each target (ms, `UNREACHED` out of reach), or labels (lengths in dm)."""
        starts, ends = self.labels_of(sources, source_lengths_dm), self.labels_of(targets, target_lengths_dm)
        source_nodes, n_threads = self.ranks(sources), count_threads(threads)
        together = _neighbours_together(source_nodes)
        nowhere = np.full(len(self.rank), -1, np.int32)
        descent = _Descent.to(self, self.ranks(targets), ends, nowhere.copy())
        out = np.empty((len(sources), len(targets)), self.up_weights.dtype)
        rooms: SimpleQueue[tuple[Int32, Labels]] = SimpleQueue()
        for _ in range(n_threads):
            rooms.put((nowhere.copy(), descent.rows()))

        def fill(first: int) -> None:
            batch = together[first : first + sweeping.LANES]
            room = rooms.get()
            descent.sweep(source_nodes[batch], starts[batch], batch, *room, out)
            rooms.put(room)

        run_tasks(fill, range(0, len(sources), sweeping.LANES), n_threads)
        return out

    def tile_search(
        self, graph: Graph, targets: Seeds, limit_ms: int, *, target_lengths_dm: ArrayLike | None = None
    ) -> "TileSearch":
        """Make targets ready once for the tiles of many lists of sources, under the graph that the metric comes from.

        One search from all sources of a tile finds which targets any of them can reach in time; the sweep goes down to
        these alone. It pays where a search without preparation would visit the same roads again and again.
        """
        ends = self.labels_of(targets, target_lengths_dm)
        return TileSearch(self, graph, targets, ends, graphs.checked_limit(limit_ms))

    def labels_of(self, points: Seeds, lengths_dm: ArrayLike | None = None) -> Labels:
        """Return the labels between points and their nodes: times (ms), or times and lengths (dm) where it has any."""
        points.check(len(self.rank))
        return labels_of_points(points, lengths_dm) if self.has_lengths else points.offsets_ms

    def ranks(self, points: Seeds) -> Int32:
        """Return the ranks of the nodes to which points are attached, -1 where there is none."""
        if not len(self.rank):
            return points.nodes
        return np.where(points.nodes < 0, np.int32(-1), self.rank[np.maximum(points.nodes, 0)])


#: Origins of a tile: enough for their targets to be worth a descent of their own, few enough to lie close.
_TILE = 256


class _TileRoom(NamedTuple):
    """Arrays as long as the map that a tile is searched in: reset where they were used, never made twice."""

    # a process that gives freed memory back at once (as dask asks its workers to) would be handed the same pages
    # anew for every tile, each emptied by the system: a quarter of its time
    slots: Int32
    places: Int32
    search: Room
    best: Int32
    found: Int32


@dataclass(frozen=True, eq=False)
class _Descent:
    """The part of a hierarchy that leads down to some targets, and the targets themselves."""

    metric: Metric
    target_nodes: Int32
    ends: Labels
    places: Int32
    nodes: Int32
    start: Int64
    heads: Int32
    weights: Labels

    @classmethod
    def to(cls, metric: Metric, target_nodes: Int32, ends: Labels, places: Int32) -> "_Descent":
        """Restrict a hierarchy to some targets; `places` must hold -1 everywhere."""
        down = metric.down_start, metric.down_heads, metric.down_weights
        below = sweeping.restrict(*down, target_nodes.ravel(), places)
        return cls(metric, target_nodes, ends, places, *below)

    def rows(self) -> Labels:
        """Return room for one sweep."""
        return _aligned_rows(len(self.nodes), self.weights.dtype)

    def sweep(
        self, source_nodes: Int32, starts: Labels, batch: Int64, slots: Int32, rows: Labels, out: Labels
    ) -> None:
        """Write the labels from up to sixteen sources, whose rows of `out` are given, to the targets."""
        metric = self.metric
        # the least label that is out of reach, and what stands for it in a result
        far: Any = np.int64(MAX_TIME_MS + 1) << 32 if metric.has_lengths else np.int32(MAX_TIME_MS + 1)
        beyond = far if metric.has_lengths else np.int32(UNREACHED)
        above = sweeping.gather_above(metric.parents, source_nodes, slots)
        up_rows = _aligned_rows(len(above), rows.dtype)
        up_rows.fill(far)
        lane, side = np.nonzero(source_nodes >= 0)
        np.minimum.at(up_rows, (slots[source_nodes[lane, side]], lane), starts[lane, side])
        sweeping.climb(metric.up_start, metric.up_heads, metric.up_weights, above, slots, up_rows)
        slots[above] = -1
        places = self.places[above]
        rows.fill(far)
        rows[places[places >= 0]] = up_rows[places >= 0]
        sweeping.sweep(self.start, self.heads, self.weights, rows)
        sweeping.read_rows(rows, self.places, self.target_nodes, self.ends, batch, far, beyond, out)


class TileSearch:
    """Targets of searches within a limit, made ready once for any number of lists of sources and of threads."""

    def __init__(self, metric: Metric, graph: Graph, targets: Seeds, ends: Labels, limit: int) -> None:
        self._metric, self._graph, self._limit = metric, graph, limit
        self._ends, self._target_nodes = ends, metric.ranks(targets)
        self._by_node = targets_by_node(graph.n_nodes, targets)
        self._rooms: SimpleQueue[_TileRoom] = SimpleQueue()

    def tiles(self, sources: Seeds, starts: Labels, threads: int) -> Iterator[_Pairs]:
        """Give the pairs within the limit, tile after tile."""
        source_nodes = self._metric.ranks(sources)
        together = _neighbours_together(source_nodes)
        # tiles of equal sizes: a last one of a few sources would cost as much as a whole one
        n_tiles = max(1, -(-len(sources) // _TILE))
        size = max(1, -(-len(sources) // n_tiles))

        def labels_of(first: int) -> _Pairs:
            return self._labels(sources, source_nodes, starts, together[first : first + size])

        return stream_tasks(labels_of, range(0, len(sources), size), threads)

    def _labels(self, sources: Seeds, source_nodes: Int32, starts: Labels, tile: Int64) -> _Pairs:
        """Return the pairs of one tile."""
        room = self._room()
        starts_of_tile = sources.nodes[tile].ravel(), sources.offsets_ms[tile].ravel()
        within: Any = (self._limit, self._by_node, room.search, room.best, room.found)
        found = targets_within(self._graph.indptr, self._graph.arcs, *starts_of_tile, *within)
        descent = _Descent.to(self._metric, self._target_nodes[found], self._ends[found], room.places)
        labels = np.empty((len(tile), len(found)), self._metric.up_weights.dtype)
        rows = descent.rows()
        for start in range(0, len(tile), sweeping.LANES):
            part = slice(start, start + sweeping.LANES)
            batch = np.arange(len(tile))[part]
            descent.sweep(source_nodes[tile[part]], starts[tile[part]], batch, room.slots, rows, labels)
        room.places[descent.nodes] = -1
        self._rooms.put(room)
        last: Any = np.int32(self._limit)
        if self._metric.has_lengths:
            last = np.int64(self._limit << 32 | 0xFFFFFFFF)
        return sweeping.pairs_within(labels, tile, np.argsort(tile), found, last)

    def _room(self) -> _TileRoom:
        """Return room for one tile, that of a tile that is done if there is one."""
        try:
            return self._rooms.get_nowait()
        except Empty:
            n_nodes, n_targets = self._graph.n_nodes, len(self._ends)
            # every arc may add an entry, and both nodes of every source
            heap = np.empty(self._graph.n_edges + 2 * _TILE, np.int64)
            hits = np.empty(self._by_node.is_target.sum(), np.int32)
            return _TileRoom(
                slots=np.full(n_nodes, -1, np.int32),
                places=np.full(n_nodes, -1, np.int32),
                search=Room(np.full(n_nodes, UNREACHED, np.int32), np.empty(n_nodes, np.int32), heap, hits),
                best=np.full(n_targets, UNREACHED, np.int32),
                found=np.empty(n_targets, np.int32),
            )


def in_source_order(tiles: Iterable[_Pairs], n_sources: int, dtype: type) -> tuple[Labels, Labels, Labels]:
    """Return the pairs of all tiles, by source and then target, as numbers of a type."""
    known = list(tiles)
    free = np.zeros(n_sources + 1, np.int64)
    for rows, _, _ in known:
        sweeping.count_pairs(rows, free)
    np.cumsum(free, out=free)
    origin, destination, label = (np.empty(free[-1], dtype) for _ in range(3))
    for tile in known:
        sweeping.put_pairs(*tile, free, origin, destination, label)
    return origin, destination, label


def _neighbours_together(source_nodes: Int32) -> Int64:
    """Return the sources in the order of their ranks: neighbours, which then climb together."""
    return np.argsort(source_nodes.max(axis=1), kind="stable")


def _aligned_rows(n_rows: int, dtype: Any) -> Labels:
    """Return rows of sixteen numbers that each begin with a cache line, which saves a third of the sweep."""
    size = n_rows * sweeping.LANES * np.dtype(dtype).itemsize
    room = np.empty(size + 64, np.uint8)
    skip = -room.ctypes.data % 64
    return np.asarray(room[skip : skip + size].view(dtype).reshape(n_rows, sweeping.LANES))
