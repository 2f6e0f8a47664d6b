"""The zones that communes are gathered into: the whole, départements and EPCI."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import pandas as pd

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
    columns = {name: pd.Series(dtype=float) for name in numbers} | {
        name: pd.Series(dtype="str") for name in texts
    }
    return pd.DataFrame(columns).set_index(index)


def by_zone(communes: pd.DataFrame, epci: pd.Series[str]) -> pd.DataFrame:
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
