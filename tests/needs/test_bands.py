from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from territory.errors import ParameterError, SchemaError, TerritoryWarning
from territory.needs import cut_bands, persons_by_age, population_from_columns, population_from_shares
from territory.tables.schemas import validate
from tests.needs.worlds import bands, population

SQUARES = {"Ind_0_3": (0, 3), "Ind_4_5": (4, 5), "Ind_80p": (80, math.inf)}


def squares() -> pd.DataFrame:
    rows = [("83121", 1.0, 2.0, 3.0), ("83050", 4.0, 5.0, 6.0), ("83121", 10.0, 20.0, 30.0)]
    return pd.DataFrame(rows, columns=["commune_code", *SQUARES])


def test_squares_of_a_commune_are_added_up_in_the_order_of_the_file() -> None:
    table = population_from_columns(squares(), SQUARES, vintage="2019")
    assert list(table.index.get_level_values(0).unique()) == ["83121", "83050"]
    assert table["population"].to_list() == [11.0, 22.0, 33.0, 4.0, 5.0, 6.0]
    assert math.isnan(table.index.get_level_values("age_max")[2])
    validate("population", table)


def test_men_and_women_of_one_band_are_one_band() -> None:
    table = pd.DataFrame({"H0019": [10.0], "F0019": [12.0]}, index=pd.Index(["83050"], name="commune_code"))
    counted = population_from_columns(table, {"H0019": (0, 19), "F0019": (0, 19)}, vintage="rp2021")
    assert counted["population"].to_list() == [22.0]


def test_an_unknown_square_makes_its_commune_unknown() -> None:
    table = squares()
    table.loc[0, "Ind_0_3"] = math.nan
    counted = population_from_columns(table, SQUARES, vintage="2019")["population"]
    assert math.isnan(counted.iloc[0])
    assert counted.to_list()[1:] == [22.0, 33.0, 4.0, 5.0, 6.0]


def test_persons_of_unknown_age_are_spread_and_counted() -> None:
    table = squares().assign(Ind_inc=[6.0, 0.0, 0.0])
    with pytest.warns(
        TerritoryWarning, match="6 personnes sans âge connu réparties comme les autres, dans 1 commune"
    ):
        counted = population_from_columns(table, SQUARES, vintage="2019", unknown_age="Ind_inc")["population"]
    # 66 persons of known age and 6 of unknown age in one, none in the other
    assert counted.to_list() == pytest.approx([12.0, 24.0, 36.0, 4.0, 5.0, 6.0])


def test_persons_of_unknown_age_alone_are_refused() -> None:
    table = pd.DataFrame({"commune_code": ["83050"], "Ind_0_3": [0.0], "Ind_inc": [2.0]})
    with pytest.raises(ParameterError, match="âge inconnu"):
        population_from_columns(table, {"Ind_0_3": (0, 3)}, vintage="2019", unknown_age="Ind_inc")


@pytest.mark.parametrize(
    ("columns", "error"),
    [
        ({"Ind_0_3": (0, 3), "Ind_4_5": (3, 5)}, ParameterError),
        ({"Ind_0_3": (3, 0)}, ParameterError),
        ({}, ParameterError),
        ({"Ind_6_10": (6, 10)}, SchemaError),
    ],
)
def test_wrong_columns_are_refused(columns: dict, error: type[Exception]) -> None:
    with pytest.raises(error):
        population_from_columns(squares(), columns, vintage="2019")


def test_negative_counts_are_refused() -> None:
    with pytest.raises(SchemaError, match="Ind_4_5"):
        population_from_columns(squares().assign(Ind_4_5=[1.0, -1.0, 0.0]), SQUARES, vintage="2019")


@given(
    ages=bands(last=90),
    totals=st.lists(st.floats(0, 1e6), min_size=1, max_size=4),
    data=st.data(),
)
def test_shares_give_back_the_total(
    ages: list[tuple[int, int]], totals: list[float], data: st.DataObject
) -> None:
    raw = data.draw(
        st.lists(
            st.lists(st.floats(0.1, 1), min_size=len(ages), max_size=len(ages)),
            min_size=len(totals),
            max_size=len(totals),
        )
    )
    shares = np.array(raw) / np.sum(raw, axis=1, keepdims=True)
    index = pd.Index([f"8300{k}" for k in range(len(totals))])
    # a producer rounds to the thousandth
    frame = pd.DataFrame(np.round(shares, 3), index=index, columns=pd.Index(ages, tupleize_cols=False))
    table = population_from_shares(pd.Series(totals, index=index), frame, vintage="rp2021")
    assert table.groupby(level=0)["population"].sum().to_numpy() == pytest.approx(totals)
    whole = persons_by_age(table, age_min=0, age_max=90)
    assert whole.to_numpy() == pytest.approx(totals)


def test_unknown_shares_stay_unknown() -> None:
    shares = pd.DataFrame(
        [[math.nan, 0.5]], index=["83050"], columns=pd.Index([(0, 24), (25, 99)], tupleize_cols=False)
    )
    table = population_from_shares(pd.Series({"83050": 10.0}), shares, vintage="rp2021")
    assert table["population"].isna().all()


@pytest.mark.parametrize(
    ("values", "total", "said"),
    [
        ([25.0, 75.0], 10.0, "divisez par 100"),
        ([0.5, 0.4], 10.0, "somme"),
        ([0.5, 0.5], -1.0, "négatif"),
        ([-0.1, 1.0], 10.0, "hors de"),
    ],
)
def test_wrong_shares_are_refused(values: list[float], total: float, said: str) -> None:
    shares = pd.DataFrame(
        [values], index=["83050"], columns=pd.Index([(0, 24), (25, 99)], tupleize_cols=False)
    )
    with pytest.raises(ParameterError, match=said):
        population_from_shares(pd.Series({"83050": total}), shares, vintage="rp2021")


def test_a_commune_without_shares_is_named() -> None:
    shares = pd.DataFrame([[1.0]], index=["83050"], columns=pd.Index([(0, 99)], tupleize_cols=False))
    with pytest.raises(ParameterError, match="83121"):
        population_from_shares(pd.Series({"83121": 1.0}), shares, vintage="rp2021")


@given(young=st.floats(0, 1), low=st.floats(0, 1e4), middle=st.floats(0, 1e4))
def test_a_known_cut_replaces_the_even_spread(young: float, low: float, middle: float) -> None:
    table = population([("83050", 0, 14, low), ("83050", 15, 29, middle), ("83050", 30, math.nan, 7.0)])
    known = pd.Series({"83050": low + young * middle})
    cut = cut_bands(table, known, age=20)
    assert cut["population"].sum() == pytest.approx(table["population"].sum())
    assert persons_by_age(cut, age_min=0, age_max=19)["83050"] == pytest.approx(known["83050"], abs=1e-5)
    assert list(cut.index.get_level_values("age_min")) == [0, 15, 20, 30]


def test_a_commune_without_a_known_cut_keeps_its_bands() -> None:
    rows = [("83121", 0, 14, 1.0), ("83121", 15, 29, 2.0), ("83050", 0, 14, 3.0), ("83050", 15, 29, 4.0)]
    cut = cut_bands(population(rows), pd.Series({"83050": 4.0}), age=20)
    assert list(cut.index.get_level_values(0)) == ["83121", "83121", "83050", "83050", "83050"]
    assert cut["population"].to_list() == [1.0, 2.0, 3.0, 1.0, 3.0]


@pytest.mark.parametrize("known", [2.0, 8.0])
def test_counts_of_two_vintages_are_refused(known: float) -> None:
    table = population([("83050", 0, 14, 3.0), ("83050", 15, 29, 4.0)])
    with pytest.raises(ParameterError, match="millésime"):
        cut_bands(table, pd.Series({"83050": known}), age=20)


def test_a_cut_that_is_already_there_changes_nothing() -> None:
    table = population([("83050", 0, 14, 3.0), ("83050", 15, 29, 4.0)])
    pd.testing.assert_frame_equal(cut_bands(table, pd.Series({"83050": 3.0}), age=15), table)
