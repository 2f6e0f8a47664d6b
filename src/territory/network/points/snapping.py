"""Points on roads: placing them, reporting how far they were, attaching them to the graph."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from territory.errors import NetworkError, ParameterError, examples
from territory.network.graph.arrays import Roads
from territory.network.graph.segment_index import Places, nearest_hops
from territory.network.graph.topology import Topology
from territory.network.points.endpoints import Endpoints, attach
from territory.network.points.point_checks import points_to_crs

if TYPE_CHECKING:
    import geopandas as gpd

    from territory.network.weighted import WeightedRoads

__all__ = ["ACCESS_KMH", "MAX_SNAP_M", "endpoints", "place", "snap_table"]

# between a point and its road: METRIC's speed on tracks (DREES, comparaison des distanciers, 2021)
ACCESS_KMH = 20.0
# beyond, a point is not served by the map: half an hour on foot, six minutes at the access speed
MAX_SNAP_M = 2000.0


def place(
    topology: Topology, points: gpd.GeoDataFrame, *, role: str, max_snap_m: float, islands: bool
) -> Places:
    """Place points on the nearest road segment, or say which ones are too far."""
    if not (max_snap_m > 0 and np.isfinite(max_snap_m)):
        raise ParameterError(f"max_snap_m={max_snap_m} : indiquez une distance en mètres au-dessus de zéro.")
    projected = points_to_crs(points, topology.roads.crs, role=role)
    x = np.asarray(projected.geometry.x, dtype=np.float64)
    y = np.asarray(projected.geometry.y, dtype=np.float64)
    index = topology.whole_index if islands else topology.main_index
    places = nearest_hops(topology.roads, index, x, y, max_distance_m=max_snap_m)
    lost = np.flatnonzero(places.hop < 0)
    if lost.size:
        # only now, for the message: how far they are
        far = nearest_hops(topology.roads, index, x[lost], y[lost], max_distance_m=np.inf)
        raise NetworkError(_too_far(points, lost, far.distance_m, topology.roads, role, max_snap_m))
    return places


def _too_far(
    points: gpd.GeoDataFrame,
    lost: NDArray[np.int64],
    distance_m: NDArray[np.float64],
    roads: Roads,
    role: str,
    max_snap_m: float,
) -> str:
    def far(one: float) -> str:
        return "aucune route" if np.isnan(one) else f"{one / 1000:.1f} km".replace(".", ",")

    listed = [f"{points.index[row]} à {far(one)}" for row, one in zip(lost, distance_m, strict=True)]
    name = f" « {roads.source} »" if roads.source else ""
    return (
        f"{lost.size} des {len(points)} points ({role}) sont à plus de {max_snap_m:g} m d'une route de la carte{name}"
        f" ({examples(listed)}) : prenez une carte qui couvre tout le territoire, corrigez ou retirez ces points, ou"
        " augmentez max_snap_m (islands=True admet aussi les routes coupées du réseau principal)."
    )


def endpoints(
    network: WeightedRoads,
    origins: gpd.GeoDataFrame,
    destinations: gpd.GeoDataFrame,
    *,
    max_snap_m: float,
    islands: bool,
) -> tuple[Endpoints, Endpoints]:
    """Place origins and destinations and attach them to the graph."""
    both = []
    for points, role in ((origins, "origines"), (destinations, "destinations")):
        places = place(network.topology, points, role=role, max_snap_m=max_snap_m, islands=islands)
        arcs = network.topology.arcs
        both.append(attach(network.roads, arcs, network.hop_times, places, access_kmh=ACCESS_KMH))
    return both[0], both[1]


def snap_table(
    topology: Topology, points: gpd.GeoDataFrame, *, max_snap_m: float, islands: bool
) -> gpd.GeoDataFrame:
    """Do the work of `RoadNetwork.snap`."""
    import geopandas as gpd

    places = place(topology, points, role="points", max_snap_m=max_snap_m, islands=islands)
    roads = topology.roads
    names = np.array(roads.ways.class_names, dtype=object)
    return gpd.GeoDataFrame(
        {
            "distance_m": places.distance_m,
            "is_island": ~topology.is_main[places.chain],
            "road_class": names[roads.ways.road_class[roads.hop_way[places.hop]]],
        },
        index=points.index,
        geometry=gpd.points_from_xy(places.x, places.y),
        crs=roads.crs,
    )
