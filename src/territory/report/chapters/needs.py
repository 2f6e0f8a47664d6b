"""Needs of each public by EPCI, with their range and what they cannot be compared with."""

from __future__ import annotations

import math
from collections.abc import Iterable

import pandas as pd

from territory.french.numbers import integer
from territory.french.words import between, persons
from territory.report.chapters import pictures
from territory.report.chapters.moves import zone_name
from territory.report.layout.document import Block, Callout, DataTable, Heading, Paragraph, table
from territory.report.reading import Reading
from territory.scenario.zones import ALL_TERRITORY

_THRESHOLD = 11
_KINDS = {
    "prevalence": "prévalence : personnes concernées",
    "rights": "droits ouverts",
    "orientation": "orientations en cours",
    "waiting": "personnes en attente",
    "population": "population",
}
_COMPARABLE = ("orientation", "waiting")


def needs(reading: Reading) -> list[Block]:
    """Return the needs of each public by EPCI with their range and their cautions."""
    stated = reading.study.need
    if not stated or reading.release.demand.empty:
        return []
    blocks: list[Block] = [Heading("Combien de personnes sont concernées ?")]
    if not any(need.kind in _COMPARABLE for need in stated):
        blocks.append(
            Callout(
                "Ces nombres ne se comparent pas à des places",
                [
                    "Une prévalence ou un droit ouvert compte des personnes concernées, non des demandes "
                    "de place. Seules les orientations en cours et les listes d'attente peuvent être "
                    "rapprochées de places ; elles ne sont pas connues ici."
                ],
                "warning",
            )
        )
    tables = {need.public: _by_zone(reading, need.public) for need in stated}
    for need in stated:
        low, central, high = (
            float(tables[need.public][column][ALL_TERRITORY]) for column in ("low", "central", "high")
        )
        total = (
            f"{between(low, high)}, estimation centrale {persons(central)}"
            if need.known_total is None
            else f"{integer(need.known_total)}, total observé"
        )
        text = f"{reading.study.territory.name} : {total} ({_KINDS[need.kind]}). {need.caution} Source : {need.source}."
        blocks += [Heading(need.label, 2), Paragraph(text)]
    first = stated[0]
    zones = tables[first.public].drop(ALL_TERRITORY)
    if len(zones):
        blocks.append(pictures.needs_chart(reading, first.label, zones))
    blocks.append(_table(reading, tables))
    return blocks


def _by_zone(reading: Reading, public: str) -> pd.DataFrame:
    """Return low, central and high by zone of the territory, the largest first, and the whole."""
    rows = reading.release.demand
    rows = rows[rows.index.get_level_values("public") == public].droplevel("public")
    rows = rows[["demand_low", "demand", "demand_high"]].set_axis(["low", "central", "high"], axis=1)
    rows = rows.reindex(reading.territory.index)
    grouped: pd.DataFrame = rows.groupby(reading.territory["epci_code"].fillna("")).sum(min_count=1)
    grouped = grouped.sort_values("central", ascending=False, kind="stable")
    grouped.loc[ALL_TERRITORY] = rows.sum(min_count=1)
    return grouped


def _table(reading: Reading, tables: dict[str, pd.DataFrame]) -> DataTable:
    """Return every public by EPCI; an observed total replaces the sum of its estimates."""
    known = {need.public: need.known_total for need in reading.study.need}
    rows = []
    for zone in next(iter(tables.values())).index:
        cells = []
        for public, found in tables.items():
            low, central, high = (float(found[column][zone]) for column in ("low", "central", "high"))
            total = known[public]
            if zone == ALL_TERRITORY and total is not None:
                cells += [integer(total), "observé"]
            else:
                cells += [persons(central), range_text(low, high)]
        rows.append([zone_name(reading, str(zone)), *cells])
    return table(
        ["EPCI <2", *need_heads(tables)],
        rows,
        "Personnes concernées par EPCI : estimation centrale et fourchette.",
        strong_rows=[len(rows) - 1],
        note="Estimations arrondies ; « < 11 » : moins de onze personnes. Communes du territoire seulement.",
    )


def need_heads(publics: Iterable[str], *, wide: float = 1.2) -> list[str]:
    """Declare the two columns of each public: its central estimate and its range."""
    names = [public.upper() if len(public) < 5 else public.capitalize() for public in publics]
    return [head for name in names for head in (f"{name} >0.8", f"de … à … >{wide}")]


def range_text(low: float, high: float) -> str:
    """Write a range in a cell, "< 11" when nothing more can be printed."""
    if math.isnan(low) or math.isnan(high):
        return "inconnu"
    if high < _THRESHOLD:
        return persons(high)
    return f"au plus {persons(high)}" if low < _THRESHOLD else f"{persons(low)} à {persons(high)}"
