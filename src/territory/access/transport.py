"""The transport problem behind the allocation of places, solved exactly.

Three aims, each without giving up anything of the one before: most persons served, least total time, smallest
largest share of unmet demand. The first two are one linear programme, in which a person served is worth more
than any detour it can cause to the others. Its optimal solutions are then searched for the third aim: by
complementary slackness they are the flows on pairs of zero reduced cost that keep every row with a price full.
The matrix of a transport problem is totally unimodular, so whole persons and places give whole flows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linprog
from scipy.sparse import csc_array, csr_array, hstack, vstack

from territory.access.pairs import Bools, Floats, Ints, Pairs
from territory.errors import InfeasibleError

# under a tenth of a millisecond of travel, above the rounding of the solver
PRICE_TOLERANCE_MIN = 1e-6
FLOW_TOLERANCE = 1e-7
# pairs per origin and per site that enter the programme together
PAIRS_AT_ONCE = 10


@dataclass(frozen=True)
class _Optimum:
    """A best flow, the pairs that best flows may use, and the rows that they must fill."""

    flow: Floats
    usable: Bools
    full_origins: Bools
    full_sites: Bools


def best_flows(pairs: Pairs, persons: Floats, places: Floats) -> Floats:
    """Return the persons that go along each pair."""
    if not pairs.minutes.size or not persons.sum() or not places.sum():
        return np.zeros(pairs.minutes.size)
    rows = _rows(pairs)
    optimum = _most_served_then_fastest(pairs, rows, persons, places)
    is_whole = bool((persons == np.round(persons)).all() and (places == np.round(places)).all())
    used = np.flatnonzero(optimum.usable)
    fairest = _Fairest(pairs.take(used), optimum, persons, places)
    flow = np.zeros(pairs.minutes.size)
    flow[used] = fairest.whole(optimum.flow[used]) if is_whole else fairest.any_amount(optimum.flow[used])
    return flow


def _rows(pairs: Pairs) -> csc_array:
    """Return the incidence of pairs on origins, then on sites."""
    columns = np.arange(pairs.minutes.size)
    sites = pairs.site.astype(np.int64) + len(pairs.origins)
    return csc_array(
        (
            np.ones(2 * columns.size),
            (np.concatenate([pairs.origin.astype(np.int64), sites]), np.concatenate([columns, columns])),
        ),
        shape=(len(pairs.origins) + len(pairs.sites), columns.size),
    )


def _most_served_then_fastest(pairs: Pairs, rows: csc_array, persons: Floats, places: Floats) -> _Optimum:
    """Solve the first two aims on the nearest pairs, and bring in the others as they are found to gain."""
    # serving one more person re-routes at most one person per site, each by the longest time at most
    worth = (min(persons.size, places.size) + 1) * max(float(pairs.minutes.max()), 1.0)
    limits = np.concatenate([persons, places])
    flow = np.zeros(pairs.minutes.size)
    active = _nearest(pairs.origin, pairs.minutes) | _nearest(pairs.site, pairs.minutes)
    while True:
        used = np.flatnonzero(active)
        solved = _solve(pairs.minutes[used] - worth, rows[:, used], limits)
        if solved.status != 0:
            raise InfeasibleError(f"Le solveur n'a pas trouvé d'affectation optimale : {solved.message}")
        prices = np.asarray(solved.ineqlin.marginals, dtype=np.float64)
        # what each pair left aside would gain, at these prices; none gains at the optimum over all pairs
        reduced = (
            pairs.minutes - worth - prices[pairs.origin] - prices[persons.size + pairs.site.astype(np.int64)]
        )
        gains = ~active & (reduced < -PRICE_TOLERANCE_MIN)
        if not gains.any():
            break
        active |= gains & (_nearest(pairs.origin, np.where(gains, reduced, np.inf)))
    flow[used] = solved.x
    has_price = prices < -PRICE_TOLERANCE_MIN
    return _Optimum(
        flow, reduced <= PRICE_TOLERANCE_MIN, has_price[: persons.size], has_price[persons.size :]
    )


def _nearest(group: Ints, cost: Floats) -> Bools:
    """Return a mask of the few cheapest pairs of each origin, or of each site."""
    order = np.lexsort((cost, group))
    ordered = group[order]
    starts = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))
    rank = np.arange(order.size) - np.repeat(starts, np.diff(np.append(starts, order.size)))
    mask = np.zeros(order.size, dtype=np.bool_)
    mask[order[rank < PAIRS_AT_ONCE]] = True
    return mask


def _solve(objective: Floats, rows: Any, limits: Floats) -> Any:
    """Minimise over flows of 0 or more under upper limits; simplex, so that whole limits give whole flows."""
    return linprog(objective, A_ub=rows, b_ub=limits, method="highs-ds")


class _Fairest:
    """Search the best flows for the smallest largest share of unmet demand."""

    def __init__(self, pairs: Pairs, optimum: _Optimum, persons: Floats, places: Floats) -> None:
        self.pairs = pairs
        self.persons = persons
        self.places = places
        self.rows = csr_array(_rows(pairs))
        self.full_sites = optimum.full_sites
        self.may_lack = ~optimum.full_origins & (persons > 0)

    def any_amount(self, flow: Floats) -> Floats:
        """Return the fairest of the best flows when persons need not be whole."""
        if not self._lacks(flow).any():
            return flow
        solved, _ = self._least_share()
        return flow if solved is None else np.where(solved < FLOW_TOLERANCE, 0.0, solved)

    def whole(self, flow: Floats) -> Floats:
        """Return the fairest of the best flows in whole persons."""
        best = np.round(flow)
        shares = self._lacks(best)
        if not shares.any():
            return best
        _, bound = self._least_share()
        for_each = [
            np.arange(np.floor(shares.max() * size) + 1) / size
            for size in np.unique(self.persons[self.may_lack])
        ]
        candidates = np.unique(np.concatenate(for_each))
        candidates = candidates[
            (candidates >= bound - FLOW_TOLERANCE) & (candidates < shares.max() - FLOW_TOLERANCE)
        ]
        low, high = 0, candidates.size
        while low < high:
            middle = (low + high) // 2
            found = self._with_share(float(candidates[middle]))
            if found is None:
                low = middle + 1
            else:
                best, high = np.round(found), middle
        return best

    def _lacks(self, flow: Floats) -> Floats:
        """Return the share of unmet demand of each origin that may lack places."""
        served = np.bincount(self.pairs.origin, weights=flow, minlength=self.persons.size)[self.may_lack]
        shares: Floats = 1.0 - served / self.persons[self.may_lack]
        shares[shares < FLOW_TOLERANCE] = 0.0
        return shares

    def _bounds(self) -> tuple[csr_array, Floats]:
        """Return rows and limits that every best flow respects, full rows as a lower limit too."""
        must = np.concatenate([(self.persons > 0) & ~self.may_lack, self.full_sites])
        limits = np.concatenate([self.persons, self.places])
        return csr_array(vstack([self.rows, -self.rows[must]])), np.concatenate([limits, -limits[must]])

    def _least_share(self) -> tuple[Floats | None, float]:
        """Return a flow with the smallest largest share, parts of persons allowed, and that share."""
        rows, limits = self._bounds()
        rows = csr_array(hstack([rows, csr_array((rows.shape[0], 1))]))
        # persons served + share x persons >= persons
        lack = np.flatnonzero(self.may_lack)
        fair = csr_array(hstack([-self.rows[lack], csr_array(-self.persons[lack][:, None])]))
        objective = np.zeros(rows.shape[1])
        objective[-1] = 1.0
        solved = _solve(objective, vstack([rows, fair]), np.concatenate([limits, -self.persons[lack]]))
        if solved.status != 0:
            return None, 0.0
        return np.asarray(solved.x[:-1], dtype=np.float64), float(solved.fun)

    def _with_share(self, share: float) -> NDArray[np.float64] | None:
        """Return a best flow in whole persons that leaves no origin with more than this share, if any."""
        rows, limits = self._bounds()
        lack = np.flatnonzero(self.may_lack)
        allowed = np.floor(share * self.persons[lack] + FLOW_TOLERANCE)
        solved = _solve(
            np.zeros(rows.shape[1]),
            vstack([rows, -self.rows[lack]]),
            np.concatenate([limits, allowed - self.persons[lack]]),
        )
        return np.asarray(solved.x, dtype=np.float64) if solved.status == 0 else None
