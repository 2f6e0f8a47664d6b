"""`territory run` on a study of many départements."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from territory.errors import ParameterError

if TYPE_CHECKING:
    from territory.study.words.model import Study


def run_in_parts(
    study: Study,
    out: Path,
    roads: Path | None,
    population: str | None,
    scheduler: str,
    progress: AbstractContextManager[Callable[[str], None]],
) -> bool:
    """Run a study part by part when it is national; return whether it was."""
    from territory.workflow.national import is_national, run_national
    from territory.workflow.run import with_population

    if not is_national(study):
        if scheduler != "none":
            raise ParameterError(
                f"--scheduler {scheduler} : l'étude « {study.id} » se calcule en une fois, sur cette machine. Ajoutez "
                "une section [scale] à son fichier pour la découper par département."
            )
        return False
    if population is not None:
        study = with_population(study, population)
    with progress as announce:
        result = run_national(study, out_dir=out, roads=roads, scheduler=scheduler, on_step=announce)
    typer.echo(f"Tables  : {(result.report_dir / 'tables').as_posix()}")
    typer.echo(f"Temps   : {result.times.folder.as_posix()} ({len(result.times)} parties)")
    typer.echo(f"Empreinte de l'étude : {result.run_digest[:16]}")
    return True
