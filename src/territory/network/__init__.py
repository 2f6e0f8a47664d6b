"""Road maps, travel times, isochrones; estimated times and other providers behind the same table.

Whatever reads a file raises `MissingFileError` where there is none. What cannot be used (a map, a layer, a graph,
points, a saved folder) raises `NetworkError`; an option out of range, an unknown profile or engine, `ParameterError`.
Networks are in the projection of the territory, with the library's speeds off-peak unless others are given. Points are
a GeoDataFrame with a CRS, whose index holds their identifiers.
"""

from territory.tables import attach

__getattr__, __dir__, __all__ = attach(__name__, __file__)
