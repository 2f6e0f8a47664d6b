"""Every column that three studies hand over, against what it was: what no other test looks at is looked at here.

After a change that is meant: `TERRITORY_WRITE_GOLDEN=1 pytest tests/workflow/test_golden_tables.py`, and read what
`git diff` says of `golden_tables.csv`.
"""

from __future__ import annotations

import os
import zlib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from territory import run_study
from territory.release import release
from territory.result import StudyResult
from tests import vallon
from tests.report.worlds import world
from tests.scenario.test_rounds import with_rounds

GOLDEN = Path(__file__).with_name("golden_tables.csv")
KEYS = ["study", "table", "column"]


def summed_up(result: StudyResult) -> pd.DataFrame:
    """Return, of each column of each table, what is known, its sum, its sum by the place of rows, and its texts."""
    rows = []
    for name, table in sorted(release(result).tables.items()):
        for place, (column, values) in enumerate(table.items()):
            numbers = pd.to_numeric(values, errors="coerce").astype(float)
            is_text = not pd.api.types.is_numeric_dtype(values.dtype)
            texts = "|".join(values[values.notna()].astype(str)) if is_text else ""
            finite = numbers.where(np.isfinite(numbers) & (not is_text), 0.0).to_numpy()
            ranks = np.arange(1, len(table) + 1)
            crc = zlib.crc32(texts.encode())
            line = (
                name,
                column,
                place,
                len(table),
                int(values.notna().sum()),
                finite.sum(),
                finite @ ranks,
                crc,
            )
            rows.append(line)
    columns = ["table", "column", "place", "rows", "known", "total", "by_rank", "texts"]
    return pd.DataFrame(rows, columns=columns)


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    rounds = vallon.copied(tmp_path_factory.mktemp("rounds"), with_rounds())
    studies = {"valley": vallon.lent(), "observed": world("observed"), "rounds": run_study(rounds)}
    tables = {name: summed_up(result) for name, result in studies.items()}
    return pd.concat(tables, names=["study"]).reset_index("study").set_index(KEYS)


def test_the_tables_are_what_they_were(found: pd.DataFrame) -> None:
    if os.environ.get("TERRITORY_WRITE_GOLDEN"):
        found.to_csv(GOLDEN, float_format="%.9g", lineterminator="\n")
    golden = pd.read_csv(GOLDEN).set_index(KEYS)
    assert list(found.index) == list(golden.index)
    near = np.isclose(found[["total", "by_rank"]], golden[["total", "by_rank"]], rtol=1e-6, atol=1e-6)
    exact = ["place", "rows", "known", "texts"]
    changed = ~near.all(axis=1) | found[exact].ne(golden[exact]).any(axis=1)
    assert not changed.any(), f"{int(changed.sum())} columns changed: {found.index[changed][:20].tolist()}"
