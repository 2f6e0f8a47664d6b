"""Running a notebook on a study, and what a kernel says when something is wrong."""

from __future__ import annotations

import importlib.util
import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from territory import notebooks
from territory.cli import main
from territory.errors import (
    MissingExtraError,
    MissingFileError,
    OutputError,
    ParameterError,
    StudyError,
    UnknownCodeError,
)
from territory.report.layout import document as doc

ROOT = Path(__file__).parent.parent
OUTSIDE = re.compile(
    r"<(?:script|link|img|iframe)\b[^>]*\b(?:src|href)=[\"'](?:https?:)?//|@import|url\([\"']?https?:|import\([\"']http"
    r"|from [\"']https?:"
)


@pytest.fixture(autouse=True)
def nbformat() -> Any:
    """Skip without the extra; it takes seconds to load, which only the process that needs it spends."""
    for name in ("ipykernel", "nbclient", "nbconvert", "papermill"):
        if importlib.util.find_spec(name) is None:
            pytest.skip(f"{name} is not installed")
    return pytest.importorskip("nbformat")


def written(path: Path, *sources: str) -> Path:
    import nbformat

    cells = [nbformat.v4.new_code_cell(source) for source in sources]
    cells[0].metadata["tags"] = ["parameters"]
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel}), path)
    return path


@pytest.mark.slow
def test_a_notebook_runs_on_a_study_of_ones_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    study = tmp_path / "mon-etude.toml"
    text = (ROOT / "studies" / "exemple.toml").read_text("utf-8")
    study.write_text(text.replace('id = "exemple"', 'id = "mon-etude"'), encoding="utf-8")
    with pytest.raises(SystemExit) as stopped:
        main(["notebooks", "run", "08", "--study", str(study), "--out", str(tmp_path)])
    assert stopped.value.code == 0
    folder = tmp_path / "reports" / "mon-etude" / "notebooks"
    said = capsys.readouterr().out
    assert "reports/mon-etude/notebooks/08_autre_departement.html" in said
    copy = json.loads((folder / "08_autre_departement.ipynb").read_text("utf-8"))
    assert any('etude = "mon-etude.toml"' in "".join(cell["source"]) for cell in copy["cells"])
    assert "input_path" not in copy["metadata"]["papermill"]
    page = (folder / "08_autre_departement.html").read_text("utf-8")
    assert "Antenne du CMPP à Salernes" in page
    assert not OUTSIDE.search(page)


def test_a_page_shows_the_picture_and_not_the_widget(tmp_path: Path, nbformat: Any) -> None:
    path = written(tmp_path / "carte.ipynb", "1")
    notebook = nbformat.read(path, as_version=4)
    data = {
        "application/vnd.jupyter.widget-view+json": {"model_id": "x", "version_major": 2, "version_minor": 0},
        "image/png": "iVBORw0KGgo=",
        "text/plain": "Exploration()",
    }
    notebook.cells[0].outputs = [nbformat.v4.new_output("display_data", data=data)]
    nbformat.write(notebook, path)
    page = notebooks.export_html(path)
    assert "data:image/png;base64,iVBORw0KGgo=" in page
    assert "widget-view" not in page
    assert not OUTSIDE.search(page)


def test_list_gives_every_notebook(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["notebooks", "list"])
    said = capsys.readouterr().out
    assert "04_plateforme_draguignan" in said
    assert "qui gagne, qui perd" in said


def test_what_cannot_be_run_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UnknownCodeError, match="04_plateforme_draguignan"):
        notebooks.run_notebook("12", out_dir=tmp_path)
    with pytest.raises(UnknownCodeError, match="Notebook inconnu"):
        notebooks.run_notebook("", out_dir=tmp_path)
    with pytest.raises(MissingFileError, match="Étude introuvable"):
        notebooks.run_notebook("08", study="rien", out_dir=tmp_path)
    (tmp_path / "reports").write_text("")
    with pytest.raises(OutputError, match="--out"):
        notebooks.run_notebook("08", out_dir=tmp_path)
    monkeypatch.setattr(notebooks, "_EXTRAS", ("ipykernel", "une_bibliotheque_absente"))
    with pytest.raises(MissingExtraError, match=r"une_bibliotheque_absente.*territory\[notebooks\]"):
        notebooks.run_notebook("08", out_dir=tmp_path)
    monkeypatch.setattr(notebooks, "__file__", str(tmp_path / "a" / "b" / "notebooks.py"))
    with pytest.raises(MissingFileError, match="réinstallez"):
        notebooks.notebooks_folder()


def test_a_table_is_in_french_and_tells_no_small_count() -> None:
    rows = pd.DataFrame(
        {"epci_name": ["CC <b>"], "demand": [4.0], "travel_time_min": [1234.56], "within_share": [0.1234]}
    )
    shown = notebooks.table(rows).data
    for said in (
        ">EPCI<",
        "CC &lt;b&gt;",
        ">&lt;\u00a011<",
        ">1\u202f234,6<",
        "Temps de route, aller simple (min)",
    ):
        assert said in shown
    assert ">12,3\u00a0%<" in shown
    later = rows.set_axis([7], axis=0)[["epci_name", "demand"]]
    assert "Estimation (personnes)" in notebooks.table(later, of="besoins_epci").data
    with pytest.raises(ParameterError, match="children"):
        notebooks.table(rows.assign(children=3.0))
    assert notebooks.say("3 min ; 2 000").data == "3\u00a0min\u202f; 2\u202f000"


def test_a_part_of_the_report_is_shown_in_a_cell() -> None:
    blocks = [
        doc.Heading("Où ?"),
        doc.Paragraph(["a", doc.strong("<b>")]),
        doc.Part([doc.Bullets(["un"]), doc.Callout("Boîte", ["deux"])]),
        doc.table("Lieu <1 | Temps >1", [["Ici", "3 min"]], "Titre", note="Note"),
        doc.Beside([doc.Paragraph("c")], doc.Picture(b"<svg/>", "dit", "Légende", source="IGN")),
    ]
    shown = notebooks.say(blocks).data
    assert "<b>&lt;b&gt;</b>" in shown
    assert "text-align:right'>3\u00a0min" in shown
    assert "Source\u00a0: IGN" in shown


@pytest.mark.slow
def test_a_cell_that_fails_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written(
        tmp_path / "04_essai.ipynb",
        'etude = "draguignan"',
        "from territory import notebooks\nnotebooks.begin()",
        "resultat",
    )
    monkeypatch.setattr(notebooks, "notebooks_folder", lambda: tmp_path)
    with pytest.raises(
        StudyError, match=r"« resultat » n'existe pas encore(?s:.)*reports/draguignan/notebooks"
    ):
        notebooks.run_notebook("4", out_dir=tmp_path)
    assert (tmp_path / "reports" / "draguignan" / "notebooks" / "04_essai.ipynb").is_file()


@pytest.mark.slow
def test_a_kernel_speaks_french(tmp_path: Path, nbformat: Any) -> None:
    import nbclient

    path = written(
        tmp_path / "essai.ipynb",
        "import territory\nfrom territory import notebooks\nnotebooks.begin()",
        "result.baseline",
        'territory.load_study("rien")',
        "1 / 0",
        "import types\nexec('absent', types.ModuleType('elsewhere').__dict__)",
        "2",
    )
    notebook = nbformat.read(path, as_version=4)
    nbclient.NotebookClient(notebook, kernel_name="python3", allow_errors=True, timeout=120).execute()
    said = ["\n".join(cell.outputs[0].get("traceback", [])) for cell in notebook.cells[1:4]]
    assert "« result » n'existe pas encore" in said[0]
    assert said[1].startswith("Erreur : Étude introuvable")
    assert "Traceback" not in said[0] + said[1]
    assert "ZeroDivisionError" in said[2]
    assert "n'existe pas encore" not in "\n".join(notebook.cells[4].outputs[0]["traceback"])
    assert notebook.cells[5].outputs[0].data["text/plain"] == "2"


def test_the_wheel_carries_the_notebooks() -> None:
    build = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["hatch"]["build"]
    assert build["targets"]["wheel"]["force-include"] == {"notebooks": "territory/_notebooks"}
