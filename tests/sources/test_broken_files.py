"""Every reader on the same corpus of broken files: a refusal in French that names the file, or a warning with a count.

Never a traceback, never a line counted twice or lost without a word.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from territory import sources
from territory.errors import ReadError, TerritoryWarning
from territory.sources.producers.finess import extracts
from tests.sources.broken import read_or_refuse

SHARES = ";".join(f"Part {words} 2020" for words in ("de - de 25 ans", "de 25 à 64 ans", "de 65 ans ou +"))
AGES = "CODGEO;P21_POP;P21_POP0014;P21_POP1529;P21_POP30P;P21_H0019;P21_F0019"
POP1B = ["NIVGEO;CODGEO;LIBGEO;SEXE;AGED100;NB", "COM;83050;D;1;003;200.5", "COM;83050;D;2;003;190"]
MOVES = "MOD;DATE_EFF;TYPECOM_AV;COM_AV;LIBELLE_AV;TYPECOM_AP;COM_AP;LIBELLE_AP"
EPCI = "dept;siren;raison_sociale;nature_juridique;nb_membres;total_pop_mun;insee"
PSY = "FI;RS;FI_EJ;DIS;CAP_HDJ;CAP_HDN;CAP_HTP;NB_CMP_SEUL;NB_CATTP;FIL_TOT;FIL_AMB"
EQUIPMENT = "nofinesset;de;ta;client;capinstot;indsupinst"
FLAT = "nofinesset;nofinessej;rs;categetab;code_insee;latitude;longitude"
BPE = "AN;DEPCOM;TYPEQU;LAMBERT_X;LAMBERT_Y;QUALITE_XY"
STRUCTURE = ["830000287", "830100525", "CH", "CH LA DRACENIE", *[""] * 7, "050", "83", *[""] * 18]
TWO_LINES = [
    "finess;etalab;98;2026-05-12",
    "structureet;" + ";".join(STRUCTURE),
    "geolocalisation;830000287;982000;6275000;1,ATLASANTE,96,BAN,L93_METROPOLE;2026-05-04",
]


@dataclass(frozen=True)
class Case:
    """A good small file, what may be broken in it, and why a repeated line may be right."""

    reader: Callable[[Path], object]
    name: str
    lines: list[str]
    # a cell that counts, and what is written instead of it
    number: str = ""
    # columns that may be absent
    optional: tuple[str, ...] = ()
    # says why the same line twice is no mistake
    repeats_are_right: str = ""
    titles_at: int | None = 0
    separators: tuple[str, ...] = field(default=(";",))


CASES = {
    "legal": Case(
        sources.read_legal_population,
        "pop.csv",
        ["DEPCOM;COM;PMUN;PCAP;PTOT", "83050;Draguignan;39434;1;39435", "83121;Salernes;4000;1;4001"],
        number="39434",
    ),
    "shares": Case(
        sources.read_age_shares,
        "parts.csv",
        [f"code_insee;nom;scale;{SHARES}", "01001;A;Commune;27;53.4;19.6", "01002;B;Commune;27;53.4;19.6"],
        number="53.4",
    ),
    "young": Case(
        sources.read_young_population,
        "jeunes.csv",
        ["code_insee;commune;pop_tot;pop_0_14", "01004;A;14204.0;2716.4", "01007;B;2763.0;615.7"],
        number="2716.4",
    ),
    "structure": Case(
        sources.read_population_structure,
        "base-cc.csv",
        [AGES, "83050;100;20;15;65;14.5;12.5", "83121;100;20;15;65;14.5;12.5"],
        number="14.5",
        optional=("P21_POP1529", "P21_POP30P", "P21_POP0014", "P21_H0019", "P21_F0019"),
    ),
    "iris": Case(
        sources.read_iris_population,
        "base-ic.csv",
        ["IRIS;COM;P21_POP;P21_POP0002;P21_POP0305", "830500101;83050;50;3;2", "830500102;83050;10;1;0.5"],
        number="0.5",
        optional=("P21_POP0305",),
    ),
    "single": Case(
        sources.read_single_ages, "TD_POP1B_2021.csv", POP1B, number="200.5", optional=("NIVGEO", "LIBGEO")
    ),
    "communes": Case(
        sources.read_cog_communes,
        "v_commune.csv",
        ["TYPECOM;COM;REG;DEP;LIBELLE;COMPARENT", "COM;13055;93;13;Marseille;", "ARM;13201;93;13;1er;13055"],
    ),
    "movements": Case(
        sources.read_cog_movements,
        "v_mvt.csv",
        [
            MOVES,
            "32;2019-01-01;COM;05120;Ristolas;COM;05001;Abriès-Ristolas",
            "32;2019-01-01;COM;05001;A;COM;05001;B",
        ],
        number="2019-01-01",
    ),
    "epci": Case(
        sources.read_epci,
        "epci.csv",
        [EPCI, "83;248300394;CA;CA;2;64093;83016", "83;248300394;CA;CA;2;64093;83017"],
        number="64093",
    ),
    "sae": Case(
        sources.read_sae_sites,
        "ID.csv",
        [
            "an;fi;rs;fi_ej;cat;COMINSEE",
            "2023;830000287;CH;830100525;355;83050",
            "2023;830000288;CH;830100525;355;83050",
        ],
    ),
    "psychiatry": Case(
        sources.read_sae_psychiatry,
        "PSY.csv",
        [
            PSY,
            "830000311;CHI;830100566;INF;37;0;8;3;1;2698;2529",
            "830000312;CHI;830100566;INF;1;0;8;3;1;26;25",
        ],
        number="2698",
    ),
    "emergency": Case(
        sources.read_sae_emergency,
        "URGENCES_P.csv",
        ["FI;RS;FI_EJ;PERSO;ETPSAL", "830000287;CH;830100525;M9999;6.59", "830000287;CH;830100525;N1220;3"],
        number="6.59",
    ),
    "bpe": Case(sources.read_bpe_counts, "bpe.csv", ["CODGEO;NB_D201", "01004;24", "01005;2"], number="24"),
    "bpe points": Case(
        partial(sources.read_bpe_points, types=["D201"]),
        "bpe_xy.csv",
        [BPE, "2021;83050;D201;982000.5;6275000;Bonne", "2021;83050;D201;982100.5;6275100;Bonne"],
        number="982000.5",
        optional=("AN",),
        repeats_are_right="two facilities at one address have the same line until 2022",
    ),
    "finess sites": Case(
        sources.read_finess_sites, "cs1100507.csv", TWO_LINES, number="982000", titles_at=None
    ),
    "finess equipment": Case(
        sources.read_finess_equipment,
        "cs1400105.csv",
        [EQUIPMENT, "830000001;844;13;437;20;N", "830000001;844;16;437;5;N"],
        number="20",
        repeats_are_right="lines may differ by cells not read; territory.supply counts repeated places once",
    ),
    "finess public equipment": Case(
        sources.read_finess_equipment,
        "cs1100505.csv",
        [
            "finess;etalab;94;2026-03-11",
            "equipementsocial;"
            + ";".join(["830000001", "844", "", "13", "", "437", "", "", "20", *[""] * 5, "N", *[""] * 12]),
        ],
        number="20",
        titles_at=None,
        repeats_are_right="as above",
    ),
    "finess flat": Case(
        sources.read_finess_flat,
        "finess.csv",
        [FLAT, "310000001;310000002;IME;183;31555;43.6;1.4", "090002585;090002577;P;620;09289;43.0;1.1"],
        number="43.6",
        repeats_are_right="an establishment has one line per equipment",
    ),
    "grid": Case(
        sources.read_population_grid,
        "carreaux.csv",
        ["idcar_200m;ind;lcog_geo", "CRS3035RES200mN0E0;12.5;83050", "CRS3035RES200mN0E200;2.5;83050"],
        number="12.5",
    ),
    "zoning": Case(
        partial(sources.read_zoning, kind="bassin_vie"),
        "BV2022.csv",
        ["CODGEO;LIBGEO;BV2022;LIBBV2022", "01004;A;01004;Ambérieu", "01005;B;01004;Ambérieu"],
        optional=("LIBGEO", "LIBBV2022"),
    ),
}
# one of each family: counts, bands, codes, dates, groups, points, a file without titles, a line per equipment, a grid
FAST = {
    "legal",
    "structure",
    "communes",
    "movements",
    "epci",
    "bpe points",
    "finess sites",
    "finess flat",
    "grid",
}


def all_in_slow(names: list[str]) -> list[Any]:
    """Keep one reader of each family for the fast suite; the slow one tries them all."""
    return [name if name in FAST else pytest.param(name, marks=pytest.mark.slow) for name in names]


TITLED = all_in_slow([name for name, case in CASES.items() if case.titles_at == 0])
COUNTED = all_in_slow([name for name, case in CASES.items() if case.number])


def write(folder: Path, case: Case, lines: list[str] | None = None) -> Path:
    path = folder / case.name
    path.write_text("\n".join(case.lines if lines is None else lines) + "\n", encoding="utf-8")
    return path


@pytest.fixture(params=all_in_slow(sorted(CASES)))
def case(request: pytest.FixtureRequest) -> Case:
    return CASES[request.param]


def test_the_good_file_is_read_without_a_word(tmp_path, case):
    path = write(tmp_path, case)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(case.reader(path)) > 0  # type: ignore[arg-type]


@pytest.mark.parametrize("encoding", ["latin-1", "utf-8-sig", "utf-16"])
def test_usual_encodings_and_line_ends_are_read(tmp_path, case, encoding):
    path = write(tmp_path, case)
    path.write_bytes(path.read_text(encoding="utf-8").replace("\n", "\r\n").encode(encoding))
    assert len(case.reader(path)) > 0  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\n\n",
        b"\x00\x01\x02\x03",
        b"PK\x03\x04",
        b"<!DOCTYPE html><title>Maintenance</title>",
        b"\xff" * 50,
    ],
)
def test_what_is_no_table_is_refused(tmp_path, case, content):
    path = tmp_path / case.name
    path.write_bytes(content)
    assert read_or_refuse(case.reader, path) != "read"


def test_a_file_without_data_is_refused(tmp_path, case):
    assert read_or_refuse(case.reader, write(tmp_path, case, case.lines[:1])) != "read"


def test_another_separator_is_refused(tmp_path, case):
    lines = [line.replace(";", "#") for line in case.lines]
    assert read_or_refuse(case.reader, write(tmp_path, case, lines)) != "read"


@pytest.mark.parametrize("name", TITLED)
def test_each_renamed_column_is_named(tmp_path, name):
    case = CASES[name]
    titles = case.lines[0].split(";")
    for title in titles:
        if title in case.optional:
            continue
        renamed = ["autre" if text == title else text for text in titles]
        said = read_or_refuse(case.reader, write(tmp_path, case, [";".join(renamed), *case.lines[1:]]))
        assert said != "read", title
        # the title itself, or the pattern that it follows
        assert (
            title in said
            or "« Pyy_POP »" in said
            or "absente" in said
            or "titres" in said
            or "colonne" in said
        )


@pytest.mark.parametrize("name", COUNTED)
def test_text_in_a_number_names_line_and_column(tmp_path, name):
    case = CASES[name]
    lines = [
        ";".join("beaucoup" if cell == case.number else cell for cell in line.split(";"))
        for line in case.lines
    ]
    assert lines != case.lines
    said = read_or_refuse(case.reader, write(tmp_path, case, lines))
    assert said != "read"
    assert "colonne «" in said
    assert "ligne" in said


def test_a_line_twice_is_refused_or_said(tmp_path, case):
    path = write(tmp_path, case, [*case.lines, case.lines[-1]])
    if case.repeats_are_right:
        assert len(case.reader(path)) >= len(case.lines) - 2  # type: ignore[arg-type]
        return
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            case.reader(path)
        except ReadError as error:
            assert case.name in str(error)  # noqa: PT017
            return
    assert any(issubclass(warning.category, TerritoryWarning) for warning in caught), "silently taken"


def test_an_uneven_line_is_refused(tmp_path, case):
    for line in (case.lines[-1] + ";trop", case.lines[-1].rsplit(";", 3)[0]):
        said = read_or_refuse(case.reader, write(tmp_path, case, [*case.lines[:-1], line]))
        assert said != "read"


def test_a_line_without_end_is_refused_before_it_fills_the_memory(tmp_path, case):
    lines = [*case.lines[:-1], case.lines[-1] + "x" * 2_000_000]
    assert read_or_refuse(case.reader, write(tmp_path, case, lines)) != "read"


@given(data=st.data())
def test_no_altered_file_ends_in_a_traceback(tmp_path_factory, data):
    case = CASES[data.draw(st.sampled_from(sorted(CASES)))]
    path = write(tmp_path_factory.mktemp("corpus"), case)
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(content)))
        length = data.draw(st.integers(0, 12))
        piece = data.draw(
            st.one_of(
                st.binary(max_size=6),
                st.sampled_from(
                    [b";", b'"', b"\n", b"-1", b"1e400", b"nan", b"\xc3", b"000", b"999999999999"]
                ),
            )
        )
        content[start : start + length] = piece
    path.write_bytes(bytes(content))
    read_or_refuse(case.reader, path)


FEATURE = {"type": "Feature", "properties": {"popup": "<h3>LES PINS</h3>", "code": "83050", "nom": "D"}}
LAYERS = {
    "ehpad": (sources.read_ehpad, {"type": "Point", "coordinates": [6.46, 43.53]}),
    "outlines": (
        sources.read_outlines,
        {"type": "Polygon", "coordinates": [[[6, 43], [7, 43], [7, 44], [6, 43]]]},
    ),
}


@given(data=st.data())
def test_no_altered_layer_ends_in_a_traceback(tmp_path_factory, data):
    reader, geometry = LAYERS[data.draw(st.sampled_from(sorted(LAYERS)))]
    path = tmp_path_factory.mktemp("couche") / "couche.geojson"
    collection = {"type": "FeatureCollection", "features": [FEATURE | {"geometry": geometry}]}
    content = bytearray(json.dumps(collection).encode())
    start = data.draw(st.integers(0, len(content)))
    piece = data.draw(
        st.one_of(st.binary(max_size=4), st.sampled_from([b"null", b"[]", b'"', b"1e400", b"-"]))
    )
    content[start : start + data.draw(st.integers(0, 8))] = piece
    path.write_bytes(bytes(content))
    read_or_refuse(reader, path)


def test_the_corpus_knows_every_reader_of_text():
    tested = {getattr(case.reader, "func", case.reader).__name__ for case in CASES.values()}
    elsewhere = {
        "read_admin_express": "layers, in test_places.py",
        "read_apl": "workbooks, in test_places.py",
        "read_ehpad": "layers, below",
        "read_features": "layers, below",
        "read_finess_flat_equipment": "as read_finess_flat, in test_finess.py",
        "read_finess_plus": "JSON, in test_finess.py",
        "read_finess_plus_equipment": "JSON, in test_finess_activities.py",
        "read_outlines": "layers, below",
        "read_registry": "in test_registry.py",
        "read_stored": "no table",
        "read_table": "in test_tabular.py",
        "read_template": "workbooks, in test_field_template.py",
    }
    readers = {name for name in sources.__all__ if name.startswith("read_")}
    assert readers == tested | set(elsewhere)
    assert len(extracts.EQUIPMENT) == 27
