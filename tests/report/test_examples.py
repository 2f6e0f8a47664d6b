"""What small functions of `territory.report` give, by example."""

from __future__ import annotations

import datetime as dt
import io
import tempfile
from pathlib import Path

import openpyxl
import pandas as pd

from territory.report.chapters import moves, needs
from territory.report.documents import council, summary_page
from territory.report.files import writers
from territory.report.layout import document
from territory.report.layout.document import DataTable, Document, Paragraph
from tests.texts import plain_text


def test_moves_is_wide() -> None:
    assert (moves.is_wide("ABCD"), moves.is_wide("ABCDEFGH")) == (False, True)


def test_moves_grouped() -> None:
    assert (
        moves.grouped({"A": "Aups", "B": "Le Muy", "C": "Aups", "D": "Vidauban"}, "Vidauban")
        == "Aups (A et C) ; Le Muy (B)"
    )


def test_moves_in_tables() -> None:
    assert list(moves.in_tables("ABCDEFGH")) == [["A", "B", "C", "D"], ["E", "F", "G", "H"]]


def test_needs_need_heads() -> None:
    assert needs.need_heads(["aeeh", "autisme"]) == [
        "AEEH >0.8",
        "de … à … >1.2",
        "Autisme >0.8",
        "de … à … >1.2",
    ]


def test_needs_range_text() -> None:
    said = {
        (20.0, 45.0): "20 à 45",
        (3.0, 8.0): "< 11",
        (0.0, 8.0): "< 11",
        (3.0, 40.0): "< 11 à 40",
        # what prints alike is printed once
        (9.0, 12.0): "11 ou moins",
        (14.0, 16.0): "15",
        (float("nan"), 40.0): "inconnu",
        (3.0, float("nan")): "inconnu",
    }
    assert {ends: needs.range_text(*ends) for ends in said} == said


def test_council_acronyms() -> None:
    (_, said) = council.acronyms([Paragraph("L'IME déménage.")])
    assert said.text == [("IME", "strong"), " : institut médico-éducatif", "."]


def test_writers_write_table() -> None:
    with tempfile.TemporaryDirectory() as folder:
        writers.write_table(
            pd.DataFrame({"commune_code": ["01004"], "time_min": [12.5]}), Path(folder) / "times"
        )
        assert (Path(folder) / "times.csv").read_text() == "commune_code,time_min\n01004,12.5\n"


def test_writers_without_formulas() -> None:
    table = pd.DataFrame(
        {"name": ["=cmd|'/C calc'!A0", "CMPP"], "delta": ["-3,5", "+2"], "time_min": [-1.0, 2.0]}
    )
    assert writers.without_formulas(table).values.tolist() == [
        ["'=cmd|'/C calc'!A0", "-3,5", -1.0],
        ["CMPP", "+2", 2.0],
    ]


def test_writers_to_xlsx() -> None:
    content = writers.to_xlsx([writers.Sheet("Essai", ["Nom"], [["=1+1"], [2.5]], [12])], title="Essai")
    assert [cell.value for cell in openpyxl.load_workbook(io.BytesIO(content))["Essai"]["A"]] == [
        "Nom",
        "=1+1",
        2.5,
    ]


def test_writers_column_letters() -> None:
    assert (writers.column_letters(1), writers.column_letters(26), writers.column_letters(27)) == (
        "A",
        "Z",
        "AA",
    )


def test_document_strong() -> None:
    assert document.strong("18 200 enfants") == ("18 200 enfants", "strong")


def test_document_table() -> None:
    made = document.table("Commune <1.5 | Temps (< 11) >1", [["Aups", "12"]], "Essai")
    assert made.headers == ["Commune", "Temps (< 11)"]
    assert (made.align, made.widths) == (["left", "right"], [1.5, 1.0])


def test_document_run_keyword() -> None:
    assert (document.run_keyword("ab" * 32)[:24], document.run_keyword("")) == (
        "territory-run-sha256:aba",
        "",
    )


def test_document_read_digest() -> None:
    assert (
        document.read_digest(b"<pdf:Keywords>" + document.run_keyword("0" * 64).encode() + b"</pdf:Keywords>")
        == "0" * 64
    )
    assert document.read_digest(b"%PDF-1.7") is None


def test_document_to_data() -> None:
    data, _ = document.to_data(
        document.Document("Essai", dt.date(2024, 1, 1), [document.Paragraph("Qui ? Tous.")])
    )
    assert data["blocks"][0]["runs"][0]["text"].replace(chr(8239), "_") == "Qui_? Tous."


def test_document_to_runs() -> None:
    assert document.to_runs(["Qui gagne", document.strong("...")]) == [
        ("Qui gagne", "plain"),
        ("…", "strong"),
    ]


def test_document_plain_text() -> None:
    data, _ = document.to_data(
        document.Document("Essai", dt.date(2024, 1, 1), [document.Paragraph(["a ", document.strong("b")])])
    )
    assert plain_text(data) == "Essai\na b"


def test_summary_page_text() -> None:
    assert summary_page.text('<script>"x"</script>') == "&lt;script&gt;&quot;x&quot;&lt;/script&gt;"


def test_summary_page_blocks_html() -> None:
    assert summary_page.blocks_html([Paragraph("A & B")]) == "<p>A &amp; B</p>"


def test_summary_page_table_html() -> None:
    assert "<th scope=" in summary_page.table_html(
        DataTable(["EPCI", "Gagnent"], [["Dracénie", "12"]], "Essai")
    )


def test_pdf_compile_pdf() -> None:
    with tempfile.TemporaryDirectory() as folder:
        made = Document("Essai", dt.date(2024, 1, 1), [Paragraph("Bonjour.")])
        assert document.compile_pdf(made, Path(folder) / "essai.pdf").read_bytes()[:5] == b"%PDF-"


def test_pdf_in_order_of_leaving() -> None:
    assert document.in_order_of_leaving(
        [document.Part([]), document.Part([], "b", 1), document.Part([], "c", 1), document.Part([], "d", 2)]
    ) == [3, 2, 1]
