"""INSEE's 200 m grid (Filosofi): where people live, as weighted points inside communes."""

from __future__ import annotations

import re
import warnings
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING

from territory.errors import TerritoryWarning, examples
from territory.sources.text.cells import check_departements, clean_codes, in_departements, to_numbers
from territory.sources.text.large_tables import TableStream, read_columns
from territory.sources.text.refusals import fault, numbered, quoted, refuse, refuse_repeated
from territory.sources.text.tables import require_columns

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd

_CELL = r"^CRS(\d{4,5})RES(\d{1,6})mN(-?\d{1,8})E(-?\d{1,8})$"
_ID, _PERSONS = "idcar_200m", "ind"
# the commune of the older file, then the list of those that the cell touches
_COMMUNES = ("depcom", "lcog_geo")
_AGES = re.compile(r"ind_(\d{1,2})_(\d{1,2})|ind_(\d{2})p")
_IMPUTED = "i_est_200"


def read_population_grid(
    path: str | Path, *, departements: Collection[str] | None = None
) -> gpd.GeoDataFrame:
    r"""Read the inhabited cells of the 200 m grid as points at their centre, with the persons who live there.

    Not tried on a real file: written from INSEE's lists of columns of 2015 to 2021.

    Parameters
    ----------
    path
        Text file, compressed with gzip or not: `idcar_200m` (`CRS3035RES200mN…E…`, the south-west corner),
        `ind`, `ind_0_3`, `ind_4_5`…, `lcog_geo` (or `depcom`), capitals or not. Metropolitan France, Martinique
        and La Réunion have a file each, in projections of their own.
    departements
        Codes of the départements to keep (all without it).

    Returns
    -------
    GeoDataFrame
        Indexed by `cell_id`: `commune_code` (where a cell lies on several, the first that INSEE lists),
        `commune_count`, `population` (hab, real numbers), `population_0_3`, `population_4_5`…,
        `population_80_plus` (hab), `is_imputed` (true when INSEE gave the cell the mean of a larger one, for
        secrecy), `geometry` (points, in the projection that the cells name).

    Raises
    ------
    ReadError
        If a column is absent, a cell has no such name or appears twice, cells are in two projections, a number is
        none or negative, or no cell is in these départements.

    Warns
    -----
    TerritoryWarning
        With the share of persons in imputed cells.

    Examples
    --------
    >>> import tempfile
    >>> folder = tempfile.TemporaryDirectory()
    >>> path = Path(folder.name) / "carreaux_200m_met.csv"
    >>> _ = path.write_text(
    ...     "idcar_200m,i_est_200,lcog_geo,ind,ind_0_3,ind_80p\n"
    ...     "CRS3035RES200mN2274600E4050200,0,8305083141,12.5,1,2\n"
    ... )
    >>> grid = read_population_grid(path)
    >>> grid[["commune_code", "commune_count", "population", "population_0_3"]].values.tolist()
    [['83050', 2, 12.5, 1.0]]
    >>> grid.geometry.iloc[0].wkt
    'POINT (4050300 2274700)'
    >>> folder.cleanup()
    """
    import geopandas as gpd

    path = Path(path)
    frame, ages = _read(TableStream(path), check_departements(departements))
    if frame.empty:
        raise fault(path, "aucun carreau de ces départements.")
    corners = _corners(frame[_ID], path)
    mark = "," if frame[_PERSONS].str.fullmatch(r"\d+,\d+").any() else "."
    columns = [_PERSONS, *ages]
    numbers = to_numbers(frame, columns, path=path, decimal=mark)
    for name in columns:
        wrong = numbered(numbers.index[~(numbers[name] >= 0)])
        refuse(path, wrong, "effectif(s) absent(s) ou négatif(s)", place=f", colonne « {name} »")
    listed = frame["communes"].str.strip()
    table = numbers[columns].set_axis(["population", *ages.values()], axis=1)
    table.insert(0, "commune_code", clean_codes(listed.str[:5], path=path, column="lcog_geo"))
    table.insert(1, "commune_count", (listed.str.len() // 5).clip(lower=1))
    table["is_imputed"] = frame[_IMPUTED].str.strip() == "1" if _IMPUTED in frame else False
    imputed = table.loc[table["is_imputed"], "population"].sum()
    if imputed > 0:
        warnings.warn(
            f"Fichier « {path.name} » : {imputed / table['population'].sum():.0%} des habitants sont dans des "
            "carreaux imputés par l'INSEE (secret statistique) : leur place exacte n'est pas connue.",
            TerritoryWarning,
            stacklevel=2,
        )
    half = corners["size_m"] / 2
    points = gpd.points_from_xy(corners["east_m"] + half, corners["north_m"] + half)
    grid = gpd.GeoDataFrame(table, geometry=points, crs=int(corners["epsg"].iloc[0]))
    return grid.set_axis(frame[_ID].str.strip().array, axis=0).rename_axis("cell_id")


def _read(stream: TableStream, departements: frozenset[str] | None) -> tuple[pd.DataFrame, dict[str, str]]:
    """Return the cells of some départements under names in small letters, and our names of the ages."""
    import pandas as pd

    names = {title.lower(): title for title in stream.titles}
    commune = next((name for name in _COMMUNES if name in names), _COMMUNES[-1])
    require_columns(pd.DataFrame(columns=list(names)), (_ID, _PERSONS, commune), path=stream.path)
    ages = {name: _age_name(match) for name in names if (match := _AGES.fullmatch(name))}
    columns = [_ID, _PERSONS, commune, *ages, *([_IMPUTED] if _IMPUTED in names else [])]

    def keep(cells: list[str]) -> bool:
        # a code that has lost its zero is one digit short of a multiple of five
        listed = cells[2].strip()
        return in_departements(listed.zfill(-(-len(listed) // 5) * 5).upper(), departements)

    frame = read_columns(stream.path, [names[name] for name in columns], keep=keep, stream=stream)
    frame = frame.set_axis([*columns[:2], "communes", *columns[3:]], axis=1)
    listed = frame["communes"].str.strip()
    padded = ("0" + listed).where(listed.str.len() % 5 == 4, listed)
    return frame.assign(communes=padded), ages


def _age_name(match: re.Match[str]) -> str:
    """Return our name of a band of ages."""
    return f"population_{match[3]}_plus" if match[3] else f"population_{int(match[1])}_{int(match[2])}"


def _corners(cells: pd.Series, path: Path) -> pd.DataFrame:
    """Return projection, size and corner of each cell from its name."""
    parts = cells.str.strip().str.extract(_CELL)
    refuse(
        path,
        quoted(cells[parts.isna().any(axis=1)]),
        "identifiant(s) illisible(s)",
        place=f", colonne « {_ID} »",
        advice=" ; la forme attendue est CRS3035RES200mN2274600E4050200",
    )
    corners = parts.astype("int64").set_axis(["epsg", "size_m", "north_m", "east_m"], axis=1)
    systems = corners["epsg"].unique()
    if len(systems) > 1:
        said = f"carreaux en plusieurs projections ({examples(systems)}) ; lisez un territoire à la fois."
        raise fault(path, said)
    refuse_repeated(cells, "(carreau|carreaux) en double", path=path)
    return corners
