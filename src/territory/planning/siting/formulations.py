"""The integer programmes behind the siting questions: cover, least mean time, with and without capacities.

Under capacities the persons of one origin may be shared among several sites.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from scipy.optimize import Bounds, LinearConstraint, milp

from territory.access.pairs import Bools, Floats
from territory.planning.siting.median_search import Choice, relax, solve_median
from territory.planning.siting.problem import SitingProblem
from territory.planning.solver import ROUNDING, minimise, no_answer

# pairs up to which capacities, and the mean time among equal choices, are solved exactly
_PROVEN_PAIRS = 20_000
# share of all persons that the solver may misplace
_DUST = 1e-9


def cover_choice(
    problem: SitingProblem, longest_min: float, *, cost: Floats, any_solution: bool = False
) -> Choice:
    """Return the cheapest choice that serves everyone within a time, with or without capacities."""
    within = problem.within(longest_min)
    if problem.capacity is None:
        return _cover_all(problem, within[problem.is_asking], cost=cost, any_solution=any_solution)
    sharing = Sharing.of(problem, within)
    nothing = np.zeros(sharing.origin.size)
    return choose_shared(problem, sharing, pair_cost=nothing, site_cost=cost, any_solution=any_solution)


def median_choice(problem: SitingProblem, longest_min: float) -> Choice:
    """Return the choice with the least mean time (its value, min) that keeps everyone within a time."""
    if problem.capacity is None:
        return solve_median(problem.median(longest_min), problem.search)
    if problem.minutes.size > _PROVEN_PAIRS:
        choice = _large_shared(problem, longest_min)
        if math.isfinite(choice.value):
            return choice
    return _shared_median(problem, problem.within(longest_min))


def _shared_median(problem: SitingProblem, allowed: Bools) -> Choice:
    """Return the choice with the least mean time under capacities, over the pairs allowed."""
    sharing = Sharing.of(problem, allowed)
    return choose_shared(problem, sharing, pair_cost=sharing.minutes, site_cost=np.zeros(problem.always.size))


def _large_shared(problem: SitingProblem, longest_min: float) -> Choice:
    """Return a good choice under capacities on a large table, with the bound of the same without capacities.

    HiGHS chooses among the sites that look best when capacities are forgotten; no value if they do not suffice.
    """
    relaxed = relax(problem.median(longest_min), problem.search, problem.always)
    ranked = np.argsort(np.where(relaxed.is_open, -np.inf, relaxed.reduced), kind="stable")
    near = problem.always.copy()
    near[ranked[: 3 * problem.p + 10]] = True
    choice = _shared_median(problem, problem.within(longest_min) & near)
    return Choice(choice.is_open, choice.value, min(relaxed.bound, choice.value))


def closest_among(problem: SitingProblem, choice: Choice, longest_min: float) -> Choice:
    """Return, among the choices as good as this one, that with the least mean time."""
    if problem.capacity is None:
        # proving the second criterion too would take longer than the first on a large table
        small = problem.minutes.size <= _PROVEN_PAIRS
        median = problem.median(longest_min)
        closer = solve_median(median, problem.search, start=choice.is_open, finish=small)
    else:
        closer = median_choice(problem, longest_min)
    return closer if math.isfinite(closer.value) else choice


def shares_of(
    problem: SitingProblem,
    is_open: Bools,
    longest_min: float,
    *,
    serve_all: bool = True,
    covered_min: float = math.inf,
) -> Floats | None:
    """Return who goes where under capacities; None without capacities, where everyone goes to the closest."""
    if problem.capacity is None:
        return None
    sharing = Sharing.of(problem, problem.within(longest_min))
    shares = share_out(sharing, is_open, serve_all=serve_all, covered_min=covered_min)
    if shares is None:
        raise no_answer(problem.search)
    return shares


def mean_minutes(problem: SitingProblem, is_open: Bools, shares: Floats | None) -> float:
    """Return the mean time of a person to their site (min)."""
    asking = problem.is_asking
    weights = problem.persons[asking] / problem.total
    minutes = problem.minutes[asking]
    if shares is None:
        return float(weights @ minutes[:, is_open].min(axis=1))
    used = np.where(shares[asking] > 0, minutes, 0.0)
    return float(weights @ (shares[asking] * used).sum(axis=1))


def worst_minutes(problem: SitingProblem, is_open: Bools, shares: Floats | None) -> float:
    """Return the longest time of a person to their site (min)."""
    asking = problem.is_asking
    minutes = problem.minutes[asking]
    if shares is None:
        return float(minutes[:, is_open].min(axis=1).max())
    return float(minutes[shares[asking] > 0].max())


def _cover_all(problem: SitingProblem, within: Bools, *, cost: Floats, any_solution: bool) -> Choice:
    """Open sites at the least cost so that each origin of `within` has one."""
    always = problem.always
    left = within[~within[:, always].any(axis=1)]
    if not left.any(axis=1).all():
        return Choice(always, math.inf, math.inf, is_infeasible=True)
    if not len(left):
        return Choice(always, 0.0, 0.0)
    limits, most = _limits(problem)
    rows = sp.vstack([sp.csr_array(left.astype(np.float64)), limits], format="csr")
    answer = minimise(
        np.where(always, 0.0, cost),
        rows,
        np.concatenate([np.ones(len(left)), np.full(most.size, -np.inf)]),
        np.concatenate([np.full(len(left), np.inf), most]),
        integer=np.ones(always.size, dtype=bool),
        lower=always.astype(np.float64),
        upper=np.ones(always.size),
        search=problem.search,
        any_solution=any_solution,
    )
    if answer.values is None:
        return Choice(always, math.inf, answer.bound, is_infeasible=answer.is_infeasible)
    is_open = answer.values > 0.5
    return Choice(is_open, float(cost[is_open & ~always].sum()), answer.bound)


def cover_most(problem: SitingProblem, within: Bools, must: Bools | None = None) -> Choice:
    """Open sites so that most persons of the origins of `within` have one; those of `must` must each have one.

    Rows are the origins with persons. The value is minus the persons covered, as everything here is minimised.
    """
    always, persons = problem.always, problem.persons[problem.is_asking]
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
    limits, most = _limits(problem)
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
        search=problem.search,
    )
    if answer.values is None:
        return Choice(always, math.inf, -math.inf, is_infeasible=answer.is_infeasible)
    is_open = _without_useless(answer.values[:size] > 0.5, within, must, persons, always)
    value = -float(persons[within[:, is_open].any(axis=1)].sum())
    return Choice(is_open, value, min(value, answer.bound * float(persons.sum()) + constant))


def _limits(problem: SitingProblem) -> tuple[sp.csr_array, Floats]:
    """Return the rows of the number of sites and of the budget, and their highest values."""
    rows = [np.where(problem.always, 0.0, 1.0)]
    most = [float(problem.p)]
    if math.isfinite(problem.budget):
        rows.append(np.where(problem.always, 0.0, problem.price))
        most.append(problem.budget * (1 + ROUNDING))
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
    def of(cls, problem: SitingProblem, allowed: Bools) -> Sharing:
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
    problem: SitingProblem,
    sharing: Sharing,
    *,
    pair_cost: Floats,
    site_cost: Floats,
    serve_all: bool = True,
    any_solution: bool = False,
) -> Choice:
    """Open sites and share persons among them at the least cost, which is given per share of all persons."""
    always = problem.always
    size, sites = sharing.origin.size, always.size
    rows, low, high = _sharing_rows(problem, sharing, serve_all)
    answer = minimise(
        np.concatenate([pair_cost * sharing.weights[sharing.origin], np.where(always, 0.0, site_cost)]),
        rows,
        low,
        high,
        integer=np.arange(size + sites) >= size,
        lower=np.concatenate([np.zeros(size), always.astype(np.float64)]),
        upper=np.ones(size + sites),
        search=problem.search,
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


def _sharing_rows(
    problem: SitingProblem, sharing: Sharing, serve_all: bool
) -> tuple[sp.csr_array, Floats, Floats]:
    """Return the constraints on (shares, sites): served, within places, open before used, p, budget."""
    size, sites = sharing.origin.size, problem.always.size
    limited = np.isfinite(sharing.places)
    pick = sp.eye_array(sites, format="csr")
    places = sp.csr_array(pick[limited] * np.where(limited, sharing.places, 0.0)[limited][:, None])
    # an origin cannot send a site more than the site holds
    most = np.minimum(1.0, sharing.places[sharing.site] / sharing.weights[sharing.origin])
    link = sp.csr_array((most, (np.arange(size), sharing.site)), shape=(size, sites))
    limits, top = _limits(problem)
    blocks = [
        sharing.served_rows(sites),
        sp.hstack([sharing.used_rows()[limited], -places]),
        sp.hstack([sp.eye_array(size), -link]),
        sp.hstack([sp.csr_array((top.size, size)), limits]),
    ]
    n = sharing.weights.size
    free = int(limited.sum()) + size + top.size
    low = np.concatenate([np.full(n, 1.0 if serve_all else -np.inf), np.full(free, -np.inf)])
    high = np.concatenate([np.ones(n), np.zeros(int(limited.sum()) + size), top])
    return sp.csr_array(sp.vstack(blocks, format="csr")), low, high
