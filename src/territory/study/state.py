"""What the baseline and every scenario are computed from, and which inputs may not be described outside."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from territory.study.words import indicators
from territory.study.words.changes import FamilyRule, PoolSites
from territory.study.words.model import Authorisation, Need, Study
from territory.tables.declare import lines_of


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
    prices: indicators.Prices = field(default_factory=indicators.Prices)
    rates: tuple[Rate, ...] = ()
    deserts: tuple[indicators.DesertScheme, ...] = (indicators.DREES_SCHEME,)
    practitioners: indicators.Practitioners = field(default_factory=indicators.Practitioners)
    zoning: indicators.Zoning | None = None
    path_steps: tuple[indicators.PathStep, ...] = indicators.CHILD_PATH
    coordination: tuple[indicators.Coordination, ...] = indicators.COORDINATION
    told_level: float = 0.9


@dataclass(frozen=True)
class State:
    """Tables of one computation (see `territory.tables.schemas`); a scenario is a changed copy of it.

    `travel_times` goes from communes to every site that any scenario may use, `site_times` from site to site: moving
    a service recomputes no time. `families` and `poolings` are what a scenario says of the authorisations that it
    touches; `tables` holds what changes may draw on. None when the study does not say: `edge_time_min` (to the edge
    of the data), `care_territories`, `zoning_in_force`, `gp_consumption` (acts per inhabitant by age, without which
    there is no APL) and `published`.
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
    edge_time_min: "pd.Series[float] | None" = None
    care_territories: "pd.Series[str] | None" = None
    zoning_in_force: "pd.Series[str] | None" = None
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

    def children_served(self, authorisations: Collection[str]) -> "pd.Series[float] | None":
        """Return the children served by commune, None unless all of these authorisations are observed."""
        rows = self.observed_origins
        if rows is None or not set(authorisations) <= set(rows["authorisation_id"]):
            return None
        counts = rows[rows["authorisation_id"].isin(authorisations)].groupby("commune_code")["children"].sum()
        # a commune that the file does not name sends nobody
        return counts.reindex(self.communes.index, fill_value=0.0)

    def __repr__(self) -> str:
        offer = f"{len(self.sites)} sites, {len(self.services)} services"
        return f"State({len(self.communes)} communes, {offer}, {len(self.travel_times)} travel times)"


# what stands in the place of a digest: whoever has the digest of a small table tries tables until one fits
UNPUBLISHED = "lu, empreinte non publiée"

# roads, times and speeds hold neither persons nor money. A file that is not listed is secret: a new kind of table
# is so until somebody writes here that it is not
_FILES = lines_of("files.csv", "territory.study")
_PUBLIC_FILES = {"dataset", *(line["key"] for line in _FILES if line["is_public"] == "yes")}
# counts of persons that the study file itself holds, by section; None is the whole section
_SECRET_VALUES: Mapping[str, str | None] = {"waiting": None, "building": "children_accompanied"}


def is_public(name: str) -> bool:
    """Tell whether the digest of an input may be published."""
    kind = name.partition(":")[0]
    # the official files of `[data]` can be fetched by anybody
    return kind in _PUBLIC_FILES or kind.startswith("data.")


def public_parameters(study: Study, *, as_written: bool = False) -> dict[str, Any]:
    """Return what a study file says, without its counts of persons; `as_written` without defaults."""
    said = study.model_dump(mode="json", exclude_none=True, exclude_unset=as_written)
    if "data" in said and study.data is not None:
        # where this machine keeps a file is nobody's business
        said["data"] = _names_only(said["data"], set(study.data.paths().values()))
    for section, key in _SECRET_VALUES.items():
        if key is None:
            said.pop(section, None)
        elif section in said:
            said[section] = [{k: v for k, v in one.items() if k != key} for one in said[section]]
    return said


def _names_only(said: Any, paths: set[str]) -> Any:
    """Return the section of official files, those outside the folder of the study under their names alone."""
    if isinstance(said, dict):
        return {key: _names_only(value, paths) for key, value in said.items()}
    if isinstance(said, list):
        return [_names_only(value, paths) for value in said]
    return Path(said).name if said in paths and Path(said).is_absolute() else said


def without_counts(study: Study) -> Study:
    """Return a study without the counts of persons that its file holds."""
    changes: dict[str, object] = {}
    for section, key in _SECRET_VALUES.items():
        rows = getattr(study, section)
        changes[section] = () if key is None else tuple(row.model_copy(update={key: None}) for row in rows)
    return study.model_copy(update=changes)


def secret_parameters(study: Study) -> dict[str, Any]:
    """Return the counts of persons that a study file holds, by name; nothing when it holds none."""
    said = study.model_dump(mode="json", include=set(_SECRET_VALUES))
    found = {}
    for section, key in _SECRET_VALUES.items():
        values = said[section] if key is None else [one[key] for one in said[section]]
        if any(value is not None for value in values):
            found[section if key is None else f"{section}.{key}"] = values
    return found
