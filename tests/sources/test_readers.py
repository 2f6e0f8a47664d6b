"""Readers of each producer: on small files made from its columns, on broken ones, and on the real files."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import geopandas as gpd
import openpyxl
import pytest
from shapely import MultiPolygon, Point, Polygon, box

from territory import sources
from territory.errors import MissingFileError, ReadError, TerritoryWarning

SHARES = [
    f"Part des pers. âgées {words} 2020" for words in ("de - de 25 ans", "de 25 à 64 ans", "de 65 ans ou +")
]


def text(path: Path, *lines: str, encoding: str = "utf-8") -> Path:
    path.write_bytes(("\n".join(lines) + "\n").encode(encoding))
    return path


def workbook(path: Path, rows: list[list[object]], *, title: str = "Data") -> Path:
    book = openpyxl.Workbook()
    book.active.title = title
    for row in rows:
        book.active.append(row)
    book.save(path)
    return path


# INSEE


def test_legal_populations_are_read_in_their_three_layouts(tmp_path):
    new = text(
        tmp_path / "a.csv",
        "REG;DEP;CODCOM;COM;Commune;PMUN;PCAP;PTOT",
        "84;01;004;01004;Ambérieu;14854;386;15240",
    )
    old = text(tmp_path / "b.csv", "DEPCOM;COM;PMUN;PCAP;PTOT", "01004;Ambérieu;14854;386;15240")
    titles = ["Code région", "Code département", "Code commune", "Nom de la commune"]
    titles += ["Population municipale", "Population comptée à part", "Population totale"]
    rows = [["Populations légales"], [], titles, ["84", "01", "004", "Ambérieu", 14854, 386, 15240]]
    rows += [["04", "974", "423", "Les Trois-Bassins", 7111, 96, 7207]]
    book = workbook(tmp_path / "c.xlsx", rows, title="Communes")
    for path in (new, old, book):
        assert sources.read_legal_population(path).loc["01004"].to_list() == ["Ambérieu", 14854, 386, 15240]
    assert sources.read_legal_population(book).index[-1] == "97423"


def test_legal_populations_refuse_what_does_not_add_to_a_table(tmp_path):
    path = tmp_path / "pop.csv"
    with pytest.raises(ReadError, match="« PMUN » absente"):
        sources.read_legal_population(text(path, "DEPCOM;COM;POP;PCAP;PTOT", "01004;A;1;1;2"))
    with pytest.raises(ReadError, match="ligne 3 : « beaucoup »"):
        sources.read_legal_population(
            text(path, "DEPCOM;COM;PMUN;PCAP;PTOT", "01001;A;1;1;2", "01002;B;beaucoup;1;2")
        )
    with pytest.raises(ReadError, match=r"1 code de commune en double \(ligne 3 : 01001"):
        sources.read_legal_population(
            text(path, "DEPCOM;COM;PMUN;PCAP;PTOT", "01001;A;1;1;2", "01001;A;1;1;2")
        )


def test_age_shares_keep_communes_only_and_know_who_has_nobody(tmp_path):
    rows = [["code_insee", "nom", "scale", *SHARES], ["01001", "A", "Commune", 27, 53.4, 19.6]]
    rows += [
        ["55039", "B", "Commune", *["N/A - division par 0"] * 3],
        ["84", "ARA", "Région", 19.6, 27, 53.4],
    ]
    path = workbook(tmp_path / "ages.xlsx", rows)
    with pytest.warns(TerritoryWarning, match="1 ligne laissée de côté"):
        table = sources.read_age_shares(path)
    assert table.loc["01001", ["under_25_share", "from_65_share"]].to_list() == pytest.approx([0.27, 0.196])
    assert table.loc["55039"].isna().sum() == 3
    assert table.attrs["year"] == "2020"


def test_age_shares_that_do_not_add_up_are_refused(tmp_path):
    path = workbook(
        tmp_path / "a.xlsx", [["code_insee", "nom", "scale", *SHARES], ["01001", "A", "Commune", 50, 50, 19]]
    )
    with pytest.raises(ReadError, match="ne font pas 100 %"):
        sources.read_age_shares(path)
    path = workbook(
        tmp_path / "b.xlsx", [["code_insee", "nom", "scale", *SHARES[:2]], ["01001", "A", "Commune", 50, 50]]
    )
    with pytest.raises(ReadError, match="0 colonne correspond"):
        sources.read_age_shares(path)


def test_young_population_refuses_more_children_than_people(tmp_path):
    title = "code_insee,commune,pop_tot,pop_0_14"
    path = text(tmp_path / "a.csv", title, "01004,A,14204.000,2716.406")
    assert sources.read_young_population(path).loc["01004", "population_0_14"] == 2716.406
    with pytest.raises(ReadError, match="plus d'enfants que d'habitants"):
        sources.read_young_population(text(path, title, "01004,A,10.0,20.5"))


def test_households_without_a_car_are_those_left_and_arrondissements_are_not_counted_twice(tmp_path):
    title = "CODGEO;P21_RP;P21_RP_VOIT1P;P21_RP_VOIT1;P16_RP"
    path = text(tmp_path / "a.csv", title, "01004;100,5;80;50;90", "75056;1000;300;250;90", "75101;10;3;2;90")
    with pytest.warns(TerritoryWarning, match="arrondissement"):
        found = sources.read_households_without_car(path)
    assert found.to_dict() == {"01004": 20.5, "75056": 700.0}
    with pytest.raises(ReadError, match="1 commune avec plus de ménages motorisés que de ménages"):
        sources.read_households_without_car(text(path, title, "01004;10;11;9;9"))
    with pytest.raises(ReadError, match="VOIT1P"):
        sources.read_households_without_car(text(path, "CODGEO;P21_RP", "01004;10"))


# COG


def test_cog_refuses_unknown_types_and_repeated_communes(tmp_path):
    title = "TYPECOM,COM,REG,DEP,LIBELLE,COMPARENT"
    path = tmp_path / "v_commune.csv"
    with pytest.raises(ReadError, match=r"types de commune inconnus \(XYZ\)"):
        sources.read_cog_communes(text(path, title, "XYZ,01001,84,01,A,"))
    with pytest.raises(ReadError, match="en double"):
        sources.read_cog_communes(text(path, title, "COM,01001,84,01,A,", "COM,01001,84,01,A,"))


def test_movements_keep_their_order_and_refuse_wrong_dates(tmp_path):
    title = "MOD,DATE_EFF,TYPECOM_AV,COM_AV,LIBELLE_AV,TYPECOM_AP,COM_AP,LIBELLE_AP"
    line = "32,2019-01-01,COM,05120,Ristolas,COM,05001,Abriès-Ristolas"
    table = sources.read_cog_movements(text(tmp_path / "m.csv", title, line))
    assert table.loc[0, ["movement_code", "code_before", "code_after"]].to_list() == ["32", "05120", "05001"]
    assert table.loc[0, "date"].isoformat() == "2019-01-01T00:00:00"
    with pytest.raises(ReadError, match=r"1 date illisible \(ligne 2\)"):
        sources.read_cog_movements(text(tmp_path / "m.csv", title, line.replace("2019-01-01", "01/01/2019")))


# Banatic


def epci_rows(*communes: tuple[str, str], members: int) -> list[list[object]]:
    titles = ["dept", "siren", "raison_sociale", "nature_juridique", "nb_membres", "total_pop_mun", "insee"]
    return [titles, *(["83", siren, "CC", "CC", members, 100, code] for siren, code in communes)]


def test_epci_are_read_and_must_be_whole(tmp_path):
    path = workbook(tmp_path / "a.xlsx", epci_rows(("200000001", "83001"), ("200000001", "83002"), members=2))
    assert sources.read_epci(path).loc["83002", ["epci_code", "epci_communes"]].to_list() == ["200000001", 2]
    with pytest.raises(ReadError, match="1 EPCI n'a pas toutes ses communes"):
        sources.read_epci(workbook(tmp_path / "b.xlsx", epci_rows(("200000001", "83001"), members=2)))
    with pytest.raises(ReadError, match="dans deux EPCI"):
        sources.read_epci(
            workbook(
                tmp_path / "c.xlsx", epci_rows(("200000001", "83001"), ("300000001", "83001"), members=1)
            )
        )


# DREES


def test_sae_forms_are_read_from_latin_1(tmp_path):
    sites = text(
        tmp_path / "ID.csv",
        "bor;an;fi;rs;fi_ej;cat;COMINSEE",
        "ID;2023;010000024;HÔPITAL;010780054;355;01451",
        encoding="latin-1",
    )
    assert sources.read_sae_sites(sites).loc["010000024"].to_list() == [
        "HÔPITAL",
        "010780054",
        "355",
        "01451",
        "2023",
    ]
    staff = [
        "FI;RS;FI_EJ;PERSO;ETPSAL",
        "010000024;H;;M9999;12.52",
        "010000024;H;;N1220;3.7",
        "010000032;B;;N1220;1",
    ]
    table = sources.read_sae_emergency(text(tmp_path / "U.csv", *staff))
    assert table["doctors_etp"].fillna(-1).to_dict() == {"010000024": 12.52, "010000032": -1}
    with pytest.raises(ReadError, match="1 site en double"):
        sources.read_sae_sites(
            text(tmp_path / "ID.csv", "an;fi;rs;fi_ej;cat;COMINSEE", *["2023;010000024;H;;355;01451"] * 2)
        )


# CNSA, BPE


def test_ehpad_have_clean_names_and_those_without_a_point_are_counted(tmp_path):
    popups = ["<h3>EHPAD L&#39;AMBARROISE <b>AMB</b></h3><ul>", "<h3>SANS POINT</h3>"]
    geometry = [{"type": "Point", "coordinates": [5.3, 45.9]}, None]
    features = [
        {"type": "Feature", "properties": {"popup": popup}, "geometry": shape}
        for popup, shape in zip(popups, geometry, strict=True)
    ]
    path = tmp_path / "ehpad.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}), encoding="utf-8")
    with pytest.warns(TerritoryWarning, match="1 EHPAD sans point"):
        table = sources.read_ehpad(path)
    assert table["name"].to_list() == ["EHPAD L'AMBARROISE AMB"]
    features[0]["properties"]["popup"] = "rien"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features[:1]}), encoding="utf-8")
    with pytest.raises(ReadError, match="1 EHPAD sans nom"):
        sources.read_ehpad(path)


def test_ehpad_status_comes_from_known_colours_alone(tmp_path):
    features = [
        {
            "type": "Feature",
            "properties": {"popup": f"<h3>EHPAD {colour}</h3>"} | {"statut_juridique_col": colour},
            "geometry": {"type": "Point", "coordinates": [5.3, 45.9]},
        }
        for colour in ("#55A9CD", "#ad314c", "#194689", None, "#000000")
    ]
    path = tmp_path / "ehpad.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}), encoding="utf-8")
    with pytest.warns(TerritoryWarning, match="1 EHPAD de statut inconnu.*#000000"):
        statuses = sources.read_ehpad(path)["legal_status"]
    assert statuses.to_list()[:3] == ["public", "private_non_profit", "commercial"]
    assert statuses.isna().to_list() == [False, False, False, True, True]


def test_bpe_of_one_line_per_commune_and_type(tmp_path):
    path = text(
        tmp_path / "bpe.csv", "CODGEO;TYPEQU;NB_EQUIP", "83050;D201;4", "83050;D301;2", "83004;D201;1"
    )
    assert sources.read_bpe_counts(path).to_dict() == {"83050": 4.0, "83004": 1.0}
    with pytest.raises(ReadError, match=r"aucun équipement D107"):
        sources.read_bpe_counts(path, type_code="D107")


def test_a_character_lost_before_is_said(tmp_path):
    path = text(tmp_path / "bpe.csv", "CODGEO;NB_D201;LIB", "83050;4;B\ufffdziers")
    with pytest.warns(TerritoryWarning, match="1 ligne a un caractère perdu (.*ligne 2)"):
        assert sources.read_bpe_counts(path).to_dict() == {"83050": 4.0}


def test_bpe_counts_a_repeated_line_once_and_refuses_two_counts(tmp_path):
    path = text(tmp_path / "bpe.csv", '"CODGEO","NB_D201"', '"58062",3', '"58062",3', '"01004",24')
    with pytest.warns(TerritoryWarning, match=r"1 ligne répétée .*\(58062\)"):
        assert sources.read_bpe_counts(path).to_dict() == {"58062": 3, "01004": 24}
    with pytest.raises(ReadError, match="deux nombres différents"):
        sources.read_bpe_counts(text(path, "CODGEO,NB_D201", "58062,3", "58062,4"))


# IGN


@pytest.mark.parametrize(
    "code, name", [("INSEE_COM", "NOM"), ("code_insee", "nom_officiel"), ("code", "nom")]
)
@pytest.mark.parametrize("suffix", ["geojson", "gpkg"])
def test_outlines_are_read_in_old_and_new_columns(tmp_path, code, name, suffix):
    path = tmp_path / f"communes.{suffix}"
    shapes = [box(0, 0, 1, 1), MultiPolygon([box(2, 0, 3, 1), box(4, 0, 5, 1)])]
    gpd.GeoDataFrame({code: ["01004", "2A004"], name: ["A", "B"]}, geometry=shapes, crs=4326).to_file(path)
    table = sources.read_outlines(path)
    assert table["name"].to_dict() == {"01004": "A", "2A004": "B"}
    assert table.count_geometries().to_list() == [1, 2]


def test_outlines_that_cannot_serve_are_refused_and_repairs_are_said(tmp_path):
    def layer(codes: list[str], shapes: list[object], column: str = "code") -> Path:
        path = tmp_path / "a.geojson"
        path.unlink(missing_ok=True)
        gpd.GeoDataFrame({column: codes, "nom": codes}, geometry=shapes, crs=4326).to_file(path)
        return path

    bow = Polygon([(0, 0), (1, 1), (1, 0), (0, 1)])
    with pytest.warns(TerritoryWarning, match="1 contour réparé"):
        assert sources.read_outlines(layer(["01001"], [bow])).is_valid.all()
    with pytest.raises(ReadError, match="en double"):
        sources.read_outlines(layer(["01001"] * 2, [box(0, 0, 1, 1)] * 2))
    with pytest.raises(ReadError, match="sans contour"):
        sources.read_outlines(layer(["01001"], [Point(0, 0)]))
    with pytest.raises(ReadError, match="aucune colonne ne donne le code"):
        sources.read_outlines(layer(["01001"], [box(0, 0, 1, 1)], column="identifiant"))
    with pytest.raises(MissingFileError):
        sources.read_outlines(tmp_path / "absent.gpkg")
    broken = text(tmp_path / "b.geojson", '{"type": "FeatureCollection", "features": [')
    with pytest.raises(ReadError, match="couche géographique"):
        sources.read_outlines(broken)


# every reader of tables, on the same broken files


@pytest.mark.parametrize(
    "reader",
    [
        sources.read_legal_population,
        sources.read_age_shares,
        sources.read_young_population,
        sources.read_cog_communes,
        sources.read_cog_movements,
        sources.read_epci,
        sources.read_sae_sites,
        sources.read_sae_emergency,
        sources.read_bpe_counts,
        sources.read_ehpad,
        sources.read_outlines,
    ],
)
@pytest.mark.parametrize(
    "content", [b"", b"a;b\n", b"a;b\n1;2\n", b"\x00\x01\x02", b"PK\x03\x04", gzip.compress(b"a", mtime=0)]
)
def test_no_reader_takes_a_file_that_is_not_its_own(tmp_path, reader, content):
    path = tmp_path / "intrus.csv"
    path.write_bytes(content)
    with pytest.raises(ReadError, match=r"intrus\.csv"):
        reader(path)


# the real files


@pytest.mark.slow
def test_real_populations_add_up_to_what_insee_says_of_the_var(shared_data):
    totals = {
        "donnees_communes_rp2021.csv": 1_095_337,
        "communes_rp2017.csv": 1_058_740,
        "ensemble_rp2016.xls.gz": 1_055_821,
    }
    for name, expected in totals.items():
        table = sources.read_legal_population(shared_data / "population" / name)
        assert table.loc[table.index.str.startswith("83"), "population"].sum() == expected
        assert table.index.str.fullmatch(r"(\d{2}|2A|2B)\d{3}").all()


def test_real_sae_has_the_size_its_readme_says(shared_data):
    assert len(sources.read_sae_emergency(shared_data / "care_sites" / "URGENCES_P_2023r.csv")) == 616
    assert len(sources.read_sae_sites(shared_data / "care_sites" / "ID_2023r.csv")) == 3975


@pytest.mark.slow
def test_real_lists_have_the_size_their_readme_says(shared_data):
    assert len(sources.read_ehpad(shared_data / "care_sites" / "ehpad_cnsa_2023.geojson")) == 6301
    assert len(sources.read_outlines(shared_data / "boundaries" / "communes-paca.geojson")) == 947
    with pytest.warns(TerritoryWarning, match="58062"):
        counts = sources.read_bpe_counts(shared_data / "gps" / "bpe_d201_gp_per_commune.csv")
    # 58,034 lines' worth, less the 3 of the line repeated
    assert counts.sum() == 58_031
    communes = sources.read_cog_communes(shared_data / "cog" / "v_commune_2024.csv")
    assert len(communes) == 34_935
    assert len(communes.attrs["arrondissements"]) == 45
    occitanie = sources.read_table(shared_data / "care_sites" / "finess_occitanie_2026.csv")
    assert len(occitanie) == 13_747


def test_the_newest_evaluation_is_the_last_in_time_however_its_date_is_written(tmp_path):
    lines = ["830000311;31/12/2024;C", "830000311;2025-03-01T00:00:00;B", "830000311;02/01/2025;D"]
    path = text(tmp_path / "echelle.csv", "finess_geo;eval_date_fin;indice_qualite", *lines, "830000312;;")
    found = sources.read_has_evaluations(path)
    assert found.loc["830000311"].to_list() == ["2025-03-01", "B"]
    assert found.loc["830000312"].isna().all()
    with pytest.raises(ReadError, match=r"date illisible.*2"):
        sources.read_has_evaluations(
            text(path, "finess_geo;eval_date_fin;indice_qualite", "830000311;mars;B")
        )
