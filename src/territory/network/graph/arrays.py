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
    """What is known of each way, one element per way in every array.

    Parameters
    ----------
    way_id
        Identifier in the source.
    class_names, road_class
        Road classes of the map, and the position in them of each way's class.
    direction
        1 forward only, 2 backward only, 3 both ways.
    maxspeed_forward_kmh, maxspeed_backward_kmh
        Legal limit (km/h), NaN where unknown.
    duration_s
        Time to run the whole way (s) where the source says it (ferries), else NaN.
    density_band
        0 unknown, then 1 to 3 as in `territory.network.graph.speeds.DENSITY_BANDS`.
    """

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

    Parameters
    ----------
    ways
        One row per way.
    start
        Position of the first step of each way in the next array, and its length at the end.
    node
        Node of each step of each way. Ways meet where they share a node, never because they cross.
    lon, lat
        Place of each node (degrees, WGS 84; NaN where the source does not hold it).
    length_m
        Length of each way (m) where the source states it, else NaN and the length is measured.
    kind_node, kind
        Nodes with a signal or a stop, and which.
    barrier_node
        Nodes that no car passes.
    restrictions
        Turn restrictions: way left, node, way entered (rows of `ways` and of the nodes), and 1 when it is
        mandatory (only_*), 0 when forbidden (no_*).
    source, attribution
        Name of the source, and what must be printed under maps drawn from it.
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

    Parameters
    ----------
    ways
        One row per way of the source.
    crs
        Coordinate system of x and y (m).
    x, y, vertex_kind
        By vertex, chain after chain.
    chain_start
        Position of the first vertex of each chain, and the count of vertices at the end.
    hop_way, hop_reversed, hop_length_m
        By hop: its way, whether the chain runs against the way, its length on the ground (m).
    tail, head
        By chain: junctions at its first and last vertices.
    open_directions
        By chain: 1 forward, 2 backward, 3 both.
    junction_x, junction_y
        By junction (m).
    turns
        Restrictions: chain arrived by, its direction (0 forward, 1 backward), chain left by, its direction,
        junction; a pair that is listed is forbidden.
    source, attribution
        As in `RoadLines`.
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
