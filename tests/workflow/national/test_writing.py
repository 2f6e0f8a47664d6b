"""Travel times of a country in files: the same bytes whatever cut the run short, and whoever computed them."""

from __future__ import annotations

import hashlib
import os
import signal
import socket
import subprocess
import sys
import tracemalloc
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from territory import access
from territory.access import decay, streamed
from territory.errors import MissingFileError, OutputError, ParameterError, ReadError
from territory.network import RoadSearch, search_roads
from territory.workflow.inputs.travel_times import raise_to
from territory.workflow.national import open_times, write_travel_times
from territory.workflow.national.parts import TimesFolder
from territory.workflow.national.schedulers import Cluster, Threads, open_scheduler
from territory.workflow.national.write_parts import _BYTES_PER_PAIR, batch_size_within
from tests.drawing import examples
from tests.network.grids import points, streets

ORIGINS, SITES = points(90, "C", 1), points(30, "S", 2)
DEPARTEMENTS = pd.Series(
    [f"{code:02}" for code in np.random.default_rng(0).integers(1, 6, len(ORIGINS))],
    index=ORIGINS.index,
    name="departement_code",
)


@cache
def road_search() -> RoadSearch:
    return search_roads(streets(), ORIGINS, SITES, max_time_min=9, engine="hierarchy")


@cache
def all_pairs() -> pd.DataFrame:
    return road_search().travel_times()


def _bytes(times: TimesFolder) -> dict[str, str]:
    return {part.name: hashlib.sha256(part.path.read_bytes()).hexdigest() for part in times}


def pair_count(times: TimesFolder) -> int:
    return sum(pq.read_metadata(part.path).num_rows for part in times)


def _rows(times: TimesFolder) -> pd.DataFrame:
    tables = [part().astype({"from_id": "str", "to_id": "str"}) for part in times]
    return pd.concat(tables).sort_values(["from_id", "to_id"], ignore_index=True)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> TimesFolder:
    folder = tmp_path_factory.mktemp("written")
    return write_travel_times(road_search(), folder, groups=DEPARTEMENTS, batch_size=7, scheduler=Threads(1))


@given(batch_size=st.integers(1, 100), threads=st.integers(1, 3))
@examples(3, 20)
def test_the_parts_are_the_table(
    batch_size: int, threads: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("parts")
    times = write_travel_times(
        road_search(), folder, groups=DEPARTEMENTS, batch_size=batch_size, scheduler=Threads(threads)
    )
    expected = all_pairs().astype({"from_id": "str", "to_id": "str"})
    pd.testing.assert_frame_equal(_rows(times), expected, check_exact=True)
    assert pair_count(times) == len(all_pairs())
    assert all(part().attrs["cutoff_min"] == 9 for part in times)
    assert all(part.origin_count <= batch_size for part in times)
    assert sum(part.origin_count for part in times) == len(ORIGINS)
    assert {part.name.split("/")[0] for part in times} == {
        f"departement_code={code}" for code in DEPARTEMENTS.unique()
    }


def test_other_readers_of_parquet_see_the_same_pairs(written: TimesFolder) -> None:
    table = pd.read_parquet(written.folder, filters=[("departement_code", "==", 3)])
    mine = DEPARTEMENTS.index[DEPARTEMENTS == "03"]
    assert set(table["from_id"]) <= set(mine)
    assert len(table) == all_pairs()["from_id"].isin(mine).sum()
    assert (table["travel_time_ms"] <= 9 * 60_000).all()


def test_only_what_is_missing_or_damaged_is_made_again(written: TimesFolder, tmp_path: Path) -> None:
    times = write_travel_times(road_search(), tmp_path, groups=DEPARTEMENTS, batch_size=7)
    assert _bytes(times) == _bytes(written)
    made: list[tuple[int, int]] = []
    kept = times[3].path.stat().st_mtime_ns
    times[0].path.unlink()
    # the first half of a file, as a power cut may leave it
    times[1].path.write_bytes(times[1].path.read_bytes()[: times[1].path.stat().st_size // 2])
    times[2].path.write_bytes(times[4].path.read_bytes())
    with pytest.raises(MissingFileError, match=r"3 parties sur"):
        open_times(times.folder)
    again = write_travel_times(
        road_search(),
        tmp_path,
        groups=DEPARTEMENTS,
        batch_size=7,
        announce=lambda done, total: made.append((done, total)),
    )
    total = len(times)
    assert made == [(total - 2, total), (total - 1, total), (total, total)]
    assert _bytes(again) == _bytes(written)
    assert times[3].path.stat().st_mtime_ns == kept
    assert open_times(times.folder).digest == written.digest


def test_parts_of_other_inputs_are_not_kept(written: TimesFolder, tmp_path: Path) -> None:
    other = search_roads(streets(), ORIGINS, SITES.iloc[:-1], max_time_min=9, engine="dijkstra")
    before = write_travel_times(other, tmp_path, groups=DEPARTEMENTS, batch_size=5)
    (before.folder / "departement_code=03" / ".en-cours-x").write_text("left by a run that was killed")
    (before.folder / "notes.txt").write_text("somebody's own")
    after = write_travel_times(road_search(), tmp_path, groups=DEPARTEMENTS, batch_size=7)
    assert before.digest != after.digest
    files = {path.relative_to(after.folder).as_posix() for path in after.folder.rglob("*") if path.is_file()}
    assert files - {".verrou"} == {"_plan.json", "notes.txt", *(part.name for part in after)}
    assert _bytes(after) == _bytes(written)


def test_a_damaged_page_is_seen_when_it_is_read(tmp_path: Path) -> None:
    times = write_travel_times(road_search(), tmp_path, groups=DEPARTEMENTS, batch_size=50)
    content = bytearray(times[0].path.read_bytes())
    content[len(content) // 3] ^= 0x10
    times[0].path.write_bytes(bytes(content))
    with pytest.raises(ReadError, match="Supprimez ce fichier"):
        times[0]()


def test_least_times_raise_those_of_their_pairs(tmp_path: Path) -> None:
    row = all_pairs()[all_pairs()["travel_time_min"] > 2].iloc[0]
    pair = (str(row["from_id"]), str(row["to_id"]))
    least = pd.DataFrame(
        {
            "from_id": [pair[0], pair[0], "C999"],
            "to_id": [pair[1], "S999", "S999"],
            "travel_time_min": [8.5, 50.0, 50.0],
        }
    )
    times = write_travel_times(road_search(), tmp_path, groups=DEPARTEMENTS, batch_size=20, least=least)
    expected = all_pairs().astype({"from_id": "str", "to_id": "str"})
    is_pair = (expected["from_id"] == pair[0]) & (expected["to_id"] == pair[1])
    expected.loc[is_pair, "travel_time_min"] = 8.5
    pd.testing.assert_frame_equal(_rows(times), expected, check_exact=True)
    table = all_pairs().copy()
    raise_to(table, least.assign(travel_time_min=0.0))
    pd.testing.assert_frame_equal(table, all_pairs())


def test_what_cannot_be_done_is_said_first(tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match="89 des 90 origines"):
        write_travel_times(road_search(), tmp_path, groups=DEPARTEMENTS.iloc[:1])
    with pytest.raises(ParameterError, match="il faut au moins"):
        write_travel_times(road_search(), tmp_path, memory_mb=0.001)
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="ne peut pas être écrit"):
        write_travel_times(road_search(), tmp_path / "file")
    with pytest.raises(MissingFileError, match=r"_plan\.json"):
        open_times(tmp_path)
    (tmp_path / "_plan.json").write_text("{}")
    with pytest.raises(ReadError, match="relancez"):
        open_times(tmp_path)


_STOPPED = """
import sys, time
from pathlib import Path
from tests.workflow.national import test_writing as world
from territory.workflow.national.schedulers import Threads
def slowly(done, total):
    print(done, flush=True)
    time.sleep(0.2)
world.write_travel_times(world.road_search(), Path(sys.argv[1]), groups=world.DEPARTEMENTS, batch_size=7,
    scheduler=Threads(1), announce=slowly)
"""


@pytest.mark.slow
def test_a_killed_run_goes_on_where_it_was(written: TimesFolder, tmp_path: Path) -> None:
    root = Path(__file__).parents[3]
    run = subprocess.Popen(
        [sys.executable, "-c", _STOPPED, str(tmp_path)], cwd=root, stdout=subprocess.PIPE, text=True
    )
    assert run.stdout is not None
    for line in run.stdout:
        if int(line) == 4:
            break
    run.kill()
    run.wait()
    run.stdout.close()
    made: list[int] = []
    times = write_travel_times(
        road_search(),
        tmp_path,
        groups=DEPARTEMENTS,
        batch_size=7,
        announce=lambda done, total: made.append(done),
    )
    assert 0 < len(made) <= len(times) - 4
    assert _bytes(times) == _bytes(written)


@pytest.fixture
def quiet_cluster() -> Iterator[None]:
    """Let dask.distributed close its sockets when it likes; skip where it is not installed."""
    pytest.importorskip("distributed")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _dying(job: Any, *, function: Callable[[Any], Any], mark: Path) -> Any:
    """Do one job, or die by SIGKILL in the middle of the first one that comes after a few."""
    if len(list(mark.parent.rglob("part-0001.parquet"))) >= 2:
        try:
            mark.touch(exist_ok=False)
        except FileExistsError:
            pass
        else:
            (job[0].path.parent / ".en-cours-half").write_bytes(b"PAR1")
            os.kill(os.getpid(), signal.SIGKILL)
    return function(job)


class _Deadly(Cluster):
    """A cluster one of whose workers is killed while it works."""

    mark: Path

    def map(self, function: Callable[[Any], Any], items: Sequence[Any], /) -> Iterator[Any]:
        return super().map(partial(_dying, function=function, mark=self.mark), items)


@contextmanager
def _port_taken(port: int) -> Iterator[None]:
    """Listen to a port of this machine, unless another program does."""
    with socket.socket() as one:
        with suppress(OSError):
            one.bind(("127.0.0.1", port))
            one.listen()
        yield


@pytest.mark.slow
def test_a_killed_worker_costs_its_tasks_alone(
    tmp_path: Path, quiet_cluster: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    # dask leaves there what it last gave to workers
    monkeypatch.delenv("MALLOC_TRIM_THRESHOLD_", raising=False)
    alone = write_travel_times(road_search(), tmp_path / "alone", groups=DEPARTEMENTS, batch_size=6)
    shared = tmp_path / "shared"
    shared.mkdir()
    # another run on this machine has the port that dask would take, which is no trouble
    warnings.filterwarnings("error", message=r"Port \d+ is already in use")
    with _port_taken(8787), open_scheduler("local", workers=2) as cluster:
        assert isinstance(cluster, Cluster)
        deadly = _Deadly(cluster._client, is_here=True)
        deadly.mark = shared / "killed"
        times = write_travel_times(road_search(), shared, groups=DEPARTEMENTS, batch_size=6, scheduler=deadly)
        assert deadly.mark.exists()
        # workers keep the memory that they free, those started in place of a lost one too
        cluster._client.wait_for_workers(2, timeout=60)
        kept = cluster._client.run(os.environ.get, "MALLOC_TRIM_THRESHOLD_")
        assert set(kept.values()) == {None}
        # the measures too are the same through the workers, bit for bit
        people, places = pd.Series(100.0, index=ORIGINS.index), pd.Series(3.0, index=SITES.index)
        rule = decay.gaussian(5, max_time_min=9)
        found = streamed.floating_catchment_area(times, people, places, decay=rule, mapper=cluster.map)
    assert _bytes(times) == _bytes(alone)
    expected = access.floating_catchment_area(all_pairs(), people, places, decay=rule)
    pd.testing.assert_series_equal(found, expected, check_exact=True)


@pytest.mark.slow
def test_a_part_takes_no_more_memory_than_is_counted_for_it(tmp_path: Path) -> None:
    communes, sites = points(300, "C", 3), points(400, "S", 4)
    search = search_roads(streets(), communes, sites, max_time_min=500, engine="hierarchy")
    # what does not grow with the pairs is there before
    search.travel_times(slice(0, 1), threads=1)
    write_travel_times(search, tmp_path / "warm", scheduler=Threads(1), batch_size=1)
    tracemalloc.start()
    try:
        times = write_travel_times(search, tmp_path, scheduler=Threads(1), batch_size=300)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert pair_count(times) == 300 * 400
    assert peak < _BYTES_PER_PAIR * pair_count(times)


def test_a_part_has_as_many_origins_as_its_memory_takes() -> None:
    assert batch_size_within(4_000, 60_000) == 520
