"""Two runs in one folder: real processes, one after the other."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from territory.errors import OutputError
from territory.files.safe_files import HOLDER, LOCK, hold
from tests import vallon
from tests.workflow import runs

STUDY = vallon.SMALL_STUDY
KEPT = Path("data") / "processed" / "petite"


def test_second_run_refuses_and_names_the_first(tmp_path: Path) -> None:
    first = runs.start(STUDY, tmp_path, pause="Temps de trajet et besoins")
    first.wait_for("Temps de trajet")
    second = runs.start(STUDY, tmp_path, wait_s=0.2)
    status, said = second.end()
    holder = json.loads((tmp_path / KEPT / HOLDER).read_text("utf-8"))
    assert status == 1, said
    assert f"le processus {first.process.pid} de" in said
    assert "depuis le" in said
    assert "rien n'a été écrit" in said
    assert holder["pid"] == first.process.pid
    # a kill frees the folder, whatever it leaves
    first.process.kill()
    first.end()
    assert (tmp_path / KEPT / HOLDER).exists()
    with hold(tmp_path / KEPT, announce=pytest.fail, wait_s=0):
        assert json.loads((tmp_path / KEPT / HOLDER).read_text("utf-8"))["pid"] == os.getpid()


def test_second_run_waits_for_the_first_and_finds_its_files(tmp_path: Path) -> None:
    first = runs.start(STUDY, tmp_path, pause="Temps de trajet et besoins")
    first.wait_for("Temps de trajet")
    second = runs.start(STUDY, tmp_path, wait_s=120)
    second.wait_for("Attente")
    first.go_on()
    status, said = second.end()
    assert first.end()[0] == 0
    assert status == 0, said
    assert f"Attente : le processus {first.process.pid} de" in said
    reports = tmp_path / "reports" / "petite"
    vouched = json.loads((reports / "manifest.json").read_text("utf-8"))["outputs_sha256"]
    found = runs.digests(reports)
    assert {name: found[name] for name in vouched} == vouched
    log = json.loads((reports / "timings.json").read_text("utf-8"))
    assert "rapport, tables et cartes" in log["reused"]


def test_folders_of_two_studies_do_not_wait_for_each_other(tmp_path: Path) -> None:
    folders = [tmp_path / name for name in ("a", "b")]
    for folder in folders:
        folder.mkdir()
    with hold(folders[0], announce=pytest.fail), hold(folders[1], announce=pytest.fail):
        pass


@pytest.mark.parametrize(
    "left", ["", "{}", "[1]", '{"pid": "x"}', '{"pid": 1, "machine": "m", "since": "hier"}']
)
def test_a_holder_that_says_nonsense_is_another_run(tmp_path: Path, left: str) -> None:
    said: list[str] = []
    with hold(tmp_path, announce=pytest.fail):
        (tmp_path / HOLDER).write_text(left, "utf-8")
        with (
            pytest.raises(OutputError, match="tenu par une autre exécution"),
            hold(tmp_path, announce=said.append, wait_s=0.1),
        ):
            pytest.fail("held twice")
    assert said == ["Attente : une autre exécution travaille dans ce dossier (0.1 s au plus)"]
    assert (tmp_path / LOCK).exists()
