"""What a scenario is for each commune: whether its difference is told, who is in the area, gain or loss."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from territory.access.uncertainty import told_apart
from territory.scenario.measures.places import sector_of
from territory.scenario.zones import SIDES

if TYPE_CHECKING:
    from territory.scenario.results import Results

# what a scenario is for those who live in the area of today, and for those it brings into it
EFFECTS = ("gain", "loss", "indistinct", "without", "entering", "unknown")


def effects_under(rows: pd.DataFrame, limit_min: float, *, is_known: pd.Series[bool]) -> pd.DataFrame:
    """Say what a scenario is for each commune under a recruitment limit: the one place where it is decided."""
    always = rows["is_served"].astype("boolean")
    today, later = (
        (always.fillna(rows[name].le(limit_min)) & rows[name].notna()).to_numpy(bool)
        for name in (f"{side}_travel_time_min" for side in SIDES)
    )
    effect = np.select(
        [
            always.eq(False).fillna(False),
            ~is_known,
            ~(today | later),
            ~today,
            rows["scenario_travel_time_min"].isna(),
            ~rows["is_distinguishable"].fillna(False).astype(bool),
            rows["delta_travel_time_min"].lt(0),
        ],
        ["outside", "unknown", "outside", "entering", "without", "indistinct", "gain"],
        default="loss",
    )
    return pd.DataFrame(
        {"is_in_area": today, "is_in_scenario_area": later, "effect": effect}, index=rows.index
    )


def served(baseline: Results, index: pd.Index) -> pd.Series[bool]:
    """Return who is of the area whatever the time (True) or never (False); NA = as the recruitment limit says."""
    found = pd.Series(pd.NA, index=index, dtype="boolean")
    for named in baseline.state.parameters.authorisations:
        if (sector := sector_of(baseline.state, named.id)) is not None:
            found.update(pd.concat({named.id: sector}, names=["service"]).swaplevel().astype("boolean"))
    # of all communes alike: what is shown of one does not depend on where children come from
    return found.mask(baseline.persons["persons_kind"].eq("observed").reindex(index, fill_value=False), True)


def told(rows: pd.DataFrame, baseline: Results) -> np.ndarray:
    """Tell which differences are gains or losses: the communes of a service together, by their inhabitants."""
    parameters = baseline.state.parameters
    codes, services = (rows.index.get_level_values(name) for name in ("commune_code", "service"))
    is_named = services.isin([named.id for named in parameters.authorisations])
    limit = parameters.recruitment_max_min
    near = rows["baseline_travel_time_min"].le(limit) | rows["scenario_travel_time_min"].le(limit)
    always = rows["is_served"].mask(rows["persons_kind"].eq("observed")).fillna(near).to_numpy(bool)
    concerned = np.where(is_named, always, codes.isin(parameters.territory_codes))
    weights = np.where(concerned, baseline.state.communes["population"].reindex(codes).fillna(1.0), 0.0)
    change, size = (rows[name].to_numpy(float) for name in ("delta_travel_time_min", "detectable_min"))
    found = np.zeros(len(rows), dtype=bool)
    for place in pd.Series(range(len(rows))).groupby(services.to_numpy()).indices.values():
        found[place] = told_apart(
            change[place], size[place], level=parameters.told_level, together=weights[place]
        )
    return found
