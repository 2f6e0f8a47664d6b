"""Travel times without a road map: a calibrated model of distance, density and terrain, with its doubt."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from territory.errors import ParameterError, TerritoryWarning, examples
from territory.network import estimate_model as model
from territory.network.estimate_model import (
    DEFAULT_AREA_KM2,
    Places,
    barrier_paths_km,
    distance_km,
    read_places,
)

if TYPE_CHECKING:
    import geopandas as gpd
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

# pairs computed at once: a few arrays of this length stay in the processor's cache
_BLOCK_PAIRS = 250_000


def estimate_travel_times(
    origins: gpd.GeoDataFrame,
    destinations: gpd.GeoDataFrame,
    *,
    terrain: str = "mixed",
    max_time_min: float | None = None,
    barriers: gpd.GeoDataFrame | gpd.GeoSeries | None = None,
) -> pd.DataFrame:
    """Estimate off-peak driving times from distance as the crow flies, density at both ends, and terrain.

    Without a road map. The time is the same both ways, grows with distance, and depends on nothing but the
    two places: neither on where they are nor on the other rows.

    Parameters
    ----------
    origins, destinations : GeoDataFrame
        Points with a coordinate system, in one French territory; ids are the index. Columns read when
        present: `density_hab_km2` (of the commune; 100 where it is missing, read within 5 to 5,000),
        `terrain` (a name of the terrain of the place, instead of the call's), `commune_code` (the index
        otherwise) and `area_km2` (of the commune; 15.7 where it is missing).
    terrain : {"plain", "mixed", "mountain"}
        Terrain of the places that do not state theirs; a trip between two terrains takes the middle.
        "plain" is fitted on Gironde, "mountain" on Isère, "mixed" is halfway.
    max_time_min : float, optional
        Pairs above this time (minutes) are left out; a pair at the limit is kept.
    barriers : GeoDataFrame or GeoSeries, optional
        Lines that no road crosses (an estuary, a lake, gorges), each drawn from one passage to another:
        a pair whose straight line meets one is measured by the nearer end of it.

    Returns
    -------
    DataFrame
        `from_id`, `to_id`, `travel_time_min`, `distance_km` (by road, estimated) and `uncertainty_min` (80 %
        of the errors are smaller), in the order of the origins then of the destinations; the attribute
        `cutoff_min` is `max_time_min`, NaN without one.

    Raises
    ------
    NetworkError
        Points without a system, empty or not points, repeated ids, values that cannot be read, points of two
        territories: all problems at once.
    ParameterError
        `max_time_min` is not a positive number.

    Warns
    -----
    TerritoryWarning
        Some densities are missing where others are known; the area of a commune with both ends is unknown.

    Notes
    -----
    For a distance d (km, as the crow flies, at least 0.5) on one terrain::

        time = start + cruise · d + (A(origin) + A(destination)) · (1 - exp(-d / 25))
        A = a0 + a1 · ln(density / 100) + a2 · ln(density / 100)²

    A, the approach, is the time lost on local roads at one end of a long trip. Inside one commune (same
    code on both sides), d is half the radius of a disc of the commune's area. Numbers and errors are in
    `calibration.csv`, the method in docs/method/travel-times-estimate.md. Fitted on pairs up to 100 km:
    beyond, it extrapolates.

    Examples
    --------
    >>> import geopandas as gpd
    >>> places = gpd.GeoDataFrame(
    ...     {"density_hab_km2": [97.0, 729.0], "area_km2": [39.6, 54.0]},
    ...     index=["83121", "83050"],
    ...     geometry=gpd.points_from_xy([6.227, 6.470], [43.565, 43.534]),
    ...     crs=4326,
    ... )
    >>> times = estimate_travel_times(places, places.loc[["83050"]], terrain="mixed")
    >>> times["travel_time_min"].round().tolist()
    [26.0, 4.0]
    """
    cutoff_min = _cutoff(max_time_min)
    starts, ends, epsg = read_places(origins, destinations, terrain=terrain)
    paths_km = barrier_paths_km(barriers, epsg)
    communes = _commune_numbers(starts, ends)
    _warn_unknown_areas(starts, ends)
    rows = max(1, _BLOCK_PAIRS // max(1, len(ends.ids)))
    blocks = [
        _block(starts, ends, slice(first, first + rows), communes, paths_km, cutoff_min)
        for first in range(0, max(1, len(starts.ids)), rows)
    ]
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
    time_a_min: ArrayLike, time_b_min: ArrayLike, between_min: ArrayLike, *, terrain: str = "mixed"
) -> Floats:
    """Return the size under which a difference of two estimated times from one place is not distinguishable.

    The two times share the error of the road that they share: the closer A is to B, the smaller the doubt on
    their difference, down to 0 for one same place. 80 % of the errors on differences are smaller.

    Parameters
    ----------
    time_a_min, time_b_min : array
        Estimated times from one origin to A and to B (minutes); arrays are broadcast together.
    between_min : array
        Estimated time between A and B (minutes), 0 when they are one place.
    terrain : {"plain", "mixed", "mountain"}
        The terrain given to `estimate_travel_times`.

    Returns
    -------
    ndarray
        Half-width of the doubt (minutes), NaN where a time is.

    Raises
    ------
    ParameterError
        An unknown terrain or a negative time.

    Notes
    -----
    ``min(r · sqrt(between), sqrt(u(a)² + u(b)²))``, where u is the doubt on one time and r is fitted on
    triples of communes of Isère (`calibration.csv`): errors gathered along the road that is not
    shared add up like independent ones, and never exceed those of two times without any road in common.

    Examples
    --------
    >>> difference_uncertainty_min([30.0, 30.0], [32.0, 30.0], [6.0, 0.0]).round(1).tolist()
    [4.6, 0.0]
    """
    if terrain not in model.TERRAINS:
        raise ParameterError(f"Terrain inconnu « {terrain} » : indiquez {', '.join(model.TERRAINS)}.")
    a, b, between = np.broadcast_arrays(
        *(np.asarray(minutes, dtype=np.float64) for minutes in (time_a_min, time_b_min, between_min))
    )
    negative = int(((a < 0) | (b < 0) | (between < 0)).sum())
    if negative:
        raise ParameterError(f"{negative} temps négatif(s) : des minutes positives ou nulles sont attendues.")
    return model.difference_doubt_min(a, b, between, np.full(a.shape, model.TERRAINS[terrain]))


def _cutoff(max_time_min: float | None) -> float:
    """Return the cutoff, NaN for none, or an error where it is not a positive number."""
    if max_time_min is None:
        return float("nan")
    if not (np.isfinite(max_time_min) and max_time_min > 0):
        raise ParameterError(
            f"max_time_min vaut {max_time_min} : indiquez un nombre de minutes positif, ou rien pour tout garder."
        )
    return float(max_time_min)


def _warn_unknown_areas(starts: Places, ends: Places) -> None:
    """Say for how many communes with both an origin and a destination an area is assumed."""
    stated = [pd.Index(side.commune_codes[~np.isnan(side.area_km2)]) for side in (starts, ends)]
    both = pd.Index(starts.commune_codes).intersection(pd.Index(ends.commune_codes)).dropna()
    unknown = both.difference(stated[0].union(stated[1]))
    if len(unknown):
        area = f"{DEFAULT_AREA_KM2:g}".replace(".", ",")
        warnings.warn(
            f"{len(unknown)} commune(s) de surface inconnue ({examples(unknown)}) : le temps à l'intérieur de la "
            f"commune suppose {area} km² ; ajoutez la colonne area_km2.",
            TerritoryWarning,
            stacklevel=3,
        )


def _commune_numbers(starts: Places, ends: Places) -> tuple[Ints, Ints]:
    """Return the communes of both sides as numbers that compare fast; an unknown commune equals no other."""
    numbers, _ = pd.factorize(np.concatenate([starts.commune_codes, ends.commune_codes]))
    first, second = numbers[: len(starts.ids)], numbers[len(starts.ids) :]
    return first, np.where(second < 0, -2, second)


def _block(
    starts: Places,
    ends: Places,
    rows: slice,
    communes: tuple[Ints, Ints],
    paths_km: list[Floats],
    cutoff_min: float,
) -> tuple[Ints, Ints, Floats, Floats, Floats]:
    """Return positions, times, road distances and doubts of some origins with every destination."""
    crow_km = distance_km(
        starts.x_km[rows, None], starts.y_km[rows, None], ends.x_km[None], ends.y_km[None], paths_km
    )
    inside = communes[0][rows, None] == communes[1][None]
    area_km2 = np.where(
        np.isnan(starts.area_km2[rows, None]), ends.area_km2[None], starts.area_km2[rows, None]
    )
    area_km2 = np.where(np.isnan(area_km2), DEFAULT_AREA_KM2, area_km2)
    crow_km = np.where(inside, np.sqrt(area_km2 / np.pi) / 2, np.maximum(crow_km, model.MINIMUM_DISTANCE_KM))
    share = (starts.mountain_share[rows, None] + ends.mountain_share[None]) / 2
    minutes = _minutes(crow_km, starts.density_hab_km2[rows], ends.density_hab_km2, share)
    kept_row, kept_column = np.nonzero(~(minutes > cutoff_min))
    minutes, share = minutes[kept_row, kept_column], share[kept_row, kept_column]
    road_km = crow_km[kept_row, kept_column] * model.detour()
    return kept_row + rows.start, kept_column, minutes, road_km, model.doubt_min(minutes, share)


def _minutes(crow_km: Floats, density_from: Floats, density_to: Floats, share: Floats) -> Floats:
    """Return the times of a block: those of both terrains, weighted by the share of mountain."""
    minutes = np.zeros_like(crow_km)
    for terrain, weight in (("plain", 1 - share), ("mountain", share)):
        if not weight.any():
            continue
        numbers = model.coefficients(terrain)
        approach_from, approach_to = (
            model.approach_min(model.log_density(density), numbers) for density in (density_from, density_to)
        )
        minutes += weight * model.trip_min(crow_km, approach_from[:, None] + approach_to[None], numbers)
    return minutes
