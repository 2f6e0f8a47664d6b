"""The road map of a run, read once, when something first has to be computed on it."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import geopandas as gpd

from territory.files.safe_files import digest_file
from territory.study.own_tables import read_change_table
from territory.workflow.step_cache import digest_of

if TYPE_CHECKING:
    from territory.network.roads import RoadNetwork
    from territory.study.words.changes import ChangeSpeeds
    from territory.study.words.model import Study


class RoadMap:
    """A road map, and what it is under other speeds."""

    def __init__(self, path: Path, folder: Path) -> None:
        self.path = path
        self._folder = folder

    @cached_property
    def _digest(self) -> str:
        """SHA-256 of the map."""
        return digest_file(self.path)

    @cached_property
    def network(self) -> RoadNetwork:
        """The roads, under the speeds of today."""
        from territory.network.maps.osm import read_osm

        return read_osm(self.path)

    def digest(self, speeds: ChangeSpeeds | None = None) -> str:
        """Return what stands for the map, and for the speeds when they are not those of today."""
        if speeds is None:
            return self._digest
        table = "" if speeds.speeds_file is None else digest_file(self._folder / speeds.speeds_file)
        return digest_of(self._digest, speeds.period, table)

    def under(self, speeds: ChangeSpeeds | None, communes: gpd.GeoDataFrame) -> RoadNetwork:
        """Return the roads under some speeds; those of peak hours depend on the density of the communes."""
        from territory.network.graph.speeds import speed_table

        network = self.network
        if speeds is None:
            return network
        table = speed_table()
        if speeds.speeds_file is not None:
            table = read_change_table(
                self._folder / speeds.speeds_file, "speeds_file", communes=communes.index
            )
        if (table["density"] != "any").any():
            network = network.with_density(_around_points(communes))
        return network.with_speeds(table, period=speeds.period or "off_peak")


def road_map_of(study: Study, roads: Path | None) -> RoadMap | None:
    """Return the road map of a run: the one that is given, or the study's own, or none."""
    folder = Path(study.folder)
    path = roads or (folder / study.files.roads if study.files.roads else None)
    return None if path is None else RoadMap(path, folder)


def _around_points(communes: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return the densities on polygons in which every place is closest to the point of their commune."""
    cells = gpd.GeoDataFrame(geometry=communes.geometry.voronoi_polygons(), crs=communes.crs)
    found: gpd.GeoDataFrame = cells.sjoin(communes[["density_hab_km2", "geometry"]], predicate="contains")
    return found
