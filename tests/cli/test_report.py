"""`territory report`: wrong uses are said before anything is computed; documents join the manifest."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

import territory
from territory.cli import app
from territory.errors import OutputError, ParameterError, UnknownCodeError
from territory.workflow.handover import epci_named, write_documents
from territory.workflow.past_runs import check_document
from tests import vallon


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("out")


@pytest.fixture(scope="module")
def result(out: Path) -> territory.StudyResult:
    written = vallon.written()
    assert written.report_dir is not None
    return replace(written, report_dir=Path(shutil.copytree(written.report_dir, out / "reports" / "vallon")))


@pytest.mark.parametrize(
    "options, said",
    [
        (["--document", "roman"], "council, note, slides, sheet, annex"),
        (["--document", "sheet"], "--epci NOM"),
        (["--document", "annex", "--all-epci"], "ne servent qu'aux fiches"),
    ],
)
def test_wrong_uses(options: list[str], said: str) -> None:
    tried = CliRunner().invoke(app, ["report", "draguignan", *options])
    assert isinstance(tried.exception, ParameterError)
    assert said in str(tried.exception)


@pytest.mark.slow
def test_documents_join_the_manifest_and_are_checked(result: territory.StudyResult, out: Path) -> None:
    folder = out / "reports" / "vallon"
    (sheet,) = write_documents(result, document="sheet", epci=[vallon.FOCUS])
    (annex,) = write_documents(result, document="annex")
    assert sheet == folder / "fiches" / "fiche-200099901-cc-du-vallon.pdf"
    manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
    assert {"rapport.pdf", "resume.html", "tables.xlsx", "annexe-technique.pdf"} <= set(
        manifest["outputs_sha256"]
    )
    for path in (sheet, annex, folder / "rapport.pdf"):
        assert check_document(path).is_right
    # nothing is left of the making
    assert not [path for path in folder.iterdir() if path.name.startswith(".en-cours-")]


def test_an_unknown_epci_writes_nothing(result: territory.StudyResult, out: Path) -> None:
    before = (out / "reports" / "vallon" / "manifest.json").read_bytes()
    with pytest.raises(UnknownCodeError, match="CC du Vallon"):
        write_documents(result, document="sheet", epci=["1234", vallon.FOCUS])
    assert (out / "reports" / "vallon" / "manifest.json").read_bytes() == before


def test_an_epci_is_named_as_people_name_it() -> None:
    known = {"248300493": "Dracénie Provence Verdon agglomération", "248300394": "CA Sud Sainte Baume"}
    assert epci_named(known, ["dracenie", "248300394", "Dracénie"]) == ["248300493", "248300394"]
    with pytest.raises(
        UnknownCodeError, match=r"(?s)« a » ; vouliez-vous dire.*« Dracennie » ; vouliez-vous dire Dra"
    ):
        epci_named(known, ["a", "Dracennie"])
    # refused by the command before anything is computed
    tried = CliRunner().invoke(app, ["report", str(vallon.STUDY), "--epci", "Dracénie"])
    assert isinstance(tried.exception, UnknownCodeError)
    assert "CC du Vallon" in str(tried.exception)


def test_the_run_of_somebody_else_is_not_mixed(result: territory.StudyResult, out: Path) -> None:
    path = out / "reports" / "vallon" / "manifest.json"
    before = path.read_text("utf-8")
    path.write_text(json.dumps({**json.loads(before), "run_sha256": "0" * 64}), encoding="utf-8")
    try:
        with pytest.raises(OutputError, match="relancez"):
            write_documents(result, document="sheet", epci=[vallon.FOCUS])
    finally:
        path.write_text(before, encoding="utf-8")


def test_a_result_that_was_not_written_has_no_folder(made_up: territory.StudyResult) -> None:
    with pytest.raises(OutputError, match="--out"):
        write_documents(made_up, document="annex")
