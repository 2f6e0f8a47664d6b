"""Text ids read in place, against pandas."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from territory.access.catchments.codes import text_codes


def check(column: pd.Series) -> None:
    codes, known = text_codes(column)
    expected, uniques = pd.factorize(column)
    assert codes.tolist() == expected.tolist()
    assert known.tolist() == list(uniques)


@given(
    texts=st.lists(
        st.one_of(st.text(max_size=20), st.sampled_from(["83050", "83121", "830000311"])), max_size=40
    )
)
def test_codes_are_those_of_pandas(texts: list[str]) -> None:
    # a lone surrogate is no text that Arrow holds
    kept = [text for text in texts if not any(0xD800 <= ord(letter) <= 0xDFFF for letter in text)]
    check(pd.Series(kept, dtype="str"))


def test_texts_that_look_alike_are_told_apart() -> None:
    check(
        pd.Series(["", "a", "a\0", "\0a", "ab", "abcdefgh", "abcdefgh\0", "abcdefghi", "é", "e"], dtype="str")
    )


def test_more_ids_than_the_first_table_holds() -> None:
    rng = np.random.default_rng(0)
    check(pd.Series([f"{n:06d}" for n in rng.integers(0, 50_000, 120_000)], dtype="str"))


def test_part_of_a_column_and_several_pieces() -> None:
    column = pd.Series([f"C{n % 7}" for n in range(50)], dtype="str")
    check(column.iloc[13:29])
    check(pd.concat([column, column.iloc[3:9]]))


@pytest.mark.parametrize("dtype", ["object", "str", "category"])
def test_blanks_have_no_code(dtype: str) -> None:
    column = pd.Series(["a", None, "b", "a"], dtype=dtype)
    assert text_codes(column)[0].tolist() == [0, -1, 1, 0]


def test_numbers_go_through_pandas() -> None:
    check(pd.Series([3, 1, 3]))
