"""One call that draws results and comparisons."""

from __future__ import annotations

import re

import geopandas as gpd
import pandas as pd
import pytest

from territory.access import allocate_places
from territory.errors import ParameterError
from territory.network import estimate_travel_times, sample_network
from territory.planning import SitingResult, p_median, territorial_groups, typology
from territory.plot import show
from territory.plot.charts import needs_with_range
from territory.result import StudyResult


def texts(figure: object) -> set[str]:
    return {t.get_text() for axes in figure.axes for t in [*axes.texts, *axes.get_yticklabels()]}  # type: ignore[attr-defined]


def test_results_are_a_map_with_or_without_outlines(result: StudyResult) -> None:
    minutes = result.baseline.access["travel_time_min"]["83050", "ime-salernes"]
    for outlines in (None, result.dataset.outlines):
        assert str(round(minutes)) in texts(show(result.baseline, outlines=outlines))


def test_a_comparison_is_a_chart_of_zones(result: StudyResult) -> None:
    figure = show(result.comparisons["B"], service="ime-salernes", names={"248300493": "Dracénie"})
    assert "Dracénie" in texts(figure)


def test_what_cannot_be_drawn_is_said(result: StudyResult) -> None:
    with pytest.raises(ParameterError, match="inconnu"):
        show(result.baseline, service="rien")
    with pytest.raises(ParameterError, match="Rien à dessiner pour un objet de type int"):
        show(3)
    siting = siting_of(result)
    with pytest.raises(ParameterError, match="outlines="):
        show(siting)
    with pytest.raises(ParameterError, match="aucune commune de outlines"):
        show(siting, outlines=result.dataset.outlines.set_axis(range(153)))


def siting_of(result: StudyResult) -> SitingResult:
    communes = result.baseline.state.communes.loc[result.dataset.outlines.index]
    some = ["83050", "83061", "83069"]
    times = estimate_travel_times(communes, communes.loc[some])
    return p_median(times, communes["population"], some, p=2)


def test_a_siting_shows_its_sites_and_its_proof(result: StudyResult) -> None:
    siting = siting_of(result)
    found = texts(show(siting, outlines=result.dataset.outlines, names={siting.selected[0]: "Premier site"}))
    assert {"Premier site", "optimum prouvé", "1", "2"} <= {text.replace("\n", " ") for text in found}


def test_the_answer_to_a_siting_shows_its_site_where_it_is_by_its_name(result: StudyResult) -> None:
    answer = result.siting["plateforme-dracenie"]
    found = texts(show(answer, outlines=result.dataset.outlines))
    assert {"Draguignan", "1"} <= set(found)


def test_points_of_communes_take_the_outlines_that_are_given(result: StudyResult) -> None:
    communes = result.baseline.state.communes.loc[result.dataset.outlines.index]
    drawn = [
        show(communes, service="density_hab_km2", **given)
        for given in ({}, {"outlines": result.dataset.outlines})
    ]
    # points are one collection of marks, outlines one of shapes
    assert [len(figure.axes[0].collections[0].get_offsets()) > 1 for figure in drawn] == [True, False]


def test_a_long_name_makes_room_for_its_two_lines() -> None:
    table = pd.DataFrame({"low": 20.0, "central": 30.0, "high": 40.0}, index=["Court", "Autre"])
    heights = [
        needs_with_range(one).get_size_inches()[1] for one in (table, table.rename({"Autre": "Mot " * 12}))
    ]
    assert heights[0] < heights[1]


def test_an_allocation_shows_who_has_no_place(result: StudyResult) -> None:
    communes = result.baseline.state.communes.loc[["83050", "83061", "83069"]]
    times = estimate_travel_times(communes, communes.loc[["83050"]])
    demand = pd.Series(30.0, index=communes.index)
    allocation = allocate_places(times, demand, pd.Series({"83050": 40.0}), max_time_min=60)
    found = " ".join(texts(show(allocation, outlines=result.dataset.outlines)))
    assert "Sans place\u00a0: 50" in found


@pytest.mark.slow
def test_groups_and_types_are_drawn_each_in_its_colour(result: StudyResult) -> None:
    outlines = result.dataset.outlines
    epci = result.baseline.state.communes["epci_code"].loc[outlines.index]
    units = outlines.dissolve(epci.to_numpy())
    points = units.set_geometry(units.representative_point()).assign(area_km2=units.area / 1e6)
    times = estimate_travel_times(points, points)
    grouping = territorial_groups(units, times, pd.Series(1.0, index=units.index), min_size=4)
    assert any("G01" in text for text in texts(show(grouping, outlines=units)))
    features = result.baseline.state.communes.loc[outlines.index, ["population", "density_hab_km2"]]
    types = typology(features, n_types=2, log_columns=("population", "density_hab_km2"))
    assert any("Types de communes" in text for text in texts(show(types, outlines=outlines)))


def test_a_study_and_a_network_are_maps(result: StudyResult) -> None:
    assert any("PRISME" in text for text in texts(show(result.study)))
    figure = show(sample_network())
    assert any("exemple" in text.get_text() for text in figure.texts)
    assert {text.get_text() for text in figure.axes[0].get_legend().get_texts()} >= {"plus de 60 à 85 km/h"}
    assert any("IME de Salernes" in text for text in texts(show(result, service="ime-salernes")))


def test_every_object_says_itself_in_french_and_escaped(result: StudyResult) -> None:
    study = result.study.model_copy(update={"title": "<b>Titre</b>"})
    assert "&lt;b&gt;" in study._repr_html_()
    for obj in (result, result.baseline, result.comparisons["B"], siting_of(result), sample_network()):
        assert len(repr(obj)) < 400
        assert "<table" in obj._repr_html_()  # type: ignore[attr-defined]
    assert "Temps médian" in result.baseline._repr_html_()
    assert "trajet plus court" in result._repr_html_()
    # by itself or in the card of the study: names, and no code of the file
    for card in (result, result.comparisons["B"]):
        assert ">IME de Salernes<" in card._repr_html_()
        assert not re.search("ime-salernes|rp2021", card._repr_html_())


def test_ordered_texts_are_drawn_in_their_order() -> None:
    classes = ["proche", "plus loin", "très loin"]
    points = gpd.GeoDataFrame(geometry=gpd.points_from_xy(range(4), [0] * 4), crs=2154)
    points["temps"] = pd.cut([20.0, 20.0, 5.0, 50.0], [0, 15, 30, 90], labels=classes)
    found = [t.get_text() for axes in show(points).figure.axes for t in axes.texts]
    assert [text for text in found if text in classes] == classes
