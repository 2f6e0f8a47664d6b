"""Points of communes, and communes of points."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from shapely import MultiPolygon, Point, Polygon, box

from territory.errors import ParameterError, TerritoryWarning, UnknownCodeError
from territory.geography import check_points, inside_points, locate


def communes(*shapes: object, crs: int = 2154) -> gpd.GeoDataFrame:
    codes = [f"8300{n}" for n in range(len(shapes))]
    return gpd.GeoDataFrame({"commune_code": codes}, geometry=list(shapes), crs=crs).set_index("commune_code")


def test_the_point_of_a_commune_is_the_centre_of_its_largest_part():
    points = inside_points(communes(box(0, 0, 2, 2), MultiPolygon([box(50, 50, 51, 51), box(0, 4, 4, 8)])))
    assert [(point.x, point.y) for point in points] == [(1, 1), (2, 6)]


def test_a_horseshoe_has_its_point_inside_all_the_same():
    horseshoe = box(0, 0, 10, 10).difference(box(2, 2, 8, 11))
    assert not horseshoe.contains(horseshoe.centroid)
    assert horseshoe.contains(inside_points(communes(horseshoe)).iloc[0])


@given(st.lists(st.tuples(st.floats(5, 50), st.floats(0, 6.28)), min_size=3, max_size=12), st.integers(0, 99))
def test_the_point_is_always_inside(corners, seed):
    ring = sorted(corners, key=lambda corner: corner[1])
    star = Polygon([(0, 0), *((r * np.cos(a), r * np.sin(a)) for r, a in ring)]).buffer(1)
    shape = max(getattr(star, "geoms", [star]), key=lambda part: part.area)
    outlines = communes(MultiPolygon([shape, box(500 + seed, 0, 500.1 + seed, 0.1)]))
    point = inside_points(outlines)
    check_points(point, outlines)
    assert shape.contains(point.iloc[0])


def test_degrees_are_refused():
    with pytest.raises(ParameterError, match="projetées"):
        inside_points(communes(box(0, 0, 1, 1), crs=4326))
    with pytest.raises(ParameterError, match="même système"):
        locate(gpd.GeoSeries([Point(0, 0)], crs=4326), communes(box(0, 0, 1, 1)))


def test_points_go_to_the_commune_they_are_in_and_the_first_on_a_border():
    outlines = communes(box(0, 0, 10, 10), box(10, 0, 20, 10))
    points = gpd.GeoSeries([Point(15, 5), Point(10, 5), Point(1, 1)], index=["a", "b", "c"], crs=2154)
    assert locate(points, outlines).to_dict() == {"a": "83001", "b": "83000", "c": "83000"}


def test_points_off_the_coast_go_to_the_nearest_commune_with_a_count():
    outlines = communes(box(0, 0, 10, 10), box(10, 0, 20, 10))
    points = gpd.GeoSeries([Point(25, 5), Point(900, 5), Point(5, 5)], crs=2154)
    with pytest.warns(TerritoryWarning, match="1 point hors de tout contour rattaché"):
        found = locate(points, outlines, max_distance_m=10)
    assert found.to_list() == ["83001", None, "83000"]


def test_points_outside_their_commune_are_listed():
    outlines = communes(*[box(n, 0, n + 1, 1) for n in range(5)])
    moved = inside_points(outlines).translate(0, 5)
    with pytest.raises(ParameterError, match=r"5 points hors de leur commune \(83000, 83001, 83002…\)"):
        check_points(moved, outlines)
    with pytest.raises(UnknownCodeError, match="sans contour"):
        check_points(moved.rename({"83000": "99999"}), outlines)
