from .estimate import (
    difference_uncertainty_min as difference_uncertainty_min,
)
from .estimate import (
    estimate_travel_times as estimate_travel_times,
)
from .graph.speeds import speed_table as speed_table
from .maps.line_layers import from_lines as from_lines
from .maps.osm import read_osm as read_osm
from .maps.osm import sample_network as sample_network
from .maps.osmnx_io import download as download
from .maps.osmnx_io import from_osmnx as from_osmnx
from .od_search import RoadSearch as RoadSearch
from .od_search import load_search as load_search
from .outside_times import query_server as query_server
from .outside_times import read_distancier as read_distancier
from .roads import (
    RoadNetwork as RoadNetwork,
)
from .roads import (
    search_roads as search_roads,
)
from .roads import (
    stream_travel_times as stream_travel_times,
)
