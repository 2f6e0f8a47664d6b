"""The tables of indicators that are handed over: deserts, doubt, paths, coordination, recruitment."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from territory.release.comparison import observed_services
from territory.release.treatment import share_classes, treat
from territory.scenario.measures.pathways import (
    child_equipment,
    child_path,
    coordination,
    ehpad_care,
    recruitment,
)
from territory.scenario.zones import ALL_TERRITORY
from territory.sources.producers.finess.categories import CHILD_SERVICES
from territory.study.services import kinds_of

if TYPE_CHECKING:
    from territory.result import StudyResult

# what BPE 2013 called establishments (residential or day) and services (at home or ambulatory) for children
LISTED_KINDS = {
    "establishments": tuple(one for one in CHILD_SERVICES if one != "sessad"),
    "services": ("sessad", "cmpp", "camsp"),
}


def indicator_tables(result: StudyResult) -> dict[str, pd.DataFrame]:
    """Return the tables of indicators by file name, small counts already withheld; those without rows are left out."""
    found = {
        **_deserts(result),
        **_zonings(result),
        **_doubt(result),
        **_paths(result),
        **equipment_tables(result),
        **_recruitment(result),
    }
    return {name: table for name, table in found.items() if len(table)}


def _deserts(result: StudyResult) -> dict[str, pd.DataFrame]:
    """Return deserts by commune and by zone, access to GPs, and where the data stop."""
    results = result.baseline
    inside = results.state.parameters.territory_codes
    classes = results.deserts[results.deserts.index.get_level_values("commune_code").isin(inside)]
    gps = results.gp_access[results.gp_access.index.isin(inside)]
    return {
        "deserts_communes": _communes(classes, result),
        "deserts_zones": _zones(results.desert_shares, result),
        "medecins_generalistes_communes": _communes(gps.dropna(axis=1, how="all"), result),
        "bord_des_donnees": results.edge.reset_index(),
    }


def _zonings(result: StudyResult) -> dict[str, pd.DataFrame]:
    """Return the simulated zonings, today and under each scenario."""
    every = {"": result.baseline, **result.scenarios}
    blocks = [
        results.zoning.reset_index().assign(scenario=name)
        for name, results in every.items()
        if len(results.zoning)
    ]
    return {"zonage_simule": pd.concat(blocks, ignore_index=True) if blocks else pd.DataFrame()}


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
        "soins_ehpad": care.reset_index() if len(care) else care,
        "coordination": coordination(state).reset_index(),
    }


def equipment_tables(result: StudyResult) -> dict[str, pd.DataFrame]:
    """Return the rate of equipment by EPCI, and the list of sites beside what BPE 2013 counted."""
    state = result.baseline.state
    rates = child_equipment(state)
    reference = getattr(result.dataset, "offer_2013", None)
    if rates.empty or reference is None:
        return {"taux_equipement": _zones(rates, result)}
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
    lists = pd.concat(blocks, names=["kind", "zone"]).swaplevel()
    return {"taux_equipement": _zones(rates, result), "offre_recensee": _zones(lists, result)}


def _recruitment(result: StudyResult) -> dict[str, pd.DataFrame]:
    """Return endo-recruitment as classes of share, where neither side is a small count."""
    by_site, by_zone = recruitment(result.baseline.state)
    if by_site.empty:
        return {}
    sites = by_site.reset_index()
    sites["endo_recruitment_class"] = share_classes(
        by_site["persons"], by_site["persons_from_zone"]
    ).to_numpy()
    zones = _zones(by_zone, result)
    zones["served_in_zone_class"] = share_classes(
        by_zone["persons"], by_zone["persons_served_in_zone"]
    ).to_numpy()
    return {
        "endo_recrutement_services": sites[["authorisation_id", "zone", "endo_recruitment_class"]],
        "endo_recrutement_zones": zones[["zone", "zone_name", "served_in_zone_class"]],
    }


def _communes(table: pd.DataFrame, result: StudyResult) -> pd.DataFrame:
    """Return a table of communes as a flat one, their names and EPCI beside their codes."""
    if table.empty:
        return table
    flat = table.reset_index()
    codes = flat["commune_code"]
    communes = result.baseline.state.communes
    place = flat.columns.get_loc("commune_code")
    for step, (name, column) in enumerate(
        (("commune_name", "name"), ("epci_code", "epci_code"), ("epci_name", "epci_name")), start=1
    ):
        flat.insert(int(str(place)) + step, name, communes[column].reindex(codes).to_numpy())
    return flat


def _zones(table: pd.DataFrame, result: StudyResult) -> pd.DataFrame:
    """Return a table of zones as a flat one, their names beside their codes."""
    if table.empty:
        return table
    flat = table.reset_index()
    communes = result.baseline.state.communes
    names = communes.drop_duplicates("epci_code").set_index("epci_code")["epci_name"].to_dict()
    known = {ALL_TERRITORY: "Ensemble", **names}
    place = int(str(flat.columns.get_loc("zone")))
    # a zone that is no EPCI is a département
    flat.insert(place + 1, "zone_name", [known.get(zone, f"Département {zone}") for zone in flat["zone"]])
    return flat
