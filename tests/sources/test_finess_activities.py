"""Places of FINESS+: whole capacities only, authorised and installed apart, and what is left out is counted."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from territory.errors import MissingFileError, ReadError, TerritoryWarning
from territory.sources import read_finess_plus_equipment
from territory.supply.equipment import services_from_strata, strata_from_equipment
from territory.tables.schemas import validate
from tests.sources.broken import read_or_refuse


def capacity(status: str, number: object, **details: str) -> dict[str, object]:
    return {"statutCapacite": status, "nombre": number, "uniteMesureCapacite": "02", "genre": None, **details}


def event(code: str, date: str) -> dict[str, str]:
    return {"codeEvenement": code, "dateEvenement": date}


def exercised(**changes: object) -> dict[str, object]:
    kind = {"activiteSocialeRegulee": "844", "modeFonctionnement": "13", "public": "437"}
    specific = {"activiteAeId": None, "typeActiviteAMSR": kind, "ageMinAutorise": "6", "ageMaxAutorise": "20"}
    return {
        "caracteristiquesGeneriques": {"etatObjet": "A", "identifiantAutorisation": "7"},
        "nature": {"codeNature": "ASMR", "caracteristiquesSpecifiques": specific},
        "capacite": [capacity("08", "20"), capacity("08", "12", genre="F"), capacity("09", "24")],
        "evenement": [event("012", "2015-01-01")],
        **changes,
    }


def activities(path: Path, *done: dict[str, object], granted: object = "25") -> Path:
    authorised = {"caracteristiquesGeneriques": {"activiteAeId": "7"}, "capacite": [capacity("09", granted)]}
    site = {"numFinessEge": "830000001", "activitesExercees": list(done)}
    entity = {"numFiness": "830000002", "activitesAutorisees": [authorised], "ege": [site]}
    path.write_text(json.dumps({"generatedAt": "2026-04-01T14:46:05Z", "pmej": [entity]}), encoding="utf-8")
    return path


def test_whole_capacities_are_read_and_become_services(tmp_path):
    path = activities(tmp_path / "a.json", exercised())
    table = read_finess_plus_equipment(path).assign(categetab="183")
    row = table.iloc[0]
    assert row[["capinstot", "capautot", "ageminiaut", "agemaxiaut"]].to_list() == [20, 25, 6, 20]
    assert row[["nofinessej", "de", "ta", "client"]].to_list() == ["830000002", "844", "13", "437"]
    for capacity_of, expected in (("authorised", 25), ("installed", 20)):
        services = services_from_strata(strata_from_equipment(table, capacity=capacity_of), complete=["ime"])
        validate("services", services)
        assert services["capacity"].to_dict() == {("830000001", "ime"): expected}


def test_an_authorisation_that_is_not_found_leaves_the_capacity_of_the_line_or_unknown(tmp_path):
    lone = {"etatObjet": "A", "identifiantAutorisation": "99"}
    done = [
        exercised(caracteristiquesGeneriques=lone),
        exercised(caracteristiquesGeneriques=lone, capacite=[]),
    ]
    table = read_finess_plus_equipment(activities(tmp_path / "a.json", *done))
    assert table["capautot"].fillna(-1).to_list() == [24, -1]
    assert table["capinstot"].fillna(-1).to_list() == [20, -1]


@pytest.mark.parametrize(
    "events, expected",
    [
        ([event("012", "2015-01-01"), event("015", "2016-01-01")], ""),
        ([event("015", "2015-01-01"), event("12", "2016-01-01")], "N"),
        ([event("010", "2015-01-01")], "N"),
        (None, "N"),
    ],
)
def test_the_last_start_or_stop_says_whether_places_are_installed(tmp_path, events, expected):
    table = read_finess_plus_equipment(activities(tmp_path / "a.json", exercised(evenement=events)))
    assert table["indsupinst"].to_list() == [expected]


def test_what_is_left_out_is_counted(tmp_path):
    health = exercised(nature={"codeNature": "AMF", "caracteristiquesSpecifiques": {"typeActiviteAMF": {}}})
    closed = exercised(caracteristiquesGeneriques={"etatObjet": "I"})
    old = exercised()
    old["nature"]["caracteristiquesSpecifiques"]["ageMaxAutorise"] = "2020"  # type: ignore[index]
    path = activities(tmp_path / "a.json", health, closed, old)
    with pytest.warns(TerritoryWarning) as caught:
        read_finess_plus_equipment(path)
    said = " ".join(str(warning.message) for warning in caught)
    assert "1 activité qui n'est plus active laissée de côté" in said
    assert "1 activité sanitaire ou d'enseignement laissée de côté" in said
    assert "1 âge négatif ou au-delà de 120 ans, tenu pour inconnu" in said


def test_other_files_are_refused(tmp_path):
    with pytest.raises(MissingFileError):
        read_finess_plus_equipment(tmp_path / "absent.json")
    path = tmp_path / "a.json"
    for content, message in (
        ('{"pmej": []}', "aucune activité sociale"),
        ('{"pmej": [{"ege": [{"activitesExercees": 3}]}]}', "« activitesExercees » n'est pas une liste"),
        ('{"pmej": [{"ege"', "coupé"),
        ("", "introuvable"),
    ):
        path.write_text(content)
        with pytest.raises(ReadError, match=rf"a\.json.*{message}"):
            read_finess_plus_equipment(path)


@given(
    cut=st.integers(0, 3000), piece=st.sampled_from(["null", "[]", "{}", '"x"', "-1", "1e400", '"', "]", ""])
)
def test_no_altered_file_ends_in_a_traceback(tmp_path_factory, cut, piece):
    path = activities(tmp_path_factory.mktemp("activites") / "a.json", exercised())
    content = path.read_text()
    cut %= len(content)
    path.write_text(content[:cut] + piece + content[cut + len(piece) :])
    read_or_refuse(read_finess_plus_equipment, path)
