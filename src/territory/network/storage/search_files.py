"""A search on disk, as plain arrays that several processes map into memory: a cluster is sent a path, not a map."""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from territory.errors import MissingFileError, NetworkError, OutputError
from territory.network.engine.graph import Graph, Seeds
from territory.network.engine.metric import Metric
from territory.network.points.endpoints import Endpoints
from territory.network.queries.od_search import RoadSearch

__all__ = ["digest_of_search", "load_search", "save_search"]

FORMAT = "territory-road-search"
VERSION = 1
_HEADER = "search.json"


def digest_of_search(search: RoadSearch) -> str:
    """Do the work of `RoadSearch.digest`."""
    content = hashlib.sha256(repr((VERSION, search.limit_ms, search.with_distance)).encode())
    for name, array in _arrays_of(search).items():
        if not name.startswith("metric_"):
            content.update(f"{name} {array.dtype.str} {array.shape}".encode())
            content.update(np.ascontiguousarray(array).tobytes())
    return content.hexdigest()


def save_search(search: RoadSearch, folder: Path) -> Path:
    """Do the work of `RoadSearch.save`."""
    arrays = _arrays_of(search)
    header = {
        "format": FORMAT,
        "version": VERSION,
        "max_time_min": search.max_time_min,
        "limit_ms": search.limit_ms,
        "with_distance": search.with_distance,
        "arrays": sorted(arrays),
    }
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        beside = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
        try:
            beside.chmod(0o755)
            for name, array in arrays.items():
                np.save(beside / f"{name}.npy", np.ascontiguousarray(array), allow_pickle=False)
            (beside / _HEADER).write_text(json.dumps(header), encoding="utf-8")
            shutil.rmtree(folder, ignore_errors=True)
            beside.replace(folder)
        finally:
            shutil.rmtree(beside, ignore_errors=True)
    except OSError as error:
        raise OutputError(
            f"La recherche de temps n'a pas pu être enregistrée dans « {folder} » ({error})."
        ) from error
    return folder


def load_search(folder: str | Path) -> RoadSearch:
    """Load a search that `RoadSearch.save` wrote; its arrays are mapped into memory, not read.

    Parameters
    ----------
    folder
        Its folder.

    Returns
    -------
    RoadSearch

    Raises
    ------
    MissingFileError
        If there is no such folder.
    NetworkError
        If it holds something else, or was written by another version of the format.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise MissingFileError(f"Recherche de temps introuvable : « {folder} » (vérifiez le chemin).")
    try:
        header = json.loads((folder / _HEADER).read_text("utf-8"))
        if (header["format"], header["version"]) != (FORMAT, VERSION):
            raise ValueError(f"format {header['format']} {header['version']}")
        arrays = {name: _mapped(folder / f"{name}.npy") for name in header["arrays"]}
        return _search_of(header, arrays)
    except (OSError, ValueError, KeyError, TypeError, EOFError, RecursionError) as error:
        raise NetworkError(
            f"« {folder} » n'est pas une recherche de temps enregistrée par cette version, ou est abîmée ({error}) : "
            "supprimez ce dossier et relancez le calcul."
        ) from error


def _search_of(header: dict[str, Any], arrays: dict[str, NDArray[Any]]) -> RoadSearch:
    """Return a search made of saved arrays."""
    names = ("indptr", "heads", "weights_ms", "edge_ids")
    graph = Graph(len(arrays["graph_indptr"]) - 1, *(arrays[f"graph_{name}"] for name in names))
    metric = {
        name.removeprefix("metric_"): array for name, array in arrays.items() if name.startswith("metric_")
    }
    return RoadSearch(
        from_ids=pd.Index(arrays["from_ids"], dtype="str"),
        to_ids=pd.Index(arrays["to_ids"], dtype="str"),
        max_time_min=float(header["max_time_min"]),
        limit_ms=int(header["limit_ms"]),
        with_distance=bool(header["with_distance"]),
        graph=graph,
        metric=Metric.from_arrays(metric) if metric else None,
        lengths_dm=arrays["lengths_dm"],
        origins=_ends_of("origins", arrays),
        destinations=_ends_of("destinations", arrays),
        open_directions=arrays["open_directions"],
    )


def _ends_of(side: str, arrays: dict[str, NDArray[Any]]) -> Endpoints:
    """Return the origins or the destinations."""
    columns: dict[str, Any] = {}
    for one in fields(Endpoints):
        name = f"{side}_{one.name}"
        is_seeds = f"{name}_nodes" in arrays
        columns[one.name] = (
            Seeds(arrays[f"{name}_nodes"], arrays[f"{name}_offsets"]) if is_seeds else arrays[name]
        )
    return Endpoints(**columns)


def _mapped(path: Path) -> NDArray[Any]:
    """Map an array into memory; one that is empty cannot be."""
    try:
        # copy on write: kernels are compiled once more for arrays that are read-only
        return np.asarray(np.load(path, mmap_mode="c", allow_pickle=False))
    except ValueError:
        return np.asarray(np.load(path, allow_pickle=False))


def _arrays_of(search: RoadSearch) -> dict[str, NDArray[Any]]:
    """Return every array by name."""
    arrays: dict[str, NDArray[Any]] = {
        "from_ids": search.from_ids.to_numpy(dtype=np.str_),
        "to_ids": search.to_ids.to_numpy(dtype=np.str_),
        "lengths_dm": search.lengths_dm,
        "open_directions": search.open_directions,
        "graph_indptr": search.graph.indptr,
        "graph_heads": search.graph.heads,
        "graph_weights_ms": search.graph.weights_ms,
        "graph_edge_ids": search.graph.edge_ids,
    }
    for side, ends in (("origins", search.origins), ("destinations", search.destinations)):
        for one in fields(Endpoints):
            value = getattr(ends, one.name)
            if isinstance(value, Seeds):
                arrays[f"{side}_{one.name}_nodes"] = value.nodes
                arrays[f"{side}_{one.name}_offsets"] = value.offsets_ms
            else:
                arrays[f"{side}_{one.name}"] = value
    if search.metric is not None:
        arrays |= {f"metric_{name}": array for name, array in search.metric.to_arrays().items()}
    return arrays
