"""A study of a département other than the Var, from `init` to PDF, on real files."""

from __future__ import annotations

import shutil
import tomllib
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import territory
from territory.cli import main
from territory.errors import (
    MissingFileError,
    ParameterError,
    StudyError,
    TerritoryWarning,
    UnknownCodeError,
)
from territory.workflow.setup import start_study
from tests import vallon

RAW = {
    "cog-communes/2024/v_commune_2024.csv": "cog/v_commune_2024.csv",
    "cog-mouvements/2024/v_mvt_commune_2024.csv": "cog/v_mvt_commune_2024.csv",
    "population-legale/rp2021/donnees_communes_rp2021.csv": "population/donnees_communes_rp2021.csv",
    "parts-ages/rp2020/age_shares_rp2020.xlsx": "population/age_shares_rp2020.xlsx",
    "banatic-epci/2024/epcicom2024.xlsx": "cog/epcicom2024.xlsx",
}


def test_what_is_missing_is_said_and_nothing_is_overwritten(tmp_path: Path) -> None:
    started = start_study("31", folder=tmp_path, raw=tmp_path / "data" / "raw")
    assert started.path.name == "haute-garonne.toml"
    assert any("territory data fetch cog-communes" in line and "https://" in line for line in started.missing)
    assert not started.is_ready
    with pytest.raises(StudyError, match="fichier absent"):
        territory.load_study(started.path)
    # what was edited stays, word for word
    text = started.path.read_text("utf-8").replace("45", "50")
    started.path.write_text(text, encoding="utf-8")
    again = start_study("Haute-Garonne", folder=tmp_path, raw=tmp_path / "data" / "raw")
    assert not again.is_new
    assert started.path.read_text("utf-8") == text


def test_single_ages_are_counted_to_the_year_up_to_the_report(tmp_path: Path) -> None:
    """The file of single ages (INSEE, TD_POP1B): 5 to 19 are those years alone, no band is cut."""
    persons = pd.read_csv(vallon.FOLDER / "population_2021.csv", sep=";", dtype={"DEPCOM": str}).set_index(
        "DEPCOM"
    )["PMUN"]
    rng = np.random.default_rng(5)
    by_age = pd.DataFrame(
        rng.dirichlet(np.ones(101), len(persons)) * persons.to_numpy()[:, None], persons.index
    )
    long = by_age.stack().rename("NB").rename_axis(["CODGEO", "AGED100"]).reset_index()
    both = pd.concat([long.assign(SEXE=1, NB=0.25 * long["NB"]), long.assign(SEXE=2, NB=0.75 * long["NB"])])
    text = vallon.text().replace('ages = "ages.csv"\nyoung = "jeunes.csv"', 'ages = "TD_POP1B_2021.csv"')
    start, end = text.index("[ages]"), text.index("[[need]]")
    study = vallon.copied(tmp_path, text[:start] + text[end:])
    both.to_csv(tmp_path / "TD_POP1B_2021.csv", sep=";", index=False)

    # 240 children with a right are a total of other ages: said, and the range reaches it
    with pytest.warns(TerritoryWarning, match=r"total observé \(240\) sort de ce que donnent les taux"):
        result = territory.run_study(study, out_dir=tmp_path)
    demand = result.baseline.state.demand
    autism = demand.xs("autisme", level="public")["demand"]
    expected = (by_age.loc[:, 5:19].sum(axis=1) * 8.0 / 1000).reindex(autism.index)
    assert autism.to_numpy() == pytest.approx(expected.to_numpy(), rel=1e-4)
    assert (demand["demand_low"] <= demand["demand"]).all()
    assert (demand["demand"] <= demand["demand_high"]).all()
    assert result.report_dir is not None
    printed = pd.read_csv(result.report_dir / "tables" / "besoins_epci.csv").set_index(
        ["epci_code", "public"]
    )
    assert int(printed.loc[(int(vallon.FOCUS), "autisme"), "demand"]) == round(
        expected.loc["03901":"03905"].sum()
    )


@pytest.mark.parametrize(
    "departement, name", [("99", "ailleurs"), ("2C", "corse"), ("20", "corse"), ("31", "Haute Garonne")]
)
def test_wrong_codes_and_names_are_refused(tmp_path: Path, departement: str, name: str) -> None:
    with pytest.raises((ParameterError, UnknownCodeError)):
        start_study(departement, name=name, folder=tmp_path, raw=tmp_path)
    assert not list(tmp_path.iterdir())


def test_files_are_recognised_whatever_their_names_and_found_again(tmp_path: Path) -> None:
    share, home = tmp_path / "partage", tmp_path / "agence"
    for folder in (share / "insee", home):
        folder.mkdir(parents=True)
    # cut by Excel, under a name that says nothing
    (share / "insee" / "classeur1.csv").write_text("CODGEO;NB_D201\n4070;40\n4112;3\n", encoding="utf-8")
    (share / "notes.csv").write_text("a;b\n1;2\n", encoding="utf-8")
    started = start_study("alpes de haute provence", folder=home, raw=home / "data" / "raw", look_in=[share])
    assert started.looked_at == 2
    assert started.found == (f"médecins généralistes par commune : {share}/insee/classeur1.csv, 04",)
    said = tomllib.loads(started.path.read_text("utf-8"))
    assert said["territory"] == {"name": "Alpes-de-Haute-Provence", "departement_codes": ["04"]}
    assert said["data"]["general_practitioners"] == f"{share}/insee/classeur1.csv"
    # of another département, and a newer file that takes the place of one that has gone
    assert not start_study("05", folder=home, raw=home / "data" / "raw", look_in=[share]).found
    (share / "insee" / "classeur1.csv").rename(share / "bpe.csv")
    start_study("04", folder=home, raw=home / "data" / "raw", look_in=[share])
    again = tomllib.loads(started.path.read_text("utf-8"))
    assert again["data"]["general_practitioners"] == f"{share}/bpe.csv"
    again["data"] |= {"general_practitioners": said["data"]["general_practitioners"]}
    assert again == said


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(MissingFileError, match="introuvable"):
        start_study("04", folder=tmp_path, look_in=[tmp_path / "absent"])


@pytest.mark.slow
def test_haute_garonne_from_init_to_pdf(
    shared_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for target, source in RAW.items():
        path = tmp_path / "data" / "raw" / target
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(shared_data / source, path)
    shutil.copyfile(shared_data / "care_sites" / "finess_occitanie_2026.csv", tmp_path / "finess.csv")
    points = pd.read_csv(shared_data / "traveltimes" / "communes_to_paris_osrm.csv")
    points = points.assign(commune_code=points["id"].str.removeprefix("FR_"))
    points = points.rename(columns={"lon": "longitude", "lat": "latitude", "area": "area_km2"})
    points[["commune_code", "longitude", "latitude", "area_km2"]].to_csv(tmp_path / "points.csv", index=False)

    with pytest.raises(SystemExit) as stopped:
        main(["init", "31", "--name", "haute-garonne", "--label", "Haute-Garonne"])
    assert not stopped.value.code
    assert "territory data fetch finess-etablissements" in capsys.readouterr().out
    # what a planner edits: the points and the FINESS extract that the agency has, and the list that is complete
    study = tmp_path / "haute-garonne.toml"
    lines = study.read_text("utf-8").splitlines()
    lines = ['points = "points.csv"' if line.startswith("points =") else line for line in lines]
    lines = ['finess = "finess.csv"' if line.startswith("# finess =") else line for line in lines]
    text = "\n".join(lines).replace("complete_services = []", 'complete_services = ["sessad", "ime"]')
    text = text.replace("closest_services = []", 'closest_services = ["sessad", "ime"]')
    study.write_text(text, encoding="utf-8")

    with warnings.catch_warnings():
        # sites and communes that the readers leave out are counted and said
        warnings.simplefilter("ignore", TerritoryWarning)
        result = territory.run_study(study, out_dir=tmp_path)
    state = result.baseline.state
    assert state.communes["departement_code"].isin(["31"]).sum() == 586
    toulouse = result.baseline.access.loc[("31555", "ime"), "travel_time_min"]
    luchon = result.baseline.access.loc[("31042", "ime"), "travel_time_min"]
    assert toulouse < 15 < luchon
    assert (result.report_dir / "rapport.pdf").read_bytes().startswith(b"%PDF-")  # type: ignore[operator]
