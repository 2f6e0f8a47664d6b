from __future__ import annotations

import math

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from tools.calibrate_travel_times import held_out_min

from territory.errors import NetworkError, TerritoryWarning
from territory.network import estimate as slow
from territory.network import estimate_model as model
from territory.network.estimate import fit_slowness, nearest_trips
from territory.workflow.inputs.prepare import _with_slowness

WEST, SOUTH, STEP_KM = 900_000.0, 6_300_000.0, 5.0


def world(side: int = 12, *, slowness: object = 0.5, move_km: float = 0.0) -> gpd.GeoDataFrame:
    """A grid of communes whose times to the services in its corners and centre are the model's, at a known slowness."""
    column, row = np.meshgrid(np.arange(side), np.arange(side))
    x, y = WEST + 1000 * (STEP_KM * column.ravel() + move_km), SOUTH + 1000 * STEP_KM * row.ravel()
    codes = [f"83{number:03d}" for number in range(side * side)]
    communes = gpd.GeoDataFrame(
        {"density_hab_km2": np.where(column.ravel() % 3, 40.0, 300.0)},
        index=pd.Index(codes, name="commune_code"),
        geometry=gpd.points_from_xy(x, y),
        crs=2154,
    )
    communes["emergency_min"] = 1.0
    sites = [0, side - 1, side * side // 2 + side // 2, side * (side - 1)]
    communes.iloc[sites, communes.columns.get_loc("emergency_min")] = 0.0
    trips = nearest_trips(communes)
    value = np.broadcast_to(slowness(communes) if callable(slowness) else slowness, len(communes))
    seen = trips.median_min + trips.effect_min * value
    communes["emergency_min"] = communes["emergency_min"].where(communes["emergency_min"] == 0, seen)
    return communes


@pytest.mark.parametrize("value", [-0.4, 0.0, 0.5, 1.5])
def test_one_slowness_everywhere_is_found_again(value: float) -> None:
    found = fit_slowness(world(slowness=value))
    assert found.name == "slowness"
    # what is known of all France pulls a little towards 0
    assert (found - value).abs().max() < 0.15 * abs(value) + 1e-9


def test_a_slow_half_is_slower_and_the_border_between() -> None:
    def halves(communes: gpd.GeoDataFrame) -> np.ndarray:
        return np.where(communes.geometry.x > WEST + 30_000, 1.2, 0.0)

    communes = world(slowness=halves)
    found = fit_slowness(communes)
    east = (communes.geometry.x > WEST + 30_000).to_numpy()
    assert found[east].mean() > found[~east].mean() + 0.3


def test_a_commune_without_a_time_takes_after_its_neighbours() -> None:
    communes = world(slowness=0.8)
    communes.loc[["83030", "83031"], "emergency_min"] = np.nan
    assert fit_slowness(communes)[["83030", "83031"]].to_numpy() == pytest.approx(0.8, abs=0.06)


def test_where_a_territory_lies_changes_nothing() -> None:
    # a cell of communes moves with its territory: 25 km
    here, there = fit_slowness(world()), fit_slowness(world(move_km=-2 * slow.CELL_KM))
    np.testing.assert_allclose(here, there, rtol=1e-9)


def test_the_order_of_communes_is_kept_and_changes_nothing() -> None:
    communes = world(slowness=lambda frame: np.linspace(-0.2, 1.0, len(frame)))
    mixed = communes.sample(frac=1, random_state=3)
    found = fit_slowness(mixed)
    assert found.index.equals(mixed.index)
    np.testing.assert_allclose(found.reindex(communes.index), fit_slowness(communes), atol=1e-9)


def test_it_is_kriging_written_by_hand() -> None:
    communes = world(6, slowness=lambda frame: np.linspace(0.0, 1.0, len(frame)))
    trips = nearest_trips(communes)
    known = [row for row in range(36) if not math.isnan(trips.asked[row])]

    Ends = list[tuple[np.ndarray, float]]

    def shared(ends_a: Ends, ends_b: Ends) -> float:
        near = [(math.exp(-math.dist(a, b) / 40), of_a * of_b) for a, of_a in ends_a for b, of_b in ends_b]
        return 0.2 + 0.15 * sum(each * share for each, share in near)

    trip = {
        row: list(zip((trips.from_km[row], trips.to_km[row]), trips.shares[row], strict=True))
        for row in known
    }
    assert all(sum(share for _, share in ends) == pytest.approx(1.0) for ends in trip.values())
    noise = (slow.TRIP_NOISE_MIN / np.maximum(trips.effect_min, 1)) ** 2 + slow.TRIP_VARIANCE
    matrix = [[shared(trip[a], trip[b]) + (noise[a] if a == b else 0) for b in known] for a in known]
    weights = np.linalg.solve(matrix, [trips.asked[row] for row in known])
    here = trips.from_km[17]
    by_hand = sum(
        shared([(here, 1.0)], trip[row]) * weight for row, weight in zip(known, weights, strict=True)
    )
    assert fit_slowness(communes).iloc[17] == pytest.approx(by_hand, rel=1e-9)


def test_a_block_held_out_is_not_read() -> None:
    communes = world(slowness=0.5)
    block = pd.Series(np.where(np.arange(len(communes)) < 30, "a", "b"), index=communes.index)
    before = held_out_min(nearest_trips(communes), block)
    inside = (block == "a").to_numpy() & (communes["emergency_min"] > 0).to_numpy()
    communes.loc[inside, "emergency_min"] *= 2
    after = held_out_min(nearest_trips(communes), block)
    np.testing.assert_array_equal(after[inside], before[inside])
    outside = ~(block == "a").to_numpy() & (communes["emergency_min"] > 0).to_numpy()
    assert (after[outside] > before[outside]).any()


def test_a_slowness_stays_within_what_was_measured() -> None:
    communes = world(slowness=0.0)
    communes["emergency_min"] = (40 * communes["emergency_min"]).clip(upper=600)
    found = fit_slowness(communes)
    assert found.max() == model.SLOWNESS_BOUNDS[1]
    assert found.between(*model.SLOWNESS_BOUNDS).all()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda frame: frame.drop(columns="emergency_min"), "emergency_min"),
        (lambda frame: frame.assign(emergency_min=frame["emergency_min"] + 1), "0 minute"),
        (lambda frame: frame.assign(emergency_min=-1.0), "négatif"),
        (lambda frame: frame.assign(emergency_min=frame["emergency_min"] * 60), "dix heures"),
        (
            lambda frame: frame.assign(
                emergency_min=frame["emergency_min"].where(frame.index != "83030", 600.5)
            ),
            "dix",
        ),
        (lambda frame: frame.head(20), "au moins 30"),
    ],
)
def test_times_that_tell_nothing_are_refused(change: object, said: str) -> None:
    with pytest.raises(NetworkError, match=said):
        fit_slowness(change(world()))  # type: ignore[operator]


def published(communes: gpd.GeoDataFrame, *, late_by: float = 0.0) -> pd.Series:
    """The figures of DREES for two years: the older is wrong by some minutes, and another figure stands beside."""
    names = ["commune_code", "figure", "year"]
    blocks = []
    for figure, year, minutes in (
        ("urgences_smur", 2018, communes["emergency_min"] + late_by),
        ("urgences_smur", 2019, communes["emergency_min"]),
        ("apl", 2023, communes["emergency_min"] * 0 + 3.0),
    ):
        keys = pd.MultiIndex.from_product([communes.index, [figure], [year]], names=names)
        blocks.append(pd.Series(minutes.to_numpy(), index=keys))
    return pd.concat(blocks)


def test_a_study_with_published_times_has_the_slowness_of_the_newest() -> None:
    communes = world(slowness=0.7)
    found = _with_slowness(communes.drop(columns="emergency_min"), published(communes, late_by=20.0))
    pd.testing.assert_series_equal(found["slowness"], fit_slowness(communes))


def test_a_study_whose_times_tell_nothing_says_so_and_keeps_its_terrain() -> None:
    communes = world().head(20)
    with pytest.warns(TerritoryWarning, match="le relief en tient lieu"):
        found = _with_slowness(communes, published(communes))
    assert "slowness" not in found
    only_apl = published(communes).xs("apl", level="figure", drop_level=False)
    assert _with_slowness(communes, only_apl) is communes
