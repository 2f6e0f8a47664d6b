"""Constants with their unit in their name, and the few conversions that the library allows."""

MINUTES_PER_HOUR = 60.0
SECONDS_PER_MINUTE = 60.0
MILLISECONDS_PER_MINUTE = 60_000
METRES_PER_KILOMETRE = 1_000.0
SQUARE_METRES_PER_SQUARE_KILOMETRE = 1_000_000.0

# suffixes that a column or a parameter may end with (see docs/reference/tables.md)
UNIT_SUFFIXES = {
    "_min": "minutes",
    "_m": "mètres",
    "_km": "kilomètres",
    "_km2": "kilomètres carrés",
    "_kmh": "kilomètres par heure",
    "_hab": "habitants",
    "_hab_km2": "habitants par kilomètre carré",
    "_places": "places",
    "_etp": "équivalents temps plein",
    "_eur": "euros",
    "_kg": "kilogrammes",
    "_share": "part, de 0 à 1",
    "_per_1000": "pour 1 000",
}
