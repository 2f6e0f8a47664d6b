"""The tables of a run, ready to leave the agency."""

from collections.abc import Mapping

import pandas as pd

from territory.release import comparison
from territory.release.comparison import observed_services, stacked, zone_names
from territory.release.scenarios import grouping_tables, scenario_tables
from territory.release.treatment import handed, share_classes, treat, unpivot
from territory.result import NationalTables, StudyResult
from territory.scenario.measures.compute import coverage_of
from territory.scenario.measures.deserts import child_care_access, professions_access
from territory.scenario.measures.places import child_path, coordination, ehpad_care, recruitment
from territory.scenario.zones import ALL_TERRITORY
from territory.sources.producers.finess.extracts import CHILD_SERVICES
from territory.study.own_tables import kinds_of
from territory.study.state import State
from territory.supply.equipment import is_candidate
from territory.supply.places import within_minutes
from territory.tables.catalogue import COVERAGE, EQUITY_TIME

# what BPE 2013 called establishments (residential or day) and services (at home or ambulatory) for children
LISTED_KINDS = {
    "establishments": tuple(one for one in CHILD_SERVICES if one != "sessad"),
    "services": ("sessad", "cmpp", "camsp"),
}


def tables(result: StudyResult) -> dict[str, pd.DataFrame]:
    """Return the tables that are handed over, by file name, small counts withheld; what is not declared is an error."""
    state = result.baseline.state
    names = place_names(state.communes)
    # without the candidates that no scenario has chosen
    states = [one.state for one in result.scenarios.values()]
    chosen = {site for one in states for site in one.services.index.get_level_values("site_id")}
    sites = state.sites.loc[~is_candidate(state.sites) | state.sites.index.isin(chosen)]
    found = {
        "communes": state.communes.drop(columns="geometry").reset_index(),
        "sites": sites.drop(columns="geometry").reset_index(),
        "services": state.services.drop(columns="held_places", errors="ignore").reset_index(),
        "acces_communes": with_names(result.baseline.access, names),
        **_without_car(result, names),
        # nothing when the study asks for no complete service
        **({"couverture_zones": _coverage(result)} if len(result.baseline.coverage) else {}),
        **_needs(result, names),
        **_comparisons(result, names),
        **comparison.comparison_tables(result),
        **comparison.children_tables(result),
        **dict(zip(("tournees", "tournees_limites"), comparison.released_rounds(result)[::2], strict=True)),
        **scenario_tables(result),
        **grouping_tables(result),
        **indicator_tables(result),
        "sources": result.dataset.sources,
    }
    return {name: handed(name, table) for name, table in found.items() if len(table.columns)}


def _without_car(result: StudyResult, names: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Return times without a car beside those by car, today and in each scenario."""
    if result.without_car is None:
        return {}
    by_car = {"": result.baseline, **result.scenarios}
    beside = {
        name: one.access[["to_id", "is_reachable"]].assign(
            without_car_min=one.access["travel_time_min"],
            travel_time_min=by_car[name].access["travel_time_min"],
        )
        for name, one in result.without_car.items()
    }
    return {"sans_voiture": with_names(pd.concat(beside, names=["scenario"]), names)}


def _coverage(result: StudyResult) -> pd.DataFrame:
    """Return inhabitants within each threshold of common care, without a car too, and households who have none."""
    table = unpivot(result.baseline.coverage.reset_index(), COVERAGE)
    if result.without_car is None:
        return table
    today = result.without_car[""]
    beside = unpivot(today.coverage.reset_index(), COVERAGE)[["within_hab", "within_share"]]
    table = table.join(beside.add_prefix("without_car_"))
    people = today.state.communes.get("households_without_car")
    if people is None:
        return table
    homes = unpivot(coverage_of(today.state, people).reset_index(), COVERAGE)
    columns = {"demand_hab": "households_without_car", "within_share": "households_within_share"}
    return table.join(homes[list(columns)].rename(columns=columns))


def national_tables(
    state: State, sources: pd.DataFrame | None, found: NationalTables
) -> dict[str, pd.DataFrame]:
    """Return the tables of a national study, by file name, treated as those of any other."""
    names = place_names(state.communes)
    by_departement = needs_by_zone(state.demand, names["departement_code"])
    needs = {"besoins_communes": with_names(state.demand, names), "besoins_departements": by_departement}
    # each measure, the service of a time beside it
    keys = {str(name): EQUITY_TIME.keys(str(name)) for name in found.equity.index}
    equity = found.equity.reset_index(drop=True)
    equity.insert(0, "measure", [EQUITY_TIME.column.name if of else name for name, of in keys.items()])
    equity.insert(1, "service", [of["service"] if of else None for of in keys.values()])
    every = {
        "communes": state.communes.drop(columns="geometry").reset_index(),
        "sites": state.sites.drop(columns="geometry").reset_index(),
        "services": state.services.reset_index(),
        "acces_communes": with_names(found.access, names),
        "couverture_zones": unpivot(found.coverage.reset_index(), COVERAGE),
        "acces_generalistes": with_names(found.gp_access, names),
        "deserts_communes": with_names(found.deserts, names),
        "deserts_zones": found.desert_shares.reset_index(),
        "equite": equity.astype({"measure": "str", "service": "str"}),
        **(_treated(needs) if len(state.demand) else {}),
        "sources": sources,
    }
    return {name: handed(name, one) for name, one in every.items() if one is not None and len(one.columns)}


def _needs(result: StudyResult, names: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Return needs by commune and by EPCI."""
    demand = result.baseline.state.demand
    if demand.empty:
        return {}
    by_epci = needs_by_zone(demand, names["epci_code"])
    epci_names = dict(zip(names["epci_code"], names["epci_name"], strict=True))
    by_epci.insert(1, "epci_name", by_epci["epci_code"].map(epci_names))
    return _treated({"besoins_communes": with_names(demand, names), "besoins_epci": by_epci})


def _treated(found: Mapping[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """Return tables with what they declare as secret withheld."""
    return {name: treat(name, table) for name, table in found.items()}


def needs_by_zone(demand: pd.DataFrame, zones: pd.Series) -> pd.DataFrame:
    """Return needs by zone, public and kind; `zones` is the zone of each commune."""
    of_commune = zones.reindex(demand.index.get_level_values("commune_code")).to_numpy()
    keys = [of_commune, demand.index.get_level_values("public"), demand["kind"].to_numpy()]
    summed = demand[["demand", "demand_low", "demand_high"]].groupby(keys).sum(min_count=1)
    return summed.rename_axis([zones.name, "public", "kind"]).reset_index()


def _comparisons(result: StudyResult, names: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Return the comparisons of all scenarios, by commune, by zone and by recruitment limit."""
    if not result.comparisons:
        return {}

    def zoned(table: pd.DataFrame) -> pd.DataFrame:
        table.insert(1, "zone_name", zone_names(result, table["zone"]))
        return table

    def trips(result: StudyResult, name: str) -> pd.DataFrame:
        published = comparison.publish_trips(result, name)
        return zoned(comparison.long_trips(published, result.comparisons[name].zones))

    return {
        "comparaison_communes": stacked(result, lambda *of: with_names(_beside(*of), names)),
        "comparaison_zones": stacked(result, lambda *of: zoned(comparison.publish_zones(*of).reset_index())),
        "comparaison_sensibilite": stacked(
            result, lambda *of: comparison.publish_sensitivity(*of).reset_index()
        ),
        "comparaison_trajets": stacked(result, trips),
    }


def _beside(result: StudyResult, scenario_id: str) -> pd.DataFrame:
    """Return the comparison by commune, times without a car beside those by car."""
    table, found = comparison.publish_communes(result, scenario_id), result.without_car
    if found is None:
        return table
    before, after = (found[name].access["travel_time_min"].reindex(table.index) for name in ("", scenario_id))
    return table.assign(
        baseline_without_car_min=before, scenario_without_car_min=after, delta_without_car_min=after - before
    )


def place_names(communes: pd.DataFrame) -> pd.DataFrame:
    """Return what tables by commune say of each place beside its code."""
    said = communes[["name", "departement_code", "epci_code", "epci_name"]]
    return said.rename(columns={"name": "commune_name"})


def with_names(table: pd.DataFrame, names: pd.DataFrame) -> pd.DataFrame:
    """Return a table indexed by commune as a flat one, the names of its communes beside their codes."""
    flat = table.reset_index()
    first = list(flat.columns).index("commune_code") + 1
    for place, column in enumerate(names.columns, start=first):
        flat.insert(place, column, names[column].reindex(flat["commune_code"]).to_numpy())
    return flat


def indicator_tables(result: StudyResult) -> dict[str, pd.DataFrame]:
    """Return the tables of indicators by file name, small counts already withheld; those without rows are left out."""
    parts = (_deserts, _doubt, _paths, equipment_tables, _recruitment)
    found = {name: table for part in parts for name, table in part(result).items()}
    return {name: table for name, table in found.items() if len(table)}


def _deserts(result: StudyResult) -> dict[str, pd.DataFrame]:
    """Return deserts by commune and by zone, access to GPs, where the data stop, and the simulated zonings."""
    results = result.baseline
    inside = results.state.parameters.territory_codes
    classes = results.deserts[results.deserts.index.get_level_values("commune_code").isin(inside)]
    gps = results.gp_access[results.gp_access.index.isin(inside)]
    shares = results.desert_shares
    if result.without_car is not None and len(shares):
        beside = result.without_car[""].desert_shares[["population_hab", "population_share"]]
        shares = shares.join(beside.add_prefix("without_car_"))
    every = {"": results.zoning, **{name: one.zoning for name, one in result.scenarios.items()}}
    in_force = results.state.zoning_in_force
    zoned = [zoning.reset_index().assign(scenario=name) for name, zoning in every.items() if len(zoning)]
    return {
        "deserts_communes": _communes(classes, result),
        "deserts_zones": _zones(shares, result),
        "medecins_generalistes_communes": _communes(gps.dropna(axis=1, how="all"), result),
        "bord_des_donnees": results.edge.reset_index(),
        "zonage_en_vigueur": pd.DataFrame() if in_force is None else _communes(in_force.to_frame(), result),
        "zonage_simule": pd.concat(zoned, ignore_index=True) if zoned else pd.DataFrame(),
    }


def _doubt(result: StudyResult) -> dict[str, pd.DataFrame]:
    """Return what the draws say."""
    draws = result.draws
    if draws is None:
        return {}
    zones = _zones(draws.comparisons, result)
    # times are public: a mean over the children served is an equation on where they live, and other tables print sums
    # of the same children, with which these are not protected
    secret = zones["service"].isin(observed_services(result)) if len(zones) else None
    return {
        "incertitude_temps": _communes(draws.times, result),
        "incertitude_couverture": _zones(draws.coverage, result),
        "incertitude_besoins": treat("incertitude_besoins", _zones(draws.needs, result)),
        "incertitude_medecins_generalistes": _communes(draws.gp_access, result),
        "incertitude_deserts": _communes(draws.deserts, result),
        "incertitude_classes_desert": _communes(draws.desert_classes, result),
        "incertitude_population_deserts": _zones(draws.desert_population, result),
        "incertitude_scenarios": treat("incertitude_scenarios", zones, secret),
        "incertitude_scenarios_communes": _communes(draws.moves, result),
    }


def _paths(result: StudyResult) -> dict[str, pd.DataFrame]:
    """Return the path of children, the care around EHPAD and the reach of coordination."""
    state = result.baseline.state
    care = ehpad_care(state)
    # a study that is not about children has no steps
    path = _zones(child_path(state), result) if state.parameters.path_steps else pd.DataFrame()
    return {
        "parcours_enfants": path,
        "acces_soins_enfants": _communes(child_care_access(state), result),
        "acces_professionnels": _communes(professions_access(state), result),
        "soins_ehpad": care.reset_index() if len(care) else care,
        "coordination": coordination(state).reset_index(),
    }


def places_within(state: State) -> pd.DataFrame:
    """Add up the places of children's services around each commune of the territory, where all sites have times."""
    inside = state.communes.index[state.communes.index.isin(state.parameters.territory_codes)]
    kinds = {*CHILD_SERVICES} & {*state.parameters.closest_services}
    services = state.services[kinds_of(state.services).isin(kinds)]
    times = state.times_to(services.index.get_level_values("site_id").unique())
    return within_minutes(services, times, inside)


def equipment_tables(result: StudyResult) -> dict[str, pd.DataFrame]:
    """Return the rate of equipment by EPCI, and the list of sites beside what BPE 2013 counted."""
    state = result.baseline.state
    rates, within = result.child_equipment, _communes(places_within(state), result)
    reference = getattr(result.dataset, "offer_2013", None)
    if rates.empty or reference is None:
        return {"taux_equipement": _zones(rates, result), "places_a_portee": within}
    inside = state.communes[state.communes.index.isin(state.parameters.territory_codes)]
    epci = inside["epci_code"].fillna("").astype("str")
    homes = state.sites["commune_code"].reindex(state.services.index.get_level_values("site_id"))
    blocks = {}
    for kind, offered in LISTED_KINDS.items():
        listed = homes[kinds_of(state.services).isin(offered)].map(epci).value_counts()
        counted = reference[kind].groupby(epci.reindex(reference.index)).sum()
        table = pd.DataFrame({"site_count": listed, "bpe2013_count": counted}, index=sorted(set(epci)))
        table = pd.concat([table.sum().to_frame(ALL_TERRITORY).T, table])
        blocks[kind] = table.fillna(0).astype(int)
    lists = _zones(pd.concat(blocks, names=["kind", "zone"]).swaplevel(), result)
    return {"taux_equipement": _zones(rates, result), "offre_recensee": lists, "places_a_portee": within}


def _recruitment(result: StudyResult) -> dict[str, pd.DataFrame]:
    """Return endo-recruitment as classes of share, where neither side is a small count."""
    by_site, by_zone = recruitment(result.baseline.state)
    if by_site.empty:
        return {}
    sites, zones = by_site.reset_index(), _zones(by_zone, result)
    endo = share_classes(by_site["persons"], by_site["persons_from_zone"])
    served = share_classes(by_zone["persons"], by_zone["persons_served_in_zone"])
    sites["endo_recruitment_class"], zones["served_in_zone_class"] = endo.to_numpy(), served.to_numpy()
    return {
        "endo_recrutement_services": sites[["authorisation_id", "zone", "endo_recruitment_class"]],
        "endo_recrutement_zones": zones[["zone", "zone_name", "served_in_zone_class"]],
    }


def _communes(table: pd.DataFrame, result: StudyResult) -> pd.DataFrame:
    """Return a table of communes as a flat one, their names and EPCI beside their codes."""
    if table.empty:
        return table
    return with_names(table, place_names(result.baseline.state.communes).drop(columns="departement_code"))


def _zones(table: pd.DataFrame, result: StudyResult) -> pd.DataFrame:
    """Return a table of zones as a flat one, their names beside their codes."""
    if table.empty:
        return table
    flat = table.reset_index()
    flat.insert(list(flat.columns).index("zone") + 1, "zone_name", zone_names(result, flat["zone"]))
    return flat
