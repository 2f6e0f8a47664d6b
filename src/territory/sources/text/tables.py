"""One careful reader of tables (CSV, Excel) whose encoding, separator and decimal mark are not known."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import IO, TYPE_CHECKING, cast

from territory.errors import MissingFileError, Problems, ReadError, agree, examples
from territory.sources.text.encodings import decode, split
from territory.sources.text.workbooks import read_workbook

if TYPE_CHECKING:
    import pandas as pd

# what producers write in a cell that holds no number
UNKNOWN_CELLS = ("", "NA", "N/A", "ND", "NC", "s", "nd", "nc", "NaN", "nan", "-")
# an official national file stays well under it; beyond, a broken or hostile file
MAX_BYTES = 2_000_000_000
_CHUNK_BYTES = 1 << 20
_EXCEL = (".xlsx", ".xlsm", ".xls")


def read_table(
    path: str | Path,
    *,
    encoding: str | None = None,
    separator: str | None = None,
    sheet: str | None = None,
    header: Sequence[str] = (),
) -> pd.DataFrame:
    r"""Read a CSV or Excel table as text, telling its encoding and separator from its content.

    Every cell stays text, so that codes keep their leading zeros; use `to_numbers` for the columns that
    count. Files compressed with gzip (`.gz`) are read too.

    Parameters
    ----------
    path
        File to read: text with a separator, `.xlsx` or `.xls`.
    encoding
        Encoding of a text file; without it, the byte order mark is believed, then UTF-8 is tried, then
        Windows-1252 (a superset of the Latin-1 letters).
    separator
        One of `;`, `,`, tabulation and `|`; without it, the one that cuts all lines alike.
    sheet
        Sheet of a workbook; without it, the first.
    header
        Names that the line of titles holds: lines above it (a title, a source) are skipped. Without it,
        the first line that is not empty holds the titles.

    Returns
    -------
    DataFrame
        One column of text per column of the file, empty cells as empty text; the index, `line`, is the
        number of the line in the file (of its first line, for a cell on several lines).

    Raises
    ------
    MissingFileError
        If there is no file of this name.
    ReadError
        If the file holds no data, if its encoding or separator cannot be told, if lines have not as many
        cells as the titles, or if titles are repeated: the message names the lines and says what to do.

    Examples
    --------
    >>> import tempfile
    >>> folder = tempfile.TemporaryDirectory()
    >>> path = Path(folder.name) / "places.csv"
    >>> _ = path.write_bytes("commune;accueil;places\n01004;journée;12,5\n".encode("latin-1"))
    >>> read_table(path).loc[2].to_list()
    ['01004', 'journée', '12,5']
    >>> folder.cleanup()
    """
    import pandas as pd

    path = Path(path)
    content = read_bytes(path)
    if _bare_suffix(path) in _EXCEL:
        rows = read_workbook(content, path, sheet=sheet)
    else:
        rows = split(decode(content, path, encoding=encoding), path, separator=separator, skips=bool(header))
    rows = [(line, cells) for line, cells in rows if any(cell.strip() for cell in cells)]
    if not rows:
        raise ReadError(f"Fichier « {path.name} » : il est vide.")
    start = _find_header(rows, header, path)
    titles = [cell.strip() for cell in rows[start][1]]
    while titles and not titles[-1]:
        titles.pop()
    body = [(line, _trim(cells, len(titles))) for line, cells in rows[start + 1 :]]
    _check_shape(titles, body, path)
    if not body:
        raise ReadError(f"Fichier « {path.name} » : il n'a que sa ligne de titres, aucune donnée.")
    return pd.DataFrame(
        [cells for _, cells in body],
        columns=pd.Index(titles, dtype=str),
        index=pd.Index([line for line, _ in body], name="line", dtype="int64"),
        dtype=str,
    )


def require_columns(frame: pd.DataFrame, names: Sequence[str], *, path: str | Path) -> None:
    """Check that a table just read has the columns that a reader needs.

    Parameters
    ----------
    frame
        Table from `read_table`.
    names
        Titles that must be there, as the producer writes them.
    path
        File it came from, for the message.

    Raises
    ------
    ReadError
        With every absent title, and the closest title of the file for each.

    Examples
    --------
    >>> import pandas as pd
    >>> require_columns(pd.DataFrame(columns=["COM", "PMUN"]), ["COM", "PTOT"], path="pop.csv")
    Traceback (most recent call last):
    territory.errors.ReadError: Fichier « pop.csv » : 1 problème.
    - colonne « PTOT » absente (colonnes présentes : COM, PMUN)
    """
    problems = Problems(f"Fichier « {Path(path).name} »", ReadError)
    present = [str(column) for column in frame.columns]
    for name in names:
        if name in present:
            continue
        close = get_close_matches(name, present, n=1, cutoff=0.6)
        hint = (
            f"vouliez-vous dire « {close[0]} » ?"
            if close
            else f"colonnes présentes : {examples(present, most=8)}"
        )
        problems.add(f"colonne « {name} » absente ({hint})")
    problems.raise_if_any()


def read_bytes(path: Path) -> bytes:
    """Return the content of a file, unpacked when it is compressed with gzip (`.gz`).

    Examples
    --------
    >>> import tempfile
    >>> folder = tempfile.TemporaryDirectory()
    >>> path = Path(folder.name) / "a.csv.gz"
    >>> _ = path.write_bytes(gzip.compress(b"COM"))
    >>> read_bytes(path)
    b'COM'
    >>> folder.cleanup()
    """
    if not path.is_file():
        raise MissingFileError(f"Fichier introuvable : « {path} ». Vérifiez son nom et son dossier.")
    try:
        if path.suffix == ".gz":
            with gzip.open(path) as file:
                return _read_up_to(cast(IO[bytes], file), path)
        with path.open("rb") as file:
            return _read_up_to(file, path)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise ReadError(
            f"Fichier « {path.name} » : archive illisible ou tronquée ; téléchargez-la de nouveau."
        ) from error


def _read_up_to(file: IO[bytes], path: Path) -> bytes:
    """Return the content of a file, in memory that grows with it and not with the most that is allowed."""
    content = bytearray()
    while chunk := file.read(_CHUNK_BYTES):
        content += chunk
        if len(content) > MAX_BYTES:
            raise ReadError(
                f"Fichier « {path.name} » : plus de {MAX_BYTES / 1e9:g} Go une fois lu, ce n'est pas un tableau "
                "attendu."
            )
    return bytes(content)


def _bare_suffix(path: Path) -> str:
    """Return the suffix of a file, without the one of its compression."""
    return Path(path.stem).suffix.lower() if path.suffix == ".gz" else path.suffix.lower()


def _find_header(rows: Sequence[tuple[int, list[str]]], header: Sequence[str], path: Path) -> int:
    """Return the position of the row of titles."""
    if not header:
        return 0
    for position, (_, cells) in enumerate(rows[:60]):
        titles = {cell.strip() for cell in cells}
        if all(name in titles for name in header):
            return position
    raise ReadError(
        f"Fichier « {path.name} » : ligne de titres introuvable (elle doit contenir {', '.join(header)}) ; "
        f"première ligne lue : {examples([cell for cell in rows[0][1] if cell.strip()], most=8)}."
    )


def _trim(cells: list[str], width: int) -> list[str]:
    """Drop empty cells after the last title (a separator at the end of lines)."""
    while len(cells) > width and not cells[-1].strip():
        cells = cells[:-1]
    return cells


def _check_shape(titles: Sequence[str], body: Sequence[tuple[int, list[str]]], path: Path) -> None:
    """Report repeated or empty titles, and lines that have not as many cells as the titles."""
    problems = Problems(f"Fichier « {path.name} »", ReadError)
    repeated = sorted({title for title in titles if title and titles.count(title) > 1})
    if repeated:
        problems.add(f"titres de colonne en double : {examples(repeated)}")
    unnamed = [position + 1 for position, title in enumerate(titles) if not title]
    if unnamed:
        problems.add(f"colonnes sans titre : n° {examples(unnamed)}")
    uneven = [(line, len(cells)) for line, cells in body if len(cells) != len(titles)]
    if uneven:
        shown = examples(f"ligne {line} : {count}" for line, count in uneven)
        count = agree(len(uneven), "ligne(s) (n'a|n'ont) pas")
        problems.add(f"{count} {len(titles)} colonnes ({shown})")
    problems.raise_if_any()
