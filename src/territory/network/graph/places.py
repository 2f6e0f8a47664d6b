"""Places on a map: the official projection, the distance between neighbours, their order along a Hilbert curve."""

from __future__ import annotations

import numpy as np
from pyproj import CRS, Transformer
from pyproj.aoi import AreaOfInterest
from pyproj.database import query_utm_crs_info

from territory.network.engine.compiling import count_threads, kernel, run_tasks
from territory.network.graph.arrays import Floats, Ints
from territory.territories import TERRITORIES

# more places than this tell no better where a map is
_ENOUGH_PLACES = 100_000
# places projected by one task
_PLACES_AT_ONCE = 500_000


def territory_crs(lon: Floats, lat: Floats) -> str:
    """Return the official projected system of the place where most of a map is.

    Examples
    --------
    >>> territory_crs(np.array([6.4]), np.array([43.5])), territory_crs(np.array([55.5]), np.array([-21.1]))
    ('EPSG:2154', 'EPSG:2975')
    """
    every = max(1, lon.size // _ENOUGH_PLACES)
    some = ~(np.isnan(lon[::every]) | np.isnan(lat[::every]))
    if not some.any():
        every, some = 1, ~(np.isnan(lon) | np.isnan(lat))
    middle_lon, middle_lat = float(np.median(lon[::every][some])), float(np.median(lat[::every][some]))
    for territory in TERRITORIES.values():
        if territory.holds(np.array([middle_lon]), np.array([middle_lat])).all():
            return f"EPSG:{territory.epsg}"
    area = AreaOfInterest(middle_lon, middle_lat, middle_lon, middle_lat)
    return f"EPSG:{query_utm_crs_info(datum_name='WGS 84', area_of_interest=area)[0].code}"


def project(lon: Floats, lat: Floats, crs: str) -> tuple[Floats, Floats]:
    """Project places.

    Examples
    --------
    >>> [int(value[0]) for value in project(np.array([3.0]), np.array([46.5]), "EPSG:2154")]
    [700000, 6600000]
    """
    x, y = np.full((2, lon.size), np.nan)

    def fill(part: slice) -> None:
        # a transformer serves one thread
        transformer = Transformer.from_crs(CRS("EPSG:4326"), CRS(crs), always_xy=True)
        known = ~(np.isnan(lon[part]) | np.isnan(lat[part]))
        if known.all():
            x[part], y[part] = transformer.transform(lon[part], lat[part])
        else:
            x[part][known], y[part][known] = transformer.transform(lon[part][known], lat[part][known])

    parts = [slice(begin, begin + _PLACES_AT_ONCE) for begin in range(0, lon.size, _PLACES_AT_ONCE)]
    run_tasks(fill, parts, count_threads(None) if len(parts) > 1 else 1)
    return x, y


def hilbert_order(x: Floats, y: Floats, *, bits: int = 16) -> Ints:
    """Order points along a Hilbert curve: neighbours in the order are neighbours on the map.

    References
    ----------
    D. Hilbert (1891), "Über die stetige Abbildung einer Linie auf ein Flächenstück".

    Examples
    --------
    >>> hilbert_order(np.array([0.0, 1.0, 0.0, 1.0]), np.array([0.0, 0.0, 1.0, 1.0])).tolist()
    [0, 2, 3, 1]
    """
    extent = max(float(np.ptp(x)), float(np.ptp(y)), 1e-9)
    cells = (1 << bits) - 1
    rank = _rank(x, y, float(x.min()), float(y.min()), extent, cells, bits)
    order = np.argsort(rank, kind="stable")
    ranked = rank[order]
    tied = np.flatnonzero(ranked[1:] == ranked[:-1])
    if tied.size:
        # few points share a cell: only these are compared further
        places = np.union1d(tied, tied + 1)
        shared = order[places]
        order[places] = shared[np.lexsort([y[shared], x[shared], rank[shared]])]
    return order


@kernel
def _rank(
    x: Floats, y: Floats, x_min: float, y_min: float, extent: float, cells: int, bits: int
) -> Ints:  # pragma: no cover - compiled
    """Return the place on the curve of the cell of each point."""
    ranks = np.empty(x.size, dtype=np.int64)
    for point in range(x.size):
        column = int((x[point] - x_min) / extent * cells)
        row = int((y[point] - y_min) / extent * cells)
        rank = 0
        for level in range(bits - 1, -1, -1):
            side = 1 << level
            right, up = int((column & side) > 0), int((row & side) > 0)
            rank += side * side * ((3 * right) ^ up)
            # the quadrant's curve is turned, and mirrored in the two lower quadrants
            if up == 0:
                if right == 1:
                    column, row = side - 1 - (column & (side - 1)), side - 1 - (row & (side - 1))
                column, row = row, column
        ranks[point] = rank
    return ranks


# WGS 84
_EQUATOR_M, _FLATTENING = 6378137.0, 1 / 298.257223563


def measure_m(lon_1: Floats, lat_1: Floats, lon_2: Floats, lat_2: Floats) -> Floats:
    """Return short distances on the WGS 84 ellipsoid (m), from places in degrees.

    Examples
    --------
    >>> point = np.array([6.0]), np.array([43.0])
    >>> measure_m(*point, np.array([6.0]), np.array([43.01])).round(1).tolist()
    [1110.9]
    """
    ends = zip(lon_1.tolist(), lat_1.tolist(), lon_2.tolist(), lat_2.tolist(), strict=True)
    return np.array([ground_m(*places) for places in ends])


@kernel
def ground_m(lon_1: float, lat_1: float, lon_2: float, lat_2: float) -> float:  # pragma: no cover - compiled
    """Return the distance (m) between two close places, with the radii of curvature in their middle."""
    squared = _FLATTENING * (2 - _FLATTENING)
    middle = np.radians((lat_1 + lat_2) / 2)
    curvature = 1 - squared * np.sin(middle) ** 2
    root = np.sqrt(curvature)
    north = _EQUATOR_M * (1 - squared) / (curvature * root) * np.radians(lat_2 - lat_1)
    east = _EQUATOR_M / root * np.cos(middle) * np.radians(lon_2 - lon_1)
    return float(np.sqrt(north * north + east * east))
