"""Comparisons as they may leave the agency: persons as texts, small counts and what tells them withheld."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pandas as pd

from territory.release.observed_children import Merged, merged_classes, observed_counts, zone_flags
from territory.release.treatment import treat
from territory.scenario.zones import ALL_TERRITORY

if TYPE_CHECKING:
    from territory.result import StudyResult


def publish_communes(result: StudyResult, scenario_id: str) -> pd.DataFrame:
    """Return the comparison by commune with its persons as texts."""
    table = result.comparisons[scenario_id].communes
    counted = {service: observed_counts(result, service) for service in _services(table)}
    withheld = [
        known is not None and known.is_withheld([str(code)])
        for code, known in ((code, counted[service]) for code, service in table.index)
    ]
    return treat("Comparison.communes", table, pd.DataFrame({"persons": withheld}))


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
    return _with_merges(_withheld("Comparison.zones", table, lines), merges)


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
    return _with_merges(_withheld("Comparison.sensitivity", table, lines), merges)


def publish_trips(result: StudyResult, scenario_id: str) -> pd.DataFrame:
    """Return the year's road by zone, unknown where a mean would tell where a few children live."""
    table = result.comparisons[scenario_id].trips
    secret = pd.Series(False, index=table.index)
    for service in _services(table):
        found = zone_flags(result, scenario_id, service)
        if found is not None:
            mine = table.index.get_level_values("service") == service
            # every column of this table is weighted by the children of the zone
            secret |= mine & found["mean"].reindex(table.index.get_level_values("zone")).to_numpy(bool)
    return treat("Comparison.trips", table, secret)


def _with_merges(table: pd.DataFrame, merges: Mapping[tuple[Any, ...], Merged]) -> pd.DataFrame:
    """Add the sums of classes that are printed together, where there are some, and say which classes they are."""
    if not merges:
        return table
    persons, effects = pd.Series("", index=table.index), pd.Series("", index=table.index)
    for key, merge in merges.items():
        persons.loc[key], effects.loc[key] = f"{merge.persons:.0f}", "+".join(merge.effects)
    return table.assign(persons_merged=persons, merged_effects=effects)


def _withheld(name: str, table: pd.DataFrame, lines: dict[tuple[str, object], pd.Series]) -> pd.DataFrame:
    """Write persons as texts, and withhold those and the means that each line's flags name."""
    of_column = {str(column): str(column).removeprefix("persons_") for column in table.columns}
    of_column |= {f"{side}_mean_min": "mean" for side in ("baseline", "scenario")}
    flags = pd.DataFrame(False, index=table.index, columns=list(of_column))
    for key, found in lines.items():
        flags.loc[key, :] = found.reindex(list(of_column.values())).fillna(True).astype(bool).to_numpy()
    return treat(name, table, flags)


def _services(table: pd.DataFrame) -> list[str]:
    """Return the services of a table, in their order."""
    return list(map(str, table.index.get_level_values("service").unique()))
