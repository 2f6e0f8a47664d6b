"""The small parts that readers are made of, each on the cells that it is for."""

from __future__ import annotations

import gzip
import io
import math
from pathlib import Path

import pandas as pd
import pytest

from territory.errors import ReadError, TerritoryWarning
from territory.sources.fetching.fetch import is_catalogue
from territory.sources.fetching.raw_folder import check_type, format_of, size_text
from territory.sources.producers.finess.extracts import as_sites, commune_of, projection_of, to_degrees
from territory.sources.producers.finess.finess_plus import entities, listed, number_of, part, text_of
from territory.sources.text.cells import (
    check_departements,
    clean_codes,
    in_departements,
    pad_code,
    pad_codes,
    without_arrondissements,
)
from territory.sources.text.tables import (
    TableStream,
    decode,
    guess_separator,
    open_bytes,
    read_bytes,
    read_columns,
    split,
)
from territory.sources.text.workbooks import declares_type, read_workbook, sheet_names


def test_codes_get_back_what_spreadsheets_take_away() -> None:
    written = pd.Series(["1004", "2a004", "97411"])
    with pytest.warns(TerritoryWarning, match=r"2 codes réparés \(« 1004 » lu 01004\)"):
        assert clean_codes(written, path="a.csv").to_list() == ["01004", "2A004", "97411"]
    assert pad_codes(pd.Series(["1004.0", " 2a004"])).to_list() == ["01004", "2A004"]
    assert (pad_code("1004"), pad_code(" 2a004")) == ("01004", "2A004")


def test_arrondissements_stay_where_their_commune_is_absent() -> None:
    table = pd.DataFrame({"code": ["13201", "69381"]})
    assert len(without_arrondissements(table, table["code"], path="a.csv")) == 2


def test_departements_are_two_or_three_characters() -> None:
    assert in_departements("97411", frozenset({"974"}))
    assert not in_departements("2A004", frozenset({"20"}))
    assert sorted(check_departements(["83", "2A"]) or ()) == ["2A", "83"]


def test_streams_give_titles_and_the_rows_wanted(tmp_path: Path) -> None:
    path = tmp_path / "bpe.csv"
    path.write_text("DEPCOM;TYPEQU\n83050;D265\n83050;B203\n")
    stream = TableStream(path)
    assert stream.titles == ["DEPCOM", "TYPEQU"]
    assert list(stream.rows(["TYPEQU"])) == [(2, ["D265"]), (3, ["B203"])]
    kept = read_columns(TableStream(path), ["DEPCOM", "TYPEQU"], keep=lambda part: part["TYPEQU"] == "D265")
    assert kept.index.to_list() == [2]


def test_packed_files_are_read_as_they_are(tmp_path: Path) -> None:
    path = tmp_path / "a.csv.gz"
    path.write_bytes(gzip.compress(b"COM"))
    assert read_bytes(path) == b"COM"
    with open_bytes(path) as file:
        assert file.read() == b"COM"


def test_text_is_decoded_and_cut() -> None:
    places = Path("places.csv")
    assert decode("Hyères".encode("latin-1"), Path("communes.csv")) == "Hyères"
    assert split("code;places\n01004;12,5\n", places) == [(1, ["code", "places"]), (2, ["01004", "12,5"])]
    assert guess_separator("code;places\n01004;12,5\n", places) == ";"


def test_sheets_are_rows_of_text() -> None:
    openpyxl = pytest.importorskip("openpyxl")
    book, buffer = openpyxl.Workbook(), io.BytesIO()
    book.active.append(["code", "places"])
    book.active.append(["01004", 12])
    book.save(buffer)
    path = Path("places.xlsx")
    assert read_workbook(buffer.getvalue(), path) == [(1, ["code", "places"]), (2, ["01004", "12"])]
    assert sheet_names(buffer.getvalue(), path) == ["Sheet"]
    assert not declares_type(io.BytesIO(b"<osm/>"))
    assert declares_type(io.BytesIO(b"<!DOCTYPE osm [<!ENTITY a 'b'>]><osm/>"))


def test_files_are_what_their_name_says(tmp_path: Path) -> None:
    assert (format_of("provence.osm.pbf"), format_of("ID_2023r.CSV")) == ("pbf", "csv")
    assert [size_text(count) for count in (1_032_385, 1, 999)] == ["1,0 Mo", "1 octet", "999 octets"]
    assert is_catalogue("https://www.data.gouv.fr/api/1/datasets/finess-structures-1/")
    path = tmp_path / "communes.csv"
    path.write_text("<!DOCTYPE html><title>Maintenance</title>")
    with pytest.raises(
        ReadError, match=r"« communes.csv » : c'est une page web \(HTML\), pas un fichier csv"
    ):
        check_type(path)


def test_parts_of_finess_plus(tmp_path: Path) -> None:
    path = tmp_path / "finess.json"
    path.write_text('{"generatedAt": "2026-03-09T15:49:37Z", "pmej": [{"ege": []}]}')
    assert list(entities(path)) == [({"ege": []}, "2026-03-09")]
    assert listed(None, 1, path) == []
    assert listed([{"egeId": "2"}], 1, path) == [{"egeId": "2"}]
    assert number_of("0.97") == 0.97
    assert math.isnan(number_of(None))
    assert part({"adresse": {"cogCommune": "01053"}}, "adresse") == {"cogCommune": "01053"}
    assert part({"adresse": None}, "adresse") == {}
    assert (text_of({"siret": "772 "}, "siret"), text_of({}, "siret")) == ("772", "")


def test_places_of_finess() -> None:
    pairs = (("83", "50"), ("2A", "004"), ("9D", "411"), ("9A", "127"))
    assert [commune_of(*pair) for pair in pairs] == ["83050", "2A004", "97411", "97801"]
    metropolitan = "1,ATLASANTE,96,BAN,L93_METROPOLE"
    assert projection_of(metropolitan) == 2154
    assert projection_of("2,ATLASANTE,89,BAN,EPSG:4471 RGM04/UTM zone 38S (Mayotte)") == 4471
    assert projection_of("2,ATLASANTE,90,BAN,WGS84/UTM zone 21N (St-Pierre-et-Miquelon)") == 32621
    points = pd.DataFrame({"x": [989000.0], "y": [6279000.0], "projection": [metropolitan]})
    assert to_degrees(points, path="finess.csv").round(2).to_numpy().tolist() == [[6.58, 43.55]]
    said = {"site_id": ["830000287"], "name": "CH", "category_code": "355", "commune_code": "83050"}
    rows = pd.DataFrame({**said, "operator_id": "830100525", "longitude": 6.46, "latitude": 43.53})
    sites = as_sites(rows, source="FINESS", path="finess.csv")
    assert sites.loc["830000287", "point_precision"] == "address"
