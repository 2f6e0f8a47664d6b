"""The registry of official data: its form, and everything that must be refused in one."""

from __future__ import annotations

import csv
import io
import re
from datetime import date
from importlib import resources
from pathlib import Path

import pytest

from territory.errors import MissingFileError, ReadError, UnknownCodeError
from territory.sources import find, read_registry
from territory.sources.registry import COLUMNS, FORMATS, LICENCES

OWN = (resources.files("territory.sources") / "registry.csv").read_text("utf-8")
METROPOLE = {f"{n:02d}" for n in range(1, 96) if n != 20} | {"2A", "2B"}
OVERSEAS = {"971", "972", "973", "974", "976"}


def rows() -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(OWN)))


def write(path: Path, listed: list[dict[str, str]]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(listed)
    return path


def test_the_registry_is_well_formed() -> None:
    sources = read_registry()
    assert len(sources) == len(rows()) > 70
    assert len({source.key for source in sources}) == len(sources)
    assert {source.licence for source in sources} <= set(LICENCES)
    assert {source.format for source in sources} <= set(FORMATS)
    assert [source.added_on for source in sources] == sorted(source.added_on for source in sources)
    assert all(date(2026, 1, 1) <= source.added_on <= date.today() for source in sources)
    keys = {source.key for source in sources}
    assert {source.superseded_by for source in sources} <= keys | {""}
    assert "\r" not in OWN
    assert OWN.endswith("\n")


def test_every_vintage_but_the_newest_of_a_dataset_is_superseded() -> None:
    sources = read_registry()
    for dataset in {source.dataset for source in sources}:
        own = [source for source in sources if source.dataset == dataset]
        last = [source for source in own if not source.superseded_by.startswith(f"{dataset}/")]
        assert [source.key for source in last] == [own[-1].key]
        assert find(dataset) == own[-1]


def test_addresses_are_those_of_the_producers() -> None:
    hosts = {
        "INSEE": r"https://www\.insee\.fr/fr/",
        "DREES": r"https://(data\.drees\.solidarites-sante\.gouv\.fr|drees\.shinyapps\.io)/",
        "IGN": r"https://(data\.geopf\.fr|geoservices\.ign\.fr)/",
        "OpenStreetMap, par Geofabrik": r"https://download\.geofabrik\.de/europe/france/",
    }
    for source in read_registry():
        pattern = hosts.get(source.producer, r"https://[a-z0-9.-]+\.(gouv\.fr|atlasante\.fr)/")
        for address in filter(None, (source.page, source.address)):
            assert re.match(pattern, address), (source.key, address)
        # an address that nobody has seen is either said so or absent
        assert source.address_checked or not source.address or source.note
        # the year of a file that is published once is that of its vintage
        years = re.findall(r"20\d\d", source.address.rpartition("/")[2])
        if years and source.vintage != "courant":
            assert source.vintage.removeprefix("rp")[:4] in years, source.key


def test_road_maps_cover_every_departement_once() -> None:
    roads = [source for source in read_registry() if source.dataset.startswith("routes-")]
    covered = [departement for source in roads for departement in source.departements]
    assert sorted(covered) == sorted(METROPOLE | OVERSEAS)
    assert {source.licence for source in roads} == {"ODbL 1.0"}


def test_what_the_embedded_study_uses_is_there() -> None:
    for key in ("population-legale/rp2021", "population-legale/rp2017", "cog-communes/2024", "sae/2023"):
        assert find(*key.split("/")).reader_tried, key


def test_find_proposes_close_names() -> None:
    with pytest.raises(UnknownCodeError, match="vouliez-vous dire population-legale"):
        find("population-legales")
    with pytest.raises(UnknownCodeError, match=r"connus : .*territory data list"):
        find("zzz")
    with pytest.raises(UnknownCodeError, match=r"« rp1999 » inconnu.*rp2016, rp2017"):
        find("population-legale", "rp1999")


def test_a_registry_of_ones_own(tmp_path: Path) -> None:
    path = write(tmp_path / "mien.csv", rows()[:3])
    with pytest.raises(ReadError, match="« population-legale/rp2019 » n'est pas dans le registre"):
        read_registry(path)
    assert len(read_registry(write(path, rows()))) == len(rows())
    with pytest.raises(MissingFileError):
        read_registry(tmp_path / "absent.csv")


@pytest.mark.parametrize(
    "column, value, words",
    [
        ("dataset", "Population", "« dataset »"),
        ("dataset", "../raw", "« dataset »"),
        ("vintage", "2021-13", "« vintage »"),
        ("vintage", "dernier", "« vintage »"),
        ("producer", " ", "« producer » est vide"),
        ("title", "", "« title » est vide"),
        ("page", "", "n'est pas une adresse https"),
        ("page", "http://www.insee.fr/", "n'est pas une adresse https"),
        ("address", "https://", "n'est pas une adresse https"),
        ("address", "https://www.insee.fr/a b", "n'est pas une adresse https"),
        ("address", "", "vaut yes sans adresse"),
        ("file_name", "a/../b.csv", "simple nom de fichier"),
        ("format", "docx", "choix possibles, csv"),
        ("licence", "libre", "choix possibles, Licence Ouverte 2.0"),
        ("sha256", "abc", "« sha256 »"),
        ("reader_tried", "oui", "choix possibles, yes, no"),
        ("added_on", "21/11/2026", "AAAA-MM-JJ"),
        ("added_on", "2026-02-30", "AAAA-MM-JJ"),
        ("superseded_by", "population-legale/rp2000", "n'est pas dans le registre"),
        ("superseded_by", "population-legale/rp2016", "plus ancien dans le registre"),
    ],
)
def test_bad_cells_are_refused(column: str, value: str, words: str, tmp_path: Path) -> None:
    listed = rows()
    assert listed[0][column] != value
    listed[0][column] = value
    with pytest.raises(ReadError, match=words):
        read_registry(write(tmp_path / "r.csv", listed))


def test_bad_tables_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "r.csv"
    with pytest.raises(ReadError, match="lignes en double : population-legale/rp2016"):
        read_registry(write(path, [*rows(), rows()[0]]))
    older = rows()
    older[-1]["added_on"] = "2020-01-01"
    with pytest.raises(ReadError, match="avant la ligne qui précède"):
        read_registry(write(path, older))
    path.write_text(OWN.replace("licence", "license", 1), "utf-8")
    with pytest.raises(ReadError, match="ligne 1 : les colonnes attendues"):
        read_registry(path)
    path.write_text(OWN + "a,b\n", "utf-8")
    with pytest.raises(ReadError, match=f"ligne {len(rows()) + 2} : 2 cellules au lieu de {len(COLUMNS)}"):
        read_registry(path)
    path.write_text("", "utf-8")
    with pytest.raises(ReadError, match="ligne 1"):
        read_registry(path)
    path.write_bytes(OWN.encode("utf-16"))
    with pytest.raises(ReadError, match="UTF-8"):
        read_registry(path)
