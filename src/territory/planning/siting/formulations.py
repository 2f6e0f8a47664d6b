"""The integer programmes of siting; under capacities the persons of one origin may be shared among sites."""

import math
from dataclasses import dataclass, replace

import numpy as np
import scipy.sparse as sp
from scipy.optimize import Bounds, LinearConstraint, milp

from territory.access.pairs import Bools, Floats
from territory.planning.siting.median_search import Choice, most_opened, relax, solve_median
from territory.planning.siting.problem import SitingProblem
from territory.planning.solver import minimise, no_answer, spread

# pairs up to which capacities, and the mean time among equal choices, are solved exactly
_PROVEN_PAIRS = 20_000  # pragma: no mutate
# share of all persons that the solver may misplace
_DUST = 1e-9


def cover_choice(problem: SitingProblem, longest_min: float, *, any_solution: bool = False) -> Choice:
    """Return the fewest sites, or any with `any_solution`, that serve everyone within a time."""
    within = problem.within(longest_min)
    cost = np.full(problem.always.size, 0.0 if any_solution else 1.0)
    if problem.capacity is None:
        return _cover_all(problem, within[problem.is_asking], cost=cost, any_solution=any_solution)
    sharing = Sharing.of(problem, within)
    nothing = np.zeros(sharing.origin.size)
    return choose_shared(problem, sharing, pair_cost=nothing, site_cost=cost, any_solution=any_solution)


def median_choice(problem: SitingProblem, longest_min: float) -> Choice:
    """Return the choice with the least mean time (its value, min) that keeps everyone within a time."""
    if problem.capacity is None:
        return solve_median(problem.median(longest_min), problem.search)
    within = problem.within(longest_min)
    if problem.minutes.size <= _PROVEN_PAIRS:
        return _shared_median(problem, within)
    # on a large table, HiGHS chooses among the sites that look best when capacities are forgotten, whose bound holds
    relaxed = relax(problem.median(longest_min), problem.search, problem.always)
    ranked = np.argsort(np.where(relaxed.is_open, -np.inf, relaxed.reduced), kind="stable")
    near = problem.always.copy()
    near[ranked[: 3 * problem.p + 10]] = True
    choice = _shared_median(problem, within & near)
    if math.isfinite(choice.value):
        return Choice(choice.is_open, choice.value, min(relaxed.bound, choice.value))
    return _shared_median(problem, within)


def _shared_median(problem: SitingProblem, allowed: Bools) -> Choice:
    """Return the choice with the least mean time under capacities, over the pairs allowed."""
    sharing = Sharing.of(problem, allowed)
    return choose_shared(problem, sharing, pair_cost=sharing.minutes)


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
    return float(weights @ (shares[asking] * np.where(shares[asking] > 0, minutes, 0.0)).sum(axis=1))


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
    answer = minimise(
        np.where(always, 0.0, cost),
        [LinearConstraint(sp.csr_array(left.astype(np.float64)), 1, np.inf), most_opened(problem)],
        integer=np.ones(always.size, dtype=bool),
        lower=always.astype(np.float64),
        search=problem.search,
        any_solution=any_solution,
    )
    if answer.values is None:
        return Choice(always, math.inf, answer.bound, is_infeasible=answer.is_infeasible)
    is_open = answer.values > 0.5
    return Choice(is_open, float(cost[is_open & ~always].sum()), answer.bound)


def cover_most(problem: SitingProblem, within: Bools, must: Bools | None = None) -> Choice:
    """Open sites so that most origins with persons of `within` have one, those of `must` all; the value is negative."""
    always, persons = problem.always, problem.persons[problem.is_asking]
    size = always.size
    if must is not None and not must.any(axis=1).all():
        return Choice(always, math.inf, math.inf, is_infeasible=True)
    covered = within[:, always].any(axis=1)
    constant = -float(persons[covered].sum())
    rest = np.flatnonzero(~covered & within.any(axis=1))
    # z_i <= number of open columns that cover i
    links = sp.hstack([sp.csr_array(within[rest].astype(np.float64)), -sp.eye_array(rest.size)])
    rows = [LinearConstraint(sp.csr_array(links), 0, np.inf)]
    if must is not None:
        rows.append(LinearConstraint(spread(must.astype(np.float64), after=rest.size), 1, np.inf))
    answer = minimise(
        np.concatenate([np.zeros(size), -persons[rest] / persons.sum()]),
        [*rows, most_opened(problem, after=rest.size)],
        integer=np.arange(size + rest.size) < size,
        lower=np.concatenate([always.astype(np.float64), np.zeros(rest.size)]),
        search=problem.search,
    )
    if answer.values is None:
        return Choice(always, math.inf, -math.inf, is_infeasible=answer.is_infeasible)
    is_open = answer.values[:size] > 0.5
    # close, from the last column on, the sites without which nobody loses cover
    for column in np.flatnonzero(is_open & ~always)[::-1]:
        before = persons[within[:, is_open].any(axis=1)].sum()
        is_open[column] = False
        lost = persons[within[:, is_open].any(axis=1)].sum() < before
        is_open[column] = lost or (must is not None and not must[:, is_open].any(axis=1).all())
    value = -float(persons[within[:, is_open].any(axis=1)].sum())
    return Choice(is_open, value, min(value, answer.bound * float(persons.sum()) + constant))


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
    def of(cls, problem: SitingProblem, allowed: Bools) -> "Sharing":
        """Return the pairs that `allowed` keeps among origins with persons."""
        asking = np.flatnonzero(problem.is_asking)
        origin, site = np.nonzero(allowed[asking])
        places = np.full(len(problem.to_ids), np.inf) if problem.capacity is None else problem.capacity
        minutes, persons = problem.minutes[asking][origin, site], problem.persons[asking] / problem.total
        return cls(origin, site, minutes, persons, places / problem.total, asking, problem.minutes.shape)

    def served(self) -> sp.csr_array:
        """Return the rows that add up the shares of each origin."""
        size = self.origin.size
        data = (np.ones(size), (self.origin, np.arange(size)))
        return sp.csr_array(data, shape=(self.weights.size, size))

    def used(self) -> sp.csr_array:
        """Return the rows that add up the persons (share of all) received by each site that has a limit."""
        size = self.origin.size
        data = (self.weights[self.origin], (self.site, np.arange(size)))
        return sp.csr_array(data, shape=(self.places.size, size))[np.isfinite(self.places)]

    def matrix(self, shares: Floats) -> Floats:
        """Return shares by origin and site, for all origins."""
        table = np.zeros(self.shape)
        # under this share it is the dust of the solver
        table[self.rows[self.origin], self.site] = np.where(shares > 1e-7, np.minimum(shares, 1.0), 0.0)
        return table


def choose_shared(
    problem: SitingProblem,
    sharing: Sharing,
    *,
    pair_cost: Floats,
    site_cost: Floats | float = 0.0,
    serve_all: bool = True,
    any_solution: bool = False,
) -> Choice:
    """Open sites and share persons among them at the least cost, which is given per share of all persons."""
    always = problem.always
    size, sites = sharing.origin.size, always.size
    limited = np.isfinite(sharing.places)
    places = sp.csr_array(sp.eye_array(sites, format="csr")[limited] * sharing.places[limited][:, None])
    # an origin cannot send a site more than the site holds
    most = np.minimum(1.0, sharing.places[sharing.site] / sharing.weights[sharing.origin])
    link = sp.csr_array((most, (np.arange(size), sharing.site)), shape=(size, sites))
    answer = minimise(
        np.concatenate([pair_cost * sharing.weights[sharing.origin], np.where(always, 0.0, site_cost)]),
        [
            LinearConstraint(spread(sharing.served(), after=sites), 1.0 if serve_all else -np.inf, 1.0),
            LinearConstraint(sp.csr_array(sp.hstack([sharing.used(), -places])), -np.inf, 0.0),
            # open before used
            LinearConstraint(sp.csr_array(sp.hstack([sp.eye_array(size), -link])), -np.inf, 0.0),
            most_opened(problem, before=size),
        ],
        integer=np.arange(size + sites) >= size,
        lower=np.concatenate([np.zeros(size), always.astype(np.float64)]),
        search=problem.search,
        any_solution=any_solution,
    )
    if answer.values is None:
        return Choice(always, math.inf, answer.bound, is_infeasible=answer.is_infeasible)
    return Choice(answer.values[size:] > 0.5, answer.objective, answer.bound)


def share_out(
    sharing: Sharing, is_open: Bools, *, serve_all: bool, covered_min: float = math.inf
) -> Floats | None:
    """Return the shares (origin × site) that cover most persons, then travel least; None if all cannot be served."""
    size = sharing.origin.size
    if not size:
        return None if serve_all else np.zeros(sharing.shape)
    places = np.where(is_open, sharing.places, 0.0)
    weight = sharing.weights[sharing.origin]
    limited = replace(sharing, places=places)
    rows = [
        LinearConstraint(limited.used(), -np.inf, places[np.isfinite(places)]),
        LinearConstraint(sharing.served(), 1.0 if serve_all else 0.0, 1.0),
    ]
    gain = np.where(sharing.minutes <= covered_min, weight, 0.0)
    if not serve_all or (gain < weight).any():
        most = milp(-gain, constraints=rows, bounds=Bounds(0, 1)).x
        if most is None:
            return None
        rows.append(LinearConstraint(sp.csr_array(gain[None, :]), gain @ most - _DUST, np.inf))
    best = milp(weight * sharing.minutes, constraints=rows, bounds=Bounds(0, 1)).x
    return None if best is None else sharing.matrix(np.asarray(best))
