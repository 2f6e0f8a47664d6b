"""Measure the sweep, which must be compiled to vector instructions: it is several times slower otherwise.

    python benchmarks/sweep.py

Run it after a change of the sweep, of numba or of the machine: the ratio should be well above 3.
"""

from __future__ import annotations

import sys
import time

import numba
import numpy as np

from territory.network.engine import sweep as _sweep_kernels
from territory.network.engine.metric import _aligned_rows

N_ROWS, ARCS_PER_ROW, LANES = 30_000, 9, _sweep_kernels.LANES


def relaxations_per_second(sweep):
    """Return how many times of sixteen origins a sweep compares in a second, the best of twenty."""
    random = np.random.default_rng(0)
    start = np.arange(N_ROWS + 1, dtype=np.int64) * ARCS_PER_ROW
    tails = np.repeat(np.arange(N_ROWS), ARCS_PER_ROW)
    heads = np.maximum(0, tails - random.geometric(0.003, len(tails))).astype(np.int32)
    weights = random.integers(1, 10_000, len(tails)).astype(np.int32)
    first = random.integers(0, 2**29, (N_ROWS, LANES)).astype(np.int32)
    rows = _aligned_rows(N_ROWS, np.int32)
    rows[:] = first
    sweep(start, heads, weights, rows)
    spent = []
    for _ in range(20):
        rows[:] = first
        began = time.perf_counter()
        sweep(start, heads, weights, rows)
        spent.append(time.perf_counter() - began)
    return len(heads) * LANES / min(spent)


def main():
    vector = relaxations_per_second(_sweep_kernels.sweep)
    scalar = relaxations_per_second(numba.njit(_sweep_kernels.sweep.__wrapped__))
    print(
        f"{vector / 1e9:.1f} thousand million relaxations per second; {vector / scalar:.1f} times the scalar sweep"
    )
    sys.exit(0 if vector > 3 * scalar else 1)


if __name__ == "__main__":
    main()
