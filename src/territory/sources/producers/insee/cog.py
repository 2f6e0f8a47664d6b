"""INSEE's official geographic code (COG): communes of a year, and the movements between years."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from territory.errors import ReadError, agree, examples
from territory.sources.text.refusals import refuse_repeated
from territory.sources.text.tables import read_table, require_columns

if TYPE_CHECKING:
    import pandas as pd

COMMUNE_TYPES = ("COM", "COMA", "COMD", "ARM")


def read_cog_communes(path: str | Path) -> pd.DataFrame:
    r"""Read the communes of one COG year (`v_commune_YYYY.csv`).

    Parameters
    ----------
    path
        CSV of INSEE with `TYPECOM`, `COM`, `REG`, `DEP`, `LIBELLE` and `COMPARENT`.

    Returns
    -------
    DataFrame
        Indexed by `commune_code`, communes proper only: `name`, `departement_code`, `region_code`. The
        attribute `arrondissements` maps each municipal arrondissement to its commune.

    Raises
    ------
    ReadError
        If a column is absent or a commune appears twice.

    Examples
    --------
    >>> import tempfile
    >>> folder = tempfile.TemporaryDirectory()
    >>> path = Path(folder.name) / "v_commune_2024.csv"
    >>> _ = path.write_text(
    ...     "TYPECOM,COM,REG,DEP,LIBELLE,COMPARENT\n"
    ...     "COM,13055,93,13,Marseille,\nARM,13201,93,13,Marseille 1er Arrondissement,13055\n"
    ... )
    >>> communes = read_cog_communes(path)
    >>> communes.loc["13055"].to_list(), communes.attrs["arrondissements"]
    (['Marseille', '13', '93'], {'13201': '13055'})
    >>> folder.cleanup()
    """
    frame = read_table(path)
    require_columns(frame, ("TYPECOM", "COM", "REG", "DEP", "LIBELLE", "COMPARENT"), path=path)
    unknown = sorted(set(frame["TYPECOM"]) - set(COMMUNE_TYPES))
    if unknown:
        raise ReadError(
            f"Fichier « {Path(path).name} » : types de commune inconnus ({examples(unknown)}) ; types connus : "
            f"{', '.join(COMMUNE_TYPES)}."
        )
    communes = frame[frame["TYPECOM"] == "COM"].set_index("COM")
    # a delegated commune may have the code of its commune, an arrondissement never
    alone = frame.loc[frame["TYPECOM"].isin(["COM", "ARM"]), "COM"]
    refuse_repeated(alone, "commune(s) en double", path=path)
    result = communes[["LIBELLE", "DEP", "REG"]]
    result = result.set_axis(["name", "departement_code", "region_code"], axis=1).rename_axis("commune_code")
    parts = frame[frame["TYPECOM"] == "ARM"]
    result.attrs["arrondissements"] = dict(zip(parts["COM"], parts["COMPARENT"], strict=True))
    return result


def read_cog_movements(path: str | Path) -> pd.DataFrame:
    r"""Read the movements of communes since 1943 (`v_mvt_commune_YYYY.csv`).

    Parameters
    ----------
    path
        CSV of INSEE with `MOD`, `DATE_EFF`, `TYPECOM_AV`, `COM_AV`, `TYPECOM_AP`, `COM_AP` and the names.

    Returns
    -------
    DataFrame
        One line per pair before and after, in the order of the file: `movement_code` (text), `date`
        (datetime), `type_before`, `code_before`, `name_before`, `type_after`, `code_after`, `name_after`.

    Raises
    ------
    ReadError
        If a column is absent, a date cannot be read, or the same movement is there twice.

    Examples
    --------
    >>> import tempfile
    >>> folder = tempfile.TemporaryDirectory()
    >>> path = Path(folder.name) / "v_mvt_commune_2024.csv"
    >>> titles = "MOD,DATE_EFF,TYPECOM_AV,COM_AV,LIBELLE_AV,TYPECOM_AP,COM_AP,LIBELLE_AP"
    >>> _ = path.write_text(titles + "\n32,2019-01-01,COM,05120,Ristolas,COM,05001,Abriès-Ristolas\n")
    >>> read_cog_movements(path).loc[0, ["code_before", "code_after"]].to_list()
    ['05120', '05001']
    >>> folder.cleanup()
    """
    import pandas as pd

    frame = read_table(path)
    titles = {
        "movement_code": "MOD",
        "date": "DATE_EFF",
        "type_before": "TYPECOM_AV",
        "code_before": "COM_AV",
        "name_before": "LIBELLE_AV",
        "type_after": "TYPECOM_AP",
        "code_after": "COM_AP",
        "name_after": "LIBELLE_AP",
    }
    require_columns(frame, tuple(titles.values()), path=path)
    repeated = frame.index[frame.duplicated(list(titles.values()))]
    if len(repeated):
        said = agree(len(repeated), "mouvement(s) répété(s)")
        raise ReadError(
            f"Fichier « {Path(path).name} » : {said} ({examples(f'ligne {line}' for line in repeated)})."
        )
    result = frame[list(titles.values())].set_axis(list(titles), axis=1)
    dates = pd.to_datetime(result["date"], format="%Y-%m-%d", errors="coerce")
    wrong = result.index[dates.isna()]
    if len(wrong):
        said = agree(len(wrong), "date(s) illisible(s)")
        raise ReadError(
            f"Fichier « {Path(path).name} », colonne « DATE_EFF » : {said} "
            f"(ligne{'s' if len(wrong) > 1 else ''} {examples(wrong)}) ; la forme attendue est 2024-01-01."
        )
    result["date"] = dates
    return result.reset_index(drop=True)
