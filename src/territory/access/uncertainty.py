"""What the doubt on times, needs and decays does to a measure: seeded draws, intervals, sure and doubtful classes.

The error of a time is drawn from its seed, its draw number and its pair of ids alone. So two situations sampled
with the same seed share the error of the roads that they share, whatever the order or the number of their rows.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtr, ndtri

from territory.access.decay import Decay
from territory.access.pairs import Bools, Floats, cutoff_of, read_amounts
from territory.errors import ParameterError, SchemaError, agree, examples, refuse

__all__ = ["Draw", "class_stability", "compare_samples", "interval", "sample", "told_apart"]

LEVEL = 0.80
# `uncertainty_min` is the half-width that holds 80 % of the errors
HALF_WIDTHS_PER_SD = float(ndtri(0.90))
# errors beyond are cut, so that a table with a cutoff says up to where it stays complete
MAX_SD = 2.5
SURE_SHARE = 0.90
SURE, DOUBTFUL = "sûr", "douteux"
# of the rule of gain and loss: at most one in ten of what is told is told wrongly
TOLD_LEVEL = 0.90


@dataclass(frozen=True)
class Draw:
    """Inputs of one draw: `number` (from 0), perturbed `travel_times` and `demand`, and the `decay` if any."""

    number: int
    travel_times: pd.DataFrame
    demand: pd.Series[float]
    decay: Decay | None


def sample(
    measure: Callable[[Draw], pd.Series[float]],
    travel_times: pd.DataFrame,
    demand: pd.Series[float],
    *,
    seed: int,
    draws: int = 500,
    time_error_min: float | None = None,
    shared_error: float = 0.5,
    same_road: Mapping[str, str] | None = None,
    demand_low: pd.Series[float] | None = None,
    demand_high: pd.Series[float] | None = None,
    decays: Sequence[Decay] = (),
) -> pd.DataFrame:
    """Compute a measure many times, on inputs drawn within their doubt.

    Parameters
    ----------
    measure
        Function of a `Draw`, that returns one value (or class) per commune.
    travel_times
        Columns from_id, to_id, travel_time_min (min), and uncertainty_min (half-width that holds 80 % of the
        errors) unless `time_error_min` is given.
    demand
        Central demand by commune (persons).
    seed
        Same seed, same draws. Use one seed for the baseline and its scenarios.
    draws
        How many.
    time_error_min
        One half-width for all pairs (min, 80 % of the errors), instead of the column uncertainty_min; 0 = times
        without doubt.
    shared_error
        Correlation of the errors of two times from the same commune (0 to 1): they share the first roads. A
        hypothesis, not a measurement.
    same_road
        to_id -> name of a place: sites of one place share the whole error of a time (a site that moves a few
        minutes away, say).
    demand_low, demand_high
        Low and high demand on the same index; the demand of all communes is drawn together, from a triangular law
        between low, central and high. Both or neither.
    decays
        Decays among which each draw picks one; empty = `Draw.decay` is None.

    Returns
    -------
    DataFrame
        One row per commune, as `measure` returns them; one column per draw.

    Raises
    ------
    ParameterError
        If a number is out of range, low, central and high are not in this order, only one of low and high is
        given, or the doubt is wider than the table's cutoff.
    SchemaError
        If the doubt on the times is absent, unknown for a pair, or negative.

    Notes
    -----
    error = half-width / 1.2816 x (sqrt(c) z_i + sqrt(1 - c) z_ij), z normal and cut at 2.5. A table with a cutoff
    is complete up to the cutoff minus the largest error only: the cutoff of the drawn tables is lowered by it.

    Examples
    --------
    >>> from territory.access import time_to_closest
    >>> times = pd.DataFrame({"from_id": ["A", "A"], "to_id": ["S", "T"], "travel_time_min": [20.0, 22.0]})
    >>> drawn = sample(
    ...     lambda draw: time_to_closest(draw.travel_times, ["A"])["time_1_min"],
    ...     times, pd.Series({"A": 10.0}), seed=1, draws=200, time_error_min=5.0)
    >>> interval(drawn).round(0)
        low  median  high  unknown_share
    A  15.0    19.0  23.0            0.0
    """
    if draws < 1:
        raise ParameterError(f"draws = {draws} : demandez au moins un tirage.")
    if not 0 <= shared_error <= 1:
        raise ParameterError(f"shared_error = {shared_error} : un nombre de 0 à 1 est attendu.")
    if time_error_min is not None and not (math.isfinite(time_error_min) and time_error_min >= 0):
        raise ParameterError(
            f"time_error_min = {time_error_min} : un nombre de minutes positif ou nul est attendu."
        )
    times_of = _drawing_times(travel_times, time_error_min, shared_error, same_road or {}, seed)
    needs_at = _drawing_needs(demand, demand_low, demand_high)
    columns = {}
    for number in range(draws):
        rng = np.random.default_rng([seed, number])
        quantile, pick = rng.random(), rng.random()
        decay = decays[int(pick * len(decays))] if decays else None
        columns[number] = measure(Draw(number, times_of(number), needs_at(quantile), decay))
    return pd.DataFrame(columns)


def interval(samples: pd.DataFrame, *, level: float = LEVEL) -> pd.DataFrame:
    """Return the interval that holds a share of the draws, for each commune.

    Parameters
    ----------
    samples
        Result of `sample`, of numbers.
    level
        Share of the draws inside the interval (0 to 1).

    Returns
    -------
    DataFrame
        Columns low, median, high (NaN as soon as one draw is unknown) and unknown_share (share of the draws that
        are unknown).

    Raises
    ------
    ParameterError
        If the level is not between 0 and 1, or there is no draw.

    Examples
    --------
    >>> interval(pd.DataFrame([[1.0, 2.0, 3.0, 4.0, 5.0]], index=["A"])).loc["A"].tolist()
    [1.0, 3.0, 5.0, 0.0]
    """
    _check_level(level, samples)
    drawn = samples.to_numpy(dtype=np.float64, na_value=np.nan)
    low, median, high = drawn_quantiles(drawn, ((1 - level) / 2, 0.5, (1 + level) / 2))
    table = pd.DataFrame({"low": low, "median": median, "high": high}, index=samples.index)
    return table.assign(unknown_share=np.isnan(drawn).mean(axis=1))


def compare_samples(baseline: pd.DataFrame, scenario: pd.DataFrame, *, level: float = LEVEL) -> pd.DataFrame:
    """Compare two situations draw by draw, so that the error that they share cancels out.

    Parameters
    ----------
    baseline, scenario
        Results of `sample` with the same seed and the same number of draws, on the same communes.
    level
        Share of the draws inside the interval (0 to 1).

    Returns
    -------
    DataFrame
        Columns low, median, high of scenario minus baseline, unknown_share, and is_distinguishable: True when the
        interval leaves 0 out, False when it holds 0 (« non distinguable »), <NA> when unknown.

    Raises
    ------
    ParameterError
        If the two do not have the same communes and draws.

    Examples
    --------
    >>> before = pd.DataFrame([[10.0, 14.0]], index=["A"])
    >>> compare_samples(before, before - 3)["is_distinguishable"].tolist()
    [True]
    """
    if not (baseline.index.equals(scenario.index) and baseline.columns.equals(scenario.columns)):
        raise ParameterError(
            "Les deux situations n'ont pas les mêmes communes ou les mêmes tirages : tirez-les avec la même graine "
            "et le même nombre de tirages."
        )
    table = interval(scenario - baseline, level=level)
    known = table["low"].notna().to_numpy()
    away = ((table["low"] > 0) | (table["high"] < 0)).to_numpy()
    return table.assign(is_distinguishable=pd.arrays.BooleanArray(away, ~known))


def class_stability(
    samples: pd.DataFrame, reference: pd.Series[str], *, sure_share: float = SURE_SHARE
) -> pd.DataFrame:
    """Tell which communes stay in their class whatever the draw: sure or doubtful deserts.

    Parameters
    ----------
    samples
        Result of `sample`, of classes (desert_class, zone).
    reference
        Class of each commune without doubt on the inputs.
    sure_share
        Share of draws (0 to 1) from which a class is sure, inclusive.

    Returns
    -------
    DataFrame
        Columns reference_class, same_class_share (of the draws), most_frequent_class and verdict (« sûr » or
        « douteux »).

    Raises
    ------
    ParameterError
        If the share is not between 0 and 1, or a commune has no reference.

    Examples
    --------
    >>> drawn = pd.DataFrame([["désert"] * 4, ["désert", "non", "non", "non"]], index=["A", "B"])
    >>> class_stability(drawn, pd.Series({"A": "désert", "B": "non"}))["verdict"].to_dict()
    {'A': 'sûr', 'B': 'douteux'}
    """
    _check_level(sure_share, samples)
    expected = reference.reindex(samples.index)
    refuse(expected.index[expected.isna()], "commune(s) sans classe de référence")
    drawn = samples.to_numpy(dtype=object)
    same = (drawn == expected.to_numpy(dtype=object)[:, None]).mean(axis=1)
    # the first in alphabetical order among equals
    frequent = [pd.Series(row).value_counts().sort_index(kind="stable").idxmax() for row in drawn]
    return pd.DataFrame(
        {
            "reference_class": expected,
            "same_class_share": same,
            "most_frequent_class": frequent,
            "verdict": np.where(same >= sure_share, SURE, DOUBTFUL),
        },
        index=samples.index,
    )


def told_apart(
    change_min: ArrayLike,
    detectable_min: ArrayLike,
    *,
    level: float = TOLD_LEVEL,
    together: ArrayLike | None = None,
) -> Bools:
    """Tell which changes of a trip are gains or losses: the one rule of the library.

    A change is told when it reaches its detectable size **and** its interval leaves 0 out. Where many are compared at
    once, the intervals are made wider so that what is told stays true together.

    Parameters
    ----------
    change_min : array
        Scenario minus today (min); NaN = unknown, never told.
    detectable_min : array
        Half-width that holds 80 % of the errors on each change (min), as
        `territory.network.difference_uncertainty_min` gives it; 0 = without doubt.
    level
        Share of the errors that an interval holds (0 to 1).
    together : array, optional
        Weight of each change among those that are compared with one another (inhabitants, say); 0 = not one of them,
        told if its evidence is as strong as that asked of them. None = each change is read alone, as a mean is.

    Returns
    -------
    ndarray of bool

    Raises
    ------
    ParameterError
        If the level is not between 0 and 1.

    Notes
    -----
    The error of a change is normal, of standard deviation detectable / 1.2816; p is the chance of one at least as
    large without any true change. Alone, a change is told when p <= 1 - level. Together, they are told up to the
    largest p such that p <= (1 - level) x the share of the weights that is told: among the inhabitants who are told a
    gain or a loss, the expected share of those who are told wrongly is then at most 1 - level (Benjamini and
    Hochberg 1995, weighted as in Benjamini and Hochberg 1997).

    Examples
    --------
    >>> told_apart([-9.0, 4.0, 6.0], [5.0, 5.0, 5.0]).tolist()
    [True, False, False]
    >>> told_apart([-9.0, 0.0, 0.0, 0.0, 0.0], [5.0] * 5, together=[1.0] * 5).tolist()
    [False, False, False, False, False]
    """
    if not 0 < level < 1:
        raise ParameterError(f"level vaut {level} : une part entre 0 et 1 est attendue.")
    change, size = np.broadcast_arrays(np.asarray(change_min, float), np.asarray(detectable_min, float))
    moves = np.abs(change) > 0
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        chance = np.where(moves, 2.0 * ndtr(-np.abs(change) * HALF_WIDTHS_PER_SD / size), 1.0)
    limit = 1.0 - level
    if together is not None:
        weights = np.where(np.isnan(chance) | (size == 0), 0.0, np.nan_to_num(np.asarray(together, float)))
        order = np.argsort(chance, kind="stable")
        told = np.cumsum(weights[order]) / max(float(weights.sum()), np.finfo(float).tiny)
        kept = (weights[order] > 0) & (chance[order] <= limit * told)
        limit = float(chance[order][kept].max(initial=0.0))
    return np.asarray(moves & (np.abs(change) >= size) & (chance <= limit), dtype=np.bool_)


def drawn_quantiles(drawn: Floats, shares: Sequence[float]) -> list[Floats]:
    """Return quantiles of the draws of each row; NaN as soon as one is unknown.

    They are draws themselves, so that no mean is taken between a time and "out of reach" (infinite).

    Examples
    --------
    >>> [float(value[0]) for value in drawn_quantiles(np.array([[5.0, 1.0, 3.0, 2.0, 4.0]]), (0.2, 0.8))]
    [1.0, 4.0]
    """
    count = drawn.shape[1]
    ordered = np.sort(drawn, axis=1)
    # NaN is sorted last
    unknown = np.isnan(ordered[:, -1])
    places = [max(math.ceil(round(share * count, 9)) - 1, 0) for share in shares]
    return [np.where(unknown, np.nan, ordered[:, place]) for place in places]


def triangular(quantile: float, low: Floats, mode: Floats, high: Floats) -> Floats:
    """Return values at a quantile of triangular laws; `mode` where there is no width."""
    width, rising = high - low, mode - low
    with np.errstate(invalid="ignore", divide="ignore"):
        turn = np.where(width > 0, rising / width, 0.0)
    below = low + np.sqrt(quantile * width * rising)
    above = high - np.sqrt((1.0 - quantile) * width * (high - mode))
    return np.asarray(np.where(quantile < turn, below, above), dtype=np.float64)


def _drawing_times(
    travel_times: pd.DataFrame,
    time_error_min: float | None,
    shared_error: float,
    same_road: Mapping[str, str],
    seed: int,
) -> Callable[[int], pd.DataFrame]:
    """Return what gives the times of each draw, with an error that hangs on the seed, the draw and the two ids only."""
    half_widths = _half_widths(travel_times, time_error_min)
    largest = float(half_widths.max(initial=0.0)) * MAX_SD / HALF_WIDTHS_PER_SD
    cutoff_min = cutoff_of(travel_times) - largest
    if cutoff_min <= 0:
        raise ParameterError(
            f"Le doute sur les temps (jusqu'à {largest:.1f} min) dépasse la coupure de la table "
            f"({cutoff_of(travel_times):g} min) : recalculez les temps avec une coupure plus longue."
        )
    # coded once: every draw would otherwise read the texts again
    coded = travel_times.astype({"from_id": "category", "to_id": "category"})
    minutes = coded["travel_time_min"].to_numpy(dtype=np.float64, na_value=np.nan)
    start, end = coded["from_id"].cat, coded["to_id"].cat
    places = [same_road.get(site, site) for site in end.categories]
    origin_keys = pd.util.hash_array(np.asarray(start.categories, dtype=object))
    place_keys = pd.util.hash_array(np.asarray(places, dtype=object))
    origin = start.codes.to_numpy()
    pair_keys = _mix(origin_keys[origin] ^ _mix(place_keys)[end.codes.to_numpy()])

    def draw(number: int) -> pd.DataFrame:
        # arrays of one, since only arrays wrap around in silence
        seeds, numbers = np.array([seed], dtype=np.uint64), np.array([number + 1], dtype=np.uint64)
        draw_key = _mix(seeds ^ _mix(numbers))
        by_origin = _normal(origin_keys ^ draw_key)[origin]
        z = math.sqrt(shared_error) * by_origin + math.sqrt(1.0 - shared_error) * _normal(
            pair_keys ^ draw_key
        )
        error = half_widths / HALF_WIDTHS_PER_SD * np.clip(z, -MAX_SD, MAX_SD)
        drawn = coded.assign(travel_time_min=np.maximum(minutes + error, 0.0))
        drawn.attrs = {"cutoff_min": cutoff_min if math.isfinite(cutoff_min) else math.nan}
        return drawn

    return draw


def _drawing_needs(
    demand: pd.Series[float], low: pd.Series[float] | None, high: pd.Series[float] | None
) -> Callable[[float], pd.Series[float]]:
    """Return what gives the demand at a quantile of the triangular law: all communes are at the same one."""
    if (low is None) != (high is None):
        raise ParameterError("Demande : donnez la valeur basse et la valeur haute, ou aucune des deux.")
    mode = read_amounts(demand, "Demande")
    if low is None or high is None:
        return lambda quantile: demand
    least = read_amounts(low.reindex(demand.index), "Demande basse")
    most = read_amounts(high.reindex(demand.index), "Demande haute")
    wrong = demand.index[(least > mode) | (mode > most)]
    refuse(wrong, "commune(s) dont la valeur centrale n'est pas entre la basse et la haute", of="Demande")
    unknown = np.isnan(mode) | np.isnan(most - least)

    def at(quantile: float) -> pd.Series[float]:
        drawn = np.where(unknown, np.nan, triangular(quantile, least, mode, most))
        return pd.Series(drawn, index=demand.index, name=demand.name)

    return at


def _half_widths(travel_times: pd.DataFrame, time_error_min: float | None) -> Floats:
    """Return the doubt on each pair."""
    if time_error_min is not None:
        return np.full(len(travel_times), float(time_error_min))
    if "uncertainty_min" not in travel_times.columns:
        raise SchemaError(
            "Table des temps : il manque uncertainty_min (demi-largeur du doute, en minutes) ; ou indiquez "
            "time_error_min, par exemple 5."
        )
    widths = travel_times["uncertainty_min"].to_numpy(dtype=np.float64, na_value=np.nan)
    bad = ~(widths >= 0) & travel_times["travel_time_min"].notna().to_numpy()
    if bad.any():
        pairs = travel_times.loc[bad, ["from_id", "to_id"]].itertuples(index=False)
        raise SchemaError(
            f"Table des temps : uncertainty_min est inconnu ou négatif pour {agree(int(bad.sum()), 'couple(s)')} "
            f"({examples(f'{pair[0]} → {pair[1]}' for pair in pairs)}) : complétez-le, ou indiquez time_error_min."
        )
    return np.asarray(np.nan_to_num(widths, nan=0.0), dtype=np.float64)


def _mix(keys: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Return keys scattered over all 64 bits (the finaliser of SplitMix64, Steele, Lea and Flood 2014)."""
    keys = keys + np.uint64(0x9E3779B97F4A7C15)
    keys = (keys ^ (keys >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    keys = (keys ^ (keys >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return keys ^ (keys >> np.uint64(31))


def _normal(keys: NDArray[np.uint64]) -> Floats:
    """Return one normal number per key."""
    # the half step keeps away from 0 and 1, where the normal is infinite
    uniform = ((_mix(keys) >> np.uint64(11)).astype(np.float64) + 0.5) * 2.0**-53
    return np.asarray(ndtri(uniform), dtype=np.float64)


def _check_level(level: float, samples: pd.DataFrame) -> None:
    """Raise for a share out of range or no draw."""
    if not 0 < level < 1:
        raise ParameterError(f"Niveau {level} : un nombre entre 0 et 1 est attendu.")
    if not samples.shape[1]:
        raise ParameterError("Aucun tirage : rien à résumer.")
