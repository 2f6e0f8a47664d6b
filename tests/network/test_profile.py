from __future__ import annotations

import math

import numpy as np
import pytest

from territory.errors import TerritoryWarning
from territory.network.graph.arrays import PLAIN, SIGNAL, STOP
from territory.network.maps.car_profile import blocks_cars, drive, node_kind, read_duration_s, way_table


@pytest.mark.parametrize(
    "tags",
    [
        {},
        {"highway": "footway"},
        {"highway": "construction", "construction": "primary"},
        {"highway": "proposed"},
        {"highway": "residential", "access": "private"},
        {"highway": "residential", "access": "no"},
        {"highway": "residential", "motor_vehicle": "no"},
        {"highway": "residential", "access": "yes", "motorcar": "no"},
        {"highway": "service", "service": "emergency_access"},
        {"highway": "service", "area": "yes"},
        {"highway": "track"},
        {"highway": "track", "tracktype": "grade3"},
        {"highway": "primary", "oneway": "reversible"},
        {"highway": "residential", "oneway": "yes", "motor_vehicle:forward": "no"},
        {"route": "ferry", "foot": "yes"},
        {"route": "ferry", "motor_vehicle": "no"},
    ],
)
def test_where_no_car_drives(tags):
    assert drive(tags) is None


@pytest.mark.parametrize(
    "tags, road_class",
    [
        ({"highway": "residential", "access": "no", "motor_vehicle": "yes"}, "residential"),
        ({"highway": "residential", "vehicle": "no", "motorcar": "permissive"}, "residential"),
        ({"highway": "residential", "access": "destination"}, "destination"),
        ({"highway": "residential", "motor_vehicle": "destination", "access": "yes"}, "destination"),
        ({"highway": "track", "tracktype": "grade1"}, "track"),
        ({"highway": "track", "motor_vehicle": "yes"}, "track"),
        ({"highway": "motorway_link"}, "motorway_link"),
        ({"route": "ferry"}, "ferry"),
        ({"route": "ferry", "foot": "yes", "motorcar": "yes"}, "ferry"),
    ],
)
def test_where_cars_drive(tags, road_class):
    assert drive(tags).road_class == road_class


@pytest.mark.parametrize(
    "tags, direction",
    [
        ({"highway": "primary"}, 3),
        ({"highway": "primary", "oneway": "yes"}, 1),
        ({"highway": "primary", "oneway": "1"}, 1),
        ({"highway": "primary", "oneway": "-1"}, 2),
        ({"highway": "primary", "oneway": "alternating"}, 3),
        ({"highway": "motorway"}, 1),
        ({"highway": "motorway", "oneway": "no"}, 3),
        ({"highway": "motorway_link"}, 3),
        ({"highway": "primary", "junction": "roundabout"}, 1),
        ({"highway": "primary", "junction": "roundabout", "oneway": "-1"}, 2),
        ({"highway": "primary", "oneway": "yes", "oneway:motor_vehicle": "no"}, 3),
        ({"highway": "primary", "motor_vehicle:backward": "no"}, 1),
        ({"highway": "primary", "access:forward": "no"}, 2),
    ],
)
def test_directions(tags, direction):
    assert drive(tags).direction == direction


def test_limits_by_direction_and_from_the_type_of_zone():
    one = drive({"highway": "primary", "maxspeed": "80", "maxspeed:backward": "50"})
    assert (one.maxspeed_forward_kmh, one.maxspeed_backward_kmh) == (80, 50)
    assert drive({"highway": "primary", "source:maxspeed": "FR:urban"}).maxspeed_forward_kmh == 50
    assert (
        drive({"highway": "primary", "maxspeed": "signals", "maxspeed:type": "FR:rural"}).maxspeed_forward_kmh
        == 80
    )
    assert math.isnan(drive({"highway": "primary"}).maxspeed_forward_kmh)


def test_unreadable_limits_are_counted_once_per_way():
    driven = [drive({"highway": "primary", "maxspeed": "vite"}), drive({"highway": "primary"})]
    with pytest.warns(TerritoryWarning, match="2 routes ont une limite de vitesse illisible"):
        table = way_table(np.arange(3), driven, np.array([0, 0, 1]))
    assert np.isnan(table.maxspeed_forward_kmh).all()


@pytest.mark.parametrize(
    "text, seconds",
    [("01:30", 5400), ("1:30:30", 5430), ("90", 5400), ("PT20M", 1200), ("PT1H", 3600), ("7.5", 450)],
)
def test_durations(text, seconds):
    assert read_duration_s(text) == seconds


@pytest.mark.parametrize("text", ["", "0", "00:00", "long", "-5", "1:99", "PT"])
def test_durations_that_say_nothing(text):
    assert math.isnan(read_duration_s(text))


@pytest.mark.parametrize(
    "tags, is_blocked",
    [
        ({"barrier": "bollard"}, True),
        ({"barrier": "bollard", "motor_vehicle": "yes"}, False),
        ({"barrier": "gate"}, False),
        ({"barrier": "gate", "access": "private"}, True),
        ({"barrier": "gate", "locked": "yes"}, True),
        ({"barrier": "lift_gate", "access": "no", "motorcar": "yes"}, False),
        ({"barrier": "toll_booth"}, False),
        ({"highway": "stop"}, False),
    ],
)
def test_barriers(tags, is_blocked):
    assert blocks_cars(tags) is is_blocked


def test_kinds_of_nodes():
    assert node_kind({"highway": "traffic_signals"}) == SIGNAL
    assert node_kind({"highway": "give_way"}) == STOP
    assert node_kind({"highway": "crossing"}) == PLAIN
