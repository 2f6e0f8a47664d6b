from __future__ import annotations

import math
from unittest import mock

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from territory.access import Allocation, allocate_places, allocation
from territory.errors import ParameterError, SchemaError, TerritoryWarning, UnknownCodeError
from tests.access import oracles
from tests.access.worlds import table

small = st.integers(0, 3).map(float)


@st.composite
def shortages(draw: st.DrawFn) -> tuple:
    """Tiny worlds with many equal times, so that the three aims all matter."""
    origins = [f"C{n}" for n in range(draw(st.integers(1, 3)))]
    sites = [f"S{n}" for n in range(draw(st.integers(1, 3)))]
    times = {(o, s): draw(st.sampled_from([10.0, 10.0, 20.0, 30.0, 50.0])) for o in origins for s in sites}
    return times, {o: draw(small) for o in origins}, {s: draw(small) for s in sites}


def aims(result: Allocation, demand: dict[str, float]) -> tuple[float, float, float]:
    shares = [result.unmet[o] / demand[o] for o in demand if demand[o]]
    return result.served, result.total_time_min, max(shares, default=0.0)


@pytest.mark.parametrize("pairs_at_once", [1, 10])
@given(world=shortages(), seed=st.integers(0, 9))
def test_equals_brute_force_on_the_three_aims_whatever_the_order(
    pairs_at_once: int, world: tuple, seed: int
) -> None:
    times, demand, capacity = world
    with mock.patch.object(allocation, "PAIRS_AT_ONCE", pairs_at_once):
        result = allocate_places(
            table(times).sample(frac=1, random_state=seed),
            pd.Series(demand).sample(frac=1, random_state=seed),
            pd.Series(capacity),
            max_time_min=30,
        )
    assert aims(result, demand) == pytest.approx(oracles.best_allocation(times, demand, capacity, 30))
    assert (result.flows["persons"] % 1 == 0).all()
    with mock.patch.object(allocation, "PAIRS_AT_ONCE", pairs_at_once):
        straight = allocate_places(table(times), pd.Series(demand), pd.Series(capacity), max_time_min=30)
    pd.testing.assert_frame_equal(straight.flows, result.flows)


def test_pairs_left_aside_at_first_change_nothing() -> None:
    rng = np.random.default_rng(5)
    times = {(f"C{i:02}", f"S{j:02}"): float(rng.integers(1, 60)) for i in range(30) for j in range(20)}
    people = pd.Series({f"C{i:02}": float(rng.integers(0, 20)) for i in range(30)})
    places = pd.Series({f"S{j:02}": float(rng.integers(0, 30)) for j in range(20)})
    found = []
    for at_once in (1, 10, 1_000):
        with mock.patch.object(allocation, "PAIRS_AT_ONCE", at_once):
            found.append(
                aims(allocate_places(table(times), people, places, max_time_min=45), people.to_dict())
            )
    assert found[0] == pytest.approx(found[2])
    assert found[1] == pytest.approx(found[2])


@given(world=shortages(), scale=st.sampled_from([0.37, 2.5]))
def test_persons_and_places_add_up_in_parts_of_persons_too(world: tuple, scale: float) -> None:
    times, demand, capacity = world
    people, places = pd.Series(demand) * scale, pd.Series(capacity) + 0.25
    result = allocate_places(table(times), people, places, max_time_min=30)
    served = result.flows.groupby("from_id")["persons"].sum().reindex(people.index, fill_value=0.0)
    taken = result.flows.groupby("to_id")["persons"].sum().reindex(places.index, fill_value=0.0)
    np.testing.assert_allclose(served + result.unmet, people, atol=1e-9)
    np.testing.assert_allclose(taken + result.free_places, places, atol=1e-9)
    assert (result.unmet >= 0).all()
    assert (result.free_places >= 0).all()
    assert (result.flows["travel_time_min"] <= 30).all()


@given(world=shortages(), data=st.data())
def test_more_places_or_more_time_never_leave_more_people_out(world: tuple, data: st.DataObject) -> None:
    times, demand, capacity = world
    people, places = pd.Series(demand), pd.Series(capacity)
    base = allocate_places(table(times), people, places, max_time_min=20).unmet.sum()
    site = data.draw(st.sampled_from(sorted(capacity)))
    more = places + (places.index == site)
    assert allocate_places(table(times), people, more, max_time_min=20).unmet.sum() <= base
    assert allocate_places(table(times), people, places, max_time_min=30).unmet.sum() <= base


def test_the_longest_time_is_inclusive_and_bounded_by_the_cutoff() -> None:
    people, places = pd.Series({"A": 1.0}), pd.Series({"S": 1.0})
    assert allocate_places(table({("A", "S"): 45.0}), people, places, max_time_min=45).served == 1
    assert allocate_places(table({("A", "S"): 45.001}), people, places, max_time_min=45).served == 0
    with pytest.raises(ParameterError, match="dépasse la coupure"):
        allocate_places(table({("A", "S"): 1.0}, cutoff_min=30), people, places, max_time_min=45)


def test_serving_one_more_is_worth_any_detour() -> None:
    # B reaches S only, so A gives way and goes 44 min to T
    times = {("A", "S"): 1.0, ("A", "T"): 44.0, ("B", "S"): 44.0}
    result = allocate_places(
        table(times), pd.Series({"A": 1.0, "B": 1.0}), pd.Series({"S": 1.0, "T": 1.0}), max_time_min=45
    )
    assert result.flows[["from_id", "to_id"]].to_numpy().tolist() == [["A", "T"], ["B", "S"]]


def test_at_equal_time_the_shortage_is_shared_out() -> None:
    times = {(o, "S"): 10.0 for o in ("A", "B", "C")}
    people = pd.Series({"A": 4.0, "B": 4.0, "C": 8.0})
    whole = allocate_places(table(times), people, pd.Series({"S": 8.0}), max_time_min=45)
    assert whole.unmet.to_dict() == {"A": 2.0, "B": 2.0, "C": 4.0}
    # as many as one likes: nothing is enumerated
    many = allocate_places(table(times), people * 1e9, pd.Series({"S": 8e9}), max_time_min=45)
    np.testing.assert_allclose(many.unmet, [2e9, 2e9, 4e9], rtol=1e-6)
    parts = allocate_places(table(times), people, pd.Series({"S": 4.4}), max_time_min=45)
    np.testing.assert_allclose(parts.unmet / people, 1 - 4.4 / 16)


def test_one_part_of_a_person_is_enough_to_share_in_parts() -> None:
    result = allocate_places(
        table({("A", "S"): 10.0, ("B", "S"): 10.0}),
        pd.Series({"A": 1.5, "B": 2.0}),
        pd.Series({"S": 2.0}),
        max_time_min=30,
    )
    assert result.unmet.to_dict() == pytest.approx({"A": 1.5 * 1.5 / 3.5, "B": 2.0 * 1.5 / 3.5})
    # and so is one part of a place, beside whole ones
    far = {("A", "S"): 10.0, ("B", "S"): 10.0, ("B", "T"): 10.0}
    places = pd.Series({"S": 1.5, "T": 1.0})
    result = allocate_places(table(far), pd.Series({"A": 3.0, "B": 2.0}), places, max_time_min=30)
    assert result.unmet.to_dict() == pytest.approx({"A": 1.5, "B": 1.0})


def test_only_eligible_pairs_are_used() -> None:
    times = {("A", "S"): 5.0, ("A", "T"): 20.0, ("B", "T"): 5.0}
    people, places = pd.Series({"A": 2.0, "B": 1.0}), pd.Series({"S": 5.0, "T": 1.0})
    sector = pd.DataFrame({"from_id": ["A", "B", "Z"], "to_id": ["T", "T", "S"]})
    result = allocate_places(table(times), people, places, max_time_min=45, eligible=sector)
    assert result.unmet.to_dict() == {"A": 2.0, "B": 0.0}
    assert result.free_places.to_dict() == {"S": 5.0, "T": 0.0}
    nobody = allocate_places(table(times), people, places, max_time_min=45, eligible=sector.iloc[:0])
    assert nobody.served == 0
    assert math.isnan(nobody.mean_time_min)
    with pytest.raises(SchemaError, match="il manque to_id"):
        allocate_places(table(times), people, places, max_time_min=45, eligible=sector[["from_id"]])


def test_unknown_times_are_left_out_and_counted() -> None:
    times = table({("A", "S"): math.nan, ("A", "T"): 8.0})
    with pytest.warns(TerritoryWarning, match=r"1 couple au temps inconnu") as caught:
        result = allocate_places(
            times, pd.Series({"A": 2.0}), pd.Series({"S": 5.0, "T": 1.0}), max_time_min=45
        )
    assert result.served == 1
    assert caught[0].filename == __file__


@pytest.mark.parametrize(
    "demand, capacity, limit, error, message",
    [
        ({"A": -1.0}, {"S": 1.0}, 45, ParameterError, "Demande : 1 valeur"),
        ({"A": math.nan}, {"S": 1.0}, 45, ParameterError, r"Demande : 1 valeur inconnue"),
        ({"A": 1.0}, {"S": math.nan}, 45, ParameterError, r"Places : 1 valeur inconnue \(S\)"),
        ({"A": 1.0}, {"S": 1.0}, 0, ParameterError, "max_time_min = 0"),
        ({"A": 1.0}, {"S": 1.0}, math.inf, ParameterError, "max_time_min = inf"),
        ({"Z": 1.0}, {"S": 1.0}, 45, UnknownCodeError, "origines"),
    ],
)
def test_bad_input_is_one_clear_error(
    demand: dict, capacity: dict, limit: float, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        allocate_places(table({("A", "S"): 1.0}), pd.Series(demand), pd.Series(capacity), max_time_min=limit)


def test_the_result_describes_itself_in_french() -> None:
    result = allocate_places(
        table({("A", "S"): 7.0}), pd.Series({"A": 2.0}), pd.Series({"S": 3.0}), max_time_min=45
    )
    assert repr(result) == "Allocation(lieux complets : 0 sur 1, 45 min au plus)"
    assert ">Temps moyen (min)</th><td style='text-align:left'>7,0</td>" in result._repr_html_()


@pytest.mark.parametrize("kind", ["prevalence", "rights", "population"])
def test_needs_that_are_no_queue_are_never_set_against_places(kind: str) -> None:
    times = table({("A", "S"): 10.0})
    places = pd.Series({"S": 1.0})
    persons = pd.DataFrame({"demand": [2.0], "kind": [kind]}, index=["A"])
    with pytest.raises(ParameterError, match="orientations de la MDPH"):
        allocate_places(times, persons, places, max_time_min=45)
    with pytest.raises(ParameterError, match="taux_equipement"):
        allocate_places(times, persons["demand"], places, max_time_min=45, kind=kind)


@pytest.mark.parametrize("kind", ["orientation", "waiting"])
def test_orientations_and_waiting_lists_are(kind: str) -> None:
    persons = pd.DataFrame({"demand": [2.0], "kind": [kind]}, index=["A"])
    found = allocate_places(table({("A", "S"): 10.0}), persons, pd.Series({"S": 1.0}), max_time_min=45)
    assert found.unmet.to_dict() == {"A": 1.0}
