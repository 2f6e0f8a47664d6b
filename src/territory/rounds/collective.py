"""Morning rounds that take children to their establishment."""

import itertools
import math
from collections.abc import Hashable, Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from scipy.optimize import linear_sum_assignment, linprog

from territory.access.pairs import Floats, Places, cutoff_of
from territory.errors import ParameterError, Problems, agree
from territory.network.engine.compiling import kernel
from territory.rounds import result, search
from territory.rounds.result import RoundPrices, Rounds, Stops, Terms
from territory.rounds.search import Route, World

# orders of more establishments than that in one round are not tried
_MOST_MIXED = 4
_NO_PRICES = RoundPrices()
_Apart = list[tuple[Hashable, Hashable]]
# bound of vehicles: the grid of legs, wider with the size, most programmes for one stop, what rounding may hide
_STEP_MIN, _MOST_STEPS, _MOST_PROGRAMMES, _SURE, _NEVER = 0.5, 5e7, 3000, 1e-6, 1e6


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
    sites = [site] if isinstance(site, str) else list(dict.fromkeys(site))
    if not sites:
        raise ParameterError("site : un établissement au moins est attendu.")
    positive = {"seats": seats, "max_ride_min": max_ride_min, "effort": effort}
    positive["vehicles"] = 1 if vehicles is None else vehicles
    zero = {"stop_min": stop_min, "wheelchair_seats": wheelchair_seats, "attendants": attendants}
    result.check_numbers(problems, positive, {**zero, "vehicle_weight": vehicle_weight, "seed": seed})
    if 0 < seats <= attendants and not wheelchair_seats:
        aboard = agree(attendants, "accompagnateur(s)")
        problems.add(f"seats = {seats} : avec {aboard}, il ne reste aucune place")
    if mixed_sites and len(sites) > _MOST_MIXED:
        problems.add(f"mixed_sites : {len(sites)} établissements, {_MOST_MIXED} au plus par véhicule")
    if (cutoff := cutoff_of(travel_times)) < max_ride_min < np.inf:
        problems.add(f"max_ride_min = {max_ride_min:g} : la table des temps s'arrête à {cutoff:g} min")
    stops, of_child, to_id = read_stops(children, sites, travel_times, list(apart), problems)
    most = (seats - attendants, wheelchair_seats)
    mixed = len(sites) if mixed_sites else 1
    terms = Terms(most, max_ride_min, stop_min, vehicle_weight, open, mixed, vehicles, effort, seed)
    plan = planned(stops, terms, prices, attendants, with_one_more=with_one_more)
    rides = {**plan.columns, "pickup_time_min": arrival_min - plan.columns["pickup_time_min"]}
    rides |= {name: result.whole(rides[name]) for name in ("vehicle", "stop_order")}
    riders = pd.DataFrame(rides).iloc[of_child].set_axis(children.index)
    riders.insert(0, "to_id", to_id)
    lines = pd.DataFrame(plan.lines, columns=result.LINE).set_index("vehicle")
    world, routes = plan.world, plan.routes
    objective = bound = sum(search.cost_of(world, route)[0] for route in routes)
    few, is_small = len(routes), len(world.kids) <= search.EXACT_STOPS
    if vehicles or not is_small:
        few = fewest_vehicles(world, len(routes)) if routes else 0
    if not is_small:
        bound = min(objective, least_minutes(world, len(routes)))
    proven = is_small or (objective <= bound and len(routes) == (vehicles or few))
    status = result.INFEASIBLE if any(plan.columns["reason"]) else result.NOT_PROVEN
    status = result.OPTIMAL if proven and status == result.NOT_PROVEN else status
    totals = {} if np.isnan(plan.one_more_min) else {"one_more_ride_min": plan.one_more_min}
    return Rounds(riders, lines, status, few, objective, bound, totals)


class Plan(NamedTuple):
    """Rounds of stops: what is known of each stop (0: no vehicle), and a line for each round, the longest first."""

    world: World
    routes: list[Route]
    columns: dict[str, Any]
    lines: list[tuple[Any, ...]]
    one_more_min: float


def planned(stops: Stops, terms: Terms, prices: RoundPrices, attendants: int, *, with_one_more: bool) -> Plan:
    """Make the rounds of stops that were read; the time of a pick-up is counted back from the end of rounds."""
    reasons = stops.reasons(terms.most, terms.limit_min)
    kept = np.flatnonzero(reasons == "")
    world = stops.world(kept, terms)
    vehicles = terms.vehicles
    routes = _routes(world, vehicles, effort=terms.effort, seed=terms.seed) if len(kept) else []
    if routes is None:
        reasons[kept] = f"aucune tournée trouvée avec {agree(vehicles or 0, 'véhicule(s)')}"
        kept, routes = kept[:0], []
        world = stops.world(kept, terms)
    if attendants:
        hour_eur = prices.driver_eur_per_hour + attendants * prices.attendant_eur_per_hour
        prices = prices._replace(driver_eur_per_hour=hour_eur)
    columns, lines = stops.written(world, kept, routes, prices, is_open=terms.is_open)
    more = np.nan
    if with_one_more and routes:
        if len(world.kids) <= search.EXACT_STOPS:
            others = search.every_partition(world, len(routes) + 1) or routes
        else:
            others = search.improve(world, routes, len(routes) + 1, effort=terms.effort, seed=terms.seed)
        others = search.ordered(world, others)
        minutes = sum(float(search.cost_of(world, route)[1] @ world.kids[route]) for route in others)
        more = minutes / float(world.kids.sum())
    return Plan(world, routes, {**columns, "reason": reasons}, lines, more)


def read_stops(
    children: pd.DataFrame, sites: list[str], travel_times: pd.DataFrame, apart: _Apart, problems: Problems
) -> "tuple[Stops, Places, pd.Series[str]]":
    """Read children and times as stops, the stop and the establishment of each child; raise with all that is wrong."""
    several = len(sites) > 1
    if not result.check_children(problems, children, ["from_id", "to_id"] if several else ["from_id"]):
        problems.raise_if_any()
    table = pd.DataFrame({"from_id": children["from_id"].astype("str"), "to_id": sites[0]})
    if several:
        table["to_id"] = children["to_id"].astype("str")
    own = pd.Series([f"-{k}" for k in range(len(table))], index=table.index)
    given = children.get("household", own)
    table["household"] = given.astype("str").where(given.notna(), own)
    asked = children.get("wheelchair", pd.Series(False, index=table.index))
    wheels, said = asked.eq(True), "fauteuil(s) roulant(s) (wheelchair) ni vrai(s) ni faux"
    problems.count(table.index[~(asked.isin([True, False]) | asked.isna())], said, of="Enfants")
    homes = table.groupby("household")["from_id"].nunique()
    problems.count(homes.index[homes > 1], "fratrie(s) à plusieurs adresses")
    elsewhere = table.index[~table["to_id"].isin(sites)]
    problems.count(elsewhere, "enfant(s) d'un établissement non demandé (to_id)")
    strangers = [one for one in itertools.chain(*apart) if one not in table.index]
    problems.count(strangers, "enfant(s) de « apart » inconnu(s)")
    problems.count([one for one, other in apart if one == other], "enfant(s) de « apart » opposé(s) à soi")
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
    return Stops(place, school, kids, chairs, never, minutes, km, len(places)), of_child, table["to_id"]


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


def _together(world: World, route: Route) -> list[Route]:
    """Split a round where two ride who may not, or that does not hold."""
    parts: list[Route] = []
    for i in route:
        part = next((one for one in parts if not world.apart[i, one].any()), [])
        if not part:
            parts.append(part)
        part.append(i)
    held = ([one] if np.isfinite(search.cost_of(world, one)[0]) else [[i] for i in one] for one in parts)
    return list(itertools.chain.from_iterable(held))


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
    if not (limits := list(limits_min)) or "vehicles" in options:
        raise ParameterError("limits_min : une limite au moins, sans vehicles : c'est ce qui est cherché.")
    for limit in limits:
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


@kernel
def _walks(legs: Places, last: Places, kids: Places, value: Floats, most: Floats, before: Places) -> None:
    """Write the most that walks out of the school are worth, by step, children and last stop, and whence each comes."""
    # the best, and the best by another way: no walk comes back to a stop right after the next one
    n, steps, loads = kids.size, most.shape[0], most.shape[1]
    most[:], before[:] = -1.0, -1
    for i in range(n):
        if last[i] < steps and kids[i] < loads:
            most[last[i], kids[i], i, 0] = value[i]
    for t in range(steps):
        for q in range(loads):
            for j in range(n):
                came = before[t, q, j, 0] // 2 % n if before[t, q, j, 0] >= 0 else -1
                for i in range(n):
                    s, load, way = t + legs[j, i], q + kids[i], 1 if i == came else 0
                    if i == j or s >= steps or load >= loads or most[t, q, j, way] < 0.0:
                        continue
                    found, here = most[t, q, j, way] + value[i], ((t * loads + q) * n + j) * 2 + way
                    other = before[s, load, i, 0] < 0 or before[s, load, i, 0] // 2 % n != j
                    if found > most[s, load, i, 0]:
                        if other:
                            most[s, load, i, 1] = most[s, load, i, 0]
                            before[s, load, i, 1] = before[s, load, i, 0]
                        most[s, load, i, 0], before[s, load, i, 0] = found, here
                    elif other and found > most[s, load, i, 1]:
                        most[s, load, i, 1], before[s, load, i, 1] = found, here


def fewest_vehicles(world: World, found: int) -> int:
    """Return a number under which there are no rounds, `found` vehicles being enough.

    When no round is worth more than 1, stops are worth no more than the vehicles. Rounds are widened to walks that may
    come back to a stop, with legs cut to the step below; worths come from a linear programme on the walks met.
    """
    n, kids = len(world.kids), world.kids
    tops = np.array([world.seats_max, world.chairs_max])
    best = max(1.0, *(np.array([world.seats.sum(), world.chairs.sum()])[tops > 0] / tops[tops > 0]))
    if np.isinf(world.limit_min):
        return int(np.ceil(best - _SURE))
    step = max(_STEP_MIN, world.limit_min * n * n * tops.sum() / _MOST_STEPS)
    # from a stop to the one picked up before it
    both = np.where(world.apart, np.inf, world.between).T, world.to_school.min(axis=1)
    legs, last = (np.minimum(one / step, _NEVER).astype(np.int64) for one in both)
    size = (int(world.limit_min / step) + 1, int(tops.sum()) + 1, n, 2)
    most, before = np.empty(size), np.empty(size, dtype=np.int64)
    value, met, top = np.full(n, 1.0 / tops.sum()), np.eye(n), float(n)
    for _ in range(_MOST_PROGRAMMES // n + 1):
        _walks(legs, last, kids, value, most, before)
        ends = most[..., 0].reshape(-1, n).argmax(axis=0)
        best = max(best, float(value.sum() / most[..., 0].reshape(-1, n)[ends, np.arange(n)].max()))
        if math.ceil(best - _SURE) >= min(found, math.ceil(top - _SURE)):
            break
        visits = np.zeros((n, n))
        for i in range(n):
            state = (int(ends[i]) * n + i) * 2
            while state >= 0:
                visits[i, state // 2 % n] += 1.0
                state = int(before.flat[state])
        met = np.unique(np.concatenate([met, visits]), axis=0)
        solved: Any = linprog(-np.ones(n), A_ub=met, b_ub=np.ones(len(met)), method="highs").x
        value = solved.clip(min=0.0)
        top = float(value.sum())
    return int(np.ceil(best - _SURE))


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
