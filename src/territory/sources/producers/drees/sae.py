"""DREES's yearly hospital survey (SAE): sites, child psychiatry, staff of emergency departments."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from territory.errors import ReadError, agree, examples
from territory.sources.text.numbers import to_numbers
from territory.sources.text.tables import read_table, require_columns

if TYPE_CHECKING:
    import pandas as pd

# columns of the psychiatry form, by what they count
_PSYCHIATRY = {
    "day_places": "CAP_HDJ",
    "night_places": "CAP_HDN",
    "beds": "CAP_HTP",
    "consultation_centres": "NB_CMP_SEUL",
    "therapeutic_activity_centres": "NB_CATTP",
    "active_file": "FIL_TOT",
    "active_file_ambulatory": "FIL_AMB",
}


def read_sae_sites(path: str | Path) -> pd.DataFrame:
    r"""Read the hospital sites of the SAE (form `ID`, Latin-1).

    Parameters
    ----------
    path
        CSV of DREES with `fi`, `rs`, `fi_ej`, `cat`, `COMINSEE` and `an`.

    Returns
    -------
    DataFrame
        Indexed by `site_id` (FINESS ET): `name`, `operator_id` (FINESS EJ), `category_code`,
        `commune_code`, `year`.

    Raises
    ------
    ReadError
        If a column is absent or a site appears twice.

    Examples
    --------
    >>> import tempfile
    >>> folder = tempfile.TemporaryDirectory()
    >>> path = Path(folder.name) / "ID_2023r.csv"
    >>> _ = path.write_text("an;fi;rs;fi_ej;cat;COMINSEE\n2023;830000287;CH LA DRACENIE;830100525;355;83050\n")
    >>> read_sae_sites(path).loc["830000287", "commune_code"]
    '83050'
    >>> folder.cleanup()
    """
    frame = read_table(path)
    titles = {
        "name": "rs",
        "operator_id": "fi_ej",
        "category_code": "cat",
        "commune_code": "COMINSEE",
        "year": "an",
    }
    require_columns(frame, ("fi", *titles.values()), path=path)
    result = frame.set_index("fi")[list(titles.values())].set_axis(list(titles), axis=1)
    return _unique(result.rename_axis("site_id"), path)


def read_sae_psychiatry(path: str | Path, *, discipline: str = "INF") -> pd.DataFrame:
    r"""Read the capacity and activity in psychiatry of each establishment (SAE, form `PSY`).

    Parameters
    ----------
    path
        CSV of DREES with `FI`, `RS`, `DIS` and the counts.
    discipline
        `INF` children and adolescents, `GEN` adults, `PEN` prisons, `TOT` all.

    Returns
    -------
    DataFrame
        Indexed by `site_id` (FINESS ET): `name`, `operator_id`, then `day_places` (places), `night_places`
        (places), `beds` (beds), `consultation_centres` (CMP of this discipline alone),
        `therapeutic_activity_centres` (CATTP), `active_file` and `active_file_ambulatory` (persons seen in
        the year), NaN where the establishment left a blank. The number is the establishment's, for all its
        places of care: never the capacity of one of them.

    Raises
    ------
    ReadError
        If a column is absent, a count is no number, or an establishment appears twice.

    Examples
    --------
    >>> import tempfile
    >>> folder = tempfile.TemporaryDirectory()
    >>> path = Path(folder.name) / "PSY_2023r.csv"
    >>> _ = path.write_text(
    ...     "FI;RS;FI_EJ;DIS;CAP_HDJ;CAP_HDN;CAP_HTP;NB_CMP_SEUL;NB_CATTP;FIL_TOT;FIL_AMB\n"
    ...     "830000311;CHI DE FREJUS;830100566;INF;37;0;8;3;1;2698;2529\n"
    ... )
    >>> read_sae_psychiatry(path).loc["830000311", "day_places"]
    np.float64(37.0)
    >>> folder.cleanup()
    """
    frame = read_table(path)
    counts = dict(_PSYCHIATRY)
    # until 2022 the form told CMP open five days a week from the others
    split = ("NB_CMP_SEUL_PA", "NB_CMP_SEUL_PL")
    columns = [title for title in counts.values() if title != "NB_CMP_SEUL"]
    columns += list(split) if split[0] in frame else ["NB_CMP_SEUL"]
    require_columns(frame, ("FI", "RS", "FI_EJ", "DIS", *columns), path=path)
    frame = to_numbers(frame[frame["DIS"] == discipline], columns, path=path, decimal=".")
    if split[0] in frame:
        frame["NB_CMP_SEUL"] = frame[list(split)].sum(axis=1, min_count=1)
    titles = {"name": "RS", "operator_id": "FI_EJ", **counts}
    result = frame.set_index("FI")[list(titles.values())].set_axis(list(titles), axis=1)
    return _unique(result.rename_axis("site_id"), path)


def read_sae_emergency(path: str | Path) -> pd.DataFrame:
    r"""Read the sites that employ staff in an emergency department (SAE, form `URGENCES_P`).

    Parameters
    ----------
    path
        CSV of DREES with `FI`, `RS`, `FI_EJ`, `PERSO` (kind of staff) and `ETPSAL` (full-time equivalents).

    Returns
    -------
    DataFrame
        Indexed by `site_id` (FINESS ET): `name`, `operator_id`, `doctors_etp` (salaried doctors, line
        `M9999`; NaN where not given).

    Raises
    ------
    ReadError
        If a column is absent, a count is no number, or a site has the same kind of staff twice.

    Examples
    --------
    >>> import tempfile
    >>> folder = tempfile.TemporaryDirectory()
    >>> path = Path(folder.name) / "URGENCES_P_2023r.csv"
    >>> _ = path.write_text("FI;RS;FI_EJ;PERSO;ETPSAL\n830000287;CH LA DRACENIE;830100525;M9999;6.59\n")
    >>> read_sae_emergency(path)["doctors_etp"].to_dict()
    {'830000287': 6.59}
    >>> folder.cleanup()
    """
    frame = read_table(path)
    require_columns(frame, ("FI", "RS", "FI_EJ", "PERSO", "ETPSAL"), path=path)
    frame = to_numbers(frame, ["ETPSAL"], path=path, decimal=".")
    twice = frame[frame.duplicated(["FI", "PERSO"])]
    if len(twice):
        said = agree(len(twice), "ligne(s) en double (même site, même sorte de personnel)")
        raise ReadError(f"Fichier « {Path(path).name} » : {said} ({examples(twice['FI'])}).")
    sites = frame.drop_duplicates("FI").set_index("FI")[["RS", "FI_EJ"]]
    sites = sites.set_axis(["name", "operator_id"], axis=1).rename_axis("site_id")
    doctors = frame[frame["PERSO"] == "M9999"].set_index("FI")["ETPSAL"]
    sites["doctors_etp"] = doctors.reindex(sites.index)
    return sites


def _unique(frame: pd.DataFrame, path: str | Path) -> pd.DataFrame:
    """Refuse a site that appears twice."""
    twice = frame.index[frame.index.duplicated()]
    if len(twice):
        raise ReadError(
            f"Fichier « {Path(path).name} » : {agree(len(twice), 'site(s) en double')} ({examples(twice)})."
        )
    return frame
