"""The codes that columns hold, and their French names."""

from __future__ import annotations

# [0-9] and not a digit of any script, which would look right and belong to no commune
COMMUNE_CODE = r"^(?:[0-9]{2}|2A|2B)[0-9]{3}$"
DEMAND_KINDS = ("prevalence", "rights", "orientation", "waiting", "population")
CAPACITY_UNITS = ("places", "file_active", "etp", "headcount", "consultations_per_year", "seances_per_year")

# what stands in the place of a withheld number
SECRET = {"secret": "secret statistique"}
POINT_KINDS = {
    "chef_lieu": "chef-lieu",
    "weighted": "centre de population",
    "inside": "point dans la commune",
}
POINT_PRECISIONS = {"address": "adresse", "commune": "commune"}
COUNTED = {
    "prevalence": "personnes concernées (prévalence)",
    "rights": "droits ouverts",
    "orientation": "orientations en cours",
    "waiting": "personnes en attente",
    "population": "habitants",
    "age": "habitants de l'âge concerné (estimation)",
    "observed": "enfants accompagnés (observés)",
}
UNITS_OF_CAPACITY = {
    "places": "places",
    "file_active": "file active",
    "etp": "équivalents temps plein",
    "headcount": "professionnels",
    "consultations_per_year": "consultations par an",
    "seances_per_year": "séances par an",
}
RECEPTION_MODES = {
    "internat": "internat",
    "semi_internat": "semi-internat",
    "ambulatoire": "ambulatoire",
    "milieu_ordinaire": "milieu ordinaire",
    "tous_modes": "tous modes d'accueil",
}
ORIGINS = {"default": "valeur par défaut", "source": "source"}
TIME_KINDS = {"named": "site d'un service nommé", "closest": "site le plus proche"}
EFFECTS = {
    "gain": "trajet plus court",
    "loss": "trajet plus long",
    "indistinct": "écart non distinguable",
    "entering": "passent à portée",
    "leaving": "sortent de la portée",
    "unknown": "temps inconnu",
    "outside": "hors du périmètre",
}
WHO = {"child": "enfant", "parent": "parent", "staff": "professionnels"}
BOUNDS = {"direct": "sans détour", "low": "hypothèse basse", "high": "hypothèse haute"}
LEVELS = {"territory": "ensemble", "departement": "département", "epci": "EPCI", "commune": "commune"}
ZONES = {"territory": "ensemble"}
# the scenario of what is counted before any change
SCENARIOS = {"today": "aujourd'hui"}
MEASURE_UNITS = {
    "min": "minutes",
    "km": "km",
    "persons": "personnes",
    "hab": "habitants",
    "share": "part de 0 à 1",
    "index": "indice de 0 à 1",
    "per_1000": "pour 1 000",
    "eur": "€",
    "kg": "kg",
    "consultations_per_hab": "consultations par habitant",
    "practitioners_per_100000_hab": "praticiens pour 100 000 habitants",
    "apl_consultations_per_hab": "APL, consultations par habitant",
}
OPTIONS = {"groups": "groupement", "join": "adhésion au groupement hospitalier"}
LEGAL_STATUSES = {"public": "public", "private_non_profit": "privé non lucratif", "commercial": "commercial"}
DIRECTIONS = {"within": "passe sous le seuil", "beyond": "passe au-dessus"}
FLAGS = {"True": "oui", "False": "non"}
# services whose closest site is measured, and those of children in places: alone, then with their article
SERVICES = {
    "hopital": "hôpital ou clinique de court séjour",
    "urgences": "service d'urgences",
    "medecin_generaliste": "médecin généraliste",
    "ehpad": "EHPAD",
    "pharmacie": "pharmacie",
    "maternite": "maternité",
    "smur": "SMUR",
    "cmp_ij": "CMP infanto-juvénile",
    "hdj_ij": "hôpital de jour infanto-juvénile",
    "psychiatrie_ij": "psychiatrie infanto-juvénile",
    "sessad": "SESSAD",
    "ime": "IME",
    "itep": "ITEP",
    "eeap": "établissement pour enfants polyhandicapés",
    "iem": "institut d'éducation motrice",
    "institut_visuel": "institut pour déficients visuels",
    "institut_auditif": "institut pour déficients auditifs",
    "institut_sensoriel": "institut d'éducation sensorielle",
    "experimental_enfance": "établissement expérimental pour l'enfance",
}
CLOSEST_SERVICES = {
    "hopital": "l'hôpital ou la clinique de court séjour le plus proche",
    "urgences": "le service d'urgences le plus proche",
    "medecin_generaliste": "le médecin généraliste le plus proche",
    "ehpad": "l'EHPAD le plus proche",
    "pharmacie": "la pharmacie la plus proche",
    "maternite": "la maternité la plus proche",
}
CAPACITY_SCOPES = {"site": "site", "authorisation": "autorisation"}
# classes of children served of which one sum may be printed (release.observed_children)
MERGED_EFFECTS = {
    "loss+indistinct": "plus long ou non distinguable",
    "gain+indistinct": "plus court ou non distinguable",
    "gain+loss": "plus court ou plus long",
    "gain+loss+indistinct": "à portée aujourd'hui",
}
OFFER_KINDS = {
    "establishments": "établissements (hébergement ou accueil de jour)",
    "services": "services à domicile ou ambulatoires",
}
YEAR_QUANTITIES = {
    "year_min": "Minutes de route par an",
    "year_km": "Kilomètres par an",
    "year_vehicle_eur": "Véhicule, par an",
    "year_staff_eur": "Temps des professionnels, par an",
    "year_co2_kg": "CO₂ par an",
}
# titles of the table of shared services, as the director reads them and gives them back
POOLING_TITLES = {
    "service": "Service",
    "label": "Service à partager",
    "group": "Groupe",
    "member_id": "Membre",
    "member_name": "Nom du membre",
    "is_shared": "Partagé (oui ou non)",
    "host_id": "Hôte du service",
    "hours_today_per_year": "Heures par an aujourd'hui",
    "hours_pooled_per_year": "Heures par an une fois partagé",
    "trips_per_year": "Allers-retours par an vers l'hôte",
    "travel_time_min": "Trajet vers l'hôte (min)",
    "travel_hours_per_year": "Heures de route par an",
    "freed_hours_per_year": "Heures libérées par an",
    "net_hours_per_year": "Bilan (heures par an)",
}
