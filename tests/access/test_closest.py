from __future__ import annotations

import math

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from territory.access import coverage, time_to_closest
from territory.errors import ParameterError, SchemaError, TerritoryWarning, UnknownCodeError
from territory.rounds import collective_rounds
from tests.access import oracles
from tests.access.worlds import table, worlds

UNKNOWN = "ignore:.*temps inconnus.*:territory.errors.TerritoryWarning"


@pytest.mark.filterwarnings(UNKNOWN)
@given(world=worlds(unknown=True), k=st.integers(1, 5), seed=st.integers(0, 99))
def test_equals_the_oracle_whatever_the_order_of_the_rows(world: tuple, k: int, seed: int) -> None:
    times, demand, _ = world
    shuffled = table(times).sample(frac=1, random_state=seed)
    got = time_to_closest(shuffled, pd.Index(list(demand)), k=k)
    assert list(got.index) == list(demand)
    for origin, row in got.iterrows():
        expected = oracles.closest(times, str(origin), k)
        found = [
            (row[f"to_id_{n}"], row[f"time_{n}_min"])
            for n in range(1, k + 1)
            if not pd.isna(row[f"to_id_{n}"])
        ]
        assert found == expected
        assert row[[f"time_{n}_min" for n in range(len(expected) + 1, k + 1)]].isna().all()
        unknown = sum(math.isnan(minutes) for (a, _), minutes in times.items() if a == origin)
        assert row["unknown_count"] == unknown
        assert row["is_reachable"] is (True if expected else pd.NA if unknown else False)


def test_equal_times_are_settled_by_the_name_of_the_site() -> None:
    times = {("A", "S2"): 10.0, ("A", "S1"): 10.0, ("A", "S0"): 10.5}
    assert time_to_closest(table(times), ["A"], k=3).iloc[0].tolist()[:6] == ["S1", 10, "S2", 10, "S0", 10.5]


def test_categories_give_the_same_answer_whatever_their_order() -> None:
    times = table({("A", "S2"): 10.0, ("A", "S1"): 10.0, ("B", "S2"): 5.0})
    coded = times.assign(
        from_id=pd.Categorical(times["from_id"], categories=["B", "Z", "A"]),
        to_id=pd.Categorical(times["to_id"], categories=["S2", "S9", "S1"]),
    )
    got, expected = time_to_closest(coded, ["B", "A", "C"]), time_to_closest(times, ["B", "A", "C"])
    assert isinstance(got["to_id_1"].dtype, pd.CategoricalDtype)
    pd.testing.assert_frame_equal(got.astype({"to_id_1": expected["to_id_1"].dtype}), expected)


def test_a_threshold_holds_a_time_that_equals_it_in_half_the_bytes() -> None:
    minutes = pd.Series([25.1], dtype="float32")
    times = pd.DataFrame({"from_id": ["A"], "to_id": ["S"], "travel_time_min": minutes})
    for column in (minutes, minutes.astype("Float32")):
        table = times.assign(travel_time_min=column)
        assert coverage(table, pd.Series({"A": 1.0}), thresholds_min=[25.1]).all(axis=None)
        children = pd.DataFrame({"from_id": ["A"]}, index=["a"])
        ridden = collective_rounds(children, "S", table, seats=8, max_ride_min=25.1)
        assert ridden.riders["vehicle"].notna().all()


def test_unknown_and_out_of_reach_stay_distinct() -> None:
    times = table({("A", "S"): math.nan, ("B", "S"): math.inf, ("D", "S"): 3.0})
    with pytest.warns(TerritoryWarning, match=r"1 temps inconnus, pour 1 origine \(A\)"):
        got = time_to_closest(times, ["A", "B", "C", "D"])
    assert got["is_reachable"].tolist() == [pd.NA, False, False, True]
    assert got["time_1_min"].isna().tolist() == [True, True, True, False]


def test_an_empty_table_puts_everyone_out_of_reach() -> None:
    got = time_to_closest(table({}), ["A", "B"], k=2)
    assert got["is_reachable"].tolist() == [False, False]
    assert got["to_id_2"].isna().all()


@pytest.mark.parametrize(
    "frame, origins, error, message",
    [
        (table({("A", "S"): -1.0}), ["A"], SchemaError, "1 temps négatif"),
        (table({("A", "S"): 1.0}).drop(columns="to_id"), ["A"], SchemaError, "il manque to_id"),
        (
            pd.concat([table({("A", "S"): 1.0, ("B", "S"): 4.0}), table({("A", "S"): 1.0})]),
            ["A"],
            SchemaError,
            "A → S",
        ),
        (
            table({("A", "S"): 1.0}).astype({"travel_time_min": str}),
            ["A"],
            SchemaError,
            "des nombres sont attendus, pas le texte « 1.0 »",
        ),
        (table({("A", "S"): 1.0}), ["1001", "1002"], UnknownCodeError, r"Aucun des 2 .* \(1001, 1002\)"),
        (table({("A", "S"): 1.0}), ["A", "A"], ParameterError, "en double"),
        (table({("A", "S"): 1.0}), ["A", None], ParameterError, "pas None"),
        (table({("A", "S"): 1.0}), pd.Index(["A", None]), ParameterError, "vide"),
        (table({("A", "S"): 1.0}), pd.MultiIndex.from_tuples([("A", "ime")]), ParameterError, "2 niveaux"),
    ],
)
def test_bad_input_is_one_clear_error(
    frame: pd.DataFrame, origins: object, error: type, message: str
) -> None:
    with pytest.raises(error, match=message):
        time_to_closest(frame, origins)  # type: ignore[arg-type]


def test_blank_ids_and_k_under_one_are_refused() -> None:
    frame = table({("A", "S"): 1.0, ("B", "S"): 1.0})
    with pytest.raises(SchemaError, match="1 from_id vide"):
        time_to_closest(frame.assign(from_id=["A", None]), ["A"])
    with pytest.raises(ParameterError, match="k = 0"):
        time_to_closest(frame, ["A"], k=0)
