from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from territory.errors import ParameterError, TerritoryWarning
from territory.planning import pooling, pooling_template
from territory.planning.grouping.answer import SHARED_SERVICES
from tests.planning.worlds import table as times_table

TIMES = times_table({("ime", "cmpp"): 30.0, ("cmp", "cmpp"): 12.0, ("ime", "cmp"): 25.0})


def filled() -> pd.DataFrame:
    """Two services of three members: one shared at the cmpp, one not shared."""
    table = pooling_template(
        ["ime", "cmpp", "cmp"], services={"formation": "Formation", "ethique": "Éthique"}
    )
    shared = table.index.get_level_values("service") == "formation"
    table["is_shared"] = shared
    table.loc[shared, "host_id"] = "cmpp"
    table.loc[shared, "hours_today_per_year"] = [200.0, 100.0, 50.0]
    table.loc[shared, "hours_pooled_per_year"] = [120.0, 90.0, 60.0]
    table.loc[shared, "trips_per_year"] = [12.0, 0.0, 10.0]
    return table


def test_the_template_has_every_service_and_no_figure() -> None:
    table = pooling_template(["ime", "cmpp"])
    assert len(table) == 2 * len(SHARED_SERVICES) == 18
    assert table.drop(columns="label").isna().all().all()
    assert "Évaluation externe" in table["label"].tolist()


def test_hours_by_hand() -> None:
    table = filled()
    got = pooling(table, TIMES).loc["formation"]
    assert got["freed_hours_per_year"].tolist() == [80, 10, -10]
    assert got["travel_hours_per_year"].tolist() == [2 * 12 * 30 / 60, 0, 2 * 10 * 12 / 60]
    assert got["net_hours_per_year"].tolist() == [68, 10, -14]
    assert got["travel_time_min"].tolist() == [30, 0, 12]
    pd.testing.assert_frame_equal(pooling(table, TIMES)[table.columns], table)


def test_what_is_not_shared_frees_nothing() -> None:
    got = pooling(filled(), TIMES).loc["ethique"]
    assert got["net_hours_per_year"].tolist() == [0, 0, 0]


@pytest.mark.parametrize(
    "column", ["hours_today_per_year", "hours_pooled_per_year", "trips_per_year", "host_id", "is_shared"]
)
def test_nothing_is_assumed_for_what_was_not_given(column: str) -> None:
    table = filled()
    table["is_shared"] = table["is_shared"].astype("boolean")
    table.loc[("formation", "ime"), column] = pd.NA if column == "is_shared" else np.nan
    with pytest.warns(TerritoryWarning, match=r"1 ligne sur 6 \(formation / ime\)"):
        got = pooling(table, TIMES)
    assert math.isnan(got.loc[("formation", "ime"), "net_hours_per_year"])
    assert got["net_hours_per_year"].notna().sum() == 5


def test_an_unknown_drive_is_not_a_short_one() -> None:
    with pytest.warns(TerritoryWarning, match=r"2 lignes sur 6"):
        got = pooling(filled(), times_table({("cmpp", "ime"): 10.0}))
    assert got.loc["formation", "net_hours_per_year"].isna().tolist() == [True, False, True]
    with pytest.warns(TerritoryWarning, match=r"2 lignes sur 6"):
        pooling(filled(), times_table({("X", "Y"): 10.0}))


def test_all_that_is_wrong_comes_in_one_error() -> None:
    table = filled()
    table.loc[("formation", "ime"), "hours_today_per_year"] = -5.0
    table.loc[("formation", "cmp"), "host_id"] = "Toulon"
    with pytest.raises(ParameterError) as caught:
        pooling(table, TIMES)
    for part in (
        "1 valeur négative ou infinie dans la colonne",
        "n'est pas membre (Toulon)",
    ):
        assert part in str(caught.value)
    with pytest.raises(ParameterError, match=r"« trips_per_year ».* des nombres"):
        pooling(filled().assign(trips_per_year="douze"), TIMES)
    with pytest.raises(ParameterError, match="partez de pooling_template"):
        pooling(filled().reset_index(), TIMES)
    with pytest.raises(ParameterError, match=r"1 colonne absente \(label\)"):
        pooling(filled().drop(columns="label"), TIMES)
    with pytest.raises(ParameterError, match="en double"):
        pooling_template(["ime", "ime"])
