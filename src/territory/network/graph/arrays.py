"""The arrays that a road map becomes: the lines a reader delivers, the prepared roads, their directed graph."""

from collections import defaultdict
from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]
Float32 = NDArray[np.float32]
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
    maxspeed_forward_kmh: Float32
    maxspeed_backward_kmh: Float32
    duration_s: Float32
    density_band: NDArray[np.int8]
    # one may go to a place on the way, not through
    is_destination: Bools
    # bits of the months in which it is closed, January first
    closed_months: NDArray[np.int16]
    # row of its name and reference in `Roads.names`
    name: Int32

    def __len__(self) -> int:
        return int(self.way_id.size)


class Restriction(NamedTuple):
    """A turn restriction: rows of the ways from the first to the last, the nodes between them, what it says."""

    ways: tuple[int, ...]
    nodes: tuple[int, ...]
    is_only: bool
    # left, right, straight or back: which branch of a way that runs through is meant; empty if it is not said
    side: str = ""


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
    restrictions: tuple[Restriction, ...] = ()
    names: tuple[str, ...] = ("",)
    # how many objects of the map were left aside, by kind, in French
    asides: tuple[tuple[str, int], ...] = ()
    profile: str = "car"
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
    hop_way: Int32
    hop_reversed: Bools
    hop_length_m: Float32
    tail: Int32
    head: Int32
    open_directions: NDArray[np.int8]
    junction_x: Floats
    junction_y: Floats
    # by chain: one may only go to a place on it, or come from one
    is_destination: Bools
    # text of the names and references of ways, one a line
    name_text: NDArray[np.uint8]
    # forbidden sequences of arcs in compressed rows, an arc being direction * n_chains + chain
    turn_start: Ints = field(default_factory=lambda: np.zeros(1, dtype=np.int64))
    turn_arcs: Ints = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    # what the time of each hop is multiplied by, along the chain and against it; infinite where it is closed
    hop_slowness: Float32 = field(default_factory=lambda: np.empty((2, 0), dtype=np.float32))
    asides: tuple[tuple[str, int], ...] = ()
    profile: str = "car"
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

    @property
    def names(self) -> list[str]:
        """Names and references of ways, in the order that `ways.name` counts."""
        return self.name_text.tobytes().decode().split("\n")

    def void_hops(self) -> Bools:
        """Return which vertices end a chain, so that no hop starts from them."""
        void = np.zeros(self.x.size, dtype=bool)
        void[self.chain_start[1:] - 1] = True
        return void

    def chain_of_vertex(self) -> Int32:
        """Return the chain of each vertex."""
        return np.repeat(np.arange(self.n_chains, dtype=np.int32), np.diff(self.chain_start))


@dataclass(frozen=True)
class Arcs:
    """The directed graph of prepared roads: turn restrictions and streets that are only a destination included."""

    # Nodes are the junctions, then what rules need. A trip leaves streets that are only a destination, drives on
    # roads open to all, and ends in such streets: where there are any, a junction has a node for each part of the
    # trip (its hubs). At a restricted junction each way out starts at a node of its own; whoever has begun what a
    # restriction forbids is at a node of their own, linked to the permitted ways out alone; and a node that nothing
    # leaves gathers whatever arrives
    n_nodes: int
    tails: Int32
    heads: Int32
    chain: Int32
    direction: NDArray[np.int8]
    start_node: Int32
    end_node: Int32
    departure_node: Int32
    arrival_node: Int32
    node_junction: Int32

    def weights_ms(self, chain_ms: Ints, longest_ms: int) -> Int32:
        """Return the time of each arc (ms) from those of chains by direction; closed beyond the longest time."""
        weights = chain_ms[self.direction.astype(np.int64), np.maximum(self.chain, 0).astype(np.int64)]
        weights = np.where(weights > longest_ms, np.iinfo(np.int32).max, weights)
        return np.where(self.chain < 0, 0, weights).astype(np.int32)

    def lengths_dm(self, chain_length_m: Floats) -> Int32:
        """Return the length of each arc (dm) from those of chains (m)."""
        lengths = np.rint(10 * chain_length_m[np.maximum(self.chain, 0)])
        return np.where(self.chain < 0, 0, lengths).astype(np.int32)


# parts of a trip: on roads open to all, before them, after them
_THROUGH, _BEFORE, _AFTER = 0, 1, 2


class _Drafted:
    """A directed graph being drawn: arcs as (key, part of the trip), links of no length, junctions of new nodes."""

    def __init__(self, roads: Roads, is_destination: Bools) -> None:
        n_junctions = roads.n_junctions
        self.start = np.concatenate([roads.tail, roads.head]).astype(np.int64)
        self.end = np.concatenate([roads.head, roads.tail]).astype(np.int64)
        bits = np.concatenate([roads.open_directions & FORWARD, roads.open_directions & BACKWARD])
        self.start[bits == 0] = self.end[bits == 0] = -1
        opened, self.is_last = np.flatnonzero(bits), np.tile(is_destination, 2)
        through, last = opened[~self.is_last[opened]], opened[self.is_last[opened]]
        self.key = np.concatenate([through, last, last])
        self.part = np.repeat([_THROUGH, _BEFORE, _AFTER], [through.size, last.size, last.size])
        touched = np.zeros((2, n_junctions), dtype=bool)
        for row, keys in enumerate((through, last)):
            touched[row, self.start[keys]] = touched[row, self.end[keys]] = True
        mixed, apart = np.flatnonzero(touched.all(axis=0)), np.flatnonzero(touched[1])
        self.hub = np.tile(np.arange(n_junctions), (3, 1))
        self.hub[_BEFORE, mixed] = n_junctions + np.arange(mixed.size)
        self.hub[_AFTER, apart] = n_junctions + mixed.size + np.arange(apart.size)
        self.junction = [np.arange(n_junctions), mixed, apart]
        self.n_nodes = n_junctions + mixed.size + apart.size
        pairs = ((self.hub[_BEFORE, mixed], mixed), (apart, self.hub[_AFTER, apart]))
        self.links = [np.column_stack(pair) for pair in pairs]
        parts = ((_THROUGH, through), (_BEFORE, last), (_AFTER, last))
        self.tail, self.head = (
            np.concatenate([self.hub[part][side[keys]] for part, keys in parts])
            for side in (self.start, self.end)
        )
        # from the middle of a chain, and to it
        self.place = np.full((3, bits.size), -1, dtype=np.int64)
        for first, (part, keys) in zip((0, through.size, through.size + last.size), parts, strict=True):
            self.place[part, keys] = np.arange(first, first + keys.size)
        self.entry: dict[int, int] = {}
        self.sink: dict[int, int] = {}

    def new_node(self, junction: int) -> int:
        self.junction.append(np.array([junction]))
        self.n_nodes += 1
        return self.n_nodes - 1

    def parts_after(self, part: int, key: int) -> tuple[int, ...]:
        """Return the parts of the trip in which one may take an arc after one taken in a part."""
        if self.is_last[key]:
            return (_BEFORE, _AFTER) if part == _BEFORE else (_AFTER,)
        return () if part == _AFTER else (_THROUGH,)


def build_arcs(roads: Roads, *, with_destinations: bool = True) -> Arcs:
    """Build the directed graph of prepared roads."""
    draft = _Drafted(roads, roads.is_destination & with_destinations)
    if roads.turn_start.size > 1:
        _restrict(draft, roads)
    # in the middle of a chain a trip begins before the roads open to all, and ends after them
    through = draft.place[_THROUGH]
    leaving, arriving = (np.where(draft.is_last, draft.place[part], through) for part in (_BEFORE, _AFTER))
    # where there is none, the last one
    end_node, start_node = np.append(draft.head, -1)[leaving], np.append(draft.tail, -1)[arriving]
    start_node[list(draft.entry)] = list(draft.entry.values())
    arrival = draft.hub[_AFTER].copy()
    arrival[list(draft.sink)] = list(draft.sink.values())
    links = np.concatenate(draft.links)
    is_back = draft.key >= roads.n_chains

    def joined(one: Ints, other: Ints) -> Int32:
        return np.concatenate([one, other]).astype(np.int32)

    return Arcs(
        n_nodes=draft.n_nodes,
        tails=joined(draft.tail, links[:, 0]),
        heads=joined(draft.head, links[:, 1]),
        chain=joined(draft.key - roads.n_chains * is_back, np.full(len(links), -1)),
        direction=np.append(is_back, np.zeros(len(links), dtype=bool)).astype(np.int8),
        start_node=start_node.reshape(2, -1).astype(np.int32),
        end_node=end_node.reshape(2, -1).astype(np.int32),
        departure_node=draft.hub[_BEFORE].astype(np.int32),
        arrival_node=arrival.astype(np.int32),
        node_junction=np.concatenate(draft.junction).astype(np.int32),
    )


def _restrict(draft: _Drafted, roads: Roads) -> None:
    """Give restricted junctions their nodes: an automaton that knows which forbidden sequences have been begun."""
    # A. V. Aho and M. J. Corasick (1975): the state is the longest beginning of a forbidden sequence that ends the
    # path (D. Villeneuve and G. Desaulniers (2005), "The shortest path problem with forbidden paths")
    arcs, start = roads.turn_arcs.tolist(), roads.turn_start.tolist()
    whole = {tuple(arcs[begin:end]) for begin, end in pairwise(start)}
    begun = {one[:size] for one in whole for size in range(1, len(one))}
    restricted = sorted({int(draft.end[one[-1]]) for one in begun})
    is_restricted = np.zeros(roads.n_junctions, dtype=bool)
    is_restricted[restricted] = True
    links: list[tuple[int, int]] = []
    exits: dict[tuple[int, int], int] = {}
    leaving: defaultdict[int, list[int]] = defaultdict(list)
    for row in np.flatnonzero(is_restricted[draft.start[draft.key]]).tolist():
        key, part = int(draft.key[row]), int(draft.part[row])
        junction = int(draft.start[key])
        node = exits[key, part] = draft.new_node(junction)
        links.append((int(draft.hub[part, junction]), node))
        draft.tail[row] = node
        if part != _AFTER:
            leaving[junction].append(key)
    for junction in restricted:
        draft.sink[junction] = draft.new_node(junction)
        links.append((int(draft.hub[_AFTER, junction]), draft.sink[junction]))
    states: dict[tuple[tuple[int, ...], int], int] = {}
    for one in sorted(begun):
        junction = int(draft.end[one[-1]])
        for part in (_BEFORE, _AFTER) if draft.is_last[one[-1]] else (_THROUGH,):
            states[one, part] = draft.new_node(junction)
            links.append((states[one, part], draft.sink[junction]))
            if len(one) == 1:
                draft.head[draft.place[part, one[0]]] = states[one, part]
    deep: list[tuple[int, int, int, int]] = []
    for (one, part), node in states.items():
        for key in leaving[int(draft.end[one[-1]])]:
            follow = [(*one[place:], key) for place in range(len(one))]
            if not whole.isdisjoint(follow):
                continue
            later = next((path for path in follow if path in begun), None)
            for after in draft.parts_after(part, key):
                if later is None:
                    links.append((node, exits[key, after]))
                else:
                    deep.append((node, states[later, after], key, after))
            if later is not None and draft.parts_after(part, key):
                if key not in draft.entry:
                    draft.entry[key] = draft.new_node(int(draft.start[key]))
                    links.append((exits[key, _AFTER if draft.is_last[key] else _THROUGH], draft.entry[key]))
                links.append((node, draft.entry[key]))
    draft.links.append(np.array(links, dtype=np.int64).reshape(-1, 2))
    if deep:
        tail, head, key, part = np.array(deep).T
        draft.tail, draft.head = np.append(draft.tail, tail), np.append(draft.head, head)
        draft.key, draft.part = np.append(draft.key, key), np.append(draft.part, part)
