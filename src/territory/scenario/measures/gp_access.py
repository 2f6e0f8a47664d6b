"""Access to GPs of one state: an APL when age and activity are known, practitioners per inhabitant otherwise."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from territory import access, needs
from territory.access.catchments.practitioners import APL_NAME
from territory.access.zoning import simulate
from territory.study.services import complete_kinds, kinds_of
from territory.study.state import State

HEADCOUNT_COLUMN = "practitioners_per_100000_hab"


def gp_access(state: State, *, measures: Any = access, times: Any = None) -> pd.DataFrame:
    """Compute the access to GPs of every commune, those of the surroundings competing too."""
    empty = pd.Series(np.nan, index=state.communes.index)
    where = state.travel_times if times is None else times
    rows = _practitioners(state)
    profile = state.parameters.practitioners.profile
    found = {APL_NAME: empty, HEADCOUNT_COLUMN: empty}
    if rows is not None:
        offered = rows["capacity"].groupby(level="site_id").sum(min_count=1)
        people = standardised_hab(state)
        if not why_no_apl(state) and people is not None:
            found[APL_NAME] = measures.apl(where, people, offered, profile=profile)
        elif rows["capacity_unit"].eq("headcount").all():
            found[HEADCOUNT_COLUMN] = measures.gp_headcount_access(
                where, state.communes["population"], offered, profile=profile
            )
    return pd.DataFrame(found, index=state.communes.index)


def why_no_apl(state: State) -> str:
    """Return what an APL of this state lacks, in French; empty when it can be computed."""
    rows = _practitioners(state)
    if rows is None:
        return "liste des généralistes absente ou partielle"
    if not rows["capacity_unit"].eq("consultations_per_year").all():
        return "activité des généralistes inconnue : des effectifs ne font pas une APL"
    if rows["capacity"].isna().any():
        return "activité inconnue pour une partie des généralistes"
    if state.gp_consumption is None or state.parameters.practitioners.mean_acts_per_hab is None:
        return "consommation de soins par âge inconnue : la population n'est pas standardisée"
    return ""


def standardised_hab(state: State) -> pd.Series[float] | None:
    """Return inhabitants weighted by the care of their age, None without the table of consumption."""
    mean = state.parameters.practitioners.mean_acts_per_hab
    if state.gp_consumption is None or mean is None:
        return None
    people = needs.standardised_population(state.population, state.gp_consumption, reference=mean)
    found: pd.Series[float] = people.reindex(state.communes.index)
    return found


def zoning(state: State, gps: pd.DataFrame) -> pd.DataFrame:
    """Simulate the medical zoning of each territoire de vie-santé under the supply of this state."""
    rule = state.parameters.zoning
    if rule is None or state.care_territories is None or why_no_apl(state):
        return pd.DataFrame()
    inside = state.communes.index.isin(state.parameters.territory_codes)
    where = state.care_territories[inside].dropna()
    # a territoire de vie-santé is taken whole, its communes of the next département included
    mine = state.care_territories.isin(where.unique()).to_numpy()
    hab = state.communes["population"][mine]
    mean = access.mean_by(gps[APL_NAME][mine], hab, state.care_territories[mine])
    people = hab.groupby(state.care_territories[mine].to_numpy(), sort=False).sum().reindex(mean.index)
    table = simulate(
        mean.rename(APL_NAME),
        people,
        profile=rule.profile,
        zip_quota_hab=rule.zip_quota_hab,
        zac_quota_hab=rule.zac_quota_hab,
    )
    return table.rename_axis("territory_id")


def _practitioners(state: State) -> pd.DataFrame | None:
    """Return the services of GPs, None when their list is absent or partial."""
    service = state.parameters.practitioners.service
    if service not in complete_kinds(state.services):
        return None
    return state.services[kinds_of(state.services) == service]
