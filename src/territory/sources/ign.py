"""Outlines of communes: IGN's Admin Express in its old and new columns, or any GeoJSON with code and name."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from territory.errors import MissingFileError, ReadError, TerritoryWarning, agree, examples

if TYPE_CHECKING:
    import geopandas as gpd

CODE_COLUMNS = ("INSEE_COM", "insee_com", "code_insee", "CODE_INSEE", "code", "codgeo", "CODGEO")
NAME_COLUMNS = ("NOM", "nom", "nom_officiel", "NOM_COM", "libgeo", "LIBGEO", "name")


def read_features(path: str | Path) -> gpd.GeoDataFrame:
    """Read any layer of shapes (GeoJSON, GeoPackage, shapefile…).

    Parameters
    ----------
    path
        File that pyogrio reads.

    Returns
    -------
    GeoDataFrame
        As in the file, with its coordinate system.

    Raises
    ------
    MissingFileError
        If there is no file of this name.
    ReadError
        If it is no layer of shapes, or says nothing of its coordinate system.

    Examples
    --------
    >>> import tempfile
    >>> folder = tempfile.TemporaryDirectory()
    >>> path = Path(folder.name) / "communes.geojson"
    >>> _ = path.write_text(
    ...     '{"type": "FeatureCollection", "features": [{"type": "Feature",'
    ...     '"properties": {"code": "83050", "nom": "D"},'
    ...     '"geometry": {"type": "Polygon", "coordinates": [[[6, 43], [7, 43], [7, 44], [6, 43]]]}}]}'
    ... )
    >>> read_features(path).crs.to_epsg()
    4326
    >>> folder.cleanup()
    """
    import geopandas as gpd
    from pyogrio.errors import DataLayerError, DataSourceError

    path = Path(path)
    if not path.exists():
        raise MissingFileError(f"Fichier introuvable : « {path} ». Vérifiez son nom et son dossier.")
    try:
        frame = gpd.read_file(path)
    except (DataSourceError, DataLayerError, ValueError) as error:
        raise ReadError(
            f"Fichier « {path.name} » : ce n'est pas une couche géographique lisible (GeoJSON, GeoPackage…)."
        ) from error
    if not isinstance(frame, gpd.GeoDataFrame) or frame.empty:
        raise ReadError(f"Fichier « {path.name} » : il ne contient aucune géométrie.")
    if frame.crs is None:
        raise ReadError(
            f"Fichier « {path.name} » : système de coordonnées inconnu ; précisez-le dans le fichier."
        )
    return frame


def read_outlines(path: str | Path) -> gpd.GeoDataFrame:
    """Read the outlines of communes.

    Parameters
    ----------
    path
        Admin Express (`INSEE_COM`, `NOM`; or `code_insee`, `nom_officiel`) or GeoJSON (`code`, `nom`).

    Returns
    -------
    GeoDataFrame
        Indexed by `commune_code`: `name`, `geometry` (polygons, in the coordinate system of the file).
        Outlines that cross themselves are repaired, with a warning.

    Raises
    ------
    ReadError
        If no column holds the codes, a commune appears twice, or a shape is no polygon.

    Examples
    --------
    >>> import tempfile
    >>> folder = tempfile.TemporaryDirectory()
    >>> path = Path(folder.name) / "communes.geojson"
    >>> _ = path.write_text(
    ...     '{"type": "FeatureCollection", "features": [{"type": "Feature",'
    ...     '"properties": {"code": "83050", "nom": "D"},'
    ...     '"geometry": {"type": "Polygon", "coordinates": [[[6, 43], [7, 43], [7, 44], [6, 43]]]}}]}'
    ... )
    >>> read_outlines(path)["name"].to_dict()
    {'83050': 'D'}
    >>> folder.cleanup()
    """
    frame = read_features(path)
    subject = f"Fichier « {Path(path).name} »"
    code = next((name for name in CODE_COLUMNS if name in frame.columns), None)
    name = next((name for name in NAME_COLUMNS if name in frame.columns), None)
    if code is None or name is None:
        missing = "le code" if code is None else "le nom"
        wanted = CODE_COLUMNS if code is None else NAME_COLUMNS
        raise ReadError(
            f"{subject} : aucune colonne ne donne {missing} des communes (attendu : {', '.join(wanted)} ; "
            f"colonnes présentes : {examples(frame.columns, most=8)})."
        )
    result = frame[[code, name, frame.geometry.name]].set_axis(["commune_code", "name", "geometry"], axis=1)
    result = result.set_geometry("geometry").set_index("commune_code")
    twice = result.index[result.index.duplicated()]
    if len(twice):
        raise ReadError(f"{subject} : {agree(len(twice), 'commune(s) en double')} ({examples(twice)}).")
    other = result.index[~result.geom_type.isin(["Polygon", "MultiPolygon"])]
    if len(other):
        raise ReadError(f"{subject} : {agree(len(other), 'commune(s) sans contour')} ({examples(other)}).")
    invalid = ~result.is_valid
    if invalid.any():
        warnings.warn(
            f"{subject} : {agree(int(invalid.sum()), 'contour(s) réparé(s)')} ({examples(result.index[invalid])}).",
            TerritoryWarning,
            stacklevel=2,
        )
        result["geometry"] = result.geometry.make_valid()
    return result
