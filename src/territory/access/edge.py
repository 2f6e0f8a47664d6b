"""Where the data stop: communes at the edge of the surroundings, and results that a site beyond could change."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from territory.access.pairs import Floats, read_amounts
from territory.errors import ParameterError, examples

__all__ = ["closer_outside", "edge_communes"]

# communes of France lie some 4 to 10 km apart, more in the mountains
NEIGHBOUR_KM = 15.0
# a commune inside a territory has neighbours all around; at a straight edge they fill half a turn
EMPTY_SIDE_DEGREES = 120.0


def edge_communes(
    x_m: NDArray[np.floating[Any]],
    y_m: NDArray[np.floating[Any]],
    in_territory: NDArray[np.bool_],
    *,
    buffer_km: float,
) -> NDArray[np.bool_]:
    """Find the communes beyond which the data say nothing.

    Examples
    --------
    >>> x, y = np.meshgrid(np.arange(7) * 10_000.0, np.arange(7) * 10_000.0)
    >>> inside = np.zeros(49, dtype=bool)
    >>> inside[24] = True
    >>> edge_communes(x.ravel(), y.ravel(), inside, buffer_km=45).reshape(7, 7).sum(axis=0).tolist()
    [7, 2, 2, 2, 2, 2, 7]
    """
    points = np.column_stack([x_m, y_m]).astype(np.float64)
    if not np.isfinite(points).all():
        raise ParameterError("Bord des données : des communes n'ont pas de coordonnées.")
    if not in_territory.any():
        raise ParameterError("Bord des données : aucune commune n'est dans le territoire.")
    if not buffer_km >= 0:
        raise ParameterError(f"buffer_km = {buffer_km} : un nombre de kilomètres positif ou nul est attendu.")
    tree = cKDTree(points)
    from_territory_m, _ = cKDTree(points[in_territory]).query(points)
    candidates = np.flatnonzero(from_territory_m >= 1000 * (buffer_km - NEIGHBOUR_KM))
    found = np.zeros(len(points), dtype=np.bool_)
    around = tree.query_ball_point(points[candidates], 1000 * NEIGHBOUR_KM)
    for place, near in zip(candidates, around, strict=True):
        found[place] = _widest_gap(points[near] - points[place]) >= EMPTY_SIDE_DEGREES
    return found


def closer_outside(
    time_min: pd.Series[float], edge_time_min: pd.Series[float], is_reachable: pd.Series[bool] | None = None
) -> pd.Series[bool]:
    """Tell where a site beyond the data could be closer than the closest one found.

    Examples
    --------
    >>> found, edge = pd.Series({"A": 20.0, "B": 50.0}), pd.Series({"A": 40.0, "B": 35.0})
    >>> closer_outside(found, edge).to_dict()
    {'A': False, 'B': True}
    """
    absent = time_min.index.difference(edge_time_min.index)
    if len(absent):
        raise ParameterError(
            f"Bord des données : {len(absent)} commune(s) sans temps jusqu'au bord ({examples(absent)})."
        )
    edge = _minutes(edge_time_min.reindex(time_min.index))
    found = _minutes(time_min)
    if is_reachable is not None:
        found[(is_reachable.reindex(time_min.index) == False).fillna(False).to_numpy(bool)] = np.inf  # noqa: E712
    unknown = np.isnan(edge) | np.isnan(found)
    return pd.Series(pd.arrays.BooleanArray(edge < found, unknown), index=time_min.index)


def _minutes(values: pd.Series[float]) -> Floats:
    """Return times as floats; an infinite one is out of reach, which is allowed here."""
    plain = values.to_numpy(dtype=np.float64, na_value=np.nan).copy()
    finite = pd.Series(np.where(np.isinf(plain), np.nan, plain), index=values.index)
    read_amounts(finite, "Temps")
    return np.asarray(plain, dtype=np.float64)


def _widest_gap(steps: NDArray[np.float64]) -> float:
    """Return the widest angle (degrees) without any neighbour, a full turn when there is none."""
    others = steps[(steps != 0).any(axis=1)]
    if len(others) < 2:
        return 360.0
    angles = np.sort(np.degrees(np.arctan2(others[:, 1], others[:, 0])))
    return float(np.diff(np.append(angles, angles[0] + 360.0)).max())
