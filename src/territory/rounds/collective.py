"""Morning rounds that take children to their establishment."""

from __future__ import annotations

import itertools
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from territory.access.pairs import Bools, Floats, cutoff_of
from territory.errors import ParameterError, Problems, agree
from territory.rounds import result, search
from territory.rounds.result import RoundPrices, Rounds
from territory.rounds.search import Places, Route, World
from territory.units import MINUTES_PER_HOUR

# orders of more establishments than that in one round are not tried
_MOST_MIXED = 4
# two numbers closer than that are the same limit (min)
_TINY_MIN = 1e-9
_NO_PRICES = RoundPrices()
_LINE, _RIDER = (
    names.split()
    for names in (
        "children wheelchairs stops longest_ride_min driver_hours distance_km eur co2_kg",
        "vehicle stop_order pickup_time_min ride_min direct_min detour_min ride_km direct_km reason",
    )
)


def collective_rounds(
    children: pd.DataFrame,
    site: str | Sequence[str],
    travel_times: pd.DataFrame,
    *,
    seats: int,
    max_ride_min: float,
    stop_min: float = 2.0,
    wheelchair_seats: int = 0,
    attendants: int = 0,
    open: bool = True,  # noqa: A002
    vehicles: int | None = None,
    vehicle_weight: float = 0.0,
    apart: Iterable[tuple[Hashable, Hashable]] = (),
    mixed_sites: bool = False,
    arrival_min: float = 540.0,
    prices: RoundPrices = _NO_PRICES,
    effort: int = 100,
    seed: int = 0,
    with_one_more: bool = False,
) -> Rounds:
    """Plan the morning rounds of children to their establishment: fewest vehicles, then least time on board.

    Parameters
    ----------
    children
        One row per child, with a unique index: from_id (a place of `travel_times`); optionally wheelchair (bool),
        household (siblings: one stop, one vehicle), to_id (the establishment, needed when there are several).
    site
        Id of the establishment in `travel_times`, or ids.
    travel_times
        Table `travel_times`, with the pairs from place to place and from place to establishment; without distance_km,
        kilometres and prices are unknown. Two stops of one place are at 0 min, unless the table says otherwise.
    seats, wheelchair_seats
        Seats of a vehicle, the driver not counted (an attendant takes one), and places for wheelchairs beside them.
    max_ride_min
        Longest time on board (min, inclusive), from leaving one's stop to the establishment.
    stop_min
        Minutes of a stop.
    attendants
        Attendants on board of each vehicle.
    open
        The vehicle starts at its first child; otherwise an empty leg from the establishment is counted (kilometres,
        hours, prices).
    vehicles
        A fleet: the least time on board with at most so many. None = as few vehicles as can be found.
    vehicle_weight
        Minutes on board of children that one minute of vehicle is worth, for the same number of vehicles.
    apart
        Pairs of children (their index) who may not ride together.
    mixed_sites
        One vehicle may serve several establishments (4 at most): it picks up all its children, then drives from one
        establishment to the next, in the best order, with a stop at each.
    arrival_min
        When rounds end (minutes after midnight; 540 is 9 h).
    prices
        Prices of kilometres and hours.
    effort
        Iterations of PyVRP, each followed by 50 repairs: a search ends by this count, never by the clock.
    seed
        Same seed, same rounds.
    with_one_more
        Also count the mean minutes on board with one vehicle more (`totals["one_more_ride_min"]`): what the last
        vehicle spared costs the children.

    Returns
    -------
    Rounds
        riders has the index of the children: to_id, vehicle and stop_order (missing without a round),
        pickup_time_min (minutes after midnight when the vehicle leaves the stop), ride_min, direct_min, detour_min,
        ride_km, direct_km, reason (in French, why there is no round). vehicles: children, wheelchairs, stops,
        longest_ride_min, driver_hours, distance_km, eur and co2_kg, of one morning.

    Raises
    ------
    ParameterError
        With all that is wrong. A child whom no round can take is no error: the status is `infeasible`.

    Notes
    -----
    With D the drive between two stops and the stop at the second, the child of stop k of m is on board for the sum of
    D over the legs k to m - 1 and the drive from m to the establishment: the limit binds the first child alone. Up to
    10 stops, every partition and every order is tried. Beyond, PyVRP [1]_ finds few vehicles with little driving (the
    vehicle starts at its first child, so that a limit on its duration is the limit on board), a ruin and recreate
    search [2]_ lowers the minutes of children, and each round is put in its best order. Bounds: seats and children of
    whom no two can share a round; the cheapest places in rounds (see the page of the method).

    References
    ----------
    .. [1] Wouda N. A., Lan L., Kool W., "PyVRP: a high-performance VRP solver package", INFORMS Journal on Computing
       36 (4), 2024.
    .. [2] Schrimpf G. et al., "Record breaking optimization results using the ruin and recreate principle", Journal
       of Computational Physics 159 (2), 2000.

    Examples
    --------
    >>> children = pd.DataFrame({"from_id": ["a", "b"]}, index=["Léa", "Tom"])
    >>> legs = [("a", "b", 10.0), ("b", "a", 10.0), ("a", "ime", 25.0), ("b", "ime", 20.0)]
    >>> times = pd.DataFrame(legs, columns=["from_id", "to_id", "travel_time_min"])
    >>> found = collective_rounds(children, "ime", times, seats=8, max_ride_min=45)
    >>> found.riders["ride_min"].tolist(), found.status
    ([32.0, 20.0], 'optimal')
    """
    problems = Problems("Tournées", ParameterError)
    sites = [site] if isinstance(site, str) else list(site)
    if not sites:
        raise ParameterError("site : un établissement au moins est attendu.")
    positive = {"seats": seats, "max_ride_min": max_ride_min, "vehicles": vehicles or 1, "effort": effort}
    zero = {"stop_min": stop_min, "wheelchair_seats": wheelchair_seats, "attendants": attendants}
    result.check_numbers(problems, positive, {**zero, "vehicle_weight": vehicle_weight})
    if vehicles == 0:
        problems.add(
            "vehicles = 0 : au moins un véhicule est attendu (None pour en chercher le moins possible)"
        )
    if 0 < seats <= attendants and not wheelchair_seats:
        problems.add(
            f"seats = {seats} : avec {agree(attendants, 'accompagnateur(s)')}, il ne reste aucune place"
        )
    if mixed_sites and len(sites) > _MOST_MIXED:
        problems.add(f"mixed_sites : {len(sites)} établissements, {_MOST_MIXED} au plus par véhicule")
    if (cutoff := cutoff_of(travel_times)) < max_ride_min < np.inf:
        problems.add(f"max_ride_min = {max_ride_min:g} : la table des temps s'arrête à {cutoff:g} min")
    stops = _read(children, sites, travel_times, list(apart), problems)
    most = (seats - attendants, wheelchair_seats)
    reasons = stops.reasons(most, max_ride_min)
    kept = np.flatnonzero(reasons == "")
    numbers = (max_ride_min, stop_min, vehicle_weight)
    world = stops.world(kept, most, numbers, is_open=open, mixed=len(sites) if mixed_sites else 1)
    routes = _routes(world, vehicles, effort=effort, seed=seed) if len(kept) else []
    if routes is None:
        reasons[kept] = f"aucune tournée trouvée avec {agree(vehicles or 0, 'véhicule(s)')}"
        kept, routes = kept[:0], []
    hour_eur = prices.driver_eur_per_hour + (
        attendants * prices.attendant_eur_per_hour if attendants else 0.0
    )
    riders, lines = stops.written(world, kept, routes, reasons, (arrival_min, open, prices, hour_eur))
    objective = sum(search.cost_of(world, route)[0] for route in routes)
    few = result.fewest_vehicles(world) if len(kept) else 0
    bound = objective
    if is_small := len(kept) <= search.EXACT_STOPS:
        few = few if vehicles else len(routes)
    else:
        bound = min(objective, result.least_minutes(world, len(routes)))
    proven = is_small or (objective <= bound and len(routes) == (vehicles or few))
    status = result.OPTIMAL if proven else result.NOT_PROVEN
    status = result.INFEASIBLE if (reasons != "").any() else status
    totals = {}
    if with_one_more and routes:
        more = _one_more(world, routes, effort=effort, seed=seed)
        minutes = sum(float(search.cost_of(world, route)[1] @ world.kids[route]) for route in more)
        totals["one_more_ride_min"] = minutes / float(world.kids.sum())
    return Rounds(riders, lines, status, few, objective, bound, totals)


@dataclass(frozen=True)
class _Stops:
    """Where vehicles stop: a household at one place for one establishment, and the children who get on there."""

    children: pd.DataFrame
    of_child: Places
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

    def world(
        self,
        kept: Places,
        most: tuple[int, int],
        numbers: tuple[float, float, float],
        *,
        is_open: bool,
        mixed: int,
    ) -> World:
        """Return what the search needs for the stops that can be served."""
        limit_min, stop_min, weight = numbers
        place, school, here = self.place[kept], self.school[kept], self.site_from
        schools = range(self.minutes.shape[0] - here)
        orders = [one for size in range(mixed) for one in itertools.permutations(schools, size + 1)]
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
            lead=stop_min + self.empty(self.minutes, kept, is_open=is_open),
            tail=np.where(np.isinf(tail), 0.0, tail),
            seats_max=most[0],
            chairs_max=most[1],
            limit_min=float(limit_min) + _TINY_MIN,
            vehicle_weight=float(weight),
        )

    def empty(self, legs: Floats, kept: Places, *, is_open: bool) -> Floats:
        """Return the leg of an empty vehicle to each stop: from the establishment, or that back where it is unknown."""
        place, school = self.place[kept], self.site_from + self.school[kept]
        there = legs[school, place]
        return np.where(np.isfinite(there), there, legs[place, school]) * (0.0 if is_open else 1.0)

    def written(
        self,
        world: World,
        kept: Places,
        routes: list[Route],
        reasons: Any,
        terms: tuple[float, bool, RoundPrices, float],
    ) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Write the rounds as tables, the longest first."""
        arrival_min, is_open, prices, hour_eur = terms
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
            ride_km[ids] = [
                arrived[s] - here_km for s, here_km in zip(world.school[route], along, strict=False)
            ]
            km = empty_km[route[0]] + along[-1]
            hours = (world.lead[route[0]] + rides[0] + late[ids[0]]) / MINUTES_PER_HOUR
            eur = prices.eur_per_vehicle + km * prices.eur_per_km + hours * hour_eur
            counts = (self.kids[ids].sum(), self.chairs[ids].sum(), len(ids))
            lines.append((number, *counts, rides.max(), hours, km, eur, km * prices.co2_kg_per_km))
        direct = np.where(np.isinf(direct), np.nan, direct)
        values = (*map(result.whole, rank), arrival_min - late - ride, ride, direct, ride - direct, ride_km)
        table = dict(zip(_RIDER, (*values, self.km[self.place, here + self.school], reasons), strict=True))
        riders = pd.DataFrame(table).iloc[self.of_child].set_axis(self.children.index)
        riders.insert(0, "to_id", self.children["to_id"])
        return riders, pd.DataFrame(lines, columns=["vehicle", *_LINE]).set_index("vehicle")


def _read(
    children: pd.DataFrame,
    sites: list[str],
    travel_times: pd.DataFrame,
    apart: list[tuple[Hashable, Hashable]],
    problems: Problems,
) -> _Stops:
    """Read children and times as stops, or raise with all that is wrong."""
    several = len(sites) > 1
    if not result.check_children(problems, children, ["from_id", "to_id"] if several else ["from_id"]):
        problems.raise_if_any()
    table = pd.DataFrame({"from_id": children["from_id"].astype("str"), "to_id": sites[0]})
    if several:
        table["to_id"] = children["to_id"].astype("str")
    own = pd.Series([f"-{k}" for k in range(len(table))], index=table.index)
    table["household"] = children["household"].astype("str") if "household" in children else own
    if "household" in children:
        table["household"] = table["household"].where(children["household"].notna(), own)
    wheels = (
        children["wheelchair"].eq(True) if "wheelchair" in children else pd.Series(False, index=table.index)
    )
    homes = table.groupby("household")["from_id"].nunique()
    problems.count(homes.index[homes > 1], "fratrie(s) à plusieurs adresses")
    problems.count(
        table.index[~table["to_id"].isin(sites)], "enfant(s) d'un établissement non demandé (to_id)"
    )
    strangers = [one for one in itertools.chain(*apart) if one not in table.index]
    problems.count(strangers, "enfant(s) de « apart » inconnu(s)")
    places = sorted(table["from_id"].dropna().unique())
    minutes, km = result.legs_between(travel_times, places, sites, problems)
    problems.raise_if_any()
    of_child, keys = pd.factorize(pd.MultiIndex.from_frame(table[["household", "to_id"]]))
    first = table[~pd.Series(of_child).duplicated().to_numpy()]
    never = np.zeros((len(keys), len(keys)), dtype=bool)
    for pair in apart:
        one, other = of_child[table.index.get_indexer(pd.Index(pair))]
        never[one, other] = never[other, one] = True
    place = pd.Index(places).get_indexer(pd.Index(first["from_id"])).astype(np.int64)
    school = pd.Index(sites).get_indexer(pd.Index(first["to_id"])).astype(np.int64)
    chairs = np.bincount(of_child, weights=wheels).astype(np.int64)
    kids = np.bincount(of_child).astype(np.int64)
    return _Stops(table, of_child, place, school, kids, chairs, never, minutes, km, len(places))


def _routes(world: World, vehicles: int | None, *, effort: int, seed: int) -> list[Route] | None:
    """Return the best rounds found, each in its best order; None when the fleet is too small."""
    if len(world.kids) <= search.EXACT_STOPS:
        found = search.every_partition(world, vehicles)
        return None if found is None else search.ordered(world, found)
    routes: list[Route] = []
    loads, most = np.column_stack([world.seats, world.chairs]), (world.seats_max, world.chairs_max)
    for school in np.unique(world.school):
        here = np.flatnonzero(world.school == school)
        legs = np.zeros((len(here) + 1, len(here) + 1))
        legs[1:, 1:], legs[1:, 0] = world.between[np.ix_(here, here)], world.to_school[here, school]
        limit = world.limit_min
        driven = result.least_driven(legs, loads[here], most, limit_min=limit, effort=effort, seed=seed)
        routes += [[int(here[i]) for i in route] for route in driven or [[i] for i in range(len(here))]]
    routes = [part for route in routes for part in _together(world, route)]
    routes = search.improve(world, routes, None, effort=effort, seed=seed)
    if vehicles and len(routes) > vehicles:
        return None
    if vehicles:
        routes = search.improve(world, routes, vehicles, effort=effort, seed=seed)
    return search.ordered(world, routes)


def _one_more(world: World, routes: list[Route], *, effort: int, seed: int) -> list[Route]:
    """Return the best rounds found with one vehicle more."""
    most = len(routes) + 1
    if len(world.kids) <= search.EXACT_STOPS:
        return search.ordered(world, search.every_partition(world, most) or routes)
    return search.ordered(world, search.improve(world, routes, most, effort=effort, seed=seed))


def _together(world: World, route: Route) -> list[Route]:
    """Split a round where two ride who may not, or that does not hold."""
    parts: list[Route] = []
    for i in route:
        part = next((one for one in parts if not world.apart[i, one].any()), [])
        if not part:
            parts.append(part)
        part.append(i)
    return [
        one
        for part in parts
        for one in ([part] if np.isfinite(search.cost_of(world, part)[0]) else [[i] for i in part])
    ]


def ride_limit_curve(
    children: pd.DataFrame,
    site: str | Sequence[str],
    travel_times: pd.DataFrame,
    *,
    limits_min: Iterable[float] = (45, 60, 75, 90),
    more_vehicles: Iterable[int] = (0, 1),
    **options: Any,
) -> pd.DataFrame:
    """Say which limit of time on board can be kept with how many vehicles, and what one vehicle less costs children.

    Parameters
    ----------
    children, site, travel_times, options
        As for `collective_rounds`.
    limits_min
        Longest times on board to try (min).
    more_vehicles
        Vehicles above the fewest to try too: two rows of one limit say what a vehicle less costs.

    Returns
    -------
    DataFrame
        Index (max_ride_min, vehicles): not_carried (children), mean_ride_min, longest_ride_min, mean_detour_min,
        driver_hours, distance_km, eur, status.

    Examples
    --------
    >>> children = pd.DataFrame({"from_id": ["a", "b"]})
    >>> legs = [("a", "b", 10.0), ("b", "a", 10.0), ("a", "ime", 25.0), ("b", "ime", 20.0)]
    >>> times = pd.DataFrame(legs, columns=["from_id", "to_id", "travel_time_min"])
    >>> curve = ride_limit_curve(children, "ime", times, limits_min=(30, 45), seats=8)
    >>> curve["mean_ride_min"].to_dict()
    {(30, 2): 22.5, (45, 1): 26.0, (45, 2): 22.5}
    """
    rows: dict[tuple[float, int], dict[str, object]] = {}
    for limit in limits_min:
        terms = {**options, "max_ride_min": limit}
        fewest = len(collective_rounds(children, site, travel_times, **terms).vehicles)
        for more in more_vehicles:
            found = collective_rounds(children, site, travel_times, **terms, vehicles=(fewest + more) or None)
            riders, lines = found.riders, found.vehicles
            row = {
                "not_carried": int(riders["ride_min"].isna().sum()),
                "mean_ride_min": riders["ride_min"].mean(),
                "longest_ride_min": riders["ride_min"].max(),
                "mean_detour_min": riders["detour_min"].mean(),
                **{name: lines[name].sum(skipna=False) for name in ("driver_hours", "distance_km", "eur")},
                "status": found.status,
            }
            rows.setdefault((limit, len(lines)), row)
    index = pd.MultiIndex.from_tuples(list(rows), names=["max_ride_min", "vehicles"])
    return pd.DataFrame(list(rows.values()), index=index)
