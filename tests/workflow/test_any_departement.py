"""A study of a département other than the Var, from `init` to PDF, on real files."""

from __future__ import annotations

import dataclasses
import shutil
import tomllib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import territory
from territory.errors import (
    MissingFileError,
    ParameterError,
    StudyError,
    TerritoryWarning,
    UnknownCodeError,
)
from territory.workflow.inputs import prepare
from territory.workflow.setup import start_study
from tests import vallon
from tests.workflow.runs import without_documents

BPE = "gps/bpe_d201_gp_per_commune.csv"


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


@pytest.mark.slow
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
    observed = pytest.warns(TerritoryWarning, match=r"total observé \(240\) sort de ce que donnent les taux")
    with observed, without_documents(tables=True):
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


def test_without_outlines_what_needs_them_is_not_chosen_and_is_said(tmp_path: Path) -> None:
    (tmp_path / "mairies.csv").write_text(
        "commune_code,mairie_longitude,mairie_latitude\n2A004,8.73,41.92\n2A247,9.28,41.59\n",
        encoding="utf-8",
    )
    point = '{"type": "Point", "coordinates": [8.7, 41.9]}'
    home = f'{{"type": "Feature", "properties": {{"popup": "EHPAD"}}, "geometry": {point}}}'
    (tmp_path / "ehpad.geojson").write_text(
        f'{{"type": "FeatureCollection", "features": [{home}]}}', encoding="utf-8"
    )
    started = start_study("Corse-du-Sud", folder=tmp_path, raw=tmp_path / "raw", look_in=[tmp_path])
    assert [line.partition(" :")[0] for line in started.found] == ["places des communes"]
    assert any("ni surface ni densité" in line and "contours-communes" in line for line in started.missing)


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(MissingFileError, match="introuvable"):
        start_study("04", folder=tmp_path, look_in=[tmp_path / "absent"])


def test_the_slowness_that_is_fitted_is_that_of_both_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    study = territory.load_study(vallon.STUDY)
    data = prepare.dataset_of(study)
    keys = [(code, "urgences_smur", 2019) for code in data.communes.index]
    index = pd.MultiIndex.from_tuples(keys, names=["commune_code", "figure", "year"])
    published = pd.DataFrame({"value": 12.0}, index=index)
    monkeypatch.setattr(prepare, "dataset_of", lambda study: dataclasses.replace(data, published=published))
    monkeypatch.setattr(prepare, "fit_slowness", lambda communes: pd.Series(1.25, communes.index))
    places = prepare.places_of(study)
    assert places.weighed["slowness"].eq(1.25).all()
    assert places.sites["slowness"].eq(1.25).all()


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::territory.errors.TerritoryWarning")
@pytest.mark.parametrize("code, communes", [("04", 198), ("13", 119), ("31", 586), ("38", 512), ("83", 153)])
def test_from_a_folder_of_downloads_to_a_pdf_without_an_edit(
    shared_data: Path, tmp_path: Path, code: str, communes: int
) -> None:
    folder = shared_data
    if code == "04":
        # the same files, two of them saved again by Excel under names of its own
        folder = tmp_path / "telechargements"
        shutil.copytree(shared_data, folder, ignore=shutil.ignore_patterns("roads", "transit", "relief"))
        for name, separator in (("population/donnees_communes_rp2021.csv", ";"), (BPE, ",")):
            table = pd.read_csv(folder / name, sep=separator, dtype=str)
            title = "COM" if "COM" in table else "CODGEO"
            (folder / name).unlink()
            table[title] = table[title].str.replace(r"^0", "", regex=True)
            saved = folder / f"Classeur {title} rp2021.csv"
            table.to_csv(saved, sep=";", index=False, encoding="utf-8-sig", lineterminator="\r\n")
    started = start_study(code, folder=tmp_path, raw=tmp_path / "raw", look_in=[folder])
    assert started.is_ready
    result = territory.run_study(started.path, out_dir=tmp_path)
    state = result.baseline.state
    own = state.communes[state.communes["departement_code"] == code]
    assert len(own) == communes
    # totals are those of the producers, Marseille from its arrondissements
    legal = pd.read_csv(
        shared_data / "population" / "donnees_communes_rp2021.csv", sep=";", dtype={"DEP": str}
    )
    assert own["population"].sum() == legal.loc[legal["DEP"] == code, "PMUN"].sum()
    practitioners = pd.read_csv(shared_data / BPE, dtype={"CODGEO": str}).drop_duplicates("CODGEO")
    counted = practitioners.loc[practitioners["CODGEO"].str[:2] == code, "NB_D201"].sum()
    assert result.dataset.communes.loc[own.index, "general_practitioners"].sum() == counted
    # roads are as slow as the published times say: in the Alps a commune errs by six minutes, their mean by one at most
    assert own["slowness"].notna().all()
    published = result.dataset.published.xs("urgences_smur", level="figure")["value"]
    published = published.droplevel("year").reindex(own.index)
    estimated = result.baseline.access.xs("urgences", level="service")["travel_time_min"].reindex(own.index)
    assert abs((estimated - published).mean()) < 1.5
    assert (estimated - published).abs().mean() < 7
    assert estimated.corr(published) > 0.8
    assert (result.report_dir / "rapport.pdf").read_bytes().startswith(b"%PDF-")  # type: ignore[operator]
    assert str(shared_data) not in (result.report_dir / "manifest.json").read_text("utf-8")  # type: ignore[operator]
