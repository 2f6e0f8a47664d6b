"""Compare the library's travel times with Valhalla's on the same OpenStreetMap file.

Valhalla is an independent engine with its own reading of the tags and its own speeds: agreement says that ours
are sane, not that either is true. Its programs come with the pyvalhalla wheel for Python 3.12; install it in an
environment of its own and name that environment:

    python -m venv VALHALLA && VALHALLA/bin/pip install pyvalhalla==3.9.1
    python benchmarks/compare_valhalla.py --valhalla VALHALLA MAP.osm.pbf [MAP.osm.pbf ...] [--json FILE]
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import tempfile
import time
import warnings
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd

from territory.errors import TerritoryWarning
from territory.network import RoadNetwork, read_osm
from territory.network.graph.topology import NOT_SNAPPED_TO

# Valhalla refuses larger requests by default
PAIRS_PER_REQUEST = 2_000


def sample_points(network: RoadNetwork, count: int, seed: int) -> gpd.GeoDataFrame:
    """Draw vertices of the main network, spread by length, so that both engines place them on the same roads."""
    roads, topology = network.roads, network.topology
    barred = np.isin(np.array(roads.ways.class_names), NOT_SNAPPED_TO)
    usable = ~roads.void_hops() & topology.is_main[roads.chain_of_vertex()]
    usable &= ~barred[roads.ways.road_class[roads.hop_way]]
    hops = np.flatnonzero(usable)
    weights = roads.hop_length_m[hops].astype(float)
    chosen = np.random.default_rng(seed).choice(hops, count, replace=False, p=weights / weights.sum())
    places = gpd.points_from_xy(roads.x[chosen], roads.y[chosen])
    return gpd.GeoDataFrame(index=[f"p{row}" for row in range(count)], geometry=places, crs=network.crs)


class Valhalla:
    """Valhalla's own programs on one map."""

    def __init__(self, environment: Path, map_path: Path, folder: Path) -> None:
        self.package = next(environment.glob("lib/python*/site-packages/valhalla"))
        self.config = folder / "valhalla.json"
        (folder / "tiles").mkdir()
        self.libraries = {**os.environ, "LD_LIBRARY_PATH": str(self.package.parent / "pyvalhalla.libs")}
        settings = subprocess.run(
            [environment / "bin" / "python", "-c", _CONFIGURE, str(folder / "tiles")],
            capture_output=True, check=True, text=True,
        )  # fmt: skip
        self.config.write_text(settings.stdout)
        self._run("valhalla_build_tiles", "-c", str(self.config), str(map_path))

    def _run(self, program: str, *arguments: str) -> str:
        done = subprocess.run(
            [self.package / "bin" / program, *arguments], capture_output=True, text=True, env=self.libraries
        )
        if done.returncode:
            raise SystemExit(f"{program}: {done.stderr[-2000:]}")
        return done.stdout

    def minutes(self, points: gpd.GeoDataFrame) -> np.ndarray:
        """Return the matrix of times between points (min), NaN where Valhalla finds no path."""
        places = [{"lon": point.x, "lat": point.y} for point in points.to_crs(4326).geometry]
        rows = max(1, PAIRS_PER_REQUEST // len(places))
        result = []
        for begin in range(0, len(places), rows):
            request = {"sources": places[begin : begin + rows], "targets": places, "costing": "auto"}
            answer = self._run(
                "valhalla_service", str(self.config), "sources_to_targets", json.dumps(request)
            )
            table = json.loads(answer[answer.index("{") :])["sources_to_targets"]
            result += [[np.nan if one["time"] is None else one["time"] / 60 for one in row] for row in table]
        return np.array(result)


_CONFIGURE = """
import json, sys
from valhalla import get_config
config = get_config(tile_extract="", tile_dir=sys.argv[1], verbose=False)
for name in ("tile_extract", "traffic_extract", "admin", "timezone"):
    config["mjolnir"][name] = ""
config["service_limits"]["auto"]["max_matrix_location_pairs"] = 100000
print(json.dumps(config))
"""


def agreement(ours: np.ndarray, theirs: np.ndarray) -> dict[str, float]:
    """Return how two matrices of times (min) agree, apart from their diagonals."""
    off_diagonal = ~np.eye(len(ours), dtype=bool)
    known = off_diagonal & np.isfinite(ours) & np.isfinite(theirs)
    one, two = ours[known], theirs[known]
    return {
        "pairs": int(known.sum()),
        "only_one_engine": int((off_diagonal & (np.isfinite(ours) != np.isfinite(theirs))).sum()),
        "correlation": float(np.corrcoef(one, two)[0, 1]),
        "mean_ours_min": float(one.mean()),
        "mean_theirs_min": float(two.mean()),
        "bias_min": float((one - two).mean()),
        "bias_share": float(one.mean() / two.mean() - 1),
        "mean_absolute_difference_min": float(np.abs(one - two).mean()),
        "p95_absolute_difference_min": float(np.quantile(np.abs(one - two), 0.95)),
        "within_5_min_share": float((np.abs(one - two) <= 5).mean()),
    }


def compare(map_path: Path, environment: Path, count: int, seed: int, keep: Path | None) -> dict[str, object]:
    begin = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", TerritoryWarning)
        network = read_osm(map_path)
        network.prepare()
    read_s = time.perf_counter() - begin
    points = sample_points(network, count, seed)
    with tempfile.TemporaryDirectory() as folder:
        begin = time.perf_counter()
        engine = Valhalla(environment, map_path, Path(folder))
        tiles_s = time.perf_counter() - begin
        begin = time.perf_counter()
        theirs = engine.minutes(points)
        theirs_s = time.perf_counter() - begin
    # the first call compiles
    network.travel_time_matrix(points.iloc[:2], points.iloc[:2])
    begin = time.perf_counter()
    ours = network.travel_time_matrix(points, points)
    ours_s = time.perf_counter() - begin
    if keep:
        np.save(keep / f"{map_path.name}.npy", theirs)
        points.to_file(keep / f"{map_path.name}.gpkg")
    return {
        "map": map_path.name,
        **agreement(ours.astype(float), theirs),
        # Valhalla's includes starting its program once per request, and placing the points, as ours does
        "prepare_s_ours": read_s,
        "prepare_s_valhalla": tiles_s,
        "matrix_s_ours": ours_s,
        "matrix_s_valhalla": theirs_s,
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("maps", nargs="+", type=Path)
    parser.add_argument(
        "--valhalla", required=True, type=Path, help="environment where pyvalhalla is installed"
    )
    parser.add_argument("--points", type=int, default=150)
    parser.add_argument("--seed", type=int, default=2026)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--keep", type=Path, help="folder for Valhalla's matrices and the points")
    arguments = parser.parse_args()
    rows = [
        compare(one, arguments.valhalla, arguments.points, arguments.seed, arguments.keep)
        for one in arguments.maps
    ]
    print(pd.DataFrame(rows).set_index("map").T.to_string(float_format="{:.3f}".format))
    if arguments.json:
        arguments.json.write_text(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()
