"""Inhabitants in a desert, and the class of each commune, before and after."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from territory.access.deserts import NOT_COMPUTABLE
from territory.scenario.zones import ALL_TERRITORY

if TYPE_CHECKING:
    from territory.scenario.results import Results

SIDES = ("baseline", "scenario")


def desert_rows(baseline: Results, scenario: Results) -> pd.DataFrame:
    """Gather the inhabitants beyond each criterion of desert by zone.

    Examples
    --------
    >>> import territory
    >>> today = territory.run_study("draguignan").baseline
    >>> desert_rows(today, today)["measure"].iloc[0]
    'in_desert_apl_hab'
    """
    blocks = []
    departements = set(baseline.state.communes["departement_code"])
    for scheme in baseline.state.parameters.deserts:
        for criterion in scheme.criterion:
            sides = [_inhabitants(results, scheme.id, criterion.id) for results in (baseline, scenario)]
            table = pd.DataFrame(dict(zip(SIDES, (side["value"] for side in sides), strict=True)))
            unknown = pd.concat([side["unknown"] for side in sides], axis=1).max(axis=1)
            zones = table.index.to_series()
            levels = np.where(zones.isin(departements), "departement", "epci")
            blocks.append(
                table.assign(
                    level=np.where(zones == ALL_TERRITORY, ALL_TERRITORY, levels),
                    zone=zones,
                    service=scheme.id,
                    measure=f"in_desert_{criterion.id}_hab",
                    unit="hab",
                    reason=[
                        f"{count:.0f} habitants : {NOT_COMPUTABLE}" if count else "" for count in unknown
                    ],
                )
            )
    return pd.concat(blocks, ignore_index=True) if blocks else pd.DataFrame()


def compare_deserts(baseline: Results, scenario: Results) -> pd.DataFrame:
    """Set the class of each commune of the territory beside its class in the scenario.

    Examples
    --------
    >>> import territory
    >>> today = territory.run_study("draguignan").baseline
    >>> bool(compare_deserts(today, today)["is_changed"].any())
    False
    """
    sides = [_classes(results) for results in (baseline, scenario)]
    table = pd.concat(sides, axis=1, keys=[f"{side}_desert_class" for side in SIDES])
    codes = table.index.get_level_values("commune_code")
    table = table[codes.isin(baseline.state.parameters.territory_codes)]
    return table.assign(is_changed=table["baseline_desert_class"].ne(table["scenario_desert_class"]))


def _inhabitants(results: Results, scheme: str, criterion: str) -> pd.DataFrame:
    """Return inhabitants in the desert, and those for whom it cannot be said, by zone."""
    shares = results.desert_shares["population_hab"].xs(scheme, level="scheme").unstack("desert_class")
    unknown = shares[f"{criterion} : {NOT_COMPUTABLE}"]
    classes = [name for name in shares if str(name).endswith(NOT_COMPUTABLE) or "critère" in str(name)]
    everybody = shares[[name for name in classes if " : " not in str(name)]].sum(axis=1, skipna=False)
    return pd.DataFrame({"value": shares[criterion].where(unknown < everybody), "unknown": unknown})


def _classes(results: Results) -> pd.Series[str]:
    """Return the class of each commune under each scheme."""
    if results.deserts.empty:
        index = pd.MultiIndex.from_arrays([[], []], names=["commune_code", "scheme"])
        return pd.Series(dtype="str", index=index)
    rows = results.deserts.reset_index("criterion", drop=True).set_index("scheme", append=True)[
        "desert_class"
    ]
    return rows[~rows.index.duplicated()]
