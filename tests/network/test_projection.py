from __future__ import annotations

import numpy as np
import pytest

from territory.network.graph.simplify import project, territory_crs


@pytest.mark.parametrize(
    "lon, lat, crs",
    [
        (6.4, 43.5, "EPSG:2154"),
        (1.5, 42.5, "EPSG:2154"),
        (9.0, 42.0, "EPSG:2154"),
        (-61.5, 16.2, "EPSG:5490"),
        (-61.0, 14.6, "EPSG:5490"),
        (-52.3, 4.9, "EPSG:2972"),
        (55.5, -21.1, "EPSG:2975"),
        (45.2, -12.8, "EPSG:4471"),
        (-56.2, 46.8, "EPSG:4467"),
        (-73.9, 40.7, "EPSG:32618"),
    ],
)
def test_each_territory_has_its_official_system(lon, lat, crs):
    assert territory_crs(np.array([lon, np.nan]), np.array([lat, np.nan])) == crs


def test_unknown_places_stay_unknown():
    x, y = project(np.array([3.0, np.nan]), np.array([46.5, 43.0]), "EPSG:2154")
    assert x[0] == pytest.approx(700_000)
    assert y[0] == pytest.approx(6_600_000)
    assert np.isnan([x[1], y[1]]).all()
