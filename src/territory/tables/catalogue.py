"""Every declared column and table by its name: what the rest of the library asks of the declarations."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import cache
from typing import NamedTuple

from territory.errors import UnknownCodeError, agree, examples
from territory.tables.codes import CODES, lines_of
from territory.tables.declare import SIDES, Column, Keyed, Secrecy, Table


def _column(line: dict[str, str]) -> Column:
    """Return the column that a line declares."""
    return Column(
        line["name"],
        line["fr"],
        line["about"],
        line["kind"],
        secrecy=Secrecy[line["secrecy"].upper() or "PUBLIC"],
        codes=CODES[line["codes"].lower()] if line["codes"] else {},
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


# columns of `Results.coverage`, one block for each threshold
WITHIN_SHARES = Keyed("within_{threshold_min}_min_share", COLUMNS["within_share"])
COVERAGE = (
    Keyed("within_{threshold_min}_min_hab", COLUMNS["within_hab"]),
    Keyed("within_{threshold_min}_min_unknown_hab", COLUMNS["within_unknown_hab"]),
    WITHIN_SHARES,
)
# a column of `SitingAnswer.ranking` for each threshold
BEYOND = Keyed("persons_beyond_{threshold_min}_min", COLUMNS["persons_beyond"])


def _time(pattern: str, about: str) -> Keyed:
    """Declare the travel time of a service, whose name the column holds."""
    return Keyed(pattern, Column("travel_time_min", "Temps de route", about, "number"))


# indexes of the equity of a national study
EQUITY_TIME = _time("{service}_time_min", "travel time")
# columns of the map layers: a layer has one row for each commune
BASELINE_TIME = _time("baseline_{service}_min", "travel time today")
SCENARIO_TIME = _time("scenario_{scenario}_{service}_min", "travel time in the scenario")
# how each quantity of the accounts of travel is named with its bound, and what it is
YEAR = {
    "year_min": ("year_{bound}_min", "minutes on the road in a year"),
    "year_km": ("year_{bound}_km", "kilometres in a year"),
    "year_vehicle_eur": ("year_vehicle_{bound}_eur", "price of the vehicle in a year"),
    "year_staff_eur": ("year_staff_{bound}_eur", "price of staff time in a year"),
    "year_co2_kg": ("year_co2_{bound}_kg", "CO2 in a year"),
}
# columns of `Results.trips`: one for each quantity and bound
TRIPS = tuple(
    Keyed(pattern, Column(name, CODES["year_quantities"][name], about, "number", secrecy=Secrecy.MEAN))
    for name, (pattern, about) in YEAR.items()
)
# columns of `Comparison.trips`: the same on each side
SIDED_TRIPS = tuple(Keyed(f"{side}_{one.pattern}", one.column) for side in SIDES for one in TRIPS)

# which tables have such names
KEYED = {
    "Results.coverage": COVERAGE,
    "Results.trips": TRIPS,
    "Comparison.trips": SIDED_TRIPS,
    "SitingAnswer.ranking": (BEYOND,),
    "territoire.gpkg communes": (BASELINE_TIME, SCENARIO_TIME),
    "territoire.gpkg contours": (BASELINE_TIME, SCENARIO_TIME),
}

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
    """Return the declaration of a column of a table; that of the measure where its name holds a key."""
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
        return CODES["flags"].get(code, code)
    known = declared.codes.get(code)
    if known is None and declared.secrecy is not Secrecy.PUBLIC:
        known = CODES["secret"].get(code)
    return code if known is None else known
