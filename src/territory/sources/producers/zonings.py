"""Groupings of communes read as data: EPCI, medical zoning, territoires de vie-santé, bassins de vie, density."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from territory.errors import UnknownCodeError, examples
from territory.sources.text.cells import SIREN, by_commune, clean_codes, wanted
from territory.sources.text.refusals import fault, refuse, refuse_repeated, warn_of
from territory.sources.text.tables import decode, read_bytes, read_table, split
from territory.sources.text.workbooks import read_workbook, sheet_names

_COMMUNE = (r"codgeo|depcom|code(de)?(la)?commune(insee)?|communecode|codeinsee|inseecom|com",)


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
    table = wanted(frame, titles, path=path, also=("insee",), counts=("epci_communes", "epci_population"))
    table["epci_code"] = clean_codes(frame["siren"], SIREN, path=path)
    result = by_commune(table, frame["insee"], "commune(s) dans deux EPCI", path=path)
    found = result.groupby("epci_code")["epci_communes"].agg(["size", "max"])
    partial = found.index[found["size"] != found["max"]]
    refuse(path, partial, "EPCI (n'a pas toutes ses|n'ont pas toutes leurs) communes")
    return result


@dataclass(frozen=True)
class Zoning:
    """How a zoning is laid out: patterns of the titles, without accents, spaces and capitals, best first."""

    title: str
    value: tuple[str, ...]
    label: tuple[str, ...] = ()
    commune: tuple[str, ...] = _COMMUNE


ZONINGS: dict[str, Zoning] = {
    "zonage_medecin": Zoning(
        "zonage médecin en vigueur (arrêté de l'ARS)",
        (
            r"qualificationattribueeparlarreteregional",
            r"zonage(medecin)?s?(envigueur|ars)?",
            r"qualification",
        ),
    ),
    "territoire_vie_sante": Zoning(
        "territoire de vie-santé",
        (r"codeduterritoiredeviesante", r"tvs(\d{4})?|tv|codetvs"),
        (r"(nom|libelle)duterritoiredeviesante", r"lib(elle)?tvs|nomtvs|libtv"),
    ),
    "bassin_vie": Zoning("bassin de vie (INSEE)", (r"bv\d{4}",), (r"libbv\d{4}",)),
    "densite": Zoning("grille de densité (INSEE)", (r"dens7", r"dens"), (r"libdens7", r"libdens")),
}


def read_zoning(
    path: str | Path, kind: str, *, sheet: str | None = None, value: str | None = None
) -> pd.DataFrame:
    r"""Read in which zone each commune is, for one of the zonings of `ZONINGS`.

    A zone in force is what the ARS decided: it is read, never computed.

    Not tried on a real file: the titles are those of INSEE's and DREES's files as published since 2017.

    Parameters
    ----------
    path
        CSV or workbook with a line per commune; lines above the titles are skipped.
    kind
        `zonage_medecin`, `territoire_vie_sante`, `bassin_vie` or `densite` (7 levels where the file has them).
    sheet
        Sheet of a workbook; without it, the first that has the columns.
    value
        Title of the column of zones, where it is none of the usual ones.

    Returns
    -------
    DataFrame
        Indexed by `commune_code`: a column named after `kind` (text: code or class of the zone; missing where the
        file has none) and, where the file has labels, `<kind>_name`. To be joined to the communes.

    Raises
    ------
    UnknownCodeError
        If there is no such kind.
    ReadError
        If a column is absent, a code is none, or a commune is in two zones.

    Warns
    -----
    TerritoryWarning
        With the lines repeated word for word, and the communes without a zone.

    Examples
    --------
    >>> import tempfile
    >>> folder = tempfile.TemporaryDirectory()
    >>> path = Path(folder.name) / "BV2022_au_01-01-2023.csv"
    >>> _ = path.write_text("CODGEO;LIBGEO;BV2022;LIBBV2022\n01004;Ambérieu;01004;Ambérieu-en-Bugey\n")
    >>> read_zoning(path, "bassin_vie").loc["01004"].to_list()
    ['01004', 'Ambérieu-en-Bugey']
    >>> folder.cleanup()
    """
    if kind not in ZONINGS:
        raise UnknownCodeError(f"Zonage inconnu « {kind} » ; zonages connus : {', '.join(ZONINGS)}.")
    path = Path(path)
    zoning = ZONINGS[kind]
    if value is not None:
        zoning = replace(zoning, value=(re.escape(_plain(value)),))
    frame, titles = _find_table(path, zoning, sheet)
    codes = clean_codes(frame[titles["commune"]], path=path)
    result = frame[[titles["value"]]].set_axis([kind], axis=1)
    if "label" in titles:
        result[f"{kind}_name"] = frame[titles["label"]]
    if kind == "bassin_vie":
        # zones named after a commune have its code
        result[kind] = clean_codes(result[kind], path=path, may_be_empty=True)
    result = result.apply(lambda cells: cells.str.strip().replace("", None))
    result = result.set_axis(codes.array, axis=0).rename_axis("commune_code")
    # a line that is there again word for word is counted once, two zones are refused
    repeated = result.reset_index().duplicated().to_numpy()
    said = "ligne(s) répétée(s) comptée(s) une seule fois"
    warn_of(path, int(repeated.sum()), said, result.index[repeated])
    result = pd.DataFrame(result[~repeated])
    refuse_repeated(result.index, "commune(s) dans deux zones", path=path)
    without = result.index[result[kind].isna()]
    warn_of(path, len(without), "commune(s) sans zone", without)
    return result


def _find_table(path: Path, zoning: Zoning, sheet: str | None) -> tuple[pd.DataFrame, dict[str, str]]:
    """Return the first table of the file that has the columns wanted, and their titles."""
    content = read_bytes(path)
    sheets: list[str | None] = [sheet]
    if path.suffix.lower() in (".xlsx", ".xlsm", ".xls") and sheet is None:
        sheets = list(sheet_names(content, path))
    seen: list[str] = []
    for name in sheets:
        if name is not None or content[:2] in (b"PK", b"\xd0\xcf"):
            rows = read_workbook(content, path, sheet=name)
        else:
            rows = split(decode(content, path), path, skips=True)
        for _, cells in rows[:60]:
            titles = [cell.strip() for cell in cells if cell.strip()]
            seen.extend(titles[:8] if len(seen) < 8 else [])
            asked = {"commune": zoning.commune, "value": zoning.value, "label": zoning.label}
            found = {key: _first(titles, patterns) for key, patterns in asked.items()}
            kept = {key: title for key, title in found.items() if title is not None}
            if {"commune", "value"} <= set(kept) and kept["commune"] != kept["value"]:
                return read_table(path, sheet=name, header=(kept["commune"], kept["value"])), kept
    raise fault(
        path,
        f"{zoning.title} : aucune ligne de titres avec le code des communes et la zone ; titres lus : "
        f"{examples(dict.fromkeys(seen), most=8)} ; précisez value= ou sheet=.",
    )


def _first(titles: list[str], patterns: tuple[str, ...]) -> str | None:
    """Return the first title that follows the best pattern."""
    for pattern in patterns:
        for title in titles:
            if re.fullmatch(pattern, _plain(title)):
                return title
    return None


def _plain(title: str) -> str:
    """Return a title in small letters and digits alone, without accents."""
    letters = unicodedata.normalize("NFKD", title).casefold()
    return "".join(letter for letter in letters if letter.isalnum())
