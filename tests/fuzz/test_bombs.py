"""Files that are small and ask for the memory or the time of the whole machine."""

from __future__ import annotations

import gzip
import io
import subprocess
import sys
import zipfile
from pathlib import Path

import openpyxl
import pytest

from territory import network, sources
from territory.errors import NetworkError, ReadError
from territory.sources.text import workbooks
from territory.sources.text.workbooks import declares_type
from tests.fuzz.readers import targets

LAUGHS = "<!DOCTYPE l [<!ENTITY a0 'ha'>{}]>".format(
    "".join(f"<!ENTITY a{n} '{f'&a{n - 1};' * 10}'>" for n in range(1, 12))
)
OUTSIDE = "<!DOCTYPE l [<!ENTITY a11 SYSTEM 'file:///etc/passwd'>]>"
OSM = "<?xml version='1.0'?>{}<osm version='0.6'><node id='1' lat='43.5' lon='6.4'><tag k='a' v='&a11;'/></node></osm>"


def workbook(change: dict[str, bytes]) -> bytes:
    """Return a workbook of which some parts are replaced."""
    book, packed = openpyxl.Workbook(), io.BytesIO()
    assert book.active is not None
    book.active.append(["code", "places"])
    book.active.append(["01004", 12])
    book.save(packed)
    spoilt = io.BytesIO()
    with zipfile.ZipFile(packed) as source, zipfile.ZipFile(spoilt, "w", zipfile.ZIP_DEFLATED) as target:
        for name in source.namelist():
            target.writestr(name, change.get(name, source.read(name)))
    return spoilt.getvalue()


def sheet(rows: str) -> dict[str, bytes]:
    """Return the part of a workbook that holds its sheet."""
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    return {
        "xl/worksheets/sheet1.xml": f'<worksheet xmlns="{main}"><sheetData>{rows}</sheetData></worksheet>'.encode()
    }


@pytest.mark.parametrize("doctype", [LAUGHS, OUTSIDE])
def test_entities_of_a_map_are_refused(tmp_path: Path, doctype: str) -> None:
    path = tmp_path / "a.osm"
    path.write_text(OSM.format(doctype), encoding="utf-8")
    with pytest.raises(NetworkError):
        network.read_osm(path)


@pytest.mark.parametrize("doctype", [LAUGHS, OUTSIDE])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_entities_of_a_graph_are_refused(tmp_path: Path, doctype: str, encoding: str) -> None:
    path = tmp_path / "a.graphml"
    text = targets()["graphml"].seeds(tmp_path)[0].decode().replace("utf-8", encoding)
    head, mark, rest = text.partition("?>")
    path.write_bytes(f"{head}{mark}{doctype}{rest}".encode(encoding))
    with pytest.raises(NetworkError, match="entités XML"):
        network.from_osmnx(path)


@pytest.mark.parametrize(
    "part", ["xl/workbook.xml", "xl/worksheets/sheet1.xml", "xl/_rels/workbook.xml.rels"]
)
def test_entities_of_a_workbook_are_refused(tmp_path: Path, part: str) -> None:
    path = tmp_path / "a.xlsx"
    path.write_bytes(workbook({part: f"<?xml version='1.0'?>{LAUGHS}<a>&a11;</a>".encode()}))
    with pytest.raises(ReadError, match="entités XML"):
        sources.read_table(path)
    with pytest.raises(ReadError, match="entités XML"):
        workbooks.sheet_names(path.read_bytes(), path)


@pytest.mark.parametrize(
    "text, expected",
    [
        (b"", False),
        (b"<a/>", False),
        (b"<?xml version='1.0'?><!-- <!DOCTYPE a> --><a/>", False),
        (b"<a><![CDATA[<!DOCTYPE a>]]></a>", False),
        (b"<!DOCTYPE a><a/>", True),
        ("<?xml version='1.0' encoding='utf-16'?><!DOCTYPE a><a/>".encode("utf-16"), True),
        (b" " * 40_000 + b"<!DOCTYPE a [<!ENTITY b 'c'>]><a/>", True),
        (b"\x00\x01", False),
    ],
)
def test_document_types_are_seen_wherever_they_may_stand(text: bytes, expected: bool) -> None:
    assert declares_type(io.BytesIO(text)) is expected


@pytest.mark.parametrize(
    "rows",
    [
        '<row r="999999999"><c r="A999999999"><v>1</v></c></row>',
        '<row r="1048577"><c r="A1048577"><v>1</v></c></row>',
        '<row r="9000"><c r="XFD9000"><v>1</v></c></row>',
    ],
)
def test_cells_at_the_end_of_the_world_are_refused(
    tmp_path: Path, rows: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workbooks, "MAX_ROWS", 10_000)
    monkeypatch.setattr(workbooks, "MAX_CELLS", 1_000_000)
    path = tmp_path / "a.xlsx"
    path.write_bytes(workbook(sheet(rows)))
    with pytest.raises(ReadError, match="ce n'est pas un tableau attendu"):
        sources.read_table(path)


def test_a_workbook_that_unpacks_to_far_more_than_it_is_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workbooks, "_RATIO_FROM_BYTES", 1_000_000)
    path = tmp_path / "a.xlsx"
    path.write_bytes(workbook({"xl/styles.xml": b"<a>" + b" " * 5_000_000 + b"</a>"}))
    with pytest.raises(ReadError, match="refusé par prudence"):
        sources.read_table(path)


@pytest.mark.skipif(sys.platform != "linux", reason="memory is limited by means of Linux")
def test_a_small_file_is_read_in_little_memory(tmp_path: Path) -> None:
    """What is allowed for the largest table is not taken for the smallest."""
    path = tmp_path / "a.csv"
    path.write_text("code;places\n01004;12\n", encoding="utf-8")
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(path.read_bytes()))
    program = (
        "import resource, sys; from territory.sources import read_table; import pandas, pyarrow;"
        "pages = int(open('/proc/self/statm').read().split()[0]);"
        "most = pages * resource.getpagesize() + 500_000_000;"
        "resource.setrlimit(resource.RLIMIT_AS, (most, most));"
        "[read_table(path) for path in sys.argv[1:]]"
    )
    command = [sys.executable, "-c", program, str(path), f"{path}.gz"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
