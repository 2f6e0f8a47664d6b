"""Checks of a study that need more than its own keys: codes, sites, authorisations and files that exist.

They read the study as far as it can be read, so that a wrong key and an unknown commune are reported in one go.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import pandas as pd
from pydantic import ValidationError

from territory.datasets.checks import clashes, wrong_heads
from territory.datasets.files import FILES, dataset_names, open_dataset
from territory.errors import TerritoryError, examples
from territory.geography.communes import DEPARTEMENTS, plain
from territory.sources.producers.finess.extracts import CATEGORIES
from territory.study import own_tables
from territory.study.own_tables import Findings, Known, Location, OwnTables, unknown, unknown_names
from territory.study.words.indicators import DREES_SCHEME, RECAST_PROFILE
from territory.study.words.model import Study, expand_departements

# the points of communes stop short of the border by at most a few kilometres (degrees)
_BORDER = 0.15
# units of capacity that nobody has a half of
_WHOLE = {"places": "places", "file_active": "personnes"}
SERVICE_COLUMNS = ["site_id", "service", "authorisation_id", "capacity", "capacity_unit", "is_complete_list"]
TERRAINS = ("plain", "mixed", "mountain")
_PLACED_NEEDS = ("orientation", "waiting")


def check_references(study: Study, tables: OwnTables, *, whole: bool = True) -> Findings:
    """Yield each problem of a study with its place; `study` is what could be read of a file that may be wrong.

    Without `whole`, official files are known by their first lines, and read only for what the study names of them.
    """
    if study.dataset not in (*dataset_names(), FILES):
        yield ("dataset",), unknown("jeu de données", study.dataset, (*dataset_names(), FILES))
        return
    if study.data is not None and study.dataset == FILES and not whole:
        wrong = list(wrong_heads(study.data.paths(), tables.folder))
        yield from ((("data", *key.split(".")), said) for key, said in wrong)
        for said in clashes(study.data.paths(), study.data.years, study.data.cog_year):
            yield ("data",), said
        if wrong or not _names_of_data(study):
            yield from _check_departements(study, None)
            yield from _check_vintages(study, study.data.vintages)
            yield from _check_repeated(study)
            yield from _check_costs(study)
            return
    if study.dataset == FILES and not DEPARTEMENTS.keys() >= set(study.territory.departement_codes):
        yield from _check_departements(study, None)
        return
    try:
        departements = expand_departements(study.territory.departement_codes)
        data = open_dataset(study.dataset, study.data, departements=departements, folder=tables.folder)
    except ValidationError:
        # the shape of the section is reported with that of the whole file
        return
    except TerritoryError as error:
        yield ("data",), str(error)
        return
    yield from _check_departements(study, getattr(data, "departement_code", None))
    focus = study.territory.focus_epci_code
    communes = data.communes.dropna(subset="epci_code")
    epci: dict[str, str] = dict(zip(communes["epci_code"], communes["epci_name"], strict=True))
    if focus is not None and focus not in epci:
        yield ("territory", "focus_epci_code"), own_tables.unknown_epci(focus, epci)
    known = known_names(study, data, tables)
    yield from _check_vintages(study, data.vintages)
    yield from _check_repeated(study)
    yield from _check_sites(study, data)
    yield from _check_services(study, known)
    for key in ("scenario", "siting", "grouping"):
        for number, item in enumerate(getattr(study, key)):
            yield from (((key, number, *place), wrong) for place, wrong in item.check(known))
    yield from _check_files(study, known)
    yield from _check_costs(study)
    yield from _check_criteria(study, known)


def _names_of_data(study: Study) -> bool:
    """Tell whether a study names what only its official files know: sites, communes, EPCI, services of its own."""
    said = (study.site, study.service, study.authorisation, study.scenario, study.siting, study.grouping)
    more = (study.fact, study.files.origins, study.territory.focus_epci_code)
    known = {"urgences", "medecin_generaliste", *(category.service for category in CATEGORIES.values())}
    is_usual = set(study.travel.closest_services) <= known and study.desert == (DREES_SCHEME,)
    return any(said) or any(more) or not is_usual


def _check_departements(study: Study, held: str | None) -> Findings:
    """Yield départements that do not exist or that the data hold in part, and a terrain of none."""
    place: Location = ("territory", "departement_codes")
    for code in study.territory.departement_codes:
        if code not in DEPARTEMENTS:
            yield place, f"département inconnu « {code} » (31, 2A, 974…)"
        elif held is not None and code != held:
            kept = f"le jeu « {study.dataset} » ne tient que {DEPARTEMENTS[held].name} ({held}) en entier"
            yield place, f"{kept} : pour {DEPARTEMENTS[code].name}, « territory init {code} --from DOSSIER »"
    if study.travel.terrain not in (None, *TERRAINS):
        said = own_tables.FAULTS["synonyms"].get(plain(str(study.travel.terrain)))
        hint = f"vouliez-vous dire « {said} » ?" if said in TERRAINS else f"connus : {', '.join(TERRAINS)}"
        yield ("travel", "terrain"), f"terrain inconnu « {study.travel.terrain} » ; {hint}"


def known_names(study: Study, data: Any, tables: OwnTables) -> Known:
    """Return what a dataset and a study declare together."""
    declared = pd.DataFrame([service.model_dump() for service in study.service], columns=SERVICE_COLUMNS)
    rows = data.services.reset_index()[SERVICE_COLUMNS]
    pair = SERVICE_COLUMNS[:2]
    replaced = pd.MultiIndex.from_frame(rows[pair]).isin(pd.MultiIndex.from_frame(declared[pair]))
    services = pd.concat([rows[~replaced].astype(object), declared.astype(object)], ignore_index=True)
    travel = study.travel
    return Known(
        communes=data.communes,
        sites={*data.sites.index, *(site.id for site in study.site)},
        local_sites=_local_sites(study, data),
        services=services.assign(kind=own_tables.kinds(pd.Index(services["service"]))),
        offered=data.services,
        publics={need.public for need in study.need},
        placed={need.public for need in study.need if need.kind in _PLACED_NEEDS},
        chosen_sites={siting.id: siting.chooses_one_site for siting in study.siting},
        max_time_min=travel.max_time_min,
        thresholds_min=(travel.recruitment_max_min, *travel.recruitment_tests_min, *travel.thresholds_min),
        has_observed_origins=study.files.origins is not None,
        tables=tables,
    )


def _local_sites(study: Study, data: Any) -> pd.DataFrame:
    """Return the commune and the status of every site of the territory, those of the study added."""
    sites = pd.DataFrame(data.sites).reindex(columns=["commune_code", "legal_status"]).astype(object)
    new = [(site.id, site.commune_code) for site in study.site]
    declared = pd.DataFrame(new, columns=["id", "commune_code"], dtype=object).set_index("id")
    declared = declared[declared["commune_code"].notna().to_numpy() & declared.index.notna()]
    declared = declared[~declared.index.duplicated() & ~declared.index.isin(sites.index)]
    both = pd.concat([sites, declared])
    codes = study.territory.departement_codes
    return both[both["commune_code"].isin(data.communes.index[data.communes["departement_code"].isin(codes)])]


def _check_vintages(study: Study, vintages: Sequence[str]) -> Findings:
    yield from unknown_names(("population",), "millésime", (study.population,), vintages)
    if study.ages is not None:
        yield from unknown_names(("ages", "vintage"), "millésime", (study.ages.vintage,), vintages)


def _check_repeated(study: Study) -> Findings:
    for key in ("site", "authorisation", "scenario", "siting", "grouping", "need"):
        ids = [item.public if key == "need" else item.id for item in getattr(study, key)]
        for number, count in _repeated(ids):
            yield (key, number, "id"), f"« {ids[number]} » est déclaré {count} fois ({key})"
    names = [scenario.name for scenario in study.scenario]
    for number, count in _repeated(names):
        yield ("scenario", number, "name"), f"{count} scénarios s'appellent « {names[number]} »"


def _repeated(ids: Sequence[str | None]) -> list[tuple[int, int]]:
    """Return the last place of each id that comes several times, and how many times."""
    counts = Counter(name for name in ids if name is not None)
    return [(len(ids) - 1 - ids[::-1].index(name), count) for name, count in counts.items() if count > 1]


def _check_sites(study: Study, data: Any) -> Findings:
    """Yield sites that the data hold already, in unknown communes, or outside the territory."""
    west, south, east, north = data.communes.to_crs(4326).total_bounds
    for number, site in enumerate(study.site):
        place: Location = ("site", number)
        if site.id in data.sites.index:
            said = f"le site « {site.id} » existe déjà dans les données : choisissez un autre id"
            yield (*place, "id"), said
        if site.commune_code is not None and site.commune_code not in data.communes.index:
            where = f"le COG 2024 du territoire et de ses abords ({examples(data.communes.index)})"
            said = f"commune inconnue « {site.commune_code} » dans {where} : vérifiez le code INSEE"
            yield (*place, "commune_code"), said
        x, y = site.longitude, site.latitude
        if x is None or y is None:
            continue
        if not (west - _BORDER <= x <= east + _BORDER and south - _BORDER <= y <= north + _BORDER):
            box = f"longitude {west:.2f} à {east:.2f}, latitude {south:.2f} à {north:.2f}"
            said = f"le point ({x}, {y}) est hors du territoire ({box})"
            yield (*place, "longitude"), f"{said} : longitude et latitude sont-elles inversées ?"


def _check_services(study: Study, known: Known) -> Findings:
    """Yield services, authorisations and facts about a site or an authorisation that nobody declares."""
    pairs: set[tuple[str, str]] = set()
    for number, service in enumerate(study.service):
        yield from unknown_names(("service", number, "site_id"), "site", (service.site_id,), known.sites)
        if service.service is not None and service.service != service.service.lower():
            said = f"« {service.service} » : un service s'écrit en minuscules (« {service.service.lower()} »)"
            yield ("service", number, "service"), said
        if service.capacity_unit in _WHOLE and service.capacity is not None and service.capacity % 1:
            said = f"{service.capacity:g} n'est pas un nombre entier de {_WHOLE[service.capacity_unit]}"
            yield ("service", number, "capacity"), said
        pair = (service.site_id, service.service)
        if pair in pairs:
            yield ("service", number), f"le service « {pair[1]} » du site « {pair[0]} » est déclaré deux fois"
        pairs.add(pair)
    units = known.services.set_index("authorisation_id")["capacity_unit"].to_dict()
    for number, scenario in enumerate(study.scenario):
        for rank, change in enumerate(scenario.change):
            size = getattr(change, "capacity", None)
            unit = getattr(change, "capacity_unit", units.get(getattr(change, "authorisation_id", None)))
            if unit in _WHOLE and size is not None and size % 1:
                said = f"{size:g} n'est pas un nombre entier de {_WHOLE[unit]}"
                yield ("scenario", number, "change", rank, "capacity"), said
    acts = [act for scenario in study.scenario for act in scenario.acts(known.held_at)]
    opened = known.held | {act.authorisation for act in acts if act.act == "opened"}
    for number, named in enumerate(study.authorisation):
        if named.id is not None and named.id not in opened:
            yield ("authorisation", number, "id"), unknown("autorisation", named.id, known.held)
        sector = () if named.sector in (None, "unknown") else named.sector
        zones = {*known.communes.index, *known.communes["epci_code"].dropna()}
        yield from unknown_names(("authorisation", number, "sector"), "commune ou EPCI", sector, zones)
    for number, fact in enumerate(study.fact):
        yield from unknown_names(("fact", number, "about"), "autorisation", (fact.about,), known.held)
    services = set(known.services["service"])
    asked = study.travel.closest_services
    yield from unknown_names(("travel", "closest_services"), "service", asked, services)


def _check_files(study: Study, known: Known) -> Findings:
    """Yield files that are absent, and what is wrong in the children served."""
    own = [
        ("files", key)
        for key in ("observed_origins", "answers", "distancier", "roads", "logo", "zoning_in_force")
    ]
    own += [("practitioners", "consumption"), ("practitioners", "activity"), ("zoning", "territories")]
    for section, key in own:
        name = getattr(getattr(study, section), key, None)
        if name is not None and not known.tables.has(name):
            yield (section, key), own_tables.absent_file(name)
    origins = study.files.origins
    if origins is not None and known.tables.has(origins):
        try:
            known.tables.read(
                own_tables.read_observed_origins,
                origins,
                communes=known.communes.index,
                authorisations={authorisation.id for authorisation in study.authorisation},
                holders=known.services.set_index(SERVICE_COLUMNS[:2])["authorisation_id"].dropna().to_dict(),
            )
        except TerritoryError as error:
            yield ("files", "observed_origins"), str(error)


def _check_costs(study: Study) -> Findings:
    """Yield vehicles, authorisations and scenarios that costs name and nobody declares, and what is given twice."""
    vehicles = [vehicle.id for vehicle in study.prices.vehicle]
    for number, count in _repeated(vehicles):
        place: Location = ("prices", "vehicle", number, "id")
        yield place, f"le véhicule « {vehicles[number]} » est déclaré {count} fois"
    for number, authorisation in enumerate(study.authorisation):
        for rank, trip in enumerate(authorisation.trip):
            place = ("authorisation", number, "trip", rank, "vehicle")
            yield from unknown_names(place, "véhicule", (trip.vehicle,), vehicles)
    named = [authorisation.id for authorisation in study.authorisation]
    waited = [waiting.authorisation for waiting in study.waiting]
    for number, count in _repeated(waited):
        place = ("waiting", number, "authorisation")
        yield place, f"l'attente de « {waited[number]} » est donnée {count} fois"
    for number, name in enumerate(waited):
        if name is not None and name not in named:
            listed = examples([one for one in named if one is not None], most=8)
            said = f"autorisation « {name} » sans section [[authorisation]] (connues : {listed or 'aucune'})"
            yield ("waiting", number, "authorisation"), said
    scenarios = [scenario.id for scenario in study.scenario]
    taken: dict[str, int] = {}
    for number, building in enumerate(study.building):
        yield from unknown_names(("building", number, "scenarios"), "scénario", building.scenarios, scenarios)
        for scenario in building.scenarios or ("(tous)",):
            if taken.setdefault(scenario, number) != number:
                said = f"deux bâtiments pour « {scenario} » : additionnez-les, ou nommez leurs scénarios"
                yield ("building", number), said


def _check_criteria(study: Study, known: Known) -> Findings:
    """Yield criteria declared twice, beyond the longest time computed, or about a service that nobody knows."""
    services = {*known.services["service"], *(category.service for category in CATEGORIES.values())}
    services |= {name for criterion in DREES_SCHEME.criterion for name in criterion.services}
    longest = known.max_time_min
    for number, scheme in enumerate(study.desert):
        for rank, criterion in enumerate(scheme.criterion):
            place: Location = ("desert", number, "criterion", rank)
            threshold = criterion.threshold
            if criterion.measure == "time" and threshold is not None and threshold > longest:
                said = f"un seuil de {threshold:g} min dépasse max_time_min = {longest:g} min"
                yield (*place, "threshold"), said
            yield from unknown_names((*place, "services"), "service", criterion.services, services)
    yield from _check_profiles(study)
    ids = [criterion.id for scheme in study.desert for criterion in scheme.criterion]
    for number, count in _repeated(ids):
        yield ("desert",), f"le critère « {ids[number]} » est déclaré {count} fois : donnez-lui un autre id"


def _check_profiles(study: Study) -> Findings:
    """Yield thresholds of an APL that were published with another profile than that of the study."""
    criteria = (one for scheme in study.desert for one in scheme.criterion if one.is_of_gps)
    tied = [(f"le seuil du critère « {one.id} »", one.profile) for one in criteria]
    if study.zoning is not None and study.zoning.profile == "zonage_2017":
        tied.append((f"la règle « {study.zoning.profile} »", RECAST_PROFILE))
    for threshold, profile in tied:
        for other in study.practitioners.other_than(profile):
            yield (
                ("practitioners", "profile"),
                f"{threshold} a été publié avec le profil « {profile} » et ne s'applique pas à une APL calculée avec "
                f"« {other} » : prenez « {profile} », ou un seuil publié avec « {other} » (clé profile du critère)",
            )
