"""The zones that communes are gathered into: the whole, départements and EPCI."""

from collections.abc import Iterable, Sequence
from functools import partial

import numpy as np
import pandas as pd

from territory.access.uncertainty import told_apart

Key = tuple[str, str, str, str]

# the two results of a comparison, and what a measure by zone is known under
SIDES = ("baseline", "scenario")
KEYS = ["level", "zone", "service", "measure"]
ALL_TERRITORY = "territory"
LEVELS = (ALL_TERRITORY, "departement", "epci", "commune")


def of_service(codes: pd.Index, service: str, *, level: str = "commune_code") -> pd.MultiIndex:
    """Return the index of the rows of one service, a commune or a zone each."""
    return pd.MultiIndex.from_product([codes, [service]], names=[level, "service"])


def no_rows(keys: Sequence[str], numbers: Iterable[str], texts: Iterable[str] = ()) -> pd.DataFrame:
    """Return a table without rows, of numbers and then of texts."""
    index = pd.MultiIndex.from_arrays([[] for _ in keys], names=list(keys))
    columns = {name: pd.Series(dtype=float) for name in numbers}
    columns |= {name: pd.Series(dtype="str") for name in texts}
    return pd.DataFrame(columns).set_index(index)


def by_zone(communes: pd.DataFrame, epci: "pd.Series[str]") -> pd.DataFrame:
    """Return the rows of every commune twice: for the whole, which comes first, and for its EPCI."""
    rows = communes.reset_index()
    codes = epci.fillna("").reindex(rows["commune_code"]).to_numpy()
    each = rows.assign(zone=codes).sort_values("zone", kind="stable")
    return pd.concat([rows.assign(zone=ALL_TERRITORY), each], ignore_index=True)


def zone_levels(rows: pd.DataFrame, communes: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of every commune once for each zone it is in: the whole, its département, its EPCI."""
    flat = rows.reset_index()
    codes = flat["commune_code"]
    epci = communes["epci_code"].fillna("").reindex(codes).to_numpy()
    departement = communes["departement_code"].reindex(codes).to_numpy()
    blocks = [
        flat.assign(level=level, zone=zone, epci=epci)
        for level, zone in ((ALL_TERRITORY, ALL_TERRITORY), ("departement", departement), ("epci", epci))
    ]
    return pd.concat(blocks, ignore_index=True)


def in_reading_order(keys: Sequence[Key]) -> list[Key]:
    """Order keys (level, zone, service, measure): by level, then service, zone and measure as they first come."""
    first: list[dict[str, int]] = [{}, {}, {}]
    for key in keys:
        for seen, name in zip(first, (key[2], key[1], key[3]), strict=True):
            seen.setdefault(name, len(seen))
    services, zones, measures = first
    return sorted(
        keys, key=lambda key: (LEVELS.index(key[0]), services[key[2]], zones[key[1]], measures[key[3]])
    )


def groups_of(rows: pd.DataFrame, by: list[str]) -> tuple[pd.Index, np.ndarray]:
    """Return the groups of some rows as they first come, and that of each row."""
    groups = rows.groupby(by, sort=False)
    return groups.size().index, groups.ngroup().to_numpy()


def mean_trips(rows: pd.DataFrame, by: list[str], level: float) -> pd.DataFrame:
    """Return by group the ninth decile of times, the doubt on the change of their mean, and whether it is told."""
    index, group = groups_of(rows, by)
    is_kept = rows["is_in_area"] & rows["delta_travel_time_min"].notna() & rows["persons"].fillna(0.0).ne(0)
    kept, group = rows[is_kept], group[is_kept.to_numpy(bool)]
    add = partial(np.bincount, group, minlength=len(index))
    persons, found = kept["persons"].to_numpy(float), {}
    total = np.where((total := add(persons)) > 0, total, np.nan)
    for side in SIDES:
        minutes = kept[f"{side}_travel_time_min"].to_numpy(float)
        order = np.lexsort((minutes, group))
        before = np.append(0.0, np.cumsum(persons[order]))
        part = before[1:] - before[np.searchsorted(group[order], group[order])]
        reached = order[part >= (0.9 - 1e-9) * total[group[order]]]
        zones, first = np.unique(group[reached], return_index=True)
        found[f"{side}_p90_min"] = np.full(len(index), np.nan)
        found[f"{side}_p90_min"][zones] = minutes[reached[first]]
    columns = (kept[name].to_numpy(float) for name in ("delta_travel_time_min", "detectable_min"))
    delta, size = (add(values * persons) / total for values in columns)
    told = pd.arrays.BooleanArray(told_apart(delta, size, level=level), np.isnan(delta))
    return pd.DataFrame({**found, "detectable_mean_min": size, "is_mean_distinguishable": told}, index=index)
