"""Road maps, travel times, isochrones; estimated times and other providers behind the same table."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "estimate": ["difference_uncertainty_min", "estimate_travel_times"],
        "graph.speeds": ["speed_table"],
        "maps.line_layers": ["from_lines"],
        "maps.osm": ["read_osm", "sample_network"],
        "maps.osmnx_io": ["download", "from_osmnx"],
        "od_search": ["RoadSearch", "load_search"],
        "outside_times": ["query_server", "read_distancier"],
        "roads": ["RoadNetwork", "search_roads", "stream_travel_times"],
    },
)
