"""Apply a scenario to a copy of the inputs; the baseline is left untouched."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd

from territory.errors import Problems, StudyError
from territory.scenario.changes import offer as offer
from territory.scenario.changes.draft import Draft, carry_out, close_rows
from territory.scenario.changes.world import demand_of, in_order
from territory.study.services import authorisations_by_site, kinds_of
from territory.study.state import Families, State
from territory.study.words.changes import HeldAt, OfferChange, PoolSites
from territory.study.words.scenario import Scenario, contradictions


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
    held_at = authorisations_by_site(state.services.reset_index())
    for _, wrong in contradictions(scenario.change, held_at):
        problems.add(wrong)
    problems.raise_if_any()
    draft = Draft.of(state, problems)
    # of two changes of one kind, neither hangs on the other once contradictions are refused
    for change in sorted(scenario.change, key=lambda change: (change.order, change.rank)):
        carry_out(change, draft)
    problems.raise_if_any()
    families = {} if scenario.families == "stay" else _families(state, scenario, held_at)
    changed = replace(
        state,
        travel_times=draft.travel_times,
        site_times=draft.site_times,
        families=families,
        poolings=tuple(change for change in scenario.change if isinstance(change, PoolSites)),
    )
    if any(isinstance(change, OfferChange) for change in scenario.change):
        changed = replace(changed, services=close_rows(draft.rows, state.services))
    return changed if draft.population is state.population else _inhabited(changed, draft.population)


def _inhabited(state: State, population: pd.DataFrame) -> State:
    """Return the state with other inhabitants; needs follow with the same rates."""
    population = in_order(population, state.population)
    communes = state.communes.copy()
    counted = population.groupby(level="commune_code", sort=False)["population"].sum(min_count=1)
    communes["population"] = counted.reindex(communes.index).to_numpy(float)
    if "area_km2" in communes:
        communes["density_hab_km2"] = communes["population"] / communes["area_km2"]
    demand = demand_of(population, state.parameters)
    return replace(state, communes=communes, population=population, demand=demand)


def _families(state: State, scenario: Scenario, held_at: HeldAt) -> dict[str, Families]:
    """Return where the families of each authorisation that changes place go, when they do not follow it."""
    names = state.services["authorisation_id"].to_numpy()
    families = {}
    for name in scenario.displaced(held_at):
        sought = tuple(dict.fromkeys(kinds_of(state.services[names == name])))
        if sought:
            families[name] = Families(scenario.families, sought, scenario.families_need)
    return families
