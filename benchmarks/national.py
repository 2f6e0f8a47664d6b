"""Measure a run for a whole country: communes × sites within a limit, on a large road map.

    python benchmarks/national.py                                  4 million crossings, 35,000 × 60,000 within 60 min
    python benchmarks/national.py --nodes 20000 --origins 400 --destinations 600
    python benchmarks/national.py --scaling                        cost against size, with its slope

Times are written part by part, as a study of the country writes them; a run that is stopped goes on from the parts
that are whole. A sample of the origins is compared with searches that use no hierarchy, and what two processes find
with what threads find.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from engines import peak_mb, stopwatch
from synthetic_france import make_france, prepare, search_of

from territory.access import decay, streamed
from territory.network import load_search
from territory.network.engine import limited_search
from territory.workflow.national import open_scheduler, write_travel_times

#: What is aimed at, by line of the record: at most, or at least for the ratio.
AIMS = {
    "search_s": 120,
    "search_and_write_s": 300,
    "peak_mb": 8_000,
    "catchment_s": 10,
    "two_processes_ratio": 1.6,
}
#: Crossings, communes and sites of one row of the table of scale: the same density from a canton to the country.
SIZES = (10_000, 30_000, 100_000, 300_000, 1_000_000, 4_000_000)
COMMUNES = (100, 300, 1_000, 3_000, 10_000, 35_000)
FULL = {"nodes": 4_000_000, "origins": 35_000, "destinations": 60_000}


def measure(given, kept=None):
    """Return the record of one size; the map made ready for another number of communes is kept in `kept`."""
    kept = {} if kept is None else kept
    record = {
        "nodes": given.nodes,
        "origins": given.origins,
        "destinations": given.destinations,
        "threads": given.threads,
        "load_average": os.getloadavg()[0],
    }
    with stopwatch(record, "make_s"):
        france = make_france(given.nodes, given.origins, given.destinations, given.cache)
    record["real_populations"] = france.has_real_population
    if "map" not in kept:
        kept["map"] = prepare(france, given.cache, threads=given.threads, stopwatch=stopwatch, record=record)
    graph, metric = kept["map"]
    search = search_of(france, graph, metric, given.limit_min)
    # kernels are compiled, or read from numba's cache, once and for all
    search.travel_times(slice(0, 2), threads=1)
    with stopwatch(record, "search_s"):
        leaving = search.origins.leaving
        tiles = metric.tile_search(graph, search.destinations.arriving, search.limit_ms).tiles(
            leaving, metric.labels_of(leaving), given.threads
        )
        record["pairs"] = sum(len(rows) for rows, _, _ in tiles)
    folder = given.cache / f"run-{given.nodes}-{given.origins}-{given.destinations}"
    times = write(given, france, search, folder, record)
    catchment(given, france, times, record)
    record["peak_mb"] = peak_mb()
    record["is_exact"] = is_exact(given, search, graph, times)
    if not given.no_processes:
        compare_processes(search, folder, record)
    record["digest"] = digest_of(times)
    if given.keep:
        shutil.copytree(times.folder, given.keep, dirs_exist_ok=True)
    shutil.rmtree(folder)
    return record


def write(given, france, search, folder, record):
    """Write the times part by part, and return them."""
    made = []

    def announce(done, total):
        made.append(done)
        if given.slow_s:
            print(f"{done}/{total}", flush=True)
            time.sleep(given.slow_s)

    with (
        open_scheduler("none", workers=given.threads) as runner,
        stopwatch(record, "search_and_write_s"),
    ):
        times = write_travel_times(
            search, folder, groups=france.departement, scheduler=runner, announce=announce
        )
    record["parts"], record["parts_made"] = len(times), len(made)
    record["parquet_mb"] = sum(part.path.stat().st_size for part in times) / 1e6
    return times


def catchment(given, france, times, record):
    """Measure the supply within reach of every commune, two passes over the parts."""
    rule = decay.gaussian(20, max_time_min=given.limit_min)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        # once for compilation
        part = times[:1]
        streamed.floating_catchment_area(part, france.population, france.places, decay=rule)
        with (
            open_scheduler("none", workers=given.threads) as runner,
            stopwatch(record, "catchment_s"),
        ):
            found = streamed.floating_catchment_area(
                times, france.population, france.places, decay=rule, mapper=runner.map
            )
    record["catchment_sha256"] = hashlib.sha256(found.to_numpy().tobytes()).hexdigest()[:16]


def is_exact(given, search, graph, times):
    """Tell whether a sample of the origins has the times of searches that use no hierarchy."""
    sample = np.sort(np.random.default_rng(1).choice(given.origins, min(20, given.origins), replace=False))
    rows, columns, found_ms = limited_search(
        graph, search.origins.leaving[sample], search.destinations.arriving, search.limit_ms
    )
    expected = pd.DataFrame(
        {
            "from_id": search.from_ids[sample[rows]],
            "to_id": search.to_ids[columns],
            "travel_time_min": found_ms / 60_000,
        }
    )
    wanted = set(search.from_ids[sample])
    tables = []
    for part in times:
        table = part()
        here = table[table["from_id"].isin(wanted)]
        tables.append(here.astype({"from_id": "str", "to_id": "str"}))
    found = pd.concat(tables).sort_values(["from_id", "to_id"], ignore_index=True)
    return found.equals(
        expected.sort_values(["from_id", "to_id"], ignore_index=True).astype(
            {"from_id": found["from_id"].dtype, "to_id": found["to_id"].dtype}
        )
    )


def compare_processes(search, folder, record):
    """Time the search on one process, then on two, one thread each."""
    place = search.save(folder / "search" / "all")
    rows = np.array_split(np.arange(len(search)), max(2, len(search) // 500))
    found = {}
    for count in (1, 2):
        with (
            open_scheduler("local", workers=count) as cluster,
            warnings.catch_warnings(),
        ):
            warnings.simplefilter("ignore")
            # every process maps the search and has its kernels before the clock starts
            list(cluster.map(_search_part, [(str(place), rows[0][:2])] * 8 * count))
            began = time.perf_counter()
            found[count] = list(cluster.map(_search_part, [(str(place), one) for one in rows]))
            record[f"search_{count}_processes_s"] = time.perf_counter() - began
            record[f"worker_peak_mb_{count}"] = max(cluster._client.run(_peak).values())
    record["two_processes_ratio"] = record["search_1_processes_s"] / record["search_2_processes_s"]
    record["processes_agree"] = found[1] == found[2]


_LOADED = {}


def _search_part(task):
    """Search some origins in a process of a cluster; return how many pairs, and a digest of them."""
    folder, rows = task
    if folder not in _LOADED:
        _LOADED[folder] = load_search(folder)
    search = _LOADED[folder]
    pairs, _ = search._pairs(search.origins[rows], 1)
    content = hashlib.sha256(pairs.destination.tobytes() + pairs.time_ms.tobytes())
    return len(pairs.time_ms), content.hexdigest()


def _peak():
    """Return the most memory that a process has held (MB)."""
    return peak_mb()


def digest_of(times):
    """Return a digest of the files of a run."""
    content = hashlib.sha256()
    for part in times:
        content.update(part.name.encode())
        content.update(part.path.read_bytes())
    return content.hexdigest()[:16]


def report(record):
    """Print what was measured beside what was aimed at; return whether all is well."""
    fine = record["is_exact"] and record.get("processes_agree", True)
    is_full = all(record[name] == value for name, value in FULL.items())
    print(f"\n{'':24} {'measured':>12} {'aim':>12}")
    for name, value in record.items():
        aim = AIMS.get(name) if is_full else None
        shown = f"{value:,.3g}" if isinstance(value, float) and value < 1000 else f"{value}"
        if isinstance(value, float) and value >= 1000:
            shown = f"{value:,.0f}"
        print(f"{name:24} {shown:>12} {'' if aim is None else aim:>12}")
        if aim is not None:
            fine &= value >= aim if name == "two_processes_ratio" else value <= aim
    if record["parts_made"] < record["parts"]:
        print(f"({record['parts'] - record['parts_made']} parts were there already: a stopped run goes on)")
    return fine


def scale(given):
    """Measure row after row, and the slope of the logarithms.

    Each size of country is measured in a process of its own, whose memory is then its own too. The numbers of communes
    are measured in one process, on the map of the largest country.
    """
    largest = max(n for n in SIZES if n <= given.nodes)
    by_size = [row for n in SIZES if n < largest for row in run_rows(given, n, [communes_of(n)])]
    counts = [n for n in COMMUNES if n < communes_of(largest)]
    by_communes = run_rows(given, largest, [*counts, communes_of(largest)])
    # the order is found for the first row of a map alone, with the hierarchy
    once = ("order_s", "order_cpu_s", "customize_s", "customize_cpu_s")
    whole = {**by_communes[-1], **{name: by_communes[0][name] for name in once}}
    for axis, records in (("nodes", [*by_size, whole]), ("origins", by_communes)):
        print_table(records, axis)
    return {"size": [*by_size, whole], "communes": by_communes}


def communes_of(nodes):
    """Return how many communes a country of so many crossings has, at the density of France."""
    return max(50, nodes * FULL["origins"] // FULL["nodes"])


def run_rows(given, nodes, communes):
    """Measure some numbers of communes on one map, in a process of their own."""
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "rows.json"
        command = [sys.executable, __file__, f"--nodes={nodes}", f"--json={target}", "--no-processes"]
        command += [f"--communes={','.join(map(str, communes))}", f"--threads={given.threads}"]
        command += [f"--destinations={max(50, nodes * FULL['destinations'] // FULL['nodes'])}"]
        subprocess.run([*command, f"--cache={given.cache}"], check=True, stdout=subprocess.DEVNULL)
        return json.loads(target.read_text())


def print_table(records, axis):
    """Print rows, and the slopes of what they cost over the last three."""
    table = pd.DataFrame(records)
    steps = ("order", "customize", "search", "search_and_write", "catchment")
    # seconds by the clock, then of processor, which say the same on a quiet machine and less on a busy one
    columns = [f"{step}{unit}" for step in steps for unit in ("_s", "_cpu_s")] + ["peak_mb"]
    columns = [name for name in columns if name in table]
    print(
        "\n" + table[["nodes", "origins", "destinations", "pairs", *columns]].round(3).to_string(index=False)
    )
    last = table.tail(3)
    for column in ("pairs", *columns):
        values = pd.to_numeric(last[column])
        if len(last) > 1 and values.notna().all() and (values > 0).all():
            slope = np.polyfit(np.log(last[axis].astype(float)), np.log(values.astype(float)), 1)[0]
            print(f"slope of {column} against {axis}, last {len(last)} rows: {slope:.2f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name, value in FULL.items():
        parser.add_argument(f"--{name}", type=int, default=value)
    parser.add_argument("--limit-min", type=float, default=60.0)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--cache", type=Path, default=Path(tempfile.gettempdir()) / "territory-benchmarks")
    parser.add_argument("--json", type=Path, help="file for the record")
    parser.add_argument("--scaling", action="store_true", help="measure from 10,000 crossings to --nodes")
    parser.add_argument("--communes", help="several numbers of communes on one map, separated by commas")
    parser.add_argument("--no-processes", action="store_true", help="leave the worker processes out")
    parser.add_argument("--keep", type=Path, help="folder where the written times are copied")
    parser.add_argument(
        "--slow-s", type=float, default=0.0, help="wait after each part, to stop a run midway"
    )
    given = parser.parse_args()
    given.cache.mkdir(parents=True, exist_ok=True)
    if given.scaling:
        # orders are found anew, to be timed
        for path in given.cache.glob("order-*.npy"):
            path.unlink()
        found, fine = scale(given), True
    elif given.communes:
        kept, found = {}, []
        for count in given.communes.split(","):
            given.origins = int(count)
            found.append(measure(given, kept))
        fine = all(record["is_exact"] for record in found)
    else:
        found = measure(given)
        fine = report(found)
    if given.json:
        given.json.write_text(json.dumps(found, indent=1))
    sys.exit(0 if fine else 1)


if __name__ == "__main__":
    main()
