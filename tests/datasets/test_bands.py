"""Sharing out a population between age bands."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from territory.datasets.joins import population_by_band
from territory.errors import ParameterError


@given(
    st.lists(
        st.tuples(
            st.integers(0, 3_000_000),
            st.floats(0.01, 1),
            st.floats(0.01, 1),
            st.floats(0.01, 1),
            st.floats(0, 0.9),
        ),
        min_size=1,
        max_size=20,
    ),
    st.booleans(),
)
def test_bands_add_up_exactly_are_not_negative_and_follow_the_shares(rows, has_young):
    codes = [f"{n:05d}" for n in range(len(rows))]
    total = pd.Series([float(row[0]) for row in rows], index=codes)
    shares = pd.DataFrame([row[1:4] for row in rows], index=codes)
    under_25 = shares[0] / shares.sum(axis=1)
    young = under_25 * [row[4] for row in rows] if has_young else pd.Series(np.nan, index=codes)
    table = population_by_band(total, shares, young, vintage="rp2021")
    assert (table["population"] >= 0).all()
    sums = table.groupby(level=0)["population"].sum()
    assert (sums == total).all()
    eldest = table["population"][table.index.get_level_values("age_min") == 65].droplevel([1, 2])
    expected = total * shares[2] / shares.sum(axis=1)
    np.testing.assert_allclose(eldest, expected, atol=0.01)


def test_contradictory_shares_are_refused():
    total = pd.Series([100.0, 100.0], index=["a", "b"])
    shares = pd.DataFrame([[0.2, 0.5, 0.3]] * 2, index=["a", "b"])
    with pytest.raises(ParameterError, match=r"moins de 25 ans : 1 commune \(b\)"):
        population_by_band(total, shares, pd.Series([0.1, 0.3], index=["a", "b"]), vintage="x")
    shares.loc["a", 1] = np.nan
    with pytest.raises(ParameterError, match=r"1 commune sans parts d'âge \(a\)"):
        population_by_band(total, shares, pd.Series([0.1, 0.1], index=["a", "b"]), vintage="x")
