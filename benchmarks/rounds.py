"""Time rounds of made-up children around one establishment: 60, 200, and 150 mornings of 50.

python benchmarks/rounds.py
"""

from __future__ import annotations

import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from territory.rounds import Rounds, collective_rounds
from tests.rounds.test_collective import town


def plan(count: int, seed: int, effort: int) -> Rounds:
    """Return the rounds of made-up children, vehicles of 8 and 75 min on board at most."""
    children, times = town(count, seed=seed)
    return collective_rounds(children, "ime", times, seats=8, max_ride_min=75, effort=effort, seed=seed)


def main() -> None:
    plan(12, 0, 1)
    for count in (60, 200):
        began = time.perf_counter()
        found = plan(count, 0, 100)
        seconds = time.perf_counter() - began
        said = f"{len(found.vehicles)} vehicles (bound {found.vehicles_bound}), gap {found.gap_share:.1%}"
        print(f"{count} children: {seconds:.1f} s, {said}")
    began = time.perf_counter()
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda seed: plan(50, seed, 20), range(150)))
    print(f"150 mornings of 50 children, two threads: {time.perf_counter() - began:.1f} s")


if __name__ == "__main__":
    main()
