"""Text ids as numbers: each distinct id is looked at once, whatever the number of rows."""

from __future__ import annotations

import sys
from typing import Any, cast

import numba
import numpy as np
import pandas as pd
from numpy.typing import NDArray

_WORD = 8
# multipliers of SplitMix64 (Steele, Lea and Flood 2014)
_MIX = np.uint64(0x9E3779B97F4A7C15)
_FOLD = np.uint64(0xBF58476D1CE4E5B9)
_FIRST_BITS = 12
# a table of this size stays in the processor's cache, and is nearly empty with a thousand ids
_SHORT_BITS = 15
_SHORT_MOST = 1 << 14


def text_codes(column: pd.Series[str]) -> tuple[NDArray[np.int32], pd.Index[str]]:
    """Return the code of each row and the distinct ids, in their order of appearance; -1 for a blank.

    Texts held by Arrow are read in place; others go through pandas.
    """
    array: Any = column.array
    # words are compared as they lie in memory: the masks below suppose the low byte first
    if getattr(array, "__arrow_array__", None) is None or sys.byteorder != "little" or not len(column):
        return _by_pandas(column)
    import pyarrow as pa

    held = array.__arrow_array__()
    chunks = held.chunks if isinstance(held, pa.ChunkedArray) else [held]
    is_text = pa.types.is_large_string(held.type) or pa.types.is_string(held.type)
    if not is_text or len(chunks) != 1 or chunks[0].null_count:
        return _by_pandas(column)
    offsets, words = _buffers(chunks[0], np.int64 if pa.types.is_large_string(held.type) else np.int32)
    found = _short_codes(offsets, words)
    if found is None:
        keys = _keys(offsets, words)
        found = _encode(keys)
        # two texts may share a key, once in thousands of millions
        if not _all_same(offsets, words, *found):
            return _by_pandas(column)
    codes, first = found
    known = pd.Index(column.iloc[first].array)
    return codes, cast("pd.Index[str]", known)


def _by_pandas(column: pd.Series[str]) -> tuple[NDArray[np.int32], pd.Index[str]]:
    """Return what pandas finds."""
    codes, uniques = pd.factorize(column)
    return np.asarray(codes, dtype=np.int32), pd.Index(uniques)


def _buffers(
    chunk: Any, offset_type: type[np.signedinteger[Any]]
) -> tuple[NDArray[np.signedinteger[Any]], NDArray[np.uint64]]:
    """Return where texts begin and end, and their bytes as words of 8, one more than needed."""
    _, starts, data = chunk.buffers()
    size = np.dtype(offset_type).itemsize
    offsets = np.frombuffer(starts, offset_type, count=len(chunk) + 1, offset=chunk.offset * size)
    end = int(offsets[-1])
    count = end // _WORD + 2
    if data is not None and data.size >= count * _WORD and data.address % _WORD == 0:
        return offsets, np.frombuffer(data, np.uint64, count=count)
    padded = np.zeros(count * _WORD, dtype=np.uint8)
    if data is not None:
        padded[:end] = np.frombuffer(data, np.uint8, count=end)
    return offsets, padded.view(np.uint64)


def _short_codes(
    offsets: NDArray[np.signedinteger[Any]], words: NDArray[np.uint64]
) -> tuple[NDArray[np.int32], NDArray[np.int64]] | None:
    """Return codes and first rows when all texts have one length of 8 bytes at most, as official codes do."""
    length = int(offsets[1] - offsets[0])
    if not 0 < length <= _WORD:
        return None
    codes = np.empty(offsets.size - 1, np.int32)
    first = np.empty(_SHORT_MOST, np.int64)
    count = _fill_short(offsets, words, length, codes, first)
    return None if count < 0 else (codes, first[:count].copy())


@numba.njit(cache=True, nogil=True)
def _fill_short(
    offsets: NDArray[np.signedinteger[Any]],
    words: NDArray[np.uint64],
    length: int,
    codes: NDArray[np.int32],
    first: NDArray[np.int64],
) -> int:  # pragma: no cover - compiled
    """Code texts that are one word each, reading and looking up in one go; -1 if one is not, or they are too many."""
    slots = np.full(1 << _SHORT_BITS, -1, np.int32)
    known = np.empty(first.size, np.uint64)
    mask = slots.size - 1
    drop, kept = np.uint64(64 - _SHORT_BITS), np.uint64(0xFFFFFFFFFFFFFFFF) >> np.uint64(64 - 8 * length)
    base, count = np.int64(offsets[0]), 0
    for row in range(codes.size):
        start = base + row * length
        # lengths are right as long as every text begins where the one before ends
        if np.int64(offsets[row + 1]) != start + length:
            return -1
        place, shift = start >> 3, np.uint64((start & 7) * 8)
        key = (words[place] >> shift) | ((words[place + 1] << (np.uint64(63) - shift)) << np.uint64(1))
        key &= kept
        slot = np.int64((key * _MIX) >> drop)
        code = slots[slot]
        while code >= 0 and known[code] != key:
            slot = (slot + 1) & mask
            code = slots[slot]
        if code < 0:
            if count == first.size:
                return -1
            code = np.int32(count)
            known[count], first[count], slots[slot] = key, row, code
            count += 1
        codes[row] = code
    return count


@numba.njit(cache=True, nogil=True)
def _keys(
    offsets: NDArray[np.signedinteger[Any]], words: NDArray[np.uint64]
) -> NDArray[np.uint64]:  # pragma: no cover - compiled
    """Return a number per text."""
    keys = np.empty(offsets.size - 1, np.uint64)
    for row in range(keys.size):
        start = np.int64(offsets[row])
        length = np.int64(offsets[row + 1]) - start
        place, shift = start >> 3, np.uint64((start & 7) * 8)
        # two shifts to the left: one by a whole word is undefined
        key = (words[place] >> shift) | ((words[place + 1] << (np.uint64(63) - shift)) << np.uint64(1))
        if length < 8:
            key &= (np.uint64(1) << np.uint64(8 * length)) - np.uint64(1)
        for step in range(8, length, 8):
            place += 1
            word = (words[place] >> shift) | ((words[place + 1] << (np.uint64(63) - shift)) << np.uint64(1))
            if length - step < 8:
                word &= (np.uint64(1) << np.uint64(8 * (length - step))) - np.uint64(1)
            key = ((key ^ (key >> np.uint64(32))) * _FOLD) ^ word
        keys[row] = key
    return keys


def _encode(keys: NDArray[np.uint64]) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Return codes in order of appearance, and the first row of each distinct key."""
    codes = np.empty(keys.size, np.int32)
    bits, row, count = _FIRST_BITS, 0, 0
    known, first = np.empty(0, np.uint64), np.empty(0, np.int64)
    while True:
        # the table grows here and not in the loop, which is then several times faster
        slots = np.full(1 << bits, -1, np.int32)
        known = np.concatenate((known, np.empty((1 << bits) // 2 - known.size, np.uint64)))
        first = np.concatenate((first, np.empty((1 << bits) // 2 - first.size, np.int64)))
        row, count = _fill(keys, codes, slots, known, first, row, count, bits)
        if row == keys.size:
            return codes, first[:count].copy()
        bits += 2


@numba.njit(cache=True, nogil=True)
def _fill(
    keys: NDArray[np.uint64],
    codes: NDArray[np.int32],
    slots: NDArray[np.int32],
    known: NDArray[np.uint64],
    first: NDArray[np.int64],
    row: int,
    count: int,
    bits: int,
) -> tuple[int, int]:  # pragma: no cover - compiled
    """Go on from a row, in an open hash table, until the end or until it is half full."""
    # the highest bits of a product are the best mixed
    drop, mask = np.uint64(64 - bits), slots.size - 1
    for code in range(count):
        slot = np.int64((known[code] * _MIX) >> drop)
        while slots[slot] >= 0:
            slot = (slot + 1) & mask
        slots[slot] = code
    while row < keys.size:
        key = keys[row]
        slot = np.int64((key * _MIX) >> drop)
        found = slots[slot]
        while found >= 0 and known[found] != key:
            slot = (slot + 1) & mask
            found = slots[slot]
        if found < 0:
            if count == known.size:
                return row, count
            found = np.int32(count)
            known[count], first[count], slots[slot] = key, row, found
            count += 1
        codes[row] = found
        row += 1
    return row, count


@numba.njit(cache=True, nogil=True)
def _all_same(
    offsets: NDArray[np.signedinteger[Any]],
    words: NDArray[np.uint64],
    codes: NDArray[np.int32],
    first: NDArray[np.int64],
) -> bool:  # pragma: no cover - compiled
    """Tell whether every text is that of the first row of its code, byte for byte."""
    held = words.view(np.uint8)
    for row in range(codes.size):
        model = first[codes[row]]
        start, other = np.int64(offsets[row]), np.int64(offsets[model])
        length = np.int64(offsets[row + 1]) - start
        if np.int64(offsets[model + 1]) - other != length:
            return False
        for place in range(length):
            if held[start + place] != held[other + place]:
                return False
    return True
