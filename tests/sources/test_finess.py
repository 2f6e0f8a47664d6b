"""FINESS in its four forms, on small files made from their columns, on broken ones and on a real one."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import geopandas as gpd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyproj import Transformer
from shapely import Point

from territory import geography
from territory.errors import ReadError, TerritoryWarning
from territory.sources import (
    read_finess_equipment,
    read_finess_flat,
    read_finess_plus,
    read_finess_sites,
)
from territory.sources.producers.finess import extracts, finess_plus
from territory.sources.producers.finess.extracts import commune_of
from territory.tables.schemas import validate
from territory.territories import TERRITORIES
from tests.sources.broken import read_or_refuse

# codes that are mended are counted in a warning, which has a test of its own
MENDED = pytest.mark.filterwarnings("ignore:.*réparé")

# where each projection is tried: département and commune as FINESS has them, our code, a point, how it is named
PLACES = [
    ("83", "050", "83050", (6.46, 43.54), "1,ATLASANTE,96,BAN,L93_METROPOLE", 2154),
    ("2A", "4", "2A004", (8.74, 41.93), "1,ATLASANTE,96,BAN,EPSG:2154 RGF93 / Lambert-93 (Métropole)", 2154),
    (
        "9A",
        "105",
        "97105",
        (-61.72, 16.0),
        "2,ATLASANTE,96,BAN,EPSG:5490 RGAF09/UTM Zone 20N (Antilles)",
        5490,
    ),
    ("9A", "127", "97801", (-63.08, 18.07), "1,ATLASANTE,90,BAN,UTM_N20", 5490),
    ("9C", "302", "97302", (-52.3, 4.93), "1,ATLASANTE,90,BAN,UTM_N22", 2972),
    ("9D", "411", "97411", (55.45, -20.88), "1,ATLASANTE,90,BAN,UTM_S40", 2975),
    ("9E", "502", "97502", (-56.17, 46.78), "2,X,90,BAN,WGS84/UTM zone 21N (St-Pierre-et-Miquelon)", 32621),
    ("9F", "608", "97608", (45.2, -12.8), "2,ATLASANTE,89,BAN,EPSG:4471 RGM04/UTM zone 38S (Mayotte)", 4471),
]


def structure(number: int, departement: str, commune: str, **cells: str) -> str:
    values = dict.fromkeys(extracts.STRUCTURE, "")
    values |= {
        "nofinesset": f"{number:09d}",
        "nofinessej": "830100525",
        "rs": "CH",
        "rslongue": f"SITE {number}",
    }
    values |= {"departement": departement, "commune": commune, "categetab": "355", **cells}
    return "structureet;" + ";".join(values.values())


def place(number: int, point: tuple[float, float], projection: str, epsg: int) -> str:
    x, y = Transformer.from_crs(4326, epsg, always_xy=True).transform(*point)
    return f"geolocalisation;{number:09d};{x};{y};{projection};2026-05-04"


def text(path: Path, *lines: str, encoding: str = "utf-8") -> Path:
    path.write_bytes(("\n".join(lines) + "\n").encode(encoding))
    return path


def whole_file(path: Path) -> Path:
    lines = ["finess;etalab;98;2026-05-12"]
    for number, (departement, commune, *_) in enumerate(PLACES, start=1):
        lines.append(structure(number, departement, commune))
    lines += [place(number, *spot[3:]) for number, spot in enumerate(PLACES, start=1)]
    return text(path, *lines, encoding="latin-1")


# two-line text, cs1100507


def test_sites_of_every_territory_fall_where_they_are(tmp_path):
    sites = read_finess_sites(whole_file(tmp_path / "cs1100507.csv"))
    validate("sites", sites)
    assert sites["commune_code"].to_list() == [spot[2] for spot in PLACES]
    for point, (*_, expected, _, _) in zip(sites.geometry, PLACES, strict=True):
        assert point.distance(Point(expected)) < 1e-6
    assert set(sites["point_precision"]) == {"address"}
    assert set(sites["source"]) == {"FINESS, 2026-05-12"}
    assert sites.loc["000000001", ["name", "operator_id", "category_code"]].to_list() == [
        "SITE 1",
        "830100525",
        "355",
    ]


def test_projections_are_those_of_geography():
    for key, territory in TERRITORIES.items():
        departement = "83" if key == "metropole" else key
        assert territory.epsg == geography.projected_epsg(departement)


def test_quotes_accents_and_older_lines_without_their_last_cell(tmp_path):
    cells = structure(1, "9F", "606", rslongue='"LIEU DE VIE ""MESSO"" ÉTÉ"').rsplit(";", 1)[0]
    path = text(tmp_path / "a.csv", "finess;etalab;98;2013-01-02", cells, place(1, *PLACES[7][3:]))
    assert read_finess_sites(path).loc["000000001", "name"] == 'LIEU DE VIE "MESSO" ÉTÉ'


def test_sites_without_a_point_are_counted_or_placed_in_their_commune(tmp_path):
    lines = [structure(1, "83", "050"), structure(2, "83", "050"), structure(3, "83", "121")]
    at_sea = "geolocalisation;000000002;0;0;1,X,9,BAN,L93_METROPOLE;2026-05-04"
    path = text(tmp_path / "a.csv", *lines, place(1, *PLACES[0][3:]), at_sea)
    with pytest.warns(TerritoryWarning) as caught:
        sites = read_finess_sites(path)
    said = [str(warning.message) for warning in caught]
    assert "1 établissement aux coordonnées hors de son territoire (000000002)" in said[0]
    assert "2 établissements sans coordonnées laissés de côté (000000002, 000000003)" in said[1]
    assert sites.index.to_list() == ["000000001"]
    communes = gpd.GeoDataFrame(geometry=[Point(6.4, 43.5)], index=["83050"], crs=4326).to_crs(2154)
    with pytest.warns(TerritoryWarning) as caught:
        sites = read_finess_sites(path, communes=communes)
    said = " ".join(str(warning.message) for warning in caught)
    assert "1 établissement sans coordonnées placé au point de sa commune" in said
    assert "1 établissement sans coordonnées laissé de côté (000000003)" in said
    assert sites["point_precision"].to_list() == ["address", "commune"]
    assert sites.loc["000000002"].geometry.distance(Point(6.4, 43.5)) < 1e-9


def test_lines_of_other_kinds_and_points_of_nobody_are_counted(tmp_path):
    path = text(
        tmp_path / "a.csv",
        structure(1, "83", "050"),
        "autre;1;2",
        place(1, *PLACES[0][3:]),
        place(9, *PLACES[0][3:]),
        "geolocalisation;000000001x;;;;",
    )
    with pytest.warns(TerritoryWarning) as caught:
        assert len(read_finess_sites(path)) == 1
    said = " ".join(str(warning.message) for warning in caught)
    assert "1 ligne d'une autre sorte laissée de côté (ligne 2)" in said
    assert "2 points sans établissement" in said


def test_an_unknown_projection_leaves_the_site_without_a_point(tmp_path):
    lines = [structure(1, "83", "050"), place(1, (6.46, 43.54), "1,X,96,BAN,MARS", 2154)]
    lines += [structure(2, "83", "050"), place(2, (6.46, 43.54), "1,X,96,BAN,EPSG:99999", 2154)]
    lines += [structure(3, "83", "050"), place(3, *PLACES[0][3:])]
    with pytest.warns(TerritoryWarning) as caught:
        sites = read_finess_sites(text(tmp_path / "a.csv", *lines))
    assert "2 points dont la projection est inconnue" in str(caught[0].message)
    assert sites.index.to_list() == ["000000003"]


@pytest.mark.parametrize(
    "lines, message",
    [
        ([structure(1, "83", "050")] * 2, r"1 établissement en double \(ligne 2 : 000000001\)"),
        ([structure(1, "83", "050"), *[place(1, *PLACES[0][3:])] * 2], r"1 point en double.*ligne 3"),
        ([structure(1, "83", "O50")], r"1 code de commune mal formé \(ligne 1 : « 83O50 »"),
        (["structureet;1;2;3"], r"1 ligne « structureet » n'a pas 32 cellules \(ligne 1 : 4\)"),
        (["a,b,c", "1,2,3"], "aucune ligne « structureet »"),
        (
            [structure(1, "83", "050", nofinesset="83000")],
            r"« nofinesset » : 1 valeur n'est pas un numéro FINESS",
        ),
        (
            [structure(1, "83", "050"), "geolocalisation;000000001;six;6;L93_METROPOLE;"],
            r"« coordxet ».*ligne 2 : « six »",
        ),
    ],
)
@pytest.mark.filterwarnings("ignore::territory.errors.TerritoryWarning")
def test_broken_files_of_sites_are_refused(tmp_path, lines, message):
    with pytest.raises(ReadError, match=rf"a\.csv(?s:.*){message}"):
        read_finess_sites(text(tmp_path / "a.csv", *lines))


# equipment, cs1400105 and cs1100505

TITLES = (
    "nofinesset;nofinessej;rs;de;libde;ta;libta;client;libclient;capinstot;ageminiinst;agemaxiinst;indsupinst"
)
TITLES += ";capautot;ageminiaut;agemaxiaut;indsupaut;dateautor"


def equipment(**cells: str) -> str:
    values = dict.fromkeys(TITLES.split(";"), "")
    values |= {"nofinesset": "830000001", "de": "844", "ta": "13", "client": "437", "capinstot": "20"}
    values |= {"indsupinst": "N", "capautot": "25", "indsupaut": "N", **cells}
    return ";".join(values.values())


@MENDED
def test_installed_and_authorised_places_stay_apart_and_zeros_come_back(tmp_path):
    lines = [equipment(nofinesset="10000024", de="23", ta="3", client="20", ageminiaut="6", agemaxiaut="20")]
    lines += [equipment(indsupinst="O"), equipment(indsupinst="", capinstot="")]
    path = text(tmp_path / "cs1400105.csv", TITLES, *lines)
    with pytest.warns(TerritoryWarning, match="1 ligne d'équipement supprimée laissée de côté, sur 3"):
        table = read_finess_equipment(path)
    row = table.loc[2]
    assert row[["nofinesset", "de", "ta", "client"]].to_list() == ["010000024", "023", "03", "020"]
    assert row[["capinstot", "capautot", "ageminiaut", "agemaxiaut"]].to_list() == [20, 25, 6, 20]
    assert table["capinstot"].isna().to_list() == [False, True]


def test_equipment_becomes_services(tmp_path):
    from territory.supply.equipment import services_from_strata, strata_from_equipment

    lines = [equipment(nofinesset="000000001"), equipment(nofinesset="000000001", ta="16", capautot="5")]
    table = read_finess_equipment(text(tmp_path / "a.csv", TITLES, *lines)).assign(categetab="183")
    strata = strata_from_equipment(table, capacity="authorised")
    services = services_from_strata(strata, complete=["ime", "sessad"])
    validate("services", services)
    assert services["capacity"].to_dict() == {("000000001", "ime"): 25, ("000000001", "sessad"): 5}


def test_the_public_file_without_titles_is_read(tmp_path):
    cells = dict.fromkeys(extracts.EQUIPMENT, "")
    cells |= {"nofinesset": "830000001", "de": "844", "ta": "13", "client": "437", "capinstot": "20"}
    cells |= {"indsupinst": "N", "capautot": "25", "indsupaut": "N"}
    path = text(
        tmp_path / "cs1100505.csv",
        "finess;etalab;94;2026-03-11",
        "structureet;830000001;830000002",
        "equipementsocial;" + ";".join(cells.values()),
    )
    row = read_finess_equipment(path).iloc[0]
    assert row[["nofinessej", "capinstot", "capautot"]].to_list() == ["830000002", 20, 25]
    short = text(tmp_path / "b.csv", "finess;etalab;94;2026-03-11", "equipementsocial;830000001;844;;13")
    with pytest.raises(ReadError, match=r"n'a pas 28 cellules \(ligne 2 : 5\)"):
        read_finess_equipment(short)


@pytest.mark.parametrize(
    "line, message",
    [
        (equipment(capinstot="vingt"), r"« capinstot ».*ligne 2 : « vingt »"),
        (equipment(capautot="-3"), r"« capautot » : 1 valeur impossible \(ligne 2 : « -3.0 »"),
        (equipment(indsupinst="?"), r"« indsupinst » : 1 valeur impossible"),
        (equipment(nofinesset="IME"), r"« nofinesset » : 1 valeur n'est pas un numéro FINESS"),
        (equipment() + ";", None),
        (equipment() + ";x", r"1 ligne n'a pas 18 colonnes"),
    ],
)
def test_broken_equipment_is_refused(tmp_path, line, message):
    path = text(tmp_path / "a.csv", TITLES, line)
    if message is None:
        assert len(read_finess_equipment(path)) == 1
        return
    with pytest.raises(ReadError, match=rf"a\.csv(?s:.*){message}"):
        read_finess_equipment(path)


def test_a_renamed_column_of_equipment_is_named(tmp_path):
    path = text(tmp_path / "a.csv", TITLES.replace("capinstot", "capinstal"), equipment())
    with pytest.raises(ReadError, match=r"« capinstot » absente \(vouliez-vous dire « capinstal »"):
        read_finess_equipment(path)


# flat table

FLAT = "nofinesset;nofinessej;rs;rslongue;categetab;code_insee;latitude;longitude;libde;libta"
FLAT_LINES = [
    "310000001;310000002;IME;INSTITUT;183;31555;43,6;1,4;Éducation;Semi-Internat",
    "310000001;310000002;IME;INSTITUT;183;31555;43,6;1,4;Éducation;Prestation en milieu ordinaire",
    "90002585;90002577;PHARMACIE;;620;9289;43,0;1,1;;",
]


@MENDED
def test_a_flat_table_gives_each_site_once(tmp_path):
    path = text(tmp_path / "flat.csv", FLAT, *FLAT_LINES, encoding="latin-1")
    sites = read_finess_flat(path)
    validate("sites", sites)
    assert sites["name"].to_dict() == {"310000001": "INSTITUT", "090002585": "PHARMACIE"}
    assert sites.loc["090002585", ["operator_id", "commune_code"]].to_list() == ["090002577", "09289"]


def test_a_flat_table_that_contradicts_itself_is_refused(tmp_path):
    path = tmp_path / "flat.csv"
    with pytest.raises(
        ReadError,
        match=r"1 établissement a des lignes dont nom, catégorie, commune ou point diffèrent.*310000001",
    ):
        read_finess_flat(text(path, FLAT, FLAT_LINES[0], FLAT_LINES[1].replace("31555", "31554")))
    with pytest.raises(ReadError, match=r"« latitude ».*ligne 2 : « nord »"):
        read_finess_flat(text(path, FLAT, FLAT_LINES[0].replace("43,6", "nord")))
    with pytest.raises(ReadError, match=r"« code_insee ».*ligne 2 : « Toulouse »"):
        read_finess_flat(text(path, FLAT, FLAT_LINES[0].replace("31555", "Toulouse")))
    with pytest.raises(ReadError, match="« categetab » absente"):
        read_finess_flat(text(path, FLAT.replace("categetab", "cat"), *FLAT_LINES))


# FINESS+


def establishment(number: str = "010780195", **changes: object) -> dict[str, object]:
    degrees = {"directionLatitude": "46.211257", "directionLongitude": "5.254203", "scoreBAN": "0.97"}
    metres = {"coordonneeX": "6570414.61", "coordonneeY": "873766.07"}
    second = {"usageAdresse": "04", "cogCommune": "01004", "coordonneesGeographique": None}
    main = {"usageAdresse": "03", "cogCommune": "01053", "coordonneesGeographique": {**metres, **degrees}}
    return {
        "informationsGeneralesEGE": {
            "numFinessEge": number,
            "nomEgeLong": "CLINIQUE ",
            "siret": "77220148900022",
        },
        "categorieentiteGeographiqueExercice": "365",
        "adresse": [second, main],
        "etatObjet": "A",
        **changes,
    }


def structures(path: Path, *sites: dict[str, object]) -> Path:
    entity = {"informationsGeneralesPMEJ": {"numFinessPm": "010000156"}, "ege": list(sites)}
    empty = {"informationsGeneralesPMEJ": {"numFinessPm": "010000016"}, "ege": []}
    body = {"schemaVersion": "v1.0.0", "generatedAt": "2026-03-09T15:49:37Z", "gcc": [{"pmejDuGcc": []}]}
    content = json.dumps(body | {"pmej": [empty, entity]}, indent=2).encode()
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    return path


@pytest.mark.parametrize("suffix", ["json", "json.gz"])
def test_finess_plus_is_read_in_both_layouts_of_coordinates(tmp_path, suffix, monkeypatch):
    # pieces far smaller than one entity
    monkeypatch.setattr(finess_plus, "_CHUNK_CHARACTERS", 97)
    swapped = establishment("010011468")
    swapped["adresse"] = [
        {
            "cogCommune": "01160",
            "coordonneesGeographique": {"coordonneeX": "6.111815", "coordonneeY": "46.257688"}
            | {"directionLatitude": "6577813.0", "directionLongitude": "939642.76"},
        }
    ]
    path = structures(tmp_path / f"a.{suffix}", establishment(), swapped)
    sites = read_finess_plus(path)
    validate("sites", sites)
    assert sites["commune_code"].to_list() == ["01053", "01160"]
    assert [(point.x, point.y) for point in sites.geometry] == [(5.254203, 46.211257), (6.111815, 46.257688)]
    assert sites.iloc[0][["name", "operator_id", "source"]].to_list() == [
        "CLINIQUE",
        "010000156",
        "FINESS+, 2026-03-09",
    ]


def test_closed_and_nameless_establishments_are_counted(tmp_path):
    nameless = establishment(informationsGeneralesEGE={"nomEgeLong": "X"})
    path = structures(tmp_path / "a.json", establishment(), establishment("1", etatObjet="I"), nameless)
    with pytest.warns(TerritoryWarning) as caught:
        assert len(read_finess_plus(path)) == 1
    said = " ".join(str(warning.message) for warning in caught)
    assert "1 établissement fermé laissé de côté" in said
    assert "1 établissement sans numéro FINESS laissé de côté" in said


@pytest.mark.parametrize(
    "change, message",
    [
        (lambda content: content[: len(content) // 2], "coupé"),
        (lambda content: content.replace(b'"pmej"', b'"autre"'), "« pmej » introuvable"),
        (lambda content: content.replace(b'"ege": [', b'"ege": 3, "x": ['), "« ege » n'est pas une liste"),
        (lambda content: content.replace(b"01053", b"Bourg"), "code de commune mal formé"),
        (lambda content: b"\xff\xfe" + content, "UTF-8"),
        (lambda content: b"", "introuvable"),
        (lambda content: b'{"pmej": [1, 2]}', "autre chose que des entités"),
        (lambda content: b'{"pmej": []}', "aucun établissement ouvert"),
    ],
)
def test_broken_files_of_finess_plus_are_refused(tmp_path, change, message):
    path = structures(tmp_path / "a.json", establishment())
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(ReadError, match=rf"a\.json(?s:.*){message}"):
        read_finess_plus(path)


@given(cut=st.integers(0, 2500), byte=st.integers(0, 255))
def test_no_cut_or_altered_file_ends_in_a_traceback(tmp_path_factory, cut, byte):
    folder = tmp_path_factory.mktemp("plus")
    path = structures(folder / "a.json", establishment())
    content = bytearray(path.read_bytes())
    content[cut % len(content)] = byte
    path.write_bytes(bytes(content))
    read_or_refuse(read_finess_plus, path)


# the real file


def test_the_real_extract_has_the_establishments_its_readme_says(shared_data):
    path = shared_data / "care_sites" / "finess_occitanie_2026.csv"
    sites = read_finess_flat(path)
    validate("sites", sites)
    assert len(sites) == 10_004
    assert (sites["category_code"] == "182").sum() == 224
    assert sites["commune_code"].str[:2].nunique() == 13


def test_commune_of_has_no_commune_for_an_empty_cell():
    assert commune_of("", "050") == commune_of("83", " ") == ""
    assert commune_of("971", "105") == "97105"
    assert commune_of("9J", "613") == "98613"
