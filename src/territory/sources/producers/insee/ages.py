"""INSEE: persons by age of every commune or IRIS, by bands whose year is in the titles or by single years."""

import math
import re
from collections.abc import Collection, Mapping
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from territory.errors import counted
from territory.sources.text import cells
from territory.sources.text.refusals import fault, numbered, problems_of, quoted, refuse, refuse_repeated
from territory.sources.text.tables import TableStream, read_columns, read_table, require_columns
from territory.sources.text.workbooks import WORKBOOKS, sheet_names

_TOTAL = re.compile(r"P(\d{2})_POP")
# two routes to one age add up the same weights: what they differ by is rounding
_TOLERANCE_PERSONS = 0.01
LAST_AGE = 100
_WIDE = re.compile(r"SEXE([12])_AGED100(\d{3})")
_LONG = ("CODGEO", "SEXE", "AGED100", "NB")
_YEAR = re.compile(r"(?:19|20)\d{2}")


def read_population_structure(path: str | Path) -> pd.DataFrame:
    """Read the persons by age band of each commune (INSEE, `base-cc-evol-struct-pop-YYYY`).

    The file has two sets of bands, 0–14, 15–29… and 0–19 (as men and women apart), 20–64…: both are used, and
    the bands returned are those between all their bounds (0–14, 15–19, 20–29…); bands that contradict each
    other are refused. Table `population` with weighted reals (NaN where blank) and `vintage` (`rp2021`).
    """
    path = Path(path)
    sheet: str | None = None
    if path.suffix.lower() in WORKBOOKS and path.is_file():
        # a workbook also has a sheet of arrondissements
        names = sheet_names(path.read_bytes(), path)
        sheet = next((name for name in names if name.upper().startswith("COM")), None)
    frame = read_table(path, sheet=sheet, header=("CODGEO",))
    frame = frame.assign(CODGEO=cells.clean_codes(frame["CODGEO"], path=path))
    frame = cells.without_arrondissements(frame, frame["CODGEO"], path=path)
    refuse_repeated(frame["CODGEO"], "code(s) en double", path=path)
    return _by_band(frame, "CODGEO", path=path)


def read_iris_population(path: str | Path) -> pd.DataFrame:
    """Read the persons by age band of each commune from INSEE's IRIS file (`base-ic-evol-struct-pop-YYYY`).

    Its bands are the finest for children: 0–2, 3–5, 6–10, 11–14, 15–17, 18–19, 20–24. The IRIS of a commune are added
    up. Mayotte is not in this file. Table `population`, as `read_population_structure`.
    """
    frame = read_table(path, header=("IRIS", "COM"))
    frame = frame.assign(COM=cells.clean_codes(frame["COM"], path=path))
    iris = frame["IRIS"].str.strip().str.upper()
    frame["IRIS"] = iris.where(iris.str.len() != 8, "0" + iris)
    refuse(path, numbered(frame.index[frame["IRIS"].str[:5] != frame["COM"]]), "IRIS hors de sa commune")
    refuse_repeated(frame["IRIS"], "IRIS en double", path=path)
    return _by_band(frame, "COM", path=path)


def _by_band(frame: pd.DataFrame, code: str, *, path: str | Path) -> pd.DataFrame:
    """Return the table of bands of the newest census of a file, by commune."""
    found = [int(match[1]) for title in frame.columns if (match := _TOTAL.fullmatch(str(title)))]
    if not found:
        raise fault(path, "aucune colonne « Pyy_POP » (P21_POP pour 2021)", present=frame.columns)
    year = max(2000 + short if short < 60 else 1900 + short for short in found)
    groups = _band_columns(frame, year)
    total = f"P{year % 100:02d}_POP"
    columns = [total, *(title for titles in groups.values() for title in titles)]
    numbers = cells.to_numbers(frame, columns, path=path, thousands=False)
    younger = _younger_than(numbers, groups, total, path)
    pieces = []
    for low, high in pairwise(sorted(younger)):
        persons = younger[high] - younger[low]
        if off := numbered(frame.index[persons < -_TOLERANCE_PERSONS]):
            ages = f"moins de zéro personne de {low:g} ans à moins de {high:g} ans"
            raise fault(path, f"{ages} dans {counted(off, 'ligne(s)')} ; les tranches se contredisent.")
        age_max = high - 1 if math.isfinite(high) else math.nan
        band = {"age_min": int(low), "age_max": age_max, "population": persons.clip(0)}
        pieces.append(pd.DataFrame({"commune_code": frame[code], **band}))
    levels = ["commune_code", "age_min", "age_max"]
    result = pd.concat(pieces, ignore_index=True)
    result = result.assign(order=pd.factorize(result["commune_code"])[0], vintage=f"rp{year}")
    result = result.sort_values(["order", "age_min"], kind="stable")
    # several IRIS make a commune
    grouped = result.groupby([*levels, "vintage"], sort=False, dropna=False)["population"]
    return grouped.sum(skipna=False).reset_index().set_index(levels)[["population", "vintage"]]


def _band_columns(frame: pd.DataFrame, year: int) -> dict[tuple[float, float], list[str]]:
    """Return the columns of each band [low, high[: one for all persons, or one each for men and women."""
    groups: dict[tuple[float, float], list[str]] = {}
    parts: dict[tuple[float, float], dict[str, str]] = {}
    pattern = re.compile(rf"P{year % 100:02d}_(POP|H|F)(\d{{2}})(\d{{2}}|P)")
    for title in map(str, frame.columns):
        match = pattern.fullmatch(title)
        if match is None:
            continue
        band = (float(match[2]), math.inf if match[3] == "P" else float(match[3]) + 1)
        if match[1] == "POP":
            groups[band] = [title]
        else:
            parts.setdefault(band, {})[match[1]] = title
    for band, sexes in parts.items():
        if len(sexes) == 2:
            groups.setdefault(band, [sexes["H"], sexes["F"]])
    return groups


def _younger_than(
    numbers: pd.DataFrame, groups: Mapping[tuple[float, float], list[str]], total: str, path: str | Path
) -> dict[float, np.ndarray]:
    """Return the persons younger than each age that the bands reach from birth."""
    younger: dict[float, np.ndarray] = {0.0: np.zeros(len(numbers)), math.inf: numbers[total].to_numpy(float)}
    left = dict(groups)
    while reached := [band for band in left if band[0] in younger]:
        for band in reached:
            persons = younger[band[0]] + numbers[left.pop(band)].sum(axis=1, skipna=False).to_numpy(float)
            known = younger.setdefault(band[1], persons)
            off = np.abs(known - persons) > _TOLERANCE_PERSONS + 1e-6 * np.abs(known)
            if lines := numbered(numbers.index[off]):
                until = "" if math.isinf(band[1]) else f" jusqu'à {band[1] - 1:g} ans"
                said = f"ne font pas les mêmes totaux dans {counted(lines, 'ligne(s)')}."
                raise fault(path, f"les tranches d'âge{until} {said}")
    if len(younger) < 3:
        bands = f"({total[:4]}POP0014, {total[:4]}H0019…)"
        raise fault(path, f"aucune tranche d'âge à partir de 0 an {bands}", present=numbers.columns)
    return younger


def read_single_ages(path: str | Path, *, departements: Collection[str] | None = None) -> pd.DataFrame:
    """Read the persons of each completed age in each commune (INSEE, `TD_POP1B_YYYY`, whose name holds the year).

    Both layouts are read: one line per commune, sex and age (`CODGEO`, `SEXE`, `AGED100`, `NB`), where a line that is
    absent counts nobody; or one line per commune and one column per sex and age (`SEXE1_AGED100000`…). The file has
    seven million lines: name the départements. Table `population`, single years from 0 to 99 and 100 or over.
    """
    path = Path(path)
    named = _YEAR.findall(path.name)
    if not named:
        raise fault(path, "son nom ne dit pas l'année du recensement ; ajoutez-la (TD_POP1B_2021.csv).")
    kept = cells.check_departements(departements)
    stream = TableStream(path)
    wide = [title for title in stream.titles if _WIDE.fullmatch(title)]
    counts = _read_wide(stream, wide, kept) if wide else _read_long(stream, kept)
    ages = np.arange(LAST_AGE + 1)
    oldest = np.tile(np.where(ages < LAST_AGE, ages.astype(float), np.nan), len(counts))
    pairs: list[Any] = [counts.index.astype("str").repeat(len(ages)), np.tile(ages, len(counts))]
    index = pd.MultiIndex.from_arrays([*pairs, oldest], names=["commune_code", "age_min", "age_max"])
    persons = {"population": counts.to_numpy(float).ravel(), "vintage": f"rp{named[-1]}"}
    return pd.DataFrame(persons, index=index)


def _read_long(stream: TableStream, departements: frozenset[str] | None) -> pd.DataFrame:
    """Return persons by commune (rows) and age (columns) from one line per commune, sex and age."""
    require_columns(pd.DataFrame(columns=stream.titles), _LONG, path=stream.path)
    frame = read_columns(stream, _LONG, keep=lambda part: cells.are_near(part["CODGEO"], departements))
    sexes, ages = (frame[name].str.strip() for name in ("SEXE", "AGED100"))
    # an age may have lost its zeros: 003 or 3
    frame["age"] = pd.to_numeric(ages.where(ages.str.fullmatch(r"\d{1,3}")))
    keys = pd.DataFrame({"code": cells.pad_codes(frame["CODGEO"]), "sex": sexes, "age": frame["age"]})
    problems = problems_of(stream.path)
    for name, wrong, said in (
        ("SEXE", ~sexes.isin(["1", "2"]), "sexe(s) autre(s) que 1 et 2"),
        ("AGED100", ~(frame["age"] <= LAST_AGE), "âge(s) hors de 000 à 100"),
        ("CODGEO", keys.duplicated(), "ligne(s) répétée(s) (même commune, même sexe, même âge)"),
    ):
        problems.count(quoted(frame.loc[wrong, name]), said, of=f"colonne « {name} »")
    problems.raise_if_any()
    frame = _communes_only(frame, stream.path)
    numbers = cells.to_numbers(frame, ["NB"], path=stream.path, thousands=False)
    # men and women together; an age of which no line speaks counts nobody
    persons = numbers.groupby(["CODGEO", "age"])["NB"].sum(skipna=False).unstack(fill_value=0)
    return persons.reindex(index=frame["CODGEO"].unique(), columns=range(LAST_AGE + 1), fill_value=0.0)


def _read_wide(stream: TableStream, titles: list[str], departements: frozenset[str] | None) -> pd.DataFrame:
    """Return persons by commune (rows) and age (columns) from one line per commune."""
    wanted = [f"SEXE{sex}_AGED100{age:03d}" for sex in (1, 2) for age in range(LAST_AGE + 1)]
    require_columns(pd.DataFrame(columns=stream.titles), ("CODGEO",), path=stream.path)
    require_columns(pd.DataFrame(columns=titles), wanted, path=stream.path)
    near = partial(cells.are_near, departements=departements)
    frame = read_columns(stream, ["CODGEO", *wanted], keep=lambda part: near(part["CODGEO"]))
    frame = _communes_only(frame, stream.path)
    refuse_repeated(frame["CODGEO"], "commune(s) en double", path=stream.path)
    numbers = cells.to_numbers(frame, wanted, path=stream.path, thousands=False)
    men = numbers[wanted[: LAST_AGE + 1]].to_numpy(float)
    women = numbers[wanted[LAST_AGE + 1 :]].to_numpy(float)
    return pd.DataFrame(men + women, index=frame["CODGEO"].to_numpy(), columns=range(LAST_AGE + 1))


def _communes_only(frame: pd.DataFrame, path: Path) -> pd.DataFrame:
    """Return the lines of communes, or say that there is none; each code is mended, and counted, once."""
    if frame.empty:
        raise fault(path, "aucune ligne de ces départements.")
    written = frame["CODGEO"].drop_duplicates()
    clean = cells.clean_codes(written, path=path)
    frame = frame.assign(CODGEO=frame["CODGEO"].map(dict(zip(written, clean, strict=True))))
    kept = cells.without_arrondissements(clean.to_frame(), clean, path=path)["CODGEO"]
    return frame[frame["CODGEO"].isin(kept)]
