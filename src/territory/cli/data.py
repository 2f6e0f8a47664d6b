"""The commands on official data: what exists, bring it, check it."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from territory.cli.french import FrenchCommand, argument, group, option, say
from territory.errors import agree
from territory.sources.fetching.raw_folder import size_text

if TYPE_CHECKING:
    from territory.sources.fetching.raw_folder import Source

RAW = Path("data/raw")
_STEP_BYTES = 10_000_000

app = group("data", "Données officielles : ce qui existe, le récupérer, le vérifier.")
RawOption = Annotated[Path, option("", "--to")]


@app.command("list", cls=FrenchCommand, short_help="Donne les jeux de données que le registre connaît.")
def list_data(
    dataset: Annotated[str | None, argument("list_data", "JEU")] = None,
    every: Annotated[bool, option("list_data", "--all")] = False,
    departement: Annotated[str | None, option("list_data", "--departement")] = None,
    to: RawOption = RAW,
) -> None:
    """Donne les jeux de données du registre, leur licence, et s'ils sont déjà sur ce disque."""
    from territory.datasets.slots import slots_fed_by
    from territory.sources.fetching.raw_folder import find, read_registry

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
    dataset: Annotated[str, argument("fetch_data", "JEU")],
    vintage: Annotated[str | None, argument("fetch_data", "MILLÉSIME")] = None,
    taken_from: Annotated[Path | None, option("fetch_data", "--from")] = None,
    to: RawOption = RAW,
    force: Annotated[bool, option("fetch_data", "--force")] = False,
) -> None:
    """Récupère un jeu de données dans data/raw/<jeu>/<millésime>/, en lecture seule, avec sa provenance."""
    from functools import partial

    from territory.datasets.checks import mismatch
    from territory.sources.fetching.fetch import fetch

    fetched = partial(fetch, dataset, vintage, to=to, taken_from=taken_from, force=force)
    with _transfer() as progress:
        stored = fetched(check=partial(mismatch, raw=to), progress=progress)
    total = sum(file.size_bytes for file in stored.files)
    files = f"{agree(len(stored.files), 'fichier(s)')}, {size_text(total)}"
    typer.echo(f"{stored.key} : {files}, dans {stored.folder.as_posix()}")
    typer.echo(f"Licence : {stored.licence} ; récupéré le {stored.retrieved_on[:10]}")
    for name in stored.packed:
        advice = f"ensuite : territory data fetch {stored.key.replace('/', ' ')} --force --from DOSSIER"
        typer.echo(f"{name} reste à décompresser (7-Zip, par exemple) ; {advice}", err=True)


@app.command("check", cls=FrenchCommand, short_help="Vérifie que les données récupérées n'ont pas changé.")
def check_data(to: RawOption = RAW) -> None:
    """Compare chaque fichier à son empreinte, et ce qu'il contient à ce qu'il doit être ; code 1 sinon."""
    from dataclasses import replace

    from territory.datasets.checks import mismatch
    from territory.sources.fetching.raw_folder import check_stored, read_registry

    sources = {source.key: source for source in read_registry()}
    checked = check_stored(to)
    for number, one in enumerate(checked):
        paths = sorted((to / one.key).rglob("*"))
        if one.key in sources and not one.problems:
            wrong = mismatch(sources[one.key], [path for path in paths if path.is_file()], raw=to)
            checked[number] = one if wrong is None else replace(one, problems=(wrong,))
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


def _state(source: "Source", raw: Path) -> str:
    """Say whether a source is on this disk, or how to have it."""
    if (raw / source.dataset / source.vintage / "source.json").is_file():
        return "présent"
    return "à télécharger" if source.address else "à déposer"


def _details(source: "Source", raw: Path) -> str:
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
    fed = "  étude      : clé « {0.key} » de [data] ; sans lui : {0.without}"
    lines += [fed.format(slot) for slot in slots_fed_by(source.dataset)]
    if source.superseded_by:
        lines.append(f"  remplacé par {source.superseded_by}")
    if source.note:
        lines.append(f"  {source.note}")
    return "\n".join(lines)


@contextmanager
def _transfer() -> Iterator[Callable[[int, int | None], None]]:
    """Show what has been received: a bar on a terminal, a line from time to time elsewhere."""
    told = 0

    def tell(done: int, total: int | None) -> None:
        nonlocal told
        if done - told >= _STEP_BYTES:
            told = done
            say(f"{size_text(done)}{f' sur {size_text(total)}' if total else ''}")

    if not sys.stderr.isatty():
        yield tell
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TimeRemainingColumn

    parts = (BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*parts, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
