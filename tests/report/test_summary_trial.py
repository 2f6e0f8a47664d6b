"""What the summary page computes: the same numbers as the library, at every digit printed."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from territory import load_study, run_study
from territory.release.shown import MOST_COMMUNES, trial_data, why_no_trial
from territory.report.documents.summary_page import summary_html
from territory.result import StudyResult
from territory.scenario import apply
from territory.scenario.doubt.random_errors import doubt_of
from territory.scenario.trial import Trial
from territory.study.words.changes import OpenBranch
from territory.study.words.indicators import Uncertainty
from territory.study.words.scenario import Scenario
from tests import embedded, vallon
from tests.report.test_summary_browser import opened
from tests.report.trials import BY_THE_PAGE, asked_at_random, by_the_library, limited
from tests.report.worlds import few, observed, rebuilt, small, world

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

DRAWS = 60
HELD = (
    "({ services: territory.given.services.map(one => ({ id: one.id, sites: one.sites })), "
    "codes: territory.given.codes })"
)


def drawn(result: StudyResult, draws: int = DRAWS) -> StudyResult:
    """The same study drawn within its doubt."""
    study = result.study.model_copy(update={"uncertainty": Uncertainty(draws=draws)})
    return dataclasses.replace(result, study=study)


def with_sector(result: StudyResult) -> StudyResult:
    """The same study, the CMPP being alone to serve one EPCI and a commune."""
    parameters = result.baseline.state.parameters
    named = tuple(
        one.model_copy(update={"sector": (vallon.FOCUS, vallon.UPPER)}) if one.id == vallon.CMPP else one
        for one in parameters.authorisations
    )
    return rebuilt(result, parameters=dataclasses.replace(parameters, authorisations=named))


def with_branch(result: StudyResult) -> StudyResult:
    """The same study, the IME having two sites already."""
    change = OpenBranch(authorisation_id=vallon.IME, site_id="plateforme")
    state = apply(result.baseline.state, Scenario(id="X", name="X", change=(change,)))
    return rebuilt(result, scenarios=(), services=state.services)


# the pages of worlds that several tests open
_pages: dict[int, tuple[StudyResult, str]] = {}


def written(folder: Path, result: StudyResult) -> Path:
    path = folder / "resume.html"
    if id(result) not in _pages:
        _pages[id(result)] = result, summary_html(result)
    path.write_text(_pages[id(result)][1], encoding="utf-8")
    return path


def page_of(browser: Browser, folder: Path, result: StudyResult, **size: int) -> tuple[Page, list[str]]:
    return opened(browser, written(folder, result), **size)


def differences(page: Page, result: StudyResult, count: int, seed: int) -> Iterator[Any]:
    """Try at random on both sides, and give what is not the same."""
    held, rng = page.evaluate(HELD), np.random.default_rng(seed)
    doubt = doubt_of(result.baseline.state, seed=result.study.seed, options=result.study.uncertainty)
    doubt_or_none = doubt if doubt.draws else None
    trials = {limit: Trial(limited(result, limit).baseline) for limit in (15, 30, 45, 60)}
    compared = 0
    while compared < count:
        asked = asked_at_random(rng, held["services"], len(held["codes"]))
        service = held["services"][asked["service"]]["id"]
        code = "" if asked["commune"] is None else held["codes"][asked["commune"]]
        expected = by_the_library(result, trials[asked["limit"]], doubt_or_none, service, asked, code)
        if expected["rows"] is None:
            continue
        found = page.evaluate(BY_THE_PAGE, asked)
        compared += 1
        if found != expected:
            yield (
                asked,
                [pair for pair in zip(expected["rows"], found["rows"], strict=False) if pair[0] != pair[1]],
            )


@pytest.mark.parametrize(
    "change",
    [
        drawn,
        pytest.param(lambda result: drawn(with_sector(result)), marks=pytest.mark.slow),
        pytest.param(lambda result: result, marks=pytest.mark.slow),
    ],
)
def test_a_few_trials_of_the_page_are_those_of_the_library(
    browser: Browser,
    tmp_path: Path,
    change: Any,
) -> None:
    result = change(small())
    page, troubles = page_of(browser, tmp_path, result)
    assert list(differences(page, result, 6, seed=5)) == []
    assert troubles == []


@pytest.mark.slow
def test_a_thousand_trials_of_the_page_are_those_of_the_library(browser: Browser, tmp_path: Path) -> None:
    result = embedded.lent("draguignan")
    page, troubles = page_of(browser, tmp_path, result)
    assert list(differences(page, result, 1_000, seed=20261129)) == []
    assert troubles == []


def test_the_panel_says_what_the_page_and_the_report_say(browser: Browser, tmp_path: Path) -> None:
    pytest.importorskip("ipyleaflet", reason="the extra « notebooks » is not installed")
    from territory.plot import explore

    result = drawn(small())
    page, troubles = page_of(browser, tmp_path, result)
    held = page.evaluate(HELD)
    number = next(i for i, one in enumerate(held["services"]) if one["id"] == vallon.IME)
    asked = {"service": number, "act": "move", "commune": held["codes"].index(vallon.UPPER)}
    asked |= {"site": None, "limit": 45, "places": None}
    panel = explore(result, service=vallon.IME).panel
    assert panel is not None
    panel.commune.value = vallon.UPPER
    said = dict(re.findall(r"data-effect='persons_(\w+)'>(.*?)</b>", panel.numbers.value))
    effects = page.evaluate("asked => territory.zoneRows(territory.tryOut(asked)).effects", asked)
    row = page.evaluate(BY_THE_PAGE, asked)["rows"][-1]
    assert {effect: said[effect] for effect in effects} == dict(zip(effects, row[1:], strict=False))
    assert any(" à " in text for text in said.values())
    # the mean of today and of the trial, marked alike where no difference can be seen
    means = re.findall(r">Temps moyen</td>.*?>([^<]+)</td>.*?<b>([^<]+)</b>", panel.numbers.value)[0]
    minutes = [re.sub(r"\D", "", text) for text in means]
    assert minutes == [re.sub(r"\D", "", text) for text in row[-2].split("→")]
    assert means[1].endswith("≈") is row[-2].endswith("≈")
    doubt = doubt_of(result.baseline.state, seed=result.study.seed, options=result.study.uncertainty)
    trial = Trial(result.baseline)
    expected = by_the_library(result, trial, doubt, vallon.IME, asked, vallon.UPPER)
    assert row == expected["rows"][-1]
    assert troubles == []


@pytest.mark.slow
def test_one_of_two_sites_closes(browser: Browser, tmp_path: Path) -> None:
    from territory.scenario import compare, compute
    from territory.study.words.changes import CloseSite

    result = with_branch(small())
    page, _ = page_of(browser, tmp_path, result)
    held = page.evaluate(HELD)
    number = next(i for i, one in enumerate(held["services"]) if one["id"] == vallon.IME)
    asked = {
        "service": number,
        "act": "close",
        "commune": None,
        "site": "plateforme",
        "limit": 45,
        "places": None,
    }
    found = page.evaluate(BY_THE_PAGE, asked)["communes"]
    change = CloseSite(authorisation_id=vallon.IME, site_id="plateforme")
    later = compute(apply(result.baseline.state, Scenario(id="C", name="C", change=(change,))))
    rows = compare(result.baseline, later).communes.xs(vallon.IME, level="service").sort_index()
    assert [row[-1].rstrip("012") for row in found] == rows["effect"].tolist()
    assert "loss" in set(rows["effect"])


@pytest.mark.slow
def test_numbers_drawn_are_those_of_numpy(browser: Browser, tmp_path: Path) -> None:
    # the page keeps the numbers of each stream that it has drawn
    result = drawn(small())
    page, _ = page_of(browser, tmp_path, result)
    page.evaluate(
        "territory.tryOut({ service: 0, act: 'move', commune: 3, site: null, limit: 45, places: null })"
    )
    of_communes = page.evaluate("Array.from(territory.given.drawn.get('0 '))")
    doubt = doubt_of(result.baseline.state, seed=result.study.seed, options=result.study.uncertainty)
    assert np.allclose(of_communes, doubt.of_communes().ravel(), rtol=0, atol=1e-13)


@pytest.mark.slow
def test_a_link_and_a_study_file_say_the_trial_again(browser: Browser, tmp_path: Path) -> None:
    path = written(vallon.copied(tmp_path / "etude").parent, drawn(small()))
    page, troubles = opened(browser, path)
    page.locator("#t-service").select_option(label="CMPP de Vallon")
    page.locator("#t-act").select_option("branch")
    page.locator("#t-commune").select_option(label="Hautbourg")
    said = page.locator("#t-said").inner_text()
    assert "une antenne à Hautbourg" in said
    address = page.url
    assert "essai=branch&service=cmpp-vallon&lieu=" in address
    with page.expect_download() as got:
        page.locator("#t-save").click()
    name = got.value.suggested_filename
    got.value.save_as(path.parent / name)
    again, _ = opened(browser, path)
    again.goto(address)
    again.reload()
    assert again.locator("#t-said").inner_text() == said
    study = load_study(path.parent / name)
    assert [one.id for one in study.scenario][-1] == "essai"
    assert study.scenario[-1].change[0].type == "open_branch"  # type: ignore[union-attr]
    assert troubles == []
    # what a run of the file says is what the page said
    drawn_study = study.model_copy(update={"uncertainty": Uncertainty(draws=DRAWS)})
    released = dataclasses.replace(run_study(path.parent / name), study=drawn_study)
    table = summary_rows(released, "essai", "cmpp-vallon")
    page_rows = page.locator("#t-epci tbody tr").all()
    assert [row.locator("th, td").all_inner_texts() for row in page_rows] == table


def summary_rows(result: StudyResult, scenario: str, service: str) -> list[list[str]]:
    """The table by EPCI of a report."""
    from territory.french.words import typeset
    from territory.report.chapters.moves import effects_table, ordered_zones
    from territory.report.reading import read

    reading = read(result)
    move = next(one for one in reading.moves(scenario) if service in one.services)
    rows = effects_table(reading, move, ordered_zones(reading, move)).rows
    return [[typeset(str(cell)) for cell in row] for row in rows]


def test_a_link_whose_state_is_gone_says_so(browser: Browser, tmp_path: Path) -> None:
    path = written(tmp_path, small())
    page, troubles = opened(browser, path)
    page.goto(f"{path.as_uri()}#essai=move&service=disparu&lieu=99999&commune=00000")
    page.reload()
    said = page.locator("#t-said").inner_text()
    assert all(words in said for words in ("disparu", "99999", "n’est pas repris"))
    assert page.locator("#trial-tables").is_hidden()
    assert troubles == []


def test_storage_that_is_refused_changes_nothing(browser: Browser, tmp_path: Path) -> None:
    path = written(tmp_path, small())
    context = browser.new_context(offline=True)
    refused = "Object.defineProperty(window, 'localStorage', { get() { throw new Error('refused'); } });"
    context.add_init_script(refused + "history.replaceState = () => { throw new Error('refused'); };")
    page, troubles = context.new_page(), []
    page.on("pageerror", lambda error: troubles.append(str(error)))
    page.goto(path.as_uri())
    page.locator("#t-commune").select_option(label="Hautbourg")
    assert "Hautbourg" in page.locator("#t-said").inner_text()
    assert troubles == []


@pytest.mark.slow
def test_worlds_that_differ_in_observed_children_alone_give_the_same_trial() -> None:
    held = [
        json.dumps(trial_data(observed(small(), counts)))
        for counts in ({"03901": 31}, {"03902": 4, "03906": 57})
    ]
    assert held[0] == held[1]
    assert vallon.IME not in [one["id"] for one in json.loads(held[0])["services"]]


def test_the_counts_of_a_study_file_are_not_in_its_page() -> None:
    page = summary_html(world("usual"))
    study = json.loads(re.search(r'id="data">(.*?)</script>', page, re.S)[1])["trial"]["study"]  # type: ignore[index]
    assert "waiting" not in study
    assert all("children_accompanied" not in one for one in study["building"])


def test_a_study_too_large_or_by_road_has_no_trial_and_says_why(browser: Browser, tmp_path: Path) -> None:
    by_road = dataclasses.replace(small(), times_method="roads")
    assert "carte routière" in why_no_trial(by_road)
    page, troubles = page_of(browser, tmp_path, by_road)
    assert page.locator("#trial").count() == 0
    assert "Aucun essai dans cette page" in page.locator("main").inner_text()
    page.locator("#commune").select_option(index=1)
    assert troubles == []
    state = small().baseline.state
    many = state.communes.iloc[np.arange(MOST_COMMUNES * 2) % len(state.communes)]
    large = dataclasses.replace(small().baseline, state=dataclasses.replace(state, communes=many))
    assert "communes, plus de" in why_no_trial(dataclasses.replace(small(), baseline=large))


@pytest.mark.parametrize(
    "name",
    few(
        "all_unknown",
        among=["without_scenario", "without_outlines", "one_commune", "nobody_near", "all_unknown"],
    ),
)
def test_a_poor_study_can_be_tried(browser: Browser, tmp_path: Path, name: str) -> None:
    page, troubles = page_of(browser, tmp_path, world(name))
    page.locator("#t-commune").select_option(index=1)
    assert page.locator("#t-said").inner_text().startswith("Essai : ")
    assert not re.search(r"NaN|undefined|null", page.locator("main").inner_text())
    assert troubles == []


@pytest.mark.slow
def test_dots_of_communes_are_seen_and_columns_without_anything_are_not(
    browser: Browser, tmp_path: Path
) -> None:
    page, troubles = page_of(browser, tmp_path, world("without_outlines"), width=375)
    box = page.locator(".commune").first.bounding_box()
    assert box
    assert box["width"] > 10
    assert page.locator("#communes td:nth-child(7)").first.is_visible()
    page, more = page_of(browser, tmp_path, world("without_scenario"))
    assert page.locator("#communes td:nth-child(4)").first.is_visible()
    assert not page.locator("#communes td:nth-child(5)").first.is_visible()
    page.locator("#t-commune").select_option(label="Hautbourg")
    assert page.locator("#communes td:nth-child(5)").first.is_visible()
    assert troubles + more == []


def test_downloads_of_a_trial(browser: Browser, tmp_path: Path) -> None:
    page, troubles = page_of(browser, tmp_path, small())
    page.locator("#t-commune").select_option(label="Hautbourg")
    got = {}
    for kind in ("png", "svg", "csv"):
        with page.expect_download() as waited:
            page.locator(f"#{kind}").click()
        got[kind] = tmp_path / f"got.{kind}"
        waited.value.save_as(got[kind])
    assert got["png"].read_bytes().startswith(b"\x89PNG")
    assert len(got["png"].read_bytes()) > 20_000
    drawing = got["svg"].read_text("utf-8")
    assert all(part in drawing for part in ("<path", "Essai"))
    lines = got["csv"].read_text("utf-8-sig").splitlines()
    assert lines[0].startswith("Commune;EPCI;Habitants")
    assert len(lines) == 16
    assert troubles == []


@pytest.mark.slow
def test_the_page_of_the_var_is_light_and_quick(browser: Browser, tmp_path: Path) -> None:
    path = written(tmp_path, embedded.lent("draguignan"))
    assert path.stat().st_size < 2_000_000
    page, _ = opened(browser, path)
    opening = page.evaluate("performance.getEntriesByType('navigation')[0].loadEventEnd")
    took = page.evaluate(
        "() => { const box = document.getElementById('t-commune'), took = []; for (let i = 1; i < 31; i++) {"
        "box.selectedIndex = i * 4; const start = performance.now(); box.dispatchEvent(new Event('change'));"
        "took.push(performance.now() - start); } return took.sort((a, b) => a - b); }"
    )
    # the targets are 1 s and 100 ms on a core of its own; a machine that is shared is given three times as much
    assert opening < 3_000
    assert took[len(took) // 2] < 300
