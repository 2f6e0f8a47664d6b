"""Concentration index, standard and corrected for bounded measures."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from territory.access._weighted import fractional_rank, read_weighted
from territory.access.pairs import Floats
from territory.errors import ParameterError, examples


def concentration_index(
    values: pd.Series[float],
    rank_by: pd.Series[float],
    weights: pd.Series[float] | None = None,
    *,
    correction: str | None = None,
    bounds: tuple[float, float] | None = None,
) -> float:
    """Concentration index: whether the measure goes to those ranked high or to those ranked low.

    Notes
    -----
    C = 2 cov(x, r) / mean, r the weighted fractional rank (middle of each rank's persons). Erreygers: 4 mean C /
    (b - a). Wagstaff: (b - a) mean C / ((b - mean)(mean - a)). Wagstaff, Paci and van Doorslaer (1991), Social
    Science & Medicine 33; Wagstaff (2005), Health Economics 14; Erreygers (2009), Journal of Health Economics 28.

    Examples
    --------
    >>> round(concentration_index(pd.Series([1.0, 2.0, 3.0]), pd.Series([900.0, 1500.0, 2100.0])), 4)
    0.2222
    """
    x, w = read_weighted(values, weights)
    ranks = rank_by.reindex(values.index)[~values.isna()]
    if ranks.isna().any():
        raise ParameterError(
            f"Rang inconnu pour {int(ranks.isna().sum())} commune(s) ({examples(ranks.index[ranks.isna()])})."
        )
    _check_bounds(x, correction, bounds)
    if not w.sum():
        return math.nan
    share = w / w.sum()
    mean = float((share * x).sum())
    covariance = float(
        (share * (x - mean) * fractional_rank(np.asarray(ranks, dtype=np.float64), share)).sum()
    )
    if correction is None:
        return 2.0 * covariance / mean if mean else math.nan
    assert bounds is not None
    low, high = bounds
    if correction == "erreygers":
        return 8.0 * covariance / (high - low)
    spread = (high - mean) * (mean - low)
    return 2.0 * (high - low) * covariance / spread if spread > 0 else math.nan


def _check_bounds(x: Floats, correction: str | None, bounds: tuple[float, float] | None) -> None:
    """Raise if the correction and the bounds do not go together."""
    if correction not in (None, "erreygers", "wagstaff"):
        raise ParameterError(
            f"Correction « {correction} » inconnue : choisissez erreygers ou wagstaff, ou aucune."
        )
    if (correction is None) != (bounds is None):
        raise ParameterError(
            "Indice de concentration : les bornes (bounds) vont avec une correction, et une correction avec ses "
            'bornes ; par exemple correction="erreygers", bounds=(0, 1) pour une part.'
        )
    if bounds is not None and not (
        bounds[0] < bounds[1] and (x >= bounds[0]).all() and (x <= bounds[1]).all()
    ):
        raise ParameterError(f"Indice de concentration : des valeurs sortent des bornes {bounds}.")
