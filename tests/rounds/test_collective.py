"""Rounds of children: the optimum of an enumeration on small worlds, what always holds, and what is refused."""

from __future__ import annotations

import itertools
import math
from concurrent.futures import ThreadPoolExecutor
from unittest import mock

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from territory.errors import ParameterError
from territory.rounds import RoundPrices, Rounds, collective, collective_rounds, ride_limit_curve
from tests.drawing import examples
from tests.oracles import best_rounds, route_cost

SITES = ["ime", "iem"]


def town(
    count: int, *, seed: int = 0, spread_km: float = 14.0, sites: int = 1
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return children drawn around establishments, and the times of straight roads at 45 km/h with a detour."""
    rng = np.random.default_rng(seed)
    points = rng.normal(0, spread_km, (count + sites, 2))
    points[count:] = rng.normal(0, 3, (sites, 2))
    names = [f"p{i}" for i in range(count)] + SITES[:sites]
    km = 1.3 * np.hypot(*(points[:, None] - points[None]).transpose(2, 0, 1))
    start, end = np.nonzero(~np.eye(len(names), dtype=bool))
    times = pd.DataFrame(
        {
            "from_id": np.array(names)[start],
            "to_id": np.array(names)[end],
            "travel_time_min": km[start, end] / 0.75,
            "distance_km": km[start, end],
        }
    )
    return pd.DataFrame({"from_id": names[:count]}, index=[f"child {i}" for i in range(count)]), times


@st.composite
def small_worlds(draw: st.DrawFn) -> dict[str, object]:
    """Draw up to six children, one or two establishments, a table that obeys no triangle, and every rule."""
    count = draw(st.integers(1, 6))
    two = draw(st.booleans())
    places = [f"p{i}" for i in range(draw(st.integers(1, count)))]
    names = [*places, *(SITES if two else SITES[:1])]
    legs = {
        (a, b): float(draw(st.integers(1, 40)))
        for a in names
        for b in names
        if a != b and (a in places or b in SITES)
    }
    legs |= {(b, a): float(draw(st.integers(1, 40))) for a in places for b in names if b in SITES}
    rows = [
        {
            "from_id": draw(st.sampled_from(places)),
            "to_id": draw(st.sampled_from(SITES)) if two else "ime",
            "wheelchair": draw(st.integers(0, 3)) == 0,
        }
        for _ in range(count)
    ]
    # siblings live together
    for k, row in enumerate(rows):
        same = [
            one.get("household", f"h{i}")
            for i, one in enumerate(rows[:k])
            if one["from_id"] == row["from_id"]
        ]
        row["household"] = draw(st.sampled_from(same)) if same and draw(st.booleans()) else f"h{k}"
    pairs = draw(st.lists(st.tuples(st.integers(0, count - 1), st.integers(0, count - 1)), max_size=2))
    attendants = draw(st.integers(0, 1))
    return {
        "children": pd.DataFrame(rows),
        "site": SITES if two else "ime",
        "legs": legs,
        "apart": [pair for pair in pairs if pair[0] != pair[1]],
        "seats": draw(st.integers(1, 4)) + attendants,
        "attendants": attendants,
        "wheelchair_seats": draw(st.integers(0, 2)),
        "max_ride_min": float(draw(st.integers(15, 90))),
        "stop_min": float(draw(st.integers(0, 3))),
        "open": draw(st.booleans()),
        "mixed_sites": draw(st.booleans()),
        "vehicle_weight": draw(st.sampled_from([0.0, 0.5, 3.0])),
        "vehicles": draw(st.sampled_from([None, None, 1, 2, 3])),
    }


def as_table(legs: dict[tuple[str, str], float]) -> pd.DataFrame:
    return pd.DataFrame(
        [(*pair, value) for pair, value in legs.items()], columns=["from_id", "to_id", "travel_time_min"]
    )


@examples(25, 150)
@given(small_worlds())
def test_small_worlds_have_the_rounds_of_an_enumeration(world: dict[str, object]) -> None:
    asked = dict(world)
    children, legs, site = asked.pop("children"), asked.pop("legs"), asked.pop("site")
    found = collective_rounds(children, site, as_table(legs), **asked)
    limit, stop_min = asked["max_ride_min"], asked["stop_min"]
    stops = []
    for (_, school), group in children.groupby(["household", "to_id"], sort=False):
        place, wheels = group["from_id"].iloc[0], int(group["wheelchair"].sum())
        stops.append((place, school, len(group), wheels, set(group.index)))
    bad = [
        legs[place, school] > limit
        or wheels > asked["wheelchair_seats"]
        or kids - wheels > asked["seats"] - asked["attendants"]
        or any(set(pair) <= members for pair in asked["apart"])
        for place, school, kids, wheels, members in stops
    ]
    concerned = set().union(*(one[4] for one, is_bad in zip(stops, bad, strict=True) if is_bad), set())
    stops = [one for one, is_bad in zip(stops, bad, strict=True) if not is_bad]

    def fits(part: tuple[int, ...]) -> bool:
        members = set().union(*(stops[i][4] for i in part))
        seated = sum(stops[i][2] - stops[i][3] for i in part)
        wheels = sum(stops[i][3] for i in part)
        apart = any(set(pair) <= members for pair in asked["apart"])
        return (
            seated <= asked["seats"] - asked["attendants"]
            and wheels <= asked["wheelchair_seats"]
            and not apart
        )

    def cost(order: tuple[int, ...]) -> float | None:
        path = tuple((stops[i][0], stops[i][2], stops[i][1]) for i in order)
        minutes = {**{(p, p): 0.0 for p in children["from_id"]}, **legs}
        empty = {} if asked["open"] else {path[0][0]: legs[path[0][2], path[0][0]]}
        return route_cost(
            path, minutes, asked["mixed_sites"], limit, (stop_min, asked["vehicle_weight"], empty)
        )

    best = best_rounds(stops, fits, cost, asked["vehicles"]) if stops else (0, 0.0)
    without = set(found.riders.index[found.riders["ride_min"].isna()])
    assert (found.status == "infeasible") == bool(concerned or best is None)
    assert without == (concerned if best is not None else set(children.index))
    assert (found.riders["reason"] != "").equals(found.riders["ride_min"].isna())
    if best is not None:
        assert found.objective_min == pytest.approx(best[1])
        assert asked["vehicles"] or len(found.vehicles) == best[0]
    holds(found, children, asked)


def holds(found: Rounds, children: pd.DataFrame, asked: dict[str, object]) -> None:
    """What any rounds obey."""
    riders = found.riders
    assert list(riders.index) == list(children.index)
    carried = riders[riders["reason"] == ""]
    assert (carried["ride_min"] <= asked["max_ride_min"] + 1e-6).all()
    wheels = (
        children["wheelchair"].reindex(carried.index) if "wheelchair" in children else carried["vehicle"] < 0
    )
    seated = carried["vehicle"][~wheels.astype(bool)].value_counts()
    assert (seated <= asked["seats"] - asked.get("attendants", 0)).all()
    assert found.vehicles["children"].sum() == len(carried)
    assert found.vehicles_bound <= len(found.vehicles) or len(carried) == 0
    assert found.bound_min <= found.objective_min + 1e-9
    for one, other in asked.get("apart", []):
        assert (
            not riders.loc[[one, other], "vehicle"].notna().all()
            or riders.at[one, "vehicle"] != riders.at[other, "vehicle"]
        )


@settings(max_examples=10, deadline=None)
@given(
    st.integers(11, 35),
    st.integers(0, 10**6),
    st.integers(2, 9),
    st.sampled_from([35.0, 45.0, 60.0, math.inf]),
)
def test_what_holds_in_larger_worlds(count: int, seed: int, seats: int, limit: float) -> None:
    children, times = town(count, seed=seed)
    rng = np.random.default_rng(seed)
    children["wheelchair"] = rng.random(count) < 0.1
    apart = [tuple(children.index[rng.choice(count, 2, replace=False)]) for _ in range(3)]
    asked = {"seats": seats, "max_ride_min": limit, "wheelchair_seats": 1, "apart": apart}
    found = collective_rounds(children, "ime", times, effort=4, **asked)
    holds(found, children, asked)
    carried = found.riders[found.riders["reason"] == ""]
    # roads obey the triangle here, so that no round is a short cut
    assert (carried["detour_min"] >= -1e-9).all()
    direct = times.set_index(["from_id", "to_id"])["travel_time_min"]
    for _, round_ in carried.groupby("vehicle"):
        stops = round_.sort_values("stop_order")["ride_min"]
        places = children.loc[stops.index, "from_id"]
        legs = [direct[a, b] + 2 for a, b in itertools.pairwise(places)] + [direct[places.iloc[-1], "ime"]]
        assert stops.tolist() == pytest.approx(np.cumsum(legs[::-1])[::-1].tolist())


def test_the_search_finds_the_optimum_where_it_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    from territory.rounds import search

    for seed in range(8):
        children, times = town(10, seed=seed, spread_km=10)
        best = collective_rounds(children, "ime", times, seats=5, max_ride_min=60)
        with monkeypatch.context() as patch:
            patch.setattr(search, "EXACT_STOPS", 0)
            found = collective_rounds(children, "ime", times, seats=5, max_ride_min=60)
        assert len(found.vehicles) == len(best.vehicles)
        assert found.objective_min <= best.objective_min * 1.005
        assert found.bound_min <= best.objective_min + 1e-6
        assert found.vehicles_bound <= len(best.vehicles)


@examples(15, 80)
@given(small_worlds())
def test_no_rounds_go_under_the_bound_of_vehicles(world: dict[str, object]) -> None:
    asked = {**world, "vehicles": None}
    children, legs, site = asked.pop("children"), asked.pop("legs"), asked.pop("site")
    with mock.patch.object(collective, "_routes", wraps=collective._routes) as routes:
        exact = collective_rounds(children, site, as_table(legs), **asked)
    for call in routes.call_args_list:
        assert 1 <= collective.fewest_vehicles(call.args[0], 10**6) <= len(exact.vehicles)


def test_the_bound_of_vehicles_is_close_where_the_limit_binds() -> None:
    for seed, fewest in ((0, 9), (1, 7)):
        children, times = town(30, seed=seed)
        found = collective_rounds(children, "ime", times, seats=8, max_ride_min=60)
        assert len(found.vehicles) == found.vehicles_bound == fewest


@examples(8, 30)
@given(small_worlds())
def test_more_seats_or_a_longer_limit_never_cost_more(world: dict[str, object]) -> None:
    asked = {**world, "vehicles": None, "vehicle_weight": 0.0}
    children, legs, site = asked.pop("children"), asked.pop("legs"), asked.pop("site")
    known = collective_rounds(children, site, as_table(legs), **asked)
    for more in ({"seats": asked["seats"] + 1}, {"max_ride_min": asked["max_ride_min"] + 10}):
        found = collective_rounds(children, site, as_table(legs), **{**asked, **more})
        if known.status == "optimal" and found.status == "optimal":
            sizes = (
                (len(found.vehicles), found.objective_min),
                (len(known.vehicles), known.objective_min + 1e-9),
            )
            assert sizes[0] <= sizes[1]


def test_the_same_seed_gives_the_same_rounds_on_any_number_of_threads() -> None:
    children, times = town(30, seed=4)

    def once(_: int) -> Rounds:
        return collective_rounds(children, "ime", times, seats=6, max_ride_min=60, effort=20, seed=7)

    with ThreadPoolExecutor(4) as pool:
        found = [once(0), *pool.map(once, range(4))]
    for one in found[1:]:
        pd.testing.assert_frame_equal(one.riders, found[0].riders, check_exact=True)
        pd.testing.assert_frame_equal(one.vehicles, found[0].vehicles, check_exact=True)


def test_prices_kilometres_and_hours_are_those_of_the_path() -> None:
    legs = [("a", "b", 10.0, 8.0), ("b", "a", 10.0, 8.0), ("a", "ime", 25.0, 20.0), ("b", "ime", 20.0, 15.0)]
    times = pd.DataFrame(legs, columns=["from_id", "to_id", "travel_time_min", "distance_km"])
    children = pd.DataFrame({"from_id": ["a", "b"]})
    prices = RoundPrices(0.5, 20.0, 15.0, 3.0, 0.2)
    asked = {"seats": 4, "max_ride_min": 60.0, "stop_min": 2.0, "prices": prices}
    line = collective_rounds(children, "ime", times, **asked).vehicles.loc[1]
    # 2 at a, 10 to b, 2 at b, 20 to the ime
    assert line["driver_hours"] == pytest.approx(34 / 60)
    assert line["distance_km"] == 23
    assert line["eur"] == pytest.approx(3 + 23 * 0.5 + 34 / 60 * 20)
    assert line["co2_kg"] == pytest.approx(4.6)
    closed = collective_rounds(children, "ime", times, open=False, attendants=1, **asked)
    # the table has no way back: it takes as long as the way there
    assert closed.vehicles.loc[1, "driver_hours"] == pytest.approx(59 / 60)
    assert closed.vehicles.loc[1, "eur"] == pytest.approx(3 + 43 * 0.5 + 59 / 60 * 35)
    assert closed.riders["pickup_time_min"].tolist() == [508.0, 520.0]
    assert "commune" not in closed._repr_html_()
    assert "bornes" not in closed._repr_html_()


def test_two_establishments_share_a_vehicle_where_allowed() -> None:
    legs = {("a", "b"): 5.0, ("b", "a"): 5.0, ("a", "ime"): 22.0, ("b", "ime"): 20.0, ("a", "iem"): 30.0}
    legs |= {("b", "iem"): 30.0, ("ime", "iem"): 10.0, ("iem", "ime"): 10.0}
    children = pd.DataFrame({"from_id": ["a", "b"], "to_id": ["iem", "ime"]})
    asked = {"seats": 4, "max_ride_min": 60.0, "stop_min": 0.0}
    assert len(collective_rounds(children, SITES, as_table(legs), **asked).vehicles) == 2
    both = collective_rounds(children, SITES, as_table(legs), mixed_sites=True, **asked)
    assert both.riders["ride_min"].tolist() == [35.0, 20.0]
    # the first establishment is reached before the end of the round
    assert both.riders["pickup_time_min"].tolist() == [505.0, 510.0]


def test_the_curve_says_what_a_vehicle_less_costs() -> None:
    children, times = town(9, seed=2, spread_km=6)
    curve = ride_limit_curve(children, "ime", times, limits_min=(40, 60), more_vehicles=(0, 1), seats=8)
    for _, rows in curve.groupby(level=0):
        assert rows["mean_ride_min"].is_monotonic_decreasing
    assert curve["status"].eq("optimal").all()


@pytest.mark.parametrize("count", [9, 24])
def test_one_vehicle_more_says_what_the_last_one_spared_costs(count: int) -> None:
    children, times = town(count, seed=3, spread_km=6)
    asked = {"seats": 8, "max_ride_min": 60, "effort": 20}
    few = collective_rounds(children, "ime", times, **asked, with_one_more=True)
    more = collective_rounds(children, "ime", times, **asked, vehicles=len(few.vehicles) + 1)
    assert few.totals["one_more_ride_min"] <= few.riders["ride_min"].mean()
    assert few.totals["one_more_ride_min"] == pytest.approx(more.riders["ride_min"].mean(), rel=0.03)


def test_all_that_is_wrong_is_said_at_once() -> None:
    children = pd.DataFrame({"from_id": ["a", None, "b"], "to_id": ["ime", "ime", "cmp"]}, index=[1, 2, 2])
    times = as_table({("a", "ime"): -1.0, ("b", "a"): 1.0})
    with pytest.raises(ParameterError) as raised:
        collective_rounds(
            children, ["ime", "iem"], times, seats=0, max_ride_min=0, stop_min=-1, apart=[(1, 9)], vehicles=0
        )
    said = str(raised.value)
    for words in (
        "seats = 0",
        "max_ride_min = 0",
        "stop_min = -1",
        "vehicles = 0",
        "1 identifiant en double (2)",
        "1 enfant sans commune ni lieu (from_id) (2)",
        "1 enfant d'un établissement non demandé (to_id) (2)",
        "1 enfant de « apart » inconnu (9)",
        "1 temps négatif (a → ime)",
        "1 site où ne mène aucun trajet (iem)",
    ):
        assert words in said, said


@pytest.mark.parametrize(
    "children, options, words",
    [
        (pd.DataFrame({"commune": ["a"]}), {}, "1 colonne absente (from_id)"),
        (pd.DataFrame({"from_id": []}), {}, "aucun enfant"),
        (pd.DataFrame({"from_id": ["a"]}), {"attendants": 8}, "il ne reste aucune place"),
        (
            pd.DataFrame({"from_id": ["a", "b"], "household": [1, 1]}),
            {},
            "1 fratrie à plusieurs adresses (1)",
        ),
        (pd.DataFrame({"from_id": ["a", "b"]}), {}, "aucun trajet entre les lieux"),
        (pd.DataFrame({"from_id": ["a", " "]}), {}, "1 enfant sans commune ni lieu (from_id) (1)"),
        (
            pd.DataFrame({"from_id": ["a"], "wheelchair": ["oui"]}),
            {},
            "1 fauteuil roulant (wheelchair) ni vrai ni faux",
        ),
        (pd.DataFrame({"from_id": ["a"]}), {"seed": -1}, "seed = -1"),
        (pd.DataFrame({"from_id": ["a"]}), {"apart": [(0, 0)]}, "1 enfant de « apart » opposé à soi (0)"),
    ],
)
def test_wrong_tables_are_refused(children: pd.DataFrame, options: dict[str, int], words: str) -> None:
    times = as_table({("a", "ime"): 10.0, ("b", "ime"): 10.0})
    with pytest.raises(ParameterError, match="Tournées") as raised:
        collective_rounds(children, "ime", times, seats=8, max_ride_min=60, **options)
    assert words in str(raised.value)


def test_a_child_may_live_where_the_establishment_is() -> None:
    times = as_table({("b", "ime"): 20.0, ("ime", "b"): 20.0}).assign(distance_km=15.0)
    children = pd.DataFrame({"from_id": ["ime", "b"]})
    found = collective_rounds(children, ["ime", "ime"], times, seats=8, max_ride_min=60, stop_min=2)
    assert found.riders["ride_min"].tolist() == [0.0, 22.0]
    assert found.riders["ride_km"].tolist() == [0.0, 15.0]
    with pytest.raises(ParameterError, match=r"2 distances négatives \(b → ime, ime → b\)"):
        collective_rounds(children, "ime", times.assign(distance_km=-1.0), seats=8, max_ride_min=60)


def test_a_curve_has_limits_and_looks_for_its_vehicles() -> None:
    children, times = town(3)
    for asked in ({"limits_min": ()}, {"limits_min": (60,), "vehicles": 2}):
        with pytest.raises(ParameterError, match="une limite au moins, sans vehicles"):
            ride_limit_curve(children, "ime", times, seats=8, **asked)


def test_a_limit_beyond_the_table_is_refused() -> None:
    times = as_table({("a", "ime"): 10.0})
    times.attrs["cutoff_min"] = 45.0
    with pytest.raises(ParameterError, match="s'arrête à 45 min"):
        collective_rounds(pd.DataFrame({"from_id": ["a"]}), "ime", times, seats=8, max_ride_min=60)


def test_a_child_whom_no_round_can_take_is_named_and_the_others_ride() -> None:
    legs = {("a", "ime"): 10.0, ("b", "ime"): 80.0, ("a", "b"): 5.0, ("b", "a"): 5.0, ("c", "a"): 5.0}
    children = pd.DataFrame({"from_id": ["a", "b", "c"]}, index=["Léa", "Tom", "Zoé"])
    found = collective_rounds(children, "ime", as_table(legs), seats=8, max_ride_min=60)
    assert found.status == "infeasible"
    assert "bornes : 1 véhicule ou professionnel au moins, minutes à 0" in found._repr_html_()
    assert found.riders["ride_min"].notna().tolist() == [True, False, False]
    assert "dépasse les 60 min" in found.riders.at["Tom", "reason"]
    assert "hors d'atteinte" in found.riders.at["Zoé", "reason"]


def test_a_fleet_too_small_is_said_for_all() -> None:
    children, times = town(14, seed=1, spread_km=5)
    found = collective_rounds(children, "ime", times, seats=4, max_ride_min=60, vehicles=2)
    assert found.status == "infeasible"
    assert found.riders["reason"].eq("aucune tournée trouvée avec 2 véhicules").all()
    assert found.vehicles.empty


def test_children_at_one_place_are_two_stops_at_no_distance_unless_the_table_says_one() -> None:
    children = pd.DataFrame({"from_id": ["a", "a"]})
    legs = {("a", "ime"): 10.0}
    for inside in (0.0, 3.0):
        table = as_table({**legs, ("a", "a"): inside}) if inside else as_table(legs)
        found = collective_rounds(children, "ime", table, seats=8, max_ride_min=60, stop_min=2)
        assert sorted(found.riders["ride_min"]) == [10.0, 12.0 + inside]
