"""Measure a run for a whole country: many origins and destinations, within a limit, on a large road map.

    python benchmarks/national.py --nodes 4000000 --origins 35000 --destinations 60000 --json FILE

Pairs are found tile by tile over a hierarchy, and written to Parquet files as they come, so that memory holds
a few tiles only. A sample of the origins is compared with searches that use no hierarchy.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from engines import peak_mb, stopwatch
from synthetic_roads import cached_roads

from territory.network.engine import Graph, Hierarchy, Seeds, limited_search, order_nodes

#: Pairs of one file: about a hundred megabytes before compression.
_PAIRS_PER_FILE = 8_000_000


def write_parts(tiles, folder):
    """Write pairs to numbered Parquet files; return how many pairs, and the seconds spent on writing."""
    waiting, n_waiting, n_pairs, n_files, spent = [], 0, 0, 0, 0.0
    for tile in tiles_and_end(tiles):
        if tile is not None:
            waiting.append(tile)
            n_waiting += len(tile[0])
        if n_waiting and (tile is None or n_waiting >= _PAIRS_PER_FILE):
            began = time.perf_counter()
            columns = [np.concatenate(parts) for parts in zip(*waiting, strict=True)]
            table = pa.table(dict(zip(("from", "to", "travel_time_ms"), columns, strict=True)))
            pq.write_table(table, folder / f"part-{n_files:04}.parquet")
            n_pairs, n_files = n_pairs + n_waiting, n_files + 1
            waiting, n_waiting = [], 0
            spent += time.perf_counter() - began
    return n_pairs, spent


def tiles_and_end(tiles):
    """Give the tiles, and None once there are no more."""
    yield from tiles
    yield None


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--nodes", type=int, default=4_000_000)
    parser.add_argument("--origins", type=int, default=35_000)
    parser.add_argument("--destinations", type=int, default=60_000)
    parser.add_argument("--limit-min", type=float, default=60.0)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--cache", type=Path, default=Path(tempfile.gettempdir()) / "territory-benchmarks")
    parser.add_argument("--json", type=Path, help="file for the record")
    given = parser.parse_args()
    roads = np.load(cached_roads(given.nodes, given.cache))
    tails, heads, weights, x, y = (roads[name] for name in ("tails", "heads", "weights_ms", "x", "y"))
    record = {"nodes": len(x), "threads": given.threads}
    graph = Graph.from_edges(len(x), tails, heads, weights)
    with stopwatch(record, "order_s"):
        rank = order_nodes(len(x), tails, heads, x, y, threads=given.threads)
    with stopwatch(record, "contract_s"):
        hierarchy = Hierarchy.build(graph, rank)
    with stopwatch(record, "customize_s"):
        metric = hierarchy.customize(weights)
    random = np.random.default_rng(42)
    sources, targets = (
        Seeds.at_nodes(random.choice(len(x), count, replace=False))
        for count in (given.origins, given.destinations)
    )
    limit_ms = int(given.limit_min * 60_000)
    with stopwatch(record, "search_s"):
        for _ in metric.limited_tiles(graph, sources, targets, limit_ms, threads=given.threads):
            pass
    with tempfile.TemporaryDirectory() as folder:
        with stopwatch(record, "search_and_write_s"):
            tiles = metric.limited_tiles(graph, sources, targets, limit_ms, threads=given.threads)
            record["pairs"], record["write_s"] = write_parts(tiles, Path(folder))
        record["parquet_mb"] = sum(path.stat().st_size for path in Path(folder).iterdir()) / 1e6
        sample = np.sort(random.choice(given.origins, 20, replace=False))
        rows, columns, times = limited_search(graph, sources[sample], targets, limit_ms)
        table = pq.read_table(folder, filters=[("from", "in", sample.tolist())])
        found = [table[name].to_numpy() for name in ("from", "to", "travel_time_ms")]
        order = np.lexsort((found[1], found[0]))
        expected = (sample[rows], columns, times)
        record["exact"] = all(
            np.array_equal(one[order], two) for one, two in zip(found, expected, strict=True)
        )
    record["peak_mb"] = peak_mb()
    print(json.dumps(record, indent=1))
    if given.json:
        given.json.write_text(json.dumps(record, indent=1))
    sys.exit(0 if record["exact"] else 1)


if __name__ == "__main__":
    main()
