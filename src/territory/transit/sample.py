"""A timetable of three stops and two lines, apart from any real one: what the examples of the documentation run on."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import geopandas as gpd

    from territory.transit.timetable import Timetable

_FILES = {
    "agency": "agency_id,agency_name,agency_url,agency_timezone\nA,Essai,https://example.org,Europe/Paris\n",
    "stops": "stop_id,stop_name,stop_lat,stop_lon\nM,Mairie,43.500,6.400\nG,Gare,43.540,6.400\n"
    "P,Plateforme,43.540,6.460\n",
    "routes": "route_id,route_short_name,route_type\nR12,12,3\nR7,7,3\n",
    "trips": "route_id,service_id,trip_id,trip_headsign\n"
    "R12,S,a,Gare\nR12,S,b,Gare\nR7,S,c,Plateforme\nR7,S,d,Plateforme\n",
    "stop_times": "trip_id,arrival_time,departure_time,stop_id,stop_sequence\n"
    "a,08:04:00,08:04:00,M,1\na,08:14:00,08:14:00,G,2\nb,08:34:00,08:34:00,M,1\nb,08:44:00,08:44:00,G,2\n"
    "c,08:18:00,08:18:00,G,1\nc,08:26:00,08:26:00,P,2\nd,08:48:00,08:48:00,G,1\nd,08:56:00,08:56:00,P,2\n",
    "calendar_dates": "service_id,date,exception_type\nS,20261130,1\n",
}


def write_sample(folder: str | Path) -> Path:
    """Write the feed in a folder, and return it."""
    folder = Path(folder)
    for name, text in _FILES.items():
        (folder / f"{name}.txt").write_text(text, encoding="utf-8")
    return folder


def sample_timetable() -> Timetable:
    """Return the timetable of the feed."""
    from territory.transit.gtfs import read_gtfs

    with tempfile.TemporaryDirectory() as folder:
        return read_gtfs(write_sample(folder), date="2026-11-30")


def sample_points() -> gpd.GeoDataFrame:
    """Return a home and a place of care."""
    import geopandas as gpd

    points = gpd.points_from_xy([6.400, 6.461], [43.501, 43.541])
    return gpd.GeoDataFrame(index=["maison", "soins"], geometry=points, crs=4326)
