from __future__ import annotations

from pathlib import Path

import pytest

import territory
from territory.datasets.files import dataset_names
from territory.errors import StudyError
from territory.study.load import built_in_studies, paths_outside

SMALL = """\
id = "petite"
title = "Petite étude"
question = "Où sont les hôpitaux ?"
population = "rp2021"
[territory]
name = "Var"
departement_codes = ["83"]
[travel]
closest_services = ["hopital"]
"""
OUTSIDE = [
    "/etc/passwd",
    "../voisin/origines.csv",
    "a/../../b.csv",
    "..",
    "C:\\\\Users\\\\x.csv",
    "c:/x.csv",
    "C:x.csv",
    "\\\\\\\\serveur\\\\partage\\\\x.csv",
    "//serveur/partage/x.csv",
    "a\\\\..\\\\..\\\\b.csv",
    "file:///etc/passwd",
    "/vsicurl/https://exemple.fr/x.gpkg",
]


@pytest.mark.parametrize("path", OUTSIDE)
@pytest.mark.parametrize("key", ["observed_origins", "distancier", "roads"])
def test_files_outside_the_folder_are_refused_before_they_are_opened(
    tmp_path: Path, path: str, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = tmp_path / "etude.toml"
    study.write_text(f'{SMALL}\n[files]\n{key} = "{path}"\n', encoding="utf-8")
    monkeypatch.setattr(
        "territory.study.references.check_references", lambda *_: pytest.fail("looked for the file")
    )
    with pytest.raises(StudyError, match=r"ligne \d+ : .* est hors du dossier de l'étude"):
        territory.load_study(study)


@pytest.mark.parametrize(
    "section", ["[practitioners]\nactivity", "[[grouping]]\ntable", "[[scenario.change]]\nspeeds_file"]
)
def test_every_key_is_looked_at(tmp_path: Path, section: str) -> None:
    study = tmp_path / "etude.toml"
    study.write_text(f'{SMALL}\n{section} = "../a.csv"\n', encoding="utf-8")
    with pytest.raises(StudyError, match="hors du dossier"):
        territory.load_study(study)


@pytest.mark.parametrize(
    "text",
    ["origines.csv", "donnees/a.csv", "a..b.csv", "...", "1/2", "A : la suite", "https://exemple.fr/a"],
)
def test_sentences_and_files_beside_are_let_through(text: str) -> None:
    assert not list(paths_outside({"a": [{"b": text}]}))


@pytest.mark.parametrize("text", ["/!\\ provisoire", "Q:combien", "A/../B", "/"])
def test_texts_are_no_paths_and_official_files_may_lie_anywhere(text: str) -> None:
    said = {"title": text, "need": [{"caution": text}], "data": {"cog": "/mnt/partage/cog.csv"}}
    assert not list(paths_outside(said))


def test_built_in_studies_are_let_through() -> None:
    assert dataset_names()
    for name in built_in_studies():
        assert territory.load_study(name)


def test_a_study_nested_without_end_is_refused(tmp_path: Path) -> None:
    study = tmp_path / "etude.toml"
    study.write_text("a = " + "[" * 5000 + "]" * 5000, encoding="utf-8")
    with pytest.raises(StudyError):
        territory.load_study(study)
