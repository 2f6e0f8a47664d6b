"""Travel times of a study drawn within their doubt: the same errors for today and for every scenario.

Streams of `numpy.random.Generator` hang on the seed and on ids alone: the order of rows changes nothing.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csr_array

from territory.access.catchments.floating_catchment import APL_NAME, APL_PROFILES
from territory.access.decay import Decay
from territory.access.uncertainty import HALF_WIDTHS_PER_SD, MAX_SD
from territory.errors import ParameterError, SchemaError, agree
from territory.network.estimate_model import ErrorParts, error_parts
from territory.scenario.measures.deserts import HEADCOUNT_COLUMN, standardised_hab, why_no_apl
from territory.study.own_tables import complete_kinds, kinds_of
from territory.study.state import State
from territory.study.words.indicators import Uncertainty

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]

# draws computed together: their pairs stay within a few tens of megabytes
BLOCK = 50
_COMMUNES, _PAIRS, _SITES, _MOVES, _DECAYS = range(5)
# 5 is the stream of needs
_TERRITORY, _SITE_ENDS, _ARRIVALS, _NEW_ENDS, _NEW_ARRIVALS = range(6, 11)


@dataclass(frozen=True)
class Doubt:
    """The draws of a study: `communes` (sorted) are the rows of every array; `parts` are shares of the variance."""

    communes: pd.Index[str]
    seed: int
    draws: int
    parts: ErrorParts
    epci: Ints
    _kept: dict[tuple[int, str], Floats] = field(default_factory=dict, repr=False, compare=False)
    # the draws that these are some communes of, and their rows there
    _whole: tuple[Doubt, Ints] | None = field(default=None, repr=False, compare=False)

    def of_territory(self) -> Floats:
        """Return the normal number that all the times of a draw share, as one row."""
        return self._numbers(_TERRITORY, "", 1)

    def of_communes(self) -> Floats:
        """Return the normal numbers that all the times of a commune share."""
        return self._of_each(_COMMUNES, "")

    def of_site(self, site_id: str, *, is_new: bool = False) -> tuple[Floats, Floats, Floats]:
        """Return what all times to a site share, those of an EPCI, each commune's own (`is_new`: road not shared)."""
        new, old = (_NEW_ENDS, _NEW_ARRIVALS, _MOVES), (_SITE_ENDS, _ARRIVALS, _SITES)
        ends, arrivals, own = new if is_new else old
        every = self.epci if self._whole is None else self._whole[0].epci
        by_epci = self._numbers(arrivals, site_id, int(every.max(initial=-1)) + 1)
        return self._numbers(ends, site_id, 1), by_epci[self.epci], self._of_each(own, site_id)

    def of_pairs(self, communes: Ints, sites: Ints) -> Iterator[tuple[slice, tuple[Floats, Floats, Floats]]]:
        """Yield blocks of draws with the normal numbers of some pairs, in their own order: as `of_site`."""
        by_epci = sites * (self.epci.max(initial=0) + 1) + self.epci[communes]
        arrivals, arrival = np.unique(by_epci, return_inverse=True)
        counts = (int(sites.max(initial=-1)) + 1, len(arrivals), len(sites))
        for first in range(0, self.draws, BLOCK):
            block = slice(first, min(first + BLOCK, self.draws))
            ends, ways, own = (
                np.random.default_rng([self.seed, stream, first]).standard_normal((count, block.stop - first))
                for stream, count in zip((_SITE_ENDS, _ARRIVALS, _PAIRS), counts, strict=True)
            )
            yield block, (ends[sites], ways[arrival], own)

    def mixed(self, territory: Floats, commune: Floats, site: Floats, arrival: Floats, own: Floats) -> Floats:
        """Return standard errors made of their parts, cut where the largest are."""
        of = self.parts
        both = math.sqrt(of.territory_share) * territory + math.sqrt(of.commune_share) * commune
        both = both + math.sqrt(of.site_share) * site + math.sqrt(of.arrival_share) * arrival
        return np.clip(both + math.sqrt(of.pair_share) * own, -MAX_SD, MAX_SD)

    def mixed_of_new_road(self, site: Floats, arrival: Floats, own: Floats) -> Floats:
        """Return the standard errors of the roads to another site that the first does not share."""
        rest = 1.0 - self.parts.new_site_share
        pairs = self.parts.arrival_share + self.parts.pair_share
        by_epci = rest * self.parts.arrival_share / pairs if pairs > 0 else 0.0
        both = math.sqrt(self.parts.new_site_share) * site + math.sqrt(by_epci) * arrival
        return np.asarray(both + math.sqrt(max(rest - by_epci, 0.0)) * own, dtype=np.float64)

    def near(self, is_near: pd.Series[bool]) -> Doubt:
        """Return the same draws for some communes alone."""
        at = np.flatnonzero(is_near.reindex(self.communes))
        return replace(self, communes=self.communes[at], epci=self.epci[at], _whole=(self, at))

    def _of_each(self, stream: int, name: str) -> Floats:
        """Return the numbers that each commune has for itself."""
        if self._whole is None:
            return self._numbers(stream, name, len(self.communes))
        return self._whole[0]._of_each(stream, name)[self._whole[1]]

    def _numbers(self, stream: int, name: str, rows: int) -> Floats:
        """Return the numbers of a stream, drawn once."""
        if (stream, name) not in self._kept:
            rng = np.random.default_rng([self.seed, stream, zlib.crc32(name.encode())])
            self._kept[stream, name] = rng.standard_normal((rows, self.draws))
        return self._kept[stream, name]


def doubt_of(state: State, *, seed: int, options: Uncertainty) -> Doubt:
    """Return the draws of a study; a commune without an EPCI is alone."""
    communes = pd.Index(sorted(state.communes.index), dtype=object)
    epci = state.communes["epci_code"].reindex(communes)
    alone = epci.isna().to_numpy(bool)
    codes = np.where(alone, communes.to_numpy(), epci.astype(object).to_numpy())
    groups, _ = pd.factorize(pd.MultiIndex.from_arrays([alone, codes]), sort=True)
    parts = error_parts("measured" if state.parameters.terrain is None else "terrain")
    if options.shared_error is not None:
        parts = parts.with_shared_error(options.shared_error)
    return Doubt(communes, seed, options.draws, parts, groups)


@dataclass(frozen=True)
class Pairs:
    """Pairs of one commune and one site: positions in `Doubt.communes`, minutes, and standard deviation (min)."""

    commune: Ints
    site: Ints
    minutes: Floats
    sd_min: Floats
    site_ids: pd.Index[str]

    def take(self, rows: Ints) -> Pairs:
        """Return some rows."""
        return Pairs(
            self.commune[rows], self.site[rows], self.minutes[rows], self.sd_min[rows], self.site_ids
        )

    @property
    def lowest(self) -> Floats:
        """Return the smallest time that a draw may give."""
        return np.maximum(self.minutes - MAX_SD * self.sd_min, 0.0)

    @property
    def highest(self) -> Floats:
        """Return the largest time that a draw may give."""
        return self.minutes + MAX_SD * self.sd_min


def read_pairs(travel_times: pd.DataFrame, communes: pd.Index[str], sites: Collection[str]) -> Pairs:
    """Return the known times to some sites, ordered by commune and site; unknown ones cannot be drawn."""
    if "uncertainty_min" not in travel_times.columns:
        raise SchemaError(
            "Table des temps : il manque uncertainty_min (demi-largeur du doute, en minutes) ; sans lui les "
            "tirages n'ont pas de sens. Ajoutez-la, ou mettez draws = 0 dans [uncertainty]."
        )
    rows = travel_times[travel_times["to_id"].isin(sites) & travel_times["travel_time_min"].notna()]
    site_ids = pd.Index(sorted(sites), dtype=object)
    commune = communes.get_indexer(pd.Index(rows["from_id"].astype(object)))
    site = site_ids.get_indexer(pd.Index(rows["to_id"].astype(object)))
    minutes = rows["travel_time_min"].to_numpy(np.float64)
    width = rows["uncertainty_min"].to_numpy(np.float64)
    if not (width >= 0).all():
        raise SchemaError(
            "Table des temps : uncertainty_min est inconnu ou négatif pour "
            f"{agree(int((~(width >= 0)).sum()), 'couple(s)')}."
        )
    kept = np.flatnonzero((commune >= 0) & np.isfinite(minutes))
    order = kept[np.lexsort((site[kept], commune[kept]))]
    return Pairs(commune[order], site[order], minutes[order], width[order] / HALF_WIDTHS_PER_SD, site_ids)


def may_be_closest(pairs: Pairs, is_asked: NDArray[np.bool_]) -> Ints:
    """Return the rows that some draw could make the closest of their commune: the others change nothing."""
    best = np.full(is_asked.size, np.inf)
    np.minimum.at(best, pairs.commune, pairs.highest)
    return np.flatnonzero(is_asked[pairs.commune] & (pairs.lowest <= best[pairs.commune]))


def drawn_blocks(doubt: Doubt, pairs: Pairs) -> Iterator[tuple[slice, Floats]]:
    """Yield blocks of draws with the times of all pairs (min), pairs x draws of the block."""
    territory, communes = doubt.of_territory(), doubt.of_communes()
    for block, numbers in doubt.of_pairs(pairs.commune, pairs.site):
        error = doubt.mixed(territory[:, block], communes[pairs.commune, block], *numbers)
        yield block, np.maximum(pairs.minutes[:, None] + pairs.sd_min[:, None] * error, 0.0)


def closest_of(drawn: Floats, commune: Ints, size: int) -> Floats:
    """Return the smallest drawn time of each commune, infinite without any; rows are ordered by commune."""
    found = np.full((size, drawn.shape[1]), np.inf)
    if commune.size:
        starts = np.flatnonzero(np.append(True, commune[1:] != commune[:-1]))
        found[commune[starts]] = np.minimum.reduceat(drawn, starts, axis=0)
    return found


def draw_site(
    doubt: Doubt, minutes: Floats, sd_min: Floats, site_ids: pd.Series[str]
) -> tuple[Floats, Floats]:
    """Draw the time from every commune to the one site that it goes to."""
    error = doubt.mixed(doubt.of_territory(), doubt.of_communes(), *_by_site(doubt, site_ids, is_new=False))
    return np.maximum(minutes[:, None] + sd_min[:, None] * error, 0.0), error


def draw_other_site(
    doubt: Doubt,
    error: Floats,
    minutes: Floats,
    sd_min: Floats,
    site_ids: pd.Series[str],
    correlation: Floats,
) -> Floats:
    """Draw the time to another site, whose error is partly that of the first: they share the road that they share."""
    own = doubt.mixed_of_new_road(*_by_site(doubt, site_ids, is_new=True))
    mixed = correlation[:, None] * error + np.sqrt(1.0 - correlation[:, None] ** 2) * own
    mixed = np.clip(mixed, -MAX_SD, MAX_SD)
    return np.maximum(minutes[:, None] + sd_min[:, None] * mixed, 0.0)


def ends_of(drawn: Floats, level: float) -> tuple[Floats, Floats]:
    """Return the ends of the interval that holds a share of the draws, row by row; NaN as soon as one is unknown."""
    # ends are draws: no mean of a time and "out of reach" (infinite); NaN is sorted last
    ordered, count = np.sort(drawn, axis=1), drawn.shape[1]
    low, high = (
        np.where(np.isnan(ordered[:, -1]), np.nan, ordered[:, max(math.ceil(round(share * count, 9)) - 1, 0)])
        for share in ((1 - level) / 2, (1 + level) / 2)
    )
    return low, high


def narrowest_of(drawn: Floats, level: float) -> tuple[Floats, Floats]:
    """Return the ends of the narrowest interval that holds a share of the draws, row by row: counts pile up at 0."""
    held = max(math.ceil(round(level * drawn.shape[1], 9)), 1)
    ordered, row = np.sort(drawn, axis=1), np.arange(len(drawn))
    widths = ordered[:, held - 1 :] - ordered[:, : drawn.shape[1] - held + 1]
    # the first of those that are as narrow: what sums leave decides nothing
    first = (widths <= widths.min(axis=1, keepdims=True) + 1e-6).argmax(axis=1)
    return ordered[row, first], ordered[row, first + held - 1]


def correlation_of(sd_a_min: Floats, sd_b_min: Floats, detectable_min: Floats) -> Floats:
    """Return the correlation of two errors whose difference has a given half-width, or the closest one there is."""
    product = sd_a_min * sd_b_min
    left = sd_a_min**2 + sd_b_min**2 - (detectable_min / HALF_WIDTHS_PER_SD) ** 2
    with np.errstate(invalid="ignore", divide="ignore"):
        found = np.where(product > 0, left / (2 * product), 0.0)
    # an unknown detectable size shares nothing
    return np.asarray(np.clip(np.nan_to_num(found, nan=0.0), -1.0, 1.0), dtype=np.float64)


def _by_site(doubt: Doubt, site_ids: pd.Series[str], *, is_new: bool) -> tuple[Floats, Floats, Floats]:
    """Return the numbers of each commune's own site as `Doubt.of_site`, 0 for a commune that goes nowhere."""
    found = tuple(np.zeros((len(doubt.communes), doubt.draws)) for _ in range(3))
    for site in site_ids.dropna().unique():
        here = (site_ids == site).fillna(False).to_numpy(bool)
        for table, numbers in zip(found, doubt.of_site(str(site), is_new=is_new), strict=True):
            table[here] = np.broadcast_to(numbers, table.shape)[here]
    return found[0], found[1], found[2]


PER_HAB = 100_000.0


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
        near = pairs.site_ids.isin(self.offered.index)[pairs.site] & (pairs.lowest <= self.reach_min)
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
    if given.profile is None or given.service not in complete_kinds(state.services):
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
        known = ", ".join(APL_PROFILES)
        raise ParameterError(f"Profil d'APL « {unknown[0]} » inconnu : choisissez parmi {known}.")
    return GpPlan(
        name=APL_NAME if is_apl else HEADCOUNT_COLUMN,
        people=np.asarray(people.reindex(doubt.communes), dtype=np.float64),
        offered=offered.astype(np.float64),
        scale=1.0 if is_apl else PER_HAB,
        decays=tuple(APL_PROFILES[name].decay for name in names),
        which=np.random.default_rng([doubt.seed, _DECAYS]).integers(0, len(names), doubt.draws),
    )
