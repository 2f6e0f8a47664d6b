"""The documents and the notebooks of a study, and whether a document is the one of its run."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from territory.cli.french import (
    EditionOption,
    FrenchCommand,
    OutOption,
    PopulationOption,
    RoadsOption,
    StudyArgument,
    argument,
    group,
    option,
    say,
)

_DOCUMENTS = ("council", "note", "slides", "sheet", "annex")


def report(
    study: StudyArgument,
    document: Annotated[
        str,
        option(
            "--document",
            "DOCUMENT",
            "council (rapport au conseil), note (une page), slides (six pages à projeter), sheet (fiche d'EPCI) ou "
            "annex (annexe technique).",
        ),
    ] = "council",
    epci: Annotated[
        list[str] | None, option("--epci", "EPCI", "Nom ou code de l'EPCI d'une fiche ; peut être répété.")
    ] = None,
    all_epci: Annotated[bool, typer.Option("--all-epci", help="Une fiche par EPCI du territoire.")] = False,
    out: OutOption = None,
    roads: RoadsOption = None,
    population: PopulationOption = None,
    edition: EditionOption = "publique",
) -> None:
    """Écrit un document d'une étude : rapport au conseil, note, présentation, fiches d'EPCI ou annexe technique."""
    from territory.errors import ParameterError
    from territory.files.safe_files import hold
    from territory.study.load import load_study
    from territory.workflow.handover import epci_named, write_documents
    from territory.workflow.inputs.prepare import dataset_of
    from territory.workflow.run import run_study

    if epci or all_epci:
        # a sheet is what these options are about: asking twice would say nothing more
        document = "sheet" if document == "council" else document
    if document not in _DOCUMENTS:
        raise ParameterError(
            f"Document inconnu « {document} » ; documents possibles : {', '.join(_DOCUMENTS)}."
        )
    if document == "sheet" and not (epci or all_epci):
        raise ParameterError("Une fiche porte sur un EPCI : donnez --epci NOM, ou --all-epci pour toutes.")
    if document != "sheet" and (epci or all_epci):
        raise ParameterError("--epci et --all-epci ne servent qu'aux fiches (--document sheet).")
    place, loaded = out or Path(), load_study(study)
    if epci:
        # refused before anything is computed
        communes = dataset_of(loaded).communes
        own = communes["departement_code"].isin(loaded.territory.departement_codes)
        known = communes[own].dropna(subset="epci_code").set_index("epci_code")["epci_name"]
        epci = epci_named({str(code): str(name) for code, name in known.items()}, epci)
    result = run_study(
        loaded, out_dir=place, roads=roads, population=population, edition=edition, on_step=say
    )
    with hold(place / "data" / "processed" / result.study.id, announce=say):
        paths = write_documents(
            result, document=document, epci=epci or (), every_epci=all_epci, edition=edition, announce=say
        )
    for path in paths:
        typer.echo(path.as_posix())


def check(
    path: Annotated[Path, argument("FICHIER.pdf", "Document à vérifier.")],
    manifest: Annotated[
        Path | None,
        option(
            "--manifest",
            "FICHIER",
            "Manifeste de l'étude ; sinon celui du dossier du document, ou du dossier au-dessus.",
        ),
    ] = None,
) -> None:
    """Vérifie qu'un document PDF est bien celui de son étude ; code 1 si quelque chose diffère."""
    from territory.workflow.past_runs import check_document

    found = check_document(path, manifest=manifest)
    if found.is_right:
        typer.echo(f"Conforme : « {path.name} » est le document de l'étude d'empreinte {found.run_digest}.")
        return
    typer.echo(f"« {path.name} » n'est pas conforme à « {found.manifest.as_posix()} » :", err=True)
    for problem in found.problems:
        typer.echo(f"- {problem}.", err=True)
    sys.exit(1)


notebooks = group("notebooks", "Notebooks : les connaître, en exécuter un sur une étude.")


@notebooks.command("list", cls=FrenchCommand, short_help="Donne les notebooks.")
def list_notebooks() -> None:
    """Donne les notebooks, avec leur question."""
    from territory import notebooks as known

    for notebook in known.list_notebooks():
        typer.echo(f"{notebook.name:<32} {notebook.title}")
    typer.echo(f"Dossier : {known.notebooks_folder().as_posix()}")


@notebooks.command("run", cls=FrenchCommand, short_help="Exécute une copie d'un notebook sur une étude.")
def run_notebook(
    name: Annotated[str, argument("NOTEBOOK", "Numéro ou nom du notebook (04, 04_plateforme_draguignan).")],
    study: Annotated[str, option("--study", "ÉTUDE", "Étude intégrée ou fichier .toml.")] = "draguignan",
    out: Annotated[
        Path, option("--out", "DOSSIER", "Dossier où écrire reports/<étude>/notebooks (par défaut : ici).")
    ] = Path(),
) -> None:
    """Exécute une copie d'un notebook sur une étude : le notebook rempli et sa page HTML."""
    from territory import notebooks as known

    copy, page = known.run_notebook(name, study=study, out_dir=out)
    base = out.resolve()
    typer.echo(f"Notebook : {copy.relative_to(base).as_posix()}")
    typer.echo(f"Page     : {page.relative_to(base).as_posix()}")
