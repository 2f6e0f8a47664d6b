"""Rounds of professionals: the least road of an enumeration in small weeks, what always holds, and what is refused."""

from __future__ import annotations

import itertools

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from territory.errors import ParameterError
from territory.rounds import staff_rounds


def as_table(legs: dict[tuple[str, str], float]) -> pd.DataFrame:
    rows = [(*pair, value, value / 2) for pair, value in legs.items()]
    return pd.DataFrame(rows, columns=["from_id", "to_id", "travel_time_min", "distance_km"])


def least_road(
    legs: dict[tuple[str, str], float], count: int, teams: int, day_min: float, visit_min: float
) -> float | None:
    """Try every way to share children among professionals of one day, and every order of each."""
    least = {(): 0.0}
    for size in range(1, count + 1):
        for part in itertools.combinations(range(count), size):
            roads = [
                sum(legs[a, b] for a, b in itertools.pairwise(["s", *(f"p{i}" for i in order), "s"]))
                for order in itertools.permutations(part)
            ]
            if min(roads) + size * visit_min <= day_min:
                least[part] = min(roads)
    found = []
    for who in itertools.product(range(teams), repeat=count):
        parts = [tuple(i for i in range(count) if who[i] == team) for team in range(teams)]
        if all(part in least for part in parts):
            found.append(sum(least[part] for part in parts))
    return min(found, default=None)


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 5), st.integers(1, 3), st.integers(100, 400), st.data())
def test_a_day_has_the_least_road_of_an_enumeration(
    count: int, teams: int, day_min: int, data: st.DataObject
) -> None:
    names = [f"p{i}" for i in range(count)] + ["s"]
    legs = {(a, b): float(data.draw(st.integers(5, 60))) for a in names for b in names if a != b}
    visits = pd.DataFrame({"from_id": names[:-1], "visits_per_week": 1})
    asked = {"day_min": day_min, "visit_min": 45.0, "days": 1, "professionals": teams}
    reachable = [legs[f"p{i}", "s"] + legs["s", f"p{i}"] + 45 <= day_min for i in range(count)]
    found = staff_rounds(visits, "s", as_table(legs), **asked)
    if not all(reachable):
        assert found.status == "infeasible"
        return
    best = least_road(legs, count, teams, day_min, 45.0)
    fewer = [n for n in range(1, teams + 1) if least_road(legs, count, n, day_min, 45.0) is not None]
    assert (found.status == "infeasible") == (best is None)
    if best is not None:
        # as few professionals as can be, then the least road
        assert len(found.vehicles) <= fewer[0]
        assert found.objective_min == pytest.approx(least_road(legs, count, fewer[0], day_min, 45.0))


def week(children: int = 12, **options: object) -> tuple[pd.DataFrame, object]:
    names = [f"p{i}" for i in range(children)]
    spot = {name: ((7 * i) % 11 * 3.0, (5 * i) % 13 * 3.0) for i, name in enumerate(names)} | {
        "s": (10.0, 12.0),
        "h": (0.0, 0.0),
    }
    legs = {
        (a, b): abs(spot[a][0] - spot[b][0]) + abs(spot[a][1] - spot[b][1]) + 1
        for a in spot
        for b in spot
        if a != b
    }
    visits = pd.DataFrame({"from_id": names, "visits_per_week": [1 + i % 3 for i in range(children)]})
    return visits, staff_rounds(visits, "s", as_table(legs), **{"day_min": 300, "visit_min": 60, **options})


def test_no_child_has_two_visits_on_one_day_and_no_day_is_too_long() -> None:
    visits, found = week()
    rows = found.riders
    assert rows.groupby("child").size().tolist() == visits["visits_per_week"].tolist()
    assert not rows.reset_index().duplicated(["child", "day"]).any()
    lines = found.vehicles
    assert (lines["road_min"] + lines["visit_min"] <= 300).all()
    assert lines["distance_km"].sum() == pytest.approx(lines["road_min"].sum() / 2)
    totals = found.totals
    assert totals["road_hours"] == pytest.approx(lines["road_min"].sum() / 60)
    assert totals["full_time_equivalents"] == pytest.approx(totals["work_hours"] / 25)
    assert totals["children_per_fte"] == pytest.approx(12 / totals["full_time_equivalents"])
    assert found.bound_min <= found.objective_min
    assert lines.index.get_level_values("professional").max() >= found.vehicles_bound


def test_professionals_who_start_at_home_and_the_same_seed() -> None:
    _, found = week(homes=["h", "p3"])
    _, again = week(homes=["h", "p3"])
    pd.testing.assert_frame_equal(found.riders, again.riders, check_exact=True)
    assert set(found.vehicles.index.get_level_values("professional")) <= {1, 2}
    assert found.riders["reason"].eq("").all()


def test_what_cannot_be_is_said() -> None:
    _, small = week(professionals=1)
    assert small.riders["reason"].eq("aucune semaine trouvée avec 1 professionnel").all()
    assert small.vehicles.empty
    visits = pd.DataFrame({"from_id": ["a", "b"], "visits_per_week": [1, 2]}, index=["Léa", "Tom"])
    legs = {("a", "s"): 200.0, ("b", "s"): 10.0, ("a", "b"): 5.0}
    found = staff_rounds(visits, "s", as_table(legs), day_min=300, visit_min=60)
    assert found.status == "infeasible"
    assert found.riders.loc["Léa", "reason"].tolist() == ["trop loin pour une journée"]
    assert found.riders.loc["Tom", "day"].tolist() == [1, 4] or found.riders.loc["Tom", "day"].is_unique


def test_all_that_is_wrong_is_said_at_once() -> None:
    visits = pd.DataFrame({"from_id": ["a", None], "visits_per_week": [6, 1.5]})
    with pytest.raises(ParameterError) as raised:
        staff_rounds(visits, "s", as_table({("a", "b"): 1.0}), day_min=0, visit_min=-1, professionals=0)
    for words in (
        "day_min = 0",
        "visit_min = -1",
        "professionals = 0",
        "2 nombres de visites",
        "1 enfant sans",
        "(s)",
    ):
        assert words in str(raised.value)


def test_homes_of_professionals_are_known_and_may_be_the_site() -> None:
    visits = pd.DataFrame({"from_id": ["a", "b"], "visits_per_week": 1})
    table, asked = as_table({("a", "b"): 5.0, ("b", "a"): 5.0}), {"day_min": 300, "visit_min": 60}
    one, other = (
        staff_rounds(visits, "a", table, **asked),
        staff_rounds(visits, "a", table, homes="a", **asked),
    )
    assert one.objective_min == other.objective_min == 10.0
    for homes, words in (
        ([], "un domicile au moins"),
        (["zz"], "1 domicile d'où l'on ne va chez aucun enfant (zz)"),
    ):
        with pytest.raises(ParameterError) as raised:
            staff_rounds(visits, "a", table, homes=homes, **asked)
        assert words in str(raised.value)
