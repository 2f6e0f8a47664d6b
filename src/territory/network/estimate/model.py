"""The model of estimated times: its fitted numbers, and its formulas as functions of arrays."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

CALIBRATION = "calibration.csv"

# share of the mountain model in the time of each terrain
TERRAINS = {"plain": 0.0, "mixed": 0.5, "mountain": 1.0}

# densities outside these bounds are read as the bound: few places to fit on beyond them
DENSITY_BOUNDS_HAB_KM2 = (5.0, 5000.0)
REFERENCE_DENSITY_HAB_KM2 = 100.0

# a trip between two doors is never shorter: two sites at one point are a few streets apart
MINIMUM_DISTANCE_KM = 0.5

# how far local roads and streets are felt, from each end of a trip (chosen on the pairs, see docs/method)
APPROACH_KM = 25.0


@dataclass(frozen=True)
class Coefficients:
    """Fitted numbers of the time of one terrain."""

    start_min: float
    cruise_min_per_km: float
    approach_min: float
    approach_log_density_min: float
    approach_log_density_squared_min: float


@dataclass(frozen=True)
class Doubt:
    """Fitted numbers of the doubt on one terrain, on one time and on a difference of two times."""

    fixed_min: float
    share: float
    difference_root_min: float


def log_density(density_hab_km2: Floats) -> Floats:
    """Return the logarithm of each density, kept within its bounds, over the reference density."""
    bounded = np.clip(density_hab_km2, *DENSITY_BOUNDS_HAB_KM2)
    return np.asarray(np.log(bounded / REFERENCE_DENSITY_HAB_KM2), dtype=float)


def approach_min(log_densities: Floats, numbers: Coefficients) -> Floats:
    """Return the minutes lost on local roads and streets at one end of a long trip."""
    return np.asarray(
        numbers.approach_min
        + numbers.approach_log_density_min * log_densities
        + numbers.approach_log_density_squared_min * log_densities**2
    )


def approach_share(distance_km: Floats) -> Floats:
    """Return the share of both approaches that a trip of this length meets, from 0 to 1."""
    return np.asarray(-np.expm1(-distance_km / APPROACH_KM))


def trip_min(distance_km: Floats, approaches_min: Floats, numbers: Coefficients) -> Floats:
    """Return times from distances as the crow flies and the sum of the approaches of both ends."""
    cruise = numbers.start_min + numbers.cruise_min_per_km * distance_km
    return np.asarray(cruise + approaches_min * approach_share(distance_km))


def between_terrains(mountain_share: Floats, values: dict[str, float]) -> Floats:
    """Return a number known for each terrain, interpolated at a share of mountain."""
    return np.asarray(np.interp(mountain_share, list(TERRAINS.values()), [values[name] for name in TERRAINS]))


@cache
def calibration() -> pd.DataFrame:
    """Return the committed table of fitted numbers, written by `tools/calibrate_travel_times.py`."""
    with files("territory.network.estimate").joinpath(CALIBRATION).open(encoding="utf-8") as file:
        return pd.read_csv(file)


def _numbers(kind: str, terrain: str) -> dict[str, float]:
    """Return the numbers of one kind and one terrain by name."""
    table = calibration()
    mine = table[(table["kind"] == kind) & (table["terrain"] == terrain)]
    return {str(name): float(value) for name, value in zip(mine["name"], mine["value"], strict=True)}


@cache
def coefficients(terrain: str) -> Coefficients:
    """Return the fitted numbers of "plain" or "mountain"."""
    return Coefficients(**_numbers("coefficient", terrain))


@cache
def doubt(terrain: str) -> Doubt:
    """Return the fitted doubt of "plain", "mixed" or "mountain"."""
    return Doubt(**_numbers("doubt", terrain))


@cache
def detour() -> float:
    """Return the road distance over the distance as the crow flies."""
    return _numbers("distance", "all")["detour"]


def doubt_min(minutes: Floats, mountain_share: Floats) -> Floats:
    """Return the half-width within which 80 % of the errors on these times lie."""
    fixed = between_terrains(mountain_share, {name: doubt(name).fixed_min for name in TERRAINS})
    share = between_terrains(mountain_share, {name: doubt(name).share for name in TERRAINS})
    return np.asarray(fixed + share * minutes)


def difference_doubt_min(
    minutes_a: Floats, minutes_b: Floats, between_min: Floats, mountain_share: Floats
) -> Floats:
    """Return the half-width within which 80 % of the errors on the differences of two times lie."""
    root = between_terrains(mountain_share, {name: doubt(name).difference_root_min for name in TERRAINS})
    apart = np.hypot(doubt_min(minutes_a, mountain_share), doubt_min(minutes_b, mountain_share))
    return np.asarray(np.minimum(root * np.sqrt(between_min), apart))
