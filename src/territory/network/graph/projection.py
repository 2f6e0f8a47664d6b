"""The official projection of a territory, and places in it."""

from __future__ import annotations

import numpy as np
from pyproj import CRS, Transformer
from pyproj.aoi import AreaOfInterest
from pyproj.database import query_utm_crs_info

from territory.geography import projected_epsg
from territory.network.engine.kernels.compiling import count_threads, run_tasks
from territory.network.graph.arrays import Floats

__all__ = ["project", "territory_crs"]

# west, south, east, north (degrees) of each territory with an official system, and its département
_TERRITORIES = (
    ("75", (-5.6, 41.2, 9.9, 51.3)),
    ("971", (-63.3, 14.2, -60.7, 18.3)),
    ("973", (-54.7, 2.0, -51.4, 5.9)),
    ("974", (55.1, -21.5, 56.0, -20.7)),
    ("975", (-56.5, 46.7, -56.1, 47.2)),
    ("976", (44.9, -13.1, 45.4, -12.5)),
)

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
    for departement, (west, south, east, north) in _TERRITORIES:
        if west <= middle_lon <= east and south <= middle_lat <= north:
            return f"EPSG:{projected_epsg(departement)}"
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
