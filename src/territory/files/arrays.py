"""Arrays kept in a folder: one plain ``.npy`` file each, beside a JSON header that names, types and digests them.

A folder is there whole or not at all. No pickle is ever written or read: a folder may come from somebody else, and
opening it must not run what it holds.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from territory.errors import Problems
from territory.files.safe_files import UNFINISHED, digest_file, flush_folder, flush_tree

if TYPE_CHECKING:
    from numpy.typing import NDArray

_NAME = re.compile(r"[a-z][a-z0-9_]{0,60}")


def save_arrays(
    folder: Path, arrays: Mapping[str, NDArray[Any]], header: Mapping[str, Any], *, header_name: str
) -> None:
    """Write arrays and what is said of them in a folder, which replaces one that is there.

    Examples
    --------
    >>> import numpy as np
    >>> from territory.errors import Problems, ReadError
    >>> with tempfile.TemporaryDirectory() as place:
    ...     folder = Path(place, "essai")
    ...     save_arrays(folder, {"x": np.arange(3)}, {"format": "essai", "version": 1}, header_name="essai.json")
    ...     header = read_header(folder, header_name="essai.json")
    ...     header["version"], read_arrays(folder, header, problems=Problems("Essai", ReadError))["x"].tolist()
    (1, [0, 1, 2])
    """
    import numpy as np

    folder.parent.mkdir(parents=True, exist_ok=True)
    beside = Path(tempfile.mkdtemp(prefix=UNFINISHED, dir=folder.parent))
    try:
        files = {}
        for name, array in arrays.items():
            path = beside / f"{name}.npy"
            np.save(path, np.ascontiguousarray(array), allow_pickle=False)
            files[name] = {"dtype": array.dtype.str, "shape": list(array.shape), "sha256": digest_file(path)}
        content = {**header, "files": files}
        content["sha256"] = _digest(content)
        (beside / header_name).write_text(json.dumps(content, ensure_ascii=False, indent=1), encoding="utf-8")
        flush_tree(beside)
        # the temporary folder is private: what is kept is made to be read
        beside.chmod(0o755)
        if folder.exists():
            shutil.rmtree(folder)
        beside.replace(folder)
        flush_folder(folder.parent)
    finally:
        shutil.rmtree(beside, ignore_errors=True)


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
