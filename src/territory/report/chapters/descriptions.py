"""The words that stand for a map, written from its numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from territory.french.words import change, count, join, minutes
from territory.plot.maps.categories import Classes

if TYPE_CHECKING:
    from territory.report.reading.run_reading import Reading


def describe_times(reading: Reading, values: pd.Series, classes: Classes, title: str) -> str:
    """Say in words what a map of times shows."""
    sizes = classes.keys.value_counts()
    parts = [
        f"{category.label} : {count(int(sizes[category.key]), 'commune')}"
        for category in classes.legend
        if category.key in sizes
    ]
    text = f"Carte de {count(len(values), 'commune')}. {title}. {' ; '.join(parts)}."
    known = values.dropna()
    if known.empty:
        return text
    near, far = str(known.idxmin()), str(known.idxmax())
    return (
        f"{text} Le plus près : {reading.commune(near)}, {minutes(float(known.min()))} ; "
        f"le plus loin : {reading.commune(far)}, {minutes(float(known.max()))}."
    )


def describe_change(reading: Reading, rows: pd.DataFrame, title: str) -> str:
    """Say in words what a map of changes shows."""
    words = {
        "gain": "trajet plus court",
        "loss": "trajet plus long",
        "indistinct": "écart non distinguable",
        "entering": "passerait à portée",
        "outside": "hors du périmètre",
        "unknown": "inconnu",
    }
    sizes = rows["effect"].value_counts()
    parts = [f"{text} : {count(int(sizes[key]), 'commune')}" for key, text in words.items() if key in sizes]
    extremes = []
    for effect, largest in (("gain", False), ("loss", True)):
        values = (
            rows.loc[rows["effect"] == effect, "delta_travel_time_min"].dropna().sort_values(kind="stable")
        )
        if len(values):
            code = str(values.index[-1 if largest else 0])
            extremes.append(f"{reading.commune(code)} ({change(float(values[code]))})")
    ends = f" Écarts extrêmes : {join(extremes)}." if extremes else ""
    return f"Carte. {title} {join(parts)}.{ends}"
