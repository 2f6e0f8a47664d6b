from __future__ import annotations

import math

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from territory.errors import SchemaError
from territory.supply import available_places

COUNT = st.one_of(st.none(), st.integers(0, 20))


@given(
    rows=st.lists(
        st.tuples(COUNT, COUNT, COUNT, st.one_of(st.none(), st.integers(60, 90))), min_size=1, max_size=5
    )
)
def test_matches_subtracting_by_hand_and_unknown_stays_unknown(rows: list) -> None:
    ids = [f"ime-{k}" for k in range(len(rows))]
    closed, creton, elsewhere, authorised = (
        pd.Series([math.nan if row[column] is None else float(row[column]) for row in rows], index=ids)
        for column in range(4)
    )
    found = available_places(authorised, closed=closed, creton=creton[::-1], from_elsewhere=elsewhere)
    assert list(found.index) == ids
    for name, row in zip(ids, rows, strict=True):
        got = found.loc[name, "available_places"]
        if None in row:
            assert math.isnan(got)
            assert found.loc[name, "reason"].count(",") == row.count(None) - 1
        else:
            assert got == row[3] - row[0] - row[1] - row[2]
            assert found.loc[name, "reason"] == ""


def test_what_nobody_said_is_named() -> None:
    found = available_places(pd.Series({"x": 50.0, "y": math.nan}), closed=pd.Series({"x": 0.0, "y": 0.0}))
    assert found["available_places"].isna().all()
    assert found.loc["x", "reason"] == (
        "inconnu : places tenues au titre de l'amendement Creton, places tenues par des enfants d'ailleurs"
    )
    assert found.loc["y", "reason"].startswith("inconnu : places autorisées, ")


def test_every_problem_is_reported_at_once() -> None:
    with pytest.raises(SchemaError, match="3 problèmes") as error:
        available_places(
            pd.Series({"x": 5.0, "y": 5.0}),
            closed=pd.Series({"x": -1.0}),
            creton=pd.Series({"z": 1.0}),
            from_elsewhere=pd.Series([1.0, 1.0], index=["x", "x"]),
        )
    said = str(error.value)
    assert "négatifs" in said
    assert "sans places autorisées (z)" in said
    assert "double (x)" in said


def test_more_places_held_than_authorised_is_refused_even_when_the_rest_is_unknown() -> None:
    with pytest.raises(SchemaError, match=r"plus de places fermées ou tenues que d'autorisées \(x\)"):
        available_places(pd.Series({"x": 5.0, "y": 5.0}), creton=pd.Series({"x": 6.0, "y": 5.0}))
