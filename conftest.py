"""One run of the embedded study for whatever only reads it: each test or example would compute it again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

# the texts of the notebooks have no example: to look for one would run each of them, before the first test
collect_ignore_glob = ["notebooks/*.py"]

SOURCES = Path(__file__).parent / "src"


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    """Leave aside the modules of the library that hold no example: each would be loaded to look for one."""
    if collection_path.suffix != ".py" or not collection_path.is_relative_to(SOURCES):
        return None
    return True if ">>> " not in collection_path.read_text("utf-8") else None


def _shared_run(study: Any, **options: Any) -> Any:
    """Return the shared run where an example asks for just that, a run of its own otherwise."""
    from territory.study import built_in_studies
    from territory.workflow.run import run_study
    from tests.embedded import lent

    is_built_in = isinstance(study, str) and study in built_in_studies()
    return lent(study) if is_built_in and not options else run_study(study, **options)


@pytest.fixture(autouse=True)
def _one_run_for_all_examples(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Give examples the shared run, and a folder of their own to write in; tests keep their own."""
    if isinstance(request.node, pytest.DoctestItem):
        import territory

        monkeypatch.chdir(request.getfixturevalue("tmp_path"))
        monkeypatch.setattr(territory, "run_study", _shared_run)


@pytest.fixture(scope="session", autouse=True)
def _nobody_changes_the_shared_run() -> Iterator[None]:
    """Fail at the end when a test has changed what the others read."""
    yield
    from tests.embedded import check_unchanged

    check_unchanged()
