"""Outlines of geopandas drawn straight with matplotlib: no hidden redraw, only the fills and borders asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import shapely
from matplotlib.collections import LineCollection, PathCollection
from matplotlib.path import Path

if TYPE_CHECKING:
    import geopandas as gpd
    from matplotlib.axes import Axes


def places(points: gpd.GeoDataFrame) -> list[tuple[float, float]]:
    """Return the coordinates of points, in order."""
    geometry = points.geometry.to_numpy()
    return list(zip(shapely.get_x(geometry).tolist(), shapely.get_y(geometry).tolist(), strict=True))


def fill(
    axes: Axes,
    outlines: gpd.GeoSeries,
    *,
    color: str,
    edge: str,
    width: float,
    zorder: float = 1,
    **hatch: Any,
) -> None:
    """Fill polygons, holes left open."""
    paths = [_path(outline) for outline in outlines if outline is not None and not outline.is_empty]
    axes.add_collection(
        PathCollection(paths, facecolors=color, edgecolors=edge, linewidths=width, zorder=zorder, **hatch),
        autolim=False,
    )


def border(axes: Axes, members: np.ndarray, *, color: str, width: float, zorder: float = 3) -> None:
    """Draw the outer border of some polygons taken together."""
    whole = shapely.union_all(members)
    lines = [np.asarray(ring.coords)[:, :2] for ring in _rings(whole)]
    axes.add_collection(
        LineCollection(lines, colors=color, linewidths=width, joinstyle="round", zorder=zorder), autolim=False
    )


def flows(axes: Axes, lines: np.ndarray, values: np.ndarray, *, color: str, most_points: float = 7.0) -> None:
    """Draw lines whose width is proportional to a value."""
    paths = [np.asarray(line.coords)[:, :2] for line in lines]
    widths = np.maximum(most_points * values / max(float(values.max(initial=0.0)), 1e-9), 0.6)
    axes.add_collection(
        LineCollection(paths, colors=color, linewidths=widths, alpha=0.75, capstyle="round", zorder=4),
        autolim=False,
    )


def _rings(shape: shapely.Geometry) -> list[shapely.LinearRing]:
    """Return every ring of a shape: outer ones and holes."""
    polygons = [part for part in shapely.get_parts(shape) if part.geom_type == "Polygon"]
    return [ring for polygon in polygons for ring in (polygon.exterior, *polygon.interiors)]


def _path(shape: shapely.Geometry) -> Path:
    """Return a shape as one path; rings turn opposite ways, so that holes stay open."""
    vertices, codes = [], []
    for ring in _rings(shapely.normalize(shape)):
        points = np.asarray(ring.coords)[:, :2]
        vertices.append(points)
        kinds = np.full(len(points), Path.LINETO, dtype=Path.code_type)
        kinds[0], kinds[-1] = Path.MOVETO, Path.CLOSEPOLY
        codes.append(kinds)
    return Path(np.concatenate(vertices), np.concatenate(codes))
