"""The road network: travel times, isochrones, nearest sites, saving."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from territory.errors import ParameterError
from territory.network.engine.graph import MAX_TIME_MS
from territory.network.graph.topology import Topology
from territory.network.points import snapping
from territory.network.points.snapping import MAX_SNAP_M
from territory.network.queries import roads_queries
from territory.network.storage.network_files import load_network, save_network
from territory.network.weighted import WeightedRoads

if TYPE_CHECKING:
    import geopandas as gpd

__all__ = ["RoadNetwork"]


class RoadNetwork(WeightedRoads):
    """Roads ready to give travel times under one table of speeds.

    Made by `read_osm`, `from_osmnx`, `download`, `from_lines` or `RoadNetwork.load`; never changed afterwards:
    `with_speeds` and `with_density` return another network that shares all that does not depend on speeds.

    Parameters
    ----------
    topology
        The prepared map.
    speeds
        Table of speeds, as `territory.network.speed_table` returns it.
    period
        ``off_peak`` or ``peak``.
    """

    def snap(
        self, points: gpd.GeoDataFrame, *, max_snap_m: float = MAX_SNAP_M, islands: bool = False
    ) -> gpd.GeoDataFrame:
        """Place points on the nearest road segment.

        Parameters
        ----------
        points
            Points with a CRS; their index holds their identifiers.
        max_snap_m
            A point farther than this from any road (m) is an error.
        islands
            Also use roads cut off from the main network. By default only roads from which one can go to all
            the others and come back.

        Returns
        -------
        GeoDataFrame
            Index of `points`, in its order. distance_m to the road (m), is_island (the road is cut off from the
            main network), road_class, geometry (the place on the road, in the projection of the network).
            Motorways and ferries take no point.

        Raises
        ------
        NetworkError
            If points cannot be used, or are too far: the message says which ones and how far.

        Examples
        --------
        >>> import geopandas as gpd
        >>> from territory.network import sample_network
        >>> points = gpd.GeoDataFrame(index=["A"], geometry=gpd.points_from_xy([6.401], [43.505]), crs=4326)
        >>> sample_network().snap(points)["distance_m"].round().tolist()
        [81.0]
        """
        return snapping.snap_table(self._topology, points, max_snap_m=max_snap_m, islands=islands)

    def travel_times(
        self,
        origins: gpd.GeoDataFrame,
        destinations: gpd.GeoDataFrame,
        *,
        max_time_min: float | None = None,
        with_distance: bool = False,
        engine: str = "auto",
        max_snap_m: float = MAX_SNAP_M,
        islands: bool = False,
        threads: int | None = None,
    ) -> pd.DataFrame:
        """Compute the travel times from origins to destinations.

        Parameters
        ----------
        origins, destinations
            Points with a CRS; their index holds their identifiers.
        max_time_min
            Longest time kept, inclusive (min); None keeps every pair that a road joins.
        with_distance
            Add the distance along the fastest path, the shortest of equally fast ones.
        engine
            ``dijkstra`` searches at once, ``hierarchy`` orders the map first (minutes for a large one, once)
            and is then hundreds of times faster, ``auto`` chooses. The result is the same.
        max_snap_m, islands
            As in `snap`.
        threads
            Number of threads, all by default. It changes nothing in the result.

        Returns
        -------
        DataFrame
            from_id, to_id (text; categorical above a million rows), travel_time_min (min) and, if asked,
            distance_km (km), by origin then destination in the order given. An absent pair is over the cutoff,
            or out of reach when there is none. The attribute cutoff_min is `max_time_min`, NaN without one.

        Raises
        ------
        NetworkError
            If points cannot be used.
        ParameterError
            If an option is out of range.

        Notes
        -----
        A time is that of the fastest path in whole milliseconds: access leg in a straight line at 20 km/h, part
        of the first segment, roads with the waits at their junctions, part of the last segment, access leg.
        The distance counts both access legs.

        Examples
        --------
        >>> import geopandas as gpd
        >>> from territory.network import sample_network
        >>> points = gpd.GeoDataFrame(index=["A", "B"], crs=4326,
        ...     geometry=gpd.points_from_xy([6.40, 6.40], [43.50, 43.51]))
        >>> sample_network().travel_times(points, points, with_distance=True).round(3)
          from_id to_id  travel_time_min  distance_km
        0       A     A            0.000        0.000
        1       A     B            0.877        1.111
        2       B     A            0.877        1.111
        3       B     B            0.000        0.000
        """
        limit_ms = _limit_ms(max_time_min)
        ends = snapping.endpoints(self, origins, destinations, max_snap_m=max_snap_m, islands=islands)
        return roads_queries.times_table(
            self,
            (origins.index, destinations.index),
            ends,
            limit_ms=limit_ms,
            max_time_min=max_time_min,
            with_distance=with_distance,
            engine=engine,
            threads=threads,
        )

    def travel_time_matrix(
        self,
        origins: gpd.GeoDataFrame,
        destinations: gpd.GeoDataFrame,
        *,
        engine: str = "auto",
        max_snap_m: float = MAX_SNAP_M,
        islands: bool = False,
        threads: int | None = None,
    ) -> NDArray[np.float32]:
        """Compute the full matrix of travel times.

        Parameters
        ----------
        origins, destinations, engine, max_snap_m, islands, threads
            As in `travel_times`.

        Returns
        -------
        ndarray of float32 [origins, destinations]
            Minutes, inf out of reach.

        Raises
        ------
        NetworkError, ParameterError
            As `travel_times`.
        """
        ends = snapping.endpoints(self, origins, destinations, max_snap_m=max_snap_m, islands=islands)
        return roads_queries.times_matrix(self, ends, engine=engine, threads=threads)

    def nearest(
        self,
        points: gpd.GeoDataFrame,
        sites: gpd.GeoDataFrame,
        k: int = 1,
        *,
        max_time_min: float | None = None,
        max_snap_m: float = MAX_SNAP_M,
        islands: bool = False,
    ) -> pd.DataFrame:
        """Find the k nearest sites of each point, with one search from all sites together.

        Parameters
        ----------
        points, sites
            Points with a CRS; their index holds their identifiers.
        k
            How many sites per point.
        max_time_min
            Longest time kept, inclusive (min).
        max_snap_m, islands
            As in `snap`.

        Returns
        -------
        DataFrame
            from_id, to_id, rank (1 = nearest), travel_time_min, by point in the order given. Equal times are
            ordered as the sites are. Fewer than k rows where fewer sites are within reach.

        Raises
        ------
        NetworkError, ParameterError
            As `travel_times`.
        """
        if k < 1:
            raise ParameterError(f"k={k} : indiquez au moins un site à trouver par point.")
        ends = snapping.endpoints(self, points, sites, max_snap_m=max_snap_m, islands=islands)
        return roads_queries.nearest_table(
            self, (points.index, sites.index), ends, k=k, limit_ms=_limit_ms(max_time_min)
        )

    def isochrones(
        self,
        points: gpd.GeoDataFrame,
        *,
        minutes: Sequence[float] = (15, 30, 45),
        cell_m: float = 100.0,
        max_snap_m: float = MAX_SNAP_M,
        islands: bool = False,
    ) -> gpd.GeoDataFrame:
        """Draw what can be reached from points within given times.

        Parameters
        ----------
        points
            Points with a CRS; their index holds their identifiers.
        minutes
            Times (min), inclusive.
        cell_m
            Side of the squares on which times are computed (m).
        max_snap_m, islands
            As in `snap`.

        Returns
        -------
        GeoDataFrame
            One row per point and time: from_id, minutes, area_km2, geometry (valid polygons in the projection of
            the network; each contains those of shorter times of its point).

        Raises
        ------
        NetworkError, ParameterError
            If points or times cannot be used.

        Notes
        -----
        The time of a place is that of the road plus the way to the place at the access speed, as in
        `travel_times`, no farther than 500 m from a road. The outline is interpolated between squares: it is
        true to about one square.
        """
        from territory.network.queries.isochrones import draw_isochrones

        return draw_isochrones(
            self, points, minutes=minutes, cell_m=cell_m, max_snap_m=max_snap_m, islands=islands
        )

    def save(self, path: str | Path) -> Path:
        """Save the network in a folder that `load` maps into memory: see `territory.network.storage.network_files`.

        Parameters
        ----------
        path
            Folder to write; a network that is already there is replaced.

        Returns
        -------
        Path
            The folder.

        Raises
        ------
        OutputError
            If it cannot be written, or holds something else.
        """
        return save_network(self, Path(path))

    @classmethod
    def load(cls, path: str | Path, *, verify: bool = True) -> RoadNetwork:
        """Load a network that `save` wrote.

        Parameters
        ----------
        path
            Its folder.
        verify
            Compare every file with its digest first, and check that the network holds together: without it, load
            only what you saved yourself.

        Returns
        -------
        RoadNetwork

        Raises
        ------
        MissingFileError
            If there is no such folder.
        NetworkError
            If it is damaged, or written by another version of the format.
        """

        def make(topology: Topology, speeds: pd.DataFrame, period: str) -> RoadNetwork:
            return cls(topology, speeds, period=period)

        return load_network(Path(path), make, verify=verify)


def _limit_ms(max_time_min: float | None) -> int:
    """Return a cutoff in milliseconds, the longest time of the engines when there is none."""
    if max_time_min is None:
        return MAX_TIME_MS
    if not 0 <= max_time_min < np.inf:
        raise ParameterError(f"max_time_min={max_time_min} : indiquez un nombre de minutes positif ou nul.")
    return min(MAX_TIME_MS, round(max_time_min * 60_000))
