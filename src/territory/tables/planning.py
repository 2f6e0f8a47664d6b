"""Siting, grouping, pooling, what is reached by road, and the map layers."""

from __future__ import annotations

from dataclasses import replace

from territory.tables import codes
from territory.tables.declare import Column, Keyed, Secrecy, Table, flag, number
from territory.tables.inputs import TABLES as INPUTS

PERSONS_BEYOND = number(
    "persons_beyond", "Personnes au-delà du seuil", "persons beyond the threshold", secrecy=Secrecy.ESTIMATE
)
# a column of `SitingAnswer.ranking` for each threshold
BEYOND = Keyed("persons_beyond_{threshold_min}_min", PERSONS_BEYOND)
_TIME = "Temps de route"
# columns of the map layers: a layer has one row for each commune
BASELINE_TIME = Keyed("baseline_{service}_min", number("travel_time_min", _TIME, "travel time today"))
SCENARIO_TIME = Keyed(
    "scenario_{scenario}_{service}_min", number("travel_time_min", _TIME, "travel time in the scenario")
)
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
# what is told of a site of each layer
_LAYERS = {table.name: table for table in INPUTS}

COLUMNS = (
    Column("siting", "Choix de site", "question of siting, by its id in the study"),
    number("rank", "Rang", "rank of the candidate, best first"),
    flag("is_selected", "Retenu", "the candidate is the one chosen"),
    number("worst_time_min", "Temps le plus long", "longest travel time"),
    Column("worst_from_id", "Code de la commune la plus éloignée", "commune of the longest time"),
    Column("worst_name", "Commune la plus éloignée", "its name"),
    number(
        "persons_unreached", "Personnes hors d'atteinte", "persons out of reach", secrecy=Secrecy.ESTIMATE
    ),
    PERSONS_BEYOND,
    Column("replaces", "Comparé à", "candidate that it is compared with"),
    number(
        "detectable_mean_min",
        "Écart visible sur la moyenne à partir de",
        "smallest difference of means that the doubt lets see",
        secrecy=Secrecy.MEAN,
    ),
    number(
        "delta_mean_time_min",
        "Temps moyen, écart",
        "mean time minus that of the choice",
        secrecy=Secrecy.MEAN,
    ),
    number("delta_worst_time_min", "Temps le plus long, écart", "longest time minus that of the choice"),
    Column("alternative", "Question de groupement", "question of grouping, by its id in the study"),
    Column("option", "Voie", "groups, or joining the hospitals", codes=codes.OPTIONS),
    number("n_units", "Membres", "members of the group"),
    number("n_members", "Membres", "members of all groups"),
    number("n_groups", "Groupes", "number of groups"),
    number("size", "Taille", "size of the group, as the question counts it"),
    number("size_ratio", "Taille ÷ taille moyenne", "size over the mean size", is_fine=True, digits=2),
    number("smallest_size", "Plus petite taille", "size of the smallest group"),
    number("largest_size", "Plus grande taille", "size of the largest group"),
    number(
        "balance",
        "Équilibre (plus petit ÷ plus grand)",
        "smallest size over the largest",
        is_fine=True,
        digits=2,
    ),
    number("mean_drive_min", "Route moyenne", "mean drive of the members"),
    number("worst_drive_min", "Route la plus longue", "longest drive of a member"),
    number(
        "worst_drive_between_min", "Route la plus longue entre membres", "longest drive between two members"
    ),
    number("mean_spread_km", "Dispersion moyenne", "mean of the spreads of groups"),
    number("spread_km", "Dispersion", "mean distance of the members to their centre"),
    number(
        "n_closer",
        "Plus près de l'établissement support que du siège",
        "members closer to the support hospital",
    ),
    number("n_farther", "Plus loin de l'établissement support que du siège", "members farther from it"),
    number("n_indistinct", "Écart non distinguable", "members whose difference is under the doubt"),
    Column("group", "Groupe", "group"),
    Column("seat", "Code du siège", "member that is the seat (computed)"),
    Column("seat_name", "Siège (calculé)", "its name"),
    Column("seat_commune", "Commune du siège", "its commune"),
    flag("is_seat", "Siège", "the member is the seat of its group"),
    number("mean_drive_to_seat_min", "Route moyenne vers le siège", "mean drive to the seat"),
    number("worst_drive_to_seat_min", "Route la plus longue vers le siège", "longest drive to the seat"),
    number("drive_to_seat_min", "Route vers le siège", "drive to the seat"),
    number("drive_to_support_min", "Route vers l'établissement support", "drive to the support hospital"),
    number("delta_support_min", "Établissement support moins siège", "one drive minus the other"),
    Column("blocks", "Groupes existants", "groups that exist already and are kept whole"),
    Column("existing_group", "Groupe existant", "group that the member is in already"),
    number("budget_eur", "Budget", "yearly budget", secrecy=Secrecy.MONEY),
    replace(
        flag(
            "meets_budget_threshold", "Atteint le seuil de budget", "the group reaches the budget of the law"
        ),
        secrecy=Secrecy.MONEY,
    ),
    Column("status_basis", "D'où vient le statut", "what the legal status was read from"),
    flag("is_autonomous", "Juridiquement autonome", "the establishment is a legal person of its own"),
    Column("member_id", "Membre", "establishment"),
    flag("is_shared", "Partagé", "the service is shared"),
    Column("host_id", "Hôte du service", "member that hosts the service"),
    number("hours_today_per_year", "Heures aujourd'hui", "hours of work today"),
    number("hours_pooled_per_year", "Heures une fois partagé", "hours of work once shared"),
    number("trips_per_year", "Allers-retours vers l'hôte", "return trips to the host"),
    number("travel_hours_per_year", "Heures de route", "hours on the road"),
    number("freed_hours_per_year", "Heures libérées", "hours freed by sharing"),
    number("net_hours_per_year", "Bilan (heures)", "hours freed minus hours on the road"),
    Column("indicator", "Indicateur", "what is compared"),
    Column("place", "Commune ou zone", "commune or zone"),
    number("value_a", "Avant", "value in the first run", is_fine=True),
    number("value_b", "Après", "value in the second run", is_fine=True),
    number("from_population", "Dont population", "part of the population", is_fine=True),
    number("from_supply", "Dont offre", "part of sites and services", is_fine=True),
    number("from_times", "Dont temps de route", "part of travel times", is_fine=True),
    number("from_parameters", "Dont paramètres", "part of the parameters", is_fine=True),
    number("time_a_min", "Temps avant", "time in the first run"),
    number("time_b_min", "Temps après", "time in the second run"),
    Column("direction", "Sens", "within or beyond", codes=codes.DIRECTIONS),
    number("minutes", "Minutes de route", "travel time of the isochrone (min)"),
)

_RANKING = (
    "commune_code name epci_name rank is_selected mean_time_min worst_time_min worst_from_id worst_name "
    "persons_unreached replaces detectable_mean_min delta_mean_time_min delta_worst_time_min is_distinguishable"
)
_GROUPS = (
    "n_units size size_ratio seat seat_name seat_commune mean_drive_to_seat_min worst_drive_to_seat_min "
    "worst_drive_between_min blocks spread_km places budget_eur meets_budget_threshold"
)
_PLACE = "name commune_code commune_name"
_STATUS = "legal_status status_basis"
_MEMBERS = (
    f"{_PLACE} epci_code epci_name {_STATUS} is_autonomous existing_group places group is_seat drive_to_seat_min "
    "drive_to_support_min delta_support_min detectable_min is_distinguishable"
)
_POOLING = (
    "label is_shared host_id hours_today_per_year hours_pooled_per_year trips_per_year travel_time_min "
    "travel_hours_per_year freed_hours_per_year net_hours_per_year"
)
_COMPARED = (
    "name n_members n_groups smallest_size largest_size balance mean_drive_min worst_drive_min "
    "worst_drive_between_min mean_spread_km n_closer n_farther n_indistinct"
)
# the sizes of a grouping by budget are budgets
_SIZES = tuple(
    replace(one, secrecy=Secrecy.MONEY) for one in COLUMNS if one.name in ("smallest_size", "largest_size")
)
TABLES = (
    Table(
        "SitingAnswer.ranking",
        "",
        "Every candidate of a question of siting, best first.",
        "to_id",
        _RANKING,
        keyed=(BEYOND,),
        is_handed=False,
    ),
    Table(
        "GroupingAnswer.members",
        "",
        "Members of groups.",
        "site_id",
        f"{_MEMBERS} budget_eur geometry",
        is_handed=False,
    ),
    Table("GroupingAnswer.groups", "", "Groups.", "group", _GROUPS, is_handed=False),
    Table(
        "GroupingAnswer.context",
        "",
        "Establishments that are not grouped.",
        "site_id",
        f"{_PLACE} {_STATUS} reason geometry",
        is_handed=False,
    ),
    Table("GroupingAnswer.support", "", "Support hospital.", "site_id", "name geometry", is_handed=False),
    Table("GroupingAnswer.pooling", "", "What is shared.", "service member_id", _POOLING, is_handed=False),
    Table(
        "StudyResult.isochrones",
        "",
        "What is reached by road from each site.",
        "scenario site_id minutes",
        "area_km2 geometry",
        is_handed=False,
    ),
    Table(
        "implantation_{question}",
        "Site {question}",
        "Every candidate of a question of siting, best first.",
        "siting to_id",
        _RANKING,
    ),
    Table(
        "implantations_seuils",
        "Sites, autres seuils",
        "Persons beyond each threshold, for every candidate of every question of siting.",
        "siting to_id threshold_min",
        "name persons_beyond",
    ),
    Table("groupement_{question}_groupes", "Groupes {question}", "Figures of each group.", "group", _GROUPS),
    Table(
        "groupement_{question}_membres",
        "Membres {question}",
        "Members of each group; their budgets in the internal edition alone.",
        "site_id",
        f"{_MEMBERS} budget_eur",
    ),
    Table(
        "groupement_{question}_mutualisation",
        "À partager {question}",
        "What the members share, under French titles: to fill in and give back in the study file.",
        "",
        "",
        own=tuple(
            Column(
                title,
                title,
                f"`{name}` of `planning.pooling`",
                "number" if "_per_year" in name or name.endswith("_min") else "text",
            )
            for name, title in POOLING_TITLES.items()
        ),
    ),
    Table(
        "groupements_comparaison",
        "Groupements comparés",
        "Every question of grouping.",
        "alternative option",
        _COMPARED,
        own=_SIZES,
    ),
    Table(
        "groupements_contexte",
        "Établissements non groupés",
        "Establishments that are not grouped, and why.",
        "alternative site_id",
        f"{_PLACE} {_STATUS} reason",
    ),
    Table(
        "territoire.gpkg communes",
        "Communes",
        "Map layer: communes with their times.",
        "commune_code",
        _LAYERS["communes"].columns,
        keyed=(BASELINE_TIME, SCENARIO_TIME),
    ),
    Table("territoire.gpkg sites", "Sites", "Map layer: sites.", "site_id", _LAYERS["sites"].columns),
    Table(
        "territoire.gpkg contours",
        "Contours des communes",
        "Map layer: outlines of communes with their times.",
        "commune_code",
        "geometry name epci_code epci_name",
        keyed=(BASELINE_TIME, SCENARIO_TIME),
    ),
    Table(
        "differences",
        "Différences",
        "What changed between two runs, and its parts (`territory diff`).",
        "indicator place service",
        "value_a value_b delta from_population from_supply from_times from_parameters",
    ),
    Table(
        "seuils",
        "Passages de seuil",
        "Communes that crossed a threshold of time between two runs.",
        "service commune_code threshold_min",
        "time_a_min time_b_min direction",
    ),
)
