"""From places of the territory to places of the page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from territory.plot import style
from territory.plot.maps.placement import Box

if TYPE_CHECKING:
    from matplotlib.axes import Axes


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
