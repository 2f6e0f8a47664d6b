"""Points of communes, and communes of points."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from shapely import MultiPolygon, Polygon, box

from territory.errors import ParameterError
from territory.geography import inside_points


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
    assert shape.contains(point.iloc[0])


def test_degrees_are_refused():
    with pytest.raises(ParameterError, match="projetées"):
        inside_points(communes(box(0, 0, 1, 1), crs=4326))
