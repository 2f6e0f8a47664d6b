"""Broken files for readers: small good files to spoil, and what each reader must refuse in French or say it left out.

A reader of a slot of a study (`territory.datasets.slots`) is tried as the slot calls it; its sample here is all that
its tests and fuzz target need.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from territory import sources
from territory.datasets.slots import SLOTS
from territory.errors import ParameterError, ReadError, TerritoryWarning

SHARES = ";".join(f"Part {words} 2020" for words in ("de - de 25 ans", "de 25 à 64 ans", "de 65 ans ou +"))
AGES = "CODGEO;P21_POP;P21_POP0014;P21_POP1529;P21_POP30P;P21_H0019;P21_F0019"
POP1B = ["NIVGEO;CODGEO;LIBGEO;SEXE;AGED100;NB", "COM;83050;D;1;003;200.5", "COM;83050;D;2;003;190"]
MOVES = "MOD;DATE_EFF;TYPECOM_AV;COM_AV;LIBELLE_AV;TYPECOM_AP;COM_AP;LIBELLE_AP"
EPCI = "dept;siren;raison_sociale;nature_juridique;nb_membres;total_pop_mun;insee"
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
class Sample:
    """A good small file of a reader, what may be broken in it, and why a repeated line may be right."""

    reader: str
    name: str
    lines: list[str]
    # a cell that counts, and what is written instead of it
    number: str = ""
    # columns that may be absent
    optional: tuple[str, ...] = ()
    # says why the same line twice is no mistake
    repeats_are_right: str = ""
    titles_at: int | None = 0

    @property
    def text(self) -> str:
        """The whole file."""
        return "\n".join(self.lines) + "\n"


SAMPLES: dict[str, Sample] = {
    "legal": Sample(
        "read_legal_population",
        "pop.csv",
        ["DEPCOM;COM;PMUN;PCAP;PTOT", "83050;Draguignan;39434;1;39435", "83121;Salernes;4000;1;4001"],
        number="39434",
    ),
    "shares": Sample(
        "read_age_shares",
        "parts.csv",
        [f"code_insee;nom;scale;{SHARES}", "01001;A;Commune;27;53.4;19.6", "01002;B;Commune;27;53.4;19.6"],
        number="53.4",
    ),
    "young": Sample(
        "read_young_population",
        "jeunes.csv",
        ["code_insee;commune;pop_tot;pop_0_14", "01004;A;14204.0;2716.4", "01007;B;2763.0;615.7"],
        number="2716.4",
    ),
    "households": Sample(
        "read_households_without_car",
        "base-cc-logement.csv",
        ["CODGEO;P21_RP;P21_RP_VOIT1P", "83050;17800.5;15100.25", "83121;1850;1600"],
        number="15100.25",
    ),
    "structure": Sample(
        "read_population_structure",
        "base-cc.csv",
        [AGES, "83050;100;20;15;65;14.5;12.5", "83121;100;20;15;65;14.5;12.5"],
        number="14.5",
        optional=("P21_POP1529", "P21_POP30P", "P21_POP0014", "P21_H0019", "P21_F0019"),
    ),
    "iris": Sample(
        "read_iris_population",
        "base-ic.csv",
        ["IRIS;COM;P21_POP;P21_POP0002;P21_POP0305", "830500101;83050;50;3;2", "830500102;83050;10;1;0.5"],
        number="0.5",
        optional=("P21_POP0305",),
    ),
    "single": Sample(
        "read_single_ages", "TD_POP1B_2021.csv", POP1B, number="200.5", optional=("NIVGEO", "LIBGEO")
    ),
    "communes": Sample(
        "read_cog_communes",
        "v_commune.csv",
        ["TYPECOM;COM;REG;DEP;LIBELLE;COMPARENT", "COM;13055;93;13;Marseille;", "ARM;13201;93;13;1er;13055"],
    ),
    "movements": Sample(
        "read_cog_movements",
        "v_mvt.csv",
        [
            MOVES,
            "32;2019-01-01;COM;05120;Ristolas;COM;05001;Abriès-Ristolas",
            "32;2019-01-01;COM;05001;A;COM;05001;B",
        ],
        number="2019-01-01",
    ),
    "epci": Sample(
        "read_epci",
        "epci.csv",
        [EPCI, "83;248300394;CA;CA;2;64093;83016", "83;248300394;CA;CA;2;64093;83017"],
        number="64093",
    ),
    "emergency_times": Sample(
        "read_emergency_times",
        "urgences.csv",
        ["commune_code;minutes_to_su_smur_2019", "83002;55.5", "83050;0"],
        number="55.5",
    ),
    "apl_by_year": Sample(
        "read_apl_by_year",
        "apl_communes.csv",
        ["commune_code;apl_gp_2015;apl_gp_2023", "83002;0.25;0.5", "83050;4.2;3.1"],
        number="0.25",
        optional=("apl_gp_2015", "apl_gp_2023"),
    ),
    "sae": Sample(
        "read_sae_sites",
        "ID.csv",
        [
            "an;fi;rs;fi_ej;cat;COMINSEE",
            "2023;830000287;CH;830100525;355;83050",
            "2023;830000288;CH;830100525;355;83050",
        ],
    ),
    "emergency": Sample(
        "read_sae_emergency",
        "URGENCES_P.csv",
        ["FI;RS;FI_EJ;PERSO;ETPSAL", "830000287;CH;830100525;M9999;6.59", "830000287;CH;830100525;N1220;3"],
        number="6.59",
    ),
    "bpe": Sample("read_bpe_counts", "bpe.csv", ["CODGEO;NB_D265", "01004;24", "01005;2"], number="24"),
    "bpe points": Sample(
        "read_bpe_points",
        "bpe_xy.csv",
        [BPE, "2021;83050;D201;982000.5;6275000;Bonne", "2021;83050;D201;982100.5;6275100;Bonne"],
        number="982000.5",
        optional=("AN",),
        repeats_are_right="two facilities at one address have the same line until 2022",
    ),
    "finess sites": Sample("read_finess_sites", "cs1100507.csv", TWO_LINES, number="982000", titles_at=None),
    "finess equipment": Sample(
        "read_finess_equipment",
        "cs1400105.csv",
        [EQUIPMENT, "830000001;844;13;437;20;N", "830000001;844;16;437;5;N"],
        number="20",
        repeats_are_right="lines may differ by cells not read; territory.supply counts repeated places once",
    ),
    "finess public equipment": Sample(
        "read_finess_equipment",
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
    "finess flat": Sample(
        "read_finess_flat",
        "finess.csv",
        [FLAT, "310000001;310000002;IME;183;31555;43.6;1.4", "090002585;090002577;P;620;09289;43.0;1.1"],
        number="43.6",
        repeats_are_right="an establishment has one line per equipment",
    ),
    "grid": Sample(
        "read_population_grid",
        "carreaux.csv",
        ["idcar_200m;ind;lcog_geo", "CRS3035RES200mN0E0;12.5;83050", "CRS3035RES200mN0E200;2.5;83050"],
        number="12.5",
    ),
    "has": Sample(
        "read_has_evaluations",
        "echelle.csv",
        [
            "finess_geo;raison_sociale;eval_date_fin;indice_qualite",
            "830000311;IME;2025-03-01;B",
            "830000312;SESSAD;2025-04-01;",
        ],
        optional=("raison_sociale",),
        repeats_are_right="one evaluation after another",
    ),
    "references": Sample(
        "read_equipment_references",
        "taux.csv",
        [
            "service;places_per_1000;year;zone;source",
            "ime;4,7;2023;France;handidonnees.fr",
            "sessad;3,3;2023;France;handidonnees.fr",
        ],
        number="4,7",
        repeats_are_right="two sources may say the same",
    ),
    "care territories": Sample(
        "read_care_territories",
        "tvs.csv",
        ["CODGEO;LIBGEO;TVS", "01004;A;01004", "01005;B;01004"],
        optional=("LIBGEO",),
    ),
    "zoning": Sample(
        "read_zoning",
        "zonage.csv",
        ["CODGEO;LIBGEO;Zonage 2024", "01004;A;ZIP", "01005;B;ZAC"],
        optional=("LIBGEO",),
    ),
    "points": Sample(
        "read_commune_points",
        "points.csv",
        ["commune_code;longitude;latitude;area_km2", "83050;6.46;43.53;53.7", "83121;6.23;43.56;30.2"],
        number="43.53",
        optional=("area_km2",),
    ),
}


# readers that no slot calls, and how they are called
ALONE: dict[str, dict[str, Any]] = {
    "read_care_territories": {},
    "read_zoning": {},
}
# readers of slots whose files are no text with a separator, and where they are tried
ELSEWHERE = {
    "read_apl": "workbooks, in test_places.py",
    "read_ehpad": "layers, in test_broken_files.py",
    "read_finess_plus": "JSON, in test_finess.py",
    "read_finess_plus_equipment": "JSON, in test_finess_activities.py",
    "read_outlines": "layers, in test_broken_files.py",
}


def callers() -> dict[str, Callable[[Path], object]]:
    """Return how each reader is called: by its slot, or alone."""
    found: dict[str, Callable[[Path], object]] = {
        name: partial(getattr(sources, name), **options) for name, options in ALONE.items()
    }
    for slot in SLOTS:
        for reader in slot.readers:
            found.setdefault(reader.name, reader)
    return found


@dataclass(frozen=True)
class Case:
    """A sample with its reader."""

    reader: Callable[[Path], Any]
    sample: Sample


_CALLERS = callers()
CASES = {name: Case(_CALLERS[sample.reader], sample) for name, sample in SAMPLES.items()}


def write(folder: Path, sample: Sample, lines: list[str] | None = None) -> Path:
    """Write a sample, or other lines under its name."""
    path = folder / sample.name
    path.write_text(sample.text if lines is None else "\n".join(lines) + "\n", encoding="utf-8")
    return path


def read_or_refuse(reader: Callable[[Path], object], path: Path) -> str:
    """Read a file; return "read" or the message of the refusal. Anything else than those two fails the test."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            reader(path)
            outcome = "read"
        except ReadError as error:
            outcome = str(error)
        except ParameterError as error:
            outcome = str(error)
    strange = [warning for warning in caught if not issubclass(warning.category, TerritoryWarning)]
    if strange:
        raise AssertionError(f"unexpected warning: {strange[0].message}")
    if outcome != "read" and path.name not in outcome:
        raise AssertionError(f"the file is not named: {outcome}")
    return outcome
