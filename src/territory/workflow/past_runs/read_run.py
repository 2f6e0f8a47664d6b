"""The study of a past run, read again from what that run wrote."""

from __future__ import annotations

import json
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

from pydantic import ValidationError

from territory.errors import MissingFileError, ReadError, StudyError
from territory.study.raw_study import migrate, paths_outside
from territory.study.words.model import Study

MANIFEST = "manifest.json"
TIMINGS = "timings.json"


def past_study(folder: Path) -> tuple[Study, dict[str, str]]:
    """Return the study of a run and the digests of the files that it read."""
    if not (folder / MANIFEST).is_file():
        raise MissingFileError(
            f"« {folder} » n'est pas le dossier d'une étude : « {MANIFEST} » y est absent."
        )
    manifest = _read_json(folder / MANIFEST)
    place = _read_json(folder / TIMINGS).get("study_folder", ".") if (folder / TIMINGS).is_file() else "."
    parameters, digests = manifest.get("parameters"), manifest.get("inputs_sha256")
    problem = f"« {folder / MANIFEST} » n'est pas celui d'une étude de cette version : relancez l'étude"
    if not isinstance(parameters, dict) or not isinstance(digests, dict) or not isinstance(place, str):
        raise ReadError(f"{problem}.")
    try:
        parameters = migrate(parameters)
    except StudyError as error:
        raise ReadError(f"« {folder / MANIFEST} » : {error}") from error
    for _, message in paths_outside(parameters):
        raise ReadError(f"{problem} ({message}).")
    if PurePosixPath(place).is_absolute() or PureWindowsPath(place).anchor:
        raise ReadError(f"« {folder / TIMINGS} » : « {place[:80]} » n'est pas un chemin relatif.")
    try:
        return Study.model_validate({**parameters, "folder": str(folder / place)}), digests
    except ValidationError as error:
        raise ReadError(f"{problem} ({error.error_count()} clés refusées).") from error


def outputs_of(folder: Path) -> dict[str, str]:
    """Return the digests of the files that a run wrote, as its manifest gives them; nothing when it gives none."""
    found = _read_json(folder / MANIFEST).get("outputs_sha256")
    return found if isinstance(found, dict) else {}


def _read_json(path: Path) -> dict[str, Any]:
    """Return the content of a JSON file that holds names and values."""
    try:
        content = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise ReadError(f"« {path} » est illisible ({error}) : relancez l'étude.") from error
    if not isinstance(content, dict):
        raise ReadError(f"« {path} » n'a pas la forme attendue : relancez l'étude.")
    return content
