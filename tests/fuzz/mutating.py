"""Spoil a good file: its bytes, or what its container holds, in ways that have broken readers before."""

from __future__ import annotations

import bz2
import gzip
import hashlib
import io
import json
import random
import sqlite3
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

Mutate = Callable[[bytes, random.Random], bytes]
MOST_BYTES = 200_000

_TOKENS = [
    *[text.encode() for text in ("-1", "0", "1e308", "-1e-320", "NaN", "inf", "9" * 30, "0x10", "1_0", "٣")],
    *[text.encode() for text in ("null", "true", "{}", "[]", '""', "=cmd|' /C calc'!A0", "+1", "@SUM(A1)")],
    *[
        text.encode()
        for text in ("../../etc/passwd", "file:///etc/passwd", "C:\\x", "//host/share", "/vsizip/x")
    ],
    *[
        b"\x00",
        b"\xff\xfe",
        b"\xef\xbb\xbf",
        b"\r",
        b"\n",
        b"\r\n\r\n",
        b"\t",
        b";",
        b",",
        b"|",
        b'"',
        b"'",
        b"`",
    ],
    *[b"<!DOCTYPE a [<!ENTITY b 'cc'><!ENTITY c '&b;&b;'>]>", b"&c;", b"<![CDATA[", b"-->", b"</osm>"],
    *[b"[" * 3000, b"{" * 3000, b"<a>" * 3000, b"a" * 70_000, b"9" * 5000, b"((((((((("],
    *[
        "é".encode("latin-1"),
        "é".encode(),
        "\u202e".encode(),
        "\ud7ff".encode(),
        "𝟗".encode(),
        b"\xed\xa0\x80",
    ],
    *[
        b"83050",
        b"2A004",
        b"97411",
        b"1900-02-29",
        b"31/02/2024",
        b"0001-01-01",
        b"9999-12-31",
        b"POINT EMPTY",
    ],
]
_NUMBERS = [0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0xFFFFFFFFFFFFFFFF]


def spoil(content: bytes, draw: random.Random) -> bytes:
    """Return the bytes with one to four changes anywhere."""
    changed = bytearray(content)
    for _ in range(draw.choice([1, 1, 1, 2, 4])):
        draw.choice(_CHANGES)(changed, draw)
    return bytes(changed[:MOST_BYTES])


def _place(changed: bytearray, draw: random.Random) -> int:
    """Return a place in the bytes; the first ones, where forms say what they are, more often."""
    size = len(changed)
    return draw.randrange(min(size, 64) + 1) if draw.random() < 0.2 else draw.randrange(size + 1)


def _flip(changed: bytearray, draw: random.Random) -> None:
    if changed:
        changed[_place(changed, draw) % len(changed)] ^= 1 << draw.randrange(8)


def _set(changed: bytearray, draw: random.Random) -> None:
    if changed:
        changed[_place(changed, draw) % len(changed)] = draw.randrange(256)


def _number(changed: bytearray, draw: random.Random) -> None:
    size = draw.choice([1, 2, 4, 8])
    number = (draw.choice(_NUMBERS) & ((1 << 8 * size) - 1)).to_bytes(size, draw.choice(["little", "big"]))
    at = _place(changed, draw)
    changed[at : at + size] = number


def _insert(changed: bytearray, draw: random.Random) -> None:
    at = _place(changed, draw)
    changed[at:at] = draw.choice(_TOKENS)


def _replace(changed: bytearray, draw: random.Random) -> None:
    at = _place(changed, draw)
    changed[at : at + draw.randrange(1, 12)] = draw.choice(_TOKENS)


def _delete(changed: bytearray, draw: random.Random) -> None:
    at = _place(changed, draw)
    del changed[at : at + draw.choice([1, 1, 4, 16, 200])]


def _cut(changed: bytearray, draw: random.Random) -> None:
    del changed[_place(changed, draw) :]


def _repeat(changed: bytearray, draw: random.Random) -> None:
    at, size = _place(changed, draw), draw.choice([1, 8, 40, 200])
    changed[at:at] = bytes(changed[at : at + size]) * draw.choice([1, 2, 50])


def _swap_lines(changed: bytearray, draw: random.Random) -> None:
    lines = bytes(changed).split(b"\n")
    one, other = draw.randrange(len(lines)), draw.randrange(len(lines))
    lines[one], lines[other] = lines[other], lines[one]
    changed[:] = b"\n".join(lines)


def _swap_numbers(changed: bytearray, draw: random.Random) -> None:
    """Put a token in the place of a number or a word."""
    import re

    found = list(re.finditer(rb"-?[0-9][0-9.]*|[A-Za-z_]{2,}", bytes(changed[:MOST_BYTES])))
    if found:
        match = draw.choice(found)
        changed[match.start() : match.end()] = draw.choice(_TOKENS)


def _set_number(content: bytes, draw: random.Random) -> bytes:
    """Put one number in the place of another, in an array of 1, 2, 4 or 8 bytes each."""
    size = draw.choice([1, 2, 4, 8])
    changed = bytearray(content)
    at = draw.randrange(max(1, len(changed) // size)) * size
    number = draw.choice([*_NUMBERS, *range(-3, 20), -(2**31), 2**40])
    changed[at : at + size] = (number & ((1 << 8 * size) - 1)).to_bytes(size, "little")
    return bytes(changed)


_VALUES = [spoil, _set_number, _set_number]
_CHANGES = [_flip, _set, _number, _insert, _replace, _delete, _cut, _repeat, _swap_lines, _swap_numbers]


def spoil_gzip(content: bytes, draw: random.Random) -> bytes:
    """Spoil what a gzip file holds, or the file."""
    return _inside(content, draw, gzip.decompress, lambda inner: gzip.compress(inner, mtime=0))


def spoil_bzip2(content: bytes, draw: random.Random) -> bytes:
    """Spoil what a bzip2 file holds, or the file."""
    return _inside(content, draw, bz2.decompress, bz2.compress)


def _inside(
    content: bytes,
    draw: random.Random,
    unpack: Callable[[bytes], bytes],
    pack: Callable[[bytes], bytes],
) -> bytes:
    """Spoil what a container holds when it can be opened, now and then the container itself."""
    if draw.random() < 0.3:
        return spoil(content, draw)
    try:
        return pack(spoil(unpack(content), draw))
    except Exception:
        # an earlier change broke the container
        return spoil(content, draw)


def spoil_zip(content: bytes, draw: random.Random) -> bytes:
    """Spoil a member of a zip, its name, or the file."""
    if draw.random() < 0.25:
        return spoil(content, draw)
    try:
        members = _members(content)
    except Exception:
        # an earlier change broke the container
        members = {}
    return _spoil_members(members, draw) if members else spoil(content, draw)


def spoil_folder(content: bytes, draw: random.Random) -> bytes:
    """Spoil a file of a folder, or its name; the zip that carries the folder stays good."""
    return _spoil_members(_members(content), draw)


def _spoil_members(members: dict[str, bytes], draw: random.Random) -> bytes:
    """Spoil one member, its name, or leave it out."""
    name = draw.choice(sorted(members))
    chance = draw.random()
    if chance < 0.8:
        members[name] = spoil(members[name], draw)
    elif chance < 0.9 or len(members) == 1:
        members[spoil(name.encode(), draw).decode("latin-1")[:300]] = members.pop(name)
    else:
        del members[name]
    return pack_zip(members)


def pack_zip(members: dict[str, bytes]) -> bytes:
    """Return a zip with these members, dated by no clock."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name or "_"), content, zipfile.ZIP_DEFLATED)
    return packed.getvalue()


def unfold(content: bytes, folder: Path) -> None:
    """Write the files of a folder carried in a zip; a name that no disk takes is passed over."""
    folder.mkdir()
    for name, inner in _members(content).items():
        plain = "".join(letter for letter in Path(name).name if letter.isalnum() or letter in "._-")[:100]
        if plain.strip("."):
            (folder / plain).write_bytes(inner)


def _members(content: bytes) -> dict[str, bytes]:
    """Return what a zip holds, as long as it is small."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        if sum(member.file_size for member in archive.infolist()) > 5_000_000:
            raise ValueError("too large to be spoilt")
        return {member.filename: archive.read(member) for member in archive.infolist()}


def spoil_pbf(content: bytes, draw: random.Random) -> bytes:
    """Spoil a block of an .osm.pbf before it is compressed, or the file."""
    if draw.random() < 0.3:
        return spoil(content, draw)
    try:
        blocks = _blocks(content)
        at = draw.randrange(len(blocks))
        kind, inner = blocks[at]
        blocks[at] = (kind, spoil(inner, draw))
        return b"".join(_block(*block) for block in blocks)
    except Exception:
        return spoil(content, draw)


def _varint(number: int) -> bytes:
    """Return a number as protocol buffers write it."""
    found = bytearray()
    while number > 0x7F:
        found.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*found, number])


def _read_varint(content: bytes, at: int) -> tuple[int, int]:
    """Return a number and where the next byte is."""
    number = shift = 0
    while True:
        byte = content[at]
        number |= (byte & 0x7F) << shift
        shift, at = shift + 7, at + 1
        if byte < 0x80:
            return number, at


def _fields(content: bytes) -> dict[int, bytes | int]:
    """Return the fields of a message of protocol buffers."""
    found: dict[int, bytes | int] = {}
    at = 0
    while at < len(content):
        key, at = _read_varint(content, at)
        number, at = _read_varint(content, at)
        if key & 7 == 2:
            found[key >> 3] = content[at : at + number]
            at += number
        else:
            found[key >> 3] = number
    return found


def _blocks(content: bytes) -> list[tuple[bytes, bytes]]:
    """Return the kind and the inflated content of each block."""
    found, at = [], 0
    while at < len(content):
        (length,) = struct.unpack_from(">I", content, at)
        header = _fields(content[at + 4 : at + 4 + length])
        at += 4 + length
        size, kind = header[3], header[1]
        assert isinstance(size, int)
        assert isinstance(kind, bytes)
        blob = _fields(content[at : at + size])
        at += size
        raw = blob[1] if 1 in blob else zlib.decompress(blob[3])  # type: ignore[arg-type]
        assert isinstance(raw, bytes)
        found.append((kind, raw))
    return found


def _block(kind: bytes, inner: bytes) -> bytes:
    """Return one block of an .osm.pbf."""
    packed = zlib.compress(inner)
    blob = b"\x10" + _varint(len(inner)) + b"\x1a" + _varint(len(packed)) + packed
    header = b"\x0a" + _varint(len(kind)) + kind + b"\x18" + _varint(len(blob))
    return struct.pack(">I", len(header)) + header + blob


def spoil_sqlite(content: bytes, draw: random.Random) -> bytes:
    """Spoil a value of a database (a GeoPackage), or the file."""
    if draw.random() < 0.4:
        return spoil(content, draw)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.gpkg"
        path.write_bytes(content)
        try:
            with closing(sqlite3.connect(path)) as database:
                _spoil_value(database, draw)
            return path.read_bytes()
        except sqlite3.Error:
            return spoil(content, draw)


def _spoil_value(database: sqlite3.Connection, draw: random.Random) -> None:
    """Change one cell of a table, whatever rules the format has."""
    for (trigger,) in database.execute("SELECT name FROM sqlite_master WHERE type='trigger'").fetchall():
        database.execute(f'DROP TRIGGER "{trigger}"')
    names = [row[0] for row in database.execute("SELECT name FROM sqlite_master WHERE type='table'")]
    table = draw.choice(sorted(names))
    rows = database.execute(f'SELECT rowid, * FROM "{table}" LIMIT 50')
    columns = [column[0] for column in rows.description][1:]
    found = rows.fetchall()
    if not found or not columns:
        return
    row, at = draw.choice(found), draw.randrange(len(columns))
    value = row[1 + at]
    if isinstance(value, bytes):
        new: object = spoil(value, draw)
    else:
        new = draw.choice(
            [None, -1, 2**62, float("inf"), draw.choice(_TOKENS), draw.choice(_TOKENS).decode("latin-1")]
        )
    database.execute(f'UPDATE "{table}" SET "{columns[at]}" = ? WHERE rowid = ?', (new, row[0]))
    database.commit()


def spoil_network(content: bytes, draw: random.Random) -> bytes:
    """Spoil a saved network (its folder in a zip), then vouch for the result as its author would."""
    if draw.random() < 0.4:
        spoilt = content
    else:
        spoilt = spoil_folder(content, draw)
        if draw.random() < 0.3:
            return spoilt
    members = _members(spoilt)
    chosen = draw.choice(sorted(members))
    try:
        header = json.loads(members["network.json"])
        for name, stated in header["files"].items():
            array = members.get(f"{name}.npy", b"")
            if (spoilt is content and f"{name}.npy" == chosen) and len(array) > 130:
                # the values alone: the form stays right
                values = draw.choice(_VALUES)(array[128:], draw)[: len(array) - 128]
                array = array[:128] + values.ljust(len(array) - 128, b"\xff")
                members[f"{name}.npy"] = array
            stated["sha256"] = hashlib.sha256(array).hexdigest()
        said = {name: value for name, value in header.items() if name != "sha256"}
        header["sha256"] = hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()
        members["network.json"] = json.dumps(header).encode()
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError):
        # the header itself is spoilt: it is read as it is
        return spoilt
    return pack_zip(members)
