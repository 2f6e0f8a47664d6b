from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from territory.report.files.writers import without_formulas, write_table

FORMULAS = [
    "=1+1",
    "+cmd|' /C calc'!A0",
    "-2+3+cmd|' /C calc'!A0",
    "@SUM(1+1)",
    "\t=1",
    "\r=1",
    " =1",
    "-A1",
    "+A1",
]
TEXTS = ["CMPP", "", "-", "–", "-3", "-3,5", "+2", "-12.5 %", "a=b", "'=1", "< 11", "(est)", "83050"]


@pytest.mark.parametrize("text", FORMULAS)
def test_what_begins_a_formula_is_written_as_a_text(tmp_path: Path, text: str) -> None:
    table = pd.DataFrame({"name": [text, None, "x"], "time_min": [-1.0, float("nan"), 2.0]})
    write_table(table, tmp_path / "sites")
    back = pd.read_csv(tmp_path / "sites.csv", dtype=str, keep_default_na=False)
    assert back["name"].to_list() == [f"'{text}".replace("\r", " "), "", "x"]
    assert back["time_min"].to_list() == ["-1.0", "", "2.0"]
    assert pd.read_parquet(tmp_path / "sites.parquet")["name"][0] == text


@pytest.mark.parametrize("dtype", ["str", "object", "category"])
def test_other_texts_are_left_as_they_are(dtype: str) -> None:
    table = pd.DataFrame({"name": pd.Series(TEXTS, dtype=dtype)})
    assert without_formulas(table) is table


def test_categories_and_mixed_columns() -> None:
    table = pd.DataFrame({"a": pd.Categorical(["=1", "b"]), "b": pd.Series([1, "=2"], dtype=object)})
    assert without_formulas(table).to_dict("list") == {"a": ["'=1", "b"], "b": [1, "'=2"]}
