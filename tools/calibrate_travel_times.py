"""Fit the model of estimated travel times on real pairs, measure its error, rewrite its table of numbers.

    python tools/calibrate_travel_times.py --from DIR [--check]

DIR/traveltimes holds gironde_metric.dbf, gironde_osrm.csv, isere_osrm_matrix.csv, isere_communes.geojson and
communes_to_paris_osrm.csv. With --check the table is printed and nothing is written.
"""

from __future__ import annotations

import argparse
from dataclasses import fields
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from scipy.spatial import cKDTree

from territory.network import estimate_model as model
from territory.network.estimate_model import barrier_paths_km, distance_km

OUTPUT = Path(__file__).parents[1] / "src" / "territory" / "network" / model.CALIBRATION
LONGEST_KM = 100.0
FOLDS = 10
COVERAGE = 0.8

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
METRIC = ("INSEE METRIC, Gironde, heures creuses", 2020)
OSRM = ("OSRM, Isère", 2021)
BOTH = ("METRIC Gironde et OSRM Isère", 2021)
SOURCES = {"plain": METRIC, "mixed": BOTH, "mountain": OSRM}
Row = dict[str, object]


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
    barriers = gpd.GeoSeries([GIRONDE_ESTUARY], crs=4326) if with_estuary else None
    communes = read_communes(folder)
    nearest = {end: cKDTree(communes[["x_km", "y_km"]]).query(xy[end])[1] for end in "12"}
    straight = np.hypot(*(xy["1"] - xy["2"]).T)
    found = pd.DataFrame(
        {
            "place_a": communes["code"].to_numpy()[nearest["1"]],
            "place_b": communes["code"].to_numpy()[nearest["2"]],
            "density_a": communes["density_hab_km2"].to_numpy()[nearest["1"]],
            "density_b": communes["density_hab_km2"].to_numpy()[nearest["2"]],
            "distance_km": distance_km(*xy["1"].T, *xy["2"].T, barrier_paths_km(barriers, 2154)),
            "road_km": pairs["Dist_km"],
            "minutes": pairs["HC"].astype(float),
        }
    )
    return found[straight <= LONGEST_KM].reset_index(drop=True)


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


def design(pairs: pd.DataFrame) -> np.ndarray:
    """Return the columns whose weights are the coefficients, in the order of `Coefficients`."""
    share = model.approach_share(pairs["distance_km"].to_numpy())
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


def cross_validate(pairs: pd.DataFrame, fitted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the time of each pair by a model fitted without any pair of either commune's fold, and the fits.

    Communes are dealt into ten folds, in the order of a hash of their code. The pairs between fold i and fold
    j (i = j included) are estimated by the model fitted on the pairs that have no end in i nor in j. Fits
    read the rows of `fitted` alone.
    """
    fold = folds(pairs)
    fold_a, fold_b = fold[pairs["place_a"]].to_numpy(), fold[pairs["place_b"]].to_numpy()
    columns, minutes = design(pairs), pairs["minutes"].to_numpy()
    whole = fit(columns[fitted], minutes[fitted])
    estimated, fits = np.full(len(pairs), np.nan), []
    for i in range(FOLDS):
        for j in range(i, FOLDS):
            test = ((fold_a == i) & (fold_b == j)) | ((fold_a == j) & (fold_b == i))
            kept = fitted & ~np.isin(fold_a, [i, j]) & ~np.isin(fold_b, [i, j])
            fits.append(fit(columns[kept], minutes[kept], whole))
            estimated[test] = columns[test] @ fits[-1]
    return estimated, np.array(fits)


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


def doubt_by_band(minutes: np.ndarray, estimated: np.ndarray) -> pd.Series:
    """Return the 80 % quantile of absolute errors by band of ten minutes of estimated time, by band centre."""
    centre = estimated // 10 * 10 + 5
    by_band = pd.Series(np.abs(estimated - minutes)).groupby(centre)
    return by_band.quantile(COVERAGE)[by_band.size() >= 50]


def fit_doubt(bands: pd.Series) -> dict[str, float]:
    """Return the straight line through the doubts of the bands."""
    share, fixed = np.polyfit(bands.index.to_numpy(dtype=float), bands.to_numpy(), 1)
    return {"fixed_min": float(fixed), "share": float(share)}


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


def fit_difference(triples: pd.DataFrame) -> float:
    """Return the doubt on a difference over the root of the time between A and B, as a mean over bands of it."""
    band = pd.cut(triples["between_min"], [0, 5, 10, 15, 20, 30, 45, 60, 90])
    ratio = triples["error_min"] / np.sqrt(triples["between_min"])
    return float(ratio.groupby(band, observed=True).quantile(COVERAGE).mean())


def measure(folder: Path) -> tuple[list[Row], dict[str, pd.DataFrame]]:
    """Return the rows of the table of numbers, and the pairs with their cross-validated times."""
    rows: list[Row] = []
    pairs = {"plain": read_gironde(folder), "mountain": read_isere(folder)}
    fitted = {
        "plain": np.ones(len(pairs["plain"]), dtype=bool),
        # one way of each pair, to halve the work: both ways are judged
        "mountain": (pairs["mountain"]["place_a"] < pairs["mountain"]["place_b"]).to_numpy(),
    }
    whole = {}
    for terrain, table in pairs.items():
        columns, minutes = design(table)[fitted[terrain]], table["minutes"].to_numpy()[fitted[terrain]]
        whole[terrain] = fit(columns, minutes)
        table["estimated"], fits = cross_validate(table, fitted[terrain])
        units = ("min", "min/km", "min", "min", "min")
        for field, unit, value, spread in zip(
            fields(model.Coefficients), units, whole[terrain], fits.std(axis=0), strict=True
        ):
            rows.append(_row("coefficient", terrain, field.name, value, unit, spread))
    for terrain, other in (("plain", "mountain"), ("mountain", "plain")):
        by_other = design(pairs[terrain]) @ whole[other]
        pairs[terrain]["as_mixed"] = (pairs[terrain]["estimated"] + by_other) / 2
    rows += _doubt_rows(pairs)
    rows.append(
        _row("distance", "all", "detour", _detour(pairs["plain"]), "1", source=("OSRM, Gironde", 2020))
    )
    rows += _error_rows(pairs, folder)
    return rows, pairs


def _row(
    kind: str,
    terrain: str,
    name: str,
    value: float,
    unit: str,
    error: float = np.nan,
    source: tuple[str, int] | None = None,
) -> Row:
    """Return one row of the table, rounded to what the fit can tell."""
    producer, year = source or SOURCES[terrain]
    return {
        "kind": kind,
        "terrain": terrain,
        "name": name,
        "value": round(value, 3),
        "error": round(error, 3),
        "unit": unit,
        "source": producer,
        "year": year,
    }


def _detour(pairs: pd.DataFrame) -> float:
    """Return the median ratio of road distance to distance as the crow flies."""
    return float((pairs["road_km"] / pairs["distance_km"]).median())


def _doubt_rows(pairs: dict[str, pd.DataFrame]) -> list[Row]:
    """Return the doubt on one time and on a difference, by terrain."""
    bands = {
        (terrain, column): doubt_by_band(table["minutes"].to_numpy(), table[column].to_numpy())
        for terrain, table in pairs.items()
        for column in ("estimated", "as_mixed")
    }
    mixed = (bands["plain", "as_mixed"] + bands["mountain", "as_mixed"]).dropna() / 2
    difference = {
        column: fit_difference(draw_triples(pairs["mountain"], column))
        for column in ("estimated", "as_mixed")
    }
    rows = []
    for terrain, doubts, column in (
        ("plain", bands["plain", "estimated"], "estimated"),
        ("mixed", mixed, "as_mixed"),
        ("mountain", bands["mountain", "estimated"], "estimated"),
    ):
        line = fit_doubt(doubts)
        rows.append(_row("doubt", terrain, "fixed_min", line["fixed_min"], "min"))
        rows.append(_row("doubt", terrain, "share", line["share"], "1"))
        # Gironde has no two pairs with a common end: Isère's triples stand for it
        rows.append(_row("doubt", terrain, "difference_root_min", difference[column], "min^0.5", source=OSRM))
    return rows


def _error_rows(pairs: dict[str, pd.DataFrame], folder: Path) -> list[Row]:
    """Return the cross-validated errors, also without the estuary and with the terrain unknown."""
    without = read_gironde(folder, with_estuary=False)
    without["estimated"], _ = cross_validate(without, np.ones(len(without), dtype=bool))
    judged = [
        ("cross_validation", "plain", pairs["plain"], "estimated"),
        ("cross_validation", "mountain", pairs["mountain"], "estimated"),
        ("cross_validation_without_estuary", "plain", without, "estimated"),
        ("cross_validation_called_mixed", "plain", pairs["plain"], "as_mixed"),
        ("cross_validation_called_mixed", "mountain", pairs["mountain"], "as_mixed"),
    ]
    rows = []
    for kind, terrain, table, column in judged:
        for name, value in errors_of(table["minutes"].to_numpy(), table[column].to_numpy()).items():
            unit = "min" if name.endswith("_min") else "1"
            rows.append(_row(kind, terrain, name, value, unit))
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description="Fit the model of estimated travel times on real pairs.")
    parser.add_argument("--from", dest="folder", type=Path, required=True, metavar="DIR")
    parser.add_argument("--check", action="store_true", help="print the table, write nothing")
    arguments = parser.parse_args()
    rows, _ = measure(arguments.folder)
    table = pd.DataFrame(rows)
    print(table.drop(columns=["source", "year"]).to_string(index=False))
    if not arguments.check:
        table.to_csv(OUTPUT, index=False, lineterminator="\n")
        print(f"written: {OUTPUT.name}")


if __name__ == "__main__":
    main()
