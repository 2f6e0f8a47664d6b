"""Needs beside places: which kinds of demand may stand there, and what is said of the others."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from territory.errors import ParameterError, Problems, counted, examples, refuse, warn
from territory.needs.rates import AMOUNTS, check_counts

# only these kinds count persons who hold, or wait for, a place: the others never stand beside places
KINDS_COMPARABLE_WITH_PLACES = ("orientation", "waiting")
_PLACES = ("Places", "nombre(s)", "zone(s)")
STATED_RATE_TITLE = "places pour un taux d'équipement énoncé"
_CAUTIONS = {
    "orientation": "Une orientation en vigueur peut être déjà servie, et un enfant peut en avoir plusieurs : "
    "l'écart avec les places n'est pas un nombre d'enfants sans solution.",
    "waiting": "Un enfant peut attendre sur plusieurs listes ; les entrées suivent les sorties et des priorités, "
    "pas une file.",
}


def demand_by_zone(demand: pd.DataFrame, zones: pd.Series[str]) -> pd.DataFrame:
    """Add up persons in need by zone and public; publics and kinds are never added to each other.

    Parameters
    ----------
    demand : DataFrame
        Table `demand` (see `territory.tables.schemas`).
    zones : Series indexed by commune code
        Zone of each commune (EPCI, département, any other); a commune without zone is left out, with a warning.

    Returns
    -------
    DataFrame
        Index (zone, public), columns demand, demand_low, demand_high (persons), kind. NaN where a commune of the
        zone is unknown.

    Raises
    ------
    ParameterError
        If one public has several kinds: persons concerned, rights, orientations and children waiting are four
        quantities.

    Warns
    -----
    TerritoryWarning
        With the number of communes without zone.

    Examples
    --------
    >>> from territory.needs import demand_from_rate
    >>> need = demand_from_rate(pd.Series({"83050": 500.0, "83121": 250.0}), public="autisme", kind="prevalence",
    ...     per_1000=8)
    >>> demand_by_zone(need, pd.Series({"83050": "Dracénie", "83121": "Dracénie"}))["demand"].to_list()
    [6.0]
    """
    rows = demand.reset_index()
    kinds = rows.groupby("public")["kind"].nunique()
    mixed = kinds.index[kinds > 1]
    apart = "personnes concernées, droits, orientations et attentes ne s'additionnent pas"
    advice = f" : {apart} ; donnez-leur des noms différents."
    refuse(mixed, "public(s) de plusieurs natures", advice=advice)
    rows["zone"] = pd.Series(zones).reindex(rows["commune_code"]).to_numpy()
    outside = rows.loc[rows["zone"].isna(), "commune_code"].unique()
    if len(outside):
        said = counted(outside, "commune(s) sans zone laissée(s) de côté")
        warn(f"{said}.", stacklevel=3)
    grouped = rows.dropna(subset="zone").groupby(["zone", "public"], sort=False)
    found = grouped[list(AMOUNTS)].sum(skipna=False)
    return found.assign(kind=grouped["kind"].first())


def demand_against_places(
    demand: pd.DataFrame, places: pd.Series[float], *, public: str, zones: pd.Series[str]
) -> pd.DataFrame:
    r"""Set MDPH orientations, or children waiting, against places, by zone.

    .. math:: missing_z = \max(0, D_z - C_z), \quad free_z = \max(0, C_z - D_z)

    Orientations in force stand against the places of the zone, taken or not; children waiting against those that
    are free. It says what a zone lacks if everyone is served in it and can reach it: for times, see
    `territory.access.allocate_places`.

    Parameters
    ----------
    demand : DataFrame
        Table `demand`; only kinds orientation and waiting.
    places : Series indexed by zone
        Places open to this public; NaN = unknown. File active is not places.
    public
        The public that is set against the places.
    zones : Series indexed by commune code
        Zone of each commune.

    Returns
    -------
    DataFrame
        Indexed by zone, in the order of `places`: `kind`, `demand`, `demand_low`, `demand_high` (persons),
        `places`, `missing_places`, `missing_low_places`, `missing_high_places`, `free_places`. Unknown demand or
        places give NaN, and so does a zone of which no commune has a row; a commune without row adds nothing.
        `attrs["caution"]` (French) says what must be read beside it.

    Raises
    ------
    ParameterError
        If the kind is prevalence, rights or population, for which only `places_against_rate` says something; if
        the public is absent, places are negative, or a zone with demand has no entry in `places`.

    Warns
    -----
    TerritoryWarning
        As `demand_by_zone`.

    Examples
    --------
    >>> waiting = pd.DataFrame(
    ...     {"commune_code": ["83050"], "public": ["ime"], "demand": [12.0], "demand_low": np.nan,
    ...      "demand_high": np.nan, "kind": "waiting"}).set_index(["commune_code", "public"])
    >>> zones = pd.Series({"83050": "Dracénie"})
    >>> demand_against_places(waiting, pd.Series({"Dracénie": 5.0}), public="ime", zones=zones)[
    ...     "missing_places"].to_list()
    [7.0]
    """
    chosen = demand[demand.index.get_level_values("public") == public]
    if chosen.empty:
        known = sorted(set(demand.index.get_level_values("public")))
        raise ParameterError(f"Public « {public} » absent des besoins ; connus : {examples(known, most=8)}.")
    refused = sorted(set(chosen["kind"]) - set(KINDS_COMPARABLE_WITH_PLACES))
    if refused:
        raise ParameterError(
            f"« {public} » compte des besoins de nature {examples(refused)}, qui ne se comparent pas à des places : "
            "seules les orientations de la MDPH (orientation) et les enfants en attente (waiting) le peuvent. "
            f"Utilisez places_against_rate : « {STATED_RATE_TITLE} »."
        )
    check_counts(places, *_PLACES)
    by_zone = demand_by_zone(chosen, zones).droplevel("public")
    lacking = by_zone.index.difference(places.index)
    advice = " : indiquez 0 place, ou NaN si elles sont inconnues."
    refuse(lacking, "zone(s) avec des besoins et sans ligne de places", advice=advice)
    found = by_zone.reindex(places.index)
    kind = str(chosen["kind"].iloc[0])
    result = found[list(AMOUNTS)]
    result.insert(0, "kind", kind)
    result["places"] = places.astype(float)
    for name, amount in zip(("missing", "missing_low", "missing_high"), AMOUNTS, strict=True):
        result[f"{name}_places"] = (result[amount] - result["places"]).clip(lower=0)
    result["free_places"] = (result["places"] - result["demand"]).clip(lower=0)
    result.attrs = {"caution": _CAUTIONS[kind]}
    return result


def places_against_rate(
    places: pd.Series[float],
    persons: pd.Series[float],
    *,
    rate_per_1000: float,
    source: str,
    year: int,
    places_year: int | None = None,
) -> pd.DataFrame:
    r"""Set places against a stated equipment rate: « places pour un taux d'équipement énoncé ».

    .. math:: gap_z = C_z - r \, P_z / 1000

    The gap is the distance to a rate that somebody chose (the national one, a target), never a number of
    children without a solution.

    Parameters
    ----------
    places : Series indexed by zone
        Places (see `territory.supply`); NaN = unknown.
    persons : Series indexed by zone
        Persons of the age that the rate is about (hab).
    rate_per_1000
        Places per 1,000 of these persons.
    source, year
        Where the rate comes from, and of which year.
    places_year
        Year of the places; another year than the rate's is warned about.

    Returns
    -------
    DataFrame
        Indexed as `places`: `persons` (hab), `places`, `places_per_1000`, `stated_rate_per_1000`,
        `places_at_stated_rate`, `gap_places` (negative = fewer places than the rate). `attrs["title"]` (French)
        names the result, its rate, source and year.

    Raises
    ------
    ParameterError
        If the rate is negative, infinite or without source, counts are negative, or the zones of the two series
        differ.

    Warns
    -----
    TerritoryWarning
        When places and rate are of different years.

    Examples
    --------
    >>> found = places_against_rate(pd.Series({"83": 700.0}), pd.Series({"83": 222_951.0}), rate_per_1000=4.7,
    ...     source="handidonnees.fr, France", year=2023)
    >>> found["gap_places"].round(2).to_list()
    [-347.87]
    >>> found.attrs["title"]
    "places pour un taux d'équipement énoncé (4,7 pour 1 000, handidonnees.fr, France, 2023)"
    """
    problems = Problems("Taux d'équipement", ParameterError)
    if not (math.isfinite(rate_per_1000) and rate_per_1000 >= 0):
        problems.add(f"un taux est un nombre positif ou nul ; reçu : {rate_per_1000}")
    if not source.strip():
        problems.add("la source manque : un taux sans source ne se présente pas")
    apart = places.index.symmetric_difference(persons.index)
    problems.count(apart, "zone(s) sans places ou sans personnes")
    if ((persons < 0) | np.isinf(persons)).any():
        problems.add("des effectifs sont négatifs ou infinis")
    problems.raise_if_any()
    check_counts(places, *_PLACES)
    if places_year is not None and places_year != year:
        said = f"Taux d'équipement de {year} et places de {places_year} : l'écart mêle deux années."
        warn(said, stacklevel=3)
    people = persons.reindex(places.index).astype(float)
    held = places.astype(float)
    result = pd.DataFrame(
        {
            "persons": people,
            "places": held,
            "places_per_1000": 1000 * held / people.where(people > 0),
            "stated_rate_per_1000": rate_per_1000,
            "places_at_stated_rate": people * rate_per_1000 / 1000,
        }
    )
    result["gap_places"] = result["places"] - result["places_at_stated_rate"]
    rate = f"{rate_per_1000:g}".replace(".", ",")
    result.attrs = {"title": f"{STATED_RATE_TITLE} ({rate} pour 1 000, {source}, {year})"}
    return result
