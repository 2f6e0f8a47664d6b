"""Put the files of a run in their place: all of them, or those of before."""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path, PurePosixPath

from territory.errors import OutputError
from territory.files.safe_files import UNFINISHED, digest_file, flush_folder


def publish(staging: Path, folder: Path, *, last: str) -> None:
    """Replace the files of an earlier run by those made beside; what is not of a run stays as it is.

    The manifest leaves first and comes last: a folder without it is one where a run was stopped. A file of the
    earlier run that this one does not make goes too, unless somebody changed it.
    """
    new = sorted(path.relative_to(staging).as_posix() for path in staging.rglob("*") if path.is_file())
    leaving = [last, *_outdated(folder, last, new), *(name for name in new if name != last)]
    moved: list[tuple[Path, Path]] = []
    try:
        before = Path(tempfile.mkdtemp(prefix=UNFINISHED, dir=folder))
        for name in leaving:
            _move(folder / name, before / name, moved)
        for name in [*(name for name in new if name != last), last]:
            _move(staging / name, folder / name, moved)
        for place in sorted({(folder / name).parent for name in new}, reverse=True):
            flush_folder(place)
    except OSError as error:
        _move_back(moved, folder, error)
        raise OutputError(
            f"Les fichiers de « {folder} » ne peuvent pas être remplacés ({error.strerror or error}) : ceux de la "
            "dernière étude réussie sont gardés ; fermez ceux qui sont ouverts, ou choisissez un autre dossier avec "
            "--out."
        ) from error
    shutil.rmtree(before, ignore_errors=True)


def _move(source: Path, target: Path, moved: list[tuple[Path, Path]]) -> None:
    """Move a file that may be absent, and remember it."""
    if not source.is_file():
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    source.replace(target)
    moved.append((source, target))


def _move_back(moved: list[tuple[Path, Path]], folder: Path, reason: OSError) -> None:
    """Undo moves, the last one first."""
    try:
        for source, target in reversed(moved):
            target.replace(source)
    except OSError as error:
        raise OutputError(
            f"Les fichiers de « {folder} » n'ont pas pu être tous remplacés ({reason.strerror or reason}), ni remis "
            f"({error.strerror or error}) : le dossier mêle deux études, et manifest.json y est absent ; rendez-le "
            "inscriptible puis relancez."
        ) from reason


def _outdated(folder: Path, manifest: str, new: list[str]) -> list[str]:
    """Return the files that the earlier run made, as it made them, and that this one does not."""
    try:
        stated = json.loads((folder / manifest).read_text("utf-8"))["outputs_sha256"]
        names = [name for name in stated if name not in new and _stays_inside(name)]
        return [
            name for name in names if (folder / name).is_file() and digest_file(folder / name) == stated[name]
        ]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return []


def _stays_inside(name: str) -> bool:
    """Say whether a name written in a manifest is one of a file inside its folder."""
    path = PurePosixPath(name)
    return bool(path.parts) and not path.is_absolute() and ".." not in path.parts and ":" not in name
