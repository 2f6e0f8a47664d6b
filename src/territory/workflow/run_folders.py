"""The two folders of a run, held while it writes: what is handed over, and what is kept beside."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from territory.files.safe_files import hold, sweep
from territory.release.disclosure import PUBLIC
from territory.release.gate import edition_name
from territory.study.words.model import Study
from territory.workflow.handover.write_run import make_folder
from territory.workflow.journal import journal, note_study

_log = logging.getLogger(__name__)


@contextmanager
def run_folders(
    study: Study,
    out_dir: Path | str,
    *,
    roads: Path | None,
    announce: Callable[[str], None],
    edition: str = PUBLIC,
) -> Iterator[tuple[Path, Path]]:
    """Give `reports/<study>` and `data/processed/<study>` to one run at a time, and log what it does.

    What a stopped run left half-written is swept away first; the log says how the run ended.
    """
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
