"""Charts."""

from __future__ import annotations

import math

import pandas as pd
import pytest

from territory.errors import ParameterError
from territory.plot import style
from territory.plot.charts import gainers_and_losers, needs_with_range

EFFECTS = pd.DataFrame(
    {"persons_gain": [24_120.0, 5.0], "persons_loss": [0.0, 900.0], "persons_indistinct": [math.nan, 3.0]},
    index=["Dracénie", "$Verte$ & <b>"],
)
NEEDS = pd.DataFrame(
    {"low": [56.0, 2.0, math.nan], "central": [80.0, 4.0, math.nan], "high": [102.0, 14.0, math.nan]},
    index=["A", "B", "C"],
)


def texts(figure: object) -> set[str]:
    axes = figure.axes[0]  # type: ignore[attr-defined]
    return {text.get_text() for text in [*axes.texts, *axes.get_yticklabels()]}


def test_small_counts_are_withheld_from_text_and_bar() -> None:
    figure = gainers_and_losers(EFFECTS)
    assert {"< 11", "900", "24\u202f000", "inconnu", "$Verte$ & <b>"} <= texts(figure)
    lengths = [patch.get_width() for patch in figure.axes[0].patches]
    assert 5.0 not in [abs(length) for length in lengths]


def test_needs_show_no_mark_under_the_threshold() -> None:
    figure = needs_with_range(NEEDS)
    marks = [line.get_xdata()[0] for line in figure.axes[0].lines if line.get_marker() == "D"]
    assert marks == [80.0]
    assert "inconnu" in texts(figure)
    assert any(text.startswith("80\u00a0") for text in texts(figure))


@pytest.mark.parametrize("draw", [gainers_and_losers, needs_with_range])
def test_nothing_to_draw_is_said(draw: object) -> None:
    with pytest.raises(ParameterError, match="aucune ligne"):
        draw(pd.DataFrame())  # type: ignore[operator]


def test_same_bytes() -> None:
    assert style.to_svg(gainers_and_losers(EFFECTS)) == style.to_svg(gainers_and_losers(EFFECTS))
    assert style.to_svg(needs_with_range(NEEDS)) == style.to_svg(needs_with_range(NEEDS))


def test_the_titles_of_both_sides_have_room() -> None:
    effects = pd.DataFrame(
        {"persons_gain": [0.0], "persons_loss": [84_000.0], "persons_indistinct": [0.0]}, index=["Scénario"]
    )
    figure = gainers_and_losers(effects)
    axes = figure.axes[0]
    figure.canvas.draw()
    boxes = [text.get_window_extent() for text in axes.texts if text.get_text().endswith((" →", "visible"))]
    assert len(boxes) == 2
    assert not boxes[0].overlaps(boxes[1])
