"""The tables and map layers of a run, ready to leave the agency."""

from __future__ import annotations

from typing import TYPE_CHECKING

import geopandas as gpd
import pandas as pd

from territory.release.comparison import comparison_tables
from territory.release.disclosure import estimate_texts
from territory.release.groupings import grouping_tables
from territory.release.indicators import indicator_tables
from territory.release.published import (
    publish_communes,
    publish_sensitivity,
    publish_trips,
    publish_waits,
    publish_zones,
)
from territory.release.scenarios import scenario_tables
from territory.scenario.measures.compute import ALL_TERRITORY
from territory.supply.service_lists import is_candidate

if TYPE_CHECKING:
    from territory.result import StudyResult

# a tenth of a minute is already finer than any doubt
DECIMALS = {"_min": 1, "_km": 1, "_hab_km2": 1, "_share": 4}


def tables(result: StudyResult) -> dict[str, pd.DataFrame]:
    """Return the tables that are handed over, by file name, small counts already withheld.

    Estimated persons under 11 are the text "< 11"; observed children served are protected together with
    every total that is published. Times are rounded to a tenth of a minute.
    """
    state = result.baseline.state
    named = state.communes[["name", "departement_code", "epci_code", "epci_name"]]
    names = named.set_axis(["commune_name", "departement_code", "epci_code", "epci_name"], axis=1)
    found = {
        "communes": state.communes.drop(columns="geometry").reset_index(),
        "sites": _real_sites(result).drop(columns="geometry").reset_index(),
        "services": state.services.reset_index(),
        "acces_communes": _with_names(result.baseline.access, names),
        **_coverage(result),
        **_needs(result, names),
        **_comparisons(result, names),
        **comparison_tables(result),
        **scenario_tables(result),
        **grouping_tables(result),
        **indicator_tables(result),
        "sources": result.dataset.sources,
    }
    if "attentes" in found:
        found["attentes"] = publish_waits(found["attentes"])
    return {name: _rounded(table) for name, table in found.items() if len(table.columns)}


def layers(result: StudyResult) -> dict[str, gpd.GeoDataFrame]:
    """Return the layers of the GeoPackage: communes with their times, sites, and the outlines of the territory."""
    state = result.baseline.state
    times = result.baseline.access["travel_time_min"].unstack("service").add_suffix("_min")
    wide = [times.add_prefix("baseline_")]
    for name, scenario in result.scenarios.items():
        moved = [f"{service}_min" for service in result.comparisons[name].services]
        later = scenario.access["travel_time_min"].unstack("service").add_suffix("_min")
        wide.append(later[moved].add_prefix(f"scenario_{name}_"))
    columns = _rounded(pd.concat(wide, axis=1).reindex(state.communes.index))
    communes = gpd.GeoDataFrame(state.communes.join(columns).reset_index(), crs=state.communes.crs)
    sites = gpd.GeoDataFrame(_real_sites(result).reset_index(), crs=state.sites.crs)
    found = {"communes": communes, "sites": sites}
    outlines = result.dataset.outlines
    if outlines is not None:
        inside = outlines.join(state.communes[["name", "epci_code", "epci_name"]]).join(columns)
        found["contours"] = gpd.GeoDataFrame(inside.reset_index(), crs=outlines.crs)
    return found


def _real_sites(result: StudyResult) -> gpd.GeoDataFrame:
    """Return the sites without the candidates that no scenario has chosen."""
    sites = result.baseline.state.sites
    every = (
        results.state.services.index.get_level_values("site_id") for results in result.scenarios.values()
    )
    chosen = {site for ids in every for site in ids}
    return sites.loc[~is_candidate(sites) | sites.index.isin(chosen)]


def _needs(result: StudyResult, names: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Return needs by commune and by EPCI."""
    demand = result.baseline.state.demand
    if demand.empty:
        return {}
    values = ["demand", "demand_low", "demand_high"]
    epci = names[["epci_code", "epci_name"]].reindex(demand.index.get_level_values("commune_code"))
    keys = [epci["epci_code"].to_numpy(), demand.index.get_level_values("public"), demand["kind"].to_numpy()]
    by_epci = demand[values].groupby(keys).sum(min_count=1)
    by_epci.index.names = ["epci_code", "public", "kind"]
    by_epci = by_epci.reset_index()
    by_epci.insert(
        1, "epci_name", by_epci["epci_code"].map(dict(zip(epci["epci_code"], epci["epci_name"], strict=True)))
    )
    by_commune = _with_names(demand, names)
    for table in (by_commune, by_epci):
        table[values] = table[values].apply(estimate_texts)
    return {"besoins_communes": by_commune, "besoins_epci": by_epci}


def _coverage(result: StudyResult) -> dict[str, pd.DataFrame]:
    """Return who is within reach of common care, nothing when the study asks for no complete service."""
    coverage = result.baseline.coverage
    return {"couverture_zones": coverage.reset_index()} if len(coverage) else {}


def _comparisons(result: StudyResult, names: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Return the comparisons of all scenarios, by commune, by zone and by recruitment limit."""
    blocks: dict[str, list[pd.DataFrame]] = {
        key: [] for key in ("communes", "zones", "sensibilite", "trajets")
    }
    zone_names = names.drop_duplicates("epci_code").set_index("epci_code")["epci_name"]
    for name in result.comparisons:
        communes = _with_names(publish_communes(result, name), names)
        zones = publish_zones(result, name).reset_index()
        zones.insert(1, "zone_name", zones["zone"].map(zone_names).fillna(result.study.territory.name))
        zones.loc[zones["zone"] == ALL_TERRITORY, "zone_name"] = "Ensemble"
        sensitivity = publish_sensitivity(result, name).reset_index()
        trips = publish_trips(result, name).reset_index()
        for key, table in zip(blocks, (communes, zones, sensitivity, trips), strict=True):
            table.insert(0, "scenario", name)
            blocks[key].append(table)
    return {
        f"comparaison_{key}": pd.concat(found, ignore_index=True) for key, found in blocks.items() if found
    }


def _with_names(table: pd.DataFrame, names: pd.DataFrame) -> pd.DataFrame:
    """Return a table indexed by commune as a flat one, the names of its communes beside their codes."""
    flat = table.reset_index()
    for place, column in enumerate(names.columns, start=1):
        flat.insert(place, column, names[column].reindex(flat["commune_code"]).to_numpy())
    return flat


def _rounded(table: pd.DataFrame) -> pd.DataFrame:
    """Round numbers to what their unit can bear."""
    for suffix, digits in DECIMALS.items():
        columns = [
            c for c in table.columns if str(c).endswith(suffix) and pd.api.types.is_float_dtype(table[c])
        ]
        table = table.assign(**{column: table[column].round(digits) for column in columns})
    return table
