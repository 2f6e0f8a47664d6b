from __future__ import annotations

import math

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from territory.errors import ParameterError, SchemaError
from territory.needs import grow_population, persons_by_age, project_population
from territory.tables.schemas import validate
from tests.needs import oracles
from tests.needs.worlds import COMMUNES, bands, population, populations

ZONES = {"83050": "83", "83121": "83", "83141": "04"}


def projection(rows: list[tuple[str, float, float, float]]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=["zone", "age_min", "age_max", "population"])
    return frame.set_index(["zone", "age_min", "age_max"])


@given(
    growth=st.floats(-0.5, 0.5),
    years=st.tuples(st.integers(0, 30), st.integers(0, 30)),
    persons=st.floats(1, 1e5),
)
def test_growth_compounds_year_after_year_and_comes_back(
    growth: float, years: tuple[int, int], persons: float
) -> None:
    table = population([("83050", 0, 19, persons)])
    expected = persons
    for _ in range(years[0]):
        expected *= 1 + growth
    later = grow_population(table, rate_per_year=growth, from_year=2021, to_year=2021 + years[0])
    assert later["population"].iloc[0] == pytest.approx(expected)
    back = grow_population(later, rate_per_year=growth, from_year=2021 + years[0], to_year=2021)
    assert back["population"].iloc[0] == pytest.approx(persons)


def test_growth_by_commune() -> None:
    table = population([("83050", 0, 19, 100.0), ("83121", 0, 19, 100.0), ("83141", 0, 19, 100.0)])
    growth = pd.Series({"83121": 0.1, "83050": 0.0, "83141": math.nan})
    later = grow_population(table, rate_per_year=growth, from_year=2021, to_year=2022)
    assert later["population"].iloc[:2].to_list() == pytest.approx([100.0, 110.0])
    assert math.isnan(later["population"].iloc[2])
    assert later["vintage"].unique().tolist() == ["rp2021, projeté en 2022"]


def test_growth_refuses_what_is_no_rate() -> None:
    table = population([("83050", 0, 19, 100.0)])
    with pytest.raises(ParameterError, match="83050"):
        grow_population(table, rate_per_year=pd.Series({"83121": 0.1}), from_year=2021, to_year=2022)
    for growth in (-1.0, math.inf):
        with pytest.raises(ParameterError, match="Croissance"):
            grow_population(table, rate_per_year=growth, from_year=2021, to_year=2022)


@given(rows=populations(), var=bands(), alps=bands(), data=st.data())
def test_matches_scaling_year_by_year_and_adds_up(
    rows: list, var: list, alps: list, data: st.DataObject
) -> None:
    counts = st.floats(0, 1e5)
    target = [
        (zone, low, high, data.draw(counts))
        for zone, ages in (("83", var), ("04", alps))
        for low, high in ages
    ]
    found = project_population(population(rows), projection(target), to_year=2040, zones=pd.Series(ZONES))
    validate("population", found)
    assert list(found.index.get_level_values(0).unique()) == list(COMMUNES)
    expected = oracles.projected(rows, target, ZONES)
    for code in COMMUNES:
        for low, high in [*var, *alps, (0, 30)]:
            wanted = sum(expected[code, age] for age in range(low, high + 1))
            if ZONES[code] == "83" and (low, high) in alps and (low, high) not in [*var, (0, 30)]:
                continue
            if ZONES[code] == "04" and (low, high) in var and (low, high) not in [*alps, (0, 30)]:
                continue
            got = persons_by_age(found, age_min=low, age_max=high)[code]
            assert got == pytest.approx(wanted, rel=1e-9, abs=1e-9)
    for zone, low, high, wanted in target:
        got = persons_by_age(found, age_min=low, age_max=high)
        assert got[[code for code in COMMUNES if ZONES[code] == zone]].sum() == pytest.approx(
            wanted, abs=1e-6
        )


def test_ages_that_are_not_projected_are_not_returned_and_the_open_band_stays_whole() -> None:
    table = population([("83050", 0, 14, 30.0), ("83050", 15, 64, 50.0), ("83050", 65, math.nan, 20.0)])
    found = project_population(
        table,
        projection([("83", 0, 19, 70.0), ("83", 65, math.nan, 40.0)]),
        to_year=2040,
        zones=pd.Series({"83050": "83"}),
    )
    # 0–14: 30, 15–19: 5 of 50; doubled
    assert found["population"].to_list() == pytest.approx([60.0, 10.0, 40.0])
    assert found.index.get_level_values("age_max")[1] == 19


def test_an_empty_commune_stays_empty() -> None:
    table = population([("83050", 0, 19, 0.0), ("83121", 0, 19, 10.0)])
    found = project_population(
        table,
        projection([("83", 0, 19, 30.0)]),
        to_year=2040,
        zones=pd.Series({"83050": "83", "83121": "83"}),
    )
    assert found["population"].to_list() == [0.0, 30.0]


def test_nobody_projected_where_nobody_lives_is_nobody() -> None:
    found = project_population(
        population([("83050", 0, 19, 0.0)]),
        projection([("83", 0, 19, 0.0)]),
        to_year=2040,
        zones=pd.Series({"83050": "83"}),
    )
    assert found["population"].to_list() == [0.0]


@pytest.mark.parametrize(
    ("rows", "target", "zones", "said"),
    [
        ([("83050", 0, 19, 1.0)], [("83", 0, 19, 1.0)], {}, "sans zone"),
        ([("83050", 0, 19, 1.0)], [("04", 0, 19, 1.0)], {"83050": "83"}, "sans projection"),
        ([("83050", 0, 19, 1.0)], [("83", 0, 19, math.nan)], {"83050": "83"}, "inconnu dans 1 zone"),
        ([("83050", 0, 19, math.nan)], [("83", 0, 19, 1.0)], {"83050": "83"}, "inconnu dans 1 commune"),
        ([("83050", 0, 19, 0.0)], [("83", 0, 19, 1.0)], {"83050": "83"}, "personne aujourd'hui"),
        (
            [("83050", 0, 19, 5.0)],
            [("83", 0, 19, 1.0), ("83", 20, 24, 3.0)],
            {"83050": "83"},
            "83 dès 20 ans",
        ),
        (
            [("83050", 65, math.nan, 1.0)],
            [("83", 75, math.nan, 1.0)],
            {"83050": "83"},
            "ne peut pas être coupée",
        ),
    ],
)
def test_wrong_projections_are_refused(rows: list, target: list, zones: dict, said: str) -> None:
    with pytest.raises(ParameterError, match=said):
        project_population(
            population(rows), projection(target), to_year=2040, zones=pd.Series(zones, dtype="str")
        )


def test_a_projection_without_its_index_is_refused() -> None:
    with pytest.raises(SchemaError, match="zone"):
        project_population(
            population([("83050", 0, 19, 1.0)]),
            population([("83", 0, 19, 1.0)]),
            to_year=2040,
            zones=pd.Series({"83050": "83"}),
        )
