"""Persons in need per commune: from a population by age, a rate and what is known of the département."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from territory.errors import ParameterError, SchemaError, examples
from territory.tables import DEMAND_KINDS

# only these kinds count persons who hold, or wait for, a place: the others never stand beside places
KINDS_COMPARABLE_WITH_PLACES = ("orientation", "waiting")


def persons_by_age(population: pd.DataFrame, *, age_min: float, age_max: float) -> pd.Series:
    r"""Count the persons of an age range in each commune, whatever the age bands of the census table.

    Ages are completed years and both bounds are included: 3 to 20 means 18 years of birth. Inside a band
    persons are taken to be spread evenly over its years,

    .. math:: P_i(a, b) = \sum_k P_{ik} \, |[a, b] \cap k| / |k|

    Parameters
    ----------
    population : DataFrame indexed by (commune_code, age_min, age_max), column `population` (hab)
        Disjoint bands; they may differ from one commune to the next. `age_max` NaN = no upper bound.
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
        If two bands of a commune overlap.

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
    bands = population.reset_index()
    low = bands["age_min"].to_numpy(float)
    # a band is [low, high[ in exact years: 0–24 ends at the 25th birthday
    high = bands["age_max"].astype(float).fillna(np.inf).to_numpy() + 1
    _check_disjoint(bands["commune_code"], low, high)
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
    counted = np.where(overlap > 0, bands["population"].to_numpy(float, na_value=np.nan) * share, 0.0)
    pieces = pd.DataFrame({"persons": counted, "years": overlap, "is_unknown": np.isnan(counted)})
    by_commune = pieces.groupby(bands["commune_code"].to_numpy(), sort=False).sum()
    is_whole = by_commune["years"] >= age_max + 1 - age_min
    known: pd.Series = by_commune["persons"].where(is_whole & (by_commune["is_unknown"] == 0))
    return known.rename_axis("commune_code")


def scale_to_total(counts: pd.Series, total: float, *, within: pd.Index | None = None) -> pd.Series:
    """Scale counts so that those of a territory add up to a known total.

    Parameters
    ----------
    counts : Series indexed by commune code
        Counts; NaN stays NaN and takes no part.
    total
        Known total of the communes `within`, in the unit of `counts`.
    within
        Communes that the total is about; all by default. The others are multiplied by the same factor.

    Returns
    -------
    Series
        Scaled counts, same index.

    Raises
    ------
    ParameterError
        If the total is not a finite number of zero or more, or if nothing is there to be scaled.

    Examples
    --------
    >>> scale_to_total(pd.Series({"83050": 30.0, "83121": 10.0}), 80.0).tolist()
    [60.0, 20.0]
    """
    known = counts if within is None else counts[counts.index.isin(within)]
    present = known.sum()
    if not (math.isfinite(total) and total >= 0):
        raise ParameterError(f"Un total connu est un nombre positif ou nul ; reçu : {total}.")
    if not present > 0:
        raise ParameterError(
            f"Rien à caler sur le total de {total:g} : les communes visées n'ont aucun effectif."
        )
    return counts * (total / present)


def demand_from_rate(
    persons: pd.Series,
    *,
    public: str,
    kind: str,
    per_1000: float,
    low_per_1000: float = math.nan,
    high_per_1000: float = math.nan,
) -> pd.DataFrame:
    """Turn persons of the age concerned into persons in need, by a rate and its range.

    Parameters
    ----------
    persons : Series indexed by commune code
        Persons of the age that the rate is about.
    public
        Short name of the public (`autisme`, `aeeh`).
    kind
        What is counted: prevalence, rights, orientation, waiting or population. Only orientations and
        waiting children may be set against places.
    per_1000, low_per_1000, high_per_1000
        Rate and its range per 1,000 persons; NaN = unknown.

    Returns
    -------
    DataFrame
        Table `demand`: index (commune_code, public), columns demand, demand_low, demand_high (persons), kind.

    Raises
    ------
    ParameterError
        If the kind is unknown, a rate is negative, or low, central and high are not in order.

    Examples
    --------
    >>> demand_from_rate(pd.Series({"83050": 1000.0}), public="autisme", kind="prevalence", per_1000=8.0)
                            demand  demand_low  demand_high        kind
    commune_code public
    83050        autisme     8.0         NaN          NaN  prevalence
    """
    if kind not in DEMAND_KINDS:
        raise ParameterError(
            f"Nature de besoin inconnue « {kind} » : choisissez parmi {', '.join(DEMAND_KINDS)}."
        )
    rates = [rate for rate in (low_per_1000, per_1000, high_per_1000) if not math.isnan(rate)]
    if any(rate < 0 for rate in rates) or rates != sorted(rates):
        raise ParameterError(
            f"Taux de « {public} » : bas ({low_per_1000:g}), central ({per_1000:g}) et haut ({high_per_1000:g}) "
            "doivent être positifs et croissants."
        )
    index = pd.MultiIndex.from_product([persons.index, [public]], names=["commune_code", "public"])
    values = persons.to_numpy(float)
    return pd.DataFrame(
        {
            "demand": values * per_1000 / 1000,
            "demand_low": values * low_per_1000 / 1000,
            "demand_high": values * high_per_1000 / 1000,
            "kind": kind,
        },
        index=index,
    )


def _check_disjoint(codes: pd.Series, low: np.ndarray, high: np.ndarray) -> None:
    """Raise when two bands of one commune overlap: persons would be counted twice."""
    order = np.lexsort((low, codes.to_numpy(str)))
    same = codes.to_numpy()[order][1:] == codes.to_numpy()[order][:-1]
    overlapping = same & (low[order][1:] < high[order][:-1])
    if overlapping.any():
        found = codes.to_numpy()[order][1:][overlapping]
        raise SchemaError(
            f"Population par âge : des tranches se recouvrent dans {len(set(found))} commune(s) ({examples(found)})."
        )
