"""Run a study of a whole country, or of many départements: parts of times, then the measures over them."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from territory.errors import StudyError
from territory.study.load import load_study
from territory.study.words.model import MANY_DEPARTEMENTS, Scale, Study
from territory.workflow.inputs.manifest import describe_run
from territory.workflow.inputs.prepare import Inputs, places_of, state_of
from territory.workflow.inputs.travel_times import no_times
from territory.workflow.journal import note_choices
from territory.workflow.national.measures import NationalTables, compute_parts
from territory.workflow.national.outputs import write_national
from territory.workflow.national.schedulers import Cluster, Threads, open_scheduler
from territory.workflow.national.searches import Asked, ask_times
from territory.workflow.national.write_parts import write_travel_times
from territory.workflow.run_folders import run_folders

if TYPE_CHECKING:
    from territory.workflow.national.parts import TimesFolder

__all__ = ["NationalResult", "is_national", "run_national"]

StepListener = Callable[[str], None]
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class NationalResult:
    """A study of a country, its travel times in parts, and the tables over them.

    Attributes
    ----------
    inputs
        The study, its dataset and its state, without travel times.
    times
        Travel times in parts, in `data/processed/<study>/times`.
    tables
        See `territory.workflow.national.measures.NationalTables`.
    run_digest
        SHA-256 of the inputs, parameters and versions: two runs with the same digest give the same files.
    """

    inputs: Inputs
    times: TimesFolder
    tables: NationalTables
    report_dir: Path
    manifest: dict[str, Any] = field(default_factory=dict)
    run_digest: str = ""

    def __repr__(self) -> str:
        return f"NationalResult({self.inputs.study.id!r}, {self.times!r}, written to {self.report_dir})"


def is_national(study: Study) -> bool:
    """Tell whether a study is cut into parts: it says [scale], or has more départements than any région.

    Parameters
    ----------
    study
        A checked study.

    Examples
    --------
    >>> import territory
    >>> is_national(territory.load_study("draguignan"))
    False
    """
    return study.scale is not None or len(study.territory.departement_codes) >= MANY_DEPARTEMENTS


def run_national(
    study: Study | str | Path,
    *,
    out_dir: Path | str,
    roads: Path | str | None = None,
    scheduler: str | Threads | Cluster = "none",
    on_step: StepListener | None = None,
) -> NationalResult:
    """Compute a study of many départements with bounded memory, on one machine or several.

    Times are written part by part, and every table is computed over the parts. A run that is stopped goes on
    from the parts that are whole. The files are the same whatever the scheduler.

    Parameters
    ----------
    study
        A study, or the path of its file. Its section [scale] says how much memory a part may take.
    out_dir
        Folder in which `reports/<study>` and `data/processed/<study>` are written; every worker must see it.
    roads
        Road map (.osm.pbf) that replaces the study's, or the estimated times.
    scheduler
        ``none``, ``local``, ``tcp://host:port`` (see `open_scheduler`), or what `open_scheduler` gives.
    on_step
        Called with the French name of each step as it begins.

    Returns
    -------
    NationalResult

    Raises
    ------
    StudyError
        If the study asks for what is not computed part by part: scenarios, named authorisations, siting.
    OutputError
        If the folder cannot be written, or another run holds it.
    ClusterError
        If the scheduler does not answer, or its workers cannot do their part.
    """

    def announce(step: str) -> None:
        _log.info("%s…", step)
        if on_step is not None:
            on_step(step)

    announce("Lecture de l'étude et des données")
    study = study if isinstance(study, Study) else load_study(study)
    _check(study)
    roads_path = None if roads is None else Path(roads)
    with run_folders(study, out_dir, roads=roads_path, announce=announce) as (report_dir, kept_dir):
        places = places_of(study, roads=roads_path)
        method = "estimate" if places.roads is None else "roads"
        state = state_of(places, no_times(method, cutoff_min=study.travel.max_time_min))
        inputs = Inputs(places.study, places.dataset, state, method, roads=places.roads)
        note_choices(inputs)
        ends = places.weighed, places.sites
        asked = ask_times(study, *ends, roads=roads_path, kept_dir=kept_dir, announce=announce)
        opened = open_scheduler(scheduler) if isinstance(scheduler, str) else nullcontext(scheduler)
        with opened as runner:
            return _run(inputs, asked, roads_path, report_dir, kept_dir, runner, announce)


def _run(
    inputs: Inputs,
    asked: Asked,
    roads: Path | None,
    report_dir: Path,
    kept_dir: Path,
    runner: Threads | Cluster,
    announce: StepListener,
) -> NationalResult:
    """Write the times, compute over them, and write the tables."""
    scale = inputs.study.scale or Scale()
    communes = inputs.dataset.communes
    announce("Temps de trajet")
    times = write_travel_times(
        asked.search,
        kept_dir,
        groups=communes["departement_code"],
        batch_size=scale.batch_size,
        memory_mb=scale.memory_mb,
        least=asked.least,
        scheduler=runner,
        announce=lambda done, total: announce(f"Temps de trajet, partie {done} sur {total}"),
    )
    tables = compute_parts(inputs.state, times, method=asked.method, mapper=runner.map, announce=announce)
    manifest, digest = describe_run(inputs, roads=roads)
    result = NationalResult(inputs, times, tables, report_dir, manifest, digest)
    announce("Tables")
    write_national(result.inputs, tables, report_dir, manifest=manifest, run_digest=digest)
    return result


def _check(study: Study) -> None:
    """Refuse what is not computed part by part, rather than leave it out."""
    asked = {
        "[[scenario]]": study.scenario,
        "[[authorisation]]": study.authorisation,
        "[[siting]]": study.siting,
        "[zoning]": study.zoning,
    }
    refused = [name for name, value in asked.items() if value]
    if refused:
        raise StudyError(
            f"L'étude « {study.id} » est nationale ([scale], ou {MANY_DEPARTEMENTS} départements et plus) : "
            f"{', '.join(refused)} n'y sont pas calculés. Retirez-les, ou faites-en l'étude d'une région sans [scale]."
        )
