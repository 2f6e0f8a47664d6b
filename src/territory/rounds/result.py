"""What rounds are made of, and the checks and legs that they are made from."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pyvrp
from pyvrp.stop import FirstFeasible, MaxIterations, MultipleCriteria
from scipy.optimize import linear_sum_assignment

from territory.access.pairs import Floats
from territory.errors import Problems, agree
from territory.french.numbers import decimal
from territory.rounds.search import Places, Route, World
from territory.tables.declare import CODES

OPTIMAL, NOT_PROVEN, INFEASIBLE = "optimal", "not_proven", "infeasible"
_SAID = CODES["round_statuses"]


class RoundPrices(NamedTuple):
    """Prices of rounds (€ and kg); one that is unknown (NaN) leaves what needs it unknown.

    Examples
    --------
    >>> RoundPrices(eur_per_km=0.5).co2_kg_per_km
    nan
    """

    eur_per_km: float = math.nan
    driver_eur_per_hour: float = math.nan
    attendant_eur_per_hour: float = math.nan
    eur_per_vehicle: float = 0.0
    co2_kg_per_km: float = math.nan


@dataclass(frozen=True)
class Rounds:
    """Rounds of children to an establishment (one morning), or of professionals to children (one week).

    Attributes
    ----------
    riders, vehicles : DataFrame
        See `collective_rounds` and `staff_rounds`.
    status : str
        `optimal` (proven), `not_proven`, or `infeasible`: at least one child has no round, whose `reason` says why;
        the others have theirs.
    vehicles_bound : int
        No rounds use fewer vehicles.
    objective_min, bound_min : float
        The minutes that were made small once vehicles are counted, and a number that no rounds of as many vehicles
        go under.
    totals : dict
        Of rounds of professionals: see `staff_rounds`.
    """

    riders: pd.DataFrame
    vehicles: pd.DataFrame
    status: str
    vehicles_bound: int
    objective_min: float
    bound_min: float
    totals: Mapping[str, float] = field(default_factory=dict)

    @property
    def gap_share(self) -> float:
        """How far the minutes may be from the least, as a share of them."""
        return max(0.0, 1.0 - self.bound_min / self.objective_min) if self.objective_min > 0 else 0.0

    def __repr__(self) -> str:
        """Return the size and what is proven."""
        return f"Rounds({len(self.riders)} riders, {len(self.vehicles)} vehicles, {self.status})"

    def _repr_html_(self) -> Any:
        """Return the vehicles for Jupyter; where children live is not shown."""
        said = f"<p>{agree(len(self.vehicles), 'ligne(s)')} : {_SAID[self.status]}.</p>"
        return said + self.vehicles.to_html(float_format=decimal, notebook=True)


def legs_between(
    travel_times: pd.DataFrame, places: Sequence[str], sites: Sequence[str], problems: Problems
) -> tuple[Floats, Floats]:
    """Return minutes and kilometres between places, then sites (inf = no road, or unknown; km NaN = unknown)."""
    ids = pd.Index([*places, *sites])
    minutes, km = np.full((len(ids), len(ids)), np.inf), np.full((len(ids), len(ids)), np.nan)
    absent = [name for name in ("from_id", "to_id", "travel_time_min") if name not in travel_times]
    problems.count(absent, "colonne(s) absente(s)", of="Table des temps")
    if absent:
        return minutes, km
    start, end = (
        ids.get_indexer(pd.Index(travel_times[name].astype("str"))) for name in ("from_id", "to_id")
    )
    kept = (start >= 0) & (end >= 0)
    rows, start, end = travel_times[kept], start[kept], end[kept]
    names = (rows["from_id"].astype("str") + " → " + rows["to_id"].astype("str")).to_numpy()
    values = rows["travel_time_min"].to_numpy(float)
    problems.count(names[pd.Series(names).duplicated()], "trajet(s) donné(s) deux fois", of="Table des temps")
    problems.count(names[values < 0], "temps négatif(s)", of="Table des temps")
    minutes[start, end] = np.where(np.isnan(values), np.inf, values)
    if "distance_km" in rows:
        km[start, end] = rows["distance_km"].to_numpy(float)
    lone = [
        site for site, times in zip(sites, minutes[:, len(places) :].T, strict=True) if np.isinf(times).all()
    ]
    problems.count(lone, "site(s) où ne mène aucun trajet", of="Table des temps")
    inside = minutes[: len(places), : len(places)]
    if len(places) > 1 and np.isinf(inside[~np.eye(len(places), dtype=bool)]).all():
        problems.add("table des temps : aucun trajet entre les lieux où l'on s'arrête ; calculez-les aussi")
    # two stops of one place are next to each other, unless the table says otherwise
    for table, unknown in ((minutes, np.isinf), (km, np.isnan)):
        np.fill_diagonal(table, np.where(unknown(np.diagonal(table)), 0.0, np.diagonal(table)))
    return minutes, km


def check_numbers(
    problems: Problems, positive: Mapping[str, float], at_least_zero: Mapping[str, float]
) -> None:
    """Add a problem for each number that is not what it should be."""
    for name, value in positive.items():
        if not value > 0:
            problems.add(f"{name} = {value:g} : un nombre positif est attendu")
    for name, value in at_least_zero.items():
        if not 0 <= value < math.inf:
            problems.add(f"{name} = {value:g} : un nombre positif ou nul est attendu")


def check_children(problems: Problems, table: pd.DataFrame, columns: Sequence[str]) -> bool:
    """Add what is wrong with a table of children, and tell whether its columns are there."""
    if table.empty:
        problems.add("aucun enfant")
    absent = [name for name in columns if name not in table]
    problems.count(absent, "colonne(s) absente(s)", of="Enfants")
    problems.count(table.index[table.index.duplicated()].unique(), "identifiant(s) en double", of="Enfants")
    if "from_id" in table:
        unknown = table.index[table["from_id"].isna()]
        problems.count(unknown, "enfant(s) sans commune ni lieu (from_id)", of="Enfants")
    return not absent


def whole(numbers: Places) -> Any:
    """Return ranks as a column, missing where they are 0."""
    return pd.arrays.IntegerArray(numbers, mask=numbers == 0)


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
