"""Each measure by commune and service, before and after: the contract table `comparison`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from territory.scenario.measures.places import kind_of

if TYPE_CHECKING:
    from territory.scenario.results import Results

SIDES = ("baseline", "scenario")
MEASURES = ("travel_time_min", "within_min", "access_per_1000", "unmet_persons")


def compare_communes(baseline: Results, scenario: Results, differences: pd.DataFrame) -> pd.DataFrame:
    """Set the measures of every commune and service side by side, services that do not move included.

    Examples
    --------
    >>> import territory
    >>> from territory.tables.schemas import validate
    >>> table = validate("comparison", territory.run_study("draguignan").comparisons["B"].by_commune)
    >>> float(table.loc[("83050", "ime-salernes"), "scenario_within_min"])
    15.0
    """
    thresholds = np.array([*sorted(baseline.state.parameters.thresholds_min), np.nan])
    columns: dict[str, np.ndarray] = {}
    for side, results in zip(SIDES, (baseline, scenario), strict=True):
        times = differences[f"{side}_travel_time_min"].to_numpy(float)
        columns[f"{side}_travel_time_min"] = times
        rank = np.searchsorted(thresholds[:-1], times)
        columns[f"{side}_within_min"] = np.where(np.isnan(times), np.nan, thresholds[rank])
        places = _of_service(results, differences.index)
        for name in ("access_per_1000", "unmet_persons"):
            columns[f"{side}_{name}"] = places[name].to_numpy(float)
    for name in MEASURES:
        columns[f"delta_{name}"] = columns[f"scenario_{name}"] - columns[f"baseline_{name}"]
    ordered = {f"{side}_{name}": columns[f"{side}_{name}"] for name in MEASURES for side in (*SIDES, "delta")}
    told = differences["is_distinguishable"].to_numpy(bool)
    return pd.DataFrame({**ordered, "is_distinguishable": told}, index=differences.index)


def _of_service(results: Results, index: pd.Index) -> pd.DataFrame:
    """Return the measures of places by commune and service: those of the authorisation, or else of its kind."""
    services = index.get_level_values("service")
    named = [authorisation.id for authorisation in results.state.parameters.authorisations]
    kinds = {one: kind_of(results.state.services, one) or one for one in named}
    of_kind = pd.MultiIndex.from_arrays(
        [index.get_level_values("commune_code"), services.map(lambda one: kinds.get(one, one))]
    )
    own = results.places.reindex(index)
    return own.fillna(results.places.reindex(of_kind).set_axis(index))
