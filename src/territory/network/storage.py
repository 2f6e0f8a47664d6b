"""A network as a folder of plain arrays, mapped into memory and checked before it is searched (docs/method/routes.md).

A digest says that a file is as its author wrote it, not that its author meant well, and kernels follow numbers
without looking back: every number that a kernel uses as a position is checked to be one, so that a network received
from somebody else is right, wrong or refused, and never reads or writes outside its arrays.
"""

import io
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pyproj import CRS
from pyproj.exceptions import CRSError

from territory.errors import MissingFileError, NetworkError, Problems, retold
from territory.files.safe_files import arrays_under, read_arrays, read_header, save_arrays
from territory.network.engine.compiling import kernel
from territory.network.engine.graph import Int32, Int64, is_order
from territory.network.engine.hierarchy import Hierarchy
from territory.network.graph.arrays import Roads, WayTable
from territory.network.graph.topology import Topology
from territory.network.points import ACCESS_KMH
from territory.tables.declare import lines_of

FORMAT = "territory-road-network"
# raised whenever a file means something else than before
VERSION = 2
_HEADER = "network.json"
_HIERARCHY = "hierarchy_"
_TEXTS = ("crs", "source", "attribution", "profile")
_UNREADABLE = (LookupError, TypeError, AttributeError, pd.errors.ParserError, pd.errors.EmptyDataError)


def save_network(topology: Topology, speeds: pd.DataFrame, period: str, path: Path) -> Path:
    """Write a network in a folder, which replaces a network that is there and nothing else."""
    roads = topology.roads
    arrays = {f"ways_{name}": getattr(roads.ways, name) for name in _array_names(WayTable)}
    arrays |= {name: getattr(roads, name) for name in _array_names(Roads)}
    if topology.is_ordered:
        arrays |= {_HIERARCHY + name: array for name, array in topology.hierarchy.to_arrays().items()}
    header = {
        "format": FORMAT,
        "version": VERSION,
        **{name: getattr(roads, name) for name in _TEXTS},
        "class_names": list(roads.ways.class_names),
        "asides": [list(aside) for aside in roads.asides],
        "period": period,
        "speeds_csv": speeds.to_csv(index=False),
    }
    return save_arrays(path, arrays, header, header_name=_HEADER, what="un réseau routier enregistré")


def _array_names(kind: type[WayTable | Roads]) -> list[str]:
    others = ("ways", "class_names", "asides", *_TEXTS)
    return [field.name for field in fields(kind) if field.name not in others]


def load_network(path: Path, *, verify: bool) -> tuple[Topology, pd.DataFrame, str]:
    """Return the prepared map, the table of speeds and the period that `save_network` wrote."""
    if not path.exists():
        raise MissingFileError(f"Réseau routier introuvable : « {path} » (vérifiez le chemin).")
    said = f"« {path} » n'est pas un réseau routier enregistré par cette version, ou est illisible"
    refused = f"{said} ({{reason}}) : relisez la carte et enregistrez-le de nouveau."
    with retold((OSError, ValueError), NetworkError, refused):
        header = read_header(path, header_name=_HEADER, form=FORMAT, version=VERSION)
    problems = Problems(f"Réseau routier « {path} » endommagé, enregistrez-le de nouveau", NetworkError)
    said = f"Le réseau routier « {path} » est incomplet ({{reason}}) : enregistrez-le de nouveau."
    with retold(_UNREADABLE, NetworkError, said):
        arrays = read_arrays(path, header, problems=problems, verify=verify)
        ways: dict[str, Any] = {name: arrays[f"ways_{name}"] for name in _array_names(WayTable)}
        columns: dict[str, Any] = {name: arrays[name] for name in _array_names(Roads)}
        columns["ways"] = WayTable(class_names=tuple(header["class_names"]), **ways)
        asides = tuple((str(kind), int(count)) for kind, count in header["asides"])
        topology = Topology(Roads(**columns, asides=asides, **{name: header[name] for name in _TEXTS}))
        if verify:
            check_roads(topology.roads)
        if ordered := arrays_under(_HIERARCHY, arrays):
            hierarchy = Hierarchy.from_arrays(ordered)
            if verify:
                check_hierarchy(hierarchy)
            arcs = topology.arcs
            if (hierarchy.n_nodes, hierarchy.edge_arcs.size) != (arcs.n_nodes, arcs.tails.size):
                said = "La hiérarchie enregistrée n'est pas celle de cette carte"
                raise NetworkError(f"{said} : enregistrez de nouveau le réseau.")
            topology.take_hierarchy(hierarchy)
        return topology, pd.read_csv(io.StringIO(header["speeds_csv"])), str(header["period"])


# no projected coordinate on Earth goes further (m)
_FARTHEST_M = 4.1e7
_LIMITS = ("maxspeed_forward_kmh", "maxspeed_backward_kmh", "duration_s")
# the type of each array, by what it has one element for
_ARRAYS = [*lines_of("arrays.csv", "territory.network")]
_AGAIN = "{reason} ; enregistrez-le de nouveau."


class _FaultError(Exception):
    """What is wrong with an array, in French."""


def check_roads(roads: Roads) -> None:
    """Refuse roads whose arrays do not hold together."""
    with retold(_FaultError, NetworkError, f"Réseau routier « {roads.source} » incohérent : {_AGAIN}"):
        sizes = {"way": len(roads.ways), "vertex": roads.x.size, "chain": roads.n_chains}
        sizes["junction"] = roads.n_junctions
        for line in _ARRAYS:
            owner = roads.ways if line["of"] == "way" else roads
            _check_form(owner, line["array"], line["dtype"], (sizes[line["of"]],))
        _check_form(roads, "chain_start", "<i8", (roads.n_chains + 1,))
        _check_form(roads, "turn_start", "<i8", (roads.turn_start.size,))
        _check_form(roads, "turn_arcs", "<i8", (roads.turn_arcs.size,))
        _check_form(roads, "name_text", "|u1", (roads.name_text.size,))
        _check_form(roads, "hop_slowness", "<f4", (2, roads.x.size if roads.hop_slowness.size else 0))
        if not roads.n_chains:
            raise _FaultError("aucun tronçon")
        texts = (roads.source, roads.attribution, roads.crs, roads.profile, *roads.ways.class_names)
        if not all(isinstance(text, str) for text in texts):
            raise _FaultError("un nom n'est pas un texte")
        with retold((UnicodeDecodeError, AttributeError), _FaultError, "les noms des routes sont illisibles"):
            names = len(roads.names)
        if roads.ways.name.size and not 0 <= int(roads.ways.name.min()) <= int(roads.ways.name.max()) < names:
            raise _FaultError("name désigne ce qui n'existe pas")
        with retold(CRSError, _FaultError, f"système de coordonnées illisible « {roads.crs[:40]} »"):
            is_projected = CRS(roads.crs).is_projected
        if roads.profile not in ACCESS_KMH:
            raise _FaultError(f"profil inconnu « {roads.profile[:20]} »")
        if not is_projected:
            raise _FaultError(f"« {roads.crs[:40]} » n'est pas un système en mètres")
        _check_values(roads)


def check_hierarchy(hierarchy: Hierarchy) -> None:
    """Refuse a hierarchy whose arrays are not those of a contraction: sorted, upwards, closed under the next node."""
    n_nodes, n_arcs, indptr = hierarchy.rank.size, hierarchy.heads.size, hierarchy.indptr
    with retold(_FaultError, NetworkError, f"Hiérarchie du réseau routier incohérente : {_AGAIN}"):
        for name, size in (("rank", n_nodes), ("parents", n_nodes), ("heads", n_arcs)):
            _check_form(hierarchy, name, "<i4", (size,))
        _check_form(hierarchy, "edge_arcs", "<i4", (hierarchy.edge_arcs.size,))
        _check_form(hierarchy, "indptr", "<i8", (n_nodes + 1,))
        if not is_order(hierarchy.rank, n_nodes):
            raise _FaultError("rank n'est pas un ordre des nœuds")
        if indptr[0] != 0 or indptr[-1] != n_arcs or (np.diff(indptr) < 0).any():
            raise _FaultError("indptr ne découpe pas les arcs")
        _check_within("heads", hierarchy.heads, 0, n_nodes)
        _check_within("edge_arcs", hierarchy.edge_arcs, -1 - n_arcs, n_arcs)
        if not _is_closed(indptr, hierarchy.heads, hierarchy.parents):
            raise _FaultError("les arcs ne sont pas ceux d'une contraction")


def _check_form(owner: Any, name: str, kind: str, shape: tuple[int, ...]) -> None:
    array = getattr(owner, name)
    if array.dtype.str != kind or array.ndim != len(shape):
        raise _FaultError(f"type inattendu de {name}")
    if array.shape != shape:
        raise _FaultError(f"taille inattendue de {name}")


def _check_values(roads: Roads) -> None:
    """Check that positions are positions, and that lengths and places can be."""
    ways, junctions, chains, start = roads.ways, roads.n_junctions, roads.n_chains, roads.chain_start
    _check_within("road_class", ways.road_class, 0, len(ways.class_names))
    _check_within("direction", ways.direction, 1, 4)
    _check_within("density_band", ways.density_band, 0, 4)
    sizes = {"vertex_kind": 4, "open_directions": 4, "hop_way": len(ways), "turn_arcs": 2 * chains}
    for name, size in {**sizes, "tail": junctions, "head": junctions}.items():
        _check_within(name, getattr(roads, name), 0, size)
    turns = roads.turn_start
    if not turns.size or turns[0] != 0 or turns[-1] != roads.turn_arcs.size or (np.diff(turns) < 2).any():
        raise _FaultError("turn_start ne découpe pas les interdictions de tourner")
    if not _are_paths(roads):
        raise _FaultError("turn_arcs a des suites d'arcs qui ne se touchent pas")
    if not (roads.hop_slowness > 0).all():
        raise _FaultError("hop_slowness a des valeurs impossibles")
    if start[0] != 0 or start[-1] != roads.x.size or (np.diff(start) < 2).any():
        raise _FaultError("chain_start ne découpe pas les tronçons")
    for name in _LIMITS:
        values = getattr(ways, name)
        if not (np.isnan(values) | ((values > 0) & np.isfinite(values))).all():
            raise _FaultError(f"{name} a des valeurs impossibles")
    for name in ("x", "y", "junction_x", "junction_y"):
        # NaN fails the comparison too
        if not (np.abs(getattr(roads, name)) <= _FARTHEST_M).all():
            raise _FaultError(f"{name} a des places qui ne sont pas sur Terre")
    if not ((roads.hop_length_m >= 0) & (roads.hop_length_m <= _FARTHEST_M)).all():
        raise _FaultError("hop_length_m a des longueurs impossibles")


def _check_within(name: str, values: NDArray[Any], first: int, after: int) -> None:
    """Check that whole numbers are at least `first` and under `after`."""
    if values.size and (int(values.min()) < first or int(values.max()) >= after):
        raise _FaultError(f"{name} désigne ce qui n'existe pas")


def _are_paths(roads: Roads) -> bool:
    """Tell whether each arc of a forbidden sequence is open and begins where the one before it ends."""
    direction, chain = np.divmod(roads.turn_arcs, max(1, roads.n_chains))
    sides = (roads.head, roads.tail), (roads.tail, roads.head)
    ends = [np.stack(pair)[direction, chain] for pair in sides]
    inside = np.ones(max(0, roads.turn_arcs.size - 1), dtype=bool)
    inside[roads.turn_start[1:-1] - 1] = False
    is_open = (roads.open_directions[chain] & (1 + direction)) > 0
    return bool((ends[0][:-1] == ends[1][1:])[inside].all() and is_open.all())


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
