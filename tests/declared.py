"""Check that all that a run hands over and shows is declared, under French headings."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import fields

import pandas as pd

from territory.release.handed_tables import tables
from territory.report.files.layers import map_layers
from territory.report.files.workbook import full_sheets
from territory.report.reading import read
from territory.result import StudyResult
from territory.tables.catalogue import label_of, undeclared

ENGLISH = re.compile(
    r"(?i)\b(?:travel|time|gain|loss|baseline|scenario_|share|closest|outside|commune_|value|label|site_|low|high|reason)\b"
)
# attributes that hold a table declared under the name of the contract
CONTRACT = {
    "Results.access": "access",
}
STATE = {"site_times": "travel_times"}


def frames(result: StudyResult) -> Iterator[tuple[str, pd.DataFrame]]:
    """Yield every table of the objects of a run, under the name of its declaration."""
    objects = [result.baseline, *result.scenarios.values(), *result.comparisons.values(), result.draws]
    for one in [*objects, *result.siting.values(), *result.groupings.values()]:
        if one is None:
            continue
        for field in fields(one):
            name = f"{type(one).__name__}.{field.name}"
            if isinstance(value := getattr(one, field.name), pd.DataFrame):
                yield CONTRACT.get(name, name), value
    state = result.baseline.state
    for field in fields(state):
        if isinstance(value := getattr(state, field.name), pd.DataFrame):
            yield STATE.get(field.name, field.name), value
    for one in result.comparisons.values():
        yield "comparison", one.by_commune
        yield "Comparison.trips", one.direct_trips
        for name in ("sensitivity", "councils", "deserts", "measures", "trips"):
            yield f"Comparison.{name}", getattr(one, name)
    for name in ("account_terms", "waits", "buildings"):
        yield f"StudyResult.{name}", getattr(result, name)
    if result.comparisons:
        yield "StudyResult.side_by_side", result.side_by_side.droplevel(0, axis=1)
    if result.isochrones is not None:
        yield "StudyResult.isochrones", result.isochrones


def names_of(table: pd.DataFrame) -> list[str]:
    """Return the keys and columns of a table."""
    return [str(name) for name in (*table.index.names, *table.columns) if name is not None]


def check(result: StudyResult) -> None:
    """Check all that a run hands over and shows."""
    missing: dict[str, list[str]] = {}
    handed_over = tables(result)
    every = [*frames(result), *handed_over.items()]
    every += [(f"territoire.gpkg {one.name}", one.table) for one in map_layers(read(result))]
    for name, table in every:
        if len(table.columns):
            missing |= {name: found} if (found := undeclared(name, names_of(table))) else {}
    assert missing == {}
    for name, table in handed_over.items():
        labels = [label_of(name, str(column)) for column in table.columns]
        assert len(set(labels)) == len(labels), (name, sorted(labels))
        for column, label in zip(table.columns, labels, strict=True):
            assert not ENGLISH.search(label), (name, column, label)
            assert "_" not in label
    # a sheet is made of declared columns alone: another one would raise
    assert full_sheets(handed_over, read(result))
