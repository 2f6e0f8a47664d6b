"""What the indicators of a study need beside its tables: their sites, the edge of the data, the tables of an APL."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from territory.access.edge import edge_communes
from territory.network.estimate import estimate_travel_times
from territory.sources.producers.zonings import read_zoning
from territory.supply import complete_services

if TYPE_CHECKING:
    import geopandas as gpd

    from territory.study.words.model import Study

# the embedded dataset and those of `territory init` hold the communes up to there
BUFFER_KM = 45.0
EHPAD = "ehpad"


def indicator_sites(
    study: Study, services: pd.DataFrame, sites: gpd.GeoDataFrame, communes: gpd.GeoDataFrame
) -> set[str]:
    """Return the sites of the criteria, of the path, of coordination, and the EHPAD of the territory."""
    named = services.index.get_level_values("service")
    complete = set(complete_services(services))
    criteria = [criterion for scheme in study.desert for criterion in scheme.criterion]
    wanted = {name for criterion in criteria for name in criterion.services} & complete
    wanted |= {name for step in study.path_step for name in step.services}
    wanted |= {structure.service for structure in study.coordination}
    if any(criterion.measure == "apl" for criterion in criteria):
        wanted |= {study.practitioners.service} & complete
    ids = services.index.get_level_values("site_id")
    inside = communes.index[communes["departement_code"].isin(study.territory.departement_codes)]
    at_home = sites.index[sites["commune_code"].isin(inside)]
    return set(ids[named.isin(wanted)]) | set(ids[named == EHPAD].intersection(at_home))


def edge_times(study: Study, communes: gpd.GeoDataFrame) -> pd.Series[float]:
    """Return the estimated time from each commune to the closest one at the edge of the data (min).

    The estimate serves whatever the study's own times are: it says how far the data go, not how long a trip is.
    """
    is_edge = edge_communes(
        communes.geometry.x.to_numpy(float),
        communes.geometry.y.to_numpy(float),
        communes["departement_code"].isin(study.territory.departement_codes).to_numpy(),
        buffer_km=BUFFER_KM if study.data is None else study.data.buffer_km,
    )
    times = estimate_travel_times(communes, communes[is_edge], terrain=study.travel.terrain)
    closest = times.groupby("from_id", observed=False)["travel_time_min"].min()
    return closest.reindex(communes.index).astype(float).rename("edge_time_min")


def with_activity(study: Study, services: pd.DataFrame) -> pd.DataFrame:
    """Return the services, those of GPs counted in consultations where the study gives them."""
    if study.practitioners.activity is None:
        return services
    is_gp = services.index.get_level_values("service") == study.practitioners.service
    ids = services.index.get_level_values("site_id")
    activity = study.own_tables.activity(study.practitioners.activity, sites=set(ids[is_gp]))
    counted = services.copy()
    counted.loc[is_gp, "capacity"] = activity.reindex(ids[is_gp]).to_numpy(float)
    counted.loc[is_gp, "capacity_unit"] = "consultations_per_year"
    return counted


def consumption(study: Study) -> pd.DataFrame | None:
    """Return acts per inhabitant and year by age, when the study brings the table."""
    given = study.practitioners.consumption
    return None if given is None else study.own_tables.consumption(given)


def care_territories(study: Study, communes: gpd.GeoDataFrame) -> pd.Series[str] | None:
    """Return the territoire de vie-santé of each commune, when the study brings their list."""
    if study.zoning is None:
        return None
    zones = read_zoning(Path(study.folder) / study.zoning.territories, "territoire_vie_sante")
    territories: pd.Series[str] = zones["territoire_vie_sante"].reindex(communes.index)
    return territories
