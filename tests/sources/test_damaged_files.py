"""What a spreadsheet does to codes and numbers: the same table comes back, or the file is refused with the line."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from territory.errors import ReadError, TerritoryWarning
from tests.sources.broken import CASES, Case
from tests.sources.test_broken_files import all_in_slow

_NARROW, _NO_BREAK = "\u202f", "\u00a0"
# cells of five or nine digits: codes of communes, numbers of FINESS and SIREN, and some counts
_CODE = re.compile(r"(?<![^;])(\d{5}|\d{9})(?![^;\n])")
# a sample whose codes have a zero to lose
CODES: dict[str, Callable[[str], str]] = {
    "as it is": lambda code: code,
    "spaces": lambda code: f" {code}{_NO_BREAK}",
    "decimals": lambda code: f"{code}.0",
    "French decimals": lambda code: f"{code},0",
    "thousands": lambda code: f"{code[:-3]}{_NARROW}{code[-3:]}",
    "mark of a text": lambda code: f"'{code}",
    "lost zero": lambda code: code.removeprefix("0"),
    "exponent": lambda code: f"{int(code):.2E}".replace(".", ","),
    "date": lambda code: "05/01/1904",
}
FILES: dict[str, Callable[[str], bytes]] = {
    "as it is": str.encode,
    "mark of order": lambda text: text.encode("utf-8-sig"),
    "utf-16": lambda text: text.encode("utf-16"),
    "Windows": lambda text: text.replace("\n", "\r\n").encode(),
    "tabulations": lambda text: text.replace(";", "\t").encode(),
    "separators at the end": lambda text: text.replace("\n", ";;\n").encode(),
    "empty lines": lambda text: f"{text}\n\n;;\n".encode(),
}


def read(case: Case, path: Path) -> Any:
    """Read a file without its warnings."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", TerritoryWarning)
        return case.reader(path)


def with_zeros(text: str) -> str:
    """Return a sample in a département whose code begins with a zero."""
    return text.replace("83050", "04070").replace("83121", "04112").replace("83002", "04001")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
@pytest.mark.parametrize("name", all_in_slow(sorted(CASES)))
def test_a_damaged_file_gives_the_same_table_or_is_refused_with_the_line(
    name: str, tmp_path: Path, data: st.DataObject
) -> None:
    case = CASES[name]
    text = with_zeros(case.sample.text)
    path = tmp_path / case.sample.name
    path.write_text(text, encoding="utf-8")
    expected = read(case, path)
    cells = list(_CODE.finditer(text))
    done = data.draw(st.sampled_from(sorted(CODES)), label="codes")
    # all the cells of the sheet, or some of them
    chosen = data.draw(st.sets(st.sampled_from(range(len(cells)))), label="cells") if cells else set()
    if data.draw(st.booleans(), label="all"):
        chosen = set(range(len(cells)))
    damaged = text
    for number in sorted(chosen, reverse=True):
        cell = cells[number]
        damaged = damaged[: cell.start()] + CODES[done](cell[0]) + damaged[cell.end() :]
    written = data.draw(st.sampled_from(sorted(FILES)), label="file")
    path.write_bytes(FILES[written](damaged))
    try:
        found = read(case, path)
    except ReadError as refusal:
        said = str(refusal)
        assert path.name in said
        assert "ligne" in said or "séparateur" in said or "colonne" in said, said
        return
    same(found, expected)


def same(found: Any, expected: Any) -> None:
    """Check that two tables are equal, whatever the lines they come from."""
    if isinstance(found, pd.Series):
        pd.testing.assert_series_equal(found, expected)
        return
    assert list(found.columns) == list(expected.columns)
    left, right = (pd.DataFrame(one).reset_index().astype(str) for one in (found, expected))
    pd.testing.assert_frame_equal(left, right)
