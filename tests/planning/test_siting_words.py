"""Bad inputs, problems without a solution, and how a result shows itself."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from territory.errors import InfeasibleError, ParameterError, TerritoryError, TerritoryWarning
from territory.planning import answer_siting, maximal_coverage, p_center, p_median, set_cover
from territory.planning.siting.formulations import cover_choice, shares_of
from territory.planning.siting.problem import read_problem
from territory.study.words.questions import Siting
from tests.planning.worlds import table
from tests.scenario.conftest import line_state

LINE = table({("A", "S"): 10, ("B", "S"): 20, ("B", "T"): 5, ("C", "T"): 15})
PERSONS = pd.Series({"A": 10.0, "B": 20.0, "C": 5.0})


def test_all_that_is_wrong_comes_in_one_error() -> None:
    with pytest.raises(ParameterError) as caught:
        p_median(
            LINE,
            pd.Series({"A": 10.0, "B": math.nan, "C": 5.0}),
            ["S", "T", "S"],
            p=-1,
            capacity=pd.Series({"S": -5.0}),
            time_limit_s=0,
            mip_gap=2,
        )
    said = str(caught.value)
    for part in (
        "1 origine de demande inconnue (B)",
        "1 identifiant en double (S)",
        "p = -1",
        "time_limit_s = 0",
        "mip_gap = 2",
    ):
        assert part in said
    with pytest.raises(ParameterError, match=r"1 valeur négative dans \w+ \(S\)"):
        p_median(LINE, PERSONS, ["S", "T"], p=1, capacity=pd.Series({"S": -5.0, "T": 1.0}))
    with pytest.raises(ParameterError, match=r"1 site sans valeur connue dans \w+ \(T\)"):
        p_median(LINE, PERSONS, ["S", "T"], p=1, capacity=pd.Series({"S": 5.0}))
    with pytest.raises(ParameterError, match="il n'y a que 2 candidat"):
        p_median(LINE, PERSONS, ["S", "T"], p=3)
    with pytest.raises(TerritoryError, match="ST"):
        p_median(LINE, PERSONS, "ST", p=1)
    with pytest.raises(ParameterError, match="nulle partout"):
        p_median(LINE, PERSONS * 0, ["S", "T"], p=1)
    with pytest.raises(ParameterError, match="il n'y aurait aucun site"):
        p_median(LINE, PERSONS, ["S", "T"], p=0)


def test_a_candidate_outside_the_map_is_named() -> None:
    with pytest.raises(ParameterError, match=r"1 site absent de la table des temps \(Z\)"):
        p_median(LINE, PERSONS, ["S", "T", "Z"], p=2)


def test_a_threshold_over_the_cutoff_is_refused() -> None:
    cut = LINE.copy()
    cut.attrs["cutoff_min"] = 30.0
    with pytest.raises(ParameterError, match=r"max_time_min \(45 min\) dépasse la coupure"):
        set_cover(cut, PERSONS, ["S", "T"], max_time_min=45)


def test_unknown_times_are_counted_and_not_used() -> None:
    holes = table({("A", "S"): 10, ("A", "T"): math.nan, ("B", "S"): 20, ("B", "T"): 5})
    with pytest.warns(TerritoryWarning, match=r"1 temps inconnus, pour 1 origine \(A\)") as caught:
        got = p_median(holes, PERSONS[["A", "B"]], ["S", "T"], p=1)
    assert got.selected == ["S"]
    # the planner sees their own line, not ours
    assert caught[0].filename == __file__


def test_a_candidate_that_most_communes_have_no_time_to_is_left_out_and_named() -> None:
    state = line_state()
    times = state.travel_times.copy()
    times.loc[(times["to_id"] == "east") & (times["from_id"] != "83003"), "travel_time_min"] = math.nan
    question = Siting(
        id="q", name="", candidate_site_ids=("west", "east"), authorisation_ids=("sessad-x",), p=1
    )
    with pytest.warns(TerritoryWarning, match=r"1 candidat écarté \(east\), 0 commune"):
        answer = answer_siting(question, replace(state, travel_times=times))
    assert answer.result.selected == ["west"]


def test_candidates_near_a_town_are_those_within_the_time_that_time_itself_included_and_those_named() -> None:
    state = line_state()
    km = {"83001": 0, "83002": 10, "83003": 30, "83004": 90}
    # one minute a kilometre: the west is at the limit, the east beyond it though a faster road could reach it
    roads = table({(a, f"candidat-{b}"): abs(km[a] - km[b]) + 0.0 for a in km for b in km})
    near = {"near_commune": "83002", "near_max_min": 10, "candidates": ("83004",)}
    question = Siting(id="q", name="", authorisation_ids=("sessad-x",), p=1, **near)
    answer = answer_siting(question, replace(state, travel_times=pd.concat([state.travel_times, roads])))
    assert sorted(answer.ranking.index) == ["candidat-83001", "candidat-83002", "candidat-83004"]


def test_who_cannot_be_reached_is_named() -> None:
    with pytest.raises(InfeasibleError, match=r"1 commune \(C ; 5 personnes en tout\) sans aucun site"):
        set_cover(LINE, PERSONS, ["S", "T"], max_time_min=14)
    with pytest.raises(InfeasibleError, match=r"\(D ; 3 personne"):
        p_median(LINE, pd.concat([PERSONS, pd.Series({"D": 3.0})]), ["S", "T"], p=2)


def test_how_many_sites_are_missing_is_said() -> None:
    with pytest.raises(InfeasibleError, match=r"il en faut au moins 2\. Au mieux, 1 commune \(C ; 5"):
        p_center(LINE, PERSONS, ["S", "T"], p=1)


def test_how_many_places_are_missing_is_said() -> None:
    with pytest.raises(InfeasibleError, match=r"Il manque 5 places : même en ouvrant tous les sites"):
        p_median(LINE, PERSONS, ["S", "T"], p=2, capacity=pd.Series({"S": 10.0, "T": 20.0}))
    # enough places in all, not where people live: A can only go to S
    with pytest.raises(InfeasibleError, match=r"Il manque 6 places atteignables .*\(A"):
        p_median(LINE, PERSONS, ["S", "T"], p=2, capacity=pd.Series({"S": 4.0, "T": 100.0}))
    with pytest.raises(InfeasibleError, match="les 1 plus grands candidats"):
        p_median(LINE, PERSONS, ["S", "T"], p=1, capacity=pd.Series({"S": 20.0, "T": 20.0}))


def test_an_origin_without_persons_constrains_nothing_but_has_a_site() -> None:
    persons = pd.Series({"A": 10.0, "B": 20.0, "C": 0.0})
    got = set_cover(LINE, persons, ["S", "T"], max_time_min=20)
    assert got.selected == ["S"]
    assert got.assignment.isna().tolist() == [False, False, True]
    covered = set_cover(LINE, persons, ["T"], fixed=["S"], max_time_min=20)
    assert (covered.selected, covered.fixed, covered.objective) == ([], ["S"], 0.0)
    assert (covered.bound, covered.gap, covered.status) == (0.0, 0.0, "optimal")


def test_a_site_that_brings_nothing_is_not_selected() -> None:
    got = maximal_coverage(LINE, PERSONS[["A", "B"]], ["S", "T"], p=2, max_time_min=20)
    assert got.selected == ["S"]


def test_persons_of_one_origin_are_shared_under_capacities() -> None:
    got = p_median(LINE, PERSONS, ["S", "T"], p=2, capacity=pd.Series({"S": 18.0, "T": 17.0}))
    shared = got.flows.set_index(["from_id", "to_id"])["persons"]
    assert shared["B", "T"] == pytest.approx(12.0)
    assert shared["B", "S"] == pytest.approx(8.0)
    assert got.assignment["B"] == "T"
    assert got.travel_time_min["B"] == pytest.approx((12 * 5 + 8 * 20) / 20)


def test_today_is_p_zero() -> None:
    today = p_median(LINE, PERSONS[["A", "B"]], ["T"], p=0, fixed=["S"])
    assert today.selected == []
    assert today.objective == pytest.approx((10 * 10 + 20 * 20) / 30)


def test_nothing_is_opened_for_those_whom_the_sites_of_today_reach() -> None:
    choice = cover_choice(read_problem(LINE, PERSONS, [], ["S", "T"]), 15)
    assert (choice.value, choice.bound) == (0.0, 0.0)
    today = set_cover(LINE, PERSONS, [], fixed=["S", "T"], max_time_min=15)
    assert (today.selected, today.objective, today.bound, today.status) == ([], 0.0, 0.0, "optimal")


def test_persons_for_whom_there_is_no_place_are_not_left_out_in_silence() -> None:
    places = pd.Series({"S": 15.0, "T": 30.0})
    problem = read_problem(LINE, PERSONS, ["S", "T"], capacity=places)
    assert shares_of(problem, np.array([True, True]), math.inf)[2].tolist() == [0.0, 1.0]
    with pytest.raises(ParameterError, match="Aucune solution"):
        shares_of(problem, np.array([True, False]), math.inf)


def test_a_result_shows_itself_escaped() -> None:
    times = table({("A", "<b>S</b>"): 10, ("B", "<b>S</b>"): 1234.5})
    got = p_median(times, pd.Series({"A": 1.0, "B": 3.0}), ["<b>S</b>"], p=1)
    assert repr(got) == "SitingResult(p_median: <b>S</b>; objective 928.375, gap 0.00%, optimal)"
    shown = got._repr_html_()
    assert "<b>" not in shown
    assert "&lt;b&gt;S" in shown
    assert "928,38\u00a0min par personne" in shown
    assert "1\u202f234,5\u00a0min" in shown
    assert "optimum prouvé" in shown


def test_a_line_of_towns_has_the_answer_that_one_sees() -> None:
    towns = range(9)
    times = table({(f"C{a}", f"C{b}"): 10.0 * abs(a - b) + 2 for a in towns for b in towns})
    persons = pd.Series(1.0, index=[f"C{a}" for a in towns])
    ids = list(persons.index)
    assert p_median(times, persons, ids, p=1).selected == ["C4"]
    three = p_center(times, persons, ids, p=3)
    assert (three.selected, three.objective) == (["C1", "C4", "C7"], 12.0)
    assert set_cover(times, persons, ids, max_time_min=12).selected == ["C1", "C4", "C7"]
    most = maximal_coverage(times, persons, ids, p=2, max_time_min=12)
    assert most.objective == 6.0
    assert np.isclose(p_median(times, persons, ids, p=9).objective, 2.0)
