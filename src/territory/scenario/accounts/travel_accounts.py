"""The year's road of one child, of one parent and of the staff: three accounts that are never added up.

Each account is counted for one child of a commune, under the trips and the prices that the study states.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from territory import supply
from territory.scenario.zones import by_zone
from territory.study.state import State
from territory.study.words.costs import Prices, Vehicle
from territory.study.words.model import Authorisation, Trip
from territory.units import MINUTES_PER_HOUR

__all__ = ["ACCOUNTS", "DEFAULT_TRIPS", "account_terms", "compare_accounts", "travel_accounts"]

ACCOUNTS = ("child", "parent", "staff")
KEYS = ["commune_code", "service", "who"]
QUANTITIES = (
    "year_direct_min",
    "year_low_min",
    "year_high_min",
    "year_direct_km",
    "year_low_km",
    "year_high_km",
    "year_vehicle_low_eur",
    "year_vehicle_high_eur",
    "year_staff_low_eur",
    "year_staff_high_eur",
    "year_co2_low_kg",
    "year_co2_high_kg",
)

_WEEKS = "36 semaines d'école (code de l'éducation, art. L521-1)"
# used where the study states no trip; none for "tous modes d'accueil", which is never split
DEFAULT_TRIPS: Mapping[str, tuple[Trip, ...]] = {
    "internat": (
        Trip(
            who="child",
            return_trips_per_year=36,
            source=f"hypothèse : un aller-retour par semaine, {_WEEKS}",
        ),
    ),
    "semi_internat": (
        Trip(
            who="child",
            return_trips_per_year=210,
            round_factor_low=1.2,
            round_factor_high=1.8,
            paid_by="budget de l'établissement (CASF, art. L242-12 et D242-14)",
            source="hypothèse : un aller-retour par jour d'ouverture, 210 jours ; détour du circuit collectif de "
            "1,2 à 1,8 [non vérifié]",
        ),
    ),
    "ambulatoire": (
        Trip(
            who="child",
            return_trips_per_year=36,
            source=f"hypothèse : une séance par semaine, {_WEEKS}",
        ),
        Trip(
            who="parent",
            return_trips_per_year=36,
            paid_by="la famille, pour son temps",
            source="hypothèse : un parent accompagne chaque séance [non vérifié]",
        ),
    ),
    "milieu_ordinaire": (
        Trip(
            who="staff",
            return_trips_per_year=36,
            paid_by="budget du service",
            source=f"hypothèse : une intervention par semaine depuis le site, {_WEEKS}",
        ),
    ),
}


def travel_accounts(state: State, access: pd.DataFrame) -> pd.DataFrame:
    r"""Count the road of a year for one child of each commune, by service and account.

    Notes
    -----
    For n return trips, a direct time t, a distance d and a round factor f: minutes = 2 n f t, km = 2 n f d,
    vehicle = 2 n (p₀ + p max(f d − d₀, 0)) / b, staff = h · minutes / 60, CO2 = 2 n f d c / b, with p₀ the fixed
    price of a trip that pays for d₀ km, p the price of a km, b the persons on board, h the price of an hour and
    c the CO2 of a km. An account holds nothing of another one: adding them up would count one road twice.

    Examples
    --------
    >>> import territory
    >>> result = territory.run_study("draguignan")
    >>> accounts = travel_accounts(result.baseline.state, result.baseline.access)
    >>> row = accounts.loc[("83121", "cmpp-draguignan", "child")]
    >>> bool(row["year_low_min"] == row["year_direct_min"])
    True
    """
    blocks = []
    for named in state.parameters.authorisations:
        rows = access.xs(named.id, level="service")
        for trip in trips_of(named, state.services):
            index = pd.MultiIndex.from_product([rows.index, [named.id], [trip.who]], names=KEYS)
            counted = _count(
                trip,
                rows["travel_time_min"].to_numpy(float),
                rows["distance_km"].to_numpy(float),
                state.parameters.prices,
            )
            blocks.append(pd.DataFrame(counted, index=index))
    if blocks:
        return pd.concat(blocks)
    index = pd.MultiIndex.from_arrays([[], [], []], names=KEYS)
    return pd.DataFrame({name: pd.Series(dtype=float) for name in QUANTITIES}).set_index(index)


def account_terms(state: State) -> pd.DataFrame:
    """Say under which terms each account is counted: who travels, how often, who pays, which price is missing.

    Parameters
    ----------
    state
        As for `travel_accounts`.

    Returns
    -------
    DataFrame
        Index (service, who); columns mode, return_trips_per_year, round_factor_low, round_factor_high,
        persons_on_board (NaN = unknown), vehicle, vehicle_source, paid_by, source, is_default (the study states
        no trip: that of the mode of reception is used) and missing (French: what the columns in € or kg lack;
        empty when nothing).

    Examples
    --------
    >>> import territory
    >>> terms = account_terms(territory.run_study("draguignan").baseline.state)
    >>> float(terms.loc[("ime-salernes", "child"), "return_trips_per_year"])
    210.0
    """
    rows = []
    prices = state.parameters.prices
    for named in state.parameters.authorisations:
        for trip in trips_of(named, state.services):
            vehicle = prices.of(trip.vehicle)
            rows.append(
                {
                    "service": named.id,
                    "who": trip.who,
                    "mode": mode_of(named.id, state.services) or "",
                    "return_trips_per_year": trip.return_trips_per_year,
                    "round_factor_low": trip.round_factor_low,
                    "round_factor_high": trip.round_factor_high,
                    "persons_on_board": _on_board(trip),
                    "vehicle": vehicle.label if vehicle else "",
                    "vehicle_source": _sources(vehicle),
                    "paid_by": trip.paid_by,
                    "source": trip.source,
                    "is_default": not named.trip,
                    "missing": " ; ".join(_missing(trip, prices)),
                }
            )
    names = ["mode", "return_trips_per_year", "round_factor_low", "round_factor_high", "persons_on_board"]
    names += ["vehicle", "vehicle_source", "paid_by", "source", "is_default", "missing"]
    return pd.DataFrame(rows, columns=["service", "who", *names]).set_index(["service", "who"])


def compare_accounts(
    baseline: pd.DataFrame, scenario: pd.DataFrame, communes: pd.DataFrame, epci: pd.Series[str]
) -> pd.DataFrame:
    """Average the accounts of one child over the persons of today's area, before, after and their difference.

    Examples
    --------
    >>> import territory
    >>> trips = territory.run_study("draguignan").comparisons["B"].trips
    >>> bool(trips.loc[("territory", "ime-salernes", "child"), "delta_year_low_min"] < 0)
    True
    """
    persons = communes["persons"][communes["is_in_area"] & communes["delta_travel_time_min"].notna()]
    both = baseline.add_prefix("baseline_").join(scenario.add_prefix("scenario_"))
    rows = both.reset_index("who").join(persons, how="inner")
    zones = by_zone(rows, epci)
    weighted = zones[list(both.columns)].mul(zones["persons"], axis=0).assign(persons=zones["persons"])
    keys = [zones[key] for key in ("zone", "service", "who")]
    total = weighted.groupby(keys, sort=False).sum(skipna=False)
    means = total[list(both.columns)].div(total["persons"].where(total["persons"] > 0), axis=0)
    deltas = {f"delta_{name}": means[f"scenario_{name}"] - means[f"baseline_{name}"] for name in QUANTITIES}
    return means.assign(**deltas)


def trips_of(named: Authorisation, services: pd.DataFrame) -> tuple[Trip, ...]:
    """Return the trips that the study states, or those of the mode of reception, marked as an assumption.

    Examples
    --------
    >>> table = pd.DataFrame({"authorisation_id": ["cmpp"], "reception_mode": ["ambulatoire"]})
    >>> [trip.who for trip in trips_of(Authorisation(id="cmpp", label="CMPP"), table)]
    ['child', 'parent']
    """
    return named.trip or DEFAULT_TRIPS.get(mode_of(named.id, services) or "", ())


def mode_of(authorisation_id: str, services: pd.DataFrame) -> str | None:
    """Return the one mode of reception of an authorisation, None when unknown or when it has several."""
    modes = supply.rows_serving(services, authorisation_id)["reception_mode"].dropna().unique()
    return str(modes[0]) if len(modes) == 1 else None


def _count(
    trip: Trip, minutes: np.ndarray, kilometres: np.ndarray, prices: Prices
) -> dict[str, np.ndarray | float]:
    """Return the quantities of a year for one trip, from direct minutes and kilometres one way."""
    one_ways = 2 * trip.return_trips_per_year
    vehicle = prices.of(trip.vehicle) or Vehicle(id="none", label="")
    per_km, co2 = (_number(value) for value in (vehicle.eur_per_km, vehicle.co2_kg_per_km))
    hour = prices.staff_hour.eur_per_hour if trip.who == "staff" and prices.staff_hour else np.nan
    board = _on_board(trip)
    counted: dict[str, np.ndarray | float] = {
        "year_direct_min": minutes * one_ways,
        "year_direct_km": kilometres * one_ways,
    }
    for side, factor in (("low", trip.round_factor_low), ("high", trip.round_factor_high)):
        road = kilometres * factor
        billed = np.maximum(road - vehicle.included_km, 0.0)
        counted[f"year_{side}_min"] = minutes * one_ways * factor
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
        if np.isnan(_on_board(trip)):
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


def _number(value: float | None) -> float:
    """Return a number, not a number when unknown."""
    return np.nan if value is None else value
