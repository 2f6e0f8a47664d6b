"""DGCL's Banatic: which EPCI each commune belongs to."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from territory.errors import ReadError, agree, examples
from territory.sources.text.numbers import to_numbers
from territory.sources.text.tables import read_table, require_columns

if TYPE_CHECKING:
    import pandas as pd


def read_epci(path: str | Path) -> pd.DataFrame:
    r"""Read the communes of each EPCI with its own taxes (« epcicom » of Banatic).

    Parameters
    ----------
    path
        Workbook or CSV with `dept`, `siren`, `raison_sociale`, `nature_juridique`, `nb_membres`,
        `total_pop_mun` and `insee`.

    Returns
    -------
    DataFrame
        Indexed by `commune_code`: `epci_code` (SIREN), `epci_name`, `epci_kind` (CC, CA, CU, METRO…),
        `epci_departement_code` (its seat, not the commune's), `epci_communes` (number), `epci_population`
        (hab). A few islands belong to no EPCI and are absent.

    Raises
    ------
    ReadError
        If a column is absent, a commune is in two EPCI, or an EPCI has not the number of communes it says.

    Examples
    --------
    >>> import tempfile
    >>> folder = tempfile.TemporaryDirectory()
    >>> path = Path(folder.name) / "epci.csv"
    >>> _ = path.write_text(
    ...     "dept;siren;raison_sociale;nature_juridique;nb_membres;total_pop_mun;insee\n"
    ...     "83;248300394;CA Sud Sainte Baume;CA;1;64093;83016\n"
    ... )
    >>> read_epci(path).loc["83016", "epci_name"]
    'CA Sud Sainte Baume'
    >>> folder.cleanup()
    """
    frame = read_table(path)
    titles = {
        "epci_code": "siren",
        "epci_name": "raison_sociale",
        "epci_kind": "nature_juridique",
        "epci_departement_code": "dept",
        "epci_communes": "nb_membres",
        "epci_population": "total_pop_mun",
    }
    require_columns(frame, (*titles.values(), "insee"), path=path)
    frame = to_numbers(frame, ["nb_membres", "total_pop_mun"], path=path, decimal=".")
    result = frame.set_index("insee")[list(titles.values())].set_axis(list(titles), axis=1)
    result = result.rename_axis("commune_code")
    twice = result.index[result.index.duplicated()]
    if len(twice):
        raise ReadError(f"Fichier « {Path(path).name} » : communes dans deux EPCI ({examples(twice)}).")
    found = result.groupby("epci_code")["epci_communes"].agg(["size", "max"])
    partial = found.index[found["size"] != found["max"]]
    if len(partial):
        said = agree(len(partial), "EPCI (n'a pas toutes ses|n'ont pas toutes leurs) communes")
        raise ReadError(f"Fichier « {Path(path).name} » : {said} ({examples(partial)}).")
    return result
