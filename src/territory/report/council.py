"""The council report: question, answer, what is not known, maps, gainers and losers, needs, method, sources."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path

from territory.errors import ParameterError
from territory.report import accounts, answers, deserts, flows, groups, maps, method, needs, options, sections
from territory.report.document import Block, Document
from territory.report.pdf import compile_pdf
from territory.report.reading import Reading, StudyLike

DOCUMENTS = ("council", "sheet", "annex")

_YEAR = re.compile(r"\b(?:19|20)\d{2}\b")
# a document needs a date: this one, when nothing in the data has a year
_NO_YEAR = 2000


def build_report(
    result: StudyLike, path: Path | str, *, document: str = "council", epci: str | None = None
) -> Path:
    """Write a report of a study as an accessible PDF in French; the same result gives the same bytes.

    Every sentence is made from the numbers; estimates under 11 persons are written "< 11", and differences under
    the doubt on times "non distinguable".

    Parameters
    ----------
    result
        What `territory.run_study` gives.
    path
        File to write; its folder exists.
    document : {"council", "sheet", "annex"}
        `council`: question, answer, maps, gainers and losers, needs, method, sources. `sheet`: two pages on one
        EPCI. `annex`: every table, the parameters, the doubt on times, the manifest and what was withheld.
    epci
        Code of the EPCI of a sheet.

    Returns
    -------
    Path
        The file written.

    Raises
    ------
    ParameterError
        The document is unknown, or a sheet has no EPCI.
    UnknownCodeError
        No commune of the territory belongs to the EPCI.
    OutputError
        The file cannot be written.

    Examples
    --------
    >>> import tempfile, territory
    >>> result = territory.run_study("draguignan")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     build_report(result, Path(folder) / "rapport.pdf").name
    'rapport.pdf'
    """
    if document == "council":
        made = council_report(result)
    elif document == "annex":
        from territory.report.annex import technical_annex

        made = technical_annex(result)
    elif document == "sheet":
        from territory.report.sheet import epci_sheet

        if epci is None:
            raise ParameterError("Une fiche porte sur un EPCI : donnez son code (epci=..., ou --epci CODE).")
        made = epci_sheet(result, epci)
    else:
        raise ParameterError(
            f"Document inconnu « {document} » ; documents possibles : {', '.join(DOCUMENTS)}."
        )
    return compile_pdf(made, path)


def council_report(result: StudyLike) -> Document:
    """Return the council report as data.

    Parameters
    ----------
    result
        What `territory.run_study` gives.

    Returns
    -------
    Document
        Content in reading order.
    """
    reading = Reading(result)
    study = reading.study
    blocks: list[Block] = [
        *answers.first_page(reading),
        *sections.what_moves(reading),
        *sections.all_moves(reading),
        *options.options(reading),
        *groups.groups(reading),
        *maps.maps(reading),
        *flows.flows(reading),
        *needs.needs(reading),
        *accounts.travel_accounts(reading),
        *accounts.common_care(reading),
        *deserts.deserts(reading),
        *method.method(reading),
        *method.sources(reading),
    ]
    vintage = reading.vintage()
    return Document(
        study.title,
        date_of(reading),
        blocks,
        subtitle=f"Territoire : {study.territory.name} · population {vintage}",
        kicker="Rapport au conseil",
        footer=f"{study.title} · population {vintage}",
        keywords=["accessibilité", "temps de route", "médico-social", study.territory.name],
        run_digest=result.run_digest,
    )


def date_of(reading: Reading) -> dt.date:
    """Return the date of the newest data (1 January of its year): a report has no date of its own.

    Parameters
    ----------
    reading
        A result, read.

    Returns
    -------
    date
        From the vintages of the sources, the population and the facts.
    """
    table = getattr(reading.result.dataset, "sources", None)
    texts = [] if table is None or "vintage" not in table else [str(text) for text in table["vintage"]]
    texts.append(re.sub(r"\D", " ", reading.study.population))
    years = [int(year) for text in texts for year in _YEAR.findall(text)]
    return dt.date(max(years, default=_NO_YEAR), 1, 1)
