"""What many tests compute of the same worlds, computed once in each process for those that only read it."""

from __future__ import annotations

from typing import Any

import pandas as pd

from territory import scenario as library
from territory.scenario import Scenario
from territory.scenario.results import Comparison, Results
from territory.study.state import State

_lent: dict[int, tuple[State, dict[str, pd.DataFrame]]] = {}
_computed: dict[int, Results] = {}
_compared: dict[tuple[int, str], tuple[Results, Comparison]] = {}


def lend(state: State) -> State:
    """Remember a world that nobody may change, so that it is computed once."""
    tables = {name: one for name, one in vars(state).items() if isinstance(one, pd.DataFrame)}
    _lent[id(state)] = state, {name: table.copy(deep=True) for name, table in tables.items()}
    return state


def check_unchanged() -> None:
    """Fail when somebody has changed a world that the others read too."""
    for state, before in _lent.values():
        for name, table in before.items():
            pd.testing.assert_frame_equal(getattr(state, name), table, obj=f"shared world, {name}")


def compute(state: State, **options: Any) -> Results:
    """Compute a world, once where it is lent."""
    if options or id(state) not in _lent:
        return library.compute(state, **options)
    if id(state) not in _computed:
        _computed[id(state)] = library.compute(state)
    return _computed[id(state)]


def compared(state: State, scenario: Scenario) -> tuple[Results, Comparison]:
    """Compute a scenario and compare it with today, once where the world is lent."""
    key = id(state), scenario.model_dump_json()
    if key not in _compared or id(state) not in _lent:
        later = library.compute(library.apply(state, scenario))
        both = later, library.compare(compute(state), later)
        if id(state) not in _lent:
            return both
        _compared[key] = both
    return _compared[key]
