"""What is wrong in a question of grouping is said with its line, before anything is computed."""

from __future__ import annotations

from pathlib import Path

import pytest

import territory
from territory.errors import StudyError

HEAD = """\
id = "essai"
title = "Essai"
question = "Quels groupes ?"
[territory]
name = "Var"
departement_codes = ["83"]
[[grouping]]
id = "g"
name = "Groupes"
service = "ehpad"
"""


def load(folder: Path, lines: str) -> territory.Study:
    path = folder / "essai.toml"
    path.write_text(HEAD + lines, encoding="utf-8")
    return territory.load_study(path)


def test_a_right_question_is_read(tmp_path: Path) -> None:
    study = load(tmp_path, 'min_size = 4\nmax_time_min = 60\nsupport_site_id = "830000345"\n')
    assert study.grouping[0].statuses == ("public",)
    assert study.at("grouping", 0) == "ligne 7 : "


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ('min_size = 4\nstatuses = ["publique"]', r"ligne 12 : .*« publique » n'est pas permis.*'public'"),
        ("min_size = 30", r"ligne 11 : 30 par groupe ne peut pas être atteint : les 21 établissements"),
        ("min_size = 6\nn_groups = 4", r"ligne 11 : 6 par groupe .* pour 4 groupe"),
        ("min_size = 2.5", r"ligne 7 : .*un nombre entier de membres"),
        ('min_size = 100\nsize = "places"', r"ligne 12 : places inconnues pour 21 établissements sur 21"),
        ('min_size = 25e6\nsize = "budget"', r"aucun fichier ouvert ne donne le budget"),
        ('min_size = 2\ntable = "absente.csv"', r"ligne 12 : fichier absent : « absente.csv »"),
        ('min_size = 2\nsupport_site_id = "83"', r"ligne 12 : site inconnu « 83 »"),
        ('min_size = 2\nexcluded_site_ids = ["ehpad-83069"]', r"ligne 12 : site inconnu.*ehpad-83069-"),
        ('min_size = 2\npooled_services = ["rh"]', r"ligne 12 : service partagé inconnu « rh »"),
        ("min_size = 2\nstatuses = []", r"statuses ou site_ids"),
        ('min_size = 1\nsite_ids = ["cmpp-draguignan"]', r"aucun établissement à regrouper"),
        (
            'min_size = 2\n[[grouping]]\nid = "g"\nname = "x"\nservice = "ehpads"\nmin_size = 2',
            r"déclaré 2 fois",
        ),
    ],
)
def test_what_is_wrong_is_said_with_its_line(tmp_path: Path, lines: str, said: str) -> None:
    with pytest.raises(StudyError, match=said):
        load(tmp_path, lines)


def test_every_problem_comes_at_once(tmp_path: Path) -> None:
    with pytest.raises(StudyError, match="3 problèmes"):
        load(tmp_path, 'min_size = 0\nsupport_site_id = "x"\nexcluded_site_ids = ["y"]\n')


def test_drives_that_forbid_every_group_are_said_with_the_line(tmp_path: Path) -> None:
    study = load(tmp_path, "min_size = 4\nmax_time_min = 10\n")
    with pytest.raises(StudyError, match=r"ligne 7 : groupement « g » : .* pour un groupe de 4"):
        territory.run_study(study)


def test_a_service_without_statuses_asks_for_a_table(tmp_path: Path) -> None:
    text = HEAD.replace('"ehpad"', '"hopital"') + "min_size = 2\n"
    path = tmp_path / "essai.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(StudyError, match=r"aucun statut connu pour les 19 établissements"):
        territory.load_study(path)
