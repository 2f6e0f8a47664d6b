"""A scenario against today: who gains, who loses, and which differences are under the doubt."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from territory.errors import ParameterError
from territory.network.estimate import difference_uncertainty_min
from territory.scenario.computing import ALL_TERRITORY
from territory.scenario.results import Comparison, Results
from territory.supply import site_of_authorisation

Rows = list[tuple[tuple[Any, ...], dict[str, Any]]]
EFFECTS = ("gain", "loss", "indistinct", "entering", "unknown")


def compare(baseline: Results, scenario: Results) -> Comparison:
    """Compare a scenario with today for every authorisation whose site changes.

    Gains and losses are those of the persons who live within the recruitment limit today; those who would
    come within it are counted apart (`entering`), and those who would no longer be are losers who are also
    counted as `leaving`.

    A difference counts only when it reaches the detectable size: the two times share the error of the road
    they share, so the size depends on how far apart the two sites are
    (`territory.network.difference_uncertainty_min`).

    Parameters
    ----------
    baseline, scenario
        Results of two states of the same study (same communes, same named authorisations).

    Returns
    -------
    Comparison
        See its attributes.

    Raises
    ------
    ParameterError
        If the two results are not about the same communes and authorisations.

    Examples
    --------
    >>> import territory
    >>> comparison = territory.run_study("draguignan").comparisons["B"]
    >>> "ime-salernes" in comparison.services
    True
    """
    same_communes = baseline.state.communes.index.equals(scenario.state.communes.index)
    same_parameters = baseline.state.parameters == scenario.state.parameters
    if not (same_communes and same_parameters):
        raise ParameterError("Comparaison impossible : les deux résultats ne portent pas sur la même étude.")
    moved = _moved(baseline, scenario)
    limit = baseline.state.parameters.recruitment_max_min
    communes = _concat([_by_commune(baseline, scenario, name, limit) for name in moved])
    sensitivity: Rows = []
    for other in sorted({limit, *baseline.state.parameters.recruitment_tests_min}):
        under = _concat([_by_commune(baseline, scenario, name, other) for name in moved])
        for name in moved:
            sensitivity.append(((name, other), _count(_of(under, name))))
    return Comparison(
        scenario_id="",
        name="",
        services=tuple(moved),
        communes=communes,
        zones=_by_zone(baseline, communes, moved),
        sensitivity=_table(sensitivity, ["service", "recruitment_max_min"]),
        trips=_compare_trips(baseline, scenario, communes, moved),
    )


def _moved(baseline: Results, scenario: Results) -> list[str]:
    """Return the named authorisations whose site is not the same, closed or newly opened ones included."""
    sites = [
        results.access[results.access["measure"] == "named"]
        .groupby(level="service", sort=False)["to_id"]
        .first()
        for results in (baseline, scenario)
    ]
    before, after = (found.fillna("") for found in sites)
    return [name for name in before.index if before[name] != after[name]]


def _by_commune(baseline: Results, scenario: Results, name: str, limit_min: float) -> pd.DataFrame:
    """Return the difference of every commune for one authorisation, and what it amounts to."""
    before = baseline.access.xs(name, level="service", drop_level=False)
    after = scenario.access.xs(name, level="service", drop_level=False)
    old, new = before["travel_time_min"], after["travel_time_min"]
    detectable = _detectable(baseline, scenario, name)
    delta = new - old
    today, later = old.le(limit_min), new.le(limit_min)
    unknown = before["is_reachable"].isna() | after["is_reachable"].isna()
    is_distinguishable = delta.ne(0) & delta.abs().ge(detectable)
    # out of reach on one side alone is a gain or a loss that no number of minutes can say
    opened = before["is_reachable"].eq(False) & after["is_reachable"].eq(True)
    closed = before["is_reachable"].eq(True) & after["is_reachable"].eq(False)
    effect = np.select(
        [
            unknown.to_numpy(bool),
            ~(today | later).to_numpy(bool),
            ~today.to_numpy(bool),
            opened.fillna(False).to_numpy(bool),
            closed.fillna(False).to_numpy(bool),
            ~is_distinguishable.to_numpy(bool),
            delta.lt(0).to_numpy(bool),
        ],
        ["unknown", "outside", "entering", "gain", "loss", "indistinct", "gain"],
        default="loss",
    )
    one_sided = (opened | closed).fillna(False).to_numpy(bool)
    return pd.DataFrame(
        {
            "baseline_travel_time_min": old,
            "scenario_travel_time_min": new,
            "delta_travel_time_min": delta,
            "detectable_min": detectable,
            "is_distinguishable": is_distinguishable.to_numpy(bool) | one_sided,
            "is_in_area": today,
            "is_in_scenario_area": later,
            "persons": baseline.persons["persons"].reindex(before.index),
            "persons_kind": baseline.persons["persons_kind"].reindex(before.index),
            "effect": effect,
        },
        index=before.index,
    )


def _detectable(baseline: Results, scenario: Results, name: str) -> pd.Series:
    """Return the smallest difference that the doubt on times lets be told, for each commune."""
    before = baseline.access.xs(name, level="service", drop_level=False)
    after = scenario.access.xs(name, level="service", drop_level=False)
    services = (baseline.state.services, scenario.state.services)
    if not all((table["authorisation_id"] == name).any() for table in services):
        return pd.Series(np.nan, index=before.index)
    old, new = (site_of_authorisation(table, name) for table in services)
    pairs = baseline.state.site_times.set_index(["from_id", "to_id"])["travel_time_min"]
    between = float(pairs.get((old, new), np.nan))
    found = difference_uncertainty_min(
        before["travel_time_min"].to_numpy(), after["travel_time_min"].to_numpy(), between
    )
    return pd.Series(found, index=before.index)


def _of(table: pd.DataFrame, name: str) -> pd.DataFrame:
    """Return the rows of one authorisation, by commune."""
    return table[table.index.get_level_values("service") == name].droplevel("service")


def _count(rows: pd.DataFrame) -> dict[str, Any]:
    """Count the persons and communes of each effect."""
    counts: dict[str, Any] = {}
    for effect in EFFECTS:
        kept = rows[rows["effect"] == effect]
        # an unknown number of persons makes the sum unknown, not smaller
        counts[f"persons_{effect}"] = kept["persons"].sum(skipna=False) if len(kept) else 0.0
        counts[f"communes_{effect}"] = len(kept)
    leaving = rows[rows["is_in_area"] & ~rows["is_in_scenario_area"]]
    counts["persons_leaving"] = leaving["persons"].sum(skipna=False) if len(leaving) else 0.0
    counts["communes_leaving"] = len(leaving)
    inside = rows[rows["is_in_area"]]
    weights = inside["persons"].where(inside["delta_travel_time_min"].notna(), 0.0)
    total = weights.sum()
    for side in ("baseline", "scenario"):
        minutes = inside[f"{side}_travel_time_min"].fillna(0.0)
        counts[f"{side}_mean_min"] = float((minutes * weights).sum() / total) if total > 0 else np.nan
    worst = rows[rows["effect"] == "loss"]["delta_travel_time_min"]
    counts["worst_loss_min"] = worst.max() if worst.notna().any() else np.nan
    counts["worst_loss_commune"] = worst.idxmax() if worst.notna().any() else None
    return counts


def _by_zone(baseline: Results, communes: pd.DataFrame, moved: list[str]) -> pd.DataFrame:
    """Count by EPCI, every EPCI with a commune in the area or of unknown effect, then in all."""
    epci = baseline.state.communes["epci_code"].fillna("")
    found: Rows = []
    for name in moved:
        rows = _of(communes, name)
        kept = rows[rows["effect"] != "outside"]
        found.append(((ALL_TERRITORY, name), _count(kept)))
        for zone, inside in kept.groupby(epci.reindex(kept.index).to_numpy()):
            found.append(((str(zone), name), _count(inside)))
    return _table(found, ["zone", "service"])


def _compare_trips(
    baseline: Results, scenario: Results, communes: pd.DataFrame, moved: list[str]
) -> pd.DataFrame:
    """Average the year's road of one child over the persons of the area, before and after, by account."""
    epci = baseline.state.communes["epci_code"].fillna("")
    sides = {"baseline": baseline.trips, "scenario": scenario.trips}
    found: Rows = []
    for name in moved:
        rows = _of(communes, name)
        rows = rows[rows["is_in_area"] & rows["delta_travel_time_min"].notna()]
        zones = {ALL_TERRITORY: rows.index, **rows.groupby(epci.reindex(rows.index).to_numpy()).groups}
        named = baseline.trips.index.get_level_values("service") == name
        for who in baseline.trips.index[named].get_level_values("who").unique():
            for zone, inside in zones.items():
                weights = rows["persons"].reindex(inside)
                means = {
                    f"{side}_{column}": _mean(
                        trips.xs((name, who), level=("service", "who")).loc[inside, column], weights
                    )
                    for side, trips in sides.items()
                    for column in ("year_low_min", "year_high_min", "year_direct_km")
                }
                found.append(((zone, name, who), means))
    return _table(found, ["zone", "service", "who"])


def _mean(values: pd.Series, weights: pd.Series) -> float:
    """Return the mean weighted by persons, NaN without anybody."""
    total = weights.sum(skipna=False)
    return float((values * weights).sum(skipna=False) / total) if total > 0 else float("nan")


def _table(rows: Rows, names: list[str]) -> pd.DataFrame:
    """Stack keyed rows under a MultiIndex, with plain column types."""
    index = pd.MultiIndex.from_tuples([key for key, _ in rows], names=names) if rows else None
    if index is None:
        return pd.DataFrame(index=pd.MultiIndex.from_arrays([[] for _ in names], names=names))
    table = pd.DataFrame([values for _, values in rows], index=index)
    for column in table.columns:
        if column.startswith("communes_"):
            table[column] = table[column].astype(int)
        elif column.endswith("_commune"):
            table[column] = table[column].astype("str").where(table[column].notna())
        else:
            table[column] = table[column].astype(float)
    return table


def _concat(blocks: list[pd.DataFrame]) -> pd.DataFrame:
    """Stack blocks by authorisation; an empty table, with its index, when nothing moves."""
    if blocks:
        return pd.concat(blocks)
    index = pd.MultiIndex.from_arrays([[], []], names=["commune_code", "service"])
    names = (
        "baseline_travel_time_min",
        "scenario_travel_time_min",
        "delta_travel_time_min",
        "detectable_min",
    )
    empty = {name: pd.Series(dtype=float) for name in (*names, "persons")}
    flags = {
        name: pd.Series(dtype=bool) for name in ("is_distinguishable", "is_in_area", "is_in_scenario_area")
    }
    texts = {name: pd.Series(dtype="str") for name in ("persons_kind", "effect")}
    return pd.DataFrame({**empty, **flags, **texts}).set_index(index)
