"""Inequality of a measure between persons: Gini, Palma, Theil, concentration index, poverty, gaps.

Each commune weighs as many as its persons. A commune whose value is unknown is left out with a warning that
says how many persons that is; infinite values are refused, since no inequality can be measured with them. All
measures raise `ParameterError` as `gini` does, and are NaN if nobody is left or all values are 0.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd

from territory.access.pairs import Floats, Labels, Values, warn
from territory.errors import ParameterError, agree, examples, refuse
from territory.tables.arguments import accepting

__all__ = ["Theil", "concentration_index", "fgt_poverty", "gini", "palma_ratio", "theil_t"]

PALMA_TOP_SHARE = 0.10
PALMA_BOTTOM_SHARE = 0.40
# a share under this is a limit that fell on a commune's edge
ROUNDING_SHARE = 1e-12


@dataclass(frozen=True)
class Theil:
    """Theil's T, the sum of what lies between groups and within them (NaN without groups), and T inside each."""

    total: float
    between: float
    within: float
    by_group: pd.Series[float]

    def __repr__(self) -> str:
        return f"Theil({self.total:.4f} = {self.between:.4f} entre + {self.within:.4f} dans les groupes)"


@accepting
def gini(values: Values, weights: Values | None = None) -> float:
    """Gini coefficient, 0 (all alike) to 1: mean difference between two persons, over twice the mean. Gini (1912).

    ``G = sum_i sum_j w_i w_j |x_i - x_j| / (2 mean W²)``, computed from the Lorenz curve.

    Parameters
    ----------
    values
        Measure by commune, 0 or more. NaN = unknown.
    weights
        Persons by commune, at least for the communes of `values`; None = each commune counts for one.

    Raises
    ------
    ParameterError
        If values or weights are negative or infinite, or a weight is missing.

    Examples
    --------
    >>> gini(pd.Series([1.0, 1.0, 1.0, 5.0]))
    0.375
    """
    x, w = read_weighted(values, weights)
    people, amount = lorenz(x, w)
    if math.isnan(amount[-1]):
        return math.nan
    return max(1.0 - float(((amount[1:] + amount[:-1]) * np.diff(people)).sum()), 0.0)


@accepting
def palma_ratio(values: Values, weights: Values | None = None, *, rank_by: Values | None = None) -> float:
    """Palma ratio: what the top tenth of persons has (the longest times), over what the bottom four tenths have.

    P = (1 - L(0.9)) / L(0.4), L the Lorenz curve, or that of concentration where persons are ranked by something else
    (`rank_by`, an income); arguments as for `gini`. 0.25 when all are alike (four times it is the ratio of the two
    means), infinite when the bottom four tenths have nothing; a commune astride a limit is split. Palma (2011),
    Development and Change 42, 87-153.

    Examples
    --------
    >>> palma_ratio(pd.Series([1.0] * 9 + [11.0]))
    2.75
    """
    x, w = read_weighted(values, weights)
    people, amount = lorenz(x, w, x if rank_by is None else _ranks(values, rank_by, w))
    if math.isnan(amount[-1]):
        return math.nan
    top = 1.0 - float(np.interp(1.0 - PALMA_TOP_SHARE, people, amount))
    bottom = float(np.interp(PALMA_BOTTOM_SHARE, people, amount))
    return top / bottom if bottom > ROUNDING_SHARE else math.inf


@accepting
def theil_t(values: Values, weights: Values | None = None, *, groups: Labels | None = None) -> Theil:
    """Theil's T index, and how much of it lies between groups (EPCI, départements) and within them.

    T = sum p_i (x_i / mean) ln(x_i / mean), p_i the share of persons, 0 ln 0 = 0. Between: sum s_g ln(mean_g / mean);
    within: sum s_g T_g; s_g the share of the whole amount that falls to group g. Theil (1967), Economics and
    Information Theory. Arguments as for `gini`; a commune without one of the `groups` is a `ParameterError`, None =
    no split.

    Examples
    --------
    >>> theil_t(pd.Series([1.0, 1.0, 3.0, 3.0]), groups=pd.Series(["a", "a", "b", "b"]))
    Theil(0.1308 = 0.1308 entre + 0.0000 dans les groupes)
    """
    x, w = read_weighted(values, weights)
    total = _theil(x, w)
    if groups is None:
        return Theil(total, math.nan, math.nan, pd.Series(dtype=np.float64))
    zone = groups.reindex(values.index)
    refuse(zone.index[zone.isna()], "commune(s) sans groupe")
    zone = zone[~values.isna().to_numpy()]
    amount = float((x * w).sum())
    # nothing to share, nothing to split
    between = within = 0.0 if amount else math.nan
    inside = {}
    for name in pd.unique(zone):
        here = zone == name
        inside[name] = _theil(x[here], w[here])
        share = float((x[here] * w[here]).sum()) / amount if amount else 0.0
        # a group without persons or without anything weighs nothing
        if share > 0:
            people = w[here].sum() / w.sum()
            between += share * math.log(share / people)
            within += share * inside[name]
    return Theil(total, between, within, pd.Series(inside, dtype=np.float64))


@accepting
def fgt_poverty(
    values: Values, weights: Values | None = None, *, line: float, alpha: int = 0, direction: str = "below"
) -> float:
    """Foster, Greer and Thorbecke's poverty: how many lack access, how far, and how unequally.

    ``FGT_a = sum p_i (|line - x_i| / line)^a`` over the poor; at most 1 when direction is "below". Foster, Greer and
    Thorbecke (1984), Econometrica 52, 761-766.

    Parameters
    ----------
    values, weights
        As for `gini`.
    line
        Threshold in the unit of the measure, positive; a commune at the line is not poor.
    alpha
        0: share of persons beyond the line; 1: mean gap; 2: mean squared gap, which weighs the furthest most.
    direction
        "below": poor under the line (an access); "above": poor over it (a time).

    Examples
    --------
    >>> fgt_poverty(pd.Series([20.0, 30.0, 45.0, 60.0]), line=30, alpha=1, direction="above")
    0.375
    """
    if alpha not in (0, 1, 2):
        raise ParameterError(f"alpha = {alpha} : choisissez 0 (part), 1 (écart) ou 2 (écart au carré).")
    if direction not in ("below", "above"):
        raise ParameterError(f"Sens « {direction} » inconnu : choisissez below (accès) ou above (temps).")
    if not (math.isfinite(line) and line > 0):
        raise ParameterError(f"line = {line} : un nombre positif est attendu.")
    x, w = read_weighted(values, weights)
    if not w.sum():
        return math.nan
    gap = (line - x if direction == "below" else x - line) / line
    poor = gap > 0
    return float((w[poor] * gap[poor] ** alpha).sum() / w.sum())


def _theil(x: Floats, w: Floats) -> float:
    amount = (x * w).sum()
    if amount == 0:
        return math.nan
    ratio = x * (w.sum() / amount)
    positive = ratio > 0
    return max(float((w[positive] * ratio[positive] * np.log(ratio[positive])).sum() / w.sum()), 0.0)


@accepting
def concentration_index(
    values: Values,
    rank_by: Values,
    weights: Values | None = None,
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
    ranks = _ranks(values, rank_by, w)
    if correction not in (None, "erreygers", "wagstaff"):
        raise ParameterError(f"Correction « {correction} » inconnue : erreygers, wagstaff ou aucune.")
    if (correction is None) != (bounds is None):
        raise ParameterError(
            "Indice de concentration : les bornes (bounds) vont avec une correction, et une correction avec ses "
            'bornes ; par exemple correction="erreygers", bounds=(0, 1) pour une part.'
        )
    if bounds is not None and not (bounds[0] < bounds[1] and ((x >= bounds[0]) & (x <= bounds[1])).all()):
        raise ParameterError(f"Indice de concentration : des valeurs sortent des bornes {bounds}.")
    if not w.sum():
        return math.nan
    share = w / w.sum()
    mean = float((share * x).sum())
    # the middle of each rank's persons, on a scale from 0 to 1
    _, place = np.unique(ranks, return_inverse=True)
    persons = np.bincount(place, weights=share)
    covariance = float((share * (x - mean) * (np.cumsum(persons) - persons / 2.0)[place]).sum())
    if correction is None:
        return 2.0 * covariance / mean if mean else math.nan
    assert bounds is not None
    low, high = bounds
    if correction == "erreygers":
        return 8.0 * covariance / (high - low)
    spread = (high - mean) * (mean - low)
    return 2.0 * (high - low) * covariance / spread if spread > 0 else math.nan


def read_weighted(values: Values, weights: Values | None) -> tuple[Floats, Floats]:
    """Return known values and their weights, warn for the unknown ones."""
    if weights is None:
        weights = pd.Series(1.0, index=values.index)
    elif weights.index.has_duplicates or values.index.has_duplicates:
        raise ParameterError("Valeurs et effectifs : des identifiants sont en double.")
    else:
        weights = weights.reindex(values.index)
    advice = ". Un temps hors d'atteinte reçoit d'abord une valeur, par exemple la coupure de la table."
    for name, amounts in (("Valeurs", values), ("Effectifs", weights)):
        numbers = amounts.to_numpy(dtype=np.float64, na_value=np.nan)
        bad = amounts.index[(numbers < 0) | np.isinf(numbers)]
        refuse(bad, "nombre(s) négatif(s) ou infini(s)", of=name, advice=advice)
    refuse(weights.index[weights.isna()], "commune(s) sans effectif connu", of="Effectifs")
    unknown = values.isna()
    if unknown.any():
        warn(
            f"{agree(int(unknown.sum()), 'commune(s) à la valeur inconnue laissée(s)')} hors de la mesure d'inégalité "
            f"({examples(values.index[unknown])}, {float(weights[unknown].sum()):g} personnes)."
        )
    known = ~unknown.to_numpy()
    x: Floats = np.asarray(values.to_numpy(dtype=np.float64, na_value=np.nan)[known], dtype=np.float64)
    w: Floats = np.asarray(weights.to_numpy(dtype=np.float64)[known], dtype=np.float64)
    return x, w


def _ranks(values: Values, rank_by: Values, w: Floats) -> Floats:
    """Return what persons are ranked by, for the values that are known; where there is nobody it may be unknown."""
    ranks = rank_by.reindex(values.index)[~values.isna()].astype(float)
    refuse(ranks.index[ranks.isna().to_numpy() & (w > 0)], "commune(s) de rang inconnu")
    return np.asarray(ranks.fillna(0.0), dtype=np.float64)


def lorenz(x: Floats, w: Floats, by: Floats | None = None) -> tuple[Floats, Floats]:
    """Return the Lorenz curve: growing share of persons, and share of the amount; NaN if there is none."""
    order = np.argsort(x if by is None else by, kind="stable")
    people: Floats = np.zeros(x.size + 1)
    amount: Floats = np.zeros(x.size + 1)
    people[1:] = np.cumsum(w[order])
    amount[1:] = np.cumsum((x * w)[order])
    if amount[-1] == 0:
        return people, np.full_like(amount, np.nan)
    people /= people[-1]
    amount /= amount[-1]
    return people, amount
