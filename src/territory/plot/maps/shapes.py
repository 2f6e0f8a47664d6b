"""Outlines, flows and rings (isochrones) drawn straight with matplotlib: only the fills and borders asked for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import shapely
from matplotlib.collections import LineCollection, PathCollection
from matplotlib.path import Path

from territory.plot import style
from territory.plot.maps.placement import Box, text_size

if TYPE_CHECKING:
    import geopandas as gpd
    from matplotlib.axes import Axes

    from territory.plot.maps.placement import PaperScale
# the shorter the time, the fuller the line
DASHES: tuple[tuple[float, ...], ...] = ((), (4.0, 1.6), (1.1, 1.3))
_LINE, _CASING = 1.25, 2.7
_LABEL_SIZE = 6.5
# on paper (points): what is narrower is filled or left out, what is smaller is not drawn, what is closer is one point
_NARROW, _SMALL, _SMOOTH = 2.2, 9.0, 0.35
_STEPS = 48


def places(points: gpd.GeoDataFrame) -> list[tuple[float, float]]:
    """Return the coordinates of points, in order."""
    geometry = points.geometry.to_numpy()
    return list(zip(shapely.get_x(geometry).tolist(), shapely.get_y(geometry).tolist(), strict=True))


def fill(
    axes: Axes,
    outlines: gpd.GeoSeries,
    *,
    color: str,
    edge: str,
    width: float,
    zorder: float = 1,
    **hatch: Any,
) -> None:
    """Fill polygons, holes left open."""
    paths = [_path(outline) for outline in outlines if outline is not None and not outline.is_empty]
    axes.add_collection(
        PathCollection(paths, facecolors=color, edgecolors=edge, linewidths=width, zorder=zorder, **hatch),
        autolim=False,
    )


def border(axes: Axes, members: np.ndarray, *, color: str, width: float, zorder: float = 3) -> None:
    """Draw the outer border of some polygons taken together."""
    whole = shapely.union_all(members)
    lines = [np.asarray(ring.coords)[:, :2] for ring in _rings(whole)]
    axes.add_collection(
        LineCollection(lines, colors=color, linewidths=width, joinstyle="round", zorder=zorder), autolim=False
    )


def flows(axes: Axes, lines: np.ndarray, values: np.ndarray, *, color: str, most_points: float = 7.0) -> None:
    """Draw lines whose width is proportional to a value."""
    paths = [np.asarray(line.coords)[:, :2] for line in lines]
    widths = np.maximum(most_points * values / max(float(values.max(initial=0.0)), 1e-9), 0.6)
    axes.add_collection(
        LineCollection(paths, colors=color, linewidths=widths, alpha=0.75, capstyle="round", zorder=4),
        autolim=False,
    )


def _rings(shape: shapely.Geometry) -> list[shapely.LinearRing]:
    """Return every ring of a shape: outer ones and holes."""
    polygons = [part for part in shapely.get_parts(shape) if part.geom_type == "Polygon"]
    return [ring for polygon in polygons for ring in (polygon.exterior, *polygon.interiors)]


def _path(shape: shapely.Geometry) -> Path:
    """Return a shape as one path; rings turn opposite ways, so that holes stay open."""
    vertices, codes = [], []
    for ring in _rings(shapely.normalize(shape)):
        points = np.asarray(ring.coords)[:, :2]
        vertices.append(points)
        kinds = np.full(len(points), Path.LINETO, dtype=Path.code_type)
        kinds[0], kinds[-1] = Path.MOVETO, Path.CLOSEPOLY
        codes.append(kinds)
    return Path(np.concatenate(vertices), np.concatenate(codes))


class _Ring(NamedTuple):
    """One outline as it is drawn, its dash and its label."""

    shape: shapely.Geometry
    dash: tuple[float, ...]
    label: str


def dash_of(rank: int) -> tuple[float, ...]:
    """Return the dash of an outline, by its rank from the shortest time (points on, points off)."""
    return DASHES[rank % len(DASHES)]


def line_style(dash: tuple[float, ...]) -> tuple[float, tuple[float, ...] | None]:
    """Return a dash as matplotlib takes it."""
    return 0.0, dash or None


def draw_rings(axes: Axes, rings: gpd.GeoDataFrame, scale: PaperScale) -> list[Box]:
    """Draw outlines with a white edge, so that they show on any colour, and their labels where nothing is written."""
    drawn = [
        _Ring(generalise(shape, metres_per_point=1.0 / scale.x), dash_of(rank), str(label))
        for rank, (shape, label) in enumerate(zip(rings.geometry, rings["label"], strict=True))
    ]
    for ring in drawn:
        lines = list(_lines(ring.shape))
        for color, width, dash in ((style.PAPER, _CASING, ()), (style.RING, _LINE, ring.dash)):
            axes.add_collection(
                LineCollection(
                    lines, colors=color, linewidths=width, linestyles=[line_style(dash)], joinstyle="round",
                    capstyle="butt", zorder=4,
                ),
                autolim=False,
            )  # fmt: skip
    return list(_write_labels(axes, drawn, scale))


def generalise(shape: shapely.Geometry, *, metres_per_point: float) -> shapely.Geometry:
    """Return an outline as a page can show it: what the eye could not see is filled, left out or smoothed."""
    narrow, small = _NARROW * metres_per_point, (_SMALL * metres_per_point) ** 2
    # first as few points as the page can tell apart: what follows takes a time that grows with them
    plain = shapely.simplify(shape, _SMOOTH * metres_per_point)
    closed = shapely.buffer(shapely.buffer(plain, narrow, quad_segs=3), -narrow, quad_segs=3)
    kept = []
    for part in shapely.get_parts(closed):
        if part.geom_type == "Polygon" and part.area >= small:
            holes = [hole for hole in part.interiors if shapely.Polygon(hole).area >= small]
            kept.append(shapely.Polygon(part.exterior, holes))
    return shapely.simplify(shapely.multipolygons(kept), _SMOOTH * metres_per_point)


def _lines(shape: shapely.Geometry) -> Iterator[np.ndarray]:
    """Yield every ring of some polygons as coordinates."""
    for part in shapely.get_parts(shape):
        if part.geom_type == "Polygon":
            for ring in (part.exterior, *part.interiors):
                yield np.asarray(ring.coords)[:, :2]


def _write_labels(axes: Axes, rings: Sequence[_Ring], scale: PaperScale) -> Iterator[Box]:
    """Write the time on each outline, once, where it stands on no other label and inside the map."""
    taken: list[Box] = []
    for ring in rings:
        spot = _spot(ring, [other for other in rings if other is not ring], taken, scale)
        if spot is None:
            continue
        taken.append(spot)
        x, y = scale.to_metres((spot.left + spot.right) / 2, (spot.bottom + spot.top) / 2)
        axes.text(
            x, y, ring.label, fontsize=_LABEL_SIZE, fontweight="bold", color=style.RING, ha="center",
            va="center_baseline", zorder=7.5,
            bbox={"boxstyle": "round,pad=0.18", "facecolor": style.PAPER, "edgecolor": style.RING, "linewidth": 0.5},
        )  # fmt: skip
        yield spot


def _spot(ring: _Ring, others: list[_Ring], taken: list[Box], scale: PaperScale) -> Box | None:
    """Return the room of a label on an outline: of the places that are free, the one farthest from other outlines."""
    parts = [part for part in shapely.get_parts(ring.shape) if part.geom_type == "Polygon"]
    if not parts:
        return None
    border = max(parts, key=lambda part: part.area).exterior
    width, height = text_size(ring.label, _LABEL_SIZE)
    half_width, half_height = width / 2 + 2.5, height / 2 + 2.5
    around = shapely.union_all([shapely.boundary(other.shape) for other in others])
    best: tuple[float, Box] | None = None
    for step in range(_STEPS):
        place = border.interpolate(step / _STEPS, normalized=True)
        x, y = scale.to_points(place.x, place.y)
        box = Box(x - half_width, y - half_height, x + half_width, y + half_height)
        if not box.inside(scale.frame) or any(box.overlaps(other) for other in taken):
            continue
        room = float(shapely.distance(place, around)) if not around.is_empty else 0.0
        if best is None or room > best[0] + 1.0:
            best = (room, box)
    return None if best is None else best[1]
