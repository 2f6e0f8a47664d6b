"""Time rounds of made-up children around one establishment: 60, 200, and 30 draws of 50 in 5 situations.

`python benchmarks/rounds.py`: clock and processor of each bar (median of three, the draws once), and how far from the
bounds. Each row is a line of the table of docs/performance.md.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from territory.errors import ParameterError, Problems
from territory.rounds import RoundPrices, Rounds, collective_rounds
from territory.rounds.collective import planned, read_stops
from territory.rounds.result import Terms
from tests.rounds.test_collective import town

SEATS, LIMIT_MIN, EFFORT_OF_A_STUDY = 8, 60, 20


def plan(count: int, *, effort: int = 100) -> Rounds:
    """Return the rounds of made-up children."""
    children, times = town(count)
    return collective_rounds(children, "ime", times, seats=SEATS, max_ride_min=LIMIT_MIN, effort=effort)


def draws() -> None:
    """Make 30 draws of 50 children in 5 situations as a study does, which asks for no bound."""
    for seed in range(150):
        children, times = town(50, seed=seed)
        stops = read_stops(children, ["ime"], times, [], Problems("Tournées", ParameterError))[0]
        terms = Terms((SEATS, 0), LIMIT_MIN, 2.0, 0.0, True, 1, None, EFFORT_OF_A_STUDY, seed)
        planned(stops, terms, RoundPrices(), 0, with_one_more=True)


def timed(task: Callable[[], Rounds | None], times: int) -> tuple[Rounds | None, float, float]:
    """Return what a task gives, and the median seconds of the clock and of the processor."""
    laps = []
    for _ in range(times):
        clock, processor = time.perf_counter(), time.process_time()
        found = task()
        laps.append((time.perf_counter() - clock, time.process_time() - processor))
    clock, processor = (statistics.median(column) for column in zip(*laps, strict=True))
    return found, clock, processor


def main() -> None:
    # kernels are compiled once for a machine
    plan(12, effort=1)
    print(
        "| | bar | clock (s) | processor (s) | vehicles (bound) | gap of minutes |",
        "|---" * 6 + "|",
        sep="\n",
    )
    bars = (
        ("60 children, one site", "2 s", lambda: plan(60), 3),
        ("50 children, one site", "", lambda: plan(50), 3),
        ("200 children, one site", "20 s", lambda: plan(200), 3),
        ("30 draws of 50 children, 5 situations", "90 s", draws, 1),
    )
    for name, bar, task, times in bars:
        found, clock, processor = timed(task, times)
        said = f"{len(found.vehicles)} ({found.vehicles_bound}) | {found.gap_share:.1%}" if found else " | "
        print(f"| {name} | {bar} | {clock:.2f} | {processor:.2f} | {said} |", flush=True)


if __name__ == "__main__":
    main()
