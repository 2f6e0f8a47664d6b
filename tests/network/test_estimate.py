from __future__ import annotations

import math

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from shapely.geometry import Point, Polygon

from territory.errors import NetworkError, ParameterError, TerritoryError, TerritoryWarning
from territory.network import difference_uncertainty_min, estimate_travel_times
from territory.network import estimate_model as model
from territory.tables import schemas

X, Y = 950_000.0, 6_270_000.0


def places(
    *kilometres: float, prefix: str = "p", north: float = 0.0, **columns: list[object]
) -> gpd.GeoDataFrame:
    """Points on a west-east line, in Lambert-93, named p0, p1..."""
    geometry = gpd.points_from_xy([X + 1000 * km for km in kilometres], [Y + 1000 * north] * len(kilometres))
    index = [f"{prefix}{i}" for i in range(len(kilometres))]
    return gpd.GeoDataFrame(columns, index=index, geometry=geometry, crs=2154)


def by_hand(
    km: float, density_a: float, density_b: float, slowness: float, slowness_b: float | None = None
) -> float:
    """The formula of docs/method, with plain Python numbers, on the committed coefficients."""
    table = model.calibration()
    mine = table[table["kind"] == "coefficient"].set_index("name")["value"]
    local, slowed, streets = 1 - math.exp(-((km / 32) ** 2)), 1 - math.exp(-km / 12), 1 - math.exp(-km / 4)
    time = mine["start_min"] * (1 - math.exp(-km / 2)) + mine["cruise_min_per_km"] * km
    ends = (density_a, slowness), (density_b, slowness if slowness_b is None else slowness_b)
    for density, of_end in ends:
        log = math.log(min(max(density, 5.0), 5000.0) / 100.0)
        time += (mine["approach_min"] + mine["approach_log_density_min"] * log) * local
        time += mine["streets_log_density_squared_min"] * max(log, 0.0) ** 2 * streets
        slow = mine["slowness_log_density_min"] * log + mine["slowness_log_density_squared_min"] * log**2
        time += of_end * (mine["slowness_min"] + slow) * slowed
    return float(time)


PLAIN = model.slowness_of("plain")


def minutes(times: pd.DataFrame) -> list[float]:
    return times["travel_time_min"].tolist()


@pytest.mark.parametrize("slow", [(0.0, 0.0), (-0.5, 0.3), (1.2, 2.0)])
@pytest.mark.parametrize(("km", "a", "b"), [(3.0, 20.0, 900.0), (24.0, 97.0, 729.0), (90.0, 1.0, 20_000.0)])
def test_a_time_is_the_formula(slow: tuple[float, float], km: float, a: float, b: float) -> None:
    origin = places(0.0, density_hab_km2=[a], slowness=[slow[0]])
    destination = places(km, prefix="q", density_hab_km2=[b], slowness=[slow[1]])
    [time] = minutes(estimate_travel_times(origin, destination))
    # a Lambert-93 kilometre is the model's own
    assert time == pytest.approx(by_hand(km, a, b, *slow), abs=1e-6)


@pytest.mark.parametrize("terrain", ["plain", "mixed", "mountain"])
def test_a_terrain_given_is_by_force(terrain: str) -> None:
    origin, destination = places(0.0, slowness=[2.5]), places(9.0, prefix="q", terrain=["plain"])
    [time] = minutes(estimate_travel_times(origin, destination, terrain=terrain))
    assert time == pytest.approx(by_hand(9.0, 100.0, 100.0, model.slowness_of(terrain)))


def test_a_place_without_a_slowness_has_that_of_its_terrain_a_wider_doubt_and_is_said() -> None:
    known = places(0.0, 30.0, slowness=[0.4, 0.4])
    partly = places(0.0, 30.0, slowness=[0.4, None], terrain=["plain", "mountain"])
    site = places(12.0, prefix="q", slowness=[0.4])
    with pytest.warns(TerritoryWarning, match=r"lenteur inconnue pour 1 point sur 2 \(p1\)"):
        some = estimate_travel_times(partly, site)
    whole = estimate_travel_times(known, site)
    assert minutes(some)[0] == minutes(whole)[0]
    assert minutes(some)[1] == pytest.approx(by_hand(18.0, 100.0, 100.0, 0.4, model.slowness_of("mountain")))
    far = places(60.0, prefix="q")
    doubt = [estimate_travel_times(one, far)["uncertainty_min"].iloc[0] for one in (known, places(0.0))]
    assert doubt[0] < doubt[1]


@pytest.mark.parametrize("value", [-1.5, 4.0, "lente"])
def test_a_slowness_that_was_never_measured_is_refused(value: object) -> None:
    with pytest.raises(TerritoryError, match="slowness"):
        estimate_travel_times(places(0.0, slowness=[value]), places(9.0, prefix="q"))


def test_an_unstated_density_is_the_reference() -> None:
    stated = places(0.0, 30.0, density_hab_km2=[100.0, 100.0])
    assert minutes(estimate_travel_times(places(0.0), places(30.0, prefix="q"))) == pytest.approx(
        minutes(estimate_travel_times(stated.iloc[[0]], stated.iloc[[1]]))
    )


def test_terrains_are_ordered_and_a_trip_between_two_is_halfway() -> None:
    origin, destination = places(0.0), places(40.0, prefix="q")
    plain, mixed, mountain = (
        minutes(estimate_travel_times(origin, destination, terrain=name))[0]
        for name in ("plain", "mixed", "mountain")
    )
    assert plain < mixed < mountain
    assert minutes(estimate_travel_times(origin, destination))[0] == mixed
    down, up = places(0.0, terrain=["plain"]), places(40.0, prefix="q", terrain=["mountain"])
    [between] = minutes(estimate_travel_times(down, up))
    assert between == pytest.approx((plain + mountain) / 2)


def test_the_table_follows_the_contract_and_the_order_of_the_frames() -> None:
    origins, destinations = places(0.0, 10.0, 20.0), places(5.0, 50.0, prefix="q")
    times = estimate_travel_times(origins, destinations)
    assert times["from_id"].tolist() == ["p0", "p0", "p1", "p1", "p2", "p2"]
    assert times["to_id"].tolist() == ["q0", "q1"] * 3
    assert math.isnan(times.attrs["cutoff_min"])
    assert (times["distance_km"] > 0).all()
    assert (times["uncertainty_min"] > 0).all()
    schemas.validate("travel_times", times.astype({"from_id": str, "to_id": str}))


def test_numbers_are_those_of_any_processor() -> None:
    # to the millionth: what numpy's exponential leaves to the processor would choose between rounds that are as good
    times = estimate_travel_times(places(0, 3, 17), places(8, 31, 90, prefix="q"), terrain="mixed")
    for name in ("travel_time_min", "distance_km", "uncertainty_min"):
        assert times[name].tolist() == [float(f"{value:.6f}") for value in times[name]]


def test_the_cutoff_is_inclusive_and_written_in_the_table() -> None:
    origins, destinations = places(0.0), places(5.0, 30.0, 60.0, prefix="q")
    whole = estimate_travel_times(origins, destinations)
    limit = float(whole["travel_time_min"].iloc[1])
    cut = estimate_travel_times(origins, destinations, max_time_min=limit)
    assert cut["to_id"].tolist() == ["q0", "q1"]
    assert cut.attrs["cutoff_min"] == limit
    pd.testing.assert_frame_equal(cut.iloc[:2], whole.iloc[:2], check_categorical=False)


@pytest.mark.parametrize("limit", [0, -5.0, float("nan"), float("inf")])
def test_a_cutoff_that_is_not_a_positive_number_is_refused(limit: float) -> None:
    with pytest.raises(ParameterError, match="max_time_min"):
        estimate_travel_times(places(0.0), places(5.0), max_time_min=limit)


def test_no_origin_gives_an_empty_table() -> None:
    times = estimate_travel_times(places(), places(5.0, prefix="q"))
    assert times.empty
    assert list(times.columns) == ["from_id", "to_id", "travel_time_min", "distance_km", "uncertainty_min"]


def test_blocks_of_origins_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    origins, destinations = places(*range(0, 60, 7)), places(3.0, 33.0, 66.0, prefix="q")
    whole = estimate_travel_times(origins, destinations)
    monkeypatch.setattr("territory.network.estimate._BLOCK_PAIRS", 4)
    pd.testing.assert_frame_equal(whole, estimate_travel_times(origins, destinations))


def test_inside_a_commune_the_trip_is_half_the_radius_of_its_disc() -> None:
    area_km2 = 100.0
    communes = places(0.0, 9.0, area_km2=[area_km2, 4.0], density_hab_km2=[300.0, 50.0])
    communes.index = ["83050", "83121"]
    site = places(7.0, prefix="ime", commune_code=["83050"], density_hab_km2=[300.0])
    times = estimate_travel_times(communes, site, terrain="plain")
    inside_km = math.sqrt(area_km2 / math.pi) / 2
    # inside, both ends are on the same slow roads: they count once
    assert minutes(times) == pytest.approx(
        [by_hand(inside_km, 300.0, 300.0, PLAIN / 2), by_hand(2.0, 50.0, 300.0, PLAIN)]
    )
    diagonal = estimate_travel_times(communes, communes, terrain="plain")
    assert (diagonal["travel_time_min"] > 0).all()


def test_an_unknown_commune_is_the_same_as_no_other() -> None:
    origin = places(0.0, commune_code=[None])
    destination = places(20.0, prefix="q", commune_code=[None])
    [time] = minutes(estimate_travel_times(origin, destination, terrain="plain"))
    assert time == pytest.approx(by_hand(20.0, 100.0, 100.0, PLAIN))


def test_an_assumed_area_is_said() -> None:
    site = places(3.0, prefix="s", commune_code=["p0"])
    with pytest.warns(TerritoryWarning, match=r"1 commune de surface inconnue \(p0\).*15,7 km²"):
        estimate_travel_times(places(0.0), site)


def test_densities_missing_among_others_are_counted() -> None:
    origins = places(0.0, 1.0, 2.0, density_hab_km2=[10.0, np.nan, np.nan])
    with pytest.warns(TerritoryWarning, match="2 points sur 3"):
        estimate_travel_times(origins, places(9.0, prefix="q"))


def test_two_sites_at_one_point_are_not_at_no_time() -> None:
    [time] = minutes(estimate_travel_times(places(0.0), places(0.0, prefix="q"), terrain="plain"))
    assert time == pytest.approx(by_hand(0.5, 100.0, 100.0, PLAIN))


def test_every_problem_is_in_one_error() -> None:
    bad = gpd.GeoDataFrame(
        {"density_hab_km2": [-1.0, 5.0, 5.0, 5.0]},
        index=["a", "a", "b", "c"],
        geometry=[Point(X, Y), Point(), None, Polygon([(0, 0), (1, 0), (0, 1)])],
        crs=2154,
    )
    two = places(1.0).set_axis(pd.MultiIndex.from_tuples([("a", "b")]), axis=0)
    with pytest.raises(NetworkError, match="origines : un seul identifiant par point"):
        estimate_travel_times(two, places(1.0))
    no_system = places(1.0).set_crs(None, allow_override=True)
    with pytest.raises(NetworkError) as raised:
        estimate_travel_times(bad, no_system, terrain="lunaire")
    text = str(raised.value)
    assert "5 problèmes" in text
    for part in (
        "lunaire",
        "double (a)",
        "absentes ou vides (a, b)",
        "(c)",
        "destinations : système de coordonnées absent",
    ):
        assert part in text


@pytest.mark.parametrize(
    ("column", "value", "part"),
    [
        ("density_hab_km2", -1.0, "density_hab_km2"),
        ("density_hab_km2", "beaucoup", "density_hab_km2"),
        ("area_km2", 0.0, "area_km2"),
        ("terrain", "colline", "colline"),
    ],
)
def test_values_that_cannot_be_read_are_refused(column: str, value: object, part: str) -> None:
    with pytest.raises(TerritoryError, match=part):
        estimate_travel_times(places(0.0, **{column: [value]}), places(9.0, prefix="q"))


def test_points_of_two_territories_or_swapped_degrees_are_refused() -> None:
    reunion = gpd.GeoDataFrame(index=["r"], geometry=[Point(55.5, -21.1)], crs=4326)
    with pytest.raises(NetworkError, match="1 point"):
        estimate_travel_times(places(0.0, 1.0), reunion)
    swapped = gpd.GeoDataFrame(index=["s"], geometry=[Point(43.5, 6.4)], crs=4326)
    with pytest.raises(NetworkError, match="longitude, latitude"):
        estimate_travel_times(places(0.0, 1.0), swapped)


@pytest.mark.parametrize(
    ("lon", "lat"), [(6.4, 43.5), (-61.5, 16.2), (-61.0, 14.6), (-52.5, 4.9), (55.5, -21.1), (45.2, -12.8)]
)
def test_a_degree_is_worth_the_same_kilometres_in_every_territory(lon: float, lat: float) -> None:
    step = 0.1
    here = gpd.GeoDataFrame(index=["a"], geometry=[Point(lon, lat)], crs=4326)
    there = gpd.GeoDataFrame(index=["b"], geometry=[Point(lon, lat + step)], crs=4326)
    [time] = minutes(estimate_travel_times(here, there, terrain="plain"))
    assert time == pytest.approx(by_hand(step * 111.1, 100.0, 100.0, PLAIN), rel=0.01)


coordinate = st.floats(-60, 60, allow_nan=False)
density = st.floats(0.1, 20_000)


@given(
    km=st.floats(0.0, 250.0),
    further=st.floats(0.1, 50.0),
    a=density,
    b=density,
    slow=st.floats(*model.SLOWNESS_BOUNDS),
)
def test_times_and_doubts_grow_with_distance(
    km: float, further: float, a: float, b: float, slow: float
) -> None:
    origin = places(0.0, density_hab_km2=[a], slowness=[slow])
    ends = places(km, km + further, prefix="q", density_hab_km2=[b, b], slowness=[slow, slow])
    times = estimate_travel_times(origin, ends)
    for column in ("travel_time_min", "distance_km", "uncertainty_min"):
        near, far = times[column]
        # the doubt no longer grows beyond a time
        is_whole = column == "uncertainty_min" and near == model.doubt("measured").most_min
        assert far > near or is_whole or km + further <= model.MINIMUM_DISTANCE_KM
        assert near > 0


@given(
    where=st.lists(st.tuples(coordinate, coordinate, density), min_size=2, max_size=6),
    order=st.randoms(use_true_random=False),
    terrain=st.sampled_from(["plain", "mixed", "mountain"]),
)
def test_times_are_symmetric_and_do_not_depend_on_the_other_rows(
    where: list[tuple[float, float, float]], order: object, terrain: str
) -> None:
    frame = gpd.GeoDataFrame(
        {"density_hab_km2": [row[2] for row in where], "area_km2": 12.0},
        index=[f"c{i}" for i in range(len(where))],
        geometry=[Point(X + 1000 * x, Y + 1000 * y) for x, y, _ in where],
        crs=2154,
    )
    square = estimate_travel_times(frame, frame, terrain=terrain).set_index(["from_id", "to_id"])
    square = square["travel_time_min"].to_numpy().reshape(len(frame), -1)
    np.testing.assert_allclose(square, square.T, rtol=1e-12)
    mixed = list(range(len(frame)))
    order.shuffle(mixed)  # type: ignore[attr-defined]
    shuffled = estimate_travel_times(frame.iloc[mixed], frame.iloc[mixed[:1]], terrain=terrain)
    np.testing.assert_array_equal(shuffled["travel_time_min"], square[mixed, mixed[0]])


@given(
    a=st.floats(0, 200),
    b=st.floats(0, 200),
    between=st.floats(0, 200),
    terrain=st.sampled_from([None, "plain", "mixed", "mountain"]),
)
def test_the_doubt_on_a_difference(a: float, b: float, between: float, terrain: str | None) -> None:
    doubt = difference_uncertainty_min([a], [b], [between], terrain=terrain)
    assert doubt.shape == (1,)
    assert difference_uncertainty_min([b], [a], [between], terrain=terrain) == pytest.approx(doubt)
    assert (difference_uncertainty_min(a, b, between + 1, terrain=terrain) >= doubt).all()
    assert (difference_uncertainty_min(a, b, 0.0, terrain=terrain) == 0).all()
    both = math.hypot(
        *(float(model.doubt_min(np.array(x), np.array(float(terrain is None)))) for x in (a, b))
    )
    assert doubt[0] <= both + 1e-9


def test_the_doubt_on_a_difference_refuses_what_it_cannot_read() -> None:
    with pytest.raises(ParameterError, match="lunaire"):
        difference_uncertainty_min(1.0, 2.0, 3.0, terrain="lunaire")
    with pytest.raises(ParameterError, match="négatif"):
        difference_uncertainty_min([1.0, -2.0], 2.0, 3.0)
    assert np.isnan(difference_uncertainty_min(np.nan, 2.0, 3.0))


def test_roads_in_line_err_less_than_roads_apart() -> None:
    """By the committed numbers, far from the bound of two times without a road in common."""
    known = model.doubt("measured")
    apart, half, line, beyond = difference_uncertainty_min(
        [60.0, 60.0, 60.0, 60.0], [60.0, 55.0, 50.0, 40.0], 10.0
    ) / np.sqrt(10.0)
    assert apart == pytest.approx(known.difference_root_min)
    assert line == beyond == pytest.approx(known.difference_line_root_min)
    assert half == pytest.approx((apart + line) / 2)
    assert line < apart
