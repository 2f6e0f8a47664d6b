"""The one rule of gain and loss, and what the draws of a study need: laws, names of the verdicts."""

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtr, ndtri

from territory.access.pairs import Bools, Floats
from territory.errors import ParameterError

# `uncertainty_min` is the half-width that holds 80 % of the errors
HALF_WIDTHS_PER_SD = float(ndtri(0.90))
# errors beyond are cut, so that a table with a cutoff says up to where it stays complete
MAX_SD = 2.5
SURE, DOUBTFUL = "sûr", "douteux"
# of the rule of gain and loss: at most one in ten of what is told is told wrongly
TOLD_LEVEL = 0.90


def told_apart(
    change_min: ArrayLike,
    detectable_min: ArrayLike,
    *,
    level: float = TOLD_LEVEL,
    together: ArrayLike | None = None,
) -> Bools:
    """Tell which changes of a trip are gains or losses: the one rule of the library (docs/method/acces-incertitude.md).

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
        Weight of each change among those compared with one another (inhabitants, say); 0 = not one of them, told if
        its evidence is as strong as that asked of them. None = each change is read alone, as a mean is.

    Notes
    -----
    The error of a change is normal, of standard deviation detectable / 1.2816; p is the chance of one at least as
    large without any true change. Alone, a change is told when p <= 1 - level. Together, up to the largest p such that
    p <= (1 - level) x the share of the weights that is told: the expected share of those told wrongly is then at most
    1 - level (Benjamini and Hochberg 1995, weighted as in Benjamini and Hochberg 1997).

    Examples
    --------
    >>> told_apart([-9.0, 4.0, 6.0], [5.0, 5.0, 5.0]).tolist()
    [True, False, False]
    """
    if not 0 < level < 1:
        raise ParameterError(f"level vaut {level} : une part entre 0 et 1 est attendue.")
    given = change_min, detectable_min, 0.0 if together is None else together
    try:
        change, size, mass = np.broadcast_arrays(*(np.asarray(one, float) for one in given))
    except ValueError:
        raise ParameterError("Écarts, seuils et poids : autant de valeurs de chacun, ou une seule.") from None
    if mass.ndim > 1 or (np.isinf(mass) | (mass < 0)).any():
        raise ParameterError("together : des poids positifs ou nuls sont attendus.")
    moves = np.abs(change) > 0
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        chance = np.where(moves, 2.0 * ndtr(-np.abs(change) * HALF_WIDTHS_PER_SD / size), 1.0)
    limit = 1.0 - level
    if together is not None:
        weights = np.where(np.isnan(chance) | (size == 0), 0.0, np.nan_to_num(mass))
        order = np.argsort(chance, kind="stable")
        told = np.cumsum(weights[order]) / max(float(weights.sum()), np.finfo(float).tiny)
        kept = (weights[order] > 0) & (chance[order] <= limit * told)
        limit = float(chance[order][kept].max(initial=0.0))
    return np.asarray(moves & (np.abs(change) >= size) & (chance <= limit), dtype=np.bool_)


def triangular(quantile: float, low: Floats, mode: Floats, high: Floats) -> Floats:
    """Return values at a quantile of triangular laws; `mode` where there is no width."""
    width, rising = high - low, mode - low
    with np.errstate(invalid="ignore", divide="ignore"):
        turn = np.where(width > 0, rising / width, 0.0)
    below = low + np.sqrt(quantile * width * rising)
    above = high - np.sqrt((1.0 - quantile) * width * (high - mode))
    return np.asarray(np.where(quantile < turn, below, above), dtype=np.float64)
