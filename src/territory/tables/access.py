"""Access of today: times, coverage, persons, places, general practitioners."""

from __future__ import annotations

from territory.tables import codes
from territory.tables.declare import Column, Keyed, Secrecy, Table, flag, number

WITHIN_HAB = number("within_hab", "Habitants à ce seuil ou moins", "inhabitants surely within the threshold")
WITHIN_UNKNOWN_HAB = number(
    "within_unknown_hab", "Habitants au temps inconnu", "inhabitants who may or may not be within it"
)
WITHIN_SHARE = number(
    "within_share", "Part des habitants à ce seuil ou moins", "inhabitants within the threshold over all"
)
# columns of `Results.coverage`, one block for each threshold
WITHIN_SHARES = Keyed("within_{threshold_min}_min_share", WITHIN_SHARE)
COVERAGE = (
    Keyed("within_{threshold_min}_min_hab", WITHIN_HAB),
    Keyed("within_{threshold_min}_min_unknown_hab", WITHIN_UNKNOWN_HAB),
    WITHIN_SHARES,
)
# indexes of the equity of a national study
EQUITY_TIME = Keyed("{service}_time_min", number("travel_time_min", "Temps de route", "travel time"))

COLUMNS = (
    Column("measure", "Mesure", "what is measured"),
    flag(
        "is_reachable",
        "À portée de route",
        "false when no site can be reached; unknown times are NaN, not false",
    ),
    number("edge_time_min", "Temps jusqu'au bord des données", "time to the edge of the data"),
    flag(
        "could_be_closer_outside",
        "Un site hors des données pourrait être plus proche",
        "a site beyond the edge of the data could be closer than the closest one found",
    ),
    Column("zone", "Code de la zone", "territory, département, EPCI or commune", codes=codes.ZONES),
    Column("zone_name", "Zone", "name of the zone"),
    Column("level", "Niveau", "what the zone is", codes=codes.LEVELS),
    number("demand_hab", "Population", "inhabitants of the zone"),
    number("threshold_min", "Seuil de temps", "travel time that is not passed, inclusive"),
    WITHIN_HAB,
    WITHIN_UNKNOWN_HAB,
    WITHIN_SHARE,
    number(
        "persons", "Personnes", "persons of the age received, or children served", secrecy=Secrecy.ESTIMATE
    ),
    Column(
        "persons_kind",
        "Personnes comptées",
        "whether persons are estimated by age, or observed",
        codes=codes.COUNTED,
    ),
    number(
        "access_per_1000", "Places accessibles", "places within reach for 1,000 persons of the age received"
    ),
    number("unmet_persons", "Personnes sans place", "persons without a place", secrecy=Secrecy.ESTIMATE),
    Column(
        "access_reason",
        "Pourquoi les places accessibles sont inconnues",
        "why places within reach are unknown, in French",
    ),
    Column(
        "unmet_reason",
        "Pourquoi les personnes sans place sont inconnues",
        "why persons without a place are unknown, in French",
    ),
    number("commune_count", "Communes (nombre)", "number of communes"),
    number("population_hab", "Population", "inhabitants"),
    number("unknown_count", "Inconnus (nombre)", "communes for which it cannot be said"),
    number("apl_consultations_per_hab", "APL", "localised potential accessibility to GPs"),
    number("practitioners_per_100000_hab", "Praticiens", "GPs within reach, competition counted"),
    number("value", "Valeur", "value, in the unit of the row", is_fine=True),
    Column("unit", "Unité", "unit of the row", codes=codes.MEASURE_UNITS),
    Column("reason", "Pourquoi", "why it is not known, in French"),
    number(
        "mean_time_min",
        "Temps moyen",
        "mean travel time",
        secrecy=Secrecy.MEAN,
        fr_long="temps moyen de route, aller simple",
    ),
    number("gini", "Gini (0 à 1)", "Gini index between inhabitants", is_fine=True),
    number("palma_ratio", "Rapport de Palma", "Palma ratio", is_fine=True),
    number("theil_t", "Theil T", "Theil T index", is_fine=True),
    number("theil_between", "Theil T, entre départements", "part of it between départements", is_fine=True),
    number("theil_within", "Theil T, dans les départements", "part of it within départements", is_fine=True),
    Column("scenario", "Scénario", "scenario, by its id in the study", codes=codes.SCENARIOS),
)

_BY_COMMUNE = "commune_name epci_code epci_name"
_TIMES = "measure to_id travel_time_min uncertainty_min distance_km is_reachable edge_time_min could_be_closer_outside"
_MEASURE = Column(
    "measure", "Mesure", "time to the site of a named service, or to the closest one", codes=codes.TIME_KINDS
)
_GPS = "apl_consultations_per_hab practitioners_per_100000_hab"
_EQUITY = "commune_count population_hab gini palma_ratio theil_t theil_between theil_within"
TABLES = (
    Table(
        "access",
        "",
        "Access of each commune to each service (`Results.access`); one column per measure, its unit last in its name.",
        "commune_code service",
        _TIMES,
        own=(_MEASURE,),
        nullable=_TIMES.replace("is_reachable ", ""),
        optional=_TIMES.replace("is_reachable ", ""),
        is_handed=False,
    ),
    Table(
        "Results.persons",
        "",
        "Persons of each named authorisation.",
        "commune_code service",
        "persons persons_kind",
        is_handed=False,
    ),
    Table(
        "Results.coverage",
        "",
        "Inhabitants within each threshold of the closest site.",
        "zone service",
        "demand_hab",
        keyed=COVERAGE,
        is_handed=False,
    ),
    Table(
        "Results.places",
        "",
        "Places within reach, persons without a place.",
        "commune_code service",
        "access_per_1000 unmet_persons",
        is_handed=False,
    ),
    Table(
        "Results.place_reasons",
        "",
        "Why they are unknown.",
        "service",
        "access_reason unmet_reason",
        is_handed=False,
    ),
    Table(
        "Results.edge",
        "",
        "Where the data stop.",
        "service",
        "commune_count population_hab unknown_count",
        is_handed=False,
    ),
    Table(
        "acces_communes",
        "Temps par commune",
        "Time of each commune to each service.",
        "commune_code service",
        f"{_BY_COMMUNE} departement_code {_TIMES}",
        own=(_MEASURE,),
    ),
    Table(
        "couverture_zones",
        "Soins courants",
        "Inhabitants within each threshold of common care.",
        "zone service threshold_min",
        "demand_hab within_hab within_unknown_hab within_share",
    ),
    Table(
        "medecins_generalistes_communes",
        "Généralistes par commune",
        "Access to GPs.",
        "commune_code",
        f"{_BY_COMMUNE} {_GPS}",
    ),
    Table(
        "acces_generalistes",
        "Généralistes par commune",
        "Access to GPs (national studies).",
        "commune_code",
        f"{_BY_COMMUNE} departement_code {_GPS}",
    ),
    Table(
        "equite",
        "Équité",
        "How unequal each measure is between inhabitants (national studies).",
        "measure service",
        _EQUITY,
    ),
    Table(
        "bord_des_donnees",
        "Bord des données",
        "Communes whose closest site could be beyond the data.",
        "service",
        "commune_count population_hab unknown_count",
    ),
    Table("Results.gp_access", "", "Access to GPs.", "commune_code", _GPS, is_handed=False),
    Table("NationalTables.equity", "", "How unequal each measure is.", "measure", _EQUITY, is_handed=False),
)
