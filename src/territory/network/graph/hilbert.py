"""The order of points along a Hilbert curve."""

from __future__ import annotations

import numpy as np

from territory.network.engine.kernels.compiling import kernel
from territory.network.graph.arrays import Floats, Ints

__all__ = ["hilbert_order"]


def hilbert_order(x: Floats, y: Floats, *, bits: int = 16) -> Ints:
    """Order points along a Hilbert curve: neighbours in the order are neighbours on the map.

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
    rank = _rank(x, y, float(x.min()), float(y.min()), extent, cells, bits)
    order = np.argsort(rank, kind="stable")
    ranked = rank[order]
    tied = np.flatnonzero(ranked[1:] == ranked[:-1])
    if tied.size:
        # few points share a cell: only these are compared further
        places = np.union1d(tied, tied + 1)
        shared = order[places]
        order[places] = shared[np.lexsort([y[shared], x[shared], rank[shared]])]
    return order


@kernel
def _rank(
    x: Floats, y: Floats, x_min: float, y_min: float, extent: float, cells: int, bits: int
) -> Ints:  # pragma: no cover - compiled
    """Return the place on the curve of the cell of each point."""
    ranks = np.empty(x.size, dtype=np.int64)
    for point in range(x.size):
        column = int((x[point] - x_min) / extent * cells)
        row = int((y[point] - y_min) / extent * cells)
        rank = 0
        for level in range(bits - 1, -1, -1):
            side = 1 << level
            right, up = int((column & side) > 0), int((row & side) > 0)
            rank += side * side * ((3 * right) ^ up)
            # the quadrant's curve is turned, and mirrored in the two lower quadrants
            if up == 0:
                if right == 1:
                    column, row = side - 1 - (column & (side - 1)), side - 1 - (row & (side - 1))
                column, row = row, column
        ranks[point] = rank
    return ranks
