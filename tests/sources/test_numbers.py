"""Numbers as people write them."""

from __future__ import annotations

import math

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from territory.errors import ReadError
from territory.sources.text.cells import to_numbers


def table(*cells: str) -> pd.DataFrame:
    return pd.DataFrame({"n": list(cells)}, index=range(2, 2 + len(cells)), dtype=str)


def numbers(*cells: str, thousands: bool = True) -> list[float]:
    return to_numbers(table(*cells), ["n"], path="a.csv", thousands=thousands)["n"].to_list()


@pytest.mark.parametrize(
    "cells, expected",
    [
        (["12", "-3", "+4"], [12, -3, 4]),
        (["12,5", "1 200", "1\u202f200,25"], [12.5, 1200, 1200.25]),
        (["12.5", "14204.000", "1.234"], [12.5, 14204, 1.234]),
        (["0,125", "1,234"], [0.125, 1.234]),
        (["1,234,567", "1,234"], [1234567, 1234]),
        (["1.234.567,5", "1.234"], [1234567.5, 1234]),
        (["1,234.5"], [1234.5]),
        (["1e3", "2,5E-1"], [1000, 0.25]),
        ([",5", "5,"], [0.5, 5]),
    ],
)
def test_decimal_mark_is_told_from_the_cells(cells, expected):
    assert numbers(*cells) == expected


def test_unknown_cells_are_nan_and_not_zero():
    values = numbers("", "NA", "s", "-", "nd", "0")
    assert all(math.isnan(value) for value in values[:5])
    assert values[5] == 0


def test_a_decimal_mark_in_one_column_speaks_for_the_others():
    frame = pd.DataFrame({"a": ["1,234"], "b": ["0,5"]}, index=[2])
    assert to_numbers(frame, ["a", "b"], path="a.csv")["a"].to_list() == [1.234]


@pytest.mark.parametrize("cell", ["1,234", "1.234"])
def test_what_reads_in_two_ways_is_refused_unless_it_has_no_thousands(cell):
    with pytest.raises(ReadError, match=r"colonne « n », ligne 2 : .* se lire de deux façons .*ôtez"):
        numbers(cell, "7")
    assert numbers(cell, thousands=False) == [1.234]


def test_commas_and_points_in_one_table_are_refused():
    with pytest.raises(ReadError, match=r"à la virgule et au point .*ligne 2 : « 1,5 ».*ligne 3 : « 1\.5 »"):
        numbers("1,5", "1.5")


def test_all_bad_cells_are_counted_with_three_examples():
    with pytest.raises(ReadError) as caught:
        numbers("douze", "12", "1 place", "N°4", "?", "inf", "1_000", "0x1F")
    message = str(caught.value)
    assert "colonne « n » : 7 cellules ne sont pas des nombres" in message
    assert "ligne 2 : « douze », ligne 4 : « 1 place », ligne 5 : « N°4 »…" in message


def test_every_column_with_bad_cells_is_in_the_one_error():
    frame = pd.DataFrame({"a": ["x"], "b": ["y"]}, index=[2])
    with pytest.raises(ReadError, match="2 problèmes"):
        to_numbers(frame, ["a", "b"], path="a.csv")


@given(
    st.lists(st.integers(-(10**9), 10**9), min_size=1, max_size=20),
    st.sampled_from([",", "."]),
    st.sampled_from(["", " ", "\u00a0", "\u202f"]),
)
def test_numbers_written_with_two_decimals_come_back(hundredths, mark, space):
    written = [
        f"{value / 100:,.2f}".replace(",", "_").replace(".", mark).replace("_", space) for value in hundredths
    ]
    assert numbers(*written) == pytest.approx([value / 100 for value in hundredths], abs=1e-9)


@given(st.lists(st.text("0123456789,.- eE", max_size=9), min_size=1, max_size=5))
def test_no_cell_becomes_nan_in_silence(cells):
    try:
        values = numbers(*cells)
    except ReadError:
        return
    for cell, value in zip(cells, values, strict=True):
        assert math.isnan(value) == (cell.strip() in ("", "-"))
