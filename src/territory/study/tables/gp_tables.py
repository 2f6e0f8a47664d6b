"""The planner's tables on GPs: care consumed by age, activity by site; without them there is no APL."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING

from territory.errors import Problems, ReadError, examples
from territory.sources.text.numbers import to_numbers
from territory.sources.text.tables import read_table, require_columns

if TYPE_CHECKING:
    import pandas as pd

CONSUMPTION_COLUMNS = ("age_min", "age_max", "acts_per_hab")
ACTIVITY_COLUMNS = ("site_id", "consultations_per_year")


def read_consumption(path: Path) -> pd.DataFrame:
    """Read acts per inhabitant and year by age."""
    table = read_table(path)
    require_columns(table, CONSUMPTION_COLUMNS, path=path)
    return to_numbers(table, list(CONSUMPTION_COLUMNS), path=path)[list(CONSUMPTION_COLUMNS)]


def read_activity(path: Path, *, sites: Collection[str]) -> pd.Series[float]:
    """Read the consultations per year that GPs offer at each site."""
    table = read_table(path)
    require_columns(table, ACTIVITY_COLUMNS, path=path)
    table = to_numbers(table, ["consultations_per_year"], path=path)
    problems = Problems(f"Fichier « {path.name} »", ReadError)
    bad = {
        "site inconnu": ~table["site_id"].isin(sites),
        "nombre de consultations absent ou négatif": ~table["consultations_per_year"].ge(0),
        "site répété": table["site_id"].duplicated(),
    }
    for what, rows in bad.items():
        if rows.any():
            shown = [f"ligne {line} : {site}" for line, site in table.loc[rows, "site_id"].head(4).items()]
            problems.add(f"{what}, {int(rows.sum())} fois ({examples(shown)})")
    missing = sorted(set(sites) - set(table["site_id"]))
    if missing:
        problems.add(
            f"{len(missing)} site(s) de médecins sans activité ({examples(missing)}) : sans elle, l'accès des "
            "communes voisines serait sous-estimé"
        )
    problems.raise_if_any()
    activity: pd.Series[float] = table.set_index("site_id")["consultations_per_year"].astype(float)
    return activity
