"""Inequality of a measure between persons: Gini, Palma, Theil, concentration index, poverty, gaps.

Each commune weighs as many as its persons. A commune whose value is unknown is left out with a warning that
says how many persons that is; infinite values are refused, since no inequality can be measured with them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd

from territory.access._concentration import concentration_index
from territory.access._weighted import lorenz, read_weighted
from territory.access.pairs import Floats, warn
from territory.access.pathways.practitioners import mean_by
from territory.errors import ParameterError, examples

__all__ = [
    "GroupGap",
    "Theil",
    "concentration_index",
    "fgt_poverty",
    "gini",
    "group_gap",
    "palma_ratio",
    "theil_t",
]

PALMA_TOP_SHARE = 0.10
PALMA_BOTTOM_SHARE = 0.40
# a share under this is a limit that fell on a commune's edge
ROUNDING_SHARE = 1e-12


@dataclass(frozen=True)
class Theil:
    """Theil's T, split into what lies between groups and what lies within them.

    Attributes
    ----------
    total, between, within
        `between` and `within` add up to `total`; without groups they are NaN.
    by_group
        Theil's T inside each group; empty without groups.
    """

    total: float
    between: float
    within: float
    by_group: pd.Series[float]

    def __repr__(self) -> str:
        return f"Theil({self.total:.4f} = {self.between:.4f} entre + {self.within:.4f} dans les groupes)"


@dataclass(frozen=True)
class GroupGap:
    """Gap between the groups with the highest and the lowest mean.

    Attributes
    ----------
    means
        Mean of each group, weighted by persons.
    highest, lowest
        Names of the two groups (the first in alphabetical order among equals).
    difference
        Highest minus lowest, in the unit of the measure.
    ratio
        Highest over lowest; infinite when the lowest is 0, NaN when both are.
    """

    means: pd.Series[float]
    highest: str
    lowest: str
    difference: float
    ratio: float

    def __repr__(self) -> str:
        return f"GroupGap({self.highest} − {self.lowest} = {self.difference:.4g})"


def gini(values: pd.Series[float], weights: pd.Series[float] | None = None) -> float:
    """Gini coefficient: mean difference between two persons taken at random, over twice the mean.

    Parameters
    ----------
    values
        Measure by commune, 0 or more. NaN = unknown.
    weights
        Persons by commune, at least for the communes of `values`; None = each commune counts for one.

    Returns
    -------
    float
        0 (all alike) to 1; NaN if nobody is left or all values are 0.

    Raises
    ------
    ParameterError
        If values or weights are negative or infinite, or a weight is missing.

    Warns
    -----
    TerritoryWarning
        With the communes left out because their value is unknown.

    Notes
    -----
    ``G = sum_i sum_j w_i w_j |x_i - x_j| / (2 mean W²)``, computed from the Lorenz curve. Gini (1912).

    Examples
    --------
    >>> gini(pd.Series([1.0, 1.0, 1.0, 5.0]))
    0.375
    """
    x, w = read_weighted(values, weights)
    people, amount = lorenz(x, w)
    if math.isnan(amount[-1]):
        return math.nan
    area = float(((amount[1:] + amount[:-1]) * np.diff(people)).sum())
    return max(1.0 - area, 0.0)


def palma_ratio(values: pd.Series[float], weights: pd.Series[float] | None = None) -> float:
    """Palma ratio: what the top tenth of persons has, over what the bottom four tenths have.

    Parameters
    ----------
    values
        Measure by commune, 0 or more. NaN = unknown. For a time, "top" means the longest.
    weights
        Persons by commune; None = each commune counts for one.

    Returns
    -------
    float
        0.25 when all are alike; infinite when the bottom four tenths have nothing; NaN if all values are 0. A
        commune astride a limit is split.

    Raises
    ------
    ParameterError
        As `gini`.

    Notes
    -----
    P = (1 - L(0.9)) / L(0.4), L the Lorenz curve. Palma (2011), Development and Change 42, 87-153.

    Examples
    --------
    >>> palma_ratio(pd.Series([1.0] * 9 + [11.0]))
    2.75
    """
    x, w = read_weighted(values, weights)
    people, amount = lorenz(x, w)
    if math.isnan(amount[-1]):
        return math.nan
    top = 1.0 - float(np.interp(1.0 - PALMA_TOP_SHARE, people, amount))
    bottom = float(np.interp(PALMA_BOTTOM_SHARE, people, amount))
    return top / bottom if bottom > ROUNDING_SHARE else math.inf


def theil_t(
    values: pd.Series[float],
    weights: pd.Series[float] | None = None,
    *,
    groups: pd.Series[str] | None = None,
) -> Theil:
    """Theil's T index, and how much of it lies between groups (EPCI, départements) and within them.

    Parameters
    ----------
    values
        Measure by commune, 0 or more. NaN = unknown.
    weights
        Persons by commune; None = each commune counts for one.
    groups
        Group of each commune; None = no split.

    Returns
    -------
    Theil
        `.total`, `.between`, `.within`, `.by_group`.

    Raises
    ------
    ParameterError
        As `gini`; also if a commune has no group.

    Notes
    -----
    T = sum p_i (x_i / mean) ln(x_i / mean), p_i the share of persons, 0 ln 0 = 0. Between: sum s_g ln(mean_g /
    mean); within: sum s_g T_g; s_g the share of the whole amount that falls to group g. Theil (1967), Economics
    and Information Theory.

    Examples
    --------
    >>> theil_t(pd.Series([1.0, 1.0, 3.0, 3.0]), groups=pd.Series(["a", "a", "b", "b"]))
    Theil(0.1308 = 0.1308 entre + 0.0000 dans les groupes)
    """
    x, w = read_weighted(values, weights)
    total = _theil(x, w)
    if groups is None:
        return Theil(total, math.nan, math.nan, pd.Series(dtype=np.float64))
    zone = _groups(values, groups)[~values.isna().to_numpy()]
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


def fgt_poverty(
    values: pd.Series[float],
    weights: pd.Series[float] | None = None,
    *,
    line: float,
    alpha: int = 0,
    direction: str = "below",
) -> float:
    """Foster, Greer and Thorbecke's poverty: how many lack access, how far, and how unequally.

    Parameters
    ----------
    values
        Measure by commune, 0 or more. NaN = unknown.
    weights
        Persons by commune; None = each commune counts for one.
    line
        Threshold in the unit of the measure; a commune at the line is not poor.
    alpha
        0: share of persons beyond the line; 1: mean gap; 2: mean squared gap, which weighs the furthest most.
    direction
        "below": poor under the line (an access); "above": poor over it (a time).

    Returns
    -------
    float
        0 or more (at most 1 when direction is "below"); NaN if nobody is left.

    Raises
    ------
    ParameterError
        As `gini`; also if the line is not positive, alpha is not 0, 1 or 2, or the direction is unknown.

    Notes
    -----
    ``FGT_a = sum p_i (|line - x_i| / line)^a`` over the poor. Foster, Greer and Thorbecke (1984), Econometrica 52,
    761-766.

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


def group_gap(values: pd.Series[float], weights: pd.Series[float], groups: pd.Series[str]) -> GroupGap:
    """Gap between the groups (EPCI, say) with the highest and the lowest mean.

    Parameters
    ----------
    values
        Measure by commune. NaN = unknown: the mean of its group is unknown, and the group is set aside.
    weights
        Persons by commune.
    groups
        Group of each commune.

    Returns
    -------
    GroupGap
        `.means`, `.highest`, `.lowest`, `.difference`, `.ratio`.

    Raises
    ------
    ParameterError
        As `mean_by`; also if fewer than two groups have a known mean.

    Warns
    -----
    TerritoryWarning
        With the groups whose mean is unknown.

    Examples
    --------
    >>> group_gap(pd.Series([10.0, 20.0, 40.0]), pd.Series([1.0, 1.0, 5.0]), pd.Series(["a", "a", "b"]))
    GroupGap(b − a = 25)
    """
    means = mean_by(values, weights, groups)
    known = means.dropna().sort_index()
    if len(known) < len(means):
        unknown = means.index[means.isna()]
        warn(
            f"Moyenne inconnue pour {len(unknown)} groupe(s) ({examples(unknown)}), mis de côté.",
            stacklevel=3,
        )
    if len(known) < 2:
        raise ParameterError(
            f"Écart entre groupes : {len(known)} groupe(s) à moyenne connue, il en faut deux."
        )
    high, low = float(known.max()), float(known.min())
    ratio = high / low if low else (math.inf if high else math.nan)
    return GroupGap(means, str(known.idxmax()), str(known.idxmin()), high - low, ratio)


def _theil(x: Floats, w: Floats) -> float:
    """Return Theil's T."""
    amount = (x * w).sum()
    if amount == 0:
        return math.nan
    ratio = x * (w.sum() / amount)
    positive = ratio > 0
    return max(float((w[positive] * ratio[positive] * np.log(ratio[positive])).sum() / w.sum()), 0.0)


def _groups(values: pd.Series[float], groups: pd.Series[str]) -> pd.Series[str]:
    """Return the group of each commune, raise if one has none."""
    zone = groups.reindex(values.index)
    if zone.isna().any():
        outside = zone.index[zone.isna()]
        raise ParameterError(f"{len(outside)} commune(s) sans groupe ({examples(outside)}).")
    return zone
