"""Road maps in, as ways and nodes without travel times: OpenStreetMap files, osmnx graphs, layers of lines."""
