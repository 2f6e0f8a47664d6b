"""The numbers of a map, commune by commune, in a narrow table on two columns."""

from __future__ import annotations

import math

import pandas as pd

from territory.french.words import change, integer, minutes
from territory.release.gate import TODAY
from territory.report.layout.document import Block, DataTable
from territory.report.reading.moves import Move
from territory.report.reading.run_reading import Reading

# a short table is not cut in two
_SHORT = 6


def change_table(
    reading: Reading, move: Move, codes: pd.Index, *, most: int, told_only: bool = False
) -> list[Block]:
    """Return the change of travel time of some communes, the largest first."""
    rows = reading.differences(move.scenario_id, move.services[0]).reindex(codes)
    if told_only:
        rows = rows[rows["effect"].isin(["gain", "loss"])]
    total = len(rows)
    order = rows.assign(
        size=rows["delta_travel_time_min"].abs().fillna(-1.0),
        name=reading.communes["name"].reindex(rows.index),
    )
    order = order.sort_values(["size", "name"], ascending=[False, True], kind="stable").head(most)
    cells = [
        [
            reading.commune(str(code)),
            f"{_minutes(row['baseline_travel_time_min'])} → {_minutes(row['scenario_travel_time_min'])}",
            _effect(row),
        ]
        for code, row in order.iterrows()
    ]
    name = f"{reading.labels(move.services)}, d'aujourd'hui au scénario {move.scenario_id}"
    return [_in_two(cells, ["Commune", "Temps de route", "Écart"], f"{name}.", total)] if cells else []


_ROUNDED = (
    "L'écart est calculé avant d'arrondir les temps : il peut différer d'une minute de leur différence."
)


def today_table(reading: Reading, codes: pd.Index, *, most: int) -> list[Block]:
    """Return today's times of some communes to the first service of the study, the longest first."""
    services = [*reading.named, *reading.closest]
    if not services:
        return []
    times = reading.times(TODAY, services[0]).reindex(codes)["travel_time_min"]
    people = reading.communes["population"].reindex(codes)
    order = times.sort_values(ascending=False, kind="stable").index[:most]
    cells = [[reading.commune(str(c)), _whole(float(people[c])), _minutes(float(times[c]))] for c in order]
    caption = f"Temps de route d'aujourd'hui, {reading.label(services[0])}."
    return [_in_two(cells, ["Commune", "Habitants", "Temps"], caption, len(codes))]


def _effect(row: pd.Series) -> str:
    """Say what the difference is for one commune."""
    if row["effect"] in ("gain", "loss", "indistinct"):
        return change(float(row["delta_travel_time_min"]), is_distinguishable=row["effect"] != "indistinct")
    return {"entering": "passe à portée", "outside": "hors périmètre"}.get(str(row["effect"]), "inconnu")


def _minutes(value: float) -> str:
    """Write minutes, a question mark when they are unknown."""
    return "?" if math.isnan(float(value)) else minutes(float(value))


def _whole(value: float) -> str:
    """Write a whole number, or that it is unknown."""
    return "inconnu" if math.isnan(value) else integer(value)


def _in_two(cells: list[list[str]], heads: list[str], caption: str, total: int) -> DataTable:
    """Put a narrow table on two columns."""
    half = -(-len(cells) // 2) if len(cells) > _SHORT else len(cells)
    left, right = cells[:half], cells[half:]
    note = (
        ""
        if total <= len(cells)
        else f"Les {len(cells)} communes les plus concernées sur {total} ; toutes sont dans l'annexe et le classeur."
    )
    if "Écart" in heads:
        # 35 min → 13 min, 23 min de moins: a reader who subtracts must know why
        note = f"{note} {_ROUNDED}".strip()
    if not right:
        return DataTable(heads, left, caption, align=["left", "right", "right"], note=note)
    right = [*right, *([[""] * len(heads)] * (len(left) - len(right)))]
    return DataTable(
        [*heads, *heads],
        [[*one, *two] for one, two in zip(left, right, strict=True)],
        caption,
        align=["left", "right", "right", "left", "right", "right"],
        widths=[1.5, 1.15, 1.15, 1.5, 1.15, 1.15],
        note=note,
    )
