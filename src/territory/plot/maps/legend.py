"""The legend beside or below a map: categories, sites, sizes of circles and notes, in one column or several."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from territory.french.numbers import integer
from territory.french.typography import typeset
from territory.plot import style
from territory.plot.maps.categories import Category

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# width of a legend beside the map (centimetres) and size of its smallest text (points)
LEGEND_CM = 4.3
SOURCE_SIZE = 6.5

_TEXT_SIZE = 7.5
_TITLE_SIZE = 8.0
_LINE_CM = 0.44
_NEXT_LINE_CM = 0.31
_SIGN_CM = 0.8
_COLUMN_CM = 5.5
_LARGEST_CIRCLE = 26.0


@dataclass(frozen=True)
class Legend:
    """What stands beside the map, and the line on sources under it.

    Attributes
    ----------
    categories
        Colours and hatches, in order.
    title
        Above everything.
    sites
        Mark, shape and name of each site.
    lines
        Dash (points on, points off) and name of each outline.
    circles
        Values whose circle is shown; the first is the largest of the map, the scale of the others.
    notes
        Small lines at the end.
    source
        Where the numbers come from.
    """

    categories: Sequence[Category]
    title: str = ""
    sites: Sequence[tuple[str, str, str]] = field(default_factory=tuple)
    notes: Sequence[str] = field(default_factory=tuple)
    source: str = ""
    circles: Sequence[float] = field(default_factory=tuple)
    lines: Sequence[tuple[tuple[float, ...], str]] = field(default_factory=tuple)


class _Dash(NamedTuple):
    """The line of an outline."""

    dash: tuple[float, ...]


class _Row(NamedTuple):
    """One entry: its text, the sign before it and the height that both take."""

    lines: list[str]
    height_cm: float
    sign: Category | tuple[str, str] | _Dash | float | None


def columns_in(width_cm: float) -> int:
    """Return how many columns a legend of some width has."""
    return max(1, int(width_cm // _COLUMN_CM))


def wrap(text: str, width_cm: float, size: float) -> list[str]:
    """Cut a text into lines of a width; letters are half as wide as high on average."""
    if not text:
        return []
    characters = int(width_cm / style.CM_PER_INCH * style.POINTS_PER_INCH / (0.5 * size))
    # no line begins with a colon, nor parts a number from its unit
    return textwrap.wrap(typeset(text), max(characters, 20), break_long_words=False)


def circle_points(value: float, largest: float) -> float:
    """Return the diameter of a proportional circle, in points: its area follows the value."""
    return _LARGEST_CIRCLE * math.sqrt(value / largest) if largest > 0 else 0.0


def draw_mark(axes: Axes, centre: tuple[float, float], mark: str, shape: str, *, zorder: float = 8) -> None:
    """Draw the mark of a site with its number inside."""
    axes.scatter(
        [centre[0]], [centre[1]], s=120, marker=shape, facecolor=style.INK, edgecolor=style.PAPER, lw=0.9,
        zorder=zorder, clip_on=False,
    )  # fmt: skip
    axes.text(
        *centre, mark, fontsize=7, fontweight="bold", color=style.PAPER, ha="center", va="center_baseline",
        zorder=zorder + 1,
    )  # fmt: skip


def legend_height(legend: Legend, width_cm: float, *, columns: int) -> float:
    """Return the height that a legend takes (centimetres)."""
    parts = _split(_rows(legend, width_cm / columns), columns)
    return _title_cm(legend, width_cm) + max(sum(row.height_cm for row in part) for part in parts) + 0.1


def draw_legend(axes: Axes, legend: Legend, side: str) -> None:
    """Draw a legend in its own axes, in centimetres from the upper left corner."""
    figure = axes.get_figure(root=True)
    width_in, height_in = figure.get_size_inches() if figure is not None else (1.0, 1.0)
    box = axes.get_position()
    width_cm = float(box.width * width_in * style.CM_PER_INCH)
    axes.set_xlim(0, width_cm)
    axes.set_ylim(box.height * height_in * style.CM_PER_INCH, 0)
    axes.set_axis_off()
    columns = 1 if side == "right" else columns_in(width_cm)
    if legend.title:
        title = "\n".join(wrap(legend.title, width_cm, _TITLE_SIZE))
        axes.text(0, 0.05, title, fontsize=_TITLE_SIZE, fontweight="semibold", va="top", linespacing=1.15)
    for i, rows in enumerate(_split(_rows(legend, width_cm / columns), columns)):
        y = _title_cm(legend, width_cm)
        for row in rows:
            _draw_row(axes, row, i * width_cm / columns, y, legend)
            y += row.height_cm


def _title_cm(legend: Legend, width_cm: float) -> float:
    """Return the height of the title."""
    lines = wrap(legend.title, width_cm, _TITLE_SIZE)
    return 0.3 + _NEXT_LINE_CM * len(lines) if lines else 0.0


def _rows(legend: Legend, width_cm: float) -> list[_Row]:
    """Return the entries of a legend, for a column of some width."""
    room = width_cm - _SIGN_CM - 0.1
    rows = [_row(category.label, room, category) for category in legend.categories]
    rows += [_row(name, room, (mark, shape)) for mark, shape, name in legend.sites]
    rows += [_row(name, room, _Dash(dash)) for dash, name in legend.lines]
    for value in legend.circles:
        diameter = circle_points(value, legend.circles[0]) / style.POINTS_PER_INCH * style.CM_PER_INCH
        rows.append(_Row([integer(value)], max(_LINE_CM, diameter + 0.1), value))
    for note in legend.notes:
        lines = wrap(note, width_cm, SOURCE_SIZE)
        rows.append(_Row(lines, _LINE_CM + 0.27 * (len(lines) - 1), None))
    return rows


def _row(text: str, room_cm: float, sign: Category | tuple[str, str] | _Dash) -> _Row:
    """Return an entry with a sign before its text."""
    lines = wrap(text, room_cm, _TEXT_SIZE)
    return _Row(lines, _LINE_CM + _NEXT_LINE_CM * (len(lines) - 1), sign)


def _split(rows: list[_Row], columns: int) -> list[list[_Row]]:
    """Share the entries between columns of about the same height, in order."""
    total = sum(row.height_cm for row in rows)
    parts: list[list[_Row]] = [[] for _ in range(columns)]
    done = 0.0
    for row in rows:
        parts[min(int(columns * done / total), columns - 1)].append(row)
        done += row.height_cm
    return parts


def _draw_row(axes: Axes, row: _Row, x: float, y: float, legend: Legend) -> None:
    """Draw one entry of the legend."""
    from matplotlib.patches import Rectangle

    text_y, is_note = y + 0.06, row.sign is None
    if isinstance(row.sign, Category):
        axes.add_patch(
            Rectangle(
                (x, y + 0.04), 0.62, 0.3, facecolor=row.sign.color, edgecolor=style.RULE, linewidth=0.5,
                hatch=row.sign.hatch or None, hatchcolor=row.sign.hatch_color,
            )
        )  # fmt: skip
    elif isinstance(row.sign, _Dash):
        axes.plot(
            [x, x + 0.62], [y + 0.19] * 2, color=style.RING, lw=1.25, linestyle=(0.0, row.sign.dash or None),
            dash_capstyle="butt",
        )  # fmt: skip
    elif isinstance(row.sign, tuple):
        draw_mark(axes, (x + 0.31, y + 0.19), *row.sign)
    elif row.sign is not None:
        size = circle_points(row.sign, legend.circles[0]) ** 2
        middle = y + row.height_cm / 2
        axes.scatter([x + 0.31], [middle], s=size, facecolor=style.ACCENT, alpha=0.55, edgecolor=style.INK)
        text_y = middle - 0.13
    axes.text(
        x + (0.0 if is_note else _SIGN_CM), text_y, "\n".join(row.lines), va="top", linespacing=1.15,
        fontsize=SOURCE_SIZE if is_note else _TEXT_SIZE, color=style.MUTED if is_note else style.INK,
    )  # fmt: skip
