"""What each measure is called in front of a council."""

from __future__ import annotations

import re

_FIXED = {
    "mean_time_min": "Temps moyen (min)",
    "time_gini": "Gini des temps (0 à 1)",
    "epci_gap_min": "Écart entre EPCI (min)",
    "access_per_1000": "Places pour 1 000 à portée",
    "unmet_persons": "Personnes sans place",
    "persons_gain": "Trajet plus court (pers.)",
    "persons_loss": "Trajet plus long (pers.)",
    "persons_indistinct": "Écart indistinct (pers.)",
    "persons_entering": "Entrent à portée (pers.)",
    "persons_leaving": "Hors de portée (pers.)",
    "worst_loss_min": "Pire perte (min)",
}
_PATTERNS = (
    (r"within_(\S+)_min_persons", "À {} min ou moins (pers.)"),
    (r"within_(\S+)_min_hab", "À {} min ou moins (hab.)"),
    (r"within_(\S+)_min_share", "À {} min ou moins (part)"),
    (r"beyond_(\S+)_min_share", "À plus de {} min (part)"),
    (r"beyond_(\S+)_min_gap", "Dépassement moyen de {} min (part)"),
    (r"beyond_(\S+)_min_severity", "Dépassement de {} min, au carré"),
    (r"in_desert_(\S+)_hab", "En désert, critère {} (hab.)"),
)
WHO = {"child": "enfant", "parent": "parent", "staff": "professionnels"}
_ACCOUNT = r"(child|parent|staff)_year_(?:(vehicle|staff|co2)_)?(direct|low|high)_(min|km|eur|kg)"
_SIDES = {"direct": "route directe", "low": "bas", "high": "haut"}
_WHAT = {"min": "minutes par an", "km": "km par an", "kg": "kg de CO2 par an", "eur": "€ par an"}


def measure_name(measure: str) -> str:
    """Return the French name of a measure of `side_by_side`, itself when it is not known.

    Examples
    --------
    >>> measure_name("within_30_min_persons"), measure_name("staff_year_vehicle_low_eur")
    ('À 30 min ou moins (pers.)', 'Compte professionnels : véhicule, € par an (bas)')
    """
    if measure in _FIXED:
        return _FIXED[measure]
    for pattern, text in _PATTERNS:
        if found := re.fullmatch(pattern, measure):
            return text.format(found[1].replace(".", ","))
    if found := re.fullmatch(_ACCOUNT, measure):
        part = {"vehicle": "véhicule, ", "staff": "temps de travail, "}.get(found[2] or "", "")
        return f"Compte {WHO[found[1]]} : {part}{_WHAT[found[4]]} ({_SIDES[found[3]]})"
    return measure
