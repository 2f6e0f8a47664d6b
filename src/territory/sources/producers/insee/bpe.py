"""INSEE's permanent database of facilities (BPE), counted by commune."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from territory.errors import ReadError, TerritoryWarning, agree, examples
from territory.sources.text.numbers import to_numbers
from territory.sources.text.tables import read_table, require_columns

if TYPE_CHECKING:
    import pandas as pd


def read_bpe_counts(path: str | Path, *, type_code: str = "D201") -> pd.Series:
    r"""Read the number of facilities of one type in each commune that has at least one.

    Parameters
    ----------
    path
        CSV with `CODGEO` and `NB_<type>`.
    type_code
        Type of facility: `D201` general practitioners (`D265` in later vintages), `D107` maternity units.

    Returns
    -------
    Series
        Numbers indexed by `commune_code`. A line repeated word for word is counted once, with a warning.

    Raises
    ------
    ReadError
        If a column is absent, a count is no number, or a commune has two different counts.

    Examples
    --------
    >>> import tempfile
    >>> folder = tempfile.TemporaryDirectory()
    >>> path = Path(folder.name) / "bpe.csv"
    >>> _ = path.write_text('"CODGEO","NB_D201"\n"01004",24\n"01005",2\n')
    >>> read_bpe_counts(path).to_dict()
    {'01004': 24.0, '01005': 2.0}
    >>> folder.cleanup()
    """
    title = f"NB_{type_code}"
    frame = read_table(path)
    require_columns(frame, ("CODGEO", title), path=path)
    frame = to_numbers(frame, [title], path=path, decimal=".")
    repeated = frame.duplicated()
    if repeated.any():
        said = agree(int(repeated.sum()), "ligne(s) répétée(s) comptée(s) une seule fois")
        warnings.warn(
            f"Fichier « {Path(path).name} » : {said} ({examples(frame.loc[repeated, 'CODGEO'])}).",
            TerritoryWarning,
            stacklevel=2,
        )
    counts = frame[~repeated].set_index("CODGEO")[title].rename(type_code).rename_axis("commune_code")
    twice = counts.index[counts.index.duplicated()]
    if len(twice):
        raise ReadError(
            f"Fichier « {Path(path).name} » : {agree(len(twice), 'commune(s) avec deux nombres différents')} "
            f"({examples(twice)})."
        )
    return counts
