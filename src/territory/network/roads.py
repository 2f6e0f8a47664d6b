"""The road network: travel times, isochrones, nearest sites, saving."""

import logging
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from territory.errors import ParameterError
from territory.french.numbers import decimal, integer
from territory.network.engine.graph import MAX_TIME_MS, Graph
from territory.network.engine.metric import Metric
from territory.network.graph.arrays import RoadLines, Roads
from territory.network.graph.simplify import prepare
from territory.network.graph.speeds import HopTimes, density_bands, hop_times, speed_table
from territory.network.graph.topology import Topology
from territory.network.graph.works import hops_of, sloped, slowed, with_line
from territory.network.od_search import RoadSearch, limit_ms_of
from territory.network.points import MAX_SNAP_M, endpoints
from territory.network.storage import load_network, save_network
from territory.tables.arguments import accepting
from territory.tables.catalogue import html_table
from territory.units import METRES_PER_KILOMETRE, MILLISECONDS_PER_MINUTE

_log = logging.getLogger(__name__)
ENGINES = ("auto", "dijkstra", "hierarchy")
# measured on maps of one to four million nodes: what a search reaches in an hour, and how many searched nodes
# cost as much as ordering one
_NODES_WITHIN_AN_HOUR = 100_000
_SEARCHED_NODES_PER_ORDERED_NODE = 1_000
_PERIODS_IN_FRENCH = {"off_peak": "heures creuses", "peak": "heures de pointe"}


class RoadNetwork:
    """Roads ready to give travel times under one table of speeds, for one period (``off_peak`` or ``peak``).

    Made by `read_osm`, `from_osmnx`, `download`, `from_lines` or `RoadNetwork.load`; never changed afterwards:
    `with_speeds` and `with_density` return another network that shares all that does not depend on speeds.
    """

    def __init__(self, topology: Topology, speeds: pd.DataFrame, *, period: str = "off_peak") -> None:
        self._topology = topology
        self._speeds = speeds.reset_index(drop=True)
        self._period = period
        self._times = hop_times(topology.roads, self._speeds, period=period)

    @classmethod
    def from_road_lines(cls, lines: RoadLines) -> Self:
        """Prepare roads as a reader delivers them, with the library's speeds off-peak."""
        topology = Topology(prepare(lines))
        # as large as the network itself, and of no more use
        del lines
        return cls(topology, speed_table())

    # what the network is

    @property
    def roads(self) -> Roads:
        """The prepared roads, as arrays."""
        return self._topology.roads

    @property
    def topology(self) -> Topology:
        """What the map gives once for all speeds."""
        return self._topology

    @property
    def crs(self) -> str:
        """Projected system of the network and of its isochrones."""
        return self.roads.crs

    @property
    def attribution(self) -> str:
        """What must be printed under a map or a table drawn from these roads."""
        return self.roads.attribution

    @property
    def asides(self) -> pd.Series:
        """How many objects of the map were left aside when it was read, by kind (in French)."""
        return pd.Series(dict(self.roads.asides), dtype="int64", name="count")

    @property
    def profile(self) -> str:
        """``car``, ``bicycle`` or ``foot``."""
        return self.roads.profile

    @property
    def speeds(self) -> pd.DataFrame:
        """A copy of the table of speeds."""
        return self._speeds.copy()

    @property
    def period(self) -> str:
        """``off_peak`` or ``peak``."""
        return self._period

    @property
    def length_km(self) -> float:
        """Length of the roads, each direction of a divided road counted (km)."""
        return float(self.roads.hop_length_m.sum(dtype=np.float64)) / METRES_PER_KILOMETRE

    @property
    def hop_times(self) -> HopTimes:
        """Time of each hop under the present speeds."""
        return self._times

    @cached_property
    def graph(self) -> Graph:
        """The directed graph with its times, for the engines."""
        return self._topology.graph(self.weights_ms)

    @cached_property
    def weights_ms(self) -> NDArray[np.int32]:
        """Time of each arc (ms)."""
        return self._topology.arcs.weights_ms(self._times.chain_ms(self.roads), MAX_TIME_MS)

    @cached_property
    def metric(self) -> Metric:
        """The hierarchy with its times; the first use orders the map, which can take minutes."""
        return self._topology.hierarchy.customize(self.weights_ms)

    @cached_property
    def metric_with_lengths(self) -> Metric:
        """The hierarchy with its times and lengths: twice the memory of `metric`."""
        return self._topology.hierarchy.customize(self.weights_ms, lengths_dm=self.lengths_dm)

    @property
    def lengths_dm(self) -> NDArray[np.int32]:
        """Length of each arc (dm)."""
        return self._topology.arcs.lengths_dm(self._topology.chain_length_m)

    @property
    def is_prepared(self) -> bool:
        """Whether the order of the nodes is known, so that the hierarchy costs little."""
        return self._topology.is_ordered

    def __repr__(self) -> str:
        length = f"{self.length_km:.1f}" if self.length_km < 10 else f"{self.length_km:.0f}"
        name = f" « {self.roads.source} »" if self.roads.source else ""
        size = f"{length.replace('.', ',')} km, {self.roads.n_junctions} carrefours"
        return f"<RoadNetwork{name} : {size}, {_PERIODS_IN_FRENCH[self._period]}>"

    def _repr_html_(self) -> str:
        rows = {
            "Carte": self.roads.source or "–",
            "Longueur": f"{decimal(self.length_km)} km",
            "Carrefours et impasses": integer(self.roads.n_junctions),
            "Interdictions de tourner": integer(self.roads.turn_start.size - 1),
            "Projection": self.crs,
            "Période": _PERIODS_IN_FRENCH[self._period],
            "Source": self.attribution or "–",
        }
        return html_table(rows, title="Réseau routier")

    # other speeds

    @accepting
    def with_speeds(self, table: pd.DataFrame, *, period: str = "off_peak") -> Self:
        """Return the same roads under other speeds (see `speed_table`) or in another period; the order is kept."""
        return type(self)(self._topology, table.copy(), period=period)

    @accepting
    def with_density(self, communes: gpd.GeoDataFrame, *, column: str = "density_hab_km2") -> Self:
        """Return the same roads, each with the density of the commune that its middle lies in."""
        bands = density_bands(self.roads, communes, column=column)
        return type(self)(self._topology.with_density_bands(bands), self._speeds, period=self._period)

    @accepting
    def with_heights(self, heights: gpd.GeoDataFrame, *, column: str = "height_m") -> Self:
        """Return the same streets, on foot or by bicycle, slower uphill; the order of the map is kept.

        `heights` are points whose height (m) is in `column`; between them it is linear. On foot Tobler's function
        (1993) counts, by bicycle Parkin and Rotheram's speeds (2010), both as a ratio to the speed on the flat; a slope
        is held within 35 %, and stairs keep their speed. Bridges and tunnels are as steep as the ground above them.

        Raises
        ------
        NetworkError
            By car; without a system of coordinates, the column or three known heights; if no street is among them.
        """
        topology = self._topology.with_slowness(sloped(self.roads, heights, column))
        return type(self)(topology, self._speeds, period=self._period)

    @accepting
    def with_works(
        self,
        *,
        polygon: BaseGeometry | None = None,
        names: Sequence[str] = (),
        way_ids: Sequence[int] = (),
        month: int | None = None,
        time_factor: float = np.inf,
    ) -> Self:
        """Return the same roads, some of which are closed or slowed; the order of the map is kept.

        Parameters
        ----------
        polygon
            Only roads in this polygon (degrees, WGS 84).
        names, way_ids
            Only roads of these names or references (``"D 562"``); only these ways of OpenStreetMap.
        month
            A month, 1 to 12; without names or ways, the roads that the map says are closed in that month.
        time_factor
            What times are multiplied by; infinity, the default, closes: points are no longer placed there.

        Raises
        ------
        ParameterError
            If no road is meant.

        Examples
        --------
        >>> from territory.network import sample_network
        >>> sample_network().with_works(way_ids=[0], time_factor=2.0).hop_times.move[0, :1].tolist()
        [105255]
        """
        hops = hops_of(self.roads, polygon=polygon, names=names, way_ids=way_ids, month=month)
        topology = self._topology.with_slowness(slowed(self.roads, hops, time_factor))
        return type(self)(topology, self._speeds, period=self._period)

    @accepting
    def with_line(
        self, line: BaseGeometry, *, speed_kmh: float, is_oneway: bool = False, name: str = ""
    ) -> Self:
        """Return the roads with one more, which joins those that its ends touch; the map is ordered anew.

        `line` is a LineString in degrees (WGS 84), from and to within 100 m of roads, driven at `speed_kmh` (5 to 160
        km/h) whatever the table, in its own direction alone if `is_oneway`; `name` is for the account.
        """
        known = self.roads, self._topology.whole_index
        roads = with_line(*known, line, speed_kmh=speed_kmh, is_oneway=is_oneway, name=name)
        return type(self)(Topology(roads), self._speeds, period=self._period)

    @accepting
    def prepare(self, *, cache: str | Path | None = None) -> Self:
        """Order the map now, so that every later matrix is fast."""
        self._topology.order(None if cache is None else Path(cache))
        _ = self.metric
        return self

    # what it answers

    @accepting
    def travel_times(
        self,
        origins: gpd.GeoDataFrame,
        destinations: gpd.GeoDataFrame,
        *,
        max_time_min: float | None = None,
        with_distance: bool = False,
        engine: str = "auto",
        max_snap_m: float = MAX_SNAP_M,
        islands: bool = False,
        threads: int | None = None,
    ) -> pd.DataFrame:
        """Compute the travel times from origins to destinations.

        Parameters
        ----------
        origins, destinations
            Points.
        max_time_min
            Longest time kept, inclusive (min); None keeps every pair that a road joins.
        with_distance
            Add the distance along the fastest path, the shortest of equally fast ones.
        engine
            ``dijkstra`` searches at once, ``hierarchy`` orders the map first (minutes for a large one, once)
            and is then hundreds of times faster, ``auto`` chooses. The result is the same.
        max_snap_m
            A point farther than this from any road (m) is an error. Motorways and ferries take no point.
        islands
            Also use roads cut off from the main network, from which one cannot go to all the others and come back.
        threads
            Number of threads, all by default. It changes nothing in the result.

        Returns
        -------
        DataFrame
            from_id, to_id (text; categorical above a million rows), travel_time_min (min) and, if asked,
            distance_km (km), by origin then destination in the order given. An absent pair is over the cutoff,
            or out of reach when there is none. The attribute cutoff_min is `max_time_min`, NaN without one.

        Raises
        ------
        NetworkError
            If points cannot be used, or are too far: the message says which ones and how far.
        ParameterError
            If an option is out of range.

        Notes
        -----
        The fastest path in whole milliseconds, with both access legs in a straight line at 20 km/h (4.8 on foot) and
        the waits at junctions: docs/method/routes.md.

        Examples
        --------
        >>> import geopandas as gpd
        >>> from territory.network import sample_network
        >>> points = gpd.GeoDataFrame(geometry=gpd.points_from_xy([6.4] * 2, [43.5, 43.51]), index=["A", "B"], crs=4326)
        >>> sample_network().travel_times(points, points)["travel_time_min"].round(3).to_list()
        [0.0, 0.877, 0.877, 0.0]
        """
        search = search_roads(
            self,
            origins,
            destinations,
            max_time_min=max_time_min,
            with_distance=with_distance,
            engine=engine,
            max_snap_m=max_snap_m,
            islands=islands,
        )
        return search.travel_times(threads=threads, as_text=None)

    @accepting
    def travel_time_matrix(
        self,
        origins: gpd.GeoDataFrame,
        destinations: gpd.GeoDataFrame,
        *,
        engine: str = "auto",
        max_snap_m: float = MAX_SNAP_M,
        islands: bool = False,
        threads: int | None = None,
    ) -> NDArray[np.float32]:
        """Compute the full matrix of travel times (min, inf out of reach); options and errors of `travel_times`."""
        options: dict[str, Any] = {"engine": engine, "max_snap_m": max_snap_m, "islands": islands}
        return search_roads(self, origins, destinations, max_time_min=None, **options).matrix(threads=threads)

    @accepting
    def isochrones(
        self,
        points: gpd.GeoDataFrame,
        *,
        minutes: Sequence[float] = (15, 30, 45),
        direction: str = "from",
        cell_m: float = 100.0,
        max_snap_m: float = MAX_SNAP_M,
        islands: bool = False,
    ) -> gpd.GeoDataFrame:
        """Draw what can be reached from points within given times, or from where points can be.

        Parameters
        ----------
        points, max_snap_m, islands
            As in `travel_times`.
        minutes
            Times (min), inclusive.
        direction
            ``from`` the points, or ``to`` them: families drive to a site.
        cell_m
            Side of the squares on which times are computed (m): outlines are true to about one.

        Returns
        -------
        GeoDataFrame
            One row per point and time: from_id, minutes, area_km2, geometry (valid polygons in the projection of the
            network, no farther than 500 m from a road; each contains those of shorter times of its point).
        """
        from territory.network.isochrones import draw_isochrones

        return draw_isochrones(
            (self._topology, self._times, self.graph),
            points,
            minutes=minutes,
            direction=direction,
            cell_m=cell_m,
            max_snap_m=max_snap_m,
            islands=islands,
        )

    @accepting
    def save(self, path: str | Path) -> Path:
        """Save the network in a folder, replacing a network that is there; anything else is an `OutputError`."""
        return save_network(self._topology, self._speeds, self._period, Path(path))

    @classmethod
    def load(cls, path: str | Path, *, verify: bool = True) -> "RoadNetwork":
        """Load a network that `save` wrote.

        Without `verify`, files are not compared with their digests nor checked to hold together: only what you saved
        yourself.
        """
        topology, speeds, period = load_network(Path(path), verify=verify)
        return cls(topology, speeds, period=period)


def search_roads(
    network: RoadNetwork,
    origins: gpd.GeoDataFrame,
    destinations: gpd.GeoDataFrame,
    *,
    max_time_min: float | None,
    with_distance: bool = False,
    engine: str = "auto",
    max_snap_m: float = MAX_SNAP_M,
    islands: bool = False,
) -> RoadSearch:
    """Place origins and destinations once, for times to be asked part by part: options and errors of `travel_times`."""
    limit_ms = limit_ms_of(max_time_min)
    chosen = choose_engine(network, engine, len(origins), limit_ms)
    roads = network.topology, network.hop_times
    ends = endpoints(*roads, origins, destinations, max_snap_m=max_snap_m, islands=islands)
    metric: Metric | None = None
    if chosen == "hierarchy":
        metric = network.metric_with_lengths if with_distance else network.metric
    return RoadSearch(
        from_ids=origins.index,
        to_ids=destinations.index,
        max_time_min=float("nan") if max_time_min is None else float(max_time_min),
        limit_ms=limit_ms,
        with_distance=with_distance,
        graph=network.graph,
        metric=metric,
        lengths_dm=network.lengths_dm if with_distance else np.empty(0, np.int32),
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
    network, origins, destinations, max_time_min, with_distance, engine, threads
        As in `RoadNetwork.travel_times`, whose errors it raises at the call, before the first table.
    batch_size
        Origins of one table; one after the other, the tables are the rows of `RoadNetwork.travel_times`.

    Examples
    --------
    >>> import geopandas as gpd
    >>> from territory.network import sample_network
    >>> points = gpd.GeoDataFrame(geometry=gpd.points_from_xy([6.4] * 2, [43.5, 43.51]), index=["A", "B"], crs=4326)
    >>> [len(t) for t in stream_travel_times(sample_network(), points, points, max_time_min=30, batch_size=1)]
    [2, 2]
    """
    if batch_size < 1:
        raise ParameterError(f"batch_size={batch_size} : indiquez au moins une origine par lot.")
    search = search_roads(
        network, origins, destinations, max_time_min=max_time_min, with_distance=with_distance, engine=engine
    )
    firsts = range(0, len(search), batch_size)
    return (search.travel_times(slice(one, one + batch_size), threads=threads) for one in firsts)


def choose_engine(network: RoadNetwork, engine: str, n_origins: int, limit_ms: int) -> str:
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
