"""The workbook that one reads, ten sheets by question, and the one that holds every table, under French names."""

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from territory.french.words import count, in_guillemets, typeset
from territory.report.files.writers import Sheet, Value, sources_in_words, to_xlsx
from territory.report.layout.document import wording
from territory.report.reading import UNKNOWN, Reading
from territory.tables.catalogue import COLUMNS, KEYS, code_label, column_of, label_of, measure_label, table_of
from territory.tables.declare import NO_UNIT, Column, Secrecy, lines_of

README, SOURCES = "Sommaire", "Sources"
_HOW_TO_READ = wording("workbook.lines").splitlines()
# long tables whose keys are spread over columns: what is shown of each scenario
_SIGN = " : "
_OF_SCENARIO = {
    "scenario_value": COLUMNS["value"],
    "delta_value": COLUMNS["delta"],
    "is_distinguishable": COLUMNS["is_distinguishable"],
}
# what a reader is given, the most asked first: as many sheets with the one that leads to them
_READER, _MOST_SHEETS = tuple(lines_of("sheets.csv", "territory.report.files")), 10
# a spreadsheet holds no more
_MOST_ROWS = 1_048_575
# codes beside which a name is put where the table has none
_NAMED = {
    "commune_code": ("commune_name", "name"),
    "worst_loss_commune": ("worst_name",),
    "zone": ("zone_name",),
    **dict.fromkeys(("site_id", "to_id", "baseline_site_id", "scenario_site_id"), ("name",)),
}
_NAME, _ACRONYM = " (nom)", 5
_SHEET_SIGNS = re.compile(r"[\[\]:*?/\\\x00-\x1f]")
# a page cuts a lone column that is wider than it, and does not shrink it: the digits of LibreOffice's font are wide
_README_WIDTH = 75
_MOST_WIDTH, _LEAST_WIDTH, _MEASURED_ROWS = 34.0, 9.0, 300


def workbook_bytes(sheets: Mapping[str, Sheet], reading: Reading) -> bytes:
    """Return every published table as one workbook, the same bytes for the same tables."""
    said = {sheet.name: count(len(sheet.rows), "ligne") for sheet in sheets.values()}
    return _bytes([_readme(reading, said), *sheets.values()], reading)


def reader_bytes(tables: Mapping[str, pd.DataFrame], reading: Reading) -> bytes:
    """Return the workbook that one reads: at most ten sheets, the columns that answer a question, names and units."""
    sheets: list[Sheet] = []
    said = {}
    for line in _READER:
        found = [name for name in tables if table_of(name).table.name == line["table"]]
        table = pd.concat([tables[name] for name in found]) if found else pd.DataFrame()
        if line["rows"] and len(table):
            table = table.query(line["rows"])
        if len(table) and len(sheets) < _MOST_SHEETS - 1:
            spread = {"comparaison_mesures": _side_by_side, "acces_communes": _times}.get(line["table"])
            table = spread(table, reading) if spread else table
            asked = [one for one in line["columns"].split() if one in table and not table[one].isna().all()]
            sheets.append(_sheet(line["title"], found[0], table[asked] if asked else table, reading))
            said[line["title"]] = f"{line['about']} ({count(len(table), 'ligne')})"
    return _bytes([_readme(reading, said), *sheets], reading)


def _bytes(sheets: Sequence[Sheet], reading: Reading) -> bytes:
    """Return sheets as a workbook."""
    return to_xlsx(sheets, title=typeset(reading.study.title), mark=typeset(reading.release.mark))


def full_sheets(tables: Mapping[str, pd.DataFrame], reading: Reading) -> dict[str, Sheet]:
    """Return every published table as a sheet, by its name."""
    made: dict[str, Sheet] = {}
    for name, table in tables.items():
        # 31 letters, none of the signs of a spreadsheet, not used yet
        base = _SHEET_SIGNS.sub(" ", table_of(name).title)[:31].strip("' ") or "Table"
        title, number = base, 2
        while title.casefold() in {README.casefold(), *(one.name.casefold() for one in made.values())}:
            title, number = f"{base[:27]} {number}", number + 1
        made[name] = _sheet(title, name, table, reading)
    return made


def _times(table: pd.DataFrame, reading: Reading) -> pd.DataFrame:
    """Return one column of minutes for each service, without the communes around."""
    inside = table[table["commune_code"].isin(reading.parameters.territory_codes)]
    keys = ["commune_code", "commune_name", "epci_name"]
    # a commune outside any EPCI has no name for it, and stays
    wide = inside.fillna({"epci_name": ""}).pivot(index=keys, columns="service", values="travel_time_min")
    known = [service for service in reading.services if service in wide]
    return wide[known].add_suffix(f"{_SIGN}travel_time_min").reset_index()


def _side_by_side(table: pd.DataFrame, reading: Reading) -> pd.DataFrame:
    """Return every scenario beside today: one line for each measure, one block of columns for each scenario."""
    keys = ["service", "measure", *KEYS]
    named = table.fillna(dict.fromkeys(KEYS[1:], "")).fillna({"threshold_min": -1.0})
    # one format for a column: shares are said in percent, in a table where others are minutes
    shares = named["unit"].eq("share")
    values = named.select_dtypes("number").columns.difference(["threshold_min", "better_share"])
    named[values] = named[values].mask(shares, (100 * named[values]).round(2))
    named["unit"] = named["unit"].mask(shares, "%")
    blocks = {str(name): rows.set_index(keys) for name, rows in named.groupby("scenario", sort=False)}
    wide = next(iter(blocks.values()))[["unit", "baseline_value"]]
    for scenario, rows in blocks.items():
        wide = wide.join(rows[[*_OF_SCENARIO]].add_prefix(f"{scenario}{_SIGN}"))
    flat: Any = wide.dropna(subset=[*wide.select_dtypes("number")], how="all").reset_index()
    flat["measure"] = [
        measure_label(name, {**row, "criterion": _desert_words(str(row["criterion"]), reading)}, is_long=True)
        for name, row in zip(flat["measure"], flat[list(KEYS)].to_dict("records"), strict=True)
    ]
    return pd.DataFrame(flat.drop(columns=list(KEYS)))


def _readme(reading: Reading, sheets: Mapping[str, str]) -> Sheet:
    """Return the sheet that says what the others are, and leads to them."""
    study = reading.study
    digest = f"Empreinte du calcul (SHA-256, reprise dans manifest.json) : {reading.release.run_digest}"
    place = f"Territoire : {study.territory.name} · population {reading.vintage()}"
    parts: dict[str, list[str]] = {
        study.title: [place, study.question],
        # a link by itself: LibreOffice does not go to the line within one
        "Feuilles": [line for name, said in sheets.items() for line in (name, f"{said}.")],
        "Comment lire ce classeur": _HOW_TO_READ,
        "Scénarios": [f"{s.id} : {s.name}" for s in study.scenario],
        UNKNOWN: [f"{found.question} À demander : {found.ask}." for found in study.unknown],
        SOURCES: sources_in_words(reading.release.sources),
    }
    lines = [reading.release.mark] if reading.release.mark else []
    titles, links = set(range(len(lines))), {}
    for title, said in ((title, said) for title, said in parts.items() if said):
        titles.add(len(lines))
        if title == "Feuilles":
            links = {len(lines) + 1 + 2 * rank: name for rank, name in enumerate(sheets)}
        lines += [title, *said, ""]
    lines.append(digest)
    written = [[typeset(text)] for text in lines]
    return Sheet(README, (), written, [_README_WIDTH], frozenset(titles), links=links)


def _sheet(title: str, name: str, table: pd.DataFrame, reading: Reading) -> Sheet:
    """Return one table with French titles, its columns as wide as what they hold."""
    shown = _with_names(table.head(_MOST_ROWS), reading)
    declared = [_declared(name, str(column), reading) for column in shown.columns]
    columns = [_values(shown[at], one, reading) for at, (_, one) in zip(shown.columns, declared, strict=True)]
    heads = [typeset(head) for head, _ in declared]
    widths = []
    for head, values in zip(heads, columns, strict=True):
        longest = max((len(str(v)) for v in values[:_MEASURED_ROWS] if v is not None), default=0)
        # a title may take three lines
        wanted = max(longest + 2.0, math.ceil(len(head) / 3) + 3.0, 1.2 * max(map(len, head.split())) + 2.0)
        widths.append(min(_MOST_WIDTH, max(_LEAST_WIDTH, wanted)))
    rows = list(zip(*columns, strict=True))
    is_mixed = "unit" in shown
    formats = [_format(one, values, is_mixed) for (_, one), values in zip(declared, columns, strict=True)]
    return Sheet(title, heads, rows, widths, formats=formats)


def _format(declared: Column, values: Sequence[Value], is_mixed: bool) -> str:
    """Return how all the numbers of a column are shown: as they are where each row has its own unit."""
    if declared.unit.suffix == "_share":
        return "percent"
    shown = "plain" if is_mixed and declared.unit is NO_UNIT else declared.number_format
    if shown == "plain" or not any(isinstance(value, float) for value in values):
        return "plain" if shown == "plain" else "whole"
    return "fine" if shown == "fine" else "tenths"


def _with_names(table: pd.DataFrame, reading: Reading) -> pd.DataFrame:
    """Put the name beside each code that has none in the table."""
    places, communes = reading.release.sites["name"], reading.communes["name"]
    for column, known in _NAMED.items():
        if column in table and not any(name in table for name in known):
            names = communes if "commune" in column else places
            names = pd.Series(reading.zone_names) if column == "zone" else names
            found = table[column].map(names.to_dict())
            if found.notna().any():
                place = [str(one) for one in table].index(column) + 1
                table = table.copy(deep=False)
                table.insert(place, f"{column}{_NAME}", found)
    return table


def _declared(name: str, column: str, reading: Reading) -> tuple[str, Column]:
    """Return the heading of a column of a sheet, and its declaration."""
    if column.endswith(_NAME):
        return f"{label_of(name, column.removesuffix(_NAME))}{_NAME}", COLUMNS["name"]
    of, sign, quantity = column.partition(_SIGN)
    if not sign:
        return label_of(name, column).replace("part de 0 à 1", "%"), column_of(name, column)
    if quantity not in _OF_SCENARIO:
        return f"{reading.label(of)} (min)", COLUMNS[quantity]
    said = _OF_SCENARIO[quantity]
    return f"Scénario {of} : {said.label[:1].lower()}{said.label[1:]}", said


def _values(column: pd.Series, declared: Column, reading: Reading) -> list[Value]:
    """Return the values of a column as a spreadsheet holds them: numbers, texts, nothing."""
    if pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column):
        return [_number(value) for value in column.astype(float).tolist()]
    written: dict[object, Value] = {}
    for value in column.astype(object).unique():
        if isinstance(value, str):
            written[value] = text_of(value, declared, reading)
        elif isinstance(value, bool):
            written[value] = "oui" if value else "non"
        elif isinstance(value, float | int):
            written[value] = _number(float(value))
    return [written.get(value) for value in column.astype(object)]


def _number(value: float) -> Value:
    """Return a number, whole when it is, nothing when it is unknown."""
    if not math.isfinite(value):
        return None
    return int(value) if value.is_integer() else value


def text_of(value: str, declared: Column, reading: Reading) -> Value:
    """Return a text as it is printed; a whole number of persons written as text becomes a number again."""
    name, is_public = declared.name, declared.secrecy is Secrecy.PUBLIC
    if not is_public and value.isdecimal():
        return int(value)
    if value == "":
        return None
    if name == "public":
        return typeset({need.public: need.label for need in reading.study.need}.get(value, value))
    if name in ("criterion", "scheme", "desert_class"):
        return typeset(_desert_words(value, reading))
    if name in ("service", "authorisation_id", "authorisation"):
        named = value in reading.named
        said = reading.short(value) if named else _desert_words(code_label(declared, value), reading)
        # what has no name of its own is an acronym: cmpp, uema
        return typeset(said.upper() if said == value and len(value) <= _ACRONYM else said)
    if not is_public or declared.codes or declared.kind == "flag":
        return typeset(code_label(declared, value))
    # names of places as the other documents write them: Cœur du Var, « Sources de lumière »
    return typeset(in_guillemets(value)) if name in ("epci_name", "zone_name") else value


def _desert_words(value: str, reading: Reading) -> str:
    """Return the names of a scheme, of a criterion, or of a class that names one."""
    labels = {scheme.id: scheme.label for scheme in reading.study.desert}
    labels |= {one.id: one.label for one in reading.criteria}
    first, sign, rest = value.partition(" : ")
    return f"{labels.get(first, first)}{sign}{rest}"
