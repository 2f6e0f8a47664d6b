"""Measure what a planner waits for: the import, the help, the embedded study from command to PDF, and that again.

    python benchmarks/embedded_study.py --runs 5 --json study.json

Each figure is of whole processes, the first run left out (it fills the compilation caches). The study is computed in
a folder of its own at each run; the unchanged run finds everything where the run before it left it. Processor time
is beside the clock: on a machine that others use, it is the one to compare.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

BARS = {
    "import territory": (1.0, None),
    "territory --help": (1.0, None),
    "territory run draguignan": (8.0, 500.0),
    "the same, unchanged": (4.0, 500.0),
}


def measure(arguments: list[str]) -> tuple[float, float, float]:
    """Return wall seconds, processor seconds and peak memory (MB) of one process."""
    start = time.perf_counter()
    quiet = subprocess.DEVNULL
    # an installed library has its bytecode: a setting that keeps a checkout from writing its own would count
    # a second of compilation at each run
    known = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    process = subprocess.Popen([sys.executable, *arguments], stdout=quiet, stderr=quiet, env=known)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{arguments} failed with status {process.returncode}")
    return time.perf_counter() - start, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def measure_all() -> dict[str, tuple[float, float, float]]:
    """Measure everything once."""
    with tempfile.TemporaryDirectory() as folder:
        study = ["-m", "territory", "run", "draguignan", "--out", folder]
        commands = [["-c", "import territory"], ["-m", "territory", "--help"], study, study]
        return {name: measure(arguments) for name, arguments in zip(BARS, commands, strict=True)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    measured = [measure_all() for _ in range(options.runs + 1)][1:]
    rows = []
    for name, (bar_s, bar_mb) in BARS.items():
        columns = zip(*(run[name] for run in measured), strict=True)
        seconds, processor, peak = map(statistics.median, columns)
        figures = {"wall_s": round(seconds, 3), "cpu_s": round(processor, 3), "peak_mb": round(peak, 1)}
        rows.append({"what": name, **figures})
        bar = f"bar {bar_s:g} s" + (f", {bar_mb:g} MB" if bar_mb else "")
        print(f"{name:28} {seconds:7.2f} s {processor:7.2f} s of processor {peak:8.0f} MB   ({bar})")
    if options.json:
        options.json.write_text(json.dumps(rows, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
