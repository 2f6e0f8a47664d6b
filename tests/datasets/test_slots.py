"""Slots: what a study can be fed with is one list, and everything that knows an official file takes it from there."""

from __future__ import annotations

import json
import warnings
from pathlib import Path

import pandas as pd
import pytest
from pydantic import ValidationError

from territory import sources, supply
from territory.datasets.files import DataFiles, load_files, open_dataset
from territory.datasets.offer import category_services
from territory.datasets.recognition import recognise
from territory.datasets.slots import SLOTS, slot_of, slots_fed_by
from territory.errors import ReadError, TerritoryWarning, UnknownCodeError
from territory.workflow.setup import diagnose, start_study
from tests.sources.broken import SAMPLES, SHARES, Sample, write
from tests.sources.test_places import workbook

COMMUNES = ("83050", "83121", "83122")


def table(folder: Path, name: str, *lines: str) -> str:
    """Write a table and return its name."""
    (folder / name).write_text("\n".join(lines) + "\n", encoding="utf-8")
    return name


@pytest.fixture
def world(tmp_path: Path) -> dict[str, object]:
    """Files of three communes side by side, 0.1° each, and the section [data] that names them."""
    squares = [
        {
            "type": "Feature",
            "properties": {"code": code, "nom": code},
            "geometry": {
                "type": "Polygon",
                "coordinates": [
                    [
                        [6 + n / 10, 43.4],
                        [6.1 + n / 10, 43.4],
                        [6.1 + n / 10, 43.5],
                        [6 + n / 10, 43.5],
                        [6 + n / 10, 43.4],
                    ]
                ],
            },
        }
        for n, code in enumerate(COMMUNES)
    ]
    outlines = json.dumps({"type": "FeatureCollection", "features": squares})
    (tmp_path / "points.geojson").write_text(outlines, encoding="utf-8")
    return {
        "cog": table(
            tmp_path,
            "cog.csv",
            "TYPECOM,COM,REG,DEP,LIBELLE,COMPARENT",
            *(f"COM,{code},93,83,Commune {code}," for code in COMMUNES),
        ),
        "points": "points.geojson",
        "populations": {
            "rp2021": table(
                tmp_path,
                "pop.csv",
                "DEPCOM;COM;PMUN;PCAP;PTOT",
                *(f"{code};A;{1000 * (n + 1)};0;{1000 * (n + 1)}" for n, code in enumerate(COMMUNES)),
            )
        },
        "ages": table(
            tmp_path,
            "ages.csv",
            f"code_insee;nom;scale;{SHARES}",
            *(f"{code};A;Commune;25;50;25" for code in COMMUNES),
        ),
        "epci": table(
            tmp_path,
            "epci.csv",
            "dept;siren;raison_sociale;nature_juridique;nb_membres;total_pop_mun;insee",
            *(f"83;248300394;CA;CA;3;6000;{code}" for code in COMMUNES),
        ),
        "finess": table(
            tmp_path,
            "finess.csv",
            "nofinesset;nofinessej;rs;categetab;code_insee;latitude;longitude",
            "830000001;830000009;IME;183;83050;43.45;6.05",
            "830000002;830000009;CH;355;83121;43.45;6.15",
        ),
    }


def test_every_slot_is_a_key_and_every_key_of_a_file_a_slot() -> None:
    settings = {"cog_year", "population_cog_years", "complete_services", "finess_capacity", "buffer_km"}
    assert set(DataFiles.model_fields) == {slot.key for slot in SLOTS} | settings
    with pytest.raises(ValidationError):
        DataFiles(cog="a")
    with pytest.raises(UnknownCodeError, match="fichier"):
        slot_of("fichier")


def test_what_a_slot_names_exists() -> None:
    known = {source.dataset for source in sources.read_registry()}
    for slot in SLOTS:
        assert set(slot.registry) <= known, slot.key
        assert all(slot in slots_fed_by(dataset) for dataset in slot.registry)
        assert all(reader.name in sources.__all__ for reader in slot.readers)
        assert slot.comment
        assert slot.without


def test_init_and_doctor_say_every_slot(tmp_path: Path) -> None:
    started = start_study("31", name="essai", folder=tmp_path, raw=tmp_path / "raw")
    text = started.path.read_text("utf-8")
    said = "\n".join(diagnose(tmp_path / "raw")[1])
    for slot in SLOTS:
        assert slot.without in said
        assert not slot.registry or (f"{slot.key} = " in text and slot.without in text)


@pytest.mark.parametrize(
    "key, who",
    [
        ("apl_infirmiers", "infirmières"),
        ("apl_kinesitherapeutes", "masseurs-kinésithérapeutes"),
        ("apl_sages_femmes", "sages-femmes"),
        ("apl", "médecins généralistes"),
    ],
)
def test_the_apl_of_each_profession_is_its_own(tmp_path: Path, key: str, who: str) -> None:
    titles = ["Code commune INSEE", "Commune", f"APL aux {who}", "Population totale 2022"]
    path = workbook(
        tmp_path / "a.xlsx",
        {"APL 2023": [[], titles, *([code, "A", 90 + n, 9] for n, code in enumerate(COMMUNES))]},
    )
    found = recognise(path)
    assert found is not None
    assert [slot.key for slot in found.slots] == [key]
    assert slot_of(key).read(path)[2023].to_dict() == dict(zip(COMMUNES, (90.0, 91.0, 92.0), strict=True))
    # counted as another's, it would be off by a factor of fifty
    for other in {"apl", "apl_infirmiers", "apl_kinesitherapeutes", "apl_sages_femmes"} - {key}:
        with pytest.raises(ReadError, match=f"APL aux {who}"):
            slot_of(other).read(path)


@pytest.mark.filterwarnings("ignore:.*réparé")
def test_a_file_of_any_known_form_is_read_by_its_reader(tmp_path: Path) -> None:
    slot = slot_of("general_practitioners")
    (tmp_path / "a.csv").write_text("CODGEO;NB_D265\n4070;40\n")
    assert slot.read(tmp_path / "a.csv").to_dict() == {"04070": 40.0}
    lines = [
        "75101;D265;652000;6862000;Bonne",
        "75102;D265;652100;6862100;Bonne",
        "83050;D201;982000;6275000;Bonne",
    ]
    point = Sample("read_bpe_points", "b.csv", ["DEPCOM;TYPEQU;LAMBERT_X;LAMBERT_Y;QUALITE_XY", *lines])
    assert slot.read(write(tmp_path, point)).to_dict() == {"75101": 1.0, "75102": 1.0, "83050": 1.0}


def test_none_of_a_type_is_told_from_a_type_whose_code_changed(tmp_path: Path) -> None:
    lines = [
        f"{code};982000;6275000;Bonne" for code in ("83050;D201", "83050;D201", "83004;D233", "38185;D207")
    ]
    point = Sample("read_bpe_points", "b.csv", ["DEPCOM;TYPEQU;LAMBERT_X;LAMBERT_Y;QUALITE_XY", *lines])
    path = write(tmp_path, point)
    found = slot_of("general_practitioners").read(path, departements=["83"])
    assert found.to_dict() == {"83050": 2.0, "83004": 0.0}
    # counted elsewhere, there is none here
    assert slot_of("psychiatrists").read(path, departements=["83"]).to_dict() == {"83050": 0.0, "83004": 0.0}
    for key, departement in (("speech_therapists", "83"), ("general_practitioners", "48")):
        with pytest.raises(ReadError, match="aucun équipement de type"):
            slot_of(key).read(path, departements=[departement])


@pytest.mark.parametrize(
    "kinds, count", [("D232", 1.0), ("D244 D244", 2.0), ("D232 D244", 1.0), ("D281", 1.0)]
)
def test_a_nurse_under_two_codes_is_counted_once(tmp_path: Path, kinds: str, count: float) -> None:
    lines = [f"83050;{kind};982000;6275000;Bonne" for kind in kinds.split()]
    point = Sample("read_bpe_points", "b.csv", ["DEPCOM;TYPEQU;LAMBERT_X;LAMBERT_Y;QUALITE_XY", *lines])
    assert slot_of("nurses").read(write(tmp_path, point), departements=["83"]).to_dict() == {"83050": count}


def test_what_no_reader_takes_says_why_each_refuses(tmp_path: Path) -> None:
    path = write(tmp_path, SAMPLES["legal"])
    with warnings.catch_warnings():
        # what a reader says of a file that is not its own is not told
        warnings.simplefilter("error")
        with pytest.raises(ReadError, match=r"aucune des formes(?s:.*)CODGEO(?s:.*)DEPCOM") as caught:
            slot_of("ages").read(path)
    assert str(caught.value).count("lu comme") == 4
    with pytest.raises(ReadError, match="code_insee"):
        slot_of("young").read(path)


def test_warnings_of_the_reader_that_takes_a_file_are_heard(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("CODGEO;NB_D201\n83050;4\n83050;4\n")
    with pytest.warns(TerritoryWarning, match="répétée"):
        slot_of("general_practitioners").read(tmp_path / "a.csv")


def test_all_that_is_wrong_is_said_at_once(tmp_path: Path, world: dict[str, object]) -> None:
    world |= {"epci": "absent.csv", "ages": table(tmp_path, "vide.csv", "a;b", "1;2")}
    with pytest.raises(ReadError, match=r"« epci » : fichier absent") as caught:
        load_files(DataFiles(**world), departements=["83"], folder=tmp_path)
    assert "« ages »" in str(caught.value)


def test_finer_ages_give_finer_bands_that_add_up(tmp_path: Path, world: dict[str, object]) -> None:
    lines = [f"{code};300;100;50;150" for code in COMMUNES]
    world["ages"] = table(
        tmp_path, "base-cc.csv", "CODGEO;P21_POP;P21_POP0014;P21_POP1529;P21_POP30P", *lines
    )
    data = load_files(DataFiles(**world), departements=["83"], folder=tmp_path)
    persons = data.population("rp2021")["population"]
    assert persons.groupby(level="commune_code").sum().to_list() == [1000.0, 2000.0, 3000.0]
    assert persons.xs("83121").to_list() == pytest.approx([2000 / 3, 1000 / 3, 1000], abs=1 / 512)
    world["young"] = table(tmp_path, "j.csv", "code_insee;commune;pop_tot;pop_0_14", "83050;A;3000;500")
    with pytest.raises(ReadError, match="« young »"):
        load_files(DataFiles(**world), departements=["83"], folder=tmp_path)


def test_places_of_finess_fill_services(tmp_path: Path, world: dict[str, object]) -> None:
    world["finess_equipment"] = table(
        tmp_path,
        "places.csv",
        "nofinesset;de;ta;client;capinstot;indsupinst;capautot;indsupaut;ageminiinst;agemaxiinst",
        "830000001;844;13;437;20;N;25;N;6;20",
        "830000001;844;16;437;7;N;9;N;6;20",
        "830099999;844;13;437;50;N;50;N;6;20",
    )
    files = DataFiles(**world)
    data = load_files(files, departements=["83"], folder=tmp_path)
    assert data.services["capacity"].isna().all()
    assert data.equipment is not None
    filled = supply.with_equipment(data.services, data.equipment, capacity="installed", complete=["sessad"])
    assert filled["capacity"].to_dict() == {("830000001", "ime"): 20.0, ("830000001", "sessad"): 7.0}
    assert filled["age_max"].to_list() == [20.0, 20.0]
    assert filled["authorisation_id"].to_list() == ["830000001", "830000001:sessad"]
    assert filled["is_complete_list"].to_list() == [False, True]
    authorised = supply.with_equipment(data.services, data.equipment, capacity="authorised")
    assert authorised["capacity"].to_list() == [25.0, 9.0]
    assert data.services["capacity"].isna().all()
    without = {key: value for key, value in world.items() if key != "finess"}
    without["general_practitioners"] = table(tmp_path, "bpe.csv", "CODGEO;NB_D201", "83050;2")
    with pytest.raises(ReadError, match="« finess_equipment »"):
        load_files(DataFiles(**without), departements=["83"], folder=tmp_path)


@pytest.mark.filterwarnings("ignore::territory.errors.TerritoryWarning")
def test_the_samples_of_finess_plus_say_how_many_places_there_are(shared_data: Path) -> None:
    folder = shared_data / "care_sites" / "finess_plus_sample_2026"
    sites = slot_of("finess").read(folder / "finess-structures-mensuel-202607-echantillon_json.gz")
    lines = slot_of("finess_equipment").read(folder / "finess-activites-mensuel-202607-echantillon_json.gz")
    lines = lines[lines["nofinesset"].isin(sites.index)]
    lines = lines.assign(categetab=lines["nofinesset"].map(sites["category_code"].to_dict()))
    services = category_services(sites).assign(is_complete_list=False)
    filled = supply.with_equipment(services, lines, capacity="installed")
    counted = filled[filled["capacity_unit"] == "places"]
    assert services["capacity"].isna().all()
    assert counted["capacity"].notna().mean() > 0.9
    assert (counted["capacity"].dropna() > 0).mean() > 0.9


def test_emergencies_stand_where_finess_or_their_commune_is(tmp_path: Path, world: dict[str, object]) -> None:
    rows = (
        "830000002;CH;830000009;M9999;6",
        "830000003;CHI;830000009;M9999;3",
        "830000004;?;830000009;M9999;1",
    )
    world["emergencies"] = table(tmp_path, "URGENCES_P.csv", "FI;RS;FI_EJ;PERSO;ETPSAL", *rows)
    world["hospitals"] = table(
        tmp_path, "ID.csv", "an;fi;rs;fi_ej;cat;COMINSEE", "2023;830000003;CHI;830000009;355;83122"
    )
    with pytest.warns(
        TerritoryWarning, match=r"1 service d'urgences sans commune laissé de côté \(830000004"
    ):
        data = load_files(DataFiles(**world), departements=["83"], folder=tmp_path)
    named = data.services.index.get_level_values("service") == "urgences"
    assert data.services.index.get_level_values("site_id")[named].to_list() == ["830000002", "830000003"]
    assert data.sites.loc["830000002", "point_precision"] == "address"
    assert data.sites.loc["830000003", "geometry"].equals(data.communes.loc["83122", "geometry"])
    assert data.sites.index.is_unique


def test_ehpad_of_cnsa_serve_only_without_finess(tmp_path: Path, world: dict[str, object]) -> None:
    feature = {
        "type": "Feature",
        "properties": {"popup": "<h3>LES PINS</h3>"},
        "geometry": {"type": "Point", "coordinates": [6.15, 43.45]},
    }
    (tmp_path / "e.geojson").write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}))
    world["ehpad"] = "e.geojson"
    with pytest.raises(ReadError, match="comptés deux fois"):
        load_files(DataFiles(**world), departements=["83"], folder=tmp_path)
    del world["finess"]
    data = load_files(DataFiles(**world), departements=["83"], folder=tmp_path)
    assert data.sites[["name", "commune_code"]].to_numpy().tolist() == [["LES PINS", "83121"]]
    assert data.services.index.to_list() == [("ehpad-0", "ehpad")]


def test_a_commune_stands_where_its_inhabitants_are(tmp_path: Path, world: dict[str, object]) -> None:
    import pyproj

    to_grid = pyproj.Transformer.from_crs(4326, 3035, always_xy=True)
    cells = []
    # two cells near the east of 83050 hold nearly everybody; one far west holds one person
    for longitude, persons in ((6.01, 1), (6.09, 90), (6.088, 9)):
        east, north = (int(value // 200 * 200) for value in to_grid.transform(longitude, 43.45))
        cells.append(f"CRS3035RES200mN{north}E{east};{persons};83050")
    world["population_grid"] = table(tmp_path, "carreaux.csv", "idcar_200m;ind;lcog_geo", *cells)
    communes = load_files(DataFiles(**world), departements=["83"], folder=tmp_path).communes
    assert communes["point_kind"].to_list() == ["weighted", "inside", "inside"]
    assert communes.to_crs(4326).geometry.x["83050"] == pytest.approx(6.09, abs=0.003)


def test_an_unknown_count_is_not_zero_and_an_absent_line_is(tmp_path: Path, world: dict[str, object]) -> None:
    world["general_practitioners"] = table(tmp_path, "bpe.csv", "CODGEO;NB_D201", "83050;4", "83121;ND")
    communes = load_files(DataFiles(**world), departements=["83"], folder=tmp_path).communes
    assert communes["general_practitioners"].fillna(-1).to_list() == [4.0, -1.0, 0.0]


def test_each_reader_of_a_dataset_gets_tables_of_its_own(tmp_path: Path, world: dict[str, object]) -> None:
    files = DataFiles(**world)
    first = open_dataset("files", files, departements=["83"], folder=tmp_path)
    first.communes["population"] = 0.0
    again = open_dataset("files", files, departements=["83"], folder=tmp_path)
    assert again.communes["population"].sum() == 6000
    pd.testing.assert_frame_equal(
        again.population("rp2021"),
        load_files(files, departements=["83"], folder=tmp_path).population("rp2021"),
    )
