"""Charts: who gains and loses, needs with their range, mean against worst time."""

import textwrap
from collections.abc import Collection
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from territory.errors import ParameterError
from territory.french.numbers import NBSP, integer
from territory.french.words import persons, typeset
from territory.plot import style
from territory.plot.maps.legend import WIDTH_CM
from territory.plot.maps.shapes import Box, Label, place_labels, text_size

_ROW_CM = 0.62
_NAME_LETTERS = 30
_THRESHOLD = 11
_HEIGHT_CM, _LEFT_CM, _FOOT_CM, _MARGIN_CM = 7.6, 1.9, 1.2, 0.4
_MOST_NAMED = 9


def gainers_and_losers(effects: pd.DataFrame, *, noun: str = "enfants") -> Figure:
    """Draw, for each zone, how many persons gain (right), lose (left) or see no difference that can be told."""
    with style.style():
        figure, axes = _rows(len(effects), left_cm=4.6, right_cm=2.7, head_cm=0.9)
        gain = effects["persons_gain"].fillna(0.0).to_numpy(dtype=float)
        loss = effects["persons_loss"].fillna(0.0).to_numpy(dtype=float)
        rows = np.arange(len(effects))
        axes.barh(rows, _drawn(gain), height=0.62, color=style.GAIN)
        hatched: dict[str, Any] = {"hatch": "////", "edgecolor": style.LOSS, "linewidth": 0.6}
        axes.barh(rows, -_drawn(loss), height=0.62, color=style.LOSSES[1], **hatched)
        most = max(float(gain.max()), float(loss.max()), 1.0)
        # the numbers stand outside the bars: room on both sides, less where no bar goes
        heads = ("← trajet plus long", f"trajet plus court ({noun}) →")
        axes.set_xlim(*_room(float(loss.max()) + 0.16 * most, float(gain.max()) + 0.16 * most, heads, axes))
        axes.axvline(0, color=style.INK, linewidth=0.8)
        texts = {}
        for effect in ("gain", "loss", "indistinct"):
            texts[effect] = list(effects.get(f"text_{effect}", effects[f"persons_{effect}"].map(persons)))
        for row, (more, less) in enumerate(zip(gain, loss, strict=True)):
            for effect, end, side in (("gain", more, "left"), ("loss", -less, "right")):
                # a number that is unknown or withheld has no bar, but is not nothing
                if texts[effect][row] != "0":
                    x = end + (0.012 if side == "left" else -0.012) * most
                    axes.text(x, row, texts[effect][row], va="center", ha=side, fontsize=7.5)
        _row_names(axes, list(effects.index))
        _side_column(axes, "sans différence\nvisible", texts["indistinct"])
        look: dict[str, Any] = {"fontsize": 8, "fontweight": "semibold", "annotation_clip": False}
        # what each side means above the line of zero
        sides = zip(heads, (-5, 5), ("right", "left"), (style.LOSS, style.GAIN), strict=True)
        for text, shift, side, color in sides:
            at: dict[str, Any] = {"xytext": (shift, 0), "textcoords": "offset points", "ha": side}
            axes.annotate(text, (0, -0.62), va="bottom", color=color, **at, **look)
    return figure


def needs_with_range(needs: pd.DataFrame, *, label: str = "personnes") -> Figure:
    """Draw, for each zone, the central estimate with the range from low to high."""
    with style.style():
        row_cm = 0.5 if max(map(len, needs.index.astype(str)), default=0) <= _NAME_LETTERS else 0.75
        figure, axes = _rows(len(needs), left_cm=4.6, right_cm=3.6, head_cm=0.2, foot_cm=0.95, row_cm=row_cm)
        texts = []
        for row, (low, central, high) in enumerate(needs[["low", "central", "high"]].to_numpy(dtype=float)):
            texts.append(persons(central))
            # the place of a mark would tell what the text withholds
            if np.isnan(central) or central < _THRESHOLD:
                continue
            ends = [persons(low), persons(high)]
            texts[row] += f"{NBSP} ({' à '.join(ends)})" if ends[0] != ends[1] else ""
            axes.plot([low, high], [row, row], color=style.GAINS[1], linewidth=4.5, solid_capstyle="butt")
            axes.plot([central], [row], marker="D", markersize=4.5, color=style.INK, linestyle="none")
        axes.set_xlim(0, 1.04 * float(np.nanmax([*needs["high"].to_numpy(dtype=float), 1.0])))
        axes.xaxis.set_visible(True)
        axes.xaxis.set_major_formatter(lambda value, _: integer(value))
        axes.tick_params(axis="x", labelsize=7, length=2)
        axes.set_xlabel(label, fontsize=7.5, color=style.MUTED)
        axes.grid(axis="x", color=style.OUTSIDE, linewidth=0.7)
        axes.set_axisbelow(True)
        _row_names(axes, list(needs.index))
        _side_column(axes, "", texts)
    return figure


def _rows(
    count: int,
    *,
    left_cm: float,
    right_cm: float,
    head_cm: float,
    foot_cm: float = 0.15,
    row_cm: float = _ROW_CM,
) -> tuple[Figure, Axes]:
    """Return a figure of horizontal rows, the first one on top."""
    if not count:
        raise ParameterError("Graphique impossible : aucune ligne à montrer.")
    height_cm = head_cm + foot_cm + row_cm * count
    figure = style.new_figure(WIDTH_CM, height_cm)
    width = (WIDTH_CM - left_cm - right_cm) / WIDTH_CM
    axes = figure.add_axes((left_cm / WIDTH_CM, foot_cm / height_cm, width, row_cm * count / height_cm))
    axes.set_ylim(count - 0.5, -0.5)
    for side in ("top", "right", "bottom", "left"):
        axes.spines[side].set_visible(False)
    axes.xaxis.set_visible(False)
    return figure, axes


def _row_names(axes: Axes, names: list[str]) -> None:
    texts = (style.drawable(typeset(str(name))) for name in names)
    wrapped = ["\n".join(textwrap.wrap(text, _NAME_LETTERS, max_lines=2, placeholder="…")) for text in texts]
    axes.set_yticks(range(len(names)), wrapped, fontsize=8, linespacing=0.95)
    axes.tick_params(axis="y", length=0, pad=6)


def _side_column(axes: Axes, head: str, texts: list[str]) -> None:
    """Write a column of texts on the right of the bars."""
    look: dict[str, Any] = {"transform": axes.get_yaxis_transform(), "ha": "left", "color": style.MUTED}
    for row, text in enumerate(texts):
        axes.text(1.03, row, text, va="center", fontsize=7.5, **look)
    if head:
        axes.text(1.03, -0.62, head, va="bottom", fontsize=7, linespacing=1.05, **look)


def _room(left: float, right: float, heads: tuple[str, str], axes: Axes) -> tuple[float, float]:
    """Return the ends of the axis: each side of zero is as wide as its title, whatever the bars."""
    inches = axes.get_window_extent().width / axes.figure.dpi
    parts = [(1.08 * text_size(head, 8.0)[0] + 6.0) / (inches * style.POINTS_PER_INCH) for head in heads]
    for part, is_right in zip(parts, (False, True), strict=True):
        own, other = (right, left) if is_right else (left, right)
        own = max(own, part / (1.0 - part) * other)
        left, right = (other, own) if is_right else (own, other)
    return -left, right


def _drawn(values: np.ndarray) -> np.ndarray:
    """Return the length of bars: none under the threshold, where the text says "< 11"."""
    return np.where(values < _THRESHOLD, 0.0, values)


def front_of(points: pd.DataFrame) -> pd.DataFrame:
    """Return the points that no other beats on both measures, less being better on each."""
    known = points.dropna(subset=["x", "y"]).sort_values(["x", "y"], kind="stable")
    return known[known["y"].eq(known["y"].cummin()) & ~known["y"].duplicated()]


def trade_off(
    points: pd.DataFrame, *, x_label: str, y_label: str, named: Collection[str] = ()
) -> tuple[Figure, pd.DataFrame]:
    """Draw options on two measures, less being better on each, and the curve of those that nothing beats."""
    front = front_of(points)
    if front.empty:
        raise ParameterError("Graphique impossible : aucune option n'a les deux mesures.")
    known = points.dropna(subset=["x", "y"])
    others = known[~known.index.isin(front.index)]
    with style.style():
        figure = style.new_figure(WIDTH_CM, _HEIGHT_CM)
        size = (WIDTH_CM - _LEFT_CM - _MARGIN_CM, _HEIGHT_CM - _FOOT_CM - _MARGIN_CM)
        sides = size[0] / WIDTH_CM, size[1] / _HEIGHT_CM
        axes = figure.add_axes((_LEFT_CM / WIDTH_CM, _FOOT_CM / _HEIGHT_CM, *sides))
        axes.step(front["x"], front["y"], where="post", color=style.ACCENT, linewidth=1.0, zorder=2)
        axes.scatter(others["x"], others["y"], s=16, facecolor=style.PAPER, edgecolor=style.MUTED, zorder=3)
        full: dict[str, Any] = {"facecolor": style.ACCENT, "edgecolor": style.INK}
        axes.scatter(front["x"], front["y"], s=34, marker="D", zorder=4, **full)
        chosen = known[known["name"].isin(set(named))]
        # a name may stand away from its point: the points that have one are full
        told = chosen[~chosen.index.isin(front.index)]
        axes.scatter(told["x"], told["y"], s=20, facecolor=style.MUTED, edgecolor=style.INK, zorder=5)
        axes.margins(0.16, 0.12)
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
        labels.append(Label(str(row["name"]), x, y, 8.0, gap=5.0))
    frame = Box(1.0, 1.0, points[0] - 1.0, points[1] - 1.0)
    for spot in place_labels(labels, frame=frame, obstacles=taken):
        if text_size(spot.label.text, 8.0)[0] <= points[0]:
            x, y = (np.array([spot.x, spot.y]) / scale + (left, bottom)).tolist()
            axes.text(x, y, spot.label.text, fontsize=8.0, ha="center", va="center_baseline", color=style.INK)
            if spot.is_moved:
                axes.plot(*(spot.tie / scale + (left, bottom)).T, color=style.MUTED, linewidth=0.5, zorder=1)
