"""Excel sheets as rows of text, without ever turning a code into a number."""

from __future__ import annotations

import datetime as dt
import io
import zipfile
from collections.abc import Iterable
from pathlib import Path

from territory.errors import ReadError, examples

# a workbook that unpacks to more than this is not a table of communes
MAX_UNPACKED_BYTES = 1_500_000_000


def read_workbook(content: bytes, path: Path, *, sheet: str | None = None) -> list[tuple[int, list[str]]]:
    """Return the rows of one sheet as (line number, cells of text).

    Parameters
    ----------
    content
        Bytes of the workbook, `.xlsx` or `.xls`.
    path
        File it came from, for the messages.
    sheet
        Name of the sheet; without it, the first.

    Returns
    -------
    list of (int, list of str)
        Lines are numbered as Excel does; whole numbers have no decimals, empty cells are empty text.

    Raises
    ------
    ReadError
        If the file is no workbook, is protected, or has no such sheet.

    Examples
    --------
    >>> import openpyxl
    >>> book = openpyxl.Workbook()
    >>> book.active.append(["code", "places"])
    >>> book.active.append(["01004", 12])
    >>> buffer = io.BytesIO()
    >>> book.save(buffer)
    >>> read_workbook(buffer.getvalue(), Path("places.xlsx"))
    [(1, ['code', 'places']), (2, ['01004', '12'])]
    """
    if content[:2] == b"PK":
        return _read_xlsx(content, path, sheet)
    if content[:8] == b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1":
        return _read_xls(content, path, sheet)
    raise ReadError(
        f"Fichier « {path.name} » : ce n'est pas un classeur Excel, malgré son nom ; ouvrez-le et "
        "enregistrez-le de nouveau."
    )


def _read_xlsx(content: bytes, path: Path, sheet: str | None) -> list[tuple[int, list[str]]]:
    """Read an Office Open XML workbook."""
    import openpyxl
    from openpyxl.utils.exceptions import InvalidFileException

    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            unpacked = sum(member.file_size for member in archive.infolist())
        if unpacked > MAX_UNPACKED_BYTES:
            raise ReadError(
                f"Fichier « {path.name} » : {unpacked / 1e9:.1f} Go une fois décompressé, refusé par prudence."
            )
        book = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=True)
    except (zipfile.BadZipFile, InvalidFileException, KeyError, OSError, ValueError) as error:
        if isinstance(error, ReadError):
            raise
        raise ReadError(
            f"Fichier « {path.name} » : classeur illisible ou tronqué ; téléchargez-le de nouveau."
        ) from error
    try:
        name = _choose_sheet(book.sheetnames, sheet, path)
        rows = enumerate(book[name].iter_rows(values_only=True), start=1)
        return [(line, [_as_text(value) for value in cells]) for line, cells in rows]
    finally:
        book.close()


def _read_xls(content: bytes, path: Path, sheet: str | None) -> list[tuple[int, list[str]]]:
    """Read a workbook of Excel 97-2003."""
    import xlrd

    try:
        book = xlrd.open_workbook(file_contents=content, on_demand=True)
    except (xlrd.XLRDError, xlrd.compdoc.CompDocError, AssertionError, IndexError) as error:
        raise ReadError(
            f"Fichier « {path.name} » : classeur illisible ou protégé ; enregistrez-le sans mot de passe."
        ) from error
    table = book.sheet_by_name(_choose_sheet(book.sheet_names(), sheet, path))
    return [(row + 1, [_as_text(value) for value in table.row_values(row)]) for row in range(table.nrows)]


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
