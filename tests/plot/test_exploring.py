"""The interactive map: what it shows, what the panel does, and that it asks nothing of the outside."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pytest
import shapely

import territory
from territory.access.deserts import Criterion, classify
from territory.errors import MissingExtraError, ParameterError
from territory.plot import explore
from territory.plot.style import UNKNOWN_COLOR
from territory.release.shown import Effects, Situation
from territory.result import StudyResult
from territory.study import load_study

pytest.importorskip("ipyleaflet", reason="the extra « notebooks » is not installed")

from territory.plot.interactive.exploration import NOW, TRIED, Exploration
from territory.plot.interactive.views import changes_view, legend_html, times_view


@pytest.fixture
def map_(result: StudyResult) -> Exploration:
    return explore(result, service="ime-salernes")


def colors(exploration: Exploration) -> dict[str, str]:
    features = exploration.map.communes.data["features"]
    return {feature["id"]: feature["properties"]["style"]["fillColor"] for feature in features}


def test_every_view_colours_each_commune_as_its_legend_says(map_: Exploration, result: StudyResult) -> None:
    assert map_.shown.value == NOW
    before = colors(map_)
    assert list(before) == list(result.dataset.outlines.index)
    for name in map_.shown.options:
        map_.shown.value = name
        known = {category.key: category.color for category in map_.map.view.legend}
        for code, color in colors(map_).items():
            assert known.get(map_.map.view.keys.get(code), UNKNOWN_COLOR) == color
        assert any(word in map_.legend.value for word in ("min", "Critères", "ne déplace pas"))
    assert colors(map_) != before


def test_the_first_trial_is_at_the_site_that_the_study_declares(map_: Exploration) -> None:
    assert map_.panel is not None
    assert map_.panel.commune.value == "83050"
    assert "Draguignan" in map_.panel.numbers.value


def test_choosing_a_commune_recolours_the_map_and_moves_the_marker(map_: Exploration) -> None:
    panel = map_.panel
    assert panel is not None
    numbers, place, before = panel.numbers.value, map_.marker.location, colors(map_)
    panel.commune.value = "83061"
    assert panel.numbers.value != numbers
    assert list(map_.marker.location) != list(place)
    assert map_.shown.value == TRIED
    after = colors(map_)
    assert after != before
    panel.commune.value = "83069"
    assert colors(map_) != after


@pytest.mark.slow
def test_dragging_the_marker_is_a_point_on_the_map(map_: Exploration) -> None:
    panel = map_.panel
    assert panel is not None
    map_.marker.location = (43.41, 6.05)
    assert panel.commune.value is None
    assert panel.outcome.site.longitude == 6.05
    panel.service.value = "cmpp-draguignan"
    assert "CMPP" in map_.legend.value
    assert panel.outcome.site.longitude == 6.05
    panel.commune.value = "83050"
    assert panel.outcome.site.longitude is None


@pytest.mark.parametrize(
    "text, said",
    [
        ("1 200,5", None),
        ("beaucoup", "beaucoup"),
        *(pytest.param(*case, marks=pytest.mark.slow) for case in (("24", None), ("-3", "-3"))),
    ],
)
def test_places_are_numbers(map_: Exploration, text: str, said: str | None) -> None:
    panel = map_.panel
    assert panel is not None
    panel.places.value = text
    if said is None:
        assert panel.outcome.capacity_per_1000[1] > 0
    else:
        assert "n&#x27;est pas un nombre de places" in panel.numbers.value
        assert panel.outcome is None
        assert "pas pu être calculé" in map_.legend.value


def test_a_scenario_is_kept_and_reads_back(
    map_: Exploration, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    panel = map_.panel
    assert panel is not None
    panel.commune.value = "83061"
    panel.scenario_name.value = 'Au "Luc" <b>'
    panel.save.click()
    study = load_study("draguignan-essai.toml")
    assert study.scenario[-1].name == 'Au "Luc" <b>'
    assert study.site[-1].commune_code == "83061"
    before = Path("draguignan-essai.toml").read_bytes()
    panel.save.click()
    assert "n&#x27;est pas remplacé" in panel.said.value
    panel.scenario_id.value = "pas bon"
    panel.save.click()
    assert "identifiant" in panel.said.value
    assert Path("draguignan-essai.toml").read_bytes() == before


def test_nothing_comes_from_outside_without_tiles(map_: Exploration, result: StudyResult) -> None:
    kinds = [type(layer).__name__ for layer in map_.map.widget.layers]
    assert "TileLayer" not in kinds
    said = map_.legend.value + map_.panel.numbers.value + json.dumps(map_.map.communes.data)  # type: ignore[union-attr]
    assert "http" not in said
    tiled = explore(result.baseline, tiles="https://example.org/{z}/{x}/{y}.png")
    assert "TileLayer" in [type(layer).__name__ for layer in tiled.map.widget.layers]


def test_words_under_the_mouse_are_escaped() -> None:
    square = shapely.box(0, 0, 1000, 1000)
    areas = gpd.GeoDataFrame({"name": ["<script>"]}, index=["01001"], geometry=[square], crs=2154)
    isochrones = gpd.GeoDataFrame({"minutes": [15]}, geometry=[square], crs=2154)
    found = explore(isochrones, communes=areas)
    found.map._say_commune({"id": "01001"})
    assert "&lt;script&gt;" in found.map.info.value
    assert "Isochrone 15 min" in found.legend.value


@pytest.mark.slow
def test_results_comparisons_sitings_and_deserts_have_their_map(result: StudyResult) -> None:
    outlines, communes = result.dataset.outlines, result.baseline.state.communes
    assert "Temps" in repr(explore(result.baseline, outlines=outlines, service="hopital"))
    compared = explore(result.comparisons["B"], outlines=outlines, communes=communes, service="ime-salernes")
    assert "ime-salernes" in repr(compared)
    access = pd.DataFrame({"time_min": 50.0}, index=communes.index)
    deserts = classify(access, criteria=[Criterion("camsp", "time_min", 45.0, "above", "min")])
    found = explore(result.baseline, outlines=outlines, deserts=deserts)
    found.shown.value = "Critères de désert"
    assert found.map.view.texts["83050"] == "1 critère sur 1 : camsp"
    times = territory.network.estimate_travel_times(communes.loc[["83050", "83061"]], communes.loc[["83061"]])
    demand = pd.Series({"83050": 10.0, "83061": 10.0})
    siting = territory.planning.set_cover(times, demand, ["83061"], max_time_min=90)
    assert "site" in repr(explore(siting, outlines=outlines, communes=communes))


@pytest.mark.slow
def test_a_page_without_widgets_gets_a_picture(map_: Exploration) -> None:
    bundle = map_._repr_mimebundle_()
    data = bundle[0] if isinstance(bundle, tuple) else bundle
    assert data["image/png"].startswith(b"\x89PNG")
    assert "application/vnd.jupyter.widget-view+json" in data


def test_what_cannot_be_explored_is_said(result: StudyResult, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ParameterError, match="Rien à explorer"):
        explore(3)
    with pytest.raises(ParameterError, match="communes="):
        explore(result.comparisons["B"])
    with pytest.raises(ParameterError, match="Service inconnu"):
        explore(result.baseline, service="rien")
    with pytest.raises(ParameterError, match="ne déplace pas"):
        changes_view(Effects.of(result.comparisons["A"]), "ime-salernes", label="IME")
    assert "&lt;" in legend_html(times_view(Situation.of(result.baseline), "hopital", label="<hôpital>"))
    monkeypatch.setitem(sys.modules, "ipyleaflet", None)
    for name in ("territory.plot.interactive.exploration", "territory.plot.interactive.leaflet_map"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.delattr(territory.plot.interactive, "exploration", raising=False)
    with pytest.raises(MissingExtraError, match="notebooks"):
        explore(result)
