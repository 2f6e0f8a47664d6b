"""Study files of other versions: older ones are carried to today's, newer ones are refused in words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import territory
from territory.errors import ReadError, StudyError, TerritoryWarning
from territory.study import load
from territory.study.load import STEPS, Step, migrate
from territory.study.words.model import Study
from territory.workflow.past_runs import past_study


def renamed(raw: dict[str, Any]) -> dict[str, Any]:
    """A made-up version 2: the question is called `asks`."""
    raw["asks"] = raw.pop("question")
    return raw


def nested(raw: dict[str, Any]) -> dict[str, Any]:
    """A made-up version 3: what is asked is in a table."""
    raw["about"] = {"asks": raw.pop("asks")}
    return raw


MADE_UP = {1: Step(renamed, removed_in="98.0"), 2: Step(nested, removed_in="99.0")}


def test_steps_lead_to_the_version_that_is_read() -> None:
    assert sorted(STEPS) == list(range(1, 1 + len(STEPS)))
    assert Study.model_fields["schema_version"].default == 1 + len(STEPS)


@pytest.mark.parametrize("raw", [{"id": "a"}, {"schema_version": 1, "id": "a"}])
def test_a_file_of_today_is_as_it_was(raw: dict[str, Any]) -> None:
    assert migrate(raw) is raw


@pytest.mark.parametrize(
    "raw, removed_in",
    [
        ({"question": "Qui ?"}, "98.0"),
        ({"schema_version": 1, "question": "Qui ?"}, "98.0"),
        ({"schema_version": 2, "asks": "Qui ?"}, "99.0"),
    ],
)
def test_older_files_go_through_each_step(raw: dict[str, Any], removed_in: str) -> None:
    before = dict(raw)
    with pytest.warns(
        TerritoryWarning, match=f"disparaîtra dans territory {removed_in} ; écrivez schema_version = 3"
    ):
        moved = migrate(raw, steps=MADE_UP)
    assert moved == {"schema_version": 3, "about": {"asks": "Qui ?"}}
    assert raw == before


@pytest.mark.parametrize("version", [0, -1, True, "2", 1.5, None])
def test_what_is_no_version_is_left_to_the_checks(version: object) -> None:
    raw = {"schema_version": version}
    assert migrate(raw, steps=MADE_UP) is raw


def test_a_newer_file_is_refused_at_its_line(tmp_path: Path) -> None:
    path = tmp_path / "etude.toml"
    path.write_text('id = "essai"\nschema_version = 2\nnew_key = "?"\n', encoding="utf-8")
    with pytest.raises(StudyError) as caught:
        territory.load_study(path)
    said = str(caught.value)
    assert said.startswith(
        "Fichier d'étude « etude.toml » : ligne 2 : schema_version 2 : ce fichier vient d'une version"
    )
    assert f"territory {territory.__version__} lit" in said
    # its own keys are not called unknown: they are those of a version that this one does not know
    assert "new_key" not in said


def test_an_older_file_loads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def named(raw: dict[str, Any]) -> dict[str, Any]:
        raw["title"] = raw.pop("name")
        return raw

    def to_today(raw: dict[str, Any]) -> dict[str, Any]:
        return {**migrate(raw, steps={1: Step(named, removed_in="99.0")}), "schema_version": 1}

    monkeypatch.setattr(load, "migrate", to_today)
    path = tmp_path / "etude.toml"
    path.write_text(
        'schema_version = 1\nid = "essai"\nname = "Essai"\nquestion = "Qui ?"\n'
        '[territory]\nname = "Var"\ndepartement_codes = ["83"]\n',
        encoding="utf-8",
    )
    with pytest.warns(TerritoryWarning, match="schema_version = 1"):
        assert territory.load_study(path).title == "Essai"


def test_the_manifest_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    text = '{"parameters": {"schema_version": 2}, "inputs_sha256": {}}'
    (tmp_path / "manifest.json").write_text(text, encoding="utf-8")
    with pytest.raises(ReadError, match="version plus récente"):
        past_study(tmp_path)
