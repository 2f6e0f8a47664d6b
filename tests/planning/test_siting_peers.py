"""The same answers as spopt where it solves the same problem, on worlds that bounds alone do not settle."""

from __future__ import annotations

import itertools
import math
import warnings

import numpy as np
import pandas as pd
import pytest

from territory.errors import ParameterError, Problems
from territory.planning import maximal_coverage, p_center, p_median, set_cover
from territory.planning.siting.median_search import MedianProblem, Relaxed, proven, prune, relax, solve_median
from territory.planning.solver import start_search


def world(seed: int, n: int = 30, m: int = 12) -> tuple[pd.DataFrame, np.ndarray, pd.Series, list[str]]:
    """Times without geometry: the hardest case, where the relaxation leaves a gap."""
    rng = np.random.default_rng(seed)
    minutes = rng.integers(1, 100, (n, m)).astype(float)
    origins, sites = [f"C{i:02d}" for i in range(n)], [f"S{j:02d}" for j in range(m)]
    times = pd.DataFrame(
        {
            "from_id": np.repeat(origins, m),
            "to_id": np.tile(sites, n),
            "travel_time_min": minutes.ravel(),
        }
    )
    return times, minutes, pd.Series(rng.integers(1, 50, n).astype(float), index=origins), sites


@pytest.fixture(scope="module")
def locate():
    """The peer and its solver, or a skip."""
    pulp = pytest.importorskip("pulp")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        peer = pytest.importorskip("spopt.locate")
        if "PULP_CBC_CMD" not in pulp.listSolvers(onlyAvailable=True):
            pytest.skip("the peer has no solver here")
        peer.solver = lambda: pulp.PULP_CBC_CMD(msg=False)
    return peer


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in (1, 2))])
def test_the_four_questions_equal_spopt(locate, seed: int) -> None:
    times, minutes, demand, sites = world(seed)
    weights = demand.to_numpy()
    median = locate.PMedian.from_cost_matrix(minutes, weights, p_facilities=4).solve(locate.solver())
    got = p_median(times, demand, sites, p=4)
    assert got.objective * weights.sum() == pytest.approx(median.problem.objective.value())
    center = locate.PCenter.from_cost_matrix(minutes, p_facilities=4).solve(locate.solver())
    assert p_center(times, demand, sites, p=4).objective == pytest.approx(center.problem.objective.value())
    most = locate.MCLP.from_cost_matrix(minutes, weights, service_radius=15, p_facilities=4)
    most = most.solve(locate.solver())
    got = maximal_coverage(times, demand, sites, p=4, max_time_min=15)
    assert got.objective == pytest.approx(most.problem.objective.value())
    cover = locate.LSCP.from_cost_matrix(minutes, service_radius=40).solve(locate.solver())
    assert set_cover(times, demand, sites, max_time_min=40).objective == cover.problem.objective.value()


@pytest.mark.parametrize("seed", range(4))
def test_an_open_gap_is_closed_by_the_solver_not_by_luck(seed: int) -> None:
    _, minutes, demand, _ = world(seed, n=25, m=10)
    costs = minutes * (demand.to_numpy() / demand.sum())[:, None]
    nothing = np.zeros(10, dtype=bool)
    problem = MedianProblem(costs=costs, always=nothing, p=3)
    problems = Problems("essai", ParameterError)
    relaxed = relax(problem, start_search(60, 0.0, problems), nothing)
    solved = solve_median(problem, start_search(60, 0.0, problems))
    # every set of three, directly
    triples = np.array(np.meshgrid(*[range(10)] * 3)).reshape(3, -1).T
    exact = costs[:, triples].min(axis=2).sum(axis=0).min()
    assert relaxed.bound <= exact + 1e-9
    assert solved.value == pytest.approx(exact)
    assert solved.bound == pytest.approx(exact)


def test_the_worlds_above_do_leave_a_gap_to_the_solver() -> None:
    gaps = []
    for seed in range(4):
        _, minutes, demand, _ = world(seed, n=25, m=10)
        costs = minutes * (demand.to_numpy() / demand.sum())[:, None]
        nothing = np.zeros(10, dtype=bool)
        problem = MedianProblem(costs=costs, always=nothing, p=3)
        relaxed = relax(problem, start_search(60, 0.0, Problems("essai", ParameterError)), nothing)
        gaps.append(relaxed.value - relaxed.bound)
    assert max(gaps) > 0.5


def small_median(rng: np.random.Generator) -> MedianProblem:
    """At most six columns, some always open, and costs without geometry, some of them unusable."""
    size = int(rng.integers(3, 7))
    costs = rng.integers(1, 30, (5, size)).astype(float)
    costs[rng.random(costs.shape) < 0.05] = np.inf
    return MedianProblem(costs=costs, always=rng.random(size) < 0.2, p=int(rng.integers(1, 5)))


def every_set(problem: MedianProblem) -> list[np.ndarray]:
    """Every set of columns that a problem allows."""
    sets = (np.array(chosen) for chosen in itertools.product((False, True), repeat=problem.always.size))
    new = (
        (chosen, (chosen & ~problem.always).sum()) for chosen in sets if not (problem.always & ~chosen).any()
    )
    return [chosen for chosen, count in new if count <= problem.p]


def test_what_a_bound_proves_holds_in_every_better_set() -> None:
    rng = np.random.default_rng(0)
    n_closed = n_opened = 0
    for _ in range(300):
        problem = small_median(rng)
        values = [(problem.value(chosen), chosen) for chosen in every_set(problem)]
        known = sorted(value for value, _ in values)[: int(rng.integers(1, 4))][-1]
        if math.isinf(known):
            continue
        # any multipliers give a bound: what they add up to, and the reduced costs of the columns that they open
        multipliers = np.sort(problem.costs, axis=1)[:, 1] + rng.uniform(-4, 4, 5)
        multipliers = np.where(np.isfinite(multipliers), multipliers, 30.0)
        reduced = np.minimum(problem.costs - multipliers[:, None], 0).sum(axis=0)
        inside = problem.always.copy()
        inside[[at for at in np.argsort(reduced + 1e9 * inside)[: problem.p] if reduced[at] < 0]] = True
        bound = multipliers.sum() + reduced[inside].sum()
        assert bound <= min(value for value, _ in values) + 1e-9
        relaxed = Relaxed(inside, known, bound, multipliers, reduced, inside)
        closed, opened, most = proven(problem, relaxed)
        n_closed += closed.sum()
        n_opened += (opened & ~problem.always).sum()
        for value, chosen in values:
            if value < known * (1 - 1e-9):
                assert not (chosen & closed).any()
                assert chosen[opened].all()
                assert (problem.costs[:, chosen].min(axis=1) <= most + 1e-9).all()
    # bounds as loose as these prove something all the same
    assert min(n_closed, n_opened) > 20


def test_a_set_is_pruned_of_what_it_can_do_without_and_of_nothing_else() -> None:
    rng = np.random.default_rng(1)
    n_closed = 0
    nothing = MedianProblem(costs=np.zeros((2, 3)), always=np.array([True, False, False]), p=2)
    for problem in [nothing, *(small_median(rng) for _ in range(100))]:
        is_open = problem.always | (rng.random(problem.always.size) < 0.8)
        kept = prune(problem, is_open)
        assert problem.value(kept) == problem.value(is_open)
        assert kept[problem.always].all()
        assert not kept[~is_open].any()
        n_closed += (is_open & ~kept).sum()
        for column in np.flatnonzero(kept & ~problem.always):
            assert problem.value(kept & (np.arange(kept.size) != column)) > problem.value(kept)
    assert n_closed > 20


def test_a_gap_that_is_asked_is_respected_and_said() -> None:
    times, _, demand, sites = world(7, n=60, m=25)
    exact = p_median(times, demand, sites, p=5)
    loose = p_median(times, demand, sites, p=5, mip_gap=0.3)
    assert loose.status in ("within_gap", "optimal")
    assert loose.bound <= exact.objective + 1e-9 <= loose.objective + 2e-9
    assert loose.gap <= 0.3
