"""The results of a national study: the formulas of every other study, on one part of the travel times at a time.

What a commune has depends on its own times alone, but for the access to GPs, whose competition crosses the parts: that
is measured first, by `territory.access.streamed`.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from territory import access, supply
from territory.access import streamed
from territory.access.catchments.practitioners import APL_NAME
from territory.access.equity import gini, palma_ratio, theil_t
from territory.errors import TerritoryWarning
from territory.scenario.measures.compute import access_table, closest_services, covered_by_zone
from territory.scenario.measures.deserts import (
    HEADCOUNT_COLUMN,
    count_edge,
    desert_shares,
    deserts,
    gp_access,
)
from territory.study.state import State, StudyTables
from territory.workflow.inputs.travel_times import ROADS_DOUBT_MIN
from territory.workflow.national.parts import TimesPart

if TYPE_CHECKING:
    from territory.access.streamed import Mapper
    from territory.workflow.national.parts import TimesFolder


@dataclass(frozen=True)
class NationalTables:
    """What a national study says, as `Results` does; and the equity of each measure, each person weighing the same."""

    access: pd.DataFrame
    coverage: pd.DataFrame
    edge: pd.DataFrame
    gp_access: pd.DataFrame
    deserts: pd.DataFrame
    desert_shares: pd.DataFrame
    equity: pd.DataFrame


def compute_parts(
    state: State,
    times: TimesFolder,
    *,
    method: str,
    mapper: Mapper = map,
    announce: Callable[[str], None] = lambda step: None,
) -> NationalTables:
    """Compute a state whose travel times are in parts."""
    announce("Accès aux généralistes")
    measures = SimpleNamespace(
        apl=partial(streamed.apl, mapper=mapper),
        gp_headcount_access=partial(streamed.gp_headcount_access, mapper=mapper),
    )
    gps = gp_access(state, measures=measures, times=times)
    announce("Temps, couverture et déserts")
    # what the measures of a part read alone: it is sent to every worker
    light = replace(state, population=state.population.iloc[:0], tables=StudyTables())
    codes = state.communes.index
    blocks = list(mapper(partial(_measure, state=light, gps=gps, method=method), times))
    alone = codes.difference([code for block in blocks for code in block.codes], sort=False)
    if len(alone):
        # communes that reach nothing are in no part
        blocks.append(_measure_table(state.travel_times.iloc[:0], alone, state=light, gps=gps))
    table = _ordered([block.access for block in blocks], codes, "service")
    classes = _ordered([block.deserts for block in blocks], codes, "criterion")
    within = {
        service: pd.concat([block.coverage[service] for block in blocks]).reindex(codes)
        for service in closest_services(state)
    }
    announce("Zones et équité")
    inside = state.communes[codes.isin(state.parameters.territory_codes)]
    return NationalTables(
        access=table,
        coverage=covered_by_zone(inside, within, ["epci_code", "departement_code"]),
        edge=count_edge(table, state),
        gp_access=gps,
        deserts=classes,
        desert_shares=desert_shares(classes, state),
        equity=equity_table(state, table, gps),
    )


@dataclass(frozen=True)
class _Block:
    """The results of the communes of one part."""

    codes: pd.Index
    access: pd.DataFrame
    deserts: pd.DataFrame
    coverage: dict[str, pd.DataFrame]


def _measure(part: TimesPart, *, state: State, gps: pd.DataFrame, method: str) -> _Block:
    """Return the results of the communes of one part."""
    table = part()
    if method == "roads":
        table["uncertainty_min"] = ROADS_DOUBT_MIN
    codes = state.communes.index
    named = codes[codes.isin(table["from_id"].unique())]
    return _measure_table(table, named, state=state, gps=gps)


def _measure_table(table: pd.DataFrame, codes: pd.Index, *, state: State, gps: pd.DataFrame) -> _Block:
    """Return the results of some communes, whose times are these."""
    here = replace(state, communes=state.communes.loc[codes], travel_times=table)
    within = {}
    with warnings.catch_warnings():
        # the same words for every part: unknown times are counted in the tables
        warnings.simplefilter("ignore", TerritoryWarning)
        for service in closest_services(state):
            near = here.times_to(list(supply.sites_of(state.services, service)))
            within[service] = access.coverage(
                near, here.communes["population"], thresholds_min=state.parameters.thresholds_min
            )
        return _Block(codes, access_table(here), deserts(here, gps.loc[codes]), within)


def _ordered(blocks: Sequence[pd.DataFrame], codes: pd.Index, level: str) -> pd.DataFrame:
    """Return the rows of all parts in the order of one computation: by key, then by commune or the reverse."""
    table = pd.concat(blocks)
    place = codes.get_indexer(table.index.get_level_values("commune_code"))
    keys = table.index.get_level_values(level)
    number = pd.Index(keys.unique()).get_indexer(keys)
    # `access` comes service after service, `deserts` commune after commune
    order = np.lexsort([place, number] if level == "service" else [number, place])
    return table.iloc[order]


def equity_table(state: State, table: pd.DataFrame, gps: pd.DataFrame) -> pd.DataFrame:
    """Return how unequal each measure is between the inhabitants of the territory."""
    communes = state.communes[state.communes.index.isin(state.parameters.territory_codes)]
    people = communes["population"]
    measured = {
        f"{service}_time_min": rows.droplevel("service")["travel_time_min"]
        for service, rows in table.groupby(level="service", sort=False)
    }
    measured |= {name: gps[name] for name in (APL_NAME, HEADCOUNT_COLUMN)}
    rows: dict[str, dict[str, Any]] = {}
    for name, values in measured.items():
        here = values.reindex(communes.index)
        known = here.notna() & people.notna()
        if not known.any():
            continue
        x, w = here[known], people[known]
        parts = theil_t(x, w, groups=communes["departement_code"][known])
        rows[name] = {
            "commune_count": int(known.sum()),
            "population_hab": float(w.sum()),
            "gini": gini(x, w),
            "palma_ratio": palma_ratio(x, w),
            "theil_t": parts.total,
            "theil_between": parts.between,
            "theil_within": parts.within,
        }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("measure")
