from __future__ import annotations

import warnings
from itertools import pairwise

import geopandas as gpd
import numpy as np
import pytest

from territory.errors import ParameterError
from territory.network.maps.osm import read_osm, sample_network
from tests.network.small_maps import points, snap, write_osm


def test_outlines_are_valid_nested_and_in_the_projection_of_the_network():
    network = sample_network()
    frame = network.isochrones(points(A=(6.40, 43.505), B=(6.42, 43.51)), minutes=(2, 0.5, 1))
    assert frame["from_id"].tolist() == ["A"] * 3 + ["B"] * 3
    assert frame["minutes"].tolist() == [0.5, 1, 2] * 2
    assert str(frame.crs) == network.crs
    assert frame.is_valid.all()
    assert (frame["area_km2"] > 0).all()
    for _, rows in frame.groupby("from_id"):
        shapes = rows.geometry.tolist()
        assert all(large.covers(small) for small, large in pairwise(shapes))


@pytest.mark.parametrize("minutes", [(), (0,), (-5,), (np.nan,), (np.inf,)])
def test_times_that_make_no_sense(minutes):
    with pytest.raises(ParameterError, match="minutes="):
        sample_network().isochrones(points(A=(6.40, 43.505)), minutes=minutes)


def test_squares_that_make_no_sense():
    for cell in (0, -1, np.nan):
        with pytest.raises(ParameterError, match=r"côté de maille|pas NaN"):
            sample_network().isochrones(points(A=(6.40, 43.505)), cell_m=cell)
    with pytest.raises(ParameterError, match="agrandissez la maille"):
        sample_network().isochrones(points(A=(6.40, 43.505)), cell_m=0.1)


def test_an_outline_holds_what_is_reached_in_time_and_no_more(shared_data):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        network = read_osm(shared_data / "roads" / "andorra_2025.osm.pbf")
    roads = network.roads
    home = gpd.GeoDataFrame(index=["Andorre"], geometry=gpd.points_from_xy([1.5218], [42.5063]), crs=4326)
    frame = network.isochrones(home, minutes=(5, 10, 20))
    rng = np.random.default_rng(2)
    served = np.flatnonzero(
        network.topology.is_main[roads.chain_of_vertex()] & network.topology.snappable_hops
    )
    rows = rng.choice(served, 600, replace=False)
    site = gpd.GeoDataFrame(
        index=[str(row) for row in rows],
        geometry=gpd.points_from_xy(
            roads.x[rows] + rng.normal(0, 100, 600), roads.y[rows] + rng.normal(0, 100, 600)
        ),
        crs=network.crs,
    )
    near = snap(network, site)["distance_m"].to_numpy() < 400
    time = network.travel_time_matrix(home, site)[0]
    for minutes, outline in zip(frame["minutes"], frame.geometry, strict=True):
        # a point is placed on its nearest road, while the outline takes the fastest one: only one side is exact
        inside = site.within(outline).to_numpy()
        assert inside[near & (time <= minutes - 0.75)].mean() > 0.995
        assert inside[time <= minutes].mean() > 0.9
        outside = ~site.within(outline.buffer(600)).to_numpy()
        assert (time[outside] > minutes).all()


def test_a_place_too_far_from_roads_is_not_drawn():
    frame = sample_network().isochrones(points(A=(6.40, 43.505)), minutes=(60,))
    roads = sample_network().roads
    streets = gpd.GeoSeries(gpd.points_from_xy(roads.x, roads.y), crs=roads.crs).union_all().convex_hull
    assert frame.geometry[0].within(streets.buffer(500 + 200))


def test_a_road_beside_the_far_end_of_a_long_one_is_looked_at_too(tmp_path):
    # eight kilometres without a bend, and a road beside them that is reached from their other end alone
    nodes = {1: (6.4, 43.5), 2: (6.5, 43.5), 3: (6.5, 43.51), 4: (6.49, 43.503), 5: (6.44, 43.503)}
    ways = {row: (refs, {"highway": "tertiary"}) for row, refs in enumerate(([1, 2], [2, 3, 4, 5]), 1)}
    network = read_osm(write_osm(tmp_path / "r.osm", nodes, ways))
    site, places = points(A=(6.4, 43.5)), points(on=(6.445, 43.5), beside=(6.445, 43.5028))
    reached = network.travel_time_matrix(site, places, islands=True)[0] <= 6
    outline = network.isochrones(site, minutes=(6,), islands=True).geometry.iloc[0]
    assert places.to_crs(network.crs).within(outline).tolist() == reached.tolist() == [True, False]


def ring(tmp_path, **tags):
    """A square of roads, one step of 0.01° being some 800 m."""
    nodes = {1: (6.40, 43.50), 2: (6.50, 43.50), 3: (6.50, 43.55), 4: (6.40, 43.55)}
    nodes |= {5: (6.41, 43.50), 6: (6.42, 43.50), 7: (6.45, 43.50), 8: (6.47, 43.50)}
    ways = {row: ([row, row % 4 + 1], {"highway": "secondary", **tags}) for row in range(1, 5)}
    ways[1][0][1:1] = [5, 6, 7, 8]
    return read_osm(write_osm(tmp_path / "r.osm", nodes, ways))


def test_an_outline_does_not_depend_on_the_other_times_asked(tmp_path):
    network = ring(tmp_path)
    alone = network.isochrones(points(A=(6.40, 43.50)), minutes=(5,)).geometry.iloc[0]
    for minutes in ((5, 6), (5, 15), (2, 5, 30)):
        frame = network.isochrones(points(A=(6.40, 43.50)), minutes=minutes)
        other = frame.set_index("minutes").geometry[5.0]
        assert other.symmetric_difference(alone).area < 1e-6 * alone.area


@pytest.mark.parametrize("direction", ["from", "to"])
@pytest.mark.parametrize(
    "tags", [{}, {"oneway": "yes"}, {"maxspeed:forward": "30", "maxspeed:backward": "70"}]
)
@pytest.mark.parametrize("off", [0.01, 0.0])
def test_an_outline_is_that_of_travel_times_within_a_square(tmp_path, direction, tags, off):
    network, cell, limit = ring(tmp_path, **tags), 50.0, 7.0
    site = points(A=(6.43, 43.50 + off))
    outline = network.isochrones(
        site, minutes=(limit,), direction=direction, cell_m=cell, islands=True
    ).geometry.iloc[0]
    x_min, y_min, x_max, y_max = outline.buffer(1200).bounds
    x, y = (axis.ravel() for axis in np.meshgrid(np.arange(x_min, x_max, 150), np.arange(y_min, y_max, 150)))
    places = gpd.GeoDataFrame(
        index=[str(row) for row in range(x.size)], geometry=gpd.points_from_xy(x, y), crs=network.crs
    )
    places = places[snap(network, places, max_snap_m=5000, islands=True)["distance_m"].to_numpy() < 400]
    ends = (site, places) if direction == "from" else (places, site)
    times = network.travel_time_matrix(*ends, islands=True).ravel()
    inside, near = (
        places.within(outline).to_numpy(),
        places.distance(outline.boundary).to_numpy() < 1.5 * cell,
    )
    assert (~near & (times < limit)).sum() > 50
    np.testing.assert_array_equal(inside[~near], (times <= limit)[~near])


def test_inbound_and_outbound_differ_on_a_one_way_ring(tmp_path):
    network = ring(tmp_path, oneway="yes")
    site = points(A=(6.43, 43.50))
    out, home = (
        network.isochrones(site, minutes=(4,), direction=one, islands=True).geometry.iloc[0]
        for one in ("from", "to")
    )
    assert out.centroid.x > home.centroid.x + 1000
    with pytest.raises(ParameterError, match="direction='vers'"):
        network.isochrones(site, direction="vers")
