"""Documents as data."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from territory.errors import ParameterError
from territory.plot import style
from territory.report.layout.document import (
    Block,
    Bullets,
    Callout,
    DataTable,
    Document,
    Heading,
    KeyFigures,
    Paragraph,
    Picture,
    compile_pdf,
    strong,
    to_data,
    to_runs,
)
from tests.texts import plain_text

SVG = b'<svg xmlns="http://www.w3.org/2000/svg" width="10" height="10"><rect width="9" height="9"/></svg>'


def data(*blocks: Block) -> dict:
    return to_data(Document("Titre", dt.date(2024, 1, 1), blocks))[0]


def test_every_text_is_typeset() -> None:
    found = data(
        Heading("Qui ?"),
        Paragraph("a : b"),
        Bullets(["c ; d"]),
        KeyFigures([("1 200", "e !", "f : g")]),
        Callout("h ?", ["i : j"]),
        DataTable(["k :"], [["l ?"]], "m :", note="n !"),
        Picture(SVG, "o ?", "p :", source="q :"),
    )
    text = plain_text(found)
    assert " ?" not in text
    assert " :" not in text
    assert " ;" not in text
    assert " !" not in text
    assert "1\u202f200" in text


def test_a_space_at_the_border_of_two_runs_does_not_break() -> None:
    found = data(Paragraph([strong("Un mot"), " : suite ", strong("?")]))
    assert plain_text(found).splitlines()[-1] == "Un mot\u00a0: suite\u202f?"


def test_pictures_are_named_in_order() -> None:
    found, pictures = to_data(
        Document("T", dt.date(2024, 1, 1), [Picture(SVG, "x", "a"), Picture(SVG, "y", "b")])
    )
    assert list(pictures) == ["figure-01.svg", "figure-02.svg"]
    assert found["blocks"][1]["file"] == "figure-02.svg"


def test_a_sign_that_the_font_lacks_stops_no_picture(tmp_path: Path) -> None:
    figure = style.new_figure(6, 2)
    figure.text(0.1, 0.5, "Les Arcs \u4f60 \U0001f600 !")
    # a picture that was drawn elsewhere is written as it is
    foreign = SVG.replace(b"</svg>", '<text font-family="Source Sans Pro">\u4f60</text></svg>'.encode())
    blocks = [Picture(style.to_svg(figure), "x", "Carte \u4f60"), Picture(foreign, "y", "b")]
    assert "Les Arcs ? ?" in blocks[0].svg.decode()
    path = compile_pdf(Document("T", dt.date(2024, 1, 1), blocks), tmp_path / "r.pdf")
    assert path.stat().st_size > 1_000


@pytest.mark.parametrize(
    "block, words",
    [
        (Picture(SVG, "  ", "Carte"), "texte de remplacement"),
        (DataTable(["a", "b"], [["1"]], "T"), "longueurs"),
        (DataTable(["a", "b"], [], "T", align=["left"]), "alignements"),
        (Heading("H", level=2), "saute un niveau"),
    ],
)
def test_what_would_not_be_accessible_is_refused(block: Block, words: str) -> None:
    with pytest.raises(ParameterError, match=words):
        data(block)


def test_an_empty_run_does_not_double_the_sign_after_it() -> None:
    runs = to_runs([strong("0 auraient un trajet plus long"), "", " ;"])
    assert "".join(words for words, _ in runs).count(";") == 1
