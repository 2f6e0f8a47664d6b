"""Commune codes."""

from __future__ import annotations

import pandas as pd
import pytest

from territory.errors import ParameterError, UnknownCodeError
from territory.geography import (
    check_codes,
    commune_of_arrondissement,
    departement_of,
    merge_arrondissements,
    pad_codes,
)


@pytest.mark.parametrize(
    "code, expected", [("01001", "01"), ("2A004", "2A"), ("97411", "974"), ("98818", "988"), ("95018", "95")]
)
def test_departement_of_a_commune(code, expected):
    assert departement_of(code) == expected


@pytest.mark.parametrize("code", ["", "1001", "2C004", "830500", "83O50", "2a004"])
def test_what_is_no_code_is_refused(code):
    with pytest.raises(UnknownCodeError, match="n'est pas un code de commune"):
        departement_of(code)


def test_padding_keeps_the_index_and_lists_all_that_is_wrong():
    codes = pd.Series([1004, 83050], index=["a", "b"])
    assert pad_codes(codes).to_dict() == {"a": "01004", "b": "83050"}
    with pytest.raises(
        UnknownCodeError, match=r"4 valeurs sur 5 ne sont pas des codes de commune \(104, Toulon, 83050\.5…\)"
    ):
        pad_codes(pd.Series(["104", "83050", "Toulon", "83050.5", ""]))
    # what a spreadsheet makes of a whole number
    assert pad_codes(pd.Series(["1004.0"])).to_list() == ["01004"]


def test_unknown_codes_give_three_examples_and_what_to_do():
    codes = ["14118", "14119", "14120", "14121", "83050", "83050"]
    with pytest.raises(UnknownCodeError) as caught:
        check_codes(codes, ["83050"], cog_year=2024)
    message = str(caught.value)
    assert "4 des 5 codes de commune sont inconnus du COG 2024 (14118, 14119, 14120…)" in message
    assert "cog_year=2017" in message
    check_codes([], [], cog_year=2024)


def test_arrondissements_have_a_commune_and_others_are_themselves():
    expected = {
        "75101": "75056",
        "75120": "75056",
        "69389": "69123",
        "13216": "13055",
        "13217": "13217",
        "2A004": "2A004",
    }
    assert {code: commune_of_arrondissement(code) for code in expected} == expected


def test_counts_add_up_and_shares_are_weighted_over_arrondissements():
    table = pd.DataFrame(
        {"name": ["1er", "2e", "Var"], "population": [100.0, 300.0, 7.0], "share": [0.5, 0.1, 0.3]},
        index=pd.Index(["13201", "13202", "83001"], name="commune_code"),
    )
    merged = merge_arrondissements(table, weights={"share": "population"})
    assert merged.index.to_list() == ["83001", "13055"]
    assert merged.index.name == "commune_code"
    assert merged.loc["13055", ["population", "share"]].to_list() == pytest.approx([400, 0.2])
    assert merged["population"].sum() == table["population"].sum()


def test_an_unknown_count_stays_unknown_in_the_sum():
    table = pd.DataFrame({"n": [1.0, None]}, index=["75101", "75102"])
    assert merge_arrondissements(table)["n"].isna().all()


def test_a_commune_beside_its_arrondissements_would_count_twice():
    with pytest.raises(ParameterError, match="13055"):
        merge_arrondissements(pd.DataFrame({"n": [1.0, 2.0]}, index=["13055", "13201"]))


def test_a_table_without_arrondissements_is_unchanged():
    table = pd.DataFrame({"n": [1.0]}, index=["83001"])
    pd.testing.assert_frame_equal(merge_arrondissements(table), table)
