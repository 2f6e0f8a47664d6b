"""Persons of any age range, from whatever age bands the census table of a commune has."""

from __future__ import annotations

import math
from typing import NamedTuple, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from territory.errors import ParameterError, Problems, SchemaError, agree, examples

Floats: TypeAlias = NDArray[np.float64]
LEVELS = ("commune_code", "age_min", "age_max")


class Bands(NamedTuple):
    """Age bands as arrays, each [low, high[ in exact years: 0–24 ends at the 25th birthday."""

    codes: pd.Series[str]
    low: Floats
    high: Floats
    persons: Floats


def persons_by_age(population: pd.DataFrame, *, age_min: float, age_max: float) -> pd.Series[float]:
    r"""Count the persons of an age range in each commune, whatever the age bands of the census table.

    Ages are completed years and both bounds are included: 3 to 20 means 18 years of birth. Inside a band
    persons are taken to be spread evenly over its years,

    .. math:: P_i(a, b) = \sum_k P_{ik} \, |[a, b] \cap k| / |k|

    Parameters
    ----------
    population : DataFrame indexed by (commune_code, age_min, age_max), column `population` (hab)
        Disjoint bands, single years of age included; they may differ from one commune to the next.
        `age_max` NaN = no upper bound.
    age_min, age_max
        Youngest and oldest completed age (years), both included; `age_max` may be infinite.

    Returns
    -------
    Series
        Persons, indexed by commune code in the order of the table. NaN where a count is unknown or where
        the bands of the commune do not cover the whole range.

    Raises
    ------
    ParameterError
        If the range is empty, or would cut a band that has no upper bound.
    SchemaError
        If two bands of a commune overlap, a band ends before it begins, or a count is negative or infinite.

    Examples
    --------
    >>> bands = pd.DataFrame(
    ...     {"commune_code": ["83050"] * 2, "age_min": [0, 25], "age_max": [24, np.nan], "population": [100.0, 300]}
    ... ).set_index(["commune_code", "age_min", "age_max"])
    >>> persons_by_age(bands, age_min=0, age_max=19)["83050"]
    np.float64(80.0)
    """
    if not 0 <= age_min <= age_max:
        raise ParameterError(f"Tranche d'âge vide : de {age_min:g} à {age_max:g} ans.")
    codes, low, high, persons = read_bands(population)
    overlap = np.clip(np.minimum(high, age_max + 1) - np.maximum(low, age_min), 0, None)
    is_open = np.isinf(high)
    if np.any(is_open & (overlap > 0) & ((low < age_min) | math.isfinite(age_max))):
        raise ParameterError(
            f"De {age_min:g} à {age_max:g} ans : la dernière tranche de la population n'a pas de borne haute et "
            "ne peut pas être coupée ; demandez des âges qui la laissent entière."
        )
    with np.errstate(invalid="ignore"):
        share = np.where(is_open, overlap > 0, overlap / (high - low))
    # a band that is not asked for may be unknown
    counted = np.where(overlap > 0, persons * share, 0.0)
    pieces = pd.DataFrame({"persons": counted, "years": overlap, "is_unknown": np.isnan(counted)})
    by_commune = pieces.groupby(codes.to_numpy(), sort=False).sum()
    # ages that are not whole years may add up to a hair less
    is_whole = by_commune["years"] >= age_max + 1 - age_min - 1e-9
    known: pd.Series[float] = by_commune["persons"].where(is_whole & (by_commune["is_unknown"] == 0))
    return known.rename_axis("commune_code")


def read_bands(population: pd.DataFrame) -> Bands:
    """Return the bands of a table `population` as arrays; raise on bands or counts that cannot be."""
    missing = set(LEVELS) - set(population.index.names)
    if missing or "population" not in population.columns:
        raise SchemaError(
            "Population par âge : l'index (commune_code, age_min, age_max) et la colonne « population » sont "
            "attendus."
        )
    rows = population.reset_index()
    codes = rows["commune_code"].astype("str")
    low: Floats = rows["age_min"].to_numpy(float)
    high = np.asarray(rows["age_max"].astype(float).fillna(np.inf), np.float64) + 1
    persons: Floats = rows["population"].to_numpy(float, na_value=np.nan)
    problems = Problems("Population par âge", SchemaError)
    for label, wrong in (
        ("tranche(s) dont l'âge minimal est absent ou négatif", ~(low >= 0)),
        ("tranche(s) qui (finit|finissent) avant de commencer", high <= low),
        ("effectif(s) négatif(s) ou infini(s)", (persons < 0) | np.isinf(persons)),
    ):
        if wrong.any():
            problems.add(f"{agree(int(wrong.sum()), label)} ({examples(codes[wrong])})")
    problems.raise_if_any()
    _check_disjoint(codes, low, high)
    return Bands(codes, low, high, persons)


def _check_disjoint(codes: pd.Series[str], low: Floats, high: Floats) -> None:
    """Raise when two bands of one commune overlap: persons would be counted twice."""
    order = np.lexsort((low, codes.to_numpy(str)))
    same = codes.to_numpy()[order][1:] == codes.to_numpy()[order][:-1]
    overlapping = same & (low[order][1:] < high[order][:-1])
    if overlapping.any():
        found = codes.to_numpy()[order][1:][overlapping]
        raise SchemaError(
            f"Population par âge : des tranches se recouvrent dans {agree(len(set(found)), 'commune(s)')} "
            f"({examples(found)})."
        )
