"""Checks of the questions of grouping of a study: what they name exists, and the size asked can be met."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd

from territory.errors import TerritoryError, examples
from territory.study.checks.raw_study import Finding, Location, items, texts, unknown
from territory.study.tables.grouping_members import eligible, sizes
from territory.study.tables.grouping_tables import read_grouping_table, read_pooling_table
from territory.study.words.grouping import POOLED_SERVICES

_UNKNOWN = {"members": "nombre inconnu", "places": "places inconnues", "budget": "budget inconnu"}


def check_groupings(raw: dict[str, Any], folder: Path, data: Any) -> Iterator[Finding]:
    """Yield each problem of the questions of grouping of a raw study, with its place."""
    if not items(raw, "grouping"):
        return
    offered = _offered(raw, data)
    sites = _sites(raw, data)
    for number, grouping in enumerate(items(raw, "grouping")):
        at: Location = ("grouping", number)
        yield from _check_names(grouping, at, set(sites.index), set(offered["service"]))
        mine = offered.loc[offered["service"] == grouping.get("service"), "site_id"]
        if len(mine):
            inside = sites[sites["is_inside"] & sites.index.isin(mine)]
            yield from _check_members(grouping, at, inside, folder, data)


def _sites(raw: dict[str, Any], data: Any) -> pd.DataFrame:
    """Return the commune and the status of every site, those of the study added, and who is in the territory."""
    found = pd.DataFrame(data.sites).reindex(columns=["commune_code", "legal_status"])
    declared = pd.DataFrame(items(raw, "site")).reindex(columns=["id", "commune_code"])
    declared = declared.dropna().drop_duplicates("id").set_index("id").astype(object)
    found = pd.concat([found.astype(object), declared[~declared.index.isin(found.index)]])
    territory = raw.get("territory")
    codes = texts(territory.get("departement_codes")) if isinstance(territory, dict) else []
    inside = data.communes.index[data.communes["departement_code"].isin(codes)]
    return found.assign(is_inside=found["commune_code"].isin(inside).to_numpy())


def _offered(raw: dict[str, Any], data: Any) -> pd.DataFrame:
    """Return the site and the service of every row, those of the study added."""
    rows = data.services.reset_index()[["site_id", "service"]].astype(object)
    added = pd.DataFrame(items(raw, "service")).reindex(columns=["site_id", "service"])
    return pd.DataFrame(pd.concat([rows, added.astype(object)], ignore_index=True).dropna())


def _check_names(
    grouping: dict[str, Any], at: Location, sites: set[Any], services: set[Any]
) -> Iterator[Finding]:
    """Yield sites and services that nobody declares."""
    service = grouping.get("service")
    if service is not None and service not in services:
        yield (*at, "service"), unknown("service", service, services)
    for key in ("site_ids", "excluded_site_ids"):
        for site in texts(grouping.get(key)):
            if site not in sites:
                yield (*at, key), unknown("site", site, sites)
    support = grouping.get("support_site_id")
    if support is not None and support not in sites:
        yield (*at, "support_site_id"), unknown("site", support, sites)
    for name in texts(grouping.get("pooled_services")):
        if name not in POOLED_SERVICES:
            yield (*at, "pooled_services"), unknown("service partagé", name, POOLED_SERVICES)


def _check_members(
    grouping: dict[str, Any], at: Location, sites: pd.DataFrame, folder: Path, data: Any
) -> Iterator[Finding]:
    """Yield tables that cannot be read, and sizes that the establishments cannot reach."""
    table: pd.DataFrame | None = None
    for key in ("table", "pooling_table"):
        value = grouping.get(key)
        if not isinstance(value, str):
            continue
        if not (folder / value).is_file():
            yield (*at, key), f"fichier absent : « {value} » (cherché à côté du fichier d'étude)"
            return
        try:
            if key == "table":
                table = read_grouping_table(folder / value, sites=sites.index)
            else:
                read_pooling_table(folder / value, members=sites.index)
        except TerritoryError as error:
            yield (*at, key), str(error)
            return
    try:
        members = eligible(grouping, sites, table)
    except TerritoryError as error:
        yield (*at, "statuses"), str(error)
        return
    if len(members):
        yield from _check_size(grouping, at, members, data, table)
    else:
        yield at, "aucun établissement à regrouper : vérifiez statuses, site_ids et excluded_site_ids"


def _check_size(
    grouping: dict[str, Any], at: Location, members: pd.Index[str], data: Any, table: pd.DataFrame | None
) -> Iterator[Finding]:
    """Yield a size that is not known for each member, or that all of them together do not reach."""
    asked, size = grouping.get("min_size"), grouping.get("size", "members")
    number = grouping.get("n_groups", 1)
    if not isinstance(asked, int | float) or not isinstance(number, int) or size not in _UNKNOWN:
        return
    amounts = sizes(size, members, str(grouping.get("service")), data.services, table)
    lacking = members[amounts.isna().to_numpy()]
    total = float(amounts.sum())
    if len(lacking):
        yield (
            (*at, "size"),
            f"{_UNKNOWN[size]} pour {len(lacking)} établissement(s) sur {len(members)} ({examples(lacking)}) : "
            "complétez table, ou comptez les membres (size = « members »)",
        )
    elif total < asked * number:
        yield (
            (*at, "min_size"),
            f"{asked:g} par groupe ne peut pas être atteint : les {len(members)} établissements font {total:g} en "
            f"tout, pour {number} groupe(s)",
        )
