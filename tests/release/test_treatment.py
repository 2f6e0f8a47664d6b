"""What is done with a column before it leaves, on tables of a few rows whose columns are declared here."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from territory.errors import ParameterError
from territory.release import comparison, treatment
from territory.release.comparison import _communes, changes_table, release_changes, waited_services
from territory.release.disclosure import INTERNAL, SUPPRESSED, printing
from territory.release.treatment import SMALL, handed, treat, treat_measures
from territory.tables.declare import Secrecy

COLUMNS = {
    "children": (Secrecy.OBSERVED, "number", 0),
    "mean_min": (Secrecy.MEAN, "number", 1),
    "persons": (Secrecy.ESTIMATE, "number", 0),
    "reason": (Secrecy.MEAN, "text", None),
    "budget_eur": (Secrecy.MONEY, "number", 0),
    "is_told": (Secrecy.MEAN, "flag", None),
    "name": (Secrecy.PUBLIC, "text", None),
}


@pytest.fixture(autouse=True)
def _declared(monkeypatch: pytest.MonkeyPatch) -> None:
    """Declare the columns of the tables of this file."""

    def column_of(_: str, name: str) -> Any:
        return SimpleNamespace(**dict(zip(("secrecy", "kind", "decimals"), COLUMNS[name], strict=True)))

    monkeypatch.setattr(treatment, "column_of", column_of)
    monkeypatch.setattr(treatment, "check_declared", lambda *_: None)


def table() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "children": [0.0, 10.0, 11.0, np.nan], "mean_min": [1.26, 2.0, 3.0, 4.0],
            "persons": [0.4, 10.9, 11.5, np.nan], "reason": ["a", "b", "c", "d"],
            "budget_eur": [5.0, 6.4, np.nan, 8.0], "is_told": [True, False, True, True], "name": list("wxyz"),
        }
    )  # fmt: skip


def test_a_small_count_takes_its_means_along_and_no_other_row() -> None:
    found = treat("t", table())
    assert found["children"].tolist() == ["0", SUPPRESSED, "11", ""]
    np.testing.assert_array_equal(found["mean_min"], [1.26, np.nan, 3.0, 4.0])
    assert found["persons"].tolist() == [SMALL, SMALL, "12", ""]
    assert found["reason"].tolist() == ["a", SUPPRESSED, "c", "d"]
    assert found["is_told"].isna().tolist() == [False, True, False, False]
    # what nobody counted has no small count, and money is withheld where it is said to be
    assert found[["budget_eur", "name"]].equals(table()[["budget_eur", "name"]])
    with printing(INTERNAL):
        inside = treat("t", table(), pd.Series(True, index=range(4)))
    assert inside["children"].tolist() == ["0", "10", "11", ""]
    assert inside["mean_min"].tolist() == table()["mean_min"].tolist()


def test_what_is_named_is_withheld_by_rows_or_by_cells() -> None:
    rows = treat("t", table(), pd.Series([False, False, True, False], index=list("abcd")))
    assert rows["children"].tolist() == ["0", SUPPRESSED, SUPPRESSED, ""]
    assert rows["persons"].tolist() == [SMALL, SMALL, SUPPRESSED, ""]
    # money becomes text where one is withheld; unknown stays unknown
    assert rows["budget_eur"].tolist() == ["5", "6", SUPPRESSED, "8"]
    assert rows["name"].tolist() == list("wxyz")
    cells = treat("t", table(), pd.DataFrame({"budget_eur": [True, False, False, False]}))
    assert cells["budget_eur"].tolist() == [SUPPRESSED, "6", "", "8"]
    assert cells["children"].tolist() == ["0", SUPPRESSED, "11", ""]


def test_what_is_handed_over_is_rounded_and_small_counts_are_refused() -> None:
    safe = table()[["mean_min", "name"]].assign(children=[0.0, 11.0, 12.4, np.nan])
    found = handed("t", safe)
    assert found["mean_min"].tolist() == [1.3, 2.0, 3.0, 4.0]
    np.testing.assert_array_equal(found["children"], [0.0, 11.0, 12.0, np.nan])
    with pytest.raises(ParameterError, match="colonne « persons » : 2 effectifs"):
        handed("t", table()[["persons"]])


def test_a_side_that_is_withheld_takes_the_difference_along() -> None:
    rows = pd.DataFrame(
        {
            "measure": ["persons_gain"] * 4 + ["mean_time_min"], "unit": ["hab"] * 4 + ["min"],
            "baseline_value": [5.0, 20.0, 0.0, 40.0, 5.0], "scenario_value": [20.0, 5.0, 30.0, 50.0, 6.0],
            "delta_value": [15.0, -15.0, 30.0, 10.0, 1.04], "better_share": [0.12345, 0.1, 0.2, 0.3, 0.4],
            "note": ["n", "", "", "", ""], "is_distinguishable": [True, True, True, False, True],
        }
    )  # fmt: skip
    secret = pd.Series([False, False, False, True, False])
    found = treat_measures(rows, secret)
    np.testing.assert_array_equal(found["baseline_value"], [np.nan, 20.0, 0.0, np.nan, 5.0])
    np.testing.assert_array_equal(found["scenario_value"], [20.0, np.nan, 30.0, np.nan, 6.0])
    np.testing.assert_array_equal(found["delta_value"], [np.nan, np.nan, 30.0, np.nan, 1.0])
    np.testing.assert_array_equal(found["better_share"], [np.nan, np.nan, 0.2, np.nan, 0.4])
    assert found["baseline_note"].tolist() == [SMALL, "", "", SUPPRESSED, ""]
    assert found["note"].tolist() == ["n", SMALL, "", SUPPRESSED, ""]
    assert found["is_distinguishable"].tolist() == [True, True, True, pd.NA, True]


def test_few_persons_of_either_run_hide_both_and_their_difference() -> None:
    keys = ["persons_gain", "persons_gain", "mean_time_min", "persons_gain"]
    changes = pd.DataFrame(
        {"value_a": [5.0, 50.5, 5.0, 20.0], "value_b": [50.0, 60.4, 6.25, 10.0], "delta": [45.0, 9.9, 1.25, -10.0]},
        index=pd.Index(keys, name="indicator"),
    )  # fmt: skip
    found = release_changes(changes)
    np.testing.assert_array_equal(found["delta"], [np.nan, 9.9, 1.25, np.nan])
    assert found["is_small_a"].tolist() == [True, False, False, False]
    assert found["is_small_b"].tolist() == [False, False, False, True]
    texts = changes_table(found)
    assert texts["value_a"].tolist() == [SMALL, "51", "5", ""]
    assert texts["value_b"].tolist() == ["", "60", "6.25", SMALL]
    assert texts["delta"].tolist() == ["", "10", "1.25", ""]


def of_services(**observed: object) -> Any:
    """Results of two communes, one of which is far from everything, and of a need of children who wait."""
    communes = pd.DataFrame(
        {"epci_code": ["e1"] * 5, "epci_name": ["Un"] * 5, "name": list("ABCDE"), "departement_code": ["83"] * 5},
        index=pd.Index(["a", "b", "c", "d", "e"], name="commune_code"),
    )  # fmt: skip
    rates = [
        SimpleNamespace(need=SimpleNamespace(service=one, kind=one)) for one in ("waiting", "prevalence")
    ]
    keys = pd.MultiIndex.from_product([["a"], ["ime", "cmpp"]], names=["commune_code", "service"])
    persons = pd.DataFrame({"persons_kind": ["observed", "age"]}, index=keys)
    parameters = SimpleNamespace(rates=rates)
    state = SimpleNamespace(communes=communes, parameters=parameters, observed_origins=None, **observed)
    return SimpleNamespace(baseline=SimpleNamespace(state=state, persons=persons))


def test_who_waits_is_secret_beside_children_observed_alone() -> None:
    result = of_services()
    assert waited_services(result) == set()
    result.baseline.state.observed_origins = pd.DataFrame()
    assert waited_services(result) == {"waiting"}
    assert set(comparison.observed_services(result)) == {"ime"}
    with printing(INTERNAL):
        assert waited_services(result) == set(comparison.observed_services(result)) == set()


def test_a_commune_has_a_row_where_a_measure_changes_nearby_and_no_number_of_few() -> None:
    names = [f"{side}_unmet_persons" for side in ("baseline", "scenario", "delta")]
    rows = {
        ("a", "cmpp"): [20.4, 40.0, 19.6, 15.0, 30.0],
        ("b", "cmpp"): [20.0, 30.0, 10.0, 15.0, np.nan],
        ("c", "cmpp"): [20.0, 40.0, 20.0, np.nan, np.nan],
        ("d", "cmpp"): [20.0, 20.0, 0.0, 15.0, 15.0],
        ("e", "ime"): [20.0, 40.0, 20.0, 15.0, 15.0],
        ("a", "ime"): [np.nan, np.nan, np.nan, np.nan, 15.0],
    }
    by_commune = pd.DataFrame.from_dict(
        rows, orient="index", columns=[*names, "baseline_within_min", "scenario_within_min"]
    )
    by_commune["delta_time_min"] = [0.0, 0.0, 0.0, 0.0, 0.0, 4.0]
    by_commune.index = pd.MultiIndex.from_tuples(rows, names=["commune_code", "service"])
    result = of_services()
    result.comparisons = {"A": SimpleNamespace(by_commune=by_commune)}
    found = _communes(result, "A")
    # nothing of children observed makes a row, and a minute that changes does
    assert found["commune_code"].tolist() == ["a", "b", "a"]
    assert found["commune_name"].tolist() == ["A", "B", "A"]
    assert found["unmet_note"].tolist() == ["", SMALL, SUPPRESSED]
    np.testing.assert_array_equal(found[names[0]], [20.0, np.nan, np.nan])
    np.testing.assert_array_equal(found[names[2]], [20.0, np.nan, np.nan])
