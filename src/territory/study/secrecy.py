"""Which inputs of a study may be described outside the agency, and which may not be told in any form."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from territory.study.words.model import Study

# what stands in the place of a digest: whoever has the digest of a small table tries tables until one fits
UNPUBLISHED = "lu, empreinte non publiée"

# roads, times and speeds hold neither persons nor money. A file that is not listed is secret: a new kind of table
# is so until somebody writes here that it is not
_PUBLIC_FILES = frozenset(
    {
        "roads",
        "dataset",
        "files.roads",
        "files.distancier",
        "files.logo",
        "travel.transit.gtfs",
        "travel.transit.streets",
        "scenario.times_file",
        "scenario.speeds_file",
    }
)
# counts of persons that the study file itself holds, by section; None is the whole section
_SECRET_VALUES: Mapping[str, str | None] = {"waiting": None, "building": "children_accompanied"}


def is_public(name: str) -> bool:
    """Tell whether the digest of an input may be published."""
    kind = name.partition(":")[0]
    # the official files of `[data]` can be fetched by anybody
    return kind in _PUBLIC_FILES or kind.startswith("data.")


def public_parameters(study: Study, *, as_written: bool = False) -> dict[str, Any]:
    """Return what a study file says, without its counts of persons; `as_written` without defaults."""
    said = study.model_dump(mode="json", exclude_none=True, exclude_unset=as_written)
    if "data" in said and study.data is not None:
        # where this machine keeps a file is nobody's business
        said["data"] = _names_only(said["data"], set(study.data.paths().values()))
    for section, key in _SECRET_VALUES.items():
        if key is None:
            said.pop(section, None)
        elif section in said:
            said[section] = [{k: v for k, v in one.items() if k != key} for one in said[section]]
    return said


def _names_only(said: Any, paths: set[str]) -> Any:
    """Return the section of official files, those outside the folder of the study under their names alone."""
    if isinstance(said, dict):
        return {key: _names_only(value, paths) for key, value in said.items()}
    if isinstance(said, list):
        return [_names_only(value, paths) for value in said]
    return Path(said).name if said in paths and Path(said).is_absolute() else said


def without_counts(study: Study) -> Study:
    """Return a study without the counts of persons that its file holds."""
    changes: dict[str, object] = {}
    for section, key in _SECRET_VALUES.items():
        rows = getattr(study, section)
        changes[section] = () if key is None else tuple(row.model_copy(update={key: None}) for row in rows)
    return study.model_copy(update=changes)


def secret_parameters(study: Study) -> dict[str, Any]:
    """Return the counts of persons that a study file holds, by name; nothing when it holds none."""
    said = study.model_dump(mode="json", include=set(_SECRET_VALUES))
    found = {}
    for section, key in _SECRET_VALUES.items():
        values = said[section] if key is None else [one[key] for one in said[section]]
        if any(value is not None for value in values):
            found[section if key is None else f"{section}.{key}"] = values
    return found
