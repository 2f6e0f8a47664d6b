from __future__ import annotations

import bz2
import gzip
import os
import re
import warnings
from pathlib import Path

import osmium
import pytest

from territory import network as rooms
from territory.errors import MissingFileError, NetworkError, ParameterError, TerritoryWarning
from territory.network.maps import osm
from territory.network.maps.osm import read_lines, read_osm
from territory.tables.declare import lines_of
from tests.network.small_maps import metres, points, write_osm

NODES = {1: (6.40, 43.50), 2: (6.40, 43.51), 3: (6.41, 43.51)}
WAYS = {
    1: ([1, 2], {"highway": "primary", "maxspeed": "36"}),
    2: ([2, 3], {"highway": "tertiary", "oneway": "yes"}),
}


@pytest.fixture
def xml(tmp_path):
    return write_osm(tmp_path / "rues.osm", NODES, WAYS)


def containers(xml):
    text = xml.read_bytes()
    (xml.parent / "rues.osm.gz").write_bytes(gzip.compress(text))
    (xml.parent / "rues.osm.bz2").write_bytes(bz2.compress(text))
    with osmium.SimpleWriter(str(xml.parent / "rues.osm.pbf")) as writer:
        for thing in osmium.FileProcessor(str(xml)):
            writer.add(thing)
    return [xml, *(xml.parent / f"rues.osm.{end}" for end in ("gz", "bz2", "pbf"))]


def test_every_container_gives_the_same_network(xml):
    a, b = points(a=NODES[1]), points(b=NODES[3])
    times = {path.name: read_osm(path).travel_time_matrix(a, b)[0, 0] for path in containers(xml)}
    assert len(times) == 4
    assert len(set(times.values())) == 1


def test_a_large_map_keeps_its_nodes_on_disk_and_leaves_nothing_there(xml, tmp_path, monkeypatch):
    folder = tmp_path / "temporary"
    folder.mkdir()
    a, b = points(a=NODES[1]), points(b=NODES[3])
    expected = read_osm(xml).travel_time_matrix(a, b)
    monkeypatch.setattr(osm, "_LARGE_BYTES", 0)
    monkeypatch.setattr(osm.tempfile, "tempdir", str(folder))
    assert (read_osm(xml).travel_time_matrix(a, b) == expected).all()
    assert not list(folder.iterdir())
    folder.rmdir()
    with pytest.raises(NetworkError, match="rues"):
        read_osm(xml)


def test_a_reading_that_the_system_ends_says_what_may_be_full(xml, monkeypatch):
    script = xml.parent / "_osm_filter_process.py"
    script.write_text("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)\n")
    monkeypatch.setattr(osm, "__file__", str(xml.parent / "filtering.py"))
    with pytest.raises(NetworkError, match=r"rues.*interrompue \(signal 9\).*TMPDIR"):
        read_osm(xml)


def test_what_is_not_a_road_is_left_out(tmp_path):
    extra = {
        **WAYS,
        3: ([1, 3], {"building": "yes"}),
        4: ([1, 3], {"highway": "footway"}),
        5: ([1, 3], {"highway": "service", "access": "private"}),
    }
    lines = read_lines(write_osm(tmp_path / "m.osm", NODES, extra))
    assert lines.ways.way_id.tolist() == [1, 2]
    assert lines.attribution == "© les contributeurs d'OpenStreetMap (ODbL)"


def test_a_missing_file_and_an_unknown_profile(tmp_path):
    with pytest.raises(MissingFileError, match=r"introuvable.*absente"):
        read_osm(tmp_path / "absente.osm.pbf")
    with pytest.raises(ParameterError, match=r"Profil « bike » inconnu.*bicycle"):
        read_osm(tmp_path / "absente.osm.pbf", profile="bike")


@pytest.mark.parametrize("suffix", ["osm", "osm.gz", "osm.bz2", "osm.pbf"])
def test_a_truncated_map_is_said_to_be_truncated(xml, suffix):
    path = next(path for path in containers(xml) if path.name == f"rues.{suffix}")
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * 0.8)])
    with pytest.raises(NetworkError, match=r"rues.*tronquée ou endommagée"):
        read_osm(path)


@pytest.mark.parametrize("suffix", ["osm", "osm.gz", "osm.bz2", "osm.pbf"])
def test_an_empty_file_and_a_file_of_another_kind(tmp_path, suffix):
    path = tmp_path / f"m.{suffix}"
    path.touch()
    with pytest.raises(NetworkError, match="fichier vide"):
        read_osm(path)
    path.write_bytes(os.urandom(3000))
    with pytest.raises(NetworkError, match=r"tronquée ou endommagée|pas une carte OpenStreetMap lisible"):
        read_osm(path)


def test_other_xml_and_other_extensions(tmp_path):
    page = tmp_path / "page.osm"
    page.write_text("<html><body>404</body></html>")
    with pytest.raises(NetworkError, match=r"pas une carte OpenStreetMap lisible.*html"):
        read_osm(page)
    zipped = tmp_path / "carte.zip"
    zipped.write_bytes(b"PK")
    with pytest.raises(NetworkError, match="extensions lues"):
        read_osm(zipped)


def test_a_map_without_roads_and_a_map_without_objects(tmp_path):
    for ways in ({}, {1: ([1, 2], {"building": "yes"})}, {1: ([1, 2], {"highway": "steps"})}):
        with pytest.raises(NetworkError, match="aucune route ouverte aux voitures"):
            read_osm(write_osm(tmp_path / "m.osm", NODES, ways))


def test_nodes_that_are_not_in_the_file_cut_the_road_and_are_counted(tmp_path):
    ways = {1: ([1, 2, 99, 3], {"highway": "primary"})}
    with pytest.warns(TerritoryWarning, match="1 nœud de route absent du fichier"):
        network = read_osm(write_osm(tmp_path / "m.osm", NODES, ways))
    assert network.length_km == pytest.approx(metres(NODES[1], NODES[2]) / 1000, rel=1e-5)
    with pytest.raises(NetworkError, match="aucun nœud des routes n'a de place"):
        read_osm(write_osm(tmp_path / "m.osm", NODES, {1: ([98, 99], {"highway": "primary"})}))


def test_restrictions_that_point_nowhere_are_counted_and_ignored(tmp_path):
    via = ("n", 2, "via")
    no = {"type": "restriction", "restriction": "no_left_turn"}
    relations = {
        10: ([("w", 1, "from"), via, ("w", 77, "to")], no),
        11: ([("w", 1, "from"), ("n", 88, "via"), ("w", 2, "to")], no),
        12: ([("w", 1, "from"), ("w", 2, "via"), ("w", 2, "to")], no),
        13: ([("w", 1, "from"), ("w", 2, "to")], no),
        14: ([("w", 1, "from"), via, ("w", 77, "to")], {**no, "except": "motorcar;bus"}),
        15: (
            [("w", 1, "from"), via, ("w", 77, "to")],
            {"type": "restriction", "restriction:hgv": "no_left_turn"},
        ),
    }
    said = "2 interdictions de tourner qui .* ; 1 interdiction de tourner incomplète, sans effet"
    with pytest.warns(TerritoryWarning, match=f"laissé de côté : {said}"):
        network = read_osm(write_osm(tmp_path / "m.osm", NODES, WAYS, relations))
    assert dict(network.asides) == {
        "interdictions de tourner incomplètes, sans effet": 1,
        "interdictions de tourner qui désignent une voie absente de la carte ou fermée": 2,
        "interdictions de tourner qui passent par une voie que l'on ne peut suivre": 1,
    }


def test_every_kind_of_what_is_left_aside_has_a_singular():
    one = {line["many"]: line["one"] for line in lines_of("asides.csv", "territory.network.maps")}
    written = "".join(path.read_text("utf-8") for path in Path(rooms.__file__).parent.rglob("*.py"))
    assert not [many for many in one if many not in written]
    starts = "|".join(sorted({many.split()[0] for many in one}))
    kinds = re.findall(rf'"((?:{starts}) [^"{{}}]*)"', written)
    assert sorted(set(kinds)) == sorted(one)


def test_reading_well_formed_maps_warns_of_nothing(xml):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        read_osm(xml)


def test_a_barrier_cuts_the_road_for_every_way_that_meets_there(tmp_path):
    nodes = {**NODES, 2: (6.40, 43.51, {"barrier": "bollard"})}
    network = read_osm(write_osm(tmp_path / "m.osm", nodes, {1: ([1, 2, 3], {"highway": "primary"})}))
    matrix = network.travel_time_matrix(points(a=NODES[1]), points(b=NODES[3]), islands=True)
    assert matrix[0, 0] == float("inf")
    opened = {**nodes, 2: (6.40, 43.51, {"barrier": "gate"})}
    network = read_osm(write_osm(tmp_path / "m.osm", opened, {1: ([1, 2, 3], {"highway": "primary"})}))
    assert network.travel_time_matrix(points(a=NODES[1]), points(b=NODES[3]))[0, 0] < 5


def test_a_ferry_takes_its_stated_duration_whatever_the_speeds(tmp_path):
    nodes = {1: (6.40, 43.10), 2: (6.40, 43.11), 3: (6.40, 43.12), 4: (6.40, 43.13), 5: (6.40, 43.14)}
    ways = {
        1: ([1, 2], {"highway": "primary"}),
        2: ([2, 3, 4], {"route": "ferry", "duration": "00:40", "motor_vehicle": "yes"}),
        3: ([4, 5], {"highway": "primary"}),
    }
    network = read_osm(write_osm(tmp_path / "m.osm", nodes, ways))
    crossing = network.travel_time_matrix(points(a=nodes[2]), points(b=nodes[4]))[0, 0]
    assert crossing == pytest.approx(40, abs=1e-3)
    faster = network.with_speeds(network.speeds.assign(default_kmh=200.0))
    assert faster.travel_time_matrix(points(a=nodes[2]), points(b=nodes[4]))[0, 0] == crossing


def test_signals_and_stops_cost_their_stated_penalty(tmp_path):
    table = None
    for tags, column in (({"highway": "traffic_signals"}, "signal_s"), ({"highway": "stop"}, "stop_s")):
        nodes = {**NODES, 2: (6.40, 43.51, tags)}
        ways = {1: ([1, 2, 3], {"highway": "primary"})}
        plain = read_osm(write_osm(tmp_path / "a.osm", NODES, ways))
        slowed = read_osm(write_osm(tmp_path / "b.osm", nodes, ways))
        table = plain.speeds.query("road_class == 'primary' and density == 'any'").iloc[0]
        ends = points(a=NODES[1]), points(b=NODES[3])
        added = slowed.travel_time_matrix(*ends)[0, 0] - plain.travel_time_matrix(*ends)[0, 0]
        assert added * 60 == pytest.approx(table[column], abs=1e-3)
        assert table[column] > 0
