"""INSEE: persons of each year of age in every commune (TD_POP1B)."""

from __future__ import annotations

import math
import re
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING

from territory.errors import ParameterError, Problems, ReadError, agree, examples
from territory.sources.producers.insee.age_bands import decimal_mark
from territory.sources.text.commune_codes import (
    check_departements,
    clean_codes,
    in_departements,
    pad_code,
    pad_codes,
    without_arrondissements,
)
from territory.sources.text.large_tables import TableStream
from territory.sources.text.numbers import to_numbers
from territory.sources.text.tables import UNKNOWN_CELLS, require_columns

if TYPE_CHECKING:
    import pandas as pd

LAST_AGE = 100
_WIDE = re.compile(r"SEXE([12])_AGED100(\d{3})")
_LONG = ("CODGEO", "SEXE", "AGED100", "NB")
_YEAR = re.compile(r"(?:19|20)\d{2}")


def read_single_ages(
    path: str | Path, *, year: int | None = None, departements: Collection[str] | None = None
) -> pd.DataFrame:
    r"""Read the persons of each completed age in each commune (INSEE, `TD_POP1B_YYYY`).

    Both layouts are read: one line per commune, sex and age (`CODGEO`, `SEXE`, `AGED100`, `NB`), where a
    line that is absent counts nobody; or one line per commune and one column per sex and age
    (`SEXE1_AGED100000`…). The file has seven million lines: name the départements, unless the whole country is
    wanted.

    Not tried on a real file: written from INSEE's dictionary of the files of RP 2016 to RP 2022.

    Parameters
    ----------
    path
        Text file of INSEE, compressed with gzip or not.
    year
        Census year; without it, the one in the name of the file.
    departements
        Codes of the départements to keep (all without it).

    Returns
    -------
    DataFrame
        Table `population`: indexed by (`commune_code`, `age_min`, `age_max`), single years from 0 to 99 and
        100 or over (`age_max` NaN), `population` (hab), `vintage` (`rp2021`).

    Raises
    ------
    ReadError
        If a column is absent, an age, a sex or a number is none, a commune has twice the same sex and age,
        or no commune of these départements is there.
    ParameterError
        If no year is given and the name of the file has none.

    Examples
    --------
    >>> import tempfile
    >>> folder = tempfile.TemporaryDirectory()
    >>> path = Path(folder.name) / "TD_POP1B_2021.csv"
    >>> _ = path.write_text(
    ...     "NIVGEO;CODGEO;LIBGEO;SEXE;AGED100;NB\n"
    ...     "COM;83050;Draguignan;1;003;200.5\nCOM;83050;Draguignan;2;003;190\n"
    ... )
    >>> read_single_ages(path).loc[("83050", 3)]["population"].to_list()
    [390.5]
    >>> folder.cleanup()
    """
    path = Path(path)
    year = year or _year_in_name(path)
    kept = check_departements(departements)
    stream = TableStream(path)
    wide = [title for title in stream.titles if _WIDE.fullmatch(title)]
    counts = _read_wide(stream, wide, kept) if wide else _read_long(stream, kept)
    return _table(counts, year)


def _year_in_name(path: Path) -> int:
    """Return the census year that the name of a file gives."""
    found = _YEAR.findall(path.name)
    if not found:
        raise ParameterError(
            f"Fichier « {path.name} » : son nom ne dit pas l'année du recensement ; précisez year=."
        )
    return int(found[-1])


def _read_long(stream: TableStream, departements: frozenset[str] | None) -> pd.DataFrame:
    """Return persons by commune (rows) and age (columns) from one line per commune, sex and age."""
    import pandas as pd

    require_columns(pd.DataFrame(columns=stream.titles), _LONG, path=stream.path)
    # an age may have lost its zeros: 003 or 3
    slots = {
        (sex, written): (int(sex) - 1, age)
        for sex in ("1", "2")
        for age in range(LAST_AGE + 1)
        for written in (f"{age:03d}", f"{age:02d}", str(age))
    }
    wrong: dict[str, list[tuple[int, str]]] = {}
    codes: dict[str, str | None] = {}
    first: dict[str, int] = {}
    # by commune, men and women of each age; None until a line says how many
    counts: dict[str, list[list[float | None]]] = {}
    for line, (code, sex, age, text) in stream.rows(_LONG):
        if code not in codes:
            codes[code] = _kept_code(code, departements)
        kept = codes[code]
        if kept is None:
            continue
        first.setdefault(kept, line)
        slot = slots.get((sex.strip(), age.strip()))
        if slot is None:
            name = "SEXE" if sex.strip() not in ("1", "2") else "AGED100"
            wrong.setdefault(name, []).append((line, sex if name == "SEXE" else age))
            continue
        ages = counts.setdefault(kept, [[None] * (LAST_AGE + 1), [None] * (LAST_AGE + 1)])[slot[0]]
        if ages[slot[1]] is not None:
            wrong.setdefault("CODGEO", []).append((line, code))
        try:
            ages[slot[1]] = float(text.replace(",", ".")) if text.strip() not in UNKNOWN_CELLS else math.nan
        except ValueError:
            wrong.setdefault("NB", []).append((line, text))
    _refuse_lines(wrong, stream.path)
    return _summed(counts, first, stream.path)


def _kept_code(code: str, departements: frozenset[str] | None) -> str | None:
    """Return the code of a commune as we write it, or nothing when it is not wanted."""
    padded = pad_code(code)
    return padded if in_departements(padded, departements) else None


def _summed(counts: dict[str, list[list[float | None]]], first: dict[str, int], path: Path) -> pd.DataFrame:
    """Return men and women together; an age of which no line speaks counts nobody."""
    import numpy as np
    import pandas as pd

    cells = [
        [value if value is not None else 0.0 for ages in sexes for value in ages] for sexes in counts.values()
    ]
    if not cells:
        raise ReadError(f"Fichier « {path.name} » : aucune ligne de ces départements.")
    persons = np.array(cells).reshape(len(cells), 2, LAST_AGE + 1).sum(axis=1)
    frame = pd.DataFrame({"CODGEO": list(counts)}, index=[first[code] for code in counts], dtype="str")
    kept = _communes_only(frame, path)
    rows = frame.index.get_indexer(kept.index)
    return pd.DataFrame(persons[rows], index=kept["CODGEO"].to_numpy(), columns=range(LAST_AGE + 1))


def _refuse_lines(wrong: dict[str, list[tuple[int, str]]], path: Path) -> None:
    """Report lines whose age, sex or number is none, or that are there twice."""
    said = {
        "AGED100": "âge(s) hors de 000 à 100",
        "SEXE": "sexe(s) autre(s) que 1 et 2",
        "NB": "cellule(s) (n'est pas un nombre|ne sont pas des nombres)",
        "CODGEO": "ligne(s) répétée(s) (même commune, même sexe, même âge)",
    }
    problems = Problems(f"Fichier « {path.name} »", ReadError)
    for name, lines in wrong.items():
        shown = examples(f"ligne {line} : « {text} »" for line, text in lines[:4])
        problems.add(f"colonne « {name} » : {agree(len(lines), said[name])} ({shown})")
    problems.raise_if_any()


def _read_wide(stream: TableStream, titles: list[str], departements: frozenset[str] | None) -> pd.DataFrame:
    """Return persons by commune (rows) and age (columns) from one line per commune."""
    import pandas as pd

    require_columns(pd.DataFrame(columns=stream.titles), ("CODGEO",), path=stream.path)
    wanted = [f"SEXE{sex}_AGED100{age:03d}" for sex in (1, 2) for age in range(LAST_AGE + 1)]
    require_columns(pd.DataFrame(columns=titles), wanted, path=stream.path)
    rows = list(stream.rows(["CODGEO", *wanted]))
    index = pd.Index([line for line, _ in rows], name="line")
    frame = pd.DataFrame([cells for _, cells in rows], columns=["CODGEO", *wanted], index=index, dtype=str)
    codes = pad_codes(frame["CODGEO"])
    frame = frame[[in_departements(code, departements) for code in codes]]
    frame = _communes_only(frame, stream.path)
    twice = frame["CODGEO"][frame["CODGEO"].duplicated()]
    if len(twice):
        raise ReadError(
            f"Fichier « {stream.path.name} » : {agree(len(twice), 'commune(s) en double')} ({examples(twice)})."
        )
    numbers = to_numbers(frame, wanted, path=stream.path, decimal=decimal_mark(frame, wanted))
    men = numbers[wanted[: LAST_AGE + 1]].to_numpy(float)
    women = numbers[wanted[LAST_AGE + 1 :]].to_numpy(float)
    return pd.DataFrame(men + women, index=frame["CODGEO"].to_numpy(), columns=range(LAST_AGE + 1))


def _communes_only(frame: pd.DataFrame, path: Path) -> pd.DataFrame:
    """Return the lines of communes, or say that there is none."""
    if frame.empty:
        raise ReadError(f"Fichier « {path.name} » : aucune ligne de ces départements.")
    frame = frame.assign(CODGEO=clean_codes(frame["CODGEO"], path=path, column="CODGEO"))
    return without_arrondissements(frame, frame["CODGEO"], path=path)


def _table(counts: pd.DataFrame, year: int) -> pd.DataFrame:
    """Return the table `population` from persons by commune and age."""
    import numpy as np
    import pandas as pd

    ages = np.tile(np.arange(LAST_AGE + 1), len(counts))
    result = pd.DataFrame(
        {
            "commune_code": np.repeat(counts.index.to_numpy(dtype=object), LAST_AGE + 1),
            "age_min": ages,
            "age_max": np.where(ages < LAST_AGE, ages.astype(float), np.nan),
            "population": counts.to_numpy(float).ravel(),
            "vintage": f"rp{year}",
        }
    )
    result["commune_code"] = result["commune_code"].astype("str")
    return result.set_index(["commune_code", "age_min", "age_max"])
