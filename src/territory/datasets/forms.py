"""The tables of readers brought to the one form that their slot has, whichever file a study gives."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd

SHARES = ("under_25_share", "from_25_to_64_share", "from_65_share")

# figures of a producer that decide a criterion of desert: unit and what they are
FIGURES = {
    "urgences_smur": (
        "min",
        "DREES, diagnostic d'accès aux soins urgents (distancier METRIC, de chef-lieu à chef-lieu)",
    ),
    "apl": ("consultations_per_hab", "DREES, accessibilité potentielle localisée aux médecins généralistes"),
}

Points = tuple["gpd.GeoDataFrame", "gpd.GeoDataFrame | None"]


def points_inside(outlines: gpd.GeoDataFrame) -> Points:
    """Return a point inside each outline with its area, and the outlines, in the official projection."""
    import geopandas as gpd

    from territory.geography import inside_points, projected_epsg_of_commune

    outlines = outlines.to_crs(projected_epsg_of_commune(str(outlines.index[0])))
    area = {"area_km2": outlines.area / 1e6}
    return gpd.GeoDataFrame(area, geometry=inside_points(outlines), crs=outlines.crs), outlines


def points_alone(points: gpd.GeoDataFrame) -> Points:
    """Return points with areas in the official projection, without outlines."""
    from territory.geography import projected_epsg_of_commune

    return points.to_crs(projected_epsg_of_commune(str(points.index[0]))), None


def three_shares(shares: pd.DataFrame) -> pd.DataFrame:
    """Return the shares alone, in their order."""
    return shares[list(SHARES)]


def count_by_commune(facilities: gpd.GeoDataFrame) -> pd.Series[float]:
    """Count facilities by commune, those of arrondissements in their commune."""
    from territory.geography.communes import commune_of_arrondissement

    codes = facilities["commune_code"].map(commune_of_arrondissement)
    return codes.value_counts(sort=False).astype(float).rename_axis("commune_code")


def most_central_cells(grid: gpd.GeoDataFrame, crs: Any) -> gpd.GeoSeries:
    """Return, for each commune, the inhabited cell that is the closest to the mean place of its inhabitants.

    The mean place itself may lie in the sea or across a valley: a cell where persons live does not.
    """
    import geopandas as gpd
    import numpy as np
    import pandas as pd

    cells = grid.to_crs(crs)
    # a cell on several communes is counted in the first, where INSEE says that most of it is
    cells = cells[cells["population"] > 0]
    x, y = cells.geometry.x.to_numpy(float), cells.geometry.y.to_numpy(float)
    persons = cells["population"].to_numpy(float)
    codes = cells["commune_code"]
    total = pd.Series(persons, index=codes.index).groupby(codes).transform("sum").to_numpy(float)
    mean_x, mean_y = (
        pd.Series(persons * places, index=codes.index).groupby(codes).transform("sum").to_numpy(float) / total
        for places in (x, y)
    )
    distance = pd.Series(np.hypot(x - mean_x, y - mean_y), index=codes.index)
    closest = distance.groupby(codes).idxmin()
    points: Any = cells.geometry.loc[closest.to_numpy()]
    return gpd.GeoSeries(points.to_numpy(), index=closest.index, crs=cells.crs)


def apl_of_its_year(table: pd.DataFrame) -> pd.DataFrame:
    """Return the APL of a workbook of DREES under its year."""
    return table[["apl"]].rename(columns={"apl": int(table.attrs["year"])})


def published_figures(figures: Mapping[str, pd.DataFrame], communes: pd.Index[str]) -> pd.DataFrame:
    """Return the table `published` from figures that have one column per year, for some communes.

    Examples
    --------
    >>> import pandas as pd
    >>> apl = pd.DataFrame({2023: [3.1]}, index=["83050"])
    >>> published_figures({"apl": apl}, apl.index)["value"].to_dict()
    {('83050', 'apl', 2023): 3.1}
    """
    import pandas as pd

    names = ["commune_code", "figure", "year"]
    blocks = []
    for figure, table in figures.items():
        unit, source = FIGURES[figure]
        for year in table.columns:
            keys = pd.MultiIndex.from_product([communes, [figure], [int(year)]], names=names)
            value = table[year].reindex(communes).to_numpy(float)
            blocks.append(
                pd.DataFrame({"value": value, "unit": unit, "source": f"{source}, {year}"}, index=keys)
            )
    if blocks:
        return pd.concat(blocks)
    empty = pd.MultiIndex.from_arrays([[], [], []], names=names)
    columns = {
        "value": pd.Series(dtype=float),
        "unit": pd.Series(dtype="str"),
        "source": pd.Series(dtype="str"),
    }
    return pd.DataFrame(columns).set_axis(empty)
