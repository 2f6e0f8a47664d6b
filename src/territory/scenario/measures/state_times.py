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
    complete = services["is_complete_list"].astype(bool).groupby(kinds_of(services)).all()
    return set(complete.index[complete])


def known_kinds(services: pd.DataFrame) -> set[str]:
    """Return the kinds of service that at least one site offers."""
    return set(kinds_of(services))


def kinds_of(services: pd.DataFrame) -> pd.Index[str]:
    """Return the kind of service of each row."""
    offered = services.index.get_level_values("service")
    # few different services, and many rows
    return offered.map({name: str(name).split("@")[0] for name in offered.unique()})
