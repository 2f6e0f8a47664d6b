"""Paths and coordination of one state. That two sites are close never says that they work together."""

from __future__ import annotations

import numpy as np
import pandas as pd

from territory import access, needs, supply
from territory.access.paths import UNKNOWN, Step, ehpad_primary_care, path_view, step_status
from territory.scenario.zones import ALL_TERRITORY
from territory.sources.producers.finess.extracts import CHILD_SERVICES
from territory.study.own_tables import complete_kinds, kinds_of, sites_of_kinds
from territory.study.state import State
from territory.study.words.indicators import DEFAULTS, PathStep

EHPAD = "ehpad"
# around an EHPAD; the lists that nobody publishes stay unknown
EHPAD_SUPPORT = tuple(PathStep.model_validate(said) for said in DEFAULTS["ehpad_support"])
SUPPORT_MAX_MIN = 30.0
CHILD_AGE_MAX = 19.0


def child_path(state: State) -> pd.DataFrame:
    """Show the path of children in each EPCI of the territory: status, sites, mean time, and whom to ask for a list."""
    inside = state.communes[state.communes.index.isin(state.parameters.territory_codes)]
    steps = [_step(state, one) for one in state.parameters.path_steps]
    sites = sorted({site for step in steps for site in step.site_ids})
    children = needs.persons_by_age(state.population, age_min=0, age_max=CHILD_AGE_MAX)
    epci = state.communes["epci_code"]
    homes = state.sites["commune_code"].reindex(sites).map(epci).fillna("")
    view = path_view(state.times_to(sites), children.reindex(inside.index), inside["epci_code"], homes, steps)
    ask = pd.Series({one.label: one.ask for one in state.parameters.path_steps})
    said = ask.reindex(view.index.get_level_values("step")).to_numpy()
    return view.assign(ask=np.where(view["is_complete_list"], "", said))


def child_equipment(state: State) -> pd.DataFrame:
    """Set the places of each service of children beside the persons under 20, by EPCI and in all."""
    kinds = pd.Series(kinds_of(state.services), index=state.services.index)
    named = {one.id for one in state.parameters.authorisations}
    if not kinds[state.services["authorisation_id"].isin(named)].isin(CHILD_SERVICES).any():
        return pd.DataFrame()
    inside = state.communes[state.communes.index.isin(state.parameters.territory_codes)]
    epci = inside["epci_code"].fillna("").astype("str")
    counted = needs.persons_by_age(state.population, age_min=0, age_max=CHILD_AGE_MAX)
    children = counted.reindex(inside.index) * state.parameters.age_scale
    # a commune of unknown ages leaves the rate of its EPCI unknown, never higher
    by_epci = children.groupby(epci).agg(lambda persons: persons.sum(skipna=False))
    homes = state.sites["commune_code"]
    levels = {
        ALL_TERRITORY: homes.isin(inside.index).map({True: ALL_TERRITORY, False: "-"}),
        "epci": homes.map(epci).fillna("-"),
    }
    whole = pd.Series({ALL_TERRITORY: children.sum(skipna=False)})
    blocks = {}
    for service in (one for one in CHILD_SERVICES if one in set(kinds)):
        rates = [
            supply.equipment_rate(state.services, zones, persons, service=service)
            for zones, persons in zip(levels.values(), (whole, by_epci), strict=True)
        ]
        blocks[service] = pd.concat(rates)
    table: pd.DataFrame = pd.concat(blocks, names=["service", "zone"]).swaplevel()
    people = pd.concat([whole, by_epci]).reindex(table.index.get_level_values("zone"))
    table.insert(0, "young_hab", people.to_numpy())
    return table


def ehpad_care(state: State) -> pd.DataFrame:
    """Describe the care around each known EHPAD of the territory, by (site_id, support): the GP goes to the EHPAD."""
    inside = state.communes.index[state.communes.index.isin(state.parameters.territory_codes)]
    offered = state.services.index.get_level_values("service").astype("str") == EHPAD
    rows = state.services[offered].droplevel("service")
    rows = rows[state.sites["commune_code"].reindex(rows.index).isin(inside).to_numpy()]
    if rows.empty:
        return pd.DataFrame()
    homes = state.sites["commune_code"].reindex(rows.index)
    support = _support(state, homes)
    own = _gps_around(state, rows).assign(
        name=state.sites["name"].reindex(rows.index), commune_code=homes, residents=rows["capacity"]
    )
    table = support.join(own, on="site_id")
    if EHPAD not in complete_kinds(state.services):
        # the residents of an EHPAD that is not listed share the same GPs
        table["shared_residents_per_gp"] = np.nan
    return table


def coordination(state: State) -> pd.DataFrame:
    """Count what each coordination structure would have to reach, kind by kind; no figure where its list is partial."""
    inside = state.communes[state.communes.index.isin(state.parameters.territory_codes)]
    blocks = []
    for one in state.parameters.coordination:
        ids = sites_of_kinds(state.services, [one.service])
        if ids and one.service in complete_kinds(state.services):
            found = access.coordination_reach(
                state.times_to(ids),
                inside["population"],
                inside["area_km2"],
                ids,
                too_far_min=one.too_far_min,
                is_complete_list=True,
            ).assign(status="calculé", ask="")
        else:
            found = pd.DataFrame(index=pd.Index(ids or [""], dtype="str")).assign(status=UNKNOWN, ask=one.ask)
        found.insert(0, "name", state.sites["name"].reindex(found.index).fillna("").to_numpy())
        found["too_far_min"] = one.too_far_min
        found.index = pd.MultiIndex.from_product([[one.label], found.index], names=["kind", "structure_id"])
        blocks.append(found)
    columns = ["name", "status", "basis", "commune_count", "population_hab", "area_km2", "edge_time_min"]
    columns += ["mean_time_min", "too_far_min", "is_too_large", "ask"]
    return pd.concat(blocks).reindex(columns=columns) if blocks else pd.DataFrame(columns=columns)


def recruitment(state: State) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Give the endo-recruitment of observed services, by authorisation and by EPCI; counts are in clear."""
    observed = state.observed_origins
    if observed is None or observed.empty:
        return pd.DataFrame(), pd.DataFrame()
    epci = state.communes["epci_code"].fillna("")
    held = state.services.reset_index()[["site_id", "authorisation_id"]].dropna()
    homes = state.sites["commune_code"].reindex(held["site_id"]).map(epci).to_numpy()
    zone_of = pd.Series(homes, index=held["authorisation_id"])
    # an authorisation of several zones has no zone of its own
    several = zone_of.groupby(level=0).nunique()
    alone = zone_of[~zone_of.index.duplicated()]
    alone = alone[alone.index.isin(several.index[several == 1])]
    kept = observed[observed["authorisation_id"].isin(alone.index)]
    if kept.empty:
        return pd.DataFrame(), pd.DataFrame()
    origins = pd.DataFrame(
        {"from_id": kept["commune_code"], "to_id": kept["authorisation_id"], "persons": kept["children"]}
    )
    by_site = access.recruitment_by_site(origins, epci, alone)
    by_site.insert(0, "zone", alone.reindex(by_site.index))
    by_zone = access.recruitment_by_zone(origins, epci, alone)
    return by_site.rename_axis("authorisation_id"), by_zone.rename_axis("zone")


def _step(state: State, one: PathStep) -> Step:
    """Return a step with the sites that the data have for it."""
    is_complete = set(one.services) <= complete_kinds(state.services)
    return Step(one.label, sites_of_kinds(state.services, one.services), is_complete)


def _support(state: State, homes: pd.Series[str]) -> pd.DataFrame:
    """Return what is around each EHPAD, seen from its commune."""
    steps = [_step(state, one) for one in EHPAD_SUPPORT]
    sites = sorted({site for step in steps for site in step.site_ids})
    communes = pd.Index(sorted(set(homes)))
    found = step_status(state.times_to(sites), communes, steps, max_time_min=SUPPORT_MAX_MIN)
    ask = {one.label: one.ask for one in EHPAD_SUPPORT}
    flat = found.reset_index().rename(columns={"from_id": "commune_code", "step": "support"})
    flat["ask"] = np.where(flat["status"].eq(UNKNOWN), flat["support"].map(ask), "")
    placed = pd.DataFrame({"site_id": homes.index, "commune_code": homes.to_numpy()})
    rows = placed.merge(flat, on="commune_code", how="left")
    return rows.set_index(["site_id", "support"])[["status", "time_min", "ask"]]


def _gps_around(state: State, rows: pd.DataFrame) -> pd.DataFrame:
    """Return the GPs within reach of each EHPAD, unknown when their list is."""
    service = state.parameters.practitioners.service
    sites = sites_of_kinds(state.services, [service])
    names = ["gp_count", "time_from_closest_gp_min", "residents_per_gp", "shared_residents_per_gp"]
    offered = state.services["capacity_unit"].eq("headcount")
    heads = state.services["capacity"].where(offered).groupby(level="site_id").sum(min_count=1).reindex(sites)
    if service not in complete_kinds(state.services) or heads.isna().any():
        return pd.DataFrame(np.nan, index=rows.index, columns=names)
    gps = heads.groupby(state.sites["commune_code"].reindex(sites).to_numpy()).sum()
    residents = rows["capacity"].astype(float)
    # unknown residents leave the ratios unknown; who is within reach does not hang on them
    found = ehpad_primary_care(state.times_to(list(rows.index)), residents.fillna(1.0), gps)
    found.loc[residents.isna(), ["residents_per_gp"]] = np.nan
    if residents.isna().any():
        found["shared_residents_per_gp"] = np.nan
    return pd.DataFrame(found[names])
