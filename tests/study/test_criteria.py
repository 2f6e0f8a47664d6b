from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from territory.errors import ReadError, StudyError
from territory.study import load_study
from territory.study.own_tables import read_activity, read_consumption
from territory.study.words.indicators import DREES_SCHEME
from tests.study.test_load import GOOD, write

CRITERION = """
[[desert]]
id = "enfants"
label = "Loin d'un IME"

[[desert.criterion]]
id = "ime"
label = "Plus de 45 min"
services = ["ime"]
threshold = 45
source = "hypothèse de l'étude"
"""


def said(tmp_path: Path, more: str) -> str:
    with pytest.raises(StudyError) as raised:
        load_study(write(tmp_path, GOOD + more))
    return str(raised.value)


def test_a_study_without_criteria_has_those_of_drees(tmp_path: Path) -> None:
    study = load_study(write(tmp_path, GOOD))
    assert study.desert == (DREES_SCHEME,)
    assert study.uncertainty.draws == 500
    assert study.practitioners.consumption is None


def test_criteria_of_the_file_take_their_place(tmp_path: Path) -> None:
    (scheme,) = load_study(write(tmp_path, GOOD + CRITERION)).desert
    assert scheme.criterion[0].threshold == 45
    assert scheme.criterion[0].unit == "min"


def test_what_is_wrong_is_said_with_its_line(tmp_path: Path) -> None:
    wrong = CRITERION.replace("threshold = 45", "threshold = 130").replace('["ime"]', '["pharmcie"]')
    text = said(tmp_path, wrong)
    assert "130 min dépasse max_time_min = 120 min" in text
    assert "service inconnu « pharmcie » ; vouliez-vous dire pharmacie ?" in text
    assert "ligne" in text
    assert "déclaré 2 fois" in said(tmp_path, CRITERION + CRITERION.replace('"enfants"', '"autres"'))
    assert "nomme ses services" in said(tmp_path, CRITERION.replace('services = ["ime"]\n', ""))
    assert "doit être plus grand que 0" in said(
        tmp_path, CRITERION.replace("threshold = 45", "threshold = 0")
    )
    apl = CRITERION.replace('label = "Plus de 45 min"', 'label = "APL"\nmeasure = "apl"')
    assert "ne nomme pas de services" in said(tmp_path, apl)


def test_a_service_that_the_data_lack_is_no_error(tmp_path: Path) -> None:
    study = load_study(write(tmp_path, GOOD + CRITERION.replace('["ime"]', '["pharmacie"]')))
    assert study.desert[0].criterion[0].services == ("pharmacie",)


def test_half_an_apl_is_refused_and_its_files_are_looked_for(tmp_path: Path) -> None:
    assert "une APL demande" in said(tmp_path, '\n[practitioners]\nactivity = "a.csv"\n')
    whole = '\n[practitioners]\nactivity = "a.csv"\nconsumption = "c.csv"\nmean_acts_per_hab = 4.2\n'
    assert "indiquez source" in said(tmp_path, whole)
    whole += 'source = "essai, 2020"\n'
    assert "nommez profile" in said(tmp_path, whole)
    text = said(tmp_path, whole + 'profile = "drees_2015"\n[zoning]\nterritories = "tvs.csv"\n')
    assert [text.count(f"fichier absent : « {name} »") for name in ("a.csv", "c.csv", "tvs.csv")] == [1, 1, 1]
    assert "profil" not in text


def test_a_threshold_is_tied_to_the_profile_that_it_was_published_with(tmp_path: Path) -> None:
    for name in ("a.csv", "c.csv", "tvs.csv"):
        (tmp_path / name).write_text("", "utf-8")
    old = """
[practitioners]
profile = "drees_2012"
activity = "a.csv"
consumption = "c.csv"
mean_acts_per_hab = 4.2
source = "essai, 2020"

[zoning]
territories = "tvs.csv"
"""
    text = said(tmp_path, old)
    assert "le seuil du critère « apl » a été publié avec le profil « drees_2015 »" in text
    assert "la règle « zonage_2017 » a été publié" in text
    recast = old.replace("drees_2012", "drees_2015")
    mixed = recast.replace('"drees_2015"', '"drees_2015"\nother_profiles = ["drees_2012"]')
    assert "calculée avec « drees_2012 »" in said(tmp_path, mixed)
    # a threshold of the weights of 2012 goes with them, and headcounts have no threshold
    own = CRITERION.replace('services = ["ime"]', 'measure = "apl"\nprofile = "drees_2012"')
    assert load_study(write(tmp_path, GOOD + own + old.partition("[zoning]")[0])).practitioners.activity
    assert load_study(write(tmp_path, GOOD + '\n[practitioners]\nprofile = "drees_2012"\n'))


def test_options_of_draws_are_bounded(tmp_path: Path) -> None:
    assert "doit être au plus 10000" in said(tmp_path, "\n[uncertainty]\ndraws = 20000\n")
    assert "doit être plus petit que 1" in said(tmp_path, "\n[uncertainty]\nlevel = 1\n")
    assert load_study(write(tmp_path, GOOD + "\n[uncertainty]\ndraws = 0\n")).uncertainty.draws == 0


def test_activity_is_known_for_every_site_of_gps(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("site_id;consultations_per_year\ngp-1;5000\ngp-9;100\ngp-2;-3\ngp-1;4\n", "utf-8")
    with pytest.raises(ReadError) as raised:
        read_activity(path, sites=["gp-1", "gp-2", "gp-3"])
    text = str(raised.value)
    for what in ("site inconnu", "absent ou négatif", "site répété", "sans activité (gp-3)"):
        assert what in text
    path.write_text("site_id;consultations_per_year\ngp-2;4000,5\ngp-1;5000\n", "utf-8")
    assert read_activity(path, sites=["gp-1", "gp-2"]).to_dict() == {"gp-2": 4000.5, "gp-1": 5000.0}


def test_consumption_is_numbers(tmp_path: Path) -> None:
    path = tmp_path / "c.csv"
    path.write_text("age_min;age_max;acts_per_hab\n0;64;3,1\n65;;6,4\n", "utf-8")
    table = read_consumption(path)
    assert table["acts_per_hab"].tolist() == [3.1, 6.4]
    assert pd.isna(table["age_max"].iloc[1])
    path.write_text("age_min;acts_per_hab\n0;3\n", "utf-8")
    with pytest.raises(ReadError, match="age_max"):
        read_consumption(path)
