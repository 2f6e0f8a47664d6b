"""Places within reach and persons without a place, by zone, before and after."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from territory.scenario.measures.places import kind_of
from territory.scenario.zones import zone_levels

if TYPE_CHECKING:
    from territory.scenario.results import Results

SIDES = ("baseline", "scenario")


def place_rows(baseline: Results, scenario: Results) -> pd.DataFrame:
    """Gather access to places (mean weighted by persons) and persons without a place (sum) by zone.

    Examples
    --------
    >>> import territory
    >>> today = territory.run_study("draguignan").baseline
    >>> set(place_rows(today, today)["reason"]) != {""}
    True
    """
    index = baseline.places.index.union(scenario.places.index, sort=False)
    if index.empty:
        return pd.DataFrame()
    table = pd.DataFrame(
        {
            f"{side}_{name}": results.places[name].reindex(index)
            for side, results in zip(SIDES, (baseline, scenario), strict=True)
            for name in ("access_per_1000", "unmet_persons")
        }
    )
    table["persons"] = _persons(baseline, index)
    is_local = index.get_level_values("commune_code").isin(baseline.state.parameters.territory_codes)
    named = {authorisation.id for authorisation in baseline.state.parameters.authorisations}
    rows = zone_levels(
        table[is_local | index.get_level_values("service").isin(named)], baseline.state.communes
    )
    found = [_gather(rows, name) for name in ("access_per_1000", "unmet_persons")]
    both = pd.concat(found, ignore_index=True)
    both["reason"] = _reasons(both, baseline, scenario)
    known = both[list(SIDES)].notna().any(axis=1)
    # what is nowhere known is said once, for the whole
    return both[known | both["level"].eq("territory")].reset_index(drop=True)


def _gather(rows: pd.DataFrame, name: str) -> pd.DataFrame:
    """Return one measure by zone."""
    keys = [rows[key] for key in ("level", "zone", "service")]
    values = rows[[f"{side}_{name}" for side in SIDES]].set_axis(list(SIDES), axis=1)
    if name == "unmet_persons":
        total = values.groupby(keys, sort=False).sum(skipna=False)
        unit = "persons"
    else:
        weights = rows["persons"]
        mass = values.mul(weights, axis=0).where(weights.ne(0), 0.0)
        persons = weights.groupby(keys, sort=False).sum(skipna=False)
        total = mass.groupby(keys, sort=False).sum(skipna=False).div(persons.where(persons > 0), axis=0)
        unit = "per_1000"
    return total.reset_index().assign(measure=name, unit=unit)


def _persons(results: Results, index: pd.Index) -> np.ndarray:
    """Return the persons of the age received: those of the first authorisation of each kind."""
    of_kind: dict[str, str] = {}
    for authorisation in results.state.parameters.authorisations:
        of_kind.setdefault(authorisation.id, authorisation.id)
        of_kind.setdefault(kind_of(results.state.services, authorisation.id) or "", authorisation.id)
    services = index.get_level_values("service").map(of_kind)
    keys = pd.MultiIndex.from_arrays([index.get_level_values("commune_code"), services])
    return results.persons["persons"].reindex(keys).to_numpy(float)


def _reasons(table: pd.DataFrame, baseline: Results, scenario: Results) -> list[str]:
    """Return why each value is unknown on one side at least."""
    columns = table["measure"].map({"access_per_1000": "access_reason", "unmet_persons": "unmet_reason"})
    sides = []
    for side, results in zip(SIDES, (baseline, scenario), strict=True):
        known = results.place_reasons.reset_index().melt("service", var_name="column", value_name="said")
        keys = pd.MultiIndex.from_arrays([table["service"], columns])
        said = known.set_index(["service", "column"])["said"].reindex(keys).fillna("aucun service de ce côté")
        sides.append(np.where(table[side].isna(), said, ""))
    return [" ; ".join(dict.fromkeys(text for text in both if text)) for both in zip(*sides, strict=True)]
