"""No file from outside breaks a reader: it is read, or refused in words.

The fast suite reads again the files that once broke a reader; the clock belongs to the slow one, where
`TERRITORY_FUZZ_SECONDS` says how long each reader is tried (2 s with the same files, 300 with new ones).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.fuzz.readers import targets

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="memory is limited by means of Linux")
ROOT = Path(__file__).parent.parent.parent
NAMES = sorted(targets())
CORPUS = Path(__file__).parent / "corpus"
KEPT = [path for path in sorted(CORPUS.glob("*/*")) if path.is_file()]


def fuzz(folder: Path, names: list[str], seconds: float, seed: str, *more: str) -> dict[str, dict[str, Any]]:
    """Run the worker; return what it says of each target."""
    command = [sys.executable, "-m", "tests.fuzz.worker", "--seconds", str(seconds), "--seed", seed, *more]
    done = subprocess.run(
        [*command, "--findings", str(folder), *names],
        cwd=ROOT,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    left = ", ".join(path.name for path in folder.glob("*.current"))
    # a reader that crashes or hangs ends the worker, and leaves the file that it was reading
    assert done.returncode == 0, f"{left} stopped the worker ({done.returncode}): {done.stderr[-3000:]}"
    outcomes = [json.loads(line) for line in done.stdout.splitlines()]
    return {outcome["target"]: outcome for outcome in outcomes}


def check(outcome: dict[str, Any]) -> None:
    """Fail with what was found."""
    assert outcome["executions"] > 0
    assert outcome["outcomes"] > 0
    assert not outcome["findings"]


@pytest.fixture(scope="module")
def short(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """Return what a short run says of every target, the same files at each run."""
    seconds = float(os.environ.get("TERRITORY_FUZZ_SECONDS", "2"))
    # a faster machine goes no further than this one: what is new is found by the slow suite, with seeds of its own
    return fuzz(tmp_path_factory.mktemp("findings"), NAMES, seconds, "0", "--most", "1000")


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_reader_reads_or_refuses(short: dict[str, dict[str, Any]], name: str) -> None:
    check(short[name])


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_reader_reads_or_refuses_for_long(tmp_path: Path, name: str) -> None:
    seconds = float(os.environ.get("TERRITORY_FUZZ_SECONDS", "300"))
    found = fuzz(tmp_path, [name], seconds, os.urandom(4).hex())
    check(found[name])


@pytest.mark.parametrize("path", KEPT, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_files_that_broke_a_reader_are_now_read_or_refused(tmp_path: Path, path: Path) -> None:
    from tests.fuzz.worker import read_once

    target = targets()[path.parent.name]
    copy = tmp_path / "data" / "work" / target.file_name
    copy.parent.mkdir(parents=True)
    copy.write_bytes(path.read_bytes())
    read_once(target, copy)


def test_the_corpus_is_small_and_of_known_readers() -> None:
    assert KEPT
    assert sum(path.stat().st_size for path in KEPT) < 300_000
    assert {path.parent.name for path in KEPT} <= set(NAMES)


@pytest.mark.slow
def test_a_hang_is_found(tmp_path: Path) -> None:
    """A reader that never ends ends the worker, which says where."""
    program = (
        "from dataclasses import replace; from tests.fuzz import readers, worker\n"
        "def forever(path):\n"
        "    while b'x' in path.read_bytes(): pass\n"
        "csv = readers.targets()['csv']\n"
        "target = replace(csv, read=forever, seeds=lambda folder: [b'a'], mutate=lambda c, d: b'x')\n"
        "worker.targets = lambda: {'csv': target}\n"
        "worker.HANG_S = 1.0\n"
        f"worker.main(['--findings', {str(tmp_path)!r}, 'csv'])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode < 0, done.stderr
    assert "forever" in done.stderr
    assert (tmp_path / "csv.current").read_bytes() == b"x"


@pytest.mark.slow
def test_a_broken_reader_is_found(tmp_path: Path) -> None:
    """The worker itself can fail: a reader that breaks on some files is a finding."""
    from dataclasses import replace

    from tests.fuzz import worker

    def fragile(path: Path) -> None:
        if b";;" in path.read_bytes():
            raise KeyError("fragile")

    broken = replace(targets()["csv"], read=fragile, seeds=lambda folder: [b"a;b\n1;2\n"])
    outcome = worker.fuzz(broken, seconds=3, seed=0, findings=tmp_path)
    assert [finding["where"].split()[0] for finding in outcome.findings] == ["KeyError"]
