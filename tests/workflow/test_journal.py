"""The log of a run: there whether it ends or fails, and no trace of it elsewhere."""

from __future__ import annotations

import logging
import warnings
from pathlib import Path

import pytest

import territory
from territory.errors import OutputError, TerritoryWarning
from territory.workflow.handover import BEFORE, JOURNAL, journal
from tests import vallon
from tests.workflow.runs import without_documents

SMALL = vallon.SMALL_STUDY
KEPT = Path("data") / "processed" / "petite"


def test_what_was_read_decided_and_reused_is_in_the_log(tmp_path: Path) -> None:
    library = logging.getLogger("territory")
    before = library.level, library.propagate, list(library.handlers), warnings.showwarning
    with without_documents():
        territory.run_study(SMALL, out_dir=tmp_path)
        first = (tmp_path / KEPT / JOURNAL).read_text("utf-8")
        territory.run_study(SMALL, out_dir=tmp_path, population="rp2017")
    second = (tmp_path / KEPT / JOURNAL).read_text("utf-8")
    assert f"territory {territory.__version__}, Python" in first
    assert "Étude « petite »" in first
    assert "population rp2021" in first
    assert "Méthode des temps : estimate" in first
    assert "À calculer : temps de trajet" in first
    assert "Repris" not in first
    assert "Lecture de l'étude et des données : " in first
    assert "Rapport, tables et cartes : " in first
    assert "Fini en " in first
    assert "population rp2017" in second
    assert "Repris, rien n'ayant changé : temps de trajet" in second
    assert (tmp_path / KEPT / BEFORE).read_text("utf-8") == first
    assert not list((tmp_path / "reports").rglob("*.log"))
    assert (library.level, library.propagate, list(library.handlers), warnings.showwarning) == before


def test_a_failed_run_leaves_its_traceback(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("territory.report.build_report", fail)
    with pytest.raises(OutputError, match="sont gardés"):
        territory.run_study(SMALL, out_dir=tmp_path)
    said = (tmp_path / KEPT / JOURNAL).read_text("utf-8")
    assert "Rapport, tables et cartes…" in said
    assert "Arrêté : OutputError" in said
    assert "Traceback (most recent call last):" in said
    assert "No space left on device" in said
    assert "Fini" not in said
    assert logging.getLogger("territory").handlers == []


@pytest.mark.filterwarnings("default")
def test_each_run_logs_its_warnings_and_shows_them(tmp_path: Path) -> None:
    def doubt() -> None:
        warnings.warn("3 communes sont sans population.", TerritoryWarning, stacklevel=1)

    for _ in range(2):
        with pytest.warns(TerritoryWarning, match="3 communes"), journal(tmp_path):
            doubt()
        assert "Avertissement : 3 communes sont sans population." in (tmp_path / JOURNAL).read_text("utf-8")


def test_a_log_that_cannot_be_written_stops_nothing(tmp_path: Path) -> None:
    (tmp_path / JOURNAL).mkdir()
    (tmp_path / BEFORE).write_text("un dossier ne prend pas la place d'un fichier", encoding="utf-8")
    with journal(tmp_path):
        logging.getLogger("territory.essai").info("perdu")
    assert not list((tmp_path / JOURNAL).iterdir())


def test_programs_that_want_no_detail_receive_none(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with journal(tmp_path):
        logging.getLogger("territory.essai").info("dans le journal seul")
    assert "dans le journal seul" in (tmp_path / JOURNAL).read_text("utf-8")
    assert caplog.text == ""
    with caplog.at_level(logging.INFO), journal(tmp_path):
        logging.getLogger("territory.essai").info("demandé")
    assert "demandé" in caplog.text
