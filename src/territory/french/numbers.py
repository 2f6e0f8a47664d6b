"""Numbers as French text: decimal comma, narrow no-break thousands, minutes, signs, ranges, no false precision."""

import itertools
import math

# no-break space, and the narrow one that French puts in thousands and before ; ! ?
NBSP = "\u00a0"
NNBSP = "\u202f"
MINUS = "\u2212"

UNKNOWN = "inconnu"
OUT_OF_REACH = "hors d'atteinte"

# rounding of estimated persons: below a bound, to the nearest step
_ESTIMATE_STEPS = ((100.0, 5), (2_000.0, 10), (20_000.0, 100), (200_000.0, 1_000), (math.inf, 10_000))


def integer(value: float) -> str:
    """Write a number without decimals, with narrow no-break thousands and a true minus sign."""
    if math.isnan(value):
        return UNKNOWN
    whole = math.floor(abs(value) + 0.5)
    return (MINUS if value < 0 and whole else "") + f"{whole:,}".replace(",", NNBSP)


def decimal(value: float, digits: int = 1) -> str:
    """Write a number with a decimal comma and a fixed count of decimals."""
    if math.isnan(value):
        return UNKNOWN
    text = f"{abs(value):,.{digits}f}".replace(",", NNBSP).replace(".", ",")
    is_zero = not any(character in "123456789" for character in text)
    return (MINUS if value < 0 and not is_zero else "") + text


def minutes(value: float) -> str:
    """Write a duration: minutes under one hour, then hours and minutes."""
    if math.isnan(value):
        return UNKNOWN
    if math.isinf(value):
        return OUT_OF_REACH
    whole = math.floor(abs(value) + 0.5)
    sign = MINUS if value < 0 and whole else ""
    if whole == 0:
        return f"0{NBSP}min" if value == 0 else "moins d'une minute"
    if whole < 60:
        return f"{sign}{whole}{NBSP}min"
    rest = f"{NBSP}{whole % 60:02d}" if whole % 60 else ""
    return f"{sign}{whole // 60}{NBSP}h{rest}"


def from_to(before: float, after: float) -> str:
    """Write two durations, the unit once where both are under one hour ("11 → 41 min"), "?" where one is unknown."""
    first, last = ("?" if math.isnan(value) else minutes(value) for value in (before, after))
    unit = f"{NBSP}min"
    return f"{first.removesuffix(unit) if last.endswith(unit) else first} → {last}"


def signed(value: float, digits: int = 0) -> str:
    """Write a change with its sign, without decimals unless asked ("+6", "-4", "0", "+6,3")."""
    text = decimal(value, digits) if digits else integer(value)
    return f"+{text}" if value > 0 and text.strip("0,") else text


def share(value: float) -> str:
    """Write a share from 0 to 1 as a percentage, never rounding to a false "none" or "all"."""
    if math.isnan(value):
        return UNKNOWN
    if 0 < value < 0.005:
        return f"moins de 1{NBSP}%"
    return f"plus de 99{NBSP}%" if 0.995 <= value < 1 else f"{integer(100 * value)}{NBSP}%"


def round_estimate(value: float) -> float:
    """Round an estimated number of persons by its size, so that it never looks more certain than it is."""
    if math.isnan(value):
        return value
    step = next(step for bound, step in _ESTIMATE_STEPS if abs(value) < bound)
    return math.copysign(math.floor(abs(value) / step + 0.5) * step, value)


def class_labels(breaks: list[float], *, unit: str = "min") -> list[str]:
    """Name the classes that inclusive upper bounds make ("jusqu'à 15 min", "plus de 15 à 30 min", "plus de 60 min")."""
    after = f"{NBSP}{unit}" if unit else ""
    texts = [
        integer(value) if value == round(value) else f"{value:g}".replace(".", ",").replace("-", MINUS)
        for value in breaks
    ]
    between = [f"plus de {low} à {high}{after}" for low, high in itertools.pairwise(texts)]
    return [f"jusqu'à {texts[0]}{after}", *between, f"plus de {texts[-1]}{after}"]
