"""The measures that a scenario is compared on: rows of `Comparison.measures` and of what is handed over."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache

from territory.tables import codes
from territory.tables.declare import Column, Keyed, Secrecy
from territory.tables.keyed import YEAR


@dataclass(frozen=True)
class Measure:
    """One measure: its name, its unit, its French names, and what it counts.

    Attributes
    ----------
    name
        Value of the key `measure` in what is handed over.
    unit
        See `MEASURE_UNITS`.
    fr, fr_long
        French names: short with its unit (a terminal), and in a sentence. Keys between braces are those of the row.
    pattern
        Its name in `Comparison.measures`, keys included; that of the measure where it has none.
    is_compared
        Shown by `territory compare`.
    """

    name: str
    unit: str
    fr: str
    fr_long: str
    pattern: str = ""
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


def _persons(effect: str, short: str) -> Measure:
    """Declare the persons of one effect."""
    return Measure(f"persons_{effect}", "persons", f"{short} (pers.)", f"personnes : {codes.EFFECTS[effect]}")


_COSTS = {"year_vehicle_eur": ", véhicule", "year_staff_eur": ", temps de travail", "year_co2_kg": ", CO2"}
_QUANTITIES = {"min": "minutes par an", "km": "km par an", "kg": "kg de CO2 par an", "eur": "€ par an"}
_PARTS = {"year_vehicle_eur": "véhicule, ", "year_staff_eur": "temps de travail, "}


def _account(name: str, pattern: str) -> Measure:
    """Declare one quantity of the accounts of travel."""
    unit = name.rpartition("_")[2]
    return Measure(
        name,
        unit,
        f"Compte {{who}} : {_PARTS.get(name, '')}{_QUANTITIES[unit]} ({{bound}})",
        f"{{of_whom}}, par an{_COSTS.get(name, '')} ({{bound_long}})",
        "{who}_" + pattern,
        is_compared=False,
    )


MEASURES = (
    Measure("mean_time_min", "min", "Temps moyen (min)", "temps moyen"),
    Measure(
        "within_persons",
        "persons",
        "À {threshold} min ou moins (pers.)",
        "personnes à {threshold} min ou moins",
        "within_{threshold_min}_min_persons",
    ),
    Measure(
        "within_hab",
        "hab",
        "À {threshold} min ou moins (hab.)",
        "habitants à {threshold} min ou moins",
        "within_{threshold_min}_min_hab",
    ),
    Measure(
        "within_share",
        "share",
        "À {threshold} min ou moins (part)",
        "part des habitants à {threshold} min ou moins",
        "within_{threshold_min}_min_share",
        is_compared=False,
    ),
    Measure("time_gini", "index", "Gini des temps (0 à 1)", "inégalité des temps (Gini)"),
    Measure("epci_gap_min", "min", "Écart entre EPCI (min)", "écart entre EPCI extrêmes"),
    Measure(
        "beyond_share",
        "share",
        "À plus de {threshold} min (part)",
        "part des personnes au-delà de {threshold} min",
        "beyond_{threshold_min}_min_share",
    ),
    Measure(
        "beyond_gap",
        "index",
        "Dépassement moyen de {threshold} min (part)",
        "éloignement moyen au-delà de {threshold} min",
        "beyond_{threshold_min}_min_gap",
        is_compared=False,
    ),
    Measure(
        "beyond_severity",
        "index",
        "Dépassement de {threshold} min, au carré",
        "sévérité de l'éloignement au-delà de {threshold} min",
        "beyond_{threshold_min}_min_severity",
        is_compared=False,
    ),
    Measure("access_per_1000", "per_1000", "Places pour 1 000 à portée", "places accessibles"),
    Measure("unmet_persons", "persons", "Personnes sans place", "personnes sans place"),
    Measure(
        "in_desert_hab",
        "hab",
        "En désert, critère {criterion} (hab.)",
        "habitants en désert ({criterion})",
        "in_desert_{criterion}_hab",
        is_compared=False,
    ),
    _persons("gain", "Trajet plus court"),
    _persons("loss", "Trajet plus long"),
    _persons("indistinct", "Écart indistinct"),
    _persons("entering", "Entrent à portée"),
    _persons("leaving", "Hors de portée"),
    Measure("worst_loss_min", "min", "Pire perte (min)", "perte la plus forte"),
    *(_account(name, pattern) for name, (pattern, _) in YEAR.items()),
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
        "who": codes.WHO.get(str(who), ""),
        "of_whom": _OF_WHOM.get(str(who), ""),
        "bound": _SHORT_BOUNDS.get(str(bound), ""),
        "bound_long": codes.BOUNDS.get(str(bound), ""),
    }
    return (measure.fr_long if is_long else measure.fr).format(**said)


def _threshold(value: float) -> str:
    """Write a threshold as a reader does."""
    return f"{value:g}".replace(".", ",")
