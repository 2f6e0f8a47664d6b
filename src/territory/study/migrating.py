"""Study files of an older `schema_version`: carried step by step to the one that is read today."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from territory import __version__
from territory.deprecation import warn_deprecated
from territory.errors import StudyError, TerritoryWarning


@dataclass(frozen=True)
class Step:
    """How the content of a file becomes that of the next version, and the release that no longer does it.

    `change` is given a copy, and leaves `schema_version` to `migrate`.
    """

    change: Callable[[dict[str, Any]], dict[str, Any]]
    removed_in: str


# by the version that a step starts from; there has been one version so far
STEPS: dict[int, Step] = {}


def migrate(raw: dict[str, Any], *, steps: Mapping[int, Step] = STEPS) -> dict[str, Any]:
    """Return the content of a study file in the form of today.

    Examples
    --------
    >>> migrate({"schema_version": 1, "id": "essai"})
    {'schema_version': 1, 'id': 'essai'}
    >>> migrate({"schema_version": 2})
    Traceback (most recent call last):
    territory.errors.StudyError: schema_version 2 : ce fichier vient d'une version plus récente de territory…
    """
    version, newest = raw.get("schema_version", 1), 1 + len(steps)
    # what is not a version at all is refused with the other keys, in their words
    if not isinstance(version, int) or isinstance(version, bool) or version < 1 or version == newest:
        return raw
    if version > newest:
        raise StudyError(
            f"schema_version {version} : ce fichier vient d'une version plus récente de territory ; territory "
            f"{__version__} lit les fichiers jusqu'à schema_version {newest}. Mettez territory à jour, ou demandez à "
            "qui l'a écrit une copie pour cette version."
        )
    moved = copy.deepcopy(raw)
    for number in range(version, newest):
        moved = {**steps[number].change(moved), "schema_version": number + 1}
    warn_deprecated(
        f"Fichier d'étude, schema_version = {version}",
        instead=f"schema_version = {newest}, avec les clés de docs/guide/fichier-d-etude.md",
        removed_in=steps[version].removed_in,
        category=TerritoryWarning,
    )
    return moved
