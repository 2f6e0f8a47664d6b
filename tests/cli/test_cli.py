from __future__ import annotations

import os
import subprocess
import sys
import warnings
from pathlib import Path

import openpyxl
import pytest

import territory
from territory.cli import main
from territory.errors import TerritoryWarning
from territory.study.own_tables import read_grouping_table
from tests import vallon


def run(*arguments: str, capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as stopped:
        main(list(arguments))
    captured = capsys.readouterr()
    return int(stopped.value.code or 0), captured.out, captured.err


def test_help_is_in_french(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run("--help", capsys=capsys)
    assert code == 0
    for word in ("Usage : ", "Commandes :", "Options :", "Affiche cette aide."):
        assert word in out
    assert "Show this" not in out


@pytest.mark.parametrize("command", [("diff",), ("check",), ("notebooks", "run")])
def test_help_of_a_command_keeps_no_english_and_says_a_default_once(
    command: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    _, out, _ = run(*command, "--help", capsys=capsys)
    assert "<path>" not in out
    assert "[default" not in out
    assert "(par défaut" not in out


@pytest.mark.parametrize(
    "arguments, expected",
    [
        (("run",), "Argument absent : ÉTUDE."),
        (("run", "draguignan", "encore"), "Argument en trop : encore"),
        (("run", "draguignan", "--road", "x"), "Option inconnue : --road"),
        (("courir",), "Commande inconnue : « courir »."),
        (("run", "draguignan", "--out"), "L'option --out attend une valeur."),
    ],
)
def test_wrong_usage_is_2_and_in_french(
    arguments: tuple[str, ...], expected: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, _, err = run(*arguments, capsys=capsys)
    assert code == 2
    assert expected in err


def test_failed_study_is_1_without_traceback(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    study = tmp_path / "etude.toml"
    study.write_text('id = "essai"\npopulaton = "rp2021"\n', encoding="utf-8")
    code, out, err = run("run", str(study), capsys=capsys)
    assert (code, out) == (1, "")
    assert err.startswith("Erreur : Fichier d'étude « etude.toml »")
    assert "vouliez-vous dire « population »" in err
    assert "Traceback" not in err
    assert list(tmp_path.iterdir()) == [study]


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--version", capsys=capsys) == (0, f"territory {territory.__version__}\n", "")


@pytest.mark.filterwarnings("default")
def test_warnings_are_sentences(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def doubt() -> tuple[bool, list[str]]:
        for _ in range(2):
            warnings.warn("3 communes sont sans population.", TerritoryWarning, stacklevel=2)
        warnings.warn("mean of empty slice", RuntimeWarning, stacklevel=2)
        return True, []

    monkeypatch.setattr("territory.workflow.setup.diagnose", doubt)
    shown = warnings.showwarning
    code, _, err = run("doctor", capsys=capsys)
    assert code == 0
    assert err.splitlines() == [
        "Attention : 3 communes sont sans population.",
        "Attention : RuntimeWarning : mean of empty slice",
    ]
    # what a notebook shows of its warnings is not ours to change
    assert warnings.showwarning is shown


def test_missing_study_is_1(capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = run("run", "nulle-part.toml", capsys=capsys)
    assert code == 1
    assert "Étude introuvable" in err


def test_run_prints_where_the_report_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    code, out, err = run("run", str(vallon.SMALL_STUDY), capsys=capsys)
    assert code == 0
    assert "reports/petite/rapport.pdf" in out
    # not a terminal: plain lines
    assert "Situation d'aujourd'hui…" in err
    assert (tmp_path / "reports" / "petite" / "rapport.pdf").read_bytes().startswith(b"%PDF-")


def test_template_of_a_study_is_a_workbook(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "questionnaire.xlsx"
    code, out, _ = run("init", "draguignan", "--template", str(path), capsys=capsys)
    assert (code, "Classeur écrit" in out) == (0, True)
    assert path.read_bytes().startswith(b"PK")
    code, _, err = run("init", "nulle-part", "--template", str(path), capsys=capsys)
    assert code == 1
    assert "Étude introuvable" in err


def test_the_workbook_of_the_field_comes_back_filled(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    named = '\n[[authorisation]]\nid = "030990001"\nlabel = "IME"\n'
    study = vallon.copied(tmp_path, vallon.SMALL_STUDY.read_text("utf-8") + named)
    sent, back = tmp_path / "a-remplir.xlsx", tmp_path / "rempli.xlsx"
    assert run("init", str(study), "--template", str(sent), capsys=capsys)[0] == 0
    book = openpyxl.load_workbook(sent)
    for line, (town, children) in enumerate(((vallon.TOWN, 40), (vallon.UPPER, 12)), start=4):
        for column, value in zip("ACDG", (town, "030990001", "ime", children), strict=True):
            book["Lieux d'accueil"][f"{column}{line}"] = value
    for line, (year, euros) in enumerate(((2024, 900_000), (2025, 950_000.5)), start=4):
        for column, value in zip("ACD", ("030990001", year, euros), strict=True):
            book["Budgets"][f"{column}{line}"] = value
    for column, value in zip("ACFG", (vallon.TOWN, "ime", 30, 12), strict=True):
        book["Orientations"][f"{column}4"] = value
    book.save(back)
    vallon.copied(tmp_path, f'{study.read_text("utf-8")}\n[files]\nobserved_origins = "rempli.xlsx"\n')
    # what is to be asked again is listed
    said = r"lignes sans réponse .*, feuille « Orientations », à redemander"
    with pytest.warns(TerritoryWarning, match=said):
        result = territory.run_study(study)
    observed = result.baseline.state.observed_origins
    assert observed is not None
    assert observed.set_index("commune_code")["children"].to_dict() == {vallon.TOWN: 40, vallon.UPPER: 12}
    with pytest.warns(TerritoryWarning, match=said):
        budgets = read_grouping_table(back, sites=["030990001"])["budget_eur"]
    assert budgets.to_dict() == {"030990001": 950_000.5}


def test_doctor_finds_everything(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run("doctor", capsys=capsys)
    assert code == 0
    assert "Données intégrées « var »" in out
    assert "draguignan" in out
    # what only the planner has is listed too, with what is lost without it
    assert "zoning.territories" in out
    assert "sans lui : aucun zonage n'est simulé" in out


@pytest.mark.parametrize("command", [["-c", "import territory"], ["-m", "territory", "--help"]])
def test_start_loads_nothing_heavy(command: list[str]) -> None:
    heavy = "numpy, pandas, geopandas, matplotlib, numba, pandera, typst"
    listed = subprocess.run(
        [sys.executable, "-X", "importtime", *command],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ,
    ).stderr
    loaded = {line.rsplit("|", 1)[-1].strip() for line in listed.splitlines()}
    assert loaded.isdisjoint(heavy.split(", "))


def test_a_study_in_parts_and_a_scheduler(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = vallon.SMALL_STUDY.read_text("utf-8").replace('id = "petite"', 'id = "essai"')
    path = vallon.copied(tmp_path, text)
    code, _, said = run("run", str(path), "--out", str(tmp_path), "--scheduler", "local", capsys=capsys)
    assert code == 1
    assert "[scale]" in said
    path.write_text(f"{text}[scale]\nbatch_size = 10\n", encoding="utf-8")
    code, out, said = run("run", str(path), "--out", str(tmp_path), capsys=capsys)
    assert code == 0, said
    assert "reports/essai/tables" in out
    assert "Temps de trajet, partie 1 sur" in said
    path.write_text(f"{text}[scale]\nmemory = 100\n", encoding="utf-8")
    code, _, said = run("run", str(path), "--out", str(tmp_path), capsys=capsys)
    assert code == 1
    assert "clé inconnue « memory » (vouliez-vous dire « memory_mb » ?)" in said


def test_the_internal_edition_says_so_in_its_folder_and_in_every_file_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    code, out, err = run("run", str(vallon.SMALL_STUDY), "--edition", "interne", capsys=capsys)
    assert code == 0, err
    assert "reports/petite-interne/rapport-interne.pdf" in out
    folder = tmp_path / "reports" / "petite-interne"
    names = [path.name for path in folder.rglob("*") if path.is_file()]
    assert len(names) > 10
    assert [name for name in names if "interne" not in name] == ["manifest.json", "timings.json"]
    assert not (tmp_path / "reports" / "petite").exists()
    assert "ÉDITION INTERNE" in (folder / "resume-interne.html").read_text("utf-8")
