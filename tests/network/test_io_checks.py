"""A saved network whose digests are right and whose numbers are not is refused before anything follows them."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest

from territory.errors import NetworkError
from territory.network import RoadNetwork, read_osm
from territory.network.storage import _is_closed
from tests.network.small_maps import write_osm

NODES = {1: (6.40, 43.50), 2: (6.41, 43.50), 3: (6.41, 43.51), 4: (6.42, 43.51)}
WAYS = {
    1: ([1, 2, 3], {"highway": "primary", "name": "Avenue de la Gare"}),
    2: ([3, 4], {"highway": "primary"}),
    3: ([2, 4], {"highway": "track"}),
}


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    return read_osm(write_osm(tmp_path / "a.osm", NODES, WAYS)).prepare().save(tmp_path / "reseau")


def forge(folder: Path, name: str, change: dict[int, float]) -> None:
    """Change numbers of an array and vouch for it again, as its author could."""
    array = np.load(folder / f"{name}.npy")
    for place, value in change.items():
        array.flat[place] = value
    np.save(folder / f"{name}.npy", array)
    vouch(folder)


def vouch(folder: Path) -> None:
    header = json.loads((folder / "network.json").read_text("utf-8"))
    for name, stated in header["files"].items():
        path = folder / f"{name}.npy"
        if path.exists():
            stated["sha256"] = hashlib.sha256(path.read_bytes()).hexdigest()
    said = {name: value for name, value in header.items() if name != "sha256"}
    header["sha256"] = hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()
    (folder / "network.json").write_text(json.dumps(header), encoding="utf-8")


def test_a_network_vouched_for_again_is_loaded(saved: Path) -> None:
    vouch(saved)
    assert RoadNetwork.load(saved).is_prepared


@pytest.mark.parametrize(
    "name, change",
    [
        ("tail", {0: 10**6}),
        ("head", {0: -1}),
        ("hop_way", {0: 10**6}),
        ("chain_start", {0: 1}),
        ("chain_start", {-1: 10**6}),
        ("ways_road_class", {0: 99}),
        ("ways_direction", {0: 0}),
        ("ways_name", {0: 99}),
        ("ways_name", {0: -1}),
        ("ways_maxspeed_forward_kmh", {0: 0.0}),
        ("ways_maxspeed_backward_kmh", {0: float("inf")}),
        ("ways_duration_s", {0: -1.0}),
        ("x", {0: float("nan")}),
        ("y", {0: 1e300}),
        ("hop_length_m", {0: -1.0}),
        ("hierarchy_rank", {0: 10**6}),
        ("hierarchy_rank", {0: 1, 1: 1}),
        ("hierarchy_heads", {0: 0}),
        ("hierarchy_heads", {0: 10**6}),
        ("hierarchy_parents", {0: -1}),
        ("hierarchy_indptr", {1: 10**12}),
        ("hierarchy_edge_arcs", {0: 10**6}),
        ("hierarchy_edge_arcs", {0: -(10**6)}),
    ],
)
def test_numbers_that_lead_nowhere_are_refused(saved: Path, name: str, change: dict[int, float]) -> None:
    forge(saved, name, change)
    with pytest.raises(NetworkError, match=r"incohérente? : .*enregistrez-le de nouveau"):
        RoadNetwork.load(saved)


def test_other_types_are_refused(saved: Path) -> None:
    array = np.load(saved / "tail.npy").astype("<i8")
    np.save(saved / "tail.npy", array)
    header = json.loads((saved / "network.json").read_text("utf-8"))
    header["files"]["tail"]["dtype"] = "<i8"
    (saved / "network.json").write_text(json.dumps(header), encoding="utf-8")
    vouch(saved)
    with pytest.raises(NetworkError, match="type inattendu de tail"):
        RoadNetwork.load(saved)


def test_names_of_files_stay_in_the_folder(saved: Path) -> None:
    header = json.loads((saved / "network.json").read_text("utf-8"))
    header["files"]["../ailleurs"] = header["files"].pop("tail")
    (saved / "network.json").write_text(json.dumps(header), encoding="utf-8")
    np.save(saved.parent / "ailleurs.npy", np.zeros(3))
    vouch(saved)
    with pytest.raises(NetworkError, match=r"\.\./ailleurs\.npy absent"):
        RoadNetwork.load(saved)


@pytest.mark.parametrize(
    "indptr, heads, parents, expected",
    [
        ([0, 2, 3, 3], [1, 2, 2], [1, 2, -1], True),
        # sorted the wrong way, downwards, with another parent, with a parent where there is no arc
        ([0, 2, 3, 3], [2, 1, 2], [2, 2, -1], False),
        ([0, 2, 3, 3], [1, 2, 1], [1, 1, -1], False),
        ([0, 2, 3, 3], [1, 2, 2], [2, 2, -1], False),
        ([0, 2, 3, 3], [1, 2, 2], [1, 2, 0], False),
        # the first neighbour lacks a neighbour of the node: it has none, or others
        ([0, 2, 2, 2], [1, 2], [1, -1, -1], False),
        ([0, 2, 3, 3, 3], [1, 2, 3], [1, 3, -1, -1], False),
        # what is no arc of the first is one of the node after it
        ([0, 2, 3, 4, 4], [1, 3, 2, 3], [1, 2, 3, -1], False),
    ],
)
def test_arcs_are_those_of_a_contraction(
    indptr: list[int], heads: list[int], parents: list[int], expected: bool
) -> None:
    arrays = np.array(indptr), np.array(heads, np.int32), np.array(parents, np.int32)
    assert _is_closed(*arrays) is expected
