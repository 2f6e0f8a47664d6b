"""Small results of a study for the tests of documents: quick to draw, and as poor or as odd as one likes."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pytest

from territory.plot import style
from territory.release.handed_tables import tables
from territory.report.chapters import pictures
from territory.report.documents.annex import technical_annex
from territory.report.documents.council import council_report, note, slides
from territory.report.documents.epci_sheet import epci_sheet, sheet_codes
from territory.report.layout import document as pdf
from territory.report.layout.document import Document
from territory.report.reading import Reading, read
from territory.result import StudyResult
from territory.scenario import apply, compare, compute
from territory.study.words.changes import CloseSite, MoveSite, OpenBranch
from territory.study.words.scenario import Scenario
from tests import vallon

EVIL = "=cmd|' /C calc'!A0 # $x_1$ <script>alert(\"é\")</script> </script> @ref *b* \\n [z] #import"


def whole() -> StudyResult:
    """The study of the made-up territory."""
    return vallon.lent()


def rebuilt(
    result: StudyResult,
    *,
    scenarios: tuple[Scenario, ...] | None = None,
    study: dict[str, Any] | None = None,
    **tables: object,
) -> StudyResult:
    """Compute a study again with some of its tables, its scenarios or its texts changed."""
    state = dataclasses.replace(result.baseline.state, **tables)
    changed = result.study.model_copy(
        update={**(study or {}), **({} if scenarios is None else {"scenario": scenarios})}
    )
    baseline = compute(state)
    after = {scenario.id: compute(apply(state, scenario)) for scenario in changed.scenario}
    compared = {s.id: compare(baseline, after[s.id]).named(s.id, s.name) for s in changed.scenario}
    return dataclasses.replace(
        result, study=changed, baseline=baseline, scenarios=after, comparisons=compared, siting={}
    )


@cache
def small() -> StudyResult:
    """The same study with the scenario that changes most, without what is asked of it."""
    return rebuilt(whole(), scenarios=whole().study.scenario[1:2])


def _one_commune() -> StudyResult:
    parameters = dataclasses.replace(
        whole().baseline.state.parameters, territory_codes=frozenset({vallon.TOWN})
    )
    return rebuilt(whole(), scenarios=whole().study.scenario[1:2], parameters=parameters)


def _all_unknown() -> StudyResult:
    """No time, no person, no population is known."""
    import warnings

    state = small().baseline.state
    tables: dict[str, Any] = {}
    for name in ("travel_times", "site_times"):
        table = getattr(state, name).copy()
        table["travel_time_min"] = np.nan
        table.attrs = dict(getattr(state, name).attrs)
        tables[name] = table
    tables["services"] = state.services.assign(age_min=np.nan, age_max=np.nan)
    tables["communes"] = state.communes.assign(population=np.nan)
    tables["demand"] = state.demand.assign(demand=np.nan, demand_low=np.nan, demand_high=np.nan)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return rebuilt(small(), **tables)


def _markup() -> StudyResult:
    state = small().baseline.state
    communes = state.communes.assign(
        name=state.communes["name"] + ' l\'"Été" ' + EVIL, epci_name=EVIL + state.communes["epci_name"]
    )
    sites = state.sites.assign(name=EVIL + state.sites["name"])
    named = tuple(a.model_copy(update={"label": EVIL + a.label}) for a in state.parameters.authorisations)
    parameters = dataclasses.replace(state.parameters, authorisations=named)
    texts = {"title": EVIL, "question": EVIL, "authorisation": named}
    return rebuilt(small(), study=texts, communes=communes, sites=sites, parameters=parameters)


def _no_outlines() -> StudyResult:
    return dataclasses.replace(small(), dataset=dataclasses.replace(small().dataset, outlines=None))


def observed(result: StudyResult, counts: dict[str, int]) -> StudyResult:
    """Give the children served by the IME, by commune."""
    rows = pd.DataFrame(
        {"authorisation_id": vallon.IME, "commune_code": list(counts), "children": list(counts.values())}
    )
    return rebuilt(result, observed_origins=rows)


def _observed() -> StudyResult:
    return observed(small(), {"03901": 31, "03906": 4, "03902": 23, "03904": 18, "03907": 3})


def _scenarios(*changes: tuple[Any, ...]) -> StudyResult:
    """The same territory under scenarios of one's own."""
    named = (Scenario(id=f"S{i}", name=f"Essai {i}", change=change) for i, change in enumerate(changes, 1))
    return rebuilt(small(), scenarios=tuple(named))


def _limited(limit_min: float) -> StudyResult:
    """The same study with another limit of recruitment."""
    parameters = dataclasses.replace(small().baseline.state.parameters, recruitment_max_min=limit_min)
    return rebuilt(small(), parameters=parameters)


_MOVED = MoveSite(authorisation_ids=(vallon.IME,), to_site_id="plateforme")
_BRANCH = OpenBranch(authorisation_id=vallon.IME, site_id="plateforme")

WORLDS: dict[str, Callable[[], StudyResult]] = {
    "usual": small,
    "without_scenario": lambda: rebuilt(small(), scenarios=()),
    "without_outlines": _no_outlines,
    "one_commune": _one_commune,
    "all_unknown": _all_unknown,
    "markup": _markup,
    "observed": _observed,
    "one_child": lambda: observed(small(), {"03901": 1}),
    "nobody_near": lambda: _limited(0.01),
    "closure": lambda: _scenarios((CloseSite(authorisation_id=vallon.IME),)),
    "alike": lambda: _scenarios((_MOVED,), (_MOVED,)),
    "dominating": lambda: _scenarios((_MOVED,), (_BRANCH,)),
}


@cache
def world(name: str) -> StudyResult:
    """One of `WORLDS`, made once."""
    return WORLDS[name]()


@cache
def reading(name: str) -> Reading:
    """What a document reads of one of `WORLDS`, worked out once for all that read it."""
    return read(world(name))


@cache
def document(name: str, kind: str) -> Document:
    """One of `WORLDS` as the council, the first EPCI or the agency reads it, composed once."""
    if kind == "sheet":
        return epci_sheet(reading(name), sheet_codes(world(name))[0])
    makers = {"council": council_report, "note": note, "slides": slides, "annex": technical_annex}
    return makers[kind](reading(name))


def few(*quick: str, among: Iterable[str] = WORLDS) -> list[Any]:
    """Give every world, those that are not named to the slow suite alone."""
    return [name if name in quick else pytest.param(name, marks=pytest.mark.slow) for name in among]


@contextmanager
def undrawn() -> Iterator[None]:
    """Compose the longest form of documents, without laying them out nor drawing their pictures."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(pdf, "count_pages", lambda document: 1)
        patched.setattr(style, "to_svg", lambda figure: b"<svg/>")
        patched.setattr(pictures, "draw_map", lambda *panel, **look: None)
        yield


@cache
def published(name: str) -> dict[str, pd.DataFrame]:
    """The tables that one of `WORLDS` hands over, made once; nobody may change them."""
    return tables(world(name))
