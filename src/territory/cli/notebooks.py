"""The commands on notebooks: which there are, run one on a study."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from territory.cli.french import FrenchCommand, FrenchGroup

app = typer.Typer(
    name="notebooks",
    cls=FrenchGroup,
    help="Notebooks : les connaître, en exécuter un sur une étude.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@app.command("list", cls=FrenchCommand, short_help="Donne les notebooks.")
def list_all() -> None:
    """Donne les notebooks, avec leur question."""
    from territory.notebooks import list_notebooks, notebooks_folder

    for notebook in list_notebooks():
        typer.echo(f"{notebook.name:<32} {notebook.title}")
    typer.echo(f"Dossier : {notebooks_folder().as_posix()}")


@app.command("run", cls=FrenchCommand, short_help="Exécute une copie d'un notebook sur une étude.")
def run(
    name: Annotated[
        str,
        typer.Argument(help="Numéro ou nom du notebook (04, 04_plateforme_draguignan).", metavar="NOTEBOOK"),
    ],
    study: Annotated[
        str, typer.Option("--study", help="Étude intégrée ou fichier .toml.", metavar="ÉTUDE")
    ] = "draguignan",
    out: Annotated[
        Path,
        typer.Option(
            "--out", help="Dossier où écrire reports/<étude>/notebooks (par défaut : ici).", metavar="DOSSIER"
        ),
    ] = Path(),
) -> None:
    """Exécute une copie d'un notebook sur une étude : le notebook rempli et sa page HTML."""
    from territory.notebooks import run_notebook

    copy, page = run_notebook(name, study=study, out_dir=out)
    base = out.resolve()
    typer.echo(f"Notebook : {copy.relative_to(base).as_posix()}")
    typer.echo(f"Page     : {page.relative_to(base).as_posix()}")
