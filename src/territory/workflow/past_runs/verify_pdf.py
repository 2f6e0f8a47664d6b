"""Whether a document is the one of its run, as the manifest beside it says."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from territory.errors import MissingFileError, ReadError
from territory.report.layout.document import read_digest
from territory.workflow.handover.write_run import MANIFEST
from territory.workflow.inputs.manifest import digest_of_manifest

# a manifest is a few tens of kilobytes; a report a few megabytes
_MOST_BYTES = 200_000_000


@dataclass(frozen=True)
class CheckedDocument:
    """What `check_document` found: the digest of the PDF's run, and what is wrong, in French."""

    path: Path
    manifest: Path
    run_digest: str | None
    problems: tuple[str, ...]

    @property
    def is_right(self) -> bool:
        """True when the document is the one of the run."""
        return not self.problems


def check_document(path: Path, *, manifest: Path | None = None) -> CheckedDocument:
    """Compare a PDF with the manifest of its run."""
    content = _read(path, what="document")
    if not content.startswith(b"%PDF-"):
        raise ReadError(f"« {path.name} » n'est pas un PDF.")
    place = _manifest_of(path, manifest)
    said = _read_manifest(place)
    digest = read_digest(content)
    problems = [*_manifest_problems(said, place), *_digest_problems(digest, said, path)]
    problems += _content_problems(content, said, path)
    return CheckedDocument(path, place, digest, tuple(problems))


def _read(path: Path, *, what: str) -> bytes:
    """Return the bytes of a file."""
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise ReadError(f"« {path} » est trop gros pour être un {what} de territory.")
        return path.read_bytes()
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError) as error:
        raise MissingFileError(f"Le {what} « {path} » n'existe pas.") from error
    except OSError as error:
        raise ReadError(f"Le {what} « {path} » ne peut pas être lu ({error.strerror}).") from error


def _manifest_of(path: Path, manifest: Path | None) -> Path:
    """Return where the manifest is."""
    if manifest is not None:
        return manifest
    beside = [folder / MANIFEST for folder in (path.parent, path.resolve().parent.parent)]
    for place in beside:
        if place.is_file():
            return place
    raise MissingFileError(
        f"Aucun « {MANIFEST} » près de « {path} » : donnez celui de l'étude avec --manifest FICHIER."
    )


def _read_manifest(place: Path) -> dict[str, Any]:
    """Return the content of a manifest."""
    try:
        said: dict[str, Any] = json.loads(_read(place, what="manifeste").decode("utf-8"))
    except (UnicodeDecodeError, ValueError, RecursionError) as error:
        raise ReadError(f"Le manifeste « {place} » n'est pas un fichier JSON lisible.") from error
    outputs = said.get("outputs_sha256") if isinstance(said, dict) else None
    if not isinstance(outputs, dict) or not isinstance(said.get("run_sha256"), str):
        raise ReadError(f"« {place} » n'est pas le manifeste d'une étude (run_sha256, outputs_sha256).")
    return said


def _manifest_problems(said: dict[str, Any], place: Path) -> list[str]:
    """Say when the manifest is no longer the one that was written."""
    if digest_of_manifest(said) == said["run_sha256"]:
        return []
    return [
        f"le manifeste a été modifié : ce que « {place.name} » dit des entrées et des paramètres n'a plus "
        f"l'empreinte qu'il annonce ({said['run_sha256'][:16]}…)"
    ]


def _digest_problems(digest: str | None, said: dict[str, Any], path: Path) -> list[str]:
    """Say when the PDF names no run, or another one."""
    if digest is None:
        return [
            f"« {path.name} » ne porte aucune empreinte : il n'a pas été produit par territory, ou ses métadonnées "
            "ont été enlevées"
        ]
    if digest != said["run_sha256"]:
        return [
            f"« {path.name} » vient d'un autre calcul : son empreinte est {digest[:16]}…, celle du manifeste est "
            f"{said['run_sha256'][:16]}…"
        ]
    return []


def _content_problems(content: bytes, said: dict[str, Any], path: Path) -> list[str]:
    """Say when the PDF is not byte for byte one of the files that the manifest lists."""
    outputs = said["outputs_sha256"]
    if hashlib.sha256(content).hexdigest() in outputs.values():
        return []
    listed = [name for name in outputs if name.rpartition("/")[2] == path.name]
    if listed:
        return [f"le fichier a été modifié : « {path.name} » n'est plus celui que le manifeste décrit"]
    return [f"le manifeste ne connaît pas « {path.name} » : son contenu ne peut pas être vérifié"]
