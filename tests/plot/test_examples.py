"""What small functions of `territory.plot` give, by example."""

from __future__ import annotations

import matplotlib as mpl
import pandas as pd

import territory
from territory.access.deserts import Criterion, classify
from territory.datasets import load_var
from territory.network import sample_network
from territory.plot import charts, showing, style
from territory.plot.interactive import views
from territory.plot.maps import choropleth, legend, shapes, show_plans
from territory.plot.maps.legend import Legend, time_classes
from territory.release.shown import Effects, Situation
from territory.result import StudyResult


def test_charts_gainers_and_losers() -> None:
    effects = pd.DataFrame(
        {"persons_gain": [900.0], "persons_loss": [4.0], "persons_indistinct": [50.0]}, index=["Dracénie"]
    )
    assert len(charts.gainers_and_losers(effects).axes) == 1


def test_charts_needs_with_range() -> None:
    needs = pd.DataFrame({"low": [56.0], "central": [80.0], "high": [102.0]}, index=["Dracénie"])
    assert len(charts.needs_with_range(needs).axes) == 1


def test_charts_front_of() -> None:
    points = pd.DataFrame({"x": [1.0, 2.0, 3.0], "y": [9.0, 9.5, 4.0]})
    assert charts.front_of(points).index.tolist() == [0, 2]


def test_charts_trade_off() -> None:
    points = pd.DataFrame({"x": [30.0, 32.0], "y": [900.0, 700.0], "name": ["Aups", "Le Muy"]})
    assert charts.trade_off(points, x_label="min", y_label="personnes")[1]["name"].tolist() == [
        "Aups",
        "Le Muy",
    ]


def test_views_times_view(result: StudyResult) -> None:
    view = views.times_view(Situation.of(result.baseline), "ime-salernes", label="IME")
    assert (view.title, view.texts["83050"][:2]) == ("Temps de route vers : IME (minutes)", "31")


def test_views_changes_view(result: StudyResult) -> None:
    assert (
        views.changes_view(Effects.of(result.comparisons["B"]), "ime-salernes", label="IME").keys["83121"]
        == "loss2"
    )


def test_views_deserts_view() -> None:
    access = pd.DataFrame({"time_min": [12.0, 50.0]}, index=["A", "B"])
    view = views.deserts_view(
        classify(access, criteria=[Criterion("camsp", "time_min", 45.0, "above", "min")])
    )
    assert view.texts["B"] == "1 critère sur 1 : camsp"


def test_views_legend_html() -> None:
    view = views.View("Temps < 1 h", pd.Series(dtype=str), (), pd.Series(dtype=str))
    assert "Temps &lt; 1 h" in views.legend_html(view)


def test_categories_time_classes() -> None:
    assert legend.time_classes(
        pd.Series([10.0, 15.0, 16.0, float("nan")]), breaks=[15, 30]
    ).keys.tolist() == ["class0", "class0", "class1", "unknown"]


def test_categories_change_classes() -> None:
    assert legend.change_classes(
        pd.Series([-25.0, 4.0]), pd.Series(["gain", "indistinct"])
    ).keys.tolist() == ["gain2", "indistinct"]


def test_categories_numbers_from() -> None:
    assert legend.numbers_from(pd.Series([27.4, float("nan")])).tolist() == ["27", ""]


def test_categories_shown() -> None:
    classes = legend.time_classes(pd.Series([10.0]), breaks=[15])
    assert [category.key for category in legend.shown(classes.legend, classes.keys)] == [
        "class0",
        "class1",
    ]


def test_choropleth_draw_map() -> None:
    areas = load_var().outlines
    classes = time_classes(pd.Series(20.0, index=areas.index))
    figure = choropleth.draw_map(choropleth.Panel(areas, classes.keys), Legend(classes.legend, "Temps"))
    assert len(figure.axes) == 2


def test_doubt_doubt_classes() -> None:
    rows = pd.DataFrame({"status": ["en désert", "hors désert"], "verdict": ["sûr", "douteux"]})
    assert show_plans.doubt_classes(rows).keys.tolist() == ["in_sure", "out_doubt"]


def test_doubt_doubt_map(result: StudyResult) -> None:
    figure = show_plans.doubt_map(result.draws, result.dataset.outlines, criterion="urgences_sans_smur")
    assert figure.get_size_inches()[0].round(1) == 6.7


def test_legend_nice_length() -> None:
    assert (legend.nice_length(23000), legend.nice_length(9900)) == (20000.0, 5000.0)


def test_placement_text_size() -> None:
    width, height = shapes.text_size("Draguignan", 8)
    assert (30 < width < 50, 7 < height < 11) == (True, True)


def test_placement_place_labels() -> None:
    labels = [shapes.Label("Aups", 50, 50, 8), shapes.Label("Salernes", 52, 51, 8)]
    placed = shapes.place_labels(labels, frame=shapes.Box(0, 0, 200, 200))
    assert not placed[0].box.overlaps(placed[1].box)


def test_shapes_dash_of() -> None:
    assert (shapes.dash_of(0), shapes.dash_of(1)) == ((), (4.0, 1.6))


def test_show_plans_show_roads() -> None:
    assert len(show_plans.show_roads(sample_network()).axes) == 1


def test_showing_a_study() -> None:
    assert len(showing.show(territory.load_study("draguignan")).axes) == 2


def test_style_contrast() -> None:
    assert round(style.contrast("#000000", "#ffffff"), 3) == 21.0


def test_style_style() -> None:
    with style.style():
        family = mpl.rcParams["font.family"]
    assert family == ["Source Sans Pro"]


def test_style_new_figure() -> None:
    assert style.new_figure(17, 10).get_size_inches().round(2).tolist() == [6.69, 3.94]


def test_style_to_svg() -> None:
    assert style.to_svg(style.new_figure(2, 2)) == style.to_svg(style.new_figure(2, 2))
