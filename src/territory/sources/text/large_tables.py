"""Large text tables read line by line: a few columns and the rows wanted, in little memory."""

from __future__ import annotations

import codecs
import csv
import gzip
import io
from collections.abc import Callable, Iterator, Sequence
from itertools import count
from pathlib import Path

import pandas as pd

from territory.errors import examples
from territory.sources.text.refusals import cut_archive, fault
from territory.sources.text.tables import (
    MAX_LINE_CHARACTERS,
    decode,
    guess_separator,
    line_too_long,
    open_bytes,
    trim,
)

_CHUNK_BYTES = 4_000_000
_SAMPLE_CHARACTERS = 200_000


class TableStream:
    """A text table of any length: its titles at once, its rows one after the other."""

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.encoding = _tell_encoding(self.path)
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
            except (EOFError, gzip.BadGzipFile) as error:
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
    path: str | Path,
    columns: Sequence[str],
    *,
    keep: Callable[[list[str]], bool] | None = None,
    stream: TableStream | None = None,
) -> pd.DataFrame:
    """Read some columns of a large text table, and of its rows those that are wanted."""
    stream = stream or TableStream(path)
    lines: list[int] = []
    kept: list[list[str]] = []
    for line, cells in stream.rows(columns):
        if keep is None or keep(cells):
            lines.append(line)
            kept.append(cells)
    index = pd.Index(lines, name="line", dtype="int64")
    return pd.DataFrame(kept, columns=pd.Index(columns, dtype=str), index=index, dtype=str)


def _tell_encoding(path: Path) -> str:
    """Return the encoding of a file: its mark's, UTF-8, or Windows-1252."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        with open_bytes(path) as file:
            start = chunk = file.read(_CHUNK_BYTES)
            if start.startswith((b"\xff\xfe", b"\xfe\xff")):
                return "utf-16"
            if b"\x00" in start:
                # says where, as for any other text
                decode(start, path)
            while chunk:
                decoder.decode(chunk)
                chunk = file.read(_CHUNK_BYTES)
            decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        # every byte is a letter, or nearly: what is none is seen when its line is read
        return "cp1252"
    except (EOFError, gzip.BadGzipFile) as error:
        raise cut_archive(path) from error
    return "utf-8-sig" if start.startswith(b"\xef\xbb\xbf") else "utf-8"


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
