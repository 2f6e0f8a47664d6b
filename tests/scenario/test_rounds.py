"""Rounds in a study: the same homes before and after, observed children in their place, and what is refused."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from territory import load_study, run_study
from territory.errors import StudyError
from territory.release.gate import release
from territory.report.chapters.journeys import time_on_board
from territory.report.layout.document import DataTable, Picture
from territory.report.reading import read
from territory.result import StudyResult
from territory.scenario.doubt.rounds import MEASURES, TODAY
from territory.scenario.zones import ALL_TERRITORY
from tests import vallon

CHILD = "rounds = { seats = 8, max_ride_min = 60, children = 12, draws = 3, effort = 5, driver_eur_per_hour = 20 }\n"
STAFF = "rounds = { day_min = 420, visit_min = 60, children = 6, draws = 2, effort = 5 }\n"


def with_rounds(child: str = CHILD, staff: str = STAFF) -> str:
    """Return the study of the valley with rounds for its IME and its SESSAD."""
    blocks = re.split(r"(?m)^(?=\[\[authorisation\.trip\]\]$)", vallon.text())
    for said, added in (("child", child), ("staff", staff)):
        place = next(k for k, block in enumerate(blocks) if f'who = "{said}"' in block)
        head, _, rest = blocks[place].partition("\n")
        blocks[place] = f"{head}\n{added}{rest}"
    return "".join(blocks)


@pytest.fixture(scope="module")
def valley(tmp_path_factory: pytest.TempPathFactory) -> StudyResult:
    return run_study(vallon.copied(tmp_path_factory.mktemp("vallon"), with_rounds()))


def test_each_scenario_stands_beside_today_over_the_same_draws(valley: StudyResult) -> None:
    rows, paths = valley.rounds
    assert set(rows["measure"]) <= set(MEASURES)
    assert set(rows["service"]) == {vallon.IME, vallon.SESSAD}
    assert set(rows["scenario"]) == set(valley.scenarios)
    assert rows["unit"].eq(rows["measure"].map(MEASURES)).all()
    known = rows[rows["zone"] == ALL_TERRITORY].dropna(subset=["delta_value"])
    gaps = known["scenario_value"] - known["baseline_value"] - known["delta_value"]
    assert gaps.abs().max() < 1e-9
    assert (rows["baseline_low"] <= rows["baseline_value"] + 1e-9).all()
    # today is the same whatever it stands beside
    today = rows.groupby(["zone", "service", "measure"])["baseline_value"].nunique(dropna=False)
    assert today.eq(1).all()
    longest = rows.loc[rows["measure"] == "longest_ride_min", ["baseline_high", "scenario_high"]]
    assert (longest <= 60 + 1e-6).all(axis=None)
    # the path is of communes, and ends at a site of the situation
    first = paths[paths["scenario"] == TODAY]
    assert set(first["place_id"].iloc[:-1]) <= set(valley.baseline.state.communes.index)
    assert first["place_id"].iloc[-1] in valley.baseline.state.sites.index


def test_the_same_seed_gives_the_same_rounds(valley: StudyResult, tmp_path: Path) -> None:
    again = run_study(vallon.copied(tmp_path, with_rounds())).rounds
    assert all(one.equals(other) for one, other in zip(again, valley.rounds, strict=True))


def test_the_report_says_what_is_supposed_and_draws_no_home(valley: StudyResult) -> None:
    blocks = time_on_board(read(valley), whole=True)
    told = [block for block in blocks if isinstance(block, DataTable)]
    assert len(told) == 2
    assert [row[0] for row in told[0].rows][:2] == ["Véhicules", "Temps à bord moyen"]
    assert "8 places" in told[0].caption
    pictures = [block for block in blocks if isinstance(block, Picture)]
    assert 1 <= len(pictures) <= 2
    # the council reads of professionals in a sentence
    short = [block for block in time_on_board(read(valley)) if not isinstance(block, Picture)]
    assert len([block for block in short if isinstance(block, DataTable)]) == 1
    assert "sur la route" in str(short[-1])
    assert all("aujourd'hui" in one.caption or "scénario" in one.caption for one in pictures)
    assert "tournees" in release(valley).tables


def test_a_study_without_rounds_says_nothing_of_them() -> None:
    assert vallon.lent().rounds[0].empty
    assert time_on_board(read(vallon.lent())) == []
    assert "tournees" not in release(vallon.lent()).tables


@pytest.mark.parametrize(
    "child, words",
    [
        ("rounds = { seats = 8 }\n", "rounds : indiquez aussi max_ride_min"),
        ("rounds = { day_min = 420 }\n", "rounds : indiquez aussi seats et max_ride_min"),
        ("rounds = { seats = 0, max_ride_min = 60 }\n", "seats"),
        ("rounds = { seats = 8, max_ride_min = -1 }\n", "max_ride_min"),
    ],
)
def test_rules_that_are_missing_or_wrong_are_refused(tmp_path: Path, child: str, words: str) -> None:
    with pytest.raises(StudyError, match=words):
        load_study(vallon.copied(tmp_path, with_rounds(child)))
