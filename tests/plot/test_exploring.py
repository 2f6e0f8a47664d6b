"""The interactive map: what it shows, what the panel does, and that it asks nothing of the outside."""

from __future__ import annotations

import dataclasses
import html
import io
import json
import subprocess
import sys
import time
import webbrowser
from pathlib import Path
from typing import Any

import geopandas as gpd
import matplotlib.image as mpimg
import numpy as np
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
from tests import vallon

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


@pytest.mark.slow
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


@pytest.mark.slow
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
    assert Path("draguignan-essai.toml").read_bytes() == before
    panel.commune.value = "83069"
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
def test_the_picture_of_isochrones_shows_them() -> None:
    square = shapely.box(0, 0, 1000, 1000)
    small = gpd.GeoDataFrame(
        {"minutes": [5.0, 15.0]}, geometry=[square.centroid.buffer(200), square], crs=2154
    )
    for communes in (None, gpd.GeoDataFrame({"name": ["Ici"]}, index=["01001"], geometry=[square], crs=2154)):
        one, both = (explore(rows, communes=communes).picture() for rows in (small.iloc[1:], small))
        assert one != both
        pixels = mpimg.imread(io.BytesIO(both))
        # a blank map has the greys of unknown communes alone
        assert len(np.unique(pixels.reshape(-1, pixels.shape[2]), axis=0)) > 50


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


@pytest.fixture
def valley(made_up: StudyResult) -> Exploration:
    return explore(made_up, service=vallon.IME)


def test_the_panel_does_what_a_study_file_can(valley: Exploration) -> None:
    panel = valley.panel
    assert panel is not None
    panel.commune.value = vallon.UPPER
    seen = {}
    for _, act in panel.act.options:
        panel.places.value = "5" if act in ("branch", "open", "places") else ""
        panel.act.value = act
        assert panel.outcome is not None, panel.numbers.value
        seen[act] = panel.numbers.value
        # a closure, and another number of places, have no place on the map
        assert valley.marker.visible is (act in ("move", "branch", "open"))
        assert (panel.commune.layout.display == "none") is (act in ("close", "places"))
        assert panel.numbers.layout.display is None
    assert len(set(seen.values())) == len(seen)
    assert "sans ce service" in seen["close"]
    assert "sans ce service" not in seen["move"]
    assert "Aucun trajet ne change" in seen["places"]
    panel.places.value = ""
    assert "Écrivez le nombre de places" in panel.numbers.value
    valley.marker.location = (43.9, 5.9)
    assert panel.act.value == "move"


def test_what_is_under_the_mouse_follows_the_trial(valley: Exploration) -> None:
    panel = valley.panel
    assert panel is not None
    panel.commune.value = vallon.UPPER
    valley.map._say_commune({"id": vallon.TOWN})
    before = valley.map.info.value
    panel.commune.value = vallon.PORT
    assert valley.map.info.value != before
    assert valley.map.view.texts[vallon.TOWN] in valley.map.info.value


def test_several_changes_are_one_scenario_of_a_study_found_where_it_is(
    made_up: StudyResult, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = vallon.copied(tmp_path / "étude", name="sous un autre nom.toml")
    study = load_study(path)
    result = dataclasses.replace(made_up, study=study)
    panel = explore(result, service=vallon.IME).panel
    assert panel is not None
    # where the study is, not where the notebook is
    assert Path(panel.file.value) == path
    panel.commune.value = vallon.UPPER
    panel.more.click()
    assert "Avec" in panel.kept.value
    assert panel.service.value != vallon.IME
    panel.act.value = "branch"
    panel.places.value = "3"
    panel.save.click()
    kept = load_study(path).scenario[-1]
    assert [change.type for change in kept.change] == ["move_site", "open_branch"]
    assert f'territory run "{path.as_posix()}"' in html.unescape(panel.said.value)
    asked: list[Any] = []

    def run(command: list[str], **_: Any) -> subprocess.CompletedProcess[str]:
        asked.append(command)
        made = path.parent / "reports" / "vallon" / "rapport.pdf"
        made.parent.mkdir(parents=True, exist_ok=True)
        made.write_bytes(b"%PDF")
        return subprocess.CompletedProcess(command, len(asked) - 1, "", "panne")

    opened: list[str] = []
    monkeypatch.setattr(subprocess, "run", run)
    monkeypatch.setattr(webbrowser, "open", opened.append)
    for said in ("Rapport", "panne"):
        panel.run.click()
        panel.job.join()
        assert said in panel.said.value
    assert asked[0][-4:] == ["run", str(path), "--out", str(path.parent)]
    # what was saved is not saved twice
    assert len(load_study(path).scenario) == len(study.scenario) + 1
    assert opened == [(path.parent / "reports" / "vallon" / "rapport.pdf").as_uri()]
    panel.clear.click()
    assert panel.steps == []
    assert panel.kept.value == ""
    # a second scenario at the same place shares its site
    panel.scenario_id.value, panel.file.value = "deux", str(path.parent / "copie.toml")
    panel.save.click()
    assert load_study(path.parent / "copie.toml").scenario[-1].id == "deux", panel.said.value


@pytest.mark.slow
def test_a_move_is_answered_at_once(valley: Exploration) -> None:
    panel = valley.panel
    assert panel is not None
    seconds = []
    for code in [vallon.PORT, vallon.UPPER] * 4:
        start = time.process_time()
        panel.commune.value = code
        seconds.append(time.process_time() - start)
    # the fastest: another process on the same core makes any of them slow
    assert min(seconds) < 0.6
