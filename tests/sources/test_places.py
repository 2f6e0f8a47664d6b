"""APL, facilities, outlines, the population grid and zonings: small files made from the producers' columns."""

from __future__ import annotations

import gzip
from pathlib import Path

import geopandas as gpd
import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import Transformer
from shapely import box

from territory.errors import ReadError, TerritoryWarning
from territory.sources import (
    read_apl,
    read_bpe_points,
    read_care_territories,
    read_outlines,
    read_population_grid,
    read_zoning,
)

# codes that are mended are counted in a warning, which has a test of its own
MENDED = pytest.mark.filterwarnings("ignore:.*réparé")


def text(path: Path, *lines: str, encoding: str = "utf-8") -> Path:
    path.write_bytes(("\n".join(lines) + "\n").encode(encoding))
    return path


def workbook(path: Path, sheets: dict[str, list[list[object]]]) -> Path:
    book = openpyxl.Workbook()
    book.remove(book.active)
    for title, rows in sheets.items():
        sheet = book.create_sheet(title)
        for row in rows:
            sheet.append(row)
    book.save(path)
    return path


# APL

APL = ["Code commune INSEE", "Commune", "APL aux médecins généralistes"]
APL += [f"APL aux médecins généralistes de {age} ans et moins " for age in (65, 62)]
APL += ["Population standardisée 2022 pour la médecine générale", "Population totale 2022"]
UNITS = [None, None, *["En nombre de consultations/visites accessibles par habitant standardisé"] * 3]
NOTES = [
    ["Indicateur d'accessibilité potentielle localisée (APL)"],
    [],
    ["Millésime : 2024"],
    *[["Note"]] * 5,
]


def apl_sheet(*rows: list[object], titles: list[str] = APL) -> list[list[object]]:
    return [*NOTES, titles, [*UNITS, "En habitants", "En habitants"], *rows]


def test_apl_is_read_under_its_notes_for_the_year_asked(tmp_path):
    rows = [["1004", "Ambérieu", 3.1, 2.9, 2.5, 14000, 14200], ["2A004", "Ajaccio", None, None, None, 9, 10]]
    sheets = {"Lisez-moi": [["APL"]], "APL 2023": apl_sheet(["75101", "Paris 1er", 6, 5, 4, 9, 9])}
    path = workbook(tmp_path / "apl.xlsx", sheets | {"APL_2024": apl_sheet(*rows)})
    table = read_apl(path)
    assert table.loc["01004"].to_list() == ["Ambérieu", 3.1, 2.9, 2.5, 14000, 14200]
    assert list(table.columns) == [
        "name",
        "apl",
        "apl_up_to_65",
        "apl_up_to_62",
        "standardised_population_hab",
        "population_hab",
    ]
    assert table["apl"].isna().to_dict() == {"01004": False, "2A004": True}
    assert table.attrs["year"] == 2024
    assert table.attrs["profession"] == "médecins généralistes"
    assert table.attrs["unit"].startswith("En nombre de consultations")


def test_apl_of_before_2020_has_other_titles_and_no_population(tmp_path):
    titles = ["Code commune", "Communes", "APL aux médecins généralistes"]
    titles.append("APL aux médecins généralistes de moins de 65 ans")
    table = read_apl(workbook(tmp_path / "a.xlsx", {"APL 2018": [[], titles, ["83050", "D", 3, 2.5]]}))
    assert table.loc["83050"].to_dict() == {"name": "D", "apl": 3.0, "apl_up_to_65": 2.5}
    assert table.attrs["profession"] == "médecins généralistes"


def test_apl_says_which_lines_are_no_commune(tmp_path):
    path = workbook(
        tmp_path / "apl.xlsx",
        {
            "APL 2024": apl_sheet(
                ["83050", "D", 3, 3, 3, 9, 9], ["Total", None, 3, 3, 3, 9, 9], ["Lecture : x"]
            )
        },
    )
    with pytest.warns(
        TerritoryWarning, match="2 lignes qui ne sont pas des communes laissées de côté .Total"
    ):
        assert len(read_apl(path)) == 1


@pytest.mark.parametrize(
    "rows, titles, message",
    [
        (
            [["83050", "D", "trois", 3, 3, 9, 9]],
            APL,
            r"« APL aux médecins généralistes ».*ligne 11 : « trois »",
        ),
        ([["83050", "D", 3, 3, 3, 9, 9]] * 2, APL, r"1 commune en double \(83050"),
        ([["83050", "D", 3, 3, 3, 9, 9]], ["Code", *APL[1:]], "ligne de titres introuvable"),
        ([["83050", "D", 3, 3, 3, 9, 9]], [*APL[:2], "Accès", *APL[3:]], "« APL aux …»|« APL aux … »"),
    ],
)
def test_apl_that_cannot_serve_is_refused(tmp_path, rows, titles, message):
    path = workbook(tmp_path / "apl.xlsx", {"APL 2024": apl_sheet(*rows, titles=titles)})
    with pytest.raises(ReadError, match=rf"apl\.xlsx(?s:.*)({message})"):
        read_apl(path)
    with pytest.raises(ReadError, match="aucune feuille « APL »"):
        read_apl(workbook(tmp_path / "b.xlsx", {"Feuil1": [["a"], [1]]}))


# BPE

OLD = "AN;REG;DEP;DEPCOM;DCIRIS;TYPEQU;LAMBERT_X;LAMBERT_Y;QUALITE_XY"
NEW = "NOMRS;DEP;DEPCOM;LIBCOM;DOM;SDOM;TYPEQU;SIRET;LAMBERT_X;LAMBERT_Y;LONGITUDE;LATITUDE;QUALITE_XY;EPSG"


def old_line(code: str, kind: str, point: tuple[float, float] | None, epsg: int, quality: str) -> str:
    x, y = Transformer.from_crs(4326, epsg, always_xy=True).transform(*point) if point else ("", "")
    return f"2021;93;83;{code};{code}0101;{kind};{x};{y};{quality}"


@MENDED
def test_facilities_of_the_old_layout_fall_in_their_territory(tmp_path):
    spots = [
        ("83050", (6.46, 43.54), 2154),
        ("97411", (55.45, -20.88), 2975),
        ("97209", (-61.07, 14.6), 5490),
    ]
    lines = [old_line(code, "D201", point, epsg, "Bonne") for code, point, epsg in spots]
    lines += [
        old_line("1004", "D201", (5.35, 45.96), 2154, "Mauvaise"),
        old_line("83050", "B203", None, 2154, ""),
    ]
    path = text(tmp_path / "bpe.csv", OLD, *lines)
    table = read_bpe_points(path, ["D201"])
    assert table["commune_code"].to_list() == ["83050", "97411", "97209", "01004"]
    assert table["point_precision"].to_list() == ["address", "address", "address", "commune"]
    for point, (_, expected, _) in zip(table.geometry, spots, strict=False):
        assert (point.x, point.y) == pytest.approx(expected, abs=1e-6)
    packed = tmp_path / "bpe.csv.gz"
    packed.write_bytes(gzip.compress(path.read_bytes()))
    assert read_bpe_points(packed, ["D201"], departements=["974"])["commune_code"].to_list() == ["97411"]


def test_facilities_of_the_new_layout_keep_name_and_siret(tmp_path):
    lines = ["CABINET;83;83050;D;D;D2;D265;123;982000;6275000;6.46;43.54;B;2154"]
    lines += ["SANS POINT;83;83050;D;D;D2;D265;;;;;;_Z;", "MER;83;83050;D;D;D2;D265;;0;0;0;0;A;2154"]
    lines += ["FLOU;83;83050;D;D;D2;D265;;982000;6275000;;;_U;9999"]
    path = text(tmp_path / "bpe24.csv", NEW, *lines)
    with pytest.warns(TerritoryWarning) as caught:
        table = read_bpe_points(path, ["D265"])
    said = " ".join(str(warning.message) for warning in caught)
    assert "1 équipement au point hors de son territoire" in said
    assert "2 équipements sans point" in said
    assert table[["name", "siret"]].iloc[0].to_list() == ["CABINET", "123"]
    assert table.geometry.iloc[0].coords[0] == (6.46, 43.54)
    assert table.groupby("commune_code").size().to_dict() == {"83050": 4}
    assert table["point_precision"].isna().to_list() == [False, True, True, True]


def test_facilities_of_unknown_quality_are_said(tmp_path):
    path = text(tmp_path / "bpe.csv", OLD, old_line("83050", "D201", (6.46, 43.54), 2154, "Étrange"))
    with pytest.warns(
        TerritoryWarning, match=r"1 point de qualité inconnue, tenu pour approximatif \(Étrange"
    ):
        assert read_bpe_points(path, ["D201"])["point_precision"].to_list() == ["commune"]


@pytest.mark.parametrize(
    "lines, message",
    [
        ([OLD.replace("TYPEQU", "TYPE"), "2021;93;83;83050;1;D201;1;1;Bonne"], r"« TYPEQU » absente"),
        ([OLD, "2021;93;83;Draguignan;1;D201;1;1;Bonne"], r"« DEPCOM ».*ligne 2 : « Draguignan »"),
        ([OLD, "2021;93;83;83050;1;D201;est;1;Bonne"], r"« LAMBERT_X ».*ligne 2 : « est »"),
        ([OLD, "2021;93;83;83050;1;B203;1;1;Bonne"], "aucun équipement de type D201"),
        ([OLD, "2021;93;83;83050;1;D201;1;1"], "ligne 2 : 8 cellules au lieu de 9"),
        ([OLD], "aucune donnée"),
        ([OLD + ";AN", "2021;93;83;83050;1;D201;1;1;Bonne;2021"], "en double : AN"),
        ([OLD, '2021;93;83;83050;1;"D201;1;1;Bonne'], "guillemet mal fermé"),
    ],
)
def test_broken_files_of_facilities_are_refused(tmp_path, lines, message):
    with pytest.raises(ReadError, match=rf"bpe\.csv(?s:.*){message}"):
        read_bpe_points(text(tmp_path / "bpe.csv", *lines), ["D201"])


# IGN

OLD_IGN = {"INSEE_COM": "83050", "NOM": "D"}
GEOFLA = {"INSEE_COM": "83050", "NOM_COMM": "D"}
NEW_IGN = {"code_insee": "83050", "nom_officiel": "D"}


def layer(path: Path, values: dict[str, object], name: str | None = None) -> Path:
    frame = gpd.GeoDataFrame(
        {key: [value] for key, value in values.items()}, geometry=[box(6, 43, 7, 44)], crs=4326
    )
    frame.to_file(path, layer=name) if name else frame.to_file(path)
    return path


@pytest.mark.parametrize("values", [OLD_IGN, NEW_IGN, GEOFLA])
@pytest.mark.parametrize("suffix", ["geojson", "gpkg"])
def test_outlines_are_read_in_both_spellings(tmp_path, values, suffix):
    assert read_outlines(layer(tmp_path / f"a.{suffix}", values))["name"].to_dict() == {"83050": "D"}


def test_the_layer_of_communes_is_found_among_others(tmp_path):
    path = layer(tmp_path / "ade.gpkg", NEW_IGN, "commune")
    layer(path, {"code_insee": "83", "nom_officiel": "Var"}, "departement")
    assert read_outlines(path)["name"].to_list() == ["D"]
    other = layer(layer(tmp_path / "b.gpkg", OLD_IGN, "a"), OLD_IGN, "b")
    with pytest.raises(ReadError, match=r"plusieurs couches \(a, b\) ; nommez « commune »"):
        read_outlines(other)


@MENDED
def test_codes_of_outlines_are_mended_or_refused(tmp_path):
    lost_zero = read_outlines(layer(tmp_path / "c.geojson", {"code": 1004, "nom": "A"}))
    assert lost_zero.index.to_list() == ["01004"]
    with pytest.raises(ReadError, match=r"« code ».*ligne 1 : « Var »"):
        read_outlines(layer(tmp_path / "d.geojson", {"code": "Var", "nom": "A"}))
    with pytest.raises(ReadError, match="aucune colonne ne donne le nom"):
        read_outlines(layer(tmp_path / "e.geojson", {"code": "83050"}))


# grid

GRID = "Idcar_200m,I_est_200,Ind,Ind_0_3,Ind_4_5,Ind_80p,lcog_geo"


def cell(north: int, east: int, *, communes: str = "83050", persons: str = "4", imputed: int = 0) -> str:
    return f"CRS3035RES200mN{north}E{east},{imputed},{persons},1,0.5,0,{communes}"


def test_cells_become_points_at_their_centre(tmp_path):
    lines = [cell(2274600, 4050200), cell(2274800, 4050200, communes="8305083141", imputed=1, persons="6")]
    lines += [cell(2274600, 4050400, communes="1004")]
    path = text(tmp_path / "carreaux.csv", GRID, *lines)
    with pytest.warns(TerritoryWarning, match="43% des habitants"):
        grid = read_population_grid(path)
    assert grid["commune_code"].to_list() == ["83050", "83050", "01004"]
    assert grid["commune_count"].to_list() == [1, 2, 1]
    assert grid["is_imputed"].to_list() == [False, True, False]
    assert next((point.x, point.y) for point in grid.geometry) == (4050300, 2274700)
    assert grid.crs.to_epsg() == 3035
    assert grid[["population_0_3", "population_4_5", "population_80_plus"]].iloc[0].to_list() == [1, 0.5, 0]
    assert len(read_population_grid(path, departements=["01"])) == 1


def test_the_older_grid_names_one_commune(tmp_path):
    path = text(tmp_path / "a.csv", "idcar_200m,ind,depcom", "CRS2975RES200mN7690000E340000,3.5,97411")
    grid = read_population_grid(path)
    assert grid.crs.to_epsg() == 2975
    assert grid.iloc[0][["commune_code", "population", "is_imputed"]].to_list() == ["97411", 3.5, False]


@pytest.mark.parametrize(
    "lines, message",
    [
        (["CRS3035,0,1,1,1,1,83050"], r"« idcar_200m » : 1 identifiant illisible \(ligne 2 : « CRS3035 »"),
        ([cell(0, 0)] * 2, r"1 carreau en double \(ligne 3 : CRS"),
        ([cell(0, 0), "CRS2975RES200mN0E0,0,1,1,1,1,97411"], "plusieurs projections"),
        ([cell(0, 0, persons="-1")], r"« ind » : 1 effectif absent ou négatif \(ligne 2\)"),
        ([cell(0, 0, persons="peu")], r"« ind ».*ligne 2 : « peu »"),
        ([cell(0, 0, communes="Var")], r"« lcog_geo ».*ligne 2"),
        ([cell(0, 0, communes="")], r"« lcog_geo ».*ligne 2"),
    ],
)
def test_broken_grids_are_refused(tmp_path, lines, message):
    with pytest.raises(ReadError, match=rf"a\.csv(?s:.*){message}"):
        read_population_grid(text(tmp_path / "a.csv", GRID, *lines))


@given(
    cells=st.dictionaries(
        st.tuples(st.integers(-50, 50), st.integers(0, 50)), st.integers(1, 400), min_size=1, max_size=8
    )
)
@settings(deadline=None, max_examples=15)
def test_the_grid_keeps_every_person(tmp_path_factory, cells):
    lines = [
        cell(north * 200, east * 200, persons=str(persons / 10)) for (north, east), persons in cells.items()
    ]
    path = text(tmp_path_factory.mktemp("grid") / "a.csv", GRID, *lines)
    grid = read_population_grid(path)
    assert grid["population"].sum() == pytest.approx(sum(cells.values()) / 10)
    assert len({(point.x, point.y) for point in grid.geometry}) == len(cells)


# zonings


def test_care_territories_are_found_in_any_sheet(tmp_path):
    titles = ["Code de la région", "Code du territoire de vie-santé", "Libellé du territoire de vie-santé"]
    titles += ["Code de la commune", "Qualification attribuée par l'arrêté régional"]
    lines = [titles, ["93", "83050", "Draguignan", "83050", "ZIP"]]
    path = workbook(tmp_path / "ars.xlsx", {"Lisez-moi": [["DREES"]], "Zonage_communes": lines})
    assert read_care_territories(path).to_dict() == {"83050": "83050"}
    assert read_zoning(path).to_dict() == {"83050": "ZIP"}
    path = text(
        tmp_path / "z.csv", "Territoires", "depcom;nom;classe 2024", "2A004;Ajaccio;ZAC", encoding="cp1252"
    )
    with pytest.raises(ReadError, match=r"territoire de vie-santé ; titres lus : Territoires"):
        read_care_territories(path)
    assert read_zoning(path).to_dict() == {"2A004": "ZAC"}


def test_a_commune_in_two_zones_is_refused_and_repeats_are_counted(tmp_path):
    path = tmp_path / "z.csv"
    lines = ["CODGEO;TVS;NOM", "83050;83050;a", "83050;83050;a", "83141;;"]
    with pytest.warns(TerritoryWarning) as caught:
        zones = read_care_territories(text(path, *lines))
    said = " ".join(str(warning.message) for warning in caught)
    assert "1 ligne répétée comptée une seule fois (83050)" in said
    assert "1 commune sans zone (83141)" in said
    assert zones.isna().to_dict() == {"83050": False, "83141": True}
    with pytest.raises(ReadError, match=r"1 commune dans deux zones \(83050"):
        read_care_territories(text(path, *lines[:2], "83050;4;b"))
    with pytest.raises(ReadError, match=r"« CODGEO ».*ligne 2 : « Var »"):
        read_care_territories(text(path, lines[0], "Var;3;a"))
