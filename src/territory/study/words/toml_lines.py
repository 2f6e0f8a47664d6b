"""Where a key of a TOML file stands, so that an error can name its line."""

from __future__ import annotations

import re
from collections.abc import Sequence

Path = tuple[str | int, ...]

_HEADER = re.compile(r"^\s*(\[\[?)\s*([A-Za-z0-9_.\-\" ]+?)\s*\]\]?\s*(?:#.*)?$")
_KEY = re.compile(r"^\s*([A-Za-z0-9_\-]+|\"[^\"]+\")\s*=")


def key_lines(text: str) -> dict[Path, int]:
    r"""Map each table and key of a TOML text to its line number, counted from 1.

    Arrays of tables give one integer per item, as pydantic's error locations do.

    Examples
    --------
    >>> key_lines('id = "essai"\n[[site]]\nid = "a"\n[[site]]\nid = "b"')[("site", 1, "id")]
    5
    """
    lines: dict[Path, int] = {}
    counts: dict[Path, int] = {}
    table: Path = ()
    in_string = False
    for number, line in enumerate(text.splitlines(), start=1):
        # keys are not looked for inside a multi-line string
        if in_string or line.count('"""') % 2:
            in_string = in_string != bool(line.count('"""') % 2)
            if not in_string or line.count('"""') == 0:
                continue
        if header := _HEADER.match(line):
            table = _open_table(header[2].split("."), counts, is_array=header[1] == "[[")
            lines.setdefault(table, number)
        elif key := _KEY.match(line):
            lines[(*table, key[1].strip('"'))] = number
    return lines


def line_of(lines: dict[Path, int], location: Sequence[str | int]) -> int | None:
    """Return the line of a location, or of its nearest parent that stands in the file."""
    path = tuple(location)
    while path:
        if path in lines:
            return lines[path]
        path = path[:-1]
    return None


def _open_table(names: list[str], counts: dict[Path, int], *, is_array: bool) -> Path:
    """Return the path of a table header, numbering the items of arrays of tables."""
    path: Path = ()
    for depth, name in enumerate(part.strip().strip('"') for part in names):
        path = (*path, name)
        last = depth == len(names) - 1
        if last and is_array:
            counts[path] = counts.get(path, -1) + 1
        if path in counts:
            path = (*path, counts[path])
    return path
