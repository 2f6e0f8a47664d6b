"""Where labels go on a map, in points of paper: beside their point, inside the frame, never on one another."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from matplotlib.font_manager import get_font
from matplotlib.ft2font import LoadFlags

from territory.plot import style
from territory.plot.style import FONT_FILES, font_folder

if TYPE_CHECKING:
    from matplotlib.axes import Axes


_FILES = {"normal": FONT_FILES[0], "semibold": FONT_FILES[2], "bold": FONT_FILES[3]}
# text is measured large, without hinting, then scaled: the same width on every machine
_MEASURED_AT = 100.0
_FIXED_POINT = 64.0


class Box(NamedTuple):
    """A rectangle, in points of the page."""

    left: float
    bottom: float
    right: float
    top: float

    def overlaps(self, other: Box) -> bool:
        """Tell whether two rectangles share more than an edge."""
        return (
            self.left < other.right
            and other.left < self.right
            and self.bottom < other.top
            and other.bottom < self.top
        )

    def inside(self, frame: Box) -> bool:
        """Tell whether the rectangle is wholly inside another."""
        return (
            self.left >= frame.left
            and self.right <= frame.right
            and self.bottom >= frame.bottom
            and self.top <= frame.top
        )


class Label(NamedTuple):
    """A text to place beside a point (both in points of the page)."""

    text: str
    x: float
    y: float
    size: float
    weight: str = "normal"
    # distance between the point and the text; 0 centres the text on the point
    gap: float = 3.0


class Placed(NamedTuple):
    """A label that found its place: the centre of its text and its rectangle; `is_moved` when it left its point."""

    label: Label
    x: float
    y: float
    box: Box
    is_moved: bool


@lru_cache(maxsize=4096)
def text_size(text: str, size: float, weight: str = "normal") -> tuple[float, float]:
    """Return the width and height of a text, in points, without drawing it."""
    if not text.strip():
        return 0.0, 0.0
    font = get_font(str(font_folder() / _FILES.get(weight, FONT_FILES[0])))
    font.set_size(_MEASURED_AT, 72.0)
    lines = text.split("\n")
    widths = []
    for line in lines:
        font.set_text(line, 0.0, flags=LoadFlags.NO_HINTING)
        widths.append(font.get_width_height()[0] / _FIXED_POINT * size / _MEASURED_AT)
    return max(widths), size * (0.95 + 1.2 * (len(lines) - 1))


def place_labels(
    labels: Iterable[Label],
    *,
    frame: Box,
    obstacles: Sequence[Box] = (),
    is_optional: bool = True,
    reach: int = 3,
) -> list[Placed]:
    """Place labels one after the other, the most important first, on the first free spot around their point."""
    taken = list(obstacles)
    placed = []
    for label in labels:
        spots = [spot for spot in _spots(label, reach) if spot.box.inside(frame)]
        if not spots:
            continue
        crowd = [sum(spot.box.overlaps(box) for box in taken) for spot in spots]
        best = min(range(len(spots)), key=lambda i: (crowd[i], i))
        if crowd[best] and is_optional:
            continue
        placed.append(spots[best])
        taken.append(spots[best].box)
    return placed


def _spots(label: Label, reach: int) -> list[Placed]:
    """Return the places tried for a label: right, left, above, below, corners, then farther rings."""
    width, height = text_size(label.text, label.size, label.weight)
    if label.gap == 0:
        return [_at(label, label.x, label.y, width, height, is_moved=False)]
    spots = []
    for ring in range(reach):
        away = label.gap * (1 + 1.5 * ring)
        right, up = away + width / 2, away + height / 2
        corner = 0.7 * away
        for dx, dy in (
            (right, 0.0),
            (-right, 0.0),
            (0.0, up),
            (0.0, -up),
            (corner + width / 2, corner + height / 2),
            (-corner - width / 2, corner + height / 2),
            (corner + width / 2, -corner - height / 2),
            (-corner - width / 2, -corner - height / 2),
        ):
            spots.append(_at(label, label.x + dx, label.y + dy, width, height, is_moved=ring > 0))
    return spots


def _at(label: Label, x: float, y: float, width: float, height: float, *, is_moved: bool) -> Placed:
    """Centre a label on a spot."""
    box = Box(x - width / 2 - 0.6, y - height / 2 - 0.3, x + width / 2 + 0.6, y + height / 2 + 0.3)
    return Placed(label, x, y, box, is_moved)


class PaperScale:
    """Metres of a map to points of the page, from the corner of the map."""

    def __init__(self, axes: Axes) -> None:
        figure = axes.get_figure(root=True)
        width_in, height_in = figure.get_size_inches() if figure is not None else (1.0, 1.0)
        box = axes.get_position()
        (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
        self.left, self.bottom = left, bottom
        self.x = box.width * width_in * style.POINTS_PER_INCH / (right - left)
        self.y = box.height * height_in * style.POINTS_PER_INCH / (top - bottom)
        self.frame = Box(1.0, 1.0, self.x * (right - left) - 1.0, self.y * (top - bottom) - 1.0)

    def to_points(self, x: float, y: float) -> tuple[float, float]:
        """Return a place of the page, in points from the corner of the map."""
        return (x - self.left) * self.x, (y - self.bottom) * self.y

    def to_metres(self, x: float, y: float) -> tuple[float, float]:
        """Return a place of the territory."""
        return x / self.x + self.left, y / self.y + self.bottom
