"""The registry of official data, and its form."""

from __future__ import annotations

import csv
import io
import re
from datetime import date
from importlib import resources

import pytest

from territory.errors import UnknownCodeError
from territory.sources import find, read_registry
from territory.sources.fetching.raw_folder import Source

OWN = (resources.files("territory.sources") / "registry.csv").read_text("utf-8")
METROPOLE = {f"{n:02d}" for n in range(1, 96) if n != 20} | {"2A", "2B"}
OVERSEAS = {"971", "972", "973", "974", "976"}


def rows() -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(OWN)))


FORMS = {
    "dataset": r"[a-z0-9]+(-[a-z0-9]+)*",
    # a census, a year, a month, or what the producer replaces in place; then the producer's own corrections
    "vintage": r"(rp\d{4}|\d{4}(-(0[1-9]|1[0-2]))?|courant)(-v[2-9])?",
    "producer": r"\S.*",
    "title": r"\S.*",
    "page": r"https://[^\s/]+/\S*",
    "address": r"(https://[^\s/]+/\S+)?",
    "address_checked": "yes|no",
    "file_name": r"[^/\\\\]+",
    "format": r"csv|xls|xlsx|geojson|geojson\.gz|json\.gz|osm\.pbf|zip|7z",
    "licence": r"Licence Ouverte 2\.0|ODbL 1\.0|non précisée",
    "sha256": r"([0-9a-f]{64})?",
    "reader_tried": "yes|no",
    "added_on": r"\d{4}-\d{2}-\d{2}",
}


def test_the_registry_is_well_formed() -> None:
    sources = read_registry()
    assert len(sources) == len(rows()) > 70
    for row in rows():
        assert set(row) == set(Source.__dataclass_fields__), row
        for name, form in FORMS.items():
            assert re.fullmatch(form, row[name]), (row["dataset"], row["vintage"], name)
        assert row["address"] or row["address_checked"] == "no", row
    order = {source.key: rank for rank, source in enumerate(sources)}
    assert len(order) == len(sources)
    assert [source.added_on for source in sources] == sorted(source.added_on for source in sources)
    assert all(date(2026, 1, 1) <= source.added_on <= date.today() for source in sources)
    for source in sources:
        # a successor is there, and was added later
        assert not source.superseded_by or order[source.superseded_by] > order[source.key]
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
        "HAS": r"https://(www\.data\.gouv\.fr|minio\.data\.has-sante\.fr)/",
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
