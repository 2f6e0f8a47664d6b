"""How unequal times are, and how many persons are far: by territory and département, before and after."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np
import pandas as pd

from territory.access import equity
from territory.errors import agree
from territory.study.state import Parameters

LEVELS = ("territory", "departement")
TIMES = {"baseline": "baseline_min", "scenario": "scenario_min", "certain": "certain_min"}


def spread_rows(rows: pd.DataFrame, parameters: Parameters) -> list[pd.DataFrame]:
    """Measure the inequality of times between persons, and the persons beyond the line of the study.

    Examples
    --------
    >>> from territory.access.equity import fgt_poverty
    >>> fgt_poverty(pd.Series([20.0, 45.0]), pd.Series([1.0, 1.0]), line=30, alpha=1, direction="above")
    0.25
    """
    local = rows["commune_code"].isin(parameters.territory_codes)
    departements = set(rows.loc[local & rows["level"].eq("departement"), "zone"])
    kept = rows["level"].eq("territory") | (rows["level"].eq("departement") & rows["zone"].isin(departements))
    keys = ["level", "zone", "service"]
    return [
        pd.DataFrame(_measure(group, parameters.equity_line_min)).assign(
            **{key: group[key].iloc[0] for key in keys}
        )
        for _, group in rows[kept].groupby(keys, sort=False)
    ]


def _measure(group: pd.DataFrame, line: float) -> list[dict[str, object]]:
    """Return the measures of one zone and service."""
    both = group["is_area"] & group["baseline_min"].notna() & group["scenario_min"].notna()
    absent = int((group["is_area"] & ~both & group["baseline_persons"].ne(0)).sum())
    here = group[both]
    unknown = here[["baseline_persons", "scenario_persons"]].isna().any(axis=None)
    reason = agree(absent, "commune(s) hors d'atteinte ou sans temps connu, non comptée(s)") if absent else ""
    if unknown or here.empty:
        reason = "personnes inconnues" if unknown else "personne dans le périmètre d'aujourd'hui"
    columns: dict[str, dict[str, float]] = {}
    done: dict[bytes, dict[str, float]] = {}
    is_known = not unknown and len(here) > 0
    for side, name in TIMES.items():
        times = here[name].to_numpy(float)
        weights = here["baseline_persons" if side == "baseline" else "scenario_persons"].to_numpy(float)
        # what does not move is measured once
        key = times.tobytes() + weights.tobytes()
        if key not in done:
            done[key] = _values(times, weights, here["epci"], line, is_known=is_known)
        columns[side] = done[key]
    return [
        {
            "measure": measure,
            "unit": unit,
            **{side: values[measure] for side, values in columns.items()},
            "reason": reason if not math.isnan(columns["baseline"][measure]) or reason else "un seul EPCI",
        }
        for measure, unit in _names(line)
    ]


def _names(line: float) -> Iterable[tuple[str, str]]:
    """Return each measure and its unit."""
    return (
        ("time_gini", "index"),
        ("epci_gap_min", "min"),
        (f"beyond_{line:g}_min_share", "share"),
        (f"beyond_{line:g}_min_gap", "index"),
        (f"beyond_{line:g}_min_severity", "index"),
    )


def _values(
    times: np.ndarray, weights: np.ndarray, epci: pd.Series[str], line: float, *, is_known: bool
) -> dict[str, float]:
    """Return every measure of one side."""
    if not is_known or not weights.sum() > 0:
        return {measure: math.nan for measure, _ in _names(line)}
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
    found = (equity.gini(values, persons_of), gap, *fgt)
    return {measure: value for (measure, _), value in zip(_names(line), found, strict=True)}
