"""How the kernels are compiled: with numba, kept on disk between runs, and without the interpreter's lock."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import wraps
from pathlib import Path
from threading import Lock
from typing import Any, TypeVar, cast

import numba

from territory.errors import ParameterError

Function = TypeVar("Function", bound=Callable[..., Any])
Task = TypeVar("Task")
Result = TypeVar("Result")

_COMPILING = Lock()
_log = logging.getLogger(__name__)
_CONFIG: Any = numba.config


def kernel(function: Function) -> Function:
    """Compile a function at its first call; threads run it at the same time, and its code is kept on disk."""
    return cast(Function, numba.njit(cache=True, nogil=True, boundscheck=False)(function))


_BESIDE = "from territory.network.graph.topology import compile_hierarchy; compile_hierarchy()"
_beside: list[subprocess.Popen[bytes]] = []


def compile_beside(last: Callable[..., Any]) -> None:
    """Let another process compile the hierarchy while this one reads a map, if `last` of its kernels never was."""
    # nothing is kept where nothing is compiled, or where nothing can be written
    kept = getattr(getattr(last, "_cache", None), "cache_path", None)
    if _beside or not kept or any(Path(kept).glob(f"*.{last.__name__}-*.nbi")):
        return
    _log.warning(
        "Première utilisation : les calculs sont compilés, une fois pour toutes (une minute au plus)."
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    silent: Any = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    # it keeps what it compiles where this process will look for it, and ends by itself
    _beside.append(subprocess.Popen([sys.executable, "-c", _BESIDE], env=environment, **silent))


def count_threads(threads: int | None) -> int:
    """Return how many threads to use: as asked, or as many as the process may use."""
    if threads is None:
        available = getattr(os, "sched_getaffinity", None)
        return len(available(0)) if available is not None else os.cpu_count() or 1
    if threads < 1:
        raise ParameterError(f"threads={threads} : indiquez un nombre de fils d'exécution d'au moins 1.")
    return threads


def run_tasks(function: Callable[[Task], Result], tasks: Iterable[Task], threads: int) -> list[Result]:
    """Run one function over tasks, on several threads if asked, and return the results in the tasks' order."""
    return list(stream_tasks(function, tasks, threads))


def stream_tasks(function: Callable[[Task], Result], tasks: Iterable[Task], threads: int) -> Iterator[Result]:
    """Give the results of tasks in their order as they are wanted; at most two per thread wait to be taken."""
    if threads == 1:
        yield from map(function, tasks)
        return
    with ThreadPoolExecutor(threads) as pool:
        running: deque[Future[Result]] = deque()
        for task in tasks:
            if len(running) == 2 * threads:
                yield running.popleft().result()
            running.append(pool.submit(function, task))
        while running:
            yield running.popleft().result()


def vectorized_kernel(function: Function) -> Function:
    """Compile a function as `kernel` does, with its runs of equal scalar operations turned into vector ones."""
    # LLVM does that (superword-level parallelism) only if a global setting of numba asks for it when the function is
    # compiled: it is set for that moment alone, and put back. The sweep is seven times slower without
    dispatcher: Any = kernel(function)
    ready: set[Any] = set()

    @wraps(function)
    def call(*arguments: Any) -> Any:
        signature = tuple(map(numba.typeof, arguments))
        if signature not in ready:
            with _COMPILING:
                before = _CONFIG.SLP_VECTORIZE
                _CONFIG.SLP_VECTORIZE = 1
                try:
                    dispatcher.compile(signature)
                finally:
                    _CONFIG.SLP_VECTORIZE = before
            ready.add(signature)
        return dispatcher(*arguments)

    return cast(Function, call)
