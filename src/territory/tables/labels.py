"""French names of the columns of published tables, with their unit, and of the codes that they hold."""

from __future__ import annotations

import re

from territory.tables.label_words import WORDS
from territory.tables.service_names import SERVICE_NAMES

# unit of a column, by the end of its name; the longest end that fits
_UNITS = {
    "_hab_km2": "hab./km²",
    "_km2": "km²",
    "_per_1000": "pour 1 000",
    "_per_year": "par an",
    "_min": "min",
    "_km": "km",
    "_hab": "habitants",
    "_eur": "€",
    "_kg": "kg",
    "_months": "mois",
    "_share": "part de 0 à 1",
    "_m": "m",
}

_SIDES = {
    "baseline_": "aujourd'hui",
    "today_": "aujourd'hui",
    "scenario_": "scénario",
    "delta_": "écart",
}
_EFFECTS = {
    "gain": "trajet plus court",
    "loss": "trajet plus long",
    "indistinct": "écart non distinguable",
    "entering": "passent à portée",
    "leaving": "sortent de la portée",
    "shorter": "trajet plus court dans les tirages",
    "longer": "trajet plus long dans les tirages",
    "doubtful": "douteux dans les tirages",
    "unknown": "temps inconnu",
    "outside": "hors du périmètre",
}
_CODES = {
    **_EFFECTS,
    "named": "site d'un service nommé",
    "closest": "site le plus proche",
    "prevalence": "personnes concernées (prévalence)",
    "rights": "droits ouverts",
    "orientation": "orientations en cours",
    "age": "habitants de l'âge concerné (estimation)",
    "observed": "enfants accompagnés (observés)",
    "child": "enfant",
    "parent": "parent",
    "staff": "professionnels",
    "territory": "ensemble",
    "departement": "département",
    "epci": "EPCI",
    "commune": "commune",
    "places": "places",
    "file_active": "file active",
    "etp": "équivalents temps plein",
    "consultations_per_year": "consultations par an",
    "seances_per_year": "séances par an",
    "internat": "internat",
    "semi_internat": "semi-internat",
    "ambulatoire": "ambulatoire",
    "milieu_ordinaire": "milieu ordinaire",
    "tous_modes": "tous modes d'accueil",
    "chef_lieu": "chef-lieu",
    "weighted": "centre de population",
    "inside": "point dans la commune",
    "address": "adresse",
    "default": "valeur par défaut",
    "secret": "secret statistique",
    "consultations_per_hab": "consultations par habitant",
    "min": "minutes",
    "persons": "personnes",
    "hab": "habitants",
    "share": "part de 0 à 1",
    "index": "indice de 0 à 1",
    "per_1000": "pour 1 000",
    "mean_time_min": "temps moyen",
    "time_gini": "inégalité des temps (Gini)",
    "epci_gap_min": "écart entre EPCI extrêmes",
    "access_per_1000": "places accessibles",
    "unmet_persons": "personnes sans place",
    "worst_loss_min": "perte la plus forte",
    "practitioners_per_100000_hab": "praticiens pour 100 000 habitants",
    "groups": "groupement",
    "join": "adhésion au groupement hospitalier",
    "public": "public",
    "private_non_profit": "privé non lucratif",
    "commercial": "commercial",
    "True": "oui",
    "False": "non",
}
# a year on the road: whose, how it is counted, and of what
_WHOSE = {"child": "route d'un enfant", "parent": "route d'un parent", "staff": "route des professionnels"}
_BOUNDS = {"direct": "sans détour", "low": "hypothèse basse", "high": "hypothèse haute"}
_COSTS = {"vehicle": ", véhicule", "staff": ", temps de travail", "co2": ", CO2"}
_FAR = {"share": "part des personnes", "gap": "éloignement moyen", "severity": "sévérité de l'éloignement"}
# columns whose codes are translated; names and free texts never are
_CODED = (
    *("effect", "measure", "kind", "persons_kind", "who", "level", "capacity_unit", "reception_mode", "mode"),
    *("point_kind", "point_precision", "unit", "ages_origin", "zone"),
    *("option", "legal_status"),
)


def column_label(name: str) -> str:
    """Return the French name of a column, its unit last.

    Examples
    --------
    >>> column_label("delta_travel_time_min"), column_label("persons_gain")
    ('Temps de route, aller simple, écart (min)', 'Personnes : trajet plus court')
    >>> column_label("within_30_min_share"), column_label("B_value")
    ('Habitants à 30 min ou moins (part de 0 à 1)', 'Scénario B : valeur')
    """
    if name in WORDS:
        return WORDS[name]
    for prefix, what in (("persons_", "Personnes"), ("communes_", "Communes")):
        if name.startswith(prefix) and name.removeprefix(prefix) in _EFFECTS:
            return f"{what} : {_EFFECTS[name.removeprefix(prefix)]}"
    if found := re.fullmatch(r"within_(\d+)_min(_unknown)?_(hab|share|persons)", name):
        unit = {"hab": "habitants", "share": "part de 0 à 1", "persons": "personnes"}[found[3]]
        unknown = ", temps inconnu" if found[2] else ""
        return f"Habitants à {found[1]} min ou moins{unknown} ({unit})"
    if found := re.fullmatch(r"persons_beyond_(\d+)_min", name):
        return f"Personnes à plus de {found[1]} min"
    for prefix, side in _SIDES.items():
        if name.startswith(prefix):
            text, unit = _base(name.removeprefix(prefix))
            return f"{text}, {side}{unit}"
    if found := re.fullmatch(
        r"([A-Za-z0-9-]+)_(value|delta|delta_low|delta_high|is_distinguishable|note|better_share|worse_share)",
        name,
    ):
        return f"Scénario {found[1]} : {WORDS[found[2]][:1].lower()}{WORDS[found[2]][1:]}"
    return "".join(_base(name))


def _base(name: str) -> tuple[str, str]:
    """Return the words of a name and its unit between brackets."""
    if name in WORDS:
        return WORDS[name], ""
    for end, unit in _UNITS.items():
        if name.endswith(end):
            stem = name.removesuffix(end)
            words = WORDS.get(stem, stem.replace("_", " ").capitalize())
            # a word that already says a unit takes that of the column
            return re.sub(r" \([^)]*\)$", "", words), f" ({unit})"
    return name.replace("_", " ").capitalize(), ""


def is_coded(column: str) -> bool:
    """Tell whether the values of a column are codes that have a French name.

    Examples
    --------
    >>> is_coded("effect"), is_coded("commune_name")
    (True, False)
    """
    return column in _CODED or column.endswith(("_capacity_unit", "_mode"))


def value_label(code: str) -> str:
    """Return the French name of a code; a text that is no code is returned as it is.

    Examples
    --------
    >>> value_label("indistinct"), value_label("within_30_min_persons"), value_label("Aups")
    ('écart non distinguable', 'personnes à 30 min ou moins', 'Aups')
    >>> value_label("persons_gain"), value_label("child_year_low_min")
    ('personnes : trajet plus court', "route d'un enfant, par an (hypothèse basse)")
    """
    if found := re.fullmatch(r"within_(\d+)_min_(hab|share|persons)", code):
        what = {"hab": "habitants", "share": "part des habitants", "persons": "personnes"}[found[2]]
        return f"{what} à {found[1]} min ou moins"
    if found := re.fullmatch(r"beyond_(\d+)_min_(share|gap|severity)", code):
        return f"{_FAR[found[2]]} au-delà de {found[1]} min"
    if (found := re.fullmatch(r"persons_(\w+)", code)) and found[1] in _EFFECTS:
        return f"personnes : {_EFFECTS[found[1]]}"
    if found := re.fullmatch(
        r"(child|parent|staff)_year_(?:(vehicle|staff|co2)_)?(direct|low|high)_(?:min|km|eur|kg)", code
    ):
        return f"{_WHOSE[found[1]]}, par an{_COSTS.get(found[2], '')} ({_BOUNDS[found[3]]})"
    if found := re.fullmatch(r"in_desert_(\w+)_hab", code):
        return f"habitants en désert ({found[1]})"
    return _CODES.get(code, SERVICE_NAMES.get(code, code))
