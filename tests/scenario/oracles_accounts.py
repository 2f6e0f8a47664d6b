"""Slow versions of the measures of a comparison, one person or one trip after the other, in plain Python."""

from __future__ import annotations

import math
from collections.abc import Sequence


def year_of_one_child(
    minutes: float,
    kilometres: float,
    *,
    returns: int,
    factor: float,
    eur_per_trip: float = 0.0,
    included_km: float = 0.0,
    eur_per_km: float = math.nan,
    co2_per_km: float = math.nan,
    hour_eur: float = math.nan,
    board: float = 1.0,
) -> dict[str, float]:
    """Drive every trip of the year."""
    year = dict.fromkeys(("min", "km", "vehicle_eur", "staff_eur", "co2_kg"), 0.0)
    for _ in range(returns):
        for _way in ("there", "back"):
            road = kilometres * factor
            year["min"] += minutes * factor
            year["km"] += road
            beyond = road - included_km if road > included_km else 0.0
            year["vehicle_eur"] += (eur_per_trip + beyond * eur_per_km) / board
            year["staff_eur"] += minutes * factor / 60 * hour_eur
            year["co2_kg"] += road * co2_per_km / board
    return year


def mean_time(times: Sequence[float], persons: Sequence[int]) -> float:
    """Average the time of each person."""
    everybody = [time for time, count in zip(times, persons, strict=True) for _ in range(count)]
    return sum(everybody) / len(everybody)


def gini(times: Sequence[float], persons: Sequence[int]) -> float:
    """Compare every person with every other."""
    everybody = [time for time, count in zip(times, persons, strict=True) for _ in range(count)]
    mean = sum(everybody) / len(everybody)
    gaps = sum(abs(one - other) for one in everybody for other in everybody)
    return gaps / (2 * len(everybody) ** 2 * mean)


def poverty(times: Sequence[float], persons: Sequence[int], line: float, alpha: int) -> float:
    """Add up how far each person beyond the line is."""
    everybody = [time for time, count in zip(times, persons, strict=True) for _ in range(count)]
    return sum(((time - line) / line) ** alpha for time in everybody if time > line) / len(everybody)


def annuity_by_bisection(capital: float, years: int, rate: float) -> float:
    """Find the payment that brings a debt to nothing at the end of the last year."""
    low, high = 0.0, 2 * capital
    for _ in range(200):
        payment = (low + high) / 2
        debt = capital
        for _year in range(years):
            debt = debt * (1 + rate) - payment
        low, high = (payment, high) if debt > 0 else (low, payment)
    return payment
