"""Whether the arrays of a saved network can be searched: kernels follow their numbers without looking back.

A digest says that a file is as its author wrote it, not that its author meant well. Every number that a kernel uses as
a position is checked to be one, so that a network received from somebody else is right, wrong or refused, and never
reads or writes outside its arrays.
"""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pyproj import CRS
from pyproj.exceptions import CRSError

from territory.errors import NetworkError
from territory.network.engine.graph import Int32, Int64
from territory.network.engine.hierarchy import Hierarchy
from territory.network.engine.kernels.compiling import kernel
from territory.network.graph.arrays import Roads, WayTable

__all__ = ["check_hierarchy", "check_roads"]

# no projected coordinate on Earth goes further (m)
_FARTHEST_M = 4.1e7
_TYPES = {
    **dict.fromkeys(("way_id", "chain_start", "turns"), "<i8"),
    **dict.fromkeys(("x", "y", "junction_x", "junction_y"), "<f8"),
    **dict.fromkeys(("maxspeed_forward_kmh", "maxspeed_backward_kmh", "duration_s", "hop_length_m"), "<f4"),
    **dict.fromkeys(("direction", "density_band", "vertex_kind", "open_directions"), "|i1"),
    **dict.fromkeys(("hop_way", "tail", "head"), "<i4"),
    "road_class": "<i2",
    "hop_reversed": "|b1",
}


class _FaultError(Exception):
    """What is wrong with an array, in French."""


def check_roads(roads: Roads) -> None:
    """Refuse roads whose arrays do not hold together."""
    try:
        _check_forms(roads)
        _check_values(roads)
    except _FaultError as fault:
        raise NetworkError(
            f"Réseau routier « {roads.source} » incohérent : {fault} ; enregistrez-le de nouveau."
        ) from fault


def check_hierarchy(hierarchy: Hierarchy) -> None:
    """Refuse a hierarchy whose arrays do not hold together."""
    try:
        _check_hierarchy(hierarchy)
    except _FaultError as fault:
        raise NetworkError(
            f"Hiérarchie du réseau routier incohérente : {fault} ; enregistrez-le de nouveau."
        ) from fault


def _check_forms(roads: Roads) -> None:
    """Check types, sizes, texts and the coordinate system."""
    ways = roads.ways
    texts = (roads.source, roads.attribution, roads.crs, *ways.class_names)
    if not all(isinstance(text, str) for text in texts):
        raise _FaultError("un nom n'est pas un texte")
    try:
        is_projected = CRS(roads.crs).is_projected
    except CRSError as error:
        raise _FaultError(f"système de coordonnées illisible « {roads.crs[:40]} »") from error
    if not is_projected:
        raise _FaultError(f"« {roads.crs[:40]} » n'est pas un système en mètres")
    for owner in (ways, roads):
        for one in fields(owner):
            if one.name in _TYPES:
                array = getattr(owner, one.name)
                if array.dtype.str != _TYPES[one.name] or array.ndim != (2 if one.name == "turns" else 1):
                    raise _FaultError(f"type inattendu de {one.name}")
    _same_size(ways, len(ways), [one.name for one in fields(WayTable) if one.name in _TYPES])
    vertices = ("x", "y", "vertex_kind", "hop_way", "hop_reversed", "hop_length_m")
    _same_size(roads, roads.x.size, vertices)
    _same_size(roads, roads.n_chains, ("tail", "head", "open_directions"))
    _same_size(roads, roads.n_junctions, ("junction_x", "junction_y"))
    if roads.turns.shape[1] != 5 or roads.chain_start.size != roads.n_chains + 1 or not roads.n_chains:
        raise _FaultError("taille inattendue de turns ou de chain_start")


def _same_size(owner: Any, size: int, names: tuple[str, ...] | list[str]) -> None:
    """Check that arrays have one element per thing."""
    for name in names:
        if getattr(owner, name).shape != (size,):
            raise _FaultError(f"taille inattendue de {name}")


def _check_values(roads: Roads) -> None:
    """Check that positions are positions, and that lengths and places can be."""
    ways, junctions, chains = roads.ways, roads.n_junctions, roads.n_chains
    _within("road_class", ways.road_class, 0, len(ways.class_names))
    _within("direction", ways.direction, 1, 4)
    _within("density_band", ways.density_band, 0, 4)
    for name in ("maxspeed_forward_kmh", "maxspeed_backward_kmh", "duration_s"):
        values = getattr(ways, name)
        if not (np.isnan(values) | ((values > 0) & np.isfinite(values))).all():
            raise _FaultError(f"{name} a des valeurs impossibles")
    _within("vertex_kind", roads.vertex_kind, 0, 4)
    _within("open_directions", roads.open_directions, 0, 4)
    _within("hop_way", roads.hop_way, 0, len(ways))
    _within("tail", roads.tail, 0, junctions)
    _within("head", roads.head, 0, junctions)
    start = roads.chain_start
    if start[0] != 0 or start[-1] != roads.x.size or (np.diff(start) < 2).any():
        raise _FaultError("chain_start ne découpe pas les tronçons")
    for column, count in enumerate((chains, 2, chains, 2, junctions)):
        _within("turns", roads.turns[:, column], 0, count)
    for name in ("x", "y", "junction_x", "junction_y"):
        # NaN fails the comparison too
        if not (np.abs(getattr(roads, name)) <= _FARTHEST_M).all():
            raise _FaultError(f"{name} a des places qui ne sont pas sur Terre")
    if not ((roads.hop_length_m >= 0) & (roads.hop_length_m <= _FARTHEST_M)).all():
        raise _FaultError("hop_length_m a des longueurs impossibles")


def _within(name: str, values: NDArray[Any], first: int, after: int) -> None:
    """Check that whole numbers are at least `first` and under `after`."""
    if values.size and (int(values.min()) < first or int(values.max()) >= after):
        raise _FaultError(f"{name} désigne ce qui n'existe pas")


def _check_hierarchy(hierarchy: Hierarchy) -> None:
    """Check that the arcs are those of a contraction: sorted, upwards, closed under the next node."""
    n_nodes, n_arcs = hierarchy.rank.size, hierarchy.heads.size
    wanted = {"rank": "<i4", "indptr": "<i8", "heads": "<i4", "parents": "<i4", "edge_arcs": "<i4"}
    for name, kind in wanted.items():
        if getattr(hierarchy, name).dtype.str != kind or getattr(hierarchy, name).ndim != 1:
            raise _FaultError(f"type inattendu de {name}")
    if hierarchy.indptr.size != n_nodes + 1 or hierarchy.parents.size != n_nodes:
        raise _FaultError("taille inattendue de indptr ou de parents")
    _within("rank", hierarchy.rank, 0, n_nodes)
    if not (np.bincount(hierarchy.rank, minlength=n_nodes) == 1).all():
        raise _FaultError("rank répète un rang")
    indptr = hierarchy.indptr
    if indptr[0] != 0 or indptr[-1] != n_arcs or (np.diff(indptr) < 0).any():
        raise _FaultError("indptr ne découpe pas les arcs")
    _within("heads", hierarchy.heads, 0, n_nodes)
    _within("edge_arcs", hierarchy.edge_arcs, -1 - n_arcs, n_arcs)
    if not _is_closed(indptr, hierarchy.heads, hierarchy.parents):
        raise _FaultError("les arcs ne sont pas ceux d'une contraction")


@kernel
def _is_closed(indptr: Int64, heads: Int32, parents: Int32) -> bool:
    """Tell whether the arcs of each node are sorted, go up, and but for the first are arcs of the first too."""
    for node in range(len(parents)):
        first, last = indptr[node], indptr[node + 1]
        if first == last:
            if parents[node] != -1:
                return False
            continue
        if heads[first] <= node or parents[node] != heads[first]:
            return False
        at, end = indptr[heads[first]], indptr[heads[first] + 1]
        for arc in range(first + 1, last):
            if heads[arc] <= heads[arc - 1]:
                return False
            while at < end and heads[at] < heads[arc]:
                at += 1
            if at == end or heads[at] != heads[arc]:
                return False
    return True
