"""The measures that scenarios are compared on (`measures.csv`): rows of `Comparison.measures` and of what leaves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache

from territory.tables.codes import CODES, lines_of
from territory.tables.declare import Column, Keyed, Secrecy


@dataclass(frozen=True)
class Measure:
    """One measure: its name, its unit, its French names, and what it counts."""

    name: str
    unit: str
    # short with its unit, and in a sentence; keys between braces are those of the row
    fr: str
    fr_long: str
    # its name in `Comparison.measures`, keys included; that of the measure where it has none
    pattern: str = ""
    # shown by `territory compare`
    is_compared: bool = True

    @cached_property
    def keyed(self) -> Keyed:
        """How its name in memory is made and read."""
        return Keyed(self.pattern or self.name, Column(self.name, self.fr, self.fr_long, "number"))

    @property
    def secrecy(self) -> Secrecy:
        """What it counts: persons, or a mean over them."""
        return Secrecy.ESTIMATE if self.unit == "persons" else Secrecy.MEAN

    @property
    def decimals(self) -> int:
        """Decimals that its unit can bear."""
        return DECIMALS[self.unit]


# decimals that the unit of a measure can bear, and those that a terminal shows
DECIMALS = {
    "min": 1,
    "km": 1,
    "share": 4,
    "index": 4,
    "per_1000": 2,
    "persons": 0,
    "hab": 0,
    "eur": 0,
    "kg": 0,
}
SHOWN_DECIMALS = {**DECIMALS, "share": 2, "index": 2}


MEASURES = tuple(
    Measure(
        **{name: line[name] for name in ("name", "unit", "fr", "fr_long", "pattern")},
        is_compared=line["is_compared"] == "yes",
    )
    for line in lines_of("measures.csv")
)
BY_NAME = {measure.name: measure for measure in MEASURES}
# keys that a row of a measure may have
KEYS = ("threshold_min", "criterion", "who", "bound")
_OF_WHOM = {"child": "route d'un enfant", "parent": "route d'un parent", "staff": "route des professionnels"}
_SHORT_BOUNDS = {"direct": "route directe", "low": "bas", "high": "haut"}


@lru_cache(maxsize=4096)
def read_measure(name: str) -> tuple[Measure, dict[str, str]]:
    """Return the measure of a row of `Comparison.measures`, and the keys that its name holds."""
    for measure in MEASURES:
        keys = measure.keyed.keys(name)
        if keys is not None:
            return measure, keys
    raise KeyError(name)


def measure_label(name: str, keys: Mapping[str, object] | None = None, *, is_long: bool = False) -> str:
    """Return the French name of a measure for the keys of a row."""
    measure = BY_NAME[name]
    known = {key: value for key, value in (keys or {}).items() if value is not None and value == value}
    threshold, who, bound = (known.get(key) for key in ("threshold_min", "who", "bound"))
    said = {
        "threshold": "" if threshold is None else _threshold(float(str(threshold))),
        "criterion": known.get("criterion", ""),
        "who": CODES["who"].get(str(who), ""),
        "of_whom": _OF_WHOM.get(str(who), ""),
        "bound": _SHORT_BOUNDS.get(str(bound), ""),
        "bound_long": CODES["bounds"].get(str(bound), ""),
    }
    return (measure.fr_long if is_long else measure.fr).format(**said)


def _threshold(value: float) -> str:
    """Write a threshold as a reader does."""
    return f"{value:g}".replace(".", ",")
