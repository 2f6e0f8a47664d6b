from __future__ import annotations

import numpy as np
import pytest
from shapely import LineString, box

from territory.errors import NetworkError, ParameterError
from territory.network.roads import RoadNetwork
from territory.study.words.changes import ChangeSpeeds
from territory.workflow.inputs.travel_times import RoadMap
from tests.network.small_maps import snap
from tests.network.test_situations import ROAD, at, make, minutes, points, rule

# a short road with a name, and a way round by the north; a pass that winter closes
NODES = {1: (0, 0), 2: (1, 0), 3: (3, 0), 4: (4, 0), 5: (2, 2), 6: (2, 0), 7: (2, -3)}
WAYS = {
    1: ([1, 2], ROAD),
    2: ([2, 6, 3], {**ROAD, "ref": "D 562;GR 4", "name": "Route de la Forêt"}),
    3: ([3, 4], ROAD),
    4: ([2, 5, 3], {**ROAD, "access:conditional": "no @ (Nov-Apr)"}),
    5: ([2, 7, 3], ROAD),
}
WAY = (0, 0), (4, 0)


@pytest.fixture
def network(tmp_path):
    return make(tmp_path, NODES, WAYS)


def square(x, y, side):
    return box(*at(x, y), *at(x + side, y + side))


@pytest.mark.parametrize(
    "where",
    [
        {"names": ["D 562"]},
        {"names": ["d562"]},
        {"names": ["GR4"]},
        {"names": ["route de la foret"]},
        {"way_ids": [2]},
        {"polygon": square(1.8, -0.1, 0.2)},
        {"polygon": square(0, -1, 4), "names": ["D562"]},
    ],
)
def test_a_closed_road_is_not_driven(network, where):
    today, closed = minutes(network, *WAY), minutes(network.with_works(**where), *WAY)
    assert today < 5
    assert 7 < closed < 9
    twice = minutes(network.with_works(**where, time_factor=2.0), *WAY)
    assert today < twice <= closed


def test_a_factor_multiplies_the_time_to_drive_and_closing_keeps_the_order(network):
    prepared = network.prepare()
    works = prepared.with_works(way_ids=[2], time_factor=1.5)
    assert works.is_prepared
    # the ends of the road itself: half as much again, but for the waits at its ends
    plain, slow = (one.hop_times.move.max(axis=0).astype(float) for one in (network, works))
    mine = network.roads.ways.way_id[network.roads.hop_way] == 2
    np.testing.assert_allclose(slow[mine], 1.5 * plain[mine], atol=1)
    np.testing.assert_array_equal(slow[~mine], plain[~mine])


def test_works_add_up_and_are_saved(network, tmp_path):
    both = network.with_works(way_ids=[2]).with_works(way_ids=[4])
    assert minutes(both, *WAY) > 9
    again = RoadNetwork.load(both.save(tmp_path / "n"))
    assert minutes(again, *WAY) == minutes(both, *WAY)


def test_what_winter_closes_is_closed_in_its_months(network):
    summer = network.with_works(way_ids=[2])
    winter = summer.with_works(month=1)
    assert 7 < minutes(summer, *WAY) < 9 < minutes(winter, *WAY)
    with pytest.raises(ParameterError, match="aucune route"):
        network.with_works(month=7)
    # as listed, whatever the map says
    assert minutes(network.with_works(names=["D562"], month=7), *WAY) > 7


def test_a_road_cut_in_its_middle_is_reached_from_each_side(network):
    works = network.with_works(polygon=square(1.9, -0.1, 0.5))
    assert minutes(works, *WAY) > 7
    assert minutes(works, (0, 0), (1.5, 0), islands=False) < 3
    # where it is closed, a place is served by the nearest open road
    inside = snap(works, points((2.5, 0)))
    assert inside["distance_m"].iloc[0] > 300


@pytest.mark.parametrize(
    "where, message",
    [
        ({"names": ["D 999"]}, r"1 nom ou numéro de route absent de la carte.*D 999"),
        ({"way_ids": [99]}, "1 voie absente"),
        ({"polygon": square(50, 50, 1)}, "aucune route"),
        ({"month": 13}, "de 1 à 12"),
        ({"way_ids": [2], "time_factor": 0.0}, "au-dessus de zéro"),
    ],
)
def test_works_on_nothing_are_refused(network, where, message):
    with pytest.raises(ParameterError, match=message):
        network.with_works(**where)


def drawn(*places):
    return LineString([at(*place) for place in places])


def test_a_drawn_road_joins_the_roads_that_it_ends_on_and_has_its_speed(network):
    closed = network.with_works(way_ids=[2])
    new = closed.with_line(drawn((0.5, 0), (3.5, 0)), speed_kmh=90, name="Déviation")
    assert minutes(new, *WAY) < minutes(network, *WAY)
    metres = new.length_km - network.length_km
    assert metres == pytest.approx(3 * 0.808, rel=0.01)
    row = new.roads.ways.way_id.argmin()
    here = new.roads.hop_way == row
    assert new.hop_times.move[0, here].sum() / 3.6e6 * 90 == pytest.approx(metres, rel=0.01)
    assert new.roads.names[new.roads.ways.name[row]] == "Déviation"
    # whoever lives on a road that it cuts still goes both ways
    for one, two in (((0.2, 0), (4, 0)), ((4, 0), (0.2, 0)), ((0.7, 0), (3.7, 0)), ((3.7, 0), (0.7, 0))):
        assert minutes(new, one, two, islands=False) < 6


def test_a_drawn_road_may_be_one_way_and_begin_at_a_junction(network):
    closed = network.with_works(way_ids=[2])
    new = closed.with_line(drawn((1, 0), (3, 0)), speed_kmh=90, is_oneway=True)
    assert new.roads.n_junctions == network.roads.n_junctions
    assert minutes(new, *WAY) < 5
    assert minutes(new, *WAY[::-1]) > 7


def test_turn_restrictions_hold_on_roads_that_are_cut(tmp_path):
    nodes = {**NODES, 8: (0, 1)}
    ways = {**WAYS, 6: ([2, 8], ROAD), 7: ([8, 5], ROAD)}
    ban = {1: rule("no_straight_on", to=(2,)), 2: rule("no_left_turn", to=(3,), left=(4,), via=(("w", 4),))}
    network = make(tmp_path, nodes, ways, {1: ban[1]})
    new = network.with_line(drawn((0.5, 0), (0, 1)), speed_kmh=90)
    free = make(tmp_path, nodes, ways).with_line(drawn((0.5, 0), (0, 1)), speed_kmh=90)
    assert minutes(new, (0.7, 0), (1.5, 0)) > minutes(free, (0.7, 0), (1.5, 0)) + 0.5
    assert minutes(new, (1.5, 0), (0.7, 0)) == minutes(free, (1.5, 0), (0.7, 0))


def test_a_drawn_road_gives_the_times_of_a_map_that_has_it(network, tmp_path):
    # it cuts two roads between their bends
    nodes = {**NODES, 8: (1.4, 0), 9: (2.25, 1.5)}
    ways = {**WAYS, 2: ([2, 8, 6, 3], WAYS[2][1]), 4: ([2, 5, 9, 3], WAYS[4][1]), 6: ([8, 9], ROAD)}
    (folder := tmp_path / "with").mkdir()
    built = make(folder, nodes, ways)
    here = built.roads.hop_way == built.roads.ways.way_id.tolist().index(6)
    hours, metres = built.hop_times.move[0, here].sum() / 3.6e6, built.roads.hop_length_m[here].sum()
    new = network.with_line(drawn((1.4, 0), (2.25, 1.5)), speed_kmh=metres / 1000 / hours)
    assert new.roads.n_junctions == built.roads.n_junctions
    places = points(*((x, y) for x in np.arange(0.1, 4, 0.4) for y in (-1.2, 0.0, 0.7, 1.4)))
    for one, other in zip(
        new.travel_time_matrix(places, places), built.travel_time_matrix(places, places), strict=True
    ):
        np.testing.assert_allclose(one, other, atol=0.02)


def test_a_road_drawn_away_from_all_others_is_refused(network):
    with pytest.raises(NetworkError, match=r"fin à plus de 100 m"):
        network.with_line(drawn((0, 0), (9, 9)), speed_kmh=50)
    with pytest.raises(ParameterError, match="de 5 à 160"):
        network.with_line(drawn((0, 0), (4, 0)), speed_kmh=500)


def test_a_scenario_closes_and_draws_what_python_does(network, tmp_path):
    change = ChangeSpeeds(roads=("D 562",), line=(at(0.5, 0), at(3.5, 0)), speed_kmh=90)
    road_map = RoadMap(tmp_path / "m.osm", tmp_path)
    expected = network.with_works(names=["D 562"]).with_line(drawn((0.5, 0), (3.5, 0)), speed_kmh=90)
    assert minutes(road_map.under(change, None), *WAY) == minutes(expected, *WAY)
    assert road_map.digest(change) != road_map.digest(change.model_copy(update={"roads": ("D 563",)}))
    assert change.said == "D 562 (fermées) ; une route neuve à 90 km/h"
    # the report says of these what they are: a scenario
    assert "heures de pointe, aux vitesses supposées" in ChangeSpeeds(period="peak").said
    assert not ChangeSpeeds(speeds_file="vitesses.csv").said
    winter = ChangeSpeeds(month=1)
    assert winter.said == "celles que ferme la saison (fermées)"
    assert minutes(road_map.under(winter, None), *WAY) == minutes(network.with_works(month=1), *WAY)
