"""What surrounds a map: its frame, scale bar, north arrow and source line, and the room each part takes."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from territory.french.numbers import NBSP, integer
from territory.plot import style
from territory.plot.maps.legend import LEGEND_CM, SOURCE_SIZE, Legend, columns_in, legend_height, wrap
from territory.plot.maps.placement import Box, text_size

if TYPE_CHECKING:
    from collections.abc import Hashable

    import geopandas as gpd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Rectangle = tuple[float, float, float, float]

_STRIP_CM = 0.75
_GAP_CM = 0.35


class Layout(NamedTuple):
    """Where everything goes, in centimetres from the lower left corner."""

    width_cm: float
    height_cm: float
    maps: list[Rectangle]
    legend: Rectangle
    source_lines: list[str]

    def fractions(self, place: Rectangle) -> Rectangle:
        """Return a rectangle as matplotlib wants it: shares of the figure."""
        left, bottom, width, height = place
        return (
            left / self.width_cm,
            bottom / self.height_cm,
            width / self.width_cm,
            height / self.height_cm,
        )


def lay_out(
    extents: Sequence[Rectangle],
    legend: Legend,
    *,
    width_cm: float,
    legend_side: str,
    max_height_cm: float,
    title_cm: float,
    margin_cm: float,
) -> Layout:
    """Share the page between the maps, the legend and the source line, so that nothing is cut."""
    is_right = legend_side == "right"
    column_cm = LEGEND_CM if is_right else width_cm - 2 * margin_cm
    legend_cm = legend_height(legend, column_cm, columns=1 if is_right else columns_in(column_cm))
    source_lines = wrap(legend.source, width_cm - 2 * margin_cm, SOURCE_SIZE)
    source_cm = 0.3 * len(source_lines) + (0.15 if source_lines else 0.0)
    room = width_cm - 2 * margin_cm - (LEGEND_CM + _GAP_CM if is_right else 0.0)
    each = (room - _GAP_CM * (len(extents) - 1)) / len(extents)
    ratio = max((top - bottom) / (right - left) for left, bottom, right, top in extents)
    below = source_cm + margin_cm + (0.0 if is_right else legend_cm + _GAP_CM)
    map_cm = min(each * ratio + _STRIP_CM, max_height_cm - below - title_cm - margin_cm)
    body_cm = max(map_cm, legend_cm if is_right else 0.0)
    maps = [
        (margin_cm + i * (each + _GAP_CM), below + body_cm - map_cm, each, map_cm)
        for i in range(len(extents))
    ]
    height = below + body_cm + title_cm + margin_cm
    if is_right:
        place = (
            width_cm - margin_cm - LEGEND_CM,
            below + body_cm - legend_cm,
            LEGEND_CM,
            legend_cm,
        )
    else:
        place = (margin_cm, source_cm + margin_cm, width_cm - 2 * margin_cm, legend_cm)
    return Layout(width_cm, height, maps, place, source_lines)


def frame(axes: Axes, extent: Rectangle) -> None:
    """Set what a map shows, with a strip below for the scale, and keep metres square."""
    left, bottom, right, top = extent
    figure = axes.get_figure(root=True)
    width_in, height_in = figure.get_size_inches() if figure is not None else (1.0, 1.0)
    box = axes.get_position()
    width_cm = box.width * width_in * style.CM_PER_INCH
    height_cm = box.height * height_in * style.CM_PER_INCH
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
    figure = axes.get_figure(root=True)
    height_in = figure.get_size_inches()[1] if figure is not None else 1.0
    height_cm = axes.get_position().height * height_in * style.CM_PER_INCH
    metre_cm = (top - bottom) / height_cm
    # a map of a part of the territory runs on under the strip: paper covers it
    axes.axhspan(
        bottom, bottom + _STRIP_CM * metre_cm, facecolor=style.PAPER, edgecolor=style.PAPER, lw=2, zorder=4
    )
    length = nice_length(0.22 * (right - left))
    x, y = left + 0.15 * metre_cm, bottom + 0.2 * metre_cm
    axes.plot(
        [x, x, x + length, x + length],
        [y + 0.12 * metre_cm, y, y, y + 0.12 * metre_cm],
        color=style.INK,
        lw=0.9,
        zorder=5,
    )
    kilometres = length / 1_000
    text = f"{integer(kilometres)}{NBSP}km" if kilometres >= 1 else f"{integer(length)}{NBSP}m"
    axes.text(x + length + 0.15 * metre_cm, y, text, fontsize=7, va="baseline", ha="left", zorder=5)
    north = x + length + 1.35 * metre_cm
    axes.annotate(
        "",
        xy=(north, y + 0.5 * metre_cm),
        xytext=(north, y - 0.05 * metre_cm),
        arrowprops={"arrowstyle": "-|>", "color": style.INK, "linewidth": 0.9, "shrinkA": 0, "shrinkB": 0},
        zorder=5,
    )
    axes.text(
        north + 0.12 * metre_cm, y, "N", fontsize=7, fontweight="semibold", va="baseline", ha="left", zorder=5
    )
    points = style.POINTS_PER_INCH / style.CM_PER_INCH
    return [Box(0.0, 0.0, (right - left) / metre_cm * points, _STRIP_CM * points)]


def nice_length(most: float) -> float:
    """Return the longest of 1, 2 or 5 times a power of ten that is not longer than some length.

    Examples
    --------
    >>> nice_length(23_000), nice_length(9_900)
    (20000.0, 5000.0)
    """
    power = 10.0 ** math.floor(math.log10(most))
    return max(step * power for step in (1.0, 2.0, 5.0) if step * power <= most)


def width_of(text: str, size: float) -> float:
    """Return the width of a text, in points."""
    return text_size(text, size)[0]


def widest_places(
    areas: gpd.GeoDataFrame,
) -> Iterator[tuple[Hashable, tuple[float, float], float | None]]:
    """Give the centre and radius (metres) of the widest disc inside each outline; the point itself for a point."""
    import shapely

    for code, shape in zip(areas.index, areas.geometry, strict=True):
        if shape is None or shape.is_empty:
            continue
        if shape.geom_type == "Point":
            yield code, (float(shapely.get_x(shape)), float(shapely.get_y(shape))), None
            continue
        largest = max(getattr(shape, "geoms", [shape]), key=lambda part: part.area)
        radius = shapely.maximum_inscribed_circle(largest, tolerance=100.0)
        x, y = radius.coords[0]
        yield code, (x, y), float(radius.length)


def draw_source(figure: Figure, source: str, layout: Layout) -> None:
    """Write where the numbers come from, under everything."""
    figure.text(
        0.1 / layout.width_cm,
        0.05 / layout.height_cm,
        "\n".join(layout.source_lines or [source]),
        fontsize=SOURCE_SIZE,
        color=style.MUTED,
        va="bottom",
        linespacing=1.2,
    )
