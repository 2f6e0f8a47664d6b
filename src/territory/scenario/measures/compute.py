"""From the inputs of one computation to its results, and where families go: every state comes through here."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from territory import access, supply
from territory.access.closest import persons_by_zone
from territory.errors import StudyError, counted, examples
from territory.needs import KINDS_COMPARABLE_WITH_PLACES
from territory.scenario.accounts import travel_accounts
from territory.scenario.measures import deserts as common
from territory.scenario.measures.places import count_places, persons_received, sector_of, sector_reason
from territory.scenario.results import Results
from territory.scenario.zones import ALL_TERRITORY, no_rows, of_service
from territory.study.own_tables import kinds_of, sites_of_kinds
from territory.study.state import Families, State
from territory.study.words.model import Need

_KEYS = ["commune_code", "service"]
_TIMES = ("travel_time_min", "uncertainty_min", "distance_km")
# where squares are known
_SPREAD = "travel_time_spread_min"


def compute(state: State, *, today: Results | None = None) -> Results:
    """Compute access, persons concerned, coverage and road use of one state.

    Parameters
    ----------
    state
        Tables and parameters; nothing else is read. A service whose list is partial gets no closest site.
    today
        Results of the state that this one was changed from: what has not changed is taken from them.

    Examples
    --------
    >>> import territory
    >>> territory.run_study("draguignan").baseline.access.loc[("83121", "ime-salernes"), "to_id"]
    'ime-salernes'
    """
    places, reasons = count_places(state)
    if today is not None and _has_same_care(state, today.state):
        # the times to the closest sites that were found for the other state
        found = today.access[today.access["measure"] == "closest"]
        found = found.drop(columns=["edge_time_min", "could_be_closer_outside"])
        table = _with_edge([*_named(state), found], state)
        care: dict[str, Any] = {name: getattr(today, name) for name in _CARE}
    else:
        table = access_table(state)
        gps = common.gp_access(state)
        classes = common.deserts(state, gps)
        care = {
            "coverage": coverage_of(state, state.communes["population"]),
            "edge": common.count_edge(table, state),
            "gp_access": gps,
            "deserts": classes,
            "desert_shares": common.desert_shares(classes, state),
            "zoning": common.zoning(state, gps),
        }
    return Results(
        state=state,
        access=table,
        persons=_persons(state),
        trips=travel_accounts(state, table),
        places=places,
        place_reasons=reasons,
        **care,
    )


def without_car(results: Results, travel_times: pd.DataFrame) -> Results:
    """Return results at times without a car: access, coverage and deserts of the territory; the rest stays by car."""
    state = replace(results.state, travel_times=travel_times, edge_time_min=None)
    if state.published is not None:
        # minutes of the road say nothing of it; the APL is what is offered, and stays
        of_road = state.published.index.get_level_values("figure") == "urgences_smur"
        state = replace(state, published=state.published[~of_road])
    inside = list(state.parameters.territory_codes)
    table, classes = (
        found[found.index.get_level_values("commune_code").isin(inside)]
        for found in (access_table(state), common.deserts(state, results.gp_access))
    )
    return replace(
        results,
        state=state,
        access=table,
        coverage=coverage_of(state, state.communes["population"]),
        deserts=classes,
        desert_shares=common.desert_shares(classes, state),
    )


# what `Results` says of care that is not in question, and what of a state it depends on beside services
_CARE = ("coverage", "edge", "gp_access", "deserts", "desert_shares", "zoning")
_PLACES = ("communes", "population", "travel_times", "edge_time_min", "care_territories")
_SHARED = (*_PLACES, "parameters", "gp_consumption", "published")


def _has_same_care(state: State, today: State) -> bool:
    """Tell whether two states have the same places, people, times and services of common care."""
    if any(getattr(state, name) is not getattr(today, name) for name in _SHARED):
        return False
    parameters = state.parameters
    kinds = {*parameters.closest_services, parameters.practitioners.service}
    kinds.update(kind for scheme in parameters.deserts for one in scheme.criterion for kind in one.services)
    after, before = (one.services[kinds_of(one.services).isin(list(kinds))] for one in (state, today))
    shared = after.columns.intersection(before.columns)
    return after[shared].equals(before[shared])


def closest_services(state: State) -> list[str]:
    """Return the services whose closest site is asked for, those whose list is complete."""
    complete = set(supply.complete_services(state.services))
    return [service for service in state.parameters.closest_services if service in complete]


def access_table(state: State) -> pd.DataFrame:
    """Return the table `access` of `Results`: each commune's row depends on its own travel times alone."""
    sites = {name: list(supply.sites_of(state.services, name)) for name in closest_services(state)}
    found = (_access(state, name, "closest", nearest(state, ids)) for name, ids in sites.items())
    return _with_edge([*_named(state), *found], state)


def _named(state: State) -> list[pd.DataFrame]:
    """Return the times from every commune to each authorisation named in the study."""
    every = [named.id for named in state.parameters.authorisations]
    return [_access(state, name, "named", times_of_families(state, name)) for name in every]


def _with_edge(blocks: list[pd.DataFrame], state: State) -> pd.DataFrame:
    """Return the blocks of the table `access` one under the other, beside the time to the edge of the data."""
    # a study may name no service
    none = no_rows(_KEYS, _TIMES, ("measure", "to_id")).assign(is_reachable=pd.Series(dtype="boolean"))
    table = pd.concat(blocks) if blocks else none[["measure", "to_id", *_TIMES, "is_reachable"]]
    return common.flag_edge(table, state)


def _access(state: State, service: str, measure: str, found: pd.DataFrame) -> pd.DataFrame:
    """Shape one service's rows like the `access` table."""
    index = of_service(state.communes.index, service)
    # what is not found is out of reach
    times = [*_TIMES, *found.columns.intersection([_SPREAD])]
    table = found.reindex(columns=["to_id", *times, "is_reachable"]).set_axis(index, axis=0)
    table["is_reachable"] = table["is_reachable"] if "is_reachable" in found else False
    table.insert(0, "measure", measure)
    table.attrs = {}
    return table.astype({"to_id": "str", **dict.fromkeys(times, float), "is_reachable": "boolean"})


def _persons(state: State) -> pd.DataFrame:
    """Return persons of the age received, or children served where the study gives them."""
    blocks = []
    for named in state.parameters.authorisations:
        rows = supply.rows_serving(state.services, named.id)
        persons, kind = state.children_served({named.id}), "observed"
        if persons is None:
            persons, kind = persons_received(state, rows), "age"
            if persons is not None and (sector := sector_of(state, named.id)) is not None:
                persons = persons.where(sector, 0.0)
        if persons is None or sector_reason(state, named.id):
            persons = pd.Series(np.nan, index=state.communes.index)
        counted = pd.DataFrame({"persons": persons.to_numpy(float), "persons_kind": kind})
        blocks.append(counted.set_axis(of_service(state.communes.index, named.id)))
    return pd.concat(blocks) if blocks else no_rows(_KEYS, ["persons"], ["persons_kind"])


def coverage_of(state: State, people: "pd.Series[float]") -> pd.DataFrame:
    """Return inhabitants, or others, within each threshold by EPCI of the territory, and for the whole of it."""
    communes = state.communes[state.communes.index.isin(state.parameters.territory_codes)]
    within = covered(state, communes["population"])
    return covered_by_zone(communes.assign(population=people), within, ["epci_code"])


def covered(state: State, people: "pd.Series[float]") -> dict[str, pd.DataFrame]:
    """Return who is within each threshold of the closest site of each service, commune by commune."""
    thresholds = state.parameters.thresholds_min
    sites = {service: list(supply.sites_of(state.services, service)) for service in closest_services(state)}
    return {
        service: access.coverage(state.times_to(ids), people, thresholds_min=thresholds)
        for service, ids in sites.items()
    }


def covered_by_zone(
    communes: pd.DataFrame, within: Mapping[str, pd.DataFrame], levels: Iterable[str]
) -> pd.DataFrame:
    """Return inhabitants within each threshold of each service: in all, then by zone of each level."""
    people, codes = communes["population"], communes.index
    zones = [pd.Series(ALL_TERRITORY, index=codes), *(communes[level] for level in levels)]
    blocks = []
    for service, counts in within.items():
        for zone in zones:
            counted = persons_by_zone(counts.loc[codes], people, zone)
            blocks.append(counted.set_axis(of_service(counted.index, service, level="zone")))
    return pd.concat(blocks) if blocks else pd.DataFrame()


def times_of_families(state: State, authorisation_id: str) -> pd.DataFrame:
    """Return the time from every commune to where the families of an authorisation go."""
    rule = state.families.get(authorisation_id)
    if rule is not None and rule.rule == "reallocated":
        return _allocated(state, authorisation_id, rule)
    if rule is not None and rule.rule == "closest":
        sites = sites_of_kinds(state.services, rule.services)
    else:
        sites = supply.sites_serving(state.services, authorisation_id)
    if not sites:
        # closed, or not open yet: out of reach for everybody, which is known
        return pd.DataFrame(index=state.communes.index)
    return nearest(state, sites)


def nearest(state: State, sites: Collection[str]) -> pd.DataFrame:
    """Return the time from every commune to the closest of some sites."""
    times = state.times_to(sites)
    best = access.time_to_closest(times, state.communes.index)
    to_id = best["to_id_1"].astype("str")
    if len(sites) == 1:
        # the place is known even where its time is not
        to_id = pd.Series(next(iter(sites)), index=best.index)
    keys = pd.MultiIndex.from_arrays([best.index, to_id])
    found = times.set_index(["from_id", "to_id"]).reindex(keys).set_axis(best.index)
    found["travel_time_min"] = best["time_1_min"]
    found["is_reachable"] = best["is_reachable"]
    found["to_id"] = to_id
    return found


def reallocate(state: State, authorisation_id: str) -> access.Allocation:
    """Share the places of a service among all who are to have one, nobody beyond the recruitment limit."""
    rule = state.families[authorisation_id]
    rows = state.services[kinds_of(state.services).isin(list(rule.services))]
    lacking = missing_places(rows)
    if lacking:
        raise StudyError(f"Réaffectation des familles de « {authorisation_id} » impossible : {lacking}.")
    capacity = rows["capacity"].groupby(level="site_id").sum()
    return access.allocate_places(
        state.times_to(list(capacity.index)),
        _persons_to_place(state, authorisation_id, rows, rule),
        capacity,
        max_time_min=state.parameters.recruitment_max_min,
    )


def missing_places(rows: pd.DataFrame) -> str:
    """Say what is lacking to share the places of some services, in French; empty when nothing is."""
    if rows.empty:
        return "aucun site n'offre plus ce service"
    unknown = rows.index[rows["capacity"].isna().to_numpy()].get_level_values("site_id")
    if len(unknown):
        return (
            f"capacité inconnue pour {counted(unknown, 'site(s) du service')} : donnez-la dans un "
            "[[service]] du fichier d'étude"
        )
    units = rows["capacity_unit"].dropna().unique()
    if len(units) != 1:
        return f"capacités en plusieurs unités, ou sans unité ({examples(units)})"
    if "capacity_scope" in rows and rows["capacity_scope"].eq("authorisation").any():
        shared = rows.loc[rows["capacity_scope"].eq("authorisation"), "authorisation_id"]
        return f"places non réparties entre les sites de {examples(shared.unique())} : dites la capacité de l'antenne"
    return ""


def _persons_to_place(
    state: State, authorisation_id: str, rows: pd.DataFrame, rule: Families
) -> "pd.Series[float]":
    """Return the persons of each commune who are to have a place: children served, or a need that may be placed."""
    served = rows["serves"] if "serves" in rows else rows["authorisation_id"]
    every = [authorisation_id, *served.fillna(rows["authorisation_id"]).dropna()]
    ids = dict.fromkeys(" ".join(every).split())
    observed = state.observed_origins
    if observed is not None and rule.need is None:
        children = state.children_served(list(ids))
        if children is not None:
            return children
        lacking = [name for name in ids if name not in set(observed["authorisation_id"])]
        said = f"Réaffectation des familles de « {authorisation_id} » impossible : origines observées absentes pour"
        raise StudyError(f"{said} {examples(lacking)}, dont les enfants tiennent aussi des places.")
    public = placed_need([rate.need for rate in state.parameters.rates], rule.need, rule.services)
    return state.demand.xs(public, level="public")["demand"].reindex(state.communes.index, fill_value=0.0)


def placed_need(listed: Iterable[Need], named: str | None, kinds: Collection[str]) -> str:
    """Return the public whose persons may be set against places, or raise an error that says what is lacking."""
    usable = [need for need in listed if need.kind in KINDS_COMPARABLE_WITH_PLACES]
    if named is not None:
        found = [need.public for need in usable if need.public == named]
    else:
        found = [need.public for need in usable if need.service in kinds]
        found = found or [need.public for need in usable if need.service is None]
    if len(found) == 1:
        return found[0]
    raise StudyError(
        "Réaffectation impossible : il faut les origines observées des enfants (files.observed_origins) ou un "
        f"[[need]] de nature {' ou '.join(KINDS_COMPARABLE_WITH_PLACES)} pour ce service, que families_need désigne "
        "s'il y en a plusieurs ; une prévalence ou des droits ne se comparent pas à des places "
        f"(besoins utilisables : {examples(need.public for need in usable) or 'aucun'})."
    )


def _allocated(state: State, authorisation_id: str, rule: Families) -> pd.DataFrame:
    """Return the mean time of those who have a place, by commune; where nobody is to be placed, the closest site's."""
    allocation = reallocate(state, authorisation_id)
    found = nearest(state, sites_of_kinds(state.services, rule.services))
    flows = allocation.flows.astype({"from_id": "str", "to_id": "str"})
    minutes = (flows["persons"] * flows["travel_time_min"]).groupby(flows["from_id"]).sum()
    placed = flows.groupby("from_id")["persons"].sum()
    main = flows.sort_values(["persons", "to_id"], ascending=[False, True]).drop_duplicates("from_id")
    times = state.travel_times.astype({"from_id": "str", "to_id": "str"}).set_index(["from_id", "to_id"])
    pairs = times.reindex(pd.MultiIndex.from_frame(main[["from_id", "to_id"]])).set_axis(main["from_id"])
    here = found.index.isin(placed.index)
    for column in found.columns.intersection(["uncertainty_min", "distance_km"]):
        found.loc[here, column] = pairs[column].reindex(found.index[here]).to_numpy(float)
    found.loc[here, "travel_time_min"] = (minutes / placed).reindex(found.index[here]).to_numpy(float)
    found.loc[here, "to_id"] = main.set_index("from_id")["to_id"].reindex(found.index[here]).to_numpy()
    refused = ~here & (allocation.unmet.reindex(found.index).to_numpy(float) > 0)
    for column in found.columns.intersection(["travel_time_min", "uncertainty_min", "distance_km"]):
        found.loc[refused, column] = np.nan
    found["is_reachable"] = found["is_reachable"].astype("boolean").mask(here, True).mask(refused, False)
    return found
