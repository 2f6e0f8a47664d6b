"""The order of points along a Hilbert curve."""

from __future__ import annotations

import numpy as np

from territory.network.graph import Floats, Ints

__all__ = ["hilbert_order"]


def hilbert_order(x: Floats, y: Floats, *, bits: int = 16) -> Ints:
    """Order points along a Hilbert curve: neighbours in the order are neighbours on the map.

    Parameters
    ----------
    x, y
        Coordinates, in any unit.
    bits
        The curve fills a square of 2^bits cells aside.

    Returns
    -------
    ndarray of int64
        Positions of the points in the order of the curve; equal cells are ordered by x, then y.

    References
    ----------
    D. Hilbert (1891), "Über die stetige Abbildung einer Linie auf ein Flächenstück".

    Examples
    --------
    >>> hilbert_order(np.array([0.0, 1.0, 0.0, 1.0]), np.array([0.0, 0.0, 1.0, 1.0])).tolist()
    [0, 2, 3, 1]
    """
    extent = max(float(np.ptp(x)), float(np.ptp(y)), 1e-9)
    cells = (1 << bits) - 1
    column = ((x - x.min()) / extent * cells).astype(np.int64)
    row = ((y - y.min()) / extent * cells).astype(np.int64)
    rank = np.zeros(x.size, dtype=np.int64)
    for level in range(bits - 1, -1, -1):
        side = 1 << level
        right, up = (column & side) > 0, (row & side) > 0
        rank += side * side * ((3 * right) ^ up)
        # the quadrant's curve is turned, and mirrored in the two lower quadrants
        flip = right & ~up
        column, row = (
            np.where(flip, side - 1 - (column & (side - 1)), column & (side - 1)),
            np.where(flip, side - 1 - (row & (side - 1)), row & (side - 1)),
        )
        column, row = np.where(~up, row, column), np.where(~up, column, row)
    return np.lexsort([y, x, rank])
