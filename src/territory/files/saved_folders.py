"""Arrays and tables kept in a folder: plain ``.npy`` or Parquet files, beside a JSON header with their digests.

A folder is there whole or not at all. No pickle is ever written or read: a folder may come from somebody else, and
opening it must not run what it holds.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from territory.errors import Problems
from territory.files.safe_files import digest_file, whole_folder

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

_NAME = re.compile(r"[a-z][a-z0-9_]{0,60}")


def save_arrays(
    folder: Path, arrays: Mapping[str, NDArray[Any]], header: Mapping[str, Any], *, header_name: str
) -> None:
    """Write arrays and what is said of them in a folder, which replaces one that is there."""
    import numpy as np

    folder.parent.mkdir(parents=True, exist_ok=True)
    with whole_folder(folder) as beside:
        files = {}
        for name, array in arrays.items():
            path = beside / f"{name}.npy"
            np.save(path, np.ascontiguousarray(array), allow_pickle=False)
            files[name] = {"dtype": array.dtype.str, "shape": list(array.shape), "sha256": digest_file(path)}
        content = {**header, "files": files}
        _write_header(beside / header_name, {**content, "sha256": _digest(content)})


def _write_header(path: Path, header: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(header, ensure_ascii=False, indent=1), encoding="utf-8")


def read_header(folder: Path, *, header_name: str) -> dict[str, Any]:
    """Return what was said of the arrays of a folder, as it is written: `is_intact` says whether it is as it was.

    Raises `OSError` or `ValueError` where there is no header that can be read.
    """
    try:
        header = json.loads((folder / header_name).read_text(encoding="utf-8"))
    except RecursionError as error:
        raise ValueError(f"{header_name} n'est pas un en-tête") from error
    if not isinstance(header, dict) or not {"format", "version"} <= set(header):
        raise ValueError(f"{header_name} ne dit ni format ni version")
    return header


def is_intact(header: Mapping[str, Any]) -> bool:
    """Tell whether a header is as `save_arrays` wrote it."""
    return header.get("sha256") == _digest(header) and isinstance(header.get("files"), dict)


def read_arrays(
    folder: Path, header: Mapping[str, Any], *, problems: Problems, verify: bool = True
) -> dict[str, NDArray[Any]]:
    """Map the arrays of a folder into memory, or raise the error of `problems` with all that is wrong.

    Without `verify`, digests are not compared: types and sizes still are.
    """
    arrays = {}
    for name, stated in header["files"].items():
        array = _map(folder, name, stated, verify, problems)
        if array is not None:
            arrays[name] = array
    problems.raise_if_any()
    return arrays


def arrays_under(prefix: str, arrays: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """Return the arrays whose name begins with a prefix, without it."""
    return {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}


def _map(
    folder: Path, name: str, stated: Mapping[str, Any], verify: bool, problems: Problems
) -> NDArray[Any] | None:
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


def keep(folder: Path, name: str, key: str, tables: tuple[pd.DataFrame, ...]) -> None:
    """Write the tables of a step, all of them or nothing."""
    with whole_folder(_place(folder, name, key)) as beside:
        digests = []
        for number, table in enumerate(tables):
            content = io.BytesIO()
            table.to_parquet(content, engine="pyarrow")
            (beside / f"{number}.parquet").write_bytes(content.getbuffer())
            digests.append(hashlib.sha256(content.getbuffer()).hexdigest())
        header = {"format": FORMAT, "version": VERSION, "name": name, "key": key}
        _write_header(beside / HEADER, {**header, "tables_sha256": digests})


def kept(folder: Path, name: str, key: str) -> tuple[pd.DataFrame, ...] | None:
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
