"""The inputs of a grouping, checked together: neighbours, drives, sizes, and existing groups as one node each."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import shapely

from territory.access.pairs import Bools, Floats, Ids, read_amounts, read_pairs, sum_by, unique_ids, warn
from territory.errors import ParameterError, Problems, TerritoryError, examples
from territory.planning.grouping.regions import Nodes
from territory.planning.siting.problem import check_minutes
from territory.planning.solver import Search, start_search

if TYPE_CHECKING:
    import geopandas as gpd
    from libpysal.graph import Graph


@dataclass(frozen=True)
class GroupInputs:
    """Units in the order of their ids, their drives (min, infinite = out of reach), and the nodes they make."""

    ids: Ids
    order: Ids
    outlines: gpd.GeoSeries
    minutes: Floats
    size: Floats
    weights: Floats
    block_names: list[str]
    points: Floats
    nodes: Nodes
    search: Search

    def compactness(self, rows: list[int]) -> float:
        """Return 4 pi area / perimeter² of a group's outline, NaN for points (Polsby and Popper 1991)."""
        outline = shapely.union_all(np.asarray(self.outlines.array)[rows])
        if outline.area == 0:
            return math.nan
        return float(4 * math.pi * outline.area / outline.length**2)


def read_inputs(
    units: gpd.GeoDataFrame,
    travel_times: pd.DataFrame,
    size: pd.Series[float],
    min_size: float,
    max_time_min: float | None,
    blocks: pd.Series[str] | None,
    n_groups: int | None,
    weights: pd.Series[float] | None,
    neighbours: Graph | None,
    time_limit_s: float,
) -> GroupInputs:
    """Check every input of a grouping, or raise one error with all that is wrong."""
    problems = Problems("Regroupement", ParameterError)
    search = start_search(time_limit_s, 0.0, problems)
    _check_units(units, problems)
    if not (isinstance(min_size, (int, float, np.number)) and 0 < min_size < math.inf):
        problems.add(f"min_size = {min_size} : un nombre positif est attendu, dans l'unité de size")
    check_minutes(max_time_min, "max_time_min", problems)
    if n_groups is not None and (isinstance(n_groups, bool) or n_groups != int(n_groups) or n_groups < 1):
        problems.add(f"n_groups = {n_groups} : un nombre entier de groupes est attendu")
    # without good ids nothing else can be read
    problems.raise_if_any()
    ids = pd.Index(units.index).sort_values()
    amounts = _by_unit(size, ids, "size", problems)
    counted = np.ones(len(ids)) if weights is None else _by_unit(weights, ids, "weights", problems)
    minutes = _minutes(travel_times, ids, max_time_min, problems)
    names = _block_names(blocks, ids, problems)
    problems.raise_if_any()
    assert units.crs is not None
    plane = units.to_crs(units.estimate_utm_crs()) if units.crs.is_geographic else units
    outlines = plane.geometry.loc[ids]
    touching = _touching(outlines, ids, neighbours)
    alone = [name or f"\0{rank}" for rank, name in enumerate(names)]
    node = pd.factorize(pd.Series(alone))[0].astype(np.int32)
    nodes = _nodes(node, amounts, counted, minutes, touching, min_size, max_time_min)
    _warn_long_blocks(names, node, minutes, max_time_min)
    centres = outlines.representative_point()
    points = pd.DataFrame({"x": centres.x.to_numpy(), "y": centres.y.to_numpy()}).groupby(node).mean()
    return GroupInputs(
        ids=ids,
        order=units.index,
        outlines=outlines,
        minutes=minutes,
        size=amounts,
        weights=counted,
        block_names=names,
        points=points.to_numpy(),
        nodes=nodes,
        search=search,
    )


def _check_units(units: gpd.GeoDataFrame, problems: Problems) -> None:
    """Add what is wrong with ids and geometries."""
    try:
        unique_ids(units.index, "Unités")
    except TerritoryError as error:
        problems.add(str(error))
    if not len(units):
        problems.add("aucune unité à regrouper")
    elif units.crs is None:
        problems.add("les unités n'ont pas de système de coordonnées : indiquez-le avec set_crs")
    empty = units.index[units.geometry.isna() | units.geometry.is_empty]
    if len(empty):
        problems.add(f"{len(empty)} unité(s) sans géométrie ({examples(empty)})")


def _by_unit(values: pd.Series[float], ids: Ids, name: str, problems: Problems) -> Floats:
    """Return one known number per unit."""
    try:
        unique_ids(values.index, name)
        numbers = read_amounts(values.reindex(ids), name)
    except TerritoryError as error:
        problems.add(str(error))
        return np.zeros(len(ids))
    unknown = ids[np.isnan(numbers)]
    if len(unknown):
        problems.add(
            f"{name} : valeur absente ou inconnue pour {len(unknown)} unité(s) ({examples(unknown)})"
        )
    return numbers


def _minutes(travel_times: pd.DataFrame, ids: Ids, max_time_min: float | None, problems: Problems) -> Floats:
    """Return drives between units (min), infinite where out of reach or unknown, 0 at home unless given."""
    minutes = np.full((len(ids), len(ids)), np.inf)
    np.fill_diagonal(minutes, 0.0)
    if len(ids) == 1:
        return minutes
    try:
        pairs = read_pairs(travel_times, origins=ids, sites=ids)
        if max_time_min is not None:
            pairs.check_threshold(float(max_time_min), "max_time_min")
    except TerritoryError as error:
        problems.add(str(error))
        return minutes
    unknown = np.isnan(pairs.minutes)
    if unknown.any():
        touched = ids[np.unique(pairs.origin[unknown])]
        warn(
            f"{int(unknown.sum())} temps inconnus, pour {len(touched)} unité(s) ({examples(touched)}) : ces unités ne "
            "peuvent pas être regroupées entre elles.",
            stacklevel=5,
        )
    minutes[pairs.origin[~unknown], pairs.site[~unknown]] = pairs.minutes[~unknown]
    return minutes


def _block_names(blocks: pd.Series[str] | None, ids: Ids, problems: Problems) -> list[str]:
    """Return the existing group of each unit, empty where there is none."""
    if blocks is None:
        return [""] * len(ids)
    if blocks.index.has_duplicates:
        twice = blocks.index[blocks.index.duplicated()].unique()
        problems.add(f"blocks : {len(twice)} unité(s) en double ({examples(twice)})")
        return [""] * len(ids)
    stray = blocks.index.difference(ids)
    if len(stray):
        problems.add(f"blocks : {len(stray)} unité(s) inconnue(s) ({examples(stray)})")
    found = blocks.reindex(ids)
    return ["" if pd.isna(name) else str(name) for name in found]


def _touching(outlines: gpd.GeoSeries, ids: Ids, neighbours: Graph | None) -> Bools:
    """Return who touches whom, from the user's graph, shared borders, or the Gabriel graph of points."""
    from libpysal.graph import Graph

    touching = np.zeros((len(ids), len(ids)), dtype=bool)
    if len(ids) < 2:
        return touching
    if neighbours is not None:
        graph = neighbours
    elif (outlines.geom_type == "Point").all():
        return _gabriel(outlines)
    else:
        graph = Graph.build_contiguity(outlines, rook=True, strict=False)
    pairs = graph.adjacency[graph.adjacency > 0].index
    known = pairs.get_level_values(0).isin(ids) & pairs.get_level_values(1).isin(ids)
    focal = ids.get_indexer(pairs.get_level_values(0)[known])
    other = ids.get_indexer(pairs.get_level_values(1)[known])
    touching[focal, other] = True
    touching |= touching.T
    np.fill_diagonal(touching, False)
    return touching


def _gabriel(points: gpd.GeoSeries) -> Bools:
    """Return the pairs of points with no other point inside the disc between them.

    Written out, as triangulations refuse points that are in line or in one place. Gabriel and Sokal (1969),
    Systematic Zoology 18, 259-278.
    """
    x, y = points.x.to_numpy(), points.y.to_numpy()
    square = (x[:, None] - x) ** 2 + (y[:, None] - y) ** 2
    touching = np.array([~(row[None, :] + square < row[:, None]).any(axis=1) for row in square])
    np.fill_diagonal(touching, False)
    return touching


def _nodes(
    node: np.ndarray,
    size: Floats,
    weights: Floats,
    minutes: Floats,
    touching: Bools,
    min_size: float,
    max_time_min: float | None,
) -> Nodes:
    """Return the units with each existing group made one node."""
    count = int(node.max()) + 1
    member = np.zeros((count, node.size))
    member[node, np.arange(node.size)] = 1.0
    border = (member @ touching @ member.T) > 0
    np.fill_diagonal(border, False)
    both = np.maximum(minutes, minutes.T)
    longest = np.zeros((count, count))
    np.maximum.at(longest, (node[:, None], node[None, :]), both)
    limit = math.inf if max_time_min is None else max_time_min
    together = np.isfinite(longest) & (longest <= limit)
    np.fill_diagonal(together, True)
    # an unreachable seat is a very bad one, not an impossible one: an existing group is never refused
    known = minutes[np.isfinite(minutes)]
    driven = np.where(np.isfinite(minutes), minutes, 100.0 * max(1.0, float(known.max())))
    return Nodes(
        size=sum_by(node, size, count),
        touching=border,
        together=together,
        longest=longest,
        seat_minutes=member @ (driven * weights[:, None]),
        unit_node=node,
        min_size=float(min_size),
    )


def _warn_long_blocks(
    names: list[str], node: np.ndarray, minutes: Floats, max_time_min: float | None
) -> None:
    """Warn for existing groups whose own members are further apart than asked."""
    if max_time_min is None:
        return
    both = np.maximum(minutes, minutes.T)
    long = []
    for block in np.unique(node):
        rows = np.flatnonzero(node == block)
        if rows.size > 1 and both[np.ix_(rows, rows)].max() > max_time_min:
            long.append(names[rows[0]])
    if long:
        warn(
            f"{len(long)} groupe(s) existant(s) dépassent déjà {max_time_min:g} min entre membres "
            f"({examples(long)}) : ils sont gardés entiers.",
            stacklevel=4,
        )
