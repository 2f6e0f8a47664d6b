"""Apply a scenario to a copy of the inputs; the baseline is left untouched."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd

from territory.errors import Problems, StudyError
from territory.scenario.changes.offer import PHASES, change_services, close_rows, open_rows
from territory.scenario.changes.roads_and_population import change_population, change_speeds
from territory.study.checks.contradictions import contradictions
from territory.study.state import Families, State
from territory.study.words.changes import (
    ChangePopulation,
    ChangeSpeeds,
    CloseSite,
    MergeEstablishments,
    MoveSite,
    PoolSites,
    Scenario,
)


def apply(state: State, scenario: Scenario) -> State:
    """Return the state as the scenario would make it.

    Travel times are not computed again: those of `state` go to every site that a scenario may use. The order of
    the changes in the file does not matter: openings come first, closings last.

    Parameters
    ----------
    state
        Today's inputs, unchanged.
    scenario
        Its changes, and where families go.

    Returns
    -------
    State
        A copy with other services, times or population. A table that no change touches is the same object.

    Raises
    ------
    StudyError
        With every change that cannot be made: unknown site or authorisation, two changes that contradict each
        other, a service that would stand twice at one site, speeds of a road map where there is none.

    Warns
    -----
    TerritoryWarning
        If an authorisation of psychiatry is transferred as if it were under the CASF.

    Examples
    --------
    >>> from territory.scenario import CloseSite, Scenario
    >>> closing = Scenario(id="C", name="Fermeture", change=(CloseSite(authorisation_id="ime-salernes"),))
    >>> closing
    Scenario('C', 1 change)
    """
    problems = Problems(f"Scénario « {scenario.id} »", StudyError)
    changes = [change.model_dump() for change in scenario.change]
    for _, said in contradictions(changes, authorisations_by_site(state.services)):
        problems.add(said)
    problems.raise_if_any()
    changed = replace(state, services=_services(state, scenario, problems))
    speeds = [change for change in scenario.change if isinstance(change, ChangeSpeeds)]
    if speeds:
        changed = change_speeds(changed, speeds, problems)
    population = [change for change in scenario.change if isinstance(change, ChangePopulation)]
    if population:
        changed = change_population(changed, population, problems)
    problems.raise_if_any()
    return replace(
        changed,
        families=_families(state, scenario),
        poolings=tuple(change for change in scenario.change if isinstance(change, PoolSites)),
    )


def authorisations_by_site(services: pd.DataFrame) -> dict[str, list[str]]:
    """Return the authorisations exercised at each site."""
    rows = services.reset_index().dropna(subset=["authorisation_id"])
    found = rows.groupby("site_id")["authorisation_id"].agg(lambda ids: list(dict.fromkeys(ids)))
    return {str(site): ids for site, ids in found.items()}


def _services(state: State, scenario: Scenario, problems: Problems) -> pd.DataFrame:
    """Return the services after every change of the offer, today's own table when there is none."""
    offer = [change for change in scenario.change if isinstance(change, PHASES)]
    if not offer:
        return state.services
    rows = open_rows(state.services)
    # of two changes of one kind, neither hangs on the other once contradictions are refused
    for change in sorted(offer, key=lambda change: PHASES.index(type(change))):
        rows = change_services(change, rows, state, problems)
    return close_rows(rows, state.services)


def _families(state: State, scenario: Scenario) -> dict[str, Families]:
    """Return where the families of each authorisation that changes place go, when they do not follow it."""
    if scenario.families == "stay":
        return {}
    touched: list[str] = []
    held = authorisations_by_site(state.services)
    for change in scenario.change:
        if isinstance(change, MoveSite):
            touched += change.authorisation_ids or held.get(str(change.from_site_id), [])
        elif isinstance(change, CloseSite):
            touched += (
                [change.authorisation_id] if change.authorisation_id else held.get(str(change.site_id), [])
            )
        elif isinstance(change, MergeEstablishments) and change.to_site_id is not None:
            touched += [change.into_authorisation_id, *change.absorbed_ids]
        elif isinstance(change, PoolSites) and change.moves_services:
            touched += change.member_ids
    rows = open_rows(state.services)
    found = {}
    for name in dict.fromkeys(touched):
        kinds = tuple(dict.fromkeys(rows.loc[rows["authorisation_id"] == name, "service"]))
        if kinds:
            found[name] = Families(scenario.families, kinds, scenario.families_need)
    return found
