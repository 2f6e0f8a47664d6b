"""The PDF: structure, standards, same bytes, and names that look like markup."""

from __future__ import annotations

import datetime as dt
import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pikepdf
import pytest

from territory.errors import OutputError
from territory.report.layout import document as pdf
from territory.report.layout.document import (
    Bullets,
    Callout,
    DataTable,
    Document,
    Heading,
    KeyFigures,
    Paragraph,
    Picture,
    strong,
)

SVG = b'<svg xmlns="http://www.w3.org/2000/svg" width="40" height="20"><rect width="30" height="9"/></svg>'
EVIL = '# $x_1$ <script>alert(1)</script> @ref "q" \'a\' \\n *b* _i_ `c` // /* -- ~ [z] #import "x" \\u{41}'


def document(title: str = "Essai", name: str = "Aups") -> Document:
    rows = [[name, "1 200", "< 11"]] * 60
    return Document(
        title,
        dt.date(2024, 1, 1),
        [
            Heading("La question"),
            Paragraph(["Un mot ", strong(name), " : suite."], "lead"),
            KeyFigures([("18 200", name, "note")]),
            Callout("Ce que l'on ne sait pas", [name, ["deux ", strong("mots")]], "unknown"),
            Heading("Détail", 2),
            Bullets([name, "b"]),
            Picture(SVG, f"Carte de {name}.", f"Légende {name}"),
            DataTable(["EPCI", "Gagnent", "Perdent"], rows, "Tableau", strong_rows=[59], note=name),
        ],
        subtitle=name,
        kicker=name,
        footer=name,
        keywords=[name],
    )


def elements(node: pikepdf.Object) -> Iterator[pikepdf.Dictionary]:
    """Walk the structure tree."""
    if isinstance(node, pikepdf.Array):
        for child in node:
            yield from elements(child)
    elif isinstance(node, pikepdf.Dictionary):
        if "/S" in node:
            yield node
        if "/K" in node:
            yield from elements(node["/K"])


def tags(path: Path) -> dict[str, list[str]]:
    """Return the alternative text of every element, by its tag."""
    found: dict[str, list[str]] = {}
    with pikepdf.open(path) as opened:
        for element in elements(opened.Root["/StructTreeRoot"]["/K"]):
            found.setdefault(str(element["/S"]), []).append(str(element.get("/Alt", "")))
    return found


def test_structure(tmp_path: Path) -> None:
    path = pdf.compile_pdf(document(), tmp_path / "r.pdf")
    with pikepdf.open(path) as opened:
        root = opened.Root
        assert str(root["/Lang"]).startswith("fr")
        assert root["/MarkInfo"]["/Marked"]
        assert root["/ViewerPreferences"]["/DisplayDocTitle"]
        meta = opened.open_metadata()
        assert meta["pdfuaid:part"] == "1"
        assert meta["pdfaid:part"] == "2"
        assert meta["pdfaid:conformance"] == "A"
        assert meta["dc:title"] == "Essai"
        outline = opened.open_outline()
        assert [item.title for item in outline.root] == ["La question"]
        for page in opened.pages:
            fonts = page.get("/Resources", {}).get("/Font", {})
            for name in fonts.keys():  # noqa: SIM118 - a dictionary of pikepdf gives no keys by itself
                (descendant,) = fonts[name]["/DescendantFonts"]
                assert any(key in descendant["/FontDescriptor"] for key in ("/FontFile2", "/FontFile3"))
    found = tags(path)
    assert found["/Figure"]
    assert all(found["/Figure"])
    assert len(found["/TH"]) == 3
    assert len(found["/TR"]) == 61
    assert found["/H1"]
    assert found["/H2"]
    assert found["/L"]


def test_table_headers_are_repeated_on_each_page(tmp_path: Path) -> None:
    path = pdf.compile_pdf(document(), tmp_path / "r.pdf")
    with pikepdf.open(path) as opened:
        assert len(opened.pages) > 1


@pytest.mark.slow
def test_long_tables_stay_small_and_their_identifier_comes_from_the_content(tmp_path: Path) -> None:
    rows = [[str(row), *(f"commune {row * column}" for column in range(7))] for row in range(1500)]
    long = Document("Essai", dt.date(2024, 1, 1), [DataTable(list("abcdefgh"), rows, "Longue")])
    path = pdf.compile_pdf(long, tmp_path / "r.pdf")
    content = path.read_bytes()
    # 12,000 cells: each would take some 170 bytes in clear
    assert len(content) < 600_000
    assert b"pdfuaid" in content
    with pikepdf.open(path) as opened:
        assert len(opened.trailer["/ID"]) == 2
    assert len(tags(path)["/TD"]) == 12_000


def test_same_bytes_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = pdf.compile_pdf(document(), tmp_path / "a.pdf").read_bytes()
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(elsewhere))
    assert pdf.compile_pdf(document(), tmp_path / "b.pdf").read_bytes() == first
    assert list(elsewhere.iterdir()) == []


def test_names_that_look_like_markup_are_text(tmp_path: Path) -> None:
    path = pdf.compile_pdf(document(EVIL, EVIL), tmp_path / "r.pdf")
    with pikepdf.open(path) as opened:
        assert opened.open_metadata()["dc:title"] == EVIL
    assert any(EVIL in text for text in tags(path)["/Figure"])


def test_an_earlier_report_outlives_a_failure(tmp_path: Path) -> None:
    path = tmp_path / "r.pdf"
    path.write_bytes(b"earlier")
    broken = Document("T", dt.date(2024, 1, 1), [Picture(b"not a picture", "alt", "c")])
    with pytest.raises(OutputError, match="composé"):
        pdf.compile_pdf(broken, path)
    assert path.read_bytes() == b"earlier"
    assert [file.name for file in tmp_path.iterdir()] == ["r.pdf"]


def test_missing_folder_is_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="ne peut pas être écrit"):
        pdf.compile_pdf(document(), tmp_path / "none" / "r.pdf")


def test_a_folder_in_the_way_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "r.pdf").mkdir()
    with pytest.raises(OutputError, match="ne peut pas être écrit"):
        pdf.compile_pdf(document(), tmp_path / "r.pdf")
    assert [file.name for file in tmp_path.iterdir()] == ["r.pdf"]


@pytest.mark.skipif(os.name == "nt", reason="permissions of POSIX")
def test_the_report_can_be_read_by_others(tmp_path: Path) -> None:
    path = pdf.compile_pdf(document(), tmp_path / "r.pdf")
    assert stat.S_IMODE(path.stat().st_mode) & 0o044 == 0o044
