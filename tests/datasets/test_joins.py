"""Tables of producers on the communes of a study: old codes, arrondissements, and what does not match."""

from __future__ import annotations

import warnings

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest

from territory.datasets.joins import (
    MOST_UNMATCHED,
    CommuneMap,
    carried_censuses,
    known_areas_km2,
    with_points_of_parts,
)
from territory.errors import ReadError, TerritoryWarning
from territory.geography.communes import Step

COMMUNES = [f"130{n:02d}" for n in range(1, 40)] + ["13055"]
MERGED = Step(pd.Timestamp("2019-01-01"), {"13099": ("13001",), "13001": ("13001",)}, frozenset())
SPLIT = Step(pd.Timestamp("2020-06-01"), {"13002": ("13002", "13003")}, frozenset())


def the_map(*steps: Step, around: tuple[str, ...] = ("83050",)) -> CommuneMap:
    codes = [*COMMUNES, *around]
    departements = pd.Series([code[:2] for code in codes], index=codes, dtype="str")
    return CommuneMap(departements, frozenset({"13"}), pd.Index([*codes, "84001"]), 2024, steps)


def counted(codes: list[str], *values: float) -> pd.Series:
    return pd.Series(values or [1.0] * len(codes), index=codes)


def test_arrondissements_add_up_to_their_commune() -> None:
    parts = [f"132{n:02d}" for n in range(1, 17)]
    rest = [code for code in COMMUNES if code != "13055"] + ["83050"]
    table = pd.concat([counted(rest), counted(parts)])
    summed = the_map().counts("populations.rp2021", table)
    assert summed["13055"] == 16
    assert summed.sum() == len(rest) + 16
    # beside their commune they would be counted twice
    both = pd.concat([table, counted(["13055"], 16.0)])
    assert the_map().counts("populations.rp2021", both)["13055"] == 16
    table["13201"] = float("nan")
    assert pd.isna(the_map().counts("populations.rp2021", table)["13055"])


def test_what_does_not_add_up_is_a_mean_of_arrondissements_weighted_by_persons() -> None:
    rest = [code for code in COMMUNES if code != "13055"] + ["83050"]
    table = pd.concat([counted(rest), counted(["13201", "13202"], 2.0, 5.0)]).to_frame("apl")
    persons = counted(["13201", "13202"], 1000.0, 2000.0)
    assert the_map().rates("apl", table, persons).loc["13055", "apl"] == pytest.approx(4.0)
    assert pd.isna(the_map().rates("apl", table, persons.iloc[:1]).loc["13055", "apl"])


def test_a_dead_code_goes_to_what_it_became_and_a_new_commune_has_the_rate_of_its_origin() -> None:
    table = counted([*COMMUNES, "13099", "83050"])
    assert the_map(MERGED).counts("p", table)["13001"] == 2
    rates = counted([code for code in [*COMMUNES, "83050"] if code != "13003"]).to_frame("share")
    assert the_map(SPLIT).rates("ages", rates, counted([])).loc["13003", "share"] == 1


def test_what_does_not_match_is_counted_and_named_then_refused() -> None:
    table = counted([*COMMUNES, "13999", "83050"])
    with pytest.warns(
        TerritoryWarning, match=r"« bpe » : 1 code qui n'est pas une commune de 2024, .*\(13999\)"
    ):
        the_map().counts_of_some("bpe", table, or_none=True)
    many = counted([*COMMUNES[: len(COMMUNES) // 2], *(f"139{n}" for n in range(10, 20))])
    with pytest.raises(ReadError, match=r"« bpe » : 10 codes qui ne sont pas des communes de 2024, sur 30"):
        the_map().counts_of_some("bpe", many, or_none=True)
    with pytest.warns(TerritoryWarning, match=r"aucune ligne pour 1 commune du territoire sur 40 et 0"):
        assert pd.isna(the_map().counts("p", table.drop(["13999", "13001"]))["13001"])
    with pytest.raises(ReadError, match=r"aucune ligne pour 37 communes du territoire sur 40"):
        the_map().counts("p", table.iloc[:3])
    assert 0 < MOST_UNMATCHED < 0.1


def test_no_line_is_none_where_the_list_speaks_of_the_departement_and_unknown_elsewhere() -> None:
    table = counted(["13001", "13055"], 3.0, 900.0)
    found = the_map().counts_of_some("bpe", table, or_none=True)
    assert found[["13001", "13002", "13055"]].to_list() == [3, 0, 900]
    assert pd.isna(found["83050"])
    with pytest.raises(ReadError, match="aucune commune du département 13"):
        the_map().counts_of_some("bpe", counted(["83050"]), or_none=True)


def test_places_of_another_region_say_nothing() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = the_map().places("finess", pd.Series(["13205", "31555", None], dtype="str"))
    assert found.fillna("").to_list() == ["13055", "", ""]


def test_a_commune_that_was_split_since_is_shared_out_as_in_a_census_that_knows_its_parts() -> None:
    row = {"movement_code": "21", "date": SPLIT.date, "type_before": "COM", "type_after": "COM"}
    rows = [row | {"code_before": "13002", "code_after": code} for code in ("13002", "13003")]
    # others tell the years that the movements cover
    rename = row | {"movement_code": "10", "code_before": "83050", "code_after": "83050"}
    rows += [rename | {"date": pd.Timestamp(f"{year}-01-01")} for year in (2018, 2024)]
    movements = pd.DataFrame(rows)
    old, new = pd.Series({"13001": 5.0, "13002": 90.0}), pd.Series({"13002": 40.0, "13003": 20.0})
    years = {"rp2017": 2019, "rp2022": 2024}
    carried = carried_censuses({"rp2017": old, "rp2022": new}, years, movements, the_map(SPLIT))
    assert carried["rp2017"].to_dict() == {"13001": 5.0, "13002": 60.0, "13003": 30.0}
    # no census knows them: unknown and said, the rest stands
    with pytest.warns(TerritoryWarning, match="13002 devient 13002, 13003"):
        alone = carried_censuses({"rp2017": old}, years, movements, the_map(SPLIT))
    assert alone["rp2017"].to_dict() == {"13001": 5.0}


def test_a_commune_without_a_point_stands_at_that_of_one_it_was_made_of() -> None:
    points = gpd.GeoDataFrame({"area_km2": [3.0, 4.0]}, geometry=gpd.points_from_xy([1, 2], [3, 4]), crs=2154)
    points.index = pd.Index(["13099", "13002"], name="commune_code")
    with pytest.warns(TerritoryWarning, match="13099 pour 13001"):
        placed = with_points_of_parts(points, the_map(MERGED))
    assert placed.loc["13001", "geometry"] == points.loc["13099", "geometry"]
    assert pd.isna(placed.loc["13001", "area_km2"])
    assert placed.index.name == "commune_code"
    assert with_points_of_parts(points, the_map()) is points


def test_an_unknown_area_is_that_of_the_communes_around() -> None:
    east, north = (axis.ravel() * 4000.0 for axis in np.meshgrid(range(10), range(10)))
    codes = [f"{number:05d}" for number in range(1000, 1100)]
    places = gpd.GeoDataFrame(
        {"area_km2": [7.0] + [np.nan] * 99}, geometry=gpd.points_from_xy(east, north), index=codes, crs=2154
    )
    with pytest.warns(TerritoryWarning, match="99 communes sans surface connue .*outlines"):
        found = known_areas_km2(places)
    # a square of 4 km is 16 km2; the sixth neighbour is on its diagonal
    assert found.iloc[0] == 7.0
    assert found.iloc[55] == pytest.approx(2 * np.pi * 16 / 6.5)
    assert known_areas_km2(places.assign(area_km2=3.0)).eq(3.0).all()
