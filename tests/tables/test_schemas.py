from __future__ import annotations

import math
import re

import pandas as pd
import pytest

from territory.errors import SchemaError, UnknownCodeError
from territory.tables.catalogue import TABLES, columns_of
from territory.tables.declare import UNITS
from territory.tables.schemas import CONTRACT, validate


def demand(**changes: object) -> pd.DataFrame:
    row = {"commune_code": "83050", "public": "autisme", "demand": 1.0, "demand_low": 0.5, "demand_high": 2.0}
    frame = pd.DataFrame([{**row, "kind": "prevalence", **changes}])
    return frame.set_index(["commune_code", "public"])


def test_valid_table_comes_back_itself() -> None:
    frame = demand(demand=math.nan)
    assert validate("demand", frame) is frame


def test_all_problems_come_at_once() -> None:
    frame = demand(commune_code="8305", demand=-1.0, kind="besoin").drop(columns="demand_low")
    with pytest.raises(SchemaError) as caught:
        validate("demand", frame, subject="besoins.csv")
    message = str(caught.value)
    assert message.startswith("Table « demand » (besoins.csv) : 4 problèmes.")
    for expected in ("« demand_low »", "8305", "-1.0", "besoin"):
        assert expected in message


def test_wrong_index_and_duplicates_are_said() -> None:
    with pytest.raises(SchemaError, match="l'index devrait être"):
        validate("demand", demand().reset_index())
    with pytest.raises(SchemaError, match="1 clé en double"):
        validate("demand", pd.concat([demand(), demand()]))


def test_text_instead_of_numbers_is_said_once() -> None:
    with pytest.raises(SchemaError, match="1 problème") as caught:
        validate("demand", demand(demand="douze"))
    assert "des nombres sont attendus" in str(caught.value)


def test_unbounded_age_is_allowed() -> None:
    index = pd.MultiIndex.from_tuples([("2A004", 65, math.nan)], names=["commune_code", "age_min", "age_max"])
    frame = pd.DataFrame({"population": [10.0], "vintage": ["rp2021"]}, index=index)
    assert validate("population", frame) is frame


def test_unknown_table() -> None:
    with pytest.raises(UnknownCodeError, match="communes"):
        validate("comunes", demand())


def test_what_leaves_is_described_in_french() -> None:
    english = re.compile(r"\b(?:the|of|and|with|draws?|persons?|each|where)\b", re.I)
    for table in TABLES.values():
        said = [table.fr_about] if table.is_handed else []
        said += [one.fr_about for one in columns_of(table.name).values() if one.fr_about]
        for text in said:
            assert text.endswith("."), table.name
            assert not english.search(text), text


def test_every_column_is_described_and_units_end_names() -> None:
    for name in CONTRACT:
        for key, column in columns_of(name).items():
            assert column.about, (name, key)
            if column.unit.suffix:
                assert key.endswith(column.unit.suffix), (name, key)
                assert column.unit.suffix in UNITS
