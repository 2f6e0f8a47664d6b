"""Times, paths in words, drawings and saved timetables, on the sample; and questions that have no sense."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pytest

from territory.errors import (
    MissingFileError,
    NetworkError,
    OutputError,
    ParameterError,
    ReadError,
    TerritoryWarning,
)
from territory.network import RoadNetwork, read_osm, sample_network
from territory.transit import Timetable, read_gtfs
from territory.transit.doors import DETOUR, WALK_KMH, Walking
from territory.transit.feeds import sample_points
from territory.transit.gtfs import sample_timetable

HOME, CARE = sample_points()[:1], sample_points()[1:]


@pytest.fixture(scope="module")
def timetable() -> Timetable:
    return sample_timetable()


def minutes(
    timetable: Timetable, origins: gpd.GeoDataFrame, destinations: gpd.GeoDataFrame, **options: Any
) -> Any:
    return timetable.travel_times(origins, destinations, streets=None, **options)["travel_time_min"].tolist()


def test_a_walk_is_a_lengthened_straight_line() -> None:
    points = gpd.GeoDataFrame(geometry=gpd.points_from_xy([700_000, 700_400], [6_600_000] * 2), crs=2154)
    found = Walking.on(None, 30).pairs(points, points)
    assert found.value[1] == pytest.approx(400 * DETOUR / WALK_KMH * 3.6, abs=2)
    assert Walking.on(None, 1).pairs(points, points).value.tolist() == [0, 0]


@pytest.mark.filterwarnings("ignore:Aucun véhicule ne circule:territory.errors.TerritoryWarning")
def test_a_limit_holds_the_walk_that_equals_it(timetable: Timetable) -> None:
    start = HOME.to_crs(2154)
    x, y = start.geometry.iloc[0].x, start.geometry.iloc[0].y
    options = {"streets": None, "depart": "23:00", "window_min": 1}
    ends = gpd.GeoDataFrame(geometry=gpd.points_from_xy([x] * 80, y - np.arange(440, 520)), crs=2154)
    found = timetable.travel_times(start, ends, max_time_min=60, **options)["travel_time_min"]
    # of seconds in minutes, sixty times as many are not always the seconds again
    losing = found[(found * 60).astype(int) != (found * 60).round()].unique()
    assert len(losing)
    for time in [*losing, *found.unique()[::16]]:
        within = int((found <= time).sum())
        assert len(timetable.travel_times(start, ends, max_time_min=time, **options)) == within
        walked = timetable.travel_times(start, ends, max_time_min=60, max_walk_min=time, **options)
        assert len(walked) == within


def test_one_departure_is_a_walk_two_rides_and_a_walk(timetable: Timetable) -> None:
    walks = [
        Walking.on(None, 20).pairs(HOME, timetable.stops),
        Walking.on(None, 20).pairs(timetable.stops, CARE),
    ]
    leave, last = int(walks[0].value[0]), int(walks[1].value[0])
    # bus 12 at 8:04, bus 7 at 8:18 until 8:26
    (time,) = minutes(timetable, HOME, CARE, depart="08:00", window_min=1)
    assert time == pytest.approx(26 + last / 60)
    assert leave < 240
    (time,) = minutes(timetable, HOME, CARE, arrive_by="08:30", window_min=1)
    assert time == pytest.approx(30 - (4 - leave / 60))
    assert minutes(timetable, HOME, CARE, depart="08:00", window_min=1, max_transfers=0) == []
    hours = [minutes(timetable, HOME, CARE, depart=said, window_min=1) for said in ("08:00", "8 h", "8h00")]
    assert hours[0] == hours[1] == hours[2]


def test_a_minute_at_which_one_never_arrives_is_longer_than_any(timetable: Timetable) -> None:
    # the last bus is caught at each minute until 8:32
    options = {"window_min": 60, "percentiles": (50, 55, 90), "max_time_min": 120}
    table = timetable.travel_times(HOME, CARE, streets=None, depart="08:00", **options)
    assert table["percentile"].tolist() == [50.0, 55.0]
    assert table.attrs["cutoff_min"] == 120


def test_an_hour_at_which_nothing_runs_is_said(timetable: Timetable) -> None:
    with pytest.warns(TerritoryWarning, match="Aucun véhicule ne circule à ces heures"):
        assert minutes(timetable, HOME, CARE, depart="03:00", window_min=10, max_time_min=60) == []


def test_there_is_no_way_back_without_a_bus_back(timetable: Timetable) -> None:
    assert minutes(timetable, CARE, HOME, depart="08:00") == []


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"depart": "08:00", "window_min": 0}, "window_min=0"),
        ({"depart": "08:00", "window_min": 241}, "window_min=241"),
        ({"depart": "08:00", "arrive_by": "09:00"}, "l'un des deux seulement"),
        ({}, "l'un des deux seulement"),
        ({"depart": "huit heures"}, "écrivez une heure"),
        ({"depart": "08:75"}, "écrivez une heure"),
        ({"depart": "08:00", "max_time_min": 0}, "max_time_min=0"),
        ({"depart": "08:00", "max_walk_min": -1}, "max_walk_min=-1"),
        ({"depart": "08:00", "max_transfers": -1}, "max_transfers=-1"),
        ({"depart": "08:00", "percentiles": ()}, "percentiles"),
        ({"depart": "08:00", "percentiles": (90, 50)}, "rangez-les"),
        ({"depart": "35:00"}, "sort des horaires"),
        ({"depart": "08:00", "streets": sample_network()}, "piétons"),
    ],
)
def test_a_question_without_sense_is_refused(
    timetable: Timetable, options: dict[str, Any], said: str
) -> None:
    with pytest.raises(ParameterError, match=said):
        timetable.travel_times(HOME, CARE, **{"streets": None, **options})


def test_points_far_from_any_stop_are_counted(timetable: Timetable) -> None:
    far = gpd.GeoDataFrame(index=["loin"], geometry=gpd.points_from_xy([5.0], [44.0]), crs=4326)
    with pytest.warns(
        TerritoryWarning, match=r"1 origine sans arrêt à moins de 20 min à pied \(par exemple loin\)"
    ):
        assert minutes(timetable, far, CARE, depart="08:00") == []
    with pytest.raises(NetworkError, match="système de coordonnées absent"):
        minutes(timetable, far.set_crs(None, allow_override=True), CARE, depart="08:00")


def test_a_path_is_said_in_words(timetable: Timetable) -> None:
    said = timetable.journey(HOME, CARE, streets=None, depart="08:00")
    assert "bus 12 à 8 h 04 de Mairie à Gare (8 h 14) ; correspondance à Gare" in said
    assert "bus 7 à 8 h 18 de Gare à Plateforme (8 h 26)" in said
    later = timetable.journey(HOME, CARE, streets=None, arrive_by="09:05")
    assert "bus 12 à 8 h 34" in later
    assert timetable.journey(CARE, HOME, streets=None, depart="08:00").startswith("Aucun trajet")
    assert timetable.journey(HOME, HOME, streets=None, depart="08:00") == "À pied 0 min, de 8 h 00 à 8 h 00."
    with pytest.raises(ParameterError, match="une ligne de chaque côté"):
        timetable.journey(sample_points(), CARE, streets=None, depart="08:00")


def test_what_is_reached_grows_with_time_and_holds_the_stop(timetable: Timetable) -> None:
    options = {"streets": None, "minutes": (10, 40), "window_min": 1, "max_walk_min": 10}
    drawn = timetable.isochrones(HOME, depart="08:00", **options)
    assert drawn.columns.tolist() == ["from_id", "minutes", "area_km2", "geometry"]
    assert drawn["area_km2"].is_monotonic_increasing
    care = CARE.to_crs(drawn.crs).geometry.iloc[0]
    assert drawn.geometry.contains(care).tolist() == [False, True]
    back = timetable.isochrones(CARE, arrive_by="08:30", **options)
    assert back.geometry.contains(HOME.to_crs(drawn.crs).geometry.iloc[0]).tolist() == [False, True]
    with pytest.raises(ParameterError, match="max_time_min : dites-le par minutes"):
        timetable.isochrones(HOME, depart="08:00", max_time_min=30, **options)
    with pytest.raises(ParameterError, match="maille"):
        timetable.isochrones(HOME, streets=None, depart="08:00", cell_m=1)


def test_a_saved_timetable_gives_the_same_times(timetable: Timetable, tmp_path: Path) -> None:
    folder = timetable.save(tmp_path / "horaires")
    loaded = Timetable.load(folder)
    options = {"streets": None, "depart": "08:00"}
    assert loaded.travel_times(HOME, CARE, **options).equals(timetable.travel_times(HOME, CARE, **options))
    assert (loaded.date, loaded.zone, loaded.asides) == (timetable.date, timetable.zone, timetable.asides)
    timetable.save(folder)
    with pytest.raises(MissingFileError, match="introuvables"):
        Timetable.load(tmp_path / "absents")
    with pytest.raises(OutputError, match="n'est pas un horaire enregistré"):
        (tmp_path / "autre").mkdir()
        (tmp_path / "autre" / "note.txt").write_text("x")
        timetable.save(tmp_path / "autre")


def test_a_timetable_that_was_changed_is_refused(timetable: Timetable, tmp_path: Path) -> None:
    folder = timetable.save(tmp_path / "horaires")
    np.save(folder / "stop.npy", timetable.stop + 5)
    with pytest.raises(ReadError, match="endommagés"):
        Timetable.load(folder)
    # even with digests made anew
    header = {"format": "territory-timetable", "version": 1, "date": "", "zone": "", "asides": {}}
    from territory.files.safe_files import save_arrays

    arrays = {path.stem: np.load(path) for path in folder.glob("*.npy")}
    save_arrays(folder, arrays, header, header_name="timetable.json", what="un horaire enregistré")
    with pytest.raises(ReadError, match="endommagés"):
        Timetable.load(folder)
    (folder / "timetable.json").write_text(json.dumps({"format": "autre", "version": 1}))
    with pytest.raises(ReadError, match="endommagés"):
        Timetable.load(folder)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::territory.errors.TerritoryWarning")
def test_a_real_city(shared_data: Path) -> None:
    folder = shared_data / "transit"
    timetable = read_gtfs([folder / "poa_eptc.zip", folder / "poa_trensurb.zip"], date="2019-05-13")
    streets: RoadNetwork = read_osm(folder / "poa_osm.pbf", profile="foot")
    points = gpd.read_file(folder / "poa_points_of_interest.csv")
    points = gpd.GeoDataFrame(
        geometry=gpd.points_from_xy(points["lon"].astype(float), points["lat"].astype(float)), crs=4326
    ).set_axis(points["id"])
    options: dict[str, Any] = {"streets": streets, "depart": "14:00"}
    table = timetable.travel_times(points, points, **options)
    straight = timetable.travel_times(points, points, streets=None, depart="14:00")
    both = table.merge(straight, on=["from_id", "to_id"])
    assert len(both) > 150
    assert (both["travel_time_min_x"] - both["travel_time_min_y"]).abs().median() < 5
    said = timetable.journey(points.iloc[[0]], points.iloc[[14]], **options)
    assert "bus" in said
    assert "arrivée à 14 h" in said
