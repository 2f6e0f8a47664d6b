"""Files and folders that are whole or absent: written beside, sent to the disk, then put in their place.

A folder that a run writes in is kept for it alone: a second run waits, then refuses and says who holds it.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import os
import platform
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any

from territory.errors import OutputError

# what a stopped run may leave behind; nobody else names a folder so
UNFINISHED = ".en-cours-"


def write_whole(path: Path, content: bytes) -> None:
    """Write a file that is never seen half-written, even after a power cut."""
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


@contextmanager
def whole_folder(folder: Path) -> Iterator[Path]:
    """Give a folder to fill beside; when the block ends it replaces the one that is there, if any."""
    beside = Path(tempfile.mkdtemp(prefix=UNFINISHED, dir=folder.parent))
    try:
        yield beside
        flush_tree(beside)
        # the temporary folder is private: what is kept is made to be read
        beside.chmod(0o755)
        if folder.exists():
            shutil.rmtree(folder)
        beside.replace(folder)
        flush_folder(folder.parent)
    finally:
        shutil.rmtree(beside, ignore_errors=True)


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
    """Replace the files of an earlier run, and of nobody else, by those made beside."""
    # the manifest leaves first and comes last: a folder without it is one where a run was stopped
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


LOCK = ".verrou"
HOLDER = ".verrou.json"
# long enough for a study of one département to end
WAIT_S = 60.0


@contextmanager
def hold(folder: Path, *, announce: Callable[[str], None], wait_s: float | None = None) -> Iterator[None]:
    """Keep a folder for this run alone until the block ends; the system frees that of a run that was killed."""
    import filelock

    patience = WAIT_S if wait_s is None else wait_s
    lock = filelock.FileLock(folder / LOCK)
    try:
        lock.acquire(timeout=0)
    except filelock.Timeout:
        announce(f"Attente : {_who(folder)} travaille dans ce dossier ({patience:g} s au plus)")
        try:
            lock.acquire(timeout=patience)
        except filelock.Timeout as error:
            raise OutputError(
                f"Le dossier « {folder} » est tenu par {_who(folder)} : après {patience:g} s d'attente, rien n'a été "
                "écrit ; attendez que cette étude finisse, ou choisissez un autre dossier avec --out."
            ) from error
    try:
        said = {
            "pid": os.getpid(),
            "machine": platform.node(),
            "since": dt.datetime.now().isoformat(timespec="minutes"),
        }
        write_whole(folder / HOLDER, json.dumps(said).encode())
        yield
    finally:
        (folder / HOLDER).unlink(missing_ok=True)
        lock.release()


def _who(folder: Path) -> str:
    """Return who holds a folder, as far as is known."""
    try:
        said = json.loads((folder / HOLDER).read_text("utf-8"))
        since = dt.datetime.fromisoformat(said["since"])
        return f"le processus {int(said['pid'])} de {said['machine']}, depuis le {since:%d/%m/%Y à %H h %M}"
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return "une autre exécution"
