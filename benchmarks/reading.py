"""Measure how long a road map takes to read, per megabyte of .osm.pbf, on a file that is written first.

    python benchmarks/reading.py --nodes 1000000 --json FILE

The file has synthetic roads with bends, names, speeds and one-way streets, and as many nodes and ways again that
are no roads, as real extracts do. Reading goes up to a network with weights and, apart, its hierarchy.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import osmium
from engines import peak_mb, stopwatch
from pyproj import Transformer
from synthetic_roads import cached_roads

#: Where the synthetic map lies: somewhere in the middle of France, in the projection of metropolitan France.
_ORIGIN = (400_000.0, 6_300_000.0)
_CLASSES = ("residential", "residential", "unclassified", "tertiary", "secondary", "primary")
_BENDS = 3


def write_map(roads_path, path):
    """Write a road map as .osm.pbf: each edge a way with bends, and a building for every other edge."""
    with np.load(roads_path) as stored:
        roads = dict(stored)
    tails, heads = roads["tails"].astype(np.int64), roads["heads"].astype(np.int64)
    keys = np.minimum(tails, heads) * len(roads["x"]) + np.maximum(tails, heads)
    _, first, counts = np.unique(keys, return_index=True, return_counts=True)
    tails, heads = tails[first], heads[first]
    random = np.random.default_rng(0)
    shares = np.arange(1, _BENDS + 1) / (_BENDS + 1)
    x, y = (np.concatenate([roads[axis], bends(roads[axis], tails, heads, shares, random)]) for axis in "xy")
    to_degrees = Transformer.from_crs("EPSG:2154", "EPSG:4326", always_xy=True)
    lon, lat = to_degrees.transform(x + _ORIGIN[0], y + _ORIGIN[1])
    classes = random.integers(0, len(_CLASSES), len(tails))
    # text first, then handed over object by object: making each object in Python takes ten times longer
    text = path.with_name(path.name.removesuffix(".pbf") + ".opl")
    with text.open("w", encoding="utf-8") as out:
        places = zip(lon.tolist(), lat.tolist(), strict=True)
        out.writelines(f"n{number} x{x:.7f} y{y:.7f}\n" for number, (x, y) in enumerate(places, start=1))
        out.writelines(
            way_line(number, tail, head, len(roads["x"]), _CLASSES[road_class], count)
            for number, (tail, head, road_class, count) in enumerate(
                zip(tails.tolist(), heads.tolist(), classes.tolist(), counts.tolist(), strict=True), start=1
            )
        )
        for way in range(0, len(tails), 2):
            first = len(roads["x"]) + way * _BENDS + 1
            corners = ",".join(f"n{node}" for node in (first, first + 1, first + 2, first))
            out.write(f"w{len(tails) + way + 1} Tbuilding=yes N{corners}\n")
    with osmium.SimpleWriter(str(path), overwrite=True) as writer:
        for found in osmium.FileProcessor(str(text)):
            writer.add(found)
    text.unlink()


def way_line(number, tail, head, n_nodes, road_class, count):
    """Return a road as a line of OPL: both ways round when the map has both, else one way."""
    first = n_nodes + (number - 1) * _BENDS + 1
    nodes = ",".join(f"n{node}" for node in (tail + 1, *range(first, first + _BENDS), head + 1))
    tags = f"highway={road_class},name=Rue%20%{number % 9973}"
    tags += ",oneway=yes" if count == 1 else ""
    tags += ",maxspeed=50" if number % 5 == 0 else ""
    return f"w{number} T{tags} N{nodes}\n"


def bends(values, tails, heads, shares, random):
    """Return coordinates along each edge, a few metres off the straight line."""
    along = values[tails][:, None] * (1 - shares) + values[heads][:, None] * shares
    return (along + random.normal(size=along.shape) * 3).ravel()


def read(path):
    """Read the map in this process and print what it took."""
    from territory.network import read_osm

    record = {"mb": path.stat().st_size / 1e6}
    with stopwatch(record, "read_s"):
        network = read_osm(path)
    with stopwatch(record, "weights_s"):
        n_nodes = network.graph.n_nodes
    record |= {"nodes": n_nodes, "peak_mb": peak_mb()}
    with stopwatch(record, "prepare_s"):
        network.prepare()
        n_arcs = len(network.metric.up_heads)
    record |= {"arcs": n_arcs, "s_per_mb": (record["read_s"] + record["weights_s"]) / record["mb"]}
    print(json.dumps(record))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--nodes", type=int, default=1_000_000)
    parser.add_argument("--file", type=Path, help="a map to read instead of a synthetic one")
    parser.add_argument("--cache", type=Path, default=Path(tempfile.gettempdir()) / "territory-benchmarks")
    parser.add_argument("--read", type=Path, help="read this file in this process, and nothing else")
    parser.add_argument("--json", type=Path, help="file for the record")
    given = parser.parse_args()
    if given.read:
        read(given.read)
        return
    path = given.file or given.cache / f"roads-{given.nodes}.osm.pbf"
    if not path.exists():
        write_map(cached_roads(given.nodes, given.cache), path)
    # the first process fills numba's cache, the second is measured
    for _ in range(2):
        command = [sys.executable, __file__, "--read", str(path)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            sys.exit(done.stderr)
    record = json.loads(done.stdout.splitlines()[-1])
    print(json.dumps(record, indent=1))
    if given.json:
        given.json.write_text(json.dumps(record, indent=1))


if __name__ == "__main__":
    main()
