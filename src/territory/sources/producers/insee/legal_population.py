"""INSEE: legal populations, shares by age, and ages of the larger communes."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from territory.errors import agree, counted, examples
from territory.sources.text.cells import by_commune, wanted
from territory.sources.text.refusals import fault, warn_of
from territory.sources.text.tables import read_table, require_columns

if TYPE_CHECKING:
    import pandas as pd

# titles of the three layouts INSEE has published: (code columns, name, municipal, counted apart, total)
_WORKBOOK = ("Code département", "Code commune", "Nom de la commune", "Population municipale")
_WORKBOOK_APART = ("Population comptée à part", "Population totale")
_COLUMNS = ("name", "population", "counted_apart", "total")
_TWICE = "code(s) de commune en double"


def read_legal_population(path: str | Path) -> pd.DataFrame:
    r"""Read the legal populations of communes, in any layout that INSEE has published since 2017.

    Parameters
    ----------
    path
        CSV of all communes (`COM`, `PMUN`…), CSV of one line per commune (`DEPCOM`, `COM`, `PMUN`…), or
        the workbook « ensemble » (sheet « Communes », `.xls`, `.xls.gz` or `.xlsx`).

    Returns
    -------
    DataFrame
        Indexed by `commune_code`: `name`, `population` (municipal, hab), `counted_apart` (hab), `total`
        (hab). Paris, Lyon and Marseille come as the file has them, often as arrondissements: see
        `territory.geography.merge_arrondissements`.

    Raises
    ------
    ReadError
        If the layout is not known, a number is none, or a code appears twice.

    Examples
    --------
    >>> import tempfile
    >>> folder = tempfile.TemporaryDirectory()
    >>> path = Path(folder.name) / "communes.csv"
    >>> _ = path.write_text("DEPCOM;COM;PMUN;PCAP;PTOT\n01001;L'Abergement-Clémenciat;776;18;794\n")
    >>> read_legal_population(path)["population"].to_dict()
    {'01001': 776.0}
    >>> folder.cleanup()
    """
    if {".xls", ".xlsx"} & {suffix.lower() for suffix in Path(path).suffixes}:
        frame = read_table(path, sheet="Communes", header=_WORKBOOK)
        titles = dict(zip(_COLUMNS, (*_WORKBOOK[2:], *_WORKBOOK_APART), strict=True))
        table = wanted(frame, titles, path=path, also=_WORKBOOK[:2], numbers=_COLUMNS[1:])
        # overseas, the département takes three digits and the commune keeps its last three
        code = frame[_WORKBOOK[0]].str.zfill(2).str[:2] + frame[_WORKBOOK[1]].str.zfill(3)
    else:
        frame = read_table(path)
        code_title, name_title = ("DEPCOM", "COM") if "DEPCOM" in frame else ("COM", "Commune")
        titles = dict(zip(_COLUMNS, (name_title, "PMUN", "PCAP", "PTOT"), strict=True))
        table = wanted(frame, titles, path=path, also=(code_title,), numbers=_COLUMNS[1:])
        code = frame[code_title]
    return by_commune(table, code, _TWICE, path=path)


def read_age_shares(path: str | Path) -> pd.DataFrame:
    r"""Read the shares under 25, 25 to 64 and 65 or over of each commune (Observatoire des territoires).

    Only the lines of communes are kept: those of régions have had their columns permuted.

    Parameters
    ----------
    path
        Workbook with the columns `code_insee`, `nom`, `scale` and three shares in per cent, whose titles
        carry their year.

    Returns
    -------
    DataFrame
        Indexed by `commune_code`: `name`, `under_25_share`, `from_25_to_64_share`, `from_65_share`
        (0 to 1, NaN where nobody lives), and the attribute `year`.

    Raises
    ------
    ReadError
        If a share is missing from the file, or the shares of a commune do not add up to one.

    Examples
    --------
    >>> import tempfile
    >>> folder = tempfile.TemporaryDirectory()
    >>> path = Path(folder.name) / "ages.csv"
    >>> titles = "code_insee;nom;scale;Part de - de 25 ans 2020;Part de 25 à 64 ans 2020;Part de 65 ans ou + 2020"
    >>> _ = path.write_text(titles + "\n01001;L'Abergement-Clémenciat;Commune;27;53.4;19.6\n")
    >>> read_age_shares(path).loc["01001", "under_25_share"]
    np.float64(0.27)
    >>> folder.cleanup()
    """
    frame = read_table(path)
    require_columns(frame, ("code_insee", "nom", "scale"), path=path)
    shares = {
        "under_25_share": _find_title(frame, r"de - de 25 ans (\d{4})", path),
        "from_25_to_64_share": _find_title(frame, r"de 25 à 64 ans (\d{4})", path),
        "from_65_share": _find_title(frame, r"de 65 ans ou \+ (\d{4})", path),
    }
    kept = frame[frame["scale"] == "Commune"]
    warn_of(path, len(frame) - len(kept), "ligne(s) laissée(s) de côté", ["régions et départements"])
    kept = kept.mask(kept.apply(lambda column: column.str.startswith("N/A")), "")
    table = wanted(kept, {"name": "nom", **shares}, path=path, numbers=tuple(shares))
    result = by_commune(table, kept["code_insee"], _TWICE, path=path)
    result[list(shares)] = result[list(shares)] / 100
    total = result[list(shares)].sum(axis=1, skipna=False)
    off = result.index[(total - 1).abs() > 0.0025]
    if len(off):
        of_whom = agree(len(off), "commune(s)")
        said = f"ne font pas 100 % ({examples(off)}) ; les colonnes sont peut-être permutées."
        raise fault(path, f"les trois parts de {of_whom} {said}")
    result.attrs["year"] = shares["under_25_share"][-4:]
    return result


def read_young_population(path: str | Path) -> pd.DataFrame:
    r"""Read the persons aged 0 to 14 of the communes over 2,000 inhabitants.

    Parameters
    ----------
    path
        CSV with `code_insee`, `commune`, `pop_tot` and `pop_0_14` (weighted counts, with decimals).

    Returns
    -------
    DataFrame
        Indexed by `commune_code`: `name`, `population` (hab), `population_0_14` (hab).

    Raises
    ------
    ReadError
        If a column is absent, a number is none, or there are more children than inhabitants.

    Examples
    --------
    >>> import tempfile
    >>> folder = tempfile.TemporaryDirectory()
    >>> path = Path(folder.name) / "ages.csv"
    >>> _ = path.write_text("code_insee,commune,pop_tot,pop_0_14\n01007,Ambronay,2763.000,615.765\n")
    >>> read_young_population(path)["population_0_14"].to_dict()
    {'01007': 615.765}
    >>> folder.cleanup()
    """
    frame = read_table(path)
    titles = {"name": "commune", "population": "pop_tot", "population_0_14": "pop_0_14"}
    numbers = ("population", "population_0_14")
    table = wanted(frame, titles, path=path, also=("code_insee",), numbers=numbers)
    result = by_commune(table, frame["code_insee"], _TWICE, path=path)
    off = result.index[result["population_0_14"] > result["population"]]
    if len(off):
        raise fault(path, f"plus d'enfants que d'habitants dans {counted(off, 'commune(s)')}.")
    return result


def _find_title(frame: pd.DataFrame, pattern: str, path: str | Path) -> str:
    """Return the title of a column whose year is not known beforehand."""
    found = [str(title) for title in frame.columns if re.search(pattern, str(title))]
    if len(found) != 1:
        said = agree(len(found), "colonne(s) (correspond|correspondent) à")
        present = f"colonnes présentes : {examples(frame.columns, most=8)}"
        raise fault(path, f"{said} « {pattern} », une seule est attendue ({present}).")
    return found[0]
