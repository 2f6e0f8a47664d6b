"""How long children wait: from counts that were observed, or not at all."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING

import pandas as pd

from territory import supply
from territory.study.words.costs import Waiting

if TYPE_CHECKING:
    from territory.study.state import State
    from territory.study.words.changes import PoolSites

MONTHS_PER_YEAR = 12.0
NOT_COMPUTABLE = "non calculable, données à demander à la MDPH"
NO_EXIT = "aucune sortie dans l'année : l'attente n'a pas de terme calculable"
ORDER = "ordre de grandeur : les entrées suivent les sorties et des priorités, pas une file"
NO_EFFECT = "regrouper ne raccourcit aucune attente sans temps de professionnel libéré"
PLACES = "le nombre de places ne change pas : du temps libéré n'en crée pas"
ASSUMPTION = "suppose que les sorties augmentent comme le temps de professionnel libéré ({share} %)"


def waits(state: State, observed: Iterable[Waiting], *, scenario: State | None = None) -> pd.DataFrame:
    """Estimate the wait for each authorisation named in the study, today and in a scenario.

    Parameters
    ----------
    state
        Today's state.
    observed
        Children seen to wait and exits of a year, by authorisation.
    scenario
        A scenario's state; its poolings may free staff time. None = today alone.

    Returns
    -------
    DataFrame
        Index service; waiting (children), exits_per_year, year, source, wait_months (today), scenario_wait_months,
        and note: how to read them, in French, or why there is no number.

    Notes
    -----
    months = 12 · waiting / exits. With a share s of staff time freed by pooling, exits are assumed to grow to
    exits · (1 + s); only for services whose activity is not counted in places, since an entry into a place waits
    for an exit. Without an observed count there is no estimate: a need, a prevalence or an orientation is not a
    queue.

    Examples
    --------
    >>> import territory
    >>> today = territory.run_study("draguignan").baseline.state
    >>> waits(today, ())["note"].unique().tolist()
    ['non calculable, données à demander à la MDPH']
    """
    given = {one.authorisation: one for one in observed}
    poolings = scenario.poolings if scenario is not None else ()
    rows = {
        named.id: _wait(given.get(named.id), _freed(named.id, poolings), _in_places(state, named.id))
        for named in state.parameters.authorisations
    }
    names = ["waiting", "exits_per_year", "year", "source", "wait_months", "scenario_wait_months", "note"]
    return pd.DataFrame.from_dict(rows, orient="index", columns=names).rename_axis("service")


def _wait(one: Waiting | None, freed_share: float | None, in_places: bool) -> tuple[object, ...]:
    """Return the row of one authorisation."""
    if one is None:
        return math.nan, math.nan, math.nan, "", math.nan, math.nan, NOT_COMPUTABLE
    known = (one.waiting, one.exits_per_year, float(one.year), one.source)
    if not one.exits_per_year:
        return *known, math.nan, math.nan, NO_EXIT
    today = MONTHS_PER_YEAR * one.waiting / one.exits_per_year
    if freed_share is None:
        return *known, today, today, f"{ORDER} ; {NO_EFFECT}"
    if in_places:
        return *known, today, today, f"{ORDER} ; {PLACES}"
    share = f"{100 * freed_share:g}".replace(".", ",")
    return *known, today, today / (1 + freed_share), f"{ORDER} ; {ASSUMPTION.format(share=share)}"


def _freed(authorisation_id: str, poolings: Iterable[PoolSites]) -> float | None:
    """Return the share of staff time that a pooling of which the authorisation is a member frees, None if unknown."""
    shares = [
        pooling.freed_staff_share
        for pooling in poolings
        if authorisation_id in pooling.member_ids and pooling.freed_staff_share
    ]
    # two groupings do not free the same hour twice
    return max(shares) if shares else None


def _in_places(state: State, authorisation_id: str) -> bool:
    """Return whether the capacity of an authorisation is counted in places."""
    rows = supply.rows_serving(state.services, authorisation_id)
    return bool(rows["capacity_unit"].eq("places").any())
