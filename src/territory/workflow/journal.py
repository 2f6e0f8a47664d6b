"""The folders of a run, and its log, which holds dates and paths of the machine: never handed over."""

from __future__ import annotations

import logging
import platform
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from territory import __version__
from territory.files.safe_files import hold, make_folder, sweep
from territory.release.disclosure import PUBLIC, edition_name
from territory.study.words.model import Study
from territory.workflow.inputs.manifest import files_read
from territory.workflow.inputs.prepare import Inputs
from territory.workflow.step_cache import library_versions

StepListener = Callable[[str], None]
JOURNAL = "journal.log"
BEFORE = "journal-precedent.log"

# the parent of the loggers of every module: nothing is attached to it but during a run
_library = logging.getLogger("territory")
_log = logging.getLogger(__name__)


@contextmanager
def journal(folder: Path) -> Iterator[None]:
    """Write in `journal.log` what is logged, warned and raised; a log that cannot be written stops nothing."""
    try:
        if (folder / JOURNAL).exists():
            (folder / JOURNAL).replace(folder / BEFORE)
        handler: logging.Handler = _Quiet(folder / JOURNAL, mode="w", encoding="utf-8")
    except OSError:
        handler = logging.NullHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s  %(message)s", datefmt="%Y-%m-%d %H:%M:%S"))
    with _attached(handler), _warnings_too():
        try:
            yield
        except BaseException as error:
            _log.exception("Arrêté : %s", type(error).__name__)
            raise


def note_study(study: Study, *, roads: Path | None) -> None:
    """Log the versions, the study, and each file that the run is about to read."""
    libraries = ", ".join(f"{name} {version}" for name, version in library_versions().items())
    _log.info("territory %s, Python %s, %s", __version__, platform.python_version(), platform.platform())
    _log.info("Bibliothèques : %s", libraries)
    _log.info("Étude « %s » (schema_version %s), dossier %s", study.id, study.schema_version, study.folder)
    _log.info("Données « %s », population %s, graine %s", study.dataset, study.population, study.seed)
    for name, path in files_read(study, roads=roads).items():
        size = f"{path.stat().st_size} octets" if path.is_file() else "absent"
        _log.info("Lu : %s (%s ; %s)", name, path, size)


def note_choices(inputs: Inputs) -> None:
    """Log what was decided before the measures: how times were found, and the answers to the questions."""
    state = inputs.state
    counts = len(state.communes), len(state.parameters.territory_codes), len(state.sites), len(state.services)
    _log.info("%d communes (dont %d du territoire), %d sites, %d services", *counts)
    _log.info("Méthode des temps : %s ; relief : %s", inputs.times_method, state.parameters.terrain)
    _log.info("Facteur des âges : %.4f", state.parameters.age_scale)
    for question, answer in (*inputs.siting.items(), *inputs.groupings.items()):
        _log.info("Question « %s » : %r", question, answer)


@contextmanager
def _attached(handler: logging.Handler) -> Iterator[None]:
    """Send what the library logs to a handler, and no more than before to those of the program around it."""
    level, propagates = _library.level, _library.propagate
    _library.propagate = propagates and _library.isEnabledFor(logging.INFO)
    _library.setLevel(logging.INFO)
    _library.addHandler(handler)
    try:
        yield
    finally:
        _library.removeHandler(handler)
        _library.setLevel(level)
        _library.propagate = propagates
        handler.close()


@contextmanager
def _warnings_too() -> Iterator[None]:
    """Log each warning that is shown; it is shown as before, and again where an earlier run already gave it."""
    with warnings.catch_warnings():
        show = warnings.showwarning

        def log_and_show(message: Warning | str, category: type[Warning], *where: Any, **more: Any) -> None:
            _log.warning("Avertissement : %s (%s)", message, category.__name__)
            show(message, category, *where, **more)

        warnings.showwarning = log_and_show
        yield


class _Quiet(logging.FileHandler):
    """A file that says nothing of a full disk."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802
        """Lose the line."""

    def close(self) -> None:
        """Close the file, whatever of it is written."""
        with suppress(OSError):
            super().close()


@contextmanager
def run_folders(
    study: Study,
    out_dir: Path | str,
    *,
    roads: Path | None,
    announce: Callable[[str], None],
    edition: str = PUBLIC,
) -> Iterator[tuple[Path, Path]]:
    """Give a run alone its `reports/<study>` and `data/processed/<study>`, swept, and log what it does."""
    began = time.perf_counter()
    report_dir = make_folder(Path(out_dir) / "reports" / edition_name(study.id, edition))
    kept_dir = make_folder(Path(out_dir) / "data" / "processed" / study.id)
    with hold(kept_dir, announce=announce):
        for folder in (report_dir, kept_dir):
            sweep(folder)
        with journal(kept_dir):
            note_study(study, roads=roads)
            yield report_dir, kept_dir
            _log.info("Fini en %.1f s", time.perf_counter() - began)


class Clock:
    """Announce steps and time them."""

    def __init__(self, listener: StepListener) -> None:
        self._listener = listener
        self._steps: list[tuple[str, float]] = []

    def begin(self, step: str) -> None:
        """Start a step; the one before ends."""
        self.note_last()
        _log.info("%s…", step)
        self._steps.append((step, time.perf_counter()))
        self._listener(step)

    def note_last(self) -> None:
        """Log how long the step that ends took."""
        if self._steps:
            step, began = self._steps[-1]
            _log.info("%s : %.3f s", step, time.perf_counter() - began)

    def end(self) -> dict[str, float]:
        """Return the seconds of each step so far."""
        ends = [at for _, at in self._steps[1:]] + [time.perf_counter()]
        timed = zip(self._steps, ends, strict=True)
        return {step: round(after - before, 3) for (step, before), after in timed}
