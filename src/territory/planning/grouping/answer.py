"""The answer to a question of grouping of a study: groups, joining the hospitals instead, what is shared."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd

from territory.access.pairs import read_pairs, unique_ids, warn
from territory.access.uncertainty import told_apart
from territory.errors import ParameterError, Problems, UnknownCodeError, agree, examples, refuse
from territory.network.estimate import difference_uncertainty_min
from territory.planning.grouping.groups import GroupingResult, territorial_groups
from territory.study.state import State
from territory.study.words.questions import Grouping, eligible, sizes, statuses_of
from territory.tables.catalogue import html_table
from territory.tables.declare import CODES
from territory.units import MINUTES_PER_HOUR


@dataclass(frozen=True, repr=False)
class GroupingAnswer:
    """What a question of grouping of a study gives: `result`, and tables declared in `territory.tables`.

    Among `members`, a drive is told from that to the support hospital where `is_distinguishable`. `context` holds the
    establishments that are not grouped, and why. `pooling` is computed when the study brings the table filled in
    (`is_pooling_known`); otherwise it is the table to fill in, the seat of the group being proposed as host.
    """

    grouping: Grouping
    result: GroupingResult
    members: gpd.GeoDataFrame
    groups: pd.DataFrame
    context: gpd.GeoDataFrame
    support: gpd.GeoDataFrame
    pooling: pd.DataFrame
    is_pooling_known: bool

    def __repr__(self) -> str:
        return (
            f"GroupingAnswer({self.grouping.id!r}: {len(self.groups)} groups of {len(self.members)} establishments, "
            f"{len(self.context)} others around)"
        )

    def _repr_html_(self) -> str:
        """Return the table of groups for Jupyter, in French."""
        columns = {
            "n_units": "Membres",
            "seat_name": "Siège (calculé)",
            "seat_commune": "Commune",
            "mean_drive_to_seat_min": "Route moyenne (min)",
            "worst_drive_to_seat_min": "La plus longue (min)",
        }
        table = self.groups[list(columns)].rename(columns=columns).rename_axis("Groupe")
        return html_table(table, title=self.grouping.name)


def answer_grouping(
    grouping: Grouping, state: State, *, table: pd.DataFrame | None = None, pooled: pd.DataFrame | None = None
) -> GroupingAnswer:
    """Answer a question of grouping on the times between sites; tables are what the planner and members know."""
    around = _establishments(grouping, state, table)
    ids = eligible(grouping, around, table)
    if not len(ids):
        raise ParameterError("aucun établissement à regrouper : voyez statuses, site_ids, excluded_site_ids")
    members = gpd.GeoDataFrame(around.loc[ids], crs=around.crs)
    amounts = sizes(grouping.size, ids, grouping.service, state.services, table)
    refuse(ids[amounts.isna().to_numpy()], "établissement(s) de taille inconnue", advice="")
    kept_whole = {"none": None, "epci": "epci_code", "table": "existing_group"}[grouping.blocks]
    result = territorial_groups(
        members[["geometry"]],
        _between(state.site_times, ids),
        amounts,
        min_size=grouping.min_size,
        max_time_min=grouping.max_time_min,
        blocks=None if kept_whole is None else members[kept_whole],
        n_groups=grouping.n_groups,
    )
    members = _placed(members, result, state, grouping)
    support = state.sites.loc[state.sites.index == grouping.support_site_id, ["name", "geometry"]]
    return GroupingAnswer(
        grouping=grouping,
        result=result,
        members=members,
        groups=_groups(members, result, grouping),
        context=_context(around, ids, grouping),
        support=gpd.GeoDataFrame(support, crs=state.sites.crs),
        pooling=_pooling(members, state.site_times, grouping, pooled),
        is_pooling_known=pooled is not None,
    )


def compare_groupings(answers: Mapping[str, GroupingAnswer]) -> pd.DataFrame:
    """Set groupings side by side, by (alternative, option): its groups, and joining the support hospital instead."""
    rows = {}
    for name, answer in answers.items():
        members, quality = answer.members, answer.result.quality
        rows[(name, "groups")] = {
            "name": answer.grouping.name,
            "n_members": len(members),
            "n_groups": int(quality["n_groups"]),
            "smallest_size": quality["smallest_size"],
            "largest_size": quality["largest_size"],
            "balance": quality["balance"],
            "mean_drive_min": members["drive_to_seat_min"].mean(),
            "worst_drive_min": members["drive_to_seat_min"].max(),
            "worst_drive_between_min": answer.groups["worst_drive_between_min"].max(),
            "mean_spread_km": answer.groups["spread_km"].mean(),
        }
        if answer.grouping.support_site_id is None:
            continue
        told = members["is_distinguishable"]
        rows[(name, "join")] = {
            "name": f"Adhésion au {answer.grouping.support_name}",
            "n_members": len(members),
            "n_groups": 1,
            "mean_drive_min": members["drive_to_support_min"].mean(),
            "worst_drive_min": members["drive_to_support_min"].max(),
            "n_closer": int((told & members["delta_support_min"].lt(0)).sum()),
            "n_farther": int((told & members["delta_support_min"].gt(0)).sum()),
            "n_indistinct": int((~told & members["delta_support_min"].notna()).sum()),
        }
    table = pd.DataFrame.from_dict(rows, orient="index")
    table.index = pd.MultiIndex.from_tuples(list(rows), names=["alternative", "option"])
    return table


def _establishments(grouping: Grouping, state: State, table: pd.DataFrame | None) -> gpd.GeoDataFrame:
    """Return every establishment of the service in the territory, with what is known of it."""
    named = state.services.index.get_level_values("service") == grouping.service
    ids = state.services.index.get_level_values("site_id")[named]
    inside = state.sites["commune_code"].isin(state.parameters.territory_codes)
    found = state.sites[state.sites.index.isin(ids) & inside]
    communes = state.communes.reindex(found["commune_code"])
    known = pd.DataFrame(index=found.index) if table is None else table.reindex(found.index)
    # where the status of each establishment comes from, unknown where it is
    unsaid = pd.Series(None, index=found.index, dtype="str")
    basis = found.get("legal_status_basis", unsaid)
    if table is not None:
        basis = basis.mask(known["legal_status"].notna(), "table de l'étude")
    columns = {
        "name": found["name"],
        "commune_code": found["commune_code"],
        "commune_name": communes["name"].to_numpy(),
        "epci_code": communes["epci_code"].to_numpy(),
        "epci_name": communes["epci_name"].to_numpy(),
        "legal_status": statuses_of(found, table),
        "status_basis": basis,
        "is_autonomous": known.get("is_autonomous", pd.Series(pd.NA, index=found.index, dtype="boolean")),
        "existing_group": known.get("existing_group", unsaid),
        "places": sizes("places", found.index, grouping.service, state.services, table),
        "budget_eur": sizes("budget", found.index, grouping.service, state.services, table),
    }
    return gpd.GeoDataFrame(columns, geometry=found.geometry, crs=found.crs)


def _between(site_times: pd.DataFrame, ids: Iterable[str]) -> pd.DataFrame:
    """Return the times between some sites, 0 from a site to itself."""
    wanted = list(ids)
    kept = site_times[site_times["from_id"].isin(wanted) & site_times["to_id"].isin(wanted)]
    kept = kept.astype({"from_id": "str", "to_id": "str"})
    same = kept["from_id"] == kept["to_id"]
    return kept.assign(travel_time_min=kept["travel_time_min"].mask(same, 0.0))


def _minutes(site_times: pd.DataFrame, from_ids: Iterable[str], to_ids: Iterable[str]) -> np.ndarray:
    """Return the time from each site to the one beside it in the other list, 0 for a site to itself."""
    asked = pd.MultiIndex.from_arrays([list(from_ids), list(to_ids)])
    rows = site_times.astype({"from_id": "str", "to_id": "str"}).set_index(["from_id", "to_id"])
    minutes = rows["travel_time_min"].reindex(asked).to_numpy(float)
    same = asked.get_level_values(0) == asked.get_level_values(1)
    return np.where(same, 0.0, minutes)


def _placed(
    members: gpd.GeoDataFrame, result: GroupingResult, state: State, grouping: Grouping
) -> gpd.GeoDataFrame:
    """Add the group of each member, and its drives to the seat and to the support hospital."""
    group = result.groups.reindex(members.index)
    seat = group.map(result.summary["seat"])
    to_seat = _minutes(state.site_times, members.index, seat)
    support, apart = np.full(len(members), np.nan), np.full(len(members), np.nan)
    if grouping.support_site_id is not None:
        target = [grouping.support_site_id] * len(members)
        support = _minutes(state.site_times, members.index, target)
        apart = _minutes(state.site_times, seat, target)
    doubt = difference_uncertainty_min(to_seat, support, apart, terrain=state.parameters.terrain)
    delta = support - to_seat
    return members.assign(
        group=group,
        is_seat=(seat == members.index).to_numpy(),
        drive_to_seat_min=to_seat,
        drive_to_support_min=support,
        delta_support_min=delta,
        detectable_min=doubt,
        is_distinguishable=told_apart(delta, doubt, together=np.ones(len(members))),
    )


def _groups(members: gpd.GeoDataFrame, result: GroupingResult, grouping: Grouping) -> pd.DataFrame:
    """Return the figures of each group, with names, spread, places and budgets."""
    table = result.summary.drop(columns="compactness")
    seats, after = members.loc[table["seat"]], list(table.columns).index("seat") + 1
    table.insert(after, "seat_name", seats["name"].to_numpy())
    table.insert(after + 1, "seat_commune", seats["commune_name"].to_numpy())
    by_group = members.groupby("group", sort=True)
    # the mean crow-fly distance of members to their centre of gravity
    at = members.get_coordinates()
    apart = at - at.groupby(members["group"]).transform("mean")
    spread = pd.Series(np.hypot(apart["x"], apart["y"]), index=at.index).groupby(members["group"]).mean()
    table["spread_km"] = spread.reindex(table.index) / 1000
    for column in ("places", "budget_eur"):
        table[column] = by_group[column].sum(skipna=False).reindex(table.index)
    threshold = grouping.budget_threshold_eur
    meets = pd.Series(pd.NA, index=table.index, dtype="boolean")
    if threshold is not None:
        meets = table["budget_eur"].ge(threshold).astype("boolean").mask(table["budget_eur"].isna())
    return table.assign(meets_budget_threshold=meets)


def _context(around: gpd.GeoDataFrame, ids: "pd.Index[str]", grouping: Grouping) -> gpd.GeoDataFrame:
    """Return the establishments that are not grouped, and why."""
    others = around[~around.index.isin(ids)]
    cases = [
        others.index.isin(grouping.excluded_site_ids),
        others["is_autonomous"].eq(False).fillna(False).to_numpy(bool),
        others["legal_status"].isna().to_numpy(),
    ]
    reasons = ["retiré par l'étude", "non autonome selon la table", "statut inconnu"]
    reason = np.select(cases, reasons, default="hors du champ de la question")
    columns = ["name", "commune_code", "commune_name", "legal_status", "status_basis"]
    return gpd.GeoDataFrame(others[columns].assign(reason=reason), geometry=others.geometry, crs=around.crs)


def _pooling(
    members: gpd.GeoDataFrame, site_times: pd.DataFrame, grouping: Grouping, pooled: pd.DataFrame | None
) -> pd.DataFrame:
    """Return what the members share: computed from their table, or the table to fill in."""
    if pooled is not None:
        mine = pooled[pooled.index.get_level_values("member_id").isin(members.index)]
        return pooling(mine, _between(site_times, members.index))
    asked = {code: SHARED_SERVICES[code] for code in grouping.pooled_services}
    table = pooling_template(members.index, services=asked)
    member = table.index.get_level_values("member_id")
    seat = members.index[members["is_seat"]]
    seat_of = pd.Series(seat, index=members.loc[seat, "group"])
    table["host_id"] = members["group"].map(seat_of).reindex(member).to_numpy()
    table["travel_time_min"] = members["drive_to_seat_min"].reindex(member).to_numpy()
    return table


# what a groupement may share: the short code, then what it is for the director
SHARED_SERVICES: Mapping[str, str] = CODES["shared_services"]

_FIGURES = ("hours_today_per_year", "hours_pooled_per_year", "trips_per_year")
_COLUMNS = ("label", "is_shared", "host_id", *_FIGURES)


def pooling_template(
    members: Iterable[str], *, services: Mapping[str, str] = SHARED_SERVICES
) -> pd.DataFrame:
    """Make the table that the members fill in: one row per service and member, nothing known.

    Parameters
    ----------
    members
        Ids of the members (sites of `travel_times`); blank or duplicated ones are a `ParameterError`.
    services
        Code and French name of each service that may be shared.

    Returns
    -------
    DataFrame
        Indexed by (service, member_id): label (French), is_shared (<NA> = not decided), host_id (member where the
        shared service works), hours_today_per_year and hours_pooled_per_year (staff hours of the member for this
        service, today and once shared), trips_per_year (return trips of the member's staff to the host).

    Examples
    --------
    >>> len(pooling_template(["ime", "cmpp"]))
    18
    """
    ids = unique_ids(members, "Membres")
    index = pd.MultiIndex.from_product([list(services), ids], names=["service", "member_id"])
    columns = {
        "label": pd.Series([services[code] for code, _ in index], index=index, dtype="str"),
        "is_shared": pd.Series(pd.NA, index=index, dtype="boolean"),
        "host_id": pd.Series(None, index=index, dtype="str"),
        **{name: pd.Series(np.nan, index=index, dtype=float) for name in _FIGURES},
    }
    return pd.DataFrame(columns)


def pooling(table: pd.DataFrame, travel_times: pd.DataFrame) -> pd.DataFrame:
    """Compute, for each member and service, the hours freed by sharing and the hours spent on the road for it.

    Parameters
    ----------
    table
        As `pooling_template` makes it, filled in as far as known. Rows and services may be added or taken out.
    travel_times
        Columns from_id, to_id, travel_time_min (min) between members, one way.

    Returns
    -------
    DataFrame
        The same, and: travel_time_min (from the member to the host), travel_hours_per_year (there and back),
        freed_hours_per_year (today less shared; negative when sharing asks more), net_hours_per_year = (today - pooled)
        - 2 × trips × minutes / 60. What is not shared frees 0. NaN wherever a figure was not given: nothing is assumed.

    Raises
    ------
    ParameterError, SchemaError
        With everything that is wrong in the table, or in the times.

    Examples
    --------
    >>> table = pooling_template(["ime"], services={"formation": "Formation"}).assign(is_shared=True, host_id="ime")
    >>> table = table.assign(hours_today_per_year=200.0, hours_pooled_per_year=120.0, trips_per_year=0.0)
    >>> times = pd.DataFrame({"from_id": ["ime"], "to_id": ["ime"], "travel_time_min": [0.0]})
    >>> pooling(table, times)["net_hours_per_year"].tolist()
    [80.0]
    """
    _check(table)
    result = table.copy()
    member = pd.Series(table.index.get_level_values("member_id"), index=table.index)
    minutes = _to_hosts(member, table["host_id"], travel_times)
    is_shared = table["is_shared"].astype("boolean")
    alone = is_shared.eq(False).fillna(False).to_numpy(dtype=bool)
    unknown = is_shared.isna().to_numpy()
    freed = table["hours_today_per_year"] - table["hours_pooled_per_year"]
    trips = table["trips_per_year"].astype(float)
    # no trip takes no time, wherever the host is
    travel = (2.0 * trips * minutes / MINUTES_PER_HOUR).mask(trips.eq(0), 0.0)
    # the host's staff are at home
    travel = travel.mask(member.eq(table["host_id"]), 0.0)
    result["travel_time_min"] = minutes
    for name, hours in (("travel_hours_per_year", travel), ("freed_hours_per_year", freed)):
        result[name] = hours.mask(alone, 0.0).mask(unknown)
    result["net_hours_per_year"] = result["freed_hours_per_year"] - result["travel_hours_per_year"]
    missing = result.index[result["net_hours_per_year"].isna()]
    if len(missing):
        warn(
            f"Bilan non calculable pour {agree(len(missing), 'ligne(s)')} sur {len(result)} "
            f"({examples(' / '.join(map(str, key)) for key in missing)}), faute de données : complétez le tableau."
        )
    return result


def _check(table: pd.DataFrame) -> None:
    """Raise one error with all that is wrong in the table."""
    problems = Problems("Tableau de mutualisation", ParameterError)
    if list(table.index.names) != ["service", "member_id"]:
        problems.add("l'index devrait être (service, member_id) : partez de pooling_template")
    problems.raise_if_any()
    absent = [column for column in _COLUMNS if column not in table.columns]
    problems.count(absent, "colonne(s) absente(s)")
    problems.raise_if_any()
    problems.count(table.index[table.index.duplicated()], "ligne(s) en double")
    for column in _FIGURES:
        if not pd.api.types.is_numeric_dtype(table[column].dtype):
            problems.add(f"colonne « {column} » : des nombres sont attendus")
            continue
        bad = table.index[(table[column] < 0) | np.isinf(table[column].astype(float))]
        problems.count(bad, f"valeur(s) négative(s) ou infinie(s) dans la colonne « {column} »")
    if not table["is_shared"].dropna().isin([True, False]).all():
        problems.add("colonne « is_shared » : vrai, faux, ou vide si ce n'est pas décidé")
    hosts = pd.Index(table["host_id"].dropna().unique())
    stray = hosts[~hosts.isin(table.index.get_level_values("member_id"))]
    problems.count(stray, "site(s) de la colonne « host_id » (n'est pas membre|ne sont pas membres)")
    problems.raise_if_any()


def _to_hosts(
    member: "pd.Series[str]", host: "pd.Series[str]", travel_times: pd.DataFrame
) -> "pd.Series[float]":
    """Return minutes from each member to its host, 0 for the host itself, NaN where unknown or out of reach."""
    ids = pd.Index(sorted(set(member)), dtype=object)
    try:
        pairs = read_pairs(travel_times, origins=ids, sites=ids)
    except UnknownCodeError:
        # no member in the table: every drive is unknown, which is said with the results
        return pd.Series(np.nan, index=member.index).mask(member.eq(host), 0.0)
    known = pd.MultiIndex.from_arrays([ids.to_numpy()[pairs.origin], ids.to_numpy()[pairs.site]])
    found = pd.Series(pairs.minutes, index=known)
    asked = pd.MultiIndex.from_arrays([member.to_numpy(), host.to_numpy()])
    return pd.Series(found.reindex(asked).to_numpy(), index=member.index).mask(member.eq(host), 0.0)
