"""Rounds of children and of professionals in a study, over draws of where children likely live, today and after."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd

from territory import supply
from territory.rounds import RoundPrices, collective_rounds, staff_rounds
from territory.scenario.doubt.children import likely_homes
from territory.scenario.doubt.random_errors import ends_of
from territory.study.words.model import Trip, TripRounds

if TYPE_CHECKING:
    from territory.scenario.results import Results
    from territory.study.state import State

TODAY = ""
# what is counted, and its unit
MEASURES = {
    "vehicles": "vehicles",
    "mean_ride_min": "min",
    "longest_ride_min": "min",
    "mean_detour_min": "min",
    "over_45_share": "share",
    "over_60_share": "share",
    "not_carried_share": "share",
    "day_km": "km",
    "day_driver_hours": "hours",
    "year_eur": "eur",
    "year_co2_kg": "kg",
    "week_road_hours": "hours",
    "road_share": "share",
    "full_time_equivalents": "etp",
    "children_per_fte": "children_per_etp",
}
_STREAM = 14
_SIDES = ("baseline", "scenario", "delta")
_KEYS = ["scenario", "service", "who", "measure"]
_SAID = ["unit", "children_count", "is_illustrative", "draws_count"]
COLUMNS = [*_KEYS, *_SAID, *(f"{side}_{end}" for side in _SIDES for end in ("value", "low", "high"))]
PATH_COLUMNS = ["scenario", "service", "stop_order", "place_id"]


class _Homes(NamedTuple):
    """Where the children of a service likely live, as `likely_homes` says."""

    codes: Any
    weights: np.ndarray
    size: int
    is_illustrative: bool
    is_observed: bool

    def drawn(self, rng: np.random.Generator, draws: int) -> Any:
        """Return the commune of each child, draws x children; children observed are where they are."""
        if self.is_observed:
            return np.repeat(self.codes, self.weights.round().astype(int))[None, :]
        return rng.choice(self.codes, size=(draws, self.size), p=self.weights / self.weights.sum())


class _Asked(NamedTuple):
    """A trip that goes round, and the draws of where its children live (one row for each draw)."""

    service: str
    trip: Trip
    rounds: TripRounds
    homes: np.ndarray
    prices: RoundPrices
    seed: int


def draw_rounds(
    baseline: Results, scenarios: Mapping[str, Results], legs: pd.DataFrame, *, seed: int, level: float
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return what rounds are today and in each scenario, over the same draws of homes, and one typical round.

    `legs` are times between communes. The first table has COLUMNS (means over draws, ends of the interval that holds
    `level` of them), the second PATH_COLUMNS: the stops, by commune, of the round of one same child, which stands in
    the middle of the first draw; nothing where children are observed.
    """
    rows, paths = [], []
    states = {TODAY: baseline.state, **{name: one.state for name, one in scenarios.items()}}
    for named in baseline.state.parameters.authorisations:
        for trip in named.trip:
            if trip.rounds is None:
                continue
            likely = likely_homes(baseline, named.id, trip.rounds.children)
            if likely is None:
                continue
            homes = _Homes(*likely)
            rng = np.random.default_rng([seed, _STREAM, zlib.crc32(f"{named.id}|{trip.who}".encode())])
            drawn = homes.drawn(rng, trip.rounds.draws)
            prices = _prices(baseline.state, trip)
            asked = _Asked(named.id, trip, trip.rounds, drawn, prices, seed)
            found = _situations(states, legs, asked)
            said = (homes.size, homes.is_illustrative, len(drawn))
            rows += _compared(found, asked, said, level)
            if trip.who == "child" and not homes.is_observed:
                paths += _typical(states, legs, asked)
    return pd.DataFrame(rows, columns=COLUMNS), pd.DataFrame(paths, columns=PATH_COLUMNS)


def _prices(state: State, trip: Trip) -> RoundPrices:
    """Return the prices of the vehicle of a trip, unknown where the study has none."""
    vehicle = state.parameters.prices.of(trip.vehicle)
    hour = trip.rounds.driver_eur_per_hour if trip.rounds else None
    km_eur, co2 = (vehicle.eur_per_km, vehicle.co2_kg_per_km) if vehicle else (None, None)
    known = (km_eur, hour, hour, 0.0, co2)
    return RoundPrices(*(np.nan if one is None else float(one) for one in known))


def _situations(states: Mapping[str, State], legs: pd.DataFrame, asked: _Asked) -> dict[str, pd.DataFrame]:
    """Return the measures of each draw in each situation; those with the same sites and times are computed once."""
    known: dict[tuple[object, ...], pd.DataFrame] = {}
    found = {}
    for name, state in states.items():
        sites = supply.sites_serving(state.services, asked.service)
        times = _times_to(state, sites)
        key = (*sites, times["travel_time_min"].to_numpy(float).tobytes())
        if key not in known:
            one = _one_morning if asked.trip.who == "child" else _one_week
            known[key] = pd.DataFrame([one(homes, sites, times, legs, asked) for homes in asked.homes])
        found[name] = known[key]
    return found


def _times_to(state: State, sites: list[str]) -> pd.DataFrame:
    """Return the times from communes to some sites, ids being texts."""
    times = state.times_to(sites)
    kept = times.filter(["from_id", "to_id", "travel_time_min", "distance_km"])
    return kept.astype({"from_id": "str", "to_id": "str"})


def _table_of(
    homes: np.ndarray, sites: list[str], times: pd.DataFrame, legs: pd.DataFrame
) -> tuple[pd.DataFrame, pd.DataFrame, list[str]]:
    """Return children at their closest site, the times between their places and to the sites, and the sites in use."""
    near = times[times["from_id"].isin(homes) & times["to_id"].isin(sites)].dropna(subset="travel_time_min")
    closest = (
        near.sort_values("travel_time_min", kind="stable").drop_duplicates("from_id").set_index("from_id")
    )
    children = pd.DataFrame({"from_id": homes, "to_id": closest["to_id"].reindex(homes).to_numpy()})
    used = [site for site in sites if children["to_id"].eq(site).any()]
    children["to_id"] = children["to_id"].fillna(used[0] if used else "")
    between = legs[legs["from_id"].isin(homes) & legs["to_id"].isin(homes)]
    return children, pd.concat([between, near], ignore_index=True), used


def _one_morning(
    homes: np.ndarray, sites: list[str], times: pd.DataFrame, legs: pd.DataFrame, asked: _Asked
) -> dict[str, float]:
    """Return the measures of the rounds of one draw of children."""
    found = _rounds_of(homes, sites, times, legs, asked)
    if found is None:
        return {"not_carried_share": 1.0}
    riders, vehicles = found
    rides, per_year = riders["ride_min"].dropna(), 2 * asked.trip.return_trips_per_year
    return {
        "vehicles": len(vehicles),
        "mean_ride_min": rides.mean(),
        "longest_ride_min": rides.max(),
        "mean_detour_min": riders["detour_min"].mean(),
        "over_45_share": (rides > 45).mean(),
        "over_60_share": (rides > 60).mean(),
        "not_carried_share": riders["ride_min"].isna().mean(),
        "day_km": 2 * vehicles["distance_km"].sum(skipna=False),
        "day_driver_hours": 2 * vehicles["driver_hours"].sum(),
        "year_eur": per_year * vehicles["eur"].sum(skipna=False),
        "year_co2_kg": per_year * vehicles["co2_kg"].sum(skipna=False),
    }


def _rounds_of(
    homes: np.ndarray, sites: list[str], times: pd.DataFrame, legs: pd.DataFrame, asked: _Asked
) -> tuple[pd.DataFrame, pd.DataFrame] | None:
    """Return children and vehicles of one draw, None when nobody can be taken anywhere."""
    children, table, used = _table_of(homes, sites, times, legs)
    rules = asked.rounds
    if not used or rules.seats is None or rules.max_ride_min is None:
        return None
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
    )
    return found.riders, found.vehicles


def _one_week(
    homes: np.ndarray, sites: list[str], times: pd.DataFrame, legs: pd.DataFrame, asked: _Asked
) -> dict[str, float]:
    """Return the measures of the weeks of professionals for one draw of children, site by site."""
    children, table, used = _table_of(homes, sites, times, legs)
    rules = asked.rounds
    if not used or rules.day_min is None or rules.visit_min is None:
        return {"not_carried_share": 1.0}
    road = work = equivalents = served = 0.0
    for site in used:
        visits = children[children["to_id"] == site].assign(visits_per_week=rules.visits_per_week)
        terms: Any = {"day_min": rules.day_min, "visit_min": rules.visit_min}
        week = staff_rounds(visits, site, table, **terms, effort=rules.effort, seed=asked.seed)
        road, work = road + week.totals["road_hours"], work + week.totals["work_hours"]
        equivalents += week.totals["full_time_equivalents"]
        served += week.riders["reason"].eq("").groupby(level="child").all().sum()
    return {
        "not_carried_share": 1 - served / len(children),
        "week_road_hours": road,
        "road_share": road / work if work else np.nan,
        "full_time_equivalents": equivalents,
        "children_per_fte": served / equivalents if equivalents else np.nan,
    }


def _compared(
    found: dict[str, pd.DataFrame], asked: _Asked, said: tuple[int, bool, int], level: float
) -> list[tuple[object, ...]]:
    """Return the rows of each scenario beside today, draw by draw."""
    rows: list[tuple[object, ...]] = []
    for name in [one for one in found if one != TODAY] or [TODAY]:
        for measure, unit in MEASURES.items():
            sides = [found[one].get(measure) for one in (TODAY, name)]
            if sides[0] is None or sides[1] is None or sides[0].isna().all():
                continue
            values = np.array([*sides, sides[1] - sides[0]], dtype=float)
            low, high = ends_of(values, level)
            numbers = np.column_stack([values.mean(axis=1), low, high]).ravel()
            rows.append((name, asked.service, asked.trip.who, measure, unit, *said, *numbers))
    return rows


def _typical(states: Mapping[str, State], legs: pd.DataFrame, asked: _Asked) -> list[tuple[object, ...]]:
    """Return the stops of the round of one child, whose minutes on board today are in the middle of the first draw."""
    rows: list[tuple[object, ...]] = []
    child = None
    for name, state in states.items():
        sites = supply.sites_serving(state.services, asked.service)
        homes = asked.homes[0]
        found = _rounds_of(homes, sites, _times_to(state, sites), legs, asked)
        if found is None:
            continue
        riders = found[0].dropna(subset="ride_min")
        if child is None:
            child = riders.index[np.argsort(riders["ride_min"].to_numpy(), kind="stable")[len(riders) // 2]]
        if child not in riders.index:
            continue
        mates = riders[riders["vehicle"] == riders.loc[child, "vehicle"]].sort_values("stop_order")
        places = [*homes[mates.index], mates["to_id"].iloc[0]]
        rows += [(name, asked.service, order, place) for order, place in enumerate(places, start=1)]
    return rows
