"""The pages of maps: before, after, difference, the EPCI in focus, each with its numbers as a chart or a table."""

from __future__ import annotations

from functools import partial

import pandas as pd

from territory.french.words import minutes
from territory.release.gate import TODAY
from territory.report.chapters import charts, commune_table, isochrones, pictures
from territory.report.chapters.moves import effects_table, ordered_zones
from territory.report.layout.document import Block, Heading, Paragraph
from territory.report.layout.page_limit import Part
from territory.report.reading.moves import STAFF, Move
from territory.report.reading.run_reading import Reading

_MOST_COMMUNES = 40


def maps(reading: Reading) -> list[Part]:
    """Return the maps of the move that changes most, and of the next one that changes trips of children."""
    move = reading.pivot()
    if move is None or move.from_site is None or move.to_site is None:
        return [Part(_of_today(reading))]
    return [
        Part(_before_and_after(reading, move)),
        Part(_who_gains(reading, move)),
        *_next(reading, move),
        *_closer(reading, move),
    ]


def _before_and_after(reading: Reading, move: Move) -> list[Block]:
    """Return the maps of times on the same classes, and their numbers."""
    service = move.services[0]
    return [
        Heading(f"{_trips(move)} « {reading.labels(move.services)} », avant et après", new_page=True),
        Paragraph(_perimeter(reading, move)),
        pictures.time_map(reading, service, TODAY, max_height_cm=8.4),
        pictures.time_map(reading, service, move.scenario_id, max_height_cm=8.4),
        isochrones.within_table(reading, move),
    ]


def _trips(move: Move) -> str:
    """Say whose trips they are."""
    return "Les trajets depuis" if move.who == STAFF else "Les trajets vers"


def _who_gains(reading: Reading, move: Move) -> list[Block]:
    """Return the map of differences, and who gains and loses by commune, by EPCI and by time."""
    blocks: list[Block] = [
        Heading("Qui gagne, qui perd", new_page=True),
        pictures.change_map(reading, move, max_height_cm=10.0),
        *commune_table.change_table(reading, move, reading.territory.index, most=16, told_only=True),
    ]
    zones = ordered_zones(reading, move)
    if zones:
        blocks += [charts.effects_chart(reading, move, zones), effects_table(reading, move, zones)]
    chart = charts.distribution_chart(reading, move)
    return blocks if chart is None else [*blocks, chart]


def _closer(reading: Reading, move: Move) -> list[Part]:
    """Return the EPCI in focus in detail."""
    focus = pictures.focus_of(reading)
    if focus is None:
        return []
    name = reading.study.territory.focus_name or reading.study.territory.name
    title = f"la carte de détail, {name} (elle est aussi dans la fiche de l'EPCI)"
    return [Part(partial(_detail, reading, move, focus, name), title, leaves=5)]


def _detail(reading: Reading, move: Move, focus: pd.Index, name: str) -> list[Block]:
    """Return the map and the numbers of the EPCI in focus."""
    code = reading.study.territory.focus_epci_code
    return [
        Heading(f"Plus près : {name}"),
        pictures.change_map(reading, move, max_height_cm=11.4, zoom=focus, zoom_name=code),
        *commune_table.change_table(reading, move, focus, most=_MOST_COMMUNES),
    ]


def _next(reading: Reading, pivot: Move) -> list[Part]:
    """Return the map of the next move that is felt."""
    other = _second(reading, pivot)
    if other is None:
        return []
    title = f"la carte des écarts, {reading.labels(other.services)}"
    return [Part(partial(_differences, reading, other), title, leaves=26)]


def _differences(reading: Reading, move: Move) -> list[Block]:
    """Return the map of the differences that a move brings, and the largest ones."""
    return [
        Heading(f"Et pour « {reading.labels(move.services)} » ?"),
        pictures.change_map(reading, move, max_height_cm=8.6),
        *commune_table.change_table(reading, move, reading.territory.index, most=12, told_only=True),
    ]


def next_map(reading: Reading) -> list[Block]:
    """Return the map of the move that is felt most after the one told at length, for the annex."""
    pivot = reading.pivot()
    if pivot is None or pivot.from_site is None or pivot.to_site is None:
        return []
    return [block for part in _next(reading, pivot) for block in part.blocks]


def _of_today(reading: Reading) -> list[Block]:
    """Return maps of today's times, four at most."""
    drawn: list[Block] = [
        pictures.time_map(reading, service, TODAY, max_height_cm=10.0)
        for service in [*reading.named, *reading.closest][:4]
        if not reading.times(TODAY, service).empty
    ]
    return [Heading("Les temps de route aujourd'hui", new_page=True), *drawn] if drawn else []


def _second(reading: Reading, pivot: Move) -> Move | None:
    """Return the next move from one commune to another that changes the road of those who come."""
    for scenario_id in reading.release.scenarios:
        for move in reading.moves(scenario_id):
            is_told = move.services != pivot.services and move.who != STAFF
            is_moved = move.lasts
            is_far = reading.place(move.from_site) != reading.place(move.to_site)
            # a map of differences that cannot be told shows hatches: page 1 says it in a line
            if is_told and is_moved and is_far and reading.is_felt(move):
                return move
    return None


def _perimeter(reading: Reading, move: Move) -> str:
    """Say who is counted."""
    limit = minutes(reading.parameters.recruitment_max_min)
    found = reading.counts(move.scenario_id, move.services[0])
    noun = reading.noun(move.services[0], is_observed=found.is_observed)
    if found.is_observed:
        return f"Les {noun} sont ceux que l'étude donne, par commune d'origine."
    return (
        f"Faute de connaître les communes d'origine, on compte les {noun} à {limit} ou moins du site d'aujourd'hui, "
        "départements voisins compris : ceux que le changement pourrait concerner."
    )
