"""Travel times without a road map: a calibrated model of distance, density and terrain, with its doubt."""

from collections.abc import Iterator
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.spatial import cKDTree

from territory.errors import NetworkError, ParameterError, Problems, agree, counted, refuse, warn
from territory.network import estimate_model as model
from territory.network.estimate_model import DEFAULT_AREA_KM2, Places, read_places
from territory.network.graph.arrays import Floats, Ints

# pairs computed at once: a few arrays of this length stay in the processor's cache
_BLOCK_PAIRS = 250_000


def estimate_travel_times(
    origins: gpd.GeoDataFrame,
    destinations: gpd.GeoDataFrame,
    *,
    terrain: str | None = None,
    max_time_min: float | None = None,
) -> pd.DataFrame:
    """Estimate off-peak driving times from distance as the crow flies, density at both ends, and terrain.

    Without a road map: the same both ways, growing with distance, and whatever the other rows.

    Parameters
    ----------
    origins, destinations : GeoDataFrame
        Points in one French territory. Columns read when present: `slowness` (of the commune, from
        `network.estimate.fit_slowness`; 0 is the median French commune), `terrain` (where it is unknown),
        `density_hab_km2` (of the commune; 100 where it is missing, read within 5 to 5,000), `commune_code` (the
        index otherwise) and `area_km2` (of the commune; 15.7 where it is missing).
    terrain : {"plain", "mixed", "mountain"}, optional
        By force, the terrain of every place. Without it nor a slowness, a place is "mixed", the median French
        commune; "plain" is Gironde, "mountain" the slowest tenth of Isère. Each end of a trip adds its own minutes.
    max_time_min : float, optional
        Pairs above this time (minutes) are left out; a pair at the limit is kept.

    Returns
    -------
    DataFrame
        `from_id`, `to_id`, `travel_time_min`, `distance_km` (by road, estimated) and `uncertainty_min` (80 %
        of the errors are smaller); the attribute `cutoff_min` is `max_time_min`, NaN without one.

    Warns
    -----
    TerritoryWarning
        Some densities or slownesses are missing where others are known; the area of a commune with both ends is
        unknown.

    Notes
    -----
    For a distance d (km, as the crow flies, at least 0.5), summed over the two ends::

        time = start · (1 - exp(-d / 2)) + cruise · d + Σ (a0 + a1 · L) · (1 - exp(-(d / 32)²))
               + Σ s · max(L, 0)² · (1 - exp(-d / 4))
               + Σ slowness · (b0 + b1 · L + b2 · L²) · (1 - exp(-d / 12)),  L = ln(density / 100)

    Inside one commune d is half the radius of a disc of its area, and slowness counts once. Fitted on the DREES
    times of 34,000 communes to their nearest emergency service (METRIC, 2019), and on Gironde and Isère beyond
    (`calibration.csv`, docs/method/travel-times-estimate.md). Beyond 100 km it extrapolates.

    Examples
    --------
    >>> import geopandas as gpd
    >>> towns = gpd.GeoDataFrame(geometry=gpd.points_from_xy([6.2, 6.5], [43.6] * 2), index=["A", "B"], crs=4326)
    >>> estimate_travel_times(towns.iloc[:1], towns.iloc[1:], terrain="mixed")["travel_time_min"].round().tolist()
    [34.0]
    """
    cutoff_min = _cutoff(max_time_min)
    starts, ends = read_places(origins, destinations, terrain=terrain)
    numbers, _ = pd.factorize(np.concatenate([starts.commune_codes, ends.commune_codes]))
    # numbers compare fast; an unknown commune equals no other
    communes = numbers[: len(starts.ids)], np.where(numbers < 0, -2, numbers)[len(starts.ids) :]
    stated = [pd.Index(side.commune_codes[~np.isnan(side.area_km2)]) for side in (starts, ends)]
    both = pd.Index(starts.commune_codes).intersection(pd.Index(ends.commune_codes)).dropna()
    unknown = both.difference(stated[0].union(stated[1]))
    if len(unknown):
        area = f"{DEFAULT_AREA_KM2:g}".replace(".", ",")
        said = f"{counted(unknown, 'commune(s) de surface inconnue')} : le temps à l'intérieur de la commune"
        warn(f"{said} suppose {area} km² ; ajoutez la colonne area_km2.")
    rows = max(1, _BLOCK_PAIRS // max(1, len(ends.ids)))
    firsts = range(0, max(1, len(starts.ids)), rows)
    blocks = [_block(starts, ends, slice(one, one + rows), communes, cutoff_min) for one in firsts]
    from_code, to_code, minutes, road_km, doubt_min = map(np.concatenate, zip(*blocks, strict=True))
    times = pd.DataFrame(
        {
            "from_id": pd.Categorical.from_codes(from_code, categories=starts.ids),
            "to_id": pd.Categorical.from_codes(to_code, categories=ends.ids),
            "travel_time_min": minutes,
            "distance_km": road_km,
            "uncertainty_min": doubt_min,
        }
    )
    times.attrs["cutoff_min"] = cutoff_min
    return times


def difference_uncertainty_min(
    time_a_min: ArrayLike, time_b_min: ArrayLike, between_min: ArrayLike, *, terrain: str | None = None
) -> Floats:
    """Return the size under which a difference of two estimated times from one place is not distinguishable.

    The two times share the error of the road that they share: the closer A is to B, the smaller the doubt on
    their difference, down to 0 for one same place. 80 % of the errors on differences are smaller.

    Parameters
    ----------
    time_a_min, time_b_min : array
        Estimated times from one origin to A and to B (minutes); arrays are broadcast together. NaN gives NaN.
    between_min : array
        Estimated time between A and B (minutes), 0 when they are one place.
    terrain : {"plain", "mixed", "mountain"}, optional
        The terrain given to `estimate_travel_times`; without one, the slowness of the places was measured.

    Notes
    -----
    ``min(r · sqrt(between), sqrt(u(a)² + u(b)²))``, u the doubt on one time, r from r0, for roads apart, to r1 where
    one place is on the way to the other: ``r0 + (r1 - r0) · min(|a - b| / between, 1)``. Both are fitted on triples
    of communes of Isère (`calibration.csv`).

    Examples
    --------
    >>> difference_uncertainty_min([30.0, 30.0], [32.0, 30.0], [6.0, 0.0]).round(1).tolist()
    [4.0, 0.0]
    """
    if terrain is not None and terrain not in model.TERRAINS:
        raise ParameterError(f"Terrain inconnu « {terrain} » : indiquez {', '.join(model.TERRAINS)}.")
    given = (np.asarray(minutes, dtype=np.float64) for minutes in (time_a_min, time_b_min, between_min))
    a, b, between = np.broadcast_arrays(*given)
    negative = int(((a < 0) | (b < 0) | (between < 0)).sum())
    if negative:
        raise ParameterError(f"{agree(negative, 'temps négatif(s)')} : donnez des minutes de 0 ou plus.")
    return model.difference_doubt_min(a, b, between, np.full(a.shape, float(terrain is None)))


def _cutoff(max_time_min: float | None) -> float:
    """Return the cutoff, NaN for none, or an error where it is not a positive number."""
    if max_time_min is None:
        return float("nan")
    if not (np.isfinite(max_time_min) and max_time_min > 0):
        asked = "indiquez un nombre de minutes positif, ou rien pour tout garder"
        raise ParameterError(f"max_time_min vaut {max_time_min} : {asked}.")
    return float(max_time_min)


# numpy's exponential differs in its last digits from one processor to another, and rounds from one digit to another
DECIMALS = 6


def _block(
    starts: Places, ends: Places, rows: slice, communes: tuple[Ints, Ints], cutoff_min: float
) -> tuple[Ints, Ints, Floats, Floats, Floats]:
    """Return positions, times, road distances and doubts of some origins with every destination."""
    crow_km = np.hypot(starts.x_km[rows, None] - ends.x_km[None], starts.y_km[rows, None] - ends.y_km[None])
    inside = communes[0][rows, None] == communes[1][None]
    own, other = starts.area_km2[rows, None], ends.area_km2[None]
    area_km2 = np.where(np.isnan(own), np.where(np.isnan(other), DEFAULT_AREA_KM2, other), own)
    crow_km = np.where(inside, np.sqrt(area_km2 / np.pi) / 2, np.maximum(crow_km, model.MINIMUM_DISTANCE_KM))
    densities = starts.density_hab_km2[rows, None], ends.density_hab_km2[None]
    median, effect_from, effect_to = model.trip_parts_min(crow_km, *densities)
    slowed = effect_from * starts.slowness[rows, None] + effect_to * ends.slowness[None]
    # inside one commune, both ends are on the same slow roads
    minutes = np.round(median + np.where(inside, slowed / 2, slowed), DECIMALS)
    kept_row, kept_column = np.nonzero(~(minutes > cutoff_min))
    minutes = minutes[kept_row, kept_column]
    measured = (starts.is_measured[rows][kept_row] + ends.is_measured[kept_column]) / 2
    road_km = np.round(crow_km[kept_row, kept_column] * model.detour(), DECIMALS)
    doubt_min = np.round(model.doubt_min(minutes, measured), DECIMALS)
    return kept_row + rows.start, kept_column, minutes, road_km, doubt_min


# what two slownesses have in common: by their distance, and whatever it is (chosen on held-out EPCI, docs/method)
RANGE_KM, LOCAL_VARIANCE, COMMON_VARIANCE = 40.0, 0.15, 0.2
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

    ids: "pd.Index[str]"
    from_km: Floats
    to_km: Floats
    median_min: Floats
    effect_min: Floats
    # of this effect, the share of each end: trips x 2
    shares: Floats
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


def fit_slowness(communes: gpd.GeoDataFrame) -> "pd.Series[float]":
    """Return the slowness of communes (no unit), from the real time of each to its nearest emergency service.

    `communes` are points (the chef-lieu) of all those of a territory and of some 45 km around it, by commune code,
    with `density_hab_km2` (100 where it is missing) and `emergency_min` (0 where there is a service, NaN where
    unknown). Kriging (Matheron, 1963) of the slowness that the trips ask for: two ends d km apart have 0.2 + 0.15
    exp(-d / 40) in common, a trip has the mean of its two ends, each by its minutes, and a part of its own, larger for
    short trips. Errors on held-out EPCI are in docs/method/travel-times-estimate.md.
    """
    trips = nearest_trips(communes)
    found = np.concatenate([krige(trips, rows, around)[1] for rows, around in cells_of(trips)])
    rows = np.concatenate([rows for rows, _ in cells_of(trips)])
    slowness = np.empty(len(trips.ids))
    slowness[rows] = np.clip(found, *model.SLOWNESS_BOUNDS)
    return pd.Series(slowness, index=communes.index, name="slowness")


def nearest_trips(communes: gpd.GeoDataFrame) -> Trips:
    """Return the trip of each commune to the destination that is nearest by the model, or all that is wrong."""
    missing = [name for name in ("density_hab_km2", "emergency_min") if name not in communes]
    refuse(missing, "colonne(s) absente(s)", NetworkError, of="Temps publiés aux urgences")
    problems = Problems("Temps publiés aux urgences", NetworkError)
    minutes = communes["emergency_min"]
    wrong = minutes.notna() & ~minutes.between(0, 600)
    problems.count(minutes.index[wrong], "temps négatif(s) ou de plus de dix heures")
    if not (minutes == 0).any():
        problems.add("aucune commune à 0 minute : on ne sait pas où sont les services")
    if int((minutes > 0).sum()) < FEWEST_TRIPS:
        problems.add(f"{int((minutes > 0).sum())} temps connus : il en faut au moins {FEWEST_TRIPS}")
    problems.raise_if_any()
    seen = communes["emergency_min"].to_numpy(dtype=float, na_value=np.nan)
    points = communes.geometry.to_crs(2154)
    at_km = np.column_stack([points.x, points.y]) / 1000.0
    density = communes["density_hab_km2"].fillna(model.DEFAULT_DENSITY_HAB_KM2).to_numpy(dtype=float)
    sites = np.flatnonzero(seen == 0)
    tried = min(NEAREST, len(sites))
    found = cKDTree(at_km[sites]).query(at_km, tried)
    distance, place = (np.asarray(one).reshape(-1, tried) for one in found)
    distance, to = np.maximum(distance, model.MINIMUM_DISTANCE_KM), sites[place]
    parts = model.trip_parts_min(distance, density[:, None], density[to])
    row, best = np.arange(len(communes)), parts[0].argmin(axis=1)
    median, *effects = (part[row, best] for part in parts)
    effect = effects[0] + effects[1]
    shares = np.column_stack(effects) / effect[:, None]
    return Trips(pd.Index(communes.index), at_km, at_km[to[row, best]], median, effect, shares, seen)


def cells_of(
    trips: Trips, block: NDArray[np.object_] | None = None
) -> Iterator[tuple[Ints, NDArray[np.intp]]]:
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


def krige(trips: Trips, rows: Ints, around: NDArray[np.intp]) -> tuple[Floats, Floats]:
    """Return the slowness of the trips of some communes, and of the communes, from the trips around."""
    ends = [
        np.concatenate([trips.from_km[rows], trips.from_km[rows], trips.from_km[around]]),
        np.concatenate([trips.to_km[rows], trips.from_km[rows], trips.to_km[around]]),
    ]
    # both ends of a commune are itself: any shares do
    shares = trips.shares[np.concatenate([rows, rows, around])]
    told = slice(2 * len(rows), None)
    shared = np.full((len(ends[0]), len(around)), COMMON_VARIANCE)
    for one, of_one in zip(ends, shares.T, strict=True):
        for other, of_other in zip(ends, shares.T, strict=True):
            away = one[:, None] - other[None, told]
            near = np.exp(-np.hypot(away[..., 0], away[..., 1]) / RANGE_KM)
            shared += LOCAL_VARIANCE * of_one[:, None] * of_other[None, told] * near
    weights = np.linalg.solve(shared[told] + np.diag(trips.noise[around]), trips.asked[around])
    found = shared[: 2 * len(rows)] @ weights
    return found[: len(rows)], found[len(rows) :]
