"""Accounts of a state, never added up: the year's road, what a building costs, how long children wait."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from territory import supply
from territory.scenario.zones import ALL_TERRITORY, by_zone, no_rows
from territory.study.state import Parameters, State
from territory.study.words.indicators import Building, Prices, Vehicle, Waiting
from territory.study.words.model import DEFAULT_TRIPS, Authorisation, Trip
from territory.tables.declare import CODES
from territory.units import MINUTES_PER_HOUR

if TYPE_CHECKING:
    from territory.study.words.changes import PoolSites

GOES_ROUND = "temps, km, € et CO2 des tournées calculées (table « tournees »), pas du détour supposé"
_ACCOUNT_KEYS = ["commune_code", "service", "who"]
QUANTITIES = (
    *(f"year_{bound}_{unit}" for unit in ("min", "km") for bound in ("direct", "low", "high")),
    *(f"year_{what}" for what in ("vehicle_low_eur", "vehicle_high_eur", "staff_low_eur", "staff_high_eur")),
    *("year_co2_low_kg", "year_co2_high_kg"),
)


def travel_accounts(state: State, access: pd.DataFrame) -> pd.DataFrame:
    """Count the road of a year for one child of each commune, by service and account, which are never added up."""
    blocks = []
    for named in state.parameters.authorisations:
        rows = access.xs(named.id, level="service")
        minutes, km = (rows[name].to_numpy(float) for name in ("travel_time_min", "distance_km"))
        for trip in trips_of(named, state.services):
            index = pd.MultiIndex.from_product([rows.index, [named.id], [trip.who]], names=_ACCOUNT_KEYS)
            counted = _count(trip, minutes, km, state.parameters.prices)
            blocks.append(pd.DataFrame(counted, index=index))
    return pd.concat(blocks) if blocks else no_rows(_ACCOUNT_KEYS, QUANTITIES)


def account_terms(state: State) -> pd.DataFrame:
    """Say under which terms each account is counted, by (service, who); `missing`: what € and kg lack, in French."""
    rows = []
    prices = state.parameters.prices
    for named in state.parameters.authorisations:
        for trip in trips_of(named, state.services):
            vehicle = prices.of(trip.vehicle)
            row = {
                "service": named.id,
                "who": trip.who,
                "mode": mode_of(named.id, state.services) or "",
                "return_trips_per_year": trip.return_trips_per_year,
                "round_factor_low": trip.round_factor_low if trip.rounds is None else np.nan,
                "round_factor_high": trip.round_factor_high if trip.rounds is None else np.nan,
                "persons_on_board": _on_board(trip),
                "vehicle": vehicle.label if vehicle else "",
                "vehicle_source": _sources(vehicle),
                "paid_by": trip.paid_by,
                "source": " ; ".join(filter(None, (trip.source, GOES_ROUND if trip.rounds else ""))),
                "is_default": not named.trip,
                "missing": " ; ".join(_missing(trip, prices)),
            }
            rows.append(row)
    names = ["mode", "return_trips_per_year", "round_factor_low", "round_factor_high", "persons_on_board"]
    names += ["vehicle", "vehicle_source", "paid_by", "source", "is_default", "missing"]
    return pd.DataFrame(rows, columns=["service", "who", *names]).set_index(["service", "who"])


def compare_accounts(
    baseline: pd.DataFrame, scenario: pd.DataFrame, communes: pd.DataFrame, epci: "pd.Series[str]"
) -> pd.DataFrame:
    """Average the accounts of one child over the persons of today's area, before, after and their difference."""
    persons = communes["persons"][communes["is_in_area"] & communes["delta_travel_time_min"].notna()]
    both = baseline.add_prefix("baseline_").join(scenario.add_prefix("scenario_"))
    zones = by_zone(both.reset_index("who").join(persons, how="inner"), epci)
    weighted = zones[list(both.columns)].mul(zones["persons"], axis=0).assign(persons=zones["persons"])
    keys = [zones[key] for key in ("zone", "service", "who")]
    total = weighted.groupby(keys, sort=False).sum(skipna=False)
    return _with_deltas(total[list(both.columns)].div(total["persons"].where(total["persons"] > 0), axis=0))


def _with_deltas(table: pd.DataFrame) -> pd.DataFrame:
    """Add how far each quantity is from that of today."""
    moved = {f"delta_{name}": table[f"scenario_{name}"] - table[f"baseline_{name}"] for name in QUANTITIES}
    return table.assign(**moved)


def with_rounds(parameters: Parameters, trips: pd.DataFrame, rounds: pd.DataFrame) -> pd.DataFrame:
    """Replace the accounts of services that go round by those of their rounds, by zone; unknown where there is none."""
    if rounds.empty:
        return trips
    found = trips.copy()
    services, persons = (trips.index.get_level_values(name) for name in ("service", "who"))
    for named in parameters.authorisations:
        for trip in named.trip:
            mine = (services == named.id) & (persons == trip.who)
            rows = rounds[(rounds["service"] == named.id) & (rounds["who"] == trip.who)].set_index("zone")
            if trip.rounds is None or not mine.any() or rows.empty:
                continue
            zones = trips.index[mine].get_level_values("zone")
            count = float(rows.loc[[ALL_TERRITORY], "children_count"].iloc[0])
            for side in ("baseline", "scenario"):
                ends = {
                    end: rows.pivot(columns="measure", values=f"{side}_{end}").reindex(zones)
                    for end in ("value", "low", "high")
                }
                for name, values in _of_rounds(trip, ends, count, parameters.prices).items():
                    found.loc[mine, f"{side}_{name}"] = values
    return _with_deltas(found)


def _of_rounds(
    trip: Trip, ends: Mapping[str, pd.DataFrame], children: float, prices: Prices
) -> dict[str, np.ndarray]:
    """Return the quantities of a year for one child, from what rounds are by zone over the draws."""
    times, vehicle = trip.return_trips_per_year, prices.of(trip.vehicle) or Vehicle(id="none", label="")

    def of(measure: str, end: str, factor: float = 1.0) -> np.ndarray:
        table = ends[end]
        return factor * (table[measure].to_numpy(float) if measure in table else np.full(len(table), np.nan))

    counted = {}
    if trip.who == "child":
        for unit in ("min", "km"):
            counted[f"year_direct_{unit}"] = of(f"mean_direct_{unit}", "value", 2 * times)
    for end in ("low", "high"):
        served = children * (1.0 - of("not_carried_share", "value"))
        served[served <= 0] = np.nan
        if trip.who == "child":
            minutes, km = (of(f"mean_ride_{unit}", end, 2 * times) for unit in ("min", "km"))
            eur, co2, hour = of("year_eur", end) / served, of("year_co2_kg", end) / served, np.nan
        else:
            weeks = times / (trip.rounds.visits_per_week if trip.rounds else 1)
            minutes = of("week_road_hours", end, weeks * MINUTES_PER_HOUR) / served
            km = of("week_km", end, weeks) / served
            eur, co2 = km * _or_nan(vehicle.eur_per_km), km * _or_nan(vehicle.co2_kg_per_km)
            hour = prices.staff_hour.eur_per_hour if prices.staff_hour else np.nan
        counted |= {f"year_{end}_min": minutes, f"year_{end}_km": km, f"year_vehicle_{end}_eur": eur}
        counted |= {f"year_staff_{end}_eur": minutes / MINUTES_PER_HOUR * hour, f"year_co2_{end}_kg": co2}
    return counted


def trips_of(named: Authorisation, services: pd.DataFrame) -> tuple[Trip, ...]:
    """Return the trips that the study states, or those of the mode of reception, marked as an assumption."""
    return named.trip or DEFAULT_TRIPS.get(mode_of(named.id, services) or "", ())


def mode_of(authorisation_id: str, services: pd.DataFrame) -> str | None:
    """Return the one mode of reception of an authorisation, None when unknown or when it has several."""
    modes = supply.rows_serving(services, authorisation_id)["reception_mode"].dropna().unique()
    return str(modes[0]) if len(modes) == 1 else None


def _count(trip: Trip, minutes: np.ndarray, km: np.ndarray, prices: Prices) -> dict[str, np.ndarray | float]:
    """Return the quantities of a year for one trip, from direct minutes and kilometres one way."""
    one_ways = 2 * trip.return_trips_per_year
    vehicle = prices.of(trip.vehicle) or Vehicle(id="none", label="")
    per_km, co2 = (_or_nan(value) for value in (vehicle.eur_per_km, vehicle.co2_kg_per_km))
    hour = prices.staff_hour.eur_per_hour if trip.who == "staff" and prices.staff_hour else np.nan
    board = _on_board(trip)
    # the parent waits on the spot, or goes home and comes back where that is shorter
    waited = trip.return_trips_per_year * np.minimum(trip.visit_min or 0.0, 2 * minutes)
    counted: dict[str, np.ndarray | float] = {
        "year_direct_min": minutes * one_ways + waited,
        "year_direct_km": km * one_ways,
    }
    for side, factor in (("low", trip.round_factor_low), ("high", trip.round_factor_high)):
        road = km * factor
        billed = np.maximum(road - vehicle.included_km, 0.0)
        counted[f"year_{side}_min"] = minutes * one_ways * factor + waited
        counted[f"year_{side}_km"] = road * one_ways
        counted[f"year_vehicle_{side}_eur"] = one_ways * (vehicle.eur_per_trip + per_km * billed) / board
        counted[f"year_staff_{side}_eur"] = minutes * one_ways * factor / MINUTES_PER_HOUR * hour
        counted[f"year_co2_{side}_kg"] = road * one_ways * co2 / board
    return {name: counted[name] for name in QUANTITIES}


def _on_board(trip: Trip) -> float:
    """Return the persons among whom the vehicle is shared; unknown for a round that does not say."""
    if trip.persons_on_board is not None:
        return trip.persons_on_board
    return np.nan if trip.round_factor_high > 1 else 1.0


def _missing(trip: Trip, prices: Prices) -> list[str]:
    """Return, in French, the prices without which a column of this account is unknown."""
    found = []
    vehicle = prices.of(trip.vehicle)
    if vehicle is None:
        # a parent who rides with the child adds no vehicle to the road
        if trip.who != "parent":
            found.append("véhicule non indiqué")
    else:
        if vehicle.eur_per_km is None:
            found.append(f"prix au km : {vehicle.label}")
        if vehicle.co2_kg_per_km is None:
            found.append(f"CO2 au km : {vehicle.label}")
        if trip.rounds is None and np.isnan(_on_board(trip)):
            found.append("nombre de personnes à bord du circuit collectif")
    if trip.who == "staff" and prices.staff_hour is None:
        found.append("valeur d'une heure de professionnel")
    return found


def _sources(vehicle: Vehicle | None) -> str:
    """Return where the prices of a vehicle come from."""
    if vehicle is None:
        return ""
    given = ((vehicle.eur_source, vehicle.eur_year), (vehicle.co2_source, vehicle.co2_year))
    return " ; ".join(f"{source} ({year})" for source, year in given if source)


def _or_nan(value: float | None) -> float:
    """Return a number, not a number when unknown."""
    return np.nan if value is None else value


_BUILDING_PARTS = CODES["building_parts"]


def annuity_eur(capital_eur: float, *, years: float, rate_share: float) -> float:
    """Return the equal yearly amount worth a capital paid today: C r / (1 − (1 + r)⁻ⁿ), C / n when r = 0."""
    if rate_share == 0:
        return capital_eur / years
    return capital_eur * rate_share / -math.expm1(-years * math.log1p(rate_share))


def building_costs(buildings: Sequence[Building], scenarios: Iterable[str]) -> pd.DataFrame:
    """Count the yearly cost of each scenario's building; one that names none stands for those without their own."""
    own = {name: building for building in buildings for name in building.scenarios}
    common = next((building for building in buildings if not building.scenarios), None)
    rows = {name: _cost(own.get(name, common)) for name in scenarios}
    kept = {name: row for name, row in rows.items() if row}
    return pd.DataFrame.from_dict(kept, orient="index").rename_axis("scenario")


def _cost(building: Building | None) -> dict[str, object]:
    """Return the yearly cost of one building, nothing without one."""
    if building is None:
        return {}
    low_subsidies, high_subsidies = building.subsidies_eur
    years, rate, avoided, paid, children = (
        _or_nan(getattr(building, name)) for name in _BUILDING_PARTS if name != "subsidies_eur"
    )
    annuities = [
        annuity_eur(building.cost_eur - subsidies, years=years, rate_share=rate)
        for subsidies in (high_subsidies, low_subsidies)
    ]
    nets = [annuity + paid - avoided for annuity in annuities]
    unknown = {"subsidies_eur": math.isnan(low_subsidies)}
    unknown |= {name: getattr(building, name) is None for name in _BUILDING_PARTS if name != "subsidies_eur"}
    return {
        "label": building.label,
        "cost_eur": building.cost_eur,
        "subsidies_low_eur": low_subsidies,
        "subsidies_high_eur": high_subsidies,
        "years": years,
        "discount_rate_share": rate,
        "annuity_low_eur": annuities[0],
        "annuity_high_eur": annuities[1],
        "rents_avoided_eur": avoided,
        "rents_paid_eur": paid,
        "net_low_eur": nets[0],
        "net_high_eur": nets[1],
        "children_accompanied": children,
        "per_child_low_eur": nets[0] / children,
        "per_child_high_eur": nets[1] / children,
        "source": building.source,
        "year": building.year,
        "assumptions": building.assumptions,
        "missing": " ; ".join(_BUILDING_PARTS[name] for name in _BUILDING_PARTS if unknown[name]),
    }


MONTHS_PER_YEAR = 12.0
NOT_COMPUTABLE = "non calculable, données à demander à la MDPH"
NO_EXIT = "aucune sortie dans l'année : l'attente n'a pas de terme calculable"
ORDER = "ordre de grandeur : les entrées suivent les sorties et des priorités, pas une file"
NO_EFFECT = "regrouper ne raccourcit aucune attente sans temps de professionnel libéré"
PLACES = "le nombre de places ne change pas : du temps libéré n'en crée pas"
ASSUMPTION = (
    "suppose que le temps de professionnel libéré ({share} % de tout leur temps) va tout entier aux enfants"
)


def waits(state: State, observed: Iterable[Waiting], *, scenario: State | None = None) -> pd.DataFrame:
    """Estimate the wait for each named authorisation in months, today and in a scenario: 12 · waiting / exits.

    With a share s of the staff's time freed by pooling and given to children, exits are assumed to grow to exits / (1
    - s), but for activity counted in places, where an entry waits for an exit. Without an observed count there is no
    estimate.
    """
    given = {one.authorisation: one for one in observed}
    poolings = scenario.poolings if scenario is not None else ()
    in_places = {
        named.id
        for named in state.parameters.authorisations
        if supply.rows_serving(state.services, named.id)["capacity_unit"].eq("places").any()
    }
    rows = {
        named.id: _wait(given.get(named.id), _freed(named.id, poolings), named.id in in_places)
        for named in state.parameters.authorisations
    }
    names = ["waiting", "exits_per_year", "year", "source", "wait_months", "scenario_wait_months", "note"]
    return pd.DataFrame.from_dict(rows, orient="index", columns=names).rename_axis("service")


def _wait(one: Waiting | None, freed_share: float | None, in_places: bool) -> tuple[object, ...]:
    """Return the row of one authorisation."""
    if one is None:
        return math.nan, math.nan, math.nan, "", math.nan, math.nan, NOT_COMPUTABLE
    known = (one.waiting, one.exits_per_year, float(one.year), one.source)
    if not one.exits_per_year:
        return *known, math.nan, math.nan, NO_EXIT
    today = MONTHS_PER_YEAR * one.waiting / one.exits_per_year
    if freed_share is None:
        return *known, today, today, f"{ORDER} ; {NO_EFFECT}"
    if in_places:
        return *known, today, today, f"{ORDER} ; {PLACES}"
    share = f"{100 * freed_share:g}".replace(".", ",")
    return *known, today, today * (1 - freed_share), f"{ORDER} ; {ASSUMPTION.format(share=share)}"


def _freed(authorisation_id: str, poolings: "Iterable[PoolSites]") -> float | None:
    """Return the share of staff time that a pooling of which the authorisation is a member frees, None if unknown."""
    shares = [
        pooling.freed_staff_share
        for pooling in poolings
        if authorisation_id in pooling.member_ids and pooling.freed_staff_share
    ]
    # two groupings do not free the same hour twice
    return max(shares) if shares else None
