from __future__ import annotations

import math
import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from territory.access import decay, floating_catchment_area, gravity, spatial_availability
from territory.access.catchments.floating_catchment import METHODS
from territory.errors import ParameterError, SchemaError, TerritoryWarning, UnknownCodeError
from tests.access import oracles
from tests.access.worlds import table, worlds

NOBODY = "ignore:.*sans aucune demande à portée.*:territory.errors.TerritoryWarning"
UNKNOWN = "ignore:Accessibilité inconnue.*:territory.errors.TerritoryWarning"
DECAYS = [
    decay.binary(30),
    decay.stepped({5: 1.0, 20: 0.5, 40: 0.25}),
    decay.linear(50),
    decay.gaussian(20),
]


def series(amounts: dict[str, float]) -> pd.Series:
    return pd.Series(amounts, dtype=float)


@pytest.mark.filterwarnings(NOBODY)
@pytest.mark.parametrize("method", METHODS)
@given(world=worlds(), made=st.sampled_from(DECAYS), seed=st.integers(0, 9))
def test_equals_the_oracle_whatever_the_order_of_rows_and_ids(
    method: str, world: tuple, made: decay.Decay, seed: int
) -> None:
    times, demand, supply = world
    expected = oracles.CATCHMENTS[method](times, demand, supply, lambda minutes: float(made(minutes)))
    got = floating_catchment_area(
        table(times).sample(frac=1, random_state=seed),
        series(demand).sample(frac=1, random_state=seed),
        series(supply).sample(frac=1, random_state=seed),
        decay=made,
        method=method,
    )
    assert list(got.index) == list(series(demand).sample(frac=1, random_state=seed).index)
    for origin, value in expected.items():
        assert got[origin] == pytest.approx(value, rel=1e-9, abs=1e-12)


@pytest.mark.filterwarnings(NOBODY)
@pytest.mark.parametrize("method", ["2sfca", "e2sfca", "3sfca"])
@given(world=worlds(), made=st.sampled_from(DECAYS))
def test_supply_is_conserved(method: str, world: tuple, made: decay.Decay) -> None:
    times, demand, supply = world
    access = floating_catchment_area(table(times), series(demand), series(supply), decay=made, method=method)
    asked = {
        s: sum(demand[o] * float(made(m)) for (o, site), m in times.items() if site == s) for s in supply
    }
    reached = sum(places for site, places in supply.items() if asked[site] > 0)
    assert (access * series(demand)).sum() == pytest.approx(reached)


@pytest.mark.filterwarnings(NOBODY)
@given(world=worlds(), made=st.sampled_from(DECAYS))
def test_m2sfca_never_gives_out_more_than_the_supply(world: tuple, made: decay.Decay) -> None:
    times, demand, supply = world
    access = floating_catchment_area(
        table(times), series(demand), series(supply), decay=made, method="m2sfca"
    )
    assert (access * series(demand)).sum() <= sum(supply.values()) * (1 + 1e-9)


@pytest.mark.filterwarnings(NOBODY)
@given(world=worlds(), made=st.sampled_from(DECAYS))
def test_bfca_hands_out_each_level_of_service_once(world: tuple, made: decay.Decay) -> None:
    times, demand, supply = world
    weigh = lambda minutes: float(made(minutes))  # noqa: E731
    access = floating_catchment_area(table(times), series(demand), series(supply), decay=made, method="bfca")
    levels = 0.0
    for s, places in supply.items():
        asked = sum(oracles.choice(times, supply, weigh, o, s) * demand[o] for o in demand)
        levels += places / asked if asked else 0.0
    assert access.sum() == pytest.approx(levels)


@pytest.mark.filterwarnings(NOBODY)
@pytest.mark.parametrize("method", METHODS)
@given(world=worlds(), more=st.integers(1, 20), data=st.data())
def test_adding_places_to_a_site_never_lowers_access(
    method: str, world: tuple, more: int, data: st.DataObject
) -> None:
    times, demand, supply = world
    open_sites = {site: places + 1 for site, places in supply.items()}
    grown = open_sites | {data.draw(st.sampled_from(sorted(supply))): 51.0 + more}
    made = decay.linear(50)
    before = floating_catchment_area(
        table(times), series(demand), series(open_sites), decay=made, method=method
    )
    after = floating_catchment_area(table(times), series(demand), series(grown), decay=made, method=method)
    assert (after >= before - 1e-12).all()


@pytest.mark.parametrize("method", METHODS)
@settings(deadline=None, max_examples=20)
@given(scale=st.floats(0.01, 100))
def test_units_scale(method: str, scale: float) -> None:
    times = table({("A", "S"): 10.0, ("B", "S"): 25.0, ("B", "T"): 5.0, ("C", "T"): 20.0})
    demand, supply = series({"A": 10, "B": 20, "C": 5}), series({"S": 4, "T": 6})
    made = decay.linear(40)
    base = floating_catchment_area(times, demand, supply, decay=made, method=method)
    more = floating_catchment_area(times, demand, supply * scale, decay=made, method=method)
    crowd = floating_catchment_area(times, demand * scale, supply, decay=made, method=method)
    np.testing.assert_allclose(more, base * scale)
    np.testing.assert_allclose(crowd * scale, base)


def test_names_and_categories_change_nothing() -> None:
    times = {("A", "S"): 10.0, ("B", "S"): 25.0, ("B", "T"): 5.0}
    demand, supply = series({"A": 10, "B": 20}), series({"S": 4, "T": 6})
    base = floating_catchment_area(table(times), demand, supply, decay=decay.linear(40))
    renamed = {(f"x{99 - ord(a)}", f"y{99 - ord(b)}"): minutes for (a, b), minutes in times.items()}
    swap = floating_catchment_area(
        table(renamed).astype({"from_id": "category", "to_id": "category"}),
        demand.rename(lambda a: f"x{99 - ord(a)}"),
        supply.rename(lambda b: f"y{99 - ord(b)}"),
        decay=decay.linear(40),
    )
    np.testing.assert_allclose(swap, base)


def test_one_site_in_the_middle_gives_everyone_the_same() -> None:
    times = {(f"C{n}", "S"): 10.0 for n in range(8)}
    demand = series({f"C{n}": 25.0 for n in range(8)})
    for method in METHODS:
        got = floating_catchment_area(
            table(times), demand, series({"S": 40}), decay=decay.binary(10), method=method
        )
        # bfca divides the level of service itself among the eight
        expected = 40 / 200 / 8 if method == "bfca" else 40 / 200
        np.testing.assert_allclose(got, expected)


def test_spatial_availability_gives_the_published_numbers() -> None:
    minutes = [[15, 30, 100], [30, 15, 100], [100, 100, 15]]
    times = {(f"P{i}", f"E{j}"): float(minutes[i][j]) for i in range(3) for j in range(3)}
    population = series({"P0": 50_000, "P1": 150_000, "P2": 10_000})
    jobs = series({"E0": 100_000, "E1": 100_000, "E2": 10_000})
    got = spatial_availability(table(times), population, jobs, decay=decay.exponential(0.1))
    assert got.round().tolist() == [66_833, 133_203, 9_963]
    per_person = floating_catchment_area(
        table(times), population, jobs, decay=decay.exponential(0.1), method="e2sfca"
    )
    np.testing.assert_allclose(got / population, per_person)


def test_gravity_equals_its_definition() -> None:
    times = table({("A", "S"): 10.0, ("A", "T"): 30.0, ("B", "T"): 0.0})
    got = gravity(times, ["C", "B", "A"], series({"S": 8, "T": 2}), decay=decay.linear(40))
    assert got.to_dict() == {"C": 0.0, "B": 2.0, "A": 8 * 0.75 + 2 * 0.25}


def test_pysal_gives_the_same() -> None:
    fca = pytest.importorskip("access.fca")
    rng = np.random.default_rng(3)
    times = {(f"C{i}", f"S{j}"): float(rng.uniform(0, 60)) for i in range(30) for j in range(12)}
    demand = series({f"C{i}": float(rng.integers(1, 99)) for i in range(30)})
    supply = series({f"S{j}": float(rng.integers(1, 99)) for j in range(12)})
    costs = table(times).set_axis(["origin", "dest", "cost"], axis=1)
    people, places = demand.to_frame("demand"), supply.to_frame("supply")
    keys = {"demand_index": True, "supply_index": True, "demand_name": "demand", "supply_name": "supply"}
    made = decay.gaussian(15, max_time_min=40)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        two = fca.two_stage_fca(people, places, costs.copy(), max_cost=40, weight_fn=made, **keys)
        three = fca.three_stage_fca(people, places, costs.copy(), max_cost=40, weight_fn=made, **keys)
        plain = fca.two_stage_fca(people, places, costs.copy(), max_cost=30, **keys)
    for method, expected in (("e2sfca", two), ("3sfca", three)):
        got = floating_catchment_area(table(times), demand, supply, decay=made, method=method)
        np.testing.assert_allclose(got, expected.reindex(got.index))
    got = floating_catchment_area(table(times), demand, supply, decay=decay.binary(30))
    np.testing.assert_allclose(got, plain.reindex(got.index).fillna(0))


# what is unknown, out of reach or empty


def test_a_commune_that_reaches_nothing_has_0() -> None:
    got = floating_catchment_area(
        table({("A", "S"): 5.0}), series({"A": 10, "B": 10}), series({"S": 2}), decay=decay.binary(30)
    )
    assert got.to_dict() == {"A": 0.2, "B": 0.0}


def test_supply_that_goes_to_nobody_is_counted_in_a_warning() -> None:
    times = table({("A", "S"): 5.0, ("B", "T"): 5.0, ("B", "S"): 5.0})
    with pytest.warns(TerritoryWarning, match=r"2 sites sans aucune demande à portée \(T, U\)") as caught:
        got = floating_catchment_area(
            times, series({"A": 10, "B": 0}), series({"S": 2, "T": 3, "U": 4}), decay=decay.binary(30)
        )
    assert got.to_dict() == {"A": 0.2, "B": 0.2}
    # the warning shows the planner's own line
    assert caught[0].filename == __file__


@pytest.mark.parametrize("method", METHODS)
def test_an_unknown_time_demand_or_capacity_makes_unknown_only_what_it_touches(method: str) -> None:
    sure = {("A", "S"): 5.0, ("B", "T"): 5.0, ("C", "T"): 8.0}
    demand, supply = series({"A": 10, "B": 10, "C": 10}), series({"S": 2, "T": 2})
    made = decay.binary(30)
    run = lambda t, d, s: floating_catchment_area(table(t), d, s, decay=made, method=method)  # noqa: E731
    known = run(sure, demand, supply)
    for times, people, places, why in (
        (sure | {("C", "T"): math.nan}, demand, supply, "1 temps"),
        (sure, demand.where(demand.index != "C"), supply, r"1 demande"),
        (sure, demand, supply.where(supply.index != "T"), r"1 capacité"),
    ):
        with pytest.warns(TerritoryWarning, match=rf"inconnue pour 2 origines sur 3 \(B, C\).*{why}"):
            got = run(times, people, places)
        assert got["A"] == known["A"]
        assert got[["B", "C"]].isna().all()
    # an unknown capacity beyond reach, or an unknown time from nobody, changes nothing
    far = sure | {("A", "T"): 31.0}
    with pytest.warns(TerritoryWarning):
        assert run(far, demand, supply.where(supply.index != "T"))["A"] == known["A"]
    assert run(sure | {("D", "T"): math.nan}, demand, supply)["B"] == known["B"]


def test_an_unknown_time_from_an_empty_commune_does_not_spoil_the_others() -> None:
    times = table({("A", "S"): 5.0, ("B", "S"): math.nan})
    with pytest.warns(TerritoryWarning, match=r"1 origine sur 2 \(B\)"):
        got = floating_catchment_area(
            times, series({"A": 10, "B": 0}), series({"S": 2}), decay=decay.binary(30)
        )
    assert got["A"] == 0.2
    with pytest.warns(TerritoryWarning):
        assert math.isnan(gravity(times, ["B"], series({"S": 2}), decay=decay.binary(30))["B"])
    assert spatial_availability(
        times, series({"A": 10, "B": 0}), series({"S": 2}), decay=decay.binary(30)
    ).to_dict() == {"A": 2.0, "B": 0.0}


@pytest.mark.parametrize("method", METHODS)
def test_a_site_without_places_gives_0_even_at_an_unknown_time(method: str) -> None:
    times = table({("A", "S"): 5.0, ("A", "Z"): math.nan, ("B", "S"): 5.0})
    got = floating_catchment_area(
        times, series({"A": 10, "B": 10}), series({"S": 2, "Z": 0}), decay=decay.binary(30), method=method
    )
    without = floating_catchment_area(
        times, series({"A": 10, "B": 10}), series({"S": 2}), decay=decay.binary(30), method=method
    )
    assert got.to_dict() == without.to_dict()


def test_a_decay_longer_than_the_cutoff_is_an_error() -> None:
    times = table({("A", "S"): 5.0}, cutoff_min=30)
    demand, supply = series({"A": 10}), series({"S": 2})
    assert floating_catchment_area(times, demand, supply, decay=decay.binary(30))["A"] == 0.2
    for made, asked in ((decay.binary(31), "31 min"), (decay.gaussian(10), "sans limite de temps")):
        with pytest.raises(ParameterError, match=f"{asked}.*coupure de la table des temps"):
            floating_catchment_area(times, demand, supply, decay=made)


def test_any_function_of_minutes_is_a_decay_when_it_gives_weights() -> None:
    times, demand, supply = table({("A", "S"): 5.0}), series({"A": 10}), series({"S": 2})
    got = floating_catchment_area(times, demand, supply, decay=lambda minutes: 1 / (1 + np.asarray(minutes)))
    assert got.name == "e2sfca"
    assert got["A"] == pytest.approx(0.2)
    with pytest.raises(ParameterError, match="négatifs, infinis ou inconnus"):
        floating_catchment_area(times, demand, supply, decay=lambda minutes: np.asarray(minutes) - 6)
    with pytest.raises(ParameterError, match="négatifs, infinis ou inconnus"):
        floating_catchment_area(times, demand, supply, decay=lambda minutes: np.asarray(minutes) * np.nan)
    with pytest.raises(ParameterError, match="un par temps"):
        floating_catchment_area(times, demand, supply, decay=lambda minutes: np.ones(3))


@pytest.mark.parametrize(
    "demand, supply, method, error, message",
    [
        ({"A": -1}, {"S": 1}, "2sfca", ParameterError, "Demande"),
        ({"A": 1}, {"S": -1}, "2sfca", ParameterError, "Offre"),
        ({"A": 1}, {"S": math.inf}, "2sfca", ParameterError, "Offre"),
        ({"A": 1}, {"S": 1}, "4sfca", ParameterError, "Méthode « 4sfca » inconnue : choisissez parmi 2sfca"),
        ({"Z": 1}, {"S": 1}, "2sfca", UnknownCodeError, "origines"),
        ({"A": 1}, {"Z": 1}, "2sfca", UnknownCodeError, "sites"),
    ],
)
def test_bad_input_is_one_clear_error(
    demand: dict, supply: dict, method: str, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        floating_catchment_area(
            table({("A", "S"): 1.0}), series(demand), series(supply), decay=decay.binary(30), method=method
        )


def test_a_pair_given_twice_is_found_in_dense_and_in_sparse_tables() -> None:
    dense = pd.concat([table({("A", "S"): 1.0}), table({("A", "S"): 2.0})])
    with pytest.raises(SchemaError, match="A → S"):
        floating_catchment_area(dense, series({"A": 1}), series({"S": 1}), decay=decay.binary(30))
    many = {(f"C{n}", f"S{n}"): 1.0 for n in range(100)}
    sparse = pd.concat([table(many), table({("C7", "S7"): 2.0})])
    everyone, sites = series({f"C{n}": 1 for n in range(100)}), series({f"S{n}": 1 for n in range(100)})
    with pytest.raises(SchemaError, match="C7 → S7"):
        floating_catchment_area(sparse, everyone, sites, decay=decay.binary(30))
    assert floating_catchment_area(table(many), everyone, sites, decay=decay.binary(30)).eq(1).all()


def test_no_supply_at_all_gives_0() -> None:
    none = pd.Series([], dtype=float, index=pd.Index([], dtype="str"))
    got = floating_catchment_area(table({("A", "S"): 1.0}), series({"A": 1}), none, decay=decay.binary(30))
    assert got.to_dict() == {"A": 0.0}
