"""The command line, in French; heavy libraries load only when a command needs them."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    name="territory",
    help="Temps de trajet, besoins, accès aux soins et scénarios pour la planification médico-sociale.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def _root() -> None:
    """Temps de trajet, besoins, accès aux soins et scénarios pour la planification médico-sociale."""


@app.command("run")
def run(
    study: Annotated[
        str, typer.Argument(help="Nom d'une étude intégrée (draguignan) ou fichier .toml.", metavar="ÉTUDE")
    ],
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", help="Dossier des résultats (par défaut : reports/<étude>).", metavar="DOSSIER"
        ),
    ] = None,
    roads: Annotated[
        Path | None,
        typer.Option("--roads", help="Carte routière .osm.pbf ; sans elle, les temps sont estimés."),
    ] = None,
    population: Annotated[
        str | None, typer.Option("--population", help="Millésime du recensement (rp2021, rp2017, rp2016).")
    ] = None,
) -> None:
    """Calcule une étude et écrit le rapport, les tables et les cartes."""
    from territory.study import load_study
    from territory.workflow import run_study

    loaded = load_study(study)
    folder = out or Path("reports") / loaded.id
    with _progress() as announce:
        result = run_study(loaded, out_dir=folder, roads=roads, population=population, on_step=announce)
    typer.echo(f"Rapport : {(folder / 'rapport.pdf').as_posix()}")
    typer.echo(f"Tables  : {(folder / 'tables').as_posix()}")
    typer.echo(f"Empreinte de l'étude : {result.run_digest[:16]}")


@app.command("doctor")
def doctor() -> None:
    """Dit ce qui est installé, les données trouvées, et comment obtenir ce qui manque."""
    from territory.workflow.doctor import diagnose

    healthy, lines = diagnose()
    for line in lines:
        typer.echo(line)
    if not healthy:
        raise typer.Exit(1)


class _progress:  # noqa: N801
    """Show steps: a spinner on a terminal, plain lines elsewhere."""

    def __enter__(self) -> _progress:
        self._status = None
        if sys.stderr.isatty():
            from rich.console import Console

            self._status = Console(stderr=True).status("")
            self._status.start()
        return self

    def __call__(self, step: str) -> None:
        """Announce one step."""
        if self._status is not None:
            self._status.update(f"{step}…")
        else:
            typer.echo(f"{step}…", err=True)

    def __exit__(self, *_: object) -> None:
        if self._status is not None:
            self._status.stop()


def main() -> None:
    """Run the command line; an expected error is one message and exit code 1."""
    from territory.errors import TerritoryError

    try:
        app()
    except TerritoryError as error:
        typer.echo(f"Erreur : {error}", err=True)
        sys.exit(1)
    except KeyboardInterrupt:
        typer.echo("Interrompu : rien n'a été écrit.", err=True)
        sys.exit(130)


if __name__ == "__main__":
    main()
