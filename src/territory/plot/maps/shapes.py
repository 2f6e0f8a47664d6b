"""What is drawn on a map, in points of paper: outlines, flows and rings, and labels that never stand on one another."""

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PathCollection
from matplotlib.font_manager import get_font
from matplotlib.ft2font import LoadFlags
from matplotlib.path import Path

from territory.plot import style

# the shorter the time, the fuller the line
DASHES: tuple[tuple[float, ...], ...] = ((), (4.0, 1.6), (1.1, 1.3))
_LINE, _CASING = 1.25, 2.7
_LABEL_SIZE = 6.5
_WIDEST_FLOW = 7.0
# on paper (points): what is narrower is filled or left out, what is smaller is not drawn, what is closer is one point
_NARROW, _SMALL, _SMOOTH = 2.2, 9.0, 0.35
_STEPS = 48
# text is measured large, without hinting, then scaled: the same width on every machine
_MEASURED_AT = 100.0
_FIXED_POINT = 64.0


class Box(NamedTuple):
    """A rectangle, in points of the page."""

    left: float
    bottom: float
    right: float
    top: float

    def overlaps(self, other: "Box") -> bool:
        """Tell whether two rectangles share more than an edge."""
        across = self.left < other.right and other.left < self.right
        return across and self.bottom < other.top and other.bottom < self.top

    def inside(self, frame: "Box") -> bool:
        """Tell whether the rectangle is wholly inside another."""
        across = self.left >= frame.left and self.right <= frame.right
        return across and self.bottom >= frame.bottom and self.top <= frame.top

    @property
    def middle(self) -> tuple[float, float]:
        """Centre of the rectangle."""
        return (self.left + self.right) / 2, (self.bottom + self.top) / 2


class Label(NamedTuple):
    """A text to place beside a point (both in points of the page)."""

    text: str
    x: float
    y: float
    size: float
    gap: float = 3.0  # between the point and the text; 0 centres the text on the point
    home: shapely.Geometry | None = None  # what it names: it stands on most of it, or is tied to it


class Placed(NamedTuple):
    """A label that found its place: the centre of its text and its rectangle; `is_moved` when a line ties it."""

    label: Label
    x: float
    y: float
    box: Box
    is_moved: bool

    @property
    def tie(self) -> np.ndarray:
        """Ends of the line from the point to the nearest edge of the text."""
        own = np.array([self.label.x, self.label.y])
        return np.array([own, np.clip(own, self.box[:2], self.box[2:])])


@lru_cache(maxsize=4096)
def text_size(text: str, size: float) -> tuple[float, float]:
    """Return the width and height of a text, in points, without drawing it."""
    if not text.strip():
        return 0.0, 0.0
    font = get_font(str(style.font_folder() / style.FONT_FILES[0]))
    font.set_size(_MEASURED_AT, 72.0)
    lines = text.split("\n")
    widths = []
    for line in lines:
        font.set_text(line, 0.0, flags=LoadFlags.NO_HINTING)
        widths.append(font.get_width_height()[0] / _FIXED_POINT * size / _MEASURED_AT)
    return max(widths), size * (0.95 + 1.2 * (len(lines) - 1))


def place_labels(
    labels: Iterable[Label], *, frame: Box, obstacles: Sequence[Box] = (), reach: int = 3, spared: Any = ()
) -> list[Placed]:
    """Place labels, the most important first, on their home or around their point; then tie to it those left."""
    asked, texts, placed = list(labels), list[Box](), dict[int, Placed]()
    for rank, is_tied in [(rank, is_tied) for is_tied in (False, True) for rank in range(len(asked))]:
        for spot in () if rank in placed else _best_spots(asked[rank], reach, spared, is_tied):
            # a line is the rooms of its steps: no other label stands on them
            steps = np.linspace(spot.tie[0], spot.tie[1], 16) if spot.is_moved and spot.label.home else ()
            line = [Box(x - 0.5, y - 0.5, x + 0.5, y + 0.5) for x, y in steps]
            is_free = spot.box.inside(frame) and not any(map(spot.box.overlaps, (*obstacles, *texts)))
            if is_free and not any(step.overlaps(text) for step in line for text in texts):
                placed[rank] = spot
                texts += [spot.box, *line]
                break
    return [placed[rank] for rank in sorted(placed)]


def _best_spots(label: Label, reach: int, spared: Any, is_tied: bool) -> Iterable[Placed]:
    """Return where a label has most of itself on its home, else around it, where few places to spare are."""
    if label.home is None:
        return _spots(label, reach)
    if is_tied:
        points, far = np.reshape(spared, (-1, 2)), (spot._replace(is_moved=True) for spot in _spots(label, 9))
        return sorted(far, key=lambda at: np.all((points > at.box[:2]) & (points < at.box[2:]), axis=1).sum())
    width, height = text_size(label.text, label.size)
    left, bottom, right, top = shapely.bounds(label.home)
    x, y = map(np.ravel, np.meshgrid(np.linspace(left, right, 15), np.linspace(bottom, top, 15)))
    boxes = shapely.box(x - width / 2, y - height / 2, x + width / 2, y + height / 2)
    own = shapely.area(shapely.intersection(label.home, boxes)) / (width * height)
    order = np.lexsort((np.hypot(x - label.x, y - label.y), -own.round(1)))
    return [_at(label, x[i], y[i], width, height, is_moved=False) for i in order if own[i] > 0.5]


def _spots(label: Label, reach: int) -> Iterator[Placed]:
    """Yield the places tried for a label: right, left, above, below, corners, then farther rings."""
    width, height = text_size(label.text, label.size)
    if label.gap == 0:
        yield _at(label, label.x, label.y, width, height, is_moved=False)
        return
    for ring in range(reach):
        away = label.gap * (1 + 1.5 * ring)
        right, up = away + width / 2, away + height / 2
        aside, above = 0.7 * away + width / 2, 0.7 * away + height / 2
        corners = ((aside, above), (-aside, above), (aside, -above), (-aside, -above))
        for dx, dy in ((right, 0.0), (-right, 0.0), (0.0, up), (0.0, -up), *corners):
            yield _at(label, label.x + dx, label.y + dy, width, height, is_moved=ring > 0)


def _at(label: Label, x: float, y: float, width: float, height: float, *, is_moved: bool) -> Placed:
    """Centre a label on a spot."""
    box = Box(x - width / 2 - 0.6, y - height / 2 - 0.3, x + width / 2 + 0.6, y + height / 2 + 0.3)
    return Placed(label, x, y, box, is_moved)


def size_in(axes: Axes) -> tuple[float, float]:
    """Return the width and the height of a part of a figure (inches)."""
    figure = axes.get_figure(root=True)
    width, height = figure.get_size_inches() if figure is not None else (1.0, 1.0)
    box = axes.get_position()
    return float(box.width * width), float(box.height * height)


class PaperScale:
    """Metres of a map to points of the page, from the corner of the map."""

    def __init__(self, axes: Axes) -> None:
        width_in, height_in = size_in(axes)
        (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
        self.left, self.bottom = left, bottom
        self.x = width_in * style.POINTS_PER_INCH / (right - left)
        self.y = height_in * style.POINTS_PER_INCH / (top - bottom)
        self.frame = Box(1.0, 1.0, self.x * (right - left) - 1.0, self.y * (top - bottom) - 1.0)

    def to_points(self, x: float, y: float) -> tuple[float, float]:
        """Return a place of the page, in points from the corner of the map."""
        return (x - self.left) * self.x, (y - self.bottom) * self.y

    def to_metres(self, x: float, y: float) -> tuple[float, float]:
        """Return a place of the territory."""
        return x / self.x + self.left, y / self.y + self.bottom


def places(points: gpd.GeoDataFrame) -> list[tuple[float, float]]:
    """Return the coordinates of points, in order."""
    geometry = points.geometry.to_numpy()
    return list(zip(shapely.get_x(geometry).tolist(), shapely.get_y(geometry).tolist(), strict=True))


def fill(axes: Axes, outlines: np.ndarray, *, color: str, **hatch: Any) -> None:
    """Fill polygons, holes left open; those of one colour are one path, which is drawn faster."""
    paths = [_path(outline) for outline in outlines if outline is not None and not outline.is_empty]
    together = [Path.make_compound_path(*paths)] if paths else []
    look: dict[str, Any] = {"facecolors": color, "edgecolors": style.BORDER, "linewidths": 0.4}
    axes.add_collection(PathCollection(together, zorder=1, **look, **hatch), autolim=False)


def border(axes: Axes, members: np.ndarray, *, width: float) -> None:
    """Draw the outer border of some polygons taken together."""
    whole = _outline(tuple(members.tolist()))
    _draw_lines(axes, whole, colors=style.ZONE_BORDER, linewidths=width, joinstyle="round", zorder=3)


@lru_cache(maxsize=500)
def _outline(members: tuple[shapely.Geometry, ...]) -> list[np.ndarray]:
    """Return the outer border of some polygons, the same ones on every map of a document."""
    return _rings(shapely.union_all(members))


def flows(axes: Axes, lines: gpd.GeoDataFrame) -> None:
    """Draw lines whose width is proportional to their `value`; thin ones without it."""
    values = lines.get("value", pd.Series(0.0, lines.index)).to_numpy(float)
    least = 0.6 if "value" in lines else 1.5
    widths = np.maximum(_WIDEST_FLOW * values / max(float(values.max(initial=0.0)), 1e-9), least)
    paths = [np.asarray(line.coords)[:, :2] for line in lines.geometry]
    _draw_lines(axes, paths, colors=style.ACCENT, linewidths=widths, alpha=0.75, capstyle="round", zorder=4)


def _draw_lines(axes: Axes, lines: list[np.ndarray], **look: Any) -> None:
    """Draw lines without changing what the map shows."""
    axes.add_collection(LineCollection(lines, **look), autolim=False)


def _rings(shape: shapely.Geometry) -> list[np.ndarray]:
    """Return every ring of a shape as coordinates: outer ones and holes."""
    polygons = [part for part in shapely.get_parts(shape) if part.geom_type == "Polygon"]
    rings = [ring for polygon in polygons for ring in (polygon.exterior, *polygon.interiors)]
    return [np.asarray(ring.coords)[:, :2] for ring in rings]


@lru_cache(maxsize=2000)
def _path(shape: shapely.Geometry) -> Path:
    """Return a shape as one path, the same on every map; rings turn opposite ways, so that holes stay open."""
    vertices, codes = _rings(shapely.normalize(shape)), []
    for points in vertices:
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


def draw_rings(axes: Axes, rings: gpd.GeoDataFrame, scale: PaperScale) -> list[Box]:
    """Draw outlines with a white edge, so that they show on any colour, and their labels where nothing is written."""
    drawn = [
        _Ring(generalise(shape, metres_per_point=1.0 / scale.x), dash_of(rank), str(label))
        for rank, (shape, label) in enumerate(zip(rings.geometry, rings["label"], strict=True))
    ]
    for ring in drawn:
        lines = _rings(ring.shape)
        for color, width, dash in ((style.PAPER, _CASING, ()), (style.RING, _LINE, ring.dash)):
            look = {"colors": color, "linewidths": width, "linestyles": [(0.0, dash or None)]}
            _draw_lines(axes, lines, joinstyle="round", capstyle="butt", zorder=4, **look)
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


def _write_labels(axes: Axes, rings: Sequence[_Ring], scale: PaperScale) -> Iterator[Box]:
    """Write the time on each outline, once, where it stands on no other label and inside the map."""
    taken: list[Box] = []
    for ring in rings:
        spot = _spot(ring, [other for other in rings if other is not ring], taken, scale)
        if spot is None:
            continue
        taken.append(spot)
        x, y = scale.to_metres(*spot.middle)
        edge = {"edgecolor": style.RING, "linewidth": 0.5}
        box = {"boxstyle": "round,pad=0.18", "facecolor": style.PAPER, **edge}
        look: dict[str, Any] = {"fontsize": _LABEL_SIZE, "fontweight": "bold", "color": style.RING}
        axes.text(x, y, ring.label, ha="center", va="center_baseline", zorder=7.5, bbox=box, **look)
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
    most, best = -np.inf, None
    for step in range(_STEPS):
        place = border.interpolate(step / _STEPS, normalized=True)
        x, y = scale.to_points(place.x, place.y)
        box = Box(x - half_width, y - half_height, x + half_width, y + half_height)
        room = float(shapely.distance(place, around)) if not around.is_empty else 0.0
        is_free = box.inside(scale.frame) and not any(box.overlaps(other) for other in taken)
        if is_free and room > most + 1.0:
            most, best = room, box
    return best
