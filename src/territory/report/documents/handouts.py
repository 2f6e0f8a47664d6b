"""What is handed out or shown beside the report: a note of one page, and six slides."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from territory.french.numbers import integer
from territory.report.chapters import first_page, method, moves, needs, options, travel_accounts
from territory.report.chapters.main_move import CLASSES, in_variants, of_places, sides
from territory.report.chapters.pictures import SMALL_CM, time_map
from territory.report.layout import document as doc
from territory.report.layout.pdf import shortest_needed
from territory.report.reading import UNKNOWN, Move, Readable, Reading, read
from territory.scenario.zones import ALL_TERRITORY

# what is not known that is told, less and less of it until the page holds the rest
_LENGTHS = (8, 6, 4, 3, 2, 1)
_SLIDES = 6
_OF_10 = {"shorter": "gain", "longer": "loss", "same": "indistinct"}


def note(result: Readable) -> doc.Document:
    """Return a note of one page: three numbers, a map, what is not known and whom to ask."""
    reading = read(result)
    move, unknown = reading.pivot, first_page.questions(reading)
    asked = doc.Paragraph(reading.study.question, "lead")
    start: list[doc.Block] = [asked, doc.Heading("La réponse"), *first_page.readings(reading)]
    if move is not None:
        # with the mark of what no document states
        start.append(first_page.headline(reading, move)[0])
    picture = _map(reading)

    def made(most: int) -> doc.Document:
        told = _told(reading, move)[:most]
        blocks: list[doc.Block] = [*start, three_numbers(reading), *_beside(told, picture)]
        if unknown:
            blocks += [doc.Heading(UNKNOWN), doc.Bullets(unknown[:most], "small")]
        blocks += method.digest_line(reading)
        return reading.document(blocks, kicker="Note d'une page")

    return shortest_needed(lambda level: made(_LENGTHS[level]), len(_LENGTHS) - 1, most_pages=1)


def slides(result: Readable) -> doc.Document:
    """Return six pages for a screen: question, answer, gains and losses, options, other services, unknowns."""
    reading = read(result)
    picture = _map(reading, max_height_cm=5.4)

    def made(level: int) -> doc.Document:
        pages = [page for page in _pages(reading, picture, most=_LENGTHS[level]) if page][:_SLIDES]
        blocks = [block for page in pages for block in page]
        return reading.document(blocks, kicker="Présentation au conseil", form="slides")

    return shortest_needed(made, len(_LENGTHS) - 1, most_pages=_SLIDES)


def three_numbers(reading: Reading) -> doc.KeyFigures:
    """Return what a reader may keep: of ten children, or else the persons of the age, or the territory itself."""
    move = reading.pivot
    if move is None:
        people = float(reading.territory["population"].sum(min_count=1))
        known = f"population {reading.vintage()}"
        figures = [
            (integer(people), "habitants", known),
            (integer(len(reading.territory)), "communes", known),
        ]
        return doc.KeyFigures([*figures, (integer(len(reading.services)), "services étudiés", "")])
    row = reading.children(move.scenario_id, move.services[0])
    if row is None:
        found, noun = reading.counts_of(move), reading.noun_of(move)
        sizes = {effect: found.text(ALL_TERRITORY, effect) for effect in CLASSES}
        if not all(text[:1].isdigit() or text.startswith("<") for text in sizes.values()):
            # times are public, where persons may not be printed or are not known
            sizes = {effect: integer(float(found.communes[effect][ALL_TERRITORY])) for effect in CLASSES}
            noun = "communes"
        return doc.KeyFigures([(sizes[effect], label, noun) for effect, label in CLASSES.items()])
    figures = [
        (f"{int(row[f'{fate}_of_10'])} sur 10", CLASSES[effect], "des enfants accompagnés")
        for fate, effect in _OF_10.items()
    ]
    if int(row["without_of_10"]):
        figures = [
            (f"{int(row['without_of_10'])} sur 10", "sans ce service", "des enfants accompagnés"),
            *figures[:2],
        ]
    return doc.KeyFigures(figures)


def _told(reading: Reading, move: Move | None) -> list[doc.Block]:
    """Return what is told beside the map."""
    if move is None:
        return first_page.answer(reading)
    texts = [of_places(reading, move), in_variants(reading, move)]
    small = doc.Paragraph(first_page.DEFINED, "small")
    return [doc.Bullets(sides(reading, move)), *(doc.Paragraph(text) for text in texts if text), small]


def _map(reading: Reading, *, max_height_cm: float = 8.0) -> doc.Picture | None:
    """Return the one map: what changes, or else the times of today."""
    services = [service for service in reading.services if not reading.times("", service).empty]
    drawn = first_page.small_map(reading, max_height_cm=max_height_cm)
    if drawn is not None or not services:
        return drawn
    return time_map(reading, services[0], "", max_height_cm=max_height_cm, width_cm=SMALL_CM)


def _pages(reading: Reading, picture: doc.Picture | None, *, most: int) -> list[list[doc.Block]]:
    """Return the slides, in order; those that a study has nothing for are empty."""
    move = reading.pivot
    question: list[doc.Block] = [doc.Paragraph(reading.study.question, "lead"), *first_page.readings(reading)]
    named = [f"Scénario {one.id} : {one.name}." for one in reading.study.scenario if not one.supported_by]
    told = first_page.headline(reading, move) if move else first_page.answer(reading)
    zones = moves.ordered_zones(reading, move)[:most] if move else []
    who: list[doc.Block] = [doc.Bullets(sides(reading, move))] if move else []
    if move and zones and not reading.release.service_reason(move.scenario_id, move.services[0]):
        who.append(moves.effects_table(reading, move, zones))
    others, unknown = first_page.other_services(reading)[:most], first_page.questions(reading)[:most]
    compared = [
        replace(block, rows=block.rows[: most + 2], note="") if isinstance(block, doc.DataTable) else block
        for block in options.options(reading)[1:3]
    ]
    care = travel_accounts.common_care(reading)[1:2]
    return [
        [doc.Heading("La question"), *question, *([doc.Bullets(named[:most])] if named else [])],
        _page("La réponse", _beside(told, picture)),
        _page("Qui gagne, qui perd", who),
        _page("Les options côte à côte", compared),
        _page("Les autres services", [doc.Bullets(others)] if others else []),
        _page("Les soins courants", care if not move else []),
        _page("Les personnes concernées", needs.needs(reading)[-1:] if not move else []),
        _page(UNKNOWN, [doc.Bullets(unknown), *method.digest_line(reading)] if unknown else []),
    ]


def _page(title: str, blocks: Sequence[doc.Block]) -> list[doc.Block]:
    """Return one slide, none without anything to show."""
    return [doc.Heading(title, new_page=True), *blocks] if blocks else []


def _beside(blocks: Sequence[doc.Block], picture: doc.Picture | None) -> list[doc.Block]:
    """Put blocks beside the map, when there is one."""
    return [doc.Beside(blocks, picture)] if picture else list(blocks)
