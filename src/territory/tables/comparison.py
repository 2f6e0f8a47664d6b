"""Scenarios against today: times, gainers and losers, every measure, deserts, offer and population."""

from __future__ import annotations

from territory.tables import codes
from territory.tables.access import COLUMNS as ACCESS
from territory.tables.declare import Column, Secrecy, Table, flag, number, sides
from territory.tables.deserts import COLUMNS as DESERTS
from territory.tables.inputs import COLUMNS as INPUTS

_DECLARED = {column.name: column for column in (*INPUTS, *ACCESS, *DESERTS)}


def _effects(codes_of: dict[str, str]) -> tuple[Column, ...]:
    """Declare the persons of each effect."""
    return tuple(
        number(f"persons_{effect}", f"Personnes : {fr}", f"persons: {effect}", secrecy=Secrecy.ESTIMATE)
        for effect, fr in codes_of.items()
    )


_COUNTED = {effect: fr for effect, fr in codes.EFFECTS.items() if effect != "outside"}
# classes of children served of which one sum may be printed (release.observed_children)
_MERGED_EFFECTS = {
    "loss+indistinct": "plus long ou non distinguable",
    "gain+indistinct": "plus court ou non distinguable",
    "gain+loss": "plus court ou plus long",
    "gain+loss+indistinct": "à portée aujourd'hui",
}
_DRAWN = {effect: fr for effect, fr in codes.DRAWN_EFFECTS.items() if effect != "unknown"}
_MEAN = number("mean_min", "Temps moyen", "mean time of the persons of today's area", secrecy=Secrecy.MEAN)
_VALUE = number("value", "Valeur", "value, in the unit of the row", secrecy=Secrecy.MEAN, is_fine=True)
_OFFER = (
    Column("authorisation", "Autorisation", "authorisation that receives the families"),
    _DECLARED["site_id"],
    Column("commune", "Commune", "communes of the sites"),
    _DECLARED["holder"],
    _DECLARED["run_by"],
    _DECLARED["capacity_unit"],
    _DECLARED["places"],
)

COLUMNS = (
    *sides(_DECLARED["travel_time_min"]),
    number("detectable_min", "Écart visible à partir de", "smallest difference that the doubt lets see"),
    flag("is_distinguishable", "Écart distinguable", "false when the difference is under the doubt on it"),
    flag("is_in_area", "À portée aujourd'hui", "within the recruitment limit today"),
    flag("is_in_scenario_area", "À portée dans le scénario", "within the recruitment limit in the scenario"),
    Column("effect", "Effet", "what the scenario does to the commune", codes=codes.EFFECTS),
    *_effects(_COUNTED),
    *_effects(_DRAWN),
    *(
        number(f"communes_{effect}", f"Communes : {fr}", f"communes: {effect}")
        for effect, fr in _COUNTED.items()
    ),
    *sides(_MEAN),
    number("worst_loss_min", "Perte la plus forte", "largest loss"),
    Column("worst_loss_commune", "Code de la commune qui perd le plus", "commune where it falls"),
    Column(
        "persons_merged",
        "Personnes : classes comptées ensemble",
        "children of the classes that are counted together, where not each of them can be told",
    ),
    Column("merged_effects", "Classes comptées ensemble", "which classes", codes=_MERGED_EFFECTS),
    Column("worst_loss_epci", "Code de l'EPCI de la perte la plus forte", "EPCI where it falls"),
    number("recruitment_max_min", "Seuil de recrutement", "time within which families are counted"),
    *sides(
        number("within_min", "Premier seuil de temps respecté", "smallest threshold of the study that holds")
    ),
    *sides(_DECLARED["access_per_1000"]),
    *sides(_DECLARED["unmet_persons"]),
    Column("unmet_note", "Remarque sur les personnes sans place", "why they are not shown"),
    *sides(_VALUE),
    Column("baseline_note", "Remarque, aujourd'hui", "why today's value is not shown"),
    number("baseline", "Aujourd'hui", "value today", is_fine=True),
    number("delta", "Écart", "scenario minus today", is_fine=True),
    number("delta_low", "Écart, bas", "low end of the difference within the doubt", is_fine=True),
    number("delta_high", "Écart, haut", "high end of the difference within the doubt", is_fine=True),
    *sides(_DECLARED["desert_class"], ("baseline", "scenario")),
    flag("is_changed", "Change", "the class is not that of today"),
    *(column for one in _OFFER for column in sides(one, ("baseline", "scenario"))),
    Column("groupement", "Groupement", "name of what is pooled"),
    Column("members", "Membres", "members, separated by commas"),
    Column("shared", "Ce qui est partagé", "what they share"),
    flag("moves_services", "Déplace les services", "the services move to the common site"),
    number("freed_staff_share", "Temps de professionnel libéré", "staff time said to be freed"),
    Column("what", "Ce qui est compté", "inhabitants, or the public in need"),
    *sides(_DECLARED["persons"], ("baseline", "scenario")),
)

_NAMES = "commune_name departement_code epci_code epci_name"
_TIMES = "baseline_travel_time_min scenario_travel_time_min delta_travel_time_min"
_COMMUNES = (
    f"{_TIMES} detectable_min is_distinguishable persons persons_kind is_in_area is_in_scenario_area effect"
)
_EFFECT_NAMES = " ".join(f"persons_{effect} communes_{effect}" for effect in _COUNTED)
_ZONES = f"{_EFFECT_NAMES} baseline_mean_min scenario_mean_min worst_loss_min worst_loss_commune"
_MERGED = "persons_merged merged_effects"
_PERSONS = " ".join(f"persons_{effect}" for effect in _COUNTED if effect != "unknown")
_COUNCILS = f"{_PERSONS} worst_loss_min worst_loss_commune worst_loss_epci"
_BY_COMMUNE = " ".join(
    f"{side}_{name}"
    for name in ("within_min", "access_per_1000", "unmet_persons")
    for side in ("baseline", "scenario", "delta")
)
_DRAWS = "delta_low delta_high better_share"
_SIDED_OFFER = " ".join(f"{side}_{one.name}" for side in ("baseline", "scenario") for one in _OFFER)
TABLES = (
    Table(
        "comparison",
        "",
        "Access of each commune to each service today and in a scenario (`Comparison.by_commune`).",
        "commune_code service",
        f"{_TIMES} {_BY_COMMUNE} is_distinguishable",
        nullable=f"{_TIMES} {_BY_COMMUNE}",
        optional=_BY_COMMUNE,
        is_handed=False,
    ),
    Table(
        "Comparison.communes",
        "",
        "Effect of a scenario on each commune, for the services that move.",
        "commune_code service",
        _COMMUNES,
        is_handed=False,
    ),
    Table("Comparison.zones", "", "Gainers and losers.", "zone service", _ZONES, is_handed=False),
    Table(
        "Comparison.sensitivity",
        "",
        "The same under other recruitment limits.",
        "service recruitment_max_min",
        _ZONES,
        is_handed=False,
    ),
    Table("Comparison.councils", "", "Gainers and losers.", "service level zone", _COUNCILS, is_handed=False),
    Table(
        "Comparison.deserts",
        "",
        "Class of each commune, before and after.",
        "commune_code scheme",
        "baseline_desert_class scenario_desert_class is_changed",
        is_handed=False,
    ),
    Table(
        "Comparison.measures",
        "",
        "Every measure, under the names of `tables.measures`.",
        "level zone service measure",
        "unit baseline scenario delta is_distinguishable reason",
        own=(number("scenario", "Scénario", "value in the scenario", is_fine=True),),
        is_handed=False,
    ),
    Table(
        "StudyResult.side_by_side",
        "",
        "Every scenario beside today: one block of these columns for today, then for each scenario.",
        "level zone service measure",
        f"unit value delta is_distinguishable reason {_DRAWS}",
        is_handed=False,
    ),
    Table(
        "comparaison_communes",
        "Écarts par commune",
        "Effect of each scenario on each commune, for the services that it moves.",
        "scenario commune_code service",
        f"{_NAMES} {_COMMUNES}",
    ),
    Table(
        "comparaison_zones",
        "Gagnants et perdants",
        "Gainers and losers by EPCI and in all.",
        "scenario zone service",
        f"zone_name {_ZONES} {_MERGED}",
    ),
    Table(
        "comparaison_sensibilite",
        "Autres seuils",
        "Gainers and losers under other recruitment limits.",
        "scenario service recruitment_max_min",
        f"{_ZONES} {_MERGED}",
    ),
    Table(
        "comparaison_conseils",
        "Par conseil",
        "Gainers and losers of each council.",
        "scenario service level zone",
        f"zone_name {_COUNCILS}",
    ),
    Table(
        "comparaison_mesures",
        "Toutes les mesures",
        "Every measure of every scenario beside today, with gainers and losers and the accounts of travel.",
        "scenario level zone service measure threshold_min criterion who bound",
        "zone_name unit baseline_value scenario_value delta_value is_distinguishable "
        f"{_DRAWS} baseline_note note",
    ),
    Table(
        "comparaison_mesures_communes",
        "Mesures par commune",
        "Measures of each commune and service where one of them changes.",
        "scenario commune_code service",
        f"commune_name {_TIMES} {_BY_COMMUNE} is_distinguishable unmet_note",
    ),
    Table(
        "comparaison_deserts",
        "Déserts, changements",
        "Communes whose class of desert changes.",
        "scenario commune_code scheme",
        "commune_name baseline_desert_class scenario_desert_class",
    ),
    Table(
        "offre_scenarios",
        "Offre par scénario",
        "Each authorisation that a scenario changes, before and after.",
        "scenario authorisation_id",
        _SIDED_OFFER,
    ),
    Table(
        "mutualisations",
        "Mutualisations",
        "What each groupement shares.",
        "scenario groupement",
        "members site_id shared moves_services freed_staff_share",
    ),
    Table(
        "population_scenarios",
        "Population par scénario",
        "Inhabitants and needs by EPCI where a scenario changes them.",
        "scenario zone what",
        "baseline_persons scenario_persons",
    ),
)
