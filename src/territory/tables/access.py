"""Access of today: times, coverage, deserts, paths of children, care around EHPAD."""

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
COVERAGE = (
    Keyed("within_{threshold_min}_min_hab", WITHIN_HAB),
    Keyed("within_{threshold_min}_min_unknown_hab", WITHIN_UNKNOWN_HAB),
    Keyed("within_{threshold_min}_min_share", WITHIN_SHARE),
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
    Column("criterion", "Critère", "criterion of desert, by its id in the study"),
    Column("scheme", "Règle", "rule of desert, by its id in the study"),
    number("value", "Valeur", "value, in the unit of the row", is_fine=True),
    number("threshold", "Seuil", "threshold of the criterion, in the unit of the row", is_fine=True),
    Column("unit", "Unité", "unit of the row", codes=codes.MEASURE_UNITS),
    Column("status", "État", "what the row says, in French"),
    number("distance", "Distance", "distance to the threshold, in the unit of the row", is_fine=True),
    Column("reason", "Pourquoi", "why it is not known, in French"),
    number("criteria_met", "Critères remplis (nombre)", "criteria that the commune meets"),
    number("criteria_known", "Critères calculables (nombre)", "criteria that can be computed"),
    Column("desert_class", "Classe de désert", "class of the commune under the rule"),
    number("population_share", "Population", "inhabitants of the class over those of the zone"),
    Column("territory_id", "Territoire de vie-santé", "code of the territoire de vie-santé"),
    Column("region", "Région", "region whose quota the territory is in"),
    number(
        "distance_to_zip_consultations_per_hab",
        "Écart au seuil de la ZIP",
        "APL minus the threshold of zone A",
    ),
    Column("mention", "Mention", "what a simulated zoning is worth"),
    Column("step", "Étape", "step of the path of a child"),
    number("site_count", "Sites (nombre)", "sites of the step in the zone"),
    number(
        "mean_time_min",
        "Temps moyen",
        "mean travel time",
        secrecy=Secrecy.MEAN,
        fr_long="temps moyen de route, aller simple",
    ),
    Column("ask", "À qui demander", "who may know what is missing"),
    Column("support", "Appui", "care that an EHPAD relies on"),
    number("time_min", "Temps de route", "travel time to it"),
    number("gp_count", "Généralistes (nombre)", "GPs within reach"),
    number(
        "time_from_closest_gp_min",
        "Temps depuis le généraliste le plus proche",
        "travel time of the closest GP",
    ),
    number("residents_per_gp", "Résidents par généraliste", "residents over the GPs within reach"),
    number(
        "shared_residents_per_gp",
        "Résidents par généraliste, communes partagées",
        "residents of all the EHPAD that share the GPs, over these GPs",
    ),
    number("residents", "Résidents (nombre)", "residents of the EHPAD (its places)"),
    Column("structure_id", "Code de la structure", "FINESS number of the structure"),
    Column("basis", "Fondement", "what its territory was read from"),
    number("too_far_min", "Trop loin à partir de", "mean time above which a territory is too large"),
    flag("is_too_large", "Trop étendu", "the mean time of its communes passes the limit"),
    Column(
        "endo_recruitment_class",
        "Enfants venus de la zone (part)",
        "children of the service who live in its zone, as a class",
        secrecy=Secrecy.CLASS,
    ),
    Column(
        "served_in_zone_class",
        "Enfants accompagnés dans la zone (part)",
        "children of the zone who are served in it, as a class",
        secrecy=Secrecy.CLASS,
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
_DESERTS = "scheme value threshold unit status distance reason criteria_met criteria_known desert_class"
_ZONING = "region population_hab apl_consultations_per_hab zone distance_to_zip_consultations_per_hab mention"
_ZONE = Column("zone", "Zone simulée", "zone that the rule would give")
_GPS = "apl_consultations_per_hab practitioners_per_100000_hab"
_EQUITY = "commune_count population_hab gini palma_ratio theil_t theil_between theil_within"
_EHPAD = (
    "status time_min ask gp_count time_from_closest_gp_min residents_per_gp shared_residents_per_gp name commune_code "
    "residents"
)
_COORDINATION = (
    "name status basis commune_count population_hab area_km2 edge_time_min mean_time_min too_far_min is_too_large "
    "ask"
)
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
    Table("Results.gp_access", "", "Access to GPs.", "commune_code", _GPS, is_handed=False),
    Table("Results.deserts", "", "Criteria of desert.", "commune_code criterion", _DESERTS, is_handed=False),
    Table(
        "Results.desert_shares",
        "",
        "Inhabitants of each class.",
        "zone scheme desert_class",
        "population_hab population_share commune_count",
        is_handed=False,
    ),
    Table("Results.zoning", "", "Simulated zoning.", "territory_id", _ZONING, own=(_ZONE,), is_handed=False),
    Table("NationalTables.equity", "", "How unequal each measure is.", "measure", _EQUITY, is_handed=False),
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
        "deserts_communes",
        "Déserts par commune",
        "Criteria of desert of each commune.",
        "commune_code criterion",
        f"{_BY_COMMUNE} departement_code {_DESERTS}",
    ),
    Table(
        "deserts_zones",
        "Déserts par zone",
        "Inhabitants of each class of desert.",
        "zone scheme desert_class",
        "zone_name population_hab population_share commune_count",
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
    Table(
        "zonage_simule",
        "Zonage simulé",
        "Simulated medical zoning, today and under each scenario.",
        "scenario territory_id",
        _ZONING,
        own=(_ZONE,),
    ),
    Table(
        "parcours_enfants",
        "Parcours de l'enfant",
        "Steps of the path of a child, by EPCI.",
        "zone step",
        "zone_name status site_count mean_time_min is_complete_list ask",
    ),
    Table(
        "soins_ehpad",
        "Soins autour des EHPAD",
        "Care that each EHPAD can rely on.",
        "site_id support",
        _EHPAD,
    ),
    Table(
        "coordination",
        "Coordination",
        "Reach of what coordinates care.",
        "kind structure_id",
        _COORDINATION,
        own=(Column("kind", "Dispositif", "what coordinates"),),
    ),
    Table(
        "endo_recrutement_services",
        "Recrutement des services",
        "Children of each service who live in its zone.",
        "authorisation_id",
        "zone endo_recruitment_class",
    ),
    Table(
        "endo_recrutement_zones",
        "Recrutement des zones",
        "Children of each zone who are served in it.",
        "zone",
        "zone_name served_in_zone_class",
    ),
)
