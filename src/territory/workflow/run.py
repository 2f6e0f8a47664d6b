"""Run a study: read, compute, compare, write."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from territory.errors import StudyError
from territory.release.disclosure import PUBLIC, check_edition
from territory.result import StudyResult
from territory.scenario.changes.apply import apply
from territory.scenario.comparison.compare import compare
from territory.scenario.measures.compute import compute
from territory.study.load import load_study
from territory.study.words.model import Study
from territory.workflow.handover import write_outputs
from territory.workflow.inputs.manifest import describe_run, private_record
from territory.workflow.inputs.prepare import dataset_of, prepare
from territory.workflow.isochrones import isochrones
from territory.workflow.journal import note_choices, run_folders
from territory.workflow.step_cache import Steps

StepListener = Callable[[str], None]
_log = logging.getLogger(__name__)


def run_study(
    study: Study | str | Path,
    *,
    out_dir: Path | str | None = None,
    roads: Path | str | None = None,
    population: str | None = None,
    edition: str = PUBLIC,
    on_step: StepListener | None = None,
) -> StudyResult:
    """Compute a study and, when a folder is given, write what is handed over.

    Parameters
    ----------
    study
        A study, the name of a built-in one, or the path of a TOML file.
    out_dir
        Folder in which `reports/<study>` (report, tables, map layers, manifest) and `data/processed/<study>`
        (long steps that a rerun gives back, and `journal.log`: what the run read and decided, or why it failed)
        are written; nothing is written without it. Files are made beside and put in their place at the end: a run
        that fails leaves those of before. One run at a time: a second one waits a minute for the folder, then
        refuses.
    roads
        Road map (.osm.pbf) that replaces estimated times.
    population
        Census vintage that replaces the study's (`rp2017`).
    edition : {"publique", "interne"}
        The internal edition withholds no count, for those who are entitled to the study's own files: it is written in
        `reports/<study>-interne`, and each of its pages and file names says what it is.
    on_step
        Called with the French name of each step as it begins.

    Returns
    -------
    StudyResult

    Raises
    ------
    StudyError
        If the study is wrong, or the vintage unknown.
    OutputError
        If the folder cannot be written, or another run holds it.

    Examples
    --------
    >>> import territory
    >>> territory.run_study("draguignan")
    StudyResult('draguignan', scenarios: A, B, C)
    """
    clock = _Clock(on_step or (lambda step: None))
    check_edition(edition)
    clock.begin("Lecture de l'étude et des données")
    study = study if isinstance(study, Study) else load_study(study)
    if population is not None:
        study = with_population(study, population)
    roads_path = None if roads is None else Path(roads)
    if out_dir is None:
        return _run(study, clock, roads_path)
    folders = run_folders(study, out_dir, roads=roads_path, edition=edition, announce=clock.begin)
    with folders as (report_dir, kept_dir):
        result = _run(study, clock, roads_path, report_dir, kept_dir, edition)
        clock.note_last()
        return result


def _run(
    study: Study,
    clock: _Clock,
    roads_path: Path | None,
    report_dir: Path | None = None,
    kept_dir: Path | None = None,
    edition: str = PUBLIC,
) -> StudyResult:
    """Compute a study, and write it in folders that nobody else writes in."""
    clock.begin("Temps de trajet et besoins")
    steps = Steps(kept_dir)
    # before the files are read: one that changes meanwhile is then found changed by the next run
    record = None if kept_dir is None else private_record(study, kept_dir, edition=edition)
    inputs = prepare(study, roads=roads_path, steps=steps)
    note_choices(inputs)
    clock.begin("Situation d'aujourd'hui")
    baseline = compute(inputs.state)
    scenarios, comparisons = {}, {}
    for scenario in inputs.scenarios:
        clock.begin(f"Scénario {scenario.id}")
        scenarios[scenario.id] = compute(apply(inputs.state, scenario), today=baseline)
        compared = compare(baseline, scenarios[scenario.id])
        comparisons[scenario.id] = compared.named(scenario.id, scenario.name)
    if inputs.roads is not None:
        clock.begin("Isochrones")
    reached = isochrones(inputs, baseline, scenarios, steps=steps)
    manifest, digest = describe_run(inputs, roads=roads_path)
    result = StudyResult(
        # the scenarios as they were computed, at the sites that the questions of siting chose
        study=study.model_copy(update={"scenario": inputs.scenarios}),
        dataset=inputs.dataset,
        baseline=baseline,
        scenarios=scenarios,
        comparisons=comparisons,
        times_method=inputs.times_method,
        siting=inputs.siting,
        groupings=inputs.groupings,
        isochrones=reached,
        manifest=manifest,
        run_digest=digest,
    )
    if report_dir is None or record is None:
        return result
    clock.begin("Rapport, tables et cartes")
    written, place = replace(result, report_dir=report_dir), _seen_from(report_dir, study)

    def log() -> dict[str, Any]:
        return {"seconds": clock.end(), "reused": steps.reused, "study_folder": place}

    write_outputs(written, report_dir, record=record, edition=edition, log=log)
    return written


def with_population(study: Study, vintage: str) -> Study:
    """Return the study on another census."""
    known = dataset_of(study).vintages
    if vintage not in known:
        raise StudyError(f"Millésime de population inconnu « {vintage} » ; connus : {', '.join(known)}.")
    return study.model_copy(update={"population": vintage})


def _seen_from(report_dir: Path, study: Study) -> str:
    """Return the folder of the study's own files from that of its report, where `territory diff` looks for them."""
    try:
        return Path(os.path.relpath(study.folder, report_dir)).as_posix()
    except ValueError:
        # two disks of Windows have no relative path
        return "."


class _Clock:
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
