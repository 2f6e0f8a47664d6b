"""Road maps in: OpenStreetMap files, osmnx graphs, layers of lines.

It gives ways and nodes; it knows no travel time.
"""
