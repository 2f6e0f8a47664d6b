"""The commands; heavy libraries load only when one needs them."""

import gc
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from territory import __version__
from territory.cli import data, french, report

FAILED, WRONG_USAGE, INTERRUPTED = 1, 2, 130
# every wrong use of the command line: a base of the public class
_USAGE_ERRORS: tuple[type[Exception], ...] = tuple(
    kind for kind in typer.BadParameter.__mro__ if kind.__name__ == "UsageError"
)

app = french.group(
    "territory",
    "Temps de trajet, besoins, accès aux soins et scénarios pour la planification médico-sociale.",
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(data.app)
app.add_typer(report.notebooks)


def _say_version(asked: bool) -> None:
    if asked:
        typer.echo(f"territory {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    _: Annotated[
        bool, typer.Option("--version", callback=_say_version, is_eager=True, help="Affiche la version.")
    ] = False,
) -> None:
    """Temps de trajet, besoins, accès aux soins et scénarios pour la planification médico-sociale."""


@app.command("run", cls=french.FrenchCommand)
def run(
    study: french.StudyArgument,
    out: french.OutOption = None,
    roads: french.RoadsOption = None,
    population: french.PopulationOption = None,
    edition: french.EditionOption = "publique",
    scheduler: Annotated[str, french.option("run", "--scheduler")] = "none",
) -> None:
    """Calcule une étude et écrit le rapport, les tables et les cartes."""
    from territory.errors import ParameterError
    from territory.release.disclosure import check_edition, edition_name
    from territory.study.load import load_study
    from territory.workflow.run import update_files, with_population

    loaded = load_study(study)
    check_edition(edition)
    place = out or Path()
    if loaded.is_national:
        from territory.workflow.national import run_national

        if edition != "publique":
            said = "Une étude nationale ne compte pas d'enfants accompagnés"
            raise ParameterError(f"{said} : elle n'a pas d'édition interne (retirez --edition).")
        loaded = loaded if population is None else with_population(loaded, population)
        with _progress() as announce:
            parts = run_national(loaded, out_dir=place, roads=roads, scheduler=scheduler, on_step=announce)
        typer.echo(f"Tables  : {(parts.report_dir / 'tables').as_posix()}")
        typer.echo(f"Temps   : {parts.times.folder.as_posix()} ({len(parts.times)} parties)")
        typer.echo(f"Empreinte de l'étude : {parts.run_digest[:16]}")
        return
    if scheduler != "none":
        raise ParameterError(
            f"--scheduler {scheduler} : l'étude « {loaded.id} » se calcule en une fois, sur cette machine. Ajoutez "
            "une section [scale] à son fichier pour la découper par département."
        )
    with _progress() as announce:
        folder, digest = update_files(
            loaded, out_dir=place, roads=roads, population=population, edition=edition, on_step=announce
        )
    typer.echo(f"Rapport : {(folder / edition_name('rapport.pdf', edition)).as_posix()}")
    typer.echo(f"Résumé  : {(folder / edition_name('resume.html', edition)).as_posix()}")
    typer.echo(f"Tables  : {(folder / 'tables').as_posix()}")
    typer.echo(f"Empreinte de l'étude : {digest[:16]}")


@app.command("init", cls=french.FrenchCommand)
def init(
    departement: Annotated[str, french.argument("init", "DÉPARTEMENT")],
    look_in: Annotated[list[Path] | None, french.option("init", "--from")] = None,
    name: Annotated[str, french.option("init", "--name")] = "",
    label: Annotated[str, french.option("init", "--label")] = "",
    raw: Annotated[Path, french.option("init", "--raw")] = Path("data/raw"),
    template: Annotated[Path | None, french.option("init", "--template")] = None,
) -> None:
    """Écrit le fichier d'étude d'un département, ou le classeur à envoyer à la MDPH et aux établissements."""
    from territory.workflow.setup import own_files, start_study, write_study_template

    if template is not None:
        typer.echo(f"Classeur écrit : {write_study_template(departement, template).as_posix()}")
        return
    started = start_study(departement, name=name, raw=raw, label=label, look_in=tuple(look_in or ()))
    written = "écrite" if started.is_new else "complétée (ce que vous aviez écrit est gardé)"
    typer.echo(f"Étude {written} : {started.path.as_posix()}")
    found = f"Trouvé, sur {started.looked_at} fichiers regardés :" if started.found else "Rien de reconnu."
    typer.echo(found)
    for line in started.found:
        typer.echo(f"  {line}")
    if started.missing:
        typer.echo("Manque :")
    for line in started.missing:
        typer.echo(f"  {line}")
    if started.is_new:
        typer.echo("Ce que vous seul avez, par sa clé dans ce fichier :")
        for line in own_files():
            typer.echo(line)
    then = "territory run" if started.is_ready else "compléter, puis territory run"
    typer.echo(f"Ensuite : {then} {started.path.as_posix()}")


@app.command(
    "validate", cls=french.FrenchCommand, short_help="Vérifie un fichier d'étude sans rien calculer."
)
def validate(
    study: french.StudyArgument, whole: Annotated[bool, french.option("validate", "--whole")] = False
) -> None:
    """Dit tout ce que « territory run » refuserait, avec la ligne et le remède, sans rien calculer."""
    from territory.errors import agree
    from territory.study.load import load_study

    loaded = load_study(study, whole=whole)
    said = agree(len(loaded.scenario), "scénario(s)")
    typer.echo(f"Étude valide : {loaded.title} ({loaded.territory.name}, {loaded.population}, {said}).")


@app.command("diff", cls=french.FrenchCommand)
def diff(
    run_a: Annotated[Path, french.argument("diff", "ÉTUDE_A")],
    run_b: Annotated[Path, french.argument("diff", "ÉTUDE_B")],
    out: Annotated[Path, french.option("diff", "--out")] = Path("reports/comparaison"),
) -> None:
    """Dit ce qui a changé entre deux études, et ce qui vient de la population, de l'offre ou des routes."""
    from territory.workflow.past_runs import diff_runs, write_difference

    difference = diff_runs(run_a, run_b)
    for path in write_difference(difference, out):
        typer.echo(path.as_posix())


app.command("compare", cls=french.FrenchCommand)(report.compare)
app.command("report", cls=french.FrenchCommand)(report.report)
app.command("check", cls=french.FrenchCommand)(report.check)


@app.command("doctor", cls=french.FrenchCommand, short_help="Vérifie l'installation et les données.")
def doctor() -> None:
    """Dit ce qui est installé, les données trouvées, et comment obtenir ce qui manque."""
    from territory.workflow.setup import diagnose

    healthy, lines = diagnose()
    for line in lines:
        typer.echo(line)
    if not healthy:
        raise typer.Exit(1)


@contextmanager
def _progress() -> Iterator[Callable[[str], None]]:
    """Show steps: a spinner on a terminal, plain lines elsewhere."""
    if not sys.stderr.isatty():
        yield french.say
        return
    from rich.console import Console

    with Console(stderr=True).status("") as status:
        yield lambda step: status.update(f"{step}…")


def main(arguments: list[str] | None = None) -> None:
    """Run the command line; an expected error is one message and its exit code, never a traceback."""
    from territory.errors import TerritoryError

    # a run makes few cycles and many objects that last: the collector of Python goes through them all each time
    gc.set_threshold(20_000, 20, 10)
    try:
        with french.in_sentences():
            status = app(args=arguments, standalone_mode=False)
    except TerritoryError as error:
        typer.echo(f"Erreur : {error}", err=True)
        sys.exit(FAILED)
    except (KeyboardInterrupt, typer.Abort):
        typer.echo("Interrompu : rien n'a été remplacé.", err=True)
        sys.exit(INTERRUPTED)
    except _USAGE_ERRORS as error:
        typer.echo(_explain(error), err=True)
        sys.exit(WRONG_USAGE)
    sys.exit(status or 0)


def _explain(error: Any) -> str:
    """Return the usage, and what is wrong with this one; the whole help when nothing was asked."""
    if type(error).__name__ == "NoArgsIsHelpError":
        return str(error.ctx.get_help())
    usage = f"{error.ctx.get_usage()}\n" if error.ctx else ""
    return f"{usage}Erreur : {french.in_french(error.format_message())}"
