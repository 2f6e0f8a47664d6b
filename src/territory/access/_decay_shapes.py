"""The shapes of the decay functions, as frozen callables; `territory.access.decay` makes and documents them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit


class Decay(Protocol):
    """What the measures ask of a decay: weights from minutes."""

    def __call__(self, minutes: ArrayLike, /) -> NDArray[np.float64]:
        """Return one weight per time."""
        ...


@dataclass(frozen=True)
class Binary:
    """1 up to a threshold, 0 beyond."""

    threshold_min: float

    @property
    def reach_min(self) -> float:
        """Longest time with a positive weight (min)."""
        return self.threshold_min

    def __call__(self, minutes: ArrayLike) -> NDArray[np.float64]:
        """Return one weight per time."""
        times = _times(minutes)
        return _unknown_stays((times <= self.threshold_min).astype(np.float64), times)

    def __repr__(self) -> str:
        return f"binary({self.threshold_min:g} min)"


@dataclass(frozen=True)
class Stepped:
    """One weight per step of time, 0 beyond the last."""

    steps: tuple[tuple[float, float], ...]

    @property
    def reach_min(self) -> float:
        """Longest time with a positive weight (min)."""
        return max((end for end, weight in self.steps if weight > 0), default=0.0)

    def __call__(self, minutes: ArrayLike) -> NDArray[np.float64]:
        """Return one weight per time."""
        times = _times(minutes)
        weights = np.array([weight for _, weight in self.steps] + [0.0])
        # a few comparisons are several times faster than a binary search; equal to the end is still inside
        step = np.zeros(times.shape, dtype=np.intp)
        for end, _ in self.steps:
            step += times > end
        found = weights[step]
        return _unknown_stays(found, times)

    def __repr__(self) -> str:
        inside = ", ".join(f"≤{end:g} min: {weight:g}" for end, weight in self.steps)
        return f"stepped({inside})"


@dataclass(frozen=True)
class Linear:
    """From 1 at once to 0 at the end of the reach."""

    reach_min: float

    def __call__(self, minutes: ArrayLike) -> NDArray[np.float64]:
        """Return one weight per time."""
        # maximum propagates NaN
        return np.maximum(1.0 - _times(minutes) / self.reach_min, 0.0)

    def __repr__(self) -> str:
        return f"linear({self.reach_min:g} min)"


@dataclass(frozen=True)
class _Smooth:
    """A curve that never reaches 0, cut at `max_time_min` when one is given."""

    max_time_min: float

    @property
    def reach_min(self) -> float:
        """Longest time with a positive weight (min); infinite without `max_time_min`."""
        return self.max_time_min

    def __call__(self, minutes: ArrayLike) -> NDArray[np.float64]:
        """Return one weight per time."""
        times = _times(minutes)
        weights = self._curve(times)
        if math.isfinite(self.max_time_min):
            weights = np.where(times > self.max_time_min, 0.0, weights)
        return weights

    def _curve(self, times: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the weights before the cut."""
        raise NotImplementedError

    def _cut(self) -> str:
        """Return the end of the repr."""
        return f", ≤{self.max_time_min:g} min)" if math.isfinite(self.max_time_min) else ")"


@dataclass(frozen=True)
class Exponential(_Smooth):
    """exp(-rate x t)."""

    rate_per_min: float

    def _curve(self, times: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.exp(-self.rate_per_min * times)

    def __repr__(self) -> str:
        return f"exponential({self.rate_per_min:g} /min{self._cut()}"


@dataclass(frozen=True)
class Gaussian(_Smooth):
    """exp(-t² / 2 sigma²)."""

    sigma_min: float

    def _curve(self, times: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.exp(-np.square(times / self.sigma_min) / 2.0)

    def __repr__(self) -> str:
        return f"gaussian({self.sigma_min:g} min{self._cut()}"


@dataclass(frozen=True)
class Power(_Smooth):
    """(t / t0) to the power of minus the exponent, 1 under t0."""

    exponent: float
    min_time_min: float

    def _curve(self, times: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.maximum(times / self.min_time_min, 1.0) ** -self.exponent

    def __repr__(self) -> str:
        return f"power({self.exponent:g}, 1 under {self.min_time_min:g} min{self._cut()}"


@dataclass(frozen=True)
class Logistic(_Smooth):
    """Share of people who accept the trip when the longest trips accepted follow a logistic law."""

    inflection_min: float
    spread_min: float

    def _curve(self, times: NDArray[np.float64]) -> NDArray[np.float64]:
        slope = math.pi / (self.spread_min * math.sqrt(3.0))
        return np.asarray(expit((self.inflection_min - times) * slope), dtype=np.float64)

    def __repr__(self) -> str:
        return f"logistic({self.inflection_min:g} min, spread {self.spread_min:g} min{self._cut()}"


def _times(minutes: ArrayLike) -> NDArray[np.float64]:
    """Return minutes as floats."""
    return np.asarray(minutes, dtype=np.float64)


def _unknown_stays(weights: NDArray[np.float64], times: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return weights, NaN where the time is; most tables have none, and are not copied."""
    unknown = np.isnan(times)
    return np.where(unknown, np.nan, weights) if unknown.any() else weights
