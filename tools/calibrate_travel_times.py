"""Fit the model of estimated travel times on real times, measure its error, rewrite its table of numbers.

    python tools/calibrate_travel_times.py --from DIR [--check]
    python tools/calibrate_travel_times.py --map docs/images/lenteur-var.png

DIR/traveltimes holds communes_to_emergency_drees_2019.csv (the level of all estimates), gironde_metric.dbf,
gironde_osrm.csv, isere_osrm_matrix.csv, isere_communes.geojson and communes_to_paris_osrm.csv (a test, never a fit);
DIR/boundaries holds mairies.csv. Every bar of the method page is printed with its measure. With --check nothing
is written.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import fields
from itertools import pairwise
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from territory.network import estimate as slow
from territory.network import estimate_model as model

OUTPUT = Path(__file__).parents[1] / "src" / "territory" / "network" / model.CALIBRATION
LONGEST_KM = 100.0
FARTHEST_KM = 20.0
FOLDS = 10
COVERAGE = 0.8
AREA_MIN = 45.0
LINE_BANDS = (0, 0.1, 0.25, 0.4, 0.55, 0.7, 0.85, 1)
# set, to a tenth, so that the intervals of an EPCI in `backtest_moves.py` hold the truth as often as they say
NEW_SITE_SHARE = 1.0
# a point of the file of times to Paris farther from its mairie is off the roads where people live
OFF_KM = 3.0
# what an interval of 80 % must hold of real times, in each place
COVERED = (0.75, 0.88)

# the estuary of the Gironde, drawn by hand to about 1 km along the Garonne below the last bridge of Bordeaux
# (pont d'Aquitaine), the bec d'Ambès, Pauillac and the pointe de Grave, then out to sea where nothing passes
GIRONDE_ESTUARY = shapely.LineString(
    [
        (-0.536, 44.880),
        (-0.545, 44.930),
        (-0.553, 44.980),
        (-0.600, 45.045),
        (-0.680, 45.120),
        (-0.720, 45.200),
        (-0.750, 45.300),
        (-0.830, 45.400),
        (-0.920, 45.500),
        (-1.060, 45.580),
        (-4.000, 46.500),
    ]
)
DREES = ("DREES, Diagnostic d'accès aux soins urgents (METRIC), et calages de Gironde et d'Isère", 2019)
METRIC = ("INSEE METRIC, Gironde, heures creuses", 2020)
OSRM = ("OSRM, Isère", 2021)
BOTH = ("METRIC Gironde et OSRM Isère", 2021)
Row = dict[str, object]
Floats = NDArray[np.float64]


def read_communes(folder: Path) -> pd.DataFrame:
    """Read the point and density of every commune, in Lambert-93 kilometres."""
    table = pd.read_csv(folder / "traveltimes" / "communes_to_paris_osrm.csv")
    points = gpd.GeoSeries(gpd.points_from_xy(table["lon"], table["lat"]), crs=4326).to_crs(2154)
    return pd.DataFrame(
        {
            "code": table["id"].str.removeprefix("FR_"),
            "x_km": points.x / 1000,
            "y_km": points.y / 1000,
            "density_hab_km2": table["pop"] / table["area"],
            "area_km2": table["area"],
            "to_paris_min": table["duration"] / 60,
        }
    )


def read_gironde(folder: Path, *, with_estuary: bool = True) -> pd.DataFrame:
    """Read the METRIC pairs with OSRM's road distance; the commune of a place is that of the nearest centroid."""
    metric = pd.DataFrame(
        gpd.read_file(folder / "traveltimes" / "gironde_metric.dbf").drop(columns="geometry", errors="ignore")
    )
    osrm = pd.read_csv(folder / "traveltimes" / "gironde_osrm.csv")
    ends = ["X1", "Y1", "X2", "Y2"]
    for table in (metric, osrm):
        table[ends] = table[ends].round(0)
    pairs = metric[metric["HC"] < 9999].merge(osrm[[*ends, "Dist_km"]], on=ends, validate="one_to_one")
    xy = {end: pairs[[f"X{end}", f"Y{end}"]].to_numpy() / 1000 for end in "12"}
    barriers = gpd.GeoSeries([GIRONDE_ESTUARY] if with_estuary else [], crs=4326).to_crs(2154)
    communes = read_communes(folder)
    nearest = {end: cKDTree(communes[["x_km", "y_km"]]).query(xy[end])[1] for end in "12"}
    straight = np.hypot(*(xy["1"] - xy["2"]).T)
    found = pd.DataFrame(
        {
            "place_a": communes["code"].to_numpy()[nearest["1"]],
            "place_b": communes["code"].to_numpy()[nearest["2"]],
            "density_a": communes["density_hab_km2"].to_numpy()[nearest["1"]],
            "density_b": communes["density_hab_km2"].to_numpy()[nearest["2"]],
            "distance_km": distance_km(*xy["1"].T, *xy["2"].T, barriers),
            "road_km": pairs["Dist_km"],
            "minutes": pairs["HC"].astype(float),
        }
    )
    return found[straight <= LONGEST_KM].reset_index(drop=True)


def distance_km(
    from_x_km: Floats, from_y_km: Floats, to_x_km: Floats, to_y_km: Floats, barriers: gpd.GeoSeries
) -> Floats:
    """Return distances as the crow flies, by the nearer end of each barrier that the straight line meets.

    Where several barriers are met, the longest of these ways round is kept.
    """
    straight = np.hypot(from_x_km - to_x_km, from_y_km - to_y_km)
    longest = straight
    for barrier in barriers:
        path = np.asarray(barrier.coords) / 1000
        around = np.full(straight.shape, np.inf)
        for x, y in (path[0], path[-1]):
            way = np.hypot(from_x_km - x, from_y_km - y) + np.hypot(to_x_km - x, to_y_km - y)
            around = np.minimum(around, way)
        met = _meets(from_x_km, from_y_km, to_x_km, to_y_km, path)
        longest = np.where(met, np.maximum(longest, around), longest)
    return longest


def _meets(ax: Floats, ay: Floats, bx: Floats, by: Floats, path: Floats) -> NDArray[np.bool_]:
    """Say of each segment a-b whether it crosses a broken line, by the sides on which ends lie."""
    met = np.zeros(np.broadcast_shapes(ax.shape, bx.shape), dtype=bool)
    for (cx, cy), (dx, dy) in pairwise(path):
        side_a = (dx - cx) * (ay - cy) - (dy - cy) * (ax - cx)
        side_b = (dx - cx) * (by - cy) - (dy - cy) * (bx - cx)
        side_c = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
        side_d = (bx - ax) * (dy - ay) - (by - ay) * (dx - ax)
        met |= (side_a * side_b < 0) & (side_c * side_d < 0)
    return met


def read_isere(folder: Path) -> pd.DataFrame:
    """Read the OSRM matrix as one row per directed pair of communes."""
    matrix = pd.read_csv(folder / "traveltimes" / "isere_osrm_matrix.csv", dtype={"id": str}).set_index("id")
    communes = gpd.read_file(folder / "traveltimes" / "isere_communes.geojson").set_index("id")
    points = gpd.GeoSeries(gpd.points_from_xy(communes["lon"], communes["lat"]), crs=4326).to_crs(2154)
    area_km2 = communes.geometry.to_crs(2154).area.to_numpy() / 1e6
    density = communes["population"].to_numpy() / area_km2
    codes = communes.index.to_numpy(dtype=object)
    minutes = matrix.loc[codes, codes].to_numpy() / 60
    x, y = points.x.to_numpy() / 1000, points.y.to_numpy() / 1000
    a, b = np.nonzero(~np.eye(len(codes), dtype=bool))
    pairs = pd.DataFrame(
        {
            "place_a": codes[a],
            "place_b": codes[b],
            "density_a": density[a],
            "density_b": density[b],
            "distance_km": np.hypot(x[a] - x[b], y[a] - y[b]),
            "road_km": np.nan,
            "minutes": minutes[a, b],
        }
    )
    return pairs[pairs["distance_km"] <= LONGEST_KM].reset_index(drop=True)


def design(pairs: pd.DataFrame, felt: Callable[[Floats], Floats] = model.approach_share) -> np.ndarray:
    """Return start, distance, and what is felt by density at both ends: the columns of the two anchors."""
    share = felt(pairs["distance_km"].to_numpy())
    logs = [model.log_density(pairs[f"density_{end}"].to_numpy()) for end in "ab"]
    return np.column_stack(
        [
            np.ones(len(pairs)),
            pairs["distance_km"],
            2 * share,
            (logs[0] + logs[1]) * share,
            (logs[0] ** 2 + logs[1] ** 2) * share,
        ]
    )


def level_design(pairs: pd.DataFrame) -> np.ndarray:
    """Return the columns of the level of a source: those of the anchors, and what the streets of towns add."""
    # OSRM knows no traffic and no lights: what the streets of a town add is of the source too
    town = sum(np.maximum(model.log_density(pairs[f"density_{end}"].to_numpy()), 0.0) ** 2 for end in "ab")
    return np.column_stack([design(pairs), town * -np.expm1(-pairs["distance_km"] / model.STREETS_KM)])


def least_absolute(columns: np.ndarray, minutes: np.ndarray, near: np.ndarray | None = None) -> np.ndarray:
    """Return the weights of least absolute error, by least squares reweighted from a first guess until they settle."""
    found = np.linalg.lstsq(columns, minutes, rcond=None)[0] if near is None else near
    for _ in range(100):
        weighted = columns / np.maximum(np.abs(minutes - columns @ found), 0.1)[:, None]
        before, found = found, np.linalg.solve(weighted.T @ columns, weighted.T @ minutes)
        if np.abs(found - before).max() < 1e-4:
            break
    return found


def fit(columns: np.ndarray, minutes: np.ndarray, near: np.ndarray | None = None) -> np.ndarray:
    """Return the coefficients; a start below zero has no meaning and is left at zero."""
    found = least_absolute(columns, minutes, near)
    if found[0] < 0:
        found = np.concatenate([[0.0], least_absolute(columns[:, 1:], minutes, found[1:])])
    return found


def cross_validate(pairs: pd.DataFrame, fitted: np.ndarray) -> np.ndarray:
    """Return the level of the source at each pair, fitted without any pair of either commune's fold.

    Communes are dealt into ten folds, in the order of a hash of their code. The pairs between fold i and fold
    j (i = j included) are estimated by the model fitted on the pairs that have no end in i nor in j. Fits
    read the rows of `fitted` alone.
    """
    fold = folds(pairs)
    fold_a, fold_b = fold[pairs["place_a"]].to_numpy(), fold[pairs["place_b"]].to_numpy()
    columns, minutes = level_design(pairs), pairs["minutes"].to_numpy()
    whole = least_absolute(columns[fitted], minutes[fitted])
    estimated = np.full(len(pairs), np.nan)
    for i in range(FOLDS):
        for j in range(i, FOLDS):
            test = ((fold_a == i) & (fold_b == j)) | ((fold_a == j) & (fold_b == i))
            kept = fitted & ~np.isin(fold_a, [i, j]) & ~np.isin(fold_b, [i, j])
            estimated[test] = columns[test] @ least_absolute(columns[kept], minutes[kept], whole)
    return estimated


def folds(pairs: pd.DataFrame) -> pd.Series:
    """Return the fold of each commune, by code."""
    codes = np.unique(pairs[["place_a", "place_b"]].to_numpy(dtype=object))
    hashed = pd.util.hash_array(codes, categorize=False)
    return pd.Series(np.argsort(np.argsort(hashed)) % FOLDS, index=codes)


def errors_of(minutes: np.ndarray, estimated: np.ndarray) -> dict[str, float]:
    """Return the figures by which an estimate is judged."""
    error = estimated - minutes
    short = minutes <= 45
    return {
        "mean_absolute_error_min": float(np.abs(error).mean()),
        "mean_absolute_error_under_45_min": float(np.abs(error[short]).mean()),
        "bias_min": float(error.mean()),
        "bias_under_45_min": float(error[short].mean()),
        "within_5_min_share": float((np.abs(error) <= 5).mean()),
        "pairs": float(len(error)),
    }


def fit_doubt(judged: dict[str, pd.DataFrame]) -> dict[str, float]:
    """Return the curve of doubt whose coverage, over places, under and over 45 min, stays farthest inside `COVERED`."""
    bands = []
    for table in judged.values():
        minutes, estimated = table["minutes"].to_numpy(), table["estimated"].to_numpy()
        error = np.abs(estimated - minutes)
        bands += [(error[band], estimated[band]) for band in (minutes <= 45, minutes > 45)]
    best, curve = -np.inf, {}
    for reach in np.arange(36.0, 56.1, 2.0):
        grown = [np.minimum(estimated / reach, 1.0) ** model.DOUBT_POWER for _, estimated in bands]
        for fixed in np.arange(0.5, 2.01, 0.25):
            for most in np.arange(10.0, 12.01, 0.1):
                inside = np.inf
                for (error, _), part in zip(bands, grown, strict=True):
                    covered = (error <= fixed + (most - fixed) * part).mean()
                    inside = min(inside, covered - COVERED[0], COVERED[1] - covered)
                if inside > best:
                    best = inside
                    curve = {"fixed_min": float(fixed), "most_min": float(most), "reach_min": float(reach)}
    return curve


def fit_more_doubt(france: pd.DataFrame, curve: dict[str, float]) -> dict[str, float]:
    """Return the curve raised until it holds 75 % of the times of a terrain in nine départements out of ten.

    Under 45 min: without a slowness, long trips of the mountains are wrong whatever the doubt.
    """
    short = france[france["minutes"] <= 45]
    grown = np.minimum(short["as_mixed"] / curve["reach_min"], 1.0) ** model.DOUBT_POWER
    half = curve["fixed_min"] + (curve["most_min"] - curve["fixed_min"]) * grown
    over = (short["as_mixed"] - short["minutes"]).abs() - half
    of_each = over.groupby(short["departement"]).quantile(COVERED[0])
    # to know less is never to doubt less
    more = max(float(of_each.quantile(0.9)), 0.0)
    return curve | {name: curve[name] + more for name in ("fixed_min", "most_min")}


def draw_triples(pairs: pd.DataFrame, estimated: str) -> pd.DataFrame:
    """Draw triples of communes o, A, B of a full matrix, half of them with A near B, and the error on A - B."""
    rng = np.random.default_rng(20240501)
    fold = folds(pairs)
    codes = fold.index
    shape = (len(codes), len(codes))
    row, column = codes.get_indexer(pairs["place_a"]), codes.get_indexer(pairs["place_b"])
    tables = {}
    for name in ("minutes", estimated, "distance_km"):
        tables[name] = np.full(shape, np.nan)
        tables[name][row, column] = pairs[name]
    nearest = np.argsort(np.nan_to_num(tables["distance_km"], nan=np.inf), axis=1)[:, :40]
    o, a, b = rng.integers(0, len(codes), (3, 400_000))
    b[::2] = nearest[a[::2], rng.integers(0, 40, len(a[::2]))]
    seen, guess = tables["minutes"], tables[estimated]
    triples = pd.DataFrame(
        {
            "a_min": guess[o, a],
            "b_min": guess[o, b],
            "between_min": guess[a, b],
            "error_min": np.abs((guess[o, a] - guess[o, b]) - (seen[o, a] - seen[o, b])),
            "half": (np.stack([fold.to_numpy()[each] for each in (o, a, b)]) < FOLDS // 2).sum(axis=0),
        }
    )
    return triples.dropna()


def fit_difference(triples: pd.DataFrame) -> dict[str, float]:
    """Return the doubt on a difference over the root of the time between A and B: roads apart, and roads in line.

    A straight line through its quantiles by band of |a - b| / between (0: apart, 1: one is on the way to the other),
    each a mean over bands of the time between.
    """
    line = ((triples["a_min"] - triples["b_min"]).abs() / triples["between_min"]).clip(upper=1.0)
    bands = [
        pd.cut(triples["between_min"], [0, 5, 10, 15, 20, 30, 45, 60, 90]),
        pd.cut(line, LINE_BANDS, include_lowest=True),
    ]
    ratio = triples["error_min"] / np.sqrt(triples["between_min"])
    by_line = ratio.groupby(bands, observed=True).quantile(COVERAGE).groupby(level=1, observed=True).mean()
    centre = np.array([band.mid for band in by_line.index])
    slope, apart = np.polyfit(
        centre, by_line.to_numpy(), 1, w=np.sqrt(line.groupby(bands[1], observed=True).size())
    )
    return {"difference_root_min": float(apart), "difference_line_root_min": float(apart + slope)}


def fit_error_parts(pairs: pd.DataFrame, estimated: str, known: str, epci: pd.Series) -> dict[str, float]:
    """Return the shares of the variance of an error, over its doubt: of a territory, of its ends, of the way in.

    A territory is what lies within 45 minutes of a commune, each in turn. Shares are mean products of the errors of two
    pairs that have nothing in common but the territory, one commune, one site, or one site and the EPCI of departure.
    The level of the source is left in: it is an error of the territory.
    """
    codes = folds(pairs).index
    row, column = codes.get_indexer(pairs["place_a"]), codes.get_indexer(pairs["place_b"])
    minutes = np.full((len(codes), len(codes)), np.nan)
    minutes[row, column] = pairs[estimated]
    doubt = model.doubt_min(pairs[estimated].to_numpy(), np.full(len(pairs), float(known == "measured")))
    errors = np.full_like(minutes, np.nan)
    errors[row, column] = (pairs["minutes"] - pairs[estimated]) / doubt
    numbers, names = pd.factorize(epci.reindex(codes))
    sums, counts = np.zeros(5), np.zeros(5)
    for site in range(len(codes)):
        near = np.flatnonzero(minutes[:, site] <= AREA_MIN)
        inside = errors[np.ix_(near, near)]
        of_epci = np.eye(len(names))[numbers[near]].T
        for found, table in ((sums, np.nan_to_num(inside)), (counts, np.isfinite(inside).astype(float))):
            by_commune, by_site = table.sum(axis=1), table.sum(axis=0)
            same, back = (table**2).sum(), (table * table.T).sum()
            way_in = ((of_epci @ table) ** 2).sum() - same
            to_site = (by_site**2).sum() - same - way_in
            from_commune = (by_commune**2).sum() - same
            either = 2 * ((by_commune * by_site).sum() - back) + back
            apart = table.sum() ** 2 - same - way_in - to_site - from_commune - either
            found += np.array([same, apart, from_commune, to_site, way_in])
    same, apart, from_commune, to_site, way_in = sums / counts
    return {
        "territory_share": apart / same,
        "commune_share": (from_commune - apart) / same,
        "site_share": (to_site - apart) / same,
        "arrival_share": (way_in - to_site) / same,
    }


def read_france(folder: Path) -> gpd.GeoDataFrame:
    """Read the mairie, density and published minutes of every metropolitan commune; a mairie far off is replaced."""
    mairies = pd.read_csv(
        folder / "boundaries" / "mairies.csv", dtype={"commune_code": str, "epci_code": str}
    )
    mairies = mairies[~mairies["commune_code"].str.startswith(("97", "98"))].set_index("commune_code")
    asked = gpd.GeoSeries(
        gpd.points_from_xy(mairies["mairie_longitude"], mairies["mairie_latitude"]), mairies.index, crs=4326
    ).to_crs(2154)
    inside = gpd.GeoSeries(
        gpd.points_from_xy(mairies["inside_longitude"], mairies["inside_latitude"]), mairies.index, crs=4326
    ).to_crs(2154)
    known = read_communes(folder).set_index("code")
    # an error of the file: out of its commune by more than its width (a disc of its area), or by 20 km
    apart_km = asked.distance(inside) / 1000
    width_km = 2 * np.sqrt(known["area_km2"].reindex(mairies.index) / np.pi)
    out = mairies["mairie_inside_outline"].astype(str).eq("False") & (apart_km > width_km)
    far = (out | ~(apart_km <= FARTHEST_KM)) & mairies["inside_longitude"].notna()
    print(f"mairies absentes ou loin de leur commune, remplacées par un point intérieur : {int(far.sum())}")
    points = asked.where(~far, inside)
    minutes = pd.read_csv(
        folder / "traveltimes" / "communes_to_emergency_drees_2019.csv", dtype={"commune_code": str}
    ).set_index("commune_code")["minutes_to_su_smur_2019"]
    france = gpd.GeoDataFrame(
        {
            "name": mairies["name"],
            "epci_code": mairies["epci_code"].fillna(pd.Series(mairies.index, mairies.index)),
            "density_hab_km2": known["density_hab_km2"].reindex(mairies.index),
            "to_paris_min": known["to_paris_min"].reindex(mairies.index),
            "x_km": known["x_km"].reindex(mairies.index),
            "y_km": known["y_km"].reindex(mairies.index),
            "emergency_min": minutes.reindex(mairies.index),
        },
        geometry=points,
    )
    france["is_replaced"] = far
    # the file gives their districts, not the towns: all three have several emergency services
    france.loc[["75056", "69123", "13055"], "emergency_min"] = 0.0
    return france[np.isfinite(france.geometry.x)]


def held_out_min(trips: slow.Trips, block: pd.Series[str]) -> pd.Series[float]:
    """Return the time of each trip by the slowness of the other blocks alone (minutes)."""
    minutes = np.full(len(trips.ids), np.nan)
    for rows, around in slow.cells_of(trips, block.reindex(trips.ids).fillna("").to_numpy(dtype=object)):
        minutes[rows] = trips.median_min[rows] + trips.effect_min[rows] * slow.krige(trips, rows, around)[0]
    return pd.Series(minutes, index=trips.ids)


def fit_level(france: gpd.GeoDataFrame, cruise: float) -> np.ndarray:
    """Return start, approach (2) and streets fitted on the times to the nearest service, all slownesses at 0."""
    seen = france["emergency_min"].to_numpy(dtype=float)
    at_km = np.column_stack([france.geometry.x, france.geometry.y]) / 1000
    logs = model.log_density(france["density_hab_km2"].fillna(model.DEFAULT_DENSITY_HAB_KM2).to_numpy())
    sites = np.flatnonzero(seen == 0)
    distance, place = cKDTree(at_km[sites]).query(at_km, slow.NEAREST)
    distance, to = np.maximum(distance, model.MINIMUM_DISTANCE_KM), sites[place]
    leaving = -np.expm1(-distance / model.START_KM)
    local, streets = model.approach_share(distance), -np.expm1(-distance / model.STREETS_KM)
    both = logs[:, None] + logs[to]
    town = np.maximum(logs, 0)[:, None] ** 2 + np.maximum(logs, 0)[to] ** 2
    columns = np.stack([leaving, 2 * local, both * local, town * streets], axis=-1)
    used, row = seen > 0, np.arange(len(seen))
    weights = np.array([2.0, 9.0, 0.0, 0.0])
    for _ in range(8):
        best = (cruise * distance + columns @ weights).argmin(axis=1)
        left = seen - cruise * distance[row, best]
        weights = least_absolute(columns[row, best][used], left[used], weights)
    return weights


def measure(folder: Path) -> list[Row]:
    """Return the rows of the table of numbers, those of the errors included; print every bar."""
    pairs = {"plain": read_gironde(folder), "mountain": read_isere(folder)}
    one_way = (pairs["mountain"]["place_a"] < pairs["mountain"]["place_b"]).to_numpy()
    kept = {"plain": np.ones(len(pairs["plain"]), dtype=bool), "mountain": one_way}
    roads, slowed = (
        {
            name: fit(design(t, felt)[kept[name]], t["minutes"].to_numpy()[kept[name]])
            for name, t in pairs.items()
        }
        for felt in (model.approach_share, model.slowness_share)
    )
    cruise = float((roads["plain"][1] + roads["mountain"][1]) / 2)
    france = read_france(folder)
    start, approach, by_log, streets = fit_level(france, cruise)
    found = [start, cruise, approach, by_log, streets, *(slowed["mountain"] - slowed["plain"])[2:]]
    units = ("min", "min/km", *("min",) * 6)
    rows = [
        _row("coefficient", "all", field.name, value, unit, DREES)
        for field, unit, value in zip(fields(model.Coefficients), units, found, strict=True)
    ]
    rows.append(_row("distance", "all", "detour", _detour(pairs["plain"]), "1", ("OSRM, Gironde", 2020)))
    _use(rows)
    france["slowness"] = slow.fit_slowness(france)
    terrains = {
        "plain": france.loc[france.index.str[:2] == "33", "slowness"].median(),
        "mixed": 0.0,
        "mountain": france.loc[france.index.str[:2] == "38", "slowness"].quantile(0.9),
    }
    rows += [_row("slowness", name, "slowness", value, "1", DREES) for name, value in terrains.items()]
    trips = slow.nearest_trips(france)
    drees = pd.DataFrame(
        {
            "minutes": trips.seen_min,
            "estimated": held_out_min(trips, france["epci_code"]).to_numpy(),
            "as_mixed": trips.median_min,
            "departement": france.index.str[:2],
            "epci": france["epci_code"].to_numpy(),
        },
        index=france.index,
    )
    drees = drees[drees["minutes"] > 0]
    pairs["plain without estuary"] = read_gironde(folder, with_estuary=False)
    for name, table in pairs.items():
        _estimate(table, france["slowness"])
        table["raw"], table["raw_as_mixed"] = table["estimated"], table["as_mixed"]
        for column in ("estimated", "as_mixed"):
            level = table.assign(minutes=table["minutes"] - table[column])
            table[column] += cross_validate(level, kept.get(name, np.ones(len(table), dtype=bool)))
    judged = {
        "France": drees,
        "Var": drees[drees["departement"] == "83"],
        "Isère": pairs["mountain"],
        "Gironde": pairs["plain"],
    }
    # the Var is judged by a doubt fitted elsewhere
    elsewhere = {name: table for name, table in judged.items() if name != "Var"}
    elsewhere["France"] = drees[drees["departement"] != "83"]
    elsewhere["Isère"] = pairs["mountain"].sample(60_000, random_state=1)
    curve = fit_doubt(elsewhere)
    curves = {"measured": curve, "terrain": fit_more_doubt(elsewhere["France"], curve)}
    for known, column in (("measured", "estimated"), ("terrain", "as_mixed")):
        rows += [_row("doubt", known, name, value, "min", DREES) for name, value in curves[known].items()]
        roots = fit_difference(draw_triples(pairs["mountain"], column))
        rows += [_row("doubt", known, name, value, "min^0.5", OSRM) for name, value in roots.items()]
    _use(rows)
    for known, column in (("measured", "raw"), ("terrain", "raw_as_mixed")):
        shares = fit_error_parts(pairs["mountain"], column, known, france["epci_code"])
        shares["new_site_share"] = NEW_SITE_SHARE
        rows += [_row("error_part", known, name, value, "1", OSRM) for name, value in shares.items()]
    for place, table in (*judged.items(), ("Gironde sans estuaire", pairs["plain without estuary"])):
        for name, value in errors_of(table["minutes"].to_numpy(), table["estimated"].to_numpy()).items():
            rows.append(_row("held_out", place, name, value, "min" if name.endswith("_min") else "1", DREES))
        covered = np.abs(table["estimated"] - table["minutes"]) <= model.doubt_min(
            table["estimated"].to_numpy(), np.ones(len(table))
        )
        for name, band in (("under", table["minutes"] <= 45), ("over", table["minutes"] > 45)):
            value = float(covered[band].mean())
            rows.append(_row("held_out", place, f"covered_{name}_45_min_share", value, "1", DREES))
    long = drees[drees["minutes"] > 45]
    bias = float((long["estimated"] - long["minutes"]).mean())
    rows.append(_row("held_out", "France", "bias_over_45_min", bias, "min", DREES))
    var = judged["Var"]
    by_epci = (var["estimated"] - var["minutes"]).groupby(var["epci"]).agg(["mean", "size"])
    print(by_epci.round(1).to_string())
    rows.append(_row("held_out", "Var", "pairs_below_bound_share", below_bound(france), "1", OSRM))
    for place, table in pairs.items():
        off = table["raw"] - table["minutes"]
        print(
            f"niveau, {place} : {off.mean():+.2f} min, {off[table['minutes'] <= 45].mean():+.2f} sous 45 min"
        )
    return rows


def _estimate(table: pd.DataFrame, slowness: pd.Series) -> None:
    """Add the times of pairs by the model, with the slowness of their ends and without any."""
    median, *effects = model.trip_parts_min(
        np.maximum(table["distance_km"].to_numpy(), model.MINIMUM_DISTANCE_KM),
        table["density_a"].to_numpy(),
        table["density_b"].to_numpy(),
    )
    both = [slowness.reindex(table[f"place_{end}"]).fillna(0).to_numpy() for end in "ab"]
    table["estimated"], table["as_mixed"] = median + effects[0] * both[0] + effects[1] * both[1], median


def below_bound(france: gpd.GeoDataFrame) -> float:
    """Return the share of the pairs of the Var under 60 min that are below the bound of the times to Paris."""
    # Hyères has its point on an island in the file of times to Paris
    var = france[(france.index.str[:2] == "83") & (france.index != "83069")]
    a, b = np.triu_indices(len(var), 1)
    x, y, paris = var["x_km"].to_numpy(), var["y_km"].to_numpy(), var["to_paris_min"].to_numpy()
    density, slowness = var["density_hab_km2"].to_numpy(), var["slowness"].to_numpy()
    distance = np.maximum(np.hypot(x[a] - x[b], y[a] - y[b]), model.MINIMUM_DISTANCE_KM)
    median, from_a, from_b = model.trip_parts_min(distance, density[a], density[b])
    minutes = median + from_a * slowness[a] + from_b * slowness[b]
    below = minutes < np.abs(paris[a] - paris[b])
    at_km = np.column_stack([var.geometry.x, var.geometry.y]) / 1000
    off = np.hypot(x - at_km[:, 0], y - at_km[:, 1]) > OFF_KM
    kept = (minutes <= 60) & ~off[a] & ~off[b]
    print(f"points du fichier à plus de {OFF_KM:g} km de la mairie : {int(off.sum())} communes")
    print(f"sans elles, {100 * below[kept].mean():.1f} % des couples sont sous la borne")
    return float(below[minutes <= 60].mean())


def _use(rows: list[Row]) -> None:
    """Let the model read these numbers from now on."""
    table = pd.DataFrame(rows)
    for kept in (model.coefficients, model.slowness_of, model.doubt, model.detour):
        kept.cache_clear()
    model.calibration = lambda: table


def _row(kind: str, terrain: str, name: str, value: float, unit: str, source: tuple[str, int]) -> Row:
    """Return one row of the table, rounded to what the fit can tell."""
    return {
        "kind": kind,
        "terrain": terrain,
        "name": name,
        "value": round(float(value), 3),
        "unit": unit,
        "source": source[0],
        "year": source[1],
    }


def _detour(pairs: pd.DataFrame) -> float:
    """Return the median ratio of road distance to distance as the crow flies."""
    return float((pairs["road_km"] / pairs["distance_km"]).median())


def draw_slowness(path: Path) -> None:
    """Draw the embedded slowness of the communes of the Var, for the method page."""
    import matplotlib.pyplot as plt
    from matplotlib.colors import BoundaryNorm
    from matplotlib.patheffects import withStroke

    from territory.datasets import load_var

    var = load_var()
    shown = var.outlines.join(var.communes["slowness"])
    epci = shown.dissolve(var.communes["epci_code"].reindex(shown.index))
    figure, axes = plt.subplots(figsize=(8, 5.6), layout="constrained")
    bounds = [0.0, 0.25, 0.5, 0.75, 1.0, 1.25, 1.75]
    colours = plt.get_cmap("YlOrBr", len(bounds) - 1)
    shown.plot("slowness", ax=axes, cmap=colours, norm=BoundaryNorm(bounds, colours.N), ec="white", lw=0.3)
    epci.boundary.plot(ax=axes, color="#444444", lw=0.8)
    scale = plt.cm.ScalarMappable(BoundaryNorm(bounds, colours.N), colours)
    bar = figure.colorbar(scale, ax=axes, shrink=0.7, format=lambda value, _: f"{value:g}".replace(".", ","))
    bar.set_label("Lenteur des routes (0 : la commune médiane de France)")
    for code in ("83050", "83137", "83061", "83023", "83121", "83007", "83119", "83055", "83044"):
        point, name = var.communes.geometry[code], var.communes["name"][code]
        axes.plot(point.x, point.y, "o", color="black", ms=2.5)
        label = axes.annotate(name, (point.x, point.y), (4, 3), textcoords="offset points", fontsize=8)
        label.set_path_effects([withStroke(linewidth=2.5, foreground="white")])
    axes.set_axis_off()
    figure.savefig(path, dpi=110)


def main() -> None:
    parser = argparse.ArgumentParser(description="Fit the model of estimated travel times on real pairs.")
    parser.add_argument("--from", dest="folder", type=Path, metavar="DIR")
    parser.add_argument("--check", action="store_true", help="print the table, write nothing")
    parser.add_argument(
        "--map", type=Path, help="draw the embedded slowness of the Var there, and nothing else"
    )
    arguments = parser.parse_args()
    if arguments.map:
        draw_slowness(arguments.map)
        return
    table = pd.DataFrame(measure(arguments.folder))
    print(table.drop(columns=["source", "year"]).to_string(index=False))
    if not arguments.check:
        table.to_csv(OUTPUT, index=False, lineterminator="\n")
        print(f"written: {OUTPUT.name}")


if __name__ == "__main__":
    main()
