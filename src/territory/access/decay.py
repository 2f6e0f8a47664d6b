"""Decay functions: how much a site counts for someone who lives so many minutes away.

Each factory returns a frozen object that is called on minutes (a number or an array) and gives weights from
0 to 1. Its `reach_min` is the longest time at which the weight is positive (infinite when it never falls to
0); a time equal to a threshold belongs to the step that ends there. An unknown time (NaN) has an unknown
weight (NaN). A parameter that is not a positive number raises `ParameterError`; `max_time_min` is the time beyond
which the weight is 0 (min, inclusive), None = never.
"""

import itertools
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit

from territory.errors import ParameterError, Problems
from territory.tables.arguments import accepting

__all__ = ["Decay", "binary", "by_name", "exponential", "gaussian", "linear", "logistic", "power", "stepped"]


class Decay(Protocol):
    """What the measures ask of a decay: weights from minutes."""

    def __call__(self, minutes: ArrayLike, /) -> NDArray[np.float64]:
        """Return one weight per time."""


@dataclass(frozen=True)
class Binary:
    """1 up to a threshold, 0 beyond."""

    threshold_min: float

    @property
    def reach_min(self) -> float:
        return self.threshold_min

    def __call__(self, minutes: ArrayLike) -> NDArray[np.float64]:
        times = np.asarray(minutes, dtype=np.float64)
        return _unknown_stays((times <= self.threshold_min).astype(np.float64), times)

    def __repr__(self) -> str:
        return f"binary({self.threshold_min:g} min)"


@dataclass(frozen=True)
class Stepped:
    """One weight per step of time, 0 beyond the last."""

    steps: tuple[tuple[float, float], ...]

    @property
    def reach_min(self) -> float:
        return max((end for end, weight in self.steps if weight > 0), default=0.0)

    def __call__(self, minutes: ArrayLike) -> NDArray[np.float64]:
        times = np.asarray(minutes, dtype=np.float64)
        weights = np.array([weight for _, weight in self.steps] + [0.0])
        # a few comparisons are several times faster than a binary search; equal to the end is still inside
        step = np.zeros(times.shape, dtype=np.intp)
        for end, _ in self.steps:
            step += times > end
        return _unknown_stays(weights[step], times)

    def __repr__(self) -> str:
        inside = ", ".join(f"≤{end:g} min: {weight:g}" for end, weight in self.steps)
        return f"stepped({inside})"


@dataclass(frozen=True)
class Linear:
    """From 1 at once to 0 at the end of the reach."""

    reach_min: float

    def __call__(self, minutes: ArrayLike) -> NDArray[np.float64]:
        # maximum propagates NaN
        return np.maximum(1.0 - np.asarray(minutes, dtype=np.float64) / self.reach_min, 0.0)

    def __repr__(self) -> str:
        return f"linear({self.reach_min:g} min)"


@dataclass(frozen=True)
class Smooth:
    """A curve that never reaches 0, cut at `reach_min` (infinite without `max_time_min`)."""

    law: str
    parameters: tuple[float, ...]
    reach_min: float

    def __call__(self, minutes: ArrayLike) -> NDArray[np.float64]:
        times = np.asarray(minutes, dtype=np.float64)
        return np.where(times > self.reach_min, 0.0, _LAWS[self.law][0](times, *self.parameters))

    def __repr__(self) -> str:
        cut = f", ≤{self.reach_min:g} min" if math.isfinite(self.reach_min) else ""
        return f"{self.law}({_LAWS[self.law][1].format(*self.parameters)}{cut})"


# the weights of each law from times and parameters, and how its parameters are written
_LAWS: dict[str, tuple[Callable[..., NDArray[np.float64]], str]] = {
    "exponential": (lambda times, rate: np.exp(-rate * times), "{:g} /min"),
    "gaussian": (lambda times, sigma: np.exp(-np.square(times / sigma) / 2.0), "{:g} min"),
    # 1 under the start
    "power": (lambda t, exponent, start: np.maximum(t / start, 1.0) ** -exponent, "{:g}, 1 under {:g} min"),
    # the share of people who accept the trip when the longest trips accepted follow a logistic law
    "logistic": (
        lambda times, middle, spread: expit((middle - times) * (math.pi / (spread * math.sqrt(3.0)))),
        "{:g} min, spread {:g} min",
    ),
}


def _unknown_stays(weights: NDArray[np.float64], times: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return weights, NaN where the time is; most tables have none, and are not copied."""
    unknown = np.isnan(times)
    return np.where(unknown, np.nan, weights) if unknown.any() else weights


@accepting
def binary(threshold_min: float) -> Binary:
    """Weight 1 up to a threshold (min, inclusive), 0 beyond. Luo and Wang (2003), Environment and Planning B 30.

    Examples
    --------
    >>> binary(30)([29.9, 30, 30.1])
    array([1., 1., 0.])
    """
    return Binary(_positive("binary", threshold_min=threshold_min)["threshold_min"])


@accepting
def stepped(steps: Mapping[float, float]) -> Stepped:
    """One weight per step of time, 0 beyond the last step. Luo and Qi (2009), Health & Place 15, 1100-1107.

    Parameters
    ----------
    steps
        End of each step (min, inclusive) and weight inside it, 0 to 1, which may not grow with time (`ParameterError`).

    Examples
    --------
    >>> stepped({5: 1.0, 10: 0.3, 15: 0.1})([0, 5, 5.1, 15, 16])
    array([1. , 1. , 0.3, 0.1, 0. ])
    """
    problems = Problems("Décroissance par paliers", ParameterError)
    ordered = tuple(sorted((float(end), float(weight)) for end, weight in steps.items()))
    if not ordered:
        problems.add("aucun palier : indiquez par exemple {5: 1.0, 10: 0.3, 15: 0.1}")
    for end, weight in ordered:
        if not (math.isfinite(end) and end > 0):
            problems.add(f"fin de palier {end:g} min : un nombre de minutes positif est attendu")
        if not 0 <= weight <= 1:
            problems.add(f"poids {weight:g} du palier de {end:g} min : un nombre de 0 à 1 est attendu")
    weights = [weight for _, weight in ordered]
    if any(later > earlier for earlier, later in itertools.pairwise(weights)):
        problems.add("les poids augmentent avec le temps : un palier plus lointain ne peut peser davantage")
    problems.raise_if_any()
    return Stepped(ordered)


@accepting
def linear(reach_min: float) -> Linear:
    """Weight that falls in a straight line to 0 at the end of the reach (min): w(t) = max(0, 1 - t / reach).

    Examples
    --------
    >>> linear(20)([0, 5, 20, 30])
    array([1.  , 0.75, 0.  , 0.  ])
    """
    return Linear(_positive("linear", reach_min=reach_min)["reach_min"])


@accepting
def exponential(rate_per_min: float, *, max_time_min: float | None = None) -> Smooth:
    """Weight divided by the same number every minute: w(t) = exp(-rate x t).

    `rate_per_min` is a continuous rate (per min): 0.0231 halves the weight every 30 min. Wilson (1971), Environment
    and Planning A 3, 1-32.

    Examples
    --------
    >>> exponential(0.1, max_time_min=30)([0, 10, 31]).round(3)
    array([1.   , 0.368, 0.   ])
    """
    return _curve("exponential", rate_per_min=rate_per_min, max_time_min=max_time_min)


@accepting
def gaussian(sigma_min: float, *, max_time_min: float | None = None) -> Smooth:
    """Weight that falls slowly, then fast, then slowly: half a bell, w(t) = exp(-t² / (2 sigma²)).

    The weight is 0.61 at `sigma_min` (min) and 0.14 at twice this time. Wan, Zou and Sternberg (2012), IJGIS 26,
    1073-1089.

    Examples
    --------
    >>> gaussian(1.0)(1.0).round(10)
    np.float64(0.6065306597)
    """
    return _curve("gaussian", sigma_min=sigma_min, max_time_min=max_time_min)


@accepting
def power(exponent: float, *, min_time_min: float = 1.0, max_time_min: float | None = None) -> Smooth:
    """Weight of the classical gravity model: w(t) = max(t / min_time, 1) ** -exponent.

    `exponent` (no unit) is positive; under `min_time_min` (min) the weight stays at 1: a power of 0 min would be
    infinite. Hansen (1959), Journal of the American Institute of Planners 25.

    Examples
    --------
    >>> power(2.0)([0, 1, 2, 4])
    array([1.    , 1.    , 0.25  , 0.0625])
    """
    return _curve("power", exponent=exponent, min_time_min=min_time_min, max_time_min=max_time_min)


@accepting
def logistic(inflection_min: float, *, spread_min: float, max_time_min: float | None = None) -> Smooth:
    """Weight that is one half at a time, with a soft edge: 1 / (1 + exp((t - inflection) pi / (spread sqrt(3)))).

    `spread_min` is the standard deviation of the longest trips that people accept (min). The weight at 0 min is a
    little under 1. Bauer and Groneberg (2016), PLOS ONE 11(7), e0159148.

    Examples
    --------
    >>> logistic(30, spread_min=5)([0, 30, 60]).round(3)
    array([1. , 0.5, 0. ])
    """
    return _curve("logistic", inflection_min=inflection_min, spread_min=spread_min, max_time_min=max_time_min)


@accepting
def by_name(kind: str, **parameters: Any) -> Decay:
    """Make a decay from its name, as a study file writes it."""
    if kind not in _FACTORIES:
        raise ParameterError(f"Décroissance « {kind} » inconnue : choisissez parmi {', '.join(_FACTORIES)}.")
    return _FACTORIES[kind](**parameters)


_MADE_BY = (binary, stepped, linear, exponential, gaussian, power, logistic)
_FACTORIES: dict[str, Callable[..., Decay]] = {maker.__name__: maker for maker in _MADE_BY}


def _curve(law: str, **parameters: float | None) -> Smooth:
    """Return a curve from its law and its parameters, in their order, `max_time_min` the last."""
    *checked, reach_min = _positive(law, **parameters).values()
    return Smooth(law, tuple(checked), reach_min)


def _positive(name: str, **values: float | None) -> dict[str, float]:
    """Return the parameters as floats, None as infinity, or raise one error for all the bad ones."""
    problems = Problems(f"Décroissance « {name} »", ParameterError)
    checked: dict[str, float] = {}
    for key, value in values.items():
        number = math.inf if value is None else float(value)
        if value is not None and not (math.isfinite(number) and number > 0):
            problems.add(f"{key} = {value} : un nombre positif est attendu")
        checked[key] = number
    problems.raise_if_any()
    return checked
