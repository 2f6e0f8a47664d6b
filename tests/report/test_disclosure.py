"""Disclosure control, attacked by brute force: every table of whole numbers that a reader can still believe."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from territory.errors import ParameterError
from territory.release.disclosure import (
    INTERNAL,
    SUPPRESSED,
    Protection,
    _Range,
    estimate_texts,
    is_small,
    known_anyway,
    printing,
    protect_budgets,
    protect_counts,
)
from territory.release.treatment import rounded_by_unit, share_classes


def protect_table(table: pd.DataFrame, *, threshold: int) -> pd.DataFrame:
    """Print a two-way table of observed counts with its totals."""
    full = table.astype(float).copy()
    full["Total"] = full.sum(axis=1)
    full.loc["Total"] = full.sum(axis=0)
    rows, columns = list(table.index), list(table.columns)
    relations = [((row, "Total"), [(row, column) for column in columns]) for row in [*rows, "Total"]]
    relations += [(("Total", column), [(row, column) for row in rows]) for column in [*columns, "Total"]]
    keys = [(row, column) for row in full.index for column in full.columns]
    # keys are pairs: an object index keeps them whole where a MultiIndex would take them apart
    cells = pd.Series(full.to_numpy().ravel(), index=pd.Index(keys, tupleize_cols=False))
    protected = protect_counts(cells, relations, threshold=threshold)
    return pd.DataFrame(protected.text.to_numpy().reshape(full.shape), index=full.index, columns=full.columns)


def believable(
    published: dict[object, int | None], lines: dict[object, list[object]], most: int
) -> dict[object, set[int]]:
    """Return the values that each cell takes over all ways to fill the withheld parts from 0 to `most`."""
    parts = sorted({part for group in lines.values() for part in group} - set(lines), key=str)
    choices = [range(most + 1) if published[part] is None else [published[part]] for part in parts]
    grids = dict(zip(parts, np.meshgrid(*choices, indexing="ij"), strict=True))
    fits = np.ones(grids[parts[0]].shape, dtype=bool)
    while len(grids) < len(published):
        for total, group in lines.items():
            if total not in grids and all(part in grids for part in group):
                grids[total] = sum(grids[part] for part in group)
                if published[total] is not None:
                    fits &= grids[total] == published[total]
    # a total reached in two ways (rows and columns) is the same sum: its first line is enough
    return {key: set(np.unique(grid[fits]).tolist()) for key, grid in grids.items()}


def read(texts: dict[object, str]) -> dict[object, int | None]:
    """Read the published texts as a reader would."""
    return {
        key: None if text == SUPPRESSED else int(text.replace("\u202f", "")) for key, text in texts.items()
    }


@given(st.lists(st.integers(0, 9), min_size=1, max_size=3), st.integers(2, 4))
def test_no_cell_of_a_list_is_found_from_the_total(counts: list[int], threshold: int) -> None:
    keys: list[object] = [f"c{i}" for i in range(len(counts))]
    cells = pd.Series([*counts, sum(counts)], index=[*keys, "total"])
    published = read(protect_counts(cells, [("total", keys)], threshold=threshold).text.to_dict())
    seen = believable(published, {"total": keys}, sum(counts) + threshold)
    for key, value in cells.items():
        if 0 < value < threshold:
            assert published[key] is None
            assert len(seen[key]) > threshold, (key, published)


@given(st.lists(st.lists(st.integers(0, 6), min_size=2, max_size=2), min_size=2, max_size=3))
def test_no_cell_of_a_table_is_found_from_the_margins(rows: list[list[int]]) -> None:
    threshold, table = 3, pd.DataFrame(rows)
    printed = protect_table(table, threshold=threshold)
    lines: dict[object, list[object]] = {}
    for row in table.index:
        lines[(row, "Total")] = [(row, column) for column in table.columns]
    for column in table.columns:
        lines[("Total", column)] = [(row, column) for row in table.index]
    lines[("Total", "Total")] = [(row, "Total") for row in table.index]
    published = read(
        {(row, column): printed.loc[row, column] for row in printed.index for column in printed.columns}
    )
    seen = believable(published, lines, int(table.to_numpy().max()) + threshold)
    for row, column in itertools.product(table.index, table.columns):
        if 0 < table.loc[row, column] < threshold:
            assert published[(row, column)] is None
            assert len(seen[(row, column)]) >= 2, printed


def test_small_totals_are_withheld_too() -> None:
    cells = pd.Series({"a": 2, "b": 3, "total": 5, "c": 100, "all": 105})
    result = protect_counts(cells, [("total", ["a", "b"]), ("all", ["total", "c"])])
    assert result.withheld[["a", "b", "total", "c"]].all()


def test_a_commune_is_not_found_from_two_levels_of_totals() -> None:
    # the only small commune of an epci, whose total is printed in another table
    cells = pd.Series({"a": 4, "b": 50, "c": 60, "d": 70, "epci1": 54, "epci2": 130, "var": 184})
    relations = [("epci1", ["a", "b"]), ("epci2", ["c", "d"]), ("var", ["epci1", "epci2"])]
    result = protect_counts(cells, relations)
    assert result.text["a"] == result.text["b"] == SUPPRESSED
    assert result.text["c"] == "60"
    assert result.text["var"] == "184"


def test_difference_between_two_reports_gives_nothing() -> None:
    # report 1 prints ages 0-19, report 2 prints 0-17: the two published totals differ by a small cell
    cells = pd.Series({"0-17": 100, "18-19": 4, "0-19": 104})
    result = protect_counts(cells, [("0-19", ["0-17", "18-19"])])
    assert result.text["18-19"] == SUPPRESSED
    assert (result.text == SUPPRESSED).sum() >= 2


def test_without_care_the_cell_would_be_found() -> None:
    # what the attack finds when the small cell alone is withheld: the test can fail
    published: dict[object, int | None] = {"a": None, "b": 30, "total": 34}
    assert believable(published, {"total": ["a", "b"]}, 40)["a"] == {4}


def test_zero_and_large_counts_are_printed() -> None:
    cells = pd.Series({"a": 0, "b": 11, "total": 11})
    result = protect_counts(cells, [("total", ["a", "b"])])
    assert result.text.tolist() == ["0", "11", "11"]
    assert not result.withheld.any()


def test_stricter_threshold_withholds_more() -> None:
    cells = pd.Series({"a": 15, "b": 40, "c": 90, "total": 145})
    relations = [("total", ["a", "b", "c"])]
    assert not protect_counts(cells, relations).withheld.any()
    assert protect_counts(cells, relations, threshold=20).withheld.tolist() == [True, True, False, False]


def test_unknown_counts_stay_unknown() -> None:
    cells = pd.Series({"a": math.nan, "b": 4, "c": 40})
    result = protect_counts(cells, [])
    assert result.text.tolist() == ["inconnu", SUPPRESSED, "40"]


@pytest.mark.parametrize(
    "cells, relations, words",
    [
        (pd.Series([1, 2], index=["a", "a"]), [], "répétées"),
        (pd.Series({"a": -1}), [], "négatifs"),
        (pd.Series({"a": 1}), [("t", ["a"])], "inconnues"),
        (pd.Series({"a": 1, "t": 5}), [("t", ["a"])], "somme"),
    ],
)
def test_wrong_cells_are_refused(cells: pd.Series, relations: list, words: str) -> None:
    with pytest.raises(ParameterError, match=words):
        protect_counts(cells, relations)


def test_a_small_table_beside_its_totals() -> None:
    printed = protect_table(
        pd.DataFrame({"CMPP": [3, 40], "SESSAD": [25, 50]}, index=["Aups", "Trans"]), threshold=11
    )
    assert printed.loc["Aups"].tolist() == ["secret", "secret", "28"]
    assert printed.loc["Trans"].tolist() == ["secret", "secret", "90"]
    assert printed.loc["Total"].tolist() == ["43", "75", "118"]


def test_order_does_not_matter() -> None:
    cells = pd.Series({"a": 4, "b": 30, "c": 60, "d": 31, "total": 125})
    relations = [("total", ["a", "b", "c", "d"])]
    turned = protect_counts(cells.iloc[::-1], relations).text
    pd.testing.assert_series_equal(protect_counts(cells, relations).text, turned.iloc[::-1])


def test_estimates() -> None:
    texts = estimate_texts(pd.Series([0.0, 1e-9, 10.99, 11.0, 12.5, math.nan], index=list("abcdef")))
    assert texts.to_dict() == {"a": "0", "b": "< 11", "c": "< 11", "d": "11", "e": "13", "f": ""}


def test_budgets() -> None:
    groups = pd.Series(["A", "A", "A", "B", "B", "B", "C", "C", "C", "C"])
    budgets = pd.Series([1.0, 1.0, 1.0, 98.0, 1.0, 1.0, 5.0, 5.0, math.nan, 5.0])
    result = protect_budgets(budgets, groups)
    assert result["A"] == 3.0
    assert math.isnan(result["B"])
    assert math.isnan(result["C"])
    assert math.isnan(result["Total"])


def test_budget_total_does_not_give_a_withheld_group_back() -> None:
    groups = pd.Series(["A"] * 3 + ["B"] * 2)
    assert math.isnan(protect_budgets(pd.Series([3.0, 4.0, 5.0, 1.0, 1.0]), groups)["Total"])
    groups = pd.Series(["A"] * 3 + ["B"] * 2 + ["C"] * 2)
    result = protect_budgets(pd.Series([3.0, 4.0, 5.0, 1.0, 1.0, 1.0, 1.0]), groups)
    assert result["Total"] == 16.0
    assert math.isnan(result["B"])
    # three establishments are enough, in what is left as in a group
    three = protect_budgets(
        pd.Series([3.0, 4.0, 5.0, 1.0, 1.0, 1.0]), groups[:6].where(groups[:6].index < 5, "C")
    )
    assert three["Total"] == 15.0


def test_a_value_is_rounded_to_what_its_unit_can_bear() -> None:
    rounded = rounded_by_unit(
        pd.Series([12.345, 12.345, 12.5, 0.12345]), pd.Series(["min", "eur", "hab", "share"])
    )
    assert rounded.to_list() == [12.3, 12.0, 13.0, 0.1235]
    # three decimals of what has no unit
    assert rounded_by_unit(pd.Series([0.12345]), pd.Series(["?"])).to_list() == [0.123]


def test_a_share_of_observed_persons_is_a_class_and_none_of_a_small_part() -> None:
    total = pd.Series([100.0, 100.0, 100.0, 100.0, 100.0, 100.0, 30.0])
    part = pd.Series([10.0, 11.0, 20.0, 50.0, 89.0, 90.0, 19.0])
    assert share_classes(total, part).tolist() == [
        SUPPRESSED,
        "moins de 20 %",
        "de 20 à 50 %",
        "50 % ou plus",
        "50 % ou plus",
        SUPPRESSED,
        "50 % ou plus",
    ]


def test_a_part_is_withheld_beside_a_small_one_rather_than_a_total() -> None:
    # the total is in one line alone: withholding it would open no other line
    cells = pd.Series([4.0, 20.0, 24.0, 300.0, 320.0], index=["a", "c", "ac", "d", "cd"])
    protected = protect_counts(cells, [("ac", ["a", "c"]), ("cd", ["c", "d"])], threshold=11)
    assert protected.text[["ac", "cd"]].tolist() == ["24", "320"]
    assert protected.text[["a", "c", "d"]].tolist() == [SUPPRESSED] * 3


def test_budget_total_is_withheld_when_one_unit_fills_what_it_leaves() -> None:
    # four establishments in the groups that are withheld, one of them 98 % of their sum: a reader who takes the
    # printed group from the total knows its budget almost to the euro
    groups = pd.Series(["A"] * 3 + ["B"] * 2 + ["C"] * 2)
    result = protect_budgets(pd.Series([3.0, 4.0, 5.0, 150.0, 1.0, 1.0, 1.0]), groups)
    assert result["A"] == 12.0
    assert math.isnan(result["Total"])
    # 85 % is allowed, and no more
    result = protect_budgets(pd.Series([3.0, 4.0, 5.0, 17.0, 1.0, 1.0, 1.0]), groups)
    assert result["Total"] == 32.0


def test_negative_budget_is_refused() -> None:
    with pytest.raises(ParameterError, match="négatifs"):
        protect_budgets(pd.Series([3.0, -1.0]), pd.Series(["A", "A"]))


def test_a_count_is_small_from_one_part_of_a_person_to_ten_and_in_no_internal_edition() -> None:
    counts = pd.Series([0.0, 0.5, 1.0, 10.9, 11.0, math.nan])
    assert is_small(counts).tolist() == [False, True, True, True, False, False]
    with printing(INTERNAL):
        assert not is_small(counts).any()


def test_a_cell_that_nobody_names_is_neither_withheld_first_nor_known_to_be_there() -> None:
    cells = pd.Series({"a": 4, "b": 30, "c": 60, "total": 94})
    whole = [("total", ["a", "b", "c"])]
    first = pd.Series({"b": True})
    assert protect_counts(cells, whole, primary=first).primary.tolist() == [False, True, False, False]
    absent = pd.Series(True, index=cells.index)
    printed = protect_counts(cells, whole, lowest=pd.Series({"b": 1.0}), may_be_absent=absent).text
    # with b the one beside it, a may be 0
    assert printed.tolist() == [SUPPRESSED, SUPPRESSED, "60", "94"]
    # both are known to have somebody: a third is withheld, and still nothing makes a absent
    seen = pd.Series({"a": 1.0, "b": 1.0})
    there = protect_counts(cells, whole, lowest=seen, may_be_absent=absent).text
    assert there.tolist() == [SUPPRESSED] * 4


def test_a_range_hides_a_count_from_the_threshold_on_and_a_presence_from_nobody_on() -> None:
    lines = np.arange(1)
    assert _Range(5.0, 16.0, lines).is_wide(11, hides_presence=False)
    assert not _Range(5.0, 15.5, lines).is_wide(11, hides_presence=False)
    assert _Range(0.0, 11.0, lines).is_wide(11, hides_presence=True)
    assert not _Range(1.0, 30.0, lines).is_wide(11, hides_presence=True)


def test_what_follows_from_what_is_printed_is_found_and_never_a_small_count() -> None:
    counts = pd.Series({"u": 20, "v": 30, "x": 50, "a": 4, "t": 54, "p": 0, "q": 0, "z": 0, "r": 1, "s": 1})
    sums = [("x", ["u", "v"]), ("t", ["x", "a"]), ("z", ["p", "q"]), ("s", ["r", "z"])]
    text = counts.astype(str).astype(object)
    also = counts.index.isin(["x", "t", "z", "s"])
    given = Protection(
        text, pd.Series(counts.index == "a", index=counts.index), pd.Series(also, index=counts.index)
    )
    # t is x and a, and a is not known; s is a small count
    assert known_anyway(counts, sums, given, ["s", "t", "u", "z", "x"]) == ["z", "x"]


def test_a_total_is_its_parts_to_a_millionth_of_the_largest() -> None:
    def cells(gap: float) -> pd.Series:
        return pd.Series({"a": 40_000.0, "b": 60_000.0, "total": 100_000.0 + gap, "c": math.nan, "all": 2e5})

    # a sum with an unknown part is not checked, and keeps no other from it
    sums = [("total", ["a", "b"]), ("all", ["total", "c"])]
    assert not protect_counts(cells(0.19), sums).withheld.any()
    with pytest.raises(ParameterError, match="1 totaux ne sont pas la somme"):
        protect_counts(cells(0.25), sums)
