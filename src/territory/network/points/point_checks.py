"""Checks of the points that travel times start from or lead to."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from territory.errors import NetworkError, Problems, examples

if TYPE_CHECKING:
    import geopandas as gpd

__all__ = ["check_points", "points_to_crs"]


def check_points(points: gpd.GeoDataFrame, *, role: str) -> None:
    """Refuse points that cannot be used, with all problems at once.

    Examples
    --------
    >>> import geopandas as gpd
    >>> check_points(gpd.GeoDataFrame(geometry=gpd.points_from_xy([6.4, 6.5], [43.5, 43.5])), role="origines")
    Traceback (most recent call last):
    territory.errors.NetworkError: Points (origines) : 1 problème.
    - système de coordonnées absent : indiquez-le avec points.set_crs(...)
    """
    import geopandas as gpd

    problems = Problems(f"Points ({role})", NetworkError)
    given: object = points
    if not isinstance(given, gpd.GeoDataFrame | gpd.GeoSeries):
        problems.add(f"il faut une table de points de geopandas (GeoDataFrame), pas {type(given).__name__}")
        problems.raise_if_any()
    if len(points) == 0:
        problems.add("aucun point")
        problems.raise_if_any()
    if points.crs is None:
        problems.add("système de coordonnées absent : indiquez-le avec points.set_crs(...)")
    missing = np.asarray(points.index.isna(), dtype=bool)
    if missing.any():
        problems.add(f"{int(missing.sum())} points sans identifiant dans l'index")
    doubled = points.index[np.asarray(points.index.duplicated(), dtype=bool) & ~missing]
    if len(doubled):
        problems.add(f"{len(doubled)} identifiants en double dans l'index ({examples(doubled.unique())})")
    _check_geometries(points.geometry, problems)
    problems.raise_if_any()


def _check_geometries(geometry: gpd.GeoSeries, problems: Problems) -> None:
    empty = geometry.isna() | geometry.is_empty
    if empty.any():
        problems.add(f"{int(empty.sum())} points sans géométrie ({examples(geometry.index[empty])})")
    other = ~empty & (geometry.geom_type != "Point")
    if other.any():
        problems.add(
            f"{int(other.sum())} géométries ne sont pas des points ({examples(geometry.index[other])}) : prenez par"
            " exemple leur point intérieur (representative_point)"
        )
    good = geometry[~empty & ~other]
    unknown = ~(np.isfinite(np.asarray(good.x)) & np.isfinite(np.asarray(good.y)))
    if unknown.any():
        problems.add(
            f"{int(unknown.sum())} points ont une coordonnée qui n'est pas un nombre ({examples(good.index[unknown])})"
        )


def points_to_crs(points: gpd.GeoDataFrame, crs: str, *, role: str) -> gpd.GeoDataFrame:
    """Check points and project them.

    Examples
    --------
    >>> import geopandas as gpd
    >>> points = gpd.GeoDataFrame(index=["A"], geometry=gpd.points_from_xy([3.0], [46.5]), crs=4326)
    >>> points_to_crs(points, "EPSG:2154", role="origines").geometry.x.round().tolist()
    [700000.0]
    """
    check_points(points, role=role)
    projected = points.to_crs(crs)
    x, y = projected.geometry.x.to_numpy(), projected.geometry.y.to_numpy()
    lost = ~(np.isfinite(x) & np.isfinite(y))
    if lost.any():
        raise NetworkError(
            f"{int(lost.sum())} points ({role}) n'ont pas de place dans la projection {crs}"
            f" ({examples(points.index[lost])}) : vérifiez leur système de coordonnées ({points.crs})."
        )
    return projected
