"""FINESS+ (Agence du numérique en santé, since December 2025): establishments from one large JSON file."""

from __future__ import annotations

import io
import json
import math
import re
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from territory.errors import MissingFileError, ReadError, TerritoryWarning, agree
from territory.sources.producers.finess.sites import as_sites
from territory.sources.text.large_tables import open_bytes

if TYPE_CHECKING:
    import geopandas as gpd

_ARRAY = re.compile(r'"pmej"\s*:\s*\[')
_GENERATED = re.compile(r'"generatedAt"\s*:\s*"(\d{4}-\d{2}-\d{2})')
_CHUNK_CHARACTERS = 4_000_000
# one legal entity with all its establishments stays well under it
_MAX_ITEM_CHARACTERS = 64_000_000
_ACTIVE = "A"
_MAIN_ADDRESS = "03"


def read_finess_plus(path: str | Path, *, communes: gpd.GeoDataFrame | None = None) -> gpd.GeoDataFrame:
    """Read the establishments of FINESS+ (`finess-structures-mensuel-AAAAMM.json.gz`).

    The file holds legal entities (`pmej`), each with its establishments (`ege`): they are read one after the
    other, so that 750 MB of text never are in memory. The pair of coordinates that is in degrees is used,
    `coordonneeX`, `coordonneeY` or `directionLongitude`, `directionLatitude`: published files have had both.

    Not tried on a whole real file: written from the producer's schema and example of March 2026.

    Parameters
    ----------
    path
        JSON file, compressed with gzip (`.gz`) or not.
    communes
        Points indexed by `commune_code`, for the establishments without coordinates.

    Returns
    -------
    GeoDataFrame
        Table `sites` (EPSG:4326), with `siret`, `opened_on`, `tariff_code` and `ban_score` (0 to 1, how sure
        the address is). Establishments that are closed are left out, with a warning. See `as_sites` for those
        without coordinates.

    Raises
    ------
    ReadError
        If the file is no JSON of this form or is cut, a number or a code is none, or an establishment appears
        twice.

    Examples
    --------
    >>> import tempfile
    >>> folder = tempfile.TemporaryDirectory()
    >>> path = Path(folder.name) / "finess-structures.json"
    >>> place = {"coordonneeX": "5.25", "coordonneeY": "46.21", "scoreBAN": "0.97"}
    >>> site = {"informationsGeneralesEGE": {"numFinessEge": "010780195", "nomEgeLong": "CLINIQUE CONVERT"},
    ...     "categorieentiteGeographiqueExercice": "365", "etatObjet": "A",
    ...     "adresse": [{"cogCommune": "01053", "coordonneesGeographique": place}]}
    >>> entity = {"informationsGeneralesPMEJ": {"numFinessPm": "010000156"}, "ege": [site]}
    >>> _ = path.write_text(json.dumps({"generatedAt": "2026-03-09T15:49:37Z", "pmej": [entity]}))
    >>> read_finess_plus(path).loc["010780195", ["operator_id", "commune_code"]].to_list()
    ['010000156', '01053']
    >>> folder.cleanup()
    """
    import pandas as pd

    path = Path(path)
    if not path.is_file():
        raise MissingFileError(f"Fichier introuvable : « {path} ». Vérifiez son nom et son dossier.")
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
    _warn(path, closed, "établissement(s) fermé(s) laissé(s) de côté")
    _warn(path, nameless, "établissement(s) sans numéro FINESS laissé(s) de côté")
    if not rows:
        raise ReadError(f"Fichier « {path.name} » : aucun établissement ouvert.")
    frame = pd.DataFrame(rows).set_index("entity")
    source = f"FINESS+, {date}" if date else "FINESS+, date inconnue"
    return as_sites(frame, source=source, path=path, communes=communes)


def entities(path: Path) -> Iterator[tuple[dict[str, Any], str]]:
    """Return each legal entity of a file of FINESS+, one after the other, with the date that the file gives.

    Examples
    --------
    >>> import tempfile
    >>> folder = tempfile.TemporaryDirectory()
    >>> path = Path(folder.name) / "finess.json"
    >>> _ = path.write_text('{"generatedAt": "2026-03-09T15:49:37Z", "pmej": [{"ege": []}]}')
    >>> list(entities(path))
    [({'ege': []}, '2026-03-09')]
    >>> folder.cleanup()
    """
    decoder = json.JSONDecoder()
    with open_bytes(path) as raw:
        text = io.TextIOWrapper(raw, encoding="utf-8-sig")
        buffer = _read(text, path)
        start = _ARRAY.search(buffer)
        while start is None:
            more = _read(text, path)
            if not more:
                raise ReadError(
                    f"Fichier « {path.name} » : tableau « pmej » introuvable ; ce n'est pas le fichier des "
                    "structures de FINESS+."
                )
            # the title may straddle two pieces
            buffer = buffer[-100:] + more if not _GENERATED.search(buffer) else buffer + more
            start = _ARRAY.search(buffer)
        dated = _GENERATED.search(buffer)
        date = dated[1] if dated else ""
        position = start.end()
        while True:
            buffer, position, ends = _next_item(buffer, position, text, path)
            if ends:
                return
            item, buffer, position = _decode(decoder, buffer, position, text, path)
            yield item, date


def _next_item(buffer: str, position: int, text: io.TextIOWrapper, path: Path) -> tuple[str, int, bool]:
    """Skip to the next item of the array; the last value says whether the array ends there."""
    while True:
        while position < len(buffer) and buffer[position] in " \t\r\n,":
            position += 1
        if position < len(buffer):
            return buffer, position, buffer[position] == "]"
        buffer, position = _read(text, path), 0
        if not buffer:
            raise ReadError(
                f"Fichier « {path.name} » : il est coupé avant sa fin ; téléchargez-le de nouveau."
            )


def _decode(
    decoder: json.JSONDecoder, buffer: str, position: int, text: io.TextIOWrapper, path: Path
) -> tuple[dict[str, Any], str, int]:
    """Decode the item that begins at a position, reading on as long as it is not whole."""
    buffer, position = buffer[position:], 0
    while True:
        try:
            item, position = decoder.raw_decode(buffer)
        except (ValueError, RecursionError) as error:
            more = _read(text, path) if len(buffer) < _MAX_ITEM_CHARACTERS else ""
            if not more:
                begins = " ".join(buffer[:60].split())
                raise ReadError(
                    f"Fichier « {path.name} » : JSON illisible ou coupé, dans l'entité qui commence par « {begins} »."
                ) from error
            buffer += more
            continue
        if not isinstance(item, dict):
            raise ReadError(f"Fichier « {path.name} » : « pmej » contient autre chose que des entités.")
        return item, buffer, position


def _read(text: io.TextIOWrapper, path: Path) -> str:
    """Read on, or say why the file cannot be read."""
    try:
        return text.read(_CHUNK_CHARACTERS)
    except (EOFError, OSError) as error:
        raise ReadError(
            f"Fichier « {path.name} » : archive illisible ou tronquée ; téléchargez-la de nouveau."
        ) from error
    except UnicodeDecodeError as error:
        raise ReadError(f"Fichier « {path.name} » : ce n'est pas un texte en UTF-8.") from error


def listed(value: object, number: int, path: Path, name: str = "ege") -> list[dict[str, Any]]:
    """Return the objects of a list of the file, empty where it is null.

    Examples
    --------
    >>> listed(None, 1, Path("finess.json")), listed([{"egeId": "2"}], 1, Path("finess.json"))
    ([], [{'egeId': '2'}])
    """
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise ReadError(f"Fichier « {path.name} », entité n° {number} : « {name} » n'est pas une liste.")
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
    """Return a number written as text, or NaN.

    Examples
    --------
    >>> number_of("0.97"), number_of(None)
    (0.97, nan)
    """
    try:
        return float(str(value).strip().replace(",", "."))
    except ValueError:
        return math.nan


def part(item: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """Return an object inside another, empty where it is absent or null.

    Examples
    --------
    >>> part({"adresse": {"cogCommune": "01053"}}, "adresse"), part({"adresse": None}, "adresse")
    ({'cogCommune': '01053'}, {})
    """
    value = item.get(key)
    return value if isinstance(value, dict) else {}


def text_of(item: Mapping[str, Any], key: str) -> str:
    """Return a text, empty where it is absent or null.

    Examples
    --------
    >>> text_of({"siret": "772 "}, "siret"), text_of({}, "siret")
    ('772', '')
    """
    value = item.get(key)
    return "" if value is None else str(value).strip()


def _warn(path: Path, count: int, said: str) -> None:
    """Say how many establishments are left out."""
    if count:
        warnings.warn(f"Fichier « {path.name} » : {agree(count, said)}.", TerritoryWarning, stacklevel=3)
