"""Rounds of children and of professionals in a study, over draws of where children likely live, today and after."""

from __future__ import annotations

import itertools
import zlib
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from territory import supply
from territory.access.pairs import Floats
from territory.rounds import RoundPrices, collective_rounds, staff_rounds
from territory.scenario.doubt.children import likely_homes
from territory.scenario.doubt.random_errors import ends_of
from territory.scenario.results import Results
from territory.scenario.zones import ALL_TERRITORY
from territory.study.state import State
from territory.study.words.model import Trip, TripRounds

TODAY = ""
# what is counted, and its unit
MEASURES = {
    "vehicles": "vehicles",
    "mean_ride_min": "min",
    "longest_ride_min": "min",
    "mean_direct_min": "min",
    "mean_detour_min": "min",
    "over_45_share": "share",
    "over_60_share": "share",
    "one_less_min": "min",
    "not_carried_share": "share",
    "mean_ride_km": "km",
    "mean_direct_km": "km",
    "day_km": "km",
    "day_driver_hours": "hours",
    "year_eur": "eur",
    "year_co2_kg": "kg",
    "week_road_hours": "hours",
    "week_km": "km",
    "road_share": "share",
    "full_time_equivalents": "etp",
    "children_per_fte": "children_per_etp",
}
_STREAM = 14
_SIDES = ("baseline", "scenario", "delta")
_KEYS = ["scenario", "zone", "service", "who", "measure"]
_SAID = ["unit", "children_count", "is_illustrative", "draws_count"]
COLUMNS = [*_KEYS, *_SAID, *(f"{side}_{end}" for side in _SIDES for end in ("value", "low", "high"))]
PATH_COLUMNS = ["scenario", "service", "stop_order", "place_id"]
# children drawn in an EPCI, over all draws, under which nothing is said of it
_LEAST_DRAWN = 11
Legs = Callable[[pd.Index], pd.DataFrame]
Measured = dict[tuple[str, str], float]


class _Asked(NamedTuple):
    """A trip that goes round; `homes` are places of its children (a row for each draw), `commune` that of a place."""

    service: str
    trip: Trip
    rules: TripRounds
    homes: Any
    commune: pd.Series[str]
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


def draw_rounds(
    baseline: Results,
    scenarios: Mapping[str, Results],
    legs: Legs,
    squares: pd.DataFrame | None = None,
    *,
    seed: int,
    level: float,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return what rounds are today and in each scenario, over the same draws of homes, and one typical round.

    `legs` returns the times between some communes or squares, and from squares to sites. A child is drawn in a commune,
    and in one of its `squares` (commune_code, children) where there are some. The first table has COLUMNS (means over
    draws, ends of the interval that holds `level` of them), the second PATH_COLUMNS: the stops, by commune, of the
    round of one same child, which stands in the middle of the first draw; nothing where children are observed.
    """
    states = {TODAY: baseline.state, **{name: one.state for name, one in scenarios.items()}}
    known = [
        asked
        for named in baseline.state.parameters.authorisations
        for trip in named.trip
        if trip.rounds and (asked := _asked(baseline, named.id, trip, squares, seed)) is not None
    ]
    rows, paths = [], []
    places = pd.Index(sorted(set().union(*(one.homes.ravel() for one in known))))
    table = legs(places) if known else pd.DataFrame()
    for asked in known:
        ways = _ways(states, asked, places, table)
        drawn, riders = _situations(ways, asked)
        rows += _compared(drawn, asked, level)
        if asked.trip.who == "child" and not asked.said[2]:
            paths += _typical(riders, asked)
    return pd.DataFrame(rows, columns=COLUMNS), pd.DataFrame(paths, columns=PATH_COLUMNS)


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
    ways = {}
    for name, state in states.items():
        sites = supply.sites_serving(state.services, asked.service)
        there = []
        for own, now, then in zip(
            _matrices(legs, places, sites),
            _matrices(state.times_to(sites), codes, sites),
            _matrices(first.times_to(sites), codes, sites),
            strict=True,
        ):
            further = np.where(np.isin(places, codes)[:, None], 0.0, np.nan_to_num(own - then[of_place]))
            there.append(np.maximum(now[of_place] + further, 0.0))
        ways[name] = _Way(places, between, sites, (there[0], there[1]), zone)
    return ways


def _situations(
    ways: Mapping[str, _Way], asked: _Asked
) -> tuple[dict[str, pd.DataFrame], dict[str, pd.DataFrame | None]]:
    """Return the measures of each draw in each situation, and the riders of the first; those alike are made once."""
    known: dict[tuple[object, ...], tuple[pd.DataFrame, pd.DataFrame | None]] = {}
    drawn, riders = {}, {}
    one = _one_morning if asked.trip.who == "child" else _one_week
    for name, way in ways.items():
        key = (*way.sites, way.there[0].tobytes())
        if key not in known:
            found = [one(homes, way, asked) for homes in asked.homes]
            known[key] = pd.DataFrame([measured for measured, _ in found]), found[0][1]
        drawn[name], riders[name] = known[key]
    return drawn, riders


def _table_of(homes: Any, way: _Way) -> tuple[pd.DataFrame, pd.DataFrame, list[str], Any]:
    """Return children at their closest site, the times of their places, the sites in use, and where children stand."""
    at = way.places.get_indexer(pd.Index(homes))
    here = np.unique(at)
    to_sites = np.where(np.isnan(way.there[0]), np.inf, way.there[0])
    closest = to_sites.argmin(axis=1) if way.sites else np.zeros(len(way.places), int)
    is_near = np.isfinite(to_sites[at]).any(axis=1)
    used = [site for s, site in enumerate(way.sites) if (closest[at][is_near] == s).any()]
    names = np.array([*way.sites, used[0] if used else ""], dtype=object)
    children = pd.DataFrame({"from_id": homes, "to_id": names[np.where(is_near, closest[at], -1)]})
    blocks = []
    for (minutes, km), ends in ((way.between, way.places), (way.there, pd.Index(way.sites))):
        columns = here if ends is way.places else np.arange(len(ends))
        start, end = np.nonzero(~np.isnan(minutes[np.ix_(here, columns)]))
        start, end = here[start], columns[end]
        legs = {"from_id": way.places[start], "to_id": ends[end]}
        blocks.append(
            pd.DataFrame({**legs, "travel_time_min": minutes[start, end], "distance_km": km[start, end]})
        )
    return children, pd.concat(blocks, ignore_index=True), used, at


def _one_morning(homes: Any, way: _Way, asked: _Asked) -> tuple[Measured, pd.DataFrame | None]:
    """Return the measures of the rounds of one draw of children, and the children."""
    children, table, used, at = _table_of(homes, way)
    rules = asked.rules
    if not used or rules.seats is None or rules.max_ride_min is None:
        return {(ALL_TERRITORY, "not_carried_share"): 1.0}, None
    found = collective_rounds(
        children,
        used,
        table,
        seats=rules.seats,
        max_ride_min=rules.max_ride_min,
        stop_min=rules.stop_min,
        attendants=rules.attendants,
        prices=asked.prices,
        effort=rules.effort,
        seed=asked.seed,
        with_one_more=True,
    )
    riders, vehicles, per_year = found.riders, found.vehicles, 2 * asked.trip.return_trips_per_year
    rides = riders["ride_min"]
    measured = {
        "vehicles": len(vehicles),
        "longest_ride_min": rides.max(),
        "one_less_min": rides.mean() - found.totals.get("one_more_ride_min", np.nan),
        "not_carried_share": rides.isna().mean(),
        "day_km": 2 * vehicles["distance_km"].sum(skipna=False),
        "day_driver_hours": 2 * vehicles["driver_hours"].sum(),
        "year_eur": per_year * vehicles["eur"].sum(skipna=False),
        "year_co2_kg": per_year * vehicles["co2_kg"].sum(skipna=False),
    }
    by_zone = {(ALL_TERRITORY, name): float(value) for name, value in measured.items()}
    carried = riders[rides.notna()].assign(zone=way.zone[at][rides.notna()])
    for zone, rows in [(ALL_TERRITORY, carried), *carried.groupby("zone")]:
        for name in ("ride_min", "direct_min", "ride_km", "direct_km"):
            by_zone[str(zone), f"mean_{name}"] = rows[name].mean(skipna=False)
        by_zone[str(zone), "mean_detour_min"] = rows["detour_min"].mean()
        for bound in (45, 60):
            by_zone[str(zone), f"over_{bound}_share"] = float((rows["ride_min"] > bound).mean())
        by_zone[str(zone), "children"] = len(rows)
    return by_zone, riders


def _one_week(homes: Any, way: _Way, asked: _Asked) -> tuple[Measured, None]:
    """Return the measures of the weeks of professionals for one draw of children, site by site."""
    children, table, used, _ = _table_of(homes, way)
    rules = asked.rules
    if not used or rules.day_min is None or rules.visit_min is None:
        return {(ALL_TERRITORY, "not_carried_share"): 1.0}, None
    road = work = equivalents = served = km = 0.0
    for site in used:
        visits = children[children["to_id"] == site].assign(visits_per_week=rules.visits_per_week)
        terms: Any = {"day_min": rules.day_min, "visit_min": rules.visit_min}
        week = staff_rounds(visits, site, table, **terms, effort=rules.effort, seed=asked.seed)
        road, work = road + week.totals["road_hours"], work + week.totals["work_hours"]
        equivalents += week.totals["full_time_equivalents"]
        km += week.vehicles["distance_km"].sum(skipna=False)
        served += week.riders["reason"].eq("").groupby(level="child").all().sum()
    measured = {
        "not_carried_share": 1 - served / len(children),
        "week_road_hours": road,
        "week_km": km,
        "road_share": road / work if work else np.nan,
        "full_time_equivalents": equivalents,
        "children_per_fte": served / equivalents if equivalents else np.nan,
    }
    return {(ALL_TERRITORY, name): float(value) for name, value in measured.items()}, None


def _compared(drawn: Mapping[str, pd.DataFrame], asked: _Asked, level: float) -> list[tuple[object, ...]]:
    """Return the rows of each scenario beside today, draw by draw, for the whole and each EPCI with enough children."""
    rows: list[tuple[object, ...]] = []
    today, (count, is_illustrative, _) = drawn[TODAY], asked.said
    zones = sorted({str(key[0]) for key in today.columns} - {ALL_TERRITORY, ""})
    for name in [one for one in drawn if one != TODAY] or [TODAY]:
        for zone in [ALL_TERRITORY, *zones]:
            if zone != ALL_TERRITORY:
                there = today[zone, "children"].fillna(0)
                count = round(there.mean())
                if there.sum() < _LEAST_DRAWN:
                    continue
            for measure, unit in MEASURES.items():
                sides: list[Any] = [drawn[one].get((zone, measure)) for one in (TODAY, name)]
                if sides[0] is None or sides[1] is None or sides[0].isna().all():
                    continue
                numbers = [_spread(one, level) for one in (*sides, sides[1] - sides[0])]
                said = (unit, count, is_illustrative, len(asked.homes))
                rows.append(
                    (name, zone, asked.service, asked.trip.who, measure, *said, *itertools.chain(*numbers))
                )
        count = asked.said[0]
    return rows


def _spread(values: pd.Series[float], level: float) -> tuple[float, float, float]:
    """Return the mean and the ends of the draws that say something (no child of a draw may live in an EPCI)."""
    known: Floats = np.asarray(values.dropna(), dtype=np.float64)
    if len(known) == 0:
        return (np.nan, np.nan, np.nan)
    low, high = ends_of(known[None, :], level)
    return float(known.mean()), float(low[0]), float(high[0])


def _typical(riders: Mapping[str, pd.DataFrame | None], asked: _Asked) -> list[tuple[object, ...]]:
    """Return the stops of the round of one child, whose minutes on board today are in the middle of the first draw."""
    rows: list[tuple[object, ...]] = []
    child, communes = None, asked.commune.reindex(asked.homes[0]).to_numpy()
    for name, found in riders.items():
        carried = pd.DataFrame() if found is None else found.dropna(subset="ride_min")
        if carried.empty:
            continue
        if child is None:
            child = carried["ride_min"].sort_values(kind="stable").index[len(carried) // 2]
        if child not in carried.index:
            continue
        mates = carried[carried["vehicle"] == carried.loc[child, "vehicle"]].sort_values("stop_order")
        places = [*communes[mates.index], mates["to_id"].iloc[0]]
        rows += [(name, asked.service, order, place) for order, place in enumerate(places, start=1)]
    return rows
