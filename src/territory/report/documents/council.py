"""The council report: question, answer, what is not known, maps, gainers and losers, needs, method, sources."""

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from territory.errors import ParameterError
from territory.french.numbers import integer
from territory.report.chapters import (
    deserts,
    first_page,
    journeys,
    maps,
    method,
    moves,
    needs,
    questions,
    travel_accounts,
)
from territory.report.chapters.main_move import CLASSES, in_variants, of_places, options, sides
from territory.report.chapters.pictures import SMALL_CM, time_map
from territory.report.layout import document as doc
from territory.report.reading import UNKNOWN, Move, Readable, Reading, read
from territory.scenario.zones import ALL_TERRITORY
from territory.tables.declare import ACRONYMS
from territory.tables.schemas import plain_texts

DOCUMENTS = ("council", "note", "slides", "sheet", "annex")
# a council reads from 8 to 14 pages
MOST_PAGES = 14
# moves told in one table; the annex has them all
_MOST_MOVES = 14


@plain_texts
def build_report(
    result: Readable, path: Path | str, *, document: str = "council", epci: str | None = None
) -> Path:
    """Write a report of a study as an accessible PDF in French; the same result gives the same bytes.

    Every sentence is made from the numbers; estimates under 11 persons are written "< 11", and differences under
    the doubt on times « sans différence visible ».

    Parameters
    ----------
    result
        What `territory.run_study` gives, or a reading of it that several documents share.
    path
        File to write; its folder exists.
    document : {"council", "note", "slides", "sheet", "annex"}
        The whole report; one page; six pages for a screen; two pages on one EPCI; or every table, the parameters, the
        doubt on times, the manifest and what was withheld.
    epci
        Code of the EPCI of a sheet.

    Raises
    ------
    ParameterError, UnknownCodeError, OutputError
        The document is unknown, or a sheet has no EPCI; no commune is in it; the file cannot be written.

    Examples
    --------
    >>> import territory
    >>> build_report(territory.run_study("draguignan"), "note.pdf", document="note").name
    'note.pdf'
    """
    from territory.report.documents.annex import technical_annex
    from territory.report.documents.epci_sheet import epci_sheet

    if document not in DOCUMENTS:
        known = ", ".join(DOCUMENTS)
        raise ParameterError(f"Document inconnu « {document} » ; documents possibles : {known}.")
    if document == "sheet":
        if epci is None:
            raise ParameterError("Une fiche porte sur un EPCI : donnez son code (epci=..., ou --epci CODE).")
        return doc.compile_pdf(epci_sheet(result, epci), path)
    makers = {"council": council_report, "note": note, "slides": slides, "annex": technical_annex}
    return doc.compile_pdf(makers[document](result), path)


def council_report(result: Readable) -> doc.Document:
    """Return the council report as data, within its pages: what does not fit is in the annex, and it says so."""
    reading = read(result)
    parts = [
        doc.Part(first_page.first_page(reading)),
        doc.Part(moves.what_moves(reading)),
        doc.Part(moves.all_moves(reading, most=_MOST_MOVES)),
        doc.Part(moves.what_documents_say(reading)),
        doc.Part(options(reading)),
        *questions.siting_parts(reading),
        *questions.groups(reading),
        *maps.maps(reading),
        *needs.flows(reading),
        doc.Part(needs.needs(reading)),
        doc.Part(travel_accounts.child_offer(reading)),
        *maps.rates(reading),
        doc.Part(travel_accounts.common_care(reading)),
        doc.Part(journeys.time_on_board(reading), "le temps à bord", leaves=14),
        doc.Part(travel_accounts.travel_accounts(reading), "les trois comptes de trajets", leaves=15),
        *deserts.desert_parts(reading),
        *journeys.parts(reading),
    ]
    parts = [part for part in parts if callable(part.made) or part.made]
    order = doc.in_order_of_leaving(parts)
    return doc.fitted(lambda left_out: _document(reading, parts, left_out), order, most_pages=MOST_PAGES)


def _document(reading: Reading, parts: list[doc.Part], left_out: frozenset[int]) -> doc.Document:
    """Return the report without some of its parts, which it sends the reader to the annex for."""
    blocks = [block for place, part in enumerate(parts) if place not in left_out for block in part.blocks]
    moved = [part.title for place, part in enumerate(parts) if place in left_out]
    if moved:
        said = f"Un rapport au conseil tient en {MOST_PAGES} pages. Sont dans l'annexe technique : {' ; '.join(moved)}."
        blocks.append(doc.Callout("Ce qui est dans l'annexe, faute de place ici", [said]))
    blocks += method.method(reading)
    blocks += method.sources(reading, explained=acronyms(blocks))
    words = ["accessibilité", "temps de route", "médico-social"]
    return reading.document(blocks, words=words, kicker="Rapport au conseil")


_WORD = re.compile(r"\b[A-Z]{2,}\b")


def acronyms(blocks: Sequence[doc.Block]) -> list[doc.Block]:
    """Return what the acronyms of some blocks stand for, those that are used and known."""
    told = [repr(block) for block in blocks if not isinstance(block, doc.Picture)]
    used = {word for text in told for word in _WORD.findall(text)}
    known = [(word, meaning) for word, meaning in ACRONYMS.items() if word in used]
    said: list[str | doc.Run] = []
    for word, meaning in known:
        said += [*([" ; "] if said else []), doc.strong(word), f" : {meaning}"]
    return [doc.Heading("Les sigles", 2), doc.Paragraph([*said, "."], "small", is_kept=True)] if said else []


# what is not known that is told, less and less of it until the page holds the rest
_LENGTHS = (8, 6, 4, 3, 2, 1)
_SLIDES = 6
_FATES = ("shorter", "longer", "same")
_OF_10 = {"without": "sans ce service", **dict(zip(_FATES, CLASSES.values(), strict=True))}


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

    return doc.shortest_needed(lambda level: made(_LENGTHS[level]), len(_LENGTHS) - 1, most_pages=1)


def slides(result: Readable) -> doc.Document:
    """Return six pages for a screen: question, answer, gains and losses, options, other services, unknowns."""
    reading = read(result)
    picture = _map(reading, max_height_cm=5.4)

    def made(level: int) -> doc.Document:
        pages = [page for page in _pages(reading, picture, most=_LENGTHS[level]) if page][:_SLIDES]
        blocks = [block for page in pages for block in page]
        return reading.document(blocks, kicker="Présentation au conseil", form="slides")

    return doc.shortest_needed(made, len(_LENGTHS) - 1, most_pages=_SLIDES)


def three_numbers(reading: Reading) -> doc.KeyFigures:
    """Return what a reader may keep: of ten children, or else the persons of the age, or the territory itself."""
    move = reading.pivot
    if move is None:
        people = float(reading.territory["population"].sum(min_count=1))
        known, communes = f"population {reading.vintage()}", len(reading.territory)
        figures = [(integer(people), "habitants", known), (integer(communes), "communes", known)]
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
    sizes = {label: f"{int(row[f'{fate}_of_10'])} sur 10" for fate, label in _OF_10.items()}
    figures = [(size, label, "des enfants accompagnés") for label, size in sizes.items()]
    # who is left without is told first, and no more than three
    return doc.KeyFigures(figures[:3] if int(row["without_of_10"]) else figures[1:])


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
        for block in options(reading)[1:3]
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
