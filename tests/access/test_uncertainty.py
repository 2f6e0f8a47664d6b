from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from territory.access import coverage, decay, floating_catchment_area, time_to_closest, time_to_site
from territory.access.uncertainty import Draw, class_stability, compare_samples, interval, sample
from territory.errors import ParameterError, SchemaError
from tests.access.worlds import table, worlds

NOBODY = "ignore:.*sans aucune demande à portée.*:territory.errors.TerritoryWarning"
TIMES = {(f"C{i}", f"S{j}"): 60.0 + i + j for i in range(40) for j in range(10)}
ONE = pd.Series({"A": 10.0})


def drawn_times(draw: Draw) -> pd.Series:
    texts = draw.travel_times.astype({"from_id": "str", "to_id": "str"})
    return texts.set_index(["from_id", "to_id"])["travel_time_min"]


@pytest.mark.filterwarnings(NOBODY)
@settings(deadline=None, max_examples=15)
@given(world=worlds(), seed=st.integers(0, 99))
def test_without_doubt_each_draw_is_the_measure_itself(world: tuple, seed: int) -> None:
    times, demand, supply = world
    places, made = pd.Series(supply), decay.linear(50)
    expected = floating_catchment_area(table(times), pd.Series(demand), places, decay=made)
    got = sample(
        lambda draw: floating_catchment_area(draw.travel_times, draw.demand, places, decay=draw.decay),
        table(times),
        pd.Series(demand),
        seed=seed,
        draws=3,
        time_error_min=0,
        demand_low=pd.Series(demand),
        demand_high=pd.Series(demand),
        decays=[made],
    )
    for column in got:
        np.testing.assert_allclose(got[column], expected)


def test_errors_have_the_width_the_law_and_the_correlation_that_are_asked() -> None:
    got = sample(drawn_times, table(TIMES), ONE, seed=7, draws=400, time_error_min=5, shared_error=0.5)
    errors = got.to_numpy() - np.array(list(TIMES.values()))[:, None]
    assert abs((np.abs(errors) <= 5).mean() - 0.80) < 0.01
    assert abs(errors.mean()) < 0.05
    sd = 5 / NormalDist().inv_cdf(0.9)
    # cut at 2.5 standard deviations, which narrows it by about 2 %
    assert errors.std() == pytest.approx(sd, rel=0.03)
    assert np.abs(errors).max() <= 2.5 * sd + 1e-9
    assert np.corrcoef(errors[0], errors[1])[0, 1] == pytest.approx(0.5, abs=0.1)
    assert np.corrcoef(errors[0], errors[10])[0, 1] == pytest.approx(0, abs=0.15)


def test_the_error_of_a_pair_hangs_on_its_ids_not_on_the_table() -> None:
    whole = sample(drawn_times, table(TIMES), ONE, seed=7, draws=3, time_error_min=5)
    some = dict(list(TIMES.items())[5:50:3])
    part = sample(
        drawn_times, table(some).sample(frac=1, random_state=1), ONE, seed=7, draws=3, time_error_min=5
    )
    pd.testing.assert_frame_equal(
        part.sort_index(), whole.loc[part.index].sort_index(), check_index_type=False
    )
    other = sample(drawn_times, table(TIMES), ONE, seed=8, draws=3, time_error_min=5)
    assert not np.isclose(other, whole).any()


def test_baseline_and_scenario_share_the_error_of_each_draw() -> None:
    people = pd.Series({f"C{i}": 1.0 for i in range(40)})
    run = lambda times, **more: sample(  # noqa: E731
        lambda draw: time_to_site(draw.travel_times, people.index, "S0")["time_min"],
        table(times),
        people,
        seed=3,
        draws=100,
        time_error_min=5,
        **more,
    )
    before = run(TIMES)
    # the road is the same, 2 min shorter: far less than the doubt on one time, and still certain
    after = run({pair: minutes - 2 for pair, minutes in TIMES.items()})
    got = compare_samples(before, after)
    np.testing.assert_allclose(got[["low", "median", "high"]], -2)
    assert got["is_distinguishable"].all()
    assert not compare_samples(before, before)["is_distinguishable"].any()
    # a new site is another road, unless it is said to be the same place
    moved = {(a, b.replace("S0", "S99")): minutes - 2 for (a, b), minutes in TIMES.items()}
    elsewhere = lambda **more: sample(  # noqa: E731
        lambda draw: time_to_site(draw.travel_times, people.index, "S99")["time_min"],
        table(moved),
        people,
        seed=3,
        draws=100,
        time_error_min=5,
        **more,
    )
    assert not compare_samples(before, elsewhere())["is_distinguishable"].any()
    same_place = elsewhere(same_road={"S99": "S0"})
    np.testing.assert_allclose(compare_samples(before, same_place)["median"], -2)


def test_demand_is_drawn_from_the_triangular_law_for_everyone_together() -> None:
    central, low, high = (pd.Series({"A": x, "B": 10 * x, "C": math.nan}) for x in (8.0, 5.6, 10.2))
    got = sample(
        lambda draw: draw.demand,
        table({("A", "S"): 1.0}),
        central,
        seed=1,
        draws=4000,
        time_error_min=0,
        demand_low=low,
        demand_high=high,
    )
    a = got.loc["A"].to_numpy()
    assert a.min() >= 5.6
    assert a.max() <= 10.2
    assert a.mean() == pytest.approx((5.6 + 8 + 10.2) / 3, abs=0.05)
    assert (a <= 8).mean() == pytest.approx(2.4 / 4.6, abs=0.03)
    np.testing.assert_allclose(got.loc["B"], 10 * a)
    assert got.loc["C"].isna().all()


def test_each_draw_picks_one_of_the_decays() -> None:
    made = [decay.binary(30), decay.linear(30)]
    seen = []
    sample(
        lambda draw: seen.append(draw.decay) or pd.Series({"A": 0.0}),
        table({("A", "S"): 1.0}),
        ONE,
        seed=1,
        draws=60,
        time_error_min=0,
        decays=made,
    )
    assert 15 < seen.count(made[0]) < 45
    assert set(seen) == set(made)


def test_a_cutoff_is_lowered_by_the_largest_error() -> None:
    people = pd.Series({"A": 1.0})
    run = lambda limit, threshold: sample(  # noqa: E731
        lambda draw: coverage(draw.travel_times, people, thresholds_min=(threshold,)).iloc[:, 0],
        table({("A", "S"): 10.0}, cutoff_min=limit),
        people,
        seed=1,
        draws=2,
        time_error_min=4,
    )
    assert run(30, 20).all(axis=None)
    with pytest.raises(ParameterError, match="dépasse la coupure"):
        run(30, 30)
    with pytest.raises(ParameterError, match="Le doute sur les temps"):
        run(7, 5)


def test_intervals_are_observed_values_and_say_what_is_unknown() -> None:
    drawn = pd.DataFrame([[1.0, 2.0, math.inf], [1.0, math.nan, 3.0]], index=["A", "B"])
    got = interval(drawn, level=0.9)
    assert got.loc["A"].tolist() == [1.0, 2.0, math.inf, 0.0]
    assert got.loc["B"].iloc[:3].isna().all()
    assert got.loc["B", "unknown_share"] == pytest.approx(1 / 3)
    unknown = compare_samples(drawn, drawn)["is_distinguishable"]
    assert unknown.tolist() == [pd.NA, pd.NA]


def test_sure_and_doubtful_deserts() -> None:
    drawn = pd.DataFrame([["d"] * 9 + ["n"], ["d"] * 5 + ["n"] * 5], index=["A", "B"])
    got = class_stability(drawn, pd.Series({"B": "n", "A": "d"}))
    assert got["same_class_share"].tolist() == [0.9, 0.5]
    assert got["verdict"].tolist() == ["sûr", "douteux"]
    assert got["most_frequent_class"].tolist() == ["d", "d"]
    with pytest.raises(ParameterError, match=r"1 commune sans classe de référence \(B\)"):
        class_stability(drawn, pd.Series({"A": "d"}))


def test_the_doubt_may_come_with_the_table() -> None:
    times = table({("A", "S"): 20.0, ("A", "T"): 50.0}).assign(uncertainty_min=[0.0, 6.0])
    got = sample(drawn_times, times, ONE, seed=1, draws=20)
    assert (got.iloc[0] == 20).all()
    assert got.iloc[1].std() > 1
    with pytest.raises(SchemaError, match="il manque uncertainty_min"):
        sample(drawn_times, times.drop(columns="uncertainty_min"), ONE, seed=1)
    with pytest.raises(SchemaError, match=r"négatif pour 1 couple \(A → T\)"):
        sample(drawn_times, times.assign(uncertainty_min=[1, -6.0]), ONE, seed=1)
    unknown = times.assign(travel_time_min=[20.0, math.nan], uncertainty_min=[1.0, math.nan])
    assert sample(drawn_times, unknown, ONE, seed=1, draws=2).iloc[1].isna().all()


def test_times_never_fall_under_0() -> None:
    got = sample(drawn_times, table({("A", "S"): 1.0}), ONE, seed=1, draws=50, time_error_min=9)
    assert (got >= 0).all(axis=None)
    assert (got == 0).any(axis=None)


@pytest.mark.parametrize(
    "options, message",
    [
        ({"draws": 0}, "draws = 0"),
        ({"shared_error": 1.2}, "shared_error"),
        ({"time_error_min": -1}, "time_error_min = -1"),
        ({"demand_low": ONE}, "aucune des deux"),
        ({"demand_low": ONE, "demand_high": ONE - 1}, r"la basse et la haute \(A\)"),
    ],
)
def test_bad_input_is_one_clear_error(options: dict, message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        sample(drawn_times, table({("A", "S"): 1.0}), ONE, **({"seed": 1, "time_error_min": 1} | options))


def test_bad_summaries_are_clear_errors() -> None:
    drawn = pd.DataFrame([[1.0]], index=["A"])
    with pytest.raises(ParameterError, match=r"Niveau 1\.5"):
        interval(drawn, level=1.5)
    with pytest.raises(ParameterError, match="Aucun tirage"):
        interval(drawn.iloc[:, :0])
    with pytest.raises(ParameterError, match="même graine"):
        compare_samples(drawn, drawn.rename(index={"A": "B"}))


def test_closest_site_with_doubt_is_never_later_than_without_on_average() -> None:
    # the closest of several doubtful sites is closer than the closest without doubt, on average
    times = {("A", f"S{n}"): 30.0 for n in range(5)}
    got = sample(
        lambda draw: time_to_closest(draw.travel_times, ["A"])["time_1_min"],
        table(times),
        ONE,
        seed=2,
        draws=100,
        time_error_min=5,
    )
    assert got.loc["A"].mean() < 30
