"""Contraction hierarchies: prepared once per map, given new speeds in seconds, swept for whole matrices.

The method is that of customizable contraction hierarchies (J. Dibbelt, B. Strasser and D. Wagner (2016),
"Customizable contraction hierarchies", ACM Journal of Experimental Algorithmics 21): an order of the nodes
that depends on the map alone gives the arcs; speeds only give them times.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from territory.errors import NetworkError, Problems
from territory.network.engine.graph import MAX_TIME_MS, Graph, Int32, Int64, checked_times, group_by
from territory.network.engine.kernels import contraction
from territory.network.engine.kernels.labels import check_no_overflow, checked_lengths, pack
from territory.network.engine.metric import Arrays, Metric

__all__ = ["Hierarchy", "Metric"]


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
    >>> from territory.network.engine import Graph, Seeds
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
