"""The indicators of a study, from its file to the tables that are handed over."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

import territory
from territory.datasets import load_var
from territory.errors import TerritoryWarning
from territory.french.numbers import decimal
from territory.release.gate import release
from territory.release.handed_tables import indicator_tables
from territory.report.chapters import deserts as chapter
from territory.report.chapters.deserts import deserts
from territory.report.documents.council import council_report
from territory.report.layout.document import DataTable, Picture, to_data
from territory.report.reading import Reading
from territory.result import StudyResult
from tests.report.worlds import undrawn
from tests.texts import plain_text

BASE = """\
id = "essai"
title = "Essai"
question = "Que se passe-t-il ?"

[territory]
name = "Var"
departement_codes = ["83"]

[travel]
closest_services = ["urgences"]

[practitioners]
profile = "drees_2012"

[uncertainty]
draws = 40

[[authorisation]]
id = "cmpp-draguignan"
label = "CMPP de Draguignan"
"""
PRACTITIONERS = '[practitioners]\nprofile = "drees_2012"\n'


def run(folder: Path, more: str = "", *, practitioners: str = PRACTITIONERS) -> StudyResult:
    path = folder / "essai.toml"
    path.write_text(BASE.replace(PRACTITIONERS, practitioners) + more, "utf-8")
    return territory.run_study(path)


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> StudyResult:
    return run(tmp_path_factory.mktemp("plain"))


def test_the_var_is_as_drees_publishes_it_and_the_estimate_is_beside(plain: StudyResult) -> None:
    table = indicator_tables(plain)["deserts_communes"].set_index(["criterion", "commune_code"])
    assert table.loc["apl"].index.nunique() == 153
    met = table["status"].eq("en désert").groupby(level="criterion").sum()
    assert met[["apl", "urgences"]].to_dict() == {"apl": 46, "urgences": 43}
    assert table.loc[["apl", "urgences"], "figure_basis"].eq("publié").all()
    assert table.loc["apl", "year"].eq(2023).all()
    assert table.loc["urgences", "year"].eq(2019).all()
    assert table.loc["pharmacie", "figure_basis"].eq("estimé").all()
    # no APL is computed here, and emergencies are estimated
    assert table.loc["apl", "estimated_value"].isna().all()
    gap = table.loc["urgences", "estimated_value"] - table.loc["urgences", "value"]
    assert gap.notna().all()
    pd.testing.assert_series_equal(table.loc["urgences", "estimate_gap"], gap, check_names=False)
    assert table.loc[("urgences", "83002"), ["value", "status"]].tolist() == [55.0, "en désert"]


def test_the_page_shows_the_published_first_their_gap_and_the_hours(plain: StudyResult) -> None:
    blocks = deserts(Reading(release(plain)))
    first, by_epci = (block for block in blocks if isinstance(block, DataTable))
    assert [row[1] for row in first.rows] == ["publié, 2023", "publié, 2019", "estimé ici"]
    assert [row[2] for row in first.rows][:2] == ["46", "43"]
    assert "2013" in first.note
    assert len(by_epci.rows) == 15
    whole = by_epci.rows[-1]
    rows = plain.baseline.deserts.xs("urgences", level="criterion")
    rows = rows[rows.index.isin(plain.baseline.state.parameters.territory_codes)]
    assert whole[1:4] == ["153", "25,1", decimal(rows["estimated_value"].mean())]
    assert whole[5:] == ["43", str((rows["estimated_value"] > 30).sum())]
    with undrawn():
        said = plain_text(to_data(council_report(plain))[0])
    # said where the report counts the inhabitants near an emergency department
    assert "fermées la nuit depuis le 29 octobre 2021" in said
    assert "De 2015 à 2023" in said
    assert "passent de 35 à 46" in said


def test_a_published_criterion_is_mapped_without_draws_and_nothing_known_is_not_zero(
    plain: StudyResult, monkeypatch: pytest.MonkeyPatch
) -> None:
    reading = Reading(release(plain))
    rows = reading.criterion("pharmacie").assign(status="non calculable")
    known = reading.criterion
    monkeypatch.setattr(reading, "criterion", lambda name: rows if name == "pharmacie" else known(name))
    monkeypatch.setattr(chapter, "_counted_together", lambda reading: None)
    monkeypatch.setattr(chapter, "_best", lambda reading: "apl")
    monkeypatch.setattr(chapter, "doubt_map", None)
    blocks = deserts(reading)
    (picture,) = (block for block in blocks if isinstance(block, Picture))
    assert picture.caption.endswith(" : publié, 2023.")
    assert "en désert : 46 communes ; hors désert : 107 communes." in picture.alt
    table = next(block for block in blocks if isinstance(block, DataTable))
    assert [row[3] for row in table.rows] == ["–", "–", "–"]
    assert table.rows[-1][1:5] == ["–", "–", "–", "153"]


@pytest.mark.slow
def test_the_var_never_passes_what_it_cannot_compute(tmp_path: Path) -> None:
    # without published figures, emergencies alone: a SMUR could be closer
    more = """
[[desert]]
id = "sans"
label = "Sans chiffre publié"
[[desert.criterion]]
id = "urgences"
label = "Loin"
services = ["urgences", "smur"]
threshold = 30
source = "essai"
[[desert.criterion]]
id = "apl"
label = "APL"
measure = "apl"
threshold = 2.5
source = "essai"
"""
    table = indicator_tables(run(tmp_path, more))["deserts_communes"]
    unknown = table[table["status"] == "non calculable"]
    assert set(unknown["criterion"]) == {"apl", "urgences"}
    assert unknown["reason"].ne("").all()
    assert table.loc[table["status"] != "non calculable", "criterion"].eq("urgences").all()
    assert table["desert_class"].eq("non calculable").all()
    # the north of the Var is over 30 min from emergencies alone
    far = table[(table["criterion"] == "urgences") & (table["status"] == "non calculable")]
    assert 15 <= len(far) <= 55


def test_no_border_of_the_var_is_taken_for_a_desert(plain: StudyResult) -> None:
    edge = plain.baseline.state.edge_time_min
    inside = edge[edge.index.isin(plain.baseline.state.parameters.territory_codes)]
    assert inside.min() > 30
    assert plain.baseline.edge.loc["urgences"].tolist() == [0, 0.0, 0]


def test_the_tables_of_doubt_and_paths_are_handed_over(plain: StudyResult) -> None:
    found = indicator_tables(plain)
    assert {
        "deserts_zones",
        "medecins_generalistes_communes",
        "bord_des_donnees",
        "incertitude_temps",
        "incertitude_couverture",
        "incertitude_medecins_generalistes",
        "incertitude_deserts",
        "incertitude_classes_desert",
        "incertitude_population_deserts",
        "parcours_enfants",
        "soins_ehpad",
        "coordination",
    } <= set(found)
    path = found["parcours_enfants"]
    assert path["zone"].nunique() == 14
    # every list of the Var is partial: nothing is absent
    assert set(path["status"]) == {"présent", "inconnu"}
    assert path.loc[path["status"] == "inconnu", "ask"].ne("").all()
    assert found["coordination"]["status"].eq("inconnu").all()
    assert "endo_recrutement_services" not in found


@pytest.mark.slow
def test_no_draw_no_table_of_doubt(tmp_path: Path) -> None:
    path = tmp_path / "essai.toml"
    path.write_text(BASE.replace("draws = 40", "draws = 0"), "utf-8")
    result = territory.run_study(path)
    assert result.draws is None
    assert not [name for name in indicator_tables(result) if name.startswith("incertitude")]


@pytest.mark.slow
def test_the_planner_s_tables_make_an_apl_and_a_simulated_zoning(tmp_path: Path) -> None:
    data = load_var()
    gps = data.services.xs("medecin_generaliste", level="service")
    acts = (gps["capacity"] * 4_500).rename("consultations_per_year")
    acts.rename_axis("site_id").reset_index().to_csv(tmp_path / "activite.csv", sep=";", index=False)
    (tmp_path / "consommation.csv").write_text("age_min;age_max;acts_per_hab\n0;64;3\n65;;6\n", "utf-8")
    inside = data.communes[data.communes["in_territory"]]
    zones = pd.DataFrame({"codgeo": inside.index, "tvs": inside["epci_code"].to_numpy()})
    zones.to_csv(tmp_path / "tvs.csv", sep=";", index=False)
    more = """
[practitioners]
profile = "drees_2015"
activity = "activite.csv"
consumption = "consommation.csv"
mean_acts_per_hab = 3.6
source = "tables inventées pour cet essai"

[zoning]
territories = "tvs.csv"
zip_quota_hab = 100000
zac_quota_hab = 200000
"""
    with pytest.warns(TerritoryWarning, match="paliers non vérifiés"):
        found = indicator_tables(run(tmp_path, more, practitioners=""))
    apl = found["medecins_generalistes_communes"]
    assert "apl_consultations_per_hab" in apl
    assert "practitioners_per_100000_hab" not in apl
    by_apl = found["deserts_communes"].query("criterion == 'apl'")
    assert set(by_apl["status"]) == {"en désert", "hors désert"}
    zoning = found["zonage_simule"]
    assert len(zoning) == 14
    assert zoning["mention"].eq("simulation sans valeur réglementaire").all()
    assert found["incertitude_medecins_generalistes"]["unit"].eq("apl_consultations_per_hab").all()


def test_observed_origins_give_classes_of_recruitment_and_no_small_count(tmp_path: Path) -> None:
    (tmp_path / "origines.csv").write_text(
        "commune_code;authorisation_id;children\n83050;cmpp-draguignan;60\n83061;cmpp-draguignan;40\n",
        "utf-8",
    )
    found = indicator_tables(run(tmp_path, '\n[files]\nobserved_origins = "origines.csv"\n'))
    services = found["endo_recrutement_services"]
    assert services["endo_recruitment_class"].tolist() == ["50 % ou plus"]
    assert set(services) == {"authorisation_id", "zone", "endo_recruitment_class"}
    zones = found["endo_recrutement_zones"].set_index("zone")["served_in_zone_class"]
    # everyone of the Dracénie is served in it: the rest is 0, which would be told
    # and every EPCI has a row, whether it sends a child or not
    assert set(zones) == {"secret"}
    assert len(zones) > 2
