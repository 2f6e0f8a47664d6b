"""Maps: what is drawn, where, and the same at each run."""

from __future__ import annotations

import math
import re

import geopandas as gpd
import pandas as pd
import pytest
from shapely.geometry import Point, Polygon, box

from territory.datasets import load_var
from territory.errors import ParameterError
from territory.plot import style
from territory.plot.maps import legend
from territory.plot.maps.choropleth import Panel, draw_map, extent_of
from territory.plot.maps.legend import Legend, change_classes, numbers_from, shown, time_classes
from territory.plot.maps.shapes import PaperScale, text_size

CODES = ["a", "b", "c", "d"]


@pytest.fixture
def areas() -> gpd.GeoDataFrame:
    squares = [box(10_000 * i, 0, 10_000 * (i + 1), 10_000) for i in range(3)]
    holed = Polygon(box(0, 10_000, 30_000, 30_000).exterior, [box(5_000, 15_000, 9_000, 19_000).exterior])
    return gpd.GeoDataFrame(geometry=[*squares, holed], index=CODES, crs=2154)


@pytest.fixture
def times() -> pd.Series:
    return pd.Series([10.0, 40.0, math.nan, 70.0], index=CODES)


def texts(figure: object) -> list[str]:
    return [text.get_text() for axes in figure.axes for text in axes.texts if text.get_text()]  # type: ignore[attr-defined]


def test_numbers_are_written_in_communes_and_unknown_is_in_the_legend(
    areas: gpd.GeoDataFrame, times: pd.Series
) -> None:
    classes = time_classes(times)
    figure = draw_map(
        Panel(areas, classes.keys, numbers=numbers_from(times)), Legend(classes.legend, "Temps")
    )
    written = texts(figure)
    assert {"10", "40", "70", "Temps", "inconnu", "jusqu’à 15\u00a0min"} <= set(written)
    assert "nan" not in written


def test_same_bytes_and_no_date(areas: gpd.GeoDataFrame, times: pd.Series) -> None:
    classes = time_classes(times)

    def draw() -> bytes:
        zones = pd.Series(["x", "x", "y", None], index=CODES)
        panel = Panel(areas, classes.keys, numbers_from(times), zones, focus=pd.Index(["a"]))
        return style.to_svg(draw_map(panel, Legend(classes.legend)))

    assert draw() == draw()


def test_nothing_is_cut(areas: gpd.GeoDataFrame, times: pd.Series) -> None:
    classes = time_classes(times)
    sites = gpd.GeoDataFrame({"mark": ["1", "2"], "shape": ["o", "s"]}, geometry=[Point(1, 1)] * 2, crs=2154)
    beside = Legend(
        classes.legend,
        "Un titre de légende assez long pour tenir sur deux lignes",
        sites=[("1", "o", "Institut médico-éducatif de Salernes, aujourd'hui")],
        notes=["Une note."],
        circles=[1200.0, 300.0],
        source="Sources : INSEE, RP 2021 ; IGN, 2018 ; " * 5,
    )
    figure = draw_map(Panel(areas, classes.keys, sites=sites), beside)
    with style.style():
        figure.draw_without_rendering()
        frame = figure.bbox
        drawn = [t for axes in figure.axes for t in axes.texts] + figure.texts
        for text in drawn:
            extent = text.get_window_extent()
            assert frame.x0 - 1 <= extent.x0 <= extent.x1 <= frame.x1 + 1, text.get_text()
            assert frame.y0 - 1 <= extent.y0 <= extent.y1 <= frame.y1 + 1, text.get_text()


def test_metres_stay_square(areas: gpd.GeoDataFrame, times: pd.Series) -> None:
    classes = time_classes(times)
    figure = draw_map(Panel(areas, classes.keys), Legend(classes.legend))
    axes = figure.axes[0]
    place, (width, height) = axes.get_position(), figure.get_size_inches()
    across = (axes.get_xlim()[1] - axes.get_xlim()[0]) / (place.width * width)
    up = (axes.get_ylim()[1] - axes.get_ylim()[0]) / (place.height * height)
    assert across == pytest.approx(up, rel=1e-6)


def test_points_stand_for_missing_outlines(times: pd.Series) -> None:
    points = gpd.GeoDataFrame(geometry=[Point(i * 5_000, 0) for i in range(4)], index=CODES, crs=2154)
    classes = time_classes(times)
    figure = draw_map(Panel(points, classes.keys, numbers=numbers_from(times)), Legend(classes.legend))
    assert {"10", "40", "70"} <= set(texts(figure))


@pytest.mark.parametrize(("size", "width_cm"), [(7.5, 17.0), (7.0, 6.7)])
def test_a_name_stands_on_its_commune_or_is_tied_to_it(size: float, width_cm: float) -> None:
    data = load_var()
    assert data.outlines is not None
    inside = data.communes[data.communes["epci_code"] == "248300493"].to_crs(data.outlines.crs)
    told = inside.sort_values("population", ascending=False) if "population" in inside else inside
    names = gpd.GeoDataFrame(told[["geometry"]].assign(label=told["name"] + "\n−24", size=size), crs=told.crs)
    areas = data.outlines[["geometry"]]
    keys = pd.Series("land", index=areas.index)
    extent = extent_of(areas.loc[names.index], pad_share=0.05)
    land = Legend([legend.Category("land", "territoire", "#eef2f4")])
    figure = draw_map(Panel(areas, keys, names=names, extent=extent), land, width_cm=width_cm)
    axes = figure.axes[0]
    scale = PaperScale(axes)
    ties = [line.get_xydata() for line in axes.lines if line.get_marker() == "o"]
    drawn = [text for text in axes.texts if text.get_text() in set(names["label"])]
    assert len(drawn) >= (18 if width_cm == 17.0 else 8)
    tied = 0
    for text in drawn:
        home = areas.geometry[names.index[names["label"] == text.get_text()][0]]
        (x, y), (wide, high) = text.get_position(), text_size(text.get_text(), size)
        room = box(
            *(x - wide / 2 / scale.x, y - high / 2 / scale.y),
            *(x + wide / 2 / scale.x, y + high / 2 / scale.y),
        )
        is_tied = any(home.contains(Point(tie[0])) and room.distance(Point(tie[-1])) < 300 for tie in ties)
        tied += is_tied
        assert is_tied or room.intersection(home).area > 0.45 * room.area, text.get_text()
    assert 0 < tied == len(ties)


def test_hundreds_of_discs_do_not_hide_one_another_nor_the_first_name() -> None:
    places = [Point(3_000 * i, 3_000 * j) for i in range(25) for j in range(25)]
    points = gpd.GeoDataFrame(geometry=places, index=[f"{n}" for n in range(625)], crs=2154)
    names = points.iloc[[312]].assign(label="Toulouse", size=7.0)
    keys = pd.Series("land", index=points.index)
    figure = draw_map(
        Panel(points, keys, names=gpd.GeoDataFrame(names, crs=2154)),
        Legend([legend.Category("land", "territoire", "#eef2f4")]),
        max_height_cm=8.0,
    )
    axes = figure.axes[0]
    (discs,) = (one for one in axes.collections if len(one.get_offsets()) == 625)
    assert math.sqrt(discs.get_sizes()[0]) <= 1.01 * 3_000 * PaperScale(axes).x
    assert "Toulouse" in texts(figure)
    (tie,) = (line.get_xydata() for line in axes.lines if line.get_marker() == "o")
    assert Point(tie[0]).distance(places[312]) < 1


def test_one_commune_has_room() -> None:
    point = gpd.GeoDataFrame(geometry=[Point(0, 0)], index=["a"], crs=2154)
    left, bottom, right, top = extent_of(point)
    assert right - left > 1_000
    assert top - bottom > 1_000


def test_markup_in_names_is_text(areas: gpd.GeoDataFrame, times: pd.Series) -> None:
    classes = time_classes(times)
    names = gpd.GeoDataFrame(
        {"label": ["$x_1$ <b>&"], "size": [8.0]}, geometry=[Point(15_000, 5_000)], crs=2154
    )
    figure = draw_map(Panel(areas, classes.keys, names=names), Legend(classes.legend))
    assert "$x_1$ <b>&" in texts(figure)
    svg = style.to_svg(figure).decode()
    assert "<b>&" not in re.sub(r"<!--.*?-->", "", svg, flags=re.S)


def test_two_sites_at_one_place_are_side_by_side(areas: gpd.GeoDataFrame, times: pd.Series) -> None:
    classes = time_classes(times)
    sites = gpd.GeoDataFrame(
        {"mark": ["1", "2"], "shape": ["o", "s"]}, geometry=[Point(15_000, 15_000)] * 2, crs=2154
    )
    figure = draw_map(Panel(areas, classes.keys, sites=sites), Legend(classes.legend))
    places = [text.get_position() for text in figure.axes[0].texts if text.get_text() in ("1", "2")]
    assert len(places) == 2
    assert places[0] != places[1]


def test_proportional_circles() -> None:
    assert legend.circle_points(100, 100) == pytest.approx(2 * legend.circle_points(25, 100))
    assert legend.circle_points(0, 0) == 0.0


def test_circles_are_drawn_with_their_legend(areas: gpd.GeoDataFrame, times: pd.Series) -> None:
    classes = time_classes(times)
    places = gpd.GeoDataFrame(
        {"value": [1200.0, 300.0]}, geometry=[Point(5_000, 5_000), Point(25_000, 5_000)], crs=2154
    )
    figure = draw_map(
        Panel(areas, classes.keys, circles=places), Legend(classes.legend, circles=[1200.0, 300.0])
    )
    sizes = sorted(
        float(c.get_sizes()[0])
        for c in figure.axes[0].collections
        if hasattr(c, "get_sizes") and len(c.get_sizes())
    )
    assert sizes[-1] == pytest.approx(4 * sizes[-2])
    assert "1\u202f200" in texts(figure)


def test_degrees_and_nothing_are_refused(areas: gpd.GeoDataFrame, times: pd.Series) -> None:
    classes = time_classes(times)
    with pytest.raises(ParameterError, match="projetés"):
        draw_map(Panel(areas.to_crs(4326), classes.keys), Legend(classes.legend))
    with pytest.raises(ParameterError, match="aucune commune"):
        extent_of(areas.iloc[:0])


def test_unused_special_classes_leave_the_legend(times: pd.Series) -> None:
    classes = time_classes(times)
    assert [c.key for c in shown(classes.legend, classes.keys)] == [
        "class0",
        "class1",
        "class2",
        "class3",
        "class4",
        "unknown",
    ]
    changes = change_classes(pd.Series([1.0]), pd.Series(["indistinct"]))
    assert "outside" not in [c.key for c in shown(changes.legend, changes.keys)]


def test_scale_is_a_round_length() -> None:
    assert legend.nice_length(26_400) == 20_000
    assert legend.nice_length(5_000) == 5_000
