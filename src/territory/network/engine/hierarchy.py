"""Contraction hierarchies: prepared once per map, given new speeds in seconds, swept for whole matrices.

The method is that of customizable contraction hierarchies (J. Dibbelt, B. Strasser and D. Wagner (2016),
"Customizable contraction hierarchies", ACM Journal of Experimental Algorithmics 21): an order of the nodes
that depends on the map alone gives the arcs; speeds only give them times.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from territory.errors import NetworkError, Problems
from territory.network.engine import _contraction_kernels as contraction
from territory.network.engine import _sweep_kernels as sweeping
from territory.network.engine._compiling import count_threads, run_tasks
from territory.network.engine._labels import check_no_overflow, checked_lengths, pack, point_lengths, unpack
from territory.network.engine.graph import (
    MAX_TIME_MS,
    UNREACHED,
    Graph,
    Int32,
    Int64,
    Seeds,
    checked_times,
    group_by,
)

Arrays = dict[str, NDArray[Any]]


@dataclass(frozen=True, eq=False)
class Hierarchy:
    """The arcs of a contraction hierarchy, whatever the speeds.

    Parameters
    ----------
    rank
        Place of each node in the order of contraction.
    indptr, heads
        Arcs upwards of each node in compressed rows, nodes numbered by rank.
    parents
        Lowest node above each node, by rank; -1 for the last of each part.
    edge_arcs
        Arc that stands for each edge: its number upwards, `-2 - number` downwards, -1 for a loop.

    Examples
    --------
    >>> graph = Graph.from_edges(3, [0, 1], [1, 2], [10, 20])
    >>> hierarchy = Hierarchy.build(graph, np.array([0, 2, 1], np.int32))
    >>> metric = hierarchy.customize(graph.in_edge_order()[2])
    >>> metric.matrix(Seeds.at_nodes([0]), Seeds.at_nodes([1, 2])).tolist()
    [[10, 30]]
    """

    rank: Int32
    indptr: Int64
    heads: Int32
    parents: Int32
    edge_arcs: Int32

    @classmethod
    def build(cls, graph: Graph, rank: ArrayLike) -> Hierarchy:
        """Contract a graph in a given order.

        Parameters
        ----------
        graph
            Graph to contract; only its edges matter, not their times.
        rank
            Place of each node in the order, as `order_nodes` gives it; any permutation is exact.

        Returns
        -------
        Hierarchy

        Raises
        ------
        NetworkError
            `rank` is not a permutation of the nodes.
        """
        order = np.ascontiguousarray(rank, dtype=np.int32)
        seen = np.zeros(graph.n_nodes, np.bool_)
        if order.shape == seen.shape and (order >= 0).all() and (order < graph.n_nodes).all():
            seen[order] = True
        if order.shape != seen.shape or not seen.all():
            raise NetworkError(
                f"Ordre des nœuds : il faut chaque rang de 0 à {graph.n_nodes - 1} une seule fois ; l'ordre est "
                "peut-être celui d'une autre carte : calculez-le de nouveau."
            )
        tails, heads, _ = graph.in_edge_order()
        tail_ranks, head_ranks = order[tails], order[heads]
        low, high = np.minimum(tail_ranks, head_ranks), np.maximum(tail_ranks, head_ranks)
        edge_start, places = group_by(graph.n_nodes, low)
        # a loop is its own neighbour: the mark of the node being contracted leaves it out
        indptr, arc_heads, parents = contraction.contract(graph.n_nodes, edge_start, high[places])
        edge_arcs = np.empty(graph.n_edges, np.int32)
        contraction.place_edges(indptr, arc_heads, tail_ranks, head_ranks, edge_arcs)
        return cls(order, indptr, arc_heads, parents, edge_arcs)

    @property
    def n_nodes(self) -> int:
        """Number of nodes."""
        return len(self.rank)

    def customize(self, weights_ms: ArrayLike, *, lengths_dm: ArrayLike | None = None) -> Metric:
        """Give the hierarchy the times of one set of speeds.

        Parameters
        ----------
        weights_ms
            Time of each edge, in the order in which the graph was given its edges (ms); `UNREACHED` closes it.
        lengths_dm
            Length of each edge (whole dm), if lengths along the fastest paths are wanted as well: that takes
            twice the memory and time.

        Returns
        -------
        Metric

        Raises
        ------
        NetworkError
            Times or lengths that are out of range or not one per edge.
        """
        problems = Problems("Durées des arcs", NetworkError)
        times = checked_times(weights_ms, "durée d'arc", problems)
        if not problems and len(times) != len(self.edge_arcs):
            problems.add(f"{len(times)} durées pour {len(self.edge_arcs)} arcs : il en faut une par arc")
        problems.raise_if_any()
        weights: NDArray[Any] = np.minimum(times, np.int32(MAX_TIME_MS + 1))
        far: Any = np.int32(MAX_TIME_MS + 1)
        if lengths_dm is not None:
            lengths = checked_lengths(lengths_dm, times.shape)
            check_no_overflow(times, lengths)
            weights, far = pack(times, lengths), np.int64(MAX_TIME_MS + 1) << 32
        up = np.empty(len(self.heads), weights.dtype)
        down = np.empty_like(up)
        contraction.lay_weights(self.edge_arcs, weights, far, up, down)
        contraction.customize(self.indptr, self.heads, up, down)
        keep_up, keep_down = np.ones(len(up), np.bool_), np.ones(len(up), np.bool_)
        contraction.perfect(self.indptr, self.heads, up, down, keep_up, keep_down)
        return Metric(
            self.rank,
            self.parents,
            *contraction.compress(self.indptr, self.heads, up, keep_up, far),
            *contraction.compress(self.indptr, self.heads, down, keep_down, far),
        )

    def to_arrays(self) -> Arrays:
        """Return the arrays that make up the hierarchy, by name, to be saved."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Hierarchy:
        """Return a hierarchy made of saved arrays.

        Memory-mapped arrays are used in place; map them with `mode="c"` (copy on write), for kernels are
        compiled once more for arrays that are read-only.
        """
        return cls(*(np.asarray(arrays[name]) for name in cls.__dataclass_fields__))


@dataclass(frozen=True, eq=False)
class Metric:
    """A hierarchy under one set of speeds: times between any nodes, by climbing and sweeping down.

    Parameters
    ----------
    rank, parents
        As in `Hierarchy`.
    up_start, up_heads, up_weights
        Arcs upwards in compressed rows, and their times (ms), or labels `time << 32 | length`.
    down_start, down_heads, down_weights
        The same for arcs travelled downwards, stored at their lower node.
    """

    rank: Int32
    parents: Int32
    up_start: Int64
    up_heads: Int32
    up_weights: NDArray[Any]
    down_start: Int64
    down_heads: Int32
    down_weights: NDArray[Any]

    @property
    def has_lengths(self) -> bool:
        """Whether lengths along the fastest paths are known."""
        return self.up_weights.dtype == np.int64

    def matrix(self, sources: Seeds, targets: Seeds, *, threads: int | None = None) -> Int32:
        """Return the times from each source to each target.

        Parameters
        ----------
        sources, targets
            Origins and destinations.
        threads
            Number of threads; as many as there are processors by default. It changes nothing in the result.

        Returns
        -------
        int32 array [sources, targets]
            Times (ms), `UNREACHED` where no path leads.

        Raises
        ------
        NetworkError
            Points attached to a node that the map lacks.
        """
        if not self.has_lengths:
            return self._sweep(sources, targets, sources.offsets_ms, targets.offsets_ms, threads)
        starts = pack(sources.offsets_ms, point_lengths(sources, None))
        ends = pack(targets.offsets_ms, point_lengths(targets, None))
        return unpack(self._sweep(sources, targets, starts, ends, threads))[0]

    def matrix_with_lengths(
        self,
        sources: Seeds,
        targets: Seeds,
        *,
        source_lengths_dm: ArrayLike | None = None,
        target_lengths_dm: ArrayLike | None = None,
        threads: int | None = None,
    ) -> tuple[Int32, Int32]:
        """Return times, and lengths along the fastest paths: the shortest among equally fast ones.

        Parameters
        ----------
        sources, targets
            Origins and destinations.
        source_lengths_dm, target_lengths_dm
            Length between each point and its nodes, shaped as its offsets (dm); 0 by default.
        threads
            Number of threads; it changes nothing in the result.

        Returns
        -------
        times, lengths : int32 arrays [sources, targets]
            Times (ms) and lengths (dm), both `UNREACHED` where no path leads.

        Raises
        ------
        NetworkError
            The metric was made without lengths, or points are attached to a node that the map lacks.
        """
        if not self.has_lengths:
            raise NetworkError("Longueurs inconnues : donnez lengths_dm à customize pour les calculer.")
        starts = pack(sources.offsets_ms, point_lengths(sources, source_lengths_dm))
        ends = pack(targets.offsets_ms, point_lengths(targets, target_lengths_dm))
        return unpack(self._sweep(sources, targets, starts, ends, threads))

    def _sweep(
        self, sources: Seeds, targets: Seeds, starts: Any, ends: Any, threads: int | None
    ) -> NDArray[Any]:
        """Return the least label from each source to each target, in tasks of sixteen sources."""
        sources.check(len(self.rank))
        targets.check(len(self.rank))
        dtype = self.up_weights.dtype
        far, beyond = self._limits()
        source_nodes, target_nodes = self._ranks(sources), self._ranks(targets)
        # neighbours have neighbouring ranks: they climb together
        together = np.argsort(source_nodes.max(axis=1), kind="stable")
        places = np.full(len(self.rank), -1, np.int32)
        _, start, heads, weights = sweeping.restrict(
            self.down_start, self.down_heads, self.down_weights, target_nodes.ravel(), places
        )
        out = np.empty((len(sources), len(targets)), dtype)
        n_threads = count_threads(threads)
        rooms: SimpleQueue[tuple[Int32, NDArray[Any]]] = SimpleQueue()
        for _ in range(n_threads):
            rooms.put((np.full(len(self.rank), -1, np.int32), aligned_rows(len(start) - 1, dtype)))

        def fill(first: int) -> None:
            batch = together[first : first + sweeping.LANES]
            slots, rows = room = rooms.get()
            above = sweeping.gather_above(self.parents, source_nodes[batch], slots)
            up_rows = aligned_rows(len(above), dtype)
            sweeping.start_rows(source_nodes[batch], starts[batch], above, slots, far, up_rows)
            sweeping.climb(self.up_start, self.up_heads, self.up_weights, above, slots, up_rows)
            sweeping.hand_over(above, slots, up_rows, places, far, rows)
            sweeping.sweep(start, heads, weights, rows)
            sweeping.read_rows(rows, places, target_nodes, ends, batch, far, beyond, out)
            rooms.put(room)

        run_tasks(fill, range(0, len(sources), sweeping.LANES), n_threads)
        return out

    def _limits(self) -> tuple[Any, Any]:
        """Return the least label that is out of reach, and what stands for it in a result."""
        if self.has_lengths:
            far = np.int64(MAX_TIME_MS + 1) << 32
            return far, far
        return np.int32(MAX_TIME_MS + 1), np.int32(UNREACHED)

    def _ranks(self, points: Seeds) -> Int32:
        """Return the ranks of the nodes to which points are attached, -1 where there is none."""
        if not len(self.rank):
            return points.nodes
        return np.where(points.nodes < 0, np.int32(-1), self.rank[np.maximum(points.nodes, 0)])

    def to_arrays(self) -> Arrays:
        """Return the arrays that make up the metric, by name, to be saved."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Metric:
        """Return a metric made of saved arrays; see `Hierarchy.from_arrays` for memory-mapped ones."""
        return cls(*(np.asarray(arrays[name]) for name in cls.__dataclass_fields__))


def aligned_rows(n_rows: int, dtype: Any) -> NDArray[Any]:
    """Return rows of sixteen numbers that each begin with a cache line, which saves a third of the sweep."""
    room = np.empty(n_rows * sweeping.LANES * np.dtype(dtype).itemsize + 64, np.uint8)
    skip = -room.ctypes.data % 64
    used = room[skip : skip + n_rows * sweeping.LANES * np.dtype(dtype).itemsize]
    rows: NDArray[Any] = used.view(dtype).reshape(n_rows, sweeping.LANES)
    return rows
