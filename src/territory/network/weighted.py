"""Roads under one table of speeds: what a network is before any point is placed on it."""

from __future__ import annotations

from functools import cached_property
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from territory.network.engine.graph import Graph
from territory.network.engine.hierarchy import Metric
from territory.network.graph.arrays import RoadLines, Roads
from territory.network.graph.densities import density_bands
from territory.network.graph.simplify import prepare
from territory.network.graph.speeds import HopTimes, hop_times, speed_table
from territory.network.graph.topology import Topology
from territory.units import METRES_PER_KILOMETRE

if TYPE_CHECKING:
    import geopandas as gpd

__all__ = ["WeightedRoads"]

_PERIODS_IN_FRENCH = {"off_peak": "heures creuses", "peak": "heures de pointe"}


class WeightedRoads:
    """Roads under one table of speeds."""

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
        return self._topology.arcs.weights_ms(self._times.chain_ms(self.roads))

    @cached_property
    def metric(self) -> Metric:
        """The hierarchy with its times; the first use orders the map, which can take minutes."""
        return self._topology.hierarchy.customize(self.weights_ms)

    @property
    def is_prepared(self) -> bool:
        """Whether the order of the nodes is known, so that the hierarchy costs little."""
        return self._topology.is_ordered

    def __repr__(self) -> str:
        length = f"{self.length_km:.1f}" if self.length_km < 10 else f"{self.length_km:.0f}"
        name = f" « {self.roads.source} »" if self.roads.source else ""
        return (
            f"<RoadNetwork{name} : {length.replace('.', ',')} km, {self.roads.n_junctions} carrefours,"
            f" {_PERIODS_IN_FRENCH[self._period]}>"
        )

    def _repr_html_(self) -> str:
        rows = {
            "Carte": self.roads.source or "–",
            "Longueur": f"{self.length_km:,.0f} km".replace(",", "\u202f"),
            "Carrefours et impasses": f"{self.roads.n_junctions:,}".replace(",", "\u202f"),
            "Interdictions de tourner": f"{len(self.roads.turns):,}".replace(",", "\u202f"),
            "Projection": self.crs,
            "Période": _PERIODS_IN_FRENCH[self._period],
            "Source": self.attribution or "–",
        }
        cells = "".join(
            f'<tr><th scope="row" style="text-align:left">{escape(name)}</th><td>{escape(value)}</td></tr>'
            for name, value in rows.items()
        )
        return f"<table><caption>Réseau routier</caption>{cells}</table>"

    # other speeds

    def with_speeds(self, table: pd.DataFrame, *, period: str = "off_peak") -> Self:
        """Return the same roads under other speeds; the order of the map is kept.

        Examples
        --------
        >>> from territory.network import sample_network
        >>> network = sample_network()
        >>> slower = network.speeds.assign(default_kmh=lambda table: table["default_kmh"] / 2)
        >>> network.with_speeds(slower).period
        'off_peak'
        """
        return type(self)(self._topology, table.copy(), period=period)

    def with_density(self, communes: gpd.GeoDataFrame, *, column: str = "density_hab_km2") -> Self:
        """Return the same roads, each with the density of the commune that its middle lies in."""
        bands = density_bands(self.roads, communes, column=column)
        return type(self)(self._topology.with_density_bands(bands), self._speeds, period=self._period)

    def prepare(self, *, cache: str | Path | None = None) -> Self:
        """Order the map now, so that every later matrix is fast."""
        self._topology.order(None if cache is None else Path(cache))
        _ = self.metric
        return self
