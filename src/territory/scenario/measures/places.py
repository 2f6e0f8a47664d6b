"""Places within reach and places that are missing, where they can be counted; a reason in French where not."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from territory import access, needs, supply
from territory.errors import agree
from territory.needs import KINDS_COMPARABLE_WITH_PLACES
from territory.scenario.zones import no_rows, of_service
from territory.study.own_tables import kinds_of
from territory.study.state import State

PER_1000 = 1000.0
# kinds of service that have a sector (CSP, art. L3221-4 and R3221-1)
ASK_SECTOR = "l'établissement qui porte l'autorisation ; l'ARS"
SECTORED = frozenset({"cmp", "cmp_ij", "hdj", "hdj_ij", "cattp", "cattp_ij"})
NO_LIST = "liste des sites incomplète : un site absent de la liste peut exister"
NO_TIMES = "service absent de closest_services : les temps vers tous ses sites ne sont pas calculés"
NO_ORIENTATION = (
    "aucun besoin de nature « orientation » ou « waiting » pour ce service : à demander à la MDPH"
)
NO_SERVED = "liste d'attente sans les enfants déjà accompagnés : les places libres ne sont pas connues"
MERGED = "places réunies par une fusion : elles servent aussi les familles d'une autre autorisation"
NO_OBSERVED = "ni orientations, ni enfants accompagnés observés"


def count_places(state: State) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Count places per 1,000 persons within reach (2SFCA, binary decay) and persons without a place, by commune.

    NaN = cannot be counted: the second table says why, in French. Access is by kind of service; persons without a
    place by kind (orientations, a waiting list) and by authorisation (children observed to be served).
    """
    named = [authorisation.id for authorisation in state.parameters.authorisations]
    kinds = list(dict.fromkeys(kind for one in named if (kind := kind_of(state.services, one))))
    blocks, reasons = [], {}
    for kind in kinds:
        reach, why = _reach(state, kind)
        unmet, unmet_why = _unmet_of_kind(state, kind)
        blocks.append(_block(state, kind, reach, unmet))
        reasons[kind] = (why, unmet_why)
    for one in named:
        if one not in reasons:
            unmet, unmet_why = _unmet_of_authorisation(state, one)
            blocks.append(_block(state, one, None, unmet))
            reasons[one] = ("compté par nature de service, pas par autorisation", unmet_why)
    names = pd.DataFrame.from_dict(reasons, orient="index", columns=["access_reason", "unmet_reason"])
    names = names.rename_axis("service")
    if not blocks:
        return no_rows(["commune_code", "service"], ["access_per_1000", "unmet_persons"]), names
    return pd.concat(blocks), names


def kind_of(services: pd.DataFrame, authorisation_id: str) -> str | None:
    """Return the kind of service of an authorisation, None where it has no row or several kinds."""
    rows = supply.rows_serving(services, authorisation_id)
    kinds = set(kinds_of(rows))
    return kinds.pop() if len(kinds) == 1 else None


def sector_of(state: State, authorisation_id: str) -> pd.Series[bool] | None:
    """Return which communes a service is alone to serve by law; None without a sector, or when it is unknown."""
    sector = next((one.sector for one in state.parameters.authorisations if one.id == authorisation_id), None)
    if not sector or sector == "unknown":
        return None
    inside = state.communes.index.isin(sector) | state.communes["epci_code"].isin(sector).to_numpy(bool)
    return pd.Series(inside, index=state.communes.index)


def sector_reason(state: State, authorisation_id: str) -> str:
    """Say whom to ask for an unknown sector (child psychiatry has one unless the study denies it); empty otherwise."""
    one = next((one for one in state.parameters.authorisations if one.id == authorisation_id), None)
    if one is None or state.children_served({authorisation_id}) is not None:
        return ""
    is_sectored = kind_of(state.services, authorisation_id) in SECTORED
    if one.sector == "unknown" or (one.sector is None and is_sectored):
        return f"secteur inconnu (à demander : {one.sector_ask or one.holder or ASK_SECTOR})"
    return ""


def persons_received(state: State, rows: pd.DataFrame) -> pd.Series[float] | None:
    """Return the persons of the ages that some services receive, by commune; None when an age is unknown."""
    ages = rows[["age_min", "age_max"]]
    if ages.empty or ages.isna().any(axis=None):
        return None
    counted = needs.persons_by_age(
        state.population, age_min=float(ages["age_min"].min()), age_max=float(ages["age_max"].max())
    )
    found: pd.Series[float] = counted.reindex(state.communes.index) * state.parameters.age_scale
    return found


def users_of(state: State, rows: pd.DataFrame, service: str) -> pd.Series[float] | None:
    """Return the persons of the ages received, each age as often as among users where the study knows it."""
    named = next((one for one in state.parameters.authorisations if one.id == service), None)
    profile = None if named is None else named.age_profile
    if profile is None:
        return persons_received(state, rows)
    whole = pd.Series(0.0, index=state.communes.index)
    for band in profile.band:
        of_age = needs.persons_by_age(state.population, age_min=band.age_min, age_max=band.age_max)
        of_age = of_age.reindex(whole.index)
        # users of this age, where one person of it is worth another
        whole = whole + of_age * (band.share / of_age.sum())
    return whole


def attraction_of(state: State, kind: str, sites: Sequence[str]) -> pd.Series[float]:
    """Return the places of each site of a kind where all are known; otherwise one site is worth another."""
    places, why = places_of_sites(state.services[kinds_of(state.services) == kind])
    known = places.reindex(list(sites))
    return pd.Series(1.0, index=list(sites)) if why or known.isna().any() else known.astype(float)


def _block(state: State, service: str, reach: pd.Series | None, unmet: pd.Series | None) -> pd.DataFrame:
    """Return the rows of one service."""
    codes = state.communes.index
    columns = {
        name: np.full(len(codes), np.nan) if found is None else found.reindex(codes).to_numpy(float)
        for name, found in (("access_per_1000", reach), ("unmet_persons", unmet))
    }
    return pd.DataFrame(columns, index=of_service(codes, service))


def places_of_sites(rows: pd.DataFrame) -> tuple[pd.Series, str]:
    """Return the places of each site, or why they are unknown."""
    counted = supply.places_by_site(rows)
    unknown = counted["places"].isna()
    if unknown.any():
        said = agree(int(unknown.sum()), "site(s) sans places connues")
        return pd.Series(dtype=float), f"{said} ({counted['reason'][unknown].iloc[0]})"
    return counted["places"].groupby(level="site_id", sort=False).sum(), ""


def _places_of_kind(state: State, rows: pd.DataFrame, kind: str) -> tuple[pd.Series, str]:
    """Return the places of each site of a kind, whose services are `rows`, or why they cannot be counted from."""
    if not rows["is_complete_list"].all():
        return pd.Series(dtype=float), NO_LIST
    if kind not in state.parameters.closest_services:
        return pd.Series(dtype=float), NO_TIMES
    return places_of_sites(rows)


def _reach(state: State, kind: str) -> tuple[pd.Series | None, str]:
    """Return places within reach per 1,000 persons of the age received, or why not."""
    rows = state.services[kinds_of(state.services) == kind]
    places, why = _places_of_kind(state, rows, kind)
    if why:
        return None, why
    persons = persons_received(state, rows)
    if persons is None:
        return None, "âges reçus inconnus"
    decay = access.decay.binary(state.parameters.recruitment_max_min)
    reach = access.floating_catchment_area(state.times_to(places.index), persons, places, decay=decay)
    return reach * PER_1000, ""


def _unmet_of_kind(state: State, kind: str) -> tuple[pd.Series | None, str]:
    """Return persons without a place among those who hold or wait for one, or why not."""
    asked = [
        rate.need
        for rate in state.parameters.rates
        if rate.need.service == kind and rate.need.kind in KINDS_COMPARABLE_WITH_PLACES
    ]
    if not asked:
        return None, NO_ORIENTATION
    rows = state.services[kinds_of(state.services) == kind]
    places, why = _places_of_kind(state, rows, kind)
    if why:
        return None, why
    demand = pd.Series(0.0, index=state.communes.index)
    for need in asked:
        found = state.demand.xs(need.public, level="public")["demand"]
        demand = demand.add(found.reindex(demand.index, fill_value=0.0))
        if need.kind == "waiting":
            served = state.children_served(set(rows["authorisation_id"]))
            if served is None:
                return None, NO_SERVED
            demand = demand.add(served)
    return _unplaced(state, demand, places), ""


def _unmet_of_authorisation(state: State, authorisation_id: str) -> tuple[pd.Series | None, str]:
    """Return the children served today who would find no place within reach of their own service, or why not."""
    served = state.children_served({authorisation_id})
    if served is None:
        return None, NO_OBSERVED
    rows = supply.rows_serving(state.services, authorisation_id)
    if rows.empty:
        # closed: nobody finds a place there
        return served, ""
    if "serves" in rows and rows["serves"].str.contains(" ").any():
        return None, MERGED
    places, why = places_of_sites(rows)
    if why:
        return None, why
    return _unplaced(state, served, places), ""


def _unplaced(state: State, demand: pd.Series, places: pd.Series) -> pd.Series:
    """Return persons without a place once places are allocated as well as they can be."""
    longest = state.parameters.recruitment_max_min
    unmet: pd.Series[float] = access.allocate_places(
        state.times_to(places.index), demand, places, max_time_min=longest
    ).unmet
    return unmet
