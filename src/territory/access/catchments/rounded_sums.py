"""Sums over pairs whose order changes nothing: in two floats each, exact where that could show in the result.

A sum of positive terms kept as a float and what its rounding lost (Knuth's two-sum) is known to some 80 bits. Its
nearest float is then that of the exact sum, unless it lies that close to the middle of two floats: all is then summed
exactly, which takes three times as long.
"""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray

from territory.access.catchments.exact_sums import weighted_sums as exact_sums

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]

# exact sums hold the whole of a term between these
_SMALLEST, _LARGEST = 2.0**-260, 2.0**100


def weighted_sums(into: Ints, given_by: Ints, weights: Floats, amounts: Floats, size: int) -> Floats:
    """Return, by position of `into`, the sums of weight x amount of `given_by`, rounded once.

    A known 0, of weight or of amount, wins over an unknown on the other side. Neither is negative. A pair comes once:
    a place has at most one term per amount.
    """
    high, low, unknown, smallest, largest = _two_floats(into, given_by, weights, amounts, size)
    values = high + low
    # what is left of the sum beyond its float, without error (two-sum)
    back = values - high
    rest = (high - (values - back)) + (low - back)
    doubt = float(min(amounts.size, into.size) + 1) ** 2 * 2.0**-104 * values
    is_close = np.abs(np.abs(rest) - np.spacing(values) / 2) <= doubt
    # under a power of two, the float below is half as far
    is_close |= np.abs(np.abs(rest) - np.spacing(values) / 4) <= doubt
    if smallest < _SMALLEST or largest > _LARGEST or (is_close & (values > 0)).any():
        return exact_sums(into, given_by, weights, amounts, size)
    values[unknown] = np.nan
    return values


@numba.njit(cache=True, nogil=True)
def _two_floats(
    into: Ints, given_by: Ints, weights: Floats, amounts: Floats, size: int
) -> tuple[Floats, Floats, NDArray[np.bool_], float, float]:  # pragma: no cover - compiled
    """Return sums as floats and what they lost, which are unknown, and the smallest and largest term."""
    high, low, unknown = np.zeros(size), np.zeros(size), np.zeros(size, np.bool_)
    smallest, largest = np.inf, 0.0
    for row in range(into.size):
        weight, amount = weights[row], amounts[given_by[row]]
        term = weight * amount
        place = into[row]
        # nearly always true; a term of 0 changes nothing below
        if term >= 0:
            if 0 < term < smallest:
                smallest = term
            if term > largest:
                largest = term
            before = high[place]
            after = before + term
            back = after - before
            high[place] = after
            low[place] += (before - (after - back)) + (term - back)
        elif not (weight == 0 or amount == 0):
            unknown[place] = True
    return high, low, unknown, smallest, largest
