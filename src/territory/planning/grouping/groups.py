"""Groups of neighbouring communes or establishments that reach a size without long drives."""

import math
import warnings
from dataclasses import dataclass, replace

import geopandas as gpd
import numpy as np
import pandas as pd
import scipy.sparse as sp
from scipy.optimize import LinearConstraint
from scipy.sparse.csgraph import connected_components

from territory.access.pairs import Floats
from territory.errors import InfeasibleError, agree, counted
from territory.planning.grouping import regions
from territory.planning.grouping.inputs import GroupInputs, read_inputs
from territory.planning.grouping.regions import Nodes, from_bits, to_bits
from territory.planning.solver import Search, Solution, minimise
from territory.tables.catalogue import html_table

_SEED, _TRIES = 0, 60  # pragma: no mutate
_STARTS = 2  # pragma: no mutate
_ROUNDS_BY_NODE = 10  # pragma: no mutate


@dataclass(frozen=True, repr=False)
class GroupingResult:
    """Groups found by `territorial_groups`: `groups` (G01, G02…) is on the index of the units.

    `summary`, by group: n_units, size, size_ratio (to the mean size), seat (the unit with the least drive to it),
    mean_drive_to_seat_min, worst_drive_to_seat_min, worst_drive_between_min (between any two members), compactness (4
    pi area / perimeter², 1 = disc; NaN for points), blocks. `quality`: among others balance (smallest over largest),
    size_variation (standard deviation over mean). `status` is optimal (no partition has more groups, nor as many with
    less drive) or heuristic (not proven).
    """

    groups: "pd.Series[str]"
    summary: pd.DataFrame
    quality: "pd.Series[float]"
    status: str

    def __repr__(self) -> str:
        """Return the number of groups, of units in each, and the proof: sizes may be budgets, which are not shown."""
        units = self.summary["n_units"]
        return (
            f"GroupingResult({len(self.summary)} groups of {len(self.groups)} units; {units.min()} to {units.max()} "
            f"units each, {self.status})"
        )

    def _repr_html_(self) -> str:
        """Return the table of groups for Jupyter, in French, without the sizes, which may be budgets."""
        said = "optimum prouvé" if self.status == "optimal" else "bonne solution, optimum non prouvé"
        columns = ["n_units", "mean_drive_to_seat_min", "worst_drive_to_seat_min", "worst_drive_between_min"]
        shown = self.summary[columns].rename_axis("Groupe")
        return html_table(shown, title=f"{len(self.summary)} groupes, {said}")


def territorial_groups(
    units: gpd.GeoDataFrame,
    travel_times: pd.DataFrame,
    size: "pd.Series[float]",
    *,
    min_size: float,
    max_time_min: float | None = None,
    blocks: "pd.Series[str] | None" = None,
    n_groups: int | None = None,
    rng: np.random.Generator | None = None,
    time_limit_s: float = 60.0,  # pragma: no mutate
) -> GroupingResult:
    """Partition a territory into as many groups of neighbours as possible, each large enough.

    Parameters
    ----------
    units
        Communes (polygons: two that share a border are neighbours) or establishments (points: neighbours of the
        Gabriel graph, no other point in the disc between them), indexed by id, with a CRS.
    travel_times
        Columns from_id, to_id, travel_time_min (min) between units, both ways. An absent pair is out of reach;
        NaN = unknown: the pair may not be grouped, with a warning.
    size, min_size
        What each group must have enough of, by unit: places, inhabitants, or a budget (eur); all known.
    max_time_min
        Longest drive accepted between two members, both ways (min, inclusive); None = no limit but the reach.
        The members of one existing group are not tested against each other.
    blocks, n_groups
        Existing group (EPCI, GHT, operator) of each unit, never split (NaN = alone); number of groups wanted.
    rng, time_limit_s
        Source of luck where the groups are too many to be all listed, fixed by default; longest search (s).

    Returns
    -------
    GroupingResult
        With the most groups, then the least drive of the members to the seats of their groups.

    Raises
    ------
    ParameterError, InfeasibleError
        With everything that is wrong in the inputs; or who cannot be grouped, or what size is missing.

    Notes
    -----
    The max-p-regions problem (Duque, Anselin and Rey 2012, Journal of Regional Science 52, 397-419) with a limit on the
    drive. When the connected groups can all be listed, it is solved exactly; otherwise over groups grown from the edges
    inward and those of spopt's max-p (Wei, Rey and Knaap 2020): docs/method/groupements.md.

    Examples
    --------
    >>> import geopandas as gpd
    >>> points = gpd.GeoDataFrame(geometry=gpd.points_from_xy([0, 1, 2], [0, 0, 0]), index=list("ABC"), crs=2154)
    >>> columns = ["from_id", "to_id", "travel_time_min"]
    >>> times = pd.DataFrame([(a, b, 9.0) for a in "ABC" for b in "ABC"], columns=columns)
    >>> territorial_groups(points, times, pd.Series({"A": 60, "B": 50, "C": 130}), min_size=100).groups.to_dict()
    {'A': 'G01', 'B': 'G01', 'C': 'G02'}
    """
    inputs = read_inputs(units, travel_times, size, min_size, max_time_min, blocks, n_groups, time_limit_s)
    check_groups(inputs, n_groups)
    luck = np.random.default_rng(_SEED) if rng is None else rng
    found = best_partition(inputs.nodes, inputs.points, n_groups=n_groups, rng=luck, search=inputs.search)
    if found is None:
        number = f"{n_groups} groupes" if n_groups else "groupes"
        said = f"Aucun découpage en {number} contigus de {inputs.nodes.min_size:g} au moins n'a été trouvé"
        advice = "allongez max_time_min, baissez min_size, ou changez le nombre de groupes"
        raise InfeasibleError(f"{said} : {advice}.")
    return _result(inputs, found[0], "optimal" if found[1] else "heuristic")


def _result(inputs: GroupInputs, groups: list[int], status: str) -> GroupingResult:
    """Return the groups named in the order of their first unit, with their figures."""
    inside = (np.isin(inputs.nodes.unit_node, from_bits(group)) for group in groups)
    members = sorted(np.flatnonzero(rows).tolist() for rows in inside)
    digits = max(2, len(str(len(members))))
    names = [f"G{rank + 1:0{digits}d}" for rank in range(len(members))]
    label = np.empty(len(inputs.ids), dtype=object)
    for name, rows in zip(names, members, strict=True):
        label[rows] = name
    summary = pd.DataFrame([_figures(inputs, rows) for rows in members], index=pd.Index(names, name="group"))
    summary.insert(2, "size_ratio", summary["size"] / summary["size"].mean())
    found = pd.Series(label, index=inputs.ids, dtype="str", name="group").reindex(inputs.order)
    return GroupingResult(found, summary, _quality(inputs, summary, members), status)


def _figures(inputs: GroupInputs, rows: list[int]) -> dict[str, object]:
    minutes = inputs.minutes[np.ix_(rows, rows)]
    drives = inputs.nodes.seat_minutes[np.ix_(np.unique(inputs.nodes.unit_node[rows]), np.asarray(rows))]
    seat = rows[int(drives.sum(axis=0).argmin())]
    to_seat = inputs.minutes[rows, seat]
    existing = sorted({inputs.block_names[row] for row in rows} - {""})
    return {
        "n_units": len(rows),
        "size": float(inputs.size[rows].sum()),
        "seat": inputs.ids[seat],
        "mean_drive_to_seat_min": _finite(float(to_seat.mean())),
        "worst_drive_to_seat_min": _finite(float(to_seat.max())),
        "worst_drive_between_min": _finite(float(minutes.max())),
        "compactness": inputs.compactness(rows),
        "blocks": ", ".join(existing),
    }


def _quality(inputs: GroupInputs, summary: pd.DataFrame, members: list[list[int]]) -> "pd.Series[float]":
    """Return the figures of the whole partition."""
    size = summary["size"]
    drive = np.average(summary["mean_drive_to_seat_min"], weights=[len(rows) for rows in members])
    figures = {
        "n_groups": len(summary),
        "smallest_size": size.min(),
        "largest_size": size.max(),
        "balance": size.min() / size.max(),
        "size_variation": size.std(ddof=0) / size.mean(),
        "mean_drive_to_seat_min": drive,
        "worst_drive_to_seat_min": summary["worst_drive_to_seat_min"].max(skipna=False),
        "mean_compactness": summary["compactness"].mean(),
    }
    return pd.Series(figures, dtype=float)


def _finite(value: float) -> float:
    """Return a time, NaN when it is out of reach."""
    return value if math.isfinite(value) else math.nan


def best_partition(
    nodes: Nodes, points: Floats, *, n_groups: int | None, rng: np.random.Generator, search: Search
) -> tuple[list[int], bool] | None:
    """Return the best groups and whether that is proven, None when none were found (or are, if all were listed)."""
    listed = regions.all_groups(nodes)
    if listed is not None:
        chosen, is_proven = _choose(nodes, listed, n_groups, search)
        if chosen is not None:
            return chosen, is_proven
        if is_proven:
            return None
    fair = 1.0 if n_groups is None else max(1.0, nodes.size.sum() / n_groups / nodes.min_size)
    everyone = (1 << nodes.size.size) - 1
    tries = []
    for turn in range(_TRIES):
        # groups just large enough are the most numerous, larger ones leave fewer aside
        target = nodes.min_size * (1.0 + (fair - 1.0 if turn % 2 else 0.0) * rng.random() + 0.1 * (turn % 4))
        tries.append(regions.grow_groups(nodes, everyone, target, rng))
    if n_groups is None:
        tries.append(_from_spopt(nodes, points, rng))
    whole = [groups for groups in tries if sum(groups) == everyone]
    if n_groups is not None:
        whole = [regions.merge_down(nodes, groups, n_groups) for groups in whole]
        whole = [groups for groups in whole if len(groups) == n_groups]
    starts = sorted(whole, key=lambda groups: regions.worth(nodes, groups))[:_STARTS]
    if not starts:
        return None
    rounds = _ROUNDS_BY_NODE * nodes.size.size
    improved = [regions.regrow(nodes, start, rng, rounds=rounds, n_groups=n_groups) for start in starts]
    moved = (regions.move_between(nodes, groups) for groups in improved)
    return min(moved, key=lambda groups: regions.worth(nodes, groups)), False


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
    best = _pick(drive / max(float(drive.mean()), 1e-12), rows, np.append(one, float(count)), search)
    if best.values is None:
        return None, best.is_infeasible
    proven = proven and search.is_enough(best.objective, best.bound)
    return [pool[place] for place in np.flatnonzero(best.values > 0.5)], proven


def _pick(cost: Floats, rows: sp.csr_array, sides: Floats, search: Search) -> Solution:
    """Pick columns at the least cost so that each row adds up to its side."""
    whole = np.ones(cost.size, dtype=bool)
    return minimise(cost, [LinearConstraint(rows, sides, sides)], integer=whole, search=search)


def _from_spopt(nodes: Nodes, points: Floats, rng: np.random.Generator) -> list[int]:
    """Return the groups of spopt's max-p (Duque, Anselin and Rey 2012) that respect the drive between members."""
    from libpysal.weights import W
    from spopt.region import MaxPHeuristic

    neighbours = {node: np.flatnonzero(row).tolist() for node, row in enumerate(nodes.touching)}
    if not all(neighbours.values()):
        return []
    x, y = points.T
    frame = gpd.GeoDataFrame({"x": x, "y": y, "size": nodes.size}, geometry=gpd.points_from_xy(x, y))
    # the peer draws from numpy's global state: it is lent a seed, and gets its state back
    state = np.random.get_state()  # noqa: NPY002
    try:
        np.random.seed(int(rng.integers(2**31)))  # noqa: NPY002
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            given = frame, W(neighbours, silence_warnings=True), ["x", "y"], "size", nodes.min_size, 2
            model = MaxPHeuristic(*given, max_iterations_construction=5, max_iterations_sa=2)
            model.solve()
    finally:
        np.random.set_state(state)  # noqa: NPY002
    labels = pd.Series(np.asarray(model.labels_))
    groups = [to_bits(rows) for rows in labels.groupby(labels).groups.values()]
    groups = [group for group in groups if nodes.is_connected(group) and nodes.may_join(group, group)]
    return [group for group in groups if nodes.size_of(group) >= nodes.least_size]


def check_groups(inputs: GroupInputs, n_groups: int | None) -> None:
    """Raise when it is seen at once that no partition exists."""
    nodes = inputs.nodes
    total = float(inputs.size.sum())
    asked = nodes.min_size * (n_groups or 1)
    if total < asked:
        raise InfeasibleError(
            f"La taille totale ({total:g}) est sous celle de {agree(n_groups or 1, 'groupe(s)')} de "
            f"{nodes.min_size:g} : il manque {asked - total:g}. Baissez min_size ou le nombre de groupes."
        )
    # nodes that touch and may be together are the only links along which a group can grow
    linked = nodes.touching & nodes.together
    part = connected_components(linked, directed=False)[1]
    small = np.bincount(part, weights=nodes.size) < nodes.least_size
    if small.any():
        alone = inputs.ids[small[part][nodes.unit_node]]
        said = f"{counted(alone, 'unité(s) sans assez de voisines')} à la durée demandée"
        advice = "allongez max_time_min, baissez min_size, retirez-les, ou donnez vos propres voisinages (neighbours)"
        raise InfeasibleError(f"{said} pour un groupe de {nodes.min_size:g} : {advice}.")
    # even with all its companions around, contiguous or not
    stuck = nodes.together @ nodes.size < nodes.least_size
    if stuck.any():
        alone = inputs.ids[stuck[nodes.unit_node]]
        raise InfeasibleError(
            f"{counted(alone, 'unité(s) sans assez de membres')} à la durée demandée pour atteindre "
            f"{nodes.min_size:g} : allongez max_time_min, baissez min_size, ou retirez-les."
        )
