"""What rounds are made of, and the checks and legs that they are made from."""

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pyvrp
from pyvrp.stop import FirstFeasible, MaxIterations, MultipleCriteria

from territory.access.pairs import Bools, Floats, Places, minutes_of
from territory.errors import Problems, agree
from territory.french.numbers import decimal, share
from territory.rounds import search
from territory.rounds.search import Route, World
from territory.tables.declare import CODES
from territory.units import MINUTES_PER_HOUR

OPTIMAL, NOT_PROVEN, INFEASIBLE = "optimal", "not_proven", "infeasible"
_SAID = CODES["round_statuses"]
# two numbers closer than that are the same limit (min)
_TINY_MIN = 1e-9
LINE = ["vehicle", "children", "wheelchairs", "stops", "longest_ride_min", "driver_hours"]
LINE += ["distance_km", "eur", "co2_kg"]
_RIDER = ["vehicle", "stop_order", "pickup_time_min", "ride_min", "direct_min", "detour_min"]
_RIDER += ["ride_km", "direct_km"]


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
        said = f"<p>{agree(len(self.vehicles), 'ligne(s)')} : {_SAID[self.status]}"
        if self.status != OPTIMAL:
            least = agree(self.vehicles_bound, "véhicule(s) ou professionnel(s)")
            said += f" ; bornes : {least} au moins, minutes à {share(self.gap_share)} de la leur"
        said += ".</p>"
        return said + self.vehicles.to_html(float_format=decimal, notebook=True)


class Terms(NamedTuple):
    """What is asked of rounds: seats and wheelchairs of a vehicle, its limit, and how it is searched for."""

    most: tuple[int, int]
    limit_min: float
    stop_min: float
    vehicle_weight: float
    is_open: bool
    mixed: int
    vehicles: int | None
    effort: int
    seed: int


@dataclass(frozen=True)
class Stops:
    """Where vehicles stop: a household at one place for one establishment, and the children who get on there."""

    place: Places
    school: Places
    kids: Places
    chairs: Places
    apart: Bools
    minutes: Floats
    km: Floats
    site_from: int

    def reasons(self, most: tuple[int, int], limit_min: float) -> Any:
        """Return, in French, why a stop cannot be served by any round (empty when it can)."""
        direct = self.minutes[self.place, self.site_from + self.school]
        why = {
            "établissement hors d'atteinte, ou temps inconnu": np.isinf(direct),
            f"le trajet direct dépasse les {limit_min:g} min à bord": direct > limit_min + _TINY_MIN,
            "trop de fauteuils roulants pour un véhicule": self.chairs > most[1],
            "plus d'enfants d'un foyer que de places dans un véhicule": self.kids - self.chairs > most[0],
            "enfants d'un même foyer qui ne peuvent voyager ensemble": np.diagonal(self.apart),
        }
        return np.select(list(why.values()), list(why), default="").astype(object)

    def world(self, kept: Places, terms: Terms) -> World:
        """Return what the search needs for the stops that can be served."""
        stop_min = terms.stop_min
        place, school, here = self.place[kept], self.school[kept], self.site_from
        schools = range(self.minutes.shape[0] - here)
        orders = [one for size in range(terms.mixed) for one in itertools.permutations(schools, size + 1)]
        later, tail = np.full((len(orders), len(schools)), np.inf), np.zeros(len(orders))
        for o, order in enumerate(orders):
            later[o, order[0]] = 0.0
            for one, following in itertools.pairwise(order):
                tail[o] += stop_min + self.minutes[here + one, here + following]
                later[o, following] = tail[o]
        return World(
            between=self.minutes[np.ix_(place, place)] + stop_min,
            to_school=np.ascontiguousarray(self.minutes[place, here:]),
            school=school,
            kids=self.kids[kept],
            seats=(self.kids - self.chairs)[kept],
            chairs=self.chairs[kept],
            apart=self.apart[np.ix_(kept, kept)],
            first=np.array([order[0] for order in orders], dtype=np.int64),
            later=later,
            lead=stop_min + self.empty(self.minutes, kept, is_open=terms.is_open),
            tail=np.where(np.isinf(tail), 0.0, tail),
            seats_max=terms.most[0],
            chairs_max=terms.most[1],
            limit_min=float(terms.limit_min) + _TINY_MIN,
            vehicle_weight=float(terms.vehicle_weight),
        )

    def empty(self, legs: Floats, kept: Places, *, is_open: bool) -> Floats:
        """Return the leg of an empty vehicle to each stop: from the establishment, or that back where it is unknown."""
        place, school = self.place[kept], self.site_from + self.school[kept]
        there = legs[school, place]
        return np.where(np.isfinite(there), there, legs[place, school]) * (0.0 if is_open else 1.0)

    def written(
        self, world: World, kept: Places, routes: list[Route], prices: RoundPrices, *, is_open: bool
    ) -> tuple[dict[str, Any], list[tuple[Any, ...]]]:
        """Write what is known of each stop and of each round, the longest first."""
        n, here = len(self.kids), self.site_from
        empty_km = np.zeros(len(kept)) if is_open else self.empty(self.km, kept, is_open=False)
        direct = self.minutes[self.place, here + self.school]
        rank, late = np.zeros((2, n), dtype=np.int64), np.zeros(n)
        ride, ride_km = np.full((2, n), np.nan)
        lines: list[tuple[Any, ...]] = []
        known = [(*search.cost_of(world, route)[1:], route) for route in routes]
        for number, (rides, o, route) in enumerate(
            sorted(known, key=lambda one: (-one[0].max(), one[2])), start=1
        ):
            ids = kept[route]
            rank[:, ids] = [[number] * len(ids), range(1, len(ids) + 1)]
            ride[ids], late[ids] = rides, world.tail[o] - world.later[o, world.school[route]]
            ends = [s for s in np.argsort(world.later[o], kind="stable") if np.isfinite(world.later[o, s])]
            path = [*self.place[ids], *(here + s for s in ends)]
            # from the first stop to each place of the path
            along = np.append(0.0, np.cumsum([self.km[leg] for leg in itertools.pairwise(path)]))
            arrived = dict(zip(ends, along[len(ids) :], strict=True))
            schools = zip(world.school[route], along, strict=False)
            ride_km[ids] = [arrived[s] - here_km for s, here_km in schools]
            km = empty_km[route[0]] + along[-1]
            hours = (world.lead[route[0]] + rides[0] + late[ids[0]]) / MINUTES_PER_HOUR
            eur = prices.eur_per_vehicle + km * prices.eur_per_km + hours * prices.driver_eur_per_hour
            counts = (self.kids[ids].sum(), self.chairs[ids].sum(), len(ids))
            lines.append((number, *counts, rides.max(), hours, km, eur, km * prices.co2_kg_per_km))
        direct = np.where(np.isinf(direct), np.nan, direct)
        values = (*rank, late + ride, ride, direct, ride - direct, ride_km)
        return dict(zip(_RIDER, (*values, self.km[self.place, here + self.school]), strict=True)), lines


def legs_between(
    travel_times: pd.DataFrame, places: Sequence[str], sites: Sequence[str], problems: Problems
) -> tuple[Floats, Floats]:
    """Return minutes and kilometres between places, then sites (inf = no road, or unknown; km NaN = unknown)."""
    # one may live where the establishment is
    ids = pd.Index([*places, *sites]).unique()
    every = ids.get_indexer(pd.Index([*places, *sites]))
    minutes, km = np.full((len(ids), len(ids)), np.inf), np.full((len(ids), len(ids)), np.nan)
    absent = [name for name in ("from_id", "to_id", "travel_time_min") if name not in travel_times]
    problems.count(absent, "colonne(s) absente(s)", of="Table des temps")
    if absent:
        return minutes, km
    ends = (pd.Index(travel_times[name].astype("str")) for name in ("from_id", "to_id"))
    start, end = map(ids.get_indexer, ends)
    kept = (start >= 0) & (end >= 0)
    rows, start, end = travel_times[kept], start[kept], end[kept]
    names = (rows["from_id"].astype("str") + " → " + rows["to_id"].astype("str")).to_numpy()
    values = minutes_of(rows["travel_time_min"])
    problems.count(names[pd.Series(names).duplicated()], "trajet(s) donné(s) deux fois", of="Table des temps")
    problems.count(names[values < 0], "temps négatif(s)", of="Table des temps")
    minutes[start, end] = np.where(np.isnan(values), np.inf, values)
    if "distance_km" in rows:
        km[start, end] = rows["distance_km"].to_numpy(float)
        problems.count(names[km[start, end] < 0], "distance(s) négative(s)", of="Table des temps")
    minutes, km = (table[np.ix_(every, every)] for table in (minutes, km))
    is_lone = np.isinf(minutes[:, len(places) :]).all(axis=0)
    lone = [site for site, alone in zip(sites, is_lone, strict=True) if alone]
    problems.count(lone, "site(s) où ne mène aucun trajet", of="Table des temps")
    inside = minutes[: len(places), : len(places)]
    if len(places) > 1 and np.isinf(inside[~np.eye(len(places), dtype=bool)]).all():
        problems.add("table des temps : aucun trajet entre les lieux où l'on s'arrête ; calculez-les aussi")
    # two stops of one place are next to each other, unless the table says otherwise
    same = every[:, None] == every
    for table, unknown in ((minutes, np.isinf), (km, np.isnan)):
        table[same & unknown(table)] = 0.0
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
        unknown = table.index[table["from_id"].isna() | table["from_id"].astype("str").str.strip().eq("")]
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
