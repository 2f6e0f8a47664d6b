"""The small parts that a study file is read with."""

from __future__ import annotations

import pandas as pd
import pytest

from territory.datasets.slots import slot_of, slots_fed_by
from territory.errors import StudyError
from territory.study.load import key_lines, migrate, parse_study, paths_outside, readable
from territory.study.own_tables import kinds, unknown
from territory.study.state import is_public
from territory.study.words.changes import CloseSite, MoveSite
from territory.study.words.model import Study, expand_departements
from territory.study.words.scenario import contradictions
from tests import vallon


def test_names_that_nobody_declares_are_near_another() -> None:
    said = unknown("site", "ime-salerne", {"ime-salernes", "cmp-trans"})
    assert said == "site inconnu « ime-salerne » ; vouliez-vous dire ime-salernes ?"


def test_versions_of_a_file() -> None:
    raw = {"schema_version": 1, "id": "essai"}
    assert migrate(raw) == raw
    with pytest.raises(StudyError, match="schema_version 2 : ce fichier vient d'une version plus récente"):
        migrate({"schema_version": 2})


def test_keys_have_lines_and_paths_stay_inside() -> None:
    assert key_lines('id = "essai"\n[[site]]\nid = "a"\n[[site]]\nid = "b"')[("site", 1, "id")] == 5
    raw = {"files": {"roads": "../a.osm.pbf", "distancier": "temps/a.csv"}}
    assert [place for place, _ in paths_outside(raw)] == [("files", "roads")]


def test_what_can_be_read_of_a_wrong_file() -> None:
    raw = {"id": "essai", "populaton": "rp2021", "site": [{"id": "ici", "longitude": "?"}]}
    study = readable(Study, raw)
    assert (study.id, study.title, study.site[0].id, study.site[0].longitude) == ("essai", None, "ici", None)


def test_which_digests_are_published() -> None:
    names = ("data.cog: v_commune_2024.csv", "files.roads: var.osm.pbf")
    assert all(is_public(name) for name in names)
    secret = ("files.observed_origins: origines.csv", "grouping.table: budgets.csv")
    assert not any(is_public(name) for name in secret)


def test_kinds_departements_and_slots() -> None:
    assert list(kinds(pd.Index(["ime", "ime@ime-y"]))) == ["ime", "ime"]
    assert expand_departements(["83"]) == ("83",)
    assert len(expand_departements(["all"])) == 96
    assert slot_of("populations.rp2021").table == "population"
    assert [slot.key for slot in slots_fed_by("sae")] == ["emergencies", "hospitals"]


def test_moved_and_closed_contradict_each_other() -> None:
    moving = MoveSite(authorisation_ids=("ime-x",), to_site_id="ici")
    found = list(contradictions([moving, CloseSite(authorisation_id="ime-x")], {}))
    assert found == [(1, "« ime-x » est déplacée et fermée")]


def test_a_character_that_no_page_shows_is_refused_with_its_line() -> None:
    text = vallon.text().replace('title = "Une plateforme', 'title = "\\u0007Une plateforme')
    with pytest.raises(StudyError, match=r"ligne \d+ : .*U\+0007"):
        parse_study(text, subject="Étude", folder=vallon.FOLDER)
    empty = vallon.text().replace('title = "Une plateforme à Vallon"', 'title = ""')
    with pytest.raises(StudyError, match="un texte est attendu"):
        parse_study(empty, subject="Étude", folder=vallon.FOLDER)
