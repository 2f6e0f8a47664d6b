"""The p-median solved to a proven gap: Lagrangian bound first, HiGHS on what it could not settle.

HiGHS gets the radius formulation (Cornuéjols, Nemhauser and Wolsey 1980; García, Labbé and Marín 2011, INFORMS
Journal on Computing 23): z_ik = 1 when row i has no open site within its k-th distance; as strong and much sparser.
"""

import math
from dataclasses import dataclass, replace

import numpy as np
import scipy.sparse as sp
from scipy.optimize import LinearConstraint

from territory.access.pairs import Bools, Floats
from territory.planning.solver import ROUNDING, Positions, Search, minimise, spread

_MAX_STEPS = 6000  # pragma: no mutate
# fewer steps without progress than this, and the bound stops several percent short
_PATIENCE = 60  # pragma: no mutate
_MIN_SCALE = 1e-4  # pragma: no mutate


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Columns that are always open, and how many more may be."""

    always: Bools
    p: int


@dataclass(frozen=True, kw_only=True)
class MedianProblem(Limits):
    """Choose columns so that the sum over rows of the smallest cost (infinite = cannot serve) is the smallest."""

    costs: Floats

    def value(self, is_open: Bools) -> float:
        """Return the objective of a set, infinite when some row is not served."""
        if not is_open.any():
            return math.inf if len(self.costs) else 0.0
        return float(self.costs[:, is_open].min(axis=1).sum())


def improve(problem: MedianProblem, start: Bools, *, max_moves: int = 200) -> Bools:
    """Add, then swap one site at a time for as long as it helps; return the set reached."""
    # the gain of every swap is computed at once from the closest and second closest open sites (Whitaker 1983;
    # Resende and Werneck 2007)
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
    if (is_open & ~problem.always).sum() >= problem.p or is_open.all():
        return False
    closest = costs[:, is_open].min(axis=1, initial=_large(costs))
    gains = np.where(is_open, -1.0, np.maximum(closest[:, None] - costs, 0.0).sum(axis=0))
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
    among, rows = costs[:, columns], np.arange(len(costs))
    owner = among.argmin(axis=1)
    closest = among[rows, owner]
    among[rows, owner] = _large(costs)
    second = among.min(axis=1)
    gain = np.maximum(closest[:, None] - costs[:, closed], 0.0)
    # what the users of a closed site lose, less what the new site gives them beyond `gain`
    change = np.minimum(second[:, None], costs[:, closed]) - np.minimum(closest[:, None], costs[:, closed])
    losses = np.zeros((len(costs[0]), closed.size))
    np.add.at(losses, columns[owner], change)
    net = gain.sum(axis=0)[None, :] - losses[opened]
    out, entered = np.unravel_index(int(np.argmax(net)), net.shape)
    if net[out, entered] <= ROUNDING * closest.sum():
        return False
    is_open[opened[out]] = False
    is_open[closed[entered]] = True
    return True


@dataclass(frozen=True)
class Relaxed:
    """The best set and the best bound found, and the multipliers of that bound."""

    is_open: Bools
    value: float
    bound: float
    multipliers: Floats
    reduced: Floats
    in_bound: Bools


def relax(problem: MedianProblem, search: Search, start: Bools) -> Relaxed:
    """Raise the bound and lower the objective until they meet, or the steps bring nothing more."""
    is_open = min((improve(problem, known) for known in (start, problem.always)), key=problem.value)
    multipliers = np.where(np.isfinite(problem.costs), problem.costs, np.inf).min(axis=1) * 1.2
    scale, stale = 2.0, 0  # pragma: no mutate
    nothing = np.zeros(problem.always.size)
    best = Relaxed(is_open, problem.value(is_open), -math.inf, multipliers, nothing, problem.always)
    # no assignment costs more: a bound above it proves that there is none, and would grow without end
    ceiling = np.where(np.isfinite(problem.costs), problem.costs, 0.0).max(axis=1, initial=0.0).sum()
    for _ in range(_MAX_STEPS):
        bound, reduced, inside = _bound(problem, multipliers)
        if bound > best.bound + ROUNDING * abs(bound):
            best = Relaxed(best.is_open, best.value, bound, multipliers, reduced, inside)
            stale = 0
        else:
            stale += 1
        if stale and stale % _PATIENCE == 0:
            scale /= 2
            multipliers = best.multipliers
            best = _tighten(problem, best, inside)
        if search.is_enough(best.value, best.bound) or scale < _MIN_SCALE or search.is_over:
            break
        if math.isinf(best.value) and best.bound > ceiling * (1 + ROUNDING) + 1.0:
            break
        slope = 1.0 - (problem.costs[:, inside] < multipliers[:, None]).sum(axis=1)
        length = float(slope @ slope)
        if length == 0:
            break
        target = best.value if math.isfinite(best.value) else abs(bound) * 1.1 + 1.0  # pragma: no mutate
        step = scale * max(1.02 * target - bound, ROUNDING) / length  # pragma: no mutate
        multipliers = multipliers + step * slope
    return _tighten(problem, best, best.in_bound)


def proven(problem: MedianProblem, relaxed: Relaxed) -> tuple[Bools, Bools, Floats]:
    """Return the columns proven closed, those proven open, and the most that a row pays in a better set."""
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


def _bound(problem: MedianProblem, multipliers: Floats) -> tuple[float, Floats, Bools]:
    """Return the bound of these multipliers, the reduced cost of each column, and the columns it opens."""
    reduced = np.minimum(problem.costs - multipliers[:, None], 0.0).sum(axis=0)
    ranked = np.where(problem.always, np.inf, reduced)
    inside = problem.always.copy()
    first = np.argsort(ranked, kind="stable")[: problem.p]
    inside[first[ranked[first] < 0]] = True
    return float(multipliers.sum() + reduced[inside].sum()), reduced, inside


def _tighten(problem: MedianProblem, best: Relaxed, inside: Bools) -> Relaxed:
    """Return the same bound with a better set, if the one that the bound opens leads to it."""
    found = improve(problem, inside)
    value = problem.value(found)
    return best if value >= best.value else replace(best, is_open=found, value=value)


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
    """Return the best columns from `start`, which serves everybody; without `finish`, HiGHS is not called."""
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
    rules = [LinearConstraint(rows, low, np.inf), most_opened(problem, after=size - sites)]
    integer = np.arange(size) < sites
    answer = minimise(cost, rules, integer=integer, lower=lower, upper=upper, search=search)
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
        low.append(np.eye(1, steps + 1)[0])
        n_rows += steps + 1
        n_columns += steps
    at, column, value = (np.concatenate(part) for part in zip(*entries, strict=True))
    rows = sp.csr_array((value, (at, column)), shape=(n_rows, n_columns))
    return np.concatenate(cost), rows, np.concatenate(low), constant


def most_opened(problem: Limits, *, before: int = 0, after: int = 0) -> LinearConstraint:
    """Return the row of the number of sites; `before` and `after` count the other variables."""
    row = np.where(problem.always, 0.0, 1.0)[None, :]
    return LinearConstraint(spread(row, before=before, after=after), -np.inf, float(problem.p))
