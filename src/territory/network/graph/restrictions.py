"""Turn restrictions between ways, as sequences of arcs that nobody may drive."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from territory.network.graph.arrays import Int32, Restriction, Roads

LOST_TURNS = "interdictions de tourner qui passent par une voie que l'on ne peut suivre"


def with_restrictions(roads: Roads, restrictions: Iterable[Restriction], junction_of_node: Int32) -> Roads:
    """Return roads with the sequences that restrictions at some nodes forbid."""
    rules = [rule._replace(nodes=tuple(junction_of_node[list(rule.nodes)].tolist())) for rule in restrictions]
    if not rules:
        return roads
    found, lost = forbidden_sequences(roads, [rule for rule in rules if min(rule.nodes) >= 0])
    return replace(
        roads,
        turn_start=np.cumsum([0, *(len(one) for one in found)], dtype=np.int64),
        turn_arcs=np.array([key for one in found for key in one], dtype=np.int64),
        asides=(*roads.asides, (LOST_TURNS, lost)) if lost else roads.asides,
    )


_Sequence = tuple[int, ...]


class _Arc(NamedTuple):
    """An arc at a junction: its key, its way there, and where it heads (radians)."""

    key: int
    way: int
    bearing: float


class _ArcsAt:
    """The arcs that arrive at and leave some junctions."""

    def __init__(self, roads: Roads, junctions: Iterable[int]) -> None:
        self._roads = roads
        self.arriving: defaultdict[int, list[_Arc]] = defaultdict(list)
        self.leaving: defaultdict[int, list[_Arc]] = defaultdict(list)
        concerned = np.zeros(roads.n_junctions, dtype=bool)
        concerned[list(junctions)] = True
        for chain in np.flatnonzero(concerned[roads.tail] | concerned[roads.head]).tolist():
            first, last = int(roads.chain_start[chain]), int(roads.chain_start[chain + 1]) - 1
            ends = (int(roads.tail[chain]), first, first + 1), (int(roads.head[chain]), last, last - 1)
            ways = int(roads.hop_way[first]), int(roads.hop_way[last - 1])
            for direction in range(2):
                if roads.open_directions[chain] & (1 + direction):
                    key = direction * roads.n_chains + chain
                    for (junction, at, beside), way, arcs in (
                        (ends[direction], ways[direction], self.leaving),
                        (ends[1 - direction], ways[1 - direction], self.arriving),
                    ):
                        away = float(np.arctan2(roads.y[beside] - roads.y[at], roads.x[beside] - roads.x[at]))
                        arcs[junction].append(_Arc(key, way, away if arcs is self.leaving else away + np.pi))

    def back(self, key: int) -> int:
        """Return the arc that runs the other way on the same chain."""
        return (key + self._roads.n_chains) % (2 * self._roads.n_chains)

    def head(self, key: int) -> int:
        """Return the junction where an arc ends."""
        direction, chain = divmod(key, self._roads.n_chains)
        return int((self._roads.tail if direction else self._roads.head)[chain])

    def turns(self, rule: Restriction) -> list[tuple[_Arc, _Arc]]:
        """Return the arcs by which one comes from the first way and turns into the second, at the first node."""
        node, (left, entered) = rule.nodes[0], rule.ways[:2]
        comes = [arc for arc in self.arriving[node] if arc.way == left]
        goes = [arc for arc in self.leaving[node] if arc.way == entered]
        pairs = [(one, two) for one in comes for two in goes]
        if left == entered and not rule.is_only:
            return [(one, two) for one, two in pairs if two.key == self.back(one.key)]
        # where a way runs through the junction, only the branch that lies where the restriction says
        return [(one, two) for one, two in pairs if self._lies(one, two, rule.side)] or pairs

    def _lies(self, one: _Arc, two: _Arc, side: str) -> bool:
        if side == "" or (side == "back") != (two.key == self.back(one.key)):
            return side == ""
        angle = (two.bearing - one.bearing + np.pi) % (2 * np.pi) - np.pi
        if side == "straight":
            return bool(abs(angle) < np.pi / 4)
        return side == "back" or (angle > 0) == (side == "left")

    def along(self, first: int, way: int, target: int) -> _Sequence | None:
        """Return the arcs from one that has just been entered along its way to a junction."""
        path = [first]
        while self.head(path[-1]) != target:
            onwards = [arc.key for arc in self.leaving[self.head(path[-1])] if arc.way == way]
            onwards = [key for key in onwards if key != self.back(path[-1]) and key not in path]
            if len(onwards) != 1:
                return None
            path.append(onwards[0])
        return tuple(path)


def forbidden_sequences(roads: Roads, rules: Iterable[Restriction]) -> tuple[list[_Sequence], int]:
    """Return the sequences of arcs that turn restrictions forbid, and how many restrictions could not be followed."""
    rules = list(rules)
    # a way through which a restriction passes is followed across all of its junctions
    passed = {way for rule in rules for way in rule.ways[1:-1]}
    chains = np.empty(0, int)
    if passed:
        hops = np.flatnonzero(np.isin(roads.hop_way, list(passed)) & ~roads.void_hops())
        chains = np.unique(roads.chain_of_vertex()[hops])
    named = {node for rule in rules for node in rule.nodes}
    arcs = _ArcsAt(roads, named | set(roads.tail[chains].tolist()) | set(roads.head[chains].tolist()))
    banned: set[_Sequence] = set()
    # a mandatory turn forbids every other way out, the way back included; of several, the union is permitted
    permitted: defaultdict[_Sequence, set[int]] = defaultdict(set)
    lost = 0
    for rule in rules:
        found = [whole for pair in arcs.turns(rule) for whole in _followed(arcs, rule, pair)]
        lost += not found and len(rule.ways) > 2
        for whole in found:
            if rule.is_only:
                for place in range(1, len(whole)):
                    permitted[whole[:place]].add(whole[place])
            else:
                banned.add(whole)
    for before, allowed in permitted.items():
        others = {arc.key for arc in arcs.leaving[arcs.head(before[-1])]} - allowed
        banned |= {(*before, key) for key in others}
    return sorted(banned), lost


def _followed(arcs: _ArcsAt, rule: Restriction, pair: tuple[_Arc, _Arc]) -> list[_Sequence]:
    """Return the arcs of a restriction that begins with a pair, to the end of its ways."""
    paths: list[_Sequence] = [(pair[0].key, pair[1].key)]
    for way, node, following in zip(rule.ways[1:-1], rule.nodes[1:], rule.ways[2:], strict=True):
        longer: list[_Sequence] = []
        for path in paths:
            along = arcs.along(path[-1], way, node)
            goes = [arc.key for arc in arcs.leaving[node] if along and arc.way == following]
            if following == way:
                goes = [key for key in goes if along and key == arcs.back(along[-1])]
            longer += [(*path[:-1], *(along or ()), key) for key in goes]
        paths = longer
    return paths
