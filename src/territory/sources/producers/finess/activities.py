"""FINESS+ (Agence du numérique en santé): places by activity, mode and public, from the file of activities."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from territory.errors import MissingFileError, ReadError, TerritoryWarning, agree
from territory.sources.producers.finess.finess_plus import entities, listed, number_of, part, text_of

if TYPE_CHECKING:
    import pandas as pd

# ANS, rules for making a table of the activities (2026)
_INSTALLED, _AUTHORISED = "08", "09"
_STARTED = ("12", "012")
_STOPPED = ("15", "015")
# a capacity that details another one has one of these
_DETAILS = ("modeFinancement", "habilitation", "typeLogement", "genre")
_OLDEST = 120
_NUMBERS = ("capinstot", "capautot", "ageminiinst", "agemaxiinst", "ageminiaut", "agemaxiaut")
_AGES = {
    "ageminiinst": "ageMinInstalle",
    "agemaxiinst": "ageMaxInstalle",
    "ageminiaut": "ageMinAutorise",
    "agemaxiaut": "ageMaxAutorise",
}


def read_finess_plus_equipment(path: str | Path, *, sites: pd.DataFrame | None = None) -> pd.DataFrame:
    """Read the places of FINESS+ (`finess-activites-mensuel-AAAAMM.json.gz`), as lines of equipment.

    An activity carried out at an establishment takes the authorised places of the authorisation that it names.
    Only whole capacities count, never those that detail them by funding, housing or sex.

    Not tried on a whole real file: written from the producer's example and rules of 2026.

    Parameters
    ----------
    path
        JSON file, compressed with gzip (`.gz`) or not.
    sites
        Table `sites` of `read_finess_plus`, from which each line takes its `categetab`; lines of other
        establishments are left out (closed ones), with a warning.

    Returns
    -------
    DataFrame
        As `read_finess_equipment`: `nofinesset`, `nofinessej`, `de`, `ta`, `client` (codes), `capinstot`, `capautot`
        (places, NaN = unknown), ages (years), `indsupinst` (N when the activity has started, empty before),
        `indsupaut`, and `categetab` when `sites` is given. The index numbers the lines.

    Raises
    ------
    ReadError
        If the file is no JSON of this form or is cut, or holds no social or medico-social activity.

    Warns
    -----
    TerritoryWarning
        With the activities that are no longer active, those of health care, and the ages that cannot be.

    Examples
    --------
    >>> import json, tempfile
    >>> folder = tempfile.TemporaryDirectory()
    >>> path = Path(folder.name) / "finess-activites.json"
    >>> kind = {"typeActiviteAMSR": {"activiteSocialeRegulee": "844", "modeFonctionnement": "13", "public": "437"}}
    >>> done = {"caracteristiquesGeneriques": {"etatObjet": "A", "identifiantAutorisation": "7"},
    ...     "nature": {"codeNature": "ASMR", "caracteristiquesSpecifiques": kind},
    ...     "capacite": [{"nombre": "20", "statutCapacite": "08"}]}
    >>> granted = {"caracteristiquesGeneriques": {"activiteAeId": "7"},
    ...     "capacite": [{"nombre": "25", "statutCapacite": "09"}]}
    >>> entity = {"numFiness": "830000002", "activitesAutorisees": [granted],
    ...     "ege": [{"numFinessEge": "830000001", "activitesExercees": [done]}]}
    >>> _ = path.write_text(json.dumps({"pmej": [entity]}))
    >>> read_finess_plus_equipment(path)[["ta", "capinstot", "capautot"]].values.tolist()
    [['13', 20.0, 25.0]]
    >>> folder.cleanup()
    """
    import pandas as pd

    path = Path(path)
    if not path.is_file():
        raise MissingFileError(f"Fichier introuvable : « {path} ». Vérifiez son nom et son dossier.")
    rows: list[dict[str, Any]] = []
    left = {"inactive": 0, "health": 0}
    for number, (entity, _) in enumerate(entities(path), start=1):
        granted = _authorised(entity, number, path)
        for site in listed(entity.get("ege"), number, path):
            for activity in listed(site.get("activitesExercees"), number, path, "activitesExercees"):
                row = _row(activity, granted, left)
                if row is not None:
                    operator = text_of(entity, "numFiness")
                    rows.append({"nofinesset": text_of(site, "numFinessEge"), "nofinessej": operator, **row})
    if not rows:
        raise ReadError(
            f"Fichier « {path.name} » : aucune activité sociale ou médico-sociale exercée ; ce n'est pas le fichier "
            "des activités de FINESS+."
        )
    frame = pd.DataFrame(rows).rename_axis("line")
    frame[list(_NUMBERS)] = frame[list(_NUMBERS)].astype("float64")
    _warn(path, left["inactive"], "activité(s) qui (n'est|ne sont) plus active(s) laissée(s) de côté")
    _warn(path, left["health"], "activité(s) sanitaire(s) ou d'enseignement laissée(s) de côté")
    frame = _plausible_ages(frame, path)
    if sites is None:
        return frame
    frame["categetab"] = frame["nofinesset"].map(sites["category_code"].to_dict())
    known = frame["nofinesset"].isin(sites.index)
    _warn(path, int((~known).sum()), "activité(s) d'établissements absents des sites laissée(s) de côté")
    return frame[known]


def _authorised(entity: Mapping[str, Any], number: int, path: Path) -> dict[str, float]:
    """Return the authorised places of an entity, by authorisation."""
    granted = {}
    for activity in listed(entity.get("activitesAutorisees"), number, path, "activitesAutorisees"):
        key = text_of(part(activity, "caracteristiquesGeneriques"), "activiteAeId")
        granted[key] = _places(activity.get("capacite"), _AUTHORISED)
    return granted


def _row(
    activity: Mapping[str, Any], granted: Mapping[str, float], left: dict[str, int]
) -> dict[str, Any] | None:
    """Return one line of equipment, or count why there is none."""
    general = part(activity, "caracteristiquesGeneriques")
    specific = part(part(activity, "nature"), "caracteristiquesSpecifiques")
    blocks = (value for value in specific.values() if isinstance(value, dict))
    kind = next((block for block in blocks if "activiteSocialeRegulee" in block), None)
    if kind is None:
        left["health"] += 1
        return None
    if general.get("etatObjet") not in (None, "A"):
        left["inactive"] += 1
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
    numbers = [
        number_of(item.get("nombre"))
        for item in capacities
        if isinstance(item, dict)
        and item.get("statutCapacite") == status
        and not any(item.get(detail) for detail in _DETAILS)
    ]
    return sum(numbers) if numbers else math.nan


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


def _plausible_ages(frame: pd.DataFrame, path: Path) -> pd.DataFrame:
    """Make ages that cannot be unknown, and say how many."""
    count = 0
    for name in _AGES:
        wrong = (frame[name] < 0) | (frame[name] > _OLDEST)
        count += int(wrong.sum())
        frame[name] = frame[name].mask(wrong)
    _warn(path, count, f"âge(s) négatif(s) ou au-delà de {_OLDEST} ans, tenu(s) pour inconnu(s)")
    return frame


def _warn(path: Path, count: int, said: str) -> None:
    """Say how many lines are left out."""
    if count:
        warnings.warn(f"Fichier « {path.name} » : {agree(count, said)}.", TerritoryWarning, stacklevel=3)
