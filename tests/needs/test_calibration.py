from __future__ import annotations

import math

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from territory.datasets import load_var
from territory.errors import ParameterError
from territory.needs import calibrate_demand, demand_from_rate, persons_by_age, scale_to_total

AEEH = {"public": "aeeh", "source": "handidonnees.fr", "year": 2021}


def rights(persons: dict[str, float]) -> pd.DataFrame:
    return demand_from_rate(
        pd.Series(persons), public="aeeh", kind="rights", low_per_1000=20, per_1000=25, high_per_1000=30
    )


@given(st.lists(st.floats(0.1, 1e4), min_size=1, max_size=20), st.floats(0, 1e6))
def test_scaled_counts_add_up_to_the_total(counts: list[float], total: float) -> None:
    series = pd.Series(counts, index=[f"{83000 + k}" for k in range(len(counts))])
    assert scale_to_total(series, total).sum() == pytest.approx(total, abs=1e-6)


def test_scaling_within_a_territory_carries_its_factor_to_the_others() -> None:
    scaled = scale_to_total(pd.Series({"83050": 50.0, "04001": 10.0}), 100.0, within=pd.Index(["83050"]))
    assert scaled.tolist() == [100.0, 20.0]


@pytest.mark.parametrize("total", [-1.0, math.nan, math.inf])
def test_scaling_refuses_what_is_no_total(total: float) -> None:
    with pytest.raises(ParameterError):
        scale_to_total(pd.Series({"83050": 1.0}), total)


def test_scaling_nobody_or_less_is_refused() -> None:
    with pytest.raises(ParameterError, match="aucun effectif"):
        scale_to_total(pd.Series({"83050": 0.0, "83121": math.nan}), 10.0)
    with pytest.raises(ParameterError, match="négatifs"):
        scale_to_total(pd.Series({"83050": 5.0, "83121": -1.0}), 10.0)


def test_the_var_is_brought_to_its_6125_children() -> None:
    data = load_var()
    persons = persons_by_age(data.population("rp2021"), age_min=0, age_max=19)
    demand = demand_from_rate(persons, public="aeeh", kind="rights", per_1000=25.5)
    var = data.communes.index[data.communes["in_territory"]]
    found = calibrate_demand(demand, 6125, within=var, **AEEH)
    inside = found[found.index.get_level_values(0).isin(var)]
    assert inside["demand"].sum() == pytest.approx(6125)
    # where they live is unchanged, inside and outside
    assert (found["demand"] / demand["demand"]).round(9).nunique() == 1
    assert found["calibration_source"].unique().tolist() == ["handidonnees.fr"]


@given(st.lists(st.floats(0.1, 1e4), min_size=1, max_size=8), st.floats(0.1, 1e5))
def test_a_calibrated_range_stays_in_order(persons: list[float], total: float) -> None:
    demand = rights({f"{83001 + k}": n for k, n in enumerate(persons)})
    found = calibrate_demand(demand, total, **AEEH)
    assert found["demand"].sum() == pytest.approx(total)
    assert (found["demand_low"] <= found["demand"]).all()
    assert (found["demand"] <= found["demand_high"]).all()
    assert (found["demand_low"] / found["demand"]).to_numpy() == pytest.approx(0.8)


def test_other_publics_are_left_alone() -> None:
    autism = demand_from_rate(pd.Series({"83050": 1000.0}), public="autisme", kind="prevalence", per_1000=8)
    found = calibrate_demand(pd.concat([rights({"83050": 1000.0}), autism]), 50, **AEEH)
    assert found["demand"].to_list() == [50.0, 8.0]
    assert found["calibration_year"].isna().to_list() == [False, True]


def test_calibration_refuses_what_would_mislead() -> None:
    demand = rights({"83050": 1000.0, "83121": math.nan})
    with pytest.raises(ParameterError, match="83121"):
        calibrate_demand(demand, 50, **AEEH)
    with pytest.raises(ParameterError, match="autisme"):
        calibrate_demand(demand, 50, public="autisme", source="x", year=2021)
    with pytest.raises(ParameterError, match="source"):
        calibrate_demand(demand, 50, public="aeeh", source="", year=2021)
    assert calibrate_demand(demand, 50, within=pd.Index(["83050"]), **AEEH)["demand"].iloc[0] == 50
