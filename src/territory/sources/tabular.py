"""One careful reader of tables (CSV, Excel) whose encoding, separator and decimal mark are not known."""

from __future__ import annotations

import csv
import gzip
import io
import re
from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING

from territory.errors import MissingFileError, Problems, ReadError, examples
from territory.sources.workbooks import read_workbook

if TYPE_CHECKING:
    import pandas as pd

SEPARATORS = (";", ",", "\t", "|")
# what producers write in a cell that holds no number
UNKNOWN_CELLS = ("", "NA", "N/A", "ND", "NC", "s", "nd", "nc", "NaN", "nan", "-")
# an official national file stays well under it; beyond, a broken or hostile file
MAX_BYTES = 2_000_000_000
MAX_LINE_CHARACTERS = 1_000_000
_SAMPLE_LINES = 200
_NAMES = {";": "point-virgule", ",": "virgule", "\t": "tabulation", "|": "barre verticale"}
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
        If the file is empty, if its encoding or separator cannot be told, if lines have not as many cells
        as the titles, or if titles are repeated: the message names the lines and says what to do.

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
    content = _read_bytes(path)
    if _bare_suffix(path) in _EXCEL:
        rows = read_workbook(content, path, sheet=sheet)
    else:
        text = _decode(content, path, encoding)
        rows = _split(text, path, separator)
    rows = [(line, cells) for line, cells in rows if any(cell.strip() for cell in cells)]
    if not rows:
        raise ReadError(f"Fichier « {path.name} » : il est vide.")
    start = _find_header(rows, header, path)
    titles = [cell.strip() for cell in rows[start][1]]
    while titles and not titles[-1]:
        titles.pop()
    body = [(line, _trim(cells, len(titles))) for line, cells in rows[start + 1 :]]
    _check_shape(titles, body, path)
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


def _read_bytes(path: Path) -> bytes:
    """Return the content of a file, unpacked when it is compressed."""
    if not path.is_file():
        raise MissingFileError(f"Fichier introuvable : « {path} ». Vérifiez son nom et son dossier.")
    try:
        if path.suffix == ".gz":
            with gzip.open(path) as file:
                content = file.read(MAX_BYTES + 1)
        else:
            with path.open("rb") as file:
                content = file.read(MAX_BYTES + 1)
    except (gzip.BadGzipFile, EOFError) as error:
        raise ReadError(
            f"Fichier « {path.name} » : archive illisible ou tronquée ; téléchargez-la de nouveau."
        ) from error
    if len(content) > MAX_BYTES:
        raise ReadError(
            f"Fichier « {path.name} » : plus de {MAX_BYTES / 1e9:g} Go une fois lu, ce n'est pas un tableau attendu."
        )
    return content


def _bare_suffix(path: Path) -> str:
    """Return the suffix of a file, without the one of its compression."""
    return Path(path.stem).suffix.lower() if path.suffix == ".gz" else path.suffix.lower()


def _decode(content: bytes, path: Path, encoding: str | None) -> str:
    """Return the text of a file, or say where its encoding cannot be told."""
    subject = f"Fichier « {path.name} »"
    advice = "enregistrez-le en UTF-8, ou précisez encoding="
    for mark, name in ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16")):
        if encoding is None and content.startswith(mark):
            encoding = name
    if encoding is not None:
        try:
            return content.decode(encoding)
        except LookupError as error:
            raise ReadError(f"{subject} : encodage inconnu « {encoding} ».") from error
        except UnicodeDecodeError as error:
            raise ReadError(
                f"{subject}, ligne {_line_of(content, error.start)} : octet illisible en {encoding} ; {advice}"
                f"{'' if encoding.startswith('utf-16') else '.'}"
            ) from error
    if b"\x00" in content:
        line = _line_of(content, content.index(b"\x00"))
        raise ReadError(
            f"{subject}, ligne {line} : octet nul, ce n'est pas un texte lisible (UTF-16 sans marque ?) ; {advice}."
        )
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        not_utf8 = error.start
    try:
        text = content.decode("cp1252")
    except UnicodeDecodeError as error:
        raise ReadError(
            f"{subject}, ligne {_line_of(content, error.start)} : octet illisible en UTF-8 comme en Latin-1 ; {advice}."
        ) from error
    # é, è, à written in UTF-8 and read as Windows-1252: the file mixes both
    mixed = re.search("Ã[\x80-\xff€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ]", text)
    if mixed:
        raise ReadError(
            f"{subject} : encodages mélangés, UTF-8 à la ligne {text.count(chr(10), 0, mixed.start()) + 1} "
            f"et Latin-1 à la ligne {_line_of(content, not_utf8)} ; {advice}."
        )
    return text


def _line_of(content: bytes, position: int) -> int:
    """Return the number of the line that holds a byte."""
    return content.count(b"\n", 0, position) + 1


def _split(text: str, path: Path, separator: str | None) -> list[tuple[int, list[str]]]:
    """Cut a text into numbered rows of cells."""
    chosen = separator or _guess_separator(text, path)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=chosen, strict=True)
    rows: list[tuple[int, list[str]]] = []
    line = 1
    limit = csv.field_size_limit(MAX_LINE_CHARACTERS)
    try:
        for cells in reader:
            rows.append((line, cells))
            line = reader.line_num + 1
    except csv.Error as error:
        raise ReadError(
            f"Fichier « {path.name} », ligne {line} : guillemet mal fermé ou cellule de plus de "
            f"{MAX_LINE_CHARACTERS} caractères ; corrigez cette ligne."
        ) from error
    finally:
        csv.field_size_limit(limit)
    return rows


def _guess_separator(text: str, path: Path) -> str:
    """Return the separator that cuts the first lines into the same number of cells."""
    lines = []
    for line in io.StringIO(text[: MAX_LINE_CHARACTERS + 1]):
        lines.append(line)
        if len(lines) == _SAMPLE_LINES:
            break
    # the last line of a cut sample may be cut as well
    if len(text) > MAX_LINE_CHARACTERS and len(lines) > 1 and len(lines) < _SAMPLE_LINES:
        lines.pop()
    scores = {}
    for candidate in SEPARATORS:
        counts = _cell_counts(lines, candidate)
        if counts:
            most = max(set(counts), key=counts.count)
            if most > 1:
                scores[candidate] = (counts.count(most) / len(counts), most)
    if not scores:
        return ";"
    best = max(score for score, _ in scores.values())
    kept = [candidate for candidate, (score, _) in scores.items() if score == best]
    # decimal commas cut alike only by accident: the titles decide
    if len(kept) > 1:
        first = next(line for line in lines if line.strip())
        kept = [
            candidate
            for candidate in kept
            if len(_cell_counts([first], candidate)) and first.count(candidate)
        ]
    if len(kept) != 1:
        names = " ou ".join(_NAMES[candidate] for candidate in (kept or scores))
        raise ReadError(
            f"Fichier « {path.name} » : séparateur de colonnes indécidable ({names}) ; précisez separator=."
        )
    return kept[0]


def _cell_counts(lines: Sequence[str], separator: str) -> list[int]:
    """Return the number of cells of each line that is not empty."""
    try:
        rows = list(csv.reader(lines, delimiter=separator))
    except csv.Error:
        return []
    return [len(row) for row in rows if any(cell.strip() for cell in row)]


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
        problems.add(
            f"{len(uneven)} ligne{'s' if len(uneven) > 1 else ''} n'ont pas {len(titles)} colonnes ({shown})"
            if len(uneven) > 1
            else f"1 ligne n'a pas {len(titles)} colonnes ({shown})"
        )
    problems.raise_if_any()
