"""Which services are known everywhere, where each is, and who travels for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from territory.errors import UnknownCodeError, examples
from territory.study.words.questions import CANDIDATE_PREFIX

if TYPE_CHECKING:
    import geopandas as gpd
    from numpy.typing import NDArray


def complete_services(services: pd.DataFrame) -> list[str]:
    """List the services of which every site in the territory is known (column `is_complete_list`).

    A "closest site", a desert or an unmet need has a meaning for these alone: absent from a partial list
    never reads absent from the territory.

    Examples
    --------
    >>> index = pd.MultiIndex.from_tuples([("a", "urgences"), ("b", "ime")], names=["site_id", "service"])
    >>> complete_services(pd.DataFrame({"is_complete_list": [True, False]}, index=index))
    ['urgences']
    """
    complete = services.groupby(level="service")["is_complete_list"].all()
    return sorted(complete.index[complete])


def sites_of(services: pd.DataFrame, service: str) -> pd.Index:
    """Return the ids of the sites that offer a service, sorted; `UnknownCodeError` when no site does."""
    offered = services.index.get_level_values("service")
    if service not in offered:
        raise UnknownCodeError(
            f"Aucun site n'offre « {service} » ; services connus : {examples(sorted(set(offered)))}."
        )
    return services.index[offered == service].get_level_values("site_id").unique().sort_values()


def site_of_authorisation(services: pd.DataFrame, authorisation_id: str) -> str:
    """Return the one site of an authorisation; `UnknownCodeError` at several: which to go to is the reader's choice."""
    held = (
        services.index[services["authorisation_id"] == authorisation_id].get_level_values("site_id").unique()
    )
    if len(held) != 1:
        known = sorted(set(services["authorisation_id"].dropna()))
        said = "inconnue" if len(held) == 0 else f"exercée sur {len(held)} sites ({examples(held)})"
        raise UnknownCodeError(
            f"Autorisation « {authorisation_id} » {said} ; connues : {examples(known, most=8)}."
        )
    return str(held[0])


def rows_serving(services: pd.DataFrame, authorisation_id: str) -> pd.DataFrame:
    """Return the services that receive the families of an authorisation (`serves` after a merger), none once closed."""
    received = services["authorisation_id"]
    if "serves" in services:
        received = services["serves"].fillna(received)
    # few different lists, and many rows; what is unknown has the place -1, the last
    places, lists = received.factorize()
    serves = [*(authorisation_id in str(names).split() for names in lists), False]
    found: pd.DataFrame = services[np.array(serves)[places]]
    return found


def sites_serving(services: pd.DataFrame, authorisation_id: str) -> list[str]:
    """Return the sites where the families of an authorisation are received, its main site first, none once closed.

    Sites that do not receive the same ages are an `UnknownCodeError`: the closer one may not be for the child.
    """
    rows = rows_serving(services, authorisation_id)
    sites = [str(site) for site in dict.fromkeys(rows.index.get_level_values("site_id"))]
    if len(sites) > 1 and len(rows[["age_min", "age_max"]].drop_duplicates()) > 1:
        raise UnknownCodeError(
            f"Autorisation « {authorisation_id} » exercée sur {len(sites)} sites ({examples(sites)}) qui ne "
            "reçoivent pas les mêmes âges : nommez chacun d'eux par une autorisation."
        )
    return sites


def is_candidate(sites: gpd.GeoDataFrame) -> NDArray[np.bool_]:
    """Return which sites are only communes where something could be."""
    return np.asarray(sites.index.astype("str").str.startswith(CANDIDATE_PREFIX), dtype=bool)
