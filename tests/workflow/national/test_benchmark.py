"""`make bench-national` on a small country: stopped, it goes on from the parts that are whole."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[3] / "benchmarks" / "national.py"
SMALL = ["--nodes=4000", "--origins=200", "--destinations=150", "--no-processes", "--threads=1"]


def _run(folder: Path, *options: str) -> list[str]:
    return [sys.executable, str(SCRIPT), *SMALL, f"--cache={folder}", *options]


@pytest.mark.slow
def test_a_stopped_benchmark_goes_on(tmp_path: Path) -> None:
    whole, again = tmp_path / "whole.json", tmp_path / "again.json"
    done = subprocess.run(
        _run(tmp_path / "a", f"--json={whole}"), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    stopped = subprocess.Popen(
        _run(tmp_path / "b", "--slow-s=0.2"), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    assert stopped.stdout is not None
    for line in stopped.stdout:
        if line.startswith("20/"):
            break
    stopped.kill()
    stopped.wait()
    stopped.stdout.close()
    subprocess.run(_run(tmp_path / "b", f"--json={again}"), stdout=subprocess.DEVNULL, check=True)
    first, second = (json.loads(path.read_text()) for path in (whole, again))
    assert first["parts_made"] == first["parts"] == second["parts"]
    assert 0 < second["parts_made"] <= second["parts"] - 20
    assert second["digest"] == first["digest"]
    assert second["catchment_sha256"] == first["catchment_sha256"]
    assert second["is_exact"]
    # nothing is left but the map and the order
    assert sorted(path.name for path in (tmp_path / "b").iterdir()) == sorted(
        path.name for path in (tmp_path / "a").iterdir()
    )
