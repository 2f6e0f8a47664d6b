"""Named services drawn within their doubt, today and under a scenario, and how often the scenario wins."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from territory.access.uncertainty import HALF_WIDTHS_PER_SD
from territory.scenario.doubt.random_errors import (
    Doubt,
    Floats,
    correlation_of,
    draw_other_site,
    draw_site,
    ends_of,
)
from territory.scenario.doubt.summaries import under
from territory.scenario.results import Comparison, Results
from territory.scenario.zones import by_zone

SHORTER, LONGER, INDISTINCT, UNKNOWN = "plus court", "plus long", "non distinguable", "non calculable"


def draw_named(results: Results, doubt: Doubt) -> dict[str, Floats]:
    """Return the drawn times to every named service: communes x draws, infinite out of reach, NaN unknown."""
    rows = results.access[results.access["measure"] == "named"]
    return {
        str(name): _draw(_of_service(rows, str(name)), doubt)[0]
        for name in rows.index.get_level_values("service").unique()
    }


def draw_comparison(
    scenario_id: str,
    baseline: Results,
    scenario: Results,
    comparison: Comparison,
    doubt: Doubt,
    level: float,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Summarise a scenario against today over the draws, for each service that moves."""
    zones, moves = [], []
    epci = baseline.state.communes["epci_code"]
    for service in comparison.services:
        rows = _of_service(comparison.communes, service)
        rows = rows[rows["effect"] != "outside"]
        if rows.empty:
            continue
        delta = _draw_delta(baseline, scenario, service, rows, doubt)
        by_commune = _communes(rows, delta, level)
        moves.append(_under(by_commune, scenario_id, service, "commune_code"))
        zones.append(
            _under(_zones(rows, delta, by_commune["verdict"], epci, level), scenario_id, service, "zone")
        )
    return (pd.concat(zones), pd.concat(moves)) if zones else (pd.DataFrame(), pd.DataFrame())


def _under(table: pd.DataFrame, scenario_id: str, service: str, name: str) -> pd.DataFrame:
    """Return a table under the names of its scenario and service."""
    return under(table, {"scenario": [scenario_id], name: table.index, "service": [service]})


def _of_service(table: pd.DataFrame, service: str) -> pd.DataFrame:
    """Return the rows of one service, by commune."""
    return pd.DataFrame(table.xs(service, level="service"))


def _draw(rows: Any, doubt: Doubt) -> tuple[Floats, Floats]:
    """Return drawn times and standard errors of one service, from its rows of the `access` table."""
    mine = rows.reindex(doubt.communes)
    minutes, sd = _minutes_and_sd(mine)
    times, error = draw_site(doubt, minutes, sd, mine["to_id"])
    times[(mine["is_reachable"] == False).fillna(False).to_numpy(bool)] = np.inf  # noqa: E712
    return times, error


def _minutes_and_sd(rows: Any) -> tuple[Floats, Floats]:
    """Return times and the standard deviations of their errors (min)."""
    sd = rows["uncertainty_min"].to_numpy(np.float64) / HALF_WIDTHS_PER_SD
    return rows["travel_time_min"].to_numpy(np.float64), sd


def _draw_delta(
    baseline: Results, scenario: Results, service: str, rows: pd.DataFrame, doubt: Doubt
) -> Floats:
    """Return the drawn differences of some communes: scenario minus today (min), in the order of `rows`."""
    before, after = (
        results.access.xs(service, level="service").reindex(doubt.communes)
        for results in (baseline, scenario)
    )
    today, error = _draw(before, doubt)
    (_, sd_a), (minutes, sd_b) = _minutes_and_sd(before), _minutes_and_sd(after)
    detectable = rows["detectable_min"].reindex(doubt.communes).to_numpy(np.float64)
    shared = correlation_of(sd_a, sd_b, detectable)
    same = before["to_id"].eq(after["to_id"]).fillna(False).to_numpy(bool)
    later = draw_other_site(doubt, error, minutes, sd_b, after["to_id"], np.where(same, 1.0, shared))
    return np.asarray((later - today)[doubt.communes.get_indexer(rows.index)], dtype=np.float64)


def _communes(rows: pd.DataFrame, delta: Floats, level: float) -> pd.DataFrame:
    """Return the interval of the difference of each commune, and how often the scenario shortens its trip."""
    low, high = ends_of(delta, level)
    unknown = np.isnan(delta).any(axis=1)
    better = np.where(unknown, np.nan, (delta < 0).mean(axis=1))
    worse = np.where(unknown, np.nan, (delta > 0).mean(axis=1))
    told = rows["is_distinguishable"].to_numpy(bool)
    verdict = np.select(
        [unknown, told & (high < 0), told & (low > 0)],
        [UNKNOWN, SHORTER, LONGER],
        default=INDISTINCT,
    )
    found = {
        "low_min": low,
        "high_min": high,
        "better_share": better,
        "worse_share": worse,
        "verdict": verdict,
    }
    return rows[["delta_travel_time_min", "detectable_min"]].assign(**found)


def _zones(
    rows: pd.DataFrame, delta: Floats, verdict: pd.Series[str], epci: pd.Series[str], level: float
) -> pd.DataFrame:
    """Return the interval of the mean difference of each zone, over those who live in today's area."""
    placed = by_zone(rows.assign(row=np.arange(len(rows)), verdict=verdict), epci)
    is_counted = placed["is_in_area"] & placed["delta_travel_time_min"].notna()
    weight = placed["persons"].where(is_counted, 0.0).to_numpy(np.float64)
    names = list(placed["zone"].unique())
    # one row per zone: the persons of its communes
    persons = np.zeros((len(names), len(rows)))
    persons[pd.Index(names).get_indexer(placed["zone"]), placed["row"]] = weight
    total = persons.sum(axis=1)
    share = np.divide(persons, total[:, None], out=np.full_like(persons, np.nan), where=total[:, None] > 0)
    # what is out of reach on one side weighs nothing here: no minutes say it
    drawn = share @ np.where(np.isfinite(delta), delta, 0.0)
    low, high = ends_of(drawn, level)
    table = pd.DataFrame(
        {
            "delta_mean_min": share @ np.nan_to_num(rows["delta_travel_time_min"].to_numpy(np.float64)),
            "low_min": low,
            "high_min": high,
            # as if the errors of all communes went the same way: the careful side
            "detectable_min": share @ np.nan_to_num(rows["detectable_min"].to_numpy(np.float64)),
            "better_share": np.where(total > 0, (drawn < 0).mean(axis=1), np.nan),
            "worse_share": np.where(total > 0, (drawn > 0).mean(axis=1), np.nan),
        },
        index=names,
    )
    table["verdict"] = _verdict(table)
    area = placed["persons"].where(placed["is_in_area"], 0.0)
    for name, said in (
        ("shorter", SHORTER),
        ("longer", LONGER),
        ("doubtful", INDISTINCT),
        ("unknown", UNKNOWN),
    ):
        mine = area.where(placed["verdict"] == said, 0.0)
        table[f"persons_{name}"] = mine.groupby(placed["zone"].to_numpy()).sum(min_count=1).reindex(names)
    return table


def _verdict(table: pd.DataFrame) -> np.ndarray:
    """Say whether the mean time is shorter, longer, or cannot be told from today's."""
    delta, low, high = table["delta_mean_min"], table["low_min"], table["high_min"]
    doubtful = delta.eq(0) | delta.abs().lt(table["detectable_min"]) | (low.le(0) & high.ge(0))
    return np.select(
        [delta.isna() | low.isna(), doubtful, delta.lt(0)], [UNKNOWN, INDISTINCT, SHORTER], default=LONGER
    )
