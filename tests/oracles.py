"""Slow, independent versions of the measures, in plain Python: what the fast ones are checked against."""

from __future__ import annotations

import math


def persons_by_age(bands: list[tuple[int, float, float]], age_min: int, age_max: int) -> float:
    """Count year of age by year of age; `bands` are (age_min, age_max inclusive, persons), all bounded."""
    total = 0.0
    for age in range(age_min, age_max + 1):
        holders = [band for band in bands if band[0] <= age <= band[1]]
        if len(holders) != 1 or math.isnan(holders[0][2]):
            return math.nan
        low, high, persons = holders[0]
        total += persons / (high - low + 1)
    return total


def gains_and_losses(rows: list[tuple[float, float, float, float]], limit: float) -> dict[str, float]:
    """Add up persons by effect; rows are (minutes today, minutes later, detectable minutes, persons)."""
    found = dict.fromkeys(("gain", "loss", "indistinct", "entering", "leaving"), 0.0)
    for today, later, detectable, persons in rows:
        if today > limit:
            if later <= limit:
                found["entering"] += persons
            continue
        change = later - today
        if change == 0 or abs(change) < detectable:
            found["indistinct"] += persons
        elif change < 0:
            found["gain"] += persons
        else:
            found["loss"] += persons
            found["leaving"] += persons if later > limit else 0.0
    return found
