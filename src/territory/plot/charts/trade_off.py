"""The trade-off curve: what one gives up on one measure for a better other one."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from matplotlib.ticker import MaxNLocator

from territory.errors import ParameterError
from territory.french.numbers import integer
from territory.plot import style
from territory.plot.maps.map_margins import width_of
from territory.plot.maps.placement import Box, Label, place_labels

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_HEIGHT_CM, _LEFT_CM, _FOOT_CM, _MARGIN_CM = 7.6, 1.9, 1.2, 0.4
_MOST_NAMED = 9


def front_of(points: pd.DataFrame) -> pd.DataFrame:
    """Return the points that no other beats on both measures, less being better on each.

    Examples
    --------
    >>> points = pd.DataFrame({"x": [1.0, 2.0, 3.0], "y": [9.0, 9.5, 4.0]})
    >>> front_of(points).index.tolist()
    [0, 2]
    """
    known = points.dropna(subset=["x", "y"]).sort_values(["x", "y"], kind="stable")
    best = known["y"].cummin()
    return known[known["y"].eq(best) & ~known["y"].duplicated()]


def trade_off(
    points: pd.DataFrame,
    *,
    x_label: str,
    y_label: str,
    named: Collection[str] = (),
    width_cm: float = 17.0,
) -> tuple[Figure, pd.DataFrame]:
    """Draw options on two measures, less being better on each, and the curve of those that nothing beats.

    Examples
    --------
    >>> points = pd.DataFrame({"x": [30.0, 32.0], "y": [900.0, 700.0], "name": ["Aups", "Le Muy"]})
    >>> trade_off(points, x_label="min", y_label="personnes")[1]["name"].tolist()
    ['Aups', 'Le Muy']
    """
    front = front_of(points)
    if front.empty:
        raise ParameterError("Graphique impossible : aucune option n'a les deux mesures.")
    known = points.dropna(subset=["x", "y"])
    others = known[~known.index.isin(front.index)]
    with style.style():
        figure = style.new_figure(width_cm, _HEIGHT_CM)
        size = (width_cm - _LEFT_CM - _MARGIN_CM, _HEIGHT_CM - _FOOT_CM - _MARGIN_CM)
        axes = figure.add_axes(
            (_LEFT_CM / width_cm, _FOOT_CM / _HEIGHT_CM, size[0] / width_cm, size[1] / _HEIGHT_CM)
        )
        axes.step(front["x"], front["y"], where="post", color=style.ACCENT, linewidth=1.0, zorder=2)
        axes.scatter(others["x"], others["y"], s=16, facecolor=style.PAPER, edgecolor=style.MUTED, zorder=3)
        axes.scatter(
            front["x"], front["y"], s=34, marker="D", facecolor=style.ACCENT, edgecolor=style.INK, zorder=4
        )
        chosen = known[known["name"].isin(set(named))]
        # a name may stand away from its point: the points that have one are full
        told = chosen[~chosen.index.isin(front.index)]
        axes.scatter(told["x"], told["y"], s=20, facecolor=style.MUTED, edgecolor=style.INK, zorder=5)
        axes.margins(0.08, 0.12)
        axes.set_ylim(bottom=min(0.0, float(known["y"].min())))
        axes.set_xlabel(x_label, fontsize=8)
        axes.set_ylabel(y_label, fontsize=8)
        axes.xaxis.set_major_locator(MaxNLocator(nbins=8, integer=True))
        axes.yaxis.set_major_formatter(lambda value, _: integer(value))
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}".replace(".", ","))
        axes.tick_params(labelsize=7.5, length=2)
        axes.grid(color=style.OUTSIDE, linewidth=0.7)
        axes.set_axisbelow(True)
        for side in ("top", "right"):
            axes.spines[side].set_visible(False)
        _write_names(axes, pd.concat([front, chosen]).drop_duplicates("name").head(_MOST_NAMED), known, size)
    return figure, front


def _write_names(axes: Axes, wanted: pd.DataFrame, known: pd.DataFrame, size_cm: tuple[float, float]) -> None:
    """Write names beside their points, where there is room."""
    (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
    points = [side / style.CM_PER_INCH * style.POINTS_PER_INCH for side in size_cm]
    scale = np.array([points[0] / (right - left), points[1] / (top - bottom)])
    places = (known[["x", "y"]].to_numpy(dtype=float) - (left, bottom)) * scale
    taken = [Box(x - 3.5, y - 3.5, x + 3.5, y + 3.5) for x, y in places.tolist()]
    labels = []
    for row in wanted.to_dict("records"):
        x, y = ((np.array([row["x"], row["y"]], dtype=float) - (left, bottom)) * scale).tolist()
        labels.append(Label(str(row["name"]), x, y, 8.0, "normal", gap=5.0))
    frame = Box(1.0, 1.0, points[0] - 1.0, points[1] - 1.0)
    for spot in place_labels(labels, frame=frame, obstacles=taken):
        if width_of(spot.label.text, 8.0) <= points[0]:
            x, y = (np.array([spot.x, spot.y]) / scale + (left, bottom)).tolist()
            axes.text(x, y, spot.label.text, fontsize=8.0, ha="center", va="center_baseline", color=style.INK)
