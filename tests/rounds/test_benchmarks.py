"""Published instances of the capacitated vehicle routing problem: within 1 % of their optimum."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from territory.rounds.result import least_driven

DATA = Path(__file__).parent / "data"


@pytest.mark.parametrize(
    "name, capacity, vehicles, optimum",
    [("E-n22-k4", 6000, 4, 375), pytest.param("A-n32-k5", 100, 5, 784, marks=pytest.mark.slow)],
)
def test_published_instances_are_solved_within_a_hundredth(
    name: str, capacity: int, vehicles: int, optimum: int
) -> None:
    with (DATA / "instances.csv").open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["instance"] == name]
    points = np.array([[float(row["x"]), float(row["y"])] for row in rows])
    loads = np.array([[int(row["demand"])] for row in rows[1:]])
    minutes = np.rint(np.hypot(*(points[:, None] - points[None]).transpose(2, 0, 1)))
    routes = least_driven(minutes, loads, (capacity,), limit_min=np.inf, effort=1000, seed=1)
    assert routes is not None
    assert sorted(stop for route in routes for stop in route) == list(range(len(loads)))
    assert all(loads[route].sum() <= capacity for route in routes)
    paths = [[0, *(stop + 1 for stop in route), 0] for route in routes]
    driven = sum(minutes[path[:-1], path[1:]].sum() for path in paths)
    assert len(routes) == vehicles
    assert optimum <= driven <= 1.01 * optimum
