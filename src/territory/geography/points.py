"""One point per commune, inside it and on land; and the commune of a point."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

from territory.errors import ParameterError, TerritoryWarning, UnknownCodeError, agree, examples
from territory.geography.codes import departement_of
from territory.territories import METROPOLITAN, TERRITORIES

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd


def inside_points(outlines: gpd.GeoDataFrame) -> gpd.GeoSeries:
    """Give each commune one point, on its largest part.

    The point is the centroid of the largest part (an island never speaks for a mainland) where it falls
    inside, and otherwise a point that shapely guarantees inside. It stands for the territory of the
    commune, not for its town: prefer the chef-lieu, or points weighted by people, where they are known.

    Parameters
    ----------
    outlines
        Polygons in projected coordinates, on land.

    Returns
    -------
    GeoSeries
        Points, same index and coordinate system.

    Raises
    ------
    ParameterError
        If the coordinates are longitudes and latitudes.

    Examples
    --------
    >>> import geopandas as gpd
    >>> from shapely import MultiPolygon, box
    >>> land = MultiPolygon([box(0, 0, 10, 10), box(90, 0, 91, 1)])
    >>> inside_points(gpd.GeoDataFrame(geometry=[land], crs=2154)).to_wkt()[0]
    'POINT (5 5)'
    """
    import geopandas as gpd

    _require_metres(outlines)
    largest = [
        max(getattr(shape, "geoms", [shape]), key=lambda part: part.area) for shape in outlines.geometry
    ]
    shapes = gpd.GeoSeries(largest, index=outlines.index, crs=outlines.crs)
    centroids = shapes.centroid
    return centroids.where(shapes.contains(centroids), shapes.representative_point())


def locate(points: gpd.GeoSeries, outlines: gpd.GeoDataFrame, *, max_distance_m: float = 500.0) -> pd.Series:
    """Find the commune of each point.

    A point that is in no outline (a simplified coast, a pier) goes to the nearest commune within
    `max_distance_m`, with a warning; a point on a border goes to the commune first in the table.

    Parameters
    ----------
    points
        Points in the coordinate system of the outlines.
    outlines
        Polygons in projected coordinates, indexed by `commune_code`.
    max_distance_m
        How far a point may be from its commune (m).

    Returns
    -------
    Series
        Commune code of each point, same index; missing for a point farther than that.

    Raises
    ------
    ParameterError
        If the coordinates are longitudes and latitudes, or the two coordinate systems differ.

    Examples
    --------
    >>> import geopandas as gpd
    >>> from shapely import Point, box
    >>> communes = gpd.GeoDataFrame({"commune_code": ["83050"]}, geometry=[box(0, 0, 9, 9)], crs=2154)
    >>> locate(gpd.GeoSeries([Point(1, 1), Point(9999, 0)], crs=2154), communes.set_index("commune_code")).to_list()
    ['83050', None]
    """
    import pandas as pd

    _require_metres(outlines)
    if points.crs != outlines.crs:
        raise ParameterError("Les points et les contours ne sont pas dans le même système de coordonnées.")
    codes = outlines.index.to_numpy(dtype=object)
    found = pd.Series([None] * len(points), index=points.index, dtype=object, name="commune_code")
    position, shape = outlines.sindex.query(points, predicate="intersects")
    # the first outline wins on a border
    for point, polygon in sorted(zip(position, shape, strict=True), reverse=True):
        found.iloc[point] = codes[polygon]
    lost = found.isna().to_numpy()
    if lost.any():
        asked, nearest = outlines.sindex.nearest(points[lost], return_all=False, max_distance=max_distance_m)
        found.iloc[lost.nonzero()[0][asked]] = codes[nearest]
        if len(asked):
            said = agree(len(asked), "point(s) hors de tout contour rattaché(s)")
            warnings.warn(
                f"{said} à la commune la plus proche, à moins de {max_distance_m:g} m.",
                TerritoryWarning,
                stacklevel=2,
            )
    return found


def check_points(points: gpd.GeoSeries, outlines: gpd.GeoDataFrame) -> None:
    """Refuse points that are not inside the outline of their own commune.

    Parameters
    ----------
    points
        Points indexed by commune code.
    outlines
        Polygons indexed by `commune_code`, same coordinate system.

    Raises
    ------
    UnknownCodeError
        If a point has no outline.
    ParameterError
        With the communes whose point is outside.

    Examples
    --------
    >>> import geopandas as gpd
    >>> from shapely import Point, box
    >>> communes = gpd.GeoDataFrame(geometry=[box(0, 0, 9, 9)], index=["83069"], crs=2154)
    >>> check_points(gpd.GeoSeries([Point(50, 50)], index=["83069"], crs=2154), communes)
    Traceback (most recent call last):
    territory.errors.ParameterError: 1 point hors de sa commune (83069).
    """
    absent = points.index.difference(outlines.index)
    if len(absent):
        raise UnknownCodeError(f"{agree(len(absent), 'commune(s) sans contour')} ({examples(absent)}).")
    shapes = outlines.loc[points.index].geometry
    outside = points.index[~shapes.contains(points)]
    if len(outside):
        raise ParameterError(
            f"{agree(len(outside), 'point(s) hors de (sa commune|leur commune)')} ({examples(outside)})."
        )


def _require_metres(outlines: gpd.GeoDataFrame) -> None:
    """Refuse longitudes and latitudes, in which areas and distances mean nothing."""
    if outlines.crs is None or not outlines.crs.is_projected:
        raise ParameterError(
            "Coordonnées projetées attendues (EPSG:2154 en métropole) : convertissez les contours avec to_crs()."
        )


METROPOLITAN_FRANCE = TERRITORIES[METROPOLITAN].epsg
_OVERSEAS = {code: territory.epsg for code, territory in TERRITORIES.items() if code != METROPOLITAN}


def projected_epsg(departement_code: str) -> int:
    """Return the EPSG code of the official projected system of a département or overseas territory.

    Parameters
    ----------
    departement_code
        Code of the département (`83`, `2A`, `974`).

    Returns
    -------
    int
        EPSG code: RGF93 / Lambert-93 in metropolitan France, UTM overseas. Coordinates are in metres.

    Raises
    ------
    UnknownCodeError
        If no official system is known for this territory.

    References
    ----------
    Décret n° 2000-1276 du 26 décembre 2000, as changed by the décret n° 2019-165 du 5 mars 2019.

    Examples
    --------
    >>> projected_epsg("83"), projected_epsg("974")
    (2154, 2975)
    """
    if departement_code in _OVERSEAS:
        return _OVERSEAS[departement_code]
    if departement_code in ("2A", "2B") or (departement_code.isdigit() and 1 <= int(departement_code) <= 95):
        return METROPOLITAN_FRANCE
    raise UnknownCodeError(
        f"Aucune projection officielle connue pour le territoire « {departement_code} » "
        f"(connus : 01 à 95, 2A, 2B, {', '.join(_OVERSEAS)})."
    )


def projected_epsg_of_commune(commune_code: str) -> int:
    """Return the EPSG code of the official projected system where a commune is.

    Parameters
    ----------
    commune_code
        Official code of the commune.

    Returns
    -------
    int
        EPSG code (see `projected_epsg`).

    Raises
    ------
    UnknownCodeError
        If the code is no commune code, or its territory has no known system.

    Examples
    --------
    >>> projected_epsg_of_commune("97209")
    5490
    """
    return projected_epsg(departement_of(commune_code))
