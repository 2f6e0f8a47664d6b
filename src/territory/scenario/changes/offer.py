"""What each change of the offer does to the table of services.

Rows are flat here: `site_id` and `service` are columns, `service` is the kind without the mark that tells two
authorisations of one site apart, `label` the name that the row has today, `is_touched` whether a change came by.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from functools import singledispatch
from typing import Any

import numpy as np
import pandas as pd

from territory.errors import Problems, TerritoryWarning, examples
from territory.study.state import State
from territory.study.words.changes import (
    ChangeCapacity,
    CloseSite,
    MergeEstablishments,
    MoveSite,
    OpenBranch,
    OpenSite,
    PoolSites,
    TransferAuthorisation,
)

# in this order whatever that of the file: what comes is there before it moves, and closing comes last
PHASES: tuple[type, ...] = (
    OpenSite,
    TransferAuthorisation,
    MoveSite,
    MergeEstablishments,
    PoolSites,
    OpenBranch,
    ChangeCapacity,
    CloseSite,
)
_ADDED = ("holder", "run_by", "serves", "capacity_scope")
# psychiatry is authorised under the code de la santé publique, not the CASF
_PSYCHIATRY = frozenset({"cmp", "cmp_ij", "hdj", "hdj_ij", "cattp"})


def open_rows(services: pd.DataFrame) -> pd.DataFrame:
    """Return the services as flat rows that changes work on."""
    rows = services.reset_index()
    rows["label"] = rows["service"].astype("str")
    rows["service"] = rows["label"].str.split("@").str[0]
    for name in _ADDED:
        if name not in rows:
            rows[name] = pd.array([None] * len(rows), dtype="str")
    return rows.assign(is_touched=False)


def close_rows(rows: pd.DataFrame, services: pd.DataFrame) -> pd.DataFrame:
    """Return the rows as a table of services, in today's order, then by id for those that are new.

    Two authorisations of one kind at one site stay two rows: the second is told apart by a mark.
    """
    rows = rows.assign(place=rows.index)
    today = rows["place"] < len(services)
    new = rows[~today].sort_values(["site_id", "service", "authorisation_id"], kind="stable")
    rows = pd.concat([rows[today].sort_values("place"), new])
    kept = rows[~rows["is_touched"]]
    names = dict(zip(kept["place"], kept["label"], strict=True))
    taken = set(zip(kept["site_id"], kept["label"], strict=True))
    touched = rows[rows["is_touched"]].sort_values(["authorisation_id", "service"], kind="stable")
    for row in touched[["place", "site_id", "service", "authorisation_id"]].to_numpy().tolist():
        place, site, label, authorisation = row
        if (site, label) in taken:
            label = f"{label}@{authorisation}"
        taken.add((site, label))
        names[place] = label
    table = rows.assign(service=rows["place"].map(names).astype("str"))
    table = table.drop(columns=["label", "is_touched", "place"])
    for column in _ADDED:
        if column not in services and table[column].isna().all():
            table = table.drop(columns=column)
    table = table.astype({key: kind for key, kind in services.dtypes.items() if key in table})
    return table.set_index(["site_id", "service"])


@singledispatch
def change_services(change: Any, rows: pd.DataFrame, state: State, problems: Problems) -> pd.DataFrame:
    """Return the rows after one change, or report why it cannot be made."""
    raise TypeError(f"not a change of the offer: {change!r}")


@change_services.register
def _open(change: OpenSite, rows: pd.DataFrame, state: State, problems: Problems) -> pd.DataFrame:
    """Add a service under a new authorisation."""
    report_unknown("sites", [change.site_id], state.sites.index, problems)
    if ((rows["site_id"] == change.site_id) & (rows["service"] == change.service)).any():
        problems.add(f"le service « {change.service} » existe déjà sur le site « {change.site_id} »")
        return rows
    if (rows["authorisation_id"] == change.authorisation_id).any():
        problems.add(
            f"l'autorisation « {change.authorisation_id} » existe déjà : déplacez-la, ou nommez-en une autre"
        )
        return rows
    values = change.model_dump(exclude={"type"})
    # a service joins a list that is as complete as it was
    listed = rows.loc[rows["service"] == change.service, "is_complete_list"]
    values |= {"is_complete_list": bool(len(listed) and listed.all()), "label": change.service}
    return _with_row(rows, values)


@change_services.register
def _transfer(
    change: TransferAuthorisation, rows: pd.DataFrame, state: State, problems: Problems
) -> pd.DataFrame:
    """Name another holder, or another body that runs the authorisation for its holder."""
    report_unknown("autorisations", change.authorisation_ids, rows["authorisation_id"], problems)
    passed = rows["authorisation_id"].isin(change.authorisation_ids)
    hospital = rows.loc[passed & rows["service"].isin(_PSYCHIATRY), "authorisation_id"]
    if len(hospital):
        warnings.warn(
            f"{examples(hospital)} : la psychiatrie est autorisée au titre du code de la santé publique ; un "
            "groupement médico-social ne peut pas, à ce titre, en devenir titulaire. À vérifier avec l'ARS.",
            TerritoryWarning,
            stacklevel=2,
        )
    rows = rows.copy()
    rows.loc[passed, "holder" if change.act == "transfer" else "run_by"] = change.to
    return rows


@change_services.register
def _move(change: MoveSite, rows: pd.DataFrame, state: State, problems: Problems) -> pd.DataFrame:
    """Give another site to some authorisations; places, ages and mode stay as they are."""
    moved = rows["authorisation_id"].isin(change.authorisation_ids)
    report_unknown("autorisations", change.authorisation_ids, rows["authorisation_id"], problems)
    if change.from_site_id is not None:
        from_site = rows["site_id"] == change.from_site_id
        if not from_site.any():
            problems.add(f"le site « {change.from_site_id} » n'offre aucun service à déplacer")
        moved = from_site if not change.authorisation_ids else moved & from_site
    return _sent(rows, moved, change.to_site_id, state, problems)


@change_services.register
def _merge(change: MergeEstablishments, rows: pd.DataFrame, state: State, problems: Problems) -> pd.DataFrame:
    """Put the services of some authorisations under another; their families are remembered."""
    every = (change.into_authorisation_id, *change.absorbed_ids)
    report_unknown("autorisations", every, rows["authorisation_id"], problems)
    into = rows["authorisation_id"] == change.into_authorisation_id
    absorbed = rows["authorisation_id"].isin(change.absorbed_ids)
    if not into.any() or not absorbed.any():
        return rows
    rows = rows.copy()
    rows["serves"] = rows["serves"].where(
        ~(into | absorbed) | rows["serves"].notna(), rows["authorisation_id"]
    )
    # places that were those of one site stay those of that site, under one authorisation for several
    alone = ~rows.duplicated(["authorisation_id", "service"], keep=False) & rows["capacity_scope"].isna()
    rows.loc[(into | absorbed) & alone, "capacity_scope"] = "site"
    rows.loc[absorbed, "authorisation_id"] = change.into_authorisation_id
    for column in ("holder", "run_by"):
        rows.loc[absorbed, column] = rows.loc[into, column].iloc[0]
    rows["is_touched"] |= absorbed
    if change.to_site_id is not None:
        return _sent(rows, into | absorbed, change.to_site_id, state, problems)
    return _gathered(rows, problems)


@change_services.register
def _pool(change: PoolSites, rows: pd.DataFrame, state: State, problems: Problems) -> pd.DataFrame:
    """Bring the members' services to the shared site, if the pooling says so."""
    report_unknown("autorisations", change.member_ids, rows["authorisation_id"], problems)
    report_unknown("sites", [change.site_id], state.sites.index, problems)
    if not change.moves_services:
        return rows
    return _sent(rows, rows["authorisation_id"].isin(change.member_ids), change.site_id, state, problems)


@change_services.register
def _branch(change: OpenBranch, rows: pd.DataFrame, state: State, problems: Problems) -> pd.DataFrame:
    """Exercise an authorisation at one more site; its places stay the same in all."""
    report_unknown("autorisations", [change.authorisation_id], rows["authorisation_id"], problems)
    report_unknown("sites", [change.site_id], state.sites.index, problems)
    held = rows[rows["authorisation_id"] == change.authorisation_id]
    main = held.drop_duplicates("service")
    if (held["site_id"] == change.site_id).any():
        problems.add(f"« {change.authorisation_id} » est déjà exercée sur le site « {change.site_id} »")
        return rows
    if change.capacity is not None and len(held) != 1:
        problems.add(
            f"« {change.authorisation_id} » a {len(held)} lignes de service : la capacité de son antenne ne peut "
            "pas être retirée à l'une d'elles ; laissez-la inconnue"
        )
        return rows
    rows = rows.copy()
    for row in main.to_dict("records"):
        values = {str(key): value for key, value in row.items()}
        values |= {"site_id": change.site_id, "label": row["service"]}
        if change.capacity is None:
            # whose places these are: those of the authorisation at all its sites
            values["capacity_scope"] = "authorisation"
            rows.loc[held.index, "capacity_scope"] = "authorisation"
        else:
            left = row["capacity"] - change.capacity
            if left < 0:
                problems.add(
                    f"l'antenne de « {change.authorisation_id} » prendrait {change.capacity:g} places sur "
                    f"{row['capacity']:g}"
                )
            values |= {"capacity": change.capacity, "capacity_scope": "site"}
            rows.loc[held.index, ["capacity", "capacity_scope"]] = [left, "site"]
        rows = _with_row(rows, values)
    return rows


@change_services.register
def _resize(change: ChangeCapacity, rows: pd.DataFrame, state: State, problems: Problems) -> pd.DataFrame:
    """Set the capacity of an authorisation that stands at one site."""
    held = rows["authorisation_id"] == change.authorisation_id
    report_unknown("autorisations", [change.authorisation_id], rows["authorisation_id"], problems)
    if held.sum() > 1:
        problems.add(
            f"l'autorisation « {change.authorisation_id} » est exercée sur {held.sum()} sites : sa capacité est "
            "celle de l'ensemble, elle n'est pas attribuée à l'un d'eux"
        )
        return rows
    return rows.assign(capacity=rows["capacity"].mask(held, change.capacity))


@change_services.register
def _close(change: CloseSite, rows: pd.DataFrame, state: State, problems: Problems) -> pd.DataFrame:
    """Drop what a site offers, or one authorisation."""
    at_site = rows["site_id"] == change.site_id
    held = rows["authorisation_id"] == change.authorisation_id
    closed = at_site & held if change.site_id and change.authorisation_id else at_site | held
    if not closed.any():
        problems.add(f"rien à fermer : « {change.site_id or change.authorisation_id} » n'offre aucun service")
    return rows[~closed]


def report_unknown(what: str, asked: Iterable[str], known: Iterable[Any], problems: Problems) -> None:
    """Report ids that no table holds."""
    unknown = sorted(set(asked) - set(known))
    if unknown:
        problems.add(f"{what} sans ligne dans les données : {examples(unknown)}")


def _sent(
    rows: pd.DataFrame, moved: pd.Series[bool], site_id: str, state: State, problems: Problems
) -> pd.DataFrame:
    """Return the rows with some of them at another site."""
    report_unknown("sites", [site_id], state.sites.index, problems)
    rows = rows.copy()
    rows.loc[moved, "site_id"] = site_id
    rows["is_touched"] |= moved
    return _gathered(rows, problems)


def _with_row(rows: pd.DataFrame, values: dict[str, Any]) -> pd.DataFrame:
    """Return the rows and one more, marked as touched."""
    row = pd.DataFrame([values | {"is_touched": True}], index=[rows.index.max() + 1 if len(rows) else 0])
    return pd.concat([rows, row.reindex(columns=rows.columns).astype(rows.dtypes.to_dict())])


def _gathered(rows: pd.DataFrame, problems: Problems) -> pd.DataFrame:
    """Make one row of those of one service and one authorisation at one site; places add up."""
    keys = ["site_id", "service", "authorisation_id"]
    twice = rows.duplicated(keys, keep=False) & rows["authorisation_id"].notna() & rows["is_touched"]
    whole = rows.duplicated(keys, keep=False) & rows["authorisation_id"].notna()
    groups = rows[whole].groupby(keys, sort=False)
    if not twice.any():
        return rows
    rows = rows.copy()
    for key, group in groups:
        if not group["is_touched"].any():
            continue
        units = group["capacity_unit"].dropna().unique()
        if len(units) > 1:
            problems.add(
                f"« {key[2]} » réunirait sur un site des capacités de deux unités ({examples(units)}) : "
                "elles ne s'additionnent pas"
            )
        first = group.index[0]
        for column, value in _sum_of(group).items():
            rows.loc[first, column] = value
        rows = rows.drop(index=group.index[1:])
    return rows


def _sum_of(group: pd.DataFrame) -> dict[str, Any]:
    """Return the values of several rows of one authorisation at one site, unknown where one is unknown."""
    is_shared = bool(group["capacity_scope"].eq("authorisation").all())
    capacity = group["capacity"].max() if is_shared else group["capacity"].sum(skipna=False)
    served = group["serves"].fillna(group["authorisation_id"])
    found: dict[str, Any] = {
        "capacity": capacity,
        "age_min": group["age_min"].min(skipna=False),
        "age_max": group["age_max"].max(skipna=False),
        "delivered_at_home": bool(group["delivered_at_home"].all()),
        "is_complete_list": bool(group["is_complete_list"].all()),
        "serves": " ".join(dict.fromkeys(" ".join(served).split())),
        "is_touched": True,
    }
    for column in ("public", "reception_mode", "capacity_unit", "capacity_scope"):
        if column in group:
            values = group[column].unique()
            found[column] = values[0] if len(values) == 1 else np.nan
    if "eligible_communes" in group:
        lists = group["eligible_communes"]
        found["eligible_communes"] = (
            np.nan if lists.isna().any() else " ".join(sorted(set(" ".join(lists).split())))
        )
    return found
