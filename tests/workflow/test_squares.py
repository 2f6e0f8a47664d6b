"""Squares of 200 m as origins: the time of a commune is the mean over where its children live."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest

import territory
from territory.network.estimate import estimate_travel_times
from territory.result import StudyResult
from tests import vallon
from tests.workflow.runs import without_documents

GRID = 3035
WITHOUT = "03915"


def write_squares(folder: Path, communes: gpd.GeoDataFrame) -> pd.DataFrame:
    """Write five squares around the point of each commune but one, those of the second without a child."""
    rng = np.random.default_rng(11)
    points = communes.geometry.to_crs(GRID).drop(WITHOUT)
    rows = []
    for number, (code, point) in enumerate(points.items()):
        for east, north in rng.integers(-30, 30, (5, 2)) * 200:
            x, y = int((point.x + east) // 200 * 200), int((point.y + north) // 200 * 200)
            ages = rng.integers(0, 9, 4) * (number != 1)
            rows.append((f"CRS3035RES200mN{y}E{x}", code, int(ages.sum()) + 20, *ages))
    names = ["idcar_200m", "lcog_geo", "ind", "ind_0_3", "ind_4_5", "ind_6_10", "ind_11_17"]
    table = pd.DataFrame(rows, columns=names).drop_duplicates("idcar_200m")
    table.to_csv(folder / "carreaux_200m.csv", index=False)
    return table.assign(
        x=table["idcar_200m"].str.extract(r"E(\d+)$")[0].astype(float) + 100,
        y=table["idcar_200m"].str.extract(r"N(\d+)E")[0].astype(float) + 100,
    )


@pytest.fixture(scope="module")
def squares(tmp_path_factory: pytest.TempPathFactory) -> tuple[pd.DataFrame, StudyResult]:
    folder = tmp_path_factory.mktemp("carreaux")
    text = vallon.text().replace("[data]\n", '[data]\npopulation_grid = "carreaux_200m.csv"\n', 1)
    study = vallon.copied(folder, text)
    table = write_squares(folder, vallon.lent().baseline.state.communes)
    with without_documents(tables=True):
        return table, territory.run_study(study, out_dir=folder)


def test_a_time_is_the_mean_where_children_live_and_its_spread(
    squares: tuple[pd.DataFrame, StudyResult],
) -> None:
    table, result = squares
    state = result.baseline.state
    times = state.travel_times.astype({"from_id": "str", "to_id": "str"}).set_index(["from_id", "to_id"])
    for code, cells in table.groupby("lcog_geo"):
        children = cells.filter(like="ind_").sum(axis=1)
        weight = children if children.sum() else cells["ind"]
        points = gpd.GeoDataFrame(geometry=gpd.points_from_xy(cells["x"], cells["y"]), crs=GRID)
        points["density_hab_km2"] = state.communes.loc[code, "density_hab_km2"]
        found = estimate_travel_times(points, state.sites, terrain="mixed")
        by_site = found.pivot(index="from_id", columns="to_id", values="travel_time_min")
        for site, minutes in by_site.items():
            mean = np.average(minutes, weights=weight)
            if mean > 120:
                assert (code, site) not in times.index
                continue
            assert times.loc[(code, site), "travel_time_min"] == pytest.approx(mean)
            spread = np.sqrt(np.average((minutes - mean) ** 2, weights=weight))
            assert times.loc[(code, site), "travel_time_spread_min"] == pytest.approx(spread, abs=1e-6)


def test_a_commune_without_a_square_keeps_its_point(squares: tuple[pd.DataFrame, StudyResult]) -> None:
    _, result = squares
    state = result.baseline.state
    times = state.travel_times.astype({"from_id": "str", "to_id": "str"})
    own = times[times["from_id"] == WITHOUT].set_index("to_id")
    assert own["travel_time_spread_min"].isna().all()
    expected = estimate_travel_times(
        state.communes.loc[[WITHOUT]], state.sites, terrain="mixed", max_time_min=120
    )
    expected = expected.astype({"to_id": "str"}).set_index("to_id")["travel_time_min"]
    assert own["travel_time_min"].to_dict() == pytest.approx(expected.to_dict())


def test_the_spread_is_printed_beside_the_time(squares: tuple[pd.DataFrame, StudyResult]) -> None:
    _, result = squares
    assert result.report_dir is not None
    printed = pd.read_csv(result.report_dir / "tables" / "acces_communes.csv", dtype=str)
    known = printed[printed["commune_code"] != WITHOUT]
    assert known["travel_time_spread_min"].notna().any()
    assert printed.loc[printed["commune_code"] == WITHOUT, "travel_time_spread_min"].isna().all()
    assert "travel_time_spread_min" not in vallon.lent().baseline.access
