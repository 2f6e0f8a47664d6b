"""What compiles beside is waited for, and not for ever."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from territory.network.engine import compiling


def test_a_process_that_never_ends_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[float | None] = []
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    wait = process.wait

    def soon(timeout: float | None = None) -> Any:
        asked.append(timeout)
        return wait(timeout=0.01)

    monkeypatch.setattr(process, "wait", soon)
    monkeypatch.setattr(compiling, "_beside", [process])
    try:
        compiling.wait_beside()
        assert process.poll() is None
        assert asked[0] is not None
        assert asked[0] <= 120.0
    finally:
        process.kill()
        wait()
