"""Times without a car are those of a brute force over every ride, to the second, on random timetables."""

from __future__ import annotations

import datetime as dt
import math
import tempfile
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from territory.transit import Timetable, read_gtfs
from territory.transit.doors import Walking
from tests.oracles import earliest_arrival, latest_departure
from tests.transit.feeds import clock, write_feed

DAY = dt.date(2026, 11, 30)
SETTINGS = settings(deadline=None, suppress_health_check=list(HealthCheck))


@st.composite
def worlds(draw: Any) -> dict[str, Any]:
    """A few stops along a road, trips that loop and overtake, services of three days, frequencies, changes."""
    n_stops = draw(st.integers(2, 5))
    trips = []
    for number in range(draw(st.integers(1, 7))):
        time = (
            86_400 * draw(st.integers(0, 1))
            # few hours, so that vehicles often meet to the second
            + 300 * draw(st.integers(0, 9))
            + draw(st.sampled_from([0, 0, 17]))
        )
        calls = []
        for _ in range(draw(st.integers(2, 5))):
            arrival = time + draw(st.sampled_from([0, 60, 240, 300, 300, 433, 900])) * (len(calls) > 0)
            departure = arrival + draw(st.sampled_from([0, 0, 30, 120]))
            flags = draw(st.sampled_from(["00", "00", "00", "10", "01", "32"]))
            calls.append((draw(st.integers(0, n_stops - 1)), arrival, departure, flags))
            time = departure
        headway = draw(st.sampled_from([0, 0, 0, 300, 419]))
        trips.append(
            {"service": draw(st.sampled_from("ABC")), "calls": calls, "headway": headway, "id": f"t{number}"}
        )
    pair = st.tuples(st.integers(0, n_stops - 1), st.integers(0, n_stops - 1))
    changes = draw(st.dictionaries(pair, st.sampled_from([-1, 0, 0, 45, 300]), max_size=4))
    return {
        "east": draw(st.lists(st.sampled_from([0.0, 0.004, 0.03, 0.06]), min_size=n_stops, max_size=n_stops)),
        "trips": trips,
        "changes": changes,
        # services of the day itself: by the calendar, by an exception, and one taken away by an exception
        "exceptions": draw(
            st.sampled_from(["", f"A,{DAY:%Y%m%d},2\n", f"B,{DAY:%Y%m%d},1\n", "B,20261129,1\n"])
        ),
    }


def write_world(folder: Path, world: dict[str, Any], *, backwards: bool = False) -> Path:
    """Write a world as a feed, rows in one order or the other."""
    east = np.cumsum(world["east"])
    stops = [f"s{number},S{number},43.5,{6.4 + x:.4f}" for number, x in enumerate(east)]
    trips = [f"R,{trip['service']},{trip['id']}" for trip in world["trips"]]
    calls = [
        f"{trip['id']},{clock(arrival)},{clock(departure)},s{stop},{3 * place},{flags[0]},{flags[1]}"
        for trip in world["trips"]
        for place, (stop, arrival, departure, flags) in enumerate(trip["calls"])
    ]
    frequencies = [
        f"{trip['id']},{clock(trip['calls'][0][2])},{clock(trip['calls'][0][2] + 1500)},{trip['headway']}"
        for trip in world["trips"]
        if trip["headway"]
    ]
    changes = [
        f"s{one},s{two},{3 if seconds < 0 else 2},{max(seconds, 0)}"
        for (one, two), seconds in world["changes"].items()
    ]
    heads = {
        "stops": "stop_id,stop_name,stop_lat,stop_lon",
        "routes": "route_id,route_short_name,route_type",
        "trips": "route_id,service_id,trip_id",
        "stop_times": "trip_id,arrival_time,departure_time,stop_id,stop_sequence,pickup_type,drop_off_type",
        "frequencies": "trip_id,start_time,end_time,headway_secs",
        "transfers": "from_stop_id,to_stop_id,transfer_type,min_transfer_time",
    }
    rows = [stops, ["R,1,3"], trips, calls, frequencies, changes]
    texts = {
        name: "\n".join([head, *(part[::-1] if backwards else part)]) + "\n"
        for (name, head), part in zip(heads.items(), rows, strict=True)
    }
    days = "monday,tuesday,wednesday,thursday,friday,saturday,sunday"
    calendar = f"service_id,{days},start_date,end_date\n"
    calendar += "A,1,0,0,0,0,0,1,20261101,20261231\nC,1,1,1,1,1,1,1,20261101,20261231\n"
    exceptions = "service_id,date,exception_type\n" + world["exceptions"]
    return write_feed(folder, **texts, calendar=calendar, calendar_dates=exceptions)


def runs_of(world: dict[str, Any]) -> list[list[tuple[int, int, int, bool, bool]]]:
    """Every run of the evening before, of the day and of the next morning, written out."""
    found = []
    for days in (-1, 0, 1):
        day = DAY + dt.timedelta(days=days)
        # A on Mondays and Sundays, C every day; B by exception alone
        services = {"C"} | ({"A"} if day.weekday() in (0, 6) else set())
        for line in world["exceptions"].splitlines():
            service, date, kind = line.split(",")
            if date == f"{day:%Y%m%d}":
                services = services | {service} if kind == "1" else services - {service}
        for trip in world["trips"]:
            if trip["service"] not in services:
                continue
            starts = range(0, 1500, trip["headway"]) if trip["headway"] else [0]
            for later in starts:
                shift = 86_400 * days + later
                found.append(
                    [
                        (stop, arrival + shift, departure + shift, flags[0] != "1", flags[1] != "1")
                        for stop, arrival, departure, flags in trip["calls"]
                    ]
                )
    return found


def ends(world: dict[str, Any]) -> gpd.GeoDataFrame:
    """A point near the first stop, one near the last, and one far away."""
    east = 6.4 + float(np.sum(world["east"]))
    points = gpd.points_from_xy([6.4 + world["east"][0] + 0.001, east + 0.002, 7.5], [43.501, 43.5, 43.5])
    return gpd.GeoDataFrame(index=["A", "B", "loin"], geometry=points, crs=4326)


def walks(
    timetable: Timetable, world: dict[str, Any], points: gpd.GeoDataFrame, minutes: float
) -> dict[str, Any]:
    """Walks in seconds between doors and stops, by the number that a stop has in the world."""
    walking, stops = Walking.on(None, minutes), timetable.stops
    number = [int(name[1:]) for name in timetable.stop_id]
    to_stops, from_stops = walking.pairs(points, stops), walking.pairs(stops, points)
    between, direct = walking.pairs(stops, stops), walking.pairs(points, points)
    changes = {(stop, stop): 0 for stop in number}
    changes |= {(number[a], number[b]): int(s) for a, b, s in zip(*between, strict=True)}
    changes |= world["changes"]
    return {
        "access": [
            {number[s]: int(t) for p, s, t in zip(*to_stops, strict=True) if p == o} for o in range(3)
        ],
        "egress": [
            {number[s]: int(t) for s, p, t in zip(*from_stops, strict=True) if p == o} for o in range(3)
        ],
        "changes": {pair: seconds for pair, seconds in changes.items() if seconds >= 0},
        "direct": {(int(a), int(b)): int(s) for a, b, s in zip(*direct, strict=True)},
    }


def at_rank(seconds: list[float], percentile: int, limit_s: float) -> float:
    """The least time that so many per cent of the minutes do not exceed, infinity beyond the limit."""
    time = sorted(seconds)[max(1, math.ceil(percentile * len(seconds) / 100)) - 1]
    return time if time <= limit_s else math.inf


QUESTIONS = st.tuples(
    worlds(),
    st.sampled_from([1, 2, 7, 16, 17]),
    st.integers(0, 3),
    st.sampled_from([3.0, 20.0]),
    st.sampled_from([("00:02", None), ("23:55", None), (None, "00:55"), (None, "24:20")]),
)


@pytest.mark.filterwarnings("ignore::territory.errors.TerritoryWarning")
@settings(SETTINGS, max_examples=6)
@given(QUESTIONS)
def test_times_are_those_of_the_brute_force(question: tuple[Any, ...]) -> None:
    check(*question)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::territory.errors.TerritoryWarning")
@settings(SETTINGS, max_examples=200)
@given(QUESTIONS)
def test_times_are_those_of_the_brute_force_many_times(question: tuple[Any, ...]) -> None:
    check(*question)


def check(
    world: dict[str, Any], window: int, transfers: int, walk: float, when: tuple[str | None, str | None]
) -> None:
    """Compare every time of a question with the brute force."""
    runs, points, percentiles = runs_of(world), ends(world), (5, 50, 100)
    with tempfile.TemporaryDirectory() as folder:
        try:
            timetable = read_gtfs(write_world(Path(folder), world), date=DAY)
            other = read_gtfs(write_world(Path(folder), world, backwards=True), date=DAY)
        except ValueError:
            assert not any(run[-1][1] >= -43_200 and run[0][2] <= 129_600 for run in runs)
            return
    options: dict[str, Any] = {
        "streets": None, "depart": when[0], "arrive_by": when[1], "window_min": window, "percentiles": percentiles,
        "max_time_min": 70, "max_walk_min": walk, "max_transfers": transfers,
    }  # fmt: skip
    table = timetable.travel_times(points, points, **options)
    assert table.equals(other.travel_times(points, points, threads=1, **options))
    found = table.set_index(["from_id", "to_id", "percentile"])["travel_time_min"].mul(60).round(6).to_dict()
    known, expected = walks(timetable, world, points, walk), {}
    hour, minute = map(int, (when[0] or when[1] or "").split(":"))
    asked = hour * 3600 + minute * 60
    for a, origin in enumerate(points.index):
        for b, destination in enumerate(points.index):
            ways = known["changes"], known["access"][a], known["egress"][b]
            direct = known["direct"].get((a, b), math.inf)
            seconds = []
            for step in range(window):
                if when[0]:
                    start = asked + 60 * step
                    seconds.append(earliest_arrival(runs, *ways, start, transfers + 1, direct) - start)
                else:
                    end = asked - 60 * step
                    seconds.append(end - latest_departure(runs, *ways, end, transfers + 1, direct))
            for percentile in percentiles:
                time = at_rank(seconds, percentile, 70 * 60)
                if time < math.inf:
                    expected[origin, destination, float(percentile)] = time
    assert found == expected
