"""DREES's local potential accessibility (APL): one workbook, a sheet per year."""

from __future__ import annotations

import re
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from territory.errors import ReadError, TerritoryWarning, agree, examples
from territory.sources.text.commune_codes import pad_codes
from territory.sources.text.numbers import to_numbers
from territory.sources.text.tables import read_bytes, read_table
from territory.sources.text.workbooks import sheet_names
from territory.tables.schemas import COMMUNE_CODE

if TYPE_CHECKING:
    import pandas as pd

_CODE_TITLES = ("Code commune INSEE", "Code commune")
_SHEET = re.compile(r"APL\D*(\d{4})", re.IGNORECASE)
_APL = re.compile(r"APL aux? (.+)", re.IGNORECASE)
_YOUNGER = re.compile(r"de (\d{2}) ans (?:et|ou) moins", re.IGNORECASE)
_STANDARDISED = re.compile(r"population .*standardisée", re.IGNORECASE)
_TOTAL = re.compile(r"population totale", re.IGNORECASE)


def read_apl(path: str | Path, *, year: int | None = None) -> pd.DataFrame:
    """Read the APL of each commune (DREES), for any of the professions that have a workbook.

    The line of titles is looked for under the title and the notes, and the line of units under it is kept in
    the attributes. Arrondissements of Paris, Lyon and Marseille come as DREES has them, in place of their
    commune.

    Not tried on a real file: written from what is published of the workbooks of 2022 to 2024.

    Parameters
    ----------
    path
        Workbook of DREES: sheets « APL 2023 », « APL 2024 »…
    year
        Year of the sheet; without it, the newest.

    Returns
    -------
    DataFrame
        Indexed by `commune_code`: `name`, `apl`, then `apl_up_to_65`, `apl_up_to_62`… (professionals of that
        age at most; for GPs alone), `standardised_population_hab` where there is one, `population_hab`.
        Attributes: `year`, `profession` (as in the title), `unit` (as in the workbook: consultations a year for
        GPs, full-time equivalents per 100,000 for others). NaN where DREES gives none.

    Raises
    ------
    ReadError
        If there is no sheet of this year, no line of titles, or a number is none.

    Warns
    -----
    TerritoryWarning
        With the lines that are no commune (a total, notes).

    Examples
    --------
    >>> import tempfile, openpyxl
    >>> folder = tempfile.TemporaryDirectory()
    >>> path = Path(folder.name) / "apl.xlsx"
    >>> book = openpyxl.Workbook()
    >>> book.active.title = "APL 2024"
    >>> book.active.append(["Code commune INSEE", "Commune", "APL aux médecins généralistes", "Population totale 2022"])
    >>> book.active.append([None, None, "En consultations par habitant standardisé", "En habitants"])
    >>> book.active.append(["83050", "Draguignan", 3.1, 39434])
    >>> book.save(path)
    >>> read_apl(path).loc["83050", ["apl", "population_hab"]].to_list()
    [3.1, 39434.0]
    >>> folder.cleanup()
    """
    path = Path(path)
    sheet, year = _find_sheet(path, year)
    frame, code = _read_sheet(path, sheet)
    titles = _find_titles(frame, path, sheet)
    codes = pad_codes(frame[code])
    is_unit = (codes == "") & (frame[titles["apl"]].str.strip() != "")
    units = frame[is_unit]
    is_commune = codes.str.fullmatch(COMMUNE_CODE)
    others = frame[~is_commune & ~is_unit]
    if len(others):
        said = agree(
            len(others), "ligne(s) qui (n'est pas une commune laissée|ne sont pas des communes laissées)"
        )
        warnings.warn(
            f"Fichier « {path.name} », feuille « {sheet} » : {said} de côté ({examples(others[code])}).",
            TerritoryWarning,
            stacklevel=2,
        )
    numbers = [name for name in titles if name != "name"]
    kept = to_numbers(frame[is_commune], [titles[name] for name in numbers], path=path, decimal=_mark(frame))
    result = kept[list(titles.values())].set_axis(list(titles), axis=1)
    result["name"] = result["name"].str.strip()
    result = result.set_axis(codes[is_commune].rename("commune_code").array, axis=0)
    result = result.rename_axis("commune_code")
    twice = result.index[result.index.duplicated()]
    if len(twice):
        raise ReadError(
            f"Fichier « {path.name} », feuille « {sheet} » : {agree(len(twice), 'commune(s) en double')} "
            f"({examples(twice)})."
        )
    if result.empty:
        raise ReadError(f"Fichier « {path.name} », feuille « {sheet} » : aucune commune.")
    unit = units[titles["apl"]].str.strip().iloc[0] if len(units) else ""
    found = _APL.fullmatch(" ".join(titles["apl"].split()))
    result.attrs.update(year=year, unit=unit, profession=found[1] if found else "")
    return result


def _find_sheet(path: Path, year: int | None) -> tuple[str, int]:
    """Return the sheet of a year and the year, the newest by default."""
    names = sheet_names(read_bytes(path), path)
    years = {int(match[1]): name for name in names if (match := _SHEET.search(name))}
    if not years:
        raise ReadError(
            f"Fichier « {path.name} » : aucune feuille « APL » suivie d'une année ; feuilles présentes : "
            f"{examples(names, most=8)}."
        )
    if year is not None and year not in years:
        raise ReadError(
            f"Fichier « {path.name} » : pas de feuille pour {year} ; années présentes : "
            f"{', '.join(map(str, sorted(years)))}."
        )
    chosen = year if year is not None else max(years)
    return years[chosen], chosen


def _read_sheet(path: Path, sheet: str) -> tuple[pd.DataFrame, str]:
    """Return a sheet under its line of titles, and the title of the codes."""
    refusal: ReadError | None = None
    for title in _CODE_TITLES:
        try:
            return read_table(path, sheet=sheet, header=(title,)), title
        except ReadError as error:
            refusal = refusal or error
    raise refusal or ReadError(f"Fichier « {path.name} » : il est vide.")


def _find_titles(frame: pd.DataFrame, path: Path, sheet: str) -> dict[str, str]:
    """Return our names of columns and theirs."""
    plain = {title: " ".join(str(title).split()) for title in frame.columns}
    all_apl = [title for title, text in plain.items() if _APL.fullmatch(text)]
    younger = {title: match[1] for title in all_apl if (match := _YOUNGER.search(plain[title]))}
    whole = [title for title in all_apl if title not in younger]
    name = [title for title, text in plain.items() if text.lower() in ("commune", "nom de la commune")]
    total = [title for title, text in plain.items() if _TOTAL.match(text)]
    wanted = (("Commune", name), ("APL aux …", whole), ("Population totale", total))
    absent = [said for said, titles in wanted if len(titles) != 1]
    if absent:
        raise ReadError(
            f"Fichier « {path.name} », feuille « {sheet} » : une seule colonne est attendue pour "
            f"{', '.join(f'« {said} »' for said in absent)} ; colonnes présentes : "
            f"{examples(plain.values(), most=8)}."
        )
    titles = {"name": name[0], "apl": whole[0]}
    titles |= {f"apl_up_to_{age}": title for title, age in younger.items()}
    standardised = [title for title, text in plain.items() if _STANDARDISED.match(text)]
    if standardised:
        titles["standardised_population_hab"] = standardised[0]
    return titles | {"population_hab": total[0]}


def _mark(frame: pd.DataFrame) -> str:
    """Return the decimal mark: cells of a workbook are numbers, unless someone typed them in French."""
    has_comma = any(frame[name].str.fullmatch(r"-?\d+,\d+").any() for name in frame.columns)
    return "," if has_comma else "."
