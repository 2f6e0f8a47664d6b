"""The inputs of one computation: what the baseline and every scenario are computed from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from territory.study.model import Authorisation

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd


@dataclass(frozen=True)
class Parameters:
    """Numbers of a study that a computation needs beside its tables.

    Attributes
    ----------
    authorisations
        The services named in the question, with their trips.
    territory_codes
        Communes that are counted; the others are the buffer.
    terrain
        Terrain of the study, on which the doubt on a difference of times depends.
    age_scale
        Factor from the uniform cut of age bands to the known total of the territory (1 = not scaled).
    """

    authorisations: tuple[Authorisation, ...]
    territory_codes: frozenset[str]
    closest_services: tuple[str, ...]
    thresholds_min: tuple[float, ...]
    recruitment_max_min: float
    recruitment_tests_min: tuple[float, ...]
    age_scale: float = 1.0
    terrain: str = "mixed"


@dataclass(frozen=True)
class State:
    """Tables of one computation (see `territory.tables`); a scenario is a changed copy of it.

    `travel_times` goes from communes to every site that any scenario may use, `site_times` from site to
    site: moving a service recomputes no time.
    """

    communes: gpd.GeoDataFrame
    population: pd.DataFrame
    demand: pd.DataFrame
    sites: gpd.GeoDataFrame
    services: pd.DataFrame
    travel_times: pd.DataFrame
    site_times: pd.DataFrame
    parameters: Parameters
    observed_origins: pd.DataFrame | None = None

    def __repr__(self) -> str:
        """Return the sizes of the tables."""
        return (
            f"State({len(self.communes)} communes, {len(self.sites)} sites, {len(self.services)} services, "
            f"{len(self.travel_times)} travel times)"
        )
