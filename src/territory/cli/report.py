"""The documents and the notebooks of a study, its scenarios beside today, and the check of a document."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

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

if TYPE_CHECKING:
    import pandas as pd

    from territory.release import Release

WIDTH = 80
# scenarios that 80 columns have room for
MOST_COLUMNS = 4
# « ≈ » after a value: its difference with today is under the doubt
DOUBTFUL, SAME, UNKNOWN, ABSENT = "≈", "=", "?", "–"
_WHOSE = {"child": "de l'enfant", "parent": "du parent", "staff": "du service"}
_ACCOUNTS = {who: f"Route {whose} (h/an)" for who, whose in _WHOSE.items()}


def compare(
    study: StudyArgument,
    zone: Annotated[str, option("compare", "--zone")] = "territory",
    out: Annotated[Path | None, option("compare", "--out")] = None,
    roads: RoadsOption = None,
    population: PopulationOption = None,
) -> None:
    """Compare les scénarios d'une étude à aujourd'hui, côte à côte ; n'écrit rien sans --out."""
    from territory.errors import StudyError, UnknownCodeError, examples
    from territory.geography.communes import plain
    from territory.release import release
    from territory.workflow.run import run_study

    released = release(run_study(study, roads=roads, population=population))
    if not released.scenarios:
        raise StudyError("Cette étude n'a pas de scénario : ajoutez une section [[scenario]].")
    table = released.measures
    names = dict(zip(table["zone"], table["zone_name"], strict=True))
    named = [zone] if zone in names else [code for code, name in names.items() if plain(zone) in plain(name)]
    if len(named) != 1:
        known = [name for code, name in names.items() if code != "territory"]
        raise UnknownCodeError(
            f"Zone « {zone} » absente de la comparaison ; connues : {examples(known, most=6)} (code ou nom d'un EPCI "
            "ou d'un département dont des habitants sont à portée)."
        )
    for line in _lines(released, table[table["zone"] == named[0]]):
        typer.echo(line)
    if out is not None:
        from territory.files.safe_files import make_folder
        from territory.report.files.writers import write_table

        path = make_folder(out) / "comparaison_mesures"
        write_table(table, path)
        typer.echo(f"Table entière : {path.as_posix()}.csv et .parquet")


def _lines(released: "Release", table: "pd.DataFrame") -> list[str]:
    """Return the text of the comparison, 80 columns wide."""
    import textwrap

    labels = {a.id: a.label for a in released.study.authorisation}
    moved = [one for one in labels if any(one in released.moved(name) for name in released.scenarios)]
    text = [f"{released.study.title} : {table['zone_name'].iloc[0]}"]
    text += [f"{scenario.id} : {scenario.name}" for scenario in released.study.scenario]
    lines = [part for line in text for part in textwrap.wrap(line, WIDTH, subsequent_indent="    ")]
    for service in moved:
        rows = table[table["service"] == service]
        if len(rows):
            names = list(released.scenarios)
            for first in range(0, len(names), MOST_COLUMNS):
                lines += ["", *_table(labels[service], rows, names[first : first + MOST_COLUMNS])]
    still = [one for one in labels if one not in moved]
    notes = [
        f"{SAME} : comme aujourd'hui   {DOUBTFUL} : écart sous le doute   {UNKNOWN} : non calculable",
        "Trois comptes de route, jamais additionnés, pour un enfant et un an (bas–haut).",
    ]
    unknown = table[table["measure"].isin(("access_per_1000", "unmet_persons"))]
    if len(unknown) and unknown["baseline_value"].isna().all():
        notes.append("Places à portée, personnes sans place : non calculables (pourquoi : table de --out).")
    if still:
        notes.append(f"Inchangés dans tous les scénarios : {', '.join(labels[one] for one in still)}.")
    return [*lines, "", *(part for note in notes for part in textwrap.wrap(note, WIDTH))]


def _table(title: str, rows: "pd.DataFrame", scenarios: list[str]) -> list[str]:
    """Return one service's table, drawn as text."""
    import io

    from rich import box
    from rich.console import Console
    from rich.table import Table

    from territory.tables.catalogue import BY_NAME, measure_label

    look: dict[str, Any] = {"box": box.SIMPLE_HEAD, "padding": (0, 1, 0, 0), "title_style": ""}
    drawn = Table(title=title, title_justify="left", **look)
    drawn.add_column("")
    for name in ("Aujourd'hui", *scenarios):
        drawn.add_column(name, justify="right", no_wrap=True)
    every = [(measure, lines, next(iter(lines.values()))) for measure, lines in _by_measure(rows)]
    for measure, lines, first in every:
        cells = [_value(first, "baseline"), *(_cell(lines[name]) for name in scenarios)]
        if BY_NAME[measure].is_compared and not set(cells) <= {UNKNOWN, ABSENT}:
            drawn.add_row(measure_label(measure, first), *cells)
    year = {(row["who"], row["bound"]): lines for measure, lines, row in every if measure == "year_min"}
    for who, label in _ACCOUNTS.items():
        if (who, "low") in year:
            low, high = year[who, "low"], year[who, "high"]
            today = _range(low[scenarios[0]], high[scenarios[0]], "baseline")
            drawn.add_row(label, today, *(_range(low[name], high[name], "scenario") for name in scenarios))
    stream = io.StringIO()
    Console(file=stream, width=WIDTH, color_system=None, highlight=False).print(drawn)
    return [line.rstrip() for line in stream.getvalue().splitlines() if line.strip()]


def _by_measure(rows: "pd.DataFrame") -> list[tuple[str, dict[str, dict[Any, Any]]]]:
    """Return each measure of a service, in order, with its row of each scenario."""
    from territory.tables.catalogue import KEYS

    found: dict[tuple[Any, ...], dict[str, dict[Any, Any]]] = {}
    for row in rows.to_dict("records"):
        key = (row["measure"], *(row[name] if row[name] == row[name] else None for name in KEYS))
        found.setdefault(key, {})[row["scenario"]] = row
    return [(str(key[0]), lines) for key, lines in found.items()]


def _cell(row: dict[Any, Any]) -> str:
    """Return a scenario's value, `=` where nothing changes, `≈` after it where the difference is under the doubt."""
    import pandas as pd

    delta, told = row["delta_value"], row["is_distinguishable"]
    if delta == 0 and row["note"] == "":
        return SAME
    mark = DOUBTFUL if pd.notna(delta) and delta != 0 and not (pd.notna(told) and told) else ""
    return _value(row, "scenario") + mark


def _value(row: dict[Any, Any], side: str) -> str:
    """Return a value as a planner writes it, or what stands for it when it is withheld."""
    from territory.tables.catalogue import SHOWN_DECIMALS

    value, note = row[f"{side}_value"], row["note" if side == "scenario" else "baseline_note"]
    if value == value:
        return f"{value:,.{SHOWN_DECIMALS[row['unit']]}f}".replace(",", " ").replace(".", ",")
    return str(note) if note.startswith(("<", "secret")) else (UNKNOWN if note else ABSENT)


def _range(low: dict[Any, Any], high: dict[Any, Any], side: str) -> str:
    """Return hours a year, low to high; `=` where nothing changes."""
    if side == "scenario" and low["delta_value"] == 0 == high["delta_value"]:
        return SAME
    hours = [row[f"{side}_value"] / 60 for row in (low, high)]
    if any(value != value for value in hours):
        return UNKNOWN
    # both ends once where they are written alike
    text = "–".join(dict.fromkeys(f"{value:.0f}" for value in hours))
    return text if side == "baseline" or low["is_distinguishable"] is True else text + DOUBTFUL


_DOCUMENTS = ("council", "note", "slides", "sheet", "annex")


def report(
    study: StudyArgument,
    document: Annotated[str, option("report", "--document")] = "council",
    epci: Annotated[list[str] | None, option("report", "--epci")] = None,
    all_epci: Annotated[bool, option("report", "--all-epci")] = False,
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
        raise ParameterError(f"Document inconnu « {document} » ; choix possibles : {', '.join(_DOCUMENTS)}.")
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
    path: Annotated[Path, argument("check", "FICHIER.pdf")],
    manifest: Annotated[Path | None, option("check", "--manifest")] = None,
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
    name: Annotated[str, argument("run_notebook", "NOTEBOOK")],
    study: Annotated[str, option("run_notebook", "--study")] = "draguignan",
    out: Annotated[Path, option("run_notebook", "--out")] = Path(),
) -> None:
    """Exécute une copie d'un notebook sur une étude : le notebook rempli et sa page HTML."""
    from territory import notebooks as known

    copy, page = known.run_notebook(name, study=study, out_dir=out)
    base = out.resolve()
    typer.echo(f"Notebook : {copy.relative_to(base).as_posix()}")
    typer.echo(f"Page     : {page.relative_to(base).as_posix()}")
