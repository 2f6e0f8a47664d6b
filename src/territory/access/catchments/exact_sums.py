"""Sums that do not depend on the order of their terms: exact until the one rounding at the end.

`ExactSums` are wide fixed-point numbers, in limbs of 32 bits held by 64-bit integers: sums over parts of a table add
up to the sum over the table, bit for bit (Kulisch and Miranker (1986), SIAM Review 28, 1-40). `weighted_sums`, for a
whole table, goes three times as fast: a float and what its rounding lost (Knuth (1969), volume 2, 4.2.2, two-sum),
unless the sum lies that close to the middle of two floats: all is then summed exactly.
"""

import math
from dataclasses import dataclass
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from territory.access.pairs import Floats, Ints

Limbs = NDArray[np.int64]

# from 2**-320 to 2**160: a term below is dropped, one above makes its sum infinite; a limb takes two thousand
# million terms
_LIMBS = 16
_LOWEST_BIT = -320
_BITS = 32
_MASK = (1 << _BITS) - 1
_MANTISSA = 53
# a float is its 53 bits times two to its exponent less this
_FLOAT_BIAS = 1075
_UNKNOWN, _TOO_LARGE = 1, 2
# exact sums hold the whole of a term between these
_SMALLEST, _LARGEST = 2.0**-260, 2.0**100


@dataclass(frozen=True, eq=False)
class ExactSums:
    """One exact sum per place; sums over parts of a table are added with `add_at`."""

    limbs: Limbs
    flags: NDArray[np.uint8]

    @classmethod
    def zeros(cls, size: int) -> "ExactSums":
        """Return sums without terms."""
        return cls(np.zeros((size, _LIMBS), np.int64), np.zeros(size, np.uint8))

    def add(self, into: Ints, given_by: Ints, weights: Floats, amounts: Floats) -> None:
        """Add weight x amount (0 or more) of `given_by` to the sums at `into`; a known 0 wins over an unknown."""
        _add(into, given_by, weights, amounts, self.limbs, self.flags)

    def add_at(self, other: "ExactSums", places: NDArray[np.int64]) -> None:
        """Add the sums of a part, whose places are these."""
        self.limbs[places] += other.limbs
        self.flags[places] |= other.flags

    def values(self) -> Floats:
        """Return each sum rounded once, to the nearest; NaN where a term is unknown."""
        return _rounded(self.limbs, self.flags)


@numba.njit(cache=True, nogil=True)
def _add(
    into: Ints, given_by: Ints, weights: Floats, amounts: Floats, limbs: Limbs, flags: NDArray[np.uint8]
) -> None:
    """Add products to fixed-point sums."""
    for row in range(into.size):
        place = into[row]
        weight, amount = weights[row], amounts[given_by[row]]
        if weight == 0 or amount == 0:
            continue
        product = weight * amount
        if np.isnan(product):
            flags[place] |= _UNKNOWN
            continue
        # the float taken apart: frexp takes three times as long
        pattern: Any = np.float64(product).view(np.int64)
        bit = (pattern >> (_MANTISSA - 1)) - _FLOAT_BIAS - _LOWEST_BIT
        if bit + _MANTISSA >= _BITS * (_LIMBS - 1):
            flags[place] |= _TOO_LARGE
            continue
        whole: Any = (pattern & ((1 << (_MANTISSA - 1)) - 1)) | (1 << (_MANTISSA - 1))
        if bit < 0:
            whole >>= min(-bit, 63)
            bit = 0
        limb, shift = bit >> 5, bit & 31
        limbs[place, limb] += (whole & ((1 << (_BITS - shift)) - 1)) << shift
        rest = whole >> (_BITS - shift)
        limbs[place, limb + 1] += rest & _MASK
        limbs[place, limb + 2] += rest >> _BITS


@numba.njit(cache=True, nogil=True)
def _rounded(limbs: Limbs, flags: NDArray[np.uint8]) -> Floats:
    """Return fixed-point sums as the nearest floats, ties to even."""
    values = np.zeros(limbs.shape[0])
    digits = np.zeros(_LIMBS, np.int64)
    for place in range(limbs.shape[0]):
        if flags[place]:
            values[place] = np.nan if flags[place] & _UNKNOWN else np.inf
            continue
        carry, top = np.int64(0), -1
        for limb in range(_LIMBS):
            total = limbs[place, limb] + carry
            digits[limb] = total & _MASK
            carry = total >> _BITS
            if digits[limb]:
                top = limb
        if top < 0:
            continue
        # the 53 highest bits, and in one more bit pair what is left of them
        width = 0
        while digits[top] >> width:
            width += 1
        whole, taken, limb, left = np.int64(0), 0, top, width
        while taken < _MANTISSA + 1 and limb >= 0:
            bits = min(left, _MANTISSA + 1 - taken)
            whole = (whole << bits) | ((digits[limb] >> (left - bits)) & ((1 << bits) - 1))
            taken += bits
            left -= bits
            if left == 0:
                limb -= 1
                left = _BITS
        is_more = limb >= 0 and (digits[limb] & ((1 << left) - 1)) != 0
        for lower in range(limb):
            is_more = is_more or digits[lower] != 0
        exponent = top * _BITS + width + _LOWEST_BIT - taken
        if taken == _MANTISSA + 1:
            half = whole & 1
            whole >>= 1
            exponent += 1
            if half and (is_more or whole & 1):
                whole += 1
        values[place] = math.ldexp(float(whole), exponent)
    return values


def weighted_sums(into: Ints, given_by: Ints, weights: Floats, amounts: Floats, size: int) -> Floats:
    """Return, by position of `into`, the sums of weight x amount of `given_by`, rounded once; a known 0 wins."""
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
        exact = ExactSums.zeros(size)
        exact.add(into, given_by, weights, amounts)
        return exact.values()
    values[unknown] = np.nan
    return values


@numba.njit(cache=True, nogil=True)
def _two_floats(
    into: Ints, given_by: Ints, weights: Floats, amounts: Floats, size: int
) -> tuple[Floats, Floats, NDArray[np.bool_], float, float]:
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
