"""The trial that the summary page computes: what it holds of the study beside the map, and the words of the report.

It stands apart from the page, which is written without it where no trial can be computed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from territory.french.numbers import signed
from territory.french.words import typeset
from territory.report.chapters.maps import BESIDE
from territory.report.chapters.moves import EFFECT_HEADS, INTERVALS, zone_name
from territory.report.documents.annex_tables import title_of
from territory.report.reading import Move, Reading
from territory.scenario.zones import ALL_TERRITORY
from territory.tables.catalogue import code_label

if TYPE_CHECKING:
    from territory.plot.maps.legend import Category

_EFFECTS = ("gain", "loss", "indistinct", "without", "entering")


def trial_of(reading: Reading, place: Any, legend: Sequence[Category]) -> dict[str, Any] | str:
    """Return what the page computes a trial from, or why it computes none; `place` puts points on its map."""
    held = reading.release.page_trial()
    if isinstance(held, str):
        return typeset(held)
    communes, sites = reading.communes.loc[held["codes"]], reading.release.sites.loc[list(held["sites"])]
    zones = communes["epci_code"].fillna("").astype(str)
    at = place(sites.get_coordinates().to_numpy()).tolist()
    return held | {
        "services": [service | _words(reading, service["id"]) for service in held["services"]],
        "names": [typeset(str(name)) for name in communes["name"]],
        "points": place(communes.get_coordinates().to_numpy()).tolist(),
        "zone": list(zones),
        "zones": {code: typeset(zone_name(reading, code)) for code in sorted(zones.unique())},
        "focus": reading.study.territory.focus_epci_code or "",
        "siteNames": {
            site: [typeset(reading.site_name(site)), reading.commune(str(sites["commune_code"][site])), *xy]
            for site, xy in zip(held["sites"], at, strict=True)
        },
        "legend": [(one.key, typeset(one.label)) for one in legend],
        "heads": {effect: typeset(EFFECT_HEADS[effect]) for effect in _EFFECTS},
        "beside": BESIDE | {"unknown": code_label("effect", "unknown")},
        "intervals": typeset(INTERVALS),
    }


def _words(reading: Reading, service: str) -> dict[str, Any]:
    """Return the names of a service, who is counted, and what each scenario of the study does to it."""
    rows = reading.release.services
    units = rows.loc[rows["authorisation_id"] == service, "capacity_unit"].dropna().unique()
    return {
        "name": typeset(reading.label(service)),
        "the": typeset(reading.the([service])),
        "noun": typeset(reading.noun(service)),
        "unit": code_label("capacity_unit", str(units[0])) if len(units) == 1 else "",
        "scenarios": [_beside(reading, move) for move in reading.every_move if service in move.services],
    }


def _beside(reading: Reading, move: Move) -> list[str]:
    """Return a scenario of the study as the trial is told: who gains, who loses, mean times and the largest loss."""
    found, worst = reading.counts_of(move), reading.worst(move.scenario_id, move.services[0])
    title = title_of(reading, move, [move.scenario_id])
    cells = [found.cell(ALL_TERRITORY, effect) for effect in _EFFECTS]
    last = f"{worst[0]} ({signed(worst[1])} min)" if worst else "aucune"
    return [typeset(cell) for cell in (title, *cells, reading.means(found, ALL_TERRITORY), last)]
