"""Covering problems without capacities: everyone within a time, or as many persons as possible."""

from __future__ import annotations

import math

import numpy as np
import scipy.sparse as sp

from territory.planning.siting.median_search import Choice
from territory.planning.solver import ROUNDING, Bools, Floats, Search, minimise


def cover_all(
    within: Bools,
    always: Bools,
    *,
    cost: Floats,
    p: int,
    price: Floats,
    budget: float,
    search: Search,
    any_solution: bool = False,
) -> Choice:
    """Open columns at the least cost so that each row has one; at most p of them, within a budget."""
    left = within[~within[:, always].any(axis=1)]
    if not left.any(axis=1).all():
        return Choice(always, math.inf, math.inf, is_infeasible=True)
    if not len(left):
        return Choice(always, 0.0, 0.0)
    limits, most = _limits(always, p, price, budget)
    rows = sp.vstack([sp.csr_array(left.astype(np.float64)), limits], format="csr")
    answer = minimise(
        np.where(always, 0.0, cost),
        rows,
        np.concatenate([np.ones(len(left)), np.full(most.size, -np.inf)]),
        np.concatenate([np.full(len(left), np.inf), most]),
        integer=np.ones(always.size, dtype=bool),
        lower=always.astype(np.float64),
        upper=np.ones(always.size),
        search=search,
        any_solution=any_solution,
    )
    if answer.values is None:
        return Choice(always, math.inf, answer.bound, is_infeasible=answer.is_infeasible)
    is_open = answer.values > 0.5
    return Choice(is_open, float(cost[is_open & ~always].sum()), answer.bound)


def cover_most(
    within: Bools,
    must: Bools | None,
    persons: Floats,
    always: Bools,
    *,
    p: int,
    price: Floats,
    budget: float,
    search: Search,
) -> Choice:
    """Open at most p columns so that rows with most persons have one; `must` rows must each have one.

    The value is minus the persons covered, as everything here is minimised.
    """
    size = always.size
    if must is not None and not must.any(axis=1).all():
        return Choice(always, math.inf, math.inf, is_infeasible=True)
    covered = within[:, always].any(axis=1)
    constant = -float(persons[covered].sum())
    rest = np.flatnonzero(~covered & within.any(axis=1))
    # z_i <= number of open columns that cover i
    blocks = [sp.hstack([sp.csr_array(within[rest].astype(np.float64)), -sp.eye_array(rest.size)])]
    low = [np.zeros(rest.size)]
    high = [np.full(rest.size, np.inf)]
    if must is not None:
        blocks.append(_wide(sp.csr_array(must.astype(np.float64)), rest.size))
        low.append(np.ones(len(must)))
        high.append(np.full(len(must), np.inf))
    limits, most = _limits(always, p, price, budget)
    blocks.append(_wide(limits, rest.size))
    low.append(np.full(most.size, -np.inf))
    high.append(most)
    answer = minimise(
        np.concatenate([np.zeros(size), -persons[rest] / persons.sum()]),
        sp.csr_array(sp.vstack(blocks, format="csr")),
        np.concatenate(low),
        np.concatenate(high),
        integer=np.arange(size + rest.size) < size,
        lower=np.concatenate([always.astype(np.float64), np.zeros(rest.size)]),
        upper=np.ones(size + rest.size),
        search=search,
    )
    if answer.values is None:
        return Choice(always, math.inf, -math.inf, is_infeasible=answer.is_infeasible)
    is_open = _without_useless(answer.values[:size] > 0.5, within, must, persons, always)
    value = -float(persons[within[:, is_open].any(axis=1)].sum())
    return Choice(is_open, value, min(value, answer.bound * float(persons.sum()) + constant))


def _limits(always: Bools, p: int, price: Floats, budget: float) -> tuple[sp.csr_array, Floats]:
    """Return the rows of the number of sites and of the budget, and their highest values."""
    rows = [np.where(always, 0.0, 1.0)]
    most = [float(p)]
    if math.isfinite(budget):
        rows.append(np.where(always, 0.0, price))
        most.append(budget * (1 + ROUNDING))
    return sp.csr_array(np.asarray(rows)), np.asarray(most)


def _wide(rows: sp.csr_array, more: int) -> sp.csr_array:
    """Return rows with empty columns added on the right."""
    return sp.csr_array(sp.hstack([rows, sp.csr_array((rows.shape[0], more))]))


def _without_useless(
    is_open: Bools, within: Bools, must: Bools | None, persons: Floats, always: Bools
) -> Bools:
    """Close, from the last column on, the sites without which nobody loses cover."""
    kept = is_open.copy()
    for column in np.flatnonzero(is_open & ~always)[::-1]:
        before = persons[within[:, kept].any(axis=1)].sum()
        kept[column] = False
        lost = persons[within[:, kept].any(axis=1)].sum() < before
        broken = must is not None and not must[:, kept].any(axis=1).all()
        kept[column] = lost or broken
    return kept
