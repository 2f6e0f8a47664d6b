"""A scenario against today: who gains, who loses, which differences are under the doubt; several side by side."""

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from territory.errors import ParameterError
from territory.network.estimate import difference_uncertainty_min
from territory.scenario import zones as zoning
from territory.scenario.accounts import QUANTITIES, compare_accounts, with_rounds
from territory.scenario.comparison import measures as measuring
from territory.scenario.measures.places import kind_of
from territory.scenario.results import Comparison, Results
from territory.study.state import Parameters
from territory.tables.catalogue import BY_NAME

# losers who would be beyond the limit are also counted apart
COUNCIL_EFFECTS = (*measuring.EFFECTS[:-1], "leaving")
_COUNCIL_KEYS = ["service", "level", "zone"]
TODAY = "today"
# columns that draws within the doubt add to each scenario, and what they are called there
_DRAWN = ("delta_low", "delta_high", "better_share")
_DRAWN_AS = {
    "mean_time_min": ["low_min", "high_min", "better_share"],
    "persons_gain": ["persons_shorter_low", "persons_shorter_high"],
    "persons_loss": ["persons_longer_low", "persons_longer_high"],
}
COMMUNE_MEASURES = ("travel_time_min", "within_min", *measuring.PLACE_MEASURES)
UNITS = {"_min": "min", "_km": "km", "_eur": "eur", "_kg": "kg"}


def compare(baseline: Results, scenario: Results) -> Comparison:
    """Compare a scenario with today for every authorisation whose site changes.

    Gains and losses are those of the persons who live within the recruitment limit today; those who would come within
    it are counted apart (`entering`), those who would no longer be are losers also counted as `leaving`, and those
    whose service is nowhere any more are counted apart (`without`). No limit stands for children who are observed,
    nor inside a legal sector. A difference counts by the one rule of `territory.access.told_apart`, the communes of a
    service being compared together, each with its inhabitants.

    Parameters
    ----------
    baseline, scenario
        Results of two states of the same study (same communes, same named authorisations).

    Raises
    ------
    ParameterError
        If the two results are not about the same communes and authorisations.

    Examples
    --------
    >>> import territory
    >>> "ime-salernes" in territory.run_study("draguignan").comparisons["B"].services
    True
    """
    same_communes = baseline.state.communes.index.equals(scenario.state.communes.index)
    same_parameters = baseline.state.parameters == scenario.state.parameters
    if not (same_communes and same_parameters):
        raise ParameterError("Comparaison impossible : les deux résultats ne portent pas sur la même étude.")
    before = baseline.access[baseline.access["measure"] == "named"]
    after = scenario.access.reindex(before.index)
    old, new = before["travel_time_min"], after["travel_time_min"]
    # the named authorisations whose site or time is not the same for every commune
    is_changed = before["to_id"].fillna("") != after["to_id"].fillna("")
    is_changed |= ~(old.eq(new) | (old.isna() & new.isna()))
    changed = is_changed.groupby(level="service", sort=False).any()
    moved = list(changed.index[changed])
    parameters = baseline.state.parameters
    every = _differences(baseline, scenario)
    level = parameters.told_level
    differences = every[every.index.get_level_values("service").isin(moved)]
    communes = _with_effects(differences, parameters.recruitment_max_min)
    places = baseline.state.communes
    in_zones = zoning.by_zone(communes[communes["effect"] != "outside"], places["epci_code"])
    return Comparison(
        scenario_id="",
        name="",
        services=tuple(moved),
        communes=communes,
        names={one.id: one.label_short or one.label for one in parameters.authorisations},
        zones=_tally(in_zones, ["zone", "service"]).join(
            zoning.mean_trips(in_zones, ["zone", "service"], level)
        ),
        making={
            "sensitivity": partial(_sensitivity, differences, parameters),
            "direct_trips": partial(
                compare_accounts, baseline.trips, scenario.trips, communes, places["epci_code"]
            ),
            "by_commune": partial(compare_communes, baseline, scenario, every),
            "deserts": partial(compare_deserts, baseline, scenario),
            "councils": partial(gainers_and_losers, communes, places),
            "measures": partial(measuring.compare_measures, baseline, scenario, every),
        },
        accounting=partial(with_rounds, parameters),
    )


def _differences(baseline: Results, scenario: Results) -> pd.DataFrame:
    """Return the times before and after of every commune and service, and whether their difference can be told."""
    before, after = baseline.access, scenario.access.reindex(baseline.access.index)
    old, new = before["travel_time_min"], after["travel_time_min"]
    detectable = _detectable(before, after, baseline)
    delta = new - old
    # the ages of a service that only opens in the scenario are known there alone
    persons = baseline.persons["persons"].fillna(scenario.persons["persons"])
    here, there = before["is_reachable"].astype("boolean"), after["is_reachable"].astype("boolean")
    # out of reach on one side alone is a gain or a loss that no number of minutes can say
    opened = (~here & there).fillna(False).to_numpy(bool)
    closed = (here & ~there).fillna(False).to_numpy(bool)
    columns = {
        "baseline_travel_time_min": old,
        "scenario_travel_time_min": new,
        "delta_travel_time_min": delta,
        "detectable_min": detectable,
        "is_known": (here.notna() & there.notna()).to_numpy(bool),
        "persons": persons.reindex(before.index),
        "persons_kind": baseline.persons["persons_kind"].reindex(before.index),
        "is_served": measuring.served(baseline, before.index),
    }
    table = pd.DataFrame(columns, index=before.index)
    table.insert(4, "is_distinguishable", measuring.told(table, baseline) | opened | closed)
    return table


def _detectable(before: pd.DataFrame, after: pd.DataFrame, baseline: Results) -> np.ndarray:
    """Return the smallest difference that the doubt on times lets be told, for each commune and service."""
    ends = [side["to_id"].astype("str") for side in (before, after)]
    # the road to one same place is shared whole
    same = ends[0].eq(ends[1]).fillna(False).to_numpy(bool)
    sites = {site for side in ends for site in side[~same].unique()}
    times, terrain = baseline.state.site_times, baseline.state.parameters.terrain
    pairs = times[times["from_id"].isin(sites) & times["to_id"].isin(sites)]
    pairs = pairs.astype({"from_id": "str", "to_id": "str"}).drop_duplicates(["from_id", "to_id"])
    known = pairs.set_index(["from_id", "to_id"])["travel_time_min"]
    between = known.reindex(pd.MultiIndex.from_arrays(ends)).to_numpy(float)
    old, new = (side["travel_time_min"].to_numpy(float) for side in (before, after))
    # two sites without a known road between them are at most as far as by way of the commune
    between = np.where(np.isnan(between), old + new, between)
    return difference_uncertainty_min(old, new, np.where(same, 0.0, between), terrain=terrain)


def gainers_and_losers(communes: pd.DataFrame, places: pd.DataFrame) -> pd.DataFrame:
    """Count persons of each effect for every council concerned (table `councils`), those that lose most first."""
    zones = zoning.zone_levels(communes[communes["effect"] != "outside"], places)
    each = zones[zones["level"] == "territory"].assign(level="commune")
    zones = pd.concat([zones, each.assign(zone=each["commune_code"])], ignore_index=True)
    tally = _tally(zones, _COUNCIL_KEYS)
    table = tally[[f"persons_{effect}" for effect in COUNCIL_EFFECTS]].assign(
        **{name: tally[name] for name in ("worst_loss_min", "worst_loss_commune")}
    )
    table["worst_loss_epci"] = table["worst_loss_commune"].map(places["epci_code"].fillna(""))
    # services as they come, councils from the whole down, those that lose most first
    rank = [zoning.LEVELS.index(key) for key in table.index.get_level_values("level")]
    order = table.assign(place=pd.factorize(table.index.get_level_values("service"))[0], rank=rank)
    by = ["place", "rank", "persons_loss", "worst_loss_min"]
    return table.loc[order.sort_values(by, ascending=[True, True, False, False], kind="stable").index]


def _sensitivity(differences: pd.DataFrame, parameters: Parameters) -> pd.DataFrame:
    """Count persons and communes of each effect under the limit of the study and those that it tests."""
    limits = sorted({parameters.recruitment_max_min, *parameters.recruitment_tests_min})
    tested = [_with_effects(differences, limit).assign(recruitment_max_min=limit) for limit in limits]
    return _tally(pd.concat(tested).reset_index(), ["service", "recruitment_max_min"])


def _with_effects(differences: pd.DataFrame, limit_min: float) -> pd.DataFrame:
    """Return the differences of every commune with what the scenario is for it."""
    effects = measuring.effects_under(differences, limit_min, is_known=differences["is_known"])
    return differences.drop(columns="is_known").join(effects)


def _tally(rows: pd.DataFrame, by: list[str]) -> pd.DataFrame:
    """Count persons and communes of each effect by group, and find the commune that loses most."""
    index, group = zoning.groups_of(rows, by)
    add = partial(np.bincount, group, minlength=len(index))
    effect, persons = rows["effect"].to_numpy(object), rows["persons"].to_numpy(float)
    delta = rows["delta_travel_time_min"].to_numpy(float)
    # of those who lose, the ones who would be beyond the limit
    is_leaving = (effect == "loss") & ~rows["is_in_scenario_area"].to_numpy(bool)
    masks = {name: effect == name for name in measuring.EFFECTS} | {"leaving": is_leaving}
    # of persons of whom none is known, nothing is known: not even that none is in a class without a commune
    nobody_known = add(~np.isnan(persons)) == 0
    columns: dict[str, Any] = {}
    for name, mask in masks.items():
        # an unknown number of persons makes the sum unknown, not smaller
        columns[f"persons_{name}"] = np.where(nobody_known, np.nan, add(np.where(mask, persons, 0.0)))
        columns[f"communes_{name}"] = add(mask).astype(int)
    weight = np.where(rows["is_in_area"].to_numpy(bool) & ~np.isnan(delta), persons, 0.0)
    total = add(weight)
    for side in zoning.SIDES:
        minutes = np.where(weight != 0, rows[f"{side}_travel_time_min"].to_numpy(float) * weight, 0.0)
        columns[f"{side}_mean_min"] = add(minutes) / np.where(total > 0, total, np.nan)
    # communes that lose as much are told apart by their code
    losses = np.flatnonzero((effect == "loss") & ~np.isnan(delta))
    codes = rows["commune_code"]
    losses = losses[np.lexsort((codes.to_numpy(str)[losses], -delta[losses]))]
    zones, first = np.unique(group[losses], return_index=True)
    worst = np.full(len(index), -1)
    worst[zones] = losses[first]
    columns["worst_loss_min"] = np.where(worst < 0, np.nan, delta[worst])
    columns["worst_loss_commune"] = pd.api.extensions.take(codes.array, worst, allow_fill=True)
    return pd.DataFrame(columns, index=index)


def best_in_all(criteria: pd.DataFrame) -> list[str]:
    """Return the options at the smallest value of every criterion (row); none where one is unknown, or without any."""
    known = criteria.dropna(how="all")
    if known.empty or known.isna().to_numpy().any():
        return []
    is_best = known.le(known.min(axis=1) + 1e-9, axis=0).all()
    return [str(name) for name in known.columns if is_best[name]]


def side_by_side(comparisons: Mapping[str, Comparison]) -> pd.DataFrame:
    """Put several scenarios beside today in one table, by (level, zone, service, measure)."""
    if not comparisons:
        raise ParameterError("Aucun scénario à comparer : l'étude n'en a pas.")
    tables = {
        name: pd.concat([one.measures, _effect_rows(one), _account_rows(one), *_round_rows(one)])
        for name, one in comparisons.items()
    }
    keys = dict.fromkeys(key for table in tables.values() for key in table.index)
    index = pd.MultiIndex.from_tuples(zoning.in_reading_order(list(keys)), names=zoning.KEYS)
    unit, today = _today(tables, index)
    blocks = {(TODAY, "unit"): unit, (TODAY, "value"): today}
    for name, table in tables.items():
        rows = table.reindex(index)
        absent = pd.Series(~index.isin(table.index), index=index)
        # today's value stands where the scenario does not touch the service
        counts = absent & unit.eq("persons") & today.isna()
        blocks[(name, "value")] = rows["scenario"].mask(absent, today).mask(counts, 0.0)
        blocks[(name, "delta")] = rows["delta"].mask(absent & today.notna(), 0.0)
        told = rows["is_distinguishable"].astype("boolean")
        blocks[(name, "is_distinguishable")] = told.mask(absent & today.notna(), False)
        blocks[(name, "reason")] = rows["reason"].fillna("")
    columns = pd.MultiIndex.from_tuples(blocks, names=["scenario", "quantity"])
    return pd.concat(list(blocks.values()), axis=1).set_axis(columns, axis=1)


def add_draws(table: pd.DataFrame, draws: pd.DataFrame) -> pd.DataFrame:
    """Add to each scenario of `side_by_side` what its draws give."""
    blocks = {}
    for name in table.columns.get_level_values("scenario").unique():
        blocks[name] = table[name]
        if name != TODAY:
            rows = draws.loc[draws.index.get_level_values("scenario") == name].droplevel("scenario")
            # of the mean time of each zone (and how often the scenario shortens it), and of the counts
            found = {
                measure: rows[columns].set_axis(list(_DRAWN[: len(columns)]), axis=1)
                for measure, columns in _DRAWN_AS.items()
                if {*columns} <= {*rows}
            }
            blocks[name] = table[name].join(pd.concat(found, names=["measure"]))
    joined: pd.DataFrame = pd.concat(blocks, axis=1, names=table.columns.names)
    return joined


def _effect_rows(comparison: Comparison) -> pd.DataFrame:
    """Return persons of each effect and the worst loss by zone, which have no value today."""
    names = [*(f"persons_{effect}" for effect in COUNCIL_EFFECTS), "worst_loss_min"]
    kept = comparison.councils[comparison.councils.index.get_level_values("level") != "commune"]
    flat = kept[names].reset_index()
    rows = flat.melt(_COUNCIL_KEYS, var_name="measure", value_name="scenario").dropna(subset="scenario")
    units = rows["measure"].map({"worst_loss_min": "min"}).fillna("persons")
    return rows.assign(unit=units, reason="").set_index(zoning.KEYS)


def _account_rows(comparison: Comparison) -> pd.DataFrame:
    """Return each quantity of each account as a measure of its own: nothing is added up."""
    sides = [*zoning.SIDES, "delta"]
    blocks = [
        comparison.trips[[f"{side}_{name}" for side in sides]].set_axis(sides, axis=1).assign(quantity=name)
        for name in QUANTITIES
    ]
    # without any account these have no type of their own
    rows = pd.concat(blocks).reset_index().astype({"who": "str", "quantity": "str"})
    rows["measure"] = rows["who"] + "_" + rows["quantity"]
    rows["unit"] = rows["quantity"].map(lambda name: UNITS["_" + name.rpartition("_")[2]])
    rows["level"] = rows["zone"].where(rows["zone"] == "territory", "epci")
    # a year's minutes can be told apart when the mean time of one trip can
    told = comparison.measures["is_distinguishable"].xs("mean_time_min", level="measure")
    told = told.reindex(pd.MultiIndex.from_frame(rows[["level", "zone", "service"]]))
    rows["is_distinguishable"] = told.astype("boolean").set_axis(rows.index).mask(rows["unit"] != "min")
    return rows.assign(reason="").set_index(zoning.KEYS).drop(columns=["who", "quantity"])


def _round_rows(comparison: Comparison) -> list[pd.DataFrame]:
    """Return each measure of rounds that a comparison shows; what is told leaves 0 out, and is of times told apart."""
    rows = comparison.rounds
    if rows.empty:
        return []
    rows = rows[("round_" + rows["measure"]).isin(BY_NAME)]
    rows = rows.assign(measure=rows["who"] + "_round_" + rows["measure"])
    level = rows["zone"].where(rows["zone"] == "territory", "epci")
    told = ((rows["delta_low"] > 0) | (rows["delta_high"] < 0)).astype("boolean")
    # draws are of homes: the doubt on times comes on top
    apart = comparison.zones["is_mean_distinguishable"].astype("boolean")
    told &= (
        apart.reindex(pd.MultiIndex.from_frame(rows[["zone", "service"]])).set_axis(rows.index).fillna(False)
    )
    named = {f"{side}_value": side for side in (*zoning.SIDES, "delta")}
    rows = rows.rename(columns=named).assign(level=level, reason="", is_distinguishable=told)
    return [rows.set_index(zoning.KEYS)[[*named.values(), "unit", "is_distinguishable", "reason"]]]


def _today(tables: Mapping[str, pd.DataFrame], index: pd.Index) -> tuple[pd.Series, pd.Series]:
    """Return the unit and today's value of each row, which must be the same for every scenario."""
    unit: pd.Series = pd.Series(index=index, dtype="str")
    today: pd.Series = pd.Series(index=index, dtype=float)
    for name, table in tables.items():
        own = table["baseline"].reindex(index)
        both = own.notna() & today.notna()
        if ((own - today).abs() > 1e-9 * today.abs().clip(lower=1))[both].any():
            raise ParameterError(f"Le scénario « {name} » ne part pas des mêmes valeurs d'aujourd'hui.")
        today = today.fillna(own)
        unit = unit.fillna(table["unit"].reindex(index))
    return unit, today


def compare_communes(baseline: Results, scenario: Results, differences: pd.DataFrame) -> pd.DataFrame:
    """Set the measures of every commune and service side by side: the contract table `comparison`."""
    thresholds = np.array([*sorted(baseline.state.parameters.thresholds_min), np.nan])
    places = measuring.read_sides(baseline, scenario, lambda results: _places_of(results, differences.index))
    values: dict[str, dict[str, np.ndarray]] = {name: {} for name in COMMUNE_MEASURES}
    for side in zoning.SIDES:
        times = differences[f"{side}_travel_time_min"].to_numpy(float)
        values["travel_time_min"][side] = times
        # an unknown time comes after the last threshold
        values["within_min"][side] = thresholds[np.searchsorted(thresholds[:-1], times)]
        for name in measuring.PLACE_MEASURES:
            values[name][side] = places[side][name].to_numpy(float)
    columns: dict[str, np.ndarray] = {}
    for name, sides in values.items():
        columns |= {f"{side}_{name}": sides[side] for side in zoning.SIDES}
        columns[f"delta_{name}"] = sides["scenario"] - sides["baseline"]
    told = differences["is_distinguishable"].to_numpy(bool)
    return pd.DataFrame({**columns, "is_distinguishable": told}, index=differences.index)


def compare_deserts(baseline: Results, scenario: Results) -> pd.DataFrame:
    """Set the class of each commune of the territory beside its class in the scenario."""
    classes = measuring.read_sides(baseline, scenario, _desert_classes)
    table = pd.concat(list(classes.values()), axis=1, keys=[f"{side}_desert_class" for side in zoning.SIDES])
    codes = table.index.get_level_values("commune_code")
    table = table[codes.isin(baseline.state.parameters.territory_codes)]
    is_changed = table["baseline_desert_class"].ne(table["scenario_desert_class"])
    return pd.DataFrame(table.assign(is_changed=is_changed))


def _places_of(results: Results, index: pd.Index) -> pd.DataFrame:
    """Return the measures of places by commune and service: those of the authorisation, or else of its kind."""
    services = index.get_level_values("service")
    named = [authorisation.id for authorisation in results.state.parameters.authorisations]
    kinds = {name: kind_of(results.state.services, name) or name for name in named}
    of_kind = pd.MultiIndex.from_arrays(
        [index.get_level_values("commune_code"), services.map(lambda name: kinds.get(name, name))]
    )
    own: pd.DataFrame = results.places.reindex(index)
    return own.fillna(results.places.reindex(of_kind).set_axis(index))


def _desert_classes(results: Results) -> "pd.Series[str]":
    """Return the class of each commune under each scheme."""
    flat = results.deserts.reset_index("criterion", drop=True).set_index("scheme", append=True)
    # no such column in a study without criteria
    rows = flat.reindex(columns=["desert_class"])["desert_class"].astype("str")
    return rows[~rows.index.duplicated()]
