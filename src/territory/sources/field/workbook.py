"""The workbook that an ARS sends to the field: its sheets, declared once to be written and read, and its writing."""

from __future__ import annotations

import datetime as dt
import io
import re
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from territory.errors import OutputError, ParameterError

if TYPE_CHECKING:
    import pandas as pd
    from openpyxl import Workbook
    from openpyxl.worksheet.worksheet import Worksheet

Kind = Literal["text", "commune", "service", "site", "count", "number", "age", "year"]
IDENTITY_SHEET = "Identification"
ORGANISATION = "Organisme qui répond"
SITUATION_DATE = "Date de la situation"
README_SHEET = "Lisez-moi"
LISTS_SHEET = "Listes"
# how a sender may write a count that it does not give, for secrecy
PROTECTED_CELLS = ("s", "secret", "<5", "<6", "<10", "<11")
README_LINES = (
    "Ce classeur recueille ce qu'aucun fichier public ne dit : orientations, attentes, places occupées, temps de "
    "route.",
    "Une cellule vide veut dire « inconnu » ; zéro veut dire « aucun ». N'écrivez pas zéro pour ce que vous ignorez.",
    "N'écrivez aucun nom ni aucune donnée sur une personne : seulement des effectifs.",
    "Donnez les effectifs réels si votre convention avec l'ARS le permet : les rapports masquent les petits effectifs. "
    "Sinon écrivez « s » (secret).",
    "Les orientations se comptent en décisions en cours, les attentes et les accompagnements en enfants : un enfant "
    "peut avoir plusieurs décisions.",
    "Une place occupée au titre de l'amendement Creton l'est par un jeune de plus de 20 ans maintenu dans un "
    "établissement pour enfants.",
    "Vous pouvez ajouter des lignes, non des colonnes ; ne changez ni les titres ni les noms des feuilles.",
)
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
    """One column: its name in the tables, its title in the workbook and what it takes.

    `is_answer` columns are what is asked; the others say of whom, and a row without any answer is no answer.
    """

    name: str
    title: str
    kind: Kind
    help: str = ""
    required: bool = False
    is_answer: bool = False


@dataclass(frozen=True)
class FieldSheet:
    """One sheet: the table it becomes, its title, who fills it, and which columns make a row unique."""

    table: str
    title: str
    intro: str
    key: tuple[str, ...]
    columns: tuple[FieldColumn, ...]


_COMMUNE = FieldColumn(
    "commune_code", "Code commune", "commune", "Code INSEE à cinq caractères", required=True
)


_COMMUNE_NAME = FieldColumn("commune_name", "Commune", "text", "Pour mémoire, non relu")


_SERVICE = FieldColumn("service", "Service", "service", "Choisir dans la liste", required=True)


_SITE = FieldColumn("site_id", "Site", "site", "Numéro FINESS de l'établissement", required=True)


_SITE_NAME = FieldColumn("site_name", "Nom du site", "text", "Pour mémoire, non relu")


_AGES = (
    FieldColumn("age_min", "Âge minimal", "age", "Âge révolu, compris"),
    FieldColumn("age_max", "Âge maximal", "age", "Âge révolu, compris"),
)


def _asked(name: str, title: str, kind: Kind, said: str) -> FieldColumn:
    """Return a column of answers."""
    return FieldColumn(name, title, kind, said, is_answer=True)


SHEETS: tuple[FieldSheet, ...] = (
    FieldSheet(
        "children",
        "Orientations",
        "À remplir par la MDPH : enfants de chaque commune, par service et par âge. Ajoutez des lignes pour couper en "
        "plusieurs tranches d'âge.",
        ("commune_code", "service", "age_min", "age_max"),
        (
            _COMMUNE,
            _COMMUNE_NAME,
            _SERVICE,
            *_AGES,
            _asked("orientations", "Orientations en vigueur", "count", "Décisions de la CDAPH en cours"),
            _asked("waiting", "Enfants en attente", "count", "Orientés et sans aucune place de ce type"),
            _asked("served", "Enfants accompagnés", "count", "Orientés et accueillis, où que ce soit"),
        ),
    ),
    FieldSheet(
        "reception",
        "Lieux d'accueil",
        "À remplir par la MDPH ou les gestionnaires : où sont accompagnés les enfants de chaque commune.",
        ("commune_code", "site_id", "service", "age_min", "age_max"),
        (
            _COMMUNE,
            _COMMUNE_NAME,
            _SITE,
            _SERVICE,
            *_AGES,
            _asked("children", "Enfants accompagnés", "count", "Enfants de la commune suivis par ce service"),
        ),
    ),
    FieldSheet(
        "activity",
        "Établissements",
        "À remplir par les gestionnaires : une ligne par site et par service.",
        ("site_id", "service"),
        (
            _SITE,
            _SITE_NAME,
            _SERVICE,
            _asked("file_active", "File active", "count", "Personnes suivies dans l'année"),
            _asked("creton_places", "Places amendement Creton", "count", "Jeunes adultes maintenus"),
            _asked(
                "outside_places", "Places d'enfants d'ailleurs", "count", "Enfants d'un autre département"
            ),
            _asked("staff_etp", "Personnel (ETP)", "number", "Équivalents temps plein en poste"),
            _asked("vacant_etp", "Postes vacants (ETP)", "number", "Équivalents temps plein non pourvus"),
            _asked("road_h_per_week", "Heures de route par semaine", "number", "Toute l'équipe, en heures"),
        ),
    ),
    FieldSheet(
        "budgets",
        "Budgets",
        "À remplir par les gestionnaires : budget de fonctionnement de chaque établissement.",
        ("site_id", "year"),
        (
            _SITE,
            _SITE_NAME,
            FieldColumn("year", "Année", "year", "Exercice", required=True),
            _asked("budget_eur", "Budget (€)", "number", "Charges de fonctionnement, en euros"),
        ),
    ),
)


def write_template(
    path: str | Path,
    communes: pd.DataFrame,
    services: pd.DataFrame,
    *,
    sites: pd.DataFrame | None = None,
) -> Path:
    """Write the workbook in which the MDPH and operators tell what only they know.

    The same communes and services give the same bytes. Answers are read back by `read_template`.

    Parameters
    ----------
    path
        Workbook to write (`.xlsx`).
    communes : DataFrame indexed by `commune_code`, column `name`
        Communes of the study: a line each, for each service that the CDAPH orients to.
    services : DataFrame indexed by (`site_id`, `service`)
        Services of the study; used when present: `capacity_unit` (services that have no places need no
        orientation), `age_min`, `age_max`.
    sites : DataFrame indexed by `site_id`, column `name`
        Names of the sites, for those who fill the workbook in.

    Returns
    -------
    Path
        The file written.

    Raises
    ------
    ParameterError
        If a table has not the index or the column that is needed, or the name does not end with `.xlsx`.
    OutputError
        If the file cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> import pandas as pd
    >>> folder = tempfile.TemporaryDirectory()
    >>> communes = pd.DataFrame({"name": ["Salernes"]}, index=pd.Index(["83121"], name="commune_code"))
    >>> index = pd.MultiIndex.from_tuples([("ime-salernes", "ime")], names=["site_id", "service"])
    >>> first = write_template(Path(folder.name) / "a.xlsx", communes, pd.DataFrame(index=index))
    >>> second = write_template(Path(folder.name) / "b.xlsx", communes, pd.DataFrame(index=index))
    >>> first.read_bytes() == second.read_bytes()
    True
    >>> folder.cleanup()
    """
    import openpyxl

    path = Path(path)
    _check(path, communes, services)
    book = openpyxl.Workbook()
    book.remove(book.worksheets[0])
    _write_readme(book)
    _write_identity(book)
    lists: dict[str, list[tuple[str, ...]]] = {
        "commune": [(str(code), str(name)) for code, name in communes["name"].items()],
        "service": [(name,) for name in sorted(set(services.index.get_level_values("service")))],
        "site": [(name,) for name in sorted(set(services.index.get_level_values("site_id")))],
    }
    names = {} if sites is None else {str(key): str(value) for key, value in sites["name"].items()}
    for sheet in SHEETS:
        _write_sheet(book, sheet, _prefilled(sheet, communes, services, names), lists)
    _write_lists(book, lists)
    try:
        path.write_bytes(_fixed_bytes(book))
    except OSError as error:
        raise OutputError(f"Le fichier « {path} » ne peut pas être écrit ({error.strerror}).") from error
    return path


def _check(path: Path, communes: pd.DataFrame, services: pd.DataFrame) -> None:
    """Refuse tables that cannot fill the workbook."""
    if path.suffix.lower() != ".xlsx":
        raise ParameterError(f"« {path.name} » : le nom d'un classeur finit par .xlsx.")
    if communes.index.name != "commune_code" or "name" not in communes:
        raise ParameterError("communes : l'index commune_code et la colonne « name » sont attendus.")
    if list(services.index.names) != ["site_id", "service"]:
        raise ParameterError("services : l'index (site_id, service) est attendu.")


def _prefilled(
    sheet: FieldSheet, communes: pd.DataFrame, services: pd.DataFrame, names: dict[str, str]
) -> list[dict[str, object]]:
    """Return the cells that are known beforehand, by row and column."""
    if sheet.table == "children":
        return [
            {"commune_code": code, "commune_name": name, "service": service, **ages}
            for code, name in communes["name"].items()
            for service, ages in _oriented(services).items()
        ]
    if sheet.table == "activity":
        pairs = sorted(set(services.index))
        return [{"site_id": site, "site_name": names.get(site, ""), "service": name} for site, name in pairs]
    if sheet.table == "budgets":
        sites = sorted(set(services.index.get_level_values("site_id")))
        return [{"site_id": site, "site_name": names.get(site, "")} for site in sites]
    return []


def _oriented(services: pd.DataFrame) -> dict[str, dict[str, object]]:
    """Return the services counted in places, with their youngest and oldest ages where all are known."""
    kept = services
    if "capacity_unit" in services:
        kept = services[services["capacity_unit"].fillna("places") == "places"]
    result: dict[str, dict[str, object]] = {}
    for service, rows in kept.groupby(level="service", sort=True):
        ages: dict[str, object] = {}
        if {"age_min", "age_max"} <= set(rows.columns) and rows[["age_min", "age_max"]].notna().all(
            axis=None
        ):
            ages = {"age_min": int(rows["age_min"].min()), "age_max": int(rows["age_max"].max())}
        result[str(service)] = ages
    return result


def _write_readme(book: Workbook) -> None:
    """Write the sheet of explanations."""
    from openpyxl.styles import Alignment, Font

    sheet = book.create_sheet(README_SHEET)
    sheet.column_dimensions["A"].width = 100
    sheet["A1"] = "Ce que le terrain sait : questionnaire de l'ARS"
    sheet["A1"].font = Font(bold=True, size=14)
    lines = [*README_LINES, "", *(f"Feuille « {item.title} » : {item.intro}" for item in SHEETS)]
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


def _write_sheet(
    book: Workbook,
    declared: FieldSheet,
    rows: list[dict[str, object]],
    lists: dict[str, list[tuple[str, ...]]],
) -> None:
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


def _add_check(
    sheet: Worksheet, column: FieldColumn, cells: str, lists: dict[str, list[tuple[str, ...]]]
) -> None:
    """Let Excel propose the known codes, and warn of what is no number; `read_template` decides."""
    from openpyxl.worksheet.datavalidation import DataValidation

    if column.kind in _LISTS:
        known = lists[column.kind]
        if not known:
            return
        where = _LISTS[column.kind]
        check = DataValidation("list", formula1=f"{LISTS_SHEET}!${where}$2:${where}${len(known) + 1}")
    elif column.kind in ("count", "age", "year"):
        check = DataValidation("whole", operator="greaterThanOrEqual", formula1="0")
    elif column.kind == "number":
        check = DataValidation("decimal", operator="greaterThanOrEqual", formula1="0")
    else:
        return
    # a warning and not a wall: « s » stands for a secret count
    check.errorStyle, check.allow_blank, check.showErrorMessage = "warning", True, True
    check.errorTitle, check.error = "Valeur inattendue", f"{column.title} : {column.help}."
    sheet.add_data_validation(check)
    check.add(cells)


def _write_lists(book: Workbook, lists: dict[str, list[tuple[str, ...]]]) -> None:
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
