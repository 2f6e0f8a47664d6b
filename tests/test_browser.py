"""A planner's screen: JupyterLab in a real browser opens notebook 04, paints the map and tries a scenario.

Set TERRITORY_SCREENSHOT to a .png to keep the picture that the README shows.
"""

from __future__ import annotations

import io
import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from territory.plot import style
from territory.study import load_study

sync_api = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
pytest.importorskip("ipywidgets", reason="the extra « notebooks » is not installed")

from territory.plot.interactive.panel import ON_THE_MAP  # noqa: E402

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
CHROMIUM = next((path for path in map(shutil.which, BROWSERS) if path), None)
NOTEBOOK = "04_plateforme_draguignan.ipynb"
SERVER_S, RUN_S = 90, 150

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="Chromium is absent: apt-get install chromium"),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of one's own, with a copy of the notebook."""
    found = tmp_path_factory.mktemp("planner")
    shutil.copy(Path(__file__).parent.parent / "notebooks" / NOTEBOOK, found)
    return found


@pytest.fixture(scope="module")
def address(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """JupyterLab on a free port, with a token and settings of its own."""
    settings = tmp_path_factory.mktemp("jupyter")
    chosen: dict[str, dict[str, object]] = {
        # no question about news, which would ask the internet
        "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
        # cells that have left the screen stay in the page, where the test finds them
        "notebook-extension/tracker": {"windowingMode": "none"},
        # as `make lab` opens it
        "translation-extension/plugin": {"locale": "fr_FR"},
    }
    for name, values in chosen.items():
        path = settings / "lab" / "@jupyterlab" / f"{name}.jupyterlab-settings"
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps(values), encoding="utf-8")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    token = secrets.token_hex(16)
    names = {"CONFIG_DIR": "config", "DATA_DIR": "data", "RUNTIME_DIR": "runtime"}
    ours = {f"JUPYTER_{key}": str(settings / name) for key, name in names.items()}
    ours |= {"JUPYTERLAB_SETTINGS_DIR": str(settings / "lab"), "IPYTHONDIR": str(settings / "ipython")}
    ours |= {"JUPYTERLAB_WORKSPACES_DIR": str(settings / "workspaces")}
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--ip=127.0.0.1"]
    command += [f"--port={port}", "--ServerApp.port_retries=0", f"--IdentityProvider.token={token}"]
    command += [f"--ServerApp.root_dir={folder}"]
    with (settings / "log.txt").open("w") as log:
        server = subprocess.Popen(command, stdout=log, stderr=log, env={**os.environ, **ours})
        try:
            _wait_for_server(
                f"http://127.0.0.1:{port}/api/status?token={token}", server, settings / "log.txt"
            )
            yield f"http://127.0.0.1:{port}/lab/tree/{NOTEBOOK}?token={token}&reset"
        finally:
            server.terminate()
            server.wait(timeout=30)


def _wait_for_server(address: str, server: subprocess.Popen[bytes], log: Path) -> None:
    """Wait until JupyterLab answers."""
    end = time.monotonic() + SERVER_S
    while time.monotonic() < end and server.poll() is None:
        try:
            with urllib.request.urlopen(address, timeout=2):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    pytest.fail(f"JupyterLab did not start:\n{log.read_text()[-2000:]}")


def _wait_for_kernel(address: str) -> None:
    """Wait until the kernel of the notebook is idle: cells that are run before are lost."""
    root, token = address.split("/lab/")[0], address.split("token=")[1].split("&")[0]
    end = time.monotonic() + SERVER_S
    while time.monotonic() < end:
        with urllib.request.urlopen(f"{root}/api/sessions?token={token}", timeout=30) as answer:
            sessions = json.load(answer)
        if any(one["kernel"]["execution_state"] == "idle" for one in sessions):
            return
        time.sleep(0.3)
    pytest.fail("the kernel did not start")


class Screen:
    """A page, and all that went wrong on it."""

    def __init__(self, page: Any) -> None:
        self.page = page
        self.wrong: list[str] = []
        page.on("console", lambda said: self.wrong.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: self.wrong.append(str(error)))
        page.on("request", self._watch)

    def _watch(self, request: Any) -> None:
        """Keep what is asked of the outside."""
        if not request.url.startswith(("http://127.0.0.1", "ws://127.0.0.1", "data:", "blob:")):
            self.wrong.append(f"asked of the outside: {request.url}")

    @property
    def map(self) -> Any:
        return self.page.locator(".leaflet-container").first

    def choice(self, label: str) -> Any:
        """Return the list that has a label."""
        labelled = self.page.locator(".widget-dropdown", has=self.page.locator("label", has_text=label))
        return labelled.locator("select").first

    def pixels(self) -> np.ndarray:
        """Return the map as the eye sees it."""
        return np.asarray(Image.open(io.BytesIO(self.map.screenshot())).convert("RGB"), dtype=int)

    def share_of(self, color: str) -> float:
        """Return the share of the map that is painted in a colour."""
        wanted = np.array([int(color[i : i + 2], 16) for i in (1, 3, 5)])
        return float((np.abs(self.pixels() - wanted).max(axis=2) <= 14).mean())


@pytest.fixture(scope="module")
def screen(address: str) -> Iterator[Screen]:
    with sync_api.sync_playwright() as player:
        browser = player.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        screen = Screen(browser.new_page(viewport={"width": 1400, "height": 1330}))
        screen.page.goto(address)
        screen.page.wait_for_selector(".jp-Notebook .jp-Cell", timeout=1000 * SERVER_S)
        _wait_for_kernel(address)
        yield screen
        browser.close()


def test_the_map_is_painted_and_the_panel_answers(screen: Screen, folder: Path) -> None:
    page = screen.page
    page.wait_for_timeout(500)
    page.locator(".lm-MenuBar-itemLabel", has_text="Exécution").first.click()
    page.get_by_role("menuitem", name="Exécuter toutes les cellules", exact=True).click()
    _wait_for_map(screen)
    screen.map.scroll_into_view_if_needed()
    page.wait_for_function("document.querySelectorAll('.leaflet-pane path').length > 150", timeout=30_000)
    page.wait_for_timeout(500)
    # the times of today: every class but the last covers a good part of the map
    for color in style.SEQUENTIAL[1:4]:
        assert screen.share_of(color) > 0.02, color

    numbers = page.locator("[data-effect=persons_gain]").first
    before = numbers.inner_text()
    screen.choice("Commune").select_option(label="Le Luc")
    page.wait_for_function(
        "before => document.querySelector('[data-effect=persons_gain]').innerText !== before", arg=before
    )
    page.wait_for_function(
        "color => [...document.querySelectorAll('.leaflet-pane path')].some(p => p.getAttribute('fill') === color)",
        arg=style.LOSSES[2],
    )
    page.wait_for_timeout(500)
    assert screen.share_of(style.GAINS[2]) > 0.01
    assert screen.share_of(style.LOSSES[2]) > 0.01
    assert screen.share_of(style.SEQUENTIAL[2]) < 0.005
    # no button, list or field of the panel is cut, nor what is written on it
    cut = page.locator(".leaflet-container").first.evaluate(
        "map => { const side = map.closest('.widget-hbox').lastElementChild, end = side.getBoundingClientRect().right;"
        "return [...side.querySelectorAll('select, input, button')].filter(one => "
        "one.scrollWidth > one.clientWidth || one.getBoundingClientRect().right > end).map(one => one.outerHTML); }"
    )
    assert cut == []
    _keep_picture(screen)

    _drag_marker(screen)
    chosen = screen.choice("Commune").evaluate(
        "list => list.selectedOptions.length ? list.selectedOptions[0].text : ''"
    )
    assert chosen in ("", ON_THE_MAP)
    for share in (0.3, 0.35):
        # a mouse that moves over communes, as a hand does
        screen.map.hover(position={"x": 200 + 300 * share, "y": 330}, force=True)
    page.get_by_text("aujourd'hui, ").first.wait_for(timeout=30_000)
    page.get_by_role("button", name="Enregistrer l'étude (.toml)").click()
    page.get_by_text("enregistré dans").first.wait_for(timeout=30_000)
    saved = load_study(folder / "draguignan-essai.toml")
    assert saved.scenario[-1].id == "essai"
    assert saved.site[-1].longitude is not None
    assert screen.wrong == []


def _wait_for_map(screen: Screen) -> None:
    """Wait for the map; a cell that fails is told at once."""
    error = ".jp-OutputArea-output[data-mime-type='application/vnd.jupyter.stderr'], .jp-RenderedText pre .ansi-red-fg"
    try:
        screen.page.wait_for_selector(f".leaflet-pane path, {error}", state="attached", timeout=1000 * RUN_S)
    except sync_api.TimeoutError:
        screen.page.screenshot(path=os.environ.get("TERRITORY_SCREENSHOT") or None)
    if not screen.page.locator(".leaflet-pane path").count():
        pytest.fail("\n".join(screen.page.locator(".jp-OutputArea-output").all_inner_texts())[-3000:])


def _drag_marker(screen: Screen) -> None:
    """Drag the marker to the north-west, and wait for the numbers to follow."""
    page = screen.page
    numbers = page.locator("[data-effect=persons_gain]").first.inner_text()
    box = page.locator(".leaflet-marker-draggable").first.bounding_box()
    start = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.move(*start)
    page.mouse.down()
    page.mouse.move(start[0] - 70, start[1] - 50, steps=8)
    page.mouse.up()
    page.wait_for_function(
        "before => document.querySelector('[data-effect=persons_gain]').innerText !== before", arg=numbers
    )


def _keep_picture(screen: Screen) -> None:
    """Keep the picture of the README where it is asked for, in few bytes."""
    wanted = os.environ.get("TERRITORY_SCREENSHOT", "")
    if not wanted:
        return
    screen.map.evaluate("map => map.closest('.jp-Cell').scrollIntoView()")
    screen.page.wait_for_timeout(500)
    picture = Image.open(io.BytesIO(screen.page.screenshot())).convert("RGB")
    picture = picture.resize((1120, 1064), Image.Resampling.LANCZOS)
    # the greys of a page stay grey
    picture = picture.quantize(256, method=Image.Quantize.MEDIANCUT)
    Path(wanted).parent.mkdir(parents=True, exist_ok=True)
    picture.save(wanted, optimize=True)
