"""Charts of a report, each with its caption and the words that say what it shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from territory.french.numbers import class_labels
from territory.french.words import persons, share
from territory.plot import style
from territory.plot.charts.bars_and_dots import before_and_after, gainers_and_losers, needs_with_range
from territory.plot.maps.categories import time_classes
from territory.report.chapters.pictures import breaks_of
from territory.report.layout.document import Picture

if TYPE_CHECKING:
    from collections.abc import Sequence

    from territory.report.reading.moves import Move
    from territory.report.reading.run_reading import Reading


def effects_chart(reading: Reading, move: Move, zones: Sequence[str]) -> Picture:
    """Draw gainers and losers by zone."""
    found = reading.counts(move.scenario_id, move.services[0])
    noun = reading.noun(move.services[0], is_observed=found.is_observed).split(" ")[0]
    table = found.persons.loc[list(zones), ["gain", "loss", "indistinct"]]
    table = table.add_prefix("persons_")
    for effect in ("gain", "loss", "indistinct"):
        table[f"text_{effect}"] = [found.text(zone, effect) for zone in zones]
    table = table.set_axis([reading.zone(zone) for zone in zones], axis=0)
    parts = []
    for zone in zones:
        gain, loss = found.text(zone, "gain"), found.text(zone, "loss")
        parts.append(f"{reading.zone(zone)} : gagnent {gain}, perdent {loss}")
    return Picture(
        style.to_svg(gainers_and_losers(table, noun=noun)),
        alt=f"Graphique en barres, par EPCI. {' ; '.join(parts)}.",
        caption=f"Scénario {move.scenario_id} : qui gagne et qui perd, par EPCI ({reading.labels(move.services)}).",
        kind="Figure",
    )


def distribution_chart(reading: Reading, move: Move) -> Picture | None:
    """Draw the share of persons of today's area in each class of time, before and after; None when unknown."""
    rows = reading.differences(move.scenario_id, move.services[0])
    rows = rows[rows["is_in_area"] & rows["persons"].notna()]
    total = float(rows["persons"].sum())
    if total <= 0 or (rows["persons_kind"] == "observed").any():
        return None
    bounds = breaks_of(reading)
    shares = {}
    for side, column in (("before", "baseline_travel_time_min"), ("after", "scenario_travel_time_min")):
        keys = time_classes(rows[column], breaks=bounds).keys
        shares[side] = (
            rows["persons"].groupby(keys).sum().reindex([f"class{i}" for i in range(len(bounds) + 1)])
        )
    table = (pd.DataFrame(shares).fillna(0.0) / total).set_axis(class_labels(bounds), axis=0)
    table = table[(table > 0).any(axis=1)]
    names = ("Aujourd'hui", f"Scénario {move.scenario_id}")
    parts = [f"{label} : {share(before)} avant, {share(after)} après" for label, (before, after) in
             zip(table.index, table[["before", "after"]].to_numpy(dtype=float).tolist(), strict=True)]  # fmt: skip
    noun = reading.noun(move.services[0])
    return Picture(
        style.to_svg(before_and_after(table, names=names)),
        alt=f"Graphique en barres des {noun} à portée aujourd'hui, selon le temps de route. {' ; '.join(parts)}.",
        caption=f"Temps de route des {noun} à portée aujourd'hui ({reading.labels(move.services)}).",
        kind="Figure",
    )


def needs_chart(reading: Reading, label: str, needs: pd.DataFrame) -> Picture:
    """Draw the needs of a public by zone with their range."""
    named = needs.set_axis([reading.zone(str(zone)) for zone in needs.index], axis=0)
    parts = [
        f"{name} : {persons(central)} (de {persons(low)} à {persons(high)})"
        for name, (low, central, high) in zip(named.index, named.to_numpy(dtype=float).tolist(), strict=True)
    ]
    return Picture(
        style.to_svg(
            needs_with_range(named, label="personnes, estimation centrale (losange) et fourchette (barre)")
        ),
        alt=f"Graphique par EPCI, {label}. {' ; '.join(parts)}.",
        caption=f"{label}, par EPCI.",
        kind="Figure",
    )
