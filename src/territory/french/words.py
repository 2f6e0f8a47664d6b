"""French sentences from numbers: agreement, estimates of persons, ranges, changes of time, lists."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable

from territory.french.numbers import NBSP, NNBSP, UNKNOWN, integer, minutes, round_estimate


def count(number: float, singular: str, plural: str | None = None, *, none: str | None = None) -> str:
    """Write a count with its noun in agreement: French has a plural from two on."""
    if number == 0 and none is not None:
        return none
    many = plural if plural is not None else " ".join(f"{word}s" for word in singular.split(" "))
    return f"{integer(number)} {many if abs(number) >= 1.5 else singular}"


def persons(value: float, *, threshold: int = 11) -> str:
    """Write an estimated number of persons, rounded by its size, with "< 11" under the threshold."""
    if math.isnan(value):
        return UNKNOWN
    if value == 0:
        return "0"
    if value < threshold:
        return f"< {threshold}"
    return integer(max(round_estimate(value), threshold))


def about(value: float, *, threshold: int = 11) -> str:
    """Write an estimated number of persons with "près de" under it, "un peu plus de" over it, else "environ"."""
    if math.isnan(value):
        return f"un nombre {UNKNOWN} de"
    if value == 0:
        return "0"
    if value < threshold:
        return f"moins de {threshold}"
    text = persons(value, threshold=threshold)
    gap = max(round_estimate(value), threshold) - value
    if abs(gap) < 1e-3 * value:
        return f"environ {text}"
    return f"près de {text}" if gap > 0 else f"un peu plus de {text}"


def between(low: float, high: float, *, threshold: int = 11) -> str:
    """Write a range of estimated persons; one number when rounding makes both ends the same."""
    if math.isnan(low) or math.isnan(high):
        return f"un nombre {UNKNOWN} de"
    low, high = min(low, high), max(low, high)
    if high < threshold:
        return "0" if high == 0 else f"moins de {threshold}"
    if low < threshold:
        return f"au plus {persons(high, threshold=threshold)}"
    first, last = persons(low, threshold=threshold), persons(high, threshold=threshold)
    return f"environ {first}" if first == last else f"entre {first} et {last}"


def change(delta_min: float, *, is_distinguishable: bool = True) -> str:
    """Write a change of travel time; "non distinguable" when it is under the doubt."""
    if math.isnan(delta_min):
        return UNKNOWN
    if not is_distinguishable or round(abs(delta_min)) == 0:
        return "non distinguable"
    return f"{minutes(abs(delta_min))} de {'moins' if delta_min < 0 else 'plus'}"


def capital(text: str) -> str:
    """Start with a capital."""
    return text[:1].upper() + text[1:]


def join(items: Iterable[str], *, most: int | None = None, others: str = "autre") -> str:
    """Write a list with commas and "et"; past `most` items the rest is counted."""
    texts = list(items)
    if most is not None and len(texts) > most:
        texts = [*texts[:most], count(len(texts) - most, others)]
    if len(texts) < 2:
        return "".join(texts)
    return f"{', '.join(texts[:-1])} et {texts[-1]}"


# units glued to the number before them
_UNITS = r"(?:min|h|km|km²|m²|%|‰|€|M€|ans|places|habitants|enfants|communes|EPCI|pour)"

_SPACES = r"[ \u00a0\u202f]"
_RULES: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"\.\.\."), "…"),
    (re.compile(r"\b([Cc])oeur"), r"\1œur"),
    (re.compile(r"(?<=[^\W\d_])'(?=[^\W\d_])"), "’"),
    (re.compile(rf"(?<=\S){_SPACES}+(?=[;!?])"), NNBSP),
    (re.compile(rf"(?<=\S){_SPACES}+(?=[:»])"), NBSP),
    (re.compile(rf"«{_SPACES}+"), f"«{NBSP}"),
    (re.compile(rf"(?<=\d) (?={_UNITS}(?!\w))"), NBSP),
    (re.compile(r"(?<=\dh) (?=\d\d)"), NBSP),
    (re.compile(r"(?<=\d[ \u00a0]h) (?=\d\d(?!\d))"), NBSP),
    (re.compile(r"(?<!\w)(n°|p\.|art\.|±|<) (?=\d)"), rf"\1{NBSP}"),
)
_THOUSANDS = re.compile(r"(?<![\d,.])\d{1,3}(?: \d{3})+(?!\d)")


def typeset(text: str) -> str:
    """Apply French spacing to a finished text; meant for the output border, and safe to apply twice."""
    for pattern, replacement in _RULES:
        text = pattern.sub(replacement, text)
    return _THOUSANDS.sub(lambda found: found.group().replace(" ", NNBSP), text)
