"""Good sets of sites found quickly: greedy addition, then the vertex interchange of Teitz and Bart (1968).

A set is a mask of open columns. Times that cannot be used are a large number, so that sets which reach everybody
are preferred without a special case.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from territory.planning.solver import ROUNDING, Bools, Floats, Positions


@dataclass(frozen=True)
class MedianProblem:
    """Choose columns so that the sum over rows of the smallest cost is as small as possible.

    `costs` is weight × minutes (infinite where a column cannot serve a row); `always` columns are open, and
    neither count in `p` nor pay a `price`.
    """

    costs: Floats
    always: Bools
    p: int
    price: Floats
    budget: float

    def value(self, is_open: Bools) -> float:
        """Return the objective of a set, infinite when some row is not served."""
        if not is_open.any():
            return math.inf if len(self.costs) else 0.0
        return float(self.costs[:, is_open].min(axis=1).sum())

    def allows(self, is_open: Bools) -> bool:
        """Tell whether a set respects the number of sites and the budget."""
        chosen = is_open & ~self.always
        return bool(
            chosen.sum() <= self.p and self.price[chosen].sum() <= self.budget * (1 + ROUNDING) + ROUNDING
        )


def improve(problem: MedianProblem, start: Bools, *, max_moves: int = 200) -> Bools:
    """Add, then swap one site at a time for as long as it helps; return the set reached.

    The gain of every swap is computed at once from the closest and second closest open sites (Whitaker 1983;
    Resende and Werneck 2007).
    """
    costs = np.where(np.isfinite(problem.costs), problem.costs, _large(problem.costs))
    is_open = start | problem.always
    for _ in range(max_moves):
        if not _add(problem, costs, is_open) and not _swap(problem, costs, is_open):
            break
    return is_open


def prune(problem: MedianProblem, is_open: Bools) -> Bools:
    """Close, from the last column on, the sites without which nothing is lost."""
    kept = is_open.copy()
    value = problem.value(kept)
    for column in np.flatnonzero(is_open & ~problem.always)[::-1]:
        kept[column] = False
        if problem.value(kept) > value * (1 + ROUNDING):
            kept[column] = True
    return kept


def _large(costs: Floats) -> float:
    """Return a cost above that of any set which serves everybody."""
    finite = costs[np.isfinite(costs)]
    return 10.0 * (float(finite.max()) if finite.size else 1.0) * max(1, len(costs)) + 1.0


def _add(problem: MedianProblem, costs: Floats, is_open: Bools) -> bool:
    """Open the column that gains most, if one more is allowed."""
    chosen = is_open & ~problem.always
    left = problem.budget - problem.price[chosen].sum()
    may = ~is_open & (problem.price <= left * (1 + ROUNDING) + ROUNDING)
    if chosen.sum() >= problem.p or not may.any():
        return False
    closest = costs[:, is_open].min(axis=1, initial=_large(costs))
    gains = np.where(may, np.maximum(closest[:, None] - costs, 0.0).sum(axis=0), -1.0)
    best = int(np.argmax(gains))
    if gains[best] <= ROUNDING * closest.sum():
        return False
    is_open[best] = True
    return True


def _swap(problem: MedianProblem, costs: Floats, is_open: Bools) -> bool:
    """Make the best swap of one open column for a closed one, if it gains."""
    opened = np.flatnonzero(is_open & ~problem.always)
    closed = np.flatnonzero(~is_open)
    if not (opened.size and closed.size):
        return False
    columns = np.flatnonzero(is_open)
    closest, second, owner = _two_closest(costs, columns)
    gain = np.maximum(closest[:, None] - costs[:, closed], 0.0)
    # what the users of a closed site lose, less what the new site gives them beyond `gain`
    change = np.minimum(second[:, None], costs[:, closed]) - np.minimum(closest[:, None], costs[:, closed])
    losses = np.zeros((len(costs[0]), closed.size))
    np.add.at(losses, columns[owner], change)
    net = gain.sum(axis=0)[None, :] - losses[opened]
    spent = problem.price[opened].sum()
    total = spent - problem.price[opened][:, None] + problem.price[closed][None, :]
    net[total > problem.budget * (1 + ROUNDING) + ROUNDING] = -np.inf
    out, entered = np.unravel_index(int(np.argmax(net)), net.shape)
    if net[out, entered] <= ROUNDING * closest.sum():
        return False
    is_open[opened[out]] = False
    is_open[closed[entered]] = True
    return True


def _two_closest(costs: Floats, columns: Positions) -> tuple[Floats, Floats, Positions]:
    """Return the cheapest and second cheapest cost of each row among columns, and which is the cheapest."""
    among = costs[:, columns]
    owner = among.argmin(axis=1)
    rows = np.arange(len(costs))
    closest = among[rows, owner]
    if columns.size == 1:
        return closest, np.full(len(costs), _large(costs)), owner
    among = among.copy()
    among[rows, owner] = np.inf
    return closest, among.min(axis=1), owner
