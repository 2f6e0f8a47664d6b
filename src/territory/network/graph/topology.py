"""What a road map gives once for all speeds: its directed graph, its main part, the order of its nodes."""

from __future__ import annotations

import hashlib
import os
from dataclasses import replace
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import connected_components

from territory.network.engine.graph import Graph
from territory.network.engine.hierarchy import Hierarchy
from territory.network.engine.ordering import order_nodes
from territory.network.graph.arrays import Bools, Ints, Roads
from territory.network.graph.segment_index import NOT_SNAPPED_TO, HopIndex, index_hops, main_chains
from territory.network.graph.turns import Arcs, build_arcs

__all__ = ["Topology"]


class Topology:
    """Prepared roads with all that does not depend on speeds, each computed when first needed."""

    def __init__(self, roads: Roads) -> None:
        self.roads = roads

    def with_density_bands(self, bands: NDArray[np.int8]) -> Topology:
        """Return the same map with other densities by way; everything already computed is kept."""
        other = Topology(replace(self.roads, ways=replace(self.roads.ways, density_band=bands)))
        for name in ("arcs", "is_main", "main_index", "whole_index", "rank", "hierarchy", "chain_length_m"):
            if name in self.__dict__:
                other.__dict__[name] = self.__dict__[name]
        return other

    @cached_property
    def arcs(self) -> Arcs:
        """The directed graph, turn restrictions included."""
        return build_arcs(self.roads)

    @cached_property
    def is_main(self) -> Bools:
        """By chain, whether it belongs to the main strongly connected part."""
        arcs = self.arcs
        links = csr_matrix(
            (np.ones(arcs.tails.size, dtype=bool), (arcs.tails, arcs.heads)), shape=(arcs.n_nodes,) * 2
        )
        part = connected_components(links, directed=True, connection="strong")[1]
        return main_chains(arcs.start_node, arcs.end_node, part, self.chain_length_m)

    @cached_property
    def main_index(self) -> HopIndex:
        """Index of the segments of the main part on which points may be placed."""
        return index_hops(self.roads, self.snappable_hops & self.is_main[self.roads.chain_of_vertex()])

    @cached_property
    def whole_index(self) -> HopIndex:
        """Index of all the segments on which points may be placed."""
        return index_hops(self.roads, self.snappable_hops)

    @cached_property
    def snappable_hops(self) -> Bools:
        """By hop, whether points may be placed on a road of its class."""
        barred = np.isin(np.array(self.roads.ways.class_names), NOT_SNAPPED_TO)
        usable: Bools = ~barred[self.roads.ways.road_class[self.roads.hop_way]]
        return usable

    @cached_property
    def chain_length_m(self) -> NDArray[np.float64]:
        """Length of each chain (m)."""
        return np.add.reduceat(self.roads.hop_length_m.astype(np.float64), self.roads.chain_start[:-1])

    @cached_property
    def rank(self) -> NDArray[np.int32]:
        """Order in which the hierarchy contracts nodes: it depends on the map alone."""
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

    def order(self, cache: Path | None) -> None:
        """Find the order of the nodes, from a cache folder if it has one, and keep it there."""
        if self.is_ordered or cache is None:
            _ = self.rank
            return
        path = cache / f"order-{self.digest()[:32]}.npy"
        rank = _read_rank(path, self.arcs.n_nodes)
        if rank is None:
            rank = self.rank
            cache.mkdir(parents=True, exist_ok=True)
            # a run that stops half-way must not leave half an order under the final name, nor two runs write one file
            partial = path.with_suffix(f".{os.getpid()}.partial.npy")
            np.save(partial, rank, allow_pickle=False)
            partial.replace(path)
        self.__dict__["rank"] = rank


def _read_rank(path: Path, n_nodes: int) -> NDArray[np.int32] | None:
    """Read an order of nodes from the cache; None if it is absent or no permutation of the nodes."""
    try:
        rank: NDArray[np.int32] = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return None
    if rank.shape != (n_nodes,) or rank.dtype != np.int32:
        return None
    counts: Ints = np.bincount(np.clip(rank, 0, n_nodes - 1), minlength=n_nodes)
    return rank if bool((counts == 1).all()) else None
