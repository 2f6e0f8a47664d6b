"""A map of a few streets, for examples and for learning."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from territory.network.graph.arrays import RoadLines
from territory.network.maps.car_profile import drive, way_table

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

    places = [(6.40, 43.50), (6.40, 43.51), (6.40, 43.52), (6.42, 43.51)]
    streets = [
        ((0, 1, 2), {"highway": "primary", "maxspeed": "80"}),
        ((1, 3), {"highway": "residential"}),
        ((3, 0), {"highway": "unclassified", "oneway": "yes"}),
    ]
    steps = np.array([node for nodes, _ in streets for node in nodes], dtype=np.int32)
    lines = RoadLines(
        ways=way_table(np.arange(3), [drive(tags) for _, tags in streets], np.arange(3)),
        start=np.concatenate([[0], np.cumsum([len(nodes) for nodes, _ in streets])]),
        node=steps,
        lon=np.array([lon for lon, _ in places]),
        lat=np.array([lat for _, lat in places]),
        length_m=np.full(3, np.nan),
        source="exemple",
    )
    return RoadNetwork.from_road_lines(lines)
