"""Fixtures shared by every test."""

from __future__ import annotations

import functools
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import Phase, settings

from tests import embedded, vallon

if TYPE_CHECKING:
    from territory.result import StudyResult

# the fast suite tries the same few examples at each run; `make slow` draws many new ones; what only asks whether a test
# fails (`tools/mutations.py`) wants no smallest example of it
settings.register_profile("fast", derandomize=True, deadline=None, max_examples=6)
settings.register_profile("verdict", settings.get_profile("fast"), phases=(Phase.explicit, Phase.generate))
settings.register_profile("slow", derandomize=False, deadline=None, max_examples=200)
settings.load_profile(os.environ.get("TERRITORY_EXAMPLES", "fast"))

SHARED_DATA = "TERRITORY_SHARED_DATA"
_skipped: list[str] = []


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of real public files named by TERRITORY_SHARED_DATA, or a skip that says so."""
    folder = os.environ.get(SHARED_DATA, "")
    if not folder or not Path(folder).is_dir():
        pytest.skip(f"no real files: {SHARED_DATA} does not name a folder")
    return Path(folder)


@pytest.fixture(scope="session")
def draguignan() -> StudyResult:
    """Results of the built-in study, computed once for all the tests that read them; none may change them."""
    return embedded.lent()


@pytest.fixture(scope="session")
def made_up() -> StudyResult:
    """Results of the made-up territory, computed once for all the tests that read them; none may change them."""
    return vallon.lent()


@functools.cache
def reads_the_var(path: Path) -> bool:
    """Tell whether a test or an example of a file, or a fixture of its folder, asks for the built-in study."""
    shared = path.parent / "conftest.py"
    texts = [one.read_text("utf-8") for one in (path, shared) if one.is_file() and one != Path(__file__)]
    return any(
        re.search(r"\bdraguignan: StudyResult|>>>.*run_study\(\"draguignan\"\)", text) for text in texts
    )


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> object:
    """Give the tests of a file to one process, and to one alone those that read the Var, those that compile roads."""
    from xdist.scheduler import LoadScopeScheduling

    class ByFile(LoadScopeScheduling):  # type: ignore[misc]
        def _split_scope(self, nodeid: str) -> str:
            file = nodeid.partition("::")[0]
            if file.startswith(("tests/network/", "tests/transit/")):
                return "roads"
            return "the Var" if reads_the_var(config.rootpath / file) else file

    return ByFile(config, log)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Remember the tests that real files would have run."""
    if report.skipped and SHARED_DATA in str(report.longrepr):
        _skipped.append(report.nodeid)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how many tests were skipped for want of real files."""
    terminalreporter.write_line(f"tests skipped without real files ({SHARED_DATA}): {len(set(_skipped))}")
