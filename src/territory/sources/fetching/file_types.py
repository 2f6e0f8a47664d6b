"""Files as they come: is one what its name says, and how large it is in words."""

from __future__ import annotations

import re
import struct
import zipfile
from pathlib import Path

from territory.errors import ReadError

_START_BYTES = 4096
_HTML = re.compile(rb"\s*(<!--.*?-->\s*)*<(!doctype\s+html|html|head|body)\b", re.IGNORECASE | re.DOTALL)
_SIGNATURES = {
    "zip": b"PK",
    "xlsx": b"PK\x03\x04",
    "xls": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
    "gz": b"\x1f\x8b",
    "7z": b"7z\xbc\xaf\x27\x1c",
    "gpkg": b"SQLite format 3\x00",
    "parquet": b"PAR1",
}
_TEXTS = ("csv", "txt", "json", "geojson")
_NAMES = {_SIGNATURES[kind]: kind for kind in ("xlsx", "xls", "gz", "7z", "gpkg", "parquet")}


def format_of(name: str) -> str:
    """Return the format that the end of a file's name tells, in lower case.

    Examples
    --------
    >>> format_of("provence.osm.pbf"), format_of("ID_2023r.CSV")
    ('pbf', 'csv')
    """
    return name.lower().rpartition(".")[2]


def check_type(path: Path, *, name: str | None = None) -> None:
    """Refuse a file that is empty, is a web page, or is not of the form that its name says.

    A form that tells its own length (zip, xlsx, 7z, parquet) is also checked to its end.

    Examples
    --------
    >>> import tempfile
    >>> folder = tempfile.TemporaryDirectory()
    >>> path = Path(folder.name) / "communes.csv"
    >>> _ = path.write_text("<!DOCTYPE html><title>Maintenance</title>")
    >>> check_type(path)
    Traceback (most recent call last):
    territory.errors.ReadError: Fichier « communes.csv » : c'est une page web (HTML), pas un fichier csv ...
    >>> folder.cleanup()
    """
    name = name or path.name
    with path.open("rb") as file:
        start = file.read(_START_BYTES)
    fault = _fault(path, format_of(name), start)
    if fault:
        raise ReadError(f"Fichier « {name} » : {fault}")


def _fault(path: Path, kind: str, start: bytes) -> str | None:
    """Return why a file is not of the kind that is expected, if it is not."""
    if not start:
        return "il est vide ; reprenez-le chez son producteur."
    if _HTML.match(start.removeprefix(b"\xef\xbb\xbf")):
        return (
            f"c'est une page web (HTML), pas un fichier {kind} : le site demande sans doute une connexion, est en "
            "maintenance, ou a déplacé le fichier ; ouvrez sa page."
        )
    if kind in _TEXTS:
        found = next((other for signature, other in _NAMES.items() if start.startswith(signature)), None)
        return f"c'est un fichier {found}, pas un fichier {kind}." if found else None
    if kind == "pbf":
        return None if b"OSMHeader" in start[:64] else "ce n'est pas une carte OpenStreetMap (.osm.pbf)."
    signature = _SIGNATURES.get(kind)
    if signature is not None and not start.startswith(signature):
        return f"ce n'est pas un fichier {kind}."
    if not _reaches_its_end(path, kind, start):
        return f"le fichier {kind} est coupé : sa fin manque ; reprenez-le chez son producteur."
    return None


def _reaches_its_end(path: Path, kind: str, start: bytes) -> bool:
    """Say whether the end that a form announces is there."""
    if kind in ("zip", "xlsx"):
        return zipfile.is_zipfile(path)
    if kind == "7z":
        if len(start) < 32:
            return False
        offset, length = struct.unpack_from("<QQ", start, 12)
        return path.stat().st_size >= 32 + int(offset) + int(length)
    if kind == "parquet":
        with path.open("rb") as file:
            file.seek(-4, 2)
            return file.read() == b"PAR1"
    return True


def size_text(count: int) -> str:
    """Return a number of bytes in words, to a tenth of its unit (1 ko = 1000 octets).

    Examples
    --------
    >>> size_text(1_032_385), size_text(1), size_text(999)
    ('1,0 Mo', '1 octet', '999 octets')
    """
    for unit, size in (("Go", 1e9), ("Mo", 1e6), ("ko", 1e3)):
        if count >= size:
            return f"{count / size:.1f} {unit}".replace(".", ",")
    return f"{count} octet{'s' if count > 1 else ''}"
