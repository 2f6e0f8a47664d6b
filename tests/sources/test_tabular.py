"""Reading a planner's own table: encodings, separators, and everything that must be refused."""

from __future__ import annotations

import contextlib
import gzip
import zipfile
from pathlib import Path

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from territory.errors import MissingFileError, ReadError, TerritoryWarning
from territory.sources import read_table
from territory.sources.text import tables, workbooks
from territory.sources.text.tables import require_columns

ROWS = [["code", "nom", "places"], ["01004", "Ambérieu", "12,5"], ["83069", "Hyères", ""]]


def write(
    path: Path, rows: list[list[str]], *, separator: str = ";", encoding: str = "utf-8", end: str = "\n"
) -> Path:
    path.write_bytes((end.join(separator.join(row) for row in rows) + end).encode(encoding))
    return path


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "latin-1", "cp1252"])
@pytest.mark.parametrize("separator", [";", "\t", "|"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_encodings_separators_and_line_ends_are_told(tmp_path, encoding, separator, end):
    path = write(tmp_path / "a.csv", ROWS, separator=separator, encoding=encoding, end=end)
    table = read_table(path)
    assert [list(table.columns), *table.to_numpy().tolist()] == ROWS
    assert table.index.to_list() == [2, 3]


def test_commas_separate_when_they_cut_all_lines_alike(tmp_path):
    path = write(tmp_path / "a.csv", [["a", "b"], ["1", "2"], ["3", "4"]], separator=",")
    assert read_table(path).columns.to_list() == ["a", "b"]


def test_quotes_hold_separators_and_line_ends(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text('nom;note\n"Salernes; Var";"deux\nlignes"\nTrans;rien\n', encoding="utf-8")
    table = read_table(path)
    assert table.loc[2].to_list() == ["Salernes; Var", "deux\nlignes"]
    assert table.index.to_list() == [2, 4]


def test_a_table_of_one_column_has_no_separator(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("commune\nSalernes, Var\nTrans, Var\n", encoding="utf-8")
    assert read_table(path)["commune"].to_list() == ["Salernes, Var", "Trans, Var"]


def test_the_separator_that_excel_names_is_believed(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("sep=|\na|b\n1|2\n", encoding="utf-8")
    assert read_table(path).loc[3].to_list() == ["1", "2"]


def test_titles_are_found_under_a_heading(tmp_path):
    path = write(tmp_path / "a.csv", [["Populations légales"], ["Source : INSEE"], *ROWS])
    assert read_table(path, header=["code", "nom"])["code"].to_list() == ["01004", "83069"]


def test_a_separator_at_the_end_of_lines_is_no_column(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("a;b;\n1;2;\n3;;\n", encoding="utf-8")
    assert read_table(path).shape == (2, 2)


def test_gzip_is_read_and_its_truncation_is_refused(tmp_path):
    path = tmp_path / "a.csv.gz"
    content = gzip.compress("\n".join(f"{n};{n * 7919}" for n in range(1, 5001)).encode())
    path.write_bytes(content)
    assert len(read_table(path)) == 4999
    path.write_bytes(content[:-200])
    with pytest.raises(ReadError, match="tronquée"):
        read_table(path)


def refused(path: Path, content: bytes, said: str, **options: object) -> None:
    """Check that a content is refused with words of the message, the name of the file among them."""
    path.write_bytes(content)
    with pytest.raises(ReadError, match=said) as caught:
        read_table(path, **options)
    assert path.name in str(caught.value)


@pytest.mark.parametrize(
    "content, said",
    [
        (b"", "il est vide"),
        (b"\n\n  \n", "il est vide"),
        (b"a;b\n", "aucune donn"),
        (b"a;b\n1;2\n1;2;3\n4\n", r"2 lignes n'ont pas 2 colonnes \(ligne 3 : 3, ligne 4 : 1\)"),
        (b"a;a\n1;2\n", "en double : a"),
        (b"a;;c\n1;2;3\n", "sans titre : n° 2"),
        (b'a;b\n1;2\n"3;4\n', "ligne 3 : guillemet"),
        (b"a;b\n1;\x81\n", r"ligne 2, position 3 : octet 0x81"),
        (b"a;b\n1;\x00\n", "ligne 2, position 3 : octet 0x00"),
        ("a;b\n1;é\n".encode("utf-16-le"), "UTF-16 sans marque"),
        ("nom;b\nHyères;1\n".encode() + b"Fr\xe9jus;\x81\n", "illisible en UTF-8 comme en Latin-1"),
        (b"\xef\xbb\xbfa;b\n1;\xe9\n", "ligne 2, position 3 : octet 0xe9 illisible en utf-8-sig"),
        ("nom, prénom;âge, an\nDupont, Jean;3, 0\n".encode(), "virgule"),
        (b"a;b\n" + b"1" * 1_000_001 + b";2\n", "ligne 2 : 1000004 caract"),
    ],
)
def test_what_cannot_be_told_is_refused(tmp_path, content, said):
    refused(tmp_path / "casse.csv", content, said)


def test_lines_of_two_encodings_are_each_read_in_theirs(tmp_path):
    path = tmp_path / "ID.csv"
    path.write_bytes("nom;b\nHyères;1\n".encode() + "Fréjus;2\nÂne d’or;3\n".encode("cp1252"))
    said = "ligne 3, position 3 .*mélangés : 2 lignes en Windows-1252 dans un fichier en UTF-8, lues comme telles"
    with pytest.warns(TerritoryWarning, match=said):
        assert read_table(path)["nom"].to_list() == ["Hyères", "Fréjus", "Âne d’or"]


def test_two_separators_that_cut_alike_are_undecidable_unless_given(tmp_path):
    path = tmp_path / "a.csv"
    refused(path, b"a,x;b\n1,2;3\n", "indécidable .*ajoutez « sep=; »")
    path.write_bytes(b"sep=;\na,x;b\n1,2;3\n")
    assert read_table(path).columns.to_list() == ["a,x", "b"]


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(MissingFileError, match=r"absent\.csv"):
        read_table(tmp_path / "absent.csv")


def workbook(path: Path, rows: list[list[object]], *, title: str = "Feuille") -> Path:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = title
    for row in rows:
        sheet.append(row)
    book.save(path)
    return path


def test_workbooks_keep_codes_as_text_and_whole_numbers_without_decimals(tmp_path):
    path = workbook(
        tmp_path / "a.xlsx", [["Titre"], ["code", "n", "taux"], ["01004", 12.0, 0.5], ["2A004", None, None]]
    )
    table = read_table(path, header=["code"])
    assert table.to_numpy().tolist() == [["01004", "12", "0.5"], ["2A004", "", ""]]


def test_an_unknown_sheet_lists_those_that_are_there(tmp_path):
    path = workbook(tmp_path / "a.xlsx", [["a"], [1]], title="Communes")
    with pytest.raises(ReadError, match="feuilles présentes : Communes"):
        read_table(path, sheet="Cantons")


def open_document(path: Path, rows: str) -> Path:
    """Write a workbook of LibreOffice, the rest of its sheet in two lines as it does."""
    rest = '<table:table-row table:number-rows-repeated="1048573"><table:table-cell table:number-columns-repeated="9"/>'
    names = 'xmlns:office="o" xmlns:table="t" xmlns:text="x"'
    body = f'<table:table table:name="Communes">{rows}{rest}</table:table-row></table:table>'
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr("content.xml", f"<office:body {names}>{body}</office:body>")
    return path


def of_row(*cells: str, times: int = 1) -> str:
    """Return a row of cells."""
    return f'<table:table-row table:number-rows-repeated="{times}">{"".join(cells)}</table:table-row>'


def of_cell(text: str, kind: str = "", value: str = "") -> str:
    """Return a cell by its text, and its value when it is none."""
    said = f' office:value-type="{kind}" office:{"date-" * (kind == "date")}value="{value}"' if kind else ""
    note = "<office:annotation><text:p>une note</text:p></office:annotation>"
    return f"<table:table-cell{said}>{note}<text:p>{text}</text:p></table:table-cell>"


def test_workbooks_of_libreoffice_are_read_as_those_of_excel(tmp_path):
    titles = of_row(of_cell("code"), of_cell("n"), of_cell("le<text:s text:c='2'/>jour"))
    line = of_row(
        of_cell("01004"), of_cell("12,50", "float", "12.5"), of_cell("1/1/24", "date", "2024-01-01"), times=2
    )
    found = read_table(open_document(tmp_path / "a.ods", titles + line), sheet="Communes")
    assert found.columns.to_list() == ["code", "n", "le  jour"]
    assert found.to_numpy().tolist() == [["01004", "12.5", "2024-01-01"]] * 2
    assert found.index.to_list() == [2, 3]
    refused(tmp_path / "b.ods", (tmp_path / "a.ods").read_bytes()[:-60], "illisible, tronqué")
    full = of_row(*[of_cell("x")] * 60, times=1_000_000)
    refused(tmp_path / "c.ods", open_document(tmp_path / "d.ods", full).read_bytes(), "tableau attendu")


@pytest.mark.parametrize("name", ["a.xlsx", "a.xls"])
def test_broken_workbooks_are_refused(tmp_path, name):
    good = workbook(tmp_path / "good.xlsx", [["a", "b"]] + [[n, n] for n in range(300)]).read_bytes()
    for content in (
        b"",
        b"a;b\n1;2\n",
        good[:-300],
        good[: len(good) // 2],
        b"PK\x03\x04rien",
        b"\xd0\xcf\x11\xe0" + b"\0" * 600,
    ):
        refused(tmp_path / name, content, "classeur")


def test_a_zip_bomb_is_refused_before_it_unpacks(tmp_path, monkeypatch):
    path = tmp_path / "bombe.xlsx"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/a.xml", b"\0" * 20_000_000)
    monkeypatch.setattr(workbooks, "MAX_UNPACKED_BYTES", 10_000_000)
    monkeypatch.setattr(zipfile.ZipFile, "open", lambda *_: pytest.fail("unpacked"))
    with pytest.raises(ReadError, match="une fois décompressé"):
        read_table(path)


def test_a_compressed_text_is_not_unpacked_without_end(tmp_path, monkeypatch):
    path = tmp_path / "bombe.csv.gz"
    path.write_bytes(gzip.compress(b"a;b\n" * 1_000_000))
    monkeypatch.setattr(tables, "MAX_BYTES", 1_000)
    with pytest.raises(ReadError, match="une fois lu"):
        read_table(path)


def test_absent_columns_are_listed_with_the_closest_name(tmp_path):
    table = read_table(write(tmp_path / "a.csv", ROWS))
    with pytest.raises(ReadError) as caught:
        require_columns(table, ["code", "place", "operateur"], path="a.csv")
    assert "« place » absente (vouliez-vous dire « places » ?)" in str(caught.value)
    assert "« operateur » absente (colonnes présentes : code, nom, places)" in str(caught.value)


# letters that all the encodings hold, and what a careless reader trips over
LETTERS = st.text(st.sampled_from("aZ09éèàç ;,|\t\"'\n.-"), max_size=8)


@given(
    st.lists(st.lists(LETTERS, min_size=3, max_size=3), min_size=1, max_size=12),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "latin-1"]),
    st.sampled_from([";", ",", "\t", "|"]),
)
def test_every_table_comes_back_as_it_was(tmp_path_factory, rows, encoding, separator):
    path = tmp_path_factory.mktemp("tables") / "a.csv"
    quoted = [
        ['"' + cell.replace('"', '""') + '"' for cell in row] for row in [["un", "deux", "trois"], *rows]
    ]
    lines = [f"sep={separator}", *(separator.join(row) for row in quoted)]
    path.write_bytes(("\n".join(lines) + "\n").encode(encoding))
    expected = [row for row in rows if any(cell.strip() for cell in row)]
    if not expected:
        with pytest.raises(ReadError):
            read_table(path)
        return
    assert read_table(path).to_numpy().tolist() == expected


@given(st.binary(max_size=200))
def test_any_bytes_give_a_table_or_a_read_error(tmp_path_factory, content):
    path = tmp_path_factory.mktemp("bytes") / "a.csv"
    path.write_bytes(content)
    with contextlib.suppress(ReadError):
        assert len(read_table(path)) > 0
