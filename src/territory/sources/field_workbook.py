"""The workbook that an ARS sends to the field: its sheets, declared once to be written and read, and its writing."""

from __future__ import annotations

import datetime as dt
import io
import re
import tomllib
import zipfile
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from territory.errors import OutputError, ParameterError, retold

if TYPE_CHECKING:
    import pandas as pd
    from openpyxl import Workbook
    from openpyxl.worksheet.worksheet import Worksheet

# codes that cells choose from, by their kind, and cells that are known beforehand
Lists = dict[str, list[tuple[str, ...]]]
Rows = list[dict[str, object]]
Kind = Literal["text", "commune", "service", "site", "count", "number", "age", "year"]
IDENTITY_SHEET = "Identification"
ORGANISATION = "Organisme qui répond"
SITUATION_DATE = "Date de la situation"
README_SHEET = "Lisez-moi"
LISTS_SHEET = "Listes"
# how a sender may write a count that it does not give, for secrecy
PROTECTED_CELLS = ("s", "secret", "<5", "<6", "<10", "<11")
HEADER_ROW = 3
# rows that take a drop-down list and a check beyond those that are prefilled
_SPARE_ROWS = 500
_EPOCH = dt.datetime(2000, 1, 1)
_ZIP_DATE = (1980, 1, 1, 0, 0, 0)
_MODIFIED = re.compile(rb"(<dcterms:(?:created|modified)[^>]*>)[^<]*(<)")
_HEADER_COLOUR, _ANSWER_COLOUR, _NOTE_COLOUR = "1F3864", "FFF2CC", "595959"
_WIDTHS = {"text": 30, "commune": 14, "service": 14, "site": 16}
# the list that each kind of cell chooses from, and its column in the sheet of lists
_LISTS = {"commune": "A", "service": "C", "site": "D"}


@dataclass(frozen=True)
class FieldColumn:
    """One column: its name in the tables, its title in the workbook and what it takes."""

    name: str
    title: str
    kind: Kind
    help: str = ""
    required: bool = False
    # what is asked; the others say of whom, and a row without any answer is no answer
    is_answer: bool = False
    # a workbook sent before it was asked has not the column
    may_lack: bool = False


@dataclass(frozen=True)
class FieldSheet:
    """One sheet: the table it becomes, its title, who fills it, and which columns make a row unique."""

    table: str
    title: str
    intro: str
    key: tuple[str, ...]
    columns: tuple[FieldColumn, ...]


_DECLARED = tomllib.loads((resources.files("territory.sources") / "field_workbook.toml").read_text("utf-8"))
# what is said of a service from its answers
SAID: dict[str, str] = _DECLARED["said"]
SHEETS: tuple[FieldSheet, ...] = tuple(
    FieldSheet(
        **{name: sheet[name] for name in ("table", "title", "intro")},
        key=tuple(sheet["key"]),
        columns=tuple(FieldColumn(**column) for column in sheet["columns"]),
    )
    for sheet in _DECLARED["sheet"]
)


def write_template(
    path: str | Path, communes: pd.DataFrame, services: pd.DataFrame, *, sites: pd.DataFrame | None = None
) -> Path:
    """Write the workbook (`.xlsx`) in which the MDPH and operators tell what only they know, for `read_template`.

    The same communes and services give the same bytes. `communes` (column `name`) and `sites` (column `name`) are
    those of the study; `services`, by (`site_id`, `service`), may hold `capacity_unit` (one without places needs no
    orientation), `age_min` and `age_max`.
    """
    import openpyxl

    path = Path(path)
    if path.suffix.lower() != ".xlsx":
        raise ParameterError(f"« {path.name} » : le nom d'un classeur finit par .xlsx.")
    if communes.index.name != "commune_code" or "name" not in communes:
        raise ParameterError("communes : l'index commune_code et la colonne « name » sont attendus.")
    if list(services.index.names) != ["site_id", "service"]:
        raise ParameterError("services : l'index (site_id, service) est attendu.")
    book = openpyxl.Workbook()
    book.remove(book.worksheets[0])
    _write_readme(book)
    _write_identity(book)
    lists: Lists = {
        "commune": [(str(code), str(name)) for code, name in communes["name"].items()],
        "service": [(name,) for name in sorted(set(services.index.get_level_values("service")))],
        "site": [(name,) for name in sorted(set(services.index.get_level_values("site_id")))],
    }
    names = {} if sites is None else {str(key): str(value) for key, value in sites["name"].items()}
    rows = _prefilled(communes, services, names)
    for sheet in SHEETS:
        _write_sheet(book, sheet, rows.get(sheet.table, []), lists)
    _write_lists(book, lists)
    with retold(OSError, OutputError, f"Le fichier « {path} » ne peut pas être écrit ({{reason}})."):
        path.write_bytes(_fixed_bytes(book))
    return path


def _prefilled(communes: pd.DataFrame, services: pd.DataFrame, names: dict[str, str]) -> dict[str, Rows]:
    """Return the cells that are known beforehand, by table, row and column."""
    places = services
    if "capacity_unit" in services:
        places = services[services["capacity_unit"].fillna("places") == "places"]
    # the youngest and oldest ages of the services counted in places, where all are known
    oriented: dict[str, dict[str, object]] = {}
    for service, rows in places.groupby(level="service", sort=True):
        ages = rows.reindex(columns=["age_min", "age_max"])
        known = ages.notna().all(axis=None)
        both = {"age_min": ages["age_min"].min(), "age_max": ages["age_max"].max()}
        oriented[str(service)] = {name: int(age) for name, age in both.items()} if known else {}
    pairs = sorted(set(services.index))
    sites: dict[str, dict[str, object]] = {
        site: {"site_id": site, "site_name": names.get(site, "")} for site, _ in pairs
    }
    return {
        "children": [
            {"commune_code": code, "commune_name": name, "service": service, **ages}
            for code, name in communes["name"].items()
            for service, ages in oriented.items()
        ],
        "activity": [sites[site] | {"service": name} for site, name in pairs],
        "budgets": list(sites.values()),
    }


def _write_readme(book: Workbook) -> None:
    from openpyxl.styles import Alignment, Font

    sheet = book.create_sheet(README_SHEET)
    sheet.column_dimensions["A"].width = 100
    sheet["A1"] = "Ce que le terrain sait : questionnaire de l'ARS"
    sheet["A1"].font = Font(bold=True, size=14)
    lines = [*_DECLARED["readme"], "", *(f"Feuille « {item.title} » : {item.intro}" for item in SHEETS)]
    for row, line in enumerate(lines, start=3):
        sheet.cell(row, 1, line).alignment = Alignment(wrap_text=True, vertical="top")


def _write_identity(book: Workbook) -> None:
    """Write the sheet that says who answers and for which date."""
    from openpyxl.styles import Font, PatternFill

    sheet = book.create_sheet(IDENTITY_SHEET)
    sheet.column_dimensions["A"].width = 30
    sheet.column_dimensions["B"].width = 40
    for row, title in enumerate((ORGANISATION, SITUATION_DATE), start=1):
        sheet.cell(row, 1, title).font = Font(bold=True)
        sheet.cell(row, 2).fill = PatternFill("solid", fgColor=_ANSWER_COLOUR)
    sheet["B2"].number_format = "DD/MM/YYYY"
    sheet["C2"] = "jour/mois/année, par exemple 31/12/2025"


def _write_sheet(book: Workbook, declared: FieldSheet, rows: Rows, lists: Lists) -> None:
    """Write one sheet: who fills it, what each column takes, its titles, and the rows known beforehand."""
    from openpyxl.styles import Alignment, Font, PatternFill
    from openpyxl.utils import get_column_letter

    sheet = book.create_sheet(declared.title)
    sheet["A1"] = declared.intro
    sheet["A1"].font = Font(italic=True)
    sheet.row_dimensions[HEADER_ROW - 1].height = 38
    sheet.row_dimensions[HEADER_ROW].height = 34
    last = HEADER_ROW + len(rows) + _SPARE_ROWS
    for number, column in enumerate(declared.columns, start=1):
        letter = get_column_letter(number)
        sheet.column_dimensions[letter].width = _WIDTHS.get(column.kind, 16)
        note = sheet.cell(HEADER_ROW - 1, number, column.help)
        note.font = Font(size=9, color=_NOTE_COLOUR)
        note.alignment = Alignment(wrap_text=True, vertical="top")
        title = sheet.cell(HEADER_ROW, number, column.title)
        title.font = Font(bold=True, color="FFFFFF")
        title.fill = PatternFill("solid", fgColor=_HEADER_COLOUR)
        title.alignment = Alignment(wrap_text=True, vertical="center")
        _add_check(sheet, column, f"{letter}{HEADER_ROW + 1}:{letter}{last}", lists)
        for row, known in enumerate(rows, start=HEADER_ROW + 1):
            cell = sheet.cell(row, number, known.get(column.name))
            if isinstance(cell.value, str):
                # a name that begins with = is a name, and a code keeps its zeros
                cell.data_type = "s"
                cell.number_format = "@"
            if column.is_answer:
                cell.fill = PatternFill("solid", fgColor=_ANSWER_COLOUR)
    sheet.freeze_panes = sheet.cell(HEADER_ROW + 1, 1)


def _add_check(sheet: Worksheet, column: FieldColumn, cells: str, lists: Lists) -> None:
    """Let Excel propose the known codes, and warn of what is no number; `read_template` decides."""
    from openpyxl.worksheet.datavalidation import DataValidation

    if known := lists.get(column.kind):
        where = _LISTS[column.kind]
        check = DataValidation("list", formula1=f"{LISTS_SHEET}!${where}$2:${where}${len(known) + 1}")
    elif column.kind in ("count", "age", "year", "number"):
        kind: Literal["decimal", "whole"] = "decimal" if column.kind == "number" else "whole"
        check = DataValidation(kind, operator="greaterThanOrEqual", formula1="0")
    else:
        return
    # a warning and not a wall: « s » stands for a secret count
    check.errorStyle, check.allow_blank, check.showErrorMessage = "warning", True, True
    check.errorTitle, check.error = "Valeur inattendue", f"{column.title} : {column.help}."
    sheet.add_data_validation(check)
    check.add(cells)


def _write_lists(book: Workbook, lists: Lists) -> None:
    """Write the sheet that the drop-down lists read."""
    from openpyxl.styles import Font

    sheet = book.create_sheet(LISTS_SHEET)
    for number, title in enumerate(("Code commune", "Commune", "Service", "Site"), start=1):
        sheet.cell(1, number, title).font = Font(bold=True)
    for first, kind in ((1, "commune"), (3, "service"), (4, "site")):
        for row, values in enumerate(lists[kind], start=2):
            for offset, value in enumerate(values):
                cell = sheet.cell(row, first + offset, value)
                cell.data_type, cell.number_format = "s", "@"


def _fixed_bytes(book: Workbook) -> bytes:
    """Return the workbook as bytes that hold no clock: neither in its properties nor in its archive."""
    book.properties.creator = "territory"
    book.properties.created = _EPOCH
    written = io.BytesIO()
    book.save(written)
    fixed = io.BytesIO()
    stamp = _EPOCH.strftime("%Y-%m-%dT%H:%M:%SZ").encode()
    with zipfile.ZipFile(written) as source, zipfile.ZipFile(fixed, "w", zipfile.ZIP_DEFLATED) as target:
        for name in sorted(source.namelist()):
            content = source.read(name)
            if name == "docProps/core.xml":
                content = _MODIFIED.sub(rb"\g<1>" + stamp + rb"\g<2>", content)
            target.writestr(zipfile.ZipInfo(name, _ZIP_DATE), content, zipfile.ZIP_DEFLATED)
    return fixed.getvalue()
