"""Large text tables read line by line: a few columns and the rows wanted, in little memory."""

from __future__ import annotations

import codecs
import csv
import gzip
import io
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING

from territory.errors import MissingFileError, ReadError, examples
from territory.sources.text.tables import MAX_LINE_CHARACTERS, decode, guess_separator

if TYPE_CHECKING:
    import pandas as pd

_CHUNK_BYTES = 4_000_000
_SAMPLE_CHARACTERS = 200_000


class TableStream:
    """A text table of any length: its titles at once, its rows one after the other."""

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        if not self.path.is_file():
            raise MissingFileError(f"Fichier introuvable : « {self.path} ». Vérifiez son nom et son dossier.")
        self.encoding = _tell_encoding(self.path)
        sample = self._sample()
        if not sample.strip():
            raise ReadError(f"Fichier « {self.path.name} » : il est vide.")
        self.separator = guess_separator(sample, self.path)
        _, first = next(self._all_rows(), (0, []))
        if not first:
            raise ReadError(f"Fichier « {self.path.name} » : il n'a pas de ligne de titres.")
        self.titles = [cell.strip() for cell in first]
        while self.titles and not self.titles[-1]:
            self.titles.pop()
        repeated = sorted({title for title in self.titles if self.titles.count(title) > 1})
        if repeated:
            raise ReadError(
                f"Fichier « {self.path.name} » : titres de colonne en double : {examples(repeated)}."
            )

    def rows(self, names: Sequence[str]) -> Iterator[tuple[int, list[str]]]:
        """Return the cells of some columns, row by row, each with its line in the file."""
        positions = [self.titles.index(name) for name in names]
        width = len(self.titles)
        rows = self._all_rows()
        next(rows)
        line = 1
        for line, cells in rows:
            if len(cells) != width:
                while len(cells) > width and not cells[-1].strip():
                    cells.pop()
                if len(cells) != width:
                    raise ReadError(
                        f"Fichier « {self.path.name} », ligne {line} : {len(cells)} cellules au lieu de {width} ; "
                        "corrigez cette ligne."
                    )
            yield line, [cells[position] for position in positions]
        if line == 1:
            raise ReadError(f"Fichier « {self.path.name} » : il n'a que sa ligne de titres, aucune donnée.")

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
                raise ReadError(
                    f"Fichier « {self.path.name} », ligne {line} : guillemet mal fermé ou mal placé, ou cellule "
                    "démesurée ; corrigez cette ligne."
                ) from error
            except (EOFError, gzip.BadGzipFile) as error:
                raise ReadError(
                    f"Fichier « {self.path.name} » : archive illisible ou tronquée ; téléchargez-la de nouveau."
                ) from error

    def _sample(self) -> str:
        """Return the beginning of the file, up to the end of a line."""
        with open_bytes(self.path) as raw:
            text = io.TextIOWrapper(raw, encoding=self.encoding, newline="")
            return "".join(_until(_lines(text, self.path), _SAMPLE_CHARACTERS))


def read_columns(
    path: str | Path,
    columns: Sequence[str],
    *,
    keep: Callable[[list[str]], bool] | None = None,
    stream: TableStream | None = None,
) -> pd.DataFrame:
    """Read some columns of a large text table, and of its rows those that are wanted."""
    import pandas as pd

    stream = stream or TableStream(path)
    lines: list[int] = []
    kept: list[list[str]] = []
    for line, cells in stream.rows(columns):
        if keep is None or keep(cells):
            lines.append(line)
            kept.append(cells)
    index = pd.Index(lines, name="line", dtype="int64")
    return pd.DataFrame(kept, columns=pd.Index(columns, dtype=str), index=index, dtype=str)


def open_bytes(path: Path) -> IO[bytes]:
    """Open a file for reading, unpacked when its name ends with `.gz`."""
    return gzip.open(path) if path.suffix == ".gz" else path.open("rb")  # type: ignore[return-value]


def _tell_encoding(path: Path) -> str:
    """Return the encoding of a file: its mark's, UTF-8, or Windows-1252."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        with open_bytes(path) as file:
            start = file.read(_CHUNK_BYTES)
            if start.startswith((b"\xff\xfe", b"\xfe\xff")):
                return "utf-16"
            if b"\x00" in start:
                # says where, as for any other text
                decode(start, path)
            chunk = start
            while chunk:
                decoder.decode(chunk)
                chunk = file.read(_CHUNK_BYTES)
            decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        # every byte is a letter, or nearly: what is none is seen when its line is read
        return "cp1252"
    except (EOFError, gzip.BadGzipFile) as error:
        raise ReadError(
            f"Fichier « {path.name} » : archive illisible ou tronquée ; téléchargez-la de nouveau."
        ) from error
    return "utf-8-sig" if start.startswith(b"\xef\xbb\xbf") else "utf-8"


def _lines(text: io.TextIOWrapper, path: Path) -> Iterator[str]:
    """Return lines, and refuse one that no table has before it fills the memory."""
    number = 0
    while True:
        number += 1
        try:
            line = text.readline(MAX_LINE_CHARACTERS + 1)
        except UnicodeDecodeError as error:
            raise ReadError(
                f"Fichier « {path.name} », vers la ligne {number} : caractère illisible en UTF-8 comme en Latin-1 ; "
                "enregistrez-le en UTF-8."
            ) from error
        if not line:
            return
        if len(line) > MAX_LINE_CHARACTERS:
            raise ReadError(
                f"Fichier « {path.name} », ligne {number} : plus de {MAX_LINE_CHARACTERS} caractères sur une seule "
                "ligne, ce n'est pas un tableau lisible ; vérifiez qu'il a bien des fins de ligne."
            )
        yield line


def _until(lines: Iterator[str], characters: int) -> Iterator[str]:
    """Return the first lines, up to a number of characters."""
    for line in lines:
        yield line
        characters -= len(line)
        if characters < 0:
            return
