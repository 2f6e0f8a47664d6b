"""Bad input, item by item, against every measure: a defined result or one clear error in the planner's language."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from territory.access import (
    allocate_places,
    apl,
    coverage,
    decay,
    floating_catchment_area,
    gp_headcount_access,
    gravity,
    spatial_availability,
    time_to_closest,
)
from territory.errors import ParameterError, SchemaError, TerritoryError, UnknownCodeError
from tests.access.worlds import table

TIMES = {("A", "S"): 10.0, ("A", "T"): 20.0, ("B", "S"): 15.0, ("B", "T"): 5.0}
DEMAND = pd.Series({"A": 100.0, "B": 50.0})
SUPPLY = pd.Series({"S": 10.0, "T": 5.0})
NEAR = decay.binary(30)

Measure = Callable[..., Any]


def run_measures(times: pd.DataFrame, demand: pd.Series, supply: pd.Series) -> dict[str, Measure]:
    """Every measure of a demand and a supply, ready to run."""
    found = {
        method: lambda method=method: floating_catchment_area(
            times, demand, supply, decay=NEAR, method=method
        )
        for method in ("2sfca", "e2sfca", "m2sfca", "3sfca", "bfca")
    }
    return found | {
        "gravity": lambda: gravity(times, demand.index, supply, decay=NEAR),
        "spatial_availability": lambda: spatial_availability(times, demand, supply, decay=NEAR),
        "apl": lambda: apl(times, demand, supply, profile="drees_2012"),
        "headcount": lambda: gp_headcount_access(times, demand, supply, profile="drees_2012"),
        "allocation": lambda: allocate_places(times, demand, supply, max_time_min=30),
    }


def run_times(times: pd.DataFrame, demand: pd.Series) -> dict[str, Measure]:
    """Every measure of times alone."""
    return {
        "closest": lambda: time_to_closest(times, demand.index),
        "coverage": lambda: coverage(times, demand, thresholds_min=(15, 30)),
    }


ALL = [*run_measures(table(TIMES), DEMAND, SUPPLY), *run_times(table(TIMES), DEMAND)]
WITH_DEMAND = [name for name in run_measures(table(TIMES), DEMAND, SUPPLY) if name != "gravity"]
WITH_SUPPLY = list(run_measures(table(TIMES), DEMAND, SUPPLY))


def run(
    name: str, times: pd.DataFrame | None = None, demand: pd.Series = DEMAND, supply: pd.Series = SUPPLY
) -> Any:
    """Run one measure on a world; warnings are allowed where the result is defined."""
    held = table(TIMES) if times is None else times
    every = run_measures(held, demand, supply) | run_times(held, demand)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return every[name]()


def values(result: Any) -> np.ndarray:
    """Return the numbers of a measure's result, whatever its shape."""
    if hasattr(result, "unmet"):
        return result.unmet.to_numpy(float)
    return pd.DataFrame(result).select_dtypes("number").to_numpy(float)


@pytest.mark.parametrize("name", ALL)
def test_the_sound_world_is_answered(name: str) -> None:
    assert np.isfinite(values(run(name))).all()


@pytest.mark.parametrize("name", [*WITH_DEMAND, "coverage"])
def test_a_negative_demand_is_refused(name: str) -> None:
    with pytest.raises(ParameterError, match="négative"):
        run(name, demand=pd.Series({"A": -1.0, "B": 50.0}))


@pytest.mark.parametrize("name", WITH_SUPPLY)
def test_a_negative_capacity_is_refused(name: str) -> None:
    with pytest.raises(ParameterError, match="négative"):
        run(name, supply=pd.Series({"S": -10.0, "T": 5.0}))


@pytest.mark.parametrize("name", WITH_DEMAND)
def test_an_unknown_demand_is_never_a_zero(name: str) -> None:
    unknown = pd.Series({"A": math.nan, "B": 50.0})
    if "allocation" in name:
        with pytest.raises(ParameterError, match=r"inconnue.*A"):
            run(name, demand=unknown)
        return
    # A competes everywhere: nobody's share is known
    assert np.isnan(values(run(name, demand=unknown))).all()


@pytest.mark.parametrize("name", WITH_SUPPLY)
def test_an_unknown_capacity_is_never_a_zero(name: str) -> None:
    unknown = pd.Series({"S": math.nan, "T": 5.0})
    if "allocation" in name:
        with pytest.raises(ParameterError, match=r"inconnue.*S"):
            run(name, supply=unknown)
        return
    # both communes count on S
    assert np.isnan(values(run(name, supply=unknown))[0]).all()


@pytest.mark.parametrize("name", WITH_SUPPLY)
def test_a_site_that_nobody_reaches_serves_nobody(name: str) -> None:
    far = table({**TIMES, ("A", "U"): 50.0})
    more = pd.Series({"S": 10.0, "T": 5.0, "U": 7.0})
    np.testing.assert_allclose(values(run(name, times=far, supply=more)), values(run(name)))


@pytest.mark.parametrize("name", ALL)
def test_a_commune_that_reaches_nothing_has_a_result(name: str) -> None:
    alone = pd.Series({"A": 100.0, "B": 50.0, "C": 30.0})
    result = run(name, demand=alone)
    if name == "closest":
        assert result["is_reachable"].tolist() == [True, True, False]
        assert result.iloc[2, :].isna().any()
    elif name == "coverage":
        assert not result.loc["C"].any()
    elif "allocation" in name:
        assert result.unmet["C"] == 30
    else:
        assert result["C"] == 0


@pytest.mark.parametrize("name", ["2sfca", "e2sfca", "m2sfca", "3sfca", "bfca", "apl", "headcount"])
def test_no_demand_around_a_site_is_no_infinity(name: str) -> None:
    times = table({**TIMES, ("C", "U"): 5.0})
    result = run(
        name,
        times=times,
        demand=pd.Series({"A": 100.0, "B": 50.0, "C": 0.0}),
        supply=pd.Series({"S": 10.0, "T": 5.0, "U": 7.0}),
    )
    assert np.isfinite(result).all()
    assert result["C"] == 0
    np.testing.assert_allclose(result[["A", "B"]], run(name))


@pytest.mark.parametrize("name", ALL)
def test_a_pair_given_twice_is_refused(name: str) -> None:
    twice = pd.concat([table(TIMES), table({("A", "S"): 12.0})], ignore_index=True)
    with pytest.raises(SchemaError, match="plusieurs fois"):
        run(name, times=twice)


@pytest.mark.parametrize("name", ALL)
def test_an_id_given_twice_is_refused(name: str) -> None:
    with pytest.raises(ParameterError, match="double"):
        run(name, demand=pd.Series([1.0, 2.0], index=["A", "A"]))


@pytest.mark.parametrize("name", ALL)
def test_ids_on_one_side_only(name: str) -> None:
    # a commune of the table that nobody asks about changes nothing
    more = table({**TIMES, ("Z", "S"): 1.0, ("Z", "T"): 1.0})
    np.testing.assert_allclose(values(run(name, times=more)), values(run(name)))
    # no commune at all in common: codes without their zero, say
    with pytest.raises(UnknownCodeError, match="codes"):
        run(name, demand=pd.Series({"1": 1.0, "2": 2.0}))
    # nor one of them, where it is there under another writing
    with pytest.raises(UnknownCodeError, match=r"1 identifiant des origines \(0A\) : .* zéro initial"):
        run(name, demand=pd.Series({"0A": 1.0, "B": 2.0}))


@pytest.mark.parametrize("name", WITH_SUPPLY)
def test_sites_that_no_row_of_the_table_has(name: str) -> None:
    with pytest.raises(UnknownCodeError, match="sites"):
        run(name, supply=pd.Series({"X": 1.0}))


@pytest.mark.parametrize("name", ALL)
def test_a_negative_time_is_refused(name: str) -> None:
    with pytest.raises(SchemaError, match="négatif"):
        run(name, times=table({**TIMES, ("A", "S"): -1.0}))


def test_unknown_names_are_refused_with_the_known_ones() -> None:
    times = table(TIMES)
    with pytest.raises(ParameterError, match="2sfca, e2sfca"):
        floating_catchment_area(times, DEMAND, SUPPLY, decay=NEAR, method="4sfca")
    with pytest.raises(ParameterError, match="drees_2012"):
        apl(times, DEMAND, SUPPLY, profile="drees_2030")
    with pytest.raises(ParameterError, match="poids"):
        floating_catchment_area(times, DEMAND, SUPPLY, decay=lambda minutes: minutes - 12.0)
    with pytest.raises(ParameterError, match="poids"):
        floating_catchment_area(times, DEMAND, SUPPLY, decay=lambda minutes: np.array([1.0]))


@pytest.mark.parametrize("name", [name for name in ALL if name != "closest"])
def test_a_threshold_above_the_cutoff_is_refused(name: str) -> None:
    # 12 minutes: under every threshold asked for here
    with pytest.raises(ParameterError, match="coupure"):
        run(name, times=table({("A", "S"): 10.0, ("B", "T"): 5.0}, cutoff_min=12.0))


@pytest.mark.parametrize("name", ALL)
def test_every_error_is_of_the_library_and_in_french(name: str) -> None:
    with pytest.raises(TerritoryError) as raised:
        run(name, times=table(TIMES).drop(columns="travel_time_min"))
    assert "il manque travel_time_min" in str(raised.value)


@pytest.mark.parametrize("name", ALL)
def test_the_order_of_rows_changes_nothing(name: str) -> None:
    mixed = table(TIMES).sample(frac=1, random_state=1)
    np.testing.assert_array_equal(values(run(name, times=mixed)), values(run(name)))
