"""No digest of a secret input leaves: two runs that differ in it alone are described alike, and written apart."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import pytest

import territory
from territory.errors import StudyError, TerritoryWarning
from territory.report.documents.annex import technical_annex
from territory.report.documents.council import council_report
from territory.report.layout.document import Document, to_data
from territory.result import StudyResult
from territory.study.load import load_study
from territory.study.state import UNPUBLISHED, public_parameters, secret_parameters
from territory.workflow.inputs.manifest import RECORD
from territory.workflow.past_runs import diff_runs
from tests import vallon
from tests.report.worlds import undrawn
from tests.texts import plain_text
from tests.workflow.runs import digests, without_documents

HEADER = "commune_code;authorisation_id;children\n"
FIRST = {"03901": 40, "03906": 13, "03902": 22}
LARGER = {**FIRST, "03901": 70}
# the smallest study that counts children: an IME that moves
OFFER = """
[[site]]
id = "nouveau"
name = "Nouveau site"
commune_code = "03911"

[[service]]
site_id = "030990001"
service = "ime"
authorisation_id = "ime-hautbourg"
capacity = 40
capacity_unit = "places"
age_min = 3
age_max = 20

[[authorisation]]
id = "ime-hautbourg"
label = "IME"

[[scenario]]
id = "A"
name = "L'IME déménage"

[[scenario.change]]
type = "move_site"
authorisation_ids = ["ime-hautbourg"]
to_site_id = "nouveau"
"""
GOOD = vallon.SMALL_STUDY.read_text("utf-8").replace('id = "petite"', 'id = "essai"') + OFFER
COUNTED = (
    '\n[[waiting]]\nauthorisation = "ime-hautbourg"\nwaiting = 7\nexits_per_year = 3\nyear = 2024\nsource = "MDPH"\n'
    '\n[[building]]\nlabel = "IME"\ncost_eur = 987654\nsource = "devis"\nyear = 2024\nchildren_accompanied = 9\n'
)
STUDY = GOOD + '\n[files]\nobserved_origins = "origines.csv"\n' + COUNTED
OTHER = STUDY.replace("waiting = 7", "waiting = 8")


def origins(folder: Path, counts: dict[str, int]) -> Path:
    path = folder / "origines.csv"
    path.write_text(
        HEADER + "".join(f"{code};ime-hautbourg;{count}\n" for code, count in counts.items()), "utf-8"
    )
    return path


def run(folder: Path, counts: dict[str, int], text: str = STUDY) -> StudyResult:
    origins(folder, counts)
    return territory.run_study(vallon.copied(folder, text), out_dir=folder / "resultats")


def reports(result: StudyResult) -> Path:
    assert result.report_dir is not None
    return result.report_dir


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, StudyResult]:
    folder = tmp_path_factory.mktemp("premier")
    return folder, run(folder, FIRST)


@pytest.fixture(scope="module")
def second(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, StudyResult]:
    folder = tmp_path_factory.mktemp("second")
    with without_documents(tables=True):
        return folder, run(folder, LARGER, OTHER)


def test_no_digest_of_a_secret_file_is_in_what_is_handed_over(first: tuple[Path, StudyResult]) -> None:
    folder, result = first
    digest = hashlib.sha256((folder / "origines.csv").read_bytes()).hexdigest()
    for path in reports(result).rglob("*"):
        if path.is_file():
            content = path.read_bytes().lower()
            assert not [part for part in (digest, digest[:32], digest[32:]) if part.encode() in content], path
    said = {name: plain_text(to_data(document_of(result, name))[0]) for name in ("council", "annex")}
    assert not [name for name, text in said.items() if digest[:16] in text]
    assert UNPUBLISHED in said["annex"]
    # it is known where it stays
    assert digest in (folder / "resultats/data/processed/essai" / RECORD).read_text("utf-8")


def document_of(result: StudyResult, name: str) -> Document:
    with undrawn():
        return council_report(result) if name == "council" else technical_annex(result)


def test_two_runs_that_differ_in_secrets_alone_are_described_alike_and_written_apart(
    first: tuple[Path, StudyResult], second: tuple[Path, StudyResult]
) -> None:
    one, other = first[1], second[1]
    assert one.run_digest == other.run_digest
    assert one.manifest == other.manifest
    assert one.manifest["inputs_sha256"]["files.observed_origins: origines.csv"] == UNPUBLISHED
    assert of_tables(one) != of_tables(other)


@pytest.mark.slow
def test_files_are_made_again_when_a_secret_alone_changes(
    first: tuple[Path, StudyResult], second: tuple[Path, StudyResult], tmp_path: Path
) -> None:
    folder = tmp_path / "copie"
    shutil.copytree(first[0], folder)
    assert is_reused(run(folder, FIRST))
    kept = folder / "resultats/data/processed/essai" / RECORD
    record = kept.read_bytes()
    with without_documents(tables=True):
        changed = run(folder, LARGER, OTHER)
    assert not is_reused(changed)
    assert of_tables(changed) == of_tables(second[1])
    # as if that run had been stopped before its record: the files are its own, the record the first one's
    kept.write_bytes(record)
    back = run(folder, FIRST)
    assert not is_reused(back)
    assert digests(reports(back)) == digests(reports(first[1]))


def of_tables(result: StudyResult) -> dict[str, str]:
    return digests(reports(result) / "tables")


def is_reused(result: StudyResult) -> bool:
    said = json.loads((reports(result) / "timings.json").read_text("utf-8"))
    return "rapport, tables et cartes" in said["reused"]


def test_counts_of_the_study_file_are_not_in_its_published_parameters(
    first: tuple[Path, StudyResult], tmp_path: Path
) -> None:
    study = load_study(vallon.copied(tmp_path, GOOD + COUNTED))
    assert "waiting" not in public_parameters(study)
    assert set(secret_parameters(study)) == {"waiting", "building.children_accompanied"}
    manifest = json.loads((reports(first[1]) / "manifest.json").read_text("utf-8"))
    assert manifest["parameters_unpublished"] == ["building.children_accompanied", "waiting"]
    assert "waiting" not in manifest["parameters"]
    assert "children_accompanied" not in json.dumps(manifest["parameters"])
    table = (reports(first[1]) / "tables" / "batiments.csv").read_text("utf-8").splitlines()
    row = dict(zip(table[0].split(","), table[1].split(","), strict=False))
    assert row["children_accompanied"] == ""
    assert row["cost_eur"] == "987654.0"


@pytest.mark.slow
def test_a_comparison_of_runs_knows_when_a_secret_file_changed(tmp_path: Path) -> None:
    # without a scenario: what is read again is the file, not what it changes
    text = STUDY[: STUDY.index("[[scenario]]")] + STUDY[STUDY.index("[files]") :]
    with without_documents():
        folder = reports(run(tmp_path, FIRST, text))
    assert diff_runs(folder, folder).changes.empty
    origins(tmp_path, LARGER)
    # without documents nothing tells two runs apart but the record
    with pytest.raises(StudyError, match=r"origines\.csv.* n'est plus le fichier d'alors"):
        diff_runs(folder, folder)
    (tmp_path / "resultats/data/processed/essai" / RECORD).unlink()
    with pytest.warns(TerritoryWarning, match="rien ne dit si les fichiers"):
        diff_runs(folder, folder)
