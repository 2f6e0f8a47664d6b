"""The inputs of a grouping, checked together: neighbours, drives, sizes, and existing groups as one node each."""

import math
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from territory.access.pairs import Bools, Floats, Ids, read_amounts, sum_by, unique_ids, warn
from territory.errors import ParameterError, Problems, TerritoryError, counted
from territory.planning.grouping.regions import Nodes
from territory.planning.siting.problem import check_minutes, read_minutes
from territory.planning.solver import Search, start_search


@dataclass(frozen=True)
class GroupInputs:
    """Units in the order of their ids, their drives (min, infinite = out of reach), and the nodes they make."""

    ids: Ids
    order: Ids
    outlines: gpd.GeoSeries
    minutes: Floats
    size: Floats
    block_names: list[str]
    points: Floats
    nodes: Nodes
    search: Search

    def compactness(self, rows: list[int]) -> float:
        """Return 4 pi area / perimeter² of a group's outline, NaN for points (Polsby and Popper 1991)."""
        outline = shapely.union_all(np.asarray(self.outlines.array)[rows])
        return math.nan if outline.area == 0 else float(4 * math.pi * outline.area / outline.length**2)


def read_inputs(
    units: gpd.GeoDataFrame,
    travel_times: pd.DataFrame,
    size: "pd.Series[float]",
    min_size: float,
    max_time_min: float | None,
    blocks: "pd.Series[str] | None",
    n_groups: int | None,
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
    amounts = _sizes(size, ids, problems)
    minutes = np.full((len(ids), len(ids)), np.inf)
    if len(ids) > 1:
        said = ("unité(s)", "ces unités ne peuvent pas être regroupées entre elles")
        minutes = read_minutes(travel_times, ids, ids, {"max_time_min": max_time_min}, problems, said)
    # at home unless given
    own = np.diagonal(minutes)
    np.fill_diagonal(minutes, np.where(np.isinf(own), 0.0, own))
    names = _block_names(blocks, ids, problems)
    problems.raise_if_any()
    assert units.crs is not None
    plane = units.to_crs(units.estimate_utm_crs()) if units.crs.is_geographic else units
    outlines = plane.geometry.loc[ids]
    touching = _touching(outlines, ids)
    alone = [name or rank for rank, name in enumerate(names)]
    node = pd.factorize(pd.Series(alone, dtype=object))[0].astype(np.int32)
    nodes = _nodes(node, amounts, minutes, touching, min_size, max_time_min)
    _warn_long_blocks(names, node, minutes, max_time_min)
    centres = outlines.representative_point()
    points = pd.DataFrame({"x": centres.x.to_numpy(), "y": centres.y.to_numpy()}).groupby(node).mean()
    at = points.to_numpy()
    return GroupInputs(ids, units.index, outlines, minutes, amounts, names, at, nodes, search)


def _check_units(units: gpd.GeoDataFrame, problems: Problems) -> None:
    try:
        unique_ids(units.index, "Unités")
    except TerritoryError as error:
        problems.add(str(error))
    if not len(units):
        problems.add("aucune unité à regrouper")
    elif units.crs is None:
        problems.add("les unités n'ont pas de système de coordonnées : indiquez-le avec set_crs")
    problems.count(units.index[units.geometry.isna() | units.geometry.is_empty], "unité(s) sans géométrie")


def _sizes(size: "pd.Series[float]", ids: Ids, problems: Problems) -> Floats:
    try:
        unique_ids(size.index, "size")
        numbers = read_amounts(size.reindex(ids), "size")
    except TerritoryError as error:
        problems.add(str(error))
        return np.zeros(len(ids))
    problems.count(ids[np.isnan(numbers)], "unité(s) sans valeur connue de size")
    return numbers


def _block_names(blocks: "pd.Series[str] | None", ids: Ids, problems: Problems) -> list[str]:
    """Return the existing group of each unit, empty where there is none."""
    if blocks is None:
        return [""] * len(ids)
    twice = blocks.index.duplicated()
    problems.count(blocks.index[twice].unique(), "unité(s) en double dans blocks")
    problems.count(blocks.index.difference(ids), "unité(s) inconnue(s) dans blocks")
    return ["" if pd.isna(name) else str(name) for name in blocks[~twice].reindex(ids)]


def _touching(outlines: gpd.GeoSeries, ids: Ids) -> Bools:
    """Return who touches whom, from shared borders, or the Gabriel graph of points."""
    from libpysal.graph import Graph

    touching = np.zeros((len(ids), len(ids)), dtype=bool)
    if len(ids) < 2:
        return touching
    if (outlines.geom_type == "Point").all():
        return _gabriel(outlines)
    graph = Graph.build_contiguity(outlines, rook=True, strict=False)
    pairs = graph.adjacency[graph.adjacency > 0].index
    touching[ids.get_indexer(pairs.get_level_values(0)), ids.get_indexer(pairs.get_level_values(1))] = True
    return touching


def _gabriel(points: gpd.GeoSeries) -> Bools:
    """Return the pairs of points with no other in the disc between them (Gabriel 1969), in line or in one place too."""
    x, y = points.x.to_numpy(), points.y.to_numpy()
    square = (x[:, None] - x) ** 2 + (y[:, None] - y) ** 2
    touching = np.array([~(row[None, :] + square < row[:, None]).any(axis=1) for row in square])
    np.fill_diagonal(touching, False)
    return touching


def _nodes(
    node: np.ndarray, size: Floats, minutes: Floats, touching: Bools, min_size: float, limit_min: float | None
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
    limit = math.inf if limit_min is None else limit_min
    together = np.isfinite(longest) & (longest <= limit)
    np.fill_diagonal(together, True)
    # an unreachable seat is a very bad one, not an impossible one: an existing group is never refused
    known = minutes[np.isfinite(minutes)]
    driven = np.where(np.isfinite(minutes), minutes, 100.0 * max(1.0, float(known.max())))
    sizes = sum_by(node, size, count)
    return Nodes(sizes, border, together, longest, member @ driven, unit_node=node, min_size=float(min_size))


def _warn_long_blocks(names: list[str], node: np.ndarray, minutes: Floats, limit_min: float | None) -> None:
    """Warn for existing groups whose own members are further apart than asked."""
    if limit_min is None:
        return
    parts = [rows for block in np.unique(node) if len(rows := np.flatnonzero(node == block)) > 1]
    long = [names[rows[0]] for rows in parts if minutes[np.ix_(rows, rows)].max() > limit_min]
    if long:
        text = f"groupe(s) existant(s) (dépasse|dépassent) déjà {limit_min:g} min entre membres"
        warn(f"{counted(long, text)} : gardés entiers.")
