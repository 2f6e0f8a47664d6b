"""Places: what each site and authorisation offers, and what may be summed."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from territory.errors import ParameterError, Problems, SchemaError, UnknownCodeError, examples, refuse
from territory.sources.producers.finess.extracts import FILE_ACTIVE_SERVICES
from territory.study.own_tables import kinds_of
from territory.supply.equipment import TEMPORARY
from territory.tables.declare import lines_of

# whose places a row of `services` states: its site's alone, or those of all sites of its authorisation
CAPACITY_SCOPES = ("site", "authorisation")
# around each commune, both included
_BOUNDS_MIN = (30.0, 45.0)
# all modes of reception together, beside each of them
ALL_MODES = "ensemble"

_FILE_ACTIVE = "se compte en file active, jamais en places"
_OTHER_UNIT = "capacité donnée sans unité, ou dans une autre unité que la place"
_UNKNOWN = "places inconnues"
_UNSAID = (
    "places de chaque site ou de l'ensemble ? la table ne le dit pas (capacity_scope : site ou authorisation)"
)
_SHARED = "places partagées entre {count} sites : celles de l'établissement ne sont attribuées à aucun"


def places_by_authorisation(services: pd.DataFrame) -> pd.DataFrame:
    """Count the places of each authorisation once, at however many sites, by (authorisation_id, service).

    `reason` is why places are unknown (French). A row without authorisation is one of its own, under its site's id.
    Column `capacity_scope` of services, if any, is "site" where the capacity is that of the site alone (FINESS),
    "authorisation" where it is that of all its sites. Rows of one authorisation that disagree, or a negative
    capacity, are a `SchemaError`.
    """
    found = _count(_rows(services))
    problems = Problems("Places par autorisation", SchemaError)
    wrong = found[found["disagrees"]].reset_index()
    for name, low, high in zip(wrong["authorisation_id"], wrong["low"], wrong["high"], strict=True):
        problems.add(f"« {name} » : ses sites disent {low:g} et {high:g} places pour l'ensemble")
    problems.raise_if_any()
    return found[["sites", "places", "reason"]]


def places_by_site(services: pd.DataFrame) -> pd.DataFrame:
    """Return the places of one site, or why they are unknown: an establishment's are never given to one site."""
    rows = _rows(services)
    sites = rows.groupby(["authorisation_id", "kind"])["site_id"].transform("nunique")
    is_own = (sites == 1) | (rows["scope"] == "site")
    reason = rows["reason"].mask((rows["reason"] == "") & rows["capacity"].isna(), _UNKNOWN)
    shared = sites.map(lambda count: _SHARED.format(count=count))
    reason = reason.where(is_own | reason.isin([_FILE_ACTIVE, _OTHER_UNIT]), shared)
    places = rows["capacity"].where(reason == "")
    return pd.DataFrame({"places": places.to_numpy(float), "reason": reason.to_numpy()}, index=services.index)


def places_by_zone(
    services: pd.DataFrame, zones: "pd.Series[str]", *, service: str, of: "pd.Index[str] | None" = None
) -> pd.DataFrame:
    """Add up the places of one service by zone, each authorisation once (NaN = unknown; `known_places`: "at least").

    Unknown, and `reason` says why in French, where the list of sites is not complete, where places are, or where an
    authorisation shares its places with a site of another zone; a zone without site has 0 places under a complete list
    alone. Temporary reception is a service of its own ("ime_temporaire"), one followed in file active is refused.
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
    found = places_by_authorisation(chosen)
    is_complete = bool(chosen["is_complete_list"].eq(True).fillna(False).all())
    result = _by_zone(_rows(chosen), found, zones, places_by_site(chosen)["places"])
    wanted = pd.Index(pd.Series(zones).dropna().unique()) if of is None else of
    result = result.reindex(wanted.rename("zone"))
    result.loc[result["known_places"].isna(), ["places", "known_places"]] = 0.0
    result["reason"] = result["reason"].fillna("")
    if not is_complete:
        result["places"] = np.nan
        result["reason"] = f"la liste des sites de « {service} » n'est pas complète"
    return result


def of_mode(services: pd.DataFrame, mode: str) -> pd.DataFrame:
    """Return the services that receive in a mode, with its places alone, unknown in those that say no mode."""
    told = services.get("capacity_by_mode", pd.Series(index=services.index, dtype="str"))
    places = told.str.extract(rf"\b{mode}:(\S+)", expand=False).astype(float)
    is_said = told.str.contains(f"\\b{mode}:", regex=True).fillna(False).astype(bool)
    alone = told.isna() & services["reception_mode"].eq(mode)
    silent = told.isna() & services["reception_mode"].isna()
    found = services.assign(capacity=places.where(is_said, services["capacity"].where(alone)))
    return found[is_said | alone | silent]


def equipment_rate(
    services: pd.DataFrame, zones: "pd.Series[str]", persons: "pd.Series[float]", *, service: str
) -> pd.DataFrame:
    """Return the places of one service for 1,000 persons of each zone, only where its places are known.

    `persons` are those that the rate is about: under 20 for the services of children. A list that is not complete, or
    places unknown or shared with another zone leave the rate unknown: `known_places` is a lower bound, never a rate.
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


Level = tuple[pd.DataFrame, "pd.Series[str]", "pd.Series[float]"]


def rates_by_mode(levels: Sequence[Level], kinds: Sequence[str]) -> pd.DataFrame:
    """Return the rate of some kinds of service and of their modes, from services, zones of sites, persons of zones."""
    blocks = {}
    for kind in kinds:
        own = [(one[_kinds(one) == kind], zones, persons) for one, zones, persons in levels]
        rows = own[0][0]
        told = rows.get("capacity_by_mode", pd.Series(index=rows.index, dtype="str"))
        modes = set(told.str.findall(r"(\w+):").explode().dropna()) | set(rows["reception_mode"].dropna())
        for mode in (ALL_MODES, *(sorted(modes) if len(modes) > 1 else ())):
            offers = own if mode == ALL_MODES else [(of_mode(one[0], mode), *one[1:]) for one in own]
            rates = [equipment_rate(*one, service=kind) for one in offers if len(one[0])]
            blocks[kind, mode] = pd.concat(rates)
    table: pd.DataFrame = pd.concat(blocks, names=["service", "reception_mode", "zone"])
    return table.reorder_levels(["zone", "service", "reception_mode"])


REFERENCES = pd.DataFrame(lines_of("references.csv", "territory.supply")).astype(
    {"places_per_1000": float, "year": float}
)


def with_references(
    rates: pd.DataFrame, given: pd.DataFrame | None = None, *, year: int | None
) -> pd.DataFrame:
    """Set beside each rate of all modes the published one of the same year, if any; those given are believed first."""
    known = pd.concat([given, REFERENCES]) if given is not None else REFERENCES
    same = known[known["year"] == year].drop_duplicates("service").set_index("service")
    of, is_whole = rates.index.get_level_values("service"), rates.index.get_level_values(2) == ALL_MODES
    found = same.reindex(of)
    said = found["zone"] + f", {year} (" + found["source"] + ")"
    return rates.assign(
        reference_per_1000=found["places_per_1000"].where(is_whole).to_numpy(float),
        reference=said.where(is_whole & found["source"].notna().to_numpy(), "").to_numpy(),
    )


def within_minutes(services: pd.DataFrame, travel_times: pd.DataFrame, communes: pd.Index) -> pd.DataFrame:
    """Add up the places of each kind within minutes of communes, at least where a site or its places are unknown."""
    blocks = []
    for kind in dict.fromkeys(_kinds(services)):
        rows = services[_kinds(services) == kind]
        places = places_by_site(rows)["places"]
        is_least = bool(places.isna().any()) or not rows["is_complete_list"].eq(True).fillna(False).all()
        counted = travel_times["to_id"].astype("str").map(places.groupby(level="site_id", sort=False).sum())
        for bound in _BOUNDS_MIN if places.notna().any() else ():
            near = counted.where(travel_times["travel_time_min"] <= bound, 0.0)
            by_commune = near.groupby(travel_times["from_id"].astype("str")).sum()
            summed = by_commune.reindex(communes, fill_value=0.0)
            keys = pd.MultiIndex.from_product([communes, [kind], [bound]])
            blocks.append(pd.DataFrame({"places": summed.to_numpy(), "is_at_least": is_least}, index=keys))
    names = ["commune_code", "service", "threshold_min"]
    return pd.concat(blocks).rename_axis(names) if blocks else pd.DataFrame()


def _by_zone(
    rows: pd.DataFrame, found: pd.DataFrame, zones: "pd.Series[str]", own: "pd.Series[float]"
) -> pd.DataFrame:
    """Return places by zone of one service: whole authorisations where they stand in one zone, sites otherwise."""
    rows = rows.assign(zone=pd.Series(zones).reindex(rows["site_id"]).to_numpy(), own=own.to_numpy())
    spread = rows.groupby("authorisation_id")["zone"].transform("nunique") > 1
    pieces = rows.loc[spread, ["zone", "own"]].rename(columns={"own": "places"})
    pieces["reason"] = np.where(pieces["places"].isna(), "places partagées avec un site d'une autre zone", "")
    whole = rows[~spread].drop_duplicates("authorisation_id")[["authorisation_id", "zone"]]
    of_whole = found.droplevel("service").reindex(whole["authorisation_id"])
    of_whole = of_whole[["places", "reason"]].assign(zone=whole["zone"].to_numpy())
    grouped = pd.concat([of_whole, pieces], ignore_index=True).groupby("zone", sort=False)
    reasons = grouped["reason"].agg(lambda said: " ; ".join(dict.fromkeys(filter(None, said))))
    places = {"places": grouped["places"].sum(skipna=False), "known_places": grouped["places"].sum()}
    return pd.DataFrame({**places, "reason": reasons})


def _kinds(services: pd.DataFrame) -> "pd.Series[str]":
    """Return the service of each row without the mark that tells two authorisations of one site apart."""
    return pd.Series(kinds_of(services), index=services.index, dtype="str")


def _rows(services: pd.DataFrame) -> pd.DataFrame:
    """Return one row per service with its kind, its scope, and why its places are none."""
    kind = _kinds(services)
    rows = pd.DataFrame({"site_id": services.index.get_level_values("site_id"), "kind": kind.to_numpy()})
    rows["authorisation_id"] = services["authorisation_id"].reset_index(drop=True).fillna(rows["site_id"])
    rows["capacity"] = services["capacity"].to_numpy(float)
    unit = services["capacity_unit"].reset_index(drop=True)
    unsaid = pd.Series(index=services.index, dtype="str")
    rows["scope"] = services.get("capacity_scope", unsaid).to_numpy()
    problems = Problems("Offre", SchemaError)
    strange = set(rows["scope"].dropna()) - set(CAPACITY_SCOPES)
    if strange:
        problems.add(f"capacity_scope vaut {examples(sorted(strange))} ; possibles : site, authorisation")
    wrong = (rows["capacity"] < 0) | np.isinf(rows["capacity"])
    problems.count(rows.loc[wrong, "site_id"], "capacité(s) négative(s) ou infinie(s)")
    problems.raise_if_any()
    kind = rows["kind"].str.removesuffix(TEMPORARY)
    is_followed = kind.isin(FILE_ACTIVE_SERVICES) | (unit == "file_active")
    is_other = (unit != "places") & (unit.notna() | rows["capacity"].notna())
    rows["reason"] = np.select([is_followed, is_other], [_FILE_ACTIVE, _OTHER_UNIT], "")
    return rows


def _count(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the places of each authorisation and service by its rows alone, and why they are unknown."""
    rows = rows.assign(is_site=rows["scope"] == "site", is_whole=rows["scope"] == "authorisation")
    rows["refusal"] = rows["reason"].replace("", np.nan)
    grouped = rows.groupby(["authorisation_id", "kind"], sort=False)
    sites = grouped["site_id"].nunique()
    by_site = (sites == 1) | grouped["is_site"].all()
    is_whole = ~by_site & grouped["is_whole"].all()
    found: pd.DataFrame = grouped["capacity"].agg(low="min", high="max").assign(sites=sites)
    found["refused"] = grouped["refusal"].first().fillna("")
    found["disagrees"] = is_whole & (found["low"] != found["high"]) & found["low"].notna()
    found["places"] = grouped["capacity"].sum(skipna=False).where(by_site, found["low"].where(is_whole))
    found["places"] = found["places"].where(found["refused"] == "")
    is_unsaid = ~by_site & ~is_whole & found["low"].notna()
    why = pd.Series(np.where(is_unsaid, _UNSAID, _UNKNOWN), index=found.index)
    found["reason"] = found["refused"].where(found["refused"] != "", why.mask(found["places"].notna(), ""))
    return found.rename_axis(["authorisation_id", "service"])
