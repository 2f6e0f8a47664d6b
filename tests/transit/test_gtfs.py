"""What is read of a feed, what is left aside and counted, and what is refused, in words."""

from __future__ import annotations

import datetime as dt
import zipfile
from pathlib import Path

import numpy as np
import pytest

from territory.errors import MissingFileError, ParameterError, ReadError, TerritoryWarning
from territory.transit import Timetable, read_gtfs
from territory.transit.feeds import sample_points
from tests.transit.feeds import write_feed

DATE = "2026-11-30"
CALLS = "trip_id,arrival_time,departure_time,stop_id,stop_sequence\n"


def read(folder: Path, said: str | None = None, **changed: str | None) -> Timetable:
    """Read the sample with some files changed, with the warning that is expected."""
    feed = write_feed(folder / "feed", **changed)
    if said is None:
        return read_gtfs(feed, date=DATE)
    with pytest.warns(TerritoryWarning, match=said):
        return read_gtfs(feed, date=DATE)


def calls_of(timetable: Timetable) -> list[tuple[str, int, int]]:
    ids = timetable.stop_id[timetable.stop]
    return list(zip(ids.tolist(), timetable.arrival.tolist(), timetable.departure.tolist(), strict=True))


def test_a_feed_is_read_from_its_folder_its_zip_and_a_folder_inside(tmp_path: Path) -> None:
    folder = read(tmp_path)
    archive = tmp_path / "horaires.zip"
    with zipfile.ZipFile(archive, "w") as file:
        for path in sorted((tmp_path / "feed").iterdir()):
            file.write(path, f"jeu/{path.name}")
    zipped = read_gtfs(archive, date=DATE)
    assert calls_of(folder) == calls_of(zipped)
    assert calls_of(folder)[:2] == [("M", 29040, 29040), ("G", 29640, 29640)]
    assert folder.line_names.tolist() == ["bus 12", "bus 7"]
    assert repr(folder) == "<Timetable 2026-11-30 : 3 arrêts, 4 courses>"
    assert read_gtfs(archive, date=dt.datetime(2026, 11, 30, 8)).date == DATE


def test_blank_times_are_interpolated_along_the_way(tmp_path: Path) -> None:
    # from M to P by G: about 4.4 km, then 4.8 km
    calls = "a,08:00:00,08:00:00,M,1\na,,,G,2\na,09:00:00,09:00:00,P,3\n"
    timetable = read(tmp_path, "1 heure de passage interpolée", stop_times=CALLS + calls)
    assert timetable.arrival[1] == pytest.approx(28800 + 3600 * 4.45 / (4.45 + 4.84), abs=10)
    assert timetable.arrival[1] == timetable.departure[1]


@pytest.mark.parametrize(
    ("said", "lines", "trips"),
    [
        ("1 course dont les heures reculent", "a,08:10:00,08:10:00,M,1\na,08:05:00,08:05:00,G,2\n", 1),
        ("1 course dont les heures reculent", "a,08:10:00,08:09:00,M,1\na,08:15:00,08:15:00,G,2\n", 1),
        ("1 course d'un seul arrêt", "a,08:10:00,08:10:00,M,1\n", 1),
        ("1 course sans heure", "a,,,M,1\na,08:05:00,08:05:00,G,2\n", 1),
        ("1 course aux horaires illisibles", "a,huit,08:10:00,M,1\na,08:15:00,08:15:00,G,2\n", 1),
        ("1 course aux horaires illisibles", "a,08:10:00,08:10:00,M,1\na,08:15:00,08:15:00,G,1\n", 1),
        (
            "2 passages d'une course ou à un arrêt inconnus",
            "a,08:10:00,08:10:00,X,1\nzz,08:15:00,08:15:00,G,2\n",
            1,
        ),
    ],
)
def test_trips_that_cannot_run_are_left_aside_and_counted(
    tmp_path: Path, said: str, lines: str, trips: int
) -> None:
    good = "b,08:34:00,08:34:00,M,1\nb,08:44:00,08:44:00,G,2\n"
    timetable = read(tmp_path, said, stop_times=CALLS + lines + good)
    assert len(timetable.first) - 1 == trips


def test_stops_without_coordinates_are_ridden_through_and_counted(tmp_path: Path) -> None:
    stops = "stop_id,stop_name,stop_lat,stop_lon,parent_station\nM,Mairie,,,\nG,Gare,0,0,\nP,P,,,S\nS,S,43.54,6.46,\n"
    timetable = read(tmp_path, "2 arrêts desservis sans coordonnées", stops=stops)
    assert timetable.lat[timetable.stop_id == "P"].tolist() == [43.54]
    assert np.isnan(timetable.lat).sum() == 2


def test_the_trips_of_the_evening_before_run_past_midnight(tmp_path: Path) -> None:
    dates = "service_id,date,exception_type\nS,20261129,1\n"
    calls = "a,23:50:00,23:50:00,M,1\na,24:20:00,24:20:00,G,2\n"
    timetable = read(tmp_path, calendar_dates=dates, stop_times=CALLS + calls)
    assert calls_of(timetable) == [("M", -600, -600), ("G", 1200, 1200)]


def test_a_change_in_no_time_is_caught_to_the_second_and_no_later(tmp_path: Path) -> None:
    calls = "a,08:04:00,08:04:00,M,1\na,08:14:00,08:14:00,G,2\nc,08:{0},08:{0},G,1\nc,08:26:00,08:26:00,P,2\n"
    points = sample_points()
    found = [
        len(
            read(tmp_path / later.replace(":", ""), stop_times=CALLS + calls.format(later)).travel_times(
                points[:1], points[1:], streets=None, depart="08:00", window_min=1
            )
        )
        for later in ("14:00", "13:59")
    ]
    assert found == [1, 0]


def test_a_bus_that_overtakes_is_taken(tmp_path: Path) -> None:
    calls = (
        "a,08:04:00,08:04:00,M,1\na,08:30:00,08:30:00,G,2\nb,08:10:00,08:10:00,M,1\nb,08:20:00,08:20:00,G,2\n"
    )
    calls += "c,08:22:00,08:22:00,G,1\nc,08:26:00,08:26:00,P,2\n"
    timetable, points = read(tmp_path, stop_times=CALLS + calls), sample_points()
    found = timetable.travel_times(points[:1], points[1:], streets=None, depart="08:00", window_min=1)
    assert len(found) == 1


def test_a_service_day_begins_twelve_hours_before_noon(tmp_path: Path) -> None:
    # clocks go back on 25 October 2026 in Paris: the day before began 25 hours earlier
    dates = "service_id,date,exception_type\nS,20261024,1\n"
    feed = write_feed(
        tmp_path / "feed",
        calendar_dates=dates,
        stop_times=CALLS + "a,23:50:00,23:50:00,M,1\na,26:00:00,26:00:00,G,2\n",
    )
    assert read_gtfs(feed, date="2026-10-25").arrival.tolist() == [-4200, 3600]


def test_frequencies_repeat_a_trip_until_their_end(tmp_path: Path) -> None:
    frequencies = "trip_id,start_time,end_time,headway_secs\na,10:00:00,10:30:00,600\na,25,26:00:00,600\n"
    timetable = read(tmp_path, "1 fréquence illisible", frequencies=frequencies)
    starts = timetable.departure[timetable.first[:-1]]
    assert {36000, 36600, 37200} <= set(starts.tolist())
    # the trip itself no longer runs as written
    assert 29040 not in starts


def test_changes_of_a_station_hold_for_its_platforms_unless_said_of_them(tmp_path: Path) -> None:
    stops = (
        "stop_id,stop_name,stop_lat,stop_lon,parent_station\n"
        "M,Mairie,43.5,6.4,S\nG,Gare,43.54,6.4,S\nP,P,43.54,6.46,\nS,S,43.5,6.4,\n"
    )
    transfers = (
        "from_stop_id,to_stop_id,transfer_type,min_transfer_time,from_trip_id\n"
        "S,P,2,120,\nM,P,3,,\nP,P,1,,\nM,G,0,,\nG,M,4,,a\nM,Z,2,60,\nP,G,2,,\n"
    )
    timetable = read(tmp_path, "correspondance", stops=stops, transfers=transfers)
    ids = timetable.stop_id
    stated = {(ids[a], ids[b]): s for a, b, s in timetable.changes.itertuples(index=False)}
    assert stated == {("M", "P"): -1, ("G", "P"): 120, ("P", "P"): 0}
    assert {"correspondance(s) propre(s) à une course ou à une ligne": 1}.items() <= timetable.asides.items()
    assert {"durée(s) de correspondance illisible(s)": 1}.items() <= timetable.asides.items()


def test_the_order_of_feeds_changes_nothing(tmp_path: Path) -> None:
    one, two = write_feed(tmp_path / "un"), write_feed(tmp_path / "deux")
    both, reverse = read_gtfs([one, two], date=DATE), read_gtfs([two, one], date=DATE)
    assert calls_of(both) == calls_of(reverse)
    assert len(both.first) - 1 == 8
    # two feeds of one name, of which one lacks a trip
    other = tmp_path / "autre" / "un"
    write_feed(other, stop_times=CALLS + "a,08:04:00,08:04:00,M,1\na,08:10:00,08:10:00,G,2\n")
    points, options = sample_points(), {"streets": None, "depart": "08:00"}
    same, turned = (read_gtfs(feeds, date=DATE) for feeds in ([one, other], [other, one]))
    assert same.stop_id.tolist() == turned.stop_id.tolist()
    assert same.travel_times(points, points, **options).equals(turned.travel_times(points, points, **options))


def test_a_feed_that_does_not_run_on_the_date_is_counted_beside_one_that_does(tmp_path: Path) -> None:
    dates = "service_id,date,exception_type\nS,20200101,1\n"
    old, new = write_feed(tmp_path / "vieux", calendar_dates=dates), write_feed(tmp_path / "neuf")
    with pytest.warns(TerritoryWarning, match="1 jeu sans aucune course à cette date"):
        read_gtfs([old, new], date=DATE)
    # a date that the calendars cover, all of whose trips were left aside
    empty = write_feed(tmp_path / "vide", stop_times=CALLS + "a,8 h,08:04:00,M,1\na,08:14:00,08:14:00,G,2\n")
    with pytest.raises(ParameterError, match="laissé de côté ou réparé : 1 course aux horaires illisibles"):
        read_gtfs(empty, date=DATE)
    with pytest.raises(
        ParameterError, match=r"Aucune course le 30/11/2026 : les calendriers vont du 01/01/2020"
    ):
        read_gtfs(old, date=DATE)


def test_all_that_is_missing_is_said_at_once(tmp_path: Path) -> None:
    feed = write_feed(tmp_path / "feed", routes=None, calendar_dates=None, trips="route_id,trip_id\nR,a\n")
    with pytest.raises(ReadError) as refused:
        read_gtfs(feed, date=DATE)
    assert "fichier routes.txt absent" in str(refused.value)
    assert "trips.txt : colonne absente (service_id)" in str(refused.value)
    with pytest.raises(ReadError, match="ne disent aucun jour"):
        read_gtfs(write_feed(tmp_path / "autre", calendar_dates=None), date=DATE)


def test_what_cannot_be_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MissingFileError, match="introuvables"):
        read_gtfs(tmp_path / "absent.zip", date=DATE)
    with pytest.raises(ParameterError, match="au moins un GTFS"):
        read_gtfs([], date=DATE)
    with pytest.raises(ParameterError, match="écrivez une date"):
        read_gtfs(write_feed(tmp_path / "feed"), date="30/11/2026")
    broken = tmp_path / "casse.zip"
    broken.write_bytes(b"PK\x03\x04 rien")
    with pytest.raises(ReadError):
        read_gtfs(broken, date=DATE)


def test_feeds_of_two_time_zones_are_refused(tmp_path: Path) -> None:
    agency = "agency_id,agency_name,agency_url,agency_timezone\nA,A,http://a,Europe/Rome\n"
    feeds = [write_feed(tmp_path / "un"), write_feed(tmp_path / "deux", agency=agency)]
    with pytest.raises(ReadError, match=r"plusieurs fuseaux horaires \(Europe/Paris, Europe/Rome\)"):
        read_gtfs(feeds, date=DATE)


def test_a_zip_that_swells_beyond_measure_is_refused(tmp_path: Path) -> None:
    bomb = tmp_path / "bombe.zip"
    with (
        zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as file,
        file.open("stops.txt", "w", force_zip64=True) as out,
    ):
        for _ in range(120):
            out.write(bytes(1_000_000))
    with pytest.raises(ReadError, match="fichier piégé"):
        read_gtfs(bomb, date=DATE)
