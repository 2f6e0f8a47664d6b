"""Comparisons of scenarios as they may leave the agency: small counts, and what tells them, withheld."""

from collections.abc import Callable, Collection, Mapping
from typing import Any

import numpy as np
import pandas as pd

from territory.geography.communes import DEPARTEMENTS
from territory.release.disclosure import SUPPRESSED, THRESHOLD, is_small, withholds
from territory.release.observed_children import MEANS, Merged, merged_classes, observed_counts, zone_flags
from territory.release.treatment import SMALL, rounded_by_unit, treat, treat_measures
from territory.result import StudyResult
from territory.scenario.comparison.compare import add_draws
from territory.scenario.comparison.compare import best_in_all as best_in_all
from territory.scenario.doubt.draws import COUNTED_AS
from territory.scenario.zones import ALL_TERRITORY
from territory.tables.catalogue import BY_NAME, KEYS, SIDED_TRIPS, TRIPS, read_measure
from territory.tables.declare import SIDES

SECRET = "secret statistique"


def comparison_tables(result: StudyResult) -> dict[str, pd.DataFrame]:
    """Return the tables of the comparison that are handed over, by file name, small counts withheld."""
    if not result.comparisons:
        return {}

    def councils(result: StudyResult, name: str) -> pd.DataFrame:
        table = with_intervals(result, name, "councils").reset_index()
        table = treat("comparaison_conseils", table, table["service"].isin(observed_services(result)))
        table.insert(3, "zone_name", zone_names(result, table["zone"]))
        return table

    def deserts(result: StudyResult, name: str) -> pd.DataFrame:
        table = result.comparisons[name].deserts
        changed = table[table["is_changed"]].reset_index()
        changed.insert(1, "commune_name", zone_names(result, changed["commune_code"]))
        return changed.drop(columns="is_changed")

    costs = result.buildings.reset_index()
    if "children_accompanied" in costs:
        # the cost and the cost per child give the children back
        costs = treat("batiments", costs, costs["children_accompanied"].lt(THRESHOLD))
    yearly = [str(name) for name in costs if str(name).startswith(("annuity_", "net_", "per_child_"))]
    found = {
        "comparaison_mesures": released_measures(result, with_draws=True),
        "comparaison_mesures_communes": stacked(result, _communes),
        "comparaison_conseils": stacked(result, councils),
        "comparaison_deserts": stacked(result, deserts),
        "comptes_de_trajets": result.account_terms.reset_index(),
        "attentes": treat("attentes", result.waits.reset_index()),
        # what buildings cost in a year, to the euro
        "batiments": costs.round(dict.fromkeys(yearly, 0)),
    }
    return {name: table for name, table in found.items() if len(table)}


def released_measures(result: StudyResult, *, with_draws: bool = False) -> pd.DataFrame:
    """Return every measure of every scenario beside today as it may leave the agency, gainers and trips included."""
    draws = result.draws if with_draws else None
    wide = result.side_by_side if draws is None else add_draws(result.side_by_side, draws.comparisons)
    rows = wide.index.to_frame(index=False)
    read = {name: read_measure(name) for name in rows["measure"].unique()}
    keys = pd.DataFrame([read[name][1] for name in rows["measure"]], columns=list(KEYS))
    keys = keys.astype({"threshold_min": float, "criterion": "str", "who": "str", "bound": "str"})
    rows["measure"] = rows["measure"].map(lambda name: read[name][0].name)
    rows.insert(2, "zone_name", zone_names(result, rows["zone"]))
    # places wanted by those who wait and by those who are served: the second are children observed too
    is_unmet = rows["measure"].str.contains("unmet") & rows["service"].isin(waited_services(result))
    observed = rows["service"].isin(observed_services(result))
    secret = observed | is_unmet
    # an EPCI has rows where it sends a child: withheld cells would tell it
    told = ~observed | rows["zone"].eq(ALL_TERRITORY)
    today = wide["today"].reset_index(drop=True)
    flat = pd.concat([rows, keys, today["unit"]], axis=1).assign(baseline_value=today["value"])
    renamed = {"value": "scenario_value", "delta": "delta_value", "reason": "note"}

    def made(_: StudyResult, name: str) -> pd.DataFrame:
        block = pd.DataFrame(wide[name]).reset_index(drop=True)
        return treat_measures(flat.join(block.rename(columns=renamed))[told], secret[told]).reset_index(
            drop=True
        )

    return stacked(result, made)


def stacked(result: StudyResult, make: Callable[[StudyResult, str], pd.DataFrame]) -> pd.DataFrame:
    """Return what is made of each scenario, one under the other, its id before the other columns."""
    blocks = [(name, make(result, name)) for name in result.comparisons]
    for name, block in blocks:
        block.insert(0, "scenario", name)
    return pd.concat([block for _, block in blocks], ignore_index=True)


def long_trips(trips: pd.DataFrame, zones: pd.DataFrame) -> pd.DataFrame:
    """Return the accounts of travel with a row for each quantity and assumption; `zones` says which means changed."""
    flat = trips.reset_index()
    index = ["zone", "service", "who"]
    columns: dict[tuple[str, str], dict[str, str]] = {}
    for place, keyed in enumerate(SIDED_TRIPS):
        side = f"{list(SIDES)[place // len(TRIPS)]}_value"
        for column in trips.columns:
            if (keys := keyed.keys(str(column))) is not None:
                columns.setdefault((keyed.column.name, keys["bound"]), {})[str(column)] = side
    parts = [
        flat[[*index, *names]]
        .rename(columns=names)
        .assign(measure=measure, bound=bound, unit=BY_NAME[measure].unit)
        .set_axis(np.arange(len(flat)) * len(columns) + place)
        for place, ((measure, bound), names) in enumerate(columns.items())
    ]
    long = pd.concat(parts).sort_index().reset_index(drop=True)
    # a year's minutes change when the mean time of one trip does
    told = long[["zone", "service"]].merge(
        zones["is_mean_distinguishable"], how="left", left_on=["zone", "service"], right_index=True
    )["is_mean_distinguishable"]
    values = [f"{side}_value" for side in SIDES]
    # what is withheld is not told by its change
    long["is_distinguishable"] = told.astype("boolean").mask(
        (long["unit"] != "min") | long[values].isna().any(axis=1)
    )
    return long[[*index, "measure", "bound", "unit", *values, "is_distinguishable"]]


def with_intervals(result: StudyResult, scenario_id: str, name: str) -> pd.DataFrame:
    """Return the counts of a comparison beside their intervals, and why there is none; a commune has no interval."""
    table: pd.DataFrame = getattr(result.comparisons[scenario_id], name)
    found = pd.DataFrame(np.nan, index=table.index, columns=list(COUNTED_AS.values()))
    draws = result.draws
    drawn = pd.DataFrame() if draws is None else draws.limits if name == "sensitivity" else draws.comparisons
    if len(drawn) and scenario_id in drawn.index.get_level_values("scenario"):
        own = pd.DataFrame(drawn.xs(scenario_id, level="scenario"))
        own = own[list(COUNTED_AS)].rename(columns=COUNTED_AS)
        keys = table.index.to_frame()[own.index.names]
        found = own.reindex(pd.MultiIndex.from_frame(keys)).set_axis(table.index)
    reasons = {service: result.reason_of(scenario_id, service) for service in _services(table)}
    return table.join(found).assign(reason=table.index.get_level_values("service").map(reasons).astype("str"))


def released_rounds(result: StudyResult) -> tuple[pd.DataFrame, ...]:
    """Return rounds, a round drawn, limits on board; of children observed, only where all their counts are printed."""
    rows, paths, limits = result.rounds
    if rows.empty:
        return (pd.DataFrame(),) * 3
    observed = observed_services(result)
    hidden = {name for name in observed if not _are_all_printed(result, name)}
    tables = []
    for table in (rows, limits):
        kept = table[~table["service"].isin(hidden) | (table["zone"] == ALL_TERRITORY)]
        secret = kept["service"].isin(hidden)
        kept.insert(2, "zone_name", zone_names(result, kept["zone"]))
        numbers = kept.filter(regex="_(?:value|low|high)$")
        values = numbers.apply(rounded_by_unit, unit=kept["unit"]).mask(secret)
        tables.append(kept.assign(**values, reason=pd.Series("", index=kept.index).mask(secret, SECRET)))
    return tables[0], paths[~paths["service"].isin(observed)], tables[1] if len(limits) else pd.DataFrame()


def _are_all_printed(result: StudyResult, service: str) -> bool:
    """Tell whether every count of children observed, from which anybody could make their rounds, is printed."""
    counted = observed_counts(result, service)
    return counted is not None and counted.is_mean_safe(counted.children.index)


def children_tables(result: StudyResult) -> dict[str, pd.DataFrame]:
    """Return what the variants say of the children likely served; of children observed, what their classes let."""
    found = result.children
    if found.variants.empty:
        return {}
    variants, findings = found.variants.reset_index(), found.findings.reset_index()
    secret = {}
    for name, service in dict.fromkeys(zip(variants["scenario"], variants["service"], strict=True)):
        if service in observed_services(result):
            # whether each class of the children observed may be printed, over the whole
            flags = zone_flags(result, str(name), str(service))
            classes = ["gain", "loss", "indistinct", "without"]
            secret[name, service] = flags is not None and flags.loc[ALL_TERRITORY, classes].any()
    tables = {}
    for name, table in (("enfants_trajets", variants), ("enfants_constats", findings)):
        keys = zip(table["scenario"], table["service"], strict=True)
        withheld = pd.Series([secret.get(key, False) for key in keys], index=table.index)
        if "reason" in table:
            table = table.assign(reason=table["reason"].mask(withheld, SECRET))
        tables[name] = treat(name, table, withheld)
    if len(found.origins):
        origins = found.origins.reset_index()
        origins.insert(2, "zone_name", zone_names(result, origins["zone"]))
        tables["enfants_origines"] = treat("enfants_origines", origins)
    return tables


def observed_services(result: StudyResult) -> Collection[str]:
    """Return the authorisations whose counts are of real children and withheld: none in the internal edition."""
    if not withholds():
        return set()
    persons = result.baseline.persons
    return set(persons.index[persons["persons_kind"] == "observed"].get_level_values("service"))


def waited_services(result: StudyResult) -> set[str]:
    """Return the kinds of service that some wait for, whose places are counted with the children observed."""
    state = result.baseline.state
    if state.observed_origins is None or not withholds():
        return set()
    return {str(rate.need.service) for rate in state.parameters.rates if rate.need.kind == "waiting"}


def zone_names(result: StudyResult, zones: pd.Series) -> list[str]:
    """Return the name of each zone: « Ensemble », an EPCI, a commune, a département by its code."""
    communes = result.baseline.state.communes
    known = dict(zip(communes["epci_code"], communes["epci_name"], strict=True))
    known |= {ALL_TERRITORY: "Ensemble", **communes["name"].to_dict()}
    known |= {code: DEPARTEMENTS[code].name for code in communes["departement_code"].unique()}
    return [str(known.get(zone, zone)) for zone in zones]


def _communes(result: StudyResult, name: str) -> pd.DataFrame:
    """Return the measures of each commune and service where one of them changes."""
    table = result.comparisons[name].by_commune
    persons = [f"{side}_unmet_persons" for side in ("baseline", "scenario", "delta")]
    services = {*observed_services(result), *waited_services(result)}
    secret = pd.Series(table.index.isin(services, level="service"), index=table.index)
    # neither a number nor a row, which would tell that a child comes from there
    counts = table[persons].mask(secret)
    table = table.assign(**counts)
    is_changed = table.filter(like="delta_").fillna(0.0).ne(0).any(axis=1)
    # beyond the largest threshold on both sides, nobody comes
    is_near = table[["baseline_within_min", "scenario_within_min"]].notna().any(axis=1)
    # one side and the difference would give the other side back
    small = counts.apply(is_small).any(axis=1)
    note = np.where(secret, SUPPRESSED, np.where(small, SMALL, ""))
    counted = counts.mask(small).round()
    table = table.assign(**counted, unmet_note=note)[is_changed & is_near].reset_index()
    table.insert(1, "commune_name", zone_names(result, table["commune_code"]))
    return table


def publish_communes(result: StudyResult, scenario_id: str) -> pd.DataFrame:
    """Return the comparison by commune with its persons as texts."""
    table = result.comparisons[scenario_id].communes
    counted = {service: observed_counts(result, service) for service in _services(table)}
    known = ((str(code), counted[service]) for code, service in table.index)
    withheld = [of is not None and of.is_withheld([code]) for code, of in known]
    return treat("Comparison.communes", table, pd.DataFrame({"persons": withheld}))


def publish_zones(result: StudyResult, scenario_id: str) -> pd.DataFrame:
    """Return the comparison by zone with its persons as texts, and means only where they give nothing back."""
    table = with_intervals(result, scenario_id, "zones")
    lines: dict[Any, Any] = {}
    merges: dict[Any, Merged] = {}
    for service in _services(table):
        found = zone_flags(result, scenario_id, service)
        merge = merged_classes(result, scenario_id, service)
        if found is not None:
            lines |= {(zone, one): found.loc[zone] for zone, one in table.index if one == service}
        if merge is not None:
            merges[ALL_TERRITORY, service] = merge
    return _with_merges(_withheld("comparaison_zones", table, lines), merges)


def publish_sensitivity(result: StudyResult, scenario_id: str) -> pd.DataFrame:
    """Return the comparison under other recruitment limits, as it may leave."""
    table = with_intervals(result, scenario_id, "sensitivity")
    lines, merges = {}, {}
    for service, limit in table.index:
        found = zone_flags(result, scenario_id, service, limit_min=float(limit))
        if found is not None:
            lines[service, limit] = found.iloc[0]
        merge = merged_classes(result, scenario_id, service, limit_min=float(limit))
        if merge is not None:
            merges[service, limit] = merge
    return _with_merges(_withheld("comparaison_sensibilite", table, lines), merges)


def publish_trips(result: StudyResult, scenario_id: str) -> pd.DataFrame:
    """Return the year's road by zone, unknown where a mean would tell where a few children live."""
    table = result.comparisons[scenario_id].trips
    secret = pd.Series(False, index=table.index)
    round_trips = set(result.rounds[0].get("service", ()))
    for service in _services(table):
        found = zone_flags(result, scenario_id, service)
        if found is not None:
            mine = table.index.get_level_values("service") == service
            # every column of this table is weighted by the children of the zone, or is that of the rounds of all
            means = found["mean"].reindex(table.index.get_level_values("zone")).to_numpy(bool)
            secret |= mine & (means | (service in round_trips and not _are_all_printed(result, service)))
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
    of_column |= dict.fromkeys(MEANS, "mean") | {"reason": "reason"}
    flags = pd.DataFrame(False, index=table.index, columns=list(of_column))
    for key, found in lines.items():
        # of children observed an interval would be one more equation on where they live
        flags.loc[key, :] = found.reindex(list(of_column.values())).fillna(True).astype(bool).to_numpy()
    return treat(name, table, flags)


def _services(table: pd.DataFrame) -> list[str]:
    """Return the services of a table, in their order."""
    return list(map(str, table.index.get_level_values("service").unique()))


def release_changes(changes: pd.DataFrame) -> pd.DataFrame:
    """Return what changed between two runs: numbers and parts of few persons unknown, and which are (`is_small_a`)."""
    is_persons = changes.index.get_level_values("indicator").str.contains("persons")
    small = {f"is_small_{run}": is_persons & is_small(changes[f"value_{run}"]) for run in "ab"}
    return changes.mask(small["is_small_a"] | small["is_small_b"]).assign(**small)


def changes_table(released: pd.DataFrame) -> pd.DataFrame:
    """Return released changes as texts, persons as whole numbers."""
    flat = released.reset_index()
    small = {f"value_{run}": flat.pop(f"is_small_{run}") for run in "ab"}
    is_persons = flat["indicator"].str.contains("persons")
    for column in released.columns.intersection(flat.columns):
        values = flat[column]
        texts = values.map(lambda value: "" if np.isnan(value) else f"{value:.3f}".rstrip("0").rstrip("."))
        whole = values.map(lambda value: "" if np.isnan(value) else f"{np.floor(value + 0.5):.0f}")
        flat[column] = texts.where(~is_persons, whole)
        if column in small:
            flat[column] = flat[column].mask(small[column], SMALL)
    return flat
