"""Checks of the scenarios and questions of siting of a study: what they name exists, nothing contradicts itself."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from territory.errors import TerritoryError, examples
from territory.study.checks.contradictions import contradictions
from territory.study.checks.raw_study import Finding, Location, items, texts, unknown
from territory.study.tables.own_tables import read_change_table
from territory.study.words.changes import SITING_PREFIX

_SITE_KEYS = ("to_site_id", "from_site_id", "site_id")
_LISTS = ("authorisation_ids", "member_ids", "absorbed_ids")


@dataclass(frozen=True)
class _Known:
    """What the data and the study declare."""

    communes: pd.DataFrame
    sites: set[Any]
    # one row per service: site_id, service, authorisation_id, capacity, is_complete_list
    services: pd.DataFrame
    sitings: set[Any]
    folder: Path

    @property
    def held(self) -> set[Any]:
        """Return the authorisations."""
        return set(self.services["authorisation_id"].dropna())


def check_scenarios(raw: dict[str, Any], folder: Path, data: Any) -> Iterator[Finding]:
    """Yield each problem of the scenarios and questions of siting of a raw study, with its place."""
    known = _Known(
        communes=data.communes,
        sites=set(data.sites.index) | {site.get("id") for site in items(raw, "site")},
        services=_services(raw, data),
        sitings={siting.get("id") for siting in items(raw, "siting")},
        folder=folder,
    )
    for number, scenario in enumerate(items(raw, "scenario")):
        at: Location = ("scenario", number)
        yield from _check_changes(scenario, at, raw, known)
        yield from _check_families(scenario, at, raw, known)
    for number, siting in enumerate(items(raw, "siting")):
        yield from _check_siting(siting, ("siting", number), raw, known)


def _services(raw: dict[str, Any], data: Any) -> pd.DataFrame:
    """Return the services of the data, those of the study added or put in their place."""
    columns = ["site_id", "service", "authorisation_id", "capacity", "is_complete_list"]
    declared = pd.DataFrame(items(raw, "service")).reindex(columns=columns)
    rows = data.services.reset_index()[columns]
    replaced = pd.MultiIndex.from_frame(rows[columns[:2]]).isin(
        pd.MultiIndex.from_frame(declared[columns[:2]])
    )
    both = pd.concat([rows[~replaced].astype(object), declared.astype(object)], ignore_index=True)
    both["kind"] = both["service"].astype("str").str.split("@").str[0]
    return pd.DataFrame(both)


def _check_changes(
    scenario: dict[str, Any], at: Location, raw: dict[str, Any], known: _Known
) -> Iterator[Finding]:
    """Yield changes that name what does not exist, that say nothing, or that contradict each other."""
    changes = items(scenario, "change")
    opened = {change.get("authorisation_id") for change in changes if change.get("type") == "open_site"}
    held = known.held | opened
    for number, change in enumerate(changes):
        place = (*at, "change", number)
        for key in _SITE_KEYS:
            if key in change:
                yield from _check_site(change[key], (*place, key), key, raw, known)
        named = [name for key in _LISTS for name in texts(change.get(key))]
        named += [change[key] for key in ("authorisation_id", "into_authorisation_id") if key in change]
        for name in named:
            if name not in held:
                yield place, unknown("autorisation", name, held)
        kind = change.get("type")
        if kind == "move_site" and not change.get("authorisation_ids") and "from_site_id" not in change:
            yield place, "un déplacement nomme authorisation_ids ou from_site_id"
        if kind == "close_site" and not {"site_id", "authorisation_id"} & set(change):
            yield place, "une fermeture nomme site_id ou authorisation_id"
        yield from _check_branch(change, place, known)
        yield from _check_world(change, place, raw, known)
    sites = known.services.dropna(subset=["authorisation_id"]).groupby("site_id")["authorisation_id"]
    for number, said in contradictions(changes, {str(site): list(ids) for site, ids in sites}):
        yield (*at, "change", number), said


def _check_site(
    value: Any, place: Location, key: str, raw: dict[str, Any], known: _Known
) -> Iterator[Finding]:
    """Yield a site that nobody declares, or a question of siting that chooses no single site."""
    if not (isinstance(value, str) and value.startswith(SITING_PREFIX)):
        if value not in known.sites:
            yield place, unknown("site", value, known.sites)
        return
    name = value.removeprefix(SITING_PREFIX)
    if name not in known.sitings:
        yield place, unknown("question d'implantation", name, known.sitings)
    elif key == "from_site_id":
        yield place, "un service ne peut pas partir d'un site que le calcul choisit"
    asked = next((one for one in items(raw, "siting") if one.get("id") == name), {})
    if asked.get("p", 1) != 1 or asked.get("method") == "set_cover":
        yield place, f"« {value} » peut choisir plusieurs sites : un scénario n'en reçoit qu'un (p = 1)"


def _check_branch(change: dict[str, Any], place: Location, known: _Known) -> Iterator[Finding]:
    """Yield a branch that takes more places than its authorisation has."""
    taken = change.get("capacity")
    if change.get("type") != "open_branch" or not isinstance(taken, int | float):
        return
    mine = known.services[known.services["authorisation_id"] == change.get("authorisation_id")]
    total = pd.to_numeric(mine["capacity"], errors="coerce").sum(min_count=1)
    if total < taken:
        yield (*place, "capacity"), f"l'antenne prendrait {taken:g} places sur {total:g}"


def _check_world(
    change: dict[str, Any], place: Location, raw: dict[str, Any], known: _Known
) -> Iterator[Finding]:
    """Yield communes and tables of a change of speeds or of population that cannot be used."""
    if change.get("type") not in ("change_speeds", "change_population"):
        return
    absent = [code for code in texts(change.get("communes")) if code not in known.communes.index]
    if absent:
        yield (*place, "communes"), f"commune(s) hors de la carte de l'étude : {examples(absent)}"
    for key in ("times_file", "population_file", "speeds_file"):
        value = change.get(key)
        if not isinstance(value, str):
            continue
        if not (known.folder / value).is_file():
            yield (*place, key), f"fichier absent : « {value} » (cherché à côté du fichier d'étude)"
            continue
        try:
            read_change_table(known.folder / value, key, communes=known.communes.index)
        except TerritoryError as error:
            yield (*place, key), str(error)
    yield from _check_reach(change, place, raw)


def _check_reach(change: dict[str, Any], place: Location, raw: dict[str, Any]) -> Iterator[Finding]:
    """Yield a factor under which the times that are kept would no longer answer the thresholds of the study."""
    factor = change.get("time_factor")
    travel = raw.get("travel") if isinstance(raw.get("travel"), dict) else {}
    if not isinstance(factor, int | float) or not 0 < factor < 1 or not isinstance(travel, dict):
        return
    asked: list[Any] = [travel.get("recruitment_max_min", 45)]
    asked += [*_numbers(travel.get("recruitment_tests_min", (30, 60)))]
    asked += [*_numbers(travel.get("thresholds_min", (15, 30, 45, 60)))]
    kept = travel.get("max_time_min", 120)
    highest = max(value for value in asked if isinstance(value, int | float))
    if isinstance(kept, int | float) and kept * factor < highest:
        yield (
            (*place, "time_factor"),
            f"avec ce facteur, les temps gardés ({kept:g} min) ne répondent plus au seuil de {highest:g} min : "
            f"portez max_time_min à {highest / factor:.0f}",
        )


def _check_families(
    scenario: dict[str, Any], at: Location, raw: dict[str, Any], known: _Known
) -> Iterator[Finding]:
    """Yield what is lacking to send families elsewhere than where their authorisation goes."""
    rule = scenario.get("families", "stay")
    place = (*at, "families")
    if rule not in ("closest", "reallocated"):
        return
    touched = _touched(scenario, known)
    kinds = set(known.services.loc[known.services["authorisation_id"].isin(touched), "kind"])
    rows = known.services[known.services["kind"].isin(kinds)]
    if rule == "closest":
        whole = rows["is_complete_list"].fillna(False).astype(bool)
        partial = sorted(set(rows.loc[~whole, "kind"]))
        if partial:
            yield (
                place,
                f"le site le plus proche n'a de sens que pour une liste complète, or celle de {examples(partial)} "
                'est partielle : complétez-la (is_complete_list), ou gardez families = "stay"',
            )
        return
    lacking = rows.loc[pd.to_numeric(rows["capacity"], errors="coerce").isna(), "site_id"]
    if len(lacking):
        yield (
            place,
            f"réaffecter demande la capacité de chaque site du service ; inconnue pour {len(lacking)} site(s) "
            f"({examples(lacking)}) : donnez-la dans un [[service]]",
        )
    files = raw.get("files") if isinstance(raw.get("files"), dict) else {}
    observed = isinstance(files, dict) and files.get("observed_origins")
    asked = [need for need in items(raw, "need") if need.get("kind") in ("orientation", "waiting")]
    if not observed and not asked:
        yield (
            place,
            "réaffecter demande les origines observées des enfants (files.observed_origins) ou un [[need]] de "
            "nature orientation ou waiting, à demander à la MDPH : une prévalence ne se compare pas à des places",
        )
    named = scenario.get("families_need")
    if named is not None and named not in {need.get("public") for need in asked}:
        yield (*at, "families_need"), unknown("besoin", named, {need.get("public") for need in asked})


def _touched(scenario: dict[str, Any], known: _Known) -> set[Any]:
    """Return the authorisations whose place a scenario changes."""
    found: set[Any] = set()
    for change in items(scenario, "change"):
        if change.get("type") in ("move_site", "close_site", "merge_establishments", "pool_sites"):
            for key in _LISTS:
                found |= set(texts(change.get(key)))
            found |= {change.get("authorisation_id"), change.get("into_authorisation_id")}
            site = change.get("from_site_id") or (
                change.get("type") == "close_site" and change.get("site_id")
            )
            if site and not found & known.held:
                found |= set(known.services.loc[known.services["site_id"] == site, "authorisation_id"])
    return found - {None}


def _check_siting(
    siting: dict[str, Any], at: Location, raw: dict[str, Any], known: _Known
) -> Iterator[Finding]:
    """Yield candidates, sites, authorisations and publics of a question that nobody declares."""
    near = siting.get("near_commune")
    for key, codes in (("candidates", texts(siting.get("candidates"))), ("near_commune", texts([near]))):
        absent = [code for code in codes if code not in known.communes.index]
        if absent:
            yield (*at, key), f"candidat(s) hors de la carte de l'étude : commune {examples(absent)}"
    epci = set(known.communes["epci_code"].dropna())
    for key in ("candidate_epci_codes", "demand_epci_codes"):
        for code in texts(siting.get(key)):
            if code not in epci:
                yield (*at, key), unknown("EPCI", code, epci)
    for key in ("candidate_site_ids", "fixed_site_ids"):
        for site in texts(siting.get(key)):
            if site not in known.sites:
                yield (*at, key), unknown("site", site, known.sites)
    for name in texts(siting.get("authorisation_ids")):
        if name not in known.held:
            yield (*at, "authorisation_ids"), unknown("autorisation", name, known.held)
    fixed = siting.get("fixed_service")
    listed = known.services[known.services["kind"] == fixed]
    if fixed is not None and listed.empty:
        yield (*at, "fixed_service"), unknown("service", fixed, set(known.services["kind"]))
    elif fixed is not None and not listed["is_complete_list"].eq(True).all():
        yield (
            (*at, "fixed_service"),
            f"la liste des sites de « {fixed} » n'est pas complète : ceux qui manquent passeraient pour absents ; "
            "donnez un fichier FINESS dans [data] et le service dans complete_services, ou nommez fixed_site_ids",
        )
    publics = {need.get("public") for need in items(raw, "need")}
    if siting.get("public") is not None and siting["public"] not in publics:
        yield (*at, "public"), unknown("besoin", siting["public"], publics)
    travel = raw.get("travel") if isinstance(raw.get("travel"), dict) else {}
    kept = travel.get("max_time_min", 120) if isinstance(travel, dict) else 120
    for key in ("max_time_min", "worst_time_max_min", "near_max_min"):
        asked = siting.get(key)
        if isinstance(asked, int | float) and isinstance(kept, int | float) and asked > kept:
            yield (
                (*at, key),
                f"{asked:g} min dépasse les temps gardés : max_time_min = {kept:g} min dans [travel]",
            )


def _numbers(value: Any) -> list[float]:
    """Return the numbers of a list, none for what is not a list."""
    return [one for one in value if isinstance(one, int | float)] if isinstance(value, list | tuple) else []
