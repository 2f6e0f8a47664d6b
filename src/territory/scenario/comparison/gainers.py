"""Who gains and who loses, by council: EPCI and commune, with the worst loss of each."""

from __future__ import annotations

import pandas as pd

from territory.scenario.zones import LEVELS, zone_levels

EFFECTS = ("gain", "loss", "indistinct", "entering", "leaving")
KEYS = ["service", "level", "zone"]


def gainers_and_losers(communes: pd.DataFrame, places: pd.DataFrame) -> pd.DataFrame:
    """Count persons of each effect for every council concerned, those that lose most first.

    Parameters
    ----------
    communes : DataFrame indexed by (commune_code, service)
        `Comparison.communes`: effect, persons, is_in_area, is_in_scenario_area, delta_travel_time_min.
    places
        Table `communes` of the study: departement_code, epci_code.

    Returns
    -------
    DataFrame
        Index (service, level, zone), level being territory, departement, epci or commune; persons_gain,
        persons_loss, persons_indistinct, persons_entering, persons_leaving (those who would be beyond the limit,
        whether their loss can be told or not), worst_loss_min (min) with the commune and the EPCI where it
        falls. A council that nobody of the area lives in is left out.

    Notes
    -----
    Persons of each level add up to those of the territory: no council is netted against another.

    Examples
    --------
    >>> import territory
    >>> councils = territory.run_study("draguignan").comparisons["B"].councils
    >>> councils.loc[("ime-salernes", "territory", "territory"), "worst_loss_commune"]
    '83128'
    """
    rows = communes[communes["effect"] != "outside"]
    zones = zone_levels(rows, places)
    each = zones[zones["level"] == "territory"].assign(level="commune")
    zones = pd.concat([zones, each.assign(zone=each["commune_code"])], ignore_index=True)
    is_leaving = (zones["effect"] == "loss") & ~zones["is_in_scenario_area"]
    masks = {effect: zones["effect"] == effect for effect in EFFECTS[:-1]} | {"leaving": is_leaving}
    persons = pd.DataFrame(
        {f"persons_{name}": zones["persons"].where(mask, 0.0) for name, mask in masks.items()}
    )
    keys = [zones[key] for key in KEYS]
    table = persons.groupby(keys, sort=False).sum(skipna=False)
    losses = zones[(zones["effect"] == "loss") & zones["delta_travel_time_min"].notna()]
    # communes that lose as much are told apart by their code
    losses = losses.sort_values(["delta_travel_time_min", "commune_code"], ascending=[False, True])
    worst = losses.drop_duplicates(KEYS).set_index(KEYS).reindex(table.index)
    table["worst_loss_min"] = worst["delta_travel_time_min"]
    table["worst_loss_commune"] = worst["commune_code"]
    table["worst_loss_epci"] = worst["epci"]
    services = table.index.get_level_values("service")
    order = table.assign(
        rank=[LEVELS.index(key) for key in table.index.get_level_values("level")],
        place=pd.factorize(services)[0],
    )
    order = order.sort_values(
        ["place", "rank", "persons_loss", "worst_loss_min"],
        ascending=[True, True, False, False],
        kind="stable",
    )
    return table.loc[order.index]
