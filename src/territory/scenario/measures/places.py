"""Places within reach and missing, paths and coordination of one state; a reason in French where none is counted."""

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from territory import access, needs, supply
from territory.access.paths import UNKNOWN, Step, ehpad_primary_care, path_view, step_status
from territory.datasets.files import DataFiles, FilesDataset, Region
from territory.datasets.var import VarDataset
from territory.errors import agree
from territory.needs import KINDS_COMPARABLE_WITH_PLACES
from territory.scenario.zones import ALL_TERRITORY, no_rows, of_service
from territory.sources.producers.finess.extracts import CHILD_SERVICES
from territory.study.own_tables import complete_kinds, kinds_of, sites_of_kinds
from territory.study.state import State
from territory.study.words.indicators import DEFAULTS, PathStep
from territory.supply.places import rates_by_mode, with_references

PER_1000 = 1000.0
# kinds of service that have a sector (CSP, art. L3221-4 and R3221-1)
ASK_SECTOR = "l'établissement qui porte l'autorisation ; l'ARS"
SECTORED = frozenset({"cmp", "cmp_ij", "hdj", "hdj_ij", "cattp", "cattp_ij"})
NO_LIST = "liste des sites incomplète : un site absent de la liste peut exister"
NO_TIMES = "service absent de closest_services : les temps vers tous ses sites ne sont pas calculés"
NO_ORIENTATION = (
    "aucun besoin de nature « orientation » ou « waiting » pour ce service : à demander à la MDPH"
)
NO_SERVED = "liste d'attente sans les enfants déjà accompagnés : les places libres ne sont pas connues"
MERGED = "places réunies par une fusion : elles servent aussi les familles d'une autre autorisation"
NO_OBSERVED = "ni orientations, ni enfants accompagnés observés"


def count_places(state: State) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Count places per 1,000 persons within reach (2SFCA, binary decay) and persons without a place, by commune.

    NaN = cannot be counted: the second table says why, in French. Access is by kind of service; persons without a
    place by kind (orientations, a waiting list) and by authorisation (children observed to be served).
    """
    named = [authorisation.id for authorisation in state.parameters.authorisations]
    kinds = list(dict.fromkeys(kind for one in named if (kind := kind_of(state.services, one))))
    blocks, reasons = [], {}
    for kind in kinds:
        reach, why = _reach(state, kind)
        unmet, unmet_why = _unmet_of_kind(state, kind)
        blocks.append(_block(state, kind, reach, unmet))
        reasons[kind] = (why, unmet_why)
    for one in named:
        if one not in reasons:
            unmet, unmet_why = _unmet_of_authorisation(state, one)
            blocks.append(_block(state, one, None, unmet))
            reasons[one] = ("compté par nature de service, pas par autorisation", unmet_why)
    names = pd.DataFrame.from_dict(reasons, orient="index", columns=["access_reason", "unmet_reason"])
    names = names.rename_axis("service")
    if not blocks:
        return no_rows(["commune_code", "service"], ["access_per_1000", "unmet_persons"]), names
    return pd.concat(blocks), names


def kind_of(services: pd.DataFrame, authorisation_id: str) -> str | None:
    """Return the kind of service of an authorisation, None where it has no row or several kinds."""
    kinds = set(kinds_of(supply.rows_serving(services, authorisation_id)))
    return kinds.pop() if len(kinds) == 1 else None


def sector_of(state: State, authorisation_id: str) -> "pd.Series[bool] | None":
    """Return which communes a service is alone to serve by law; None without a sector, or when it is unknown."""
    sector = next((one.sector for one in state.parameters.authorisations if one.id == authorisation_id), None)
    if not sector or sector == "unknown":
        return None
    inside = state.communes.index.isin(sector) | state.communes["epci_code"].isin(sector).to_numpy(bool)
    return pd.Series(inside, index=state.communes.index)


def sector_reason(state: State, authorisation_id: str) -> str:
    """Say whom to ask for an unknown sector (child psychiatry has one unless the study denies it); empty otherwise."""
    one = next((one for one in state.parameters.authorisations if one.id == authorisation_id), None)
    if one is None or state.children_served({authorisation_id}) is not None:
        return ""
    is_sectored = kind_of(state.services, authorisation_id) in SECTORED
    if one.sector == "unknown" or (one.sector is None and is_sectored):
        return f"secteur inconnu (à demander : {one.sector_ask or one.holder or ASK_SECTOR})"
    return ""


def persons_received(state: State, rows: pd.DataFrame) -> "pd.Series[float] | None":
    """Return the persons of the ages that some services receive, by commune; None when an age is unknown."""
    ages = rows[["age_min", "age_max"]]
    if ages.empty or ages.isna().any(axis=None):
        return None
    low, high = float(ages["age_min"].min()), float(ages["age_max"].max())
    counted = needs.persons_by_age(state.population, age_min=low, age_max=high)
    found: pd.Series[float] = counted.reindex(state.communes.index) * state.parameters.age_scale
    return found


def users_of(state: State, rows: pd.DataFrame, service: str) -> "pd.Series[float] | None":
    """Return the persons of the ages received, each age as often as among users where the study knows it."""
    named = next((one for one in state.parameters.authorisations if one.id == service), None)
    profile = None if named is None else named.age_profile
    if profile is None:
        return persons_received(state, rows)
    whole = pd.Series(0.0, index=state.communes.index)
    for band in profile.band:
        of_age = needs.persons_by_age(state.population, age_min=band.age_min, age_max=band.age_max)
        of_age = of_age.reindex(whole.index)
        # users of this age, where one person of it is worth another
        whole = whole + of_age * (band.share / of_age.sum())
    return whole


def attraction_of(state: State, kind: str, sites: Sequence[str]) -> "pd.Series[float]":
    """Return the places of each site of a kind where all are known; otherwise one site is worth another."""
    places, why = places_of_sites(state.services[kinds_of(state.services) == kind])
    known = places.reindex(list(sites))
    return pd.Series(1.0, index=list(sites)) if why or known.isna().any() else known.astype(float)


def _block(state: State, service: str, reach: pd.Series | None, unmet: pd.Series | None) -> pd.DataFrame:
    """Return the rows of one service."""
    codes = state.communes.index
    columns = {
        name: np.full(len(codes), np.nan) if found is None else found.reindex(codes).to_numpy(float)
        for name, found in (("access_per_1000", reach), ("unmet_persons", unmet))
    }
    return pd.DataFrame(columns, index=of_service(codes, service))


def places_of_sites(rows: pd.DataFrame) -> tuple[pd.Series, str]:
    """Return the places of each site that are open to children of the territory, or why they are unknown."""
    counted = supply.places_by_site(rows)
    # those of young adults kept there and of children from elsewhere, where the field says how many
    held = rows.get("held_places", pd.Series(0.0, rows.index)).fillna(0.0)
    counted["places"] -= held.clip(upper=counted["places"])
    unknown = counted["places"].isna()
    if unknown.any():
        said = agree(int(unknown.sum()), "site(s) sans places connues")
        return pd.Series(dtype=float), f"{said} ({counted['reason'][unknown].iloc[0]})"
    return counted["places"].groupby(level="site_id", sort=False).sum(), ""


def _places_of_kind(state: State, rows: pd.DataFrame, kind: str) -> tuple[pd.Series, str]:
    """Return the places of each site of a kind, whose services are `rows`, or why they cannot be counted from."""
    if not rows["is_complete_list"].eq(True).fillna(False).all():
        return pd.Series(dtype=float), NO_LIST
    if kind not in state.parameters.closest_services:
        return pd.Series(dtype=float), NO_TIMES
    return places_of_sites(rows)


def _reach(state: State, kind: str) -> tuple[pd.Series | None, str]:
    """Return places within reach per 1,000 persons of the age received, or why not."""
    rows = state.services[kinds_of(state.services) == kind]
    places, why = _places_of_kind(state, rows, kind)
    if why:
        return None, why
    persons = persons_received(state, rows)
    if persons is None:
        return None, "âges reçus inconnus"
    decay = access.decay.binary(state.parameters.recruitment_max_min)
    reach = access.floating_catchment_area(state.times_to(places.index), persons, places, decay=decay)
    return reach * PER_1000, ""


def _unmet_of_kind(state: State, kind: str) -> tuple[pd.Series | None, str]:
    """Return persons without a place among those who hold or wait for one, or why not."""
    asked = [
        rate.need
        for rate in state.parameters.rates
        if rate.need.service == kind and rate.need.kind in KINDS_COMPARABLE_WITH_PLACES
    ]
    if not asked:
        return None, NO_ORIENTATION
    rows = state.services[kinds_of(state.services) == kind]
    places, why = _places_of_kind(state, rows, kind)
    if why:
        return None, why
    demand = pd.Series(0.0, index=state.communes.index)
    for need in asked:
        found = state.demand.xs(need.public, level="public")["demand"]
        demand = demand.add(found.reindex(demand.index, fill_value=0.0))
        if need.kind == "waiting":
            served = state.children_served(set(rows["authorisation_id"]))
            if served is None:
                return None, NO_SERVED
            demand = demand.add(served)
    return _unplaced(state, demand, places), ""


def _unmet_of_authorisation(state: State, authorisation_id: str) -> tuple[pd.Series | None, str]:
    """Return the children served today who would find no place within reach of their own service, or why not."""
    served = state.children_served({authorisation_id})
    if served is None:
        return None, NO_OBSERVED
    rows = supply.rows_serving(state.services, authorisation_id)
    if rows.empty:
        # closed: nobody finds a place there
        return served, ""
    if "serves" in rows and rows["serves"].str.contains(" ").any():
        return None, MERGED
    places, why = places_of_sites(rows)
    if why:
        return None, why
    return _unplaced(state, served, places), ""


def _unplaced(state: State, demand: pd.Series, places: pd.Series) -> pd.Series:
    """Return persons without a place once places are allocated as well as they can be."""
    longest, times = state.parameters.recruitment_max_min, state.times_to(places.index)
    unmet: pd.Series[float] = access.allocate_places(times, demand, places, max_time_min=longest).unmet
    return unmet


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
    homes = state.sites["commune_code"].reindex(sites).map(state.communes["epci_code"]).fillna("")
    view = path_view(state.times_to(sites), children.reindex(inside.index), inside["epci_code"], homes, steps)
    ask = pd.Series({one.label: one.ask for one in state.parameters.path_steps})
    said = ask.reindex(view.index.get_level_values("step")).to_numpy()
    return view.assign(ask=np.where(view["is_complete_list"], "", said))


def child_equipment(
    state: State, data: VarDataset | FilesDataset | None = None, files: DataFiles | None = None
) -> pd.DataFrame:
    """Set the places of each service and mode of children beside those under 20, by EPCI, département and région.

    The data hold the région, and the published rates of the same year; without them these are not there.
    """
    kinds = pd.Series(kinds_of(state.services), index=state.services.index)
    inside = state.communes[state.communes.index.isin(state.parameters.territory_codes)]
    homes = state.sites["commune_code"]
    here = homes.reindex(kinds.index.get_level_values("site_id")).isin(inside.index).to_numpy()
    # those that the study is about, or whose places FINESS tells
    named = {one.id for one in state.parameters.authorisations}
    told = state.services["authorisation_id"].isin(named) | (here & state.services["capacity"].notna())
    if not kinds[told].isin(CHILD_SERVICES).any():
        return pd.DataFrame()
    counted = needs.persons_by_age(state.population, age_min=0, age_max=CHILD_AGE_MAX)
    children = counted.reindex(inside.index) * state.parameters.age_scale
    zones = [pd.Series(ALL_TERRITORY, inside.index), inside["epci_code"].fillna("").astype("str")]
    zones += [inside["departement_code"]] if len(set(inside["departement_code"])) > 1 else []
    # a commune of unknown ages leaves the rate of its EPCI unknown, never higher
    by = [(homes.map(of).fillna("-"), children.groupby(of).sum(skipna=False)) for of in zones]
    levels = [(state.services, *at) for at in by]
    region = getattr(data, "region", None)
    if region is not None and files is not None:
        levels.append(_level_of(region, files))
    rates = rates_by_mode(levels, [one for one in CHILD_SERVICES if one in set(kinds)])
    people = pd.concat([persons for _, _, persons in levels]).reindex(rates.index.get_level_values("zone"))
    rates.insert(0, "young_hab", people.to_numpy())
    return with_references(rates, getattr(data, "references", None), year=getattr(data, "places_year", None))


def _level_of(region: Region, files: DataFiles) -> tuple[pd.DataFrame, pd.Series, pd.Series]:
    """Return the services of a région with their places, the zone of their sites, and the persons under 20."""
    known: Any = {"capacity": files.finess_capacity, "complete": files.complete_services}
    with warnings.catch_warnings():
        # the lines of the study have said it
        warnings.simplefilter("ignore")
        services = supply.with_equipment(region.services, region.equipment, **known)
    young = needs.persons_by_age(region.population, age_min=0, age_max=CHILD_AGE_MAX).sum(skipna=False)
    sites = services.index.get_level_values("site_id").unique()
    return services, pd.Series(region.name, sites), pd.Series({region.name: young})


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
    named = {"commune_code": "from_id", "authorisation_id": "to_id", "children": "persons"}
    origins = kept[list(named)].rename(columns=named)
    by_site = access.recruitment_by_site(origins, epci, alone)
    by_site.insert(0, "zone", alone.reindex(by_site.index))
    # a row for each, or the rows would tell who sends a child
    inside = epci[epci.index.isin(state.parameters.territory_codes)]
    by_zone = access.recruitment_by_zone(origins, epci, alone).reindex(sorted(set(inside)), fill_value=0.0)
    return by_site.rename_axis("authorisation_id"), by_zone.rename_axis("zone")


def _step(state: State, one: PathStep) -> Step:
    """Return a step with the sites that the data have for it."""
    is_complete = set(one.services) <= complete_kinds(state.services)
    return Step(one.label, sites_of_kinds(state.services, one.services), is_complete)


def _support(state: State, homes: "pd.Series[str]") -> pd.DataFrame:
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
