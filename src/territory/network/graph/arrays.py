"""The arrays that a road map becomes: the lines a reader delivers, then the prepared roads."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "BACKWARD",
    "FORWARD",
    "JUNCTION",
    "PLAIN",
    "SIGNAL",
    "STOP",
    "Bools",
    "Floats",
    "Int32",
    "Ints",
    "RoadLines",
    "Roads",
    "WayTable",
]

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]
Int32 = NDArray[np.int32]
Ints = NDArray[np.int64]

# bits of WayTable.direction and of Roads.open_directions
FORWARD, BACKWARD = 1, 2
# what a vertex makes a driver do, in Roads.vertex_kind; the highest wins
PLAIN, JUNCTION, STOP, SIGNAL = 0, 1, 2, 3


@dataclass(frozen=True)
class WayTable:
    """What is known of each way, one element per way in every array."""

    way_id: Ints
    class_names: tuple[str, ...]
    road_class: NDArray[np.int16]
    direction: NDArray[np.int8]
    maxspeed_forward_kmh: NDArray[np.float32]
    maxspeed_backward_kmh: NDArray[np.float32]
    duration_s: NDArray[np.float32]
    density_band: NDArray[np.int8]

    def __len__(self) -> int:
        return int(self.way_id.size)


def _no_nodes() -> Int32:
    return np.empty(0, dtype=np.int32)


def _no_kinds() -> NDArray[np.int8]:
    return np.empty(0, dtype=np.int8)


def _no_restrictions() -> Ints:
    return np.empty((0, 4), dtype=np.int64)


@dataclass(frozen=True)
class RoadLines:
    """Roads as a reader delivers them: ways that follow nodes, and what some nodes do to traffic.

    Nodes are rows of `lon` and `lat`: see `territory.network.maps.node_numbers` for those that have identifiers.
    """

    ways: WayTable
    start: Ints
    node: Int32
    lon: Floats
    lat: Floats
    length_m: Floats
    kind_node: Int32 = field(default_factory=_no_nodes)
    kind: NDArray[np.int8] = field(default_factory=_no_kinds)
    barrier_node: Int32 = field(default_factory=_no_nodes)
    restrictions: Ints = field(default_factory=_no_restrictions)
    source: str = ""
    attribution: str = ""


@dataclass(frozen=True)
class Roads:
    """Prepared roads: chains of vertices between junctions.

    A hop goes from vertex i to vertex i + 1; arrays by hop have one element per vertex, the last of each
    chain being void (length 0), so that a hop and its first vertex share their position.
    """

    ways: WayTable
    crs: str
    x: Floats
    y: Floats
    vertex_kind: NDArray[np.int8]
    chain_start: Ints
    hop_way: NDArray[np.int32]
    hop_reversed: Bools
    hop_length_m: NDArray[np.float32]
    tail: NDArray[np.int32]
    head: NDArray[np.int32]
    open_directions: NDArray[np.int8]
    junction_x: Floats
    junction_y: Floats
    turns: Ints
    source: str = ""
    attribution: str = ""

    @property
    def n_chains(self) -> int:
        """Number of chains."""
        return int(self.tail.size)

    @property
    def n_junctions(self) -> int:
        """Number of junctions, dead ends included."""
        return int(self.junction_x.size)

    def void_hops(self) -> Bools:
        """Return which vertices end a chain, so that no hop starts from them."""
        void = np.zeros(self.x.size, dtype=bool)
        void[self.chain_start[1:] - 1] = True
        return void

    def chain_of_vertex(self) -> NDArray[np.int32]:
        """Return the chain of each vertex."""
        return np.repeat(np.arange(self.n_chains, dtype=np.int32), np.diff(self.chain_start))
