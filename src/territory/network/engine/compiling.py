"""How the kernels are compiled: with numba, kept on disk between runs, and without the interpreter's lock."""

import gc
import logging
import os
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from functools import wraps
from pathlib import Path
from threading import Lock
from typing import Any, TypeVar, cast

import numba
import numpy as np
from numpy.typing import NDArray

from territory.errors import ParameterError

Function = TypeVar("Function", bound=Callable[..., Any])
Task = TypeVar("Task")
Result = TypeVar("Result")

_COMPILING = Lock()
_log = logging.getLogger(__name__)
_CONFIG: Any = numba.config
# nothing calls a kernel from C: the wrapper for that is a tenth of what there is to compile
_HOW: Any = {"cache": True, "nogil": True, "boundscheck": False, "no_cfunc_wrapper": True}


def kernel(function: Function, **more: bool) -> Function:
    """Compile a function at its first call; threads run it at the same time, and its code is kept on disk."""
    dispatcher: Any = numba.njit(**(_HOW | more))(function)
    # nothing to change where numba was told to compile nothing
    compile_types: Any = getattr(dispatcher, "compile", None)

    def compile_once(types: Iterable[Any]) -> Any:
        # a variable of a kernel is taken for the constant that it begins with, and what is called compiled for that;
        # and a tenth of the time of a compilation went in Python's search for cycles, which finds none
        collects = gc.isenabled()
        gc.disable()
        try:
            return compile_types(tuple(map(numba.types.unliteral, types)))
        finally:
            if collects:
                gc.enable()

    if compile_types:
        dispatcher.compile = compile_once
    return cast(Function, dispatcher)


def inner_kernel(function: Function) -> Function:
    """Compile a function that kernels alone call, into each of them: without what Python would need to call it."""
    return kernel(function, no_cpython_wrapper=True, forceinline=True)


_BESIDE = "from territory.network.graph.topology import compile_hierarchy; compile_hierarchy()"
_beside: list[subprocess.Popen[bytes]] = []


def compile_beside(last: Callable[..., Any]) -> None:
    """Let another process compile the hierarchy while this one reads a map, if `last` of its kernels never was."""
    # nothing is kept where nothing is compiled, or where nothing can be written
    kept = getattr(getattr(last, "_cache", None), "cache_path", None)
    if _beside or not kept or any(Path(kept).glob(f"*.{last.__name__}-*.nbi")):
        return
    _log.warning("Première utilisation : calculs compilés, une fois pour toutes (une minute au plus).")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    silent: Any = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    # it keeps what it compiles where this process will look for it, and ends by itself
    _beside.append(subprocess.Popen([sys.executable, "-c", _BESIDE], env=environment, **silent))


def wait_beside() -> None:
    """Wait for what the other process compiles, two minutes at most: here too it would take as long, and both cores."""
    for process in _beside:
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout=120.0)


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


# numba compiles its own sort, search and copy of a slice, texts of errors among them, for seconds: these take tenths


@inner_kernel
def sort_range(values: NDArray[np.int32], first: int, last: int) -> None:
    """Sort `values[first:last]` in place (D. L. Shell's sort, 1959, with Knuth's steps)."""
    step = 1
    while 3 * step < last - first:
        step = 3 * step + 1
    while step > 0:
        for place in range(first + step, last):
            value, free = values[place], place
            while free >= first + step and values[free - step] > value:
                values[free] = values[free - step]
                free -= step
            values[free] = value
        step //= 3


@inner_kernel
def with_room(values: NDArray[np.int32], used: int, needed: int) -> NDArray[np.int32]:
    """Return a copy of the first values in an array half as long again, or as long as is needed."""
    longer = np.empty(max(needed, len(values) + len(values) // 2), np.int32)
    for place in range(used):
        longer[place] = values[place]
    return longer


@inner_kernel
def first_not_below(values: Any, first: int, last: int, wanted: Any) -> int:
    """Return the first place of sorted `values[first:last]` that holds `wanted` or more, `last` if none does."""
    while first < last:
        middle = (first + last) >> 1
        if values[middle] < wanted:
            first = middle + 1
        else:
            last = middle
    return first


@inner_kernel
def value_of_rank(values: NDArray[np.int64], rank: int) -> Any:
    """Return the value that would be at place `rank` if all were sorted; they are rearranged (Hoare's FIND, 1961)."""
    first, last = 0, len(values) - 1
    while first < last:
        middle = values[(first + last) >> 1]
        left, right = first, last
        while left <= right:
            while values[left] < middle:
                left += 1
            while values[right] > middle:
                right -= 1
            if left <= right:
                values[left], values[right] = values[right], values[left]
                left += 1
                right -= 1
        if right < rank:
            first = left
        if rank < left:
            last = right
    return values[rank]
