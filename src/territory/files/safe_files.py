"""Files that are whole or absent: written beside, sent to the disk, then put in their place."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from pathlib import Path

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
