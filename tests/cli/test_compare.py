from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from territory.cli import main
from territory.result import StudyResult
from territory.tables.catalogue import undeclared


@pytest.fixture(scope="module")
def result(draguignan: StudyResult) -> StudyResult:
    return draguignan


@pytest.fixture(autouse=True)
def one_run(result: StudyResult, monkeypatch: pytest.MonkeyPatch) -> None:
    """Draw the same run in every test: what is tried here is the drawing."""
    monkeypatch.setattr("territory.workflow.run.run_study", lambda study, **_: result)


def run(*arguments: str, capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as stopped:
        main(list(arguments))
    captured = capsys.readouterr()
    return int(stopped.value.code or 0), captured.out, captured.err


def test_scenarios_are_drawn_beside_today_and_nothing_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    code, out, _ = run("compare", "draguignan", capsys=capsys)
    assert code == 0
    assert not list(tmp_path.iterdir())
    lines = out.splitlines()
    assert max(map(len, lines)) <= 80
    header = next(line for line in lines if "Aujourd'hui" in line)
    assert header.split() == ["Aujourd'hui", "A", "B", "C"]
    mean = next(line for line in lines if line.startswith(" Temps moyen"))
    # the IME stays in A, and its mean in B is within the doubt
    assert mean.split()[-3] == "="
    assert mean.split()[-2].endswith("≈")
    assert "jamais additionnés" in out


def test_one_council_and_the_whole_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run("compare", "draguignan", "--zone", "dracenie", "--out", str(tmp_path), capsys=capsys)
    assert code == 0
    assert "Dracénie" in out
    csv, parquet = tmp_path / "comparaison_mesures.csv", tmp_path / "comparaison_mesures.parquet"
    table = pd.read_parquet(parquet)
    assert csv.exists()
    assert {"scenario", "threshold_min", "baseline_value", "scenario_value"} <= set(table.columns)
    assert undeclared("comparaison_mesures", table.columns) == []


def test_unknown_zone_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run("compare", "draguignan", "--zone", "999", capsys=capsys)
    assert (code, out) == (1, "")
    assert "Zone « 999 » absente" in err


def test_help_is_in_french(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run("compare", "--help", capsys=capsys)
    assert code == 0
    assert "n'écrit rien sans --out" in " ".join(out.split())
