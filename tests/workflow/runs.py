"""A run of a study as a process of its own, that a test may kill, or one that leaves its manifest alone."""

from __future__ import annotations

import hashlib
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from territory.workflow import handover

# says that the libraries are loaded: what is killed is then the work and not the start of Python
READY = "prêt"
PROGRAM = f"""
import sys
import geopandas, matplotlib.pyplot, pyogrio, scipy.spatial, shapely, typst
from territory.errors import TerritoryError
from territory.files import safe_files
from territory.workflow.run import run_study
safe_files.WAIT_S = float(sys.argv[3])
print("{READY}", flush=True)
def say(step):
    print(step, flush=True)
    if step == sys.argv[4]:
        sys.stdin.readline()
try:
    run_study(sys.argv[1], out_dir=sys.argv[2], on_step=say)
except TerritoryError as error:
    print("refus :", error, flush=True)
    sys.exit(1)
"""


@dataclass
class Run:
    """A process and what it has said so far."""

    process: subprocess.Popen[str]
    said: str = ""

    def go_on(self) -> None:
        """Let a run that waits at a step go on."""
        stream = self.process.stdin
        if stream is None:
            raise AssertionError("a run is started with its input piped")
        stream.write("\n")
        stream.flush()

    def wait_for(self, text: str) -> None:
        """Read what the process says until a line holds a text."""
        stream = self.process.stdout
        if stream is None:
            raise AssertionError("a run is started with its output piped")
        while line := stream.readline():
            self.said += line
            if text in line:
                return
        raise AssertionError(f"the run never said « {text} » but: {self.said}")

    def end(self) -> tuple[int, str]:
        """Wait for the end of the process; return its status and what it said."""
        stream = self.process.stdout
        if stream is None:
            raise AssertionError("a run is started with its output piped")
        # `communicate` would pass over what `readline` has read ahead
        self.said += stream.read()
        for pipe in (stream, self.process.stdin):
            if pipe is not None:
                pipe.close()
        return self.process.wait(timeout=300), self.said


@contextmanager
def without_documents(*, tables: bool = False) -> Iterator[None]:
    """Let runs write their manifest, their timings and the steps that they keep, and none of what people read.

    Tables and layers are what tells two runs apart: they may be written too.
    """
    with pytest.MonkeyPatch.context() as patched:
        if not tables:
            patched.setattr(handover, "_write_tables", lambda released, folder: None)
        patched.setattr(handover, "_write_documents", lambda reading, folder: None)
        yield


def start(
    study: str | Path, out_dir: Path, *, wait_s: float = 0.0, pause: str = "", command: tuple[str, ...] = ()
) -> Run:
    """Start a run in its own process, which waits at a step where one is named, until it is told to go on."""
    process = subprocess.Popen(
        [*command, sys.executable, "-c", PROGRAM, str(study), str(out_dir), str(wait_s), pause],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        env={**os.environ, "PYTHONIOENCODING": "utf-8"},
    )
    return Run(process)


def kill_at(study: str | Path, out_dir: Path, seconds: float) -> bool:
    """Start a run and kill it so long after its libraries are loaded; say whether it was still running."""
    run = start(study, out_dir)
    run.wait_for(READY)
    try:
        run.process.wait(seconds)
    except subprocess.TimeoutExpired:
        # SIGKILL: nothing of the process runs any more, not even its `finally`
        run.process.kill()
    run.end()
    return run.process.returncode != 0


def timed(study: str | Path, out_dir: Path) -> float:
    """Run a study undisturbed; return how long it worked (s), without the loading of libraries."""
    run = start(study, out_dir)
    run.wait_for(READY)
    began = time.perf_counter()
    status, said = run.end()
    if status:
        raise AssertionError(said)
    return time.perf_counter() - began


def moments(count: int, duration_s: float, *, seed: int) -> list[float]:
    """Return random moments of a run, one in each of as many equal parts of its duration."""
    draw = random.Random(seed)
    return [(part + draw.random()) * duration_s / count for part in range(count)]


def digests(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of every file that a run hands over; durations differ from run to run."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != "timings.json")
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files
    }
