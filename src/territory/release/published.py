"""Comparisons as they may leave the agency: persons as texts, small counts and what tells them withheld."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from territory.release.disclosure import SUPPRESSED, estimate_texts, is_small
from territory.release.observed_children import Merged, merged_classes, observed_counts, zone_flags
from territory.scenario.zones import ALL_TERRITORY

if TYPE_CHECKING:
    from territory.result import StudyResult

_MEANS = ("baseline_mean_min", "scenario_mean_min")


def publish_communes(result: StudyResult, scenario_id: str) -> pd.DataFrame:
    """Return the comparison by commune with its persons as texts."""
    table: pd.DataFrame = result.comparisons[scenario_id].communes.copy()
    counted = {service: observed_counts(result, service) for service in _services(table)}
    withheld = [
        known is not None and known.is_withheld([str(code)])
        for code, known in ((code, counted[service]) for code, service in table.index)
    ]
    table["persons"] = estimate_texts(table["persons"]).mask(np.array(withheld, dtype=bool), SUPPRESSED)
    return table


def publish_zones(result: StudyResult, scenario_id: str) -> pd.DataFrame:
    """Return the comparison by zone with its persons as texts, and means only where they give nothing back."""
    table = result.comparisons[scenario_id].zones
    flags = {service: zone_flags(result, scenario_id, service) for service in _services(table)}
    lines = {
        (zone, service): found.loc[zone]
        for (zone, service) in table.index
        if (found := flags[service]) is not None
    }
    merges = {
        (ALL_TERRITORY, service): merge
        for service in _services(table)
        if (merge := merged_classes(result, scenario_id, service)) is not None
    }
    return _with_merges(_withheld(table, lines), merges)


def publish_sensitivity(result: StudyResult, scenario_id: str) -> pd.DataFrame:
    """Return the comparison under other recruitment limits, as it may leave."""
    table = result.comparisons[scenario_id].sensitivity
    lines, merges = {}, {}
    for service, limit in table.index:
        found = zone_flags(result, scenario_id, service, limit_min=float(limit))
        if found is not None:
            lines[service, limit] = found.iloc[0]
        merge = merged_classes(result, scenario_id, service, limit_min=float(limit))
        if merge is not None:
            merges[service, limit] = merge
    return _with_merges(_withheld(table, lines), merges)


def publish_trips(result: StudyResult, scenario_id: str) -> pd.DataFrame:
    """Return the year's road by zone, unknown where a mean would tell where a few children live."""
    table: pd.DataFrame = result.comparisons[scenario_id].trips.copy()
    for service in _services(table):
        found = zone_flags(result, scenario_id, service)
        if found is not None:
            mine = table.index.get_level_values("service") == service
            secret = found["mean"].reindex(table.index.get_level_values("zone")).to_numpy(bool)
            # every column of this table is weighted by the children of the zone
            table.loc[mine & secret] = np.nan
    return table


def publish_waits(table: pd.DataFrame) -> pd.DataFrame:
    """Return waits with their small counts withheld, and the months that would give one back from the other."""
    counts = [name for name in ("waiting", "exits_per_year") if name in table]
    small = {name: is_small(table[name]) for name in counts}
    # months are one count over the other: with one known and the months, the other is
    either = pd.concat(small, axis=1).any(axis=1) if small else pd.Series(False, index=table.index)
    texts = {name: estimate_texts(table[name]).mask(small[name], SUPPRESSED) for name in counts}
    months = [name for name in table.columns if str(name).endswith("wait_months")]
    return table.assign(**texts, **{str(name): table[name].mask(either) for name in months})


def _with_merges(table: pd.DataFrame, merges: Mapping[tuple[Any, ...], Merged]) -> pd.DataFrame:
    """Add the sums of classes that are printed together, where there are some, and say which classes they are."""
    if not merges:
        return table
    persons, effects = pd.Series("", index=table.index), pd.Series("", index=table.index)
    for key, merge in merges.items():
        persons.loc[key], effects.loc[key] = f"{merge.persons:.0f}", "+".join(merge.effects)
    return table.assign(persons_merged=persons, merged_effects=effects)


def _withheld(table: pd.DataFrame, lines: dict[tuple[str, object], pd.Series]) -> pd.DataFrame:
    """Write persons as texts, and withhold those and the means that each line's flags name."""
    columns = [name for name in table.columns if str(name).startswith("persons_")]
    flags = pd.DataFrame(False, index=table.index, columns=[name[8:] for name in columns] + ["mean"])
    for key, found in lines.items():
        flags.loc[key, :] = found.reindex(flags.columns).fillna(True).astype(bool)
    texts = {
        name: estimate_texts(table[name]).mask(flags[name[8:]].astype(bool), SUPPRESSED) for name in columns
    }
    means = {name: table[name].mask(flags["mean"].astype(bool)) for name in _MEANS if name in table.columns}
    published: pd.DataFrame = table.assign(**texts, **means)
    return published


def _services(table: pd.DataFrame) -> list[str]:
    """Return the services of a table, in their order."""
    return list(map(str, table.index.get_level_values("service").unique()))
