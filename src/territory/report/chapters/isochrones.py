"""What can be reached by road from the sites that are compared: outlines over the maps of times, and who is inside."""

from __future__ import annotations

from typing import TYPE_CHECKING

import geopandas as gpd
import pandas as pd

from territory.french.numbers import integer, minutes
from territory.french.words import count, join, persons
from territory.network.maps.osm import ATTRIBUTION
from territory.plot.maps.shapes import dash_of
from territory.release.gate import TODAY
from territory.report.layout.document import DataTable, table

if TYPE_CHECKING:
    from territory.release.gate import Sites
    from territory.report.reading import Move, Reading

# as many times as outlines: more would hide one another
_MOST_TIMES = 3


def bounds_of(reading: Reading) -> list[float]:
    """Return the times within which communes and persons are counted: the first three thresholds of the study."""
    return sorted(reading.parameters.thresholds_min)[:_MOST_TIMES]


def rings_of(reading: Reading, scenario_id: str, sites: Sites | None) -> gpd.GeoDataFrame | None:
    """Return the isochrones of some sites taken together, as a map draws them."""
    table: gpd.GeoDataFrame | None = reading.release.isochrones
    if table is None or not sites:
        return None
    rows = table[table["scenario"].eq(scenario_id) & table["site_id"].isin(sites)]
    if set(rows["site_id"]) != set(sites):
        # the outline of a part of the sites would be taken for that of all
        return None
    together = gpd.GeoDataFrame(rows[["minutes", "geometry"]]).dissolve("minutes").sort_index()
    labels = [minutes(float(value)) for value in together.index]
    return gpd.GeoDataFrame({"label": labels}, geometry=together.geometry.to_numpy(), crs=table.crs)


def ring_lines(rings: gpd.GeoDataFrame | None) -> list[tuple[tuple[float, ...], str]]:
    """Return the dash and the words of each isochrone, for a legend."""
    if rings is None:
        return []
    return [(dash_of(rank), f"isochrone de {label}") for rank, label in enumerate(rings["label"])]


def ring_notes(rings: gpd.GeoDataFrame | None) -> list[str]:
    """Return what must be known to read isochrones."""
    if rings is None:
        return []
    return [
        "Isochrones : ce qu'une voiture atteint depuis le site, à 500 m d'une route au plus ; simplifiées. Routes : "
        f"{ATTRIBUTION}."
    ]


def within_words(reading: Reading, service: str, situation: str) -> str:
    """Say how many communes and persons are within each time of a service."""
    parts = []
    for bound in bounds_of(reading):
        communes, people = within(reading, service, situation, bound)
        who = "" if people is None else f" et {people} {reading.noun(service)}"
        parts.append(f"{count(communes, 'commune')}{who} à {minutes(bound)} ou moins")
    return f"{join(parts)}, départements voisins compris."


def within(reading: Reading, service: str, situation: str, bound_min: float) -> tuple[int, str | None]:
    """Return how many communes, by their point, and how many persons are within a time of a service."""
    near = reading.times(situation, service)["travel_time_min"].le(bound_min)
    if reading.release.is_observed(service):
        return int(near.sum()), None
    people = reading.release.persons(situation, service).reindex(near.index)[near]
    return int(near.sum()), None if people.isna().any() else persons(float(people.sum()))


def within_table(reading: Reading, move: Move) -> DataTable:
    """Return the numbers of the maps before and after: communes and persons within each time of the site."""
    service = move.services[0]
    situations = {
        "Aujourd'hui": TODAY,
        f"Scénario {move.scenario_id}": move.scenario_id,
    }
    found = pd.DataFrame(
        {
            (name, bound): within(reading, service, situation, bound)
            for name, situation in situations.items()
            for bound in bounds_of(reading)
        },
        index=["communes", "persons"],
    )
    has_persons = bool(found.loc["persons"].notna().all())
    kinds = ["communes", "persons"] if has_persons else ["communes"]
    noun = reading.noun(service).split(" ")[0]
    heads = [
        f"{name} : {noun if kind == 'persons' else 'communes'} >1" for name in situations for kind in kinds
    ]
    rows = [
        [
            f"à {minutes(bound)} ou moins",
            *(_cell(found[name, bound][kind]) for name in situations for kind in kinds),
        ]
        for bound in bounds_of(reading)
    ]
    whom = f"communes et {reading.noun(service)}" if has_persons else "communes"
    return table(
        ["Du site <1.3", *heads],
        rows,
        f"À portée de « {reading.short(service)} » : {whom}, départements voisins compris.",
    )


def _cell(value: int | str) -> str:
    """Write a count of communes, or persons that are written already."""
    return value if isinstance(value, str) else integer(value)
