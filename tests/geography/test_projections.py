"""Official projections, asserted against the EPSG register inside pyproj."""

from __future__ import annotations

import pyproj
import pytest

from territory.errors import UnknownCodeError
from territory.geography import projected_epsg

# capital, longitude and latitude in degrees, words of the system's name
PLACES = {
    "83": (5.93, 43.12, "RGF93", "Lambert-93"),
    "2A": (8.74, 41.92, "RGF93", "Lambert-93"),
    "971": (-61.73, 16.0, "RGAF09", "UTM zone 20N"),
    "972": (-61.07, 14.61, "RGAF09", "UTM zone 20N"),
    "973": (-52.33, 4.93, "RGFG95", "UTM zone 22N"),
    "974": (55.45, -20.88, "RGR92", "UTM zone 40S"),
    "975": (-56.17, 46.78, "RGSPM06", "UTM zone 21N"),
    "976": (45.23, -12.78, "RGM04", "UTM zone 38S"),
    "977": (-62.85, 17.9, "RGAF09", "UTM zone 20N"),
    "978": (-63.08, 18.07, "RGAF09", "UTM zone 20N"),
}


@pytest.mark.parametrize("code", PLACES)
def test_each_territory_has_its_official_system_in_metres(code):
    longitude, latitude, *words = PLACES[code]
    system = pyproj.CRS.from_epsg(projected_epsg(code))
    assert all(word in system.name for word in words)
    assert system.is_projected
    assert {axis.unit_name for axis in system.axis_info} == {"metre"}
    area = system.area_of_use
    assert area is not None
    assert area.west <= longitude <= area.east
    assert area.south <= latitude <= area.north


def test_every_metropolitan_departement_is_known_and_nothing_else():
    metropolitan = [f"{n:02d}" for n in range(1, 96)] + ["2A", "2B"]
    assert {projected_epsg(code) for code in metropolitan} == {2154}
    for code in ("00", "96", "98", "988", "2C", "", "eu"):
        with pytest.raises(UnknownCodeError, match="projection"):
            projected_epsg(code)
