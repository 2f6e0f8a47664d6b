"""A figure that Jupyter shows by itself."""

from __future__ import annotations

from matplotlib.figure import Figure


class ShownFigure(Figure):
    """A figure that shows itself: nothing here goes through pyplot, whose state is global."""

    def _repr_png_(self) -> bytes:
        """Return the picture."""
        from territory.plot.style import to_png

        return to_png(self, dpi=110)
