"""Origins and destinations placed once, and the times between them given part by part: for whole countries."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from territory.errors import ParameterError
from territory.network.engine.graph import Graph
from territory.network.engine.kernels.compiling import count_threads
from territory.network.engine.metric import Metric
from territory.network.engine.sweeps import TileSearch
from territory.network.graph.arrays import Ints
from territory.network.points import snapping
from territory.network.points.endpoints import Endpoints
from territory.network.points.snapping import MAX_SNAP_M
from territory.network.queries import od_pairs, roads_queries
from territory.network.queries.od_pairs import Pairs
from territory.units import METRES_PER_KILOMETRE, MILLISECONDS_PER_MINUTE

if TYPE_CHECKING:
    import geopandas as gpd

    from territory.network.roads import RoadNetwork

__all__ = ["RoadSearch", "search_roads", "stream_travel_times"]

_DECIMETRES_PER_METRE = 10


@dataclass(frozen=True, eq=False)
class RoadSearch:
    """Origins and destinations placed on the roads, ready to be searched within a limit of time.

    Made by `search_roads` or `load_search`. It holds all that its answers depend on, and nothing else of the map.

    Attributes
    ----------
    from_ids, to_ids
        Identifiers of the origins and of the destinations.
    max_time_min
        Longest time kept, inclusive (min).

    Examples
    --------
    >>> import geopandas as gpd
    >>> from territory.network import sample_network, search_roads
    >>> points = gpd.GeoDataFrame(index=["A", "B"], crs=4326,
    ...     geometry=gpd.points_from_xy([6.40, 6.40], [43.50, 43.51]))
    >>> search = search_roads(sample_network(), points, points, max_time_min=30)
    >>> search.travel_times(slice(1, 2)).round(3)
      from_id to_id  travel_time_min
    0       B     A            0.877
    1       B     B            0.000
    """

    from_ids: pd.Index
    to_ids: pd.Index
    max_time_min: float
    limit_ms: int
    with_distance: bool
    graph: Graph
    metric: Metric | None
    lengths_dm: NDArray[np.int32]
    origins: Endpoints
    destinations: Endpoints
    open_directions: NDArray[np.int8]

    def __len__(self) -> int:
        """Return the number of origins."""
        return len(self.from_ids)

    def __repr__(self) -> str:
        engine = "hierarchy" if self.metric is not None else "dijkstra"
        return (
            f"RoadSearch({len(self.from_ids)} origins, {len(self.to_ids)} destinations, "
            f"{self.max_time_min:g} min, {engine})"
        )

    def travel_times(self, rows: slice | Ints = slice(None), *, threads: int | None = None) -> pd.DataFrame:
        """Return the times of some origins.

        Parameters
        ----------
        rows
            Places of the origins, as a slice or numbers.
        threads
            Number of threads, all by default. It changes nothing in the result.

        Returns
        -------
        DataFrame
            As `RoadNetwork.travel_times`, for these origins; identifiers are categorical.
        """
        here = np.arange(len(self))[rows]
        pairs, length_dm = self._pairs(self.origins[here], count_threads(threads))
        is_used = np.zeros(len(self.to_ids), bool)
        is_used[pairs.destination] = True
        used = np.flatnonzero(is_used)
        to_codes = (np.cumsum(is_used, dtype=np.int32) - np.int32(1))[pairs.destination]
        columns: dict[str, object] = {
            "from_id": pd.Categorical.from_codes(
                pairs.origin.astype(np.int32), categories=self.from_ids[here].astype("str")
            ),
            "to_id": pd.Categorical.from_codes(to_codes, categories=self.to_ids[used].astype("str")),
            "travel_time_min": pairs.time_ms / MILLISECONDS_PER_MINUTE,
        }
        if length_dm is not None:
            columns["distance_km"] = length_dm / (_DECIMETRES_PER_METRE * METRES_PER_KILOMETRE)
        table = pd.DataFrame(columns)
        table.attrs["cutoff_min"] = self.max_time_min
        return table

    def _pairs(self, origins: Endpoints, threads: int) -> tuple[Pairs, Ints | None]:
        """Return the times of some origins, and lengths if they were asked for."""
        ends = origins, self.destinations
        if self.metric is not None:
            return od_pairs.pairs_by_tiles(
                self.metric, self._tiles, self.open_directions, *ends, self.limit_ms, threads=threads
            )
        if self.with_distance:
            return od_pairs.lengths_of_pairs(
                self.graph, self.lengths_dm, self.open_directions, *ends, self.limit_ms, threads=threads
            )
        pairs = od_pairs.pairs_by_search(self.graph, *ends, self.limit_ms, threads=threads)
        direct = od_pairs.direct_pairs(self.open_directions, *ends)[0]
        return od_pairs.merge(pairs, direct, limit_ms=self.limit_ms), None

    @cached_property
    def _tiles(self) -> TileSearch:
        """The destinations made ready for the hierarchy."""
        if self.metric is None:
            raise AssertionError("tiles are searched over a hierarchy alone")
        lengths = self.destinations.arriving_dm if self.metric.has_lengths else None
        return self.metric.tile_search(
            self.graph, self.destinations.arriving, self.limit_ms, target_lengths_dm=lengths
        )

    def digest(self) -> str:
        """Return a digest of all that the times depend on; the hierarchy, which changes none, is not in it."""
        from territory.network.storage.search_files import digest_of_search

        return digest_of_search(self)

    def save(self, folder: str | Path) -> Path:
        """Save the search in a folder that `load_search` maps into memory.

        Parameters
        ----------
        folder
            Folder to write; it is put in place when it is whole. A search that is already there is replaced.

        Returns
        -------
        Path

        Raises
        ------
        OutputError
            If it cannot be written.
        """
        from territory.network.storage.search_files import save_search

        return save_search(self, Path(folder))


def search_roads(
    network: RoadNetwork,
    origins: gpd.GeoDataFrame,
    destinations: gpd.GeoDataFrame,
    *,
    max_time_min: float,
    with_distance: bool = False,
    engine: str = "auto",
    max_snap_m: float = MAX_SNAP_M,
    islands: bool = False,
) -> RoadSearch:
    """Place origins and destinations once, for times to be asked part by part.

    Parameters
    ----------
    network
        The roads.
    origins, destinations
        Points with a CRS; their index holds their identifiers.
    max_time_min
        Longest time kept, inclusive (min).
    with_distance, engine, max_snap_m, islands
        As in `RoadNetwork.travel_times`.

    Returns
    -------
    RoadSearch

    Raises
    ------
    NetworkError
        If points cannot be used.
    ParameterError
        If an option is out of range.
    """
    if not 0 <= max_time_min < np.inf:
        raise ParameterError(f"max_time_min={max_time_min} : indiquez un nombre de minutes positif ou nul.")
    limit_ms = round(max_time_min * MILLISECONDS_PER_MINUTE)
    ends = snapping.endpoints(network, origins, destinations, max_snap_m=max_snap_m, islands=islands)
    lengths = np.empty(0, np.int32)
    if with_distance:
        lengths = np.asarray(
            network.topology.arcs.lengths_dm(network.topology.chain_length_m), dtype=np.int32
        )
    metric: Metric | None = None
    if roads_queries.choose_engine(network, engine, len(origins), limit_ms) == "hierarchy":
        metric = (
            network.topology.hierarchy.customize(network.weights_ms, lengths_dm=lengths)
            if with_distance
            else network.metric
        )
    return RoadSearch(
        from_ids=origins.index,
        to_ids=destinations.index,
        max_time_min=float(max_time_min),
        limit_ms=limit_ms,
        with_distance=with_distance,
        graph=network.graph,
        metric=metric,
        lengths_dm=lengths,
        origins=ends[0],
        destinations=ends[1],
        open_directions=network.roads.open_directions,
    )


def stream_travel_times(
    network: RoadNetwork,
    origins: gpd.GeoDataFrame,
    destinations: gpd.GeoDataFrame,
    *,
    max_time_min: float,
    batch_size: int = 1_000,
    with_distance: bool = False,
    engine: str = "auto",
    threads: int | None = None,
) -> Iterator[pd.DataFrame]:
    """Give the travel times of a few origins at a time, so that memory does not grow with their number.

    Parameters
    ----------
    network
        The roads.
    origins, destinations
        Points with a CRS; their index holds their identifiers.
    max_time_min
        Longest time kept, inclusive (min).
    batch_size
        Origins of one table.
    with_distance, engine
        As in `RoadNetwork.travel_times`.
    threads
        Number of threads, all by default. It changes nothing in the result.

    Yields
    ------
    DataFrame
        As `RoadNetwork.travel_times` for the next origins, in their order; one after the other, the tables are
        its rows.

    Raises
    ------
    NetworkError, ParameterError
        As `RoadNetwork.travel_times`; at the call, before the first table.

    Examples
    --------
    >>> import geopandas as gpd
    >>> from territory.network import sample_network
    >>> points = gpd.GeoDataFrame(index=["A", "B", "C"], crs=4326,
    ...     geometry=gpd.points_from_xy([6.40, 6.40, 6.42], [43.50, 43.51, 43.51]))
    >>> tables = stream_travel_times(sample_network(), points, points, max_time_min=30, batch_size=2)
    >>> [len(table) for table in tables]
    [6, 3]
    """
    if batch_size < 1:
        raise ParameterError(f"batch_size={batch_size} : indiquez au moins une origine par lot.")
    search = search_roads(
        network, origins, destinations, max_time_min=max_time_min, with_distance=with_distance, engine=engine
    )
    return (
        search.travel_times(slice(first, first + batch_size), threads=threads)
        for first in range(0, len(search), batch_size)
    )
