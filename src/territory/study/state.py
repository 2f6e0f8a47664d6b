"""The inputs of one computation: what the baseline and every scenario are computed from."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

import geopandas as gpd
import numpy as np
import pandas as pd

from territory.study.words.changes import FamilyRule, PoolSites
from territory.study.words.indicators import (
    CHILD_PATH,
    COORDINATION,
    DREES_SCHEME,
    Coordination,
    DesertScheme,
    PathStep,
    Practitioners,
    Prices,
    Zoning,
)
from territory.study.words.model import Authorisation, Need


@dataclass(frozen=True)
class Rate:
    """A need and the factor that brought its central value to the known total of a reference year (1 = none)."""

    need: Need
    factor: float = 1.0


@dataclass(frozen=True)
class Families:
    """Where the families of an authorisation go once its site has changed: see `Scenario.families`."""

    rule: FamilyRule
    # the kinds of service that they seek, and the need that a reallocation serves
    services: tuple[str, ...]
    need: str | None = None


@dataclass(frozen=True)
class StudyTables:
    """What a scenario may need beside today's tables, read or computed before any scenario."""

    # the planner's tables that changes name, by their path in the study file
    files: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    # times to sites and between sites under other speeds of the road map, by `ChangeSpeeds.roads_key`
    road_times: Mapping[str, tuple[pd.DataFrame, pd.DataFrame]] = field(default_factory=dict)


@dataclass(frozen=True)
class Parameters:
    """Numbers of a study that a computation needs beside its tables.

    `territory_codes` are the communes that are counted, the others being the buffer; `age_scale` goes from the uniform
    cut of age bands to the known total; over `equity_line_min` a person is far; `told_level` is that of `told_apart`.
    `terrain` is None where slownesses are known, `zoning` where none is simulated.
    """

    authorisations: tuple[Authorisation, ...]
    territory_codes: frozenset[str]
    closest_services: tuple[str, ...]
    thresholds_min: tuple[float, ...]
    recruitment_max_min: float
    recruitment_tests_min: tuple[float, ...]
    age_scale: float = 1.0
    terrain: str | None = None
    equity_line_min: float = 30.0
    prices: Prices = field(default_factory=Prices)
    rates: tuple[Rate, ...] = ()
    deserts: tuple[DesertScheme, ...] = (DREES_SCHEME,)
    practitioners: Practitioners = field(default_factory=Practitioners)
    zoning: Zoning | None = None
    path_steps: tuple[PathStep, ...] = CHILD_PATH
    coordination: tuple[Coordination, ...] = COORDINATION
    told_level: float = 0.9


@dataclass(frozen=True)
class State:
    """Tables of one computation (see `territory.tables.schemas`); a scenario is a changed copy of it.

    `travel_times` goes from communes to every site that any scenario may use, `site_times` from site to site: moving
    a service recomputes no time. `families` and `poolings` are what a scenario says of the authorisations that it
    touches; `tables` holds what changes may draw on. None when the study does not say: `edge_time_min` (to the edge
    of the data), `care_territories`, `gp_consumption` (acts per inhabitant by age, without which there is no APL) and
    `published`.
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
    families: Mapping[str, Families] = field(default_factory=dict)
    poolings: tuple[PoolSites, ...] = ()
    tables: StudyTables = field(default_factory=StudyTables)
    edge_time_min: pd.Series[float] | None = None
    care_territories: pd.Series[str] | None = None
    gp_consumption: pd.DataFrame | None = None
    published: pd.DataFrame | None = None

    def times_to(self, sites: Collection[str]) -> pd.DataFrame:
        """Return the travel times to some sites, with the attributes of the whole table."""
        every = self.travel_times
        if isinstance(every["to_id"].dtype, pd.CategoricalDtype):
            # few different sites, and many rows
            column = every["to_id"].cat
            asked = column.categories.isin(list(sites))[column.codes]
        else:
            asked = every["to_id"].isin(sites).to_numpy()
        times = every.take(np.flatnonzero(asked))
        times.attrs = dict(every.attrs)
        return times

    def children_served(self, authorisations: Collection[str]) -> pd.Series[float] | None:
        """Return the children served by commune, None unless all of these authorisations are observed."""
        rows = self.observed_origins
        if rows is None or not set(authorisations) <= set(rows["authorisation_id"]):
            return None
        counts = rows[rows["authorisation_id"].isin(authorisations)].groupby("commune_code")["children"].sum()
        # a commune that the file does not name sends nobody
        found: pd.Series[float] = counts.reindex(self.communes.index, fill_value=0.0)
        return found

    def __repr__(self) -> str:
        """Return the sizes of the tables."""
        return (
            f"State({len(self.communes)} communes, {len(self.sites)} sites, {len(self.services)} services, "
            f"{len(self.travel_times)} travel times)"
        )
