"""The files that a study names stay in its folder, so that a study received from somebody opens nothing else."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from territory.study.checks.raw_study import Finding

# a root, a share of Windows, a disk, an address: none is a place beside the study file
_ELSEWHERE = re.compile(r"[/\\]|[A-Za-z]:\S|file:", re.IGNORECASE)
# sentences are longer than any path that is worth refusing
_LONGEST_PATH = 1000


def paths_outside(raw: Any, place: tuple[str | int, ...] = ()) -> Iterator[Finding]:
    """Yield each text of a raw study that, read as a path, leaves the folder of the study.

    Every text is looked at, whatever its key, so that no key of files can be forgotten: no sentence begins with a
    slash or has a step « .. ».

    Examples
    --------
    >>> [place for place, _ in paths_outside({"files": {"roads": "../a.osm.pbf", "distancier": "temps/a.csv"}})]
    [('files', 'roads')]
    """
    if isinstance(raw, dict):
        for key, value in raw.items():
            yield from paths_outside(value, (*place, str(key)))
    elif isinstance(raw, list | tuple):
        for number, value in enumerate(raw):
            yield from paths_outside(value, (*place, number))
    elif isinstance(raw, str) and _leaves(raw):
        yield (
            place,
            f"« {raw[:80]} » est hors du dossier de l'étude : placez le fichier dans ce dossier (ou un raccourci qui y "
            "mène), et donnez son chemin à partir du fichier d'étude, sans « .. »",
        )


def _leaves(text: str) -> bool:
    """Say whether a text is a path that leaves its folder."""
    if len(text) > _LONGEST_PATH:
        return False
    return bool(_ELSEWHERE.match(text)) or ".." in re.split(r"[/\\]", text)
