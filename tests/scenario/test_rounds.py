"""Rounds in a study: the same homes before and after, observed children in their place, and what is refused."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from territory import load_study, run_study
from territory.errors import StudyError
from territory.release.comparison import released_rounds
from territory.release.disclosure import INTERNAL, printing
from territory.release.gate import release
from territory.report.chapters.journeys import board_there, time_on_board
from territory.report.layout.document import Beside, DataTable, Picture
from territory.report.reading import read
from territory.result import StudyResult
from territory.scenario.doubt.rounds import (
    MEASURES,
    TODAY,
    _compared,
    _Homes,
    _homes,
    _of_morning,
    _of_week,
    _spread,
    _typical,
    _Way,
    draw_rounds,
)
from territory.scenario.zones import ALL_TERRITORY
from territory.study.words.model import TripRounds
from tests import vallon

LIMITS = "max_ride_min = 60, limits_min = [30, 45]"
CHILD = (
    f"rounds = {{ seats = 8, {LIMITS}, children = 12, draws = 3, effort = 5, driver_eur_per_hour = 20 }}\n"
)
STAFF = "rounds = { day_min = 420, visit_min = 60, children = 6, draws = 2, effort = 5 }\n"


def with_rounds(child: str = CHILD, staff: str = STAFF) -> str:
    """Return the study of the valley with rounds for its IME and its SESSAD."""
    blocks = re.split(r"(?m)^(?=\[\[authorisation\.trip\]\]$)", vallon.text())
    for said, added in (("child", child), ("staff", staff)):
        place = next(k for k, block in enumerate(blocks) if f'who = "{said}"' in block)
        head, _, rest = blocks[place].partition("\n")
        blocks[place] = f"{head}\n{added}{rest}"
    return "".join(blocks) + ANTENNA


# the SESSAD keeps its place and opens another in the valley
ANTENNA = """
[[scenario]]
id = "D"
name = "Une antenne du SESSAD"
summary = "Le SESSAD ouvre une antenne à Vallon."

[[scenario.change]]
type = "open_branch"
authorisation_id = "sessad-hautbourg"
site_id = "plateforme"
"""


@pytest.fixture(scope="module")
def valley(tmp_path_factory: pytest.TempPathFactory) -> StudyResult:
    return run_study(vallon.copied(tmp_path_factory.mktemp("vallon"), with_rounds()))


def test_each_scenario_stands_beside_today_over_the_same_draws(valley: StudyResult) -> None:
    rows, paths, _ = valley.rounds
    assert set(rows["measure"]) <= set(MEASURES)
    assert set(rows["service"]) == {vallon.IME, vallon.SESSAD}
    # what one vehicle less would cost is said of the minibus
    assert rows.loc[rows["measure"] == "one_less_min", "baseline_value"].notna().all()
    assert set(rows.loc[rows["measure"] == "one_less_min", "service"]) == {vallon.IME}
    assert set(rows["scenario"]) == set(valley.scenarios)
    assert rows["unit"].eq(rows["measure"].map(MEASURES)).all()
    known = rows[rows["zone"] == ALL_TERRITORY].dropna(subset=["delta_value"])
    gaps = known["scenario_value"] - known["baseline_value"] - known["delta_value"]
    assert gaps.abs().max() < 1e-9
    assert (rows["baseline_low"] <= rows["baseline_value"] + 1e-9).all()
    # today is the same whatever it stands beside
    today = rows.groupby(["zone", "service", "measure"])["baseline_value"].nunique(dropna=False)
    assert today.eq(1).all()
    longest = rows.loc[rows["measure"] == "longest_ride_min", ["baseline_high", "scenario_high"]]
    assert (longest <= 60 + 1e-6).all(axis=None)
    # the path is of communes, and ends at a site of the situation
    first = paths[paths["scenario"] == TODAY]
    assert set(first["place_id"].iloc[:-1]) <= set(valley.baseline.state.communes.index)
    assert first["place_id"].iloc[-1] in valley.baseline.state.sites.index


def test_a_morning_is_that_of_its_lines_and_a_year_has_two_of_each_day() -> None:
    columns = {"ride_min": [50.0, 46.0, 61.0, np.nan], "direct_min": [20.0, 30.0, 60.0, 15.0]}
    columns |= {"ride_km": [30.0, 28.0, 40.0, np.nan], "direct_km": [15.0, 20.0, 39.0, 9.0]}
    columns |= {"detour_min": [30.0, 16.0, 1.0, np.nan]}
    # what a line says first is not of the day: hours, km, EUR and kg of CO2 are
    lines = [("", "", 0, 0, 0, 1.5, 40.0, 60.0, 9.0), ("", "", 0, 0, 0, 1.0, 45.0, 50.0, 10.0)]
    plan: Any = SimpleNamespace(
        columns={name: np.array(one) for name, one in columns.items()}, lines=lines, one_more_min=45.0
    )
    homes: Any = SimpleNamespace(zone=np.array(["e1", "e1", "e2", "e2"], dtype=object))
    asked: Any = SimpleNamespace(trip=SimpleNamespace(return_trips_per_year=200))
    found = _of_morning(homes, plan, asked)
    expected = {
        "vehicles": 2, "longest_ride_min": 61, "one_less_min": 157 / 3 - 45, "not_carried_share": 0.25,
        "day_km": 170, "day_driver_hours": 5, "year_eur": 44_000, "year_co2_kg": 7_600,
        "mean_ride_min": 157 / 3, "mean_direct_km": 74 / 3, "mean_detour_min": 47 / 3,
        "over_45_share": 1, "over_60_share": 1 / 3, "children": 3,
    }  # fmt: skip
    for name, value in expected.items():
        assert found[ALL_TERRITORY, name] == pytest.approx(value), name
    assert (found["e1", "mean_ride_min"], found["e2", "over_60_share"], found["e2", "children"]) == (48, 1, 1)
    assert _of_morning(homes, None, asked) == {(ALL_TERRITORY, "not_carried_share"): 1.0}


def _homes_of(
    places: list[str], between: list[list[float]], there: list[list[float]], sites: list[str]
) -> _Homes:
    """Children of four places, a kilometre a minute and a half."""
    known = tuple((np.array(table), np.array(table) / 1.5) for table in (between, there))
    index = pd.Index(["a", "b", "c", "d"])
    return _homes(
        np.array(places, dtype=object), _Way(index, known[0], sites, known[1], np.array(list("xxyy")))
    )


BETWEEN = [[np.nan, 12.0, 30.0, 9.0], [12.0, 3.0, 30.0, 9.0], [30.0, 30.0, np.nan, 9.0], [9.0] * 4]
THERE = [[10.0, np.nan, 40.0], [20.0, 5.0, 40.0], [np.nan, 15.0, 50.0], [np.nan] * 3]


def test_children_go_to_their_closest_site_by_the_ways_that_are_known() -> None:
    homes = _homes_of(["c", "a", "b", "a"], BETWEEN, THERE, ["s", "t", "u"])
    # the third site is nobody's; places are in the order of the table
    assert homes.sites == ["s", "t"]
    assert [homes.sites[one] for one in homes.site] == ["t", "s", "t", "s"]
    assert homes.place.tolist() == [2, 0, 1, 0]
    assert homes.zone.tolist() == ["y", "x", "x", "x"]
    unknown = np.inf
    expected = [
        [0.0, 12.0, 30.0, 10.0, unknown],
        [12.0, 3.0, 30.0, 20.0, 5.0],
        [30.0, 30.0, 0.0, unknown, 15.0],
    ]
    np.testing.assert_array_equal(homes.minutes[:3], expected)
    np.testing.assert_array_equal(homes.minutes[3:, :3], np.full((2, 3), unknown))
    np.testing.assert_allclose(homes.km[:2, :4], np.array(expected)[:2, :4] / 1.5)
    # who has no way to any site is beside the others, and no site is in use where nobody has
    assert _homes_of(["d", "a"], BETWEEN, THERE, ["s", "t", "u"]).site.tolist() == [0, 0]
    assert _homes_of(["d"], BETWEEN, THERE, ["s", "t", "u"]).sites == []
    assert _homes_of(["a"], BETWEEN, [[], [], [], []], []).sites == []


def test_the_weeks_of_several_sites_add_up() -> None:
    homes = _homes_of(["a", "c"], BETWEEN, THERE, ["s", "t", "u"])
    back = homes.minutes.copy()
    back[2:, :2] = homes.minutes[:2, 2:].T
    homes = homes._replace(minutes=back, km=back / 1.5)
    rules = TripRounds(day_min=420, visit_min=60, visits_per_week=2, children=2, draws=1, effort=5)
    asked: Any = SimpleNamespace(rules=rules, seed=1)
    found = {name: value for (_, name), value in _of_week(homes, asked).items()}
    # twice there and back: 10 min to one site, 15 to the other
    road, visits = 2 * 2 * 25 / 60, 4.0
    assert found["week_road_hours"] == pytest.approx(road)
    assert found["week_km"] == pytest.approx(60 * road / 1.5)
    assert found["road_share"] == pytest.approx(road / (road + visits))
    assert found["full_time_equivalents"] == pytest.approx((road + visits) / 35)
    assert found["children_per_fte"] == pytest.approx(2 / found["full_time_equivalents"])
    assert found["not_carried_share"] == 0
    for missing in ("day_min", "visit_min"):
        other: Any = SimpleNamespace(rules=rules.model_copy(update={missing: None}), seed=1)
        assert _of_week(homes, other) == {(ALL_TERRITORY, "not_carried_share"): 1.0}
    assert _of_week(homes._replace(sites=[]), asked) == {(ALL_TERRITORY, "not_carried_share"): 1.0}
    # a day too short for the road and the visit
    short: Any = SimpleNamespace(rules=rules.model_copy(update={"day_min": 85}), seed=1)
    assert _of_week(homes, short)[ALL_TERRITORY, "not_carried_share"] == 0.5


def test_the_typical_round_is_that_of_the_child_in_the_middle_of_today() -> None:
    homes: Any = SimpleNamespace(site=np.array([0, 0, 1, 1, 1]), sites=["s", "t"])

    def plan(ride: list[float], vehicle: list[int], rank: list[int]) -> Any:
        return SimpleNamespace(
            columns={"ride_min": np.array(ride), "vehicle": np.array(vehicle), "stop_order": np.array(rank)}
        )

    today = plan([10.0, 40.0, 20.0, 30.0, np.nan], [1, 1, 2, 2, 0], [2, 1, 2, 1, 0])
    later = plan([10.0, 40.0, 20.0, np.nan, 5.0], [1, 1, 2, 0, 2], [1, 2, 1, 0, 2])
    squares = pd.Series({"q1": "a", "q2": "b", "q3": "c", "q4": "d", "q5": "e"})
    asked: Any = SimpleNamespace(commune=squares, homes=[list(squares.index)], service="ime")
    # of 10, 20, 30 and 40 min the third: its round, in the order of the stops, then the site
    rows = _typical({TODAY: (homes, today), "A": (homes, later), "B": None}, asked)
    assert rows == [(TODAY, "ime", 1, "d"), (TODAY, "ime", 2, "c"), (TODAY, "ime", 3, "t")]
    again = _typical({TODAY: (homes, today), "A": (homes, today)}, asked)
    assert [row[1:] for row in again[3:]] == [row[1:] for row in rows]


def test_each_situation_is_measured_over_all_draws_and_shown_by_the_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from territory.scenario.doubt import rounds

    monkeypatch.setattr(rounds, "_homes", lambda homes, way: f"{homes} {way.sites[0]}")
    monkeypatch.setattr(rounds, "_morning", lambda homes, _: None if homes == "h2 t" else f"plan of {homes}")
    # the second draw has nobody in the zone of the others
    monkeypatch.setattr(
        rounds,
        "_of_morning",
        lambda homes, plan, _: {("e1" if homes[1] == "2" else "e2", "km"): float(homes[1])},
    )
    near, far = (np.zeros((2, 1)),) * 2, (np.ones((2, 1)),) * 2
    ways: Any = {
        TODAY: SimpleNamespace(sites=["s"], there=near),
        "same": SimpleNamespace(sites=["s"], there=near),
        "far": SimpleNamespace(sites=["t"], there=far),
    }
    asked: Any = SimpleNamespace(homes=["h1", "h2", "h3"], trip=SimpleNamespace(who="child"))
    drawn, first = rounds._situations(ways, asked)
    assert first == {
        TODAY: ("h1 s", "plan of h1 s"), "same": ("h1 s", "plan of h1 s"), "far": ("h1 t", "plan of h1 t")
    }  # fmt: skip
    assert drawn["same"] is drawn[TODAY]
    np.testing.assert_array_equal(drawn[TODAY]["e2", "km"], [1.0, np.nan, 3.0])
    np.testing.assert_array_equal(drawn["far"]["e1", "km"], [np.nan, 2.0, np.nan])
    asked.homes = ["h2"]
    assert rounds._situations(ways, asked)[1]["far"] is None


def test_what_is_spread_are_the_draws_that_say_something() -> None:
    assert _spread(np.array([3.0, np.nan, 1.0, 2.0]), 0.9) == (2.0, 1.0, 3.0)
    assert np.isnan(_spread(np.array([np.nan]), 0.9)).all()


@pytest.mark.parametrize("per_draw, is_told", [([5.0, 6.0, np.nan], True), ([5.0, 5.0, np.nan], False)])
def test_a_zone_has_rows_from_eleven_children_drawn(
    valley: StudyResult, per_draw: list[float], is_told: bool
) -> None:
    trip = next(one for one in valley.study.authorisation if one.id == vallon.IME).trip[0]
    drawn = {("territory", "mean_ride_min"): np.array([20.0, 22.0, 24.0])}
    drawn |= {("e1", "children"): np.array(per_draw), ("e1", "mean_ride_min"): np.array([30.0, 31.0, np.nan])}
    asked: Any = SimpleNamespace(
        said=(12, True, False), service=vallon.IME, trip=trip, homes=np.zeros((3, 12))
    )
    rows = _compared({TODAY: drawn, "A": drawn}, asked, 0.8)
    assert {row[1] for row in rows} == ({ALL_TERRITORY, "e1"} if is_told else {ALL_TERRITORY})


def test_a_branch_of_a_sessad_says_what_it_gains(valley: StudyResult) -> None:
    rows = valley.rounds[0]
    is_asked = (
        rows[["scenario", "service", "measure"]].eq(["D", vallon.SESSAD, "week_road_hours"]).all(axis=1)
    )
    gain = rows[is_asked].iloc[0]
    assert gain["delta_value"] < 0
    assert gain["delta_value"] == pytest.approx(gain["scenario_value"] - gain["baseline_value"])


def test_accounts_and_comparison_are_those_of_the_rounds(valley: StudyResult) -> None:
    rows = valley.rounds[0].set_index(["scenario", "zone", "service", "measure"])
    trips = valley.comparisons["B"].trips
    child = trips.loc[(ALL_TERRITORY, vallon.IME, "child")]
    named = next(one for one in valley.study.authorisation if one.id == vallon.IME)
    times = 2 * named.trip[0].return_trips_per_year
    for side in ("baseline", "scenario"):
        ride, road = (
            rows.loc[("B", ALL_TERRITORY, vallon.IME, name)] for name in ("mean_ride_min", "mean_ride_km")
        )
        assert child[f"{side}_year_low_min"] == pytest.approx(times * ride[f"{side}_low"])
        assert child[f"{side}_year_high_km"] == pytest.approx(times * road[f"{side}_high"])
        assert child[f"{side}_year_low_min"] >= child[f"{side}_year_direct_min"] * 0.9
    assert child["delta_year_low_min"] == child["scenario_year_low_min"] - child["baseline_year_low_min"]
    staff = trips.loc[(ALL_TERRITORY, vallon.SESSAD, "staff")]
    week = rows.loc[("B", ALL_TERRITORY, vallon.SESSAD, "week_road_hours")]
    weeks = (
        next(one for one in valley.study.authorisation if one.id == vallon.SESSAD)
        .trip[0]
        .return_trips_per_year
    )
    assert staff["baseline_year_high_min"] == pytest.approx(week["baseline_high"] * 60 * weeks / 6)
    assert "tournées calculées" in valley.account_terms.loc[(vallon.IME, "child"), "source"]
    # beside the other measures, in memory and in what is handed over
    key = ("territory", ALL_TERRITORY, vallon.IME, "child_round_vehicles")
    assert valley.side_by_side.loc[key, ("B", "value")] == pytest.approx(
        rows.loc[("B", ALL_TERRITORY, vallon.IME, "vehicles"), "scenario_value"]
    )
    handed = release(valley).measures
    assert (handed["measure"] == "round_vehicles").any()


def test_the_sheet_of_an_epci_says_the_time_on_board_of_its_children(valley: StudyResult) -> None:
    found = valley.rounds[0]
    zones = [zone for zone in found["zone"].unique() if zone != ALL_TERRITORY]
    assert zones
    told = [block for block in board_there(read(valley), zones[0]) if isinstance(block, DataTable)]
    assert [row[0] for row in told[0].rows] == [
        "Temps à bord moyen",
        "Trajet direct moyen",
        "Enfants à bord plus de 45 min",
    ]
    assert board_there(read(vallon.lent()), zones[0]) == []


def test_of_children_observed_nothing_leaves_that_their_counts_do_not(valley: StudyResult) -> None:
    persons = valley.baseline.persons.copy()
    of_ime = persons.index.get_level_values("service") == vallon.IME
    persons.loc[of_ime, "persons_kind"] = "observed"
    observed = replace(valley, baseline=replace(valley.baseline, persons=persons))
    rows, paths, limits = released_rounds(observed)
    rows = rows[rows["service"] == vallon.IME]
    assert set(rows["zone"]) == {ALL_TERRITORY}
    assert rows.filter(regex="_(value|low|high)$").isna().all(axis=None)
    assert set(rows["reason"]) == {"secret statistique"}
    assert vallon.IME not in set(paths["service"])
    assert limits.filter(regex="_(value|low|high)$").isna().all(axis=None)
    with printing(INTERNAL):
        assert released_rounds(observed)[0]["reason"].eq("").all()


def test_children_are_in_the_squares_of_their_communes(valley: StudyResult) -> None:
    codes = valley.baseline.state.communes.index
    squares = pd.DataFrame(
        {"commune_code": np.repeat(codes, 2), "children": 1.0}, index=[f"s{k}" for k in range(2 * len(codes))]
    )
    asked_for: list[pd.Index] = []

    def legs(homes: pd.Index) -> pd.DataFrame:
        asked_for.append(homes)
        pairs = pd.MultiIndex.from_product([homes, [*homes, "030990001"]], names=["from_id", "to_id"])
        return pairs.to_frame(index=False).assign(travel_time_min=10.0, distance_km=8.0)

    given = (valley.baseline, valley.scenarios, legs, squares)
    rows, paths, _ = draw_rounds(*given, seed=1, level=0.9)
    assert set(asked_for[0]) <= set(squares.index)
    # 10 minutes from each square to the site of today, whatever its commune; a stop stays at a commune on the map
    ime = rows[(rows["service"] == vallon.IME) & (rows["zone"] == ALL_TERRITORY)].set_index("measure")
    assert ime["baseline_value"]["mean_direct_min"].tolist() == [pytest.approx(10.0)] * 3
    assert set(paths["place_id"]) <= {*codes, *valley.baseline.state.sites.index}


def test_a_shorter_limit_on_board_takes_more_vehicles(valley: StudyResult) -> None:
    limits = valley.rounds[2].set_index(["scenario", "service", "measure", "max_ride_min"]).sort_index()
    assert set(limits.index.get_level_values("max_ride_min")) == {30, 45, 60}
    vehicles = limits["baseline_value"].loc["B", vallon.IME, "vehicles"]
    lost = limits["baseline_value"].loc["B", vallon.IME, "not_carried_share"]
    assert lost.is_monotonic_decreasing
    assert vehicles[60] <= vehicles[45] or lost[60] < lost[45]
    own = (
        valley.rounds[0].set_index(["scenario", "zone", "service", "measure"]).sort_index()["baseline_value"]
    )
    assert vehicles[60] == own["B", ALL_TERRITORY, vallon.IME, "vehicles"]
    assert len(release(valley).tables["tournees_limites"]) == len(limits)


@pytest.mark.slow
def test_the_same_seed_gives_the_same_rounds(valley: StudyResult, tmp_path: Path) -> None:
    again = run_study(vallon.copied(tmp_path, with_rounds())).rounds
    assert all(one.equals(other) for one, other in zip(again, valley.rounds, strict=True))


def test_the_report_says_what_is_supposed_and_draws_no_home(valley: StudyResult) -> None:
    blocks = time_on_board(read(valley), whole=True)
    told = [block for block in blocks if isinstance(block, DataTable)]
    assert len(told) == 3
    assert [row[0] for row in told[0].rows][:2] == ["Véhicules", "Temps à bord moyen"]
    # the same vehicles at the limit of the study
    assert told[1].rows[2][:3] == ["aujourd'hui", "1\N{NO-BREAK SPACE}h", told[0].rows[0][1]]
    assert "8 places" in told[0].caption
    drawn = [[*one.blocks, one.picture] if isinstance(one, Beside) else [one] for one in blocks]
    pictures = [block for pair in drawn for block in pair if isinstance(block, Picture)]
    assert 1 <= len(pictures) <= 2
    # the council reads of professionals in a sentence
    short = [block for block in time_on_board(read(valley)) if not isinstance(block, Picture)]
    assert len([block for block in short if isinstance(block, DataTable)]) == 2
    assert "sur la route" in str(short[-1])
    assert all("aujourd'hui" in one.caption or "scénario" in one.caption for one in pictures)
    # the outlines are those of a file of the study
    assert {one.source for one in pictures} == {"Contours : fichier de l'étude, simplifiés."}
    # the valley has no price of a kilometre
    assert "Coût non calculable" in told[0].caption
    assert "tournees" in release(valley).tables


def test_an_interval_says_its_unit_once(valley: StudyResult) -> None:
    told = [block for block in time_on_board(read(valley), whole=True) if isinstance(block, DataTable)]
    cells = [cell.replace("\N{NO-BREAK SPACE}", " ") for row in told[0].rows for cell in row[1:]]
    ends = [cell.partition("(")[2].split(" à ") for cell in cells if "min)" in cell]
    assert ends
    assert not any(low.endswith("min") for low, _ in ends)


def test_the_study_of_a_director_asks_for_rounds() -> None:
    study = load_study(Path(__file__).parents[2] / "studies" / "tournees-ime.toml")
    assert [(trip.who, trip.rounds is not None) for one in study.authorisation for trip in one.trip] == [
        ("child", True),
        ("staff", True),
    ]


def test_a_study_without_rounds_says_nothing_of_them() -> None:
    assert vallon.lent().rounds[0].empty
    assert time_on_board(read(vallon.lent())) == []
    assert {"tournees", "tournees_limites"}.isdisjoint(release(vallon.lent()).tables)


@pytest.mark.parametrize(
    "child, words",
    [
        ("rounds = { seats = 8 }\n", "rounds : indiquez aussi max_ride_min"),
        ("rounds = { day_min = 420 }\n", "rounds : indiquez aussi seats et max_ride_min"),
        ("rounds = { seats = 0, max_ride_min = 60 }\n", "seats"),
        ("rounds = { seats = 8, max_ride_min = 60, limits_min = [0] }\n", "limits_min"),
        ("rounds = { seats = 2, max_ride_min = 60, attendants = 2 }\n", "prennent toutes les places"),
        ("rounds = { seats = 8, max_ride_min = -1 }\n", "max_ride_min"),
    ],
)
def test_rules_that_are_missing_or_wrong_are_refused(tmp_path: Path, child: str, words: str) -> None:
    with pytest.raises(StudyError, match=words):
        load_study(vallon.copied(tmp_path, with_rounds(child)))
