"""The one table of boxes and projections agrees with EPSG's register, with the land, and with all that reads it."""

from __future__ import annotations

import numpy as np
import pytest
from pyproj import CRS, Transformer

from territory.geography import projected_epsg
from territory.territories import METROPOLITAN, TERRITORIES, TOGETHER, Territory, is_inside

# the outermost places of each territory, in degrees
LAND = {
    METROPOLITAN: ((-5.14, 48.46), (9.56, 42.28), (9.26, 41.33), (2.55, 51.09), (8.23, 48.97)),
    "971": ((-61.81, 16.26), (-61.00, 16.33), (-61.60, 15.83), (-61.47, 16.51)),
    "972": ((-61.23, 14.83), (-60.81, 14.47), (-60.88, 14.39), (-61.18, 14.88)),
    "973": ((-54.60, 2.34), (-51.62, 4.04), (-52.87, 2.11), (-53.96, 5.75)),
    "974": ((55.22, -21.04), (55.84, -21.18), (55.60, -21.39), (55.45, -20.87)),
    "975": ((-56.40, 46.79), (-56.12, 46.76), (-56.30, 47.14)),
    "976": ((45.02, -12.78), (45.30, -12.78), (45.10, -13.00), (45.10, -12.64)),
    "977": ((-62.95, 17.93), (-62.79, 17.90)),
    "978": ((-63.15, 18.06), (-62.97, 18.11)),
}


@pytest.mark.parametrize("key", TERRITORIES)
def test_a_box_holds_the_land_and_its_projection_is_made_for_it(key: str) -> None:
    box = TERRITORIES[key]
    longitude, latitude = np.array(LAND[key]).T
    assert box.holds(longitude, latitude).all()
    # no box is wider than the land by more than some tens of kilometres
    margins = [longitude.min() - box.west, box.east - longitude.max()]
    margins += [latitude.min() - box.south, box.north - latitude.max()]
    assert max(margins) < 0.5
    system = CRS.from_epsg(box.epsg)
    assert system.is_projected
    assert {axis.unit_name for axis in system.axis_info} == {"metre"}
    area = system.area_of_use
    assert area is not None
    # the west of Guyane is half a degree out of the zone that France has chosen for the whole of it
    use = Territory(box.epsg, area.west - 0.7, area.south - 0.1, area.east, area.north)
    assert use.holds(longitude, latitude).all()
    degrees = system.geodetic_crs
    back = Transformer.from_crs(system, degrees, always_xy=True)
    forth = Transformer.from_crs(degrees, system, always_xy=True)
    np.testing.assert_allclose(
        back.transform(*forth.transform(longitude, latitude)), (longitude, latitude), atol=1e-8
    )


def test_a_territory_reads_the_same_everywhere() -> None:
    for key, territory in TERRITORIES.items():
        assert projected_epsg("83" if key == METROPOLITAN else key) == territory.epsg
    assert sorted(key for keys in TOGETHER for key in keys) == sorted(TERRITORIES)
    for keys in TOGETHER:
        assert len({TERRITORIES[key].epsg for key in keys}) == 1


def test_italy_is_not_in_france() -> None:
    # Elba and a place at 10.5° E, once in France for estimated times alone
    assert not TERRITORIES[METROPOLITAN].holds(np.array([10.2, 10.5]), np.array([42.8, 43.0])).any()
    codes = np.array(["2B033", "2B033"], dtype=object)
    assert is_inside(codes, np.array([9.45, 10.5]), np.array([42.7, 43.0])).tolist() == [True, False]
