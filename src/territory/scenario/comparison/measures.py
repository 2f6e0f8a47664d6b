"""Each measure of access by zone and service: before, after, difference, and whether it can be told.

Mean times, persons within each threshold, inequality between persons, then places and deserts.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from territory.access import equity
from territory.errors import agree
from territory.scenario.comparison.by_zone import desert_rows, place_rows
from territory.scenario.zones import KEYS, SIDES, in_reading_order, zone_levels
from territory.tables.measures import BY_NAME

if TYPE_CHECKING:
    from territory.scenario.results import Results
    from territory.study.state import Parameters

# the scenario where communes whose difference is under the doubt keep today's time
CERTAIN = "certain"
NOBODY = "personne dans le périmètre d'aujourd'hui"
_ZONE_KEYS = ["level", "zone", "service"]


def compare_measures(baseline: Results, scenario: Results, differences: pd.DataFrame) -> pd.DataFrame:
    """Compare every measure of two results by territory, département, EPCI and service.

    Notes
    -----
    Times are those of the persons within the recruitment limit today (all inhabitants of the territory for a
    closest site). A mean is told apart from today's when it moves by at least the mean of the detectable sizes
    of its communes, as if all errors went the same way. Another measure is when its difference keeps its sign
    once communes whose own difference is under the doubt are put back at their time of today, and what they
    add is not more than what is left.
    """
    rows = _rows(baseline, scenario, differences)
    blocks = [
        _time_rows(rows),
        *_coverage_rows(rows, baseline),
        *_inequality_rows(rows, baseline.state.parameters),
    ]
    blocks += [place_rows(baseline, scenario), desert_rows(baseline, scenario)]
    table = _finish(pd.concat([block for block in blocks if len(block)], ignore_index=True))
    keys = [table[key] for key in _ZONE_KEYS]
    # a zone that nobody of the area lives in has nothing to say
    some = (table[list(SIDES)].fillna(0.0).ne(0).any(axis=1)).groupby(keys).transform("any")
    table = table[some | table["level"].eq("territory")].set_index(KEYS)
    return table.loc[in_reading_order(list(table.index))]


def _rows(baseline: Results, scenario: Results, differences: pd.DataFrame) -> pd.DataFrame:
    """Return one row per commune, service and zone that the commune is in, with its times and persons."""
    state = baseline.state
    named = baseline.access["measure"].eq("named").to_numpy(bool)
    codes = differences.index.get_level_values("commune_code")
    persons = {}
    for side, results in zip(SIDES, (baseline, scenario), strict=True):
        inhabitants = results.state.communes["population"].reindex(codes).to_numpy(float)
        of_age = results.persons["persons"].reindex(differences.index).to_numpy(float)
        persons[side] = np.where(named, of_age, inhabitants)
    # the ages of a service that stands on one side alone are known there alone
    for side, other in (SIDES, SIDES[::-1]):
        persons[side] = np.where(np.isnan(persons[side]), persons[other], persons[side])
    old, new = (differences[f"{side}_travel_time_min"].to_numpy(float) for side in SIDES)
    counted = named | codes.isin(state.parameters.territory_codes)
    limit = state.parameters.recruitment_max_min
    table = pd.DataFrame(
        {
            "unit": np.where(named, "persons", "hab"),
            "baseline_min": old,
            "scenario_min": new,
            "certain_min": np.where(differences["is_distinguishable"].to_numpy(bool), new, old),
            "detectable_min": differences["detectable_min"].to_numpy(float),
            "is_known": differences["is_known"].to_numpy(bool),
            "is_area": ~named | (old <= limit),
            **{f"{side}_persons": values for side, values in persons.items()},
        },
        index=differences.index,
    )
    return zone_levels(table[counted], state.communes)


def _time_rows(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the mean time of those in the area, weighted by persons."""
    both = rows["is_area"] & rows["baseline_min"].notna() & rows["scenario_min"].notna()
    absent = rows["is_area"] & ~both & rows["baseline_persons"].ne(0)
    columns = {"absent": absent.astype(int), "communes": rows["is_area"].astype(int)}
    for side in SIDES:
        weight = rows[f"{side}_persons"].where(both, 0.0)
        columns[f"{side}_weight"] = weight
        columns[side] = (rows[f"{side}_min"] * weight).where(weight != 0, 0.0)
    mass = rows["detectable_min"] * columns["baseline_weight"]
    columns["doubt"] = mass.where(columns["baseline_weight"] != 0, 0.0)
    total = pd.DataFrame(columns).groupby([rows[key] for key in _ZONE_KEYS], sort=False).sum(skipna=False)
    zones = total.index.to_frame(index=False)
    weights = {side: total[f"{side}_weight"].where(total[f"{side}_weight"] > 0) for side in SIDES}
    means = {side: (total[side] / weights[side]).to_numpy() for side in SIDES}
    delta = np.abs(means["scenario"] - means["baseline"])
    doubt = (total["doubt"] / weights["baseline"]).to_numpy()
    return zones.assign(
        measure="mean_time_min",
        unit="min",
        **means,
        is_told=pd.arrays.BooleanArray((delta > 0) & (delta >= doubt), np.isnan(delta)),
        reason=[
            NOBODY if not communes else (_absent(count) if count else "")
            for communes, count in zip(total["communes"], total["absent"], strict=True)
        ],
    )


def _absent(count: int) -> str:
    """Say how many communes have no time on one side at least."""
    return agree(count, "commune(s) hors d'atteinte ou sans temps connu, non comptée(s)")


def _coverage_rows(rows: pd.DataFrame, baseline: Results) -> list[pd.DataFrame]:
    """Return persons, and their share, within each threshold."""
    keys = [rows[key] for key in _ZONE_KEYS]
    unknown = (~rows["is_known"] & rows["baseline_persons"].ne(0)).groupby(keys, sort=False).sum()
    unit = rows.groupby(keys, sort=False)["unit"].first().to_numpy()
    totals = {
        side: rows[f"{side}_persons"].groupby(keys, sort=False).sum(skipna=False).to_numpy() for side in SIDES
    }
    totals[CERTAIN] = totals["scenario"]
    zones = unknown.index.to_frame(index=False)
    reason = [agree(n, "commune(s) au temps inconnu") if n else "" for n in unknown]
    blocks = []
    for_share = unit == "hab"
    for threshold in sorted(baseline.state.parameters.thresholds_min):
        counts, shares = {}, {}
        for side in (*SIDES, CERTAIN):
            persons = rows["baseline_persons" if side == "baseline" else "scenario_persons"]
            within = persons.where(rows[f"{side}_min"].le(threshold), 0.0)
            counted = within.groupby(keys, sort=False).sum(skipna=False).to_numpy()
            counts[side] = np.where(unknown > 0, np.nan, counted)
            shares[side] = counts[side] / np.where(totals[side] > 0, totals[side], np.nan)
        base = zones.assign(reason=reason)
        names = {
            one: BY_NAME[f"within_{one}"].keyed.name(threshold_min=float(threshold))
            for one in ("persons", "hab", "share")
        }
        blocks.append(base.assign(measure=[names[one] for one in unit], unit=unit, **counts))
        # all the persons of an age around one site are no denominator
        blocks.append(base.assign(measure=names["share"], unit="share", **shares)[for_share])
    return blocks


def _inequality_rows(rows: pd.DataFrame, parameters: Parameters) -> list[pd.DataFrame]:
    """Measure the inequality of times between persons, and the persons beyond the line of the study."""
    local = rows["commune_code"].isin(parameters.territory_codes)
    departements = set(rows.loc[local & rows["level"].eq("departement"), "zone"])
    kept = rows["level"].eq("territory") | (rows["level"].eq("departement") & rows["zone"].isin(departements))
    return [
        pd.DataFrame(_unequal_times(group, parameters.equity_line_min)).assign(
            **{key: group[key].iloc[0] for key in _ZONE_KEYS}
        )
        for _, group in rows[kept].groupby(_ZONE_KEYS, sort=False)
    ]


def _unequal_times(group: pd.DataFrame, line: float) -> list[dict[str, object]]:
    """Return the measures of one zone and service."""
    both = group["is_area"] & group["baseline_min"].notna() & group["scenario_min"].notna()
    absent = int((group["is_area"] & ~both & group["baseline_persons"].ne(0)).sum())
    here = group[both]
    unknown = here[["baseline_persons", "scenario_persons"]].isna().any(axis=None)
    reason = _absent(absent) if absent else ""
    if unknown or here.empty:
        reason = "personnes inconnues" if unknown else NOBODY
    columns: dict[str, dict[str, float]] = {}
    measured: dict[bytes, dict[str, float]] = {}
    is_known = not unknown and len(here) > 0
    for side in (*SIDES, CERTAIN):
        times = here[f"{side}_min"].to_numpy(float)
        weights = here["baseline_persons" if side == "baseline" else "scenario_persons"].to_numpy(float)
        # what does not move is measured once
        key = times.tobytes() + weights.tobytes()
        if key not in measured:
            measured[key] = _inequality_values(times, weights, here["epci"], line, is_known=is_known)
        columns[side] = measured[key]
    return [
        {
            "measure": measure,
            "unit": unit,
            **{side: values[measure] for side, values in columns.items()},
            "reason": reason if not math.isnan(columns["baseline"][measure]) or reason else "un seul EPCI",
        }
        for measure, unit in _inequality_names(line)
    ]


def _inequality_names(line: float) -> tuple[tuple[str, str], ...]:
    """Return each measure and its unit."""
    names = ("time_gini", "epci_gap_min", "beyond_share", "beyond_gap", "beyond_severity")
    return tuple(
        (one.keyed.name(threshold_min=float(line)), one.unit) for one in map(BY_NAME.__getitem__, names)
    )


def _inequality_values(
    times: np.ndarray, weights: np.ndarray, epci: pd.Series[str], line: float, *, is_known: bool
) -> dict[str, float]:
    """Return every measure of one side."""
    if not is_known or not weights.sum() > 0:
        return {measure: math.nan for measure, _ in _inequality_names(line)}
    values, persons_of = pd.Series(times), pd.Series(weights)
    fgt = [
        equity.fgt_poverty(values, persons_of, line=line, alpha=alpha, direction="above")
        for alpha in (0, 1, 2)
    ]
    groups = pd.factorize(epci)[0]
    persons = np.bincount(groups, weights)
    minutes = np.bincount(groups, weights * times)
    means = minutes[persons > 0] / persons[persons > 0]
    gap = float(np.ptp(means)) if len(means) > 1 else math.nan
    measures = (equity.gini(values, persons_of), gap, *fgt)
    return {measure: value for (measure, _), value in zip(_inequality_names(line), measures, strict=True)}


def _finish(table: pd.DataFrame) -> pd.DataFrame:
    """Add the difference and whether it can be told, and keep the columns of the result."""
    delta = (table["scenario"] - table["baseline"]).to_numpy(float)
    certain = (table[CERTAIN] - table["baseline"]).to_numpy(float)
    outweighs = (delta != 0) & (np.sign(delta) == np.sign(certain))
    outweighs &= np.abs(certain) >= np.abs(delta - certain)
    # no certain side: nothing says what the doubt does to this measure, except that no change is no change
    unknown = np.isnan(delta) | (np.isnan(certain) & (delta != 0))
    told = pd.Series(pd.arrays.BooleanArray(outweighs & ~unknown, unknown), index=table.index)
    if "is_told" in table:
        told = table["is_told"].astype("boolean").fillna(told)
    table = table.assign(delta=delta, is_distinguishable=told, reason=table["reason"].fillna(""))
    return table[[*KEYS, "unit", "baseline", "scenario", "delta", "is_distinguishable", "reason"]]
