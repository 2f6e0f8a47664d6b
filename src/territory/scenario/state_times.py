"""The travel times of a state to some of its sites, and the kinds of service whose every site is known."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

    from territory.study.state import State


def times_to_sites(state: State, sites: Collection[str]) -> pd.DataFrame:
    """Return the travel times to some sites, with the attributes of the whole table."""
    times = state.travel_times[state.travel_times["to_id"].isin(sites)]
    times.attrs = dict(state.travel_times.attrs)
    return times


def complete_kinds(services: pd.DataFrame) -> set[str]:
    """Return the kinds of service of which every site in the territory is known.

    Two authorisations of one kind at one site are told apart by a suffix (`ime@…`): the kind stays `ime`.
    """
    kind = services.index.get_level_values("service").astype("str").str.split("@").str[0]
    complete = services["is_complete_list"].astype(bool).groupby(kind).all()
    return set(complete.index[complete])


def known_kinds(services: pd.DataFrame) -> set[str]:
    """Return the kinds of service that at least one site offers."""
    return set(services.index.get_level_values("service").astype("str").str.split("@").str[0])
