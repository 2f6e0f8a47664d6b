"""A file is told by its content: its slot, its vintage, its départements; what is not what it should be is said."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from territory.datasets.checks import mismatch
from territory.datasets.files import _registered
from territory.datasets.recognition import choose, files_below, neighbours, recognise, recognised
from territory.datasets.slots import SLOTS
from territory.sources import find
from tests.sources.broken import ALONE, SAMPLES, write

# a sample of each reader of a slot, under a name that says nothing
NAMED = {name: sample for name, sample in SAMPLES.items() if sample.reader not in ALONE}


@pytest.mark.parametrize("name", sorted(NAMED))
def test_each_sample_is_recognised_by_its_titles(tmp_path: Path, name: str) -> None:
    sample = NAMED[name]
    path = write(tmp_path, sample).rename(tmp_path / f"fichier{Path(sample.name).suffix}")
    if name == "finess public equipment":
        # lines of two kinds, the first of which is that of the sites: their reader has the last word
        return
    found = recognise(path)
    assert found is not None
    assert sample.reader in {reader.name for slot in found.slots for reader in slot.readers}


def test_what_is_no_file_of_a_slot_is_left(tmp_path: Path) -> None:
    for name, content in (("a.csv", b"a;b\n1;2\n"), ("b.xlsx", b"rien"), ("c.json", b"{}"), ("d.zip", b"PK")):
        (tmp_path / name).write_bytes(content)
        assert recognise(tmp_path / name) is None


def test_every_reader_says_how_its_files_are_told() -> None:
    assert all(reader.titles for slot in SLOTS for reader in slot.readers)


@pytest.mark.parametrize("year, code", [(2021, "D207"), (2025, "D269")])
def test_a_file_of_all_equipment_feeds_the_slots_whose_types_it_has(
    tmp_path: Path, year: int, code: str
) -> None:
    head = "AN;NOMRS;DEPCOM;TYPEQU;LAMBERT_X;LAMBERT_Y;QUALITE_XY\n"
    # a road is called as a type is
    lines = [f"{year};RTE D250;83050;{kind};982000;6275000;Bonne\n" for kind in ("D201", "A101", code)]
    (tmp_path / "bpe.csv").write_text(head + "".join(lines))
    with zipfile.ZipFile(tmp_path / "bpe.zip", "w") as packed:
        packed.write(tmp_path / "bpe.csv", "bpe.csv")
    for name in ("bpe.csv", "bpe.zip"):
        found = recognise(tmp_path / name)
        assert found is not None
        assert [slot.key for slot in found.slots] == ["general_practitioners", "psychiatrists"]


def test_the_newest_file_of_the_territory_is_chosen_and_an_archive_serves_last(tmp_path: Path) -> None:
    ids = "an;fi;rs;fi_ej;cat;COMINSEE\n{year};830000003;CHI;830000009;355;{code}\n"
    (tmp_path / "x.csv").write_text(ids.format(year=2022, code="83050"))
    (tmp_path / "y.csv").write_text(ids.format(year=2023, code="83050"))
    (tmp_path / "z.csv").write_text(ids.format(year=2024, code="38185"))
    found = recognised(sorted(tmp_path.iterdir()))
    assert [one.path.name for one in choose(found, "83")["hospitals"]] == ["y.csv"]
    assert "hospitals" not in choose(found, "31")
    archive = tmp_path / "bpe.zip"
    with zipfile.ZipFile(archive, "w") as packed:
        packed.writestr("BPE.csv", "CODGEO;NB_D201\n83050;4\n")
    alone = choose(recognised([archive]), "83")["general_practitioners"]
    assert [(one.path.name, one.archive) for one in alone] == [("BPE.csv", archive)]
    (tmp_path / "bpe.csv").write_text("CODGEO;NB_D201\n83050;4\n")
    both = choose(recognised([archive, tmp_path / "bpe.csv"]), "83")["general_practitioners"]
    assert [one.path.name for one in both] == ["bpe.csv"]


def test_a_sample_of_finess_speaks_of_no_departement(tmp_path: Path) -> None:
    head = "nofinesset;nofinessej;rs;categetab;code_insee;latitude;longitude\n"
    lines = [f"83{n:07d};830000009;IME;183;83050;43.5;6.4\n" for n in range(150)]
    (tmp_path / "f.csv").write_text(head + "".join(lines[:30]))
    assert "finess" not in choose(recognised([tmp_path / "f.csv"]), "83")
    (tmp_path / "f.csv").write_text(head + "".join(lines))
    assert "finess" in choose(recognised([tmp_path / "f.csv"]), "83")


def test_neighbours_of_a_departement() -> None:
    assert {"04", "06", "13", "84"} < set(neighbours("83"))
    assert not {"38", "31", "2A", "974"} & set(neighbours("83"))


def test_what_is_not_of_its_dataset_or_of_its_year_is_said(tmp_path: Path) -> None:
    cog, legal = write(tmp_path, SAMPLES["communes"]), write(tmp_path, SAMPLES["legal"])
    said = mismatch(find("population-legale", "rp2021"), [cog], raw=tmp_path)
    assert said is not None
    assert "semble être : communes de l'année" in said
    assert mismatch(find("population-legale", "rp2021"), [legal], raw=tmp_path) is None
    older = cog.rename(tmp_path / "v_commune_2024.csv")
    said = mismatch(find("cog-communes", "2026"), [older], raw=tmp_path)
    assert said == (
        "« v_commune_2024.csv » semble être de 2024 ; attendu : 2026 "
        "(Code officiel géographique au 1er janvier 2026 : communes)"
    )
    assert mismatch(find("cog-communes", "2024"), [older], raw=tmp_path) is None


@pytest.mark.slow
def test_vintages_and_places_of_real_files(shared_data: Path) -> None:
    population = shared_data / "population" / "donnees_communes_rp2021.csv"
    movements = shared_data / "cog" / "v_mvt_commune_2024.csv"
    found = recognised([population, movements])[0]
    assert (found.cog_year, found.vintage) == (2023, "rp2021")
    said = mismatch(find("population-legale", "rp2017"), [population, movements], raw=shared_data)
    assert said is not None
    assert "semble être de rp2021" in said
    andorra = shared_data / "roads" / "andorra_2025.osm.pbf"
    said = mismatch(find("routes-midi-pyrenees"), [andorra], raw=shared_data)
    assert said is not None
    assert "ne couvre pas" in said


def test_overseas_communes_of_the_sae_are_those_of_insee(tmp_path: Path) -> None:
    (tmp_path / "id.csv").write_text(
        "fi;rs;fi_ej;cat;COMINSEE\n970200001;CHU;970200000;355;9B209\n", encoding="utf-8"
    )
    (tmp_path / "urgences.csv").write_text(
        "fi;rs;fi_ej;PERSO;ETPSAL\n970200001;CHU;970200000;1;1\n", encoding="utf-8"
    )
    found = recognised(files_below([tmp_path]))
    assert set(choose(found, "972")) == {"emergencies", "hospitals"}
    # elsewhere nothing would place the emergencies
    assert not choose(found, "974")


@pytest.mark.parametrize("name", ["COMMUNE.shp", "ADMIN-EXPRESS-COG_4-0__SHP_WGS84G_FRA_2026-01-01.zip"])
def test_admin_express_is_known_to_be_of_ign(name: str) -> None:
    assert _registered("points", name)["producer"] == "IGN"
    assert _registered("points", "communes-38-full.geojson")["producer"] == ""
