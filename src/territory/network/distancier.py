"""Travel times that the agency already has, a distancier, in the table of those of a road map."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from territory.errors import (
    MissingFileError,
    ParameterError,
    Problems,
    ReadError,
    SchemaError,
    examples,
)
from territory.sources.text.tables import read_table
from territory.units import SECONDS_PER_MINUTE

if TYPE_CHECKING:
    pass

_UNITS_MIN = {"min": 1.0, "s": 1 / SECONDS_PER_MINUTE}
_LONG_NAMES = {
    "from_id": ("idsrc", "id_src", "from_id", "origine", "source", "id1"),
    "to_id": ("iddst", "id_dst", "to_id", "destination", "cible", "id2"),
    "travel_time_min": ("duree", "durée", "travel_time_min", "temps", "duration", "dist_min"),
    "distance_km": ("distance", "distance_km", "dist_km"),
}


def read_distancier(
    path: str | Path, *, unit: str = "min", unknown: tuple[float, ...] = (), distance_unit_km: float = 1.0
) -> pd.DataFrame:
    r"""Read a table of travel times that the agency already has.

    Parameters
    ----------
    path
        CSV file (comma, semicolon or tab), or Parquet: either long (idSrc, idDst, duree and perhaps distance) or
        a square matrix whose first column and header hold identifiers.
    unit
        ``min`` or ``s``: the file does not say it.
    unknown
        Numbers that mean that the time is unknown (9999, say); an empty cell does too.
    distance_unit_km
        How many kilometres the unit of the distances is (0.001 for metres).

    Returns
    -------
    DataFrame
        from_id, to_id, travel_time_min, and distance_km where the file has distances; NaN = unknown. The
        attribute cutoff_min is NaN: an absent pair is out of reach.

    Raises
    ------
    MissingFileError
        If there is no such file.
    ReadError
        If the file is empty or neither of the two forms.
    SchemaError
        If times are negative or not numbers, or the same pair is there twice.
    ParameterError
        If the unit is unknown.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "distancier.csv")
    ...     _ = path.write_text("idSrc;idDst;duree;distance\n83050;83121;1500;21,4\n")
    ...     read_distancier(path, unit="s")
      from_id  to_id  travel_time_min  distance_km
    0   83050  83121             25.0         21.4
    """
    if unit not in _UNITS_MIN:
        raise ParameterError(f'Unité « {unit} » inconnue : indiquez unit="min" ou unit="s".')
    path = Path(path)
    if not path.exists():
        raise MissingFileError(f"Distancier introuvable : « {path} » (vérifiez le chemin).")
    table = _read_cells(path)
    long = _as_long(table, path)
    problems = Problems(f"Distancier « {path.name} »", SchemaError)
    result = pd.DataFrame({"from_id": long["from_id"].astype(str), "to_id": long["to_id"].astype(str)})
    for name, factor in (("travel_time_min", _UNITS_MIN[unit]), ("distance_km", distance_unit_km)):
        if name in long:
            result[name] = _numbers(long[name], name, unknown, problems) * factor
    doubled = result.duplicated(["from_id", "to_id"])
    if doubled.any():
        pairs = result.loc[doubled, ["from_id", "to_id"]].itertuples(index=False, name=None)
        problems.add(
            f"{int(doubled.sum())} paires en double ({examples(f'{one} → {two}' for one, two in pairs)})"
        )
    problems.raise_if_any()
    result.attrs["cutoff_min"] = float("nan")
    return result


def _read_cells(path: Path) -> pd.DataFrame:
    """Read a file as text, whatever its encoding and separator."""
    if path.suffix != ".parquet":
        return read_table(path).reset_index(drop=True)
    try:
        return pd.read_parquet(path)
    except Exception as error:
        # pandas lets any error of what a file says of its columns through
        raise ReadError(f"Le distancier « {path.name} » est illisible ({error}).") from error


def _as_long(table: pd.DataFrame, path: Path) -> pd.DataFrame:
    """Return one row per pair, from a long table or a square matrix."""
    lowered = {str(name).strip().lower(): name for name in table.columns}
    found = {}
    for ours, theirs in _LONG_NAMES.items():
        name = next((lowered[one] for one in theirs if one in lowered), None)
        if name is not None:
            found[name] = ours
    if {"from_id", "to_id", "travel_time_min"} <= set(found.values()):
        return table[list(found)].rename(columns=found)
    rows, columns = table.iloc[:, 0].astype(str), table.columns[1:].astype(str)
    if len(columns) and len(rows) and set(rows) & set(columns):
        cells = table.iloc[:, 1:].to_numpy()
        return pd.DataFrame(
            {
                "from_id": np.repeat(rows.to_numpy(), len(columns)),
                "to_id": np.tile(columns.to_numpy(), len(rows)),
                "travel_time_min": cells.ravel(),
            }
        )
    raise ReadError(
        f"Le distancier « {path.name} » n'est ni une table longue (idSrc, idDst, duree) ni une matrice carrée"
        f" d'identifiants (colonnes : {examples(table.columns, most=6)})."
    )


def _numbers(
    column: pd.Series, name: str, unknown: tuple[float, ...], problems: Problems
) -> NDArray[np.float64]:
    """Return the numbers of a column, written with a comma or a point."""
    text = column.astype("string").str.strip().str.replace(",", ".", regex=False)
    numbers = pd.to_numeric(text, errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
    blank = (text.isna() | text.str.lower().isin(["", "na", "nan"])).to_numpy(dtype=bool)
    wrong = np.isnan(numbers) & ~blank
    if wrong.any():
        problems.add(
            f"colonne {name} : {int(wrong.sum())} valeurs ne sont pas des nombres ({examples(column[wrong])})"
        )
    numbers[np.isin(numbers, unknown)] = np.nan
    negative = (numbers < 0) | np.isinf(numbers)
    if negative.any():
        problems.add(
            f"colonne {name} : {int(negative.sum())} valeurs négatives ou infinies ({examples(column[negative])})"
        )
    return numbers
