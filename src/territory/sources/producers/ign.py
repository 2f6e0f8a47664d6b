"""Where communes are: IGN's Admin Express in its old and new columns, any GeoJSON with code and name, or points."""

from __future__ import annotations

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

from territory.errors import MissingFileError, ReadError, TerritoryWarning, examples
from territory.sources.text.cells import clean_codes, to_numbers
from territory.sources.text.refusals import fault, numbered, problems_of, refuse, refuse_repeated, warn_of
from territory.sources.text.tables import read_table, require_columns
from territory.territories import is_inside

CODE_COLUMNS = ("INSEE_COM", "insee_com", "code_insee", "CODE_INSEE", "code", "codgeo", "CODGEO")
_ATTRIBUTES = {
    "departement_code": ("INSEE_DEP", "code_insee_du_departement", "insee_dep"),
    "region_code": ("INSEE_REG", "code_insee_de_la_region", "insee_reg"),
    "epci_code": ("SIREN_EPCI", "codes_siren_des_epci", "siren_epci"),
    "population": ("POPULATION", "population"),
}
NAME_COLUMNS = ("NOM", "nom", "nom_officiel", "NOM_COM", "libgeo", "LIBGEO", "name")


def read_features(path: str | Path, *, layer: str | None = None) -> gpd.GeoDataFrame:
    """Read any layer of shapes (GeoJSON, GeoPackage, shapefile…).

    Parameters
    ----------
    path
        File that pyogrio reads.
    layer
        Layer of a file that has several; without it, the only one, or the one of communes.

    Returns
    -------
    GeoDataFrame
        As in the file, with its coordinate system.

    Raises
    ------
    MissingFileError
        If there is no file of this name.
    ReadError
        If it is no layer of shapes, says nothing of its coordinate system, or has several layers of which none is
        asked for or named after communes.

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
    path = Path(path)
    if not path.exists():
        raise MissingFileError(f"Fichier introuvable : « {path} ». Vérifiez son nom et son dossier.")
    try:
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            frame = gpd.read_file(path, layer=_choose_layer(path, layer))
    except ReadError:
        raise
    except (DataSourceError, DataLayerError, FeatureError, ValueError) as error:
        unread = "ce n'est pas une couche géographique lisible (GeoJSON, GeoPackage…)."
        raise fault(path, unread) from error
    except (RuntimeError, TypeError, ShapelyError) as error:
        # what pyogrio says of a file that GDAL opens and cannot read
        raise fault(path, f"couche géographique illisible ({error}).") from error
    for message in dict.fromkeys(str(warning.message) for warning in said):
        # what GDAL drops or doubts must be heard, in its own words
        warnings.warn(
            f"Fichier « {path.name} » : GDAL signale « {message} ».", TerritoryWarning, stacklevel=2
        )
    if not isinstance(frame, gpd.GeoDataFrame) or frame.empty:
        raise fault(path, "il ne contient aucune géométrie.")
    if frame.crs is None:
        raise fault(path, "système de coordonnées inconnu ; précisez-le dans le fichier.")
    return frame


def _choose_layer(path: Path, layer: str | None) -> str | None:
    """Return the layer to read: the one asked for, the only one, or the one of communes."""
    names = [str(name) for name in pyogrio.list_layers(path)[:, 0]]
    if layer is not None and layer not in names:
        raise fault(path, f"couche « {layer} » absente ; couches présentes : {examples(names, most=8)}.")
    if layer is not None or len(names) <= 1:
        return layer
    communes = [name for name in names if name.casefold() in ("commune", "communes")]
    if len(communes) != 1:
        raise fault(path, f"plusieurs couches ({examples(names, most=8)}) ; précisez layer=.")
    return communes[0]


def in_degrees(points: pd.DataFrame, epsg: pd.Series) -> pd.DataFrame:
    """Return longitude and latitude of points `x`, `y`, each in its projection; NaN where that is none."""
    result = pd.DataFrame({"longitude": np.nan, "latitude": np.nan}, index=points.index)
    for code, rows in points.groupby(epsg):
        try:
            transformer = Transformer.from_crs(int(code), 4326, always_xy=True)
        except CRSError:
            continue
        longitude, latitude = transformer.transform(rows["x"].to_numpy(), rows["y"].to_numpy())
        result.loc[rows.index] = np.column_stack([longitude, latitude])
    return result


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
    return _outlines(read_features(path), path)


def read_commune_points(path: str | Path) -> gpd.GeoDataFrame:
    r"""Read a table of points that stand for communes: town halls, or where no outlines are at hand.

    Parameters
    ----------
    path
        CSV or workbook with `commune_code`, then `mairie_longitude` and `mairie_latitude` (degrees) or `longitude` and
        `latitude`; perhaps `inside_longitude` and `inside_latitude`, for communes without a town hall inside their
        outline (`mairie_inside_outline`), and `area_km2`.

    Returns
    -------
    GeoDataFrame
        Indexed by `commune_code`: `area_km2` (NaN where unknown), `point_kind` (`chef_lieu` or `inside`), `geometry`
        (points, EPSG:4326).

    Raises
    ------
    ReadError
        If a column is absent, a number or a code is none, a commune appears twice, a point is outside
        its territory, or an area is more than any commune has.

    Examples
    --------
    >>> import tempfile
    >>> folder = tempfile.TemporaryDirectory()
    >>> path = Path(folder.name) / "points.csv"
    >>> _ = path.write_text("commune_code;longitude;latitude;area_km2\n83050;6.46;43.54;53.8\n")
    >>> read_commune_points(path)["area_km2"].to_dict()
    {'83050': 53.8}
    >>> folder.cleanup()
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
    problems = problems_of(path)
    lost = x.isna() | y.isna()
    inside = is_inside(code.to_numpy(dtype=object), x.to_numpy(float), y.to_numpy(float))
    said = "point(s) hors de (son|leur) territoire (longitude et latitude en degrés, dans cet ordre ?)"
    problems.count(numbered(table.index[~inside & ~lost]), said)
    # Arles is the largest of them, and Maripasoula overseas
    most = np.where(code.str.startswith("973"), 18_500, 760)
    said = "superficie(s) qu'aucune commune n'a : en hectares ?"
    problems.count(numbered(table.index[(area <= 0) | (area > most)]), said)
    problems.count(code[code.duplicated()], "commune(s) en double")
    problems.raise_if_any()
    warn_of(path, int(lost.sum()), "commune(s) sans point laissée(s) de côté", code[lost])
    kind = np.where(other | (not is_hall), "inside", "chef_lieu")
    points = gpd.GeoDataFrame(
        {"area_km2": area, "point_kind": kind}, geometry=gpd.points_from_xy(x, y), crs=4326, index=table.index
    )
    return points.set_axis(code.array, axis=0).rename_axis("commune_code")[~lost.to_numpy()]


def read_admin_express(path: str | Path) -> gpd.GeoDataFrame:
    """Read the communes of Admin Express with what IGN says of each.

    Not tried on a real file: written from IGN's lists of columns until 2024 and from 2025 (GeoPackage).

    Parameters
    ----------
    path
        Layer of communes, or a GeoPackage that has one, with `INSEE_COM`, `NOM`, `INSEE_DEP`, `INSEE_REG`,
        `SIREN_EPCI`, `POPULATION`; or `code_insee`, `nom_officiel`, `code_insee_du_departement`,
        `code_insee_de_la_region`, `codes_siren_des_epci`, `population`.

    Returns
    -------
    GeoDataFrame
        As `read_outlines`, with `departement_code`, `region_code`, `epci_code` (the first where IGN gives
        several, missing where there is none) and `population` (hab).

    Raises
    ------
    ReadError
        As `read_outlines`, and if one of these columns is absent in both spellings or a population is none.

    Examples
    --------
    >>> import tempfile
    >>> folder = tempfile.TemporaryDirectory()
    >>> path = Path(folder.name) / "commune.geojson"
    >>> _ = path.write_text(
    ...     '{"type": "FeatureCollection", "features": [{"type": "Feature",'
    ...     '"properties": {"INSEE_COM": "83050", "NOM": "D", "INSEE_DEP": "83", "INSEE_REG": "93",'
    ...     '"SIREN_EPCI": "248300493", "POPULATION": 39434},'
    ...     '"geometry": {"type": "Polygon", "coordinates": [[[6, 43], [7, 43], [7, 44], [6, 43]]]}}]}'
    ... )
    >>> read_admin_express(path)["population"].to_dict()
    {'83050': 39434.0}
    >>> folder.cleanup()
    """
    features = read_features(path)
    problems = problems_of(path)
    found = {}
    for name, spellings in _ATTRIBUTES.items():
        found[name] = next((spelling for spelling in spellings if spelling in features.columns), "")
        if not found[name]:
            problems.add(f"colonne « {spellings[0]} » ou « {spellings[1]} » absente")
    problems.raise_if_any()
    result = _outlines(features, path)
    for name, title in found.items():
        result[name] = features[title].astype("str").str.strip().set_axis(result.index)
    # several EPCI are separated by a slash, and « NR » is what IGN writes for none
    epci = result["epci_code"].str.split("/").str[0].str.strip()
    result["epci_code"] = epci.where(epci.str.fullmatch(r"\d{9}"), None)
    population = pd.to_numeric(result["population"].replace({"nan": None, "None": None}), errors="coerce")
    wrong = result.index[~(population >= 0)]
    warn_of(path, len(wrong), "commune(s) sans population lisible", wrong)
    result["population"] = population.where(population >= 0).astype("float64")
    return result


def _outlines(frame: gpd.GeoDataFrame, path: str | Path) -> gpd.GeoDataFrame:
    """Return names and polygons by commune code, from features of any spelling."""
    titles = []
    for said, spellings in (("le code", CODE_COLUMNS), ("le nom", NAME_COLUMNS)):
        title = next((name for name in spellings if name in frame.columns), None)
        if title is None:
            present = f"colonnes présentes : {examples(frame.columns, most=8)}"
            asked = f"(attendu : {', '.join(spellings)} ; {present})"
            raise fault(path, f"aucune colonne ne donne {said} des communes {asked}.")
        titles.append(title)
    code, name = titles
    # a GeoJSON written by a spreadsheet may have lost its zeros
    numbered_codes = frame[code].set_axis(range(1, len(frame) + 1))
    frame = frame.assign(**{code: clean_codes(numbered_codes, path=path).to_numpy()})
    result = frame[[code, name, frame.geometry.name]].set_axis(["commune_code", "name", "geometry"], axis=1)
    result = result.set_geometry("geometry").set_index("commune_code")
    refuse_repeated(result.index, "commune(s) en double", path=path)
    other = result.index[~result.geom_type.isin(["Polygon", "MultiPolygon"])]
    refuse(path, other, "commune(s) sans contour")
    invalid = ~result.is_valid
    warn_of(path, int(invalid.sum()), "contour(s) réparé(s)", result.index[invalid])
    if invalid.any():
        result["geometry"] = result.geometry.make_valid()
    return result
