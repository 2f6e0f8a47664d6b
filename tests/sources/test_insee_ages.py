"""Ages of the census: bands and single years, against sums made by hand from invented persons."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import numpy as np
import openpyxl
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from territory.errors import MissingFileError, ParameterError, ReadError, TerritoryWarning
from territory.needs.persons import persons_by_age
from territory.sources import read_iris_population, read_population_structure, read_single_ages
from territory.tables.schemas import validate
from tests.drawing import examples

# codes that are mended are counted in a warning, which has a test of its own
MENDED = pytest.mark.filterwarnings("ignore:.*réparé")

COMMUNE_BANDS = [(0, 14), (15, 29), (30, 44), (45, 59), (60, 74), (75, 89), (90, None)]
SEX_BANDS = [(0, 19), (20, 64), (65, None)]
IRIS_BANDS = [(0, 2), (3, 5), (6, 10), (11, 17), (18, 24), (25, 39), (40, 54), (55, 64), (65, 79), (80, None)]
IRIS_WIDE = [(0, 14), (15, 29), (30, 44), (45, 59), (60, 74), (75, None), (0, 19), (20, 64), (65, None)]

# men and women of each age from 0 to 104 of a commune, drawn at once: hypothesis only draws how
PEOPLE = st.tuples(st.integers(0, 2**32 - 1), st.integers(1, 8)).map(
    lambda drawn: [
        (men / 4, women / 4)
        for men, women in np.random.default_rng(drawn[0]).integers(0, drawn[1], (105, 2)).tolist()
    ]
)


def band_name(low: int, high: int | None) -> str:
    return f"{low:02d}{'P' if high is None else f'{high:02d}'}"


def count(people: list[tuple[float, float]], low: int, high: int | None, sex: int | None = None) -> float:
    chosen = people[low : None if high is None else high + 1]
    return sum(sum(pair) if sex is None else pair[sex] for pair in chosen)


def commune_row(people: list[tuple[float, float]], yy: str = "21") -> dict[str, float]:
    row = {f"P{yy}_POP": count(people, 0, None)}
    row |= {f"P{yy}_POP{band_name(*band)}": count(people, *band) for band in COMMUNE_BANDS}
    for sex, letter in enumerate("HF"):
        row |= {f"P{yy}_{letter}{band_name(*band)}": count(people, *band, sex) for band in SEX_BANDS}
    return row


def iris_row(people: list[tuple[float, float]]) -> dict[str, float]:
    row = {"P21_POP": count(people, 0, None)}
    return row | {f"P21_POP{band_name(*band)}": count(people, *band) for band in (*IRIS_BANDS, *IRIS_WIDE)}


def write(path: Path, rows: list[dict[str, object]], *, separator: str = ";", comma: bool = False) -> Path:
    titles = list(rows[0])
    lines = [separator.join(titles)]
    for row in rows:
        cells = [str(row[title]) for title in titles]
        lines.append(separator.join(cell.replace(".", ",") if comma else cell for cell in cells))
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


EVEN = [(1.0, 1.0)] * 105


@given(people=st.lists(PEOPLE, min_size=1, max_size=3), comma=st.booleans())
@examples(3, 50)
def test_bands_hold_the_persons_of_their_ages(tmp_path_factory, people, comma):
    folder = tmp_path_factory.mktemp("ages")
    rows = [{"CODGEO": f"8300{n}"} | commune_row(some) for n, some in enumerate(people)]
    table = read_population_structure(write(folder / "base-cc.csv", rows, comma=comma))
    validate("population", table)
    assert table.index.get_level_values("age_min").unique().to_list() == [0, 15, 20, 30, 45, 60, 65, 75, 90]
    for (code, low, high), persons in table["population"].items():
        some = people[int(code[-1])]
        assert persons == pytest.approx(count(some, low, None if np.isnan(high) else int(high)))
    under_20 = persons_by_age(table, age_min=0, age_max=19)
    assert under_20.to_list() == pytest.approx([count(some, 0, 19) for some in people])


@given(people=st.lists(PEOPLE, min_size=1, max_size=3))
@examples(2, 50)
def test_iris_add_up_to_their_commune(tmp_path_factory, people):
    folder = tmp_path_factory.mktemp("iris")
    rows = [{"IRIS": f"83050010{n}", "COM": "83050"} | iris_row(some) for n, some in enumerate(people)]
    path = write(folder / "base-ic.csv", rows)
    table = read_iris_population(path)
    validate("population", table)
    assert set(table.index.get_level_values("commune_code")) == {"83050"}
    assert {0, 3, 6, 11, 15, 18, 20, 25} <= set(table.index.get_level_values("age_min"))
    for (_, low, high), persons in table["population"].items():
        until = None if np.isnan(high) else int(high)
        assert persons == pytest.approx(sum(count(some, low, until) for some in people))


def test_the_newest_census_is_found(tmp_path):
    older = [(2.0, 0.0)] * 105
    rows = [{"CODGEO": "01001"} | commune_row(EVEN, "22") | commune_row(older, "16") | {"P99_POP": 1}]
    path = write(tmp_path / "a.csv", rows)
    assert set(read_population_structure(path)["vintage"]) == {"rp2022"}


@MENDED
def test_lost_zeros_corsica_overseas_and_arrondissements(tmp_path):
    codes = ["1001", "2a004", "97411", "75056", "75101", "75120"]
    path = write(tmp_path / "a.csv", [{"CODGEO": code} | commune_row(EVEN) for code in codes])
    with pytest.warns(TerritoryWarning, match=r"2 arrondissements laissés de côté \(75101, 75120"):
        table = read_population_structure(path)
    assert table.index.get_level_values(0).unique().to_list() == ["01001", "2A004", "97411", "75056"]


def test_the_workbook_is_read_on_its_sheet_of_communes(tmp_path):
    book = openpyxl.Workbook()
    book.active.append(["Arrondissements"])
    sheet = book.create_sheet("COM_2021")
    row = commune_row(EVEN)
    for cells in (["Recensement"], [], ["CODGEO", *row], ["01001", *row.values()]):
        sheet.append(cells)
    book.save(tmp_path / "a.xlsx")
    assert read_population_structure(tmp_path / "a.xlsx")["population"].sum() == 210


@pytest.mark.parametrize(
    "change, message",
    [
        ({"P21_H0019": "39.5"}, r"jusqu'à 64 ans.*1 ligne \(ligne 2\)|tranches.*ligne 2"),
        ({"P21_POP0014": "beaucoup"}, r"« P21_POP0014 ».*ligne 2 : « beaucoup »"),
        ({"CODGEO": "Draguignan"}, r"colonne « CODGEO ».*ligne 2 : « Draguignan »"),
        ({"CODGEO": "01002"}, r"code en double \(ligne 3 : 01002"),
    ],
)
def test_bands_that_contradict_each_other_or_are_none_are_refused(tmp_path, change, message):
    rows = [{"CODGEO": code} | commune_row(EVEN) for code in ("01001", "01002")]
    rows[0].update(change)
    with pytest.raises(ReadError, match=rf"a\.csv(?s:.*)({message})"):
        read_population_structure(write(tmp_path / "a.csv", rows))


def test_a_blank_stays_unknown(tmp_path):
    rows = [{"CODGEO": "01001"} | commune_row(EVEN) | {"P21_POP1529": ""}]
    table = read_population_structure(write(tmp_path / "a.csv", rows))
    assert table["population"].isna().to_dict()[("01001", 20, 29.0)]
    assert table.loc[("01001", 0, 14.0), "population"] == 30


def test_titles_without_a_year_or_bands_are_refused(tmp_path):
    with pytest.raises(ReadError, match=r"aucune colonne « Pyy_POP »"):
        read_population_structure(write(tmp_path / "a.csv", [{"CODGEO": "01001", "POP0014": 3}]))
    with pytest.raises(ReadError, match="aucune tranche d'âge à partir de 0 an"):
        read_population_structure(write(tmp_path / "a.csv", [{"CODGEO": "01001", "P21_POP": 3}]))
    with pytest.raises(ReadError, match="1 IRIS hors de sa commune"):
        read_iris_population(
            write(tmp_path / "a.csv", [{"IRIS": "830500101", "COM": "83051"} | iris_row(EVEN)])
        )


# single years


def long_rows(code: str, people: list[tuple[float, float]], level: str = "COM") -> list[dict[str, object]]:
    rows = []
    for sex in (0, 1):
        for age in range(101):
            persons = count(people, 100, None, sex) if age == 100 else people[age][sex]
            # INSEE writes no line where there is nobody
            if persons:
                rows.append(
                    {
                        "NIVGEO": level,
                        "CODGEO": code,
                        "LIBGEO": code,
                        "SEXE": sex + 1,
                        "AGED100": f"{age:03d}",
                    }
                    | {"NB": persons}
                )
    return rows


@given(people=st.lists(PEOPLE, min_size=1, max_size=2))
@examples(2, 50)
@pytest.mark.slow
def test_both_layouts_give_the_same_single_years(tmp_path_factory, people):
    folder = tmp_path_factory.mktemp("pop1b")
    codes = [f"8300{n + 1}" for n in range(len(people))]
    # at least one line each, or a commune of nobody is not in the file
    people = [[(1.0, 0.0), *some[1:]] for some in people]
    long = [row for code, some in zip(codes, people, strict=True) for row in long_rows(code, some)]
    wide = [
        {"CODGEO": code}
        | {
            f"SEXE{sex + 1}_AGED100{age:03d}": count(some, age, age if age < 100 else None, sex)
            for sex in (0, 1)
            for age in range(101)
        }
        for code, some in zip(codes, people, strict=True)
    ]
    first = read_single_ages(write(folder / "TD_POP1B_2021.csv", long))
    validate("population", first)
    pd.testing.assert_frame_equal(first, read_single_ages(write(folder / "BTX_TD_POP1B_2021.csv", wide)))
    assert len(first) == 101 * len(people)
    assert first["population"].sum() == pytest.approx(sum(count(some, 0, None) for some in people))


def test_single_years_of_some_departements(tmp_path):
    rows = long_rows("83050", EVEN) + long_rows("2A004", EVEN) + long_rows("97411", EVEN)
    rows += long_rows("75056", EVEN) + long_rows("75101", EVEN, "ARM")
    path = write(tmp_path / "TD_POP1B_2021.csv", rows)
    packed = tmp_path / "TD_POP1B_2021.csv.gz"
    packed.write_bytes(gzip.compress(path.read_bytes()))
    table = read_single_ages(packed, departements=["2A", "974"])
    assert table.index.get_level_values(0).unique().to_list() == ["2A004", "97411"]
    with pytest.warns(TerritoryWarning, match=r"1 arrondissement laissé de côté \(75101"):
        assert len(read_single_ages(path)) == 4 * 101
    with pytest.raises(ReadError, match="aucune ligne de ces départements"):
        read_single_ages(path, departements=["13"])
    with pytest.raises(ParameterError, match="1 code de département inconnu"):
        read_single_ages(path, departements=["Var"])
    # one alone is a list of one
    assert len(read_single_ages(packed, departements="2A")) == 101


@pytest.mark.parametrize(
    "change, message",
    [
        ({"AGED100": "101"}, r"« AGED100 » : 1 âge hors de 000 à 100 \(ligne 2 : « 101 »"),
        ({"AGED100": "six"}, r"« AGED100 » : 1 âge"),
        ({"SEXE": "H"}, r"« SEXE » : 1 sexe"),
        ({"NB": "x"}, r"« NB ».*ligne 2 : « x »"),
        ({"AGED100": "001"}, r"1 ligne répétée.*ligne 3"),
        ({"CODGEO": "Var"}, r"« CODGEO ».*ligne \d+ : « Var »"),
    ],
)
def test_single_years_refuse_what_they_cannot_count(tmp_path, change, message):
    rows = long_rows("83050", EVEN)
    rows[0].update(change)
    with pytest.raises(ReadError, match=message):
        read_single_ages(write(tmp_path / "TD_POP1B_2021.csv", rows))


def test_the_year_of_single_ages_is_in_the_name(tmp_path):
    path = write(tmp_path / "ages.csv", long_rows("83050", EVEN))
    with pytest.raises(ReadError, match="ne dit pas l'année"):
        read_single_ages(path)
    path = path.rename(tmp_path / "ages_2019.csv")
    assert set(read_single_ages(path)["vintage"]) == {"rp2019"}
    with pytest.raises(MissingFileError):
        read_single_ages(tmp_path / "absent_2021.csv")
    path.write_text(re.sub("AGED100", "AGE", path.read_text()))
    with pytest.raises(ReadError, match="« AGED100 » absente"):
        read_single_ages(path)
