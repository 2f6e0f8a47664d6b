"""Points between which times are estimated: checked together, projected, with what the model reads of them."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import shapely

from territory.errors import NetworkError, Problems, TerritoryWarning, examples
from territory.geography.projections import METROPOLITAN_FRANCE, projected_epsg
from territory.network.estimate import model

if TYPE_CHECKING:
    import geopandas as gpd
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

# what is assumed of a place when nothing is said: close to the means of metropolitan France (118 hab/km2 and
# 15.7 km2 a commune over 34,838 communes, RP 2017)
DEFAULT_DENSITY_HAB_KM2 = 100.0
DEFAULT_AREA_KM2 = 15.7

# box (west, south, east, north, in degrees) of the land of each group of départements with one projection
_BOXES = {
    "83": (-6.0, 41.0, 11.0, 52.0),
    "971": (-63.5, 15.7, -60.9, 18.3),
    "972": (-61.4, 14.2, -60.6, 15.1),
    "973": (-55.0, 1.8, -51.3, 6.2),
    "974": (55.0, -21.6, 56.0, -20.7),
    "975": (-56.8, 46.5, -55.9, 47.4),
    "976": (44.7, -13.2, 45.5, -12.4),
}


@dataclass(frozen=True)
class Places:
    """One side of a matrix: ids, plane coordinates in km, and what the model reads of each place."""

    ids: pd.Index
    x_km: Floats
    y_km: Floats
    density_hab_km2: Floats
    # NaN where it is not said
    area_km2: Floats
    mountain_share: Floats
    commune_codes: NDArray[np.object_]


def read_places(
    origins: gpd.GeoDataFrame, destinations: gpd.GeoDataFrame, *, terrain: str
) -> tuple[Places, Places, int]:
    """Return both sides and the EPSG code of their common system, or one error that lists every problem."""
    problems = Problems("Points entre lesquels estimer des temps", NetworkError)
    if terrain not in model.TERRAINS:
        problems.add(f"terrain inconnu « {terrain} » : indiquez {', '.join(model.TERRAINS)}")
    sides = (("origines", origins), ("destinations", destinations))
    for label, frame in sides:
        _check_points(frame, label, problems)
    problems.raise_if_any()
    epsg = _common_system(origins, destinations)
    default_share = model.TERRAINS[terrain]
    read = [_read_side(frame, label, epsg, default_share, problems) for label, frame in sides]
    problems.raise_if_any()
    return read[0], read[1], epsg


def _check_points(frame: gpd.GeoDataFrame, label: str, problems: Problems) -> None:
    """Collect what is wrong with the ids, the system and the geometries of one side."""
    if not hasattr(frame, "geom_type"):
        problems.add(f"{label} : une GeoDataFrame de points est attendue, pas {type(frame).__name__}")
        return
    if frame.crs is None:
        problems.add(f"{label} : système de coordonnées absent ; précisez-le avec set_crs(…)")
    ids = frame.index
    if ids.hasnans:
        problems.add(f"{label} : {int(np.sum(ids.isna()))} identifiant(s) vide(s) dans l'index")
    repeated = ids[ids.duplicated()].unique()
    if len(repeated):
        problems.add(f"{label} : {len(repeated)} identifiant(s) en double ({examples(repeated)})")
    geometry = frame.geometry
    absent = geometry.isna() | geometry.is_empty
    if absent.any():
        problems.add(
            f"{label} : {int(absent.sum())} géométrie(s) absente(s) ou vide(s) ({examples(ids[absent])})"
        )
    other = ~absent & (geometry.geom_type != "Point")
    if other.any():
        problems.add(
            f"{label} : {int(other.sum())} géométrie(s) autre(s) que des points ({examples(ids[other])}) ; "
            "prenez un point par lieu, representative_point() par exemple"
        )
    sound = np.flatnonzero(~absent & ~other)
    coordinates = shapely.get_coordinates(np.asarray(geometry)[sound])
    infinite = ids[sound[~np.isfinite(coordinates).all(axis=1)]]
    if len(infinite):
        problems.add(f"{label} : {len(infinite)} point(s) de coordonnées non finies ({examples(infinite)})")


def _common_system(origins: gpd.GeoDataFrame, destinations: gpd.GeoDataFrame) -> int:
    """Return the EPSG code of the French territory that holds every point, or an error that says which do not."""
    degrees = [frame.geometry.to_crs(4326) for frame in (origins, destinations)]
    lon = np.concatenate([side.x.to_numpy() for side in degrees])
    lat = np.concatenate([side.y.to_numpy() for side in degrees])
    best, outside = METROPOLITAN_FRANCE, np.ones(len(lon), dtype=bool)
    for departement, (west, south, east, north) in _BOXES.items():
        out = ~((lon >= west) & (lon <= east) & (lat >= south) & (lat <= north))
        if out.sum() < outside.sum():
            best, outside = projected_epsg(departement), out
    if outside.any():
        ids = [*origins.index, *destinations.index]
        where = examples(ids[i] for i in np.flatnonzero(outside))
        raise NetworkError(
            f"{int(outside.sum())} point(s) hors du territoire français des autres points (EPSG:{best}) : {where}. "
            "Vérifiez l'ordre longitude, latitude et le système de coordonnées, et calculez un territoire à la fois."
        )
    return best


def _read_side(
    frame: gpd.GeoDataFrame, label: str, epsg: int, default_share: float, problems: Problems
) -> Places:
    """Read one side; a default replaces what is missing, with a warning where only some values are."""
    points = frame.geometry.to_crs(epsg)
    density = _positive(frame, "density_hab_km2", label, problems, zero=True)
    missing = np.isnan(density)
    if "density_hab_km2" in frame and missing.any() and not problems:
        warnings.warn(
            f"{label} : densité inconnue pour {int(missing.sum())} lieu(x) sur {len(frame)} "
            f"({examples(frame.index[missing])}) : {DEFAULT_DENSITY_HAB_KM2:g} hab/km² est supposé.",
            TerritoryWarning,
            stacklevel=4,
        )
    codes = frame["commune_code"] if "commune_code" in frame else frame.index.to_series()
    return Places(
        ids=pd.Index(np.asarray(frame.index)),
        x_km=np.asarray(points.x / 1000.0, dtype=np.float64),
        y_km=np.asarray(points.y / 1000.0, dtype=np.float64),
        density_hab_km2=np.where(missing, DEFAULT_DENSITY_HAB_KM2, density),
        area_km2=_positive(frame, "area_km2", label, problems, zero=False),
        mountain_share=_mountain_share(frame, label, default_share, problems),
        commune_codes=codes.astype(object).to_numpy(),
    )


def _positive(frame: gpd.GeoDataFrame, column: str, label: str, problems: Problems, *, zero: bool) -> Floats:
    """Return a column as floats, NaN where it is missing; a value out of bounds is a problem."""
    if column not in frame:
        return np.full(len(frame), np.nan)
    values: Floats = pd.to_numeric(frame[column], errors="coerce").to_numpy(dtype=float, na_value=np.nan)
    wrong = frame[column].notna().to_numpy() & ~(
        np.isfinite(values) & ((values >= 0) if zero else (values > 0))
    )
    if wrong.any():
        bound = "positive ou nulle" if zero else "strictement positive"
        problems.add(
            f"{label} : {int(wrong.sum())} valeur(s) de {column} illisible(s) ou non {bound} "
            f"({examples(frame.index[wrong])})"
        )
    return values


def _mountain_share(frame: gpd.GeoDataFrame, label: str, default: float, problems: Problems) -> Floats:
    """Return the share of the mountain model at each place, from its `terrain` or from the call's."""
    if "terrain" not in frame:
        return np.full(len(frame), default)
    names: pd.Series[Any] = frame["terrain"]
    shares = names.astype(object).map(model.TERRAINS)
    wrong = names.notna() & shares.isna()
    if wrong.any():
        unknown = examples(f"« {name} »" for name in names[wrong].unique())
        problems.add(f"{label} : terrain inconnu {unknown} ; indiquez {', '.join(model.TERRAINS)}")
    return np.asarray(shares.astype(float).fillna(default), dtype=np.float64)
