"""Tables and workbooks on disk, the same bytes for the same content: ten times faster than a library."""

import csv
import html
import io
import math
import re
import tomllib
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, lru_cache
from importlib import resources
from itertools import chain
from pathlib import Path
from string import Template
from textwrap import wrap
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape, quoteattr

from territory.release.disclosure import SUPPRESSED, THRESHOLD
from territory.tables.catalogue import table_of
from territory.tables.schemas import data_schema

if TYPE_CHECKING:
    import pandas as pd

    from territory.release.gate import Release

Value = str | float | int | None

_ZIP_DATE = (2000, 1, 1, 0, 0, 0)
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006"
_HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
# characters that XML 1.0 does not allow; a cell holds 32,767 letters at most
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_MOST_LETTERS = 32_000
# what a spreadsheet takes for a formula when somebody edits the cell or opens the sheet as CSV
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "|", "%")
# styles, by their place in templates/xlsx.toml
_PLAIN, _TEXT, _QUOTED, _HEADER, _TITLE, _WRAPPED, _WRAPPED_QUOTED = range(7)
_WHOLE, _TENTHS, _FINE, _PERCENT, _LINK = range(7, 12)
# how the numbers of a column are shown: as they are (a year), without decimals, with one, with three, as a percentage
_NUMBERS = {"plain": _PLAIN, "whole": _WHOLE, "tenths": _TENTHS, "fine": _FINE, "percent": _PERCENT}
_LINE_POINTS, _MOST_LINES = 15.0, 12


@dataclass(frozen=True)
class Sheet:
    """One sheet: a table with its titles, or lines of text when it has none."""

    name: str  # at most 31 letters, no bracket, colon, star, question mark or slash
    heads: Sequence[str]  # empty for lines of text
    rows: Sequence[Sequence[Value]]
    widths: Sequence[float]  # in letters
    titles: frozenset[int] = frozenset()  # lines of text that are titles, by their place
    formats: Sequence[str] = ()  # how the numbers of each column are shown, see `_NUMBERS`; `tenths` without
    links: Mapping[int, str] = field(default_factory=dict)  # the sheet that a line of text leads to


@cache
def _templates(file: str) -> dict[str, Template]:
    """Return the parts of a file of XML."""
    source = (resources.files("territory.report.layout") / f"templates/{file}.toml").read_text("utf-8")
    return {name: Template(text) for name, text in tomllib.loads(source).items()}


def fill(file: str, part: str, /, **texts: object) -> str:
    """Fill a part of XML, texts escaped; those whose name is in capitals are XML already."""
    safe = {
        key: text if key.isupper() else html.escape(_FORBIDDEN.sub("\ufffd", str(text)))
        for key, text in texts.items()
    }
    return _templates(file)[part].substitute(safe)


def to_xlsx(sheets: Sequence[Sheet], *, title: str, mark: str = "") -> bytes:
    """Return a workbook as bytes (ECMA-376, part 1): a text is one, whatever it begins with and whoever edits it."""
    names, office = [f"sheet{i}.xml" for i in range(1, len(sheets) + 1)], f"{_OFFICE}/relationships"
    inside = dict.fromkeys((f"worksheets/{name}" for name in names), f"{office}/worksheet")
    tied = "".join(
        f'<Relationship Id="rId{i}" Type="{kind}" Target="{target}"/>'
        for i, (target, kind) in enumerate([*inside.items(), ("styles.xml", f"{office}/styles")], start=1)
    )
    listed = "".join(fill("xlsx", "sheet", name=name) for name in names)
    parts = {
        "[Content_Types].xml": fill("xlsx", "types", SHEETS=listed),
        "_rels/.rels": fill("xlsx", "rels"),
        "docProps/core.xml": fill("xlsx", "core", title=title),
        "xl/workbook.xml": _workbook(sheets),
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{_PACKAGE}/relationships">{tied}</Relationships>',
        "xl/styles.xml": fill("xlsx", "styles"),
    }
    # one sheet at a time: their XML is many times the size of the file
    drawn = ((f"xl/worksheets/{name}", _sheet(one, mark)) for name, one in zip(names, sheets, strict=True))
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as target:
        for name, content in chain(parts.items(), drawn):
            target.writestr(zipfile.ZipInfo(name, _ZIP_DATE), _HEAD + content, zipfile.ZIP_DEFLATED, 3)
    return written.getvalue()


def _workbook(sheets: Sequence[Sheet]) -> str:
    """List the sheets and the ranges of their filters."""
    listed, filters = "", ""
    for i, sheet in enumerate(sheets):
        listed += f'<sheet name={quoteattr(sheet.name)} sheetId="{i + 1}" r:id="rId{i + 1}"/>'
        if sheet.heads and sheet.rows:
            place = _place(sheet.name)
            last = f"${column_letters(len(sheet.heads))}${len(sheet.rows) + 1}"
            for name, shown, cells in (
                ("_FilterDatabase", ' hidden="1"', f"$A$1:{last}"),
                ("Print_Area", "", f"$A$1:{last}"),
                ("Print_Titles", "", "$1:$1"),
            ):
                head = f'<definedName name="_xlnm.{name}" localSheetId="{i}"{shown}>'
                filters += f"{head}{_safe(place + cells)}</definedName>"
    named = f"<definedNames>{filters}</definedNames>" if filters else ""
    return f'<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}/relationships"><sheets>{listed}</sheets>{named}</workbook>'


def _place(name: str) -> str:
    """Return the name of a sheet before a cell."""
    return "'{}'!".format(name.replace("'", "''"))


def _sheet(sheet: Sheet, mark: str) -> str:
    """Write one sheet: titles that stay in sight, widths, rows, filter; on paper, the mark on each page."""
    frozen = ""
    if sheet.heads:
        # the first column stays in sight too, when there is another to look at
        split = 'xSplit="1" ' if len(sheet.heads) > 1 else ""
        corner, pane = ("B2", "bottomRight") if split else ("A2", "bottomLeft")
        frozen = f'<pane {split}ySplit="1" topLeftCell="{corner}" activePane="{pane}" state="frozen"/>'
    widths = "".join(
        f'<col min="{i}" max="{i}" width="{width:g}" customWidth="1"/>'
        for i, width in enumerate(sheet.widths, start=1)
    )
    letters = [column_letters(i) for i in range(1, max(len(sheet.widths), len(sheet.heads), 1) + 1)]
    formats = [*sheet.formats, *["tenths"] * len(letters)]
    lines = []
    if sheet.heads:
        cells = "".join(_cell(letters[i], 1, head, _HEADER, "plain") for i, head in enumerate(sheet.heads))
        lines.append(f'<row r="1" ht="48" customHeight="1">{cells}</row>')
    for place, row in enumerate(sheet.rows):
        number = place + 1 + bool(sheet.heads)
        style = None if sheet.heads else _TITLE if place in sheet.titles else _WRAPPED
        style = _LINK if place in sheet.links else style
        cells = "".join(
            _cell(letters[i], number, value, style, formats[i])
            for i, value in enumerate(row)
            if value is not None
        )
        height = _height(row, sheet.widths, lead=0.4 * (place in sheet.titles))
        lines.append(f'<row r="{number}"{height}>{cells}</row>')
    last = f"{column_letters(max(len(sheet.heads), 1))}{len(sheet.rows) + 1}"
    filtered = f'<autoFilter ref="A1:{last}"/>' if sheet.heads and sheet.rows else ""
    # & begins a code there
    said = _safe(mark.replace("&", "&&"))
    links = "".join(
        f'<hyperlink ref="A{place + 1}" location={quoteattr(_place(name) + "A1")} display={quoteattr(_safe(name))}/>'
        for place, name in sheet.links.items()
    )
    links = f"<hyperlinks>{links}</hyperlinks>" if links else ""
    # on paper: the whole width on one page, lying down where there are columns
    lying = ' orientation="landscape"' if sheet.heads else ""
    parts = {"PANE": frozen, "WIDTHS": widths, "LINES": "".join(lines), "FILTERED": filtered, "LINKS": links}
    return fill("xlsx", "worksheet", **parts, LYING=lying, SAID=said)


def _height(row: Sequence[Value], widths: Sequence[float], *, lead: float) -> str:
    """Return the height of a row whose texts take several lines: not every reader finds it by itself."""
    texts = [(value, width) for value, width in zip(row, widths, strict=False) if isinstance(value, str)]
    if len(widths) == 1:
        # a lone column is a text that runs on, whose lines end with its words; a letter is narrower than a digit
        most = max((len(wrap(value, int(1.12 * width))) for value, width in texts), default=1)
    else:
        most = math.ceil(max(((len(value) + 1) / width for value, width in texts), default=1.0))
    lines = min(_MOST_LINES, most) + lead
    return f' ht="{_LINE_POINTS * lines:g}" customHeight="1"' if lines > 1 else ""


def _cell(letters: str, number: int, value: Value, style: int | None, shown: str) -> str:
    """Write one cell: a number as a number, anything else as a text."""
    if isinstance(value, str):
        return f'<c r="{letters}{number}" {_text_cell(value, style)}'
    if value is None or not math.isfinite(value):
        return ""
    return f'<c r="{letters}{number}" s="{_NUMBERS[shown]}"><v>{value!r}</v></c>'


# a sheet says the same names, units and words thousands of times
@lru_cache(maxsize=16_384)
def _text_cell(value: str, style: int | None) -> str:
    """Write what a cell of text holds, after its place."""
    is_risky = value.startswith(_FORMULA_STARTS)
    if style is None:
        style = _QUOTED if is_risky else _TEXT
    elif style == _WRAPPED and is_risky:
        style = _WRAPPED_QUOTED
    return f's="{style}" t="inlineStr"><is><t xml:space="preserve">{_safe(value)}</t></is></c>'


def _safe(text: str) -> str:
    """Return a text as XML holds it; what XML cannot hold becomes a replacement mark."""
    return escape(_FORBIDDEN.sub("\ufffd", text[:_MOST_LETTERS]))


def column_letters(place: int) -> str:
    """Return the letters of a column."""
    letters = ""
    while place:
        place, rest = divmod(place - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters


def write_table(table: "pd.DataFrame", path: Path) -> None:
    """Write a flat table twice: as CSV, without formulas, and as Parquet, as it is."""
    write_csv(table, path.with_suffix(".csv"))
    table.to_parquet(path.with_suffix(".parquet"), index=False)


# what Excel reads as a number, and so changes: zeros first, or more digits than a number holds
_CODE = re.compile(r"0[0-9]+|[0-9]{12,}")


def write_excel_csv(sheet: Sheet, path: Path) -> None:
    """Write a sheet as the CSV that a French Excel opens by a double click (docs/decisions/0031-files-that-open.md)."""
    columns = list(zip(*sheet.rows, strict=True)) or [() for _ in sheet.heads]
    written = [_as_excel(values, shown) for values, shown in zip(columns, sheet.formats, strict=True)]
    with path.open("w", encoding="utf-8-sig", newline="") as target:
        writer = csv.writer(target, delimiter=";", lineterminator="\r\n")
        writer.writerow([_as_text(head) for head in sheet.heads])
        writer.writerows(zip(*written, strict=True))


def _as_excel(values: Sequence[Value], shown: str) -> list[str]:
    """Write a column with decimal commas; codes of which one would change are texts, as a constant is one."""
    codes = any(isinstance(value, str) and _CODE.fullmatch(value) for value in values)

    def one(value: Value) -> str:
        if value is None:
            return ""
        if isinstance(value, str):
            return f'="{value}"' if codes and value.isascii() and value.isalnum() else _as_text(value)
        return (f"{100 * value:.10g} %" if shown == "percent" else f"{value:.10g}").replace(".", ",")

    return [one(value) for value in values]


def write_csv(table: "pd.DataFrame", path: Path) -> None:
    """Write a flat table as CSV: UTF-8, comma, decimal point, no formula."""
    without_formulas(table).to_csv(path, index=False, encoding="utf-8", lineterminator="\n")


# what Excel and LibreOffice read as the beginning of a formula; a sign before a number, or alone, is none
_FORMULA = re.compile(r"\s*[=@]|\s*[+\-](?!\s*\Z|\s*[0-9]+(?:[.,][0-9]+)?\s*%?\s*\Z)|[\t\r]")


def without_formulas(table: "pd.DataFrame") -> "pd.DataFrame":
    """Put an apostrophe before texts, not numbers, that a spreadsheet would compute (OWASP, « CSV Injection »)."""
    from pandas.api.types import is_bool_dtype, is_datetime64_any_dtype, is_numeric_dtype

    changed = {}
    for name in table.columns:
        column = table[name]
        if is_numeric_dtype(column) or is_bool_dtype(column) or is_datetime64_any_dtype(column):
            continue
        written = {text: _as_text(text) for text in column.dropna().unique() if isinstance(text, str)}
        written = {text: safe for text, safe in written.items() if safe != text}
        if written:
            changed[name] = column.astype(object).map(lambda value, safe=written: safe.get(value, value))
    return table.assign(**changed) if changed else table


def _as_text(text: str) -> str:
    """Return a text that no spreadsheet computes, and that no reader cuts in two lines at a carriage return."""
    safe = f"'{text}" if _FORMULA.match(text) else text
    return safe.replace("\r\n", "\n").replace("\r", " ")


# what a column of another table names by its code
_REFERENCES = {"commune_code": "communes", "site_id": "sites"}
_ETALAB = {"name": "etalab-2.0", "path": "https://www.etalab.gouv.fr/licence-ouverte-open-licence/"}
_LICENCES = {"Licence Ouverte 2.0": _ETALAB}


def sources_in_words(sources: "pd.DataFrame | None") -> list[str]:
    """Return a line for each source, with what is known of it."""
    if sources is None:
        return []
    rows = sources[["producer", "title", "vintage", "licence"]].fillna("").itertuples(index=False)
    lines = []
    for producer, title, *details in rows:
        said = " ; ".join(filter(None, details))
        lines.append(f"{f'{producer} : ' if producer else ''}{title}{f' ({said})' if said else ''}")
    return list(dict.fromkeys(lines))


def data_package(released: "Release") -> dict[str, Any]:
    """Describe every table that is handed over, from its declaration (Frictionless Data, Tabular Data Package 1)."""
    tables, sources = released.tables, released.sources
    resources = []
    for name, table in tables.items():
        schema = data_schema(name, table, missing=["", SUPPRESSED, f"< {THRESHOLD}"])
        keys = [
            {"fields": [column], "reference": {"resource": of.lower(), "fields": [column]}}
            for column, of in _REFERENCES.items()
            if of in tables
            and of != name
            and column in table
            and table[column].isin(tables[of][column]).all()
        ]
        resource = {
            "profile": "tabular-data-resource",
            "name": name.lower(),
            "path": f"tables/{released.file_name(name)}.csv",
            "title": table_of(name).title,
            "description": table_of(name).table.fr_about,
            "format": "csv",
            "mediatype": "text/csv",
            "encoding": "utf-8",
            "schema": {**schema, **({"foreignKeys": keys} if keys else {})},
        }
        resources.append(resource)
    study = released.study
    return {
        "profile": "tabular-data-package",
        "name": study.id,
        "title": study.title,
        "description": " ".join([study.question, released.mark]).strip(),
        "resources": resources,
        "sources": [{"title": title} for title in sources_in_words(sources)],
        # of the data, not of what an agency computes from them: its own to say
        "licenses": [
            _LICENCES[one]
            for one in dict.fromkeys([] if sources is None else sources["licence"])
            if one in _LICENCES
        ],
    }
