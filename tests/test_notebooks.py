"""Notebooks stay what a planner opens: paired with text, without outputs, defining nothing."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
# words that a planner reads in ten minutes, code left out
MOST_WORDS = 1_800


def cells_of(path: Path) -> list[dict[str, object]]:
    found: list[dict[str, object]] = json.loads(path.read_text("utf-8"))["cells"]
    return found


def prose(path: Path) -> str:
    return "\n".join("".join(cell["source"]) for cell in cells_of(path) if cell["cell_type"] == "markdown")  # type: ignore[arg-type]


def test_the_ten_notebooks_are_there() -> None:
    assert [path.stem[:2] for path in NOTEBOOKS] == [f"{number:02d}" for number in range(10)]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_is_clean_and_paired(path: Path) -> None:
    cells = json.loads(path.read_text("utf-8"))["cells"]
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    assert all(not cell["outputs"] and cell["execution_count"] is None for cell in code)
    for cell in code:
        for node in ast.walk(ast.parse("".join(cell["source"]))):
            assert not isinstance(node, ast.FunctionDef | ast.ClassDef | ast.AsyncFunctionDef)
    text = pytest.importorskip("jupytext").read(path.parent / ".texte" / f"{path.stem}.py")
    assert [cell["source"] for cell in text.cells] == ["".join(cell["source"]) for cell in cells]


def test_jupyterlab_opens_every_notebook() -> None:
    # the door of its server: a notebook that names a paired text in a folder out of its sight is not found
    contents = pytest.importorskip(
        "jupytext.sync_contentsmanager"
    ).build_sync_jupytext_contents_manager_class(
        pytest.importorskip("jupyter_server.services.contents.largefilemanager").LargeFileManager
    )(root_dir=str(NOTEBOOKS[0].parent))
    for path in NOTEBOOKS:
        assert contents.get(path.name)["content"]["cells"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_starts_from_a_question_and_ends_with_ones_own_territory(path: Path) -> None:
    said = prose(path)
    assert "?" in said.split("##")[0]
    assert said.rsplit("## ", 1)[1].startswith("Pour votre territoire")
    assert len(said.split()) < MOST_WORDS
    tagged = [
        "".join(cell["source"])
        for cell in json.loads(path.read_text("utf-8"))["cells"]
        if "parameters" in cell["metadata"].get("tags", [])
    ]
    assert len(tagged) == 1
    assert re.search(r'^etude = "draguignan"$', tagged[0], re.MULTILINE)
    assert any("notebooks.begin()" in "".join(cell["source"]) for cell in cells_of(path))  # type: ignore[arg-type]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_links_and_paths_lead_somewhere(path: Path) -> None:
    text = path.read_text("utf-8")
    assert not re.search(r"(?<![\w.])/(?:work|home|Users|root|tmp)/", text)
    for target in re.findall(r"\]\(([^)]+)\)", prose(path)):
        assert (path.parent / target).is_file(), target
    for named in re.findall(r"`((?:docs|studies)/[^`]+)`", prose(path)):
        assert (ROOT / named).is_file(), named
