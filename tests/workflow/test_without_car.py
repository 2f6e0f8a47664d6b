"""A study with a timetable: times without a car beside those by car, in the table and in the report."""

from __future__ import annotations

import shutil
from pathlib import Path

import pandas as pd
import pikepdf
import pytest

import territory
from territory.errors import MissingFileError, StudyError
from tests import embedded, vallon
from tests.transit.feeds import write_feed

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
    found = result.without_car.set_index("commune_code")
    # nine minutes of bus, and nought to nine before the hour at which to be there: five times in ten, four or less
    assert found.loc[HOME, "travel_time_min"] == pytest.approx(13, abs=0.1)
    assert found["is_reachable"].sum() < len(found)
    assert any("travel.transit.gtfs" in name for name in result.manifest["inputs_sha256"])
    with pikepdf.open(next((tmp_path / "reports/petite").glob("*.pdf"))) as pdf:
        assert "Et sans voiture" in str(pdf.open_outline().root)


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
    from territory.report.reading import read

    result = embedded.lent(vallon.SMALL_STUDY)
    assert result.without_car is None
    assert said(read(result)) == NO_TIMETABLE
    assert "transport.data.gouv.fr" in NO_TIMETABLE
    assert parts(read(result)) == []
