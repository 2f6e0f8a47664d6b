"""Works on roads: those that are closed, slowed or drawn, and the slopes that one climbs."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from territory.errors import NetworkError, ParameterError, Problems, examples, warn
from territory.french.numbers import share
from territory.french.words import bare
from territory.network.graph.arrays import BACKWARD, FORWARD, JUNCTION, PLAIN, Bools, Float32, Floats, Roads
from territory.network.graph.topology import HopIndex, nearest_hops

# a drawn road joins what it ends on: farther, it has been drawn elsewhere
_JOINS_WITHIN_M = 100.0
# steeper than the steepest street of the world, a slope is an error of heights
_STEEPEST = 0.35
# how many times as long as on the flat a slope takes: Tobler (1993); Parkin and Rotheram (2010: 21.6 km/h on the flat,
# 1.44 less for each hundredth uphill, 0.86 more downhill), from that of a bicycle that is pushed to 1.6 times the flat
_PACES: dict[str, Callable[[Floats], Floats]] = {
    "foot": lambda slope: np.exp(3.5 * (np.abs(slope + 0.05) - 0.05)),
    "bicycle": lambda slope: 1 / np.clip(1 - np.where(slope > 0, 1.44, 0.86) / 0.216 * slope, 0.32, 1.6),
}


def hops_of(
    roads: Roads,
    *,
    polygon: BaseGeometry | None,
    names: Sequence[str],
    way_ids: Sequence[int],
    month: int | None,
) -> Bools:
    """Tell which hops are meant: in the polygon, of these names or references, of these ways, closed in that month."""
    problems = Problems("Travaux sur les routes", ParameterError)
    ways = roads.ways
    meant = np.ones(len(ways), dtype=bool)
    if names:
        labels = roads.names
        known = [{bare(part) for part in re.split("[\t;]", label) if part} for label in labels]
        asked = {bare(name): name for name in names}
        absent = [name for key, name in asked.items() if not any(key in one for one in known)]
        problems.count(absent, "nom(s) ou numéro(s) de route absent(s) de la carte")
        meant &= np.array([not asked.keys().isdisjoint(one) for one in known])[ways.name]
    if way_ids:
        problems.count(sorted(set(way_ids) - set(ways.way_id.tolist())), "voie(s) absente(s) de la carte")
        meant &= np.isin(ways.way_id, list(way_ids))
    if month is not None:
        if not 1 <= month <= 12:
            problems.add(f"mois {month} : indiquez un nombre de 1 à 12")
        elif not (names or way_ids):
            meant &= (ways.closed_months >> (month - 1) & 1) > 0
    problems.raise_if_any()
    hops: Bools = meant[roads.hop_way] & ~roads.void_hops()
    if polygon is not None:
        hops &= _inside(roads, polygon)
    if not hops.any():
        raise ParameterError("Travaux : aucune route concernée sur la carte (polygone, noms, voies, mois).")
    return hops


def _inside(roads: Roads, polygon: BaseGeometry) -> Bools:
    """Tell which hops have a part in a polygon (degrees)."""
    area = _projected(polygon, roads.crs)
    x_min, y_min, x_max, y_max = area.bounds
    x, y = roads.x, roads.y
    next_x, next_y = (np.append(axis[1:], axis[-1]) for axis in (x, y))
    near = (np.minimum(x, next_x) <= x_max) & (np.maximum(x, next_x) >= x_min)
    near &= (np.minimum(y, next_y) <= y_max) & (np.maximum(y, next_y) >= y_min)
    hops = np.flatnonzero(near & ~roads.void_hops())
    shapely.prepare(area)
    ends = np.stack([np.column_stack([x, y])[hops], np.column_stack([next_x, next_y])[hops]], axis=1)
    inside = np.zeros(roads.x.size, dtype=bool)
    inside[hops] = shapely.intersects(area, shapely.linestrings(ends))
    return inside


def _projected(shape: BaseGeometry, crs: str) -> BaseGeometry:
    projected: BaseGeometry = gpd.GeoSeries([shape], crs=4326).to_crs(crs).iloc[0]
    if projected.is_empty or not np.isfinite(projected.bounds).all():
        raise NetworkError("Travaux sur les routes : tracé vide ou hors de la carte ; donnez-le en degrés.")
    return projected


def slowed(roads: Roads, hops: Bools, time_factor: float) -> Float32:
    """Return the slowness of all hops once some take `time_factor` times as long; infinity closes them."""
    if not time_factor > 0:
        raise ParameterError(f"time_factor={time_factor} : indiquez un nombre au-dessus de zéro.")
    before = _slowness(roads)
    return np.where(hops, before * np.float32(time_factor), before).astype(np.float32)


def sloped(roads: Roads, heights: gpd.GeoDataFrame, column: str) -> Float32:
    """Return the slowness of all hops once the heights around are known; no slope where they are not."""
    from scipy.interpolate import LinearNDInterpolator

    problems = Problems("Pentes", NetworkError)
    if roads.profile not in _PACES:
        problems.add("en voiture elles ne changent rien ; lisez la carte avec profile='foot' ou 'bicycle'")
    if heights.crs is None:
        problems.add("système de coordonnées absent ; donnez-le avec altitudes.set_crs(...)")
    if column not in heights.columns:
        problems.add(f"colonne « {column} » absente (altitude en mètres)")
    problems.raise_if_any()
    points = heights[heights[column].notna()].to_crs(roads.crs)
    if len(points) < 3:
        raise NetworkError("Pentes : il faut au moins trois points dont l'altitude est connue.")
    known = np.column_stack([points.geometry.x, points.geometry.y]), points[column].to_numpy(np.float64)
    # the triangle of a point is looked for from that of the one before: strip by strip, a thousand times less far
    strips = np.floor(np.sqrt(roads.y.size) * (roads.y - roads.y.min()) / max(float(np.ptp(roads.y)), 1.0))
    order = np.lexsort((roads.x, strips))
    height_m = np.empty(roads.y.size)
    height_m[order] = LinearNDInterpolator(*known)(roads.x[order], roads.y[order])
    if (lost := float(np.isnan(height_m).mean())) == 1.0:
        raise NetworkError("Pentes : aucune voie de la carte n'est parmi les altitudes données.")
    if lost:
        warn(
            f"Pentes : {share(lost)} des points de la carte sont hors des altitudes données et comptés plats."
        )
    length_m = np.where(roads.hop_length_m > 0, roads.hop_length_m, np.inf)
    slope = np.nan_to_num(np.diff(height_m, append=np.nan) / length_m).clip(-_STEEPEST, _STEEPEST)
    slope[roads.void_hops()] = 0.0
    # the speed of stairs already is that of climbing
    is_stairs = np.array(roads.ways.class_names) == "foot_steps"
    slope[is_stairs[roads.ways.road_class][roads.hop_way]] = 0.0
    pace = _PACES[roads.profile]
    return _slowness(roads) * np.stack([pace(slope), pace(-slope)]).astype(np.float32)


def _slowness(roads: Roads) -> Float32:
    """Return the slowness of all hops, 1 where nothing was ever changed."""
    return roads.hop_slowness if roads.hop_slowness.size else np.ones((2, roads.x.size), dtype=np.float32)


def with_line(
    roads: Roads, index: HopIndex, line: BaseGeometry, *, speed_kmh: float, is_oneway: bool, name: str
) -> Roads:
    """Return roads with one more, that joins those on which it ends."""
    problems = Problems("Route dessinée", ParameterError)
    if line.geom_type != "LineString":
        problems.add(f"il faut une ligne (LineString), pas {line.geom_type}")
    if not 5 <= speed_kmh <= 160:
        problems.add(f"speed_kmh={speed_kmh} : indiquez une vitesse de 5 à 160 km/h")
    problems.raise_if_any()
    x, y = np.array(_projected(line, roads.crs).coords)[:, :2].T
    ends = nearest_hops(roads, index, x[[0, -1]], y[[0, -1]], max_distance_m=_JOINS_WITHIN_M)
    lost = [place for place, hop in zip(("début", "fin"), ends.hop, strict=True) if hop < 0]
    if lost:
        said = f"Route dessinée : {examples(lost)} à plus de {_JOINS_WITHIN_M:g} m d'une route de la carte"
        raise NetworkError(f"{said} ; menez le tracé jusqu'aux routes qu'il joint.")
    x[[0, -1]], y[[0, -1]] = ends.x, ends.y
    beside, done_m = int(roads.hop_way[ends.hop[0]]), ends.share * roads.hop_length_m[ends.hop]
    junctions = [0, 0]
    # the later in the arrays first: the other keeps its numbers
    for end in np.lexsort([done_m, ends.hop])[::-1].tolist():
        place = float(ends.x[end]), float(ends.y[end])
        roads, junctions[end] = _cut(roads, int(ends.hop[end]), float(done_m[end]), place)
    # a way of the class of one beside it, driven at a speed of its own
    way = {
        "way_id": min(int(roads.ways.way_id.min()), 0) - 1,
        "direction": FORWARD if is_oneway else FORWARD | BACKWARD,
        "duration_s": float(np.hypot(np.diff(x), np.diff(y)).sum()) * 3.6 / speed_kmh,
        "road_class": roads.ways.road_class[beside],
        "density_band": roads.ways.density_band[beside],
        "name": len(roads.names),
    }
    return _with_chain(roads, (x, y), junctions, way, name)


_BY_VERTEX = ("x", "y", "vertex_kind", "hop_way", "hop_reversed", "hop_length_m")


def _cut(roads: Roads, hop: int, done_m: float, place: tuple[float, float]) -> tuple[Roads, int]:
    """Return roads whose chain is cut so many metres along a hop, and the junction there."""
    chain = int(np.searchsorted(roads.chain_start, hop, side="right")) - 1
    first, last = int(roads.chain_start[chain]), int(roads.chain_start[chain + 1]) - 1
    left_m = float(roads.hop_length_m[hop]) - done_m
    # a metre from a vertex is the vertex: the road is drawn by hand
    vertex = hop if done_m < 1.0 else hop + 1 if left_m < 1.0 else -1
    if vertex in (first, last):
        return roads, int((roads.tail if vertex == first else roads.head)[chain])
    # the vertex stands twice: it ends a piece, and begins the next one
    ending = hop + 1 if vertex < 0 else vertex
    rows = np.insert(np.arange(roads.x.size), ending, [hop, hop] if vertex < 0 else [vertex])
    columns: dict[str, Any] = {name: getattr(roads, name)[rows] for name in _BY_VERTEX}
    both = slice(ending, ending + 2)
    if vertex < 0:
        columns["x"][both], columns["y"][both] = place
        columns["vertex_kind"][both] = JUNCTION
        columns["hop_length_m"][[hop, ending + 1]] = done_m, left_m
    columns["vertex_kind"][both] = np.maximum(columns["vertex_kind"][both], JUNCTION)
    columns["hop_length_m"][ending] = 0.0
    if roads.hop_slowness.size:
        columns["hop_slowness"] = roads.hop_slowness[:, rows]
    start, junction = roads.chain_start.copy(), roads.n_junctions
    start[chain + 1 :] += rows.size - roads.x.size
    for name in ("open_directions", "is_destination"):
        column = getattr(roads, name)
        columns[name] = np.insert(column, chain, column[chain])
    turns = list(_turns(roads, chain))
    return replace(
        roads,
        chain_start=np.insert(start, chain + 1, ending + 1),
        tail=np.insert(roads.tail, chain + 1, junction),
        head=np.insert(roads.head, chain, junction),
        junction_x=np.append(roads.junction_x, columns["x"][ending]),
        junction_y=np.append(roads.junction_y, columns["y"][ending]),
        turn_start=np.cumsum([0, *map(len, turns)], dtype=np.int64),
        turn_arcs=np.array([key for one in turns for key in one], dtype=np.int64),
        **columns,
    ), junction


def _turns(roads: Roads, cut: int) -> Iterator[list[int]]:
    """Yield the forbidden sequences once a chain is cut in two."""
    arcs = roads.turn_arcs.tolist()
    for begin, end in pairwise(roads.turn_start.tolist()):
        path: list[int] = []
        for place in range(begin, end):
            direction, chain = divmod(arcs[place], roads.n_chains)
            pieces = [chain + (chain > cut)] if chain != cut else [cut, cut + 1][:: -1 if direction else 1]
            # one comes by the last piece of the first road, and takes the first of the last
            kept = pieces[-1:] if place == begin else pieces[:1] if place == end - 1 else pieces
            path += [direction * (roads.n_chains + 1) + one for one in kept]
        yield path


def _with_chain(
    roads: Roads, line: tuple[Floats, Floats], ends: list[int], way: dict[str, Any], name: str
) -> Roads:
    """Return roads with one more chain, a way by itself."""
    x, y = line
    kind = np.full(x.size, PLAIN, dtype=np.int8)
    kind[[0, -1]] = JUNCTION
    given: dict[str, Any] = {
        "x": x,
        "y": y,
        "vertex_kind": kind,
        "hop_way": np.full(x.size, len(roads.ways)),
        "hop_reversed": np.zeros(x.size, dtype=bool),
        "hop_length_m": np.append(np.hypot(np.diff(x), np.diff(y)), 0.0),
        "chain_start": roads.x.size + x.size,
        "tail": ends[0],
        "head": ends[1],
        "open_directions": way["direction"],
        "is_destination": False,
    }
    known = {key: one for key, one in vars(roads.ways).items() if key != "class_names"}
    ways: dict[str, Any] = {key: _longer(one, way.get(key)) for key, one in known.items()}
    columns: dict[str, Any] = {key: _longer(getattr(roads, key), new) for key, new in given.items()}
    # the keys of arcs count chains
    direction, chain = np.divmod(roads.turn_arcs, roads.n_chains)
    columns["turn_arcs"] = direction * (roads.n_chains + 1) + chain
    if roads.hop_slowness.size:
        columns["hop_slowness"] = np.append(roads.hop_slowness, np.ones((2, x.size), np.float32), axis=1)
    names = np.frombuffer("\n".join([*roads.names, " ".join(name.split())]).encode(), dtype=np.uint8)
    return replace(roads, ways=replace(roads.ways, **ways), name_text=names, **columns)


def _longer(column: NDArray[Any], more: Any) -> NDArray[Any]:
    """Return a column with more at its end, what is not known where nothing is given."""
    missing = np.nan if column.dtype.kind == "f" else 0
    return np.append(column, missing if more is None else more).astype(column.dtype)
