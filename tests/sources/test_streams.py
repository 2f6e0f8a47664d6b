"""Large tables line by line, and commune codes as spreadsheets leave them."""

from __future__ import annotations

import gzip
import tracemalloc
import warnings
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from territory.errors import MissingFileError, ParameterError, ReadError, TerritoryWarning
from territory.geography.communes import commune_of_arrondissement
from territory.sources import read_table
from territory.sources.text import tables
from territory.sources.text.cells import (
    check_departements,
    clean_codes,
    in_departements,
    pad_code,
    pad_codes,
    without_arrondissements,
)
from territory.sources.text.tables import TableStream, read_columns

CELLS = st.text(st.characters(codec="utf-8", exclude_characters="\x00\r\n\ufeff"), max_size=6)


@given(
    rows=st.lists(st.tuples(CELLS, CELLS, CELLS), min_size=1, max_size=6), end=st.sampled_from(["\n", "\r\n"])
)
def test_a_stream_reads_what_read_table_reads(tmp_path_factory, rows, end):
    path = tmp_path_factory.mktemp("flux") / "a.csv"
    cells = [["un", "deux", "trois"], *rows]
    lines = [";".join('"' + cell.replace('"', '""') + '"' for cell in row) for row in cells]
    path.write_bytes((end.join(lines) + end).encode())
    try:
        expected = read_table(path)
    except ReadError:
        # nothing but empty lines
        with pytest.raises(ReadError):
            read_columns(TableStream(path), ["un", "trois"])
        return
    found = read_columns(TableStream(path), ["un", "trois"])
    blank = found.index.difference(expected.index)
    assert found.loc[blank].apply(lambda column: column.str.strip()).eq("").all(axis=None)
    pd.testing.assert_frame_equal(found.drop(blank), expected[["un", "trois"]])


ODD = ("", "\n", ";;\n", 'a;"b";c\n', " ;b; é\n", "a;b;c;\n", "a;b\n", "a;b;\r\n", "a;b;c;d\n")


@pytest.mark.parametrize("end", ["", "\n", ";\n"])
@pytest.mark.parametrize("odd", ODD)
@pytest.mark.parametrize("gz", [False, True])
def test_a_large_table_is_read_as_a_small_one(tmp_path, monkeypatch, odd, end, gz):
    path = tmp_path / ("a.csv.gz" if gz else "a.csv")
    content = ("un;deux; trois\n" + "a;b;c\n" * 20 + odd + "x;y;z\n" * 20 + end).encode()
    path.write_bytes(gzip.compress(content) if gz else content)

    def read():
        try:
            return read_columns(TableStream(path), ["deux"], keep=lambda part: part["deux"] != "b")
        except ReadError as error:
            return str(error)

    slow = read()
    monkeypatch.setattr(tables, "_QUICK_FROM_BYTES", 0)
    monkeypatch.setattr(tables, "_ROWS", 7)
    quick = read()
    if isinstance(slow, str):
        assert quick == slow
    else:
        pd.testing.assert_frame_equal(quick, slow)


def test_a_large_table_without_quotes_is_read_by_blocks(tmp_path, monkeypatch):
    path = tmp_path / "a.csv"
    path.write_bytes(b"un;deux\n" + b"a;b\n" * 10)
    monkeypatch.setattr(tables, "_QUICK_FROM_BYTES", 0)
    monkeypatch.setattr(tables, "_parts", None)
    assert read_columns(TableStream(path), ["deux"]).index.to_list() == list(range(2, 12))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "latin-1"])
@pytest.mark.parametrize("suffix", ["csv", "csv.gz"])
def test_encodings_and_gzip_are_told(tmp_path, encoding, suffix):
    content = "code;nom\n01004;Ambérieu\n\n83069;Hyères\n".encode(encoding)
    path = tmp_path / f"a.{suffix}"
    path.write_bytes(gzip.compress(content) if suffix.endswith("gz") else content)
    table = read_columns(TableStream(path), ["nom"])
    assert table["nom"].to_dict() == {2: "Ambérieu", 4: "Hyères"}


def test_a_letter_of_windows_far_in_the_file_is_read(tmp_path):
    path = tmp_path / "a.csv"
    # five megabytes of few lines: it is the place that counts
    line = b"01004;" + b"T" * 1_000 + b"\n"
    path.write_bytes(b"code;nom\n" + line * 5_000 + "83069;Hyères\n".encode("cp1252"))
    found = read_columns(TableStream(path), ["nom"], keep=lambda part: part["nom"] != "T" * 1_000)
    assert found["nom"].to_list() == ["Hyères"]


@pytest.mark.slow
def test_memory_does_not_grow_with_the_file(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes(b"code;nom\n" + b"01004;Trans\n" * 150_000)
    tracemalloc.start()
    assert read_columns(TableStream(path), ["nom"], keep=lambda part: part["nom"] == "personne").empty
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 15_000_000


@pytest.mark.slow
def test_a_line_of_200_megabytes_is_refused_without_being_held(tmp_path):
    path = tmp_path / "a.csv"
    with path.open("wb") as file:
        file.write(b"code;nom\n01004;")
        for _ in range(200):
            file.write(b"x" * 1_000_000)
    tracemalloc.start()
    with pytest.raises(ReadError, match=r"a\.csv », ligne 2 : plus de 1000000 caractères"):
        read_columns(TableStream(path), ["nom"])
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 80_000_000


@pytest.mark.parametrize(
    "content, message",
    [
        (b"", "vide"),
        (b"a;b\n1;2;3\n", "ligne 2 : 3 cellules au lieu de 2"),
        (b"a;a\n1;2\n", "en double : a"),
        (b'a;b\n"1;2\n', "guillemet"),
        (b"a;b\n", "aucune donnée"),
        (b"a;b\n1;\x81\xe9\n", "illisible en UTF-8 comme en Latin-1"),
        (b"a\x00;b\n1;2\n", "pas un texte"),
    ],
)
def test_broken_streams_are_refused(tmp_path, content, message):
    path = tmp_path / "a.csv"
    path.write_bytes(content)
    with pytest.raises(ReadError, match=rf"a\.csv.*{message}"):
        read_columns(TableStream(path), ["a"])


def test_absent_and_truncated_files(tmp_path):
    with pytest.raises(MissingFileError):
        TableStream(tmp_path / "absent.csv")
    path = tmp_path / "a.csv.gz"
    path.write_bytes(gzip.compress(b"a;b\n" + b"1;2\n" * 9000)[:-20])
    with pytest.raises(ReadError, match="tronquée"):
        read_columns(TableStream(path), ["a"])


# codes


@given(st.lists(st.from_regex(r"\A(0[1-9]|[1-8][0-9]|9[0-57]|2A|2B)[0-9]{3}\Z"), min_size=1, max_size=5))
def test_zeros_come_back_whatever_took_them(codes):
    lost = [code.removeprefix("0") for code in codes]
    assert pad_codes(pd.Series(lost)).to_list() == codes
    assert [pad_code(f"{code}.0" if code.isdigit() else code.lower()) for code in lost] == codes
    with warnings.catch_warnings():
        # how many were mended is said
        warnings.simplefilter("ignore", TerritoryWarning)
        assert clean_codes(pd.Series(lost), path=Path("a.csv")).to_list() == codes


@pytest.mark.parametrize("code", ["8305\u0660", "830\u0665", "2A00\u0664"])
def test_digits_of_other_scripts_are_no_code(code):
    assert pad_code(code) == code == pad_codes(pd.Series([code])).iloc[0]
    with pytest.raises(ReadError, match="code de commune"):
        clean_codes(pd.Series([code]), path=Path("a.csv"))


def test_arrondissements_are_those_of_geography():
    for code in ("75101", "75120", "69381", "69389", "13201", "13216", "83050", "69390", "13217", "75121"):
        commune = commune_of_arrondissement(code)
        table = pd.DataFrame({"code": ["75056", "69123", "13055", code]})
        if commune == code:
            assert len(without_arrondissements(table, table["code"], path="a.csv")) == 4
            continue
        with pytest.warns(TerritoryWarning, match=rf"1 arrondissement laissé de côté \({code}\)"):
            assert len(without_arrondissements(table, table["code"], path="a.csv")) == 3


def test_departements_are_checked_and_overseas_ones_have_three_digits():
    assert check_departements(None) is None
    kept = check_departements({"974", "2A"})
    assert [in_departements(code, kept) for code in ("97411", "2A004", "97209", "83050")] == [
        True,
        True,
        False,
        False,
    ]
    with pytest.raises(ParameterError, match=r"2 codes de département inconnus \(2C, 7\)"):
        check_departements(["7", "2C"])
