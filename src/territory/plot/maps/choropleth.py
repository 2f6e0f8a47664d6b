"""Maps of communes: classes with their numbers, borders of EPCI, sites, scale, north and a legend beside the map."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import shapely

from territory.errors import ParameterError
from territory.plot import style
from territory.plot.maps import shapes
from territory.plot.maps.categories import Category
from territory.plot.maps.legend import (
    Legend,
    circle_points,
    draw_legend,
    draw_mark,
    draw_source,
    frame,
    lay_out,
    scale_and_north,
    widest_places,
    width_of,
)
from territory.plot.maps.placement import Box, Label, PaperScale, Placed, place_labels
from territory.plot.maps.shapes import draw_rings

if TYPE_CHECKING:
    import geopandas as gpd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# shapes of site marks, told apart without colour
SHAPES = ("o", "s", "^", "D", "P", "X")

_MARGIN_CM = 0.1
_TITLE_CM = 0.6
_DISC_POINTS = 6.7


@dataclass(frozen=True)
class Panel:
    """One map of a figure: communes (outlines, or points) in metres, and what is drawn over them."""

    areas: gpd.GeoDataFrame
    keys: pd.Series  # category of each commune
    title: str = ""
    numbers: pd.Series | None = None  # written in each commune where it fits, so that colour is never alone
    zones: pd.Series | None = None  # EPCI of each commune, whose borders are drawn
    names: gpd.GeoDataFrame | None = None  # points with `label` and `size`, the most important first
    sites: gpd.GeoDataFrame | None = None  # points with `mark` (a number or a letter) and `shape`
    circles: gpd.GeoDataFrame | None = None  # points with `value`
    flows: gpd.GeoDataFrame | None = None  # lines with `value`
    rings: gpd.GeoDataFrame | None = None  # polygons with `label`, the smallest first
    extent: tuple[float, float, float, float] | None = None  # left, bottom, right, top; everything without it
    focus: pd.Index | None = None  # communes with a thicker outer border


def extent_of(areas: gpd.GeoDataFrame, *, pad_share: float = 0.03) -> tuple[float, float, float, float]:
    """Return the rectangle around some communes, with a margin."""
    if areas.empty:
        raise ParameterError("Carte impossible : aucune commune à montrer.")
    if areas.crs is None or areas.crs.is_geographic:
        raise ParameterError(
            "Carte impossible : les contours doivent être projetés (en mètres, par exemple EPSG:2154)."
        )
    left, bottom, right, top = (float(value) for value in areas.total_bounds)
    # one commune, or communes at one point, still get some room
    side = max(right - left, top - bottom, 5_000.0)
    pad = pad_share * side
    middle_x, middle_y = (left + right) / 2, (bottom + top) / 2
    half_x, half_y = max(right - left, 0.3 * side) / 2 + pad, max(top - bottom, 0.3 * side) / 2 + pad
    return middle_x - half_x, middle_y - half_y, middle_x + half_x, middle_y + half_y


def draw_map(
    panels: Sequence[Panel],
    legend: Legend,
    *,
    width_cm: float = 17.0,
    legend_side: str = "right",
    number_size: float = 6.0,
    max_height_cm: float = 22.0,
) -> Figure:
    """Draw one map, or several that are compared, with a single legend for all."""
    if not panels:
        raise ParameterError("Carte impossible : aucune carte demandée.")
    panels = [replace(panel, extent=panel.extent or extent_of(panel.areas)) for panel in panels]
    with style.style():
        layout = lay_out(
            [panel.extent for panel in panels if panel.extent],
            legend,
            width_cm=width_cm,
            legend_side=legend_side,
            max_height_cm=max_height_cm,
            title_cm=_TITLE_CM if any(panel.title for panel in panels) else 0.0,
            margin_cm=_MARGIN_CM,
        )
        figure = style.new_figure(width_cm, layout.height_cm)
        for panel, place in zip(panels, layout.maps, strict=True):
            axes = figure.add_axes(layout.fractions(place))
            _draw_panel(axes, panel, {c.key: c for c in legend.categories}, number_size)
        draw_legend(figure.add_axes(layout.fractions(layout.legend)), legend, legend_side)
        if legend.source:
            draw_source(figure, legend.source, layout)
    return figure


def _draw_panel(axes: Axes, panel: Panel, categories: dict[str, Category], number_size: float) -> None:
    """Draw everything of one map; what must be read is placed before what may be dropped."""
    left, bottom, right, top = panel.extent or extent_of(panel.areas)
    frame(axes, (left, bottom, right, top))
    if panel.title:
        axes.text(
            0.0, 1.0, panel.title, transform=axes.transAxes, fontsize=9.0, fontweight="semibold", va="bottom"
        )
    scale = PaperScale(axes)
    _fill(axes, panel, categories)
    _borders(axes, panel)
    taken = [*scale_and_north(axes), *_discs(panel, scale)]
    taken += _circles(axes, panel, scale)
    if panel.flows is not None and len(panel.flows):
        shapes.flows(
            axes, panel.flows.geometry.to_numpy(), panel.flows["value"].to_numpy(float), color=style.ACCENT
        )
    taken += _sites(axes, panel, scale)
    if panel.rings is not None and len(panel.rings):
        taken += draw_rings(axes, panel.rings, scale)
    taken += _names(axes, panel, scale, taken)
    _numbers(axes, panel, categories, scale, taken, number_size)


def _fill(axes: Axes, panel: Panel, categories: dict[str, Category]) -> None:
    """Fill communes with their category; points become discs where there are no outlines."""
    keys = panel.keys.reindex(panel.areas.index).to_numpy()
    geometry = panel.areas.geometry.to_numpy()
    is_point = shapely.get_type_id(geometry) == shapely.GeometryType.POINT
    for key, category in categories.items():
        hatch: dict[str, Any] = {}
        if category.hatch:
            hatch = {"hatch": category.hatch, "hatchcolor": category.hatch_color}
        outlines, points = geometry[(keys == key) & ~is_point], geometry[(keys == key) & is_point]
        if len(outlines):
            shapes.fill(axes, outlines, color=category.color, edge=style.BORDER, width=0.4, **hatch)
        if len(points):
            axes.scatter(
                shapely.get_x(points),
                shapely.get_y(points),
                s=_DISC_POINTS**2,
                facecolor=category.color,
                edgecolor=style.INK,
                linewidth=0.5,
                zorder=2,
                **hatch,
            )


def _discs(panel: Panel, scale: PaperScale) -> list[Box]:
    """Return the room that communes drawn as discs take."""
    points = panel.areas[panel.areas.geom_type.eq("Point")]
    half = _DISC_POINTS / 2
    centres = [scale.to_points(x, y) for x, y in shapes.places(points)]
    return [Box(x - half, y - half, x + half, y + half) for x, y in centres]


def _borders(axes: Axes, panel: Panel) -> None:
    """Draw the borders between zones, and around the communes in focus."""
    outlines = panel.areas[panel.areas.geom_type.isin(["Polygon", "MultiPolygon"])]
    geometry = outlines.geometry.to_numpy()
    if panel.zones is not None:
        zones = panel.zones.reindex(outlines.index).fillna("").to_numpy()
        for zone in np.unique(zones.astype(str)):
            shapes.border(axes, geometry[zones == zone], color=style.ZONE_BORDER, width=0.8)
    if panel.focus is not None:
        inside = geometry[outlines.index.isin(panel.focus)]
        if len(inside):
            shapes.border(axes, inside, color=style.ZONE_BORDER, width=1.9)


def _circles(axes: Axes, panel: Panel, scale: PaperScale) -> list[Box]:
    """Draw circles whose area is proportional to a value."""
    if panel.circles is None or panel.circles.empty:
        return []
    largest = float(panel.circles["value"].max())
    for (x, y), value in zip(shapes.places(panel.circles), panel.circles["value"], strict=True):
        if value > 0:
            size = circle_points(float(value), largest) ** 2
            axes.scatter(
                [x],
                [y],
                s=size,
                facecolor=style.ACCENT,
                alpha=0.55,
                edgecolor=style.INK,
                zorder=5,
            )
    return []


def _sites(axes: Axes, panel: Panel, scale: PaperScale) -> list[Box]:
    """Draw sites as marks with their number inside; two sites at one place are put side by side."""
    if panel.sites is None or panel.sites.empty:
        return []
    taken: list[Box] = []
    half = 5.2
    for place, mark, shape in zip(
        shapes.places(panel.sites), panel.sites["mark"], panel.sites["shape"], strict=True
    ):
        x, y = scale.to_points(*place)
        if not Box(x, y, x, y).inside(scale.frame):
            continue
        offsets = [
            (0.0, 0.0),
            (12.0, 0.0),
            (-12.0, 0.0),
            (0.0, 12.0),
            (0.0, -12.0),
            (24.0, 0.0),
            (-24.0, 0.0),
        ]
        boxes = [Box(x + dx - half, y + dy - half, x + dx + half, y + dy + half) for dx, dy in offsets]
        free = [box for box in boxes if not any(box.overlaps(other) for other in taken)]
        box = (free or boxes)[0]
        taken.append(box)
        centre = scale.to_metres((box.left + box.right) / 2, (box.bottom + box.top) / 2)
        draw_mark(axes, centre, str(mark), str(shape))
    return taken


def _names(axes: Axes, panel: Panel, scale: PaperScale, taken: list[Box]) -> list[Box]:
    """Write names of places with a halo, where there is room."""
    if panel.names is None or panel.names.empty:
        return []
    weights = panel.names.get("weight", pd.Series("normal", index=panel.names.index))
    labels = []
    for place, text, size, weight in zip(
        shapes.places(panel.names), panel.names["label"], panel.names["size"], weights, strict=True
    ):
        x, y = scale.to_points(*place)
        labels.append(Label(str(text), x, y, float(size), str(weight), gap=5.5))
    placed = place_labels(labels, frame=scale.frame, obstacles=taken)
    for spot in placed:
        _write(axes, spot, scale, color=style.INK, halo=style.PAPER)
    return [spot.box for spot in placed]


def _numbers(
    axes: Axes,
    panel: Panel,
    categories: dict[str, Category],
    scale: PaperScale,
    taken: list[Box],
    size: float,
) -> None:
    """Write the number of each commune at its widest place, where it fits."""
    if panel.numbers is None:
        return
    keys = panel.keys.reindex(panel.areas.index).to_dict()
    texts = panel.numbers.to_dict()
    labels, colors = [], {}
    for code, (x, y), radius in widest_places(panel.areas):
        text = str(texts.get(code, ""))
        category = categories.get(str(keys.get(code)))
        if not text or category is None:
            continue
        # a disc narrower than the text would let it run over the border
        if radius is not None and 2.3 * radius * scale.x < width_of(text, size):
            continue
        label = Label(text, *scale.to_points(x, y), size, gap=0.0 if radius is not None else 4.5)
        labels.append(label)
        colors[label] = category if radius is not None else Category("", "", style.PAPER)
    for spot in place_labels(labels, frame=scale.frame, obstacles=taken, reach=1):
        category = colors[spot.label]
        # a hatch or an outline may pass behind the number
        halo = category.color if category.hatch or panel.rings is not None else None
        _write(axes, spot, scale, color=style.text_color(category.color), halo=halo)


def _write(axes: Axes, spot: Placed, scale: PaperScale, *, color: str, halo: str | None) -> None:
    """Write one placed label."""
    from matplotlib import patheffects

    x, y = scale.to_metres(spot.x, spot.y)
    if spot.is_moved:
        start = scale.to_metres(spot.label.x, spot.label.y)
        axes.plot([start[0], x], [start[1], y], color=style.MUTED, linewidth=0.5, zorder=6)
    effects = [patheffects.withStroke(linewidth=2.0, foreground=halo)] if halo else []
    axes.text(
        x,
        y,
        spot.label.text,
        fontsize=spot.label.size,
        fontweight=spot.label.weight,
        color=color,
        ha="center",
        va="center_baseline",
        path_effects=effects,
        zorder=7,
    )
