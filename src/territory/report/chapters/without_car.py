"""What is reached without a car beside what is reached by car: a table, and two maps of one service."""

from __future__ import annotations

from functools import partial

import pandas as pd

from territory.french.numbers import integer, minutes, share
from territory.french.words import count
from territory.release.gate import TODAY
from territory.report.chapters import pictures
from territory.report.layout.document import Block, DataTable, Heading, Paragraph, table
from territory.report.layout.pdf import Part
from territory.report.reading import Reading

NO_TIMETABLE = (
    " Non calculable : l'étude n'a pas d'horaires de transports collectifs. Ils se téléchargent (GTFS) sur "
    "transport.data.gouv.fr, et se donnent dans [travel.transit]."
)
_MOST_SERVICES = 6


def parts(reading: Reading) -> list[Part]:
    """Return the part without a car, which may leave; none without a timetable."""
    services = [name for name in reading.services if len(reading.release.times_without_car(TODAY, name))]
    if not services:
        return []
    return [Part(partial(_blocks, reading, services), "les trajets sans voiture", leaves=8)]


def said(reading: Reading) -> str:
    """Say how times without a car were found, or why there are none."""
    asked = reading.study.travel.transit
    if asked is None:
        return NO_TIMETABLE
    walk = "par les rues" if asked.streets else "à vol d'oiseau, allongé de 1,3"
    return (
        " En transports collectifs et à pied, pour être sur place à chaque minute de l'heure qui précède "
        f"{asked.arrive_by.replace(':', ' h ')}, horaires du {asked.date:%d/%m/%Y} ; c'est le temps médian, du dernier "
        f"départ possible à cette minute. On marche {walk}, {asked.max_walk_min:g} min au plus à chaque fois, à 4,8 "
        "km/h. "
        "Horaires prévus : ni retards, ni transport à la demande."
    )


def _blocks(reading: Reading, services: list[str]) -> list[Block]:
    """Return the heading, the words, the table and the maps."""
    first = services[0]
    maps = [
        pictures.time_map(reading, first, TODAY, max_height_cm=7.6, without_car=without)
        for without in (False, True)
    ]
    return [Heading("Et sans voiture ?"), Paragraph(said(reading).strip()), _table(reading, services), *maps]


def _table(reading: Reading, services: list[str]) -> DataTable:
    """Return the inhabitants within the longest threshold by car and without, today and where a scenario changes it."""
    bound = max(pictures.breaks_of(reading))
    rows: list[list[str]] = []
    for service in services[:_MOST_SERVICES]:
        for situation in (TODAY, *reading.release.scenarios):
            cells = [
                _within(reading, found(situation, service), bound)
                for found in (reading.times, reading.release.times_without_car)
            ]
            line = [reading.label(service), situation or "aujourd'hui", *cells[0], *cells[1]]
            # a scenario is told where it differs from today
            if situation == TODAY or [line[0], *line[2:]] != [rows[-1][0], *rows[-1][2:]]:
                rows.append(line)
    whole = count(len(reading.territory), "commune")
    heads = ["Service <2", "Situation <1.2", "communes, voiture >1", "habitants, voiture >1"]
    heads += ["communes, sans voiture >1", "habitants, sans voiture >1"]
    return table(heads, rows, f"À {minutes(bound)} ou moins d'un site, sur {whole} et leurs habitants.")


def _within(reading: Reading, rows: pd.DataFrame, bound: float) -> list[str]:
    """Return how many communes are within a time, and the share of inhabitants who live there."""
    near = rows["travel_time_min"].le(bound).reindex(reading.territory.index, fill_value=False)
    people = reading.territory["population"]
    return [integer(int(near.sum())), share(float(people[near].sum() / people.sum()))]
