"""The summary page in a real browser: without network, by keyboard alone, and at 400 % zoom."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pikepdf
import pytest

from territory.report.documents.summary_page import summary_html
from tests.report.worlds import world

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

# of the npm registry, for this test alone: nothing of it is shipped
AXE = Path(os.environ.get("TERRITORY_AXE", "node_modules/axe-core/axe.min.js"))


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("page") / "resume.html"
    path.write_text(summary_html(world("usual")), encoding="utf-8")
    return path


def opened(browser: Browser, path: Path, width: int = 1280, height: int = 900) -> tuple[Page, list[str]]:
    """Open a page without network; everything that it complains of or asks for is a trouble."""
    context = browser.new_context(offline=True, viewport={"width": width, "height": height})
    page, troubles = context.new_page(), []
    page.on("console", lambda message: troubles.append(message.text))
    page.on("pageerror", lambda error: troubles.append(str(error)))
    page.on(
        "request", lambda asked: troubles.append(asked.url) if not asked.url.startswith("file:") else None
    )
    page.goto(path.as_uri())
    return page, troubles


def test_nothing_is_asked_and_nothing_fails(browser: Browser, place: Path) -> None:
    page, troubles = opened(browser, place)
    assert page.locator(".commune").count() == 15
    assert page.locator("#legend li").count() >= 3
    assert page.locator("#communes tbody tr").count() == 15
    assert troubles == []


@pytest.mark.slow
def test_hover_and_click_say_the_numbers_of_a_commune(browser: Browser, place: Path) -> None:
    page, troubles = opened(browser, place)
    town = page.locator("#commune option", has_text="Vallon-sur-Ombre").get_attribute("value")
    page.locator(f'.commune[data-i="{town}"]').hover()
    assert "Vallon-sur-Ombre" in page.locator("#tip").inner_text()
    page.locator(f'.commune[data-i="{town}"]').click()
    assert "moins" in page.locator("#details").inner_text()
    assert page.locator("#communes tr.chosen th").inner_text() == "Vallon-sur-Ombre"
    assert troubles == []


@pytest.mark.slow
def test_everything_by_keyboard_alone(browser: Browser, place: Path) -> None:
    page, troubles = opened(browser, place)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    seen = []
    for _ in range(24):
        page.keyboard.press("Tab")
        seen.append(page.evaluate("document.activeElement.id"))
    wanted = ["t-service", "t-act", "t-commune", "layer", "epci", "commune", "in", "map", "filter"]
    # the first time that each is reached: after the last one, Tab begins again
    assert [name for name in dict.fromkeys(seen) if name in wanted] == wanted
    view = "document.getElementById('map').getAttribute('viewBox')"
    before = page.evaluate(view)
    page.locator("#map").focus()
    page.keyboard.press("+")
    zoomed = page.evaluate(view)
    assert float(zoomed.split()[2]) < float(before.split()[2])
    page.keyboard.press("ArrowRight")
    assert page.evaluate(view) != zoomed
    page.keyboard.press("0")
    assert page.evaluate(view) == before
    page.locator("#in").press("Enter")
    assert page.evaluate(view) != before
    page.locator("#commune").select_option(label="Hautbourg")
    assert "plus" in page.locator("#details").inner_text()
    last = page.locator("#layer option").count() - 1
    page.locator("#layer").select_option(index=last)
    assert "temps" in page.locator("#map-title").evaluate("node => node.textContent").lower()
    assert troubles == []


@pytest.mark.slow
def test_the_table_sorts_both_ways_and_unknown_comes_last(browser: Browser, place: Path) -> None:
    page, troubles = opened(browser, place)
    head = page.locator("#communes thead th").nth(2)
    head.locator("button").press("Enter")
    assert head.get_attribute("aria-sort") == "ascending"
    names = page.locator("#communes tbody th").all_inner_texts()
    head.locator("button").press("Enter")
    assert head.get_attribute("aria-sort") == "descending"
    assert page.locator("#communes tbody th").first.inner_text() == "Vallon-sur-Ombre"
    assert page.locator("#communes tbody th").all_inner_texts() == names[::-1]
    page.locator("#communes thead th").nth(0).locator("button").press("Enter")
    first = page.locator("#communes tbody th").first.inner_text()
    assert first == "Bellerive-le-Château"
    page.locator("#filter").fill("chateau")
    shown = [row for row in page.locator("#communes tbody tr").all() if row.is_visible()]
    assert len(shown) == 1
    assert "commune trouvée" in page.locator("#status").inner_text()
    assert troubles == []


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(browser: Browser, place: Path, scheme: str) -> None:
    if not AXE.is_file():
        pytest.skip("axe-core is not there (npm install --no-save axe-core, or TERRITORY_AXE)")
    context = browser.new_context(offline=True, color_scheme=scheme)
    page = context.new_page()
    page.goto(place.as_uri())
    page.locator("#t-commune").select_option(label="Hautbourg")
    page.locator("details summary").click()
    page.evaluate(AXE.read_text("utf-8"))
    found = page.evaluate("axe.run(document, { resultTypes: ['violations'] })")
    assert [(one["id"], [node["target"] for node in one["nodes"]]) for one in found["violations"]] == []


@pytest.mark.slow
def test_map_and_table_follow_one_another(browser: Browser, place: Path) -> None:
    page, troubles = opened(browser, place)
    page.locator("#communes tbody button", has_text="Hautbourg").click()
    assert page.locator("#commune").evaluate("node => node.selectedOptions[0].text") == "Hautbourg"
    assert page.locator(".commune.chosen").count() == 1
    assert "commune=" in page.url
    page.locator("#epci").select_option(index=1)
    assert page.locator(".commune.faded").count() > 0
    shown = [row for row in page.locator("#communes tbody tr").all() if row.is_visible()]
    assert 0 < len(shown) < 15
    page.locator("#epci").select_option(index=0)
    page.locator("#here").click()
    assert "Hautbourg" in page.locator("#t-said").inner_text()
    assert troubles == []


@pytest.mark.slow
def test_the_tried_place_is_dragged_and_two_fingers_zoom(browser: Browser, place: Path) -> None:
    page, troubles = opened(browser, place)
    page.locator("#t-commune").select_option(label="Hautbourg")
    mark = page.locator(".site.tried circle").bounding_box()
    page.locator("#commune").select_option(label="Vallon-sur-Ombre")
    page.locator("#reset").click()
    target = page.locator(".commune.chosen").bounding_box()
    assert mark
    assert target
    mark = page.locator(".site.tried circle").bounding_box()
    assert mark
    page.mouse.move(mark["x"] + mark["width"] / 2, mark["y"] + mark["height"] / 2)
    page.mouse.down()
    page.mouse.move(target["x"] + target["width"] / 2, target["y"] + target["height"] / 2, steps=4)
    page.mouse.up()
    assert page.locator("#t-commune").evaluate("node => node.selectedOptions[0].text") != "Hautbourg"
    view = "document.getElementById('map').getAttribute('viewBox')"
    before = page.evaluate(view)
    page.evaluate(
        """() => { const svg = document.getElementById('map'), box = svg.getBoundingClientRect();
        const at = (name, id, x) => (name === 'pointerup' ? window : svg).dispatchEvent(new PointerEvent(name, {
          pointerId: id, pointerType: 'touch', clientX: box.left + x, clientY: box.top + 200, bubbles: true }));
        at('pointerdown', 1, 200); at('pointerdown', 2, 260); at('pointermove', 2, 380); at('pointerup', 1, 200);
        at('pointerup', 2, 380); }"""
    )
    assert float(page.evaluate(view).split()[2]) < float(before.split()[2])
    assert troubles == []


@pytest.mark.slow
@pytest.mark.parametrize("width", [375, 768, 1280])
def test_nothing_scrolls_sideways_with_a_trial(browser: Browser, place: Path, width: int) -> None:
    page, troubles = opened(browser, place, width=width)
    page.locator("#t-commune").select_option(label="Hautbourg")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert troubles == []


@pytest.mark.slow
def test_a_sheet_of_paper_is_a_sheet(browser: Browser, place: Path, tmp_path: Path) -> None:
    page, _ = opened(browser, place)
    page.locator("#t-commune").select_option(label="Hautbourg")
    page.pdf(path=tmp_path / "page.pdf", prefer_css_page_size=True)
    with pikepdf.open(tmp_path / "page.pdf") as pdf:
        assert [round(float(side)) for side in pdf.pages[0].mediabox[2:]] == [595, 842]
        assert len(pdf.pages) < 8
    page.emulate_media(media="print")
    # no column is cut: each table is within the width of the sheet
    page.set_viewport_size({"width": 703, "height": 1000})
    assert (
        page.evaluate("Math.max(...Array.from(document.querySelectorAll('table'), one => one.scrollWidth))")
        <= 703
    )
    assert not page.locator("#t-link").is_visible()


@pytest.mark.slow
def test_at_400_percent_nothing_scrolls_sideways(browser: Browser, place: Path) -> None:
    # 1280 points wide at 400 %
    page, troubles = opened(browser, place, width=320, height=256)
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    assert page.locator("#communes tbody tr").first.bounding_box()["width"] <= 320  # type: ignore[index]
    assert troubles == []


@pytest.mark.slow
def test_names_that_look_like_markup_run_nothing(browser: Browser, tmp_path: Path) -> None:
    path = tmp_path / "resume.html"
    path.write_text(summary_html(world("markup")), encoding="utf-8")
    page, troubles = opened(browser, path)
    page.on("dialog", lambda dialog: troubles.append(dialog.message))
    page.locator("#commune").select_option(index=1)
    assert "<script>" in page.locator("#details").inner_text()
    assert page.locator("script").count() == 2
    assert troubles == []


@pytest.mark.slow
def test_without_scripts_the_answer_can_be_read(browser: Browser, place: Path) -> None:
    context = browser.new_context(java_script_enabled=False, offline=True)
    page = context.new_page()
    page.goto(place.as_uri())
    assert page.locator("h2", has_text="La réponse").is_visible()
    assert page.locator("#communes tbody tr").count() == 15
    assert "min" in page.locator("#communes tbody td").nth(2).inner_text()
