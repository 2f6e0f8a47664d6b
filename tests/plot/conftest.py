"""One run of the built-in study for every test of pictures: it takes seconds, and none of them changes it."""

from __future__ import annotations

import pytest

import territory
from territory.workflow import StudyResult


@pytest.fixture(scope="session")
def result() -> StudyResult:
    """Results of the built-in study."""
    return territory.run_study("draguignan")
