"""What is done with each column before it leaves, from its declaration: in one place for every table."""

from collections.abc import Iterable

import numpy as np
import pandas as pd

from territory.errors import ParameterError, counted
from territory.release.disclosure import SUPPRESSED, THRESHOLD, estimate_texts, is_small, withholds
from territory.tables.catalogue import BY_NAME, DECIMALS, check_declared, column_of
from territory.tables.declare import Column, Keyed, Secrecy

# what stands for an estimate of few persons
SMALL = f"< {THRESHOLD}"
# a share of small numbers gives the numbers back: classes do not
SHARE_CLASSES = ((0.2, "moins de 20 %"), (0.5, "de 20 à 50 %"), (np.inf, "50 % ou plus"))
_COUNTS = (Secrecy.ESTIMATE, Secrecy.OBSERVED)


def treat(name: str, table: pd.DataFrame, withheld: pd.DataFrame | pd.Series | None = None) -> pd.DataFrame:
    """Withhold what a table declares as secret: observed rows (a Series of flags) or cells (a frame), few persons."""
    check_declared(name, map(str, table.columns))
    declared = {column: column_of(name, str(column)) for column in table.columns}
    counted = [column for column, one in declared.items() if one.secrecy is Secrecy.OBSERVED]
    small = {column: is_small(table[column]) for column in counted}
    # a mean is one count over another: with one known and the mean, the other is
    beside = pd.concat(small, axis=1).any(axis=1) if small else pd.Series(False, index=table.index)
    changed = {}
    for column, one in declared.items():
        # the flags are in the order of the rows
        cells = withheld.get(str(column)) if isinstance(withheld, pd.DataFrame) else withheld
        flags = pd.Series(False, index=table.index)
        if cells is not None and withholds():
            flags = pd.Series(cells.to_numpy(dtype=bool), index=table.index)
        if one.secrecy is Secrecy.OBSERVED:
            flags = flags | small[column]
        elif one.secrecy is Secrecy.MEAN:
            flags = flags | beside
        changed[column] = _treated(table[column], one, flags)
    return table.assign(**{str(column): values for column, values in changed.items()})


def _treated(values: pd.Series, column: Column, flags: pd.Series) -> pd.Series:
    """Return the values of one column as they may leave."""
    if column.secrecy in _COUNTS:
        return estimate_texts(values).mask(flags, SUPPRESSED)
    if column.secrecy is Secrecy.PUBLIC or not flags.any():
        return values
    if column.kind == "number" and column.secrecy is Secrecy.MEAN:
        return values.astype(float).mask(flags)
    if column.kind == "number":
        # a column of Parquet holds one kind: numbers, or texts as soon as one is withheld
        values = values.map(lambda value: "" if pd.isna(value) else f"{value:.0f}").astype(object)
    return values.mask(flags) if column.kind == "flag" else values.mask(flags, SUPPRESSED)


def handed(name: str, table: pd.DataFrame) -> pd.DataFrame:
    """Return a table as it is handed over: every column declared, its persons treated, its numbers rounded."""
    check_declared(name, map(str, table.columns))
    rounded = {}
    for column in map(str, table.columns):
        one, values = column_of(name, column), table[column]
        if one.secrecy in _COUNTS and pd.api.types.is_numeric_dtype(values):
            left = values[is_small(values)]
            if len(left):
                said = counted(left, f"effectif(s) de moins de {THRESHOLD} personnes sans protection")
                raise ParameterError(f"Table « {name} », colonne « {column} » : {said} ; `treat` la protège.")
        if one.decimals is not None and pd.api.types.is_float_dtype(values):
            rounded[column] = values.round(one.decimals)
    return table.assign(**rounded)


def treat_measures(table: pd.DataFrame, secret: pd.Series) -> pd.DataFrame:
    """Withhold the rows of a table of measures: what a row counts is that of its measure."""
    counts = table["measure"].map(lambda name: BY_NAME[name].secrecy is Secrecy.ESTIMATE)
    small = {side: counts & is_small(table[f"{side}_value"]) for side in ("baseline", "scenario")}
    either = small["baseline"] | small["scenario"] | secret
    hidden = {side: values | secret for side, values in small.items()}
    # a difference, or its range, would give a withheld side back
    beside = [name for name in ("delta_value", "delta_low", "delta_high", "better_share") if name in table]
    values = {f"{side}_value": table[f"{side}_value"].mask(flags) for side, flags in hidden.items()}
    values |= {name: table[name].mask(either) for name in beside}
    unit = table["unit"]
    rounded = {
        name: column.round(3) if name == "better_share" else rounded_by_unit(column, unit)
        for name, column in values.items()
    }
    today = pd.Series("", index=table.index).mask(small["baseline"], SMALL).mask(secret, SUPPRESSED)
    note = table["note"].mask(small["scenario"], SMALL).mask(secret, SUPPRESSED)
    told = table["is_distinguishable"].mask(secret).astype("boolean")
    return table.assign(**rounded, is_distinguishable=told, baseline_note=today, note=note)


def rounded_by_unit(values: pd.Series, unit: pd.Series) -> pd.Series:
    """Round each value to what the unit of its row can bear."""
    factor = 10.0 ** unit.map(DECIMALS).fillna(3).to_numpy(int)
    return pd.Series(np.floor(values.to_numpy(float) * factor + 0.5) / factor, index=values.index)


def share_classes(total: "pd.Series[float]", part: "pd.Series[float]") -> "pd.Series[str]":
    """Return the class of each share of observed persons, withheld where the part or the rest is a small count."""
    small = part.lt(THRESHOLD) | (total - part).lt(THRESHOLD)
    bounds = [bound for bound, _ in SHARE_CLASSES]
    place = np.searchsorted(bounds, (part / total).to_numpy(float), side="right")
    names = [SHARE_CLASSES[min(one, len(bounds) - 1)][1] for one in place]
    return pd.Series(names, index=total.index, dtype="str").mask(small & withholds(), SUPPRESSED)


def unpivot(table: pd.DataFrame, keyed: Iterable[Keyed]) -> pd.DataFrame:
    """Return a flat table with a row for each value of the keys that names of columns hold."""
    blocks: dict[tuple[tuple[str, str], ...], dict[str, str]] = {}
    held = []
    for column in map(str, table.columns):
        for one in keyed:
            keys = one.keys(column)
            if keys is not None:
                blocks.setdefault(tuple(keys.items()), {})[column] = one.column.name
                held.append(column)
                break
    rest = [column for column in table.columns if column not in held]
    parts = []
    for place, (held_keys, names) in enumerate(blocks.items()):
        values = {key: float(value) if key == "threshold_min" else value for key, value in held_keys}
        part = table[[*rest, *names]].rename(columns=names).assign(**values)
        parts.append(part.set_axis(np.arange(len(table)) * len(blocks) + place))
    if not parts:
        return table
    long = pd.concat(parts).sort_index().reset_index(drop=True)
    first = [*rest, *dict(next(iter(blocks)))]
    return long[[*first, *(name for name in long if name not in first)]]
