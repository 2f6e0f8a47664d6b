"""The slowness of communes, smooth in space, fitted on published road times to the nearest emergency service.

0 for the median French commune, 1 for as many more minutes as Isère takes over Gironde; never read from coordinates.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy.spatial import cKDTree

from territory.errors import NetworkError, Problems
from territory.network import estimate_model as model

if TYPE_CHECKING:
    import geopandas as gpd
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

# what two slownesses have in common: by their distance, and whatever it is (chosen on held-out EPCI, docs/method)
RANGE_KM, LOCAL_VARIANCE, COMMON_VARIANCE = 40.0, 0.1, 0.2
# what a trip tells less well: minutes that are its own, and a part of slowness that is its road's
TRIP_NOISE_MIN, TRIP_VARIANCE = 5.0, 0.1
# a trip outside these bounds is an error of a point, or a ferry
TRIP_BOUNDS = (-1.5, 4.0)
# destinations tried for each commune, and trips that tell of a cell of communes: those around it
NEAREST, AROUND_KM, MOST_TRIPS, CELL_KM = 10, 45.0, 300, 25.0
FEWEST_TRIPS = 30


@dataclass(frozen=True)
class Trips:
    """A trip a commune, to the nearest by the model: its ends, the median time, and minutes by unit of slowness."""

    ids: pd.Index[str]
    from_km: Floats
    to_km: Floats
    median_min: Floats
    effect_min: Floats
    seen_min: Floats

    @property
    def asked(self) -> Floats:
        """Return the slowness that each real time asks for, NaN at a destination and where the time is unknown."""
        with np.errstate(invalid="ignore", divide="ignore"):
            found = np.clip((self.seen_min - self.median_min) / self.effect_min, *TRIP_BOUNDS)
        return np.where(self.seen_min > 0, found, np.nan)

    @property
    def noise(self) -> Floats:
        """Return the variance of what is the trip's own."""
        return (TRIP_NOISE_MIN / np.maximum(self.effect_min, 1.0)) ** 2 + TRIP_VARIANCE


def fit_slowness(communes: gpd.GeoDataFrame) -> pd.Series[float]:
    """Return the slowness of communes (no unit), from the real time of each to its nearest emergency service.

    `communes` are points (the chef-lieu) of all those of a territory and of some 45 km around it, by commune code,
    with `density_hab_km2` (100 where it is missing) and `emergency_min` (0 where there is a service, NaN where
    unknown). Kriging (Matheron, 1963) of the slowness that the trips ask for: two ends d km apart have 0.2 + 0.1
    exp(-d / 40) in common, a trip has the mean of its two ends and a part of its own, larger for short trips. Errors
    on held-out EPCI are in docs/method/travel-times-estimate.md.
    """
    trips = nearest_trips(communes)
    found = np.concatenate([_krige(trips, rows, around)[1] for rows, around in _cells(trips)])
    rows = np.concatenate([rows for rows, _ in _cells(trips)])
    slowness = np.empty(len(trips.ids))
    slowness[rows] = np.clip(found, *model.SLOWNESS_BOUNDS)
    return pd.Series(slowness, index=communes.index, name="slowness")


def held_out_min(trips: Trips, block: pd.Series[str]) -> pd.Series[float]:
    """Return the time of each trip by the slowness of the other blocks alone (minutes)."""
    minutes = np.full(len(trips.ids), np.nan)
    for rows, around in _cells(trips, block.reindex(trips.ids).fillna("").to_numpy(dtype=object)):
        minutes[rows] = trips.median_min[rows] + trips.effect_min[rows] * _krige(trips, rows, around)[0]
    return pd.Series(minutes, index=trips.ids)


def nearest_trips(communes: gpd.GeoDataFrame) -> Trips:
    """Return the trip of each commune to the destination that is nearest by the model, or all that is wrong."""
    _check(communes)
    seen = communes["emergency_min"].to_numpy(dtype=float, na_value=np.nan)
    points = communes.geometry.to_crs(2154)
    at_km = np.column_stack([points.x, points.y]) / 1000.0
    density = communes["density_hab_km2"].fillna(model.DEFAULT_DENSITY_HAB_KM2).to_numpy(dtype=float)
    sites = np.flatnonzero(seen == 0)
    tried = min(NEAREST, len(sites))
    distance, place = (
        np.asarray(found).reshape(-1, tried) for found in cKDTree(at_km[sites]).query(at_km, tried)
    )
    distance, to = np.maximum(distance, model.MINIMUM_DISTANCE_KM), sites[place]
    median, effect = model.trip_parts_min(distance, density[:, None], density[to])
    best = median.argmin(axis=1)
    row = np.arange(len(communes))
    return Trips(
        pd.Index(communes.index), at_km, at_km[to[row, best]], median[row, best], effect[row, best], seen
    )


def _check(communes: gpd.GeoDataFrame) -> None:
    """Collect what makes times to emergency services unusable."""
    problems = Problems("Temps publiés aux urgences", NetworkError)
    missing = [name for name in ("density_hab_km2", "emergency_min") if name not in communes]
    if missing:
        problems.add(f"colonne absente : {', '.join(missing)}")
        problems.raise_if_any()
    minutes = communes["emergency_min"]
    wrong = minutes.notna() & ~minutes.between(0, 600)
    problems.count(minutes.index[wrong], "temps négatif(s) ou de plus de dix heures")
    if not (minutes == 0).any():
        problems.add("aucune commune à 0 minute : on ne sait pas où sont les services")
    if int((minutes > 0).sum()) < FEWEST_TRIPS:
        problems.add(f"{int((minutes > 0).sum())} temps connus : il en faut au moins {FEWEST_TRIPS}")
    problems.raise_if_any()


def _cells(trips: Trips, block: NDArray[np.object_] | None = None) -> Iterator[tuple[Ints, NDArray[np.intp]]]:
    """Yield communes that are near one another, and the known trips that tell of them, those of a block left out."""
    known = np.flatnonzero(~np.isnan(trips.asked))
    tree = cKDTree(trips.from_km[known])
    cells = block if block is not None else np.floor(trips.from_km / CELL_KM) @ (1.0, 1e4)
    for group in pd.Series(np.arange(len(cells))).groupby(cells).indices.values():
        rows = np.asarray(group, dtype=np.int64)
        centre = trips.from_km[rows].mean(axis=0)
        reach = np.hypot(*(trips.from_km[rows] - centre).T).max() + AROUND_KM
        around = known[np.array(tree.query_ball_point(centre, reach), dtype=np.int64)]
        around = around if block is None else around[block[around] != block[rows[0]]]
        if len(around) < FEWEST_TRIPS:
            around = known if block is None else known[block[known] != block[rows[0]]]
        apart = cKDTree(trips.from_km[rows]).query(trips.from_km[around])[0]
        nearest = np.argsort(apart, kind="stable")[: max(MOST_TRIPS, 2 * len(rows))]
        yield rows, around[nearest]


def _krige(trips: Trips, rows: Ints, around: NDArray[np.intp]) -> tuple[Floats, Floats]:
    """Return the slowness of the trips of some communes, and of the communes, from the trips around."""
    ends = [
        np.concatenate([trips.from_km[rows], trips.from_km[rows], trips.from_km[around]]),
        np.concatenate([trips.to_km[rows], trips.from_km[rows], trips.to_km[around]]),
    ]
    told = slice(2 * len(rows), None)
    shared = np.full((len(ends[0]), len(around)), COMMON_VARIANCE)
    for one in ends:
        for other in ends:
            away = one[:, None] - other[None, told]
            shared += LOCAL_VARIANCE / 4 * np.exp(-np.hypot(away[..., 0], away[..., 1]) / RANGE_KM)
    weights = np.linalg.solve(shared[told] + np.diag(trips.noise[around]), trips.asked[around])
    found = shared[: 2 * len(rows)] @ weights
    return found[: len(rows)], found[len(rows) :]
