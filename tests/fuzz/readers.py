"""Every reader of a file that comes from outside, with small good files to spoil."""

from __future__ import annotations

import bz2
import gzip
import io
import re
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests import vallon
from tests.fuzz import mutating
from tests.fuzz.mutating import Mutate
from tests.fuzz.old_excel import write_xls
from tests.network import small_maps

Seeds = Callable[[Path], list[bytes]]


@dataclass(frozen=True)
class Target:
    """A reader, the name that its file has, good files, and how they are spoilt."""

    name: str
    file_name: str
    read: Callable[[Path], object]
    seeds: Seeds
    mutate: Mutate = mutating.spoil


def _texts(*texts: str) -> Seeds:
    """Return seeds that are texts."""
    return lambda folder: [text.encode() for text in texts]


def _packed(seeds: Seeds, pack: Callable[[bytes], bytes]) -> Seeds:
    """Return seeds put in a container."""
    return lambda folder: [pack(content) for content in seeds(folder)]


TABLE = _texts(
    "commune;accueil;places\n01004;journée;12,5\n83050;;7\n",
    'sep=,\ncode,"nom, complet"\n01004,"a ""b"" c"\n',
    "a\tb\n1\t2\n",
)
DISTANCIER = _texts(
    "idSrc;idDst;duree;distance\n83050;83121;25;21,4\n83121;83050;26;21,4\n",
    "id,83050,83121\n83050,0,25.5\n83121,26,0\n",
)
ORIGINS = _texts("commune_code,authorisation_id,children\n83050,ime-salernes,40\n83121,ime-salernes,14\n")
OUTLINES = _texts(
    '{"type":"FeatureCollection","features":[{"type":"Feature","properties":{"code":"83050","nom":"D"},'
    '"geometry":{"type":"Polygon","coordinates":[[[6,43],[7,43],[7,44],[6,43]]]}},{"type":"Feature",'
    '"properties":{"code":"83121","nom":"S"},"geometry":{"type":"MultiPolygon",'
    '"coordinates":[[[[5,43],[6,43],[6,44],[5,43]]]]}}]}'
)
FINESS_PLUS = _texts(
    '{"schemaVersion": "v1.0.0", "generatedAt": "2026-03-09T15:49:37Z", "gcc": [{"pmejDuGcc": []}], "pmej": ['
    '{"informationsGeneralesPMEJ": {"numFinessPm": "010000016"}, "ege": []}, {"informationsGeneralesPMEJ": '
    '{"numFinessPm": "010000156"}, "ege": [{"informationsGeneralesEGE": {"numFinessEge": "010780195", "nomEgeLong":'
    '"CLINIQUE ", "siret": "77220148900022"}, "categorieentiteGeographiqueExercice": "365", "etatObjet": "A",'
    '"adresse": [{"usageAdresse": "03", "cogCommune": "01053", "coordonneesGeographique": {"coordonneeX":'
    '"6570414.61", "coordonneeY": "873766.07", "directionLatitude": "46.211257", "directionLongitude": "5.254203",'
    '"scoreBAN": "0.97"}}]}]}]}'
)


def _study(folder: Path) -> list[bytes]:
    """Return two embedded studies: they read wherever they are."""
    from importlib import resources

    studies = resources.files("territory.datasets") / "studies"
    return [(studies / f"{name}.toml").read_bytes() for name in ("draguignan", "sessad")]


def _xlsx(folder: Path) -> list[bytes]:
    """Return a workbook with texts, numbers and a date."""
    import datetime as dt

    import openpyxl

    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for row in (["code", "places", "date"], ["01004", 12, dt.date(2024, 5, 1)], ["83050", 7.5, "=1+1"]):
        sheet.append(row)
    packed = io.BytesIO()
    book.save(packed)
    return [packed.getvalue()]


def _xls(folder: Path) -> list[bytes]:
    """Return a workbook of Excel 97-2003."""
    return [write_xls([["code", "places"], ["01004", 12.0], ["é", 7.5]])]


def _field_workbook(folder: Path) -> list[bytes]:
    """Return the workbook sent to the field, with an answer."""
    import openpyxl
    import pandas as pd

    from territory.sources import write_template

    communes = pd.DataFrame({"name": ["Salernes"]}, index=pd.Index(["83121"], name="commune_code"))
    index = pd.MultiIndex.from_tuples([("ime-salernes", "ime")], names=["site_id", "service"])
    path = write_template(folder / "seed.xlsx", communes, pd.DataFrame(index=index))
    book = openpyxl.load_workbook(path)
    book["Orientations"]["G4"] = 3
    book["Établissements"]["D4"] = 41
    book.save(path)
    return [path.read_bytes()]


def _geopackage(folder: Path) -> list[bytes]:
    """Return outlines as a GeoPackage."""
    import geopandas as gpd

    path = folder / "seed.gpkg"
    gpd.read_file(io.BytesIO(OUTLINES(folder)[0])).to_file(path, driver="GPKG")
    return [path.read_bytes()]


def _lines(folder: Path) -> list[bytes]:
    """Return road lines as GeoJSON."""
    return [
        b'{"type":"FeatureCollection","crs":{"type":"name","properties":{"name":"urn:ogc:def:crs:EPSG::2154"}},'
        b'"features":[{"type":"Feature","properties":{"nature":"route"},"geometry":{"type":"LineString",'
        b'"coordinates":[[950000,6270000],[950000,6271000]]}},{"type":"Feature","properties":{"nature":"route"},'
        b'"geometry":{"type":"LineString","coordinates":[[950000,6271000],[951000,6271000],[952000,6272000]]}}]}'
    ]


def _read_lines(path: Path) -> object:
    """Read a layer of lines and prepare it."""
    from territory import network
    from territory.sources.producers.ign import read_features

    frame = read_features(path)
    return network.from_lines(frame, columns={"road_class": ("nature",)}, speeds={"route": 60.0})


def _map(folder: Path) -> Path:
    """Return a map of a few streets, a roundabout, a limit, a signal and a forbidden turn."""
    nodes = {
        1: (6.40, 43.50),
        2: (6.41, 43.50, {"highway": "traffic_signals"}),
        3: (6.41, 43.51),
        4: (6.42, 43.51, {"barrier": "gate"}),
        5: (6.43, 43.52),
    }
    ways = {
        1: ([1, 2, 3], {"highway": "primary", "maxspeed": "80", "name": "Route d'été"}),
        2: ([3, 4, 5], {"highway": "residential", "oneway": "yes"}),
        3: ([2, 5], {"highway": "track", "surface": "gravel"}),
    }
    turns = {
        1: (
            [("w", 1, "from"), ("n", 3, "via"), ("w", 2, "to")],
            {"type": "restriction", "restriction": "no_left_turn"},
        )
    }
    return small_maps.write_osm(folder / "seed.osm", nodes, ways, turns)


def _osm(folder: Path) -> list[bytes]:
    """Return a map as XML."""
    return [_map(folder).read_bytes()]


def _pbf(folder: Path) -> list[bytes]:
    """Return a map as .osm.pbf."""
    import osmium

    path = folder / "seed.osm.pbf"
    path.unlink(missing_ok=True)
    with osmium.SimpleWriter(str(path)) as writer:
        for thing in osmium.FileProcessor(str(_map(folder))):
            writer.add(thing)
    return [path.read_bytes()]


def _graphml(folder: Path) -> list[bytes]:
    """Return a graph as osmnx saves it."""
    import networkx as nx
    import osmnx

    graph = nx.MultiDiGraph(crs="EPSG:4326")
    graph.add_nodes_from(
        [(1, {"x": 6.4, "y": 43.5}), (2, {"x": 6.4, "y": 43.51}), (3, {"x": 6.41, "y": 43.51})]
    )
    graph.add_edge(1, 2, osmid=7, highway="primary", oneway=False, length=1100.0, maxspeed="80")
    graph.add_edge(2, 1, osmid=7, highway="primary", oneway=False, reversed=True, length=1100.0)
    graph.add_edge(2, 3, osmid=[8, 9], highway=["residential", "service"], oneway=True, length=900.0)
    path = folder / "seed.graphml"
    osmnx.save_graphml(graph, path)
    return [path.read_bytes()]


def _network(folder: Path) -> list[bytes]:
    """Return the folder of a saved network, in a zip."""
    from territory.network import read_osm

    place = read_osm(_map(folder)).prepare().save(folder / "reseau")
    return [mutating.pack_zip({path.name: path.read_bytes() for path in sorted(place.iterdir())})]


def _read_network(path: Path) -> object:
    """Load a saved network and search in it, as whoever received it would."""
    from territory.network import RoadNetwork

    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "reseau"
        mutating.unfold(path.read_bytes(), folder)
        network = RoadNetwork.load(folder)
        points = small_maps.points(a=(6.40, 43.50), b=(6.42, 43.51))
        return network.travel_times(points, points)


def _parquet(folder: Path) -> list[bytes]:
    """Return a distancier as Parquet."""
    import pandas as pd

    frame = pd.DataFrame({"idSrc": ["83050", "83121"], "idDst": ["83121", "83050"], "duree": [25.0, 26.5]})
    return [frame.to_parquet()]


def _kept(folder: Path) -> list[bytes]:
    """Return a kept step, in a zip."""
    import pandas as pd

    from territory.files.safe_files import keep

    place = folder / "kept"
    place.mkdir(exist_ok=True)
    keep(place, "essai", "0" * 64, (pd.DataFrame({"a": [1.5, 2.5], "b": ["x", "y"]}),))
    files = [path for path in place.rglob("*") if path.is_file()]
    return [mutating.pack_zip({path.name: path.read_bytes() for path in sorted(files)})]


def _read_kept(path: Path) -> object:
    """Give back a kept step."""
    from territory.files.safe_files import kept

    with tempfile.TemporaryDirectory() as place:
        mutating.unfold(path.read_bytes(), Path(place) / f"essai-{'0' * 32}")
        return kept(Path(place), "essai", "0" * 64)


def _zip(folder: Path) -> list[bytes]:
    """Return an archive as a producer makes it."""
    return [
        mutating.pack_zip({"donnees/communes.csv": b"COM;PMUN\n83050;39434\n" * 50, "LISEZMOI.txt": b"ok"})
    ]


def _unpack(path: Path) -> object:
    """Unpack an archive into a folder of its own."""
    from territory.sources.fetching.archives import unpack

    with tempfile.TemporaryDirectory() as place:
        found = unpack(path, Path(place) / "dedans")
        assert all(Path(place) / "dedans" in one.parents for one in found)
        assert {one.name for one in Path(place).iterdir()} == {"dedans"}
        return found


def _origins(path: Path) -> object:
    """Read where the children served live."""
    from territory.study.own_tables import read_observed_origins

    return read_observed_origins(path, communes={"83050", "83121"}, authorisations={"ime-salernes"})


def _named(module: str, name: str) -> Callable[[Path], object]:
    """Return a reader that loads when it is first called."""
    import importlib

    return lambda path: getattr(importlib.import_module(module), name)(path)


def targets() -> dict[str, Target]:
    """Return every target by its name."""
    from territory.datasets.slots import SLOTS
    from tests.sources.broken import CASES

    sources, network = "territory.sources", "territory.network"
    table = _named(sources, "read_table")
    osm = _named(network, "read_osm")
    found = [
        Target("csv", "t.csv", table, TABLE),
        Target("csv-gz", "t.csv.gz", table, _packed(TABLE, gzip.compress), mutating.spoil_gzip),
        Target(
            "stream",
            "t.csv",
            _stream,
            _texts("commune;accueil;places\n01004;journée;12,5\n83050;;7\n", "a\tb\n1\t2\n"),
        ),
        Target("xlsx", "t.xlsx", table, _xlsx, mutating.spoil_zip),
        Target("xls", "t.xls", table, _xls),
        Target(
            "field-workbook", "t.xlsx", _named(sources, "read_template"), _field_workbook, mutating.spoil_zip
        ),
        Target("geojson", "c.geojson", _named(sources, "read_outlines"), OUTLINES),
        Target("geopackage", "c.gpkg", _named(sources, "read_outlines"), _geopackage, mutating.spoil_sqlite),
        Target("road-lines", "l.geojson", _read_lines, _lines),
        Target("osm-pbf", "m.osm.pbf", osm, _pbf, mutating.spoil_pbf),
        Target("osm-xml", "m.osm", osm, _osm),
        Target("osm-gz", "m.osm.gz", osm, _packed(_osm, gzip.compress), mutating.spoil_gzip),
        Target("osm-bz2", "m.osm.bz2", osm, _packed(_osm, bz2.compress), mutating.spoil_bzip2),
        Target("graphml", "g.graphml", _graph, _graphml),
        Target("saved-network", "n.zip", _read_network, _network, mutating.spoil_network),
        Target("kept-step", "k.zip", _read_kept, _kept, mutating.spoil_folder),
        Target("study", "etude.toml", _named("territory", "load_study"), _study),
        Target("observed-origins", "o.csv", _origins, ORIGINS),
        Target("distancier", "d.csv", _named(network, "read_distancier"), DISTANCIER),
        Target("distancier-parquet", "d.parquet", _named(network, "read_distancier"), _parquet),
        Target("zip", "a.zip", _unpack, _zip, mutating.spoil_zip),
        Target("gz", "a.csv.gz", _unpack, _packed(TABLE, gzip.compress), mutating.spoil_gzip),
        Target("finess-plus", "f.json", _named(sources, "read_finess_plus"), FINESS_PLUS),
        Target("manifest", "manifest.json", _past_study, _manifest),
        Target("stored", "source.json", _stored, _source_json),
    ]
    found += [
        Target(f"source-{name.replace(' ', '-')}", case.sample.name, case.reader, _texts(case.sample.text))
        for name, case in CASES.items()
    ]
    # a slot tries each of its readers on whatever file a study names
    for slot in SLOTS:
        names = {reader.name for reader in slot.readers}
        samples = [case.sample for case in CASES.values() if case.sample.reader in names]
        if len(slot.readers) < 2:
            continue
        # a sample of the BPE counts the equipment that the slot asks for
        codes = [one.options["type_code"] for one in slot.readers if "type_code" in one.options]
        for number, one in enumerate(samples, start=1):
            text = re.sub(r"D\d{3}", codes[0], one.text) if codes else one.text
            found.append(Target(f"slot-{slot.key}-{number}", one.name, slot.read, _texts(text)))
    return {target.name: target for target in found}


def _stream(path: Path) -> object:
    """Read a table line by line."""
    from territory.sources.text.tables import TableStream, read_columns

    stream = TableStream(path)
    return read_columns(stream, stream.titles)


def _graph(path: Path) -> object:
    """Read a graph of osmnx from a file."""
    from territory.network import from_osmnx

    return from_osmnx(path)


def _manifest(folder: Path) -> list[bytes]:
    """Return the manifest of a run, as far as it is read again."""
    import json

    from territory.study.load import load_study

    study = load_study(vallon.SMALL_STUDY)
    parameters = study.model_dump(mode="json", exclude_none=True)
    return [json.dumps({"parameters": parameters, "inputs_sha256": {"a": "0"}}).encode()]


def _past_study(path: Path) -> object:
    """Read the study of a past run."""
    from territory.workflow.past_runs import past_study

    return past_study(path.parent)


def _source_json(folder: Path) -> list[bytes]:
    """Return the description of a folder of raw data."""
    return [
        b'{"dataset": "cog", "vintage": "2024", "address": "https://exemple.fr/a", "retrieved_on": "2026-01-01",'
        b'"licence": "LO", "files": [{"name": "a.csv", "size_bytes": 3, "sha256": "00", "origin": "copied"}]}'
    ]


def _stored(path: Path) -> object:
    """Read the description of a folder, then check its files."""
    from territory.sources.fetching.raw_folder import check_stored, read_stored

    check_stored(path.parent.parent)
    return read_stored(path.parent)
