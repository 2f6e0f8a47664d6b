"""Every real file has a reader, and reading and harmonising all of them stays under a minute."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sized
from fnmatch import fnmatch
from pathlib import Path

import pytest

from territory import geography, network, sources
from territory.sources.text.cells import to_numbers

BUDGET_S = 60.0

Reader = Callable[[Path], Sized]


def _graph(path: Path) -> Sized:
    osmnx = pytest.importorskip("osmnx")
    return [network.from_osmnx(osmnx.load_graphml(path))]


def _without_geometry(path: Path) -> Sized:
    pyogrio = pytest.importorskip("pyogrio")
    return pyogrio.read_dataframe(path, read_geometry=False)


def _numbers(path: Path) -> Sized:
    return to_numbers(sources.read_table(path), ["pop", "area", "lon", "lat"], path=path, thousands=False)


# pattern of the file, its reader, and how many lines, communes or sites it holds (0: one object)
READERS: list[tuple[str, Reader, int]] = [
    ("boundaries/communes-83-var.geojson", sources.read_outlines, 153),
    ("boundaries/communes-paca.geojson", sources.read_outlines, 947),
    ("boundaries/communes-??-full.geojson", sources.read_outlines, 0),
    ("boundaries/mairies.csv", sources.read_table, 0),
    ("care_sites/ID_2022r.csv", sources.read_sae_sites, 3_995),
    ("care_sites/ID_2023r.csv", sources.read_sae_sites, 3_975),
    ("care_sites/PSY_2022r.csv", sources.read_table, 0),
    ("care_sites/PSY_2023r.csv", sources.read_table, 0),
    ("care_sites/URGENCES_P_2023r.csv", sources.read_sae_emergency, 616),
    ("care_sites/ehpad_cnsa_2023.geojson", sources.read_ehpad, 6_301),
    ("care_sites/finess_occitanie_2026.csv", sources.read_finess_flat, 10_004),
    ("care_sites/format_etalabcs*.csv", sources.read_table, 0),
    ("care_sites/bpe2013_health_by_commune.csv", sources.read_table, 0),
    ("care_sites/finess_plus_sample_2026/code_inventory.csv.gz", sources.read_table, 0),
    ("care_sites/finess_plus_sample_2026/finess-activites-*_json.gz", sources.read_finess_plus_equipment, 0),
    ("care_sites/finess_plus_sample_2026/finess-structures-*_json.gz", sources.read_finess_plus, 0),
    # a list with notes above its titles, for whoever reads the codes
    ("care_sites/finess_plus_sample_2026/nomenclature_categorie_finess.csv", Path.read_bytes, 0),
    ("care_sites/hospitals_eurostat_2020.csv", sources.read_table, 0),
    ("care_sites/var_emergency_sites_2026.csv", sources.read_table, 0),
    ("cog/banatic_siren_insee_2024.xlsx", sources.read_table, 34_935),
    ("cog/epcicom2024.xlsx", sources.read_epci, 34_931),
    ("cog/v_commune_2024.csv", sources.read_cog_communes, 34_935),
    ("cog/v_mvt_commune_2024.csv", sources.read_cog_movements, 13_284),
    ("gps/apl_gp_by_commune.csv", sources.read_table, 0),
    ("gps/bpe_d107_maternity.csv", lambda path: sources.read_bpe_counts(path, type_code="D107"), 0),
    ("gps/bpe_d201_gp_per_commune.csv", sources.read_bpe_counts, 0),
    ("population/age_shares_rp2020.xlsx", sources.read_age_shares, 0),
    ("population/communes_rp2017.csv", sources.read_legal_population, 0),
    ("population/donnees_communes_rp2021.csv", sources.read_legal_population, 0),
    ("population/ensemble_rp2016.xls.gz", sources.read_legal_population, 0),
    ("population/rp20??_age_communes_over_2000.csv", sources.read_young_population, 0),
    ("population/share_75_rp2020.csv", sources.read_table, 0),
    ("roads/*.osm.pbf", lambda path: [network.read_osm(path)], 0),
    ("roads/*.osm.gz", lambda path: [network.read_osm(path)], 0),
    ("roads/*.graphml", _graph, 0),
    ("roads/overpass_response.json", lambda path: json.loads(path.read_text("utf-8"))["elements"], 0),
    ("traveltimes/communes_to_emergency_drees_2019.csv", sources.read_table, 0),
    ("traveltimes/gironde_metric.dbf", _without_geometry, 2_500),
    ("traveltimes/gironde_osrm.csv", network.read_distancier, 2_500),
    ("traveltimes/isere_osrm_matrix.csv", lambda path: network.read_distancier(path, unit="s"), 512 * 512),
    ("traveltimes/isere_communes.geojson", sources.read_outlines, 512),
    ("traveltimes/communes_to_paris_osrm.csv", _numbers, 34_838),
]


def readers_of(relative: str) -> list[tuple[Reader, int]]:
    return [(reader, count) for pattern, reader, count in READERS if fnmatch(relative, pattern)]


def test_every_real_file_has_one_reader(shared_data):
    assert not [name for name in official_files(shared_data) if len(readers_of(name)) != 1]


def official_files(folder: Path) -> list[str]:
    """Return the files of the shared data by name, without relief and timetables, which are no tables of communes."""
    names = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    return [name for name in names if not name.startswith(("README.md", "relief/", "transit/"))]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::territory.errors.TerritoryWarning")
def test_all_real_files_are_read_and_harmonised_within_a_minute(shared_data):
    tables: dict[str, Sized] = {}
    spent: dict[str, float] = {}
    for name in official_files(shared_data):
        reader, count = readers_of(name)[0]
        start = time.perf_counter()
        tables[name] = reader(shared_data / name)
        spent[name] = time.perf_counter() - start
        assert len(tables[name]) == count or not count, name
        assert len(tables[name]) > 0, name
    start = time.perf_counter()
    harmonise(tables)
    spent["harmonise"] = time.perf_counter() - start
    slowest = sorted(spent.items(), key=lambda item: -item[1])[:8]
    assert sum(spent.values()) < BUDGET_S, slowest
    print(f"{sum(spent.values()):.1f} s", slowest)  # noqa: T201


def harmonise(tables: dict[str, Sized]) -> None:
    """Carry the older censuses to the communes of the newest one: nobody is lost, and the codes are the same."""
    movements = tables["cog/v_mvt_commune_2024.csv"]
    merged = {
        name: tables[f"population/{name}"][["population"]].groupby(geography.commune_of_arrondissement).sum()  # type: ignore[index]
        for name in ("ensemble_rp2016.xls.gz", "communes_rp2017.csv", "donnees_communes_rp2021.csv")
    }
    newest = merged["donnees_communes_rp2021.csv"]
    for name, year in (("ensemble_rp2016.xls.gz", 2018), ("communes_rp2017.csv", 2019)):
        table = merged[name]
        carried = geography.to_cog(
            table, movements, from_year=year, to_year=2023, weights=newest["population"]
        )
        assert carried["population"].sum() == table["population"].sum()
        assert set(carried.index) == set(newest.index)
