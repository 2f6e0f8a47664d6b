"""INSEE's official geographic code (COG): communes of a year, and the movements between years."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from territory.errors import agree, examples
from territory.sources.text.cells import wanted
from territory.sources.text.refusals import fault, numbered, refuse, refuse_repeated
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
    if unknown := sorted(set(frame["TYPECOM"]) - set(COMMUNE_TYPES)):
        known = f"types connus : {', '.join(COMMUNE_TYPES)}."
        raise fault(path, f"types de commune inconnus ({examples(unknown)}) ; {known}")
    # a delegated commune may have the code of its commune, an arrondissement never
    alone = frame.loc[frame["TYPECOM"].isin(["COM", "ARM"]), "COM"]
    refuse_repeated(alone, "commune(s) en double", path=path)
    titles = {"name": "LIBELLE", "departement_code": "DEP", "region_code": "REG"}
    communes = frame[frame["TYPECOM"] == "COM"].set_index("COM")
    result = wanted(communes, titles, path=path).rename_axis("commune_code")
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

    titles = {"movement_code": "MOD", "date": "DATE_EFF"}
    for side, end in (("before", "AV"), ("after", "AP")):
        said = (("type", "TYPECOM"), ("code", "COM"), ("name", "LIBELLE"))
        titles |= {f"{name}_{side}": f"{title}_{end}" for name, title in said}
    result = wanted(read_table(path), titles, path=path)
    refuse(path, numbered(result.index[result.duplicated()]), "mouvement(s) répété(s)")
    dates = pd.to_datetime(result["date"], format="%Y-%m-%d", errors="coerce")
    wrong = result.index[dates.isna()]
    if len(wrong):
        shown = f"(ligne{'s' if len(wrong) > 1 else ''} {examples(wrong)})"
        said_wrong = (
            f"{agree(len(wrong), 'date(s) illisible(s)')} {shown} ; la forme attendue est 2024-01-01."
        )
        raise fault(path, said_wrong, place=", colonne « DATE_EFF »")
    return result.assign(date=dates).reset_index(drop=True)
