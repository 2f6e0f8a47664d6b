"""The CSV files as pandas, polars, the csv module and a French Excel read them; the package; the workbook on paper."""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
import subprocess
from pathlib import Path

import openpyxl
import pandas as pd
import pikepdf
import pytest

from territory.release import release
from territory.report.files.workbook import full_sheets, reader_bytes
from territory.report.files.writers import Sheet, data_package, write_excel_csv, write_table
from territory.tables.catalogue import table_of
from tests.report.worlds import few, published, reading, world

CODES = pd.DataFrame(
    {
        "commune_code": ["01004", "83050", "2A004"],
        "siret": ["26830015300017", None, "1"],
        "name": ['L\'Abergement; "Été"', "Œ\nb", "=1+1"],
        "travel_time_min": [1.5, float("nan"), 1234.0],
    }
)


def test_every_reader_of_csv_reads_the_same(tmp_path: Path) -> None:
    polars = pytest.importorskip("polars", reason="polars is not installed")
    write_table(CODES, tmp_path / "sites")
    path = tmp_path / "sites.csv"
    by_pandas = pd.read_csv(path, dtype={"commune_code": str})
    by_polars = polars.read_csv(path, schema_overrides={"commune_code": polars.String})
    with path.open(encoding="utf-8", newline="") as stream:
        by_csv = list(csv.DictReader(stream))
    assert by_pandas["commune_code"].tolist() == CODES["commune_code"].tolist()
    assert by_polars["commune_code"].to_list() == CODES["commune_code"].tolist()
    assert [row["commune_code"] for row in by_csv] == CODES["commune_code"].tolist()
    assert by_polars["travel_time_min"].to_list() == [1.5, None, 1234.0]
    assert by_pandas["name"].tolist() == [row["name"] for row in by_csv] == by_polars["name"].to_list()


def test_a_french_excel_reads_its_own() -> None:
    sheet = full_sheets({"sites": CODES.rename(columns={"travel_time_min": "area_km2"})}, reading("usual"))[
        "sites"
    ]
    said = io.BytesIO()

    class Place:
        def open(self, *args: str, **how: str) -> io.TextIOWrapper:
            wrapper = io.TextIOWrapper(said, encoding=how["encoding"], newline="")
            wrapper.close = wrapper.flush  # type: ignore[method-assign]
            return wrapper

    write_excel_csv(sheet, Place())  # type: ignore[arg-type]
    assert said.getvalue().startswith(b"\xef\xbb\xbf")
    rows = list(csv.reader(said.getvalue().decode("utf-8-sig").splitlines(keepends=True), delimiter=";"))
    assert rows[0][0] == "Code commune"
    codes = [row[0] for row in rows[1:]]
    # a column of codes is one of texts as soon as one of them would lose its zero
    assert codes == ['="01004"', '="83050"', '="2A004"']
    at = rows[0].index("SIRET")
    assert [row[at] for row in rows[1:]] == ['="26830015300017"', "", '="1"']
    assert [row[-1] for row in rows[1:]] == ["1,5", "", "1234"]
    assert rows[3][rows[0].index("Nom")] == "'=1+1"


def test_shares_are_percentages(tmp_path: Path) -> None:
    sheet = Sheet("A", ["Part (%)"], [[0.1041], [1]], [10], formats=["percent"])
    write_excel_csv(sheet, tmp_path / "a.csv")
    assert (tmp_path / "a.csv").read_text("utf-8-sig").split() == ["Part", "(%)", "10,41", "%", "100", "%"]


@pytest.mark.parametrize("name", few("observed"))
def test_the_package_describes_every_table(name: str) -> None:
    package = data_package(release(world(name)))
    assert re.fullmatch(r"[a-z0-9._/-]+", package["name"])
    assert package["profile"] == "tabular-data-package"
    assert package["title"]
    json.dumps(package, allow_nan=False)
    tables = published(name)
    found = {one["name"]: one for one in package["resources"]}
    assert set(found) == {one.lower() for one in tables}
    for key, table in tables.items():
        one = found[key.lower()]
        # what the specification requires of a tabular resource
        assert re.fullmatch(r"[a-z0-9._/-]+", one["name"])
        assert {"path", "profile", "schema", "title", "encoding"} <= set(one)
        assert one["path"] == f"tables/{key}.csv"
        fields = {field["name"]: field for field in one["schema"]["fields"]}
        assert list(fields) == list(table.columns)
        text = table.to_csv(index=False)
        missing = set(one["schema"]["missingValues"])
        rows = list(csv.DictReader(io.StringIO(text)))
        for column, field in fields.items():
            assert field["title"]
            assert field["description"]
            if field["type"] in ("number", "integer"):
                values = [float(row[column]) for row in rows if row[column] not in missing]
                least = field.get("constraints", {}).get("minimum", -float("inf"))
                assert all(value >= least for value in values), (key, column)
            if field["type"] == "boolean":
                assert {row[column] for row in rows} <= missing | {"True", "False"}, (key, column)
        if wanted := one["schema"].get("primaryKey"):
            assert wanted == table_of(key).table.keys.split()
            assert not table.duplicated(wanted).any(), key
        for foreign in one["schema"].get("foreignKeys", ()):
            other = tables[foreign["reference"]["resource"]]
            assert set(table[foreign["fields"][0]]) <= set(other[foreign["reference"]["fields"][0]])
    assert found["services"]["schema"]["foreignKeys"][0]["reference"]["resource"] == "sites"


def test_what_one_reads_has_names_and_answers() -> None:
    book = openpyxl.load_workbook(io.BytesIO(reader_bytes(published("usual"), reading("usual"))))
    assert {"Gagnants et perdants", "Écarts par commune", "Temps par commune", "Sites et places"} <= set(
        book.sheetnames
    )
    for sheet in book.worksheets[1:]:
        heads = [str(cell.value) for cell in sheet[1]]
        # more columns than that are not read on a page
        assert len(heads) <= 20, sheet.title
        if "Code commune" in heads:
            assert {"Commune", "Nom", "Code commune (nom)"} & set(heads), sheet.title
    names = {cell.value for cell in book["Sites et places"]["B"]} | {
        cell.value for cell in book["Sites et places"]["C"]
    }
    assert set(reading("usual").release.sites["name"].head(3)) <= names


@pytest.mark.slow
@pytest.mark.parametrize("name", few("usual", among=("usual", "markup", "observed")))
def test_the_workbook_opens_and_prints_one_page_wide(name: str, tmp_path: Path) -> None:
    office = shutil.which("soffice")
    if office is None:
        pytest.skip("LibreOffice is not installed")
    path = tmp_path / "tables.xlsx"
    path.write_bytes(reader_bytes(published(name), reading(name)))
    home = f"-env:UserInstallation={(tmp_path / 'home').as_uri()}"
    for kind in ("pdf", "xlsx"):
        command = [
            office,
            home,
            "--headless",
            "--convert-to",
            kind,
            "--outdir",
            str(tmp_path / "back"),
            str(path),
        ]
        subprocess.run(command, check=True, capture_output=True, timeout=240)
    ours, theirs = (openpyxl.load_workbook(one) for one in (path, tmp_path / "back" / "tables.xlsx"))
    assert ours.sheetnames == theirs.sheetnames
    for sheet in ours.worksheets:
        for row in sheet.iter_rows():
            for cell in row:
                # codes keep their zeros, numbers their value and texts their signs
                read = theirs[sheet.title][cell.coordinate]
                wanted = pytest.approx(cell.value) if isinstance(cell.value, int | float) else cell.value
                # LibreOffice keeps no cell for an empty text
                assert (wanted == "" and read.value is None) or read.value == wanted, cell.coordinate
                assert bool(read.hyperlink) == bool(cell.hyperlink)
    with pikepdf.open(tmp_path / "back" / "tables.pdf") as paper:
        boxes = [[float(side) for side in page.mediabox] for page in paper.pages]
    # lying sheets of A4, after the summary, and none of the second page that a column too many would make
    lying = [box for box in boxes if box[2] > box[3]]
    assert {round(box[2]) for box in lying} == {842}
    assert len(lying) <= sum(1 + sheet.max_row // 20 for sheet in ours.worksheets[1:])
