"""Slow plain-Python versions of every access measure, written from the formulas alone."""

from __future__ import annotations

import math

Times = dict[tuple[str, str], float]


def closest(times: Times, origin: str, k: int) -> list[tuple[str, float]]:
    """The k closest sites of an origin, equal times by name."""
    known = [
        (minutes, site) for (a, site), minutes in times.items() if a == origin and not math.isnan(minutes)
    ]
    return [(site, minutes) for minutes, site in sorted(known)[:k]]


def is_within(times: Times, origin: str, threshold: float) -> bool | None:
    """Yes, no, or None when only an unknown time could say yes."""
    found = [minutes for (a, _), minutes in times.items() if a == origin]
    if any(minutes <= threshold for minutes in found):
        return True
    return None if any(math.isnan(minutes) for minutes in found) else False
