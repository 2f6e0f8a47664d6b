"""Why a siting problem has no solution: who cannot be reached, how many places or sites are missing."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from territory.errors import InfeasibleError, examples
from territory.planning.siting.capacitated import Sharing, share_out
from territory.planning.siting.cover_search import cover_most
from territory.planning.siting.formulations import cover_choice
from territory.planning.siting.median_search import Choice
from territory.planning.siting.problem import Problem
from territory.planning.solver import Bools, Floats, no_answer


def check(problem: Problem, choice: Choice, longest_min: float) -> None:
    """Raise if there is no choice: because there is none, or because the time was too short."""
    if choice.is_infeasible:
        raise explain(problem, longest_min)
    if not math.isfinite(choice.value):
        raise no_answer(problem.search)


def explain(problem: Problem, longest_min: float) -> InfeasibleError:
    """Return the error of a problem where not everyone can be served within a time."""
    for reason in (_out_of_reach, _too_few_places, _badly_placed, _too_few_sites, _too_dear):
        said = reason(problem, longest_min)
        if said:
            return InfeasibleError(said)
    return InfeasibleError(
        f"Aucun choix ne respecte à la fois {problem.p} site(s) à ouvrir, le budget, les places et le temps "
        f"{_limit(longest_min)} : desserrez l'une de ces conditions."
    )


def _limit(longest_min: float) -> str:
    """Return a time limit as words."""
    return f"de {longest_min:g} min" if math.isfinite(longest_min) else "donné par la table"


def _out_of_reach(problem: Problem, longest_min: float) -> str:
    """Return who no site at all can serve."""
    alone = problem.is_asking & ~problem.within(longest_min).any(axis=1)
    if not alone.any():
        return ""
    where = f"à {longest_min:g} min ou moins" if math.isfinite(longest_min) else "dans la table des temps"
    return (
        f"{_describe(problem, alone)} sans aucun site possible {where} : ajoutez des candidats plus proches, allongez "
        "le temps accepté, ou retirez ces communes de la demande."
    )


def _describe(problem: Problem, rows: Bools) -> str:
    """Return how many origins and persons some rows are, with examples."""
    names = problem.from_ids[rows]
    persons = f"{problem.persons[rows].sum():.0f}"
    return f"{len(names)} commune(s) ({examples(names)} ; {persons} personne(s) en tout)"


def _too_few_places(problem: Problem, longest_min: float) -> str:
    """Return how many places are missing whatever the distances."""
    if problem.capacity is None:
        return ""
    new = np.sort(problem.capacity[~problem.always])[::-1]
    existing = problem.capacity[problem.always].sum()
    for sites, words in ((len(new), "tous les sites"), (problem.p, f"les {problem.p} plus grands candidats")):
        missing = problem.total - existing - new[:sites].sum()
        if missing > 1e-6 * problem.total:
            return (
                f"Il manque {math.ceil(missing - 1e-6)} place(s) : même en ouvrant {words}, il y a "
                f"{existing + new[:sites].sum():g} places pour {problem.total:g} personnes. Augmentez les capacités "
                "ou le nombre de sites."
            )
    return ""


def _badly_placed(problem: Problem, longest_min: float) -> str:
    """Return who stays without a place when every site is open, for want of places close enough."""
    if problem.capacity is None:
        return ""
    sharing = Sharing.of(problem, problem.within(longest_min))
    shares = share_out(sharing, np.ones(len(problem.to_ids), dtype=bool), serve_all=False)
    assert shares is not None
    left = problem.persons * np.where(problem.is_asking, 1.0 - shares.sum(axis=1), 0.0)
    missing = left > 1e-6 * problem.total
    if not missing.any():
        return ""
    return (
        f"Il manque {math.ceil(left.sum() - 1e-6)} place(s) à portée ({_limit(longest_min)}), tous les sites "
        f"étant ouverts : {_describe(problem, missing)} n'en ont pas assez. Ajoutez des places ou des candidats "
        "près d'elles, ou allongez le temps accepté."
    )


def _too_few_sites(problem: Problem, longest_min: float) -> str:
    """Return how many sites it takes, when that is more than asked."""
    count = np.ones(len(problem.to_ids))
    least = _least(problem, longest_min, count)
    needed = math.ceil(least.bound - 1e-6) if math.isfinite(least.bound) else 0
    if needed <= problem.p:
        return ""
    left = _left_by_best(problem, longest_min)
    return (
        f"{problem.p} site(s) à ouvrir ne suffisent pas pour desservir tout le monde dans le temps "
        f"{_limit(longest_min)} : il en faut au moins {needed}.{left}"
    )


def _too_dear(problem: Problem, longest_min: float) -> str:
    """Return the least budget, when it is more than given."""
    if not math.isfinite(problem.budget):
        return ""
    least = _least(problem, longest_min, problem.price, p=problem.p)
    if least.bound <= problem.budget:
        return ""
    return (
        f"Le budget de {problem.budget:.0f} ne suffit pas pour desservir tout le monde dans le temps "
        f"{_limit(longest_min)} : il faut au moins {math.ceil(least.bound - 1e-6)}."
        f"{_left_by_best(problem, longest_min)}"
    )


def _least(problem: Problem, longest_min: float, cost: Floats, *, p: int | None = None) -> Choice:
    """Return the cheapest way to serve everyone, without the budget."""
    most = len(problem.to_ids) if p is None else p
    return cover_choice(replace(problem, budget=math.inf), longest_min, cost=cost, p=most)


def _left_by_best(problem: Problem, longest_min: float) -> str:
    """Return who the choice that serves most persons still leaves aside."""
    if problem.capacity is not None:
        return ""
    within = problem.within(longest_min)
    best = cover_most(
        within,
        None,
        problem.persons,
        problem.always,
        p=problem.p,
        price=problem.price,
        budget=problem.budget,
        search=problem.search,
    )
    left = problem.is_asking & ~within[:, best.is_open].any(axis=1)
    return f" Au mieux, {_describe(problem, left)} restent au-delà." if left.any() else ""
