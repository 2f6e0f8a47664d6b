"""Examples of the library share one run of the embedded study: each would otherwise compute it again."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest

import territory

EMBEDDED = "draguignan"


@cache
def _embedded_run() -> Any:
    """Run the embedded study, once."""
    from territory.workflow.running import run_study

    return run_study(EMBEDDED)


def _shared_run(study: Any, **options: Any) -> Any:
    """Return the shared run where an example asks for just that, a run of its own otherwise."""
    from territory.workflow.running import run_study

    return _embedded_run() if study == EMBEDDED and not options else run_study(study, **options)


@pytest.fixture(autouse=True)
def _one_run_for_all_examples(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Give examples the shared run; tests keep their own."""
    if isinstance(request.node, pytest.DoctestItem):
        monkeypatch.setattr(territory, "run_study", _shared_run)
