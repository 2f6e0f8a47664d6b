"""Road maps, travel times, isochrones; estimated times and other providers behind the same table."""

from __future__ import annotations

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "estimate": ["difference_uncertainty_min", "estimate_travel_times"],
        "lines": ["from_lines"],
        "osm": ["read_osm"],
        "osmnx_io": ["download", "from_osmnx"],
        "providers": ["query_server", "read_distancier"],
        "roads": ["RoadNetwork"],
        "sample": ["sample_network"],
        "search_io": ["load_search"],
        "searching": ["RoadSearch", "search_roads", "stream_travel_times"],
        "speeds": ["speed_table"],
    },
)
