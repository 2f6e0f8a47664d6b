"""What runs the parts, and what is said when it cannot."""

from __future__ import annotations

import socket
import sys
import threading
import time
import warnings
from pathlib import Path

import pytest

from territory.errors import ClusterError, MissingExtraError, ParameterError
from territory.workflow.inputs.manifest import code_digest
from territory.workflow.national import open_scheduler, schedulers
from territory.workflow.national.schedulers import Cluster, Threads


def test_threads_give_results_in_order_a_few_at_a_time() -> None:
    running, most = [0], [0]
    lock = threading.Lock()

    def work(item: int) -> int:
        with lock:
            running[0] += 1
            most[0] = max(most[0], running[0])
        time.sleep(0.01 * (item % 3))
        with lock:
            running[0] -= 1
        return -item

    assert list(Threads(3).map(work, range(20))) == [-item for item in range(20)]
    assert most[0] <= 4
    assert Threads(1).threads_of(5) == 1
    assert Threads(4).threads_of(2) == 2


def test_an_error_stops_the_others() -> None:
    seen = []

    def work(item: int) -> None:
        seen.append(item)
        raise ValueError(item)

    with pytest.raises(ValueError, match="0"):
        list(Threads(2).map(work, range(50)))
    assert len(seen) < 10


def test_a_name_that_is_none_of_these() -> None:
    with pytest.raises(ParameterError, match="tcp://machine"), open_scheduler("cluster"):
        pass


def test_distributed_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(MissingExtraError, match=r"territory\[scale\]"), open_scheduler("local"):
        pass


def test_a_scheduler_that_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("distributed")
    monkeypatch.setattr(schedulers, "_REACH_S", 0.5)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises(ClusterError, match="ne répond pas"), open_scheduler(f"tcp://127.0.0.1:{port}"):
            pass


class _Client:
    """Workers that answer what the test says."""

    def __init__(self, answers: dict[str, tuple[bool, str]]) -> None:
        self._answers = answers

    def run(self, function: object, *arguments: object) -> dict[str, tuple[bool, str]]:
        return self._answers


def test_a_folder_that_workers_do_not_see(tmp_path: Path) -> None:
    code = code_digest()
    Cluster(_Client({"tcp://a:1": (True, code), "tcp://b:1": (True, code)})).check_shared(tmp_path)
    with pytest.raises(ClusterError, match=r"n'est pas vu par 1 processus de calcul sur 2 \(tcp://b:1\)"):
        Cluster(_Client({"tcp://a:1": (True, code), "tcp://b:1": (False, code)})).check_shared(tmp_path)
    with pytest.raises(ClusterError, match="autre version de territory"):
        Cluster(_Client({"tcp://a:1": (True, code), "tcp://b:1": (True, "older")})).check_shared(tmp_path)
    assert not list(tmp_path.iterdir())


def test_what_a_worker_sees(tmp_path: Path) -> None:
    (tmp_path / "mark").write_text("here")
    assert schedulers._looks(str(tmp_path / "mark"), "here") == (True, code_digest())
    assert schedulers._looks(str(tmp_path / "absent"), "here")[0] is False
