"""Two studies run once in each process for all the tests and examples that only read them.

The built-in one, of the Var, and that of the made-up territory (`tests.vallon`).
"""

from __future__ import annotations

from copy import deepcopy
from dataclasses import fields
from typing import TYPE_CHECKING

import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from territory.result import StudyResult

STUDY = "draguignan"

_Lent = tuple["StudyResult", dict[str, pd.DataFrame]]
# results of each study, and a copy of their tables as they were before anybody read them
_computed: dict[str, _Lent] = {}


def lent(study: str | Path = STUDY) -> StudyResult:
    """Return the results of a study; nobody may change them."""
    key = str(study)
    if key not in _computed:
        # not `territory.run_study`, which lends these results to the examples
        from territory.workflow.run import run_study

        result = run_study(study)
        _computed[key] = result, {name: deepcopy(table) for name, table in _tables(result)}
    return _computed[key][0]


def check_unchanged() -> None:
    """Fail when somebody has changed a table that the others read too."""
    for result, before in _computed.values():
        for name, table in _tables(result):
            # the difference in words takes a minute over all tables, and there is one only when somebody is wrong
            if not table.equals(before[name]):
                pd.testing.assert_frame_equal(
                    table, before[name], obj=f"shared run, changed by a test: {name}"
                )
                raise AssertionError(f"shared run, changed by a test: {name}")


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
