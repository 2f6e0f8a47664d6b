"""Checks of a study that need more than its own keys: codes, sites, authorisations and files that exist."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from territory.datasets.catalogue import FILES, dataset_names, open_dataset
from territory.datasets.files import DataFiles
from territory.errors import TerritoryError, examples
from territory.study.checks.changes import check_scenarios
from territory.study.checks.costs import check_costs
from territory.study.checks.groupings import check_groupings
from territory.study.checks.raw_study import Finding, Location, items, unknown
from territory.study.tables.own_tables import read_observed_origins
from territory.study.words.criteria import check_criteria, check_indicator_files
from territory.study.words.scale import expand_departements


def check_references(raw: dict[str, Any], folder: Path) -> Iterator[Finding]:
    """Yield each problem of a raw study with its place; tolerant of keys whose type is wrong.

    It works on the raw file and not on the validated study, so that a wrong key and an unknown commune are
    reported in one go.
    """
    name = raw.get("dataset", "var")
    if name not in (*dataset_names(), FILES):
        known = ", ".join((*dataset_names(), FILES))
        yield ("dataset",), f"jeu de données inconnu « {name} » ; connus : {known}"
        return
    territory = raw.get("territory") if isinstance(raw.get("territory"), dict) else {}
    codes = territory.get("departement_codes", []) if isinstance(territory, dict) else []
    try:
        files = DataFiles.model_validate(raw["data"]) if isinstance(raw.get("data"), dict) else None
        listed = expand_departements(map(str, codes)) if isinstance(codes, list) else ()
        data = open_dataset(name, files, departements=[str(code) for code in listed], folder=folder)
    except ValidationError:
        # the shape of the section is reported with that of the whole file
        return
    except TerritoryError as error:
        yield ("data",), str(error)
        return
    if raw.get("population", "rp2021") not in data.vintages:
        yield (
            ("population",),
            f"millésime inconnu « {raw['population']} » ; connus : {', '.join(data.vintages)}",
        )
    ages = raw.get("ages")
    if isinstance(ages, dict) and ages.get("vintage", data.vintages[0]) not in data.vintages:
        yield (
            ("ages", "vintage"),
            f"millésime inconnu « {ages['vintage']} » ; connus : {', '.join(data.vintages)}",
        )
    yield from _check_sites(raw, data)
    yield from _check_services(raw, data)
    yield from check_scenarios(raw, folder, data)
    yield from check_groupings(raw, folder, data)
    yield from _check_files(raw, folder, data)
    offered = {str(name) for name in data.services.index.get_level_values("service")}
    yield from check_costs(raw)
    yield from check_criteria(raw, offered | {str(s.get("service")) for s in items(raw, "service")})
    yield from check_indicator_files(raw, folder)


def _check_sites(raw: dict[str, Any], data: Any) -> Iterator[Finding]:
    """Yield sites that are declared twice, in unknown communes, or outside the territory."""
    for key in ("site", "authorisation", "scenario", "siting", "grouping", "need"):
        ids = [item.get("id" if key != "need" else "public") for item in items(raw, key)]
        for value, count in Counter(v for v in ids if isinstance(v, str)).items():
            if count > 1:
                last = len(ids) - 1 - ids[::-1].index(value)
                yield (key, last, "id"), f"« {value} » est déclaré {count} fois ({key})"
    known = set(data.sites.index)
    west, south, east, north = data.communes.to_crs(4326).total_bounds
    # the points of communes stop short of the border by at most a few kilometres
    margin = 0.15
    for number, site in enumerate(items(raw, "site")):
        place: Location = ("site", number)
        if site.get("id") in known:
            yield (
                (*place, "id"),
                f"le site « {site['id']} » existe déjà dans les données : choisissez un autre id",
            )
        code = site.get("commune_code")
        if isinstance(code, str) and code not in data.communes.index:
            yield (
                (*place, "commune_code"),
                f"commune inconnue « {code} » dans le COG 2024 du territoire et de ses abords "
                f"({examples(data.communes.index)}) : vérifiez le code INSEE",
            )
        x, y = site.get("longitude"), site.get("latitude")
        if isinstance(x, int | float) and isinstance(y, int | float):
            inside = west - margin <= x <= east + margin and south - margin <= y <= north + margin
            if not inside:
                yield (
                    (*place, "longitude"),
                    f"le point ({x}, {y}) est hors du territoire (longitude {west:.2f} à {east:.2f}, "
                    f"latitude {south:.2f} à {north:.2f}) : longitude et latitude sont-elles inversées ?",
                )


def _check_services(raw: dict[str, Any], data: Any) -> Iterator[Finding]:
    """Yield services and changes that name a site or an authorisation that nobody declares."""
    sites = set(data.sites.index) | {s.get("id") for s in items(raw, "site")}
    held = set(data.services["authorisation_id"].dropna())
    held |= {s.get("authorisation_id") for s in items(raw, "service")}
    seen: set[tuple[Any, Any]] = set()
    for number, service in enumerate(items(raw, "service")):
        if service.get("site_id") not in sites:
            yield ("service", number, "site_id"), unknown("site", service.get("site_id"), sites)
        pair = (service.get("site_id"), service.get("service"))
        if pair in seen:
            yield ("service", number), f"le service « {pair[1]} » du site « {pair[0]} » est déclaré deux fois"
        seen.add(pair)
    for number, named in enumerate(items(raw, "authorisation")):
        opened = {c.get("authorisation_id") for s in items(raw, "scenario") for c in items(s, "change")}
        if named.get("id") not in held | opened:
            yield ("authorisation", number, "id"), unknown("autorisation", named.get("id"), held)
    for number, fact in enumerate(items(raw, "fact")):
        if fact.get("about") and fact["about"] not in held:
            yield ("fact", number, "about"), unknown("autorisation", fact["about"], held)
    services = set(data.services.index.get_level_values("service"))
    services |= {s.get("service") for s in items(raw, "service")}
    closest = raw.get("travel", {}).get("closest_services", []) if isinstance(raw.get("travel"), dict) else []
    for service in closest if isinstance(closest, list) else []:
        if service not in services:
            yield ("travel", "closest_services"), unknown("service", service, services)


def _check_files(raw: dict[str, Any], folder: Path, data: Any) -> Iterator[Finding]:
    """Yield files that are absent, and what is wrong in the planner's own tables."""
    files = raw.get("files", {})
    files = files if isinstance(files, dict) else {}
    present = {}
    for key in ("observed_origins", "distancier", "roads"):
        value = files.get(key)
        if not isinstance(value, str):
            continue
        if (folder / value).is_file():
            present[key] = folder / value
        else:
            yield ("files", key), f"fichier absent : « {value} » (cherché à côté du fichier d'étude)"
    if "observed_origins" in present:
        named = {str(item.get("id")) for item in items(raw, "authorisation")}
        try:
            read_observed_origins(
                present["observed_origins"],
                communes=data.communes.index,
                authorisations=named,
                holders=data.services["authorisation_id"].dropna().to_dict()
                | {
                    (str(one.get("site_id")), str(one.get("service"))): str(one.get("authorisation_id"))
                    for one in items(raw, "service")
                },
            )
        except TerritoryError as error:
            yield ("files", "observed_origins"), str(error)
