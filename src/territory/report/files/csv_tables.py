"""Tables and map layers on disk: the same bytes for the same content, whenever they are written."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from territory.tables.catalogue import label_of

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd

# a GeoPackage dates its layers by the clock: this date, which means nothing, takes its place
FIXED_DATE = "2000-01-01T00:00:00.000Z"
# the extension « schema » of the format: what QGIS shows as the alias of a column
_SCHEMA = ("http://www.geopackage.org/spec121/#extension_schema", "read-write")
_DATA_COLUMNS = """CREATE TABLE gpkg_data_columns (
    table_name TEXT NOT NULL, column_name TEXT NOT NULL, name TEXT, title TEXT, description TEXT, mime_type TEXT,
    constraint_name TEXT, CONSTRAINT pk_gdc PRIMARY KEY (table_name, column_name),
    CONSTRAINT gdc_tn UNIQUE (table_name, name))"""


def write_table(table: pd.DataFrame, path: Path) -> None:
    """Write a flat table twice, as CSV (UTF-8, comma, decimal point) and as Parquet.

    In the CSV, a text that a spreadsheet would compute has an apostrophe before it; Parquet holds it as it is.
    """
    without_formulas(table).to_csv(
        path.with_suffix(".csv"), index=False, encoding="utf-8", lineterminator="\n"
    )
    table.to_parquet(path.with_suffix(".parquet"), index=False)


def write_geopackage(layers: Mapping[str, gpd.GeoDataFrame], path: Path) -> None:
    """Write the map layers of a run as one GeoPackage whose dates are fixed, its columns under French aliases."""
    import pyogrio

    path.unlink(missing_ok=True)
    for name, layer in layers.items():
        pyogrio.write_dataframe(layer, path, layer=name, driver="GPKG", append=path.exists())
    aliases = [
        (
            name,
            str(column),
            # declared under this name, whatever the edition calls the file
            layer.attrs.get("aliases", {}).get(str(column))
            or label_of(f"territoire.gpkg {name}", str(column)),
        )
        for name, layer in layers.items()
        for column in layer.columns
        if column != layer.geometry.name
    ]
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("UPDATE gpkg_contents SET last_change = ?", (FIXED_DATE,))
        database.execute(_DATA_COLUMNS)
        database.executemany(
            "INSERT INTO gpkg_data_columns VALUES (?, ?, ?, NULL, NULL, NULL, NULL)", aliases
        )
        database.execute(
            "INSERT INTO gpkg_extensions VALUES ('gpkg_data_columns', NULL, 'gpkg_schema', ?, ?)", _SCHEMA
        )


# what Excel and LibreOffice read as the beginning of a formula; a sign before a number, or alone, is none
_FORMULA = re.compile(r"\s*[=@]|\s*[+\-](?!\s*\Z|\s*[0-9]+(?:[.,][0-9]+)?\s*%?\s*\Z)|[\t\r]")


def without_formulas(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table whose texts open as texts in a spreadsheet: an apostrophe goes before what begins a formula.

    A CSV cannot say that a cell is a text, so that a site named `=1+1` would be computed when the file is opened.
    Numbers, and texts that are one (« -3,5 »), are left as they are. Parquet, the workbook and the map layers hold
    texts as they are: they say what is one.

    References
    ----------
    OWASP, « CSV Injection ».
    """
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
