"""The columns of `columns.csv`: one line each, and one more where a column means something else in one table."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from importlib import resources

from territory.tables import codes
from territory.tables.declare import Column, Secrecy


def lines_of(name: str) -> Iterator[dict[str, str]]:
    """Yield the lines of a file of declarations."""
    text = (resources.files("territory.tables") / name).read_text("utf-8")
    yield from csv.DictReader(text.splitlines())


def _column(line: dict[str, str]) -> Column:
    """Return the column that a line declares."""
    return Column(
        line["name"],
        line["fr"],
        line["about"],
        line["kind"],
        secrecy=Secrecy[line["secrecy"].upper() or "PUBLIC"],
        codes=getattr(codes, line["codes"]) if line["codes"] else {},
        digits=int(line["digits"]) if line["digits"] else None,
        is_fine=line["is_fine"] == "yes",
        is_label=line["is_label"] == "yes",
        minimum=float(line["minimum"]) if line["minimum"] else None,
        maximum=float(line["maximum"]) if line["maximum"] else None,
        choices=tuple(line["choices"].split()),
        pattern=line["pattern"],
    )


COLUMNS: dict[str, Column] = {}
# columns that mean something else, or are protected otherwise, in one table
OWN: dict[str, tuple[Column, ...]] = {}
for _line in lines_of("columns.csv"):
    if _line["table"]:
        OWN[_line["table"]] = (*OWN.get(_line["table"], ()), _column(_line))
    else:
        COLUMNS[_line["name"]] = _column(_line)
