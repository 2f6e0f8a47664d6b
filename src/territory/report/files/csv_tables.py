"""Tables and map layers on disk: the same bytes for the same content, whenever they are written."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from territory.report.files.csv_texts import without_formulas
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
    r"""Write a flat table twice, as CSV (UTF-8, comma, decimal point) and as Parquet.

    In the CSV, a text that a spreadsheet would compute has an apostrophe before it; Parquet holds it as it is.

    Examples
    --------
    >>> import tempfile, pandas as pd
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_table(pd.DataFrame({"commune_code": ["01004"], "time_min": [12.5]}), Path(folder) / "times")
    ...     (Path(folder) / "times.csv").read_text()
    'commune_code,time_min\n01004,12.5\n'
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
            layer.attrs.get("aliases", {}).get(str(column)) or label_of(f"{path.name} {name}", str(column)),
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
