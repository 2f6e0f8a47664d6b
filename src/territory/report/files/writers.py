"""Tables, map layers and workbooks on disk, the same bytes for the same content: ten times faster than a library."""

from __future__ import annotations

import io
import math
import re
import sqlite3
import zipfile
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape, quoteattr

from territory.tables.catalogue import label_of

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd

Value = str | float | int | None

_ZIP_DATE = (2000, 1, 1, 0, 0, 0)
_STAMP = "2000-01-01T00:00:00Z"
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006"
_HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
# characters that XML 1.0 does not allow; a cell holds 32,767 letters at most
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_MOST_LETTERS = 32_000
# what a spreadsheet takes for a formula when somebody edits the cell or opens the sheet as CSV
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "|", "%")
# styles, by their place in styles.xml
_PLAIN, _TEXT, _QUOTED, _HEADER, _TITLE, _WRAPPED, _WRAPPED_QUOTED, _WHOLE, _TENTHS, _FINE = range(10)
# how a number is shown, whole or not, by the format of its column: a year, one decimal at most, three at most
_NUMBERS = {"plain": (_PLAIN, _PLAIN), "rounded": (_WHOLE, _TENTHS), "fine": (_WHOLE, _FINE)}
_LINE_POINTS = 15.0


@dataclass(frozen=True)
class Sheet:
    """One sheet: a table with its titles, or lines of text when it has none."""

    name: str  # at most 31 letters, no bracket, colon, star, question mark or slash
    heads: Sequence[str]  # empty for lines of text
    rows: Sequence[Sequence[Value]]
    widths: Sequence[float]  # in letters
    titles: frozenset[int] = frozenset()  # lines of text that are titles, by their place
    formats: Sequence[str] = ()  # how the numbers of each column are shown, see `_NUMBERS`; `rounded` without


def to_xlsx(sheets: Sequence[Sheet], *, title: str, mark: str = "") -> bytes:
    """Return a workbook as bytes (ECMA-376, part 1): a text is one, whatever it begins with and whoever edits it."""
    names, office = [f"sheet{i}.xml" for i in range(1, len(sheets) + 1)], f"{_OFFICE}/relationships"
    whole = {
        "xl/workbook.xml": f"{office}/officeDocument",
        "docProps/core.xml": f"{_PACKAGE}/relationships/metadata/core-properties",
    }
    inside = dict.fromkeys((f"worksheets/{name}" for name in names), f"{office}/worksheet")
    parts = {
        "[Content_Types].xml": _content_types(names),
        "_rels/.rels": _rels(whole),
        "docProps/core.xml": _core(title),
        "xl/workbook.xml": _workbook(sheets),
        "xl/_rels/workbook.xml.rels": _rels(inside | {"styles.xml": f"{office}/styles"}),
        "xl/styles.xml": (resources.files("territory.report.layout") / "templates/styles.xml").read_text(
            "utf-8"
        ),
    }
    # one sheet at a time: their XML is many times the size of the file
    drawn = ((f"xl/worksheets/{name}", _sheet(one, mark)) for name, one in zip(names, sheets, strict=True))
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as target:
        for name, content in chain(parts.items(), drawn):
            target.writestr(zipfile.ZipInfo(name, _ZIP_DATE), _HEAD + content, zipfile.ZIP_DEFLATED)
    return written.getvalue()


def _content_types(sheets: Sequence[str]) -> str:
    """Say what each part is."""
    kind, package = (
        "application/vnd.openxmlformats-" + one for one in ("officedocument.spreadsheetml", "package")
    )
    overrides = {
        "/xl/workbook.xml": f"{kind}.sheet.main+xml",
        "/xl/styles.xml": f"{kind}.styles+xml",
        "/docProps/core.xml": f"{package}.core-properties+xml",
        **{f"/xl/worksheets/{name}": f"{kind}.worksheet+xml" for name in sheets},
    }
    kinds = {"rels": f"{package}.relationships+xml", "xml": "text/xml"}
    defaults = "".join(f'<Default Extension="{name}" ContentType="{what}"/>' for name, what in kinds.items())
    body = "".join(f'<Override PartName="{name}" ContentType="{what}"/>' for name, what in overrides.items())
    return f'<Types xmlns="{_PACKAGE}/content-types">{defaults}{body}</Types>'


def _rels(targets: Mapping[str, str]) -> str:
    """Tie a part to others."""
    body = "".join(
        f'<Relationship Id="rId{i}" Type="{kind}" Target="{target}"/>'
        for i, (target, kind) in enumerate(targets.items(), start=1)
    )
    return f'<Relationships xmlns="{_PACKAGE}/relationships">{body}</Relationships>'


def _core(title: str) -> str:
    """Say what the document is, with dates that mean nothing."""
    spaces = (
        f'xmlns:cp="{_PACKAGE}/metadata/core-properties" xmlns:dc="http://purl.org/dc/elements/1.1/" '
        'xmlns:dcterms="http://purl.org/dc/terms/" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
    )
    dates = "".join(
        f'<dcterms:{name} xsi:type="dcterms:W3CDTF">{_STAMP}</dcterms:{name}>'
        for name in ("created", "modified")
    )
    # the order of the schema: creator, language, title, then the dates
    return (
        f"<cp:coreProperties {spaces}><dc:title>{_safe(title)}</dc:title><dc:creator>territory</dc:creator>"
        f"<dc:language>fr-FR</dc:language>{dates}</cp:coreProperties>"
    )


def _workbook(sheets: Sequence[Sheet]) -> str:
    """List the sheets and the ranges of their filters."""
    listed, filters = "", ""
    for i, sheet in enumerate(sheets):
        listed += f'<sheet name={quoteattr(sheet.name)} sheetId="{i + 1}" r:id="rId{i + 1}"/>'
        if sheet.heads and sheet.rows:
            place = "'{}'!".format(sheet.name.replace("'", "''"))
            last = f"${column_letters(len(sheet.heads))}${len(sheet.rows) + 1}"
            for name, shown, cells in (
                ("_FilterDatabase", ' hidden="1"', f"$A$1:{last}"),
                ("Print_Titles", "", "$1:$1"),
            ):
                head = f'<definedName name="_xlnm.{name}" localSheetId="{i}"{shown}>'
                filters += f"{head}{_safe(place + cells)}</definedName>"
    named = f"<definedNames>{filters}</definedNames>" if filters else ""
    return f'<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}/relationships"><sheets>{listed}</sheets>{named}</workbook>'


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
    formats = [*sheet.formats, *["rounded"] * len(letters)]
    lines = []
    if sheet.heads:
        cells = "".join(_cell(letters[i], 1, head, _HEADER, "plain") for i, head in enumerate(sheet.heads))
        lines.append(f'<row r="1" ht="48" customHeight="1">{cells}</row>')
    for place, row in enumerate(sheet.rows):
        number = place + 1 + bool(sheet.heads)
        style = None if sheet.heads else _TITLE if place in sheet.titles else _WRAPPED
        cells = "".join(
            _cell(letters[i], number, value, style, formats[i])
            for i, value in enumerate(row)
            if value is not None
        )
        height = "" if sheet.heads else _height(row, sheet.widths)
        lines.append(f'<row r="{number}"{height}>{cells}</row>')
    last = f"{column_letters(max(len(sheet.heads), 1))}{len(sheet.rows) + 1}"
    filtered = f'<autoFilter ref="A1:{last}"/>' if sheet.heads and sheet.rows else ""
    # & begins a code there
    said = _safe(mark.replace("&", "&&"))
    both = f"<oddHeader>&amp;C&amp;B{said}</oddHeader><oddFooter>&amp;C&amp;B{said}</oddFooter>"
    marked = f"<headerFooter>{both}</headerFooter>" if mark else ""
    # on paper: the whole width on one page, lying down where there are columns
    lying = ' orientation="landscape"' if sheet.heads else ""
    return (
        f'<worksheet xmlns="{_MAIN}"><sheetPr><pageSetUpPr fitToPage="1"/></sheetPr>'
        f'<sheetViews><sheetView workbookViewId="0">{frozen}</sheetView></sheetViews>'
        f"<cols>{widths}</cols><sheetData>{''.join(lines)}</sheetData>{filtered}"
        f'<pageSetup paperSize="9" fitToHeight="0"{lying}/>{marked}</worksheet>'
    )


def _height(row: Sequence[Value], widths: Sequence[float]) -> str:
    """Return the height of a line of text that takes several lines: not every reader finds it by itself."""
    texts = [str(value) for value in row if value is not None]
    lines = max((math.ceil(1.1 * len(text) / widths[0]) for text in texts), default=1)
    return f' ht="{_LINE_POINTS * lines:g}" customHeight="1"' if lines > 1 else ""


def _cell(letters: str, number: int, value: Value, style: int | None, shown: str) -> str:
    """Write one cell: a number as a number, anything else as a text."""
    if isinstance(value, str):
        return f'<c r="{letters}{number}" {_text_cell(value, style)}'
    if value is None or not math.isfinite(value):
        return ""
    whole, other = _NUMBERS[shown]
    style = whole if isinstance(value, int) else other
    return f'<c r="{letters}{number}" s="{style}"><v>{value!r}</v></c>'


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


# a GeoPackage dates its layers by the clock: this date, which means nothing, takes its place
FIXED_DATE = "2000-01-01T00:00:00.000Z"
# the extension « schema » of the format: what QGIS shows as the alias of a column
_SCHEMA = ("http://www.geopackage.org/spec121/#extension_schema", "read-write")
_DATA_COLUMNS = """CREATE TABLE gpkg_data_columns (
    table_name TEXT NOT NULL, column_name TEXT NOT NULL, name TEXT, title TEXT, description TEXT, mime_type TEXT,
    constraint_name TEXT, CONSTRAINT pk_gdc PRIMARY KEY (table_name, column_name),
    CONSTRAINT gdc_tn UNIQUE (table_name, name))"""


def write_table(table: pd.DataFrame, path: Path) -> None:
    """Write a flat table twice: as CSV, without formulas, and as Parquet, as it is."""
    write_csv(table, path.with_suffix(".csv"))
    table.to_parquet(path.with_suffix(".parquet"), index=False)


def write_csv(table: pd.DataFrame, path: Path) -> None:
    """Write a flat table as CSV: UTF-8, comma, decimal point, no formula."""
    without_formulas(table).to_csv(path, index=False, encoding="utf-8", lineterminator="\n")


def write_geopackage(layers: Mapping[str, gpd.GeoDataFrame], path: Path) -> None:
    """Write the map layers of a run as one GeoPackage whose dates are fixed, its columns under French aliases."""
    import pyogrio

    path.unlink(missing_ok=True)
    for name, layer in layers.items():
        pyogrio.write_dataframe(layer, path, layer=name, driver="GPKG", append=path.exists())
    aliases = []
    for name, layer in layers.items():
        told = layer.attrs.get("aliases", {})
        columns = map(str, layer.columns.drop([layer.geometry.name]))
        # declared under this name, whatever the edition calls the file
        aliases += [(name, one, told.get(one) or label_of(f"territoire.gpkg {name}", one)) for one in columns]
    alias = "INSERT INTO gpkg_data_columns VALUES (?, ?, ?, NULL, NULL, NULL, NULL)"
    extension = "INSERT INTO gpkg_extensions VALUES ('gpkg_data_columns', NULL, 'gpkg_schema', ?, ?)"
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("UPDATE gpkg_contents SET last_change = ?", (FIXED_DATE,))
        database.execute(_DATA_COLUMNS)
        database.executemany(alias, aliases)
        database.execute(extension, _SCHEMA)


# what Excel and LibreOffice read as the beginning of a formula; a sign before a number, or alone, is none
_FORMULA = re.compile(r"\s*[=@]|\s*[+\-](?!\s*\Z|\s*[0-9]+(?:[.,][0-9]+)?\s*%?\s*\Z)|[\t\r]")


def without_formulas(table: pd.DataFrame) -> pd.DataFrame:
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
