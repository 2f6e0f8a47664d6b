"""The workbook of the field: the same bytes each time, read back whole, every wrong cell named."""

from __future__ import annotations

import datetime as dt
import zipfile
from functools import partial
from pathlib import Path

import openpyxl
import pandas as pd
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from territory.errors import MissingFileError, OutputError, ParameterError, ReadError, TerritoryWarning
from territory.sources import field_workbook as workbook
from territory.sources import read_template, write_template
from territory.study.own_tables import read_observed_origins
from tests.drawing import examples
from tests.sources.broken import read_or_refuse

COMMUNES = pd.DataFrame(
    {"name": ["Draguignan", "=Salernes"]}, index=pd.Index(["83050", "83121"], name="commune_code")
)
SERVICES = pd.DataFrame(
    {
        "capacity_unit": ["places", "places", "file_active"],
        "age_min": [3.0, 0.0, 0.0],
        "age_max": [20.0, 20.0, 20.0],
    },
    index=pd.MultiIndex.from_tuples(
        [("ime-salernes", "ime"), ("ime-salernes", "sessad"), ("cmpp", "cmpp")], names=["site_id", "service"]
    ),
)
SITES = pd.DataFrame({"name": ["IME de Salernes", "CMPP"]}, index=["ime-salernes", "cmpp"])


@pytest.fixture
def template(tmp_path: Path) -> Path:
    return write_template(tmp_path / "terrain.xlsx", COMMUNES, SERVICES, sites=SITES)


def fill(path: Path, cells: dict[str, object]) -> Path:
    """Write cells given as « feuille!A1 »."""
    book = openpyxl.load_workbook(path)
    for where, value in cells.items():
        sheet, cell = where.split("!")
        book[sheet][cell] = value
    book.save(path)
    return path


def test_the_same_study_gives_the_same_bytes_whatever_the_clock(tmp_path, template, monkeypatch):
    class Later(dt.datetime):
        @classmethod
        def now(cls, tz: dt.tzinfo | None = None) -> dt.datetime:
            return dt.datetime(2031, 5, 6, tzinfo=tz)

    monkeypatch.setattr("openpyxl.writer.excel.datetime.datetime", Later)
    again = write_template(tmp_path / "autre.xlsx", COMMUNES, SERVICES, sites=SITES)
    assert again.read_bytes() == template.read_bytes()
    with zipfile.ZipFile(template) as archive:
        assert {member.date_time[0] for member in archive.infolist()} == {1980}
    other = write_template(tmp_path / "c.xlsx", COMMUNES.iloc[:1], SERVICES)
    assert other.read_bytes() != template.read_bytes()


def test_the_workbook_has_what_is_known_and_asks_for_the_rest(template):
    book = openpyxl.load_workbook(template)
    assert book.sheetnames == [
        workbook.README_SHEET,
        workbook.IDENTITY_SHEET,
        *(sheet.title for sheet in workbook.SHEETS),
        workbook.LISTS_SHEET,
    ]
    rows = list(book["Orientations"].iter_rows(min_row=4, values_only=True))
    # a CMPP needs no orientation
    assert [row[:5] for row in rows] == [
        ("83050", "Draguignan", "ime", 3, 20),
        ("83050", "Draguignan", "sessad", 0, 20),
        ("83121", "=Salernes", "ime", 3, 20),
        ("83121", "=Salernes", "sessad", 0, 20),
    ]
    assert book["Orientations"]["B6"].data_type == "s"
    assert next(book["Établissements"].iter_rows(min_row=4, max_col=3, values_only=True)) == (
        "cmpp",
        "CMPP",
        "cmpp",
    )
    checks = book["Orientations"].data_validations.dataValidation
    assert {check.formula1 for check in checks if check.type == "list"} == {
        "Listes!$A$2:$A$3",
        "Listes!$C$2:$C$4",
    }


def test_an_empty_workbook_answers_nothing(template):
    with pytest.warns(TerritoryWarning, match="à redemander"):
        answers = read_template(template)
    assert answers.organisation == ""
    assert answers.situation_date is None
    assert answers.unanswered == {
        "Orientations": "4 lignes sans réponse (83050 Draguignan ime 3 20, 83050 Draguignan sessad 0 20, "
        "83121 =Salernes ime 3 20…)",
        "Établissements": "3 lignes sans réponse (cmpp CMPP cmpp, ime-salernes IME de Salernes ime, "
        "ime-salernes IME de Salernes sessad)",
        "Budgets": "2 lignes sans réponse (cmpp CMPP, ime-salernes IME de Salernes)",
    }
    for table in (answers.children, answers.reception, answers.activity, answers.budgets):
        assert table.empty


def test_answers_come_back_as_observed_tables(template):
    cells = {
        "Identification!B1": "MDPH du Var",
        "Identification!B2": dt.datetime(2026, 6, 30),
        "Orientations!F4": 12,
        "Orientations!G4": "3",
        "Orientations!H4": 0,
        "Orientations!F5": "s",
        "Lieux d'accueil!A4": 83121,
        "Lieux d'accueil!C4": "ime-salernes",
        "Lieux d'accueil!D4": "IME",
        "Lieux d'accueil!G4": 4,
        "Établissements!D5": "1 234",
        "Établissements!G5": "12,5",
        "Budgets!C4": 2025,
        "Budgets!D4": "1 250 000,50 €",
    }
    fill(template, cells)
    with pytest.warns(TerritoryWarning, match="1 effectif gardé secret par l'expéditeur"):
        answers = read_template(template, communes=COMMUNES.index, services=["ime", "sessad", "cmpp"])
    assert (answers.organisation, answers.situation_date) == ("MDPH du Var", dt.date(2026, 6, 30))
    children = answers.children
    assert children.loc[4, ["commune_code", "service"]].to_list() == ["83050", "ime"]
    assert children.loc[4, ["age_min", "age_max", "orientations", "waiting", "served"]].to_list() == [
        3,
        20,
        12,
        3,
        0,
    ]
    assert children.loc[5, ["orientations", "waiting"]].isna().all()
    assert answers.reception.iloc[0].to_list()[:3] == ["83121", "ime-salernes", "ime"]
    assert answers.reception["children"].to_list() == [4]
    assert answers.activity.loc[5, ["file_active", "staff_etp"]].to_list() == [1234, 12.5]
    assert answers.activity["vacant_etp"].isna().all()
    assert answers.budgets[["year", "budget_eur"]].values.tolist() == [[2025, 1250000.5]]
    for table in (children, answers.reception, answers.activity, answers.budgets):
        assert table["is_observed"].all()


@pytest.mark.parametrize(
    "cells, messages",
    [
        (
            {"Orientations!F4": "douze"},
            ["feuille « Orientations », cellule F4 : « douze » n'est pas un nombre entier"],
        ),
        ({"Orientations!F4": 2.5}, ["cellule F4 : « 2.5 » n'est pas un nombre entier"]),
        ({"Orientations!G5": -1}, ["cellule G5 : « -1 » est négatif"]),
        (
            {"Orientations!F4": 2, "Orientations!G4": 3},
            ["cellule G4 : plus d'enfants en attente que d'orientations"],
        ),
        (
            {"Orientations!D4": 21, "Orientations!F4": 2},
            ["cellule E4 : l'âge maximal est sous l'âge minimal"],
        ),
        ({"Orientations!E4": 2000, "Orientations!F4": 2}, ["cellule E4 : « 2000 » n'est pas un âge"]),
        (
            {"Orientations!A4": "Var", "Orientations!F4": 2},
            ["cellule A4 : « Var » n'est pas un code de commune"],
        ),
        (
            {"Orientations!A4": "83051", "Orientations!F4": 2},
            ["cellule A4 : commune « 83051 » inconnue de l'étude"],
        ),
        (
            {"Orientations!C4": "imé", "Orientations!F4": 2},
            ["cellule C4 : service « imé » inconnu de l'étude"],
        ),
        ({"Orientations!C4": None, "Orientations!F4": 2}, ["cellule C4 : « Service » manque"]),
        (
            {"Orientations!C5": "ime", "Orientations!F4": 2, "Orientations!F5": 2},
            ["cellule A4 : mêmes personnes que la ligne 5"],
        ),
        (
            {"Budgets!C4": 25, "Budgets!D4": 1},
            ["feuille « Budgets », cellule C4 : « 25 » n'est pas une année"],
        ),
        (
            {"Identification!B2": "juin"},
            ["feuille « Identification », cellule B2 : « juin » n'est pas une date"],
        ),
        (
            {"Orientations!F3": "Orientations"},
            ["colonne « Orientations en vigueur » absente (vouliez-vous dire"],
        ),
        (
            {"Orientations!H3": "Enfants en attente"},
            ["« Enfants en attente » 2 fois", "« Enfants accompagnés »"],
        ),
        (
            {"Orientations!F4": "x", "Établissements!G4": "y", "Budgets!D4": "z"},
            ["« Orientations », cellule F4", "« Établissements », cellule G4", "« Budgets », cellule D4"],
        ),
    ],
)
def test_every_wrong_cell_is_named_at_once(template, cells, messages):
    fill(template, cells)
    with pytest.raises(ReadError, match=r"Classeur « terrain\.xlsx »") as caught:
        read_template(
            template, communes=COMMUNES.index, services=["ime", "sessad", "cmpp"], sites=SITES.index
        )
    for message in messages:
        assert message in str(caught.value)


@pytest.mark.filterwarnings("ignore:.*à redemander")
def test_age_bands_side_by_side_are_two_rows(template):
    cells = {"Orientations!C5": "ime", "Orientations!D5": 3, "Orientations!E5": 9, "Orientations!D4": 10}
    answers = read_template(fill(template, cells | {"Orientations!F4": 2, "Orientations!F5": 1}))
    assert answers.children[["age_min", "age_max", "orientations"]].values.tolist() == [
        [10, 20, 2],
        [3, 9, 1],
    ]


def test_a_whole_wrong_column_makes_a_message_that_ends(tmp_path):
    communes = pd.DataFrame(
        {"name": "C"}, index=pd.Index([f"83{number:03d}" for number in range(153)], name="commune_code")
    )
    path = write_template(tmp_path / "a.xlsx", communes, SERVICES)
    fill(path, {f"Orientations!F{row}": "x" for row in range(4, 4 + 306)})
    with pytest.raises(ReadError, match="et 106 autres"):
        read_template(path)


def test_sheets_missing_or_other_files_are_refused(tmp_path, template):
    book = openpyxl.load_workbook(template)
    del book["Budgets"], book["Identification"]
    book.save(template)
    with pytest.raises(ReadError, match=r"feuille « Budgets » absente(?s:.*)« Identification » absente"):
        read_template(template)
    (tmp_path / "b.xlsx").write_bytes(b"PK\x03\x04")
    with pytest.raises(ReadError, match=r"b\.xlsx"):
        read_template(tmp_path / "b.xlsx")
    (tmp_path / "c.xlsx").write_text("a;b\n")
    with pytest.raises(ReadError, match="pas un classeur Excel"):
        read_template(tmp_path / "c.xlsx")
    with pytest.raises(MissingFileError):
        read_template(tmp_path / "absent.xlsx")


def test_what_cannot_be_written_is_refused(tmp_path):
    with pytest.raises(ParameterError, match=r"\.xlsx"):
        write_template(tmp_path / "a.csv", COMMUNES, SERVICES)
    with pytest.raises(ParameterError, match="commune_code"):
        write_template(tmp_path / "a.xlsx", COMMUNES.reset_index(drop=True), SERVICES)
    with pytest.raises(ParameterError, match="site_id"):
        write_template(tmp_path / "a.xlsx", COMMUNES, SERVICES.reset_index(drop=True))
    with pytest.raises(OutputError, match="ne peut pas être écrit"):
        write_template(tmp_path / "absent" / "a.xlsx", COMMUNES, SERVICES)


@examples(3, 200)
@given(
    where=st.sampled_from(["Orientations", "Lieux d'accueil", "Établissements", "Budgets", "Identification"]),
    row=st.integers(1, 8),
    column=st.integers(1, 9),
    value=st.one_of(
        st.text(max_size=12).filter(str.isprintable), st.integers(), st.floats(), st.booleans(), st.dates()
    ),
)
@example(where="Identification", row=2, column=2, value=-693594)
def test_no_cell_ends_in_a_traceback(tmp_path_factory, where, row, column, value):
    folder = tmp_path_factory.mktemp("terrain")
    path = write_template(folder / "terrain.xlsx", COMMUNES, SERVICES)
    book = openpyxl.load_workbook(path)
    cell = book[where].cell(row, column)
    cell.value = value
    if isinstance(value, str):
        cell.data_type = "s"
    book.save(path)
    read_or_refuse(read_template, path)


def test_the_places_of_reception_are_origins_of_a_study(template: Path) -> None:
    holders = {("ime-salernes", "ime"): "autorisation-ime"}
    book = openpyxl.load_workbook(template)
    sheet = book["Lieux d'accueil"]
    titles = [cell.value for cell in sheet[3]]
    for line, (low, high, children) in enumerate(((0, 9, 3), (10, 20, 4)), start=4):
        row = {"Code commune": "83121", "Site": "ime-salernes", "Service": "ime"}
        row |= {"Âge minimal": low, "Âge maximal": high, "Enfants accompagnés": children}
        for title, value in row.items():
            sheet.cell(line, titles.index(title) + 1, value)
    book.save(template)
    read = partial(read_observed_origins, template, communes={"83121"}, authorisations={"autorisation-ime"})
    with pytest.warns(
        TerritoryWarning, match="4 lignes sans réponse .*, feuille « Orientations », à redemander"
    ):
        origins = read(holders=holders)[["commune_code", "authorisation_id", "children"]]
    assert origins.to_numpy().tolist() == [["83121", "autorisation-ime", 7.0]]
    with pytest.warns(TerritoryWarning), pytest.raises(ReadError, match="autorisation inconnue, 1 fois"):
        read()
