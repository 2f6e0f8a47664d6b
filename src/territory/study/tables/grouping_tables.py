"""The planner's tables about groups: what each establishment is, and what the members of a group share."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, get_args

from territory.errors import Problems, ReadError, examples
from territory.sources.text.numbers import to_numbers
from territory.sources.text.tables import read_table, require_columns
from territory.study.words.grouping import LegalStatus
from territory.tables.planning import POOLING_TITLES

if TYPE_CHECKING:
    import pandas as pd

STATUSES: tuple[str, ...] = get_args(LegalStatus)
_FLAGS = {
    "oui": True,
    "non": False,
    "true": True,
    "false": False,
    "vrai": True,
    "faux": False,
    "1": True,
    "0": False,
}
_POOLING_ASKED = ("service", "member_id", "is_shared", "host_id")
_POOLING_NUMBERS = ("hours_today_per_year", "hours_pooled_per_year", "trips_per_year")


def read_grouping_table(path: Path, *, sites: Collection[str]) -> pd.DataFrame:
    """Read what the planner knows of each establishment."""
    table = read_table(path)
    require_columns(table, ("site_id",), path=path)
    numbers = [name for name in ("places", "budget_eur") if name in table]
    table = _known(to_numbers(table, numbers, path=path))
    columns = ["legal_status", "is_autonomous", "places", "budget_eur", "existing_group"]
    table = table.reindex(columns=["site_id", *columns])
    flags = table["is_autonomous"].map(_flag)
    bad = {
        "site inconnu": ~table["site_id"].isin(sites),
        "établissement répété": table["site_id"].duplicated(),
        f"statut inconnu (connus : {', '.join(STATUSES)})": table["legal_status"].notna()
        & ~table["legal_status"].isin(STATUSES),
        "is_autonomous n'est ni oui ni non": table["is_autonomous"].notna() & flags.isna(),
        "places négatives": table["places"].lt(0),
        "budget négatif": table["budget_eur"].lt(0),
    }
    _raise_bad(table, bad, path, ["site_id"])
    table["is_autonomous"] = flags.astype("boolean")
    table = table.astype({"places": float, "budget_eur": float})
    return table.set_index("site_id")


def read_pooling_table(path: Path, *, members: Collection[str]) -> pd.DataFrame:
    """Read the table of shared services that a run writes, filled in by the members."""
    table = read_table(path)
    titles = {_plain(french): key for key, french in POOLING_TITLES.items()}
    table = table.rename(columns={name: titles.get(_plain(str(name)), name) for name in table.columns})
    require_columns(table, (*_POOLING_ASKED, *_POOLING_NUMBERS), path=path)
    table = _known(to_numbers(table, list(_POOLING_NUMBERS), path=path))
    flags = table["is_shared"].map(_flag)
    bad = {
        "membre inconnu": ~table["member_id"].isin(members),
        "hôte inconnu": table["host_id"].notna() & ~table["host_id"].isin(members),
        "ligne répétée (même service, même membre)": table.duplicated(["service", "member_id"]),
        "« partagé » n'est ni oui ni non": table["is_shared"].notna() & flags.isna(),
    }
    for name in _POOLING_NUMBERS:
        bad[f"{POOLING_TITLES[name]} : nombre négatif"] = table[name].lt(0)
    _raise_bad(table, bad, path, ["service", "member_id"])
    if "label" not in table:
        table["label"] = table["service"]
    table["is_shared"] = flags.astype("boolean")
    table = table.astype(dict.fromkeys(_POOLING_NUMBERS, float))
    columns = ["label", "is_shared", "host_id", *_POOLING_NUMBERS]
    found: pd.DataFrame = table.set_index(["service", "member_id"])[columns]
    return found


def _known(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table whose empty cells are unknown."""
    found: pd.DataFrame = table.mask(table == "")
    return found


def _raise_bad(table: pd.DataFrame, bad: Mapping[str, pd.Series], path: Path, shown: list[str]) -> None:
    """Raise one error with every kind of bad row, its count and the lines of the first ones."""
    problems = Problems(f"Fichier « {path.name} »", ReadError)
    for what, rows in bad.items():
        if rows.any():
            said = [
                f"ligne {line} : {', '.join(map(str, row))}"
                for line, *row in table.loc[rows, shown].head(4).itertuples()
            ]
            problems.add(f"{what}, {int(rows.sum())} fois ({examples(said)})")
    problems.raise_if_any()


def _flag(value: object) -> bool | None:
    """Return what oui and non mean, None for anything else."""
    return _FLAGS.get(str(value).strip().lower())


def _plain(title: str) -> str:
    """Return a title without accents, case nor typographic apostrophe."""
    bare = unicodedata.normalize("NFKD", title.replace("’", "'")).encode("ascii", "ignore").decode()
    return " ".join(bare.lower().split())
