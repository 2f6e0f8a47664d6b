"""Every declared column, table and measure by its name: what the rest of the library asks of the declarations."""

import html
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property, lru_cache
from typing import NamedTuple

import pandas as pd

from territory.errors import UnknownCodeError, refuse
from territory.french.numbers import NBSP, decimal
from territory.french.words import persons, typeset
from territory.tables.declare import CODES, SIDES, Column, Keyed, Secrecy, Table, declared, lines_of


def _column(line: dict[str, str]) -> Column:
    codes = CODES[line["codes"].lower()] if line["codes"] else {}
    return declared(Column, line, codes=codes, secrecy=Secrecy[line["secrecy"].upper() or "PUBLIC"])


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


def _time(pattern: str, about: str, fr: str = "Temps de route") -> Keyed:
    """Declare the travel time of a service, whose name the column holds."""
    return Keyed(pattern, Column("travel_time_min", fr, about, "number"))


# indexes of the equity of a national study
EQUITY_TIME = _time("{service}_time_min", "travel time")
# columns of the map layers: a layer has one row for each commune or EPCI
TODAY_TIME = _time("baseline_{service}_min", "travel time today", "Temps de route aujourd'hui")
MOVE_TIMES = (
    TODAY_TIME,
    _time("scenario_{service}_min", "travel time in the scenario", "Temps de route avec le scénario"),
    _time("delta_{service}_min", "travel time, scenario minus today", "Écart de temps de route"),
)
SERVICE_CLASS = Keyed("class_{service}", Column("class", "Classe", "class of the maps, in French"))
NEEDS = (
    *(Keyed(f"{name}_{{public}}", COLUMNS[name]) for name in ("demand_low", "demand_high", "demand")),
    Keyed("class_{public}", SERVICE_CLASS.column),
)
_OF_DESERTS = ("desert_class_{scheme}", "status_{criterion}", "value_{criterion}")
DESERTS = tuple(Keyed(pattern, COLUMNS[pattern.partition("_{")[0]]) for pattern in _OF_DESERTS)
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
    "territoire.gpkg epci": NEEDS,
    "territoire.gpkg temps": (TODAY_TIME, SERVICE_CLASS),
    "territoire.gpkg ecarts_{question}": (*MOVE_TIMES, SERVICE_CLASS),
    "territoire.gpkg besoins": NEEDS,
    "territoire.gpkg deserts": DESERTS,
}

TABLES = {
    line["name"]: declared(Table, line, own=OWN.get(line["name"], ()), keyed=KEYED.get(line["name"], ()))
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
    for table in TABLES.values():
        if "{question}" in table.name:
            before, after = map(re.escape, table.name.split("{question}"))
            if matched := re.fullmatch(f"{before}(.+){after}", name):
                return Found(table, matched[1])
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
    where = f"« {column} » de la table « {name} »"
    raise UnknownCodeError(f"Colonne non déclarée {where} : déclarez-la dans territory.tables.")


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
    said = {"of": f"Table « {name} »", "advice": " ; déclarez-les dans territory.tables."}
    refuse(undeclared(name, columns), "colonne(s) non déclarée(s)", UnknownCodeError, **said)


def keyed_label(keyed: Keyed, keys: Mapping[str, str]) -> str:
    """Return the French heading of a column whose name holds keys."""
    parts = [keyed.column.fr]
    for key, value in keys.items():
        parts.append(f"{value} min" if key == "threshold_min" else COLUMNS[key].codes.get(value, value))
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


def html_table(
    rows: pd.DataFrame | Mapping[str, str], *, title: str = "", of: str = "", sides: Sequence[str] = ()
) -> str:
    """Write a table (one of those declared, or pairs) for Jupyter: French headings, units, decimals, names of codes."""
    table = (
        rows if isinstance(rows, pd.DataFrame) else pd.DataFrame(list(rows.items()), columns=["", "\u200b"])
    )
    if not isinstance(table.index, pd.RangeIndex):
        table = table.rename_axis(index=lambda name: name or "").reset_index()
    known = {**COLUMNS, **(columns_of(of) if of else {})}
    lines = [["<tr>"] for _ in range(len(table) + 1)]
    for place, name in enumerate(map(str, table.columns)):
        column, values = known.get(name, Column(name, name, "")), table.iloc[:, place]
        is_number = pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values)
        side = "right" if is_number or column.secrecy is not Secrecy.PUBLIC else "left"
        look = f" style='text-align:{sides[place] if sides else side}'>"
        label = (label_of(of, name) if of else column.label).replace("part de 0 à 1", "%")
        has_parts = is_number and bool(values.mod(1).gt(0).any())
        digits = 0 if not has_parts else 1 if column.decimals is None else column.decimals
        cells = [_said(value, column, digits) for value in values.tolist()]
        tags = ["th scope='col'", *["td" if place else "th scope='row'"] * len(table)]
        for line, tag, text in zip(lines, tags, [label, *cells], strict=True):
            line.append(f"<{tag}{look}{html.escape(typeset(text))}</{tag[:2]}>")
    head, *body = ("".join(line) + "</tr>" for line in lines)
    top = f"<thead>{head}</thead>" if isinstance(rows, pd.DataFrame) else ""
    caption = f"<caption>{html.escape(typeset(title))}</caption>" if title else ""
    return f"<table>{caption}{top}<tbody>{''.join(body)}</tbody></table>"


def _said(value: object, column: Column, digits: int) -> str:
    """Write a value of a column as French prints it; a small count of persons is not told."""
    if isinstance(value, str | bool):
        return code_label(column if isinstance(value, str) else COLUMNS["in_territory"], str(value))
    number = float(value) if isinstance(value, int | float) else math.nan
    if not math.isfinite(number):
        return "–"
    if column.is_label:
        return f"{number:g}"
    if column.secrecy in (Secrecy.ESTIMATE, Secrecy.OBSERVED) and number >= 0:
        return persons(number)
    return f"{decimal(100 * number)}{NBSP}%" if column.unit.suffix == "_share" else decimal(number, digits)


@dataclass(frozen=True)
class Measure:
    """One measure: its name, its unit, its French names, and what it counts."""

    name: str
    unit: str
    # short with its unit, and in a sentence; keys between braces are those of the row
    fr: str
    fr_long: str
    # its name in `Comparison.measures`, keys included; that of the measure where it has none
    pattern: str = ""
    # shown by `territory compare`
    is_compared: bool = True

    @cached_property
    def keyed(self) -> Keyed:
        """How its name in memory is made and read."""
        return Keyed(self.pattern or self.name, Column(self.name, self.fr, self.fr_long, "number"))

    @property
    def secrecy(self) -> Secrecy:
        """What it counts: persons, or a mean over them."""
        return Secrecy.ESTIMATE if self.unit == "persons" else Secrecy.MEAN

    @property
    def decimals(self) -> int:
        """Decimals that its unit can bear."""
        return DECIMALS[self.unit]


# decimals that the unit of a measure can bear, and those that a terminal shows
DECIMALS = {line["unit"]: int(line["decimals"]) for line in lines_of("decimals.csv")}
SHOWN_DECIMALS = {**DECIMALS, "share": 2, "index": 2}


MEASURES = tuple(declared(Measure, line) for line in lines_of("measures.csv"))
BY_NAME = {measure.name: measure for measure in MEASURES}
# keys that a row of a measure may have
KEYS = ("threshold_min", "criterion", "who", "bound")
_OF_WHOM = {"child": "route d'un enfant", "parent": "route d'un parent", "staff": "route des professionnels"}
_SHORT_BOUNDS = {"direct": "route directe", "low": "bas", "high": "haut"}


@lru_cache(maxsize=4096)
def read_measure(name: str) -> tuple[Measure, dict[str, str]]:
    """Return the measure of a row of `Comparison.measures`, and the keys that its name holds."""
    for measure in MEASURES:
        keys = measure.keyed.keys(name)
        if keys is not None:
            return measure, keys
    raise KeyError(name)


def measure_label(name: str, keys: Mapping[str, object] | None = None, *, is_long: bool = False) -> str:
    """Return the French name of a measure for the keys of a row."""
    measure = BY_NAME[name]
    known = {key: value for key, value in (keys or {}).items() if value is not None and value == value}
    threshold, who, bound = (known.get(key) for key in ("threshold_min", "who", "bound"))
    said = {
        "threshold": "" if threshold is None else f"{float(str(threshold)):g}".replace(".", ","),
        "criterion": known.get("criterion", ""),
        "who": CODES["who"].get(str(who), ""),
        "of_whom": _OF_WHOM.get(str(who), ""),
        "bound": _SHORT_BOUNDS.get(str(bound), ""),
        "bound_long": CODES["bounds"].get(str(bound), ""),
    }
    return (measure.fr_long if is_long else measure.fr).format(**said)
