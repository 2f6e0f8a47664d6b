"""The codes that columns hold, and their French names (`codes.csv`)."""

from __future__ import annotations

import csv
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


# the French name of each code, by list
CODES: dict[str, dict[str, str]] = {}
for _line in lines_of("codes.csv"):
    CODES.setdefault(_line["list"], {})[_line["code"]] = _line["fr"]

# services whose closest site is measured, and those of children in places: alone, then with their article
SERVICES, CLOSEST_SERVICES = CODES["services"], CODES["closest_services"]
# what reports explain when they use it
ACRONYMS = CODES["acronyms"]
# titles of the table of shared services, as the director reads them and gives them back
POOLING_TITLES = CODES["pooling_titles"]
