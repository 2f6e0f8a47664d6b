"""Access to GPs drawn within the doubt on times, each draw under one of several decays."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csr_array

from territory.access.catchments.practitioners import APL_NAME, APL_PROFILES
from territory.access.decay import Decay
from territory.errors import ParameterError
from territory.scenario.doubt.random_errors import Doubt, Floats, Ints, Pairs
from territory.scenario.measures.gp_access import HEADCOUNT_COLUMN, standardised_hab, why_no_apl
from territory.study.services import complete_kinds, kinds_of
from territory.study.state import State

PER_HAB = 100_000.0
_DECAYS = 4


@dataclass(frozen=True)
class GpPlan:
    """A catchment to draw: who asks (by commune), what is offered (by site), and the decay of each draw."""

    name: str
    people: Floats
    offered: pd.Series[float]
    scale: float
    decays: tuple[Decay, ...]
    which: NDArray[np.intp]

    @property
    def reach_min(self) -> float:
        """Return the longest time that has a weight under one of the decays (min)."""
        return max(float(getattr(decay, "reach_min", np.inf)) for decay in self.decays)

    def rows(self, pairs: Pairs, is_asked: NDArray[np.bool_]) -> Ints:
        """Return the rows that some draw may give a weight: to sites within reach of a commune asked."""
        offers = pairs.site_ids.isin(self.offered.index)[pairs.site]
        near = offers & (pairs.lowest <= self.reach_min)
        used = np.zeros(len(pairs.site_ids), dtype=np.bool_)
        used[pairs.site[near & is_asked[pairs.commune]]] = True
        return np.flatnonzero(near & used[pairs.site])


class GpSums:
    """The sums of a catchment over its pairs, block of draws by block of draws."""

    def __init__(self, plan: GpPlan, pairs: Pairs) -> None:
        self._plan = plan
        self._commune, self._site = pairs.commune, pairs.site
        count = np.arange(pairs.site.size)
        ones = np.ones(count.size)
        shape = (len(pairs.site_ids), count.size)
        self._by_site = csr_array((ones, (pairs.site, count)), shape=shape)
        self._by_commune = csr_array((ones, (pairs.commune, count)), shape=(plan.people.size, count.size))
        self._people = plan.people[pairs.commune][:, None]
        self._offered = plan.offered.reindex(pairs.site_ids).fillna(0.0).to_numpy(np.float64)[:, None]

    def access(self, drawn: Floats, block: slice) -> Floats:
        """Return the access of every commune under the times of a block, communes x draws of the block."""
        weights = np.empty_like(drawn)
        for number, decay in enumerate(self._plan.decays):
            here = np.flatnonzero(self._plan.which[block] == number)
            weights[:, here] = decay(drawn[:, here])
        asked = np.asarray(self._by_site @ (weights * self._people), dtype=np.float64)
        with np.errstate(divide="ignore", invalid="ignore"):
            per_person = np.where(asked > 0, self._offered / asked, 0.0)
        found = self._by_commune @ (weights * per_person[self._site])
        return np.asarray(self._plan.scale * found, dtype=np.float64)


def plan_gp_draws(state: State, doubt: Doubt) -> GpPlan | None:
    """Return the catchment of GPs to draw, None when the study has none that can be computed."""
    given = state.parameters.practitioners
    if given.service not in complete_kinds(state.services):
        return None
    rows = state.services[kinds_of(state.services) == given.service]
    is_apl = not why_no_apl(state)
    if not is_apl and not rows["capacity_unit"].eq("headcount").all():
        return None
    offered = rows["capacity"].groupby(level="site_id").sum(min_count=1).sort_index()
    people = standardised_hab(state) if is_apl else state.communes["population"]
    if people is None or people.isna().any() or offered.isna().any():
        return None
    names = tuple(dict.fromkeys((given.profile, *given.other_profiles)))
    unknown = [name for name in names if name not in APL_PROFILES]
    if unknown:
        raise ParameterError(
            f"Profil d'APL « {unknown[0]} » inconnu : choisissez parmi {', '.join(APL_PROFILES)}."
        )
    return GpPlan(
        name=APL_NAME if is_apl else HEADCOUNT_COLUMN,
        people=np.asarray(people.reindex(doubt.communes), dtype=np.float64),
        offered=offered.astype(np.float64),
        scale=1.0 if is_apl else PER_HAB,
        decays=tuple(APL_PROFILES[name].decay for name in names),
        which=np.random.default_rng([doubt.seed, _DECAYS]).integers(0, len(names), doubt.draws),
    )
