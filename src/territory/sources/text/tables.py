"""One careful reader of tables (CSV, Excel) whose form is not known; large text tables, line by line."""

import codecs
import csv
import gzip
import io
import re
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from difflib import get_close_matches
from itertools import count, islice
from pathlib import Path
from typing import IO, cast

import pandas as pd

from territory.errors import MissingFileError, Problems, ReadError, agree, examples, warn
from territory.sources.text.refusals import cut_archive, fault
from territory.sources.text.workbooks import WORKBOOKS, read_workbook

SEPARATORS = (";", ",", "\t", "|")
MAX_LINE_CHARACTERS = 1_000_000
_SAMPLE_LINES = 200
_NAMES = {";": "point-virgule", ",": "virgule", "\t": "tabulation", "|": "barre verticale"}
_MARKS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
# é, è, à… written in UTF-8 and read as Windows-1252
_UTF8_AS_1252 = re.compile("Ã[\x80-\xbf€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ]")
_ADVICE = "enregistrez-le en UTF-8"
# what producers write in a cell that holds no number
UNKNOWN_CELLS = ("", "NA", "N/A", "ND", "NC", "s", "nd", "nc", "NaN", "nan", "-")
# an official national file stays well under it; beyond, a broken or hostile file
MAX_BYTES = 2_000_000_000
_CHUNK_BYTES = 1 << 20


def decode(content: bytes, path: Path) -> str:
    """Return the text of a file, or say where its encoding cannot be told."""
    chosen = next((name for mark, name in _MARKS if content.startswith(mark)), None)
    if chosen is not None:
        try:
            return content.decode(chosen)
        except UnicodeDecodeError as error:
            # python counts from after the mark
            start = error.start + 3 * (chosen == "utf-8-sig")
            raise _unreadable(content, start, path, f" illisible en {chosen}") from error
    if b"\x00" in content:
        said = " : ce n'est pas un texte (UTF-16 sans marque ?)"
        raise _unreadable(content, content.index(b"\x00"), path, said)
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        not_utf8 = error.start
    try:
        text = content.decode("cp1252")
    except UnicodeDecodeError as error:
        raise _unreadable(content, error.start, path, " illisible en UTF-8 comme en Latin-1") from error
    if not _UTF8_AS_1252.search(text):
        return text
    lines = [_line(line) for line in content.splitlines(keepends=True)]
    old = sum(is_old for _, is_old in lines)
    said = agree(old, "ligne(s) en Windows-1252 dans un fichier en UTF-8, lue(s)")
    warn(f"Fichier « {path.name} », {_place(content, not_utf8)}, encodages mélangés : {said} comme telles.")
    return "".join(line for line, _ in lines)


def _line(line: bytes) -> tuple[str, bool]:
    """Return the text of one line, and whether it is in Windows-1252."""
    try:
        return line.decode("utf-8"), False
    except UnicodeDecodeError:
        return line.decode("cp1252"), True


def _unreadable(content: bytes, position: int, path: Path, said: str) -> ReadError:
    """Return the refusal of a byte, with its place."""
    return ReadError(f"Fichier « {path.name} », {_place(content, position)}{said} ; {_ADVICE}")


def split(
    text: str, path: Path, *, separator: str | None = None, skips: bool = False
) -> list[tuple[int, list[str]]]:
    """Cut a text into rows of cells, each with the number of its first line."""
    # a line that no table has is refused before cutting it takes all the memory
    for number, line in enumerate(io.StringIO(text, newline=""), start=1):
        if len(line) > MAX_LINE_CHARACTERS:
            raise line_too_long(path, number, f"{len(line)} caractères")
    named = re.match("sep=([;,\t|])\r?\n", text)
    chosen = separator or (named.group(1) if named else guess_separator(text, path, skips=skips))
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=chosen, strict=True)
    rows: list[tuple[int, list[str]]] = []
    line_number = 1
    limit = csv.field_size_limit(MAX_LINE_CHARACTERS)
    try:
        for cells in reader:
            rows.append((line_number, cells))
            line_number = reader.line_num + 1
    except csv.Error as error:
        said = "guillemet mal fermé ou mal placé ; corrigez cette ligne."
        raise fault(path, said, place=f", ligne {line_number}") from error
    finally:
        csv.field_size_limit(limit)
    return rows[1:] if named else rows


def line_too_long(path: Path, number: int, count: str) -> ReadError:
    """Return the refusal of a line that no table has."""
    said = "ce n'est pas un tableau lisible ; vérifiez qu'il a bien des fins de ligne."
    return fault(path, f"{count} sur une seule ligne, {said}", place=f", ligne {number}")


def _place(content: bytes, position: int) -> str:
    """Return the line of a byte and its place in it, in words."""
    line = content.count(b"\n", 0, position) + 1
    column = position - content.rfind(b"\n", 0, position)
    return f"ligne {line}, position {column} : octet {content[position]:#04x}"


def guess_separator(text: str, path: Path, *, skips: bool = False) -> str:
    """Return the separator that cuts the first lines into the same number of cells."""
    filled = (line for line in io.StringIO(text, newline="") if line.strip())
    lines = list(islice(filled, _SAMPLE_LINES))
    scores = {}
    for candidate in SEPARATORS:
        counts: list[int] = []
        with suppress(csv.Error):
            counts = [len(row) for row in csv.reader(lines, delimiter=candidate) if row]
        most = max(sorted(set(counts)), key=counts.count, default=1)
        # without titles above, the first line is cut like the others
        if most > 1 and (skips or counts[0] == most):
            scores[candidate] = counts.count(most) / len(counts)
    best = [candidate for candidate, score in scores.items() if score == max(scores.values())]
    if len(best) > 1:
        names = " ou ".join(_NAMES[candidate] for candidate in best)
        raise fault(path, f"séparateur indécidable ({names}) ; ajoutez « sep=; » en première ligne.")
    # a table of one column has no separator
    return best[0] if best else ";"


def read_table(path: str | Path, *, sheet: str | None = None, header: Sequence[str] = ()) -> pd.DataFrame:
    """Read a CSV or Excel table as text, telling its encoding and separator from its content.

    Every cell stays text, so that codes keep their leading zeros; a byte order mark is believed, then UTF-8
    is tried, then Windows-1252; the separator is the one that cuts all lines alike. `header` names what the line of
    titles holds: lines above it are skipped; without it the first line that is not empty holds them. The index,
    `line`, is the number of the line in the file.
    """
    path = Path(path)
    content = read_bytes(path)
    name = path.stem if path.suffix.lower() == ".gz" else path.name
    if name.lower().endswith(WORKBOOKS):
        rows = read_workbook(content, path, sheet=sheet)
    else:
        rows = split(decode(content, path), path, skips=bool(header))
    rows = [(line, cells) for line, cells in rows if any(cell.strip() for cell in cells)]
    if not rows:
        raise fault(path, "il est vide.")
    start = _find_header(rows, header, path)
    titles = trim([cell.strip() for cell in rows[start][1]])
    body = [(line, trim(cells, len(titles))) for line, cells in rows[start + 1 :]]
    problems = Problems(f"Fichier « {path.name} »", ReadError)
    if repeated := sorted({title for title in titles if title and titles.count(title) > 1}):
        problems.add(f"titres de colonne en double : {examples(repeated)}")
    if unnamed := [position + 1 for position, title in enumerate(titles) if not title]:
        problems.add(f"colonnes sans titre : n° {examples(unnamed)}")
    if uneven := [f"ligne {line} : {len(cells)}" for line, cells in body if len(cells) != len(titles)]:
        said = agree(len(uneven), "ligne(s) (n'a|n'ont) pas")
        problems.add(f"{said} {len(titles)} colonnes ({examples(uneven)})")
    problems.raise_if_any()
    if not body:
        raise fault(path, "il n'a que sa ligne de titres, aucune donnée.")
    if lost := [line for line, cells in body if any("\ufffd" in cell for cell in cells)]:
        said = agree(len(lost), "ligne(s) (a un caractère perdu|ont des caractères perdus)")
        warn(
            f"Fichier « {path.name} » : {said} (« \ufffd », ligne {examples(lost)}), par un ancien enregistrement."
        )
    return _as_table([line for line, _ in body], [cells for _, cells in body], titles)


def _as_table(lines: list[int], rows: list[list[str]], titles: Sequence[str]) -> pd.DataFrame:
    """Return rows of cells as a table of text, on the number of their line."""
    index = pd.Index(lines, name="line", dtype="int64")
    return pd.DataFrame(rows, columns=pd.Index(titles, dtype=str), index=index, dtype=str)


def require_columns(frame: pd.DataFrame, names: Sequence[str], *, path: str | Path) -> None:
    """Refuse a table that has not every title that a reader needs, with the closest title of the file for each."""
    problems = Problems(f"Fichier « {Path(path).name} »", ReadError)
    present = [str(column) for column in frame.columns]
    listed = f"colonnes présentes : {examples(present, most=8)}"
    for name in names:
        if name not in present:
            close = get_close_matches(name, present, n=1, cutoff=0.6)
            near = f"vouliez-vous dire « {close[0]} » ?" if close else listed
            problems.add(f"colonne « {name} » absente ({near})")
    problems.raise_if_any()


def read_bytes(path: Path) -> bytes:
    """Return the content of a file, unpacked when it is compressed with gzip (`.gz`)."""
    content = bytearray()
    try:
        with open_bytes(path) as file:
            # in memory that grows with the file and not with the most that is allowed
            while chunk := file.read(_CHUNK_BYTES):
                content += chunk
                if len(content) > MAX_BYTES:
                    said = f"plus de {MAX_BYTES / 1e9:g} Go une fois lu, ce n'est pas un tableau attendu."
                    raise fault(path, said)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise cut_archive(path) from error
    return bytes(content)


def open_bytes(path: Path) -> IO[bytes]:
    """Open a file for reading, unpacked when its name ends with `.gz`."""
    if not path.is_file():
        raise MissingFileError(f"Fichier introuvable : « {path} ». Vérifiez son nom et son dossier.")
    return cast(IO[bytes], gzip.open(path)) if path.suffix.lower() == ".gz" else path.open("rb")


def _find_header(rows: Sequence[tuple[int, list[str]]], header: Sequence[str], path: Path) -> int:
    """Return the position of the row of titles."""
    if not header:
        return 0
    for position, (_, cells) in enumerate(rows[:60]):
        if set(header) <= {cell.strip() for cell in cells}:
            return position
    first = examples([cell for cell in rows[0][1] if cell.strip()], most=8)
    said = f"ligne de titres introuvable (elle doit contenir {', '.join(header)})"
    raise fault(path, f"{said} ; première ligne lue : {first}.")


def trim(cells: list[str], width: int = 0) -> list[str]:
    """Drop empty cells after the last title (a separator at the end of lines)."""
    while len(cells) > width and not cells[-1].strip():
        cells = cells[:-1]
    return cells


_BLOCK_BYTES = 4_000_000
_SAMPLE_CHARACTERS = 200_000
# rows, or blocks of a large table, that are told apart at a time; the size from which it is large
_ROWS, _BATCHES = 10_000, 32
_QUICK_FROM_BYTES = 4_000_000


class TableStream:
    """A text table of any length: its titles at once, its rows one after the other."""

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.encoding, self.has_quotes = _tell_encoding(self.path)
        sample = self._sample()
        if not sample.strip():
            raise fault(path, "il est vide.")
        self.separator = guess_separator(sample, self.path)
        _, first = next(self._all_rows(), (0, []))
        if not first:
            raise fault(path, "il n'a pas de ligne de titres.")
        self.titles = trim([cell.strip() for cell in first])
        if repeated := sorted({title for title in self.titles if self.titles.count(title) > 1}):
            raise fault(path, f"titres de colonne en double : {examples(repeated)}.")

    def rows(self, names: Sequence[str]) -> Iterator[tuple[int, list[str]]]:
        """Return the cells of some columns, row by row, each with its line in the file."""
        positions = [self.titles.index(name) for name in names]
        width = len(self.titles)
        rows = self._all_rows()
        next(rows)
        line = 1
        for line, cells in rows:
            if len(cells) != width and len(cells := trim(cells, width)) != width:
                said = f"{len(cells)} cellules au lieu de {width} ; corrigez cette ligne."
                raise fault(self.path, said, place=f", ligne {line}")
            yield line, [cells[position] for position in positions]
        if line == 1:
            raise fault(self.path, "il n'a que sa ligne de titres, aucune donnée.")

    def _all_rows(self) -> Iterator[tuple[int, list[str]]]:
        """Return every row that is not empty, titles included."""
        with open_bytes(self.path) as raw:
            text = io.TextIOWrapper(raw, encoding=self.encoding, newline="")
            reader = csv.reader(_lines(text, self.path), delimiter=self.separator, strict=True)
            line = 1
            try:
                for cells in reader:
                    if any(cell.strip() for cell in cells):
                        yield line, cells
                    line = reader.line_num + 1
            except csv.Error as error:
                said = "guillemet mal fermé ou mal placé, ou cellule démesurée ; corrigez cette ligne."
                raise fault(self.path, said, place=f", ligne {line}") from error
            except (EOFError, gzip.BadGzipFile, zlib.error) as error:
                raise cut_archive(self.path) from error

    def _sample(self) -> str:
        """Return the beginning of the file, up to the end of a line."""
        with open_bytes(self.path) as raw:
            text = io.TextIOWrapper(raw, encoding=self.encoding, newline="")
            sample, size = [], 0
            for line in _lines(text, self.path):
                sample.append(line)
                size += len(line)
                if size > _SAMPLE_CHARACTERS:
                    break
            return "".join(sample)


def read_columns(
    stream: TableStream,
    columns: Sequence[str],
    *,
    keep: Callable[[pd.DataFrame], pd.Series] | None = None,
) -> pd.DataFrame:
    """Read some columns of a large text table, and of its rows those that are wanted, told some thousands at a time."""

    def wanted(parts: Iterable[pd.DataFrame]) -> list[pd.DataFrame]:
        return [part if keep is None else part[keep(part)] for part in parts]

    kept: list[pd.DataFrame] = []
    if not stream.has_quotes and stream.path.stat().st_size > _QUICK_FROM_BYTES:
        # the other way says what is wrong, and where
        with suppress(Exception):
            kept = wanted(_quick_parts(stream, columns))
    kept = kept or wanted(_parts(stream, columns))
    return pd.concat(kept)


def _parts(stream: TableStream, columns: Sequence[str]) -> Iterator[pd.DataFrame]:
    """Return some columns, some thousand rows at a time."""
    rows = stream.rows(columns)
    while batch := list(islice(rows, _ROWS)):
        yield _as_table([line for line, _ in batch], [cells for _, cells in batch], columns)


def _quick_parts(stream: TableStream, columns: Sequence[str]) -> Iterator[pd.DataFrame]:
    """Return the same ten times faster; fail where a line is empty, very long or not as wide as the others."""
    import pyarrow as pa
    from pyarrow import csv as arrow

    encoding = "utf8" if stream.encoding == "utf-8-sig" else stream.encoding
    reading = arrow.ReadOptions(use_threads=False, block_size=csv.field_size_limit(), encoding=encoding)
    parsing = arrow.ParseOptions(delimiter=stream.separator, quote_char=False, ignore_empty_lines=False)
    texts = dict.fromkeys(columns, pa.string())
    kinds = arrow.ConvertOptions(column_types=texts, include_columns=list(columns))
    with open_bytes(stream.path) as raw:
        batches = arrow.open_csv(raw, reading, parsing, kinds)
        line = 2
        while some := list(islice(batches, _BATCHES)):
            part = pa.Table.from_batches(some).to_pandas()
            if (part == "").all(axis=1).any():
                raise ValueError("a row may be empty")
            index = pd.RangeIndex(line, line + len(part), name="line")
            line += len(part)
            yield part.set_axis(index, axis=0).set_axis(pd.Index(columns, dtype=str), axis=1)


def _tell_encoding(path: Path) -> tuple[str, bool]:
    """Return the encoding of a file (its mark's, UTF-8, or Windows-1252), and whether quotes may be in it."""
    decoder, has_quotes = codecs.getincrementaldecoder("utf-8")(), False
    try:
        with open_bytes(path) as file:
            start = chunk = file.read(_BLOCK_BYTES)
            if start.startswith((b"\xff\xfe", b"\xfe\xff")):
                return "utf-16", True
            if b"\x00" in start:
                # says where, as for any other text
                decode(start, path)
            while chunk:
                has_quotes = has_quotes or b'"' in chunk
                decoder.decode(chunk)
                chunk = file.read(_BLOCK_BYTES)
            decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        # every byte is a letter, or nearly: what is none is seen when its line is read
        return "cp1252", True
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise cut_archive(path) from error
    return "utf-8-sig" if start.startswith(b"\xef\xbb\xbf") else "utf-8", has_quotes


def _lines(text: io.TextIOWrapper, path: Path) -> Iterator[str]:
    """Return lines, and refuse one that no table has before it fills the memory."""
    for number in count(1):
        try:
            line = text.readline(MAX_LINE_CHARACTERS + 1)
        except UnicodeDecodeError as error:
            said = "caractère illisible en UTF-8 comme en Latin-1 ; enregistrez-le en UTF-8."
            raise fault(path, said, place=f", vers la ligne {number}") from error
        if not line:
            return
        if len(line) > MAX_LINE_CHARACTERS:
            raise line_too_long(path, number, f"plus de {MAX_LINE_CHARACTERS} caractères")
        yield line
