"""Measure what a planner waits for: the import, the help, and the embedded study from command to PDF.

    python benchmarks/embedded_study.py --runs 5 --json study.json

Each figure is of whole processes, the first run left out (it fills the compilation caches).
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
    "territory run draguignan": (20.0, 1000.0),
}


def measure(arguments: list[str]) -> tuple[float, float]:
    """Return wall seconds and peak memory (MB) of one process."""
    start = time.perf_counter()
    quiet = subprocess.DEVNULL
    process = subprocess.Popen([sys.executable, *arguments], stdout=quiet, stderr=quiet)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{arguments} failed with status {process.returncode}")
    return time.perf_counter() - start, usage.ru_maxrss / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        commands = {
            "import territory": ["-c", "import territory"],
            "territory --help": ["-m", "territory", "--help"],
            "territory run draguignan": ["-m", "territory", "run", "draguignan", "--out", folder],
        }
        for name, arguments in commands.items():
            measured = [measure(arguments) for _ in range(options.runs + 1)][1:]
            seconds, peak = (statistics.median(column) for column in zip(*measured, strict=True))
            rows.append({"what": name, "wall_s": round(seconds, 3), "peak_mb": round(peak, 1)})
    for row in rows:
        bar_s, bar_mb = BARS[row["what"]]
        bar = f"bar {bar_s:g} s" + (f", {bar_mb:g} MB" if bar_mb else "")
        print(f"{row['what']:28} {row['wall_s']:7.2f} s {row['peak_mb']:8.0f} MB   ({bar})")
    if options.json:
        options.json.write_text(json.dumps(rows, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
