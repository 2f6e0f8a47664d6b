"""Each measure of access by zone and service: before, after, difference, and whether it can be told."""

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from territory.access import equity
from territory.access.deserts import NOT_COMPUTABLE
from territory.access.uncertainty import told_apart
from territory.errors import agree
from territory.scenario.measures.places import persons_received, sector_of
from territory.scenario.results import Results
from territory.scenario.zones import ALL_TERRITORY, KEYS, SIDES, in_reading_order, zone_levels
from territory.study.own_tables import kinds_of
from territory.study.state import Parameters
from territory.tables.catalogue import BY_NAME

# the scenario where communes whose difference is under the doubt keep today's time
CERTAIN = "certain"
NOBODY = "personne dans le périmètre d'aujourd'hui"
_ZONE_KEYS = ["level", "zone", "service"]
# of the persons counted, the share that an EPCI has for its mean to be set against that of the others
MIN_EPCI_SHARE = 0.05
_UNEQUAL = ("time_gini", "epci_longest_min", "time_p90_min", "beyond_share", "beyond_gap", "beyond_severity")


def compare_measures(baseline: Results, scenario: Results, differences: pd.DataFrame) -> pd.DataFrame:
    """Compare every measure of two results by territory, département, EPCI and service.

    A mean is told apart when it moves by at least the mean of the detectable sizes of its communes, as if all errors
    went the same way. Another measure is when its difference keeps its sign once communes whose own difference is
    under the doubt are put back at their time of today, and what they add is not more than what is left.
    """
    rows = _rows(baseline, scenario, differences)
    blocks = [_time_rows(rows, baseline.state.parameters.told_level), *_coverage_rows(rows, baseline)]
    blocks += [_inequality_rows(rows, baseline.state.parameters)]
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
    columns = {
        "unit": np.where(named, "persons", "hab"),
        "baseline_min": old,
        "scenario_min": new,
        "certain_min": np.where(differences["is_distinguishable"].to_numpy(bool), new, old),
        "detectable_min": differences["detectable_min"].to_numpy(float),
        "is_known": differences["is_known"].to_numpy(bool),
        "is_area": ~named | (old <= limit),
        **{f"{side}_persons": values for side, values in persons.items()},
    }
    table = pd.DataFrame(columns, index=differences.index)
    return zone_levels(table[counted], state.communes)


def _time_rows(rows: pd.DataFrame, level: float) -> pd.DataFrame:
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
    delta = means["scenario"] - means["baseline"]
    doubt = (total["doubt"] / weights["baseline"]).to_numpy()
    reasons = zip(total["communes"], total["absent"], strict=True)
    return zones.assign(
        measure="mean_time_min",
        unit="min",
        **means,
        is_told=pd.arrays.BooleanArray(told_apart(delta, doubt, level=level), np.isnan(delta)),
        reason=[_absent(count) if communes else NOBODY for communes, count in reasons],
    )


def _absent(count: int) -> str:
    """Say how many communes have no time on one side at least, nothing when none has."""
    return "" if not count else agree(count, "commune(s) hors d'atteinte ou sans temps connu, non comptée(s)")


def _coverage_rows(rows: pd.DataFrame, baseline: Results) -> list[pd.DataFrame]:
    """Return persons, and their share, within each threshold."""
    keys = [rows[key] for key in _ZONE_KEYS]
    unknown = (~rows["is_known"] & rows["baseline_persons"].ne(0)).groupby(keys, sort=False).sum()
    groups = rows.groupby(keys, sort=False)
    unit = groups["unit"].first().to_numpy()
    totals = {side: groups[f"{side}_persons"].sum(skipna=False).to_numpy() for side in SIDES}
    totals[CERTAIN] = totals["scenario"]
    zones = unknown.index.to_frame(index=False)
    zones["reason"] = [agree(n, "commune(s) au temps inconnu") if n else "" for n in unknown]
    blocks, for_share = [], unit == "hab"
    keyed = {one: BY_NAME[f"within_{one}"].keyed for one in ("persons", "hab", "share")}
    for threshold in sorted(baseline.state.parameters.thresholds_min):
        counts, shares = {}, {}
        for side in (*SIDES, CERTAIN):
            persons = rows["baseline_persons" if side == "baseline" else "scenario_persons"]
            within = persons.where(rows[f"{side}_min"].le(threshold), 0.0)
            counted = within.groupby(keys, sort=False).sum(skipna=False).to_numpy()
            counts[side] = np.where(unknown > 0, np.nan, counted)
            shares[side] = counts[side] / np.where(totals[side] > 0, totals[side], np.nan)
        names = {one: pattern.name(threshold_min=float(threshold)) for one, pattern in keyed.items()}
        blocks.append(zones.assign(measure=[names[one] for one in unit], unit=unit, **counts))
        # all the persons of an age around one site are no denominator
        blocks.append(zones.assign(measure=names["share"], unit="share", **shares)[for_share])
    return blocks


def _inequality_rows(rows: pd.DataFrame, parameters: Parameters) -> pd.DataFrame:
    """Measure the inequality of times between persons, and the persons beyond the line of the study."""
    local = rows["commune_code"].isin(parameters.territory_codes)
    departements = set(rows.loc[local & rows["level"].eq("departement"), "zone"])
    kept = rows["level"].eq("territory") | (rows["level"].eq("departement") & rows["zone"].isin(departements))
    kept_rows = rows[kept]
    names = (
        "is_area",
        "certain_min",
        "detectable_min",
        *(f"{side}_{what}" for side in SIDES for what in ("min", "persons")),
    )
    columns = {name: kept_rows[name].to_numpy(float) for name in names}
    columns["epci"] = pd.factorize(kept_rows["epci"])[0]
    found = []
    for places in kept_rows.groupby(_ZONE_KEYS, sort=False).indices.values():
        group = {name: values[places] for name, values in columns.items()}
        keys = kept_rows[_ZONE_KEYS].iloc[places[0]].to_dict()
        found += [{**measure, **keys} for measure in _unequal_times(group, parameters.equity_line_min)]
    return pd.DataFrame(found)


def _unequal_times(group: dict[str, np.ndarray], line: float) -> list[dict[str, object]]:
    """Return the measures of one zone and service."""
    is_area = group["is_area"] > 0
    both = is_area & ~np.isnan(group["baseline_min"]) & ~np.isnan(group["scenario_min"])
    absent = int((is_area & ~both & (group["baseline_persons"] != 0)).sum())
    here = {name: values[both] for name, values in group.items()}
    persons = {side: here[f"{side}_persons"] for side in SIDES} | {CERTAIN: here["scenario_persons"]}
    unknown = any(np.isnan(values).any() for values in persons.values())
    reason = "personnes inconnues" if unknown else _absent(absent) if both.any() else NOBODY
    nothing = [math.nan] * len(_UNEQUAL)
    columns: dict[str, list[float]] = {}
    measured: dict[bytes, list[float]] = {}
    for side, weights in persons.items():
        times = here[f"{side}_min"]
        # what does not move is measured once
        key = times.tobytes() + weights.tobytes()
        if key not in measured:
            is_known = not unknown and weights.sum() > 0
            measured[key] = _inequality(times, weights, here["epci"], line) if is_known else nothing
        columns[side] = measured[key]
    moved = here["detectable_min"][here["scenario_min"] != here["baseline_min"]]
    # minutes under the smallest change that any commune could see are none
    least, change = (
        moved.min() if moved.size else 0.0,
        np.abs(np.subtract(columns["scenario"], columns["baseline"])),
    )
    alone = ["un seul EPCI assez peuplé" if math.isnan(value) else "" for value in columns["baseline"]]
    return [
        {
            "measure": one.keyed.name(threshold_min=float(line)),
            "unit": one.unit,
            **{side: values[place] for side, values in columns.items()},
            "reason": reason or alone[place],
            "is_told": False if one.unit == "min" and change[place] < least else None,
        }
        for place, one in enumerate(map(BY_NAME.__getitem__, _UNEQUAL))
    ]


def _inequality(times: np.ndarray, weights: np.ndarray, groups: np.ndarray, line: float) -> list[float]:
    """Return every measure of one side, as `_UNEQUAL` names them."""
    values, persons_of = pd.Series(times), pd.Series(weights)
    fgt = [equity.fgt_poverty(values, persons_of, line=line, alpha=a, direction="above") for a in (0, 1, 2)]
    persons = np.bincount(groups, weights)
    # the mean of a handful of persons is no extreme
    large = persons >= MIN_EPCI_SHARE * weights.sum()
    longest = float((np.bincount(groups, weights * times)[large] / persons[large]).max(initial=-math.inf))
    order = np.argsort(times, kind="stable")
    tenth = times[order][np.searchsorted(np.cumsum(weights[order]), 0.9 * weights.sum() * (1 - 1e-12))]
    return [equity.gini(values, persons_of), longest if large.sum() > 1 else math.nan, float(tenth), *fgt]


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


PLACE_MEASURES = {"access_per_1000": "per_1000", "unmet_persons": "persons"}


def place_rows(baseline: Results, scenario: Results) -> pd.DataFrame:
    """Gather access to places (mean weighted by persons) and persons without a place (sum) by zone."""
    index = baseline.places.index.union(scenario.places.index, sort=False)
    if index.empty:
        return pd.DataFrame()
    places = read_sides(baseline, scenario, lambda results: results.places.reindex(index))
    table = pd.concat([places[side].add_prefix(f"{side}_") for side in SIDES], axis=1)
    parameters = baseline.state.parameters
    table["persons"] = np.nan
    # of the age that a kind receives, whoever is served: a mean over children observed would tell where they live
    state, codes = baseline.state, index.get_level_values("commune_code")
    for kind in index.get_level_values("service").unique():
        received = persons_received(state, state.services[kinds_of(state.services) == kind])
        if received is not None:
            is_kind = index.get_level_values("service") == kind
            table.loc[is_kind, "persons"] = received.reindex(codes[is_kind]).to_numpy(float)
    is_local = codes.isin(parameters.territory_codes)
    named = {authorisation.id for authorisation in parameters.authorisations}
    is_named = index.get_level_values("service").isin(named)
    zones = zone_levels(table[is_local | is_named], baseline.state.communes)
    rows = pd.concat([_gather(zones, name) for name in PLACE_MEASURES], ignore_index=True)
    rows["reason"] = _place_reasons(rows, baseline, scenario)
    is_known = rows[list(SIDES)].notna().any(axis=1)
    # what is nowhere known is said once, for the whole
    return rows[is_known | rows["level"].eq("territory")].reset_index(drop=True)


def desert_rows(baseline: Results, scenario: Results) -> pd.DataFrame:
    """Gather the inhabitants beyond each criterion of desert by zone."""
    blocks = []
    departements = set(baseline.state.communes["departement_code"])
    for scheme in baseline.state.parameters.deserts:
        for criterion in scheme.criterion:
            inhabitants = read_sides(baseline, scenario, partial(_inhabitants, scheme.id, criterion.id))
            table = pd.DataFrame({side: counted["value"] for side, counted in inhabitants.items()})
            unknown = pd.concat([counted["unknown"] for counted in inhabitants.values()], axis=1).max(axis=1)
            zones = table.index.to_series()
            is_whole = [zones == ALL_TERRITORY, zones.isin(departements)]
            said = [f"{count:.0f} habitants : {NOT_COMPUTABLE}" if count else "" for count in unknown]
            block = table.assign(
                level=np.select(is_whole, [ALL_TERRITORY, "departement"], "epci"),
                zone=zones,
                service=scheme.id,
                measure=BY_NAME["in_desert_hab"].keyed.name(criterion=criterion.id),
                unit="hab",
                reason=said,
            )
            blocks.append(block)
    return pd.concat(blocks, ignore_index=True) if blocks else pd.DataFrame()


def read_sides(baseline: Results, scenario: Results, read: Callable[[Results], Any]) -> dict[str, Any]:
    """Return what is read of each result, by its side."""
    return {side: read(results) for side, results in zip(SIDES, (baseline, scenario), strict=True)}


def _gather(rows: pd.DataFrame, name: str) -> pd.DataFrame:
    """Return one measure of places by zone."""
    keys = [rows[key] for key in ("level", "zone", "service")]
    values = rows[[f"{side}_{name}" for side in SIDES]].set_axis(list(SIDES), axis=1)
    if name == "unmet_persons":
        total = values.groupby(keys, sort=False).sum(skipna=False)
    else:
        weights = rows["persons"]
        mass = values.mul(weights, axis=0).where(weights.ne(0), 0.0)
        persons = weights.groupby(keys, sort=False).sum()
        total = mass.groupby(keys, sort=False).sum(skipna=False).div(persons.where(persons > 0), axis=0)
    return total.reset_index().assign(measure=name, unit=PLACE_MEASURES[name])


def _place_reasons(table: pd.DataFrame, baseline: Results, scenario: Results) -> list[str]:
    """Return why each value is unknown on one side at least."""
    columns = table["measure"].map({"access_per_1000": "access_reason", "unmet_persons": "unmet_reason"})
    keys = pd.MultiIndex.from_arrays([table["service"], columns])

    def reasons(results: Results) -> "pd.Series[str]":
        known = results.place_reasons.reset_index().melt("service").set_index(["service", "variable"])
        return known["value"].reindex(keys).fillna("aucun service de ce côté")

    said = read_sides(baseline, scenario, reasons)
    sides = [np.where(table[side].isna(), why, "") for side, why in said.items()]
    return [" ; ".join(dict.fromkeys(text for text in both if text)) for both in zip(*sides, strict=True)]


def _inhabitants(scheme: str, criterion: str, results: Results) -> pd.DataFrame:
    """Return inhabitants in the desert, and those for whom it cannot be said, by zone."""
    shares = results.desert_shares["population_hab"].xs(scheme, level="scheme").unstack("desert_class")
    unknown = shares[f"{criterion} : {NOT_COMPUTABLE}"]
    classes = [name for name in shares if str(name).endswith(NOT_COMPUTABLE) or "critère" in str(name)]
    everybody = shares[[name for name in classes if " : " not in str(name)]].sum(axis=1, skipna=False)
    return pd.DataFrame({"value": shares[criterion].where(unknown < everybody), "unknown": unknown})


# what a scenario is for those who live in the area of today, and for those it brings into it
EFFECTS = ("gain", "loss", "indistinct", "without", "entering", "unknown")


def effects_under(rows: pd.DataFrame, limit_min: float, *, is_known: "pd.Series[bool]") -> pd.DataFrame:
    """Say what a scenario is for each commune under a recruitment limit: the one place where it is decided."""
    always = rows["is_served"].astype("boolean")
    today, later = (
        (always.fillna(rows[name].le(limit_min)) & rows[name].notna()).to_numpy(bool)
        for name in (f"{side}_travel_time_min" for side in SIDES)
    )
    cases: list[Any] = [
        always.eq(False).fillna(False),
        ~is_known,
        ~(today | later),
        ~today,
        rows["scenario_travel_time_min"].isna(),
        ~rows["is_distinguishable"].fillna(False).astype(bool),
        rows["delta_travel_time_min"].lt(0),
    ]
    effects = ["outside", "unknown", "outside", "entering", "without", "indistinct", "gain"]
    effect = np.select(cases, effects, default="loss")
    found = {"is_in_area": today, "is_in_scenario_area": later, "effect": effect}
    return pd.DataFrame(found, index=rows.index)


def served(baseline: Results, index: pd.Index) -> "pd.Series[bool]":
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
    limit, level = parameters.recruitment_max_min, parameters.told_level
    near = rows["baseline_travel_time_min"].le(limit) | rows["scenario_travel_time_min"].le(limit)
    always = rows["is_served"].mask(rows["persons_kind"].eq("observed")).fillna(near).to_numpy(bool)
    concerned = np.where(is_named, always, codes.isin(parameters.territory_codes))
    weights = np.where(concerned, baseline.state.communes["population"].reindex(codes).fillna(1.0), 0.0)
    change, size = (rows[name].to_numpy(float) for name in ("delta_travel_time_min", "detectable_min"))
    found = np.zeros(len(rows), dtype=bool)
    for place in pd.Series(range(len(rows))).groupby(services.to_numpy()).indices.values():
        found[place] = told_apart(change[place], size[place], level=level, together=weights[place])
    return found
