"""Where communes are: IGN's contours, any layer of shapes with code and name, or points."""

import warnings
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
from pyogrio.errors import DataLayerError, DataSourceError, FeatureError
from pyproj import Transformer
from pyproj.exceptions import CRSError
from shapely.errors import ShapelyError

from territory.errors import MissingFileError, examples, warn
from territory.sources.text import refusals
from territory.sources.text.cells import clean_codes, to_numbers
from territory.sources.text.tables import read_table, require_columns
from territory.territories import is_inside

CODE_COLUMNS = ("INSEE_COM", "insee_com", "code_insee", "CODE_INSEE", "code", "codgeo", "CODGEO", "id")
NAME_COLUMNS = ("NOM", "nom", "nom_officiel", "NOM_COM", "NOM_COMM", "libgeo", "LIBGEO", "name")


def read_features(path: str | Path) -> gpd.GeoDataFrame:
    """Return any layer of shapes (GeoJSON, GeoPackage, shapefile…) as it is, with its coordinate system."""
    path = Path(path)
    if not path.exists():
        raise MissingFileError(f"Fichier introuvable : « {path} ». Vérifiez son nom et son dossier.")
    broken = (RuntimeError, TypeError, ShapelyError)
    unread = (DataSourceError, DataLayerError, FeatureError, ValueError)
    said = "ce n'est pas une couche géographique lisible (GeoJSON, GeoPackage…)."
    with (
        warnings.catch_warnings(record=True) as heard,
        # what pyogrio says of a file that GDAL opens and cannot read
        refusals.told_of(path, broken, "couche géographique illisible ({reason})."),
        refusals.told_of(path, unread, said),
    ):
        warnings.simplefilter("always")
        frame = gpd.read_file(path, layer=_choose_layer(path))
    for message in dict.fromkeys(str(warning.message) for warning in heard):
        # what GDAL drops or doubts must be heard, in its own words
        warn(f"Fichier « {path.name} » : GDAL signale « {message} ».")
    if not isinstance(frame, gpd.GeoDataFrame) or frame.empty:
        raise refusals.fault(path, "il ne contient aucune géométrie.")
    if frame.crs is None:
        raise refusals.fault(path, "système de coordonnées inconnu ; précisez-le dans le fichier.")
    return frame


def _choose_layer(path: Path) -> str | None:
    """Return the layer to read: the only one, or the one of communes."""
    names = [str(name) for name in pyogrio.list_layers(path)[:, 0]]
    if len(names) <= 1:
        return None
    communes = [name for name in names if name.casefold() in ("commune", "communes")]
    if len(communes) != 1:
        advice = "nommez « commune » celle des communes."
        raise refusals.fault(path, f"plusieurs couches ({examples(names, most=8)}) ; {advice}")
    return communes[0]


def in_degrees(points: pd.DataFrame, epsg: pd.Series) -> pd.DataFrame:
    """Return longitude and latitude of points `x`, `y`, each in its projection; NaN where that is none."""
    result = pd.DataFrame({"longitude": np.nan, "latitude": np.nan}, index=points.index)
    for code, rows in points.groupby(epsg):
        try:
            transformer = Transformer.from_crs(int(code), 4326, always_xy=True)
        except CRSError:
            continue
        longitude, latitude = transformer.transform(rows["x"].tolist(), rows["y"].tolist())
        result.loc[rows.index] = np.column_stack([longitude, latitude])
    return result


def read_outlines(path: str | Path) -> gpd.GeoDataFrame:
    """Read the outlines of communes: IGN's contours, Admin Express, or any layer with code and name.

    Indexed by `commune_code`: `name`, `geometry` (polygons, in the coordinate system of the file). Outlines
    that cross themselves are repaired and counted.
    """
    frame = read_features(path)
    titles = []
    for said, spellings in (("le code", CODE_COLUMNS), ("le nom", NAME_COLUMNS)):
        title = next((name for name in spellings if name in frame.columns), None)
        if title is None:
            asked = f"aucune colonne ne donne {said} des communes (attendu : {', '.join(spellings)})"
            raise refusals.fault(path, asked, present=frame.columns)
        titles.append(title)
    code, name = titles
    # a GeoJSON written by a spreadsheet may have lost its zeros
    numbered_codes = frame[code].set_axis(range(1, len(frame) + 1))
    frame = frame.assign(**{code: clean_codes(numbered_codes, path=path).to_numpy()})
    result = frame[[code, name, frame.geometry.name]].set_axis(["commune_code", "name", "geometry"], axis=1)
    result = result.set_geometry("geometry").set_index("commune_code")
    refusals.refuse_repeated(result.index, "commune(s) en double", path=path)
    other = result.index[~result.geom_type.isin(["Polygon", "MultiPolygon"])]
    refusals.refuse(path, other, "commune(s) sans contour")
    invalid = ~result.is_valid
    refusals.warn_of(path, int(invalid.sum()), "contour(s) réparé(s)", result.index[invalid])
    if invalid.any():
        result["geometry"] = result.geometry.make_valid()
    return result


def read_commune_points(path: str | Path) -> gpd.GeoDataFrame:
    """Read a table of points that stand for communes: town halls, or where no outlines are at hand.

    The columns are `commune_code`, then `mairie_longitude` and `mairie_latitude` (degrees) or `longitude` and
    `latitude`; perhaps `inside_longitude` and `inside_latitude`, for communes without a town hall inside
    their outline (`mairie_inside_outline`), and `area_km2`. Indexed by `commune_code`: `area_km2` (NaN where
    unknown), `point_kind` (`chef_lieu` or `inside`), `geometry` (points, EPSG:4326).
    """
    table = read_table(path)
    is_hall = "mairie_longitude" in table
    pairs = [("mairie_longitude", "mairie_latitude") if is_hall else ("longitude", "latitude")]
    pairs += [pair for pair in (("inside_longitude", "inside_latitude"),) if pair[0] in table]
    columns = [name for pair in pairs for name in pair] + [name for name in ("area_km2",) if name in table]
    require_columns(table, ("commune_code", *columns), path=path)
    table = to_numbers(table, columns, path=path, thousands=False)
    code = clean_codes(table["commune_code"], path=path)
    x, y = (table[name] for name in pairs[0])
    outside = table.get("mairie_inside_outline", pd.Series("", index=table.index)).str.lower() == "false"
    other = x.isna() | outside if len(pairs) > 1 else pd.Series(False, index=table.index)
    if len(pairs) > 1:
        x, y = x.where(~other, table[pairs[1][0]]), y.where(~other, table[pairs[1][1]])
    area = table.get("area_km2", pd.Series(np.nan, index=table.index))
    problems = refusals.problems_of(path)
    lost = x.isna() | y.isna()
    inside = is_inside(code.to_numpy(dtype=object), x.to_numpy(float), y.to_numpy(float))
    said = "point(s) hors de (son|leur) territoire (longitude et latitude en degrés, dans cet ordre ?)"
    problems.count(refusals.numbered(table.index[~inside & ~lost]), said)
    # Arles is the largest of them, and Maripasoula overseas
    most = np.where(code.str.startswith("973"), 18_500, 760)
    said = "superficie(s) qu'aucune commune n'a : en hectares ?"
    problems.count(refusals.numbered(table.index[(area <= 0) | (area > most)]), said)
    problems.count(code[code.duplicated()], "commune(s) en double")
    problems.raise_if_any()
    refusals.warn_of(path, int(lost.sum()), "commune(s) sans point laissée(s) de côté", code[lost])
    kind = np.where(other | (not is_hall), "inside", "chef_lieu")
    found, places = {"area_km2": area, "point_kind": kind}, gpd.points_from_xy(x, y)
    points = gpd.GeoDataFrame(found, geometry=places, crs=4326, index=table.index)
    return points.set_axis(code.array, axis=0).rename_axis("commune_code")[~lost.to_numpy()]
