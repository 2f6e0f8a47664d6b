"""A study drawn hundreds of times within its doubt: what holds, what is doubtful, what cannot be told apart."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import ndtri

from territory.access.uncertainty import HALF_WIDTHS_PER_SD, told_apart
from territory.scenario.comparison.measures import effects_under
from territory.scenario.doubt import random_errors as errors
from territory.scenario.doubt import summaries
from territory.scenario.doubt.random_errors import Doubt, Floats, GpPlan, GpSums, Pairs
from territory.scenario.results import Comparison, Results
from territory.scenario.zones import ALL_TERRITORY, zone_levels
from territory.study.own_tables import complete_kinds, sites_of_kinds
from territory.study.state import State
from territory.study.words.indicators import DesertCriterion, Uncertainty

SHORTER, LONGER, INDISTINCT, UNKNOWN = "plus court", "plus long", "non distinguable", "non calculable"
WITHOUT = "sans service"
# what draws count, under the names of the counts that they are the interval of
COUNTED_AS = {
    f"persons_{drawn}_{end}": f"persons_{effect}_{end}"
    for drawn, effect in (("shorter", "gain"), ("longer", "loss"))
    for end in ("low", "high")
}
_SAID = {"shorter": SHORTER, "longer": LONGER, "doubtful": INDISTINCT, "without": WITHOUT, "unknown": UNKNOWN}


@dataclass(frozen=True)
class Draws:
    """What the draws say of a study, table by table: its sensitivity to laws that are hypotheses, no probability.

    Intervals hold `level` of the draws (0.9: from the 5th to the 95th in a hundred); from `sure_share` of them a class
    is sure. Verdicts of `comparisons`, `moves` and `limits` follow `territory.access.told_apart`.
    """

    count: int
    level: float
    sure_share: float
    times: pd.DataFrame
    coverage: pd.DataFrame
    needs: pd.DataFrame
    gp_access: pd.DataFrame
    deserts: pd.DataFrame
    desert_classes: pd.DataFrame
    desert_population: pd.DataFrame
    comparisons: pd.DataFrame
    moves: pd.DataFrame
    limits: pd.DataFrame

    def __repr__(self) -> str:
        return f"Draws({self.count} draws, intervals of {self.level:.0%})"


def draw_results(
    baseline: Results,
    scenarios: Mapping[str, Results],
    comparisons: Mapping[str, Comparison],
    *,
    seed: int,
    options: Uncertainty,
) -> Draws:
    """Draw a study within the doubt on its times, its needs and its catchments (docs/method/acces-incertitude.md)."""
    state = baseline.state
    doubt = errors.doubt_of(state, seed=seed, options=options)
    closest, gps, plan = _draw_network(state, doubt, _groups(state))
    kinds = baseline.access["measure"].groupby(level="service", sort=False).first()
    times = {
        name: _draw(_of_service(baseline.access, name), doubt)[0] if kind == "named" else closest[name]
        for name, kind in zip(map(str, kinds.index), kinds, strict=True)
    }
    criteria = {one.id: closest[f"criterion {one.id}"] for one in _time_criteria(state)}
    statuses = summaries.draw_statuses(baseline, doubt, criteria, gps, plan)
    moved = [
        draw_comparison(name, baseline, scenarios[name], comparison, doubt, options.level)
        for name, comparison in comparisons.items()
    ]
    return Draws(
        count=options.draws,
        level=options.level,
        sure_share=options.sure_share,
        times=summaries.of_times(baseline, doubt, times, options.level),
        coverage=summaries.of_coverage(baseline, doubt, times, options.level),
        needs=summaries.of_needs(state, doubt, options.level),
        gp_access=summaries.of_gp_access(baseline, doubt, gps, plan, options.level),
        deserts=summaries.of_deserts(baseline, doubt, statuses, options.sure_share),
        desert_classes=summaries.of_classes(baseline, doubt, statuses, options.sure_share),
        desert_population=summaries.of_population(baseline, doubt, statuses, options.level),
        comparisons=summaries.together(zones for zones, _, _ in moved),
        moves=summaries.together(communes for _, communes, _ in moved),
        limits=summaries.together(limits for _, _, limits in moved),
    )


def _time_criteria(state: State) -> list[DesertCriterion]:
    """Return the criteria of time that have at least one complete list."""
    complete = complete_kinds(state.services)
    return [
        one
        for scheme in state.parameters.deserts
        for one in scheme.criterion
        if one.measure == "time" and complete.intersection(one.services)
    ]


def _groups(state: State) -> dict[str, list[str]]:
    """Return the sites that compete for each closest service and each criterion."""
    complete = complete_kinds(state.services)
    listed = [name for name in state.parameters.closest_services if name in complete]
    groups = {name: sites_of_kinds(state.services, [name]) for name in listed}
    for one in _time_criteria(state):
        groups[f"criterion {one.id}"] = sites_of_kinds(state.services, complete.intersection(one.services))
    return groups


def _draw_network(
    state: State, doubt: Doubt, groups: Mapping[str, list[str]]
) -> tuple[dict[str, Floats], Floats, GpPlan | None]:
    """Return the drawn time to the closest site of each group, and the drawn access to GPs."""
    is_asked = doubt.communes.isin(list(state.parameters.territory_codes))
    plan = errors.plan_gp_draws(state, doubt)
    offered = () if plan is None else plan.offered.index
    sites = {*offered, *(site for group in groups.values() for site in group)}
    every = errors.read_pairs(state.travel_times, doubt.communes, sites)
    rows = {}
    for name, group in groups.items():
        mine = np.flatnonzero(every.site_ids.isin(group)[every.site])
        rows[name] = mine[errors.may_be_closest(every.take(mine), is_asked)]
    gp_rows = np.array([], dtype=np.intp) if plan is None else plan.rows(every, is_asked)
    used = np.unique(np.concatenate([gp_rows, *rows.values()]))
    pairs = every.take(used)
    places = {name: np.searchsorted(used, found) for name, found in rows.items()}
    gp_places = np.searchsorted(used, gp_rows)
    return (*_run(doubt, pairs, places, None if plan is None else (plan, gp_places)), plan)


def _run(
    doubt: Doubt, pairs: Pairs, places: Mapping[str, np.ndarray], gp: tuple[GpPlan, np.ndarray] | None
) -> tuple[dict[str, Floats], Floats]:
    """Compute every block of draws."""
    shape = (len(doubt.communes), doubt.draws)
    found = {name: np.full(shape, np.inf) for name in places}
    access = np.full(shape, np.nan)
    sums = None if gp is None else GpSums(gp[0], pairs.take(gp[1]))
    for block, drawn in errors.drawn_blocks(doubt, pairs):
        for name, where in places.items():
            found[name][:, block] = errors.closest_of(drawn[where], pairs.commune[where], shape[0])
        if sums is not None and gp is not None:
            access[:, block] = sums.access(drawn[gp[1]], block)
    return found, access


def draw_comparison(
    scenario_id: str, baseline: Results, scenario: Results, comparison: Comparison, doubt: Doubt, level: float
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Summarise a scenario against today over the draws: by zone, by commune and by limit, for what moves."""
    zones, moves, limits = [], [], []
    places, asked = baseline.state.communes, baseline.state.parameters
    for service in comparison.services:
        rows, every = _changes(baseline, scenario, comparison, service, doubt)
        for limit in sorted({asked.recruitment_max_min, *asked.recruitment_tests_min}):
            under = effects_under(rows, limit, is_known=rows["effect"].ne("unknown"))
            whole = rows.assign(**under, zone=limit, row=np.arange(len(rows)))
            counted = _told_interval(rows, every, whole, level)
            limits.append(_under(counted, scenario_id, service, "recruitment_max_min"))
        kept = rows["effect"].ne("outside").to_numpy()
        if not kept.any():
            continue
        rows, delta = rows[kept], every[kept]
        by_commune = _communes(rows, delta, level)
        moves.append(_under(by_commune, scenario_id, service, "commune_code"))
        numbered = rows.assign(row=np.arange(len(rows)), verdict=by_commune["verdict"])
        placed = zone_levels(numbered.rename_axis("commune_code"), places)
        zones.append(_under(_mean_by_zone(rows, delta, placed, level), scenario_id, service, "zone"))
    return summaries.together(zones), summaries.together(moves), summaries.together(limits)


def _changes(
    baseline: Results, scenario: Results, comparison: Comparison, service: str, doubt: Doubt
) -> tuple[pd.DataFrame, Floats]:
    """Return the rows of a service that moves, and the drawn change of the time of each."""
    rows = _of_service(comparison.communes, service)
    rows = rows[rows.index.isin(doubt.communes)]
    today, later = draw_trips(baseline, scenario, service, rows["detectable_min"], doubt)
    # out of reach on both sides is no difference
    with np.errstate(invalid="ignore"):
        return rows, (later - today)[doubt.communes.get_indexer(rows.index)]


def interval_of_whole(
    baseline: Results, scenario: Results, comparison: Comparison, service: str, doubt: Doubt, level: float
) -> "pd.Series[float]":
    """Return the ends of the counts of the whole alone, which `draw_comparison` gives by zone."""
    near = doubt.near(comparison.communes["is_in_area"].xs(service, level="service"))
    rows, every = _changes(baseline, scenario, comparison, service, near)
    whole = rows.assign(zone=ALL_TERRITORY, row=np.arange(len(rows)))
    return _told_interval(rows, every, whole, level).iloc[0]


def _under(table: pd.DataFrame, scenario_id: str, service: str, name: str) -> pd.DataFrame:
    """Return a table under the names of its scenario and service."""
    return summaries.under(table, {"scenario": [scenario_id], name: table.index, "service": [service]})


def _of_service(table: pd.DataFrame, service: str) -> pd.DataFrame:
    """Return the rows of one service, by commune."""
    return pd.DataFrame(table.xs(service, level="service"))


def _draw(rows: Any, doubt: Doubt) -> tuple[Floats, Floats]:
    """Return drawn times and standard errors of one service, from its rows of the `access` table."""
    mine = rows.reindex(doubt.communes)
    minutes, sd = _minutes_and_sd(mine)
    times, error = errors.draw_site(doubt, minutes, sd, mine["to_id"])
    times[(mine["is_reachable"] == False).fillna(False).to_numpy(bool)] = np.inf  # noqa: E712
    return times, error


def _minutes_and_sd(rows: Any) -> tuple[Floats, Floats]:
    """Return times and the standard deviations of their errors (min)."""
    sd = rows["uncertainty_min"].to_numpy(np.float64) / HALF_WIDTHS_PER_SD
    return rows["travel_time_min"].to_numpy(np.float64), sd


def draw_trips(
    baseline: Results, scenario: Results, service: str, detectable_min: "pd.Series[float]", doubt: Doubt
) -> tuple[Floats, Floats]:
    """Return the drawn times of one service, today and in a scenario: communes of the draws x draws (min)."""
    before, after = (_of_service(one.access, service).reindex(doubt.communes) for one in (baseline, scenario))
    today, error = _draw(before, doubt)
    (_, sd_a), (minutes, sd_b) = _minutes_and_sd(before), _minutes_and_sd(after)
    detectable = np.asarray(detectable_min.reindex(doubt.communes), dtype=np.float64)
    shared = errors.correlation_of(sd_a, sd_b, detectable)
    same = before["to_id"].eq(after["to_id"]).fillna(False).to_numpy(bool)
    later = errors.draw_other_site(doubt, error, minutes, sd_b, after["to_id"], np.where(same, 1.0, shared))
    # nowhere to go: known, and no minutes
    later[after["is_reachable"].eq(False).fillna(False).to_numpy(bool)] = np.inf
    return today, later


def _communes(rows: pd.DataFrame, delta: Floats, level: float) -> pd.DataFrame:
    """Return the interval of the difference of each commune, and how often the scenario shortens its trip."""
    change, size = (rows[name].to_numpy(float) for name in ("delta_travel_time_min", "detectable_min"))
    half = size * float(ndtri((1 + level) / 2)) / HALF_WIDTHS_PER_SD
    unknown = np.isnan(delta).any(axis=1)
    told = rows["is_distinguishable"].to_numpy(bool)
    found = {
        # of the law that is drawn, and not of its draws: what is told leaves 0 out
        "low_min": change - half,
        "high_min": change + half,
        "better_share": np.where(unknown, np.nan, (delta < 0).mean(axis=1)),
        "worse_share": np.where(unknown, np.nan, (delta > 0).mean(axis=1)),
        "verdict": np.select(
            [rows["effect"].eq("without"), np.isnan(change), told & (change < 0), told & (change > 0)],
            [WITHOUT, UNKNOWN, SHORTER, LONGER],
            default=INDISTINCT,
        ),
    }
    return rows[["delta_travel_time_min", "detectable_min"]].assign(**found)


def _mean_by_zone(rows: pd.DataFrame, delta: Floats, placed: pd.DataFrame, level: float) -> pd.DataFrame:
    """Return the interval of the mean difference of each zone, over those who live in today's area."""
    is_counted = placed["is_in_area"] & placed["delta_travel_time_min"].notna()
    weight = placed["persons"].where(is_counted, 0.0).to_numpy(np.float64)
    names = list(placed["zone"].unique())
    # one row per zone: the persons of its communes
    persons = np.zeros((len(names), len(rows)))
    persons[pd.Index(names).get_indexer(placed["zone"]), placed["row"]] = weight
    total = persons.sum(axis=1)
    share = persons / np.where(total > 0, total, np.nan)[:, None]
    # what is out of reach on one side weighs nothing here: no minutes say it
    drawn = share @ np.where(np.isfinite(delta), delta, 0.0)
    low, high = errors.ends_of(drawn, level)
    mean = share @ np.nan_to_num(rows["delta_travel_time_min"].to_numpy(np.float64))
    # as if the errors of all communes went the same way: the careful side
    size = share @ np.nan_to_num(rows["detectable_min"].to_numpy(np.float64))
    told = told_apart(mean, size, level=level)
    columns = {
        "delta_mean_min": mean,
        "low_min": low,
        "high_min": high,
        "detectable_min": size,
        "better_share": np.where(total > 0, (drawn < 0).mean(axis=1), np.nan),
        "worse_share": np.where(total > 0, (drawn > 0).mean(axis=1), np.nan),
        "verdict": np.select([np.isnan(mean), ~told, mean < 0], [UNKNOWN, INDISTINCT, SHORTER], LONGER),
    }
    table = pd.DataFrame(columns, index=names)
    area = placed["persons"].where(placed["is_in_area"], 0.0)
    for name, said in _SAID.items():
        mine = area.where(placed["verdict"] == said, 0.0)
        table[f"persons_{name}"] = mine.groupby(placed["zone"].to_numpy()).sum(min_count=1).reindex(names)
    unknown = area.isna().groupby(placed["zone"].to_numpy()).any().reindex(names)
    table[[f"persons_{name}" for name in _SAID]] = table.filter(like="persons_").mask(unknown)
    return table.join(_told_interval(rows, delta, placed, level))


def _told_interval(rows: pd.DataFrame, delta: Floats, placed: pd.DataFrame, level: float) -> pd.DataFrame:
    """Return the interval of persons whose trip changes by its detectable size; it holds those who are told so."""
    size, told = rows["detectable_min"].to_numpy(float)[:, None], rows["is_distinguishable"].to_numpy(bool)
    names = pd.Index(placed["zone"].unique())
    persons = np.zeros((len(names), len(rows)))
    area = placed["persons"].where(placed["is_in_area"], 0.0)
    persons[names.get_indexer(placed["zone"]), placed["row"]] = area
    central = rows["delta_travel_time_min"].to_numpy(float)
    found: dict[str, Floats] = {}
    for name, sign in (("shorter", -1.0), ("longer", 1.0)):
        change = sign * delta
        low, high = errors.narrowest_of(
            persons @ ((change >= size) & (change > 0) & np.isfinite(change)), level
        )
        counted = persons @ (told & (sign * central > 0))
        least = np.minimum(low, counted)
        # no part is surer than the whole, which holds it in every draw: the narrowest of each may say so
        if ALL_TERRITORY in names:
            least = np.fmin(least, least[names.get_loc(ALL_TERRITORY)])
        found[f"persons_{name}_low"] = least
        found[f"persons_{name}_high"] = np.maximum(high, counted)
    return pd.DataFrame(found, index=names)
