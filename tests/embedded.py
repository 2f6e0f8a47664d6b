"""The built-in study, run once in each process for all the tests and examples that only read it."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import fields
from functools import cache
from typing import TYPE_CHECKING

import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Iterator

    from territory.result import StudyResult

STUDY = "draguignan"


def lent() -> StudyResult:
    """Return the results of the built-in study; nobody may change them."""
    return _computed()[0]


def check_unchanged() -> None:
    """Fail when somebody has changed a table that the others read too."""
    if _computed.cache_info().currsize:
        result, before = _computed()
        for name, table in _tables(result):
            # the difference in words takes a minute over all tables, and there is one only when somebody is wrong
            if not table.equals(before[name]):
                pd.testing.assert_frame_equal(
                    table, before[name], obj=f"shared run, changed by a test: {name}"
                )
                raise AssertionError(f"shared run, changed by a test: {name}")


@cache
def _computed() -> tuple[StudyResult, dict[str, pd.DataFrame]]:
    """Return the results, and a copy of their tables as they were before anybody read them."""
    # not `territory.run_study`, which lends these results to the examples
    from territory.workflow.run import run_study

    result = run_study(STUDY)
    return result, {name: deepcopy(table) for name, table in _tables(result)}


def _tables(result: StudyResult) -> Iterator[tuple[str, pd.DataFrame]]:
    """Give every table of the results by its name."""
    sides = {"baseline": result.baseline, **result.scenarios}
    parts: dict[str, object] = {f"results of {name}": one for name, one in sides.items()}
    parts |= {f"state of {name}": one.state for name, one in sides.items()}
    parts |= {f"comparison of {name}": one for name, one in result.comparisons.items()}
    for part, holder in parts.items():
        for one in fields(holder):  # type: ignore[arg-type]
            table = getattr(holder, one.name)
            if isinstance(table, pd.DataFrame):
                yield f"{part}, {one.name}", table
