"""A map of streets in a grid, and points on it, for the tests that need hundreds of pairs."""

from __future__ import annotations

from functools import cache

import geopandas as gpd
import numpy as np

from territory.network import RoadNetwork
from territory.network.graph.arrays import RoadLines
from territory.network.maps.profiles import drive, way_table


def grid(side: int = 12) -> RoadNetwork:
    """Streets in a grid, some of them one way, in which long streets hold several points."""
    rng = np.random.default_rng(3)
    lon, lat = np.meshgrid(6.0 + 0.01 * np.arange(side), 43.0 + 0.008 * np.arange(side))
    number = np.arange(side * side).reshape(side, side)
    ends = [*zip(number[:, :-1].ravel(), number[:, 1:].ravel(), strict=True)]
    ends += [*zip(number[:-1].ravel(), number[1:].ravel(), strict=True)]
    kept = rng.random(len(ends)) < 0.85
    ways = [pair for pair, keep in zip(ends, kept, strict=True) if keep]
    tags = [
        {"highway": str(rng.choice(["residential", "secondary"])), "oneway": "yes" if one < 0.1 else "no"}
        for one in rng.random(len(ways))
    ]
    nodes = np.array(ways, dtype=np.int32).ravel()
    return RoadNetwork.from_road_lines(
        RoadLines(
            ways=way_table(
                np.arange(len(ways)), [drive(one) for one in tags], np.arange(len(ways), dtype=np.int64)
            ),
            start=2 * np.arange(len(ways) + 1),
            node=nodes,
            lon=lon.ravel(),
            lat=lat.ravel(),
            length_m=np.full(len(ways), np.nan),
            source="quadrillage",
        )
    )


@cache
def streets() -> RoadNetwork:
    """The same in each test of a process: its kernels are compiled when a test asks for it, not at collection."""
    return grid()


def points(count: int, name: str, seed: int) -> gpd.GeoDataFrame:
    rng = np.random.default_rng(seed)
    return gpd.GeoDataFrame(
        index=[f"{name}{n:03}" for n in range(count)],
        geometry=gpd.points_from_xy(rng.uniform(6.0, 6.11, count), rng.uniform(43.0, 43.088, count)),
        crs=4326,
    )
