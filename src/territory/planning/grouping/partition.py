"""The best partition into groups of a list: as many groups as possible, then the least drive to their seats."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import scipy.sparse as sp

from territory.planning.grouping.regions import (
    Nodes,
    all_groups,
    from_bits,
    grow_groups,
    merge_down,
    move_between,
    regrow,
    to_bits,
    worth,
)
from territory.planning.solver import Floats, Search, Solution, minimise

_TRIES = 60
_STARTS = 2
_ROUNDS_BY_NODE = 10


@dataclass(frozen=True)
class Partition:
    """Groups that hold each node once; `is_exact` when no other partition is better."""

    groups: list[int]
    is_exact: bool


def best_partition(
    nodes: Nodes, points: Floats, *, n_groups: int | None, rng: np.random.Generator, search: Search
) -> Partition | None:
    """Return the best partition, None when none was found (and there is none, if all groups were listed)."""
    listed = all_groups(nodes)
    if listed is not None:
        chosen, is_proven = _choose(nodes, listed, n_groups, search)
        if chosen is not None:
            return Partition(chosen, is_proven)
        if is_proven:
            return None
    starts = _grown(nodes, points, n_groups, rng)
    if not starts:
        return None
    rounds = _ROUNDS_BY_NODE * nodes.size.size
    improved = [regrow(nodes, start, rng, rounds=rounds, n_groups=n_groups) for start in starts]
    best = min((move_between(nodes, groups) for groups in improved), key=lambda groups: worth(nodes, groups))
    return Partition(best, False)


def _grown(nodes: Nodes, points: Floats, n_groups: int | None, rng: np.random.Generator) -> list[list[int]]:
    """Return the best whole partitions among those grown, and spopt's."""
    fair = 1.0 if n_groups is None else max(1.0, nodes.size.sum() / n_groups / nodes.min_size)
    everyone = (1 << nodes.size.size) - 1
    tries = []
    for turn in range(_TRIES):
        # groups just large enough are the most numerous, larger ones leave fewer aside
        target = nodes.min_size * (1.0 + (fair - 1.0 if turn % 2 else 0.0) * rng.random() + 0.1 * (turn % 4))
        tries.append(grow_groups(nodes, everyone, target, rng))
    if n_groups is None:
        tries.append(_from_spopt(nodes, points, rng))
    whole = [groups for groups in tries if sum(groups) == everyone]
    if n_groups is not None:
        whole = [merge_down(nodes, groups, n_groups) for groups in whole]
        whole = [groups for groups in whole if len(groups) == n_groups]
    return sorted(whole, key=lambda groups: worth(nodes, groups))[:_STARTS]


def _choose(
    nodes: Nodes, pool: list[int], n_groups: int | None, search: Search
) -> tuple[list[int] | None, bool]:
    """Return the groups of the best partition within a pool, and whether that is proven."""
    if not pool:
        return None, True
    members = [from_bits(group) for group in pool]
    column = np.repeat(np.arange(len(pool)), [len(group) for group in members])
    row = np.concatenate([np.asarray(group) for group in members])
    holds = sp.csr_array((np.ones(row.size), (row, column)), shape=(nodes.size.size, len(pool)))
    drive = np.array([nodes.seat(group)[1] for group in pool])
    one = np.ones(nodes.size.size)
    count, proven = n_groups, True
    if count is None:
        # a count is whole: a gap under one group is no gap
        largest = max(1.0, nodes.size.sum() / nodes.min_size)
        most = _pick(-np.ones(len(pool)), holds, one, replace(search, mip_gap=0.99 / largest))
        if most.values is None:
            return None, most.is_infeasible
        count = round(-most.objective)
        proven = most.bound > -count - 1 + 1e-6
    rows = sp.csr_array(sp.vstack([holds, sp.csr_array(np.ones((1, len(pool))))], format="csr"))
    scale = max(float(drive.mean()), 1e-12)
    best = _pick(drive / scale, rows, np.append(one, float(count)), search)
    if best.values is None:
        return None, best.is_infeasible
    proven = proven and search.is_enough(best.objective, best.bound)
    return [pool[place] for place in np.flatnonzero(best.values > 0.5)], proven


def _pick(cost: Floats, rows: sp.csr_array, sides: Floats, search: Search) -> Solution:
    """Pick columns at the least cost so that each row adds up to its side."""
    return minimise(
        cost,
        rows,
        sides,
        sides,
        integer=np.ones(cost.size, dtype=bool),
        lower=np.zeros(cost.size),
        upper=np.ones(cost.size),
        search=search,
    )


def _from_spopt(nodes: Nodes, points: Floats, rng: np.random.Generator) -> list[int]:
    """Return the groups of spopt's max-p that respect the drive between members.

    Duque, Anselin and Rey (2012), Journal of Regional Science 52, 397-419; Wei, Rey and Knaap (2020).
    """
    import geopandas as gpd
    from libpysal.weights import W
    from spopt.region import MaxPHeuristic

    neighbours = {node: np.flatnonzero(row).tolist() for node, row in enumerate(nodes.touching)}
    if not all(neighbours.values()):
        return []
    frame = gpd.GeoDataFrame(
        {"x": points[:, 0], "y": points[:, 1], "size": nodes.size},
        geometry=gpd.points_from_xy(points[:, 0], points[:, 1]),
    )
    # the peer draws from numpy's global state: it is lent a seed, and gets its state back
    state = np.random.get_state()  # noqa: NPY002
    try:
        np.random.seed(int(rng.integers(2**31)))  # noqa: NPY002
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model = MaxPHeuristic(
                frame,
                W(neighbours, silence_warnings=True),
                ["x", "y"],
                "size",
                nodes.min_size,
                2,
                max_iterations_construction=5,
                max_iterations_sa=2,
            )
            model.solve()
    finally:
        np.random.set_state(state)  # noqa: NPY002
    labels = pd.Series(np.asarray(model.labels_))
    groups = [to_bits(rows) for rows in labels.groupby(labels).groups.values()]
    return [
        group
        for group in groups
        if nodes.is_connected(group)
        and nodes.is_large_enough(nodes.size_of(group))
        and all(not group & ~nodes.together_bits[node] for node in from_bits(group))
    ]
