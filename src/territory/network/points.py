"""Origins and destinations: checked, placed on the nearest road, attached to the graph."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from territory.errors import NetworkError, ParameterError, Problems, examples, refuse
from territory.network.engine.compiling import kernel
from territory.network.engine.graph import MAX_TIME_MS, SavedArrays, Seeds
from territory.network.estimate_model import Points, point_problems
from territory.network.graph.arrays import Float32, Floats, Int32, Ints, Roads
from territory.network.graph.speeds import HopTimes
from territory.network.graph.topology import Places, Topology, nearest_hops

# between a point and its road: METRIC's speed on tracks (DREES, comparaison des distanciers, 2021), and a walk
ACCESS_KMH = {"car": 20.0, "bicycle": 4.8, "foot": 4.8}
# beyond, a point is not served by the map: half an hour on foot, six minutes at the access speed
MAX_SNAP_M = 2000.0


def place_on_roads(
    topology: Topology, points: Points, *, role: str, max_snap_m: float, islands: bool
) -> Places:
    """Place points on the nearest road segment, or say which ones are too far."""
    if not (max_snap_m > 0 and np.isfinite(max_snap_m)):
        raise ParameterError(f"max_snap_m={max_snap_m} : indiquez une distance en mètres au-dessus de zéro.")
    projected = points_to_crs(points, topology.roads.crs, role=role)
    x = np.asarray(projected.geometry.x, dtype=np.float64)
    y = np.asarray(projected.geometry.y, dtype=np.float64)
    index = topology.whole_index if islands else topology.main_index
    places = replace(nearest_hops(topology.roads, index, x, y, max_distance_m=max_snap_m), at=(x, y))
    lost = np.flatnonzero(places.hop < 0)
    if lost.size:
        # only now, for the message: how far they are
        far = nearest_hops(topology.roads, index, x[lost], y[lost], max_distance_m=np.inf)
        raise NetworkError(_too_far(points, lost, far.distance_m, topology.roads, role, max_snap_m))
    return places


def _too_far(points: Points, lost: Ints, far_m: Floats, roads: Roads, role: str, max_snap_m: float) -> str:
    def far(one: float) -> str:
        return "aucune route" if np.isnan(one) else f"{one / 1000:.1f} km".replace(".", ",")

    listed = [f"{points.index[row]} à {far(one)}" for row, one in zip(lost, far_m, strict=True)]
    name = f" de la carte « {roads.source} »" if roads.source else " de la carte"
    said = f"{lost.size} des {len(points)} points ({role}) sont à plus de {max_snap_m:g} m d'une route{name}"
    advice = "prenez une carte qui couvre tout le territoire, corrigez ou retirez ces points, ou augmentez max_snap_m"
    return f"{said} ({examples(listed)}) : {advice} (islands=True admet aussi les routes coupées du réseau principal)."


def endpoints(
    topology: Topology, times: HopTimes, origins: Points, destinations: Points, **options: Any
) -> "tuple[Endpoints, Endpoints]":
    """Place origins and destinations, with the options of `place_on_roads`, and attach them to the graph."""
    places = place_on_roads(topology, origins, role="origines", **options)
    others = place_on_roads(topology, destinations, role="destinations", **options)
    return attach(topology, times, places), attach(topology, times, others)


def check_points(points: Points, *, role: str) -> None:
    """Refuse points that cannot be used, with all problems at once."""
    problems = Problems(f"Points ({role})", NetworkError)
    point_problems(points, problems)
    if not problems and len(points) == 0:
        problems.add("aucun point")
    problems.raise_if_any()


def points_to_crs(points: Points, crs: str, *, role: str) -> Points:
    """Check points and project them."""
    check_points(points, role=role)
    projected = points.to_crs(crs)
    x, y = projected.geometry.x.to_numpy(), projected.geometry.y.to_numpy()
    lost = ~(np.isfinite(x) & np.isfinite(y))
    said = f"point(s) ({role}) sans place dans la projection {crs}"
    advice = f" : vérifiez leur système de coordonnées ({points.crs})."
    refuse(points.index[lost], said, NetworkError, advice=advice)
    return projected


@dataclass(frozen=True)
class Endpoints(SavedArrays):
    """Points attached to the graph, as origins and as destinations."""

    leaving_nodes: Int32
    leaving_offsets: Int32
    arriving_nodes: Int32
    arriving_offsets: Int32
    leaving_dm: Ints
    arriving_dm: Ints
    chain: Ints
    hop: Ints
    share: Floats
    done_ms: Ints
    done_dm: Ints
    access_ms: Ints
    access_dm: Ints
    # the access road that points share, and where they themselves are
    spot: Ints
    x: Floats
    y: Floats
    access_kmh: Floats

    def __len__(self) -> int:
        return len(self.chain)

    def __getitem__(self, rows: Any) -> "Endpoints":
        columns = self.to_arrays().items()
        return Endpoints(*(one[:, rows] if name.startswith("done_") else one[rows] for name, one in columns))

    @property
    def leaving(self) -> Seeds:
        """The points as origins."""
        return Seeds(self.leaving_nodes, self.leaving_offsets)

    @property
    def arriving(self) -> Seeds:
        """The points as destinations."""
        return Seeds(self.arriving_nodes, self.arriving_offsets)


def attach(topology: Topology, times: HopTimes, places: Places) -> Endpoints:
    """Attach places to the graph: the part of the segment and the access leg are counted."""
    roads, arcs = topology.roads, topology.arcs
    placed = places.hop >= 0
    hop, share = np.maximum(places.hop, 0), np.where(placed, places.share, 0.0)
    chain = np.maximum(places.chain, 0)
    by_hop = times.move, times.wait, roads.hop_length_m
    done_ms, left_ms, done_dm, left_dm = parts = np.empty((4, 2, chain.size), dtype=np.int64)
    _split_chains(roads.chain_start, *by_hop, chain, hop, share, parts)
    distance = np.where(placed, places.distance_m, 0.0)
    access_ms = ms_of_access(distance, ACCESS_KMH[roads.profile])
    access_dm = np.rint(10 * distance).astype(np.int64)
    at_tail = (share == 0.0) & (hop == roads.chain_start[chain])
    at_head = share == 1.0
    junction = np.where(at_tail, roads.tail[chain], roads.head[chain]).astype(np.int64)
    at_junction = at_tail | at_head
    # the end of a dead end is a place of its road
    ends = np.bincount(np.concatenate([roads.tail, roads.head]), minlength=roads.n_junctions)
    at_crossing = at_junction & (ends[junction] > 1)
    out_nodes, in_nodes = (nodes[:, chain].T.astype(np.int64) for nodes in (arcs.end_node, arcs.start_node))

    def seeds(nodes: Ints, alone: Ints, offsets: Ints, access: Ints) -> tuple[Ints, Ints]:
        nodes, offsets = nodes.copy(), offsets.T + access[:, None]
        nodes[at_junction, 0], nodes[at_junction, 1] = alone[at_junction], -1
        offsets[at_junction] = access[at_junction, None]
        nodes[~placed] = -1
        # beyond what is closed or too long, there is no way
        nodes[offsets > MAX_TIME_MS] = -1
        return nodes, np.where(nodes < 0, 0, offsets)

    leaving = Seeds(*seeds(out_nodes, arcs.departure_node[junction].astype(np.int64), left_ms, access_ms))
    arriving = Seeds(*seeds(in_nodes, arcs.arrival_node[junction].astype(np.int64), done_ms, access_ms))
    return Endpoints(
        leaving.nodes,
        leaving.offsets_ms,
        arriving.nodes,
        arriving.offsets_ms,
        seeds(out_nodes, junction, left_dm, access_dm)[1],
        seeds(in_nodes, junction, done_dm, access_dm)[1],
        np.where(placed & ~at_junction, places.chain, -1),
        hop,
        share,
        done_ms,
        done_dm,
        access_ms,
        access_dm,
        np.where(placed, np.where(at_crossing, roads.n_chains + junction, places.chain), -1),
        *places.at,
        np.full(chain.size, ACCESS_KMH[roads.profile]),
    )


def ms_of_access(distance_m: Floats, access_kmh: float | Floats) -> Ints:
    """Return the time in a straight line between a point and its road (ms)."""
    return np.rint(distance_m * 3600.0 / access_kmh).astype(np.int64)


@kernel
def _split_chains(
    chain_start: Ints,
    move: Int32,
    wait: Int32,
    length_m: Float32,
    chain: Ints,
    hop: Ints,
    share: Floats,
    parts: Ints,
) -> None:
    """Write times (ms) done and left at places on chains, then lengths (dm) done and left, by direction."""
    for point in range(chain.size):
        here, part = hop[point], share[point]
        total_0, total_1, before_0, before_1, length, before_m = 0, 0, 0, 0, 0.0, 0.0
        for i in range(chain_start[chain[point]], chain_start[chain[point] + 1] - 1):
            total_0 += move[0, i] + wait[0, i]
            total_1 += move[1, i] + wait[1, i]
            length += length_m[i]
            if i < here:
                before_0 += move[0, i] + wait[0, i]
                before_m += length_m[i]
            elif i == here:
                before_0 += int(np.rint(part * move[0, i]))
                before_1 += int(np.rint((1.0 - part) * move[1, i]))
                before_m += part * length_m[i]
            else:
                before_1 += move[1, i] + wait[1, i]
        parts[0, 0, point], parts[0, 1, point] = before_0, before_1
        parts[1, 0, point], parts[1, 1, point] = total_0 - before_0, total_1 - before_1
        whole, first = np.int64(np.rint(10 * length)), np.int64(np.rint(10 * before_m))
        parts[2, 0, point] = parts[3, 1, point] = first
        parts[2, 1, point] = parts[3, 0, point] = whole - first
