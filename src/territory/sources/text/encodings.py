"""Text files of unknown encoding and separator, cut into numbered rows of cells."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from pathlib import Path

from territory.errors import ParameterError, ReadError

SEPARATORS = (";", ",", "\t", "|")
MAX_LINE_CHARACTERS = 1_000_000
_SAMPLE_LINES = 200
_NAMES = {";": "point-virgule", ",": "virgule", "\t": "tabulation", "|": "barre verticale"}
_MARKS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
# é, è, à… written in UTF-8 and read as Windows-1252
_UTF8_AS_1252 = re.compile("Ã[\x80-\xbf€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ]")
_ADVICE = "enregistrez-le en UTF-8, ou précisez encoding="


def decode(content: bytes, path: Path, *, encoding: str | None = None) -> str:
    r"""Return the text of a file, or say where its encoding cannot be told.

    Examples
    --------
    >>> decode("Hyères".encode("latin-1"), Path("communes.csv"))
    'Hyères'
    """
    subject = f"Fichier « {path.name} »"
    chosen = encoding or next((name for mark, name in _MARKS if content.startswith(mark)), None)
    if chosen is not None:
        try:
            return content.decode(chosen)
        except LookupError as error:
            raise ReadError(f"{subject} : encodage inconnu « {chosen} ».") from error
        except UnicodeDecodeError as error:
            # python counts from after the mark
            marked = chosen == "utf-8-sig" and content.startswith(b"\xef\xbb\xbf")
            place = _place(content, error.start + 3 * marked)
            raise ReadError(f"{subject}, {place} illisible en {chosen} ; {_ADVICE}") from error
    if b"\x00" in content:
        place = _place(content, content.index(b"\x00"))
        raise ReadError(f"{subject}, {place} : ce n'est pas un texte (UTF-16 sans marque ?) ; {_ADVICE}")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        not_utf8 = error.start
    try:
        text = content.decode("cp1252")
    except UnicodeDecodeError as error:
        place = _place(content, error.start)
        raise ReadError(f"{subject}, {place} illisible en UTF-8 comme en Latin-1 ; {_ADVICE}") from error
    mixed = _UTF8_AS_1252.search(text)
    if mixed:
        line = text.count("\n", 0, mixed.start()) + 1
        raise ReadError(
            f"{subject} : encodages mélangés, UTF-8 à la ligne {line} et autre chose à la "
            f"{_place(content, not_utf8)} ; {_ADVICE}"
        )
    return text


def split(
    text: str, path: Path, *, separator: str | None = None, skips: bool = False
) -> list[tuple[int, list[str]]]:
    r"""Cut a text into rows of cells, each with the number of its first line.

    Examples
    --------
    >>> split("code;places\n01004;12,5\n", Path("places.csv"))
    [(1, ['code', 'places']), (2, ['01004', '12,5'])]
    """
    if separator is not None and separator not in SEPARATORS:
        raise ParameterError(
            f"Séparateur « {separator} » inconnu ; possibles : {', '.join(_NAMES.values())}."
        )
    _check_lengths(text, path)
    named = re.match("sep=([;,\t|])\r?\n", text)
    chosen = separator or (named.group(1) if named else guess_separator(text, path, skips=skips))
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
            f"Fichier « {path.name} », ligne {line} : guillemet mal fermé ou mal placé ; corrigez cette ligne."
        ) from error
    finally:
        csv.field_size_limit(limit)
    return rows[1:] if named else rows


def _place(content: bytes, position: int) -> str:
    """Return the line of a byte and its place in it, in words."""
    line = content.count(b"\n", 0, position) + 1
    column = position - content.rfind(b"\n", 0, position)
    return f"ligne {line}, position {column} : octet {content[position]:#04x}"


def _check_lengths(text: str, path: Path) -> None:
    """Refuse a line that no table has, before cutting it takes all the memory."""
    for number, line in enumerate(io.StringIO(text, newline=""), start=1):
        if len(line) > MAX_LINE_CHARACTERS:
            raise ReadError(
                f"Fichier « {path.name} », ligne {number} : {len(line)} caractères sur une seule ligne, ce n'est "
                "pas un tableau lisible ; vérifiez qu'il a bien des fins de ligne."
            )


def guess_separator(text: str, path: Path, *, skips: bool = False) -> str:
    r"""Return the separator that cuts the first lines into the same number of cells.

    Examples
    --------
    >>> guess_separator("code;places\n01004;12,5\n", Path("places.csv"))
    ';'
    """
    lines = []
    for line in io.StringIO(text, newline=""):
        if line.strip():
            lines.append(line)
        if len(lines) == _SAMPLE_LINES:
            break
    scores = {}
    for candidate in SEPARATORS:
        counts = _cell_counts(lines, candidate)
        most = max(sorted(set(counts)), key=counts.count, default=1)
        # without titles above, the first line is cut like the others
        if most > 1 and (skips or counts[0] == most):
            scores[candidate] = counts.count(most) / len(counts)
    best = [candidate for candidate, score in scores.items() if score == max(scores.values())]
    if len(best) > 1:
        names = " ou ".join(_NAMES[candidate] for candidate in best)
        raise ReadError(
            f"Fichier « {path.name} » : séparateur de colonnes indécidable ({names}) ; précisez separator=."
        )
    # a table of one column has no separator
    return best[0] if best else ";"


def _cell_counts(lines: Sequence[str], separator: str) -> list[int]:
    """Return the number of cells of each line."""
    try:
        return [len(row) for row in csv.reader(lines, delimiter=separator) if row]
    except csv.Error:
        return []
