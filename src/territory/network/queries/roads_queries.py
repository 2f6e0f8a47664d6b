"""The answers of a network as tables and matrices, with the engine that costs least."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from territory.errors import ParameterError
from territory.network.engine.graph import MAX_TIME_MS, UNREACHED
from territory.network.engine.nearest import k_nearest_sites
from territory.network.graph.arrays import Ints
from territory.network.points.endpoints import Endpoints
from territory.network.queries import od_pairs
from territory.network.queries.od_pairs import Pairs
from territory.units import METRES_PER_KILOMETRE, MILLISECONDS_PER_MINUTE

if TYPE_CHECKING:
    from territory.network.weighted import WeightedRoads

__all__ = ["ENGINES", "nearest_table", "times_matrix", "times_table"]

_log = logging.getLogger(__name__)
ENGINES = ("auto", "dijkstra", "hierarchy")
# measured on maps of one to four million nodes: what a search reaches in an hour, and how many searched nodes
# cost as much as ordering one
_NODES_WITHIN_AN_HOUR = 100_000
_SEARCHED_NODES_PER_ORDERED_NODE = 1_000
_CATEGORICAL_FROM_ROWS = 1_000_000
_DECIMETRES_PER_METRE = 10


def choose_engine(network: WeightedRoads, engine: str, n_origins: int, limit_ms: int) -> str:
    """Return the engine to use: the one asked for, or the one that costs least."""
    if engine not in ENGINES:
        raise ParameterError(f"Moteur « {engine} » inconnu : choisissez {', '.join(ENGINES)}.")
    if engine != "auto":
        return engine
    if network.is_prepared:
        return "hierarchy"
    n_nodes = network.topology.arcs.n_nodes
    hours = limit_ms / (60 * MILLISECONDS_PER_MINUTE)
    searched = n_origins * min(n_nodes, _NODES_WITHIN_AN_HOUR * hours**2)
    chosen = "hierarchy" if searched > _SEARCHED_NODES_PER_ORDERED_NODE * n_nodes else "dijkstra"
    _log.info("Moteur « %s » : %d origines, %d nœuds", chosen, n_origins, n_nodes)
    return chosen


def find_pairs(
    network: WeightedRoads,
    ends: tuple[Endpoints, Endpoints],
    *,
    limit_ms: int,
    engine: str,
    threads: int | None,
) -> Pairs:
    """Return the times of all pairs within a limit."""
    if choose_engine(network, engine, len(ends[0].leaving), limit_ms) == "hierarchy":
        pairs = od_pairs.pairs_by_hierarchy(network.metric, network.graph, *ends, limit_ms, threads=threads)
    else:
        pairs = od_pairs.pairs_by_search(network.graph, *ends, limit_ms, threads=threads)
    return od_pairs.merge(
        pairs, od_pairs.direct_pairs(network.roads.open_directions, *ends)[0], limit_ms=limit_ms
    )


def times_table(
    network: WeightedRoads,
    ids: tuple[pd.Index, pd.Index],
    ends: tuple[Endpoints, Endpoints],
    *,
    limit_ms: int,
    max_time_min: float | None,
    with_distance: bool,
    engine: str,
    threads: int | None,
) -> pd.DataFrame:
    """Do the work of `RoadNetwork.travel_times` once points are attached."""
    columns: dict[str, object] = {}
    if with_distance:
        choose_engine(network, engine, 0, limit_ms)
        lengths = network.topology.arcs.lengths_dm(network.topology.chain_length_m)
        pairs, length_dm = od_pairs.lengths_of_pairs(
            network.graph, lengths, network.roads.open_directions, *ends, limit_ms, threads=threads
        )
        columns["distance_km"] = length_dm / (_DECIMETRES_PER_METRE * METRES_PER_KILOMETRE)
    else:
        pairs = find_pairs(network, ends, limit_ms=limit_ms, engine=engine, threads=threads)
    table = pd.DataFrame(
        {
            "from_id": _ids_of(ids[0], pairs.origin),
            "to_id": _ids_of(ids[1], pairs.destination),
            "travel_time_min": pairs.time_ms / MILLISECONDS_PER_MINUTE,
            **columns,
        }
    )
    table.attrs["cutoff_min"] = float("nan") if max_time_min is None else float(max_time_min)
    return table


def _ids_of(ids: pd.Index, rows: Ints) -> object:
    """Return the identifier of each row as text, categorical when there are millions."""
    names = ids.astype(str)
    if rows.size >= _CATEGORICAL_FROM_ROWS:
        return pd.Categorical.from_codes(rows, categories=names)
    return names.to_numpy()[rows]


def times_matrix(
    network: WeightedRoads, ends: tuple[Endpoints, Endpoints], *, engine: str, threads: int | None
) -> NDArray[np.float32]:
    """Do the work of `RoadNetwork.travel_time_matrix` once points are attached."""
    origins, destinations = ends
    if choose_engine(network, engine, len(origins.leaving), MAX_TIME_MS) == "hierarchy":
        times = network.metric.matrix(origins.leaving, destinations.arriving, threads=threads)
        direct = od_pairs.direct_pairs(network.roads.open_directions, *ends)[0]
        np.minimum.at(times, (direct.origin, direct.destination), direct.time_ms.astype(np.int32))
        minutes: NDArray[np.float32] = (times / MILLISECONDS_PER_MINUTE).astype(np.float32)
        minutes[times == UNREACHED] = np.inf
        return minutes
    pairs = find_pairs(network, ends, limit_ms=MAX_TIME_MS, engine="dijkstra", threads=threads)
    minutes = np.full((len(origins.leaving), len(destinations.arriving)), np.inf, dtype=np.float32)
    minutes[pairs.origin, pairs.destination] = pairs.time_ms / MILLISECONDS_PER_MINUTE
    return minutes


def nearest_table(
    network: WeightedRoads,
    ids: tuple[pd.Index, pd.Index],
    ends: tuple[Endpoints, Endpoints],
    *,
    k: int,
    limit_ms: int,
) -> pd.DataFrame:
    """Do the work of `RoadNetwork.nearest` once points are attached."""
    origins, destinations = ends
    site, time = k_nearest_sites(network.graph, origins.leaving, destinations.arriving, k, limit_ms=limit_ms)
    row, column = np.nonzero(site >= 0)
    found = Pairs(row, site[row, column].astype(np.int64), time[row, column].astype(np.int64))
    by_id = np.lexsort([found.destination, found.origin])
    found = Pairs(found.origin[by_id], found.destination[by_id], found.time_ms[by_id])
    pairs = od_pairs.merge(
        found, od_pairs.direct_pairs(network.roads.open_directions, *ends)[0], limit_ms=limit_ms
    )
    order = np.lexsort([pairs.destination, pairs.time_ms, pairs.origin])
    origin, destination, minutes = pairs.origin[order], pairs.destination[order], pairs.time_ms[order]
    rank = np.arange(origin.size) - np.searchsorted(origin, origin, side="left") + 1
    kept = rank <= k
    table = pd.DataFrame(
        {
            "from_id": ids[0].astype(str).to_numpy()[origin[kept]],
            "to_id": ids[1].astype(str).to_numpy()[destination[kept]],
            "rank": rank[kept],
            "travel_time_min": minutes[kept] / MILLISECONDS_PER_MINUTE,
        }
    )
    table.attrs["cutoff_min"] = (
        float("nan") if limit_ms == MAX_TIME_MS else limit_ms / MILLISECONDS_PER_MINUTE
    )
    return table
