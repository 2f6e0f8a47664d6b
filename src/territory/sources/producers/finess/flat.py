"""FINESS as it is published again by others: one flat table with titles, a line per establishment and equipment."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from territory.errors import ReadError, TerritoryWarning, agree, examples
from territory.sources.producers.finess.sites import as_sites
from territory.sources.text.commune_codes import clean_codes
from territory.sources.text.numbers import to_numbers
from territory.sources.text.tables import read_table, require_columns

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd

# what each column of the table is called in the extracts that were met, the first found is used
_TITLES = {
    "site_id": ("numero finess etablissement", "nofinesset", "numero_finess_et"),
    "operator_id": ("nofinessej_1", "numero finess etablissement juridique", "nofinessej"),
    "name": ("raison_sociale", "rs"),
    "long_name": ("rslongue",),
    "category_code": ("categetab",),
    "category_name": ("categorie", "libcategetab"),
    "commune_code": ("code_insee", "commune_code", "codecommune"),
    "latitude": ("latitude",),
    "longitude": ("longitude",),
}
_EQUIPMENT = {
    "libde": ("libelle description equipement sociaux", "libde"),
    "libta": ("libta_equipement", "libta"),
}
_OPTIONAL = ("long_name", "category_name")
_FINESS_DIGITS = 9


def read_finess_flat(
    path: str | Path, *, source: str | None = None, communes: gpd.GeoDataFrame | None = None
) -> gpd.GeoDataFrame:
    r"""Read the establishments of FINESS from a flat table with titles.

    Such a table repeats an establishment on each line of its equipment: it comes out once.

    Parameters
    ----------
    path
        CSV or workbook with the number, the name, the category, the commune (INSEE) and WGS 84 coordinates of
        each establishment.
    source
        Producer and vintage, kept in the table; without it, « FINESS » and the name of the file.
    communes
        Points indexed by `commune_code`, for the establishments without coordinates.

    Returns
    -------
    GeoDataFrame
        Table `sites` (EPSG:4326), with `category_name`. See `as_sites` for those without coordinates.

    Raises
    ------
    ReadError
        If a column is absent, a number or code is none, or an establishment has two names, categories,
        communes or points.

    Examples
    --------
    >>> import tempfile
    >>> folder = tempfile.TemporaryDirectory()
    >>> path = Path(folder.name) / "finess.csv"
    >>> _ = path.write_text(
    ...     "nofinesset;nofinessej;rs;categetab;code_insee;latitude;longitude\n"
    ...     "90002585;090002577;PHARMACIE;620;9289;43.008;1.121\n"
    ... )
    >>> read_finess_flat(path).loc["090002585", ["commune_code", "category_code"]].to_list()
    ['09289', '620']
    >>> folder.cleanup()
    """
    path = Path(path)
    frame = _columns(read_table(path), _TITLES, path)
    frame = to_numbers(frame, ["latitude", "longitude"], path=path, decimal=_mark(frame))
    frame["site_id"] = frame["site_id"].str.strip().str.zfill(_FINESS_DIGITS)
    operator = frame["operator_id"].str.strip()
    frame["operator_id"] = operator.where(operator == "", operator.str.zfill(_FINESS_DIGITS))
    frame["commune_code"] = clean_codes(frame["commune_code"], path=path, column="code_insee")
    frame["category_code"] = frame["category_code"].str.strip().str.zfill(3)
    short, long = frame["name"].str.strip(), frame["long_name"].str.strip()
    frame["name"] = long.where(long != "", short)
    frame = frame.drop(columns="long_name")
    _refuse_two_faces(frame, path)
    rows = frame.drop_duplicates("site_id")
    return as_sites(rows, source=source or f"FINESS, {path.name}", path=path, communes=communes)


def read_finess_flat_equipment(path: str | Path) -> pd.DataFrame:
    r"""Read the equipment of the establishments of a flat table: what there is, without places or publics.

    Parameters
    ----------
    path
        As for `read_finess_flat`, with the labels of discipline and activity.

    Returns
    -------
    DataFrame
        One row per line with equipment: `nofinesset`, `nofinessej`, `categetab`, `libde`, `ta` and `libta` (the
        label of the activity in both: the file has no code), `client` (empty), `capinstot` and `capautot` (NaN:
        not in this file). The index is the line in the file.

    Raises
    ------
    ReadError
        If a column is absent.

    Warns
    -----
    TerritoryWarning
        With the lines that have no social or medico-social equipment (a pharmacy, a hospital's activity).

    Examples
    --------
    >>> import tempfile
    >>> folder = tempfile.TemporaryDirectory()
    >>> path = Path(folder.name) / "finess.csv"
    >>> _ = path.write_text(
    ...     "nofinesset;nofinessej;rs;categetab;code_insee;latitude;longitude;libde;libta\n"
    ...     "310000001;310000002;IME;183;31555;43.6;1.4;Éducation;Semi-Internat\n"
    ... )
    >>> read_finess_flat_equipment(path)[["categetab", "ta"]].values.tolist()
    [['183', 'Semi-Internat']]
    >>> folder.cleanup()
    """
    path = Path(path)
    frame = _columns(read_table(path), {**_TITLES, **_EQUIPMENT}, path)
    has_equipment = (frame["libta"].str.strip() != "") | (frame["libde"].str.strip() != "")
    without = int((~has_equipment).sum())
    if without:
        said = agree(without, "ligne(s) sans équipement social ou médico-social laissée(s) de côté")
        warnings.warn(f"Fichier « {path.name} » : {said}.", TerritoryWarning, stacklevel=2)
    kept = frame[has_equipment]
    return kept[["libde", "libta"]].assign(
        nofinesset=kept["site_id"].str.strip().str.zfill(_FINESS_DIGITS),
        nofinessej=kept["operator_id"].str.strip(),
        categetab=kept["category_code"].str.strip().str.zfill(3),
        ta=kept["libta"],
        client="",
        capinstot=float("nan"),
        capautot=float("nan"),
    )


def _columns(frame: pd.DataFrame, titles: dict[str, tuple[str, ...]], path: Path) -> pd.DataFrame:
    """Return the columns wanted, under our names."""
    import pandas as pd

    lower = {str(title).strip().lower(): title for title in frame.columns}
    found = {name: next((lower[key] for key in keys if key in lower), None) for name, keys in titles.items()}
    absent = [titles[name][0] for name, title in found.items() if title is None and name not in _OPTIONAL]
    require_columns(frame, absent, path=path)
    cells = {name: frame[title] if title is not None else "" for name, title in found.items()}
    return pd.DataFrame(cells, index=frame.index)


def _mark(frame: pd.DataFrame) -> str:
    """Return the decimal mark of the coordinates."""
    return "," if frame["latitude"].str.contains(",", regex=False).any() else "."


def _refuse_two_faces(frame: pd.DataFrame, path: Path) -> None:
    """Refuse an establishment whose lines do not say the same of it."""
    faces = frame.drop_duplicates()
    twice = faces["site_id"][faces["site_id"].duplicated()].unique()
    if len(twice):
        said = agree(len(twice), "établissement(s) (a|ont) des lignes qui ne disent pas la même chose")
        raise ReadError(
            f"Fichier « {path.name} » : {said} (nom, catégorie, commune ou point : {examples(twice)})."
        )
