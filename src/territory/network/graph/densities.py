"""The density of the commune that each road runs through."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from territory.errors import NetworkError, TerritoryWarning
from territory.network.graph.arrays import Roads
from territory.network.graph.speeds import band_of_density

if TYPE_CHECKING:
    import geopandas as gpd

__all__ = ["density_bands"]


def density_bands(roads: Roads, communes: gpd.GeoDataFrame, *, column: str) -> NDArray[np.int8]:
    """Return the density band of each way, from the commune that holds its middle vertex."""
    import shapely

    if communes.crs is None:
        raise NetworkError(
            "Communes : système de coordonnées absent, indiquez-le avec communes.set_crs(...)."
        )
    if column not in communes.columns:
        raise NetworkError(f"Communes : colonne « {column} » absente (densité en hab/km²).")
    outlines = communes[communes[column].notna()].to_crs(roads.crs)
    if len(outlines) == 0:
        raise NetworkError(f"Communes : aucune densité connue dans la colonne « {column} ».")
    hops = np.flatnonzero(~roads.void_hops())
    by_way = hops[np.argsort(roads.hop_way[hops], kind="stable")]
    ways, first, count = np.unique(roads.hop_way[by_way], return_index=True, return_counts=True)
    middle = by_way[first + count // 2]
    tree = shapely.STRtree(outlines.geometry.to_numpy())
    way, commune = tree.query(shapely.points(roads.x[middle], roads.y[middle]), predicate="intersects")
    density = np.full(len(roads.ways), np.nan)
    # on a border, the first commune of the table
    density[ways[way[::-1]]] = outlines[column].to_numpy(dtype=np.float64)[commune[::-1]]
    outside = np.flatnonzero(np.isnan(density[ways]))
    if outside.size:
        nearest = tree.nearest(shapely.points(roads.x[middle[outside]], roads.y[middle[outside]]))
        density[ways[outside]] = outlines[column].to_numpy(dtype=np.float64)[nearest]
        warnings.warn(
            f"{outside.size} des {ways.size} routes ne sont dans aucune commune de densité connue : elles prennent"
            " celle de la commune la plus proche.",
            TerritoryWarning,
            stacklevel=3,
        )
    return band_of_density(density)
