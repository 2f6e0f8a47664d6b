"""Numbers for the nodes of a map, given as its ways are read: 0 for the first node met, then 1, and so on."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from territory.network.engine.compiling import kernel
from territory.network.graph.arrays import Floats, Int32, Ints

_LEAST_CAPACITY = 1 << 12
Number = TypeVar("Number", np.int64, np.float64)
# one slot in two stays free, at least
_SLOTS_PER_NODE = 2
# neighbours on a road often have neighbouring identifiers: sixteen of them share a line of the table
_LINE_BITS = 4
# 2^64 divided by the golden ratio (Knuth, The Art of Computer Programming, volume 3, 6.4)
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)


class NodeNumbers:
    """The nodes met so far: their number by identifier, and their places.

    Memory grows with the distinct nodes: 24 bytes each, and 8 to 16 of a table of numbers.

    Examples
    --------
    >>> numbers = NodeNumbers()
    >>> lon, lat = np.array([6.0, 6.1, 6.0]), np.array([43.0, 43.1, 43.0])
    >>> numbers.add(np.array([70, 50, 70]), lon, lat).tolist()
    [0, 1, 0]
    >>> numbers.find(np.array([50, 99])).tolist()
    [1, -1]
    >>> numbers.places()[0].tolist()
    [6.0, 6.1]
    """

    def __init__(self, expected: int = 0) -> None:
        capacity = _power_of_two(max(expected, _LEAST_CAPACITY))
        self._count = 0
        # memory that is never written costs nothing
        self._ids = np.empty(capacity, dtype=np.int64)
        self._lon = np.empty(capacity)
        self._lat = np.empty(capacity)
        self._slots = np.full(_SLOTS_PER_NODE * capacity, -1, dtype=np.int32)

    def add(self, ids: Ints, lon: Floats, lat: Floats) -> Int32:
        """Return the number of each node, a new one for those never met."""
        self._reserve(self._count + ids.size)
        numbers = np.empty(ids.size, dtype=np.int32)
        known = self._ids, self._lon, self._lat
        self._count = _add(ids, lon, lat, self._slots, *known, self._count, numbers)
        return numbers

    def find(self, ids: Ints) -> Int32:
        """Return the number of each node, -1 for those never met."""
        return _find(ids, self._slots, self._ids)

    def places(self) -> tuple[Floats, Floats]:
        """Return longitude and latitude of each node (degrees), NaN where unknown, in the order of the numbers."""
        return self._lon[: self._count], self._lat[: self._count]

    def _reserve(self, count: int) -> None:
        """Make room for so many nodes."""
        if count <= self._ids.size:
            return
        capacity = _power_of_two(count)
        self._ids = _lengthen(self._ids[: self._count], capacity)
        self._lon = _lengthen(self._lon[: self._count], capacity)
        self._lat = _lengthen(self._lat[: self._count], capacity)
        self._slots = np.full(_SLOTS_PER_NODE * capacity, -1, dtype=np.int32)
        _fill_slots(self._ids, self._count, self._slots)


def renumber(node: Int32, n_nodes: int) -> tuple[Int32, Int32, Int32]:
    """Give new numbers to the nodes that some steps use, in the order in which these meet them.

    Examples
    --------
    >>> [part.tolist() for part in renumber(np.array([3, 1, 3], dtype=np.int32), 4)]
    [[0, 1, 0], [-1, 1, -1, 0], [3, 1]]
    """
    row = np.full(n_nodes, -1, dtype=np.int32)
    renumbered, used = _renumber(node, row)
    return renumbered, row, used


def _power_of_two(count: int) -> int:
    """Return the smallest power of two that is no less than a count."""
    return 1 << (count - 1).bit_length()


def _lengthen(values: NDArray[Number], capacity: int) -> NDArray[Number]:
    longer = np.empty(capacity, dtype=values.dtype)
    longer[: values.size] = values
    return longer


@kernel
def _slot_of(one: int, slots: Int32, ids: Ints) -> int:  # pragma: no cover - compiled
    """Return the slot of an identifier: the one that holds its number, or the free one where it goes."""
    mask = slots.size - 1
    line = ((np.uint64(one) >> np.uint64(_LINE_BITS)) * _GOLDEN) >> np.uint64(32)
    slot = ((int(line) << _LINE_BITS) | (one & ((1 << _LINE_BITS) - 1))) & mask
    while slots[slot] >= 0 and ids[slots[slot]] != one:
        slot = (slot + 1) & mask
    return slot


@kernel
def _fill_slots(ids: Ints, count: int, slots: Int32) -> None:  # pragma: no cover - compiled
    for number in range(count):
        slots[_slot_of(ids[number], slots, ids)] = number


@kernel
def _add(
    ids: Ints,
    lon: Floats,
    lat: Floats,
    slots: Int32,
    known_ids: Ints,
    known_lon: Floats,
    known_lat: Floats,
    count: int,
    numbers: Int32,
) -> int:  # pragma: no cover - compiled
    """Write the number of each node; return how many are known."""
    for step in range(ids.size):
        slot = _slot_of(ids[step], slots, known_ids)
        number = slots[slot]
        if number < 0:
            number = count
            slots[slot] = number
            known_ids[number] = ids[step]
            known_lon[number] = known_lat[number] = np.nan
            count += 1
        if not np.isnan(lon[step]):
            known_lon[number] = lon[step]
            known_lat[number] = lat[step]
        numbers[step] = number
    return count


@kernel
def _find(ids: Ints, slots: Int32, known_ids: Ints) -> Int32:  # pragma: no cover - compiled
    numbers = np.empty(ids.size, dtype=np.int32)
    for step in range(ids.size):
        numbers[step] = slots[_slot_of(ids[step], slots, known_ids)]
    return numbers


@kernel
def _renumber(node: Int32, row: Int32) -> tuple[Int32, Int32]:  # pragma: no cover - compiled
    used = np.empty(row.size, dtype=np.int32)
    renumbered = np.empty(node.size, dtype=np.int32)
    count = 0
    for step in range(node.size):
        number = node[step]
        if row[number] < 0:
            row[number] = count
            used[count] = number
            count += 1
        renumbered[step] = row[number]
    return renumbered, used[:count].copy()
