"""A hierarchy under one set of speeds, and the times that it answers with."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from territory.errors import NetworkError
from territory.network.engine.graph import Graph, Int32, Int64, Seeds
from territory.network.engine.kernels.compiling import count_threads
from territory.network.engine.kernels.labels import checked_limit, pack, point_lengths, unpack
from territory.network.engine.sweeps import TileSearch, all_labels, in_source_order

Arrays = dict[str, NDArray[Any]]


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

    Examples
    --------
    >>> from territory.network.engine import Graph, Hierarchy
    >>> graph = Graph.from_edges(3, [0, 1], [1, 2], [10, 20])
    >>> metric = Hierarchy.build(graph, [0, 1, 2]).customize([10, 20])
    >>> points = Seeds.at_nodes([0, 1, 2])
    >>> metric.matrix(points[:2], points[2:]).tolist()
    [[30], [20]]
    >>> [column.tolist() for column in metric.limited_search(graph, points, points, 15)]
    [[0, 0, 1, 2], [0, 1, 1, 2], [0, 10, 0, 0]]
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
        starts, ends = self.labels_of(sources, None), self.labels_of(targets, None)
        labels = all_labels(self, sources, targets, starts, ends, count_threads(threads))
        return unpack(labels)[0] if self.has_lengths else labels

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
        starts, ends = self.labels_of(sources, source_lengths_dm), self.labels_of(targets, target_lengths_dm)
        return unpack(all_labels(self, sources, targets, starts, ends, count_threads(threads)))

    def limited_tiles(
        self,
        graph: Graph,
        sources: Seeds,
        targets: Seeds,
        limit_ms: int,
        *,
        threads: int | None = None,
    ) -> Iterator[tuple[Int32, Int32, Int32]]:
        """Give the pairs within a limit of time, one tile of neighbouring sources after the other.

        One search from all sources of a tile together finds which targets any of them can reach in time; the
        sweep then goes down to these alone. It pays where a search without preparation would visit the same
        roads again and again: many sources on a large map.

        Parameters
        ----------
        graph
            The graph under the same speeds as the metric.
        sources, targets
            Origins and destinations.
        limit_ms
            Longest time kept, inclusive (ms).
        threads
            Number of threads; it changes nothing in the result.

        Yields
        ------
        tuple of int32 arrays
            Number of the source, number of the target, and time (ms) of each pair of a tile, by source and
            then target; every source is in one tile.

        Raises
        ------
        NetworkError
            Points attached to a node that the map lacks, or a graph of another size.
        ParameterError
            A limit out of range.
        """
        search = self.tile_search(graph, targets, limit_ms)
        tiles = search.tiles(sources, self.labels_of(sources), count_threads(threads))
        if not self.has_lengths:
            return tiles
        return ((rows, columns, unpack(labels)[0]) for rows, columns, labels in tiles)

    def tile_search(
        self, graph: Graph, targets: Seeds, limit_ms: int, *, target_lengths_dm: ArrayLike | None = None
    ) -> TileSearch:
        """Make targets ready once for the tiles of many lists of sources.

        Parameters
        ----------
        graph, targets, limit_ms
            As for `limited_tiles`.
        target_lengths_dm
            Length between each target and its nodes, shaped as its offsets (dm); 0 by default.

        Returns
        -------
        TileSearch

        Raises
        ------
        NetworkError, ParameterError
            As for `limited_tiles`.
        """
        limit = checked_limit(limit_ms)
        if graph.n_nodes != len(self.rank):
            raise NetworkError(
                f"Graphe de {graph.n_nodes} nœuds pour une hiérarchie de {len(self.rank)} : donnez le graphe "
                "dont elle est issue."
            )
        return TileSearch(self, graph, targets, self.labels_of(targets, target_lengths_dm), limit)

    def limited_search(
        self, graph: Graph, sources: Seeds, targets: Seeds, limit_ms: int, *, threads: int | None = None
    ) -> tuple[Int32, Int32, Int32]:
        """Return the pairs within a limit of time, as the function of this name does without preparation.

        Parameters
        ----------
        graph, sources, targets, limit_ms, threads
            As for `limited_tiles`.

        Returns
        -------
        tuple of int32 arrays
            Number of the source, number of the target, and time (ms) of each pair, by source and then target.

        Raises
        ------
        NetworkError, ParameterError
            As for `limited_tiles`.
        """
        tiles = self.limited_tiles(graph, sources, targets, limit_ms, threads=threads)
        return in_source_order(tiles, len(sources), np.int32)

    def labels_of(self, points: Seeds, lengths_dm: ArrayLike | None = None) -> NDArray[Any]:
        """Return the labels between points and their nodes: times (ms), or times and lengths (dm)."""
        points.check(len(self.rank))
        if not self.has_lengths:
            return points.offsets_ms
        return pack(points.offsets_ms, point_lengths(points, lengths_dm))

    def ranks(self, points: Seeds) -> Int32:
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
