"""What runs the parts of a run: the threads of this process, its processors, or the machines of a cluster."""

import secrets
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from territory.errors import ClusterError, MissingExtraError, ParameterError, agree, examples, retold
from territory.network.engine.compiling import count_threads, stream_tasks

# seconds to reach a scheduler, and for a first worker to join it
_REACH_S = 10
_FIRST_WORKER_S = 60
# what dask sets for the processes that it starts, and that a search pays for
_LOCAL_CONFIG = {
    # memory given back to the system at each release is emptied again at each request: a quarter of a search
    "distributed.nanny.pre-spawn-environ.MALLOC_TRIM_THRESHOLD_": None,
    # a thread that looks at the others a hundred times a second, for a page that is not shown
    "distributed.worker.profile.enabled": False,
    # what loops say of themselves, fifty times a second, for the same page
    "distributed.admin.tick.interval": "200ms",
    "distributed.admin.system-monitor.interval": "5s",
}


class Threads:
    """The threads of this process."""

    def __init__(self, threads: int | None = None) -> None:
        self._threads = count_threads(threads)

    def threads_of(self, n_items: int) -> int:
        """Return how many threads one of so many items may use by itself."""
        return max(1, self._threads // max(1, n_items))

    def map(self, function: Callable[[Any], Any], items: Sequence[Any], /) -> Iterator[Any]:
        """Give the results in the order of the items; at most two per thread wait to be taken."""
        return stream_tasks(function, items, self._threads)


class Cluster:
    """The workers of dask.distributed, local processes or other machines."""

    def __init__(self, client: Any, *, is_here: bool = False) -> None:
        self._client = client
        self._is_here = is_here

    def threads_of(self, n_items: int) -> int:
        """Return how many threads one item may use by itself: one, as workers share the items out."""
        return 1

    def map(self, function: Callable[[Any], Any], items: Sequence[Any], /) -> Iterator[Any]:
        """Give the results in the order of the items. What a lost worker was doing is done again by another."""
        from distributed import KilledWorker
        from distributed.comm.core import CommClosedError

        with warnings.catch_warnings():
            # a state of a few tens of megabytes is sent once, on purpose
            warnings.filterwarnings("ignore", message="Sending large graph", category=UserWarning)
            # as a task of its own, the scheduler can have it made again when the worker that holds it dies
            shared = self._client.submit(_same, function, pure=False)
            futures = self._client.map(_call, items, function=shared, pure=False)
        try:
            for future in futures:
                yield future.result()
        except KilledWorker as error:
            raise ClusterError(
                "Une même partie a fait tomber plusieurs processus de calcul (mémoire pleine ?) : diminuez memory_mb "
                "ou batch_size, ou donnez plus de mémoire aux « workers », puis relancez : ce qui est fait est gardé."
            ) from error
        except (CommClosedError, CancelledError, TimeoutError, ConnectionError) as error:
            raise ClusterError(
                "Le planificateur dask ne répond plus : relancez la même commande quand il sera revenu, les parties "
                "déjà écrites sont gardées."
            ) from error
        finally:
            self._client.cancel([*futures, shared])

    def check_shared(self, folder: Path) -> None:
        """Raise if some workers do not see a folder, or run another version of the library."""
        from territory.workflow.inputs.manifest import code_digest

        token = secrets.token_hex(8)
        mark = folder / f".vu-{token}"
        mark.write_text(token)
        try:
            seen = self._client.run(_looks, str(mark), token)
        finally:
            mark.unlink(missing_ok=True)
        blind = [worker for worker, (sees, _) in seen.items() if not sees]
        if blind:
            raise ClusterError(
                f"Le dossier « {folder} » n'est pas vu par {agree(len(blind), 'processus de calcul')} sur {len(seen)} "
                f"({examples(blind)}) : choisissez avec --out un dossier partagé (NFS par exemple), monté au même "
                "endroit sur chaque machine."
            )
        if self._is_here:
            return
        mine = code_digest()
        others = [worker for worker, (_, code) in seen.items() if code != mine]
        if others:
            raise ClusterError(
                f"{agree(len(others), 'processus de calcul (a|ont)')} une autre version de territory "
                f"({examples(others)}) : installez la même partout, sinon les résultats différeraient."
            )


@contextmanager
def open_scheduler(name: str = "none", *, workers: int | None = None) -> Iterator[Threads | Cluster]:
    """Open what runs the parts of a run, until the block ends; its method `map` is a mapper for `access.streamed`.

    Parameters
    ----------
    name
        ``none``: threads of this process. ``local``: processes of this machine, one thread each. ``tcp://host:port``:
        the scheduler of a cluster of dask.distributed that runs already.
    workers
        How many threads or local processes, one per processor by default.

    Raises
    ------
    ParameterError, MissingExtraError, ClusterError
        If the name is none of these, dask.distributed is not installed, or no worker answers.

    Examples
    --------
    >>> with open_scheduler("none", workers=2) as runner:
    ...     list(runner.map(len, ["a", "bc"]))
    [1, 2]
    """
    if name == "none":
        yield Threads(workers)
        return
    if name != "local" and "://" not in name:
        raise ParameterError(
            f"Planificateur « {name} » inconnu : none (ce processus), local (les processeurs de cette machine) ou "
            "l'adresse d'un planificateur dask (tcp://machine:8786)."
        )
    said = (
        "Le calcul en plusieurs processus demande dask.distributed : pip install 'territory[scale]', ou relancez avec "
        "--scheduler none, qui donne le même résultat."
    )
    with retold(ImportError, MissingExtraError, said):
        import distributed
    with _client(distributed, name, workers) as client:
        yield Cluster(client, is_here=name == "local")


@contextmanager
def _client(distributed: Any, name: str, workers: int | None) -> Iterator[Any]:
    """Open a client, with the processes of this machine if they are asked for."""
    if name == "local":
        import dask

        with (
            dask.config.set(_LOCAL_CONFIG),
            distributed.LocalCluster(
                n_workers=count_threads(workers),
                threads_per_worker=1,
                processes=True,
                # any free port: two runs on one machine do not meet
                scheduler_kwargs={"dashboard": False, "dashboard_address": "127.0.0.1:0"},
                silence_logs=50,
            ) as cluster,
            distributed.Client(cluster) as client,
        ):
            yield client
        return
    try:
        client = distributed.Client(name, timeout=_REACH_S)
    except (OSError, ValueError) as error:
        raise ClusterError(
            f"Le planificateur dask « {name} » ne répond pas après {_REACH_S} s : vérifiez l'adresse et qu'il est "
            "lancé (dask scheduler), ou relancez avec --scheduler local."
        ) from error
    with client:
        try:
            client.wait_for_workers(1, timeout=_FIRST_WORKER_S)
        except TimeoutError as error:
            raise ClusterError(
                f"Le planificateur « {name} » n'a aucun processus de calcul après {_FIRST_WORKER_S} s : lancez-en "
                f"(dask worker {name})."
            ) from error
        yield client


def _same(value: Any) -> Any:
    """Return a value: a task whose result every other task takes."""
    return value


def _call(item: Any, *, function: Callable[[Any], Any]) -> Any:
    """Run a function that is itself the result of a task."""
    return function(item)


def _looks(mark: str, token: str) -> tuple[bool, str]:
    """Tell whether a worker reads a file, and with which code it runs."""
    from territory.workflow.inputs.manifest import code_digest

    try:
        sees = Path(mark).read_text() == token
    except OSError:
        sees = False
    return sees, code_digest()
