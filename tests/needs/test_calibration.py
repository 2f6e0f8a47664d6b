from __future__ import annotations

import math

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from territory.datasets import load_var
from territory.errors import ParameterError
from territory.needs import demand_from_rate, persons_by_age, scale_to_total


@given(st.lists(st.floats(0.1, 1e4), min_size=1, max_size=20), st.floats(0, 1e6))
def test_scaled_counts_add_up_to_the_total(counts: list[float], total: float) -> None:
    series = pd.Series(counts, index=[f"{83000 + k}" for k in range(len(counts))])
    assert scale_to_total(series, total).sum() == pytest.approx(total, abs=1e-6)


@pytest.mark.parametrize("total", [-1.0, math.nan, math.inf])
def test_scaling_refuses_what_is_no_total(total: float) -> None:
    with pytest.raises(ParameterError):
        scale_to_total(pd.Series({"83050": 1.0}), total)


def test_scaling_nobody_or_less_is_refused() -> None:
    with pytest.raises(ParameterError, match="aucun effectif"):
        scale_to_total(pd.Series({"83050": 0.0, "83121": math.nan}), 10.0)
    for wrong in (-1.0, math.inf):
        with pytest.raises(ParameterError, match=r"1 effectif négatif ou infini \(83121\)"):
            scale_to_total(pd.Series({"83050": 5.0, "83121": wrong}), 10.0)


def test_the_var_is_brought_to_its_6125_children() -> None:
    data = load_var()
    persons = persons_by_age(data.population("rp2021"), age_min=0, age_max=19)
    demand = demand_from_rate(persons, public="aeeh", kind="rights", per_1000=25.5)
    var = data.communes.index[data.communes["in_territory"]]
    counts = demand["demand"].droplevel("public").loc[var]
    found = scale_to_total(counts, 6125)
    assert found.sum() == pytest.approx(6125)
    # where they live is unchanged
    assert (found / counts).round(9).nunique() == 1
