"""Speeds: what a sign says, the table of speeds by road class and density, and the time that each hop takes."""

import math
import re
from dataclasses import dataclass, replace
from functools import cache
from importlib import resources

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from territory.errors import NetworkError, ParameterError, Problems, examples, refuse, warn
from territory.network.engine.compiling import count_threads, kernel, run_tasks
from territory.network.engine.graph import MAX_TIME_MS
from territory.network.graph.arrays import Bools, Float32, Floats, Int32, Ints, Roads, WayTable

# METRIC's classes of commune density (DREES, comparaison des distanciers, 2021)
DENSITY_BANDS = ("any", "low", "medium", "high")
_LOW_BELOW_HAB_KM2, _HIGH_ABOVE_HAB_KM2 = 500.0, 4000.0
PERIODS = ("off_peak", "peak")
_NUMBERS = ("default_kmh", "legal_factor", "signal_s", "stop_s", "junction_s")
_KMH_PER_UNIT = {"mph": 1.609344, "knots": 1.852}
# the least speed of a table, and the longest time of a trip (`engine.graph.MAX_TIME_MS`)
_LEAST_KMH, _LONGEST_MS = 1.0, MAX_TIME_MS
# the least part of a legal limit at which one drives
_LEAST_FACTOR = 0.05
# the slowest boat and the fastest shuttle train that carry cars
_CROSSING_KMH = (1.0, 160.0)
# chains that one task times
_CHAINS_AT_ONCE = 200_000
# below, nobody drives; above any limit in the world, a typing error
_SLOWEST_KMH, _FASTEST_KMH = 5.0, 160.0
# French limits: code de la route, R413-2 and R413-3 (80 km/h since the decree 2018-487), R110-2 (20 and 30)
_ZONES_KMH = {
    "urban": 50.0, "rural": 80.0, "trunk": 110.0, "motorway": 130.0, "living_street": 20.0, "walk": 6.0,
    "zone30": 30.0, "zone20": 20.0, "pedestrian_zone": 6.0,
}  # fmt: skip
# a motorway without a limit is driven as a French one; no other road of the world is without
_UNLIMITED = ("motorway", "trunk")
_UNKNOWN = {"", "signals", "variable", "implicit", "default", "sign", "markings", "unknown", "national"}
UNREADABLE, IMPLAUSIBLE = "limites de vitesse illisibles", "limites de vitesse invraisemblables"


@cache
def read_maxspeed(text: str, road_class: str = "") -> tuple[float, str]:
    """Read a speed limit as OpenStreetMap writes it: the lowest of a list (km/h), or what is wrong with it."""
    limits, faults = [], [""]
    # « 50 km/h » has a bar that parts nothing
    bars = ";" if "km/h" in text.lower() else "[;|/]"
    for part in re.split(bars, text.replace("\u00a0", " ")):
        limit, fault = _read_one_limit(part.strip(), road_class)
        faults.append(fault)
        if not math.isnan(limit):
            limits.append(limit)
    return min(limits, default=math.nan), "" if limits else max(faults)


def _read_one_limit(text: str, road_class: str) -> tuple[float, str]:
    zone = text.rsplit(":", 1)[-1].strip().lower() if re.match(r"^[A-Za-z]{2}:", text) else text.lower()
    if zone in _UNKNOWN:
        return math.nan, ""
    if zone == "none":
        return (_ZONES_KMH["motorway"], "") if road_class in _UNLIMITED else (math.nan, IMPLAUSIBLE)
    if zone in _ZONES_KMH:
        return _ZONES_KMH[zone], ""
    found = re.fullmatch(r"(?:zone:? ?)?(\d+(?:[.,]\d+)?)\s*(km/?h|kph|kmph|mph|knots)?", zone)
    if not found:
        return math.nan, UNREADABLE
    limit = float(found.group(1).replace(",", ".")) * _KMH_PER_UNIT.get(found.group(2) or "", 1.0)
    return (limit, "") if _SLOWEST_KMH <= limit <= _FASTEST_KMH else (math.nan, IMPLAUSIBLE)


def speed_table() -> pd.DataFrame:
    """Return the library's table of speeds, to read, change and give to `RoadNetwork.with_speeds`.

    Returns
    -------
    DataFrame
        Columns road_class, density (any, low: under 500 hab/km², medium: 500 to 4,000, high: above), period
        (off_peak, peak), default_kmh (driven where no limit is known), legal_factor (times the legal limit
        where it is known; empty = the limit is not used), signal_s, stop_s, junction_s (added at each traffic
        signal, stop or give-way sign, and junction of three roads or more; s).

    Notes
    -----
    A row of the commune's density wins over the row ``any``. Defaults are calibrated as docs/method/routes.md says;
    classes ``metric_*`` and peak factors are those of INSEE's METRIC (DREES, comparaison des distanciers, 2021).

    Examples
    --------
    >>> speed_table().query("road_class == 'metric_single' and period == 'off_peak'")["default_kmh"].tolist()
    [65.0, 40.0, 20.0]
    """
    with resources.files("territory.network.graph").joinpath("speeds.csv").open("rb") as file:
        return pd.read_csv(file).astype(dict.fromkeys(_NUMBERS, float))


def band_of_density(density_hab_km2: Floats) -> NDArray[np.int8]:
    """Return the position in `DENSITY_BANDS` of densities (hab/km²), 0 where unknown."""
    band = 1 + (density_hab_km2 >= _LOW_BELOW_HAB_KM2) + (density_hab_km2 > _HIGH_ABOVE_HAB_KM2)
    return np.where(np.isnan(density_hab_km2), 0, band).astype(np.int8)


@dataclass(frozen=True)
class HopTimes:
    """Time of each hop of `Roads` (ms), row 0 along the chain, row 1 against it."""

    move: Int32
    wait: Int32

    def chain_ms(self, roads: Roads) -> NDArray[np.int64]:
        """Return the time of each chain in each direction (ms), shape [2, chains]."""
        times = np.add(self.move, self.wait, dtype=np.int64)
        return np.asarray(np.add.reduceat(times, roads.chain_start[:-1], axis=1))


def hop_times(roads: Roads, table: pd.DataFrame, *, period: str = "off_peak") -> HopTimes:
    """Compute the time of each hop from a table of speeds."""
    values = _checked_values(table, roads.ways, period)
    ways = roads.ways
    cell = ways.road_class.astype(np.int64) * values.shape[2] + ways.density_band
    default, factor = values[:2].reshape(2, -1).take(cell, axis=1)
    speeds = []
    for limit in (ways.maxspeed_forward_kmh, ways.maxspeed_backward_kmh):
        legal = limit.astype(np.float64) * factor
        speeds.append(np.where(np.isnan(legal), default, legal))
    signal, stop, junction = values[2:].reshape(3, -1)
    waits = 1000 * np.column_stack([np.zeros_like(junction), junction, stop, signal])
    ms_per_metre = _durations_by_metre(roads)
    by_hop = roads.hop_way, roads.hop_reversed, roads.hop_length_m, roads.vertex_kind
    by_way = speeds[0], speeds[1], ms_per_metre, waits[cell]
    slowness = roads.hop_slowness
    times = HopTimes(*(np.zeros((2, roads.x.size), dtype=np.int32) for _ in range(2)))

    def fill(chains: slice) -> None:
        _time_hops(roads.chain_start[chains], by_hop, by_way, slowness, times.move, times.wait)

    # neighbours share the last bound: a chain goes from one to the next
    parts = [slice(begin, begin + _CHAINS_AT_ONCE + 1) for begin in range(0, roads.n_chains, _CHAINS_AT_ONCE)]
    run_tasks(fill, parts, count_threads(None) if len(parts) > 1 else 1)
    return times


def with_plausible_durations(roads: Roads) -> Roads:
    """Return roads without the durations that no boat or train keeps to, and their number in the account."""
    stated = roads.ways.duration_s
    if np.isnan(stated).all():
        return roads
    length_m = np.bincount(roads.hop_way, weights=roads.hop_length_m, minlength=stated.size)
    kmh = 3.6 * length_m / np.where(np.isnan(stated), np.inf, stated)
    wrong = ~np.isnan(stated) & ((kmh < _CROSSING_KMH[0]) | (kmh > _CROSSING_KMH[1]))
    if not wrong.any():
        return roads
    ways = replace(roads.ways, duration_s=np.where(wrong, np.nan, stated).astype(np.float32))
    aside = "durées de traversée invraisemblables", int(wrong.sum())
    return replace(roads, ways=ways, asides=(*roads.asides, aside))


def _durations_by_metre(roads: Roads) -> Floats:
    """Return the time per metre (ms) of each way whose duration is stated, 0 for the others."""
    stated = roads.ways.duration_s.astype(np.float64)
    if np.isnan(stated).all():
        return np.zeros(stated.size)
    total = np.bincount(roads.hop_way, weights=roads.hop_length_m, minlength=stated.size)
    known = np.isfinite(stated) & (total > 0)
    return np.divide(1000.0 * stated, total, out=np.zeros(stated.size), where=known)


@kernel
def _time_hops(
    chain_start: Ints,
    by_hop: tuple[Int32, Bools, Float32, NDArray[np.int8]],
    by_way: tuple[Floats, Floats, Floats, Floats],
    slowness: Float32,
    move: Int32,
    wait: Int32,
) -> None:
    """Write the times to drive each hop and to wait at its end (ms), along the chain and against it."""
    hop_way, hop_reversed, length_m, kind = by_hop
    forward_kmh, backward_kmh, ms_per_metre, waits_ms = by_way
    for chain in range(chain_start.size - 1):
        for hop in range(chain_start[chain], chain_start[chain + 1] - 1):
            way, length = hop_way[hop], float(length_m[hop])
            for direction in range(2):
                along_way = hop_reversed[hop] == (direction == 1)
                time = length * ms_per_metre[way]
                if time == 0.0:
                    # m / (km/h) = 3.6 s
                    time = length * 3600.0 / (forward_kmh[way] if along_way else backward_kmh[way])
                if slowness.shape[1]:
                    time = time * slowness[direction, hop] if slowness[direction, hop] != np.inf else np.inf
                # a closed hop, and one that takes longer than any trip, which would not fit
                move[direction, hop] = np.int32(np.rint(min(time, _LONGEST_MS + 1.0)))
                arrival = hop + 1 if direction == 0 else hop
                wait[direction, hop] = np.int32(np.rint(waits_ms[way, kind[arrival]]))


def _checked_values(table: pd.DataFrame, ways: WayTable, period: str) -> Floats:
    """Return the numbers of the table as an array [number, class of the map, density band]."""
    if period not in PERIODS:
        raise ParameterError(f"Période « {period} » inconnue : choisissez {' ou '.join(PERIODS)}.")
    missing = [name for name in ("road_class", "density", "period", *_NUMBERS) if name not in table.columns]
    refuse(missing, "colonne(s) absente(s)", of="Table des vitesses", advice=" : voir speed_table().")
    problems = Problems("Table des vitesses", ParameterError)
    table = table.loc[table["period"] == period]
    _check_numbers(table, problems)
    problems.raise_if_any()
    values = np.full((len(_NUMBERS), len(ways.class_names), len(DENSITY_BANDS)), np.nan)
    place = pd.Index(ways.class_names).get_indexer(pd.Index(table["road_class"]))
    band = pd.Index(DENSITY_BANDS).get_indexer(pd.Index(table["density"]))
    numbers = table[list(_NUMBERS)].to_numpy(dtype=np.float64).T
    # rows "any" first, so that a precise density wins
    for is_any in (True, False):
        rows = np.flatnonzero((place >= 0) & ((band == 0) == is_any))
        columns = slice(None) if is_any else band[rows]
        values[:, place[rows], columns] = numbers[:, rows, None] if is_any else numbers[:, rows]
    _check_complete(values, ways, period)
    return values


def _check_numbers(table: pd.DataFrame, problems: Problems) -> None:
    doubled = table.loc[table.duplicated(["road_class", "density"]), "road_class"]
    problems.count(doubled, "ligne(s) en double pour une classe et une densité")
    strange = table.loc[~table["density"].isin(DENSITY_BANDS), "density"].unique()
    problems.count(strange, "densité(s) inconnue(s)", advice=f" ; choix : {', '.join(DENSITY_BANDS)}")
    for name in _NUMBERS:
        try:
            column = pd.to_numeric(table[name])
        except (ValueError, TypeError):
            problems.add(f"colonne « {name} » : des valeurs ne sont pas des nombres")
            continue
        if name in ("default_kmh", "legal_factor"):
            is_speed = name == "default_kmh"
            least = _LEAST_KMH if is_speed else _LEAST_FACTOR
            wrong = (column < least) | (column.isna() & is_speed) | np.isinf(column)
            rule = f"d'au moins {least:g}".replace(".", ",")
        else:
            wrong, rule = ~((column >= 0) & np.isfinite(column)), "positif ou nul"
        if wrong.any():
            rows = table[wrong].itertuples()
            listed = [f"{row.road_class} / {row.density} : {getattr(row, name)}" for row in rows]
            problems.count(listed, f"valeur(s) de la colonne « {name} », qui doit être un nombre {rule}")


def _check_complete(values: Floats, ways: WayTable, period: str) -> None:
    """Refuse a table that says nothing of a class and density which the map holds."""
    cell = ways.road_class.astype(np.int64) * values.shape[2] + ways.density_band
    lacking = np.isnan(values[0]) & (np.bincount(cell, minlength=values[0].size) > 0).reshape(values[0].shape)
    if not lacking.any():
        return
    names = sorted({ways.class_names[row] for row in np.flatnonzero(lacking.any(axis=1))})
    # a class of which the table says nothing anywhere is not a matter of density
    if not np.isnan(values[0]).all(axis=1)[lacking.any(axis=1)].any() and not lacking[:, 1:].any():
        raise ParameterError(
            f"Pour la période « {period} », la table des vitesses dépend de la densité des communes, inconnue ici"
            f" ({len(names)} classes de routes : {examples(names)}) : appelez d'abord with_density(communes)."
        )
    raise ParameterError(
        f"La table des vitesses ne dit rien, pour la période « {period} », de {len(names)} classes de routes de la"
        f" carte ({examples(names)}) : ajoutez une ligne pour chacune."
    )


def density_bands(roads: Roads, communes: gpd.GeoDataFrame, *, column: str) -> NDArray[np.int8]:
    """Return the density band of each way, from the commune that holds its middle vertex."""
    if communes.crs is None:
        raise NetworkError("Communes : système de coordonnées absent, donnez-le avec communes.set_crs(...).")
    if column not in communes.columns:
        raise NetworkError(f"Communes : colonne « {column} » absente (densité en hab/km²).")
    outlines = communes[communes[column].notna()].to_crs(roads.crs)
    if len(outlines) == 0:
        raise NetworkError(f"Communes : aucune densité connue dans la colonne « {column} ».")
    hops = np.flatnonzero(~roads.void_hops())
    by_way = hops[np.argsort(roads.hop_way[hops], kind="stable")]
    ways, first, count = np.unique(roads.hop_way[by_way], return_index=True, return_counts=True)
    middle = by_way[first + count // 2]
    tree = shapely.STRtree(outlines.geometry.to_numpy())
    way, commune = tree.query(shapely.points(roads.x[middle], roads.y[middle]), predicate="intersects")
    density = np.full(len(roads.ways), np.nan)
    # on a border, the first commune of the table
    density[ways[way[::-1]]] = outlines[column].to_numpy(dtype=np.float64)[commune[::-1]]
    outside = np.flatnonzero(np.isnan(density[ways]))
    if outside.size:
        nearest = tree.nearest(shapely.points(roads.x[middle[outside]], roads.y[middle[outside]]))
        density[ways[outside]] = outlines[column].to_numpy(dtype=np.float64)[nearest]
        said = f"{outside.size} des {ways.size} routes ne sont dans aucune commune de densité connue"
        warn(f"{said} : elles prennent celle de la commune la plus proche.")
    return band_of_density(density)
