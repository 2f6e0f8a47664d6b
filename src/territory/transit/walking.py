"""Walks between points: through the streets, or in a straight line lengthened by a stated factor."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from territory.errors import ParameterError
from territory.network.graph.topology import nearest_hops
from territory.network.od_search import Pairs
from territory.network.points import ACCESS_KMH, MAX_SNAP_M, points_to_crs
from territory.network.roads import RoadNetwork, search_roads
from territory.transit.search import MOST_WALK_S
from territory.units import METRES_PER_KILOMETRE, SECONDS_PER_MINUTE

if TYPE_CHECKING:
    import geopandas as gpd

WALK_KMH = ACCESS_KMH["foot"]
# mean of way over straight line between stops 100 m to 1 km apart, on the streets of Porto Alegre: 1.29 (median 1.26),
# measured with this library on 29 November 2026 (docs/method/transports-collectifs.md)
DETOUR = 1.3


class Walking(NamedTuple):
    """How one walks, and how long at most (s)."""

    streets: RoadNetwork | None
    limit_s: int

    @classmethod
    def on(cls, streets: RoadNetwork | None, max_walk_min: float) -> Walking:
        """Check streets and a limit."""
        if not 0 <= max_walk_min <= MOST_WALK_S / 60:
            raise ParameterError(
                f"max_walk_min={max_walk_min} : indiquez de 0 à {MOST_WALK_S // 60} minutes."
            )
        if streets is not None and streets.profile != "foot":
            raise ParameterError(
                f"streets : cette carte a été lue pour {streets.profile!r} ; lisez-la pour les piétons, avec"
                ' read_osm(..., profile="foot").'
            )
        return cls(streets, int(max_walk_min * SECONDS_PER_MINUTE))

    def is_near(self, points: gpd.GeoDataFrame, *, within_m: float = MAX_SNAP_M) -> NDArray[np.bool_]:
        """Tell which points have a place near enough a street; any place will do without a map."""
        near = points.geometry.notna().to_numpy(copy=True)
        if self.streets is not None and near.any():
            topology, placed = self.streets.topology, points.geometry[near].to_crs(self.streets.crs)
            x, y = placed.x.to_numpy(), placed.y.to_numpy()
            found = nearest_hops(topology.roads, topology.main_index, x, y, max_distance_m=within_m)
            near[near] = found.hop >= 0
        return near

    def pairs(self, origins: gpd.GeoDataFrame, destinations: gpd.GeoDataFrame) -> Pairs:
        """Return the walks within the limit, in whole seconds rounded up; none of points far from any street."""
        rows, columns = (np.flatnonzero(self.is_near(points)) for points in (origins, destinations))
        if not rows.size or not columns.size:
            return Pairs(*(np.empty(0, dtype=np.int64) for _ in range(3)))
        ends = origins.iloc[rows], destinations.iloc[columns]
        if self.streets is None:
            found = self._straight(*ends)
        else:
            limit_min = self.limit_s / SECONDS_PER_MINUTE
            search = search_roads(self.streets, *ends, max_time_min=limit_min, engine="dijkstra")
            found = search.pairs(search.origins, threads=None)[0]
            found = Pairs(found.origin, found.destination, -(-found.value // 1000))
        return Pairs(rows[found.origin], columns[found.destination], found.value)

    def _straight(self, origins: gpd.GeoDataFrame, destinations: gpd.GeoDataFrame) -> Pairs:
        """Return walks in a straight line, lengthened."""
        from scipy.spatial import KDTree

        crs = origins.estimate_utm_crs()
        ends = [
            np.column_stack([here.geometry.x, here.geometry.y])
            for here in (
                points_to_crs(origins, crs, role="origines"),
                points_to_crs(destinations, crs, role="destinations"),
            )
        ]
        seconds_per_m = DETOUR * 3600 / (WALK_KMH * METRES_PER_KILOMETRE)
        near = KDTree(ends[0]).query_ball_tree(KDTree(ends[1]), self.limit_s / seconds_per_m)
        row = np.repeat(np.arange(len(near)), [len(one) for one in near])
        column = np.array([other for one in near for other in sorted(one)], dtype=np.int64)
        metres = np.hypot(*(ends[0][row] - ends[1][column]).T)
        # a hair of rounding is not a second
        seconds = np.ceil(np.round(metres * seconds_per_m, 6)).astype(np.int64)
        return Pairs(row, column, seconds).some(seconds <= self.limit_s)

    def changes(self, stops: gpd.GeoDataFrame, stated: pd.DataFrame) -> pd.DataFrame:
        """Return the changes between stops (from, to, seconds): as stated, else on foot, else at one's stop."""
        walks = self.pairs(stops, stops)
        here = np.arange(len(stops))
        parts = [
            pd.DataFrame({"from": walks.origin, "to": walks.destination, "seconds": walks.value}),
            pd.DataFrame({"from": here, "to": here, "seconds": 0}),
            stated,
        ]
        table = pd.concat(parts, ignore_index=True).drop_duplicates(["from", "to"], keep="last")
        return table[table["seconds"] >= 0]
