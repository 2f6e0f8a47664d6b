"""From the inputs of one computation to its results; the baseline and every scenario come through here."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import pandas as pd

from territory import access, needs, supply
from territory.scenario.results import Results
from territory.study.model import Authorisation
from territory.study.state import State

ALL_TERRITORY = "territory"


def compute(state: State) -> Results:
    """Compute access, persons concerned, coverage and road use of one state.

    Parameters
    ----------
    state
        Tables and parameters; nothing else is read.

    Returns
    -------
    Results
        See its attributes. A service whose list is partial gets no closest site.

    Examples
    --------
    >>> import territory
    >>> result = territory.run_study("draguignan")
    >>> result.baseline.access.loc[("83121", "ime-salernes"), "to_id"]
    'ime-salernes'
    """
    found = [_named(state, named) for named in state.parameters.authorisations]
    complete = set(supply.complete_services(state.services))
    closest = [service for service in state.parameters.closest_services if service in complete]
    found += [_closest(state, service) for service in closest]
    table = pd.concat(found) if found else _empty_access()
    return Results(
        state=state,
        access=table,
        persons=_persons(state),
        coverage=_coverage(state, closest),
        trips=_trips(state, table),
    )


def _named(state: State, named: Authorisation) -> pd.DataFrame:
    """Return the time from every commune to the site of an authorisation, the closest one when it has several."""
    services = state.services
    if not (services["authorisation_id"] == named.id).any():
        # closed, or not open yet: out of reach for everybody, which is known
        return _access(state, named.id, "named", pd.DataFrame(index=state.communes.index))
    sites = _sites_of(services, named.id)
    if len(sites) > 1:
        return _nearest(state, named.id, "named", sites)
    times = access.time_to_site(state.travel_times, state.communes.index, sites[0])
    rows = state.travel_times[state.travel_times["to_id"] == sites[0]].set_index("from_id")
    found = rows.reindex(state.communes.index)
    found["travel_time_min"] = times["time_min"]
    found["is_reachable"] = times["is_reachable"]
    found["to_id"] = sites[0]
    return _access(state, named.id, "named", found)


def _sites_of(services: pd.DataFrame, authorisation_id: str) -> list[str]:
    """Return the sites of an authorisation; several of them only when they receive the same ages."""
    rows = services[services["authorisation_id"] == authorisation_id]
    sites = list(dict.fromkeys(rows.index.get_level_values("site_id")))
    if len(sites) > 1 and len(rows[["age_min", "age_max"]].drop_duplicates()) > 1:
        # the closer site may not receive the child: asking for one site says what is wrong
        supply.site_of_authorisation(services, authorisation_id)
    return sites


def _closest(state: State, service: str) -> pd.DataFrame:
    """Return the time from every commune to the closest site of a service."""
    return _nearest(state, service, "closest", list(supply.sites_of(state.services, service)))


def _nearest(state: State, service: str, measure: str, sites: Collection[str]) -> pd.DataFrame:
    """Return the time from every commune to the closest of some sites."""
    times = times_to_sites(state, sites)
    best = access.time_to_closest(times, state.communes.index)
    keys = pd.MultiIndex.from_arrays([best.index, best["to_id_1"]])
    found = times.set_index(["from_id", "to_id"]).reindex(keys).set_axis(best.index)
    found["travel_time_min"] = best["time_1_min"]
    found["is_reachable"] = best["is_reachable"]
    found["to_id"] = best["to_id_1"]
    return _access(state, service, measure, found)


def times_to_sites(state: State, sites: Collection[str]) -> pd.DataFrame:
    """Return the travel times to some sites, with the attributes of the whole table."""
    times = state.travel_times[state.travel_times["to_id"].isin(sites)]
    times.attrs = dict(state.travel_times.attrs)
    return times


def _access(state: State, service: str, measure: str, found: pd.DataFrame) -> pd.DataFrame:
    """Shape one service's rows like the `access` table."""
    index = pd.MultiIndex.from_product([state.communes.index, [service]], names=["commune_code", "service"])
    columns = {}
    for name in ("travel_time_min", "uncertainty_min", "distance_km"):
        values = found[name].to_numpy(float) if name in found else np.full(len(index), np.nan)
        columns[name] = values
    reachable = found["is_reachable"].array if "is_reachable" in found else np.zeros(len(index), bool)
    to_id = found["to_id"].array if "to_id" in found else pd.array([None] * len(index), dtype="str")
    return pd.DataFrame(
        {
            "measure": measure,
            "to_id": pd.Series(to_id, index=index, dtype="str"),
            **columns,
            "is_reachable": pd.Series(reachable, index=index, dtype="boolean"),
        },
        index=index,
    )


def _empty_access() -> pd.DataFrame:
    """Return an `access` table without rows, for a study that names no service."""
    index = pd.MultiIndex.from_arrays([[], []], names=["commune_code", "service"])
    numbers = {name: pd.Series(dtype=float) for name in ("travel_time_min", "uncertainty_min", "distance_km")}
    texts = {name: pd.Series(dtype="str") for name in ("measure", "to_id")}
    return pd.DataFrame({**texts, **numbers, "is_reachable": pd.Series(dtype="boolean")}).set_index(index)


def _persons(state: State) -> pd.DataFrame:
    """Return persons of the age received, or children served where the study gives them."""
    blocks = []
    for named in state.parameters.authorisations:
        rows = state.services[state.services["authorisation_id"] == named.id]
        persons = pd.Series(np.nan, index=state.communes.index)
        kind = "age"
        observed = _observed(state, named.id)
        if observed is not None:
            persons, kind = observed, "observed"
        elif len(rows) and rows[["age_min", "age_max"]].notna().all(axis=None):
            ages = (float(rows["age_min"].min()), float(rows["age_max"].max()))
            counted = needs.persons_by_age(state.population, age_min=ages[0], age_max=ages[1])
            persons = counted.reindex(state.communes.index) * state.parameters.age_scale
        index = pd.MultiIndex.from_product(
            [state.communes.index, [named.id]], names=["commune_code", "service"]
        )
        blocks.append(pd.DataFrame({"persons": persons.to_numpy(float), "persons_kind": kind}, index=index))
    if not blocks:
        index = pd.MultiIndex.from_arrays([[], []], names=["commune_code", "service"])
        return pd.DataFrame(
            {"persons": pd.Series(dtype=float), "persons_kind": pd.Series(dtype="str")}
        ).set_index(index)
    return pd.concat(blocks)


def _observed(state: State, authorisation_id: str) -> pd.Series | None:
    """Return the children served by commune when the study gives them for this authorisation."""
    if state.observed_origins is None:
        return None
    rows = state.observed_origins[state.observed_origins["authorisation_id"] == authorisation_id]
    if rows.empty:
        return None
    # a commune that the file does not name sends nobody
    counts = rows.groupby("commune_code")["children"].sum()
    return counts.reindex(state.communes.index, fill_value=0.0)


def _coverage(state: State, services: list[str]) -> pd.DataFrame:
    """Return inhabitants within each threshold by EPCI of the territory, and for the whole of it."""
    communes = state.communes[state.communes.index.isin(state.parameters.territory_codes)]
    whole = pd.Series(ALL_TERRITORY, index=communes.index)
    blocks = []
    for service in services:
        for zones in (whole, communes["epci_code"]):
            counted = access.coverage_by(
                times_to_sites(state, supply.sites_of(state.services, service)),
                communes["population"],
                zones,
                thresholds_min=state.parameters.thresholds_min,
            )
            counted.index = pd.MultiIndex.from_product([counted.index, [service]], names=["zone", "service"])
            blocks.append(counted)
    return pd.concat(blocks) if blocks else pd.DataFrame()


def _trips(state: State, table: pd.DataFrame) -> pd.DataFrame:
    """Return the year's road for one child of each commune, in three accounts that are never added up."""
    blocks = []
    for named in state.parameters.authorisations:
        rows = table.xs(named.id, level="service")
        for trip in named.trip:
            there_and_back = 2 * trip.return_trips_per_year
            index = pd.MultiIndex.from_product(
                [rows.index, [named.id], [trip.who]], names=["commune_code", "service", "who"]
            )
            minutes = rows["travel_time_min"].to_numpy(float) * there_and_back
            blocks.append(
                pd.DataFrame(
                    {
                        "year_low_min": minutes * trip.round_factor_low,
                        "year_high_min": minutes * trip.round_factor_high,
                        "year_direct_km": rows["distance_km"].to_numpy(float) * there_and_back,
                    },
                    index=index,
                )
            )
    if not blocks:
        index = pd.MultiIndex.from_arrays([[], [], []], names=["commune_code", "service", "who"])
        names = ("year_low_min", "year_high_min", "year_direct_km")
        return pd.DataFrame({name: pd.Series(dtype=float) for name in names}).set_index(index)
    return pd.concat(blocks)
