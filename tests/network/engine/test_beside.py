"""What compiles beside is waited for, and not for ever."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from territory.network.engine import compiling, hierarchy
from territory.network.graph.topology import compile_hierarchy


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


def test_what_another_process_compiles_is_compiled() -> None:
    # nobody hears it fail: the last of its kernels is what the next use looks for
    compile_hierarchy()
    last: Any = hierarchy.perfect
    assert last.signatures
