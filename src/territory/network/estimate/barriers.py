"""Distances as the crow flies that go round what no road crosses: an estuary, a lake, a gulf, gorges."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from territory.errors import NetworkError, examples

if TYPE_CHECKING:
    import geopandas as gpd
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


def barrier_paths_km(barriers: gpd.GeoDataFrame | gpd.GeoSeries | None, epsg: int) -> list[Floats]:
    """Return the vertices of each barrier in the common system, or an error that lists what is not a line."""
    if barriers is None:
        return []
    geometry = barriers.geometry
    if geometry.crs is None:
        raise NetworkError("Obstacles : système de coordonnées absent ; précisez-le avec set_crs(…).")
    wrong = geometry.isna() | geometry.is_empty | (geometry.geom_type != "LineString")
    if wrong.any():
        raise NetworkError(
            f"Obstacles : {int(wrong.sum())} géométrie(s) autre(s) qu'une ligne ({examples(geometry.index[wrong])}) ; "
            "tracez une ligne par obstacle, d'un passage à l'autre."
        )
    return [np.asarray(line.coords, dtype=float)[:, :2] / 1000.0 for line in geometry.to_crs(epsg)]


def distance_km(
    from_x_km: Floats, from_y_km: Floats, to_x_km: Floats, to_y_km: Floats, paths_km: list[Floats]
) -> Floats:
    """Return distances as the crow flies, by the nearer end of each barrier that the straight line meets.

    Where several barriers are met, the longest of these ways round is kept.
    """
    straight = np.hypot(from_x_km - to_x_km, from_y_km - to_y_km)
    longest = straight
    for path in paths_km:
        around = np.full(straight.shape, np.inf)
        for x, y in (path[0], path[-1]):
            way = np.hypot(from_x_km - x, from_y_km - y) + np.hypot(to_x_km - x, to_y_km - y)
            around = np.minimum(around, way)
        met = _meets(from_x_km, from_y_km, to_x_km, to_y_km, path)
        longest = np.where(met, np.maximum(longest, around), longest)
    return longest


def _meets(ax: Floats, ay: Floats, bx: Floats, by: Floats, path: Floats) -> NDArray[np.bool_]:
    """Say of each segment a-b whether it crosses a broken line, by the sides on which ends lie."""
    met = np.zeros(np.broadcast_shapes(ax.shape, bx.shape), dtype=bool)
    for (cx, cy), (dx, dy) in pairwise(path):
        side_a = (dx - cx) * (ay - cy) - (dy - cy) * (ax - cx)
        side_b = (dx - cx) * (by - cy) - (dy - cy) * (bx - cx)
        side_c = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
        side_d = (bx - ax) * (dy - ay) - (by - ay) * (dx - ax)
        met |= (side_a * side_b < 0) & (side_c * side_d < 0)
    return met
