"""Road maps, travel times, isochrones; estimated times and other providers behind the same table.

Whatever reads a file raises `MissingFileError` where there is none. What cannot be used (a map, a layer, a graph,
points, a saved folder) raises `NetworkError`; an option out of range, an unknown profile or engine, `ParameterError`.
Networks are in the projection of the territory, with the library's speeds off-peak unless others are given. Points are
a GeoDataFrame with a CRS, whose index holds their identifiers.
"""

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
