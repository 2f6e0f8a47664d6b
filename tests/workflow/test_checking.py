"""`territory check`: a document that is the one of its run, and everything that may differ."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from territory.cli import app
from territory.errors import MissingFileError, ReadError
from territory.report.layout.document import run_keyword
from territory.workflow.inputs.manifest import digest_file, digest_of_manifest
from territory.workflow.past_runs import check_document

INPUTS = {"study": "essai", "inputs_sha256": {"a.csv": "00" * 32}}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a report and its manifest."""
    digest = digest_of_manifest(INPUTS)
    (tmp_path / "rapport.pdf").write_bytes(
        b"%PDF-1.7 <pdf:Keywords>" + run_keyword(digest).encode() + b"</pdf:Keywords>"
    )
    outputs = {"rapport.pdf": digest_file(tmp_path / "rapport.pdf")}
    write(tmp_path, {**INPUTS, "run_sha256": digest, "outputs_sha256": outputs})
    return tmp_path


def write(folder: Path, manifest: object) -> None:
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")


def read(folder: Path) -> dict[str, object]:
    content: dict[str, object] = json.loads((folder / "manifest.json").read_text("utf-8"))
    return content


def test_the_document_of_its_run(folder: Path) -> None:
    found = check_document(folder / "rapport.pdf")
    assert found.is_right
    assert found.run_digest == read(folder)["run_sha256"]


def test_a_copy_under_another_name_or_in_a_folder_below(folder: Path) -> None:
    (folder / "fiches").mkdir()
    shutil.copy(folder / "rapport.pdf", folder / "fiches" / "copie.pdf")
    assert check_document(folder / "fiches" / "copie.pdf").is_right
    elsewhere = folder / "fiches" / "loin"
    elsewhere.mkdir()
    shutil.copy(folder / "rapport.pdf", elsewhere / "copie.pdf")
    with pytest.raises(MissingFileError, match="--manifest"):
        check_document(elsewhere / "copie.pdf")
    assert check_document(elsewhere / "copie.pdf", manifest=folder / "manifest.json").is_right


def test_a_file_that_changed(folder: Path) -> None:
    path = folder / "rapport.pdf"
    path.write_bytes(path.read_bytes() + b" ")
    (problem,) = check_document(path).problems
    assert "le fichier a été modifié" in problem


def test_a_manifest_that_changed(folder: Path) -> None:
    write(folder, {**read(folder), "study": "autre"})
    (problem,) = check_document(folder / "rapport.pdf").problems
    assert "le manifeste a été modifié" in problem


def test_the_document_of_another_run(folder: Path) -> None:
    other = {**INPUTS, "study": "autre"}
    write(folder, {**other, "run_sha256": digest_of_manifest(other), "outputs_sha256": {}})
    problems = check_document(folder / "rapport.pdf").problems
    assert "vient d'un autre calcul" in problems[0]
    assert "ne connaît pas" in problems[1]


def test_a_document_without_digest(folder: Path) -> None:
    (folder / "rapport.pdf").write_bytes(b"%PDF-1.7 nothing")
    assert "ne porte aucune empreinte" in check_document(folder / "rapport.pdf").problems[0]


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"run_sha256": 3}', b"\xff\xfe", b"[" * 100_000])
def test_what_is_no_manifest(folder: Path, content: bytes) -> None:
    (folder / "manifest.json").write_bytes(content)
    with pytest.raises(ReadError):
        check_document(folder / "rapport.pdf")


def test_what_is_no_pdf_or_is_not_there(folder: Path) -> None:
    (folder / "a.txt").write_bytes(b"text")
    with pytest.raises(ReadError, match="pas un PDF"):
        check_document(folder / "a.txt")
    for path in (folder / "none.pdf", folder, folder / "a.txt" / "r.pdf"):
        with pytest.raises((MissingFileError, ReadError)):
            check_document(path)


def test_the_command_says_so(folder: Path) -> None:
    said = CliRunner().invoke(app, ["check", str(folder / "rapport.pdf")])
    assert said.exit_code == 0
    assert said.output.startswith("Conforme")
    (folder / "rapport.pdf").write_bytes((folder / "rapport.pdf").read_bytes() + b"x")
    said = CliRunner().invoke(app, ["check", str(folder / "rapport.pdf")])
    assert said.exit_code == 1
    assert "le fichier a été modifié" in said.output
