"""Measure eight scenarios of the embedded study, each of another kind, from command to PDF.

    python benchmarks/eight_scenarios.py --runs 3

Whole processes, the first run left out; travel times are computed once for all scenarios, and kept between runs. CPU
seconds are those of the process: on a busy machine they say more than the clock.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from importlib import resources
from pathlib import Path

BAR_S = 30.0
# beside A to D of the study itself
CHANGES = {
    "ferme": 'type = "close_site"\nauthorisation_id = "cmp-trans"',
    "fusion": 'type = "merge_establishments"\ninto_authorisation_id = "sessad-autisme-salernes"\n'
    'absorbed_ids = ["sessad-pro-salernes"]\nto_site_id = "prisme-draguignan"',
    "bouchons": 'type = "change_speeds"\ntime_factor = 1.25\nbox = [6.3, 43.4, 6.6, 43.6]',
    "croissance": 'type = "change_population"\ngrowth_per_year = 0.004\nfrom_year = 2021\nto_year = 2035',
}


def study_text() -> str:
    """Return the embedded study with four more scenarios."""
    text = (resources.files("territory.datasets") / "studies" / "draguignan.toml").read_text("utf-8")
    for name, change in CHANGES.items():
        text += f'\n[[scenario]]\nid = "{name}"\nname = "{name}"\n\n[[scenario.change]]\n{change}\n'
    return text


def measure(study: Path, folder: Path) -> tuple[float, float, float]:
    """Return wall seconds, CPU seconds and peak memory (MB) of one run that has nothing kept but travel times."""
    for report in (folder / "reports").glob("*/manifest.json"):
        # a run whose report is there would only check it
        report.unlink()
    start = time.perf_counter()
    command = [sys.executable, "-m", "territory", "run", str(study), "--out", str(folder)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{command} failed with status {process.returncode}")
    return time.perf_counter() - start, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        study = Path(name) / "huit.toml"
        study.write_text(study_text(), encoding="utf-8")
        runs = [measure(study, Path(name)) for _ in range(options.runs + 1)][1:]
    wall, processor, peak = (statistics.median(column) for column in zip(*runs, strict=True))
    print(f"eight scenarios {wall:7.2f} s wall {processor:7.2f} s CPU {peak:7.0f} MB   (bar {BAR_S:g} s)")


if __name__ == "__main__":
    main()
