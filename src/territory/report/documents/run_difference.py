"""Two runs side by side, for a council: what changed, and what it came from."""

import datetime as dt
from collections.abc import Mapping

import numpy as np
import pandas as pd

from territory.french.numbers import decimal, integer
from territory.french.words import count, persons
from territory.report.layout import document as doc
from territory.tables.declare import CODES

CAUSES = CODES["causes"]
LABELS = CODES["run_indicators"]
MOST_ROWS = 4


def difference_document(
    changes: pd.DataFrame,
    crossings: pd.DataFrame,
    names: Mapping[str, str],
    *,
    title: str,
    runs: tuple[str, str],
    date: dt.date,
) -> doc.Document:
    """Return the two-page section that says what changed between two runs, from what `release_changes` gives."""
    blocks: list[doc.Block] = [
        doc.Heading("Ce qui a changé, et d'où cela vient"),
        doc.Paragraph(f"De « {runs[0]} » à « {runs[1]} ».", "lead"),
        *_summary(changes),
    ]
    for indicator in changes.index.get_level_values("indicator").unique():
        # who would come within reach, or cannot be told, is in the first table and in the CSV
        if not str(indicator).startswith(("persons_entering", "persons_indistinct")):
            blocks += _largest(changes, str(indicator), names)
    order = doc.wording("run_difference.order")
    blocks += [*_thresholds(crossings, names), doc.Paragraph(order, "small")]
    return doc.Document(title, date, blocks, subtitle=" → ".join(runs), kicker="Comparaison de deux études")


def _summary(changes: pd.DataFrame) -> list[doc.Block]:
    """Say how much of each indicator comes from each cause."""
    if changes.empty:
        return [doc.Callout("Rien n'a changé", ["Tous les indicateurs des deux études sont égaux."], "note")]
    rows = []
    for indicator, group in changes.groupby(level="indicator", sort=False):
        total = group[list(CAUSES)].abs().sum()
        shares = total / total.sum() if total.sum() > 0 else total
        parts = (f"{100 * share:.0f} %" for share in shares)
        rows.append([_label(str(indicator)), integer(len(group)), *parts])
    headers = ["Indicateur", "Valeurs changées", *(f"part : {name}" for name in CAUSES.values())]
    return [doc.DataTable(headers, rows, "Ce qui a changé, et la part de chaque cause.")]


def _largest(changes: pd.DataFrame, indicator: str, names: Mapping[str, str]) -> list[doc.Block]:
    """Return the table of the largest changes of one indicator."""
    group = changes[changes.index.get_level_values("indicator") == indicator]
    group = group[~(group["is_small_a"] | group["is_small_b"])]
    rows: list[list[str]] = []
    for row in group.reset_index().to_dict("records"):
        values = [_number(float(row[column]), indicator) for column in ("value_a", "value_b")]
        main = max(CAUSES, key=lambda cause, row=row: (abs(float(row[cause])), cause))  # type: ignore[misc]
        place, service = (names.get(str(row[key]), str(row[key])) for key in ("place", "service"))
        # a change that rounding hides is none to a reader
        if values[0] != values[1]:
            rows.append([place, service, *values, CAUSES[main]])
    if not rows:
        return []
    columns = "Commune ou EPCI <1 | Service ou public <1 | Avant >0 | Après >0 | Cause principale <0"
    return [doc.table(columns, rows[:MOST_ROWS], f"{_label(indicator)} : les plus grands changements.")]


def _thresholds(crossings: pd.DataFrame, names: Mapping[str, str]) -> list[doc.Block]:
    """List the communes that passed a threshold of time."""
    if crossings.empty:
        return [doc.Paragraph("Aucune commune ne passe un seuil de temps, ni dans un sens ni dans l'autre.")]
    rows = []
    for row in crossings.head(2 * MOST_ROWS).to_dict("records"):
        place, service = (names.get(str(row[key]), str(row[key])) for key in ("commune_code", "service"))
        way = "passe sous le seuil" if row["direction"] == "within" else "passe au-dessus"
        rows.append([place, service, f"{row['threshold_min']:g} min", way])
    said = count(len(crossings), "passage de seuil", "passages de seuil")
    return [doc.DataTable(["Commune", "Service", "Seuil", "Sens"], rows, f"{said} ; les premiers.")]


def _label(indicator: str) -> str:
    """Name an indicator."""
    if indicator in LABELS:
        return LABELS[indicator]
    if indicator.startswith("within_"):
        return f"Part des habitants à {indicator.split('_')[1]} min ou moins"
    _, effect, scenario = indicator.split("_", 2)
    return f"Scénario {scenario} : personnes, {CODES['effects'].get(effect, effect)}"


def _number(value: float, indicator: str) -> str:
    """Write a value in the precision of its indicator."""
    if np.isnan(value):
        return "inconnu"
    if indicator.endswith("_share"):
        return f"{decimal(100 * value, 1)} %"
    if indicator.endswith("_min"):
        return decimal(value, 1)
    return persons(value) if "persons" in indicator else integer(value)
