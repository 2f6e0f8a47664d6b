"""The accounts of a scenario: travel, waits, buildings."""

from __future__ import annotations

from territory.tables import codes
from territory.tables.declare import SIDES, Column, Keyed, Secrecy, Table, flag, number

YEAR = {
    "year_min": ("year_{bound}_min", "Minutes de route par an", "minutes on the road in a year"),
    "year_km": ("year_{bound}_km", "Kilomètres par an", "kilometres in a year"),
    "year_vehicle_eur": ("year_vehicle_{bound}_eur", "Véhicule, par an", "price of the vehicle in a year"),
    "year_staff_eur": (
        "year_staff_{bound}_eur",
        "Temps des professionnels, par an",
        "price of staff time in a year",
    ),
    "year_co2_kg": ("year_co2_{bound}_kg", "CO₂ par an", "CO2 in a year"),
}
# columns of `Results.trips`: one for each quantity and bound
TRIPS = tuple(
    Keyed(pattern, number(name, fr, about, secrecy=Secrecy.MEAN))
    for name, (pattern, fr, about) in YEAR.items()
)
# columns of `Comparison.trips`: the same on each side
SIDED_TRIPS = tuple(Keyed(f"{side}_{one.pattern}", one.column) for side in SIDES for one in TRIPS)
_PRICE = "price in a year"

COLUMNS = (
    Column(
        "who", "Qui fait la route", "whose account it is: three accounts are never added up", codes=codes.WHO
    ),
    Column("bound", "Hypothèse", "direct road, low or high assumption", codes=codes.BOUNDS),
    Column(
        "mode", "Mode d'accueil", "mode of reception that the trips are those of", codes=codes.RECEPTION_MODES
    ),
    number("return_trips_per_year", "Allers-retours", "return trips in a year"),
    number(
        "round_factor_low", "Détour du circuit, bas (coefficient)", "detour of the round, low", is_fine=True
    ),
    number(
        "round_factor_high",
        "Détour du circuit, haut (coefficient)",
        "detour of the round, high",
        is_fine=True,
    ),
    number("persons_on_board", "Personnes à bord", "persons who share the vehicle"),
    Column("vehicle", "Véhicule", "vehicle"),
    Column("vehicle_source", "Source du véhicule", "where its price and CO2 come from"),
    Column("paid_by", "Qui paie", "who pays for the road"),
    flag("is_default", "Valeur par défaut", "true where the study states no trip"),
    Column("missing", "Ce qui manque", "what is unknown, in French"),
    number("waiting", "Personnes en attente", "persons on the waiting list", secrecy=Secrecy.OBSERVED),
    number("exits_per_year", "Sorties", "persons who leave in a year", secrecy=Secrecy.OBSERVED),
    number("year", "Année", "year of the count or of the price", is_label=True),
    number("wait_months", "Attente", "months of wait, one count over the other", secrecy=Secrecy.MEAN),
    number("scenario_wait_months", "Attente, scénario", "the same in the scenario", secrecy=Secrecy.MEAN),
    Column("label", "Nom", "name"),
    number("cost_eur", "Coût", "cost of the building"),
    number("subsidies_low_eur", "Subventions, bas", "subsidies, low"),
    number("subsidies_high_eur", "Subventions, haut", "subsidies, high"),
    number("years", "Durée (ans)", "years that the building is paid over"),
    number("discount_rate_share", "Taux d'actualisation", "discount rate"),
    number("annuity_low_eur", "Annuité, bas", f"annuity, low: {_PRICE}"),
    number("annuity_high_eur", "Annuité, haut", f"annuity, high: {_PRICE}"),
    number("rents_avoided_eur", "Loyers évités", "rents no longer paid in a year"),
    number("rents_paid_eur", "Loyers payés", "rents paid in a year"),
    number("net_low_eur", "Coût net, bas", f"net cost, low: {_PRICE}"),
    number("net_high_eur", "Coût net, haut", f"net cost, high: {_PRICE}"),
    number(
        "children_accompanied",
        "Enfants accompagnés",
        "children that the building is for, as the study states them",
        secrecy=Secrecy.MEAN,
    ),
    number(
        "per_child_low_eur",
        "Par enfant, bas",
        f"net cost of a child, low: {_PRICE}",
        secrecy=Secrecy.MEAN,
    ),
    number(
        "per_child_high_eur",
        "Par enfant, haut",
        f"net cost of a child, high: {_PRICE}",
        secrecy=Secrecy.MEAN,
    ),
    Column("assumptions", "Hypothèses", "assumptions of the cost, in French"),
)

_TERMS = (
    "mode return_trips_per_year round_factor_low round_factor_high persons_on_board vehicle vehicle_source paid_by "
    "source is_default missing"
)
_WAITS = "waiting exits_per_year year source wait_months scenario_wait_months note"
_BUILDINGS = (
    "label cost_eur subsidies_low_eur subsidies_high_eur years discount_rate_share annuity_low_eur annuity_high_eur "
    "rents_avoided_eur rents_paid_eur net_low_eur net_high_eur children_accompanied per_child_low_eur "
    "per_child_high_eur source year assumptions missing"
)
TABLES = (
    Table(
        "Results.trips",
        "",
        "A year's road for one child of each commune, of a parent and of the staff.",
        "commune_code service who",
        "",
        keyed=TRIPS,
        is_handed=False,
    ),
    Table(
        "Comparison.trips",
        "",
        "The accounts of travel of one child in a year, on each side.",
        "zone service who",
        "",
        keyed=SIDED_TRIPS,
        is_handed=False,
    ),
    Table("StudyResult.account_terms", "", "Terms of the accounts.", "service who", _TERMS, is_handed=False),
    Table("StudyResult.waits", "", "Waits.", "scenario service", _WAITS, is_handed=False),
    Table("StudyResult.buildings", "", "Costs of buildings.", "scenario", _BUILDINGS, is_handed=False),
    Table(
        "comparaison_trajets",
        "Comptes de trajets",
        "The accounts of travel of one child in a year: three, never added up.",
        "scenario zone service who measure bound",
        "zone_name unit baseline_value scenario_value delta_value",
        own=(Column("measure", "Mesure", "quantity", codes={name: fr for name, (_, fr, _) in YEAR.items()}),),
    ),
    Table(
        "comptes_de_trajets",
        "Hypothèses de trajets",
        "Under which terms each account of travel is counted.",
        "service who",
        _TERMS,
    ),
    Table(
        "attentes",
        "Attentes",
        "Waits by scenario and service, from observed counts alone.",
        "scenario service",
        _WAITS,
    ),
    Table(
        "batiments",
        "Bâtiments",
        "What the building of each scenario costs in a year.",
        "scenario",
        _BUILDINGS,
    ),
)
