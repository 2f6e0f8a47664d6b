"""Read back the workbook of the field, with every problem named by its sheet and cell."""

from __future__ import annotations

import datetime as dt
import re
import warnings
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING

from territory.errors import Problems, ReadError, TerritoryWarning, agree, examples
from territory.sources.field.workbook import (
    IDENTITY_SHEET,
    ORGANISATION,
    PROTECTED_CELLS,
    SHEETS,
    SITUATION_DATE,
    FieldColumn,
    FieldSheet,
)
from territory.sources.text.cells import pad_code
from territory.sources.text.tables import read_bytes
from territory.sources.text.workbooks import read_workbook, sheet_names
from territory.tables.schemas import COMMUNE_CODE

if TYPE_CHECKING:
    import pandas as pd

_MOST_PROBLEMS = 200
_SPACES = re.compile("[ \u00a0\u202f\u2009]")
_OLDEST, _FIRST_YEAR, _LAST_YEAR = 120, 1990, 2100
_DATES = ("%Y-%m-%d", "%d/%m/%Y", "%d/%m/%y", "%d.%m.%Y", "%d-%m-%Y")
_UNKNOWN = {
    "commune": "commune « {} » inconnue",
    "service": "service « {} » inconnu",
    "site": "site « {} » inconnu",
}


@dataclass(frozen=True)
class FieldAnswers:
    """What the field answered: who, for which date, and the tables of observed counts.

    Every table has a column `is_observed`, true on every row: small counts in it are about real persons, and
    are masked before anything is published.

    Attributes
    ----------
    organisation, situation_date
        As written in the workbook; empty or None where they are not.
    unanswered_rows
        Rows that say of whom, and answer nothing: not zero, unknown.
    children
        `commune_code`, `service`, `age_min`, `age_max` (years), `orientations` (decisions), `waiting`, `served`
        (children).
    reception
        `commune_code`, `site_id`, `service`, `age_min`, `age_max`, `children`.
    activity
        `site_id`, `service`, `file_active` (persons), `creton_places`, `outside_places` (places), `staff_etp`,
        `vacant_etp`, `road_h_per_week` (hours).
    budgets
        `site_id`, `year`, `budget_eur`.
    """

    organisation: str
    situation_date: dt.date | None
    unanswered_rows: int
    children: pd.DataFrame
    reception: pd.DataFrame
    activity: pd.DataFrame
    budgets: pd.DataFrame


def read_template(
    path: str | Path,
    *,
    communes: Collection[str] | None = None,
    services: Collection[str] | None = None,
    sites: Collection[str] | None = None,
) -> FieldAnswers:
    """Read the answers of a workbook made by `write_template`.

    Parameters
    ----------
    path
        Workbook filled in.
    communes, services, sites
        Codes that are known; a code that is not among them is an error (any well-formed code without it).

    Returns
    -------
    FieldAnswers
        One table per sheet; its index is the row of Excel. A row without any answer is not in it; a count that the
        sender keeps secret (« s », « < 11 ») is NaN.

    Raises
    ------
    ReadError
        With every problem at once, each with its sheet and cell: sheet or title absent, unknown code, text or
        decimals in a count, negative number, ages that cannot be, more children waiting than orientations, the
        same row twice.

    Warns
    -----
    TerritoryWarning
        With the counts kept secret by the sender.

    Examples
    --------
    >>> import tempfile
    >>> import openpyxl
    >>> import pandas as pd
    >>> from territory.sources import write_template
    >>> folder = tempfile.TemporaryDirectory()
    >>> communes = pd.DataFrame({"name": ["Salernes"]}, index=pd.Index(["83121"], name="commune_code"))
    >>> index = pd.MultiIndex.from_tuples([("ime-salernes", "ime")], names=["site_id", "service"])
    >>> path = write_template(Path(folder.name) / "a.xlsx", communes, pd.DataFrame(index=index))
    >>> book = openpyxl.load_workbook(path)
    >>> book["Orientations"]["G4"] = 3
    >>> book["Établissements"]["D4"] = 41
    >>> book.save(path)
    >>> answers = read_template(path)
    >>> answers.children[["commune_code", "service", "waiting"]].values.tolist()
    [['83121', 'ime', 3.0]]
    >>> folder.cleanup()
    """
    path = Path(path)
    content = read_bytes(path)
    present = sheet_names(content, path)
    problems = Problems(f"Classeur « {path.name} »", ReadError)
    known = {"commune": communes, "service": services, "site": sites}
    tables: dict[str, pd.DataFrame] = {}
    counts = {"protected": 0, "unanswered": 0}
    for sheet in SHEETS:
        if sheet.title not in present:
            problems.add(
                f"feuille « {sheet.title} » absente (feuilles présentes : {examples(present, most=8)})"
            )
            continue
        rows = read_workbook(content, path, sheet=sheet.title)
        tables[sheet.table] = _read_sheet(sheet, rows, known, problems, counts)
    organisation, date = _read_identity(content, path, present, problems)
    _cap(problems)
    problems.raise_if_any()
    if counts["protected"]:
        said = agree(counts["protected"], "effectif(s) gardé(s) secret(s) par l'expéditeur, inconnu(s) ici")
        warnings.warn(f"Classeur « {path.name} » : {said}.", TerritoryWarning, stacklevel=2)
    return FieldAnswers(organisation, date, counts["unanswered"], **tables)


def is_field_workbook(path: Path) -> bool:
    """Say whether a file is a workbook of the field, by the names of its sheets."""
    if path.suffix.lower() not in (".xlsx", ".xlsm"):
        return False
    return IDENTITY_SHEET in sheet_names(read_bytes(path), path)


def _read_sheet(
    sheet: FieldSheet,
    rows: list[tuple[int, list[str]]],
    known: Mapping[str, Collection[str] | None],
    problems: Problems,
    counts: dict[str, int],
) -> pd.DataFrame:
    """Return the table of one sheet; problems are added with their cells."""
    import pandas as pd

    start, places = _find_titles(sheet, rows, problems)
    kept: dict[int, dict[str, object]] = {}
    for line, cells in rows[start + 1 :]:
        texts = {
            column.name: cells[places[column.name]].strip()
            for column in sheet.columns
            if column.name in places
        }
        answers = [texts.get(column.name, "") for column in sheet.columns if column.is_answer]
        if not any(answers):
            counts["unanswered"] += any(texts.values())
            continue
        values: dict[str, object] = {}
        for column in sheet.columns:
            if column.name not in places or column.kind == "text":
                continue
            where = f"feuille « {sheet.title} », cellule {_letter(places[column.name])}{line}"
            values[column.name] = _value(column, texts[column.name], where, known, problems, counts)
        kept[line] = values
    columns = [column.name for column in sheet.columns if column.kind != "text"]
    table = pd.DataFrame.from_dict(kept, orient="index", columns=columns).rename_axis("line")
    for column in sheet.columns:
        if column.kind in ("count", "number", "age", "year"):
            table[column.name] = table[column.name].astype("float64")
    _check_rows(sheet, table, places, problems)
    return table.assign(is_observed=True)


def _find_titles(
    sheet: FieldSheet, rows: list[tuple[int, list[str]]], problems: Problems
) -> tuple[int, dict[str, int]]:
    """Return the position of the row of titles, and the column of each."""
    wanted = {column.title: column for column in sheet.columns}
    best, start = 0, 0
    for position, (_, cells) in enumerate(rows[:30]):
        found = len({cell.strip() for cell in cells} & set(wanted))
        if found > best:
            best, start = found, position
    titles = [cell.strip() for cell in rows[start][1]] if rows else []
    for title, column in wanted.items():
        times = titles.count(title)
        if times > 1:
            problems.add(f"feuille « {sheet.title} » : titre « {title} » {times} fois")
        if times == 0 and column.kind != "text":
            close = get_close_matches(title, [text for text in titles if text], n=1, cutoff=0.5)
            hint = f" (vouliez-vous dire « {close[0]} » ?)" if close else ""
            problems.add(f"feuille « {sheet.title} » : colonne « {title} » absente{hint}")
    return start, {column.name: titles.index(title) for title, column in wanted.items() if title in titles}


def _value(
    column: FieldColumn,
    text: str,
    where: str,
    known: Mapping[str, Collection[str] | None],
    problems: Problems,
    counts: dict[str, int],
) -> object:
    """Return the value of one cell, or add what is wrong with it."""
    if not text:
        if column.required:
            problems.add(f"{where} : « {column.title} » manque")
        return "" if column.kind in _UNKNOWN else float("nan")
    if column.kind in _UNKNOWN:
        return _code(column, text, where, known.get(column.kind), problems)
    if column.kind == "count" and _SPACES.sub("", text).casefold() in PROTECTED_CELLS:
        counts["protected"] += 1
        return float("nan")
    return _number(column, text, where, problems)


def _code(
    column: FieldColumn, text: str, where: str, known: Collection[str] | None, problems: Problems
) -> str:
    """Return a code as the tables write it."""
    code = text.casefold() if column.kind == "service" else text
    if column.kind == "commune":
        code = pad_code(text)
        if not re.fullmatch(COMMUNE_CODE, code):
            problems.add(f"{where} : « {text} » n'est pas un code de commune (83050, 2A004)")
            return code
    if known is not None and code not in known:
        close = get_close_matches(code, [str(value) for value in known], n=1, cutoff=0.7)
        hint = f" (vouliez-vous dire « {close[0]} » ?)" if close else ""
        problems.add(f"{where} : {_UNKNOWN[column.kind].format(text)} de l'étude{hint}")
    return code


def _number(column: FieldColumn, text: str, where: str, problems: Problems) -> float:
    """Return a number that can be what its column says."""
    try:
        number = float(_SPACES.sub("", text).replace("€", "").replace(",", "."))
    except ValueError:
        number = float("nan")
    whole = column.kind != "number"
    if number != number or number in (float("inf"), float("-inf")):
        problems.add(f"{where} : « {text} » n'est pas un nombre{' entier' if whole else ''}")
    elif number < 0:
        problems.add(f"{where} : « {text} » est négatif")
    elif whole and number % 1:
        problems.add(f"{where} : « {text} » n'est pas un nombre entier")
    elif column.kind == "age" and number > _OLDEST:
        problems.add(f"{where} : « {text} » n'est pas un âge")
    elif column.kind == "year" and not _FIRST_YEAR <= number <= _LAST_YEAR:
        problems.add(f"{where} : « {text} » n'est pas une année")
    else:
        return number
    return float("nan")


def _check_rows(
    sheet: FieldSheet, table: pd.DataFrame, places: Mapping[str, int], problems: Problems
) -> None:
    """Report ages out of order, more waiting than orientations, and the same row twice."""

    def report(wrong: pd.Series, name: str, said: str) -> None:
        for line in table.index[wrong]:
            problems.add(f"feuille « {sheet.title} », cellule {_letter(places.get(name, 0))}{line} : {said}")

    if {"age_min", "age_max"} <= set(table.columns):
        report(table["age_min"] > table["age_max"], "age_max", "l'âge maximal est sous l'âge minimal")
    if {"waiting", "orientations"} <= set(table.columns):
        said = "plus d'enfants en attente que d'orientations en vigueur"
        report(table["waiting"] > table["orientations"], "waiting", said)
    _check_repeats(sheet, table, problems)


def _check_repeats(sheet: FieldSheet, table: pd.DataFrame, problems: Problems) -> None:
    """Report rows about the same persons: the same key, or ages that overlap (none written means all)."""
    keys = [name for name in sheet.key if name not in ("age_min", "age_max")]
    if not set(keys) <= set(table.columns) or table.empty:
        return
    rows = table[keys].astype(object).assign(low=0.0, high=float("inf"), line=table.index)
    if {"age_min", "age_max"} <= set(sheet.key) & set(table.columns):
        rows["low"], rows["high"] = table["age_min"].fillna(0), table["age_max"].fillna(float("inf"))
    # a code that is wrong was reported already
    rows = rows[(rows[keys] != "").all(axis=1)].sort_values([*keys, "low"], kind="stable")
    previous = rows.groupby(keys, sort=False, dropna=False)[["high", "line"]].shift()
    for line, overlaps, other in zip(
        rows["line"], rows["low"] <= previous["high"], previous["line"], strict=True
    ):
        if overlaps:
            problems.add(
                f"feuille « {sheet.title} », cellule A{line} : mêmes personnes que la ligne {int(other)} (même clé, "
                "âges qui se recouvrent)"
            )


def _read_identity(
    content: bytes, path: Path, present: list[str], problems: Problems
) -> tuple[str, dt.date | None]:
    """Return who answers and for which date."""
    if IDENTITY_SHEET not in present:
        problems.add(f"feuille « {IDENTITY_SHEET} » absente")
        return "", None
    rows = read_workbook(content, path, sheet=IDENTITY_SHEET)
    found = {cells[0].strip(): (line, cells[1].strip()) for line, cells in rows if len(cells) > 1}
    line, text = found.get(SITUATION_DATE, (0, ""))
    organisation = found.get(ORGANISATION, (0, ""))[1]
    if not text:
        return organisation, None
    for form in _DATES:
        try:
            return organisation, dt.datetime.strptime(text, form).date()
        except ValueError:
            continue
    problems.add(
        f"feuille « {IDENTITY_SHEET} », cellule B{line} : « {text} » n'est pas une date (31/12/2025)"
    )
    return organisation, None


def _letter(position: int) -> str:
    """Return the letter of a column of Excel."""
    from openpyxl.utils import get_column_letter

    return str(get_column_letter(position + 1))


def _cap(problems: Problems) -> None:
    """Keep a message that can be read when a whole column is wrong."""
    extra = len(problems.messages) - _MOST_PROBLEMS
    if extra > 0:
        problems.messages = [*problems.messages[:_MOST_PROBLEMS], f"et {extra} autres"]
