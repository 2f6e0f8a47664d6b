"""A workbook of Excel 97-2003, written by hand: no library that we have writes this form."""

from __future__ import annotations

import struct

_SECTOR = 512
_FREE, _END, _FAT = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD


def write_xls(rows: list[list[str | float]]) -> bytes:
    """Return a workbook of one sheet (OLE2 compound file, BIFF8)."""
    stream = _workbook(rows)
    # a stream under 4096 bytes would go to another part of the file
    stream = stream.ljust(max(4096, -(-len(stream) // _SECTOR) * _SECTOR), b"\x00")
    count = len(stream) // _SECTOR
    chain = [_FAT, _END, *(number + 3 for number in range(count - 1)), _END]
    fat = struct.pack(f"<{_SECTOR // 4}I", *chain, *[_FREE] * (_SECTOR // 4 - len(chain)))
    folder = _entry("Root Entry", 5, child=1, start=_END, size=0) + _entry(
        "Workbook", 2, start=2, size=len(stream)
    )
    folder += _entry("", 0) * 2
    return _header() + fat + folder + stream


def _header() -> bytes:
    """Return the first sector: one table of sectors (sector 0), the folder in sector 1."""
    fixed = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 16
    fixed += struct.pack("<HHHHH6x", 0x3E, 3, 0xFFFE, 9, 6)
    fixed += struct.pack("<9I", 0, 1, 1, 0, 4096, _END, 0, _END, 0)
    return fixed + struct.pack("<109I", 0, *[_FREE] * 108)


def _entry(name: str, kind: int, *, child: int = _FREE, start: int = 0, size: int = 0) -> bytes:
    """Return one entry of the folder."""
    text = name.encode("utf-16-le")
    head = text.ljust(64, b"\x00") + struct.pack("<HBB", len(text) + 2 if name else 0, kind, 1)
    return (
        head + struct.pack("<III", _FREE, _FREE, child) + b"\x00" * 36 + struct.pack("<III", start, size, 0)
    )


def _record(kind: int, content: bytes) -> bytes:
    """Return one record."""
    return struct.pack("<HH", kind, len(content)) + content


def _workbook(rows: list[list[str | float]]) -> bytes:
    """Return the stream of records."""
    bof = struct.pack("<HHHHII", 0x0600, 0x0005, 0x0DBB, 0x07CC, 0, 6)
    name = b"Feuille"
    before = len(_record(0x809, bof))
    sheet_at = before + 4 + 8 + len(name) + 4
    bound = struct.pack("<IBBBB", sheet_at, 0, 0, len(name), 0) + name
    book = _record(0x809, bof) + _record(0x85, bound) + _record(0x0A, b"")
    sheet = _record(0x809, struct.pack("<HHHHII", 0x0600, 0x0010, 0x0DBB, 0x07CC, 0, 6))
    width = max(map(len, rows))
    sheet += _record(0x200, struct.pack("<IIHHH", 0, len(rows), 0, width, 0))
    for line, cells in enumerate(rows):
        for column, cell in enumerate(cells):
            place = struct.pack("<HHH", line, column, 0)
            if isinstance(cell, str):
                text = cell.encode("utf-16-le")
                sheet += _record(0x204, place + struct.pack("<HB", len(cell), 1) + text)
            else:
                sheet += _record(0x203, place + struct.pack("<d", cell))
    return book + sheet + _record(0x0A, b"")
