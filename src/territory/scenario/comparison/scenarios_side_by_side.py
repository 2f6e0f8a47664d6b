"""Several scenarios in one table, today first."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import pandas as pd

from territory.errors import ParameterError
from territory.scenario.accounts import QUANTITIES
from territory.scenario.comparison.compare import COUNCIL_EFFECTS
from territory.scenario.zones import KEYS, SIDES, in_reading_order

if TYPE_CHECKING:
    from territory.scenario.results import Comparison

TODAY = "today"
# columns that draws within the doubt may add to `Comparison.measures`; kept when they are there
DRAWN = ("delta_low", "delta_high", "better_share")
UNITS = {"_min": "min", "_km": "km", "_eur": "eur", "_kg": "kg"}


def side_by_side(comparisons: Mapping[str, Comparison], *, draws: pd.DataFrame | None = None) -> pd.DataFrame:
    """Put several scenarios beside today in one table.

    Parameters
    ----------
    comparisons
        Comparisons of one study with the same baseline, by the id of their scenario, in the order wanted.
    draws : DataFrame indexed by (scenario, zone, service)
        `Draws.comparisons`: low_min, high_min and better_share of the difference of mean times. None = no draws.

    Returns
    -------
    DataFrame
        Index (level, zone, service, measure). Columns in blocks: (`today`, unit), (`today`, value), then for each
        scenario (id, value), (id, delta), (id, is_distinguishable) and (id, reason), and where draws were made
        delta_low, delta_high, better_share. The measures are those of `Comparison.measures`, then gainers and
        losers (no value today), then the accounts of travel (`child_year_low_min`…) of the services that some
        scenario moves; a scenario that does not move one leaves today's value, with a difference of 0.

    Raises
    ------
    ParameterError
        If there is no comparison, or two of them do not start from the same values of today.

    Examples
    --------
    >>> import territory
    >>> table = side_by_side(territory.run_study("draguignan").comparisons)
    >>> list(dict.fromkeys(table.columns.get_level_values(0)))[:3]
    ['today', 'A', 'B']
    """
    if not comparisons:
        raise ParameterError("Aucun scénario à comparer : l'étude n'en a pas.")
    tables = {name: _rows(comparison) for name, comparison in comparisons.items()}
    if draws is not None:
        tables = {name: table.join(_drawn(draws, name)) for name, table in tables.items()}
    keys = dict.fromkeys(key for table in tables.values() for key in table.index)
    index = pd.MultiIndex.from_tuples(in_reading_order(list(keys)), names=KEYS)
    unit, today = _today(tables, index)
    blocks = {(TODAY, "unit"): unit, (TODAY, "value"): today}
    for name, table in tables.items():
        found = table.reindex(index)
        absent = pd.Series(~index.isin(table.index), index=index)
        # today's value stands where the scenario does not touch the service
        counts = absent & unit.eq("persons") & today.isna()
        blocks[(name, "value")] = found["scenario"].mask(absent, today).mask(counts, 0.0)
        blocks[(name, "delta")] = found["delta"].mask(absent & today.notna(), 0.0)
        told = found["is_distinguishable"].astype("boolean")
        blocks[(name, "is_distinguishable")] = told.mask(absent & today.notna(), False)
        blocks[(name, "reason")] = found["reason"].fillna("")
        for column in DRAWN:
            if column in found:
                blocks[(name, column)] = found[column]
    columns = pd.MultiIndex.from_tuples(blocks, names=["scenario", "quantity"])
    return pd.concat(list(blocks.values()), axis=1).set_axis(columns, axis=1)


def _drawn(draws: pd.DataFrame, name: str) -> pd.DataFrame:
    """Return the interval of the mean time of each zone, and how often the scenario shortens it."""
    rows = draws.loc[
        draws.index.get_level_values("scenario") == name, ["low_min", "high_min", "better_share"]
    ]
    rows = rows.set_axis(list(DRAWN), axis=1).reset_index("scenario", drop=True)
    return pd.concat({"mean_time_min": rows}, names=["measure"])


def _rows(comparison: Comparison) -> pd.DataFrame:
    """Return measures, gainers and losers, and accounts of one comparison, one under the other."""
    return pd.concat([comparison.measures, _effects(comparison), _accounts(comparison)])


def _effects(comparison: Comparison) -> pd.DataFrame:
    """Return persons of each effect and the worst loss by zone, which have no value today."""
    names = [*(f"persons_{effect}" for effect in COUNCIL_EFFECTS), "worst_loss_min"]
    kept = comparison.councils[comparison.councils.index.get_level_values("level") != "commune"]
    rows = (
        kept[names]
        .reset_index()
        .melt(["service", "level", "zone"], var_name="measure", value_name="scenario")
    )
    rows = rows.dropna(subset="scenario")
    units = rows["measure"].map({"worst_loss_min": "min"}).fillna("persons")
    return rows.assign(unit=units, reason="").set_index(KEYS)


def _accounts(comparison: Comparison) -> pd.DataFrame:
    """Return each quantity of each account as a measure of its own: nothing is added up."""
    sides = {}
    for side in (*SIDES, "delta"):
        wide = comparison.trips[[f"{side}_{name}" for name in QUANTITIES]].set_axis(list(QUANTITIES), axis=1)
        long = wide.reset_index().melt(["zone", "service", "who"], var_name="quantity", value_name=side)
        sides[side] = long.set_index(["zone", "service", "who", "quantity"])[side]
    # without any account these have no type of their own
    rows = pd.DataFrame(sides).reset_index().astype({"who": "str", "quantity": "str"})
    rows["measure"] = rows["who"] + "_" + rows["quantity"]
    rows["unit"] = rows["quantity"].map(lambda name: UNITS["_" + name.rpartition("_")[2]])
    rows["level"] = rows["zone"].where(rows["zone"] == "territory", "epci")
    # a year's minutes can be told apart when the mean time of one trip can
    told = comparison.measures["is_distinguishable"].xs("mean_time_min", level="measure")
    told = told.reindex(pd.MultiIndex.from_frame(rows[["level", "zone", "service"]]))
    told_min = told.astype("boolean").set_axis(rows.index)
    rows["is_distinguishable"] = told_min.mask(rows["unit"] != "min")
    return rows.assign(reason="").set_index(KEYS).drop(columns=["who", "quantity"])


def _today(tables: Mapping[str, pd.DataFrame], index: pd.Index) -> tuple[pd.Series, pd.Series]:
    """Return the unit and today's value of each row, which must be the same for every scenario."""
    unit: pd.Series = pd.Series(index=index, dtype="str")
    today: pd.Series = pd.Series(index=index, dtype=float)
    for name, table in tables.items():
        mine = table["baseline"].reindex(index)
        both = mine.notna() & today.notna()
        if ((mine - today).abs() > 1e-9 * today.abs().clip(lower=1))[both].any():
            raise ParameterError(f"Le scénario « {name} » ne part pas des mêmes valeurs d'aujourd'hui.")
        today = today.fillna(mine)
        unit = unit.fillna(table["unit"].reindex(index))
    return unit, today
