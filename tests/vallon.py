"""A made-up territory, small and whole: what most tests of runs, documents and commands are about.

Fifteen communes of three EPCI in a valley, four around; four services, two scenarios, no draw. The Var is for the
golden run, and for what is said of the Var.
"""

from __future__ import annotations

import atexit
import shutil
import tempfile
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from tests import embedded

if TYPE_CHECKING:
    from territory.result import StudyResult

FOLDER = Path(__file__).parent / "worlds" / "vallon"
STUDY = FOLDER / "vallon.toml"
# one question about the same communes, without need nor scenario: the quickest run that is whole
SMALL_STUDY = FOLDER / "petite.toml"
# the town, a large commune of each other EPCI, and three that are too small to be counted
TOWN, UPPER, PORT = "03901", "03906", "03911"
TINY = ("03905", "03908", "03909")
FOCUS, PLATEAU, RIVERS = "200099901", "200099902", "200099903"
IME, SESSAD, CMPP, CMP = "ime-hautbourg", "sessad-hautbourg", "cmpp-vallon", "cmp-port-ombre"


def text() -> str:
    """Return the study file."""
    return STUDY.read_text("utf-8")


def copied(folder: Path, text_: str | None = None, *, name: str = "vallon.toml") -> Path:
    """Copy the files of the study in a folder, with a study file of one's own where it is given; return its path."""
    folder.mkdir(parents=True, exist_ok=True)
    for path in FOLDER.iterdir():
        if path.suffix != ".toml":
            shutil.copyfile(path, folder / path.name)
    target = folder / name
    target.write_text(text() if text_ is None else text_, encoding="utf-8")
    return target


@cache
def written() -> StudyResult:
    """Return the results of the study with its files, written once in each process; who changes them copies them."""
    from territory.workflow.run import run_study

    folder = Path(tempfile.mkdtemp(prefix="vallon-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return run_study(STUDY, out_dir=folder)


def lent() -> StudyResult:
    """Return the results of the study, computed once in each process; nobody may change them."""
    return embedded.lent(STUDY)
