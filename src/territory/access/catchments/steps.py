"""The two steps of a floating catchment area, apart: what sites are asked for, then what reaches the origins.

The first step can be made on parts of a table and added up; the second needs the sums of all parts, and the pairs of
some origins with all their sites.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from territory.access.catchments.exact_sums import ExactSums, weighted_sums
from territory.access.pairs import Bools, Floats, Pairs

METHODS = ("2sfca", "e2sfca", "m2sfca", "3sfca", "bfca")


@dataclass(frozen=True)
class Asked:
    """By site: the demand that asks for it, and the sum of its weights (for "bfca" alone)."""

    demand: ExactSums
    weights: ExactSums | None

    @classmethod
    def nothing(cls, method: str, n_sites: int) -> Asked:
        """Return what nobody asks for."""
        return cls(ExactSums.zeros(n_sites), ExactSums.zeros(n_sites) if method == "bfca" else None)

    def add(self, other: Asked, sites: NDArray[np.int64]) -> None:
        """Add what a part asks of some of the sites."""
        self.demand.add_at(other.demand, sites)
        if self.weights is not None and other.weights is not None:
            self.weights.add_at(other.weights, sites)

    def column(self) -> Floats | None:
        """Return the sum of the weights of each site, for "bfca" alone."""
        return None if self.weights is None else self.weights.values()


def ask(method: str, pairs: Pairs, weights: Floats, persons: Floats, places: Floats) -> Asked:
    """Return what the origins of some pairs, all of their pairs given, ask of each site."""
    asked = Asked.nothing(method, len(pairs.sites))
    asked.demand.add(pairs.site, pairs.origin, _shares(method, pairs, weights, places), persons)
    if asked.weights is not None:
        asked.weights.add(pairs.site, pairs.origin, weights, np.ones(len(pairs.origins)))
    return asked


def ask_whole(
    method: str, pairs: Pairs, weights: Floats, persons: Floats, places: Floats
) -> tuple[Floats, Floats | None]:
    """Return the demand and, for "bfca" alone, the sum of weights of each site, when no part is to be added."""
    shares, size = _shares(method, pairs, weights, places), len(pairs.sites)
    demand = weighted_sums(pairs.site, pairs.origin, shares, persons, size)
    if method != "bfca":
        return demand, None
    return demand, weighted_sums(pairs.site, pairs.origin, weights, np.ones(len(pairs.origins)), size)


def ratios_of(demand: Floats, places: Floats) -> tuple[Floats, Bools]:
    """Return supply per person of each site, 0 where nobody asks for it, and where that loses some supply."""
    nobody = demand == 0
    ratios: Floats = np.where(nobody | (places == 0), 0.0, places / np.where(nobody, 1.0, demand))
    return ratios, nobody & (places > 0)


def answer(
    method: str, pairs: Pairs, weights: Floats, places: Floats, ratios: Floats, column: Floats | None
) -> Floats:
    """Return what reaches each origin; the column is the sum of the weights of each site, for "bfca" alone."""
    given = weights
    if method == "m2sfca":
        given = weights * weights
    elif method == "3sfca":
        given = _choices(pairs, weights, places) * weights
    elif column is not None:
        given = weights / np.where(column == 0, 1.0, column)[pairs.site]
    return weighted_sums(pairs.origin, pairs.site, given, ratios, len(pairs.origins))


def _shares(method: str, pairs: Pairs, weights: Floats, places: Floats) -> Floats:
    """Return with what weight each origin asks for each site."""
    if method not in ("3sfca", "bfca"):
        return weights
    shares = _choices(pairs, weights, places)
    return shares * weights if method == "3sfca" else shares


def _choices(pairs: Pairs, weights: Floats, places: Floats) -> Floats:
    """Return the share of each origin that chooses each site, among the sites that have supply."""
    is_choice = (places != 0).astype(np.float64)
    total = weighted_sums(pairs.origin, pairs.site, weights, is_choice, len(pairs.origins))
    offered = np.where(is_choice[pairs.site] == 0, 0.0, weights)
    shares: Floats = offered / np.where(total == 0, 1.0, total)[pairs.origin]
    return shares
