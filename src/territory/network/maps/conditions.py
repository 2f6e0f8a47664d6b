"""Conditions of tags of OpenStreetMap, for ways and for turns alike: those that hold when trips are made."""

import re
from collections.abc import Sequence

# trips are made on a Tuesday at 10 in the morning
_DAYS, _DAY, _MINUTE_OF_DAY = ("mo", "tu", "we", "th", "fr", "sa", "su"), 1, 600
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_RANGE = r"\b({names}){rest}(?:\s*-\s*({names}){rest})?"
_MONTH_RANGE = re.compile(_RANGE.format(names="|".join(_MONTHS), rest=r"[a-z]*(?:\s*\d+)?\b"))
_DAY_RANGE = re.compile(_RANGE.format(names="|".join(_DAYS), rest=r"(?:[a-z]*day)?\b"))
_HOURS = re.compile(r"(\d{1,2}):(\d\d)\s*-\s*(\d{1,2}):(\d\d)")


def holds(condition: str) -> bool | int | None:
    """Tell whether a condition holds at the time of the trip; the bits of its months; None if it says anything else."""
    text = condition.strip().strip("()").lower()
    if text == "winter":
        text = "nov-apr"
    rest = _HOURS.sub("", text)
    months = _bits(_MONTH_RANGE, _MONTHS, rest)
    if months:
        return months if not _MONTH_RANGE.sub("", rest).strip(" ,") and rest == text else None
    days = _bits(_DAY_RANGE, _DAYS, rest)
    if re.sub(r"[\s,]|ph|sh|off", "", _DAY_RANGE.sub("", rest)) or not (days or rest != text):
        return None
    hours = [[int(part) for part in found] for found in _HOURS.findall(text)]
    at = [60 * one + two <= _MINUTE_OF_DAY < 60 * three + four if (one, two) <= (three, four)
          else not 60 * three + four <= _MINUTE_OF_DAY < 60 * one + two for one, two, three, four in hours]  # fmt: skip
    return (not days or bool(days >> _DAY & 1)) and (not hours or any(at))


def _bits(ranges: re.Pattern[str], names: Sequence[str], text: str) -> int:
    """Return a bit for each name in the ranges of a text."""
    bits = 0
    for first, last in ranges.findall(text):
        begin, end = names.index(first), names.index(last or first)
        for step in range((end - begin) % len(names) + 1):
            bits |= 1 << (begin + step) % len(names)
    return bits


def conditional(text: str, asides: list[str]) -> tuple[str, dict[str, int]]:
    """Return the value that the conditions of a text give at the time of the trip, and the months of seasonal ones."""
    value, seasons = "", {}
    for clause in re.split(r";(?![^(]*\))", text):
        one, at, condition = clause.partition("@")
        held = holds(condition) if at else None
        if held is None:
            asides.append("conditions (heure, temps, poids…) qui ne se lisent pas, ignorées")
        elif held is True:
            value = one.strip()
        elif held is not False:
            seasons[one.strip()] = held
    return value, seasons
