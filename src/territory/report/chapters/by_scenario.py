"""Many scenarios in few columns: each value once, with the scenarios that share it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from territory.french.words import join

# a table of the width of a page holds a column for each of so many scenarios
MOST_COLUMNS = 5


def is_wide(scenarios: Sequence[str]) -> bool:
    """Tell whether a study has more scenarios than a table has room for.

    Examples
    --------
    >>> is_wide("ABCD"), is_wide("ABCDEFGH")
    (False, True)
    """
    return len(scenarios) > MOST_COLUMNS


def grouped(values: Mapping[str, str], today: str) -> str:
    """Write the values that differ from today's, each one once with its scenarios.

    Examples
    --------
    >>> grouped({"A": "Aups", "B": "Le Muy", "C": "Aups", "D": "Vidauban"}, "Vidauban")
    'Aups (A et C) ; Le Muy (B)'
    """
    names: dict[str, list[str]] = {}
    for name, text in values.items():
        if text != today:
            names.setdefault(text, []).append(name)
    return " ; ".join(f"{text} ({join(found)})" for text, found in names.items()) or "–"


def in_tables(scenarios: Sequence[str]) -> Iterator[list[str]]:
    """Yield the scenarios of each table, as evenly as can be.

    Examples
    --------
    >>> list(in_tables("ABCDEFGH"))
    [['A', 'B', 'C', 'D'], ['E', 'F', 'G', 'H']]
    """
    tables = -(-len(scenarios) // MOST_COLUMNS)
    each = -(-len(scenarios) // max(tables, 1))
    for first in range(0, len(scenarios), max(each, 1)):
        yield list(scenarios[first : first + each])
