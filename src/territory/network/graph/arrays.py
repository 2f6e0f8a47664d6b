"""The arrays that a road map becomes: the lines a reader delivers, the prepared roads, their directed graph."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

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


@dataclass(frozen=True)
class RoadLines:
    """Roads as a reader delivers them: ways that follow nodes (rows of `lon` and `lat`), what some do to traffic."""

    ways: WayTable
    start: Ints
    node: Int32
    lon: Floats
    lat: Floats
    length_m: Floats
    kind_node: Int32 = field(default_factory=lambda: np.empty(0, dtype=np.int32))
    kind: NDArray[np.int8] = field(default_factory=lambda: np.empty(0, dtype=np.int8))
    barrier_node: Int32 = field(default_factory=lambda: np.empty(0, dtype=np.int32))
    restrictions: Ints = field(default_factory=lambda: np.empty((0, 4), dtype=np.int64))
    source: str = ""
    attribution: str = ""


@dataclass(frozen=True)
class Roads:
    """Prepared roads: chains of vertices between junctions; a hop goes from vertex i to vertex i + 1."""

    # arrays by hop have one element per vertex, the last of each chain being void (length 0)
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


def forbidden_turns(roads: Roads, restrictions: Ints) -> Ints:
    """Turn restrictions between ways into forbidden turns between chains."""
    # a mandatory turn forbids every other way out, the way back included. Where a way goes on through the
    # junction, both of its branches count, but a ban on going back bars only the branch one comes by
    concerned = np.isin(roads.tail, restrictions[:, 1]) | np.isin(roads.head, restrictions[:, 1])
    arriving, leaving = _arcs_by_junction(roads, np.flatnonzero(concerned))
    forbidden: set[tuple[int, int, int, int, int]] = set()
    for left, junction, entered, is_mandatory in restrictions.tolist():
        ways_out = [arc for arc in leaving[junction] if arc[2] == entered]
        if not ways_out:
            continue
        for chain_in, direction_in, way_in in arriving[junction]:
            if way_in != left:
                continue
            if is_mandatory:
                banned = [arc for arc in leaving[junction] if arc not in ways_out]
            elif left == entered:
                banned = [arc for arc in ways_out if arc[:2] == (chain_in, 1 - direction_in)]
            else:
                banned = ways_out
            forbidden.update((chain_in, direction_in, arc[0], arc[1], junction) for arc in banned)
    return np.array(sorted(forbidden), dtype=np.int64).reshape(-1, 5)


_Arc = tuple[int, int, int]


def _arcs_by_junction(
    roads: Roads, chains: Ints
) -> tuple[defaultdict[int, list[_Arc]], defaultdict[int, list[_Arc]]]:
    """Return the arcs (chain, direction, way at the junction) that arrive at and leave each junction."""
    arriving: defaultdict[int, list[_Arc]] = defaultdict(list)
    leaving: defaultdict[int, list[_Arc]] = defaultdict(list)
    for chain in chains.tolist():
        tail, head, bits = int(roads.tail[chain]), int(roads.head[chain]), int(roads.open_directions[chain])
        first_way = int(roads.hop_way[roads.chain_start[chain]])
        last_way = int(roads.hop_way[roads.chain_start[chain + 1] - 2])
        if bits & FORWARD:
            leaving[tail].append((chain, 0, first_way))
            arriving[head].append((chain, 0, last_way))
        if bits & BACKWARD:
            leaving[head].append((chain, 1, last_way))
            arriving[tail].append((chain, 1, first_way))
    return arriving, leaving


@dataclass(frozen=True)
class Arcs:
    """The directed graph of prepared roads, turn restrictions included."""

    # nodes are the junctions, then what restrictions need: at a restricted junction, each way out starts at a node
    # of its own, each restricted way in ends at a node of its own, linked to the permitted ways out alone, and a
    # node that nothing leaves gathers whatever arrives
    n_nodes: int
    tails: NDArray[np.int32]
    heads: NDArray[np.int32]
    chain: NDArray[np.int32]
    direction: NDArray[np.int8]
    start_node: NDArray[np.int32]
    end_node: NDArray[np.int32]
    arrival_node: NDArray[np.int32]
    node_junction: NDArray[np.int32]

    def weights_ms(self, chain_ms: Ints) -> NDArray[np.int32]:
        """Return the time of each arc (ms) from those of chains by direction."""
        weights = chain_ms[self.direction.astype(np.int64), np.maximum(self.chain, 0).astype(np.int64)]
        return np.where(self.chain < 0, 0, weights).astype(np.int32)

    def lengths_dm(self, chain_length_m: NDArray[np.float64]) -> NDArray[np.int32]:
        """Return the length of each arc (dm) from those of chains (m)."""
        lengths = np.rint(10 * chain_length_m[np.maximum(self.chain, 0)])
        return np.where(self.chain < 0, 0, lengths).astype(np.int32)


def build_arcs(roads: Roads) -> Arcs:
    """Build the directed graph of prepared roads."""
    n_chains = roads.n_chains
    start = np.stack([roads.tail, roads.head]).astype(np.int32)
    end = np.stack([roads.head, roads.tail]).astype(np.int32)
    closed = np.stack([roads.open_directions & bit for bit in (FORWARD, BACKWARD)]) == 0
    start[closed] = end[closed] = -1
    junctions = np.unique(roads.turns[:, 4])
    restricted = np.zeros(roads.n_junctions, dtype=bool)
    restricted[junctions] = True
    # every way out of a restricted junction, in the order of its key direction * n_chains + chain
    leaving = np.flatnonzero(((start >= 0) & restricted[np.maximum(start, 0)]).ravel())
    # the ways out that each way in may not take
    bans: defaultdict[int, set[int]] = defaultdict(set)
    for chain_in, direction_in, chain_out, direction_out, _ in roads.turns.tolist():
        bans[direction_in * n_chains + chain_in].add(direction_out * n_chains + chain_out)
    limited = np.array(sorted(bans), dtype=np.int64)
    first_out = roads.n_junctions
    first_in = first_out + leaving.size
    first_sink = first_in + limited.size
    out_junction, in_junction = start.ravel()[leaving], end.ravel()[limited]
    node_junction = np.concatenate([np.arange(roads.n_junctions), out_junction, in_junction, junctions])
    arrival = np.arange(roads.n_junctions, dtype=np.int32)
    arrival[junctions] = first_sink + np.arange(junctions.size)
    flat_start, flat_end = start.ravel(), end.ravel()
    flat_start[leaving] = first_out + np.arange(leaving.size)
    flat_end[limited] = first_in + np.arange(limited.size)
    ways_out, ways_in = (leaving, out_junction, first_out), (limited, in_junction, first_in)
    links = _links(ways_out, ways_in, bans, arrival, junctions)
    opened = np.flatnonzero(flat_start >= 0)
    return Arcs(
        n_nodes=int(node_junction.size),
        tails=np.concatenate([flat_start[opened], links[:, 0]]).astype(np.int32),
        heads=np.concatenate([flat_end[opened], links[:, 1]]).astype(np.int32),
        chain=np.concatenate([opened % n_chains, np.full(len(links), -1)]).astype(np.int32),
        direction=np.concatenate([opened // n_chains, np.zeros(len(links), dtype=np.int64)]).astype(np.int8),
        start_node=flat_start.reshape(2, -1),
        end_node=flat_end.reshape(2, -1),
        arrival_node=arrival,
        node_junction=node_junction.astype(np.int32),
    )


_WaysAt = tuple[Ints, Int32, int]


def _links(
    ways_out: _WaysAt, ways_in: _WaysAt, bans: dict[int, set[int]], arrival: Int32, junctions: Ints
) -> Ints:
    """Return the links of no length inside restricted junctions, as rows of two nodes."""
    links: list[tuple[int, int]] = []
    outs: defaultdict[int, list[tuple[int, int]]] = defaultdict(list)
    for node, key, junction in _numbered(*ways_out):
        links.append((junction, node))
        outs[junction].append((node, key))
    for node, key, junction in _numbered(*ways_in):
        links.extend((node, out) for out, out_key in outs[junction] if out_key not in bans[key])
        links.append((node, int(arrival[junction])))
    links.extend((int(junction), int(arrival[junction])) for junction in junctions)
    return np.array(links, dtype=np.int64).reshape(-1, 2)


def _numbered(keys: Ints, junctions: Int32, first: int) -> Iterator[tuple[int, int, int]]:
    """Give the node, the key and the junction of each way in or out."""
    return zip(range(first, first + keys.size), keys.tolist(), junctions.tolist(), strict=True)
