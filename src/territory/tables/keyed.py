"""Names that hold a key: thresholds, scenarios and bounds in tables of memory and in map layers, nowhere else."""

from __future__ import annotations

from territory.tables.codes import YEAR_QUANTITIES
from territory.tables.columns import COLUMNS
from territory.tables.declare import SIDES, Column, Keyed, Secrecy

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
