"""What every room reads of a table of services: the kinds of service, which are complete, who is held where."""

from __future__ import annotations

from collections.abc import Collection

import pandas as pd

# two authorisations of one kind at one site are told apart by a mark and the id of the second: ime@ime-y
MARK = "@"


def kinds(names: pd.Index[str]) -> pd.Index[str]:
    """Return the kind of service of each name, without the mark of a second authorisation.

    Examples
    --------
    >>> list(kinds(pd.Index(["ime", "ime@ime-y"])))
    ['ime', 'ime']
    """
    # few different services, and many rows
    codes, uniques = names.factorize()
    return pd.Index([str(name).partition(MARK)[0] for name in uniques], dtype=names.dtype).take(codes)


def kinds_of(services: pd.DataFrame) -> pd.Index[str]:
    """Return the kind of service of each row of a table indexed by (site_id, service)."""
    return kinds(services.index.get_level_values("service"))


def complete_kinds(services: pd.DataFrame) -> set[str]:
    """Return the kinds of service of which every site in the territory is known."""
    complete = services["is_complete_list"].astype(bool).groupby(kinds_of(services)).all()
    return set(complete.index[complete])


def sites_of_kinds(services: pd.DataFrame, wanted: Collection[str]) -> list[str]:
    """Return the sites that offer one of some kinds of service, sorted."""
    offered = kinds_of(services).isin(list(wanted))
    return sorted(set(services.index.get_level_values("site_id")[offered]))


def authorisations_by_site(rows: pd.DataFrame) -> dict[str, list[str]]:
    """Return the authorisations exercised at each site, of rows with columns site_id and authorisation_id."""
    held = rows.dropna(subset=["authorisation_id"]).groupby("site_id")["authorisation_id"]
    return {str(site): list(dict.fromkeys(ids)) for site, ids in held}
