"""What the travel times of a national study are asked of: the road map, or the estimate."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from territory.errors import StudyError
from territory.files.safe_files import digest_file
from territory.network.estimate import estimate_travel_times
from territory.network.od_search import RoadSearch, load_search
from territory.network.roads import search_roads
from territory.study.words.model import Study
from territory.workflow.inputs.travel_times import times_inside
from territory.workflow.step_cache import code_digest, digest_of

if TYPE_CHECKING:
    import geopandas as gpd
    import numpy as np
    from numpy.typing import NDArray

_COLUMNS = ["density_hab_km2", "area_km2", "geometry"]


@dataclass(frozen=True, eq=False)
class EstimateSearch:
    """Estimated times, asked part by part like those of a road map."""

    communes: gpd.GeoDataFrame
    sites: gpd.GeoDataFrame
    terrain: str
    max_time_min: float

    @property
    def from_ids(self) -> pd.Index:
        """Codes of the communes."""
        return self.communes.index

    @property
    def to_ids(self) -> pd.Index:
        """Identifiers of the sites."""
        return self.sites.index

    def travel_times(self, rows: NDArray[np.int64], *, threads: int | None = None) -> pd.DataFrame:
        """Return the times of some communes; they depend on nothing but the two places."""
        table = estimate_travel_times(
            self.communes.iloc[rows], self.sites, terrain=self.terrain, max_time_min=self.max_time_min
        )
        used = table["to_id"].cat.remove_unused_categories()
        return table.assign(to_id=used)

    def digest(self) -> str:
        """Return a digest of all that the times depend on."""
        places = self.communes[_COLUMNS], self.sites[["commune_code", *_COLUMNS]]
        return digest_of(*places, self.terrain, self.max_time_min, code_digest())


@dataclass(frozen=True, eq=False)
class Asked:
    """What to write: a search, the least times inside communes, and how times are found."""

    search: RoadSearch | EstimateSearch
    least: pd.DataFrame | None
    method: str


def ask_times(
    study: Study,
    communes: gpd.GeoDataFrame,
    sites: gpd.GeoDataFrame,
    *,
    roads: Path | None,
    kept_dir: Path,
    announce: Callable[[str], None],
) -> Asked:
    """Place communes and sites on the study's roads, or prepare their estimate.

    The road map is read, ordered and prepared once: a run that goes on after a stop maps what was kept.
    """
    if study.files.distancier:
        raise StudyError(
            "Une étude nationale se calcule sur une carte routière ou par estimation : retirez « distancier » de "
            "[files], ou étudiez moins de départements."
        )
    limit, terrain = study.travel.max_time_min, study.travel.terrain
    path = roads or (Path(study.folder) / study.files.roads if study.files.roads else None)
    if path is None:
        return Asked(EstimateSearch(communes, sites, terrain, limit), None, "estimate")
    with_distance = study.scale is not None and study.scale.with_distance
    placed = sites[["commune_code", "point_precision", *_COLUMNS]]
    key = digest_of(
        communes[_COLUMNS],
        placed,
        limit,
        with_distance,
        digest_file(path),
        code_digest(),
    )
    least = times_inside(communes, sites, terrain).reset_index()
    place = kept_dir / "recherches" / key[:32]
    if place.is_dir():
        return Asked(load_search(place), least, "roads")
    announce("Lecture et préparation de la carte routière")
    network = _read(path)
    # many origins are worth the order of the map, which is kept for the next study on it
    network.prepare(cache=kept_dir / "ordre-des-routes")
    search = search_roads(network, communes, sites, max_time_min=limit, with_distance=with_distance)
    search.save(place)
    return Asked(search, least, "roads")


def _read(path: Path) -> Any:
    """Return the roads of a map."""
    from territory.network.maps.osm import read_osm

    return read_osm(path)
