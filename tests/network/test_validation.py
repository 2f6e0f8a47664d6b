from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from territory.errors import NetworkError
from territory.network.points import check_points, points_to_crs


def test_every_problem_is_said_at_once():
    geometry = [shapely.Point(6, 43), shapely.Point(np.nan, 43), None, shapely.box(6, 43, 7, 44)]
    with pytest.raises(NetworkError) as caught:
        check_points(gpd.GeoDataFrame(index=["A", "B", "A", "D"], geometry=geometry), role="origines")
    text = str(caught.value)
    assert text.startswith("Points (origines) : 4 problèmes.") or "problèmes" in text
    for part in (
        "système de coordonnées absent",
        "1 identifiant en double (A)",
        "(D)",
        "points",
    ):
        assert part in text


@pytest.mark.parametrize(
    "points, message",
    [
        (gpd.GeoDataFrame(geometry=[], crs=4326), "aucun point"),
        (pd.DataFrame({"x": [1]}), "GeoDataFrame de points est attendue"),
        (gpd.GeoDataFrame(index=[None], geometry=gpd.points_from_xy([6], [43]), crs=4326), "1 identifiant vide"),
        (gpd.GeoDataFrame(index=["A"], geometry=[shapely.Point()], crs=4326), r"1 géométrie absente ou vide \(A\)"),
        (gpd.GeoDataFrame(index=["A"], geometry=[shapely.LineString([(0, 0), (1, 1)])], crs=4326), "autre que des"),
        (gpd.GeoDataFrame(index=["A"], geometry=gpd.points_from_xy([np.inf], [43]), crs=4326), "non finies"),
    ],
)  # fmt: skip
def test_each_problem_alone(points, message):
    with pytest.raises(NetworkError, match=message):
        check_points(points, role="destinations")


def test_points_that_the_projection_loses():
    points = gpd.GeoDataFrame(index=["A"], geometry=gpd.points_from_xy([1e7], [6e6]), crs=4326)
    with pytest.raises(NetworkError, match=r"sans place dans la projection EPSG:2154 \(A\)"):
        points_to_crs(points, "EPSG:2154", role="origines")
