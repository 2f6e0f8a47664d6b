"""What stands around a map: the classes that its legend names, its scale, its north and its source."""

import math
import textwrap
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from matplotlib.axes import Axes

from territory.errors import ParameterError
from territory.french import words
from territory.french.numbers import NBSP, class_labels, integer
from territory.french.words import typeset
from territory.plot import style
from territory.plot.maps.shapes import Box, size_in


class Category(NamedTuple):
    """One entry of a legend."""

    key: str
    label: str
    color: str
    hatch: str = ""
    hatch_color: str = style.HATCH_INK


class Classes(NamedTuple):
    """The category of each commune (Series of keys) and the legend, in order."""

    keys: pd.Series
    legend: tuple[Category, ...]


# bounds of the classes of changes (minutes)
_CHANGES = (10.0, 20.0)

INDISTINCT = Category("indistinct", words.INDISTINCT, style.INDISTINCT, style.INDISTINCT_HATCH)
UNKNOWN = Category("unknown", "inconnu", style.UNKNOWN_COLOR, style.UNKNOWN_HATCH)
OUT_OF_REACH = Category("out_of_reach", "hors d'atteinte", style.OUT_OF_REACH_COLOR, style.OUT_OF_REACH_HATCH)
ENTERING = Category(
    "entering", "dans le périmètre avec le scénario seulement (non compté comme gain)", style.ENTERING, "...."
)
WITHOUT = Category("without", "sans ce service", style.OUT_OF_REACH_COLOR, style.OUT_OF_REACH_HATCH)
OUTSIDE = Category("outside", "hors du périmètre de recrutement", style.OUTSIDE)


def time_classes(
    values: pd.Series, *, breaks: Sequence[float] = (15, 30, 45, 60), is_reachable: pd.Series | None = None
) -> Classes:
    """Sort travel times into classes with inclusive upper bounds; unknown and out of reach are classes of their own."""
    bounds = [float(bound) for bound in breaks]
    if not bounds or sorted(set(bounds)) != bounds or len(bounds) >= len(style.SEQUENTIAL):
        raise ParameterError(f"Bornes {list(breaks)} : donnez une à quatre bornes croissantes, en minutes.")
    places = np.searchsorted(np.asarray(bounds), values.to_numpy(dtype=float), side="left")
    keys = pd.Series([f"class{place}" for place in places], index=values.index, dtype=object)
    unreachable = pd.Series(False, index=values.index)
    if is_reachable is not None:
        unreachable = is_reachable.reindex(values.index).eq(False).fillna(False).astype(bool)
    keys[values.isna()] = UNKNOWN.key
    keys[unreachable | np.isinf(values.astype(float))] = OUT_OF_REACH.key
    steps = np.linspace(0, len(style.SEQUENTIAL) - 1, len(bounds) + 1).round().astype(int)
    labels = enumerate(class_labels(bounds))
    legend = [Category(f"class{i}", label, style.SEQUENTIAL[steps[i]]) for i, label in labels]
    return Classes(keys, (*legend, OUT_OF_REACH, UNKNOWN))


def change_classes(delta: pd.Series, effect: pd.Series) -> Classes:
    """Sort changes of travel time into symmetric classes, apart from those that cannot be told from no change."""
    places = np.searchsorted(_CHANGES, delta.abs().fillna(np.inf).to_numpy(dtype=float), side="left")
    named = zip(effect.reindex(delta.index).fillna(UNKNOWN.key).astype(str), places, strict=True)
    found = [f"{side}{place}" if side in ("gain", "loss") else side for side, place in named]
    keys = pd.Series(found, index=delta.index, dtype=object)
    low, high = map(integer, _CHANGES)
    sizes = (f"jusqu'à {low}{NBSP}min", f"plus de {low} à {high}{NBSP}min", f"plus de {high}{NBSP}min")
    gains = [Category(f"gain{i}", f"gain : {sizes[i]}", style.GAINS[i]) for i in (2, 1, 0)]
    # a grey print cannot tell blue from orange: losses are hatched too
    looks = zip(style.LOSSES, [style.LOSS_HATCH] * 3, style.LOSS_HATCH_INKS, strict=True)
    losses = [Category(f"loss{i}", f"perte : {sizes[i]}", *look) for i, look in enumerate(looks)]
    return Classes(keys, (*gains, INDISTINCT, *losses, WITHOUT, ENTERING, OUTSIDE, UNKNOWN))


def effect_classes(effect: pd.Series) -> Classes:
    """Sort communes by the side of their change alone, for a map that is too small for its size."""
    gain = Category("gain", "trajet plus court", style.GAINS[2])
    loss = Category("loss", "trajet plus long", style.LOSSES[1], style.LOSS_HATCH, style.LOSS_HATCH_INKS[1])
    # who enters the perimeter is outside that of today
    keys = effect.fillna(UNKNOWN.key).astype(str).replace(ENTERING.key, OUTSIDE.key)
    return Classes(keys, (gain, loss, INDISTINCT, OUTSIDE._replace(label="hors du périmètre"), UNKNOWN))


def numbers_from(values: pd.Series) -> pd.Series:
    """Return whole numbers as texts for a map, empty where unknown."""

    def written(value: float) -> str:
        return str(int(np.floor(value + 0.5))) if np.isfinite(value) else ""

    return values.astype(float).map(written)


def shown(legend: Sequence[Category], *keys: pd.Series) -> tuple[Category, ...]:
    """Leave out of a legend the special categories that no map shows; ordinary classes stay, to compare maps."""
    used = {str(key) for series in keys for key in series.unique()}
    special = {UNKNOWN.key, OUT_OF_REACH.key, WITHOUT.key, ENTERING.key, OUTSIDE.key}
    return tuple(category for category in legend if category.key in used or category.key not in special)


# of a page, of the legend beside a map and of what is between them (centimetres)
WIDTH_CM, LEGEND_CM, _MARGIN_CM, _GAP_CM = 17.0, 4.3, 0.1, 0.35
# of the strip under a map, of a line of the legend, of each next one and of the sign before it
_STRIP_CM, _LINE_CM, _NEXT_LINE_CM, _SIGN_CM = 0.75, 0.44, 0.31, 0.8
_TITLE_SIZE, _TEXT_SIZE, SOURCE_SIZE = 8.0, 7.5, 6.5
_LARGEST_CIRCLE = 26.0
Rectangle = tuple[float, float, float, float]


@dataclass(frozen=True)
class Legend:
    """What stands beside the map, and the line on sources under it."""

    categories: Sequence[Category]
    title: str = ""
    sites: Sequence[tuple[str, str, str]] = ()  # mark, shape and name
    notes: Sequence[str] = ()
    source: str = ""
    circles: Sequence[float] = ()  # the first is the largest of the map
    # dash (points on, points off) and name of each outline
    lines: Sequence[tuple[tuple[float, ...], str]] = ()


class _Dash(NamedTuple):
    """The line of an outline."""

    dash: tuple[float, ...]


class _Row(NamedTuple):
    """One entry: its text, the sign before it and the height that both take."""

    lines: list[str]
    height_cm: float
    sign: Category | tuple[str, str] | _Dash | float | None


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
    disc: dict[str, Any] = {"facecolor": style.INK, "edgecolor": style.PAPER, "lw": 0.9, "clip_on": False}
    axes.scatter([centre[0]], [centre[1]], s=120, marker=shape, zorder=zorder, **disc)
    look: dict[str, Any] = {"fontsize": 7, "fontweight": "bold", "color": style.PAPER}
    axes.text(*centre, mark, ha="center", va="center_baseline", zorder=zorder + 1, **look)


def draw_legend(axes: Axes, legend: Legend) -> None:
    """Draw a legend in its own axes, in centimetres from the upper left corner."""
    width_in, height_in = size_in(axes)
    axes.set_xlim(0, width_in * style.CM_PER_INCH)
    axes.set_ylim(height_in * style.CM_PER_INCH, 0)
    axes.set_axis_off()
    if legend.title:
        title = "\n".join(wrap(legend.title, LEGEND_CM, _TITLE_SIZE))
        axes.text(0, 0.05, title, fontsize=_TITLE_SIZE, fontweight="semibold", va="top", linespacing=1.15)
    y = _title_cm(legend)
    for row in _rows(legend):
        from matplotlib import patches

        text_y = y + 0.06
        if isinstance(row.sign, Category):
            hatch: dict[str, Any] = {"hatch": row.sign.hatch or None, "hatchcolor": row.sign.hatch_color}
            fill: dict[str, Any] = {"facecolor": row.sign.color, "edgecolor": style.RULE, "linewidth": 0.5}
            axes.add_patch(patches.Rectangle((0, y + 0.04), 0.62, 0.3, **fill, **hatch))
        elif isinstance(row.sign, _Dash):
            line: dict[str, Any] = {"linestyle": (0.0, row.sign.dash or None), "dash_capstyle": "butt"}
            axes.plot([0, 0.62], [y + 0.19] * 2, color=style.RING, lw=1.25, **line)
        elif isinstance(row.sign, tuple):
            draw_mark(axes, (0.31, y + 0.19), *row.sign)
        elif row.sign is not None:
            size = circle_points(row.sign, legend.circles[0]) ** 2
            middle = y + row.height_cm / 2
            axes.scatter([0.47], [middle], s=size, facecolor=style.ACCENT, alpha=0.55, edgecolor=style.INK)
            text_y = middle - 0.13
        size, color = (SOURCE_SIZE, style.MUTED) if row.sign is None else (_TEXT_SIZE, style.INK)
        text_x = 0.0 if row.sign is None else 1.05 if row.sign in legend.circles else _SIGN_CM
        said = "\n".join(row.lines)
        axes.text(text_x, text_y, said, va="top", linespacing=1.15, fontsize=size, color=color)
        y += row.height_cm


def _title_cm(legend: Legend) -> float:
    lines = wrap(legend.title, LEGEND_CM, _TITLE_SIZE)
    return 0.3 + _NEXT_LINE_CM * len(lines) if lines else 0.0


def _rows(legend: Legend) -> list[_Row]:
    signed: list[tuple[str, Category | tuple[str, str] | _Dash]] = [
        *((category.label, category) for category in legend.categories),
        *((name, (mark, shape)) for mark, shape, name in legend.sites),
        *((name, _Dash(dash)) for dash, name in legend.lines),
    ]
    rows = []
    for text, sign in signed:
        lines = wrap(text, LEGEND_CM - _SIGN_CM - 0.1, _TEXT_SIZE)
        rows.append(_Row(lines, _LINE_CM + _NEXT_LINE_CM * (len(lines) - 1), sign))
    for value in legend.circles:
        diameter = circle_points(value, legend.circles[0]) / style.POINTS_PER_INCH * style.CM_PER_INCH
        rows.append(_Row([integer(value)], max(_LINE_CM, diameter + 0.1), value))
    for note in legend.notes:
        lines = wrap(note, LEGEND_CM, SOURCE_SIZE)
        rows.append(_Row(lines, _LINE_CM + 0.27 * (len(lines) - 1), None))
    return rows


class Layout(NamedTuple):
    """Where everything goes, in centimetres from the lower left corner."""

    width_cm: float
    height_cm: float
    map: Rectangle
    legend: Rectangle
    source: str

    def fractions(self, place: Rectangle) -> Rectangle:
        """Return a rectangle as matplotlib wants it: shares of the figure."""
        left, bottom, width, height = place
        return left / self.width_cm, bottom / self.height_cm, width / self.width_cm, height / self.height_cm


def lay_out(extent: Rectangle, legend: Legend, *, max_height_cm: float, width_cm: float = WIDTH_CM) -> Layout:
    """Share the page between map, legend and source line; the legend of a map narrower than a page is under it."""
    legend_cm = _title_cm(legend) + sum(row.height_cm for row in _rows(legend)) + 0.1
    source = wrap(legend.source, width_cm - 2 * _MARGIN_CM, SOURCE_SIZE)
    below = 0.3 * len(source) + (0.15 if source else 0.0) + _MARGIN_CM
    is_under = width_cm < WIDTH_CM
    width = width_cm - 2 * _MARGIN_CM - (0.0 if is_under else LEGEND_CM + _GAP_CM)
    left, bottom, right, top = extent
    map_cm = min(width * ((top - bottom) / (right - left)) + _STRIP_CM, max_height_cm - below - _MARGIN_CM)
    body_cm = map_cm + legend_cm if is_under else max(map_cm, legend_cm)
    start = _MARGIN_CM if is_under else width_cm - _MARGIN_CM - LEGEND_CM
    lift = 0.0 if is_under else body_cm - legend_cm
    map_at = (_MARGIN_CM, below + body_cm - map_cm, width, map_cm)
    legend_at = (start, below + lift, LEGEND_CM, legend_cm)
    return Layout(width_cm, below + body_cm + _MARGIN_CM, map_at, legend_at, "\n".join(source))


def frame(axes: Axes, extent: Rectangle) -> None:
    """Set what a map shows, with a strip below for the scale, and keep metres square."""
    left, bottom, right, top = extent
    width_cm, height_cm = (side * style.CM_PER_INCH for side in size_in(axes))
    # metres by centimetre that let both sides in
    metres = max((right - left) / width_cm, (top - bottom) / (height_cm - _STRIP_CM))
    middle = (left + right) / 2
    axes.set_xlim(middle - metres * width_cm / 2, middle + metres * width_cm / 2)
    spare = metres * (height_cm - _STRIP_CM) - (top - bottom)
    axes.set_ylim(bottom - metres * _STRIP_CM - spare / 2, top + spare / 2)
    axes.set_aspect("auto")
    axes.set_axis_off()


def scale_and_north(axes: Axes) -> list[Box]:
    """Draw the scale bar and the north arrow in the strip under the map, and say which room they take."""
    (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
    metre_cm = (top - bottom) / (size_in(axes)[1] * style.CM_PER_INCH)
    # a map of a part of the territory runs on under the strip: paper covers it
    cover: dict[str, Any] = {"facecolor": style.PAPER, "edgecolor": style.PAPER, "lw": 2, "zorder": 4}
    axes.axhspan(bottom, bottom + _STRIP_CM * metre_cm, **cover)
    length = nice_length(0.22 * (right - left))
    x, y = left + 0.15 * metre_cm, bottom + 0.2 * metre_cm
    tick = y + 0.12 * metre_cm
    axes.plot([x, x, x + length, x + length], [tick, y, y, tick], color=style.INK, lw=0.9, zorder=5)
    kilometres = length / 1_000
    text = f"{integer(kilometres)}{NBSP}km" if kilometres >= 1 else f"{integer(length)}{NBSP}m"
    axes.text(x + length + 0.15 * metre_cm, y, text, fontsize=7, va="baseline", ha="left", zorder=5)
    north = x + length + 1.35 * metre_cm
    arrow = {"arrowstyle": "-|>", "color": style.INK, "linewidth": 0.9, "shrinkA": 0, "shrinkB": 0}
    ends: dict[str, Any] = {"xy": (north, y + 0.5 * metre_cm), "xytext": (north, y - 0.05 * metre_cm)}
    axes.annotate("", **ends, arrowprops=arrow, zorder=5)
    at = north + 0.12 * metre_cm
    axes.text(at, y, "N", fontsize=7, fontweight="semibold", va="baseline", ha="left", zorder=5)
    points = style.POINTS_PER_INCH / style.CM_PER_INCH
    return [Box(0.0, 0.0, (right - left) / metre_cm * points, _STRIP_CM * points)]


def nice_length(most: float) -> float:
    """Return the longest of 1, 2 or 5 times a power of ten that is not longer than some length."""
    power = 10.0 ** math.floor(math.log10(most))
    return max(step * power for step in (1.0, 2.0, 5.0) if step * power <= most)


def widest_places(areas: gpd.GeoDataFrame) -> Iterator[tuple[Hashable, tuple[float, float], float | None]]:
    """Give the centre and radius (metres) of the widest disc inside each outline; the point itself for a point."""
    for code, shape in zip(areas.index, areas.geometry, strict=True):
        if shape is None or shape.is_empty:
            continue
        if shape.geom_type == "Point":
            yield code, (float(shapely.get_x(shape)), float(shapely.get_y(shape))), None
            continue
        largest = max(getattr(shape, "geoms", [shape]), key=lambda part: part.area)
        radius = _widest(largest)
        x, y = radius.coords[0]
        yield code, (x, y), float(radius.length)


@lru_cache(maxsize=5_000)
def _widest(outline: shapely.Polygon) -> shapely.LineString:
    """Return the radius of the widest disc inside an outline, which every map of a document asks for."""
    return shapely.maximum_inscribed_circle(outline, tolerance=100.0)
