"""Rounds of children and of professionals in a study, over draws of where children likely live, today and after."""

import itertools
import zlib
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from territory import supply
from territory.access.pairs import Floats, Places
from territory.rounds import RoundPrices
from territory.rounds.collective import Plan, planned
from territory.rounds.result import Stops, Terms
from territory.rounds.staff import WORKING_DAYS, week_of
from territory.scenario.doubt.children import likely_homes
from territory.scenario.doubt.random_errors import ends_of
from territory.scenario.results import Results
from territory.scenario.zones import ALL_TERRITORY
from territory.study.state import State
from territory.study.words.model import Trip, TripRounds
from territory.tables.declare import CODES

TODAY = ""
# what is counted, and its unit
_UNITS = {"vehicles": "vehicles", "full_time_equivalents": "etp", "children_per_fte": "children_per_etp"}
MEASURES = {name: _UNITS.get(name, name.rpartition("_")[2]) for name in CODES["round_measures"]}
_STREAM = 14
_SIDES = ("baseline", "scenario", "delta")
_KEYS = ["scenario", "zone", "service", "who", "measure"]
_SAID = ["unit", "children_count", "is_illustrative", "draws_count"]
COLUMNS = [*_KEYS, *_SAID, *(f"{side}_{end}" for side in _SIDES for end in ("value", "low", "high"))]
# the same, for the limits on board that a study wants to try
LIMIT_COLUMNS = [*COLUMNS[:4], "max_ride_min", *COLUMNS[4:]]
_OF_LIMIT = ("vehicles", "mean_ride_min", "one_less_min", "not_carried_share")
PATH_COLUMNS = ["scenario", "service", "stop_order", "place_id"]
# children drawn in an EPCI, over all draws, under which nothing is said of it
_LEAST_DRAWN = 11
Legs = Callable[[pd.Index], pd.DataFrame]
_Measured = dict[tuple[str, str], float]
_Drawn = dict[tuple[str, str], Floats]


class _Asked(NamedTuple):
    """A trip that goes round; `homes` are places of its children (a row for each draw), `commune` that of a place."""

    service: str
    trip: Trip
    rules: TripRounds
    homes: Any
    commune: "pd.Series[str]"
    prices: RoundPrices
    seed: int
    # how many children, whether that is an illustration, whether they are observed
    said: tuple[int, bool, bool]


class _Way(NamedTuple):
    """Minutes and kilometres between places, and from places to the sites of one situation (NaN: none)."""

    places: pd.Index
    between: tuple[Floats, Floats]
    sites: list[str]
    there: tuple[Floats, Floats]
    zone: Any


class _Homes(NamedTuple):
    """One draw of children: the sites in use, place and site of each child, ways (places, then sites), zone of each."""

    sites: list[str]
    place: Places
    site: Places
    minutes: Floats
    km: Floats
    zone: Any


def draw_rounds(
    baseline: Results,
    scenarios: Mapping[str, Results],
    legs: Legs,
    squares: pd.DataFrame | None = None,
    *,
    seed: int,
    level: float,
) -> tuple[pd.DataFrame, ...]:
    """Return rounds today and in each scenario over the same draws of homes, one typical round, what limits cost.

    `legs` returns the times between some communes or squares, and from squares to sites. A child is drawn in a commune,
    and in one of its `squares` (commune_code, children) where there are some. The first table has COLUMNS (means over
    draws, ends of the interval that holds `level` of them), the second PATH_COLUMNS: the stops, by commune, of the
    round of one same child, which stands in the middle of the first draw; nothing where children are observed. The
    third has LIMIT_COLUMNS: the fewest vehicles that keep each limit on board of the study, over the same draws.
    """
    states = {TODAY: baseline.state, **{name: one.state for name, one in scenarios.items()}}
    known = [
        asked
        for named in baseline.state.parameters.authorisations
        for trip in named.trip
        if trip.rounds and (asked := _asked(baseline, named.id, trip, squares, seed)) is not None
    ]
    rows, paths, curve = [], [], []
    places = pd.Index(sorted(set().union(*(one.homes.ravel() for one in known))))
    table = legs(places) if known else pd.DataFrame()
    for asked in known:
        ways = _ways(states, asked, places, table)
        drawn, riders = _situations(ways, asked)
        rows += _compared(drawn, asked, level)
        if asked.trip.who == "child" and not asked.said[2]:
            paths += _typical(riders, asked)
        rules = asked.rules
        for limit in sorted({*rules.limits_min, rules.max_ride_min or 0.0} if rules.limits_min else ()):
            other = asked._replace(rules=rules.model_copy(update={"max_ride_min": limit}))
            at_limit = drawn if limit == rules.max_ride_min else _situations(ways, other)[0]
            every = _compared(at_limit, other, level)
            found = [row for row in every if row[1] == ALL_TERRITORY and row[4] in _OF_LIMIT]
            curve += [(*row[:4], limit, *row[4:]) for row in found]
    tables = zip((rows, paths, curve), (COLUMNS, PATH_COLUMNS, LIMIT_COLUMNS), strict=True)
    return tuple(pd.DataFrame(values, columns=names) for values, names in tables)


def _asked(
    baseline: Results, service: str, trip: Trip, squares: pd.DataFrame | None, seed: int
) -> _Asked | None:
    """Draw where the children of a service live: observed ones are in their commune; None where nobody is known."""
    rules = trip.rounds or TripRounds()
    likely = likely_homes(baseline, service, rules.children)
    if likely is None:
        return None
    codes, weights, *said = likely
    rng = np.random.default_rng([seed, _STREAM, zlib.crc32(f"{service}|{trip.who}".encode())])
    if said[2]:
        homes = np.repeat(codes, weights.round().astype(int))[None, :]
        homes = homes if squares is None else np.repeat(homes, rules.draws, axis=0)
    else:
        homes = rng.choice(codes, size=(rules.draws, said[0]), p=weights / weights.sum())
    commune = pd.Series(codes, index=codes, dtype=object)
    if squares is not None:
        homes = homes.astype(object)
        for code, inside in squares[squares["commune_code"].isin(np.unique(homes))].groupby("commune_code"):
            here = homes == code
            part = inside["children"].to_numpy(float)
            homes[here] = rng.choice(inside.index.astype("str"), size=here.sum(), p=part / part.sum())
        commune = pd.concat([commune, squares["commune_code"].rename(index=str).astype(object)])
    vehicle = baseline.state.parameters.prices.of(trip.vehicle)
    km_eur, co2 = (vehicle.eur_per_km, vehicle.co2_kg_per_km) if vehicle else (None, None)
    hour = rules.driver_eur_per_hour
    prices = RoundPrices(*(np.nan if one is None else float(one) for one in (km_eur, hour, hour, 0.0, co2)))
    return _Asked(service, trip, rules, homes, commune, prices, seed, tuple(said))


def _matrices(table: pd.DataFrame, rows: Any, columns: Any) -> tuple[Floats, Floats]:
    """Return minutes and kilometres of a table of times as matrices, unknown where there are none."""
    start = pd.Index(rows).get_indexer(pd.Index(table["from_id"].astype("str")))
    end = pd.Index(columns).get_indexer(pd.Index(table["to_id"].astype("str")))
    kept = (start >= 0) & (end >= 0)
    minutes, km = np.full((2, len(rows), len(columns)), np.nan)
    minutes[start[kept], end[kept]] = table["travel_time_min"].to_numpy(float)[kept]
    if "distance_km" in table:
        km[start[kept], end[kept]] = table["distance_km"].to_numpy(float)[kept]
    return minutes, km


def _ways(
    states: Mapping[str, State], asked: _Asked, places: pd.Index, legs: pd.DataFrame
) -> dict[str, _Way]:
    """Return the ways of each situation: a square is as much further than its commune as it is today."""
    commune = asked.commune.reindex(places).to_numpy()
    codes, of_place = np.unique(commune, return_inverse=True)
    between, first = _matrices(legs, places, places), states[TODAY]
    zone = first.communes["epci_code"].fillna("").astype(str).reindex(commune).to_numpy()
    ways: dict[str, _Way] = {}
    for name, state in states.items():
        sites = supply.sites_serving(state.services, asked.service)
        same = (one for one in ways if states[one].travel_times is state.travel_times)
        if alike := next((ways[one] for one in same if ways[one].sites == sites), None):
            ways[name] = alike
            continue
        there = []
        of_communes = (_matrices(one.times_to(sites), codes, sites) for one in (state, first))
        for own, now, then in zip(_matrices(legs, places, sites), *of_communes, strict=True):
            further = np.where(np.isin(places, codes)[:, None], 0.0, np.nan_to_num(own - then[of_place]))
            there.append(np.maximum(now[of_place] + further, 0.0))
        ways[name] = _Way(places, between, sites, (there[0], there[1]), zone)
    return ways


def _situations(
    ways: Mapping[str, _Way], asked: _Asked
) -> tuple[dict[str, _Drawn], dict[str, tuple[_Homes, Plan] | None]]:
    """Return the measures of each draw in each situation, and the first morning; those alike are made once."""
    known: dict[tuple[object, ...], tuple[_Drawn, tuple[_Homes, Plan] | None]] = {}
    drawn, first = {}, {}
    for name, way in ways.items():
        key = (*way.sites, way.there[0].tobytes())
        if key not in known:
            here = [_homes(homes, way) for homes in asked.homes]
            if asked.trip.who == "child":
                plans = [_morning(one, asked) for one in here]
                found = [_of_morning(*both, asked) for both in zip(here, plans, strict=True)]
            else:
                plans, found = [None], [_of_week(one, asked) for one in here]
            # a measure that a draw does not have is unknown in it
            keys = dict.fromkeys(itertools.chain.from_iterable(found))
            values = {key: np.array([one.get(key, np.nan) for one in found]) for key in keys}
            known[key] = values, (here[0], plans[0]) if plans[0] is not None else None
        drawn[name], first[name] = known[key]
    return drawn, first


def _homes(homes: Any, way: _Way) -> _Homes:
    """Return children at their closest site among those in use, and the ways between places that count."""
    at = way.places.get_indexer(pd.Index(homes))
    to_sites = np.where(np.isnan(way.there[0]), np.inf, way.there[0])[at]
    near = to_sites.argmin(axis=1) if way.sites else np.zeros(len(at), dtype=np.int64)
    is_near = np.isfinite(to_sites).any(axis=1)
    used = np.unique(near[is_near])
    here, place = np.unique(at, return_inverse=True)
    n, size = len(here), len(here) + len(used)
    minutes, km = np.full((2, size, size), np.nan)
    for table, between, there in zip((minutes, km), way.between, way.there, strict=True):
        table[:n, :n], table[:n, n:] = between[np.ix_(here, here)], there[np.ix_(here, used)]
        # two stops of one place are next to each other, unless the table says otherwise
        np.fill_diagonal(table, np.nan_to_num(table.diagonal()))
    site = np.searchsorted(used, np.where(is_near, near, used[0])) if len(used) else np.zeros_like(place)
    minutes = np.where(np.isnan(minutes), np.inf, minutes)
    return _Homes([way.sites[one] for one in used], place, site, minutes, km, way.zone[at])


def _morning(homes: _Homes, asked: _Asked) -> Plan | None:
    """Return the rounds of one draw of children; None without any site."""
    rules, count = asked.rules, len(homes.place)
    if not homes.sites or rules.seats is None or rules.max_ride_min is None:
        return None
    each, never = np.ones(count, dtype=np.int64), np.zeros((count, count), dtype=bool)
    first = len(homes.minutes) - len(homes.sites)
    stops = Stops(homes.place, homes.site, each, 0 * each, never, homes.minutes, homes.km, first)
    most = (rules.seats - rules.attendants, 0)
    terms = Terms(most, rules.max_ride_min, rules.stop_min, 0.0, True, 1, None, rules.effort, asked.seed)
    return planned(stops, terms, asked.prices, rules.attendants, with_one_more=True)


def _of_morning(homes: _Homes, plan: Plan | None, asked: _Asked) -> _Measured:
    """Return the measures of the rounds of one draw of children."""
    if plan is None:
        return {(ALL_TERRITORY, "not_carried_share"): 1.0}
    per_year = 2 * asked.trip.return_trips_per_year
    ride = plan.columns["ride_min"]
    carried = np.isfinite(ride)
    hours, km, eur, co2 = np.array([line[5:] for line in plan.lines]).reshape(-1, 4).sum(axis=0)
    measured = {
        "vehicles": len(plan.lines),
        "longest_ride_min": ride[carried].max() if carried.any() else np.nan,
        "one_less_min": ride[carried].mean() - plan.one_more_min if carried.any() else np.nan,
        "not_carried_share": 1 - carried.mean(),
        "day_km": 2 * km,
        "day_driver_hours": 2 * hours,
        "year_eur": per_year * eur,
        "year_co2_kg": per_year * co2,
    }
    by_zone = {(ALL_TERRITORY, name): float(value) for name, value in measured.items()}
    inside = {str(zone): carried & (homes.zone == zone) for zone in np.unique(homes.zone[carried])}
    for zone, rows in {ALL_TERRITORY: carried, **inside}.items():
        for name in ("ride_min", "direct_min", "ride_km", "direct_km", "detour_min"):
            by_zone[zone, f"mean_{name}"] = plan.columns[name][rows].mean() if rows.any() else np.nan
        for bound in (45, 60):
            by_zone[zone, f"over_{bound}_share"] = (ride[rows] > bound).mean() if rows.any() else np.nan
        by_zone[zone, "children"] = rows.sum()
    return by_zone


def _of_week(homes: _Homes, asked: _Asked) -> _Measured:
    """Return the measures of the weeks of professionals for one draw of children, site by site."""
    rules = asked.rules
    if not homes.sites or rules.day_min is None or rules.visit_min is None:
        return {(ALL_TERRITORY, "not_carried_share"): 1.0}
    visit = np.full(len(homes.place), rules.visits_per_week)
    terms = (rules.day_min, rules.visit_min, WORKING_DAYS)
    weeks = []
    for s in range(len(homes.sites)):
        here, depot = homes.site == s, np.array([len(homes.minutes) - len(homes.sites) + s])
        given = (homes.place[here], visit[here], (homes.minutes, homes.km), depot, terms)
        weeks.append(week_of(*given, effort=rules.effort, seed=asked.seed))
    summed = ("road_hours", "work_hours", "full_time_equivalents")
    road, work, equivalents = (sum(week.totals[name] for week in weeks) for name in summed)
    served = sum(int((week.reasons == "").sum()) for week in weeks)
    measured = {
        "not_carried_share": 1 - served / len(homes.place),
        "week_road_hours": road,
        "week_km": sum(line[3] for week in weeks for line in week.lines.values()),
        "road_share": road / work if work else np.nan,
        "full_time_equivalents": equivalents,
        "children_per_fte": served / equivalents if equivalents else np.nan,
    }
    return {(ALL_TERRITORY, name): float(value) for name, value in measured.items()}


def _compared(drawn: Mapping[str, _Drawn], asked: _Asked, level: float) -> list[tuple[object, ...]]:
    """Return the rows of each scenario beside today, draw by draw, for the whole and each EPCI with enough children."""
    rows: list[tuple[object, ...]] = []
    today, (count, is_illustrative, _) = drawn[TODAY], asked.said
    counts = {ALL_TERRITORY: count}
    for zone in sorted({key[0] for key in today} - {ALL_TERRITORY, ""}):
        there = np.nan_to_num(today[zone, "children"])
        if there.sum() >= _LEAST_DRAWN:
            counts[zone] = round(there.mean())
    for name in [one for one in drawn if one != TODAY] or [TODAY]:
        for (zone, count), (measure, unit) in itertools.product(counts.items(), MEASURES.items()):
            sides: list[Any] = [drawn[one].get((zone, measure)) for one in (TODAY, name)]
            if sides[0] is None or sides[1] is None or np.isnan(sides[0]).all():
                continue
            numbers = itertools.chain(*(_spread(one, level) for one in (*sides, sides[1] - sides[0])))
            said = (unit, count, is_illustrative, len(asked.homes))
            rows.append((name, zone, asked.service, asked.trip.who, measure, *said, *numbers))
    return rows


def _spread(values: Floats, level: float) -> tuple[float, float, float]:
    """Return the mean and the ends of the draws that say something (no child of a draw may live in an EPCI)."""
    known = values[~np.isnan(values)]
    if len(known) == 0:
        return (np.nan, np.nan, np.nan)
    low, high = ends_of(known[None, :], level)
    return float(known.mean()), float(low[0]), float(high[0])


def _typical(first: Mapping[str, tuple[_Homes, Plan] | None], asked: _Asked) -> list[tuple[object, ...]]:
    """Return the stops of the round of one child, whose minutes on board today are in the middle of the first draw."""
    rows: list[tuple[object, ...]] = []
    child, communes = None, asked.commune.reindex(asked.homes[0]).to_numpy()
    for name, found in first.items():
        if found is None:
            continue
        homes, plan = found
        ride, vehicle, rank = (plan.columns[one] for one in ("ride_min", "vehicle", "stop_order"))
        carried = np.flatnonzero(vehicle)
        if child is None and len(carried):
            child = carried[np.argsort(ride[carried], kind="stable")[len(carried) // 2]]
        if child not in carried:
            continue
        mates = np.flatnonzero(vehicle == vehicle[child])
        mates = mates[np.argsort(rank[mates])]
        places = [*communes[mates], homes.sites[homes.site[mates[0]]]]
        rows += [(name, asked.service, order, place) for order, place in enumerate(places, start=1)]
    return rows
