"""The p-median solved to a proven gap: Lagrangian bound first, HiGHS on what it could not settle.

HiGHS gets the radius formulation (Cornuéjols, Nemhauser and Wolsey 1980; García, Labbé and Marín 2011, INFORMS
Journal on Computing 23): z_ik = 1 when row i has no open site within its k-th distance. It is as strong as the
classical one and much sparser.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from scipy.optimize import LinearConstraint

from territory.access.pairs import Bools, Floats
from territory.planning.solver import ROUNDING, Positions, Search, minimise, spread

_MAX_STEPS = 6000
# fewer steps without progress than this, and the bound stops several percent short
_PATIENCE = 60
_MIN_SCALE = 1e-4


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Columns that are always open, how many more may be, and what they cost within which budget."""

    always: Bools
    p: int
    price: Floats
    budget: float


@dataclass(frozen=True, kw_only=True)
class MedianProblem(Limits):
    """Choose columns so that the sum over rows of the smallest cost (infinite = cannot serve) is the smallest."""

    costs: Floats

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


@dataclass(frozen=True)
class Relaxed:
    """The best set and the best bound found, and the multipliers of that bound."""

    is_open: Bools
    value: float
    bound: float
    multipliers: Floats
    price: float
    reduced: Floats
    in_bound: Bools


def relax(problem: MedianProblem, search: Search, start: Bools) -> Relaxed:
    """Raise the bound and lower the objective until they meet, or the steps bring nothing more."""
    is_open = min((improve(problem, known) for known in (start, problem.always)), key=problem.value)
    multipliers = np.where(np.isfinite(problem.costs), problem.costs, np.inf).min(axis=1) * 1.2
    price, scale, stale = 0.0, 2.0, 0
    has_budget = math.isfinite(problem.budget)
    # brings the budget's row to the size of the others
    unit = math.sqrt(len(problem.costs)) / max(problem.budget, 1e-12) if has_budget else 0.0
    best = Relaxed(
        is_open,
        problem.value(is_open),
        -math.inf,
        multipliers,
        price,
        np.zeros(problem.always.size),
        problem.always,
    )
    # no assignment costs more: a bound above it proves that there is none, and would grow without end
    ceiling = np.where(np.isfinite(problem.costs), problem.costs, 0.0).max(axis=1, initial=0.0).sum()
    for _ in range(_MAX_STEPS):
        bound, reduced, inside = _bound(problem, multipliers, price)
        if bound > best.bound + ROUNDING * abs(bound):
            best = Relaxed(best.is_open, best.value, bound, multipliers, price, reduced, inside)
            stale = 0
        else:
            stale += 1
        if stale and stale % _PATIENCE == 0:
            scale /= 2
            multipliers, price = best.multipliers, best.price
            best = _tighten(problem, best, inside)
        if search.is_enough(best.value, best.bound) or scale < _MIN_SCALE or search.is_over:
            break
        if math.isinf(best.value) and best.bound > ceiling * (1 + ROUNDING) + 1.0:
            break
        slope = 1.0 - (problem.costs[:, inside] < multipliers[:, None]).sum(axis=1)
        over = unit * (problem.price[inside & ~problem.always].sum() - problem.budget) if has_budget else 0.0
        length = float(slope @ slope + over**2)
        if length == 0:
            break
        target = best.value if math.isfinite(best.value) else abs(bound) * 1.1 + 1.0
        step = scale * max(1.02 * target - bound, ROUNDING) / length
        multipliers = multipliers + step * slope
        price = max(0.0, price + step * over * unit)
    return _tighten(problem, best, best.in_bound)


def proven(problem: MedianProblem, relaxed: Relaxed) -> tuple[Bools, Bools, Floats]:
    """Return the columns proven closed, those proven open, and the largest cost that each row can pay.

    Only sets that are better than the one already known are looked for: what cannot belong to such a set is out.
    """
    size = len(problem.always)
    if not math.isfinite(relaxed.value):
        return np.zeros(size, dtype=bool), problem.always.copy(), np.full(len(problem.costs), np.inf)
    room = relaxed.value * (1 - ROUNDING) - relaxed.bound
    inside = relaxed.in_bound & ~problem.always
    outside = ~relaxed.in_bound
    # a column that enters pushes the worst one out, as soon as the number of sites is reached
    worst_in = relaxed.reduced[inside].max() if inside.sum() >= problem.p and inside.any() else 0.0
    best_out = min(0.0, float(relaxed.reduced[outside].min())) if outside.any() else 0.0
    closed = outside & (relaxed.reduced - worst_in > room)
    opened = problem.always | (inside & (best_out - relaxed.reduced > room))
    return closed, opened, relaxed.multipliers + room


def _bound(problem: MedianProblem, multipliers: Floats, price: float) -> tuple[float, Floats, Bools]:
    """Return the bound of these multipliers, the reduced cost of each column, and the columns it opens."""
    reduced = np.minimum(problem.costs - multipliers[:, None], 0.0).sum(axis=0)
    reduced[~problem.always] += price * problem.price[~problem.always]
    ranked = np.where(problem.always, np.inf, reduced)
    inside = problem.always.copy()
    first = np.argsort(ranked, kind="stable")[: problem.p]
    inside[first[ranked[first] < 0]] = True
    bound = float(multipliers.sum() + reduced[inside].sum())
    if price:
        bound -= price * problem.budget
    return bound, reduced, inside


def _tighten(problem: MedianProblem, best: Relaxed, inside: Bools) -> Relaxed:
    """Return the same bound with a better set, if the one that the bound opens leads to it."""
    start = inside if problem.allows(inside) else problem.always
    found = improve(problem, start)
    value = problem.value(found)
    if value >= best.value:
        return best
    return Relaxed(found, value, best.bound, best.multipliers, best.price, best.reduced, best.in_bound)


@dataclass(frozen=True)
class Choice:
    """Columns opened, their value, and a bound that no choice can beat; no value when there is no choice."""

    is_open: Bools
    value: float
    bound: float
    is_infeasible: bool = False


def solve_median(
    problem: MedianProblem, search: Search, *, start: Bools | None = None, finish: bool = True
) -> Choice:
    """Return the best set of columns known when the gap is closed or the time is up.

    `start` is a set known to serve everybody; without `finish`, HiGHS is not called and the gap may stay open.
    """
    if not np.isfinite(problem.costs).any(axis=1).all():
        return Choice(problem.always, math.inf, math.inf, is_infeasible=True)
    if problem.p == 0 or problem.always.all() or not len(problem.costs):
        value = problem.value(problem.always)
        return Choice(problem.always, value, value, is_infeasible=not math.isfinite(value))
    relaxed = relax(problem, search, problem.always if start is None else start)
    found = Choice(relaxed.is_open, relaxed.value, min(relaxed.bound, relaxed.value))
    if finish and not search.is_enough(found.value, found.bound) and not search.is_over:
        found = _finish(problem, found, proven(problem, relaxed), search)
    if not math.isfinite(found.value):
        return found
    return Choice(prune(problem, found.is_open), found.value, found.bound)


def _finish(
    problem: MedianProblem, known: Choice, facts: tuple[Bools, Bools, Floats], search: Search
) -> Choice:
    """Solve what the bound left open; the set already known stands when nothing better exists."""
    closed, opened, largest = facts
    cost, rows, low, constant = _radius_model(problem, closed, largest)
    size, sites = cost.size, len(problem.always)
    lower, upper = np.zeros(size), np.ones(size)
    lower[:sites][opened] = 1.0
    upper[:sites][closed] = 0.0
    answer = minimise(
        cost,
        [LinearConstraint(rows, low, np.inf), most_opened(problem, after=size - sites)],
        integer=np.arange(size) < sites,
        lower=lower,
        upper=upper,
        search=search,
    )
    if answer.is_infeasible:
        # nothing is better than what is known
        return Choice(known.is_open, known.value, known.value, is_infeasible=not math.isfinite(known.value))
    bound = min(known.value, max(known.bound, answer.bound + constant))
    if answer.values is None:
        return Choice(known.is_open, known.value, bound)
    is_open = improve(problem, answer.values[:sites] > 0.5)
    value = problem.value(is_open)
    if value >= known.value:
        return Choice(known.is_open, known.value, bound)
    return Choice(is_open, value, min(bound, value))


def _radius_model(
    problem: MedianProblem, closed: Bools, largest: Floats
) -> tuple[Floats, sp.csr_array, Floats, float]:
    """Return costs, rows (>= low) and constant of the radius formulation, y first, then the z of each row."""
    sites = len(problem.always)
    cost: list[Floats] = [np.zeros(sites)]
    entries: list[tuple[Positions, Positions, Floats]] = []
    low: list[Floats] = []
    constant, n_rows, n_columns = 0.0, 0, sites
    usable = np.where(closed[None, :], np.inf, problem.costs)
    # a row pays no more than its always open site asks
    cap = np.minimum(largest, np.where(problem.always, usable, np.inf).min(axis=1))
    for row, limit in zip(usable, cap, strict=True):
        columns = np.flatnonzero(np.isfinite(row) & (row <= limit))
        values, level = np.unique(row[columns], return_inverse=True)
        if not values.size:
            # even its cheapest site is too dear for a better set: an impossible row says it
            entries.append((np.array([n_rows]), np.array([0]), np.zeros(1)))
            low.append(np.ones(1))
            n_rows += 1
            continue
        steps = values.size - 1
        constant += values[0]
        cost.append(np.diff(values))
        z = np.arange(steps)
        entries.append((n_rows + level, columns, np.ones(columns.size)))
        entries.append((n_rows + z, n_columns + z, np.ones(steps)))
        entries.append((n_rows + 1 + z, n_columns + z, -np.ones(steps)))
        need = np.zeros(steps + 1)
        need[0] = 1.0
        low.append(need)
        n_rows += steps + 1
        n_columns += steps
    at = np.concatenate([entry[0] for entry in entries])
    column = np.concatenate([entry[1] for entry in entries])
    value = np.concatenate([entry[2] for entry in entries])
    rows = sp.csr_array((value, (at, column)), shape=(n_rows, n_columns))
    return np.concatenate(cost), rows, np.concatenate(low), constant


def most_opened(problem: Limits, *, before: int = 0, after: int = 0) -> LinearConstraint:
    """Return the rows of the number of sites and of the budget; `before` and `after` count the other variables."""
    rows, most = [np.where(problem.always, 0.0, 1.0)], [float(problem.p)]
    if math.isfinite(problem.budget):
        rows.append(np.where(problem.always, 0.0, problem.price))
        most.append(problem.budget * (1 + ROUNDING))
    return LinearConstraint(spread(np.asarray(rows), before=before, after=after), -np.inf, np.asarray(most))
