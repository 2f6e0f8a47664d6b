"""Read back the workbook of the field, with every problem named by its sheet and cell."""

import datetime as dt
import math
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path

import pandas as pd

from territory.errors import Problems, ReadError, agree, counted, examples, warn
from territory.sources import field_workbook
from territory.sources.text.cells import pad_code
from territory.sources.text.tables import read_bytes
from territory.sources.text.workbooks import WORKBOOKS, read_workbook, sheet_names
from territory.tables.schemas import COMMUNE_CODE

_MOST_PROBLEMS = 200
_SPACES = re.compile("[ \u00a0\u202f\u2009]")
_OLDEST, _FIRST_YEAR, _LAST_YEAR = 120, 1990, 2100
# of two columns, the one that is not to exceed the other, the cell that is named, and what is said
_ORDERED = (
    ("age_min", "age_max", "age_max", "l'âge maximal est sous l'âge minimal"),
    ("waiting", "orientations", "waiting", "plus d'enfants en attente que d'orientations en vigueur"),
)
_DATES = ("%Y-%m-%d", "%d/%m/%Y", "%d/%m/%y", "%d.%m.%Y", "%d-%m-%Y")
_UNKNOWN = {
    "commune": "commune « {} » inconnue",
    "service": "service « {} » inconnu",
    "site": "site « {} » inconnu",
}


@dataclass(frozen=True)
class FieldAnswers:
    """What the field answered: who, for which date, and tables of observed counts (`is_observed`: small ones masked).

    Rows of `unanswered`, told by sheet, say of whom, and answer nothing: not zero, unknown. `children`: `commune_code`,
    `service`, `age_min`, `age_max` (years), `orientations` (decisions), `waiting`, `served` (children). `reception`:
    `commune_code`, `site_id`, `service`, `age_min`, `age_max`, `children`. `activity`: `site_id`, `service`,
    `file_active` (persons), `exits_per_year` (children), `creton_places`, `outside_places` (places), `staff_etp`,
    `vacant_etp`, `road_h_per_week` (hours). `budgets`: `site_id`, `year`, `budget_eur`.
    """

    organisation: str
    situation_date: dt.date | None
    unanswered: Mapping[str, str]
    children: pd.DataFrame
    reception: pd.DataFrame
    activity: pd.DataFrame
    budgets: pd.DataFrame

    @property
    def source(self) -> str:
        """Who answered, and for which date."""
        date = self.situation_date
        return f"{self.organisation or 'terrain'}, {f'situation au {date:%d/%m/%Y}' if date else 'sans date'}"


def read_template(
    path: str | Path,
    *,
    communes: Collection[str] | None = None,
    services: Collection[str] | None = None,
    sites: Collection[str] | None = None,
) -> FieldAnswers:
    """Read the answers of a workbook made by `write_template`, or refuse it with every wrong cell at once.

    A row without any answer is in no table; a count that the sender keeps secret (« s », « < 11 ») is NaN, and counted
    in a warning. With `communes`, `services` and `sites`, a code that is not among them is an error.
    """
    path = Path(path)
    content = read_bytes(path)
    present = sheet_names(content, path)
    problems = Problems(f"Classeur « {path.name} »", ReadError)
    known = {"commune": communes, "service": services, "site": sites}
    readers = {sheet.table: _SheetReader(sheet, known, problems) for sheet in field_workbook.SHEETS}
    tables: dict[str, pd.DataFrame] = {}
    for name, reader in readers.items():
        title = reader.sheet.title
        if title in present:
            tables[name] = reader.read(read_workbook(content, path, sheet=title))
        else:
            problems.add(f"feuille « {title} » absente (feuilles présentes : {examples(present, most=8)})")
    organisation, date = _read_identity(content, path, present, problems)
    # a message that can be read when a whole column is wrong
    extra = len(problems.messages) - _MOST_PROBLEMS
    if extra > 0:
        problems.messages = [*problems.messages[:_MOST_PROBLEMS], f"et {extra} autres"]
    problems.raise_if_any()
    kept = sum(reader.protected for reader in readers.values())
    said = [agree(kept, "effectif(s) gardé(s) secret(s) par l'expéditeur, inconnu(s) ici")] if kept else []
    blank = {reader.sheet.title: reader.unanswered for reader in readers.values() if reader.unanswered}
    unanswered = {title: counted(rows, "ligne(s) sans réponse") for title, rows in blank.items()}
    said += [f"{rows}, feuille « {title} », à redemander" for title, rows in unanswered.items()]
    if said:
        warn(f"Classeur « {path.name} » : {' ; '.join(said)}.")
    return FieldAnswers(organisation, date, unanswered, **tables)


def is_field_workbook(path: Path) -> bool:
    """Say whether a file is a workbook of the field, by the names of its sheets."""
    if path.suffix.lower() not in WORKBOOKS:
        return False
    return field_workbook.IDENTITY_SHEET in sheet_names(read_bytes(path), path)


@dataclass
class _SheetReader:
    """One sheet being read: problems are added with their cells, what is secret or left blank is counted."""

    sheet: field_workbook.FieldSheet
    known: Mapping[str, Collection[str] | None]
    problems: Problems
    protected: int = 0
    unanswered: list[str] = field(default_factory=list)
    # the position of each column
    places: dict[str, int] = field(default_factory=dict)

    def say(self, name: str, line: int, said: str) -> None:
        """Add what is wrong with the cell of a column."""
        from openpyxl.utils import get_column_letter

        cell = f"{get_column_letter(self.places.get(name, 0) + 1)}{line}"
        self.problems.add(f"feuille « {self.sheet.title} », cellule {cell} : {said}")

    def read(self, rows: list[tuple[int, list[str]]]) -> pd.DataFrame:
        """Return the table of the sheet."""
        start = self._find_titles(rows)
        kept: dict[int, dict[str, object]] = {}
        asked = [column for column in self.sheet.columns if column.kind != "text"]
        for line, cells in rows[start + 1 :]:
            texts = {name: cells[place].strip() for name, place in self.places.items()}
            if any(texts.get(column.name) for column in self.sheet.columns if column.is_answer):
                found = [column for column in asked if column.name in texts]
                kept[line] = {column.name: self._value(column, texts[column.name], line) for column in found}
            elif any(texts.values()):
                self.unanswered.append(" ".join(filter(None, texts.values())))
        columns = [column.name for column in asked]
        table = pd.DataFrame.from_dict(kept, orient="index", columns=columns).rename_axis("line")
        numbers = [column.name for column in asked if column.kind not in _UNKNOWN]
        table = table.astype(dict.fromkeys(numbers, "float64"))
        for low, high, name, said in _ORDERED:
            if {low, high} <= set(columns):
                for line in table.index[table[low] > table[high]]:
                    self.say(name, line, said)
        self._check_repeats(table)
        return table.assign(is_observed=True)

    def _find_titles(self, rows: list[tuple[int, list[str]]]) -> int:
        """Return the position of the row of titles, and keep the place of each."""
        wanted = {column.title: column for column in self.sheet.columns}
        best, start = 0, 0
        for position, (_, cells) in enumerate(rows[:30]):
            found = len({cell.strip() for cell in cells} & set(wanted))
            if found > best:
                best, start = found, position
        titles = [cell.strip() for cell in rows[start][1]] if rows else []
        for title, column in wanted.items():
            times = titles.count(title)
            if times > 1:
                self.problems.add(f"feuille « {self.sheet.title} » : titre « {title} » {times} fois")
            if times == 0 and column.kind != "text" and not column.may_lack:
                hint = _hint(title, [text for text in titles if text], cutoff=0.5)
                self.problems.add(f"feuille « {self.sheet.title} » : colonne « {title} » absente{hint}")
        self.places = {wanted[title].name: titles.index(title) for title in wanted if title in titles}
        return start

    def _value(self, column: field_workbook.FieldColumn, text: str, line: int) -> object:
        """Return the value of one cell, or add what is wrong with it."""
        is_code = column.kind in _UNKNOWN
        if not text:
            if column.required:
                self.say(column.name, line, f"« {column.title} » manque")
            return "" if is_code else float("nan")
        if is_code:
            return self._code(column, text, line)
        plain = _SPACES.sub("", text)
        if column.kind == "count" and plain.casefold() in field_workbook.PROTECTED_CELLS:
            self.protected += 1
            return float("nan")
        try:
            number = float(plain.replace("€", "").replace(",", "."))
        except ValueError:
            number = float("nan")
        if wrong := _wrong(column.kind, number):
            self.say(column.name, line, f"« {text} » {wrong}")
        return float("nan") if wrong else number

    def _code(self, column: field_workbook.FieldColumn, text: str, line: int) -> str:
        code = text.casefold() if column.kind == "service" else text
        if column.kind == "commune":
            code = pad_code(text)
            if not re.fullmatch(COMMUNE_CODE, code):
                self.say(column.name, line, f"« {text} » n'est pas un code de commune (83050, 2A004)")
                return code
        known = self.known[column.kind]
        if known is not None and code not in known:
            hint = _hint(code, [str(value) for value in known], cutoff=0.7)
            self.say(column.name, line, f"{_UNKNOWN[column.kind].format(text)} de l'étude{hint}")
        return code

    def _check_repeats(self, table: pd.DataFrame) -> None:
        """Report rows about the same persons: the same key, or ages that overlap (none written means all)."""
        keys = [name for name in self.sheet.key if name not in ("age_min", "age_max")]
        if table.empty:
            return
        rows = table[keys].astype(object).assign(low=0.0, high=float("inf"), line=table.index)
        if "age_min" in self.sheet.key:
            rows["low"], rows["high"] = table["age_min"].fillna(0), table["age_max"].fillna(float("inf"))
        # a code that is wrong was reported already
        rows = rows[(rows[keys] != "").all(axis=1)].sort_values([*keys, "low"], kind="stable")
        previous = rows.groupby(keys, sort=False, dropna=False)[["high", "line"]].shift()
        overlaps = rows["low"] <= previous["high"]
        for line, other in zip(rows.loc[overlaps, "line"], previous.loc[overlaps, "line"], strict=True):
            said = f"mêmes personnes que la ligne {int(other)} (même clé, âges qui se recouvrent)"
            self.problems.add(f"feuille « {self.sheet.title} », cellule A{line} : {said}")


def _wrong(kind: str, number: float) -> str:
    """Say why a number cannot be what its column asks for; empty when it can."""
    whole = kind != "number"
    if not math.isfinite(number):
        return f"n'est pas un nombre{' entier' if whole else ''}"
    if number < 0:
        return "est négatif"
    if whole and number % 1:
        return "n'est pas un nombre entier"
    if kind == "age" and number > _OLDEST:
        return "n'est pas un âge"
    return "n'est pas une année" if kind == "year" and not _FIRST_YEAR <= number <= _LAST_YEAR else ""


def _hint(text: str, known: list[str], *, cutoff: float) -> str:
    """Return the name that a wrong one looks like."""
    close = get_close_matches(text, known, n=1, cutoff=cutoff)
    return f" (vouliez-vous dire « {close[0]} » ?)" if close else ""


def _read_identity(
    content: bytes, path: Path, present: list[str], problems: Problems
) -> tuple[str, dt.date | None]:
    if field_workbook.IDENTITY_SHEET not in present:
        problems.add(f"feuille « {field_workbook.IDENTITY_SHEET} » absente")
        return "", None
    rows = read_workbook(content, path, sheet=field_workbook.IDENTITY_SHEET)
    found = {cells[0].strip(): (line, cells[1].strip()) for line, cells in rows if len(cells) > 1}
    line, text = found.get(field_workbook.SITUATION_DATE, (0, ""))
    organisation = found.get(field_workbook.ORGANISATION, (0, ""))[1]
    if not text:
        return organisation, None
    for form in _DATES:
        try:
            return organisation, dt.datetime.strptime(text, form).date()
        except ValueError:
            continue
    place = f"feuille « {field_workbook.IDENTITY_SHEET} », cellule B{line}"
    problems.add(f"{place} : « {text} » n'est pas une date (31/12/2025)")
    return organisation, None
