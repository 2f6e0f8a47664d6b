"""The filled workbook of the field feeds a study: needs, origins, waits, places held, facts, and what is missing."""

from __future__ import annotations

from pathlib import Path

import openpyxl
import pytest

import territory
from territory.errors import StudyError, TerritoryWarning
from territory.study.state import public_parameters
from territory.workflow.inputs.questions import with_answers
from territory.workflow.setup import write_study_template
from tests import vallon
from tests.workflow.runs import without_documents


def filled(folder: Path, held: tuple[int, int] = (9, 4)) -> Path:
    """Write the workbook of the study with answers, and the study that names it; return the study."""
    study = vallon.copied(folder, vallon.text().replace("[files]\n", '[files]\nanswers = "terrain.xlsx"\n'))
    book = openpyxl.load_workbook(write_study_template(vallon.STUDY, folder / "terrain.xlsx"))
    sheet = book["Orientations"]
    titles = [cell.value for cell in sheet[3]]
    column = {title: titles.index(title) + 1 for title in titles}
    answers = {
        ("03901", "ime"): (30, 6, 24),
        ("03906", "ime"): (25, 4, "s"),
        ("03911", "sessad"): (4, "<11", 3),
    }
    for row in range(4, sheet.max_row + 1):
        key = (sheet.cell(row, column["Code commune"]).value, sheet.cell(row, column["Service"]).value)
        names = ("Orientations en vigueur", "Enfants en attente", "Enfants accompagnés")
        for name, value in zip(names, answers.get(key, (None,) * 3), strict=True):
            sheet.cell(row, column[name], value)
    sheet = book["Établissements"]
    column = {cell.value: place for place, cell in enumerate(sheet[3], 1)}
    for row in range(4, sheet.max_row + 1):
        if sheet.cell(row, column["Service"]).value == "ime":
            told = {"File active": 44, "Sorties dans l'année": 5, "Places amendement Creton": held[0]}
            told |= {"Heures de route par semaine": 12.5, "Places d'enfants d'ailleurs": held[1]}
            for name, value in told.items():
                sheet.cell(row, column[name], value)
    book["Identification"]["B1"], book["Identification"]["B2"] = "MDPH du Vallon", "31/12/2025"
    book.save(folder / "terrain.xlsx")
    return study


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> territory.StudyResult:
    folder = tmp_path_factory.mktemp("terrain")
    study = filled(folder)
    with (
        pytest.warns(TerritoryWarning, match="gardés secrets par l'expéditeur"),
        without_documents(tables=True),
    ):
        return territory.run_study(study, out_dir=folder)


def test_orientations_are_a_need_with_its_total_and_its_source(result: territory.StudyResult) -> None:
    (need,) = (one for one in result.study.need if one.public == "orientations_ime")
    assert (need.kind, need.service, need.known_total) == ("orientation", "ime", 55)
    assert "MDPH du Vallon, situation au 31/12/2025" in need.source
    assert result.baseline.state.demand.xs("orientations_ime", level="public")[
        "demand"
    ].sum() == pytest.approx(55)
    # four orientations are too few to be printed
    assert not [one for one in result.study.need if one.public == "orientations_sessad"]


def test_waits_origins_places_and_facts_come_from_their_sheets(result: territory.StudyResult) -> None:
    state = result.baseline.state
    (wait,) = (one for one in result.study.waiting if one.authorisation == vallon.IME)
    assert (wait.authorisation, wait.waiting, wait.exits_per_year, wait.year) == (vallon.IME, 10, 5, 2025)
    assert result.waits.xs(vallon.IME, level="service")["wait_months"].eq(24).all()
    # where they are served is not said: the MDPH says how many, and one site alone has an IME; « s » is unknown
    served = state.children_served({vallon.IME})
    assert served is not None
    assert served[served > 0].to_dict() == {vallon.TOWN: 24}
    held = state.services["held_places"].xs("ime", level="service")
    assert held.to_list() == [13]
    (fact,) = (one for one in result.study.fact if one.about == vallon.IME and "MDPH" in one.text)
    assert fact.text.startswith("44 personnes suivies dans l'année et 12,5 heures de route par semaine")


def test_a_small_count_is_not_taken_off_a_capacity_that_is_public(
    result: territory.StudyResult, tmp_path: Path
) -> None:
    state = result.baseline.state
    study = result.study.model_copy(update={"folder": filled(tmp_path, held=(4, 2)).parent})
    with pytest.warns(TerritoryWarning, match="gardés secrets"):
        _, services = with_answers(study, state.services, state.population)
    assert services["held_places"].xs("ime", level="service").isna().all()


def test_what_is_still_missing_is_listed_with_whom_to_ask(result: territory.StudyResult) -> None:
    asked = [one for one in result.study.unknown if "Classeur du terrain" in one.question]
    assert {one.ask for one in asked} == {"MDPH du Vallon"}
    assert any(
        "« Orientations » : " in one.question and "lignes sans réponse (03901" in one.question
        for one in asked
    )


def test_answers_stay_in_the_agency(result: territory.StudyResult) -> None:
    said = public_parameters(result.study)
    assert "waiting" not in said
    assert result.report_dir is not None
    assert "held_places" not in (result.report_dir / "tables" / "services.csv").read_text("utf-8")
    assert all(
        "terrain" not in name or len(said) < 64 for name, said in result.manifest["inputs_sha256"].items()
    )


def test_a_workbook_that_is_none_is_refused_with_the_line(tmp_path: Path) -> None:
    study = vallon.copied(tmp_path, vallon.text().replace("[files]\n", '[files]\nanswers = "terrain.xlsx"\n'))
    with pytest.raises(StudyError, match=r"ligne \d+ : fichier absent : « terrain.xlsx »"):
        territory.load_study(study)
    (tmp_path / "terrain.xlsx").write_bytes(b"PK\x03\x04")
    with pytest.raises(StudyError, match=r"ligne \d+ : .*terrain\.xlsx"):
        territory.load_study(study)
