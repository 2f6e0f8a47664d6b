"""The planner's own tables, read beside the study file and checked against its communes."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING

from territory.errors import Problems, ReadError, examples
from territory.sources.numbers import to_numbers
from territory.sources.tabular import read_table, require_columns

if TYPE_CHECKING:
    import pandas as pd

ORIGIN_COLUMNS = ("commune_code", "authorisation_id", "children")


def read_observed_origins(
    path: Path, *, communes: Collection[str], authorisations: Collection[str]
) -> pd.DataFrame:
    """Read where the children served live: one row per commune and authorisation.

    Parameters
    ----------
    path
        CSV or Excel file with columns commune_code, authorisation_id, children; any usual encoding,
        separator and decimal mark.
    communes, authorisations
        Codes that are known.

    Returns
    -------
    DataFrame
        Columns commune_code, authorisation_id (text), children (persons); the index is the line in the file.

    Raises
    ------
    ReadError
        With every problem: absent columns, unknown codes, negative or unreadable numbers, repeated rows.
    """
    table = read_table(path)
    require_columns(table, ORIGIN_COLUMNS, path=path)
    table = to_numbers(table, ["children"], path=path)
    problems = Problems(f"Fichier « {path.name} »", ReadError)
    bad = {
        "commune inconnue": ~table["commune_code"].isin(communes),
        "autorisation inconnue": ~table["authorisation_id"].isin(authorisations),
        "nombre d'enfants absent ou négatif": ~table["children"].ge(0),
        "ligne répétée (même commune, même autorisation)": table.duplicated(
            ["commune_code", "authorisation_id"]
        ),
    }
    for what, rows in bad.items():
        if rows.any():
            shown = [
                f"ligne {line} : {', '.join(map(str, row))}"
                for line, *row in table[rows].head(4).itertuples()
            ]
            problems.add(f"{what}, {int(rows.sum())} fois ({examples(shown)})")
    problems.raise_if_any()
    return table[list(ORIGIN_COLUMNS)]
