"""Lower bound of a p-median by Lagrangian relaxation, and what it proves about each site.

Relaxing "each row is served once" with multipliers u_i (and the budget with a price v >= 0) leaves
L(u, v) = sum_i u_i - v B + sum of the p most negative of rho_j = v c_j + sum_i min(0, cost_ij - u_i),
a bound for every u, raised by subgradient steps (Cornuéjols, Fisher and Nemhauser 1977, Management Science 23).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from territory.planning.siting.interchange import MedianProblem, improve
from territory.planning.solver import ROUNDING, Bools, Floats, Search

_MAX_STEPS = 6000
# fewer steps without progress than this, and the bound stops several percent short
_PATIENCE = 60
_MIN_SCALE = 1e-4


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
