"""What is said of a table and of a column, once, with the codes that it holds: checks and labels follow from it."""

import csv
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property
from importlib import resources
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

Row = TypeVar("Row")

# [0-9] and not a digit of any script, which would look right and belong to no commune
COMMUNE_CODE = r"^(?:[0-9]{2}|2A|2B)[0-9]{3}$"
DEMAND_KINDS = ("prevalence", "rights", "orientation", "waiting", "population")
CAPACITY_UNITS = ("places", "file_active", "etp", "headcount", "consultations_per_year", "seances_per_year")


def lines_of(name: str, package: str = "territory.tables") -> Iterator[dict[str, str]]:
    """Yield the lines of a file of declarations."""
    yield from csv.DictReader((resources.files(package) / name).read_text("utf-8").splitlines())


def declared(kind: type[Row], line: Mapping[str, str], **more: Any) -> Row:
    """Return the object that a line declares, each cell typed as its field: « yes » is true, an empty one None."""
    types = get_type_hints(kind)
    cells = {name: _typed(line[name], types[name]) for name in line.keys() & types.keys() - more.keys()}
    return kind(**cells, **more)


def _typed(cell: str, hint: Any) -> Any:
    """Return a cell as the type of its field."""
    if get_origin(hint) is tuple:
        return tuple(cell.split())
    kind, *others = get_args(hint) or (hint,)
    if others and not cell:
        return None
    return cell == "yes" if kind is bool else kind(cell)


# the French name of each code, by list
CODES: dict[str, dict[str, str]] = {}
for _line in lines_of("codes.csv"):
    CODES.setdefault(_line["list"], {})[_line["code"]] = _line["fr"]

# services whose closest site is measured, and those of children in places: alone, then with their article
SERVICES, CLOSEST_SERVICES = CODES["services"], CODES["closest_services"]
# what reports explain when they use it
ACRONYMS = CODES["acronyms"]
# titles of the table of shared services, as the director reads them and gives them back
POOLING_TITLES = CODES["pooling_titles"]


class Secrecy(Enum):
    """What a column counts, and so what is done with it before it leaves the agency.

    Persons: `ESTIMATE` from rates ("< 11" where few), `OBSERVED` (withheld where few), `MEAN` or share over observed
    ones (unknown where it would tell where they live). `MONEY` is withheld where a sum would show one establishment,
    `CLASS`, a share said as a class, where either side is a small count.
    """

    PUBLIC = "public"
    ESTIMATE = "estimate of persons"
    OBSERVED = "count of observed persons"
    MEAN = "mean or share over persons"
    MONEY = "money of establishments"
    CLASS = "class of a share of observed persons"


@dataclass(frozen=True)
class Unit:
    """A unit, by the end of the names of its columns: its French mark and the decimals that it can bear."""

    suffix: str
    fr: str
    decimals: int | None = None
    is_fine: bool = False


# the longest end that fits a name is its unit; a tenth of a minute is already finer than any doubt
UNITS = {line["suffix"]: declared(Unit, line) for line in lines_of("units.csv")}
NO_UNIT = Unit("", "")


@dataclass(frozen=True)
class Column:
    """One column: its name, its French heading, what it means, and what it counts."""

    # ends with its unit (see `UNITS`), which the French heading leaves out
    name: str
    fr: str
    about: str
    # text, number, flag or geometry
    kind: str = "text"
    secrecy: Secrecy = Secrecy.PUBLIC
    codes: Mapping[str, str] = field(default_factory=dict, hash=False)
    # decimals that it can bear, where its unit does not say
    digits: int | None = None
    is_fine: bool = False
    # a number that is a name (a year): shown without thousands
    is_label: bool = False
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[str, ...] = ()
    pattern: str = ""
    # what it means, in French, where the heading does not say it
    fr_about: str = ""

    @cached_property
    def unit(self) -> Unit:
        """The unit that the name ends with."""
        fits = [end for end in UNITS if self.name.endswith(end)] if self.kind == "number" else []
        found = UNITS[max(fits, key=len)] if fits else NO_UNIT
        # the unit of an age is in its heading
        return found if found.fr else NO_UNIT

    @property
    def label(self) -> str:
        """French heading, the unit last."""
        return f"{self.fr} ({self.unit.fr})" if self.unit.fr else self.fr

    @property
    def decimals(self) -> int | None:
        """Decimals that it can bear, None when numbers are left as they are."""
        return self.unit.decimals if self.digits is None else self.digits

    @property
    def number_format(self) -> str:
        """How a workbook shows its numbers: plain, rounded (one decimal at most) or fine (three at most)."""
        if self.is_label or self.name.endswith(("_code", "_id")):
            return "plain"
        return "fine" if self.is_fine or self.unit.is_fine else "rounded"


SIDES = {
    "baseline": ("aujourd'hui", "today"),
    "scenario": ("scénario", "in the scenario"),
    "delta": ("écart", "scenario minus today"),
}


# how a key is written in a name that holds it
_KEYS = {
    "threshold_min": r"[0-9]+(?:\.[0-9]+)?",
    "who": "child|parent|staff",
    "bound": "direct|low|high",
    "scenario": ".+?",
}


@dataclass(frozen=True, eq=False)
class Keyed:
    """Names that hold a key, as in `within_30_min_share`: of tables in memory and of map layers alone."""

    # what is handed over as a table has the key as a column instead
    pattern: str
    column: Column

    def name(self, **keys: object) -> str:
        """Return the name for some keys."""
        written = {k: f"{value:g}" if isinstance(value, float) else value for k, value in keys.items()}
        return self.pattern.format(**written)

    def keys(self, name: str) -> dict[str, str] | None:
        """Return the keys that a name holds, None when it is not of this pattern."""
        matched = self._regex.fullmatch(name)
        return matched.groupdict() if matched else None

    @cached_property
    def _regex(self) -> re.Pattern[str]:
        """The pattern as an expression with a group for each key."""
        parts = re.split(r"\{(\w+)\}", self.pattern)
        for place, part in enumerate(parts):
            parts[place] = f"(?P<{part}>{_KEYS.get(part, '.+')})" if place % 2 else re.escape(part)
        return re.compile("".join(parts))


@dataclass(frozen=True)
class Table:
    """A table: its French title, its keys, its columns by name, and what may be absent or unknown."""

    # of the file, or of the attribute that holds it; `{question}` stands for the id of a question of the study
    name: str
    # empty for a table that is not handed over
    fr: str
    about: str
    # names separated by spaces, as `nullable` and `optional` ("*": all)
    keys: str
    columns: str
    own: tuple[Column, ...] = ()
    keyed: tuple[Keyed, ...] = ()
    nullable: str = "*"
    optional: str = "*"
    is_handed: bool = True
    fr_about: str = ""
