"""One run at a time in a folder: the second waits, then refuses and says who holds it."""

from __future__ import annotations

import datetime as dt
import json
import os
import platform
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from territory.errors import OutputError
from territory.files.safe_files import write_whole

LOCK = ".verrou"
HOLDER = ".verrou.json"
# long enough for a study of one département to end
WAIT_S = 60.0


@contextmanager
def hold(folder: Path, *, announce: Callable[[str], None], wait_s: float | None = None) -> Iterator[None]:
    """Keep a folder for this run alone until the block ends.

    The system itself holds the lock: that of a run that was killed is free at once, whatever files it left.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as place:
    ...     with hold(Path(place), announce=print):
    ...         sorted(path.name for path in Path(place).iterdir())
    ['.verrou', '.verrou.json']
    """
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
