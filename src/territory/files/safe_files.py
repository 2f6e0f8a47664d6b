"""Files and folders that are never seen half-written, one run at a time; arrays and tables kept with their digests."""

import datetime as dt
import hashlib
import io
import json
import os
import platform
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from territory.errors import OutputError, Problems, retold

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray


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


def seen_from(folder: Path, path: Path) -> str | None:
    """Return a path as it is called from a folder; two disks of Windows have no relative path."""
    try:
        return Path(os.path.relpath(path, folder)).as_posix()
    except ValueError:
        return None


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
        said = f"Les fichiers de « {folder} » ne peuvent pas être remplacés ({error.strerror or error})"
        advice = "fermez ceux qui sont ouverts, ou choisissez un autre dossier avec --out"
        raise OutputError(f"{said} : ceux de la dernière étude réussie sont gardés ; {advice}.") from error
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
        said = f"Les fichiers de « {folder} » n'ont pas pu être tous remplacés ({reason.strerror or reason})"
        mixed = f"ni remis ({error.strerror or error}) : le dossier mêle deux études, et manifest.json y est absent"
        raise OutputError(f"{said}, {mixed} ; rendez-le inscriptible puis relancez.") from reason


def _outdated(folder: Path, manifest: str, new: list[str]) -> list[str]:
    """Return the files that the earlier run made, as it made them, and that this one does not."""
    try:
        stated = json.loads((folder / manifest).read_text("utf-8"))["outputs_sha256"]
        old = {name: folder / name for name in stated if name not in new and stays_inside(name)}
        return [name for name, path in old.items() if path.is_file() and digest_file(path) == stated[name]]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return []


def stays_inside(name: str) -> bool:
    """Say whether a name that a file gives is one of a file inside its folder."""
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
        since = dt.datetime.now().isoformat(timespec="minutes")
        said = {"pid": os.getpid(), "machine": platform.node(), "since": since}
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


_NAME = re.compile(r"[a-z][a-z0-9_]{0,60}")


def save_arrays(
    folder: Path,
    arrays: "Mapping[str, NDArray[Any]]",
    header: Mapping[str, Any],
    *,
    header_name: str,
    what: str,
) -> Path:
    """Write arrays and what is said of them in a folder, which replaces one of `what` they are and nothing else."""
    import numpy as np

    is_other = folder.exists() and not (folder / header_name).exists()
    if is_other and (not folder.is_dir() or any(folder.iterdir())):
        raise OutputError(f"« {folder} » existe déjà et n'est pas {what} : choisissez un autre nom.")
    said = f"« {folder} » ne peut pas être écrit ({{reason}}) : choisissez un autre dossier."
    with retold(OSError, OutputError, said):
        folder.parent.mkdir(parents=True, exist_ok=True)
        with whole_folder(folder) as beside:
            files = {}
            for name, array in arrays.items():
                path = beside / f"{name}.npy"
                np.save(path, np.ascontiguousarray(array), allow_pickle=False)
                form = {"dtype": array.dtype.str, "shape": list(array.shape)}
                files[name] = {**form, "sha256": digest_file(path)}
            content = {**header, "files": files}
            _write_header(beside / header_name, {**content, "sha256": _digest(content)})
    return folder


def _write_header(path: Path, header: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(header, ensure_ascii=False, indent=1), encoding="utf-8")


def read_header(folder: Path, *, header_name: str, form: str, version: int) -> dict[str, Any]:
    """Return what was said of the arrays of a folder (`OSError`, `ValueError`: not of this form, or not intact)."""
    with retold(RecursionError, ValueError, f"{header_name} n'est pas un en-tête"):
        header = json.loads((folder / header_name).read_text(encoding="utf-8"))
    if not isinstance(header, dict) or header.get("format") != form or "version" not in header:
        raise ValueError(f"{header_name} ne dit ni format {form} ni version")
    if header["version"] != version:
        raise ValueError(f"au format {header['version']}, cette version lit le format {version}")
    if header.get("sha256") != _digest(header) or not isinstance(header.get("files"), dict):
        raise ValueError(f"{header_name} modifié ou endommagé")
    return header


def read_arrays(
    folder: Path, header: Mapping[str, Any], *, problems: Problems, verify: bool = True
) -> "dict[str, NDArray[Any]]":
    """Map the arrays of a folder into memory, or raise all that is wrong; `verify` compares digests too."""
    arrays = {}
    for name, stated in header["files"].items():
        array = _map(folder, name, stated, verify, problems)
        if array is not None:
            arrays[name] = array
    problems.raise_if_any()
    return arrays


def arrays_under(prefix: str, arrays: "Mapping[str, NDArray[Any]]") -> "dict[str, NDArray[Any]]":
    """Return the arrays whose name begins with a prefix, without it."""
    return {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}


def _map(
    folder: Path, name: str, stated: Mapping[str, Any], verify: bool, problems: Problems
) -> "NDArray[Any] | None":
    """Map one array into memory, or say what is wrong with its file."""
    import numpy as np

    path = folder / f"{name}.npy"
    # a name is that of an array, never a way out of the folder
    if not _NAME.fullmatch(name) or not path.is_file():
        problems.add(f"fichier {name[:60]}.npy absent")
        return None
    if verify and digest_file(path) != stated["sha256"]:
        problems.add(f"fichier {path.name} modifié depuis l'enregistrement")
        return None
    try:
        if 0 in stated["shape"]:
            # an empty array cannot be mapped
            array: NDArray[Any] = np.empty(stated["shape"], dtype=stated["dtype"])
        else:
            # copy on write: kernels are compiled once more for arrays that are read-only
            array = np.load(path, mmap_mode="c", allow_pickle=False)
    except Exception as error:
        # the reader of NumPy lets any error of its parser through
        problems.add(f"fichier {path.name} illisible ({error})")
        return None
    if array.dtype.str != stated["dtype"] or list(array.shape) != stated["shape"]:
        problems.add(f"fichier {path.name} : type ou taille inattendus")
        return None
    return array


def _digest(header: Mapping[str, Any]) -> str:
    """Return the digest of a header without the one that it states."""
    content = {name: value for name, value in header.items() if name != "sha256"}
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


HEADER = "step.json"
FORMAT = "territory-step"
# raised whenever a file means something else than before
VERSION = 1


def keep(folder: Path, name: str, key: str, tables: "tuple[pd.DataFrame, ...]") -> None:
    """Write the tables of a step, all of them or nothing."""
    from pyarrow import default_memory_pool

    with whole_folder(_place(folder, name, key)) as beside:
        digests = []
        for number, table in enumerate(tables):
            content = io.BytesIO()
            table.to_parquet(content, engine="pyarrow")
            (beside / f"{number}.parquet").write_bytes(content.getbuffer())
            digests.append(hashlib.sha256(content.getbuffer()).hexdigest())
        header = {"format": FORMAT, "version": VERSION, "name": name, "key": key}
        _write_header(beside / HEADER, {**header, "tables_sha256": digests})
    # what was written is not wanted again
    default_memory_pool().release_unused()


def kept(folder: Path, name: str, key: str) -> "tuple[pd.DataFrame, ...] | None":
    """Return the tables of a step, or None when they are not there whole, every byte as it was written."""
    import pandas as pd

    place = _place(folder, name, key)
    try:
        header: dict[str, Any] = json.loads((place / HEADER).read_text("utf-8"))
        stated = {part: header[part] for part in ("format", "version", "name", "key")}
        if stated != {"format": FORMAT, "version": VERSION, "name": name, "key": key}:
            return None
        found = []
        for number, digest in enumerate(header["tables_sha256"]):
            content = (place / f"{number}.parquet").read_bytes()
            if hashlib.sha256(content).hexdigest() != digest:
                return None
            found.append(pd.read_parquet(io.BytesIO(content), engine="pyarrow"))
        return tuple(found)
    except Exception:
        # whatever is wrong with what was kept, and Parquet has many ways, computing it again is right
        return None


def _place(folder: Path, name: str, key: str) -> Path:
    """Return the folder of a step."""
    return folder / f"{re.sub(r'[^a-z0-9]+', '-', name.lower())}-{key[:32]}"


def make_folder(folder: Path) -> Path:
    """Make a folder that can be written, or say why not before anything is computed."""
    said = f"Le dossier « {folder} » ne peut pas être écrit ({{reason}}) : choisissez-en un autre avec --out."
    with retold(OSError, OutputError, said):
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    return folder
