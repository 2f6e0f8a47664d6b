"""Measure travel times against other engines, in the same run, on the same road map.

    python benchmarks/travel_times.py --nodes 1000000 --peers pandana,routingkit_cch,scipy --json FILE

Every engine runs in a process of its own, on one thread unless its row says otherwise, from node to node, with
numba's cache warm. Slow engines compute the first origins only, and their times are scaled up; every engine is
compared with the library's times on the origins that both have. Where other programs share the machine, trust the
ratio of processor time more than that of elapsed time. Peers are pinned in `requirements.txt`; if they
are installed in another environment, name its interpreter with `--peer-python`.

Valhalla reads maps only: `--map MAP.osm.pbf --valhalla ENVIRONMENT` adds two rows, ours and its, on that map, where
each engine has its own speeds (so no greatest difference) and times hold the placing of the points.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from synthetic_roads import cached_roads

#: Rows of the table: engine, what it is called, threads, whether the time limit holds, origins it computes.
OURS = (
    ("territory", "territory", 1, False, None),
    ("territory", "territory, 2 threads", 2, False, None),
    ("territory_limited", "territory, limit, no preparation", 1, True, None),
    ("territory_limited", "territory, limit, no preparation, 2 threads", 2, True, None),
)
PEERS = {
    "scipy": (("scipy", "scipy", 1, False, 64), ("scipy", "scipy, limit", 1, True, 256)),
    "igraph": (("igraph", "igraph", 1, False, 32),),
    "networkx": (("networkx", "networkx", 1, False, 4),),
    "pandana": (("pandana", "pandana", 1, False, 500),),
    "routingkit_cch": (("routingkit_cch", "routingkit_cch", 1, False, None),),
}
#: Every library that might start threads of its own is told not to.
ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS", "MKL_NUM_THREADS")


def measure(row, roads, origins, destinations, limit_ms, python, folder):
    """Run one engine in its own process; return its record and its times, or the record of its failure."""
    engine, label, threads, is_limited, n_origins = row
    used = origins[:n_origins]
    job = {
        "origins": used.tolist(),
        "destinations": destinations.tolist(),
        "threads": threads,
        "limit_ms": limit_ms if is_limited else None,
    }
    job_path, times_path = folder / "job.json", folder / "times.npy"
    job_path.write_text(json.dumps(job))
    command = [python, str(Path(__file__).with_name("engines.py")), engine, str(roads), job_path, times_path]
    environment = {**os.environ, **dict.fromkeys(ONE_THREAD, str(threads))}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        return {"engine": label, "failed": last}, None
    record = {"engine": label, "threads": threads, "is_limited": is_limited, "origins_measured": len(used)}
    record |= json.loads(done.stdout.splitlines()[-1])
    record["ms_per_origin"] = record["matrix_s"] / len(used) * 1000
    for name in ("matrix_s", "matrix_cpu_s"):
        record[name] *= len(origins) / len(used)
    return record, np.load(times_path)


def greatest_difference(times, expected, limit_ms):
    """Return the greatest difference (ms) from the times expected, infinite if other pairs are out of reach."""
    expected = expected[: len(times)]
    if limit_ms is not None:
        expected = np.where(expected <= limit_ms, expected, np.inf)
    both = np.isfinite(expected)
    if (both != np.isfinite(times)).any():
        return float("inf")
    return float(np.abs(times[both] - expected[both]).max(initial=0))


def run(given):
    """Measure all engines; return their records, ours first."""
    roads = cached_roads(given.nodes, given.cache)
    n_nodes = len(np.load(roads)["x"])
    random = np.random.default_rng(42)
    origins = random.choice(n_nodes, given.origins, replace=False)
    destinations = random.choice(n_nodes, given.destinations, replace=False)
    limit_ms = int(given.limit_min * 60_000)
    rows = [(*row, sys.executable) for row in OURS]
    for peer in filter(None, given.peers.split(",")):
        rows += [(*row, given.peer_python) for row in PEERS[peer]]
    records, expected = [], None
    with tempfile.TemporaryDirectory() as folder:
        # a first run fills numba's cache, so that no engine's time holds a compilation
        for row in OURS:
            small = cached_roads(10_000, given.cache)
            measure(row, small, origins[:1] % 9000, destinations[:1] % 9000, 1, sys.executable, Path(folder))
        for *row, python in rows:
            record, times = measure(row, roads, origins, destinations, limit_ms, python, Path(folder))
            if times is not None:
                expected = times if expected is None else expected
                limit = limit_ms if record["is_limited"] else None
                record["max_diff_ms"] = greatest_difference(times, expected, limit)
            records.append(record)
            print(json.dumps(record), file=sys.stderr, flush=True)
    return records, n_nodes


def measure_on_map(given):
    """Return the records of the library and of Valhalla on a real map, between the same points."""
    from compare_valhalla import compare

    found = compare(given.map, given.valhalla, given.map_points, 2026, None)
    return [
        {
            "engine": f"{engine}, {given.map.name}",
            "threads": None,
            "is_limited": None,
            "origins_measured": given.map_points,
            "prepare_s": found[f"prepare_s_{key}"],
            "matrix_s": found[f"matrix_s_{key}"],
            "ms_per_origin": found[f"matrix_s_{key}"] / given.map_points * 1000,
            # two programs with speeds of their own: their times are compared in compare_valhalla.py
            "peak_mb": None,
            "max_diff_ms": None,
            "correlation": found["correlation"],
        }
        for engine, key in (("territory", "ours"), ("valhalla", "valhalla"))
    ]


def map_table(records, given):
    """Return the two rows on a real map as a Markdown table."""
    ours = records[0]["matrix_s"]
    return "\n".join(
        [
            f"{given.map.name}, {given.map_points} × {given.map_points}, correlation of the times "
            f"{records[0]['correlation']:.3f}",
            "",
            "| engine | reading and preparation (s) | matrix (s) | ms per origin | ratio |",
            "|---|---|---|---|---|",
            *(
                f"| {one['engine']} | {one['prepare_s']:.2f} | {one['matrix_s']:.3f} | {one['ms_per_origin']:.3f} | "
                f"{one['matrix_s'] / ours:.0f} |"
                for one in records
            ),
        ]
    )


def table(records, given, n_nodes):
    """Return the records as a Markdown table; ratios are to the library's row on one thread of the same kind."""
    ours = {
        record.get("is_limited"): record
        for record in reversed(records[: len(OURS)])
        if record.get("threads") == 1
    }
    lines = [
        f"{n_nodes} nodes, {given.origins} × {given.destinations}, limit {given.limit_min:g} min where it says so",
        "",
        "| engine | preparation (s) | matrix (s) | ms per origin | ratio | ratio of processor time | peak MB | "
        "greatest difference (ms) |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for record in records:
        if "failed" in record:
            lines.append(f"| {record['engine']} | failed: {record['failed']} | | | | | | |")
            continue
        reference = ours[record["is_limited"]]
        ratio, cpu_ratio = (record[name] / reference[name] for name in ("matrix_s", "matrix_cpu_s"))
        lines.append(
            f"| {record['engine']} | {record['prepare_s']:.2f} | {record['matrix_s']:.3f} | "
            f"{record['ms_per_origin']:.3f} | {ratio:.2f} | {cpu_ratio:.2f} | {record['peak_mb']:.0f} | "
            f"{record['max_diff_ms']:g} |"
        )
    parts = [
        f"{record['engine']}: ordering {record['order_s']:.1f} s, contraction {record['contract_s']:.1f} s, "
        f"customization {record['customize_s']:.1f} s"
        for record in records
        if "order_s" in record
    ]
    return "\n".join([*lines, "", *parts])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--nodes", type=int, default=100_000)
    parser.add_argument("--origins", type=int, default=1000)
    parser.add_argument("--destinations", type=int, default=500)
    parser.add_argument("--limit-min", type=float, default=60.0)
    parser.add_argument("--peers", default="scipy", help=f"comma-separated, of {', '.join(PEERS)}")
    parser.add_argument("--peer-python", default=sys.executable, help="interpreter that has the peers")
    parser.add_argument("--map", type=Path, help="real map (.osm.pbf) for the rows of Valhalla")
    parser.add_argument("--map-points", type=int, default=200)
    parser.add_argument("--valhalla", type=Path, help="environment where pyvalhalla is installed")
    parser.add_argument("--cache", type=Path, default=Path(tempfile.gettempdir()) / "territory-benchmarks")
    parser.add_argument("--json", type=Path, help="file for the records")
    given = parser.parse_args()
    unknown = set(filter(None, given.peers.split(","))) - set(PEERS)
    if unknown:
        parser.error(f"unknown peers: {', '.join(sorted(unknown))}; known: {', '.join(PEERS)}")
    if (given.map is None) != (given.valhalla is None):
        parser.error("--map and --valhalla go together")
    records, n_nodes = run(given)
    print(f"{platform.machine()}, {os.cpu_count()} processors, Python {platform.python_version()}")
    print(table(records, given, n_nodes))
    if given.map:
        on_map = measure_on_map(given)
        print("", map_table(on_map, given), sep="\n")
        records += on_map
    if given.json:
        given.json.write_text(json.dumps(records, indent=1))


if __name__ == "__main__":
    main()
