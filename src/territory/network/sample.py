"""A map of a few streets, for examples and for learning."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from territory.network.graph import RoadLines
from territory.network.profile import drive, way_table

if TYPE_CHECKING:
    from territory.network.roads import RoadNetwork

__all__ = ["sample_network"]


def sample_network() -> RoadNetwork:
    """Return a network of a few imaginary streets near Draguignan.

    Returns
    -------
    RoadNetwork
        A primary road from (6.40, 43.50) to (6.40, 43.52), a residential street from its middle to
        (6.42, 43.51), and a lane that comes back to the south, one way.

    Examples
    --------
    >>> sample_network()
    <RoadNetwork « exemple » : 5,8 km, 4 carrefours, heures creuses>
    """
    from territory.network.roads import RoadNetwork

    places = {1: (6.40, 43.50), 2: (6.40, 43.51), 3: (6.40, 43.52), 4: (6.42, 43.51)}
    streets = [
        ((1, 2, 3), {"highway": "primary", "maxspeed": "80"}),
        ((2, 4), {"highway": "residential"}),
        ((4, 1), {"highway": "unclassified", "oneway": "yes"}),
    ]
    steps = np.array([node for nodes, _ in streets for node in nodes], dtype=np.int64)
    lines = RoadLines(
        ways=way_table(np.arange(3), [drive(tags) for _, tags in streets], np.arange(3)),
        start=np.concatenate([[0], np.cumsum([len(nodes) for nodes, _ in streets])]),
        node_id=steps,
        lon=np.array([places[int(node)][0] for node in steps]),
        lat=np.array([places[int(node)][1] for node in steps]),
        length_m=np.full(3, np.nan),
        source="exemple",
    )
    return RoadNetwork.from_road_lines(lines)
