"""The commands on official data: what exists, bring it, check it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from territory.cli.french import FrenchCommand, group
from territory.errors import agree
from territory.sources.fetching.raw_folder import size_text

if TYPE_CHECKING:
    from territory.sources.registry import Source

RAW = Path("data/raw")
_STEP_BYTES = 10_000_000

app = group("data", "Données officielles : ce qui existe, le récupérer, le vérifier.")
RawOption = Annotated[Path, typer.Option("--to", help="Dossier des données brutes.", metavar="DOSSIER")]


@app.command("list", cls=FrenchCommand, short_help="Donne les jeux de données que le registre connaît.")
def list_data(
    dataset: Annotated[
        str | None, typer.Argument(help="Un jeu : tous ses millésimes, en détail.", metavar="JEU")
    ] = None,
    every: Annotated[
        bool, typer.Option("--all", help="Tous les millésimes, pas seulement le dernier.")
    ] = False,
    departement: Annotated[
        str | None,
        typer.Option("--departement", help="Seulement ce qui le couvre (83, 2A, 971).", metavar="CODE"),
    ] = None,
    to: RawOption = RAW,
) -> None:
    """Donne les jeux de données du registre, leur licence, et s'ils sont déjà sur ce disque."""
    from territory.datasets.slots import slots_fed_by
    from territory.sources.registry import find, read_registry

    sources = read_registry()
    if dataset is not None:
        find(dataset, registry=sources)
        for source in sources:
            if source.dataset == dataset:
                typer.echo(_details(source, to))
        return
    for source in sources:
        covers = not source.departements or departement is None or departement in source.departements
        newest = find(source.dataset, registry=sources).vintage == source.vintage
        if covers and (every or newest):
            state = _state(source, to)
            keys = ", ".join(slot.key for slot in slots_fed_by(source.dataset))
            used = f" [{keys}]" if keys else ""
            typer.echo(f"{source.key:<45} {state:<14} {source.licence:<20} {source.title}{used}")


@app.command(
    "fetch", cls=FrenchCommand, short_help="Récupère un jeu de données, depuis son producteur ou un dossier."
)
def fetch_data(
    dataset: Annotated[
        str, typer.Argument(help="Jeu de données (voir « territory data list »).", metavar="JEU")
    ],
    vintage: Annotated[
        str | None, typer.Argument(help="Millésime ; par défaut, le dernier.", metavar="MILLÉSIME")
    ] = None,
    taken_from: Annotated[
        Path | None,
        typer.Option(
            "--from", help="Fichier ou dossier déjà sur le disque : rien n'est téléchargé.", metavar="CHEMIN"
        ),
    ] = None,
    to: RawOption = RAW,
    force: Annotated[bool, typer.Option("--force", help="Remplace ce qui est déjà là.")] = False,
) -> None:
    """Récupère un jeu de données dans data/raw/<jeu>/<millésime>/, en lecture seule, avec sa provenance."""
    from territory.sources.fetching.fetch import fetch

    with _Transfer() as progress:
        stored = fetch(dataset, vintage, to=to, taken_from=taken_from, force=force, progress=progress)
    total = sum(file.size_bytes for file in stored.files)
    typer.echo(
        f"{stored.key} : {agree(len(stored.files), 'fichier(s)')}, {size_text(total)}, dans {stored.folder.as_posix()}"
    )
    typer.echo(f"Licence : {stored.licence} ; récupéré le {stored.retrieved_on[:10]}")
    for name in stored.packed:
        typer.echo(
            f"{name} reste à décompresser (7-Zip, par exemple) ; ensuite : territory data fetch "
            f"{stored.key.replace('/', ' ')} --force --from DOSSIER",
            err=True,
        )


@app.command("check", cls=FrenchCommand, short_help="Vérifie que les données récupérées n'ont pas changé.")
def check_data(
    to: RawOption = RAW,
) -> None:
    """Compare chaque fichier de data/raw à son empreinte ; code 1 s'il en manque, en change ou en est de trop."""
    from territory.sources.fetching.raw_folder import check_stored

    checked = check_stored(to)
    if not checked:
        typer.echo(f"Aucune donnée dans {to.as_posix()}.")
        return
    for folder in checked:
        if not folder.problems:
            typer.echo(f"{folder.key} : {agree(folder.file_count, 'fichier(s), conforme(s)')}")
        for problem in folder.problems:
            typer.echo(f"{folder.key} : {problem}", err=True)
    count = sum(len(folder.problems) for folder in checked)
    if count:
        typer.echo(f"{agree(count, 'problème(s)')}.", err=True)
        raise typer.Exit(1)


def _state(source: Source, raw: Path) -> str:
    """Say whether a source is on this disk, or how to have it."""
    if (raw / source.dataset / source.vintage / "source.json").is_file():
        return "présent"
    return "à télécharger" if source.address else "à déposer"


def _details(source: Source, raw: Path) -> str:
    """Return what the registry says of one source, and what a study does with it."""
    from territory.datasets.slots import slots_fed_by

    checked = "" if source.address_checked else " (non confirmée)"
    lines = [
        f"{source.key} : {source.title}",
        f"  producteur : {source.producer} ; licence : {source.licence}",
        f"  page       : {source.page}",
        f"  adresse    : {source.address + checked if source.address else 'aucune adresse directe connue'}",
        f"  fichier    : {source.file_name} ({source.format})",
        f"  état       : {_state(source, raw)}",
        f"  lecteur    : {'essayé' if source.reader_tried else 'pas encore essayé'} sur un vrai fichier",
    ]
    lines += [
        f"  étude      : clé « {slot.key} » de [data] ; sans lui : {slot.without}"
        for slot in slots_fed_by(source.dataset)
    ]
    if source.superseded_by:
        lines.append(f"  remplacé par {source.superseded_by}")
    if source.note:
        lines.append(f"  {source.note}")
    return "\n".join(lines)


class _Transfer:
    """Show what has been received: a bar on a terminal, a line from time to time elsewhere."""

    def __enter__(self) -> _Transfer:
        self._bar: Any = None
        self._told = 0
        if sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import BarColumn, DownloadColumn, Progress, TimeRemainingColumn

            self._bar = Progress(
                BarColumn(),
                DownloadColumn(),
                TimeRemainingColumn(),
                console=Console(stderr=True),
                transient=True,
            )
            self._bar.start()
            self._task = self._bar.add_task("", total=None)
        return self

    def __call__(self, done: int, total: int | None) -> None:
        """Tell how many bytes have come."""
        if self._bar is not None:
            self._bar.update(self._task, completed=done, total=total)
        elif done - self._told >= _STEP_BYTES:
            self._told = done
            typer.echo(f"{size_text(done)}{f' sur {size_text(total)}' if total else ''}…", err=True)

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()
