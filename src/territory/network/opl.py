"""Reading OPL, the one-object-per-line text of OpenStreetMap, at the speed of the disk.

pyosmium filters a map in C++ and writes what passes as OPL with the location of each node of a way; handing
each object to Python instead would cost four times as much. The format: https://osmcode.org/opl-file-format/.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Any, cast

import numpy as np
from numpy.typing import NDArray

from territory.network.engine._compiling import kernel

__all__ = ["OplWays", "decode_tags", "read_opl"]

_ESCAPED = re.compile(r"%([0-9a-fA-F]+)%")
# FNV-1a, 64 bits (Fowler, Noll, Vo): two different tag texts of one map share a hash once in 10^10 maps
_FNV_OFFSET = np.uint64(0xCBF29CE484222325)
_FNV_PRIME = np.uint64(0x100000001B3)


@dataclass(frozen=True)
class OplWays:
    """The ways of an OPL text as arrays, and its other lines as text.

    Parameters
    ----------
    way_id
        One per way.
    tag_group, groups
        Position in `groups` of the way's relevant tags; `groups` holds each distinct set of tags once.
    start
        Position of the first node of each way in the next arrays, and their length at the end.
    node_id, lon, lat
        One per node of a way (degrees; NaN where the map does not hold the node).
    others
        The lines of nodes and relations.
    """

    way_id: NDArray[np.int64]
    tag_group: NDArray[np.int64]
    groups: list[dict[str, str]]
    start: NDArray[np.int64]
    node_id: NDArray[np.int64]
    lon: NDArray[np.float64]
    lat: NDArray[np.float64]
    others: list[str]


def read_opl(stream: IO[bytes], *, keys: frozenset[str], block_bytes: int = 1 << 24) -> OplWays:
    """Read an OPL text with locations on ways, keeping only the tags of ways that `keys` names.

    Parameters
    ----------
    stream
        The text, read once from its beginning to its end: a file or a pipe.
    keys
        Keys of the tags that matter: ways that agree on them share one group.
    block_bytes
        How much of the text is in memory at once (bytes), no less than its longest line.

    Returns
    -------
    OplWays

    Examples
    --------
    >>> import io
    >>> text = io.BytesIO(b"w7 Thighway=primary,name=Rue Nn1x6.5y43.1,n2x6.6y43.1")
    >>> ways = read_opl(text, keys=frozenset({"highway"}))
    >>> ways.groups, ways.node_id.tolist(), ways.lon.tolist()
    ([{'highway': 'primary'}], [1, 2], [6.5, 6.6])
    """
    hashes = np.sort(np.array([_hash_text(key) for key in sorted(keys)], dtype=np.uint64))
    # the arrays of each block: identifiers and groups of ways, nodes of each, identifiers and places of nodes
    columns: tuple[list[NDArray[Any]], ...] = ([], [], [], [], [], [])
    group_of: dict[int, int] = {}
    groups: list[dict[str, str]] = []
    others: list[str] = []
    for block in _blocks(stream, block_bytes):
        *parsed, group_hash, tag_span, other_span = _parse_block(block, hashes)
        distinct, first, inverse = np.unique(group_hash, return_index=True, return_inverse=True)
        for value, row in zip(distinct.tolist(), first.tolist(), strict=True):
            if value not in group_of:
                group_of[value] = len(groups)
                tags = decode_tags(block[tag_span[row, 0] : tag_span[row, 1]].tobytes().decode())
                groups.append({key: text for key, text in tags.items() if key in keys})
        group = np.array([group_of[value] for value in distinct.tolist()], dtype=np.int64)[inverse]
        for column, values in zip(columns, (group, *parsed), strict=True):
            column.append(values)
        others += [block[begin:end].tobytes().decode() for begin, end in other_span]
    tag_group, way_id, counts, node_id, lon, lat = (_join(column) for column in columns)
    start = np.concatenate([[0], np.cumsum(counts, dtype=np.int64)])
    return OplWays(
        way_id.astype(np.int64, copy=False),
        tag_group.astype(np.int64, copy=False),
        groups,
        start,
        node_id.astype(np.int64, copy=False),
        lon,
        lat,
        others,
    )


def _join(parts: list[NDArray[Any]]) -> NDArray[Any]:
    """Put arrays end to end and let go of them: one column at a time is in memory twice."""
    whole = np.concatenate(parts) if parts else np.empty(0)
    parts.clear()
    return whole


def _blocks(stream: IO[bytes], block_bytes: int) -> Iterator[NDArray[np.uint8]]:
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


def _parse_block(block: NDArray[np.uint8], hashes: NDArray[np.uint64]) -> tuple[NDArray[Any], ...]:
    """Return ways, nodes of each, nodes, longitudes, latitudes; then the hash and spans of `_parse`."""
    n_ways, n_nodes, n_others = _count(block)
    way_id, start = np.empty(n_ways, dtype=np.int64), np.zeros(n_ways + 1, dtype=np.int64)
    node_id, lon, lat = np.empty(n_nodes, dtype=np.int64), np.empty(n_nodes), np.empty(n_nodes)
    filled, *spans = _parse(block, hashes, n_others, way_id, start, node_id, lon, lat)
    return way_id, np.diff(start), node_id[:filled], lon[:filled], lat[:filled], *spans


def decode_tags(text: str) -> dict[str, str]:
    """Return the tags of an OPL tag list as a dictionary.

    Examples
    --------
    >>> decode_tags("highway=primary,maxspeed=30%20%mph")
    {'highway': 'primary', 'maxspeed': '30 mph'}
    """
    tags = {}
    for pair in text.split(","):
        key, separator, value = pair.partition("=")
        if separator:
            tags[_unescape(key)] = _unescape(value)
    return tags


def _unescape(text: str) -> str:
    return _ESCAPED.sub(lambda found: chr(int(found.group(1), 16)), text) if "%" in text else text


def _hash_text(text: str) -> int:
    """Hash a key as the compiled parser does."""
    value, prime = int(_FNV_OFFSET), int(_FNV_PRIME)
    for byte in text.encode():
        value = ((value ^ byte) * prime) & 0xFFFFFFFFFFFFFFFF
    return value


@kernel
def _count(text: NDArray[np.uint8]) -> tuple[int, int, int]:  # pragma: no cover - compiled
    """Count ways, nodes of ways (no fewer), and other lines."""
    n_ways, n_nodes, n_others = 0, 0, 0
    at, size = 0, text.size
    while at < size:
        is_way = text[at] == 119
        n_ways += is_way
        n_others += (not is_way) and text[at] != 10
        commas = 0
        while at < size and text[at] != 10:
            # the node list comes last: commas before its " N" belong to tags
            if text[at] == 32:
                commas = 0
            commas += text[at] == 44
            at += 1
        if is_way:
            n_nodes += commas + 1
        at += 1
    return n_ways, n_nodes, n_others


@kernel
def _read_integer(text: NDArray[np.uint8], at: int) -> tuple[int, int]:  # pragma: no cover - compiled
    """Return the integer that starts here, and where it ends."""
    sign = 1
    if at < text.size and text[at] == 45:
        sign, at = -1, at + 1
    value = 0
    while at < text.size and 48 <= text[at] <= 57:
        value = value * 10 + (text[at] - 48)
        at += 1
    return sign * value, at


@kernel
def _read_degrees(text: NDArray[np.uint8], at: int) -> tuple[float, int]:  # pragma: no cover - compiled
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


@kernel
def _hash_tags(
    text: NDArray[np.uint8], at: int, hashes: NDArray[np.uint64]
) -> tuple[np.uint64, int]:  # pragma: no cover - compiled
    """Hash the relevant tags of a tag list, and return where the list ends."""
    prime = np.uint64(0x100000001B3)
    total = np.uint64(0xCBF29CE484222325)
    while at < text.size and text[at] != 32 and text[at] != 10:
        one = np.uint64(0xCBF29CE484222325)
        while at < text.size and text[at] != 61 and text[at] != 32 and text[at] != 10:
            one = (one ^ np.uint64(text[at])) * prime
            at += 1
        place = np.searchsorted(hashes, one)
        matters = place < hashes.size and hashes[place] == one
        while at < text.size and text[at] != 44 and text[at] != 32 and text[at] != 10:
            one = (one ^ np.uint64(text[at])) * prime
            at += 1
        if matters:
            total = (total ^ one) * prime
        if at < text.size and text[at] == 44:
            at += 1
    return total, at


@kernel
def _parse(
    text: NDArray[np.uint8],
    hashes: NDArray[np.uint64],
    n_others: int,
    way_id: NDArray[np.int64],
    start: NDArray[np.int64],
    node_id: NDArray[np.int64],
    lon: NDArray[np.float64],
    lat: NDArray[np.float64],
) -> tuple[int, NDArray[np.uint64], NDArray[np.int64], NDArray[np.int64]]:  # pragma: no cover - compiled
    """Fill arrays of `OplWays` from lines; `start` counts from 0. Return nodes, hashes and spans."""
    group_hash = np.zeros(way_id.size, dtype=np.uint64)
    tag_span = np.zeros((way_id.size, 2), dtype=np.int64)
    other_span = np.empty((n_others, 2), dtype=np.int64)
    way, node, other, at, size = 0, 0, 0, 0, text.size
    while at < size:
        begin = at
        if text[at] != 119:
            while at < size and text[at] != 10:
                at += 1
            if at > begin:
                other_span[other] = begin, at
                other += 1
            at += 1
            continue
        way_id[way], at = _read_integer(text, at + 1)
        while at < size and text[at] != 10:
            field = text[at]
            at += 1
            if field != 32 or at >= size:
                continue
            if text[at] == 84:
                tag_span[way, 0] = at + 1
                group_hash[way], at = _hash_tags(text, at + 1, hashes)
                tag_span[way, 1] = at
            elif text[at] == 78:
                at += 1
                while at < size and text[at] == 110:
                    node_id[node], at = _read_integer(text, at + 1)
                    lon[node], at = _read_degrees(text, at + 1)
                    lat[node], at = _read_degrees(text, at + 1)
                    node += 1
                    if at < size and text[at] == 44:
                        at += 1
        way += 1
        start[way] = node
        at += 1
    return node, group_hash, tag_span, other_span
