"""Cells as people write them: commune codes given back their zeros, and numbers told from their marks."""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd

from territory.errors import ParameterError, Problems, ReadError, counted
from territory.sources.text.refusals import problems_of, quoted, refuse, refuse_repeated, warn_of
from territory.sources.text.tables import UNKNOWN_CELLS, require_columns
from territory.tables.declare import declared, lines_of

_SPACES = re.compile("[ \u00a0\u202f\u2009']")
# spaces and apostrophes part thousands, and nothing else
_SPACED = re.compile(rf"[+-]?\d{{1,3}}(?:{_SPACES.pattern}\d{{3}})+(?:[.,]\d*)?")
# a count under the threshold of its producer
_WITHHELD = re.compile(r"<\s*\d+")
_PLAIN = re.compile(r"[+-]?\d+(?:[eE][+-]?\d+)?")
_AMBIGUOUS = re.compile(r"[+-]?[1-9]\d{0,2}[.,]\d{3}")
_MARKED = re.compile(r"[+-]?(?:\d+(?:[.,]\d*)?|[.,]\d+)(?:[eE][+-]?\d+)?")
_GROUPED = {
    ".": re.compile(r"[+-]?\d{1,3}(?:,\d{3})+(?:\.\d*)?"),
    ",": re.compile(r"[+-]?\d{1,3}(?:\.\d{3})+(?:,\d*)?"),
}


def to_numbers(
    frame: pd.DataFrame,
    columns: Sequence[str],
    *,
    path: str | Path,
    thousands: bool = True,
    unknown: Sequence[str] = UNKNOWN_CELLS,
) -> pd.DataFrame:
    """Return a table with columns of text as numbers; every cell that is none is listed in one error.

    The decimal mark is told from all the columns together: `12,5` or `0,125` can only be a decimal comma,
    `1,234,567` can only be thousands. A table where nothing but cells like `1,234` is found is refused, for
    it can be read in two ways; without `thousands` (coordinates, shares, ages) it is a decimal comma. Cells
    of `unknown`, and counts under a threshold (`<11`), become NaN.
    """
    require_columns(frame, columns, path=path)
    cells, places = {}, {}
    for name in columns:
        # each text once, at the first line that has it
        text = frame[name].drop_duplicates().str.strip()
        places[name] = pd.factorize(frame[name], use_na_sentinel=False)[0]
        joined = text.str.replace(_SPACES, "", regex=True).where(text.str.fullmatch(_SPACED), text)
        cells[name] = joined.mask(text.isin(unknown) | text.str.fullmatch(_WITHHELD), "")
    problems = Problems(f"Fichier « {Path(path).name} »", ReadError)
    if thousands:
        mark = _tell_decimal(cells, problems)
    else:
        mark = "," if any(text.str.contains(",", regex=False).any() for text in cells.values()) else "."
    result = frame.copy()
    for name, values in cells.items():
        other = "," if mark == "." else "."
        grouped = values.str.fullmatch(_GROUPED[mark].pattern)
        marked = values.str.fullmatch(_MARKED.pattern) & ~values.str.contains(other, regex=False)
        plain = values.str.fullmatch(_PLAIN.pattern) | marked
        kept = values.where(~grouped, values.str.replace(other, "", regex=False))
        kept = kept.where(grouped | plain | (values == ""), "?")
        clean = kept.str.replace(mark, ".", regex=False)
        numbers = pd.to_numeric(clean.where(clean != "", None), errors="coerce").to_numpy("float64")
        is_bad = (clean != "").to_numpy() & ~np.isfinite(numbers)
        bad = quoted(frame.loc[is_bad[places[name]], name])
        said = "cellule(s) (n'est pas un nombre|ne sont pas des nombres)"
        problems.count(bad, said, of=f"colonne « {name} »")
        result[name] = numbers[places[name]]
    problems.raise_if_any()
    return result


def wanted(
    frame: pd.DataFrame,
    titles: Mapping[str, str],
    *,
    path: str | Path,
    also: Sequence[str] = (),
    numbers: Sequence[str] = (),
    counts: Sequence[str] = (),
) -> pd.DataFrame:
    """Return the columns wanted under our names, some as numbers or whole counts; `also` are to be there too."""
    require_columns(frame, (*also, *titles.values()), path=path)
    frame = to_numbers(frame, [titles[name] for name in (*numbers, *counts)], path=path)
    problems = problems_of(path)
    for title in (titles[name] for name in counts):
        wrong = frame[title].notna() & ~((frame[title] >= 0) & (frame[title] % 1 == 0))
        said = f"effectif(s) (négatif ou décimal|négatifs ou décimaux), colonne « {title} »"
        problems.count(quoted(frame.loc[wrong, title]), said)
    problems.raise_if_any()
    return frame[list(titles.values())].set_axis(list(titles), axis=1)


def titles_of(reader: str) -> dict[str, str]:
    """Return our names of the columns that a reader wants, and their titles in its file."""
    lines = lines_of("titles.csv", "territory.sources.producers")
    return {line["column"]: line["title"] for line in lines if line["reader"] == reader}


def by_commune(table: pd.DataFrame, codes: pd.Series, said: str, *, path: str | Path) -> pd.DataFrame:
    """Return a table by commune code; `said` counts the codes that are there more than once."""
    clean = clean_codes(codes, path=path)
    refuse_repeated(clean, said, path=path)
    return table.set_axis(clean.array, axis=0).rename_axis("commune_code")


def _tell_decimal(cells: dict[str, pd.Series], problems: Problems) -> str:
    """Return the decimal mark, or report why it cannot be told."""
    seen: dict[str, str] = {}
    doubtful = ""
    for name, values in cells.items():
        marked = values[values.str.contains("[.,]", regex=True)]
        for line, text in marked.items():
            mark = _evidence(text)
            where = f"colonne « {name} », ligne {line} : « {text} »"
            if mark:
                seen.setdefault(mark, where)
            elif _AMBIGUOUS.fullmatch(text):
                doubtful = doubtful or where
            if len(seen) == 2:
                said = "décimales à la virgule et au point dans le même tableau"
                problems.add(f"{said} ({seen[',']} ; {seen['.']}) : écrivez-les d'une seule façon")
                return "."
    if doubtful and not seen:
        advice = "ôtez les séparateurs de milliers"
        problems.add(f"{doubtful} peut se lire de deux façons (milliers ou décimales) : {advice}")
    return next(iter(seen), ".")


def _evidence(text: str) -> str:
    """Return the decimal mark that a cell proves, or nothing."""
    for mark, grouped in _GROUPED.items():
        other = "," if mark == "." else "."
        if grouped.fullmatch(text) and (text.count(other) > 1 or mark in text):
            return mark
    if _MARKED.fullmatch(text) and not _AMBIGUOUS.fullmatch(text):
        return "," if "," in text else "." if "." in text else ""
    return ""


# municipal arrondissements of Paris, Lyon and Marseille, by the commune they make up
ARRONDISSEMENTS = {"75056": r"751(?:0[1-9]|1\d|20)", "69123": r"6938[1-9]", "13055": r"132(?:0[1-9]|1[0-6])"}


@dataclass(frozen=True)
class Kind:
    """Codes of one kind: their form, how many characters they have, and what is said of those that are none."""

    form: str
    width: int
    said: str
    hint: str
    # zeros that a spreadsheet may have taken away
    zeros: int = 1


_KINDS = lines_of("kinds.csv", "territory.sources.text")
COMMUNES, DEPARTEMENTS, FINESS, SIREN = (declared(Kind, line) for line in _KINDS)
# what spreadsheets put around a code (a space of thousands, an apostrophe, ="…") and after it
_AROUND = re.compile(r"[\s\u00a0\u202f\u2009'\"=\ufeff]")
_DECIMALS = re.compile(r"[.,]0+$")


def clean_codes(
    codes: pd.Series, kind: Kind = COMMUNES, *, path: str | Path, may_be_empty: bool = False
) -> pd.Series:
    """Return codes as their producer writes them, a warning counting those mended; what cannot be one is refused."""
    clean = pad_codes(codes, kind)
    good = clean.str.fullmatch(kind.form)
    place = f", colonne « {codes.name} »" if codes.name else ""
    wrong = quoted(codes[~good & ~((clean == "") & may_be_empty)])
    refuse(path, wrong, f"valeur(s) {kind.said}", place=place, advice=f" ; {kind.hint}")
    mended = codes.astype("str").str.strip() != clean
    shown = [f"« {codes[mended].iloc[0]} » lu {clean[mended].iloc[0]}"] if mended.any() else []
    warn_of(path, int(mended.sum()), "code(s) réparé(s)", shown, place=place)
    return clean


def pad_codes(codes: pd.Series, kind: Kind = COMMUNES) -> pd.Series:
    """Return codes in capitals, without what spreadsheets add or take away; nothing is checked."""
    texts = codes.astype("str").fillna("")
    return texts.map({code: pad_code(code, kind) for code in texts.unique()}).astype("str")


def pad_code(code: str, kind: Kind = COMMUNES) -> str:
    """Return one code as `pad_codes` does, for tables too long to be held."""
    text = _DECIMALS.sub("", _AROUND.sub("", code).upper())
    lost = kind.width - len(text)
    return text.zfill(kind.width) if 0 < lost <= kind.zeros and text.isascii() and text.isdigit() else text


def known_codes(codes: pd.Series, known: Collection[str], *, path: str | Path) -> pd.Series:
    """Return codes as those that are known write them, communes or FINESS numbers, counted; others stay."""
    names = {str(name) for name in known}
    mended = {}
    for code in codes.astype("str").unique():
        if code not in names:
            padded = (pad_code(code, kind) for kind in (COMMUNES, FINESS))
            found = next((one for one in padded if one in names), code)
            mended[code] = commune if (commune := commune_of_arrondissement(found)) in names else found
    clean = codes.astype("str").map(lambda code: mended.get(code, code)).astype("str")
    changed = clean != codes.astype("str")
    shown = [f"« {codes[changed].iloc[0]} » lu {clean[changed].iloc[0]}"] if changed.any() else []
    warn_of(path, int(changed.sum()), "code(s) réparé(s)", shown)
    return clean


def commune_of_arrondissement(code: str) -> str:
    """Return the commune of a municipal arrondissement, or the code itself for any other commune."""
    for commune, pattern in ARRONDISSEMENTS.items():
        if re.fullmatch(pattern, code):
            return commune
    return code


def without_arrondissements(frame: pd.DataFrame, codes: pd.Series, *, path: str | Path) -> pd.DataFrame:
    """Leave out the arrondissements of a commune that is in the table too: they would be counted twice."""
    present = set(codes)
    patterns = [pattern for commune, pattern in ARRONDISSEMENTS.items() if commune in present]
    if not patterns:
        return frame
    twice = codes.str.fullmatch("|".join(patterns))
    said, advice = "arrondissement(s) laissé(s) de côté", ", leur commune est déjà comptée"
    warn_of(path, int(twice.sum()), said, codes[twice], advice=advice)
    return frame[~twice]


def in_departements(code: str, departements: frozenset[str] | None) -> bool:
    """Tell whether a commune code is in one of the départements (all of them, without any)."""
    return departements is None or code[:2] in departements or code[:3] in departements


def are_near(codes: pd.Series, departements: frozenset[str] | None) -> pd.Series:
    """Tell which commune codes are in one of the départements, those that have lost a zero included."""
    found = {code: _is_near(code, departements) for code in codes.unique().tolist()}
    return codes.map(found).astype(bool)


# the same codes come again and again
@lru_cache(maxsize=1 << 17)
def _is_near(code: str, departements: frozenset[str] | None) -> bool:
    return in_departements(pad_code(code), departements)


def check_departements(departements: object) -> frozenset[str] | None:
    """Return départements as a set of codes, or refuse what are none."""
    if departements is None:
        return None
    if isinstance(departements, str) or not hasattr(departements, "__iter__"):
        raise ParameterError("departements est une liste de codes, par exemple ['83', '2A'].")
    kept = frozenset(str(code) for code in departements)
    wrong = sorted(code for code in kept if not re.fullmatch(r"[0-9]{2}|2A|2B|9[78][0-9]", code))
    if wrong:
        raise ParameterError(f"{counted(wrong, 'code(s) de département inconnu(s)')} : 83, 2A, 974…")
    return kept
