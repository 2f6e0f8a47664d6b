"""Two runs in one folder: a real process, and what another one finds."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from territory.errors import OutputError
from territory.files import safe_files
from territory.files.safe_files import HOLDER, LOCK, hold
from territory.workflow.run import run_study
from tests import vallon
from tests.workflow import runs

STUDY = vallon.SMALL_STUDY
KEPT = Path("data") / "processed" / "petite"


@pytest.mark.slow
def test_second_run_refuses_names_the_first_then_waits_and_finds_its_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = runs.start(STUDY, tmp_path, pause="Temps de trajet et besoins")
    first.wait_for("Temps de trajet")
    monkeypatch.setattr(safe_files, "WAIT_S", 0.2)
    with pytest.raises(OutputError) as refused:
        run_study(STUDY, out_dir=tmp_path)
    holder = json.loads((tmp_path / KEPT / HOLDER).read_text("utf-8"))
    said = str(refused.value)
    assert f"le processus {first.process.pid} de" in said
    assert "depuis le" in said
    assert "rien n'a été écrit" in said
    assert holder["pid"] == first.process.pid

    monkeypatch.setattr(safe_files, "WAIT_S", 120)
    steps: list[str] = []

    def hear(step: str) -> None:
        steps.append(step)
        if step.startswith("Attente"):
            first.go_on()

    run_study(STUDY, out_dir=tmp_path, on_step=hear)
    assert first.end()[0] == 0
    assert any(f"Attente : le processus {first.process.pid} de" in step for step in steps)
    reports = tmp_path / "reports" / "petite"
    vouched = json.loads((reports / "manifest.json").read_text("utf-8"))["outputs_sha256"]
    found = runs.digests(reports)
    assert {name: found[name] for name in vouched} == vouched
    log = json.loads((reports / "timings.json").read_text("utf-8"))
    assert "rapport, tables et cartes" in log["reused"]


HOLDING = """
import sys
from pathlib import Path
from territory.files.safe_files import hold
with hold(Path(sys.argv[1]), announce=print):
    print("tenu", flush=True)
    sys.stdin.readline()
"""


def test_a_kill_frees_the_folder_whatever_it_leaves(tmp_path: Path) -> None:
    command = [sys.executable, "-c", HOLDING, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as first:
        assert first.stdout is not None
        assert first.stdout.readline() == "tenu\n"
        with (
            pytest.raises(OutputError, match=f"le processus {first.pid} de"),
            hold(tmp_path, announce=lambda _: None, wait_s=0.1),
        ):
            pytest.fail("held twice")
        first.kill()
    assert (tmp_path / HOLDER).exists()
    with hold(tmp_path, announce=pytest.fail, wait_s=0):
        assert json.loads((tmp_path / HOLDER).read_text("utf-8"))["pid"] == os.getpid()


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
