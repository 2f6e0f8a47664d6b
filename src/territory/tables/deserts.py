"""Deserts and zoning, paths of children, care around EHPAD, coordination, recruitment."""

from __future__ import annotations

from territory.tables.declare import Column, Secrecy, Table, flag, number

COLUMNS = (
    Column("criterion", "Critère", "criterion of desert, by its id in the study"),
    Column("scheme", "Règle", "rule of desert, by its id in the study"),
    number("threshold", "Seuil", "threshold of the criterion, in the unit of the row", is_fine=True),
    Column("status", "État", "what the row says, in French"),
    number("distance", "Distance", "distance to the threshold, in the unit of the row", is_fine=True),
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
)

_BY_COMMUNE = "commune_name epci_code epci_name"
_DESERTS = "scheme value threshold unit status distance reason criteria_met criteria_known desert_class"
_ZONING = "region population_hab apl_consultations_per_hab zone distance_to_zip_consultations_per_hab mention"
_ZONE = Column("zone", "Zone simulée", "zone that the rule would give")
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
        "Results.desert_shares",
        "",
        "Inhabitants of each class.",
        "zone scheme desert_class",
        "population_hab population_share commune_count",
        is_handed=False,
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
    Table("Results.deserts", "", "Criteria of desert.", "commune_code criterion", _DESERTS, is_handed=False),
    Table("Results.zoning", "", "Simulated zoning.", "territory_id", _ZONING, own=(_ZONE,), is_handed=False),
)
