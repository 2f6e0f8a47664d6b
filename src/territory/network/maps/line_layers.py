"""Networks from any layer of road lines, with what the BD TOPO of IGN needs built in."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from importlib import resources
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from territory.errors import NetworkError, ParameterError, Problems, examples, refuse, retold, warn
from territory.network.graph.arrays import BACKWARD, FORWARD, Floats, Int32, Ints, RoadLines, WayTable
from territory.network.graph.simplify import prepare
from territory.network.graph.speeds import density_bands
from territory.network.graph.topology import Topology
from territory.network.roads import RoadNetwork

_BOTH = FORWARD | BACKWARD
# ends closer than this are the same place (m): the layers of IGN write decimetres
_SAME_PLACE_M = 0.01


@dataclass(frozen=True)
class LineColumns:
    """Which columns of a layer say what; of several names, the first that the layer has."""

    road_class: tuple[str, ...]
    classes: Mapping[str, str] = field(default_factory=dict)
    left_out: frozenset[str] = frozenset()
    direction: tuple[str, ...] = ()
    directions: Mapping[str, int] = field(default_factory=dict)
    length: tuple[str, ...] = ()
    length_unit_m: float = 1.0
    maxspeed: tuple[str, ...] = ()
    closed: Mapping[tuple[str, ...], frozenset[str]] = field(default_factory=dict)
    attribution: str = ""


def _declared(name: str) -> LineColumns:
    """Return the columns of a layer that is declared beside this module."""
    said = tomllib.loads((resources.files("territory.network.maps") / f"{name}.toml").read_text("utf-8"))
    said["closed"] = {tuple(one["columns"]): frozenset(one["values"]) for one in said["closed"]}
    said["left_out"] = frozenset(said["left_out"])
    given: dict[str, Any] = {key: tuple(one) if isinstance(one, list) else one for key, one in said.items()}
    return LineColumns(**given)


_BUILT_IN = {"bd_topo": _declared("bd_topo")}


def from_lines(
    lines: gpd.GeoDataFrame,
    *,
    columns: str | LineColumns | Mapping[str, Any],
    speeds: pd.DataFrame | Mapping[str, float],
    density: gpd.GeoDataFrame | None = None,
) -> RoadNetwork:
    """Prepare a layer of road lines for travel times; a warning counts the lines of unknown classes, left out.

    Parameters
    ----------
    lines
        Lines with a CRS, cut where roads meet: roads are joined at the ends of lines alone.
    columns
        ``bd_topo`` for this layer of IGN, or the arguments of `LineColumns`.
    speeds
        Table as `territory.network.speed_table` returns it, or the speed of each class (km/h).
    density
        Polygons of communes with their density (column density_hab_km2), for tables that depend on it, such as
        METRIC's, which the built-in layer uses.

    Examples
    --------
    >>> import geopandas as gpd
    >>> line = gpd.GeoSeries.from_wkt(["LINESTRING (950000 6270000, 950000 6271000)"], crs=2154)
    >>> lines = gpd.GeoDataFrame({"nature": ["route"]}, geometry=line)
    >>> from_lines(lines, columns={"road_class": ("nature",)}, speeds={"route": 60.0})
    <RoadNetwork : 1,0 km, 2 carrefours, heures creuses>
    """
    topology = Topology(prepare(_road_lines(_checked_lines(lines), _columns(columns))))
    table = speeds if isinstance(speeds, pd.DataFrame) else _table_of(speeds)
    if density is not None:
        bands = density_bands(topology.roads, density, column="density_hab_km2")
        topology = topology.with_density_bands(bands)
    elif {"density", "road_class"} <= set(table) and not (
        (table["density"] == "any") & table["road_class"].isin(topology.roads.ways.class_names)
    ).any():
        advice = "donnez density=communes, une couche de polygones avec la colonne density_hab_km2"
        raise ParameterError(f"La table des vitesses dépend de la densité des communes : {advice}.")
    return RoadNetwork(topology, table)


def _columns(columns: str | LineColumns | Mapping[str, Any]) -> LineColumns:
    if isinstance(columns, LineColumns):
        return columns
    if isinstance(columns, str):
        if columns not in _BUILT_IN:
            listed = ", ".join(_BUILT_IN)
            raise ParameterError(f"Couche « {columns} » inconnue : {listed}, ou nommez les colonnes.")
        return _BUILT_IN[columns]
    given = dict(columns)
    for name in ("road_class", "direction", "length", "maxspeed"):
        if isinstance(given.get(name), str):
            given[name] = (given[name],)
    known = [field.name for field in fields(LineColumns)]
    strange = [name for name in given if name not in known]
    refuse(strange, f"clé(s) inconnue(s) ; connues : {', '.join(known)}", of="Colonnes mal décrites")
    if "road_class" not in given:
        raise ParameterError("Colonnes mal décrites : il manque road_class, celle de la classe des routes.")
    return LineColumns(**given)


def _checked_lines(lines: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    problems = Problems("Couche de routes", NetworkError)
    if lines.crs is None:
        problems.add("système de coordonnées absent : indiquez-le avec lines.set_crs(...)")
    if len(lines) == 0:
        problems.add("aucune ligne")
    empty = lines.geometry.isna() | lines.geometry.is_empty
    other = ~empty & ~lines.geometry.geom_type.isin(["LineString", "MultiLineString"])
    problems.count(lines.index[empty], "objet(s) sans géométrie")
    problems.count(lines.index[other], "objet(s) qui (n'est pas une ligne|ne sont pas des lignes)")
    problems.raise_if_any()
    return lines.explode(ignore_index=True) if (lines.geom_type == "MultiLineString").any() else lines


def _column(lines: gpd.GeoDataFrame, names: tuple[str, ...], *, needed: bool = False) -> pd.Series | None:
    """Return the first of several columns that the layer has."""
    for name in names:
        if name in lines.columns:
            return lines[name]
    if needed:
        absent = f"aucune colonne nommée {' ou '.join(names)}"
        raise ParameterError(f"Couche de routes : {absent} (colonnes : {examples(lines.columns, most=12)}).")
    return None


def _road_lines(lines: gpd.GeoDataFrame, names: LineColumns) -> RoadLines:
    """Turn the lines of known classes into ways and nodes."""
    road_class = _classes_of(lines, names)
    kept = road_class.notna()
    for columns, values in names.closed.items():
        if (column := _column(lines, columns)) is not None:
            kept &= ~column.isin(values)
    if not kept.any():
        raise NetworkError("Couche de routes : aucune ligne d'une classe connue et ouverte aux voitures.")
    lines, road_class = lines[kept], road_class[kept]
    direction = _directions_of(lines, names)
    class_names = tuple(sorted(set(road_class)))
    place = {name: row for row, name in enumerate(class_names)}
    limit = _numbers_of(lines, names.maxspeed)
    ways = WayTable(
        np.arange(len(lines), dtype=np.int64),
        class_names,
        road_class.map(place).to_numpy(dtype=np.int16),
        direction,
        limit.astype(np.float32),
        limit.astype(np.float32),
        np.full(len(lines), np.nan, dtype=np.float32),
        *(np.zeros(len(lines), dtype=kind) for kind in (np.int8, bool, np.int16, np.int32)),
    )
    start, node, lon, lat = _nodes_of(lines)
    length_m = _numbers_of(lines, names.length) * names.length_unit_m
    measured = lines.geometry.to_crs(lines.estimate_utm_crs()).length.to_numpy(dtype=np.float64)
    ratios = length_m / measured
    ratio = float(np.median(ratios[~np.isnan(ratios)])) if not np.isnan(ratios).all() else 1.0
    if not 0.5 < ratio < 2:
        said = f"Les longueurs de la couche valent {ratio:.3g} fois celles de ses lignes"
        advice = "vérifiez length_unit_m (1 pour des mètres, 1000 pour des kilomètres)"
        raise ParameterError(f"{said} : {advice}.")
    return RoadLines(ways, start, node, lon, lat, length_m, attribution=names.attribution)


def _classes_of(lines: gpd.GeoDataFrame, names: LineColumns) -> pd.Series:
    column = _column(lines, names.road_class, needed=True)
    assert column is not None
    if not names.classes:
        return column.where(column.notna(), None).map(lambda value: str(value), na_action="ignore")
    road_class = column.map(names.classes)
    unknown = road_class.isna() & ~column.isin(names.left_out)
    if unknown.any():
        said = f"{int(unknown.sum())} lignes d'une classe inconnue sont laissées de côté"
        warn(f"{said} ({examples(column[unknown].unique())}).")
    return road_class


def _directions_of(lines: gpd.GeoDataFrame, names: LineColumns) -> Any:
    column = _column(lines, names.direction, needed=bool(names.direction))
    if column is None:
        return np.full(len(lines), _BOTH, dtype=np.int8)
    strange = sorted(str(value) for value in set(names.directions.values()) - {FORWARD, BACKWARD, _BOTH})
    if strange:
        advice = f"donnez {FORWARD} (direct), {BACKWARD} (inverse) ou {_BOTH} (les deux)"
        raise ParameterError(f"directions : {examples(strange)} n'est pas un sens ; {advice}.")
    direction = column.map(names.directions)
    unknown = direction.isna() & column.notna()
    if unknown.any():
        raise ParameterError(
            f"{int(unknown.sum())} lignes ont un sens de circulation inconnu ({examples(column[unknown].unique())}) :"
            f" valeurs connues {examples(names.directions, most=10)}."
        )
    return direction.fillna(_BOTH).to_numpy(dtype=np.int8)


def _numbers_of(lines: gpd.GeoDataFrame, names: tuple[str, ...]) -> Floats:
    column = _column(lines, names)
    if column is None:
        return np.full(len(lines), np.nan)
    numbers = pd.to_numeric(column, errors="coerce").to_numpy(dtype=np.float64)
    # a length or a limit of zero is a gap in the source
    return np.where(numbers > 0, numbers, np.nan)


def _nodes_of(lines: gpd.GeoDataFrame) -> tuple[Ints, Int32, Floats, Floats]:
    """Return the start of each line, the node at each step, and their places (degrees); lines meet at their ends."""
    geometry = lines.geometry.to_numpy()
    said = "des coordonnées ne sont pas celles d'un lieu ; vérifiez le système de coordonnées de la couche."
    with retold(RuntimeError, NetworkError, f"Couche de routes : {said}"):
        metres = shapely.get_coordinates(lines.geometry.to_crs(lines.estimate_utm_crs()).to_numpy())
    degrees = shapely.get_coordinates(lines.geometry.to_crs(4326).to_numpy())
    if not (np.isfinite(metres).all() and np.isfinite(degrees).all()):
        raise NetworkError(f"Couche de routes : {said}")
    start = np.concatenate([[0], np.cumsum(shapely.get_num_coordinates(geometry))]).astype(np.int64)
    ends = np.unique(np.concatenate([start[:-1], start[1:] - 1]))
    rounded = np.round(metres[ends] / _SAME_PLACE_M).astype(np.int64)
    _, number = np.unique(rounded, axis=0, return_inverse=True)
    node_id = len(ends) + np.arange(len(metres), dtype=np.int64)
    node_id[ends] = number.ravel()
    node, known = pd.factorize(node_id)
    lon, lat = np.empty((2, len(known)))
    lon[node], lat[node] = degrees.T
    return start, node.astype(np.int32), lon, lat


def _table_of(speeds: Mapping[str, float]) -> pd.DataFrame:
    """Return a table with one speed per class, the same everywhere, without waits."""
    kmh = [float(speed) for speed in speeds.values()]
    table = {"road_class": list(speeds), "density": "any", "period": "off_peak", "default_kmh": kmh}
    return pd.DataFrame(table).assign(legal_factor=np.nan, signal_s=0.0, stop_s=0.0, junction_s=0.0)
