"""Choices under capacities: the persons of one origin may be shared among several sites."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from scipy.optimize import Bounds, LinearConstraint, milp

from territory.planning.siting.median_search import Choice
from territory.planning.siting.problem import Problem
from territory.planning.solver import ROUNDING, Bools, Floats, Search, minimise

# share of all persons that the solver may misplace
_DUST = 1e-9


@dataclass(frozen=True)
class Sharing:
    """Origins with persons, the pairs that they may use, and the places of each site, as shares of all persons."""

    origin: np.ndarray
    site: np.ndarray
    minutes: Floats
    weights: Floats
    places: Floats
    rows: np.ndarray
    shape: tuple[int, int]

    @classmethod
    def of(cls, problem: Problem, allowed: Bools) -> Sharing:
        """Return the pairs that `allowed` keeps among origins with persons."""
        asking = np.flatnonzero(problem.is_asking)
        origin, site = np.nonzero(allowed[asking])
        places = np.full(len(problem.to_ids), np.inf) if problem.capacity is None else problem.capacity
        return cls(
            origin,
            site,
            problem.minutes[asking][origin, site],
            problem.persons[asking] / problem.total,
            places / problem.total,
            asking,
            problem.minutes.shape,
        )

    def served_rows(self, width: int = 0) -> sp.csr_array:
        """Return the rows that add up the shares of each origin."""
        size = self.origin.size
        data = (np.ones(size), (self.origin, np.arange(size)))
        return sp.csr_array(data, shape=(self.weights.size, size + width))

    def used_rows(self) -> sp.csr_array:
        """Return the rows that add up the persons (share of all) received by each site."""
        size = self.origin.size
        data = (self.weights[self.origin], (self.site, np.arange(size)))
        return sp.csr_array(data, shape=(self.places.size, size))

    def matrix(self, shares: Floats) -> Floats:
        """Return shares by origin and site, for all origins."""
        table = np.zeros(self.shape)
        # under this share it is the dust of the solver
        kept = np.where(shares > 1e-7, np.minimum(shares, 1.0), 0.0)
        table[self.rows[self.origin], self.site] = kept
        return table


def choose_shared(
    sharing: Sharing,
    always: Bools,
    *,
    pair_cost: Floats,
    site_cost: Floats,
    serve_all: bool,
    p: int,
    price: Floats,
    budget: float,
    search: Search,
    any_solution: bool = False,
) -> Choice:
    """Open sites and share persons among them at the least cost, which is given per share of all persons."""
    size, sites = sharing.origin.size, always.size
    rows, low, high = _rows(sharing, always, serve_all, p, price, budget)
    answer = minimise(
        np.concatenate([pair_cost * sharing.weights[sharing.origin], np.where(always, 0.0, site_cost)]),
        rows,
        low,
        high,
        integer=np.arange(size + sites) >= size,
        lower=np.concatenate([np.zeros(size), always.astype(np.float64)]),
        upper=np.ones(size + sites),
        search=search,
        any_solution=any_solution,
    )
    if answer.values is None:
        return Choice(always, math.inf, answer.bound, is_infeasible=answer.is_infeasible)
    return Choice(answer.values[size:] > 0.5, answer.objective, answer.bound)


def share_out(
    sharing: Sharing, is_open: Bools, *, serve_all: bool, covered_min: float = math.inf
) -> Floats | None:
    """Return the shares (origin × site) that cover most persons, then with the least travel.

    None if all must be served and cannot be.
    """
    size = sharing.origin.size
    if not size:
        return None if serve_all else np.zeros(sharing.shape)
    places = np.where(is_open, sharing.places, 0.0)
    limited = np.isfinite(places)
    weight = sharing.weights[sharing.origin]
    n = sharing.weights.size
    rows = [sharing.used_rows()[limited], sharing.served_rows()]
    low = np.concatenate([np.full(int(limited.sum()), -np.inf), np.full(n, 1.0 if serve_all else 0.0)])
    high = np.concatenate([places[limited], np.ones(n)])
    gain = np.where(sharing.minutes <= covered_min, weight, 0.0)
    if not serve_all or (gain < weight).any():
        most = _transport(-gain, rows, low, high)
        if most is None:
            return None
        rows.append(sp.csr_array(gain[None, :]))
        low, high = np.append(low, gain @ most - _DUST), np.append(high, np.inf)
    best = _transport(weight * sharing.minutes, rows, low, high)
    return None if best is None else sharing.matrix(best)


def _transport(cost: Floats, rows: list[sp.csr_array], low: Floats, high: Floats) -> Floats | None:
    """Minimise a cost over shares from 0 to 1; None if the rows cannot be respected."""
    limits = LinearConstraint(sp.csr_array(sp.vstack(rows, format="csr")), low, high)
    answer = milp(cost, constraints=[limits], bounds=Bounds(0, 1))
    return None if answer.x is None else np.asarray(answer.x)


def _rows(
    sharing: Sharing, always: Bools, serve_all: bool, p: int, price: Floats, budget: float
) -> tuple[sp.csr_array, Floats, Floats]:
    """Return the constraints on (shares, sites): served, within places, open before used, p, budget."""
    size, sites = sharing.origin.size, always.size
    limited = np.isfinite(sharing.places)
    pick = sp.eye_array(sites, format="csr")
    places = sp.csr_array(pick[limited] * np.where(limited, sharing.places, 0.0)[limited][:, None])
    # an origin cannot send a site more than the site holds
    most = np.minimum(1.0, sharing.places[sharing.site] / sharing.weights[sharing.origin])
    link = sp.csr_array((most, (np.arange(size), sharing.site)), shape=(size, sites))
    limits = [np.where(always, 0.0, 1.0)]
    top = [float(p)]
    if math.isfinite(budget):
        limits.append(np.where(always, 0.0, price))
        top.append(budget * (1 + ROUNDING))
    blocks = [
        sharing.served_rows(sites),
        sp.hstack([sharing.used_rows()[limited], -places]),
        sp.hstack([sp.eye_array(size), -link]),
        sp.hstack([sp.csr_array((len(top), size)), sp.csr_array(np.asarray(limits))]),
    ]
    n = sharing.weights.size
    free = int(limited.sum()) + size + len(top)
    low = np.concatenate([np.full(n, 1.0 if serve_all else -np.inf), np.full(free, -np.inf)])
    high = np.concatenate([np.ones(n), np.zeros(int(limited.sum()) + size), np.asarray(top)])
    return sp.csr_array(sp.vstack(blocks, format="csr")), low, high
