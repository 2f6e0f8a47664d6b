"""Every document of every odd study: made, accessible, the same twice, and texts as texts."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from io import BytesIO
from pathlib import Path

import openpyxl
import pikepdf
import pytest

from territory.errors import OutputError, ParameterError, UnknownCodeError
from territory.report.documents.council import build_report
from territory.report.documents.epci_sheet import epci_sheet
from territory.report.documents.summary_page import summary_html
from territory.report.files.workbook import full_sheets, reader_bytes, workbook_bytes
from territory.report.files.writers import Sheet, to_xlsx
from territory.report.layout.document import Document, compile_pdf, to_data
from territory.report.reading import read
from tests import vallon
from tests.report.worlds import EVIL, few, published, reading, world
from tests.report.worlds import document as composed
from tests.texts import plain_text

DOCUMENTS = ("council", "note", "slides", "sheet", "annex")


def text_of(document: Document) -> str:
    return plain_text(to_data(document)[0])


def elements(node: pikepdf.Object) -> Iterator[pikepdf.Dictionary]:
    """Walk the structure tree in reading order."""
    if isinstance(node, pikepdf.Array):
        for child in node:
            yield from elements(child)
    elif isinstance(node, pikepdf.Dictionary):
        if "/S" in node:
            yield node
        if "/K" in node:
            yield from elements(node["/K"])


@pytest.mark.parametrize("name", few("all_unknown"))
@pytest.mark.parametrize("document", DOCUMENTS)
def test_no_document_of_any_study_shows_what_a_computer_calls_nothing(document: str, name: str) -> None:
    assert not re.search(r"\b(?:nan|None|NaT|inf)\b", text_of(composed(name, document)))


# laying out asks the same of every study: the fast suite does it for the usual one, and for names that are attacks
@pytest.mark.parametrize("name", few("markup"))
@pytest.mark.parametrize("document", DOCUMENTS)
def test_an_accessible_document_of_any_study(document: str, name: str, tmp_path: Path) -> None:
    path = compile_pdf(composed(name, document), tmp_path / "r.pdf")
    assert 20_000 < path.stat().st_size < 3_000_000
    with pikepdf.open(path) as opened:
        check_accessible(opened)
        if document == "sheet":
            assert len(opened.pages) <= (2 if name != "markup" else 6)
        if name != "markup":
            assert document != "note" or len(opened.pages) == 1
            assert document != "slides" or len(opened.pages) <= 6


def check_accessible(opened: pikepdf.Pdf) -> None:
    """Check language, tags, titles in order, alternative texts, table headers and bookmarks."""
    assert str(opened.Root["/Lang"]).startswith("fr")
    assert opened.Root["/MarkInfo"]["/Marked"]
    assert opened.Root["/ViewerPreferences"]["/DisplayDocTitle"]
    meta = opened.open_metadata()
    assert (meta["pdfuaid:part"], meta["pdfaid:part"], meta["pdfaid:conformance"]) == ("1", "2", "A")
    found = [(str(e["/S"]), e) for e in elements(opened.Root["/StructTreeRoot"]["/K"])]
    levels = [int(tag[2:]) for tag, _ in found if re.fullmatch(r"/H[1-6]", tag)]
    assert levels
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))
    figures = [e for tag, e in found if tag == "/Figure"]
    assert all(len(str(e.get("/Alt", ""))) > 20 for e in figures)
    for tag, table in found:
        if tag == "/Table":
            inside = [str(e["/S"]) for e in elements(table["/K"])]
            assert "/TH" in inside
            assert inside.index("/TH") < inside.index("/TD")
    with opened.open_outline() as outline:
        assert len(outline.root) >= 2
    # reading order: every page says that tab follows the structure
    assert all(page.get("/Tabs", "/S") == "/S" for page in opened.pages)


def test_the_sheet_says_who_gains_and_loses_there() -> None:
    text = text_of(epci_sheet(reading("usual"), vallon.FOCUS)).replace("\u00a0", " ").replace("\u202f", " ")
    for part in (
        "18 790",
        "Qui y gagne, qui y perd",
        "Sans différence visible",
        "À demander",
        "Hautbourg",
        "Scénario B",
    ):
        assert part in text
    plateau = text_of(epci_sheet(reading("usual"), vallon.PLATEAU)).replace("\u00a0", " ")
    assert "perdent : Hautbourg" in plateau


def test_the_annex_says_what_was_withheld_and_what_was_read() -> None:
    text = text_of(composed("observed", "annex"))
    assert "secret statistique" in text
    assert "Effectifs observés fournis pour" in text
    assert "recruitment_max_min" in text
    digest = next(iter(world("usual").manifest["inputs_sha256"].values()))
    assert f"{digest[:32]} {digest[32:]}" in text


def test_an_unknown_epci_or_none_is_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(UnknownCodeError, match=vallon.FOCUS):
        build_report(world("usual"), tmp_path / "r.pdf", document="sheet", epci="000000000")
    with pytest.raises(ParameterError, match="EPCI"):
        build_report(world("usual"), tmp_path / "r.pdf", document="sheet")


# the disk is asked by the one function that writes them all
@pytest.mark.parametrize(
    "document", ["sheet", *(pytest.param(one, marks=pytest.mark.slow) for one in ("council", "annex"))]
)
def test_a_folder_that_cannot_be_written_is_one_clear_error(document: str, tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="ne peut pas être écrit"):
        build_report(reading("usual"), tmp_path / "none" / "r.pdf", document=document, epci=vallon.FOCUS)


# two runs of the small study already say it of what they write
@pytest.mark.slow
@pytest.mark.parametrize("document", ["council", "sheet", "annex"])
def test_same_bytes_twice(document: str, tmp_path: Path) -> None:
    made = [
        build_report(world("usual"), tmp_path / f"{i}.pdf", document=document, epci=vallon.FOCUS).read_bytes()
        for i in range(2)
    ]
    assert made[0] == made[1]


class Reader(HTMLParser):
    """Read a page as a browser would: what it loads, and the tags that it holds."""

    def __init__(self) -> None:
        super().__init__()
        self.scripts, self.addresses, self.tags, self.texts = 0, [], [], []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.scripts += tag == "script"
        for key, value in attrs:
            if key in ("src", "href", "action", "data", "srcset", "poster") and not str(value).startswith(
                "#"
            ):
                self.addresses.append(value)
            assert not key.startswith("on"), key

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


@pytest.mark.parametrize("name", few("all_unknown", "markup"))
def test_the_summary_page_of_any_study(name: str) -> None:
    page = summary_html(world(name))
    assert summary_html(world(name)) == page
    reader = Reader()
    reader.feed(page)
    assert reader.addresses == []
    assert reader.scripts in (0, 2)
    assert "url(http" not in page
    assert "@import" not in page.replace("#import", "")
    assert reader.tags.count("h1") == 1
    assert '<html lang="fr">' in page
    assert not re.search(r">\s*(?:nan|None|NaT|inf)\s*<", page)
    if name == "markup":
        # names are read as texts: as many scripts as ever, and the name whole
        assert any(EVIL.replace("'", "’") in text or EVIL in text for text in reader.texts)


# a workbook is at its hardest with attacks for names, and with counts to withhold
@pytest.mark.parametrize("name", few("markup"))
def test_the_workbooks_of_any_study(name: str) -> None:
    content = reader_bytes(published(name), reading(name))
    assert reader_bytes(published(name), read(world(name))) == content
    full = workbook_bytes(full_sheets(published(name), reading(name)), reading(name))
    books = [openpyxl.load_workbook(BytesIO(one)) for one in (content, full)]
    assert len(books[0].sheetnames) <= 10
    assert len(books[1].sheetnames) == len(published(name)) + 1
    for book in books:
        check_book(book)


def check_book(book: openpyxl.Workbook) -> None:
    """Check what a reader meets in each sheet: titles, widths, links, texts and numbers of one format by column."""
    assert book.sheetnames[0] == "Sommaire"
    links = [cell.hyperlink.location for row in book["Sommaire"] for cell in row if cell.hyperlink]
    assert not [text for (text,) in book["Sommaire"].values if re.search(r"\(\s*;|;\s*\)|^\s*:", text or "")]
    assert [link.rpartition("!")[0].strip("'").replace("''", "'") for link in links] == book.sheetnames[1:]
    assert all(len(title) <= 31 for title in book.sheetnames)
    for sheet in book.worksheets[1:]:
        assert sheet.freeze_panes in ("A2", "B2")
        assert sheet.page_setup.orientation == "landscape"
        assert sheet.sheet_properties.pageSetUpPr.fitToPage
        assert sheet.print_area.endswith(f"${sheet.max_row}") or sheet.max_row == 1
        formats: dict[str, set[str]] = {}
        for cell in sheet[1]:
            assert "_" not in str(cell.value).replace("$x_1$", ""), cell.value
            assert sheet.column_dimensions[cell.column_letter].width >= 9
        for row in sheet.iter_rows(min_row=2):
            for cell in row:
                # no formula, no error, no date: texts and numbers
                assert cell.data_type in ("s", "n", "inlineStr"), (sheet.title, cell.coordinate, cell.value)
                if isinstance(cell.value, str) and cell.value.startswith(("=", "+", "-", "@")):
                    assert cell.quotePrefix
                if isinstance(cell.value, int | float):
                    formats.setdefault(cell.column_letter, set()).add(cell.number_format)
        assert all(len(found) == 1 for found in formats.values()), (sheet.title, formats)
    assert book.properties.modified.year == 2000


def test_the_workbook_has_no_formula_from_names() -> None:
    names = [
        "=cmd|' /C calc'!A0",
        "+1",
        "-1",
        "@SUM(A1)",
        "\t=1",
        "Aups",
        "\x07bell",
        "x" * 40_000,
        "<a>&amp;\"'",
    ]
    content = to_xlsx([Sheet("Noms", ["Nom"], [[name] for name in names], [20])], title="<T>")
    read = [cell.value for cell in openpyxl.load_workbook(BytesIO(content))["Noms"]["A"]][1:]
    assert read[:4] == names[:4]
    assert read[5] == "Aups"
    assert read[8] == names[8]
    assert b"<f>" not in content


@pytest.mark.slow
def test_the_page_and_the_workbook_are_the_same_twice() -> None:
    pages, workbooks = set(), set()
    for _ in range(2):
        again = read(world("usual"))
        pages.add(summary_html(again))
        workbooks.add(workbook_bytes(full_sheets(published("usual"), again), again))
    assert len(pages) == len(workbooks) == 1
