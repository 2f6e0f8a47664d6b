"""Excel sheets as rows of text, without ever turning a code into a number; XML from outside is checked first."""

from __future__ import annotations

import datetime as dt
import io
import warnings
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import IO
from xml.parsers import expat

from territory.errors import ReadError, examples
from territory.sources.fetching.raw_folder import size_text

# a workbook that unpacks to more than this is not a table of communes
MAX_UNPACKED_BYTES = 1_500_000_000
# XML shrinks ten to twenty times
MAX_RATIO = 200
_RATIO_FROM_BYTES = 100_000_000
# Excel's own limit of rows; the cells of the largest official workbooks are under ten millions
MAX_ROWS = 1_048_576
MAX_CELLS = 50_000_000
_CHUNK_BYTES = 1 << 14


def read_workbook(content: bytes, path: Path, *, sheet: str | None = None) -> list[tuple[int, list[str]]]:
    """Return the rows of one sheet as (line number, cells of text)."""
    kinds = {b"PK": _read_xlsx, b"\xd0\xcf": _read_xls}
    reader = kinds.get(content[:2])
    if reader is None:
        raise ReadError(
            f"Fichier « {path.name} » : ce n'est pas un classeur Excel, malgré son nom ; ouvrez-le et "
            "enregistrez-le de nouveau."
        )
    try:
        rows = reader(content, path, sheet)
    except ReadError:
        raise
    except Exception as error:
        # a broken workbook breaks these libraries in ways that they do not list
        raise ReadError(
            f"Fichier « {path.name} » : classeur illisible, tronqué ou protégé ({type(error).__name__}) ; "
            "téléchargez-le de nouveau, ou enregistrez-le sans mot de passe."
        ) from error
    width = max((len(cells) for cells in rows), default=0)
    return [(line, cells + [""] * (width - len(cells))) for line, cells in enumerate(rows, start=1)]


def sheet_names(content: bytes, path: Path) -> list[str]:
    """Return the names of the sheets of a workbook, in its order."""
    kinds = {b"PK": _names_xlsx, b"\xd0\xcf": _names_xls}
    reader = kinds.get(content[:2])
    if reader is None:
        raise ReadError(f"Fichier « {path.name} » : ce n'est pas un classeur Excel, malgré son nom.")
    try:
        return reader(content, path)
    except ReadError:
        raise
    except Exception as error:
        # a broken workbook breaks these libraries in ways that they do not list
        raise ReadError(
            f"Fichier « {path.name} » : classeur illisible, tronqué ou protégé ({type(error).__name__}) ; "
            "téléchargez-le de nouveau, ou enregistrez-le sans mot de passe."
        ) from error


def _names_xlsx(content: bytes, path: Path) -> list[str]:
    """List the sheets of an Office Open XML workbook."""
    import openpyxl

    _check_package(content, path)
    book = openpyxl.load_workbook(io.BytesIO(content), read_only=True)
    try:
        return list(book.sheetnames)
    finally:
        book.close()


def _names_xls(content: bytes, path: Path) -> list[str]:
    """List the sheets of a workbook of Excel 97-2003."""
    import xlrd

    book = xlrd.open_workbook(file_contents=content, on_demand=True, logfile=io.StringIO())
    return list(book.sheet_names())


def _read_xlsx(content: bytes, path: Path, sheet: str | None) -> list[list[str]]:
    """Read an Office Open XML workbook."""
    import openpyxl

    _check_package(content, path)
    book = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=True)
    try:
        table = book[_choose_sheet(book.sheetnames, sheet, path)]
        # the size that a file announces is not to be believed
        table.reset_dimensions()
        with warnings.catch_warnings():
            # a date out of its bounds becomes an error cell, which the readers name by its place
            warnings.filterwarnings("ignore", message="Cell .* is marked as a date")
            return _cells(table.iter_rows(values_only=True), path)
    finally:
        book.close()


def _check_package(content: bytes, path: Path) -> None:
    """Refuse a workbook that unpacks to far more than it is, or whose XML declares entities."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = archive.infolist()
        unpacked = sum(member.file_size for member in members)
        is_bomb = unpacked > _RATIO_FROM_BYTES and unpacked > MAX_RATIO * len(content)
        if unpacked > MAX_UNPACKED_BYTES or is_bomb:
            raise ReadError(
                f"Fichier « {path.name} » : {size_text(unpacked)} une fois décompressé pour {size_text(len(content))}, "
                "refusé par prudence."
            )
        for member in members:
            if member.filename.lower().endswith((".xml", ".rels")):
                with archive.open(member) as part:
                    if declares_type(part):
                        raise ReadError(
                            f"Fichier « {path.name} » : « {member.filename} » déclare des entités XML, ce qu'aucun "
                            "classeur n'a ; refusé par prudence."
                        )


def _cells(found: Iterable[Iterable[object]], path: Path) -> list[list[str]]:
    """Return rows as text, as many as a sheet can have: a file may announce a cell at the end of the world."""
    rows: list[list[str]] = []
    count = width = 0
    for cells in found:
        rows.append([_as_text(value) for value in cells])
        count, width = count + 1, max(width, len(rows[-1]))
        if count > MAX_ROWS or count * width > MAX_CELLS:
            raise ReadError(
                f"Fichier « {path.name} » : plus de {count - 1} lignes de {width} colonnes, ce n'est pas un tableau "
                "attendu ; supprimez les lignes et colonnes vides, ou enregistrez-le en CSV."
            )
    return rows


def _read_xls(content: bytes, path: Path, sheet: str | None) -> list[list[str]]:
    """Read a workbook of Excel 97-2003."""
    import xlrd

    # what xlrd has to say of an odd file goes nowhere
    book = xlrd.open_workbook(file_contents=content, on_demand=True, logfile=io.StringIO())
    table = book.sheet_by_name(_choose_sheet(book.sheet_names(), sheet, path))
    return [[_as_text(value) for value in table.row_values(row)] for row in range(table.nrows)]


def _choose_sheet(names: Iterable[str], sheet: str | None, path: Path) -> str:
    """Return the sheet asked for, or the first."""
    known = list(names)
    if not known:
        raise ReadError(f"Fichier « {path.name} » : ce classeur n'a pas de feuille.")
    if sheet is None:
        return known[0]
    if sheet not in known:
        raise ReadError(
            f"Fichier « {path.name} » : feuille « {sheet} » absente ; feuilles présentes : "
            f"{examples(known, most=8)}."
        )
    return sheet


def _as_text(value: object) -> str:
    """Return a cell as text; a whole number has no decimals."""
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, dt.datetime):
        return value.date().isoformat() if value.time() == dt.time() else value.isoformat()
    return str(value)


class _DoctypeError(Exception):
    """The document declares a type."""


class _RootError(Exception):
    """The first element is reached: no declaration may follow."""


def declares_type(stream: IO[bytes]) -> bool:
    """Say whether an XML document begins with a document type, the only place where entities are declared."""

    def refuse(*_: object) -> None:
        raise _DoctypeError

    def stop(*_: object) -> None:
        raise _RootError

    parser = expat.ParserCreate()
    parser.StartDoctypeDeclHandler = refuse
    parser.StartElementHandler = stop
    try:
        while chunk := stream.read(_CHUNK_BYTES):
            parser.Parse(chunk, False)
    except _DoctypeError:
        return True
    # an encoding that does not exist is a LookupError
    except (_RootError, expat.ExpatError, LookupError, ValueError):
        return False
    return False
