"""Commune codes: their département, their padding, and whether they are known."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from territory.errors import ParameterError, UnknownCodeError, agree, examples
from territory.sources.text import cells
from territory.sources.text.cells import ARRONDISSEMENTS
from territory.tables.schemas import COMMUNE_CODE

if TYPE_CHECKING:
    import pandas as pd

_CODE = re.compile(COMMUNE_CODE)


def departement_of(commune_code: str) -> str:
    """Return the département of a commune code.

    Parameters
    ----------
    commune_code
        Official code of five characters.

    Returns
    -------
    str
        Two characters in metropolitan France (`2A` and `2B` in Corsica), three overseas (`971` to `989`).

    Raises
    ------
    UnknownCodeError
        If this is no commune code.

    Examples
    --------
    >>> [departement_of(code) for code in ("83050", "2A004", "97411", "01001")]
    ['83', '2A', '974', '01']
    """
    if not _CODE.fullmatch(commune_code):
        raise UnknownCodeError(
            f"« {commune_code} » n'est pas un code de commune : cinq caractères sont attendus (83050, 2A004)."
        )
    return commune_code[:3] if commune_code[:2] in ("97", "98") else commune_code[:2]


def pad_codes(codes: pd.Series) -> pd.Series:
    """Give back the leading zero that spreadsheets take from commune codes.

    Parameters
    ----------
    codes
        Codes as text or whole numbers: `1004` becomes `01004`, `2a004` becomes `2A004`.

    Returns
    -------
    Series
        Text of five characters, same index.

    Raises
    ------
    UnknownCodeError
        With three of the values that cannot be commune codes.

    Examples
    --------
    >>> import pandas as pd
    >>> pad_codes(pd.Series(["1004", "83050", "2a004"])).to_list()
    ['01004', '83050', '2A004']
    """
    text = cells.pad_codes(codes)
    wrong = [value for value, padded in zip(codes, text, strict=True) if not _CODE.fullmatch(padded)]
    if wrong:
        raise UnknownCodeError(
            f"{agree(len(wrong), 'valeur(s)')} sur {len(codes)} ne peuvent être des codes de commune "
            f"({examples(wrong)}) : cinq caractères sont attendus (83050, 2A004)."
        )
    return text


def check_codes(codes: Iterable[str], known: Iterable[str], *, cog_year: int) -> None:
    """Refuse commune codes that a COG year does not hold.

    Parameters
    ----------
    codes
        Codes to check.
    known
        Codes of the year.
    cog_year
        Year of the official geographic code that `known` comes from.

    Raises
    ------
    UnknownCodeError
        With how many codes are unknown, three of them, and what to do.

    Examples
    --------
    >>> check_codes(["14118", "14119"], ["14118"], cog_year=2024)
    Traceback (most recent call last):
    territory.errors.UnknownCodeError: 1 des 2 codes de commune est inconnu du COG 2024 (14119) : ...
    """
    asked = list(dict.fromkeys(codes))
    unknown = sorted(set(asked) - set(known))
    if unknown:
        verb = "sont inconnus" if len(unknown) > 1 else "est inconnu"
        raise UnknownCodeError(
            f"{len(unknown)} des {len(asked)} codes de commune {verb} du COG {cog_year} ({examples(unknown)}) : "
            "s'ils sont d'une autre année, indiquez-la (par exemple cog_year=2017) pour les convertir."
        )


def commune_of_arrondissement(code: str) -> str:
    """Return the commune of a municipal arrondissement, or the code itself for any other commune.

    Parameters
    ----------
    code
        Code of a commune or of an arrondissement of Paris, Lyon or Marseille.

    Returns
    -------
    str
        Code of the commune.

    Examples
    --------
    >>> commune_of_arrondissement("13209"), commune_of_arrondissement("83050")
    ('13055', '83050')
    """
    for commune, pattern in ARRONDISSEMENTS.items():
        if re.fullmatch(pattern, code):
            return commune
    return code


def merge_arrondissements(table: pd.DataFrame, *, weights: Mapping[str, str] | None = None) -> pd.DataFrame:
    """Add up the arrondissements of Paris, Lyon and Marseille into their communes.

    Parameters
    ----------
    table
        Indexed by `commune_code`, one line per code. A commune that is there next to its own
        arrondissements is refused: it would be counted twice.
    weights
        For each share or rate, the column of counts that weighs it; the other columns of numbers are
        counts and add up, those of text are dropped for the merged communes.

    Returns
    -------
    DataFrame
        Same columns, the merged communes last; a count that one arrondissement does not know is NaN.

    Raises
    ------
    ParameterError
        If a commune is there together with its arrondissements.

    Examples
    --------
    >>> import pandas as pd
    >>> parts = pd.DataFrame({"population": [40.0, 60.0, 5.0]}, index=["13201", "13202", "83001"])
    >>> merge_arrondissements(parts)["population"].to_dict()
    {'83001': 5.0, '13055': 100.0}
    """
    import pandas as pd

    weights = dict(weights or {})
    target = pd.Series([commune_of_arrondissement(str(code)) for code in table.index], index=table.index)
    is_part = (target != table.index).to_numpy()
    if not is_part.any():
        return table.copy()
    parts, whole = table[is_part], table[~is_part]
    both = sorted(set(target[is_part]) & set(whole.index))
    if both:
        raise ParameterError(
            f"Communes présentes en même temps que leurs arrondissements ({examples(both)}) : gardez l'un ou l'autre."
        )
    groups = target[is_part].to_numpy()
    merged = pd.DataFrame(index=pd.Index(sorted(set(groups)), name=table.index.name))
    for column in table.columns:
        values = parts[column]
        if not pd.api.types.is_numeric_dtype(values.dtype):
            continue
        if column in weights:
            weight = parts[weights[column]]
            total = weight.groupby(groups).sum(min_count=1)
            merged[column] = (values * weight).groupby(groups).agg(
                lambda cells: cells.sum(skipna=False)
            ) / total
        else:
            merged[column] = values.groupby(groups).agg(lambda cells: cells.sum(skipna=False))
    return pd.concat([whole, merged.reindex(columns=table.columns)])
