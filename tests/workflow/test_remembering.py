from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import territory
from territory.errors import MissingFileError, ReadError
from territory.workflow.past_runs import MANIFEST, TIMINGS, past_study


@pytest.fixture
def run(tmp_path: Path) -> Path:
    parameters = territory.load_study("draguignan").model_dump(mode="json", exclude_none=True)
    (tmp_path / MANIFEST).write_text(
        json.dumps({"parameters": parameters, "inputs_sha256": {"a": "0"}}), "utf-8"
    )
    (tmp_path / TIMINGS).write_text(json.dumps({"study_folder": "../etude"}), "utf-8")
    return tmp_path


def change(path: Path, **values: Any) -> None:
    content = json.loads(path.read_text("utf-8"))
    path.write_text(json.dumps({**content, **values}), "utf-8")


def test_a_past_study_is_found_again(run: Path) -> None:
    study, digests = past_study(run)
    assert (study.id, digests) == ("draguignan", {"a": "0"})
    assert Path(study.folder) == run / ".." / "etude"


def test_a_folder_where_a_run_was_stopped_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MissingFileError, match="n'est pas le dossier d'une étude"):
        past_study(tmp_path)


@pytest.mark.parametrize(
    "content", ["", "[]", "{}", "{", "[" * 100_000, '{"parameters": [], "inputs_sha256": {}}', "\x00"]
)
def test_a_manifest_that_says_nonsense_is_refused(run: Path, content: str) -> None:
    (run / MANIFEST).write_text(content, "utf-8")
    with pytest.raises(ReadError, match="relancez l'étude"):
        past_study(run)


def test_unknown_keys_of_another_version_are_refused(run: Path) -> None:
    change(run / MANIFEST, parameters={"id": "x", "inconnue": 1})
    with pytest.raises(ReadError, match="clés refusées"):
        past_study(run)


@pytest.mark.parametrize("place", ["/etc", "C:\\x", "\\\\serveur\\partage", "//serveur/partage"])
def test_the_folder_of_the_study_is_relative(run: Path, place: str) -> None:
    change(run / TIMINGS, study_folder=place)
    with pytest.raises(ReadError, match="chemin relatif"):
        past_study(run)


def test_files_outside_the_folder_of_the_study_are_refused(run: Path) -> None:
    parameters = json.loads((run / MANIFEST).read_text("utf-8"))["parameters"]
    change(run / MANIFEST, parameters={**parameters, "files": {"roads": "//serveur/partage/a.osm"}})
    with pytest.raises(ReadError, match="hors du dossier"):
        past_study(run)
