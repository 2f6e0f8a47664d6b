"""Palettes and figures."""

from __future__ import annotations

import itertools

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.colors import to_rgb

from territory.errors import MissingFileError
from territory.plot import style


@pytest.mark.parametrize(
    "background",
    [
        *style.SEQUENTIAL,
        *style.GAINS,
        *style.LOSSES,
        style.INDISTINCT,
        style.UNKNOWN_COLOR,
        style.OUTSIDE,
        style.ENTERING,
        style.PAPER,
        style.ACCENT,
    ],
)
def test_text_on_every_colour_can_be_read(background: str) -> None:
    assert style.contrast(style.text_color(background), background) >= 4.5


def test_muted_text_can_be_read_on_paper() -> None:
    for color in (style.INK, style.MUTED, style.ACCENT, style.GAIN, style.LOSS):
        assert style.contrast(color, style.PAPER) >= 4.5


def test_contrast_of_known_pairs() -> None:
    assert style.contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)
    assert style.contrast("#ffffff", "#000000") == pytest.approx(21.0)


# Machado, Oliveira and Fernandes 2009, severity 1.0
BLINDNESS = {
    "protan": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deutan": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "tritan": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
}


def linear(color: str) -> np.ndarray:
    values = np.array(to_rgb(color))
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def lab(rgb: np.ndarray) -> np.ndarray:
    xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]) @ rgb
    ratio = xyz / np.array([0.95047, 1.0, 1.08883])
    f = np.where(ratio > 0.008856, np.cbrt(ratio), 7.787 * ratio + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@pytest.mark.parametrize("kind", BLINDNESS)
@pytest.mark.parametrize("palette", [style.SEQUENTIAL, (*style.GAINS, *style.LOSSES)])
def test_colours_stay_apart_for_colour_blind_eyes(kind: str, palette: tuple[str, ...]) -> None:
    seen = [lab(np.clip(np.array(BLINDNESS[kind]) @ linear(color), 0, 1)) for color in palette]
    apart = min(float(np.linalg.norm(a - b)) for a, b in itertools.combinations(seen, 2))
    # a difference of 2.3 can just be seen; classes of a map need much more
    assert apart > 10


def test_sequential_palette_keeps_its_order_in_grey() -> None:
    greys = [style.contrast(color, "#000000") for color in style.SEQUENTIAL]
    assert greys == sorted(greys, reverse=True)
    assert min(a / b for a, b in itertools.pairwise(greys)) > 1.15


def test_svg_is_the_same_at_each_run_and_leaves_no_trace() -> None:
    before = dict(mpl.rcParams)

    def draw() -> bytes:
        with style.style():
            figure = style.new_figure(5, 4)
            axes = figure.add_axes((0.1, 0.1, 0.8, 0.8))
            axes.bar([1, 2], [3, 4], hatch="//")
            axes.set_title("Écart « à l'œil »")
        return style.to_svg(figure)

    first = draw()
    assert first == draw()
    assert b"<dc:date>" not in first
    assert dict(mpl.rcParams) == before


def test_png_is_the_same_at_each_run() -> None:
    assert style.to_png(style.new_figure(2, 2)) == style.to_png(style.new_figure(2, 2))


def test_missing_font_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(style, "FONT_PACKAGE", "no-such-package")
    style.font_folder.cache_clear()
    try:
        with pytest.raises(MissingFileError, match="Police Source Sans Pro absente"):
            style.font_folder()
    finally:
        style.font_folder.cache_clear()


def test_jupyter_shows_a_figure_by_itself() -> None:
    assert style.new_figure(2, 2)._repr_png_().startswith(b"\x89PNG")  # type: ignore[attr-defined]
