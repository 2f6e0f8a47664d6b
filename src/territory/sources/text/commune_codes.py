"""Commune codes in a table just read: leading zeros given back, what can be no code refused with its line."""

from __future__ import annotations

import re
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from territory.errors import ParameterError, ReadError, TerritoryWarning, agree, examples
from territory.tables.schemas import COMMUNE_CODE

if TYPE_CHECKING:
    import pandas as pd

# municipal arrondissements of Paris, Lyon and Marseille, by the commune they make up
ARRONDISSEMENTS = {
    "75056": r"751(?:0[1-9]|1\d|20)",
    "69123": r"6938[1-9]",
    "13055": r"132(?:0[1-9]|1[0-6])",
}


def clean_codes(codes: pd.Series, *, path: str | Path, column: str) -> pd.Series:
    """Return commune codes of five characters, with the leading zero that spreadsheets take away."""
    clean = pad_codes(codes)
    wrong = codes.index[~clean.str.fullmatch(COMMUNE_CODE)]
    if len(wrong):
        shown = examples(f"ligne {line} : « {codes.loc[line]} »" for line in wrong[:4])
        said = agree(len(wrong), "valeur(s) (n'est pas un code|ne sont pas des codes) de commune")
        raise ReadError(
            f"Fichier « {Path(path).name} », colonne « {column} » : {said} ({shown}) ; cinq caractères sont "
            "attendus (83050, 2A004)."
        )
    return clean


def pad_codes(codes: pd.Series) -> pd.Series:
    """Return codes in capitals, without what spreadsheets add or take away; nothing is checked.

    Examples
    --------
    >>> import pandas as pd
    >>> pad_codes(pd.Series(["1004.0", " 2a004"])).to_list()
    ['01004', '2A004']
    """
    text = codes.astype("str").str.strip().str.upper().str.replace(r"\.0$", "", regex=True)
    return text.where(~text.str.fullmatch(r"[0-9]{4}"), "0" + text)


def pad_code(code: str) -> str:
    """Return one code as `pad_codes` does, for tables too long to be held."""
    text = code.strip().upper().removesuffix(".0")
    return f"0{text}" if len(text) == 4 and text.isascii() and text.isdigit() else text


def without_arrondissements(frame: pd.DataFrame, codes: pd.Series, *, path: str | Path) -> pd.DataFrame:
    """Leave out the arrondissements of a commune that is in the table too: they would be counted twice."""
    present = set(codes)
    patterns = [pattern for commune, pattern in ARRONDISSEMENTS.items() if commune in present]
    if not patterns:
        return frame
    twice = codes.str.fullmatch("|".join(patterns))
    if twice.any():
        said = agree(int(twice.sum()), "arrondissement(s) laissé(s) de côté")
        warnings.warn(
            f"Fichier « {Path(path).name} » : {said} ({examples(codes[twice])}), leur commune est déjà comptée.",
            TerritoryWarning,
            stacklevel=3,
        )
    return frame[~twice]


def in_departements(code: str, departements: frozenset[str] | None) -> bool:
    """Tell whether a commune code is in one of the départements (all of them, without any)."""
    return departements is None or code[:2] in departements or code[:3] in departements


def check_departements(departements: object) -> frozenset[str] | None:
    """Return départements as a set of codes, or refuse what are none."""
    if departements is None:
        return None
    if isinstance(departements, str) or not hasattr(departements, "__iter__"):
        raise ParameterError("departements est une liste de codes, par exemple ['83', '2A'].")
    kept = frozenset(str(code) for code in departements)
    wrong = sorted(code for code in kept if not re.fullmatch(r"[0-9]{2}|2A|2B|9[78][0-9]", code))
    if wrong:
        raise ParameterError(
            f"{agree(len(wrong), 'code(s) de département inconnu(s)')} ({examples(wrong)}) : 83, 2A, 974…"
        )
    return kept
