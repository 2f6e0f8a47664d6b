"""Maps of communes: classes with their numbers, borders of EPCI, sites, scale, north and a legend beside the map."""

from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from territory.errors import ParameterError
from territory.plot import style
from territory.plot.maps import legend as around
from territory.plot.maps import shapes
from territory.plot.maps.shapes import Box, Label, PaperScale, Placed, draw_rings, place_labels, text_size

# shapes of site marks, told apart without colour
SHAPES = ("o", "s", "^", "D", "P", "X")

_DISC_POINTS = (2.6, 6.7)
# where a mark goes when its place is taken (points)
_BESIDE = ((0.0, 0.0), (12.0, 0.0), (-12.0, 0.0), (0.0, 12.0), (0.0, -12.0), (24.0, 0.0), (-24.0, 0.0))


@dataclass(frozen=True)
class Panel:
    """One map of a figure: communes (outlines, or points) in metres, and what is drawn over them."""

    areas: gpd.GeoDataFrame
    keys: pd.Series  # category of each commune
    numbers: pd.Series | None = None  # written in each commune where it fits, so that colour is never alone
    zones: pd.Series | None = None  # EPCI of each commune, whose borders are drawn
    names: gpd.GeoDataFrame | None = None  # points with `label` and `size`, the most important first
    sites: gpd.GeoDataFrame | None = None  # points with `mark` (a number or a letter) and `shape`
    circles: gpd.GeoDataFrame | None = None  # points with `value`
    flows: gpd.GeoDataFrame | None = None  # lines with `value`
    rings: gpd.GeoDataFrame | None = None  # polygons with `label`, the smallest first
    extent: tuple[float, float, float, float] | None = None  # left, bottom, right, top; everything without it
    focus: pd.Index | None = None  # communes with a thicker outer border
    number_size: float = 6.0


def extent_of(areas: gpd.GeoDataFrame, *, pad_share: float = 0.03) -> tuple[float, float, float, float]:
    """Return the rectangle around some communes, with a margin."""
    if areas.empty:
        raise ParameterError("Carte impossible : aucune commune à montrer.")
    if areas.crs is None or areas.crs.is_geographic:
        raise ParameterError("Carte impossible : contours non projetés (en mètres, par exemple EPSG:2154).")
    left, bottom, right, top = (float(value) for value in areas.total_bounds)
    # one commune, or communes at one point, still get some room
    side = max(right - left, top - bottom, 5_000.0)
    pad = pad_share * side
    middle_x, middle_y = (left + right) / 2, (bottom + top) / 2
    half_x, half_y = max(right - left, 0.3 * side) / 2 + pad, max(top - bottom, 0.3 * side) / 2 + pad
    return middle_x - half_x, middle_y - half_y, middle_x + half_x, middle_y + half_y


def draw_map(
    panel: Panel, legend: around.Legend, *, max_height_cm: float = 22.0, width_cm: float = around.WIDTH_CM
) -> Figure:
    """Draw a map with its legend."""
    extent = panel.extent or extent_of(panel.areas)
    categories = {category.key: category for category in legend.categories}
    with style.style():
        layout = around.lay_out(extent, legend, max_height_cm=max_height_cm, width_cm=width_cm)
        figure = style.new_figure(width_cm, layout.height_cm)
        axes = figure.add_axes(layout.fractions(layout.map))
        around.frame(axes, extent)
        _draw_panel(axes, panel, categories)
        around.draw_legend(figure.add_axes(layout.fractions(layout.legend)), legend)
        if legend.source:
            look: dict[str, Any] = {"fontsize": around.SOURCE_SIZE, "color": style.MUTED, "linespacing": 1.2}
            at = 0.1 / layout.width_cm, 0.05 / layout.height_cm
            figure.text(*at, layout.source, va="bottom", **look)
    return figure


def _draw_panel(axes: Axes, panel: Panel, categories: dict[str, around.Category]) -> None:
    """Draw everything of one map; what must be read is placed before what may be dropped."""
    scale = PaperScale(axes)
    keys = panel.keys.reindex(panel.areas.index).to_numpy()
    geometry = panel.areas.geometry.to_numpy()
    is_point = shapely.get_type_id(geometry) == shapely.GeometryType.POINT
    at = geometry[is_point]
    # hundreds of discs hardly cover one another
    _, apart = shapely.STRtree(at).query_nearest(at, exclusive=True, return_distance=True)
    half = float(np.clip(np.median(apart) * scale.x if len(apart) else np.inf, *_DISC_POINTS)) / 2
    for key, category in categories.items():
        hatched = {"hatch": category.hatch, "hatchcolor": category.hatch_color}
        hatch: dict[str, Any] = hatched if category.hatch else {}
        outlines, points = geometry[(keys == key) & ~is_point], geometry[(keys == key) & is_point]
        if len(outlines):
            shapes.fill(axes, outlines, color=category.color, **hatch)
        if len(points):
            look: dict[str, Any] = {"fc": category.color, "ec": style.INK, "lw": 0.15 * half}
            x, y = shapely.get_coordinates(points).T
            axes.scatter(x, y, s=4 * half**2, zorder=2, **look, **hatch)
    _borders(axes, panel)
    taken = around.scale_and_north(axes)
    if panel.circles is not None:
        largest = float(panel.circles["value"].max())
        for (x, y), value in zip(shapes.places(panel.circles), panel.circles["value"], strict=True):
            if value > 0:
                size = around.circle_points(float(value), largest) ** 2
                look = {"facecolor": style.ACCENT, "alpha": 0.55, "edgecolor": style.INK}
                axes.scatter([x], [y], s=size, zorder=5, **look)
    if panel.flows is not None and len(panel.flows):
        shapes.flows(axes, panel.flows)
    if panel.sites is not None:
        taken += _sites(axes, panel.sites, scale)
    if panel.rings is not None and len(panel.rings):
        taken += draw_rings(axes, panel.rings, scale)
    if panel.names is not None:
        grid = [scale.x, 0.0, 0.0, scale.y, -scale.left * scale.x, -scale.bottom * scale.y]
        homes = gpd.GeoSeries(panel.areas.geometry.reindex(panel.names.index)).affine_transform(grid)
        named = zip(shapes.places(panel.names), panel.names["label"], panel.names["size"], homes, strict=True)
        labels = [Label(str(text), *scale.to_points(*at), size, 5.5, home) for at, text, size, home in named]
        spared = [scale.to_points(*at) for _, at, _ in around.widest_places(panel.areas)]
        for spot in place_labels(labels, frame=scale.frame, obstacles=taken, spared=spared):
            _write(axes, spot, scale, color=style.INK, halo=style.PAPER)
            taken.append(spot.box)
    # names may stand on discs, numbers may not
    discs = (scale.to_points(*at) for at in shapes.places(panel.areas[is_point]))
    taken += [Box(x - half, y - half, x + half, y + half) for x, y in discs]
    _numbers(axes, panel, categories, scale, taken)


def _borders(axes: Axes, panel: Panel) -> None:
    """Draw the borders between zones, and around the communes in focus."""
    outlines = panel.areas[panel.areas.geom_type.isin(["Polygon", "MultiPolygon"])]
    geometry = outlines.geometry.to_numpy()
    if panel.zones is not None:
        zones = panel.zones.reindex(outlines.index).fillna("").to_numpy()
        for zone in np.unique(zones.astype(str)):
            shapes.border(axes, geometry[zones == zone], width=0.8)
    if panel.focus is not None:
        inside = geometry[outlines.index.isin(panel.focus)]
        if len(inside):
            shapes.border(axes, inside, width=1.9)


def _sites(axes: Axes, sites: gpd.GeoDataFrame, scale: PaperScale) -> list[Box]:
    """Draw sites as marks with their number inside; two sites at one place are put side by side."""
    taken: list[Box] = []
    half = 5.2
    for place, mark, shape in zip(shapes.places(sites), sites["mark"], sites["shape"], strict=True):
        x, y = scale.to_points(*place)
        if not Box(x, y, x, y).inside(scale.frame):
            continue
        boxes = [Box(x + dx - half, y + dy - half, x + dx + half, y + dy + half) for dx, dy in _BESIDE]
        free = [box for box in boxes if not any(box.overlaps(other) for other in taken)]
        taken.append((free or boxes)[0])
        around.draw_mark(axes, scale.to_metres(*taken[-1].middle), str(mark), str(shape))
    return taken


def _numbers(
    axes: Axes, panel: Panel, categories: dict[str, around.Category], scale: PaperScale, taken: list[Box]
) -> None:
    """Write the number of each commune at its widest place, where it fits."""
    if panel.numbers is None:
        return
    size = panel.number_size
    keys = panel.keys.reindex(panel.areas.index).to_dict()
    texts = panel.numbers.to_dict()
    labels, colors = [], {}
    for code, (x, y), radius in around.widest_places(panel.areas):
        text = str(texts.get(code, ""))
        category = categories.get(str(keys.get(code)))
        if not text or category is None:
            continue
        # a disc narrower than the text would let it run over the border
        if radius is not None and 2.3 * radius * scale.x < text_size(text, size)[0]:
            continue
        label = Label(text, *scale.to_points(x, y), size, gap=0.0 if radius is not None else 4.5)
        labels.append(label)
        colors[label] = category if radius is not None else around.Category("", "", style.PAPER)
    for spot in place_labels(labels, frame=scale.frame, obstacles=taken, reach=1):
        category = colors[spot.label]
        # a hatch, an outline or a round may pass behind the number
        is_crossed = category.hatch or panel.rings is not None or panel.flows is not None
        halo = category.color if is_crossed else None
        _write(axes, spot, scale, color=style.text_color(category.color), halo=halo)


def _write(axes: Axes, spot: Placed, scale: PaperScale, *, color: str, halo: str | None) -> None:
    from matplotlib import patheffects

    x, y = scale.to_metres(spot.x, spot.y)
    if spot.is_moved:
        ends = scale.to_metres(*spot.tie.T)
        axes.plot(*ends, color=style.PAPER, lw=2.0, zorder=6)
        axes.plot(*ends, color=style.INK, lw=0.7, marker="o", markevery=[0], markersize=2.2, zorder=6)
    effects = [patheffects.withStroke(linewidth=2.0, foreground=halo)] if halo else []
    look: dict[str, Any] = {"fontsize": spot.label.size, "color": color, "path_effects": effects}
    axes.text(x, y, spot.label.text, ha="center", va="center_baseline", zorder=7, **look)
