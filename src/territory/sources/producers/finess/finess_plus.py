"""FINESS+ (Agence du numérique en santé, since December 2025): establishments and activities, two large JSON files."""

import io
import json
import math
import re
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd

from territory.sources.producers.finess.extracts import NUMBERS, as_sites
from territory.sources.text.refusals import cut_archive, fault, warn_of
from territory.sources.text.tables import open_bytes

_ARRAY = re.compile(r'"pmej"\s*:\s*\[')
_GENERATED = re.compile(r'"generatedAt"\s*:\s*"(\d{4}-\d{2}-\d{2})')
_CHUNK_CHARACTERS = 4_000_000
# one legal entity with all its establishments stays well under it
_MAX_ITEM_CHARACTERS = 64_000_000
_ACTIVE = "A"
_MAIN_ADDRESS = "03"
# ANS, rules for making a table of the activities (2026)
_INSTALLED, _AUTHORISED = "08", "09"
_STARTED = ("12", "012")
_STOPPED = ("15", "015")
# a capacity that details another one has one of these
_DETAILS = ("modeFinancement", "habilitation", "typeLogement", "genre")
_OLDEST = 120
_AGES = {
    "ageminiinst": "ageMinInstalle",
    "agemaxiinst": "ageMaxInstalle",
    "ageminiaut": "ageMinAutorise",
    "agemaxiaut": "ageMaxAutorise",
}


def read_finess_plus(path: str | Path, *, communes: gpd.GeoDataFrame | None = None) -> gpd.GeoDataFrame:
    """Read the establishments of FINESS+ (`finess-structures-mensuel-AAAAMM.json.gz`).

    Legal entities (`pmej`), each with its establishments (`ege`), are read one after the other, so that 750 MB of text
    never are in memory. The pair of coordinates that is in degrees is used, `coordonneeX`, `coordonneeY` or
    `directionLongitude`, `directionLatitude`: published files have had both. Table `sites`, with `siret`, `opened_on`,
    `tariff_code` and `ban_score` (0 to 1, how sure the address is); closed establishments are left out and counted.
    """
    path = Path(path)
    rows, closed, nameless, date = [], 0, 0, ""
    for number, (entity, generated) in enumerate(entities(path), start=1):
        date = generated
        operator = text_of(part(entity, "informationsGeneralesPMEJ"), "numFinessPm")
        for site in listed(entity.get("ege"), number, path):
            if site.get("etatObjet") not in (None, _ACTIVE):
                closed += 1
                continue
            row = _row(site, operator)
            if row["site_id"]:
                rows.append({"entity": number, **row})
            else:
                nameless += 1
    warn_of(path, closed, "établissement(s) fermé(s) laissé(s) de côté")
    warn_of(path, nameless, "établissement(s) sans numéro FINESS laissé(s) de côté")
    if not rows:
        raise fault(path, "aucun établissement ouvert.")
    frame = pd.DataFrame(rows).set_index("entity")
    return as_sites(frame, source=f"FINESS+, {date or 'date inconnue'}", path=path, communes=communes)


def entities(path: Path) -> Iterator[tuple[dict[str, Any], str]]:
    """Return each legal entity of a file of FINESS+, one after the other, with the date that the file gives."""
    decoder = json.JSONDecoder()
    with open_bytes(path) as raw:
        text = io.TextIOWrapper(raw, encoding="utf-8-sig")
        buffer = ""
        while (start := _ARRAY.search(buffer)) is None:
            more = _read(text, path)
            if not more:
                said = "tableau « pmej » introuvable ; ce n'est pas le fichier des structures de FINESS+."
                raise fault(path, said)
            # the title may straddle two pieces
            buffer = (buffer if _GENERATED.search(buffer) else buffer[-100:]) + more
        dated = _GENERATED.search(buffer)
        date = dated[1] if dated else ""
        position = start.end()
        while True:
            while position < len(buffer) and buffer[position] in " \t\r\n,":
                position += 1
            if position == len(buffer):
                buffer, position = _read(text, path), 0
                if not buffer:
                    raise fault(path, "il est coupé avant sa fin ; téléchargez-le de nouveau.")
                continue
            if buffer[position] == "]":
                return
            try:
                item, position = decoder.raw_decode(buffer, position)
            except (ValueError, RecursionError) as error:
                # it may not be whole yet
                buffer, position = buffer[position:], 0
                more = _read(text, path) if len(buffer) < _MAX_ITEM_CHARACTERS else ""
                if not more:
                    begins = f"dans l'entité qui commence par « {' '.join(buffer[:60].split())} »."
                    raise fault(path, f"JSON illisible ou coupé, {begins}") from error
                buffer += more
                continue
            if not isinstance(item, dict):
                raise fault(path, "« pmej » contient autre chose que des entités.")
            yield item, date


def _read(text: io.TextIOWrapper, path: Path) -> str:
    """Read on, or say why the file cannot be read."""
    try:
        return text.read(_CHUNK_CHARACTERS)
    except (EOFError, OSError, zlib.error) as error:
        raise cut_archive(path) from error
    except UnicodeDecodeError as error:
        raise fault(path, "ce n'est pas un texte en UTF-8.") from error


def listed(value: object, number: int, path: Path, name: str = "ege") -> list[dict[str, Any]]:
    """Return the objects of a list of the file, empty where it is null."""
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise fault(path, f"« {name} » n'est pas une liste.", place=f", entité n° {number}")
    return value


def _row(site: Mapping[str, Any], operator: str) -> dict[str, Any]:
    """Return what the table `sites` needs of one establishment."""
    general = part(site, "informationsGeneralesEGE")
    given = site.get("adresse")
    addresses = [item for item in given if isinstance(item, dict)] if isinstance(given, list) else []
    main = next((item for item in addresses if item.get("usageAdresse") == _MAIN_ADDRESS), None)
    address: Mapping[str, Any] = main or (addresses[0] if addresses else {})
    place = part(address, "coordonneesGeographique")
    longitude, latitude = _degrees(place)
    return {
        "site_id": text_of(general, "numFinessEge"),
        "name": text_of(general, "nomEgeLong") or text_of(general, "nomEgeCourt"),
        "category_code": text_of(site, "categorieentiteGeographiqueExercice"),
        "commune_code": text_of(address, "cogCommune").upper(),
        "operator_id": operator,
        "longitude": longitude,
        "latitude": latitude,
        "siret": text_of(general, "siret"),
        "opened_on": text_of(general, "dateOuverture"),
        "tariff_code": text_of(site, "modefixationtarifaire"),
        "ban_score": number_of(place.get("scoreBAN")),
    }


def _degrees(place: Mapping[str, Any]) -> tuple[float, float]:
    """Return longitude and latitude from the pair of coordinates that is in degrees."""
    pairs = (("coordonneeX", "coordonneeY"), ("directionLongitude", "directionLatitude"))
    for east, north in pairs:
        longitude, latitude = number_of(place.get(east)), number_of(place.get(north))
        if abs(longitude) <= 180 and abs(latitude) <= 90:
            return longitude, latitude
    return math.nan, math.nan


def number_of(value: object) -> float:
    """Return a number written as text, or NaN."""
    try:
        return float(str(value).strip().replace(",", "."))
    except ValueError:
        return math.nan


def part(item: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """Return an object inside another, empty where it is absent or null."""
    value = item.get(key)
    return value if isinstance(value, dict) else {}


def text_of(item: Mapping[str, Any], key: str) -> str:
    """Return a text, empty where it is absent or null."""
    value = item.get(key)
    return "" if value is None else str(value).strip()


def read_finess_plus_equipment(path: str | Path) -> pd.DataFrame:
    """Read the places of FINESS+ (`finess-activites-mensuel-AAAAMM.json.gz`), as the lines of `read_finess_equipment`.

    An activity carried out at an establishment takes the authorised places of the authorisation that it names. Only
    whole capacities count, never those that detail them by funding, housing or sex. `indsupinst` is N when the
    activity has started, empty before. Activities of health care, or no longer active, are left out and counted.
    """
    path = Path(path)
    rows: list[dict[str, Any]] = []
    left: Counter[str] = Counter()
    for number, (entity, _) in enumerate(entities(path), start=1):
        # the authorised places of the entity, by authorisation
        granted = {
            text_of(part(activity, "caracteristiquesGeneriques"), "activiteAeId"): _places(
                activity.get("capacite"), _AUTHORISED
            )
            for activity in listed(entity.get("activitesAutorisees"), number, path, "activitesAutorisees")
        }
        for site in listed(entity.get("ege"), number, path):
            for activity in listed(site.get("activitesExercees"), number, path, "activitesExercees"):
                row = _activity_row(activity, granted, left)
                if row is not None:
                    operator = text_of(entity, "numFiness")
                    rows.append({"nofinesset": text_of(site, "numFinessEge"), "nofinessej": operator, **row})
    if not rows:
        said = "aucune activité sociale ou médico-sociale exercée ; ce n'est pas le fichier des activités de FINESS+."
        raise fault(path, said)
    frame = pd.DataFrame(rows).rename_axis("line")
    frame[list(NUMBERS)] = frame[list(NUMBERS)].astype("float64")
    warn_of(path, left["inactive"], "activité(s) qui (n'est|ne sont) plus active(s) laissée(s) de côté")
    warn_of(path, left["health"], "activité(s) sanitaire(s) ou d'enseignement laissée(s) de côté")
    ages = frame[list(_AGES)]
    wrong = (ages < 0) | (ages > _OLDEST)
    said = f"âge(s) négatif(s) ou au-delà de {_OLDEST} ans, tenu(s) pour inconnu(s)"
    warn_of(path, int(wrong.to_numpy().sum()), said)
    frame[list(_AGES)] = ages.mask(wrong)
    return frame


def _activity_row(
    activity: Mapping[str, Any], granted: Mapping[str, float], left: Counter[str]
) -> dict[str, Any] | None:
    """Return one line of equipment, or count why there is none."""
    general = part(activity, "caracteristiquesGeneriques")
    specific = part(part(activity, "nature"), "caracteristiquesSpecifiques")
    blocks = (value for value in specific.values() if isinstance(value, dict))
    kind = next((block for block in blocks if "activiteSocialeRegulee" in block), None)
    if kind is None or general.get("etatObjet") not in (None, _ACTIVE):
        left["health" if kind is None else "inactive"] += 1
        return None
    capacities = activity.get("capacite")
    authorised = granted.get(text_of(general, "identifiantAutorisation"), math.nan)
    if math.isnan(authorised):
        authorised = _places(capacities, _AUTHORISED)
    installed = _places(capacities, _INSTALLED)
    has_started = _has_started(activity.get("evenement"))
    return {
        "de": text_of(kind, "activiteSocialeRegulee"),
        "libde": "",
        "ta": text_of(kind, "modeFonctionnement"),
        "libta": "",
        "client": text_of(kind, "public"),
        "libclient": "",
        # without any event of this kind, installed places say that it has started
        "indsupinst": "N" if has_started or (has_started is None and not math.isnan(installed)) else "",
        "indsupaut": "N",
        "dateautor": text_of(general, "dateDebutActiviteAutorisee"),
        "capinstot": installed,
        "capautot": authorised,
        **{name: number_of(specific.get(key)) for name, key in _AGES.items()},
    }


def _places(capacities: object, status: str) -> float:
    """Return the whole capacity of one status, NaN where none is given."""
    if not isinstance(capacities, Iterable) or isinstance(capacities, str | dict):
        return math.nan
    own = [item for item in capacities if isinstance(item, dict) and item.get("statutCapacite") == status]
    whole = [item for item in own if not any(item.get(detail) for detail in _DETAILS)]
    return sum(number_of(item.get("nombre")) for item in whole) if whole else math.nan


def _has_started(events: object) -> bool | None:
    """Tell whether the last start or stop of an activity is a start; nothing when there is neither."""
    if not isinstance(events, list):
        return None
    dated = [
        (text_of(event, "dateEvenement"), text_of(event, "codeEvenement") in _STARTED)
        for event in events
        if isinstance(event, dict) and text_of(event, "codeEvenement") in (*_STARTED, *_STOPPED)
    ]
    return max(dated)[1] if dated else None
