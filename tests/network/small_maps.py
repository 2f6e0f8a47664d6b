"""Small maps for tests, written as OpenStreetMap XML, and the arithmetic of their streets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from xml.sax.saxutils import quoteattr

import geopandas as gpd
import numpy as np
from pyproj import Geod

from territory.network import RoadNetwork
from territory.network.points import MAX_SNAP_M, place_on_roads

Tags = Mapping[str, str]
Nodes = Mapping[int, tuple[float, float] | tuple[float, float, Tags]]
Ways = Mapping[int, tuple[Sequence[int], Tags]]
# members as (type, ref, role)
Relations = Mapping[int, tuple[Sequence[tuple[str, int, str]], Tags]]
_TYPES = {"n": "node", "w": "way", "r": "relation"}


def write_osm(path: Path, nodes: Nodes, ways: Ways, relations: Relations | None = None) -> Path:
    """Write a map as .osm (XML)."""
    lines = ["<?xml version='1.0' encoding='UTF-8'?>", "<osm version='0.6'>"]
    for node, (lon, lat, *rest) in nodes.items():
        lines.append(f"<node id='{node}' lon='{lon!r}' lat='{lat!r}'>{_tags(rest[0] if rest else {})}</node>")
    for way, (refs, tags) in ways.items():
        steps = "".join(f"<nd ref='{ref}'/>" for ref in refs)
        lines.append(f"<way id='{way}'>{steps}{_tags(tags)}</way>")
    for relation, (members, tags) in (relations or {}).items():
        parts = "".join(
            f"<member type='{_TYPES[kind]}' ref='{ref}' role='{role}'/>" for kind, ref, role in members
        )
        lines.append(f"<relation id='{relation}'>{parts}{_tags(tags)}</relation>")
    path.write_text("\n".join([*lines, "</osm>"]), encoding="utf-8")
    return path


def _tags(tags: Tags) -> str:
    return "".join(f"<tag k={quoteattr(key)} v={quoteattr(value)}/>" for key, value in tags.items())


def metres(*places: tuple[float, ...]) -> float:
    """Length of a broken line on the ellipsoid (m), by geodesics."""
    geod = Geod(ellps="WGS84")
    return sum(geod.inv(*one[:2], *two[:2])[2] for one, two in pairwise(places))


def points(**places: tuple[float, float]) -> gpd.GeoDataFrame:
    """Points by name (degrees)."""
    lon, lat = zip(*places.values(), strict=True)
    return gpd.GeoDataFrame(index=list(places), geometry=gpd.points_from_xy(lon, lat), crs=4326)


def snap(
    network: RoadNetwork, points: gpd.GeoDataFrame, *, max_snap_m: float = MAX_SNAP_M, islands: bool = False
) -> gpd.GeoDataFrame:
    """Where points are placed on the roads, how far from them they were, and on what."""
    options = {"role": "points", "max_snap_m": max_snap_m, "islands": islands}
    places, roads = place_on_roads(network.topology, points, **options), network.roads
    names = np.array(roads.ways.class_names, dtype=object)
    columns = {
        "distance_m": places.distance_m,
        "is_island": ~network.topology.main_hops[places.hop],
        "road_class": names[roads.ways.road_class[roads.hop_way[places.hop]]],
    }
    return gpd.GeoDataFrame(
        columns, index=points.index, geometry=gpd.points_from_xy(places.x, places.y), crs=roads.crs
    )
