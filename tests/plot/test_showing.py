"""One call that draws results and comparisons."""

from __future__ import annotations

import pytest

import territory
from territory.errors import ParameterError
from territory.plot import show
from territory.workflow import StudyResult


@pytest.fixture(scope="module")
def result() -> StudyResult:
    return territory.run_study("draguignan")


def texts(figure: object) -> set[str]:
    return {t.get_text() for axes in figure.axes for t in [*axes.texts, *axes.get_yticklabels()]}  # type: ignore[attr-defined]


def test_results_are_a_map_with_or_without_outlines(result: StudyResult) -> None:
    minutes = result.baseline.access["travel_time_min"]["83050", "ime-salernes"]
    for outlines in (None, result.dataset.outlines):
        assert str(round(minutes)) in texts(show(result.baseline, outlines=outlines))


def test_a_comparison_is_a_chart_of_zones(result: StudyResult) -> None:
    figure = show(result.comparisons["B"], service="ime-salernes", names={"248300493": "Dracénie"})
    assert "Dracénie" in texts(figure)


def test_what_cannot_be_drawn_is_said(result: StudyResult) -> None:
    with pytest.raises(ParameterError, match="inconnu"):
        show(result.baseline, service="rien")
    with pytest.raises(ParameterError, match="Study"):
        show(result.study)  # type: ignore[arg-type]
