"""The technical annex: every table, the parameters, the doubt on times, what was withheld and the manifest."""

from __future__ import annotations

from typing import TYPE_CHECKING

from territory.report.chapters import deserts, flows, groups, maps, method, moves, siting, travel_accounts
from territory.report.documents import annex_facts, annex_tables
from territory.report.layout.document import (
    Block,
    Document,
    Heading,
    Paragraph,
)
from territory.report.reading.run_reading import Reading, read

if TYPE_CHECKING:
    from territory.report.reading.run_reading import Readable


def technical_annex(result: Readable) -> Document:
    """Return the technical annex as data."""
    reading = read(result)
    study = reading.study
    blocks: list[Block] = [
        Heading("Ce que contient cette annexe"),
        Paragraph(
            "Elle donne, pour qui veut vérifier ou refaire le calcul, toutes les tables commune par commune, les "
            "paramètres, le doute sur les temps, ce que le secret statistique a retiré et l'empreinte de chaque "
            "fichier lu. Les mêmes tables, sans arrondi, sont dans le classeur et dans le dossier tables/."
        ),
        *annex_tables.doubt(reading),
        *moves.all_moves(reading, level=1),
        *annex_tables.by_zone(reading),
        *annex_tables.by_commune(reading),
        *_of_the_council(reading),
        *annex_tables.times_of_today(reading),
        *annex_tables.needs_by_commune(reading),
        *annex_facts.named_services(reading),
        *annex_facts.withheld(reading),
        *annex_facts.parameters(reading),
        *annex_facts.manifest_tables(reading),
        *method.sources(reading),
    ]
    return Document(
        study.title,
        reading.date,
        blocks,
        subtitle=f"Territoire : {study.territory.name} · population {reading.vintage()}",
        kicker="Annexe technique",
        footer=f"{study.title} · annexe technique · population {reading.vintage()}",
        keywords=["annexe", "méthode", "tables", study.territory.name],
        run_digest=reading.release.run_digest,
        mark=reading.release.mark,
    )


def _of_the_council(reading: Reading) -> list[Block]:
    """Return what a council report sends to the annex when it has no room for it; it is here in every case."""
    parts = [*groups.groups(reading), *flows.flows(reading), *travel_accounts.common_care(reading)]
    return [
        *siting.siting_tables(reading),
        *(block for part in parts for block in part.blocks),
        *travel_accounts.travel_accounts(reading),
        *deserts.deserts(reading),
        *maps.next_map(reading),
    ]
