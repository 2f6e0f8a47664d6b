"""Slow, independent versions of the measures of needs: person by person, year of age by year of age."""

from __future__ import annotations

Row = tuple[str, float, float, float]


def years(rows: list[Row]) -> dict[tuple[str, int], float]:
    """Return persons by commune and single year of age, each band spread evenly."""
    found: dict[tuple[str, int], float] = {}
    for code, low, high, persons in rows:
        for age in range(int(low), int(high) + 1):
            found[code, age] = persons / (high - low + 1)
    return found


def standardised(rows: list[Row], acts: dict[int, float], mean: float) -> dict[str, float]:
    """Weight each year of age of each commune by its acts."""
    found: dict[str, float] = {}
    for (code, age), persons in years(rows).items():
        found[code] = found.get(code, 0.0) + persons * acts[age] / mean
    return found


def projected(rows: list[Row], target: list[Row], zones: dict[str, str]) -> dict[tuple[str, int], float]:
    """Scale each year of age of each commune by its zone's projected over present persons of its band."""
    today = years(rows)
    found = {}
    for (code, age), persons in today.items():
        for zone, low, high, wanted in target:
            if zone == zones[code] and low <= age <= high:
                present = sum(
                    n for (other, year), n in today.items() if zones[other] == zone and low <= year <= high
                )
                found[code, age] = persons * wanted / present
    return found
