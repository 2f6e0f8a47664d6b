"""Every declared column and table by its name: what the rest of the library asks of the declarations."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import cache
from typing import NamedTuple

from territory.errors import UnknownCodeError, agree, examples
from territory.tables.codes import FLAGS, SECRET, lines_of
from territory.tables.columns import COLUMNS, KEYED, OWN
from territory.tables.declare import Column, Keyed, Secrecy, Table

TABLES: dict[str, Table] = {
    line["name"]: Table(
        **{name: line[name] for name in ("name", "fr", "about", "keys", "columns", "nullable", "optional")},
        own=OWN.get(line["name"], ()),
        keyed=KEYED.get(line["name"], ()),
        is_handed=line["is_handed"] == "yes",
    )
    for line in lines_of("tables.csv")
}


class Found(NamedTuple):
    """A table by the name of its file, and the question whose id the name holds."""

    table: Table
    question: str

    @property
    def title(self) -> str:
        """French title."""
        return self.table.fr.format(question=self.question)


@cache
def table_of(name: str) -> Found:
    """Return the declaration of a table, by the name of its file or of its attribute."""
    if name in TABLES:
        return Found(TABLES[name], "")
    for declared in TABLES.values():
        if "{question}" in declared.name:
            before, after = map(re.escape, declared.name.split("{question}"))
            if matched := re.fullmatch(f"{before}(.+){after}", name):
                return Found(declared, matched[1])
    raise UnknownCodeError(f"Table non déclarée « {name} » : déclarez-la dans territory.tables.")


@cache
def columns_of(name: str) -> dict[str, Column]:
    """Return the columns of a table by their name, its keys first."""
    table = table_of(name).table
    own = {column.name: column for column in table.own}
    every = dict.fromkeys([*table.keys.split(), *table.columns.split(), *own])
    return {key: own[key] if key in own else COLUMNS[key] for key in every}


@cache
def column_of(name: str, column: str) -> Column:
    """Return the declaration of a column of a table; that of the measure where its name holds a key.

    Raises
    ------
    UnknownCodeError
        If the table has no such column.
    """
    known = columns_of(name)
    if column in known:
        return known[column]
    for keyed in table_of(name).table.keyed:
        if keyed.keys(column) is not None:
            return keyed.column
    raise UnknownCodeError(
        f"Colonne non déclarée « {column} » de la table « {name} » : déclarez-la dans territory.tables."
    )


def undeclared(name: str, columns: Iterable[str]) -> list[str]:
    """Return the columns that a table does not declare."""
    # a table that is not declared is another error
    columns_of(name)
    missing = []
    for column in columns:
        try:
            column_of(name, column)
        except UnknownCodeError:
            missing.append(column)
    return missing


def check_declared(name: str, columns: Iterable[str]) -> None:
    """Raise when a table has columns that are not declared, all of them at once."""
    missing = undeclared(name, columns)
    if missing:
        raise UnknownCodeError(
            f"Table « {name} » : {agree(len(missing), 'colonne(s) non déclarée(s)')} ({examples(missing)}) ; "
            "déclarez-les dans territory.tables."
        )


def keyed_label(keyed: Keyed, keys: Mapping[str, str]) -> str:
    """Return the French heading of a column whose name holds keys."""
    parts = [keyed.column.fr]
    if "service" in keys:
        scenario = keys.get("scenario")
        parts.append(COLUMNS["service"].codes.get(keys["service"], keys["service"]))
        parts.append(f"scénario {scenario}" if scenario else "aujourd'hui")
    if "threshold_min" in keys:
        parts.append(f"{keys['threshold_min']} min")
    parts.extend(COLUMNS[key].codes[keys[key]] for key in ("who", "bound") if key in keys)
    return replace(keyed.column, fr=", ".join(parts)).label


def label_of(name: str, column: str) -> str:
    """Return the French heading of a column of a table, its unit last."""
    for keyed in table_of(name).table.keyed:
        if column not in columns_of(name) and (keys := keyed.keys(column)) is not None:
            return keyed_label(keyed, keys)
    return column_of(name, column).label


def code_label(column: str | Column, code: str) -> str:
    """Return the French name of a code of a column; a text that is no code is returned as it is."""
    declared = COLUMNS[column] if isinstance(column, str) else column
    if declared.kind == "flag":
        return FLAGS.get(code, code)
    known = declared.codes.get(code)
    if known is None and declared.secrecy is not Secrecy.PUBLIC:
        known = SECRET.get(code)
    return code if known is None else known
