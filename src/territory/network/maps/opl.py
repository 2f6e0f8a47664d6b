"""Reading OPL, the text of OpenStreetMap that pyosmium writes: handing each object to Python costs four times as much.

The format: https://osmcode.org/opl-file-format/. Nodes are numbered as ways are read, from 0.
"""

import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Any, cast

import numpy as np
from numpy.typing import NDArray

from territory.network.engine.compiling import first_not_below, inner_kernel, kernel
from territory.network.graph.arrays import Bools, Floats, Int32, Ints

Bytes = NDArray[np.uint8]
Hashes = NDArray[np.uint64]
_Steps = tuple[Ints, Floats, Floats]

# of the columns that `read_opl` gathers, block after block
_KINDS = (np.int32, np.int32, np.int64, np.int64, np.int64, np.int32)
_LEAST_CAPACITY = 1 << 12  # pragma: no mutate
# one slot in two stays free, at least
_SLOTS_PER_NODE = 2
# neighbours on a road often have neighbouring identifiers: sixteen of them share a line of the table
_LINE_BITS = 4  # pragma: no mutate
# 2^64 divided by the golden ratio (Knuth, The Art of Computer Programming, volume 3, 6.4)
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_ESCAPED = re.compile(r"%([0-9a-fA-F]+)%")
# FNV-1a, 64 bits (Fowler, Noll, Vo): two different tag texts of one map share a hash once in 10^10 maps
_FNV_OFFSET = np.uint64(0xCBF29CE484222325)
_FNV_PRIME = np.uint64(0x100000001B3)


@dataclass(frozen=True)
class OplWays:
    """The ways of an OPL text as arrays, and its other lines as text."""

    way_id: Ints
    version: Ints
    tag_group: Int32
    groups: list[dict[str, str]]
    # sets of tags that name a way
    name_group: Int32
    name_groups: list[dict[str, str]]
    start: Ints
    node: Int32
    nodes: "NodeNumbers"
    others: list[str]


def read_opl(
    stream: IO[bytes],
    *,
    keys: frozenset[str],
    name_keys: frozenset[str] = frozenset(),
    expected_nodes: int = 0,
    block_bytes: int = 1 << 22,  # pragma: no mutate
) -> OplWays:
    """Read an OPL text with locations on ways, keeping only the tags of ways that `keys` and `name_keys` name."""
    hashes, is_name = _hashes(keys, name_keys)
    nodes, groups, names = NodeNumbers(expected_nodes), _Groups(keys), _Groups(name_keys)
    # of each block: groups, names, identifiers and versions of ways, steps of each, nodes of these
    columns: list[list[NDArray[Any]]] = [[np.empty(0, kind)] for kind in _KINDS]
    others: list[str] = []
    scratch, most_bytes = _scratch(block_bytes), block_bytes
    for block in _blocks(stream, block_bytes):
        if block.size > most_bytes:
            scratch, most_bytes = _scratch(block.size), block.size
        n_ways, n_steps, n_others = _parse(block, (hashes, is_name), *scratch)
        way_id, version, counts, group_hash, tag_span = (column[:n_ways] for column in scratch[0])
        node = nodes.add(*(column[:n_steps] for column in scratch[1]))
        # the number of a set of tags is looked for as that of a node is, by its hash
        hashed, spans = group_hash.view(np.int64).T, np.array(tag_span.T, np.float64, order="C")
        numbers = [one.number(block, some, spans) for one, some in zip((groups, names), hashed, strict=True)]
        read: tuple[NDArray[Any], ...] = (*numbers, way_id.copy(), version.copy(), counts.copy(), node)
        for column, values in zip(columns, read, strict=True):
            column.append(values)
        others += [block[begin:end].tobytes().decode() for begin, end in scratch[2][:n_others]]
    tag_group, named, way_id, version, counts, node = map(np.concatenate, columns)
    start = np.concatenate([[0], np.cumsum(counts, dtype=np.int64)])
    return OplWays(way_id, version, tag_group, groups.tags, named, names.tags, start, node, nodes, others)


def _hashes(keys: frozenset[str], name_keys: frozenset[str]) -> tuple[Hashes, Bools]:
    """Return the hashes of keys, sorted, and which are those of names."""
    every = sorted((_hash_text(key), key in name_keys) for key in keys | name_keys)
    return np.array([one for one, _ in every], np.uint64), np.array([named for _, named in every], np.bool_)


class _Groups:
    """The distinct sets of relevant tags met so far."""

    def __init__(self, keys: frozenset[str]) -> None:
        self.tags: list[dict[str, str]] = []
        self._keys, self._met = keys, NodeNumbers()

    def number(self, block: Bytes, hashed: Ints, spans: Floats) -> Int32:
        """Return the group of each way, from the hash of its tags; a hash never met is read in the text."""
        numbers = self._met.add(np.ascontiguousarray(hashed), spans[0], spans[1])
        new = (one[len(self.tags) :].astype(np.int64).tolist() for one in self._met.places())
        for begin, end in zip(*new, strict=True):
            self.tags.append(decode_tags(block[begin:end].tobytes().decode(), self._keys))
        return numbers


def _blocks(stream: IO[bytes], block_bytes: int) -> Iterator[Bytes]:
    """Yield whole lines of a stream, many at a time, each time in the same memory."""
    buffer, kept = bytearray(block_bytes), 0
    while True:
        if kept == len(buffer):
            # a line longer than the block
            buffer = buffer + bytearray(len(buffer))
        # a pipe of the standard library reads into memory too, though its type does not say so
        size = kept + cast(io.BufferedReader, stream).readinto(memoryview(buffer)[kept:])
        # the last line may have no end
        cut = size if size == kept else buffer.rfind(b"\n", 0, size) + 1
        if cut:
            yield np.frombuffer(buffer, dtype=np.uint8, count=cut)
        if size == kept:
            return
        buffer[: size - cut] = buffer[cut:size]
        kept = size - cut


def _scratch(block_bytes: int) -> tuple[Any, Any, Ints]:
    """Return where blocks are parsed, one after the other, since new memory costs as much as parsing into it."""
    # ways (identifier, version, steps, hashes and span of tags), steps (identifier, place), spans of other lines
    # no line is shorter than two bytes, no node than three ("nxy"); what is never written takes no memory
    most_lines, most_nodes = block_bytes // 2 + 1, block_bytes // 3 + 1
    way_id, version, counts = (np.empty(most_lines, dtype=np.int64) for _ in range(3))
    tag_span, other_span = (np.empty((most_lines, 2), dtype=np.int64) for _ in range(2))
    ways = way_id, version, counts, np.empty((most_lines, 2), dtype=np.uint64), tag_span
    return ways, (np.empty(most_nodes, dtype=np.int64), *np.empty((2, most_nodes))), other_span


def decode_tags(text: str, keys: frozenset[str] | None = None) -> dict[str, str]:
    """Return the tags of an OPL tag list as a dictionary, those of some keys alone if they are given."""
    pairs = [pair.split("=", 1) for pair in text.split(",") if "=" in pair]
    named = [(_unescape(key), value) for key, value in pairs]
    return {key: _unescape(value) for key, value in named if keys is None or key in keys}


def _unescape(text: str) -> str:
    return _ESCAPED.sub(lambda found: chr(int(found.group(1), 16)), text) if "%" in text else text


def _hash_text(text: str) -> int:
    """Hash a key as the compiled parser does."""
    value, prime = int(_FNV_OFFSET), int(_FNV_PRIME)
    for byte in text.encode():
        value = ((value ^ byte) * prime) & 0xFFFFFFFFFFFFFFFF
    return value


@inner_kernel
def _read_integer(text: Bytes, at: int) -> tuple[int, int]:
    """Return the integer that starts here, and where it ends."""
    sign = 1
    if at < text.size and text[at] == 45:
        sign, at = -1, at + 1
    value = 0
    while at < text.size and 48 <= text[at] <= 57:
        value = value * 10 + (text[at] - 48)
        at += 1
    return sign * value, at


@inner_kernel
def _read_degrees(text: Bytes, at: int) -> tuple[float, int]:
    """Return the decimal number that starts here, NaN if there is none, and where it ends."""
    begin = at
    negative = at < text.size and text[at] == 45
    if negative:
        at += 1
    value, scale, decimals = 0, 1.0, False
    while at < text.size and (48 <= text[at] <= 57 or text[at] == 46):
        if text[at] == 46:
            decimals = True
        else:
            value = value * 10 + (text[at] - 48)
            if decimals:
                scale *= 10.0
        at += 1
    if at == begin:
        return np.nan, at
    # one division of two exact numbers: the same double as reading the decimal text
    degrees = value / scale
    return (-degrees if negative else degrees), at


@inner_kernel
def _hash_tags(text: Bytes, at: int, hashes: Hashes, is_name: Bools, totals: Hashes) -> int:
    """Hash the relevant tags of a tag list, those that name a way apart, and return where the list ends."""
    totals[:] = _FNV_OFFSET
    while at < text.size and text[at] != 32 and text[at] != 10:
        one = _FNV_OFFSET
        while at < text.size and text[at] != 61 and text[at] != 32 and text[at] != 10:
            one = (one ^ np.uint64(text[at])) * _FNV_PRIME
            at += 1
        place = first_not_below(hashes, 0, hashes.size, one)
        matters = place < hashes.size and hashes[place] == one
        while at < text.size and text[at] != 44 and text[at] != 32 and text[at] != 10:
            one = (one ^ np.uint64(text[at])) * _FNV_PRIME
            at += 1
        if matters:
            side = int(is_name[place])
            totals[side] = (totals[side] ^ one) * _FNV_PRIME
        if at < text.size and text[at] == 44:
            at += 1
    return at


@kernel
def _parse(
    text: Bytes, keys: tuple[Hashes, Bools], ways: Any, steps: _Steps, other_span: Ints
) -> tuple[int, int, int]:
    """Fill arrays from lines; return how many ways, steps and other lines there are."""
    way_id, version, counts, group_hash, tag_span = ways
    node_id, lon, lat = steps
    way, step, other, at, size = 0, 0, 0, 0, text.size
    while at < size:
        begin = at
        if text[at] != 119:
            while at < size and text[at] != 10:
                at += 1
            if at > begin:
                other_span[other, 0], other_span[other, 1] = begin, at
                other += 1
            at += 1
            continue
        first_step = step
        way_id[way], at = _read_integer(text, at + 1)
        group_hash[way, :] = 0
        version[way] = 0
        tag_span[way, 0] = tag_span[way, 1] = at
        while at < size and text[at] != 10:
            field = text[at]
            at += 1
            if field != 32 or at >= size:
                continue
            if text[at] == 118:
                version[way], at = _read_integer(text, at + 1)
            elif text[at] == 84:
                tag_span[way, 0] = at + 1
                at = _hash_tags(text, at + 1, keys[0], keys[1], group_hash[way])
                tag_span[way, 1] = at
            elif text[at] == 78:
                at += 1
                while at < size and text[at] == 110:
                    node_id[step], at = _read_integer(text, at + 1)
                    lon[step], at = _read_degrees(text, at + 1)
                    lat[step], at = _read_degrees(text, at + 1)
                    step += 1
                    if at < size and text[at] == 44:
                        at += 1
        counts[way] = step - first_step
        way += 1
        at += 1
    return way, step, other


class NodeNumbers:
    """The nodes met so far: their number by identifier, and their places."""

    def __init__(self, expected: int = 0) -> None:
        capacity = 1 << (max(expected, _LEAST_CAPACITY) - 1).bit_length()  # pragma: no mutate
        self._count = 0
        # memory that is never written costs nothing
        self._ids = np.empty(capacity, dtype=np.int64)
        self._lon = np.empty(capacity)
        self._lat = np.empty(capacity)
        self._slots = np.full(_SLOTS_PER_NODE * capacity, -1, dtype=np.int32)

    def add(self, ids: Ints, lon: Floats, lat: Floats) -> Int32:
        """Return the number of each node, a new one for those never met."""
        if (count := self._count + ids.size) > self._ids.size:
            capacity = 1 << (count - 1).bit_length()
            for name in ("_ids", "_lon", "_lat"):
                longer = np.empty(capacity, dtype=getattr(self, name).dtype)
                longer[: self._count] = getattr(self, name)[: self._count]
                setattr(self, name, longer)
            self._slots = np.full(_SLOTS_PER_NODE * capacity, -1, dtype=np.int32)
            _fill_slots(self._ids, self._count, self._slots)
        numbers = np.empty(ids.size, dtype=np.int32)
        known = self._ids, self._lon, self._lat
        self._count = _add((ids, lon, lat), self._slots, known, self._count, numbers)
        return numbers

    def find(self, ids: Ints) -> Int32:
        """Return the number of each node, -1 for those never met."""
        return _find(ids, self._slots, self._ids)

    def places(self) -> tuple[Floats, Floats]:
        """Return longitude and latitude of each node (degrees), NaN where unknown, in the order of the numbers."""
        return self._lon[: self._count], self._lat[: self._count]


@inner_kernel
def _slot_of(one: int, slots: Int32, ids: Ints) -> int:
    """Return the slot of an identifier: the one that holds its number, or the free one where it goes."""
    mask = slots.size - 1
    line = ((np.uint64(one) >> np.uint64(_LINE_BITS)) * _GOLDEN) >> np.uint64(32)
    slot = ((int(line) << _LINE_BITS) | (one & ((1 << _LINE_BITS) - 1))) & mask
    while slots[slot] >= 0 and ids[slots[slot]] != one:
        slot = (slot + 1) & mask
    return slot


@kernel
def _fill_slots(ids: Ints, count: int, slots: Int32) -> None:
    for number in range(count):
        slots[_slot_of(ids[number], slots, ids)] = number


@kernel
def _add(steps: _Steps, slots: Int32, known: _Steps, count: int, numbers: Int32) -> int:
    """Write the number of each node; return how many are known."""
    ids, lon, lat = steps
    known_ids, known_lon, known_lat = known
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
def _find(ids: Ints, slots: Int32, known_ids: Ints) -> Int32:
    numbers = np.empty(ids.size, dtype=np.int32)
    for step in range(ids.size):
        numbers[step] = slots[_slot_of(ids[step], slots, known_ids)]
    return numbers


@kernel
def renumber(node: Int32, n_nodes: int) -> tuple[Int32, Int32, Int32]:
    """Give new numbers to the nodes that some steps use, in the order in which these meet them."""
    row = np.full(n_nodes, -1, np.int32)
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
    return renumbered, row, used[:count].copy()
