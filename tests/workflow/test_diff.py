from __future__ import annotations

import json
import os
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import territory
from territory.errors import MissingFileError, StudyError
from territory.release.comparison import changes_table, release_changes
from territory.result import StudyResult
from territory.study.state import State
from territory.study.words.scenario import Scenario
from territory.workflow import past_runs
from territory.workflow.past_runs import RunDifference, diff_runs, indicators, write_difference
from tests import vallon
from tests.workflow.runs import without_documents


def quick() -> str:
    """Return the study file without what a difference of runs does not read, and with scenario B alone."""
    text = vallon.text()
    for name in ("siting", "grouping"):
        text = re.sub(rf"\n\[\[{name}\]\]\n.*?(?=\n\[)", "", text, flags=re.DOTALL)
    first, second = (text.index(f'[[scenario]]\nid = "{name}"') for name in "AB")
    return text[:first] + text[second:]


def without_scenario(text: str) -> str:
    return text[: text.index("[[scenario]]")] + text[text.index("[[fact]]") :]


def written(study: str | Path, folder: Path, *, population: str | None = None) -> Path:
    """Run a study; return the folder of what `territory diff` reads of it."""
    with without_documents():
        result = territory.run_study(study, population=population, out_dir=folder)
    assert result.report_dir is not None
    return result.report_dir


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    study = vallon.copied(tmp_path_factory.mktemp("study"), quick())
    return tuple(
        written(study, tmp_path_factory.mktemp(vintage), population=vintage)
        for vintage in ("rp2017", "rp2021")
    )


def counted(runs: tuple[Path, Path], **patches: object) -> tuple[RunDifference, int]:
    """Compare two runs, and count the worlds that it takes."""
    worlds = []

    def noted(state: State, scenarios: tuple[Scenario, ...]) -> pd.Series:
        worlds.append(state)
        return indicators(state, scenarios)

    with pytest.MonkeyPatch.context() as patched:
        for name, value in {"indicators": noted, **patches}.items():
            patched.setattr(past_runs, name, value)
        return diff_runs(*runs), len(worlds)


@pytest.fixture(scope="module")
def difference(runs: tuple[Path, Path]) -> RunDifference:
    found, worlds = counted(runs)
    # another census alone: today, and the world with it
    assert worlds == 2
    return found


@pytest.mark.slow
def test_another_census_changes_only_what_population_explains(difference: RunDifference) -> None:
    changes = difference.changes
    assert len(changes) > 0
    parts = changes[["from_population", "from_supply", "from_times", "from_parameters"]]
    np.testing.assert_allclose(parts.sum(axis=1), changes["delta"], atol=1e-6)
    np.testing.assert_allclose(parts.drop(columns="from_population"), 0, atol=1e-9)
    assert "travel_time_min" not in changes.index.get_level_values("indicator")
    assert difference.crossings.empty
    population = changes.loc[("population_hab", vallon.TOWN, "")]
    assert population["value_b"] - population["value_a"] == population["delta"]


def test_largest_changes_come_first(difference: RunDifference) -> None:
    for _, group in difference.changes.groupby(level="indicator"):
        size = group["delta"].abs().to_numpy()
        assert (np.diff(size[~np.isnan(size)]) <= 0).all()


def test_a_run_does_not_differ_from_itself(runs: tuple[Path, Path], tmp_path: Path) -> None:
    same = diff_runs(runs[0], runs[0])
    assert same.changes.empty
    assert write_difference(same, tmp_path)[0].read_bytes().startswith(b"%PDF-")


@pytest.mark.slow
def test_a_new_site_changes_times_through_supply(runs: tuple[Path, Path], tmp_path: Path) -> None:
    opened = f'\n[[site]]\nid = "haut"\nname = "Urgences"\ncommune_code = "{vallon.UPPER}"\n'
    opened += '\n[[service]]\nsite_id = "haut"\nservice = "urgences"\nis_complete_list = true\n'
    path = vallon.copied(tmp_path, without_scenario(quick()) + opened)
    found = diff_runs(runs[1], written(path, tmp_path))
    times = found.changes.xs("travel_time_min", level="indicator")
    assert set(times.index.get_level_values("service")) <= {"urgences"}
    np.testing.assert_allclose(times["from_supply"], times["delta"])
    assert (times["delta"] < 0).all()


def test_small_persons_are_withheld_with_their_parts(difference: RunDifference, tmp_path: Path) -> None:
    table = changes_table(release_changes(difference.changes))
    small = table["indicator"].str.contains("persons") & (
        table["value_a"].eq("< 11") | table["value_b"].eq("< 11")
    )
    assert small.any()
    assert (table.loc[small, ["delta", "from_population"]] == "").all(axis=None)
    paths = write_difference(difference, tmp_path / "comparaison")
    assert [path.name for path in paths] == ["differences.pdf", "differences.csv", "seuils.csv"]
    csv = pd.read_csv(paths[1], dtype=str, keep_default_na=False)
    pd.testing.assert_frame_equal(csv, table, check_dtype=False)


def test_folder_without_manifest_and_data_that_changed(runs: tuple[Path, Path], tmp_path: Path) -> None:
    with pytest.raises(MissingFileError, match="manifest"):
        diff_runs(tmp_path, runs[0])
    manifest = json.loads((runs[0] / "manifest.json").read_text("utf-8"))
    key = next(name for name in manifest["inputs_sha256"] if name.endswith("cog.csv"))
    manifest["inputs_sha256"][key] = "0" * 64
    (tmp_path / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    # where the files of the study are, seen from this copy of the folder
    seen = Path(os.path.relpath(vallon.FOLDER, tmp_path)).as_posix()
    (tmp_path / "timings.json").write_text(json.dumps({"study_folder": seen}), encoding="utf-8")
    with pytest.raises(StudyError, match="n'est plus le fichier d'alors"):
        diff_runs(tmp_path, runs[1])


@pytest.mark.slow
def test_a_study_with_its_own_files_is_found_again_from_anywhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "origines.csv").write_text(
        f"commune_code;authorisation_id;children\n{vallon.TOWN};030990001;40\n"
    )
    more = (
        '\n[files]\nobserved_origins = "origines.csv"\n[[authorisation]]\nid = "030990001"\nlabel = "IME"\n'
    )
    study = vallon.copied(tmp_path, vallon.SMALL_STUDY.read_text("utf-8") + more)
    # as a planner's: an official file is on a shared drive
    share = tmp_path / "partage"
    share.mkdir()
    (tmp_path / "cog.csv").rename(share / "cog.csv")
    study.write_text(
        study.read_text("utf-8").replace('"cog.csv"', f'"{(share / "cog.csv").as_posix()}"'), "utf-8"
    )
    # with its report, its tables and its layers
    result = territory.run_study(study, out_dir=tmp_path / "resultats")
    assert result.report_dir is not None
    for path in result.report_dir.rglob("*.json"):
        assert str(tmp_path) not in path.read_text("utf-8")
    monkeypatch.chdir(tmp_path.parent)
    assert diff_runs(result.report_dir, result.report_dir).changes.empty


@pytest.mark.slow
def test_indicators_do_not_depend_on_the_order_of_communes(made_up: StudyResult) -> None:
    state = made_up.baseline.state
    shuffled = replace(state, communes=state.communes.iloc[::-1])
    one, other = (indicators(world, ()).sort_index() for world in (state, shuffled))
    pd.testing.assert_series_equal(one, other)


@pytest.mark.slow
def test_a_step_that_changes_nothing_gives_the_same_numbers(
    runs: tuple[Path, Path], difference: RunDifference
) -> None:
    found, worlds = counted(runs, _is_same=lambda one, other: False)
    assert worlds == 5
    pd.testing.assert_frame_equal(found.changes, difference.changes)


def test_what_is_the_same_to_the_last_bit(made_up: StudyResult) -> None:
    state = made_up.baseline.state
    assert past_runs._is_same(state, replace(state, demand=state.demand.copy()))
    moved = state.demand.assign(demand=state.demand["demand"] * (1 + 1e-12))
    assert not past_runs._is_same(state, replace(state, demand=moved))
    assert not past_runs._is_same(state, replace(state, parameters=replace(state.parameters, age_scale=2.0)))
    assert not past_runs._is_same(state, replace(state, edge_time_min=None))
    assert not past_runs._is_same({"a": 1, "b": 2}, {"a": 1})
    assert not past_runs._is_same((1, 2), (1,))
