"""What small functions of `territory.release` give, by example."""

from __future__ import annotations

import pandas as pd

from territory.release import disclosure, gate, treatment
from territory.tables.catalogue import COVERAGE


def test_disclosure_is_small() -> None:
    assert disclosure.is_small(pd.Series([0, 3, 11])).tolist() == [False, True, False]


def test_disclosure_known_anyway() -> None:
    counts = pd.Series({"gain": 21, "loss": 27, "same": 4, "total": 52, "others": 31})
    sums = [("total", ["gain", "loss", "same"]), ("others", ["loss", "same"])]
    withheld = pd.Series([True, True, True, False, False], index=counts.index)
    none = pd.Series(False, index=counts.index)
    assert disclosure.known_anyway(
        counts, sums, disclosure.Protection(counts.astype(str), none, withheld), ["gain", "loss"]
    ) == ["gain"]
    # eleven is no small count, ten is one
    for gain, is_known in ((11, ["gain"]), (10, [])):
        fewer = pd.Series({"gain": gain, "loss": 27, "same": 4, "total": gain + 31, "others": 31})
        protected = disclosure.Protection(fewer.astype(str), none, withheld)
        assert disclosure.known_anyway(fewer, sums, protected, ["gain"]) == is_known
    # what is printed is not asked for
    printed = disclosure.Protection(counts.astype(str), none, none)
    assert disclosure.known_anyway(counts, sums, printed, ["gain", "same"]) == []


def test_disclosure_estimate_texts() -> None:
    assert disclosure.estimate_texts(pd.Series([0.4, 0.0, 1263.2, float("nan")])).tolist() == [
        "< 11",
        "0",
        "1263",
        "",
    ]


def test_disclosure_protect_budgets() -> None:
    budgets = pd.Series([3000000.0, 4000000.0, 5000000.0, 9000000.0])
    assert (
        repr(disclosure.protect_budgets(budgets, pd.Series(["A", "A", "A", "B"])).to_dict())
        == "{'A': 12000000.0, 'B': nan, 'Total': nan}"
    )


def test_gate_edition_name() -> None:
    assert (gate.edition_name("rapport.pdf", "publique"), gate.edition_name("rapport.pdf", "interne")) == (
        "rapport.pdf",
        "rapport-interne.pdf",
    )
    assert gate.edition_name("draguignan", "interne") == "draguignan-interne"


def test_treatment_unpivot() -> None:
    wide = pd.DataFrame({"zone": ["83"], "within_15_min_hab": [3.0], "within_30_min_hab": [5.0]})
    long = treatment.unpivot(wide, COVERAGE)
    assert long.to_dict("list") == {
        "zone": ["83", "83"],
        "threshold_min": [15.0, 30.0],
        "within_hab": [3.0, 5.0],
    }
