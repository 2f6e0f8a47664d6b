"""Places and practitioners: what each site and authorisation offers, what may be summed, the activity of GPs."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from territory.errors import (
    ParameterError,
    Problems,
    SchemaError,
    UnknownCodeError,
    counted,
    examples,
    refuse,
    warn,
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
_HELD = {
    "closed_places": "places fermées",
    "creton_places": "places tenues au titre de l'amendement Creton",
    "elsewhere_places": "places tenues par des enfants d'ailleurs",
}


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


def available_places(
    authorised: pd.Series[float],
    *,
    closed: pd.Series[float] | None = None,
    creton: pd.Series[float] | None = None,
    from_elsewhere: pd.Series[float] | None = None,
) -> pd.DataFrame:
    r"""Count the places open to the children of the territory: authorised less closed, Creton and from elsewhere.

    .. math:: A = C - closed - creton - elsewhere

    What nobody has said is unknown, never 0: without the three numbers the result is NaN and says which one is
    missing.

    Parameters
    ----------
    authorised : Series
        Places by authorisation (or site); NaN = unknown.
    closed
        Places that are authorised and not open (works, staff missing), on the same ids.
    creton
        Places held by young adults under the amendement Creton (CASF L242-4).
    from_elsewhere
        Places held by children who live outside the territory. A young adult from elsewhere who is kept under the
        amendement Creton is counted there alone.

    Returns
    -------
    DataFrame
        On the index of `authorised`: `authorised_places`, `closed_places`, `creton_places`, `elsewhere_places`,
        `available_places` (NaN = unknown), `reason` (French, what is missing; empty otherwise).

    Raises
    ------
    SchemaError
        With every problem: counts that are negative or infinite, ids that `authorised` does not have or that come
        twice, more places held than authorised.

    Examples
    --------
    >>> places = pd.Series({"ime-x": 50.0, "ime-y": 30.0})
    >>> found = available_places(places, closed=pd.Series({"ime-x": 2, "ime-y": 0}),
    ...     creton=pd.Series({"ime-x": 4}), from_elsewhere=pd.Series({"ime-x": 1, "ime-y": 0}))
    >>> found["available_places"].to_list()
    [43.0, nan]
    >>> found["reason"].to_list()
    ['', "inconnu : places tenues au titre de l'amendement Creton"]
    """
    problems = Problems("Places disponibles", SchemaError)
    table = pd.DataFrame({"authorised_places": authorised.astype(float)})
    _check(authorised, "places autorisées", authorised.index, problems)
    for name, given in zip(_HELD, (closed, creton, from_elsewhere), strict=True):
        if given is None:
            table[name] = np.nan
            continue
        _check(given, _HELD[name], authorised.index, problems)
        table[name] = np.nan if given.index.has_duplicates else given.astype(float).reindex(authorised.index)
    held = table[list(_HELD)]
    # what is known to be held already exceeds what is authorised, whatever the rest
    beyond = held.sum(axis=1) > table["authorised_places"]
    said = "autorisation(s) (a|ont) plus de places fermées ou tenues que d'autorisées"
    advice = " ; un enfant en surnombre ne tient pas de place autorisée"
    problems.count(table.index[beyond], said, advice=advice)
    problems.raise_if_any()
    table["available_places"] = table["authorised_places"] - held.sum(axis=1, skipna=False)
    labels = {"authorised_places": "places autorisées", **_HELD}
    table["reason"] = [
        "inconnu : " + ", ".join(missing) if missing else ""
        for missing in (
            [label for label, is_missing in zip(labels.values(), flags, strict=True) if is_missing]
            for flags in table[list(labels)].isna().to_numpy()
        )
    ]
    return table


def _check(counts: pd.Series[float], label: str, ids: pd.Index[str], problems: Problems) -> None:
    """Report counts that cannot be, and ids that are not known or come twice."""
    values = counts.to_numpy(float, na_value=np.nan)
    wrong = (values < 0) | np.isinf(values)
    for said, shown in (
        ("nombres négatifs ou infinis", counts.index[wrong]),
        ("identifiants en double", counts.index[counts.index.duplicated()]),
    ):
        if len(shown):
            problems.add(f"{label} : {said} ({examples(shown)})")
    unknown = counts.index.difference(ids)
    if len(unknown):
        problems.add(f"{label} : {counted(unknown, 'identifiant(s) sans places autorisées')}")


# DREES, foire aux questions on the APL, 25/05/2018
GP_AGE_LIMIT_YEARS = 65.0
GP_ACTIVITY_FLOOR = 3_600.0
GP_ACTIVITY_CAP = 6_000.0


def gp_activity(
    acts_per_year: pd.Series[float],
    *,
    age_years: pd.Series[float] | None,
    age_limit_years: float = GP_AGE_LIMIT_YEARS,
    floor: float = GP_ACTIVITY_FLOOR,
    cap: float = GP_ACTIVITY_CAP,
) -> pd.Series[float]:
    """Activity with which each GP enters the APL.

    Parameters
    ----------
    acts_per_year
        Acts of each GP in practice (one row per GP). NaN = unknown.
    age_years
        Age of each GP on the same index; None when ages are unknown, and then no GP is left out for age.
    age_limit_years
        Oldest age that counts, inclusive; older GPs count for 0.
    floor, cap
        Least and most acts per year with which a GP counts.

    Returns
    -------
    Series
        Acts per year, on the index of `acts_per_year`; NaN where the acts or the age are unknown.

    Raises
    ------
    ParameterError
        If acts or ages are negative, ages are on another index, or the floor is above the cap.

    Warns
    -----
    TerritoryWarning
        With the number of GPs whose activity is unknown.

    Notes
    -----
    DREES, foire aux questions on the APL, 25/05/2018: age at most 65, raised to 3,600 acts, capped at 6,000. GPs
    who do not practise are to be left out of the table beforehand.

    Examples
    --------
    >>> acts = pd.Series({"g1": 1200.0, "g2": 5000.0, "g3": 9000.0, "g4": 5000.0})
    >>> ages = pd.Series({"g1": 34.0, "g2": 65.0, "g3": 50.0, "g4": 66.0})
    >>> gp_activity(acts, age_years=ages).to_dict()
    {'g1': 3600.0, 'g2': 5000.0, 'g3': 6000.0, 'g4': 0.0}
    """
    if floor > cap:
        raise ParameterError(f"Activité : le plancher ({floor:g}) dépasse le plafond ({cap:g}).")
    acts = _amounts(acts_per_year, "Actes par an")
    activity = np.clip(acts, floor, cap)
    if age_years is not None:
        if not age_years.index.equals(acts_per_year.index):
            raise ParameterError("Âges des médecins : l'index doit être celui des actes, dans le même ordre.")
        ages = _amounts(age_years, "Âges des médecins")
        activity = np.where(np.isnan(ages), np.nan, np.where(ages > age_limit_years, 0.0, activity))
    unknown = np.isnan(activity)
    if unknown.any():
        warn(
            f"Activité inconnue pour {counted(acts_per_year.index[unknown], 'médecin(s)')} : "
            "actes ou âge manquants.",
            stacklevel=3,
        )
    return pd.Series(activity, index=acts_per_year.index, name="activity_consultations_per_year")


def _amounts(values: pd.Series[float], what: str) -> NDArray[np.float64]:
    """Return amounts as floats, NaN where unknown; raise if one is negative or infinite."""
    found = np.asarray(values.to_numpy(dtype=np.float64, na_value=np.nan), dtype=np.float64)
    advice = ". Une valeur inconnue se note NaN, pas un nombre."
    wrong = values.index[(found < 0) | np.isinf(found)]
    refuse(wrong, "valeur(s) négative(s) ou infinie(s)", of=what, advice=advice)
    return found
