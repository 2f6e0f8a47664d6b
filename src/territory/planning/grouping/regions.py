"""Sets of neighbouring nodes that may form one group, as bits of an integer: all when few, good ones otherwise."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from territory.access.pairs import Bools, Floats

# sets looked at before giving up on listing them all, and most feasible groups kept
MOST_VISITED = 100_000
MOST_LISTED = 30_000


@dataclass(frozen=True)
class Nodes:
    """What may be grouped: size of each node, who touches whom, who may be together, drives to each seat."""

    # seat_minutes (node × unit): weighted time from the node's units to a unit that would be the seat

    size: Floats
    touching: Bools
    together: Bools
    longest: Floats
    seat_minutes: Floats
    unit_node: np.ndarray
    min_size: float

    @cached_property
    def seats(self) -> dict[int, tuple[int, float]]:
        """Return the seats found so far."""
        return {}

    @cached_property
    def units(self) -> list[np.ndarray]:
        """Return the units of each node."""
        return [np.flatnonzero(self.unit_node == node) for node in range(self.size.size)]

    @cached_property
    def touching_bits(self) -> list[int]:
        """Return the neighbours of each node as bits."""
        return [to_bits(np.flatnonzero(row)) for row in self.touching]

    @cached_property
    def together_bits(self) -> list[int]:
        """Return the nodes that each node may be grouped with, as bits."""
        return [to_bits(np.flatnonzero(row)) for row in self.together]

    def size_of(self, group: int) -> float:
        """Return the size of a group."""
        return float(self.size[from_bits(group)].sum())

    @property
    def least_size(self) -> float:
        """Return the least size of a group, but for rounding."""
        return self.min_size * (1 - 1e-12)

    def around(self, group: int) -> int:
        """Return the nodes that touch a group and are outside it."""
        found = 0
        for node in from_bits(group):
            found |= self.touching_bits[node]
        return found & ~group

    def may_join(self, first: int, second: int) -> bool:
        """Tell whether every node of a group may be with every node of another."""
        return all(not second & ~self.together_bits[node] for node in from_bits(first))

    def seat(self, group: int) -> tuple[int, float]:
        """Return the unit of a group with the least drive of all to it, and that drive (weighted min)."""
        if group not in self.seats:
            members = from_bits(group)
            inside = np.concatenate([self.units[node] for node in members])
            total = self.seat_minutes[np.ix_(np.asarray(members), inside)].sum(axis=0)
            best = int(np.argmin(total))
            self.seats[group] = int(inside[best]), float(total[best])
        return self.seats[group]

    def is_connected(self, group: int) -> bool:
        """Tell whether a group is in one piece."""
        if not group:
            return False
        reached = group & -group
        while True:
            more = (reached | self.around(reached)) & group
            if more == reached:
                return reached == group
            reached = more


def to_bits(nodes: Iterable[int]) -> int:
    """Return nodes as the bits of an integer."""
    return sum(1 << int(node) for node in nodes)


def from_bits(bits: int) -> list[int]:
    """Return the nodes of a set, in order."""
    found = []
    while bits:
        low = bits & -bits
        found.append(low.bit_length() - 1)
        bits ^= low
    return found


def all_groups(nodes: Nodes) -> list[int] | None:
    """Return every group that may exist, or None when there are too many to list."""
    found: list[int] = []
    for visited, (group, size) in enumerate(_connected_sets(nodes)):
        if size >= nodes.least_size:
            found.append(group)
        if visited > MOST_VISITED or len(found) > MOST_LISTED:
            return None
    return found


def _connected_sets(nodes: Nodes) -> Iterator[tuple[int, float]]:
    """Yield each set in one piece whose members may all be together, once, with its size."""
    for root in range(nodes.size.size):
        bit = 1 << root
        # earlier roots have had their turn
        later = ~((bit << 1) - 1)
        allowed = nodes.together_bits[root] & later
        stack = [(bit, nodes.touching_bits[root] & allowed, allowed, float(nodes.size[root]))]
        while stack:
            group, border, allowed, size = stack.pop()
            yield group, size
            barred = allowed
            while border:
                low = border & -border
                node = low.bit_length() - 1
                border ^= low
                # a node that was passed over stays out of the sets made from here on
                barred &= ~low
                inside = barred & nodes.together_bits[node]
                grown = (border | nodes.touching_bits[node]) & inside & ~group
                stack.append((group | low, grown, inside, size + float(nodes.size[node])))


def grow_groups(nodes: Nodes, free: int, target: float, rng: np.random.Generator) -> list[int]:
    """Return groups of free nodes grown from edges inward, with some luck; what finds no place is left out."""
    groups: list[int] = []
    skipped = 0
    while free & ~skipped:
        # one of those with fewest free neighbours: they are the first to be cut off
        members = from_bits(free & ~skipped)
        degree = np.array([(nodes.touching_bits[node] & free).bit_count() for node in members])
        seed = members[int(np.argmin(degree + rng.random(degree.size) * 2.5))]
        group = _grow(nodes, seed, free, target, rng)
        if nodes.size_of(group) >= nodes.least_size:
            groups.append(group)
            free &= ~group
            skipped = 0
        else:
            skipped |= 1 << seed
    return _attach(nodes, groups, free)


def regrow(
    nodes: Nodes, groups: list[int], rng: np.random.Generator, *, rounds: int, n_groups: int | None
) -> list[int]:
    """Take a few touching groups apart and grow them again, keeping what is better (Shaw 1998)."""
    # better is more groups (unless their number is set), then less drive; in the first rounds as many groups are
    # enough, so that the sizes left over end up where they can make one more
    groups = list(groups)
    loose = 0 if n_groups is not None else rounds
    for turn in range(loose + rounds // 4):
        first = int(rng.integers(len(groups)))
        near = [k for k, group in enumerate(groups) if nodes.around(groups[first]) & group]
        others = rng.permutation(near)[: int(rng.integers(1, 4))].tolist()
        taken = [groups[first], *(groups[k] for k in others)]
        target = nodes.min_size * float(rng.choice([1.0, 1.0, 1.1, 1.3]))
        if n_groups is not None:
            fair = sum(nodes.size_of(group) for group in taken) / len(taken)
            target = max(nodes.min_size, fair * float(rng.uniform(0.6, 1.0)))
        grown = grow_groups(nodes, sum(taken), target, rng)
        if n_groups is not None:
            grown = merge_down(nodes, grown, len(taken))
        if sum(grown) != sum(taken) or (n_groups is not None and len(grown) != len(taken)):
            continue
        if turn >= loose:
            grown = move_between(nodes, grown, max_rounds=3)
        if len(grown) >= len(taken) if turn < loose else worth(nodes, grown) < worth(nodes, taken):
            groups = [group for k, group in enumerate(groups) if k != first and k not in others] + grown
    return groups


def worth(nodes: Nodes, groups: list[int]) -> tuple[int, float]:
    """Return the key that puts the best groups first."""
    return -len(groups), sum(nodes.seat(group)[1] for group in groups)


def _grow(nodes: Nodes, seed: int, free: int, target: float, rng: np.random.Generator) -> int:
    """Return a group grown from a node, closest first, until it reaches a size."""
    group = 1 << seed
    allowed = nodes.together_bits[seed] & free
    size = float(nodes.size[seed])
    farthest = nodes.longest[seed].copy()
    while size < target:
        border = from_bits(nodes.around(group) & allowed)
        if not border:
            break
        noisy = farthest[border] * (1 + 0.4 * rng.random(len(border)))
        node = border[int(np.argmin(noisy))]
        group |= 1 << node
        allowed &= nodes.together_bits[node]
        size += float(nodes.size[node])
        farthest = np.maximum(farthest, nodes.longest[node])
    return group


def _attach(nodes: Nodes, groups: list[int], free: int) -> list[int]:
    """Give each node left over to the touching group that it lengthens least, for as long as one can be."""
    groups = list(groups)
    moved = True
    while free and moved:
        moved = False
        for node in from_bits(free):
            options = [
                (float(nodes.longest[node, from_bits(group)].max()), place)
                for place, group in enumerate(groups)
                if group & nodes.touching_bits[node] and not group & ~nodes.together_bits[node]
            ]
            if options:
                groups[min(options)[1]] |= 1 << node
                free &= ~(1 << node)
                moved = True
    return groups


def merge_down(nodes: Nodes, groups: list[int], count: int) -> list[int]:
    """Merge touching groups, those that lengthen the drives least first, down to a number of groups."""
    groups = list(groups)
    while len(groups) > count:
        drive = [nodes.seat(group)[1] for group in groups]
        options = [
            (nodes.seat(first | second)[1] - drive[a] - drive[b], a, b)
            for a, first in enumerate(groups)
            for b, second in enumerate(groups[:a])
            if nodes.around(first) & second and nodes.may_join(first, second)
        ]
        if not options:
            break
        _, a, b = min(options)
        groups[b] |= groups.pop(a)
    return groups


def move_between(nodes: Nodes, groups: list[int], *, max_rounds: int = 50) -> list[int]:
    """Move nodes from one group to a touching one for as long as that shortens the drives to the seats."""
    groups = list(groups)
    drive = [nodes.seat(group)[1] for group in groups]
    members = from_bits(sum(groups))
    for _ in range(max_rounds):
        moved = [_move(nodes, groups, drive, node) for node in members]
        if not any(moved):
            break
    return groups


def _move(nodes: Nodes, groups: list[int], drive: list[float], node: int) -> bool:
    """Move one node to the touching group that gains most, if it can leave its own."""
    bit = 1 << node
    home = next(place for place, group in enumerate(groups) if group & bit)
    rest = groups[home] & ~bit
    if not (rest and nodes.size_of(rest) >= nodes.least_size and nodes.is_connected(rest)):
        return False
    without = nodes.seat(rest)[1]
    best, choice = 1e-9 * max(1.0, sum(drive)), -1
    for place, group in enumerate(groups):
        if place == home or not group & nodes.touching_bits[node] or group & ~nodes.together_bits[node]:
            continue
        gain = drive[home] + drive[place] - without - nodes.seat(group | bit)[1]
        if gain > best:
            best, choice = gain, place
    if choice < 0:
        return False
    groups[home], groups[choice] = rest, groups[choice] | bit
    drive[home], drive[choice] = without, nodes.seat(groups[choice])[1]
    return True
