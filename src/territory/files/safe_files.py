"""Files that are whole or absent: written beside, sent to the disk, then put in their place."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from pathlib import Path, PurePosixPath
from typing import Any

from territory.errors import OutputError

# what a stopped run may leave behind; nobody else names a folder so
UNFINISHED = ".en-cours-"


def write_whole(path: Path, content: bytes) -> None:
    """Write a file that is never seen half-written, even after a power cut.

    Examples
    --------
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_whole(Path(folder) / "a.json", b"{}")
    ...     [path.name for path in Path(folder).iterdir()]
    ['a.json']
    """
    handle, name = tempfile.mkstemp(prefix=UNFINISHED, dir=path.parent)
    beside = Path(name)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        # the temporary file is private: what is handed over is made to be read
        beside.chmod(0o644)
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
    flush_folder(path.parent)


def write_json(path: Path, content: dict[str, Any]) -> None:
    """Write JSON that a person can read and that two runs write alike."""
    text = json.dumps(content, ensure_ascii=False, indent=2, sort_keys=True) + "\n"
    write_whole(path, text.encode())


def digests_of(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of every file of a folder, by its relative path."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): digest_file(path) for path in files}


def flush_tree(folder: Path) -> None:
    """Wait until every file and folder below a folder is on the disk, so that a rename cannot outrun it."""
    for path in sorted(folder.rglob("*")):
        if path.is_dir():
            flush_folder(path)
        else:
            with path.open("rb+") as stream:
                os.fsync(stream.fileno())
    flush_folder(folder)


def flush_folder(folder: Path) -> None:
    """Wait until the names in a folder are on the disk; Windows does it by itself and cannot be asked."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sweep(folder: Path) -> None:
    """Remove what stopped runs left unfinished in a folder; only who holds the folder may call it."""
    for path in folder.glob(f"{UNFINISHED}*"):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def digest_file(path: Path) -> str:
    """Return the SHA-256 of a file, read in pieces."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


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
