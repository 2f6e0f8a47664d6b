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

from territory.planning.siting.interchange import MedianProblem, improve, prune
from territory.planning.siting.lagrangian import proven, relax
from territory.planning.solver import Bools, Floats, Positions, Search, minimise


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
    size = cost.size
    sites = len(problem.always)
    rows, low, high = _with_limits(problem, rows, low)
    lower, upper = np.zeros(size), np.ones(size)
    lower[:sites][opened] = 1.0
    upper[:sites][closed] = 0.0
    answer = minimise(
        cost,
        rows,
        low,
        high,
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


def _with_limits(
    problem: MedianProblem, rows: sp.csr_array, low: Floats
) -> tuple[sp.csr_array, Floats, Floats]:
    """Return the rows with the number of sites and the budget added."""
    high = np.full(low.size, np.inf)
    extra = [np.where(problem.always, 0.0, 1.0)]
    limits = [float(problem.p)]
    if math.isfinite(problem.budget):
        extra.append(np.where(problem.always, 0.0, problem.price))
        limits.append(problem.budget)
    padded = np.zeros((len(extra), rows.shape[1]))
    padded[:, : len(problem.always)] = extra
    stacked = sp.vstack([rows, sp.csr_array(padded)], format="csr")
    return (
        stacked,
        np.concatenate([low, np.full(len(extra), -np.inf)]),
        np.concatenate([high, np.asarray(limits)]),
    )
