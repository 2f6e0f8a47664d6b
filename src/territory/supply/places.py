"""Places: what each site and authorisation offers, and what may be summed."""

from __future__ import annotations

import numpy as np
import pandas as pd

from territory.errors import (
    ParameterError,
    Problems,
    SchemaError,
    UnknownCodeError,
    examples,
    refuse,
)
from territory.sources.producers.finess.sites import FILE_ACTIVE_SERVICES
from territory.study.known import kinds_of
from territory.supply.equipment import TEMPORARY

# whose places a row of `services` states: its site's alone, or those of all sites of its authorisation
CAPACITY_SCOPES = ("site", "authorisation")

_FILE_ACTIVE = "se compte en file active, jamais en places"
_OTHER_UNIT = "capacité donnée sans unité, ou dans une autre unité que la place"
_UNKNOWN = "places inconnues"
_UNSAID = (
    "places de chaque site ou de l'ensemble ? la table ne le dit pas "
    "(colonne capacity_scope : site ou authorisation)"
)
_SHARED = (
    "places partagées entre {count} sites : celles de l'établissement ne sont pas attribuées à l'un d'eux"
)


def places_by_authorisation(
    services: pd.DataFrame, *, totals: pd.Series[float] | None = None
) -> pd.DataFrame:
    """Count the places of each authorisation once, at however many sites it is exercised.

    Parameters
    ----------
    services : DataFrame
        Table `services` (see `territory.tables.schemas`), with an optional column `capacity_scope`: "site" where the
        capacity is that of the site alone (FINESS), "authorisation" where it is that of all its sites.
    totals : Series indexed by authorisation_id
        Known places of whole authorisations (an arrêté, a project), used instead of the rows.

    Returns
    -------
    DataFrame
        Index (authorisation_id, service): `sites` (number), `places`, `reason` (French, why places are unknown;
        empty otherwise). A row without authorisation is one of its own, under its site's id.

    Raises
    ------
    SchemaError
        If totals, or rows that state a whole authorisation, disagree with each other or with the sites' sum, or a
        capacity is negative.
    UnknownCodeError
        If a total is of an authorisation that no row has.
    ParameterError
        If a total is of an authorisation with several services, or negative.

    Examples
    --------
    >>> services = pd.DataFrame({"site_id": ["leo-lagrange", "mauveou"], "service": "ime",
    ...     "authorisation_id": "ime-presence", "capacity": np.nan, "capacity_unit": "places"})
    >>> services = services.set_index(["site_id", "service"])
    >>> places_by_authorisation(services, totals=pd.Series({"ime-presence": 100.0}))["places"].to_list()
    [100.0]
    """
    rows = _rows(services)
    given = _totals(rows, totals)
    by_rows = _count(rows)
    stated = given.reindex(by_rows.index.get_level_values("authorisation_id")).to_numpy(float)
    problems = Problems("Places par autorisation", SchemaError)
    names = by_rows.index.get_level_values("authorisation_id").tolist()
    for row in np.flatnonzero(by_rows["disagrees"]):
        low, high = by_rows["low"].iloc[row], by_rows["high"].iloc[row]
        problems.add(f"« {names[row]} » : ses sites disent {low:g} et {high:g} places pour l'ensemble")
    # a comparison with NaN would be true
    differing = ~np.isnan(stated) & by_rows["places"].notna() & (by_rows["places"] != stated)
    for row in np.flatnonzero(differing):
        problems.add(
            f"« {names[row]} » : {stated[row]:g} places en tout, {by_rows['places'].iloc[row]:g} par ses sites ; "
            "corrigez l'un des deux"
        )
    problems.raise_if_any()
    # a total does not turn a file active into places
    takes = ~np.isnan(stated) & (by_rows["refused"] == "").to_numpy()
    result = by_rows[["sites"]].assign(places=np.where(takes, stated, by_rows["places"]))
    return result.assign(reason=by_rows["reason"].mask(takes, ""))


def places_by_site(services: pd.DataFrame) -> pd.DataFrame:
    """Return the places that are those of one site: an establishment's are never given to one of its sites.

    Parameters
    ----------
    services : DataFrame
        As for `places_by_authorisation`.

    Returns
    -------
    DataFrame
        On the index of `services`: `places` (NaN = unknown), `reason` (French, why; empty otherwise).

    Raises
    ------
    SchemaError
        If a capacity is negative, or `capacity_scope` says something else.

    Examples
    --------
    >>> services = pd.DataFrame({"site_id": ["leo-lagrange", "mauveou"], "service": "ime",
    ...     "authorisation_id": "ime-presence", "capacity": 100.0, "capacity_unit": "places",
    ...     "capacity_scope": "authorisation"}).set_index(["site_id", "service"])
    >>> places_by_site(services)["places"].to_list()
    [nan, nan]
    """
    rows = _rows(services)
    sites = rows.groupby(["authorisation_id", "kind"])["site_id"].transform("nunique")
    is_own = (sites == 1) | (rows["scope"] == "site")
    reason = rows["reason"].mask((rows["reason"] == "") & rows["capacity"].isna(), _UNKNOWN)
    shared = [_SHARED.format(count=count) for count in sites]
    reason = reason.where(
        is_own | reason.isin([_FILE_ACTIVE, _OTHER_UNIT]), pd.Series(shared, index=rows.index)
    )
    places = rows["capacity"].where(reason == "")
    return pd.DataFrame({"places": places.to_numpy(float), "reason": reason.to_numpy()}, index=services.index)


def places_by_zone(
    services: pd.DataFrame,
    zones: pd.Series[str],
    *,
    service: str,
    totals: pd.Series[float] | None = None,
    of: pd.Index[str] | None = None,
) -> pd.DataFrame:
    """Add up the places of one service by zone, each authorisation once.

    Parameters
    ----------
    services : DataFrame
        As for `places_by_authorisation`, with `is_complete_list`.
    zones : Series indexed by site_id
        Zone of each site (EPCI, département, any other).
    service
        Short code: "ime". Temporary reception is a service of its own ("ime_temporaire").
    totals
        As for `places_by_authorisation`.
    of
        Zones to return; those of `zones` by default.

    Returns
    -------
    DataFrame
        Indexed by zone: `places` (NaN = unknown), `known_places` (those that are known: "at least"), `reason`
        (French, why places are unknown; empty otherwise). Unknown where the list of sites is not complete, where
        places are, or where an authorisation shares its places with a site of another zone; a zone without site
        has 0 places under a complete list alone.

    Raises
    ------
    ParameterError
        If the service is followed in file active, never in places.
    UnknownCodeError
        If no site offers the service, or a site has no zone.

    Examples
    --------
    >>> services = pd.DataFrame({"site_id": ["a", "b"], "service": "ime", "authorisation_id": ["x", "y"],
    ...     "capacity": [90.0, 10.0], "capacity_unit": "places", "is_complete_list": True})
    >>> places_by_zone(services.set_index(["site_id", "service"]), pd.Series({"a": "Z", "b": "Z"}), service="ime")[
    ...     "places"].to_list()
    [100.0]
    """
    if service.removesuffix(TEMPORARY) in FILE_ACTIVE_SERVICES:
        raise ParameterError(f"« {service} » {_FILE_ACTIVE} : comptez les personnes suivies.")
    kinds = _kinds(services)
    chosen = services[kinds == service]
    if chosen.empty:
        known = examples(sorted(set(kinds)), most=8)
        raise UnknownCodeError(f"Aucun site n'offre « {service} » ; services connus : {known}.")
    site_ids = chosen.index.get_level_values("site_id")
    lost = site_ids[pd.Series(zones).reindex(site_ids).isna().to_numpy()]
    refuse(lost, "site(s) sans zone", UnknownCodeError)
    kept = None if totals is None else totals[totals.index.isin(chosen["authorisation_id"])]
    found = places_by_authorisation(chosen, totals=kept)
    is_complete = bool(chosen["is_complete_list"].all())
    result = _by_zone(_rows(chosen), found, zones, places_by_site(chosen)["places"])
    wanted = pd.Index(pd.Series(zones).dropna().unique()) if of is None else of
    result = result.reindex(wanted.rename("zone"))
    empty = result["known_places"].isna()
    result.loc[empty, ["places", "known_places"]] = 0.0
    result["reason"] = result["reason"].fillna("")
    if not is_complete:
        result["places"] = np.nan
        result["reason"] = f"la liste des sites de « {service} » n'est pas complète"
    return result


def equipment_rate(
    services: pd.DataFrame, zones: pd.Series[str], persons: pd.Series[float], *, service: str
) -> pd.DataFrame:
    r"""Return the places of one service for 1,000 persons of each zone, only where its places are known.

    .. math:: r_z = 1000 \, C_z / P_z

    A list that is not complete, places that nobody has given, or places shared with another zone leave the rate
    unknown: what is known is then a lower bound on places, never a rate.

    Parameters
    ----------
    services : DataFrame
        As for `places_by_zone`.
    zones : Series indexed by site_id
        Zone of each site (EPCI, département, any other).
    persons : Series indexed by zone
        Persons that the rate is about: under 20 for the services of children.
    service
        Short code: "ime".

    Returns
    -------
    DataFrame
        On the index of `persons`: `site_count` (those listed), `known_places` ("at least"), `places` and
        `places_per_1000` (NaN = unknown), `reason` (French, why; empty otherwise).

    Raises
    ------
    ParameterError, UnknownCodeError
        As `places_by_zone`.

    Examples
    --------
    >>> services = pd.DataFrame({"site_id": ["a", "b"], "service": "ime", "authorisation_id": ["x", "y"],
    ...     "capacity": [90.0, np.nan], "capacity_unit": "places", "is_complete_list": True})
    >>> found = equipment_rate(services.set_index(["site_id", "service"]), pd.Series({"a": "Est", "b": "Ouest"}),
    ...     pd.Series({"Est": 20_000.0, "Ouest": 5_000.0}), service="ime")
    >>> found["places_per_1000"].to_list(), found["reason"].to_list()
    ([4.5, nan], ['', 'places inconnues'])
    """
    counted = places_by_zone(services, zones, service=service, of=persons.index)
    sites = services.index.get_level_values("site_id")[_kinds(services) == service].unique()
    listed = pd.Series(zones).reindex(sites).value_counts().reindex(persons.index, fill_value=0)
    people = persons.astype(float)
    return pd.DataFrame(
        {
            "site_count": listed.to_numpy(),
            "known_places": counted["known_places"],
            "places": counted["places"],
            "places_per_1000": 1000 * counted["places"] / people.where(people > 0),
            "reason": counted["reason"],
        },
        index=persons.index,
    )


def _by_zone(
    rows: pd.DataFrame, found: pd.DataFrame, zones: pd.Series[str], own: pd.Series[float]
) -> pd.DataFrame:
    """Return places by zone of one service: whole authorisations where they stand in one zone, sites otherwise."""
    rows = rows.assign(zone=pd.Series(zones).reindex(rows["site_id"]).to_numpy(), own=own.to_numpy())
    spread = rows.groupby("authorisation_id")["zone"].transform("nunique") > 1
    pieces = rows.loc[spread, ["zone", "own"]].rename(columns={"own": "places"})
    pieces["reason"] = np.where(pieces["places"].isna(), "places partagées avec un site d'une autre zone", "")
    whole = rows[~spread].drop_duplicates("authorisation_id")[["authorisation_id", "zone"]]
    of_whole = found.droplevel("service").reindex(whole["authorisation_id"])
    of_whole = of_whole[["places", "reason"]].assign(zone=whole["zone"].to_numpy())
    every = pd.concat([of_whole, pieces], ignore_index=True)
    grouped = every.groupby("zone", sort=False)
    return pd.DataFrame(
        {
            "places": grouped["places"].sum(skipna=False),
            "known_places": grouped["places"].sum(),
            "reason": grouped["reason"].agg(
                lambda said: " ; ".join(dict.fromkeys(text for text in said if text))
            ),
        }
    )


def _kinds(services: pd.DataFrame) -> pd.Series[str]:
    """Return the service of each row without the mark that tells two authorisations of one site apart."""
    return pd.Series(kinds_of(services), index=services.index, dtype="str")


def _rows(services: pd.DataFrame) -> pd.DataFrame:
    """Return one row per service with its kind, its scope, and why its places are none."""
    kind = _kinds(services)
    site = services.index.get_level_values("site_id")
    rows = pd.DataFrame({"site_id": site, "kind": kind.to_numpy()})
    rows["authorisation_id"] = services["authorisation_id"].reset_index(drop=True).fillna(rows["site_id"])
    rows["capacity"] = services["capacity"].to_numpy(float)
    unit = services["capacity_unit"].reset_index(drop=True)
    unsaid = pd.Series(index=services.index, dtype="str")
    rows["scope"] = services.get("capacity_scope", unsaid).to_numpy()
    problems = Problems("Offre", SchemaError)
    strange = set(rows["scope"].dropna()) - set(CAPACITY_SCOPES)
    if strange:
        problems.add(
            f"capacity_scope vaut {examples(sorted(strange))} ; possibles : {', '.join(CAPACITY_SCOPES)}"
        )
    wrong = (rows["capacity"] < 0) | np.isinf(rows["capacity"])
    problems.count(rows.loc[wrong, "site_id"], "capacité(s) négative(s) ou infinie(s)")
    problems.raise_if_any()
    is_followed = rows["kind"].str.removesuffix(TEMPORARY).isin(FILE_ACTIVE_SERVICES) | (
        unit == "file_active"
    )
    is_other = (unit != "places") & (unit.notna() | rows["capacity"].notna())
    rows["reason"] = np.select([is_followed, is_other], [_FILE_ACTIVE, _OTHER_UNIT], "")
    return rows


def _totals(rows: pd.DataFrame, totals: pd.Series[float] | None) -> pd.Series[float]:
    """Return the known places of whole authorisations; raise on those that no row can take."""
    if totals is None:
        return pd.Series(dtype=float, index=pd.Index([], dtype="str"))
    unknown = totals.index.difference(pd.Index(rows["authorisation_id"]))
    refuse(unknown, "autorisation(s) inconnue(s)", UnknownCodeError, of="Totaux de places")
    services = rows.groupby("authorisation_id")["kind"].nunique().reindex(totals.index)
    several = totals.index[(services > 1).to_numpy()]
    problems = Problems("Totaux de places", ParameterError)
    said = "autorisation(s) de plusieurs services"
    problems.count(several, said, advice=" : un total n'en dit rien")
    problems.count(totals.index[totals.index.duplicated()], "autorisation(s) en double")
    if ((totals < 0) | np.isinf(totals)).any():
        problems.add("des totaux sont négatifs ou infinis")
    problems.raise_if_any()
    return totals.astype(float)


def _count(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the places of each authorisation and service by its rows alone, and why they are unknown."""
    rows = rows.assign(
        is_site=rows["scope"] == "site",
        is_whole=rows["scope"] == "authorisation",
        refusal=rows["reason"].replace("", np.nan),
    )
    grouped = rows.groupby(["authorisation_id", "kind"], sort=False)
    sites = grouped["site_id"].nunique()
    by_site = (sites == 1) | grouped["is_site"].all()
    is_whole = ~by_site & grouped["is_whole"].all()
    found = pd.DataFrame(
        {"sites": sites, "low": grouped["capacity"].min(), "high": grouped["capacity"].max()}
    )
    found["refused"] = grouped["refusal"].first().fillna("")
    found["disagrees"] = is_whole & (found["low"] != found["high"]) & found["low"].notna()
    found["places"] = grouped["capacity"].sum(skipna=False).where(by_site, found["low"].where(is_whole))
    found["places"] = found["places"].where(found["refused"] == "")
    is_unsaid = ~by_site & ~is_whole & found["low"].notna()
    why = pd.Series(np.where(is_unsaid, _UNSAID, _UNKNOWN), index=found.index).mask(
        found["places"].notna(), ""
    )
    found["reason"] = found["refused"].where(found["refused"] != "", why)
    return found.rename_axis(["authorisation_id", "service"])


# DREES, foire aux questions on the APL, 25/05/2018
