"""The planner's own tables, read beside the study file and checked against its communes."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from territory.errors import Problems, ReadError, examples
from territory.sources.field.read import is_field_workbook, read_template
from territory.sources.text.numbers import to_numbers
from territory.sources.text.tables import read_table, require_columns

if TYPE_CHECKING:
    import pandas as pd

ORIGIN_COLUMNS = ("commune_code", "authorisation_id", "children")


def read_observed_origins(
    path: Path,
    *,
    communes: Collection[str],
    authorisations: Collection[str],
    holders: Mapping[Any, str] | None = None,
) -> pd.DataFrame:
    """Read where the children served live: one row per commune and authorisation.

    The workbook of `territory init --template`, filled in, is read too: `holders` gives the authorisation of each of
    its sites and services.
    """
    if is_field_workbook(path):
        table = _origins_of_field(path, holders or {})
    else:
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


def _origins_of_field(path: Path, holders: Mapping[Any, str]) -> pd.DataFrame:
    """Return the children whom the field says that each service receives, ages together, by its first line."""
    reception = read_template(path).reception
    if reception.empty:
        raise ReadError(f"Fichier « {path.name} » : la feuille « Lieux d'accueil » n'a aucune réponse.")
    pairs = zip(reception["site_id"], reception["service"], strict=True)
    held = [holders.get(pair, f"{pair[1]} de {pair[0]}") for pair in pairs]
    table = reception[["commune_code", "children"]].assign(authorisation_id=held, line=reception.index)
    grouped = table.groupby(["commune_code", "authorisation_id"], sort=False)
    summed = grouped.agg(children=("children", lambda counts: counts.sum(skipna=False)), line=("line", "min"))
    return summed.reset_index().set_index("line")[list(ORIGIN_COLUMNS)]


# columns of each table that a change may name: those of text, then those of numbers
CHANGE_TABLES: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "times_file": (("from_commune", "to_commune"), ("travel_time_min",)),
    "population_file": (("commune_code",), ("age_min", "age_max", "population")),
    "speeds_file": (
        ("road_class", "density", "period"),
        ("default_kmh", "legal_factor", "signal_s", "stop_s", "junction_s"),
    ),
}
# an empty cell has a meaning there: no upper bound, and a limit that is not used
_MAY_BE_EMPTY = frozenset({"age_max", "legal_factor"})


def read_change_table(path: Path, key: str, *, communes: Collection[str]) -> pd.DataFrame:
    """Read a table that a change of a scenario names."""
    ids, numbers = CHANGE_TABLES[key]
    table = read_table(path)
    require_columns(table, (*ids, *numbers), path=path)
    table = to_numbers(table, list(numbers), path=path)
    problems = Problems(f"Fichier « {path.name} »", ReadError)
    keys = [*ids, *(name for name in ("age_min",) if name in numbers)]
    bad = {f"ligne répétée (même {', '.join(keys)})": table.duplicated(keys)}
    for name in ids:
        if name.endswith(("commune", "commune_code")):
            bad[f"commune inconnue ({name})"] = ~table[name].isin(communes)
    for name in numbers:
        wrong = table[name].lt(0)
        bad[f"{name} absent ou négatif"] = wrong if name in _MAY_BE_EMPTY else wrong | table[name].isna()
    for what, rows in bad.items():
        if rows.any():
            shown = [
                f"ligne {line} : {', '.join(map(str, row))}"
                for line, *row in table.loc[rows, [*ids, *numbers]].head(4).itertuples()
            ]
            problems.add(f"{what}, {int(rows.sum())} fois ({examples(shown)})")
    problems.raise_if_any()
    return table[[*ids, *numbers]]
