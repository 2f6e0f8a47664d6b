"""The council report: question, answer, what is not known, maps, gainers and losers, needs, method, sources."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from territory.errors import ParameterError
from territory.report.chapters import (
    deserts,
    first_page,
    maps,
    method,
    moves,
    needs,
    options,
    questions,
    rounds,
    travel_accounts,
    without_car,
)
from territory.report.layout import document as doc
from territory.report.layout.pdf import Part, compile_pdf, fitted, in_order_of_leaving
from territory.report.reading import Readable, Reading, read
from territory.tables.declare import ACRONYMS

DOCUMENTS = ("council", "note", "slides", "sheet", "annex")
# a council reads from 8 to 14 pages
MOST_PAGES = 14
# moves told in one table; the annex has them all
_MOST_MOVES = 14


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
    from territory.report.documents.handouts import note, slides

    if document not in DOCUMENTS:
        known = ", ".join(DOCUMENTS)
        raise ParameterError(f"Document inconnu « {document} » ; documents possibles : {known}.")
    if document == "sheet":
        if epci is None:
            raise ParameterError("Une fiche porte sur un EPCI : donnez son code (epci=..., ou --epci CODE).")
        return compile_pdf(epci_sheet(result, epci), path)
    makers = {"council": council_report, "note": note, "slides": slides, "annex": technical_annex}
    return compile_pdf(makers[document](result), path)


def council_report(result: Readable) -> doc.Document:
    """Return the council report as data, within its pages: what does not fit is in the annex, and it says so."""
    reading = read(result)
    parts = _parts(reading)
    order = in_order_of_leaving(parts)
    return fitted(lambda left_out: _document(reading, parts, left_out), order, most_pages=MOST_PAGES)


def _parts(reading: Reading) -> list[Part]:
    """Return the parts of the report in reading order."""
    parts = [
        Part(first_page.first_page(reading)),
        Part(moves.what_moves(reading)),
        Part(moves.all_moves(reading, most=_MOST_MOVES)),
        Part(moves.what_documents_say(reading)),
        Part(options.options(reading)),
        *questions.siting_parts(reading),
        *questions.groups(reading),
        *maps.maps(reading),
        *needs.flows(reading),
        Part(needs.needs(reading)),
        Part(travel_accounts.child_offer(reading)),
        Part(travel_accounts.common_care(reading)),
        Part(rounds.time_on_board(reading), "le temps à bord", leaves=14),
        Part(travel_accounts.travel_accounts(reading), "les trois comptes de trajets", leaves=15),
        *deserts.desert_parts(reading),
        *without_car.parts(reading),
    ]
    return [part for part in parts if callable(part.made) or part.made]


def _document(reading: Reading, parts: list[Part], left_out: frozenset[int]) -> doc.Document:
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
    used = {
        word for block in blocks if not isinstance(block, doc.Picture) for word in _WORD.findall(repr(block))
    }
    known = [(word, meaning) for word, meaning in ACRONYMS.items() if word in used]
    said: list[str | doc.Run] = []
    for word, meaning in known:
        said += [*([" ; "] if said else []), doc.strong(word), f" : {meaning}"]
    return [doc.Heading("Les sigles", 2), doc.Paragraph([*said, "."], "small")] if said else []
