"""Pictures, maps, cards, `compare` and `diff` tell nothing of the children served that the gate withholds."""

from __future__ import annotations

import dataclasses
from typing import Any

import matplotlib as mpl
import pandas as pd
import pytest
from matplotlib.text import Text

from territory.cli import main
from territory.planning import answer_siting
from territory.plot import show
from territory.plot.style import to_png
from territory.release import release
from territory.release.disclosure import INTERNAL, SUPPRESSED
from territory.release.gate import INTERNAL_MARK
from territory.release.handed_tables import national_tables
from territory.release.shown import Effects, Tried
from territory.result import NationalTables, StudyResult
from territory.study.words.questions import Siting
from territory.workflow.past_runs import indicators
from tests import vallon
from tests.report.worlds import observed, small, whole

SCENARIO = "B"
# small counts in two communes of one EPCI that one scenario affects alike; the sums of the two worlds are the same
COUNTS = {"03901": 31, "03906": 4, "03902": 23, "03904": 18, "03907": 3}
SWAPPED = {**COUNTS, "03906": 3, "03907": 4}
# other children altogether
OTHERS = {"03901": 12, "03902": 61, "03911": 44, "03906": 27}


def texts(figure: Any) -> list[str]:
    found = [text.get_text() for text in figure.findobj(Text)]
    return sorted(text for text in found if text)


def looks(result: StudyResult) -> list[Any]:
    """Everything that an object shows by itself: pictures to the pixel, cards and words."""
    comparison, baseline = result.comparisons[SCENARIO], result.baseline
    areas = result.dataset.outlines
    figures = [
        show(result, service=vallon.IME),
        show(baseline, service=vallon.IME, outlines=areas),
        show(comparison, service=vallon.IME),
    ]
    cards = [one._repr_html_() + repr(one) for one in (result, baseline, comparison)]
    return [*map(to_png, figures), *cards]


@pytest.fixture(scope="module")
def worlds() -> dict[str, StudyResult]:
    return {
        "first": observed(small(), COUNTS),
        "swapped": observed(small(), SWAPPED),
        "others": observed(small(), OTHERS),
    }


def test_what_an_object_shows_by_itself_depends_on_no_child(worlds: dict[str, StudyResult]) -> None:
    with mpl.rc_context():
        first = looks(worlds["first"])
        assert first == looks(worlds["others"])
    # and it is not silent where persons of the age are estimated
    usual = texts(show(small().comparisons[SCENARIO], service=vallon.IME))
    assert SUPPRESSED not in usual
    assert SUPPRESSED in texts(show(worlds["first"].comparisons[SCENARIO], service=vallon.IME))


def test_a_picture_of_a_study_says_what_the_gate_lets_out(worlds: dict[str, StudyResult]) -> None:
    pictures = {name: texts(show(one, service=vallon.IME, scenario=SCENARIO)) for name, one in worlds.items()}
    assert pictures["first"] == pictures["swapped"]
    assert pictures["first"] != pictures["others"]
    counts = release(worlds["first"]).zone_counts(SCENARIO, vallon.IME)
    held = counts.is_withheld[["gain", "loss", "indistinct"]].drop("territory")
    assert held.to_numpy().any()
    assert SUPPRESSED in pictures["first"]
    inside = release(worlds["first"], edition=INTERNAL)
    shown = texts(show(inside, service=vallon.IME, scenario=SCENARIO))
    assert INTERNAL_MARK in shown
    assert SUPPRESSED not in shown


def test_the_interactive_map_depends_on_no_child(worlds: dict[str, StudyResult]) -> None:
    pytest.importorskip("ipyleaflet", reason="the extra « notebooks » is not installed")
    from territory.plot import explore

    said = []
    for name in ("first", "others"):
        found = explore(worlds[name], service=vallon.IME)
        assert found.panel is not None
        parts: list[Any] = [found.panel.numbers.value]
        for option in found.shown.options:
            found.shown.value = option
            parts += [found.legend.value, found.map.view.keys.to_dict(), found.map.view.texts.to_dict()]
        said.append([*parts, found.picture()])
    assert said[0] == said[1]
    assert "secret statistique" in said[0][0]


def test_a_trial_gives_no_number_of_children(worlds: dict[str, StudyResult]) -> None:
    released = release(worlds["first"])
    tried = Tried.of(released.trial().move(vallon.IME, commune_code=vallon.PORT))
    assert tried.figures is None
    assert tried.coverage.empty
    assert all(value != value for value in tried.capacity_per_1000)
    counts = tried.effects.by_zone(vallon.IME)
    assert counts.is_withheld.to_numpy().all()
    assert counts.zones.filter(like="persons_").isna().to_numpy().all()
    assert "persons" not in Effects.of(worlds["first"].comparisons[SCENARIO]).communes


def test_compare_prints_nothing_of_children(
    worlds: dict[str, StudyResult], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    printed = []
    for name in ("first", "others"):
        monkeypatch.setattr("territory.workflow.run.run_study", lambda study, **_: worlds[name])  # noqa: B023
        with pytest.raises(SystemExit):
            main(["compare", "vallon"])
        printed.append(capsys.readouterr().out)
    assert printed[0] == printed[1]
    assert "Temps moyen" in printed[0]


@pytest.mark.slow
def test_a_difference_of_runs_reads_no_child(worlds: dict[str, StudyResult]) -> None:
    scenarios = worlds["first"].study.scenario
    first, others = (indicators(worlds[name].baseline.state, scenarios) for name in ("first", "others"))
    pd.testing.assert_series_equal(first, others)
    assert vallon.IME not in set(
        first.xs("persons_concerned", level="indicator").index.get_level_values("service")
    )


def test_a_siting_weighed_by_children_shows_no_number_that_they_make(worlds: dict[str, StudyResult]) -> None:
    asked = Siting(
        id="q", name="", candidates=("03901",), authorisation_ids=(vallon.IME,), method="p_median", p=1
    )
    shown = []
    for name in ("first", "others"):
        state = worlds[name].baseline.state
        site = state.sites.index[state.sites["commune_code"] == vallon.TOWN][0]
        question = asked.model_copy(update={"candidates": (), "candidate_site_ids": (str(site),)})
        answer = answer_siting(question, state)
        assert answer.is_observed
        areas = worlds[name].dataset.outlines
        picture = texts(show(answer, outlines=areas))
        shown.append([picture, answer._repr_html_(), answer.result._repr_html_(), repr(answer.result)])
    assert shown[0] == shown[1]


def test_the_tables_of_a_country_say_no_small_need() -> None:
    state, results = whole().baseline.state, whole().baseline
    few = state.demand.assign(demand=4.0, demand_low=3.0, demand_high=6.0)
    nothing = pd.DataFrame(index=pd.Index([], name="measure"))
    found = NationalTables(
        results.access,
        results.coverage,
        results.edge,
        results.gp_access,
        results.deserts,
        results.desert_shares,
        nothing,
    )
    made = national_tables(dataclasses.replace(state, demand=few), whole().dataset.sources, found)
    assert set(made["besoins_communes"]["demand"]) == {"< 11"}
    assert {"communes", "acces_communes", "deserts_zones", "sources"} <= set(made)
