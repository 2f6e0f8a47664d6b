"""One run of the embedded study for whatever only reads it: each test or example would compute it again."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

import territory
from tests.embedded import STUDY, check_unchanged, lent

# the texts of the notebooks have no example: to look for one would run each of them, before the first test
collect_ignore_glob = ["notebooks/*.py"]


def _shared_run(study: Any, **options: Any) -> Any:
    """Return the shared run where an example asks for just that, a run of its own otherwise."""
    from territory.workflow.run import run_study

    return lent() if study == STUDY and not options else run_study(study, **options)


@pytest.fixture(autouse=True)
def _one_run_for_all_examples(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Give examples the shared run; tests keep their own."""
    if isinstance(request.node, pytest.DoctestItem):
        monkeypatch.setattr(territory, "run_study", _shared_run)


@pytest.fixture(scope="session", autouse=True)
def _nobody_changes_the_shared_run() -> Iterator[None]:
    """Fail at the end when a test has changed what the others read."""
    yield
    check_unchanged()
