"""Groupings of communes read as data: EPCI, territoires de vie-santé."""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path

import pandas as pd

from territory.errors import examples
from territory.sources.text.cells import SIREN, by_commune, clean_codes, wanted
from territory.sources.text.refusals import fault, refuse, refuse_repeated, warn_of
from territory.sources.text.tables import decode, read_bytes, read_table, split
from territory.sources.text.workbooks import read_workbook, sheet_names

# titles of DREES, without accents, spaces and capitals, best first
_COMMUNE = r"codgeo|depcom|code(de)?(la)?commune(insee)?|communecode|codeinsee|inseecom|com"
_TERRITORY = (r"codeduterritoiredeviesante", r"tvs(\d{4})?|tv|codetvs")


def read_epci(path: str | Path) -> pd.DataFrame:
    """Read the communes of each EPCI with its own taxes (« epcicom » of Banatic).

    Indexed by `commune_code`: `epci_code` (SIREN), `epci_name`, `epci_kind` (CC, CA, CU, METRO…),
    `epci_departement_code` (of its seat), `epci_communes` (number), `epci_population` (hab). A few islands
    belong to no EPCI and are absent; an EPCI that has not the number of communes it says is refused.
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


def read_care_territories(path: str | Path) -> pd.Series:
    """Read the territoire de vie-santé of each commune (DREES), by `commune_code`, from a CSV or a workbook."""
    path = Path(path)
    frame, commune, territory = _find_table(path)
    zones = frame[territory].str.strip().replace("", None)
    zones = zones.set_axis(clean_codes(frame[commune], path=path).array, axis=0)
    zones = zones.rename_axis("commune_code").rename("territoire_vie_sante")
    # a line that is there again word for word is counted once, two zones are refused
    repeated = zones.reset_index().duplicated().to_numpy()
    said = "ligne(s) répétée(s) comptée(s) une seule fois"
    warn_of(path, int(repeated.sum()), said, zones.index[repeated])
    zones = zones[~repeated]
    refuse_repeated(zones.index, "commune(s) dans deux zones", path=path)
    without = zones.index[zones.isna()]
    warn_of(path, len(without), "commune(s) sans zone", without)
    return zones


def _find_table(path: Path) -> tuple[pd.DataFrame, str, str]:
    """Return the first table of the file that has the columns wanted, and their titles."""
    content = read_bytes(path)
    sheets: list[str | None] = [None]
    if path.suffix.lower() in (".xlsx", ".xlsm", ".xls"):
        sheets = list(sheet_names(content, path))
    seen: list[str] = []
    for name in sheets:
        if name is None:
            rows = split(decode(content, path), path, skips=True)
        else:
            rows = read_workbook(content, path, sheet=name)
        for _, cells in rows[:60]:
            titles = [cell.strip() for cell in cells if cell.strip()]
            seen.extend(titles[:8] if len(seen) < 8 else [])
            commune, territory = _first(titles, (_COMMUNE,)), _first(titles, _TERRITORY)
            if commune and territory and commune != territory:
                return read_table(path, sheet=name, header=(commune, territory)), commune, territory
    raise fault(
        path,
        "aucune ligne de titres avec le code des communes et leur territoire de vie-santé ; titres lus : "
        f"{examples(dict.fromkeys(seen), most=8)}.",
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
