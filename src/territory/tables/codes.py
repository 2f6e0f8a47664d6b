"""The codes that columns hold, and their French names (`codes.csv`)."""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Iterator
from importlib import resources

# [0-9] and not a digit of any script, which would look right and belong to no commune
COMMUNE_CODE = r"^(?:[0-9]{2}|2A|2B)[0-9]{3}$"
DEMAND_KINDS = ("prevalence", "rights", "orientation", "waiting", "population")
CAPACITY_UNITS = ("places", "file_active", "etp", "headcount", "consultations_per_year", "seances_per_year")


def lines_of(name: str, package: str = "territory.tables") -> Iterator[dict[str, str]]:
    """Yield the lines of a file of declarations."""
    text = (resources.files(package) / name).read_text("utf-8")
    yield from csv.DictReader(text.splitlines())


_LISTS: dict[str, dict[str, str]] = defaultdict(dict)
for _line in lines_of("codes.csv"):
    _LISTS[_line["list"]][_line["code"]] = _line["fr"]

# what stands in the place of a withheld number
SECRET = _LISTS["secret"]
POINT_KINDS = _LISTS["point_kinds"]
POINT_PRECISIONS = _LISTS["point_precisions"]
COUNTED = _LISTS["counted"]
UNITS_OF_CAPACITY = _LISTS["units_of_capacity"]
RECEPTION_MODES = _LISTS["reception_modes"]
ORIGINS = _LISTS["origins"]
TIME_KINDS = _LISTS["time_kinds"]
EFFECTS = _LISTS["effects"]
WHO = _LISTS["who"]
BOUNDS = _LISTS["bounds"]
LEVELS = _LISTS["levels"]
ZONES = _LISTS["zones"]
# the scenario of what is counted before any change
SCENARIOS = _LISTS["scenarios"]
MEASURE_UNITS = _LISTS["measure_units"]
OPTIONS = _LISTS["options"]
LEGAL_STATUSES = _LISTS["legal_statuses"]
DIRECTIONS = _LISTS["directions"]
FLAGS = _LISTS["flags"]
# services whose closest site is measured, and those of children in places: alone, then with their article
SERVICES = _LISTS["services"]
CLOSEST_SERVICES = _LISTS["closest_services"]
CAPACITY_SCOPES = _LISTS["capacity_scopes"]
# classes of children served of which one sum may be printed (release.observed_children)
MERGED_EFFECTS = _LISTS["merged_effects"]
# of the children likely served: who they may be, what may be true of them, and whether it is
VARIANTS = _LISTS["variants"]
ACTS = _LISTS["acts"]
FINDINGS = _LISTS["findings"]
HOLDS = _LISTS["holds"]
OFFER_KINDS = _LISTS["offer_kinds"]
YEAR_QUANTITIES = _LISTS["year_quantities"]
# what reports explain when they use it
ACRONYMS = _LISTS["acronyms"]
# titles of the table of shared services, as the director reads them and gives them back
POOLING_TITLES = _LISTS["pooling_titles"]
