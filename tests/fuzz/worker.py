"""Spoil files and read them, in a process of its own: what is not an answer or a refusal is a finding.

Run as `python -m tests.fuzz.worker --seconds 300 --findings DIR [TARGET ...]`; prints one JSON line per target.
"""

from __future__ import annotations

import argparse
import faulthandler
import gc
import json
import random
import re
import resource
import signal
import sys
import tempfile
import time
import traceback
import warnings
from dataclasses import asdict, dataclass, field
from pathlib import Path

from territory.errors import TerritoryError
from tests.fuzz.readers import Target, targets

CORPUS = Path(__file__).parent / "corpus"
# an input of at most 200 kB that takes more of a processor than this, alone, is a hang; a wait is given longer, for a
# busy machine is not a hang
HANG_S, WAIT_S = 20.0, 300.0
# how much more than before the process may hold (bytes)
MOST_MEMORY = 1_500_000_000
_MOST_KEPT = 400


@dataclass
class Outcome:
    """What a target gave in the time that it had."""

    target: str
    seconds: float = 0.0
    processor_s: float = 0.0
    executions: int = 0
    accepted: int = 0
    outcomes: int = 0
    slowest_s: float = 0.0
    findings: list[dict[str, str]] = field(default_factory=list)


def signature(error: BaseException) -> str:
    """Return a refusal without what is particular to one file."""
    text = re.sub(r"«[^»]*»|[0-9]+|/[^ ]*", "", str(error))
    return f"{type(error).__name__}: {text[:120]}"


def place_of(error: BaseException) -> str:
    """Return the last line of the library, or of any, that an error passed through."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if "territory" in frame.filename and "fuzz" not in frame.filename]
    frame = (ours or frames)[-1]
    return f"{Path(frame.filename).name}:{frame.lineno} {frame.name}"


def read_once(target: Target, path: Path) -> str:
    """Read a file: "" when it is accepted, the signature of its refusal; any other error is raised."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            target.read(path)
        except TerritoryError as error:
            return signature(error)
    return ""


def fuzz(
    target: Target, *, seconds: float, seed: int | str, findings: Path, most: int | None = None
) -> Outcome:
    """Spoil the files of a target until its time is over, or `most` of them."""
    draw = random.Random(f"{seed} {target.name}")
    outcome = Outcome(target.name)
    with tempfile.TemporaryDirectory(prefix="fuzz-") as place:
        folder = Path(place)
        pool = target.seeds(folder)
        work = folder / "data" / "work"
        work.mkdir(parents=True)
        path = work / target.file_name
        for content in pool:
            path.write_bytes(content)
            # the good files also compile and load what the reader needs
            refusal = read_once(target, path)
            if refusal:
                raise AssertionError(f"{target.name}: a good file is refused ({refusal})")
        pool += [kept.read_bytes() for kept in sorted((CORPUS / target.name).glob("*"))]
        known: set[str] = set()
        places: set[str] = set()
        began, began_cpu_s = time.monotonic(), processor_s()
        while (now := time.monotonic()) - began < seconds and outcome.executions != most:
            content = target.mutate(draw.choice(pool), draw)
            path.write_bytes(content)
            (findings / f"{target.name}.current").write_bytes(content)
            signal.setitimer(signal.ITIMER_PROF, HANG_S)
            faulthandler.dump_traceback_later(WAIT_S, exit=True)
            found, error = "", None
            try:
                found = read_once(target, path)
            except Exception as raised:
                error = raised
            faulthandler.cancel_dump_traceback_later()
            signal.setitimer(signal.ITIMER_PROF, 0)
            outcome.executions += 1
            outcome.accepted += not found and error is None
            outcome.slowest_s = max(outcome.slowest_s, time.monotonic() - now)
            if error is not None:
                where = f"{type(error).__name__} {place_of(error)}"
                if where not in places:
                    places.add(where)
                    name = f"{target.name}-{len(places)}"
                    (findings / name).write_bytes(content)
                    outcome.findings.append({"where": where, "said": str(error)[:200], "file": name})
                error.__traceback__ = None
            elif found not in known and len(known) < _MOST_KEPT:
                # a refusal never seen leads somewhere new: spoil that file further
                known.add(found)
                pool.append(content)
        (findings / f"{target.name}.current").unlink(missing_ok=True)
        outcome.seconds, outcome.outcomes = round(time.monotonic() - began, 1), len(known)
        outcome.processor_s = round(processor_s() - began_cpu_s, 1)
        outcome.slowest_s = round(outcome.slowest_s, 2)
    return outcome


def processor_s() -> float:
    """Return the seconds of processor of this process and of those that it started (s)."""
    used = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(one.ru_utime + one.ru_stime for one in used)


def limit_memory() -> None:
    """Let this process hold only so much more than it does now; what goes over is a MemoryError."""
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    now = pages * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (now + MOST_MEMORY, resource.RLIM_INFINITY))


def main(arguments: list[str] | None = None) -> None:
    """Fuzz the targets that are named, all of them without a name."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--seed", default="0")
    parser.add_argument("--most", type=int, help="executions at the most")
    parser.add_argument("--findings", type=Path, required=True)
    parser.add_argument("names", nargs="*")
    asked = parser.parse_args(arguments)
    asked.findings.mkdir(parents=True, exist_ok=True)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    # says where it hangs, then ends the process as the signal does by itself
    faulthandler.register(signal.SIGPROF, chain=True)
    known = targets()
    for name in asked.names or known:
        resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        with tempfile.TemporaryDirectory() as place:
            # load and compile before the memory is counted
            warm = Path(place) / known[name].file_name
            warm.write_bytes(known[name].seeds(Path(place))[0])
            read_once(known[name], warm)
        limit_memory()
        outcome = fuzz(
            known[name], seconds=asked.seconds, seed=asked.seed, findings=asked.findings, most=asked.most
        )
        sys.stdout.write(json.dumps(asdict(outcome), ensure_ascii=False) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
