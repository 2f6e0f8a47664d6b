from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from territory.errors import ParameterError
from territory.needs import demand_from_rate


def test_demand_has_its_range_and_kind() -> None:
    persons = pd.Series({"83050": 1000.0, "83121": math.nan})
    demand = demand_from_rate(
        persons, public="autisme", kind="prevalence", low_per_1000=5.6, per_1000=8.0, high_per_1000=10.2
    )
    row = demand.loc[("83050", "autisme")]
    assert (row["demand_low"], row["demand"], row["demand_high"]) == pytest.approx((5.6, 8.0, 10.2))
    assert row["kind"] == "prevalence"
    assert np.isnan(demand.loc[("83121", "autisme"), "demand"])


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "besoin", "per_1000": 8.0},
        {"kind": "prevalence", "per_1000": -1.0},
        {"kind": "prevalence", "per_1000": 1001.0},
        {"kind": "prevalence", "per_1000": math.inf},
        {"kind": "prevalence", "per_1000": 8.0, "low_per_1000": 9.0},
        {"kind": "prevalence", "per_1000": 8.0, "high_per_1000": 7.0},
    ],
)
def test_demand_refuses_wrong_rates(wrong: dict) -> None:
    with pytest.raises(ParameterError):
        demand_from_rate(pd.Series({"83050": 1.0}), public="autisme", **wrong)


@pytest.mark.parametrize("persons", [-1.0, math.inf])
def test_demand_refuses_impossible_persons(persons: float) -> None:
    with pytest.raises(ParameterError, match="83050"):
        demand_from_rate(pd.Series({"83050": persons}), public="autisme", kind="prevalence", per_1000=8.0)


def test_demand_refuses_a_commune_twice() -> None:
    persons = pd.Series([1.0, 2.0], index=["83050", "83050"])
    with pytest.raises(ParameterError, match="double"):
        demand_from_rate(persons, public="autisme", kind="prevalence", per_1000=8.0)
