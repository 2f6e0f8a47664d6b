"""Groups of neighbouring communes or establishments that reach a size without long drives."""

from __future__ import annotations

import html
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from territory.planning.grouping.inputs import GroupInputs, read_inputs
from territory.planning.grouping.partition import best_partition
from territory.planning.grouping.problems import check_groups, no_partition
from territory.planning.grouping.regions import from_bits

if TYPE_CHECKING:
    import geopandas as gpd
    from libpysal.graph import Graph

__all__ = ["GroupingResult", "territorial_groups"]


@dataclass(frozen=True, repr=False)
class GroupingResult:
    """Groups found by `territorial_groups`.

    Attributes
    ----------
    groups : Series
        Group of each unit (G01, G02…), on the index of the units in its order.
    summary : DataFrame
        By group: n_units, size, size_ratio (to the mean size), seat (the unit with the least drive to it),
        mean_drive_to_seat_min, worst_drive_to_seat_min, worst_drive_between_min (between any two members),
        compactness (4 pi area / perimeter², 1 = disc; NaN for points), blocks (existing groups inside).
    quality : Series
        n_groups, smallest_size, largest_size, balance (smallest over largest), size_variation (standard
        deviation over mean), mean_drive_to_seat_min, worst_drive_to_seat_min, mean_compactness.
    status
        optimal (no partition has more groups, nor as many with less drive) or heuristic (not proven).
    """

    groups: pd.Series[str]
    summary: pd.DataFrame
    quality: pd.Series[float]
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
        shown = self.summary.drop(columns=["size", "size_ratio"], errors="ignore")
        table = shown.to_html(float_format=lambda value: f"{value:.1f}".replace(".", ","), na_rep="–")
        return f"<p>{html.escape(f'{len(self.summary)} groupes, {said}')}</p>{table}"


def territorial_groups(
    units: gpd.GeoDataFrame,
    travel_times: pd.DataFrame,
    size: pd.Series[float],
    *,
    min_size: float,
    max_time_min: float | None = None,
    blocks: pd.Series[str] | None = None,
    n_groups: int | None = None,
    weights: pd.Series[float] | None = None,
    neighbours: Graph | None = None,
    rng: np.random.Generator | None = None,
    time_limit_s: float = 60.0,
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
    size
        What each group must have enough of, by unit: places, inhabitants, or the budget of the user's own table
        (eur). All must be known.
    min_size
        Least size of a group, in the unit of `size`.
    max_time_min
        Longest drive accepted between two members, both ways (min, inclusive); None = no limit but the reach.
        The members of one existing group are not tested against each other.
    blocks
        Existing group (EPCI, GHT, operator) of each unit, never split; NaN = alone.
    n_groups
        Number of groups wanted; None = as many as possible.
    weights
        Persons who drive to the seat, by unit; None = each unit counts once.
    neighbours
        Contiguity of the user's own, as a libpysal Graph on the same ids; None = from the geometry.
    rng
        Source of luck where the groups are too many to be all listed; None = the same at each call.
    time_limit_s
        Longest search (s).

    Returns
    -------
    GroupingResult
        With the most groups, then the least drive of the members to the seats of their groups.

    Raises
    ------
    ParameterError
        With everything that is wrong in the inputs.
    InfeasibleError
        If there is no such partition, saying who cannot be grouped or what size is missing.

    Warns
    -----
    TerritoryWarning
        With the number of unknown times, and of existing groups that themselves exceed `max_time_min`.

    Notes
    -----
    The max-p-regions problem (Duque, Anselin and Rey 2012, Journal of Regional Science 52, 397-419) with a limit
    on the drive. When the connected groups can all be listed, a set partitioning over them is solved exactly;
    otherwise over groups grown from the edges inward and those of spopt's max-p, then units move between groups.

    Examples
    --------
    >>> import geopandas as gpd
    >>> from shapely import box
    >>> squares = gpd.GeoDataFrame(
    ...     geometry=[box(k, 0, k + 1, 1) for k in range(4)], index=list("ABCD"), crs=2154)
    >>> times = pd.DataFrame(
    ...     [(a, b, 10.0 * abs(ord(a) - ord(b))) for a in "ABCD" for b in "ABCD"],
    ...     columns=["from_id", "to_id", "travel_time_min"])
    >>> places = pd.Series({"A": 60, "B": 50, "C": 30, "D": 80})
    >>> territorial_groups(squares, times, places, min_size=100, max_time_min=15).groups.to_dict()
    {'A': 'G01', 'B': 'G01', 'C': 'G02', 'D': 'G02'}
    """
    inputs = read_inputs(
        units,
        travel_times,
        size,
        min_size=min_size,
        max_time_min=max_time_min,
        blocks=blocks,
        n_groups=n_groups,
        weights=weights,
        neighbours=neighbours,
        time_limit_s=time_limit_s,
    )
    check_groups(inputs, n_groups)
    found = best_partition(
        inputs.nodes,
        inputs.points,
        n_groups=n_groups,
        rng=np.random.default_rng(0) if rng is None else rng,
        search=inputs.search,
    )
    if found is None:
        raise no_partition(inputs, n_groups)
    return _result(inputs, found.groups, "optimal" if found.is_exact else "heuristic")


def _result(inputs: GroupInputs, groups: list[int], status: str) -> GroupingResult:
    """Return the groups named in the order of their first unit, with their figures."""
    members = sorted(
        np.flatnonzero(np.isin(inputs.nodes.unit_node, from_bits(group))).tolist() for group in groups
    )
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
    """Return the figures of one group."""
    minutes = inputs.minutes[np.ix_(rows, rows)]
    weights = inputs.weights[rows]
    seat = rows[
        int(
            np.argmin(inputs.nodes.seat_minutes[:, rows][np.unique(inputs.nodes.unit_node[rows])].sum(axis=0))
        )
    ]
    to_seat = inputs.minutes[rows, seat]
    mean = float(weights @ to_seat / weights.sum()) if weights.sum() else math.nan
    existing = sorted({inputs.block_names[row] for row in rows} - {""})
    return {
        "n_units": len(rows),
        "size": float(inputs.size[rows].sum()),
        "seat": inputs.ids[seat],
        "mean_drive_to_seat_min": mean if math.isfinite(mean) else math.nan,
        "worst_drive_to_seat_min": _finite(float(to_seat.max())),
        "worst_drive_between_min": _finite(float(minutes.max())),
        "compactness": inputs.compactness(rows),
        "blocks": ", ".join(existing),
    }


def _quality(inputs: GroupInputs, summary: pd.DataFrame, members: list[list[int]]) -> pd.Series[float]:
    """Return the figures of the whole partition."""
    size = summary["size"]
    weight = np.array([inputs.weights[rows].sum() for rows in members])
    drive = summary["mean_drive_to_seat_min"].to_numpy()
    return pd.Series(
        {
            "n_groups": float(len(summary)),
            "smallest_size": float(size.min()),
            "largest_size": float(size.max()),
            "balance": float(size.min() / size.max()),
            "size_variation": float(size.std(ddof=0) / size.mean()),
            "mean_drive_to_seat_min": float(weight @ drive / weight.sum()) if weight.sum() else math.nan,
            "worst_drive_to_seat_min": float(summary["worst_drive_to_seat_min"].max(skipna=False)),
            "mean_compactness": float(summary["compactness"].mean()),
        }
    )


def _finite(value: float) -> float:
    """Return a time, NaN when it is out of reach."""
    return value if math.isfinite(value) else math.nan
