from __future__ import annotations

import json

import numpy as np
import pytest

from territory.errors import MissingFileError, NetworkError, OutputError
from territory.network.maps.osm import sample_network
from territory.network.roads import RoadNetwork
from tests.network.small_maps import points

SITES = points(A=(6.40, 43.50), B=(6.42, 43.51), C=(6.401, 43.515))


@pytest.mark.parametrize("is_prepared", [False, True])
def test_a_saved_network_gives_the_same_times(tmp_path, is_prepared):
    network = sample_network()
    slower = network.with_speeds(network.speeds.assign(default_kmh=lambda table: table["default_kmh"] * 0.7))
    if is_prepared:
        slower.prepare()
    loaded = RoadNetwork.load(slower.save(tmp_path / "reseau"))
    assert loaded.is_prepared is is_prepared
    for engine in ("dijkstra", "hierarchy"):
        np.testing.assert_array_equal(
            loaded.travel_time_matrix(SITES, SITES, engine=engine), slower.travel_time_matrix(SITES, SITES)
        )
    assert (loaded.crs, loaded.attribution, loaded.period) == (slower.crs, slower.attribution, slower.period)
    assert repr(loaded) == repr(slower)
    assert isinstance(loaded.roads.x, np.memmap)


def test_saving_again_replaces_and_never_touches_another_folder(tmp_path):
    network = sample_network()
    network.save(tmp_path / "reseau")
    network.save(tmp_path / "reseau")
    assert [path.name for path in tmp_path.iterdir()] == ["reseau"]
    (tmp_path / "autre").mkdir()
    (tmp_path / "autre" / "notes.txt").write_text("à garder")
    with pytest.raises(OutputError, match="n'est pas un réseau routier"):
        network.save(tmp_path / "autre")
    with pytest.raises(OutputError):
        network.save(tmp_path / "autre" / "notes.txt")
    assert (tmp_path / "autre" / "notes.txt").read_text() == "à garder"


def test_every_damaged_file_is_found(tmp_path):
    folder = sample_network().prepare().save(tmp_path / "reseau")
    files = sorted(path for path in folder.iterdir())
    assert len(files) > 20
    for path in files:
        good = path.read_bytes()
        for bad in (good[:-1] + bytes([good[-1] ^ 1]), good[: len(good) // 2], b""):
            path.write_bytes(bad)
            with pytest.raises(NetworkError, match=r"endommagé|illisible"):
                RoadNetwork.load(folder)
        path.unlink()
        with pytest.raises(NetworkError, match=r"absent|illisible"):
            RoadNetwork.load(folder)
        path.write_bytes(good)
    RoadNetwork.load(folder)


def test_without_verification_a_file_of_another_size_is_still_refused(tmp_path):
    folder = sample_network().save(tmp_path / "reseau")
    np.save(folder / "x.npy", np.zeros(3))
    with pytest.raises(NetworkError, match=r"x\.npy : type ou taille"):
        RoadNetwork.load(folder, verify=False)


def test_other_versions_other_folders_and_changed_headers(tmp_path):
    folder = sample_network().save(tmp_path / "reseau")
    header = json.loads((folder / "network.json").read_text())

    def write(**changes):
        (folder / "network.json").write_text(json.dumps({**header, **changes}))

    write(version=99)
    with pytest.raises(NetworkError, match="au format 99"):
        RoadNetwork.load(folder)
    write(format="autre")
    with pytest.raises(NetworkError, match="pas un réseau routier"):
        RoadNetwork.load(folder)
    write(speeds_csv=header["speeds_csv"].replace("65", "95"))
    with pytest.raises(NetworkError, match="modifié ou endommagé"):
        RoadNetwork.load(folder)
    (folder / "network.json").write_text("[]")
    with pytest.raises(NetworkError, match="illisible"):
        RoadNetwork.load(folder)
    with pytest.raises(MissingFileError, match="introuvable"):
        RoadNetwork.load(tmp_path / "rien")


def test_no_pickle_is_ever_read(tmp_path):
    folder = sample_network().save(tmp_path / "reseau")
    np.save(folder / "x.npy", np.array([{"un": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(NetworkError, match=r"x\.npy illisible"):
        RoadNetwork.load(folder, verify=False)
