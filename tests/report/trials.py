"""A trial computed by the library alone, with the texts that the summary page is to give."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from territory.french.words import typeset
from territory.plot.maps.legend import change_classes
from territory.report.chapters.moves import effects_table, ordered_zones
from territory.report.documents.summary_map import _changed
from territory.report.reading import Move, Reading, read
from territory.result import StudyResult
from territory.scenario import apply, compare, compute
from territory.scenario.doubt.draws import draw_comparison
from territory.scenario.doubt.random_errors import Doubt
from territory.scenario.trial import Step, Trial
from territory.scenario.zones import ALL_TERRITORY
from territory.study.words.changes import CloseSite, MoveSite, OpenBranch
from territory.study.words.scenario import Scenario

ACTS = ("move", "branch", "close")


def limited(result: StudyResult, limit_min: float) -> StudyResult:
    """The same study under another limit of recruitment."""
    state = result.baseline.state
    parameters = dataclasses.replace(state.parameters, recruitment_max_min=limit_min)
    baseline = dataclasses.replace(result.baseline, state=dataclasses.replace(state, parameters=parameters))
    return dataclasses.replace(result, baseline=baseline)


def asked_at_random(rng: np.random.Generator, services: list[dict[str, Any]], count: int) -> dict[str, Any]:
    """A trial as the page is asked one: positions in its lists."""
    number = int(rng.integers(len(services)))
    act = ACTS[int(rng.choice(3, p=[0.6, 0.3, 0.1]))]
    closed = services[number]["sites"][int(rng.integers(len(services[number]["sites"])))]
    return {
        "service": number,
        "act": act,
        "commune": None if act == "close" else int(rng.integers(count)),
        "site": closed if act == "close" else None,
        "limit": int(rng.choice([15, 30, 45, 60])),
        "places": None,
    }


def by_the_library(
    result: StudyResult, trial: Trial, doubt: Doubt | None, service: str, asked: dict[str, Any], code: str
) -> dict[str, Any]:
    """Apply, compute, compare, draw and release a trial, and write it as the report does."""
    state, change = trial.today(service).state, None
    if asked["act"] == "close":
        change = CloseSite(authorisation_id=service)
    else:
        site = trial._site(Step("move", service, code))
        state = trial._with_sites((service,), [site])
        change = (
            MoveSite(authorisation_ids=(service,), to_site_id=site.id)
            if asked["act"] == "move"
            else OpenBranch(authorisation_id=service, site_id=site.id)
        )
    scenario = Scenario(id="essai", name="Essai", change=(change,))
    today = dataclasses.replace(trial.today(service), state=state)
    later = compute(apply(state, scenario))
    found = compare(today, later).named("essai", "Essai")
    tried = dataclasses.replace(
        result,
        study=result.study.model_copy(
            update={"scenario": (scenario,), "uncertainty": result.study.uncertainty}
        ),
        baseline=today,
        scenarios={"essai": later},
        comparisons={"essai": found},
        siting={},
        groupings={},
    )
    draws = None
    if doubt is not None:
        level = result.study.uncertainty.level
        zones, moves, limits = draw_comparison("essai", today, later, found, doubt, level)
        empty = zones.iloc[:0]
        draws = dataclasses.replace(_no_draws(), comparisons=zones, moves=moves, limits=limits, deserts=empty)
    tried.__dict__["draws"] = draws
    return _texts(read(tried), service)


def _no_draws() -> Any:
    import pandas as pd

    from territory.scenario.doubt.draws import Draws

    none = pd.DataFrame()
    names = [field.name for field in dataclasses.fields(Draws)]
    return Draws(**dict.fromkeys(names, none) | {"count": 0, "level": 0.9, "sure_share": 0.9})


def _texts(reading: Reading, service: str) -> dict[str, Any]:
    """The table by EPCI and the line of each commune."""
    if service not in reading.release.moved("essai"):
        return {"rows": None, "communes": None}
    sites = reading.site("essai", service)
    move = Move("essai", (service,), reading.site("", service), sites, frozenset())
    counts = reading.counts_of(move)
    table = (
        effects_table(reading, move, ordered_zones(reading, move))
        if counts.communes.loc[ALL_TERRITORY].sum()
        else None
    )
    rows = reading.release.communes_table("essai").xs(service, level="service").sort_index()
    keys = change_classes(rows["delta_travel_time_min"], rows["effect"]).keys
    communes = [
        [*map(typeset, _changed(row, is_observed=False)), str(key)]
        for (_, row), key in zip(rows.iterrows(), keys, strict=True)
    ]
    return {
        "rows": [] if table is None else [[typeset(str(cell)) for cell in row] for row in table.rows],
        "communes": communes,
    }


# what the page gives of the same trial
BY_THE_PAGE = """asked => {
  const held = window.territory, tried = held.tryOut(asked);
  const communes = tried.rows.map(row => held.communeTexts(row).concat(held.classOf(row)));
  return { rows: held.zoneRows(tried).rows, communes };
}"""
