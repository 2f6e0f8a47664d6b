"""Which establishments a question of grouping is about, and how large each is."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

import pandas as pd

from territory.errors import ParameterError

if TYPE_CHECKING:
    from territory.study.words.grouping import Grouping


def statuses_of(sites: pd.DataFrame, table: pd.DataFrame | None) -> pd.Series[str]:
    """Return the status of each site: that of the planner's table, else that of the data, else unknown."""
    known = sites["legal_status"] if "legal_status" in sites else pd.Series(None, index=sites.index)
    known = known.astype("str")
    return known if table is None else table["legal_status"].astype("str").reindex(sites.index).fillna(known)


def eligible(
    asked: Grouping | Mapping[str, Any], sites: pd.DataFrame, table: pd.DataFrame | None
) -> pd.Index[str]:
    """Return the establishments that a question groups, in the order of `sites`."""
    named = _listed(asked, "site_ids")
    if named:
        chosen = sites.index.isin(list(named))
    else:
        known = statuses_of(sites, table)
        if known.isna().all():
            raise ParameterError(
                f"aucun statut connu pour les {len(sites)} établissements du service : donnez table, avec une "
                "colonne legal_status, ou nommez-les dans site_ids"
            )
        chosen = known.isin(list(_listed(asked, "statuses") or ("public",))).to_numpy()
    kept = chosen & ~sites.index.isin(list(_listed(asked, "excluded_site_ids")))
    if table is not None:
        dependent = table.index[table["is_autonomous"].eq(False).fillna(False)]
        kept &= ~sites.index.isin(dependent)
    return sites.index[kept]


def sizes(
    size: str, members: pd.Index[str], service: str, services: pd.DataFrame, table: pd.DataFrame | None
) -> pd.Series[float]:
    """Return the size of each establishment: 1, its places or its budget (eur), NaN where no file says."""
    if size == "members":
        return pd.Series(1.0, index=members, name=size)
    column = {"places": "places", "budget": "budget_eur"}[size]
    found = pd.Series(float("nan"), index=members) if table is None else table[column].reindex(members)
    if size == "places":
        rows = services[services["capacity_unit"].eq("places").to_numpy()]
        rows = rows[rows.index.get_level_values("service") == service]
        found = found.fillna(rows.groupby(level="site_id")["capacity"].sum(min_count=1).reindex(members))
    return found.astype(float).rename(size)


def _listed(asked: Grouping | Mapping[str, Any], key: str) -> Collection[str]:
    """Return a list of texts of the question, whatever else a wrong file holds there."""
    value = asked.get(key) if isinstance(asked, Mapping) else getattr(asked, key)
    return [item for item in value if isinstance(item, str)] if isinstance(value, list | tuple) else []
