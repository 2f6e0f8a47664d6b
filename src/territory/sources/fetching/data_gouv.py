"""data.gouv.fr's catalogue: the newest file of a dataset whose addresses change at each publication."""

from __future__ import annotations

import json
import re
import tempfile
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit

from territory.errors import DownloadError, ReadError, examples
from territory.sources.fetching.download import Patience, download
from territory.sources.fetching.sizes import size_text

_CATALOGUE = re.compile(r"/api/1/datasets/(?!r/)[^/]+/?$")
_MOST_BYTES = 20_000_000


@dataclass(frozen=True, slots=True)
class Resource:
    """One file that the catalogue knows; `digest` is `sha256:…` or `sha1:…`, None where it says none."""

    address: str
    file_name: str
    digest: str | None


def is_catalogue(address: str) -> bool:
    """Say whether an address is that of a dataset in the catalogue, not of a file.

    Examples
    --------
    >>> is_catalogue("https://www.data.gouv.fr/api/1/datasets/finess-structures-1/")
    True
    """
    return bool(_CATALOGUE.search(urlsplit(address).path))


def newest_resource(address: str, pattern: str, *, patience: Patience | None = None) -> Resource:
    """Return the file of a dataset whose name matches a pattern; of several, the last in alphabetical order."""
    with tempfile.TemporaryDirectory() as place:
        path = download(address, place, "catalogue.json", patience=patience)
        resources = _resources(path)
    matching = [resource for resource in resources if fnmatch(resource.file_name, pattern)]
    if not matching:
        names = examples(resource.file_name for resource in resources)
        raise DownloadError(
            f"Catalogue {address} : aucun fichier « {pattern} » (fichiers présents : {names or 'aucun'}) ; le "
            "producteur a changé ses noms, prenez le fichier sur sa page, puis --from."
        )
    return max(matching, key=lambda resource: resource.file_name)


def _resources(path: Path) -> list[Resource]:
    """Return the files in an answer of the catalogue."""
    if path.stat().st_size > _MOST_BYTES:
        raise ReadError(f"Réponse du catalogue trop longue : {size_text(path.stat().st_size)}.")
    try:
        listed = json.loads(path.read_text("utf-8"))["resources"]
        return [_resource(one) for one in listed]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ReadError(
            "La réponse du catalogue data.gouv.fr n'a pas la forme attendue (liste « resources »)."
        ) from error


def _resource(listed: dict[str, Any]) -> Resource:
    """Return one file of the catalogue."""
    address = str(listed["url"])
    checksum = listed.get("checksum") or {}
    kind, value = str(checksum.get("type", "")).lower(), str(checksum.get("value", "")).lower()
    return Resource(
        address=address,
        file_name=PurePosixPath(unquote(urlsplit(address).path)).name,
        digest=f"{kind}:{value}" if kind in ("sha1", "sha256") and value else None,
    )
