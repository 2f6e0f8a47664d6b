"""A study with a timetable: times without a car beside those by car, in the table and in the report."""

from __future__ import annotations

import re
import shutil
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pikepdf
import pytest

import territory
from territory.errors import MissingFileError, StudyError
from territory.release.handed_tables import tables
from territory.report.chapters.method import sources
from territory.report.documents.summary_map import layers
from territory.report.layout.document import DataTable
from territory.report.reading import read
from territory.scenario.measures.compute import without_car
from tests import embedded, vallon
from tests.transit.feeds import write_feed
from tests.worlds.porto_alegre import write_study

# a commune without a pharmacy
HOME = "03904"
LINE = '\n[travel.transit]\ngtfs = ["horaires.zip"]\ndate = 2026-11-30\narrive_by = "09:00"\n'
HEADS = "trip_id,arrival_time,departure_time,stop_id,stop_sequence\n"


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small study with one bus, every ten minutes, from a commune to the place of a pharmacy."""
    folder = tmp_path_factory.mktemp("vallon")
    state = embedded.lent(vallon.SMALL_STUDY).baseline.state
    pharmacy = state.sites.to_crs(4326).geometry["030990201"]
    home = state.communes.to_crs(4326).geometry[HOME]
    stops = f"stop_id,stop_name,stop_lat,stop_lon\nH,Haut,{home.y},{home.x}\nP,Pharmacie,{pharmacy.y},{pharmacy.x}\n"
    calls = [f"t{n},0{7 + n // 6}:{n % 6}0:00,0{7 + n // 6}:{n % 6}0:00,H,1\n" for n in range(12)]
    calls += [f"t{n},0{7 + n // 6}:{n % 6}9:00,0{7 + n // 6}:{n % 6}9:00,P,2\n" for n in range(12)]
    trips = "route_id,service_id,trip_id\n" + "".join(f"R7,S,t{n}\n" for n in range(12))
    feed = write_feed(folder / "feed", stops=stops, trips=trips, stop_times=HEADS + "".join(calls))
    shutil.make_archive(str(folder / "horaires"), "zip", feed)
    shutil.rmtree(feed)
    text = vallon.SMALL_STUDY.read_text("utf-8").replace("\n[uncertainty]", LINE + "\n[uncertainty]")
    text += 'households_without_car = "logement.csv"\n'
    codes = [code for code in state.communes.index if code.startswith("03")]
    homes = "".join(f"{code};500;{400 if code == HOME else 480}\n" for code in codes)
    (folder / "logement.csv").write_text("CODGEO;P21_RP;P21_RP_VOIT1P\n" + homes, encoding="utf-8")
    return vallon.copied(folder, text)


@pytest.mark.filterwarnings("ignore::territory.errors.TerritoryWarning")
def test_times_without_a_car_are_beside_those_by_car(study: Path, tmp_path: Path) -> None:
    result = territory.run_study(study, out_dir=tmp_path)
    table = pd.read_csv(
        tmp_path / "reports/petite/tables/sans_voiture.csv", sep=None, engine="python", dtype="str"
    )
    rows = table[table["commune_code"] == HOME].set_index("service").loc[["pharmacie"]].iloc[0]
    assert float(rows["without_car_min"].replace(",", ".")) <= 25
    assert result.without_car is not None
    found = result.without_car[""].access.xs("pharmacie", level="service")
    # nine minutes of bus, and nought to nine before the hour at which to be there: five times in ten, four or less
    assert found.loc[HOME, "travel_time_min"] == pytest.approx(13, abs=0.1)
    assert found["is_reachable"].sum() < len(found)
    assert any("travel.transit.gtfs" in name for name in result.manifest["inputs_sha256"])
    with pikepdf.open(next((tmp_path / "reports/petite").glob("*.pdf"))) as pdf:
        assert "Et sans voiture" in str(pdf.open_outline().root)
    page = (tmp_path / "reports/petite/resume.html").read_text("utf-8")
    assert "Sans voiture, aujourd" in page
    assert "Et sans voiture" in page
    assert re.search(r"Contours\s:\sfichier de l\S{1,6}étude", page)
    cited = [row for block in sources(read(result)) if isinstance(block, DataTable) for row in block.rows]
    assert ["Réseaux de transport", "Horaires GTFS (horaires.zip)", "30/11/2026", "–"] in cited
    made = tables(result)
    whole = made["couverture_zones"].set_index(["zone", "service", "threshold_min"])
    whole = whole.loc[("territory", "pharmacie", 15.0)]
    # who has no car: 100 households at the end of the bus, 20 in each other commune
    near = found["travel_time_min"].le(15)
    assert (
        whole["without_car_within_hab"]
        == result.baseline.state.communes["population"][near.index[near]].sum()
    )
    assert whole["households_within_share"] == pytest.approx(
        (80 + 20 * near.sum()) / (80 + 20 * len(found)), abs=1e-3
    )
    assert whole["without_car_within_hab"] < whole["within_hab"]
    # nowhere is an emergency department: the criterion is not computable either way, that of pharmacies is
    classes = result.without_car[""].deserts.xs("pharmacie", level="criterion")
    assert classes["status"].eq("en désert").equals(~found["travel_time_min"].le(10))
    assert made["deserts_zones"].columns[-2:].tolist() == [
        "without_car_population_hab",
        "without_car_population_share",
    ]


@pytest.mark.slow
def test_scenarios_are_compared_without_a_car_too() -> None:
    result = embedded.lent(vallon.STUDY)
    every = {"": result.baseline, **result.scenarios}
    slow = {}
    for name, one in every.items():
        times = one.state.travel_times.assign(travel_time_min=one.state.travel_times["travel_time_min"] * 2)
        times.attrs["cutoff_min"] = 120
        slow[name] = without_car(one, times)
    result = replace(result, without_car=slow)
    table = tables(result)["comparaison_communes"].set_index(["scenario", "commune_code", "service"])
    row = table.loc[("A", "03906", vallon.SESSAD)]
    assert row["delta_without_car_min"] == pytest.approx(2 * row["delta_travel_time_min"], abs=1)
    assert row["baseline_without_car_min"] < row["scenario_without_car_min"]
    # the APL is that of today, by car
    assert slow[""].gp_access.equals(result.baseline.gp_access)
    names = [
        layer["name"].replace("\xa0", " ")
        for layer in layers(read(result), result.baseline.state.communes.index)
    ]
    assert [name for name in names if name.startswith("Sans voiture, scénario A")] == [
        "Sans voiture, scénario A : SESSAD de Hautbourg",
        "Sans voiture, scénario A : CMPP de Vallon",
    ]


def test_a_timetable_that_is_not_there_is_said(study: Path) -> None:
    text = study.read_text("utf-8").replace("horaires.zip", "absent.zip")
    lost = study.with_name("absente.toml")
    lost.write_text(text, encoding="utf-8")
    with pytest.raises(MissingFileError, match=r"1 fichier de \[travel.transit\] introuvable \(absent.zip\)"):
        territory.run_study(lost)
    lost.write_text(text.replace("absent.zip", "../absent.zip"), encoding="utf-8")
    with pytest.raises(StudyError, match="hors du dossier de l'étude"):
        territory.load_study(lost)


def test_without_a_timetable_it_is_not_computable() -> None:
    from territory.report.chapters.journeys import NO_TIMETABLE, parts, said

    result = embedded.lent(vallon.SMALL_STUDY)
    assert result.without_car is None
    assert said(read(result)) == NO_TIMETABLE
    assert "transport.data.gouv.fr" in NO_TIMETABLE
    assert parts(read(result)) == []


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::territory.errors.TerritoryWarning")
def test_another_city_goes_to_its_report(shared_data: Path, tmp_path: Path) -> None:
    result = territory.run_study(write_study(shared_data / "transit", tmp_path), out_dir=tmp_path)
    assert result.without_car is not None
    by_car, without = (
        one.access["travel_time_min"]
        .xs("urgences", level="service")
        .reindex(result.without_car[""].deserts.index.levels[0])
        for one in (result.baseline, result.without_car[""])
    )
    # two hospitals in the centre: nobody is there sooner by bus, but from next door on foot
    assert (without >= by_car).mean() > 0.9
    assert 20 < without.median() < 70
    assert by_car.median() < 20
    # the university is far from the north, the coach station is where buses meet
    table = tables(result)["comparaison_communes"]
    assert table["delta_without_car_min"].min() < -10
    assert table["delta_without_car_min"].max() > 10
    desert = tables(result)["deserts_zones"].set_index(["zone", "desert_class"]).loc["territory"]
    assert (desert["without_car_population_hab"] - desert["population_hab"]).abs().max() > 100_000
    assert len(list((tmp_path / "reports/porto-alegre").glob("*.pdf"))) > 0
