"""What every test of pictures draws."""

from __future__ import annotations

import pytest

from territory.result import StudyResult


@pytest.fixture(scope="session")
def result(draguignan: StudyResult) -> StudyResult:
    """Results of the built-in study."""
    return draguignan
