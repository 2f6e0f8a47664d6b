"""The columns of `columns.csv`, one line more where one means something else in a table, and names that hold a key."""

from __future__ import annotations

from territory.tables import codes
from territory.tables.codes import YEAR_QUANTITIES, lines_of
from territory.tables.declare import SIDES, Column, Keyed, Secrecy


def _column(line: dict[str, str]) -> Column:
    """Return the column that a line declares."""
    return Column(
        line["name"],
        line["fr"],
        line["about"],
        line["kind"],
        secrecy=Secrecy[line["secrecy"].upper() or "PUBLIC"],
        codes=getattr(codes, line["codes"]) if line["codes"] else {},
        digits=int(line["digits"]) if line["digits"] else None,
        is_fine=line["is_fine"] == "yes",
        is_label=line["is_label"] == "yes",
        minimum=float(line["minimum"]) if line["minimum"] else None,
        maximum=float(line["maximum"]) if line["maximum"] else None,
        choices=tuple(line["choices"].split()),
        pattern=line["pattern"],
    )


COLUMNS: dict[str, Column] = {}
# columns that mean something else, or are protected otherwise, in one table
OWN: dict[str, tuple[Column, ...]] = {}
for _line in lines_of("columns.csv"):
    if _line["table"]:
        OWN[_line["table"]] = (*OWN.get(_line["table"], ()), _column(_line))
    else:
        COLUMNS[_line["name"]] = _column(_line)


# columns of `Results.coverage`, one block for each threshold
WITHIN_SHARES = Keyed("within_{threshold_min}_min_share", COLUMNS["within_share"])
COVERAGE = (
    Keyed("within_{threshold_min}_min_hab", COLUMNS["within_hab"]),
    Keyed("within_{threshold_min}_min_unknown_hab", COLUMNS["within_unknown_hab"]),
    WITHIN_SHARES,
)
# a column of `SitingAnswer.ranking` for each threshold
BEYOND = Keyed("persons_beyond_{threshold_min}_min", COLUMNS["persons_beyond"])


def _time(pattern: str, about: str) -> Keyed:
    """Declare the travel time of a service, whose name the column holds."""
    return Keyed(pattern, Column("travel_time_min", "Temps de route", about, "number"))


# indexes of the equity of a national study
EQUITY_TIME = _time("{service}_time_min", "travel time")
# columns of the map layers: a layer has one row for each commune
BASELINE_TIME = _time("baseline_{service}_min", "travel time today")
SCENARIO_TIME = _time("scenario_{scenario}_{service}_min", "travel time in the scenario")
# how each quantity of the accounts of travel is named with its bound, and what it is
YEAR = {
    "year_min": ("year_{bound}_min", "minutes on the road in a year"),
    "year_km": ("year_{bound}_km", "kilometres in a year"),
    "year_vehicle_eur": ("year_vehicle_{bound}_eur", "price of the vehicle in a year"),
    "year_staff_eur": ("year_staff_{bound}_eur", "price of staff time in a year"),
    "year_co2_kg": ("year_co2_{bound}_kg", "CO2 in a year"),
}
# columns of `Results.trips`: one for each quantity and bound
TRIPS = tuple(
    Keyed(pattern, Column(name, YEAR_QUANTITIES[name], about, "number", secrecy=Secrecy.MEAN))
    for name, (pattern, about) in YEAR.items()
)
# columns of `Comparison.trips`: the same on each side
SIDED_TRIPS = tuple(Keyed(f"{side}_{one.pattern}", one.column) for side in SIDES for one in TRIPS)

# which tables have such names
KEYED = {
    "Results.coverage": COVERAGE,
    "Results.trips": TRIPS,
    "Comparison.trips": SIDED_TRIPS,
    "SitingAnswer.ranking": (BEYOND,),
    "territoire.gpkg communes": (BASELINE_TIME, SCENARIO_TIME),
    "territoire.gpkg contours": (BASELINE_TIME, SCENARIO_TIME),
}
