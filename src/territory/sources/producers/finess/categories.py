"""What the categories of FINESS are: the service of each, what its capacity counts, and where it works."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Category:
    """A FINESS category: its service, the unit of its capacity (None = it has none), and where it works."""

    service: str
    capacity_unit: str | None = "places"
    is_ambulatory: bool = False
    is_at_home: bool = False


# categories of FINESS; file active: no CDAPH decision and no places (IGAS 2018-005R)
CATEGORIES: dict[str, Category] = {
    "182": Category("sessad", is_at_home=True),
    "183": Category("ime"),
    "186": Category("itep"),
    "188": Category("eeap"),
    "189": Category("cmpp", "file_active", is_ambulatory=True),
    "190": Category("camsp", "file_active", is_ambulatory=True),
    "192": Category("iem"),
    "194": Category("institut_visuel"),
    "195": Category("institut_auditif"),
    "196": Category("institut_sensoriel"),
    "221": Category("bapu", "file_active", is_ambulatory=True),
    "238": Category("cafs"),
    "377": Category("experimental_enfance"),
    "156": Category("cmp", "file_active", is_ambulatory=True),
    "425": Category("cattp", "file_active", is_ambulatory=True),
    "246": Category("esat"),
    "252": Category("foyer_hebergement"),
    "255": Category("mas"),
    "370": Category("experimental_adulte"),
    "379": Category("experimental_adulte"),
    "382": Category("foyer_vie"),
    "437": Category("fam"),
    "445": Category("samsah", is_at_home=True),
    "446": Category("savs", is_at_home=True),
    "448": Category("eam"),
    "449": Category("eanm"),
    "202": Category("residence_autonomie"),
    "207": Category("accueil_jour"),
    "209": Category("saas", is_at_home=True),
    "354": Category("ssiad", is_at_home=True),
    "460": Category("saa", None, is_at_home=True),
    "500": Category("ehpad"),
    "501": Category("ehpa"),
    "502": Category("ehpa"),
    "362": Category("usld"),
    "461": Category("centre_ressources", None),
    "463": Category("clic", None),
    "604": Category("cpts", None),
    "606": Category("dac", None),
    "609": Category("mdph", None),
    "124": Category("centre_sante", None),
    "603": Category("msp", None),
    "620": Category("pharmacie", None),
}

# children's categories in which « prestation en milieu ordinaire » means what a SESSAD does
SESSAD_TYPE_CATEGORIES = frozenset({"182", "183", "186", "188", "192", "194", "195", "196", "377"})

# services of children that are counted in places
CHILD_SERVICES = tuple(
    category.service for code, category in CATEGORIES.items() if code in SESSAD_TYPE_CATEGORIES
)

# services whose staff go to the person
HOME_SERVICES = frozenset(category.service for category in CATEGORIES.values() if category.is_at_home)

# whatever unit a table gives them, these are followed in persons, never in places
FILE_ACTIVE_SERVICES = frozenset(
    {"camsp", "cmpp", "bapu", "cmp", "cmp_ij", "cattp", "cattp_ij", "hdj", "hdj_ij"}
)
