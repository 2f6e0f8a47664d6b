"""French names of the columns of published tables, with their unit, and of the codes that they hold."""

from __future__ import annotations

import re

from territory.report.reading import SERVICE_NAMES

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

_WORDS = {
    "commune_code": "Code commune",
    "commune_name": "Commune",
    "name": "Nom",
    "departement_code": "Département",
    "epci_code": "Code EPCI",
    "epci_name": "EPCI",
    "population": "Population (habitants)",
    "area": "Superficie",
    "density": "Densité",
    "point_kind": "Point retenu",
    "in_territory": "Dans le territoire",
    "general_practitioners": "Médecins généralistes (nombre)",
    "site_id": "Code du site",
    "to_id": "Code du site d'arrivée",
    "category_code": "Catégorie FINESS",
    "operator_id": "Code de l'organisme gestionnaire",
    "operator_name": "Organisme gestionnaire",
    "point_precision": "Précision du point",
    "source": "Source",
    "doubt": "Réserve",
    "service": "Service",
    "authorisation_id": "Autorisation",
    "capacity": "Capacité",
    "capacity_unit": "Unité de la capacité",
    "public": "Public",
    "age": "Âge",
    "age_min": "Âge minimal (ans)",
    "age_max": "Âge maximal (ans)",
    "ages_origin": "Origine des âges",
    "reception_mode": "Mode d'accueil",
    "delivered_at_home": "Au domicile de l'enfant",
    "is_complete_list": "Liste complète des sites",
    "holder": "Titulaire",
    "measure": "Mesure",
    "travel_time": "Temps de route, aller simple",
    "uncertainty": "Doute sur le temps, ±",
    "distance": "Distance",
    "is_reachable": "À portée de route",
    "edge_time": "Temps jusqu'au bord des données",
    "could_be_closer_outside": "Un site hors des données pourrait être plus proche",
    "zone": "Code de la zone",
    "zone_name": "Zone",
    "demand": "Estimation (personnes)",
    "demand_hab": "Population (habitants)",
    "demand_low": "Estimation basse (personnes)",
    "demand_high": "Estimation haute (personnes)",
    "kind": "Ce qui est compté",
    "scenario": "Scénario",
    "detectable": "Écart visible à partir de",
    "is_distinguishable": "Écart distinguable",
    "persons": "Personnes",
    "persons_kind": "Personnes comptées",
    "is_in_area": "À portée aujourd'hui",
    "is_in_scenario_area": "À portée dans le scénario",
    "effect": "Effet",
    "mean": "Temps moyen",
    "mean_time": "Temps moyen",
    "worst_time": "Temps le plus long",
    "worst_loss": "Perte la plus forte",
    "worst_loss_commune": "Code de la commune qui perd le plus",
    "worst_loss_epci": "Code de l'EPCI de la perte la plus forte",
    "recruitment_max": "Seuil de recrutement",
    "who": "Qui fait la route",
    "level": "Niveau",
    "unit": "Unité",
    "value": "Valeur",
    "note": "Remarque",
    "delta": "Écart",
    "mode": "Mode d'accueil",
    "return_trips": "Allers-retours",
    "round_factor_low": "Détour du circuit, bas (coefficient)",
    "round_factor_high": "Détour du circuit, haut (coefficient)",
    "persons_on_board": "Personnes à bord",
    "vehicle": "Véhicule",
    "vehicle_source": "Source du véhicule",
    "paid_by": "Qui paie",
    "is_default": "Valeur par défaut",
    "missing": "Ce qui manque",
    "waiting": "Personnes en attente",
    "exits": "Sorties",
    "year": "Année",
    "wait": "Attente",
    "authorisation": "Autorisation",
    "commune": "Commune",
    "run_by": "Exploitée par",
    "places": "Places",
    "siting": "Choix de site",
    "rank": "Rang",
    "is_selected": "Retenu",
    "worst_from_id": "Code de la commune la plus éloignée",
    "worst_name": "Commune la plus éloignée",
    "persons_unreached": "Personnes hors d'atteinte",
    "replaces": "Comparé à",
    "detectable_mean": "Écart visible sur la moyenne à partir de",
    "file": "Fichier",
    "column": "Colonnes",
    "producer": "Producteur",
    "title": "Données",
    "vintage": "Millésime",
    "licence": "Licence",
    "year_direct": "Par an, trajet direct",
    "year_low": "Par an, bas",
    "year_high": "Par an, haut",
    "year_vehicle_low": "Véhicule, par an, bas",
    "year_vehicle_high": "Véhicule, par an, haut",
    "year_staff_low": "Temps des professionnels, par an, bas",
    "year_staff_high": "Temps des professionnels, par an, haut",
    "year_co2_low": "CO₂ par an, bas",
    "year_co2_high": "CO₂ par an, haut",
    "baseline_desert_class": "Classe de désert, aujourd'hui",
    "scenario_desert_class": "Classe de désert, scénario",
    "desert_class": "Classe de désert",
    "scheme": "Règle",
    "criterion": "Critère",
    "is_changed": "Change",
    "status": "État",
    "threshold": "Seuil",
    "reason": "Pourquoi",
    "alternative": "Question de groupement",
    "option": "Voie",
    "n_units": "Membres",
    "n_members": "Membres",
    "n_groups": "Groupes",
    "smallest_size": "Plus petite taille",
    "largest_size": "Plus grande taille",
    "balance": "Équilibre (plus petit ÷ plus grand)",
    "mean_drive": "Route moyenne",
    "worst_drive": "Route la plus longue",
    "worst_drive_between": "Route la plus longue entre membres",
    "mean_spread": "Dispersion moyenne",
    "spread": "Dispersion",
    "n_closer": "Plus près de l'établissement support que du siège",
    "n_farther": "Plus loin de l'établissement support que du siège",
    "n_indistinct": "Écart non distinguable",
    "group": "Groupe",
    "size": "Taille",
    "size_ratio": "Taille ÷ taille moyenne",
    "seat": "Code du siège",
    "seat_name": "Siège (calculé)",
    "seat_commune": "Commune du siège",
    "is_seat": "Siège",
    "mean_drive_to_seat": "Route moyenne vers le siège",
    "worst_drive_to_seat": "Route la plus longue vers le siège",
    "drive_to_seat": "Route vers le siège",
    "drive_to_support": "Route vers l'établissement support",
    "delta_support_min": "Établissement support moins siège (min)",
    "blocks": "Groupes existants",
    "existing_group": "Groupe existant",
    "budget": "Budget",
    "meets_budget_threshold": "Atteint le seuil de budget",
    "legal_status": "Statut",
    "status_basis": "D'où vient le statut",
    "is_autonomous": "Juridiquement autonome",
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
    "groups": "groupement",
    "join": "adhésion au groupement hospitalier",
    "public": "public",
    "private_non_profit": "privé non lucratif",
    "commercial": "commercial",
    "True": "oui",
    "False": "non",
}
_FAR = {"share": "part des personnes", "gap": "éloignement moyen", "severity": "sévérité de l'éloignement"}
# columns whose codes are translated; names and free texts never are
_CODED = (
    *("effect", "measure", "kind", "persons_kind", "who", "level", "capacity_unit", "reception_mode", "mode"),
    *("point_kind", "point_precision", "unit", "ages_origin", "zone"),
    *("option", "legal_status"),
)


def column_label(name: str) -> str:
    """Return the French name of a column, its unit last.

    Parameters
    ----------
    name
        Name in the table.

    Returns
    -------
    str
        French text without underscore.

    Examples
    --------
    >>> column_label("delta_travel_time_min"), column_label("persons_gain")
    ('Temps de route, aller simple, écart (min)', 'Personnes : trajet plus court')
    >>> column_label("within_30_min_share"), column_label("B_value")
    ("Habitants à 30 min ou moins (part de 0 à 1)", 'Scénario B : valeur')
    """
    if name in _WORDS:
        return _WORDS[name]
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
    if found := re.fullmatch(r"([A-Za-z0-9-]+)_(value|delta|is_distinguishable|note)", name):
        return f"Scénario {found[1]} : {_WORDS[found[2]].lower()}"
    return "".join(_base(name))


def _base(name: str) -> tuple[str, str]:
    """Return the words of a name and its unit between brackets."""
    if name in _WORDS:
        return _WORDS[name], ""
    for end, unit in _UNITS.items():
        if name.endswith(end):
            stem = name.removesuffix(end)
            return _WORDS.get(stem, stem.replace("_", " ").capitalize()), f" ({unit})"
    return name.replace("_", " ").capitalize(), ""


def is_coded(column: str) -> bool:
    """Tell whether the values of a column are codes that have a French name.

    Parameters
    ----------
    column
        Name in the table.

    Returns
    -------
    bool
        False for names and free texts, which are printed as they are.

    Examples
    --------
    >>> is_coded("effect"), is_coded("commune_name")
    (True, False)
    """
    return column in _CODED or column.endswith(("_capacity_unit", "_mode"))


def value_label(code: str) -> str:
    """Return the French name of a code; a text that is no code is returned as it is.

    Parameters
    ----------
    code
        Value of a column for which `is_coded` is true, or a service.

    Returns
    -------
    str
        French text.

    Examples
    --------
    >>> value_label("indistinct"), value_label("within_30_min_persons"), value_label("Aups")
    ('écart non distinguable', 'personnes à 30 min ou moins', 'Aups')
    """
    if found := re.fullmatch(r"within_(\d+)_min_(hab|share|persons)", code):
        what = {"hab": "habitants", "share": "part des habitants", "persons": "personnes"}[found[2]]
        return f"{what} à {found[1]} min ou moins"
    if found := re.fullmatch(r"beyond_(\d+)_min_(share|gap|severity)", code):
        return f"{_FAR[found[2]]} au-delà de {found[1]} min"
    if found := re.fullmatch(r"in_desert_(\w+)_hab", code):
        return f"habitants en désert ({found[1]})"
    return _CODES.get(code, SERVICE_NAMES.get(code, code))
