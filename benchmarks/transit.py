"""Times without a car beside peers, on Porto Alegre: 1,227 hexagons, all to all, 60 departures, two threads.

`python benchmarks/transit.py FOLDER [--peer-python PYTHON] [--r5-classpath JAR]`; the folder is that of the sample of
r5r (poa_eptc.zip, poa_trensurb.zip, poa_osm.pbf, poa_hexgrid.csv). Peers are in `requirements.txt`; both are given the
same trips, their blank times filled. ferrobus gives one departure at a time, and is asked for each minute. r5py is run
where there are a JVM and its jar (r5-all.jar: given, or where r5py keeps it), never fetched from here; otherwise the
result says what is absent. Prints JSON.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

DATE, HOUR, MINUTES, LIMIT_MIN, WALK_MIN, CHANGES = "2019-05-13", 14, 60, 120, 20, 3


class Stopwatch:
    """Seconds of the wall and of the processor, by name."""

    def __init__(self):
        self.record, self.last = {}, (time.perf_counter(), time.process_time())

    def lap(self, name):
        """Keep what has passed since the last lap, and the most memory so far."""
        now = time.perf_counter(), time.process_time()
        self.record[name + "_s"], self.record[name + "_cpu_s"] = (
            round(after - before, 2) for after, before in zip(now, self.last, strict=True)
        )
        self.record["memory_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        self.last = time.perf_counter(), time.process_time()


def ours(folder, place):
    """Compute the medians, and each departure of the first ten, with this library; write the trips for the peer."""
    import geopandas as gpd
    import pandas as pd

    from territory.network import read_osm
    from territory.transit import read_gtfs

    points = pd.read_csv(folder / "poa_hexgrid.csv").set_index("id")
    points = gpd.GeoDataFrame(points, geometry=gpd.points_from_xy(points.lon, points.lat), crs=4326)
    watch = Stopwatch()
    timetable = read_gtfs([folder / "poa_eptc.zip", folder / "poa_trensurb.zip"], date=DATE)
    streets = read_osm(folder / "poa_osm.pbf", profile="foot")
    watch.lap("prepare")
    options = {"streets": streets, "max_walk_min": WALK_MIN, "max_transfers": CHANGES}
    # compiled at the first call, once for a machine
    timetable.travel_times(points[:2], points[:2], depart=f"{HOUR}:00", window_min=1, **options)
    watch.lap("first_call")
    question = {"depart": f"{HOUR}:00", "window_min": MINUTES, "max_time_min": LIMIT_MIN, **options}
    table = timetable.travel_times(points, points, **question)
    watch.lap("matrix")
    np.save(place / "ours.npy", matrix_of(table, points.index))
    for minute in range(10):
        now = {**question, "depart": f"{HOUR}:{minute:02d}", "window_min": 1}
        np.save(
            place / f"ours_{minute}.npy",
            matrix_of(timetable.travel_times(points, points, **now), points.index),
        )
    write_trips(timetable, place / "gtfs")
    return {**watch.record, "pairs": len(table), "trips": len(timetable.first) - 1}


def matrix_of(table, ids):
    seconds = np.full((len(ids), len(ids)), np.inf)
    seconds[ids.get_indexer(table["from_id"]), ids.get_indexer(table["to_id"])] = (
        table["travel_time_min"] * 60
    )
    return seconds


def write_trips(timetable, folder):
    """Write the calls of a timetable as a feed without blanks."""
    folder.mkdir()
    clock = [f"{s // 3600:02d}:{s // 60 % 60:02d}:{s % 60:02d}" for s in range(200_000)]
    calls, trips = [], []
    for run in range(len(timetable.first) - 1):
        here = slice(timetable.first[run], timetable.first[run + 1])
        if timetable.departure[here.start] < 0 or timetable.arrival[here.stop - 1] >= len(clock):
            continue
        trips.append((timetable.line[run], "S", run))
        columns = (timetable.arrival, timetable.departure, timetable.stop)
        for order, (arrival, departure, stop) in enumerate(zip(*(one[here] for one in columns), strict=True)):
            calls.append((run, clock[arrival], clock[departure], stop, order))
    tables = {
        "agency": (
            "agency_id,agency_name,agency_url,agency_timezone",
            [("A", "A", "http://a", timetable.zone)],
        ),
        "calendar": (
            "service_id,monday,tuesday,wednesday,thursday,friday,saturday,sunday,start_date,end_date",
            [("S", *"1111111", "20190101", "20191231")],
        ),
        "routes": (
            "route_id,agency_id,route_short_name,route_long_name,route_type",
            [(row, "A", name, name, 3) for row, name in enumerate(timetable.line_names)],
        ),
        "trips": ("route_id,service_id,trip_id", trips),
        "stops": (
            "stop_id,stop_name,stop_lat,stop_lon",
            list(
                zip(range(len(timetable.lon)), timetable.stop_id, timetable.lat, timetable.lon, strict=True)
            ),
        ),
        "stop_times": ("trip_id,arrival_time,departure_time,stop_id,stop_sequence", calls),
    }
    for name, (head, rows) in tables.items():
        with (folder / f"{name}.txt").open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([head.split(","), *rows])


def ferrobus(folder, place):
    """Compute the matrix at each minute of the window, and the medians."""
    import datetime as dt

    import ferrobus as peer

    with (folder / "poa_hexgrid.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    watch = Stopwatch()
    model = peer.create_transit_model(
        str(folder / "poa_osm.pbf"), [str(place / "gtfs")], dt.date.fromisoformat(DATE), WALK_MIN * 60
    )
    points, placed = [], []
    for number, row in enumerate(rows):
        try:
            where = float(row["lat"]), float(row["lon"])
            points.append(peer.create_transit_point(*where, model, WALK_MIN * 60, 1000))
            placed.append(number)
        except (ValueError, RuntimeError):
            continue
    watch.lap("prepare")
    every = np.full((MINUTES, len(rows), len(rows)), np.inf, dtype=np.float32)
    for minute in range(MINUTES):
        found = peer.travel_time_matrix(model, points, HOUR * 3600 + 60 * minute, CHANGES)
        part = np.array([[np.inf if one is None else one for one in row] for row in found])
        every[minute][np.ix_(placed, placed)] = part
    watch.lap("matrix")
    np.save(place / "peer.npy", np.sort(every, axis=0)[MINUTES // 2 - 1])
    for minute in range(10):
        np.save(place / f"peer_{minute}.npy", every[minute])
    return {**watch.record, "placed": len(points)}


def r5py(folder, place):
    """Compute the medians over the window; R5 gives whole minutes, and reads its classpath from the command line."""
    import datetime as dt

    import geopandas as gpd
    import r5py as peer

    with (folder / "poa_hexgrid.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    where = gpd.points_from_xy([float(row["lon"]) for row in rows], [float(row["lat"]) for row in rows])
    points = gpd.GeoDataFrame({"id": [row["id"] for row in rows]}, geometry=where, crs=4326)
    watch = Stopwatch()
    feed = shutil.make_archive(str(place / "feed"), "zip", place / "gtfs")
    network = peer.TransportNetwork(str(folder / "poa_osm.pbf"), [feed])
    watch.lap("prepare")
    table = peer.TravelTimeMatrix(
        network,
        origins=points,
        destinations=points,
        departure=dt.datetime.combine(dt.date.fromisoformat(DATE), dt.time(HOUR)),
        departure_time_window=dt.timedelta(minutes=MINUTES),
        percentiles=[50],
        transport_modes=[peer.TransportMode.TRANSIT],
        max_time=dt.timedelta(minutes=LIMIT_MIN),
        max_time_walking=dt.timedelta(minutes=WALK_MIN),
        speed_walking=4.8,
        max_public_transport_rides=CHANGES + 1,
    )
    watch.lap("matrix")
    found = table.dropna(subset=["travel_time"]).rename(columns={"travel_time": "travel_time_min"})
    np.save(place / "r5py.npy", matrix_of(found, points.set_index("id").index))
    return {**watch.record, "pairs": len(found)}


def r5_jar(given):
    """Return the jar of R5, given or kept by r5py, and what is absent (nothing where it can run)."""
    kept = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "r5py"
    jars = [given] if given else sorted(kept.glob("*.jar"))
    if shutil.which("java") is None:
        return None, "not run: no JVM (no command java)"
    if not jars or not jars[-1].is_file():
        return None, f"not run: no jar of R5 ({given or kept}); give it by --r5-classpath"
    return jars[-1], ""


def compare(ours, peer):
    """Say how the seconds of two matrices differ, where both are within the limit."""
    limit = LIMIT_MIN * 60
    both = (ours <= limit) & (peer <= limit)
    gap = peer[both] - ours[both]
    return {
        "both": int(both.sum()),
        "ours_only": int(((ours <= limit) & ~(peer <= limit)).sum()),
        "peer_only": int((~(ours <= limit) & (peer <= limit)).sum()),
        "gap_s_quantiles_5_25_50_75_95": np.quantile(gap, [0.05, 0.25, 0.5, 0.75, 0.95]).round().tolist(),
        "peer_faster_share": round(float((gap < 0).mean()), 4),
        "within_60_s_share": round(float((np.abs(gap) <= 60).mean()), 4),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--peer-python", default=sys.executable)
    parser.add_argument("--r5-classpath", type=Path)
    parser.add_argument("--worker", choices=("ours", "ferrobus", "r5py"))
    parser.add_argument("--place", type=Path)
    asked = parser.parse_args()
    if asked.worker:
        workers = {"ours": ours, "ferrobus": ferrobus, "r5py": r5py}
        print(json.dumps(workers[asked.worker](asked.folder, asked.place)))
        return
    results = {}
    jar, results["r5py"] = r5_jar(asked.r5_classpath)
    runs = [("ours", sys.executable, []), ("ferrobus", asked.peer_python, [])]
    runs += [("r5py", asked.peer_python, ["--r5-classpath", str(jar)])] if jar else []
    with tempfile.TemporaryDirectory() as place:
        for name, python, more in runs:
            command = [python, __file__, str(asked.folder), "--worker", name, "--place", place, *more]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            said = done.stdout.strip().splitlines()
            results[name] = json.loads(said[-1]) if done.returncode == 0 else done.stderr.strip()[-300:]
        pairs = [("ours", "peer", "median"), ("ours", "r5py", "median_r5py")]
        pairs += [(f"ours_{minute}", f"peer_{minute}", f"departure_{minute}") for minute in range(10)]
        for *names, said in pairs:
            one, two = (Path(place) / f"{name}.npy" for name in names)
            if one.exists() and two.exists():
                results[said] = compare(np.load(one), np.load(two))
    print(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
