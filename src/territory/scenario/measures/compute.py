"""From the inputs of one computation to its results; the baseline and every scenario come through here."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from territory import access, needs, supply
from territory.access.closest import persons_by_zone
from territory.scenario.accounts import travel_accounts
from territory.scenario.measures.deserts import (
    count_edge,
    desert_shares,
    deserts,
    flag_edge,
    gp_access,
    zoning,
)
from territory.scenario.measures.families import nearest, times_of_families
from territory.scenario.measures.places import count_places
from territory.scenario.results import Results
from territory.scenario.zones import ALL_TERRITORY as ALL_TERRITORY
from territory.study.services import kinds_of
from territory.study.state import State


def compute(state: State, *, today: Results | None = None) -> Results:
    """Compute access, persons concerned, coverage and road use of one state.

    Parameters
    ----------
    state
        Tables and parameters; nothing else is read.
    today
        Results of the state that this one was changed from. Common care (closest sites, coverage, deserts, GPs) is
        taken from them where neither places, people nor these services have changed, and computed otherwise: what
        is returned is the same.

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
    places, reasons = count_places(state)
    if today is not None and _has_same_care(state, today.state):
        table = _with_edge([*_named(state), _closest_of(today)], state)
        care: dict[str, Any] = {name: getattr(today, name) for name in _CARE}
    else:
        table = access_table(state)
        gps = gp_access(state)
        classes = deserts(state, gps)
        care = {
            "coverage": _coverage(state, closest_services(state)),
            "edge": count_edge(table, state),
            "gp_access": gps,
            "deserts": classes,
            "desert_shares": desert_shares(classes, state),
            "zoning": zoning(state, gps),
        }
    return Results(
        state=state,
        access=table,
        persons=_persons(state),
        trips=travel_accounts(state, table),
        places=places,
        place_reasons=reasons,
        **care,
    )


# what `Results` says of care that is not in question, and what of a state it depends on beside services
_CARE = ("coverage", "edge", "gp_access", "deserts", "desert_shares", "zoning")
_SHARED = (
    "communes",
    "population",
    "travel_times",
    "parameters",
    "edge_time_min",
    "care_territories",
    "gp_consumption",
)


def _has_same_care(state: State, today: State) -> bool:
    """Tell whether two states have the same places, people, times and services of common care."""
    if any(getattr(state, name) is not getattr(today, name) for name in _SHARED):
        return False
    parameters = state.parameters
    kinds = {*parameters.closest_services, parameters.practitioners.service}
    kinds.update(kind for scheme in parameters.deserts for one in scheme.criterion for kind in one.services)
    after, before = (one.services[kinds_of(one.services).isin(list(kinds))] for one in (state, today))
    shared = after.columns.intersection(before.columns)
    return after[shared].equals(before[shared])


def closest_services(state: State) -> list[str]:
    """Return the services whose closest site is asked for, those whose list is complete."""
    complete = set(supply.complete_services(state.services))
    return [service for service in state.parameters.closest_services if service in complete]


def access_table(state: State) -> pd.DataFrame:
    """Return the table `access` of `Results`: each commune's row depends on its own travel times alone."""
    return _with_edge([*_named(state), *(_closest(state, name) for name in closest_services(state))], state)


def _named(state: State) -> list[pd.DataFrame]:
    """Return the times from every commune to each authorisation named in the study."""
    every = [named.id for named in state.parameters.authorisations]
    return [_access(state, name, "named", times_of_families(state, name)) for name in every]


def _closest_of(today: Results) -> pd.DataFrame:
    """Return the times to the closest sites that were found for another state."""
    rows = today.access[today.access["measure"] == "closest"]
    return rows.drop(columns=["edge_time_min", "could_be_closer_outside"])


def _with_edge(blocks: list[pd.DataFrame], state: State) -> pd.DataFrame:
    """Return the blocks of the table `access` one under the other, beside the time to the edge of the data."""
    return flag_edge(pd.concat(blocks) if blocks else _empty_access(), state)


def _closest(state: State, service: str) -> pd.DataFrame:
    """Return the time from every commune to the closest site of a service."""
    found = nearest(state, list(supply.sites_of(state.services, service)))
    return _access(state, service, "closest", found)


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
        rows = supply.rows_serving(state.services, named.id)
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
        times = state.times_to(supply.sites_of(state.services, service))
        within = access.coverage(
            times, communes["population"], thresholds_min=state.parameters.thresholds_min
        )
        for zones in (whole, communes["epci_code"]):
            counted = persons_by_zone(within, communes["population"], zones)
            counted.index = pd.MultiIndex.from_product([counted.index, [service]], names=["zone", "service"])
            blocks.append(counted)
    return pd.concat(blocks) if blocks else pd.DataFrame()
