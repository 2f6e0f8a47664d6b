"""Road maps, travel times, isochrones; estimated times and other providers behind the same table."""

from __future__ import annotations

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "estimate.estimate": ["difference_uncertainty_min", "estimate_travel_times"],
        "maps.line_layers": ["from_lines"],
        "maps.osm": ["read_osm"],
        "maps.osmnx_io": ["download", "from_osmnx"],
        "elsewhere.providers": ["query_server", "read_distancier"],
        "roads": ["RoadNetwork"],
        "maps.sample": ["sample_network"],
        "storage.search_files": ["load_search"],
        "queries.od_search": ["RoadSearch", "search_roads", "stream_travel_times"],
        "graph.speeds": ["speed_table"],
    },
)
