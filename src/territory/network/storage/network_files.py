"""Saving a network in a folder of plain arrays, and loading it back by mapping them into memory.

The folder holds ``network.json`` and one ``.npy`` file per array (the open format of NumPy, without pickles).
The header names the version of the format, the projection, the sources, the table of speeds, and for each file
its type, shape and SHA-256. docs/method/routes.md describes it.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from territory.errors import MissingFileError, NetworkError, OutputError, Problems
from territory.network.engine.hierarchy import Hierarchy
from territory.network.graph.arrays import Roads, WayTable
from territory.network.graph.topology import Topology
from territory.network.storage.network_checks import check_hierarchy, check_roads

if TYPE_CHECKING:
    from territory.network.weighted import WeightedRoads

__all__ = ["FORMAT", "VERSION", "load_network", "save_network"]

Network = TypeVar("Network")

FORMAT = "territory-road-network"
# raised whenever a file means something else than before
VERSION = 1
_HEADER = "network.json"
_HIERARCHY = "hierarchy_"
_ARRAY_NAME = re.compile(r"[a-z][a-z0-9_]{0,60}")
_NOT_ARRAYS = ("ways", "crs", "source", "attribution", "class_names")


def save_network(network: WeightedRoads, path: Path) -> Path:
    """Do the work of `RoadNetwork.save`."""
    if path.exists() and not (path / _HEADER).exists() and (not path.is_dir() or any(path.iterdir())):
        raise OutputError(
            f"« {path} » existe déjà et n'est pas un réseau routier enregistré : choisissez un autre nom."
        )
    arrays = _arrays_of(network)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # written aside then renamed: a run that stops leaves no half of a network under the final name
        folder = Path(tempfile.mkdtemp(prefix=f".{path.name}-", dir=path.parent))
        try:
            files = {}
            for name, array in arrays.items():
                np.save(folder / f"{name}.npy", array, allow_pickle=False)
                files[name] = {
                    "dtype": array.dtype.str,
                    "shape": list(array.shape),
                    "sha256": _digest(folder / f"{name}.npy"),
                }
            header = _header_of(network, files)
            (folder / _HEADER).write_text(json.dumps(header, ensure_ascii=False, indent=1), encoding="utf-8")
            folder.chmod(0o755)
            if path.exists():
                shutil.rmtree(path)
            folder.replace(path)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    except OSError as error:
        raise OutputError(
            f"Le réseau routier n'a pas pu être enregistré dans « {path} » ({error})."
        ) from error
    return path


def _arrays_of(network: WeightedRoads) -> dict[str, NDArray[Any]]:
    roads, topology = network.roads, network.topology
    arrays = {f"ways_{one.name}": getattr(roads.ways, one.name) for one in fields(WayTable)}
    arrays |= {one.name: getattr(roads, one.name) for one in fields(Roads)}
    arrays = {name: array for name, array in arrays.items() if name.removeprefix("ways_") not in _NOT_ARRAYS}
    if topology.is_ordered:
        arrays |= {_HIERARCHY + name: array for name, array in topology.hierarchy.to_arrays().items()}
    return {name: np.ascontiguousarray(array) for name, array in arrays.items()}


def _header_of(network: WeightedRoads, files: dict[str, Any]) -> dict[str, Any]:
    header = {
        "format": FORMAT,
        "version": VERSION,
        "crs": network.crs,
        "source": network.roads.source,
        "attribution": network.attribution,
        "class_names": list(network.roads.ways.class_names),
        "period": network.period,
        "speeds_csv": network.speeds.to_csv(index=False),
        "files": files,
    }
    return {**header, "sha256": _header_digest(header)}


def _header_digest(header: dict[str, Any]) -> str:
    content = {name: value for name, value in header.items() if name != "sha256"}
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def load_network(
    path: Path, make: Callable[[Topology, pd.DataFrame, str], Network], *, verify: bool
) -> Network:
    """Do the work of `RoadNetwork.load`."""
    header = _read_header(path)
    problems = Problems(f"Réseau routier « {path} » endommagé, enregistrez-le de nouveau", NetworkError)
    arrays: dict[str, NDArray[Any]] = {}
    try:
        for name, stated in header["files"].items():
            array = _read_array(path, name, stated, verify=verify, problems=problems)
            if array is not None:
                arrays[name] = array
        problems.raise_if_any()
        roads = _roads_of(header, arrays)
        if verify:
            check_roads(roads)
        topology = Topology(roads)
        hierarchy = {
            name.removeprefix(_HIERARCHY): arrays[name] for name in arrays if name.startswith(_HIERARCHY)
        }
        if hierarchy:
            _restore_hierarchy(topology, Hierarchy.from_arrays(hierarchy), verify=verify)
        speeds = pd.read_csv(io.StringIO(header["speeds_csv"]))
        return make(topology, speeds, header["period"])
    except (
        KeyError,
        IndexError,
        TypeError,
        AttributeError,
        pd.errors.ParserError,
        pd.errors.EmptyDataError,
    ) as error:
        raise NetworkError(
            f"Le réseau routier « {path} » est incomplet ({error}) : enregistrez-le de nouveau."
        ) from error


def _read_header(path: Path) -> dict[str, Any]:
    if not path.exists():
        raise MissingFileError(f"Réseau routier introuvable : « {path} » (vérifiez le chemin).")
    try:
        header = json.loads((path / _HEADER).read_text(encoding="utf-8"))
        is_ours = header["format"] == FORMAT
        version = header["version"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise NetworkError(
            f"« {path} » n'est pas un réseau routier enregistré, ou son fichier {_HEADER} est illisible ({error})."
        ) from error
    if not is_ours:
        raise NetworkError(f"« {path} » n'est pas un réseau routier enregistré par cette bibliothèque.")
    if version != VERSION:
        raise NetworkError(
            f"Le réseau « {path} » est au format {version}, cette version lit le format {VERSION} : relisez la carte"
            " routière et enregistrez le réseau de nouveau."
        )
    if header.get("sha256") != _header_digest(header) or not isinstance(header.get("files"), dict):
        raise NetworkError(
            f"Le fichier {_HEADER} de « {path} » a été modifié ou endommagé : enregistrez-le de nouveau."
        )
    result: dict[str, Any] = header
    return result


def _read_array(
    folder: Path, name: str, stated: dict[str, Any], *, verify: bool, problems: Problems
) -> NDArray[Any] | None:
    """Map one array into memory, or say what is wrong with its file."""
    path = folder / f"{name}.npy"
    # a name is that of an array, never a way out of the folder
    if not _ARRAY_NAME.fullmatch(name) or not path.is_file():
        problems.add(f"fichier {name[:60]}.npy absent")
        return None
    if verify and _digest(path) != stated["sha256"]:
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


def _roads_of(header: dict[str, Any], arrays: dict[str, NDArray[Any]]) -> Roads:
    way_columns: dict[str, Any] = {
        one.name: arrays[f"ways_{one.name}"] for one in fields(WayTable) if one.name not in _NOT_ARRAYS
    }
    columns: dict[str, Any] = {
        one.name: arrays[one.name] for one in fields(Roads) if one.name not in _NOT_ARRAYS
    }
    return Roads(
        ways=WayTable(class_names=tuple(header["class_names"]), **way_columns),
        crs=header["crs"],
        source=header["source"],
        attribution=header["attribution"],
        **columns,
    )


def _restore_hierarchy(topology: Topology, hierarchy: Hierarchy, *, verify: bool) -> None:
    if verify:
        check_hierarchy(hierarchy)
    if hierarchy.n_nodes != topology.arcs.n_nodes or hierarchy.edge_arcs.size != topology.arcs.tails.size:
        raise NetworkError(
            "La hiérarchie enregistrée n'est pas celle de cette carte : enregistrez de nouveau le réseau."
        )
    topology.__dict__["rank"] = hierarchy.rank
    topology.__dict__["hierarchy"] = hierarchy
