"""The pages of maps: before, after, difference, the EPCI in focus, each with its numbers as a chart or a table."""

from __future__ import annotations

from territory.report import communes, pictures
from territory.report.document import Block, Heading, Paragraph
from territory.report.french import minutes
from territory.report.reading import Move, Reading
from territory.report.sections import effects_table, ordered_zones

_MOST_COMMUNES = 40


def maps(reading: Reading) -> list[Block]:
    """Return the maps of the move that changes most, and of the next one that changes trips of children.

    Parameters
    ----------
    reading
        A result, read.

    Returns
    -------
    list of Block
        Today's maps alone when there is no scenario, or when nothing moves from a place to another.
    """
    move = reading.pivot()
    if move is None or move.from_site is None or move.to_site is None:
        return _of_today(reading)
    service = move.services[0]
    after = reading.result.scenarios[move.scenario_id]
    situation = f"Scénario {move.scenario_id}"
    blocks: list[Block] = [
        Heading(f"Les trajets vers « {reading.labels(move.services)} », avant et après", new_page=True),
        Paragraph(_perimeter(reading, move)),
        pictures.time_map(reading, service, reading.baseline, situation="Aujourd'hui", max_height_cm=9.8),
        pictures.time_map(reading, service, after, situation=situation, max_height_cm=9.8),
        Heading("Qui gagne, qui perd", new_page=True),
        pictures.change_map(reading, move, max_height_cm=10.6),
        *communes.change_table(reading, move, reading.territory.index, most=16, told_only=True),
    ]
    zones = ordered_zones(reading, move)
    if zones:
        blocks += [pictures.effects_chart(reading, move, zones), effects_table(reading, move, zones)]
    chart = pictures.distribution_chart(reading, move)
    if chart is not None:
        blocks.append(chart)
    focus = pictures.focus_of(reading)
    if focus is not None:
        name = reading.study.territory.focus_name or reading.study.territory.name
        blocks += [
            Heading(f"Plus près : {name}", new_page=True),
            pictures.change_map(
                reading,
                move,
                max_height_cm=11.4,
                zoom=focus,
                zoom_name=reading.study.territory.focus_epci_code,
            ),
            *communes.change_table(reading, move, focus, most=_MOST_COMMUNES),
        ]
    other = _next_map(reading, move)
    if other is not None:
        blocks += [
            Heading(f"Et pour « {reading.labels(other.services)} » ?"),
            pictures.change_map(reading, other, max_height_cm=8.6),
            *communes.change_table(reading, other, reading.territory.index, most=12, told_only=True),
        ]
    return blocks


def _of_today(reading: Reading) -> list[Block]:
    """Return maps of today's times, four at most."""
    drawn: list[Block] = [
        pictures.time_map(reading, service, reading.baseline, situation="Aujourd'hui", max_height_cm=10.0)
        for service in [*reading.named, *reading.closest][:4]
        if not reading.times(reading.baseline, service).empty
    ]
    return [Heading("Les temps de route aujourd'hui", new_page=True), *drawn] if drawn else []


def _next_map(reading: Reading, pivot: Move) -> Move | None:
    """Return the next move from one commune to another that changes the road of those who come."""
    for scenario_id in reading.result.comparisons:
        for move in reading.moves(scenario_id):
            is_told = move.services != pivot.services and move.who != frozenset({"staff"})
            is_moved = move.from_site is not None and move.to_site is not None
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
        f"Faute de connaître les communes d'origine, on compte les {noun} qui habitent à {limit} ou moins "
        "du site d'aujourd'hui, départements voisins compris : ceux qu'un trajet plus court ou plus long "
        "pourrait concerner, et non le nombre de personnes accompagnées."
    )
