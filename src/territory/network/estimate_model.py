"""The model of estimated times: its fitted numbers and formulas, and the places it reads."""

from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from territory.errors import NetworkError, Problems, agree, examples, warn
from territory.territories import METROPOLITAN, TERRITORIES, TOGETHER

Floats = NDArray[np.float64]
Points = gpd.GeoDataFrame

CALIBRATION = "calibration.csv"
# names of terrain, from the fastest: the slowness of each is in the table of numbers
TERRAINS = ("plain", "mixed", "mountain")
# below, a time would no longer grow with its distance (1 % of communes are brought there); above, none was measured
SLOWNESS_BOUNDS = (-0.6, 3.0)
# densities outside these bounds are read as the bound: few places to fit on beyond them
DENSITY_BOUNDS_HAB_KM2 = (5.0, 5000.0)
REFERENCE_DENSITY_HAB_KM2 = 100.0
# a trip between two doors is never shorter: two sites at one point are a few streets apart
MINIMUM_DISTANCE_KM = 0.5
# how far leaving, local roads, what slows a commune and the streets of a town are felt (chosen on held-out communes)
START_KM, APPROACH_KM, SLOWNESS_KM, STREETS_KM = 2.0, 32.0, 12.0, 4.0
# the doubt grows a little faster than the time
DOUBT_POWER = 1.25


@dataclass(frozen=True)
class Coefficients:
    """Fitted numbers of the time of the median commune, and of the minutes that a slowness of 1 adds."""

    start_min: float
    cruise_min_per_km: float
    approach_min: float
    approach_log_density_min: float
    streets_log_density_squared_min: float
    slowness_min: float
    slowness_log_density_min: float
    slowness_log_density_squared_min: float


@dataclass(frozen=True)
class Doubt:
    """Fitted numbers of the doubt: on one time (from `fixed_min` to `most_min`, reached at `reach_min`), on two."""

    fixed_min: float
    most_min: float
    reach_min: float
    difference_root_min: float
    difference_line_root_min: float


@dataclass(frozen=True)
class ErrorParts:
    """Fitted shares of the variance of an error: what is shared by a territory, by an end, and the pair's own.

    `arrival_share` is that of the communes of one EPCI on their way to one site. Of the road to another site that
    the first does not share, `new_site_share` is common to all communes.
    """

    territory_share: float
    commune_share: float
    site_share: float
    arrival_share: float
    new_site_share: float

    @property
    def pair_share(self) -> float:
        """Return the share that is the pair's own."""
        ends = self.commune_share + self.site_share + self.arrival_share
        return max(1.0 - self.territory_share - ends, 0.0)

    def with_shared_error(self, shared: float) -> "ErrorParts":
        """Return parts where two times from one commune have a given correlation: territory and commune together."""
        territory = min(self.territory_share, shared)
        left = 1.0 - self.territory_share - self.commune_share
        scale = (1.0 - shared) / left
        ends = self.site_share * scale, self.arrival_share * scale
        return ErrorParts(territory, shared - territory, *ends, self.new_site_share)


def log_density(density_hab_km2: Floats) -> Floats:
    """Return the logarithm of each density, kept within its bounds, over the reference density."""
    bounded = np.clip(density_hab_km2, *DENSITY_BOUNDS_HAB_KM2)
    return np.asarray(np.log(bounded / REFERENCE_DENSITY_HAB_KM2), dtype=float)


def trip_parts_min(
    distance_km: Floats, density_from: Floats, density_to: Floats
) -> tuple[Floats, Floats, Floats]:
    """Return the time between two median communes, and the minutes that a slowness of 1 adds at each end."""
    numbers = coefficients()
    local, streets = approach_share(distance_km), -np.expm1(-distance_km / STREETS_KM)
    median = numbers.cruise_min_per_km * distance_km - numbers.start_min * np.expm1(-distance_km / START_KM)
    effects = []
    for density in (density_from, density_to):
        logs = log_density(density)
        approach = numbers.approach_min + numbers.approach_log_density_min * logs
        median = median + approach * local
        median = median + numbers.streets_log_density_squared_min * np.maximum(logs, 0.0) ** 2 * streets
        slow = numbers.slowness_log_density_min * logs + numbers.slowness_log_density_squared_min * logs**2
        effects.append((numbers.slowness_min + slow) * slowness_share(distance_km))
    return median, effects[0], effects[1]


def approach_share(distance_km: Floats) -> Floats:
    """Return the share of the local roads of an end that a trip runs through."""
    return np.asarray(-np.expm1(-((distance_km / APPROACH_KM) ** 2)))


def slowness_share(distance_km: Floats) -> Floats:
    """Return the share of what slows a commune that a trip runs through."""
    return np.asarray(-np.expm1(-distance_km / SLOWNESS_KM))


@cache
def calibration() -> pd.DataFrame:
    """Return the committed table of fitted numbers, written by `tools/calibrate_travel_times.py`."""
    with files("territory.network").joinpath(CALIBRATION).open(encoding="utf-8") as file:
        return pd.read_csv(file)


def _numbers(kind: str, terrain: str) -> dict[str, float]:
    """Return the numbers of one kind and one terrain by name."""
    table = calibration()
    mine = table[(table["kind"] == kind) & (table["terrain"] == terrain)]
    return {str(name): float(value) for name, value in zip(mine["name"], mine["value"], strict=True)}


@cache
def coefficients() -> Coefficients:
    """Return the fitted numbers of the time."""
    return Coefficients(**_numbers("coefficient", "all"))


@cache
def slowness_of(terrain: str) -> float:
    """Return the slowness that stands for a terrain."""
    return _numbers("slowness", terrain)["slowness"]


@cache
def doubt(what_is_known: str) -> Doubt:
    """Return the fitted doubt where the slowness of both ends is "measured", or is that of a "terrain"."""
    return Doubt(**_numbers("doubt", what_is_known))


@cache
def error_parts(what_is_known: str) -> ErrorParts:
    """Return the fitted parts of an error where slownesses are "measured", or those of a "terrain"."""
    return ErrorParts(**_numbers("error_part", what_is_known))


@cache
def detour() -> float:
    """Return the road distance over the distance as the crow flies."""
    return _numbers("distance", "all")["detour"]


def doubt_min(minutes: Floats, is_measured: Floats) -> Floats:
    """Return the half-width of 80 % of the errors; `is_measured` is the share of ends whose slowness is known."""
    least, most = doubt("measured"), doubt("terrain")
    fixed, top, reach = (
        getattr(most, name) + (getattr(least, name) - getattr(most, name)) * is_measured
        for name in ("fixed_min", "most_min", "reach_min")
    )
    return np.asarray(fixed + (top - fixed) * np.minimum(minutes / reach, 1.0) ** DOUBT_POWER)


def difference_doubt_min(a_min: Floats, b_min: Floats, between_min: Floats, is_measured: Floats) -> Floats:
    """Return the half-width of 80 % of the errors on the differences of two times; roads in line err the least."""
    with np.errstate(invalid="ignore", divide="ignore"):
        line = np.where(between_min > 0, np.abs(a_min - b_min) / between_min, 1.0)
    line = np.minimum(line, 1.0)
    least, most = (
        known.difference_root_min + (known.difference_line_root_min - known.difference_root_min) * line
        for known in (doubt("measured"), doubt("terrain"))
    )
    root = most + (least - most) * is_measured
    apart = np.hypot(doubt_min(a_min, is_measured), doubt_min(b_min, is_measured))
    return np.asarray(np.minimum(root * np.sqrt(between_min), apart))


# what is assumed of a place when nothing is said: close to the means of metropolitan France (118 hab/km2 and
# 15.7 km2 a commune over 34,838 communes, RP 2017)
DEFAULT_DENSITY_HAB_KM2 = 100.0
DEFAULT_AREA_KM2 = 15.7


@dataclass(frozen=True)
class Places:
    """One side of a matrix: ids, plane coordinates in km, and what the model reads of each place."""

    ids: pd.Index
    x_km: Floats
    y_km: Floats
    density_hab_km2: Floats
    # NaN where it is not said
    area_km2: Floats
    slowness: Floats
    # 1 where the slowness was measured, 0 where it is that of a terrain
    is_measured: Floats
    commune_codes: NDArray[np.object_]


def read_places(origins: Points, destinations: Points, *, terrain: str | None) -> tuple[Places, Places]:
    """Return both sides in their common system, or one error that lists every problem."""
    problems = Problems("Points entre lesquels estimer des temps", NetworkError)
    if terrain is not None and terrain not in TERRAINS:
        problems.add(f"terrain inconnu « {terrain} » : indiquez {', '.join(TERRAINS)}")
    sides = (("origines", origins), ("destinations", destinations))
    for label, frame in sides:
        point_problems(frame, problems, of=label)
    problems.raise_if_any()
    epsg = _common_system(origins, destinations)
    read = [_read_side(frame, label, epsg, terrain, problems) for label, frame in sides]
    problems.raise_if_any()
    return read[0], read[1]


def point_problems(frame: Points, problems: Problems, *, of: str = "") -> None:
    """Collect what is wrong with the ids, the system and the geometries of points."""
    said = f"{of} : " if of else ""
    if not hasattr(frame, "geom_type"):
        problems.add(f"{said}une GeoDataFrame de points est attendue, pas {type(frame).__name__}")
        return
    if frame.crs is None:
        problems.add(f"{said}système de coordonnées absent ; précisez-le avec set_crs(…)")
    ids = frame.index
    if isinstance(ids, pd.MultiIndex):
        problems.add(f"{said}un seul identifiant par point est attendu, pas {ids.nlevels} niveaux d'index")
        return
    if ids.hasnans:
        problems.add(f"{said}{agree(int(np.sum(ids.isna())), 'identifiant(s) vide(s)')} dans l'index")
    # as they are written in a table: 1 and "1" would be one place
    doubled = np.asarray(ids.astype(str).duplicated() & ids.notna(), dtype=bool)
    problems.count(ids[doubled].unique(), "identifiant(s) en double", of=of)
    geometry = frame.geometry.to_numpy()
    absent = shapely.is_missing(geometry) | shapely.is_empty(geometry)
    problems.count(ids[absent], "géométrie(s) absente(s) ou vide(s)", of=of)
    other = ~absent & (shapely.get_type_id(geometry) != shapely.GeometryType.POINT)
    advice = " ; prenez un point par lieu, representative_point() par exemple"
    problems.count(ids[other], "géométrie(s) autre(s) que des points", of=of, advice=advice)
    sound = np.flatnonzero(~absent & ~other)
    infinite = ids[sound[~np.isfinite(shapely.get_coordinates(geometry[sound])).all(axis=1)]]
    problems.count(infinite, "point(s) de coordonnées non finies", of=of)


def _common_system(origins: Points, destinations: Points) -> int:
    """Return the EPSG code of the French territory that holds every point, or an error that says which do not."""
    degrees = [frame.geometry.to_crs(4326) for frame in (origins, destinations)]
    lon = np.concatenate([side.x.to_numpy() for side in degrees])
    lat = np.concatenate([side.y.to_numpy() for side in degrees])
    best, outside = TERRITORIES[METROPOLITAN].epsg, np.ones(len(lon), dtype=bool)
    for keys in TOGETHER:
        out = ~np.any([TERRITORIES[key].holds(lon, lat) for key in keys], axis=0)
        if out.sum() < outside.sum():
            best, outside = TERRITORIES[keys[0]].epsg, out
    if outside.any():
        ids = [*origins.index, *destinations.index]
        where = examples(ids[i] for i in np.flatnonzero(outside))
        said = f"{agree(int(outside.sum()), 'point(s)')} hors du territoire français des autres points (EPSG:{best})"
        advice = "Vérifiez l'ordre longitude, latitude et le système de coordonnées, un territoire à la fois."
        raise NetworkError(f"{said} : {where}. {advice}")
    return best


def _read_side(frame: Points, label: str, epsg: int, terrain: str | None, problems: Problems) -> Places:
    """Read one side; a default replaces what is missing, with a warning where only some values are."""
    points = frame.geometry.to_crs(epsg)
    density = _positive(frame, "density_hab_km2", label, problems, zero=True)
    missing = np.isnan(density)
    if "density_hab_km2" in frame and missing.any() and not problems:
        said = f"{label} : densité inconnue pour {agree(int(missing.sum()), 'point(s)')} sur {len(frame)}"
        warn(f"{said} ({examples(frame.index[missing])}) : {DEFAULT_DENSITY_HAB_KM2:g} hab/km² est supposé.")
    slowness, is_measured = _slowness(frame, label, terrain, problems)
    codes = frame["commune_code"] if "commune_code" in frame else frame.index.to_series()
    return Places(
        ids=pd.Index(np.asarray(frame.index)),
        x_km=np.asarray(points.x / 1000.0, dtype=np.float64),
        y_km=np.asarray(points.y / 1000.0, dtype=np.float64),
        density_hab_km2=np.where(missing, DEFAULT_DENSITY_HAB_KM2, density),
        area_km2=_positive(frame, "area_km2", label, problems, zero=False),
        slowness=slowness,
        is_measured=is_measured,
        commune_codes=codes.astype(object).to_numpy(),
    )


def _positive(frame: Points, column: str, label: str, problems: Problems, *, zero: bool) -> Floats:
    """Return a column as floats, NaN where it is missing; a value out of bounds is a problem."""
    if column not in frame:
        return np.full(len(frame), np.nan)
    values: Floats = pd.to_numeric(frame[column], errors="coerce").to_numpy(dtype=float, na_value=np.nan)
    sound = np.isfinite(values) & (values >= 0 if zero else values > 0)
    wrong = frame[column].notna().to_numpy() & ~sound
    bound = "positive(s) ou nulle(s)" if zero else "strictement positive(s)"
    problems.count(frame.index[wrong], f"valeur(s) de {column} illisible(s) ou non {bound}", of=label)
    return values


def _slowness(frame: Points, label: str, terrain: str | None, problems: Problems) -> tuple[Floats, Floats]:
    """Return the slowness of each place and 1 where it was measured, or that of `terrain` by force."""
    if terrain is not None:
        return np.full(len(frame), slowness_of(terrain)), np.zeros(len(frame))
    measured = np.full(len(frame), np.nan)
    if "slowness" in frame:
        measured = pd.to_numeric(frame["slowness"], errors="coerce").to_numpy(dtype=float, na_value=np.nan)
        low, high = SLOWNESS_BOUNDS
        wrong = frame["slowness"].notna().to_numpy() & ~((measured >= low) & (measured <= high))
        said = f"valeur(s) de slowness illisible(s) ou hors de {low:g} à {high:g}"
        problems.count(frame.index[wrong], said, of=label)
    stated = np.full(len(frame), slowness_of("mixed"))
    if "terrain" in frame:
        names: pd.Series[Any] = frame["terrain"]
        found = names.astype(object).map({name: slowness_of(name) for name in TERRAINS})
        wrong = (names.notna() & found.isna()).to_numpy()
        if wrong.any():
            unknown = examples(f"« {name} »" for name in names[wrong].unique())
            problems.add(f"{label} : terrain inconnu {unknown} ; indiquez {', '.join(TERRAINS)}")
        stated = found.astype(float).fillna(slowness_of("mixed")).to_numpy(dtype=float)
    missing = np.isnan(measured)
    if missing.any() and not missing.all() and not problems:
        warn(
            f"{label} : lenteur inconnue pour {agree(int(missing.sum()), 'point(s)')} sur {len(frame)} "
            f"({examples(frame.index[missing])}) : celle du relief est prise, avec un doute plus large."
        )
    return np.where(missing, stated, measured), (~missing).astype(float)
