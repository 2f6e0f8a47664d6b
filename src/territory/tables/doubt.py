"""What the draws within the doubt say."""

from __future__ import annotations

from dataclasses import replace

from territory.tables.comparison import COLUMNS as COMPARED
from territory.tables.declare import Column, Secrecy, Table, number

COLUMNS = (
    number("low_min", "Bas", "low end within the doubt"),
    number("high_min", "Haut", "high end within the doubt"),
    number("share", "Part de 0 à 1", "share, without draws", is_fine=True),
    number("low_share", "Bas", "low end within the doubt"),
    number("high_share", "Haut", "high end within the doubt"),
    number("low", "Bas", "low end within the doubt, in the unit of the row", is_fine=True),
    number("high", "Haut", "high end within the doubt, in the unit of the row", is_fine=True),
    number("low_hab", "Bas", "low end within the doubt"),
    number("high_hab", "Haut", "high end within the doubt"),
    number("same_status_share", "Tirages du même côté du seuil", "draws on the same side of the threshold"),
    number("same_class_share", "Tirages de même classe", "draws that give the same class"),
    Column("verdict", "Verdict", "whether the draws agree, in French"),
    number("better_share", "Tirages favorables", "draws where the scenario is better"),
    number("worse_share", "Tirages défavorables", "draws where it is worse"),
)

_PERSONS = tuple(replace(one, secrecy=Secrecy.ESTIMATE) for one in COLUMNS if one.name in ("low", "high"))
# means over the persons of a zone, where those of a commune are times that anybody may look up
_MEANS = tuple(
    replace(one, secrecy=Secrecy.MEAN)
    for one in (*COLUMNS, *COMPARED)
    if one.name in ("low_min", "high_min", "detectable_min", "better_share", "worse_share", "verdict")
)
_DRAWN = " ".join(f"persons_{effect}" for effect in ("shorter", "longer", "doubtful", "unknown"))
_ENDS = "low_min high_min"
_MOVES = f"detectable_min {_ENDS} better_share worse_share verdict"
_COMMUNE = "commune_name epci_code epci_name"


def _both(
    attribute: str,
    name: str,
    fr: str,
    about: str,
    keys: str,
    columns: str,
    beside: str,
    own: tuple[Column, ...] = (),
) -> tuple[Table, Table]:
    """Declare a table of `Draws`, and the file that it becomes, with the names of its places."""
    return (
        Table(f"Draws.{attribute}", "", about, keys, columns, own=own, is_handed=False),
        Table(name, fr, about, keys, f"{beside} {columns}", own=own),
    )


TABLES = (
    *_both(
        "times",
        "incertitude_temps",
        "Doute, temps",
        "Times of each commune within their doubt.",
        "commune_code service",
        f"travel_time_min {_ENDS}",
        _COMMUNE,
    ),
    *_both(
        "coverage",
        "incertitude_couverture",
        "Doute, soins courants",
        "Inhabitants within each threshold, within the doubt.",
        "zone service threshold_min",
        "share low_share high_share",
        "zone_name",
    ),
    *_both(
        "needs",
        "incertitude_besoins",
        "Doute, besoins",
        "Persons in need within their doubt.",
        "zone public",
        "demand low high kind",
        "zone_name",
        _PERSONS,
    ),
    *_both(
        "gp_access",
        "incertitude_medecins_generalistes",
        "Doute, généralistes",
        "Access to GPs within its doubt.",
        "commune_code",
        "value unit low high",
        _COMMUNE,
    ),
    *_both(
        "deserts",
        "incertitude_deserts",
        "Doute, déserts",
        "Whether the draws agree on each criterion.",
        "commune_code criterion",
        "status same_status_share verdict",
        _COMMUNE,
    ),
    *_both(
        "desert_classes",
        "incertitude_classes_desert",
        "Doute, classes de désert",
        "Whether the draws agree on each class.",
        "commune_code scheme",
        "desert_class same_class_share verdict",
        _COMMUNE,
    ),
    *_both(
        "desert_population",
        "incertitude_population_deserts",
        "Doute, habitants en désert",
        "Inhabitants in a desert within the doubt.",
        "zone criterion",
        "population_hab low_hab high_hab",
        "zone_name",
    ),
    *_both(
        "comparisons",
        "incertitude_scenarios",
        "Doute, scénarios",
        "Difference of mean times within the doubt.",
        "scenario zone service",
        f"delta_mean_min {_MOVES} {_DRAWN}",
        "zone_name",
        _MEANS,
    ),
    *_both(
        "moves",
        "incertitude_scenarios_communes",
        "Doute, scénarios par commune",
        "Difference of times of each commune within the doubt.",
        "scenario commune_code service",
        f"delta_travel_time_min {_MOVES}",
        _COMMUNE,
    ),
)
