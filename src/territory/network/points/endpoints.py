"""Points placed on roads, attached to the graph: the part of the segment and the access leg are counted."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from territory.network.engine.graph import Seeds
from territory.network.engine.kernels.compiling import kernel
from territory.network.graph.arrays import Ints, Roads
from territory.network.graph.segment_index import Places
from territory.network.graph.speeds import HopTimes
from territory.network.graph.turns import Arcs

__all__ = ["Endpoints", "attach"]


@dataclass(frozen=True)
class Endpoints:
    """Points attached to the graph, as origins and as destinations."""

    leaving: Seeds
    arriving: Seeds
    leaving_dm: Ints
    arriving_dm: Ints
    chain: Ints
    hop: Ints
    share: NDArray[np.float64]
    done_ms: Ints
    done_dm: Ints
    access_ms: Ints
    access_dm: Ints

    def __len__(self) -> int:
        return len(self.leaving)

    def __getitem__(self, rows: Any) -> Endpoints:
        """Return the points of some rows (a slice or numbers)."""
        columns = {}
        for one in fields(self):
            column = getattr(self, one.name)
            columns[one.name] = column[:, rows] if one.name in ("done_ms", "done_dm") else column[rows]
        return Endpoints(**columns)


def attach(roads: Roads, arcs: Arcs, times: HopTimes, places: Places, *, access_kmh: float) -> Endpoints:
    """Attach places to the graph: the part of the segment and the access leg are counted."""
    placed = places.hop >= 0
    hop, share = np.maximum(places.hop, 0), np.where(placed, places.share, 0.0)
    chain = np.maximum(places.chain, 0)
    done_ms, left_ms, done_dm, left_dm = _split_chains(
        roads.chain_start, times.move, times.wait, roads.hop_length_m, chain, hop, share
    )
    distance = np.where(placed, places.distance_m, 0.0)
    access_ms = np.rint(distance * 3600.0 / access_kmh).astype(np.int64)
    access_dm = np.rint(10 * distance).astype(np.int64)
    at_tail = (share == 0.0) & (hop == roads.chain_start[chain])
    at_head = share == 1.0
    junction = np.where(at_tail, roads.tail[chain], roads.head[chain]).astype(np.int64)
    at_junction = at_tail | at_head
    out_nodes, in_nodes = (
        arcs.end_node[:, chain].T.astype(np.int64),
        arcs.start_node[:, chain].T.astype(np.int64),
    )

    def seeds(nodes: Ints, alone: Ints, offsets: Ints, access: Ints) -> tuple[Ints, Ints]:
        nodes, offsets = nodes.copy(), offsets.T + access[:, None]
        nodes[at_junction, 0], nodes[at_junction, 1] = alone[at_junction], -1
        offsets[at_junction] = access[at_junction, None]
        nodes[~placed] = -1
        return nodes, np.where(nodes < 0, 0, offsets)

    leaving = seeds(out_nodes, junction, left_ms, access_ms)
    arriving = seeds(in_nodes, arcs.arrival_node[junction].astype(np.int64), done_ms, access_ms)
    return Endpoints(
        Seeds(*leaving),
        Seeds(*arriving),
        seeds(out_nodes, junction, left_dm, access_dm)[1],
        seeds(in_nodes, junction, done_dm, access_dm)[1],
        np.where(placed & ~at_junction, places.chain, -1),
        hop,
        share,
        done_ms,
        done_dm,
        access_ms,
        access_dm,
    )


@kernel
def _split_chains(
    chain_start: Ints,
    move: NDArray[np.int32],
    wait: NDArray[np.int32],
    length_m: NDArray[np.float32],
    chain: Ints,
    hop: Ints,
    share: NDArray[np.float64],
) -> tuple[Ints, Ints, Ints, Ints]:  # pragma: no cover - compiled
    """Return times (ms) and lengths (dm) done and left at places on chains, by direction."""
    done_ms = np.zeros((2, chain.size), dtype=np.int64)
    left_ms = np.zeros((2, chain.size), dtype=np.int64)
    done_dm = np.zeros((2, chain.size), dtype=np.int64)
    left_dm = np.zeros((2, chain.size), dtype=np.int64)
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
        done_ms[0, point], done_ms[1, point] = before_0, before_1
        left_ms[0, point], left_ms[1, point] = total_0 - before_0, total_1 - before_1
        whole, first = np.int64(np.rint(10 * length)), np.int64(np.rint(10 * before_m))
        done_dm[0, point], done_dm[1, point] = first, whole - first
        left_dm[0, point], left_dm[1, point] = whole - first, first
    return done_ms, left_ms, done_dm, left_dm
