from __future__ import annotations

import math

import numpy as np
import pytest

from territory.network.graph.arrays import PLAIN, SIGNAL, STOP
from territory.network.maps.conditions import holds
from territory.network.maps.profiles import (
    PROFILES,
    count_asides,
    drive,
    judge,
    node_kind,
    read_duration_s,
    stops,
    way_table,
)


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
        {"highway": "footway", "access": "yes"},
        {"highway": "track", "tracktype": "grade1", "motor_vehicle": "forestry;agricultural"},
        {"highway": "track", "tracktype": "grade1", "motor_vehicle": "agricultural; forestry"},
        {"highway": "tertiary", "access": "private;no"},
        {"highway": "tertiary", "access": "taxi"},
        {"highway": "tertiary", "access": "emergency_vehicle"},
        {"highway": "tertiary", "access": "foot"},
        {"highway": "tertiary", "access": "fishing"},
        {"highway": "tertiary", "access": "Private"},
        {"highway": "tertiary", "smoothness": "impassable"},
        {"highway": "tertiary", "maxwidth": "0.5"},
        {"highway": "tertiary", "maxheight": "1 m"},
        {"highway": "tertiary", "maxweight": "500 kg"},
        {"highway": "tertiary", "construction": "yes"},
        {"highway": "service", "barrier": "block"},
        {"highway": "tertiary", "motor_vehicle:conditional": "no @ (08:00-19:00)"},
        {"highway": "tertiary", "motor_vehicle": "no", "motor_vehicle:conditional": "yes @ (22:00-06:00)"},
    ],
)
def test_where_no_car_drives(tags):
    assert drive(tags) is None


@pytest.mark.parametrize(
    "tags, road_class",
    [
        ({"highway": "residential", "access": "no", "motor_vehicle": "yes"}, "residential"),
        ({"highway": "residential", "vehicle": "no", "motorcar": "permissive"}, "residential"),
        ({"highway": "residential", "access": "destination"}, "residential"),
        ({"highway": "track", "motor_vehicle": "destination"}, "track"),
        ({"highway": "cycleway", "motor_vehicle": "designated"}, "service"),
        ({"highway": "pedestrian", "motor_vehicle": "yes"}, "living_street"),
        ({"route": "ferry", "foot": "no"}, "ferry"),
        ({"route": "ferry", "bicycle": "no"}, "ferry"),
        ({"route": "shuttle_train", "motorcar": "yes"}, "shuttle_train"),
        ({"highway": "primary", "maxheight": "1.9", "maxwidth": "2 m", "maxweight": "3.5"}, "primary"),
        ({"highway": "primary", "construction": "minor"}, "primary"),
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
        ({"highway": "primary", "access": "no", "access:forward": "yes"}, 1),
        ({"highway": "primary", "access:forward": "no", "motorcar": "yes"}, 3),
        ({"highway": "primary", "motor_vehicle:backward": "agricultural;forestry"}, 1),
        ({"highway": "primary", "oneway": "Yes"}, 1),
        ({"highway": "primary", "oneway:conditional": "yes @ (Mo-Fr 09:00-11:00)"}, 1),
        ({"highway": "primary", "oneway:conditional": "yes @ (Mo-Fr 16:00-19:00)"}, 3),
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


@pytest.mark.parametrize(
    "value, is_destination",
    [
        ("destination", True),
        ("private;customers", True),
        ("destination;agricultural;forestry", True),
        ("delivery", True),
        ("official", False),
        ("yes;no", False),
        ("permissive", False),
    ],
)
def test_streets_that_are_only_a_destination(value, is_destination):
    assert drive({"highway": "tertiary", "access": value}).is_destination is is_destination
    assert (
        drive({"highway": "tertiary", "access": "no", "motor_vehicle": value}).is_destination
        is is_destination
    )


@pytest.mark.parametrize(
    "condition, held",
    [
        ("Mo-Fr 07:00-12:00", True),
        ("(Mo-Fr 07:00-09:30,16:00-18:30)", False),
        ("22:00-06:00", False),
        ("06:00-22:00", True),
        ("Sa-Mo", False),
        ("Tu", True),
        ("PH", None),
        ("wet", None),
        ("weight>3.5", None),
        ("sunset-sunrise", None),
        ("Nov-Apr", 0b110000001111),
        ("Nov 15-Apr 30", 0b110000001111),
        ("winter", 0b110000001111),
        ("Jul,Aug", 0b11000000),
        ("Nov-Apr 20:00-06:00", None),
    ],
)
def test_conditions_at_ten_on_a_tuesday(condition, held):
    assert holds(condition) is held if held in (True, False, None) else holds(condition) == held


def test_a_pass_that_winter_closes_is_open_and_says_its_months():
    road = drive({"highway": "secondary", "access:conditional": "no @ (Nov-May)"})
    assert (road.direction, road.closed_months) == (3, 0b110000011111)


def test_what_is_left_aside_is_counted_by_way():
    tags = [
        {"highway": "primary", "maxspeed": "vite"},
        {"highway": "primary"},
        {"highway": "residential", "maxspeed": "none"},
        {"highway": "primary", "maxspeed": "0.01"},
        {"highway": "primary", "access": "fishing"},
        {"highway": "primary", "oneway": "reversible"},
        {"highway": "primary", "access:conditional": "no @ wet"},
        {"route": "ferry", "duration": "une heure"},
    ]
    driven = [judge(one, PROFILES["car"]) for one in tags]
    counts = count_asides(driven, np.array([0, 0, 1, 2, 3, 4, 5, 6, 7]))
    assert counts == {
        "limites de vitesse illisibles": 2,
        "limites de vitesse invraisemblables": 2,
        "valeurs d'accès inconnues, tenues pour fermées": 1,
        "voies dont le sens change selon l'heure, laissées de côté": 1,
        "conditions (heure, temps, poids…) qui ne se lisent pas, ignorées": 1,
        "durées de traversée illisibles": 1,
    }
    assert np.isnan(way_table(np.arange(9), driven, np.repeat(0, 9)).maxspeed_forward_kmh).all()


@pytest.mark.parametrize(
    "profile, tags, road_class, direction",
    [
        ("foot", {"highway": "steps"}, "foot_steps", 3),
        ("foot", {"highway": "footway"}, "foot", 3),
        ("foot", {"highway": "residential", "oneway": "yes"}, "foot", 3),
        ("foot", {"highway": "residential", "motor_vehicle": "no"}, "foot", 3),
        ("foot", {"highway": "motorway"}, None, 0),
        ("foot", {"highway": "trunk", "foot": "yes"}, "foot", 3),
        ("foot", {"highway": "path", "foot": "private"}, None, 0),
        ("foot", {"highway": "cycleway"}, None, 0),
        ("foot", {"highway": "trunk", "sidewalk": "both"}, "foot", 3),
        ("bicycle", {"highway": "cycleway"}, "bicycle", 3),
        ("bicycle", {"highway": "residential", "oneway": "yes"}, "bicycle", 1),
        ("bicycle", {"highway": "residential", "oneway": "yes", "oneway:bicycle": "no"}, "bicycle", 3),
        ("bicycle", {"highway": "residential", "oneway": "yes", "cycleway": "opposite_lane"}, "bicycle", 3),
        ("bicycle", {"highway": "footway"}, None, 0),
        ("bicycle", {"highway": "footway", "bicycle": "yes"}, "bicycle", 3),
        ("bicycle", {"highway": "pedestrian"}, "bicycle_pushed", 3),
        ("bicycle", {"highway": "steps"}, None, 0),
        ("bicycle", {"highway": "track"}, "bicycle_track", 3),
        ("bicycle", {"highway": "primary", "bicycle": "no"}, None, 0),
        ("bicycle", {"highway": "trunk", "motorroad": "yes"}, None, 0),
    ],
)
def test_where_one_walks_or_rides(profile, tags, road_class, direction):
    one = judge(tags, PROFILES[profile])
    assert one.direction == direction
    assert (one.road_class if direction else None) == road_class


@pytest.mark.parametrize(
    "text, seconds",
    [
        ("30 min", 1800),
        ("1h30", 5400),
        ("02:30;03:30", 12600),
        ("00:30-00:45", 2700),
        ("01:30", 5400),
        ("1:30:30", 5430),
        ("90", 5400),
        ("PT20M", 1200),
        ("PT1H", 3600),
        ("7.5", 450),
    ],
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
        ({"barrier": "toll_booth", "access": "no"}, True),
        ({"barrier": "cattle_grid", "motor_vehicle": "private"}, True),
        ({"barrier": "entrance", "access": "no"}, True),
        ({"barrier": "border_control", "access": "no"}, True),
        ({"barrier": "gate", "access": "forestry;agricultural"}, True),
        ({"barrier": "gate", "access": "private;customers"}, False),
        ({"barrier": "gate", "access": "no", "access:conditional": "yes @ (06:00-22:00)"}, True),
        ({"barrier": "bollard;gate"}, True),
        ({"barrier": "cable"}, True),
        ({"barrier": "height_restrictor", "maxheight": "1.9"}, False),
        ({"barrier": "height_restrictor", "maxheight": "1"}, True),
    ],
)
def test_barriers(tags, is_blocked):
    assert stops(tags, PROFILES["car"]) is is_blocked


def test_kinds_of_nodes():
    assert node_kind({"highway": "traffic_signals"}) == SIGNAL
    assert node_kind({"highway": "give_way"}) == STOP
    assert node_kind({"highway": "crossing"}) == PLAIN
