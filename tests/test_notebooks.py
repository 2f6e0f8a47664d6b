"""Notebooks stay what a planner opens: paired with text, without outputs, defining nothing."""

from __future__ import annotations

import ast
import json
from pathlib import Path

import jupytext
import pytest

NOTEBOOKS = sorted((Path(__file__).parent.parent / "notebooks").glob("*.ipynb"))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_is_clean_and_paired(path: Path) -> None:
    cells = json.loads(path.read_text("utf-8"))["cells"]
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    assert all(not cell["outputs"] and cell["execution_count"] is None for cell in code)
    for cell in code:
        for node in ast.walk(ast.parse("".join(cell["source"]))):
            assert not isinstance(node, ast.FunctionDef | ast.ClassDef)
    text = jupytext.read(path.with_suffix(".py"))
    assert [cell["source"] for cell in text.cells] == ["".join(cell["source"]) for cell in cells]


def test_there_are_notebooks() -> None:
    assert NOTEBOOKS
