"""The look of every picture: fonts, palettes that every eye tells apart, and figures without global state."""

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib import font_manager
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.ft2font import FT2Font

from territory.errors import MissingFileError
from territory.french.words import typeset

FONT_FAMILY = "Source Sans Pro"
FONT_PACKAGE = "font-source-sans-pro"
FONT_FILES = tuple(f"SourceSansPro-{face}.ttf" for face in ("Regular", "It", "Semibold", "Bold"))

_NOT_ASCII = re.compile(r"[^\x00-\x7f]")

INK = "#16242f"
MUTED = "#4b5a66"
PAPER = "#ffffff"
RULE = "#9aa7b1"
ACCENT = "#0b4a6f"
BORDER = "#ffffff"
ZONE_BORDER = "#16242f"

# light to dark, so that a grey print keeps the order (ColorBrewer YlGnBu, tested for colour blindness)
SEQUENTIAL = ("#fbfbd0", "#b9e0b4", "#5cbcc4", "#2273ac", "#1f2f86")
# blue for shorter trips, orange for longer ones: the pair that every colour blindness keeps apart
GAINS = ("#cfe3f2", "#74b2dc", "#1c64a8")
LOSSES = ("#fde3c8", "#f4a259", "#b5470b")
GAIN, LOSS = GAINS[2], LOSSES[2]
INDISTINCT = "#f4f4f4"
UNKNOWN_COLOR = "#d5dade"
OUT_OF_REACH_COLOR = "#8c7b8f"
OUTSIDE = "#e9edf0"
ENTERING = "#e9f2cf"
INDISTINCT_HATCH, UNKNOWN_HATCH, OUT_OF_REACH_HATCH = "////", "....", "xxxx"
HATCH_INK = "#7d8a94"
# outlines over the classes of a map of times, with a white edge: far from the blues, and dark in grey
RING = "#9c0f3f"
LOSS_HATCH = "||"
LOSS_HATCH_INKS = ("#d29a6c", "#b0641f", "#e59a63")

CM_PER_INCH = 2.54
POINTS_PER_INCH = 72.0


def contrast(first: str, second: str) -> float:
    """Return the contrast ratio of two colours, from 1 to 21 (W3C, Web Content Accessibility Guidelines 2.1, 2018)."""
    lighter, darker = sorted((_luminance(first), _luminance(second)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(color: str) -> float:
    """Return the relative luminance of a colour (WCAG 2.1)."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(color)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def text_color(background: str) -> str:
    """Return the text colour that is easiest to read on a background: the ink or the paper."""
    return INK if contrast(INK, background) >= contrast(PAPER, background) else PAPER


@cache
def font_folder() -> Path:
    """Return the folder of the font files, found without running the package that ships them."""
    try:
        files = metadata.files(FONT_PACKAGE) or []
    except metadata.PackageNotFoundError:
        files = []
    folders = [Path(str(file.locate())).parent for file in files if file.name == FONT_FILES[0]]
    if not folders or not all((folders[0] / name).is_file() for name in FONT_FILES):
        raise MissingFileError(f"Police {FONT_FAMILY} absente : pip install {FONT_PACKAGE}.")
    return folders[0]


@cache
def _signs() -> frozenset[str]:
    """Return the characters that every weight of the font holds."""
    known = (set(FT2Font(str(font_folder() / name)).get_charmap()) for name in FONT_FILES)
    return frozenset(map(chr, set.intersection(*known)))


def drawable(text: str) -> str:
    """Return a text with a question mark for each sign that the font lacks."""
    for sign in set(_NOT_ASCII.findall(text)) - _signs():
        text = text.replace(sign, "?")
    return text


@cache
def _register_fonts() -> None:
    for name in FONT_FILES:
        font_manager.fontManager.addfont(font_folder() / name)


@contextmanager
def style() -> Iterator[None]:
    """Set what matplotlib draws with, for the length of a block only."""
    _register_fonts()
    # names are text, never formulas: a dollar sign stays a dollar sign
    settings: Any = {
        "text.parse_math": False,
        "font.family": [FONT_FAMILY],
        "font.size": 8.0,
        "text.color": INK,
        "axes.edgecolor": RULE,
        "axes.labelcolor": INK,
        "axes.linewidth": 0.6,
        "xtick.color": MUTED,
        "ytick.color": INK,
        "hatch.linewidth": 0.5,
        "svg.fonttype": "none",
        "svg.hashsalt": "territory",
        "pdf.fonttype": 42,
        "path.simplify": False,
        "text.usetex": False,
    }
    with mpl.rc_context(settings):
        yield


class ShownFigure(Figure):
    """A figure that shows itself: nothing here goes through pyplot, whose state is global."""

    def _repr_png_(self) -> bytes:
        return to_png(self, dpi=110)


def new_figure(width_cm: float, height_cm: float) -> Figure:
    """Return an empty figure of a given size that belongs to no window and no global list."""
    from matplotlib.backends.backend_svg import FigureCanvasSVG

    figure = ShownFigure(figsize=(width_cm / CM_PER_INCH, height_cm / CM_PER_INCH), facecolor=PAPER)
    FigureCanvasSVG(figure)
    return figure


def to_svg(figure: Figure) -> bytes:
    """Draw a figure as SVG, the same byte for byte at each run (no date, no random name)."""
    return _saved(figure, format="svg", metadata={"Date": None, "Creator": None})


def to_png(figure: Figure, *, dpi: float = 150) -> bytes:
    """Draw a figure as PNG (for notebooks and for looking at it), the same at each run."""
    return _saved(figure, format="png", dpi=dpi, metadata={"Software": None})


def _saved(figure: Figure, **options: Any) -> bytes:
    """Draw a figure with its texts typeset."""
    buffer, texts = io.BytesIO(), list(figure.texts)
    for axes in figure.axes:
        legend = axes.get_legend()
        texts += [*axes.texts, axes.title, axes.xaxis.label, axes.yaxis.label]
        texts += legend.get_texts() if legend is not None else []
    # names of ticks are the axis's own to write: who gives them typesets them
    for text in texts:
        text.set_text(drawable(typeset(text.get_text())))
    with style():
        figure.savefig(buffer, **options)
    return buffer.getvalue()
