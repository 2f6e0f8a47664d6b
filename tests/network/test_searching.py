"""Times given part by part are those of the whole table, whatever the parts and however they are loaded."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from territory.errors import MissingFileError, NetworkError, OutputError, ParameterError
from territory.network import load_search, search_roads, stream_travel_times
from tests.network.grids import grid, points, streets

ORIGINS, SITES = points(40, "C", 1), points(25, "S", 2)


def _plain(table: pd.DataFrame) -> pd.DataFrame:
    return table.astype({"from_id": "str", "to_id": "str"}).reset_index(drop=True)


@pytest.mark.parametrize("engine", ["dijkstra", "hierarchy"])
@pytest.mark.parametrize("with_distance", [False, True])
@given(batch_size=st.integers(1, 45), limit=st.sampled_from([0.0, 2.5, 6.0, 40.0]))
@settings(max_examples=8)
def test_batches_are_the_rows_of_the_whole_table(
    engine: str, with_distance: bool, batch_size: int, limit: float
) -> None:
    whole = streets().travel_times(ORIGINS, SITES, max_time_min=limit, with_distance=with_distance)
    parts = stream_travel_times(
        streets(),
        ORIGINS,
        SITES,
        max_time_min=limit,
        batch_size=batch_size,
        with_distance=with_distance,
        engine=engine,
    )
    found = pd.concat([_plain(part) for part in parts], ignore_index=True)
    pd.testing.assert_frame_equal(found, _plain(whole), check_exact=True)


@pytest.mark.parametrize("engine", ["dijkstra", "hierarchy"])
@pytest.mark.parametrize("with_distance", [False, True])
def test_a_saved_search_answers_the_same(engine: str, with_distance: bool, tmp_path: Path) -> None:
    search = search_roads(
        streets(), ORIGINS, SITES, max_time_min=8, with_distance=with_distance, engine=engine
    )
    search.save(tmp_path / "search")
    loaded = load_search(tmp_path / "search")
    rows = np.array([31, 2, 17])
    pd.testing.assert_frame_equal(loaded.travel_times(rows), search.travel_times(rows), check_exact=True)
    assert loaded.digest() == search.digest()
    assert loaded.travel_times(rows)["from_id"].unique().tolist() == ["C031", "C002", "C017"]
    # saved again over itself, and nothing is left beside
    search.save(tmp_path / "search")
    assert [path.name for path in tmp_path.iterdir()] == ["search"]


def test_the_digest_says_what_the_times_depend_on() -> None:
    def digest(**options: object) -> str:
        given: dict[str, object] = {"max_time_min": 8.0, "engine": "dijkstra", **options}
        network = given.pop("network", streets())
        sites = given.pop("sites", SITES)
        return search_roads(network, ORIGINS, sites, **given).digest()  # type: ignore[arg-type]

    slower = streets().with_speeds(
        streets().speeds.assign(default_kmh=lambda table: table["default_kmh"] / 2)
    )
    usual = digest()
    assert digest() == digest(engine="hierarchy") == usual
    others = {digest(max_time_min=9.0), digest(network=slower), digest(sites=SITES.iloc[1:])}
    assert usual not in others
    assert len(others) == 3


def test_a_folder_that_is_no_search_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MissingFileError, match="introuvable"):
        load_search(tmp_path / "absent")
    (tmp_path / "empty").mkdir()
    with pytest.raises(NetworkError, match="supprimez ce dossier"):
        load_search(tmp_path / "empty")
    search = search_roads(streets(), ORIGINS, SITES, max_time_min=8)
    folder = search.save(tmp_path / "search")
    (folder / "graph_heads.npy").write_bytes(b"")
    with pytest.raises(NetworkError, match="abîmée"):
        load_search(folder)
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError):
        search.save(tmp_path / "file" / "search")


@pytest.mark.parametrize("options", [{"max_time_min": float("nan")}, {"batch_size": 0}])
def test_wrong_options_are_refused_before_the_first_batch(options: dict[str, float]) -> None:
    with pytest.raises(ParameterError):
        stream_travel_times(streets(), ORIGINS, SITES, **{"max_time_min": 5, **options})  # type: ignore[arg-type]


@pytest.mark.parametrize("limit", [None, 6.0])
@pytest.mark.parametrize("with_distance", [False, True])
def test_both_engines_give_one_table_whatever_the_size_of_the_blocks(
    with_distance: bool, limit: float | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = {"max_time_min": limit, "with_distance": with_distance}
    tables = [
        streets().travel_times(ORIGINS, SITES, engine=engine, **options)
        for engine in ("dijkstra", "hierarchy")
    ]  # type: ignore[arg-type]
    monkeypatch.setattr("territory.network.od_search._CELLS_AT_ONCE", 60)
    tables += [
        streets().travel_times(ORIGINS, SITES, engine=engine, **options)
        for engine in ("dijkstra", "hierarchy")
    ]  # type: ignore[arg-type]
    monkeypatch.setattr("territory.network.od_search._TILED_FROM", 1)
    tables.append(streets().travel_times(ORIGINS, SITES, engine="hierarchy", **options))  # type: ignore[arg-type]
    for table in tables[1:]:
        pd.testing.assert_frame_equal(table, tables[0], check_exact=True)


def test_the_engine_asked_for_gives_the_distances_too() -> None:
    network = grid(5)
    few = points(3, "C", 1), points(2, "S", 2)
    network.travel_times(*few, max_time_min=8, with_distance=True, max_snap_m=10_000)
    assert not network.is_prepared
    network.travel_times(*few, max_time_min=8, with_distance=True, engine="hierarchy", max_snap_m=10_000)
    assert network.is_prepared
    with pytest.raises(
        ParameterError, match="Moteur « osrm » inconnu : choisissez auto, dijkstra, hierarchy"
    ):
        network.travel_times(*few, with_distance=True, engine="osrm")


def test_a_search_without_a_limit_is_saved_and_loaded(tmp_path: Path) -> None:
    search = search_roads(streets(), ORIGINS, SITES, max_time_min=None)
    loaded = load_search(search.save(tmp_path / "search"))
    assert np.isnan(loaded.max_time_min)
    assert "no limit" in repr(loaded)
    pd.testing.assert_frame_equal(loaded.travel_times(), search.travel_times(), check_exact=True)
    np.testing.assert_array_equal(loaded.matrix(), streets().travel_time_matrix(ORIGINS, SITES))


def test_a_changed_byte_of_a_saved_search_is_refused(tmp_path: Path) -> None:
    folder = search_roads(streets(), ORIGINS, SITES, max_time_min=8).save(tmp_path / "search")
    content = (folder / "graph_weights_ms.npy").read_bytes()
    (folder / "graph_weights_ms.npy").write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    with pytest.raises(NetworkError, match=r"graph_weights_ms\.npy modifié"):
        load_search(folder)
    load_search(folder, verify=False)
