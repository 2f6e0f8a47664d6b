"""`territory compare`: every scenario of a study beside today, on the terminal."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from territory.cli.options import PopulationOption, RoadsOption

if TYPE_CHECKING:
    import pandas as pd

    from territory.result import StudyResult

WIDTH = 80
# scenarios that 80 columns have room for
MOST_COLUMNS = 4
# « ≈ » after a value: its difference with today is under the doubt
DOUBTFUL, SAME, UNKNOWN, ABSENT = "≈", "=", "?", "–"
_SHOWN = (
    r"mean_time_min|within_\S+_min_(persons|hab)|time_gini|epci_gap_min|beyond_\S+_min_share|unmet_persons|"
    r"access_per_1000|persons_\S+|worst_loss_min"
)
_ACCOUNTS = {
    "child": "Route de l'enfant (h/an)",
    "parent": "Route du parent (h/an)",
    "staff": "Route du service (h/an)",
}


def compare(
    study: Annotated[
        str, typer.Argument(help="Nom d'une étude intégrée (draguignan) ou fichier .toml.", metavar="ÉTUDE")
    ],
    zone: Annotated[
        str,
        typer.Option("--zone", help="Code d'un EPCI ou d'un département ; sinon l'ensemble.", metavar="CODE"),
    ] = "territory",
    out: Annotated[
        Path | None,
        typer.Option("--out", help="Dossier où écrire la table entière (CSV et Parquet).", metavar="DOSSIER"),
    ] = None,
    roads: RoadsOption = None,
    population: PopulationOption = None,
) -> None:
    """Compare les scénarios d'une étude à aujourd'hui, côte à côte ; n'écrit rien sans --out."""
    from territory.errors import StudyError, UnknownCodeError, examples
    from territory.release.comparison import published_side_by_side
    from territory.workflow.run import run_study

    result = run_study(study, roads=roads, population=population)
    if not result.comparisons:
        raise StudyError("Cette étude n'a pas de scénario : ajoutez une section [[scenario]].")
    table = published_side_by_side(result)
    if zone not in set(table["zone"]):
        known = table.loc[table["level"] != "territory", "zone"].unique()
        raise UnknownCodeError(
            f"Zone « {zone} » absente de la comparaison ; connues : {examples(known, most=6)} (code d'un EPCI ou "
            "d'un département dont des habitants sont à portée)."
        )
    for line in _lines(result, table[table["zone"] == zone]):
        typer.echo(line)
    if out is not None:
        from territory.report.files.csv_tables import write_table
        from territory.workflow.handover.write_run import make_folder

        path = make_folder(out) / "scenarios_cote_a_cote"
        write_table(table, path)
        typer.echo(f"Table entière : {path.as_posix()}.csv et .parquet")


def _lines(result: StudyResult, table: pd.DataFrame) -> list[str]:
    """Return the text of the comparison, 80 columns wide."""
    import textwrap

    labels = {a.id: a.label for a in result.study.authorisation}
    moved = [one for one in labels if any(one in c.services for c in result.comparisons.values())]
    text = [f"{result.study.title} : {table['zone_name'].iloc[0]}"]
    text += [f"{scenario.id} : {scenario.name}" for scenario in result.study.scenario]
    lines = [part for line in text for part in textwrap.wrap(line, WIDTH, subsequent_indent="    ")]
    for service in moved:
        rows = table[table["service"] == service]
        if len(rows):
            names = list(result.comparisons)
            for first in range(0, len(names), MOST_COLUMNS):
                lines += ["", *_table(labels[service], rows, names[first : first + MOST_COLUMNS])]
    still = [one for one in labels if one not in moved]
    notes = [
        f"{SAME} : comme aujourd'hui   {DOUBTFUL} : écart sous le doute   {UNKNOWN} : non calculable",
        "Trois comptes de route, jamais additionnés, pour un enfant et un an (bas–haut).",
    ]
    unknown = table[table["measure"].isin(("access_per_1000", "unmet_persons"))]
    if len(unknown) and unknown["today_value"].isna().all():
        notes.append(
            "Places à portée et personnes sans place : non calculables ; la table de --out dit pourquoi."
        )
    if still:
        notes.append(f"Inchangés dans tous les scénarios : {', '.join(labels[one] for one in still)}.")
    return [*lines, "", *(part for note in notes for part in textwrap.wrap(note, WIDTH))]


def _table(title: str, rows: pd.DataFrame, scenarios: list[str]) -> list[str]:
    """Return one service's table, drawn as text."""
    import io

    from rich import box
    from rich.console import Console
    from rich.table import Table

    from territory.tables.measure_names import measure_name

    drawn = Table(
        title=title, title_justify="left", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), title_style=""
    )
    drawn.add_column("")
    for name in ("Aujourd'hui", *scenarios):
        drawn.add_column(name, justify="right", no_wrap=True)
    for row in rows[rows["measure"].str.fullmatch(_SHOWN)].to_dict("records"):
        cells = [_value(row, "today"), *(_cell(row, name) for name in scenarios)]
        if not set(cells) <= {UNKNOWN, ABSENT}:
            drawn.add_row(measure_name(row["measure"]), *cells)
    by_measure = {row["measure"]: row for row in rows.to_dict("records")}
    for who, label in _ACCOUNTS.items():
        if f"{who}_year_low_min" in by_measure:
            low, high = (by_measure[f"{who}_year_{side}_min"] for side in ("low", "high"))
            drawn.add_row(label, *(_range(low, high, name) for name in ("today", *scenarios)))
    stream = io.StringIO()
    Console(file=stream, width=WIDTH, color_system=None, highlight=False).print(drawn)
    return [line.rstrip() for line in stream.getvalue().splitlines() if line.strip()]


def _cell(row: dict[Any, Any], name: str) -> str:
    """Return a scenario's value, `=` where nothing changes, `≈` after it where the difference is under the doubt."""
    import pandas as pd

    delta, told = row[f"{name}_delta"], row[f"{name}_is_distinguishable"]
    if delta == 0 and row[f"{name}_note"] == "":
        return SAME
    mark = DOUBTFUL if pd.notna(delta) and delta != 0 and not (pd.notna(told) and told) else ""
    return _value(row, name) + mark


def _value(row: dict[Any, Any], name: str) -> str:
    """Return a value as a planner writes it, or what stands for it when it is withheld."""
    from territory.release.comparison import DECIMALS

    value, note = row[f"{name}_value"], row[f"{name}_note"]
    if value == value:
        digits = 2 if row["unit"] in ("share", "index") else DECIMALS.get(row["unit"], 1)
        return f"{value:,.{digits}f}".replace(",", " ").replace(".", ",")
    return note if note.startswith(("<", "secret")) else (UNKNOWN if note else ABSENT)


def _range(low: dict[Any, Any], high: dict[Any, Any], name: str) -> str:
    """Return hours a year, low to high; `=` where nothing changes."""
    if name != "today" and low[f"{name}_delta"] == 0 == high[f"{name}_delta"]:
        return SAME
    hours = [side[f"{name}_value"] / 60 for side in (low, high)]
    if any(value != value for value in hours):
        return UNKNOWN
    texts = [f"{value:.0f}" for value in hours]
    told = name == "today" or low[f"{name}_is_distinguishable"] is True
    mark = "" if told else DOUBTFUL
    return (texts[0] if texts[0] == texts[1] else "–".join(texts)) + mark
