"""How many vehicles: the few that PyVRP finds, and the bounds under which no rounds go."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyvrp
from pyvrp.stop import FirstFeasible, MaxIterations, MultipleCriteria
from scipy.optimize import linear_sum_assignment

from territory.access.pairs import Floats
from territory.rounds.search import Places, Route, World

# PyVRP counts in whole numbers: thousandths of a minute
UNITS, _FAR = 1000, 10**8


def whole_minutes(minutes: Floats) -> Places:
    """Return legs as PyVRP counts them: whole, never shorter than they are."""
    whole = np.ceil(np.minimum(minutes * UNITS - 1e-6, _FAR)).clip(min=0).astype(np.int64)
    np.fill_diagonal(whole, 0)
    return whole


def least_driven(
    minutes: Floats, loads: Places, capacity: tuple[int, ...], *, limit_min: float, effort: int, seed: int
) -> list[Route] | None:
    """Return rounds of few vehicles, then few minutes, from and to a depot (first row of `minutes`), by PyVRP."""
    n = len(loads)
    whole: Any = whole_minutes(minutes)
    terms: dict[str, Any] = {"unit_distance_cost": 0, "unit_duration_cost": 1}
    if np.isfinite(limit_min):
        terms["shift_duration"] = int(limit_min * UNITS)
    # a vehicle is worth several of the longest legs: more would drown the penalties of loads and limits
    fixed = 4 * int(whole[whole < _FAR].max())
    data = pyvrp.ProblemData(
        [pyvrp.Location(0, 0)] * (n + 1),
        [pyvrp.Client(i + 1, delivery=[int(load) for load in loads[i]]) for i in range(n)],
        [pyvrp.Depot(0)],
        [pyvrp.VehicleType(n, list(capacity), fixed_cost=fixed, **terms)],
        [np.zeros_like(whole)],
        [whole],
    )
    stop: Any = MaxIterations(effort)
    best = found = pyvrp.solve(data, stop, seed=seed, collect_stats=False).best
    # then with one vehicle less, as long as rounds are found
    while found.is_feasible():
        best, fewer = found, found.num_routes() - 1
        if fewer * np.array(capacity) @ np.ones(len(capacity)) < loads.sum() or fewer == 0:
            break
        tight = data.replace(vehicle_types=[pyvrp.VehicleType(fewer, list(capacity), **terms)])
        stop = MultipleCriteria([FirstFeasible(), MaxIterations(effort)])
        found = pyvrp.solve(tight, stop, seed=seed, collect_stats=False).best
    if not best.is_feasible():
        return None
    return [[one.idx for one in route if one.is_client()] for route in best.routes()]


def fewest_vehicles(world: World) -> int:
    """Return a number under which there are no rounds: by seats, and by stops of which no two may share a round."""
    most = np.array([world.seats_max, world.chairs_max])
    loads = np.column_stack([world.seats, world.chairs])
    needed = [-(-int(total) // int(top)) for total, top in zip(loads.sum(axis=0), most, strict=True) if top]
    # one after the other, the first picked up is on board for too long
    last = world.to_school.min(axis=1)
    one_way = world.between + last[None, :] > world.limit_min
    crowded = (loads[:, None] + loads[None, :] > most).any(axis=2)
    never = (one_way & one_way.T) | world.apart | crowded
    np.fill_diagonal(never, False)
    clique: list[int] = []
    for i in np.argsort(-never.sum(axis=1), kind="stable"):
        if never[i, clique].all():
            clique.append(int(i))
    return max(1, *needed, len(clique))


def least_minutes(world: World, vehicles: int) -> float:
    """Return minutes on board under which no rounds of so many vehicles go.

    The stop picked up p-th from the end rides at least the shortest walk of p - 1 legs to the school, and each vehicle
    has one stop at each place from the end: the cheapest assignment of stops to places is a bound.
    """
    n = len(world.kids)
    legs = world.between.copy()
    np.fill_diagonal(legs, np.inf)
    walk = world.to_school.min(axis=1)
    columns: list[Floats] = []
    while len(columns) < min(n, world.seats_max + world.chairs_max):
        columns.append(np.where(walk > world.limit_min, 1e9, walk) * world.kids)
        walk = (legs + walk[None, :]).min(axis=1)
    costs = np.repeat(np.array(columns).T, vehicles, axis=1)
    rows, chosen = linear_sum_assignment(costs)
    return float(costs[rows, chosen].sum())
